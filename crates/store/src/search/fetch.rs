//! From resource numbers to what is sent: bodies in the asked order, joined as text.

use crate::body;
use crate::db::table::{Column, Kind, RID_BY_ID};
use crate::db::{Lookup, Rows, Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::by_id;
use crate::lane::LIVE;
use crate::place;
use crate::stored::Stored;
use fhir::Key;
use std::collections::HashMap;

static RESOURCE_BY_NUMBER: Lookup = Lookup {
    table: "resource",
    key: &[Column { name: "rid", kind: Kind::Int }],
    returning: &[
        Column { name: "rid", kind: Kind::Int },
        Column { name: "id", kind: Kind::Blob },
        Column { name: "version", kind: Kind::Int },
        Column { name: "at", kind: Kind::Int },
        Column { name: "state", kind: Kind::Int },
        Column { name: "body", kind: Kind::Blob },
        Column { name: "owner", kind: Kind::Int },
    ],
};

static ID_BY_NUMBER: Lookup = Lookup {
    table: "resource",
    key: &[Column { name: "rid", kind: Kind::Int }],
    returning: &[
        Column { name: "rid", kind: Kind::Int },
        Column { name: "id", kind: Kind::Blob },
        Column { name: "state", kind: Kind::Int },
        Column { name: "at", kind: Kind::Int },
    ],
};

fn sought(rids: &[i64]) -> Rows {
    let mut rows = Rows::new(1);
    rids.iter().for_each(|rid| rows.push([(*rid).into()]));
    rows
}

/// The live ones among these, in the order given.
pub(crate) async fn resources<S: Session>(session: &mut S, rids: &[i64]) -> StoreResult<Vec<Stored>> {
    Ok(numbered(session, rids).await?.into_iter().map(|(_, stored)| stored).collect())
}

/// The same, with their numbers.
pub(crate) async fn numbered<S: Session>(session: &mut S, rids: &[i64]) -> StoreResult<Vec<(i64, Stored)>> {
    if rids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = HashMap::with_capacity(rids.len());
    for row in session.lookup(&RESOURCE_BY_NUMBER, &sought(rids)).await? {
        let rid = row[0].int();
        if row[4].int() == LIVE {
            found.insert(rid, stored(row)?);
        }
    }
    Ok(rids.iter().filter_map(|rid| found.remove_entry(rid)).collect())
}

/// The numbers of these, as far as they have one.
pub(crate) async fn rids<S: Session>(session: &mut S, keys: &[Key]) -> StoreResult<Vec<i64>> {
    let mut sought = Rows::new(2);
    keys.iter().for_each(|key| sought.push(by_id(key)));
    Ok(session.lookup(&RID_BY_ID, &sought).await?.iter().map(|row| row[0].int()).collect())
}

/// Their names only; placeholders and deleted ones are left out.
pub(crate) async fn keys<S: Session>(session: &mut S, rids: &[i64]) -> StoreResult<Vec<Key>> {
    let mut found = HashMap::with_capacity(rids.len());
    for row in session.lookup(&ID_BY_NUMBER, &sought(rids)).await? {
        if row[2].int() == LIVE {
            found.insert(row[0].int(), key(row[0].int(), &row[1])?);
        }
    }
    Ok(rids.iter().filter_map(|rid| found.remove(rid)).collect())
}

/// The ids of these, whatever has become of them. One that cannot be read is as if it were not there.
pub(crate) async fn ids<S: Session>(session: &mut S, rids: &[i64]) -> StoreResult<Vec<(i64, fhir::Id)>> {
    let rows = session.lookup(&ID_BY_NUMBER, &sought(rids)).await?;
    Ok(rows.iter().filter_map(|row| Some((row[0].int(), key(row[0].int(), &row[1]).ok()?.id))).collect())
}

/// The live ones that were written at or after a moment, in the order given.
pub(crate) async fn live_since<S: Session>(
    session: &mut S,
    rids: Vec<i64>,
    since: Option<i64>,
) -> StoreResult<Vec<i64>> {
    let mut found = std::collections::HashSet::with_capacity(rids.len());
    for row in session.lookup(&ID_BY_NUMBER, &sought(&rids)).await? {
        if row[2].int() == LIVE && since.is_none_or(|since| row[3].int() >= since) {
            found.insert(row[0].int());
        }
    }
    Ok(rids.into_iter().filter(|rid| found.contains(rid)).collect())
}

pub(crate) fn key(rid: i64, id: &Value) -> StoreResult<Key> {
    let kind = place::kind_of(rid).ok_or_else(|| StoreError::Damaged("a resource has no type".to_owned()))?;
    let Value::Blob(id) = id else { return Err(StoreError::Damaged("a resource has no id".to_owned())) };
    Ok(Key::new(kind, body::unpack_id(id)?))
}

/// A row of rid, id, version, at, state, body, owner.
pub(crate) fn stored(row: Vec<Value>) -> StoreResult<Stored> {
    let key = key(row[0].int(), &row[1])?;
    let (rid, version, at, state) = (row[0].int(), row[2].int(), row[3].int(), row[4].int());
    let owner = row[6].maybe_int();
    let packed = row.into_iter().nth(5).map(Value::into_blob).unwrap_or_default();
    let body = if state == LIVE { body::whole(&key, version, at, &packed)? } else { bytes::Bytes::new() };
    Ok(Stored { key, version: version as u64, at, body, deleted: state != LIVE, rid, owner })
}
