//! What a look costs: reads by id at random, with the audit log as it is by default and strict. Prints microseconds of
//! CPU and of time for each read, and how fast the log is verified.
//!
//! `cargo run --release -p store --example looks -- FOLDER [reads]`

#![allow(clippy::print_stdout, clippy::disallowed_methods)] // A tool for the one who measures.

use fhir::{Checked, Key};
use serde_json::json;
use std::path::Path;
use std::time::Instant;
use store::{Batch, Caller, Change, Expect, Settings, Store, Write};

const PATIENTS: usize = 5_000;
const OBSERVATIONS: usize = 50_000;
const READERS: usize = 64;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder for the store");
    let reads: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(300_000);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for strict in [false, true] {
        measure(Path::new(&folder), strict, if strict { reads / 10 } else { reads }).await;
    }
}

async fn measure(folder: &Path, strict: bool, reads: usize) {
    let path = folder.join(format!("looks-{strict}.db"));
    for end in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{end}", path.display())).ok();
    }
    let mut settings =
        Settings { organisation: "looks".into(), address: path.display().to_string(), ..Settings::default() };
    settings.audit.strict = strict;
    let store = Store::open(settings).await.expect("the store opens");
    fill(&store).await;
    let (begun, cpu) = (Instant::now(), cpu());
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let store = store.clone();
            tokio::spawn(async move {
                let caller = Caller::system("looks").with_request("7f3c2a10-0001");
                let mut dice = reader as u64 * 7_919 + 1;
                for _ in 0..reads / READERS {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let key = format!("Observation/o{}", (dice >> 33) as usize % OBSERVATIONS);
                    store.read(&caller, &Key::parse(&key).expect("a key")).await.expect("it is there");
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.expect("no reader panics");
    }
    let each = |total: f64| total / reads as f64 * 1e6;
    let (took, used) = (begun.elapsed().as_secs_f64(), self::cpu() - cpu);
    println!("strict {strict}: {reads} reads, {:.2} us CPU and {:.2} us each", each(used), each(took));
    let begun = Instant::now();
    let report = store.audit_verify(&Caller::system("looks"), &[], &|_, _| {}).await.expect("the log can be read");
    let rate = report.entries as f64 / begun.elapsed().as_secs_f64();
    println!("strict {strict}: {} entries verified, {rate:.0} a second, bad: {:?}", report.entries, report.bad);
    store.close().await;
}

async fn fill(store: &Store) {
    let write = |value: serde_json::Value| {
        let key = format!(
            "{}/{}",
            value["resourceType"].as_str().unwrap_or_default(),
            value["id"].as_str().unwrap_or_default()
        );
        let change = Change::Put(Checked::trusted(value).expect("a resource"));
        Write { key: Key::parse(&key).expect("a key"), expect: Expect::Anything, change }
    };
    let patients = (0..PATIENTS).map(|it| json!({"resourceType": "Patient", "id": format!("p{it}")}));
    let observations = (0..OBSERVATIONS).map(|it| {
        json!({"resourceType": "Observation", "id": format!("o{it}"), "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}, "subject": {"reference": format!("Patient/p{}", it * 7 % PATIENTS)}})
    });
    let all: Vec<Write> = patients.chain(observations).map(write).collect();
    let mut all = all.into_iter();
    loop {
        let writes: Vec<Write> = all.by_ref().take(1_000).collect();
        if writes.is_empty() {
            return;
        }
        let batch = Batch { writes, action: "import", ..Batch::default() };
        store.commit(&Caller::system("looks"), batch, 1_795_348_800_000_000).await.expect("it is written");
    }
}

/// Seconds of CPU that this process has used (Linux, 100 ticks a second).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap_or(0.0)).sum::<f64>() / 100.0
}
