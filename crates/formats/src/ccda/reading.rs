//! One document while it is read: where its narrative texts lie, what was made of it so far, and under which addresses.
//! An address is made from what the sender calls the thing (its first id) and whose record it is in, so that the same
//! document read twice, or its next version, speaks of the same resources. Things without an id are addressed by what
//! they say.

use super::part::Part;
use super::xml::{Element, Node};
use crate::{Fate, Note};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;

/// What stands in one entry, while it is read.
#[derive(Default)]
struct Made {
    resources: Vec<(String, Value)>,
    at: HashMap<String, usize>,
    /// Addresses of the clinical resources that the entry at hand gave.
    entry: Vec<String>,
    /// Statements seen and read, of the entry at hand.
    labels: Vec<Value>,
}

pub(super) struct Reading<'a> {
    /// Elements of the narrative by their ID.
    pub(super) ids: HashMap<&'a str, Node<'a>>,
    /// The zone in which the document was written.
    pub(super) zone: Option<String>,
    /// Address of the patient; part of every other clinical address.
    pub(super) patient: String,
    /// The moment the document was written, as far as known.
    pub(super) written: Option<String>,
    made: RefCell<Made>,
    notes: RefCell<Vec<Note>>,
}

/// A `urn:uuid:` made from text (RFC 9562, version 8: the first 122 bits of its SHA-256).
pub(super) fn address(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    bytes[6] = 0x80 | (bytes[6] & 0x0F);
    bytes[8] = 0x80 | (bytes[8] & 0x3F);
    let mut out = String::from("urn:uuid:");
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// The name by which a sender knows the thing: its first usable id.
pub(super) fn name_of(node: Node<'_>) -> Option<String> {
    node.kids("id").filter(|it| it.null().is_none()).find_map(|it| {
        let root = it.attr("root")?.to_ascii_lowercase();
        Some(format!("{root}|{}", it.attr("extension").unwrap_or_default()))
    })
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        document: Node<'a>,
        zone: Option<String>,
        patient: String,
        written: Option<String>,
    ) -> Reading<'a> {
        let mut ids = HashMap::new();
        for node in document.descendants().filter(|it| it.is_element()) {
            if let Some(id) = node.attribute("ID").or_else(|| node.attribute("id")) {
                ids.entry(id.trim()).or_insert(node);
            }
        }
        Reading { ids, zone, patient, written, made: RefCell::default(), notes: RefCell::default() }
    }

    pub(super) fn note(&self, fate: Fate, node: Node<'a>, says: &str) {
        self.notes.borrow_mut().push(Note::new(fate, node.place(), says));
    }

    pub(super) fn subject(&self) -> Value {
        json!({ "reference": self.patient })
    }

    /// Keeps a clinical resource of the patient and answers its address. `role` tells apart what one statement of the
    /// sender becomes when it becomes several things.
    pub(super) fn keep(&self, node: Node<'a>, role: &str, part: Part) -> String {
        let kind = part.text("resourceType").unwrap_or_default().to_owned();
        let labels = self.made.borrow().labels.clone();
        let part = if labels.is_empty() { part } else { part.with("meta", Some(json!({ "security": labels }))) };
        let value = part.done();
        let name = name_of(node).map(|it| format!("{}|{kind}|{role}|{it}", self.patient));
        let by_content = || address(&format!("{}|{kind}|{role}|{value}", self.patient));
        let mut found = name.as_deref().map_or_else(by_content, address);
        let there = self.made.borrow().at.get(&found).copied();
        if let Some(index) = there {
            let same = self.made.borrow().resources[index].1 == value;
            if !same {
                // Some systems give several statements one id: what they say tells them apart.
                found = address(&format!("{found}|{value}"));
            }
        }
        let mut made = self.made.borrow_mut();
        if !made.entry.contains(&found) {
            made.entry.push(found.clone());
        }
        if !made.at.contains_key(&found) {
            let index = made.resources.len();
            made.at.insert(found.clone(), index);
            made.resources.push((found.clone(), value));
        }
        found
    }

    /// Keeps someone or something that is named in several places (people, organisations, places): mentions of the same
    /// one complete each other.
    pub(super) fn keep_party(&self, name: Option<String>, part: Part) -> String {
        let kind = part.text("resourceType").unwrap_or_default().to_owned();
        let value = part.done();
        let found = match name {
            Some(name) => address(&format!("{kind}|{name}")),
            None => address(&format!("{kind}|{value}")),
        };
        let mut made = self.made.borrow_mut();
        match made.at.get(&found).copied() {
            Some(index) => {
                let there = made.resources[index].1.as_object_mut();
                if let (Some(there), Value::Object(more)) = (there, value) {
                    for (name, value) in more {
                        there.entry(name).or_insert(value);
                    }
                }
            }
            None => {
                let index = made.resources.len();
                made.at.insert(found.clone(), index);
                made.resources.push((found.clone(), value));
            }
        }
        found
    }

    /// Keeps a resource under an address that is already decided.
    pub(super) fn keep_as(&self, address: &str, part: Part) {
        let mut made = self.made.borrow_mut();
        let index = made.resources.len();
        made.at.insert(address.to_owned(), index);
        made.resources.push((address.to_owned(), part.done()));
    }

    /// Adds to the patient what an entry says about the person.
    pub(super) fn extend_patient(&self, extension: Value) {
        let mut made = self.made.borrow_mut();
        let Some(index) = made.at.get(&self.patient).copied() else { return };
        let Some(patient) = made.resources[index].1.as_object_mut() else { return };
        let list = patient.entry("extension").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut()
            && !list.iter().any(|it| it["url"] == extension["url"])
        {
            list.push(extension);
        }
        if !made.entry.contains(&self.patient) {
            made.entry.push(self.patient.clone());
        }
    }

    /// Looks at a resource that was made.
    pub(super) fn member(&self, address: &str, name: &str) -> Option<Value> {
        let made = self.made.borrow();
        let index = made.at.get(address)?;
        made.resources[*index].1.get(name).cloned()
    }

    /// The clinical resources since the last call.
    pub(super) fn take_entry(&self) -> Vec<String> {
        std::mem::take(&mut self.made.borrow_mut().entry)
    }

    /// From here on every clinical resource carries these security labels.
    pub(super) fn label(&self, labels: Vec<Value>) {
        self.made.borrow_mut().labels = labels;
    }

    pub(super) fn finish(self) -> (Vec<(String, Value)>, Vec<Note>) {
        (self.made.into_inner().resources, self.notes.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn addresses_are_uuids_and_follow_the_text(a in "\\PC{0,40}", b in "\\PC{0,40}") {
            let first = address(&a);
            let digits = first.strip_prefix("urn:uuid:").expect("is a uuid");
            prop_assert_eq!(digits.len(), 36);
            prop_assert_eq!(digits.as_bytes()[14], b'8');
            prop_assert_eq!(&first, &address(&a));
            prop_assert_eq!(a == b, first == address(&b));
        }

        #[test]
        fn an_id_of_any_shape_is_read_or_left_out(root in "[0-9.a-fA-F{}-]{0,40}", extension in "[^<>&\"\\p{C}]{0,20}") {
            let text = format!(r#"<x xmlns="urn:hl7-org:v3"><id root="{root}" extension="{extension}"/></x>"#);
            let tree = super::super::xml::parse(&text).expect("is XML");
            let node = tree.root_element();
            let reading = Reading::new(node, None, "urn:uuid:1".to_owned(), None);
            for found in reading.identifiers(node) {
                let patient = json!({ "resourceType": "Patient", "identifier": [found] });
                prop_assert!(fhir::validate::validate(&patient).is_empty(), "{patient}");
            }
        }
    }
}
