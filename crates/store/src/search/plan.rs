//! From a query to a plan: names become numbers. A name that is nowhere in the store cannot be found,
//! which ends many searches before they begin.

use super::leaf::{
    Leaf, among, negated, of_any_kind, pointing_among, pointing_at, present, resources, strings, tokens,
};
use super::spans::{compare_amount, dates, quantity_leaf, updated, window};
use super::terms::{Terms, token_terms};
use crate::db::table::RID_BY_ID;
use crate::db::{Rows, Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::{by_id, space, term_key};
use crate::physical::{Layer, elsewhere, version_name};
use crate::place;
use fhir::search::Registry;
use fhir::search::query::{Filter, Of, Patients, QuantityTest, ReferenceTest, Source, Test, UnitTest, UriTest, Words};
use fhir::search::row::{Slot, SlotShape, Target};
use fhir::{Key, ResourceType};
use std::collections::HashMap;

/// A filter in numbers.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Nothing,
    All(Vec<Plan>),
    Any(Vec<Plan>),
    Not(Box<Plan>),
    Kinds(Vec<ResourceType>),
    Leaf(Leaf),
    Chain { slots: Vec<i64>, kind: ResourceType, inner: Box<Plan> },
    Has { slots: Vec<i64>, kind: ResourceType, inner: Box<Plan> },
}

impl Plan {
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Plan::All(parts) if parts.iter().all(Plan::is_everything))
    }

    pub(crate) fn can_drive(&self) -> bool {
        match self {
            Plan::Nothing | Plan::Leaf(_) | Plan::Chain { .. } | Plan::Has { .. } => true,
            Plan::All(parts) => parts.iter().any(Plan::can_drive),
            Plan::Any(parts) => !parts.is_empty() && parts.iter().all(Plan::can_drive),
            Plan::Not(_) | Plan::Kinds(_) => false,
        }
    }

    /// Quick to test for one resource, without making a set first.
    pub(crate) fn is_cheap_test(&self) -> bool {
        match self {
            Plan::Leaf(leaf) => leaf.probe_by_rid,
            Plan::Nothing | Plan::Kinds(_) => true,
            Plan::All(parts) | Plan::Any(parts) => parts.iter().all(Plan::is_cheap_test),
            Plan::Not(inner) => inner.is_cheap_test(),
            Plan::Chain { .. } | Plan::Has { .. } => false,
        }
    }

    /// What passes has rows, so it exists.
    pub(crate) fn finds_rows(&self) -> bool {
        match self {
            Plan::Nothing | Plan::Leaf(_) | Plan::Chain { .. } | Plan::Has { .. } => true,
            Plan::All(parts) => parts.iter().any(Plan::finds_rows),
            Plan::Any(parts) => parts.iter().all(Plan::finds_rows),
            Plan::Not(_) | Plan::Kinds(_) => false,
        }
    }

    pub(crate) fn cost(&self) -> u64 {
        match self {
            Plan::Nothing => 0,
            Plan::Leaf(leaf) => leaf.cost,
            Plan::Chain { inner, .. } => inner.cost().saturating_mul(50).saturating_add(50),
            Plan::Has { inner, .. } => inner.cost().saturating_add(10),
            Plan::All(parts) => parts.iter().map(Plan::cost).min().unwrap_or(u64::MAX),
            Plan::Any(parts) => parts.iter().map(Plan::cost).fold(0, u64::saturating_add),
            Plan::Not(_) | Plan::Kinds(_) => u64::MAX,
        }
    }

    /// The part to begin with, and the others.
    pub(crate) fn driver(parts: &[Plan]) -> (&Plan, Vec<&Plan>) {
        let best = (0..parts.len())
            .filter(|at| parts[*at].can_drive())
            .min_by_key(|at| parts[*at].cost())
            .expect("asked only when one part can drive");
        let rest = parts.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, part)| part).collect();
        (&parts[best], rest)
    }

    pub(super) fn all(parts: Vec<Plan>) -> Plan {
        if parts.iter().any(|part| matches!(part, Plan::Nothing)) {
            return Plan::Nothing;
        }
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Plan::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Plan::All(flat) }
    }

    fn any(mut parts: Vec<Plan>) -> Plan {
        parts.retain(|part| !matches!(part, Plan::Nothing));
        match parts.len() {
            0 => Plan::Nothing,
            1 => parts.remove(0),
            _ => Plan::Any(parts),
        }
    }
}

/// Rows counted at most when parts of a conjunction are compared.
pub(super) const COUNTED: usize = 300;

pub(crate) struct Planner<'a, S> {
    pub(crate) session: &'a mut S,
    pub(super) registry: &'a Registry,
    pub(super) layer: Layer,
    /// What was asked before: rights ask for the same labels many times.
    slots: HashMap<String, Option<i64>>,
    terms: HashMap<(i64, String), Vec<i64>>,
    pub(super) systems: HashMap<String, Option<i64>>,
}

impl<'a, S: Session> Planner<'a, S> {
    pub(crate) fn of(session: &'a mut S, registry: &'a Registry) -> Planner<'a, S> {
        Planner {
            session,
            registry,
            layer: Layer::Own,
            slots: HashMap::new(),
            terms: HashMap::new(),
            systems: HashMap::new(),
        }
    }

    pub(crate) async fn plan(&mut self, filter: &Filter) -> StoreResult<Plan> {
        match filter {
            Filter::All(parts) => {
                let mut plans = Vec::with_capacity(parts.len());
                for part in parts {
                    plans.push(Box::pin(self.plan(part)).await?);
                }
                let mut plan = Plan::all(plans);
                if let Plan::All(parts) = &mut plan {
                    self.weigh(parts).await?;
                }
                Ok(plan)
            }
            Filter::Any(parts) => {
                let mut plans = Vec::with_capacity(parts.len());
                for part in parts {
                    plans.push(Box::pin(self.plan(part)).await?);
                }
                Ok(Plan::any(plans))
            }
            // Veils ask first whether anything is labelled at all; mostly nothing is.
            Filter::Not(inner) if matches!(&**inner, Filter::All(parts) if parts.len() > 1) => {
                let Filter::All(parts) = &**inner else { unreachable!("just seen") };
                let mut plans = Vec::with_capacity(parts.len());
                for part in parts {
                    match Box::pin(self.plan(part)).await? {
                        Plan::Nothing => return Ok(Plan::All(Vec::new())),
                        plan => plans.push(plan),
                    }
                }
                Ok(Plan::Not(Box::new(Plan::all(plans))))
            }
            Filter::Not(inner) => Ok(match Box::pin(self.plan(inner)).await? {
                Plan::Nothing => Plan::All(Vec::new()),
                plan => Plan::Not(Box::new(plan)),
            }),
            Filter::Ids(ids) => {
                let mut rids = Vec::new();
                for id in ids {
                    rids.extend(self.rids_with_id(id.as_str()).await?);
                }
                Ok(resources(&rids))
            }
            Filter::Keys(keys) => self.keys(keys).await,
            Filter::LastUpdated(tests) => Ok(updated(tests)),
            Filter::Kind(kinds) => Ok(Plan::Kinds(kinds.clone())),
            Filter::Narrative(words) => Ok(self.words("narrative", words)),
            Filter::Content(words) => Ok(self.words("content", words)),
            Filter::List(id) => self.listed(id).await,
            Filter::InCompartment { owner, slots } => self.compartment(owner, slots).await,
            Filter::OfPatients { patients, slots, of } => self.of_patients(patients, slots, *of).await,
            Filter::Row { sources, tests } => self.rows(sources, tests).await,
            Filter::Chain { sources, kind, inner } => {
                let inner = Box::pin(self.plan(inner)).await?;
                let fitting = sources.iter().filter(|it| it.only.is_none_or(|only| only == *kind));
                let fitting: Vec<Slot> = fitting.map(|it| it.slot).collect();
                let slots = self.slots(fitting.iter().copied()).await?;
                if slots.is_empty() || matches!(inner, Plan::Nothing) {
                    return Ok(Plan::Nothing);
                }
                let by_address = self.canonical_slots(&fitting).await?;
                let named = self.pointing_by_address(&inner, *kind, &by_address).await?;
                Ok(Plan::any(vec![Plan::Chain { slots, kind: *kind, inner: Box::new(inner) }, named]))
            }
            Filter::Has { kind, sources, inner } => {
                let inner = Box::pin(self.plan(inner)).await?;
                if matches!(inner, Plan::Nothing) {
                    return Ok(Plan::Nothing);
                }
                let every: Vec<Slot> = sources.iter().map(|it| it.slot).collect();
                let by_address = self.canonical_slots(&every).await?;
                let mut parts = vec![self.named_from(&inner, *kind, &by_address).await?];
                // `patient` looks through `subject`, but only at patients.
                let mut narrowings: Vec<Option<ResourceType>> = sources.iter().map(|it| it.only).collect();
                narrowings.sort_unstable();
                narrowings.dedup();
                for only in narrowings {
                    let own = sources.iter().filter(|it| it.only == only).map(|it| it.slot);
                    let own: Vec<Slot> = own.collect();
                    let slots = self.slots(own.into_iter()).await?;
                    if !slots.is_empty() {
                        let has = Plan::Has { slots, kind: *kind, inner: Box::new(inner.clone()) };
                        parts.push(match only {
                            None => has,
                            Some(only) => Plan::All(vec![has, Plan::Kinds(vec![only])]),
                        });
                    }
                }
                Ok(Plan::any(parts))
            }
        }
    }

    /// Counts, up to a limit, how many rows each part finds, so that the search begins with the fewest.
    pub(super) async fn weigh(&mut self, parts: &mut [Plan]) -> StoreResult<()> {
        if parts.iter().filter(|part| part.can_drive()).count() < 2 {
            return Ok(());
        }
        for part in parts.iter_mut() {
            let Plan::Leaf(leaf) = part else { continue };
            if leaf.cost == 0 {
                let plan = Plan::Leaf(leaf.clone());
                let mut sql = super::sql::Sql::new(self.session.dialect());
                sql.push("SELECT count(*) FROM (SELECT 1 FROM (");
                sql.set(&plan, &[]);
                sql.push(") a LIMIT ").value(COUNTED as i64).push(") b");
                let counted = self.session.query(&sql.text, &sql.values).await?[0][0].int();
                if let Plan::Leaf(leaf) = part {
                    leaf.cost = counted as u64 + 1;
                }
            }
        }
        Ok(())
    }

    /// The numbers of slots in this store; those that no resource has filled yet are left out.
    pub(crate) async fn slots(&mut self, slots: impl Iterator<Item = Slot>) -> StoreResult<Vec<i64>> {
        let mut numbers = Vec::new();
        for slot in slots {
            numbers.extend(self.slot(slot).await?);
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    async fn slot(&mut self, slot: Slot) -> StoreResult<Option<i64>> {
        self.slot_named(&self.layer.slot_name(self.registry, slot)).await
    }

    /// The number of a slot that no code parts, whatever is planned.
    pub(super) async fn slot_named(&mut self, name: &str) -> StoreResult<Option<i64>> {
        if let Some(known) = self.slots.get(name) {
            return Ok(*known);
        }
        let sql = format!("SELECT id FROM slot s WHERE {} name = ? AND term = 0", self.session.dialect().here("s"));
        let rows = self.session.query(&sql, &[name.into()]).await?;
        let found = rows.first().map(|row| row[0].int());
        self.slots.insert(name.to_owned(), found);
        Ok(found)
    }

    async fn rids_with_id(&mut self, id: &str) -> StoreResult<Vec<i64>> {
        let sql = format!("SELECT rid FROM resource r WHERE {} id = ?", self.session.dialect().here("r"));
        let rows = self.session.query(&sql, &[Value::Blob(crate::body::pack_id(id))]).await?;
        Ok(rows.iter().map(|row| row[0].int()).collect())
    }

    pub(crate) async fn rid(&mut self, key: &Key) -> StoreResult<Option<i64>> {
        let sql =
            format!("SELECT rid FROM resource r WHERE {} id = ? AND (rid >> 40) = ?", self.session.dialect().here("r"));
        let rows = self.session.query(&sql, &by_id(key)).await?;
        Ok(rows.first().map(|row| row[0].int()))
    }

    async fn listed(&mut self, id: &fhir::Id) -> StoreResult<Plan> {
        let list = ResourceType::parse("List").expect("a type of R4");
        let Some(rid) = self.rid(&Key::new(list, id.clone())).await? else { return Ok(Plan::Nothing) };
        let Some(slot) = self.slot_named("List.item").await? else { return Ok(Plan::Nothing) };
        let sql = format!(
            "SELECT target FROM reference t WHERE {} rid = ? AND slot = ? AND target > 0",
            self.session.dialect().here("t")
        );
        let rows = self.session.query(&sql, &[rid.into(), slot.into()]).await?;
        Ok(resources(&rows.iter().map(|row| row[0].int()).collect::<Vec<_>>()))
    }

    async fn compartment(&mut self, owner: &Key, slots: &[Slot]) -> StoreResult<Plan> {
        let Some(rid) = self.rid(owner).await? else { return Ok(Plan::Nothing) };
        let slots = self.slots(slots.iter().copied()).await?;
        let mut parts = vec![resources(&[rid])];
        if !slots.is_empty() {
            parts.push(Plan::Leaf(pointing_at(&[rid], &slots, false)));
        }
        Ok(Plan::any(parts))
    }

    async fn of_patients(&mut self, patients: &Patients, slots: &[Slot], of: Of) -> StoreResult<Plan> {
        let rids = match patients.numbers.get() {
            Some(known) => known.clone(),
            None => self.numbers_of(patients).await?,
        };
        if rids.is_empty() {
            return Ok(Plan::Nothing);
        }
        let kind = ResourceType::parse("Patient").expect("a type of R4");
        let slots = self.slots(slots.iter().copied()).await?;
        let mut some = vec![Plan::Leaf(among(&rids))];
        let mut none_other =
            vec![Plan::Any(vec![Plan::Leaf(among(&rids)), Plan::Not(Box::new(Plan::Kinds(vec![kind])))])];
        if !slots.is_empty() {
            let mut others = pointing_among(&rids, &slots, true);
            // A reference to one version has a row of its own beside that of the patient.
            let here = self.session.dialect().here("m");
            others.condition.push_str(&format!(
                " AND ({{t}}.target > 0 OR NOT EXISTS (SELECT 1 FROM term m WHERE {here} m.id = ((-{{t}}.target) >> 8) \
                 AND m.system = {}))",
                space::VERSION
            ));
            some.push(Plan::Leaf(pointing_among(&rids, &slots, false)));
            none_other.push(Plan::Not(Box::new(Plan::Leaf(others))));
        }
        Ok(match of {
            Of::Some => Plan::any(some),
            Of::NoOther => Plan::All([vec![Plan::any(some)], none_other].concat()),
        })
    }

    /// The numbers of patients, remembered once all of them are here.
    async fn numbers_of(&mut self, patients: &Patients) -> StoreResult<Vec<i64>> {
        let kind = ResourceType::parse("Patient").expect("a type of R4");
        let mut sought = Rows::new(2);
        patients.ids().iter().for_each(|id| sought.push(by_id(&Key::new(kind, id.clone()))));
        let found = self.session.lookup(&RID_BY_ID, &sought).await?;
        let mut rids: Vec<i64> = found.iter().map(|row| row[0].int()).collect();
        rids.sort_unstable();
        rids.dedup();
        if rids.len() == patients.ids().len() {
            // Another search may have been faster; both found the same.
            let _ = patients.numbers.set(rids.clone());
        }
        Ok(rids)
    }

    fn words(&mut self, column: &str, words: &Words) -> Plan {
        let dialect = self.session.dialect();
        let matching = |terms: &[&[String]]| {
            let (condition, value) = dialect.full_text(column, terms);
            Plan::Leaf(Leaf {
                table: "words",
                condition,
                values: vec![value.into()],
                tells_kind: false,
                probe_by_rid: false,
                ordered: true,
                cost: 0,
            })
        };
        let terms = |excluded: bool| words.0.iter().filter(move |it| it.excluded == excluded).map(|it| &it.any_of[..]);
        let mut parts = Vec::new();
        let wanted: Vec<&[String]> = terms(false).collect();
        if !wanted.is_empty() {
            parts.push(matching(&wanted));
        }
        parts.extend(terms(true).map(|it| Plan::Not(Box::new(matching(&[it])))));
        Plan::all(parts)
    }

    async fn rows(&mut self, sources: &[Source], tests: &[Test]) -> StoreResult<Plan> {
        if let [Test::Reference(ReferenceTest::ToAny(keys))] = tests
            && let Some(plan) = self.pointing_at_one(sources, keys)
        {
            return Ok(plan);
        }
        let mut plans = Vec::new();
        // Slots of one shape and one narrowing are asked together.
        let mut groups: Vec<(SlotShape, Option<ResourceType>, Vec<Slot>)> = Vec::new();
        for source in sources {
            let shape = self.registry.slots()[source.slot.0 as usize].shape;
            match groups.iter_mut().find(|it| it.0 == shape && it.1 == source.only) {
                Some(group) => group.2.push(source.slot),
                None => groups.push((shape, source.only, vec![source.slot])),
            }
        }
        for (shape, only, slots) in groups {
            let numbers = match shape {
                SlotShape::CompositeToken
                | SlotShape::CompositeString
                | SlotShape::CompositeReference
                | SlotShape::CompositeDate
                | SlotShape::CompositeQuantity
                | SlotShape::CompositeQuantityPair => None,
                _ => Some(self.slots(slots.iter().copied()).await?),
            };
            if numbers.as_ref().is_some_and(Vec::is_empty) {
                continue;
            }
            for test in tests {
                let plan = match (&numbers, test) {
                    (None, Test::Composite { first, second, third }) => {
                        let terms = token_terms(self, first).await?;
                        let inner = self.composite_slots(&slots, &terms).await?;
                        match (&**second, third.as_deref()) {
                            _ if inner.is_empty() => continue,
                            (Test::Quantity(start), Some(Test::Quantity(end))) => window(&inner, start, end),
                            (second, _) => self.test(shape, &inner, only, second).await?,
                        }
                    }
                    (None, Test::Present) => {
                        let inner = self.composite_slots(&slots, &Terms::Any).await?;
                        if inner.is_empty() {
                            continue;
                        }
                        present(shape, &inner, only)
                    }
                    (None, _) => return Err(unsupported("a composite needs both components")),
                    (Some(numbers), test) => self.test(shape, numbers, only, test).await?,
                };
                // `_tag` and its like lie in one slot for all types.
                let shared = slots.iter().any(|slot| self.registry.slot_def(*slot).name.starts_with("Resource."));
                let plan = if shared { of_any_kind(plan) } else { plan };
                plans.push(plan);
            }
        }
        Ok(Plan::any(plans))
    }

    /// Slots of a composite for the codes that pass.
    async fn composite_slots(&mut self, slots: &[Slot], terms: &Terms) -> StoreResult<Vec<i64>> {
        let mut numbers = Vec::new();
        for slot in slots {
            let name = self.layer.slot_name(self.registry, *slot).into_owned();
            let mut sql = super::sql::Sql::new(self.session.dialect());
            let here = self.session.dialect().here("s");
            sql.push(&format!("SELECT id FROM slot s WHERE {here} name = ")).value(name).push(" AND term > 0");
            match terms {
                Terms::Any => {}
                Terms::List(list) if list.is_empty() => continue,
                Terms::List(list) => {
                    sql.push(" AND term").one_of(list);
                }
                Terms::OfSystem(system) => {
                    let here = self.session.dialect().here("m");
                    sql.push(&format!(" AND term IN (SELECT id FROM term m WHERE {here} system = "));
                    sql.value(*system).push(")");
                }
            }
            numbers.extend(self.session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()));
        }
        Ok(numbers)
    }

    async fn test(
        &mut self,
        shape: SlotShape,
        slots: &[i64],
        only: Option<ResourceType>,
        test: &Test,
    ) -> StoreResult<Plan> {
        Ok(match test {
            Test::Present => present(shape, slots, only),
            Test::Token(test) => match token_terms(self, test).await? {
                Terms::List(list) if list.is_empty() => Plan::Nothing,
                terms => Plan::Leaf(tokens(slots, &terms, self.session.dialect())),
            },
            Test::Uri(test) => match self.addresses(test).await? {
                list if list.is_empty() => Plan::Nothing,
                list => Plan::Leaf(tokens(slots, &Terms::List(list), self.session.dialect())),
            },
            Test::String(test) => Plan::Leaf(strings(slots, test, self.session.dialect())),
            Test::Date(test) => Plan::Leaf(dates(slots, test)),
            Test::Quantity(test) => self.quantities(slots, test).await?,
            Test::Reference(ReferenceTest::ToAny(keys)) => self.pointing(slots, keys).await?,
            Test::Reference(test) => {
                let targets = self.targets(test).await?;
                let fits = |rid: &i64| only.is_none_or(|only| *rid < 0 || place::kind_of(*rid) == Some(only));
                let targets: Vec<i64> = targets.into_iter().filter(fits).collect();
                if targets.is_empty() { Plan::Nothing } else { Plan::Leaf(pointing_at(&targets, slots, true)) }
            }
            Test::Not(inner) => match Box::pin(self.test(shape, slots, only, inner)).await? {
                Plan::Nothing => present(shape, slots, only),
                Plan::Leaf(leaf) => negated(leaf, slots, only),
                _ => return Err(unsupported("this comparison cannot be turned round")),
            },
            Test::Composite { .. } => return Err(unsupported("composites are not nested")),
        })
    }

    async fn addresses(&mut self, test: &UriTest) -> StoreResult<Vec<i64>> {
        match test {
            UriTest::Is(url) => self.terms_named(space::URI, url).await,
            UriTest::Below(url) => self.terms_starting(space::URI, url).await,
            UriTest::Above(url) => self.terms_above(space::URI, url).await,
        }
    }

    /// Terms with exactly this code; with any text.
    pub(crate) async fn terms_named(&mut self, system: i64, code: &str) -> StoreResult<Vec<i64>> {
        let sql = format!("SELECT id FROM term m WHERE {} key = ? AND system = ?", self.session.dialect().here("m"));
        let key = term_key(system, code).into_owned();
        if let Some(known) = self.terms.get(&(system, key.clone())) {
            return Ok(known.clone());
        }
        let values = [key.clone().into(), system.into()];
        let found: Vec<i64> = self.session.query(&sql, &values).await?.iter().map(|row| row[0].int()).collect();
        self.terms.insert((system, key), found.clone());
        Ok(found)
    }

    async fn terms_starting(&mut self, system: i64, start: &str) -> StoreResult<Vec<i64>> {
        let here = self.session.dialect().here("m");
        let sql = format!("SELECT id FROM term m WHERE {here} key >= ? AND key < ? AND system = ?");
        let values = [start.into(), after(start).into(), system.into()];
        Ok(self.session.query(&sql, &values).await?.iter().map(|row| row[0].int()).collect())
    }

    async fn terms_above(&mut self, system: i64, url: &str) -> StoreResult<Vec<i64>> {
        let mut found = Vec::new();
        let ends = url.char_indices().map(|(at, _)| at).skip(1).chain([url.len()]);
        for end in ends {
            found.extend(self.terms_named(system, &url[..end]).await?);
        }
        Ok(found)
    }

    async fn targets(&mut self, test: &ReferenceTest) -> StoreResult<Vec<i64>> {
        Ok(match test {
            ReferenceTest::ToAny(keys) => super::fetch::rids(self.session, keys).await?,
            ReferenceTest::To(Target::Local { key, version: None }) => self.rid(key).await?.into_iter().collect(),
            ReferenceTest::To(Target::Local { key, version: Some(version) }) => {
                let name = version_name(key, version);
                let terms = self.terms_named(name.system, &name.code).await?;
                terms.into_iter().map(|term| elsewhere(term, Some(key.kind))).collect()
            }
            ReferenceTest::To(Target::Elsewhere { url, .. }) => {
                let terms = self.terms_named(space::ELSEWHERE, url).await?;
                self.elsewhere_of_any_kind(&terms)
            }
            ReferenceTest::To(Target::Canonical { url, version }) => {
                let terms = match version {
                    None => self.terms_named(space::CANONICAL, url).await?,
                    Some(version) => self.canonical(url, version).await?,
                };
                terms.into_iter().map(|term| elsewhere(term, None)).collect()
            }
            ReferenceTest::ToId { id, kinds } => {
                let rids = self.rids_with_id(id.as_str()).await?;
                let fits =
                    |rid: &i64| place::kind_of(*rid).is_some_and(|kind| kinds.is_empty() || kinds.contains(&kind));
                rids.into_iter().filter(fits).collect()
            }
            ReferenceTest::CanonicalBelow(url) => {
                let terms = self.terms_starting(space::CANONICAL, url).await?;
                terms.into_iter().map(|term| elsewhere(term, None)).collect()
            }
            ReferenceTest::CanonicalAbove(url) => {
                let terms = self.terms_above(space::CANONICAL, url).await?;
                terms.into_iter().map(|term| elsewhere(term, None)).collect()
            }
        })
    }

    /// The same address may be referred to with and without a type.
    fn elsewhere_of_any_kind(&self, terms: &[i64]) -> Vec<i64> {
        let kinds = || std::iter::once(None).chain(ResourceType::all().map(Some));
        terms.iter().flat_map(|term| kinds().map(|kind| elsewhere(*term, kind))).collect()
    }

    async fn canonical(&mut self, url: &str, version: &str) -> StoreResult<Vec<i64>> {
        let here = self.session.dialect().here("m");
        let sql = format!("SELECT id FROM term m WHERE {here} key = ? AND system = ? AND text = ?");
        let values = [url.into(), space::CANONICAL.into(), version.into()];
        Ok(self.session.query(&sql, &values).await?.iter().map(|row| row[0].int()).collect())
    }

    async fn quantities(&mut self, slots: &[i64], test: &QuantityTest) -> StoreResult<Plan> {
        if test.unit == UnitTest::Any {
            let mut leaf = quantity_leaf(slots);
            leaf.condition.push_str(" AND ");
            compare_amount(&mut leaf, test);
            return Ok(Plan::Leaf(leaf));
        }
        let sql =
            format!("SELECT id, system, code, text FROM unit u WHERE {} id > 0", self.session.dialect().here("u"));
        let mut leaf = quantity_leaf(slots);
        let mut alternatives = 0;
        leaf.condition.push_str(" AND (");
        for row in self.session.query(&sql, &[]).await? {
            let (system, code, printed) = (row[1].text(), row[2].text(), row[3].text());
            let converted = match &test.unit {
                UnitTest::Any => unreachable!("answered above"),
                UnitTest::Printed(unit) => (code == Some(unit) || printed == Some(unit)).then(|| test.clone()),
                UnitTest::Coded { system: wanted, code: unit } if system == Some(wanted) => match code {
                    Some(code) if code == unit => Some(test.clone()),
                    Some(code) => test.in_unit(code),
                    None => None,
                },
                UnitTest::Coded { .. } => None,
            };
            let Some(converted) = converted else { continue };
            leaf.condition.push_str(if alternatives > 0 { " OR ({t}.unit = ? AND " } else { "({t}.unit = ? AND " });
            leaf.values.push(row[0].clone());
            compare_amount(&mut leaf, &converted);
            leaf.condition.push(')');
            alternatives += 1;
        }
        leaf.condition.push(')');
        Ok(if alternatives == 0 { Plan::Nothing } else { Plan::Leaf(leaf) })
    }
}

pub(crate) fn unsupported(what: &str) -> StoreError {
    StoreError::NotSupported(what.to_owned())
}

/// The least text after all that start with this one.
pub(crate) fn after(start: &str) -> String {
    format!("{start}\u{10FFFF}")
}
