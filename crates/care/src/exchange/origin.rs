//! Where a resource came from, when it did not come about here. Whoever takes something in marks it before it is written:
//! `meta.source` is the address of the partner, a `#` and the name of what arrived (FHIR R4, resource.html#Meta), and
//! one tag says in which way it came, with the partner's name to be read. The rest of the program asks only this module.

use crate::chart::element::text;
use fhir::Value;
use serde_json::json;

/// The tags that say where something came from.
pub const SYSTEM: &str = "urn:continuo:origin";
/// The tag of what came from another record and was looked at here: a person took it into this record.
const RECONCILED: &str = "reconciled";
/// The tag of what was looked at here and stays with the record it came from: known already, merged into what is here,
/// or of no use.
const LEFT: &str = "left";

/// In which way something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// A message to this place, such as a result of a laboratory: it is part of this record when it arrives.
    Message,
    /// A document of another record (C-CDA, IPS): it stands apart until somebody reconciles it.
    Document,
    /// Asked for and fetched from another record: it stands apart until somebody reconciles it.
    Record,
    /// Measured by a device of the patient.
    Device,
    /// Told by the patient.
    Patient,
}

const WAYS: [(Way, &str); 5] = [
    (Way::Message, "message"),
    (Way::Document, "document"),
    (Way::Record, "record"),
    (Way::Device, "device"),
    (Way::Patient, "patient"),
];

/// From whom something came, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub way: Way,
    /// The address of the partner: `urn:oid:2.16.840…`, `https://lakeside.example/fhir`.
    pub source: String,
    /// The partner's name, for people.
    pub name: String,
    /// What arrived: the name of the raw message, of the document.
    pub arrival: Option<String>,
}

/// Says on a resource where it came from. What it said of that before, it says no longer.
pub fn mark(resource: &mut Value, origin: &Origin) {
    let code = WAYS.iter().find(|(way, _)| *way == origin.way).map_or("", |(_, code)| code);
    let address = match &origin.arrival {
        Some(arrival) => format!("{}#{arrival}", origin.source),
        None => origin.source.clone(),
    };
    let before = resource.pointer("/meta/tag").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut tags: Vec<Value> = before.iter().filter(|it| text(it, &["system"]) != Some(SYSTEM)).cloned().collect();
    tags.push(json!({ "system": SYSTEM, "code": code, "display": origin.name }));
    if !resource["meta"].is_object() {
        resource["meta"] = json!({});
    }
    resource["meta"]["source"] = address.into();
    resource["meta"]["tag"] = tags.into();
}

/// Where a resource came from; nothing for what came about here.
pub fn of(resource: &Value) -> Option<Origin> {
    let way = |tag| WAYS.iter().find(|(_, known)| text(tag, &["code"]) == Some(known)).map(|(way, _)| (*way, tag));
    let (way, tag) = tags(resource).find_map(way)?;
    let address = text(resource, &["meta", "source"]).unwrap_or_default();
    let (source, arrival) = match address.split_once('#') {
        Some((source, arrival)) => (source.to_owned(), Some(arrival.to_owned())),
        None => (address.to_owned(), None),
    };
    let name = text(tag, &["display"]).unwrap_or(&source).to_owned();
    Some(Origin { way, source, name, arrival })
}

/// Whether it came from another record and nobody here has decided about it yet. Such things are shown with their
/// source, apart from the lists of this record, and no check counts them as known to be true.
pub fn is_unreconciled(resource: &Value) -> bool {
    waits(resource) && !has(resource, RECONCILED) && !has(resource, LEFT)
}

/// Whether somebody here has looked at it and left it where it came from: it is kept and found, and shown in no list.
pub fn is_left(resource: &Value) -> bool {
    waits(resource) && has(resource, LEFT)
}

/// Says that somebody here has taken it into this record.
pub fn settle(resource: &mut Value) {
    decide(resource, RECONCILED);
}

/// Says that somebody here has looked at it, and that it is no part of this record.
pub fn leave(resource: &mut Value) {
    decide(resource, LEFT);
}

/// Says that nobody has decided about it after all.
pub fn unsettle(resource: &mut Value) {
    if let Some(tags) = resource.pointer_mut("/meta/tag").and_then(Value::as_array_mut) {
        tags.retain(|it| text(it, &["system"]) != Some(SYSTEM) || !is_decision(it));
    }
}

/// What came in this way is looked at by a person before it counts.
fn waits(resource: &Value) -> bool {
    of(resource).is_some_and(|it| matches!(it.way, Way::Document | Way::Record))
}

fn decide(resource: &mut Value, decision: &str) {
    if is_unreconciled(resource)
        && let Some(tags) = resource.pointer_mut("/meta/tag").and_then(Value::as_array_mut)
    {
        tags.push(json!({ "system": SYSTEM, "code": decision }));
    }
}

fn is_decision(tag: &Value) -> bool {
    matches!(text(tag, &["code"]), Some(RECONCILED | LEFT))
}

fn has(resource: &Value, decision: &str) -> bool {
    tags(resource).any(|it| text(it, &["code"]) == Some(decision))
}

fn tags(resource: &Value) -> impl Iterator<Item = &Value> {
    let all = resource.pointer("/meta/tag").and_then(Value::as_array);
    all.into_iter().flatten().filter(|it| text(it, &["system"]) == Some(SYSTEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_lakeside() -> Origin {
        Origin {
            way: Way::Document,
            source: "urn:oid:2.16.840.1.113883.3.72".into(),
            name: "Lakeside General Hospital".into(),
            arrival: Some("doc-7".into()),
        }
    }

    #[test]
    fn what_is_marked_is_read_back_and_other_tags_stay() {
        let other = json!({ "system": "urn:other", "code": "x" });
        let mut condition = json!({ "resourceType": "Condition", "meta": { "tag": [other] } });
        assert_eq!(of(&condition), None);
        mark(&mut condition, &Origin { way: Way::Patient, ..from_lakeside() });
        mark(&mut condition, &from_lakeside());
        assert_eq!(of(&condition), Some(from_lakeside()));
        assert_eq!(condition["meta"]["source"], "urn:oid:2.16.840.1.113883.3.72#doc-7");
        assert_eq!(condition["meta"]["tag"].as_array().map(Vec::len), Some(2));
        assert_eq!(condition["meta"]["tag"][0], other);
    }

    #[test]
    fn documents_wait_for_a_person_and_messages_do_not() {
        let mut condition = json!({ "resourceType": "Condition" });
        assert!(!is_unreconciled(&condition));
        mark(&mut condition, &from_lakeside());
        assert!(is_unreconciled(&condition));
        settle(&mut condition);
        settle(&mut condition);
        assert!(!is_unreconciled(&condition));
        assert_eq!(of(&condition), Some(from_lakeside()));
        assert!(!is_left(&condition));
        leave(&mut condition);
        assert!(!is_left(&condition), "what was taken is not left as well");
        unsettle(&mut condition);
        assert!(is_unreconciled(&condition));
        leave(&mut condition);
        assert!(is_left(&condition) && !is_unreconciled(&condition));
        assert_eq!(of(&condition), Some(from_lakeside()));
        unsettle(&mut condition);
        assert!(is_unreconciled(&condition));
        mark(&mut condition, &Origin { way: Way::Message, ..from_lakeside() });
        assert!(!is_unreconciled(&condition));
    }
}
