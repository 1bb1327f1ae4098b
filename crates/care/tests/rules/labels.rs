//! Labels are set by whatever way something is written: here by the store itself, behind all of them.

use crate::clinic::{Clinic, clinician, principal};
use care::access::Principal;
use care::access::label::Label;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::{Caller, Purpose};

async fn labels(clinic: &Clinic, key: &str) -> Vec<&'static str> {
    let stored = clinic.store.read(&Caller::system("test"), &Key::parse(key).unwrap()).await.unwrap();
    Label::on(&stored.value()).into_iter().map(Label::code).collect()
}

fn condition(id: &str, code: &str) -> Value {
    json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/teen"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]}})
}

#[tokio::test]
async fn what_is_written_bears_its_labels_and_keeps_them() {
    let clinic = Clinic::open("labels").await;
    let observation = |id: &str, visit: &str| json!({"resourceType": "Observation", "id": id, "subject": {"reference": "Patient/adult"}, "encounter": {"reference": visit}});
    // 2027: one is 15 and one is 40 years old. The visit comes in the same batch, and the next day.
    clinic
        .put(vec![
            observation("same-batch", "Encounter/rehab"),
            json!({"resourceType": "Encounter", "id": "rehab", "subject": {"reference": "Patient/adult"},
                "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "56876005"}]}]}),
            json!({"resourceType": "Encounter", "id": "plain", "subject": {"reference": "Patient/adult"}}),
            json!({"resourceType": "Patient", "id": "teen", "birthDate": "2011-06-01"}),
            json!({"resourceType": "Patient", "id": "adult", "birthDate": "1986"}),
            condition("in-batch", "F32.9"),
        ])
        .await;
    assert_eq!(labels(&clinic, "Encounter/rehab").await, ["R", "ETH"]);
    assert_eq!(labels(&clinic, "Observation/same-batch").await, ["R", "ETH"]);
    assert_eq!(labels(&clinic, "Condition/in-batch").await, ["R", "PSY", "minor-private"]);
    clinic
        .put(vec![
            observation("later", "Encounter/rehab"),
            observation("other", "Encounter/plain"),
            observation("nowhere", "Encounter/none"),
            condition("later", "Z30.09"),
            condition("cold", "J00"),
        ])
        .await;
    assert_eq!(labels(&clinic, "Observation/later").await, ["R", "ETH"]);
    assert_eq!(labels(&clinic, "Observation/other").await, [] as [&str; 0]);
    assert_eq!(labels(&clinic, "Observation/nowhere").await, [] as [&str; 0]);
    assert_eq!(labels(&clinic, "Condition/later").await, ["R", "SEX", "minor-private"]);
    assert_eq!(labels(&clinic, "Condition/cold").await, [] as [&str; 0]);
    // A client cannot take away what a rule demands.
    let mut bare = condition("later", "Z30.09");
    bare["meta"] =
        json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]});
    clinic.put(vec![bare]).await;
    assert_eq!(labels(&clinic, "Condition/later").await, ["R", "SEX", "minor-private"]);
    // So it is hidden from a parent and from who does not treat, and the teenager sees it.
    let teen = Id::parse("teen").unwrap();
    let portal = |role: &str| Principal {
        patients: vec![teen.clone()],
        ..principal(role, "user/portal", None, Purpose::PatientRequest)
    };
    assert!(clinic.sees(&portal("patient"), "Condition/later").await);
    assert!(!clinic.sees(&portal("proxy"), "Condition/later").await);
    assert!(clinic.sees(&portal("proxy"), "Condition/cold").await);
    assert!(!clinic.sees(&clinician("stranger"), "Condition/later").await);
    assert!(clinic.sees(&clinician("stranger"), "Condition/cold").await);
}
