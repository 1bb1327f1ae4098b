//! History of a resource, a type and everything, and its pages.

use crate::world::{World, observation, patient};

/// Walks the pages of a history from its first address; returns `request.method url` of every entry.
async fn walk(world: &World, first: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(address) = next {
        let page = world.get(&address).await.is(200);
        let bundle = page.json();
        assert_eq!(bundle["type"], "history");
        for entry in bundle["entry"].as_array().into_iter().flatten() {
            let text = |pointer: &str| entry.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            found.push(format!("{} {} {}", text("/request/method"), text("/request/url"), text("/response/etag")));
            assert!(entry["fullUrl"].is_string());
            assert_eq!(entry.get("resource").is_none(), entry["request"]["method"] == "DELETE");
        }
        next = page.link("next");
        assert!(found.len() < 100, "the pages never end");
    }
    found
}

#[tokio::test]
async fn a_history_tells_every_version_newest_first() {
    let world = World::new().await;
    world.patient("p1").await;
    let mut changed = patient("p1");
    changed["gender"] = "other".into();
    world.put("Patient/p1", &changed).await.is(200);
    world.delete("Patient/p1").await.is(204);
    world.put("Patient/p1", &patient("p1")).await.is(201);
    world.patient("p2").await;
    world
        .put("Observation/o1", &{
            let mut it = observation("Patient/p1", "2020-01-01", 70.0);
            it["id"] = "o1".into();
            it
        })
        .await
        .is(201);
    let of_one =
        ["PUT Patient/p1 W/\"4\"", "DELETE Patient/p1 W/\"3\"", "PUT Patient/p1 W/\"2\"", "POST Patient W/\"1\""];
    assert_eq!(walk(&world, "Patient/p1/_history").await, of_one);
    assert_eq!(walk(&world, "Patient/p1/_history?_count=1").await, of_one);
    let of_type = walk(&world, "Patient/_history?_count=2").await;
    assert_eq!(of_type.len(), 5);
    assert_eq!(of_type[0], "POST Patient W/\"1\"");
    assert_eq!(walk(&world, "_history?_count=4").await.len(), 6);
    assert_eq!(world.get("Patient/p1/_history").await.json()["total"], 4);
    world.get("Patient/none/_history").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_history_can_be_cut_by_time() {
    let world = World::new().await;
    world.patient("p1").await;
    let mut changed = patient("p1");
    changed["gender"] = "other".into();
    let second = world.put("Patient/p1", &changed).await.is(200).json();
    let moment = second["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    let since = walk(&world, &format!("Patient/p1/_history?_since={moment}")).await;
    assert_eq!(since, ["PUT Patient/p1 W/\"2\""]);
    let at = walk(&world, &format!("Patient/p1/_history?_at={moment}")).await;
    assert_eq!(at, ["PUT Patient/p1 W/\"2\""]);
    assert_eq!(walk(&world, "Patient/p1/_history?_since=2099").await, [""; 0]);
    world.get("Patient/p1/_history?_since=yesterday").await.refused(400, "invalid");
    world.get("Patient/p1/_history?_count=many").await.refused(400, "invalid");
    world.get("Patient/p1/_history?_sort=x").await.refused(400, "not-supported");
    world.get("Patient/p1/_history?_cursor=forged").await.is(410);
}
