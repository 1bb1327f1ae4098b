//! A visit is closed with all that belongs to it, and not without somebody saying why something is left out.

use super::*;
use crate::notes::{Beginning, Saved, Saving, Signing};
use crate::ward::Ward;
use serde_json::json;

async fn ward() -> Ward {
    let ward = Ward::open().await;
    ward.put(vec![
        json!({"resourceType": "Condition", "id": "p1", "subject": {"reference": "Patient/ada"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "code": {"text": "Migraine"}}),
        json!({"resourceType": "Encounter", "id": "today", "status": "in-progress", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "Patient/ada"}, "period": {"start": "2026-06-15T11:00:00Z"}}),
    ])
    .await;
    ward
}

fn today() -> Id {
    Id::parse("today").unwrap()
}

#[tokio::test]
async fn a_visit_is_closed_with_its_diagnosis_its_level_and_what_comes_next() {
    let ward = ward().await;
    let pen = ward.pen();
    let list = checklist(&pen, &ward.patient, &today()).await.unwrap();
    assert!(list.open);
    assert_eq!(
        list.diagnoses,
        [Diagnosis { id: "p1".into(), name: "Migraine".into(), chosen: false, of_visit: false }]
    );
    assert_eq!(list.missing(), [Item::Diagnosis, Item::Level, Item::FollowUp, Item::Summary, Item::Note]);
    let mut closing =
        Closing { version: list.version, level: "established-4".into(), weeks: Some(4), ..Closing::default() };
    let close = async |closing: &Closing| close(&pen, &ward.patient, &today(), closing).await;
    assert!(matches!(close(&closing).await, Err(ClosingError::NoDiagnosis)));
    closing.diagnoses = vec!["p1".into(), "of-somebody-else".into()];
    assert!(matches!(close(&closing).await, Err(ClosingError::NoReason)));
    closing.reason = "Seen by telephone.".into();
    assert!(matches!(close(&Closing { version: 99, ..closing.clone() }).await, Err(ClosingError::Changed)));
    assert!(matches!(close(&Closing { level: "x".into(), ..closing.clone() }).await, Err(ClosingError::NoLevel)));
    close(&closing).await.unwrap();
    assert!(matches!(close(&closing).await, Err(ClosingError::Closed)), "a second click closes nothing");
    let visit = ward.read(&key(&today())).await;
    assert_eq!(
        (visit["status"].as_str(), visit["period"]["end"].as_str()),
        (Some("finished"), Some("2026-06-15T12:00:00Z"))
    );
    assert_eq!(visit["diagnosis"][0]["condition"]["reference"], "Condition/p1");
    assert_eq!(visit["diagnosis"].as_array().unwrap().len(), 1);
    assert_eq!(visit["statusHistory"][0]["status"], "in-progress");
    let task = &ward.find("Task", &[("patient", "Patient/ada")]).await[0];
    assert_eq!(task["description"], "Return in 4 weeks, about 13-Jul-2026");
    let provenance = ward.find("Provenance", &[("target", "Encounter/today")]).await;
    assert_eq!(provenance[0]["reason"][0]["text"], "Seen by telephone.");
}

#[tokio::test]
async fn the_level_is_handed_to_billing_as_a_planned_charge() {
    let ward = ward().await;
    let pen = ward.pen();
    let list = checklist(&pen, &ward.patient, &today()).await.unwrap();
    let closing = Closing {
        version: list.version,
        diagnoses: vec!["p1".into()],
        level: "established-3".into(),
        weeks: None,
        reason: "Nothing to hand out.".into(),
    };
    close(&pen, &ward.patient, &today(), &closing).await.unwrap();
    let charges = ward.find("ChargeItem", &[("context", "Encounter/today")]).await;
    assert_eq!(charges.len(), 1);
    assert_eq!(
        (charges[0]["status"].as_str(), charges[0]["code"]["coding"][0]["code"].as_str()),
        (Some("planned"), Some("established-3"))
    );
    assert_eq!(checklist(&pen, &ward.patient, &today()).await.unwrap().level.as_deref(), Some("established-3"));
}

#[tokio::test]
async fn what_is_written_and_given_is_found_on_the_list() {
    let ward = ward().await;
    let pen = ward.pen();
    let beginning = Beginning { template: "follow-up", encounter: Some("today"), spanish: false };
    let note = notes::begin(&pen, &ward.patient, beginning).await.unwrap();
    let list = checklist(&pen, &ward.patient, &today()).await.unwrap();
    assert_eq!(list.drafts, [(note.id.clone(), "Follow-up (SOAP)".to_owned())]);
    let texts = note.parts.iter().map(|it| (it.key.clone(), "Well.".to_owned())).collect();
    let saved = notes::save(&pen, &ward.patient, &note.id, &Saving { edition: note.edition, texts }).await.unwrap();
    let Saved::Kept { note, .. } = saved else { panic!("nobody else writes here") };
    notes::sign(&pen, &ward.patient, &note.id, Signing { edition: note.edition, ..Signing::default() }).await.unwrap();
    crate::draft::Drafts::of(&pen).keep("basket", &ward.patient, json!({"items": [{}, {}]}), None).await.unwrap();
    let leaflet =
        crate::aftercare::Leaflet { title: "Your visit", html: "<p>Rest.</p>", language: "en-US", once: "once-1" };
    let given = crate::aftercare::give(&pen, &ward.patient, &today(), &leaflet).await.unwrap();
    let again = crate::aftercare::give(&pen, &ward.patient, &today(), &leaflet).await.unwrap();
    assert_eq!(given, again);
    let list = checklist(&pen, &ward.patient, &today()).await.unwrap();
    assert_eq!((list.signed.len(), list.drafts.len(), list.unsigned_orders), (1, 0, 2));
    assert_eq!(list.given.as_deref(), Some(given.as_str()));
    assert_eq!(list.missing(), [Item::Diagnosis, Item::Level, Item::Orders, Item::FollowUp]);
    let home = crate::aftercare::of(&pen, &ward.patient, &today()).await.unwrap();
    assert_eq!((home.given.as_deref(), home.medications.len()), (Some(given.as_str()), 0));
}

#[tokio::test]
async fn whoever_does_not_treat_closes_nothing() {
    let ward = ward().await;
    let desk = ward.pen_of(&ward.desk);
    assert!(matches!(checklist(&desk, &ward.patient, &today()).await, Err(StoreError::Forbidden)));
    let ben = Id::parse("ben").unwrap();
    assert!(matches!(checklist(&ward.pen(), &ben, &today()).await, Err(StoreError::NotFound(_))));
}
