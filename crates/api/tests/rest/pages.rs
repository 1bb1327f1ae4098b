//! What a browser sees.

use crate::world::{Got, TOKEN, World, observation, patient};

async fn page(world: &World, path: &str) -> Got {
    let bearer = format!("Bearer {TOKEN}");
    world.raw("GET", path, &[("accept", "text/html,*/*;q=0.8"), ("authorization", &bearer)], "").await
}

#[tokio::test]
async fn the_base_greets_a_browser_and_lists_the_types() {
    let world = World::new().await;
    let base = page(&world, "").await.is(200);
    assert_eq!(base.header("content-type"), "text/html; charset=utf-8");
    let policy = base.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(base.text.contains("<h1>FHIR API</h1>") && base.text.contains(">Observation</a>"));
    for bad in ["<script", "style=\"", "<style", "onclick"] {
        assert!(!base.text.contains(bad), "{bad}");
    }
    let style = world.raw("GET", "_style.css", &[], "").await.is(200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn a_browser_without_a_session_is_sent_to_sign_in() {
    let world = World::new().await;
    let sent = world.raw("GET", "Patient/p1?_summary=true", &[("accept", "text/html")], "").await.is(303);
    assert_eq!(
        sent.header("location"),
        "http://here.example/clinic/sign-in?next=/clinic/fhir/Patient/p1%3F_summary%3Dtrue"
    );
}

#[tokio::test]
async fn a_resource_is_readable_with_its_references_as_links() {
    let world = World::new().await;
    let mut one = patient("p1");
    one["name"][0]["family"] = "<b>Bobby</b> & Co".into();
    one["text"] = serde_json::json!({
        "status": "additional",
        "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Seen <a href=\"http://x.example/\">there</a></p></div>",
    });
    world.put("Patient/p1", &one).await.is(201);
    let mut weight = observation("Patient/p1", "2020-01-01", 70.0);
    weight["id"] = "o1".into();
    world.put("Observation/o1", &weight).await.is(201);
    let shown = page(&world, "Patient/p1").await.is(200);
    assert!(shown.text.contains("&lt;b&gt;Bobby&lt;/b&gt; &amp; Co"), "{}", shown.text);
    assert!(shown.text.contains("<p>Seen <a href=\"http://x.example/\""), "{}", shown.text);
    let shown = page(&world, "Observation/o1").await.is(200);
    assert!(shown.text.contains("<a href=\"http://here.example/clinic/fhir/Patient/p1\">Patient/p1</a>"));
    let list = page(&world, "Observation?code=29463-7").await.is(200);
    assert!(list.text.contains("href=\"http://here.example/clinic/fhir/Observation/o1\""));
    let refused = page(&world, "Patient/none").await;
    assert_eq!(refused.status.as_u16(), 404);
    assert!(refused.text.contains("Not Found") && refused.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn history_shows_versions_and_what_changed_between_them() {
    let world = World::new().await;
    world.patient("p1").await;
    let mut changed = patient("p1");
    changed["gender"] = "other".into();
    world.put("Patient/p1", &changed).await.is(200);
    let history = page(&world, "Patient/p1/_history").await.is(200);
    assert!(history.text.contains("_history/2?_compare=1"), "{}", history.text);
    let compared = page(&world, "Patient/p1/_history/2?_compare=1").await.is(200);
    assert!(compared.text.contains("<del>female</del>") && compared.text.contains("<ins>other</ins>"));
    // The comparison is a page for people; programs are told that there is no such parameter.
    world.get("Patient/p1/_history/2?_compare=1").await.refused(400, "not-supported");
}
