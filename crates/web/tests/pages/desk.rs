//! What people arrange for themselves: settings, languages, keys, cards, notes, the charts they opened last.

use crate::sound;
use crate::world::World;

const ALL: &str = "language=&theme=device&density=comfortable&text=normal&letters=yes";

#[tokio::test]
async fn settings_are_kept_on_the_server_and_change_every_page() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let page = world.get(Some(&cookie), "/riverside/account/settings").await;
    sound("settings", &page);
    let body = "language=es-US&theme=dark&density=compact&text=large&letters=yes&keys-order=alt+%2B+o&keys-note=";
    let saved = world.fill(&cookie, "/riverside/account/settings", body).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, "/riverside/account/settings?done=saved"),
        "{}",
        saved.text
    );
    assert!(saved.header("set-cookie").contains("continuo_language=es-US"), "the sign-in page speaks it next time");
    // Another browser of the same person finds it too.
    let other = world.sign_in("okafor").await;
    let chart = world.get(Some(&other), &format!("/riverside/patients/{}", world.patients[0])).await;
    sound("summary", &chart);
    for part in
        ["lang=\"es-US\"", "dir=\"ltr\"", "data-theme=\"dark\"", "data-density=\"compact\"", "data-text=\"large\""]
    {
        assert!(chart.text.contains(part), "{part}");
    }
    assert!(chart.text.contains("DEMOSTRACIÓN") && chart.text.contains(">Resumen<"), "{}", chart.text);
    assert!(chart.text.contains("data-chord=\"Alt+O\"") && !chart.text.contains("data-command=\"note\""));
    let colleague = world.sign_in("dubois").await;
    let own = world.get(Some(&colleague), "/riverside/account").await;
    assert!(own.text.contains("lang=\"en-US\""), "settings are one's own");
}

#[tokio::test]
async fn keys_that_cannot_be_pressed_or_are_used_twice_are_refused_with_what_was_typed() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let wrong = world.fill(&cookie, "/riverside/account/settings", &format!("{ALL}&keys-order=o")).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("<title>Error: My settings") && wrong.text.contains("“o” cannot be keys"),
        "{}",
        wrong.text
    );
    assert!(wrong.text.contains("value=\"o\""), "what was typed is still there");
    let twice = world.fill(&cookie, "/riverside/account/settings", &format!("{ALL}&keys-order=Ctrl%2BK")).await;
    assert!(twice.status == 422 && twice.text.contains("Ctrl+K is used twice."), "{}", twice.text);
    let letters = world.fill(&cookie, "/riverside/account/settings", &ALL.replace("letters=yes", "letters=")).await;
    assert_eq!(letters.status, 303);
    let page = world.get(Some(&cookie), "/riverside/account").await;
    assert!(!page.text.contains("data-command=\"help\""), "a key by itself can be switched off (WCAG 2.1.4)");
}

#[tokio::test]
async fn whoever_is_not_signed_in_reads_in_the_language_of_the_browser_or_the_one_they_chose() {
    let world = World::open().await;
    let page = world.get_in("es-MX,es;q=0.9,en;q=0.5", "/riverside/sign-in").await;
    sound("sign-in", &page);
    assert!(page.text.contains("lang=\"es-US\"") && page.text.contains("Iniciar sesión"), "{}", page.text);
    let chosen = world.post("/riverside/language", "language=en-US&to=%2Friverside%2Fpatients%2F1").await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/riverside/sign-in?to=/riverside/patients/1"));
    assert!(chosen.header("set-cookie").starts_with("continuo_language=en-US"));
    let nothing = world.post("/riverside/language", "language=tlh&to=https%3A%2F%2Fevil.example").await;
    assert_eq!((nothing.header("location"), nothing.header("set-cookie")), ("/riverside/sign-in", ""));
    let missing = world.get_in("es", "/riverside/nothing-like-this/at/all").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn in_a_demonstration_pages_can_be_read_from_right_to_left() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let body = ALL.replace("language=", "language=ar-x-pseudo");
    assert_eq!(world.fill(&cookie, "/riverside/account/settings", &body).await.status, 303);
    for path in ["/riverside/", "/riverside/account", "/riverside/patients/odd/results"] {
        let page = world.get(Some(&cookie), path).await;
        sound(path, &page);
        assert!(page.text.contains("lang=\"ar-x-pseudo\" dir=\"rtl\""), "{path}");
    }
    let strict = world.strict();
    let page = strict.get(Some(&cookie), "/riverside/account").await;
    assert!(page.text.contains("lang=\"en-US\" dir=\"ltr\""), "outside of a demonstration it is no language");
}

#[tokio::test]
async fn charts_opened_lately_are_kept_and_similar_names_are_noticed() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    for id in ["odd", "known"] {
        world.get(Some(&cookie), &format!("/riverside/patients/{id}/problems")).await;
    }
    // What is not there was not opened.
    world.get(Some(&cookie), "/riverside/patients/nobody").await;
    let again = world.sign_in("okafor").await;
    let home = world.get(Some(&again), "/riverside/").await;
    let at = |id: &str| home.text.find(&format!("href=\"/riverside/patients/{id}\""));
    assert!(at("known").unwrap() < at("odd").unwrap(), "the latest first: {}", home.text);
    let chart = world.get(Some(&again), "/riverside/patients/known").await;
    assert!(!chart.text.contains("Similar name."), "nobody resembles themselves");
    let twin = world.get(Some(&again), "/riverside/patients/twin").await;
    assert!(
        twin.text.contains("Similar name.") && twin.text.contains("href=\"/riverside/patients/known\""),
        "{}",
        twin.text
    );
}

#[tokio::test]
async fn a_name_is_found_by_how_it_sounds_when_none_is_written_like_it() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let found = world.get(Some(&cookie), "/riverside/find?q=Swetschkenbaum").await;
    assert!(found.text.contains("these sound like it") && found.text.contains("ZWETSCHKENBAUM"), "{}", found.text);
}

#[tokio::test]
async fn the_palette_offers_people_pages_and_actions() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let all = world.get(Some(&cookie), "/riverside/find?all=yes&in=known").await;
    for part in ["Recent patients", "href=\"/riverside/patients/known/results\"", "<kbd>Alt 4</kbd>"] {
        assert!(all.text.contains(part), "{part}: {}", all.text);
    }
    let typed = world.get(Some(&cookie), "/riverside/find?all=yes&in=known&q=time").await;
    assert!(typed.text.contains("/patients/known/timeline") && !typed.text.contains("/patients/known/results"));
    let settings = world.get(Some(&cookie), "/riverside/find?all=yes&q=my+settings").await;
    assert!(settings.text.contains("/riverside/account/settings"), "{}", settings.text);
    assert!(!all.text.contains("/riverside/admin/"), "what the role may not open is not offered");
}

#[tokio::test]
async fn cards_can_be_folded_and_moved_and_a_note_is_for_oneself() {
    let world = World::open().await;
    let cookie = world.sign_in("okafor").await;
    let chart = "/riverside/patients/known";
    let act = |act: &str| format!("card=vitals&act={act}&back=%2Friverside%2Fpatients%2Fknown");
    let folded = world.fill(&cookie, "/riverside/desk/cards", &act("fold")).await;
    assert_eq!((folded.status, folded.header("location")), (303, "/riverside/patients/known#card-vitals"));
    let page = world.get(Some(&cookie), chart).await;
    sound(chart, &page);
    assert!(page.text.contains("class=\"card vitals folded\""), "{}", page.text);
    let before = page.text.find("card-gaps").unwrap() < page.text.find("card-vitals").unwrap();
    world.fill(&cookie, "/riverside/desk/cards", &act("up")).await;
    let page = world.get(Some(&cookie), &format!("{chart}?arrange=yes")).await;
    let after = page.text.find("card-vitals").unwrap() < page.text.find("card-gaps").unwrap();
    assert!(before && after && page.text.contains("Move earlier"));
    let stuck = world.fill(&cookie, &format!("{chart}/note"), "note=Call+the+daughter+%3Cfirst%3E").await;
    assert_eq!(stuck.header("location"), "/riverside/patients/known#card-note");
    assert!(world.get(Some(&cookie), chart).await.text.contains("Call the daughter &lt;first&gt;"));
    let nurse = world.sign_in("delgado").await;
    assert!(!world.get(Some(&nurse), chart).await.text.contains("Call the daughter"), "nobody else sees it");
    assert_eq!(world.fill(&cookie, "/riverside/patients/nobody/note", "note=x").await.status, 404);
}
