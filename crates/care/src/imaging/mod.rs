//! Imaging centres: studies that lie in an archive of images (PACS) become ImagingStudy resources of the patient (FHIR
//! R4, 10.5), are found again by whoever opens the chart, and are looked at through this program. The archive is asked
//! over DICOMweb (DICOM PS3.18: QIDO-RS for what there is, WADO-RS for pictures), by [`crate::egress`] and nobody else;
//! a browser never learns where it stands.
//!
//! Nobody sees pictures of somebody else: what an archive answers is taken only where the patient it names is the one
//! who was meant, by number and by day of birth, when it is found and again when it is opened. What says otherwise is left out,
//! counted and noted in the audit log. No picture is kept here.

mod archive;
mod dicom;
mod fetch;
mod follow;
mod link;
mod listed;
mod look;
mod pictures;
mod regions;
mod study;
#[cfg(test)]
mod tests;

pub use archive::{Archive, Credential};
pub use fetch::{Fetched, fetch};
pub use follow::settle;
pub(crate) use link::orders;
pub use link::{is_imaging, numbers_of};
pub(crate) use listed::together;
pub use listed::{Listed, OfPatient, Related, Report, of_patient, related};
pub use look::{Frame, Opened, Series, Shown, Standing, open};
pub use pictures::{Picture, Wanted, Window, picture, windows};
pub use regions::{Body, Prior, body_of_order, priors, tell};

use crate::act::{ActError, Pen};
use crate::exchange::door::DoorError;
use fhir::Value;
use serde_json::json;
use store::{Action, StoreError};

/// The naming system of DICOM's unique identifiers (FHIR R4, ImagingStudy.identifier).
pub const DICOM_UID: &str = "urn:dicom:uid";
/// Codes of kinds of images (DICOM PS3.16, CID 29).
pub(crate) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// HL7 v2 table 0203: an accession number.
pub(crate) const ACCESSION: &str = "ACSN";
pub(crate) const IDENTIFIER_TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// The archive in which a study lies, by its name in the settings: addresses of archives stay here.
pub(crate) const ARCHIVES: &str = "urn:continuo:archive";

/// Why images cannot be shown or looked for.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    #[error("no archive of images is connected")]
    NoArchive,
    /// The archive is down, slow, or says what nobody understands.
    #[error("the archive of images does not answer")]
    Away,
    #[error("the archive of images does not have it")]
    NotThere,
    /// The archive says that it is of somebody else than the record says.
    #[error("the archive names another patient")]
    AnotherPatient,
    #[error("others wrote the same at the same time")]
    Busy,
    #[error("it does not hold together")]
    Invalid,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DoorError> for ImagingError {
    fn from(error: DoorError) -> ImagingError {
        match error {
            DoorError::Invalid(_) => ImagingError::Invalid,
            DoorError::Busy => ImagingError::Busy,
            DoorError::Store(error) => ImagingError::Store(error),
        }
    }
}

impl From<ActError> for ImagingError {
    fn from(error: ActError) -> ImagingError {
        match error {
            ActError::Conflict { .. } => ImagingError::Busy,
            ActError::Invalid(_) => ImagingError::Invalid,
            ActError::Store(error) => ImagingError::Store(error),
        }
    }
}

/// Whether the writer may have an archive asked for studies of a patient.
pub fn may_fetch(pen: &Pen<'_>) -> bool {
    pen.may(Action::Create, "ImagingStudy")
}

/// Whether there is an archive to ask.
pub fn is_connected(pen: &Pen<'_>) -> bool {
    !pen.organisation.surroundings.archives(&pen.organisation.slug).is_empty()
}

/// The number by which an imaging centre knows an order (DICOM 0008,0050: at most 16 characters), made from the name
/// of the order.
pub(crate) fn accession_for(base: &str, order: &str) -> Value {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let hash = ring::digest::digest(&ring::digest::SHA256, format!("accession\u{1F}{base}\u{1F}{order}").as_bytes());
    let digits: String = hash.as_ref().iter().take(12).map(|it| char::from(LETTERS[usize::from(it % 32)])).collect();
    json!({
        "type": { "coding": [{ "system": IDENTIFIER_TYPES, "code": ACCESSION, "display": "Accession ID" }] },
        "system": format!("{base}/accession"),
        "value": format!("IM{digits}"),
    })
}

/// Whether a number looks like one that [`accession_for`] makes.
pub(crate) fn is_accession_of_ours(number: &str) -> bool {
    number.len() == 14
        && number.starts_with("IM")
        && number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
