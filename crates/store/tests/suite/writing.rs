//! Who may write some may write nothing else: not what is hidden, not into another record, not a reference to what
//! they may not read; and they learn nothing by trying.

use crate::places::{NOON, Place, all, me, put, put_expecting, write, write_all};
use fhir::search::query::{Filter, ReferenceTest, Source, Test, TokenTest};
use fhir::search::row::Target;
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{
    Actions, Batch, Caller, Change, Done, Expect, Grant, HistoryQuery, HistoryScope, Kinds, Layer, Outcome, PageQuery,
    Rights, StoreError, StoreResult, Veil, Within, Write,
};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn grant(kinds: Kinds, actions: &str, within: Within) -> Grant {
    Grant { kinds, actions: Actions::parse(actions).unwrap(), within }
}

fn kinds(names: &[&str]) -> Kinds {
    names.iter().map(|name| ResourceType::parse(name).unwrap()).collect()
}

fn caller(grants: Vec<Grant>, veils: Vec<Veil>) -> Caller {
    let rights = Rights::new(vec![Layer { name: "test".into(), grants }], veils, BTreeSet::new());
    Caller { rights: Arc::new(rights), who: "user/some".into(), ..Caller::system("some") }
}

fn own(id: &str) -> Within {
    Within::Patients(vec![Id::parse(id).unwrap()])
}

/// May do everything with what is theirs, and read practitioners.
fn patient(id: &str) -> Caller {
    let staff = grant(kinds(&["Practitioner"]), "rs", Within::Organisation);
    caller(vec![grant(Kinds::all(), "cruds", own(id)), staff], Vec::new())
}

fn observation(id: &str, subject: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
        "subject": {"reference": subject}})
}

async fn filled(place: &Place) {
    let patient = |id: &str| json!({"resourceType": "Patient", "id": id});
    write_all(
        &place.store,
        vec![
            patient("mine"),
            patient("theirs"),
            json!({"resourceType": "Practitioner", "id": "doctor"}),
            observation("mine", "Patient/mine"),
            observation("theirs", "Patient/theirs"),
        ],
    )
    .await;
}

async fn try_write(place: &Place, caller: &Caller, write: Write) -> StoreResult<Outcome> {
    Ok(place.store.commit(caller, Batch::of("test", write), NOON).await?.remove(0))
}

fn new(value: Value) -> Write {
    put_expecting(Expect::New, value)
}

fn delete(of: &str, expect: Expect) -> Write {
    Write { key: key(of), expect, change: Change::Delete }
}

#[tokio::test]
async fn a_patient_writes_into_their_own_record_alone() {
    for place in all().await {
        filled(&place).await;
        let caller = patient("mine");
        let made = try_write(&place, &caller, new(observation("a", "Patient/mine"))).await.unwrap();
        assert_eq!(made.done, Done::Created);
        let forbidden = |done: StoreResult<Outcome>| assert!(matches!(done, Err(StoreError::Forbidden)), "{done:?}");
        forbidden(try_write(&place, &caller, new(observation("b", "Patient/theirs"))).await);
        forbidden(try_write(&place, &caller, new(observation("b", "Patient/nobody"))).await);
        forbidden(try_write(&place, &caller, new(json!({"resourceType": "Practitioner", "id": "b"}))).await);
        // Not out of the record either.
        forbidden(try_write(&place, &caller, put(observation("mine", "Patient/theirs"))).await);
        let mut changed = observation("mine", "Patient/mine");
        changed["performer"] = json!([{"reference": "Practitioner/doctor"}]);
        assert_eq!(try_write(&place, &caller, put(changed)).await.unwrap().version, 2);
        let gone = try_write(&place, &caller, delete("Observation/a", Expect::Anything)).await.unwrap();
        assert_eq!(gone.done, Done::Deleted);
        assert_eq!(place.store.read(&me(), &key("Observation/theirs")).await.unwrap().version, 1);
    }
}

#[tokio::test]
async fn by_writing_nobody_finds_out_what_is_there() {
    for place in all().await {
        filled(&place).await;
        let caller = patient("mine");
        let told = |done: StoreResult<Outcome>, id: &str| {
            let error = done.unwrap_err();
            format!("{:?} {}", error.kind(), error.to_string().replace(id, "*"))
        };
        let expects = [Expect::Anything, Expect::Absent, Expect::Present, Expect::Version(1), Expect::Version(9)];
        for expect in expects {
            for owner in ["Patient/mine", "Patient/theirs"] {
                let hidden = try_write(&place, &caller, put_expecting(expect, observation("theirs", owner))).await;
                let absent = try_write(&place, &caller, put_expecting(expect, observation("nobody", owner))).await;
                assert_eq!(told(hidden, "theirs"), told(absent, "nobody"), "{expect:?}");
            }
            let hidden = try_write(&place, &caller, delete("Observation/theirs", expect)).await;
            let absent = try_write(&place, &caller, delete("Observation/nobody", expect)).await;
            assert_eq!(told(hidden, "theirs"), told(absent, "nobody"), "delete {expect:?}");
        }
        // What was deleted is as absent as what never was.
        write(&place.store, delete("Observation/theirs", Expect::Anything)).await.unwrap();
        for of in ["Observation/theirs", "Observation/nobody"] {
            let read = place.store.read(&caller, &key(of)).await;
            assert!(matches!(read, Err(StoreError::NotFound(_))), "{read:?}");
        }
        // References to what is hidden and to what is absent are refused in the same words.
        for other in ["Observation/theirs", "Observation/nobody", "Patient/theirs", "Patient/nobody", "Group/nobody"] {
            let mut value = observation("c", "Patient/mine");
            value["note"] = json!([{"authorReference": {"reference": other}}]);
            let error = try_write(&place, &caller, new(value)).await.unwrap_err();
            assert_eq!(error.kind().0, 422);
            assert_eq!(
                error.to_string(),
                "Observation.note[0].authorReference refers to a resource that is not known here"
            );
        }
        // Of a type that may be read as a whole, nothing is hidden.
        let mut value = observation("c", "Patient/mine");
        value["performer"] = json!([{"reference": "Practitioner/not-yet"}]);
        assert!(try_write(&place, &caller, new(value)).await.is_ok());
    }
}

#[tokio::test]
async fn a_reference_may_lead_into_the_same_batch_or_stay_where_it_was() {
    for place in all().await {
        filled(&place).await;
        let caller = patient("mine");
        let mut member = observation("panel", "Patient/mine");
        member["hasMember"] = json!([{"reference": "Observation/part"}]);
        let writes = vec![new(member), new(observation("part", "Patient/mine"))];
        assert!(place.store.commit(&caller, Batch { writes, action: "test", ..Batch::default() }, NOON).await.is_ok());
        // One bad entry refuses all.
        let writes = vec![new(observation("fine", "Patient/mine")), new(observation("bad", "Patient/theirs"))];
        let refused = place.store.commit(&caller, Batch { writes, action: "test", ..Batch::default() }, NOON).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)));
        assert!(place.store.read(&me(), &key("Observation/fine")).await.is_err());
        // Others pointed from here at what this patient may not read.
        let mut theirs = observation("mine", "Patient/mine");
        theirs["derivedFrom"] = json!([{"reference": "Observation/theirs"}]);
        write(&place.store, put(theirs.clone())).await.unwrap();
        theirs["status"] = "amended".into();
        assert_eq!(try_write(&place, &caller, put(theirs.clone())).await.unwrap().version, 3);
        theirs["derivedFrom"] = json!([{"reference": "Observation/nobody"}]);
        assert!(try_write(&place, &caller, put(theirs)).await.is_err());
    }
}

fn labelled(registry: &fhir::search::Registry, code: &str) -> Veil {
    let sources: Vec<Source> =
        registry.param(ResourceType::parse("Observation").unwrap(), "_security").unwrap().sources.clone();
    let tests = vec![Test::Token(TokenTest::Coding { system: Some("urn:labels".into()), code: code.into() })];
    Veil {
        rule: format!("label/{code}").into(),
        kinds: Kinds::all(),
        hides: Filter::Row { sources, tests }.into(),
        names: BTreeMap::new(),
    }
}

#[tokio::test]
async fn a_label_hides_from_writers_too_and_may_be_set() {
    for place in all().await {
        filled(&place).await;
        let staff = || vec![grant(Kinds::all(), "cruds", Within::Organisation)];
        let nurse = caller(staff(), vec![labelled(&place.store.registry(), "secret")]);
        let mut secret = observation("mine", "Patient/mine");
        secret["meta"] = json!({"security": [{"system": "urn:labels", "code": "secret"}]});
        // Nobody is kept from closing what is open; from then on it is gone for them.
        assert!(try_write(&place, &nurse, put(secret)).await.is_ok());
        let read = place.store.read(&nurse, &key("Observation/mine")).await;
        assert!(matches!(read, Err(StoreError::NotFound(_))), "{read:?}");
        // Also the versions from before it was closed.
        assert!(place.store.vread(&nurse, &key("Observation/mine"), "1").await.is_err());
        let refused = try_write(&place, &nurse, put(observation("mine", "Patient/mine"))).await;
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
        // When somebody opens it again, the closed version stays closed.
        write(&place.store, put(observation("mine", "Patient/mine"))).await.unwrap();
        let versions: Vec<bool> =
            futures::future::join_all(["1", "2", "3"].map(|version| async move { version }).map(|version| async {
                place.store.vread(&nurse, &key("Observation/mine"), version.await).await.is_ok()
            }))
            .await;
        assert_eq!(versions, [true, false, true]);
        let scope = HistoryScope::Instance(key("Observation/mine"));
        for count in [1, 2, 50] {
            let mut asked = HistoryQuery { scope: scope.clone(), since: None, at: None, count, cursor: None };
            let mut seen = Vec::new();
            loop {
                let page = place.store.history(&nurse, &asked).await.unwrap();
                assert_eq!(page.total, None);
                seen.extend(page.versions.iter().map(|it| it.version));
                asked.cursor = page.next;
                if asked.cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, [3, 1], "pages of {count}");
        }
    }
}

#[tokio::test]
async fn the_history_of_what_moved_shows_each_patient_their_own() {
    for place in all().await {
        filled(&place).await;
        // It was filed under the wrong patient, was put right, deleted, and made anew.
        write(&place.store, put(observation("moved", "Patient/theirs"))).await.unwrap();
        write(&place.store, delete("Observation/moved", Expect::Anything)).await.unwrap();
        write(&place.store, put(observation("moved", "Patient/mine"))).await.unwrap();
        write(&place.store, delete("Observation/moved", Expect::Anything)).await.unwrap();
        write(&place.store, put(observation("moved", "Patient/mine"))).await.unwrap();
        let listed = async |caller: &Caller, scope: HistoryScope| {
            let asked = HistoryQuery { scope, since: None, at: None, count: 50, cursor: None };
            let page = place.store.history(caller, &asked).await?;
            let moved = page.versions.iter().filter(|it| it.key.id.as_str() == "moved");
            Ok::<_, StoreError>(moved.map(|it| (it.version, it.deleted)).collect::<Vec<_>>())
        };
        let (mine, theirs) = (patient("mine"), patient("theirs"));
        for scope in [
            HistoryScope::Instance(key("Observation/moved")),
            HistoryScope::Kind(ResourceType::parse("Observation").unwrap()),
            HistoryScope::System,
        ] {
            assert_eq!(listed(&mine, scope.clone()).await.unwrap(), [(5, false), (4, true), (3, false)]);
            match scope {
                HistoryScope::Instance(_) => assert!(listed(&theirs, scope).await.is_err()),
                scope => assert_eq!(listed(&theirs, scope).await.unwrap(), []),
            }
        }
        let by_version = |answer: StoreResult<_>| match answer {
            Ok(_) => 200,
            Err(error) => error.kind().0,
        };
        let mut told = Vec::new();
        for version in ["1", "2", "3", "4", "5", "6", "x"] {
            told.push(by_version(place.store.vread(&mine, &key("Observation/moved"), version).await));
            assert_eq!(by_version(place.store.vread(&theirs, &key("Observation/moved"), version).await), 404);
        }
        assert_eq!(told, [404, 404, 200, 410, 200, 404, 404]);
    }
}

#[tokio::test]
async fn rights_that_shrink_between_pages_show_no_more() {
    for place in all().await {
        let patients =
            (0..40).map(|at| json!({"resourceType": "Patient", "id": format!("p{at}"), "birthDate": "1970"}));
        write_all(&place.store, patients.collect()).await;
        let all_of_them = || vec![grant(Kinds::all(), "rs", Within::Organisation)];
        let ids = Within::Patients((0..40).step_by(4).map(|at| Id::parse(&format!("p{at}")).unwrap()).collect());
        let (before, after) = (caller(all_of_them(), vec![]), caller(vec![grant(Kinds::all(), "rs", ids)], vec![]));
        let registry = place.store.registry();
        let slots = registry.param(ResourceType::parse("Patient").unwrap(), "birthdate").unwrap().sources[0].slot;
        for sorted in [false, true] {
            let by = fhir::search::query::SortBy::Slots(vec![slots]);
            let sort = sorted.then_some(fhir::search::query::Sort { by, descending: false }).into_iter().collect();
            let query = fhir::search::query::Query {
                kinds: vec![ResourceType::parse("Patient").unwrap()],
                sort,
                ..Default::default()
            };
            let mut asked = PageQuery { query, default_count: 10, max_count: 10, cursor: None };
            let first = place.store.search(&before, &asked).await.unwrap();
            assert_eq!(first.entries.len(), 10);
            let shown: BTreeSet<String> = first.entries.iter().map(|it| it.stored.key.to_string()).collect();
            let mut seen = Vec::new();
            asked.cursor = first.next;
            while asked.cursor.is_some() {
                let page = place.store.search(&after, &asked).await.unwrap();
                assert_ne!(page.total, Some(40), "a count of what is hidden now");
                seen.extend(page.entries.into_iter().map(|it| it.stored.key.to_string()));
                asked.cursor = page.next;
            }
            let still = (0..40).step_by(4).map(|at| format!("Patient/p{at}"));
            let expected: BTreeSet<String> = still.filter(|it| !shown.contains(it)).collect();
            assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected, "sorted: {sorted}");
        }
    }
}

#[tokio::test]
async fn a_write_that_was_judged_is_judged_again_when_others_were_faster() {
    let place = crate::places::sqlite().await;
    filled(&place).await;
    let caller = patient("mine");
    // Somebody moves the resource to and fro while the patient keeps writing to it.
    let store = place.store.clone();
    let mover = tokio::spawn(async move {
        for at in 0..200 {
            let owner = ["Patient/theirs", "Patient/mine"][at % 2];
            let mut value = observation("mine", owner);
            value["issued"] = format!("2026-01-01T00:00:00.{:03}Z", at).into();
            write(&store, put(value)).await.unwrap();
        }
    });
    let (mut written, mut refused) = (0, 0);
    while !mover.is_finished() {
        let mut value = observation("mine", "Patient/mine");
        value["comment"] = format!("{}", written + refused).into();
        match try_write(&place, &caller, put(value)).await {
            Ok(outcome) => {
                written += 1;
                // What it replaced was the patient's own.
                let before =
                    place.store.vread(&me(), &key("Observation/mine"), &(outcome.version - 1).to_string()).await;
                assert_eq!(before.unwrap().value()["subject"]["reference"], "Patient/mine");
            }
            // Refused at once: the other must have a chance to go on.
            Err(StoreError::NotFound(_) | StoreError::Conflict { .. }) => {
                refused += 1;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    mover.await.unwrap();
    assert!(written > 0 && refused > 0, "{written} written, {refused} refused");
}

#[tokio::test]
async fn what_concerns_the_whole_store_is_for_those_who_operate_it() {
    for place in all().await {
        filled(&place).await;
        let store = &place.store;
        let staff = caller(vec![grant(Kinds::all(), "cruds", Within::Organisation)], Vec::new());
        let may: BTreeSet<Arc<str>> = ["operate".into()].into();
        let operator = Caller { rights: Arc::new(Rights::new(Vec::new(), Vec::new(), may)), ..staff.clone() };
        assert!(matches!(store.stats(&staff).await, Err(StoreError::Forbidden)));
        assert!(matches!(store.verify(&staff, &|_, _| {}).await, Err(StoreError::Forbidden)));
        assert!(matches!(store.reindex(&staff, &|_, _| {}).await, Err(StoreError::Forbidden)));
        assert!(matches!(store.vacuum(&staff).await, Err(StoreError::Forbidden)));
        assert!(matches!(store.rewind(&staff, 0, &|_, _| {}).await, Err(StoreError::Forbidden)));
        let folder = std::env::temp_dir().join("continuo-never-written.db");
        assert!(matches!(store.backup(&staff, &folder, &|_, _| {}).await, Err(StoreError::Forbidden)));
        for caller in [&staff, &operator] {
            assert!(matches!(store.changes(caller, 0, 9).await, Err(StoreError::Forbidden)));
        }
        assert!(store.stats(&operator).await.is_ok());
        assert_eq!(store.reindex(&operator, &|_, _| {}).await.unwrap(), 5);
        assert!(matches!(store.read(&operator, &key("Patient/mine")).await, Err(StoreError::Forbidden)));
    }
}

#[tokio::test]
async fn who_may_only_create_creates() {
    for place in all().await {
        filled(&place).await;
        let device = caller(vec![grant(kinds(&["Observation"]), "c", Within::Organisation)], Vec::new());
        let mut value = observation("reading", "Patient/mine");
        value.as_object_mut().unwrap().remove("subject");
        assert!(try_write(&place, &device, new(value.clone())).await.is_ok());
        assert!(matches!(try_write(&place, &device, put(value)).await, Err(StoreError::Forbidden)));
        assert!(matches!(place.store.read(&device, &key("Observation/reading")).await, Err(StoreError::Forbidden)));
        let there = Target::Local { key: key("Patient/mine"), version: None };
        let tests = vec![Test::Reference(ReferenceTest::To(there))];
        let sources = place
            .store
            .registry()
            .param(ResourceType::parse("Observation").unwrap(), "subject")
            .unwrap()
            .sources
            .clone();
        let query = fhir::search::query::Query {
            kinds: vec![ResourceType::parse("Observation").unwrap()],
            filter: Filter::Row { sources, tests },
            ..Default::default()
        };
        assert!(matches!(place.store.find(&device, &query, 9).await, Err(StoreError::Forbidden)));
    }
}

#[tokio::test]
async fn who_may_only_create_may_write_about_the_patient_in_context() {
    for place in all().await {
        filled(&place).await;
        let grants = vec![grant(kinds(&["Observation"]), "c", own("mine"))];
        let device = Caller { patient: Id::parse("mine"), ..caller(grants, Vec::new()) };
        assert!(try_write(&place, &device, new(observation("reading", "Patient/mine"))).await.is_ok());
        assert!(try_write(&place, &device, new(observation("another", "Patient/theirs"))).await.is_err());
    }
}
