//! Records that are not FHIR: what lies on the shelves, who wins when two want to change one, what has expired.

use crate::places::{NOON, Place, all, me, put};
use bytes::Bytes;
use fhir::Key;
use serde_json::json;
use store::audit::Event;
use store::{Batch, Item, ItemChange, ItemExpect, Store, StoreError, StoreResult};

const SHELF: &str = "session";

fn session(name: &str, body: &str) -> ItemChange {
    ItemChange::put(SHELF, name, Bytes::from(body.to_owned()))
}

async fn keep(store: &Store, changes: Vec<ItemChange>) -> StoreResult<()> {
    store.keep(&me(), Event::of("sign-in"), changes, NOON).await
}

async fn there(store: &Store, name: &str) -> Option<Item> {
    store.item(SHELF, name, NOON).await.unwrap()
}

async fn body(store: &Store, name: &str) -> Option<Bytes> {
    there(store, name).await.map(|it| it.body)
}

#[tokio::test]
async fn what_is_kept_is_there_and_what_is_deleted_is_not() {
    for Place { store, .. } in &all().await {
        assert_eq!(there(store, "a").await, None);
        keep(store, vec![session("a", "{}").owned_by("user/1").until(NOON + 1)]).await.unwrap();
        let first = there(store, "a").await.unwrap();
        assert_eq!((&*first.shelf, &*first.name, &*first.owner, first.until), (SHELF, "a", "user/1", Some(NOON + 1)));
        assert_eq!(first.body, "{}");
        assert_eq!(store.item("credential", "a", NOON).await.unwrap(), None);
        keep(store, vec![session("a", "[1]")]).await.unwrap();
        let second = there(store, "a").await.unwrap();
        assert!(second.version > first.version);
        assert_eq!((&*second.body, &*second.owner, second.until), (&b"[1]"[..], "", None));
        keep(store, vec![ItemChange::delete(SHELF, "a"), ItemChange::delete(SHELF, "never there")]).await.unwrap();
        assert_eq!(there(store, "a").await, None);
        keep(store, vec![session("a", "3")]).await.unwrap();
        assert!(there(store, "a").await.unwrap().version > second.version, "a version came back");
    }
}

#[tokio::test]
async fn what_is_not_as_expected_is_refused() {
    for Place { store, .. } in &all().await {
        keep(store, vec![session("a", "1").expecting(ItemExpect::Absent)]).await.unwrap();
        let version = there(store, "a").await.unwrap().version;
        for wrong in [ItemExpect::Absent, ItemExpect::Version(version + 1), ItemExpect::Version(0)] {
            let refused = keep(store, vec![session("b", "0"), session("a", "2").expecting(wrong)]).await;
            assert!(matches!(refused, Err(StoreError::ItemConflict { shelf: SHELF, at: 1 })), "{wrong:?}");
        }
        assert_eq!(there(store, "b").await, None, "half of a refused change is there");
        let missing = ItemChange::delete(SHELF, "b").expecting(ItemExpect::Version(1));
        assert!(matches!(keep(store, vec![missing]).await, Err(StoreError::ItemConflict { at: 0, .. })));
        keep(store, vec![session("a", "2").expecting(ItemExpect::Version(version))]).await.unwrap();
        assert_eq!(body(store, "a").await.unwrap(), "2");
        // Later changes of one commit see the earlier ones.
        let again = session("c", "2").expecting(ItemExpect::Absent);
        let twice = vec![session("c", "1"), again.clone()];
        assert!(matches!(keep(store, twice).await, Err(StoreError::ItemConflict { at: 1, .. })));
        keep(store, vec![session("c", "1"), ItemChange::delete(SHELF, "c"), again]).await.unwrap();
        assert_eq!(body(store, "c").await.unwrap(), "2");
    }
}

#[tokio::test]
async fn records_and_resources_are_written_together_or_not_at_all() {
    for Place { store, .. } in &all().await {
        let patient = || put(json!({"resourceType": "Patient", "id": "p"}));
        let key = Key::parse("Patient/p").unwrap();
        let batch = |expect| Batch {
            writes: vec![patient()],
            items: vec![session("invited", "{}").expecting(expect)],
            action: "invite",
            ..Batch::default()
        };
        let refused = store.commit(&me(), batch(ItemExpect::Version(1)), NOON).await;
        assert!(matches!(refused, Err(StoreError::ItemConflict { .. })));
        assert!(matches!(store.read(&me(), &key).await, Err(StoreError::NotFound(_))));
        store.commit(&me(), batch(ItemExpect::Absent), NOON).await.unwrap();
        assert!(store.read(&me(), &key).await.is_ok() && there(store, "invited").await.is_some());
        let stale =
            crate::places::put_expecting(store::Expect::Version(7), json!({"resourceType": "Patient", "id": "p"}));
        let batch = Batch { writes: vec![stale], items: vec![session("other", "{}")], ..Batch::default() };
        assert!(matches!(store.commit(&me(), batch, NOON).await, Err(StoreError::Conflict { .. })));
        assert_eq!(there(store, "other").await, None);
    }
}

#[tokio::test]
async fn what_has_expired_is_absent_for_everyone() {
    for Place { store, .. } in &all().await {
        keep(store, vec![session("a", "1").owned_by("user/1").until(NOON + 10)]).await.unwrap();
        for (now, is_there) in [(NOON + 9, true), (NOON + 10, false), (NOON + 11, false)] {
            assert_eq!(store.item(SHELF, "a", now).await.unwrap().is_some(), is_there);
            assert_eq!(store.items(SHELF, None, None, 10, now).await.unwrap().len(), usize::from(is_there));
            assert_eq!(store.items(SHELF, Some("user/1"), None, 10, now).await.unwrap().len(), usize::from(is_there));
        }
        let later = NOON + 10;
        let anew = session("a", "2").expecting(ItemExpect::Absent);
        store.keep(&me(), Event::of("sign-in"), vec![anew], later).await.unwrap();
        assert_eq!(body(store, "a").await.unwrap(), "2");
    }
}

#[tokio::test]
async fn expired_records_are_taken_away() {
    for Place { store, .. } in &all().await {
        let many = (0..1_500).map(|it| session(&format!("n{it}"), "1").until(NOON + 10)).collect();
        keep(store, many).await.unwrap();
        keep(store, vec![session("stays", "1")]).await.unwrap();
        let after_a_day = NOON + 86_400_000_000;
        for name in ["x", "y", "z"] {
            store.keep(&me(), Event::of("sign-in"), vec![session(name, "1")], after_a_day).await.unwrap();
        }
        // Seen with the eyes of that time, none is left.
        let left = store.items(SHELF, None, None, 5_000, NOON).await.unwrap();
        let names: Vec<&str> = left.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["stays", "x", "y", "z"]);
    }
}

#[tokio::test]
async fn a_shelf_is_listed_in_order_by_owner_and_in_pages() {
    for Place { store, .. } in &all().await {
        let of = |name: &str, owner: &str| session(name, "1").owned_by(owner);
        keep(store, vec![of("d", "user/1"), of("b", "user/2"), of("a", "user/1"), of("c", "user/1")]).await.unwrap();
        let listed = async |owner: Option<&str>, after: Option<&str>, limit| -> Vec<String> {
            let items = store.items(SHELF, owner, after, limit, NOON).await.unwrap();
            items.into_iter().map(|it| it.name).collect()
        };
        assert_eq!(listed(None, None, 10).await, ["a", "b", "c", "d"]);
        assert_eq!(listed(Some("user/1"), None, 2).await, ["a", "c"]);
        assert_eq!(listed(Some("user/1"), Some("c"), 2).await, ["d"]);
        assert!(listed(Some("user/3"), None, 2).await.is_empty());
        assert!(store.items("user", None, None, 10, NOON).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn records_survive_closing() {
    for place in all().await {
        keep(&place.store, vec![session("a", "kept")]).await.unwrap();
        let before = there(&place.store, "a").await;
        let Place { store, .. } = &place.reopened().await;
        assert_eq!(there(store, "a").await, before);
        let expected = ItemExpect::Version(before.unwrap().version);
        keep(store, vec![session("a", "changed").expecting(expected)]).await.unwrap();
        assert_eq!(body(store, "a").await.unwrap(), "changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_a_name_one_gets_it() {
    for Place { store, .. } in &all().await {
        let tasks: Vec<_> = (0..100)
            .map(|at| {
                let store = store.clone();
                tokio::spawn(async move {
                    keep(&store, vec![session("code", &at.to_string()).expecting(ItemExpect::Absent)]).await
                })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => winners += 1,
                Err(error) => assert!(matches!(error, StoreError::ItemConflict { .. }), "{error}"),
            }
        }
        assert_eq!(winners, 1);
    }
}
