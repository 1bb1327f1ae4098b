//! Back to a moment: every version written after it is taken away, what was current then is current again.
//! For a restored copy of a store, not for one that people work with: followers of its change log would be misled.

use crate::audit::{self, REWIND};
use crate::caller::Caller;
use crate::db::table::{RESOURCE, TALLY};
use crate::db::{Rows, Session, Value};
use crate::error::StoreResult;
use crate::history;
use crate::lane::{LIVE, PLACEHOLDER, Shared};
use crate::maintain::{self, Progress};
use crate::owner;

/// Undoes all commits after `to` (microseconds). Returns how many versions were taken away.
pub(crate) async fn rewind<S: Session>(
    session: &mut S,
    shared: &Shared,
    caller: &Caller,
    to: i64,
    progress: &Progress<'_>,
) -> StoreResult<u64> {
    let dialect = session.dialect();
    let (c, r, h) = (dialect.here("c"), dialect.here("r"), dialect.here("h"));
    let sql = format!("SELECT c.rid, count(*) FROM change c WHERE {c} c.at > ? GROUP BY c.rid ORDER BY c.rid");
    let later = session.query(&sql, &[to.into()]).await?;
    let taken = later.iter().map(|row| row[1].int() as u64).sum();
    let mut restored = Rows::new(7);
    for row in &later {
        let rid = row[0].int();
        let sql = format!("SELECT id, version FROM resource r WHERE {r} r.rid = ?");
        let now = session.query(&sql, &[rid.into()]).await?.remove(0);
        let id = now[0].clone();
        let version = now[1].int() - row[1].int();
        match history::old_version(session, rid, version).await? {
            Some(old) => {
                let owner = old.owner.map_or(Value::Null, Value::Int);
                let (at, state, body) = (old.at.into(), old.state.into(), Value::Blob(old.body));
                restored.push([rid.into(), id, version.into(), at, state, body, owner]);
            }
            // It did not exist then; what refers to it still needs its place.
            None => {
                let nothing = [0.into(), 0.into(), PLACEHOLDER.into(), Value::Null, Value::Null];
                let [version, at, state, body, owner] = nothing;
                restored.push([rid.into(), id, version, at, state, body, owner]);
            }
        }
        let sql = format!("DELETE FROM history AS h WHERE {h} h.rid = ? AND h.version >= ?");
        session.query(&sql, &[rid.into(), version.into()]).await?;
    }
    session.insert(&RESOURCE, &restored).await?;
    let sql = format!("DELETE FROM change AS c WHERE {c} c.at > ?");
    session.query(&sql, &[to.into()]).await?;
    recount(session).await?;
    maintain::reindex(session, shared, caller, progress).await?;
    owner::fill(session, &shared.registry()).await?;
    audit::note(session, caller, REWIND, &format!("to={to}"), shared.clock.now()).await?;
    Ok(taken)
}

/// Counts the live resources of each type anew.
async fn recount<S: Session>(session: &mut S) -> StoreResult<()> {
    let dialect = session.dialect();
    let sql = format!("DELETE FROM tally AS t WHERE {} t.kind >= 0", dialect.here("t"));
    session.query(&sql, &[]).await?;
    let sql = format!(
        "SELECT r.rid >> 40, count(*) FROM resource r WHERE {} r.state = {LIVE} GROUP BY r.rid >> 40",
        dialect.here("r")
    );
    let mut counts = Rows::new(2);
    for row in session.query(&sql, &[]).await? {
        counts.push([row[0].clone(), row[1].clone()]);
    }
    session.insert(&TALLY, &counts).await
}
