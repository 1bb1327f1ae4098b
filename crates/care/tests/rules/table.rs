//! The table of docs/security/consent.md, section 9: every purpose, confidentiality, sensitivity, consent and recipient,
//! through the real way (principal, caller, store) and judged by an oracle that was written from that page. The oracle
//! knows words only; nothing of how rights are made.

use crate::clinic::{Clinic, NOW, principal, privacy_consent, purpose};
use care::access::{Principal, emergency};
use fhir::search::query::{Filter, Query};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::{Purpose, StoreError};

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
