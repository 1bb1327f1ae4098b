//! Who is asking? Turns a bearer token or a signed-in session into a [`Caller`]. The secrets themselves
//! are never kept: only their SHA-256, which suffices because every one is 256 random bits or, for
//! a demo login, a generated word list of enough length.

pub mod apps;
mod assertion;
pub mod clients;
pub mod codes;
pub mod consent;
pub mod emergency;
pub mod keys;
pub mod label;
pub mod labels;
mod policies;
mod principal;
mod relations;
pub mod roles;
pub mod scopes;
pub mod tokens;
mod veils;

pub use labels::LabelRules;
pub use policies::Policies;
pub use principal::Principal;
pub use roles::{Role, Roles};
pub use scopes::Scopes;

use fhir::Id;
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use store::{Caller, Purpose, Rights};

/// How long a staff session lasts without use, in microseconds (15 minutes).
pub const IDLE_LIMIT: i64 = 15 * 60 * 1_000_000;

/// Someone who may sign in.
#[derive(Clone, Debug)]
pub struct Login {
    pub username: String,
    pub display: String,
    /// `clinician`, `nurse`, `front-desk`, `biller`, `practice-admin`, `system-admin`, `privacy-officer`,
    /// `integration-engineer`, `patient`.
    pub role: String,
    /// Whose record it is, for a login of the portal; staff have none.
    pub patient: Option<Id>,
    pub secret: Secret,
}

/// The digest of a password or token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secret([u8; 32]);

impl Secret {
    pub fn of(text: &str) -> Secret {
        let hash = digest(&SHA256, text.as_bytes());
        Secret(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

struct Session {
    caller: Caller,
    last_used: i64,
}

/// The logins, tokens and sessions of one organisation.
#[derive(Default)]
pub struct Access {
    logins: HashMap<String, Login>,
    tokens: HashMap<Secret, Caller>,
    sessions: RwLock<HashMap<Secret, Session>>,
    /// Of the authorization server.
    pub(crate) apps: apps::Memory,
    policies: Policies,
}

impl Access {
    pub fn new(logins: Vec<Login>) -> Access {
        Access {
            logins: logins.into_iter().map(|login| (login.username.clone(), login)).collect(),
            ..Access::default()
        }
    }

    /// Who may sign in, in no particular order.
    pub fn logins(&self) -> impl Iterator<Item = &Login> {
        self.logins.values()
    }

    /// Lets whoever holds this token act as `caller` (system clients).
    pub fn grant(&mut self, token: &str, caller: Caller) {
        self.tokens.insert(Secret::of(token), caller);
    }

    /// Who holds this bearer token: a system client, or someone with an open session.
    pub fn bearer(&self, token: &str, now: i64) -> Option<Caller> {
        self.tokens.get(&Secret::of(token)).cloned().or_else(|| self.session(token, now))
    }

    /// Opens a session under `session_token` when user and password fit. An unknown user and a wrong
    /// password look the same.
    pub fn sign_in(&self, username: &str, password: &str, session_token: &str, now: i64) -> Option<Caller> {
        let given = Secret::of(password);
        let login = self.logins.get(username);
        // The digest of a long random secret: comparing it tells nothing useful about the secret by timing.
        let login = login.filter(|login| login.secret == given)?;
        let caller = Caller {
            who: format!("user/{}", login.username).into(),
            display: Arc::from(login.display.as_str()),
            role: Arc::from(login.role.as_str()),
            purpose: if login.patient.is_some() { Purpose::PatientRequest } else { Purpose::Treatment },
            rights: login.patient.clone().map_or_else(Rights::everything, Rights::patient),
            patient: login.patient.clone(),
            client: None,
            request: None,
        };
        let session = Session { caller: caller.clone(), last_used: now };
        self.sessions.write().expect("no writer panics").insert(Secret::of(session_token), session);
        Some(caller)
    }

    /// Who signed in under this token; using a session keeps it open.
    pub fn session(&self, token: &str, now: i64) -> Option<Caller> {
        let mut sessions = self.sessions.write().expect("no writer panics");
        let key = Secret::of(token);
        let session = sessions.get_mut(&key)?;
        if now - session.last_used > IDLE_LIMIT {
            sessions.remove(&key);
            return None;
        }
        session.last_used = session.last_used.max(now);
        Some(session.caller.clone())
    }

    pub fn sign_out(&self, token: &str) {
        self.sessions.write().expect("no writer panics").remove(&Secret::of(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clinic() -> Access {
        Access::new(vec![Login {
            username: "okafor".into(),
            display: "Dr. Amara Okafor".into(),
            role: "clinician".into(),
            patient: None,
            secret: Secret::of("a long generated password"),
        }])
    }

    #[test]
    fn a_session_opens_with_the_right_password_only() {
        let access = clinic();
        assert!(access.sign_in("okafor", "wrong", "t", 0).is_none());
        assert!(access.sign_in("nobody", "a long generated password", "t", 0).is_none());
        assert!(access.session("t", 0).is_none());
        let caller = access.sign_in("okafor", "a long generated password", "t", 0).unwrap();
        assert_eq!(&*caller.who, "user/okafor");
        assert_eq!(access.session("t", 1), Some(caller));
    }

    #[test]
    fn a_session_ends_when_it_is_left_alone() {
        let access = clinic();
        access.sign_in("okafor", "a long generated password", "t", 0).unwrap();
        assert!(access.session("t", IDLE_LIMIT).is_some());
        assert!(access.session("t", 2 * IDLE_LIMIT).is_some());
        assert!(access.session("t", 3 * IDLE_LIMIT + 1).is_none());
        assert!(access.session("t", 3 * IDLE_LIMIT + 1).is_none());
    }

    #[test]
    fn a_token_that_was_not_granted_is_nobody() {
        let mut access = clinic();
        access.grant("right", Caller::system("demo"));
        assert!(access.bearer("right", 0).is_some());
        assert!(access.bearer("wrong", 0).is_none());
    }
}
