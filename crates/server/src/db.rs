//! `continuo db`: looking after a store.

use crate::cli::{Common, Db};
use crate::config::Config;
use crate::control::{self, Wish};
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::{self, Progress};
use serde_json::{Value, json};
use std::path::Path;
use store::{Caller, Store};

pub(crate) async fn run(common: &Common, config: &Config, db: Db) -> Done {
    let folder = places::folder(common, config)?;
    // What changes a store needs it for itself; the rest is done by the server while there is one.
    let _hold = match db {
        Db::Reindex | Db::Vacuum => Some(places::hold(&folder)?),
        Db::Verify | Db::Stats => None,
    };
    let mut reports = Vec::new();
    for place in places::chosen(common, config)? {
        let mut report = match &db {
            Db::Verify => verify(&folder, &place).await?,
            Db::Stats => stats(&folder, &place).await?,
            Db::Reindex | Db::Vacuum => {
                let store = place.open().await?;
                let report = change(&db, &place, &store).await;
                store.close().await;
                report?
            }
        };
        report["organisation"] = place.slug.clone().into();
        reports.push(report);
    }
    let issues: usize = reports.iter().map(|it| it["issues"].as_array().map_or(0, Vec::len)).sum();
    if common.json {
        terminal::json(&json!({ "organisations": reports }));
    } else {
        reports.iter().for_each(tell);
    }
    match issues {
        0 => Ok(()),
        count => Err(Failure::new(
            Exit::Software,
            format!("{count} things do not agree; `db reindex` mends what is derived"),
        )),
    }
}

async fn verify(folder: &Path, place: &Place) -> Result<Value, Failure> {
    let progress = Progress::new(&place.name, "resources");
    let told = |done, total| progress.set(done, total);
    let wish = Wish::Verify { organisation: place.slug.clone() };
    let issues = match control::ask(folder, &wish, &told).await {
        Some(answer) => answer?,
        None => {
            let store = place.open().await?;
            let issues = store.verify(&Caller::system("verify"), &told).await;
            store.close().await;
            let issues = issues.map_err(Failure::store("verify", &place.slug))?;
            issues.into_iter().map(|it| it.diagnostics).collect()
        }
    };
    progress.finish();
    Ok(json!({ "issues": issues }))
}

async fn stats(folder: &Path, place: &Place) -> Result<Value, Failure> {
    let wish = Wish::Stats { organisation: place.slug.clone() };
    let mut report = match control::ask(folder, &wish, &|_, _| {}).await {
        Some(answer) => answer?,
        None => {
            let store = place.open().await?;
            let stats = store.stats(&Caller::system("stats")).await;
            store.close().await;
            let stats = stats.map_err(Failure::store("measure", &place.slug))?;
            json!({ "resources": stats.resources, "versions": stats.versions, "rows": stats.rows, "bytes": stats.bytes })
        }
    };
    let by_type = report["resources"].take();
    let count: u64 = by_type.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    report["bytes_per_resource"] = (report["bytes"].as_u64().unwrap_or(0) / count.max(1)).into();
    report["resources"] = count.into();
    report["by_type"] = by_type;
    Ok(report)
}

/// What needs the store for itself.
async fn change(db: &Db, place: &Place, store: &Store) -> Result<Value, Failure> {
    let measure = async || {
        let stats = store.stats(&Caller::system("stats")).await.map_err(Failure::store("measure", &place.slug))?;
        Ok::<u64, Failure>(stats.bytes)
    };
    if matches!(db, Db::Vacuum) {
        let before = measure().await?;
        store.vacuum(&Caller::system("vacuum")).await.map_err(Failure::store("vacuum", &place.slug))?;
        return Ok(json!({ "bytes_before": before, "bytes_after": measure().await? }));
    }
    let progress = Progress::new(&place.name, "resources");
    let told = |done, total| progress.set(done, total);
    let count =
        store.reindex(&Caller::system("reindex"), &told).await.map_err(Failure::store("reindex", &place.slug))?;
    progress.finish();
    Ok(json!({ "reindexed": count }))
}

fn tell(report: &Value) {
    let name = report["organisation"].as_str().unwrap_or("");
    let number = |key: &str| report[key].as_u64();
    if let Some(issues) = report["issues"].as_array() {
        terminal::line(format_args!("{name}: {} things do not agree", issues.len()));
        for issue in issues {
            terminal::line(format_args!("  {}", issue.as_str().unwrap_or("")));
        }
    }
    if let Some(count) = number("reindexed") {
        terminal::line(format_args!("{name}: {count} resources indexed anew"));
    }
    if let (Some(before), Some(after)) = (number("bytes_before"), number("bytes_after")) {
        terminal::line(format_args!("{name}: {} before, {} now", terminal::bytes(before), terminal::bytes(after)));
    }
    if let (Some(resources), Some(versions), Some(bytes)) = (number("resources"), number("versions"), number("bytes")) {
        let each = number("bytes_per_resource").unwrap_or(0);
        terminal::line(format_args!(
            "{name}: {resources} resources, {versions} versions, {} ({each} bytes a resource)",
            terminal::bytes(bytes)
        ));
        for (kind, count) in report["by_type"].as_object().into_iter().flatten() {
            terminal::line(format_args!("  {kind:<28}{count:>12}"));
        }
    }
}
