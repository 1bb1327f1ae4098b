//! Where the suite runs: a fresh, empty store for each test, on every backend there is.

use fhir::search::row::BaseUrls;
use fhir::{Checked, Key, Value};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Batch, Caller, Change, Expect, Outcome, Settings, Store, StoreResult, Write};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder that goes away with the test.
pub struct Place {
    pub store: Store,
    folder: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

pub fn settings(address: &str) -> Settings {
    let bases = BaseUrls::new(["http://here.example/fhir"]);
    Settings { organisation: "test".to_owned(), address: address.to_owned(), bases, ..Settings::default() }
}

pub async fn sqlite() -> Place {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("continuo-store-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = Store::open(settings(folder.join("store.db").to_str().unwrap())).await.unwrap();
    Place { store, folder }
}

impl Place {
    pub fn path(&self) -> PathBuf {
        self.folder.join("store.db")
    }
}

/// Every place there is.
pub async fn all() -> Vec<Place> {
    vec![sqlite().await]
}

pub fn me() -> Caller {
    Caller::system("test")
}

/// 2026-11-22T12:00:00Z in microseconds.
pub const NOON: i64 = 1_795_348_800_000_000;

pub fn put(value: Value) -> Write {
    put_expecting(Expect::Anything, value)
}

pub fn put_expecting(expect: Expect, value: Value) -> Write {
    let id = value["id"].as_str().expect("test resources have ids");
    let key = Key::parse(&format!("{}/{id}", value["resourceType"].as_str().unwrap())).unwrap();
    Write { key, expect, change: Change::Put(Checked::trusted(value).unwrap()) }
}

pub async fn write(store: &Store, write: Write) -> StoreResult<Outcome> {
    Ok(store.commit(&me(), Batch::of("test", write), NOON).await?.remove(0))
}

pub async fn write_all(store: &Store, values: Vec<Value>) -> Vec<Outcome> {
    let writes = values.into_iter().map(put).collect();
    store.commit(&me(), Batch { writes, guards: Vec::new(), action: "test" }, NOON).await.unwrap()
}
