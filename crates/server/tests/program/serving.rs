//! Starting, being asked, stopping.

use crate::harness::{Place, Server, free_address, get, wait_until_ready};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn demo(place: &Place, port: &str) -> Server {
    Server::start(place.command(&["serve", "--demo", "--port", port, "--mllp-port", "0", "--patients", "12"]))
}

#[test]
fn the_demo_starts_with_one_command_and_remembers_its_people() {
    let place = Place::new();
    let address = free_address();
    let port = address.rsplit_once(':').unwrap().1;
    let server = demo(&place, port);
    wait_until_ready(&address);
    let path = place.folder.join("continuo-demo/demo.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let slugs: Vec<&str> =
        first["organisations"].as_array().unwrap().iter().filter_map(|it| it["slug"].as_str()).collect();
    assert_eq!(slugs, ["riverside", "lakeside"]);
    let riverside = &first["organisations"][0];
    assert_eq!(riverside["fhir"], format!("http://{address}/riverside/fhir"));
    let people = "/riverside/fhir/Patient?_summary=count";
    assert_eq!(get(&address, people, None).unwrap().0, 401, "every request needs a token");
    let (status, body) = get(&address, people, riverside["token"].as_str()).unwrap();
    assert_eq!(status, 200);
    let total = serde_json::from_str::<Value>(&body).unwrap()["total"].as_u64().unwrap();
    assert!((1..=12).contains(&total), "{total}");
    assert_eq!(riverside["logins"].as_array().unwrap().len(), 13, "each role, two patients, two proxies, a stranger");
    let (status, exit) = (get(&address, "/metrics", None).unwrap(), server.stop());
    assert!(status.1.contains("continuo_store_bytes{organisation=\"riverside\"}"), "{}", status.1);
    assert_eq!(exit.0, Some(0), "a stop that was asked for is a success");
    assert!(exit.1 < Duration::from_secs(5), "nothing was under way, so nothing to wait for: {:?}", exit.1);

    let begun = Instant::now();
    let server = demo(&place, port);
    wait_until_ready(&address);
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody is made a second time");
    let mut second: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    // Where messages come was left to chance.
    for at in 0..2 {
        second["organisations"][at]["mllp"] = first["organisations"][at]["mllp"].clone();
    }
    assert_eq!(first, second, "secrets and people are the same");
    // One program at a time holds the folder.
    let other = place.command(&["serve", "--demo", "--port", "0"]).output().unwrap();
    assert_eq!(other.status.code(), Some(75));
    server.stop();
    assert_eq!(place.command(&["demo", "reset"]).output().unwrap().status.code(), Some(64));
    assert_eq!(place.command(&["demo", "reset", "--yes"]).output().unwrap().status.code(), Some(0));
    assert!(!place.folder.join("continuo-demo").exists());
}

#[test]
fn a_server_of_ones_own_listens_on_this_machine_and_makes_its_key() {
    let place = Place::new();
    let address = free_address();
    place.run(&["serve", "--bind", "0.0.0.0:0"], 78);
    let server = Server::start(place.command(&["--config", "continuo.toml", "serve", "--bind", &address]));
    wait_until_ready(&address);
    let key = place.folder.join("data/installation.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&key).unwrap().trim().len(), 43, "256 bits");
    place.run(&["healthcheck", "--url", &format!("http://{address}")], 0);
    // A program comes in with a token that the operator made while it is served.
    let token = place.json(&["token", "--name", "monitor", "--scopes", "system/Patient.rs"], 0);
    assert_eq!(get(&address, "/riverside/fhir/Patient", token["token"].as_str()).unwrap().0, 200);
    // And one that reaches a single patient.
    let one = ["token", "--name", "one", "--scopes", "patient/*.rs", "--patient", "ada"];
    let ada = place.json(&one, 0);
    assert_eq!(get(&address, "/riverside/fhir/Observation?patient=ada", ada["token"].as_str()).unwrap().0, 200);
    assert_eq!(get(&address, "/riverside/fhir/Observation", token["token"].as_str()).unwrap().0, 403);
    place.run(&["token", "--name", "monitor", "--scopes", "patient"], 70);
    // The record is copied, counted and checked while it is in use; what would change it is refused.
    let taken = place.json(&["backup", "now"], 0);
    assert_eq!(taken["taken"][0]["manifest"]["resources"], 0, "{taken}");
    assert_eq!(place.json(&["db", "stats"], 0)["organisations"][0]["resources"], 0);
    assert_eq!(place.json(&["db", "verify"], 0)["organisations"][0]["issues"], serde_json::json!([]));
    place.run(&["db", "reindex"], 75);
    place.run(&["import", "fhir", "continuo.toml"], 75);
    assert_eq!(server.stop().0, Some(0));
    place.run(&["healthcheck", "--url", &format!("http://{address}")], 69);
}

#[test]
fn a_wish_to_stop_is_heard_at_any_moment_of_the_start() {
    let place = Place::new();
    // From the first answer of the door until well after it is ready; a lost wish would leave it running for ever.
    for pause in [0, 5, 10, 20, 30, 40, 60, 80, 120, 200] {
        let address = free_address();
        let mut server = Server::start(place.command(&["--config", "continuo.toml", "serve", "--bind", &address]));
        while get(&address, "/livez", None).is_err() {
            assert!(server.0.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(pause));
        std::process::Command::new("kill").args(["-TERM", &server.0.id().to_string()]).status().unwrap();
        let begun = Instant::now();
        let status = loop {
            match server.0.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begun.elapsed() < Duration::from_secs(60), "{pause} ms after the door opened: unheard"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0), "{pause} ms after the door opened");
    }
}
