use super::*;
use crate::ward::{NOON, Ward};
use serde_json::json;

const ADA: &str = "urn:uuid:0f6f6b1a-0000-8000-8000-000000000001";
const REPORT: &str = "urn:uuid:0f6f6b1a-0000-8000-8000-000000000002";
const RESULT: &str = "urn:uuid:0f6f6b1a-0000-8000-8000-000000000003";
const DOCTOR: &str = "urn:uuid:0f6f6b1a-0000-8000-8000-000000000004";
const OLD: &str = "urn:uuid:0f6f6b1a-0000-8000-8000-000000000005";

fn lab(arrival: &str) -> Origin {
    let name = "Lakeside Laboratory".to_owned();
    Origin { way: Way::Message, source: "urn:oid:1.2.3".into(), name, arrival: Some(arrival.into()) }
}

/// A message: when it was sent and what it says.
#[derive(Clone, Debug)]
struct Sent {
    at: &'static str,
    number: u64,
    resources: Vec<(&'static str, Value)>,
    deletions: Vec<Deletion>,
}

fn said(at: &'static str, resources: Vec<(&'static str, Value)>) -> Sent {
    Sent { at, number: 0, resources, deletions: Vec::new() }
}

async fn take(ward: &Ward, it: &Sent) -> Received {
    let origin = lab(it.at);
    let resources = it.resources.iter().map(|(address, value)| ((*address).to_owned(), value.clone())).collect();
    let arrival = Arrival {
        sent: Some(it.at.to_owned()),
        number: it.number,
        deletions: &it.deletions,
        patient: Some(ADA),
        ..Arrival::new(&origin, resources)
    };
    receive(&ward.organisation, &Caller::system("test"), arrival, NOON).await.unwrap()
}

/// All that messages wrote, without what differs by the way it came.
async fn ended(ward: &Ward) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in ["Patient", "DiagnosticReport", "Observation", "Practitioner"] {
        for mut it in ask::every(&ward.organisation.store, &READER, kind, &[], 100).await.unwrap() {
            it.as_object_mut().unwrap().shift_remove("meta");
            all.push(it);
        }
    }
    all.sort_by_key(|it| (it["resourceType"].to_string(), it["id"].to_string()));
    all
}

fn patient(more: Value) -> (&'static str, Value) {
    let mut it = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:id:LAKE", "value": "77" }] });
    it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (ADA, it)
}

fn observation(status: &str, value: f64) -> (&'static str, Value) {
    let it = json!({ "resourceType": "Observation", "status": status, "code": { "text": "Potassium" },
        "subject": { "reference": ADA }, "performer": [{ "reference": DOCTOR }], "valueQuantity": { "value": value } });
    (RESULT, it)
}

fn report(status: &str) -> (&'static str, Value) {
    let it = json!({ "resourceType": "DiagnosticReport", "status": status, "code": { "text": "Electrolytes" },
        "subject": { "reference": ADA }, "result": [{ "reference": RESULT }] });
    (REPORT, it)
}

fn doctor() -> (&'static str, Value) {
    (DOCTOR, json!({ "resourceType": "Practitioner", "name": [{ "family": "Ng" }] }))
}

#[tokio::test]
async fn what_comes_is_written_once_with_its_origin_and_again_changes_nothing() {
    let ward = Ward::open().await;
    let it =
        said("2026-06-01T08:00:00Z", vec![patient(json!({})), doctor(), observation("final", 4.1), report("final")]);
    let first = take(&ward, &it).await;
    assert_eq!((first.keys.len(), first.unchanged), (4, 0));
    let key = &first.names[RESULT];
    let result = ward.read(key).await;
    assert_eq!(result["subject"]["reference"], first.names[ADA].to_string());
    assert_eq!(origin::of(&result), Some(lab(it.at)));
    assert_eq!(first.patient, Some(first.names[ADA].id.clone()));
    let provenance = ask::every(&ward.organisation.store, &READER, "Provenance", &[], 10).await.unwrap();
    assert_eq!(provenance[0]["target"].as_array().unwrap().len(), 4);
    let again = take(&ward, &it).await;
    assert_eq!((again.keys.len(), again.unchanged), (0, 4));
    // The same in another message says nothing new either.
    let later = take(&ward, &Sent { at: "2026-06-02T08:00:00Z", ..it }).await;
    assert_eq!((later.keys.len(), later.unchanged), (0, 4));
    assert_eq!(ask::every(&ward.organisation.store, &READER, "Provenance", &[], 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn whom_we_know_by_an_identifier_is_only_added_to() {
    let ward = Ward::open().await;
    ward.put(vec![json!({ "resourceType": "Patient", "id": "ours", "gender": "female",
        "identifier": [{ "system": "urn:id:LAKE", "value": "77" }], "name": [{ "family": "Byron" }] })])
        .await;
    let it = said(
        "2026-06-01T08:00:00Z",
        vec![patient(json!({ "name": [{ "family": "BIRON" }], "birthDate": "1986-02-03" }))],
    );
    let received = take(&ward, &it).await;
    assert_eq!(received.names[ADA].to_string(), "Patient/ours");
    let ours = ward.read(&received.names[ADA]).await;
    assert_eq!((&ours["name"][0]["family"], &ours["birthDate"]), (&json!("Byron"), &json!("1986-02-03")));
    assert_eq!(origin::of(&ours), None);
    // What the sender has told itself, it may correct.
    let it =
        said("2026-06-02T08:00:00Z", vec![patient(json!({ "name": [{ "family": "B" }], "birthDate": "1986-02-04" }))]);
    take(&ward, &it).await;
    let ours = ward.read(&received.names[ADA]).await;
    assert_eq!((&ours["name"][0]["family"], &ours["birthDate"]), (&json!("Byron"), &json!("1986-02-04")));
    // A number of the state is no reason to take somebody for somebody.
    let ssn = json!([{ "system": NOT_OURS[0], "value": "1" }]);
    ward.put(vec![json!({ "resourceType": "Patient", "id": "third", "identifier": ssn })]).await;
    let stranger = (OLD, json!({ "resourceType": "Patient", "identifier": ssn }));
    let received = take(&ward, &said("2026-06-03T08:00:00Z", vec![stranger])).await;
    assert_ne!(received.names[OLD].to_string(), "Patient/third");
}

#[tokio::test]
async fn a_message_from_the_future_does_not_silence_those_that_follow() {
    let ward = Ward::open().await;
    take(&ward, &said("2999-01-01T00:00:00Z", vec![patient(json!({ "gender": "male" }))])).await;
    let received = take(&ward, &said("2026-06-15T12:00:00Z", vec![patient(json!({ "gender": "female" }))])).await;
    assert_eq!(ward.read(&received.names[ADA]).await["gender"], "female");
}

#[tokio::test]
async fn what_does_not_hold_together_is_refused_whole() {
    let ward = Ward::open().await;
    let before = ended(&ward).await;
    let origin = lab("x");
    let broken = json!({ "resourceType": "Observation", "status": "nonsense" });
    let (address, patient) = patient(json!({}));
    let resources = vec![(address.to_owned(), patient), (RESULT.to_owned(), broken)];
    let refused = receive(&ward.organisation, &Caller::system("test"), Arrival::new(&origin, resources), NOON).await;
    let Err(DoorError::Invalid(issues)) = refused else { panic!("it was taken") };
    assert!(issues.iter().all(|it| it.expression.starts_with("Observation")), "{issues:?}");
    assert_eq!(ended(&ward).await, before);
}

/// Everything that happens to one person, each once.
fn story() -> Vec<Sent> {
    let merged = (
        OLD,
        json!({ "resourceType": "Patient", "active": false, "name": [{ "family": "Before" }],
        "identifier": [{ "system": "urn:id:LAKE", "value": "70" }],
        "link": [{ "type": "replaced-by", "other": { "reference": ADA } }] }),
    );
    let before = (
        OLD,
        json!({ "resourceType": "Patient", "gender": "female", "name": [{ "family": "Before" }],
        "identifier": [{ "system": "urn:id:LAKE", "value": "70" }, { "system": "urn:id:X", "value": "7" }] }),
    );
    let deletion = Deletion { address: ADA.into(), element: "maritalStatus".into() };
    let moved = patient(json!({ "name": [{ "family": "Byron" }], "address": [{ "city": "Lakeside" }] }));
    let corrected = observation("corrected", 4.4);
    let words = (RESULT, {
        let mut it = observation("final", 0.0).1;
        it.as_object_mut().unwrap().shift_remove("valueQuantity");
        it["valueString"] = "haemolysed".into();
        it
    });
    vec![
        said("2026-06-01T08:00:00Z", vec![before]),
        said(
            "2026-06-01T09:00:00Z",
            vec![patient(json!({ "maritalStatus": { "text": "single" }, "gender": "female",
            "name": [{ "family": "Biron" }], "address": [{ "city": "Riverside" }] }))],
        ),
        said("2026-06-02T09:00:00Z", vec![moved]),
        Sent { deletions: vec![deletion], ..said("2026-06-03T09:00:00Z", vec![patient(json!({}))]) },
        // The clock of the laboratory is a day late: its first result is stamped after the final one.
        said(
            "2026-06-05T10:00:00Z",
            vec![patient(json!({})), doctor(), observation("preliminary", 4.0), report("preliminary")],
        ),
        said("2026-06-04T10:00:00Z", vec![patient(json!({})), doctor(), observation("final", 4.1), report("final")]),
        said("2026-06-04T11:00:00Z", vec![patient(json!({})), doctor(), corrected, report("corrected")]),
        Sent { number: 2, ..said("2026-06-04T11:00:00Z", vec![doctor(), words]) },
        said("2026-06-06T10:00:00Z", vec![patient(json!({ "gender": "female" })), merged]),
    ]
}

#[tokio::test]
async fn however_late_and_however_often_they_come_the_end_is_the_same() {
    let in_order = Ward::open().await;
    let story = story();
    let mut times: Vec<&Sent> = story.iter().collect();
    times.sort_by_key(|it| (it.at, it.number));
    for it in times {
        take(&in_order, it).await;
    }
    let expected = ended(&in_order).await;
    let result = expected.iter().find(|it| it["resourceType"] == "Observation").unwrap();
    assert_eq!((&result["status"], &result["valueString"]), (&json!("corrected"), &json!("haemolysed")));
    assert_eq!(result.get("valueQuantity"), None);
    let ada = expected.iter().find(|it| it["id"] == ADA.trim_start_matches("urn:uuid:")).unwrap();
    assert_eq!((ada.get("maritalStatus"), &ada["address"][0]["city"]), (None, &json!("Lakeside")));
    let old = expected.iter().find(|it| it["id"] == OLD.trim_start_matches("urn:uuid:")).unwrap();
    assert_eq!(
        (&old["active"], &old["gender"], &old["link"][0]["type"]),
        (&json!(false), &json!("female"), &json!("replaced-by"))
    );
    // A small generator: the same orders each time.
    let mut state = 7_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..24 {
        let ward = Ward::open().await;
        let mut order: Vec<usize> = (0..story.len()).collect();
        (0..4).for_each(|_| order.push(draw(story.len())));
        (1..order.len()).rev().for_each(|at| order.swap(at, draw(at + 1)));
        for at in &order {
            take(&ward, &story[*at]).await;
        }
        assert_eq!(ended(&ward).await, expected, "round {round}: {order:?}");
    }
}
