//! What FHIR *is*: resources as values, dates and decimals that keep their precision, FHIRPath,
//! validation, patch, search parameters and what they index. Nothing here reads a file, a clock or
//! a socket: everything is computation over values that the caller brings.

pub mod checked;
pub mod issue;
pub mod json;
mod narrative;
pub mod patch;
pub mod path;
pub mod resource;
pub mod search;
pub mod tables;
pub mod validate;

pub use checked::{Checked, Draft, Limits};
pub use issue::{Issue, IssueCode, Severity};
pub use resource::{Id, Key, ResourceType};
pub use serde_json::Value;
