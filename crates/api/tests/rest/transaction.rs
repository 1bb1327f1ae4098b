//! Transactions as the specification says: all or nothing, in order, references resolved.

use crate::world::{BASE, World, observation, patient};
use serde_json::{Value, json};

fn transaction(entries: Vec<Value>) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

fn entry(method: &str, url: &str, resource: Value) -> Value {
    json!({ "resource": resource, "request": { "method": method, "url": url } })
}

fn named(name: &str, mut entry: Value) -> Value {
    entry["fullUrl"] = name.into();
    entry
}

fn read(method: &str, url: &str) -> Value {
    json!({ "request": { "method": method, "url": url } })
}

fn with(mut entry: Value, member: &str, value: &str) -> Value {
    entry["request"][member] = value.into();
    entry
}

/// Statuses and locations of the answer's entries, the ids the server gave left out.
fn statuses(answer: &Value) -> Vec<String> {
    let text = |entry: &Value| entry["response"]["status"].as_str().unwrap().to_owned();
    answer["entry"].as_array().unwrap().iter().map(text).collect()
}

/// `Patient/new-1` of the entry at this place.
fn key(answer: &Value, at: usize) -> String {
    let location = answer["entry"][at]["response"]["location"].as_str().unwrap();
    location.split_once("/_history/").unwrap().0.to_owned()
}

/// How many versions there are of anything.
async fn versions(world: &World) -> usize {
    world.get("_history").await.is(200).json()["entry"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn references_between_entries_are_resolved_even_in_circles() {
    let world = World::new().await;
    let (a, b) = ("urn:uuid:0198a5f0-0000-7000-8000-000000000001", "urn:uuid:0198a5f0-0000-7000-8000-000000000002");
    let mut first = patient("x");
    first["link"] = json!([{ "other": { "reference": b }, "type": "seealso" }]);
    let mut second = patient("y");
    second["link"] = json!([{ "other": { "reference": a }, "type": "seealso" }]);
    second["extension"] = json!([{ "url": "http://clinic.example/source", "valueUri": a }]);
    let bundle = transaction(vec![
        entry("POST", "Observation", observation(a, "2020-01-01", 70.0)),
        named(a, entry("POST", "Patient", first)),
        named(b, entry("POST", "Patient", second)),
    ]);
    let answer = world.post("", &bundle).await.is(200).json();
    assert_eq!(answer["type"], "transaction-response");
    assert_eq!(statuses(&answer), ["201 Created"; 3]);
    assert_eq!(answer["entry"][0]["response"]["etag"], "W/\"1\"");
    assert!(answer["entry"][0]["response"]["lastModified"].is_string());
    let (a, b) = (key(&answer, 1), key(&answer, 2));
    assert_eq!(world.get(&a).await.json()["link"][0]["other"]["reference"], b);
    assert_eq!(world.get(&b).await.json()["link"][0]["other"]["reference"], a);
    assert_eq!(world.get(&b).await.json()["extension"][0]["valueUri"], a);
    assert_eq!(world.get(&key(&answer, 0)).await.json()["subject"]["reference"], a);
    assert_eq!(world.get(&format!("Observation?subject={a}")).await.keys().len(), 1);
}

#[tokio::test]
async fn names_with_a_full_address_are_resolved_relative_to_each_other() {
    let world = World::new().await;
    let bundle = transaction(vec![
        named("http://old.example/fhir/Patient/9", entry("POST", "Patient", patient("9"))),
        named(
            "http://old.example/fhir/Observation/1",
            entry("POST", "Observation", observation("Patient/9", "2020-01-01", 70.0)),
        ),
        named(
            "http://old.example/fhir/Observation/2",
            entry("POST", "Observation", observation("http://old.example/fhir/Patient/9", "2020-01-02", 70.0)),
        ),
    ]);
    let answer = world.post("", &bundle).await.is(200).json();
    for at in [1, 2] {
        assert_eq!(world.get(&key(&answer, at)).await.json()["subject"]["reference"], key(&answer, 0));
    }
}

#[tokio::test]
async fn conditional_references_find_one_or_refuse_the_whole() {
    let world = World::new().await;
    world.patient("p1").await;
    let refer =
        |condition: &str| transaction(vec![entry("POST", "Observation", observation(condition, "2020-01-01", 70.0))]);
    let answer = world.post("", &refer("Patient?identifier=http://clinic.example/mrn|p1")).await.is(200).json();
    assert_eq!(world.get(&key(&answer, 0)).await.json()["subject"]["reference"], "Patient/p1");
    world.post("", &refer("Patient?identifier=http://clinic.example/mrn|none")).await.refused(412, "not-found");
    world.post("Patient", &patient("p1")).await.is(201);
    let many = refer("Patient?identifier=http://clinic.example/mrn|p1");
    world.post("", &many).await.refused(412, "multiple-matches");
    assert_eq!(world.count("Observation").await, 1);
}

#[tokio::test]
async fn conditional_references_find_what_the_same_transaction_creates() {
    let world = World::new().await;
    let condition = "identifier=http://clinic.example/mrn|n1";
    let created = with(entry("POST", "Patient", patient("n1")), "ifNoneExist", condition);
    let refer = |condition: &str| entry("POST", "Observation", observation(condition, "2020-01-01", 70.0));
    let answer = world
        .post("", &transaction(vec![refer(&format!("Patient?{condition}")), created.clone()]))
        .await
        .is(200)
        .json();
    assert_eq!(world.get(&key(&answer, 0)).await.json()["subject"]["reference"], key(&answer, 1));
    // The second time the patient is found, not made.
    let again =
        world.post("", &transaction(vec![created, refer(&format!("Patient?{condition}"))])).await.is(200).json();
    assert_eq!(statuses(&again), ["200 OK", "201 Created"]);
    assert_eq!(key(&again, 0), key(&answer, 1));
    assert_eq!(world.count("Patient").await, 1);
    // Found by its identifier, though nothing in the bundle states the condition.
    let plain = entry("POST", "Patient", patient("n2"));
    let answer = world
        .post("", &transaction(vec![plain, refer("Patient?identifier=http://clinic.example/mrn|n2")]))
        .await
        .is(200)
        .json();
    assert_eq!(world.get(&key(&answer, 1)).await.json()["subject"]["reference"], key(&answer, 0));
}

#[tokio::test]
async fn entries_happen_in_the_order_of_the_standard_and_are_answered_in_their_own() {
    let world = World::new().await;
    world.patient("old").await;
    world.patient("kept").await;
    let mut kept = patient("kept");
    kept["gender"] = "other".into();
    let change = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" },
        { "name": "path", "valueString": "Patient.gender" },
        { "name": "value", "valueCode": "unknown" },
    ] }] });
    world.patient("patched").await;
    let bundle = transaction(vec![
        read("GET", "Patient?_summary=count"),
        read("GET", "Patient/kept"),
        entry("PUT", "Patient/kept", kept),
        entry("POST", "Patient", patient("new")),
        entry("PATCH", "Patient/patched", change),
        read("DELETE", "Patient/old"),
        read("GET", "Patient/old"),
    ]);
    let answer = world.post("", &bundle).await.is(200).json();
    assert_eq!(
        statuses(&answer),
        ["200 OK", "200 OK", "200 OK", "201 Created", "200 OK", "204 No Content", "410 Gone"]
    );
    assert_eq!(answer["entry"][0]["resource"]["total"], 3);
    assert_eq!(answer["entry"][1]["resource"]["gender"], "other");
    assert_eq!(answer["entry"][6]["response"]["outcome"]["resourceType"], "OperationOutcome");
    assert_eq!(world.get("Patient/patched").await.json()["gender"], "unknown");
}

#[tokio::test]
async fn a_transaction_that_fails_anywhere_changes_nothing() {
    let world = World::new().await;
    world.patient("p1").await;
    world.patient("q1").await;
    let good = || entry("POST", "Patient", patient("good"));
    let wrong = json!({ "resourceType": "Patient", "gender": "no-such-code" });
    let cases: Vec<(&str, u16, Value)> = vec![
        ("an invalid resource", 422, entry("POST", "Patient", wrong)),
        ("a stale version", 412, with(entry("PUT", "Patient/q1", patient("q1")), "ifMatch", "W/\"9\"")),
        ("a type that does not exist", 404, entry("POST", "Patients", patient("x"))),
        ("another type than the address", 400, entry("POST", "Observation", patient("x"))),
        ("an id that is not that of the address", 400, entry("PUT", "Patient/p1", patient("p2"))),
        ("no resource", 400, read("POST", "Patient")),
        ("no method", 400, json!({ "request": { "url": "Patient" } })),
        ("no request", 400, json!({ "resource": patient("x") })),
        ("an unknown method", 400, read("BREW", "Patient")),
        ("a patch of nothing", 404, entry("PATCH", "Patient/none", json!({ "resourceType": "Parameters" }))),
        ("another server", 400, entry("PUT", "http://elsewhere.example/Patient/1", patient("1"))),
        ("an operation", 400, read("GET", "Patient/p1/$everything")),
        ("a condition not understood", 400, with(entry("POST", "Patient", patient("x")), "ifNoneExist", "nonsense=1")),
        ("a method the address does not answer", 405, entry("PUT", "metadata", patient("x"))),
    ];
    for (case, status, bad) in cases {
        let bundle = transaction(vec![good(), bad, read("DELETE", "Patient/p1")]);
        let refused = world.post("", &bundle).await;
        assert_eq!(refused.status.as_u16(), status, "{case}: {}", refused.text);
        let outcome = refused.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{case}");
        if case != "a stale version" {
            let place = outcome["issue"][0]["expression"][0].as_str().unwrap_or("");
            assert!(place.starts_with("Bundle.entry[1]"), "{case}: {}", refused.text);
        }
        assert_eq!(world.count("Patient").await, 2, "{case}");
        assert_eq!(versions(&world).await, 2, "{case}");
    }
}

#[tokio::test]
async fn every_entry_that_is_wrong_is_named_at_once() {
    let world = World::new().await;
    let wrong = || entry("POST", "Patient", json!({ "resourceType": "Patient", "gender": "no-such-code" }));
    let bundle = transaction(vec![wrong(), entry("POST", "Patient", patient("x")), wrong()]);
    let outcome = world.post("", &bundle).await.is(422).json();
    let places: Vec<&str> =
        outcome["issue"].as_array().unwrap().iter().filter_map(|it| it["expression"][0].as_str()).collect();
    assert!(places.contains(&"Bundle.entry[0].resource.gender"), "{places:?}");
    assert!(places.contains(&"Bundle.entry[2].resource.gender"), "{places:?}");
}

#[tokio::test]
async fn the_same_resource_may_not_be_written_twice() {
    let world = World::new().await;
    world.patient("p1").await;
    let put = || entry("PUT", "Patient/p1", patient("p1"));
    let by_identifier = entry("PUT", "Patient?identifier=http://clinic.example/mrn|p1", patient("p1"));
    let once = |name: &str| named(name, entry("POST", "Patient", patient("x")));
    let condition = "identifier=http://clinic.example/mrn|new";
    let create = || with(entry("POST", "Patient", patient("new")), "ifNoneExist", condition);
    for (case, entries) in [
        ("two updates", vec![put(), put()]),
        ("update and delete", vec![put(), read("DELETE", "Patient/p1")]),
        ("update by id and by condition", vec![put(), by_identifier]),
        ("the same fullUrl", vec![once("urn:uuid:a"), once("urn:uuid:a")]),
        ("two creates under one condition", vec![create(), create()]),
    ] {
        let refused = world.post("", &transaction(entries)).await.refused(400, "duplicate");
        assert!(refused.text.contains("Bundle.entry["), "{case}");
    }
    assert_eq!(versions(&world).await, 1);
}

#[tokio::test]
async fn conditional_entries_find_create_and_delete() {
    let world = World::new().await;
    for id in ["p1", "p2", "p3"] {
        world.patient(id).await;
    }
    let by = |id: &str| format!("Patient?identifier=http://clinic.example/mrn|{id}");
    let mut changed = patient("p1");
    changed["active"] = true.into();
    changed.as_object_mut().unwrap().remove("id");
    let change = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json",
        // [{"op":"replace","path":"/gender","value":"other"}]
        "data": "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9nZW5kZXIiLCJ2YWx1ZSI6Im90aGVyIn1d" });
    let bundle = transaction(vec![
        entry("PUT", &by("p1"), changed),
        entry("PATCH", &by("p2"), change),
        read("DELETE", &by("p3")),
        read("DELETE", &by("nobody")),
        entry("PUT", &by("p4"), {
            let mut it = patient("p4");
            it.as_object_mut().unwrap().remove("id");
            it
        }),
    ]);
    let answer = world.post("", &bundle).await.is(200).json();
    assert_eq!(statuses(&answer), ["200 OK", "200 OK", "204 No Content", "204 No Content", "201 Created"]);
    assert_eq!(world.get("Patient/p1").await.json()["active"], true);
    assert_eq!(world.get("Patient/p2").await.json()["gender"], "other");
    world.get("Patient/p3").await.is(410);
    assert_eq!(world.count(&by("p4")).await, 1);
}

#[tokio::test]
async fn what_a_transaction_answers_is_a_preference() {
    let world = World::new().await;
    let bundle = transaction(vec![entry("POST", "Patient", patient("x"))]);
    let ask = async |prefer: &str| world.send("POST", "", &[("prefer", prefer)], Some(&bundle)).await.is(200).json();
    assert!(ask("return=minimal").await["entry"][0].get("resource").is_none());
    let full = ask("return=representation").await;
    assert_eq!(full["entry"][0]["resource"]["resourceType"], "Patient");
    assert_eq!(full["entry"][0]["fullUrl"], format!("{BASE}/{}", key(&full, 0)));
    assert!(ask("return=OperationOutcome").await["entry"][0]["response"]["outcome"].is_object());
}

#[tokio::test]
async fn simultaneous_transactions_with_the_same_condition_make_one_resource() {
    let world = World::new().await;
    let condition = "identifier=http://clinic.example/mrn|n1";
    let bundle = transaction(vec![
        with(named("urn:uuid:n1", entry("POST", "Patient", patient("n1"))), "ifNoneExist", condition),
        entry("POST", "Observation", observation("urn:uuid:n1", "2020-01-01", 70.0)),
    ]);
    let all = (0..8).map(|_| world.post("", &bundle));
    for got in futures::future::join_all(all).await {
        got.is(200);
    }
    assert_eq!(world.count("Patient").await, 1);
    assert_eq!(world.count("Observation").await, 8);
    let patient = world.get("Patient").await.keys().remove(0);
    assert_eq!(world.count(&format!("Observation?subject={patient}")).await, 8);
}

#[tokio::test]
async fn only_batches_and_transactions_are_taken_at_the_base() {
    let world = World::new().await;
    world.post("", &patient("x")).await.refused(400, "invalid");
    let document = json!({ "resourceType": "Bundle", "type": "collection" });
    world.post("", &document).await.refused(400, "not-supported");
    world.post("", &json!({ "resourceType": "Bundle" })).await.refused(400, "required");
    let empty = world.post("", &json!({ "resourceType": "Bundle", "type": "transaction" })).await.is(200).json();
    assert!(empty.get("entry").is_none());
}
