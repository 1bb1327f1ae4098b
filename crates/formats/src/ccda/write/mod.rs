//! FHIR resources of one record as a Consolidated CDA document (C-CDA R2.1, templates of release 4.0 on CDA R2): the
//! Continuity of Care Document, the Referral Note, the Discharge Summary and the Care Plan. Every section has words that
//! a person can read and, where C-CDA has a template, entries that point at these words; what is not known says so with
//! a null flavour. Nothing here decides what may leave: whoever calls chooses the resources.

mod agreed;
mod care;
mod clinical;
mod header;
mod markup;
mod medicines;
mod observed;
mod people;
mod record;
mod sections;
mod types;

pub use record::Author;

pub(crate) use markup::escape;
use markup::tag;
use record::Record;
use serde_json::Value;

/// Which document is made (2.16.840.1.113883.10.20.22.1.x).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    ContinuityOfCare,
    ReferralNote,
    DischargeSummary,
    CarePlan,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::ContinuityOfCare, Kind::ReferralNote, Kind::DischargeSummary, Kind::CarePlan];

    /// Template, LOINC code, its display, title.
    fn told(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Kind::ContinuityOfCare => (
                "2.16.840.1.113883.10.20.22.1.2",
                "34133-9",
                "Summarization of episode note",
                "Continuity of Care Document",
            ),
            Kind::ReferralNote => ("2.16.840.1.113883.10.20.22.1.14", "57133-1", "Referral note", "Referral Note"),
            Kind::DischargeSummary => {
                ("2.16.840.1.113883.10.20.22.1.8", "18842-5", "Discharge summary", "Discharge Summary")
            }
            Kind::CarePlan => ("2.16.840.1.113883.10.20.22.1.15", "18776-5", "Plan of care note", "Care Plan"),
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        self.told().3
    }

    /// LOINC code and display of the type of document.
    pub fn code(self) -> (&'static str, &'static str) {
        let (_, code, display, _) = self.told();
        (code, display)
    }
}

/// What a document is made from.
#[derive(Clone, Debug)]
pub struct Making<'a> {
    pub kind: Kind,
    pub patient: &'a Value,
    /// Everything that may be told, and whatever it refers to: people, organisations, places.
    pub resources: &'a [Value],
    /// The address under which these resources are known; their ids are told as ids of this place.
    pub base: &'a str,
    pub author: Author<'a>,
    /// The Organization that keeps the original.
    pub custodian: &'a Value,
    /// When it is made, to the second: `2026-06-15T12:00:00Z`.
    pub written: &'a str,
    /// UUID of this document.
    pub id: &'a str,
    /// UUID of the set whose versions replace each other, and which of them this is.
    pub set: &'a str,
    pub version: u32,
    /// The visit it tells of.
    pub encounter: Option<&'a Value>,
    /// For whom it is, by name.
    pub recipient: Option<&'a str>,
    /// Why the patient is sent; the course in hospital.
    pub reason: Option<&'a str>,
    /// What the writer makes of it.
    pub assessment: Option<&'a str>,
    /// What the patient is told to do.
    pub instructions: Option<&'a str>,
}

/// Makes the document.
pub fn write(making: &Making<'_>) -> Vec<u8> {
    let record = Record::of(making);
    let body = sections::of(making.kind)
        .iter()
        .filter_map(|it| it.made(&record))
        .map(|it| tag("component").add(it))
        .fold(tag("structuredBody"), markup::Tag::add);
    let document = header::document(&record).add(tag("component").add(body));
    markup::document(&document)
}
