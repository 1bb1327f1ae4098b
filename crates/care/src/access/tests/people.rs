//! Users: the first one, staff, patients and their proxies.

use super::place::{MINUTE, NOON, PASSWORD, Practice};
use crate::access::{
    AccessError, AccessResult, Invite, MachineToken, NewLogin, NewUser, PersonLink, Relation, SignIn, User, UserChange,
    machine_token,
};
use fhir::Id;
use store::Caller;

const DAY: i64 = 24 * 60 * MINUTE;

fn someone(username: &str, roles: &[&str]) -> NewUser {
    NewUser {
        username: username.into(),
        display: "Dr. Someone New".into(),
        email: None,
        roles: roles.iter().map(|it| (*it).to_owned()).collect(),
        person: PersonLink::None,
        sites: Vec::new(),
    }
}

#[tokio::test]
async fn the_first_user_is_made_with_a_link_that_counts_once() {
    let practice = Practice::open().await;
    let old = practice.access.set_up_code(NOON).await.unwrap().unwrap();
    let code = practice.access.set_up_code(NOON).await.unwrap().unwrap();
    let set_up = async |code: &str, password: &str| {
        practice.access.set_up(&practice.visit, code, "admin1", "Li Wei", password, NOON).await
    };
    assert!(matches!(set_up(&old, PASSWORD).await, Err(AccessError::Expired)), "each start makes a new one");
    assert!(matches!(set_up("", PASSWORD).await, Err(AccessError::Expired)));
    assert!(matches!(set_up(&code, "password").await, Err(AccessError::Password(_))));
    practice.access.set_up_open(&code, NOON).await.unwrap();
    let SignIn::Open(opened) = set_up(&code, PASSWORD).await.unwrap() else { panic!("they are in") };
    let caller = practice.caller(&opened.token).await;
    assert!(caller.rights.may("users.manage"));
    assert!(matches!(set_up(&code, PASSWORD).await, Err(AccessError::Expired)));
    assert!(practice.access.set_up_code(NOON).await.unwrap().is_none(), "there is a user now");
}

#[tokio::test]
async fn only_who_may_manage_users_does() {
    let practice = Practice::open().await;
    let target = practice.staff("target", &["nurse"]).await;
    for role in ["front-desk", "nurse", "clinician", "biller", "privacy-officer", "integration-engineer"] {
        practice.staff(role, &[role]).await;
        let caller = practice.caller(&practice.sign_in(role).await.token).await;
        let access = &practice.access;
        let refused = |done: bool| assert!(done, "{role}");
        refused(matches!(access.users(&caller, None, 10, NOON).await, Err(AccessError::Forbidden)));
        refused(matches!(access.user(&caller, &target.id, NOON).await, Err(AccessError::Forbidden)));
        let made = access.create_user(&caller, someone("new", &["nurse"]), NOON).await;
        refused(matches!(made, Err(AccessError::Forbidden)));
        let change = UserChange { active: Some(false), ..UserChange::default() };
        let changed = access.change_user(&caller, &target.id, target.version, change, NOON).await;
        refused(matches!(changed, Err(AccessError::Forbidden)));
        let reset = access.reset_password(&caller, &target.id, true, NOON).await;
        refused(matches!(reset, Err(AccessError::Forbidden)));
        let granted = access.create_with_password(&caller, someone("new", &["nurse"]), Vec::new(), "x", NOON).await;
        refused(matches!(granted, Err(AccessError::Forbidden)));
        let token = machine_token(&practice.store, &caller, "secret", &asked("mine", "system/*.cruds"), NOON).await;
        refused(matches!(token, Err(AccessError::Forbidden)));
    }
    for role in ["practice-admin", "system-admin"] {
        practice.staff(role, &[role]).await;
        let caller = practice.caller(&practice.sign_in(role).await.token).await;
        assert!(practice.access.users(&caller, None, 100, NOON).await.unwrap().len() > 6);
    }
}

#[tokio::test]
async fn a_new_member_of_staff_sets_their_own_password() {
    let practice = Practice::open().await;
    practice.staff("marie", &["practice-admin"]).await;
    let marie = practice.caller(&practice.sign_in("marie").await.token).await;
    let person = PersonLink::New { family: "Tran".into(), given: "Linh".into() };
    let new = NewUser { person, ..someone("l.tran", &["clinician"]) };
    let (user, link) = practice.access.create_user(&marie, new, NOON).await.unwrap();
    // Their Practitioner was made in the same transaction.
    let person = user.person.clone().unwrap();
    let stored = practice.store.read(&Caller::system("test"), &person).await.unwrap();
    assert_eq!(stored.value()["name"][0]["family"], "Tran");
    assert!(matches!(practice.try_to_sign_in("l.tran", "").await, SignIn::Wrong));
    practice.access.set_password(&practice.visit, &link.code, PASSWORD, NOON).await.unwrap();
    assert_eq!(practice.sign_in("l.tran").await.session.principal.person, Some(person));
}

#[tokio::test]
async fn user_names_are_one_persons_and_fit_to_type() {
    let practice = Practice::open().await;
    let system = Caller::system("test");
    practice.staff("okafor", &["clinician"]).await;
    let create = async |new: NewUser| practice.access.create_user(&system, new, NOON).await;
    for taken in ["okafor", "OKAFOR", " Okafor "] {
        assert!(matches!(create(someone(taken, &["nurse"])).await, Err(AccessError::UserNameTaken)), "{taken}");
    }
    let email = Some("Okafor@Example.org".to_owned());
    let done = create(NewUser { email, ..someone("other", &["nurse"]) }).await;
    assert!(matches!(done, Err(AccessError::UserNameTaken)));
    for unfit in ["", "x", "two words", "a/b", "<script>", &"x".repeat(65)] {
        assert!(matches!(create(someone(unfit, &["nurse"])).await, Err(AccessError::UserNameUnfit)), "{unfit}");
    }
    for roles in [&["doctor"][..], &["patient"], &["system"], &["nurse", "proxy"]] {
        assert!(matches!(create(someone("new", roles)).await, Err(AccessError::UnknownRole(_))), "{roles:?}");
    }
    assert!(matches!(create(someone("new", &[])).await, Err(AccessError::RolesUnfit)));
    create(someone("ünïcode", &["nurse"])).await.unwrap();
}

#[tokio::test]
async fn nobody_gives_rights_to_themselves() {
    let practice = Practice::open().await;
    let marie = practice.staff("marie", &["practice-admin"]).await;
    let caller = practice.caller(&practice.sign_in("marie").await.token).await;
    let change = async |change: UserChange| -> AccessResult<User> {
        practice.access.change_user(&caller, &marie.id, marie.version, change, NOON).await
    };
    let roles = Some(vec!["practice-admin".into(), "system-admin".into(), "clinician".into()]);
    assert!(matches!(change(UserChange { roles, ..UserChange::default() }).await, Err(AccessError::Forbidden)));
    let person = Some(fhir::Key::parse("Practitioner/1"));
    assert!(matches!(change(UserChange { person, ..UserChange::default() }).await, Err(AccessError::Forbidden)));
    let reset = practice.access.reset_password(&caller, &marie.id, true, NOON).await;
    assert!(matches!(reset, Err(AccessError::Forbidden)));
    change(UserChange { display: Some("Marie D.".into()), ..UserChange::default() }).await.unwrap();
}

#[tokio::test]
async fn somebody_can_always_manage_users() {
    let practice = Practice::open().await;
    let system = Caller::system("test");
    let one = practice.staff("one", &["practice-admin"]).await;
    let two = practice.staff("two", &["system-admin"]).await;
    let close = || UserChange { active: Some(false), ..UserChange::default() };
    practice.access.change_user(&system, &two.id, two.version, close(), NOON).await.unwrap();
    let last = practice.access.change_user(&system, &one.id, one.version, close(), NOON).await;
    assert!(matches!(last, Err(AccessError::LastAdministrator)));
    let roles = UserChange { roles: Some(vec!["nurse".into()]), ..UserChange::default() };
    let last = practice.access.change_user(&system, &one.id, one.version, roles, NOON).await;
    assert!(matches!(last, Err(AccessError::LastAdministrator)));
}

#[tokio::test]
async fn two_who_change_the_same_user_do_not_overwrite_each_other() {
    let practice = Practice::open().await;
    let system = Caller::system("test");
    let user = practice.staff("okafor", &["clinician"]).await;
    let rename = |name: &str| UserChange { display: Some(name.into()), ..UserChange::default() };
    practice.access.change_user(&system, &user.id, user.version, rename("One"), NOON).await.unwrap();
    let second = practice.access.change_user(&system, &user.id, user.version, rename("Two"), NOON).await;
    assert!(matches!(second, Err(AccessError::Changed)));
}

fn invite(patient: &str, relation: Relation, limited: bool) -> Invite {
    let patient = Id::parse(patient).unwrap();
    Invite { patient, relation, limited, display: "Anna Berg".into(), days: 14, charge_until: None }
}

#[tokio::test]
async fn a_patient_accepts_with_the_code_and_the_date_of_birth() {
    let practice = Practice::open().await;
    practice.patient("p1", "1970-05-09").await;
    practice.staff("marie", &["practice-admin"]).await;
    let marie = practice.caller(&practice.sign_in("marie").await.token).await;
    let link = practice.access.invite(&marie, invite("p1", Relation::Own, false), NOON).await.unwrap();
    assert_eq!(practice.access.invitations(&marie, None, 10, NOON).await.unwrap().len(), 1);
    let accept = async |code: &str, born: &str, password: &str| {
        let who = NewLogin::Fresh { username: "anna", password };
        practice.access.accept_invitation(&practice.visit, code, born, who, NOON).await
    };
    assert!(matches!(accept(&link.code, "1970-05-08", PASSWORD).await, Ok(SignIn::Wrong)));
    assert!(matches!(accept("AAAA-BBBB-CCCC", "1970-05-09", PASSWORD).await, Ok(SignIn::Wrong)));
    assert!(matches!(accept("set-up", "1970-05-09", PASSWORD).await, Ok(SignIn::Wrong)));
    assert!(matches!(accept(&link.code, "1970-05-09", "short").await, Err(AccessError::Password(_))));
    let typed = link.code.to_lowercase().replace('-', " ");
    let SignIn::Open(opened) = accept(&typed, "1970-05-09", PASSWORD).await.unwrap() else { panic!("they are in") };
    assert_eq!(opened.session.principal.role, "patient");
    assert_eq!(opened.session.principal.person, fhir::Key::parse("Patient/p1"));
    assert!(matches!(accept(&link.code, "1970-05-09", PASSWORD).await, Ok(SignIn::Wrong)), "it counts once");
    assert!(practice.access.invitations(&marie, None, 10, NOON).await.unwrap().is_empty());
}

#[tokio::test]
async fn dates_of_birth_are_not_guessed_against_a_code() {
    let practice = Practice::open().await;
    practice.patient("p1", "1970-05-09").await;
    let system = Caller::system("test");
    let link = practice.access.invite(&system, invite("p1", Relation::Own, false), NOON).await.unwrap();
    let mut judged = 0;
    for day in 1..=9 {
        let who = NewLogin::Fresh { username: "anna", password: PASSWORD };
        let visit = practice.visit_from(&format!("198.51.100.{day}"));
        match practice.access.accept_invitation(&visit, &link.code, &format!("1970-05-0{day}"), who, NOON).await {
            Ok(SignIn::Wrong) => judged += 1,
            Ok(SignIn::Wait { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(judged, 5);
}

#[tokio::test]
async fn invitations_end_and_are_withdrawn() {
    let practice = Practice::open().await;
    practice.patient("p1", "1970-05-09").await;
    let system = Caller::system("test");
    let accept = async |code: &str, at: i64| {
        let who = NewLogin::Fresh { username: "anna", password: PASSWORD };
        practice.access.accept_invitation(&practice.visit, code, "1970-05-09", who, at).await.unwrap()
    };
    let late = practice.access.invite(&system, invite("p1", Relation::Own, false), NOON).await.unwrap();
    assert!(matches!(accept(&late.code, NOON + 14 * DAY).await, SignIn::Wrong));
    let gone = practice.access.invite(&system, invite("p1", Relation::Own, false), NOON).await.unwrap();
    for it in practice.access.invitations(&system, None, 10, NOON).await.unwrap() {
        practice.access.withdraw_invitation(&system, &it.id, NOON).await.unwrap();
    }
    assert!(matches!(accept(&gone.code, NOON).await, SignIn::Wrong));
}

#[tokio::test]
async fn only_for_a_record_one_may_see_can_one_invite() {
    let practice = Practice::open().await;
    practice.patient("p1", "1970-05-09").await;
    // A system administrator manages users but sees no patients.
    for (role, may) in [("system-admin", false), ("practice-admin", true), ("clinician", false), ("nurse", false)] {
        practice.staff(role, &[role]).await;
        let caller = practice.caller(&practice.sign_in(role).await.token).await;
        let done = practice.access.invite(&caller, invite("p1", Relation::Own, false), NOON).await;
        assert_eq!(done.is_ok(), may, "{role}");
        assert!(practice.access.invite(&caller, invite("p9", Relation::Own, false), NOON).await.is_err(), "{role}");
    }
}

#[tokio::test]
async fn a_parent_adds_a_child_to_an_account_they_have() {
    let practice = Practice::open().await;
    practice.patient("p1", "1970-05-09").await;
    practice.patient("p2", "2012-01-02").await;
    practice.portal("anna", &[("p1", Relation::Own, false)]).await;
    let system = Caller::system("test");
    let link = practice.access.invite(&system, invite("p2", Relation::Parent, true), NOON).await.unwrap();
    let opened = practice.sign_in("anna").await;
    let me = opened.session.me();
    let accept = async |me: &crate::access::Me| {
        let who = NewLogin::Existing(me);
        practice.access.accept_invitation(&practice.visit, &link.code, "2012-01-02", who, NOON).await
    };
    practice.staff("okafor", &["clinician"]).await;
    let staff = practice.sign_in("okafor").await.session.me();
    assert!(matches!(accept(&staff).await, Err(AccessError::RolesUnfit)), "staff has an account of its own");
    let SignIn::Open(again) = accept(&me).await.unwrap() else { panic!("it is added") };
    assert_eq!(again.session.roles, ["patient", "proxy-limited"]);
    assert!(practice.session(&opened.token).await.is_none(), "the old token ends");
    let child = Id::parse("p2").unwrap();
    let switched = practice.access.switch_patient(&again.token, &child, NOON).await.unwrap();
    assert_eq!(switched.session.principal.role, "proxy-limited");
    // And it ends when the practice says so.
    let user = practice.access.user(&system, &again.session.user, NOON).await.unwrap();
    practice.access.end_charge(&system, &user.id, &child, NOON).await.unwrap();
    assert!(practice.session(&switched.token).await.is_none());
    assert_eq!(practice.sign_in("anna").await.session.roles, ["patient"]);
}

#[tokio::test]
async fn a_token_for_a_program_needs_a_name_and_scopes() {
    let practice = Practice::open().await;
    let system = Caller::system("test");
    for (name, scopes) in [("", "system/*.rs"), ("two words", "system/*.rs"), ("x", "nonsense"), ("x", "")] {
        let made = machine_token(&practice.store, &system, "s", &asked(name, scopes), NOON).await;
        assert!(made.is_err(), "{name} {scopes}");
    }
    machine_token(&practice.store, &system, "s", &asked("monitor", "system/Patient.rs"), NOON).await.unwrap();
    assert_eq!(practice.store.items("token", Some("client/monitor"), None, 10, NOON).await.unwrap().len(), 1);
}

fn asked(name: &str, scopes: &str) -> MachineToken {
    MachineToken { name: name.into(), scopes: scopes.into(), days: 30, patient: None }
}
