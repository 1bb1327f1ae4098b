//! Versions and the change log.

use crate::body;
use crate::db::{Session, Value};
use crate::error::{StoreError, StoreResult};
use crate::lane::{DELETED, LIVE};
use crate::place;
use crate::read;
use crate::rights::{Action, Ruling};
use crate::search::cursor::{Place, Seal};
use crate::search::sql::Sql;
use crate::search::{Planner, Reach, fetch};
use crate::stored::{Changed, HistoryPage, HistoryQuery, HistoryScope, Stored};
use bytes::Bytes;
use fhir::search::row::BaseUrls;
use fhir::{Key, ResourceType};
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

/// Versions judged at a time, when not all may be shown.
const JUDGED: usize = 100;

/// Which lines of the change log are walked.
struct Walk {
    /// Conditions on `change c`, each begun with AND, and their values.
    conditions: String,
    values: Vec<Value>,
    /// What a version must pass, by its type.
    action: Action,
    /// Some of the versions may be hidden.
    judged: bool,
}

/// A page of versions, newest first: of what the caller may see now, those versions that they might see by themselves.
pub(crate) async fn page<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    seal: &Seal,
    asked: &HistoryQuery,
) -> StoreResult<HistoryPage> {
    let dialect = session.dialect();
    let mut walk = walk(session, reach, bases, &asked.scope).await?;
    if let Some(since) = asked.since {
        walk.conditions.push_str(" AND c.at >= ?");
        walk.values.push(since.into());
    }
    if let Some((from, until)) = asked.at {
        // Current at some moment of the span: written before its end and not replaced before its start.
        walk.conditions.push_str(&format!(
            " AND c.at < ? AND NOT EXISTS (SELECT 1 FROM change n WHERE {} n.rid = c.rid AND n.version = c.version + 1 AND n.at <= ?)",
            dialect.here("n")
        ));
        walk.values.extend([until.into(), from.into()]);
    }
    let id = history_id(asked);
    let start = asked.cursor.as_ref().map(|cursor| seal.open(reach.caller, id, cursor)).transpose()?;
    let backwards = match start {
        None | Some(Place::Before(_)) => false,
        Some(Place::After(_)) => true,
        Some(Place::At { .. }) => return Err(StoreError::BadCursor),
    };
    let here = dialect.here("c");
    let total = match &asked.scope {
        _ if walk.judged => None,
        HistoryScope::System if asked.since.is_none() && asked.at.is_none() => None,
        _ => {
            let sql = format!("SELECT count(*) FROM change c WHERE {here} c.seq > 0{}", walk.conditions);
            Some(session.query(&sql, &walk.values).await?[0][0].int() as u64)
        }
    };
    if asked.count == 0 {
        return Ok(HistoryPage { total, ..HistoryPage::default() });
    }
    let size = asked.count as usize;
    let (mut shown, more) = walked(session, reach, bases, &walk, start, size).await?;
    if backwards {
        shown.reverse();
    }
    let (newest, oldest) = (shown.first().map(|it| it.0), shown.last().map(|it| it.0));
    let link = |place: Option<Place>| place.map(|place| seal.seal(reach.caller, id, place)).transpose();
    Ok(HistoryPage {
        versions: shown.into_iter().map(|(_, stored)| stored).collect(),
        total,
        next: link(oldest.filter(|_| more || backwards).map(Place::Before))?,
        previous: link(newest.filter(|_| start.is_some() && (more || !backwards)).map(Place::After))?,
    })
}

async fn walk<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    scope: &HistoryScope,
) -> StoreResult<Walk> {
    let all = |conditions: &str, values: Vec<Value>| Walk {
        conditions: conditions.to_owned(),
        values,
        action: Action::Search,
        judged: false,
    };
    let (mut walk, kinds) = match scope {
        HistoryScope::Instance(key) => {
            let ruling = reach.ruling(key.kind, Action::Read);
            let row = read::current(session, reach, bases, &ruling, key).await?.seen();
            let rid = row.ok_or_else(|| StoreError::NotFound(key.clone()))?.rid;
            let judged = !ruling.is_always();
            return Ok(Walk { action: Action::Read, judged, ..all(" AND c.rid = ?", vec![rid.into()]) });
        }
        HistoryScope::Kind(kind) => {
            let (first, end) = (place::first_of(*kind), place::end_of(*kind));
            (all(" AND c.rid >= ? AND c.rid < ?", vec![first.into(), end.into()]), vec![*kind])
        }
        HistoryScope::System => (all("", Vec::new()), ResourceType::all().collect()),
    };
    let ruled = |kind: &ResourceType| reach.ruling(*kind, walk.action);
    let (whole, parts): (Vec<_>, Vec<_>) = kinds.iter().copied().partition(|kind| ruled(kind).is_always());
    let parts: Vec<ResourceType> = parts.into_iter().filter(|kind| !ruled(kind).is_never()).collect();
    if whole.len() == kinds.len() {
        return Ok(walk);
    }
    let mut sql = Sql::new(session.dialect());
    sql.push(" AND (1 = 0");
    if !whole.is_empty() {
        sql.push(" OR ").kinds("c.rid", &whole);
    }
    if !parts.is_empty() {
        let plan = Planner::of(session, reach.registry).plan(&reach.of_kinds(&parts, walk.action)).await?;
        if plan.can_drive() {
            sql.push(" OR c.rid IN (");
            sql.set(&plan, &parts);
            sql.push(")");
        } else {
            sql.push(" OR (").kinds("c.rid", &parts).push(" AND EXISTS (SELECT 1");
            let live = sql.from("resource");
            sql.push(&format!("{live}.rid = c.rid AND {live}.state = {LIVE}) AND ")).test(&plan, "c.rid");
            sql.push(")");
        }
    }
    sql.push(")");
    walk.conditions.push_str(&sql.text);
    walk.values.extend(sql.values);
    walk.judged = true;
    Ok(walk)
}

/// The next versions that may be shown, with their places in the log, and whether there are more.
async fn walked<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    walk: &Walk,
    mut from: Option<Place>,
    size: usize,
) -> StoreResult<(Vec<(i64, Stored)>, bool)> {
    let here = session.dialect().here("c");
    let most = if walk.judged { JUDGED.max(size + 1) } else { size + 1 };
    let mut shown = Vec::with_capacity(size);
    loop {
        session.check_time()?;
        let (bound, order) = match from {
            Some(Place::After(_)) => (" AND c.seq > ?", "ASC"),
            Some(_) => (" AND c.seq < ?", "DESC"),
            None => ("", "DESC"),
        };
        let mut values = walk.values.clone();
        if let Some(Place::Before(seq) | Place::After(seq)) = from {
            values.push(seq.into());
        }
        let sql = format!(
            "SELECT c.seq, c.rid, c.version, c.at, c.state FROM change c WHERE {here} c.seq > 0{}{bound} ORDER BY c.seq {order} LIMIT {most}",
            walk.conditions
        );
        let rows = session.query(&sql, &values).await?;
        for row in &rows {
            if !walk.judged && shown.len() == size {
                return Ok((shown, true));
            }
            let stored = version(session, row).await?;
            if walk.judged && !may_be_shown(session, reach, bases, walk.action, row, &stored).await? {
                continue;
            }
            if shown.len() == size {
                return Ok((shown, true));
            }
            shown.push((row[0].int(), stored));
        }
        let Some(last) = rows.last().filter(|_| rows.len() == most) else { return Ok((shown, false)) };
        let last = last[0].int();
        from = Some(if order == "ASC" { Place::After(last) } else { Place::Before(last) });
    }
}

/// A version by what it says; a deletion by what it deleted.
async fn may_be_shown<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    action: Action,
    row: &[Value],
    stored: &Stored,
) -> StoreResult<bool> {
    let ruling = reach.ruling(stored.key.kind, action);
    if !stored.deleted {
        return read::passes(session, reach, bases, &ruling, stored).await;
    }
    if ruling.is_always() {
        return Ok(true);
    }
    deleted(session, reach, bases, &ruling, &stored.key, row[1].int(), stored.version as i64).await
}

/// Whether a deletion may be shown: if what it deleted may.
pub(crate) async fn deleted<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    bases: &BaseUrls,
    ruling: &Ruling,
    key: &Key,
    rid: i64,
    deletion: i64,
) -> StoreResult<bool> {
    match old_version(session, rid, deletion - 1).await? {
        Some(OldVersion { at, state: LIVE, owner, body: packed }) => {
            let version = deletion - 1;
            let body = body::whole(key, version, at, &packed)?;
            let before = Stored { key: key.clone(), version: version as u64, at, body, deleted: false, rid, owner };
            read::passes(session, reach, bases, ruling, &before).await
        }
        _ => Ok(false),
    }
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

pub(crate) async fn last_change<S: Session>(session: &mut S) -> StoreResult<u64> {
    let here = session.dialect().here("c");
    let sql = format!("SELECT seq FROM change c WHERE {here} seq > 0 ORDER BY seq DESC LIMIT 1");
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.first().map_or(0, |row| row[0].int() as u64))
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

/// Who wrote the lines of the change log after a place in it: the place of each line, when, and the name of the writer.
pub(crate) async fn writers<S: Session>(
    session: &mut S,
    after: u64,
    limit: usize,
) -> StoreResult<Vec<(u64, i64, String)>> {
    let [lines, entries, agents] = ["c", "a", "g"].map(|alias| session.dialect().here(alias));
    let sql = format!(
        "SELECT c.seq, c.at, g.who FROM change c JOIN audit a ON {entries} a.seq = c.tx \
         JOIN audit_agent g ON {agents} g.id = a.agent WHERE {lines} c.seq > ? ORDER BY c.seq LIMIT {limit}"
    );
    let rows = session.query(&sql, &[(after as i64).into()]).await?;
    let line = |row: &Vec<Value>| (row[0].int() as u64, row[1].int(), row[2].text().unwrap_or_default().to_owned());
    Ok(rows.iter().map(line).collect())
}

fn history_id(asked: &HistoryQuery) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", asked.scope).hash(&mut hasher);
    (asked.since, asked.at).hash(&mut hasher);
    hasher.finish()
}
