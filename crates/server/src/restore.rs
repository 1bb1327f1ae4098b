//! `continuo restore`: puts a backup in the place of a store, as it was or as of a moment before: every version
//! is kept, so the versions written later are taken away from the copy. The copy is checked first; what was
//! there is kept beside it under another name.

use crate::audit;
use crate::backup;
use crate::cli::{Common, Restore};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::Progress;
use crate::{terminal, world};
use serde_json::json;
use std::path::{Path, PathBuf};
use store::Caller;

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
    let moment = match &restore.to_time {
        None => None,
        Some(text) => Some(moment(text, &manifest.taken)?),
    };
    let as_of = restore.to_time.as_deref().unwrap_or(&manifest.taken);
    let what = format!("{}: the record as of {as_of}", place.name);
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
    let part = PathBuf::from(format!("{}.restoring", file.display()));
    let taken_away = match bring(&place, &folder.join(backup::COPY), &part, &manifest.sha256, moment).await {
        Ok(count) => count,
        Err(failure) => {
            family(&part).iter().for_each(|it| drop(std::fs::remove_file(it)));
            return Err(failure);
        }
    };
    let kept = put_aside(&file)?;
    if let Err(failure) = rename_all(&part, &file) {
        // As it was before.
        if let Some(kept) = &kept {
            rename_all(kept, &file)?;
        }
        return Err(failure);
    }
    audit::put_aside(&places::folder(common, config)?, &place.slug)?;
    if common.json {
        terminal::json(
            &json!({ "restored": true, "manifest": manifest, "versions_taken_away": taken_away, "kept": kept }),
        );
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
    rename_all(file, &kept)?;
    Ok(Some(kept))
}

fn rename_all(from: &Path, to: &Path) -> Done {
    for (from, to) in family(from).iter().zip(family(to)) {
        if from.exists() {
            std::fs::rename(from, &to).map_err(Failure::file("rename", from))?;
        }
    }
    Ok(())
}

/// In microseconds. What was written after the copy was begun is not in it, so it cannot be gone back to.
fn moment(text: &str, taken: &str) -> Result<i64, Failure> {
    let read = |text: &str| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_microsecond);
    let wrong = |_| Failure::new(Exit::Usage, "--to-time needs a moment like 2026-05-01T03:15:00Z");
    let moment = read(text).map_err(wrong)?;
    let taken_at =
        read(taken).map_err(|_| Failure::new(Exit::Data, "the manifest does not say when the copy was taken"))?;
    if moment > taken_at {
        let message = format!(
            "this copy was taken at {taken}, before that moment; restore a later one (`continuo backup now` makes one of what is there)"
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(moment)
}

/// Copies the backup to where it will be renamed from, and takes later versions away. Returns how many.
async fn bring(place: &Place, copy: &Path, part: &Path, sha256: &str, moment: Option<i64>) -> Result<u64, Failure> {
    family(part).iter().for_each(|it| drop(std::fs::remove_file(it)));
    std::fs::copy(copy, part).map_err(Failure::file("copy", copy))?;
    let open = std::fs::File::open(part).map_err(Failure::file("open", part))?;
    open.sync_all().map_err(Failure::file("write", part))?;
    if backup::digest(part)?.0 != sha256 {
        return Err(Failure::new(Exit::Software, "the copy changed while it was copied; is the disk well?"));
    }
    let Some(moment) = moment else { return Ok(0) };
    let store = place.open_at(&part.display().to_string()).await?;
    let progress = Progress::new(format!("taking later versions away from {}", place.name), "versions");
    let rewound = store.rewind(&Caller::system("restore"), moment, &|done, total| progress.set(done, total)).await;
    progress.finish();
    store.close().await;
    rewound.map_err(Failure::store("go back in", &place.slug))
}
