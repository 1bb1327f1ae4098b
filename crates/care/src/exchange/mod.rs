//! Exchange: what comes from elsewhere becomes resources of ours, with their names and references settled.

mod attached;
pub mod bundle;
pub(crate) mod category;
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
mod orders;
pub mod origin;
pub mod outbox;
mod own;
pub mod pile;
mod refusal;
pub mod subscriptions;
