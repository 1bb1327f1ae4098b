//! Whether what a person allowed an app still rests on something. They may have left since, have lost the role in
//! which they allowed it, or no longer act for the patient (a proxy's time ends, a child grows up): the app then has
//! nothing either, from the next request on, whoever made the change and on whichever server.
//! RFC 6749, 10.3 to 10.5; OWASP ASVS 5.0, 10.4.

use super::accounts::User;
use super::codes::Subject;
use super::{Access, SECOND};
use fhir::Id;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use store::StoreResult;

/// How long another server's change of a user may go unnoticed.
const BELIEVED: i64 = 2 * SECOND;
/// More than this are forgotten all at once; each comes back with one look.
const MANY: usize = 10_000;

/// A user, or that there is none, and when that was so.
struct Seen {
    at: i64,
    user: Option<Arc<User>>,
}

/// The users for whom apps act, as they were a moment ago.
#[derive(Default)]
pub(super) struct Believed(RwLock<HashMap<String, Seen>>);

impl Believed {
    pub(super) fn forget(&self, user: &str) {
        self.0.write().expect("nobody panics while holding the users").remove(user);
    }

    fn get(&self, user: &str, now: i64) -> Option<Option<Arc<User>>> {
        let known = self.0.read().expect("nobody panics while holding the users");
        known.get(user).filter(|seen| now - seen.at < BELIEVED).map(|seen| seen.user.clone())
    }

    fn put(&self, id: &str, user: Option<Arc<User>>, now: i64) {
        let mut known = self.0.write().expect("nobody panics while holding the users");
        if known.len() >= MANY {
            known.clear();
        }
        known.insert(id.to_owned(), Seen { at: now, user });
    }
}

impl Access {
    /// Nothing that is remembered of a user counts any more: sessions and apps ask the store again.
    pub(super) fn forget(&self, user: &str) {
        self.sessions.forget(user);
        self.believed.forget(user);
    }

    /// Whose records the person may still see of those for which they let an app in; empty for staff, whose role
    /// says it. `None`: they may no longer act in this role at all.
    pub(super) async fn still(&self, subject: &Subject, now: i64) -> StoreResult<Option<Vec<Id>>> {
        // A program of the operator's for one patient rests on its entry in the registry alone: nobody signed in.
        if let Some(patient) = subject.who.strip_prefix("patient/") {
            let own = subject.patients.iter().filter(|it| it.as_str() == patient);
            return Ok(Some(own.filter_map(|it| Id::parse(it)).collect()));
        }
        let Some(id) = subject.who.strip_prefix("user/") else { return Ok(None) };
        let user = match self.believed.get(id, now) {
            Some(user) => user,
            None => {
                let user = self.user_by_id(id, now).await?.map(Arc::new);
                self.believed.put(id, user.clone(), now);
                user
            }
        };
        let Some(user) = user.filter(|it| it.active && it.roles_at(now).contains(&subject.role)) else {
            return Ok(None);
        };
        if subject.is_staff() {
            return Ok(Some(Vec::new()));
        }
        let charges = user.patients.iter().filter(|it| it.counts(now) && it.role() == subject.role);
        let patients: Vec<Id> = charges
            .map(|it| it.patient.clone())
            .filter(|it| subject.patients.iter().any(|allowed| allowed == it.as_str()))
            .collect();
        Ok((!patients.is_empty()).then_some(patients))
    }
}
