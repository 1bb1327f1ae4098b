//! Two answers that are more than a search: everything of a patient or encounter, and the last of each code.

use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::place;
use crate::rights::Action;
use crate::search::{Searcher, fetch};
use crate::stored::{Match, Page, PageCursor, Role};
use fhir::search::query::{Contained, Filter, Query};
use fhir::{Key, ResourceType};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What `$everything` asks.
#[derive(Clone, Debug)]
pub struct Everything {
    /// A Patient or an Encounter.
    pub owner: Key,
    /// Only these types; empty for all.
    pub kinds: Vec<ResourceType>,
    /// Only what was written at or after this (microseconds).
    pub since: Option<i64>,
    pub count: u32,
    pub cursor: Option<PageCursor>,
}

impl Everything {
    pub fn of(owner: Key, count: u32) -> Everything {
        Everything { owner, kinds: Vec::new(), since: None, count, cursor: None }
    }
}

/// The owner first, then its compartment, then what these refer to (practitioners, organisations, medications).
/// The list is made once and kept for its page links, so the pages are of one moment.
pub(crate) async fn everything<S: Session>(
    session: &mut S,
    searcher: &Searcher<'_>,
    asked: &Everything,
) -> StoreResult<Page> {
    let id = everything_id(asked);
    let size = asked.count as usize;
    if let Some(page) = searcher.go_on(session, id, asked.cursor.as_ref(), size).await? {
        return Ok(page);
    }
    let registry = searcher.reach.registry;
    let compartment = asked.owner.kind.name();
    let slots = ResourceType::all().flat_map(|kind| registry.compartment_slots(compartment, kind)).collect();
    let inside = Filter::InCompartment { owner: asked.owner.clone(), slots };
    let mut rids = searcher.numbers(session, &inside, &[]).await?;
    if rids.is_empty() {
        return Err(StoreError::NotFound(asked.owner.clone()));
    }
    // What they refer to, but not other people's records: those have a compartment of their own.
    let personal = |rid: &i64| {
        place::kind_of(*rid)
            .is_none_or(|kind| kind.name() == "Patient" || !registry.compartment_slots("Patient", kind).is_empty())
    };
    let referred = searcher.referred(session, &rids).await?;
    let supporting: Vec<i64> = referred.into_iter().filter(|rid| !personal(rid) || is_context(*rid)).collect();
    let supporting = searcher.reach.among(session, supporting, Action::Read).await?;
    let owner = rids.iter().position(|rid| place::kind_of(*rid) == Some(asked.owner.kind));
    if let Some(at) = owner {
        let owner = rids.remove(at);
        rids.insert(0, owner);
    }
    let seen: std::collections::HashSet<i64> = rids.iter().copied().collect();
    rids.extend(supporting.into_iter().filter(|rid| !seen.contains(rid)));
    if !asked.kinds.is_empty() {
        rids.retain(|rid| place::kind_of(*rid).is_some_and(|kind| asked.kinds.contains(&kind)));
    }
    let rids = searcher.live_since(session, rids, asked.since).await?;
    searcher.listed(session, &Query::default(), id, rids, size).await
}

/// Types that are listed in the patient compartment through their own roles but serve as context here.
fn is_context(rid: i64) -> bool {
    place::kind_of(rid).is_some_and(|kind| {
        matches!(
            kind.name(),
            "Practitioner" | "PractitionerRole" | "Organization" | "Location" | "Medication" | "Device"
        )
    })
}

/// Grouped by code, the newest `n` of each group (FHIR R4, Observation/$lastn).
pub(crate) async fn last_n<S: Session>(
    session: &mut S,
    searcher: &Searcher<'_>,
    query: &Query,
    n: u32,
) -> StoreResult<Page> {
    if query.contained != Contained::False {
        return Err(StoreError::NotSupported("_contained in $lastn".to_owned()));
    }
    let rids = searcher.sorted(session, query).await?;
    let mut taken: HashMap<String, u32> = HashMap::new();
    let mut entries = Vec::new();
    for rids in rids.chunks(500) {
        for stored in fetch::resources(session, rids).await? {
            let codes = codes(&stored.body);
            // Codings of one concept are one group: a later observation with any of them belongs to it.
            let before = codes.iter().filter_map(|code| taken.get(code)).max().copied().unwrap_or(0);
            for code in codes {
                taken.insert(code, before + 1);
            }
            if before < n {
                entries.push(Match::of(Role::Match, stored));
            }
        }
    }
    let total = Some(entries.len() as u64);
    Ok(Page { entries, total, next: None, previous: None })
}

/// The codes of an observation, of which nothing else is looked at: there can be thousands for the few that are given out.
fn codes(body: &[u8]) -> Vec<String> {
    let Ok(Coded { code: Concept { coding, text } }) = serde_json::from_slice(body) else { return Vec::new() };
    if coding.is_empty() {
        return vec![text.into_owned()];
    }
    coding.iter().map(|it| format!("{}|{}", it.system, it.code)).collect()
}

#[derive(Deserialize)]
struct Coded<'a> {
    #[serde(borrow, default)]
    code: Concept<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Concept<'a> {
    #[serde(borrow)]
    coding: Vec<Coding<'a>>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Coding<'a> {
    #[serde(borrow)]
    system: Cow<'a, str>,
    #[serde(borrow)]
    code: Cow<'a, str>,
}

fn everything_id(asked: &Everything) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&asked.owner, &asked.kinds, asked.since).hash(&mut hasher);
    hasher.finish()
}
