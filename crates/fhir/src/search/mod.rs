//! Search: what a resource is found by ([`row`]), which parameters there are ([`registry`]), and what a
//! query asks ([`query`]). The store turns rows into tables and queries into SQL; nothing here knows SQL.
//!
//! FHIR R4, section 3.1.1 (Search).

pub mod fold;
pub mod query;
pub mod row;

pub use fold::fold;
