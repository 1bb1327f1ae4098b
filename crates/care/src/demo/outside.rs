//! What the hospital has sent to the practice about a person whom both know, and nobody at the practice has looked at: a
//! summary of care and the statements in it. It comes from the same life as the hospital's own chart, so that both tell of
//! the same person; each statement says that it came with the document.

use super::Org;
use super::dice::hash;
use super::shapes::*;
use crate::exchange::origin::{self, Origin, Way};
use serde_json::{Value, json};

/// Of each type some, the newest: the type, which of them, how many.
type Sent = (&'static str, fn(&Value) -> bool, usize);

const SENT: [Sent; 6] = [
    ("AllergyIntolerance", |_| true, 6),
    ("Condition", |it| it["category"][0]["coding"][0]["code"] == "problem-list-item", 8),
    ("MedicationRequest", |it| it["status"] == "active", 8),
    ("MedicationStatement", |it| it["status"] == "active", 8),
    ("Immunization", |_| true, 3),
    ("Observation", |it| it["category"][0]["coding"][0]["code"] == "laboratory", 6),
];
/// Members that lead to what was not sent.
const LEFT_OUT: [&str; 9] = [
    "encounter",
    "context",
    "specimen",
    "basedOn",
    "hasMember",
    "derivedFrom",
    "partOf",
    "reasonReference",
    "priorPrescription",
];

/// The resources that come with a summary of `theirs`, as part of the chart of `patient`.
pub(super) fn sent(patient: &str, from: Org, theirs: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for (kind, fits, most) in SENT {
        let mut some: Vec<&Value> = theirs.iter().filter(|it| it["resourceType"] == kind && fits(it)).collect();
        some.sort_by_key(|it| std::cmp::Reverse(when(it)));
        all.extend(some.into_iter().take(most).map(|it| adopted(it, patient)));
    }
    let Some(last) = all.iter().map(when).max().filter(|it| !it.is_empty()) else { return Vec::new() };
    let document = id_from(&format!("{patient}/summary"));
    let origin = Origin {
        way: Way::Document,
        source: from.url().to_owned(),
        name: from.name().to_owned(),
        arrival: Some(document.clone()),
    };
    all.push(summary(patient, from, &document, &last, &all));
    all.iter_mut().for_each(|it| origin::mark(it, &origin));
    all
}

/// When a statement was last changed where it was made.
fn when(it: &Value) -> String {
    let said = ["recordedDate", "authoredOn", "dateAsserted", "occurrenceDateTime", "effectiveDateTime"];
    said.iter().find_map(|name| it[*name].as_str()).unwrap_or_default().to_owned()
}

pub(super) fn id_from(text: &str) -> String {
    let parts: Vec<u64> = text.bytes().map(u64::from).collect();
    let (high, low) = (hash(&parts), hash(&[hash(&parts), 1]));
    format!(
        "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xFFFF,
        high & 0xFFF,
        0x8000 | low >> 48 & 0x3FFF,
        low & 0xFFFF_FFFF_FFFF
    )
}

fn adopted(theirs: &Value, patient: &str) -> Value {
    let mut it = theirs.clone();
    let id = id_from(&format!("{}/{}", it["resourceType"], it["id"]));
    if let Some(members) = it.as_object_mut() {
        members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        members.insert("id".into(), id.into());
    }
    lead(&mut it, patient);
    it
}

/// References lead to the person; who else is meant is told by name.
fn lead(value: &mut Value, patient: &str) {
    match value {
        Value::Object(members) => {
            let target = members.get("reference").and_then(Value::as_str).map(str::to_owned);
            match target {
                Some(target) if target.starts_with("Patient/") => {
                    members.insert("reference".into(), format!("Patient/{patient}").into());
                }
                Some(_) => {
                    members.remove("reference");
                    members.entry("display").or_insert_with(|| json!("Staff of the sender"));
                }
                None => members.values_mut().for_each(|it| lead(it, patient)),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| lead(it, patient)),
        _ => {}
    }
}

/// The document, in words.
fn summary(patient: &str, from: Org, id: &str, on: &str, statements: &[Value]) -> Value {
    let name = |it: &Value| {
        let concept = ["code", "medicationCodeableConcept", "vaccineCode"].iter().find_map(|name| it.get(*name));
        concept
            .and_then(|it| it["text"].as_str().or(it["coding"][0]["display"].as_str()))
            .unwrap_or("not named")
            .to_owned()
    };
    let mut text = format!("Summary of care\n{}\n", from.name());
    for (kind, title) in [
        ("AllergyIntolerance", "Allergies"),
        ("Condition", "Problems"),
        ("MedicationRequest", "Medications"),
        ("MedicationStatement", "Taken at home"),
        ("Immunization", "Immunizations"),
        ("Observation", "Results"),
    ] {
        let some: Vec<String> = statements.iter().filter(|it| it["resourceType"] == kind).map(name).collect();
        if !some.is_empty() {
            text.push_str(&format!("\n{title}\n- {}\n", some.join("\n- ")));
        }
    }
    let members = json!({
        "identifier": [{ "system": format!("{}/document", from.url()), "value": id }],
        "status": "current",
        "type": concept(LOINC, "34133-9", "Summary of episode note"),
        "category": [{ "coding": [{ "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "code": "clinical-note", "display": "Clinical Note" }] }],
        "subject": to(format!("Patient/{patient}")),
        "date": if on.len() > 10 { on.to_owned() } else { format!("{on}T12:00:00Z") },
        "author": [{ "display": from.name() }],
        "custodian": { "display": from.name() },
        "description": format!("Summary of care from {}", from.name()),
        "content": [{
            "attachment": attachment("Summary of care", &text, on),
            "format": { "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient", "display": "mimeType Sufficient" },
        }],
    });
    with(start("DocumentReference", id, Some("us-core-documentreference")), members)
}
