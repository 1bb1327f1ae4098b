//! Where the suite runs: a fresh, empty store for each test, on every backend there is.

use fhir::search::row::BaseUrls;
use fhir::{Checked, Key, Value};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Batch, Caller, Change, Expect, Outcome, Settings, Store, StoreResult, Write};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A store of the test's own: a folder that goes away with the test, or an organisation that no other test has.
pub(crate) struct Place {
    pub(crate) store: Store,
    folder: Option<PathBuf>,
}

impl Place {
    /// Closes the store and opens it again.
    pub(crate) async fn reopened(mut self) -> Place {
        let (settings, folder) = (self.store.settings().clone(), self.folder.take());
        self.store.close().await;
        drop(self);
        loop {
            match Store::open(settings.clone()).await {
                Ok(store) => return Place { store, folder },
                // The lock is given back when the last clone has gone.
                Err(error) if error.to_string().contains("in use") => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

/// The address of a PostgreSQL server whose database the tests may fill.
#[allow(clippy::disallowed_methods)] // Tests may read the environment.
pub(crate) fn postgres_address() -> Option<String> {
    let address = std::env::var("CONTINUO_TEST_POSTGRES").ok();
    if address.is_none() {
        eprintln!("CONTINUO_TEST_POSTGRES names no server: not tested on PostgreSQL");
    }
    address
}

pub(crate) async fn postgres() -> Option<Place> {
    let address = postgres_address()?;
    let organisation = format!("test-{}", uuid::Uuid::new_v4());
    let store = Store::open(Settings { organisation, ..settings(&address) }).await.unwrap();
    Some(Place { store, folder: None })
}

pub(crate) fn settings(address: &str) -> Settings {
    let bases = BaseUrls::new(["http://here.example/fhir"]);
    Settings { organisation: "test".to_owned(), address: address.to_owned(), bases, ..Settings::default() }
}

pub(crate) async fn sqlite() -> Place {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("continuo-store-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = Store::open(settings(folder.join("store.db").to_str().unwrap())).await.unwrap();
    Place { store, folder: Some(folder) }
}

/// Every place there is.
pub(crate) async fn all() -> Vec<Place> {
    [Some(sqlite().await), postgres().await].into_iter().flatten().collect()
}

pub(crate) fn me() -> Caller {
    Caller::system("test")
}

/// 2026-11-22T12:00:00Z in microseconds.
pub(crate) const NOON: i64 = 1_795_348_800_000_000;

pub(crate) fn put(value: Value) -> Write {
    put_expecting(Expect::Anything, value)
}

pub(crate) fn put_expecting(expect: Expect, value: Value) -> Write {
    let id = value["id"].as_str().expect("test resources have ids");
    let key = Key::parse(&format!("{}/{id}", value["resourceType"].as_str().unwrap())).unwrap();
    Write { key, expect, change: Change::Put(Checked::trusted(value).unwrap()) }
}

pub(crate) async fn write(store: &Store, write: Write) -> StoreResult<Outcome> {
    Ok(store.commit(&me(), Batch::of("test", write), NOON).await?.remove(0))
}

pub(crate) async fn write_all(store: &Store, values: Vec<Value>) -> Vec<Outcome> {
    let writes = values.into_iter().map(put).collect();
    store.commit(&me(), Batch { writes, guards: Vec::new(), action: "test", ..Batch::default() }, NOON).await.unwrap()
}
