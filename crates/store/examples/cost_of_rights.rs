//! What it costs to be safe: the same reads and searches as our own work and as a patient, a nurse with labels, and
//! somebody who cares for thousands. `cargo run --release -p store --example cost_of_rights`

#![allow(clippy::print_stdout)] // What it measures is for whoever started it.

use fhir::search::query::{Filter, Query, Source, Test, TokenTest};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Checked, Id, Key, ResourceType};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use store::{
    Actions, Batch, Caller, Change, Expect, Grant, Kinds, Layer, PageQuery, Rights, Settings, Store, Veil, Within,
    Write,
};

const PATIENTS: usize = 400;
const EACH: usize = 20;

fn rights(within: Within, veils: Vec<Veil>) -> Arc<Rights> {
    let grant = Grant { kinds: Kinds::all(), actions: Actions::ALL, within };
    let layer = Layer { name: "example".into(), grants: vec![grant] };
    Arc::new(Rights::new(vec![layer], veils, BTreeSet::new()))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = std::env::temp_dir().join(format!("continuo-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the store");
    let settings = Settings { address: folder.join("store.db").display().to_string(), ..Settings::default() };
    let store = Store::open(settings).await.expect("a new store");
    let me = Caller::system("example");
    for patient in 0..PATIENTS {
        let mut values =
            vec![json!({"resourceType": "Patient", "id": format!("p{patient}"), "name": [{"family": "Reyes"}]})];
        values.extend((0..EACH).map(|at| {
            json!({"resourceType": "Observation", "id": format!("o{patient}-{at}"), "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": format!("{}-{}", at % 10, at % 7)}]},
                "subject": {"reference": format!("Patient/p{patient}")}, "effectiveDateTime": format!("20{:02}-05-01", at),
                "performer": [{"reference": "Practitioner/d1"}], "valueQuantity": {"value": at, "unit": "mg"}})
        }));
        let write = |value: serde_json::Value| Write {
            key: Key::parse(&format!(
                "{}/{}",
                value["resourceType"].as_str().unwrap_or(""),
                value["id"].as_str().unwrap_or("")
            ))
            .expect("a key"),
            expect: Expect::Anything,
            change: Change::Put(Checked::trusted(value).expect("a resource")),
        };
        let writes = values.into_iter().map(write).collect();
        store.commit(&me, Batch { writes, action: "example", ..Batch::default() }, 1_000_000).await.expect("written");
    }
    let registry = store.registry();
    let observation = ResourceType::parse("Observation").expect("a type");
    let security: Vec<Source> = registry.param(observation, "_security").expect("a parameter").sources.clone();
    let labels = ["ETH", "PSY", "HIV", "SEX"]
        .map(|code| Test::Token(TokenTest::Coding { system: Some("http://labels".into()), code: code.into() }));
    let hides = Filter::Row { sources: security, tests: labels.to_vec() }.into();
    let veil = Veil { rule: "label".into(), kinds: Kinds::all(), hides, names: BTreeMap::new() };
    let id = |at: usize| Id::parse(&format!("p{at}")).expect("an id");
    let callers = [
        ("system", Rights::everything()),
        ("patient", rights(Within::Patients(vec![id(7)]), Vec::new())),
        ("labels", rights(Within::Organisation, vec![veil])),
        ("300 patients", rights(Within::Of(Arc::new((0..300).map(id).collect())), Vec::new())),
    ]
    .map(|(name, rights)| (name, Caller { rights, ..me.clone() }));
    let query = |of: &str, params: &[(&str, &str)]| {
        let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: 0 };
        let params: Vec<_> = params.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let scope = match Key::parse(of) {
            Some(owner) => Scope::Compartment { owner, kind: Some(observation) },
            None => Scope::Type(ResourceType::parse(of).expect("a type")),
        };
        reading.query(&scope, &params, Handling::Strict).expect("a search").0
    };
    let searches: Vec<(&str, Query)> = vec![
        ("patient=", query("Observation", &[("patient", "Patient/p7")])),
        ("patient, code", query("Observation", &[("patient", "Patient/p7"), ("code", "http://loinc.org|3-3")])),
        ("patient, sorted", query("Observation", &[("patient", "Patient/p7"), ("_sort", "-date"), ("_count", "10")])),
        ("compartment", query("Patient/p7", &[])),
        ("code only", query("Observation", &[("code", "http://loinc.org|3-3"), ("_count", "10")])),
        ("_include", query("Observation", &[("patient", "Patient/p7"), ("_include", "Observation:subject")])),
    ];
    const ROUNDS: usize = 12;
    let mut times: Vec<(String, Vec<f64>)> = Vec::new();
    // In turns, and the best of each: others use this machine too.
    for round in 0..ROUNDS {
        for (place, (_, caller)) in callers.iter().enumerate() {
            let mut note = |what: &str, time: f64| {
                let row = match times.iter().position(|(name, _)| name == what) {
                    Some(at) => at,
                    None => {
                        times.push((what.to_owned(), vec![f64::MAX; callers.len()]));
                        times.len() - 1
                    }
                };
                if round > 0 {
                    times[row].1[place] = times[row].1[place].min(time);
                }
            };
            let keys: Vec<Key> =
                (0..EACH).map(|at| Key::parse(&format!("Observation/o7-{at}")).expect("a key")).collect();
            let started = Instant::now();
            for key in keys.iter().cycle().take(600) {
                store.read(caller, key).await.expect("it is there");
            }
            note("read", started.elapsed().as_secs_f64() / 600.0);
            for (name, query) in &searches {
                let asked = PageQuery { query: query.clone(), default_count: 50, max_count: 100, cursor: None };
                let times = if *name == "code only" { 10 } else { 60 };
                let started = Instant::now();
                for _ in 0..times {
                    let page = store.search(caller, &asked).await.expect("an answer");
                    assert!(!page.entries.is_empty());
                }
                note(name, started.elapsed().as_secs_f64() / f64::from(times));
            }
        }
    }
    print!("{:<18}", "µs (ratio)");
    callers.iter().for_each(|(name, _)| print!("{name:>20}"));
    println!();
    for (name, row) in &times {
        print!("{name:<18}");
        row.iter().for_each(|time| print!("{:>12.1} ({:>4.2})", time * 1e6, time / row[0]));
        println!();
    }
    store.close().await;
    std::fs::remove_dir_all(&folder).ok();
}
