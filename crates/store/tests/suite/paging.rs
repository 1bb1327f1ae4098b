//! Paging visits everything once while others write.

use crate::places::{all, me, put, write, write_all};
use fhir::search::query::{Filter, Query, Sort, SortBy};
use fhir::{Key, ResourceType};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Change, Expect, PageQuery, Write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_from_beginning_to_end_is_visited_once_while_others_write() {
    let patient =
        |id: String, birth: usize| json!({"resourceType": "Patient", "id": id, "birthDate": birth.to_string()});
    for place in all().await {
        let store = &place.store;
        write_all(store, (0..300).map(|at| patient(format!("stays{at}"), 1900 + at % 90)).collect()).await;
        write_all(store, (0..100).map(|at| patient(format!("goes{at}"), 1950)).collect()).await;
        let over = Arc::new(AtomicBool::new(false));
        let (writer, ended) = (store.clone(), over.clone());
        let busy = tokio::spawn(async move {
            let mut at = 0;
            while !ended.load(Ordering::Relaxed) {
                write(&writer, put(patient(format!("new{at}"), 1900 + at % 90))).await.unwrap();
                // What stays changes, but stays.
                write(&writer, put(patient(format!("stays{}", at % 300), 1900 + (at * 7) % 90))).await.unwrap();
                let key = Key::parse(&format!("Patient/goes{}", at % 100)).unwrap();
                write(&writer, Write { key, expect: Expect::Anything, change: Change::Delete }).await.unwrap();
                at += 1;
            }
            at
        });
        let slot =
            store.registry().param(ResourceType::parse("Patient").unwrap(), "birthdate").unwrap().sources[0].slot;
        for sort in [vec![], vec![Sort { by: SortBy::Slots(vec![slot]), descending: true }]] {
            let query = Query {
                sort,
                filter: Filter::everything(),
                ..Query::of(vec![ResourceType::parse("Patient").unwrap()])
            };
            let mut asked = PageQuery { query, default_count: 7, max_count: 7, cursor: None };
            let mut visits: BTreeMap<String, usize> = BTreeMap::new();
            loop {
                let page = store.search(&me(), &asked).await.unwrap();
                for entry in &page.entries {
                    *visits.entry(entry.stored.key.id.to_string()).or_default() += 1;
                }
                asked.cursor = page.next;
                if asked.cursor.is_none() {
                    break;
                }
            }
            assert!(visits.values().all(|count| *count == 1), "visited twice");
            let stayed = visits.keys().filter(|id| id.starts_with("stays")).count();
            assert_eq!(stayed, 300);
        }
        over.store(true, Ordering::Relaxed);
        assert!(busy.await.unwrap() > 0);
    }
}
