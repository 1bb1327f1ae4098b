//! Read, version read, create, update, delete: what they answer and what they leave behind.

use crate::world::{BASE, World, observation, patient};
use api::{ApiSettings, Return};
use serde_json::{Value, json};

#[tokio::test]
async fn a_created_resource_is_read_back_equal_with_its_tag_and_address() {
    let world = World::new().await;
    let sent = json!({
        "resourceType": "Observation", "id": "ignored", "status": "final",
        "code": { "text": "weight" }, "valueQuantity": { "value": 70.10 },
    });
    // The digits of a decimal are part of what was measured.
    let text = sent.to_string().replace("70.1}", "70.10}");
    let headers = [
        ("authorization", &*format!("Bearer {}", crate::world::TOKEN)),
        ("content-type", "application/fhir+json; charset=utf-8"),
    ];
    let created = world.raw("POST", "Observation", &headers, text).await.is(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_ne!(id, "ignored");
    assert_eq!(created.header("etag"), "W/\"1\"");
    assert_eq!(created.header("location"), format!("{BASE}/Observation/{id}/_history/1"));
    assert!(created.header("last-modified").ends_with("GMT"));

    let read = world.get(&format!("Observation/{id}")).await.is(200);
    assert_eq!(read.header("content-type"), "application/fhir+json");
    assert_eq!(read.header("etag"), "W/\"1\"");
    assert!(read.text.contains("70.10"), "{}", read.text);
    assert_eq!(read.json()["code"], sent["code"]);
    assert_eq!(read.json()["meta"]["versionId"], "1");

    let head = world.send("HEAD", &format!("Observation/{id}"), &[], None).await.is(200);
    assert_eq!(head.text, "");
    assert_eq!(head.header("content-length"), read.text.len().to_string());
    assert_eq!(head.header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn every_update_is_a_version_that_can_still_be_read() {
    let world = World::new().await;
    world.patient("p1").await;
    let mut second = patient("p1");
    second["gender"] = "male".into();
    let updated = world.put("Patient/p1", &second).await.is(200);
    assert_eq!(updated.header("etag"), "W/\"2\"");
    assert_eq!(updated.json()["gender"], "male");
    assert_eq!(world.get("Patient/p1/_history/1").await.is(200).json()["gender"], "female");
    assert_eq!(world.get("Patient/p1/_history/2").await.is(200).json()["gender"], "male");
    world.get("Patient/p1/_history/3").await.refused(404, "not-found");
    world.get("Patient/p1/_history/nonsense").await.refused(404, "not-found");
    // Saying the same again writes nothing.
    let same = world.put("Patient/p1", &second).await.is(200);
    assert_eq!(same.header("etag"), "W/\"2\"");
}

#[tokio::test]
async fn a_deleted_resource_is_gone_and_can_come_back() {
    let world = World::new().await;
    world.patient("p1").await;
    world.delete("Patient/p1").await.is(204);
    let gone = world.get("Patient/p1").await.refused(410, "deleted");
    assert_eq!(gone.header("etag"), "W/\"2\"");
    world.get("Patient/p1/_history/2").await.refused(410, "deleted");
    world.get("Patient/p1/_history/1").await.is(200);
    world.delete("Patient/p1").await.is(204);
    world.delete("Patient/never").await.is(204);
    world.get("Patient/never").await.refused(404, "not-found");
    let back = world.put("Patient/p1", &patient("p1")).await.is(201);
    assert_eq!(back.header("etag"), "W/\"3\"");
}

#[tokio::test]
async fn a_write_expects_the_version_that_if_match_names() {
    let world = World::new().await;
    world.patient("p1").await;
    let mut changed = patient("p1");
    changed["active"] = true.into();
    let put = async |tag: &str, body: &Value| world.send("PUT", "Patient/p1", &[("if-match", tag)], Some(body)).await;
    put("W/\"7\"", &changed).await.refused(412, "conflict");
    put("W/\"one\"", &changed).await.refused(412, "conflict");
    put("W/\"1\"", &changed).await.is(200);
    put("W/\"1\"", &patient("p1")).await.refused(412, "conflict");
    world.send("DELETE", "Patient/p1", &[("if-match", "W/\"1\"")], None).await.refused(412, "conflict");
    world.send("DELETE", "Patient/p1", &[("if-match", "W/\"2\"")], None).await.is(204);
    // Only if there is none yet.
    let fresh = [("if-none-match", "*")];
    world.send("PUT", "Patient/p3", &fresh, Some(&patient("p3"))).await.is(201);
    world.send("PUT", "Patient/p3", &fresh, Some(&patient("p3"))).await.refused(412, "conflict");
    // Nothing is there to have a version.
    world.send("PUT", "Patient/p2", &[("if-match", "W/\"1\"")], Some(&patient("p2"))).await.refused(412, "conflict");
}

#[tokio::test]
async fn a_reader_who_has_the_version_is_not_sent_it_again() {
    let world = World::new().await;
    let created = world.patient("p1").await;
    let modified = created.header("last-modified").to_owned();
    let get = async |name: &str, value: &str| world.send("GET", "Patient/p1", &[(name, value)], None).await;
    let same = get("if-none-match", "W/\"1\"").await.is(304);
    assert_eq!((same.text.as_str(), same.header("etag")), ("", "W/\"1\""));
    get("if-none-match", "W/\"2\", W/\"1\"").await.is(304);
    get("if-none-match", "W/\"2\"").await.is(200);
    get("if-modified-since", &modified).await.is(304);
    get("if-modified-since", "Sun, 01 Jan 2006 00:00:00 GMT").await.is(200);
    get("if-modified-since", "not a date").await.is(200);
}

#[tokio::test]
async fn prefer_decides_what_a_write_answers() {
    let world = World::new().await;
    let post = async |prefer: &str| world.send("POST", "Patient", &[("prefer", prefer)], Some(&patient("x"))).await;
    assert_eq!(post("return=minimal").await.is(201).text, "");
    assert_eq!(post("return=representation").await.is(201).json()["resourceType"], "Patient");
    let outcome = post("return=OperationOutcome").await.is(201).json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert_eq!(outcome["issue"][0]["severity"], "information");
    post("return=all").await.refused(400, "invalid");

    let quiet = World::with(ApiSettings { default_return: Return::Minimal, ..ApiSettings::default() }).await;
    assert_eq!(quiet.post("Patient", &patient("x")).await.is(201).text, "");
}

#[tokio::test]
async fn a_wrong_body_is_refused_with_everything_that_is_wrong_in_it() {
    let world = World::new().await;
    let wrong = json!({
        "resourceType": "Patient", "gender": "unknown-code", "birthDate": "1970-13-01", "surname": "x",
    });
    let refused = world.post("Patient", &wrong).await.is(422).json();
    let expressions: Vec<&str> =
        refused["issue"].as_array().unwrap().iter().filter_map(|it| it["expression"][0].as_str()).collect();
    for element in ["Patient.gender", "Patient.birthDate"] {
        assert!(expressions.contains(&element), "{element} is missing in {expressions:?}");
    }
    assert!(refused["issue"].as_array().unwrap().len() >= 3, "{refused}");

    let bearer = format!("Bearer {}", crate::world::TOKEN);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
    world.raw("POST", "Patient", &headers, "{ not json").await.refused(400, "structure");
    world.raw("POST", "Patient", &headers, "").await.refused(400, "invalid");
    world.post("Patient", &json!({ "a": 1 })).await.refused(400, "structure");
    world.post("Patient", &observation("Patient/1", "2020-01-01", 1.0)).await.refused(400, "invalid");
    world.put("Patient/p1", &patient("p2")).await.refused(400, "invalid");
    let mut nameless = patient("p1");
    nameless.as_object_mut().unwrap().remove("id");
    world.put("Patient/p1", &nameless).await.refused(400, "invalid");
    assert_eq!(world.count("Patient").await, 0);
}

#[tokio::test]
async fn whether_an_update_may_create_is_a_setting() {
    let world = World::with(ApiSettings { update_as_create: false, ..ApiSettings::default() }).await;
    let refused = world.put("Patient/p1", &patient("p1")).await.refused(405, "not-supported");
    assert!(!refused.header("allow").is_empty());
    let created = world.post("Patient", &patient("p1")).await.is(201).json();
    let id = created["id"].as_str().unwrap();
    let mut changed = patient(id);
    changed["gender"] = "other".into();
    world.put(&format!("Patient/{id}"), &changed).await.is(200);
}

#[tokio::test]
async fn a_part_of_a_resource_is_marked_as_a_part() {
    let world = World::new().await;
    world.patient("p1").await;
    let part = world.get("Patient/p1?_elements=name").await.is(200).json();
    assert!(part.get("name").is_some() && part.get("gender").is_none(), "{part}");
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    assert!(world.get("Patient/p1?_summary=true").await.is(200).json().get("birthDate").is_some());
    world.get("Patient/p1?_summary=count").await.refused(400, "invalid");
    world.get("Patient/p1?nonsense=1").await.refused(400, "not-supported");
}
