//! Exchange: what comes from elsewhere becomes resources of ours, with their names and references settled.

pub mod bundle;
mod category;
pub mod channel;
mod combine;
pub mod documents;
pub mod door;
pub mod feed;
pub mod intake;
pub mod log;
pub mod mask;
pub mod origin;
pub mod outbox;
mod own;
pub mod subscriptions;
