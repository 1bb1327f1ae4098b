//! `_contained`: resources that are found by what lies within them (FHIR R4, 3.1.1.5.11). The index leads to
//! containers that may pass; then each of them is read and its contained resources are judged one by one,
//! because all that is asked must hold for the same one.

use super::leaf::tokens;
use super::plan::{Plan, Planner, unsupported};
use super::terms::Terms;
use super::{Searcher, fetch, numbers, planned, terms};
use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::physical::{CONTAINS, Layer};
use crate::place;
use crate::rights::Action;
use crate::search::cursor::Place;
use crate::stored::{Match, Role, Stored};
use fhir::search::brute::{self, Holdings};
use fhir::search::query::{ContainedType, Filter, Query, ReferenceTest, Source, Test, TokenTest};
use fhir::search::row::{Row, Target, Token, code_key};
use fhir::search::{Registry, Texts, texts};
use fhir::{Id, Key, ResourceType, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Containers that are read for one search.
const MOST_READ: usize = 100_000;
/// Containers read at once.
const CHUNK: usize = 200;

impl Searcher<'_> {
    /// Numbers of the containers of what passes, or of the contained resources themselves, ascending.
    pub(super) async fn contained<S: Session>(&self, session: &mut S, query: &Query) -> StoreResult<Vec<i64>> {
        if !query.sort.is_empty() {
            return Err(unsupported("_sort together with _contained; the answer is in the order of the containers"));
        }
        if !query.includes.is_empty() {
            return Err(unsupported("_include and _revinclude together with _contained"));
        }
        let asked = self.reach.narrowed_within(session, &query.filter).await?;
        let filter = within(&asked)?;
        let mut plan = Planner::of(session, self.reach.registry).containers(&relaxed(&filter), &query.kinds).await?;
        if !self.reach.is_everything() {
            let reach = self.reach.of_kinds(&[], Action::Search);
            plan = Plan::all(vec![plan, planned(session, self.reach.registry, &reach).await?]);
        }
        let containers = numbers(session, &plan, &[], Place::After(0), MOST_READ + 1).await?;
        if containers.len() > MOST_READ {
            return Err(StoreError::TooCostly(format!(
                "more than {MOST_READ} resources contain what may be meant; add a condition"
            )));
        }
        let sets = Sets::of(session, self.reach.registry, &filter).await?;
        let mut found = Vec::new();
        for rids in containers.chunks(CHUNK) {
            session.check_time()?;
            for (rid, stored) in fetch::numbered(session, rids).await? {
                let places = self.passing(query, &filter, &stored, &sets);
                match query.contained_type {
                    ContainedType::Container if places.is_empty() => {}
                    ContainedType::Container => found.push(rid),
                    ContainedType::Contained => {
                        found.extend(places.into_iter().filter_map(|place| place::contained_in(rid, place)));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Which of the contained resources pass, by their places.
    fn passing(&self, query: &Query, filter: &Filter, stored: &Stored, sets: &Sets) -> Vec<usize> {
        let container = stored.value();
        let inner: &[Value] = container["contained"].as_array().map_or(&[], Vec::as_slice);
        let rows = self.reach.registry.contained_rows(&container, self.bases);
        let passes = |(id, kind, rows): (String, _, Vec<Row>)| {
            let place = inner.iter().position(|it| it["id"].as_str() == Some(&id))?;
            let key = Key::new(kind, Id::parse(&id)?);
            let asked = query.kinds.is_empty() || query.kinds.contains(&kind);
            let texts = Cow::Owned(texts(&inner[place]));
            let one = One { rows: rows.into(), texts, at: stored.at.div_euclid(1000), sets };
            (asked && brute::matches(filter, &key, &one)).then_some(place)
        };
        rows.into_iter().filter_map(passes).collect()
    }
}

impl<S: Session> Planner<'_, S> {
    /// Containers of resources of these types that may pass the filter.
    pub(super) async fn containers(mut self, filter: &Filter, kinds: &[ResourceType]) -> StoreResult<Plan> {
        let Some(slot) = self.slot_named(CONTAINS).await? else { return Ok(Plan::Nothing) };
        let terms = match kinds {
            [] => Terms::Any,
            kinds => Terms::List(kinds.iter().map(|kind| i64::from(kind.number())).collect()),
        };
        let holding = Plan::Leaf(tokens(&[slot], &terms, self.session.dialect()));
        self.layer = Layer::Contained;
        let mut plan = Plan::all(vec![holding, self.plan(filter).await?]);
        if let Plan::All(parts) = &mut plan {
            self.weigh(parts).await?;
        }
        Ok(plan)
    }
}

/// Entries for a page of numbers, some of which may be contained resources.
pub(super) async fn matches<S: Session>(session: &mut S, numbers: &[i64]) -> StoreResult<Vec<Match>> {
    let parted: Vec<(i64, Option<usize>)> = numbers.iter().map(|number| place::parted(*number)).collect();
    if parted.iter().all(|(_, place)| place.is_none()) {
        let stored = fetch::resources(session, numbers).await?;
        return Ok(stored.into_iter().map(|stored| Match::of(Role::Match, stored)).collect());
    }
    let mut rids: Vec<i64> = parted.iter().map(|(rid, _)| *rid).collect();
    rids.dedup();
    let containers: HashMap<i64, Stored> = fetch::numbered(session, &rids).await?.into_iter().collect();
    let entry = |(rid, place): &(i64, Option<usize>)| {
        let stored = containers.get(rid)?;
        match place {
            None => Some(Match::of(Role::Match, stored.clone())),
            Some(place) => alone(stored, *place),
        }
    };
    Ok(parted.iter().filter_map(entry).collect())
}

/// A contained resource by itself. It has no versions of its own: those of its container are its versions.
fn alone(container: &Stored, place: usize) -> Option<Match> {
    let value = container.value();
    let inner = value["contained"].get(place)?;
    let kind = ResourceType::parse(inner["resourceType"].as_str()?)?;
    let key = Key::new(kind, Id::parse(inner["id"].as_str()?)?);
    let body = serde_json::to_vec(inner).expect("a tree of JSON can be written").into();
    let stored = Stored { key, body, ..container.clone() };
    Some(Match { role: Role::Match, stored, container: Some(container.key.clone()) })
}

/// The filter as it is meant for contained resources; what asks about places they cannot be in is refused.
fn within(filter: &Filter) -> StoreResult<Filter> {
    let each = |all: &[Filter]| all.iter().map(within).collect::<StoreResult<Vec<Filter>>>();
    Ok(match filter {
        Filter::All(all) => Filter::All(each(all)?),
        Filter::Any(any) => Filter::Any(each(any)?),
        Filter::Not(inner) => Filter::Not(Box::new(within(inner)?)),
        Filter::Chain { .. } => {
            return Err(unsupported("a chain together with _contained; ask what the contained resource itself says"));
        }
        Filter::Has { .. } => return Err(unsupported("_has together with _contained; nothing else points inside")),
        Filter::List(_) => return Err(unsupported("_list together with _contained; lists have no contained members")),
        Filter::Keys(_) => return Err(unsupported("keys together with _contained; they name top-level resources")),
        // A contained resource may point at the owner; it never is the owner, whatever its id.
        Filter::InCompartment { owner, slots } => Filter::Row {
            sources: slots.iter().map(|slot| Source { slot: *slot, only: None }).collect(),
            tests: vec![Test::Reference(ReferenceTest::To(Target::Local { key: owner.clone(), version: None }))],
        },
        Filter::OfPatients { .. } => return Err(unsupported("_contained for a caller who may not see everything")),
        other => other.clone(),
    })
}

/// What a container surely passes when something within it passes the filter, as far as the index can tell.
fn relaxed(filter: &Filter) -> Filter {
    match filter {
        Filter::All(all) => Filter::All(all.iter().map(relaxed).collect()),
        Filter::Any(any) => Filter::Any(any.iter().map(relaxed).collect()),
        Filter::Row { .. } | Filter::LastUpdated(_) => filter.clone(),
        // Others within the same container may have what this one must not have; ids within are not indexed.
        _ => Filter::everything(),
    }
}

/// One resource by itself, for the judge.
pub(super) struct One<'a> {
    pub(super) rows: Cow<'a, [Row]>,
    pub(super) texts: Cow<'a, Texts>,
    /// When it was written, in milliseconds.
    pub(super) at: i64,
    pub(super) sets: &'a Sets,
}

impl Holdings for One<'_> {
    fn keys(&self, _: ResourceType) -> Vec<Key> {
        Vec::new()
    }

    fn rows(&self, _: &Key) -> &[Row] {
        &self.rows
    }

    fn last_updated(&self, _: &Key) -> i64 {
        self.at
    }

    fn texts(&self, _: &Key) -> Texts {
        self.texts.clone().into_owned()
    }

    fn canonical(&self, _: &str, _: Option<&str>) -> Vec<Key> {
        Vec::new()
    }

    fn listed(&self, _: &Id) -> Vec<Key> {
        Vec::new()
    }

    fn in_value_set(&self, value_set: &str, token: &Token) -> bool {
        let (Some(system), Some(code)) = (&token.system, &token.code) else { return false };
        let codes = self.sets.value_sets.get(value_set);
        codes.is_some_and(|codes| codes.contains(&(system.clone(), code_key(code).into_owned())))
    }

    fn subsumes(&self, system: &str, above: &str, below: &str) -> bool {
        let pairs = self.sets.hierarchies.get(system);
        pairs.is_some_and(|pairs| pairs.iter().any(|(first, second)| first == above && second == below))
    }
}

/// The value sets and hierarchies that a filter speaks of.
#[derive(Default)]
pub(super) struct Sets {
    value_sets: HashMap<String, HashSet<(String, String)>>,
    hierarchies: HashMap<String, Vec<(String, String)>>,
}

impl Sets {
    pub(super) async fn of<S: Session>(session: &mut S, registry: &Registry, filter: &Filter) -> StoreResult<Sets> {
        let mut asked = Vec::new();
        codes_of(filter, &mut asked);
        let mut sets = Sets::default();
        let mut planner = Planner::of(session, registry);
        for test in asked {
            match test {
                TokenTest::In(url) if !sets.value_sets.contains_key(url) => {
                    let codes = terms::expand(&mut planner, url).await?;
                    let codes = codes.into_iter().map(|(system, code)| (system, code_key(&code).into_owned()));
                    sets.value_sets.insert(url.clone(), codes.collect());
                }
                TokenTest::Below { system, .. } | TokenTest::Above { system, .. }
                    if !sets.hierarchies.contains_key(system) =>
                {
                    let pairs = terms::hierarchy(&mut planner, system).await?;
                    sets.hierarchies.insert(system.clone(), pairs);
                }
                _ => {}
            }
        }
        Ok(sets)
    }
}

/// The questions about codes in a filter.
fn codes_of<'a>(filter: &'a Filter, found: &mut Vec<&'a TokenTest>) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().for_each(|part| codes_of(part, found)),
        Filter::Not(inner) => codes_of(inner, found),
        Filter::Row { tests, .. } => tests.iter().for_each(|test| codes_in(test, found)),
        _ => {}
    }
}

fn codes_in<'a>(test: &'a Test, found: &mut Vec<&'a TokenTest>) {
    match test {
        Test::Token(test) => found.push(test),
        Test::Not(inner) => codes_in(inner, found),
        Test::Composite { first, second, third } => {
            found.push(first);
            codes_in(second, found);
            third.iter().for_each(|third| codes_in(third, found));
        }
        _ => {}
    }
}
