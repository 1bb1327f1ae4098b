//! The mapping against messages that others published: nothing panics, every resource is valid, the same message gives
//! the same, and the facts are those that another converter found.

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

/// What a person would check: kind of fact and the fact, for each kind of resource.
type Facts = BTreeSet<(String, &'static str, String)>;

/// Resources that another converter makes of the transport of a message, or as parts of the ones compared.
const NOT_COMPARED: [&str; 2] = ["MessageHeader", "Provenance"];

fn facts_of(kinds: &BTreeMap<String, String>, resource: &Value, facts: &mut Facts) {
    let kind = resource["resourceType"].as_str().unwrap_or("").to_owned();
    let kind = if kind == "PractitionerRole" { "Practitioner".to_owned() } else { kind };
    walk(kinds, &kind, "", resource, facts);
}

fn walk(kinds: &BTreeMap<String, String>, kind: &str, name: &str, value: &Value, facts: &mut Facts) {
    let mut put = |what: &'static str, fact: String| {
        if !fact.is_empty() {
            facts.insert((kind.to_owned(), what, fact));
        }
    };
    match value {
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or("").trim().to_owned();
            match name {
                "coding" | "class" | "valueCoding" => put("code", text("code")),
                "identifier" | "masterIdentifier" | "accessionIdentifier" => put("identifier", text("value")),
                "name" => put("name", text("family")),
                "valueQuantity" | "doseQuantity" | "quantity" | "low" | "high" => {
                    put("value", members.get("value").map(|it| number(&it.to_string())).unwrap_or_default());
                    put("unit", text("unit"));
                }
                _ => {}
            }
            if let Some(target) = members.get("reference").and_then(Value::as_str).and_then(|it| kinds.get(it)) {
                put("reference", format!("{name} {target}"));
            }
            for (name, value) in members {
                if !matches!(name.as_str(), "text" | "extension" | "meta" | "id" | "contained") || value.is_string() {
                    walk(kinds, kind, name, value, facts);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|it| walk(kinds, kind, name, it, facts)),
        Value::String(text) => match name {
            "gender" | "status" => put("code", text.clone()),
            "given" | "line" | "city" | "postalCode" => put("name", text.trim().to_owned()),
            "valueString" => put("value", number(text.trim())),
            "lotNumber" => put("value", text.trim().to_owned()),
            "birthDate" | "start" | "end" | "issued" | "expirationDate" | "receivedTime" | "recorded"
            | "authoredOn" | "date" => {
                put("date", moment(text));
            }
            _ if name.ends_with("DateTime") || name.ends_with("Date") => put("date", moment(text)),
            _ => {}
        },
        _ => {}
    }
}

/// Numbers are compared as numbers.
fn number(text: &str) -> String {
    text.parse::<f64>().map(|it| it.to_string()).unwrap_or_else(|_| text.to_owned())
}

/// A moment to the minute, in universal time when it says an offset other than that.
fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.to_string().get(..16).unwrap_or("").to_owned(),
        Err(_) => text.to_owned(),
    }
}

#[test]
fn the_facts_are_those_that_another_converter_found() {
    let Some(folder) = testkit::unpacked("hl7v2-messages") else { return };
    let folder = folder.join("converter-pairs");
    let mut expected_files = Vec::new();
    collect(&folder.join("expected/Hl7v2"), &["json"], &mut expected_files);
    let mut share: BTreeMap<(String, &str), (usize, usize)> = BTreeMap::new();
    let mut missing: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    let mut without: BTreeMap<String, usize> = BTreeMap::new();
    for file in &expected_files {
        let stem = file.file_stem().expect("a name").to_string_lossy().replace("-expected", "");
        let Ok(bytes) = std::fs::read(folder.join("input-hl7v2").join(format!("{stem}.hl7"))) else { continue };
        let expected: Value = serde_json::from_slice(&std::fs::read(file).expect("readable")).expect("JSON");
        let entries: Vec<&Value> =
            expected["entry"].as_array().into_iter().flatten().map(|it| &it["resource"]).collect();
        let kinds = entries.iter().map(|it| {
            let kind = it["resourceType"].as_str().unwrap_or("");
            (format!("{kind}/{}", it["id"].as_str().unwrap_or("")), kind.to_owned())
        });
        let kinds: BTreeMap<String, String> = kinds.collect();
        let ours = converted(&bytes);
        let resources: Vec<&(String, Value)> = ours.iter().flat_map(|it| &it.read.resources).collect();
        let our_kinds: BTreeMap<String, String> =
            resources.iter().map(|it| (it.0.clone(), it.1["resourceType"].as_str().unwrap_or("").to_owned())).collect();
        let (mut theirs, mut found) = (Facts::new(), Facts::new());
        entries.iter().for_each(|it| facts_of(&kinds, it, &mut theirs));
        resources.iter().for_each(|it| facts_of(&our_kinds, &it.1, &mut found));
        let made: BTreeSet<&str> = our_kinds.values().map(String::as_str).collect();
        for fact in theirs {
            if NOT_COMPARED.contains(&fact.0.as_str()) {
                continue;
            }
            if !made.contains(fact.0.as_str()) {
                *without.entry(fact.0).or_default() += 1;
                continue;
            }
            let counts = share.entry((fact.0.clone(), fact.1)).or_default();
            counts.1 += 1;
            if found.contains(&fact) {
                counts.0 += 1;
            } else {
                missing.entry((fact.0, fact.1)).or_default().push(format!("{stem}: {}", fact.2));
            }
        }
    }
    let (agree, all) = share.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("{agree} of {all} facts agree ({:.1} %)", agree as f64 * 100.0 / all as f64);
    println!("facts in kinds of resources that are not made here: {without:?}");
    for ((kind, what), (agree, all)) in &share {
        let examples = missing.get(&(kind.clone(), *what)).map(|it| it.iter().take(4).cloned().collect::<Vec<_>>());
        println!("{kind} {what}: {agree} of {all} {}", examples.unwrap_or_default().join("; "));
    }
    assert!(agree * 100 >= all * 50, "{agree} of {all}");
}
