//! Passwords, and what guessing gains.

use super::place::{MINUTE, NOON, PASSWORD, Practice};
use crate::access::{AccessError, HashCost, Link, SignIn, UserChange, Weakness};
use store::Caller;

#[tokio::test]
async fn a_name_and_a_password_open_a_session() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    for name in ["okafor", " Okafor ", "OKAFOR"] {
        let opened = match practice.try_to_sign_in(name, PASSWORD).await {
            SignIn::Open(opened) => opened,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(opened.session.principal.who, format!("user/{}", user.id));
        assert_eq!(opened.session.principal.role, "clinician");
        let caller = practice.caller(&opened.token).await;
        assert_eq!((&*caller.who, &*caller.display), (&*format!("user/{}", user.id), "The okafor"));
    }
}

#[tokio::test]
async fn an_unknown_user_a_wrong_password_and_a_closed_account_look_the_same() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let closed = practice.staff("former", &["clinician"]).await;
    let change = UserChange { active: Some(false), ..UserChange::default() };
    let system = Caller::system("test");
    practice.access.change_user(&system, &closed.id, closed.version, change, NOON).await.unwrap();
    for (name, password) in [("okafor", "wrong"), ("nobody", PASSWORD), ("former", PASSWORD), ("", ""), ("okafor", "")]
    {
        assert!(matches!(practice.try_to_sign_in(name, password).await, SignIn::Wrong), "{name}");
    }
}

#[tokio::test]
async fn guessing_is_stopped_and_known_and_unknown_names_alike() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    for name in ["okafor", "nobody"] {
        for _ in 0..5 {
            assert!(matches!(practice.try_to_sign_in(name, "guess").await, SignIn::Wrong));
        }
        let SignIn::Wait { until } = practice.try_to_sign_in(name, PASSWORD).await else { panic!("{name} waits") };
        assert_eq!(until, practice.now() + MINUTE / 2, "{name}");
    }
    practice.later(MINUTE / 2);
    practice.sign_in("okafor").await;
    // Coming in forgives what was mistyped before.
    assert!(matches!(practice.try_to_sign_in("okafor", "guess").await, SignIn::Wrong));
    practice.sign_in("okafor").await;
}

#[tokio::test]
async fn waiting_grows_and_does_not_end_by_asking() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let mut waited = Vec::new();
    for _ in 0..12 {
        match practice.try_to_sign_in("okafor", "guess").await {
            SignIn::Wait { until } => {
                waited.push(until - practice.now());
                practice.later(until - practice.now());
            }
            SignIn::Wrong => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(waited.len() >= 3 && waited.windows(2).all(|two| two[0] < two[1]), "{waited:?}");
}

#[tokio::test]
async fn many_guesses_at_once_count_like_many_in_a_row() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let guesses = (0..20).map(|_| practice.try_to_sign_in("okafor", "guess"));
    let answers = futures::future::join_all(guesses).await;
    let judged = answers.iter().filter(|it| matches!(it, SignIn::Wrong)).count();
    assert_eq!(judged, 5, "no more passwords were compared than in a row");
}

#[tokio::test]
async fn one_address_cannot_try_every_name() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    for n in 0..30 {
        assert!(matches!(practice.try_to_sign_in(&format!("name{n}"), "Spring2026").await, SignIn::Wrong));
    }
    assert!(matches!(practice.try_to_sign_in("okafor", PASSWORD).await, SignIn::Wait { .. }));
    // From elsewhere people go on working.
    let visit = practice.visit_from("198.51.100.4");
    let elsewhere = practice.access.sign_in(&visit, "okafor", PASSWORD, practice.now()).await.unwrap();
    assert!(matches!(elsewhere, SignIn::Open(_)));
}

#[tokio::test]
async fn a_lock_holds_in_every_process() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    for _ in 0..5 {
        practice.try_to_sign_in("okafor", "guess").await;
    }
    let answer = practice.neighbour().sign_in(&practice.visit, "okafor", PASSWORD, practice.now()).await.unwrap();
    assert!(matches!(answer, SignIn::Wait { .. }));
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_cost_has_changed() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let stored = || async { practice.store.item("credential", "id-0/password", NOON).await.unwrap().unwrap() };
    let before = stored().await;
    practice.sign_in("okafor").await;
    assert_eq!(stored().await.version, before.version, "nothing changed, nothing is written");
    let neighbour = crate::access::Access::new(
        practice.store.clone(),
        std::sync::Arc::new(Chance),
        crate::access::AccessSettings {
            cost: HashCost { memory: 128, passes: 1, lanes: 1 },
            ..crate::access::AccessSettings::of("Riverside", "https://ehr.example/riverside", [7; 32])
        },
    );
    let opened = neighbour.sign_in(&practice.visit, "okafor", PASSWORD, NOON).await.unwrap();
    assert!(matches!(opened, SignIn::Open(_)));
    assert_ne!(stored().await.version, before.version);
    practice.sign_in("okafor").await;
}

struct Chance;

impl crate::organisation::Surroundings for Chance {
    fn now(&self) -> i64 {
        NOON
    }

    fn new_id(&self) -> String {
        "another".into()
    }

    fn new_secret(&self) -> String {
        "another secret".into()
    }
}

#[tokio::test]
async fn no_secret_lies_in_the_store() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, codes) = practice.with_app("okafor").await;
    let pending = practice.half_way("okafor").await;
    let mut looked = 0;
    for shelf in ["user", "login-name", "credential", "session", "attempt", "reset", "invitation"] {
        for item in practice.store.items(shelf, None, None, 100, NOON).await.unwrap() {
            looked += 1;
            let text = format!("{} {}", item.name, String::from_utf8_lossy(&item.body));
            for secret in [PASSWORD, &pending, &codes[0], &crate::access::base32(&seed)] {
                assert!(!text.contains(secret), "{shelf}");
            }
        }
    }
    assert!(looked > 4);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let [here, elsewhere] = [practice.sign_in("okafor").await, practice.sign_in("okafor").await];
    let me = here.session.me();
    let change = async |old: &str, new: &str| practice.access.change_password(&me, old, new, practice.now()).await;
    assert!(matches!(change("wrong", "quill mosaic ferry").await, Err(AccessError::Wrong)));
    for (new, why) in [
        ("too short", Weakness::TooShort(15)),
        ("passwordpassword", Weakness::Guessable),
        ("okafor-riverside-okafor", Weakness::Guessable),
        (PASSWORD, Weakness::Unchanged),
    ] {
        assert!(matches!(change(PASSWORD, new).await, Err(AccessError::Password(it)) if it == why), "{new}");
    }
    assert!(practice.session(&elsewhere.token).await.is_some());
    change(PASSWORD, "quill mosaic ferry").await.unwrap();
    assert!(practice.session(&here.token).await.is_some());
    assert!(practice.session(&elsewhere.token).await.is_none());
    assert!(matches!(practice.try_to_sign_in("okafor", PASSWORD).await, SignIn::Wrong));
    assert!(matches!(practice.try_to_sign_in("okafor", "quill mosaic ferry").await, SignIn::Open(_)));
}

#[tokio::test]
async fn guessing_the_old_password_in_a_stolen_session_is_stopped_too() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let me = practice.sign_in("okafor").await.session.me();
    for _ in 0..5 {
        let done = practice.access.change_password(&me, "guess", "quill mosaic ferry", practice.now()).await;
        assert!(matches!(done, Err(AccessError::Wrong)));
    }
    let done = practice.access.change_password(&me, PASSWORD, "quill mosaic ferry", practice.now()).await;
    assert!(matches!(done, Err(AccessError::Wait { .. })));
}

#[tokio::test]
async fn a_short_password_needs_a_second_factor() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let me = practice.sign_in("okafor").await.session.me();
    let change = async |me: &crate::access::Me, old: &str, new: &str| {
        practice.access.change_password(me, old, new, practice.now()).await
    };
    assert!(matches!(change(&me, PASSWORD, "vq8#kzt2").await, Err(AccessError::Password(Weakness::TooShort(15)))));
    practice.with_app("okafor").await;
    change(&me, PASSWORD, "vq8#kzt2").await.unwrap();
    // It cannot be left alone then.
    let done = practice.access.remove_totp(&me, me_fresh(&me)).await;
    assert!(matches!(done, Err(AccessError::Password(Weakness::TooShort(15)))));
}

fn me_fresh(me: &crate::access::Me) -> i64 {
    me.fresh_until
}

#[tokio::test]
async fn a_link_sets_a_password_once() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let opened = practice.sign_in("okafor").await;
    let system = Caller::system("test");
    let Link { code, .. } = practice.access.reset_password(&system, &user.id, false, NOON).await.unwrap();
    assert!(practice.session(&opened.token).await.is_none(), "a reset ends sessions");
    assert_eq!(practice.access.reset_of(&code, NOON).await.unwrap(), "okafor");
    let set = async |code: &str, password: &str, at: i64| {
        practice.access.set_password(&practice.visit, code, password, at).await
    };
    assert!(matches!(set("guess", "quill mosaic ferry", NOON).await, Err(AccessError::Expired)));
    assert!(matches!(set(&code, "short", NOON).await, Err(AccessError::Password(_))));
    let late = NOON + 24 * 60 * MINUTE;
    assert!(matches!(set(&code, "quill mosaic ferry", late).await, Err(AccessError::Expired)));
    set(&code, "quill mosaic ferry", NOON).await.unwrap();
    assert!(matches!(set(&code, "pebble violin tundra", NOON).await, Err(AccessError::Expired)));
    assert!(matches!(practice.try_to_sign_in("okafor", "quill mosaic ferry").await, SignIn::Open(_)));
}

#[tokio::test]
async fn a_new_link_ends_the_one_before() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let system = Caller::system("test");
    let first = practice.access.reset_password(&system, &user.id, false, NOON).await.unwrap();
    let second = practice.access.reset_password(&system, &user.id, false, NOON).await.unwrap();
    assert!(matches!(practice.access.reset_of(&first.code, NOON).await, Err(AccessError::Expired)));
    assert!(practice.access.reset_of(&second.code, NOON).await.is_ok());
}
