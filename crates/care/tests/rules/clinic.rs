//! A clinic of the test's own: a store that labels what is written, and the rules.

use care::access::{LabelRules, Policies, Principal};
use fhir::search::query::{Filter, Query};
use fhir::search::row::BaseUrls;
use fhir::{Checked, Key, Value};
use serde_json::json;
use std::path::PathBuf;
use store::{Batch, Caller, Change, Expect, Labels, Purpose, Settings, Store, StoreError, Write};

pub(crate) const NOW: i64 = 1_800_000_000_000_000;

/// An active or other Consent about privacy.
pub(crate) fn privacy_consent(id: &str, patient: &str, status: &str, provision: Value) -> Value {
    json!({"resourceType": "Consent", "id": id, "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{patient}")},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": provision})
}

pub(crate) struct Clinic {
    pub(crate) store: Store,
    pub(crate) policies: Policies,
    folder: PathBuf,
}

impl Drop for Clinic {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Clinic {
    pub(crate) async fn open(name: &str) -> Clinic {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = Store::open(Settings {
            organisation: "clinic".into(),
            address: folder.join("clinic.db").display().to_string(),
            bases: BaseUrls::new(["http://clinic.example/fhir"]),
            labels: Labels(Some(LabelRules::ours())),
            ..Settings::default()
        });
        Clinic { store: store.await.unwrap(), policies: Policies::default(), folder }
    }

    pub(crate) async fn put(&self, resources: Vec<Value>) {
        let write = |value: Value| {
            let key = format!("{}/{}", value["resourceType"].as_str().unwrap(), value["id"].as_str().unwrap());
            let change = Change::Put(Checked::trusted(value).unwrap());
            Write { key: Key::parse(&key).unwrap(), expect: Expect::Anything, change }
        };
        let batch = Batch { writes: resources.into_iter().map(write).collect(), action: "test", ..Batch::default() };
        self.store.commit(&Caller::system("test"), batch, NOW).await.unwrap();
    }

    pub(crate) async fn caller(&self, principal: &Principal) -> Caller {
        self.policies.caller(&self.store, principal, NOW).await.unwrap()
    }

    pub(crate) async fn sees(&self, principal: &Principal, key: &str) -> bool {
        self.sees_at(principal, key, NOW).await
    }

    pub(crate) async fn sees_at(&self, principal: &Principal, key: &str, now: i64) -> bool {
        let caller = self.policies.caller(&self.store, principal, now).await.unwrap();
        let key = Key::parse(key).unwrap();
        let read = match self.store.read(&caller, &key).await {
            Ok(_) => true,
            Err(StoreError::NotFound(_) | StoreError::Forbidden) => false,
            Err(other) => panic!("{other}"),
        };
        let query = Query { kinds: vec![key.kind], filter: Filter::Ids(vec![key.id.clone()]), ..Query::default() };
        let found = self.store.find(&caller, &query, 10).await.unwrap_or_default();
        assert_eq!(!found.is_empty(), read, "reading and searching {key} as {principal:?}");
        read
    }
}

pub(crate) fn principal(role: &str, who: &str, person: Option<&str>, purpose: Purpose) -> Principal {
    Principal {
        who: who.to_owned(),
        display: who.to_owned(),
        role: role.to_owned(),
        person: person.map(|it| Key::parse(it).unwrap()),
        patients: Vec::new(),
        client: None,
        scopes: None,
        patient: None,
        purpose,
    }
}

pub(crate) fn clinician(person: &str) -> Principal {
    principal("clinician", &format!("user/{person}"), Some(&format!("Practitioner/{person}")), Purpose::Treatment)
}

pub(crate) fn purpose(code: &str) -> Purpose {
    care::access::roles::purpose(code).unwrap()
}
