//! Looking after a store: making the index anew, checking that everything agrees, counting.

use crate::audit;
use crate::caller::Caller;
use crate::db::table::{DATE, QUANTITY, REFERENCE, SETTING, STRING, TOKEN, WORDS};
use crate::db::{Rows, Session, Table, Value};
use crate::error::{StoreError, StoreResult};
use crate::intern::Interner;
use crate::lane::{LIVE, Shared};
use crate::physical::{Entries, Names};
use crate::place;
use crate::prepare::{Index, index_of_packed};
use crate::search::cursor::Seal;
use crate::search::fetch;
use fhir::search::Registry;
use fhir::{Issue, IssueCode, Key, ResourceType};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Called with how much is done and how much there is.
pub type Progress<'a> = dyn Fn(u64, u64) + Send + Sync + 'a;

/// How a store is filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Live resources of each type.
    pub resources: BTreeMap<String, u64>,
    /// Versions in all, current and replaced.
    pub versions: u64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The tables that are derived from the versions.
static DERIVED: [&Table; 6] = [&TOKEN, &STRING, &REFERENCE, &DATE, &QUANTITY, &WORDS];

const CHUNK: usize = 500;

/// The key that seals page links; made when the store is.
pub(crate) async fn seal_key<S: Session>(session: &mut S) -> StoreResult<[u8; 32]> {
    if let Some(key) = setting(session, "seal").await? {
        return key.as_ref().try_into().map_err(|_| StoreError::Damaged("the key of page links is not one".to_owned()));
    }
    let key = Seal::fresh_key()?;
    set(session, "seal", key.to_vec()).await?;
    Ok(key)
}

async fn setting<S: Session>(session: &mut S, name: &str) -> StoreResult<Option<bytes::Bytes>> {
    let sql = format!("SELECT value FROM setting s WHERE {} name = ?", session.dialect().here("s"));
    let rows = session.query(&sql, &[name.into()]).await?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).map(Value::into_blob))
}

async fn set<S: Session>(session: &mut S, name: &str, value: Vec<u8>) -> StoreResult<()> {
    let mut rows = Rows::new(2);
    rows.push([name.into(), Value::Blob(value.into())]);
    session.insert(&SETTING, &rows).await
}

/// The SearchParameter resources that the index was made with.
pub(crate) async fn active_parameters<S: Session>(session: &mut S) -> StoreResult<Vec<fhir::Value>> {
    let Some(text) = setting(session, "parameters").await? else { return Ok(Vec::new()) };
    serde_json::from_slice(&text)
        .map_err(|_| StoreError::Damaged("the list of active search parameters is not JSON".to_owned()))
}

/// From now on these parameters are in force beside the standard's.
pub(crate) fn activate(shared: &Shared, custom: &[fhir::Value]) {
    let registry = if custom.is_empty() {
        Registry::r4()
    } else {
        let (registry, issues) = Registry::with(&Registry::r4(), custom);
        for issue in issues.iter().filter(|issue| issue.is_error()) {
            tracing::warn!(diagnostics = %issue.diagnostics, "a search parameter is not used");
        }
        Arc::new(registry)
    };
    *shared.registry.write().expect("nobody panics while it changes the registry") = registry;
    *shared.custom.write().expect("nobody panics while it changes the registry") = custom.to_vec();
}

/// Takes over the search parameters that another process has put in force.
pub(crate) async fn refresh<S: Session>(session: &mut S, shared: &Shared) -> StoreResult<()> {
    let custom = active_parameters(session).await?;
    let same = *shared.custom.read().expect("nobody panics while it changes the registry") == custom;
    if !same {
        activate(shared, &custom);
    }
    Ok(())
}

/// Writes a row and says whether that was possible.
pub(crate) async fn check<S: Session>(session: &mut S) -> StoreResult<()> {
    set(session, "checked", vec![1]).await
}

/// Every row of the index is dropped and made again, in one transaction.
pub(crate) async fn reindex<S: Session>(
    session: &mut S,
    shared: &Shared,
    caller: &Caller,
    progress: &Progress<'_>,
) -> StoreResult<u64> {
    let custom = stored_parameters(session).await?;
    let text =
        serde_json::to_vec(&custom).map_err(|_| StoreError::Damaged("a search parameter is not JSON".to_owned()))?;
    set(session, "parameters", text).await?;
    activate(shared, &custom);
    let registry = shared.registry();
    let dialect = session.dialect();
    for table in DERIVED {
        let here = dialect.here("t");
        let clear = match here.trim_end_matches(" AND ") {
            "" => format!("DELETE FROM {}", table.name),
            here => format!("DELETE FROM {} t WHERE {here}", table.name),
        };
        session.query(&clear, &[]).await?;
    }
    let mut interner = Interner::load(session).await?;
    let total = live(session).await?;
    let mut done = 0;
    let mut after = 0;
    loop {
        let rows = bodies(session, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        done += rows.len() as u64;
        write_index(session, &mut interner, &registry, shared, rows).await?;
        interner.forget_some();
        progress(done, total);
    }
    audit::note(session, caller, "reindex", "", shared.clock.now()).await?;
    Ok(done)
}

async fn stored_parameters<S: Session>(session: &mut S) -> StoreResult<Vec<fhir::Value>> {
    let kind = ResourceType::parse("SearchParameter").expect("a type of R4");
    let sql = format!(
        "SELECT rid FROM resource r WHERE {} rid >= ? AND rid < ? AND state = {LIVE} ORDER BY rid",
        session.dialect().here("r")
    );
    let rows = session.query(&sql, &[place::first_of(kind).into(), place::end_of(kind).into()]).await?;
    let rids: Vec<i64> = rows.iter().map(|row| row[0].int()).collect();
    let stored = fetch::resources(session, &rids).await?;
    Ok(stored.iter().map(|it| it.value()).filter(|it| it["status"] != "retired").collect())
}

async fn live<S: Session>(session: &mut S) -> StoreResult<u64> {
    let sql = format!("SELECT coalesce(sum(live), 0) FROM tally t WHERE {} kind >= 0", session.dialect().here("t"));
    // PostgreSQL sums bigints as numeric; the cast keeps both the same.
    let sql = sql.replace("coalesce(sum(live), 0)", "CAST(coalesce(sum(live), 0) AS BIGINT)");
    Ok(session.query(&sql, &[]).await?[0][0].int() as u64)
}

type BodyRow = (i64, Key, i64, i64, bytes::Bytes);

/// The next live bodies after a number.
async fn bodies<S: Session>(session: &mut S, after: i64) -> StoreResult<Vec<BodyRow>> {
    let sql = format!(
        "SELECT rid, id, version, at, body FROM resource r WHERE {} rid > ? AND state = {LIVE} ORDER BY rid LIMIT {CHUNK}",
        session.dialect().here("r")
    );
    let rows = session.query(&sql, &[after.into()]).await?;
    rows.into_iter()
        .map(|row| {
            let rid = row[0].int();
            let key = fetch::key(rid, &row[1])?;
            let (version, at) = (row[2].int(), row[3].int());
            Ok((rid, key, version, at, row.into_iter().nth(4).map(Value::into_blob).unwrap_or_default()))
        })
        .collect()
}

async fn write_index<S: Session>(
    session: &mut S,
    interner: &mut Interner,
    registry: &Registry,
    shared: &Shared,
    rows: Vec<BodyRow>,
) -> StoreResult<()> {
    let mut indexes: Vec<(i64, Index)> = Vec::with_capacity(rows.len());
    for (rid, key, version, at, packed) in &rows {
        let index = index_of_packed(registry, &shared.bases, shared.likeness, key, *version, *at, packed)?;
        indexes.push((*rid, index));
        interner.remember(key, *rid);
    }
    let mut names = Names::default();
    for (_, index) in &indexes {
        index.clues().for_each(|clue| names.collect(registry, clue));
    }
    names.intern(interner, session, &HashSet::new()).await?;
    let mut entries = Entries::default();
    let mut words = Rows::new(3);
    for (rid, index) in &indexes {
        index.clues().for_each(|clue| entries.add(interner, registry, *rid, clue));
        if !index.texts.narrative.is_empty() || !index.texts.content.is_empty() {
            words.push([(*rid).into(), index.texts.narrative.as_str().into(), index.texts.content.as_str().into()]);
        }
    }
    entries.insert(session).await?;
    session.insert(&WORDS, &words).await
}

/// At most this many findings are listed.
const LISTED: usize = 100;

pub(crate) async fn verify<S: Session>(
    session: &mut S,
    registry: &Registry,
    shared: &Shared,
    progress: &Progress<'_>,
) -> StoreResult<Vec<Issue>> {
    let dialect = session.dialect();
    let mut found = Vec::new();
    let (r, h, c) = (dialect.here("r"), dialect.here("h"), dialect.here("c"));
    let checks = [
        (
            "versions that are missing between the first and the current one",
            format!(
                "SELECT count(*) FROM resource r WHERE {r} r.version > 0 AND r.version - 1 <> (SELECT count(*) FROM history h WHERE {h} h.rid = r.rid)"
            ),
        ),
        (
            "versions without a line in the change log",
            format!(
                "SELECT count(*) FROM resource r WHERE {r} r.version <> (SELECT count(*) FROM change c WHERE {c} c.rid = r.rid)"
            ),
        ),
        (
            "current versions that the change log does not have last",
            format!(
                "SELECT count(*) FROM resource r WHERE {r} r.version > 0 AND NOT EXISTS (SELECT 1 FROM change c WHERE {c} c.rid = r.rid AND c.version = r.version AND c.at = r.at AND c.state = r.state)"
            ),
        ),
        (
            "lines of the change log without an audit entry",
            format!(
                "SELECT count(*) FROM change c WHERE {c} NOT EXISTS (SELECT 1 FROM audit a WHERE {} a.seq = c.tx)",
                dialect.here("a")
            ),
        ),
        (
            "gaps in the change log",
            format!("SELECT CAST(coalesce(max(seq), 0) - count(*) AS BIGINT) FROM change c WHERE {c} seq > 0"),
        ),
    ];
    for (what, sql) in checks {
        let count = session.query(&sql, &[]).await?[0][0].int();
        if count > 0 {
            found.push(Issue::error(IssueCode::Exception, "", format!("{count} {what}")));
        }
    }
    let total = live(session).await?;
    let mut tallied: BTreeMap<i64, i64> = BTreeMap::new();
    let mut expected = 0u64;
    let mut interner = Interner::load(session).await?.frozen();
    let mut done = 0;
    let mut after = 0;
    loop {
        let rows = bodies(session, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        done += rows.len() as u64;
        let mut indexes = Vec::new();
        for (rid, key, version, at, packed) in &rows {
            *tallied.entry(place::kind_number(*rid)).or_default() += 1;
            match index_of_packed(registry, &shared.bases, shared.likeness, key, *version, *at, packed) {
                Ok(index) => indexes.push((*rid, key.clone(), index)),
                Err(error) => found.push(Issue::error(IssueCode::Exception, key.to_string(), error.to_string())),
            }
        }
        expected += compare(session, &mut interner, registry, &indexes, &mut found).await?;
        progress(done, total);
        if found.len() > LISTED {
            found.truncate(LISTED);
            found.push(Issue::error(IssueCode::Incomplete, "", "more findings are not listed"));
            return Ok(found);
        }
    }
    let kept = format!("SELECT kind, live FROM tally t WHERE {} live <> 0", dialect.here("t"));
    let kept: BTreeMap<i64, i64> =
        session.query(&kept, &[]).await?.iter().map(|row| (row[0].int(), row[1].int())).collect();
    if kept != tallied {
        found.push(Issue::error(IssueCode::Exception, "", "the counts of resources differ from the resources"));
    }
    let stored = index_rows(session).await?;
    if stored != expected {
        let text = format!("the index has {stored} rows, the resources give {expected}: run `continuo db reindex`");
        found.push(Issue::error(IssueCode::Exception, "", text));
    }
    Ok(found)
}

async fn index_rows<S: Session>(session: &mut S) -> StoreResult<u64> {
    let mut total = 0;
    for table in &DERIVED[..5] {
        let sql = format!("SELECT count(*) FROM {} t WHERE {} slot > 0", table.name, session.dialect().here("t"));
        total += session.query(&sql, &[]).await?[0][0].int() as u64;
    }
    Ok(total)
}

/// Whether each row that these resources give is in its table. Returns how many there should be.
async fn compare<S: Session>(
    session: &mut S,
    interner: &mut Interner,
    registry: &Registry,
    indexes: &[(i64, Key, Index)],
    found: &mut Vec<Issue>,
) -> StoreResult<u64> {
    let mut expected = 0;
    for (rid, key, index) in indexes {
        let mut names = Names::default();
        index.clues().for_each(|clue| names.collect(registry, clue));
        if names.intern(interner, session, &HashSet::new()).await.is_err() {
            let text = "some of what it should be found by has never been indexed: run `continuo db reindex`";
            found.push(Issue::error(IssueCode::Exception, key.to_string(), text));
            *interner = Interner::load(session).await?.frozen();
            continue;
        }
        let mut entries = Entries::default();
        index.clues().for_each(|clue| entries.add(interner, registry, *rid, clue));
        let (wanted, there) = entries.present(session).await?;
        expected += wanted;
        if there != wanted {
            let text = format!("{} of {wanted} index rows are missing: run `continuo db reindex`", wanted - there);
            found.push(Issue::error(IssueCode::Exception, key.to_string(), text));
        }
    }
    interner.forget_some();
    Ok(expected)
}

pub(crate) async fn stats<S: Session>(session: &mut S) -> StoreResult<Stats> {
    let dialect = session.dialect();
    let mut stats = Stats::default();
    let sql = format!("SELECT kind, live FROM tally t WHERE {} live > 0", dialect.here("t"));
    for row in session.query(&sql, &[]).await? {
        let kind = u8::try_from(row[0].int()).ok().and_then(ResourceType::from_number);
        if let Some(kind) = kind {
            stats.resources.insert(kind.name().to_owned(), row[1].int() as u64);
        }
    }
    let tables = ["resource", "history", "change", "audit", "term", "unit", "slot", "system"];
    for table in tables.into_iter().chain(DERIVED[..5].iter().map(|it| it.name)) {
        let column = match table {
            "change" | "audit" => "seq",
            "term" | "unit" | "slot" | "system" => "id",
            _ => "rid",
        };
        let sql = format!("SELECT count(*) FROM {table} t WHERE {} {column} > 0", dialect.here("t"));
        stats.rows.insert(table.to_owned(), session.query(&sql, &[]).await?[0][0].int() as u64);
    }
    stats.versions = stats.rows["change"];
    Ok(stats)
}
