//! References by canonical address: `http://…/Questionnaire/falls|2` names what is stored under this url, and of
//! this version if one is said (FHIR R4, references.html#canonical). Chains, `_has` and `_include` follow them.

use super::cursor::Place;
use super::leaf::{pointing_at, resources};
use super::plan::{Plan, Planner};
use super::sql::Sql;
use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::intern::space;
use crate::physical::elsewhere;
use crate::place;
use fhir::ResourceType;
use fhir::search::row::Slot;
use std::collections::{BTreeSet, HashMap};

/// Resources whose canonical addresses are followed at once.
const MOST_NAMED: usize = 2_000;
/// Values in one statement.
const CHUNK: usize = 200;

impl<S: Session> Planner<'_, S> {
    /// The numbers of those slots that may hold canonical addresses.
    pub(super) async fn canonical_slots(&mut self, slots: &[Slot]) -> StoreResult<Vec<i64>> {
        let registry = self.registry;
        let some: Vec<Slot> = slots.iter().copied().filter(|slot| registry.holds_canonicals(*slot)).collect();
        self.slots(some.into_iter()).await
    }

    /// The numbers under which references to these resources by their addresses lie.
    pub(super) async fn addresses_of(&mut self, rids: &[i64]) -> StoreResult<Vec<i64>> {
        let mut targets = BTreeSet::new();
        let urls = self.tokens_of(rids, "url").await?;
        let versions = self.tokens_of(rids, "version").await?;
        let pairs: Vec<(&i64, &String)> =
            urls.iter().flat_map(|(rid, urls)| urls.iter().map(move |url| (rid, url))).collect();
        for (rid, url) in pairs {
            let here = self.session.dialect().here("m");
            let sql = format!("SELECT id, text FROM term m WHERE {here} key = ? AND system = ?");
            let values = [url.as_str().into(), space::CANONICAL.into()];
            for row in self.session.query(&sql, &values).await? {
                let fits = match row[1].text() {
                    None => true,
                    Some(asked) => versions.get(rid).is_some_and(|own| own.iter().any(|own| own == asked)),
                };
                if fits {
                    targets.insert(elsewhere(row[0].int(), None));
                }
            }
        }
        Ok(targets.into_iter().collect())
    }

    /// The resources that these references by address name.
    pub(super) async fn named(&mut self, targets: &[i64]) -> StoreResult<Vec<i64>> {
        let terms: Vec<i64> = targets.iter().filter(|it| **it < 0).map(|it| -it >> 8).collect();
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        if terms.len() > MOST_NAMED {
            return Err(StoreError::TooCostly(format!("more than {MOST_NAMED} canonical addresses to follow")));
        }
        let here = self.session.dialect().here("s");
        let sql = format!("SELECT id, name FROM slot s WHERE {here} term = 0 AND name LIKE '%.url'");
        let rows = self.session.query(&sql, &[]).await?;
        let own = rows.iter().filter(|row| row[1].text().is_some_and(|name| !name.starts_with('#')));
        let slots: Vec<i64> = own.map(|row| row[0].int()).collect();
        let mut found = BTreeSet::new();
        for terms in terms.chunks(CHUNK) {
            let dialect = self.session.dialect();
            let mut sql = Sql::new(dialect);
            sql.push("SELECT coalesce(m.code, m.key), m.text FROM term m WHERE ").push(&dialect.here("m"));
            sql.push("m.system = ").value(space::CANONICAL).push(" AND m.id").one_of(terms);
            for row in self.session.query(&sql.text, &sql.values).await? {
                let rids = self.with_url(&slots, row[0].text().unwrap_or_default()).await?;
                match row[1].text() {
                    None => found.extend(rids),
                    Some(asked) => {
                        let versions = self.tokens_of(&rids, "version").await?;
                        let has = |rid: &i64| versions.get(rid).is_some_and(|own| own.iter().any(|own| own == asked));
                        found.extend(rids.into_iter().filter(has));
                    }
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// What points by canonical address, from these slots, at resources that pass.
    pub(super) async fn pointing_by_address(
        &mut self,
        inner: &Plan,
        kind: ResourceType,
        slots: &[i64],
    ) -> StoreResult<Plan> {
        if slots.is_empty() || self.slot_named(&format!("{kind}.url")).await?.is_none() {
            return Ok(Plan::Nothing);
        }
        let rids = super::numbers(self.session, inner, &[kind], Place::After(0), MOST_NAMED + 1).await?;
        if rids.len() > MOST_NAMED {
            return Err(StoreError::TooCostly(format!("more than {MOST_NAMED} {kind} resources to follow by address")));
        }
        let targets = self.addresses_of(&rids).await?;
        Ok(if targets.is_empty() { Plan::Nothing } else { Plan::Leaf(pointing_at(&targets, slots, true)) })
    }

    /// The resources at which those that pass point by canonical address from these slots.
    pub(super) async fn named_from(&mut self, inner: &Plan, kind: ResourceType, slots: &[i64]) -> StoreResult<Plan> {
        if slots.is_empty() {
            return Ok(Plan::Nothing);
        }
        let mut sql = Sql::new(self.session.dialect());
        sql.push("SELECT DISTINCT t1.target");
        let alias = sql.from("reference");
        sql.push(&format!("{alias}.slot")).one_of(slots).push(&format!(" AND {alias}.target < 0 AND {alias}.rid IN ("));
        sql.set(inner, &[kind]);
        sql.push(") LIMIT ").value(MOST_NAMED as i64 + 1);
        let rows = self.session.query(&sql.text, &sql.values).await?;
        let targets: Vec<i64> = rows.iter().map(|row| row[0].int()).collect();
        Ok(resources(&self.named(&targets).await?))
    }

    async fn with_url(&mut self, slots: &[i64], url: &str) -> StoreResult<Vec<i64>> {
        let terms = self.terms_named(space::URI, url).await?;
        if terms.is_empty() || slots.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(self.session.dialect());
        sql.push("SELECT t1.rid");
        let alias = sql.from("token");
        sql.push(&format!("{alias}.slot")).one_of(slots).push(&format!(" AND {alias}.term")).one_of(&terms);
        Ok(self.session.query(&sql.text, &sql.values).await?.iter().map(|row| row[0].int()).collect())
    }

    /// What resources say under `Type.url` or `Type.version`.
    async fn tokens_of(&mut self, rids: &[i64], element: &str) -> StoreResult<HashMap<i64, Vec<String>>> {
        let mut found: HashMap<i64, Vec<String>> = HashMap::new();
        let kinds: BTreeSet<_> = rids.iter().filter_map(|rid| place::kind_of(*rid)).collect();
        for kind in kinds {
            let Some(slot) = self.slot_named(&format!("{kind}.{element}")).await? else { continue };
            let own: Vec<i64> = rids.iter().copied().filter(|rid| place::kind_of(*rid) == Some(kind)).collect();
            for rids in own.chunks(CHUNK) {
                let dialect = self.session.dialect();
                let mut sql = Sql::new(dialect);
                sql.push("SELECT t.rid, coalesce(m.code, m.key) FROM token t JOIN term m ON ");
                sql.push(&dialect.here("m")).push("m.id = t.term WHERE ").push(&dialect.here("t"));
                sql.push("t.slot = ").value(slot).push(" AND t.rid").one_of(rids);
                for row in self.session.query(&sql.text, &sql.values).await? {
                    found.entry(row[0].int()).or_default().push(row[1].text().unwrap_or_default().to_owned());
                }
            }
        }
        Ok(found)
    }
}
