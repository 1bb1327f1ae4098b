//! `_include` and `_revinclude`: what the matches point at and what points at them, once or again and again.

use super::Reach;
use super::plan::Planner;
use super::sql::Sql;
use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::place;
use crate::rights::Action;
use fhir::ResourceType;
use fhir::search::Registry;
use fhir::search::query::Include;
use fhir::search::row::{Slot, SlotShape};
use std::collections::HashSet;

/// What may come along with one page.
const MOST: usize = 10_000;

/// The numbers that come along, without the matches, in the order they were found: what the caller may read, reached
/// through nothing that they may not.
pub(crate) async fn included<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    includes: &[Include],
    matches: &[i64],
) -> StoreResult<Vec<i64>> {
    let registry = reach.registry;
    let mut seen: HashSet<i64> = matches.iter().copied().collect();
    let mut found = Vec::new();
    let mut steps = Vec::new();
    for include in includes {
        let slots = slots_of(registry, include);
        let mut planner = Planner::of(session, registry);
        let by_address = planner.canonical_slots(&slots).await?;
        let numbers = planner.slots(slots.into_iter()).await?;
        if !numbers.is_empty() {
            steps.push((include, numbers, by_address));
        }
    }
    let mut fresh = matches.to_vec();
    let mut first = true;
    while !fresh.is_empty() {
        let mut next = Vec::new();
        for (include, slots, by_address) in steps.iter().filter(|(include, ..)| first || include.iterate) {
            let mut along = step(session, include, slots, &fresh).await?;
            if !by_address.is_empty() {
                along.extend(step_by_address(session, registry, include, by_address, &fresh).await?);
            }
            for rid in along {
                if seen.insert(rid) {
                    next.push(rid);
                }
            }
        }
        let next = reach.among(session, next, Action::Read).await?;
        if found.len() + next.len() > MOST {
            return Err(StoreError::TooCostly(format!(
                "more than {MOST} resources would come along; use a smaller _count"
            )));
        }
        found.extend(&next);
        fresh = next;
        first = false;
    }
    Ok(found)
}

fn slots_of(registry: &Registry, include: &Include) -> Vec<Slot> {
    if !include.slots.is_empty() {
        return include.slots.clone();
    }
    let of_type = |name: &str| include.from.is_none_or(|kind| name.split('.').next() == Some(kind.name()));
    let slots = registry.slots().iter().enumerate();
    slots
        .filter(|(_, it)| it.shape == SlotShape::Reference && of_type(&it.name))
        .map(|(at, _)| Slot(at as u32))
        .collect()
}

async fn step<S: Session>(session: &mut S, include: &Include, slots: &[i64], rids: &[i64]) -> StoreResult<Vec<i64>> {
    let of = |kind: Option<ResourceType>| move |rid: &i64| kind.is_none_or(|kind| place::kind_of(*rid) == Some(kind));
    let mut found = Vec::new();
    // Statements with a bounded number of values, so that they can be prepared once.
    for rids in rids.chunks(200) {
        let (wanted, given) = if include.reverse { ("rid", "target") } else { ("target", "rid") };
        let mut sql = Sql::new(session.dialect());
        sql.push(&format!("SELECT DISTINCT x.{wanted} FROM (SELECT t1.{wanted}, t1.slot"));
        let alias = sql.from("reference");
        sql.push(&format!("{alias}.{given}")).one_of(rids).push(&format!(" AND {alias}.target > 0) x WHERE x.slot"));
        sql.one_of(slots).push(&format!(" ORDER BY x.{wanted}"));
        found.extend(session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()));
    }
    let kind = if include.reverse { include.from } else { include.to };
    found.retain(of(kind));
    Ok(found)
}

/// The same for references by canonical address.
async fn step_by_address<S: Session>(
    session: &mut S,
    registry: &Registry,
    include: &Include,
    slots: &[i64],
    rids: &[i64],
) -> StoreResult<Vec<i64>> {
    let sought = match include.reverse {
        true => Planner::of(session, registry).addresses_of(rids).await?,
        false => rids.to_vec(),
    };
    let (wanted, given) = if include.reverse { ("rid", "target") } else { ("target", "rid") };
    let mut found = Vec::new();
    for some in sought.chunks(200) {
        let mut sql = Sql::new(session.dialect());
        sql.push(&format!("SELECT DISTINCT t1.{wanted}"));
        let alias = sql.from("reference");
        sql.push(&format!("{alias}.{given}")).one_of(some).push(&format!(" AND {alias}.target < 0 AND {alias}.slot"));
        sql.one_of(slots).push(&format!(" ORDER BY t1.{wanted}"));
        found.extend(session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()));
    }
    if !include.reverse {
        found = Planner::of(session, registry).named(&found).await?;
    }
    let kind = if include.reverse { include.from } else { include.to };
    found.retain(|rid| kind.is_none_or(|kind| place::kind_of(*rid) == Some(kind)));
    Ok(found)
}

/// Everything these refer to by any reference, ascending.
pub(crate) async fn referred<S: Session>(session: &mut S, rids: &[i64]) -> StoreResult<Vec<i64>> {
    let mut found = Vec::new();
    for rids in rids.chunks(200) {
        let mut sql = Sql::new(session.dialect());
        sql.push("SELECT DISTINCT t1.target");
        let alias = sql.from("reference");
        sql.push(&format!("{alias}.rid")).one_of(rids).push(&format!(" AND {alias}.target > 0"));
        found.extend(session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
