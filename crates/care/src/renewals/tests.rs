use super::*;
use crate::ward::Ward;

fn world(visit: &str, potassium: &str) -> Vec<Value> {
    let lab = |id: &str, code: &str, value: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/ada"},
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": id}, "effectiveDateTime": "2026-03-01",
            "valueQuantity": {"value": serde_json::from_str::<Value>(value).unwrap(), "unit": "x"}})
    };
    vec![
        json!({"resourceType": "MedicationRequest", "id": "old", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/ada"}, "authoredOn": "2025-06-01",
            "medicationCodeableConcept": {"text": "lisinopril 10 mg tablet"},
            "dosageInstruction": [{"text": "Take 1 tablet once a day"}],
            "requester": {"display": "Dr. Amara Okafor"},
            "dispenseRequest": {"numberOfRepeatsAllowed": 3, "quantity": {"value": 90, "unit": "tablet"}}}),
        json!({"resourceType": "MedicationDispense", "id": "fill", "status": "completed", "subject": {"reference": "Patient/ada"},
            "authorizingPrescription": [{"reference": "MedicationRequest/old"}], "whenHandedOver": "2026-04-20T10:00:00Z",
            "medicationCodeableConcept": {"text": "lisinopril 10 mg tablet"}}),
        json!({"resourceType": "Encounter", "id": "visit", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/ada"}, "period": {"start": visit}}),
        lab("creatinine", "2160-0", "0.9"),
        lab("potassium", "2823-3", potassium),
    ]
}

async fn asked(ward: &Ward) -> Id {
    let old = Id::parse("old").unwrap();
    let written = ask_for(&ward.pen_of(&ward.nurse), &ward.patient, &old, "Out on Friday", "ask").await.unwrap();
    written.keys[0].0.id.clone()
}

#[tokio::test]
async fn a_request_shows_what_is_needed_to_decide() {
    let ward = Ward::open().await;
    ward.put(world("2026-02-01", "4.1")).await;
    let id = asked(&ward).await;
    let (queue, more) = queue(&ward.pen()).await.unwrap();
    assert!(!more);
    let [one] = queue.as_slice() else { panic!("one request: {queue:?}") };
    assert_eq!((one.name.as_str(), one.note.as_deref()), ("lisinopril 10 mg tablet", Some("Out on Friday")));
    let request = request(&ward.pen(), &id).await.unwrap();
    assert_eq!(request.last_fill.map(|it| it.date()).as_deref(), Some("20-Apr-2026"));
    assert_eq!(request.last_visit.map(|it| it.date()).as_deref(), Some("01-Feb-2026"));
    let Advice::Renew { protocol, refills, conditions } = &request.advice else { panic!("{:?}", request.advice) };
    assert_eq!((protocol.as_str(), *refills, conditions.len()), ("Blood pressure medicines", 3, 4));
    // What is only asked for is not what they take.
    let medications = ward.pen().chart(&ward.patient).medications().await.unwrap();
    assert_eq!(medications.rows.len(), 1);
}

#[tokio::test]
async fn the_protocol_says_what_is_missing() {
    let ward = Ward::open().await;
    ward.put(world("2024-02-01", "5.9")).await;
    let id = asked(&ward).await;
    let request = request(&ward.pen(), &id).await.unwrap();
    let Advice::Look { conditions, .. } = request.advice else { panic!("{:?}", request.advice) };
    let open: Vec<&Asked> = conditions.iter().filter(|it| !it.met).map(|it| &it.what).collect();
    assert_eq!(open, [&Asked::Visit(12), &Asked::InRange("Potassium".into())]);
}

#[tokio::test]
async fn approved_it_is_a_new_prescription_in_place_of_the_old() {
    let ward = Ward::open().await;
    ward.put(world("2026-02-01", "4.1")).await;
    let id = asked(&ward).await;
    let decision = Decision::Approve { refills: 2, quantity: None };
    let nurse = decide(&ward.pen_of(&ward.nurse), &id, &decision, "", "d-0").await;
    assert!(matches!(nurse, Err(OrderError::MayNotSign)));
    decide(&ward.pen(), &id, &decision, "", "d-1").await.unwrap();
    let all = ward.find("MedicationRequest", &[("patient", "Patient/ada"), ("intent", "order")]).await;
    let new = all.iter().find(|it| it["status"] == "active").expect("the new prescription");
    assert_eq!(
        (&new["dispenseRequest"]["numberOfRepeatsAllowed"], &new["requester"]["reference"]),
        (&json!(2), &json!("Practitioner/okafor"))
    );
    assert_eq!(new["basedOn"][0]["reference"], format!("MedicationRequest/{id}"));
    assert!(all.iter().any(|it| it["id"] == "old" && it["status"] == "completed"));
    let tasks = ward.find("Task", &[("patient", "Patient/ada")]).await;
    assert_eq!(tasks[0]["status"], "completed");
    assert!(queue(&ward.pen()).await.unwrap().0.is_empty());
    let twice = decide(&ward.pen(), &id, &decision, "", "d-2").await;
    assert!(matches!(twice, Err(OrderError::Changed)), "{twice:?}");
}

#[tokio::test]
async fn a_refusal_needs_a_reason_and_a_visit_is_put_to_the_desk() {
    let ward = Ward::open().await;
    ward.put(world("2026-02-01", "4.1")).await;
    let id = asked(&ward).await;
    assert!(matches!(decide(&ward.pen(), &id, &Decision::Deny, "", "d-1").await, Err(OrderError::Reason)));
    decide(&ward.pen(), &id, &Decision::Appointment, "Blood pressure first", "d-2").await.unwrap();
    let proposal = ward.read(&Key::parse(&format!("MedicationRequest/{id}")).unwrap()).await;
    assert_eq!(
        (&proposal["status"], &proposal["statusReason"]["text"]),
        (&json!("on-hold"), &json!("Blood pressure first"))
    );
    let tasks = ward.find("Task", &[("patient", "Patient/ada")]).await;
    assert!(tasks.iter().any(|it| it["code"]["text"] == "Book a visit" && it["status"] == "requested"));
}

#[tokio::test]
async fn a_controlled_drug_has_no_protocol() {
    let facts = Facts::of(&Ward::open().await.pen(), &Id::parse("ada").unwrap()).await.unwrap();
    let advised = |words: &str| advice(&json!({"medicationCodeableConcept": {"text": words}}), &facts, None);
    assert_eq!(advised("oxycodone 5 mg tablet"), Advice::Controlled);
    assert_eq!(advised("mysterium"), Advice::None);
}
