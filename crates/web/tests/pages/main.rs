//! Pages as a browser gets them, over a store with people of the demonstration.
#![allow(clippy::unwrap_used)] // In a test a missing thing is a failure.

mod desk;
mod inbox;
mod lists;
mod notes;
mod orders;
mod reconcile;
mod work;
mod world;

use world::{Got, PASSWORD, World};

const SECTIONS: [&str; 13] = [
    "",
    "/problems",
    "/medications",
    "/allergies",
    "/results",
    "/vitals",
    "/immunizations",
    "/encounters",
    "/documents",
    "/timeline",
    "/timeline?kind=results&range=1y",
    "/results?before=2024-01-01",
    "/vitals/85354-9?range=10y",
];

/// What must hold of every page.
fn sound(path: &str, got: &Got) {
    assert_eq!(got.status, 200, "{path}: {}", got.text);
    let policy = got.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    assert_eq!(got.header("cache-control"), "no-store", "{path}");
    assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(got.header("referrer-policy"), "same-origin", "{path}");
    let text = &got.text;
    assert_eq!(text.matches("<h1").count(), 1, "{path} has one main heading");
    assert_eq!(text.matches("<main").count(), 1, "{path} has one main part");
    for forbidden in [" style=\"", "<style", "onclick=", "javascript:", "<script>"] {
        assert!(!text.contains(forbidden), "{path} holds {forbidden}");
    }
    let mut ids: Vec<&str> = text.split(" id=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{path} uses an id twice");
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_sign_in_and_back() {
    let world = World::open().await;
    let mut guarded = 0;
    for (path, policy) in web::pages() {
        if ["Anyone", "AnyoneHere", "Demo"].contains(&policy.as_str()) {
            continue;
        }
        guarded += 1;
        let filled = filled(path, "x1");
        let got = world.get(None, &filled).await;
        assert_eq!(
            (got.status, got.header("location")),
            (303, format!("/riverside/sign-in?to={filled}").as_str()),
            "{path}"
        );
    }
    assert!(guarded > 35, "{guarded}");
    let form = world.get(None, "/riverside/sign-in?to=/riverside/patients/x1").await;
    sound("sign-in", &form);
    assert!(form.text.contains("value=\"/riverside/patients/x1\""), "{}", form.text);
    assert!(form.text.contains("<code>okafor</code>"), "the demonstration names its logins: {}", form.text);
    let got = world
        .post("/riverside/sign-in", &format!("username=okafor&password={PASSWORD}&to=%2Friverside%2Fpatients%2Fx1"))
        .await;
    assert_eq!((got.status, got.header("location")), (303, "/riverside/patients/x1"));
    let cookie = got.header("set-cookie");
    for part in ["continuo_session=", "HttpOnly", "SameSite=Lax", "Path=/riverside"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

/// An address of a page with the same in every hole.
fn filled(path: &str, with: &str) -> String {
    let mut parts = path.replace("{org}", "riverside").split('{').map(str::to_owned).collect::<Vec<_>>().into_iter();
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |whole, part| match part.split_once('}') {
        Some((_, rest)) => format!("{whole}{with}{rest}"),
        None => whole + &part,
    })
}

#[tokio::test]
async fn nobody_posts_anything_without_a_session_or_from_elsewhere() {
    let world = World::open().await;
    let cookie = world.sign_in("dubois").await;
    for (path, policy) in web::pages() {
        if ["Anyone", "Demo"].contains(&policy.as_str()) {
            continue;
        }
        let path = filled(path, "0");
        let got = world.post_from("https://evil.example", &path, "a=b").await;
        assert_eq!(got.status, 403, "{path}");
        if policy != "AnyoneHere" {
            let got = world.post(&path, "a=b").await;
            assert_eq!(got.status, 401, "{path}");
        }
    }
    assert_eq!(world.get(Some(&cookie), "/riverside/admin/users").await.status, 200);
}

#[tokio::test]
async fn each_role_is_offered_and_shown_what_it_may_do_and_nothing_else() {
    let world = World::open().await;
    let sections = ["users", "roles", "sessions", "apps", "audit", "disclosures", "emergency", "duplicates", "content"];
    // (who, whether charts, the sections of administration)
    let table: [(&str, bool, &[&str]); 7] = [
        ("okafor", true, &[]),
        ("delgado", true, &["duplicates"]),
        ("novak", true, &[]),
        ("dubois", true, &["users", "roles", "sessions", "apps", "duplicates", "content"]),
        ("wei", false, &["users", "roles", "sessions", "apps", "audit", "disclosures", "content"]),
        ("thompson", false, &["roles", "sessions", "audit", "disclosures", "emergency", "content"]),
        ("weber", false, &[]),
    ];
    for (who, charts, open) in table {
        let cookie = world.sign_in(who).await;
        let account = world.get(Some(&cookie), "/riverside/account").await;
        sound("account", &account);
        assert_eq!(account.text.contains("Find patient"), charts, "{who}");
        let interfaces = world.get(Some(&cookie), "/riverside/interfaces/").await;
        assert_eq!(interfaces.status, if who == "weber" { 200 } else { 404 }, "{who}");
        let administers = !open.is_empty() || interfaces.status == 200;
        assert_eq!(account.text.contains(">Administration</a>"), administers, "{who}");
        let chart = world.get(Some(&cookie), "/riverside/patients?q=a").await;
        assert_eq!(chart.status, if charts { 200 } else { 404 }, "{who}");
        for section in sections {
            let path = format!("/riverside/admin/{section}");
            let got = world.get(Some(&cookie), &path).await;
            if open.contains(&section) {
                sound(&path, &got);
                for (other, shown) in sections.iter().map(|it| (it, open.contains(it))) {
                    assert_eq!(
                        got.text.contains(&format!("/riverside/admin/{other}\"")),
                        shown,
                        "{who} {section} {other}"
                    );
                }
            } else {
                assert_eq!(got.status, 404, "{who} {path}");
                assert!(got.text.contains("There is nothing here"), "{path}");
            }
        }
        let home = world.get(Some(&cookie), "/riverside/").await;
        let expected = match (charts, open.first()) {
            (true, _) => (200, String::new()),
            (false, Some(first)) => (303, format!("/riverside/admin/{first}")),
            (false, None) if administers => (303, "/riverside/interfaces/".to_owned()),
            (false, None) => (303, "/riverside/account".to_owned()),
        };
        assert_eq!((home.status, home.header("location").to_owned()), expected, "{who}");
    }
}

#[tokio::test]
async fn the_front_desk_sees_of_a_chart_what_its_role_permits() {
    let world = World::open().await;
    let cookie = world.sign_in("delgado").await;
    let got = world.get(Some(&cookie), &format!("/riverside/patients/{}", world.patients[0])).await;
    sound("summary", &got);
    assert!(got.text.contains("not shown for your role"), "{}", got.text);
    assert!(!got.text.contains("/problems\"") && !got.text.contains("No problems recorded"), "{}", got.text);
    assert!(!got.text.contains("Allergies not recorded"), "{}", got.text);
    let problems = world.get(Some(&cookie), &format!("/riverside/patients/{}/problems", world.patients[0])).await;
    assert!(problems.text.contains("Problems: not shown for your role."), "{}", problems.text);
    let clinician = world.sign_in("okafor").await;
    let got = world.get(Some(&clinician), &format!("/riverside/patients/{}", world.patients[0])).await;
    assert!(got.text.contains("/problems\"") && !got.text.contains("not shown for your role"), "{}", got.text);
}

#[tokio::test]
async fn a_user_is_created_and_chooses_a_password_by_a_link_that_works_once() {
    let world = World::open().await;
    let cookie = world.sign_in("dubois").await;
    let empty = world.fill(&cookie, "/riverside/admin/users/new", "display=&username=x").await;
    assert_eq!(empty.status, 422);
    assert!(empty.text.contains("<title>Error: New user") && empty.text.contains("Choose at least one role."));
    let body = "display=Kim+Lee&username=kim&email=&roles=nurse&roles=front-desk&family=&given=";
    let got = world.fill(&cookie, "/riverside/admin/users/new", body).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let link = got.text.split("http://ehr.example").nth(1).and_then(|it| it.split('<').next()).unwrap().to_owned();
    let link = link.replace("&amp;", "&");
    let form = world.get(None, &link).await;
    sound("reset", &form);
    assert!(form.text.contains("kim"), "{}", form.text);
    let code = link.split("code=").nth(1).unwrap();
    let short = world.post("/riverside/reset", &format!("code={code}&password=short&again=short")).await;
    assert_eq!(short.status, 422, "{}", short.text);
    let good = format!("code={code}&password={PASSWORD}&again={PASSWORD}");
    assert_eq!(world.post("/riverside/reset", &good).await.header("location"), "/riverside/sign-in?done=reset");
    assert_eq!(world.get(None, &link).await.status, 410);
    let kim = world.sign_in("kim").await;
    let account = world.get(Some(&kim), "/riverside/account").await;
    assert!(account.text.contains("Change to this"), "two roles to choose from: {}", account.text);
    let list = world.get(Some(&cookie), "/riverside/admin/users?q=kim").await;
    sound("users", &list);
    let address = list.text.split("/riverside/admin/users/").nth(2).and_then(|it| it.split('"').next()).unwrap();
    let path = format!("/riverside/admin/users/{address}");
    let page = world.get(Some(&cookie), &path).await;
    sound("user", &page);
    let version = page.text.split("name=\"version\" value=\"").nth(1).and_then(|it| it.split('"').next()).unwrap();
    let body = format!("active=&version={version}");
    let got = world.fill(&cookie, &format!("{path}/standing"), &body).await;
    assert!(got.header("location").ends_with("?done=deactivated"), "{} {}", got.status, got.text);
    assert_eq!(world.get(Some(&kim), "/riverside/account").await.status, 303, "their session ended");
}

#[tokio::test]
async fn passwords_and_sessions_are_ones_own_to_change() {
    let world = World::open().await;
    let (cookie, other) = (world.sign_in("okafor").await, world.sign_in("okafor").await);
    let path = "/riverside/account/password";
    let new = "walnut-velvet-tunnel-swan";
    let wrong = world.fill(&cookie, path, &format!("old=nonsense&new={new}&again={new}")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("This is not your present password."), "{}", wrong.text);
    let unlike = world.fill(&cookie, path, &format!("old={PASSWORD}&new={new}&again=x")).await;
    assert!(unlike.text.contains("not the same"));
    let got = world.fill(&cookie, path, &format!("old={PASSWORD}&new={new}&again={new}")).await;
    assert_eq!(got.header("location"), "/riverside/account?done=password", "{}", got.text);
    assert_eq!(world.get(Some(&other), "/riverside/account").await.status, 303, "other sessions ended");
    let page = world.get(Some(&cookie), "/riverside/account?done=password").await;
    sound("account", &page);
    assert!(page.text.contains("Your password was changed."));
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_and_then_asked_for() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let page = world.get(Some(&cookie), "/riverside/account/totp").await;
    sound("totp", &page);
    let value = |name: &str| {
        let field = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        field
            .split('"')
            .next()
            .unwrap()
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
            .replace("&quot;", "\"")
    };
    let encode = |text: &str| text.bytes().map(|it| format!("%{it:02X}")).collect::<String>();
    let (handle, secret, svg) = (value("handle"), value("secret"), value("svg"));
    let body =
        |code: &str| format!("handle={}&secret={}&svg={}&code={code}", encode(&handle), encode(&secret), encode(&svg));
    let wrong = world.fill(&cookie, "/riverside/account/totp", &body("000000")).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains(&secret), "nobody has to scan twice");
    let code = world.code(&secret, 0);
    let got = world.fill(&cookie, "/riverside/account/totp", &body(&code)).await;
    sound("recovery codes", &got);
    let codes: Vec<&str> = got.text.split("<li><code>").skip(1).filter_map(|it| it.split('<').next()).collect();
    assert!(codes.len() >= 8, "{}", got.text);

    let step = world
        .post("/riverside/sign-in", &format!("username=okafor&password={PASSWORD}&to=%2Friverside%2Faccount"))
        .await;
    let to = step.header("location").to_owned();
    assert!(to.starts_with("/riverside/sign-in/second?with="), "{to}");
    let pending = step.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = world.get(Some(&pending), &to).await;
    sound("second", &page);
    assert!(page.text.contains("autocomplete=\"one-time-code\""), "{}", page.text);
    let wrong = world.fill(&pending, "/riverside/sign-in/second", "with=tr&to=&code=000000").await;
    assert_eq!(wrong.status, 422);
    let body = format!("with=tr&to=%2Friverside%2Faccount&recovery={}", codes[0]);
    let got = world.fill(&pending, "/riverside/sign-in/second", &body).await;
    assert_eq!((got.status, got.header("location")), (303, "/riverside/account"), "{}", got.text);
    assert!(got.header("set-cookie").starts_with("continuo_session="), "{}", got.header("set-cookie"));
}

#[tokio::test]
async fn a_wrong_password_and_a_foreign_form_are_refused() {
    let world = World::open().await;
    for body in ["username=okafor&password=wrong".to_owned(), format!("username=nobody&password={PASSWORD}")] {
        let got = world.post("/riverside/sign-in", &body).await;
        assert_eq!(got.status, 422);
        assert!(got.text.contains("do not fit") && got.header("set-cookie").is_empty());
    }
    let got = world
        .post_from("https://evil.example", "/riverside/sign-in", &format!("username=okafor&password={PASSWORD}"))
        .await;
    assert_eq!(got.status, 403);
    let outside = world
        .post("/riverside/sign-in", &format!("username=okafor&password={PASSWORD}&to=https%3A%2F%2Fevil.example%2F"))
        .await;
    assert_eq!(outside.header("location"), "/riverside/");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    assert_eq!(world.get(Some(&cookie), "/riverside/").await.status, 200);
    let got = world.post_with(&cookie, "/riverside/sign-out").await;
    assert_eq!(got.header("location"), "/riverside/sign-in?done=signed-out");
    assert_eq!(world.get(Some(&cookie), "/riverside/").await.status, 303);
}

#[tokio::test]
async fn every_section_of_every_chart_can_be_read() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    for id in world.patients.iter().chain([&"odd".to_owned(), &"bare".to_owned()]) {
        for section in SECTIONS {
            let path = format!("/riverside/patients/{id}{section}");
            let got = world.get(Some(&cookie), &path).await;
            sound(&path, &got);
            assert!(got.text.contains("DEMO – no real patients"), "{path}");
            assert!(got.text.contains("aria-label=\"Patient\""), "{path} says whose it is");
        }
    }
}

#[tokio::test]
async fn a_chart_without_anything_says_so_rather_than_none() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let got = world.get(Some(&cookie), "/riverside/patients/bare").await;
    for words in
        ["Name not recorded", "Allergies not recorded", "No problems recorded.", "No medications recorded.", "No MRN"]
    {
        assert!(got.text.contains(words), "{words}");
    }
    assert!(!got.text.contains("No known allergies"));
}

#[tokio::test]
async fn what_others_wrote_is_shown_and_never_acts() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let got = world.get(Some(&cookie), "/riverside/patients/odd").await;
    assert!(got.text.contains("&lt;SCRIPT&gt;") && !got.text.contains("<SCRIPT>alert"), "{}", got.text);
    let got = world.get(Some(&cookie), "/riverside/patients/odd/documents/odd-note").await;
    sound("document", &got);
    assert!(got.text.contains("Rest and fluids") && !got.text.contains("alert(2)"), "{}", got.text);
    let got = world.get(Some(&cookie), "/riverside/patients/odd/documents/odd-note/content/1").await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/octet-stream"));
    assert!(got.header("content-security-policy").contains("sandbox"), "{}", got.header("content-security-policy"));
    assert!(got.header("content-disposition").starts_with("attachment"));
    // A document of one patient is not shown under the name of another.
    assert_eq!(world.get(Some(&cookie), "/riverside/patients/bare/documents/odd-note").await.status, 404);
}

#[tokio::test]
async fn a_trend_is_drawn_with_its_band_and_told_in_a_table() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let got = world.get(Some(&cookie), "/riverside/patients/odd/results/2823-3").await;
    sound("trend", &got);
    assert_eq!(got.text.matches("class=\"point ").count(), 2 * 3, "three points, wide and narrow");
    assert!(
        got.text.contains("class=\"band\"")
            && got.text.contains("01-May-2024: 6.40 mmol/L, critically high (reference 3.5–5.1)"),
        "{}",
        got.text
    );
    assert!(got.text.contains("every value, newest first"));
    let got = world.get(Some(&cookie), "/riverside/patients/odd/results/2823-3?range=3m").await;
    assert!(got.text.contains("Nothing was measured in this time."), "{}", got.text);
}

#[tokio::test]
async fn people_are_found_by_any_of_what_is_known_of_them() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let finds = async |words: &str| {
        let page = world.get(Some(&cookie), &format!("/riverside/patients?q={words}")).await;
        sound(words, &page);
        let piece = world.get(Some(&cookie), &format!("/riverside/find?q={words}")).await;
        assert!(!piece.text.contains("<html"));
        assert_eq!(
            page.text.contains("/riverside/patients/known\""),
            piece.text.contains("/riverside/patients/known\"")
        );
        piece.text.contains("/riverside/patients/known\"")
    };
    for words in [
        "zwetschkenbaum",
        "zwet+xa",
        "xav",
        "9+May+1970",
        "05/09/1970",
        "zwet+1970",
        "mrn+K-77",
        "k-77",
        "(555)+867-5309",
        "wetschken",
    ] {
        assert!(finds(words).await, "{words}");
    }
    for words in ["zwetz", "10+May+1970", "zwet+1971", "k-78", "555-867-5300"] {
        assert!(!finds(words).await, "{words}");
    }
    world.get(Some(&cookie), "/riverside/patients/known").await;
    let home = world.get(Some(&cookie), "/riverside/").await;
    assert!(home.text.contains("Recent patients") && home.text.contains("/riverside/patients/known\""));
}

#[tokio::test]
async fn a_patient_sees_the_portal_and_nobody_elses_record() {
    let world = World::open().await;
    let cookie = world.sign_in("patient").await;
    for path in
        ["/riverside/", "/riverside/patients/odd", "/riverside/patients?q=a", "/riverside/patients/known/results"]
    {
        let got = world.get(Some(&cookie), path).await;
        assert_eq!((got.status, got.header("location")), (303, "/riverside/portal/"), "{path}");
    }
    let got = world.get(Some(&cookie), "/riverside/portal/").await;
    sound("portal", &got);
    assert!(got.text.contains("Hello, Xaver Zwetschkenbaum"), "{}", got.text);
    let staff = world.sign_in("okafor").await;
    assert_eq!(world.get(Some(&staff), "/riverside/portal/").await.header("location"), "/riverside/");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_hidden_look_the_same() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    for path in [
        "/riverside/patients/nobody",
        "/riverside/patients/a%20b",
        "/nowhere/",
        "/riverside/patients/odd/documents/none",
    ] {
        let got = world.get(Some(&cookie), path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text.contains("There is nothing here"), "{path}");
    }
}

#[tokio::test]
async fn the_gallery_is_for_demonstrations_only() {
    let world = World::open().await;
    sound("gallery", &world.get(None, "/dev/components").await);
    sound("choose", &world.get(None, "/").await);
    assert_eq!(world.strict().get(None, "/dev/components").await.status, 404);
    assert!(!world.strict().get(None, "/riverside/sign-in").await.text.contains("DEMO"));
    assert!(!world.strict().get(None, "/riverside/sign-in").await.text.contains("<code>okafor"));
}

#[tokio::test]
async fn assets_may_be_kept_for_ever() {
    let world = World::open().await;
    let page = world.get(None, "/").await;
    let address = page.text.split('"').find(|it| it.ends_with(".css")).unwrap();
    let got = world.get(None, address).await;
    assert_eq!(got.status, 200);
    assert!(got.header("cache-control").contains("immutable") && got.header("content-type").starts_with("text/css"));
}
