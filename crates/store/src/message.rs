//! The log of messages from and to other systems: each as it came, what became of it, and what it wrote. A message is
//! written in the same transaction as what it changed, so that after a loss of power there are both or neither.
//!
//! What is in a message is the caller's business; the store never reads one, and never tells of one in errors or logs.
//! Who may see the log is decided by `care::exchange`, the only one that asks.

use crate::audit::Event;
use crate::batch::Batch;
use crate::caller::Caller;
use crate::db::table::{MESSAGE, MESSAGE_VERSION};
use crate::db::{Rows, Session, Step, Value};
use crate::error::{StoreError, StoreResult};
use crate::item::ItemExpect;
use crate::store::{Store, reading};
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;

/// How a message conflict is named in errors.
pub(crate) const LOG: &str = "message";

/// One message, as lists show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// Made from who sent what: the same message has the same.
    pub id: String,
    /// Grows with every change.
    pub version: u64,
    /// When it came or was made, in microseconds since 1970.
    pub at: i64,
    pub channel: String,
    pub state: String,
    /// `ORU^R01`.
    pub kind: String,
    /// What the sender calls it.
    pub control: String,
    pub sender: String,
    /// The id of the patient here.
    pub patient: Option<String>,
    /// Why it failed; messages that failed for the same reason say the same.
    pub cause: Option<String>,
    /// How many bytes it has.
    pub size: i64,
    /// It was made here and goes to somebody else.
    pub outgoing: bool,
    /// It waits to be sent, and is tried at this moment (microseconds) for the next time.
    pub due: Option<i64>,
}

/// One message with all that is known about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Logged {
    pub heading: Heading,
    /// JSON: what was answered, what it wrote, what to know about it.
    pub head: Bytes,
    /// As it came.
    pub raw: Bytes,
}

// What stands in a message is nobody's business but its readers'.
impl fmt::Debug for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message on {}, {}, version {}", self.channel, self.state, self.version)
    }
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading.fmt(f)
    }
}

/// A message to write; its version is given by the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChange {
    pub message: Logged,
    pub expect: ItemExpect,
}

/// Which messages; what is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    pub channel: Option<String>,
    pub state: Option<String>,
    /// `ORU^R01`, or its first part.
    pub kind: Option<String>,
    pub cause: Option<String>,
    pub patient: Option<String>,
    /// The name that the sender gave it, whole.
    pub control: Option<String>,
    /// Only what goes out, or only what came in.
    pub outgoing: Option<bool>,
    /// Only what waits to be sent.
    pub waiting: bool,
    /// Only those of which something is left to read.
    pub whole: bool,
    /// Received in this time, in microseconds, the end not included.
    pub from: Option<i64>,
    pub until: Option<i64>,
    /// Only those before this one in the list: its time and id.
    pub before: Option<(i64, String)>,
    /// In the order in which they came, not the latest first.
    pub oldest_first: bool,
}

/// How many messages of a channel are in a state, for the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageCount {
    pub channel: String,
    pub state: String,
    pub cause: Option<String>,
    pub count: u64,
    pub first: i64,
    pub last: i64,
}

/// What lists need of a row, in the order of [`heading`].
const HEADING: &str = "m.id, m.version, m.at, m.channel, m.state, m.kind, m.control, m.sender, m.patient, m.cause, m.size, m.outgoing, m.due";
/// How many columns that is.
const HEADING_LENGTH: usize = 13;

impl Store {
    /// A page of the log.
    pub async fn messages(&self, query: &MessageQuery, limit: usize) -> StoreResult<Vec<Heading>> {
        reading!(self, session => page(&mut session, query, limit).await)
    }

    /// One message.
    pub async fn message(&self, id: &str) -> StoreResult<Option<Logged>> {
        reading!(self, session => one(&mut session, id).await)
    }

    /// How many there are of what.
    pub async fn message_counts(&self) -> StoreResult<Vec<MessageCount>> {
        reading!(self, session => counts(&mut session).await)
    }

    /// Which kinds of messages there are.
    pub async fn message_kinds(&self) -> StoreResult<Vec<String>> {
        reading!(self, session => kinds(&mut session).await)
    }

    /// Writes messages without anything else.
    pub async fn log(
        &self,
        caller: &Caller,
        action: &'static str,
        messages: Vec<MessageChange>,
        now: i64,
    ) -> StoreResult<()> {
        let batch = Batch { messages, action, ..Batch::default() };
        self.commit(caller, batch, now).await.map(drop)
    }

    /// Writes messages and says in the audit log what it was: whose data went where.
    pub async fn log_as(
        &self,
        caller: &Caller,
        event: Event,
        messages: Vec<MessageChange>,
        now: i64,
    ) -> StoreResult<()> {
        let batch = Batch { messages, action: event.action, ..Batch::default() };
        self.enqueue(caller, batch, Some(event), now).await.map(drop)
    }
}

fn heading(row: &[Value]) -> Heading {
    let text = |at: usize| row[at].text().unwrap_or_default().to_owned();
    let maybe = |at: usize| row[at].text().map(str::to_owned);
    Heading {
        id: text(0),
        version: row[1].int() as u64,
        at: row[2].int(),
        channel: text(3),
        state: text(4),
        kind: text(5),
        control: text(6),
        sender: text(7),
        patient: maybe(8),
        cause: maybe(9),
        size: row[10].int(),
        outgoing: row[11].int() != 0,
        due: row[12].maybe_int(),
    }
}

async fn page<S: Session>(session: &mut S, query: &MessageQuery, limit: usize) -> StoreResult<Vec<Heading>> {
    let mut sql = format!("SELECT {HEADING} FROM message m WHERE {} 1 = 1", session.dialect().here("m"));
    let mut values: Vec<Value> = Vec::new();
    let texts = [
        ("channel", &query.channel),
        ("state", &query.state),
        ("cause", &query.cause),
        ("patient", &query.patient),
        ("control", &query.control),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            sql.push_str(&format!(" AND m.{column} = ?"));
            values.push(value.as_str().into());
        }
    }
    match &query.kind {
        Some(kind) if kind.contains('^') => {
            sql.push_str(" AND m.kind = ?");
            values.push(kind.as_str().into());
        }
        Some(kind) => {
            // `ORU` is every ORU: what begins with `ORU^` and no more. Several kinds lie in the index one after the other and
            // would all be sorted for the latest few: the log is gone through in its order instead.
            sql.push_str(" AND (m.kind || '' = ? OR (m.kind || '' > ? AND m.kind || '' < ?))");
            values.extend([kind.clone(), format!("{kind}^"), format!("{kind}_")].map(Value::from));
        }
        None => {}
    }
    if let Some(outgoing) = query.outgoing {
        sql.push_str(" AND m.outgoing = ?");
        values.push(i64::from(outgoing).into());
    }
    if query.waiting {
        sql.push_str(" AND m.due IS NOT NULL");
    }
    if query.whole {
        sql.push_str(" AND m.size > 0");
    }
    for (condition, value) in [(" AND m.at >= ?", query.from), (" AND m.at < ?", query.until)] {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value.into());
        }
    }
    let (beyond, order) = if query.oldest_first { (">", "ASC") } else { ("<", "DESC") };
    if let Some((at, id)) = &query.before {
        sql.push_str(&format!(" AND (m.at {beyond} ? OR (m.at = ? AND m.id {beyond} ?))"));
        values.extend([(*at).into(), (*at).into(), id.as_str().into()]);
    }
    sql.push_str(&format!(" ORDER BY m.at {order}, m.id {order} LIMIT {limit}"));
    Ok(session.query(&sql, &values).await?.iter().map(|row| heading(row)).collect())
}

async fn one<S: Session>(session: &mut S, id: &str) -> StoreResult<Option<Logged>> {
    let sql = format!("SELECT {HEADING}, m.head, m.raw FROM message m WHERE {} m.id = ?", session.dialect().here("m"));
    let Some(row) = session.query(&sql, &[id.into()]).await?.pop() else { return Ok(None) };
    let heading = heading(&row);
    let mut rest = row.into_iter().skip(HEADING_LENGTH).map(Value::into_blob);
    let (head, raw) = (rest.next().unwrap_or_default(), rest.next().unwrap_or_default());
    Ok(Some(Logged { heading, head, raw }))
}

async fn counts<S: Session>(session: &mut S) -> StoreResult<Vec<MessageCount>> {
    let sql = format!(
        "SELECT m.channel, m.state, m.cause, count(*), min(m.at), max(m.at) FROM message m WHERE {} 1 = 1 \
         GROUP BY m.channel, m.state, m.cause ORDER BY m.channel, m.state, m.cause",
        session.dialect().here("m")
    );
    let count = |row: &Vec<Value>| MessageCount {
        channel: row[0].text().unwrap_or_default().to_owned(),
        state: row[1].text().unwrap_or_default().to_owned(),
        cause: row[2].text().map(str::to_owned),
        count: row[3].int() as u64,
        first: row[4].int(),
        last: row[5].int(),
    };
    Ok(session.query(&sql, &[]).await?.iter().map(count).collect())
}

/// No installation has more kinds of messages.
const KINDS: usize = 300;

/// From one kind to the next in the index: a log of millions has some dozens of kinds.
async fn kinds<S: Session>(session: &mut S) -> StoreResult<Vec<String>> {
    let here = session.dialect().here("m");
    let sql = format!("SELECT m.kind FROM message m WHERE {here} m.kind > ? ORDER BY m.kind LIMIT 1");
    let mut kinds: Vec<String> = Vec::new();
    while kinds.len() < KINDS {
        let last = kinds.last().map_or("", String::as_str);
        let rows = session.query(&sql, &[last.into()]).await?;
        let Some(next) = rows.first().and_then(|row| row[0].text()) else { break };
        kinds.push(next.to_owned());
    }
    Ok(kinds)
}

/// The messages that a group of commits touches, as the group sees them.
#[derive(Default)]
pub(crate) struct Messages {
    versions: HashMap<String, i64>,
    changed: HashMap<String, (Logged, i64)>,
}

impl Messages {
    pub(crate) async fn load<S: Session>(
        session: &mut S,
        changes: impl Iterator<Item = &MessageChange>,
    ) -> StoreResult<Messages> {
        let mut ids: Vec<&str> = changes.map(|it| it.message.heading.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut it = Messages::default();
        if ids.is_empty() {
            return Ok(it);
        }
        let mut keys = Rows::new(1);
        ids.into_iter().for_each(|id| keys.push([id.into()]));
        for row in session.lookup(&MESSAGE_VERSION, &keys).await? {
            it.versions.insert(row[0].text().unwrap_or_default().to_owned(), row[1].int());
        }
        Ok(it)
    }

    /// Whether each change finds what it expects.
    pub(crate) fn check(&self, changes: &[MessageChange]) -> StoreResult<()> {
        for (at, change) in changes.iter().enumerate() {
            let version = self.versions.get(&change.message.heading.id);
            let fits = match (change.expect, version) {
                (ItemExpect::Anything, _) | (ItemExpect::Absent, None) => true,
                (ItemExpect::Version(wanted), Some(version)) => wanted == *version as u64,
                _ => false,
            };
            if !fits {
                return Err(StoreError::ItemConflict { shelf: LOG, at });
            }
        }
        Ok(())
    }

    /// Takes changes that were checked. `version` is that of the commit, greater than any before.
    pub(crate) fn stage(&mut self, changes: &[MessageChange], version: i64) {
        for MessageChange { message, .. } in changes {
            let id = message.heading.id.clone();
            self.versions.insert(id.clone(), version);
            self.changed.insert(id, (message.clone(), version));
        }
    }

    pub(crate) async fn flush<S: Session>(&mut self, session: &mut S) -> StoreResult<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let mut changed: Vec<_> = std::mem::take(&mut self.changed).into_values().collect();
        changed.sort_unstable_by(|a, b| a.0.heading.id.cmp(&b.0.heading.id));
        let mut rows = Rows::new(15);
        for (Logged { heading: it, head, raw }, version) in changed {
            rows.push([
                it.id.into(),
                version.into(),
                it.at.into(),
                it.channel.into(),
                it.state.into(),
                it.kind.into(),
                it.control.into(),
                it.sender.into(),
                it.patient.as_deref().into(),
                it.cause.as_deref().into(),
                it.size.into(),
                Value::Blob(head),
                Value::Blob(raw),
                i64::from(it.outgoing).into(),
                it.due.map_or(Value::Null, Value::Int),
            ]);
        }
        session.write(&[Step::Insert(&MESSAGE, &rows)]).await
    }
}
