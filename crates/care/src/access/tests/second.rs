//! Second factors: one-time codes, passkeys, and the ways around them that must not be.

use super::place::{MINUTE, PASSWORD, Practice, SECOND};
use crate::access::passkey_tests::Authenticator;
use crate::access::{AccessError, Factor, Proof, SignIn, SignInPolicy, one_time_code};
use std::sync::atomic::Ordering::Relaxed;
use store::Caller;

#[tokio::test]
async fn whoever_has_an_app_is_asked_for_its_code() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, codes) = practice.with_app("okafor").await;
    assert_eq!(codes.len(), 10);
    let SignIn::Second { pending, factors } = practice.try_to_sign_in("okafor", PASSWORD).await else {
        panic!("a code is asked for")
    };
    assert_eq!(factors, [Factor::Totp, Factor::Recovery]);
    let code = one_time_code(&seed, practice.now());
    let SignIn::Open(opened) = practice.second(&pending, Proof::Totp(&code)).await.unwrap() else { panic!("it fits") };
    assert!(practice.session(&opened.token).await.is_some());
}

#[tokio::test]
async fn no_step_can_be_left_out() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    practice.with_app("okafor").await;
    let pending = practice.half_way("okafor").await;
    // Half way is not in: not as a session, not as oneself, not by proving the password again.
    assert!(practice.session(&pending).await.is_none());
    assert!(practice.access.session_caller(&pending, practice.now()).await.unwrap().is_none());
    assert!(practice.access.bearer(&pending, practice.now()).await.unwrap().is_none());
    assert!(matches!(practice.access.pending_me(&pending, practice.now()).await, Err(AccessError::Expired)));
    let enrolled = practice.access.enrolled(&practice.visit, &pending, practice.now()).await;
    assert!(matches!(enrolled, Err(AccessError::Expired)));
    let proof = Proof::Password(PASSWORD);
    assert!(matches!(practice.second(&pending, proof).await.unwrap(), SignIn::Wrong));
    let proved = practice.access.prove(&practice.visit, &pending, proof, practice.now()).await;
    assert!(matches!(proved, Err(AccessError::Expired)));
    let switched = practice.access.switch_role(&pending, "clinician", practice.now()).await;
    assert!(matches!(switched, Err(AccessError::Expired)));
}

#[tokio::test]
async fn a_code_counts_once() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, _) = practice.with_app("okafor").await;
    let code = one_time_code(&seed, practice.now());
    let [one, two] = [practice.half_way("okafor").await, practice.half_way("okafor").await];
    assert!(matches!(practice.second(&one, Proof::Totp(&code)).await.unwrap(), SignIn::Open(_)));
    assert!(matches!(practice.second(&two, Proof::Totp(&code)).await.unwrap(), SignIn::Wrong));
    // A sign-in that was finished cannot be finished again.
    practice.later(30 * SECOND);
    let next = one_time_code(&seed, practice.now());
    assert!(matches!(practice.second(&one, Proof::Totp(&next)).await, Err(AccessError::Expired)));
    assert!(matches!(practice.second(&two, Proof::Totp(&next)).await.unwrap(), SignIn::Open(_)));
}

#[tokio::test]
async fn of_two_who_bring_the_same_code_at_once_one_comes_in() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, _) = practice.with_app("okafor").await;
    let code = one_time_code(&seed, practice.now());
    let [one, two] = [practice.half_way("okafor").await, practice.half_way("okafor").await];
    let neighbour = practice.neighbour();
    let (here, there) = tokio::join!(
        practice.second(&one, Proof::Totp(&code)),
        neighbour.second(&practice.visit, &two, Proof::Totp(&code), practice.now()),
    );
    let inside = [here, there].into_iter().filter(|it| matches!(it, Ok(SignIn::Open(_)))).count();
    assert_eq!(inside, 1);
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, _) = practice.with_app("okafor").await;
    let right = one_time_code(&seed, practice.now());
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let pending = practice.half_way("okafor").await;
    let mut judged = 0;
    // Beginning anew with the password does not begin the count anew.
    for _ in 0..4 {
        for _ in 0..3 {
            match practice.second(&pending, Proof::Totp(wrong)).await {
                Ok(SignIn::Wrong) => judged += 1,
                Ok(SignIn::Wait { .. }) | Err(AccessError::Expired) => {}
                other => panic!("{other:?}"),
            }
        }
        let again = practice.try_to_sign_in("okafor", PASSWORD).await;
        assert!(matches!(again, SignIn::Second { .. } | SignIn::Wait { .. }));
    }
    assert_eq!(judged, 5);
    assert!(!matches!(practice.second(&pending, Proof::Totp(&right)).await, Ok(SignIn::Open(_))));
}

#[tokio::test]
async fn half_a_sign_in_does_not_wait_for_ever() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (seed, _) = practice.with_app("okafor").await;
    let pending = practice.half_way("okafor").await;
    practice.later(10 * MINUTE);
    let code = one_time_code(&seed, practice.now());
    assert!(matches!(practice.second(&pending, Proof::Totp(&code)).await, Err(AccessError::Expired)));
}

#[tokio::test]
async fn setting_up_an_app_needs_a_code_of_it_and_ends_other_sessions() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let other = practice.sign_in("okafor").await;
    let me = practice.sign_in("okafor").await.session.me();
    let offer = practice.access.begin_totp(&me, practice.now()).await.unwrap();
    assert!(offer.uri.contains("issuer=Riverside%20Family%20Practice") && offer.svg.starts_with("<svg"));
    let done = practice.access.finish_totp(&me, &offer.handle, "000000", practice.now()).await;
    assert!(matches!(done, Err(AccessError::Wrong)));
    let done = practice.access.finish_totp(&me, "forged", "000000", practice.now()).await;
    assert!(matches!(done, Err(AccessError::Expired)));
    // Someone else's offer is no offer.
    practice.staff("novak", &["biller"]).await;
    let novak = practice.sign_in("novak").await.session.me();
    let code = one_time_code(&super::place::unbase32(&offer.secret), practice.now());
    let done = practice.access.finish_totp(&novak, &offer.handle, &code, practice.now()).await;
    assert!(matches!(done, Err(AccessError::Expired)));
    practice.access.finish_totp(&me, &offer.handle, &code, practice.now()).await.unwrap();
    assert!(practice.session(&other.token).await.is_none());
    assert!(practice.access.factors(&me, practice.now()).await.unwrap().totp.is_some());
}

#[tokio::test]
async fn a_role_may_demand_a_second_factor() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    practice.staff("novak", &["biller"]).await;
    let policy = SignInPolicy { second_factor: vec!["clinician".into()] };
    let system = Caller::system("test");
    practice.access.set_policy(&system, policy, practice.now()).await.unwrap();
    practice.sign_in("novak").await;
    let SignIn::Enrol { pending } = practice.try_to_sign_in("okafor", PASSWORD).await else {
        panic!("one is demanded")
    };
    assert!(practice.session(&pending).await.is_none());
    let enrolled = practice.access.enrolled(&practice.visit, &pending, practice.now()).await.unwrap();
    assert!(matches!(enrolled, SignIn::Enrol { .. }), "nothing was set up yet");
    let me = practice.access.pending_me(&pending, practice.now()).await.unwrap();
    let offer = practice.access.begin_totp(&me, practice.now()).await.unwrap();
    let code = one_time_code(&super::place::unbase32(&offer.secret), practice.now());
    practice.access.finish_totp(&me, &offer.handle, &code, practice.now()).await.unwrap();
    let SignIn::Open(opened) = practice.access.enrolled(&practice.visit, &pending, practice.now()).await.unwrap()
    else {
        panic!("it is set up")
    };
    // It cannot be taken away again, and the policy is not for everyone to change.
    let me = opened.session.me();
    assert!(matches!(practice.access.remove_totp(&me, practice.now()).await, Err(AccessError::LastFactor)));
    let caller = practice.caller(&opened.token).await;
    let refused = practice.access.set_policy(&caller, SignInPolicy::default(), practice.now()).await;
    assert!(matches!(refused, Err(AccessError::Forbidden)));
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_user_name() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let key = practice.with_passkey("okafor").await;
    let question = practice.access.passkey_question(None, practice.now()).await.unwrap();
    assert_eq!(question.options["userVerification"], "required");
    assert_eq!(question.options["allowCredentials"].as_array().unwrap().len(), 0, "nobody is told who has one");
    let answer = key.get(&question.options);
    let enter = async |handle: &str, answer: &str| {
        practice.access.passkey_sign_in(&practice.visit, handle, answer, practice.now()).await
    };
    let SignIn::Open(opened) = enter(&question.handle, &answer).await.unwrap() else { panic!("it fits") };
    assert_eq!(opened.session.user, user.id);
    // The same answer again: the challenge is spent.
    key.count.fetch_sub(1, Relaxed);
    assert!(!matches!(enter(&question.handle, &answer).await, Ok(SignIn::Open(_))));
    let again = key.get(&question.options);
    assert!(!matches!(enter(&question.handle, &again).await, Ok(SignIn::Open(_))));
}

#[tokio::test]
async fn a_passkey_answers_only_its_own_question_in_time() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let key = practice.with_passkey("okafor").await;
    let one = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let two = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let enter = async |handle: &str, answer: &str| {
        practice.access.passkey_sign_in(&practice.visit, handle, answer, practice.now()).await
    };
    assert!(matches!(enter(&one.handle, &key.get(&two.options)).await, Ok(SignIn::Wrong)));
    assert!(matches!(enter("forged", &key.get(&one.options)).await, Err(AccessError::Expired)));
    let answer = key.get(&one.options);
    practice.later(5 * MINUTE);
    assert!(matches!(enter(&one.handle, &answer).await, Err(AccessError::Expired)));
}

#[tokio::test]
async fn a_passkey_alone_must_have_known_its_owner() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let mut key = practice.with_passkey("okafor").await;
    key.flags = 1;
    let question = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let answer = key.get(&question.options);
    let alone = practice.access.passkey_sign_in(&practice.visit, &question.handle, &answer, practice.now()).await;
    assert!(matches!(alone, Ok(SignIn::Wrong)));
    // Beside a password, being there is enough.
    let pending = practice.half_way("okafor").await;
    let question = practice.access.passkey_question(Some(&pending), practice.now()).await.unwrap();
    let answer = key.get(&question.options);
    let proof = Proof::Passkey { handle: &question.handle, answer: &answer };
    assert!(matches!(practice.second(&pending, proof).await.unwrap(), SignIn::Open(_)));
}

#[tokio::test]
async fn a_passkey_of_someone_else_is_no_second_factor() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    practice.staff("novak", &["biller"]).await;
    practice.with_passkey("okafor").await;
    let other = practice.with_passkey("novak").await;
    let pending = practice.half_way("okafor").await;
    let question = practice.access.passkey_question(Some(&pending), practice.now()).await.unwrap();
    let answer = other.get(&question.options);
    let proof = Proof::Passkey { handle: &question.handle, answer: &answer };
    assert!(matches!(practice.second(&pending, proof).await.unwrap(), SignIn::Wrong));
    // Nor when it claims to be of the other.
    *other.user.lock().unwrap() = "id-0".into();
    let answer = other.get(&question.options);
    let proof = Proof::Passkey { handle: &question.handle, answer: &answer };
    assert!(matches!(practice.second(&pending, proof).await.unwrap(), SignIn::Wrong));
    let question = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let answer = other.get(&question.options);
    let alone = practice.access.passkey_sign_in(&practice.visit, &question.handle, &answer, practice.now()).await;
    assert!(matches!(alone, Ok(SignIn::Wrong)));
}

#[tokio::test]
async fn a_passkey_of_a_closed_account_opens_nothing() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let key = practice.with_passkey("okafor").await;
    let change = crate::access::UserChange { active: Some(false), ..Default::default() };
    let system = Caller::system("test");
    practice.access.change_user(&system, &user.id, user.version, change, practice.now()).await.unwrap();
    let question = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let answer = key.get(&question.options);
    let alone = practice.access.passkey_sign_in(&practice.visit, &question.handle, &answer, practice.now()).await;
    assert!(matches!(alone, Ok(SignIn::Wrong)));
}

#[tokio::test]
async fn guesses_of_others_do_not_keep_out_who_has_a_passkey() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let key = practice.with_passkey("okafor").await;
    for _ in 0..6 {
        practice.try_to_sign_in("okafor", "guess").await;
    }
    assert!(matches!(practice.try_to_sign_in("okafor", PASSWORD).await, SignIn::Wait { .. }));
    let question = practice.access.passkey_question(None, practice.now()).await.unwrap();
    let answer = key.get(&question.options);
    let alone = practice.access.passkey_sign_in(&practice.visit, &question.handle, &answer, practice.now()).await;
    assert!(matches!(alone, Ok(SignIn::Open(_))));
}

#[tokio::test]
async fn a_passkey_is_registered_for_its_owner_once() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let me = practice.sign_in("okafor").await.session.me();
    let question = practice.access.begin_passkey(&me, practice.now()).await.unwrap();
    let key = Authenticator::es256("https://ehr.example", "ehr.example");
    let answer = key.create(&question.options);
    let finish = async |answer: &str| {
        practice.access.finish_passkey(&me, &question.handle, answer, "  My <b>key</b>\n", practice.now()).await
    };
    let evil = Authenticator::es256("https://evil.example", "ehr.example");
    assert!(matches!(finish(&evil.create(&question.options)).await, Err(AccessError::Passkey(_))));
    assert_eq!(finish(&answer).await.unwrap().len(), 10);
    assert!(matches!(finish(&answer).await, Err(AccessError::Changed)));
    let another = Authenticator::es256("https://ehr.example", "ehr.example");
    assert!(matches!(finish(&another.create(&question.options)).await, Err(AccessError::Changed)));
    let factors = practice.access.factors(&me, practice.now()).await.unwrap();
    assert_eq!(factors.passkeys.len(), 1);
    assert_eq!(factors.passkeys[0].name, "My <b>key</b>");
    // The next question excludes it.
    let next = practice.access.begin_passkey(&me, practice.now()).await.unwrap();
    assert_eq!(next.options["excludeCredentials"][0]["id"], factors.passkeys[0].id.as_str());
    practice.access.remove_passkey(&me, &factors.passkeys[0].id, practice.now()).await.unwrap();
    practice.sign_in("okafor").await;
}
