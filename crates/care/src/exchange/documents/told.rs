//! What a document that was taken in has told: its entries as they stand in the record now, beside its words (screen C-16).

use super::make::words;
use crate::Organisation;
use crate::ask;
use crate::chart::element::text;
use crate::exchange::origin;
use fhir::{Id, Value};
use store::{Caller, StoreError, StoreResult};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its resource type.
    pub kind: &'static str,
    pub name: String,
    /// A FHIR date.
    pub when: Option<String>,
    /// Nobody here has decided about it yet.
    pub waits: bool,
}

/// Type, and the parameter by which its resources are a patient's.
const KINDS: [(&str, &str); 9] = [
    ("Condition", "patient"),
    ("AllergyIntolerance", "patient"),
    ("MedicationRequest", "patient"),
    ("Immunization", "patient"),
    ("Procedure", "patient"),
    ("DiagnosticReport", "patient"),
    ("Observation", "patient"),
    ("Goal", "patient"),
    ("FamilyMemberHistory", "patient"),
];
/// Of each type at most.
const MOST: usize = 200;
const PAGE: u32 = 200;

/// What the document told of each kind, in the order of the chart; nothing for a document that was written here.
pub async fn told(organisation: &Organisation, caller: &Caller, patient: &Id, document: &Id) -> StoreResult<Vec<Told>> {
    let store = &organisation.store;
    let it = ask::read(store, caller, "DocumentReference", document).await?.value;
    let Some(source) = origin::of(&it).and_then(|_| text(&it, &["meta", "source"])) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (kind, by) in KINDS {
        let asked = [(by, patient.to_string()), ("_tag", format!("{}|document", origin::SYSTEM))];
        let found = match ask::every(store, caller, kind, &asked, PAGE).await {
            Err(StoreError::Forbidden) => continue,
            found => found?,
        };
        let own = found.iter().filter(|it| text(it, &["meta", "source"]) == Some(source));
        all.extend(own.take(MOST).map(|it| entry(kind, it)));
    }
    Ok(all)
}

fn entry(kind: &'static str, it: &Value) -> Told {
    const CODES: [&str; 5] = ["code", "medicationCodeableConcept", "vaccineCode", "description", "relationship"];
    const DATES: [&str; 7] = [
        "onsetDateTime",
        "effectiveDateTime",
        "performedDateTime",
        "occurrenceDateTime",
        "authoredOn",
        "recordedDate",
        "startDate",
    ];
    let name = CODES.iter().find_map(|name| words(it.get(*name))).unwrap_or_default();
    let when = DATES.iter().find_map(|name| text(it, &[name])).map(str::to_owned);
    Told { kind, name, when, waits: origin::is_unreconciled(it) }
}
