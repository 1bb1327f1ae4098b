//! Batches: each entry alone.

use crate::world::{World, patient};
use serde_json::json;

#[tokio::test]
async fn an_entry_that_fails_leaves_the_others_be() {
    let world = World::new().await;
    world.patient("p1").await;
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        { "request": { "method": "GET", "url": "Patient/p1" } },
        { "request": { "method": "GET", "url": "Patient/none" } },
        { "request": { "method": "POST", "url": "Patient" }, "resource": patient("x") },
        { "request": { "method": "POST", "url": "Patient" }, "resource": { "resourceType": "Patient", "gender": "?" } },
        { "request": { "method": "GET", "url": "Patient?_summary=count" } },
        { "request": { "method": "GET", "url": "Patient/p1/$everything" } },
        { "request": { "method": "GET", "url": "metadata" } },
        { "request": { "method": "POST", "url": "" }, "resource": { "resourceType": "Bundle", "type": "batch" } },
        { "request": { "method": "GET", "url": "Patient/p1", "ifNoneMatch": "W/\"1\"" } },
    ] });
    let answer = world.post("", &bundle).await.is(200).json();
    assert_eq!(answer["type"], "batch-response");
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["response"]["status"].as_str().unwrap().split(' ').next().unwrap())
        .collect();
    assert_eq!(statuses, ["200", "404", "201", "422", "200", "200", "200", "400", "304"]);
    assert_eq!(answer["entry"][0]["resource"]["id"], "p1");
    assert_eq!(answer["entry"][0]["response"]["etag"], "W/\"1\"");
    assert_eq!(answer["entry"][1]["response"]["outcome"]["issue"][0]["code"], "not-found");
    assert!(answer["entry"][2].get("resource").is_none());
    let place = answer["entry"][3]["response"]["outcome"]["issue"][0]["expression"][0].as_str().unwrap();
    assert_eq!(place, "Bundle.entry[3].resource.gender");
    // Reads come after writes.
    assert_eq!(answer["entry"][4]["resource"]["total"], 2);
}
