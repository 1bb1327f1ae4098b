//! One document while it is read: where its narrative texts lie, what was made of it so far, and under which addresses.
//! An address is made from what the sender calls the thing (its first id) and whose record it is in, so that the same
//! document read twice, or its next version, speaks of the same resources. Things without an id are addressed by what
//! they say.
//!
//! What an entry tells is handed on when the entry is over; only whom several entries name stays until the end.

use super::Taker;
use super::part::Part;
use super::pull;
use super::xml::{Element, Node};
use crate::{Fate, Note};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::{Deref, Range};

/// What was made of the document so far.
#[derive(Default)]
struct Made {
    /// People, organisations, places: whoever is named again completes them. The patient is among them.
    parties: Vec<(String, Value)>,
    party_at: HashMap<String, usize>,
    /// What the entry at hand gave.
    fresh: Vec<(String, Value)>,
    /// Every address that was given to something clinical, with a print of what it says.
    seen: HashMap<u128, u64>,
    /// Addresses of the clinical resources of the entry at hand.
    entry: Vec<String>,
    labels: Vec<Value>,
}

/// Narrative that entries point at, in bytes: beyond it, what an entry says itself must do. Ten thousand entries that
/// all point at one large table would read it ten thousand times.
const MOST_POINTED: usize = 256 << 20;

/// What all parts of one document have in common while it is read.
pub(super) struct Ground<'t> {
    text: &'t str,
    /// Elements of the narrative by their ID.
    ids: HashMap<&'t str, Range<usize>>,
    /// The zone in which the document was written.
    pub(super) zone: Option<String>,
    /// Address of the patient; part of every other clinical address.
    pub(super) patient: String,
    /// The moment the document was written, as far as known.
    pub(super) written: Option<String>,
    pointed: Cell<usize>,
    made: RefCell<Made>,
    notes: RefCell<Vec<Note>>,
}

/// One parsed part of it: the header, the shell of a section, an entry.
pub(super) struct Reading<'a> {
    ground: &'a Ground<'a>,
    /// The entry at hand and where it stands in the document.
    entry: Option<(Node<'a>, String)>,
}

impl<'a> Deref for Reading<'a> {
    type Target = Ground<'a>;

    fn deref(&self) -> &Ground<'a> {
        self.ground
    }
}

/// The number that an address is made of.
fn number(address: &str) -> u128 {
    let digits: String = address.chars().rev().take(36).filter(|it| *it != '-').collect();
    u128::from_str_radix(&digits, 16).unwrap_or_default()
}

fn print(text: &str) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("eight bytes"))
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

impl<'t> Ground<'t> {
    pub(super) fn new(
        text: &'t str,
        ids: HashMap<&'t str, Range<usize>>,
        zone: Option<String>,
        patient: String,
        written: Option<String>,
    ) -> Ground<'t> {
        Ground {
            text,
            ids,
            zone,
            patient,
            written,
            pointed: Cell::default(),
            made: RefCell::default(),
            notes: RefCell::default(),
        }
    }

    /// The words of the element with this ID.
    pub(super) fn pointed(&self, id: &str) -> Option<String> {
        let range = self.ids.get(id.trim())?.clone();
        let spent = self.pointed.get() + range.len();
        if spent > MOST_POINTED {
            return None;
        }
        self.pointed.set(spent);
        Some(pull::words(&self.text[range]))
    }

    pub(super) fn subject(&self) -> Value {
        json!({ "reference": self.patient })
    }

    /// Keeps something of the patient under this address, unless it was said before.
    fn fresh(&self, found: String, value: Value, print: u64) {
        let mut made = self.made.borrow_mut();
        if made.seen.insert(number(&found), print).is_none() {
            made.fresh.push((found, value));
        }
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
        match made.party_at.get(&found).copied() {
            Some(index) => {
                let there = made.parties[index].1.as_object_mut();
                if let (Some(there), Value::Object(more)) = (there, value) {
                    for (name, value) in more {
                        there.entry(name).or_insert(value);
                    }
                }
            }
            None => {
                let index = made.parties.len();
                made.party_at.insert(found.clone(), index);
                made.parties.push((found.clone(), value));
            }
        }
        found
    }

    /// Keeps who wrote the resources of an entry.
    pub(super) fn keep_provenance(&self, targets: &[String], part: Part) {
        let value = part.done();
        let print = print(&value.to_string());
        self.fresh(address(&format!("Provenance|{}|{}", self.patient, targets.join("|"))), value, print);
    }

    /// Keeps the patient, under the address that is already decided.
    pub(super) fn keep_patient(&self, part: Part) {
        let mut made = self.made.borrow_mut();
        let index = made.parties.len();
        made.party_at.insert(self.patient.clone(), index);
        made.parties.push((self.patient.clone(), part.done()));
    }

    /// Adds to the patient what an entry says about the person.
    pub(super) fn extend_patient(&self, extension: Value) {
        let mut made = self.made.borrow_mut();
        let Some(index) = made.party_at.get(&self.patient).copied() else { return };
        let Some(patient) = made.parties[index].1.as_object_mut() else { return };
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

    /// Looks at a resource that was made: somebody who is named, or something of the entry at hand.
    pub(super) fn member(&self, address: &str, name: &str) -> Option<Value> {
        let made = self.made.borrow();
        let party = made.party_at.get(address).map(|it| &made.parties[*it].1);
        let found = party.or_else(|| made.fresh.iter().find(|(it, _)| it == address).map(|(_, it)| it));
        found?.get(name).cloned()
    }

    /// The clinical resources since the last call.
    pub(super) fn take_entry(&self) -> Vec<String> {
        std::mem::take(&mut self.made.borrow_mut().entry)
    }

    /// From here on every clinical resource carries these security labels.
    pub(super) fn label(&self, labels: Vec<Value>) {
        self.made.borrow_mut().labels = labels;
    }

    /// Hands on what was made since the last call.
    pub(super) fn hand_over(&self, to: &mut Handing<'_>) {
        let fresh = std::mem::take(&mut self.made.borrow_mut().fresh);
        let notes = std::mem::take(&mut *self.notes.borrow_mut());
        fresh.into_iter().for_each(|(address, value)| to.resource(address, value));
        notes.into_iter().for_each(|note| to.taker.note(note));
    }

    /// Hands on whoever was named.
    pub(super) fn finish(self, to: &mut Handing<'_>) {
        self.hand_over(to);
        let made = self.made.into_inner();
        made.parties.into_iter().for_each(|(address, value)| to.resource(address, value));
    }
}

/// On the way to whoever takes it: only what is valid gets there.
pub(super) struct Handing<'h> {
    pub(super) taker: &'h mut dyn Taker,
    /// What was left out.
    pub(super) lost: HashSet<String>,
}

impl Handing<'_> {
    pub(super) fn resource(&mut self, address: String, mut value: Value) {
        if !self.lost.is_empty() {
            super::prune(&mut value, &self.lost);
        }
        let mut notes = Vec::new();
        let valid = super::made_valid(&mut value, &mut notes);
        notes.into_iter().for_each(|note| self.taker.note(note));
        match valid {
            true => self.taker.resource(address, value),
            false => drop(self.lost.insert(address)),
        }
    }
}

impl<'a> Reading<'a> {
    pub(super) fn of(ground: &'a Ground<'a>) -> Reading<'a> {
        Reading { ground, entry: None }
    }

    /// One entry, and where it stands.
    pub(super) fn of_entry(ground: &'a Ground<'a>, entry: Node<'a>, place: String) -> Reading<'a> {
        Reading { ground, entry: Some((entry, place)) }
    }

    pub(super) fn note(&self, fate: Fate, node: Node<'a>, says: &str) {
        let place = match &self.entry {
            Some((entry, place)) => node.place_below(*entry).map(|it| format!("{place}{it}")),
            None => None,
        };
        let place = place.unwrap_or_else(|| node.place());
        self.notes.borrow_mut().push(Note::new(fate, place, says));
    }

    /// Keeps a clinical resource of the patient and answers its address. `role` tells apart what one statement of the
    /// sender becomes when it becomes several things.
    pub(super) fn keep(&self, node: Node<'a>, role: &str, part: Part) -> String {
        let kind = part.text("resourceType").unwrap_or_default().to_owned();
        let labels = self.made.borrow().labels.clone();
        let part = if labels.is_empty() { part } else { part.with("meta", Some(json!({ "security": labels }))) };
        let value = part.done();
        let said = value.to_string();
        let print = print(&said);
        let name = name_of(node).map(|it| format!("{}|{kind}|{role}|{it}", self.patient));
        let mut found = address(&name.unwrap_or_else(|| format!("{}|{kind}|{role}|{said}", self.patient)));
        let there = self.made.borrow().seen.get(&number(&found)).copied();
        if there.is_some_and(|it| it != print) {
            // Some systems give several statements one id: what they say tells them apart.
            found = address(&format!("{found}|{said}"));
        }
        let mut made = self.made.borrow_mut();
        if !made.entry.contains(&found) {
            made.entry.push(found.clone());
        }
        drop(made);
        self.fresh(found.clone(), value, print);
        found
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
            prop_assert_eq!(a == b, number(&first) == number(&address(&b)));
        }

        #[test]
        fn an_id_of_any_shape_is_read_or_left_out(root in "[0-9.a-fA-F{}-]{0,40}", extension in "[^<>&\"\\p{C}]{0,20}") {
            let text = format!(r#"<x xmlns="urn:hl7-org:v3"><id root="{root}" extension="{extension}"/></x>"#);
            let tree = super::super::xml::parse(&text).expect("is XML");
            let node = tree.root_element();
            let ground = Ground::new(&text, HashMap::new(), None, "urn:uuid:1".to_owned(), None);
            let reading = Reading::of(&ground);
            for found in reading.identifiers(node) {
                let patient = json!({ "resourceType": "Patient", "identifier": [found] });
                prop_assert!(fhir::validate::validate(&patient).is_empty(), "{patient}");
            }
        }
    }
}
