//! Break-glass: opened with a reason and for a time, seen by the privacy officer and the patient, ended, reviewed.

use crate::clinic::{Clinic, NOW, clinician, principal, privacy_consent};
use care::access::Principal;
use care::access::emergency::{self, EmergencyError};
use fhir::Id;
use serde_json::json;
use store::Purpose;

const MINUTE: i64 = 60_000_000;

fn patient() -> Id {
    Id::parse("p").unwrap()
}

async fn clinic(name: &str) -> Clinic {
    let clinic = Clinic::open(name).await;
    let eth = json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "ETH"}]);
    let condition = |id: &str, patient: &str| json!({"resourceType": "Condition", "id": id, "meta": {"security": eth}, "subject": {"reference": format!("Patient/{patient}")}});
    clinic
        .put(vec![
            json!({"resourceType": "Patient", "id": "p"}),
            json!({"resourceType": "Patient", "id": "q"}),
            condition("mine", "p"),
            condition("others", "q"),
        ])
        .await;
    clinic
}

#[tokio::test]
async fn break_glass_opens_one_record_for_a_time() {
    let clinic = clinic("glass").await;
    let (doctor, officer) = (clinician("ann"), principal("privacy-officer", "user/officer", None, Purpose::Operations));
    assert!(!clinic.sees(&doctor, "Condition/mine").await);
    let caller = clinic.caller(&doctor).await;
    let open = async |reason: &str, minutes: u32, who: &store::Caller, id: &str| {
        emergency::open(&clinic.store, who, &patient(), reason, minutes, id, NOW).await
    };
    assert!(matches!(open("too short", 60, &caller, "1").await, Err(EmergencyError::Reason)));
    assert!(matches!(open("          x          ", 60, &caller, "1").await, Err(EmergencyError::Reason)));
    assert!(matches!(open("Unconscious after a fall", 0, &caller, "1").await, Err(EmergencyError::Minutes)));
    assert!(matches!(open("Unconscious after a fall", 241, &caller, "1").await, Err(EmergencyError::Minutes)));
    for role in ["front-desk", "biller", "privacy-officer", "practice-admin"] {
        let other = principal(role, "user/x", None, Purpose::Operations);
        let refused = open("Unconscious after a fall", 60, &clinic.caller(&other).await, "1").await;
        assert!(matches!(refused, Err(EmergencyError::Forbidden)), "{role}");
    }
    let none = Id::parse("none").unwrap();
    let nobody = emergency::open(&clinic.store, &caller, &none, "Unconscious after a fall", 9, "1", NOW);
    assert!(matches!(nobody.await, Err(EmergencyError::Store(_))));
    open("Unconscious after a fall", 60, &caller, "1").await.unwrap();
    assert!(clinic.sees(&doctor, "Condition/mine").await);
    assert!(!clinic.sees(&doctor, "Condition/others").await);
    assert!(!clinic.sees(&clinician("bob"), "Condition/mine").await);
    assert_eq!(clinic.caller(&doctor).await.purpose, Purpose::Emergency);
    // Not for an app in their name.
    let app = Principal { client: Some("app".into()), scopes: Some("user/*.rs".into()), ..doctor.clone() };
    assert!(!clinic.sees(&app, "Condition/mine").await);
    // It ends by itself.
    assert!(clinic.sees_at(&doctor, "Condition/mine", NOW + 59 * MINUTE).await);
    assert!(!clinic.sees_at(&doctor, "Condition/mine", NOW + 60 * MINUTE).await);
    // A denial that names nobody is lifted, one that names them is not.
    clinic.put(vec![privacy_consent("c", "p", "active", json!({"type": "deny"}))]).await;
    assert!(clinic.sees(&doctor, "Condition/mine").await);
    let me = json!([{"role": {"coding": [{"code": "PRCP"}]}, "reference": {"reference": "Practitioner/ann"}}]);
    clinic.put(vec![privacy_consent("c", "p", "active", json!({"type": "deny", "actor": me}))]).await;
    assert!(!clinic.sees(&doctor, "Condition/mine").await);
    clinic.put(vec![privacy_consent("c", "p", "inactive", json!({}))]).await;
    // The privacy officer sees it waiting, reviews it, and the alert goes away.
    let watching = clinic.caller(&officer).await;
    let alerts = async || clinic.store.items(emergency::ALERTS, None, None, 10, NOW).await.unwrap().len();
    assert_eq!(alerts().await, 1);
    assert!(matches!(
        emergency::queue(&clinic.store, &caller, true, None, 10, NOW).await,
        Err(EmergencyError::Forbidden)
    ));
    let waiting = emergency::queue(&clinic.store, &watching, true, None, 10, NOW).await.unwrap();
    assert_eq!(
        waiting.iter().map(|it| (it.who.as_str(), it.patient.as_str())).collect::<Vec<_>>(),
        [("user/ann", "p")]
    );
    assert!(matches!(
        emergency::review(&clinic.store, &caller, "1", "fine", NOW).await,
        Err(EmergencyError::Forbidden)
    ));
    emergency::review(&clinic.store, &watching, "1", "Called the ward; justified.", NOW).await.unwrap();
    assert_eq!(emergency::queue(&clinic.store, &watching, true, None, 10, NOW).await.unwrap(), []);
    assert_eq!(emergency::queue(&clinic.store, &watching, false, None, 10, NOW).await.unwrap().len(), 1);
    assert_eq!(alerts().await, 0);
    // The patient sees it, and nobody else does.
    let own = Principal {
        patient: Some(patient()),
        patients: vec![patient()],
        ..principal("patient", "user/p", None, Purpose::PatientRequest)
    };
    let own = clinic.caller(&own).await;
    let seen = emergency::of_patient(&clinic.store, &own, &patient(), NOW).await.unwrap();
    assert_eq!(seen[0].reason, "Unconscious after a fall");
    assert!(emergency::of_patient(&clinic.store, &own, &Id::parse("q").unwrap(), NOW).await.is_err());
    assert!(emergency::of_patient(&clinic.store, &caller, &patient(), NOW).await.is_err());
    // It ends by hand.
    assert!(matches!(
        emergency::close(&clinic.store, &clinic.caller(&clinician("bob")).await, "1", NOW).await,
        Err(EmergencyError::Unknown)
    ));
    emergency::close(&clinic.store, &caller, "1", NOW).await.unwrap();
    assert!(!clinic.sees(&doctor, "Condition/mine").await);
    // Who only claims an emergency sees nothing at all.
    let claims = Principal { purpose: Purpose::Emergency, ..doctor };
    assert!(!clinic.sees(&claims, "Patient/q").await);
}
