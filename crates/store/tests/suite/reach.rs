//! Who may see one patient's record sees nothing of another's, whatever way they ask.

use crate::dice::Dice;
use crate::people::people;
use crate::places::{NOON, all, me, put, write_all};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Id, Key, ResourceType};
use serde_json::json;
use store::{Batch, Caller, Everything, HistoryQuery, HistoryScope, PageQuery, Rights, StoreError};

#[tokio::test]
async fn a_patient_sees_their_own_record_and_nothing_of_others() {
    for place in all().await {
        let store = &place.store;
        write_all(store, people(&mut Dice(7))).await;
        write_all(store, vec![
            json!({"resourceType": "Patient", "id": "mine", "name": [{"family": "Mine"}], "link": [{"other": {"reference": "Patient/theirs"}, "type": "seealso"}]}),
            json!({"resourceType": "Patient", "id": "theirs", "name": [{"family": "Theirs"}]}),
            json!({"resourceType": "Observation", "id": "mine", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/mine"}, "hasMember": [{"reference": "Observation/theirs"}]}),
            json!({"resourceType": "Observation", "id": "theirs", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/theirs"}, "derivedFrom": [{"reference": "Observation/mine"}]}),
        ]).await;
        let caller = Caller { rights: Rights::patient(Id::parse("mine").unwrap()), ..Caller::system("portal") };
        let key = |text: &str| Key::parse(text).unwrap();
        // Read, versions, history.
        assert!(store.read(&caller, &key("Patient/mine")).await.is_ok());
        for hidden in ["Patient/theirs", "Observation/theirs", "Patient/patient1"] {
            assert!(matches!(store.read(&caller, &key(hidden)).await, Err(StoreError::NotFound(_))));
            assert!(store.vread(&caller, &key(hidden), "1").await.is_err());
            let scope = HistoryScope::Instance(key(hidden));
            assert!(
                store
                    .history(&caller, &HistoryQuery { scope, since: None, at: None, count: 9, cursor: None })
                    .await
                    .is_err()
            );
            assert!(store.everything(&caller, &Everything::of(key(hidden), 100)).await.is_err());
        }
        for scope in [HistoryScope::System, HistoryScope::Kind(ResourceType::parse("Patient").unwrap())] {
            let asked = HistoryQuery { scope, since: None, at: None, count: 9, cursor: None };
            let page = store.history(&caller, &asked).await.unwrap();
            assert!(page.total.is_none() && !page.versions.is_empty());
            assert!(page.versions.iter().all(|it| it.key.id.as_str() == "mine"), "{:?}", page.versions);
        }
        assert!(store.changes(&caller, 0, 10).await.is_err());
        let batch = Batch::of("test", put(json!({"resourceType": "Patient", "id": "mine"})));
        assert!(matches!(store.commit(&caller, batch, NOON).await, Err(StoreError::Forbidden)));
        // Searches of every form.
        let registry = store.registry();
        let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: NOON / 1000 };
        for (of, params) in [
            ("Patient", vec![]),
            ("Observation", vec![]),
            ("Patient", vec![("family", "theirs")]),
            ("Patient", vec![("_id", "theirs,mine")]),
            ("Observation", vec![("subject", "Patient/theirs")]),
            ("Observation", vec![("subject:Patient.family", "theirs")]),
            ("Patient", vec![("_has:Observation:subject:code:text", "x"), ("_sort", "-_lastUpdated")]),
            ("Patient", vec![("_include", "Patient:link"), ("_revinclude", "*")]),
            ("Observation", vec![("_include", "*"), ("_include:iterate", "*"), ("_revinclude:iterate", "*")]),
            ("Observation", vec![("_content", "x")]),
            ("Condition", vec![("_list", "list0")]),
            ("Patient", vec![("_total", "accurate"), ("_count", "1")]),
        ] {
            let params: Vec<_> = params.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let kind = ResourceType::parse(of).unwrap();
            let (query, _) = reading.query(&Scope::Type(kind), &params, Handling::Strict).unwrap();
            let found = store.find(&caller, &query, 100).await.unwrap();
            let page = PageQuery { query: query.clone(), default_count: 50, max_count: 50, cursor: None };
            let page = store.search(&caller, &page).await.unwrap();
            let all: Vec<Key> = page.entries.iter().map(|it| it.stored.key.clone()).chain(found).collect();
            assert!(all.iter().all(|key| key.id.as_str() == "mine"), "{of}?{params:?} shows {all:?}");
            assert!(page.total.is_none_or(|total| total <= 1), "{of}?{params:?} counts what is hidden");
            let last = store.last_n(&caller, &query, 3).await.unwrap();
            assert!(last.entries.iter().all(|it| it.stored.key.id.as_str() == "mine"));
        }
        let everything = store.everything(&caller, &Everything::of(key("Patient/mine"), 100)).await.unwrap();
        let names: Vec<String> = everything.entries.iter().map(|it| it.stored.key.to_string()).collect();
        assert_eq!(names, ["Patient/mine", "Observation/mine"]);
        assert!(store.everything(&me(), &Everything::of(key("Patient/theirs"), 100)).await.is_ok());
    }
}
