//! Orders (screen C-10): what a clinician wants done for a patient, collected in a basket, checked while it is written,
//! signed in one act. Drugs become MedicationRequests (FHIR R4, 11.1), everything else ServiceRequests (12.14), each of
//! these with a Task (12.12) by which it is followed until its result is there. Reasons for going on against an alert
//! stay in the record as DetectedIssues (9.5).
//!
//! Who may prescribe signs; others write orders and leave them for somebody who may. What is sent to a
//! pharmacy follows from what is written (`pharmacy`).

pub mod basket;
pub mod catalogue;
pub mod cosign;
pub mod facts;
pub mod favourites;
mod resources;
pub mod sets;
pub mod sig;
mod sign;
pub mod tracking;

pub use basket::{Basket, Fault, Filled, Given, Indication, Item, State};
pub use facts::Facts;
pub use sign::{Hindrance, Seen, Signed, Which, forward, look, sign, sign_shown};

use crate::act::{ActError, Pen};
use crate::draft::DraftError;
use serde::{Deserialize, Serialize};
use store::StoreError;

/// The permission to sign orders, and the one to write them for somebody else's signature.
pub const SIGN: &str = "orders.sign";
pub const WRITE: &str = "orders.write";

/// What kind of thing is ordered: one tab of the basket each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Drug,
    Lab,
    Imaging,
    Procedure,
    Referral,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Drug, Kind::Lab, Kind::Imaging, Kind::Procedure, Kind::Referral];

    pub fn slug(self) -> &'static str {
        match self {
            Kind::Drug => "drug",
            Kind::Lab => "lab",
            Kind::Imaging => "imaging",
            Kind::Procedure => "procedure",
            Kind::Referral => "referral",
        }
    }

    pub fn parse(slug: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|it| it.slug() == slug)
    }
}

/// Why something about orders could not be done.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("this role does not sign orders")]
    MayNotSign,
    /// From another window, or what was signed is changed already.
    #[error("the orders were changed meanwhile")]
    Changed,
    #[error("there is no such order")]
    Unknown,
    #[error("a reason is needed")]
    Reason,
    /// A controlled drug that would go to a pharmacy by message, where that is not allowed, or from the basket alone.
    #[error("controlled drugs are not sent from here")]
    Controlled,
    #[error(transparent)]
    Act(ActError),
    #[error("the draft could not be kept")]
    TooLong,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for OrderError {
    fn from(error: StoreError) -> OrderError {
        match error {
            StoreError::NotFound(_) | StoreError::Gone { .. } => OrderError::Unknown,
            StoreError::Conflict { .. } | StoreError::ItemConflict { .. } => OrderError::Changed,
            other => OrderError::Store(other),
        }
    }
}

impl From<ActError> for OrderError {
    fn from(error: ActError) -> OrderError {
        match error {
            ActError::Conflict { .. } => OrderError::Changed,
            ActError::Store(error) => error.into(),
            other => OrderError::Act(other),
        }
    }
}

impl From<DraftError> for OrderError {
    fn from(error: DraftError) -> OrderError {
        match error {
            DraftError::Conflict(_) => OrderError::Changed,
            DraftError::TooLong => OrderError::TooLong,
            DraftError::Store(error) => error.into(),
        }
    }
}

/// Whether the writer may sign orders here.
pub fn may_sign(pen: &Pen<'_>) -> bool {
    pen.caller.rights.may(SIGN)
}

/// Whether the writer may write orders at all.
pub fn may_write(pen: &Pen<'_>) -> bool {
    pen.caller.rights.may(SIGN) || pen.caller.rights.may(WRITE)
}

#[cfg(test)]
mod tests;
