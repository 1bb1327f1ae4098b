//! AuditEvent: what the product wrote down, as FHIR, beside what clients sent.

use crate::world::{BASE, Got, PATIENT_TOKEN, World, observation};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

async fn as_patient(world: &World, path: &str) -> Got {
    world.raw("GET", path, &[("authorization", &format!("Bearer {PATIENT_TOKEN}"))], "").await
}

async fn lived() -> World {
    let world = World::new().await;
    world.patient("p1").await;
    world.patient("p2").await;
    world
        .put("Observation/o1", &json!({"id": "o1"}).merged(observation("Patient/p1", "2026-01-02", 70.0)))
        .await
        .is(201);
    world.get("Observation/o1").await.is(200);
    world.get("Patient/p2").await.is(200);
    world.get("Observation?subject=Patient/p1&_include=Observation:subject").await.is(200);
    world
}

trait Merged {
    fn merged(self, other: Value) -> Value;
}

impl Merged for Value {
    fn merged(mut self, other: Value) -> Value {
        let members = self.as_object_mut().unwrap();
        members.extend(other.as_object().unwrap().clone());
        self
    }
}

/// The events of a search that are about the record, not about the log.
fn events(got: &Got) -> Vec<Value> {
    let entries = got.json()["entry"].as_array().cloned().unwrap_or_default();
    let events = entries.into_iter().map(|it| it["resource"].clone());
    let query = |it: &Value| {
        let query = it["entity"].as_array()?.iter().find_map(|it| it["query"].as_str())?;
        Some(String::from_utf8(STANDARD.decode(query).unwrap()).unwrap())
    };
    let own = |it: &Value| query(it).is_none_or(|it| !it.contains("/AuditEvent"));
    events.filter(|it| it["resourceType"] == "AuditEvent" && own(it)).collect()
}

fn told(event: &Value) -> String {
    let references = event["entity"].as_array().into_iter().flatten();
    let references: Vec<&str> = references.filter_map(|it| it["what"]["reference"].as_str()).collect();
    format!("{} {} {}", event["action"].as_str().unwrap(), event["subtype"][0]["code"], references.join("+"))
}

#[tokio::test]
async fn what_was_done_is_told_newest_first_in_the_words_of_balp() {
    let world = lived().await;
    let got = world.get("AuditEvent?_count=50&_sort=-date").await.is(200);
    let all = events(&got);
    let lines: Vec<String> = all.iter().map(told).collect();
    assert_eq!(
        lines[..5],
        [
            "E \"search\" Patient/p1",
            "R \"read\" Patient/p2/_history/1+Patient/p2",
            "R \"read\" Observation/o1/_history/1+Patient/p1",
            // A write answers with what it wrote.
            "R \"read\" Observation/o1/_history/1+Patient/p1",
            "U \"update\" Observation/o1/_history/1+Patient/p1",
        ]
    );
    let search = &all[0];
    let query = search["entity"].as_array().unwrap().iter().find_map(|it| it["query"].as_str()).unwrap();
    let query = String::from_utf8(STANDARD.decode(query).unwrap()).unwrap();
    assert!(query.starts_with(&format!("{BASE}/Observation?subject=")), "{query}");
    assert_eq!(search["type"]["code"], "rest");
    assert_eq!(search["outcome"], "0");
    assert_eq!(search["agent"][0]["altId"], "client/laboratory");
    assert_eq!(search["agent"][0]["requestor"], true);
    assert_eq!(search["agent"][0]["purposeOfUse"][0]["coding"][0]["code"], "HSYSADMIN");
    // Each is a valid AuditEvent, and is found under its own id.
    for event in &all {
        let id = event["id"].as_str().unwrap();
        assert_eq!(world.get(&format!("AuditEvent/{id}")).await.is(200).json(), *event);
        assert_eq!(world.get(&format!("AuditEvent/{id}/_history/1")).await.is(200).json()["id"], event["id"]);
        world.post("AuditEvent", event).await.is(201);
    }
}

/// What a profile of BALP fixes (IHE ITI Basic Audit Log Patterns 1.1.3).
struct Profile {
    name: &'static str,
    interactions: &'static [&'static str],
    action: &'static str,
    /// The types of the agents.
    client: &'static str,
    server: &'static str,
    users: &'static [&'static str],
    /// The role of what is named of the data.
    role: &'static str,
}

const AUTHORS: &[&str] = &["AUT", "INF", "CST"];
const RECIPIENT: &[&str] = &["IRCP"];
#[rustfmt::skip]
const BALP: [Profile; 5] = [
    Profile { name: "Read", interactions: &["read", "vread"], action: "R", client: "110152", server: "110153", users: RECIPIENT, role: "4" },
    Profile { name: "Query", interactions: &["search"], action: "E", client: "110153", server: "110152", users: RECIPIENT, role: "24" },
    Profile { name: "Create", interactions: &["create"], action: "C", client: "110153", server: "110152", users: AUTHORS, role: "4" },
    Profile { name: "Update", interactions: &["update", "patch"], action: "U", client: "110153", server: "110152", users: AUTHORS, role: "4" },
    Profile { name: "Delete", interactions: &["delete"], action: "D", client: "110150", server: "custodian", users: AUTHORS, role: "4" },
];

/// Holds an event against the profile that it claims; the profile's name.
fn balp(event: &Value) -> Option<String> {
    let claimed = event["meta"]["profile"][0].as_str()?;
    let name = claimed.strip_prefix("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.").unwrap();
    let of_patient = name.starts_with("Patient");
    let shape = name.strip_prefix("Patient").unwrap_or(name);
    let profile = BALP.iter().find(|it| it.name == shape).unwrap();
    assert_eq!(event["type"]["code"], "rest");
    assert_eq!(event["action"], profile.action);
    assert_eq!(event["outcome"], "0");
    let coded = |list: &Value, system: &str, codes: &[&str]| -> usize {
        let matches = |it: &&Value| it["system"] == system && codes.iter().any(|code| it["code"] == **code);
        list.as_array().into_iter().flatten().filter(matches).count()
    };
    assert_eq!(coded(&event["subtype"], "http://hl7.org/fhir/restful-interaction", profile.interactions), 1, "{event}");
    let agents = event["agent"].as_array().unwrap();
    let one = |code: &str| {
        let mut of_type = agents.iter().filter(|it| it["type"]["coding"][0]["code"] == code);
        let agent = of_type.next().unwrap_or_else(|| panic!("{name} has no agent {code}: {event}"));
        assert!(of_type.next().is_none());
        agent
    };
    for agent in [one(profile.client), one(profile.server)] {
        assert!(agent["who"].is_object() && agent["network"].is_object() && agent["media"].is_null(), "{agent}");
    }
    let user = agents.iter().find(|it| it["requestor"] == true).unwrap();
    assert!(profile.users.iter().any(|it| user["type"]["coding"][0]["code"] == **it), "{user}");
    assert!(user["who"].is_object() && user["network"].is_null());
    let entities = event["entity"].as_array().unwrap();
    let of_type = |code: &str| entities.iter().filter(|it| it["type"]["code"] == code).collect::<Vec<_>>();
    let data = of_type("2");
    assert_eq!((data.len(), data[0]["role"]["code"].as_str().unwrap()), (1, profile.role), "{event}");
    if shape == "Query" {
        assert!(data[0]["query"].is_string() && data[0]["what"].is_null());
    } else {
        assert!(data[0]["what"]["reference"].is_string());
    }
    let patients = of_type("1");
    assert_eq!(of_patient, patients.len() == 1, "{event}");
    for patient in patients {
        assert!(patient["what"]["reference"].as_str().unwrap().starts_with("Patient/"));
    }
    assert!(of_type("XrequestId").iter().all(|it| it["what"]["identifier"]["value"].is_string()));
    Some(name.to_owned())
}

#[tokio::test]
async fn successful_interactions_have_the_shape_of_their_balp_profile() {
    let world = lived().await;
    world.post("Observation", &observation("Patient/p2", "2026-01-03", 71.0)).await.is(201);
    world.post("Location", &json!({"resourceType": "Location", "id": "l1", "name": "Ward"})).await.is(201);
    world.put("Location/l2", &json!({"resourceType": "Location", "id": "l2", "name": "Ward 2"})).await.is(201);
    world.get("Location/l2").await.is(200);
    world.get("Observation/o1/_history/1").await.is(200);
    world.get("Location?name=ward").await.is(200);
    let patch = json!([{"op": "replace", "path": "/name", "value": "Ward 3"}]);
    let headers = [("content-type", "application/json-patch+json")];
    world.send("PATCH", "Location/l2", &headers, Some(&patch)).await.is(200);
    world.delete("Observation/o1").await;
    world.delete("Location/l2").await;
    // What is not there, and what is refused, claims no profile of success.
    world.get("Observation/nobody").await.is(404);
    let claimed: std::collections::BTreeSet<String> =
        events(&world.get("AuditEvent?_count=100").await).iter().filter_map(balp).collect();
    let all = BALP.iter().flat_map(|it| [it.name.to_owned(), format!("Patient{}", it.name)]);
    assert_eq!(claimed, all.collect());
}

#[tokio::test]
async fn the_log_can_neither_be_written_nor_deleted() {
    let world = lived().await;
    let event = events(&world.get("AuditEvent").await).remove(0);
    let id = event["id"].as_str().unwrap().to_owned();
    for method in ["PUT", "DELETE", "PATCH"] {
        let body = (method != "DELETE").then_some(&event);
        world.send(method, &format!("AuditEvent/{id}"), &[], body).await.is(405);
    }
    for id in [id.as_str(), "log.4711"] {
        let request = json!({"method": "PUT", "url": format!("AuditEvent/{id}")});
        let resource = json!({"id": id}).merged(without_id(&event));
        let put = json!({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": resource, "request": request}]});
        let got = world.post("", &put).await;
        assert!(matches!(got.status.as_u16(), 403 | 405), "{} {}", got.status, got.text);
    }
    assert_eq!(world.get(&format!("AuditEvent/{id}")).await.is(200).json(), event);
    world.get("AuditEvent/log.99999").await.is(404);
    world.get("AuditEvent/log.01").await.is(404);
    world.get(&format!("AuditEvent/{id}/_history/2")).await.is(404);
}

fn without_id(event: &Value) -> Value {
    let mut event = event.clone();
    event.as_object_mut().unwrap().remove("id");
    event
}

#[tokio::test]
async fn it_is_searched_by_whose_who_what_and_how() {
    let world = lived().await;
    let refused = as_patient(&world, "Patient/p2").await;
    refused.is(404);
    for (asked, expected) in [
        (
            "patient=p2",
            vec![
                "R \"read\" Patient/p2/_history/1+Patient/p2",
                "R \"read\" Patient/p2/_history/1+Patient/p2",
                "U \"update\" Patient/p2/_history/1+Patient/p2",
            ],
        ),
        (
            "patient=Patient/p2&action=R",
            vec!["R \"read\" Patient/p2/_history/1+Patient/p2", "R \"read\" Patient/p2/_history/1+Patient/p2"],
        ),
        ("patient=nobody", vec![]),
        (
            "entity=Observation/o1&subtype=read",
            vec!["R \"read\" Observation/o1/_history/1+Patient/p1", "R \"read\" Observation/o1/_history/1+Patient/p1"],
        ),
        ("entity=Observation/o1&action=D", vec![]),
        ("altid=client/laboratory&type=rest&subtype=search", vec!["E \"search\" Patient/p1"]),
        ("agent=nobody", vec![]),
        ("outcome=4&type=110113", vec!["E \"AuthZ-Role\" Patient/p2"]),
        ("outcome=8", vec![]),
        ("date=lt2020", vec![]),
        (
            "date=ge2020&date=le2030&patient=p2&action=R",
            vec!["R \"read\" Patient/p2/_history/1+Patient/p2", "R \"read\" Patient/p2/_history/1+Patient/p2"],
        ),
    ] {
        let got = world.get(&format!("AuditEvent?_count=50&{asked}")).await.is(200);
        assert_eq!(events(&got).iter().map(told).collect::<Vec<_>>(), expected, "{asked}");
    }
    // What the log is not searched by is said, and only what clients sent is searched.
    let got = world.get("AuditEvent?site=here").await.is(200);
    assert_eq!(events(&got), Vec::<Value>::new());
    assert!(got.text.contains("the audit log is not searched by site"), "{}", got.text);
    world.send("GET", "AuditEvent?nonsense=1", &[("prefer", "handling=strict")], None).await.is(400);
    assert_eq!(world.count("AuditEvent?patient=p2&action=R").await, 2);
}

#[tokio::test]
async fn what_clients_sent_comes_first_and_then_the_log_page_by_page() {
    let world = lived().await;
    let sent = without_id(&events(&world.get("AuditEvent?patient=p2&action=R").await).remove(0));
    for _ in 0..3 {
        world.post("AuditEvent", &sent).await.is(201);
    }
    let (mut ids, mut next) = (Vec::new(), Some("AuditEvent?patient=p2&action=R&_count=2".to_owned()));
    while let Some(page) = next {
        let got = world.get(&page).await.is(200);
        let entries = got.json()["entry"].as_array().cloned().unwrap_or_default();
        assert!(entries.len() <= 2);
        ids.extend(entries.iter().map(|it| it["resource"]["id"].as_str().unwrap().to_owned()));
        next = got.link("next");
    }
    let in_log: Vec<bool> = ids.iter().map(|id| id.starts_with("log.")).collect();
    assert_eq!(in_log[..4], [false, false, false, true], "{ids:?}");
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

#[tokio::test]
async fn patients_see_who_looked_at_their_record_and_nothing_else() {
    let world = lived().await;
    let got = as_patient(&world, "AuditEvent?_count=50").await.is(200);
    let mine = events(&got);
    assert!(mine.len() >= 4 && mine.iter().all(|it| it.to_string().contains("Patient/p1")));
    let one = mine[0]["id"].as_str().unwrap();
    as_patient(&world, &format!("AuditEvent/{one}")).await.is(200);
    let others = events(&world.get("AuditEvent?patient=p2").await.is(200));
    let other = others[0]["id"].as_str().unwrap();
    as_patient(&world, &format!("AuditEvent/{other}")).await.is(404);
    assert_eq!(events(&as_patient(&world, "AuditEvent?patient=p2").await.is(200)), Vec::<Value>::new());
}
