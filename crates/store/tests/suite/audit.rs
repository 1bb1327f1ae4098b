//! The audit log: everything is in it, in order; who may read it; and nothing can be taken out of it, changed or put
//! into it without being found.

use crate::places::{NOON, Place, all, me, postgres, postgres_address, put, settings, sqlite, write, write_all};
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use store::audit::{Anchor, Bad, Clock, Entry, Event, Outcome, Query, Signer};
use store::{
    Batch, Caller, Change, Expect, HistoryQuery, HistoryScope, ItemChange, PageQuery, Purpose, Rights, Settings, Store,
    StoreError, Write,
};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn patient(name: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "birthDate": "1970-01-01"})
}

fn note(name: &str, of: &str) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final", "code": {"text": "x"}, "subject": {"reference": format!("Patient/{of}")}})
}

fn everyone(count: u32) -> Query {
    Query { count, ..Query::default() }
}

/// The log as it is, oldest first, without the look at it.
async fn log(store: &Store) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut asked = Query { ascending: true, ..everyone(7) };
    loop {
        let page = store.audit_page(&me(), &asked, NOON).await.unwrap();
        all.extend(page.entries.into_iter().filter(|it| it.kind != ResourceType::parse("AuditEvent")));
        match page.next {
            Some(next) => asked.cursor = Some(next),
            None => return all,
        }
    }
}

async fn search(store: &Store, caller: &Caller, kind: &str, asked: &[(&str, &str)]) -> store::StoreResult<store::Page> {
    let registry = store.registry();
    let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: NOON / 1000 };
    let asked: Vec<_> = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (query, _) = reading.query(&Scope::Type(ResourceType::parse(kind).unwrap()), &asked, Handling::Strict).unwrap();
    store.search(caller, &PageQuery { query, default_count: 10, max_count: 10, cursor: None }).await
}

async fn verified(store: &Store) -> store::audit::Report {
    store.audit_verify(&me(), &[], &|_, _| {}).await.unwrap()
}

fn nurse() -> Caller {
    Caller {
        who: "user/nell".into(),
        display: "Nell Ortega".into(),
        role: "nurse".into(),
        purpose: Purpose::Treatment,
        rights: Rights::everything(),
        patient: None,
        client: Some("ward-app".into()),
        request: Some("req-7".into()),
    }
}

#[tokio::test]
async fn everything_is_an_entry_with_whose_data_it_concerned() {
    for Place { store, .. } in &all().await {
        write_all(store, vec![patient("ana"), patient("ben"), note("o1", "ana")]).await;
        write(store, put(note("o1", "ben"))).await.unwrap();
        let nurse = nurse();
        store.read(&nurse, &key("Observation/o1")).await.unwrap();
        store.vread(&nurse, &key("Observation/o1"), "1").await.unwrap();
        store.read(&nurse, &key("Patient/nobody")).await.unwrap_err();
        search(store, &nurse, "Patient", &[("birthdate", "1970")]).await.unwrap();
        search(store, &nurse, "Observation", &[("_include", "Observation:subject")]).await.unwrap();
        let scope = HistoryScope::Instance(key("Observation/o1"));
        store.history(&nurse, &HistoryQuery { scope, since: None, at: None, count: 10, cursor: None }).await.unwrap();
        let gone = Write { key: key("Observation/o1"), expect: Expect::Anything, change: Change::Delete };
        store.commit(&nurse, Batch::of("delete", gone), NOON).await.unwrap();
        store.keep(&nurse, Event::of("sign-in"), vec![ItemChange::put("session", "s", "{}")], NOON).await.unwrap();
        let refused = Event::refused("refusal", "label/ETH").about(key("Observation/o1")).patient(id("ben"));
        store.record(&nurse, refused.detail("read"), NOON).await.unwrap();
        let told = log(store).await;
        let told: Vec<_> = told
            .iter()
            .map(|it| {
                let patients: Vec<&str> = it.patients.iter().map(Id::as_str).collect();
                let about = it.about.as_ref().map(Key::to_string).unwrap_or_default();
                let version = it.version.map_or(String::new(), |it| format!(" v{it}"));
                let wrote = if it.wrote > 0 { format!(" wrote {}", it.wrote) } else { String::new() };
                format!("{} {about}{version}{wrote} {}", it.action, patients.join("+"))
            })
            .collect();
        assert_eq!(
            told,
            [
                "test  wrote 3 ana+ben",
                "test Observation/o1 v2 wrote 1 ana+ben",
                "read Observation/o1 v2 ben",
                "vread Observation/o1 v1 ana",
                "read Patient/nobody ",
                "search  ana+ben",
                "search  ben",
                "history Observation/o1 ana+ben",
                "delete Observation/o1 v3 wrote 1 ben",
                "sign-in  ",
                "refusal Observation/o1 ben",
            ]
        );
        let all = log(store).await;
        assert!(all.windows(2).all(|it| it[0].sequence + 1 == it[1].sequence && it[0].at <= it[1].at));
        let agent = &all[2].agent;
        assert_eq!((&*agent.who, &*agent.display, &*agent.role), ("user/nell", "Nell Ortega", "nurse"));
        assert_eq!((agent.client.as_deref(), &*agent.purpose), (Some("ward-app"), "TREAT"));
        assert_eq!(all[2].request.as_deref(), Some("req-7"));
        assert_eq!(all[5].detail.as_deref(), Some("Patient?birthdate=1970"));
        assert_eq!(all[5].kind, ResourceType::parse("Patient"));
        assert_eq!((all[10].outcome, all[10].rule.as_deref()), (Outcome::Refused, Some("label/ETH")));
        let report = verified(store).await;
        assert_eq!(report.bad, None);
        assert!(report.entries > 11);
    }
}

#[tokio::test]
async fn a_resource_of_several_patients_concerns_all_of_them() {
    for Place { store, .. } in &all().await {
        let group = json!({"resourceType": "Appointment", "id": "a", "status": "booked", "participant": [
            {"actor": {"reference": "Patient/ana"}, "status": "accepted"},
            {"actor": {"reference": "Patient/ben"}, "status": "accepted"},
            {"actor": {"reference": "Practitioner/p"}, "status": "accepted"}]});
        write_all(store, vec![group, patient("ana"), json!({"resourceType": "Practitioner", "id": "p"})]).await;
        store.read(&me(), &key("Appointment/a")).await.unwrap();
        store.read(&me(), &key("Practitioner/p")).await.unwrap();
        let told: Vec<Vec<String>> =
            log(store).await.iter().map(|it| it.patients.iter().map(Id::to_string).collect()).collect();
        assert_eq!(told[1..], [vec!["ana".to_owned(), "ben".to_owned()], vec![]]);
        assert_eq!(verified(store).await.bad, None);
    }
}

#[tokio::test]
async fn the_log_is_filtered_by_who_whose_what_when_and_how_it_went() {
    for Place { store, .. } in &all().await {
        let clock = Arc::new(AtomicI64::new(NOON));
        let set = Settings { organisation: format!("filters-{}", uuid::Uuid::new_v4()), ..store.settings().clone() };
        let ticking = clock.clone();
        let mut set = Settings { address: set.address.replace("store.db", "filters.db"), ..set };
        set.audit.clock = Clock::new(move || ticking.fetch_add(1_000_000, Ordering::Relaxed));
        let store = Store::open(set).await.unwrap();
        write_all(&store, vec![patient("ana"), patient("ben"), note("o1", "ana")]).await;
        let other = Caller { who: "user/omar".into(), display: "Dr. Omar Haddad".into(), ..nurse() };
        for caller in [&nurse(), &other] {
            store.read(caller, &key("Patient/ana")).await.unwrap();
            store.read(caller, &key("Patient/ben")).await.unwrap();
            store.read(caller, &key("Observation/o1")).await.unwrap();
        }
        store.record(&other, Event::refused("refusal", "label/PSY"), NOON).await.unwrap();
        let found = async |asked: Query| -> Vec<u64> {
            let page = store.audit_page(&me(), &Query { count: 100, ..asked }, NOON).await.unwrap();
            let entries = page.entries.into_iter().filter(|it| it.agent.role != "system" || it.wrote > 0);
            entries.map(|it| it.sequence).collect()
        };
        let none = Query::default();
        let times = log(&store).await;
        let at = |sequence: usize| Some(times[sequence - 1].at);
        for (asked, expected) in [
            (Query { ..none.clone() }, vec![8, 7, 6, 5, 4, 3, 2, 1]),
            (Query { who: Some("user/nell".into()), ..none.clone() }, vec![4, 3, 2]),
            (Query { name: Some("haddad".into()), ..none.clone() }, vec![8, 7, 6, 5]),
            (Query { name: Some("adda".into()), ..none.clone() }, vec![]),
            (Query { who: Some("user/nobody".into()), ..none.clone() }, vec![]),
            (Query { patient: Some(id("ana")), ..none.clone() }, vec![7, 5, 4, 2, 1]),
            (Query { patient: Some(id("nobody")), ..none.clone() }, vec![]),
            (Query { patient: Some(id("ana")), who: Some("user/omar".into()), ..none.clone() }, vec![7, 5]),
            (Query { about: Some(key("Patient/ben")), ..none.clone() }, vec![6, 3]),
            (Query { kind: ResourceType::parse("Observation"), ..none.clone() }, vec![7, 4]),
            (Query { actions: vec!["refusal".into(), "test".into()], ..none.clone() }, vec![8, 1]),
            (Query { outcome: Some(Outcome::Refused), ..none.clone() }, vec![8]),
            (Query { outcome: Some(Outcome::Failed), ..none.clone() }, vec![]),
            (Query { request: Some("req-7".into()), patient: Some(id("ben")), ..none.clone() }, vec![6, 3]),
            (Query { sequence: Some(3), ..none.clone() }, vec![3]),
            (Query { sequence: Some(u64::MAX), ..none.clone() }, vec![]),
            (Query { from: at(3), to: at(6), ..none.clone() }, vec![5, 4, 3]),
            (Query { from: at(3), to: at(3), ..none.clone() }, vec![]),
            (Query { from: at(5), patient: Some(id("ana")), ascending: true, ..none.clone() }, vec![5, 7]),
        ] {
            assert_eq!(found(asked.clone()).await, expected, "{asked}");
        }
        // Page by page, nothing is missing and nothing comes twice.
        for asked in
            [Query { patient: Some(id("ana")), ..none.clone() }, Query { who: Some("user/omar".into()), ..none }]
        {
            let whole = found(asked.clone()).await;
            let (mut paged, mut page) = (Vec::new(), Query { count: 2, ..asked });
            loop {
                let got = store.audit_page(&nurse_who_reads(), &page, NOON).await.unwrap();
                let own = got.entries.iter().filter(|it| it.agent.who.starts_with("user/") || it.wrote > 0);
                paged.extend(
                    own.filter(|it| it.agent.role != "privacy-officer" && it.sequence < 9).map(|it| it.sequence),
                );
                match got.next {
                    Some(next) => page.cursor = Some(next),
                    None => break,
                }
            }
            assert_eq!(paged, whole);
        }
        store.close().await;
    }
}

fn nurse_who_reads() -> Caller {
    let may: BTreeSet<Arc<str>> = ["audit.read".into()].into();
    let rights = Arc::new(Rights::new(Vec::new(), Vec::new(), may));
    Caller { role: "privacy-officer".into(), who: "user/pia".into(), rights, ..nurse() }
}

#[tokio::test]
async fn the_log_is_read_by_those_who_may_and_by_each_patient_as_far_as_it_concerns_them() {
    for Place { store, .. } in &all().await {
        write_all(store, vec![patient("ana"), patient("ben")]).await;
        let ana = Caller { rights: Rights::patient(id("ana")), patient: Some(id("ana")), ..nurse() };
        let of = |patient: &str| Query { patient: Some(id(patient)), ..everyone(10) };
        for (caller, asked, may) in [
            (&nurse_who_reads(), everyone(10), true),
            (&ana, of("ana"), true),
            (&ana, of("ben"), false),
            (&ana, everyone(10), false),
            (&Caller { patient: None, ..ana.clone() }, of("ana"), false),
        ] {
            let answer = store.audit_page(caller, &asked, NOON).await;
            assert_eq!(answer.is_ok(), may, "{asked}");
            if let Err(error) = answer {
                assert!(matches!(error, StoreError::Forbidden));
            }
        }
        assert!(store.audit_verify(&ana, &[], &|_, _| {}).await.is_err());
        // That somebody looked into the log is in the log, and so is that somebody was refused.
        let page = store.audit_page(&me(), &everyone(50), NOON).await.unwrap();
        let refused = page.entries.iter().filter(|it| it.outcome == Outcome::Refused).count();
        assert_eq!(refused, 4);
        assert!(page.entries.iter().any(|it| it.detail.as_deref() == Some("AuditEvent?patient=ana")));
        // A page link is of no use to anybody else.
        let next = store.audit_page(&me(), &everyone(1), NOON).await.unwrap().next.unwrap();
        let stolen = Query { cursor: Some(next), ..everyone(1) };
        assert!(matches!(store.audit_page(&nurse_who_reads(), &stolen, NOON).await, Err(StoreError::BadCursor)));
    }
}

/// A store with an entry of every sort, closed.
async fn written(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("store.db");
    let store = Store::open(settings(path.to_str().unwrap())).await.unwrap();
    fill(&store).await;
    store.close().await;
    path
}

/// Twenty entries, of three agents.
async fn fill(store: &Store) {
    write_all(store, vec![patient("ana"), patient("ben"), note("o1", "ana")]).await;
    let other = Caller { who: "user/omar".into(), client: None, request: None, ..nurse() };
    for round in 0..4 {
        write(store, put(note(&format!("n{round}"), "ben"))).await.unwrap();
        for caller in [&nurse(), &other] {
            store.read(caller, &key("Observation/o1")).await.unwrap();
        }
        search(store, &other, "Patient", &[("birthdate", "1970")]).await.unwrap();
    }
    store.record(&nurse(), Event::refused("refusal", "label/ETH").detail("read"), NOON).await.unwrap();
    store.read(&other, &key("Patient/ben")).await.unwrap();
    write_all(store, vec![note("last", "ana")]).await;
}

const ENTRIES: u64 = 20;

/// What somebody who can write to the database may do, and the first entry that is then bad.
const TAMPERED: &[(&str, u64)] = &[
    ("UPDATE audit SET at = at + 1 WHERE seq = 5", 5),
    ("UPDATE audit SET agent = 1 WHERE seq = 7", 7),
    ("UPDATE audit SET agent = 99 WHERE seq = 7", 7),
    ("UPDATE audit SET action = 'search' WHERE seq = 3", 3),
    ("UPDATE audit SET outcome = 0 WHERE seq = 18", 18),
    ("UPDATE audit SET outcome = 5 WHERE seq = 18", 18),
    ("UPDATE audit SET kind = kind + 1 WHERE seq = 3", 3),
    ("UPDATE audit SET kind = NULL WHERE seq = 9", 9),
    ("UPDATE audit SET kind = 4711 WHERE seq = 9", 9),
    ("UPDATE audit SET id = (SELECT id FROM audit WHERE seq = 2) WHERE seq = 3", 3),
    ("UPDATE audit SET id = NULL WHERE seq = 3", 3),
    ("UPDATE audit SET version = 2 WHERE seq = 3", 3),
    ("UPDATE audit SET version = NULL WHERE seq = 3", 3),
    ("UPDATE audit SET wrote = 2 WHERE seq = 1", 1),
    ("UPDATE audit SET wrote = 1 WHERE seq = 3", 3),
    ("UPDATE audit SET patients = NULL WHERE seq = 3", 3),
    ("UPDATE audit SET patients = (SELECT patients FROM audit WHERE seq = 2) WHERE seq = 3", 3),
    ("UPDATE audit SET rule = NULL WHERE seq = 18", 18),
    ("UPDATE audit SET rule = 'label/PSY' WHERE seq = 18", 18),
    ("UPDATE audit SET request = 'req-8' WHERE seq = 3", 3),
    ("UPDATE audit SET request = '' WHERE seq = 4", 4),
    ("UPDATE audit SET detail = 'Patient?birthdate=1971' WHERE seq = 5", 5),
    ("UPDATE audit SET detail = NULL WHERE seq = 5", 5),
    ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 11", 11),
    ("UPDATE audit SET action = 'x' WHERE seq IN (6, 12)", 6),
    ("DELETE FROM audit WHERE seq = 1", 1),
    ("DELETE FROM audit WHERE seq = 8", 8),
    ("DELETE FROM audit WHERE seq = 20", 20),
    ("DELETE FROM audit WHERE seq > 12", 13),
    ("DELETE FROM audit", 1),
    ("UPDATE audit SET seq = seq - 1 WHERE seq = 1", 0),
    (
        "UPDATE audit SET seq = -1 WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = 9; UPDATE audit SET seq = 9 WHERE seq = -1",
        8,
    ),
    ("DELETE FROM audit WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = 20", 8),
    ("UPDATE audit_agent SET who = 'user/nobody' WHERE id = 2", 3),
    ("UPDATE audit_agent SET role = 'clinician' WHERE id = 2", 3),
    ("UPDATE audit_agent SET display = 'N. O.' WHERE id = 2", 3),
    ("UPDATE audit_agent SET client = NULL WHERE id = 2", 3),
    ("UPDATE audit_agent SET purpose = 'ETREAT' WHERE id = 3", 4),
    ("DELETE FROM audit_agent WHERE id = 3", 4),
    ("DELETE FROM audit_patient WHERE seq = 10", 10),
    ("UPDATE audit_patient SET patient = patient + 1 WHERE seq = 3", 3),
    ("UPDATE audit_patient SET seq = 18 WHERE seq = 19", 18),
    ("DELETE FROM audit_span WHERE agent = 3", 4),
    ("DELETE FROM change WHERE tx = 6", 6),
    ("UPDATE change SET tx = 1 WHERE tx = 2", 1),
    ("UPDATE change SET tx = 21 WHERE tx = 20", 20),
];

#[tokio::test]
async fn whatever_is_changed_taken_away_moved_or_added_the_first_bad_entry_is_named() {
    let place = sqlite().await;
    let folder = std::path::PathBuf::from(&place.store.settings().address).parent().unwrap().join("tamper");
    std::fs::create_dir_all(&folder).unwrap();
    let path = written(&folder).await;
    let copy = folder.join("copy.db");
    let insert = "INSERT INTO audit SELECT 21, at, agent, action, outcome, kind, id, version, wrote, patients, rule, request, detail, hash FROM audit WHERE seq = 20";
    let shift = "UPDATE audit SET seq = -seq - 1 WHERE seq >= 8; UPDATE audit SET seq = -seq WHERE seq < 0; INSERT INTO audit SELECT 8, at, agent, action, outcome, kind, id, version, wrote, patients, rule, request, detail, hash FROM audit WHERE seq = 7";
    let sqlite_only = [
        (insert, 21),
        (shift, 8),
        ("UPDATE audit SET action = CAST('read' AS BLOB) WHERE seq = 3", 3),
        ("UPDATE audit SET hash = x'00' WHERE seq = 20", 20),
        ("UPDATE audit SET hash = 'text' WHERE seq = 4", 4),
        ("UPDATE audit SET patients = x'ffffffffffffffffffffffffff' WHERE seq = 3", 3),
        ("UPDATE audit SET patients = x'' WHERE seq = 18", 18),
        ("UPDATE audit SET id = x'00' WHERE seq = 3", 3),
        ("UPDATE audit SET outcome = 'good' WHERE seq = 3", 3),
        ("INSERT INTO audit_patient SELECT epoch, patient, 21 FROM audit_patient WHERE seq = 3", 21),
        ("INSERT INTO audit_patient SELECT epoch + 1, patient, seq FROM audit_patient WHERE seq = 3", 21),
        (
            "UPDATE resource SET id = CAST(id || x'41' AS BLOB) WHERE rid IN (SELECT patient FROM audit_patient WHERE seq = 19)",
            1,
        ),
    ];
    for (sql, expected) in TAMPERED.iter().copied().chain(sqlite_only) {
        std::fs::copy(&path, &copy).unwrap();
        let database = rusqlite::Connection::open(&copy).unwrap();
        let refused = database.execute_batch(sql);
        if sql.starts_with("UPDATE audit") || sql.starts_with("DELETE FROM audit") {
            assert!(refused.unwrap_err().to_string().contains("the audit log stays"), "{sql}");
            let triggers: Vec<String> = database
                .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                .and_then(|mut it| it.query_map([], |row| row.get(0))?.collect())
                .unwrap();
            triggers.iter().for_each(|name| database.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
            database.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        } else {
            refused.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        drop(database);
        let store = Store::open(settings(copy.to_str().unwrap())).await.unwrap();
        let report = verified(&store).await;
        let bad = report.bad.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(bad.sequence, expected, "{sql}: {}", bad.what);
        assert_eq!(report.entries, expected.saturating_sub(1));
        store.close().await;
        drop(store);
        while std::fs::File::open(copy.with_extension("lock")).unwrap().try_lock().is_err() {
            tokio::task::yield_now().await;
        }
    }
    std::fs::copy(&path, &copy).unwrap();
    let store = Store::open(settings(copy.to_str().unwrap())).await.unwrap();
    let report = verified(&store).await;
    assert_eq!((report.bad, report.entries), (None, ENTRIES));
}

#[tokio::test]
async fn the_log_in_postgresql_stays_and_what_a_superuser_changes_is_found() {
    let Some(address) = postgres_address() else { return };
    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for table in ["audit", "audit_agent", "audit_patient", "audit_span"] {
        for sql in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET org = 0"), format!("TRUNCATE {table}")]
        {
            let error = client.batch_execute(&sql).await.unwrap_err();
            assert_eq!(error.as_db_error().unwrap().message(), "the audit log stays", "{sql}");
        }
    }
    for (sql, expected) in TAMPERED {
        let place = postgres().await.unwrap();
        fill(&place.store).await;
        assert_eq!(verified(&place.store).await.bad, None);
        place.store.close().await;
        let org = "SELECT org FROM organisation WHERE name = $1";
        let org: i32 = client.query_one(org, &[&place.store.settings().organisation]).await.unwrap().get(0);
        let last = format!("DELETE FROM audit WHERE seq = {}", ENTRIES + 1);
        // The verification above is an entry too.
        client.batch_execute("BEGIN; SET LOCAL session_replication_role = replica").await.unwrap();
        for statement in [last.as_str()].into_iter().chain(sql.split(';')) {
            let statement = statement.replace("WHERE", &format!("WHERE org = {org} AND"));
            let statement =
                if statement.contains("WHERE") { statement } else { format!("{statement} WHERE org = {org}") };
            client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        client.batch_execute("COMMIT").await.unwrap();
        let store = Store::open(place.store.settings().clone()).await.unwrap();
        let bad = verified(&store).await.bad.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(bad.sequence, *expected, "{sql}: {}", bad.what);
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_cut_off_or_rewritten_does_not_agree_with_the_anchors() {
    for Place { store, .. } in &all().await {
        let signer = Signer::of(&Signer::new_key().unwrap()).unwrap();
        let anchor =
            |head: &(u64, i64, String)| Anchor::read(&signer.anchor("riverside", head), &signer.public()).unwrap();
        assert_eq!(store.audit_head().await.unwrap(), None);
        fill(store).await;
        let first = store.audit_head().await.unwrap().unwrap();
        assert_eq!(first.0, ENTRIES);
        store.read(&me(), &key("Patient/ana")).await.unwrap();
        assert_eq!(verified(store).await.bad, None);
        let second = store.audit_head().await.unwrap().unwrap();
        let report = store.audit_verify(&me(), &[anchor(&second), anchor(&first)], &|_, _| {}).await.unwrap();
        assert_eq!((report.bad, report.anchors), (None, 2));
        // As if the log had been cut off after the second anchor.
        let beyond = anchor(&(1_000, first.1, first.2.clone()));
        let report = store.audit_verify(&me(), &[anchor(&first), beyond], &|_, _| {}).await.unwrap();
        let Bad { sequence, what } = report.bad.unwrap();
        assert!(sequence == report.entries + 1 && what.contains("1000"), "{sequence}: {what}");
        // As if somebody had made a new chain after the first anchor.
        let forged = anchor(&(second.0, second.1, first.2.clone()));
        let bad = store.audit_verify(&me(), &[anchor(&first), forged], &|_, _| {}).await.unwrap().bad.unwrap();
        assert_eq!(bad.sequence, ENTRIES + 1);
    }
}

#[tokio::test]
async fn the_chain_goes_on_when_the_store_is_opened_again() {
    for place in all().await {
        fill(&place.store).await;
        let mut place = place;
        for round in 0..3u64 {
            place = place.reopened().await;
            place.store.read(&nurse(), &key("Patient/ana")).await.unwrap();
            write(&place.store, put(note(&format!("again{round}"), "ana"))).await.unwrap();
        }
        let report = verified(&place.store).await;
        assert_eq!((report.bad, report.entries), (None, ENTRIES + 6));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_strict_log_a_look_is_on_disk_before_its_answer() {
    let place = sqlite().await;
    let path = place.store.settings().address.replace("store.db", "strict.db");
    let mut set = settings(&path);
    set.audit.strict = true;
    // Nobody comes by to write what waits: only the looks themselves call the lane.
    set.audit.every = Duration::from_secs(3600);
    let store = Store::open(set).await.unwrap();
    write_all(&store, vec![patient("ana")]).await;
    let eye = rusqlite::Connection::open(&path).unwrap();
    let on_disk = |action: &str| -> i64 {
        eye.query_row("SELECT count(*) FROM audit WHERE action = ?1", [action], |row| row.get(0)).unwrap()
    };
    for round in 1..=5 {
        store.read(&nurse(), &key("Patient/ana")).await.unwrap();
        assert_eq!(on_disk("read"), round);
        search(&store, &nurse(), "Patient", &[]).await.unwrap();
        assert_eq!(on_disk("search"), round);
    }
    let readers: Vec<_> = (0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.read(&nurse(), &key("Patient/ana")).await.map(drop) })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
    assert_eq!(on_disk("read"), 205);
    assert_eq!(verified(&store).await.bad, None);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otherwise_a_look_is_on_disk_soon_after() {
    let place = sqlite().await;
    let store = &place.store;
    write_all(store, vec![patient("ana")]).await;
    let eye = rusqlite::Connection::open(&store.settings().address).unwrap();
    let on_disk =
        || -> i64 { eye.query_row("SELECT count(*) FROM audit WHERE action = 'read'", [], |row| row.get(0)).unwrap() };
    for round in 1..=5 {
        store.read(&nurse(), &key("Patient/ana")).await.unwrap();
        let begun = Instant::now();
        while on_disk() < round {
            // A machine that does much else may be late; nothing here waits for it.
            assert!(begun.elapsed() < Duration::from_secs(10), "the look is never written");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_keeps_readers_waiting_and_loses_nothing() {
    for strict in [false, true] {
        let place = sqlite().await;
        let path = place.store.settings().address.replace("store.db", "small.db");
        let mut set = settings(&path);
        (set.audit.queue, set.audit.strict) = (8, strict);
        let store = Store::open(set).await.unwrap();
        write_all(&store, vec![patient("ana")]).await;
        // Somebody else holds the database: the lane cannot write.
        let blocker = rusqlite::Connection::open(&path).unwrap();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answered = Arc::new(AtomicI64::new(0));
        let readers: Vec<_> = (0..40)
            .map(|_| {
                let (store, answered) = (store.clone(), answered.clone());
                tokio::spawn(async move {
                    store.read(&nurse(), &key("Patient/ana")).await.map(drop)?;
                    answered.fetch_add(1, Ordering::Relaxed);
                    Ok::<(), StoreError>(())
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(600)).await;
        // What the lane has taken and cannot write, and a full queue behind it.
        let before = answered.load(Ordering::Relaxed);
        assert!(before <= if strict { 0 } else { 16 }, "{before} were answered although nothing could be written");
        blocker.execute_batch("ROLLBACK").unwrap();
        for reader in readers {
            reader.await.unwrap().unwrap();
        }
        let reads = log(&store).await.iter().filter(|it| it.action == "read").count();
        assert_eq!(reads, 40);
        assert_eq!(verified(&store).await.bad, None);
        store.close().await;
    }
}

#[tokio::test]
async fn looks_are_written_in_the_order_in_which_they_were_answered() {
    for Place { store, .. } in &all().await {
        let mut expected = Vec::new();
        for round in 0..300 {
            let name = key(&format!("Patient/p{round}"));
            if round % 7 == 0 {
                write(store, put(patient(name.id.as_str()))).await.unwrap();
            } else {
                store.read(&me(), &name).await.unwrap_err();
            }
            expected.push(name);
        }
        let told: Vec<Key> = log(store).await.into_iter().filter_map(|it| it.about).collect();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_refused_commit_leaves_no_entry_and_none_is_without_its_change() {
    for Place { store, .. } in &all().await {
        write(store, put(patient("ana"))).await.unwrap();
        let stale = crate::places::put_expecting(Expect::Version(9), patient("ana"));
        let batch = Batch { writes: vec![put(patient("ben")), stale], action: "transaction", ..Batch::default() };
        assert!(store.commit(&me(), batch, NOON).await.is_err());
        assert_eq!(log(store).await.len(), 1);
        assert_eq!(verified(store).await.bad, None);
    }
}

#[tokio::test]
async fn reindexing_going_back_and_giving_space_back_keep_the_log() {
    for Place { store, .. } in &all().await {
        fill(store).await;
        let later = NOON + 3_600_000_000;
        let more = Batch {
            writes: vec![put(note("later", "ana")), put(note("o1", "ben"))],
            action: "transaction",
            ..Batch::default()
        };
        store.commit(&me(), more, later).await.unwrap();
        let before = log(store).await;
        store.reindex(&me(), &|_, _| {}).await.unwrap();
        assert_eq!(store.rewind(&me(), NOON + 1, &|_, _| {}).await.unwrap(), 2);
        store.vacuum(&me()).await.unwrap();
        let after = log(store).await;
        assert_eq!(after[..before.len()], before);
        let told: Vec<&str> = after[before.len()..].iter().map(|it| &*it.action).collect();
        assert_eq!(told, ["reindex", "reindex", "rewind"]);
        assert_eq!(verified(store).await.bad, None);
        // What was Ben's for an hour is Ana's again.
        store.read(&me(), &key("Observation/o1")).await.unwrap();
        assert_eq!(log(store).await.last().unwrap().patients, [id("ana")]);
    }
}

#[tokio::test]
async fn texts_that_a_database_would_change_are_kept_in_a_form_that_it_does_not() {
    for Place { store, .. } in &all().await {
        let odd =
            Caller { who: "x".repeat(5_000).into(), display: "N\0l".into(), request: Some("\0".into()), ..nurse() };
        store.record(&odd, Event::of("print").detail(format!("a\0b{}", "é".repeat(20_000))), NOON).await.unwrap();
        let entry = log(store).await.remove(0);
        assert_eq!((&*entry.agent.display, entry.request.as_deref()), ("N\u{fffd}l", Some("\u{fffd}")));
        assert!(entry.detail.unwrap().starts_with("a\u{fffd}bé"));
        assert_eq!(verified(store).await.bad, None);
    }
}

#[tokio::test]
async fn the_log_of_an_earlier_build_is_taken_over() {
    let place = sqlite().await;
    let path = place.store.settings().address.replace("store.db", "earlier.db");
    let store = Store::open(settings(&path)).await.unwrap();
    write_all(&store, vec![patient("ana"), note("o1", "ana")]).await;
    write(&store, put(note("o1", "ben"))).await.unwrap();
    store.close().await;
    drop(store);
    let database = rusqlite::Connection::open(&path).unwrap();
    let triggers =
        ["audit", "audit_agent", "audit_patient", "audit_span"].map(|it| format!("DROP TABLE {it};")).concat();
    database
        .execute_batch(&format!(
            "{triggers} DROP TABLE audit_earlier; DROP TABLE item; DROP TABLE message; ALTER TABLE resource DROP COLUMN owner;
             ALTER TABLE history DROP COLUMN owner;
             CREATE TABLE audit (
               tx INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL,
               purpose TEXT NOT NULL, action TEXT NOT NULL, request TEXT, detail TEXT
             );
             INSERT INTO audit VALUES (1, 5, 'user/a', 'nurse', 'TREAT', 'transaction', 'r', NULL),
               (2, 6, 'user/a', 'nurse', 'TREAT', 'update', NULL, NULL),
               (3, 7, 'user/b', 'nurse', 'ETREAT', 'read', 'q', 'Patient/ana');
             PRAGMA user_version = 1"
        ))
        .unwrap();
    drop(database);
    let store = loop {
        match Store::open(settings(&path)).await {
            Ok(store) => break store,
            Err(error) if error.to_string().contains("in use") => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let told = log(&store).await;
    let told: Vec<_> =
        told.iter().map(|it| (it.at, &*it.agent.who, &*it.agent.purpose, &*it.action, it.wrote)).collect();
    let (a, b) = ("user/a", "user/b");
    assert_eq!(told, [(5, a, "TREAT", "transaction", 2), (6, a, "TREAT", "update", 1), (7, b, "ETREAT", "read", 0)]);
    store.read(&me(), &key("Observation/o1")).await.unwrap();
    assert_eq!(log(&store).await.last().unwrap().patients, [id("ben")]);
    assert_eq!(verified(&store).await.bad, None);
    assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    store.close().await;
}
