//! What points at one record is made to point at another, and back. What was changed is remembered place by place, so
//! that it can be taken back also where others went on writing in between.

use fhir::{Id, Key, ResourceType, Value};
use serde::{Deserialize, Serialize};

/// The name of a record as references have it, and alone.
pub(super) struct Name {
    reference: String,
    id: String,
    /// `http://…/fhir/Patient/7`, under each of our addresses.
    absolute: String,
}

impl Name {
    pub(super) fn of(id: &Id, base: &str) -> Name {
        let reference = format!("Patient/{id}");
        Name { absolute: format!("{base}/{reference}"), reference, id: id.to_string() }
    }

    /// The same place in words of the other record, when this text means this one. A version stays what it was.
    fn renamed(&self, text: &str, other: &Name) -> Option<String> {
        match text {
            text if text == self.reference => Some(other.reference.clone()),
            text if text == self.absolute => Some(other.absolute.clone()),
            _ => None,
        }
    }
}

/// Where something was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    /// JSON pointers.
    pub(super) pointers: Vec<String>,
    /// It spoke of the other record too, before.
    pub(super) mixed: bool,
}

/// How texts speak of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// A FHIR resource: in elements `reference` alone.
    Resource,
    /// A record of our own: references, and ids in members `patient` and `patients`.
    Item,
}

/// Makes what points at one point at the other. Nothing where nothing did.
pub(super) fn turn(value: &mut Value, from: &Name, to: &Name, speech: Speech) -> Option<Places> {
    let mut places = Places { pointers: Vec::new(), mixed: false };
    let mut path = String::new();
    walk(value, &mut path, "", speech, &mut |text, member, path| {
        if meant(text, member, to, speech).is_some() {
            places.mixed = true;
        }
        if let Some(made) = renamed(text, member, from, to, speech) {
            places.pointers.push(path.to_owned());
            *text = made;
        }
    });
    (!places.pointers.is_empty()).then_some(places)
}

/// Takes it back. Where nothing spoke of the survivor before, all of it goes back, whatever moved since; else the places
/// that were changed, as far as they still say so.
pub(super) fn turn_back(value: &mut Value, places: &Places, from: &Name, to: &Name, speech: Speech) {
    let mut path = String::new();
    walk(value, &mut path, "", speech, &mut |text, member, path| {
        if (!places.mixed || places.pointers.iter().any(|it| it == path))
            && let Some(made) = renamed(text, member, to, from, speech)
        {
            *text = made;
        }
    });
}

fn meant(text: &str, member: &str, name: &Name, speech: Speech) -> Option<()> {
    let plain = speech == Speech::Item && matches!(member, "patient" | "patients") && text == name.id;
    (plain || text == name.reference || text == name.absolute).then_some(())
}

fn renamed(text: &str, member: &str, from: &Name, to: &Name, speech: Speech) -> Option<String> {
    meant(text, member, from, speech)?;
    from.renamed(text, to).or_else(|| Some(to.id.clone()))
}

/// Visits the texts that may speak of a record; `member` is the name they stand under.
fn walk(
    value: &mut Value,
    path: &mut String,
    member: &str,
    speech: Speech,
    visit: &mut dyn FnMut(&mut String, &str, &str),
) {
    match value {
        Value::String(text) if speech == Speech::Item || member == "reference" => visit(text, member, path),
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                let end = path.len();
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                walk(value, path, name, speech, visit);
                path.truncate(end);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                let end = path.len();
                path.push_str(&format!("/{at}"));
                walk(item, path, member, speech, visit);
                path.truncate(end);
            }
        }
        _ => {}
    }
}

pub(in crate::identity) fn patient(id: &Id) -> Key {
    Key::new(ResourceType::parse("Patient").expect("a type of R4"), id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names() -> (Name, Name) {
        let name = |id: &str| Name::of(&Id::parse(id).unwrap(), "http://ehr.example/fhir");
        (name("lost"), name("kept"))
    }

    #[test]
    fn what_pointed_at_one_points_at_the_other_and_back() {
        let (lost, kept) = names();
        let before = json!({"resourceType": "Appointment", "description": "Patient/lost", "participant": [
            {"actor": {"reference": "Patient/lost"}}, {"actor": {"reference": "Patient/kept"}},
            {"actor": {"reference": "http://ehr.example/fhir/Patient/lost"}},
            {"actor": {"reference": "Patient/lost/_history/2"}}]});
        let mut it = before.clone();
        let places = turn(&mut it, &lost, &kept, Speech::Resource).unwrap();
        assert_eq!(it["participant"][0]["actor"]["reference"], "Patient/kept");
        assert_eq!(it["participant"][2]["actor"]["reference"], "http://ehr.example/fhir/Patient/kept");
        assert_eq!(it["participant"][3]["actor"]["reference"], "Patient/lost/_history/2", "a version is history");
        assert_eq!(it["description"], "Patient/lost", "only references are");
        assert!(places.mixed);
        turn_back(&mut it, &places, &lost, &kept, Speech::Resource);
        assert_eq!(it, before);
        assert_eq!(turn(&mut json!({"subject": {"reference": "Patient/other"}}), &lost, &kept, Speech::Resource), None);
    }

    #[test]
    fn what_was_written_in_between_does_not_keep_it_from_going_back() {
        let (lost, kept) = names();
        let mut it = json!({"resourceType": "List", "subject": {"reference": "Patient/lost"}, "entry": []});
        let places = turn(&mut it, &lost, &kept, Speech::Resource).unwrap();
        it["entry"] = json!([{"item": {"reference": "Observation/new"}}]);
        it["source"] = json!({"reference": "Patient/kept"});
        turn_back(&mut it, &places, &lost, &kept, Speech::Resource);
        assert_eq!(it["subject"]["reference"], "Patient/lost");
        assert_eq!(it["source"]["reference"], "Patient/lost");
        assert_eq!(it["entry"][0]["item"]["reference"], "Observation/new");
    }

    #[test]
    fn records_of_our_own_speak_of_ids_too() {
        let (lost, kept) = names();
        let mut it = json!({"patients": [{"patient": "lost"}, {"patient": "other"}], "note": "lost", "list": {"patients": ["lost"]}});
        let places = turn(&mut it, &lost, &kept, Speech::Item).unwrap();
        assert_eq!(places.pointers, ["/patients/0/patient", "/list/patients/0"]);
        assert_eq!((&it["patients"][0]["patient"], &it["note"]), (&json!("kept"), &json!("lost")));
    }
}
