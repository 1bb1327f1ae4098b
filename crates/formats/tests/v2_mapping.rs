//! The mapping against messages that others published: nothing panics, every resource is valid, and the same message
//! gives the same. What they say is compared in `v2_report`.

use formats::v2::Batch;
use formats::v2::map::{Converted, Mapping, Settings, convert};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, endings, found);
        } else if path.extension().is_some_and(|it| endings.iter().any(|ending| it == *ending)) {
            found.push(path);
        }
    }
    found.sort();
}

fn converted(bytes: &[u8]) -> Vec<Converted> {
    let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
    Batch::read(bytes).messages().map(|it| convert(it, settings)).collect()
}

#[test]
fn every_published_message_becomes_valid_resources_and_the_same_ones_again() {
    let Some(folder) = testkit::unpacked("hl7v2-messages") else { return };
    let mut files = Vec::new();
    collect(&folder, &["hl7", "txt"], &mut files);
    let (mut messages, mut resources, mut fields, mut mapped) = (0, 0, 0, 0);
    let mut says: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        let bytes = std::fs::read(file).expect("the file can be read");
        let first = converted(&bytes);
        assert_eq!(first, converted(&bytes), "{}", file.display());
        for it in first {
            messages += 1;
            resources += it.read.resources.len();
            fields += it.fields;
            mapped += it.mapped;
            let addresses: BTreeSet<&String> = it.read.resources.iter().map(|it| &it.0).collect();
            assert_eq!(addresses.len(), it.read.resources.len(), "{}: an address stands twice", file.display());
            for (address, resource) in &it.read.resources {
                let issues = fhir::validate::validate(resource);
                let errors: Vec<_> = issues.iter().filter(|it| it.is_error()).collect();
                assert!(errors.is_empty(), "{}: {address} {errors:?}", file.display());
                for reference in references(resource) {
                    assert!(addresses.contains(&reference), "{}: {reference} leads nowhere", file.display());
                }
            }
            for note in &it.read.notes {
                let place: String = note.place.chars().filter(|it| *it != '[').collect();
                let place = place.split(']').next_back().unwrap_or("").to_owned();
                let name = note.place.get(..3).unwrap_or("");
                let place = if place.starts_with(name) { place } else { format!("{name}{place}") };
                *says.entry(format!("{:?} {place}: {}", note.fate, note.says)).or_default() += 1;
            }
        }
    }
    let mut says: Vec<_> = says.into_iter().collect();
    says.sort_by_key(|it| std::cmp::Reverse(it.1));
    println!("{messages} messages, {resources} resources; {mapped} of {fields} populated fields are mapped");
    for (says, count) in says.iter().take(60) {
        println!("{count:5} {says}");
    }
    assert!(messages >= 260 && mapped * 100 >= fields * 50, "{messages} messages, {mapped} of {fields} fields");
}

fn references(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            found.extend(members.values().flat_map(references));
        }
        Value::Array(list) => found.extend(list.iter().flat_map(references)),
        _ => {}
    }
    found
}
