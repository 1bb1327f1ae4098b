//! `continuo doctor`: looks at everything that commonly goes wrong, and says what to do about it.

use crate::cli::Common;
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::terminal::{self, Paint};
use crate::{backup, health, places};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

struct Finding {
    what: String,
    /// What to do; absent when it is fine.
    mend: Option<String>,
}

pub(crate) async fn run(common: &Common, config: &Config) -> Done {
    let mut findings = Vec::new();
    let mut look = |what: String, mend: Option<String>| findings.push(Finding { what, mend });

    look("settings".into(), config.check_bind().err().map(|failure| failure.message));
    let folder = places::folder(common, config)?;
    match health::free_bytes(&folder) {
        Err(_) if !folder.exists() => {
            look("data folder".into(), Some(format!("{} does not exist yet", folder.display())))
        }
        Err(error) => look(
            "data folder".into(),
            Some(format!("{} cannot be asked for its free space: {error}", folder.display())),
        ),
        Ok(free) => {
            let least = config.count("health.disk_free_mb") * 1_000_000;
            let mend = (free < least).then(|| format!("make room: /readyz says no below {}", terminal::bytes(least)));
            look(format!("free space {}", terminal::bytes(free)), mend);
        }
    }
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let secret = name == "demo.json" || name == crate::entry::KEY;
        if secret && let Ok(about) = entry.metadata() {
            let open = about.permissions().mode() & 0o077 != 0;
            look(
                format!("secret {name}"),
                open.then(|| format!("others may read it: chmod 600 {}", entry.path().display())),
            );
        }
    }
    let running = places::hold(&folder).is_err();
    look(if running { "a program is using the data folder" } else { "nothing is using the data folder" }.into(), None);
    match places::chosen(common, config) {
        Err(failure) => look("organisations".into(), Some(failure.message)),
        Ok(places) => {
            for place in places {
                if place.file().is_some_and(|file| !file.exists()) {
                    look(format!("{}: no store yet", place.slug), None);
                    continue;
                }
                if running {
                    // It is held by the server, which tells by /readyz how it is.
                    look(format!("{}: served; see `continuo healthcheck`", place.slug), None);
                    continue;
                }
                let opened = match place.open().await {
                    Ok(store) => {
                        let health = store.health().await.map_err(Failure::store("write to", &place.slug));
                        store.close().await;
                        health
                    }
                    Err(failure) => Err(failure),
                };
                look(format!("{}: the store opens and can be written", place.slug), opened.err().map(|it| it.message));
                if place.file().is_some() {
                    let newest = backup::all(config, &place.slug).pop();
                    let mend = newest.is_none().then(|| "take one: continuo backup now".to_owned());
                    let taken = newest.map_or("never".into(), |(_, _, manifest)| manifest.taken);
                    look(format!("{}: last backup {taken}", place.slug), mend);
                }
            }
        }
    }
    tell(common, &findings)
}

fn tell(common: &Common, findings: &[Finding]) -> Done {
    if common.json {
        let one = |it: &Finding| json!({ "what": it.what, "ok": it.mend.is_none(), "mend": it.mend });
        terminal::json(&Value::Array(findings.iter().map(one).collect()));
    } else {
        let paint = Paint::for_stdout();
        for finding in findings {
            match &finding.mend {
                None => terminal::line(format_args!("  ok    {}", finding.what)),
                Some(mend) => terminal::line(format_args!("  {}  {}: {mend}", paint.bold("look"), finding.what)),
            }
        }
    }
    match findings.iter().filter(|it| it.mend.is_some()).count() {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Software, format!("{count} things to look at"))),
    }
}
