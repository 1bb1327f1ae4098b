//! Notes, visits and documents as a browser gets them.

use crate::world::{Got, World};

async fn start(world: &World, cookie: &str, template: &str) -> String {
    let body = format!("template={template}&encounter=");
    let got = world.fill(cookie, "/riverside/patients/known/notes", &body).await;
    assert_eq!(got.status, 303, "{}", got.text);
    got.header("location").to_owned()
}

/// The value of a hidden field.
fn hidden(got: &Got, name: &str) -> String {
    let (_, rest) =
        got.text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {}", got.text));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_note_is_written_saved_read_through_and_signed_without_a_script() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = start(&world, &cookie, "follow-up").await;
    let page = world.get(Some(&cookie), &at).await;
    crate::sound(&at, &page);
    assert!(page.text.contains("Follow-up of ***."), "{}", page.text);
    let edition = hidden(&page, "edition");
    let body = format!(
        "edition={edition}&text.subjective=%40firstname+is+well.&text.objective=Seen.&text.assessment=***&text.plan=.coldplan&do=save"
    );
    let got = world.fill(&cookie, &at, &body).await;
    assert_eq!((got.status, got.header("location")), (303, at.as_str()));
    let page = world.get(Some(&cookie), &at).await;
    assert!(page.text.contains("Xaver is well.") && page.text.contains("Most likely viral."), "{}", page.text);
    assert!(page.text.contains("One value from the chart"), "{}", page.text);
    let review = world.get(Some(&cookie), &format!("{at}/sign")).await;
    crate::sound("sign", &review);
    assert!(
        review.text.contains("gaps must be filled in first") && !review.text.contains("Sign for ZWETSCHKENBAUM"),
        "{}",
        review.text
    );
    let edition = hidden(&page, "edition");
    let body = format!(
        "edition={edition}&text.subjective=Xaver+is+well.&text.objective=%3Cscript%3E&text.assessment=Cold&text.plan=Rest.&do=sign"
    );
    let got = world.fill(&cookie, &at, &body).await;
    assert_eq!(got.header("location"), format!("{at}/sign"));
    let review = world.get(Some(&cookie), &format!("{at}/sign")).await;
    assert!(
        review.text.contains("Sign for ZWETSCHKENBAUM, Xaver") && review.text.contains("&lt;script&gt;"),
        "{}",
        review.text
    );
    let edition = hidden(&review, "edition");
    let signed = world.fill(&cookie, &format!("{at}/sign"), &format!("edition={edition}")).await;
    assert_eq!(signed.status, 303, "{}", signed.text);
    let document = signed.header("location").to_owned();
    assert!(document.contains("/documents/") && document.ends_with("done=signed"), "{document}");
    let again = world.fill(&cookie, &format!("{at}/sign"), &format!("edition={edition}")).await;
    assert_eq!(again.header("location"), document, "a second click signs nothing new");
    let page = world.get(Some(&cookie), &document).await;
    crate::sound("signed", &page);
    assert!(page.text.contains("Xaver is well.") && page.text.contains("Write addendum"), "{}", page.text);
    // Whoever goes back to the draft is led to what became of it.
    let back = world.get(Some(&cookie), &at).await;
    assert_eq!(back.status, 303);
    let print = world.get(Some(&cookie), &document.replace("?done=signed", "/print?large=yes")).await;
    crate::sound("print", &print);
    assert!(print.text.contains("Riverside Family Practice") && print.text.contains("K-77"), "{}", print.text);
}

#[tokio::test]
async fn a_script_is_told_what_was_saved_and_when_somebody_was_faster() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = start(&world, &cookie, "follow-up").await;
    let got = world.fill_for_script(&cookie, &at, "edition=1&text.plan=%40age+and+.warned").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let told: serde_json::Value = serde_json::from_str(&got.text).unwrap();
    assert_eq!(told["edition"], 2);
    assert_eq!(told["replaced"][0]["token"], "@age");
    assert_eq!(
        told["texts"]["plan"],
        "56-year-old and Warning signs were explained: ***. Agrees with the plan and knows whom to call."
    );
    let late = world.fill_for_script(&cookie, &at, "edition=1&text.plan=other").await;
    assert_eq!((late.status, late.text.as_str()), (200, "{\"clash\":\"Dr. Amara Okafor\"}"));
    // The same without a script is a page with both texts.
    let late = world.fill(&cookie, &at, "edition=1&text.plan=other&do=save").await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("Two people wrote in this note") && late.text.contains("other"), "{}", late.text);
    let merged = world.fill(&cookie, &at, "edition=2&text.plan=merged&do=merge").await;
    assert_eq!(merged.header("location"), format!("{at}?done=merged"));
    let history = world.get(Some(&cookie), &format!("{at}/history?edition=2")).await;
    crate::sound("history", &history);
    assert!(
        history.text.contains("Warning signs were explained") && history.text.contains("Make this the latest"),
        "{}",
        history.text
    );
    let got = world.fill(&cookie, &format!("{at}/history"), "edition=2").await;
    assert_eq!(got.header("location"), format!("{at}?done=restored"));
    let offered = world.get(Some(&cookie), &format!("{at}/phrases?q=normal")).await;
    assert!(
        offered.text.contains("data-token=\".normalros\"") && offered.text.contains("role=\"option\""),
        "{}",
        offered.text
    );
}

#[tokio::test]
async fn a_diagnosis_from_the_note_stands_on_the_problem_list() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = start(&world, &cookie, "office-visit").await;
    let got = world
        .fill(&cookie, &at, "edition=1&text.plan=Plan%0A%2Fdx+migraine&do=command&command=dx&about=migraine&part=plan")
        .await;
    assert_eq!(got.header("location"), format!("{at}/command?command=dx&about=migraine&part=plan"));
    let page = world.get(Some(&cookie), got.header("location")).await;
    crate::sound("command", &page);
    let key = page.text.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(key.to_lowercase().contains("migraine"), "{key}");
    let once = hidden(&page, "once");
    let body = format!("command=dx&about=migraine&part=plan&key={key}&once={once}");
    for _ in 0..2 {
        let got = world.fill(&cookie, &format!("{at}/command"), &body).await;
        assert_eq!(got.header("location"), format!("{at}?done=added#part-plan"));
    }
    let problems = world.get(Some(&cookie), "/riverside/patients/known/problems").await;
    assert_eq!(problems.text.matches(key.as_str()).count().min(1), 1, "{}", problems.text);
}

#[tokio::test]
async fn own_phrases_are_kept_and_removed() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let got = world.fill(&cookie, "/riverside/notes/phrases", "key=x&name=&text=t").await;
    assert_eq!(got.status, 422, "{}", got.text);
    assert!(got.text.contains("href=\"#key\""), "{}", got.text);
    let got = world.fill(&cookie, "/riverside/notes/phrases", "key=mine&name=My+own&text=Hello+***").await;
    assert_eq!(got.header("location"), "/riverside/notes/phrases?done=phrase");
    let page = world.get(Some(&cookie), got.header("location")).await;
    crate::sound("phrases", &page);
    assert!(page.text.contains("My own") && page.text.contains("Hello ***"), "{}", page.text);
    let got = world.fill(&cookie, "/riverside/notes/phrases/remove", "key=mine").await;
    assert_eq!(got.status, 303);
    let desk = world.get(Some(&cookie), "/riverside/notes").await;
    crate::sound("desk", &desk);
}

fn multipart(file: &[u8], kind: &str) -> Vec<u8> {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"once\"\r\n\r\nabc\r\n--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n{kind}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\scan.pdf\"\r\nContent-Type: text/html\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    body
}

#[tokio::test]
async fn a_file_is_filed_as_what_it_is_and_shown_so_that_it_cannot_act() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let at = "/riverside/patients/known/documents/upload";
    crate::sound(at, &world.get(Some(&cookie), at).await);
    let got = world.fill_parts(&cookie, at, multipart(b"<html><script>alert(1)</script>", "other")).await;
    assert_eq!(got.status, 422, "{}", got.text);
    let got = world.fill_parts(&cookie, at, multipart(b"%PDF-1.4\n", "laboratory")).await;
    assert_eq!(got.status, 303, "{}", got.text);
    let page = world.get(Some(&cookie), got.header("location")).await;
    assert!(page.text.contains("scan.pdf") && !page.text.contains("C:\\"), "{}", page.text);
    let document = got.header("location").split('?').next().unwrap().to_owned();
    let file = world.get(Some(&cookie), &format!("{document}/content/0")).await;
    assert_eq!(file.header("content-type"), "application/pdf");
    assert!(file.header("content-security-policy").starts_with("default-src 'none'"));
    let seen = world.fill(&cookie, &format!("{document}/review"), "").await;
    assert_eq!(seen.header("location"), format!("{document}?done=seen"));
    let page = world.get(Some(&cookie), &document).await;
    assert!(page.text.contains("Reviewed by Dr. Amara Okafor"), "{}", page.text);
    let cda = b"<ClinicalDocument xmlns='urn:hl7-org:v3'><title>Summary</title><component><structuredBody><component><section><title>Plan</title>\
        <text><paragraph>Rest &lt;img src=x&gt;</paragraph></text></section></component></structuredBody></component></ClinicalDocument>";
    let again = multipart(cda, "other");
    let again = String::from_utf8(again).unwrap().replace("\r\nabc\r\n", "\r\nabd\r\n");
    let got = world.fill_parts(&cookie, at, again.into_bytes()).await;
    let page = world.get(Some(&cookie), got.header("location")).await;
    crate::sound("ccda", &page);
    assert!(page.text.contains("<p>Rest &lt;img src=x&gt;</p>"), "{}", page.text);
}

#[tokio::test]
async fn a_visit_is_closed_on_one_page_and_its_summary_is_given_in_spanish() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let base = "/riverside/patients/seen/encounters/seen-visit";
    let page = world.get(Some(&cookie), &format!("{base}/close")).await;
    crate::sound("close", &page);
    let version = hidden(&page, "version");
    let got = world.fill(&cookie, &format!("{base}/close"), &format!("version={version}&level=established-3")).await;
    assert_eq!(got.status, 422);
    assert!(got.text.contains("Choose at least one diagnosis."), "{}", got.text);
    let sheet = world.get(Some(&cookie), &format!("{base}/summary?language=es&large=yes&instructions=Descanse.")).await;
    crate::sound("summary", &sheet);
    assert!(sheet.text.contains("Su visita") && sheet.text.contains("Descanse."), "{}", sheet.text);
    let once = hidden(&sheet, "once");
    let got = world
        .fill(
            &cookie,
            &format!("{base}/summary"),
            &format!("once={once}&language=es&instructions=Descanse.&follow_up=En+un+mes."),
        )
        .await;
    assert_eq!(got.status, 303, "{}", got.text);
    let printed = world.get(Some(&cookie), got.header("location")).await;
    crate::sound("printed", &printed);
    assert!(printed.text.contains("Descanse.") && printed.text.contains("En un mes."), "{}", printed.text);
    let body = format!("version={version}&level=established-3&diagnosis=seen-problem&weeks=4&reason=No+note+needed");
    let got = world.fill(&cookie, &format!("{base}/close"), &body).await;
    assert_eq!(got.header("location"), format!("{base}/close?done=closed"));
    let page = world.get(Some(&cookie), got.header("location")).await;
    crate::sound("closed", &page);
    assert!(
        page.text.contains("This visit is closed.") && page.text.contains("After-visit summary given"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn who_may_not_write_notes_finds_none_of_it() {
    let world = World::open().await;
    let clinician = world.sign_in("okafor").await;
    let at = start(&world, &clinician, "follow-up").await;
    let desk = world.sign_in("delgado").await;
    let base = "/riverside/patients/known";
    for path in [
        at.clone(),
        format!("{at}/sign"),
        format!("{at}/history"),
        format!("{at}/phrases?q=a"),
        format!("{base}/notes"),
        format!("{base}/documents/upload"),
        "/riverside/patients/seen/encounters/seen-visit/close".into(),
        "/riverside/patients/seen/encounters/seen-visit/summary".into(),
        "/riverside/notes".into(),
        "/riverside/notes/phrases".into(),
    ] {
        assert_eq!(world.get(Some(&desk), &path).await.status, 404, "{path}");
    }
    for (path, body) in [
        (at.clone(), "edition=1&text.plan=x&do=save"),
        (format!("{at}/sign"), "edition=1"),
        (format!("{at}/discard"), ""),
        (format!("{base}/notes"), "template=follow-up&encounter="),
    ] {
        assert_eq!(world.fill(&desk, &path, body).await.status, 404, "{path}");
    }
}
