//! What the store knows that a document does not tell: who a search finds, and under which type another
//! document's `urn:uuid` was stored. What was found is remembered for the rest of the import.

use crate::failure::Failure;
use crate::world;
use care::exchange::bundle::Wanted;
use fhir::search::query::{Filter, Query};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Id, Key, ResourceType};
use std::collections::HashMap;
use std::sync::Mutex;
use store::{Caller, Store};

pub(crate) struct Resolver {
    store: Store,
    organisation: String,
    caller: Caller,
    found: Mutex<HashMap<Wanted, Key>>,
    /// Conditional creates of this import: two documents that bring the same one mean the same one.
    claimed: Mutex<HashMap<String, Key>>,
    /// For a dry run, which stores nothing: what would be there. By identifier, and by id.
    would_be: Option<Mutex<WouldBe>>,
}

#[derive(Default)]
struct WouldBe {
    by_identifier: HashMap<String, Key>,
    by_id: HashMap<String, Key>,
}

/// What a search found.
pub(crate) enum Found {
    Nothing,
    One(Key),
    Several,
    /// It cannot be asked; what to mend.
    Wrong(String),
}

impl Resolver {
    pub(crate) fn new(store: Store, organisation: &str, dry_run: bool) -> Resolver {
        Resolver {
            store,
            organisation: organisation.to_owned(),
            caller: Caller::system("import"),
            found: Mutex::default(),
            claimed: Mutex::default(),
            would_be: dry_run.then(Mutex::default),
        }
    }

    /// In a dry run: from now on this counts as there.
    pub(crate) fn would_store(&self, key: &Key, resource: &serde_json::Value) {
        let Some(would_be) = &self.would_be else { return };
        let mut would_be = would_be.lock().expect("no holder panics");
        would_be.by_id.insert(key.id.to_string(), key.clone());
        for identifier in resource["identifier"].as_array().into_iter().flatten() {
            let (system, value) = (identifier["system"].as_str().unwrap_or(""), identifier["value"].as_str());
            if let Some(value) = value {
                would_be.by_identifier.insert(format!("{}?identifier={system}|{value}", key.kind), key.clone());
            }
        }
    }

    /// Who it is, if it can be told now.
    pub(crate) async fn resolve(&self, wanted: &Wanted) -> Result<Option<Key>, Failure> {
        let known = self.found.lock().expect("no holder panics").get(wanted).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let key = match wanted {
            Wanted::Search(search) => match self.search(search).await? {
                Found::One(key) => Some(key),
                Found::Nothing | Found::Several | Found::Wrong(_) => None,
            },
            Wanted::Urn(urn) => self.by_urn(urn).await?,
        };
        if let Some(key) = &key {
            self.found.lock().expect("no holder panics").insert(wanted.clone(), key.clone());
        }
        Ok(key)
    }

    async fn by_urn(&self, urn: &str) -> Result<Option<Key>, Failure> {
        let name = urn.strip_prefix("urn:uuid:").or_else(|| urn.strip_prefix("urn:oid:")).unwrap_or(urn);
        let Some(id) = Id::parse(name) else { return Ok(None) };
        if let Some(would_be) = &self.would_be
            && let Some(key) = would_be.lock().expect("no holder panics").by_id.get(id.as_str())
        {
            return Ok(Some(key.clone()));
        }
        let mut query = Query::of(Vec::new());
        query.filter = Filter::Ids(vec![id]);
        Ok(self.find(&query).await?.pop())
    }

    /// Runs a search like `Patient?identifier=a|1`.
    pub(crate) async fn search(&self, search: &str) -> Result<Found, Failure> {
        if let Some(would_be) = &self.would_be
            && let Some(key) = would_be.lock().expect("no holder panics").by_identifier.get(search)
        {
            return Ok(Found::One(key.clone()));
        }
        let (kind, text) = search.split_once('?').unwrap_or((search, ""));
        let Some(kind) = ResourceType::parse(kind) else {
            return Ok(Found::Wrong("a conditional reference begins with a resource type".into()));
        };
        let params: Vec<(String, String)> = text.split('&').filter(|it| !it.is_empty()).map(pair).collect();
        let registry = self.store.registry();
        let reading = Reading {
            registry: &registry,
            base: self.store.bases(),
            limits: Limits::default(),
            now: world::now() / 1000,
        };
        let query = match reading.query(&Scope::Type(kind), &params, Handling::Strict) {
            Ok((query, _)) => query,
            Err(issues) => {
                let told: Vec<String> = issues.into_iter().map(|issue| issue.diagnostics).collect();
                return Ok(Found::Wrong(told.join(" ")));
            }
        };
        let mut keys = self.find(&query).await?;
        Ok(match (keys.len(), keys.pop()) {
            (1, Some(key)) => Found::One(key),
            (0, _) => Found::Nothing,
            _ => Found::Several,
        })
    }

    async fn find(&self, query: &Query) -> Result<Vec<Key>, Failure> {
        self.store.find(&self.caller, query, 2).await.map_err(Failure::store("search", &self.organisation))
    }

    /// The first in this import to bring what a condition describes gives it its name.
    pub(crate) fn claim(&self, search: &str, key: &Key) -> Key {
        self.claimed.lock().expect("no holder panics").entry(search.to_owned()).or_insert_with(|| key.clone()).clone()
    }
}

/// One parameter of a search, percent-decoded.
fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (decode(name), decode(value))
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = || u8::from_str_radix(std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?, 16).ok();
        match (bytes[at], hex()) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(pair("identifier=http%3A%2F%2Fnpi|7+a"), ("identifier".into(), "http://npi|7 a".into()));
        assert_eq!(pair("name=50%"), ("name".into(), "50%".into()));
    }
}
