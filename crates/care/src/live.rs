//! What changes while somebody looks at a page: the store's change log, cut down to what this caller may see, of the
//! patient and the types they are looking at. Only the type and the version of a resource come out of here, never what is
//! in it and never its name; the page asks again for itself, with the rights of that moment.
//!
//! The caller is made anew for each look, so a right that was withdrawn or a Consent that was written counts at once. The
//! end of the session ends the listening. Listening does not keep a session open.

use crate::access::Principal;
use crate::organisation::Organisation;
use fhir::search::query::{Filter, Query};
use fhir::{Id, Key, ResourceType};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use store::{Action, Caller, Changed, Permit, Store, StoreError, StoreResult, in_compartments};
use tokio::sync::Mutex;

/// Changes that are remembered for those who come back after a gap, and how many are read at once.
const REMEMBERED: usize = 4_000;
const AT_ONCE: usize = 1_000;
/// Listeners at one organisation, and of one user: a browser may have a dozen pages open.
const LISTENERS: usize = 1_000;
const EACH: usize = 16;
/// Ids asked for in one question.
const ASKED: usize = 100;
/// Looks between two checks that the session is still open.
const CHECKED_EVERY: u32 = 8;

static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("live"));

/// The recent changes of one organisation, read once for all who listen.
#[derive(Debug, Default)]
pub struct Changes {
    recent: Mutex<Recent>,
    listening: AtomicUsize,
    of_user: std::sync::Mutex<HashMap<Arc<str>, usize>>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The place in the log up to which all is known; `None` before the first look.
    seen: Option<u64>,
    /// The place after which nothing is missing.
    from: u64,
    changes: VecDeque<Changed>,
}

/// Someone who listens; when it is dropped, there is room for another.
#[derive(Debug)]
struct Seat {
    changes: Arc<Changes>,
    who: Arc<str>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.changes.listening.fetch_sub(1, Ordering::Relaxed);
        let mut of_user = self.changes.of_user.lock().expect("no holder panics");
        if let Some(count) = of_user.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                of_user.remove(&self.who);
            }
        }
    }
}

impl Changes {
    fn sit(self: &Arc<Changes>, who: &Arc<str>) -> Option<Seat> {
        let mut of_user = self.of_user.lock().expect("no holder panics");
        let count = of_user.get(who).copied().unwrap_or_default();
        if count >= EACH || self.listening.load(Ordering::Relaxed) >= LISTENERS {
            return None;
        }
        of_user.insert(who.clone(), count + 1);
        self.listening.fetch_add(1, Ordering::Relaxed);
        Some(Seat { changes: self.clone(), who: who.clone() })
    }

    /// What was written after a place in the log, and the place up to which that is all; `None` when it is too long ago.
    async fn after(&self, store: &Store, place: u64) -> StoreResult<(Option<Vec<Changed>>, u64)> {
        let mut recent = self.recent.lock().await;
        let newest = store.last_change(&READER).await?;
        let seen = match recent.seen {
            // A store that was set back to an earlier state has nothing to do with what is remembered.
            Some(seen) if seen <= newest => seen,
            _ => {
                let from = newest.saturating_sub(AT_ONCE as u64);
                *recent = Recent { seen: Some(from), from, changes: VecDeque::new() };
                from
            }
        };
        let mut at = seen;
        while at < newest {
            let next = store.changes(&READER, at, AT_ONCE).await?;
            let Some(last) = next.last() else { break };
            at = last.sequence;
            recent.changes.extend(next);
        }
        recent.seen = Some(at.max(newest));
        while recent.changes.len() > REMEMBERED {
            if let Some(gone) = recent.changes.pop_front() {
                recent.from = gone.sequence;
            }
        }
        if place > newest || place < recent.from {
            return Ok((None, newest));
        }
        let begin = recent.changes.partition_point(|it| it.sequence <= place);
        Ok((Some(recent.changes.range(begin..).cloned().collect()), at.max(newest)))
    }
}

/// Something that a page may want to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Changed {
        sequence: u64,
        kind: ResourceType,
        version: u64,
    },
    /// Too much happened since the place that was asked for: look at everything again.
    Lost {
        sequence: u64,
    },
}

/// What a page is about.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    pub patient: Option<Id>,
    /// Types the page shows; none means all.
    pub kinds: Vec<ResourceType>,
}

/// One page that listens.
pub struct Ear {
    organisation: Arc<Organisation>,
    token: Arc<str>,
    interest: Interest,
    place: u64,
    looks: u32,
    seat: Seat,
}

impl Ear {
    /// Begins to listen after a place in the log, or now. `None` when too many listen already.
    pub async fn open(
        organisation: Arc<Organisation>,
        changes: &Arc<Changes>,
        who: &Arc<str>,
        token: Arc<str>,
        interest: Interest,
        after: Option<u64>,
    ) -> StoreResult<Option<Ear>> {
        let Some(seat) = changes.sit(who) else { return Ok(None) };
        let place = match after {
            Some(place) => place,
            None => organisation.store.last_change(&READER).await?,
        };
        Ok(Some(Ear { organisation, token, interest, place, looks: 0, seat }))
    }

    /// Where in the log it has come to.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The program is about to stop.
    pub fn is_closing(&self) -> bool {
        self.organisation.surroundings.closing()
    }

    /// What happened since the last look; `None` when the session has ended or the program is about to stop.
    pub async fn look(&mut self) -> StoreResult<Option<Vec<Heard>>> {
        let (organisation, now) = (self.organisation.clone(), self.organisation.now());
        if organisation.surroundings.closing() {
            return Ok(None);
        }
        self.looks = self.looks.wrapping_add(1);
        let (changes, newest) = self.seat.changes.clone().after(&organisation.store, self.place).await?;
        let Some(changes) = changes else {
            self.place = newest;
            return Ok(Some(vec![Heard::Lost { sequence: newest }]));
        };
        let changes: Vec<Changed> = changes.into_iter().filter(|it| self.interested(it.key.kind)).collect();
        if changes.is_empty() {
            self.place = newest;
            if self.looks.is_multiple_of(CHECKED_EVERY) && self.who(now).await?.is_none() {
                return Ok(None);
            }
            return Ok(Some(Vec::new()));
        }
        let Some(principal) = self.who(now).await? else { return Ok(None) };
        let caller = organisation.access.caller(&organisation.store, &principal, now).await?;
        let heard = self.seen_by(&caller, changes).await?;
        self.place = newest;
        Ok(Some(heard))
    }

    async fn who(&self, now: i64) -> StoreResult<Option<Principal>> {
        Ok(self.organisation.access.glance(&self.token, now).await?.map(|it| it.principal))
    }

    fn interested(&self, kind: ResourceType) -> bool {
        self.interest.kinds.is_empty() || self.interest.kinds.contains(&kind)
    }

    /// The changes of which this caller may know.
    async fn seen_by(&self, caller: &Caller, changes: Vec<Changed>) -> StoreResult<Vec<Heard>> {
        let store = &self.organisation.store;
        let registry = store.registry();
        let mut latest: BTreeMap<(&'static str, Id), Changed> = BTreeMap::new();
        for change in changes {
            latest.insert((change.key.kind.name(), change.key.id.clone()), change);
        }
        let mut by_kind: BTreeMap<&'static str, Vec<Changed>> = BTreeMap::new();
        for ((kind, _), change) in latest {
            by_kind.entry(kind).or_default().push(change);
        }
        let mut heard = Vec::new();
        for changes in by_kind.into_values() {
            let kind = changes[0].key.kind;
            // Not asking for what is closed keeps the log free of refusals that nobody meant.
            if caller.rights.permit(&registry, kind, Action::Search) == Permit::Never {
                continue;
            }
            let (gone, there): (Vec<Changed>, Vec<Changed>) = changes.into_iter().partition(|it| it.deleted);
            for change in gone {
                match store.read(caller, &change.key).await {
                    Err(StoreError::Gone { .. }) => heard.push(told(&change)),
                    Ok(_) | Err(StoreError::NotFound(_) | StoreError::Forbidden) => {}
                    Err(other) => return Err(other),
                }
            }
            for some in there.chunks(ASKED) {
                let ids = Filter::Ids(some.iter().map(|it| it.key.id.clone()).collect());
                let filter = match &self.interest.patient {
                    Some(patient) => {
                        let patient: Arc<[Key]> = [Key::new(of_patients(), patient.clone())].into();
                        Filter::All(vec![ids, in_compartments(&registry, kind, &patient)])
                    }
                    None => ids,
                };
                let query = Query { kinds: vec![kind], filter, ..Query::default() };
                let found = store.find(caller, &query, some.len()).await?;
                heard.extend(some.iter().filter(|it| found.contains(&it.key)).map(told));
            }
        }
        heard.sort_by_key(|it| match it {
            Heard::Changed { sequence, .. } | Heard::Lost { sequence } => *sequence,
        });
        Ok(heard)
    }
}

fn told(change: &Changed) -> Heard {
    Heard::Changed { sequence: change.sequence, kind: change.key.kind, version: change.version }
}

fn of_patients() -> ResourceType {
    ResourceType::parse("Patient").expect("a type of R4")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{NewUser, PersonLink, SignIn, Visit};
    use crate::ward::Ward;
    use serde_json::json;

    async fn signed_in(ward: &Ward, role: &str) -> (Arc<str>, Arc<str>) {
        let access = &ward.organisation.access;
        let new = NewUser {
            username: role.into(),
            display: role.into(),
            email: None,
            roles: vec![role.into()],
            person: PersonLink::None,
            sites: Vec::new(),
        };
        let user = access
            .create_with_password(&Caller::system("test"), new, Vec::new(), "granite-badge-violin", ward.now)
            .await;
        let user = user.unwrap();
        let visit = Visit::default();
        let SignIn::Open(opened) = access.sign_in(&visit, role, "granite-badge-violin", ward.now).await.unwrap() else {
            panic!("no second factor is asked for here");
        };
        (opened.token.into(), user.who().into())
    }

    fn pulse(id: &str, patient: &str) -> fhir::Value {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "Pulse"},
            "subject": {"reference": format!("Patient/{patient}")}})
    }

    async fn ear(
        ward: &Arc<Organisation>,
        who: &(Arc<str>, Arc<str>),
        patient: Option<&str>,
        after: Option<u64>,
    ) -> Ear {
        let interest =
            Interest { patient: patient.and_then(Id::parse), kinds: vec![ResourceType::parse("Observation").unwrap()] };
        Ear::open(ward.clone(), &Arc::default(), &who.1, who.0.clone(), interest, after).await.unwrap().unwrap()
    }

    fn kinds(heard: Option<Vec<Heard>>) -> Vec<(&'static str, u64)> {
        let told = |it| match it {
            Heard::Changed { kind, version, .. } => (ResourceType::name(kind), version),
            Heard::Lost { .. } => ("lost", 0),
        };
        heard.expect("the session is open").into_iter().map(told).collect()
    }

    #[tokio::test]
    async fn who_listens_hears_of_this_patient_and_of_what_they_may_see() {
        let ward = Ward::open().await;
        let nurse = signed_in(&ward, "nurse").await;
        let desk = signed_in(&ward, "front-desk").await;
        let (organisation, store) = (ward.organisation.clone(), &ward);
        let mut of_ada = ear(&organisation, &nurse, Some("ada"), None).await;
        let mut of_all = ear(&organisation, &nurse, None, None).await;
        let mut at_desk = ear(&organisation, &desk, Some("ada"), None).await;
        assert!(kinds(of_ada.look().await.unwrap()).is_empty());
        let began = of_ada.place();
        store.put(vec![pulse("a", "ada"), pulse("b", "ben")]).await;
        store.put(vec![json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/ada"}})]).await;
        assert_eq!(kinds(of_ada.look().await.unwrap()), [("Observation", 1)]);
        assert!(kinds(of_ada.look().await.unwrap()).is_empty(), "told once");
        assert_eq!(kinds(of_all.look().await.unwrap()).len(), 2);
        assert!(kinds(at_desk.look().await.unwrap()).is_empty(), "the front desk sees no measurements");
        // Who comes back is told what they missed; who was away too long looks at everything.
        let mut back = ear(&organisation, &nurse, Some("ada"), Some(began)).await;
        assert_eq!(kinds(back.look().await.unwrap()), [("Observation", 1)]);
        let mut lost = ear(&organisation, &nurse, Some("ada"), Some(9_999_999)).await;
        assert_eq!(kinds(lost.look().await.unwrap()), [("lost", 0)]);
        // A session that ended hears nothing more.
        organisation.access.sign_out(&nurse.0, store.now).await.unwrap();
        store.put(vec![pulse("d", "ada")]).await;
        assert!(of_ada.look().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn one_user_does_not_take_all_the_seats() {
        let changes = Arc::<Changes>::default();
        let (one, other): (Arc<str>, Arc<str>) = ("user/1".into(), "user/2".into());
        let seats: Vec<Seat> = (0..EACH).map(|_| changes.sit(&one).unwrap()).collect();
        assert!(changes.sit(&one).is_none() && changes.sit(&other).is_some());
        drop(seats);
        assert!(changes.sit(&one).is_some());
    }
}
