//! The log as the lane writes it: numbers for agents, the chain, and the rows of a group of commits and looks.

use super::chain::{self, Hash, Hasher, Plain};
use super::event::Outcome;
use super::queue::Look;
use crate::body;
use crate::caller::Caller;
use crate::db::table::{AGENT_BY_WHO, AUDIT, AUDIT_AGENT, AUDIT_PATIENT, AUDIT_SPAN, RID_BY_ID};
use crate::db::{Rows, Session, Step, Value};
use crate::error::StoreResult;
use crate::intern::{Interner, by_id};
use crate::owner::{self, PATIENT};
use crate::place;
use crate::search::fetch;
use bytes::Bytes;
use fhir::search::Registry;
use fhir::{Id, Key, ResourceType};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Entries of one epoch, as a power of two.
const EPOCH: u32 = 16;

pub(crate) fn epoch(seq: i64) -> i64 {
    seq >> EPOCH
}

/// The first number of an epoch.
pub(crate) fn begin_of(epoch: i64) -> i64 {
    epoch << EPOCH
}

/// How many names are remembered before memory is cleared and the tables are asked again.
const REMEMBERED: usize = 400_000;
/// Bytes kept of a name, and of what was asked.
const NAME: usize = 500;
const DETAIL: usize = 16_000;

/// Someone in a role, through an app, for a purpose.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Agent {
    who: Arc<str>,
    role: Arc<str>,
    display: Arc<str>,
    client: Option<Arc<str>>,
    purpose: &'static str,
}

impl Agent {
    fn of(caller: &Caller) -> Agent {
        Agent {
            who: name(&caller.who),
            role: name(&caller.role),
            display: name(&caller.display),
            client: caller.client.as_ref().map(name),
            purpose: caller.purpose.code(),
        }
    }
}

fn name(text: &Arc<str>) -> Arc<str> {
    match clean(text, NAME) {
        Cow::Borrowed(same) if same.len() == text.len() => text.clone(),
        other => other.into(),
    }
}

/// What both databases keep as it is: no NUL, not too long.
pub(crate) fn clean(text: &str, most: usize) -> Cow<'_, str> {
    let text = &text[..text.floor_char_boundary(most)];
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// One entry before it has its place.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    pub(crate) at: i64,
    pub(crate) action: &'a str,
    pub(crate) outcome: i64,
    pub(crate) about: Option<&'a Key>,
    /// The type that was searched, where it was about no one resource.
    pub(crate) kind: Option<ResourceType>,
    pub(crate) version: Option<i64>,
    /// Lines of the change log that bear its number.
    pub(crate) wrote: i64,
    /// Numbers of patients.
    pub(crate) patients: Vec<i64>,
    pub(crate) rule: Option<&'a str>,
    pub(crate) detail: &'a str,
}

pub(crate) struct Ledger {
    seq: i64,
    hash: Hash,
    at: i64,
    agents: HashMap<Agent, i64>,
    next_agent: i64,
    /// Ids of patients by their numbers, and the other way round.
    patients: HashMap<i64, Id>,
    numbers: HashMap<Id, i64>,
    spans: HashSet<(i64, i64)>,
    hasher: Hasher,
    pages: Pages,
}

/// Rows that wait to be written.
struct Pages {
    agents: Rows,
    entries: Rows,
    patients: Vec<[i64; 3]>,
    sorted: Rows,
    spans: Rows,
}

impl Pages {
    fn new() -> Pages {
        Pages {
            agents: Rows::new(6),
            entries: Rows::new(14),
            patients: Vec::new(),
            sorted: Rows::new(3),
            spans: Rows::new(2),
        }
    }
}

impl Ledger {
    pub(crate) async fn load<S: Session>(session: &mut S) -> StoreResult<Ledger> {
        let dialect = session.dialect();
        let sql =
            format!("SELECT seq, at, hash FROM audit a WHERE {} seq > 0 ORDER BY seq DESC LIMIT 1", dialect.here("a"));
        let (seq, at, hash) = match session.query(&sql, &[]).await?.pop() {
            None => (0, 0, chain::genesis()),
            Some(row) => {
                let (seq, at) = (row[0].int(), row[1].int());
                let hash = row.into_iter().nth(2).map(Value::into_blob).unwrap_or_default();
                let hash = hash.as_ref().try_into().unwrap_or_else(|_| {
                    // The record must stay in use; whoever verifies the log is told.
                    tracing::error!(entry = seq, "the last audit entry has no hash: run `continuo audit verify`");
                    chain::genesis()
                });
                (seq, at, hash)
            }
        };
        let sql = format!("SELECT coalesce(max(id), 0) FROM audit_agent g WHERE {} id > 0", dialect.here("g"));
        let next_agent = session.query(&sql, &[]).await?[0][0].int() + 1;
        Ok(Ledger {
            seq,
            hash,
            at,
            agents: HashMap::new(),
            next_agent,
            patients: HashMap::new(),
            numbers: HashMap::new(),
            spans: HashSet::new(),
            hasher: Hasher::default(),
            pages: Pages::new(),
        })
    }

    /// The number of the last entry.
    pub(crate) fn last(&self) -> i64 {
        self.seq
    }

    /// Between commits: forgets what is too much to keep.
    pub(crate) fn forget_some(&mut self) {
        if self.agents.len() > REMEMBERED {
            self.agents.clear();
        }
        if self.patients.len() > REMEMBERED {
            self.patients.clear();
        }
        if self.numbers.len() > REMEMBERED {
            self.numbers.clear();
        }
        if self.spans.len() > REMEMBERED {
            self.spans.clear();
        }
    }

    /// Gives numbers to whoever has none yet.
    pub(crate) async fn meet<S: Session>(
        &mut self,
        session: &mut S,
        callers: impl Iterator<Item = &Caller>,
    ) -> StoreResult<()> {
        let mut last: Option<&Caller> = None;
        let mut fresh: Vec<Agent> = Vec::new();
        for caller in callers {
            if last.is_some_and(|last| same(last, caller)) {
                continue;
            }
            last = Some(caller);
            let agent = Agent::of(caller);
            if !self.agents.contains_key(&agent) && !fresh.contains(&agent) {
                fresh.push(agent);
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let mut sought = Rows::new(1);
        let names: HashSet<&Arc<str>> = fresh.iter().map(|it| &it.who).collect();
        names.into_iter().for_each(|who| sought.push([Value::from(&**who)]));
        for row in session.lookup(&AGENT_BY_WHO, &sought).await? {
            let is = |agent: &Agent| {
                let fixed = [(1, &agent.who), (2, &agent.role), (3, &agent.display)];
                fixed.iter().all(|(at, text)| row[*at].text() == Some(text))
                    && row[4].text() == agent.client.as_deref()
                    && row[5].text() == Some(agent.purpose)
            };
            if let Some(at) = fresh.iter().position(is) {
                self.agents.insert(fresh.swap_remove(at), row[0].int());
            }
        }
        for agent in fresh {
            self.pages.agents.push([
                self.next_agent.into(),
                (&*agent.who).into(),
                (&*agent.role).into(),
                (&*agent.display).into(),
                agent.client.as_deref().into(),
                agent.purpose.into(),
            ]);
            self.agents.insert(agent, self.next_agent);
            self.next_agent += 1;
        }
        Ok(())
    }

    /// Learns the numbers of patients of whom only the id is known.
    pub(crate) async fn number<S: Session>(
        &mut self,
        session: &mut S,
        ids: impl Iterator<Item = &Id>,
    ) -> StoreResult<()> {
        let unknown: HashSet<&Id> = ids.filter(|id| !self.numbers.contains_key(*id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut sought = Rows::new(2);
        unknown.iter().for_each(|id| sought.push(by_id(&Key::new(*PATIENT, (*id).clone()))));
        for row in session.lookup(&RID_BY_ID, &sought).await? {
            let key = fetch::key(row[0].int(), &row[1])?;
            self.know(row[0].int(), &key.id);
            self.numbers.insert(key.id, row[0].int());
        }
        Ok(())
    }

    /// The numbers of those who have one.
    pub(crate) fn numbered(&self, ids: &[Id]) -> impl Iterator<Item = i64> {
        ids.iter().filter_map(|id| self.numbers.get(id).copied())
    }

    pub(crate) fn know(&mut self, patient: i64, id: &Id) {
        self.patients.entry(patient).or_insert_with(|| id.clone());
    }

    /// Learns the ids of patients of whom only the number is known.
    async fn learn<S: Session>(&mut self, session: &mut S, patients: impl Iterator<Item = i64>) -> StoreResult<()> {
        let mut unknown: Vec<i64> = patients.filter(|it| !self.patients.contains_key(it)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        unknown.dedup();
        for (rid, id) in fetch::ids(session, &unknown).await? {
            self.patients.insert(rid, id);
        }
        Ok(())
    }

    /// Writes down who looked at what.
    pub(crate) async fn looks<S: Session>(
        &mut self,
        session: &mut S,
        interner: &Interner,
        registry: &Registry,
        looks: &[Look],
    ) -> StoreResult<()> {
        self.meet(session, looks.iter().map(|it| &it.caller)).await?;
        self.number(session, looks.iter().flat_map(|it| &it.named)).await?;
        self.learn(session, looks.iter().flat_map(|it| it.shown.patients.iter().copied())).await?;
        for look in looks {
            let mut patients = look.shown.patients.clone();
            patients.extend(self.numbered(&look.named));
            for rid in &look.shown.unclear {
                patients.extend(owner::several(session, interner, registry, *rid).await?);
            }
            if !look.shown.unclear.is_empty() {
                self.learn(session, patients.iter().copied()).await?;
            }
            let draft = Draft {
                at: look.at,
                action: look.action,
                outcome: look.outcome.number(),
                about: look.about.as_ref(),
                kind: look.kind,
                version: look.version,
                wrote: 0,
                patients,
                rule: look.rule.as_deref(),
                detail: &look.detail,
            };
            self.enter(&look.caller, draft);
        }
        Ok(())
    }

    /// Gives an entry its place. The caller has been met, and the patients are known.
    pub(crate) fn enter(&mut self, caller: &Caller, draft: Draft<'_>) {
        let Draft { at, action, outcome, about, kind, version, wrote, mut patients, rule, detail } = draft;
        patients.sort_unstable();
        patients.dedup();
        let kind = about.map(|key| key.kind).or(kind);
        self.seq += 1;
        // Time never runs backwards in the log, whatever the clock does.
        self.at = self.at.max(at);
        let (seq, epoch) = (self.seq, epoch(self.seq));
        let agent = Agent::of(caller);
        let number = *self.agents.get(&agent).expect("met before its entry");
        let request = caller.request.as_deref().map(|it| clean(it, NAME));
        let rule = rule.map(|it| clean(it, NAME));
        let detail = if detail.is_empty() { None } else { Some(clean(detail, DETAIL)) };
        let plain = Plain {
            seq,
            at: self.at,
            who: &agent.who,
            role: &agent.role,
            display: &agent.display,
            client: agent.client.as_deref(),
            purpose: agent.purpose,
            action,
            outcome,
            kind: kind.map(|it| it.name()),
            id: about.map(|key| Cow::Borrowed(key.id.as_str())),
            version,
            wrote,
            rule: rule.as_deref(),
            request: request.as_deref(),
            detail: detail.as_deref(),
        };
        let ids = patients.iter().map(|it| self.patients.get(it).map_or("", Id::as_str));
        self.hash = self.hasher.follow(&self.hash, &plain, ids);
        self.pages.entries.push([
            seq.into(),
            self.at.into(),
            number.into(),
            action.into(),
            outcome.into(),
            kind.map_or(Value::Null, |kind| i64::from(kind.number()).into()),
            about.map_or(Value::Null, |key| Value::Blob(body::pack_id(key.id.as_str()))),
            version.map_or(Value::Null, Value::Int),
            wrote.into(),
            pack(&patients).map_or(Value::Null, Value::Blob),
            rule.as_deref().into(),
            request.as_deref().into(),
            detail.as_deref().into(),
            Value::Blob(Bytes::copy_from_slice(&self.hash)),
        ]);
        self.pages.patients.extend(patients.iter().map(|patient| [epoch, *patient, seq]));
        if self.spans.insert((number, epoch)) {
            self.pages.spans.push([number.into(), epoch.into()]);
        }
    }

    /// What is to be written, once.
    pub(crate) fn steps(&mut self) -> Written {
        let mut pages = std::mem::replace(&mut self.pages, Pages::new());
        pages.patients.sort_unstable();
        for row in &pages.patients {
            pages.sorted.push(row.map(Value::Int));
        }
        Written(pages)
    }
}

/// Rows on their way to the database.
pub(crate) struct Written(Pages);

impl Written {
    pub(crate) fn steps(&self) -> [Step<'_>; 4] {
        [
            Step::Insert(&AUDIT_AGENT, &self.0.agents),
            Step::Insert(&AUDIT, &self.0.entries),
            Step::Insert(&AUDIT_PATIENT, &self.0.sorted),
            Step::Insert(&AUDIT_SPAN, &self.0.spans),
        ]
    }
}

/// Whether two callers are written down as one; quick where they share their names.
fn same(a: &Caller, b: &Caller) -> bool {
    Arc::ptr_eq(&a.who, &b.who)
        && Arc::ptr_eq(&a.role, &b.role)
        && Arc::ptr_eq(&a.display, &b.display)
        && a.client == b.client
        && a.purpose == b.purpose
}

/// An entry outside of the lane's groups, for work that has a transaction of its own.
pub(crate) async fn note<S: Session>(
    session: &mut S,
    caller: &Caller,
    action: &str,
    detail: &str,
    now: i64,
) -> StoreResult<()> {
    let mut ledger = Ledger::load(session).await?;
    ledger.meet(session, std::iter::once(caller)).await?;
    ledger.enter(caller, Draft { at: now, action, outcome: Outcome::Success.number(), detail, ..Draft::default() });
    session.write(&ledger.steps().steps()).await
}

/// Numbers of patients, ascending, as the differences between them, seven bits a byte.
fn pack(patients: &[i64]) -> Option<Bytes> {
    let mut out = Vec::new();
    let mut before = place::first_of(*PATIENT);
    for patient in patients {
        let mut rest = (patient - before) as u64;
        before = *patient;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
    if out.is_empty() { None } else { Some(out.into()) }
}

/// `None`: these are no numbers of patients.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<i64>> {
    let mut patients = Vec::new();
    let mut before = place::first_of(*PATIENT);
    let (mut rest, mut shift) = (0u64, 0);
    for byte in packed {
        rest |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            before = before.checked_add(i64::try_from(rest).ok()?)?;
            patients.push(before);
            (rest, shift) = (0, 0);
        }
    }
    (shift == 0 && before < place::end_of(*PATIENT)).then_some(patients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_unpacked_as_they_were_packed() {
        let first = place::first_of(*PATIENT);
        for numbers in [vec![], vec![1], vec![1, 2, 300], vec![127, 128, 1 << 35]] {
            let patients: Vec<i64> = numbers.iter().map(|it| first + it).collect();
            assert_eq!(unpack(&pack(&patients).unwrap_or_default()), Some(patients));
        }
        for wrong in [&[0x80u8][..], &[0xff; 12]] {
            assert_eq!(unpack(wrong), None);
        }
    }

    #[test]
    fn names_are_kept_in_a_form_that_both_databases_give_back() {
        assert_eq!(clean("a\0b", 10), "a\u{fffd}b");
        assert_eq!(clean("éé", 3), "é");
    }
}
