//! Small durable records that are not FHIR: users, credentials, sessions, clients, tokens, policies. Each lies on a
//! shelf under its name. They are written by the lane like resources, in the same transaction as the audit entry, and
//! many of them share one sync.
//!
//! What is in them is the caller's business; the store never reads a body, and never tells of one in errors or logs.
//! Who may see or change an item is decided by `care::access`, the only one that asks.

use crate::audit::Event;
use crate::batch::Batch;
use crate::caller::Caller;
use crate::db::table::{ITEM, ITEM_BY_NAME};
use crate::db::{Rows, Session, Step, Value};
use crate::error::{StoreError, StoreResult};
use crate::store::{Store, glancing, reading};
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    pub shelf: String,
    pub name: String,
    /// Whose it is (a user for sessions, a client for tokens), or empty.
    pub owner: String,
    /// From this moment on (microseconds) it is absent.
    pub until: Option<i64>,
    /// Grows with every change; a name never has the same version twice, even when it was deleted between.
    pub version: u64,
    /// JSON.
    pub body: Bytes,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an item on {}, version {}", self.shelf, self.version)
    }
}

/// A record to write or to delete.
#[derive(Clone, PartialEq, Eq)]
pub struct ItemChange {
    pub shelf: &'static str,
    pub name: String,
    pub owner: String,
    pub until: Option<i64>,
    /// `None` deletes.
    pub body: Option<Bytes>,
    pub expect: ItemExpect,
}

impl ItemChange {
    /// Without an owner, for ever, whatever is there.
    pub fn put(shelf: &'static str, name: impl Into<String>, body: impl Into<Bytes>) -> ItemChange {
        let (name, body) = (name.into(), Some(body.into()));
        ItemChange { shelf, name, owner: String::new(), until: None, body, expect: ItemExpect::Anything }
    }

    pub fn delete(shelf: &'static str, name: impl Into<String>) -> ItemChange {
        ItemChange { body: None, ..ItemChange::put(shelf, name, Bytes::new()) }
    }

    pub fn owned_by(self, owner: impl Into<String>) -> ItemChange {
        ItemChange { owner: owner.into(), ..self }
    }

    pub fn until(self, until: i64) -> ItemChange {
        ItemChange { until: Some(until), ..self }
    }

    pub fn expecting(self, expect: ItemExpect) -> ItemChange {
        ItemChange { expect, ..self }
    }
}

impl fmt::Debug for ItemChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.body.is_some() { "put" } else { "delete" };
        write!(f, "{verb} an item on {}, expecting {:?}", self.shelf, self.expect)
    }
}

/// What must be true of the record before it is written; otherwise nothing of the batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemExpect {
    Anything,
    Absent,
    Version(u64),
}

impl Store {
    /// Writes records: all of them or none. When this returns, they are on disk, and so is the event.
    pub async fn keep(&self, caller: &Caller, event: Event, changes: Vec<ItemChange>, now: i64) -> StoreResult<()> {
        let batch = Batch { items: changes, action: event.action, ..Batch::default() };
        self.enqueue(caller, batch, Some(event), now).await.map(drop)
    }

    pub async fn item(&self, shelf: &str, name: &str, now: i64) -> StoreResult<Option<Item>> {
        let mut keys = Rows::new(2);
        keys.push([shelf.into(), name.into()]);
        let rows = glancing!(self, session => session.lookup(&ITEM_BY_NAME, &keys).await?);
        let item = rows.into_iter().next().map(|row| Standing::of(row).item(shelf, name.to_owned()));
        Ok(item.filter(|item| item.until.is_none_or(|until| until > now)))
    }

    /// What is on a shelf, in the order of names, at most `limit`, from the one after `after` on.
    pub async fn items(
        &self,
        shelf: &str,
        owner: Option<&str>,
        after: Option<&str>,
        limit: usize,
        now: i64,
    ) -> StoreResult<Vec<Item>> {
        reading!(self, session => page(&mut session, shelf, owner, after, limit, now).await)
    }
}

async fn page<S: Session>(
    session: &mut S,
    shelf: &str,
    owner: Option<&str>,
    after: Option<&str>,
    limit: usize,
    now: i64,
) -> StoreResult<Vec<Item>> {
    let mut sql = format!(
        "SELECT shelf, name, owner, until, version, body FROM item i WHERE {} shelf = ? AND (until IS NULL OR until > ?)",
        session.dialect().here("i")
    );
    let mut values = vec![Value::from(shelf), now.into()];
    for (condition, value) in [(" AND owner = ?", owner), (" AND name > ?", after)] {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value.into());
        }
    }
    sql.push_str(&format!(" ORDER BY name LIMIT {limit}"));
    let rows = session.query(&sql, &values).await?;
    let item = |row: Vec<Value>| {
        let name = row[1].text().unwrap_or_default().to_owned();
        Standing::of(row).item(shelf, name)
    };
    Ok(rows.into_iter().map(item).collect())
}

type Name = (String, String);

/// What lies under a name.
#[derive(Clone)]
struct Standing {
    owner: String,
    until: Option<i64>,
    version: i64,
    body: Bytes,
}

impl Standing {
    fn of(row: Vec<Value>) -> Standing {
        let owner = row[2].text().unwrap_or_default().to_owned();
        let until = if row[3] == Value::Null { None } else { Some(row[3].int()) };
        let version = row[4].int();
        Standing { owner, until, version, body: row.into_iter().nth(5).map(Value::into_blob).unwrap_or_default() }
    }

    fn item(self, shelf: &str, name: String) -> Item {
        let Standing { owner, until, version, body } = self;
        Item { shelf: shelf.to_owned(), name, owner, until, version: version as u64, body }
    }
}

/// The records that a group of commits touches, as the group sees them.
#[derive(Default)]
pub(crate) struct Shelves {
    there: HashMap<Name, Standing>,
    /// What is to be written; `None` is to be deleted.
    changed: HashMap<Name, Option<Standing>>,
}

/// Expired records are taken away no more often than this (microseconds), and no more of them at once.
const SWEEP_EVERY: i64 = 60_000_000;
const SWEPT: usize = 1_000;

impl Shelves {
    pub(crate) async fn load<S: Session>(
        session: &mut S,
        changes: impl Iterator<Item = &ItemChange>,
    ) -> StoreResult<Shelves> {
        let mut names: Vec<(&str, &str)> = changes.map(|it| (it.shelf, it.name.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        let mut keys = Rows::new(2);
        names.into_iter().for_each(|(shelf, name)| keys.push([shelf.into(), name.into()]));
        let mut it = Shelves::default();
        for row in session.lookup(&ITEM_BY_NAME, &keys).await? {
            let [shelf, name] = [0, 1].map(|at| row[at].text().unwrap_or_default().to_owned());
            it.there.insert((shelf, name), Standing::of(row));
        }
        Ok(it)
    }

    /// Whether each change finds what it expects, taking those before it in the same commit into account.
    pub(crate) fn check(&self, changes: &[ItemChange], now: i64) -> StoreResult<()> {
        let mut meanwhile: HashMap<(&str, &str), bool> = HashMap::new();
        for (at, change) in changes.iter().enumerate() {
            let before = meanwhile.insert((change.shelf, &change.name), change.body.is_some());
            let version = match before {
                // Its version is not given yet, so none can be expected of it.
                Some(there) => there.then_some(None),
                None => self.version(change, now).map(Some),
            };
            let fits = match (change.expect, version) {
                (ItemExpect::Anything, _) | (ItemExpect::Absent, None) => true,
                (ItemExpect::Version(wanted), Some(Some(version))) => wanted == version as u64,
                _ => false,
            };
            if !fits {
                return Err(StoreError::ItemConflict { shelf: change.shelf, at });
            }
        }
        Ok(())
    }

    fn version(&self, change: &ItemChange, now: i64) -> Option<i64> {
        let it = self.there.get(&(change.shelf.to_owned(), change.name.clone()))?;
        it.until.is_none_or(|until| until > now).then_some(it.version)
    }

    /// Takes changes that were checked. `version` is that of the commit, greater than any before.
    pub(crate) fn stage(&mut self, changes: &[ItemChange], version: i64) {
        for change in changes {
            let name = (change.shelf.to_owned(), change.name.clone());
            let standing = change.body.as_ref().map(|body| Standing {
                owner: change.owner.clone(),
                until: change.until,
                version,
                body: body.clone(),
            });
            match &standing {
                Some(standing) => self.there.insert(name.clone(), standing.clone()),
                None => self.there.remove(&name),
            };
            self.changed.insert(name, standing);
        }
    }

    pub(crate) async fn flush<S: Session>(&mut self, session: &mut S) -> StoreResult<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let mut changed: Vec<_> = std::mem::take(&mut self.changed).into_iter().collect();
        changed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let (mut put, mut gone) = (Rows::new(6), Rows::new(2));
        for ((shelf, name), standing) in changed {
            match standing {
                Some(it) => put.push([
                    shelf.into(),
                    name.into(),
                    it.owner.into(),
                    it.until.map_or(Value::Null, Value::Int),
                    it.version.into(),
                    Value::Blob(it.body),
                ]),
                None => gone.push([shelf.into(), name.into()]),
            }
        }
        session.write(&[Step::Delete(&ITEM, &gone), Step::Insert(&ITEM, &put)]).await
    }
}

/// Takes expired records away, now and then. Returns when it did.
pub(crate) async fn sweep<S: Session>(session: &mut S, last: i64, now: i64) -> StoreResult<i64> {
    if now < last + SWEEP_EVERY {
        return Ok(last);
    }
    let here = session.dialect().here("i");
    let sql = format!("SELECT shelf, name FROM item i WHERE {here} until <= ? ORDER BY until LIMIT {SWEPT}");
    let mut gone = Rows::new(2);
    for row in session.query(&sql, &[now.into()]).await? {
        gone.push([row[0].clone(), row[1].clone()]);
    }
    session.delete(&ITEM, &gone).await?;
    // Where there were more, the next commit goes on.
    Ok(if gone.len() == SWEPT { last } else { now })
}
