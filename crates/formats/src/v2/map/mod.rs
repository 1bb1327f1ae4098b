//! From a message to FHIR R4 resources, after HL7's published v2-to-FHIR guidance. What becomes what is data
//! (`content/v2`); this folder reads the data and follows them. Resources refer to each other by addresses that are
//! made from identifiers, so that the same message gives the same, and a corrected one the same addresses with other
//! content. What a field asks to delete is told apart from what it leaves out. Whatever is not mapped is noted.

mod condition;
mod leaf;
mod sound;
mod tables;
mod target;
mod work;

pub use tables::{Coverage, Mapping, MappingError, condition_is_read};

use super::message::Message;
use crate::Read;
use jiff::tz::TimeZone;

/// How to read the messages of a partner.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    pub mapping: &'a Mapping,
    /// Where the sender is: for times that say no offset, in messages whose MSH-7 says none.
    pub zone: &'a TimeZone,
}

/// What the header says about a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// MSH-3.1 and MSH-4.1.
    pub sender: String,
    pub facility: String,
    /// MSH-5.1 and MSH-6.1.
    pub receiver: String,
    pub receiving_facility: String,
    /// MSH-9: `ORU`, `R01`, `ORU_R01`.
    pub kind: String,
    pub event: String,
    pub structure: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.1: production, training or debugging.
    pub processing: String,
    pub version: String,
    /// MSH-7 as a FHIR dateTime.
    pub sent: Option<String>,
    /// EVN-2, when the event was recorded, and EVN-6, when it happened.
    pub recorded: Option<String>,
    pub occurred: Option<String>,
}

/// An element that the sender asks to delete (`""`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The resource, by its address.
    pub address: String,
    /// The element as the mapping writes it: `maritalStatus`, `telecom[]`.
    pub element: String,
}

/// A message as FHIR.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    pub header: Header,
    pub read: Read,
    pub deletions: Vec<Deletion>,
    /// How much of it: populated fields, and those of them that are mapped.
    pub fields: usize,
    pub mapped: usize,
}

/// What the header says.
pub fn header(message: &Message, zone: &TimeZone) -> Header {
    let text = |place: &str| message.text(place).into_owned();
    let moment = |place: &str| leaf::date_time(&message.text(place), zone);
    // v2.2 and some of later versions: MSH-9 is `ADT_A01` or `ADT^A01^`; ACK has no event.
    Header {
        sender: text("MSH-3"),
        facility: text("MSH-4"),
        receiver: text("MSH-5"),
        receiving_facility: text("MSH-6"),
        kind: text("MSH-9.1"),
        event: text("MSH-9.2"),
        structure: text("MSH-9.3"),
        control_id: text("MSH-10"),
        processing: text("MSH-11.1"),
        version: text("MSH-12.1"),
        sent: moment("MSH-7"),
        recorded: moment("EVN-2"),
        occurred: moment("EVN-6"),
    }
}

/// The message as FHIR resources.
pub fn convert(message: &Message, settings: Settings<'_>) -> Converted {
    work::convert(message, settings, sound::Judge::Here)
}

/// The same, not held against the rules of FHIR: for whoever does so afterwards, and converts again if something does not
/// hold. Nearly all messages are right.
pub fn convert_unjudged(message: &Message, settings: Settings<'_>) -> Converted {
    work::convert(message, settings, sound::Judge::Later)
}
