//! Who may come in, what forms are spoken, and the limits.

use crate::world::{PATIENT_TOKEN, TOKEN, World, observation, patient};
use api::ApiSettings;
use serde_json::{Value, json};

#[tokio::test]
async fn nothing_is_answered_without_a_token_but_what_the_server_can_do() {
    let world = World::new().await;
    world.patient("p1").await;
    for (method, path) in [
        ("GET", "Patient/p1"),
        ("GET", "Patient"),
        ("GET", ""),
        ("POST", ""),
        ("PUT", "Patient/p1"),
        ("DELETE", "Patient/p1"),
        ("GET", "_history"),
        ("GET", "Patient/p1/$everything"),
        ("GET", "Nothing/p1"),
    ] {
        let refused = world.raw(method, path, &[], "").await.refused(401, "login");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
    }
    let wrong = world.raw("GET", "Patient/p1", &[("authorization", "Bearer wrong")], "").await.refused(401, "login");
    assert!(wrong.header("www-authenticate").contains("invalid_token"));
    world.raw("GET", "Patient/p1", &[("authorization", "Basic eDp5")], "").await.refused(401, "login");
    world.raw("GET", "metadata", &[], "").await.is(200);
    world.raw("GET", "Patient/p1", &[("authorization", &format!("bearer {TOKEN}"))], "").await.is(200);
}

#[tokio::test]
async fn a_session_cookie_reads_pages_and_nothing_else() {
    let world = World::new().await;
    world.patient("p1").await;
    let cookie = format!("theme=dark; continuo_session={}", world.session);
    let page = [("cookie", cookie.as_str()), ("accept", "text/html")];
    world.raw("GET", "Patient/p1", &page, "").await.is(200);
    world.raw("GET", "Patient/p1", &page[..1], "").await.refused(401, "login");
    world.raw("DELETE", "Patient/p1", &page, "").await.refused(401, "login");
    world.get("Patient/p1").await.is(200);
}

#[tokio::test]
async fn a_patient_reads_their_own_record_and_writes_nothing() {
    let world = World::new().await;
    world.patient("p1").await;
    world.patient("p2").await;
    let bearer = format!("Bearer {PATIENT_TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
    world.raw("GET", "Patient/p1", &headers, "").await.is(200);
    // Hidden and absent look the same.
    world.raw("GET", "Patient/p2", &headers, "").await.refused(404, "not-found");
    assert_eq!(world.raw("GET", "Patient", &headers, "").await.is(200).keys(), ["Patient/p1"]);
    for below in ["", "/_history", "/_history/1", "/$everything", "/$meta"] {
        let hidden = world.raw("GET", &format!("Patient/p2{below}"), &headers, "").await.refused(404, "not-found");
        let absent = world.raw("GET", &format!("Patient/p9{below}"), &headers, "").await.refused(404, "not-found");
        assert_eq!(hidden.text.replace("p2", "*"), absent.text.replace("p9", "*"), "{below}");
        assert_eq!((hidden.header("etag"), hidden.header("location")), ("", ""), "{below}");
    }
    // In the entries of bundles too.
    let get = |id: &str| json!({ "request": { "method": "GET", "url": format!("Patient/{id}") } });
    for kind in ["batch", "transaction"] {
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [get("p2"), get("p9"), get("p1")] });
        let answer = world.raw("POST", "", &headers, bundle.to_string()).await.is(200).json();
        let told = |at: usize, id: &str| {
            answer["entry"][at]["response"].to_string().replace(id, "*").replace(&format!("entry[{at}]"), "entry")
        };
        assert_eq!(told(0, "p2"), told(1, "p9"), "{kind}");
        assert!(told(0, "p2").contains("Not Found") && told(2, "p1").contains("OK"), "{kind}");
    }
    let body = observation("Patient/p1", "2020-01-01", 1.0).to_string();
    world.raw("POST", "Observation", &headers, body).await.refused(403, "forbidden");
}

#[tokio::test]
async fn json_is_spoken_and_other_forms_are_refused_clearly() {
    let world = World::new().await;
    world.patient("p1").await;
    let get = async |accept: &str| world.send("GET", "Patient/p1", &[("accept", accept)], None).await;
    for accept in ["application/fhir+json", "application/json", "*/*", "application/fhir+xml;q=0.1, application/json"] {
        get(accept).await.is(200);
    }
    for accept in ["application/fhir+xml", "text/turtle", "application/fhir+json;fhirVersion=5.0"] {
        get(accept).await.refused(406, "not-supported");
    }
    world.get("Patient/p1?_format=json").await.is(200);
    world.get("Patient/p1?_format=application/fhir+json").await.is(200);
    world.get("Patient/p1?_format=xml").await.refused(406, "not-supported");
    assert!(world.get("Patient/p1?_pretty=true").await.is(200).text.contains("\n  \"id\": \"p1\""));
    world.get("Patient/p1?_pretty=perhaps").await.refused(400, "invalid");

    let post = async |kind: &str| world.send("POST", "Patient", &[("content-type", kind)], Some(&patient("x"))).await;
    post("application/json").await.is(201);
    post("application/fhir+xml").await.refused(415, "not-supported");
    post("application/fhir+json; charset=iso-8859-1").await.refused(415, "not-supported");
}

#[tokio::test]
async fn what_does_not_exist_says_so() {
    let world = World::new().await;
    world.get("Patients/1").await.refused(404, "not-supported");
    world.get("Patient/1/2/3/4/5/6").await.refused(404, "not-found");
    world.get("Patient/$frobnicate").await.refused(404, "not-supported");
    world.get("Observation/1/Patient").await.refused(404, "not-found");
    let refused = world.post("Patient/p1", &patient("p1")).await.refused(405, "not-supported");
    assert_eq!(refused.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
    let refused = world.send("TRACE", "Patient/p1", &[], None).await.refused(405, "not-supported");
    assert!(!refused.header("allow").is_empty());
    world.get("Patient/p1?x=%zz").await.refused(400, "invalid");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let world = World::new().await;
    let first = world.get("metadata").await.header("x-request-id").to_owned();
    let second = world.get("Patient/none").await.header("x-request-id").to_owned();
    assert!(!first.is_empty() && first != second);
    let mine = world.send("GET", "metadata", &[("x-request-id", "order-17")], None).await;
    assert_eq!(mine.header("x-request-id"), "order-17");
    let odd = world.send("GET", "metadata", &[("x-request-id", "a b<c>")], None).await;
    assert_ne!(odd.header("x-request-id"), "a b<c>");
}

#[tokio::test]
async fn limits_are_answered_cleanly() {
    let settings =
        ApiSettings { body_limit: 4000, depth_limit: 12, entry_limit: 3, query_limit: 300, ..ApiSettings::default() };
    let world = World::with(settings).await;
    let mut large = patient("p1");
    large["name"][0]["text"] = "x".repeat(5000).into();
    world.post("Patient", &large).await.refused(413, "too-long");
    let mut deep = json!({ "url": "http://x", "valueString": "x" });
    for _ in 0..20 {
        deep = json!({ "url": "http://x", "extension": [deep] });
    }
    let mut nested = patient("p1");
    nested["extension"] = json!([deep]);
    world.post("Patient", &nested).await.refused(400, "too-long");
    let entry = json!({ "request": { "method": "GET", "url": "Patient" } });
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": vec![entry; 4] });
    world.post("", &bundle).await.refused(413, "too-costly");
    world.get(&format!("Patient?name={}", "x".repeat(400))).await.refused(414, "too-long");
    assert_eq!(world.count("Patient").await, 0);
}

#[tokio::test]
async fn large_answers_are_packed_when_asked_and_small_ones_never() {
    let world = World::new().await;
    world.patient("p1").await;
    let get = async |path: &str, coding: &str| world.send("GET", path, &[("accept-encoding", coding)], None).await;
    for coding in ["gzip", "br", "zstd"] {
        let packed = get("metadata", coding).await.is(200);
        assert_eq!(packed.header("content-encoding"), coding);
        assert_eq!(get("Patient/p1", coding).await.is(200).header("content-encoding"), "");
    }
    assert_eq!(world.get("metadata").await.header("content-encoding"), "");
    let bearer = format!("Bearer {TOKEN}");
    let odd =
        [("authorization", bearer.as_str()), ("content-type", "application/fhir+json"), ("content-encoding", "lzma")];
    world.raw("POST", "Patient", &odd, patient("x").to_string()).await.refused(415, "not-supported");
    let false_gzip = [odd[0], odd[1], ("content-encoding", "gzip")];
    world.raw("POST", "Patient", &false_gzip, patient("x").to_string()).await.refused(400, "invalid");
}

#[tokio::test]
async fn an_error_never_repeats_what_a_patient_sent() {
    let world = World::new().await;
    let mut wrong = patient("p1");
    wrong["birthDate"] = "Zaphod-1970".into();
    wrong["gender"] = Value::from("Beeblebrox");
    let refused = world.post("Patient", &wrong).await.is(422);
    assert!(!refused.text.contains("Zaphod") && !refused.text.contains("Beeblebrox"), "{}", refused.text);
}

#[tokio::test]
async fn a_bug_ends_one_request_and_says_under_which_name_it_is_logged() {
    let world = World::with_a_bug().await;
    let ended = world.post("Patient", &patient("x")).await.refused(500, "exception");
    assert!(ended.text.contains(ended.header("x-request-id")), "{}", ended.text);
    world.patient("p1").await;
    world.get("Patient/p1").await.is(200);
}

#[tokio::test]
async fn a_packed_body_is_unpacked_within_the_limit() {
    use std::io::Write;
    let packed = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let world = World::with(ApiSettings { body_limit: 4000, ..ApiSettings::default() }).await;
    let bearer = format!("Bearer {TOKEN}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/fhir+json"), ("content-encoding", "gzip")];
    world.raw("POST", "Patient", &headers, packed(&patient("x").to_string())).await.is(201);
    // Small on the wire, large when unpacked.
    let bomb = packed(&" ".repeat(1_000_000));
    assert!(bomb.len() < 4000);
    world.raw("POST", "Patient", &headers, bomb).await.refused(413, "too-long");
}
