//! The low seam. A backend runs a statement, inserts rows, deletes rows and looks rows up by key;
//! everything else is the same code for SQLite and PostgreSQL. Statements are written once, with `?`
//! for values; [`Dialect`](dialect::Dialect) holds the few differences.

mod dialect;
pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod table;

use crate::error::StoreResult;
use bytes::Bytes;
pub(crate) use dialect::Dialect;
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

    pub(crate) fn maybe_int(&self) -> Option<i64> {
        match self {
            Value::Int(it) => Some(*it),
            _ => None,
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

    /// Inserts and deletes, in this order.
    fn write(&mut self, steps: &[Step<'_>]) -> impl Future<Output = StoreResult<()>> + Send {
        async move {
            for step in steps {
                match step {
                    Step::Insert(table, rows) => self.insert(table, rows).await?,
                    Step::Delete(table, rows) => self.delete(table, rows).await?,
                }
            }
            Ok(())
        }
    }
}

/// Rows to write. Steps are handed over together, so that they need not wait for each other's answers.
pub(crate) enum Step<'a> {
    Insert(&'static Table, &'a Rows),
    Delete(&'static Table, &'a Rows),
}

/// The one connection that writes for an organisation.
pub(crate) trait Writer: Session {
    /// Begins a transaction that no other can write beside. Where other processes may write to the same
    /// organisation, returns the number of the last transaction there is.
    fn begin(&mut self) -> impl Future<Output = StoreResult<Option<i64>>> + Send;

    /// When this returns, it is on disk. `Unavailable` means that nobody knows.
    fn commit(&mut self) -> impl Future<Output = StoreResult<()>> + Send;

    /// Ends the transaction, if there is one, without a trace.
    fn rollback(&mut self) -> impl Future<Output = StoreResult<()>> + Send;

    /// Gives unused space back.
    fn vacuum(&mut self) -> impl Future<Output = StoreResult<()>> + Send;

    /// Before it closes: what was written is where it belongs.
    fn settle(&mut self) -> impl Future<Output = StoreResult<()>> + Send;
}
