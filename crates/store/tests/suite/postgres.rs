//! What only PostgreSQL can get wrong: several organisations in one database, several processes at one organisation,
//! connections that are lost.

use crate::dice::Dice;
use crate::people::people;
use crate::places::{NOON, me, postgres, postgres_address, put, put_expecting, settings, write, write_all};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Key, ResourceType};
use serde_json::json;
use std::cell::RefCell;
use store::{
    Batch, Done, Everything, Expect, Guard, HistoryQuery, HistoryScope, PageQuery, Settings, Store, StoreError,
};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

async fn another(store: &Store) -> Store {
    Store::open(store.settings().clone()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_conditional_creates_of_two_processes_make_one_resource() {
    let Some(place) = postgres().await else { return };
    let stores = [place.store.clone(), another(&place.store).await];
    let registry = place.store.registry();
    let reading =
        Reading { registry: &registry, base: place.store.bases(), limits: Limits::default(), now: NOON / 1000 };
    for round in 0..10 {
        let asked = [("identifier".to_owned(), format!("urn:ids|{round}"))];
        let scope = Scope::Type(ResourceType::parse("Patient").unwrap());
        let (query, _) = reading.query(&scope, &asked, Handling::Strict).unwrap();
        let tasks: Vec<_> = (0..12)
            .map(|at| {
                let store = stores[at % 2].clone();
                let value = json!({"resourceType": "Patient", "id": format!("r{round}-{at}"), "identifier": [{"system": "urn:ids", "value": round.to_string()}]});
                let guards = vec![Guard { query: query.clone(), found: Vec::new() }];
                tokio::spawn(async move {
                    let writes = vec![put_expecting(Expect::Absent, value)];
                    store.commit(&me(), Batch { writes, guards, action: "create", ..Batch::default() }, NOON).await
                })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(outcomes) => made += usize::from(outcomes[0].done == Done::Created),
                Err(error) => assert!(matches!(error, StoreError::GuardFailed { guard: 0 }), "{error}"),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(stores[1].find(&me(), &query, 10).await.unwrap().len(), 1);
    }
    assert_eq!(place.store.verify(&me(), &|_, _| {}).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_to_one_organisation_and_the_log_has_no_gaps() {
    let Some(place) = postgres().await else { return };
    let other = another(&place.store).await;
    let mut tasks = Vec::new();
    for (name, store) in [("a", place.store.clone()), ("b", other)] {
        tasks.push(tokio::spawn(async move {
            for at in 0..60 {
                let mine = json!({"resourceType": "Observation", "id": format!("{name}{at}"), "status": "final", "code": {"coding": [{"system": format!("urn:{name}{}", at % 7), "code": format!("{at}")}]}, "subject": {"reference": format!("Patient/of-{}", at % 9)}});
                let shared = json!({"resourceType": "Patient", "id": "shared", "name": [{"family": format!("{name}{at}")}]});
                write(&store, put(mine)).await.unwrap();
                write(&store, put(shared)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(place.store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    assert_eq!(place.store.read(&me(), &key("Patient/shared")).await.unwrap().version, 120);
    let changes = place.store.changes(&me(), 0, 1_000).await.unwrap();
    assert!(changes.windows(2).all(|it| it[0].sequence + 1 == it[1].sequence));
}

#[tokio::test]
async fn organisations_in_one_database_do_not_see_each_other() {
    let (Some(one), Some(two)) = (postgres().await, postgres().await) else { return };
    write(&one.store, put(json!({"resourceType": "Patient", "id": "a", "name": [{"family": "One"}]}))).await.unwrap();
    assert!(matches!(two.store.read(&me(), &key("Patient/a")).await, Err(StoreError::NotFound(_))));
    write(&two.store, put(json!({"resourceType": "Patient", "id": "a", "name": [{"family": "Two"}]}))).await.unwrap();
    for (place, family) in [(&one, "One"), (&two, "Two")] {
        assert_eq!(place.store.read(&me(), &key("Patient/a")).await.unwrap().value()["name"][0]["family"], family);
        assert_eq!(place.store.stats(&me()).await.unwrap().versions, 1);
        assert_eq!(place.store.reindex(&me(), &|_, _| {}).await.unwrap(), 1);
        assert_eq!(place.store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    }
}

/// Ends every connection of the stores to this database but the one that asks.
async fn cut_all(address: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(address, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'continuo'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// In a database of its own, so that no other test loses its connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_clean_errors_and_new_ones_are_made() {
    let Some(address) = postgres_address() else { return };
    let name = format!("continuo_lost_{}", uuid::Uuid::new_v4().simple());
    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await.unwrap();
    let (server, query) =
        address.split_once('?').map_or((address.as_str(), String::new()), |(a, b)| (a, format!("?{b}")));
    let (server, _) = server.rsplit_once('/').unwrap();
    let own = format!("{server}/{name}{query}");
    let store = Store::open(Settings { organisation: "lost".into(), ..settings(&own) }).await.unwrap();
    let patient = |at: usize| put(json!({"resourceType": "Patient", "id": format!("p{at}")}));
    write(&store, patient(0)).await.unwrap();
    store.read(&me(), &key("Patient/p0")).await.unwrap();
    // At rest: nobody notices.
    assert!(cut_all(&own).await >= 2);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(store.read(&me(), &key("Patient/p0")).await.is_ok());
    write(&store, patient(1)).await.unwrap();
    store.health().await.unwrap();
    // While it works: what was acknowledged is there, what failed says so.
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for at in 0..150 {
                let id = 1_000 * (writer + 1) + at;
                match write(&store, put(json!({"resourceType": "Patient", "id": format!("p{id}")}))).await {
                    Ok(_) => kept.push(id),
                    Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
                }
                let read = store.read(&me(), &key("Patient/p0")).await;
                assert!(matches!(read, Ok(_) | Err(StoreError::Unavailable(_))), "{read:?}");
            }
            kept
        }));
    }
    for _ in 0..10 {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        cut_all(&own).await;
    }
    for task in tasks {
        for id in task.await.unwrap() {
            assert!(store.read(&me(), &key(&format!("Patient/p{id}"))).await.is_ok(), "p{id} was acknowledged");
        }
    }
    write(&store, patient(2)).await.unwrap();
    assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    store.close().await;
    assert!(matches!(store.read(&me(), &key("Patient/p0")).await, Err(StoreError::Unavailable(_))));
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

thread_local! {
    /// The texts of the statements of this thread, when somebody listens. A test has a thread of its own, and with
    /// it the tasks of its store.
    static SEEN: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Collects the texts of all statements.
struct Recorder;

struct Text(String);

impl tracing::field::Visit for Text {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "sql" {
            self.0 = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "sql" {
            self.0 = format!("{value:?}");
        }
    }
}

impl tracing::Subscriber for Recorder {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "store::sql"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        SEEN.with_borrow_mut(|seen| seen.iter_mut().for_each(|seen| seen.push(std::mem::take(&mut text.0))));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

const TABLES: [&str; 16] = [
    "resource",
    "history",
    "change",
    "audit",
    "tally",
    "setting",
    "slot",
    "system",
    "term",
    "unit",
    "token",
    "string",
    "reference",
    "date",
    "quantity",
    "words",
];

/// What is wrong with a statement: a table that is read or written without naming the organisation.
fn beyond_the_organisation(sql: &str) -> Option<String> {
    let words: Vec<&str> =
        sql.split(|c: char| c.is_whitespace() || c == '(' || c == ')').filter(|it| !it.is_empty()).collect();
    for (at, pair) in words.windows(2).enumerate() {
        let table = pair[1].trim_end_matches(',');
        if !TABLES.contains(&table) {
            continue;
        }
        match pair[0] {
            "INTO" if !sql.contains(&format!("INSERT INTO {table} (org, shard, ")) => {
                return Some(format!("{table} is written without org"));
            }
            "FROM" | "JOIN" | "UPDATE" | "USING" => {
                let alias = words[at + 2..].iter().find(|word| **word != "AS").copied().unwrap_or_default();
                let org = sql.match_indices(&format!("{alias}.org = ")).any(|(at, _)| {
                    let before = sql[..at].chars().next_back();
                    let rest = sql[at..].split(" AND ").nth(1).unwrap_or_default();
                    before.is_none_or(|c| !c.is_alphanumeric()) && rest.starts_with(&format!("{alias}.shard = 0"))
                });
                if !org {
                    return Some(format!("{table} is read without org"));
                }
            }
            _ => {}
        }
    }
    // A list of tables without JOIN would slip through above.
    let list = TABLES.iter().find(|table| sql.contains(&format!(", {table} ")) && !sql.contains("INSERT"));
    list.filter(|table| sql.contains(&format!("FROM {table}, "))).map(|table| format!("{table} stands in a list"))
}

#[test]
fn a_statement_beyond_the_organisation_is_noticed() {
    for wrong in [
        "SELECT rid FROM token t WHERE t.slot = $1",
        "SELECT rid FROM token t WHERE t.org = 1 AND slot = $1",
        "SELECT 1 FROM token t1 WHERE t1.org = 1 AND t1.shard = 0 AND EXISTS (SELECT 1 FROM resource t11 WHERE t11.rid = t1.rid)",
        "SELECT 1 FROM a t JOIN term y ON y.id = t.term WHERE t.org = 1 AND t.shard = 0",
        "INSERT INTO token (slot, term, rid) VALUES ($1, $2, $3)",
        "DELETE FROM token t WHERE t.rid = $1",
    ] {
        assert!(beyond_the_organisation(wrong).is_some(), "{wrong}");
    }
    assert_eq!(
        beyond_the_organisation("SELECT rid FROM token t WHERE t.org = 1 AND t.shard = 0 AND t.slot = $1"),
        None
    );
}

#[tokio::test]
async fn every_statement_keeps_to_its_organisation() {
    let Some(place) = postgres().await else { return };
    tracing::subscriber::set_global_default(Recorder).unwrap();
    SEEN.set(Some(Vec::new()));
    let store = &place.store;
    write_all(store, people(&mut Dice(7))).await;
    write(store, put(json!({"resourceType": "Patient", "id": "patient1", "active": true}))).await.unwrap();
    let delete = store::Write { key: key("Patient/patient2"), expect: Expect::Anything, change: store::Change::Delete };
    write(store, delete).await.unwrap();
    let registry = store.registry();
    let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: NOON / 1000 };
    for (of, params) in [
        ("Patient", "name=nun&_sort=-birthdate,family,_id,_lastUpdated,gender,general-practitioner&_total=accurate"),
        ("Patient", "_has:Observation:subject:code=8480-6&_revinclude=*&_text=cough&active:not=true"),
        ("Observation", "subject:Patient.family=nun&code:text=blood&_include=*&_include:iterate=*"),
        ("Observation", "code=http://loinc.org|&value-quantity=gt5|http://unitsofmeasure.org|mg/dL&date=ge1970"),
        ("Observation", "combo-code-value-quantity=8480-6$gt1&_summary=count"),
        ("Observation", "component-code-value-quantity=http://loinc.org|$gt1&_sort=value-quantity&_count=2"),
        ("Encounter", "subject:missing=true&participant:Practitioner.name:contains=b&_lastUpdated=ge2020"),
        ("Patient", "_list=list0&_content=nunez&_id=patient3&_profile:below=http://p.example/a&_source=http://x"),
    ] {
        let params: Vec<(String, String)> = params
            .split('&')
            .map(|it| it.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap())
            .collect();
        let scope = Scope::Type(ResourceType::parse(of).unwrap());
        let (query, _) = reading.query(&scope, &params, Handling::Strict).unwrap_or_else(|issues| panic!("{issues:?}"));
        store.find(&me(), &query, 5).await.unwrap();
        let page = PageQuery { query, default_count: 20, max_count: 20, cursor: None };
        store.search(&me(), &page).await.unwrap();
    }
    store.everything(&me(), &Everything::of(key("Patient/patient1"), 10)).await.unwrap();
    for scope in [HistoryScope::System, HistoryScope::Instance(key("Patient/patient1"))] {
        let query = HistoryQuery { scope, since: Some(0), at: Some((0, i64::MAX)), count: 5, cursor: None };
        store.history(&me(), &query).await.unwrap();
    }
    store.vread(&me(), &key("Patient/patient1"), "1").await.unwrap();
    store.changes(&me(), 0, 5).await.unwrap();
    store.stats(&me()).await.unwrap();
    store.health().await.unwrap();
    store.reindex(&me(), &|_, _| {}).await.unwrap();
    assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    let seen = SEEN.take().unwrap();
    assert!(seen.len() > 1_000, "only {} statements were seen", seen.len());
    for table in TABLES {
        assert!(seen.iter().any(|sql| sql.contains(&format!(" {table} "))), "no statement about {table} was seen");
    }
    for sql in seen.iter() {
        assert_eq!(beyond_the_organisation(sql), None, "{sql}");
    }
}
