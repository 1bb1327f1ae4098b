//! Orders, renewals and care gaps as a clinician and a nurse do them in a browser.

use super::sound;
use super::world::{Got, World};

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split(from).nth(1).and_then(|it| it.split(to).next()).unwrap_or_else(|| panic!("{from} in {text}"))
}

/// The value of a hidden field.
fn hidden<'a>(text: &'a str, name: &str) -> &'a str {
    between(text, &format!("name=\"{name}\" value=\""), "\"")
}

fn basket(patient: &str) -> String {
    format!("/riverside/patients/{patient}/basket")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|it| format!("%{it:02X}")).collect()
}

async fn add(world: &World, cookie: &str, patient: &str, tab: &str, key: &str) {
    let got = world.fill(cookie, &format!("{}/add", basket(patient)), &format!("tab={tab}&key={key}")).await;
    assert_eq!(
        (got.status, got.header("location")),
        (303, format!("{}?tab={tab}", basket(patient)).as_str()),
        "{}",
        got.text
    );
}

async fn page(world: &World, cookie: &str, path: &str) -> Got {
    let got = world.get(Some(cookie), path).await;
    sound(path, &got);
    got
}

#[tokio::test]
async fn a_drug_and_a_test_are_found_added_and_signed_with_the_patients_name_on_the_button() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    let empty = page(&world, &cookie, &at).await;
    assert!(empty.text.contains("The basket is empty."), "{}", empty.text);
    assert!(empty.text.contains("aria-label=\"Patient\""), "it says whose it is");
    let found = page(&world, &cookie, &format!("{at}?tab=drug&q=metformin")).await;
    assert!(
        found.text.contains("metformin 500 mg tablet")
            && found.text.contains("Take 1 tablet by mouth twice a day with meals")
    );
    add(&world, &cookie, "known", "drug", "metformin-500-mg-tablet").await;
    add(&world, &cookie, "known", "lab", "a1c").await;
    let full = page(&world, &cookie, &at).await;
    assert!(full.text.contains("Sign 2 orders for ZWETSCHKENBAUM, Xaver"), "{}", full.text);
    assert!(full.text.contains("Allergies are not recorded. Ask before prescribing."), "{}", full.text);
    let body = format!("version={}&once={}", hidden(&full.text, "version"), hidden(&full.text, "once"));
    let signed = world.fill(&cookie, &format!("{at}/sign"), &body).await;
    assert_eq!(signed.header("location"), format!("{at}?done=signed&signed=2"), "{}", signed.text);
    let twice = world.fill(&cookie, &format!("{at}/sign"), &body).await;
    assert_eq!(
        twice.header("location"),
        format!("{at}?done=signed&signed=2"),
        "the same form counts once: {}",
        twice.text
    );
    let after = page(&world, &cookie, signed.header("location")).await;
    assert!(after.text.contains("2 orders were signed.") && after.text.contains("The basket is empty."));
    let orders = page(&world, &cookie, "/riverside/patients/known/orders").await;
    assert_eq!(orders.text.matches("Hemoglobin A1c</h2>").count(), 1, "{}", orders.text);
    let list = page(&world, &cookie, "/riverside/patients/known/medications").await;
    assert!(list.text.contains("metformin 500 mg tablet"), "{}", list.text);
}

#[tokio::test]
async fn a_favourite_test_takes_three_actions() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    add(&world, &cookie, "known", "lab", "a1c").await;
    let full = page(&world, &cookie, &at).await;
    let item = between(&full.text, &format!("{at}/item/"), "\"").to_owned();
    let kept = world.fill(&cookie, &format!("{at}/favourite"), &format!("item={item}")).await;
    assert_eq!(kept.header("location"), format!("{at}?tab=lab&done=favourite"), "{}", kept.text);
    world.fill(&cookie, &format!("{at}/remove"), &format!("item={item}")).await;
    // For another patient: open the basket, add the favourite, sign.
    let other = basket("odd");
    let first = page(&world, &cookie, &format!("{other}?tab=lab")).await;
    let favourite = hidden(&first.text, "favourite").to_owned();
    let second =
        world.fill(&cookie, &format!("{other}/add"), &format!("favourite={}&tab=lab", encoded(&favourite))).await;
    assert_eq!(second.status, 303, "{}", second.text);
    let shown = page(&world, &cookie, second.header("location")).await;
    let body = format!("version={}&once={}", hidden(&shown.text, "version"), hidden(&shown.text, "once"));
    let third = world.fill(&cookie, &format!("{other}/sign"), &body).await;
    assert!(third.header("location").ends_with("done=signed&signed=1"), "{}", third.text);
}

#[tokio::test]
async fn what_needs_a_reason_is_signed_with_one_in_the_same_form() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    for key in ["warfarin-5-mg-tablet", "ibuprofen-600-mg-tablet"] {
        add(&world, &cookie, "known", "drug", key).await;
    }
    let full = page(&world, &cookie, &at).await;
    assert!(full.text.contains("Interacts with") && full.text.contains("Reason needed"), "{}", full.text);
    let form = |text: &str, reason: &str| {
        let mut body = format!("version={}&once={}", hidden(text, "version"), hidden(text, "once"));
        for field in text.split("name=\"reason:").skip(1).filter_map(|it| it.split('"').next()) {
            body.push_str(&format!("&{}={}", encoded(&format!("reason:{field}")), encoded(reason)));
        }
        body
    };
    let without = world.fill(&cookie, &format!("{at}/sign"), &form(&full.text, "")).await;
    assert!(without.header("location").ends_with("done=signed&signed=0"), "{}", without.text);
    let told = page(&world, &cookie, without.header("location")).await;
    assert!(told.text.contains("2 orders stayed in the basket: see what they need."), "{}", told.text);
    let with = world.fill(&cookie, &format!("{at}/sign"), &form(&told.text, "Short course, INR on Friday")).await;
    assert!(with.header("location").ends_with("done=signed&signed=2"), "{}", with.text);
}

#[tokio::test]
async fn the_order_form_keeps_what_was_typed_and_shows_directions_in_both_languages() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    add(&world, &cookie, "known", "drug", "metformin-500-mg-tablet").await;
    let full = page(&world, &cookie, &at).await;
    let item = between(&full.text, &format!("{at}/item/"), "\"").to_owned();
    let path = format!("{at}/item/{item}");
    let form = page(&world, &cookie, &path).await;
    assert!(form.text.contains("Tome 1 tableta por la boca dos veces al día con las comidas"), "{}", form.text);
    let wrong = world.fill(&cookie, &path, "dose=two&timing=BID&route=oral&refills=1&priority=routine").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("value=\"two\"") && wrong.text.contains("Type a number above zero."), "{}", wrong.text);
    let good = world
        .fill(&cookie, &path, "dose=2&timing=BID&route=oral&days=30&quantity=&refills=1&priority=urgent&how=meals")
        .await;
    assert_eq!((good.status, good.header("location")), (303, at.as_str()), "{}", good.text);
    let full = page(&world, &cookie, &at).await;
    assert!(full.text.contains("Take 2 tablets by mouth twice a day with meals for 30 days"), "{}", full.text);
    assert!(full.text.contains("120 tablet") && full.text.contains("Urgent"), "{}", full.text);
}

#[tokio::test]
async fn an_order_set_adds_what_is_ticked() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    let set = page(&world, &cookie, &format!("{at}/set/diabetes")).await;
    assert_eq!(set.text.matches(" value=\"yes\" checked").count(), 3, "{}", set.text);
    let added = world.fill(&cookie, &format!("{at}/set/diabetes"), "a1c=yes&uacr=yes").await;
    assert_eq!(added.status, 303, "{}", added.text);
    let full = page(&world, &cookie, &at).await;
    assert!(full.text.contains("Sign 2 orders for"), "{}", full.text);
    assert_eq!(world.get(Some(&cookie), &format!("{at}/set/nothing")).await.status, 404);
}

#[tokio::test]
async fn a_nurse_leaves_the_signature_to_a_clinician_and_the_front_desk_has_no_orders() {
    let world = World::open().await;
    let nurse = world.sign_in("lind").await;
    let at = basket("known");
    add(&world, &nurse, "known", "lab", "cbc").await;
    let full = page(&world, &nurse, &at).await;
    assert!(!full.text.contains("Sign 1 order for") && full.text.contains("Send for signature"), "{}", full.text);
    let body = format!("version={}&once={}", hidden(&full.text, "version"), hidden(&full.text, "once"));
    assert_eq!(world.fill(&nurse, &format!("{at}/sign"), &body).await.status, 404);
    let signer = between(&full.text, "<option value=\"", "\"").to_owned();
    let sent = world.fill(&nurse, &format!("{at}/forward"), &format!("{body}&signer={signer}")).await;
    assert!(sent.header("location").ends_with("done=sent&signed=1"), "{}", sent.text);
    let desk = world.sign_in("delgado").await;
    for path in [at.clone(), "/riverside/patients/known/orders".into(), "/riverside/renewals".into()] {
        assert_eq!(world.get(Some(&desk), &path).await.status, 404, "{path}");
    }
    let clinician = world.sign_in("okafor").await;
    page(&world, &clinician, "/riverside/orders/cosign").await;
}

#[tokio::test]
async fn a_prescription_is_renewed_in_four_actions_and_on_request_by_the_queue() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = basket("known");
    add(&world, &cookie, "known", "drug", "lisinopril-10-mg-tablet").await;
    let full = page(&world, &cookie, &at).await;
    let body = format!("version={}&once={}", hidden(&full.text, "version"), hidden(&full.text, "once"));
    world.fill(&cookie, &format!("{at}/sign"), &body).await;
    // One: open the medications. Two: renew. Three: sign.
    let list = page(&world, &cookie, "/riverside/patients/known/medications").await;
    let medication = hidden(&list.text, "medication").to_owned();
    let renewed = world.fill(&cookie, &format!("{at}/renew"), &format!("medication={medication}")).await;
    assert_eq!(renewed.status, 303, "{}", renewed.text);
    let shown = page(&world, &cookie, renewed.header("location")).await;
    assert!(shown.text.contains("Renewal") && !shown.text.contains("Taken already"), "{}", shown.text);
    let body = format!("version={}&once={}", hidden(&shown.text, "version"), hidden(&shown.text, "once"));
    let signed = world.fill(&cookie, &format!("{at}/sign"), &body).await;
    assert!(signed.header("location").ends_with("signed=1"), "{}", signed.text);
    // The patient calls again: the nurse puts it into the queue, the clinician decides.
    let nurse = world.sign_in("lind").await;
    let list = page(&world, &nurse, "/riverside/patients/known/medications").await;
    let medication = hidden(&list.text, "medication").to_owned();
    let asked = world
        .fill(
            &nurse,
            "/riverside/patients/known/renewal",
            &format!("medication={medication}&reason=Out+on+Friday&once=r1"),
        )
        .await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    let queue = page(&world, &cookie, "/riverside/renewals").await;
    assert!(queue.text.contains("Out on Friday"), "{}", queue.text);
    let request = between(&queue.text, "/riverside/renewals/", "\"").to_owned();
    let path = format!("/riverside/renewals/{request}");
    let one = page(&world, &cookie, &path).await;
    for words in ["Blood pressure medicines", "Seen within 12 months", "Approve for ZWETSCHKENBAUM, Xaver"] {
        assert!(one.text.contains(words), "{words}: {}", one.text);
    }
    let bare = world.fill(&cookie, &path, "decision=deny&refills=0&reason=&once=d1").await;
    assert_eq!(bare.status, 422, "{}", bare.text);
    let done = world.fill(&cookie, &path, "decision=approve&refills=2&reason=&once=d2").await;
    assert_eq!(done.header("location"), "/riverside/renewals?done=saved", "{}", done.text);
    assert!(page(&world, &cookie, "/riverside/renewals").await.text.contains("No requests wait."));
}

#[tokio::test]
async fn a_care_gap_is_answered_with_a_reason_and_stays_answered() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let path = "/riverside/patients/known/gaps";
    let open = page(&world, &cookie, path).await;
    assert!(
        open.text.contains("Colorectal cancer screening") && open.text.contains("US Preventive Services Task Force")
    );
    assert!(!open.text.contains("Breast cancer screening"), "not for a man");
    let without = world.fill(&cookie, path, "rule=colorectal&answer=declined&reason=&once=g0").await;
    assert_eq!(without.status, 422, "{}", without.text);
    let done = world.fill(&cookie, path, "rule=colorectal&answer=declined&reason=Wants+to+wait&day=&once=g1").await;
    assert_eq!(done.status, 303, "{}", done.text);
    let after = page(&world, &cookie, path).await;
    assert!(after.text.contains("Patient declines") && after.text.contains("Wants to wait"), "{}", after.text);
    let order = world.fill(&cookie, &format!("{}/add", basket("known")), "key=mammogram").await;
    assert_eq!(order.status, 303);
}

#[tokio::test]
async fn apps_of_a_chart_are_those_that_are_registered_here() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let path = "/riverside/patients/known/apps";
    let list = page(&world, &cookie, path).await;
    assert!(list.text.contains("No apps are registered that can be opened from a chart."), "{}", list.text);
    let admin = world.sign_in("dubois").await;
    let form = "name=Growth&kind=none&redirects=https%3A%2F%2Fgrowth.example%2Fback&launch=https%3A%2F%2Fgrowth.example%2Fgo&keys=&scopes=openid+launch+patient%2F*.rs";
    let made = world.fill(&admin, "/riverside/admin/apps/new", form).await;
    assert!(made.status < 400, "{}", made.text);
    let list = page(&world, &cookie, path).await;
    let app = between(&list.text, &format!("{path}/"), "\"").to_owned();
    let opened = world.get(Some(&cookie), &format!("{path}/{app}")).await;
    let to = opened.header("location").to_owned();
    assert!(opened.status == 303 && to.starts_with("https://growth.example/go?") && to.contains("launch="), "{to}");
    assert!(!list.text.contains("Open beside the chart"), "not of our own address");
    assert_eq!(world.get(Some(&cookie), &format!("{path}/none")).await.status, 404);
}
