//! A merge and what takes it back, on a real store: whatever two people had, afterwards everything is as it was.

use super::*;
use crate::access::{Charge, NewUser, PersonLink, Relation};
use crate::demo::Registrations;
use crate::draft::Drafts;
use crate::identity::links;
use crate::ward::{NOON, Ward};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// Small numbers from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Something about one of two people, or about both.
fn resource(at: usize, draw: &mut Draw) -> Value {
    let patient = |who: u64| json!({"reference": format!("Patient/{}", ["one", "two"][(who % 2) as usize])});
    let who = draw.below(2);
    let (subject, other) = (patient(who), patient(who + draw.below(2)));
    let coded = json!({"text": "Something"});
    let mut it = match draw.below(11) {
        0 => {
            json!({"resourceType": "Appointment", "status": "booked", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T10:20:00Z",
            "participant": [{"actor": subject, "status": "accepted"}, {"actor": other, "status": "accepted"}]})
        }
        1 => {
            json!({"resourceType": "Claim", "status": "active", "use": "claim", "created": "2026-06-01", "type": coded,
            "patient": subject, "provider": {"reference": "Organization/riverside"}, "priority": coded,
            "payee": {"type": coded, "party": other},
            "insurance": [{"sequence": 1, "focal": true, "coverage": {"display": "Self pay"}}]})
        }
        2 => json!({"resourceType": "Coverage", "status": "active", "beneficiary": subject, "subscriber": other,
            "payor": [{"reference": "Organization/riverside"}]}),
        3 => {
            json!({"resourceType": "Account", "status": "active", "subject": [subject], "guarantor": [{"party": other}]})
        }
        4 => {
            json!({"resourceType": "Consent", "status": "active", "scope": coded, "category": [coded], "patient": subject,
            "policyRule": coded, "performer": [other]})
        }
        5 => {
            json!({"resourceType": "Observation", "status": "final", "code": coded, "subject": subject, "valueString": "x"})
        }
        6 => json!({"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "subject": subject}),
        7 => json!({"resourceType": "RelatedPerson", "patient": subject, "name": [{"text": "Somebody"}]}),
        8 => {
            json!({"resourceType": "Communication", "status": "completed", "subject": subject, "recipient": [other, subject]})
        }
        9 => {
            json!({"resourceType": "Task", "status": "requested", "intent": "order", "for": subject, "requester": other})
        }
        _ => json!({"resourceType": "List", "status": "current", "mode": "working", "subject": subject,
            "entry": [{"item": other}]}),
    };
    it["id"] = format!("r{at}").into();
    it
}

/// Everything there is, without version and time.
async fn everything(ward: &Ward, keys: &[Key]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for stored in ward.organisation.store.current_of(&Caller::system("test"), keys).await.unwrap() {
        let mut value = if stored.deleted { Value::Null } else { stored.value() };
        if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("versionId");
            meta.remove("lastUpdated");
        }
        all.insert(stored.key.to_string(), value);
    }
    for shelf in FOLLOWING {
        for item in super::all(&ward.organisation.store, shelf, ward.now).await.unwrap() {
            let body: Value = serde_json::from_slice(&item.body).unwrap();
            all.insert(format!("{shelf} {} {}", item.name, item.owner), body);
        }
    }
    all
}

async fn furnished(seed: u64) -> (Ward, Vec<Key>) {
    let ward = Ward::open().await;
    let mut draw = Draw(seed);
    let registrations = Registrations::new(seed);
    let mut people = [registrations.patient(1), registrations.again(1, 1)];
    let mut keys = Vec::new();
    for (person, name) in people.iter_mut().zip(["one", "two"]) {
        person["id"] = name.into();
        person["active"] = json!(true);
        keys.push(key(&format!("Patient/{name}")));
    }
    ward.put(people.to_vec()).await;
    let count = 3 + draw.below(24) as usize;
    let resources: Vec<Value> = (0..count).map(|at| resource(at, &mut draw)).collect();
    keys.extend(
        resources
            .iter()
            .map(|it| key(&format!("{}/{}", it["resourceType"].as_str().unwrap(), it["id"].as_str().unwrap()))),
    );
    ward.put(resources).await;
    let system = Caller::system("test");
    // An account of the one who goes, a proxy of both, drafts of two forms, links with others.
    let charge = |who: &str, relation: Relation| Charge { patient: id(who), relation, limited: false, until: None };
    for (at, patients) in [
        vec![charge("two", Relation::Own)],
        vec![charge("one", Relation::Child), charge("two", Relation::Child)],
        vec![charge("ada", Relation::Own)],
    ]
    .into_iter()
    .enumerate()
    {
        if draw.below(3) > 0 {
            let new = NewUser {
                username: format!("user{at}"),
                display: format!("User {at}"),
                email: None,
                roles: Vec::new(),
                person: PersonLink::None,
                sites: Vec::new(),
            };
            let access = &ward.organisation.access;
            access.create_with_password(&system, new, patients, "correct horse battery staple", NOON).await.unwrap();
        }
    }
    let pen = ward.pen();
    let drafts = Drafts::of(&pen);
    for (form, who) in [("vitals", "one"), ("vitals", "two"), ("order", "two")] {
        if draw.below(2) == 0 {
            let about = json!({"subject": {"reference": format!("Patient/{who}")}, "text": "Patient/other"});
            drafts.keep(form, &id(who), about, None).await.unwrap();
        }
    }
    let elsewhere = json!({"identifier": [{"system": "urn:lakeside", "value": "L-17"}]});
    let items = links::remember(&elsewhere, "lakeside", &id("two"), NOON);
    ward.organisation.store.keep(&system, store::audit::Event::of("test"), items, NOON).await.unwrap();
    (ward, keys)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_that_is_taken_back_never_was(seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ward, keys) = furnished(seed).await;
            let system = Caller::system("test");
            let hand = Hand { organisation: &ward.organisation, caller: &system, now: ward.now };
            let before = everything(&ward, &keys).await;
            let mut chosen = Chosen::new();
            let mut draw = Draw(seed ^ 1);
            chosen.extend(CHOICES.iter().filter(|_| draw.below(3) == 0).map(|it| (*it).to_owned()));
            let merged = merge(hand, &id("one"), &id("two"), &chosen, "the same person").await.unwrap();
            // Nothing points at the one that went but what says what became of it.
            for stored in hand.store().pointing_at(&system, &key("Patient/two")).await.unwrap() {
                assert!(matches!(stored.key.kind.name(), "Patient" | "Provenance" | "Task"), "{} still points", stored.key);
            }
            let gone = ward.read(&key("Patient/two")).await;
            assert_eq!((&gone["active"], replaced_by(&gone)), (&json!(false), Some(id("one"))));
            // Somebody goes on working with the one that stayed.
            let new = json!({"resourceType": "Observation", "id": "later", "status": "final", "code": {"text": "Later"},
                "subject": {"reference": "Patient/one"}, "valueString": "y"});
            ward.put(vec![new]).await;
            unmerge(hand, &merged.id, "two people after all").await.unwrap();
            let after = everything(&ward, &keys).await;
            for (name, value) in &before {
                assert_eq!(after.get(name), Some(value), "{name} of seed {seed}");
            }
            assert_eq!(before.len(), after.len());
            let later = ward.read(&key("Observation/later")).await;
            assert_eq!(later["subject"]["reference"], "Patient/one");
            // And again, and back again.
            let merged = merge(hand, &id("two"), &id("one"), &Chosen::new(), "the same person").await.unwrap();
            unmerge(hand, &merged.id, "two people after all").await.unwrap();
            assert_eq!(everything(&ward, &keys).await, before);
        });
    }
}

#[tokio::test]
async fn what_must_not_be_merged_is_refused_with_the_reason() {
    let (ward, _) = furnished(7).await;
    let system = Caller::system("test");
    let hand = Hand { organisation: &ward.organisation, caller: &system, now: ward.now };
    let none = Chosen::new();
    let desk = Hand { caller: &ward.desk.caller, ..hand };
    let refused = |result: Result<Merge, MergeError>| result.unwrap_err().to_string();
    assert!(refused(merge(desk, &id("one"), &id("two"), &none, "the same person").await).contains("role"));
    assert!(refused(merge(hand, &id("one"), &id("one"), &none, "the same person").await).contains("same record"));
    assert!(refused(merge(hand, &id("one"), &id("none"), &none, "the same person").await).contains("no such record"));
    assert!(refused(merge(hand, &id("one"), &id("two"), &none, " ").await).contains("why"));
    let access = &ward.organisation.access;
    for who in ["one", "two"] {
        let new = NewUser {
            username: format!("own-{who}"),
            display: who.to_owned(),
            email: None,
            roles: Vec::new(),
            person: PersonLink::None,
            sites: Vec::new(),
        };
        let own = Charge { patient: id(who), relation: Relation::Own, limited: false, until: None };
        access.create_with_password(&system, new, vec![own], "correct horse battery staple", NOON).await.unwrap();
    }
    let accounts = merge(hand, &id("one"), &id("two"), &none, "the same person").await;
    assert!(refused(accounts).contains("account"));
}

#[tokio::test]
async fn a_chain_of_merges_is_taken_back_from_its_end() {
    let (ward, _) = furnished(11).await;
    let system = Caller::system("test");
    let hand = Hand { organisation: &ward.organisation, caller: &system, now: ward.now };
    let none = Chosen::new();
    let first = merge(hand, &id("ben"), &id("ada"), &none, "the same person").await.unwrap();
    let second = merge(hand, &id("one"), &id("ben"), &none, "the same person").await.unwrap();
    assert_eq!(crate::identity::current(hand.store(), id("ada")).await.unwrap(), id("one"));
    let early = unmerge(hand, &first.id, "not the same").await;
    assert!(matches!(early, Err(MergeError::MergedOn)));
    unmerge(hand, &second.id, "not the same").await.unwrap();
    unmerge(hand, &first.id, "not the same").await.unwrap();
    assert!(matches!(unmerge(hand, &first.id, "not the same").await, Err(MergeError::TakenBack)));
    assert_eq!(merges(hand.store(), &system, ward.now).await.unwrap().len(), 2);
}
