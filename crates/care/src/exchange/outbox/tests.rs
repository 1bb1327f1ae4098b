use super::*;
use crate::act::Act;
use crate::ward::{SECOND, Ward};
use serde_json::json;
use store::Caller;

fn message(control: &str, patient: &str) -> Outgoing {
    let body =
        format!("MSH|^~\\&|EHR|RIVER|LAB|LAKE|20260615120000||ADT^A08^ADT_A01|{control}|P|2.5.1\rPID|1||{patient}\r");
    Outgoing {
        channel: "lake".into(),
        patient: Id::parse(patient),
        kind: "ADT^A08".into(),
        control: control.into(),
        body: body.into_bytes(),
    }
}

fn answer(code: &str, control: &str) -> Vec<u8> {
    format!("MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260615||ACK|9|P|2.5.1\rMSA|{code}|{control}\rERR||PID^1^3|204^Unknown^HL70357|E\r")
        .into_bytes()
}

async fn queue(ward: &mut Ward, messages: Vec<Outgoing>) {
    for it in messages {
        ward.later(SECOND);
        let changes = vec![queued(it, ward.now)];
        ward.organisation.store.log(&Caller::system("test"), "message", changes, ward.now).await.unwrap();
    }
}

async fn ready(ward: &Ward) -> Vec<String> {
    due(&ward.organisation, &Caller::system("lake"), "lake", ward.now)
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.heading.control)
        .collect()
}

async fn settle(ward: &Ward, control: &str, outcome: Outcome) -> bool {
    let query = MessageQuery { control: Some(control.into()), ..MessageQuery::default() };
    let id = ward.organisation.store.messages(&query, 1).await.unwrap()[0].id.clone();
    settled(&ward.organisation, &Caller::system("lake"), &id, outcome, ward.now).await.unwrap()
}

async fn of(ward: &Ward, control: &str) -> (Heading, Head) {
    let query = MessageQuery { control: Some(control.into()), ..MessageQuery::default() };
    let id = ward.organisation.store.messages(&query, 1).await.unwrap()[0].id.clone();
    let logged = ward.organisation.store.message(&id).await.unwrap().unwrap();
    (logged.heading, Head::read(&logged.head).unwrap())
}

#[tokio::test]
async fn a_message_is_queued_with_what_it_tells_of_or_not_at_all() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let mut act = Act::new("order.sign", &ward.patient);
    let subject = json!({ "reference": format!("Patient/{}", ward.patient) });
    let order = json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": subject,
        "code": { "text": "Potassium" } });
    act.create(&pen, order.clone());
    act.send(queued(message("1", "ada"), pen.now));
    pen.commit(act).await.unwrap();
    assert_eq!(ready(&ward).await, ["1"]);
    // The same number a second time: neither the order nor the message is written.
    let before = ward.organisation.store.last_change(&Caller::system("test")).await.unwrap();
    let mut act = Act::new("order.sign", &ward.patient);
    act.create(&pen, order);
    act.send(queued(message("1", "ada"), pen.now));
    assert!(pen.commit(act).await.is_err());
    assert_eq!(ward.organisation.store.last_change(&Caller::system("test")).await.unwrap(), before);
}

#[tokio::test]
async fn messages_about_one_patient_go_one_after_the_other_and_others_do_not_wait() {
    let mut ward = Ward::open().await;
    queue(&mut ward, vec![message("1", "ada"), message("2", "ada"), message("3", "bea")]).await;
    assert_eq!(ready(&ward).await, ["1", "3"]);
    assert!(settle(&ward, "1", Outcome::Failed("nobody answers there".into())).await, "it is tried again");
    assert_eq!(ready(&ward).await, ["3"], "what comes after it waits with it");
    assert!(!settle(&ward, "3", Outcome::Accepted(answer("AA", "3"))).await);
    ward.later(SECOND);
    assert!(ready(&ward).await.is_empty());
    ward.later(2 * SECOND);
    assert_eq!(ready(&ward).await, ["1"]);
    assert!(!settle(&ward, "1", judged(&answer("AA", "1"), "1")).await);
    assert_eq!(ready(&ward).await, ["2"]);
    let (heading, head) = of(&ward, "1").await;
    assert_eq!((&*heading.state, &*head.verdict, head.attempts, head.troubles.len()), (SENT, "AA", 2, 1));
    assert_eq!(depth(&ward.organisation, "lake").await.unwrap().waiting, 1);
}

#[tokio::test]
async fn what_the_partner_refuses_is_kept_with_its_answer_and_holds_nobody_up() {
    let mut ward = Ward::open().await;
    queue(&mut ward, vec![message("1", "ada"), message("2", "ada")]).await;
    assert!(!settle(&ward, "1", judged(&answer("AE", "1"), "1")).await);
    assert_eq!(ready(&ward).await, ["2"]);
    let (heading, head) = of(&ward, "1").await;
    assert_eq!((&*heading.state, heading.cause.as_deref()), (FAILED, Some("refused:AE 204")));
    assert_eq!(head.replies(), [answer("AE", "1")]);
    // Rejected may mean "not now".
    for round in 1..=REJECTED {
        let again = settle(&ward, "2", judged(&answer("AR", "2"), "2")).await;
        assert_eq!(again, round < REJECTED, "round {round}");
    }
    assert_eq!(of(&ward, "2").await.0.cause.as_deref(), Some("refused:AR 204"));
}

#[test]
fn an_answer_to_something_else_acknowledges_nothing() {
    assert_eq!(judged(&answer("CA", "7"), "7"), Outcome::Accepted(answer("CA", "7")));
    assert!(matches!(judged(&answer("AA", "6"), "7"), Outcome::Failed(_)));
    assert!(matches!(judged(b"HTTP/1.1 200", "7"), Outcome::Failed(_)));
    assert!(matches!(judged(&answer("", "7"), "7"), Outcome::Failed(_)));
}

#[test]
fn it_is_tried_again_later_each_time_and_never_later_than_five_minutes() {
    let pauses: Vec<i64> = [1, 2, 3, 9, 40].map(|it| pause(it) / SECOND).to_vec();
    assert_eq!(pauses, [2, 4, 8, 300, 300]);
}
