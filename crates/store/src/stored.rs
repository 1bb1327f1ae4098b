//! What the store gives back. Bodies are the stored bytes, made whole with id, version and time by
//! joining text, never by parsing.

use bytes::Bytes;
use fhir::search::query::Query;
use fhir::{Key, ResourceType};
use std::fmt;

/// One version of a resource.
#[derive(Clone)]
pub struct Stored {
    pub key: Key,
    pub version: u64,
    /// When it was written, in microseconds since 1970 UTC.
    pub at: i64,
    /// The complete JSON text; empty for a deletion.
    pub body: Bytes,
    pub deleted: bool,
    pub(crate) rid: i64,
    /// Whose record it is part of, as the row says.
    pub(crate) owner: Option<i64>,
}

impl Stored {
    /// The body as a tree, for those who must look inside.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the store keeps well-formed JSON")
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.key, self.version)
    }
}

/// How a search is to be answered, beside what it asks.
#[derive(Clone, Debug)]
pub struct PageQuery {
    pub query: Query,
    /// How many matches on a page when the query does not say, and at most.
    pub default_count: u32,
    pub max_count: u32,
    /// Where a page link left off.
    pub cursor: Option<PageCursor>,
}

/// An opaque, sealed place in a result: it can neither be read nor forged. Text safe in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageCursor(pub String);

/// Whether an entry answers the question or came along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Match,
    Include,
}

#[derive(Clone, Debug)]
pub struct Match {
    pub role: Role,
    pub stored: Stored,
    /// The resource it lies in, when a contained resource itself was asked for: `stored` is then that one alone,
    /// under its id within the container.
    pub container: Option<Key>,
}

impl Match {
    pub(crate) fn of(role: Role, stored: Stored) -> Match {
        Match { role, stored, container: None }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Matches in order, then what was included.
    pub entries: Vec<Match>,
    /// When `_total` asked for it, or when it is known anyway.
    pub total: Option<u64>,
    pub next: Option<PageCursor>,
    pub previous: Option<PageCursor>,
}

/// Whose history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryScope {
    Instance(Key),
    Kind(ResourceType),
    System,
}

#[derive(Clone, Debug)]
pub struct HistoryQuery {
    pub scope: HistoryScope,
    /// Only versions written at or after this (microseconds).
    pub since: Option<i64>,
    /// Only versions that were current at some moment of this span (microseconds, end exclusive).
    pub at: Option<(i64, i64)>,
    pub count: u32,
    pub cursor: Option<PageCursor>,
}

/// Versions, newest first.
#[derive(Clone, Debug, Default)]
pub struct HistoryPage {
    pub versions: Vec<Stored>,
    pub total: Option<u64>,
    pub next: Option<PageCursor>,
    pub previous: Option<PageCursor>,
}

/// One line of the change log, in the order of commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub sequence: u64,
    pub key: Key,
    pub version: u64,
    pub deleted: bool,
}
