//! From FHIR R4 to messages of version 2.5.1: admissions, orders, results, appointments, vaccinations, documents and
//! charges. What goes into which field is data (`content/v2/out`), in FHIRPath; this folder reads the data, checks them,
//! and follows them. Whom a message is for, its number and its time are given: nothing here asks a clock.
//!
//! A message says what the resources say and nothing more; a number of social security never leaves.

mod leaf;
mod tables;
mod work;

pub use tables::{Outgoing, Row, SegmentRow, TableError};

use serde_json::Value;
use std::collections::BTreeMap;

/// What stands around a message.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// `ADT`.
    pub kind: &'a str,
    /// `A08`.
    pub event: &'a str,
    /// MSH-10.
    pub control: &'a str,
    /// MSH-7, as FHIR writes an instant.
    pub sent: &'a str,
    /// MSH-3 and MSH-4.
    pub sender: [&'a str; 2],
    /// MSH-5 and MSH-6.
    pub receiver: [&'a str; 2],
    /// Where our own numbers are from: `https://ehr.example/riverside`.
    pub base: &'a str,
    /// What the receiver calls a naming system: `https://…/mrn`, `RIVERSIDE`.
    pub names: &'a BTreeMap<String, String>,
    /// What is done: the order control of ORC-1, the action code of RXA-21 and of AIS-2.
    pub action: &'a str,
}

/// What a message tells.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The resource that the message is about.
    pub told: &'a Value,
    pub patient: &'a Value,
    pub visit: Option<&'a Value>,
    /// The record that was merged into that of the patient.
    pub lost: Option<&'a Value>,
    /// What these refer to, by `Type/id`.
    pub others: &'a BTreeMap<String, Value>,
}

/// Why a message could not be written. Never says what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutError {
    #[error("there is no table for messages {0}")]
    NoTable(String),
    #[error("{place}: {why}")]
    Path { place: String, why: String },
}

/// Writes a message; segments end with a return, as the standard has it.
pub fn write(outgoing: &Outgoing, envelope: Envelope<'_>, told: Told<'_>) -> Result<Vec<u8>, OutError> {
    work::write(outgoing, envelope, told)
}
