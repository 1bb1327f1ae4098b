//! Rights over many patients at once: what is of one of them, and of no other.

use crate::places::{all, write_all};
use crate::world::World;
use fhir::search::brute::matches;
use fhir::search::query::{Filter, Of, Patients, Query};
use fhir::{Id, Key, ResourceType};
use serde_json::{Value, json};
use std::sync::Arc;

fn things() -> Vec<Value> {
    let patient = |id: String| json!({"resourceType": "Patient", "id": id});
    let observation = |id: &str, subject: &str, performer: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
            "subject": {"reference": subject}, "performer": [{"reference": performer}]})
    };
    let mut all: Vec<Value> = (0..30).map(|at| patient(format!("p{at}"))).collect();
    all.extend([
        json!({"resourceType": "Patient", "id": "linked", "link": [{"other": {"reference": "Patient/p1"}, "type": "seealso"}]}),
        json!({"resourceType": "Practitioner", "id": "p1"}),
        observation("one", "Patient/p1", "Practitioner/p1"),
        observation("both", "Patient/p1", "Patient/p2"),
        observation("other", "Patient/p2", "Practitioner/p1"),
        observation("elsewhere", "Patient/p1", "https://there.example/Patient/9"),
        observation("absent", "Patient/nobody", "Patient/p1"),
        json!({"resourceType": "Observation", "id": "none", "status": "final", "code": {"text": "x"}}),
    ]);
    all
}

#[tokio::test]
async fn what_is_of_some_patients_is_found_as_the_judge_says() {
    for place in all().await {
        write_all(&place.store, things()).await;
        let registry = place.store.registry();
        let mut world = World::default();
        for value in things() {
            let text = |name: &str| value[name].as_str().unwrap().to_owned();
            let key = Key::parse(&format!("{}/{}", text("resourceType"), text("id"))).unwrap();
            world.add(&registry, place.store.bases(), key, value.clone(), 0);
        }
        let many: Vec<String> = (0..30).filter(|at| *at != 2).map(|at| format!("p{at}")).collect();
        for ids in [vec!["p1".to_owned()], vec!["p1".into(), "p2".into()], vec!["p1".into(), "gone".into()], many] {
            let patients: Arc<Patients> = Arc::new(ids.iter().map(|id| Id::parse(id).unwrap()).collect());
            for (kind, of) in ["Patient", "Observation", "Practitioner"]
                .iter()
                .flat_map(|kind| [(kind, Of::Some), (kind, Of::NoOther)])
            {
                let kind = ResourceType::parse(kind).unwrap();
                let slots = registry.compartment_slots("Patient", kind);
                if slots.is_empty() && kind.name() != "Patient" {
                    continue;
                }
                let plain = Filter::OfPatients { patients: patients.clone(), slots, of };
                for filter in [plain.clone(), Filter::Not(Box::new(plain))] {
                    let query = Query { kinds: vec![kind], filter: filter.clone(), ..Query::default() };
                    let mut found = place.store.find(&store::Caller::system("test"), &query, 100).await.unwrap();
                    found.sort();
                    let mut expected: Vec<Key> = world.held.keys().filter(|key| key.kind == kind).cloned().collect();
                    expected.retain(|key| matches(&filter, key, &world));
                    assert_eq!(found, expected, "{ids:?} {filter:?}");
                }
            }
        }
        let only = |of: Of| Filter::OfPatients {
            patients: Arc::new([Id::parse("p1").unwrap()].into_iter().collect()),
            slots: registry.compartment_slots("Patient", ResourceType::parse("Observation").unwrap()),
            of,
        };
        let passing = |filter: Filter| {
            let all = world.held.keys().filter(|key| key.kind.name() == "Observation");
            all.filter(|key| matches(&filter, key, &world)).map(|key| key.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(passing(only(Of::Some)), ["absent", "both", "elsewhere", "one"]);
        assert_eq!(passing(only(Of::NoOther)), ["one"]);
    }
}
