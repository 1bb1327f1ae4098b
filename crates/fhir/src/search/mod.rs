//! Search: what a resource is found by ([`row`]), which parameters there are ([`Registry`]), and what a
//! query asks ([`query`], read by [`Reading`]). The store turns rows into tables and queries into SQL; nothing here knows SQL.
//!
//! FHIR R4, section 3.1.1 (Search).

mod ask;
pub mod brute;
mod engine;
mod filter;
pub mod fold;
mod index;
mod near;
mod parse;
mod plan;
pub mod query;
mod registry;
mod results;
mod route;
pub mod row;
mod span;
mod trie;
pub mod units;
mod values;

pub use fold::fold;
pub use index::{Texts, texts};
pub use parse::{Handling, Limits, Reading, Scope};
pub use registry::{Component, Param, Registry, SlotDef};
