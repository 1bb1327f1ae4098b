use super::basket::FORM;
use super::cosign::{self, waiting};
use super::sets::What;
use super::sign::Hindrance;
use super::tracking::{self, Progress};
use super::*;
use crate::draft::Drafts;
use crate::ward::{SECOND, Ward};
use fhir::{Id, Key, Value};
use serde_json::json;

fn what(key: &str) -> What {
    What::by_key(key).unwrap_or_else(|| panic!("{key} is on a list"))
}

/// A basket with these in it, kept.
async fn filled(pen: &Pen<'_>, patient: &Id, keys: &[&str]) -> Basket {
    let mut basket = Basket::open(pen, patient).await.unwrap();
    for key in keys {
        assert!(basket.add(Item::of(pen, what(key))), "{key} goes in");
    }
    basket.keep(pen, patient).await.unwrap();
    basket
}

fn allergy(criticality: &str) -> Value {
    json!({"resourceType": "AllergyIntolerance", "id": "pen", "patient": {"reference": "Patient/ada"},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "criticality": criticality,
        "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7980"}], "text": "Penicillin G"}})
}

fn prescription(id: &str, words: &str) -> Value {
    json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "subject": {"reference": "Patient/ada"}, "authoredOn": "2026-01-01", "medicationCodeableConcept": {"text": words},
        "dosageInstruction": [{"text": "Take 1 tablet once a day"}],
        "dispenseRequest": {"numberOfRepeatsAllowed": 3, "quantity": {"value": 90, "unit": "tablet"}}})
}

#[tokio::test]
async fn signed_orders_become_requests_with_a_task_and_provenance_and_leave_the_basket() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let basket = filled(&pen, &ward.patient, &["metformin-500-mg-tablet", "a1c", "cardiology"]).await;
    let signed = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    assert_eq!((signed.signed, signed.left), (3, 0));
    let drugs = ward.find("MedicationRequest", &[("patient", "Patient/ada")]).await;
    let [drug] = drugs.as_slice() else { panic!("one prescription: {drugs:?}") };
    assert_eq!((&drug["status"], &drug["intent"]), (&json!("active"), &json!("order")));
    assert_eq!(drug["requester"]["reference"], "Practitioner/okafor");
    assert_eq!(drug["medicationCodeableConcept"]["coding"][0]["code"], "861007");
    assert_eq!(drug["dosageInstruction"][0]["text"], "Take 1 tablet by mouth twice a day with meals");
    assert_eq!(drug["dispenseRequest"]["quantity"]["value"], json!(180));
    let services = ward.find("ServiceRequest", &[("patient", "Patient/ada")]).await;
    assert_eq!(services.len(), 2);
    let lab = services.iter().find(|it| it["code"]["text"] == "Hemoglobin A1c").expect("the test");
    assert_eq!(lab["category"][0]["coding"][0]["code"], "108252007");
    let tasks = ward.find("Task", &[("patient", "Patient/ada")]).await;
    assert_eq!(tasks.len(), 2, "each order beside drugs is followed");
    let focus = format!("ServiceRequest/{}", lab["id"].as_str().unwrap());
    let task = tasks.iter().find(|it| it["focus"]["reference"] == focus.as_str()).expect("a task about the test");
    assert_eq!((&task["status"], &task["owner"]["reference"]), (&json!("requested"), &json!("Practitioner/okafor")));
    let provenance = ward.find("Provenance", &[("target", &focus)]).await;
    let [provenance] = provenance.as_slice() else { panic!("one act: {provenance:?}") };
    assert_eq!(provenance["target"].as_array().map(Vec::len), Some(5), "orders and tasks");
    assert_eq!(provenance["agent"][0]["who"]["reference"], "Practitioner/okafor");
    assert!(Drafts::of(&pen).read(FORM, &ward.patient).await.unwrap().is_none(), "the basket is empty");
}

#[tokio::test]
async fn the_same_form_twice_signs_once_and_another_window_is_refused() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let basket = filled(&pen, &ward.patient, &["a1c"]).await;
    let first = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    let again = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    assert_eq!((again.signed, &again.written), (1, &first.written));
    assert_eq!(ward.find("ServiceRequest", &[("patient", "Patient/ada")]).await.len(), 1);
    let other = sign(&pen, &ward.patient, Which::All, basket.version, "form-2").await;
    assert!(matches!(other, Err(OrderError::Changed)), "{other:?}");
}

#[tokio::test]
async fn what_is_stopped_or_lacks_a_reason_stays_in_the_basket_and_says_why() {
    let ward = Ward::open().await;
    ward.put(vec![allergy("high"), prescription("old", "warfarin 5 mg tablet")]).await;
    let pen = ward.pen();
    let keys = ["amoxicillin-500-mg-tablet", "ibuprofen-600-mg-tablet", "a1c"];
    let basket = filled(&pen, &ward.patient, &keys).await;
    let signed = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    assert_eq!((signed.signed, signed.left), (1, 2));
    let mut basket = Basket::open(&pen, &ward.patient).await.unwrap();
    let why: Vec<_> = basket.items.iter().map(|it| (it.name.as_str(), it.stayed.as_deref())).collect();
    assert_eq!(why, [("amoxicillin 500 mg tablet", Some("stopped")), ("ibuprofen 600 mg tablet", Some("reason"))]);
    // With a reason for each alert the second one goes; the reason is in the record, tied to the order.
    let facts = Facts::of(&pen, &ward.patient).await.unwrap();
    let seen = look(&basket, &facts);
    assert_eq!(seen[0].hindrance(), Some(Hindrance::Stopped));
    for alert in seen[1].alerts.iter().filter(|it| it.tier == crate::checks::Tier::Reason) {
        basket.items[1].reasons.insert(alert.key(), "INR stable, short course".into());
    }
    basket.keep(&pen, &ward.patient).await.unwrap();
    let id = basket.items[1].id.clone();
    let signed = sign(&pen, &ward.patient, Which::One(&id), basket.version, "form-2").await.unwrap();
    assert_eq!((signed.signed, signed.left), (1, 1));
    let issues = ward.find("DetectedIssue", &[("patient", "Patient/ada")]).await;
    let issue = issues.iter().find(|it| it["code"]["coding"][0]["code"] == "DRG").expect("an interaction");
    assert_eq!(issue["mitigation"][0]["action"]["text"], "INR stable, short course");
    assert_eq!(issue["implicated"][0]["reference"], "MedicationRequest/old");
    let drug = ward.read(&signed.written[0]).await;
    let linked: Vec<&str> =
        drug["detectedIssue"].as_array().unwrap().iter().filter_map(|it| it["reference"].as_str()).collect();
    assert!(linked.contains(&format!("DetectedIssue/{}", issue["id"].as_str().unwrap()).as_str()), "{linked:?}");
}

#[tokio::test]
async fn a_renewal_takes_the_place_of_the_prescription_it_continues() {
    let ward = Ward::open().await;
    ward.put(vec![prescription("old", "lisinopril 10 mg tablet")]).await;
    let pen = ward.pen();
    let mut basket = Basket::open(&pen, &ward.patient).await.unwrap();
    let old = Id::parse("old").unwrap();
    let item = Item::renewal(&pen, &ward.patient, &old).await.unwrap();
    assert_eq!((item.refills, item.copied_directions().as_deref()), (3, Some("Take 1 tablet once a day")));
    assert!(basket.add(item));
    assert!(!basket.add(Item::renewal(&pen, &ward.patient, &old).await.unwrap()), "once is enough");
    basket.keep(&pen, &ward.patient).await.unwrap();
    let facts = Facts::of(&pen, &ward.patient).await.unwrap();
    assert_eq!(look(&basket, &facts)[0].hindrance(), None, "it is no duplicate of itself");
    let signed = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    let new = ward.read(&signed.written[0]).await;
    assert_eq!(new["priorPrescription"]["reference"], "MedicationRequest/old");
    assert_eq!(new["dosageInstruction"][0]["text"], "Take 1 tablet once a day");
    let before = ward.read(&Key::parse("MedicationRequest/old").unwrap()).await;
    assert_eq!(before["status"], "completed");
    let other = Id::parse("ben").unwrap();
    assert!(matches!(Item::renewal(&pen, &other, &old).await, Err(OrderError::Unknown)), "not of this patient");
}

#[tokio::test]
async fn a_nurse_writes_orders_that_a_clinician_signs_or_sends_back() {
    let mut ward = Ward::open().await;
    let nurse = ward.pen_of(&ward.nurse);
    let basket = filled(&nurse, &ward.patient, &["a1c", "metformin-500-mg-tablet"]).await;
    let refused = sign(&nurse, &ward.patient, Which::All, basket.version, "n-1").await;
    assert!(matches!(refused, Err(OrderError::MayNotSign)));
    let signers = cosign::signers(&nurse).await.unwrap();
    let okafor = signers.iter().find(|it| it.name.contains("Okafor")).expect("the clinician");
    let sent = forward(&nurse, &ward.patient, &okafor.key, &okafor.name, basket.version, "n-1").await.unwrap();
    assert_eq!((sent.signed, sent.left), (2, 0));
    let drafts = ward.find("MedicationRequest", &[("patient", "Patient/ada")]).await;
    assert_eq!(drafts[0]["status"], "draft");
    ward.later(60 * SECOND);
    let pen = ward.pen();
    assert!(waiting(&ward.pen_of(&ward.nurse)).await.unwrap().is_empty(), "only who was asked sees them");
    let mine = waiting(&pen).await.unwrap();
    assert_eq!(mine.len(), 2);
    let lab = mine.iter().find(|it| it.name == "Hemoglobin A1c").unwrap();
    cosign::sign(&pen, &lab.id, "", "c-1").await.unwrap();
    let order = ward.read(&lab.order).await;
    assert_eq!((&order["status"], &order["requester"]["reference"]), (&json!("active"), &json!("Practitioner/okafor")));
    let drug = mine.iter().find(|it| it.name.starts_with("metformin")).unwrap();
    assert!(matches!(cosign::decline(&pen, &drug.id, " ", "c-2").await, Err(OrderError::Reason)));
    cosign::decline(&pen, &drug.id, "Kidneys first", "c-3").await.unwrap();
    assert_eq!(ward.read(&drug.order).await["status"], "cancelled");
    assert!(waiting(&pen).await.unwrap().is_empty());
    let (open, _) = tracking::of_patient(&pen, &ward.patient).await.unwrap();
    assert_eq!(open.iter().map(|it| it.progress).collect::<Vec<_>>(), [Progress::Open]);
}

#[tokio::test]
async fn a_result_completes_the_task_of_its_order() {
    let mut ward = Ward::open().await;
    assert_eq!(tracking::settle(&ward.organisation, ward.now).await.unwrap(), 0, "it begins here");
    let pen = ward.pen();
    let basket = filled(&pen, &ward.patient, &["a1c", "cbc"]).await;
    let signed = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    let order = signed.written[0].clone();
    let result = |status: &str| {
        json!({"resourceType": "Observation", "id": "result", "status": status, "subject": {"reference": "Patient/ada"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
            "basedOn": [{"reference": order.to_string()}], "effectiveDateTime": "2026-06-15",
            "valueQuantity": {"value": 7.1, "unit": "%"}})
    };
    ward.put(vec![result("preliminary")]).await;
    assert_eq!(tracking::settle(&ward.organisation, ward.now).await.unwrap(), 0, "preliminary is not yet an answer");
    ward.put(vec![result("final")]).await;
    ward.later(SECOND);
    assert_eq!(tracking::settle(&ward.organisation, ward.now).await.unwrap(), 1);
    assert_eq!(tracking::settle(&ward.organisation, ward.now).await.unwrap(), 0, "once");
    assert_eq!(ward.read(&order).await["status"], "completed");
    let (all, _) = tracking::of_patient(&ward.pen(), &ward.patient).await.unwrap();
    let progress = |name: &str| all.iter().find(|it| it.name == name).map(|it| (it.progress, it.results.len()));
    assert_eq!(progress("Hemoglobin A1c"), Some((Progress::Done, 1)));
    assert_eq!(progress("Complete blood count"), Some((Progress::Open, 0)));
}

#[tokio::test]
async fn an_order_that_is_withdrawn_says_why() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let basket = filled(&pen, &ward.patient, &["mammogram"]).await;
    let signed = sign(&pen, &ward.patient, Which::All, basket.version, "form-1").await.unwrap();
    let id = signed.written[0].id.clone();
    let without = tracking::cancel(&pen, &ward.patient, &id, "", "x-1").await;
    assert!(matches!(without, Err(OrderError::Reason)));
    tracking::cancel(&pen, &ward.patient, &id, "Done elsewhere", "x-2").await.unwrap();
    let (all, _) = tracking::of_patient(&pen, &ward.patient).await.unwrap();
    assert_eq!(all[0].progress, Progress::Cancelled);
    let tasks = ward.find("Task", &[("patient", "Patient/ada")]).await;
    assert_eq!(
        (&tasks[0]["status"], &tasks[0]["statusReason"]["text"]),
        (&json!("cancelled"), &json!("Done elsewhere"))
    );
}

#[tokio::test]
async fn a_favourite_is_the_same_order_for_the_next_patient() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let mut item = Item::of(&pen, what("ibuprofen-600-mg-tablet"));
    item.indication = Some(Indication { id: "knee".into(), name: "Knee pain".into() });
    item.note = "for Ada".into();
    favourites::add(&pen, &item).await.unwrap();
    favourites::add(&pen, &item).await.unwrap();
    let mine = favourites::mine(&pen).await.unwrap();
    let [one] = mine.as_slice() else { panic!("one favourite: {}", mine.len()) };
    assert_eq!((&one.item.indication, one.item.note.as_str()), (&None, ""), "nothing about the patient is kept");
    assert_eq!(one.item.sig, item.sig);
    assert!(favourites::mine(&ward.pen_of(&ward.nurse)).await.unwrap().is_empty());
    favourites::remove(&pen, &one.id).await.unwrap();
    assert!(favourites::mine(&pen).await.unwrap().is_empty());
}

#[tokio::test]
async fn directions_are_changed_by_a_form_and_quantity_follows() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let item = Item::of(&pen, what("metformin-500-mg-tablet"));
    let given = Given {
        dose: "2".into(),
        timing: "BID".into(),
        route: "oral".into(),
        days: "30".into(),
        refills: "2".into(),
        priority: "routine".into(),
        ..Given::default()
    };
    let filled = item.clone().filled(&given, &[]);
    assert_eq!(filled.faults, []);
    assert_eq!(filled.item.quantity.map(sig::shown).as_deref(), Some("120"));
    let wrong =
        Given { dose: "two".into(), timing: String::new(), refills: "x".into(), start: "soon".into(), ..given.clone() };
    let faults = item.filled(&wrong, &[]).faults;
    let fields: Vec<&str> = faults.iter().map(|it| it.0).collect();
    for field in ["dose", "timing", "refills", "start"] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    let controlled = Item::of(&pen, what("oxycodone-5-mg-tablet"));
    let given = Given {
        dose: "1".into(),
        timing: "Q6H".into(),
        refills: "1".into(),
        quantity: "12".into(),
        ..Given::default()
    };
    assert!(controlled.filled(&given, &[]).faults.contains(&("refills", Fault::Refills)));
}

#[tokio::test]
async fn what_was_typed_is_ordered_as_it_is_and_said_to_be_unchecked() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let item = Item::typed(&pen, Kind::Drug, "  mysterium   5 mg ").unwrap();
    assert_eq!(item.name, "mysterium 5 mg");
    assert!(!item.missing().is_empty(), "directions are missing");
    let basket = Basket { items: vec![item], ..Basket::default() };
    let facts = Facts::of(&pen, &ward.patient).await.unwrap();
    assert!(look(&basket, &facts)[0].alerts.iter().any(|it| it.rule == crate::checks::Rule::Unchecked));
    assert!(Item::typed(&pen, Kind::Lab, "   ").is_none());
}
