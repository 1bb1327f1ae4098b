//! Lists of patients, cohorts, and the room of a video visit, as far as they go without a browser.

use crate::sound;
use crate::world::World;

#[tokio::test]
async fn a_list_is_made_filled_exported_and_dropped_and_is_ones_own() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let page = world.get(Some(&cookie), "/riverside/lists").await;
    sound("lists", &page);
    assert!(page.text.contains("You keep no lists yet"), "{}", page.text);
    let made = world.fill(&cookie, "/riverside/lists", "name=%3DCall+back&patient=known").await;
    let address = made.header("location").split('?').next().unwrap().to_owned();
    assert!(address.starts_with("/riverside/lists/"), "{address}");
    world.fill(&cookie, &format!("{address}/add"), "patient=odd").await;
    let list = world.get(Some(&cookie), &address).await;
    sound("list", &list);
    assert!(list.text.contains("ZWETSCHKENBAUM") && list.text.contains("2 patients"), "{}", list.text);
    let file = world.get(Some(&cookie), &format!("{address}/export")).await;
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(
        file.text.starts_with("Name,Born,Sex,MRN,Phone,Last value\r\n") && file.text.contains("1970-05-09,Male,K-77")
    );
    let officer = world.sign_in("thompson").await;
    let log = world.get(Some(&officer), "/riverside/admin/audit?action=taken").await;
    assert!(log.text.contains("Exported"), "taking it out is in the audit log: {}", log.text);
    let colleague = world.sign_in("dubois").await;
    assert_eq!(world.get(Some(&colleague), &address).await.status, 404, "lists are one's own");
    assert_eq!(world.fill(&cookie, &format!("{address}/add"), "patient=nobody").await.status, 404);
    world.fill(&cookie, &format!("{address}/remove"), "patient=odd").await;
    assert!(world.get(Some(&cookie), &address).await.text.contains("1 patient<"));
    world.fill(&cookie, &format!("{address}/drop"), "").await;
    assert_eq!(world.get(Some(&cookie), &address).await.status, 404);
}

#[tokio::test]
async fn a_cohort_is_found_by_its_last_value_and_kept_as_a_question() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let form = world.get(Some(&cookie), "/riverside/lists/find").await;
    sound("find", &form);
    // The last potassium is 6.40; those before were lower.
    let ask = |compare: &str, value: &str| format!("/riverside/lists/find?test=2823-3&compare={compare}&value={value}");
    let high = world.get(Some(&cookie), &ask("gt", "6")).await;
    sound("cohort", &high);
    assert!(high.text.contains("/riverside/patients/odd\"") && high.text.contains("6.40"), "{}", high.text);
    let low = world.get(Some(&cookie), &ask("lt", "5")).await;
    assert!(!low.text.contains("/riverside/patients/odd\""), "an older value does not count");
    let kept = world.fill(&cookie, "/riverside/lists", "name=&question=test%3D2823-3%26compare%3Dgt%26value%3D6").await;
    let list = world.get(Some(&cookie), kept.header("location").split('?').next().unwrap()).await;
    assert!(
        list.text.contains("<h1>2823-3 &gt; 6</h1>") && list.text.contains("/riverside/patients/odd\""),
        "{}",
        list.text
    );
    let male = world.get(Some(&cookie), "/riverside/lists/find?sex=male&from=50&to=60").await;
    assert!(male.text.contains("ZWETSCHKENBAUM"), "{}", male.text);
    let panel = world.get(Some(&cookie), "/riverside/lists/panel").await;
    sound("panel", &panel);
}

#[tokio::test]
async fn a_video_visit_waits_admits_and_ends_in_the_record() {
    let world = World::open().await;
    let clinician = world.sign_in("okafor").await;
    let patient = world.sign_in("patient").await;
    let chart = "/riverside/patients/known/video";
    let none = world.get(Some(&patient), "/riverside/portal/video").await;
    sound("portal video", &none);
    assert!(none.text.contains("No video visit is open for you."), "{}", none.text);
    let page = world.get(Some(&clinician), chart).await;
    sound("video", &page);
    assert!(page.header("permissions-policy").starts_with("camera=(self)"), "{}", page.header("permissions-policy"));
    assert_eq!(world.fill(&clinician, chart, "act=begin&once=v1").await.status, 303);
    assert_eq!(
        world.fill(&clinician, chart, "act=begin&once=v1").await.status,
        303,
        "the same form again changes nothing"
    );
    let waiting = world.get(Some(&patient), "/riverside/portal/video").await;
    sound("waiting", &waiting);
    let room = waiting.text.split("data-room=\"").nth(1).and_then(|it| it.split('"').next()).unwrap().to_owned();
    // Before they are let in nothing is passed on.
    let early = world.fill(&patient, &format!("{room}/say"), "kind=signal&data=%7B%7D").await;
    assert_eq!(early.status, 409);
    assert_eq!(world.fill(&patient, &format!("{room}/say"), "kind=line&data=Hello").await.status, 204);
    let stranger = world.sign_in("weber").await;
    assert_eq!(world.fill(&stranger, &format!("{room}/say"), "kind=line&data=Hello").await.status, 404);
    let admitted = world.fill(&clinician, chart, "act=admit&once=v2").await;
    assert_eq!(admitted.status, 303, "{}", admitted.text);
    assert_eq!(world.fill(&patient, &format!("{room}/say"), "kind=signal&data=%7B%7D").await.status, 204);
    assert_eq!(world.fill(&patient, &format!("{room}/say"), "kind=signal&data=no").await.status, 400);
    let documents = world.get(Some(&clinician), "/riverside/patients/known/documents").await;
    assert!(documents.text.contains("Consent to a video visit"), "{}", documents.text);
    let talking = world.get(Some(&clinician), chart).await;
    assert!(talking.text.contains("data-admitted") && talking.text.contains("End the visit"));
    assert_eq!(world.fill(&clinician, chart, "act=end&once=v3").await.header("location"), "/riverside/patients/known");
    assert_eq!(world.fill(&patient, &format!("{room}/say"), "kind=line&data=Hello").await.status, 409);
    let visits = world.get(Some(&clinician), "/riverside/patients/known/encounters").await;
    assert!(visits.text.contains("Remote visit"), "{}", visits.text);
}
