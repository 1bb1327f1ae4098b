//! How quickly documents of others come in, how much memory a large one takes, and how quickly a person is found among
//! many; each in a store of its own, in a folder that is emptied first. Ends with one line of JSON for
//! `cargo xtask bench --only K`.
//!
//! ```text
//! cargo run --release -p care --example exchange_speed -- make FOLDER [megabytes]     writes the documents
//! cargo run --release -p care --example exchange_speed -- documents FOLDER            reads them and takes them in
//! cargo run --release -p care --example exchange_speed -- large FOLDER                the large one alone
//! cargo run --release -p care --example exchange_speed -- matching FOLDER PEOPLE [seconds]
//! ```
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use care::Organisation;
use care::access::{Access, AccessSettings, LabelRules};
use care::demo::{Org, Population, Registrations};
use care::exchange::documents;
use care::identity::{self, Grade, Thresholds};
use care::organisation::Surroundings;
use fhir::search::row::BaseUrls;
use fhir::{Draft, Key, Value};
use formats::ccda::write::{Author, Kind, Making, write};
use serde_json::json;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use store::{Batch, Caller, Change, Expect, Labels, Settings, Store, Write};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NOW: i64 = 1_795_348_800_000_000;
/// People whose documents are made; four kinds of each.
const PEOPLE: usize = 60;
const CLIENTS: usize = 4;

#[derive(Default)]
struct Counting(AtomicU64);

impl Surroundings for Counting {
    fn now(&self) -> i64 {
        NOW
    }

    fn new_id(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("secret-{}", self.0.fetch_add(1, Relaxed))
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: usize| words.get(at).and_then(|it| it.parse().ok()).unwrap_or(usual);
    let folder = PathBuf::from(words.get(1).ok_or("a folder")?);
    let told = match words.first().map(String::as_str) {
        Some("make") => make(&folder, number(2, 20))?,
        Some("documents") => measure(&folder).await?,
        Some("large") => large(&folder).await?,
        Some("matching") => matching(&folder, number(2, 100_000), number(3, 10) as u64).await?,
        _ => return Err("make, documents, large or matching".into()),
    };
    println!("{told}");
    Ok(())
}

async fn open(folder: &Path, name: &str) -> Outcome<Arc<Organisation>> {
    let place = folder.join(name);
    std::fs::remove_dir_all(&place).ok();
    std::fs::create_dir_all(&place)?;
    let base = "http://bench.example/riverside".to_owned();
    let store = Store::open(Settings {
        organisation: "riverside".into(),
        address: place.join("store.db").display().to_string(),
        bases: BaseUrls::new([format!("{base}/fhir")]),
        labels: Labels(Some(LabelRules::ours())),
        likeness: Some(identity::keys_of),
        ..Settings::default()
    })
    .await?;
    let surroundings: Arc<dyn Surroundings> = Arc::new(Counting::default());
    let settings = AccessSettings::of("Riverside Family Practice", &base, [7; 32]);
    let access = Access::new(store.clone(), surroundings.clone(), settings);
    let name = "Riverside Family Practice".to_owned();
    Ok(Arc::new(Organisation { slug: "riverside".into(), name, base, store, access, surroundings }))
}

/// Documents of demo people, and one of so many megabytes: years of results of one of them.
fn make(folder: &Path, megabytes: usize) -> Outcome<Value> {
    let place = folder.join("documents");
    std::fs::create_dir_all(&place)?;
    let population = Population::new(42, PEOPLE, jiff::civil::date(2026, 7, 1));
    let shared = population.organisation(Org::Riverside);
    let mut count = 0;
    let mut longest: Vec<Value> = Vec::new();
    for (nth, record) in population.people(Org::Riverside).enumerate() {
        let all: Vec<Value> = shared.iter().cloned().chain(record.resources.iter().cloned()).collect();
        for (kind, name) in Kind::ALL.into_iter().zip(["ccd", "referral", "discharge", "plan"]) {
            if let Some(document) = document(kind, &all, &format!("{nth}-{name}")) {
                std::fs::write(place.join(format!("{nth}-{name}.xml")), document)?;
                count += 1;
            }
        }
        if all.len() > longest.len() {
            longest = all;
        }
    }
    let seen: Vec<Value> = longest.iter().filter(|it| is_result(it)).cloned().collect();
    let room = megabytes * 1_000_000;
    let (mut text, mut times) = (String::new(), 8_usize);
    while text.len() < room {
        let mut all = longest.clone();
        for nth in 1..times {
            all.extend(seen.iter().map(|it| {
                let mut it = it.clone();
                it["id"] = format!("{}-{nth}", it["id"].as_str().unwrap_or_default()).into();
                if let Some(day) = it["effectiveDateTime"].as_str().map(str::to_owned) {
                    it["effectiveDateTime"] = format!("{:04}{}", 1_980 + nth % 40, &day[4..]).into();
                }
                it
            }));
        }
        text = document(Kind::ContinuityOfCare, &all, "large").ok_or("the first kind can always be made")?;
        times = (times * room / text.len().max(1)).max(times) + times / 50 + 1;
    }
    std::fs::write(folder.join("large.xml"), &text)?;
    Ok(json!({ "documents": count, "large_bytes": text.len() }))
}

fn is_result(it: &Value) -> bool {
    it["resourceType"] == "Observation" && it["effectiveDateTime"].as_str().is_some_and(|it| it.len() >= 10)
}

fn document(kind: Kind, all: &[Value], id: &str) -> Option<String> {
    let of = |kind: &str| all.iter().find(|it| it["resourceType"] == kind);
    let visit = all.iter().rfind(|it| it["resourceType"] == "Encounter" && it["period"]["end"].is_string());
    if kind == Kind::DischargeSummary && visit.is_none() {
        return None;
    }
    let written = write(&Making {
        kind,
        patient: of("Patient")?,
        resources: all,
        base: "https://lakeside.example/fhir",
        author: Author::Person(of("Practitioner")?),
        custodian: of("Organization")?,
        written: "2026-07-01T12:00:00Z",
        id,
        set: id,
        version: 1,
        encounter: visit.filter(|_| kind == Kind::DischargeSummary),
        recipient: (kind == Kind::ReferralNote).then_some("Dr. Maria Alvarez"),
        reason: Some("Needs the opinion of a specialist."),
        assessment: (kind == Kind::ReferralNote).then_some("Stable, to be seen within a month."),
        instructions: Some("Come back in two weeks."),
    });
    String::from_utf8(written).ok()
}

fn files(folder: &Path) -> Outcome<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder.join("documents"))?.filter_map(Result::ok).map(|it| it.path()).collect();
    paths.sort();
    Ok(paths.iter().map(std::fs::read).collect::<Result<_, _>>()?)
}

/// All documents: read alone, then taken in by several at once, then once more.
async fn measure(folder: &Path) -> Outcome<Value> {
    let files = Arc::new(files(folder)?);
    let begun = Instant::now();
    for file in files.iter() {
        formats::ccda::read(file)?;
    }
    let read = files.len() as f64 / begun.elapsed().as_secs_f64();
    let organisation = open(folder, "taken").await?;
    let mut taken = Vec::new();
    for round in 0..2 {
        let begun = Instant::now();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for _ in 0..CLIENTS {
            let (next, files, organisation) = (next.clone(), files.clone(), organisation.clone());
            tasks.push(tokio::spawn(async move {
                let mut wrote = 0;
                while let Some(file) = files.get(next.fetch_add(1, Relaxed)) {
                    let caller = Caller::system("bench");
                    let taken = documents::take(&organisation, &caller, file, None, NOW).await?;
                    wrote += taken.received.keys.len();
                }
                Ok::<usize, documents::TakeError>(wrote)
            }));
        }
        let mut wrote = 0;
        for task in tasks {
            wrote += task.await??;
        }
        let seconds = begun.elapsed().as_secs_f64();
        taken.push(json!({ "per_second": (files.len() as f64 / seconds).round(), "resources": wrote }));
        if round == 1 && wrote > 0 {
            return Err("the same documents again were something new".into());
        }
    }
    organisation.store.close().await;
    let bytes: usize = files.iter().map(Vec::len).sum();
    Ok(json!({
        "documents": files.len(),
        "mean_bytes": bytes / files.len().max(1),
        "read_per_second": read.round(),
        "taken_in": taken[0],
        "again": taken[1],
    }))
}

/// The large document: what reading it takes beside its bytes, and what taking it in takes above what a warm store
/// held before the document was there.
async fn large(folder: &Path) -> Outcome<Value> {
    let organisation = open(folder, "large").await?;
    let caller = Caller::system("bench");
    for file in files(folder)?.iter().take(40) {
        documents::take(&organisation, &caller, file, None, NOW).await?;
    }
    let before = status("VmRSS");
    let bytes = std::fs::read(folder.join("large.xml"))?;
    forget_peak();
    let held = status("VmRSS");
    let begun = Instant::now();
    let mut counted = Counted(0);
    formats::ccda::read_to(&bytes, &mut counted)?;
    let (read_seconds, read_kb) = (begun.elapsed().as_secs_f64(), status("VmHWM").saturating_sub(held));
    forget_peak();
    let begun = Instant::now();
    let taken = documents::take(&organisation, &caller, &bytes, None, NOW).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let peak = status("VmHWM").saturating_sub(before);
    organisation.store.close().await;
    let megabytes = |kilobytes: u64| (kilobytes as f64 / 102.4).round() / 10.0;
    Ok(json!({
        "bytes": bytes.len(),
        "resources": taken.received.keys.len(),
        "read_seconds": (read_seconds * 100.0).round() / 100.0,
        "read_mb_beside_the_bytes": megabytes(read_kb),
        "taken_in_seconds": (seconds * 100.0).round() / 100.0,
        "taken_in_mb_with_the_bytes": megabytes(peak),
    }))
}

struct Counted(usize);

impl formats::ccda::Taker for Counted {
    fn resource(&mut self, _: String, _: Value) {
        self.0 += 1;
    }
}

/// In kB.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|it| it.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// From here on the peak is counted anew (proc(5), clear_refs).
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// A person who was written down once more, looked for among all.
async fn matching(folder: &Path, people: usize, seconds: u64) -> Outcome<Value> {
    let organisation = open(folder, "people").await?;
    let registrations = Arc::new(Registrations::new(7));
    let begun = Instant::now();
    let caller = Caller::system("bench");
    for from in (0..people).step_by(1_000) {
        let writes = (from..people.min(from + 1_000)).map(|number| {
            let value = registrations.patient(number as u64);
            let key = Key::parse(&format!("Patient/{}", value["id"].as_str().unwrap_or_default())).ok_or("an id")?;
            let checked = Draft::from_value(value).check().map_err(|_| "a registration is valid")?;
            Ok(Write { key, expect: Expect::New, change: Change::Put(checked) })
        });
        let writes = writes.collect::<Result<Vec<Write>, &str>>()?;
        organisation.store.commit(&caller, Batch { writes, action: "fill", ..Batch::default() }, NOW).await?;
    }
    let filled = begun.elapsed().as_secs_f64();
    // Names are counted once for many questions.
    identity::frequencies(&organisation.store).await?;
    let begun = Instant::now();
    let limit = Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for client in 0..CLIENTS as u64 {
        let (organisation, registrations) = (organisation.clone(), registrations.clone());
        tasks.push(tokio::spawn(async move {
            let caller = Caller::system("bench");
            let (mut times, mut first) = (Vec::new(), 0_u64);
            for nth in 0_u64.. {
                if begun.elapsed() >= limit {
                    break;
                }
                let number = (nth * CLIENTS as u64 + client).wrapping_mul(7_919) % people as u64;
                let asked = registrations.again(number, 1);
                let sent = Instant::now();
                let store = &organisation.store;
                let found = identity::candidates(store, &caller, &asked, &Thresholds::default(), "match").await?;
                times.push(sent.elapsed().as_micros() as u64);
                let right = |it: &identity::Candidate| {
                    it.id.as_str() == format!("p{number}") && it.grade != Grade::CertainlyNot
                };
                first += u64::from(found.first().is_some_and(right));
            }
            Ok::<(Vec<u64>, u64), store::StoreError>((times, first))
        }));
    }
    let (mut times, mut first) = (Vec::new(), 0);
    for task in tasks {
        let (some, right) = task.await??;
        times.extend(some);
        first += right;
    }
    let took = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default() as f64 / 1000.0;
    organisation.store.close().await;
    Ok(json!({
        "people": people,
        "written_per_second": (people as f64 / filled).round(),
        "queries_per_second": (times.len() as f64 / took).round(),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "found_first_percent": (first as f64 / times.len().max(1) as f64 * 1000.0).round() / 10.0,
        "memory_mb": status("VmRSS") / 1024,
    }))
}
