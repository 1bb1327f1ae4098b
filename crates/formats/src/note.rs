//! What reading a document or message gave: resources, and what became of every part that is not one.

use serde_json::Value;

/// What became of a part of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It has no place in FHIR R4, or none that we give it; it stays with what was received.
    Kept,
    /// It is read as something less exact, for example a date without its impossible hour.
    Weakened,
    /// It cannot be what it claims to be.
    Wrong,
}

/// One thing to know about what was read. It names places and rules, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub fate: Fate,
    /// Where: `OBX[2]-5.1`, `/ClinicalDocument/component[1]/structuredBody/component[4]/section/entry[2]`.
    pub place: String,
    /// What to know, for the person who looks after the interface.
    pub says: String,
}

impl Note {
    pub fn new(fate: Fate, place: impl Into<String>, says: impl Into<String>) -> Note {
        Note { fate, place: place.into(), says: says.into() }
    }
}

/// What was read: FHIR resources that refer to each other by `urn:uuid:` addresses made from what they are, so that
/// the same input gives the same addresses, and everything that did not become a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    pub resources: Vec<(String, Value)>,
    pub notes: Vec<Note>,
}
