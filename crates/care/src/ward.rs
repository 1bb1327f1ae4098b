//! A ward for tests: a real store with an organisation, a clinician, a nurse, someone at the front desk and one patient,
//! and the pens they write with.

use crate::access::{Access, AccessSettings, HashCost, LabelRules, Policies, Principal};
use crate::act::Pen;
use crate::exchange::channel::Interfaces;
use crate::organisation::Surroundings;
use crate::{Organisation, ask};
use fhir::search::row::BaseUrls;
use fhir::{Checked, Id, Key, Value};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use store::{Batch, Caller, Change, Expect, Labels, Purpose, Settings, Store, Write};

/// 15 June 2026, noon.
pub(crate) const NOON: i64 = 1_781_524_800_000_000;
pub(crate) const SECOND: i64 = 1_000_000;

#[derive(Default)]
pub(crate) struct Counting {
    count: AtomicU64,
    interfaces: Interfaces,
}

impl Surroundings for Counting {
    fn now(&self) -> i64 {
        NOON
    }

    fn new_id(&self) -> String {
        format!("id-{}", self.count.fetch_add(1, Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("secret-{}", self.count.fetch_add(1, Relaxed))
    }

    fn interfaces(&self) -> Option<&Interfaces> {
        Some(&self.interfaces)
    }
}

pub(crate) struct Ward {
    pub(crate) organisation: Arc<Organisation>,
    /// `Patient/ada`, a woman of 40.
    pub(crate) patient: Id,
    pub(crate) clinician: Writer,
    pub(crate) nurse: Writer,
    pub(crate) desk: Writer,
    pub(crate) now: i64,
    folder: PathBuf,
}

/// Someone who writes.
pub(crate) struct Writer {
    pub(crate) caller: Caller,
    pub(crate) author: Key,
}

impl Drop for Ward {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Ward {
    pub(crate) async fn open() -> Ward {
        Ward::open_in(Arc::new(Counting::default())).await
    }

    /// With surroundings of a test's own.
    pub(crate) async fn open_in(surroundings: Arc<dyn Surroundings>) -> Ward {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("continuo-ward-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let base = "http://ehr.example/riverside".to_owned();
        let settings = Settings {
            organisation: "riverside".into(),
            address: folder.join("store.db").to_str().unwrap().into(),
            bases: BaseUrls::new([format!("{base}/fhir")]),
            labels: Labels(Some(LabelRules::ours())),
            likeness: Some(crate::identity::keys_of),
            ..Settings::default()
        };
        let store = Store::open(settings).await.unwrap();
        let settings = AccessSettings {
            cost: HashCost { memory: 64, passes: 1, lanes: 1 },
            ..AccessSettings::of("Riverside Family Practice", &base, [7; 32])
        };
        let access = Access::new(store.clone(), surroundings.clone(), settings);
        put(&store, population()).await;
        let policies = Policies::default();
        let clinician = writer(&policies, &store, "clinician", "okafor", "Dr. Amara Okafor").await;
        let nurse = writer(&policies, &store, "nurse", "lind", "Maja Lind").await;
        let desk = writer(&policies, &store, "front-desk", "delgado", "Rosa Delgado").await;
        let name = "Riverside Family Practice".to_owned();
        let organisation = Arc::new(Organisation { slug: "riverside".into(), name, base, store, access, surroundings });
        let patient = Id::parse("ada").unwrap();
        Ward { organisation, patient, clinician, nurse, desk, now: NOON, folder }
    }

    /// The clinician's pen.
    pub(crate) fn pen(&self) -> Pen<'_> {
        self.pen_of(&self.clinician)
    }

    pub(crate) fn pen_of<'a>(&'a self, writer: &'a Writer) -> Pen<'a> {
        Pen { organisation: &self.organisation, caller: &writer.caller, author: Some(&writer.author), now: self.now }
    }

    pub(crate) fn later(&mut self, by: i64) {
        self.now += by;
    }

    pub(crate) async fn put(&self, resources: Vec<Value>) {
        put(&self.organisation.store, resources).await;
    }

    pub(crate) async fn read(&self, key: &Key) -> Value {
        self.organisation.store.read(&Caller::system("test"), key).await.unwrap().value()
    }

    /// Everything of a type that matches, as the clinician finds it.
    pub(crate) async fn find(&self, kind: &str, asked: &[(&'static str, &str)]) -> Vec<Value> {
        let asked: Vec<_> = asked.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        ask::every(&self.organisation.store, &self.clinician.caller, kind, &asked, 50).await.unwrap()
    }
}

async fn writer(policies: &Policies, store: &Store, role: &str, id: &str, name: &str) -> Writer {
    let author = Key::parse(&format!("Practitioner/{id}")).unwrap();
    let principal = Principal {
        who: format!("user/{id}"),
        display: name.to_owned(),
        role: role.to_owned(),
        person: Some(author.clone()),
        patients: Vec::new(),
        client: None,
        scopes: None,
        patient: None,
        purpose: Purpose::Treatment,
    };
    Writer { caller: policies.caller(store, &principal, NOON).await.unwrap(), author }
}

async fn put(store: &Store, resources: Vec<Value>) {
    let write = |value: Value| {
        let key = format!("{}/{}", value["resourceType"].as_str().unwrap(), value["id"].as_str().unwrap());
        let change = Change::Put(Checked::trusted(value).unwrap());
        Write { key: Key::parse(&key).unwrap(), expect: Expect::Anything, change }
    };
    let batch = Batch { writes: resources.into_iter().map(write).collect(), action: "test", ..Batch::default() };
    store.commit(&Caller::system("test"), batch, NOON - SECOND).await.unwrap();
}

fn population() -> Vec<Value> {
    let practitioner = |id: &str, given: &str, family: &str| json!({"resourceType": "Practitioner", "id": id, "active": true, "name": [{"given": [given], "family": family}]});
    let mut all = vec![
        json!({"resourceType": "Organization", "id": "riverside", "active": true, "name": "Riverside Family Practice"}),
        practitioner("okafor", "Amara", "Okafor"),
        practitioner("lind", "Maja", "Lind"),
        practitioner("delgado", "Rosa", "Delgado"),
        json!({"resourceType": "Patient", "id": "ada", "gender": "female", "birthDate": "1986-02-03",
            "name": [{"family": "Byron", "given": ["Ada"]}]}),
        json!({"resourceType": "Patient", "id": "ben", "gender": "male", "birthDate": "1950-02-03",
            "name": [{"family": "Bates", "given": ["Ben"]}]}),
    ];
    for id in ["okafor", "lind"] {
        all.push(json!({"resourceType": "PractitionerRole", "id": format!("role-{id}"), "active": true,
            "practitioner": {"reference": format!("Practitioner/{id}")},
            "organization": {"reference": "Organization/riverside"}}));
    }
    all
}
