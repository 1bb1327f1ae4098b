//! The commit lane: one writer for each organisation. Commits that wait are taken together, checked one
//! after the other, written in one transaction and acknowledged after it is on disk.
//!
//! Version, index, change log and audit entry of a commit are in the same transaction. A commit whose
//! expectation fails is refused alone; when the database itself fails, the group is undone and each commit is
//! tried by itself, so that one cannot take others down.

use crate::audit::{Clock, Draft, Event, Ledger, Look, Queue, Written};
use crate::batch::{Done, Expect, Guard, Outcome};
use crate::body;
use crate::caller::Caller;
use crate::db::table::{CHANGE, HISTORY, RESOURCE, RESOURCE_BY_ID, TALLY, WORDS};
use crate::db::{Rows, Session, Step, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::{Interner, by_id};
use crate::item::{self, ItemChange, Shelves};
use crate::message::{MessageChange, Messages};
use crate::owner;
use crate::physical::{Entries, INDEXES, Names};
use crate::place;
use crate::prepare::{Clue, Index, Ready, index_of_packed};
use crate::search::{self, Reach};
use crate::store::Likeness;
use bytes::Bytes;
use fhir::Key;
use fhir::search::Registry;
use fhir::search::row::BaseUrls;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Release;
use std::sync::{Arc, RwLock};
use tokio::sync::oneshot;

pub(crate) const PLACEHOLDER: i64 = 0;
pub(crate) const LIVE: i64 = 1;
pub(crate) const DELETED: i64 = 2;

/// Packed resources whose rows are held at once.
const AT_ONCE: usize = 256;

/// Resources taken into one transaction; enough to hide the sync, few enough to answer soon.
const GROUP: usize = 1_000;

/// What lane, readers and preparers share.
pub(crate) struct Shared {
    pub(crate) registry: RwLock<Arc<Registry>>,
    /// The SearchParameter resources that the registry has beside the standard's.
    pub(crate) custom: RwLock<Vec<fhir::Value>>,
    pub(crate) bases: BaseUrls,
    pub(crate) likeness: Likeness,
    /// Looks that wait to be written down.
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
    /// The place of the latest change, as far as this process knows; 0 when it must ask the database.
    pub(crate) newest: AtomicI64,
}

impl Shared {
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().expect("nobody panics while it changes the registry").clone()
    }
}

pub(crate) struct Job {
    pub(crate) caller: Caller,
    /// What the audit log says of it.
    pub(crate) event: Event,
    pub(crate) ready: Vec<Ready>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) items: Vec<ItemChange>,
    pub(crate) messages: Vec<MessageChange>,
    pub(crate) now: i64,
    /// The registry the rows were computed with.
    pub(crate) registry: Arc<Registry>,
    pub(crate) reply: oneshot::Sender<StoreResult<Vec<Outcome>>>,
}

impl Job {
    pub(crate) fn weight(&self) -> usize {
        (self.ready.len() + self.items.len() + self.messages.len()).max(1)
    }
}

/// Takes jobs until the group is full or nobody waits.
pub(crate) fn gather<T>(first: T, weight: impl Fn(&T) -> usize, mut next: impl FnMut() -> Option<T>) -> Vec<T> {
    let mut total = weight(&first);
    let mut group = vec![first];
    while total < GROUP {
        let Some(job) = next() else { break };
        total += weight(&job);
        group.push(job);
    }
    group
}

/// The state of the one writer.
pub(crate) struct Lane {
    shared: Arc<Shared>,
    known: Option<Known>,
}

struct Known {
    interner: Interner,
    seq: i64,
    /// The audit log; the number of an entry is that of the commit in the change log.
    ledger: Ledger,
    last_at: i64,
    /// When expired records were last taken away.
    swept: i64,
    tally: HashMap<i64, i64>,
}

/// The current version of a resource as this group sees it.
#[derive(Clone)]
struct Current {
    rid: i64,
    version: i64,
    at: i64,
    state: i64,
    body: Bytes,
    owner: Option<i64>,
    index: Option<Arc<Index>>,
}

static NOTHING: Current =
    Current { rid: 0, version: 0, at: 0, state: PLACEHOLDER, body: Bytes::new(), owner: None, index: None };

/// Rows that wait to be written, in the order of tables.
struct Pending {
    resource: Rows,
    history: Rows,
    change: Rows,
    forget: Entries,
    add: Entries,
    words: Rows,
    forget_words: Rows,
    tally: HashSet<i64>,
    touched: HashSet<Key>,
}

impl Pending {
    fn new() -> Pending {
        Pending {
            resource: Rows::new(7),
            history: Rows::new(6),
            change: Rows::new(6),
            forget: Entries::default(),
            add: Entries::default(),
            words: Rows::new(3),
            forget_words: Rows::new(1),
            tally: HashSet::new(),
            touched: HashSet::new(),
        }
    }

    async fn flush<S: Session>(&mut self, session: &mut S, tally: &HashMap<i64, i64>) -> StoreResult<()> {
        self.flush_with(session, tally, None).await
    }

    /// Writes these rows and, where there are some, those of the audit log, in one go.
    async fn flush_with<S: Session>(
        &mut self,
        session: &mut S,
        tally: &HashMap<i64, i64>,
        log: Option<Written>,
    ) -> StoreResult<()> {
        let it = std::mem::replace(self, Pending::new());
        let mut counts = Rows::new(2);
        it.tally.iter().for_each(|kind| counts.push([(*kind).into(), tally[kind].into()]));
        let (forget, add) = (it.forget.sorted(), it.add.sorted());
        let mut steps = vec![
            Step::Insert(&RESOURCE, &it.resource),
            Step::Insert(&HISTORY, &it.history),
            Step::Insert(&CHANGE, &it.change),
        ];
        steps.extend(INDEXES.iter().zip(&forget).map(|(table, rows)| Step::Delete(table, rows)));
        steps.extend(INDEXES.iter().zip(&add).map(|(table, rows)| Step::Insert(table, rows)));
        steps.push(Step::Delete(&WORDS, &it.forget_words));
        steps.push(Step::Insert(&WORDS, &it.words));
        steps.push(Step::Insert(&TALLY, &counts));
        steps.extend(log.iter().flat_map(Written::steps));
        session.write(&steps).await
    }
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>) -> Lane {
        Lane { shared, known: None }
    }

    /// After a failure nothing remembered can be trusted.
    pub(crate) fn forget(&mut self) {
        self.shared.newest.store(0, Release);
        self.known = None;
    }

    /// Whether what is remembered still holds, given the last transaction in the database: another process may
    /// have written since.
    pub(crate) fn is_behind(&self, last: Option<i64>) -> bool {
        last.is_some_and(|last| self.known.as_ref().is_none_or(|known| known.ledger.last() != last))
    }

    pub(crate) fn committed(&mut self) {
        if let Some(known) = &mut self.known {
            self.shared.newest.store(known.seq, Release);
            known.interner.forget_some();
            known.ledger.forget_some();
        }
    }

    async fn known<S: Session>(&mut self, session: &mut S) -> StoreResult<&mut Known> {
        if self.known.is_none() {
            self.known = Some(Known::load(session).await?);
        }
        Ok(self.known.as_mut().expect("just loaded"))
    }

    /// Writes down the looks and then all jobs that may be; the answers wait for the commit. An error here is the
    /// database's.
    pub(crate) async fn apply<S: Session>(
        &mut self,
        session: &mut S,
        looks: &[Look],
        jobs: &[Job],
    ) -> StoreResult<Vec<StoreResult<Vec<Outcome>>>> {
        let shared = self.shared.clone();
        let known = self.known(session).await?;
        let registry = shared.registry();
        known.ledger.looks(session, &known.interner, &registry, looks).await?;
        known.ledger.meet(session, jobs.iter().map(|job| &job.caller)).await?;
        known.ledger.number(session, jobs.iter().flat_map(|job| &job.event.patients)).await?;
        let mut current = known.load_current(session, jobs.iter().flat_map(|job| &job.ready)).await?;
        let mut shelves = known.open_shelves(session, jobs).await?;
        let mut messages = Messages::load(session, jobs.iter().flat_map(|job| &job.messages)).await?;
        let mut pending = Pending::new();
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            // Rows of a resource are added once between two flushes, so that removing and adding keep their order.
            let again = job.ready.iter().any(|ready| pending.touched.contains(&ready.key));
            if again || !job.guards.is_empty() {
                pending.flush(session, &known.tally).await?;
            }
            let reach = Reach { caller: &job.caller, registry: &registry };
            if let Some(guard) = failing_guard(session, reach, &job.guards).await? {
                answers.push(Err(StoreError::GuardFailed { guard }));
                continue;
            }
            let checked = check(&job.ready, &current).and_then(|()| shelves.check(&job.items, job.now));
            if let Err(refusal) = checked.and_then(|()| messages.check(&job.messages)) {
                answers.push(Err(refusal));
                continue;
            }
            shelves.stage(&job.items, known.ledger.last() + 1);
            messages.stage(&job.messages, known.ledger.last() + 1);
            answers.push(Ok(known.stage(session, &shared, &registry, job, &mut current, &mut pending).await?));
        }
        let log = known.ledger.steps();
        pending.flush_with(session, &known.tally, Some(log)).await?;
        shelves.flush(session).await?;
        messages.flush(session).await?;
        Ok(answers)
    }
}

/// Whether every write finds what it expects, taking those before it in the same commit into account.
fn check(ready: &[Ready], current: &HashMap<Key, Current>) -> StoreResult<()> {
    let mut meanwhile: HashMap<&Key, (i64, bool)> = HashMap::new();
    for write in ready {
        let now = current.get(&write.key).unwrap_or(&NOTHING);
        let (version, live) = *meanwhile.get(&write.key).unwrap_or(&(now.version, now.state == LIVE));
        let fits = match write.expect {
            Expect::Anything => true,
            Expect::Absent | Expect::New => !live,
            Expect::Present => live,
            Expect::Version(wanted) => live && wanted == version as u64,
        };
        if !fits {
            return Err(StoreError::Conflict {
                key: write.key.clone(),
                expected: match write.expect {
                    Expect::Anything => unreachable!("anything fits"),
                    Expect::Absent | Expect::New => "no such resource".to_owned(),
                    Expect::Present => "an existing resource".to_owned(),
                    Expect::Version(version) => format!("version {version}"),
                },
                actual: if live { format!("version {version}") } else { "absent".to_owned() },
            });
        }
        let live_after = write.put.is_some();
        let changes = live || live_after;
        meanwhile.insert(&write.key, (version + i64::from(changes), live_after));
    }
    Ok(())
}

async fn failing_guard<S: Session>(session: &mut S, reach: Reach<'_>, guards: &[Guard]) -> StoreResult<Option<usize>> {
    for (at, guard) in guards.iter().enumerate() {
        let mut found = search::find(session, reach, &guard.query, guard.found.len() + 1).await?;
        let mut wanted = guard.found.clone();
        found.sort_unstable();
        wanted.sort_unstable();
        if found != wanted {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

impl Known {
    async fn load<S: Session>(session: &mut S) -> StoreResult<Known> {
        let interner = Interner::load(session).await?;
        let dialect = session.dialect();
        let sql = format!("SELECT seq, at FROM change c WHERE {} seq > 0 ORDER BY seq DESC LIMIT 1", dialect.here("c"));
        let last = session.query(&sql, &[]).await?;
        let (seq, last_at) = last.first().map_or((0, 0), |row| (row[0].int(), row[1].int()));
        let ledger = Ledger::load(session).await?;
        let sql = format!("SELECT kind, live FROM tally t WHERE {} kind >= 0", dialect.here("t"));
        let tally = session.query(&sql, &[]).await?.iter().map(|row| (row[0].int(), row[1].int())).collect();
        Ok(Known { interner, seq, ledger, last_at, swept: 0, tally })
    }

    /// The records that these jobs change; expired ones are taken away on the way.
    async fn open_shelves<S: Session>(&mut self, session: &mut S, jobs: &[Job]) -> StoreResult<Shelves> {
        let changing = || jobs.iter().filter(|job| !job.items.is_empty());
        let Some(now) = changing().map(|job| job.now).min() else { return Ok(Shelves::default()) };
        self.swept = item::sweep(session, self.swept, now).await?;
        Shelves::load(session, changing().flat_map(|job| &job.items)).await
    }

    async fn load_current<S: Session>(
        &mut self,
        session: &mut S,
        writes: impl Iterator<Item = &Ready>,
    ) -> StoreResult<HashMap<Key, Current>> {
        let mut current = HashMap::new();
        let mut sought = Rows::new(2);
        let mut asked = HashSet::new();
        for write in writes {
            if asked.insert(&write.key) {
                sought.push(by_id(&write.key));
            }
        }
        for row in session.lookup(&RESOURCE_BY_ID, &sought).await? {
            let mut row = row.into_iter();
            let mut next = || row.next().expect("the look-up returns seven columns");
            let rid = next().int();
            let id = body::unpack_id(&next().into_blob())?;
            let kind = place::kind_of(rid).ok_or_else(|| StoreError::Damaged("a resource has no type".to_owned()))?;
            let (version, at, state) = (next().int(), next().int(), next().int());
            let body = next().into_blob();
            let owner = next().maybe_int();
            current.insert(Key::new(kind, id), Current { rid, version, at, state, body, owner, index: None });
        }
        for (key, it) in &current {
            self.interner.remember(key, it.rid);
        }
        Ok(current)
    }

    /// Turns one commit into rows. Nothing can be refused any more.
    async fn stage<S: Session>(
        &mut self,
        session: &mut S,
        shared: &Shared,
        registry: &Arc<Registry>,
        job: &Job,
        current: &mut HashMap<Key, Current>,
        pending: &mut Pending,
    ) -> StoreResult<Vec<Outcome>> {
        // Time never runs backwards in the change log, whatever the clock does; instants have milliseconds.
        let at = job.now.div_euclid(1000) * 1000;
        let at = at.max(self.last_at);
        let same_registry = Arc::ptr_eq(registry, &job.registry);
        let tx = self.ledger.last() + 1;

        let mut patients = BTreeSet::new();
        let mut outcomes = Vec::with_capacity(job.ready.len());
        let mut staged = Vec::with_capacity(job.ready.len());
        for write in &job.ready {
            let large = staged.len() >= AT_ONCE && write.put.as_ref().is_some_and(|it| it.index.is_none());
            if large || staged.iter().any(|it: &Staged<'_>| it.write.key == write.key) {
                // The same resource twice in one commit: the first must be written before the second is compared. And
                // what was packed to take little memory is not unpacked all at once.
                let first = std::mem::take(&mut staged);
                self.write(session, registry, first, current, pending, &mut patients, at, tx).await?;
                pending.flush(session, &self.tally).await?;
            }
            let now = current.get(&write.key).cloned().unwrap_or_else(|| NOTHING.clone());
            let outcome =
                |version: i64, at: i64, done| Outcome { key: write.key.clone(), version: version as u64, at, done };
            let old = if now.state != LIVE {
                None
            } else if let Some(index) = &now.index {
                Some(index.clone())
            } else if let Some((_, index)) = write.before.as_ref().filter(|it| same_registry && it.0 == now.version) {
                Some(index.clone())
            } else {
                let (key, bases) = (&write.key, &shared.bases);
                Some(Arc::new(index_of_packed(registry, bases, shared.likeness, key, now.version, now.at, &now.body)?))
            };
            match &write.put {
                None if now.state != LIVE => {
                    outcomes.push(outcome(now.version, now.at, Done::NothingToDelete));
                }
                None => {
                    outcomes.push(outcome(now.version + 1, at, Done::Deleted));
                    staged.push(Staged { write, now, old, new: None });
                }
                Some(put) => {
                    let live = now.state == LIVE;
                    if live && (put.packed == now.body || body::unpack(&now.body)? == *put.tail()?) {
                        outcomes.push(outcome(now.version, now.at, Done::Unchanged));
                        continue;
                    }
                    let new = match &put.index {
                        Some(index) if same_registry => index.clone(),
                        _ => {
                            let (key, bases, version) = (&write.key, &shared.bases, now.version + 1);
                            let likeness = shared.likeness;
                            Arc::new(index_of_packed(registry, bases, likeness, key, version, at, &put.packed)?)
                        }
                    };
                    outcomes.push(outcome(now.version + 1, at, if live { Done::Updated } else { Done::Created }));
                    staged.push(Staged { write, now, old, new: Some(new) });
                }
            }
        }
        // Looking and finding nothing to do is an access too.
        if !staged.is_empty() {
            self.write(session, registry, staged, current, pending, &mut patients, at, tx).await?;
        }
        self.enter(job, &outcomes, patients);
        Ok(outcomes)
    }

    /// The commit's entry in the audit log.
    fn enter(&mut self, job: &Job, outcomes: &[Outcome], patients: BTreeSet<i64>) {
        let event = &job.event;
        let mut patients: Vec<i64> = patients.into_iter().collect();
        patients.extend(self.ledger.numbered(&event.patients));
        let only = if let [only] = outcomes { Some(only) } else { None };
        let wrote = outcomes.iter().filter(|it| !matches!(it.done, Done::Unchanged | Done::NothingToDelete)).count();
        let draft = Draft {
            at: job.now,
            action: event.action,
            outcome: event.outcome.number(),
            about: event.about.as_ref().or(only.map(|it| &it.key)),
            kind: None,
            version: only.filter(|_| event.about.is_none()).map(|it| it.version as i64),
            wrote: wrote as i64,
            patients,
            rule: event.rule.as_deref(),
            detail: &event.detail,
        };
        self.ledger.enter(&job.caller, draft);
    }

    #[allow(clippy::too_many_arguments)] // One step of `stage`, with all it has gathered.
    async fn write<S: Session>(
        &mut self,
        session: &mut S,
        registry: &Arc<Registry>,
        staged: Vec<Staged<'_>>,
        current: &mut HashMap<Key, Current>,
        pending: &mut Pending,
        patients: &mut BTreeSet<i64>,
        at: i64,
        tx: i64,
    ) -> StoreResult<()> {
        let differences: Vec<Difference<'_>> = staged.iter().map(Staged::difference).collect();
        let mut names = Names::default();
        let mut writing = HashSet::new();
        for (staged, difference) in staged.iter().zip(&differences) {
            if staged.now.rid == 0 {
                writing.insert(&staged.write.key);
            }
            names.resource(&staged.write.key);
            difference.added.iter().chain(&difference.removed).for_each(|clue| names.collect(registry, *clue));
        }
        let owners: Vec<[BTreeSet<&Key>; 2]> = staged.iter().map(|it| it.owners(registry)).collect();
        owners.iter().flatten().flatten().for_each(|key| names.resource(key));
        names.intern(&mut self.interner, session, &writing).await?;
        for ((staged, difference), [before, after]) in staged.iter().zip(&differences).zip(&owners) {
            let key = &staged.write.key;
            let now = &staged.now;
            let rid = self.interner.resource(key).expect("named just now");
            difference.added.iter().for_each(|clue| pending.add.add(&self.interner, registry, rid, *clue));
            difference.removed.iter().for_each(|clue| pending.forget.add(&self.interner, registry, rid, *clue));
            if difference.texts {
                if staged.old.as_ref().is_some_and(|old| !is_silent(&old.texts)) {
                    pending.forget_words.push([rid.into()]);
                }
                if let Some(new) = staged.new.as_ref().filter(|new| !is_silent(&new.texts)) {
                    pending.words.push([
                        rid.into(),
                        new.texts.narrative.as_str().into(),
                        new.texts.content.as_str().into(),
                    ]);
                }
            }
            let version = now.version + 1;
            let mut numbers = Vec::with_capacity(after.len());
            for (owner, is_after) in before.iter().map(|it| (it, false)).chain(after.iter().map(|it| (it, true))) {
                let number = self.interner.resource(owner).expect("named just now");
                self.ledger.know(number, &owner.id);
                patients.insert(number);
                if is_after {
                    numbers.push(number);
                }
            }
            // What is deleted stays part of the record it was part of.
            let owner = if staged.new.is_some() { Some(owner::column(&numbers)) } else { now.owner };
            let owner_value = owner.map_or(Value::Null, Value::Int);
            let (state, packed) = match &staged.write.put {
                Some(put) => (LIVE, put.packed.clone()),
                None => (DELETED, Bytes::new()),
            };
            if now.version > 0 {
                let old = Value::Blob(now.body.clone());
                let whose = now.owner.map_or(Value::Null, Value::Int);
                pending.history.push([rid.into(), now.version.into(), now.at.into(), now.state.into(), old, whose]);
            }
            self.seq += 1;
            pending.change.push([self.seq.into(), rid.into(), version.into(), at.into(), state.into(), tx.into()]);
            let id = Value::Blob(body::pack_id(key.id.as_str()));
            let stored = Value::Blob(packed.clone());
            pending.resource.push([rid.into(), id, version.into(), at.into(), state.into(), stored, owner_value]);
            let kind = place::kind_number(rid);
            *self.tally.entry(kind).or_default() += i64::from(state == LIVE) - i64::from(now.state == LIVE);
            pending.tally.insert(kind);
            pending.touched.insert(key.clone());
            // Of what was packed nothing is held that can be made again.
            let index = staged.new.clone().filter(|_| staged.write.put.as_ref().is_some_and(|it| it.index.is_some()));
            current.insert(key.clone(), Current { rid, version, at, state, body: packed, owner, index });
        }
        self.last_at = at;
        Ok(())
    }
}

/// Whether full text has nothing to find.
fn is_silent(texts: &fhir::search::Texts) -> bool {
    texts.narrative.is_empty() && texts.content.is_empty()
}

/// A write that will happen, beside what it replaces.
struct Staged<'a> {
    write: &'a Ready,
    now: Current,
    old: Option<Arc<Index>>,
    new: Option<Arc<Index>>,
}

struct Difference<'a> {
    added: Vec<Clue<'a>>,
    removed: Vec<Clue<'a>>,
    texts: bool,
}

impl Staged<'_> {
    /// Whose record it was part of, and whose it is.
    fn owners(&self, registry: &Registry) -> [BTreeSet<&Key>; 2] {
        [&self.old, &self.new].map(|index| match index {
            Some(index) => owner::owners(registry, &self.write.key, index),
            None => BTreeSet::new(),
        })
    }

    fn difference(&self) -> Difference<'_> {
        let (old, new) = (self.old.as_deref(), self.new.as_deref());
        let texts = self.old.as_ref().map(|it| &it.texts) != self.new.as_ref().map(|it| &it.texts);
        Difference { added: only(new, old), removed: only(old, new), texts }
    }
}

/// What is found by only the first of two.
fn only<'a>(here: Option<&'a Index>, there: Option<&Index>) -> Vec<Clue<'a>> {
    let clues = here.into_iter().flat_map(Index::clues);
    clues.filter(|clue| there.is_none_or(|there| !there.has(*clue))).collect()
}
