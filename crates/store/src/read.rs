//! The version that is current under a key, and whether the caller may see it: one statement, so that a patient's read
//! costs about as much as anybody's, and what is hidden takes as long as what is not there.

use crate::body;
use crate::db::{Session, Value};
use crate::error::StoreResult;
use crate::intern::by_id;
use crate::lane::LIVE;
use crate::prepare;
use crate::rights::Ruling;
use crate::search::judge::{self, Version};
use crate::search::sql::Sql;
use crate::search::{Reach, fetch};
use crate::stored::Stored;
use bytes::Bytes;
use fhir::Key;
use fhir::search::row::BaseUrls;
use std::sync::Arc;

pub(crate) struct CurrentRow {
    pub(crate) rid: i64,
    pub(crate) version: i64,
    pub(crate) at: i64,
    pub(crate) state: i64,
    pub(crate) body: Bytes,
    /// Whose record it is part of.
    pub(crate) owner: Option<i64>,
}

impl CurrentRow {
    pub(crate) fn stored(self, key: &Key) -> StoreResult<Stored> {
        let body = body::whole(key, self.version, self.at, &self.body)?;
        let CurrentRow { rid, version, at, owner, .. } = self;
        Ok(Stored { key: key.clone(), version: version as u64, at, body, deleted: false, rid, owner })
    }
}

/// What somebody sees under a key.
pub(crate) enum Sight {
    /// There never was anything; or, for those who may not see all of the type, it was deleted.
    Absent,
    /// By this rule.
    Hidden(Arc<str>),
    Seen(CurrentRow),
}

impl Sight {
    pub(crate) fn seen(self) -> Option<CurrentRow> {
        match self {
            Sight::Seen(row) => Some(row),
            Sight::Absent | Sight::Hidden(_) => None,
        }
    }
}

/// The columns before the rules' own.
const OWN: usize = 6;

pub(crate) async fn current<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    ruling: &Ruling,
    key: &Key,
) -> StoreResult<Sight> {
    let tests = reach.tests(session, ruling, key).await?;
    let here = session.dialect().here("r");
    let mut sql = Sql::new(session.dialect());
    sql.push("SELECT r.rid, r.version, r.at, r.state, r.body, r.owner");
    for (_, plan) in &tests {
        sql.push(", CAST(CASE WHEN ").test(plan, "r.rid");
        sql.push(" THEN 1 ELSE 0 END AS BIGINT)");
    }
    sql.push(" FROM resource r WHERE ").push(&here).push("r.id = ? AND (r.rid >> 40) = ?");
    sql.values.extend(by_id(key));
    let rows = session.query(&sql.text, &sql.values).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(Sight::Absent) };
    let [rid, version, at, state] = [0, 1, 2, 3].map(|at| row[at].int());
    if version == 0 || (state != LIVE && !ruling.is_always()) {
        return Ok(Sight::Absent);
    }
    if let Some((rule, _)) = tests.iter().zip(&row[OWN..]).find(|(_, passes)| passes.int() == 0).map(|(test, _)| test) {
        let rule = more_precisely(session, reach, key, row[5].maybe_int(), rule).await?;
        return Ok(Sight::Hidden(rule));
    }
    let owner = row[5].maybe_int();
    let body = row.into_iter().nth(4).map(Value::into_blob).unwrap_or_default();
    Ok(Sight::Seen(CurrentRow { rid, version, at, state, body, owner }))
}

/// One veil may stand for what many patients said; the audit log is told whose word it was.
async fn more_precisely<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    key: &Key,
    owner: Option<i64>,
    rule: &Arc<str>,
) -> StoreResult<Arc<str>> {
    let rights = &reach.caller.rights;
    if !rights.names_patients(rule) {
        return Ok(rule.clone());
    }
    let mut patient = (key.kind.name() == "Patient").then(|| key.id.clone());
    if let (None, Some(owner)) = (&patient, owner) {
        let sql = format!("SELECT id FROM resource r WHERE {} rid = ?", session.dialect().here("r"));
        let rows = session.query(&sql, &[owner.into()]).await?;
        patient = rows.first().map(|row| fetch::key(owner, &row[0])).transpose()?.map(|it| it.id);
    }
    Ok(patient.and_then(|it| rights.rule_of(rule, &it)).unwrap_or_else(|| rule.clone()))
}

/// Whether a version passes all rules by what it says itself.
pub(crate) async fn passes<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    ruling: &Ruling,
    stored: &Stored,
) -> StoreResult<bool> {
    if ruling.is_always() || ruling.is_never() {
        return Ok(ruling.is_always());
    }
    let index = prepare::index(reach.registry, bases, &stored.key, &stored.value());
    let version = Version { key: &stored.key, rows: &index.rows, texts: &index.texts, at: stored.at };
    for (_, filter) in &ruling.rules {
        if !judge::passes(session, reach.registry, filter, version).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
