//! Tokens that an operator makes for programs of their own: a monitor, a script, a measurement. They carry scopes like
//! those of the authorization server, lie on the same shelf and are looked up the same way; there is no browser and no
//! exchange in between.

use super::shelf::{self, TOKEN};
use super::{Access, AccessError, AccessResult, DAY, Principal, Scopes, Secret};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::RwLock;
use store::audit::Event;
use store::{Caller, ItemExpect, Store, StoreResult};

/// How long a token in memory is believed before the store is asked again.
const BELIEVED: i64 = 2 * super::SECOND;
/// More than this are looked through for what is old.
const MANY: usize = 10_000;

/// What a token stands for.
#[derive(Clone, Serialize, Deserialize)]
struct Held {
    client: String,
    client_name: String,
    scopes: String,
    /// The person it acts for: none.
    subject: Option<serde_json::Value>,
    patient: Option<String>,
    encounter: Option<String>,
    grant: Option<String>,
    made: i64,
    until: i64,
}

/// Tokens in use, with who holds them and when that was last asked of the store.
#[derive(Default)]
pub(super) struct Machines(RwLock<HashMap<Secret, (Caller, i64, i64)>>);

/// Makes a token for a program; the command line does, on a store that is not being served too.
pub async fn machine_token(
    store: &Store,
    caller: &Caller,
    secret: &str,
    name: &str,
    scopes: &str,
    days: u32,
    now: i64,
) -> AccessResult<()> {
    if !caller.rights.are_everything() {
        return Err(AccessError::Forbidden);
    }
    let plain = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !plain {
        return Err(AccessError::UserNameUnfit);
    }
    let scopes = Scopes::parse(scopes).map_err(|_| AccessError::Wrong)?.to_string();
    if scopes.is_empty() {
        return Err(AccessError::Wrong);
    }
    let until = now + i64::from(days.clamp(1, 3650)) * DAY;
    let held = Held {
        client: name.to_owned(),
        client_name: name.to_owned(),
        scopes,
        subject: None,
        patient: None,
        encounter: None,
        grant: None,
        made: now,
        until,
    };
    let event = Event::of("configure").detail(format!("a token for the program {name}: {}", held.scopes));
    let owner = format!("client/{name}");
    let item = shelf::put(TOKEN, Secret::of(secret).hex(), owner, Some(until), &held, ItemExpect::Absent);
    store.keep(caller, event, vec![item], now).await?;
    Ok(())
}

impl Access {
    /// Which program holds this token.
    pub(super) async fn machine(&self, token: &str, now: i64) -> StoreResult<Option<Caller>> {
        let key = Secret::of(token);
        let known = self.machines.0.read().expect("nobody panics while holding the tokens").get(&key).cloned();
        if let Some((caller, checked, until)) = known
            && now - checked < BELIEVED
            && now < until
        {
            return Ok(Some(caller));
        }
        let found: Option<(Held, u64)> = shelf::get(&self.store, TOKEN, &key.hex(), now).await?;
        let Some((held, _)) = found.filter(|(held, _)| held.subject.is_none()) else {
            self.machines.0.write().expect("nobody panics while holding the tokens").remove(&key);
            return Ok(None);
        };
        let principal = Principal {
            who: format!("client/{}", held.client),
            display: held.client_name.clone(),
            role: "system".into(),
            person: None,
            patients: Vec::new(),
            client: Some(held.client),
            scopes: Some(held.scopes),
            patient: None,
            purpose: self.usual_purpose("system"),
        };
        let caller = self.caller(&self.store, &principal, now).await?;
        let mut known = self.machines.0.write().expect("nobody panics while holding the tokens");
        if known.len() >= MANY {
            known.retain(|_, (_, checked, _)| now - *checked < BELIEVED);
        }
        known.insert(key, (caller.clone(), now, held.until));
        Ok(Some(caller))
    }
}
