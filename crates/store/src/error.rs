//! Why the store said no. One list for every protocol: `api` turns each into a status and an
//! OperationOutcome, imports into a line of their report.

use fhir::{Issue, IssueCode, Key};

pub type StoreResult<T> = Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0} is not known here")]
    NotFound(Key),
    #[error("{key} was deleted")]
    Gone { key: Key, version: u64 },
    #[error("{key} has no version {version}")]
    NoSuchVersion { key: Key, version: String },
    /// A write expected another version, or absence, or presence.
    #[error("{key} is at version {actual}, the request expected {expected}")]
    Conflict { key: Key, expected: String, actual: String },
    #[error("what the condition finds has changed while the request was prepared")]
    GuardFailed { guard: usize },
    /// A record is not as it was expected to be; `at` is the place of its change in the batch.
    #[error("what is on {shelf} has changed while the request was prepared")]
    ItemConflict { shelf: &'static str, at: usize },
    /// What a new body refers to is not there, or the caller may not see it: they are not told which.
    #[error("{path} refers to a resource that is not known here")]
    UnknownReference { path: String },
    #[error("the caller may not do this")]
    Forbidden,
    #[error("the query is not supported: {0}")]
    NotSupported(String),
    #[error("the query is too costly: {0}")]
    TooCostly(String),
    #[error("this page link is not valid any more; start the search again")]
    BadCursor,
    #[error("the store is read-only: {0}")]
    ReadOnly(String),
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// What is on disk contradicts itself.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    #[error("the database refused: {0}")]
    Database(String),
}

impl StoreError {
    /// A search ran longer than [`Settings::search_limit`](crate::Settings); the same words whichever database
    /// stopped it.
    pub(crate) fn took_too_long() -> StoreError {
        StoreError::TooCostly(
            "it takes longer than this server allows; narrow it, for example by patient, code or date, \
             and leave out _total and _sort"
                .to_owned(),
        )
    }

    /// HTTP status and issue code, said once.
    pub fn kind(&self) -> (u16, IssueCode) {
        match self {
            StoreError::NotFound(_) | StoreError::NoSuchVersion { .. } => (404, IssueCode::NotFound),
            StoreError::Gone { .. } => (410, IssueCode::Deleted),
            StoreError::Conflict { .. } => (412, IssueCode::Conflict),
            StoreError::GuardFailed { .. } | StoreError::ItemConflict { .. } => (409, IssueCode::Conflict),
            StoreError::UnknownReference { .. } => (422, IssueCode::NotFound),
            StoreError::Forbidden => (403, IssueCode::Forbidden),
            StoreError::NotSupported(_) => (400, IssueCode::NotSupported),
            StoreError::TooCostly(_) => (422, IssueCode::TooCostly),
            StoreError::BadCursor => (410, IssueCode::NotFound),
            StoreError::ReadOnly(_) | StoreError::Unavailable(_) => (503, IssueCode::Incomplete),
            StoreError::Damaged(_) | StoreError::Database(_) => (500, IssueCode::Exception),
        }
    }

    pub fn issue(&self) -> Issue {
        Issue::error(self.kind().1, "", self.to_string())
    }
}
