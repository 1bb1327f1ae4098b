//! What one caller may reach, added to everything that is asked: to the search itself, and to every place within it
//! that speaks of another resource (chains, `_has`, `_list`, the owner of a compartment). Hidden resources are as if
//! they were not there, so what cannot be seen can neither be found nor found out.
//!
//! Decides nothing itself: the rules are those of [`Rights`](crate::Rights).

use super::cursor::Place;
use super::leaf::resources;
use super::sql::Sql;
use super::{numbers, planned};
use crate::caller::Caller;
use crate::db::Session;
use crate::error::StoreResult;
use crate::place;
use crate::rights::{Action, Ruling};
use fhir::search::Registry;
use fhir::search::query::{Filter, Of, ReferenceTest, Test};
use fhir::search::row::{Slot, Target};
use fhir::{Key, ResourceType};
use std::collections::HashSet;
use std::sync::Arc;

/// Resources tested in one statement.
const CHUNK: usize = 500;

/// A caller, and the search parameters in force.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) registry: &'a Arc<Registry>,
}

impl Reach<'_> {
    pub(crate) fn is_everything(&self) -> bool {
        self.caller.rights.are_everything()
    }

    pub(crate) fn ruling(&self, kind: ResourceType, action: Action) -> Arc<Ruling> {
        self.caller.rights.ruling(self.registry, kind, action)
    }

    /// What may be reached of these types (none named: all).
    pub(crate) fn of_kinds(&self, kinds: &[ResourceType], action: Action) -> Filter {
        match kinds {
            _ if self.is_everything() => Filter::everything(),
            [] => self.caller.rights.of_all_kinds(self.registry, action),
            [kind] => self.ruling(*kind, action).filter(),
            kinds => self.caller.rights.of_kinds(self.registry, kinds, action),
        }
    }

    /// What the caller may find of what the filter asks, among these types (none named: all).
    pub(crate) async fn narrowed<S: Session>(
        &self,
        session: &mut S,
        filter: &Filter,
        kinds: &[ResourceType],
        action: Action,
    ) -> StoreResult<Filter> {
        if self.is_everything() {
            return Ok(filter.clone());
        }
        let asked = self.as_seen(session, filter).await?;
        let reach = self.of_kinds(kinds, action);
        let needless = match kinds {
            [kind] => implies(&asked, &reach, *kind),
            _ => false,
        };
        Ok(if needless { asked } else { Filter::All(vec![asked, reach]) })
    }

    /// The filter of a search for contained resources; what contains them is narrowed apart.
    pub(crate) async fn narrowed_within<S: Session>(&self, session: &mut S, filter: &Filter) -> StoreResult<Filter> {
        if self.is_everything() { Ok(filter.clone()) } else { self.as_seen(session, filter).await }
    }

    /// The filter, where nothing in it looks at what the caller may not see.
    async fn as_seen<S: Session>(&self, session: &mut S, filter: &Filter) -> StoreResult<Filter> {
        let within = |inner: Filter, kind: ResourceType| {
            let reach = self.of_kinds(&[kind], Action::Search);
            Box::new(if reach == Filter::everything() { inner } else { Filter::All(vec![inner, reach]) })
        };
        Ok(match filter {
            Filter::All(parts) => Filter::All(self.each_as_seen(session, parts).await?),
            Filter::Any(parts) => Filter::Any(self.each_as_seen(session, parts).await?),
            Filter::Not(inner) => Filter::Not(Box::new(Box::pin(self.as_seen(session, inner)).await?)),
            Filter::Chain { sources, kind, inner } => {
                let inner = Box::pin(self.as_seen(session, inner)).await?;
                Filter::Chain { sources: sources.clone(), kind: *kind, inner: within(inner, *kind) }
            }
            Filter::Has { kind, sources, inner } => {
                let inner = Box::pin(self.as_seen(session, inner)).await?;
                Filter::Has { kind: *kind, sources: sources.clone(), inner: within(inner, *kind) }
            }
            Filter::List(id) => {
                let list = Key::new(ResourceType::parse("List").expect("a type of R4"), id.clone());
                if self.sees(session, &list).await? { filter.clone() } else { Filter::nothing() }
            }
            Filter::InCompartment { owner, .. } => {
                if self.sees(session, owner).await? {
                    filter.clone()
                } else {
                    Filter::nothing()
                }
            }
            plain => plain.clone(),
        })
    }

    async fn each_as_seen<S: Session>(&self, session: &mut S, parts: &[Filter]) -> StoreResult<Vec<Filter>> {
        let mut seen = Vec::with_capacity(parts.len());
        for part in parts {
            seen.push(Box::pin(self.as_seen(session, part)).await?);
        }
        Ok(seen)
    }

    /// Whether the caller may read what is now under this key.
    pub(crate) async fn sees<S: Session>(&self, session: &mut S, key: &Key) -> StoreResult<bool> {
        let ruling = self.ruling(key.kind, Action::Read);
        if ruling.is_never() || ruling.is_always() {
            return Ok(ruling.is_always());
        }
        if surely(&ruling, key) {
            return Ok(true);
        }
        let only = Filter::All(vec![Filter::Keys([key.clone()].into()), ruling.filter()]);
        let plan = planned(session, self.registry, &only).await?;
        Ok(!numbers(session, &plan, &[key.kind], Place::After(0), 1).await?.is_empty())
    }

    /// Those of the numbers that the caller may do this with, in the same order.
    pub(crate) async fn among<S: Session>(
        &self,
        session: &mut S,
        rids: Vec<i64>,
        action: Action,
    ) -> StoreResult<Vec<i64>> {
        if self.is_everything() || rids.is_empty() {
            return Ok(rids);
        }
        let mut seen: HashSet<i64> = HashSet::with_capacity(rids.len());
        let (mut kinds, mut doubtful) = (Vec::new(), Vec::new());
        for number in &rids {
            let (rid, _) = place::parted(*number);
            let Some(kind) = place::kind_of(rid) else { continue };
            let ruling = self.ruling(kind, action);
            if ruling.is_always() {
                seen.insert(rid);
            } else if !ruling.is_never() {
                doubtful.push(rid);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        if !doubtful.is_empty() {
            let reach = planned(session, self.registry, &self.of_kinds(&kinds, action)).await?;
            for some in doubtful.chunks(CHUNK) {
                // The numbers lead: few of them, while what may be seen can be very much.
                let mut sql = Sql::new(session.dialect());
                sql.push("SELECT q.rid FROM (");
                sql.set(&resources(some), &[]);
                sql.push(") q WHERE ").test(&reach, "q.rid");
                seen.extend(session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()));
            }
        }
        Ok(rids.into_iter().filter(|number| seen.contains(&place::parted(*number).0)).collect())
    }
}

/// Whether a resource passes all rules whatever it says.
fn surely(ruling: &Ruling, key: &Key) -> bool {
    ruling.rules.iter().all(|(_, filter)| is_sure(filter, key))
}

fn is_sure(filter: &Filter, key: &Key) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| is_sure(part, key)),
        Filter::Any(parts) => parts.iter().any(|part| is_sure(part, key)),
        Filter::Keys(keys) => keys.contains(key),
        Filter::OfPatients { patients, of: Of::Some, .. } => {
            key.kind.name() == "Patient" && patients.ids().contains(&key.id)
        }
        Filter::Kind(kinds) => kinds.contains(&key.kind),
        _ => false,
    }
}

/// Whether whatever passes what is asked passes the reach too, so that it need not be tested: a patient who asks for
/// what is about themselves.
fn implies(asked: &Filter, reach: &Filter, kind: ResourceType) -> bool {
    match reach {
        Filter::All(parts) => parts.iter().all(|part| implies(asked, part, kind)),
        Filter::Any(parts) => parts.iter().any(|part| implies(asked, part, kind)),
        Filter::Keys(keys) => demands(asked, &|part| match part {
            Filter::Ids(ids) => ids.iter().all(|id| keys.iter().any(|key| key.kind == kind && key.id == *id)),
            _ => false,
        }),
        Filter::Row { sources, tests } => {
            let [Test::Reference(ReferenceTest::ToAny(keys))] = tests.as_slice() else { return false };
            let covered = |slot: &Slot| sources.iter().any(|it| it.slot == *slot && it.only.is_none());
            demands(asked, &|part| points_at(part, kind, &covered, &|key| keys.contains(key)))
        }
        Filter::OfPatients { patients, slots, of: Of::Some } => {
            let own = |key: &Key| key.kind.name() == "Patient" && patients.ids().contains(&key.id);
            demands(asked, &|part| points_at(part, kind, &|slot| slots.contains(slot), &own))
        }
        _ => false,
    }
}

/// Whether whatever passes points from one of these slots at one of these resources.
fn points_at(part: &Filter, kind: ResourceType, covered: &dyn Fn(&Slot) -> bool, own: &dyn Fn(&Key) -> bool) -> bool {
    match part {
        Filter::Row { sources, tests } => {
            sources.iter().all(|it| covered(&it.slot)) && tests.iter().all(|test| leads_to(test, own))
        }
        // The owner itself is of another type than what is searched.
        Filter::InCompartment { owner, slots } => owner.kind != kind && own(owner) && slots.iter().all(covered),
        _ => false,
    }
}

/// Whether nothing passes the filter that does not pass such a part of it.
fn demands(filter: &Filter, is_enough: &dyn Fn(&Filter) -> bool) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(|part| demands(part, is_enough)),
        Filter::Any(parts) => parts.iter().all(|part| demands(part, is_enough)),
        part => is_enough(part),
    }
}

/// Whether a reference that passes the test points at one of these.
fn leads_to(test: &Test, own: &dyn Fn(&Key) -> bool) -> bool {
    match test {
        Test::Reference(ReferenceTest::To(Target::Local { key, .. })) => own(key),
        Test::Reference(ReferenceTest::ToId { id, kinds }) => {
            !kinds.is_empty() && kinds.iter().all(|kind| own(&Key::new(*kind, id.clone())))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Rights;
    use fhir::Id;
    use fhir::search::{Handling, Limits, Reading, Scope};

    /// What is asked of observations, and whether only what is about patient 7 can pass.
    #[track_caller]
    fn check(asked: &[(&str, &str)], expected: bool) {
        let registry = Registry::r4();
        let reading = Reading { registry: &registry, base: &Default::default(), limits: Limits::default(), now: 0 };
        let asked: Vec<_> = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let kind = ResourceType::parse("Observation").unwrap();
        let (query, _) = reading.query(&Scope::Type(kind), &asked, Handling::Strict).unwrap();
        let rights = Rights::patient(Id::parse("7").unwrap());
        let reach = rights.ruling(&registry, kind, Action::Search).filter();
        assert_eq!(implies(&query.filter, &reach, kind), expected, "{asked:?}");
    }

    #[test]
    fn who_asks_for_their_own_needs_no_further_test() {
        check(&[("patient", "Patient/7")], true);
        check(&[("patient", "7")], true);
        check(&[("subject", "Patient/7"), ("code", "x")], true);
        check(&[("subject", "Patient/7,Patient/7")], true);
        check(&[("performer", "Patient/7")], true);
    }

    #[test]
    fn what_may_be_about_others_is_tested() {
        check(&[], false);
        check(&[("code", "x")], false);
        check(&[("patient", "Patient/8")], false);
        check(&[("subject", "Patient/7,Patient/8")], false);
        // Any type of subject may have this id.
        check(&[("subject", "7")], false);
        check(&[("focus", "Patient/7")], false);
        check(&[("subject:missing", "false")], false);
        check(&[("subject:Patient._id", "7")], false);
        check(&[("_filter", "subject eq Patient/7 or code eq x")], false);
        check(&[("_filter", "not (subject eq Patient/7)")], false);
    }
}
