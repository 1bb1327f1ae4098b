//! Every resource that leaves here passes validation. What a message says and FHIR does not allow is taken out again,
//! the smallest piece that helps, and said; a resource that cannot stand without it is not made.

use crate::{Fate, Note};
use serde_json::Value;

/// Rounds of taking out; each takes at least one element.
const MOST: usize = 40;

/// Who holds a resource against the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judge {
    Here,
    Later,
}

/// The resource as it may stand; nothing if there is no way.
pub(super) fn sound(mut resource: Value, place: &str, judge: Judge, notes: &mut Vec<Note>) -> Option<Value> {
    prune(&mut resource);
    if judge == Judge::Later {
        return Some(resource);
    }
    for _ in 0..MOST {
        let issues = fhir::validate::validate(&resource);
        let Some(issue) = issues.iter().find(|it| it.is_error()) else { return Some(resource) };
        let taken = remove(&mut resource, &issue.expression);
        let kind = issue.expression.split(['.', '[']).next().unwrap_or("");
        let says = match taken {
            true => format!("{} does not fit into FHIR and was left out: {}", issue.expression, issue.diagnostics),
            false => format!("no {kind} can be made of it: {} {}", issue.expression, issue.diagnostics),
        };
        notes.push(Note::new(if taken { Fate::Weakened } else { Fate::Wrong }, place, says));
        if !taken {
            return None;
        }
        prune(&mut resource);
    }
    notes.push(Note::new(Fate::Wrong, place, "too much of it does not fit into FHIR"));
    None
}

/// Takes out the element at a FHIRPath such as `Patient.name[0].given[1]`; when it is a required member that is
/// missing, the element that lacks it. `false` when that would be the resource.
fn remove(resource: &mut Value, path: &str) -> bool {
    let steps: Vec<(&str, Option<usize>)> = path
        .split('.')
        .skip(1)
        .map(|step| match step.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse().ok()),
            None => (step, None),
        })
        .collect();
    for length in (1..=steps.len()).rev() {
        if take(resource, &steps[..length]) {
            return true;
        }
    }
    false
}

fn take(here: &mut Value, steps: &[(&str, Option<usize>)]) -> bool {
    let [(name, index), rest @ ..] = steps else { return false };
    let Some(members) = here.as_object_mut() else { return false };
    // `value` in a path may be `valueQuantity` in the resource.
    let known = members.keys().find(|it| it == name).or_else(|| members.keys().find(|it| is_choice(it, name)));
    let Some(known) = known.cloned() else { return false };
    if rest.is_empty() {
        return match (members.get_mut(&known), index) {
            (Some(Value::Array(list)), Some(index)) if *index < list.len() => {
                list.remove(*index);
                true
            }
            _ => members.remove(&known).is_some(),
        };
    }
    match (members.get_mut(&known), index) {
        (Some(Value::Array(list)), index) => list.get_mut(index.unwrap_or(0)).is_some_and(|it| take(it, rest)),
        (Some(value), _) => take(value, rest),
        (None, _) => false,
    }
}

fn is_choice(member: &str, name: &str) -> bool {
    member.strip_prefix(name).is_some_and(|it| it.starts_with(|it: char| it.is_ascii_uppercase()))
}

/// Empty objects, lists and texts are nothing in FHIR.
fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, it| !is_empty(it));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(prune);
            list.retain(|it| !is_empty(it));
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_taken_out_and_said() {
        let mut notes = Vec::new();
        let resource = json!({ "resourceType": "Patient", "gender": "X", "birthDate": "1980-01-01", "name": [{}] });
        let sound = sound(resource, "PID", Judge::Here, &mut notes);
        assert_eq!(sound, Some(json!({ "resourceType": "Patient", "birthDate": "1980-01-01" })));
        assert_eq!((notes.len(), notes[0].fate), (1, Fate::Weakened));
    }

    #[test]
    fn what_cannot_stand_is_not_made() {
        let mut notes = Vec::new();
        assert_eq!(
            sound(json!({ "resourceType": "Observation", "status": "final" }), "OBX", Judge::Here, &mut notes),
            None
        );
        assert_eq!((notes.len(), notes[0].fate), (1, Fate::Wrong));
    }
}
