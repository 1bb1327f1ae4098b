//! What is written, all or nothing: a [`Batch`] of writes with what each expects to find, guards that a search still
//! finds what it found when the batch was prepared, and records that are not FHIR.

use crate::item::ItemChange;
use crate::message::MessageChange;
use crate::prepare::Index;
use bytes::Bytes;
use fhir::search::query::Query;
use fhir::{Checked, Key};
use std::sync::Arc;

/// One commit. Everything in it happens, or nothing does.
#[derive(Debug, Default)]
pub struct Batch {
    pub writes: Vec<Write>,
    pub guards: Vec<Guard>,
    /// Records that are not FHIR, written with the resources.
    pub items: Vec<ItemChange>,
    /// Messages of other systems, written with what they changed.
    pub messages: Vec<MessageChange>,
    /// What the audit log calls it: `create`, `transaction`, `import`.
    pub action: &'static str,
}

impl Batch {
    pub fn of(action: &'static str, write: Write) -> Batch {
        Batch { writes: vec![write], action, ..Batch::default() }
    }
}

#[derive(Debug)]
pub struct Write {
    pub key: Key,
    pub expect: Expect,
    pub change: Change,
}

/// What must be true of the resource before the write; otherwise the batch is refused with `Conflict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Anything,
    /// There is nothing, because the id was made for this very write: a create. Whoever may not see all resources of a
    /// type can create in this way alone, so that they learn nothing from ids they make up.
    New,
    /// Never existed, or was deleted.
    Absent,
    /// Exists and is not deleted.
    Present,
    /// Is at this version.
    Version(u64),
}

#[derive(Debug)]
pub enum Change {
    /// Store this as the next version. When it says the same as the current version, nothing is written
    /// and the outcome is [`Done::Unchanged`]. Id, version and time of `meta` are set by the store.
    Put(Checked),
    /// The same, as it will lie on disk: for batches that are larger than what should be held as trees.
    Packed(Packed),
    Delete,
}

/// A checked and labelled resource that takes little memory; [`Store::pack`](crate::Store::pack) makes it.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(crate) body: Bytes,
    /// Of the few whose trees are large, so that nobody has to make them again.
    pub(crate) index: Option<Arc<Index>>,
}

/// The search must find exactly these when the batch is committed (conditional create, update, delete,
/// conditional references). Otherwise the batch is refused with `GuardFailed`, and the caller asks again.
#[derive(Clone, Debug)]
pub struct Guard {
    pub query: Query,
    pub found: Vec<Key>,
}

/// What became of one write.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub key: Key,
    pub version: u64,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    pub done: Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    Unchanged,
    Deleted,
    /// Deleted before, or never there.
    NothingToDelete,
}
