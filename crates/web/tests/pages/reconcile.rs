//! What other records say, as it stands apart in a chart, and how it is reconciled without a script.

use super::sound;
use super::world::{Got, World};
use serde_json::{Value, json};

const CHART: &str = "/riverside/patients/known";

fn outside(mut resource: Value) -> Value {
    resource["meta"] = json!({
        "source": "urn:oid:2.16.840.1.113883.19.5#doc-1",
        "tag": [{ "system": "urn:continuo:origin", "code": "document", "display": "Lakeside General Hospital" }],
    });
    resource
}

async fn arrive(world: &World) {
    let clinical = |system: &str| json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": "active" }] });
    let person = json!({ "reference": "Patient/known" });
    let all = [
        json!({ "resourceType": "AllergyIntolerance", "id": "their-penicillin", "patient": person, "criticality": "high",
            "clinicalStatus": clinical("allergyintolerance-clinical"), "code": { "text": "Penicillin <b>" }, "recordedDate": "2025-11-30" }),
        json!({ "resourceType": "Condition", "id": "their-gout", "subject": person, "clinicalStatus": clinical("condition-clinical"), "code": { "text": "Gout" } }),
        json!({ "resourceType": "MedicationRequest", "id": "their-allopurinol", "subject": person, "status": "active", "intent": "order",
            "medicationCodeableConcept": { "text": "Allopurinol 100 mg tablet" }, "authoredOn": "2026-01-05" }),
    ];
    for resource in all {
        world.arrives(outside(resource)).await;
    }
}

async fn page(world: &World, cookie: &str, path: &str) -> Got {
    let got = world.get(Some(cookie), path).await;
    sound(path, &got);
    got
}

fn once(text: &str) -> &str {
    text.split("name=\"once\" value=\"").nth(1).and_then(|it| it.split('"').next()).expect("a form has its key")
}

#[tokio::test]
async fn what_another_record_says_stands_apart_is_reconciled_and_taken_back() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let nothing = page(&world, &cookie, &format!("{CHART}/reconcile")).await;
    assert!(nothing.text.contains("Nothing from other records waits here"), "{}", nothing.text);
    arrive(&world).await;
    let summary = page(&world, &cookie, CHART).await;
    assert!(summary.text.contains("Other records tell of allergies:") && summary.text.contains("Penicillin &lt;b&gt;"));
    assert!(summary.text.contains("From other records: 1, not reconciled"), "{}", summary.text);
    let problems = page(&world, &cookie, &format!("{CHART}/problems")).await;
    assert!(problems.text.contains("Gout") && problems.text.contains("Lakeside General Hospital"), "{}", problems.text);
    let sheet = page(&world, &cookie, &format!("{CHART}/reconcile")).await;
    assert!(sheet.text.contains("0 of 3 decided") && sheet.text.contains("last change"), "{}", sheet.text);
    assert_eq!(sheet.text.matches("<fieldset class=\"recon-row\"").count(), 3);
    let empty = page(&world, &cookie, &format!("{CHART}/reconcile/review")).await;
    assert!(empty.text.contains("Nothing is decided yet"), "{}", empty.text);
    let suggested = world.fill(&cookie, &format!("{CHART}/reconcile"), "act=suggest").await;
    assert_eq!((suggested.status, suggested.header("location")), (303, format!("{CHART}/reconcile").as_str()));
    let sheet = page(&world, &cookie, &format!("{CHART}/reconcile")).await;
    assert!(sheet.text.contains("3 of 3 decided"), "what was decided is kept on the server: {}", sheet.text);
    let review = page(&world, &cookie, &format!("{CHART}/reconcile/review")).await;
    assert!(review.text.contains("Sign for ZWETSCHKENBAUM, Xaver") && review.text.contains("added"), "{}", review.text);
    let body = format!("once={}&note=Seen+with+him", once(&review.text));
    let signed = world.fill(&cookie, &format!("{CHART}/reconcile/review"), &body).await;
    assert_eq!(signed.header("location"), format!("{CHART}/reconcile?done=reconciled"), "{}", signed.text);
    let again = world.fill(&cookie, &format!("{CHART}/reconcile/review"), &body).await;
    assert_eq!(again.status, 303, "the same form again changes nothing");
    let problems = page(&world, &cookie, &format!("{CHART}/problems")).await;
    assert!(problems.text.contains("Gout") && !problems.text.contains("not reconciled"), "{}", problems.text);
    let done = page(&world, &cookie, &format!("{CHART}/reconcile?done=reconciled")).await;
    assert!(done.text.contains("Take it back") && done.text.contains("Signed. The lists are up to date."));
    let id =
        done.text.split("name=\"id\" value=\"").nth(1).and_then(|it| it.split('"').next()).expect("what is taken back");
    let body = format!("once={}&id={id}", once(&done.text));
    let undone = world.fill(&cookie, &format!("{CHART}/reconcile/undo"), &body).await;
    assert_eq!(undone.header("location"), format!("{CHART}/reconcile?done=unreconciled"), "{}", undone.text);
    let sheet = page(&world, &cookie, &format!("{CHART}/reconcile")).await;
    assert!(sheet.text.contains("0 of 3 decided"), "{}", sheet.text);
}

#[tokio::test]
async fn who_does_not_keep_the_lists_reconciles_nothing_and_spanish_is_complete() {
    let world = World::open().await;
    arrive(&world).await;
    let cookie = world.sign_in("okafor").await;
    world.fill(&cookie, "/riverside/account/settings", "language=es-US").await;
    let sheet = page(&world, &cookie, &format!("{CHART}/reconcile")).await;
    assert!(sheet.text.contains("0 de 3 decididos") && sheet.text.contains("último cambio"), "{}", sheet.text);
    let admin = world.sign_in("dubois").await;
    assert_eq!(world.get(Some(&admin), &format!("{CHART}/reconcile")).await.status, 404);
    assert_eq!(world.fill(&admin, &format!("{CHART}/reconcile"), "act=suggest").await.status, 404);
    let chosen = world.fill(&cookie, &format!("{CHART}/reconcile"), "act=save&problems-0=merge&nonsense=keep").await;
    assert_eq!(chosen.status, 303, "rows that are not there are left out");
    let review = page(&world, &cookie, &format!("{CHART}/reconcile/review")).await;
    assert!(review.text.contains("Todavía no hay nada decidido"), "{}", review.text);
}
