//! A practice with an empty store, a clock that stands still until it is moved, an authenticator app and a browser with
//! passkeys.

use crate::access::passkey_tests::Authenticator;
use crate::access::{
    Access, AccessResult, AccessSettings, Charge, HashCost, NewUser, Opened, PersonLink, Proof, Relation, Session,
    SignIn, User, Visit, one_time_code,
};
use crate::egress::{Closed, Egress};
use crate::organisation::Surroundings;
use fhir::{Checked, Id, Key, ResourceType};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use store::{Batch, Caller, Change, Expect, Settings, Store, Write};

/// 15 June 2026, noon.
pub(super) const NOON: i64 = 1_781_524_800_000_000;
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;

pub(super) const PASSWORD: &str = "otter velvet canyon";

struct Counting(AtomicU64, Option<super::upstream::Elsewhere>);

impl Surroundings for Counting {
    fn now(&self) -> i64 {
        NOON
    }

    fn new_id(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("secret-{}", self.0.fetch_add(1, Relaxed))
    }

    fn egress(&self) -> &dyn Egress {
        match &self.1 {
            Some(elsewhere) => elsewhere,
            None => &Closed,
        }
    }
}

pub(super) struct Practice {
    pub(super) access: Access,
    pub(super) store: Store,
    pub(super) visit: Visit,
    clock: AtomicI64,
    folder: PathBuf,
}

impl Drop for Practice {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Practice {
    pub(super) async fn open() -> Practice {
        Practice::made(None).await
    }

    /// One that may call another server.
    pub(super) async fn reaching(elsewhere: super::upstream::Elsewhere) -> Practice {
        Practice::made(Some(elsewhere)).await
    }

    async fn made(elsewhere: Option<super::upstream::Elsewhere>) -> Practice {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("continuo-access-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let address = folder.join("store.db").to_str().unwrap().to_owned();
        let settings = Settings { organisation: "riverside".into(), address, ..Settings::default() };
        let store = Store::open(settings).await.unwrap();
        let settings = AccessSettings::of("Riverside Family Practice", "https://ehr.example/riverside", [7; 32]);
        let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
        let settings = AccessSettings { cost, hashes_at_once: 2, ..settings };
        let access = Access::new(store.clone(), Arc::new(Counting(AtomicU64::default(), elsewhere)), settings);
        let visit = Visit { address: "192.0.2.7".into(), agent: "A browser".into(), request: None };
        Practice { access, store, visit, clock: AtomicI64::new(NOON), folder }
    }

    /// Another process on the same store.
    pub(super) fn neighbour(&self) -> Access {
        let settings = AccessSettings::of("Riverside Family Practice", "https://ehr.example/riverside", [7; 32]);
        let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
        let chance = Counting(AtomicU64::new(1_000_000), None);
        Access::new(self.store.clone(), Arc::new(chance), AccessSettings { cost, ..settings })
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.load(Relaxed)
    }

    pub(super) fn later(&self, by: i64) {
        self.clock.fetch_add(by, Relaxed);
    }

    pub(super) fn visit_from(&self, address: &str) -> Visit {
        Visit { address: address.into(), ..self.visit.clone() }
    }

    pub(super) async fn staff(&self, username: &str, roles: &[&str]) -> User {
        let new = NewUser {
            username: username.into(),
            display: format!("The {username}"),
            email: Some(format!("{username}@example.org")),
            roles: roles.iter().map(|it| (*it).to_owned()).collect(),
            person: PersonLink::None,
            sites: Vec::new(),
        };
        self.make(new, Vec::new()).await
    }

    pub(super) async fn portal(&self, username: &str, patients: &[(&str, Relation, bool)]) -> User {
        let new = NewUser {
            username: username.into(),
            display: format!("The {username}"),
            email: None,
            roles: Vec::new(),
            person: PersonLink::None,
            sites: Vec::new(),
        };
        let charge = |(patient, relation, limited): &(&str, Relation, bool)| Charge {
            patient: Id::parse(patient).unwrap(),
            relation: *relation,
            limited: *limited,
            until: None,
        };
        self.make(new, patients.iter().map(charge).collect()).await
    }

    async fn make(&self, new: NewUser, patients: Vec<Charge>) -> User {
        let caller = Caller::system("test");
        self.access.create_with_password(&caller, new, patients, PASSWORD, self.now()).await.unwrap()
    }

    pub(super) async fn patient(&self, id: &str, born: &str) {
        let key = Key::new(ResourceType::parse("Patient").unwrap(), Id::parse(id).unwrap());
        let patient = json!({ "resourceType": "Patient", "id": id, "birthDate": born });
        let put = Change::Put(Checked::trusted(patient).unwrap());
        let batch = Batch::of("test", Write { key, expect: Expect::Anything, change: put });
        self.store.commit(&Caller::system("test"), batch, self.now()).await.unwrap();
    }

    pub(super) async fn try_to_sign_in(&self, username: &str, password: &str) -> SignIn {
        self.access.sign_in(&self.visit, username, password, self.now()).await.unwrap()
    }

    pub(super) async fn sign_in(&self, username: &str) -> Opened {
        match self.try_to_sign_in(username, PASSWORD).await {
            SignIn::Open(opened) => opened,
            other => panic!("{username} should be in: {other:?}"),
        }
    }

    /// The token of a sign-in for which the second factor is missing.
    pub(super) async fn half_way(&self, username: &str) -> String {
        match self.try_to_sign_in(username, PASSWORD).await {
            SignIn::Second { pending, .. } => pending,
            other => panic!("a second factor should be asked for: {other:?}"),
        }
    }

    pub(super) async fn second(&self, pending: &str, proof: Proof<'_>) -> AccessResult<SignIn> {
        self.access.second(&self.visit, pending, proof, self.now()).await
    }

    pub(super) async fn session(&self, token: &str) -> Option<Session> {
        self.access.session(token, self.now()).await.unwrap()
    }

    /// Someone signed in, as the store knows them.
    pub(super) async fn caller(&self, token: &str) -> Caller {
        self.access.session_caller(token, self.now()).await.unwrap().expect("a session")
    }

    /// Sets up an authenticator app; returns its seed, the recovery codes and the session that goes on.
    pub(super) async fn with_app(&self, username: &str) -> (Vec<u8>, Vec<String>) {
        let me = self.sign_in(username).await.session.me();
        let offer = self.access.begin_totp(&me, self.now()).await.unwrap();
        let seed = unbase32(&offer.secret);
        let code = one_time_code(&seed, self.now());
        let codes = self.access.finish_totp(&me, &offer.handle, &code, self.now()).await.unwrap();
        // The code that was just used does not count again.
        self.later(MINUTE);
        (seed, codes)
    }

    pub(super) async fn with_passkey(&self, username: &str) -> Authenticator {
        let me = self.sign_in(username).await.session.me();
        let question = self.access.begin_passkey(&me, self.now()).await.unwrap();
        let key = Authenticator::es256("https://ehr.example", "ehr.example");
        let answer = key.create(&question.options);
        self.access.finish_passkey(&me, &question.handle, &answer, "Telephone", self.now()).await.unwrap();
        key
    }
}

pub(super) fn unbase32(text: &str) -> Vec<u8> {
    let letters = text.bytes().filter(|it| *it != b' ');
    let mut bits = 0_u64;
    let mut count = 0;
    let mut bytes = Vec::new();
    for letter in letters {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|it| *it == letter).unwrap();
        bits = bits << 5 | value as u64;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
