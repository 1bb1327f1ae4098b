//! Pharmacies: a prescription that is signed for a pharmacy goes there, what the pharmacy says of it comes back into the
//! record, and what it asks waits in the queue of renewals (screens C-10 and C-14; NCPDP SCRIPT by `formats::script`).
//!
//! The record stays the one truth. To where a prescription goes is said by `MedicationRequest.dispenseRequest.performer`
//! (FHIR R4, 11.1); a follower of the change log ([`follow`]) puts into the outbox whatever follows from what was written,
//! so that it makes no difference whether somebody signed on a page or a program wrote over the API. How far a
//! prescription has come is told by its Task and its MedicationDispenses, and kept beside them ([`course`]) so that
//! what is late takes nothing back.
//!
//! Nothing here decides about a prescription: what a pharmacy asks is decided by whoever may sign.

mod compose;
pub mod controlled;
pub mod course;
pub mod directory;
mod effect;
mod follow;
pub mod history;
pub(crate) mod intake;
pub mod line;
mod parties;
mod record;
pub mod requests;
pub mod simulated;
mod stop;

pub use course::{Course, Left};
pub use directory::{Chosen, Pharmacy};
pub use follow::follow;
pub use line::Wire;
pub use record::Stage;
pub use stop::stop;

use formats::script::{Mapping, kind};

/// The numbers by which pharmacies are known to each other (HL7 Terminology, NCPDPProviderIdentificationNumber).
pub const NCPDP: &str = "http://terminology.hl7.org/NamingSystem/NCPDPProviderIdentificationNumber";
pub(crate) const NPI: &str = "http://hl7.org/fhir/sid/us-npi";

/// The head of a mapping that ships, and how many transactions it has.
pub(crate) fn tell(version: &str) -> Result<(crate::content::Head, usize), String> {
    let name = format!("script/{version}.toml");
    let (_, text) = Mapping::shipped().into_iter().find(|it| it.0 == name).ok_or("there is no such mapping")?;
    let table: toml::Table = text.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
    let mapping = Mapping::of_version(version).ok_or("the mapping cannot be read")?;
    Ok((crate::content::head_of_toml(&table)?, kind::ALL.iter().filter(|it| mapping.parts(it).is_some()).count()))
}

#[cfg(test)]
mod tests;
