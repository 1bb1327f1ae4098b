//! The audit log of a running program: anchors of it are signed and kept in a second place, and `continuo audit` verifies
//! it and writes it out.
//!
//! In the data folder, under `audit/`: the key of each organisation (for its owner alone), its public part, and the
//! anchors, one a line. Copy the public key and the anchors to another machine now and then: who can change both the
//! database and this folder can only be proven wrong by a copy.

use crate::cli::{Audit, Common};
use crate::config::Config;
use crate::control::{self, Wish};
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::{self, Progress};
use crate::world;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use care::Installation;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::audit::{Anchor, Query, Signer};
use store::{Caller, PageCursor, Store};

/// An anchor is written after so many entries, or after so long when there are new ones.
const ENTRIES: u64 = 10_000;
const EVERY: Duration = Duration::from_secs(600);
/// How often is looked.
const LOOK: Duration = Duration::from_secs(15);
/// Entries on one page of an export.
const PAGE: u32 = 1_000;

fn file(folder: &Path, organisation: &str, end: &str) -> PathBuf {
    folder.join("audit").join(format!("{organisation}.{end}"))
}

/// The key of an organisation; made when there is none.
fn signer(folder: &Path, organisation: &str) -> Result<Signer, Failure> {
    let path = file(folder, organisation, "key");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = folder.join("audit");
            std::fs::create_dir_all(&made).map_err(Failure::file("make the folder", &made))?;
            let key = Signer::new_key().map_err(Failure::store("make a key for", organisation))?;
            let text = STANDARD.encode(key);
            world::write_secret(&path, &format!("{text}\n"))?;
            text
        }
        Err(error) => return Err(Failure::file("read the key in", &path)(error)),
    };
    let key = STANDARD.decode(text.trim()).ok().and_then(|key| Signer::of(&key));
    let signer = key.ok_or_else(|| Failure::new(Exit::Data, format!("{} holds no key", path.display())))?;
    let public = file(folder, organisation, "pub");
    std::fs::write(&public, format!("{}\n", signer.public())).map_err(Failure::file("write", &public))?;
    Ok(signer)
}

/// Signs the end of one log again and again.
struct Keeper {
    organisation: String,
    store: Store,
    signer: Signer,
    path: PathBuf,
    last: u64,
    since: Instant,
}

impl Keeper {
    /// Writes an anchor, if there are new entries and it is time (or the end).
    async fn look(&mut self, is_end: bool) -> Done {
        let head =
            self.store.audit_head().await.map_err(Failure::store("look at the audit log of", &self.organisation))?;
        let Some(head) = head.filter(|head| head.0 > self.last) else { return Ok(()) };
        if !is_end && head.0 < self.last + ENTRIES && self.since.elapsed() < EVERY {
            return Ok(());
        }
        let line = self.signer.anchor(&self.organisation, &head);
        let write = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        };
        write().map_err(Failure::file("write", &self.path))?;
        (self.last, self.since) = (head.0, Instant::now());
        Ok(())
    }
}

/// Keeps anchors of all organisations until [`Anchors::end`].
pub(crate) struct Anchors(Arc<tokio::sync::Mutex<Vec<Keeper>>>, tokio::task::JoinHandle<()>);

impl Anchors {
    pub(crate) fn keep(folder: &Path, installation: &Installation) -> Result<Anchors, Failure> {
        let mut keepers = Vec::new();
        for organisation in &installation.organisations {
            let signer = signer(folder, &organisation.slug)?;
            let path = file(folder, &organisation.slug, "anchors");
            let anchors = read(&path, &signer.public())?;
            let last = anchors.last().map_or(0, |it| it.sequence);
            let store = organisation.store.clone();
            keepers.push(Keeper {
                organisation: organisation.slug.clone(),
                store,
                signer,
                path,
                last,
                since: Instant::now(),
            });
        }
        let keepers = Arc::new(tokio::sync::Mutex::new(keepers));
        let all = keepers.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                for keeper in all.lock().await.iter_mut() {
                    tell(keeper.look(false).await);
                }
            }
        });
        Ok(Anchors(keepers, task))
    }

    /// The last anchors, before the stores are closed.
    pub(crate) async fn end(self) {
        self.1.abort();
        for keeper in self.0.lock().await.iter_mut() {
            tell(keeper.look(true).await);
        }
    }
}

fn tell(done: Done) {
    if let Err(error) = done {
        tracing::error!(target: "continuo", %error, "the audit log could not be anchored");
    }
}

/// The anchors in a file; none when there is no file.
fn read(path: &Path, public: &str) -> Result<Vec<Anchor>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("read", path)(error)),
    };
    let mut anchors = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let anchor = Anchor::read(line, public).map_err(|why| {
            Failure::new(Exit::Data, format!("{} line {}: this anchor does not count: {why}", path.display(), at + 1))
        })?;
        anchors.push(anchor);
    }
    Ok(anchors)
}

/// After a restore the anchors of what was written since are of another log; they are kept beside it.
pub(crate) fn put_aside(folder: &Path, organisation: &str) -> Done {
    let path = file(folder, organisation, "anchors");
    if !path.exists() {
        return Ok(());
    }
    let kept = file(folder, organisation, &format!("anchors.before-restore-{}", world::now() / 1_000_000));
    std::fs::rename(&path, kept).map_err(Failure::file("rename", &path))
}

pub(crate) async fn run(common: &Common, config: &Config, audit: Audit) -> Done {
    let folder = places::folder(common, config)?;
    match audit {
        Audit::Verify { anchors, key } => verify(common, config, &folder, anchors.as_deref(), key.as_deref()).await,
        Audit::Export { from, to, out } => {
            let place = places::one(common, config)?;
            export(&folder, &place, moment(from.as_deref())?, moment(to.as_deref())?, out.as_deref()).await
        }
    }
}

async fn verify(common: &Common, config: &Config, folder: &Path, given: Option<&Path>, key: Option<&Path>) -> Done {
    let mut reports = Vec::new();
    let mut bad = 0;
    for place in places::chosen(common, config)? {
        let public = match key.map(Path::to_owned).unwrap_or_else(|| file(folder, &place.slug, "pub")) {
            path if path.exists() => std::fs::read_to_string(&path).map_err(Failure::file("read", &path))?,
            path if key.is_some() || given.is_some() => {
                return Err(Failure::new(Exit::NoInput, format!("there is no public key {}", path.display())));
            }
            _ => String::new(),
        };
        let path = given.map_or_else(|| file(folder, &place.slug, "anchors"), Path::to_owned);
        if given.is_some() && !path.exists() {
            return Err(Failure::new(Exit::NoInput, format!("there are no anchors {}", path.display())));
        }
        // What is not signed by the key is told before the log is walked.
        let mut anchors = read(&path, &public)?;
        anchors.retain(|it| it.organisation == place.slug);
        let progress = Progress::new(&place.name, "entries");
        let told = |done, total| progress.set(done, total);
        let wish = Wish::AuditVerify { organisation: place.slug.clone(), anchors: path.clone(), key: public.clone() };
        let mut report = match control::ask(folder, &wish, &told).await {
            Some(answer) => answer?,
            None => {
                let store = place.open().await?;
                let report = verified(&store, &anchors, &told).await;
                store.close().await;
                report.map_err(Failure::store("verify the audit log of", &place.slug))?
            }
        };
        progress.finish();
        bad += u64::from(!report["bad"].is_null());
        report["organisation"] = place.slug.clone().into();
        reports.push(report);
    }
    if common.json {
        terminal::json(&json!({ "organisations": reports }));
    } else {
        for report in &reports {
            let name = report["organisation"].as_str().unwrap_or_default();
            let (entries, anchors) = (&report["entries"], &report["anchors"]);
            terminal::line(format_args!("{name}: {entries} entries are as they were written, {anchors} anchors agree"));
            if let Some(what) = report["bad"]["what"].as_str() {
                terminal::line(format_args!("{name}: entry {} {what}", report["bad"]["sequence"]));
            }
        }
    }
    match bad {
        0 => Ok(()),
        _ => Err(Failure::new(Exit::Data, "the audit log is not as it was written")),
    }
}

/// For the command and for the running server.
pub(crate) async fn verified(
    store: &Store,
    anchors: &[Anchor],
    told: &(dyn Fn(u64, u64) + Send + Sync),
) -> store::StoreResult<Value> {
    let report = store.audit_verify(&Caller::system("audit-verify"), anchors, told).await?;
    let bad = report.bad.map(|bad| json!({ "sequence": bad.sequence, "what": bad.what }));
    Ok(json!({ "entries": report.entries, "anchors": report.anchors, "bad": bad }))
}

/// The anchors that a running server has made so far; those that do not count are an error.
pub(crate) fn anchors_kept(folder: &Path, organisation: &str) -> Result<Vec<Anchor>, Failure> {
    let key = file(folder, organisation, "pub");
    let public = std::fs::read_to_string(&key).map_err(Failure::file("read", &key))?;
    anchors_of(&file(folder, organisation, "anchors"), &public, organisation)
}

/// The anchors that a command names, read by the server for it.
pub(crate) fn anchors_of(path: &Path, public: &str, organisation: &str) -> Result<Vec<Anchor>, Failure> {
    let mut anchors = read(path, public)?;
    anchors.retain(|it| it.organisation == organisation);
    Ok(anchors)
}

fn moment(text: Option<&str>) -> Result<Option<i64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || {
        Failure::new(Exit::Usage, "--from and --to need a moment like 2026-05-01T03:15:00Z or a day like 2026-05-01")
    };
    let span = fhir::search::row::Span::parse(text).ok_or_else(wrong)?;
    Ok(Some(span.low * 1000))
}

async fn export(folder: &Path, place: &Place, from: Option<i64>, to: Option<i64>, out: Option<&Path>) -> Done {
    let mut sink: Box<dyn Write + Send> = match out {
        Some(path) => Box::new(BufWriter::new(File::create_new(path).map_err(Failure::file("write", path))?)),
        None => Box::new(BufWriter::new(std::io::stdout())),
    };
    let failed = |error| Failure::file("write", out.unwrap_or(Path::new("the output")))(error);
    let progress = Progress::new(&place.name, "entries");
    let local: Mutex<Option<Store>> = Mutex::new(None);
    let mut cursor: Option<String> = None;
    let mut count = 0u64;
    let done: Done = async {
        loop {
            let organisation = place.slug.clone();
            let wish = Wish::AuditPage { organisation, base: place.base.clone(), from, to, cursor: cursor.clone() };
            let open = local.lock().expect("nobody panics while holding the store").clone();
            let asked = if open.is_some() { None } else { control::ask(folder, &wish, &|_, _| {}).await };
            let page = match (asked, open) {
                (Some(answer), _) => answer?,
                (None, open) => {
                    let store = match open {
                        Some(store) => store,
                        None => place.open().await?,
                    };
                    *local.lock().expect("nobody panics while holding the store") = Some(store.clone());
                    let page = exported(&store, &place.slug, &place.base, from, to, cursor.clone()).await;
                    page.map_err(Failure::store("read the audit log of", &place.slug))?
                }
            };
            for line in page["events"].as_array().into_iter().flatten() {
                writeln!(sink, "{line}").map_err(failed)?;
                count += 1;
            }
            progress.set(count, count);
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return sink.flush().map_err(failed);
            }
        }
    }
    .await;
    progress.finish();
    let store = local.lock().expect("nobody panics while holding the store").take();
    if let Some(store) = store {
        store.close().await;
    }
    done
}

/// A page of AuditEvents, oldest first, for the command and for the running server.
pub(crate) async fn exported(
    store: &Store,
    organisation: &str,
    base: &str,
    from: Option<i64>,
    to: Option<i64>,
    cursor: Option<String>,
) -> store::StoreResult<Value> {
    let cursor = cursor.map(PageCursor);
    let query = Query { from, to, ascending: true, count: PAGE, cursor, ..Query::default() };
    let page = store.audit_page(&Caller::system("audit-export"), &query, world::now()).await?;
    let base = format!("{base}/fhir");
    let events: Vec<Value> = page.entries.iter().map(|it| api::audit_event(it, organisation, &base)).collect();
    Ok(json!({ "events": events, "next": page.next.map(|it| it.0) }))
}
