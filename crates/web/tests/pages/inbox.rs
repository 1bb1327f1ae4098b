//! Results, messages, growth and what changes while somebody looks, as a browser meets them.

use super::sound;
use super::world::World;
use axum::body::Body;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

fn potassium(id: &str, flag: &str, value: f64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/known"},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "effectiveDateTime": "2026-06-15T08:00:00Z", "interpretation": [{"coding": [{"code": flag}]}],
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}})
}

/// Everything a stream says until it says `until`.
async fn heard(body: Body, until: &str) -> String {
    let mut stream = body.into_data_stream();
    let mut all = String::new();
    let reading = async {
        while let Some(Ok(bytes)) = stream.next().await {
            all.push_str(&String::from_utf8_lossy(&bytes));
            if all.contains(until) {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await;
    all
}

#[tokio::test]
async fn an_open_page_is_told_the_type_of_what_was_written_and_nothing_else() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let page = world.get(Some(&cookie), "/riverside/patients/known").await;
    assert!(page.text.contains("data-stream=\"/riverside/live?patient=known\""), "{}", page.text);
    let body = world.listen(&cookie, "/riverside/live?patient=known&kinds=Observation").await;
    let told = tokio::spawn(heard(body, "event: change"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut other = potassium("k-other", "H", 6.0);
    other["subject"] = json!({"reference": "Patient/odd"});
    world.arrives(other).await;
    world.arrives(potassium("k-new", "HH", 7.77)).await;
    let told = told.await.unwrap();
    assert!(told.starts_with("event: place"), "{told}");
    assert_eq!(told.matches("event: change").count(), 1, "{told}");
    assert!(told.contains("data: {\"type\":\"Observation\",\"version\":1}"), "{told}");
    for secret in ["k-new", "7.77", "known", "Potassium"] {
        assert!(!told.contains(secret), "{told}");
    }
    // Whoever does not listen is told the place, and that is all.
    let place = world.get(Some(&cookie), "/riverside/live").await;
    assert!(place.status == 200 && place.text.starts_with("event: place"), "{}", place.text);
    let none = world.get(None, "/riverside/live").await;
    assert_eq!(none.status, 303);
}

#[tokio::test]
async fn a_stream_ends_with_the_session() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let body = world.listen(&cookie, "/riverside/live?patient=known&kinds=Observation").await;
    let told = tokio::spawn(heard(body, "event: end"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.fill(&cookie, "/riverside/sign-out", "").await;
    world.arrives(potassium("k-late", "H", 6.0)).await;
    let told = told.await.unwrap();
    assert!(told.contains("event: end\ndata: session") && !told.contains("event: change"), "{told}");
}

/// The value of a field of the first form that has it, after some text.
fn field<'a>(page: &'a str, after: &str, name: &str) -> &'a str {
    let rest = page.split_once(after).unwrap_or_else(|| panic!("{after} in {page}")).1;
    let rest = rest.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {rest}")).1;
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn a_normal_result_is_acknowledged_with_one_click_and_leaves() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    sound("inbox", &world.get(Some(&cookie), "/riverside/inbox").await);
    world.arrives(potassium("k-normal", "N", 4.1)).await;
    world.arrives(potassium("k-high", "H", 6.1)).await;
    let page = world.get(Some(&cookie), "/riverside/inbox?folder=results").await;
    sound("results", &page);
    assert!(
        page.text.contains("id=\"row-result-k-normal\"") && page.text.contains("id=\"row-result-k-high\""),
        "{}",
        page.text
    );
    assert!(page.text.contains("ZWETSCHKENBAUM") && page.text.contains("K-77"), "two identifiers: {}", page.text);
    // One form in the row does it; the high one has none there.
    let row =
        |id: &str| page.text.split(&format!("id=\"{id}\"")).nth(1).unwrap().split("</li>").next().unwrap().to_owned();
    assert!(row("row-result-k-normal").contains("value=\"acknowledge\""));
    assert!(!row("row-result-k-high").contains("value=\"acknowledge\""));
    let once = field(&page.text, "id=\"row-result-k-normal\"", "once");
    let done = world
        .fill(
            &cookie,
            "/riverside/inbox/do",
            &format!("item=result-k-normal&folder=results&once={once}&do=acknowledge"),
        )
        .await;
    assert_eq!((done.status, done.header("location")), (303, "/riverside/inbox?folder=results&said=acknowledged"));
    let page = world.get(Some(&cookie), "/riverside/inbox?folder=results&said=acknowledged").await;
    assert!(!page.text.contains("row-result-k-normal") && page.text.contains("Acknowledged."), "{}", page.text);
    let detail = world.get(Some(&cookie), "/riverside/inbox?folder=results&item=result-k-high").await;
    sound("detail", &detail);
    for part in ["Potassium", "6.1", "value=\"forward\"", "value=\"message\"", "value=\"acknowledge\""] {
        assert!(detail.text.contains(part), "{part}: {}", detail.text);
    }
    let again = world.get(Some(&cookie), "/riverside/inbox?folder=results&item=result-k-normal").await;
    assert!(again.text.contains("This is done"), "{}", again.text);
    for path in ["/riverside/inbox/new", "/riverside/inbox/settings", "/riverside/patients/known/message"] {
        sound(path, &world.get(Some(&cookie), path).await);
    }
}

#[tokio::test]
async fn an_answer_never_leads_away_from_the_organisation() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    world.arrives(potassium("k1n", "N", 4.1)).await;
    world.get(Some(&cookie), "/riverside/inbox").await;
    let body = "item=result-k1n&folder=results&once=x1&do=acknowledge&back=https%3A%2F%2Fevil.example%2F";
    let got = world.fill(&cookie, "/riverside/inbox/do", body).await;
    assert_eq!(got.header("location"), "/riverside/inbox?folder=results&said=acknowledged");
}

#[tokio::test]
async fn results_have_panels_trends_and_a_file_that_no_spreadsheet_runs() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let mut note = potassium("k-note", "H", 6.1);
    note["note"] = json!([{"text": "=HYPERLINK(\"http://evil.example\")"}]);
    world.arrives(note).await;
    let mut corrected = potassium("k-note", "H", 6.4);
    corrected["status"] = "corrected".into();
    corrected["note"] = json!([{"text": "=HYPERLINK(\"http://evil.example\")"}]);
    world.arrives(corrected).await;
    let page = world.get(Some(&cookie), "/riverside/patients/known/results").await;
    sound("results", &page);
    assert!(page.text.contains("href=\"#panel-other-tests\"") && page.text.contains("1 out of range"), "{}", page.text);
    assert!(page.text.contains("<del class=\"was-value\">"), "the old value stands struck out: {}", page.text);
    for query in ["", "?scale=log", "?medicines=yes", "?with=2345-7", "?range=1y&add=2345-7"] {
        let path = format!("/riverside/patients/known/results/2823-3{query}");
        sound(&path, &world.get(Some(&cookie), &path).await);
    }
    let file = world.get(Some(&cookie), "/riverside/patients/known/results/2823-3/csv").await;
    assert!(
        file.header("content-type").starts_with("text/csv")
            && file.header("content-disposition").contains("attachment")
    );
    assert!(file.text.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\""), "{}", file.text);
    let report = world.get(Some(&cookie), "/riverside/patients/known/reports/Observation/k-note").await;
    sound("report", &report);
    let other = world.get(Some(&cookie), "/riverside/patients/odd/reports/Observation/k-note").await;
    assert_eq!(other.status, 404, "a report of somebody else");
}

#[tokio::test]
async fn a_child_has_growth_charts_in_both_languages() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    world
        .arrives(json!({"resourceType": "Patient", "id": "child", "gender": "female", "birthDate": "2025-12-15",
        "name": [{"family": "Klein", "given": ["Ida"]}]}))
        .await;
    for (id, code, value, unit) in [
        ("w", "29463-7", 7.1, "kg"),
        ("l", "8302-2", 66.0, "cm"),
        ("h", "9843-4", 42.5, "cm"),
        ("g", "18185-9", 34.0, "wk"),
    ] {
        world
            .arrives(json!({"resourceType": "Observation", "id": format!("grow-{id}"), "status": "final",
            "subject": {"reference": "Patient/child"}, "effectiveDateTime": "2026-05-15",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"}}))
            .await;
    }
    let base = "/riverside/patients/child/growth";
    for query in [
        "",
        "?chart=length",
        "?chart=head",
        "?chart=bmi",
        "?chart=weight-for-length",
        "?chart=length&ages=child&mother=165&father=180",
    ] {
        let path = format!("{base}{query}");
        let page = world.get(Some(&cookie), &path).await;
        sound(&path, &page);
        assert!(page.text.matches("class=\"curve ").count() == 14, "{path}: seven curves, twice drawn");
    }
    let page = world.get(Some(&cookie), base).await;
    assert!(page.text.contains("Born at 34 weeks") && page.text.contains("7.10 kg"), "{}", page.text);
    assert!(
        world.get(Some(&cookie), &format!("{base}?chart=length&mother=165&father=180")).await.text.contains("166.0 cm")
    );
    let grown_up = world.get(Some(&cookie), "/riverside/patients/known/growth").await;
    assert!(grown_up.text.contains("Growth charts end at 20 years"), "{}", grown_up.text);
}

#[tokio::test]
async fn a_patient_writes_and_reads_the_answer() {
    let world = World::open().await;
    let patient = world.sign_in("patient").await;
    let form = world.get(Some(&patient), "/riverside/portal/messages/new").await;
    sound("new message", &form);
    let once = field(&form.text, "<form", "once");
    let nothing =
        world.fill(&patient, "/riverside/portal/messages/new", &format!("once={once}&topic=question&words=++")).await;
    assert!(nothing.status == 200 && nothing.text.contains("role=\"alert\""), "{}", nothing.text);
    let body = format!("once={once}&topic=question&words=May+I+fly%3F");
    let sent = world.fill(&patient, "/riverside/portal/messages/new", &body).await;
    assert_eq!((sent.status, sent.header("location")), (303, "/riverside/portal/messages?sent=yes"), "{}", sent.text);
    let clinician = world.sign_in("okafor").await;
    let inbox = world.get(Some(&clinician), "/riverside/inbox?folder=messages").await;
    sound("inbox", &inbox);
    let item = inbox
        .text
        .split("id=\"row-")
        .nth(1)
        .unwrap_or_else(|| panic!("{}", inbox.text))
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let detail = world.get(Some(&clinician), &format!("/riverside/inbox?folder=messages&item={item}")).await;
    sound("message", &detail);
    assert!(detail.text.contains("May I fly?"), "{}", detail.text);
    let body = format!("item={item}&folder=messages&once=a1&do=message&done=yes&words=Yes%2C+you+may.");
    assert_eq!(world.fill(&clinician, "/riverside/inbox/do", &body).await.status, 303);
    let list = world.get(Some(&patient), "/riverside/portal/messages").await;
    sound("messages", &list);
    let thread = list
        .text
        .split("/riverside/portal/messages/message-")
        .nth(1)
        .unwrap_or_else(|| panic!("{}", list.text))
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let address = format!("/riverside/portal/messages/message-{thread}");
    let page = world.get(Some(&patient), &address).await;
    sound("thread", &page);
    assert!(page.text.contains("Yes, you may.") && page.text.contains("May I fly?"), "{}", page.text);
    let once = field(&page.text, "<form class=\"stacked", "once");
    assert_eq!(world.fill(&patient, &address, &format!("once={once}&words=Thanks")).await.status, 303);
    assert!(world.get(Some(&patient), &address).await.text.contains("Thanks"));
}
