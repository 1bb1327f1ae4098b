//! Searching: what is found, in which order, on which page.

use crate::places::{all, me, put, write, write_all};
use fhir::search::query::{Filter, Query, Sort, SortBy, Source, StringTest, Test, TokenTest};
use fhir::{Key, ResourceType};
use serde_json::json;
use store::{PageQuery, Role, Store};

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

fn rows(store: &Store, of: &str, code: &str, test: Test) -> Filter {
    let registry = store.registry();
    let sources: Vec<Source> = registry.param(kind(of), code).unwrap().sources.clone();
    Filter::Row { sources, tests: vec![test] }
}

fn of(name: &str, filter: Filter) -> Query {
    Query { kinds: vec![kind(name)], filter, ..Query::default() }
}

async fn ids(store: &Store, query: Query) -> Vec<String> {
    let page = PageQuery { query, default_count: 1000, max_count: 1000, cursor: None };
    let page = store.search(&me(), &page).await.unwrap();
    page.entries.iter().map(|it| it.stored.key.id.to_string()).collect()
}

async fn fill(store: &Store) {
    let mut values = Vec::new();
    for (id, family, birth) in [("a", "Núñez", "1970-05-09"), ("b", "Nunn", "1980"), ("c", "Smith", "1960-01-01")] {
        values.push(json!({"resourceType": "Patient", "id": id, "name": [{"family": family}], "birthDate": birth}));
        values.push(json!({"resourceType": "Observation", "id": format!("o{id}"), "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Systolic blood pressure"}]},
            "subject": {"reference": format!("Patient/{id}")}, "effectiveDateTime": format!("{birth}")}));
    }
    write_all(store, values).await;
}

#[tokio::test]
async fn strings_tokens_chains_and_has_find_what_they_should() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let family = |start: &str| rows(store, "Patient", "family", Test::String(StringTest::Starts(start.into())));
        assert_eq!(ids(store, of("Patient", family("nun"))).await, ["a", "b"]);
        assert_eq!(ids(store, of("Patient", family("x"))).await, Vec::<String>::new());
        assert_eq!(ids(store, of("Patient", Filter::Not(Box::new(family("nun"))))).await, ["c"]);
        let code = rows(store, "Observation", "code", Test::Token(TokenTest::Code("8480-6".into())));
        assert_eq!(ids(store, of("Observation", code.clone())).await, ["oa", "ob", "oc"]);
        let text = rows(store, "Observation", "code", Test::Token(TokenTest::Text("blood".into())));
        assert_eq!(ids(store, of("Observation", text)).await.len(), 3);
        let subject = store.registry().param(kind("Observation"), "subject").unwrap().sources.clone();
        let chain = Filter::Chain { sources: subject.clone(), kind: kind("Patient"), inner: Box::new(family("smi")) };
        assert_eq!(ids(store, of("Observation", Filter::All(vec![chain, code.clone()]))).await, ["oc"]);
        let has = Filter::Has { kind: kind("Observation"), sources: subject, inner: Box::new(code) };
        assert_eq!(ids(store, of("Patient", Filter::All(vec![has, family("n")]))).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn results_are_sorted_and_paged_and_links_cannot_be_bent() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let birthdate = store.registry().param(kind("Patient"), "birthdate").unwrap().sources[0].slot;
        for descending in [false, true] {
            let query = Query {
                sort: vec![Sort { by: SortBy::Slots(vec![birthdate]), descending }],
                ..of("Patient", Filter::everything())
            };
            let mut asked = PageQuery { query, default_count: 2, max_count: 2, cursor: None };
            let first = store.search(&me(), &asked).await.unwrap();
            assert_eq!(first.total, Some(3));
            asked.cursor = first.next.clone();
            let second = store.search(&me(), &asked).await.unwrap();
            let seen: Vec<_> =
                first.entries.iter().chain(&second.entries).map(|it| it.stored.key.id.to_string()).collect();
            assert_eq!(seen, if descending { ["b", "a", "c"] } else { ["c", "a", "b"] });
            assert!(second.next.is_none());
            asked.cursor = second.previous;
            assert_eq!(store.search(&me(), &asked).await.unwrap().entries.len(), 2);
        }
        let mut asked =
            PageQuery { query: of("Patient", Filter::everything()), default_count: 2, max_count: 2, cursor: None };
        let first = store.search(&me(), &asked).await.unwrap();
        asked.cursor = first.next;
        let mut other = asked.clone();
        other.query.understood = vec![("name".into(), "x".into())];
        assert!(store.search(&me(), &other).await.is_err());
        let second = store.search(&me(), &asked).await.unwrap();
        assert_eq!((second.entries.len(), second.next.is_none(), second.previous.is_some()), (1, true, true));
        asked.cursor = second.previous;
        let again = store.search(&me(), &asked).await.unwrap();
        assert_eq!(again.entries.len(), 2);
        assert!(again.previous.is_none());
    }
}

#[tokio::test]
async fn what_is_included_comes_once_and_after_the_matches() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let slot = store.registry().param(kind("Observation"), "subject").unwrap().sources[0].slot;
        let include = fhir::search::query::Include {
            reverse: true,
            iterate: false,
            from: Some(kind("Observation")),
            slots: vec![slot],
            to: None,
        };
        let query = Query { includes: vec![include], ..of("Patient", Filter::everything()) };
        let page = PageQuery { query, default_count: 10, max_count: 10, cursor: None };
        let page = store.search(&me(), &page).await.unwrap();
        let roles: Vec<_> = page.entries.iter().map(|it| it.role).collect();
        assert_eq!(roles, [[Role::Match; 3], [Role::Include; 3]].concat());
        let everything =
            store.everything(&me(), &store::Everything::of(Key::parse("Patient/a").unwrap(), 100)).await.unwrap();
        let names: Vec<_> = everything.entries.iter().map(|it| it.stored.key.to_string()).collect();
        assert_eq!(names, ["Patient/a", "Observation/oa"]);
    }
}

#[tokio::test]
async fn a_reference_finds_what_comes_later() {
    for place in all().await {
        let store = &place.store;
        write(store, put(json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/late"}}))).await.unwrap();
        assert_eq!(ids(store, of("Patient", Filter::everything())).await, Vec::<String>::new());
        write(store, put(json!({"resourceType": "Patient", "id": "late", "name": [{"family": "Late"}]})))
            .await
            .unwrap();
        let subject = store.registry().param(kind("Observation"), "subject").unwrap().sources.clone();
        let family = rows(store, "Patient", "family", Test::String(StringTest::Starts("late".into())));
        let chain = Filter::Chain { sources: subject, kind: kind("Patient"), inner: Box::new(family) };
        assert_eq!(ids(store, of("Observation", chain)).await, ["o"]);
    }
}

#[tokio::test]
async fn a_tag_of_another_type_is_not_found() {
    for place in all().await {
        let store = &place.store;
        let tag = json!({"tag": [{"system": "http://t", "code": "x"}]});
        write_all(
            store,
            vec![
                json!({"resourceType": "Patient", "id": "a", "meta": tag}),
                json!({"resourceType": "Basic", "id": "b", "meta": tag, "code": {"text": "x"}}),
            ],
        )
        .await;
        let tagged = |of: &str| rows(store, of, "_tag", Test::Token(TokenTest::Code("x".into())));
        assert_eq!(ids(store, of("Patient", tagged("Patient"))).await, ["a"]);
        assert_eq!(ids(store, of("Basic", tagged("Basic"))).await, ["b"]);
    }
}
