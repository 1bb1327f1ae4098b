//! `continuo export`: the record in files that anyone can read. One NDJSON file a type, or everything about
//! one patient as a bundle.

use crate::cli::{Common, Export};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::places::{self, Place};
use crate::terminal::{self, Progress};
use fhir::search::query::Query;
use fhir::{Id, Key, ResourceType};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use store::{Caller, Page, PageQuery, Store};

/// Resources read at a time.
const PAGE: u32 = 1_000;

pub(crate) async fn run(common: &Common, config: &Config, export: Export) -> Done {
    let place = places::one(common, config)?;
    let store = place.open().await?;
    let done = match export {
        Export::Fhir { to, gzip, types } => all(common, &place, &store, &to, gzip, &types).await,
        Export::Patient { id, to } => patient(&place, &store, &id, to.as_deref()).await,
    };
    store.close().await;
    done
}

async fn all(common: &Common, place: &Place, store: &Store, to: &Path, gzip: bool, types: &[String]) -> Done {
    let mut kinds = Vec::new();
    for name in types {
        let kind = ResourceType::parse(name);
        kinds.push(kind.ok_or_else(|| Failure::new(Exit::Usage, format!("{name} is not a resource type of FHIR R4")))?);
    }
    std::fs::create_dir_all(to).map_err(Failure::file("make the folder", to))?;
    let mut entries = std::fs::read_dir(to).map_err(Failure::file("read", to))?;
    if entries.next().is_some() {
        return Err(Failure::new(Exit::CannotCreate, format!("{} is not empty; exports do not mix", to.display())));
    }
    let stats = store.stats(&Caller::system("export")).await.map_err(Failure::store("measure", &place.slug))?;
    let total: u64 = stats.resources.values().sum();
    let progress = Progress::new(format!("exporting {}", place.name), "resources");
    let mut counts = serde_json::Map::new();
    let mut done = 0;
    for kind in ResourceType::all() {
        let wanted = kinds.is_empty() || kinds.contains(&kind);
        if !wanted || !stats.resources.contains_key(kind.name()) {
            continue;
        }
        let count = one_type(place, store, kind, to, gzip, &mut |page| progress.set(done + page, total)).await?;
        done += count;
        counts.insert(kind.name().into(), count.into());
    }
    progress.finish();
    if common.json {
        terminal::json(&json!({ "organisation": place.slug, "resources": done, "by_type": counts }));
    } else {
        terminal::line(format_args!("{}: {done} resources of {} types in {}", place.name, counts.len(), to.display()));
    }
    Ok(())
}

async fn one_type(
    place: &Place,
    store: &Store,
    kind: ResourceType,
    to: &Path,
    gzip: bool,
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, Failure> {
    let path = to.join(format!("{kind}.ndjson{}", if gzip { ".gz" } else { "" }));
    let failed = |error| Failure::file("write", &path)(error);
    let file = BufWriter::with_capacity(256 * 1024, File::create_new(&path).map_err(failed)?);
    let mut out: Box<dyn Write + Send> =
        if gzip { Box::new(GzEncoder::new(file, Compression::fast())) } else { Box::new(file) };
    let mut query = PageQuery { query: Query::of(vec![kind]), default_count: PAGE, max_count: PAGE, cursor: None };
    let mut count = 0;
    loop {
        let page =
            store.search(&Caller::system("export"), &query).await.map_err(Failure::store("read", &place.slug))?;
        for entry in &page.entries {
            out.write_all(&entry.stored.body).and_then(|()| out.write_all(b"\n")).map_err(failed)?;
            count += 1;
        }
        told(count);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    out.flush().map_err(failed)?;
    Ok(count)
}

async fn patient(place: &Place, store: &Store, id: &str, to: Option<&Path>) -> Done {
    let kind = ResourceType::parse("Patient").expect("Patient is a resource type");
    let id =
        Id::parse(id).ok_or_else(|| Failure::new(Exit::Usage, "that is no id: 1 to 64 letters, digits, - and ."))?;
    let caller = Caller::system("export");
    let mut query = store::Everything::of(Key::new(kind, id), PAGE);
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let page = store.everything(&caller, &query).await.map_err(Failure::store("read", &place.slug))?;
        let next = page.next.clone();
        pages.push(page);
        match next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    let text = bundle(&format!("{}/fhir", place.base), &pages);
    match to {
        Some(path) => std::fs::write(path, text).map_err(Failure::file("write", path)),
        None => {
            terminal::line(String::from_utf8_lossy(&text));
            Ok(())
        }
    }
}

/// Joins stored texts; decimals and the order of members stay as they are.
fn bundle(base: &str, pages: &[Page]) -> Vec<u8> {
    let mut text = br#"{"resourceType":"Bundle","type":"collection","entry":["#.to_vec();
    for (number, entry) in pages.iter().flat_map(|page| &page.entries).enumerate() {
        if number > 0 {
            text.push(b',');
        }
        let url = serde_json::Value::from(format!("{base}/{}", entry.stored.key));
        text.extend_from_slice(format!("\n{{\"fullUrl\":{url},\"resource\":").as_bytes());
        text.extend_from_slice(&entry.stored.body);
        text.push(b'}');
    }
    text.extend_from_slice(b"\n]}");
    text
}
