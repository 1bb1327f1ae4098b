//! Small pieces of FHIR JSON that many resources share: concepts, quantities, references, narrative, text contents.

use serde_json::{Map, Number, Value, json};

pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const SNOMED: &str = "http://snomed.info/sct";
pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub(crate) const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(crate) const CVX: &str = "http://hl7.org/fhir/sid/cvx";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub(crate) const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

pub(crate) fn concept(system: &str, code: &str, words: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": words }], "text": words })
}

/// A concept whose text says nothing more than its coding.
pub(crate) fn coded(system: &str, code: &str, words: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": words }] })
}

pub(crate) fn hl7(system: &str, code: &str, words: &str) -> Value {
    json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code, "display": words }] })
}

pub(crate) fn to(reference: impl AsRef<str>) -> Value {
    json!({ "reference": reference.as_ref() })
}

pub(crate) fn named(reference: impl AsRef<str>, display: &str) -> Value {
    json!({ "reference": reference.as_ref(), "display": display })
}

/// A decimal with exactly the digits a person would have written.
pub(crate) fn decimal(value: f64, decimals: usize) -> Value {
    let text = format!("{value:.decimals$}");
    let text = if text.starts_with('-') && text.bytes().all(|it| matches!(it, b'-' | b'0' | b'.')) {
        text[1..].to_owned()
    } else {
        text
    };
    Value::Number(text.parse::<Number>().expect("a formatted number is a number"))
}

pub(crate) fn quantity(value: f64, decimals: usize, unit: &str, ucum: &str) -> Value {
    json!({ "value": decimal(value, decimals), "unit": unit, "system": UCUM, "code": ucum })
}

/// The beginning of every resource: type, id, the US Core profile it is made for.
pub(crate) fn start(kind: &str, id: &str, profile: Option<&str>) -> Map<String, Value> {
    let mut resource = Map::with_capacity(16);
    resource.insert("resourceType".into(), kind.into());
    resource.insert("id".into(), id.into());
    if let Some(profile) = profile {
        let url = if profile.starts_with("http") { profile.to_owned() } else { format!("{US_CORE}{profile}") };
        resource.insert("meta".into(), json!({ "profile": [url] }));
    }
    resource
}

/// Adds members in the order given.
pub(crate) fn with(mut resource: Map<String, Value>, members: Value) -> Value {
    if let Value::Object(members) = members {
        resource.extend(members);
    }
    Value::Object(resource)
}

pub(crate) fn narrative(text: &str) -> Value {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{safe}</p></div>") })
}

/// The resource without members that say nothing: absent is not the same as empty.
pub(crate) fn trimmed(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, it| match it {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        });
    }
    value
}

/// Plain text as an Attachment.
pub(crate) fn attachment(title: &str, text: &str, created: &str) -> Value {
    json!({
        "contentType": "text/plain; charset=utf-8",
        "language": "en",
        "data": base64(text.as_bytes()),
        "size": text.len(),
        "title": title,
        "creation": created,
    })
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            if at <= three.len() {
                out.push(char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_as_rfc_4648_says() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn decimals_keep_their_zeros_and_lose_a_negative_zero() {
        assert_eq!(decimal(7.0, 1).to_string(), "7.0");
        assert_eq!(decimal(-0.01, 1).to_string(), "0.0");
        assert_eq!(decimal(103.6, 0).to_string(), "104");
    }
}
