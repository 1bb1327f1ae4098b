//! Why a message is not worked on: the same cause for all that fail for the same reason, the code that the sender is told
//! (HL7 table 0357), and the place that is wrong. Nothing here says what stands in the message.

use super::door::DoorError;
use super::kept::NOTES;
use crate::chart::element::text;
use formats::v2::Place;
use formats::v2::acknowledge::{Fault, FaultCode, Outcome, Verdict};
use formats::v2::map::{Converted, Header};
use store::StoreError;

/// Kinds of messages that are about a patient.
const OF_PATIENTS: [&str; 13] =
    ["ADT", "ORU", "ORM", "OML", "OMG", "OMI", "VXU", "MDM", "DFT", "RDE", "RDS", "RAS", "PPR"];

/// Why a message was not worked on.
pub(super) struct Refusal {
    /// The same for all that fail for the same reason: `no-patient`, `invalid:Observation.status`.
    pub(super) cause: String,
    pub(super) verdict: Verdict,
    pub(super) code: FaultCode,
    pub(super) place: Option<Place>,
    pub(super) says: String,
    pub(super) problems: Vec<(String, String)>,
}

impl Refusal {
    fn new(cause: &str, code: FaultCode, place: &str, says: &str) -> Refusal {
        Refusal {
            cause: cause.to_owned(),
            verdict: Verdict::Error,
            code,
            place: place.parse().ok(),
            says: says.to_owned(),
            problems: Vec::new(),
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let fault = Fault { place: self.place.clone(), code: self.code, text: self.says.clone(), warning: false };
        Outcome { verdict: self.verdict, faults: vec![fault] }
    }
}

pub(super) fn not_for_us(header: &Header) -> Option<Refusal> {
    let version = header.version.trim();
    if header.kind.trim().is_empty() {
        let says = "MSH-9 does not say what kind of message it is";
        return Some(Refusal::new("no-kind", FaultCode::RequiredFieldMissing, "MSH-9", says));
    }
    if !version.is_empty() && !version.starts_with("2") {
        let says = "only versions 2.x are read";
        let refusal = Refusal::new("version", FaultCode::UnsupportedVersion, "MSH-12", says);
        return Some(Refusal { verdict: Verdict::Rejected, ..refusal });
    }
    None
}

pub(super) fn nothing_to_do(header: &Header, converted: &Converted) -> Option<Refusal> {
    let resources = &converted.read.resources;
    let has = |kind: &str| resources.iter().any(|(_, it)| text(it, &["resourceType"]) == Some(kind));
    if OF_PATIENTS.contains(&header.kind.as_str()) && !has("Patient") {
        let says = "it does not say which patient it is about";
        return Some(Refusal::new("no-patient", FaultCode::RequiredFieldMissing, "PID-3", says));
    }
    if resources.is_empty() {
        let says = "nothing in it has a mapping";
        return Some(Refusal::new("nothing-mapped", FaultCode::UnsupportedMessageType, "MSH-9", says));
    }
    None
}

/// Whether it may go well the next time, so that the sender should try again.
pub(super) fn is_passing(error: &StoreError) -> bool {
    matches!(error, StoreError::ReadOnly(_) | StoreError::Unavailable(_) | StoreError::ItemConflict { .. })
}

pub(super) fn refused(error: DoorError) -> Refusal {
    match error {
        DoorError::Invalid(issues) => {
            let first = issues.first().map(|it| it.expression.as_str()).unwrap_or_default();
            // `Observation.component[3].code` and `[4]` are one cause.
            let place = first.split('[').next().unwrap_or(first);
            let says = "what it says does not hold together in FHIR";
            let problems = issues.iter().take(NOTES).map(|it| (it.expression.clone(), it.diagnostics.clone()));
            let refusal = Refusal::new(&format!("invalid:{place}"), FaultCode::DataType, "", says);
            Refusal { problems: problems.collect(), ..refusal }
        }
        DoorError::Busy => Refusal::new("busy", FaultCode::RecordLocked, "", "what it changes was being changed"),
        DoorError::Store(_) => Refusal::new("internal", FaultCode::Internal, "", "it could not be written"),
    }
}
