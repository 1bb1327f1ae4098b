//! Exchange: what comes from elsewhere becomes resources of ours, with their names and references settled.

pub mod bundle;
mod category;
pub mod channel;
mod combine;
pub mod documents;
pub mod door;
pub mod feed;
mod frames;
pub mod intake;
mod kept;
pub mod log;
pub mod mask;
pub mod origin;
pub mod outbox;
mod own;
mod refusal;
pub mod subscriptions;
