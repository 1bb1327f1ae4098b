//! What an EHR *does*, one folder per service line. Slices call each other only through the functions
//! their `mod.rs` offers; all of them read and write through the store, with the caller first.

pub mod access;
pub mod act;
pub mod aftercare;
mod ask;
pub mod chart;
pub mod checks;
pub mod closing;
pub mod cohorts;
pub mod content;
pub mod demo;
pub mod desk;
pub mod devices;
pub mod draft;
pub mod drugs;
pub mod egress;
pub mod entries;
pub mod exchange;
pub mod filing;
pub mod gaps;
pub mod growth;
pub mod identity;
pub mod imaging;
pub mod inbox;
pub mod live;
pub mod messages;
pub mod notes;
pub mod orders;
pub mod organisation;
pub mod oversight;
pub mod people;
pub mod pharmacy;
pub mod reconcile;
pub mod renewals;
mod shapes;
pub mod terms;
pub mod versions;
pub mod video;
pub mod visits;
pub mod vitals;
#[cfg(test)]
mod ward;

pub use organisation::{Installation, Organisation, Surroundings};
