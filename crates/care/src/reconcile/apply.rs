//! What a decision makes of a resource. Pure functions from one version to the next; FHIR R4 invariants con-3 to con-5,
//! ait-1 and ait-2 hold for what comes out.

use super::{By, Kind};
use crate::chart::element::{at, has_code, list, text};
use crate::entries;
use crate::exchange::origin;
use crate::shapes::hl7;
use fhir::Value;
use serde_json::json;

/// It becomes part of this record.
pub(super) fn taken(mut value: Value) -> Value {
    origin::settle(&mut value);
    let planned = matches!(text(&value, &["intent"]), Some("plan" | "proposal"));
    if planned && value.get("reportedBoolean").is_none() && value.get("reportedReference").is_none() {
        // Told by another record and not ordered here: it counts among what is taken (US Core MedicationRequest).
        value["intent"] = json!("plan");
        value["reportedBoolean"] = json!(true);
    }
    value
}

/// It stays with the record it came from.
pub(super) fn left(mut value: Value) -> Value {
    origin::leave(&mut value);
    value
}

/// It does not hold any more; `replaced` says that something else stands in its place.
pub(super) fn ended(kind: Kind, mut value: Value, today: &str, replaced: bool) -> Value {
    match kind {
        Kind::Medications => {
            value["status"] = json!("stopped");
            let why = if replaced { "Replaced at reconciliation" } else { "Discontinued at reconciliation" };
            if text(&value, &["resourceType"]) == Some("MedicationRequest") {
                value["statusReason"] = json!({ "text": why });
            } else {
                value["statusReason"] = json!([{ "text": why }]);
                if let Some(period) = value.get_mut("effectivePeriod").and_then(Value::as_object_mut) {
                    period.insert("end".into(), json!(today));
                }
            }
            value
        }
        Kind::Problems | Kind::Allergies if replaced => {
            let (system, list) = match kind {
                Kind::Problems => ("condition-clinical", "inactive"),
                _ => ("allergyintolerance-clinical", "inactive"),
            };
            value["clinicalStatus"] = hl7(system, list, "Inactive");
            value
        }
        Kind::Problems => {
            if let Some(members) = value.as_object_mut() {
                members.retain(|name, _| !name.starts_with("abatement"));
            }
            entries::over(entries::List::Problems, value, today)
        }
        Kind::Allergies => entries::over(entries::List::Allergies, value, today),
        // What was given and what was measured does not end.
        Kind::Immunizations | Kind::Results => value,
    }
}

/// Members that are taken over where ours says nothing: (list, members).
const SILENT: [(Kind, &[&str]); 4] = [
    (Kind::Medications, &["reasonCode", "courseOfTherapyType"]),
    (Kind::Allergies, &["type", "category", "onsetDateTime", "lastOccurrence"]),
    (Kind::Problems, &["severity", "bodySite", "stage"]),
    (Kind::Immunizations, &["lotNumber", "expirationDate", "site", "route", "doseQuantity", "protocolApplied"]),
];

/// Ours with what the other record knows besides.
pub(super) fn merged(kind: Kind, mut ours: Value, theirs: &Value, by: Option<By>) -> Value {
    add_codes(kind, &mut ours, theirs, by);
    for member in SILENT.iter().filter(|it| it.0 == kind).flat_map(|it| it.1) {
        if ours.get(*member).is_none()
            && let Some(value) = theirs.get(*member)
        {
            ours[*member] = value.clone();
        }
    }
    match kind {
        Kind::Medications => directions(&mut ours, theirs),
        Kind::Allergies => reactions(&mut ours, theirs),
        Kind::Problems
            if !["onsetDateTime", "onsetPeriod", "onsetAge", "onsetRange", "onsetString"]
                .iter()
                .any(|it| ours.get(*it).is_some()) =>
        {
            if let Some(onset) = theirs.get("onsetDateTime") {
                ours["onsetDateTime"] = onset.clone();
            }
        }
        _ => {}
    }
    notes(&mut ours, theirs);
    ours
}

/// Codes of systems in which ours has none. A medicine of another strength has another code, which is not ours.
fn add_codes(kind: Kind, ours: &mut Value, theirs: &Value, by: Option<By>) {
    if kind == Kind::Medications && by != Some(By::Code) {
        return;
    }
    let member = match kind {
        Kind::Medications => "medicationCodeableConcept",
        Kind::Immunizations => "vaccineCode",
        _ => "code",
    };
    let Some(concept) = ours.get_mut(member).filter(|it| it.is_object()) else { return };
    let of = |it: &Value| text(it, &["system"]).map(str::to_owned);
    let new: Vec<Value> = theirs.get(member).map_or(&[][..], |it| list(it, "coding")).to_vec();
    let mut all: Vec<Value> = list(concept, "coding").to_vec();
    for coding in new {
        if all.iter().all(|it| of(it) != of(&coding)) {
            all.push(coding);
        }
    }
    if !all.is_empty() {
        concept["coding"] = Value::Array(all);
    }
}

/// How it is taken: the same words under two names, in a request and in a statement.
fn directions(ours: &mut Value, theirs: &Value) {
    let member = |it: &Value| match text(it, &["resourceType"]) {
        Some("MedicationStatement") => "dosage",
        _ => "dosageInstruction",
    };
    let (own, other) = (member(ours), member(theirs));
    if list(ours, own).is_empty()
        && let Some(said) = theirs.get(other)
    {
        ours[own] = said.clone();
    }
}

/// Every reaction that either record knows, and the higher of two risks.
fn reactions(ours: &mut Value, theirs: &Value) {
    let shown = |it: &Value| -> Vec<String> {
        list(it, "manifestation")
            .iter()
            .filter_map(crate::chart::element::concept)
            .map(|it| crate::drugs::folded(&it))
            .collect()
    };
    let mut all: Vec<Value> = list(ours, "reaction").to_vec();
    for reaction in list(theirs, "reaction") {
        match all.iter_mut().find(|it| shown(it) == shown(reaction)) {
            Some(there) if there.get("severity").is_none() => {
                if let Some(severity) = reaction.get("severity") {
                    there["severity"] = severity.clone();
                }
            }
            Some(_) => {}
            None => all.push(reaction.clone()),
        }
    }
    if !all.is_empty() {
        ours["reaction"] = Value::Array(all);
    }
    let unknown = !matches!(text(ours, &["criticality"]), Some("low" | "high"));
    match text(theirs, &["criticality"]) {
        Some("high") => ours["criticality"] = json!("high"),
        Some("low") if unknown => ours["criticality"] = json!("low"),
        _ => {}
    }
}

fn notes(ours: &mut Value, theirs: &Value) {
    let mut all: Vec<Value> = list(ours, "note").to_vec();
    for note in list(theirs, "note") {
        if all.iter().all(|it| text(it, &["text"]) != text(note, &["text"])) {
            // Who wrote it is of the other record; what it says is what counts here.
            let mut note = note.clone();
            if let Some(members) = note.as_object_mut() {
                members.remove("authorReference");
            }
            all.push(note);
        }
    }
    if !all.is_empty() {
        ours["note"] = Value::Array(all);
    }
}

/// Whether it says that there is no allergy, and still does.
pub(super) fn denies(value: &Value) -> bool {
    at(value, &["clinicalStatus"]).is_none_or(|it| has_code(it, "active"))
}
