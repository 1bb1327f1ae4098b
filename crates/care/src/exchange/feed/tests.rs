use super::*;
use crate::act::Act;
use crate::exchange::channel::{Channel, Interfaces};
use crate::exchange::intake::{DONE, Intake};
use crate::exchange::subscriptions::Patients;
use crate::ward::{SECOND, Ward};
use formats::v2::Message;
use serde_json::json;
use std::sync::Arc;
use store::MessageQuery;

struct Lake {
    ward: Ward,
    interfaces: Interfaces,
    line: Arc<Line>,
    seen: u64,
}

impl Lake {
    async fn open(patients: Patients) -> Lake {
        let ward = Ward::open().await;
        let interfaces = Interfaces::default();
        let mut channel = Channel::new("lake-out", "Lakeside General");
        let events = ["ADT", "OML", "ORM", "ORU"].map(str::to_owned).to_vec();
        let facility = "LAKE".to_owned();
        channel.partner = Some(Partner { events, patients, facility, ..Partner::default() });
        let line = interfaces.open(&ward.organisation, channel).await.unwrap();
        let mut lake = Lake { ward, interfaces, line, seen: 0 };
        assert_eq!(lake.feed().await, 0, "what was there before is not told");
        lake
    }

    async fn feed(&mut self) -> usize {
        self.ward.later(SECOND);
        follow(&self.ward.organisation, &self.line, &mut self.seen, self.ward.now).await.unwrap().queued
    }

    async fn queued(&self) -> Vec<Message> {
        let query = MessageQuery { outgoing: Some(true), oldest_first: true, ..MessageQuery::default() };
        let mut all = Vec::new();
        for heading in self.ward.organisation.store.messages(&query, 100).await.unwrap() {
            let logged = self.ward.organisation.store.message(&heading.id).await.unwrap().unwrap();
            all.push(Message::read(&logged.raw).unwrap());
        }
        all
    }

    async fn order(&self, category: &str) -> Key {
        let pen = self.ward.pen();
        let mut act = Act::new("order.sign", &self.ward.patient);
        let order = json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "subject": { "reference": format!("Patient/{}", self.ward.patient) },
            "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": category }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "2823-3", "display": "Potassium" }] },
            "requester": pen.who(), "authoredOn": pen.moment() });
        let key = act.create(&pen, order);
        pen.commit(act).await.unwrap();
        key
    }
}

#[tokio::test]
async fn an_order_that_is_signed_is_told_once_whatever_happens_in_between() {
    let mut lake = Lake::open(Patients::All).await;
    let order = lake.order("108252007").await;
    assert_eq!(lake.feed().await, 1);
    assert_eq!(lake.feed().await, 0);
    // A new process does not know how far the last one came but by what is written down.
    lake.seen = 0;
    assert_eq!(lake.feed().await, 0);
    let message = lake.queued().await.pop().unwrap();
    assert_eq!(message.text("MSH-9.2"), "O21");
    assert_eq!((message.text("ORC-1"), message.text("OBR-4.1")), ("NW".into(), "2823-3".into()));
    assert_eq!((message.text("OBR-2.1"), message.text("MSH-6")), (order.id.as_str().into(), "LAKE".into()));
    assert!(!message.text("PID-5.1").is_empty() && !message.text("ORC-12.2").is_empty());
}

#[tokio::test]
async fn what_others_told_is_not_told_on() {
    let mut lake = Lake::open(Patients::All).await;
    let raw = "MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||77^^^LAKE^MR||Byron^Ada||19860203|F\r\
               OBR|1|P1|F1|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\r\
               OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F\r";
    let channel = Channel::new("lake", "Lakeside General");
    let intake = Intake { organisation: &lake.ward.organisation, interfaces: &lake.interfaces, channel: &channel };
    assert_eq!(intake.take(raw.as_bytes(), false, lake.ward.now).await.state, DONE);
    assert_eq!(lake.feed().await, 0);
    // The same patient, changed here, is told.
    let stored = lake.ward.find("Patient", &[("identifier", "urn:id:LAKE|77")]).await.pop().unwrap();
    let mut changed = stored.clone();
    changed["gender"] = json!("other");
    lake.ward.put(vec![changed]).await;
    assert_eq!(lake.feed().await, 1);
    assert_eq!(lake.queued().await[0].text("MSH-9.2"), "A31");
}

#[tokio::test]
async fn a_partner_hears_of_its_own_patients_and_of_nothing_that_is_sensitive() {
    let mut lake = Lake::open(Patients::Known("https://lake.example/mrn".to_owned())).await;
    lake.order("363679005").await;
    assert_eq!(lake.feed().await, 0);
    let mut ada = lake.ward.read(&Key::parse("Patient/ada").unwrap()).await;
    ada["identifier"] = json!([{ "system": "https://lake.example/mrn", "value": "7" }]);
    lake.ward.put(vec![ada]).await;
    assert_eq!(lake.feed().await, 1);
    lake.order("363679005").await;
    assert_eq!(lake.feed().await, 1);
    let secret = json!({ "resourceType": "DiagnosticReport", "id": "hiv", "status": "final",
        "subject": { "reference": "Patient/ada" }, "issued": "2026-06-15T12:00:00Z",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "75622-1" }] } });
    lake.ward.put(vec![secret]).await;
    assert_eq!(lake.feed().await, 0);
    let kinds: Vec<String> = lake.queued().await.iter().map(|it| it.text("MSH-9.2").into_owned()).collect();
    assert_eq!(kinds, ["A31", "O01"]);
}
