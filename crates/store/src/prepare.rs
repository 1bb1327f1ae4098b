//! What can be done before a write enters the lane, in the task of whoever asks: the body is packed, the
//! rows are computed, and the rows of the version it replaces are computed too, so that the lane only
//! compares and inserts.

use crate::batch::{Change, Expect, Packed, Write};
use crate::body;
use crate::error::StoreResult;
use crate::store::Likeness;
use bytes::Bytes;
use fhir::search::row::{BaseUrls, Row};
use fhir::search::{Registry, Texts};
use fhir::{Checked, Key, ResourceType, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one version is found by.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// In order, without repetition.
    pub(crate) rows: Vec<Row>,
    pub(crate) texts: Texts,
    /// What it contains.
    contained: Contained,
    /// Under what others that are alike are looked up, in order ([`Likeness`]).
    alike: Vec<i64>,
}

/// What the resources within a resource are found by, all of them together (`_contained`).
#[derive(Debug, Default, PartialEq)]
struct Contained {
    kinds: Vec<ResourceType>,
    rows: Vec<Row>,
}

/// One thing that a resource is found by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Clue<'a> {
    Own(&'a Row),
    /// Of a resource that it contains.
    Contained(&'a Row),
    /// It contains a resource of this type.
    Contains(ResourceType),
    /// What it has in common with those that are alike.
    Alike(i64),
}

impl Index {
    pub(crate) fn clues(&self) -> impl Iterator<Item = Clue<'_>> {
        let kinds = self.contained.kinds.iter().map(|kind| Clue::Contains(*kind));
        let alike = self.alike.iter().map(|key| Clue::Alike(*key));
        let own = self.rows.iter().map(Clue::Own);
        own.chain(self.contained.rows.iter().map(Clue::Contained)).chain(kinds).chain(alike)
    }

    pub(crate) fn has(&self, clue: Clue<'_>) -> bool {
        match clue {
            Clue::Own(row) => self.rows.contains(row),
            Clue::Contained(row) => self.contained.rows.contains(row),
            Clue::Contains(kind) => self.contained.kinds.contains(&kind),
            Clue::Alike(key) => self.alike.binary_search(&key).is_ok(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Put {
    /// The stored part of the body, before packing; of what was packed before, it is unpacked when it is asked for.
    tail: Option<Vec<u8>>,
    pub(crate) packed: Bytes,
    /// Of what was packed before, the lane makes it, a few at a time.
    pub(crate) index: Option<Arc<Index>>,
}

impl Put {
    pub(crate) fn tail(&self) -> StoreResult<Cow<'_, [u8]>> {
        match &self.tail {
            Some(tail) => Ok(Cow::Borrowed(tail)),
            None => body::unpack(&self.packed).map(Cow::Owned),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) key: Key,
    pub(crate) expect: Expect,
    /// `None`: delete.
    pub(crate) put: Option<Put>,
    /// The version found while preparing and its rows; the lane uses them if it is still current.
    pub(crate) before: Option<(i64, Arc<Index>)>,
}

pub(crate) fn index(registry: &Registry, bases: &BaseUrls, likeness: Likeness, key: &Key, value: &Value) -> Index {
    let mut contained = Contained::default();
    let mut kinds = BTreeSet::new();
    for (_, kind, rows) in registry.contained_rows(value, bases) {
        kinds.insert(kind);
        contained.rows.extend(rows);
    }
    contained.kinds.extend(kinds);
    contained.rows.sort_unstable_by(|a, b| a.slot.cmp(&b.slot).then_with(|| a.value.order(&b.value)));
    contained.rows.dedup();
    let alike = likeness.map_or_else(Vec::new, |keys| keys(value));
    Index { rows: registry.rows(key.kind, value, bases), texts: fhir::search::texts(value), contained, alike }
}

/// What the stored body of a version is found by.
pub(crate) fn index_of_packed(
    registry: &Registry,
    bases: &BaseUrls,
    likeness: Likeness,
    key: &Key,
    version: i64,
    at: i64,
    packed: &[u8],
) -> StoreResult<Index> {
    let text = body::whole(key, version, at, packed)?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|_| crate::StoreError::Damaged(format!("the body of {key} is not JSON")))?;
    Ok(index(registry, bases, likeness, key, &value))
}

/// The tree of a write, under the id that it is written under. Nearly always it says that id; a tree is dear to copy.
fn named<'a>(key: &Key, checked: &'a Checked) -> Cow<'a, Value> {
    if checked.id() == Some(key.id.as_str()) {
        return Cow::Borrowed(checked.value());
    }
    let mut renamed = checked.value().clone();
    renamed["id"] = key.id.as_str().into();
    Cow::Owned(renamed)
}

/// Those whose one tree may take more memory than a hundred of others.
const LARGE: [&str; 3] = ["Binary", "Composition", "DocumentReference"];

/// A write without its tree.
pub(crate) fn pack(registry: &Registry, bases: &BaseUrls, likeness: Likeness, write: Write) -> Write {
    match write.change {
        Change::Put(checked) => {
            let value = named(&write.key, &checked);
            let packed = match LARGE.contains(&write.key.kind.name()) {
                true => {
                    let index = Arc::new(index(registry, bases, likeness, &write.key, &value));
                    Packed { body: body::pack_value(&value), index: Some(index) }
                }
                false => Packed { body: body::pack(&body::tail(&value)), index: None },
            };
            Write { change: Change::Packed(packed), ..write }
        }
        _ => write,
    }
}

/// `current`: version, time and packed body of what is live under this key now. `judged`: somebody will look at the
/// index before the lane does.
pub(crate) fn ready(
    registry: &Registry,
    bases: &BaseUrls,
    likeness: Likeness,
    write: &Write,
    current: Option<(i64, i64, Bytes)>,
    judged: bool,
) -> StoreResult<Ready> {
    let of_packed =
        |version, at, packed: &Bytes| index_of_packed(registry, bases, likeness, &write.key, version, at, packed);
    let put = match &write.change {
        Change::Delete => None,
        Change::Packed(Packed { body, index }) => {
            let index = match index {
                None if judged => Some(Arc::new(of_packed(1, 0, body)?)),
                index => index.clone(),
            };
            Some(Put { packed: body.clone(), tail: None, index })
        }
        Change::Put(checked) => {
            let value = named(&write.key, checked);
            let tail = body::tail(&value);
            let packed = body::pack(&tail);
            // meta.versionId and lastUpdated are answered from the row, never indexed from the body.
            let index = Arc::new(index(registry, bases, likeness, &write.key, &value));
            Some(Put { packed, tail: Some(tail), index: Some(index) })
        }
    };
    let before = match (current, &put) {
        (None, _) => None,
        // Many at once: the lane looks at them one after the other.
        (Some(_), Some(Put { index: None, .. })) => None,
        (Some((version, _, packed)), Some(Put { packed: same, index: Some(index), .. })) if *same == packed => {
            Some((version, index.clone()))
        }
        (Some((version, at, packed)), _) => Some((version, Arc::new(of_packed(version, at, &packed)?))),
    };
    Ok(Ready { key: write.key.clone(), expect: write.expect, put, before })
}
