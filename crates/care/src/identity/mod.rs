//! Whose record it is: the index of patients of an organisation. Two records are compared field by field, what agrees
//! is weighed, and the sum says whether they are one person's (FHIR R4 Patient `$match`; IHE PDQm ITI-119). Decisions
//! are explained by their parts, and none of them is made here that a person could not take back.

pub mod compare;
mod find;
pub mod keys;
pub mod learn;
mod letters;
pub mod links;
pub mod merge;
mod nicknames;
pub mod queue;
pub mod score;
pub mod traits;

pub use compare::{Field, Level};
pub use find::{Candidate, Whose, candidates, current, frequencies, is_stranger, replaced_by, whose};
pub use keys::keys_of;
pub use score::{Agreement, Frequencies, Grade, Score, Thresholds};
pub use traits::Traits;

#[cfg(test)]
mod tests;
