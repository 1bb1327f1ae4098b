//! `continuo import fhir`: brings in what others exported. Documents are read in order and prepared on all
//! cores; what refers to something that has not come yet waits until everything has. Bringing the same files
//! again changes nothing: names come from the documents (see `care::exchange::bundle`), and of two resources
//! that claim the same name within one import the first is taken, each time.
//!
//! A bad resource is listed and skipped, the rest goes in (`--strict` stops instead).

mod checkpoint;
mod report;
mod resolve;
mod source;

use crate::cli::{Common, ImportFhir};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::places;
use crate::terminal::{self, Progress};
use crate::world;
use care::exchange::bundle::{self, Arrival, Known, Names, Wanted};
use checkpoint::Checkpoint;
use fhir::checked::Limits;
use fhir::{Checked, Draft, Issue, IssueCode, Key, ResourceType};
use futures::stream::{FuturesOrdered, StreamExt};
use report::{Fate, Report};
use resolve::{Found, Resolver};
use serde_json::Value;
use source::Document;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use store::{Batch, Caller, Change, Expect, Store, Write};

/// How many resources are committed together.
const TOGETHER: usize = 600;
/// Commits under way at once.
const UNDER_WAY: usize = 3;
/// The largest single document: a whole life in one bundle has tens of megabytes.
const LARGEST: usize = 1024 * 1024 * 1024;

/// A resource that may be written.
struct Ready {
    place: String,
    key: Key,
    checked: Checked,
}

/// A resource that must wait: something it refers to is not there yet.
struct Waiting {
    place: String,
    key: Key,
    resource: Value,
    wanted: Vec<Wanted>,
}

/// What became of a document.
#[derive(Default)]
struct Prepared {
    ready: Vec<Ready>,
    waiting: Vec<Waiting>,
    kept: Vec<ResourceType>,
    refused: Vec<(String, Option<ResourceType>, Vec<Issue>)>,
}

pub(crate) async fn fhir(common: &Common, config: &Config, wanted: ImportFhir) -> Done {
    let place = places::one(common, config)?;
    let folder = places::folder(common, config)?;
    let _hold = places::hold(&folder)?;
    let files = source::files(&wanted.paths)?;
    let checkpoint = Checkpoint::of(&folder, &place.slug, &files);
    let skip = if wanted.resume { checkpoint.read() } else { 0 };
    let store = place.open().await?;
    let begun = Instant::now();
    let total: u64 = files.iter().map(|(_, size)| size).sum();
    let bytes = Arc::new(AtomicU64::new(0));
    let (documents, reader) = start_reading(files, bytes.clone());
    let mut import = Import {
        store: store.clone(),
        slug: place.slug.clone(),
        resolver: Arc::new(Resolver::new(store.clone(), &place.slug, wanted.dry_run)),
        dry_run: wanted.dry_run,
        strict: wanted.strict,
        seen: HashSet::new(),
        waiting: Vec::new(),
        batch: Vec::new(),
        under_way: FuturesOrdered::new(),
        report: Report::default(),
    };
    let progress = Progress::new(format!("importing into {}", place.name), "bytes");
    let done = import.all(documents, skip, &checkpoint, || progress.set(bytes.load(Relaxed), total)).await;
    progress.finish();
    let read = reader.await.map_err(|error| Failure::new(Exit::Software, format!("the reader failed: {error}")))?;
    store.close().await;
    done?;
    read?;
    if !wanted.dry_run {
        checkpoint.clear();
    }
    let report = import.report;
    let seconds = begun.elapsed().as_secs_f64();
    let json = report.json(&place.slug, wanted.dry_run, seconds);
    if let Some(path) = &wanted.report {
        std::fs::write(path, format!("{json:#}\n")).map_err(Failure::file("write the report", path))?;
    }
    if common.json {
        terminal::json(&json);
    } else {
        report.tell(&place.name, wanted.dry_run, seconds);
    }
    match report.total(Fate::Refused) {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Data, format!("{count} resources could not be taken; the rest went in"))),
    }
}

type Documents = tokio::sync::mpsc::Receiver<Document>;

/// Reads files one after another, a few documents ahead of the work.
fn start_reading(files: Vec<(PathBuf, u64)>, bytes: Arc<AtomicU64>) -> (Documents, tokio::task::JoinHandle<Done>) {
    let (sender, documents) = tokio::sync::mpsc::channel(4);
    let reader = tokio::task::spawn_blocking(move || {
        for (path, _) in files {
            // Nobody listens any more when the import has stopped.
            if !source::read(&path, &bytes, &mut |document| sender.blocking_send(document).is_ok())? {
                break;
            }
        }
        Ok(())
    });
    (documents, reader)
}

type Committed = tokio::task::JoinHandle<Result<Outcomes, Failure>>;

struct Import {
    store: Store,
    slug: String,
    resolver: Arc<Resolver>,
    dry_run: bool,
    strict: bool,
    /// Names taken in this import, as digests: there may be millions.
    seen: HashSet<u64>,
    waiting: Vec<Waiting>,
    batch: Vec<Ready>,
    under_way: FuturesOrdered<Committed>,
    report: Report,
}

impl Import {
    /// Takes all documents. The first `skip` are only named: they were written before an interruption.
    async fn all(&mut self, mut documents: Documents, skip: u64, checkpoint: &Checkpoint, told: impl Fn()) -> Done {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut preparing = FuturesOrdered::new();
        let mut open = true;
        while open || !preparing.is_empty() {
            tokio::select! {
                document = documents.recv(), if open && preparing.len() < threads + 1 => match document {
                    None => open = false,
                    Some(document) => {
                        let resolver = self.resolver.clone();
                        preparing.push_back(tokio::spawn(prepare(document, resolver)));
                    }
                },
                Some(prepared) = preparing.next(), if !preparing.is_empty() => {
                    let prepared = prepared.map_err(|error| Failure::new(Exit::Software, format!("a worker failed: {error}")))??;
                    self.report.documents += 1;
                    let again = self.report.documents <= skip;
                    self.take(prepared, again).await?;
                    told();
                    // What is under way is not yet sure; only a quiet moment may be noted.
                    if self.report.documents.is_multiple_of(64) && !self.dry_run && !again {
                        self.flush().await?;
                        self.settle(0).await?;
                        if self.waiting.is_empty() {
                            checkpoint.write(self.report.documents)?;
                        }
                    }
                }
            }
        }
        self.flush().await?;
        self.settle(0).await?;
        self.latecomers().await
    }

    async fn take(&mut self, prepared: Prepared, again: bool) -> Done {
        for (place, kind, issues) in prepared.refused {
            self.report.refuse(&place, kind, &issues);
            self.stop_if_strict()?;
        }
        for kind in prepared.kept {
            self.report.count(kind, Fate::Kept);
        }
        for ready in prepared.ready {
            if again {
                self.seen.insert(hash(&ready.key));
                self.report.count(ready.key.kind, Fate::Unchanged);
            } else {
                self.accept(ready).await?;
            }
        }
        for waiting in prepared.waiting {
            // The name is taken at its place in the order, not when it is written.
            if self.is_first(&waiting.key) {
                self.waiting.push(waiting);
            }
        }
        Ok(())
    }

    /// Of several that claim one name the first is taken, so that the same files always leave the same record.
    fn is_first(&mut self, key: &Key) -> bool {
        let first = self.seen.insert(hash(key));
        self.report.twice += u64::from(!first);
        first
    }

    async fn accept(&mut self, ready: Ready) -> Done {
        if !self.is_first(&ready.key) {
            return Ok(());
        }
        self.write(ready).await
    }

    async fn write(&mut self, ready: Ready) -> Done {
        self.resolver.would_store(&ready.key, ready.checked.value());
        self.batch.push(ready);
        if self.batch.len() >= TOGETHER { self.flush().await } else { Ok(()) }
    }

    /// Sends what has gathered on its way.
    async fn flush(&mut self) -> Done {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.settle(UNDER_WAY - 1).await?;
        let (store, slug, dry_run) = (self.store.clone(), self.slug.clone(), self.dry_run);
        self.under_way.push_back(tokio::spawn(async move {
            if dry_run { Ok(compare(&store, batch).await) } else { commit(&store, &slug, batch).await }
        }));
        Ok(())
    }

    /// Waits until at most so many commits are under way.
    async fn settle(&mut self, most: usize) -> Done {
        while self.under_way.len() > most
            && let Some(done) = self.under_way.next().await
        {
            let done = done.map_err(|error| Failure::new(Exit::Software, format!("a commit failed: {error}")))??;
            for (place, kind, result) in done {
                match result {
                    Ok(fate) => self.report.count(kind, fate),
                    Err(issue) => {
                        self.report.refuse(&place, Some(kind), &[issue]);
                        self.stop_if_strict()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything has come: whoever is still not there is not coming.
    async fn latecomers(&mut self) -> Done {
        // What waits may wait for another that waits, so names are made known first.
        let waiting = std::mem::take(&mut self.waiting);
        let together: HashMap<String, Key> =
            waiting.iter().map(|it| (format!("urn:uuid:{}", it.key.id), it.key.clone())).collect();
        for mut late in waiting {
            self.report.late += 1;
            let mut found = HashMap::new();
            for wanted in std::mem::take(&mut late.wanted) {
                let known = match &wanted {
                    Wanted::Urn(urn) => together.get(urn).cloned(),
                    Wanted::Search(_) => None,
                };
                let key = match known {
                    Some(key) => Some(key),
                    None => self.resolver.resolve(&wanted).await?,
                };
                match key {
                    Some(key) => {
                        found.insert(wanted, key);
                    }
                    None => {
                        self.report.unresolved += 1;
                        let what = "the reference leads to nothing that came or was here before";
                        self.report.note(&late.place, &Issue::warning(IssueCode::NotFound, late.key.kind.name(), what));
                    }
                }
            }
            bundle::settle(&mut late.resource, &found);
            let (place, key) = (late.place, late.key);
            match check(place.clone(), key.clone(), late.resource) {
                // Its name was taken when it came.
                Ok(ready) => self.write(ready).await?,
                Err(issues) => {
                    self.report.refuse(&place, Some(key.kind), &issues);
                    self.stop_if_strict()?;
                }
            }
        }
        self.flush().await?;
        self.settle(0).await
    }

    fn stop_if_strict(&self) -> Done {
        if self.strict {
            return Err(Failure::new(
                Exit::Data,
                "stopped at the first resource that could not be taken (--strict); without it the rest goes in",
            ));
        }
        Ok(())
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// From text to resources that may be written. What needs the store is asked in between.
async fn prepare(document: Document, resolver: Arc<Resolver>) -> Result<Prepared, Failure> {
    let mut prepared = Prepared::default();
    for (line, text) in document.texts {
        let place = if line == 0 { document.origin.clone() } else { format!("{}:{line}", document.origin) };
        let opened = blocking({
            let place = place.clone();
            move || open(&place, &text)
        })
        .await?;
        let (mut arrivals, refused) = opened;
        prepared.refused.extend(refused);
        let mut keep = vec![true; arrivals.len()];
        for (number, arrival) in arrivals.iter_mut().enumerate() {
            match condition(arrival, &resolver).await? {
                Decision::Write => {}
                Decision::Keep => {
                    keep[number] = false;
                    prepared.kept.push(arrival.key.kind);
                }
                Decision::Refuse(issue) => {
                    keep[number] = false;
                    let where_ = format!("{place} {}", arrival.place);
                    prepared.refused.push((where_, Some(arrival.key.kind), vec![issue]));
                }
            }
        }
        // Names of all, also of those that stay as they are: others refer to them.
        let names = Names::of(&arrivals);
        let mut keep = keep.into_iter();
        arrivals.retain(|_| keep.next().unwrap_or(false));
        let rewritten = blocking(move || {
            let one = |mut arrival: Arrival| {
                let wanted = bundle::rewrite(&mut arrival.resource, &names);
                (arrival, wanted)
            };
            let (settled, open): (Vec<_>, Vec<_>) =
                arrivals.into_iter().map(one).partition(|(_, wanted)| wanted.is_empty());
            let checked: Vec<_> = settled.into_iter().map(|(arrival, _)| check_arrival(&place, arrival)).collect();
            (place, checked, open)
        })
        .await?;
        let (place, checked, open) = rewritten;
        for result in checked {
            match result {
                Ok(ready) => prepared.ready.push(ready),
                Err(refused) => prepared.refused.push(refused),
            }
        }
        for (mut arrival, wanted) in open {
            let mut found = HashMap::new();
            for want in &wanted {
                if let Some(key) = resolver.resolve(want).await? {
                    found.insert(want.clone(), key);
                }
            }
            if found.len() < wanted.len() {
                let where_ = format!("{place} {}", arrival.place);
                prepared.waiting.push(Waiting { place: where_, key: arrival.key, resource: arrival.resource, wanted });
                continue;
            }
            bundle::settle(&mut arrival.resource, &found);
            match check_arrival(&place, arrival) {
                Ok(ready) => prepared.ready.push(ready),
                Err(refused) => prepared.refused.push(refused),
            }
        }
    }
    Ok(prepared)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(Exit::Software, format!("a worker failed: {error}")))
}

type Refused = (String, Option<ResourceType>, Vec<Issue>);

fn open(place: &str, text: &[u8]) -> (Vec<Arrival>, Vec<Refused>) {
    // A byte order mark is no part of JSON, but exports have it.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match Draft::parse(text, Limits { bytes: LARGEST, ..Limits::default() }) {
        Err(issues) => (Vec::new(), vec![(place.to_owned(), None, issues)]),
        Ok(draft) => {
            let opened = bundle::open(draft.into_value());
            let refused = |(entry, issue): (String, Issue)| (format!("{place} {entry}"), None, vec![issue]);
            (opened.arrivals, opened.issues.into_iter().map(refused).collect())
        }
    }
}

fn check_arrival(place: &str, arrival: Arrival) -> Result<Ready, Refused> {
    let place = format!("{place} {}", arrival.place).trim_end().to_owned();
    let kind = arrival.key.kind;
    check(place.clone(), arrival.key, arrival.resource).map_err(|issues| (place, Some(kind), issues))
}

fn check(place: String, key: Key, mut resource: Value) -> Result<Ready, Vec<Issue>> {
    resource["id"] = key.id.as_str().into();
    forget_version(&mut resource);
    let checked = Draft::from_value(resource).check()?;
    Ok(Ready { place, key, checked })
}

/// Version and time are ours to give.
fn forget_version(resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else { return };
    if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty() {
            members.shift_remove("meta");
        }
    }
}

enum Decision {
    Write,
    Keep,
    Refuse(Issue),
}

/// Conditional creates and updates: is it somebody we know?
async fn condition(arrival: &mut Arrival, resolver: &Resolver) -> Result<Decision, Failure> {
    let Some(condition) = arrival.condition.clone() else { return Ok(Decision::Write) };
    let refuse = |code, message: String| Ok(Decision::Refuse(Issue::error(code, "request", message)));
    match resolver.search(&condition.search).await? {
        Found::One(key) => {
            arrival.key = key;
            Ok(if condition.known == Known::Keep { Decision::Keep } else { Decision::Write })
        }
        Found::Nothing => {
            let claimed = resolver.claim(&condition.search, &arrival.key);
            let own = claimed == arrival.key;
            arrival.key = claimed;
            Ok(if own || condition.known == Known::Replace { Decision::Write } else { Decision::Keep })
        }
        Found::Several => {
            refuse(IssueCode::MultipleMatches, "the condition finds several; it must find one or none".into())
        }
        Found::Wrong(why) => refuse(IssueCode::Invalid, format!("the condition cannot be asked: {why}")),
    }
}

type Outcomes = Vec<(String, ResourceType, Result<Fate, Issue>)>;

/// Writes a batch. Each resource was checked and may take any version's place, so a refusal is about the store
/// and ends the import; what was written stays, and `--resume` goes on.
async fn commit(store: &Store, slug: &str, batch: Vec<Ready>) -> Result<Outcomes, Failure> {
    let about: Vec<(String, ResourceType)> = batch.iter().map(|it| (it.place.clone(), it.key.kind)).collect();
    let batch = Batch {
        writes: batch.into_iter().map(write).collect(),
        guards: Vec::new(),
        action: "import",
        ..Batch::default()
    };
    let done = store.commit(&Caller::system("import"), batch, world::now()).await;
    let outcomes = done.map_err(Failure::store("write to", slug))?;
    let fates = outcomes.into_iter().map(|outcome| Ok(Fate::from(outcome.done)));
    Ok(about.into_iter().zip(fates).map(|((place, kind), fate)| (place, kind, fate)).collect())
}

fn write(ready: Ready) -> Write {
    Write { key: ready.key, expect: Expect::Anything, change: Change::Put(ready.checked) }
}

/// For a dry run: what a commit would do.
async fn compare(store: &Store, batch: Vec<Ready>) -> Outcomes {
    let caller = Caller::system("import");
    let mut results = Vec::with_capacity(batch.len());
    for ready in batch {
        let fate = match store.read(&caller, &ready.key).await {
            Ok(stored) => {
                let (mut here, mut there) = (stored.value(), ready.checked.into_value());
                forget_version(&mut here);
                forget_version(&mut there);
                Ok(if here == there { Fate::Unchanged } else { Fate::Updated })
            }
            Err(store::StoreError::NotFound(_)) => Ok(Fate::Created),
            Err(store::StoreError::Gone { .. }) => Ok(Fate::Updated),
            Err(error) => Err(error.issue()),
        };
        results.push((ready.place, ready.key.kind, fate));
    }
    results
}
