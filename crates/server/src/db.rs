//! `continuo db`: looking after a store.

use crate::cli::{Common, Db};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::{self, Progress};
use serde_json::{Value, json};
use store::{Caller, Store};

pub(crate) async fn run(common: &Common, config: &Config, db: Db) -> Done {
    // What changes a store needs it for itself.
    let _hold = match db {
        Db::Reindex | Db::Vacuum => Some(places::hold(&places::folder(common, config)?)?),
        Db::Verify | Db::Stats => None,
    };
    let mut reports = Vec::new();
    for place in places::chosen(common, config)? {
        let store = place.open().await?;
        let report = one(&db, &place, &store).await;
        store.close().await;
        let mut report = report?;
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

async fn one(db: &Db, place: &Place, store: &Store) -> Result<Value, Failure> {
    let progress = Progress::new(&place.name, "resources");
    let told = |done, total| progress.set(done, total);
    let report = match db {
        Db::Verify => {
            let caller = Caller::system("verify");
            let issues = store.verify(&caller, &told).await.map_err(Failure::store("verify", &place.slug))?;
            json!({ "issues": issues.iter().map(|it| it.diagnostics.clone()).collect::<Vec<_>>() })
        }
        Db::Reindex => {
            let caller = Caller::system("reindex");
            let count = store.reindex(&caller, &told).await.map_err(Failure::store("reindex", &place.slug))?;
            json!({ "reindexed": count })
        }
        Db::Vacuum => {
            let caller = Caller::system("vacuum");
            let before = store.stats(&caller).await.map_err(Failure::store("measure", &place.slug))?.bytes;
            store.vacuum(&caller).await.map_err(Failure::store("vacuum", &place.slug))?;
            let after = store.stats(&caller).await.map_err(Failure::store("measure", &place.slug))?.bytes;
            json!({ "bytes_before": before, "bytes_after": after })
        }
        Db::Stats => stats(store, place).await?,
    };
    progress.finish();
    Ok(report)
}

pub(crate) async fn stats(store: &Store, place: &Place) -> Result<Value, Failure> {
    let stats = store.stats(&Caller::system("stats")).await.map_err(Failure::store("measure", &place.slug))?;
    let resources: u64 = stats.resources.values().sum();
    Ok(json!({
        "resources": resources,
        "versions": stats.versions,
        "bytes": stats.bytes,
        "bytes_per_resource": stats.bytes / resources.max(1),
        "by_type": stats.resources,
        "rows": stats.rows,
    }))
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
