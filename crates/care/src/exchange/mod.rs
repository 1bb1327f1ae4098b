//! Exchange: what comes from elsewhere becomes resources of ours, with their names and references settled.

pub mod bundle;
mod combine;
pub mod documents;
pub mod door;
pub mod origin;
