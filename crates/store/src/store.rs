//! The front of the store.

use crate::batch::{Batch, Outcome};
use crate::caller::Caller;
use crate::error::StoreResult;
use crate::stored::{Changed, HistoryPage, HistoryQuery, Page, PageQuery, Stored};
use fhir::search::query::Query;
use fhir::search::registry::{BaseUrls, Registry};
use fhir::Key;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a store lies and how it behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The short name of the organisation: its partition.
    pub organisation: String,
    /// A file for SQLite, or `postgres://…`.
    pub address: String,
    /// Our own addresses: references under them are local.
    pub bases: BaseUrls,
}
