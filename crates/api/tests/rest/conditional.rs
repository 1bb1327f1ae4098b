//! Create, update, patch and delete of what a search finds.

use crate::world::{BASE, World, patient};
use api::ApiSettings;
use serde_json::json;

const MRN: &str = "identifier=http://clinic.example/mrn|";

#[tokio::test]
async fn a_conditional_create_makes_one_resource_and_then_finds_it() {
    let world = World::new().await;
    let create = async || {
        let header = format!("{MRN}a1");
        world.send("POST", "Patient", &[("if-none-exist", header.as_str())], Some(&patient("a1"))).await
    };
    let first = create().await.is(201);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let second = create().await.is(200);
    assert_eq!(second.json()["id"], id.as_str());
    assert_eq!(second.header("etag"), "W/\"1\"");
    assert_eq!(world.count("Patient").await, 1);
    // Two that fit: the server cannot choose.
    world.post("Patient", &patient("a1")).await.is(201);
    create().await.refused(412, "multiple-matches");
}

#[tokio::test]
async fn simultaneous_conditional_creates_make_one_resource() {
    let world = World::new().await;
    let header = format!("{MRN}a1");
    let body = patient("a1");
    let headers = [("if-none-exist", header.as_str())];
    let all = (0..12).map(|_| world.send("POST", "Patient", &headers, Some(&body)));
    let statuses: Vec<u16> = futures::future::join_all(all).await.iter().map(|got| got.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 201].contains(status)), "{statuses:?}");
    assert_eq!(world.count("Patient").await, 1);
}

#[tokio::test]
async fn a_condition_that_selects_everything_or_is_not_understood_is_refused() {
    let world = World::new().await;
    let create = async |condition: &str| {
        world.send("POST", "Patient", &[("if-none-exist", condition)], Some(&patient("a1"))).await
    };
    create("").await.refused(412, "multiple-matches");
    create("_count=1").await.refused(412, "multiple-matches");
    create("nonsense=1").await.is(400);
    world.delete("Patient").await.refused(412, "multiple-matches");
    world.put("Patient?nonsense=1", &patient("a1")).await.is(400);
    assert_eq!(world.count("Patient").await, 0);
}

#[tokio::test]
async fn a_conditional_update_creates_updates_or_refuses() {
    let world = World::new().await;
    let mut body = patient("a1");
    body.as_object_mut().unwrap().remove("id");
    let address = format!("Patient?{MRN}a1");
    let created = world.put(&address, &body).await.is(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert!(created.header("location").starts_with(&format!("{BASE}/Patient/{id}/")));
    body["active"] = true.into();
    let updated = world.put(&address, &body).await.is(200);
    assert_eq!((updated.json()["id"].as_str().unwrap(), updated.header("etag")), (id.as_str(), "W/\"2\""));
    // With the id it found, with another one, and with one that is new.
    body["id"] = id.clone().into();
    world.put(&address, &body).await.is(200);
    body["id"] = "other".into();
    world.put(&address, &body).await.refused(400, "invalid");
    let mut new = patient("a2");
    new["id"] = "chosen".into();
    assert_eq!(world.put(&format!("Patient?{MRN}a2"), &new).await.is(201).json()["id"], "chosen");
    // The id belongs to somebody whom the condition does not find.
    let mut taken = patient("a3");
    taken["id"] = "chosen".into();
    world.put(&format!("Patient?{MRN}a3"), &taken).await.refused(409, "conflict");
    world.put("Patient?gender=female", &body).await.refused(412, "multiple-matches");
    world.send("PUT", &address, &[("if-match", "W/\"1\"")], Some(&patient(&id))).await.refused(412, "conflict");
}

#[tokio::test]
async fn a_conditional_delete_deletes_one_unless_more_are_allowed() {
    let world = World::new().await;
    for id in ["a1", "a2", "a3"] {
        world.patient(id).await;
    }
    world.delete("Patient?gender=female").await.refused(412, "multiple-matches");
    world.delete(&format!("Patient?{MRN}a1")).await.is(204);
    world.get("Patient/a1").await.is(410);
    world.delete(&format!("Patient?{MRN}a1")).await.is(204);
    assert_eq!(world.count("Patient").await, 2);

    let many = World::with(ApiSettings { delete_many: Some(2), ..ApiSettings::default() }).await;
    for id in ["a1", "a2", "a3"] {
        many.patient(id).await;
    }
    many.delete("Patient?gender=female").await.refused(412, "too-costly");
    many.delete(&format!("Patient?{MRN}a1")).await.is(204);
    many.delete("Patient?gender=female").await.is(204);
    assert_eq!(many.count("Patient").await, 0);
}

#[tokio::test]
async fn a_conditional_patch_changes_what_it_finds() {
    let world = World::new().await;
    world.patient("a1").await;
    world.patient("a2").await;
    let change = json!([{ "op": "replace", "path": "/gender", "value": "other" }]);
    let headers = [("content-type", "application/json-patch+json")];
    let patch = async |query: &str| world.send("PATCH", &format!("Patient?{query}"), &headers, Some(&change)).await;
    assert_eq!(patch(&format!("{MRN}a1")).await.is(200).json()["gender"], "other");
    patch(&format!("{MRN}none")).await.refused(404, "not-found");
    patch("name=Family").await.refused(412, "multiple-matches");
}
