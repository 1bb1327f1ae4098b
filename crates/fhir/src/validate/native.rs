//! The frequent invariants in Rust, each with a sentence for the person who must mend the resource.
//! They mean exactly what the expression in the tables means; a test evaluates both on many resources.

use super::primitive::compare_times;
use super::rules::Focus;
use crate::tables::Invariant;
use rust_decimal::Decimal;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashSet;

pub(super) struct Native {
    pub(super) key: &'static str,
    pub(super) sentence: &'static str,
    pub(super) holds: fn(&Focus<'_>) -> bool,
}

/// The entry of an invariant. Keys are the standard's; `inv-1` is used three times there and so is not native.
pub(super) fn find(invariant: &Invariant) -> Option<&'static Native> {
    let key = if is_name_rule(invariant) { "name-0" } else { invariant.key };
    NATIVES.iter().find(|native| native.key == key)
}

/// `pdf-0`, `vsd-0` …: the name of a definition should be usable in code.
fn is_name_rule(invariant: &Invariant) -> bool {
    invariant.key.ends_with("-0") && invariant.expression == "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"
}

const UCUM: &str = "http://unitsofmeasure.org";
const CURRENCIES: &str = "urn:iso:std:iso:4217";
const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const ALLERGY_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

#[rustfmt::skip]
const NATIVES: &[Native] = &[
    // Data types
    Native { key: "age-1", sentence: "an age needs a code of UCUM with its value, and must be above zero",
        holds: |f| unit_of(f, UCUM) && (!f.has("value") || sign(f.get("value")) != Some(Ordering::Less) && sign(f.get("value")) != Some(Ordering::Equal)) },
    Native { key: "att-1", sentence: "an attachment with data needs its contentType", holds: |f| !f.has("data") || f.has("contentType") },
    Native { key: "cpt-2", sentence: "a contact point with a value needs its system (phone, email …)", holds: |f| !f.has("value") || f.has("system") },
    Native { key: "dis-1", sentence: "a distance needs a code of UCUM with its value", holds: |f| unit_of(f, UCUM) },
    Native { key: "drt-1", sentence: "a duration with a code needs a value and the system of UCUM",
        holds: |f| !f.has("code") || (f.text("system").is_none_or(|system| system == UCUM) && f.has("value")) },
    Native { key: "exp-1", sentence: "an expression needs its text or a reference to it", holds: |f| f.has("expression") || f.has("reference") },
    Native { key: "ext-1", sentence: "an extension must have either a value or extensions, not both", holds: |f| f.has("extension") != f.has_choice("value") },
    Native { key: "mqty-1", sentence: "money needs a currency code with its value", holds: |f| unit_of(f, CURRENCIES) },
    Native { key: "per-1", sentence: "a period must not end before it starts",
        holds: |f| !matches!((f.text("start"), f.text("end")), (Some(start), Some(end)) if compare_times(start, end) == Some(Ordering::Greater)) },
    Native { key: "qty-3", sentence: "a quantity with a code needs the system of that code", holds: |f| !f.has("code") || f.has("system") },
    Native { key: "rat-1", sentence: "a ratio needs both numerator and denominator, or neither and an extension",
        holds: |f| (f.has("numerator") == f.has("denominator")) && (f.has("numerator") || f.has("extension")) },
    Native { key: "rng-2", sentence: "the low end of a range must not be above its high end", holds: range_is_ordered },
    Native { key: "tim-1", sentence: "a duration needs its unit", holds: |f| !f.has("duration") || f.has("durationUnit") },
    Native { key: "tim-2", sentence: "a period needs its unit", holds: |f| !f.has("period") || f.has("periodUnit") },
    Native { key: "tim-4", sentence: "the duration must not be negative", holds: |f| sign(f.get("duration")) != Some(Ordering::Less) },
    Native { key: "tim-5", sentence: "the period must not be negative", holds: |f| sign(f.get("period")) != Some(Ordering::Less) },
    Native { key: "tim-6", sentence: "periodMax needs period", holds: |f| !f.has("periodMax") || f.has("period") },
    Native { key: "tim-7", sentence: "durationMax needs duration", holds: |f| !f.has("durationMax") || f.has("duration") },
    Native { key: "tim-8", sentence: "countMax needs count", holds: |f| !f.has("countMax") || f.has("count") },
    Native { key: "tim-9", sentence: "an offset needs a `when` that is an event, not a meal as such (C, CM, CD, CV)",
        holds: |f| !f.has("offset") || (f.has("when") && !f.items("when").iter().any(|when| matches!(when.as_str(), Some("C" | "CM" | "CD" | "CV")))) },
    Native { key: "tim-10", sentence: "timeOfDay and when exclude each other", holds: |f| !f.has("timeOfDay") || !f.has("when") },
    // Resources of the chart
    Native { key: "ait-1", sentence: "clinicalStatus is required unless the allergy is entered in error",
        holds: |f| f.has_coding("verificationStatus", ALLERGY_VERIFICATION, &["entered-in-error"]) || f.has("clinicalStatus") },
    Native { key: "ait-2", sentence: "an allergy entered in error must not have a clinicalStatus",
        holds: |f| !f.has_coding("verificationStatus", ALLERGY_VERIFICATION, &["entered-in-error"]) || !f.has("clinicalStatus") },
    Native { key: "app-1", sentence: "a participant needs a type or an actor", holds: |f| f.has("type") || f.has("actor") },
    Native { key: "app-2", sentence: "start and end are given both or not at all", holds: |f| f.has("start") == f.has("end") },
    Native { key: "app-3", sentence: "only proposed, cancelled or waitlisted appointments may lack start and end",
        holds: |f| (f.has("start") && f.has("end")) || matches!(f.text("status"), None | Some("proposed" | "cancelled" | "waitlist")) },
    Native { key: "app-4", sentence: "a cancelationReason needs the status cancelled or no-show",
        holds: |f| !f.has("cancelationReason") || matches!(f.text("status"), Some("no-show" | "cancelled")) },
    Native { key: "con-4", sentence: "a condition that abated must be inactive, resolved or in remission",
        holds: |f| !f.has_choice("abatement") || f.has_coding("clinicalStatus", CONDITION_CLINICAL, &["resolved", "remission", "inactive"]) },
    Native { key: "con-5", sentence: "a condition entered in error must not have a clinicalStatus",
        holds: |f| !f.has_coding("verificationStatus", CONDITION_VERIFICATION, &["entered-in-error"]) || !f.has("clinicalStatus") },
    Native { key: "con-1", sentence: "a stage needs a summary or an assessment", holds: |f| f.has("summary") || f.has("assessment") },
    Native { key: "con-2", sentence: "evidence needs a code or a detail", holds: |f| f.has("code") || f.has("detail") },
    Native { key: "cpl-3", sentence: "an activity has either a detail or a reference", holds: |f| !f.has("detail") || !f.has("reference") },
    Native { key: "cmp-1", sentence: "a section needs text, entries or sections", holds: |f| f.has("text") || f.has("entry") || f.has("section") },
    Native { key: "cmp-2", sentence: "a section with entries must not have an emptyReason", holds: |f| !f.has("emptyReason") || !f.has("entry") },
    Native { key: "ppc-1", sentence: "a consent needs a policy or a policyRule", holds: |f| f.has("policy") || f.has("policyRule") },
    Native { key: "fhs-1", sentence: "age and born exclude each other", holds: |f| !f.has_choice("age") || !f.has_choice("born") },
    Native { key: "fhs-2", sentence: "estimatedAge needs an age", holds: |f| f.has_choice("age") || !f.has("estimatedAge") },
    Native { key: "gol-1", sentence: "a target with a detail needs its measure", holds: |f| !f.has_choice("detail") || f.has("measure") },
    Native { key: "imm-1", sentence: "education needs a documentType or a reference", holds: |f| f.has("documentType") || f.has("reference") },
    Native { key: "lst-1", sentence: "a list with entries must not have an emptyReason", holds: |f| !f.has("emptyReason") || !f.has("entry") },
    Native { key: "mad-1", sentence: "a dosage needs a dose or a rate", holds: |f| f.has("dose") || f.has_choice("rate") },
    Native { key: "mdd-1", sentence: "whenHandedOver must not be before whenPrepared",
        holds: |f| !matches!((f.text("whenHandedOver"), f.text("whenPrepared")), (Some(over), Some(prepared)) if compare_times(over, prepared) == Some(Ordering::Less)) },
    Native { key: "obs-3", sentence: "a reference range needs low, high or text", holds: |f| f.has("low") || f.has("high") || f.has("text") },
    Native { key: "obs-6", sentence: "dataAbsentReason is only for an observation without value", holds: |f| !f.has("dataAbsentReason") || !f.has_choice("value") },
    Native { key: "obs-7", sentence: "a component must not have the code of the observation, when the value stands there", holds: component_codes_differ },
    Native { key: "org-1", sentence: "an organization needs an identifier or a name", holds: |f| f.has("identifier") || f.has("name") },
    Native { key: "org-2", sentence: "an address of an organization is never a home", holds: |f| f.text("use") != Some("home") },
    Native { key: "org-3", sentence: "a contact point of an organization is never a home's", holds: |f| f.text("use") != Some("home") },
    Native { key: "pat-1", sentence: "a contact needs a name, telecom, address or organization",
        holds: |f| f.has("name") || f.has("telecom") || f.has("address") || f.has("organization") },
    Native { key: "prr-1", sentence: "orderDetail needs a code", holds: |f| !f.has("orderDetail") || f.has("code") },
    Native { key: "sev-1", sentence: "an entity has either a name or a query", holds: |f| !f.has("name") || !f.has("query") },
    // Bundles
    Native { key: "bdl-1", sentence: "total is only for searchsets and histories", holds: |f| !f.has("total") || matches!(f.text("type"), None | Some("searchset" | "history")) },
    Native { key: "bdl-2", sentence: "entry.search is only for searchsets",
        holds: |f| f.text("type").is_none_or(|kind| kind == "searchset") || !f.items("entry").iter().any(|entry| entry.get("search").is_some()) },
    Native { key: "bdl-3", sentence: "entry.request is needed in batch, transaction and history, and only there",
        holds: |f| entries_have(f, "request", &["batch", "transaction", "history"]) },
    Native { key: "bdl-4", sentence: "entry.response is needed in batch-response, transaction-response and history, and only there",
        holds: |f| entries_have(f, "response", &["batch-response", "transaction-response", "history"]) },
    Native { key: "bdl-5", sentence: "an entry needs a resource, a request or a response", holds: |f| f.has("resource") || f.has("request") || f.has("response") },
    Native { key: "bdl-7", sentence: "a fullUrl may stand only once, unless its versions differ", holds: full_urls_differ },
    Native { key: "bdl-8", sentence: "a fullUrl must not name a version", holds: |f| !f.text("fullUrl").is_some_and(|url| url.contains("/_history/")) },
    // Definitions
    Native { key: "name-0", sentence: "the name should be usable by software: a capital, then letters, digits and _",
        holds: |f| f.text("name").is_none_or(is_usable_name) },
];

impl Focus<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.map?.get(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn items(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// `name.exists()`: a primitive also exists if it has only extensions.
    fn has(&self, name: &str) -> bool {
        self.map.is_some_and(|map| map.keys().any(|key| key == name || key.strip_prefix('_') == Some(name)))
    }

    /// The same for a choice: `valueQuantity`, `_valueString` …
    fn has_choice(&self, name: &str) -> bool {
        let is = |key: &String| {
            let rest = key.strip_prefix('_').unwrap_or(key).strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        };
        self.map.is_some_and(|map| map.keys().any(is))
    }

    fn has_coding(&self, name: &str, system: &str, codes: &[&str]) -> bool {
        let codings = self.get(name).and_then(|concept| concept.get("coding")).and_then(Value::as_array);
        codings.is_some_and(|codings| {
            codings.iter().any(|coding| {
                let text = |member: &str| coding.get(member).and_then(Value::as_str);
                text("system") == Some(system) && text("code").is_some_and(|code| codes.contains(&code))
            })
        })
    }
}

/// A code stands with every value, and its system is the one expected.
fn unit_of(f: &Focus<'_>, system: &str) -> bool {
    (f.has("code") || !f.has("value")) && f.text("system").is_none_or(|own| own == system)
}

/// How a number compares with zero.
fn sign(value: Option<&Value>) -> Option<Ordering> {
    let Some(Value::Number(number)) = value else { return None };
    let text = number.as_str();
    let digits = text.split(['e', 'E']).next().unwrap_or(text);
    Some(match (digits.bytes().any(|byte| matches!(byte, b'1'..=b'9')), text.starts_with('-')) {
        (false, _) => Ordering::Equal,
        (true, true) => Ordering::Less,
        (true, false) => Ordering::Greater,
    })
}

fn range_is_ordered(f: &Focus<'_>) -> bool {
    let (Some(low), Some(high)) = (f.get("low"), f.get("high")) else { return true };
    let unit = |quantity: &Value| quantity.get("code").or(quantity.get("unit")).cloned();
    let value = |quantity: &Value| match quantity.get("value") {
        Some(Value::Number(number)) => {
            let text = number.as_str();
            Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
        }
        _ => None,
    };
    // Units that differ would have to be converted first: that leaves it open.
    match (value(low), value(high)) {
        (Some(from), Some(to)) if unit(low) == unit(high) => from <= to,
        _ => true,
    }
}

fn component_codes_differ(f: &Focus<'_>) -> bool {
    let codings = |value: Option<&Value>| -> Vec<Value> {
        value.and_then(|code| code.get("coding")).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let components = f.items("component");
    if components.is_empty() || !f.has_choice("value") {
        return true;
    }
    let own = codings(f.get("code"));
    !components.iter().any(|component| codings(component.get("code")).iter().any(|coding| own.contains(coding)))
}

fn entries_have(f: &Focus<'_>, member: &str, kinds: &[&str]) -> bool {
    // Without a type (an error of its own) the expression is not true of any entry.
    let Some(kind) = f.text("type") else { return f.items("entry").is_empty() };
    let expected = kinds.contains(&kind);
    f.items("entry").iter().all(|entry| entry.get(member).is_some() == expected)
}

fn full_urls_differ(f: &Focus<'_>) -> bool {
    if f.text("type") == Some("history") {
        return true;
    }
    let mut seen = HashSet::new();
    f.items("entry").iter().all(|entry| {
        let Some(url) = entry.get("fullUrl").and_then(Value::as_str) else { return true };
        seen.insert((url, entry.pointer("/resource/meta/versionId").and_then(Value::as_str).unwrap_or_default()))
    })
}

fn is_usable_name(name: &str) -> bool {
    // The standard's expression is not anchored, so a name needs only one capital somewhere.
    name.bytes().any(|byte| byte.is_ascii_uppercase())
}
