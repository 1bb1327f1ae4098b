//! Import, export, backup and restore, by the command line as an operator uses it.

use crate::harness::Place;
use serde_json::{Value, json};

/// Synthea's way: a life that refers to staff by identifier, in a file that comes before theirs.
fn write_lives(place: &Place) {
    let entry = |name: &str, resource: Value| {
        let kind = resource["resourceType"].clone();
        json!({ "fullUrl": format!("urn:uuid:{name}"), "resource": resource, "request": { "method": "POST", "url": kind } })
    };
    let life = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        entry("11111111-1111-4111-8111-111111111111", json!({ "resourceType": "Patient", "name": [{ "family": "Reyes" }] })),
        entry("22222222-2222-4222-8222-222222222222", json!({
            "resourceType": "Observation", "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
            "subject": { "reference": "urn:uuid:11111111-1111-4111-8111-111111111111" },
            "performer": [{ "reference": "Practitioner?identifier=http://npi.example|7" }],
            "valueQuantity": { "value": 70.50, "unit": "kg" }
        })),
        entry("33333333-3333-4333-8333-333333333333", json!({
            "resourceType": "Encounter", "status": "finished",
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
            "participant": [{ "individual": { "reference": "urn:uuid:44444444-4444-4444-8444-444444444444" } }]
        })),
    ] });
    let staff = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        entry("44444444-4444-4444-8444-444444444444", json!({
            "resourceType": "Practitioner", "identifier": [{ "system": "http://npi.example", "value": "7" }]
        })),
        { "resource": { "resourceType": "Organization", "name": "Lab" },
          "request": { "method": "POST", "url": "Organization", "ifNoneExist": "name=Lab" } },
    ] });
    place.write("in/a-life.json", &life);
    place.write("in/z-staff.json", &staff);
}

fn totals(report: &Value) -> (u64, u64, u64, u64) {
    let number = |name: &str| report["resources"][name].as_u64().unwrap();
    (number("created"), number("updated"), number("unchanged") + number("kept"), number("refused"))
}

#[test]
fn bringing_the_same_files_again_changes_nothing() {
    let place = Place::new();
    write_lives(&place);
    let dry = place.json(&["import", "fhir", "in", "--dry-run"], 0);
    assert_eq!(totals(&dry), (5, 0, 0, 0), "{dry}");
    assert_eq!(place.json(&["db", "stats"], 0)["organisations"][0]["versions"], 0, "a dry run writes nothing");

    let first = place.json(&["import", "fhir", "in", "--report", "report.json"], 0);
    assert_eq!(totals(&first), (5, 0, 0, 0), "{first}");
    assert_eq!(first["waited_for_others"], 2, "two refer to staff of a later file: {first}");
    assert_eq!(first["references_unresolved"], 0, "{first}");
    let kept: Value = serde_json::from_slice(&std::fs::read(place.folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(kept["resources"], first["resources"]);

    let second = place.json(&["import", "fhir", "in"], 0);
    assert_eq!(totals(&second), (0, 0, 5, 0), "{second}");
    assert_eq!(totals(&place.json(&["import", "fhir", "in", "--dry-run"], 0)), (0, 0, 5, 0));
    assert_eq!(place.json(&["db", "stats"], 0)["organisations"][0]["versions"], 5);
    assert_eq!(place.json(&["db", "verify"], 0)["organisations"][0]["issues"], json!([]));
}

#[test]
fn references_lead_where_they_led_and_decimals_keep_their_digits() {
    let place = Place::new();
    write_lives(&place);
    // 70.50 as text: a JSON number in a test would lose its zero.
    let path = place.folder.join("in/a-life.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"value\":70.5,", "\"value\":70.50,");
    std::fs::write(&path, text).unwrap();
    place.run(&["import", "fhir", "in"], 0);
    place.run(&["export", "fhir", "--to", "out"], 0);
    let text = std::fs::read_to_string(place.folder.join("out/Observation.ndjson")).unwrap();
    assert!(text.contains("70.50"), "{text}");
    let observation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(observation["subject"]["reference"], "Patient/11111111-1111-4111-8111-111111111111");
    assert_eq!(observation["performer"][0]["reference"], "Practitioner/44444444-4444-4444-8444-444444444444");
    let encounter = std::fs::read_to_string(place.folder.join("out/Encounter.ndjson")).unwrap();
    assert!(encounter.contains("\"Practitioner/44444444-4444-4444-8444-444444444444\""), "{encounter}");
    // What was exported is found unchanged when it comes back.
    let again = place.json(&["import", "fhir", "out"], 0);
    assert_eq!(totals(&again), (0, 0, 5, 0), "{again}");
    let everything = place.run(&["export", "patient", "11111111-1111-4111-8111-111111111111"], 0);
    let bundle: Value = serde_json::from_slice(&everything.stdout).unwrap();
    let kinds: Vec<&str> =
        bundle["entry"].as_array().unwrap().iter().filter_map(|it| it["resource"]["resourceType"].as_str()).collect();
    assert!(kinds.contains(&"Patient") && kinds.contains(&"Observation"), "{kinds:?}");
}

#[test]
fn a_bad_resource_is_listed_and_the_rest_goes_in() {
    let place = Place::new();
    let lines = [
        json!({ "resourceType": "Patient", "id": "good" }).to_string(),
        json!({ "resourceType": "Patient", "id": "bad", "birthDate": "yesterday, Mr Reyes said" }).to_string(),
        "{ not json".to_owned(),
    ];
    std::fs::write(place.folder.join("people.ndjson"), lines.join("\n")).unwrap();
    let report = place.json(&["import", "fhir", "people.ndjson"], 65);
    assert_eq!(totals(&report), (1, 0, 0, 2), "{report}");
    let places: Vec<&str> =
        report["refused"].as_array().unwrap().iter().filter_map(|it| it["place"].as_str()).collect();
    assert_eq!(places.len(), 2);
    assert!(
        places.iter().any(|it| it.starts_with("people.ndjson:2"))
            && places.iter().any(|it| it.starts_with("people.ndjson:3"))
    );
    assert!(!report.to_string().contains("Reyes"), "the report holds no values: {report}");
    place.run(&["import", "fhir", "people.ndjson", "--strict"], 65);
}

#[test]
fn a_backup_is_checked_and_puts_the_record_back() {
    let place = Place::new();
    write_lives(&place);
    place.run(&["import", "fhir", "in"], 0);
    let taken = place.json(&["backup", "now"], 0);
    assert_eq!(taken["taken"][0]["manifest"]["resources"], 5, "{taken}");
    place.write("more.json", &json!({ "resourceType": "Patient", "id": "later" }));
    place.run(&["import", "fhir", "more.json"], 0);
    assert_eq!(place.json(&["backup", "verify"], 0)["verified"][0]["wrong"], json!([]));

    let listed = place.json(&["backup", "list"], 0);
    let name = listed["backups"][0]["name"].as_str().unwrap().to_owned();
    place.run(&["restore", "--from", &name, "--dry-run"], 0);
    place.run(&["restore", "--from", &name], 64);
    place.run(&["restore", "--from", &name, "--yes"], 0);
    let stats = place.json(&["db", "stats"], 0);
    assert_eq!(stats["organisations"][0]["resources"], 5, "what came after the backup is gone: {stats}");
    assert_eq!(place.json(&["db", "verify"], 0)["organisations"][0]["issues"], json!([]));

    // One byte of the copy changes.
    let folder = listed["backups"][0]["folder"].as_str().unwrap();
    let copy = place.folder.join(folder).join("record.db");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    place.run(&["backup", "verify"], 65);
    place.run(&["restore", "--from", &name, "--yes"], 65);
    place.run(&["restore", "--from", "riverside/never", "--yes"], 66);
}

#[test]
fn a_restore_goes_back_to_a_moment() {
    let place = Place::new();
    let patient = |family: &str| json!({ "resourceType": "Patient", "id": "7", "name": [{ "family": family }] });
    place.write("p.json", &patient("Reyes"));
    place.run(&["import", "fhir", "p.json"], 0);
    std::thread::sleep(std::time::Duration::from_millis(20));
    let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%6NZ"]).output().unwrap().stdout;
    let moment = String::from_utf8(now).unwrap().trim().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.write("p.json", &patient("Okafor"));
    place.write("q.json", &json!({ "resourceType": "Patient", "id": "8" }));
    place.run(&["import", "fhir", "p.json", "q.json"], 0);
    place.run(&["backup", "now"], 0);
    let name = place.json(&["backup", "list"], 0)["backups"][0]["name"].as_str().unwrap().to_owned();
    let report = place.json(&["restore", "--from", &name, "--to-time", &moment, "--yes"], 0);
    assert_eq!(report["versions_taken_away"], 2, "{report}");
    place.run(&["export", "fhir", "--to", "out"], 0);
    let people = std::fs::read_to_string(place.folder.join("out/Patient.ndjson")).unwrap();
    assert!(people.contains("Reyes") && !people.contains("Okafor") && people.lines().count() == 1, "{people}");
    assert_eq!(place.json(&["db", "verify"], 0)["organisations"][0]["issues"], json!([]));
    // What came after the copy is not in it.
    place.run(&["restore", "--from", &name, "--to-time", "2999-01-01T00:00:00Z", "--dry-run"], 64);
}

#[test]
fn a_tool_that_was_asked_wrongly_says_so_by_its_exit_code() {
    let place = Place::new();
    place.run(&["db", "stats", "--organisation", "nowhere"], 64);
    place.run(&["import", "fhir", "nothing-here"], 66);
    place.run(&["--set", "server.bnd=1", "db", "stats"], 78);
    assert_eq!(place.command(&["dance"]).output().unwrap().status.code(), Some(64));
    let version = place.json(&["version"], 0);
    assert_eq!(version["fhir"], "4.0.1");
    let completions = place.run(&["completions", "bash"], 0);
    assert!(String::from_utf8_lossy(&completions.stdout).contains("_continuo"));
    place.run(&["man", "--folder", "man"], 0);
    assert!(place.folder.join("man/continuo-import.1").exists() || place.folder.join("man/continuo.1").exists());
}

#[test]
fn roles_of_a_site_are_read_before_anybody_works_under_them() {
    let place = Place::new();
    let check = ["--set", "access.roles=roles", "config", "check"];
    place.run(&check, 66);
    std::fs::create_dir_all(place.folder.join("roles")).unwrap();
    let scribe = "key = \"scribe\"\nname = \"Scribe\"\nabout = \"Writes down what is said.\"\nrecipient = \"staff\"\n\
        purposes = [\"TREAT\"]\npermissions = [\"chart.open\"]\n\
        [[grant]]\ntypes = [\"Patient\"]\nactions = \"rs\"\nwithin = \"organisation\"\n";
    std::fs::write(place.folder.join("roles/scribe.toml"), scribe).unwrap();
    place.run(&check, 0);
    std::fs::write(place.folder.join("roles/scribe.toml"), scribe.replace("\"rs\"", "\"everything\"")).unwrap();
    let told = place.run(&check, 78).stderr;
    assert!(String::from_utf8_lossy(&told).contains("scribe.toml"), "{}", String::from_utf8_lossy(&told));
}
