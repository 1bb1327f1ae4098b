//! Looking up resources that are alike, by the numbers they share ([`Likeness`](crate::Likeness)), and what points at one.
//! What is found is only offered: whether it is the same is for `care::identity` to say.

use super::{Reach, fetch};
use crate::db::{Session, Value};
use crate::error::StoreResult;
use crate::physical::ALIKE;
use crate::rights::Action;
use crate::stored::Stored;
use fhir::{Key, ResourceType};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Of those that share one number as many are looked at; what more share says little.
const EACH: usize = 50;

/// Texts and how many have them.
pub(crate) type Counts = Arc<HashMap<String, u64>>;

pub(crate) async fn alike<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    keys: &[i64],
    most: usize,
) -> StoreResult<Vec<Stored>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = session.dialect();
    let sql = format!("SELECT id FROM slot s WHERE {} name = ? AND term = 0", dialect.here("s"));
    let Some(slot) = session.query(&sql, &[ALIKE.into()]).await?.first().map(|row| row[0].int()) else {
        return Ok(Vec::new());
    };
    let one = format!(
        "SELECT * FROM (SELECT term, rid FROM token t WHERE {} slot = ? AND term = ? LIMIT {EACH}) q",
        dialect.here("t")
    );
    let sql = vec![one; keys.len()].join(" UNION ALL ");
    let values: Vec<Value> = keys.iter().flat_map(|key| [slot.into(), (*key).into()]).collect();
    let rows = session.query(&sql, &values).await?;
    let mut sizes: HashMap<i64, usize> = HashMap::new();
    for row in &rows {
        *sizes.entry(row[0].int()).or_default() += 1;
    }
    // What few share says more than what many do.
    let mut found: HashMap<i64, f64> = HashMap::new();
    for row in &rows {
        *found.entry(row[1].int()).or_default() += 1.0 / sizes[&row[0].int()] as f64;
    }
    let mut found: Vec<(i64, f64)> = found.into_iter().collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let rids = found.into_iter().map(|(rid, _)| rid).collect();
    let mut rids = reach.among(session, rids, Action::Search).await?;
    rids.truncate(most);
    fetch::resources(session, &rids).await
}

/// Resources fetched at once.
const AT_ONCE: usize = 500;

/// Everything live that refers to a resource.
pub(crate) async fn pointing_at<S: Session>(session: &mut S, key: &Key) -> StoreResult<Vec<Stored>> {
    let mut found = Vec::new();
    for target in fetch::rids(session, std::slice::from_ref(key)).await? {
        let here = session.dialect().here("f");
        let sql = format!("SELECT DISTINCT rid FROM reference f WHERE {here} target = ? ORDER BY rid");
        let rids: Vec<i64> = session.query(&sql, &[target.into()]).await?.iter().map(|row| row[0].int()).collect();
        for some in rids.chunks(AT_ONCE) {
            found.extend(fetch::resources(session, some).await?);
        }
    }
    Ok(found)
}

pub(crate) async fn count<S: Session>(session: &mut S, kind: ResourceType) -> StoreResult<u64> {
    let sql = format!("SELECT live FROM tally t WHERE {} kind = ?", session.dialect().here("t"));
    let rows = session.query(&sql, &[i64::from(kind.number()).into()]).await?;
    Ok(rows.first().map_or(0, |row| row[0].int().max(0) as u64))
}

/// Texts that fewer than one in so many have are not counted.
const RARE: u64 = 5_000;

pub(crate) async fn commonest<S: Session>(
    session: &mut S,
    slots: &[&str],
    count: u64,
) -> StoreResult<HashMap<String, u64>> {
    let dialect = session.dialect();
    let least = (count / RARE).max(2) as i64;
    let mut counts = HashMap::new();
    for slot in slots {
        let sql = format!("SELECT id FROM slot s WHERE {} name = ? AND term = 0", dialect.here("s"));
        let Some(slot) = session.query(&sql, &[(*slot).into()]).await?.first().map(|row| row[0].int()) else {
            continue;
        };
        let sql = format!(
            "SELECT folded, count(*) FROM string t WHERE {} slot = ? GROUP BY folded HAVING count(*) >= {least}",
            dialect.here("t")
        );
        for row in session.query(&sql, &[slot.into()]).await? {
            *counts.entry(row[0].text().unwrap_or_default().to_owned()).or_default() += row[1].int() as u64;
        }
    }
    Ok(counts)
}

/// Counts that were made lately.
#[derive(Default)]
pub(crate) struct Borne(Mutex<HashMap<Counted, (u64, Counts)>>);

/// A type and one of its string parameters.
type Counted = (ResourceType, &'static str);

impl Borne {
    /// What was counted when there were about as many.
    pub(crate) fn get(&self, kind: ResourceType, parameter: &'static str, count: u64) -> Option<Counts> {
        let kept = self.0.lock().expect("nobody panics while holding the counts");
        let (then, counts) = kept.get(&(kind, parameter))?;
        (then.abs_diff(count) <= 50 + then / 20).then(|| counts.clone())
    }

    pub(crate) fn keep(
        &self,
        kind: ResourceType,
        parameter: &'static str,
        count: u64,
        counts: HashMap<String, u64>,
    ) -> Counts {
        let counts = Arc::new(counts);
        let mut kept = self.0.lock().expect("nobody panics while holding the counts");
        kept.insert((kind, parameter), (count, counts.clone()));
        counts
    }
}
