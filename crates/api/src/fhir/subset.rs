//! `_summary` and `_elements`: a part of a resource, marked SUBSETTED so that nobody takes it for the
//! whole and writes it back.
//!
//! FHIR R4, search.html#summary, #elements.

use super::query::Pairs;
use crate::refusal::{Answer, Refusal};
use crate::reply::json_text;
use ::fhir::search::query::{Query, Summary};
use ::fhir::tables::{TypeDef, type_def};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use store::Stored;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The elements marked for summaries, at every depth.
    Summary,
    /// Narrative, id, meta and what is mandatory.
    Text,
    /// Everything but the narrative.
    Data,
    /// The named elements, id, meta and what is mandatory.
    Elements(Vec<String>),
}

impl Shape {
    /// What a search asks for; none when resources are wanted whole.
    pub(crate) fn of(query: &Query) -> Option<Shape> {
        match query.summary {
            Summary::True => Some(Shape::Summary),
            Summary::Text => Some(Shape::Text),
            Summary::Data => Some(Shape::Data),
            Summary::False | Summary::Count if query.elements.is_empty() => None,
            Summary::False | Summary::Count => Some(Shape::Elements(query.elements.clone())),
        }
    }

    /// Takes `_summary` and `_elements` out of the parameters of a read.
    pub(crate) fn take(pairs: &mut Pairs) -> Answer<Option<Shape>> {
        if pairs.is_empty() {
            return Ok(None);
        }
        let mut shape = None;
        for (name, value) in pairs.iter() {
            let asked = match (name.as_str(), value.as_str()) {
                ("_summary", "true") => Some(Shape::Summary),
                ("_summary", "text") => Some(Shape::Text),
                ("_summary", "data") => Some(Shape::Data),
                ("_summary", "false") => None,
                ("_summary", _) => {
                    return Err(Refusal::invalid("_summary of one resource is true, text, data or false"));
                }
                ("_elements", "") => return Err(Refusal::invalid("_elements names at least one element")),
                ("_elements", names) => {
                    Some(Shape::Elements(names.split(',').map(|name| name.trim().to_owned()).collect()))
                }
                _ => continue,
            };
            if asked.is_some() && shape.is_some() {
                return Err(Refusal::invalid("give _summary or _elements once, not both"));
            }
            shape = shape.or(asked);
        }
        pairs.retain(|(name, _)| name != "_summary" && name != "_elements");
        Ok(shape)
    }

    pub(crate) fn cut(&self, stored: &Stored) -> Bytes {
        let Value::Object(members) = stored.value() else { return stored.body.clone() };
        json_text(&Value::Object(self.cut_members(stored.key.kind.name(), members)))
    }

    /// The same of a resource that is not stored.
    pub(crate) fn cut_value(&self, value: &Value) -> Value {
        let kind = value["resourceType"].as_str().unwrap_or_default();
        match value {
            Value::Object(members) => Value::Object(self.cut_members(kind, members.clone())),
            other => other.clone(),
        }
    }

    fn cut_members(&self, kind: &str, members: Map<String, Value>) -> Map<String, Value> {
        let definition = type_def(kind);
        let mut kept = Map::new();
        for (name, value) in members {
            // `_birthDate` goes with `birthDate`.
            let bare = name.strip_prefix('_').unwrap_or(&name);
            let element = definition.and_then(|definition| definition.child(bare));
            let always = matches!(bare, "resourceType" | "id" | "meta");
            let mandatory = element.is_some_and(|element| element.min > 0);
            let keep = always
                || match self {
                    Shape::Summary => element.is_some_and(|element| element.is_summary),
                    Shape::Text => bare == "text" || mandatory,
                    Shape::Data => bare != "text",
                    Shape::Elements(names) => {
                        mandatory
                            || names.iter().any(|asked| {
                                let asked =
                                    asked.strip_prefix(kind).and_then(|it| it.strip_prefix('.')).unwrap_or(asked);
                                asked == bare || element.is_some_and(|element| element.base_name == asked)
                            })
                    }
                };
            if !keep {
                continue;
            }
            let value = match (self, element) {
                (Shape::Summary, Some(element)) if !always && !name.starts_with('_') => {
                    let inner = element.only_type().and_then(|it| element.type_def(it.name));
                    summary_of(value, inner)
                }
                _ => value,
            };
            kept.insert(name, value);
        }
        mark(&mut kept);
        kept
    }
}

/// Keeps what is marked for summaries within a backbone element. Data types are kept whole: their own
/// marks would take `Reference.display` or the unit from a quantity in some and not in others.
fn summary_of(value: Value, definition: Option<&'static TypeDef>) -> Value {
    let Some(definition) = definition.filter(|it| it.name.contains('.')) else { return value };
    match value {
        Value::Array(items) => items.into_iter().map(|item| summary_of(item, Some(definition))).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter_map(|(name, value)| {
                let element = definition.child(name.strip_prefix('_').unwrap_or(&name))?;
                let inner = element.only_type().and_then(|it| element.type_def(it.name));
                (element.is_summary || name == "id").then(|| (name, summary_of(value, inner)))
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn mark(members: &mut Map<String, Value>) {
    let tag = json!({
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
        "display": "Resource encoded in summary mode",
    });
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if let Value::Object(meta) = meta
        && let Value::Array(tags) = meta.entry("tag").or_insert_with(|| json!([]))
    {
        tags.push(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(shape: Shape, resource: Value) -> Value {
        let kind = resource["resourceType"].as_str().unwrap().to_owned();
        let Value::Object(members) = resource else { panic!("an object") };
        let mut cut = shape.cut_members(&kind, members);
        assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
        cut.remove("meta");
        Value::Object(cut)
    }

    #[test]
    fn a_part_keeps_what_was_asked_and_what_is_mandatory() {
        let observation = json!({
            "resourceType": "Observation", "id": "1", "text": { "status": "generated", "div": "<div/>" },
            "status": "final", "_status": { "id": "s" }, "code": { "text": "weight" },
            "valueQuantity": { "value": 70 }, "note": [{ "text": "n" }],
            "component": [{ "code": { "text": "c" }, "interpretation": [{ "text": "high" }] }],
        });
        let check = |shape: Shape, names: &[&str]| {
            let cut = cut(shape, observation.clone());
            let have: Vec<&String> = cut.as_object().unwrap().keys().collect();
            assert_eq!(have, names);
            cut
        };
        check(
            Shape::Elements(vec!["value".into()]),
            &["resourceType", "id", "status", "_status", "code", "valueQuantity"],
        );
        check(Shape::Text, &["resourceType", "id", "text", "status", "_status", "code"]);
        check(Shape::Data, &["resourceType", "id", "status", "_status", "code", "valueQuantity", "note", "component"]);
        let summary =
            check(Shape::Summary, &["resourceType", "id", "status", "_status", "code", "valueQuantity", "component"]);
        assert_eq!(summary["component"][0], json!({ "code": { "text": "c" } }));
    }
}
