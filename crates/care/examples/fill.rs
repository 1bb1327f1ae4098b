//! Fills a fresh store with demo people and says how long each step took and how much lies on disk:
//! `cargo run --release -p care --example fill -- FOLDER PATIENTS [CLIENTS]`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use care::demo::{Org, Population};
use fhir::search::row::BaseUrls;
use fhir::{Draft, Key};
use std::time::{Duration, Instant};
use store::{Batch, Caller, Change, Expect, Settings, Store, Write};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder");
    let patients: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(200);
    let clients: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(8);
    let address = format!("{folder}/fill.db");
    for end in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{address}{end}")).ok();
    }
    let settings = Settings {
        organisation: "fill".into(),
        address: address.clone(),
        bases: BaseUrls::new(["http://localhost/fhir"]),
        ..Settings::default()
    };
    let store = Store::open(settings).await.expect("opens");
    let population = Population::new(7, patients, jiff::civil::date(2026, 11, 22));
    let begin = Instant::now();
    let mut batches: Vec<Vec<serde_json::Value>> = vec![population.organisation(Org::Riverside)];
    batches.extend(population.people(Org::Riverside).map(|record| record.resources));
    let generated = begin.elapsed();
    let resources: usize = batches.iter().map(Vec::len).sum();
    let bytes: usize = batches.iter().flatten().map(|it| it.to_string().len()).sum();
    println!("{resources} resources, {} bytes each, generated in {generated:?}", bytes / resources);
    let begin = Instant::now();
    let batches: Vec<Vec<Write>> = batches.into_iter().map(checked).collect();
    rate("checked", resources, begin.elapsed());
    let begin = Instant::now();
    let queue = std::sync::Arc::new(std::sync::Mutex::new(batches));
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (queue, store) = (queue.clone(), store.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let next = queue.lock().expect("no panic").pop();
                let Some(writes) = next else { break };
                let batch = Batch { writes, guards: Vec::new(), action: "fill", ..Batch::default() };
                store.commit(&Caller::system("fill"), batch, 1_795_348_800_000_000).await.expect("commits");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    rate("committed", resources, begin.elapsed());
    let stats = store.stats(&Caller::system("fill")).await.expect("counts");
    store.close().await;
    let size = std::fs::metadata(&address).expect("the file").len();
    println!("{} bytes on disk, {} each; rows: {:?}", size, size / resources as u64, stats.rows);
}

fn rate(what: &str, resources: usize, took: Duration) {
    println!("{what} in {took:?}: {:.0}/s", resources as f64 / took.as_secs_f64());
}

fn checked(resources: Vec<serde_json::Value>) -> Vec<Write> {
    let check = |value: serde_json::Value| {
        let key = Key::parse(&format!(
            "{}/{}",
            value["resourceType"].as_str().unwrap_or_default(),
            value["id"].as_str().unwrap_or_default()
        ));
        let checked = Draft::from_value(value).check().unwrap_or_else(|issues| panic!("{key:?}: {issues:?}"));
        Write { key: key.expect("an id"), expect: Expect::Absent, change: Change::Put(checked) }
    };
    resources.into_iter().map(check).collect()
}
