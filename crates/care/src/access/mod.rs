//! Who is asking? People sign in and have a session, apps have a token; both become a [`Principal`], and
//! [`Access::caller`] makes of it the [`Caller`] that every call of the store begins with.
//!
//! Users, credentials and sessions are small records of the store ([`shelf`]), so they are in every backup and every
//! change of them is in the audit log, in the same transaction. What a secret is known by is never the secret: tokens
//! and codes are kept as digests, passwords as argon2id, and what must be read back is sealed with a key that is not
//! in the store.
//!
//! NIST SP 800-63B-4; OWASP ASVS 5.0, chapters 6 and 7.

pub mod accounts;
pub mod apps;
pub(crate) mod as_text;
mod assertion;
pub mod breached;
mod cbor;
pub mod clients;
pub mod codes;
pub mod consent;
pub mod emergency;
mod error;
pub mod factors;
mod guess;
pub mod invitations;
pub mod keys;
pub mod label;
pub mod labels;
mod lockout;
mod machine;
mod passkey;
mod password;
mod policies;
pub mod policy;
mod principal;
mod recovery;
mod relations;
pub mod roles;
pub mod scopes;
mod secret;
pub mod sessions;
pub mod shelf;
pub mod sign_in;
mod standing;
pub mod tokens;
mod totp;
pub mod upstream;
mod veils;

pub use accounts::{Charge, NewUser, PersonLink, Relation, User, UserChange};
pub use breached::Breached;
pub use error::{AccessError, AccessResult};
pub use factors::{Factors, PasskeyInfo, Question, TotpOffer};
pub use invitations::{InvitationInfo, Invite, Link, NewLogin};
pub use labels::LabelRules;
pub use machine::{MachineToken, machine_token};
pub use passkey::PasskeyPlace;
pub use password::{HashCost, LEAST_ALONE, LEAST_WITH_FACTOR, Weakness};
pub use policies::Policies;
pub use policy::SignInPolicy;
pub use principal::Principal;
pub use roles::{Role, Roles};
pub use scopes::Scopes;
pub use secret::Secret;
pub use sessions::{Me, Session, SessionInfo};
pub use sign_in::{Factor, Opened, Proof, SecondFactor, SignIn};
pub use totp::{base32, code_at as one_time_code};
pub use upstream::{Provider, ProviderInfo, ProviderStep};

use crate::organisation::Surroundings;
use std::collections::HashMap;
use std::sync::Arc;
use store::{Caller, Purpose, Rights, Store, StoreResult};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// How access behaves at one organisation.
pub struct AccessSettings {
    /// What people call the place; authenticator apps show it.
    pub name: String,
    /// Its address, which decides where passkeys are good.
    pub base: String,
    /// The key of the installation, with which secrets are sealed. It is not in the store.
    pub key: [u8; 32],
    /// How long a session may be left alone, in microseconds.
    pub staff_idle: i64,
    pub portal_idle: i64,
    /// How long any session lasts at most.
    pub longest: i64,
    pub cost: HashCost,
    /// Passwords hashed at the same time.
    pub hashes_at_once: usize,
    pub breached: Breached,
    /// The rules that are not in the store.
    pub policies: Policies,
    /// A demonstration lists its logins.
    pub demo: bool,
}

impl AccessSettings {
    /// What stands when nobody says otherwise.
    pub fn of(name: &str, base: &str, key: [u8; 32]) -> AccessSettings {
        AccessSettings {
            name: name.to_owned(),
            base: base.to_owned(),
            key,
            staff_idle: 15 * MINUTE,
            portal_idle: 20 * MINUTE,
            longest: 12 * HOUR,
            cost: HashCost::default(),
            hashes_at_once: 1,
            breached: Breached::none(),
            policies: Policies::default(),
            demo: false,
        }
    }
}

/// Where a request comes from whose sender is not known yet.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// The address of the other side, empty when it is not known.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    pub request: Option<Arc<str>>,
}

impl Visit {
    /// Someone who has not shown who they are, for the audit log.
    fn stranger(&self) -> Caller {
        self.caller("anonymous", "Someone not signed in", "anonymous", Purpose::Operations)
    }

    /// For the audit log alone: this caller may do nothing.
    fn caller(&self, who: &str, display: &str, role: &str, purpose: Purpose) -> Caller {
        Caller {
            who: who.into(),
            display: display.into(),
            role: role.into(),
            purpose,
            rights: Arc::new(Rights::default()),
            patient: None,
            client: None,
            request: self.request.clone(),
        }
    }

    fn from(&self) -> String {
        if self.address.is_empty() { String::new() } else { format!(" from {}", self.address) }
    }
}

/// The users, credentials, sessions and tokens of one organisation.
pub struct Access {
    store: Store,
    world: Arc<dyn Surroundings>,
    settings: AccessSettings,
    place: PasskeyPlace,
    sealer: secret::Sealer,
    /// Codes that people type are short; with this key their digests tell nothing.
    coder: ring::hmac::Key,
    hasher: password::Hasher,
    sessions: sessions::Open,
    believed: standing::Believed,
    lanes: lockout::Lanes,
    tokens: HashMap<Secret, Caller>,
    /// Of the authorization server.
    pub(crate) apps: apps::Memory,
    policies: Policies,
}

impl Access {
    pub fn new(store: Store, world: Arc<dyn Surroundings>, mut settings: AccessSettings) -> Access {
        let policies = std::mem::take(&mut settings.policies);
        let own = |purpose: &str| secret::sha256(&[&settings.key[..], purpose.as_bytes()].concat());
        Access {
            place: PasskeyPlace::of(&settings.base),
            sealer: secret::Sealer::new(&own("seal")),
            coder: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &own("code")),
            hasher: password::Hasher::new(settings.cost, settings.hashes_at_once),
            sessions: sessions::Open::default(),
            believed: standing::Believed::default(),
            lanes: lockout::Lanes::default(),
            tokens: HashMap::new(),
            apps: apps::Memory::default(),
            policies,
            store,
            world,
            settings,
        }
    }

    /// Lets whoever holds this token act as `caller` (system clients).
    pub fn grant(&mut self, token: &str, caller: Caller) {
        self.tokens.insert(Secret::of(token), caller);
    }

    /// Who holds this bearer token: a system client, or someone with an open session.
    pub async fn bearer(&self, token: &str, now: i64) -> StoreResult<Option<Caller>> {
        self.bearer_for(token, None, now).await
    }

    /// The same, for the purpose they claim: one that is not their role's opens nothing.
    pub async fn bearer_for(&self, token: &str, purpose: Option<Purpose>, now: i64) -> StoreResult<Option<Caller>> {
        if let Some(caller) = self.tokens.get(&Secret::of(token)) {
            return Ok(Some(caller.clone()));
        }
        let Some(session) = self.session(token, now).await? else { return Ok(None) };
        let mut principal = session.principal;
        principal.purpose = purpose.unwrap_or(principal.purpose);
        self.caller(&self.store, &principal, now).await.map(Some)
    }

    /// Who signed in under this token, as the caller of the store.
    pub async fn session_caller(&self, token: &str, now: i64) -> StoreResult<Option<Caller>> {
        match self.session(token, now).await? {
            Some(session) => self.caller(&self.store, &session.principal, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where passkeys are good: pages say so when they were opened elsewhere.
    pub fn passkey_place(&self) -> &PasskeyPlace {
        &self.place
    }

    fn chance(&self) -> String {
        self.world.new_secret()
    }

    fn chance_bytes(&self) -> [u8; 32] {
        secret::sha256(self.chance().as_bytes())
    }

    /// The digest of a code that people type, whatever case and hyphens they use.
    fn coded(&self, code: &str) -> String {
        secret::hex(ring::hmac::sign(&self.coder, recovery::plain(code).as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod passkey_tests;
#[cfg(test)]
mod tests;
