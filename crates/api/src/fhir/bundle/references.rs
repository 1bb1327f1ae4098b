//! References within a transaction: what an entry is called in the bundle (`urn:uuid:…`, a full address)
//! becomes what it is called here, in one walk over each resource.
//!
//! FHIR R4, http.html#trules, bundle.html#references.

use ::fhir::tables;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Names in the bundle → `Patient/7`; and conditional references → what they found.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) entries: HashMap<String, String>,
    pub(super) conditional: HashMap<String, String>,
}

/// Members whose value is always an address: what stands there is renamed when it is exactly the `urn:` name
/// of an entry. Texts that merely look like one (an identifier's value) stay.
static ADDRESSES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let is_address = |name: &str| matches!(name, "uri" | "url" | "canonical" | "oid" | "uuid");
    tables::types()
        .iter()
        .flat_map(|definition| definition.elements())
        .flat_map(|element| match element.is_choice {
            false if element.types.iter().all(|it| is_address(it.name)) => vec![element.name],
            _ => Vec::new(),
        })
        .chain(["valueUri", "valueUrl", "valueCanonical", "valueOid", "valueUuid"])
        .collect()
});

/// The references `Patient?identifier=…` in a resource.
pub(super) fn conditional(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "reference" && is_conditional(text) && !found.contains(text) => {
                        found.insert(text.clone());
                    }
                    Value::Object(_) | Value::Array(_) => conditional(value, found),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| conditional(item, found)),
        _ => {}
    }
}

fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(kind, _)| ::fhir::ResourceType::parse(kind).is_some())
}

/// Renames every reference of a resource. `base` is the address under which the entry's own full address lies
/// (`http://example.org/fhir`), against which its relative references are read.
pub(super) fn rename(value: &mut Value, names: &Names, base: Option<&str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                match value {
                    Value::String(text) => {
                        if let Some(new) = renamed(name, text, names, base) {
                            new.clone_into(text);
                        }
                    }
                    Value::Object(_) | Value::Array(_) => {
                        rename_in(name, value, names, base);
                    }
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names, base)),
        _ => {}
    }
}

/// Lists of addresses (`instantiatesUri`) hold bare texts.
fn rename_in(name: &str, value: &mut Value, names: &Names, base: Option<&str>) {
    match value {
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(text) => {
                        if let Some(new) = renamed(name, text, names, base) {
                            new.clone_into(text);
                        }
                    }
                    other => rename(other, names, base),
                }
            }
        }
        other => rename(other, names, base),
    }
}

fn renamed<'n>(name: &str, text: &str, names: &'n Names, base: Option<&str>) -> Option<&'n str> {
    if name == "reference" {
        if text.starts_with('#') {
            return None;
        }
        if let Some(new) = names.entries.get(text) {
            return Some(new);
        }
        if let Some(new) = names.conditional.get(text) {
            return Some(new);
        }
        // `Patient/1` beside `http://example.org/fhir/Observation/2` means `http://example.org/fhir/Patient/1`.
        let base = base.filter(|_| !text.contains(':'))?;
        return names.entries.get(&format!("{base}/{text}")).map(String::as_str);
    }
    if !text.starts_with("urn:") || !ADDRESSES.contains(name) {
        return None;
    }
    names.entries.get(text).map(String::as_str)
}

/// `http://example.org/fhir` of `http://example.org/fhir/Patient/1`; none for a `urn:`.
pub(super) fn base_of(full_url: &str) -> Option<&str> {
    let (rest, _) = full_url.rsplit_once('/')?;
    let (base, kind) = rest.rsplit_once('/')?;
    (full_url.starts_with("http") && ::fhir::ResourceType::parse(kind).is_some()).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_the_bundle_become_names_here_wherever_an_address_stands() {
        let names = Names {
            entries: [("urn:uuid:a", "Patient/1"), ("http://example.org/fhir/Patient/9", "Patient/2")]
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .into(),
            conditional: [("Practitioner?identifier=x|1".to_owned(), "Practitioner/3".to_owned())].into(),
        };
        let mut resource = json!({
            "subject": { "reference": "urn:uuid:a", "display": "urn:uuid:a" },
            "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:a" }],
            "performer": [{ "reference": "Practitioner?identifier=x|1" }, { "reference": "Patient/9" }],
            "focus": [{ "reference": "http://example.org/fhir/Patient/9" }, { "reference": "#urn:uuid:a" }],
            "extension": [{ "url": "http://x", "valueUri": "urn:uuid:a" }],
            "instantiatesUri": ["urn:uuid:a"],
            "partOf": [{ "reference": "Patient/8" }],
        });
        rename(&mut resource, &names, Some("http://example.org/fhir"));
        let expected = json!({
            "subject": { "reference": "Patient/1", "display": "urn:uuid:a" },
            "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:a" }],
            "performer": [{ "reference": "Practitioner/3" }, { "reference": "Patient/2" }],
            "focus": [{ "reference": "Patient/2" }, { "reference": "#urn:uuid:a" }],
            "extension": [{ "url": "http://x", "valueUri": "Patient/1" }],
            "instantiatesUri": ["Patient/1"],
            "partOf": [{ "reference": "Patient/8" }],
        });
        assert_eq!(resource, expected);
    }

    #[test]
    fn only_addresses_of_resources_have_a_base() {
        assert_eq!(base_of("http://example.org/fhir/Patient/9"), Some("http://example.org/fhir"));
        assert_eq!(base_of("urn:uuid:a"), None);
        assert_eq!(base_of("http://example.org/Patienten/9"), None);
    }
}
