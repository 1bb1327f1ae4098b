//! The rules of one organisation as they are now: roles, the consents that count, and who treats whom. What lies in the
//! store is read once and then kept up with by the change log: every request first looks whether there is anything
//! new, so a Consent is in force for the first request after it was written.
//!
//! An error on the way is the answer; a rule that cannot be read is never passed over.

use super::consent::Consent;
use super::relations::{Known, SOURCES, Tied, every};
use super::roles::Roles;
use super::veils::Consents;
use fhir::search::Registry;
use fhir::{Key, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use store::{Caller, Kinds, Rights, Store, StoreError, StoreResult};
use tokio::sync::Mutex;

/// Changes read from the log at once.
const AT_ONCE: usize = 1_000;
/// With more changed sources than this it is quicker to forget everybody and read again who asks.
const REREAD: usize = 200;
/// Rights that are kept.
const KEPT: usize = 2_000;

#[derive(Debug, Default)]
pub struct Policies {
    pub(super) roles: Arc<Roles>,
    state: Mutex<State>,
    made: std::sync::Mutex<HashMap<String, Made>>,
}

#[derive(Debug, Default)]
struct State {
    /// The place in the change log up to which all is known; `None` before the first request.
    seen: Option<u64>,
    consents: Arc<Consents>,
    /// Grows with every change of a Consent.
    version: u64,
    people: HashMap<Key, Held>,
}

/// A person of the staff and what is known of them.
#[derive(Debug)]
struct Held {
    tied: Tied,
    names: Arc<BTreeSet<Key>>,
    known: Known,
    /// A number that no other state of anybody has.
    version: u64,
}

/// What is needed to judge one principal, of one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) consents: Arc<Consents>,
    pub(super) version: u64,
    pub(super) names: Arc<BTreeSet<Key>>,
    pub(super) known: Known,
    pub(super) ties: u64,
}

/// Rights as they were put together, and how long that is good.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) rights: Arc<Rights>,
    pub(super) registry: Arc<Registry>,
    pub(super) version: u64,
    pub(super) ties: u64,
    /// Microseconds, end exclusive: clocks are set back too.
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Policies {
    /// With roles that a site laid over ours.
    pub fn new(roles: Roles) -> Policies {
        Policies { roles: Arc::new(roles), ..Policies::default() }
    }

    /// Everything as of now. `person` is read if it is staff.
    pub(super) async fn snapshot(&self, store: &Store, person: Option<&Key>, now: i64) -> StoreResult<Snapshot> {
        let mut state = self.state.lock().await;
        state.catch_up(store).await?;
        let (names, known, ties) = match person {
            None => Default::default(),
            Some(person) => state.person(store, person, now).await?,
        };
        Ok(Snapshot { consents: state.consents.clone(), version: state.version, names, known, ties })
    }

    pub(super) fn made(
        &self,
        key: &str,
        registry: &Arc<Registry>,
        snapshot: &Snapshot,
        now: i64,
    ) -> Option<Arc<Rights>> {
        let made = self.made.lock().expect("nobody panics while holding the rights");
        let it = made.get(key)?;
        let good = Arc::ptr_eq(&it.registry, registry)
            && (it.version, it.ties) == (snapshot.version, snapshot.ties)
            && (it.from..it.until).contains(&now);
        good.then(|| it.rights.clone())
    }

    pub(super) fn keep(&self, key: String, made: Made) {
        let mut all = self.made.lock().expect("nobody panics while holding the rights");
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, made);
    }

    /// Types of no patient that every patient may look at: a `patient/` scope lets an app read them too.
    pub(super) fn open(&self) -> Kinds {
        let groups = ["directory", "knowledge"].map(|name| self.roles.group(name));
        let slots = ["Schedule", "Slot"].into_iter().filter_map(fhir::ResourceType::parse);
        let all = groups.iter().flat_map(Kinds::iter).filter(|kind| kind.name() != "Group").chain(slots);
        all.collect()
    }
}

/// Who reads the rules.
static CALLER: LazyLock<Caller> = LazyLock::new(|| Caller::system("access"));

impl State {
    async fn catch_up(&mut self, store: &Store) -> StoreResult<()> {
        let caller = &*CALLER;
        let Some(mut seen) = self.seen else {
            let seen = store.last_change(caller).await?;
            let mut consents = Consents::default();
            for value in every(store, caller, "Consent", &[("status", "active".to_owned())]).await? {
                if let Some(consent) = Consent::read(&value, store.bases()) {
                    consents.put(&consent.id.clone(), Some(consent));
                }
            }
            self.consents = Arc::new(consents);
            self.version += 1;
            self.seen = Some(seen);
            return Ok(());
        };
        while store.last_change(caller).await? != seen {
            let changes = store.changes(caller, seen, AT_ONCE).await?;
            let Some(last) = changes.last() else { return Ok(()) };
            let next = last.sequence;
            let keys: BTreeSet<Key> = changes.into_iter().map(|it| it.key).collect();
            self.take(store, caller, keys).await?;
            // Only now: what could not be read is tried again by the next request.
            seen = next;
            self.seen = Some(next);
        }
        Ok(())
    }

    async fn take(&mut self, store: &Store, caller: &Caller, keys: BTreeSet<Key>) -> StoreResult<()> {
        let consents: Vec<&Key> = keys.iter().filter(|key| key.kind.name() == "Consent").collect();
        let mut read = Vec::with_capacity(consents.len());
        for key in consents {
            let value = current(store, caller, key).await?;
            read.push((key.id.clone(), value.and_then(|it| Consent::read(&it, store.bases()))));
        }
        if !read.is_empty() {
            let all = Arc::make_mut(&mut self.consents);
            read.into_iter().for_each(|(id, consent)| all.put(&id, consent));
            self.version += 1;
        }
        if self.people.is_empty() {
            return Ok(());
        }
        let sources: Vec<&Key> = keys.iter().filter(|key| SOURCES.contains(&key.kind.name())).collect();
        if sources.len() > REREAD || keys.iter().any(|key| key.kind.name() == "PractitionerRole") {
            self.people.clear();
            return Ok(());
        }
        for key in sources {
            let value = current(store, caller, key).await?;
            for held in self.people.values_mut() {
                if held.tied.concerns(key, value.as_ref(), store.bases()) {
                    held.tied.changed(key, value.as_ref(), store.bases());
                    held.version = 0;
                }
            }
        }
        Ok(())
    }

    async fn person(&mut self, store: &Store, person: &Key, now: i64) -> StoreResult<(Arc<BTreeSet<Key>>, Known, u64)> {
        if !self.people.contains_key(person) {
            let tied = Tied::load(store, person, now).await?;
            let held = Held { tied, names: Arc::default(), known: Known::default(), version: 0 };
            self.people.insert(person.clone(), held);
        }
        let fresh = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let held = self.people.get_mut(person).expect("just put there");
        if held.version == 0 || !(held.known.from..held.known.until).contains(&now.div_euclid(1_000)) {
            held.known = held.tied.patients(now);
            held.names = Arc::new(held.tied.names());
            held.version = fresh;
        }
        Ok((held.names.clone(), held.known.clone(), held.version))
    }
}

/// Numbers for states of people.
static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// A resource as it is now, if it is there.
async fn current(store: &Store, caller: &Caller, key: &Key) -> StoreResult<Option<Value>> {
    match store.read(caller, key).await {
        Ok(stored) => Ok(Some(stored.value())),
        Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

impl Snapshot {
    /// The moment at which ties change by themselves (microseconds).
    pub(super) fn until(&self) -> i64 {
        if self.ties == 0 { i64::MAX } else { self.known.until.saturating_mul(1_000) }
    }
}
