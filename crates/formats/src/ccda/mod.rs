//! Consolidated CDA documents (C-CDA R1.1 and R2.1 on CDA R2) into FHIR R4, shaped as US Core asks: the header, every
//! section with its narrative, and every entry that has a counterpart. What has none stays in the narrative and is
//! counted with its reason. Maps follow HL7's C-CDA to FHIR mapping work; codes and identifiers are data in
//! `content/ccda`. Nothing here decides what enters a record: that is for those who reconcile.

mod datatypes;
mod entries;
mod header;
mod narrative;
mod outline;
mod part;
mod parties;
mod pull;
mod reading;
mod sections;
mod tables;
pub mod write;
pub(crate) mod xml;

pub use datatypes::{Moment, decimal, moment};
pub use sections::{Became, Entry};
pub use xml::{DEEPEST, LARGEST, Refusal};

use crate::{Fate, Note, Read};
use outline::Outline;
use reading::{Ground, Handing, Reading, address, name_of};
use serde_json::Value;
use std::collections::HashSet;
use xml::Element;

/// The kinds of documents of C-CDA, by their template (2.16.840.1.113883.10.20.22.1.x).
const KINDS: [(&str, &str); 12] = [
    ("22.1.2", "Continuity of Care Document"),
    ("22.1.14", "Referral Note"),
    ("22.1.8", "Discharge Summary"),
    ("22.1.4", "Consultation Note"),
    ("22.1.9", "Progress Note"),
    ("22.1.3", "History and Physical"),
    ("22.1.15", "Care Plan"),
    ("22.1.13", "Transfer Summary"),
    ("22.1.7", "Operative Note"),
    ("22.1.6", "Procedure Note"),
    ("22.1.5", "Diagnostic Imaging Report"),
    ("22.1.10", "Unstructured Document"),
];

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Document {
    pub head: Head,
    pub read: Read,
    /// What became of every entry of every section.
    pub entries: Vec<Entry>,
}

/// What a document says about itself.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// What kind of document of C-CDA it says it is.
    pub kind: Option<&'static str>,
    /// The id of this document, `root|extension`.
    pub id: Option<String>,
    /// The set whose versions replace each other, `root|extension`.
    pub set: Option<String>,
    pub version: Option<u64>,
    /// The address of the Composition; the same for every version of a set.
    pub composition: String,
    /// The address of the patient.
    pub patient: String,
    /// Addresses of what was referred to and could not be made valid: references to them mean nothing.
    pub lost: HashSet<String>,
}

/// Whoever takes what a document tells, one thing after the other: what entries say first, then whoever they name, the
/// Composition last. An address comes once.
pub trait Taker {
    fn resource(&mut self, address: String, resource: Value);
    fn entry(&mut self, _: Entry) {}
    fn note(&mut self, _: Note) {}
}

impl Taker for Document {
    fn resource(&mut self, address: String, resource: Value) {
        self.read.resources.push((address, resource));
    }

    fn entry(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    fn note(&mut self, note: Note) {
        self.read.notes.push(note);
    }
}

/// Whether the bytes are well-formed, within what is read, and begin as a document of CDA does; no tree is made.
pub fn is_document(bytes: &[u8]) -> bool {
    xml::decode(bytes).is_ok_and(|text| Outline::of(&text).is_ok_and(|it| it.is_document()))
}

/// Reads a document into memory, whole.
pub fn read(bytes: &[u8]) -> Result<Document, Refusal> {
    let mut document = Document { head: Head::default(), read: Read::default(), entries: Vec::new() };
    document.head = read_to(bytes, &mut document)?;
    if !document.head.lost.is_empty() {
        document.read.resources.iter_mut().for_each(|(_, it)| prune(it, &document.head.lost));
    }
    Ok(document)
}

/// Reads a document section by section and entry by entry; nothing of it is held but what is told of the document.
pub fn read_to(bytes: &[u8], taker: &mut dyn Taker) -> Result<Head, Refusal> {
    let text = xml::decode(bytes)?;
    let mut outline = Outline::of(&text)?;
    if !outline.is_document() {
        return Err(Refusal::NotCda);
    }
    let head = outline.head();
    let tree = xml::parse(&head).map_err(|refusal| outline.wrong_head(refusal))?;
    let root = tree.root_element();
    if !root.is("ClinicalDocument") || root.tag_name().namespace().is_some_and(|it| it != "urn:hl7-org:v3") {
        return Err(Refusal::NotCda);
    }
    let role = root.way("recordTarget/patientRole").ok_or(Refusal::NobodysRecord)?;
    let id = root.kid("id").and_then(|_| name_of(root));
    let set = root.kid("setId").and_then(|it| {
        it.attr("root")
            .map(|root| format!("{}|{}", root.to_ascii_lowercase(), it.attr("extension").unwrap_or_default()))
    });
    let patient = address(&format!("Patient|{}", name_of(role).unwrap_or_else(|| role.words())));
    let called = set.as_ref().or(id.as_ref()).cloned().unwrap_or_else(|| address(&text));
    let composition = address(&format!("Composition|{patient}|{called}"));
    let zone = root.at("effectiveTime", "value").and_then(datatypes::zone_of);
    let written = root.at("effectiveTime", "value").and_then(|it| moment(it, zone.as_deref())).map(|it| it.text);

    let ids = std::mem::take(&mut outline.ids);
    let ground = Ground::new(&text, ids, zone, patient.clone(), written);
    let mut handing = Handing { taker, lost: HashSet::new() };
    let (part, kind, version) = {
        let reading = Reading::of(&ground);
        reading.label(reading.labels_of(root, &[]));
        reading.read_patient(role);
        if root.kids("recordTarget").count() > 1 {
            reading.note(Fate::Kept, root, "only the first of several patients is read");
        }
        let part = reading.composition(root);
        reading.read_others(root);
        reading.take_entry();
        ground.hand_over(&mut handing);
        let sections = match reading.unstructured(root, outline.file) {
            Some(section) => vec![section],
            None => sections::read_body(&ground, &outline, &reading.labels_of(root, &[]), &mut handing)?,
        };
        let kind = KINDS.iter().find(|(template, _)| root.follows(template)).map(|(_, name)| *name);
        (part.list("section", sections), kind, root.at("versionNumber", "value").and_then(|it| it.parse().ok()))
    };
    drop(tree);
    ground.finish(&mut handing);
    handing.resource(composition.clone(), part.done());
    Ok(Head { kind, id, set, version, composition, patient, lost: handing.lost })
}

/// Only what is valid FHIR leaves here: a member that is not is left out and noted; `false` when nothing helps.
fn made_valid(resource: &mut Value, notes: &mut Vec<Note>) -> bool {
    let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
    for _ in 0..8 {
        let issues = fhir::validate::validate(resource);
        let Some(issue) = issues.iter().find(|it| it.is_error()) else { return true };
        let place = issue.expression.clone();
        let member = place.split('.').nth(1).map(|it| it.split('[').next().unwrap_or(it).to_owned());
        notes.push(Note::new(
            Fate::Wrong,
            place,
            format!("what this document says is no valid FHIR: {}", issue.diagnostics),
        ));
        let removed = member.and_then(|it| {
            let object = resource.as_object_mut()?;
            let exact = object.remove(&it);
            let plain = it.trim_end_matches("[x]").to_owned();
            exact.or_else(|| {
                let name = object.keys().find(|key| key.starts_with(&plain)).cloned()?;
                object.remove(&name)
            })
        });
        if removed.is_none() {
            break;
        }
    }
    let valid = !fhir::validate::validate(resource).iter().any(fhir::Issue::is_error);
    if !valid {
        notes.push(Note::new(Fate::Wrong, kind, "the resource is left out: it cannot be made valid"));
    }
    valid
}

/// References to what was left out go with it.
pub fn prune(value: &mut Value, lost: &HashSet<String>) {
    let dangles = |it: &Value| it.get("reference").and_then(Value::as_str).is_some_and(|it| lost.contains(it));
    match value {
        Value::Array(items) => {
            items.retain(|it| !dangles(it));
            items.iter_mut().for_each(|it| prune(it, lost));
        }
        Value::Object(members) => {
            members.retain(|_, it| !dangles(it));
            members.values_mut().for_each(|it| prune(it, lost));
            members.retain(|_, it| !it.as_array().is_some_and(Vec::is_empty));
        }
        _ => {}
    }
}
