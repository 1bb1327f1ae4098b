//! JSON Patch and FHIRPath Patch.

use crate::world::World;
use serde_json::{Value, json};

const JSON_PATCH: [(&str, &str); 1] = [("content-type", "application/json-patch+json")];

#[tokio::test]
async fn a_json_patch_makes_a_checked_version() {
    let world = World::new().await;
    world.patient("p1").await;
    let patch = async |change: Value| world.send("PATCH", "Patient/p1", &JSON_PATCH, Some(&change)).await;
    let patched = patch(json!([
        { "op": "test", "path": "/gender", "value": "female" },
        { "op": "add", "path": "/name/0/given/-", "value": "Maria" },
        { "op": "remove", "path": "/birthDate" },
    ]))
    .await
    .is(200);
    assert_eq!(patched.header("etag"), "W/\"2\"");
    assert_eq!(patched.json()["name"][0]["given"], json!(["Ana", "Maria"]));
    assert!(patched.json().get("birthDate").is_none());

    patch(json!([{ "op": "test", "path": "/gender", "value": "male" }])).await.is(422);
    patch(json!([{ "op": "remove", "path": "/nothing" }])).await.is(422);
    patch(json!([{ "op": "replace", "path": "/gender", "value": "no-such-code" }])).await.is(422);
    patch(json!([{ "op": "replace", "path": "/id", "value": "p2" }])).await.is(422);
    patch(json!([{ "op": "replace", "path": "/resourceType", "value": "Person" }])).await.is(422);
    assert_eq!(world.get("Patient/p1").await.header("etag"), "W/\"2\"");
}

#[tokio::test]
async fn a_fhirpath_patch_makes_a_checked_version() {
    let world = World::new().await;
    world.patient("p1").await;
    let change = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" },
        { "name": "path", "valueString": "Patient.birthDate" },
        { "name": "value", "valueDate": "1970-05-10" },
    ] }] });
    let patched = world.send("PATCH", "Patient/p1", &[], Some(&change)).await.is(200);
    assert_eq!(patched.json()["birthDate"], "1970-05-10");
    world.send("PATCH", "Patient/p1", &[], Some(&json!({ "resourceType": "Patient" }))).await.refused(400, "invalid");
}

#[tokio::test]
async fn a_patch_respects_if_match_and_needs_something_to_change() {
    let world = World::new().await;
    world.patient("p1").await;
    let change = json!([{ "op": "replace", "path": "/gender", "value": "other" }]);
    let patch = async |id: &str, tag: &str| {
        let headers = [JSON_PATCH[0], ("if-match", tag)];
        world.send("PATCH", &format!("Patient/{id}"), &headers, Some(&change)).await
    };
    patch("p1", "W/\"9\"").await.refused(412, "conflict");
    patch("p1", "W/\"1\"").await.is(200);
    world.send("PATCH", "Patient/none", &JSON_PATCH, Some(&change)).await.refused(404, "not-found");
    world.delete("Patient/p1").await.is(204);
    world.send("PATCH", "Patient/p1", &JSON_PATCH, Some(&change)).await.refused(410, "deleted");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.send("PATCH", "Patient/p1", &form, Some(&change)).await.refused(415, "not-supported");
}

#[tokio::test]
async fn simultaneous_patches_all_happen() {
    let world = World::new().await;
    world.patient("p1").await;
    let changes: Vec<Value> =
        (0..4).map(|at| json!([{ "op": "add", "path": "/name/0/given/-", "value": format!("Given{at}") }])).collect();
    let all = changes.iter().map(|change| world.send("PATCH", "Patient/p1", &JSON_PATCH, Some(change)));
    for got in futures::future::join_all(all).await {
        got.is(200);
    }
    let read = world.get("Patient/p1").await.is(200);
    assert_eq!(read.json()["name"][0]["given"].as_array().unwrap().len(), 5);
    assert_eq!(read.header("etag"), "W/\"5\"");
}
