//! Search: bundles, links, totals, inclusion, what is refused.

use crate::world::{BASE, World, observation};
use serde_json::json;

async fn ward() -> World {
    let world = World::new().await;
    for id in ["p1", "p2"] {
        world.patient(id).await;
    }
    for day in 1..=7 {
        let mut one = observation("Patient/p1", &format!("2020-01-{day:02}"), 70.0 + f64::from(day));
        one["id"] = format!("o{day}").into();
        world.put(&format!("Observation/o{day}"), &one).await.is(201);
    }
    world
}

#[tokio::test]
async fn a_search_answers_with_a_searchset_of_stored_resources() {
    let world = ward().await;
    let found = world.get("Patient?identifier=http://clinic.example/mrn|p1").await.is(200);
    let bundle = found.json();
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "searchset");
    assert_eq!(bundle["entry"][0]["fullUrl"], format!("{BASE}/Patient/p1"));
    assert_eq!(bundle["entry"][0]["search"]["mode"], "match");
    assert_eq!(bundle["entry"][0]["resource"], world.get("Patient/p1").await.json());
    assert_eq!(found.link("self").unwrap(), format!("{BASE}/Patient?identifier=http://clinic.example/mrn|p1"));
    assert_eq!(found.link("next"), None);
    let none = world.get("Patient?name=nobody").await.is(200).json();
    assert!(none.get("entry").is_none(), "an empty list is not FHIR: {none}");
}

#[tokio::test]
async fn page_links_lead_through_everything_once_and_back() {
    let world = ward().await;
    let first = "Observation?code=29463-7&_sort=date&_count=3&_total=accurate";
    let (mut seen, mut pages, mut next, mut last) = (Vec::new(), 0, Some(first.to_owned()), None);
    while let Some(address) = next {
        let page = world.get(&address).await.is(200);
        assert_eq!(page.json()["total"], 7);
        seen.extend(page.keys());
        next = page.link("next");
        pages += 1;
        last = Some(page);
    }
    assert_eq!(seen, ["o1", "o2", "o3", "o4", "o5", "o6", "o7"].map(|id| format!("Observation/{id}")));
    assert_eq!(pages, 3);
    let back = last.unwrap().link("previous").unwrap();
    assert_eq!(world.get(&back).await.is(200).keys(), ["o4", "o5", "o6"].map(|id| format!("Observation/{id}")));
    // The link survives a client that decodes and encodes it.
    let second = world.get(first).await.link("next").unwrap();
    let cursor = second.split_once("_cursor=").unwrap().1;
    let mut forged = cursor.to_owned();
    forged.replace_range(0..1, if forged.starts_with('A') { "B" } else { "A" });
    world.get(&second.replace(cursor, &forged)).await.is(410);
}

#[tokio::test]
async fn a_search_by_post_is_the_same_search() {
    let world = ward().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let bearer = format!("Bearer {}", crate::world::TOKEN);
    let headers = [form[0], ("authorization", bearer.as_str())];
    let post = async |path: &str, body: &str| world.raw("POST", path, &headers, body.to_owned()).await;
    assert_eq!(post("Observation/_search", "date=2020-01-02").await.is(200).keys(), ["Observation/o2"]);
    assert_eq!(post("Observation/_search?date=2020-01-02", "").await.is(200).keys(), ["Observation/o2"]);
    assert_eq!(post("_search", "_type=Patient&_sort=_id").await.is(200).keys(), ["Patient/p1", "Patient/p2"]);
    assert_eq!(post("Patient/p1/Observation/_search", "date=2020-01-02").await.is(200).keys(), ["Observation/o2"]);
    post("Observation/_search", "_format=xml").await.refused(406, "not-supported");
    world.post("Observation/_search", &json!({})).await.refused(415, "not-supported");
}

#[tokio::test]
async fn compartments_and_all_types_can_be_searched() {
    let world = ward().await;
    assert_eq!(world.get("Patient/p1/Observation").await.is(200).keys().len(), 7);
    assert_eq!(world.get("Patient/p2/Observation").await.is(200).keys().len(), 0);
    assert_eq!(world.get("Patient/p1/Observation?date=lt2020-01-03").await.is(200).keys().len(), 2);
    let all = world.get("Patient/p1/*").await.is(200).keys();
    assert_eq!(all.len(), 8, "{all:?}");
    world.get("Patient/p1/Medication").await.refused(400, "not-supported");
    assert_eq!(world.get("?_type=Patient,Observation&_id=p1,o3&_sort=_id").await.is(200).keys().len(), 2);
}

#[tokio::test]
async fn what_comes_along_is_marked() {
    let world = ward().await;
    let found = world.get("Observation?_id=o1&_include=Observation:subject").await.is(200);
    assert_eq!(found.keys(), ["Observation/o1", "Patient/p1"]);
    assert_eq!(found.json()["entry"][1]["search"]["mode"], "include");
    let back = world.get("Patient?_id=p1&_revinclude=Observation:subject").await.is(200);
    assert_eq!(back.keys().len(), 8);
}

#[tokio::test]
async fn summaries_counts_and_elements() {
    let world = ward().await;
    assert_eq!(world.count("Observation").await, 7);
    let counted = world.get("Observation?_count=0").await.is(200).json();
    assert_eq!((counted["total"].as_u64(), counted.get("entry")), (Some(7), None));
    let part = world.get("Observation?_id=o1&_elements=status").await.is(200).json();
    let resource = &part["entry"][0]["resource"];
    assert_eq!(resource["meta"]["tag"][0]["code"], "SUBSETTED");
    assert!(resource.get("valueQuantity").is_none() && resource.get("status").is_some());
    let text = world.get("Observation?_id=o1&_summary=text").await.is(200).json();
    assert!(text["entry"][0]["resource"].get("subject").is_none());
}

#[tokio::test]
async fn what_is_not_understood_is_refused_or_reported_never_ignored() {
    let world = ward().await;
    let refused = world.get("Patient?frobnicate=1&name=x").await.is(400);
    assert!(refused.text.contains("frobnicate"), "{}", refused.text);
    world.get("Patient?birthdate=not-a-date").await.is(400);
    let lenient = [("prefer", "handling=lenient")];
    let found = world.send("GET", "Patient?frobnicate=1&_id=p1", &lenient, None).await.is(200);
    assert_eq!(found.keys(), ["Patient/p1", "OperationOutcome"]);
    let bundle = found.json();
    assert_eq!(bundle["entry"][1]["search"]["mode"], "outcome");
    assert_eq!(found.link("self").unwrap(), format!("{BASE}/Patient?_id=p1"));
}

#[tokio::test]
async fn what_lies_within_is_found_when_asked_for() {
    let world = ward().await;
    let drug = |id: &str, code: &str| json!({ "resourceType": "Medication", "id": id, "code": { "coding": [{ "system": "http://drugs", "code": code }] } });
    let order = json!({
        "resourceType": "MedicationRequest", "id": "r1", "status": "active", "intent": "order",
        "contained": [drug("a", "one"), drug("b", "two")],
        "medicationReference": { "reference": "#a" },
        "subject": { "reference": "Patient/p1" },
        "dosageInstruction": [{ "text": "then the other", "extension": [
            { "url": "http://x.example/then", "valueReference": { "reference": "#b" } },
        ] }],
    });
    world.put("MedicationRequest/r1", &order).await.is(201);
    world.put("Medication/top", &drug("top", "one")).await.is(201);
    let keys = async |path: &str| world.get(path).await.is(200).keys();
    assert_eq!(keys("Medication?code=one").await, ["Medication/top"]);
    assert_eq!(keys("Medication?code=two&_contained=true").await, ["MedicationRequest/r1"]);
    assert_eq!(keys("Medication?code=one&_contained=both").await, ["Medication/top", "MedicationRequest/r1"]);
    let found = world.get("Medication?code=two&_contained=true&_containedType=contained").await.is(200);
    let bundle = found.json();
    assert_eq!(bundle["total"], 1);
    assert_eq!(bundle["entry"][0]["fullUrl"], format!("{BASE}/MedicationRequest/r1#b"));
    assert_eq!(bundle["entry"][0]["resource"], drug("b", "two"));
    assert_eq!(bundle["entry"][0]["search"]["mode"], "match");
    let this = format!("{BASE}/Medication?code=two&_contained=true&_containedType=contained");
    assert_eq!(found.link("self").unwrap(), this);
    let first = world.get("Medication?_contained=true&_containedType=contained&_count=1").await.is(200);
    let second = world.get(&first.link("next").unwrap()).await.is(200);
    assert_eq!([first.keys(), second.keys()].concat(), ["Medication/a", "Medication/b"]);
    assert_eq!(second.link("next"), None);
    assert_eq!(world.get(&second.link("previous").unwrap()).await.is(200).keys(), first.keys());
    assert_eq!(world.count("Medication?_contained=true&_containedType=contained").await, 2);
    world.get("Medication?_contained=true&_sort=code").await.refused(400, "not-supported");
    world
        .get("Medication?_contained=true&_has:MedicationRequest:medication:status=active")
        .await
        .refused(400, "not-supported");
    let once = [("if-none-exist", "code=two&_contained=true")];
    world.send("POST", "Medication", &once, Some(&drug("x", "two"))).await.is(400);
}
