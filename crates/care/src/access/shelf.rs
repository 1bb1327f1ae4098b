//! Where the small durable things of access lie in the store ([`store::Item`]), and how they are read and written.
//! Every body is JSON; secrets lie here only as digests, or sealed when they must be read back.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Item, ItemChange, ItemExpect, Store, StoreError, StoreResult};

/// People who may sign in, by id.
pub const USER: &str = "user";
/// Which user a folded name or address of electronic mail means.
pub const LOGIN: &str = "login-name";
/// Passwords, second factors and recovery codes, by user.
pub const CREDENTIAL: &str = "credential";
/// Open sessions and sign-ins under way, by the digest of their token.
pub const SESSION: &str = "session";
/// Codes for patients and proxies, and the set-up code of the first run.
pub const INVITATION: &str = "invitation";
/// Apps and programs that are known here.
pub const CLIENT: &str = "client";
/// What bearer tokens stand for, by their digest.
pub const TOKEN: &str = "token";
/// Links with which a password may be set.
pub const RESET: &str = "reset";
/// What was answered once and never again: challenges, states.
pub const SPENT: &str = "spent";
/// Attempts that failed, by the digest of what they were against.
pub const ATTEMPT: &str = "attempt";
/// Policies of the organisation.
pub const POLICY: &str = "policy";
/// Outside providers of identity.
pub const PROVIDER: &str = "provider";

pub(super) fn put<T: Serialize>(
    shelf: &'static str,
    name: impl Into<String>,
    owner: impl Into<String>,
    until: Option<i64>,
    body: &T,
    expect: ItemExpect,
) -> ItemChange {
    let body = Bytes::from(serde_json::to_vec(body).expect("our own types can be written as JSON"));
    ItemChange { shelf, name: name.into(), owner: owner.into(), until, body: Some(body), expect }
}

pub(super) fn remove(shelf: &'static str, name: impl Into<String>, expect: ItemExpect) -> ItemChange {
    ItemChange { shelf, name: name.into(), owner: String::new(), until: None, body: None, expect }
}

/// One thing with the version it is at.
pub(super) async fn get<T: DeserializeOwned>(
    store: &Store,
    shelf: &str,
    name: &str,
    now: i64,
) -> StoreResult<Option<(T, u64)>> {
    match store.item(shelf, name, now).await? {
        Some(item) => Ok(Some((read(&item)?, item.version))),
        None => Ok(None),
    }
}

pub(super) fn read<T: DeserializeOwned>(item: &Item) -> StoreResult<T> {
    // The message of serde_json may quote the body.
    serde_json::from_slice(&item.body)
        .map_err(|error| StoreError::Damaged(format!("an entry of {} at column {}", item.shelf, error.column())))
}

/// All of one owner; there are never many.
pub(super) async fn owned(store: &Store, shelf: &str, owner: &str, now: i64) -> StoreResult<Vec<Item>> {
    const AT_ONCE: usize = 200;
    let mut all: Vec<Item> = Vec::new();
    loop {
        let after = all.last().map(|it| it.name.clone());
        let page = store.items(shelf, Some(owner), after.as_deref(), AT_ONCE, now).await?;
        let last = page.len() < AT_ONCE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
