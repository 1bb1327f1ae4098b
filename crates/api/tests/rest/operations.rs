//! `$everything`, `$summary`, `$docref`, `$import-document`, `$lastn`, `$validate`, `$meta`.

use crate::world::{World, observation, patient};
use serde_json::{Value, json};

async fn ward() -> World {
    let world = World::new().await;
    world.patient("p1").await;
    world.patient("p2").await;
    let practitioner = json!({ "resourceType": "Practitioner", "id": "d1", "name": [{ "family": "Okafor" }] });
    world.put("Practitioner/d1", &practitioner).await.is(201);
    for (id, patient, day) in [("o1", "p1", "2020-01-01"), ("o2", "p1", "2021-01-01"), ("o3", "p2", "2021-01-01")] {
        let mut one = observation(&format!("Patient/{patient}"), day, 70.0);
        one["id"] = id.into();
        one["performer"] = json!([{ "reference": "Practitioner/d1" }]);
        world.put(&format!("Observation/{id}"), &one).await.is(201);
    }
    world
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

#[tokio::test]
async fn everything_of_a_patient_is_their_record_and_what_it_refers_to() {
    let world = ward().await;
    let all = world.get("Patient/p1/$everything").await.is(200);
    assert_eq!(sorted(all.keys()), ["Observation/o1", "Observation/o2", "Patient/p1", "Practitioner/d1"]);
    assert_eq!(all.json()["type"], "searchset");
    let cut = world.get("Patient/p1/$everything?start=2020-06-01").await.is(200).keys();
    assert!(cut.contains(&"Observation/o2".into()) && !cut.contains(&"Observation/o1".into()), "{cut:?}");
    let cut = world.get("Patient/p1/$everything?end=2020-06-01").await.is(200).keys();
    assert!(cut.contains(&"Observation/o1".into()) && !cut.contains(&"Observation/o2".into()), "{cut:?}");
    let typed = world.get("Patient/p1/$everything?_type=Observation").await.is(200).keys();
    assert!(typed.contains(&"Observation/o1".into()) && !typed.contains(&"Practitioner/d1".into()), "{typed:?}");
    let body = json!({ "resourceType": "Parameters", "parameter": [{ "name": "start", "valueDate": "2020-06-01" }] });
    let posted = world.post("Patient/p1/$everything", &body).await.is(200).keys();
    assert!(!posted.contains(&"Observation/o1".into()));
    world.get("Patient/none/$everything").await.refused(404, "not-found");
    world.get("Patient/p1/$everything?start=soon").await.refused(400, "invalid");
    world.get("Patient/p1/$everything?nonsense=1").await.refused(400, "not-supported");
    world.get("Observation/o1/$everything").await.refused(404, "not-supported");
}

#[tokio::test]
async fn everything_is_paged_without_loss() {
    let world = ward().await;
    let (mut seen, mut next, mut pages) = (Vec::new(), Some("Patient/p1/$everything?_count=1".to_owned()), 0);
    while let Some(address) = next {
        let page = world.get(&address).await.is(200);
        seen.extend(page.keys());
        next = page.link("next");
        pages += 1;
        assert!(pages < 20, "the pages never end");
    }
    let mut seen = sorted(seen);
    seen.dedup();
    assert_eq!(seen, ["Observation/o1", "Observation/o2", "Patient/p1", "Practitioner/d1"]);
}

#[tokio::test]
async fn the_last_observations_of_each_code() {
    let world = ward().await;
    let ask = async |rest: &str| world.get(&format!("Observation/$lastn?{rest}")).await;
    assert_eq!(ask("patient=Patient/p1&category=vital-signs").await.is(200).keys(), ["Observation/o2"]);
    assert_eq!(ask("patient=p1&code=29463-7&max=2").await.is(200).keys(), ["Observation/o2", "Observation/o1"]);
    ask("patient=p1").await.refused(400, "invalid");
    ask("category=vital-signs").await.refused(400, "invalid");
    ask("patient=p1&category=vital-signs&max=none").await.refused(400, "invalid");
    world.get("Patient/$lastn?patient=p1&code=x").await.refused(404, "not-supported");
}

#[tokio::test]
async fn validation_says_what_a_write_would_say_and_writes_nothing() {
    let world = ward().await;
    let errors = |outcome: &Value| {
        outcome["issue"].as_array().unwrap().iter().filter(|issue| issue["severity"] == "error").count()
    };
    let good = world.post("Patient/$validate", &patient("x")).await.is(200).json();
    assert_eq!((good["resourceType"].as_str(), errors(&good)), (Some("OperationOutcome"), 0));
    let wrong = json!({ "resourceType": "Patient", "gender": "no-such-code" });
    let bad = world.post("Patient/$validate", &wrong).await.is(200).json();
    assert_eq!(errors(&bad), 1);
    assert_eq!(bad["issue"][0]["expression"][0], "Patient.gender");
    let asked = |extra: Value| json!({ "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": patient("p1") }, extra] });
    let mode = |mode: &str| asked(json!({ "name": "mode", "valueCode": mode }));
    world.post("Patient/p1/$validate", &mode("update")).await.is(200);
    world.post("Patient/p1/$validate", &mode("delete")).await.is(200);
    world.post("Patient/none/$validate", &mode("delete")).await.refused(404, "not-found");
    world.post("Patient/p2/$validate", &mode("update")).await.refused(400, "invalid");
    world.post("Patient/$validate", &mode("profile")).await.refused(400, "not-supported");
    let profile = asked(json!({ "name": "profile", "valueUri": "http://hl7.org/fhir/us/core" }));
    world.post("Patient/$validate", &profile).await.refused(400, "not-supported");
    world.get("Patient/p1/$validate").await.is(200);
    assert_eq!(world.count("Patient").await, 2);
}

#[tokio::test]
async fn labels_are_shown_added_and_taken_away() {
    let world = ward().await;
    let tag = json!({ "system": "http://clinic.example/tags", "code": "research" });
    let meta = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "meta", "valueMeta": { "tag": [tag], "profile": ["http://clinic.example/profile"] } },
    ] });
    let added = world.post("Patient/p1/$meta-add", &meta).await.is(200).json();
    assert_eq!(added["parameter"][0]["valueMeta"]["tag"][0]["code"], "research");
    assert_eq!(world.get("Patient?_tag=http://clinic.example/tags|research").await.keys(), ["Patient/p1"]);
    world.post("Patient/p1/$meta-add", &meta).await.is(200);
    let shown = world.get("Patient/p1/$meta").await.is(200).json();
    assert_eq!(shown["parameter"][0]["valueMeta"]["tag"].as_array().unwrap().len(), 1);
    let removed = world.post("Patient/p1/$meta-delete", &meta).await.is(200).json();
    assert!(removed["parameter"][0]["valueMeta"].get("tag").is_none(), "{removed}");
    assert_eq!(world.get("Patient/p1").await.is(200).json()["name"][0]["given"][0], "Ana");
    let refused = world.get("Patient/p1/$meta-add").await.refused(405, "not-supported");
    assert_eq!(refused.header("allow"), "POST");
    world.post("Patient/p1/$meta-add", &json!({ "resourceType": "Parameters" })).await.refused(400, "invalid");
}

#[tokio::test]
async fn a_summary_is_a_document_that_can_be_taken_in_elsewhere_and_once() {
    let world = ward().await;
    let problem = json!({ "resourceType": "Condition", "id": "c1", "subject": { "reference": "Patient/p1" },
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
        "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10" }], "text": "Hypertension" } });
    world.put("Condition/c1", &problem).await.is(201);
    let summary = world.get("Patient/p1/$summary").await.is(200).json();
    assert_eq!(
        (summary["type"].as_str(), summary["entry"][0]["resource"]["resourceType"].as_str()),
        (Some("document"), Some("Composition"))
    );
    let sections = summary["entry"][0]["resource"]["section"].as_array().unwrap().clone();
    assert!(
        sections.iter().any(|it| it["code"]["coding"][0]["code"] == "48765-2"),
        "allergies are told, also when none are known"
    );
    world.get("Patient/none/$summary").await.refused(404, "not-found");
    let elsewhere = World::new().await;
    let taken = elsewhere.post("Patient/$import-document", &summary).await.is(200).json();
    assert!(taken["issue"][0]["diagnostics"].as_str().unwrap().contains("written"), "{taken}");
    let again = elsewhere.post("Patient/$import-document", &summary).await.is(200).json();
    assert!(again["issue"][0]["diagnostics"].as_str().unwrap().ends_with("nothing new"), "{again}");
    let found = elsewhere.get("Condition?code=I10").await.is(200).json();
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["entry"][0]["resource"]["meta"]["tag"][0]["code"], "document");
    let whose = found["entry"][0]["resource"]["subject"]["reference"].as_str().unwrap().to_owned();
    let kept = elsewhere
        .get(&format!("DocumentReference/$docref?patient={}", &whose["Patient/".len()..]))
        .await
        .is(200)
        .keys();
    assert_eq!(kept.len(), 1);
    world.get("DocumentReference/$docref").await.refused(400, "invalid");
}
