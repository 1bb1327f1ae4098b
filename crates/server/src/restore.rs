//! `continuo restore`: puts a backup in the place of a store. The copy is checked first; what was there is
//! kept beside it under another name.

use crate::backup;
use crate::cli::{Common, Restore};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::{terminal, world};
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) async fn run(common: &Common, config: &Config, restore: Restore) -> Done {
    let (place, folder) = find(common, config, &restore.from)?;
    let manifest = backup::read_manifest(&folder)?;
    let Some(file) = place.file().map(Path::to_owned) else {
        let message = format!("{} lies in PostgreSQL: use pg_restore, see docs/operate/backup.md", place.name);
        return Err(Failure::new(Exit::Config, message));
    };
    let wrong = backup::check(&place, &folder, &manifest).await?;
    if !wrong.is_empty() {
        return Err(Failure::new(Exit::Data, format!("this backup must not be used: {}", wrong.join("; "))));
    }
    let what = format!("{}: {} resources as of {}", place.name, manifest.resources, manifest.taken);
    if restore.dry_run || !restore.yes {
        if common.json {
            terminal::json(&json!({ "restored": false, "manifest": manifest }));
        } else {
            terminal::line(format_args!("{what}: the copy is fine"));
        }
        if restore.dry_run {
            return Ok(());
        }
        let message = format!("this replaces {}; say --yes if you mean it", file.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let _hold = places::hold(&places::folder(common, config)?)?;
    let kept = put_aside(&file)?;
    let put = put_in_place(&folder.join(backup::COPY), &file, &manifest.sha256);
    if let Err(failure) = put {
        // As it was before.
        if let Some(kept) = &kept {
            put_back(kept, &file);
        }
        return Err(failure);
    }
    if common.json {
        terminal::json(&json!({ "restored": true, "manifest": manifest, "kept": kept }));
    } else {
        terminal::line(format_args!("{what} is in place"));
        if let Some(kept) = kept {
            terminal::line(format_args!("what was there is kept as {}", kept.display()));
        }
    }
    Ok(())
}

/// A backup by its folder, or by its name in `backup list`.
fn find(common: &Common, config: &Config, from: &str) -> Result<(Place, PathBuf), Failure> {
    let all = places::chosen(common, config)?;
    let as_folder = PathBuf::from(from);
    if let Ok(manifest) = backup::read_manifest(&as_folder) {
        let place = all.into_iter().find(|place| place.slug == manifest.organisation);
        let place = place.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("this is a copy of {}, which is not set up here", manifest.organisation))
        })?;
        return Ok((place, as_folder));
    }
    for place in all {
        for (name, folder, _) in backup::all(config, &place.slug) {
            if from == name || from == format!("{}/{name}", place.slug) {
                return Ok((place, folder));
            }
        }
    }
    Err(Failure::new(Exit::NoInput, format!("there is no backup {from}; `continuo backup list` tells which there are")))
}

/// The files of an embedded store: the database, its write-ahead log and the index of that.
fn family(file: &Path) -> [PathBuf; 3] {
    let named = |end: &str| PathBuf::from(format!("{}{end}", file.display()));
    [named(""), named("-wal"), named("-shm")]
}

fn put_aside(file: &Path) -> Result<Option<PathBuf>, Failure> {
    if !file.exists() {
        return Ok(None);
    }
    let kept = PathBuf::from(format!("{}.before-restore-{}", file.display(), world::now() / 1_000_000));
    for (from, to) in family(file).iter().zip(family(&kept)) {
        if from.exists() {
            std::fs::rename(from, &to).map_err(Failure::file("put aside", from))?;
        }
    }
    Ok(Some(kept))
}

fn put_back(kept: &Path, file: &Path) {
    for (from, to) in family(kept).iter().zip(family(file)) {
        if from.exists() {
            std::fs::rename(from, to).ok();
        }
    }
}

fn put_in_place(copy: &Path, file: &Path, sha256: &str) -> Done {
    let part = PathBuf::from(format!("{}.part", file.display()));
    std::fs::copy(copy, &part).map_err(Failure::file("copy", copy))?;
    let open = std::fs::File::open(&part).map_err(Failure::file("open", &part))?;
    open.sync_all().map_err(Failure::file("write", &part))?;
    if backup::digest(&part)?.0 != sha256 {
        std::fs::remove_file(&part).ok();
        return Err(Failure::new(Exit::Software, "the copy changed while it was copied; is the disk well?"));
    }
    std::fs::rename(&part, file).map_err(Failure::file("put in place", file))
}
