//! The low seam. A backend runs a statement, inserts rows, deletes rows and looks rows up by key;
//! everything else is the same code for SQLite and PostgreSQL. Statements are written once, with `?1`
//! for values; [`Dialect`] holds the few differences.

pub(crate) mod sqlite;
pub(crate) mod table;

use crate::error::StoreResult;
use bytes::Bytes;
use std::future::Future;
pub(crate) use table::{Lookup, OnConflict, Rows, Table};

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Bytes),
}

impl Value {
    pub(crate) fn int(&self) -> i64 {
        match self {
            Value::Int(it) => *it,
            other => unreachable!("the column holds integers, not {}", other.kind()),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(it) => Some(it),
            _ => None,
        }
    }

    pub(crate) fn into_blob(self) -> Bytes {
        match self {
            Value::Blob(it) => it,
            Value::Null => Bytes::new(),
            other => unreachable!("the column holds bytes, not {}", other.kind()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Int(_) => "an integer",
            Value::Real(_) => "a number",
            Value::Text(_) => "a text",
            Value::Blob(_) => "bytes",
        }
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Value {
        Value::Int(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Value {
        Value::Text(it.to_owned())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Value {
        Value::Text(it)
    }
}

impl From<Option<&str>> for Value {
    fn from(it: Option<&str>) -> Value {
        it.map_or(Value::Null, Value::from)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Value {
        Value::Real(it)
    }
}

/// The differences between the two databases, all in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    /// Every table has the distribution key (organisation, patient shard) first.
    Postgres {
        organisation: i64,
    },
}

impl Dialect {
    /// The part of WHERE that keeps to this organisation, with a trailing AND.
    pub(crate) fn here(self, alias: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres { organisation } => format!("{alias}.org = {organisation} AND {alias}.shard = 0 AND "),
        }
    }

    pub(crate) fn is_sqlite(self) -> bool {
        self == Dialect::Sqlite
    }
}

/// A connection inside a transaction: reads see one state, and what a writer has done before.
pub(crate) trait Session: Send {
    fn dialect(&self) -> Dialect;

    /// Whether there is time left for this answer; for work between statements.
    fn check_time(&self) -> StoreResult<()> {
        Ok(())
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> impl Future<Output = StoreResult<Vec<Vec<Value>>>> + Send;

    /// Runs the same look-up for each key; the answers come back in no particular order, so a look-up
    /// returns its key columns too.
    fn lookup(
        &mut self,
        lookup: &'static Lookup,
        keys: &Rows,
    ) -> impl Future<Output = StoreResult<Vec<Vec<Value>>>> + Send;

    fn insert(&mut self, table: &'static Table, rows: &Rows) -> impl Future<Output = StoreResult<()>> + Send;

    /// Deletes the rows with these key columns.
    fn delete(&mut self, table: &'static Table, rows: &Rows) -> impl Future<Output = StoreResult<()>> + Send;
}
