//! The International Patient Summary of one patient (HL7 IPS 1.1.0): a document of a Composition and what it tells.
//! Medications, allergies and problems are always told; where nothing is known, that is said in the words of IPS
//! (`absent-unknown-uv-ips`), so that "not known" is never read as "none".

use super::make::{keeper, record, uuid, words};
use crate::Organisation;
use crate::act::moment;
use crate::ask;
use crate::chart::element::{list, text};
use fhir::{Id, Value};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::{Caller, StoreResult};

const ABSENT: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";
const COMPOSITION: &str = "http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips";
const BUNDLE: &str = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips";

/// A section of IPS: LOINC code, title, and which resources it tells.
struct Section {
    code: &'static str,
    display: &'static str,
    title: &'static str,
    tells: fn(&Value) -> bool,
    /// What is said when nothing is known, in a section that must be there.
    unknown: Option<fn(&str) -> Value>,
}

fn is(it: &Value, kind: &str) -> bool {
    text(it, &["resourceType"]) == Some(kind)
}

fn code_of(concept: &Value) -> Option<&str> {
    list(concept, "coding").iter().find_map(|it| text(it, &["code"]))
}

fn category(it: &Value, name: &str) -> bool {
    list(it, "category").iter().flat_map(|it| list(it, "coding")).any(|it| it["code"] == name)
}

fn mistaken(it: &Value) -> bool {
    text(it, &["status"]) == Some("entered-in-error")
        || it.get("verificationStatus").and_then(code_of) == Some("entered-in-error")
}

fn over(it: &Value) -> bool {
    matches!(it.get("clinicalStatus").and_then(code_of), Some("resolved" | "inactive" | "remission"))
}

const SECTIONS: [Section; 11] = [
    Section {
        code: "10160-0",
        display: "History of Medication use Narrative",
        title: "Medications",
        tells: |it| {
            (is(it, "MedicationRequest") || is(it, "MedicationStatement"))
                && matches!(text(it, &["status"]), Some("active" | "on-hold" | "unknown"))
        },
        unknown: Some(|patient| {
            json!({ "resourceType": "MedicationStatement", "status": "unknown",
                "medicationCodeableConcept": absent("no-medication-info", "No information about medications"),
                "subject": { "reference": patient }, "effectivePeriod": reason() })
        }),
    },
    Section {
        code: "48765-2",
        display: "Allergies and adverse reactions Document",
        title: "Allergies and intolerances",
        tells: |it| is(it, "AllergyIntolerance"),
        unknown: Some(|patient| {
            json!({ "resourceType": "AllergyIntolerance",
                "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active" }] },
                "code": absent("no-allergy-info", "No information about allergies"), "patient": { "reference": patient } })
        }),
    },
    Section {
        code: "11450-4",
        display: "Problem list - Reported",
        title: "Problems",
        tells: |it| is(it, "Condition") && !over(it) && !category(it, "encounter-diagnosis"),
        unknown: Some(|patient| {
            json!({ "resourceType": "Condition",
                "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
                "code": absent("no-problem-info", "No information about problems"), "subject": { "reference": patient } })
        }),
    },
    Section {
        code: "11369-6",
        display: "History of Immunization Narrative",
        title: "Immunizations",
        tells: |it| is(it, "Immunization"),
        unknown: None,
    },
    Section {
        code: "30954-2",
        display: "Relevant diagnostic tests/laboratory data Narrative",
        title: "Results",
        tells: |it| is(it, "Observation") && category(it, "laboratory"),
        unknown: None,
    },
    Section {
        code: "47519-4",
        display: "History of Procedures Document",
        title: "Procedures",
        tells: |it| is(it, "Procedure"),
        unknown: None,
    },
    Section {
        code: "46264-8",
        display: "History of medical device use",
        title: "Devices",
        tells: |it| is(it, "DeviceUseStatement"),
        unknown: None,
    },
    Section {
        code: "8716-3",
        display: "Vital signs",
        title: "Vital signs",
        tells: |it| is(it, "Observation") && category(it, "vital-signs"),
        unknown: None,
    },
    Section {
        code: "11348-0",
        display: "History of Past illness Narrative",
        title: "Past illnesses",
        tells: |it| is(it, "Condition") && over(it),
        unknown: None,
    },
    Section {
        code: "29762-2",
        display: "Social history Narrative",
        title: "Social history",
        tells: |it| is(it, "Observation") && (category(it, "social-history")),
        unknown: None,
    },
    Section {
        code: "18776-5",
        display: "Plan of care note",
        title: "Plan of care",
        tells: |it| is(it, "CarePlan") && text(it, &["status"]) == Some("active"),
        unknown: None,
    },
];

fn absent(code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": ABSENT, "code": code, "display": display }], "text": display })
}

fn reason() -> Value {
    json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }] })
}

/// Measurements and results: the latest of each code, and no more than this of them.
const LATEST: usize = 60;

/// The summary, as the caller may see the record.
pub async fn summary(organisation: &Organisation, caller: &Caller, patient: &Id, now: i64) -> StoreResult<Value> {
    let person = ask::read(&organisation.store, caller, "Patient", patient).await?.value;
    let all = record(organisation, caller, patient).await?;
    let base = organisation.fhir_base();
    let custodian = keeper(organisation, &all, &person);
    let written = moment(now);
    let subject = format!("{base}/Patient/{patient}");
    let id = uuid(&organisation.surroundings.new_id());

    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    let mut sections: Vec<Value> = Vec::new();
    let mut made: Vec<(String, Value)> = Vec::new();
    for section in &SECTIONS {
        let mut found: Vec<&Value> = all.iter().filter(|it| !mistaken(it) && (section.tells)(it)).collect();
        found.sort_by_key(|it| std::cmp::Reverse(date(it).unwrap_or_default().to_owned()));
        if matches!(section.code, "30954-2" | "8716-3") {
            let mut seen: BTreeSet<String> = BTreeSet::new();
            found.retain(|it| seen.insert(it.get("code").and_then(code_of).unwrap_or_default().to_owned()));
            found.truncate(LATEST);
        }
        let mut entries: Vec<Value> = Vec::new();
        let mut rows: Vec<[String; 3]> = Vec::new();
        for it in found {
            let url = format!("{base}/{}", name(it));
            entries.push(json!({ "reference": url }));
            rows.push(row(it));
            told.insert(url, it.clone());
        }
        if let (true, Some(unknown)) = (entries.is_empty(), section.unknown) {
            let mut it = unknown(&subject);
            let own = uuid(&organisation.surroundings.new_id());
            it["id"] = own.as_str().into();
            rows.push(row(&it));
            entries.push(json!({ "reference": format!("urn:uuid:{own}") }));
            made.push((format!("urn:uuid:{own}"), it));
        }
        if !entries.is_empty() {
            sections.push(json!({
                "title": section.title,
                "code": { "coding": [{ "system": "http://loinc.org", "code": section.code, "display": section.display }] },
                "text": { "status": "generated", "div": table(&rows) },
                "entry": entries,
            }));
        }
    }
    let keeper_url = format!("{base}/{}", name(&custodian));
    let composition = json!({
        "resourceType": "Composition",
        "id": uuid(&organisation.surroundings.new_id()),
        "meta": { "profile": [COMPOSITION] },
        "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{id}") },
        "status": "final",
        "type": { "coding": [{ "system": "http://loinc.org", "code": "60591-5", "display": "Patient summary Document" }] },
        "subject": { "reference": subject },
        "date": written,
        "author": [{ "reference": keeper_url }],
        "title": "Patient summary",
        "confidentiality": "N",
        "custodian": { "reference": keeper_url },
        "section": sections,
    });
    // What the told refers to, as far as it is here; what is not is told by its words.
    let known: BTreeMap<String, &Value> = all.iter().chain([&custodian, &person]).map(|it| (name(it), it)).collect();
    let mut waiting: Vec<Value> = told.values().cloned().chain([person.clone(), custodian.clone()]).collect();
    told.insert(subject.clone(), person.clone());
    told.insert(keeper_url.clone(), custodian.clone());
    while let Some(it) = waiting.pop() {
        let mut wanted = Vec::new();
        references(&it, &mut wanted);
        for reference in wanted {
            let url = format!("{base}/{reference}");
            let Some(found) = known.get(&reference).filter(|_| !told.contains_key(&url)) else { continue };
            // Not the whole record follows from one visit.
            if SUPPORTING.contains(&text(found, &["resourceType"]).unwrap_or_default()) {
                told.insert(url, (*found).clone());
                waiting.push((*found).clone());
            }
        }
    }
    let urls: BTreeSet<String> = told.keys().cloned().collect();
    let own = format!("urn:uuid:{}", text(&composition, &["id"]).unwrap_or_default());
    let mut entries = vec![json!({ "fullUrl": own, "resource": composition })];
    entries.push(json!({ "fullUrl": subject, "resource": told.remove(&subject) }));
    entries.extend(told.into_iter().map(|(url, it)| json!({ "fullUrl": url, "resource": it })));
    entries.extend(made.into_iter().map(|(url, it)| json!({ "fullUrl": url, "resource": it })));
    for entry in entries.iter_mut().skip(1) {
        within(&mut entry["resource"], &base, &urls);
    }
    Ok(json!({
        "resourceType": "Bundle",
        "id": id,
        "meta": { "profile": [BUNDLE] },
        "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{id}") },
        "type": "document",
        "timestamp": written,
        "entry": entries,
    }))
}

/// Who and what entries point at that belongs into the summary with them.
const SUPPORTING: [&str; 8] =
    ["Practitioner", "PractitionerRole", "Organization", "Medication", "Device", "Location", "Specimen", "Observation"];

fn name(it: &Value) -> String {
    format!("{}/{}", text(it, &["resourceType"]).unwrap_or_default(), text(it, &["id"]).unwrap_or_default())
}

fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            out.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|it| references(it, out));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, out)),
        _ => {}
    }
}

/// In a document, a reference leads to an entry or says in words what it means (FHIR R4, 3.3.1).
fn within(value: &mut Value, base: &str, urls: &BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let outside = members.get("reference").and_then(Value::as_str).is_some_and(|it| {
                !it.starts_with('#')
                    && !it.starts_with("urn:")
                    && !urls.contains(it)
                    && !urls.contains(&format!("{base}/{it}"))
            });
            if outside {
                let lost = members.remove("reference");
                let kind =
                    lost.as_ref().and_then(Value::as_str).and_then(|it| it.split('/').next()).unwrap_or("resource");
                if !members.contains_key("display") && !members.contains_key("identifier") {
                    members.insert("display".into(), format!("{kind} of this record").into());
                }
            }
            members.values_mut().for_each(|it| within(it, base, urls));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| within(it, base, urls)),
        _ => {}
    }
}

fn date(it: &Value) -> Option<&str> {
    const DATES: [&str; 8] = [
        "effectiveDateTime",
        "onsetDateTime",
        "performedDateTime",
        "occurrenceDateTime",
        "authoredOn",
        "recordedDate",
        "dateAsserted",
        "created",
    ];
    let period =
        ["effectivePeriod", "performedPeriod", "period"].iter().find_map(|it_name| text(it, &[it_name, "start"]));
    DATES.iter().find_map(|name| text(it, &[name])).or(period)
}

fn row(it: &Value) -> [String; 3] {
    let what = ["code", "medicationCodeableConcept", "vaccineCode"].iter().find_map(|name| words(it.get(*name)));
    let what = what.or_else(|| text(it, &["medicationReference", "display"]).map(str::to_owned));
    let what = what.or_else(|| text(it, &["title"]).map(str::to_owned)).unwrap_or_default();
    let value = it.get("valueQuantity").map(|it| {
        let number = it.get("value").map(ToString::to_string).unwrap_or_default();
        format!("{number} {}", text(it, &["unit"]).unwrap_or_default())
    });
    let value = value
        .or_else(|| words(it.get("valueCodeableConcept")))
        .or_else(|| text(it, &["valueString"]).map(str::to_owned));
    let sig = || {
        list(it, "dosageInstruction")
            .iter()
            .chain(list(it, "dosage"))
            .find_map(|it| text(it, &["text"]))
            .map(str::to_owned)
    };
    let day = date(it).map(|it| it.split('T').next().unwrap_or(it).to_owned());
    [what, value.or_else(sig).unwrap_or_default(), day.unwrap_or_default()]
}

fn table(rows: &[[String; 3]]) -> String {
    let safe = |it: &str| it.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let rows: String = rows
        .iter()
        .map(|row| row.iter().map(|it| format!("<td>{}</td>", safe(it))).collect::<String>())
        .map(|it| format!("<tr>{it}</tr>"))
        .collect();
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><table><tbody>{rows}</tbody></table></div>")
}
