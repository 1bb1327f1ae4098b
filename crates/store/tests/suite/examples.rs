//! The example resources of the standard: stored, read back the same, and found by everything they are found by.

use crate::asking::finding;
use crate::places::{Place, me, postgres, put, sqlite, write_all};
use fhir::search::row::{RowValue, Target};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Key, ResourceType, Value};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use store::{PageQuery, StoreError};

static EXAMPLES: LazyLock<Vec<Value>> = LazyLock::new(examples);

fn examples() -> Vec<Value> {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return Vec::new() };
    let files = std::fs::read_dir(folder.join("R4")).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    let read = files.iter().map(|it| serde_json::from_slice::<Value>(&std::fs::read(it).unwrap()).unwrap());
    let mut seen = BTreeSet::new();
    let whole = read.enumerate().filter_map(|(at, mut value)| {
        ResourceType::parse(value["resourceType"].as_str()?)?;
        // A few share an id, and some have none or one that is too long.
        let id = value["id"].as_str().unwrap_or_default().to_owned();
        if fhir::Id::parse(&id).is_none() || !seen.insert((value["resourceType"].as_str()?.to_owned(), id)) {
            value["id"] = format!("example-{at}").into();
        }
        Some(value)
    });
    whole.collect()
}

/// Without what the store says itself.
fn said(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty() {
            value.as_object_mut().unwrap().shift_remove("meta");
        }
    }
    value
}

async fn stored_and_found(place: &Place, every: usize) {
    let examples = &*EXAMPLES;
    if examples.is_empty() {
        return;
    }
    let store = &place.store;
    for chunk in examples.chunks(200) {
        write_all(store, chunk.to_vec()).await;
    }
    let registry = store.registry();
    let reading =
        Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: 1_700_000_000_000 };
    let (mut asked, mut beyond, mut wrong) = (0, 0, Vec::new());
    for value in examples.iter().step_by(every) {
        let key = put(value.clone()).key;
        let back = store.read(&me(), &key).await.unwrap().value();
        // Numbers are compared by their digits, members whatever their order.
        assert_eq!(said(&back), said(value), "{key} is not what was stored");
        let rows = registry.rows(key.kind, value, store.bases());
        for param in registry.params(key.kind).filter(|it| it.position.is_none()) {
            let mut questions = BTreeSet::new();
            for source in &param.sources {
                for row in rows.iter().filter(|row| row.slot == source.slot) {
                    let told = match (&row.value, source.only) {
                        (_, None) => true,
                        (RowValue::Reference(Target::Local { key, .. }), Some(only)) => key.kind == only,
                        (RowValue::Reference(Target::Elsewhere { kind, .. }), Some(only)) => *kind == Some(only),
                        _ => false,
                    };
                    match finding(param, &row.value).filter(|_| told) {
                        Some(question) => drop(questions.insert(question)),
                        None => beyond += usize::from(told),
                    }
                }
            }
            // A value set of a thousand codes is not asked a thousand times.
            for question in questions.into_iter().take(4) {
                let scope = Scope::Type(key.kind);
                let params = [question.clone(), ("_id".to_owned(), key.id.to_string())];
                let (name, text) = question;
                let query = match reading.query(&scope, &params, Handling::Strict) {
                    Ok((query, _)) => query,
                    Err(issues) => {
                        wrong.push(format!("{}?{name}={text} of {key}: {}", key.kind, issues[0].diagnostics));
                        continue;
                    }
                };
                asked += 1;
                let page = PageQuery { query, default_count: 10, max_count: 10, cursor: None };
                match store.search(&me(), &page).await {
                    Ok(page) if page.entries.len() == 1 => {}
                    Ok(_) => wrong.push(format!("{}?{name}={text} does not find {key}", key.kind)),
                    Err(error) => wrong.push(format!("{}?{name}={text}: {error}", key.kind)),
                }
            }
        }
    }
    eprintln!("{} examples, {asked} searches; {beyond} rows have no text of their own", examples.len());
    let shown = wrong.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {asked} searches are wrong:\n{shown}", wrong.len());
    assert!(asked > 0);
    assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    let nobody = Key::parse("Patient/nobody-at-all").unwrap();
    assert!(matches!(store.read(&me(), &nobody).await, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn every_example_of_the_standard_is_found_by_all_it_says() {
    stored_and_found(&sqlite().await, 1).await;
}

#[tokio::test]
async fn every_example_of_the_standard_is_found_on_postgresql() {
    if let Some(place) = postgres().await {
        stored_and_found(&place, testkit::dose(10, 1)).await;
    }
}
