//! Versions and the change log.

use crate::body;
use crate::caller::Caller;
use crate::db::{Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::by_id;
use crate::lane::{DELETED, LIVE};
use crate::place;
use crate::search::cursor::{Place, Seal};
use crate::search::fetch;
use crate::stored::{Changed, HistoryPage, HistoryQuery, HistoryScope, Stored};
use bytes::Bytes;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A version that was replaced.
pub(crate) struct OldVersion {
    pub(crate) at: i64,
    pub(crate) state: i64,
    pub(crate) owner: Option<i64>,
    pub(crate) body: Bytes,
}

pub(crate) async fn old_version<S: Session>(
    session: &mut S,
    rid: i64,
    version: i64,
) -> StoreResult<Option<OldVersion>> {
    let here = session.dialect().here("h");
    let sql = format!("SELECT at, state, owner, body FROM history h WHERE {here} rid = ? AND version = ?");
    let rows = session.query(&sql, &[rid.into(), version.into()]).await?;
    Ok(rows.into_iter().next().map(|row| {
        let (at, state, owner) = (row[0].int(), row[1].int(), row[2].maybe_int());
        OldVersion { at, state, owner, body: row.into_iter().nth(3).map(Value::into_blob).unwrap_or_default() }
    }))
}

/// A page of versions, newest first.
pub(crate) async fn page<S: Session>(
    session: &mut S,
    caller: &Caller,
    seal: &Seal,
    asked: &HistoryQuery,
) -> StoreResult<HistoryPage> {
    let dialect = session.dialect();
    let mut conditions = String::new();
    let mut values: Vec<Value> = Vec::new();
    match &asked.scope {
        HistoryScope::Instance(key) => {
            let sql =
                format!("SELECT rid, version FROM resource r WHERE {} id = ? AND (rid >> 40) = ?", dialect.here("r"));
            let rows = session.query(&sql, &by_id(key)).await?;
            let Some(row) = rows.first().filter(|row| row[1].int() > 0) else {
                return Err(StoreError::NotFound(key.clone()));
            };
            conditions.push_str(" AND c.rid = ?");
            values.push(row[0].clone());
        }
        HistoryScope::Kind(kind) => {
            conditions.push_str(" AND c.rid >= ? AND c.rid < ?");
            values.extend([place::first_of(*kind).into(), place::end_of(*kind).into()]);
        }
        HistoryScope::System => {}
    }
    if let Some(since) = asked.since {
        conditions.push_str(" AND c.at >= ?");
        values.push(since.into());
    }
    if let Some((from, until)) = asked.at {
        // Current at some moment of the span: written before its end and not replaced before its start.
        conditions.push_str(&format!(
            " AND c.at < ? AND NOT EXISTS (SELECT 1 FROM change n WHERE {} n.rid = c.rid AND n.version = c.version + 1 AND n.at <= ?)",
            dialect.here("n")
        ));
        values.extend([until.into(), from.into()]);
    }
    let id = history_id(asked);
    let start = asked.cursor.as_ref().map(|cursor| seal.open(caller, id, cursor)).transpose()?;
    let (bound, order) = match start {
        None => ("", "DESC"),
        Some(Place::Before(_)) => (" AND c.seq < ?", "DESC"),
        Some(Place::After(_)) => (" AND c.seq > ?", "ASC"),
        Some(Place::At { .. }) => return Err(StoreError::BadCursor),
    };
    let here = dialect.here("c");
    let total = match &asked.scope {
        HistoryScope::System if asked.since.is_none() && asked.at.is_none() => None,
        _ => {
            let sql = format!("SELECT count(*) FROM change c WHERE {here} c.seq > 0{conditions}");
            Some(session.query(&sql, &values).await?[0][0].int() as u64)
        }
    };
    if asked.count == 0 {
        return Ok(HistoryPage { total, ..HistoryPage::default() });
    }
    if let Some(Place::Before(seq) | Place::After(seq)) = start {
        values.push(seq.into());
    }
    let size = asked.count as usize;
    let sql = format!(
        "SELECT c.seq, c.rid, c.version, c.at, c.state FROM change c WHERE {here} c.seq > 0{conditions}{bound} ORDER BY c.seq {order} LIMIT {}",
        size + 1
    );
    let mut rows = session.query(&sql, &values).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let backwards = order == "ASC";
    if backwards {
        rows.reverse();
    }
    let at = |row: Option<&Vec<Value>>| row.map(|row| row[0].int());
    let (newest, oldest) = (at(rows.first()), at(rows.last()));
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        versions.push(version(session, &row).await?);
    }
    let link = |place: Option<Place>| place.map(|place| seal.seal(caller, id, place)).transpose();
    Ok(HistoryPage {
        versions,
        total,
        next: link(oldest.filter(|_| more || backwards).map(Place::Before))?,
        previous: link(newest.filter(|_| start.is_some() && (more || !backwards)).map(Place::After))?,
    })
}

/// A line of the change log with its body.
async fn version<S: Session>(session: &mut S, row: &[Value]) -> StoreResult<Stored> {
    let [_, rid, version, at, state] = [0, 1, 2, 3, 4].map(|at| row[at].int());
    let here = session.dialect().here("r");
    let sql = format!("SELECT id, version, body, owner FROM resource r WHERE {here} rid = ?");
    let current = session.query(&sql, &[rid.into()]).await?;
    let current = current
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::Damaged("the log names a resource that is nowhere".to_owned()))?;
    let key = fetch::key(rid, &current[0])?;
    let is_current = current[1].int() == version;
    let mut owner = current[3].maybe_int();
    if state != LIVE {
        return Ok(Stored {
            key,
            version: version as u64,
            at,
            body: Bytes::new(),
            deleted: state == DELETED,
            rid,
            owner,
        });
    }
    let packed = if is_current {
        current.into_iter().nth(2).map(Value::into_blob).unwrap_or_default()
    } else {
        let old = old_version(session, rid, version).await?;
        let old = old.ok_or_else(|| StoreError::Damaged(format!("version {version} of {key} is missing")))?;
        owner = old.owner;
        old.body
    };
    let body = body::whole(&key, version, at, &packed)?;
    Ok(Stored { version: version as u64, at, body, key, deleted: false, rid, owner })
}

pub(crate) async fn changes<S: Session>(session: &mut S, after: u64, limit: usize) -> StoreResult<Vec<Changed>> {
    let (here, there) = (session.dialect().here("c"), session.dialect().here("r"));
    let sql = format!(
        "SELECT c.seq, c.rid, r.id, c.version, c.state FROM change c JOIN resource r ON {there} r.rid = c.rid \
         WHERE {here} c.seq > ? ORDER BY c.seq LIMIT {limit}"
    );
    let rows = session.query(&sql, &[(after as i64).into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Changed {
                sequence: row[0].int() as u64,
                key: fetch::key(row[1].int(), &row[2])?,
                version: row[3].int() as u64,
                deleted: row[4].int() == DELETED,
            })
        })
        .collect()
}

fn history_id(asked: &HistoryQuery) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", asked.scope).hash(&mut hasher);
    (asked.since, asked.at).hash(&mut hasher);
    hasher.finish()
}
