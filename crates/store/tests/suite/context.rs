//! A file is as secret as what it belongs to, whatever way it is asked for.

use crate::places::{NOON, all, me, put, write_all};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Id, Key, ResourceType};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Action, Actions, Batch, Caller, Grant, Kinds, Layer, PageQuery, Rights, StoreError, Veil, Within};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn caller(rights: Arc<Rights>) -> Caller {
    Caller { rights, ..Caller::system("test") }
}

/// Everything of these patients and of nobody, to look at and to write.
fn of(patients: &[&str], veils: Vec<Veil>) -> Caller {
    let ids = patients.iter().map(|it| Id::parse(it).unwrap()).collect();
    let within = Within::Any(vec![Within::Of(Arc::new(ids)), Within::OfNobody]);
    let grant = Grant { kinds: Kinds::all(), actions: Actions::ALL, within };
    let layer = Layer { name: "treats".into(), grants: vec![grant] };
    caller(Arc::new(Rights::new(vec![layer], veils, BTreeSet::new())))
}

#[tokio::test]
async fn a_file_is_read_by_those_alone_who_may_read_what_it_belongs_to() {
    for place in all().await {
        let store = &place.store;
        let document = |id: &str, patient: &str| {
            json!({"resourceType": "DocumentReference", "id": id, "status": "current",
                "subject": {"reference": format!("Patient/{patient}")}, "content": [{"attachment": {"url": format!("Binary/{id}")}}]})
        };
        let file = |id: &str, context: &str| {
            let mut file = json!({"resourceType": "Binary", "id": id, "contentType": "text/plain", "data": "eA=="});
            if !context.is_empty() {
                file["securityContext"] = json!({ "reference": context });
            }
            file
        };
        write_all(
            store,
            vec![
                json!({"resourceType": "Patient", "id": "mine"}),
                json!({"resourceType": "Patient", "id": "theirs"}),
                json!({"resourceType": "Organization", "id": "lab", "name": "Laboratory"}),
                document("mine-document", "mine"),
                document("theirs-document", "theirs"),
                file("mine", "Patient/mine"),
                file("theirs", "Patient/theirs"),
                file("mine-document", "DocumentReference/mine-document"),
                file("theirs-document", "DocumentReference/theirs-document"),
                file("nobody", ""),
                file("lost", "Patient/nowhere"),
                file("elsewhere", "https://elsewhere.example/Patient/mine"),
                file("organization", "Organization/lab"),
            ],
        )
        .await;
        let secret = key("DocumentReference/mine-document");
        let hides = Within::Matching(fhir::search::query::Filter::Keys([secret].into()));
        let veil = Veil { rule: "label/test".into(), kinds: Kinds::all(), hides, names: BTreeMap::new() };
        let denied = Within::OnlyOf(Arc::new([Id::parse("mine").unwrap()].into_iter().collect()));
        let denied = Veil { rule: "consent/test".into(), kinds: Kinds::all(), hides: denied, names: BTreeMap::new() };
        let every =
            ["mine", "theirs", "mine-document", "theirs-document", "nobody", "lost", "elsewhere", "organization"];
        for (name, caller, seen) in [
            ("everything", me(), every.to_vec()),
            ("the patient", caller(Rights::patient(Id::parse("mine").unwrap())), vec!["mine", "mine-document"]),
            ("who treats", of(&["mine"], Vec::new()), vec!["mine", "mine-document", "nobody"]),
            ("with a label", of(&["mine"], vec![veil]), vec!["mine", "nobody"]),
            ("with a denial", of(&["mine", "theirs"], vec![denied]), vec!["theirs", "theirs-document", "nobody"]),
            ("who treats nobody", of(&[], Vec::new()), vec!["nobody"]),
        ] {
            for id in every {
                let file = key(&format!("Binary/{id}"));
                let read = store.read(&caller, &file).await;
                assert_eq!(read.is_ok(), seen.contains(&id), "{name} reads {id}: {read:?}");
                assert_eq!(
                    store.vread(&caller, &file, "1").await.is_ok(),
                    seen.contains(&id),
                    "{name}: version of {id}"
                );
            }
            let registry = store.registry();
            let reading =
                Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: NOON / 1000 };
            let binary = ResourceType::parse("Binary").unwrap();
            let (query, _) = reading.query(&Scope::Type(binary), &[], Handling::Strict).unwrap();
            let page = PageQuery { query, default_count: 50, max_count: 50, cursor: None };
            let page = store.search(&caller, &page).await.unwrap();
            let mut found: Vec<&str> = page.entries.iter().map(|it| it.stored.key.id.as_str()).collect();
            found.sort_unstable();
            let mut seen = seen.clone();
            seen.sort_unstable();
            assert_eq!(found, seen, "{name} finds");
        }
        // Nor may a file be written over, or put beside what cannot be seen.
        let who = of(&["mine"], Vec::new());
        for wrong in [
            file("theirs", "Patient/mine"),
            file("new", "Patient/theirs"),
            file("new", "DocumentReference/theirs-document"),
        ] {
            let batch = Batch::of("test", put(wrong));
            let refused = store.commit(&who, batch, NOON).await;
            let hidden = matches!(
                refused,
                Err(StoreError::Forbidden | StoreError::NotFound(_) | StoreError::UnknownReference { .. })
            );
            assert!(hidden, "{refused:?}");
        }
        let registry = store.registry();
        let binary = ResourceType::parse("Binary").unwrap();
        assert_eq!(me().rights.permit(&registry, binary, Action::Read), store::Permit::Always);
    }
}
