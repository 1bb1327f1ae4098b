//! The record a document is made from: its resources by kind and by what others call them, and the ids under which
//! they are told.

use super::Making;
use super::markup::{Tag, tag};
use super::types::{identifiers, list, text};
use crate::ccda::reading::address;
use crate::ccda::tables;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Who says what the document says.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// A Practitioner.
    Person(&'a Value),
    /// This program, on behalf of the custodian.
    Program { maker: &'a str, name: &'a str },
}

pub(super) struct Record<'a> {
    pub(super) making: &'a Making<'a>,
    by_name: HashMap<String, &'a Value>,
    /// The root of ids of this place.
    root: String,
    /// Resources that an entry told already.
    told: RefCell<HashSet<String>>,
}

impl<'a> Record<'a> {
    pub(super) fn of(making: &'a Making<'a>) -> Record<'a> {
        let mut by_name = HashMap::new();
        for it in making.resources.iter().chain([making.patient, making.custodian]) {
            if let Some(id) = text(it, &["id"]) {
                by_name.insert(format!("{}/{id}", kind(it)), it);
                by_name.insert(format!("urn:uuid:{id}"), it);
            }
        }
        let root = address(&format!("place|{}", making.base)).trim_start_matches("urn:uuid:").to_owned();
        Record { making, by_name, root, told: RefCell::default() }
    }

    /// The resources of a kind that are not mistakes.
    pub(super) fn all(&self, name: &str) -> Vec<&'a Value> {
        let mistaken = |it: &Value| {
            text(it, &["status"]) == Some("entered-in-error")
                || list(&it["verificationStatus"], "coding").iter().any(|it| it["code"] == "entered-in-error")
        };
        self.making.resources.iter().filter(|it| kind(it) == name && !mistaken(it)).collect()
    }

    /// What a Reference points at, when it is here.
    pub(super) fn at(&self, reference: Option<&Value>) -> Option<&'a Value> {
        self.by_name.get(text(reference?, &["reference"])?).copied()
    }

    /// The code of a member that is a concept or a reference to something with one: `medication[x]`.
    pub(super) fn code_of(&self, it: &'a Value, name: &str) -> Option<&'a Value> {
        let own = it.get(format!("{name}CodeableConcept"));
        own.or_else(|| self.at(it.get(format!("{name}Reference")))?.get("code"))
    }

    pub(super) fn name(&self, it: &Value) -> String {
        format!("{}/{}", kind(it), text(it, &["id"]).unwrap_or_default())
    }

    /// Says that a resource is told, and whether this is the first time.
    pub(super) fn tell(&self, it: &Value) -> bool {
        self.told.borrow_mut().insert(self.name(it))
    }

    pub(super) fn is_told(&self, it: &Value) -> bool {
        self.told.borrow().contains(&self.name(it))
    }

    /// The id of an entry: that of this place first, then numbers of others.
    pub(super) fn ids(&self, it: &Value) -> Vec<Tag> {
        std::iter::once(self.id(it, "")).chain(identifiers(it)).collect()
    }

    /// The id of one of several statements that one resource becomes.
    pub(super) fn id(&self, it: &Value, part: &str) -> Tag {
        let part = if part.is_empty() { String::new() } else { format!("#{part}") };
        tag("id").is("root", self.root.clone()).is("extension", format!("{}{part}", self.name(it)))
    }

    /// The number of a person or organisation that everybody knows (NPI), else the id of this place.
    pub(super) fn party_ids(&self, it: &Value) -> Vec<Tag> {
        let npi = list(it, "identifier").iter().find_map(|it| {
            let known = text(it, &["system"]) == Some("http://hl7.org/fhir/sid/us-npi");
            let value = text(it, &["value"]).filter(|_| known)?;
            let root = tables::identifier_oid("http://hl7.org/fhir/sid/us-npi")?;
            Some(tag("id").is("root", root).is("extension", value))
        });
        vec![npi.unwrap_or_else(|| self.id(it, ""))]
    }

    /// An id of something that is no resource.
    pub(super) fn made_id(&self, what: &str) -> Tag {
        tag("id").is("root", self.root.clone()).is("extension", what)
    }
}

pub(super) fn kind(it: &Value) -> &str {
    it["resourceType"].as_str().unwrap_or_default()
}

/// The code of a system among the codings of a concept.
pub(super) fn code_in<'a>(concept: Option<&'a Value>, systems: &[&str]) -> Option<&'a str> {
    let all = list(concept?, "coding").iter();
    all.filter(|it| text(it, &["system"]).is_some_and(|it| systems.contains(&it))).find_map(|it| text(it, &["code"]))
}

/// The first code of a concept, whatever its system.
pub(super) fn any_code(concept: Option<&Value>) -> Option<&str> {
    list(concept?, "coding").iter().find_map(|it| text(it, &["code"]))
}
