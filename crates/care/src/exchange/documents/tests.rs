//! Documents come in once, later versions update, and what goes out can come in again.

use super::*;
use crate::demo::{Org, Population};
use crate::exchange::origin;
use crate::ward::{NOON, Ward};
use formats::ccda::write::{Author, Kind, Making, write};
use serde_json::json;

/// A document of somebody else about Ada, who has one problem and one allergy.
fn document(version: u32, written: &str, problem: &str) -> Vec<u8> {
    let ada = json!({ "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1986-02-03",
        "identifier": [{ "system": "urn:oid:1.2.3.4", "value": "77" }], "name": [{ "family": "Byron", "given": ["Ada"] }] });
    let of = json!({ "reference": "Patient/p" });
    let all = vec![
        ada.clone(),
        json!({ "resourceType": "Condition", "id": "c", "subject": of, "recordedDate": "2026-01-05",
            "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": problem }] },
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item" }] }],
            "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10", "display": "Hypertension" }], "text": "High blood pressure" } }),
        json!({ "resourceType": "AllergyIntolerance", "id": "a", "patient": of, "type": "allergy", "category": ["medication"],
            "code": { "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7980", "display": "Penicillin" }] } }),
    ];
    let lakeside = json!({ "resourceType": "Organization", "id": "lakeside", "name": "Lakeside General Hospital",
        "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1999000205" }] });
    write(&Making {
        kind: Kind::ContinuityOfCare,
        patient: &ada,
        resources: &all,
        base: "https://lakeside.example/fhir",
        author: Author::Program { maker: "Elsewhere", name: "Elsewhere" },
        custodian: &lakeside,
        written,
        id: &format!("0f6f6b1a-1111-8000-8000-00000000000{version}"),
        set: "0f6f6b1a-2222-8000-8000-000000000001",
        version,
        encounter: None,
        recipient: None,
        reason: None,
        assessment: None,
        instructions: None,
    })
}

fn key(kind: &str, id: &Id) -> Key {
    Key::parse(&format!("{kind}/{id}")).unwrap()
}

#[tokio::test]
async fn a_document_is_kept_as_it_came_and_what_it_tells_stands_apart() {
    let ward = Ward::open().await;
    let bytes = document(1, "2026-06-01T08:00:00Z", "active");
    let taken = take(&ward.organisation, &ward.clinician.caller, &bytes, Some(&ward.patient), NOON).await.unwrap();
    assert!(taken.is_new());
    assert_eq!(taken.patient.as_ref(), Some(&ward.patient));
    let (kind, kept) = ward.pen().chart(&ward.patient).content(&taken.document, 0).await.unwrap().unwrap();
    assert_eq!((kind.as_str(), kept.as_slice()), ("text/xml", bytes.as_slice()), "byte for byte");
    let problems = ward.find("Condition", &[("patient", "ada")]).await;
    assert_eq!(problems.len(), 1);
    assert!(origin::is_unreconciled(&problems[0]), "{}", problems[0]);
    let from = origin::of(&problems[0]).unwrap();
    assert_eq!((from.way, from.name.as_str()), (Way::Document, "Lakeside General Hospital"));
    assert_eq!(problems[0]["code"]["text"], "High blood pressure");
    assert_eq!(ward.find("AllergyIntolerance", &[("patient", "ada")]).await.len(), 1);
    let ada = ward.read(&key("Patient", &ward.patient)).await;
    assert_eq!(ada["meta"]["versionId"], "1", "whose chart it is, is not written over by a document");
    let told = super::told(&ward.organisation, &ward.clinician.caller, &ward.patient, &taken.document).await.unwrap();
    let told: Vec<(&str, &str, bool)> = told.iter().map(|it| (it.kind, it.name.as_str(), it.waits)).collect();
    assert_eq!(told, [("Condition", "High blood pressure", true), ("AllergyIntolerance", "Penicillin", true)]);
    let proof = ward.find("Provenance", &[]).await;
    let document = format!("DocumentReference/{}", taken.document);
    assert!(proof.iter().any(|it| it["entity"][0]["what"]["reference"] == document.as_str()), "{proof:?}");
}

#[tokio::test]
async fn the_same_document_twice_adds_nothing_and_a_later_version_updates() {
    let ward = Ward::open().await;
    let caller = &ward.clinician.caller;
    let first = document(1, "2026-06-01T08:00:00Z", "active");
    let one = take(&ward.organisation, caller, &first, Some(&ward.patient), NOON).await.unwrap();
    let again = take(&ward.organisation, caller, &first, Some(&ward.patient), NOON + 1_000_000).await.unwrap();
    assert_eq!(again.document, one.document);
    assert!(!again.is_new(), "{:?}", again.received.keys);
    let second = document(2, "2026-06-10T08:00:00Z", "resolved");
    let two = take(&ward.organisation, caller, &second, Some(&ward.patient), NOON + 2_000_000).await.unwrap();
    assert_ne!(two.document, one.document);
    let problems = ward.find("Condition", &[("patient", "ada")]).await;
    assert_eq!(problems.len(), 1, "the same problem, not a second one");
    assert_eq!(problems[0]["clinicalStatus"]["coding"][0]["code"], "resolved");
    assert_eq!(problems[0]["meta"]["versionId"], "2", "what was told before is in the history");
    let status = async |id: &Id| ward.read(&key("DocumentReference", id)).await["status"].as_str().unwrap().to_owned();
    assert_eq!((status(&one.document).await.as_str(), status(&two.document).await.as_str()), ("superseded", "current"));
    // The first one, sent once more and late, takes nothing back.
    let late = take(&ward.organisation, caller, &first, Some(&ward.patient), NOON + 3_000_000).await.unwrap();
    assert_eq!(status(&late.document).await, "superseded");
    let problems = ward.find("Condition", &[("patient", "ada")]).await;
    assert_eq!(problems[0]["clinicalStatus"]["coding"][0]["code"], "resolved");
}

#[tokio::test]
async fn a_document_about_somebody_else_is_not_taken_into_a_chart() {
    let ward = Ward::open().await;
    let ben = Id::parse("ben").unwrap();
    let bytes = document(1, "2026-06-01T08:00:00Z", "active");
    let refused = take(&ward.organisation, &ward.clinician.caller, &bytes, Some(&ben), NOON).await;
    assert!(matches!(refused, Err(TakeError::AnotherPatient)), "{refused:?}");
    assert_eq!(ward.find("Condition", &[("patient", "ben")]).await.len(), 0);
    for wrong in [&b"<html/>"[..], b"{}", b"", b"{\"resourceType\":\"Bundle\",\"type\":\"document\"}"] {
        let refused = take(&ward.organisation, &ward.clinician.caller, wrong, Some(&ben), NOON).await;
        assert!(matches!(refused, Err(TakeError::Unreadable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_summary_of_this_record_can_be_read_by_another() {
    let ward = Ward::open().await;
    let population = Population::new(42, 12, jiff::civil::date(2026, 6, 1));
    ward.put(population.organisation(Org::Riverside)).await;
    let person = population.people(Org::Riverside).max_by_key(|it| it.resources.len()).unwrap();
    ward.put(person.resources.clone()).await;
    let id = Id::parse(&person.patient_id).unwrap();
    let all = Caller::system("test");
    let bundle = summary(&ward.organisation, &all, &id, NOON).await.unwrap();
    let issues = fhir::validate::validate(&bundle);
    assert!(!issues.iter().any(fhir::Issue::is_error), "{issues:?}");
    let codes: Vec<&str> = bundle["entry"][0]["resource"]["section"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"]["coding"][0]["code"].as_str().unwrap())
        .collect();
    for must in ["10160-0", "48765-2", "11450-4"] {
        assert!(codes.contains(&must), "{codes:?}");
    }
    // Every reference of the Composition leads to an entry.
    let urls: Vec<&str> =
        bundle["entry"].as_array().unwrap().iter().map(|it| it["fullUrl"].as_str().unwrap()).collect();
    for section in bundle["entry"][0]["resource"]["section"].as_array().unwrap() {
        for entry in section["entry"].as_array().unwrap() {
            assert!(urls.contains(&entry["reference"].as_str().unwrap()), "{entry}");
        }
        assert!(section["text"]["div"].as_str().unwrap().len() > 60);
    }
    let other = Ward::open().await;
    let bytes = bundle.to_string().into_bytes();
    let taken = take(&other.organisation, &all, &bytes, None, NOON).await.unwrap();
    let patient = taken.patient.clone().unwrap();
    let mut mine = ward.find("AllergyIntolerance", &[("patient", id.as_str())]).await;
    // What others told and nobody decided about is no part of a summary.
    mine.retain(|it| !origin::is_unreconciled(it));
    let theirs =
        ask::every(&other.organisation.store, &all, "AllergyIntolerance", &[("patient", patient.to_string())], 50)
            .await
            .unwrap();
    assert_eq!(theirs.len(), mine.len().max(1));
    assert!(theirs.iter().all(origin::is_unreconciled));
    let again = take(&other.organisation, &all, &bytes, None, NOON + 1).await.unwrap();
    assert!(!again.is_new(), "{:?}", again.received.keys);
    // The next summary of the same record speaks of the same things.
    let next = summary(&ward.organisation, &all, &id, NOON + 60_000_000).await.unwrap();
    take(&other.organisation, &all, &next.to_string().into_bytes(), None, NOON + 60_000_000).await.unwrap();
    let theirs =
        ask::every(&other.organisation.store, &all, "AllergyIntolerance", &[("patient", patient.to_string())], 50)
            .await
            .unwrap();
    assert_eq!(theirs.len(), mine.len().max(1));
}

#[tokio::test]
async fn what_is_made_here_is_a_document_of_the_patient_and_reads_back() {
    let ward = Ward::open().await;
    ward.put(vec![json!({ "resourceType": "Condition", "id": "own", "subject": { "reference": "Patient/ada" },
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
        "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9" }], "text": "Diabetes" } })]).await;
    let taken = document(1, "2026-06-01T08:00:00Z", "active");
    take(&ward.organisation, &ward.clinician.caller, &taken, Some(&ward.patient), NOON).await.unwrap();
    let asked = Made {
        kind: Kind::ReferralNote,
        recipient: Some("Dr. Ng"),
        reason: Some("Eyes"),
        instructions: None,
        once: "1",
    };
    let id = make(&ward.pen(), &ward.patient, &asked).await.unwrap();
    assert_eq!(make(&ward.pen(), &ward.patient, &asked).await.unwrap(), id, "a second click makes no second document");
    let (_, bytes) = ward.pen().chart(&ward.patient).content(&id, 0).await.unwrap().unwrap();
    let read = formats::ccda::read(&bytes).unwrap();
    let told: Vec<&str> = read
        .read
        .resources
        .iter()
        .filter(|(_, it)| it["resourceType"] == "Condition")
        .map(|(_, it)| it["code"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["Diabetes"], "what others told and nobody has decided about is not told as ours");
}
