//! Clinical work on pages: vital signs, lists that are kept, visits, new patients. What is sent twice is written once,
//! what cannot be is refused where it was typed.

use crate::sound;
use crate::world::{Got, World};

/// The value of a hidden field of a form.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(&format!("name=\"{name}\" value=\"")).nth(1)?.split('"').next()
}

fn hidden(got: &Got, name: &str) -> String {
    value(&got.text, name).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_page_of_clinical_work_is_sound() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let base = format!("/riverside/patients/{}", world.patients[0]);
    for path in [
        "/vitals/new",
        "/history",
        "/care",
        "/encounters/new",
        "/problems",
        "/medications",
        "/allergies",
        "/immunizations",
    ] {
        sound(path, &world.get(Some(&cookie), &format!("{base}{path}")).await);
    }
    for list in care::entries::List::all() {
        let path = format!("{base}/lists/{}/new", list.slug());
        sound(&path, &world.get(Some(&cookie), &path).await);
    }
    for path in ["/riverside/day", "/riverside/patients/new"] {
        sound(path, &world.get(Some(&cookie), path).await);
    }
    let terms = world.get(Some(&cookie), "/riverside/terms?kind=problem&q=htn").await;
    assert!(terms.text.contains("data-code=\"I10\""), "{}", terms.text);
    // What a role may not do is not there and not offered.
    let biller = world.sign_in("novak").await;
    for path in ["/vitals/new", "/encounters/new", "/lists/problems/new"] {
        assert_eq!(world.get(Some(&biller), &format!("{base}{path}")).await.status, 404, "{path}");
    }
    let problems = world.get(Some(&biller), &format!("{base}/problems")).await;
    assert!(
        !problems.text.contains("/lists/problems/new") && !problems.text.contains("/reviewed"),
        "{}",
        problems.text
    );
}

#[tokio::test]
async fn vital_signs_are_taken_with_limits_a_second_look_and_a_draft() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let base = "/riverside/patients/known";
    let path = format!("{base}/vitals/new");
    let form = world.get(Some(&cookie), &path).await;
    let once = hidden(&form, "once");
    let post = async |body: &str| world.fill(&cookie, &path, &format!("once={once}&{body}")).await;
    let wrong = post("act=save&pulse=700&systolic=120").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("Value must be between 10 and 350 beats/minute."), "{}", wrong.text);
    assert!(wrong.text.contains("The other half is missing.") && wrong.text.contains("Error: Take vital signs"));
    assert!(wrong.text.contains("value=\"700\""), "what was typed is still there");
    let draft = world.fill(&cookie, &format!("{base}/vitals/draft"), "pulse=88&weight=80&weight-unit=kg").await;
    assert!(draft.status == 200 && draft.text.contains("\"version\""), "{}", draft.text);
    let again = world.get(Some(&cookie), &path).await;
    assert!(again.text.contains("id=\"pulse\" name=\"pulse\" value=\"88\""), "the draft is there again");
    let body =
        "act=save&weight=80&weight-unit=kg&height=180&height-unit=cm&systolic=151&diastolic=88&site=left-arm&pulse=88";
    let saved = post(body).await;
    assert_eq!((saved.status, saved.header("location")), (303, format!("{base}/vitals").as_str()), "{}", saved.text);
    let twice = post(body).await;
    assert_eq!(twice.status, 303);
    let shown = world.get(Some(&cookie), &path).await;
    assert_eq!(shown.text.matches("151/88 mmHg").count(), 1, "sent twice it stands once: {}", shown.text);
    assert!(!shown.text.contains("name=\"pulse\" value=\"88\""), "the draft went with what it became");
    // Half the weight: somebody must look again.
    let once = hidden(&shown, "once");
    let doubt = world.fill(&cookie, &path, &format!("once={once}&act=save&weight=40&weight-unit=kg")).await;
    assert_eq!(doubt.status, 422);
    assert!(doubt.text.contains("-50 % since") && doubt.text.contains("name=\"confirm\""), "{}", doubt.text);
    let sure = world.fill(&cookie, &path, &format!("once={once}&act=save&weight=40&weight-unit=kg&confirm=yes")).await;
    assert_eq!(sure.status, 303);
    let list = world.get(Some(&cookie), &path).await;
    let fix = list.text.split(&format!("{base}/vitals/fix/")).nth(1).and_then(|it| it.split('"').next()).unwrap();
    let fix = format!("{base}/vitals/fix/{fix}");
    let page = world.get(Some(&cookie), &fix).await;
    sound("fix", &page);
    let (once, version) = (hidden(&page, "once"), hidden(&page, "version"));
    let body = format!("once={once}&version={version}&act=mistaken");
    let why = world.fill(&cookie, &fix, &body).await;
    assert!(why.status == 422 && why.text.contains("Say why"), "{}", why.text);
    let done = world.fill(&cookie, &fix, &format!("{body}&reason-mistaken=Of+somebody+else")).await;
    assert_eq!(done.status, 303);
    let page = world.get(Some(&cookie), &fix).await;
    assert!(page.text.contains("Of somebody else") && page.text.contains("Entered in error"), "{}", page.text);
}

#[tokio::test]
async fn a_list_is_kept_by_terms_or_free_words_looked_over_and_taken_back() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let base = "/riverside/patients/known";
    let empty = world.get(Some(&cookie), &format!("{base}/allergies")).await;
    assert!(empty.text.contains("Nobody has recorded active allergies") && empty.text.contains("No known allergies"));
    let none = world.fill(&cookie, &format!("{base}/lists/allergies/none"), "once=n1").await;
    assert_eq!(none.status, 303);
    let said = world.get(Some(&cookie), &format!("{base}/allergies")).await;
    assert!(said.text.contains("No known allergy"), "{}", said.text);
    // Without scripts: words that mean no term come back with terms to pick from.
    let add = format!("{base}/lists/problems/new");
    let near = world.fill(&cookie, &add, "once=p1&problem=high+blood+pressure").await;
    assert_eq!(near.status, 422);
    assert!(near.text.contains("name=\"problem-pick\" value=\"I10\""), "{}", near.text);
    let picked = world.fill(&cookie, &add, "once=p1&problem=high+blood+pressure&problem-pick=I10&onset=2019").await;
    assert_eq!(
        (picked.status, picked.header("location")),
        (303, format!("{base}/problems").as_str()),
        "{}",
        picked.text
    );
    let free = world.fill(&cookie, &add, "once=p2&problem=Bad+knees&problem-free=yes").await;
    assert_eq!(free.status, 303);
    let list = world.get(Some(&cookie), &format!("{base}/problems")).await;
    sound("problems", &list);
    for part in ["Essential (primary) hypertension", "Bad knees", "Free text", "2019", "Dr. Amara Okafor"] {
        assert!(list.text.contains(part), "{part}: {}", list.text);
    }
    let reviewed = world.fill(&cookie, &format!("{base}/lists/problems/reviewed"), "once=r1").await;
    assert_eq!(reviewed.status, 303);
    let list = world.get(Some(&cookie), &format!("{base}/problems")).await;
    assert!(list.text.contains("Looked over") && list.text.contains("15-Jun-2026"), "{}", list.text);
    let entry = list.text.split(&format!("{base}/lists/problems/")).find(|it| it.starts_with("id-")).unwrap();
    let entry = format!("{base}/lists/problems/{}", entry.split('"').next().unwrap());
    let page = world.get(Some(&cookie), &entry).await;
    sound("entry", &page);
    let (once, version) = (hidden(&page, "once"), hidden(&page, "version"));
    let settle = format!("{entry}/settle");
    let bare = world.fill(&cookie, &settle, &format!("once={once}&version={version}&ending=mistaken")).await;
    assert!(bare.status == 422 && bare.text.contains("Say why"), "{}", bare.text);
    let over =
        world.fill(&cookie, &settle, &format!("once={once}&version={version}&ending=over&reason-over=Gone")).await;
    assert_eq!(over.status, 303, "{}", over.text);
    let late = world.fill(&cookie, &settle, &format!("once=other&version={version}&ending=over")).await;
    assert_eq!(late.status, 422, "somebody else was quicker");
    let page = world.get(Some(&cookie), &entry).await;
    assert!(page.text.contains("Gone") && page.text.contains("Resolved"), "{}", page.text);
}

#[tokio::test]
async fn a_newcomer_is_registered_after_those_who_are_alike_were_looked_at() {
    let world = World::open().await;
    let cookie = world.sign_in("delgado").await;
    let path = "/riverside/patients/new";
    let once = hidden(&world.get(Some(&cookie), path).await, "once");
    let wrong = world.fill(&cookie, path, &format!("once={once}&family=Only")).await;
    assert!(wrong.status == 422 && wrong.text.contains("This is needed."), "{}", wrong.text);
    let body = format!("once={once}&family=Zwetschkenbaum&given=Xaver&born=1970-05-09&sex=male");
    let alike = world.fill(&cookie, path, &body).await;
    assert_eq!(alike.status, 422);
    assert!(alike.text.contains("Is it one of these?") && alike.text.contains("K-77"), "{}", alike.text);
    let made = world.fill(&cookie, path, &format!("{body}&nobody=yes")).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let chart = made.header("location").to_owned();
    assert_eq!(world.fill(&cookie, path, &format!("{body}&nobody=yes")).await.header("location"), chart);
    assert!(world.get(Some(&cookie), &chart).await.text.contains("ZWETSCHKENBAUM, Xaver"));
    let nurse_like = world.sign_in("novak").await;
    assert_eq!(world.get(Some(&nurse_like), path).await.status, 404);
}

#[tokio::test]
async fn somebody_who_walked_in_goes_from_the_desk_to_the_clinician() {
    let world = World::open().await;
    let desk = world.sign_in("delgado").await;
    let base = "/riverside/patients/known";
    let start = world.fill(&desk, &format!("{base}/encounters/new"), "once=w1&reason=Sore+throat").await;
    assert_eq!((start.status, start.header("location")), (303, "/riverside/day"), "{}", start.text);
    let clinician = world.sign_in("okafor").await;
    let board = world.get(Some(&clinician), "/riverside/day").await;
    sound("day", &board);
    assert!(board.text.contains("Sore throat") && board.text.contains("ZWETSCHKENBAUM"), "{}", board.text);
    // Others are expected today, too.
    let theirs = |form: &&str| form.contains("name=\"patient\" value=\"known\"") && form.contains("value=\"roomed\"");
    let form = board.text.split("<form").find(theirs).expect("a way to take them to a room");
    let [once, version, booked] =
        ["once", "version", "appointment"].map(|name| value(form, name).expect("the form says what it is about"));
    let body = format!("once={once}&patient=known&appointment={booked}&version={version}&to=roomed&room=Room+2");
    let roomed = world.fill(&clinician, "/riverside/day/step", &body).await;
    assert_eq!(roomed.status, 303, "{}", roomed.text);
    let board = world.get(Some(&clinician), "/riverside/day").await;
    assert!(board.text.contains("Room 2"), "{}", board.text);
    let visit = board.text.split(&format!("{base}/encounters/")).nth(1).and_then(|it| it.split('"').next()).unwrap();
    let visit = format!("{base}/encounters/{visit}");
    let page = world.get(Some(&clinician), &visit).await;
    sound("visit", &page);
    let (once, version) = (hidden(&page, "once"), hidden(&page, "version"));
    let step = world
        .fill(&clinician, &format!("{visit}/step"), &format!("once={once}&version={version}&to=with-clinician"))
        .await;
    assert_eq!(step.status, 303, "{}", step.text);
    let vitals = world.fill(&clinician, &format!("{base}/vitals/new"), "once=v1&act=save&pulse=72").await;
    assert_eq!(vitals.status, 303);
    let page = world.get(Some(&clinician), &visit).await;
    assert!(page.text.contains("With clinician") && page.text.contains("72 beats/minute"), "{}", page.text);
}
