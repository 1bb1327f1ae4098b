//! Walks the whole log and tells the first entry that is not as it was written: the chain, what the entries are found
//! by, the change log beside them, and the anchors.

use super::REWIND;
use super::anchor::Anchor;
use super::chain::{self, Hash, Hasher, Plain};
use super::ledger::{epoch, unpack};
use super::page::{Agent, COLUMNS, agents_by_number, head};
use crate::body;
use crate::db::{Session, Value};
use crate::error::StoreResult;
use crate::maintain::Progress;
use crate::search::fetch;
use fhir::{Id, ResourceType};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Entries that are as they were written, from the first one on.
    pub entries: u64,
    /// Anchors that agree.
    pub anchors: u64,
    /// The first entry that is not.
    pub bad: Option<Bad>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    pub sequence: u64,
    /// What is wrong with it, as the end of a sentence.
    pub what: String,
}

const CHUNK: usize = 2_000;
/// Names of patients and agents remembered.
const REMEMBERED: usize = 500_000;

pub(crate) async fn verify<S: Session>(
    session: &mut S,
    anchors: &[Anchor],
    progress: &Progress<'_>,
) -> StoreResult<Report> {
    let mut anchors: Vec<&Anchor> = anchors.iter().collect();
    anchors.sort_by_key(|it| it.sequence);
    let total = head(session).await?.map_or(0, |it| it.0) as u64;
    let mut walk = Walk {
        hasher: Hasher::default(),
        hash: chain::genesis(),
        expected: 1,
        agents: HashMap::new(),
        patients: HashMap::new(),
        spans: spans(session).await?,
        concerned: Vec::new(),
        rows_concerned: 0,
        changes: Changes::default(),
        anchors: 0,
        anchored: 0,
    };
    let here = session.dialect().here("a");
    let sql = format!("SELECT {COLUMNS} FROM audit a WHERE {here} a.seq > ? ORDER BY a.seq LIMIT {CHUNK}");
    let mut after = i64::MIN;
    let mut bad = None;
    loop {
        let rows = session.query(&sql, &[after.into()]).await?;
        let Some(last) = rows.last() else { break };
        after = last[0].maybe_int().unwrap_or(i64::MAX);
        walk.learn(session, &rows).await?;
        for row in &rows {
            bad = walk.entry(session, row, &anchors).await?;
            if bad.is_some() {
                break;
            }
        }
        if bad.is_some() {
            break;
        }
        progress(walk.expected as u64 - 1, total);
    }
    let earlier = walk.finish_epoch(session).await?;
    let bad = match (earlier, bad) {
        (Some(earlier), _) => Some(earlier),
        (None, Some(bad)) => Some(bad),
        (None, None) => walk.end(session, &anchors).await?,
    };
    let entries = bad.as_ref().map_or(walk.expected as u64 - 1, |bad| bad.sequence.saturating_sub(1));
    Ok(Report { entries, anchors: walk.anchors, bad })
}

fn bad(sequence: i64, what: impl Into<String>) -> Option<Bad> {
    Some(Bad { sequence: sequence.max(0) as u64, what: what.into() })
}

struct Walk {
    hasher: Hasher,
    /// Of the entry before.
    hash: Hash,
    expected: i64,
    agents: HashMap<i64, Agent>,
    patients: HashMap<i64, Id>,
    spans: HashSet<(i64, i64)>,
    /// Patients of the entries of this epoch.
    concerned: Vec<(i64, i64)>,
    rows_concerned: u64,
    changes: Changes,
    /// How many anchors agreed, and the number of the last of them.
    anchors: u64,
    anchored: i64,
}

impl Walk {
    /// Names for the numbers in these rows.
    async fn learn<S: Session>(&mut self, session: &mut S, rows: &[Vec<Value>]) -> StoreResult<()> {
        if self.patients.len() > REMEMBERED {
            self.patients.clear();
        }
        if self.agents.len() > REMEMBERED {
            self.agents.clear();
        }
        let (mut patients, mut agents) = (Vec::new(), Vec::new());
        for row in rows {
            if let Some(agent) = row[2].maybe_int().filter(|it| !self.agents.contains_key(it)) {
                agents.push(agent);
            }
            if let Value::Blob(packed) = &row[9] {
                let numbers = unpack(packed).unwrap_or_default();
                patients.extend(numbers.into_iter().filter(|it| !self.patients.contains_key(it)));
            }
        }
        for list in [&mut patients, &mut agents] {
            list.sort_unstable();
            list.dedup();
        }
        self.patients.extend(fetch::ids(session, &patients).await?);
        self.agents.extend(agents_by_number(session, &agents).await?);
        Ok(())
    }

    async fn entry<S: Session>(
        &mut self,
        session: &mut S,
        row: &[Value],
        anchors: &[&Anchor],
    ) -> StoreResult<Option<Bad>> {
        let seq = match row[0].maybe_int() {
            Some(seq) if seq == self.expected => seq,
            Some(seq) if seq > self.expected => return Ok(bad(self.expected, "is missing")),
            Some(seq) => return Ok(bad(seq, "stands where no entry belongs")),
            None => return Ok(bad(self.expected, "has no number")),
        };
        let mut hasher = std::mem::take(&mut self.hasher);
        let read = self.read(row).map(|Read { plain, patients, hash, agent, wrote, at }| {
            let ids = patients.iter().map(|it| self.patients.get(it).map_or("", Id::as_str));
            (hasher.follow(&self.hash, &plain, ids), patients, hash, agent, wrote, at)
        });
        self.hasher = hasher;
        let Some((due, patients, hash, agent, wrote, at)) = read else {
            return Ok(bad(seq, "cannot be read: it was changed"));
        };
        if due != hash {
            return Ok(bad(seq, "does not follow from the one before it: it was changed, inserted or moved"));
        }
        if epoch(seq) != epoch(seq - 1)
            && let Some(earlier) = self.finish_epoch(session).await?
        {
            return Ok(Some(earlier));
        }
        self.hash = hash;
        self.expected += 1;
        if !self.spans.contains(&(agent, epoch(seq))) {
            return Ok(bad(seq, "is not found by who did it: a row of that table was taken away"));
        }
        self.rows_concerned += patients.len() as u64;
        self.concerned.extend(patients.into_iter().map(|patient| (seq, patient)));
        let written = self.changes.of(session, seq).await?;
        if let Some(stray) = written.stray {
            return Ok(bad(stray, "has more lines in the change log than it wrote"));
        }
        if written.count != wrote && (written.count > wrote || !self.changes.rewound(session, seq, at).await?) {
            let what = format!("wrote {wrote} versions; the change log has {}", written.count);
            return Ok(bad(seq, what));
        }
        while let Some(anchor) = anchors.get(self.anchors as usize).filter(|it| it.sequence <= seq as u64) {
            if anchor.sequence < seq as u64 {
                return Ok(bad(anchor.sequence as i64, "is anchored but was never passed"));
            }
            if anchor.hash != hash {
                let what = format!("or a later one up to {seq} was rewritten: the anchor of {seq} does not agree");
                return Ok(bad(self.anchored + 1, what));
            }
            self.anchors += 1;
            self.anchored = seq;
        }
        Ok(None)
    }

    /// The row with names, if every member is of its kind.
    fn read<'a>(&'a self, row: &'a [Value]) -> Option<Read<'a>> {
        let int = |at: usize| row[at].maybe_int();
        let maybe_int = |at: usize| match &row[at] {
            Value::Null => Some(None),
            Value::Int(it) => Some(Some(*it)),
            _ => None,
        };
        let maybe_text = |at: usize| match &row[at] {
            Value::Null => Some(None),
            Value::Text(it) => Some(Some(it.as_str())),
            _ => None,
        };
        let agent = int(2)?;
        let who = self.agents.get(&agent)?;
        let kind = match maybe_int(5)? {
            None => None,
            Some(kind) => Some(ResourceType::from_number(u8::try_from(kind).ok()?)?.name()),
        };
        let id = match &row[6] {
            Value::Null => None,
            Value::Blob(id) => Some(body::unpack_id(id).ok()?),
            _ => return None,
        };
        let patients = match &row[9] {
            Value::Null => Vec::new(),
            Value::Blob(packed) => unpack(packed).filter(|it| !it.is_empty())?,
            _ => return None,
        };
        let Value::Blob(hash) = &row[13] else { return None };
        let plain = Plain {
            seq: int(0)?,
            at: int(1)?,
            who: &who.who,
            role: &who.role,
            display: &who.display,
            client: who.client.as_deref(),
            purpose: &who.purpose,
            action: row[3].text()?,
            outcome: int(4)?,
            kind,
            id: id.map(|it| Cow::Owned(it.to_string())),
            version: maybe_int(7)?,
            wrote: int(8)?,
            rule: maybe_text(10)?,
            request: maybe_text(11)?,
            detail: maybe_text(12)?,
        };
        let (wrote, at) = (plain.wrote, plain.at);
        Some(Read { plain, patients, hash: hash.as_ref().try_into().ok()?, agent, wrote, at })
    }

    /// Whether the entries so far of this epoch are found by their patients, and no others are.
    async fn finish_epoch<S: Session>(&mut self, session: &mut S) -> StoreResult<Option<Bad>> {
        let last = self.expected - 1;
        let mut due: Vec<(i64, i64)> = std::mem::take(&mut self.concerned);
        let sql = format!(
            "SELECT p.seq, p.patient FROM audit_patient p WHERE {} p.epoch = ? AND p.seq <= ?",
            session.dialect().here("p")
        );
        let rows = session.query(&sql, &[epoch(last).into(), last.into()]).await?;
        let mut there: Vec<(i64, i64)> =
            rows.iter().map(|row| (row[0].maybe_int().unwrap_or(0), row[1].maybe_int().unwrap_or(0))).collect();
        due.sort_unstable();
        there.sort_unstable();
        if due == there {
            return Ok(None);
        }
        let differs = due.iter().zip(&there).find(|(a, b)| a != b).map(|(a, b)| a.0.min(b.0));
        let shorter = due.len().min(there.len());
        let beyond = due.get(shorter).or(there.get(shorter)).map_or(last, |it| it.0);
        Ok(bad(differs.unwrap_or(beyond), "is not found by the patients it concerned"))
    }

    /// What can be wrong behind the last entry.
    async fn end<S: Session>(&mut self, session: &mut S, anchors: &[&Anchor]) -> StoreResult<Option<Bad>> {
        let last = self.expected - 1;
        if let Some(anchor) = anchors.get(self.anchors as usize) {
            let what = format!("and those after it are missing: there is an anchor of {}", anchor.sequence);
            return Ok(bad(last + 1, what));
        }
        let later = self.changes.of(session, i64::MAX).await?;
        if later.count > 0 || later.stray.is_some() {
            return Ok(bad(last + 1, "and those after it are missing: the change log has later lines"));
        }
        let sql = format!("SELECT count(*) FROM audit_patient p WHERE {} p.epoch >= ?", session.dialect().here("p"));
        let rows = session.query(&sql, &[i64::MIN.into()]).await?[0][0].int() as u64;
        if rows != self.rows_concerned {
            return Ok(bad(last + 1, "does not exist, but is found by a patient"));
        }
        Ok(None)
    }
}

/// A row with names.
struct Read<'a> {
    plain: Plain<'a>,
    patients: Vec<i64>,
    hash: Hash,
    agent: i64,
    wrote: i64,
    at: i64,
}

async fn spans<S: Session>(session: &mut S) -> StoreResult<HashSet<(i64, i64)>> {
    let sql = format!("SELECT s.agent, s.epoch FROM audit_span s WHERE {} s.agent > 0", session.dialect().here("s"));
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.iter().filter_map(|row| Some((row[0].maybe_int()?, row[1].maybe_int()?))).collect())
}

/// The change log, walked beside the audit log: both are in the order of commits.
#[derive(Default)]
struct Changes {
    /// Numbers of entries that lines of the change log bear, in the order of lines.
    ahead: VecDeque<i64>,
    after: i64,
    done: bool,
    /// Which moments the store was set back to, and by which entry.
    rewinds: Option<Vec<(i64, i64)>>,
}

#[derive(Default)]
struct Lines {
    count: i64,
    /// A line that bears the number of an entry long passed.
    stray: Option<i64>,
}

impl Changes {
    /// The lines of an entry.
    async fn of<S: Session>(&mut self, session: &mut S, seq: i64) -> StoreResult<Lines> {
        let mut lines = Lines::default();
        loop {
            if self.ahead.is_empty() && !self.done {
                self.more(session).await?;
            }
            match self.ahead.front() {
                Some(tx) if *tx < seq && seq != i64::MAX => {
                    lines.stray = Some(*tx);
                    return Ok(lines);
                }
                Some(tx) if *tx <= seq => {
                    lines.count += 1;
                    self.ahead.pop_front();
                }
                _ => return Ok(lines),
            }
        }
    }

    async fn more<S: Session>(&mut self, session: &mut S) -> StoreResult<()> {
        let here = session.dialect().here("c");
        let sql = format!("SELECT c.seq, c.tx FROM change c WHERE {here} c.seq > ? ORDER BY c.seq LIMIT 5000");
        let rows = session.query(&sql, &[self.after.into()]).await?;
        self.done = rows.is_empty();
        for row in rows {
            self.after = row[0].int();
            self.ahead.push_back(row[1].maybe_int().unwrap_or(0));
        }
        Ok(())
    }

    /// Whether what an entry wrote was taken away by a later return to a moment before it.
    async fn rewound<S: Session>(&mut self, session: &mut S, seq: i64, at: i64) -> StoreResult<bool> {
        if self.rewinds.is_none() {
            let here = session.dialect().here("a");
            let sql = format!("SELECT a.seq, a.detail FROM audit a WHERE {here} a.action = ?");
            let rows = session.query(&sql, &[REWIND.into()]).await?;
            let to = |row: &Vec<Value>| row[1].text()?.strip_prefix("to=")?.parse::<i64>().ok();
            self.rewinds = Some(rows.iter().filter_map(|row| Some((row[0].maybe_int()?, to(row)?))).collect());
        }
        Ok(self.rewinds.iter().flatten().any(|(by, to)| *by > seq && at >= *to))
    }
}
