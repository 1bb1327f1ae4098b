//! The version that is current under a key, and whether the caller may see it: one statement, so that a patient's read
//! costs about as much as anybody's, and what is hidden takes as long as what is not there.

use crate::body;
use crate::db::{Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::by_id;
use crate::lane::LIVE;
use crate::owner::SEVERAL;
use crate::prepare;
use crate::rights::Ruling;
use crate::search::judge::{self, Version};
use crate::search::sql::Sql;
use crate::search::{Planner, Reach, fetch};
use crate::stored::Stored;
use bytes::Bytes;
use fhir::Key;
use fhir::search::query::{Filter, Of, ReferenceTest, Test};
use fhir::search::row::{BaseUrls, Slot};
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

/// What is under a key, when its row alone tells whether the caller may see it: one statement and no transaction. None
/// when more has to be asked.
pub(crate) async fn at_once<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    ruling: &Ruling,
    key: &Key,
) -> StoreResult<Option<Sight>> {
    if !ruling.rules.iter().all(|(_, filter)| told_by_row(filter)) {
        return Ok(None);
    }
    let Some(found) = found(session, reach, ruling, key, &[]).await? else { return Ok(Some(Sight::Absent)) };
    let passes = |filter: &Filter| found.owned(key, ruling).passes(filter) == Some(true);
    let all = ruling.rules.iter().all(|(_, filter)| passes(filter));
    Ok(all.then_some(Sight::Seen(found.current)))
}

/// A row, and what was asked along with it.
struct Found<'a> {
    current: CurrentRow,
    /// A patient and their number.
    known: Option<(&'a Key, i64)>,
    answers: Vec<bool>,
}

impl Found<'_> {
    fn owned<'a>(&'a self, key: &'a Key, ruling: &'a Ruling) -> Owned<'a> {
        Owned { key, owner: self.current.owner, known: self.known, slots: &ruling.compartment }
    }
}

/// None where there is nothing, or nothing for this caller.
async fn found<'a, S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    ruling: &'a Ruling,
    key: &Key,
    along: &[&Filter],
) -> StoreResult<Option<Found<'a>>> {
    let here = session.dialect().here("r");
    let mut sql = Sql::new(session.dialect());
    sql.push("SELECT r.rid, r.version, r.at, r.state, r.body, r.owner");
    let patient = ruling.rules.iter().find_map(|(_, filter)| only_patient(filter));
    if let Some(patient) = patient {
        let there = session.dialect().here("o");
        sql.push(", (SELECT o.rid FROM resource o WHERE ").push(&there).push("o.id = ? AND (o.rid >> 40) = ?)");
        sql.values.extend(by_id(patient));
    }
    let mut planner = Planner::of(session, reach.registry);
    for filter in along {
        let plan = planner.plan(filter).await?;
        sql.push(", CAST(CASE WHEN ").test(&plan, "r.rid");
        sql.push(" THEN 1 ELSE 0 END AS BIGINT)");
    }
    sql.push(" FROM resource r WHERE ").push(&here).push("r.id = ? AND (r.rid >> 40) = ?");
    sql.values.extend(by_id(key));
    let rows = session.query(&sql.text, &sql.values).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let answers = row[if patient.is_some() { 7 } else { 6 }..].iter().map(|it| it.int() != 0).collect();
    let [rid, version, at, state] = [0, 1, 2, 3].map(|at| row[at].int());
    if version == 0 || (state != LIVE && !ruling.is_always()) {
        return Ok(None);
    }
    let owner = row[5].maybe_int();
    let known = patient.zip(row.get(6).and_then(Value::maybe_int));
    let body = row.into_iter().nth(4).map(Value::into_blob).unwrap_or_default();
    Ok(Some(Found { current: CurrentRow { rid, version, at, state, body, owner }, known, answers }))
}

pub(crate) async fn current<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    ruling: &Ruling,
    key: &Key,
) -> StoreResult<Sight> {
    // What the row itself will not tell is asked along: another question costs another way to the database.
    let along: Vec<&Filter> =
        ruling.rules.iter().map(|(_, filter)| filter).filter(|it| !told_by_row(it) && !names_many(it)).collect();
    let Some(found) = found(session, reach, ruling, key, &along).await? else { return Ok(Sight::Absent) };
    let told: Vec<(&Filter, bool)> = along.into_iter().zip(found.answers.iter().copied()).collect();
    let owner = found.current.owner;
    let mut doubtful = Vec::new();
    for (rule, filter) in &ruling.rules {
        let asked = || told.iter().find(|(it, _)| std::ptr::eq(*it, filter)).map(|(_, passes)| *passes);
        match found.owned(key, ruling).passes(filter).or_else(asked) {
            Some(true) => {}
            Some(false) => return Ok(Sight::Hidden(more_precisely(session, reach, key, owner, rule).await?)),
            None => doubtful.push((rule.clone(), filter)),
        }
    }
    let current = found.current;
    Ok(match hidden_by(session, reach, bases, key, &current, &doubtful).await? {
        Some(rule) => Sight::Hidden(more_precisely(session, reach, key, owner, &rule).await?),
        None => Sight::Seen(current),
    })
}

/// The first of these rules that the resource does not pass.
async fn hidden_by<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    key: &Key,
    current: &CurrentRow,
    rules: &[(Arc<str>, &Filter)],
) -> StoreResult<Option<Arc<str>>> {
    let (long, short): (Vec<_>, Vec<_>) = rules.iter().partition(|(_, filter)| names_many(filter));
    let mut sql = Sql::new(session.dialect());
    let here = session.dialect().here("r");
    sql.push("SELECT r.rid");
    let mut planner = Planner::of(session, reach.registry);
    for (_, filter) in &short {
        let plan = planner.plan(filter).await?;
        sql.push(", CAST(CASE WHEN ").test(&plan, "r.rid");
        sql.push(" THEN 1 ELSE 0 END AS BIGINT)");
    }
    sql.push(" FROM resource r WHERE ").push(&here).push("r.rid = ").value(current.rid);
    if !short.is_empty() {
        let rows = session.query(&sql.text, &sql.values).await?;
        let row = rows.first().ok_or_else(|| StoreError::Damaged("a resource went away within a read".to_owned()))?;
        if let Some(((rule, _), _)) = short.iter().zip(&row[1..]).find(|(_, passes)| passes.int() == 0) {
            return Ok(Some(rule.clone()));
        }
    }
    if long.is_empty() {
        return Ok(None);
    }
    // Handing thousands of numbers to the database for one resource takes longer than looking into it.
    let body = body::whole(key, current.version, current.at, &current.body)?;
    let value: fhir::Value =
        serde_json::from_slice(&body).map_err(|_| StoreError::Damaged(format!("the body of {key} is not JSON")))?;
    let index = prepare::index(reach.registry, bases, None, key, &value);
    let version = Version { key, rows: &index.rows, texts: &index.texts, at: current.at };
    for (rule, filter) in long {
        if !judge::passes(session, reach.registry, filter, version).await? {
            return Ok(Some(rule.clone()));
        }
    }
    Ok(None)
}

/// More patients than this are many.
const MANY: usize = 16;

/// Whether a rule names many patients.
fn names_many(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(names_many),
        Filter::Not(inner) => names_many(inner),
        Filter::OfPatients { patients, .. } => patients.ids().len() > MANY,
        Filter::Keys(keys) => keys.len() > MANY,
        Filter::Row { tests, .. } => {
            tests.iter().any(|test| matches!(test, Test::Reference(ReferenceTest::ToAny(keys)) if keys.len() > MANY))
        }
        _ => false,
    }
}

/// Whether the row of a resource may be enough to answer a rule.
fn told_by_row(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().all(told_by_row),
        Filter::Not(inner) => told_by_row(inner),
        Filter::Ids(_) | Filter::Keys(_) | Filter::Kind(_) | Filter::OfPatients { .. } => true,
        Filter::Row { tests, .. } => matches!(tests.as_slice(), [Test::Reference(ReferenceTest::ToAny(_))]),
        _ => false,
    }
}

/// The one patient that a rule is about.
fn only_patient(filter: &Filter) -> Option<&Key> {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().find_map(only_patient),
        Filter::Not(inner) => only_patient(inner),
        Filter::Row { tests, .. } => match tests.as_slice() {
            [Test::Reference(ReferenceTest::ToAny(keys))] if keys.len() == 1 => keys.first(),
            _ => None,
        },
        _ => None,
    }
}

/// What the row of a resource itself tells: its key, and whose record it is part of.
struct Owned<'a> {
    key: &'a Key,
    owner: Option<i64>,
    /// A patient and their number.
    known: Option<(&'a Key, i64)>,
    /// The slots by which resources of this type belong to patients.
    slots: &'a [Slot],
}

impl Owned<'_> {
    /// Whether the resource passes, as far as the row tells.
    fn passes(&self, filter: &Filter) -> Option<bool> {
        match filter {
            Filter::All(parts) => self.all(parts, false),
            Filter::Any(parts) => self.all(parts, true),
            Filter::Not(inner) => self.passes(inner).map(|passes| !passes),
            Filter::Ids(ids) => Some(ids.contains(&self.key.id)),
            Filter::Keys(keys) => Some(keys.contains(self.key)),
            Filter::Kind(kinds) => Some(kinds.contains(&self.key.kind)),
            Filter::Row { sources, tests } => {
                let [Test::Reference(ReferenceTest::ToAny(keys))] = tests.as_slice() else { return None };
                let (patient, number) = self.known.filter(|(patient, _)| keys.first() == Some(patient))?;
                let whole = sources.len() == self.slots.len()
                    && sources.iter().all(|it| it.only.is_none() && self.slots.contains(&it.slot));
                // A patient's row names themselves, whatever they link to.
                (whole && keys.len() == 1 && patient.kind != self.key.kind).then_some(self.one_owner()? == number)
            }
            Filter::OfPatients { patients, slots, of } => {
                let numbers = patients.numbers.get().filter(|_| slots.as_slice() == self.slots)?;
                match (numbers.binary_search(&self.one_owner()?).is_ok(), of) {
                    (false, _) => Some(false),
                    (true, Of::Some) => Some(true),
                    // It may be of a patient elsewhere too.
                    (true, Of::NoOther) => None,
                }
            }
            _ => None,
        }
    }

    /// All pass; or, with `enough`, one does.
    fn all(&self, parts: &[Filter], enough: bool) -> Option<bool> {
        let mut doubtful = false;
        for part in parts {
            match self.passes(part) {
                Some(passes) if passes == enough => return Some(enough),
                Some(_) => {}
                None => doubtful = true,
            }
        }
        (!doubtful).then_some(!enough)
    }

    /// The number of the patient, when it is one, or none.
    fn one_owner(&self) -> Option<i64> {
        self.owner.filter(|owner| *owner != SEVERAL)
    }
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
    let index = prepare::index(reach.registry, bases, None, &stored.key, &stored.value());
    let version = Version { key: &stored.key, rows: &index.rows, texts: &index.texts, at: stored.at };
    for (_, filter) in &ruling.rules {
        if !judge::passes(session, reach.registry, filter, version).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
