//! Takes over the audit log of an earlier build, which had no chain: the same entries under the same numbers, chained
//! from the first one on.

use super::ledger::{Draft, Ledger};
use crate::caller::{Caller, Purpose};
use crate::db::{Session, Value};
use crate::error::StoreResult;
use crate::rights::Rights;
use std::collections::HashMap;
use std::sync::Arc;

const CHUNK: usize = 1_000;

pub(crate) async fn take_over<S: Session>(session: &mut S) -> StoreResult<()> {
    let dialect = session.dialect();
    let here = dialect.here("e");
    let sql = format!(
        "SELECT e.tx, e.at, e.who, e.role, e.purpose, e.action, e.request, e.detail FROM audit_earlier e \
         WHERE {here} e.tx > ? ORDER BY e.tx LIMIT {CHUNK}"
    );
    let wrote = format!("SELECT c.tx, count(*) FROM change c WHERE {} c.seq > 0 GROUP BY c.tx", dialect.here("c"));
    let mut ledger = Ledger::load(session).await?;
    if ledger.last() > 0 {
        return Ok(());
    }
    let mut lines = None;
    loop {
        let rows = session.query(&sql, &[ledger.last().into()]).await?;
        if rows.is_empty() {
            break;
        }
        if lines.is_none() {
            let rows = session.query(&wrote, &[]).await?;
            lines = Some(rows.iter().map(|row| (row[0].int(), row[1].int())).collect());
        }
        let lines: &HashMap<i64, i64> = lines.as_ref().expect("just counted");
        let text = |row: &[Value], at: usize| row[at].text().unwrap_or_default().to_owned();
        let callers: Vec<Caller> = rows
            .iter()
            .map(|row| Caller {
                who: text(row, 2).into(),
                display: text(row, 2).into(),
                role: text(row, 3).into(),
                purpose: Purpose::from_code(&text(row, 4)),
                rights: Arc::new(Rights::default()),
                patient: None,
                client: None,
                request: row[6].text().map(Into::into),
            })
            .collect();
        ledger.meet(session, callers.iter()).await?;
        for (row, caller) in rows.iter().zip(&callers) {
            let (action, detail) = (text(row, 5), text(row, 7));
            let draft = Draft {
                at: row[1].int(),
                action: &action,
                wrote: lines.get(&row[0].int()).copied().unwrap_or(0),
                detail: &detail,
                ..Draft::default()
            };
            ledger.enter(caller, draft);
        }
        session.write(&ledger.steps().steps()).await?;
    }
    let clear = match dialect.here("e").trim_end_matches(" AND ") {
        "" => "DELETE FROM audit_earlier".to_owned(),
        here => format!("DELETE FROM audit_earlier e WHERE {here}"),
    };
    session.query(&clear, &[]).await.map(drop)
}
