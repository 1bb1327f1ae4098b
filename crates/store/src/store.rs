//! The front of the store: opens it, prepares writes and sends them down the lane, and answers reads.

use crate::admit::{self, Present};
use crate::audit::{self, Event, Look, Queue};
use crate::batch::{Batch, Change, Expect, Outcome, Write};
use crate::caller::Caller;
use crate::db::postgres::{self, Postgres};
use crate::db::sqlite::Sqlite;
use crate::db::table::RESOURCE_BY_ID;
use crate::db::{Rows, Session, Value, Writer};
use crate::error::{StoreError, StoreResult};
use crate::history::{self, OldVersion};
use crate::intern::by_id;
use crate::lane::{DELETED, Job, LIVE, Shared};
use crate::maintain::{self, Stats};
use crate::owner;
use crate::prepare::{self, Ready};
use crate::read::{self, CurrentRow, Sight};
use crate::rights::{Action, Ruling};
use crate::run::{Message, run};
use crate::search::cursor::Seal;
use crate::search::{Borne, Kept, Reach, Searcher, alike, fetch, find};
use crate::special;
use crate::stored::{Changed, HistoryPage, HistoryQuery, HistoryScope, Page, PageQuery, Role, Stored};
use fhir::search::Registry;
use fhir::search::query::Query;
use fhir::search::row::BaseUrls;
use fhir::{Issue, Key, ResourceType};
use std::collections::HashMap;
use std::fmt;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::runtime::RuntimeFlavor;
use tokio::sync::{mpsc, oneshot};

/// Where a store lies and how it behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The short name of the organisation: its partition.
    pub organisation: String,
    /// A file for SQLite, or `postgres://user@host/database`, `postgres:///database?host=/socket/folder`.
    /// `pool=8` (connections that read) and `statement_timeout=30` (seconds) may be among its parameters.
    pub address: String,
    /// Our own addresses: references under them are local.
    pub bases: BaseUrls,
    /// How long one search may run before it is refused as too costly.
    pub search_limit: Duration,
    pub audit: audit::Settings,
    /// Who puts labels on what is written.
    pub labels: Labels,
    /// Under what resources that are alike are looked up.
    pub likeness: Likeness,
}

/// The numbers that a resource has in common with others that are alike, in order, each once: derived, and kept in the
/// index like what it is searched by. When other numbers are made than before, the index must be made again.
pub type Likeness = Option<fn(&fhir::Value) -> Vec<i64>>;

/// Puts labels on what is about to be written, by whatever way it came.
pub trait Labeller: Send + Sync {
    fn label<'a>(
        &'a self,
        store: &'a Store,
        writes: &'a mut [Write],
        now: i64,
    ) -> Pin<Box<dyn Future<Output = StoreResult<()>> + Send + 'a>>;
}

/// The labeller of a store, if it has one.
#[derive(Clone, Default)]
pub struct Labels(pub Option<Arc<dyn Labeller>>);

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "labels" } else { "no labels" })
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            organisation: String::new(),
            address: String::new(),
            bases: BaseUrls::default(),
            search_limit: Duration::from_secs(10),
            audit: audit::Settings::default(),
            labels: Labels::default(),
            likeness: None,
        }
    }
}

/// Commits that may wait before new ones are kept waiting at the door.
const QUEUE: usize = 4_096;

/// How often a write is judged again because somebody wrote in between.
const ATTEMPTS: u32 = 5;

/// The record of one organisation. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) lane: mpsc::Sender<Message>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) seal: Seal,
    kept: Kept,
    pub(crate) borne: Borne,
}

/// The backends. A new one is a file in `db/` and a line here.
pub(crate) enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Runs an expression on a connection that reads one state, whatever the backend.
macro_rules! reading {
    ($store:expr, $session:ident => $run:expr) => {
        match &$store.0.db {
            $crate::store::Db::Sqlite(db) => {
                let mut $session = db.reader()?;
                $run
            }
            $crate::store::Db::Postgres(db) => {
                let mut $session = db.reader().await?;
                $run
            }
        }
    };
}
pub(crate) use reading;

/// How long a search may hold a thread that others wait for.
pub(crate) const PATIENCE: Duration = Duration::from_millis(2);

/// The same for searches: they end after their time. SQLite searches in the thread that asks. Most are over before it
/// would be worth making room; one that is not begins again, after other threads have taken over what waits for this
/// one.
macro_rules! searching {
    ($store:expr, $session:ident => $run:expr) => {
        match &$store.0.db {
            $crate::store::Db::Sqlite(db) => {
                let limit = $store.0.settings.search_limit;
                let search = async |limit: std::time::Duration| {
                    let mut $session = db.reader_for(limit)?;
                    $run
                };
                if $crate::store::has_other_threads() && limit > $crate::store::PATIENCE {
                    match search($crate::store::PATIENCE).await {
                        Err($crate::StoreError::TooCostly(_)) => {
                            tokio::task::block_in_place(|| ::futures::FutureExt::now_or_never(search(limit)))
                                .expect("SQLite never waits for anybody")
                        }
                        done => done,
                    }
                } else {
                    search(limit).await
                }
            }
            $crate::store::Db::Postgres(db) => {
                let mut $session = db.reader().await?;
                $run
            }
        }
    };
}
pub(crate) use searching;

pub(crate) fn has_other_threads() -> bool {
    let runtime = tokio::runtime::Handle::try_current();
    runtime.is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

impl Store {
    /// Opens the store of an organisation, creates it if there is none, and brings its tables up to date.
    pub async fn open(settings: Settings) -> StoreResult<Store> {
        let (lane, messages) = mpsc::channel(QUEUE);
        let registry = RwLock::new(Registry::r4());
        let shared = Arc::new(Shared {
            registry,
            custom: RwLock::default(),
            bases: settings.bases.clone(),
            likeness: settings.likeness,
            queue: Queue::new(&settings.audit),
            clock: settings.audit.clock.clone(),
            newest: AtomicI64::new(0),
        });
        let (db, seal) = if postgres::is_address(&settings.address) {
            let (db, mut writer) = Postgres::open(&settings.address, &settings.organisation).await?;
            let seal = wake(&mut writer, &shared).await?;
            tokio::spawn(run(writer, shared.clone(), messages));
            (Db::Postgres(db), seal)
        } else {
            let (db, mut writer) = Sqlite::open(&PathBuf::from(&settings.address))?;
            let seal = wake(&mut writer, &shared).await?;
            let lane = run(writer, shared.clone(), messages);
            let thread = std::thread::Builder::new().name(format!("store-{}", settings.organisation));
            let started = thread.spawn(move || futures::executor::block_on(lane));
            started.map_err(|source| StoreError::Unavailable(format!("no thread for the writer: {source}")))?;
            (Db::Sqlite(db), seal)
        };
        let store =
            Store(Arc::new(Inner { settings, db, lane, shared, seal, kept: Kept::default(), borne: Borne::default() }));
        store.write_looks();
        Ok(store)
    }

    /// Has the looks that wait written down, again and again until the store is dropped.
    fn write_looks(&self) {
        let store = Arc::downgrade(&self.0);
        let every = self.0.settings.audit.every;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(store) = store.upgrade() else { return };
                store.shared.queue.call_if_waiting(&store.lane);
            }
        });
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn bases(&self) -> &BaseUrls {
        &self.0.shared.bases
    }

    /// The search parameters in force; queries are parsed against them.
    pub fn registry(&self) -> Arc<Registry> {
        self.0.shared.registry()
    }

    /// Writes a batch: all of it or nothing. When this returns, it is on disk.
    pub async fn commit(&self, caller: &Caller, batch: Batch, now: i64) -> StoreResult<Vec<Outcome>> {
        let done = self.enqueue(caller, batch, None, now).await;
        if done.is_err() {
            self.keep_pace().await?;
        }
        done
    }

    /// Prepares a batch and sends it down the lane. The event is what the audit log says of it, where its action does
    /// not say all.
    pub(crate) async fn enqueue(
        &self,
        caller: &Caller,
        batch: Batch,
        event: Option<Event>,
        now: i64,
    ) -> StoreResult<Vec<Outcome>> {
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        let judged = !reach.is_everything() && !batch.writes.is_empty();
        let Batch { mut writes, guards, items, messages, action } = batch;
        if let Some(labels) = &self.0.settings.labels.0 {
            labels.label(self, &mut writes, now).await?;
        }
        if let Some(write) = writes.iter().find(|it| audit::is_entry(&it.key)) {
            self.refused(caller, &write.key, Action::Update, "audit-log");
            return Err(StoreError::Forbidden);
        }
        let event = event.unwrap_or_else(|| Event::of(action));
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let current = self.current(&writes, judged).await?;
            let mut ready = Vec::with_capacity(writes.len());
            for (write, current) in writes.iter().zip(&current) {
                ready.push(prepare::ready(&registry, self.bases(), self.0.shared.likeness, write, current.clone())?);
            }
            let pinned = if judged { self.admit(reach, &writes, &current, &mut ready).await? } else { Vec::new() };
            let (reply, answer) = oneshot::channel();
            let job = Job {
                caller: caller.clone(),
                event: event.clone(),
                ready,
                guards: guards.clone(),
                items: items.clone(),
                messages: messages.clone(),
                now,
                registry: registry.clone(),
                reply,
            };
            self.send(Message::Commit(Box::new(job))).await?;
            match answer.await.map_err(|_| stopped())? {
                // Somebody wrote what was judged: it must be judged again.
                Err(StoreError::Conflict { key, .. }) if attempts > 0 && pinned.contains(&key) => {}
                done => return done,
            }
        }
    }

    /// What is under each of these keys, deleted ones too, for the program's own work: nothing is written down of it,
    /// because what is written from it is.
    pub async fn current_of(&self, caller: &Caller, keys: &[Key]) -> StoreResult<Vec<Stored>> {
        self.only_all(caller, "current")?;
        let mut sought = Rows::new(2);
        keys.iter().for_each(|key| sought.push(by_id(key)));
        let rows = reading!(self, session => session.lookup(&RESOURCE_BY_ID, &sought).await?);
        rows.into_iter().filter(|row| matches!(row[4].int(), LIVE | DELETED)).map(fetch::stored).collect()
    }

    /// Everything live that refers to a resource, whatever the element, for the program's own work.
    pub async fn pointing_at(&self, caller: &Caller, key: &Key) -> StoreResult<Vec<Stored>> {
        self.only_all(caller, "pointing")?;
        searching!(self, session => alike::pointing_at(&mut session, key).await)
    }

    /// What a search finds, at most `limit`, for the program's own work.
    pub async fn current_matches(&self, caller: &Caller, query: &Query, limit: u32) -> StoreResult<Vec<Stored>> {
        self.only_all(caller, "current")?;
        let asked = PageQuery { query: query.clone(), default_count: limit, max_count: limit, cursor: None };
        let page = self.quiet_search(caller, &asked).await?;
        let matches = page.entries.into_iter().filter(|it| it.role == Role::Match && !it.stored.deleted);
        Ok(matches.map(|it| it.stored).collect())
    }

    async fn admit(
        &self,
        reach: Reach<'_>,
        writes: &[Write],
        current: &[Present],
        ready: &mut [Ready],
    ) -> StoreResult<Vec<Key>> {
        let judged =
            reading!(self, session => admit::admit(&mut session, reach, self.bases(), writes, current, ready).await?);
        judged.map_err(|refused| {
            let rule = refused.rule.as_deref().unwrap_or_default();
            self.refused(reach.caller, &refused.key, refused.action, rule);
            refused.error
        })
    }

    /// What is live now under the keys of a batch; a first look, which the lane repeats.
    async fn current(&self, writes: &[Write], judged: bool) -> StoreResult<Vec<Present>> {
        let absent = |expect: Expect| expect == Expect::New || (expect == Expect::Absent && !judged);
        let fresh = |write: &Write| absent(write.expect) && !matches!(write.change, Change::Delete);
        if writes.iter().all(fresh) {
            return Ok(vec![None; writes.len()]);
        }
        let mut sought = Rows::new(2);
        writes.iter().filter(|write| !fresh(write)).for_each(|write| sought.push(by_id(&write.key)));
        let rows = reading!(self, session => session.lookup(&RESOURCE_BY_ID, &sought).await?);
        let mut live = HashMap::with_capacity(rows.len());
        for row in rows {
            let key = fetch::key(row[0].int(), &row[1])?;
            let [version, at, state] = [2, 3, 4].map(|at| row[at].int());
            if state == LIVE {
                live.insert(key, (version, at, row.into_iter().nth(5).map(Value::into_blob).unwrap_or_default()));
            }
        }
        let found = |write: &Write| if fresh(write) { None } else { live.get(&write.key).cloned() };
        Ok(writes.iter().map(found).collect())
    }

    /// What the rules say of a type; when they permit nothing of the kind, the refusal is written down.
    fn allowed(
        &self,
        reach: Reach<'_>,
        kind: ResourceType,
        action: Action,
        about: &dyn Display,
    ) -> StoreResult<Arc<Ruling>> {
        let ruling = reach.ruling(kind, action);
        match &ruling.refused_by {
            Some(rule) => {
                self.refused(reach.caller, about, action, rule);
                Err(StoreError::Forbidden)
            }
            None => Ok(ruling),
        }
    }

    /// A search of one type that the caller may not search at all is refused; of several, those are searched that may.
    fn may_search(&self, reach: Reach<'_>, query: &Query) -> StoreResult<()> {
        match query.kinds.as_slice() {
            [kind] => self.allowed(reach, *kind, Action::Search, &audit::asked(query)).map(drop),
            _ => Ok(()),
        }
    }

    /// Work on the whole store.
    fn may_operate(&self, caller: &Caller, work: &str) -> StoreResult<()> {
        if caller.rights.may("operate") {
            return Ok(());
        }
        self.refused(caller, &work, Action::Update, "operate");
        Err(StoreError::Forbidden)
    }

    fn only_all(&self, caller: &Caller, work: &str) -> StoreResult<()> {
        if caller.rights.are_everything() {
            return Ok(());
        }
        self.refused(caller, &work, Action::Read, "everything");
        Err(StoreError::Forbidden)
    }

    /// Writes down that the rules said no, and which one.
    pub(crate) fn refused(&self, caller: &Caller, about: &dyn Display, action: Action, rule: &str) {
        let about = about.to_string();
        let look = Look {
            about: Key::parse(&about),
            outcome: audit::Outcome::Refused,
            rule: Some(rule.into()),
            detail: format!("{action:?} {about}"),
            ..self.look(caller, "refusal")
        };
        self.0.shared.queue.put(look);
    }

    async fn send(&self, message: Message) -> StoreResult<()> {
        self.0.lane.send(message).await.map_err(|_| stopped())
    }

    // The answers to looks. They are given out, and written down, by `audit::front`.

    pub(crate) async fn quiet_read(&self, caller: &Caller, key: &Key) -> StoreResult<Stored> {
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        let ruling = self.allowed(reach, key.kind, Action::Read, key)?;
        let sight = reading!(self, session => read::current(&mut session, reach, self.bases(), &ruling, key).await?);
        match self.seen(caller, key, sight) {
            Some(row) if row.state == LIVE => row.stored(key),
            Some(row) if row.state == DELETED => {
                Err(StoreError::Gone { key: key.clone(), version: row.version as u64 })
            }
            _ => Err(StoreError::NotFound(key.clone())),
        }
    }

    /// What is hidden is not there; that somebody asked for it is written down.
    fn seen(&self, caller: &Caller, key: &Key, sight: Sight) -> Option<CurrentRow> {
        if let Sight::Hidden(rule) = &sight {
            self.refused(caller, key, Action::Read, rule);
        }
        sight.seen()
    }

    /// A version is shown to whom the current one is shown and who might see this one by itself.
    pub(crate) async fn quiet_vread(&self, caller: &Caller, key: &Key, version: &str) -> StoreResult<Stored> {
        let missing = || StoreError::NoSuchVersion { key: key.clone(), version: version.to_owned() };
        let number: i64 = version.parse().map_err(|_| missing())?;
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        let ruling = self.allowed(reach, key.kind, Action::Read, key)?;
        reading!(self, session => {
            let sight = read::current(&mut session, reach, self.bases(), &ruling, key).await?;
            let current = self.seen(caller, key, sight).ok_or_else(missing)?;
            let rid = current.rid;
            let row = if current.version == number {
                current
            } else {
                let old = history::old_version(&mut session, rid, number).await?;
                let OldVersion { at, state, body, owner } = old.ok_or_else(missing)?;
                CurrentRow { rid, version: number, at, state, body, owner }
            };
            if row.state == DELETED {
                let shown = ruling.is_always()
                    || history::deleted(&mut session, reach, self.bases(), &ruling, key, rid, number).await?;
                return Err(if shown {
                    StoreError::Gone { key: key.clone(), version: number as u64 }
                } else {
                    missing()
                });
            }
            let stored = row.stored(key)?;
            if read::passes(&mut session, reach, self.bases(), &ruling, &stored).await? {
                Ok(stored)
            } else {
                Err(missing())
            }
        })
    }

    pub(crate) async fn quiet_history(&self, caller: &Caller, query: &HistoryQuery) -> StoreResult<HistoryPage> {
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        match &query.scope {
            HistoryScope::Instance(key) => drop(self.allowed(reach, key.kind, Action::Read, key)?),
            HistoryScope::Kind(kind) => drop(self.allowed(reach, *kind, Action::Search, kind)?),
            HistoryScope::System => {}
        }
        let (bases, seal) = (self.bases(), &self.0.seal);
        if reach.is_everything() {
            return reading!(self, session => history::page(&mut session, reach, bases, seal, query).await);
        }
        // Versions are judged one by one: a walk that may be long.
        searching!(self, session => history::page(&mut session, reach, bases, seal, query).await)
    }

    pub(crate) async fn quiet_search(&self, caller: &Caller, query: &PageQuery) -> StoreResult<Page> {
        let registry = self.registry();
        let searcher = self.searcher(caller, &registry);
        self.may_search(searcher.reach, &query.query)?;
        searching!(self, session => searcher.page(&mut session, query).await)
    }

    fn searcher<'a>(&'a self, caller: &'a Caller, registry: &'a Arc<Registry>) -> Searcher<'a> {
        Searcher { reach: Reach { caller, registry }, bases: self.bases(), seal: &self.0.seal, kept: &self.0.kept }
    }

    pub(crate) async fn quiet_find(&self, caller: &Caller, query: &Query, limit: usize) -> StoreResult<Vec<Key>> {
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        self.may_search(reach, query)?;
        searching!(self, session => find(&mut session, reach, query, limit).await)
    }

    pub(crate) async fn quiet_everything(&self, caller: &Caller, query: &special::Everything) -> StoreResult<Page> {
        let registry = self.registry();
        let searcher = self.searcher(caller, &registry);
        let owner = &query.owner;
        let ruling = self.allowed(searcher.reach, owner.kind, Action::Read, owner)?;
        searching!(self, session => {
            if !ruling.is_always() {
                let sight = read::current(&mut session, searcher.reach, self.bases(), &ruling, owner).await?;
                self.seen(caller, owner, sight).ok_or_else(|| StoreError::NotFound(owner.clone()))?;
            }
            special::everything(&mut session, &searcher, query).await
        })
    }

    pub(crate) async fn quiet_last_n(&self, caller: &Caller, query: &Query, n: u32) -> StoreResult<Page> {
        let registry = self.registry();
        let searcher = self.searcher(caller, &registry);
        self.may_search(searcher.reach, query)?;
        searching!(self, session => special::last_n(&mut session, &searcher, query, n).await)
    }

    pub(crate) async fn quiet_alike(
        &self,
        caller: &Caller,
        kind: ResourceType,
        keys: &[i64],
        most: usize,
    ) -> StoreResult<Vec<Stored>> {
        let registry = self.registry();
        let reach = Reach { caller, registry: &registry };
        self.allowed(reach, kind, Action::Search, &kind)?;
        searching!(self, session => alike::alike(&mut session, reach, keys, most).await)
    }

    /// How many live resources there are of a type, and the texts that many of them have in a string parameter, folded,
    /// with how many. Nobody is named by it. Kept until there are many more or fewer of the type.
    pub async fn commonest(
        &self,
        kind: ResourceType,
        parameter: &'static str,
    ) -> StoreResult<(u64, Arc<HashMap<String, u64>>)> {
        let count = reading!(self, session => alike::count(&mut session, kind).await)?;
        if let Some(counts) = self.0.borne.get(kind, parameter, count) {
            return Ok((count, counts));
        }
        let registry = self.registry();
        let param = registry.param(kind, parameter);
        let slots: Vec<&str> = param
            .iter()
            .flat_map(|it| it.sources.iter().map(|source| registry.slot_def(source.slot).name.as_str()))
            .collect();
        let counts = searching!(self, session => alike::commonest(&mut session, &slots, count).await)?;
        Ok((count, self.0.borne.keep(kind, parameter, count, counts)))
    }

    /// The change log after a place in it, oldest first.
    pub async fn changes(&self, caller: &Caller, after: u64, limit: usize) -> StoreResult<Vec<Changed>> {
        self.only_all(caller, "changes")?;
        reading!(self, session => history::changes(&mut session, after, limit).await)
    }

    /// Who wrote the lines of the change log after a place in it, and when (microseconds), by the place of each.
    pub async fn writers(&self, caller: &Caller, after: u64, limit: usize) -> StoreResult<HashMap<u64, (i64, String)>> {
        self.only_all(caller, "changes")?;
        let lines = reading!(self, session => history::writers(&mut session, after, limit).await)?;
        Ok(lines.into_iter().map(|(place, at, who)| (place, (at, who))).collect())
    }

    /// The place of the latest change in the change log; 0 before the first.
    pub async fn last_change(&self, caller: &Caller) -> StoreResult<u64> {
        if !caller.rights.are_everything() {
            return Err(StoreError::Forbidden);
        }
        // A file has one process that writes; others may write to a PostgreSQL at any time.
        if let (Db::Sqlite(_), newest @ 1..) = (&self.0.db, self.0.shared.newest.load(Acquire)) {
            return Ok(newest as u64);
        }
        reading!(self, session => history::last_change(&mut session).await)
    }

    /// Throws the index away and makes it anew from the stored versions, with the search parameters that are
    /// stored now. Returns how many resources were indexed.
    pub async fn reindex(&self, caller: &Caller, progress: &maintain::Progress<'_>) -> StoreResult<u64> {
        self.may_operate(caller, "reindex")?;
        let (reply, answer) = oneshot::channel();
        let (steps, mut heard) = mpsc::unbounded_channel();
        self.send(Message::Reindex { caller: caller.clone(), steps, reply }).await?;
        while let Some((done, of)) = heard.recv().await {
            progress(done, of);
        }
        answer.await.map_err(|_| stopped())?
    }

    /// Takes away every version written after a moment (microseconds), so that what was current then is current
    /// again; the audit log keeps all. For a restored copy. Returns how many versions were taken away.
    pub async fn rewind(&self, caller: &Caller, to: i64, progress: &maintain::Progress<'_>) -> StoreResult<u64> {
        self.may_operate(caller, "rewind")?;
        let (reply, answer) = oneshot::channel();
        let (steps, mut heard) = mpsc::unbounded_channel();
        self.send(Message::Rewind { caller: caller.clone(), to, steps, reply }).await?;
        while let Some((done, of)) = heard.recv().await {
            progress(done, of);
        }
        answer.await.map_err(|_| stopped())?
    }

    /// Whether what is stored agrees with itself: versions without gaps, the log with the versions, the index
    /// with what would be computed now. What it finds is listed.
    pub async fn verify(&self, caller: &Caller, progress: &maintain::Progress<'_>) -> StoreResult<Vec<Issue>> {
        self.may_operate(caller, "verify")?;
        let registry = self.registry();
        reading!(self, session => maintain::verify(&mut session, &registry, &self.0.shared, progress).await)
    }

    /// Gives unused space back to the disk.
    pub async fn vacuum(&self, caller: &Caller) -> StoreResult<()> {
        self.may_operate(caller, "vacuum")?;
        let (reply, answer) = oneshot::channel();
        self.send(Message::Vacuum { reply }).await?;
        answer.await.map_err(|_| stopped())?
    }

    pub async fn stats(&self, caller: &Caller) -> StoreResult<Stats> {
        self.may_operate(caller, "stats")?;
        let mut stats = reading!(self, session => maintain::stats(&mut session).await)?;
        match &self.0.db {
            Db::Sqlite(db) => {
                let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |it| it.len());
                stats.bytes = size(db.path().to_owned()) + size(db.path().with_extension("db-wal"));
            }
            Db::Postgres(db) => stats.bytes = db.bytes().await?,
        }
        Ok(stats)
    }

    /// A consistent copy of the store as it is at some moment during this call, while it goes on working.
    pub async fn backup(&self, caller: &Caller, to: &Path, progress: &maintain::Progress<'_>) -> StoreResult<()> {
        self.may_operate(caller, "backup")?;
        match &self.0.db {
            Db::Sqlite(db) => db.copy_to(to, progress),
            Db::Postgres(_) => Err(StoreError::NotSupported(
                "a store in PostgreSQL is copied by PostgreSQL: use pg_dump, or pg_basebackup with archived logs"
                    .into(),
            )),
        }
    }

    /// Whether it can be read and written.
    pub async fn health(&self) -> StoreResult<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Check { reply }).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Waits until all that was sent is written, and closes the file. Later calls are refused.
    pub async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Message::Close { reply }).await.is_ok() {
            let _ = answer.await;
        }
        if let Db::Postgres(db) = &self.0.db {
            db.close();
        }
    }
}

/// What the store must know before it can be asked: the key of its page links and its search parameters.
async fn wake<W: Writer>(writer: &mut W, shared: &Shared) -> StoreResult<Seal> {
    writer.begin().await?;
    let key = maintain::seal_key(writer).await?;
    maintain::refresh(writer, shared).await?;
    audit::take_over(writer).await?;
    owner::fill(writer, &shared.registry()).await?;
    let newest = history::last_change(writer).await?;
    writer.commit().await?;
    shared.newest.store(newest as i64, Release);
    Ok(Seal::new(&key))
}

fn stopped() -> StoreError {
    StoreError::Unavailable("it has been closed".to_owned())
}
