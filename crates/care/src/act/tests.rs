//! What an act writes, and what it does not.

use super::*;
use crate::ward::{SECOND, Ward};
use serde_json::json;

fn pulse(patient: &str, beats: i32) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Heart rate"},
        "subject": {"reference": format!("Patient/{patient}")},
        "effectiveDateTime": "2026-06-15T12:00:00Z",
        "valueQuantity": {"value": beats, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    })
}

#[tokio::test]
async fn an_act_is_written_with_who_when_for_whom_and_why() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let mut act = Act::new("vitals", &ward.patient).reason("Came with palpitations");
    let first = act.create(&pen, pulse("ada", 72));
    let second = act.create(&pen, pulse("ada", 74));
    let written = pen.commit(act).await.unwrap();
    assert_eq!(written, Written { keys: vec![(first.clone(), 1), (second.clone(), 1)], again: false });
    assert_eq!(ward.read(&first).await["valueQuantity"]["value"], json!(72));
    for key in [&first, &second] {
        let told = ward.find("Provenance", &[("target", &key.to_string())]).await;
        let [it] = told.as_slice() else { panic!("one Provenance of {key}, not {}", told.len()) };
        assert_eq!(it["recorded"], "2026-06-15T12:00:00Z");
        assert_eq!(it["activity"]["text"], "vitals");
        assert_eq!(it["activity"]["coding"][0]["code"], "CREATE");
        assert_eq!(it["reason"][0]["text"], "Came with palpitations");
        assert_eq!(it["agent"][0]["type"]["coding"][0]["code"], "author");
        assert_eq!(it["agent"][0]["who"]["reference"], "Practitioner/okafor");
        assert_eq!(it["agent"][0]["onBehalfOf"]["reference"], "Organization/riverside");
    }
}

#[tokio::test]
async fn the_same_form_sent_twice_is_written_once() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let act = || {
        let mut act = Act::new("vitals", &ward.patient).once("form-1");
        act.create(&pen, pulse("ada", 72));
        act
    };
    let (one, other) = tokio::join!(pen.commit(act()), pen.commit(act()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.keys, other.keys);
    assert!(one.again != other.again, "one of them wrote");
    assert!(pen.commit(act()).await.unwrap().again);
    assert_eq!(ward.find("Observation", &[]).await.len(), 1);
    assert_eq!(ward.find("Provenance", &[]).await.len(), 1);
    // Somebody else may use the same key for something else.
    let nurse = ward.pen_of(&ward.nurse);
    assert!(!nurse.commit(act()).await.unwrap().again);
}

#[tokio::test]
async fn whoever_changes_what_somebody_else_has_changed_is_told_so_and_writes_nothing() {
    let mut ward = Ward::open().await;
    let mut act = Act::new("vitals", &ward.patient);
    let key = act.create(&ward.pen(), pulse("ada", 72));
    ward.pen().commit(act).await.unwrap();
    ward.later(SECOND);
    let change = |beats: i32, form: &str| {
        let mut act = Act::new("vitals.edit", &ward.patient).reason("Miscounted").once(form);
        act.update(key.clone(), 1, pulse("ada", beats));
        act
    };
    let pen = ward.pen();
    let written = pen.commit(change(80, "a")).await.unwrap();
    assert_eq!(written.keys, [(key.clone(), 2)]);
    let late = pen.commit(change(90, "b")).await;
    assert!(matches!(late, Err(ActError::Conflict { key: of }) if of == key));
    assert_eq!(ward.read(&key).await["valueQuantity"]["value"], json!(80));
    assert!(pen.commit(change(80, "a")).await.unwrap().again, "the first form is still known");
    let told = ward.find("Provenance", &[("target", &key.to_string())]).await;
    let edit = told.iter().find(|it| it["activity"]["coding"][0]["code"] == "UPDATE").unwrap();
    assert_eq!(edit["target"][0]["reference"], format!("{key}/_history/2"));
    assert_eq!(edit["entity"][0]["what"]["reference"], format!("{key}/_history/1"));
}

#[tokio::test]
async fn what_does_not_hold_together_is_not_written_at_all() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let mut act = Act::new("vitals", &ward.patient);
    act.create(&pen, pulse("ada", 72));
    act.create(&pen, json!({"resourceType": "Observation", "status": "guessed", "nonsense": true}));
    let Err(ActError::Invalid(issues)) = pen.commit(act).await else { panic!("it must be refused") };
    assert!(issues.len() >= 2, "{issues:?}");
    assert!(ward.find("Observation", &[]).await.is_empty());
}

#[tokio::test]
async fn nothing_about_another_patient_is_written_under_this_ones_name() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let mut act = Act::new("vitals", &ward.patient);
    act.create(&pen, pulse("ben", 72));
    assert!(matches!(pen.commit(act).await, Err(ActError::Invalid(_))));
    let mut act = Act::new("registration", &ward.patient);
    act.update(Key::parse("Patient/ben").unwrap(), 1, json!({"resourceType": "Patient"}));
    assert!(matches!(pen.commit(act).await, Err(ActError::Invalid(_))));
}

#[tokio::test]
async fn a_role_that_may_not_write_it_writes_nothing() {
    let ward = Ward::open().await;
    let desk = ward.pen_of(&ward.desk);
    assert!(!desk.may(Action::Create, "Observation") && ward.pen().may(Action::Create, "Observation"));
    let mut act = Act::new("vitals", &ward.patient);
    act.create(&desk, pulse("ada", 72));
    assert!(matches!(desk.commit(act).await, Err(ActError::Store(StoreError::Forbidden))));
    assert!(ward.find("Provenance", &[]).await.is_empty());
}

#[tokio::test]
async fn a_draft_goes_in_the_same_transaction_as_what_it_became() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let drafts = crate::draft::Drafts::of(&pen);
    drafts.keep("vitals", &ward.patient, json!({"pulse": "72"}), None).await.unwrap();
    let mut act = Act::new("vitals", &ward.patient);
    act.create(&pen, json!({"resourceType": "Observation"}));
    act.keep(drafts.done("vitals", &ward.patient));
    assert!(pen.commit(act).await.is_err());
    assert!(drafts.read("vitals", &ward.patient).await.unwrap().is_some(), "a refused form keeps its draft");
    let mut act = Act::new("vitals", &ward.patient);
    act.create(&pen, pulse("ada", 72));
    act.keep(drafts.done("vitals", &ward.patient));
    pen.commit(act).await.unwrap();
    assert_eq!(drafts.read("vitals", &ward.patient).await.unwrap(), None);
}
