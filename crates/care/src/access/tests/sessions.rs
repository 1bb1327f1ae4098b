//! Sessions: how they begin, go on and end.

use super::place::{MINUTE, NOON, PASSWORD, Practice, SECOND};
use crate::access::{AccessError, Proof, Relation, SignIn, UserChange};
use fhir::Id;
use store::Caller;

const HOUR: i64 = 60 * MINUTE;

#[tokio::test]
async fn a_session_ends_when_it_is_left_alone() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    practice.portal("anna", &[("p1", Relation::Own, false)]).await;
    for (name, minutes) in [("okafor", 15), ("anna", 20)] {
        let token = practice.sign_in(name).await.token;
        for _ in 0..3 {
            practice.later(minutes * MINUTE);
            assert!(practice.session(&token).await.is_some(), "{name} goes on working");
        }
        practice.later(minutes * MINUTE + 1);
        assert!(practice.session(&token).await.is_none(), "{name} was away");
        assert!(practice.session(&token).await.is_none());
    }
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_however_it_is_used() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let token = practice.sign_in("okafor").await.token;
    let mut hours = 0;
    while practice.session(&token).await.is_some() {
        practice.later(10 * MINUTE);
        hours = (practice.now() - NOON) / HOUR;
        assert!(hours <= 12);
    }
    assert_eq!(hours, 12);
}

#[tokio::test]
async fn a_session_outlives_a_restart_while_it_is_in_use() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let token = practice.sign_in("okafor").await.token;
    for _ in 0..4 {
        practice.later(10 * MINUTE);
        assert!(practice.session(&token).await.is_some());
    }
    assert!(practice.neighbour().session(&token, practice.now()).await.unwrap().is_some());
    practice.later(16 * MINUTE);
    assert!(practice.neighbour().session(&token, practice.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_comes_in_with_what_was_not_given_out() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let opened = practice.sign_in("okafor").await;
    let digest = crate::access::Secret::of(&opened.token).hex();
    let none = String::new();
    for token in [&none, &digest, &opened.session.id, &opened.token[1..].to_owned(), &opened.token.to_uppercase()] {
        assert!(practice.session(token).await.is_none(), "{token}");
    }
}

#[tokio::test]
async fn signing_in_again_never_goes_on_under_an_old_token() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let [one, two] = [practice.sign_in("okafor").await.token, practice.sign_in("okafor").await.token];
    assert_ne!(one, two);
    practice.access.sign_out(&one, practice.now()).await.unwrap();
    assert!(practice.session(&one).await.is_none());
    assert!(practice.session(&two).await.is_some());
    // Signing out twice, or of nothing, is no mistake.
    practice.access.sign_out(&one, practice.now()).await.unwrap();
    practice.access.sign_out("never", practice.now()).await.unwrap();
}

#[tokio::test]
async fn signing_out_while_working_ends_the_work() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let token = practice.sign_in("okafor").await.token;
    practice.later(5 * MINUTE);
    // The time has come to write down that it is in use: that must not bring it back.
    let (_, _) = tokio::join!(practice.access.sign_out(&token, practice.now()), practice.session(&token));
    practice.later(3 * SECOND);
    assert!(practice.session(&token).await.is_none());
}

#[tokio::test]
async fn a_session_revoked_elsewhere_ends_within_two_seconds() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let token = practice.sign_in("okafor").await.token;
    assert!(practice.session(&token).await.is_some());
    let system = Caller::system("test");
    assert_eq!(practice.neighbour().revoke_all(&system, &user.id, None, practice.now()).await.unwrap(), 1);
    practice.later(2 * SECOND);
    assert!(practice.session(&token).await.is_none());
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    let other = practice.staff("novak", &["biller"]).await;
    let [here, there] = [practice.sign_in("okafor").await, practice.sign_in("okafor").await];
    let novak = practice.sign_in("novak").await;
    let caller = practice.caller(&here.token).await;
    let now = practice.now();
    let listed = practice.access.sessions_of(&caller, &user.id, now).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].address.as_str(), listed[0].agent.as_str()), ("192.0.2.7", "A browser"));
    practice.access.revoke(&caller, &user.id, &there.session.id, now).await.unwrap();
    assert!(practice.session(&there.token).await.is_none());
    assert!(practice.session(&here.token).await.is_some());
    // Those of others are none of their business.
    assert!(matches!(practice.access.sessions_of(&caller, &other.id, now).await, Err(AccessError::Forbidden)));
    let refused = practice.access.revoke(&caller, &other.id, &novak.session.id, now).await;
    assert!(matches!(refused, Err(AccessError::Forbidden)));
    // Not even by naming them among one's own.
    practice.access.revoke(&caller, &user.id, &novak.session.id, now).await.unwrap();
    assert!(practice.session(&novak.token).await.is_some());
    assert!(matches!(practice.access.all_sessions(&caller, None, 10, now).await, Err(AccessError::Forbidden)));
}

#[tokio::test]
async fn who_looks_after_sessions_sees_and_ends_all() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    practice.staff("grace", &["privacy-officer"]).await;
    let okafor = practice.sign_in("okafor").await;
    let grace = practice.caller(&practice.sign_in("grace").await.token).await;
    let now = practice.now();
    assert_eq!(practice.access.all_sessions(&grace, None, 10, now).await.unwrap().len(), 2);
    assert_eq!(practice.access.revoke_all(&grace, &user.id, None, now).await.unwrap(), 1);
    assert!(practice.session(&okafor.token).await.is_none());
}

#[tokio::test]
async fn whose_rights_change_is_signed_out() {
    let practice = Practice::open().await;
    let system = Caller::system("test");
    practice.staff("other", &["system-admin"]).await;
    for (name, change) in [
        ("a1", UserChange { active: Some(false), ..UserChange::default() }),
        ("a2", UserChange { roles: Some(vec!["biller".into()]), ..UserChange::default() }),
    ] {
        let user = practice.staff(name, &["clinician"]).await;
        let token = practice.sign_in(name).await.token;
        practice.access.change_user(&system, &user.id, user.version, change, practice.now()).await.unwrap();
        assert!(practice.session(&token).await.is_none(), "{name}");
    }
    // A new name to show is no reason.
    let user = practice.staff("a3", &["clinician"]).await;
    let token = practice.sign_in("a3").await.token;
    let change = UserChange { display: Some("Married Name".into()), ..UserChange::default() };
    practice.access.change_user(&system, &user.id, user.version, change, practice.now()).await.unwrap();
    assert_eq!(practice.session(&token).await.unwrap().principal.display, "Married Name");
}

#[tokio::test]
async fn one_acts_in_one_role_at_a_time() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician", "practice-admin"]).await;
    let opened = practice.sign_in("okafor").await;
    let caller = practice.caller(&opened.token).await;
    assert!(caller.rights.may("break-glass") && !caller.rights.may("users.manage"));
    let now = practice.now();
    let refused = practice.access.switch_role(&opened.token, "system-admin", now).await;
    assert!(matches!(refused, Err(AccessError::Forbidden)));
    let switched = practice.access.switch_role(&opened.token, "practice-admin", now).await.unwrap();
    assert!(practice.session(&opened.token).await.is_none(), "the old token ends");
    let caller = practice.caller(&switched.token).await;
    assert!(!caller.rights.may("break-glass") && caller.rights.may("users.manage"));
}

#[tokio::test]
async fn a_proxy_has_one_record_in_view_and_the_role_that_goes_with_it() {
    let practice = Practice::open().await;
    let records = [("p1", Relation::Own, false), ("p2", Relation::Parent, false), ("p3", Relation::Parent, true)];
    practice.portal("anna", &records).await;
    let opened = practice.sign_in("anna").await;
    let seen = |session: &crate::access::Session| {
        let principal = &session.principal;
        let patients: Vec<String> = principal.patients.iter().map(Id::to_string).collect();
        (principal.role.clone(), principal.patient.clone().unwrap().to_string(), patients)
    };
    assert_eq!(seen(&opened.session), ("patient".into(), "p1".into(), vec!["p1".into()]));
    let mut token = opened.token;
    for (patient, role) in [("p2", "proxy"), ("p3", "proxy-limited"), ("p1", "patient")] {
        let id = Id::parse(patient).unwrap();
        let switched = practice.access.switch_patient(&token, &id, practice.now()).await.unwrap();
        assert_eq!(seen(&switched.session), (role.into(), patient.into(), vec![patient.into()]));
        token = switched.token;
    }
    let id = Id::parse("p9").unwrap();
    let refused = practice.access.switch_patient(&token, &id, practice.now()).await;
    assert!(matches!(refused, Err(AccessError::Forbidden)));
    let refused = practice.access.switch_role(&token, "clinician", practice.now()).await;
    assert!(matches!(refused, Err(AccessError::Forbidden)));
}

#[tokio::test]
async fn a_right_to_see_a_record_ends_on_its_day() {
    let practice = Practice::open().await;
    let user = practice.portal("anna", &[("p2", Relation::Parent, false)]).await;
    let mut patients = user.patients.clone();
    patients[0].until = Some(practice.now() + 10 * MINUTE);
    let change = UserChange { patients: Some(patients), ..UserChange::default() };
    let system = Caller::system("test");
    practice.access.change_user(&system, &user.id, user.version, change, practice.now()).await.unwrap();
    let token = practice.sign_in("anna").await.token;
    practice.later(9 * MINUTE);
    assert!(practice.session(&token).await.is_some());
    practice.later(MINUTE);
    assert!(practice.session(&token).await.is_none());
    assert!(matches!(practice.try_to_sign_in("anna", PASSWORD).await, SignIn::Wrong));
}

#[tokio::test]
async fn what_is_sensitive_needs_a_proof_of_the_last_five_minutes() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let opened = practice.sign_in("okafor").await;
    practice.later(6 * MINUTE);
    let session = practice.session(&opened.token).await.unwrap();
    assert!(!session.is_fresh(practice.now()));
    let refused = practice.access.begin_totp(&session.me(), practice.now()).await;
    assert!(matches!(refused, Err(AccessError::NotFresh)));
    assert!(matches!(practice.access.begin_passkey(&session.me(), practice.now()).await, Err(AccessError::NotFresh)));
    let prove = async |token: &str, password: &str| {
        practice.access.prove(&practice.visit, token, Proof::Password(password), practice.now()).await
    };
    assert!(matches!(prove(&opened.token, "wrong").await, Err(AccessError::Wrong)));
    assert!(matches!(prove("never", PASSWORD).await, Err(AccessError::Expired)));
    let proved = prove(&opened.token, PASSWORD).await.unwrap();
    assert!(practice.session(&opened.token).await.is_none(), "the old token ends");
    assert!(proved.session.is_fresh(practice.now()));
    practice.access.begin_totp(&proved.session.me(), practice.now()).await.unwrap();
    assert_eq!(proved.session.ends, opened.session.ends, "proving does not make it last longer");
}
