//! What the record that stays says of the person after a merge: field by field what it said, or what the other said;
//! numbers of both. And what it says when the merge is taken back: what it said before, with what was changed since.

use super::super::links;
use super::follow::patient;
use fhir::{Id, Value};
use serde_json::{Map, json};
use std::collections::BTreeSet;

/// The members of Patient that somebody chooses between, in the order in which they are shown.
pub const CHOICES: [&str; 9] = [
    "name",
    "birthDate",
    "gender",
    "address",
    "telecom",
    "communication",
    "maritalStatus",
    "contact",
    "generalPractitioner",
];

/// The fields that the other record gives; what the one that stays does not say at all it gives in any case, and what
/// it does not say itself it cannot give.
pub type Chosen = BTreeSet<String>;

/// What stays, after the merge.
pub(super) fn survivor(kept: &Value, lost: &Value, lost_id: &Id, chosen: &Chosen) -> Value {
    let mut it = kept.clone();
    for field in CHOICES {
        let absent = it.get(field).is_none_or(Value::is_null);
        if let Some(theirs) = lost.get(field).filter(|_| absent || chosen.contains(field)) {
            it[field] = theirs.clone();
        }
    }
    // By its numbers the person is found again under what others still call them.
    for identifier in items(lost, "identifier") {
        if !items(&it, "identifier").contains(&identifier) {
            push(&mut it, "identifier", identifier);
        }
    }
    let link = json!({ "other": { "reference": patient(lost_id).to_string() }, "type": "replaces" });
    if !items(&it, "link").contains(&link) {
        push(&mut it, "link", link);
    }
    it
}

/// What is merged away: no longer in use, and it says what took its place.
pub(super) fn replaced(lost: &Value, kept_id: &Id) -> Value {
    let mut it = lost.clone();
    it["active"] = json!(false);
    push(&mut it, "link", json!({ "other": { "reference": patient(kept_id).to_string() }, "type": "replaced-by" }));
    it
}

/// What it would say had nobody merged it.
pub(super) fn in_use(lost: &Value, kept_id: &Id) -> Value {
    let mut it = lost.clone();
    it["active"] = json!(true);
    let own = patient(kept_id).to_string();
    let links: Vec<Value> =
        items(lost, "link").into_iter().filter(|it| it["other"]["reference"] != own.as_str()).collect();
    match (links.is_empty(), it.as_object_mut()) {
        (true, Some(members)) => drop(members.shift_remove("link")),
        _ => it["link"] = Value::Array(links),
    }
    it
}

fn items(value: &Value, member: &str) -> Vec<Value> {
    value.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn push(value: &mut Value, member: &str, item: Value) {
    match value.get_mut(member).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => value[member] = json!([item]),
    }
}

/// What is said now, without what the merge had done: a member that nobody touched since is as before; from a list that
/// somebody changed, what the merge had added is taken out.
pub(super) fn taken_back(now: &Value, before: &Value, after: &Value) -> Value {
    let (Some(now), Some(before), Some(after)) = (now.as_object(), before.as_object(), after.as_object()) else {
        return now.clone();
    };
    let mut it: Map<String, Value> = Map::new();
    // The order of members is that of before.
    let names: Vec<&String> = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name))).collect();
    for name in names {
        let [now, before, after] = [now.get(name), before.get(name), after.get(name)];
        let said = match (now, before, after) {
            _ if name == "meta" => now.cloned(),
            (now, before, after) if now == after => before.cloned(),
            (Some(Value::Array(now)), before, Some(Value::Array(after))) => {
                let before: &[Value] = before.and_then(Value::as_array).map_or(&[], Vec::as_slice);
                let added = |item: &&Value| after.contains(item) && !before.contains(item);
                let mut left: Vec<Value> = now.iter().filter(|it| !added(it)).cloned().collect();
                // What the merge had put in the place of these comes back, unless it was taken out by hand since.
                let removed = before.iter().filter(|it| !after.contains(it) && !left.contains(it));
                left.extend(removed.cloned().collect::<Vec<_>>());
                (!left.is_empty()).then(|| Value::Array(left))
            }
            (now, ..) => now.cloned(),
        };
        if let Some(said) = said {
            it.insert(name.clone(), said);
        }
    }
    Value::Object(it)
}

/// The name of the shelf of links with others, which follow by their owner too.
pub(super) const LINKS: &str = links::SHELF;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::parse(text).unwrap()
    }

    #[test]
    fn the_one_that_stays_says_what_was_chosen_and_has_the_numbers_of_both() {
        let kept = json!({"resourceType": "Patient", "gender": "female", "birthDate": "1970-05-09", "identifier": [{"value": "1"}]});
        let lost = json!({"resourceType": "Patient", "gender": "male", "birthDate": "1970-09-05", "identifier": [{"value": "1"}, {"value": "2"}],
            "telecom": [{"value": "555"}]});
        let it = survivor(&kept, &lost, &id("b"), &["birthDate".to_owned()].into());
        assert_eq!((&it["gender"], &it["birthDate"]), (&json!("female"), &json!("1970-09-05")));
        assert_eq!(it["telecom"][0]["value"], "555", "what it did not say at all");
        assert_eq!(it["identifier"].as_array().unwrap().len(), 2);
        assert_eq!(it["link"][0], json!({"other": {"reference": "Patient/b"}, "type": "replaces"}));
        assert_eq!(taken_back(&it, &kept, &it), kept);
        let gone = replaced(&lost, &id("a"));
        assert_eq!(gone["active"], false);
        assert_eq!(taken_back(&gone, &lost, &gone), lost);
    }

    #[test]
    fn what_was_changed_since_stays() {
        let before = json!({"gender": "female", "identifier": [{"value": "1"}], "telecom": [{"value": "old"}]});
        let after = json!({"gender": "female", "identifier": [{"value": "1"}, {"value": "2"}], "telecom": [{"value": "theirs"}], "birthDate": "1970"});
        let mut now = after.clone();
        now["gender"] = json!("other");
        now["identifier"].as_array_mut().unwrap().push(json!({"value": "3"}));
        now["telecom"].as_array_mut().unwrap().push(json!({"value": "new"}));
        let it = taken_back(&now, &before, &after);
        assert_eq!(it["gender"], "other");
        assert_eq!(it["identifier"], json!([{"value": "1"}, {"value": "3"}]));
        assert_eq!(it["telecom"], json!([{"value": "new"}, {"value": "old"}]));
        assert_eq!(it.get("birthDate"), None);
    }
}
