//! Treating relationships as they come and go, as the next request sees them.

use crate::clinic::{Clinic, NOW, clinician};
use serde_json::json;

const DAY: i64 = 86_400_000_000;

#[tokio::test]
async fn who_begins_or_ceases_to_treat_sees_it_at_once() {
    let clinic = Clinic::open("ties").await;
    let hiv = json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]});
    let patient = |gp: &str| json!({"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": gp}]});
    clinic
        .put(vec![
            patient("Practitioner/nobody"),
            json!({"resourceType": "Patient", "id": "q"}),
            json!({"resourceType": "Condition", "id": "p", "meta": hiv, "subject": {"reference": "Patient/p"}}),
            // About two patients: both must be theirs.
            json!({"resourceType": "Observation", "id": "both", "meta": hiv, "subject": {"reference": "Patient/p"},
                "performer": [{"reference": "Patient/q"}]}),
            // Of no patient: nobody of the staff treats it.
            json!({"resourceType": "Location", "id": "ward", "meta": hiv}),
        ])
        .await;
    let ann = clinician("ann");
    assert!(!clinic.sees(&ann, "Condition/p").await);
    assert!(!clinic.sees(&ann, "Location/ward").await);
    clinic.put(vec![patient("Practitioner/ann")]).await;
    assert!(clinic.sees(&ann, "Condition/p").await);
    assert!(!clinic.sees(&ann, "Observation/both").await);
    clinic.put(vec![patient("Practitioner/nobody")]).await;
    assert!(!clinic.sees(&ann, "Condition/p").await);
    // By the role of the practitioner, which is told afterwards.
    clinic.put(vec![patient("PractitionerRole/r")]).await;
    assert!(!clinic.sees(&ann, "Condition/p").await);
    clinic
        .put(vec![
            json!({"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/ann"}}),
        ])
        .await;
    assert!(clinic.sees(&ann, "Condition/p").await);
    clinic.put(vec![patient("Practitioner/nobody")]).await;
    // By an appointment, until a month after it.
    let appointment = |status: &str| {
        json!({"resourceType": "Appointment", "id": "a", "status": status, "start": "2027-01-20T09:00:00Z", "end": "2027-01-20T09:30:00Z",
            "participant": [{"actor": {"reference": "Practitioner/ann"}, "status": "accepted"}, {"actor": {"reference": "Patient/p"}, "status": "accepted"}]})
    };
    clinic.put(vec![appointment("booked")]).await;
    assert!(clinic.sees(&ann, "Condition/p").await);
    assert!(!clinic.sees_at(&ann, "Condition/p", NOW + 60 * DAY).await);
    assert!(clinic.sees(&ann, "Condition/p").await);
    clinic.put(vec![appointment("cancelled")]).await;
    assert!(!clinic.sees(&ann, "Condition/p").await);
    // By a visit; and read anew, all the same.
    let visit = |who: &str| {
        json!({"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "Patient/p"},
            "period": {"start": "2026-06-01", "end": "2026-06-02"}, "participant": [{"individual": {"reference": who}}]})
    };
    clinic.put(vec![visit("Practitioner/ann")]).await;
    assert!(clinic.sees(&ann, "Condition/p").await);
    let anew = care::access::Policies::default();
    let caller = anew.caller(&clinic.store, &ann, NOW).await.unwrap();
    assert!(clinic.store.read(&caller, &fhir::Key::parse("Condition/p").unwrap()).await.is_ok());
    clinic.put(vec![visit("Practitioner/bob")]).await;
    assert!(!clinic.sees(&ann, "Condition/p").await);
}
