//! `_contained`: resources found by what lies within them.

use crate::places::{all, me, put, write, write_all};
use fhir::search::query::Query;
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Key, ResourceType};
use serde_json::{Value, json};
use store::{Batch, Caller, Change, Expect, Page, PageQuery, Rights, Store, StoreError, StoreResult, Write};

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

/// `Medication?code=x` as a query; without a type it is one of all types.
fn query(store: &Store, asked: &str) -> Query {
    let (path, parameters) = asked.split_once('?').unwrap();
    let scope = match path.split('/').collect::<Vec<_>>().as_slice() {
        [""] => Scope::System,
        [of] => Scope::Type(kind(of)),
        [owner, id, of] => {
            Scope::Compartment { owner: Key::parse(&format!("{owner}/{id}")).unwrap(), kind: Some(kind(of)) }
        }
        _ => panic!("{asked}"),
    };
    let pairs: Vec<(String, String)> = parameters
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let registry = store.registry();
    let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: 0 };
    reading.query(&scope, &pairs, Handling::Strict).unwrap_or_else(|issues| panic!("{asked}: {issues:?}")).0
}

pub(crate) async fn page(store: &Store, caller: &Caller, asked: &str) -> StoreResult<Page> {
    let page = PageQuery { query: query(store, asked), default_count: 50, max_count: 50, cursor: None };
    store.search(caller, &page).await
}

/// What is found: `Type/id`, and `Type/id#within` for contained resources themselves.
pub(crate) fn names(page: &Page) -> Vec<String> {
    let name = |it: &store::Match| match &it.container {
        None => it.stored.key.to_string(),
        Some(container) => format!("{container}#{}", it.stored.key.id),
    };
    page.entries.iter().map(name).collect()
}

pub(crate) async fn found(store: &Store, asked: &str) -> Vec<String> {
    names(&page(store, &me(), asked).await.unwrap_or_else(|error| panic!("{asked}: {error}")))
}

fn medication(id: &str, code: &str, status: &str, lot: &str) -> Value {
    json!({"resourceType": "Medication", "id": id, "status": status, "batch": {"lotNumber": lot},
        "code": {"coding": [{"system": "http://drugs", "code": code, "display": format!("Drug {code}")}]}})
}

fn request(id: &str, patient: &str, contained: Vec<Value>) -> Value {
    json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "contained": contained, "medicationReference": {"reference": "#a"},
        "subject": {"reference": format!("Patient/{patient}")}})
}

async fn fill(store: &Store) {
    let person = json!({"resourceType": "Person", "id": "in",
        "name": [{"family": "Nested"}], "link": [{"target": {"reference": "Patient/p2"}}]});
    write_all(
        store,
        vec![
            json!({"resourceType": "Patient", "id": "p1"}),
            json!({"resourceType": "Patient", "id": "p2"}),
            medication("top", "one", "active", "L1"),
            request("r1", "p1", vec![medication("a", "one", "active", "L1"), medication("b", "two", "inactive", "L2")]),
            request("r2", "p2", vec![medication("a", "two", "active", "L2")]),
            request("r3", "p2", vec![person]),
            request("r4", "p2", vec![]),
        ],
    )
    .await;
}

#[tokio::test]
async fn containers_are_found_by_what_one_contained_resource_says_and_only_when_asked() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let check = async |asked: &str, expected: &[&str]| assert_eq!(found(store, asked).await, expected, "{asked}");
        check("Medication?code=one", &["Medication/top"]).await;
        check("Medication?code=one&_contained=false", &["Medication/top"]).await;
        check("Medication?code=one&_contained=true", &["MedicationRequest/r1"]).await;
        check("Medication?code=one&_contained=both", &["Medication/top", "MedicationRequest/r1"]).await;
        check("Medication?code=two&_contained=true", &["MedicationRequest/r1", "MedicationRequest/r2"]).await;
        check("Medication?code=http://drugs|two&status=active&_contained=true", &["MedicationRequest/r2"]).await;
        check("Medication?code:not=two&_contained=true", &["MedicationRequest/r1"]).await;
        check("Medication?code:text=drug two&lot-number=l1&_contained=true", &[]).await;
        check("Medication?_filter=code eq two and not(status eq active)&_contained=true", &["MedicationRequest/r1"])
            .await;
        check("Medication?_id=b&_contained=true", &["MedicationRequest/r1"]).await;
        check("Medication?form:missing=true&_id=b&_contained=true", &["MedicationRequest/r1"]).await;
        check("Medication?_content=two&status=inactive&_contained=true", &["MedicationRequest/r1"]).await;
        check("Medication?_lastUpdated=gt1990-01-01&code=one&_contained=true", &["MedicationRequest/r1"]).await;
        check("Person?name=nest&_contained=true", &["MedicationRequest/r3"]).await;
        check("Person?patient=Patient/p2&_contained=true", &["MedicationRequest/r3"]).await;
        check("Person?patient=Patient/p1&_contained=true", &[]).await;
        check("Patient/p2/Person?_contained=true", &["MedicationRequest/r3"]).await;
        check("Patient/p1/Person?_contained=true", &[]).await;
        check("?_contained=true&_type=Medication,Person&_containedType=contained&_id=in", &["MedicationRequest/r3#in"])
            .await;
    }
}

#[tokio::test]
async fn the_contained_resource_itself_is_answered_when_asked_for() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let asked = "Medication?_contained=true&_containedType=contained";
        let all = ["MedicationRequest/r1#a", "MedicationRequest/r1#b", "MedicationRequest/r2#a"];
        assert_eq!(found(store, asked).await, all);
        let mut one = PageQuery { query: query(store, asked), default_count: 1, max_count: 1, cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = store.search(&me(), &one).await.unwrap();
            assert_eq!(page.total, Some(3));
            seen.extend(names(&page));
            match page.next {
                Some(next) => one.cursor = Some(next),
                None => {
                    one.cursor = page.previous;
                    break;
                }
            }
        }
        assert_eq!(seen, all);
        assert_eq!(names(&store.search(&me(), &one).await.unwrap()), all[1..2]);
        let page = page(store, &me(), &format!("{asked}&code=two&status=active")).await.unwrap();
        assert_eq!(page.entries[0].stored.value(), medication("a", "two", "active", "L2"));
        let counted = query(store, &format!("{asked}&_summary=count"));
        let counted = PageQuery { query: counted, default_count: 1, max_count: 1, cursor: None };
        assert_eq!(store.search(&me(), &counted).await.unwrap().total, Some(3));
    }
}

#[tokio::test]
async fn what_is_contained_follows_updates_deletes_and_reindex() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        write(store, put(request("r2", "p2", vec![medication("z", "three", "active", "L3")]))).await.unwrap();
        write(store, put(request("r4", "p2", vec![medication("y", "four", "active", "L4")]))).await.unwrap();
        let delete = Write {
            key: Key::parse("MedicationRequest/r1").unwrap(),
            expect: Expect::Anything,
            change: Change::Delete,
        };
        store.commit(&me(), Batch::of("test", delete), crate::places::NOON).await.unwrap();
        for _ in 0..2 {
            assert!(found(store, "Medication?code=one,two&_contained=true").await.is_empty());
            assert_eq!(found(store, "Medication?code=three&_contained=true").await, ["MedicationRequest/r2"]);
            assert_eq!(found(store, "Medication?_contained=true").await.len(), 2);
            assert_eq!(store.verify(&me(), &|_, _| ()).await.unwrap(), []);
            store.reindex(&me(), &|_, _| ()).await.unwrap();
        }
        write(store, put(request("r2", "p2", vec![]))).await.unwrap();
        assert_eq!(found(store, "Medication?_contained=true").await, ["MedicationRequest/r4"]);
        assert_eq!(store.verify(&me(), &|_, _| ()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_lies_in_the_record_of_another_patient_stays_there() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let patient = Caller { rights: Rights::patient(fhir::Id::parse("p1").unwrap()), ..me() };
        let seen = page(store, &patient, "Medication?code=two&_contained=true").await.unwrap();
        assert_eq!(names(&seen), ["MedicationRequest/r1"]);
        let seen = page(store, &patient, "Person?_contained=both").await.unwrap();
        assert!(seen.entries.is_empty());
    }
}

#[tokio::test]
async fn what_means_nothing_within_a_container_is_refused() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        for asked in [
            "Person?patient.name=x&_contained=true",
            "Medication?_has:MedicationRequest:medication:status=active&_contained=true",
            "Medication?_list=1&_contained=both",
            "Medication?_sort=code&_contained=true",
            "Medication?_include=Medication:manufacturer&_contained=true",
        ] {
            let refused = page(store, &me(), asked).await.unwrap_err();
            assert!(matches!(refused, StoreError::NotSupported(_)), "{asked}: {refused}");
        }
        let condition = query(store, "Medication?code=one&_contained=true");
        assert!(matches!(store.find(&me(), &condition, 2).await.unwrap_err(), StoreError::NotSupported(_)));
    }
}
