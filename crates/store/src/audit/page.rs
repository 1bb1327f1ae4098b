//! Reading the log: filters, newest first, page by page.
//!
//! Time runs with the numbers of entries, so a span of time is a span of numbers. What concerned a patient, and the
//! epochs in which somebody did something, have tables of their own; everything else is looked at entry by entry.

use super::chain::Hash;
use super::event::Outcome;
use super::ledger::{begin_of, epoch, unpack};
use crate::body;
use crate::caller::Caller;
use crate::db::{Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::by_id;
use crate::owner::PATIENT;
use crate::search::cursor::{Place, Seal};
use crate::search::fetch;
use crate::stored::PageCursor;
use fhir::{Id, Key, ResourceType};
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What is sought. What is not said is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// At or after (microseconds).
    pub from: Option<i64>,
    /// Before (microseconds).
    pub to: Option<i64>,
    /// Their stable name: `user/7f3c`.
    pub who: Option<String>,
    /// What people call them begins with this, whatever the case.
    pub name: Option<String>,
    /// Whose data it concerned.
    pub patient: Option<Id>,
    pub about: Option<Key>,
    /// The type of what it was about, or that was searched.
    pub kind: Option<ResourceType>,
    /// Any of these.
    pub actions: Vec<String>,
    pub outcome: Option<Outcome>,
    pub request: Option<String>,
    /// This one entry.
    pub sequence: Option<u64>,
    /// Oldest first instead.
    pub ascending: bool,
    pub count: u32,
    pub cursor: Option<PageCursor>,
}

impl fmt::Display for Query {
    /// As the log says what was asked of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = |at: i64| body::instant(at);
        let asked = [
            ("from", self.from.map(instant)),
            ("to", self.to.map(instant)),
            ("who", self.who.clone()),
            ("name", self.name.clone()),
            ("patient", self.patient.as_ref().map(Id::to_string)),
            ("about", self.about.as_ref().map(Key::to_string)),
            ("kind", self.kind.map(|it| it.to_string())),
            ("action", (!self.actions.is_empty()).then(|| self.actions.join(","))),
            ("outcome", self.outcome.map(|it| it.number().to_string())),
            ("request", self.request.clone()),
            ("sequence", self.sequence.map(|it| it.to_string())),
        ];
        f.write_str("AuditEvent")?;
        let mut sign = '?';
        for (name, value) in asked {
            if let Some(value) = value {
                write!(f, "{sign}{name}={value}")?;
                sign = '&';
            }
        }
        Ok(())
    }
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    pub who: String,
    pub role: String,
    pub display: String,
    pub client: Option<String>,
    /// A code of HL7 v3 PurposeOfUse.
    pub purpose: String,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub sequence: u64,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    pub agent: Agent,
    pub action: String,
    pub outcome: Outcome,
    /// The type of what it was about, or that was searched.
    pub kind: Option<ResourceType>,
    pub about: Option<Key>,
    /// The version that was shown or written.
    pub version: Option<u64>,
    /// How many versions were written.
    pub wrote: u64,
    /// Whose data were shown or written.
    pub patients: Vec<Id>,
    pub rule: Option<String>,
    pub request: Option<String>,
    /// What was asked.
    pub detail: Option<String>,
    /// In hexadecimal digits.
    pub hash: String,
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    pub entries: Vec<Entry>,
    pub next: Option<PageCursor>,
}

/// Number, time and hash of the last entry.
pub(crate) async fn head<S: Session>(session: &mut S) -> StoreResult<Option<(i64, i64, Hash)>> {
    let here = session.dialect().here("a");
    let sql = format!("SELECT seq, at, hash FROM audit a WHERE {here} seq > 0 ORDER BY seq DESC LIMIT 1");
    let Some(row) = session.query(&sql, &[]).await?.pop() else { return Ok(None) };
    let (seq, at) = (row[0].int(), row[1].int());
    let hash = row.into_iter().nth(2).map(Value::into_blob).unwrap_or_default();
    // One that is none agrees with no anchor.
    Ok(Some((seq, at, hash.as_ref().try_into().unwrap_or_default())))
}

pub(crate) async fn page<S: Session>(
    session: &mut S,
    seal: &Seal,
    caller: &Caller,
    asked: &Query,
) -> StoreResult<Page> {
    let id = identity(asked);
    let start = asked.cursor.as_ref().map(|cursor| seal.open(caller, id, cursor)).transpose()?;
    let Some(mut walk) = Walk::of(session, asked, start).await? else { return Ok(Page::default()) };
    let size = asked.count.max(1) as usize;
    let mut rows = walk.rows(session, size + 1).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let entries = entries(session, rows).await?;
    let next = match entries.last() {
        Some(last) if more => {
            let last = last.sequence as i64;
            let place = if asked.ascending { Place::After(last) } else { Place::Before(last) };
            Some(seal.seal(caller, id, place)?)
        }
        _ => None,
    };
    Ok(Page { entries, next })
}

fn identity(asked: &Query) -> u64 {
    let mut hasher = DefaultHasher::new();
    Query { cursor: None, count: 0, ..asked.clone() }.hash(&mut hasher);
    hasher.finish()
}

/// The way through the log.
struct Walk {
    /// Numbers from and (not included) to.
    low: i64,
    high: i64,
    ascending: bool,
    patient: Option<i64>,
    /// The epochs in which those that are sought did something, ascending; `None`: all.
    epochs: Option<Vec<i64>>,
    conditions: String,
    values: Vec<Value>,
}

/// Epochs of a patient looked at with one statement: at first few, since who looks for the newest finds them there.
const FIRST_EPOCHS: i64 = 4;
const MOST_EPOCHS: i64 = 4_096;

impl Walk {
    /// `None`: nothing can pass.
    async fn of<S: Session>(session: &mut S, asked: &Query, start: Option<Place>) -> StoreResult<Option<Walk>> {
        let last = head(session).await?.map_or(0, |it| it.0);
        let (mut low, mut high) = (1, last + 1);
        match start {
            None => {}
            Some(Place::Before(seq)) => high = high.min(seq),
            Some(Place::After(seq)) => low = low.max(seq + 1),
            Some(Place::At { .. }) => return Err(StoreError::BadCursor),
        }
        if let Some(from) = asked.from {
            low = low.max(first_at(session, from, last).await?);
        }
        if let Some(to) = asked.to {
            high = high.min(first_at(session, to, last).await?);
        }
        if let Some(sequence) = asked.sequence {
            let sequence = i64::try_from(sequence).unwrap_or(i64::MAX - 1);
            (low, high) = (low.max(sequence), high.min(sequence + 1));
        }
        let mut walk = Walk {
            low,
            high,
            ascending: asked.ascending,
            patient: None,
            epochs: None,
            conditions: String::new(),
            values: Vec::new(),
        };
        if let Some(patient) = &asked.patient {
            let Some(number) = number_of(session, patient).await? else { return Ok(None) };
            walk.patient = Some(number);
        }
        if asked.who.is_some() || asked.name.is_some() {
            let Some(agents) = agents(session, asked).await? else { return Ok(None) };
            let epochs = epochs_of(session, &agents).await?;
            walk.epochs = Some(epochs);
            walk.any_of("a.agent", agents.into_iter().map(Value::Int));
        }
        if let Some(key) = &asked.about {
            walk.any_of("a.kind", [i64::from(key.kind.number()).into()].into_iter());
            walk.any_of("a.id", [Value::Blob(body::pack_id(key.id.as_str()))].into_iter());
        }
        if let Some(kind) = asked.kind {
            walk.any_of("a.kind", [i64::from(kind.number()).into()].into_iter());
        }
        if !asked.actions.is_empty() {
            walk.any_of("a.action", asked.actions.iter().map(|it| Value::from(it.as_str())));
        }
        if let Some(outcome) = asked.outcome {
            walk.any_of("a.outcome", [outcome.number().into()].into_iter());
        }
        if let Some(request) = &asked.request {
            walk.any_of("a.request", [Value::from(request.as_str())].into_iter());
        }
        Ok(Some(walk))
    }

    fn any_of(&mut self, column: &str, values: impl ExactSizeIterator<Item = Value>) {
        let marks = vec!["?"; values.len()].join(", ");
        self.conditions.push_str(&format!(" AND {column} IN ({marks})"));
        self.values.extend(values);
    }

    async fn rows<S: Session>(&mut self, session: &mut S, limit: usize) -> StoreResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        let mut step = FIRST_EPOCHS;
        while rows.len() < limit {
            let Some((low, high)) = self.next_span(step) else { break };
            step = (step * 4).min(MOST_EPOCHS);
            rows.extend(self.span(session, low, high, limit - rows.len()).await?);
            session.check_time()?;
            if self.ascending {
                self.low = high;
            } else {
                self.high = low;
            }
        }
        Ok(rows)
    }

    /// The next piece of the way: for a patient some epochs, for somebody the next epoch in which they did something,
    /// otherwise all that is left.
    fn next_span(&mut self, step: i64) -> Option<(i64, i64)> {
        if self.low >= self.high {
            return None;
        }
        let (first, last) = (epoch(self.low), epoch(self.high - 1));
        if let Some(epochs) = &mut self.epochs {
            epochs.retain(|it| (first..=last).contains(it));
            let next = *(if self.ascending { epochs.first() } else { epochs.last() })?;
            return Some((begin_of(next).max(self.low), begin_of(next + 1).min(self.high)));
        }
        Some(match (self.patient, self.ascending) {
            (None, _) => (self.low, self.high),
            (Some(_), true) => (self.low, begin_of(first + step).min(self.high)),
            (Some(_), false) => (begin_of(last + 1 - step).max(self.low), self.high),
        })
    }

    async fn span<S: Session>(
        &self,
        session: &mut S,
        low: i64,
        high: i64,
        limit: usize,
    ) -> StoreResult<Vec<Vec<Value>>> {
        let dialect = session.dialect();
        let order = if self.ascending { "ASC" } else { "DESC" };
        let mut values: Vec<Value> = Vec::new();
        let (from, column) = match self.patient {
            None => (format!("audit a WHERE {}", dialect.here("a")), "a.seq"),
            Some(patient) => {
                values.extend([epoch(low).into(), epoch(high - 1).into(), patient.into()]);
                let from = format!(
                    "epochs e JOIN audit_patient p ON {} p.epoch = e.n AND p.patient = ? \
                     JOIN audit a ON {} a.seq = p.seq WHERE",
                    dialect.here("p"),
                    dialect.here("a")
                );
                (from, "p.seq")
            }
        };
        let with = match self.patient {
            None => "",
            Some(_) => {
                "WITH RECURSIVE epochs(n) AS (SELECT CAST(? AS BIGINT) UNION ALL \
                 SELECT n + 1 FROM epochs WHERE n < CAST(? AS BIGINT)) "
            }
        };
        let sql = format!(
            "{with}SELECT {COLUMNS} FROM {from} {column} >= ? AND {column} < ?{} ORDER BY {column} {order} LIMIT {limit}",
            self.conditions
        );
        values.extend([low.into(), high.into()]);
        values.extend(self.values.iter().cloned());
        session.query(&sql, &values).await
    }
}

/// The columns of an entry, as [`entries`] and `verify` read them.
pub(crate) const COLUMNS: &str = "a.seq, a.at, a.agent, a.action, a.outcome, a.kind, a.id, a.version, a.wrote, \
     a.patients, a.rule, a.request, a.detail, a.hash";

/// The number of the first entry at or after a moment, or that after the last one.
async fn first_at<S: Session>(session: &mut S, moment: i64, last: i64) -> StoreResult<i64> {
    let sql = format!("SELECT at FROM audit a WHERE {} seq = ?", session.dialect().here("a"));
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = session.query(&sql, &[middle.into()]).await?.first().and_then(|row| row[0].maybe_int());
        if at.is_some_and(|at| at >= moment) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

async fn number_of<S: Session>(session: &mut S, patient: &Id) -> StoreResult<Option<i64>> {
    let here = session.dialect().here("r");
    let sql = format!("SELECT rid FROM resource r WHERE {here} id = ? AND (rid >> 40) = ?");
    let rows = session.query(&sql, &by_id(&Key::new(*PATIENT, patient.clone()))).await?;
    Ok(rows.first().map(|row| row[0].int()))
}

/// More agents than this are not sought at once.
const MOST_AGENTS: usize = 500;

/// The numbers of those with this name; `None`: nobody has it.
async fn agents<S: Session>(session: &mut S, asked: &Query) -> StoreResult<Option<Vec<i64>>> {
    let mut sql = format!("SELECT g.id, g.display FROM audit_agent g WHERE {} g.id > 0", session.dialect().here("g"));
    let mut values = Vec::new();
    if let Some(who) = &asked.who {
        sql.push_str(" AND g.who = ?");
        values.push(Value::from(who.as_str()));
    }
    let name = asked.name.as_deref().map(fhir::search::fold);
    let begins = |row: &&Vec<Value>| {
        let display = row[1].text().map(fhir::search::fold).unwrap_or_default();
        // Any of their names: people are sought by the family name as by the given one.
        name.as_ref().is_none_or(|name| {
            display.starts_with(name.as_str()) || display.split(' ').any(|part| part.starts_with(name.as_str()))
        })
    };
    let rows = session.query(&sql, &values).await?;
    let found: Vec<i64> = rows.iter().filter(begins).map(|row| row[0].int()).collect();
    if found.len() > MOST_AGENTS {
        return Err(StoreError::TooCostly("very many have such a name; say more of it".to_owned()));
    }
    Ok((!found.is_empty()).then_some(found))
}

async fn epochs_of<S: Session>(session: &mut S, agents: &[i64]) -> StoreResult<Vec<i64>> {
    let marks = vec!["?"; agents.len()].join(", ");
    let here = session.dialect().here("s");
    let sql = format!("SELECT DISTINCT s.epoch FROM audit_span s WHERE {here} s.agent IN ({marks}) ORDER BY s.epoch");
    let values: Vec<Value> = agents.iter().map(|it| (*it).into()).collect();
    Ok(session.query(&sql, &values).await?.iter().map(|row| row[0].int()).collect())
}

/// From rows of [`COLUMNS`] to entries.
async fn entries<S: Session>(session: &mut S, rows: Vec<Vec<Value>>) -> StoreResult<Vec<Entry>> {
    let mut patients: Vec<i64> = Vec::new();
    let mut numbers = Vec::with_capacity(rows.len());
    for row in &rows {
        patients.extend(numbers_in(&row[9])?);
        numbers.push(row[2].int());
    }
    patients.sort_unstable();
    patients.dedup();
    let names: HashMap<i64, Id> = fetch::ids(session, &patients).await?.into_iter().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let agents = agents_by_number(session, &numbers).await?;
    rows.into_iter().map(|row| entry(&row, &names, &agents)).collect()
}

fn numbers_in(packed: &Value) -> StoreResult<Vec<i64>> {
    match packed {
        Value::Blob(packed) => unpack(packed).ok_or_else(damaged),
        _ => Ok(Vec::new()),
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("an audit entry cannot be read; run `continuo audit verify`".to_owned())
}

fn entry(row: &[Value], patients: &HashMap<i64, Id>, agents: &HashMap<i64, Agent>) -> StoreResult<Entry> {
    let number = |at: usize| row[at].maybe_int().ok_or_else(damaged);
    let text = |at: usize| row[at].text().map(str::to_owned);
    let kind = match row[5].maybe_int() {
        Some(kind) => Some(u8::try_from(kind).ok().and_then(ResourceType::from_number).ok_or_else(damaged)?),
        None => None,
    };
    let about = match (&row[6], kind) {
        (Value::Blob(id), Some(kind)) => Some(Key::new(kind, body::unpack_id(id)?)),
        _ => None,
    };
    let Value::Blob(hash) = &row[13] else { return Err(damaged()) };
    Ok(Entry {
        sequence: number(0)? as u64,
        at: number(1)?,
        agent: agents.get(&number(2)?).cloned().ok_or_else(damaged)?,
        action: text(3).ok_or_else(damaged)?,
        outcome: Outcome::from_number(number(4)?).ok_or_else(damaged)?,
        kind,
        about,
        version: row[7].maybe_int().map(|it| it as u64),
        wrote: number(8)? as u64,
        patients: numbers_in(&row[9])?.iter().filter_map(|it| patients.get(it).cloned()).collect(),
        rule: text(10),
        request: text(11),
        detail: text(12),
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// The agents with these numbers.
pub(crate) async fn agents_by_number<S: Session>(session: &mut S, numbers: &[i64]) -> StoreResult<HashMap<i64, Agent>> {
    let mut found = HashMap::with_capacity(numbers.len());
    for some in numbers.chunks(200) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!(
            "SELECT g.id, g.who, g.role, g.display, g.client, g.purpose FROM audit_agent g WHERE {} g.id IN ({marks})",
            session.dialect().here("g")
        );
        let values: Vec<Value> = some.iter().map(|it| (*it).into()).collect();
        for row in session.query(&sql, &values).await? {
            let text = |at: usize| row[at].text().unwrap_or_default().to_owned();
            let client = row[4].text().map(str::to_owned);
            let agent = Agent { who: text(1), role: text(2), display: text(3), client, purpose: text(5) };
            found.insert(row[0].int(), agent);
        }
    }
    Ok(found)
}
