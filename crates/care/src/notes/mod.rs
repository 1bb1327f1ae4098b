//! Notes and letters, from the first word to the signature and after it (screens C-11 and C-22): drafts that several
//! people share, texts that take values from the chart with their provenance, signatures, co-signatures, addenda and
//! corrections. What is signed is a DocumentReference with its text and a Composition with its sections (FHIR R4, 2.42
//! and 2.43; US Core 6.1 Clinical Notes). A draft is no resource: nobody outside sees it before somebody signs it.

pub mod commands;
pub mod content;
pub mod kinds;
pub mod links;
pub mod merge;
pub mod phrases;
pub mod text;

mod draft;
mod sign;
mod signed;

pub use content::{Phrase, Template};
pub use draft::{
    Amends, Beginning, Clash, Difference, Edition, Expanded, How, Note, Part, Saved, Saving, Source, Taken,
    add_problem, answer, begin, discard, edition, editions, of_patient, open, preview, restore, save, unsigned,
};
pub use sign::{CO_SIGN, Signed, Signing, TASK, became, sign};
pub(crate) use sign::{category, coded, undivided};
pub use signed::{Related, SignedNote, Standing, Waiting, add_to, co_sign, correct, signed, supervisors, to_co_sign};

use crate::act::ActError;
use store::StoreError;

/// Why something cannot be done with a note.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    #[error("there is no such note, or it was signed or thrown away")]
    Absent,
    #[error("several people are saving this note at this moment; try again")]
    Busy,
    #[error("somebody saved this note meanwhile; look at it again before signing")]
    Changed,
    #[error("there is nothing in this note")]
    Empty,
    #[error("{0} gaps of this note are not filled in")]
    Gaps(usize),
    #[error("this note needs a co-signature")]
    NeedsCosigner,
    #[error("somebody else must do this")]
    NotYours,
    #[error("this note is locked; write an addendum")]
    Locked,
    #[error(transparent)]
    Act(ActError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ActError> for NoteError {
    fn from(error: ActError) -> NoteError {
        match error {
            ActError::Conflict { .. } => NoteError::Changed,
            ActError::Store(error) => NoteError::Store(error),
            other => NoteError::Act(other),
        }
    }
}

#[cfg(test)]
mod tests;
