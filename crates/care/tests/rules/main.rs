//! Who sees what: labels, consents, relationships and break-glass through the real way, on a real store.

#![allow(clippy::unwrap_used)] // What a test builds on must be there.

mod clinic;

mod consents;
mod emergencies;
mod labels;
mod refusals;
mod table;
mod ties;
