//! Writing, reading back, versions, conflicts, all or nothing.

use crate::places::{NOON, all, me, put, put_expecting, write, write_all};
use fhir::{Id, Key, ResourceType};
use serde_json::json;
use store::{Batch, Change, Done, Expect, HistoryQuery, HistoryScope, StoreError, Write};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

#[tokio::test]
async fn what_was_written_is_read_back_with_its_version() {
    for place in all().await {
        let store = &place.store;
        let patient = r#"{"resourceType": "Patient", "id": "a", "name": [{"family": "Núñez"}], "extension": [{"url": "http://x", "valueDecimal": 1.50}]}"#;
        let patient = serde_json::from_str(patient).unwrap();
        let outcome = write(store, put(patient)).await.unwrap();
        assert_eq!((outcome.version, outcome.done), (1, Done::Created));
        let stored = store.read(&me(), &key("Patient/a")).await.unwrap();
        assert_eq!(
            std::str::from_utf8(&stored.body).unwrap(),
            r#"{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2026-11-22T12:00:00.000Z"},"name":[{"family":"Núñez"}],"extension":[{"url":"http://x","valueDecimal":1.50}]}"#
        );
    }
}

#[tokio::test]
async fn saying_the_same_again_writes_nothing() {
    for place in all().await {
        let patient = json!({"resourceType": "Patient", "id": "a", "active": true});
        write(&place.store, put(patient.clone())).await.unwrap();
        let again = write(&place.store, put(patient)).await.unwrap();
        assert_eq!((again.version, again.done), (1, Done::Unchanged));
        let other =
            write(&place.store, put(json!({"resourceType": "Patient", "id": "a", "active": false}))).await.unwrap();
        assert_eq!((other.version, other.done), (2, Done::Updated));
    }
}

#[tokio::test]
async fn expectations_that_fail_refuse_the_whole_batch() {
    for place in all().await {
        let store = &place.store;
        let patient = |id: &str| json!({"resourceType": "Patient", "id": id});
        write(store, put(patient("a"))).await.unwrap();
        for expect in [Expect::Absent, Expect::Version(7)] {
            let writes = vec![
                put(patient("b")),
                put_expecting(expect, json!({"resourceType": "Patient", "id": "a", "active": true})),
            ];
            let refused =
                store.commit(&me(), Batch { writes, guards: vec![], action: "test", ..Batch::default() }, NOON).await;
            assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
            assert!(matches!(store.read(&me(), &key("Patient/b")).await, Err(StoreError::NotFound(_))));
        }
        assert!(write(store, put_expecting(Expect::Present, patient("c"))).await.is_err());
        let updated = put_expecting(Expect::Version(1), json!({"resourceType": "Patient", "id": "a", "active": true}));
        assert_eq!(write(store, updated).await.unwrap().version, 2);
    }
}

#[tokio::test]
async fn a_deleted_resource_is_gone_and_keeps_its_versions() {
    for place in all().await {
        let store = &place.store;
        write(store, put(json!({"resourceType": "Patient", "id": "a", "active": true}))).await.unwrap();
        let delete = || Write { key: key("Patient/a"), expect: Expect::Anything, change: Change::Delete };
        assert_eq!(write(store, delete()).await.unwrap().done, Done::Deleted);
        assert_eq!(write(store, delete()).await.unwrap().done, Done::NothingToDelete);
        assert!(matches!(store.read(&me(), &key("Patient/a")).await, Err(StoreError::Gone { version: 2, .. })));
        assert!(store.vread(&me(), &key("Patient/a"), "1").await.is_ok());
        assert!(matches!(store.vread(&me(), &key("Patient/a"), "2").await, Err(StoreError::Gone { .. })));
        assert!(matches!(store.vread(&me(), &key("Patient/a"), "3").await, Err(StoreError::NoSuchVersion { .. })));
        let back = write(store, put(json!({"resourceType": "Patient", "id": "a"}))).await.unwrap();
        assert_eq!((back.version, back.done), (3, Done::Created));
    }
}

#[tokio::test]
async fn history_is_paged_from_the_newest() {
    for place in all().await {
        let store = &place.store;
        for birth in 1950..1957 {
            write(store, put(json!({"resourceType": "Patient", "id": "a", "birthDate": birth.to_string()})))
                .await
                .unwrap();
        }
        write(store, put(json!({"resourceType": "Patient", "id": "b"}))).await.unwrap();
        for scope in [
            HistoryScope::Instance(key("Patient/a")),
            HistoryScope::Kind(ResourceType::parse("Patient").unwrap()),
            HistoryScope::System,
        ] {
            let wanted = if matches!(scope, HistoryScope::Instance(_)) { 7 } else { 8 };
            let mut query = HistoryQuery { scope, since: None, at: None, count: 3, cursor: None };
            let mut seen = Vec::new();
            let mut pages = 0;
            let mut back = None;
            loop {
                let page = store.history(&me(), &query).await.unwrap();
                seen.extend(page.versions.iter().map(|it| (it.key.clone(), it.version)));
                pages += 1;
                if page.next.is_none() {
                    back = page.previous.or(back);
                    break;
                }
                query.cursor = page.next;
            }
            assert_eq!((seen.len(), pages), (wanted, 3));
            let mut unique = seen.clone();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), wanted);
            query.cursor = back;
            let page = store.history(&me(), &query).await.unwrap();
            let page: Vec<_> = page.versions.iter().map(|it| (it.key.clone(), it.version)).collect();
            assert_eq!(page, seen[3..6]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_nothing() {
    for place in all().await {
        let mut tasks = Vec::new();
        for writer in 0..16 {
            let store = place.store.clone();
            tasks.push(tokio::spawn(async move {
                for number in 0..20 {
                    let id = format!("w{writer}-{number}");
                    let value = json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/shared"}});
                    write(&store, put(value)).await.unwrap();
                    let shared = json!({"resourceType": "Patient", "id": "shared", "birthDate": format!("19{:02}", writer), "active": number % 2 == 0});
                    write(&store, put(shared)).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let stats = place.store.stats(&me()).await.unwrap();
        assert_eq!(stats.resources["Observation"], 320);
        assert_eq!(place.store.verify(&me(), &|_, _| {}).await.unwrap(), []);
        let changes = place.store.changes(&me(), 0, 10_000).await.unwrap();
        assert_eq!(changes.len() as u64, stats.versions);
        assert!(changes.windows(2).all(|it| it[0].sequence + 1 == it[1].sequence));
    }
}

#[tokio::test]
async fn the_index_can_be_dropped_and_made_again() {
    for place in all().await {
        let store = &place.store;
        let mut values = Vec::new();
        for number in 0..30 {
            values.push(json!({"resourceType": "Patient", "id": format!("p{number}"), "name": [{"family": format!("Fam{number}")}]}));
            values.push(json!({"resourceType": "Observation", "id": format!("o{number}"), "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": number, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}, "subject": {"reference": format!("Patient/p{number}")}}));
        }
        write_all(store, values).await;
        write(store, put(json!({"resourceType": "Patient", "id": "p3", "name": [{"family": "Other"}]}))).await.unwrap();
        write(store, Write { key: key("Patient/p4"), expect: Expect::Anything, change: Change::Delete }).await.unwrap();
        assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
        let before = store.stats(&me()).await.unwrap();
        assert_eq!(store.reindex(&me(), &|_, _| {}).await.unwrap(), 59);
        let after = store.stats(&me()).await.unwrap();
        for table in ["token", "string", "reference", "date", "quantity", "term", "slot", "unit"] {
            assert_eq!(before.rows[table], after.rows[table], "{table}");
        }
        assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
        // And it goes on working.
        write(store, put(json!({"resourceType": "Patient", "id": "p5", "name": [{"family": "Later"}]}))).await.unwrap();
        assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
        assert!(Id::parse("p5").is_some());
    }
}

#[tokio::test]
async fn a_copy_can_go_back_to_any_moment() {
    for place in all().await {
        let store = &place.store;
        let at = |step: i64| NOON + step * 1_000_000;
        let put_at = async |step: i64, value| {
            store.commit(&me(), Batch::of("test", put(value)), at(step)).await.unwrap();
        };
        let patient =
            |id: &str, family: &str| json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]});
        put_at(0, patient("a", "First")).await;
        put_at(1, patient("b", "Stays")).await;
        put_at(2, patient("a", "Second")).await;
        let delete = Write { key: key("Patient/b"), expect: Expect::Anything, change: Change::Delete };
        store.commit(&me(), Batch::of("test", delete), at(3)).await.unwrap();
        put_at(4, patient("a", "Third")).await;
        put_at(5, patient("c", "New")).await;
        assert_eq!(store.rewind(&me(), at(2), &|_, _| {}).await.unwrap(), 3);
        let body = |it: store::Stored| String::from_utf8(it.body.to_vec()).unwrap();
        let a = store.read(&me(), &key("Patient/a")).await.unwrap();
        assert_eq!(a.version, 2);
        assert!(body(a).contains("Second"));
        assert!(body(store.read(&me(), &key("Patient/b")).await.unwrap()).contains("Stays"));
        assert!(matches!(store.read(&me(), &key("Patient/c")).await, Err(StoreError::NotFound(_))));
        assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
        put_at(6, patient("a", "Fourth")).await;
        assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    }
}
