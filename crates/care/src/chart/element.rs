//! Reading parts of a resource that many types share: codes, references, extensions, numbers.
//! Nothing here fails: what is absent or of another shape is `None`. FHIR R4, 2.24 (data types).

use fhir::{Key, Value};
use std::collections::{BTreeSet, HashMap};

/// The members of a list, or nothing.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text at the end of a path of member names; a list on the way is entered at its first member.
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str().map(str::trim).filter(|it| !it.is_empty())
}

pub(crate) fn owned(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path).map(str::to_owned)
}

pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| {
        let next = value.get(name)?;
        match next {
            Value::Array(items) => items.first(),
            other => Some(other),
        }
    })
}

/// What people call the thing coded: the text as entered, else a display, else the code itself.
/// SNOMED CT's closing tag ("(disorder)") says what kind of concept it is, which a section already does.
pub(crate) fn concept(value: &Value) -> Option<String> {
    let coded = || {
        let codings = list(value, "coding");
        let shown = codings.iter().find_map(|it| text(it, &["display"]));
        shown.or_else(|| codings.iter().find_map(|it| text(it, &["code"])))
    };
    text(value, &["text"]).or_else(coded).map(|it| untagged(it).to_owned())
}

const TAGS: [&str; 9] = [
    " (disorder)",
    " (finding)",
    " (situation)",
    " (procedure)",
    " (substance)",
    " (event)",
    " (regime/therapy)",
    " (qualifier value)",
    " (organism)",
];

fn untagged(text: &str) -> &str {
    TAGS.iter().find_map(|tag| text.strip_suffix(tag)).unwrap_or(text)
}

/// The names of all concepts of a list, joined.
pub(crate) fn concepts(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(concept).collect()
}

pub(crate) fn has_code(concept: &Value, code: &str) -> bool {
    list(concept, "coding").iter().any(|it| it.get("code").and_then(Value::as_str) == Some(code))
}

/// The code of the first coding, whichever its system.
pub(crate) fn first_code(concept: &Value) -> Option<&str> {
    list(concept, "coding").iter().find_map(|it| text(it, &["code"]))
}

/// The code in one system, else the first code.
pub(crate) fn code_in<'a>(concept: &'a Value, system: &str) -> Option<&'a str> {
    let codings = list(concept, "coding");
    let of_system = |it: &&Value| text(it, &["system"]) == Some(system);
    codings.iter().find(of_system).and_then(|it| text(it, &["code"])).or_else(|| first_code(concept))
}

pub(crate) fn extension<'a>(value: &'a Value, url: &str) -> Option<&'a Value> {
    list(value, "extension").iter().find(|it| text(it, &["url"]) == Some(url))
}

/// A decimal with the digits it was sent with.
pub(crate) fn decimal(value: &Value) -> Option<(f64, String)> {
    let number = value.as_number()?;
    Some((number.as_f64()?, number.to_string()))
}

/// The annotations of a resource, one after the other.
pub(crate) fn notes(value: &Value) -> Option<String> {
    let notes: Vec<&str> = list(value, "note").iter().filter_map(|it| text(it, &["text"])).collect();
    (!notes.is_empty()).then(|| notes.join("\n"))
}

/// What is known of resources that others only point at: `Practitioner/7` → `Dr. Amara Okafor`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(pub(crate) HashMap<String, String>);

impl Names {
    /// Who or what a reference means: its own display, else what was looked up, else the business identifier.
    pub(crate) fn of(&self, reference: &Value) -> Option<String> {
        owned(reference, &["display"])
            .or_else(|| self.0.get(text(reference, &["reference"])?).cloned())
            .or_else(|| owned(reference, &["identifier", "value"]))
    }

    pub(crate) fn at(&self, value: &Value, path: &[&str]) -> Option<String> {
        at(value, path).and_then(|it| self.of(it))
    }
}

/// Where a reference points when it carries no display of its own.
pub(crate) fn unnamed(reference: Option<&Value>, keys: &mut BTreeSet<Key>) {
    let Some(reference) = reference else { return };
    if text(reference, &["display"]).is_none() {
        keys.extend(text(reference, &["reference"]).and_then(Key::parse));
    }
}

/// The name of a person or organisation as one line: `Given Family`.
pub(crate) fn display_name(value: &Value) -> Option<String> {
    if let Some(name) = text(value, &["name"]) {
        return Some(name.to_owned());
    }
    let name = at(value, &["name"])?;
    if let Some(text) = text(name, &["text"]) {
        return Some(text.to_owned());
    }
    let strings = |member| list(name, member).iter().filter_map(Value::as_str);
    let words: Vec<&str> = strings("prefix").chain(strings("given")).chain(text(name, &["family"])).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_concept_is_called_as_it_was_entered() {
        let check = |value: Value, shown: Option<&str>| assert_eq!(concept(&value).as_deref(), shown);
        check(json!({"text": "Sugar", "coding": [{"display": "Diabetes"}]}), Some("Sugar"));
        check(json!({"coding": [{"code": "x"}, {"display": "Diabetes (disorder)", "code": "y"}]}), Some("Diabetes"));
        check(json!({"coding": [{"code": "44054006"}]}), Some("44054006"));
        check(json!({"text": "  "}), None);
        check(json!("odd"), None);
    }

    #[test]
    fn a_decimal_keeps_the_digits_it_was_sent_with() {
        let value: Value = serde_json::from_str("5.40").unwrap();
        assert_eq!(decimal(&value), Some((5.4, "5.40".into())));
    }

    #[test]
    fn a_reference_is_named_by_its_display_then_by_what_was_looked_up() {
        let names = Names([("Practitioner/7".to_owned(), "Dr. Okafor".to_owned())].into());
        assert_eq!(names.of(&json!({"reference": "Practitioner/7"})).as_deref(), Some("Dr. Okafor"));
        assert_eq!(names.of(&json!({"reference": "Practitioner/7", "display": "AO"})).as_deref(), Some("AO"));
        assert_eq!(names.of(&json!({"reference": "Practitioner/8"})), None);
        let mut keys = BTreeSet::new();
        unnamed(Some(&json!({"reference": "Practitioner/8"})), &mut keys);
        unnamed(Some(&json!({"reference": "Practitioner/9", "display": "x"})), &mut keys);
        assert_eq!(keys.iter().map(Key::to_string).collect::<Vec<_>>(), ["Practitioner/8"]);
    }

    #[test]
    fn a_name_is_read_from_people_and_from_organisations() {
        assert_eq!(display_name(&json!({"name": "Riverside"})).as_deref(), Some("Riverside"));
        let person = json!({"name": [{"prefix": ["Dr."], "given": ["Amara", "N"], "family": "Okafor"}]});
        assert_eq!(display_name(&person).as_deref(), Some("Dr. Amara N Okafor"));
    }
}
