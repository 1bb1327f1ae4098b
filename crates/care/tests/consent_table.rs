//! The table of docs/security/consent.md, section 9: every purpose, confidentiality, sensitivity, consent and recipient,
//! through the real way (principal, caller, store) and judged by an oracle that was written from that page. The oracle
//! knows words only; nothing of how rights are made.

#![allow(clippy::unwrap_used)] // What a test builds on must be there.

use care::access::{LabelRules, Policies, Principal, emergency};
use fhir::search::query::{Filter, Query};
use fhir::search::row::BaseUrls;
use fhir::{Checked, Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use store::{Batch, Caller, Change, Expect, Labels, Purpose, Settings, Store, StoreError, Write};

const NOW: i64 = 1_800_000_000_000_000;
const PURPOSES: [&str; 7] = ["TREAT", "HPAYMT", "HOPERAT", "ETREAT", "PATRQT", "HRESCH", "HLEGAL"];
const LEVELS: [&str; 4] = ["N", "R", "V", "unlabelled"];
const SENSITIVITIES: [&str; 7] = ["ETH", "PSY", "HIV", "SEX", "GDIS", "minor-private", "none"];
const CONSENTS: [&str; 6] = ["none", "permit TPO", "permit named", "deny", "expired", "revoked"];
const RECIPIENTS: [&str; 5] = ["treating", "non-treating", "payer", "app", "proxy"];

/// The page, in words: whether it is shown.
fn oracle(purpose: &str, level: &str, sensitivity: &str, consent: &str, recipient: &str) -> bool {
    // Step 1: the purposes of the roles.
    let may_claim = match recipient {
        "treating" | "non-treating" => purpose != "PATRQT",
        "payer" => matches!(purpose, "HPAYMT" | "HOPERAT"),
        "app" => !matches!(purpose, "PATRQT" | "ETREAT"),
        "proxy" => purpose == "PATRQT",
        _ => unreachable!(),
    };
    if !may_claim {
        return false;
    }
    // Step 3 does not occur: no denial of the table names anybody. Step 4: break-glass.
    if purpose == "ETREAT" {
        return true;
    }
    // Step 5.
    if consent == "deny" {
        return false;
    }
    let named = consent == "permit named";
    // Step 6.
    if recipient == "proxy" {
        return sensitivity != "minor-private" || named;
    }
    // Step 7, by the table of section 3.
    let tpo = matches!(purpose, "TREAT" | "HPAYMT" | "HOPERAT");
    let permit = named || (consent == "permit TPO" && tpo);
    let tier_1 = level == "R" || matches!(sensitivity, "PSY" | "HIV" | "SEX" | "GDIS");
    let tier_2 = level == "V" || matches!(sensitivity, "ETH" | "minor-private");
    match purpose {
        "TREAT" if recipient == "treating" => true,
        "TREAT" | "HPAYMT" | "HOPERAT" => (!tier_1 || permit) && (!tier_2 || named),
        // What names the recipient here lists the purpose too.
        "HRESCH" => named,
        "HLEGAL" => (!tier_1 && !tier_2) || named,
        _ => unreachable!(),
    }
}

struct Row {
    patient: String,
    condition: Key,
    purpose: &'static str,
    level: &'static str,
    sensitivity: &'static str,
    consent: &'static str,
    recipient: &'static str,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (p, purpose) in PURPOSES.into_iter().enumerate() {
        for (c, consent) in CONSENTS.into_iter().enumerate() {
            for (r, recipient) in RECIPIENTS.into_iter().enumerate() {
                for (l, level) in LEVELS.into_iter().enumerate() {
                    for (s, sensitivity) in SENSITIVITIES.into_iter().enumerate() {
                        let patient = format!("p{p}{c}{r}");
                        let condition = Key::parse(&format!("Condition/{patient}-{l}{s}")).unwrap();
                        rows.push(Row { patient, condition, purpose, level, sensitivity, consent, recipient });
                    }
                }
            }
        }
    }
    rows
}

fn condition(row: &Row) -> Value {
    let mut security = Vec::new();
    if row.level != "unlabelled" {
        let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        security.push(json!({"system": system, "code": row.level}));
    }
    if row.sensitivity != "none" {
        let ours = row.sensitivity == "minor-private";
        let system = if ours { "urn:continuo:label" } else { "http://terminology.hl7.org/CodeSystem/v3-ActCode" };
        security.push(json!({"system": system, "code": row.sensitivity}));
    }
    json!({"resourceType": "Condition", "id": row.condition.id.as_str(), "meta": {"security": security},
        "code": {"text": "Something"}, "subject": {"reference": format!("Patient/{}", row.patient)}})
}

/// Who the recipient is, in the words of a Consent.
fn actor(recipient: &str) -> Value {
    let reference = match recipient {
        "treating" => json!({"reference": "Practitioner/treating"}),
        "non-treating" => json!({"reference": "Practitioner/other"}),
        "payer" => json!({"identifier": {"system": "urn:continuo:role", "value": "biller"}}),
        "app" => json!({"identifier": {"system": "urn:continuo:client", "value": "lab-portal"}}),
        "proxy" => json!({"reference": "RelatedPerson/parent"}),
        _ => unreachable!(),
    };
    json!([{"role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PRCP"}]}, "reference": reference}])
}

fn consent(row: &Row) -> Option<Value> {
    let reasons = |codes: &[&str]| {
        let one = |code: &&str| json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": code});
        codes.iter().map(one).collect::<Vec<_>>()
    };
    let mut named = json!({"type": "permit", "actor": actor(row.recipient), "purpose": reasons(&[row.purpose])});
    let (status, provision) = match row.consent {
        "none" => return None,
        "permit TPO" => ("active", json!({"type": "permit", "purpose": reasons(&["TREAT", "HPAYMT", "HOPERAT"])})),
        "permit named" => ("active", named),
        "deny" => ("active", json!({"type": "deny"})),
        "expired" => {
            named["period"] = json!({"start": "2020-01-01", "end": "2027-01-13"});
            ("active", named)
        }
        "revoked" => ("inactive", named),
        _ => unreachable!(),
    };
    Some(privacy_consent(&format!("c-{}", row.patient), &row.patient, status, provision))
}

fn privacy_consent(id: &str, patient: &str, status: &str, provision: Value) -> Value {
    json!({"resourceType": "Consent", "id": id, "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{patient}")},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": provision})
}

struct Clinic {
    store: Store,
    policies: Policies,
    folder: PathBuf,
}

impl Drop for Clinic {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Clinic {
    async fn open(name: &str) -> Clinic {
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

    async fn put(&self, resources: Vec<Value>) {
        let write = |value: Value| {
            let key = format!("{}/{}", value["resourceType"].as_str().unwrap(), value["id"].as_str().unwrap());
            let change = Change::Put(Checked::trusted(value).unwrap());
            Write { key: Key::parse(&key).unwrap(), expect: Expect::Anything, change }
        };
        let batch = Batch { writes: resources.into_iter().map(write).collect(), action: "test", ..Batch::default() };
        self.store.commit(&Caller::system("test"), batch, NOW).await.unwrap();
    }

    async fn caller(&self, principal: &Principal) -> Caller {
        self.policies.caller(&self.store, principal, NOW).await.unwrap()
    }

    async fn sees(&self, principal: &Principal, key: &str) -> bool {
        self.sees_at(principal, key, NOW).await
    }

    async fn sees_at(&self, principal: &Principal, key: &str, now: i64) -> bool {
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

fn principal(role: &str, who: &str, person: Option<&str>, purpose: Purpose) -> Principal {
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

fn clinician(person: &str) -> Principal {
    principal("clinician", &format!("user/{person}"), Some(&format!("Practitioner/{person}")), Purpose::Treatment)
}

fn purpose(code: &str) -> Purpose {
    care::access::roles::purpose(code).unwrap()
}

fn recipient(recipient: &str, code: &str, patients: &BTreeSet<String>) -> Principal {
    let who = format!("user/{recipient}-{code}");
    match recipient {
        "treating" => principal("clinician", &who, Some("Practitioner/treating"), purpose(code)),
        "non-treating" => principal("clinician", &who, Some("Practitioner/other"), purpose(code)),
        "payer" => principal("biller", &who, None, purpose(code)),
        "app" => Principal {
            client: Some("lab-portal".into()),
            scopes: Some("system/*.cruds".into()),
            ..principal("system", "client/lab-portal", None, purpose(code))
        },
        "proxy" => Principal {
            patients: patients.iter().map(|it| Id::parse(it).unwrap()).collect(),
            ..principal("proxy", &who, Some("RelatedPerson/parent"), purpose(code))
        },
        _ => unreachable!(),
    }
}

#[tokio::test]
async fn who_sees_what_is_as_the_page_says() {
    let clinic = Clinic::open("consent-table").await;
    let rows = rows();
    assert_eq!(rows.len(), 5_880);
    let mut patients: BTreeMap<&str, &Row> = BTreeMap::new();
    rows.iter().for_each(|row| {
        patients.entry(&row.patient).or_insert(row);
    });
    let mut resources = Vec::new();
    for (id, row) in &patients {
        let mut patient = json!({"resourceType": "Patient", "id": id});
        if row.recipient == "treating" {
            patient["generalPractitioner"] = json!([{"reference": "Practitioner/treating"}]);
        }
        resources.push(patient);
        resources.extend(consent(row));
    }
    resources.push(json!({"resourceType": "Practitioner", "id": "treating"}));
    resources.push(json!({"resourceType": "Practitioner", "id": "other"}));
    resources.push(json!({"resourceType": "RelatedPerson", "id": "parent", "patient": {"reference": "Patient/p000"}}));
    resources.extend(rows.iter().map(condition));
    for part in resources.chunks(500) {
        clinic.put(part.to_vec()).await;
    }
    let (mut shown, mut wrong) = (0, Vec::new());
    for code in PURPOSES {
        for who in RECIPIENTS {
            let here: Vec<&Row> = rows.iter().filter(|it| it.purpose == code && it.recipient == who).collect();
            let of: BTreeSet<String> = here.iter().map(|it| it.patient.clone()).collect();
            let principal = recipient(who, code, &of);
            if code == "ETREAT" && who.ends_with("treating") {
                let usual = Principal { purpose: Purpose::Treatment, ..principal.clone() };
                for patient in &of {
                    let caller = clinic.caller(&usual).await;
                    let id = format!("{who}-{patient}");
                    let patient = Id::parse(patient).unwrap();
                    emergency::open(&clinic.store, &caller, &patient, "Unconscious after a fall", 60, &id, NOW)
                        .await
                        .unwrap();
                }
            }
            let caller = clinic.caller(&principal).await;
            let kinds = vec![ResourceType::parse("Condition").unwrap()];
            let query = Query { kinds, filter: Filter::everything(), ..Query::default() };
            let found = match clinic.store.find(&caller, &query, 10_000).await {
                Ok(found) => found,
                Err(StoreError::Forbidden) => Vec::new(),
                Err(other) => panic!("{other}"),
            };
            let found: BTreeSet<Key> = found.into_iter().collect();
            for row in here {
                let expected = oracle(row.purpose, row.level, row.sensitivity, row.consent, row.recipient);
                let read = clinic.store.read(&caller, &row.condition).await.is_ok();
                shown += usize::from(expected);
                if read != expected || found.contains(&row.condition) != expected {
                    let Row { purpose, level, sensitivity, consent, recipient, .. } = row;
                    let search = found.contains(&row.condition);
                    wrong.push(format!(
                        "{purpose} {level} {sensitivity} | {consent} | {recipient}: expected {expected}, read {read}, found {search}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong[..wrong.len().min(40)].join("\n"));
    // Neither everything nor nothing.
    assert!((1_000..5_000).contains(&shown), "{shown}");
}
