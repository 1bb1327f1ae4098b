//! Other people's wire formats to and from FHIR. Everything here is computed from what is given: nothing in this crate
//! opens a file or a socket, asks the time, or knows who the patient is. Reading goes on after what it does not
//! understand and says so; nothing is dropped silently.

pub mod ccda;
mod note;
pub mod script;
pub mod v2;

pub use note::{Fate, Note, Read};
