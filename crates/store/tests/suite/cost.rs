//! How long one search may run.

use crate::places::{me, settings, write_all};
use fhir::ResourceType;
use fhir::search::query::{Filter, Query, Sort, SortBy, Total};
use serde_json::json;
use std::time::{Duration, Instant};
use store::{PageQuery, Settings, Store, StoreError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_takes_too_long_is_refused_and_the_next_one_is_answered() {
    let folder = std::env::temp_dir().join(format!("continuo-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let address = folder.join("store.db").display().to_string();
    let store = Store::open(settings(&address)).await.unwrap();
    let patients = (0..5_000).map(
        |id| json!({"resourceType": "Patient", "id": format!("p{id}"), "birthDate": format!("{}", 1900 + id % 120)}),
    );
    write_all(&store, patients.collect()).await;
    let patient = ResourceType::parse("Patient").unwrap();
    let birthdate = store.registry().param(patient, "birthdate").unwrap().sources[0].slot;
    let sorted = Query {
        kinds: vec![patient],
        filter: Filter::everything(),
        sort: vec![Sort { by: SortBy::Slots(vec![birthdate]), descending: false }],
        total: Total::Accurate,
        ..Query::default()
    };
    let asked = PageQuery { query: sorted, default_count: 10, max_count: 10, cursor: None };
    assert_eq!(store.search(&me(), &asked).await.unwrap().total, Some(5_000));
    store.close().await;
    drop(store);

    let hasty = Settings { search_limit: Duration::ZERO, ..settings(&address) };
    let begun = Instant::now();
    let hasty = loop {
        // The lock is given back when the last clone has gone.
        match Store::open(hasty.clone()).await {
            Ok(store) => break store,
            Err(error) if begun.elapsed() > Duration::from_secs(10) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let refused = hasty.search(&me(), &asked).await.unwrap_err();
    assert!(matches!(&refused, StoreError::TooCostly(what) if what.contains("narrow")), "{refused}");
    assert_eq!(refused.kind().0, 422);
    // The connection that was stopped is as good as new.
    let key = fhir::Key::parse("Patient/p7").unwrap();
    for _ in 0..3 {
        assert_eq!(hasty.read(&me(), &key).await.unwrap().key, key);
    }
    assert!(hasty.stats(&me()).await.unwrap().rows["date"] >= 5_000);
    hasty.close().await;
    std::fs::remove_dir_all(&folder).ok();
}
