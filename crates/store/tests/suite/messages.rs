//! The log of messages: written with what they changed or not at all, and found again by what people ask.

use crate::places::{NOON, Place, all, me, put};
use bytes::Bytes;
use fhir::Key;
use serde_json::json;
use store::{Batch, Heading, ItemExpect, Logged, MessageChange, MessageQuery, StoreError};

fn message(id: &str, at: i64, state: &str) -> Logged {
    let heading = Heading {
        id: id.into(),
        version: 0,
        at: NOON + at,
        channel: "lab".into(),
        state: state.into(),
        kind: "ORU^R01".into(),
        control: format!("c-{id}"),
        sender: "LAB|LAKE".into(),
        patient: Some("ana".into()),
        cause: (state == "failed").then(|| "no PID".to_owned()),
        size: 3,
        ..Heading::default()
    };
    Logged { heading, head: Bytes::from_static(b"{}"), raw: Bytes::from_static(b"MSH\x00\xff") }
}

fn new(id: &str, at: i64, state: &str) -> MessageChange {
    MessageChange { message: message(id, at, state), expect: ItemExpect::Absent }
}

#[tokio::test]
async fn a_message_and_what_it_changed_are_written_together_or_not_at_all() {
    for Place { store, .. } in &all().await {
        let batch = |id: &str| Batch {
            writes: vec![put(json!({"resourceType": "Patient", "id": id}))],
            messages: vec![new("a", 0, "done")],
            action: "message",
            ..Batch::default()
        };
        store.commit(&me(), batch("ana"), NOON).await.unwrap();
        let there = store.message("a").await.unwrap().unwrap();
        assert_eq!((&there.raw[..], there.heading.patient.as_deref()), (&b"MSH\x00\xff"[..], Some("ana")));
        let again = store.commit(&me(), batch("ben"), NOON).await;
        assert!(matches!(again, Err(StoreError::ItemConflict { shelf: "message", at: 0 })));
        assert!(store.read(&me(), &Key::parse("Patient/ben").unwrap()).await.is_err());
        let version = there.heading.version;
        let stale = MessageChange { message: message("a", 0, "failed"), expect: ItemExpect::Version(version + 1) };
        assert!(store.log(&me(), "replay", vec![stale], NOON).await.is_err());
        let next = MessageChange { message: message("a", 0, "failed"), expect: ItemExpect::Version(version) };
        store.log(&me(), "replay", vec![next], NOON).await.unwrap();
        let there = store.message("a").await.unwrap().unwrap().heading;
        assert!(there.version > version && there.cause.as_deref() == Some("no PID"));
        assert_eq!(store.message("b").await.unwrap(), None);
    }
}

#[tokio::test]
async fn messages_are_found_by_what_people_ask_in_pages() {
    for Place { store, .. } in &all().await {
        let many = (0..25).map(|it| new(&format!("m{it:02}"), it, if it % 5 == 0 { "failed" } else { "done" }));
        store.log(&me(), "message", many.collect(), NOON).await.unwrap();
        let adt = Heading { kind: "ADT^A08".into(), channel: "ward".into(), ..message("x", 99, "done").heading };
        let adt = MessageChange { message: Logged { heading: adt, ..message("x", 0, "") }, expect: ItemExpect::Absent };
        store.log(&me(), "message", vec![adt], NOON).await.unwrap();
        let asked = async |query: MessageQuery, limit| {
            let found = store.messages(&query, limit).await.unwrap();
            found.into_iter().map(|it| it.id).collect::<Vec<_>>()
        };
        let failed = MessageQuery { state: Some("failed".into()), ..MessageQuery::default() };
        assert_eq!(asked(failed.clone(), 10).await, ["m20", "m15", "m10", "m05", "m00"]);
        assert_eq!(asked(failed.clone(), 2).await, ["m20", "m15"]);
        let next = MessageQuery { before: Some((NOON + 15, "m15".into())), ..failed.clone() };
        assert_eq!(asked(next, 2).await, ["m10", "m05"]);
        let first = MessageQuery { oldest_first: true, before: Some((NOON + 5, "m05".into())), ..failed };
        assert_eq!(asked(first, 2).await, ["m10", "m15"]);
        for (kind, count) in [("ORU^R01", 25), ("ORU", 25), ("OR", 0), ("ADT", 1)] {
            let query = MessageQuery { kind: Some(kind.into()), ..MessageQuery::default() };
            assert_eq!(asked(query, 100).await.len(), count, "{kind}");
        }
        let query = MessageQuery {
            channel: Some("lab".into()),
            patient: Some("ana".into()),
            control: Some("c-m07".into()),
            from: Some(NOON),
            until: Some(NOON + 8),
            ..MessageQuery::default()
        };
        assert_eq!(asked(query.clone(), 100).await, ["m07"]);
        assert!(asked(MessageQuery { until: Some(NOON + 7), ..query }, 100).await.is_empty());
        let counts = store.message_counts().await.unwrap();
        let told: Vec<_> = counts.iter().map(|it| (&*it.channel, &*it.state, it.cause.as_deref(), it.count)).collect();
        let expected = [("lab", "done", None, 20), ("lab", "failed", Some("no PID"), 5), ("ward", "done", None, 1)];
        assert_eq!(told, expected);
        assert_eq!((counts[1].first, counts[1].last), (NOON, NOON + 20));
        assert_eq!(store.message_kinds().await.unwrap(), ["ADT^A08", "ORU^R01"]);
    }
}

#[tokio::test]
async fn what_waits_to_be_sent_is_found_in_its_order_and_no_longer_when_it_was_sent() {
    for Place { store, .. } in &all().await {
        let waiting = |id: &str, at: i64, due: Option<i64>| {
            let mut message = message(id, at, if due.is_some() { "waiting" } else { "sent" });
            (message.heading.outgoing, message.heading.due) = (true, due);
            MessageChange { message, expect: ItemExpect::Anything }
        };
        let rows = vec![waiting("b", 2, Some(9)), waiting("a", 1, Some(7)), new("in", 0, "done")];
        store.log(&me(), "message", rows, NOON).await.unwrap();
        let query = MessageQuery { waiting: true, oldest_first: true, ..MessageQuery::default() };
        let found = store.messages(&query, 10).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| (it.id.as_str(), it.due, it.outgoing)).collect();
        assert_eq!(found, [("a", Some(7), true), ("b", Some(9), true)]);
        store.log(&me(), "message", vec![waiting("a", 1, None)], NOON).await.unwrap();
        assert_eq!(store.messages(&query, 10).await.unwrap().len(), 1);
        let went = MessageQuery { outgoing: Some(true), ..MessageQuery::default() };
        let came = MessageQuery { outgoing: Some(false), ..MessageQuery::default() };
        assert_eq!(store.messages(&went, 10).await.unwrap().len(), 2);
        assert_eq!(store.messages(&came, 10).await.unwrap()[0].id, "in");
    }
}
