//! Required bindings (FHIR R4, terminologies.html#required): the code must come from the value set.

use super::Walk;
use crate::issue::IssueCode;
use crate::tables::{Binding, CodeRule, CodeSet, ElementType, Strength};
use serde_json::{Map, Value};

/// So many codes fit into a message.
const LISTED: usize = 12;

impl<'a> Walk<'a> {
    pub(super) fn bound(&mut self, binding: &Binding, kind: &ElementType, value: &'a Value) {
        let (Strength::Required, Some(set)) = (binding.strength, binding.codes) else { return };
        let fits = match (kind.name, value) {
            ("CodeableConcept", Value::Object(concept)) => concept_fits(set, concept),
            ("Coding", Value::Object(coding)) => coding_fits(set, coding) || coding.contains_key("extension"),
            ("Quantity", _) => true,
            (_, Value::String(code)) => code_fits(set, code),
            // Not the JSON type it should be: said elsewhere.
            _ => true,
        };
        if !fits {
            self.error(IssueCode::CodeInvalid, wanted(set));
        }
    }
}

fn concept_fits(set: &CodeSet, concept: &Map<String, Value>) -> bool {
    let codings = concept.get("coding").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let any = codings.iter().filter_map(Value::as_object).any(|coding| coding_fits(set, coding));
    // An extension can say why there is no code (data-absent-reason).
    any || (codings.is_empty() && concept.contains_key("extension"))
}

fn coding_fits(set: &CodeSet, coding: &Map<String, Value>) -> bool {
    let text = |member: &str| coding.get(member).and_then(Value::as_str);
    match (text("system"), text("code"), set.rule) {
        (Some(system), Some(code), CodeRule::Listed) => set.contains(system, code),
        (Some(system), Some(code), CodeRule::Ucum) => {
            system == "http://unitsofmeasure.org" && octofhir_ucum::validate(code).is_ok()
        }
        (_, _, CodeRule::Listed | CodeRule::Ucum) => false,
        (_, Some(code), _) => code_fits(set, code),
        (_, None, _) => true,
    }
}

fn code_fits(set: &CodeSet, code: &str) -> bool {
    match set.rule {
        CodeRule::Listed => set.contains_code(code),
        CodeRule::Currency => code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
        CodeRule::MimeType => is_mime_type(code),
        CodeRule::Ucum => octofhir_ucum::validate(code).is_ok(),
        CodeRule::Unchecked => true,
    }
}

/// `type/subtype` with parameters (RFC 2045), or one of the short names of formats that FHIR itself uses.
fn is_mime_type(code: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&byte))
    };
    let essence = code.split(';').next().unwrap_or_default().trim();
    matches!(code, "json" | "xml" | "ttl")
        || essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}

fn wanted(set: &CodeSet) -> String {
    match set.rule {
        CodeRule::Currency => "must be a currency code of ISO 4217 such as EUR".to_owned(),
        CodeRule::MimeType => "must be a MIME type such as text/plain".to_owned(),
        CodeRule::Ucum => "must be a unit of UCUM (system http://unitsofmeasure.org)".to_owned(),
        CodeRule::Listed | CodeRule::Unchecked => {
            let count: usize = set.systems.iter().map(|(_, codes)| codes.len()).sum();
            if count > LISTED {
                return format!("must hold a code of the value set {} with its system", set.url);
            }
            let listed = set.systems.iter().map(|(system, codes)| format!("{} ({system})", codes.join(", ")));
            format!("must hold a code of the value set {}: {}", set.url, listed.collect::<Vec<_>>().join("; "))
        }
    }
}
