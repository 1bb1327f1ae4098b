use super::course::Cancelling;
use super::directory::{Chosen, favourite, one, prefer, search};
use super::*;
use crate::access::SecondFactor;
use crate::exchange::channel::{Channel, Format, Interfaces, Line};
use crate::exchange::intake::{Answer, DONE, FAILED, Head};
use crate::exchange::outbox;
use crate::orders::{Basket, Item, OrderError, Signed, Which, basket::Choice, sets::What, sign};
use crate::renewals::{self, Decision};
use crate::ward::{SECOND, Ward};
use fhir::{Id, Key, Value};
use formats::script::{HEADER, Mapping, Message, Part, kind, read, write};
use serde_json::json;
use std::sync::Arc;
use store::Caller;

const HARBOR: &str = "7701630";

fn pharmacy(id: &str, name: &str, number: Option<&str>) -> Value {
    let identifier: Vec<Value> = number.iter().map(|it| json!({ "system": NCPDP, "value": it })).collect();
    json!({"resourceType": "Organization", "id": id, "active": true, "name": name, "identifier": identifier,
        "address": [{"line": ["1 Quay"], "city": "Millbrook", "state": "OH", "postalCode": "43000"}]})
}

/// A ward with a line to pharmacies, and Ada's usual one.
struct Counter {
    ward: Ward,
    line: Arc<Line>,
}

impl Counter {
    async fn open(wire: Wire) -> Counter {
        let ward = Ward::open().await;
        let silent = pharmacy("silent", "Silent Pharmacy", None);
        ward.put(vec![pharmacy("harbor", "Harbor Street Pharmacy", Some(HARBOR)), silent]).await;
        let mut channel = Channel::new("riverside-pharmacies", "Pharmacies");
        channel.format = Format::Script(Arc::new(Wire { own: "6100000".into(), sends: true, ..wire }));
        let line = interfaces(&ward).open(&ward.organisation, channel).await.unwrap();
        let counter = Counter { ward, line };
        assert_eq!(counter.follow().await, 0, "what was there before is not sent");
        let pen = counter.ward.pen();
        let harbor = one(&pen, &Id::parse("harbor").unwrap()).await.unwrap();
        prefer(&pen, &counter.ward.patient, Some(&harbor), "prefer").await.unwrap();
        counter
    }

    async fn follow(&self) -> usize {
        follow(&self.ward.organisation, self.ward.now).await.unwrap()
    }

    /// What waits to be sent, and is taken.
    async fn sent(&mut self) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            self.ward.later(SECOND);
            let caller = Caller::system("test");
            let due =
                outbox::due(&self.ward.organisation, &caller, "riverside-pharmacies", self.ward.now).await.unwrap();
            let Some(first) = due.into_iter().next() else { return all };
            all.push(read(&first.body, Mapping::standard()).unwrap().message);
            let outcome = outbox::Outcome::Accepted(Vec::new());
            outbox::settled(&self.ward.organisation, &caller, &first.heading.id, outcome, self.ward.now).await.unwrap();
        }
    }

    async fn take(&mut self, message: &Message) -> Answer {
        self.ward.later(SECOND);
        let raw = write(message, Mapping::standard());
        self.line.take(&self.ward.organisation, interfaces(&self.ward), &raw, self.ward.now).await
    }

    async fn takes(&mut self, message: &Message) {
        let answer = self.take(message).await;
        let why = match &answer.id {
            Some(id) => {
                let logged = self.ward.organisation.store.message(id).await.unwrap().unwrap();
                Head::read(&logged.head).unwrap().problems
            }
            None => Vec::new(),
        };
        assert_eq!(answer.state, DONE, "{why:?}");
    }

    async fn signs(&self, key: &str) -> Signed {
        let pen = self.ward.pen();
        let mut basket = Basket::open(&pen, &self.ward.patient).await.unwrap();
        let mut item = Item::of(&pen, What::by_key(key).expect("is on the list"));
        item.refills = item.refills.min(2);
        assert!(basket.add(item));
        basket.keep(&pen, &self.ward.patient).await.unwrap();
        sign(&pen, &self.ward.patient, Which::All, basket.version, &format!("sign-{key}")).await.unwrap()
    }

    /// Signs, sends, and gives what was sent.
    async fn prescribes(&mut self, key: &str) -> (Key, Message) {
        let signed = self.signs(key).await;
        assert_eq!((signed.signed, self.follow().await), (1, 1));
        let mut sent = self.sent().await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        (signed.written[0].clone(), sent.remove(0))
    }

    async fn course(&self, key: &Key) -> Course {
        course::of_patient(&self.ward.pen(), &self.ward.patient)
            .await
            .unwrap()
            .remove(key.id.as_str())
            .expect("it was sent")
    }

    async fn task(&self, key: &Key) -> Value {
        let focus = key.to_string();
        let tasks = self.ward.find("Task", &[("focus", &focus), ("code", "fulfill")]).await;
        let [task] = tasks.as_slice() else { panic!("one task: {tasks:?}") };
        task.clone()
    }

    fn moment(&self, after: i64) -> String {
        crate::act::moment(self.ward.now + after * SECOND)
    }

    /// From the pharmacy, about a message of ours.
    fn from(&self, kind: &str, id: &str, about: &Message) -> Message {
        let header = Part::new(HEADER)
            .say("from", HARBOR)
            .say("to", "6100000")
            .say("id", id)
            .maybe("relates-to", about.header("id"))
            .say("sent", self.moment(0))
            .say("pharmacy-order", "RX-1")
            .maybe("order", about.header("order"));
        let message = Message::new(kind).with(header);
        about.part("patient").cloned().into_iter().fold(message, Message::with)
    }

    fn fill(&self, id: &str, about: &Message, outcome: &str, on: &str, sold: Option<&str>) -> Message {
        let part = about.part("prescribed").or(about.part("answered")).cloned().unwrap_or_default().called("dispensed");
        let mut part = part.say("last-fill", on).maybe("sold", sold);
        for fact in ["effective", "schedule"] {
            part.facts.remove(fact);
        }
        self.from(kind::FILL, id, about).with(Part::new("fill").say("outcome", outcome)).with(part)
    }

    async fn changes(&self) -> u64 {
        self.ward.organisation.store.last_change(&Caller::system("test")).await.unwrap()
    }
}

fn interfaces(ward: &Ward) -> &Interfaces {
    ward.organisation.surroundings.interfaces().expect("the ward has lines")
}

fn says<'a>(message: &'a Message, part: &str, fact: &str) -> &'a str {
    message.get(part, fact).unwrap_or_default()
}

#[tokio::test]
async fn a_signed_prescription_goes_to_the_usual_pharmacy_and_is_followed_until_it_is_picked_up() {
    let mut counter = Counter::open(Wire::default()).await;
    let (key, new) = counter.prescribes("lisinopril-10-mg-tablet").await;
    assert_eq!(
        (new.kind.as_str(), new.header("to"), new.header("from")),
        (kind::NEW_RX, Some(HARBOR), Some("6100000"))
    );
    assert_eq!((says(&new, "patient", "family"), says(&new, "patient", "born")), ("Byron", "1986-02-03"));
    assert_eq!(
        (says(&new, "prescriber", "family"), says(&new, "pharmacy", "name")),
        ("Okafor", "Harbor Street Pharmacy")
    );
    assert_eq!(
        (says(&new, "prescribed", "drug"), says(&new, "prescribed", "unit")),
        ("lisinopril 10 mg tablet", "tablet")
    );
    assert!(says(&new, "prescribed", "sig").starts_with("Take 1 tablet"), "{new:?}");
    assert_eq!(counter.ward.read(&key).await["dispenseRequest"]["performer"]["reference"], "Organization/harbor");
    assert_eq!(counter.task(&key).await["status"], "requested");
    assert_eq!(counter.follow().await, 0, "it is sent once");

    counter.takes(&counter.from(kind::STATUS, "s", &new).with(Part::new("status").say("code", "010"))).await;
    assert_eq!(counter.task(&key).await["status"], "received");
    counter.takes(&counter.from(kind::VERIFY, "v", &new).with(Part::new("verify").say("code", "010"))).await;
    assert_eq!(
        (counter.task(&key).await["status"].clone(), counter.course(&key).await.stage),
        (json!("accepted"), Stage::Received)
    );
    counter.takes(&counter.fill("f1", &new, "dispensed", "2026-06-15", None)).await;
    let focus = format!("MedicationRequest/{}", key.id);
    let [fill] = &counter.ward.find("MedicationDispense", &[("prescription", &focus)]).await[..] else {
        panic!("a fill")
    };
    assert_eq!((&fill["status"], &fill["whenPrepared"]), (&json!("in-progress"), &json!("2026-06-15")));
    counter.takes(&counter.fill("f2", &new, "dispensed", "2026-06-15", Some("2026-06-16"))).await;
    let fills = counter.ward.find("MedicationDispense", &[("prescription", &focus)]).await;
    let [fill] = fills.as_slice() else { panic!("the same fill: {fills:?}") };
    assert_eq!((&fill["status"], &fill["whenHandedOver"]), (&json!("completed"), &json!("2026-06-16")));
    assert_eq!(fill["performer"][0]["actor"]["reference"], "Organization/harbor");
    let course = counter.course(&key).await;
    assert_eq!((course.stage, course.left), (Stage::PickedUp, Left::Refills(2)));
    assert_eq!(counter.task(&key).await["status"], "completed");
    counter.takes(&counter.fill("f3", &new, "dispensed", "2026-09-15", Some("2026-09-15"))).await;
    assert_eq!(counter.course(&key).await.left, Left::Refills(1));
}

#[tokio::test]
async fn the_same_message_does_nothing_twice_and_what_is_late_takes_nothing_back() {
    let mut counter = Counter::open(Wire::default()).await;
    let (key, new) = counter.prescribes("lisinopril-10-mg-tablet").await;
    let verify = counter.from(kind::VERIFY, "v", &new).with(Part::new("verify").say("code", "010"));
    let status = counter.from(kind::STATUS, "s", &new).with(Part::new("status").say("code", "010"));
    let picked = counter.fill("f2", &new, "dispensed", "2026-06-15", Some("2026-06-15"));
    let error =
        counter.from(kind::ERROR, "e", &new).with(Part::new("status").say("code", "900").say("description", "no"));
    counter.takes(&picked).await;
    let before = counter.changes().await;
    for message in [&verify, &status, &error, &picked] {
        let answer = counter.take(message).await;
        assert_eq!(answer.state, DONE);
    }
    assert!(counter.take(&picked).await.again);
    assert_eq!((counter.changes().await, counter.course(&key).await.stage), (before, Stage::PickedUp));
    // The same number with other words is nobody's to trust.
    let other = counter.fill("f2", &new, "none", "2026-06-15", None);
    let answer = counter.take(&other).await;
    assert_eq!((answer.state, counter.changes().await), (FAILED, before));
}

#[tokio::test]
async fn what_cannot_be_right_changes_nothing_and_says_what_to_mend() {
    let mut counter = Counter::open(Wire::default()).await;
    let (_, new) = counter.prescribes("lisinopril-10-mg-tablet").await;
    let before = counter.changes().await;
    let mut nobody = counter.fill("x1", &new, "dispensed", "2026-06-15", None);
    nobody.parts[0] = nobody.parts[0].clone().say("order", "no-such-order");
    let mut other = counter.fill("x2", &new, "dispensed", "2026-06-15", None);
    let at = other.parts.iter().position(|it| it.name == "patient").unwrap();
    other.parts[at] = other.parts[at].clone().say("born", "1950-02-03");
    let unsaid = counter.from(kind::FILL, "x3", &new);
    let lost =
        counter.from(kind::VERIFY, "x4", &Message::new(kind::NEW_RX)).with(Part::new("verify").say("code", "010"));
    let ours = counter.from(kind::NEW_RX, "x5", &new);
    let mut unnumbered = counter.from(kind::STATUS, "x", &new).with(Part::new("status").say("code", "010"));
    unnumbered.parts[0].facts.remove("id");
    let cases = [
        (nobody, "no-such-order", "PrescriberOrderNumber"),
        (other, "other-patient", "Patient"),
        (unsaid, "no-outcome", "FillStatus"),
        (lost, "no-such-message", "RelatesToMessageID"),
        (ours, "not-for-us", "Body"),
        (unnumbered, "no-number", "MessageID"),
    ];
    for (message, cause, place) in cases {
        let answer = counter.take(&message).await;
        let logged = counter.ward.organisation.store.message(&answer.id.unwrap()).await.unwrap().unwrap();
        assert_eq!((answer.state, logged.heading.cause.as_deref()), (FAILED, Some(cause)));
        let head = Head::read(&logged.head).unwrap();
        assert!(head.problems[0].0.ends_with(place) && !head.problems[0].1.contains("Byron"), "{:?}", head.problems);
        if let Some(reply) = answer.replies.first() {
            let reply = read(reply, Mapping::standard()).unwrap().message;
            assert_eq!((reply.kind.as_str(), reply.header("relates-to")), (kind::ERROR, message.header("id")));
        }
    }
    let bomb = br#"<!DOCTYPE x [<!ENTITY a "ha">]><Message><Body><Verify/></Body></Message>"#;
    let answer = counter.line.take(&counter.ward.organisation, interfaces(&counter.ward), bomb, counter.ward.now).await;
    assert_eq!((answer.state, counter.changes().await), (FAILED, before));
}

#[tokio::test]
async fn a_pharmacy_asks_for_more_and_is_answered_by_the_decision() {
    let mut counter = Counter::open(Wire::default()).await;
    let (key, new) = counter.prescribes("lisinopril-10-mg-tablet").await;
    let ask = |counter: &Counter, id: &str| {
        let part = Part::new("dispensed")
            .say("drug", "lisinopril 10 mg tablet")
            .say("last-fill", "2026-06-10")
            .say("requested-refills", "3");
        counter.from(kind::RENEWAL_REQUEST, id, &new).with(part)
    };
    let request = ask(&counter, "r1");
    counter.takes(&request).await;
    let (queue, _) = renewals::queue(&counter.ward.pen()).await.unwrap();
    let [waiting] = queue.as_slice() else { panic!("one request: {queue:?}") };
    assert_eq!((waiting.asked_by.as_deref(), waiting.change), (Some("Harbor Street Pharmacy"), false));
    let id = Id::parse(&waiting.id).unwrap();
    let opened = renewals::request(&counter.ward.pen(), &id).await.unwrap();
    let asks = opened.asks.expect("a pharmacy asked");
    assert_eq!((asks.pharmacy.as_str(), asks.refills, asks.change), ("Harbor Street Pharmacy", Some(3), false));
    let decision = Decision::Approve { refills: 3, quantity: None };
    renewals::decide(&counter.ward.pen(), &id, &decision, "", "d1").await.unwrap();
    assert!(counter.follow().await > 0);
    let sent = counter.sent().await;
    let [answer] = sent.as_slice() else { panic!("the answer alone: {sent:?}") };
    assert_eq!((answer.kind.as_str(), answer.header("relates-to")), (kind::RENEWAL_RESPONSE, Some("r1")));
    assert_eq!((says(answer, "response", "outcome"), says(answer, "answered", "refills")), ("approved", "3"));
    // What was answered is filled under the new number.
    counter.takes(&counter.fill("f", answer, "dispensed", "2026-06-15", Some("2026-06-15"))).await;
    let renewed = counter
        .ward
        .find("MedicationRequest", &[("patient", "Patient/ada"), ("status", "active"), ("intent", "order")])
        .await;
    let [renewed] = renewed.as_slice() else { panic!("one prescription: {renewed:?}") };
    assert_ne!(renewed["id"], key.id.as_str());
    // Denied, and put off: each with its reason.
    for (number, decision, code) in [("r2", Decision::Deny, ""), ("r3", Decision::Appointment, "appointment")] {
        let request = ask(&counter, number);
        counter.takes(&request).await;
        let (queue, _) = renewals::queue(&counter.ward.pen()).await.unwrap();
        let id = Id::parse(&queue[0].id).unwrap();
        renewals::decide(&counter.ward.pen(), &id, &decision, "Blood pressure first", number).await.unwrap();
        counter.follow().await;
        let sent = counter.sent().await;
        let [answer] = sent.as_slice() else { panic!("an answer: {sent:?}") };
        assert_eq!(
            (says(answer, "response", "outcome"), says(answer, "response", "denial")),
            ("denied", "Blood pressure first")
        );
        assert_eq!((says(answer, "response", "reason"), answer.header("relates-to")), (code, Some(number)));
    }
    // Fewer than were asked for is a change.
    let request = ask(&counter, "r4");
    counter.takes(&request).await;
    let id = Id::parse(&renewals::queue(&counter.ward.pen()).await.unwrap().0[0].id).unwrap();
    let decision = Decision::Approve { refills: 1, quantity: renewals::quantity("30") };
    renewals::decide(&counter.ward.pen(), &id, &decision, "It goes on", "d4").await.unwrap();
    counter.follow().await;
    let sent = counter.sent().await;
    assert_eq!((says(&sent[0], "response", "outcome"), says(&sent[0], "answered", "quantity")), ("changed", "30"));
}

#[tokio::test]
async fn a_pharmacy_asks_for_something_else_and_one_of_its_alternatives_is_chosen() {
    let mut counter = Counter::open(Wire::default()).await;
    let (key, new) = counter.prescribes("lisinopril-10-mg-tablet").await;
    let other = |drug: &str| Part::new("requested").say("drug", drug).say("quantity", "90").say("sig", "Take 1 a day");
    let request = counter
        .from(kind::CHANGE_REQUEST, "c1", &new)
        .with(Part::new("change").say("code", "out-of-stock").say("reason", "None left"))
        .with(other("lisinopril 5 mg tablet"))
        .with(other("losartan 50 mg tablet"));
    counter.takes(&request).await;
    let (queue, _) = renewals::queue(&counter.ward.pen()).await.unwrap();
    assert_eq!(queue.iter().filter(|it| it.change).count(), 2);
    let chosen = queue.iter().find(|it| it.name == "losartan 50 mg tablet").expect("an alternative");
    let id = Id::parse(&chosen.id).unwrap();
    let opened = renewals::request(&counter.ward.pen(), &id).await.unwrap();
    let asks = opened.asks.unwrap();
    assert_eq!((asks.code.as_deref(), asks.alternatives), (Some("out-of-stock"), 2));
    assert_eq!(opened.instead_of.as_deref(), Some("lisinopril 10 mg tablet"));
    let decision = Decision::Approve { refills: 2, quantity: None };
    renewals::decide(&counter.ward.pen(), &id, &decision, "Agreed", "d1").await.unwrap();
    counter.follow().await;
    counter.follow().await;
    let sent = counter.sent().await;
    let [answer] = sent.as_slice() else { panic!("one answer for all: {sent:?}") };
    assert_eq!(
        (answer.kind.as_str(), says(answer, "prescribed", "drug")),
        (kind::CHANGE_RESPONSE, "losartan 50 mg tablet")
    );
    assert!(renewals::queue(&counter.ward.pen()).await.unwrap().0.is_empty(), "the other is not asked any more");
    assert_eq!(counter.ward.read(&key).await["status"], "completed");
}

#[tokio::test]
async fn what_is_stopped_is_cancelled_at_the_pharmacy_and_its_answer_is_shown() {
    let mut counter = Counter::open(Wire::default()).await;
    for (number, drug, outcome) in
        [("a", "lisinopril-10-mg-tablet", "approved"), ("b", "metformin-500-mg-tablet", "denied")]
    {
        let (key, new) = counter.prescribes(drug).await;
        let nurse =
            stop(&counter.ward.pen_of(&counter.ward.nurse), &counter.ward.patient, &key.id, "Cough", number).await;
        assert!(matches!(nurse, Err(OrderError::MayNotSign)));
        stop(&counter.ward.pen(), &counter.ward.patient, &key.id, "Cough", number).await.unwrap();
        stop(&counter.ward.pen(), &counter.ward.patient, &key.id, "Cough", number).await.unwrap();
        counter.follow().await;
        let sent = counter.sent().await;
        let [cancel] = sent.as_slice() else { panic!("once: {sent:?}") };
        assert_eq!((cancel.kind.as_str(), cancel.header("relates-to")), (kind::CANCEL, new.header("id")));
        assert_eq!(counter.course(&key).await.cancel, Some(Cancelling::Asked));
        let response = Part::new("response")
            .say("outcome", outcome)
            .say(if outcome == "denied" { "denial" } else { "note" }, "Picked up");
        counter.takes(&counter.from(kind::CANCEL_RESPONSE, &format!("x{number}"), cancel).with(response)).await;
        let course = counter.course(&key).await;
        match outcome {
            "approved" => assert_eq!((course.stage, course.cancel), (Stage::Withdrawn, Some(Cancelling::Agreed))),
            _ => {
                assert_eq!(course.cancel, Some(Cancelling::Denied(Some("Picked up".into()))));
                let alerts = counter.ward.find("Task", &[("code", "alert")]).await;
                assert!(
                    alerts
                        .iter()
                        .any(|it| it["description"].as_str().is_some_and(|it| it.contains("was not cancelled")))
                );
            }
        }
    }
}

#[tokio::test]
async fn outside_fills_stand_apart_until_somebody_looks_at_them() {
    let mut counter = Counter::open(Wire::default()).await;
    history::ask_for(&counter.ward.pen(), &counter.ward.patient, "ask").await.unwrap();
    history::ask_for(&counter.ward.pen(), &counter.ward.patient, "ask").await.unwrap();
    let again = history::ask_for(&counter.ward.pen(), &counter.ward.patient, "ask-2").await;
    assert!(matches!(again, Err(OrderError::Changed)), "{again:?}");
    let sent = counter.sent().await;
    let [asked] = sent.as_slice() else { panic!("one question: {sent:?}") };
    assert_eq!((asked.kind.as_str(), says(asked, "consent", "given")), (kind::HISTORY_REQUEST, "yes"));
    let fill = |drug: &str| {
        Part::new("dispensed").say("drug", drug).say("last-fill", "2026-05-01").say("pharmacy", "Far Away Pharmacy")
    };
    let answer = counter
        .from(kind::HISTORY_RESPONSE, "h1", asked)
        .with(Part::new("response").say("outcome", "approved"))
        .with(fill("cetirizine 10 mg tablet"))
        .with(fill("omeprazole 20 mg capsule"))
        .with(fill("omeprazole 20 mg capsule"));
    counter.takes(&answer).await;
    let medications = counter.ward.pen().chart(&counter.ward.patient).medications().await.unwrap();
    assert_eq!((medications.rows.len(), medications.apart.len()), (0, 2));
    assert_eq!(medications.apart[0].prescriber.as_deref(), Some("Far Away Pharmacy"));
    let asked = history::asked(&counter.ward.pen(), &counter.ward.patient).await.unwrap().unwrap();
    assert!(asked.answered.is_some() && asked.found == 2 && asked.free, "{asked:?}");
}

#[tokio::test]
async fn controlled_drugs_are_not_sent_unless_that_is_set_up_and_a_second_factor_was_shown() {
    let drug = "oxycodone-5-mg-tablet";
    let counter = Counter::open(Wire::default()).await;
    let signed = counter.signs(drug).await;
    assert_eq!((signed.signed, signed.left), (0, 1));
    let basket = Basket::open(&counter.ward.pen(), &counter.ward.patient).await.unwrap();
    assert_eq!(basket.items[0].stayed.as_deref(), Some("controlled"));
    // Printed, it is signed as ever.
    let mut basket = Basket { pharmacy: Some(Choice::None), ..basket };
    basket.keep(&counter.ward.pen(), &counter.ward.patient).await.unwrap();
    let signed = sign(&counter.ward.pen(), &counter.ward.patient, Which::All, basket.version, "printed").await.unwrap();
    assert_eq!((signed.signed, counter.follow().await), (1, 0));

    let mut counter = Counter::open(Wire { controlled: true, ..Wire::default() }).await;
    let signed = counter.signs(drug).await;
    assert_eq!(signed.signed, 0);
    let basket = Basket::open(&counter.ward.pen(), &counter.ward.patient).await.unwrap();
    assert_eq!(basket.items[0].stayed.as_deref(), Some("unproved"));
    let shown = SecondFactor::for_tests();
    let signed = crate::orders::sign_shown(
        &counter.ward.pen(),
        &counter.ward.patient,
        Which::All,
        basket.version,
        "shown",
        &shown,
    )
    .await
    .unwrap();
    assert_eq!((signed.signed, counter.follow().await), (1, 1));
    let sent = counter.sent().await;
    assert_eq!(says(&sent[0], "prescribed", "schedule"), "2");
    // Over the API nobody showed anything: it is not sent, and somebody hears of it.
    let mut same = counter.ward.read(&signed.written[0]).await;
    same["id"] = "by-api".into();
    counter.ward.put(vec![same]).await;
    counter.follow().await;
    assert!(counter.sent().await.is_empty());
    let key = Key::parse("MedicationRequest/by-api").unwrap();
    let course = counter.course(&key).await;
    assert_eq!((course.stage, course.trouble.as_deref()), (Stage::Refused, Some("unproved")));
    assert_eq!(counter.task(&key).await["status"], "failed");
}

#[tokio::test]
async fn the_directory_has_those_with_a_number_and_remembers_the_usual_one() {
    let counter = Counter::open(Wire::default()).await;
    let pen = counter.ward.pen();
    let (found, more) = search(&pen, "harb").await.unwrap();
    assert_eq!((found.len(), more, found[0].ncpdp.as_deref()), (1, false, Some(HARBOR)));
    assert!(search(&pen, "silent").await.unwrap().0.is_empty());
    let usual = favourite(&pen, &counter.ward.patient).await.unwrap();
    assert_eq!(usual, Some(Chosen { key: "Organization/harbor".into(), name: "Harbor Street Pharmacy".into() }));
    prefer(&pen, &counter.ward.patient, None, "forget").await.unwrap();
    assert_eq!(favourite(&pen, &counter.ward.patient).await.unwrap(), None);
    assert!(one(&pen, &Id::parse("silent").unwrap()).await.is_err());
}

#[tokio::test]
async fn the_simulated_pharmacy_fills_asks_again_asks_for_other_and_cancels_by_itself() {
    let mut counter = Counter::open(Wire { simulated: true, ..Wire::default() }).await;
    let mut signed = Vec::new();
    for drug in ["lisinopril-10-mg-tablet", "amoxicillin-500-mg-tablet", "metformin-500-mg-tablet"] {
        signed.push(counter.signs(drug).await.written[0].clone());
    }
    let passes = async |counter: &mut Counter, seconds: i64| {
        for _ in 0..seconds {
            counter.ward.later(SECOND);
            follow(&counter.ward.organisation, counter.ward.now).await.unwrap();
            simulated::round(&counter.ward.organisation, counter.ward.now).await.unwrap();
        }
    };
    passes(&mut counter, 5).await;
    assert_eq!(counter.course(&signed[0]).await.stage, Stage::Received);
    passes(&mut counter, 10).await;
    assert_eq!(counter.course(&signed[0]).await.stage, Stage::Filled);
    let (queue, _) = renewals::queue(&counter.ward.pen()).await.unwrap();
    let change = queue.iter().find(|it| it.change).expect("it asks for capsules");
    assert_eq!(change.name, "amoxicillin 500 mg capsule");
    let decision = Decision::Approve { refills: 0, quantity: None };
    let id = Id::parse(&change.id).unwrap();
    renewals::decide(&counter.ward.pen(), &id, &decision, "Capsules will do", "capsules").await.unwrap();
    stop(&counter.ward.pen(), &counter.ward.patient, &signed[2].id, "Not needed", "stop").await.unwrap();
    passes(&mut counter, 60).await;
    assert_eq!(counter.course(&signed[0]).await.stage, Stage::PickedUp);
    assert_eq!(counter.course(&signed[2]).await.cancel, Some(Cancelling::Agreed));
    let (queue, _) = renewals::queue(&counter.ward.pen()).await.unwrap();
    assert!(
        queue.iter().any(|it| it.name == "amoxicillin 500 mg capsule" && !it.change),
        "nothing is left of it: {queue:?}"
    );
    let fills = counter.ward.find("MedicationDispense", &[("patient", "Patient/ada"), ("status", "completed")]).await;
    assert!(fills.len() >= 2, "{fills:?}");
    // Nothing of what it said was refused.
    let failed = store::MessageQuery { state: Some(FAILED.into()), ..store::MessageQuery::default() };
    assert!(counter.ward.organisation.store.messages(&failed, 5).await.unwrap().is_empty());
}
