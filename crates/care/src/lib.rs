//! What an EHR *does*, one folder per service line. Slices call each other only through the functions
//! their `mod.rs` offers; all of them read and write through the store, with the caller first.

pub mod access;
mod ask;
pub mod chart;
pub mod checks;
pub mod content;
pub mod demo;
pub mod drugs;
pub mod egress;
pub mod exchange;
pub mod gaps;
pub mod orders;
pub mod organisation;
pub mod oversight;
pub mod people;
pub mod renewals;

pub use organisation::{Installation, Organisation, Surroundings};
