//! `continuo backup`: whole copies of the record, taken while it is in use, each with a manifest that says
//! what it is and a SHA-256 to see whether it still is. A copy counts only after it was opened and its
//! resources counted.

use crate::cli::{Backup, Common};
use crate::config::Config;
use crate::control::{self, Wish};
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::{self, Paint, Progress};
use crate::{version, world};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use store::Caller;

/// The copy within the folder of a backup.
pub(crate) const COPY: &str = "record.db";
const MANIFEST: &str = "manifest.json";

#[derive(Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) organisation: String,
    pub(crate) name: String,
    /// When it was begun (RFC 3339); everything acknowledged before is in it.
    pub(crate) taken: String,
    pub(crate) version: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) resources: u64,
    pub(crate) versions: u64,
}

pub(crate) async fn run(common: &Common, config: &Config, backup: Backup) -> Done {
    match backup {
        Backup::Now => {
            let data = places::folder(common, config)?;
            let mut taken = Vec::new();
            for place in places::chosen(common, config)? {
                let (folder, manifest) = take(config, &data, &place).await?;
                if !common.json {
                    let size = terminal::bytes(manifest.bytes);
                    terminal::line(format_args!(
                        "{}: {} resources, {size}, in {}",
                        place.name,
                        manifest.resources,
                        folder.display()
                    ));
                }
                taken.push(json!({ "folder": folder, "manifest": manifest }));
            }
            if common.json {
                terminal::json(&json!({ "taken": taken }));
            }
            Ok(())
        }
        Backup::List => list(common, config),
        Backup::Verify { name } => verify(common, config, name.as_deref()).await,
        Backup::Prune { yes } => prune(common, config, yes),
    }
}

async fn take(config: &Config, data: &Path, place: &Place) -> Result<(PathBuf, Manifest), Failure> {
    if place.file().is_none() {
        let message =
            format!("{} lies in PostgreSQL: use pg_dump or pg_basebackup, see docs/operate/backup.md", place.name);
        return Err(Failure::new(Exit::Config, message));
    }
    let moment = moment();
    let folder = config.backup_folder().join(&place.slug).join(moment.strftime("%Y%m%dT%H%M%S%3fZ").to_string());
    std::fs::create_dir_all(&folder).map_err(Failure::file("make the folder", &folder))?;
    let copy = folder.join(COPY);
    let progress = Progress::new(format!("copying {}", place.name), "pages");
    let told = |done, total| progress.set(done, total);
    // The server runs elsewhere in the file tree, so it needs the whole path.
    let to = std::path::absolute(&copy).map_err(Failure::file("find", &copy))?;
    let wish = Wish::Backup { organisation: place.slug.clone(), to };
    match control::ask(data, &wish, &told).await {
        Some(answer) => drop(answer?),
        None => {
            let store = place.open().await?;
            let copied = store.backup(&Caller::system("backup"), &copy, &told).await;
            store.close().await;
            copied.map_err(Failure::store("copy", &place.slug))?;
        }
    }
    progress.finish();
    // Digest first: opening a copy may touch it, so a second copy is opened.
    let (sha256, bytes) = digest(&copy)?;
    let (resources, versions) = count(place, &copy).await?;
    let manifest = Manifest {
        organisation: place.slug.clone(),
        name: place.name.clone(),
        taken: moment.to_string(),
        version: version::VERSION.into(),
        bytes,
        sha256,
        resources,
        versions,
    };
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest can be written as JSON");
    // Written last: a folder without it is no backup.
    world::write_secret(&folder.join(MANIFEST), &format!("{text}\n"))?;
    Ok((folder, manifest))
}

fn moment() -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(world::now()).expect("the clock is within the calendar")
}

/// A copy of the copy, to be opened; gone when dropped.
pub(crate) struct Trial {
    folder: PathBuf,
}

impl Trial {
    pub(crate) fn of(copy: &Path) -> Result<Trial, Failure> {
        let folder = copy.parent().unwrap_or(Path::new(".")).join(format!("trial-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(Failure::file("make the folder", &folder))?;
        let trial = Trial { folder };
        std::fs::copy(copy, trial.path()).map_err(Failure::file("copy", copy))?;
        Ok(trial)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(COPY)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

async fn count(place: &Place, copy: &Path) -> Result<(u64, u64), Failure> {
    let trial = Trial::of(copy)?;
    let store = place.open_at(&trial.path().display().to_string()).await?;
    let stats = store.stats(&Caller::system("backup")).await.map_err(Failure::store("open the copy of", &place.slug));
    store.close().await;
    let stats = stats?;
    Ok((stats.resources.values().sum(), stats.versions))
}

pub(crate) fn digest(path: &Path) -> Result<(String, u64), Failure> {
    let mut file = std::fs::File::open(path).map_err(Failure::file("read", path))?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let got = file.read(&mut buffer).map_err(Failure::file("read", path))?;
        if got == 0 {
            break;
        }
        bytes += got as u64;
        context.update(&buffer[..got]);
    }
    let hex = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, bytes))
}

pub(crate) fn read_manifest(folder: &Path) -> Result<Manifest, Failure> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read(&path).map_err(Failure::file("read", &path))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::new(Exit::Data, format!("{} is damaged: {error}", path.display())))
}

/// The backups of an organisation, oldest first. Names sort by time.
pub(crate) fn all(config: &Config, slug: &str) -> Vec<(String, PathBuf, Manifest)> {
    let Ok(entries) = std::fs::read_dir(config.backup_folder().join(slug)) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().into_string().ok()?, entry.path(), read_manifest(&entry.path()).ok()?))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn list(common: &Common, config: &Config) -> Done {
    let mut rows = Vec::new();
    for place in places::chosen(common, config)? {
        for (name, folder, manifest) in all(config, &place.slug) {
            rows.push((format!("{}/{name}", place.slug), folder, manifest));
        }
    }
    if common.json {
        let row = |(name, folder, manifest): &(String, PathBuf, Manifest)| json!({ "name": name, "folder": folder, "manifest": manifest });
        terminal::json(&json!({ "backups": rows.iter().map(row).collect::<Vec<_>>() }));
        return Ok(());
    }
    let paint = Paint::for_stdout();
    for (name, _, manifest) in &rows {
        let size = terminal::bytes(manifest.bytes);
        terminal::line(format_args!("{}  {:>10} resources  {size:>9}", paint.bold(name), manifest.resources));
    }
    if rows.is_empty() {
        terminal::line(format_args!("no backup in {}", config.backup_folder().display()));
    }
    Ok(())
}

async fn verify(common: &Common, config: &Config, name: Option<&str>) -> Done {
    let mut results = Vec::new();
    for place in places::chosen(common, config)? {
        for (own, folder, manifest) in all(config, &place.slug) {
            let full = format!("{}/{own}", place.slug);
            if name.is_some_and(|name| name != full && name != own) {
                continue;
            }
            let wrong = check(&place, &folder, &manifest).await?;
            if !common.json {
                let told = if wrong.is_empty() { "fine".to_owned() } else { wrong.join("; ") };
                terminal::line(format_args!("{full}: {told}"));
            }
            results.push((full, wrong));
        }
    }
    if common.json {
        let row = |(name, wrong): &(String, Vec<String>)| json!({ "name": name, "wrong": wrong });
        terminal::json(&json!({ "verified": results.iter().map(row).collect::<Vec<_>>() }));
    }
    if results.is_empty() {
        return Err(Failure::new(
            Exit::NoInput,
            "there is no such backup; `continuo backup list` tells which there are",
        ));
    }
    match results.iter().filter(|(_, wrong)| !wrong.is_empty()).count() {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Data, format!("{count} backups are not what they were"))),
    }
}

/// What is wrong with a backup: its digest, or what is found when it is opened and everything recomputed.
pub(crate) async fn check(place: &Place, folder: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let copy = folder.join(COPY);
    if manifest.organisation != place.slug {
        return Ok(vec![format!("it is a copy of {}", manifest.organisation)]);
    }
    let (sha256, bytes) = match digest(&copy) {
        Ok(found) => found,
        Err(failure) => return Ok(vec![failure.message]),
    };
    if sha256 != manifest.sha256 || bytes != manifest.bytes {
        return Ok(vec!["its content is not what was written (SHA-256 differs)".into()]);
    }
    let trial = Trial::of(&copy)?;
    let store = match place.open_at(&trial.path().display().to_string()).await {
        Ok(store) => store,
        Err(failure) => return Ok(vec![failure.message]),
    };
    let progress = Progress::new(format!("verifying a copy of {}", place.name), "resources");
    let issues = store.verify(&Caller::system("backup"), &|done, total| progress.set(done, total)).await;
    progress.finish();
    store.close().await;
    Ok(match issues {
        Ok(issues) => issues.into_iter().map(|issue| issue.diagnostics).collect(),
        Err(error) => vec![error.to_string()],
    })
}

fn prune(common: &Common, config: &Config, yes: bool) -> Done {
    let keep = config.count("backup.keep") as usize;
    let mut gone = Vec::new();
    for place in places::chosen(common, config)? {
        let mut backups = all(config, &place.slug);
        backups.truncate(backups.len().saturating_sub(keep));
        for (name, folder, _) in backups {
            if yes {
                std::fs::remove_dir_all(&folder).map_err(Failure::file("delete", &folder))?;
            }
            gone.push(format!("{}/{name}", place.slug));
        }
    }
    if common.json {
        terminal::json(&json!({ "deleted": yes, "backups": gone }));
        return Ok(());
    }
    let verb = if yes { "deleted" } else { "would delete (say --yes)" };
    gone.iter().for_each(|name| terminal::line(format_args!("{verb} {name}")));
    terminal::line(format_args!("{} copies beyond the newest {keep} of each organisation", gone.len()));
    Ok(())
}
