//! Recovery codes: for the day the telephone is gone, and no easier way in on any other.

use super::place::{MINUTE, Practice};
use crate::access::{AccessError, Proof, SignIn};
use store::Caller;

#[tokio::test]
async fn a_recovery_code_counts_once() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (_, codes) = practice.with_app("okafor").await;
    let pending = practice.half_way("okafor").await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let SignIn::Open(opened) = practice.second(&pending, Proof::Recovery(&typed)).await.unwrap() else {
        panic!("it fits however it is typed")
    };
    let me = opened.session.me();
    assert_eq!(practice.access.factors(&me, practice.now()).await.unwrap().recovery_left, 9);
    let pending = practice.half_way("okafor").await;
    assert!(matches!(practice.second(&pending, Proof::Recovery(&codes[3])).await.unwrap(), SignIn::Wrong));
    assert!(matches!(practice.second(&pending, Proof::Recovery("")).await.unwrap(), SignIn::Wrong));
    assert!(matches!(practice.second(&pending, Proof::Recovery(&codes[4])).await.unwrap(), SignIn::Open(_)));
}

#[tokio::test]
async fn of_two_who_bring_the_same_recovery_code_at_once_one_comes_in() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (_, codes) = practice.with_app("okafor").await;
    let [one, two] = [practice.half_way("okafor").await, practice.half_way("okafor").await];
    let neighbour = practice.neighbour();
    let proof = Proof::Recovery(&codes[0]);
    let (here, there) =
        tokio::join!(practice.second(&one, proof), neighbour.second(&practice.visit, &two, proof, practice.now()));
    assert_eq!([here, there].into_iter().filter(|it| matches!(it, Ok(SignIn::Open(_)))).count(), 1);
}

#[tokio::test]
async fn new_codes_end_the_old_ones() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let (_, old) = practice.with_app("okafor").await;
    let pending = practice.half_way("okafor").await;
    let SignIn::Open(opened) = practice.second(&pending, Proof::Recovery(&old[0])).await.unwrap() else {
        panic!("it fits")
    };
    let new = practice.access.new_recovery_codes(&opened.session.me(), practice.now()).await.unwrap();
    let pending = practice.half_way("okafor").await;
    assert!(matches!(practice.second(&pending, Proof::Recovery(&old[1])).await.unwrap(), SignIn::Wrong));
    assert!(matches!(practice.second(&pending, Proof::Recovery(&new[0])).await.unwrap(), SignIn::Open(_)));
    practice.later(6 * MINUTE);
    let late = practice.access.new_recovery_codes(&opened.session.me(), practice.now()).await;
    assert!(matches!(late, Err(AccessError::NotFresh)));
}

#[tokio::test]
async fn a_code_of_someone_else_is_none() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    practice.staff("novak", &["biller"]).await;
    practice.with_app("okafor").await;
    let (_, others) = practice.with_app("novak").await;
    let pending = practice.half_way("okafor").await;
    assert!(matches!(practice.second(&pending, Proof::Recovery(&others[0])).await.unwrap(), SignIn::Wrong));
}

#[tokio::test]
async fn recovery_codes_without_another_factor_ask_for_nothing() {
    let practice = Practice::open().await;
    practice.staff("okafor", &["clinician"]).await;
    let me = practice.sign_in("okafor").await.session.me();
    practice.access.new_recovery_codes(&me, practice.now()).await.unwrap();
    practice.sign_in("okafor").await;
}

#[tokio::test]
async fn an_administrator_resets_the_factors_of_a_lost_telephone() {
    let practice = Practice::open().await;
    let user = practice.staff("okafor", &["clinician"]).await;
    practice.with_app("okafor").await;
    let system = Caller::system("test");
    let keep = practice.access.reset_password(&system, &user.id, false, practice.now()).await.unwrap();
    practice.access.set_password(&practice.visit, &keep.code, "quill mosaic ferry", practice.now()).await.unwrap();
    let answer = practice.try_to_sign_in("okafor", "quill mosaic ferry").await;
    assert!(matches!(answer, SignIn::Second { .. }), "a new password is no way around a second factor");
    let all = practice.access.reset_password(&system, &user.id, true, practice.now()).await.unwrap();
    practice.access.set_password(&practice.visit, &all.code, "pebble violin tundra", practice.now()).await.unwrap();
    assert!(matches!(practice.try_to_sign_in("okafor", "pebble violin tundra").await, SignIn::Open(_)));
}
