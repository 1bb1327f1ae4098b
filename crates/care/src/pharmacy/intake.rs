//! A SCRIPT message off the line: known again by its MessageID or new, worked on, and answered by Status or Error (which
//! are never answered themselves). The message, what it changed and what was answered are one commit, and the answer is
//! given after it. What is refused changes nothing and says what to mend.

use super::Wire;
use super::effect::{Coming, Fault, Plan};
use super::line::{Envelope, header};
use crate::Organisation;
use crate::act::Pen;
use crate::exchange::channel::Channel;
use crate::exchange::door::{Arrival, DoorError, Received, receive};
use crate::exchange::intake::{Answer, DONE, FAILED, HELD, Head, Intake, REUSED, STATES, name};
use crate::exchange::origin::Origin;
use crate::inbox::{self, Priority};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::{Id, Key, ResourceType};
use formats::Note;
use formats::script::{self, Message, Part, Refusal, kind, read, write};
use store::{Caller, Heading, ItemExpect, Logged, MessageChange, StoreError, StoreResult};

/// How often it is tried when somebody else writes the same.
const ATTEMPTS: usize = 4;
const NOTES: usize = 200;
/// The address of the patient within an arrival.
const PATIENT: &str = "urn:continuo:patient";

/// A message with what is needed to work on it.
struct Work<'a> {
    intake: &'a Intake<'a>,
    wire: &'a Wire,
    raw: &'a [u8],
    now: i64,
}

/// A row of the log that is to be written.
#[derive(Clone)]
struct Row {
    id: String,
    at: i64,
    expect: ItemExpect,
    head: Head,
}

/// What is said back, and why.
struct Refused {
    cause: String,
    problems: Vec<(String, String)>,
}

/// Takes one message. What it says is on disk before this returns, or the answer says that it is not.
pub(crate) async fn take(intake: &Intake<'_>, wire: &Wire, raw: &[u8], paused: bool, now: i64) -> Answer {
    let work = Work { intake, wire, raw, now };
    match work.taken(paused).await {
        Ok(answer) => answer,
        Err(_) => {
            // Nothing can be kept: the sender keeps it and tries again.
            let message = read(raw, wire.mapping()).ok().map(|it| it.message);
            let reply = work.error(message.as_ref(), "600", "it cannot be kept now; send it again later");
            Answer { replies: vec![reply], id: None, state: FAILED, again: false }
        }
    }
}

/// Works on a message of the log again, as it is. Returns its state.
pub(crate) async fn redo(intake: &Intake<'_>, wire: &Wire, logged: Logged, now: i64) -> StoreResult<&'static str> {
    let Logged { heading, head, raw } = logged;
    let work = Work { intake, wire, raw: &raw, now };
    let Ok(script::Received { message, notes, said, mapped }) = read(&raw, wire.mapping()) else { return Ok(FAILED) };
    let expect = ItemExpect::Version(heading.version);
    let row = Row { id: heading.id, at: heading.at, expect, head: Head::read(&head)? };
    Ok(work.on(&message, (&notes, said, mapped), row).await?.state)
}

/// Places and texts of a message for the console; what says whose it is, is hidden from who may not know.
pub(crate) fn opened(raw: &[u8], masking: bool) -> Vec<(String, Vec<(String, String)>)> {
    const OPEN: [&str; 4] = ["Code", "Qualifier", "MessageID", "SentTime"];
    let mut parts: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (place, text) in script::outline(raw) {
        let mut steps = place.split('/');
        let first = steps.next().unwrap_or_default();
        // Within the body the parts of the transaction; its own elements stand under its name.
        let part = if first == "Body" { steps.nth(1).or(place.split('/').nth(1)) } else { Some(first) };
        let part = part.unwrap_or_default().to_owned();
        let plain = place.starts_with("Header/") || OPEN.iter().any(|it| place.ends_with(it));
        let shown = if masking && !plain { hidden(&text) } else { text };
        match parts.iter_mut().find(|it| it.0 == part) {
            Some((_, values)) => values.push((place, shown)),
            None => parts.push((part, vec![(place, shown)])),
        }
    }
    parts
}

/// As long as it was, and nothing of it: digits are 9, letters x.
fn hidden(text: &str) -> String {
    let letter = |it: char| match it {
        it if it.is_numeric() => '9',
        it if it.is_alphabetic() => 'x',
        it => it,
    };
    text.chars().map(letter).collect()
}

fn short(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(60).collect()
}

/// Transactions that are answers themselves: nobody answers them.
fn is_answer(kind_of: &str) -> bool {
    matches!(kind_of, kind::STATUS | kind::VERIFY | kind::ERROR)
}

fn known(logged: &Logged) -> StoreResult<Answer> {
    let head = Head::read(&logged.head)?;
    let state = STATES.into_iter().find(|it| *it == logged.heading.state).unwrap_or(DONE);
    Ok(Answer { replies: head.replies(), id: Some(logged.heading.id.clone()), state, again: true })
}

impl Work<'_> {
    fn organisation(&self) -> &Organisation {
        self.intake.organisation
    }

    fn channel(&self) -> &Channel {
        self.intake.channel
    }

    fn caller(&self) -> Caller {
        self.channel().caller()
    }

    fn reply(&self, to: Option<&Message>, message: Message) -> Vec<u8> {
        let id = self.organisation().surroundings.new_id();
        let control: String = id.chars().filter(|it| *it != '-').take(35).collect();
        let envelope = Envelope {
            to: to.and_then(|it| it.header("from")),
            control: &control,
            relates: to.and_then(|it| it.header("id")),
            order: to.and_then(|it| it.header("order")),
            pharmacy_number: to.and_then(|it| it.header("pharmacy-order")),
        };
        let mut whole = Message::new(&message.kind).with(header(self.wire, &envelope, self.now));
        whole.parts.extend(message.parts);
        write(&whole, self.wire.mapping())
    }

    fn status(&self, to: &Message) -> Vec<u8> {
        self.reply(Some(to), Message::new(kind::STATUS).with(Part::new("status").say("code", "010")))
    }

    fn error(&self, to: Option<&Message>, code: &str, says: &str) -> Vec<u8> {
        let part = Part::new("status").say("code", code).say("description", says);
        self.reply(to, Message::new(kind::ERROR).with(part))
    }

    async fn taken(&self, paused: bool) -> StoreResult<Answer> {
        let store = &self.organisation().store;
        let channel = self.channel().name.as_bytes();
        let received = match read(self.raw, self.wire.mapping()) {
            Ok(received) => received,
            Err(refusal) => return self.unreadable(&refusal).await,
        };
        let script::Received { message, notes, said, mapped } = received;
        let from = message.header("from").unwrap_or_default();
        for _ in 0..ATTEMPTS {
            let (mut id, mut reused) = match message.header("id") {
                Some(control) => (name(&[channel, b"script", from.as_bytes(), control.as_bytes()]), false),
                None => (name(&[channel, b"script", b"", self.raw]), false),
            };
            let mut logged = store.message(&id).await?;
            if logged.as_ref().is_some_and(|it| it.raw != self.raw) {
                (id, reused) = (name(&[id.as_bytes(), self.raw]), true);
                logged = store.message(&id).await?;
            }
            if let Some(logged) = logged {
                return known(&logged);
            }
            let head = Head { reused, ..Head::default() };
            let row = Row { id, at: self.now, expect: ItemExpect::Absent, head };
            let done = if reused {
                let says = "this MessageID was used before for another message; nothing was done";
                let refused = Refused { cause: REUSED.to_owned(), problems: problem("Header/MessageID", says) };
                self.refuse(&message, row, refused).await
            } else if message.header("id").is_none() {
                let says = "it has no MessageID, so nobody could tell it from another";
                let refused = Refused { cause: "no-number".to_owned(), problems: problem("Header/MessageID", says) };
                self.refuse(&message, row, refused).await
            } else if paused {
                self.hold(&message, row).await
            } else {
                self.on(&message, (&notes, said, mapped), row).await
            };
            match done {
                // The same came over another connection at this moment.
                Err(StoreError::ItemConflict { shelf: "message", .. }) => {}
                other => return other,
            }
        }
        Err(StoreError::Unavailable("the log of messages is busy".to_owned()))
    }

    async fn unreadable(&self, refusal: &Refusal) -> StoreResult<Answer> {
        let id = name(&[self.channel().name.as_bytes(), b"unreadable", self.raw]);
        if let Some(logged) = self.organisation().store.message(&id).await? {
            return known(&logged);
        }
        let says = refusal.to_string();
        let reply = self.error(None, "900", &says);
        let head = Head {
            answers: vec![STANDARD.encode(&reply)],
            verdict: "900".into(),
            attempts: 1,
            problems: problem("", &says),
            ..Head::default()
        };
        let row = Row { id, at: self.now, expect: ItemExpect::Absent, head };
        let message = self.logged(&Message::default(), FAILED, &row, None, Some(refusal.cause().to_owned()));
        self.log(message, ItemExpect::Absent).await?;
        Ok(Answer { replies: vec![reply], id: Some(row.id), state: FAILED, again: false })
    }

    fn logged(&self, message: &Message, state: &str, row: &Row, patient: Option<&Id>, cause: Option<String>) -> Logged {
        let heading = Heading {
            id: row.id.clone(),
            at: row.at,
            channel: self.channel().name.clone(),
            state: state.to_owned(),
            kind: short(&message.kind),
            control: short(message.header("id").unwrap_or_default()),
            sender: short(message.header("from").unwrap_or_default()),
            patient: patient.map(ToString::to_string),
            cause,
            size: self.raw.len() as i64,
            ..Heading::default()
        };
        Logged { heading, head: row.head.write(), raw: Bytes::copy_from_slice(self.raw) }
    }

    async fn log(&self, message: Logged, expect: ItemExpect) -> StoreResult<()> {
        let changes = vec![MessageChange { message, expect }];
        self.organisation().store.log(&self.caller(), "message", changes, self.now).await
    }

    fn told(&self, head: &mut Head, message: &Message) {
        head.version = self.wire.mapping().version.clone();
        head.sent = message.header("sent").map(short);
        head.receiver = short(message.header("to").unwrap_or_default());
    }

    async fn hold(&self, message: &Message, mut row: Row) -> StoreResult<Answer> {
        let replies = if is_answer(&message.kind) { Vec::new() } else { vec![self.status(message)] };
        row.head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        row.head.verdict = "010".into();
        self.told(&mut row.head, message);
        let cause = row.head.reused.then(|| REUSED.to_owned());
        self.log(self.logged(message, HELD, &row, None, cause), row.expect).await?;
        Ok(Answer { replies, id: Some(row.id), state: HELD, again: false })
    }

    async fn refuse(&self, message: &Message, mut row: Row, refused: Refused) -> StoreResult<Answer> {
        let says = refused.problems.first().map_or("it was refused", |it| it.1.as_str());
        let replies = if is_answer(&message.kind) { Vec::new() } else { vec![self.error(Some(message), "900", says)] };
        if row.head.answers.is_empty() {
            row.head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        }
        row.head.verdict = "900".into();
        row.head.attempts += 1;
        row.head.problems = refused.problems;
        self.told(&mut row.head, message);
        self.log(self.logged(message, FAILED, &row, None, Some(refused.cause)), row.expect).await?;
        Ok(Answer { replies, id: Some(row.id), state: FAILED, again: false })
    }

    /// Does what the message says.
    async fn on(&self, message: &Message, read: (&[Note], usize, usize), row: Row) -> StoreResult<Answer> {
        for _ in 0..ATTEMPTS {
            let caller = self.caller();
            let pen = Pen { organisation: self.organisation(), caller: &caller, author: None, now: self.now };
            let sent = message.header("sent").and_then(crate::exchange::door::micros);
            let coming = Coming {
                pen: &pen,
                title: &self.channel().title,
                source: &self.channel().source,
                id: &row.id,
                message,
                // A message from the future would silence all that come until then.
                sent: sent.unwrap_or(row.at).min(row.at),
            };
            let plan = match coming.plan().await {
                Ok(plan) => plan,
                Err(Fault::Refused(cause, place, says)) => {
                    let refused = Refused { cause: cause.to_owned(), problems: problem(place, &says) };
                    return self.refuse(message, row, refused).await;
                }
                Err(Fault::Store(error)) => return Err(error),
            };
            let partner = coming.partner().to_owned();
            match self.written(message, read, &row, plan, partner).await {
                Ok(answer) => return Ok(answer),
                // Somebody moved the same order on meanwhile: it is looked at anew.
                Err(DoorError::Busy) => {}
                Err(DoorError::Store(StoreError::ItemConflict { shelf, .. })) if shelf != "message" => {}
                Err(DoorError::Store(error)) => return Err(error),
                Err(DoorError::Invalid(issues)) => {
                    let first = issues.first().map(|it| it.expression.clone()).unwrap_or_default();
                    let place = first.split('[').next().unwrap_or(&first).to_owned();
                    let mut problems = problem("", "what it says does not hold together in FHIR");
                    problems.extend(issues.into_iter().take(NOTES).map(|it| (it.expression, it.diagnostics)));
                    let refused = Refused { cause: format!("invalid:{place}"), problems };
                    return self.refuse(message, row, refused).await;
                }
            }
        }
        let refused = Refused { cause: "busy".into(), problems: problem("", "what it changes was being changed") };
        self.refuse(message, row, refused).await
    }

    async fn written(
        &self,
        message: &Message,
        (notes, said, mapped): (&[Note], usize, usize),
        row: &Row,
        plan: Plan,
        partner: String,
    ) -> Result<Answer, DoorError> {
        let replies = if is_answer(&message.kind) { Vec::new() } else { vec![self.status(message)] };
        let mut head = row.head.clone();
        head.attempts += 1;
        head.problems.clear();
        (head.fields, head.mapped) = (said, mapped);
        head.notes = notes
            .iter()
            .take(NOTES)
            .map(|it| (format!("{:?}", it.fate).to_lowercase(), it.place.clone(), it.says.clone()))
            .collect();
        if head.answers.is_empty() {
            head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        }
        head.verdict = if is_answer(&message.kind) { String::new() } else { "010".into() };
        self.told(&mut head, message);
        let patient = plan.patient.clone();
        let log = |received: &Received| {
            let mut head = head.clone();
            head.wrote = received.keys.iter().map(|(key, version)| (key.to_string(), *version)).collect();
            head.unchanged = received.unchanged;
            let row = Row { head, ..row.clone() };
            let message = self.logged(message, DONE, &row, Some(&patient), None);
            vec![MessageChange { message, expect: row.expect }]
        };
        let origin = Origin {
            way: plan.way,
            source: self.channel().source.clone(),
            name: partner,
            arrival: Some(row.id.clone()),
        };
        let kind = ResourceType::parse("Patient").expect("a type of R4");
        let arrival = Arrival {
            patient: Some(PATIENT),
            bound: vec![(PATIENT.to_owned(), Key::new(kind, plan.patient.clone()))],
            sent: message.header("sent").map(str::to_owned),
            came: Some(row.at),
            also: plan.also,
            items: plan.items,
            log: Some(&log),
            action: "message",
            ..Arrival::new(&origin, plan.resources)
        };
        let turn = self.intake.interfaces.turn(patient.as_str()).await;
        let done = receive(self.organisation(), &self.caller(), arrival, self.now).await;
        drop(turn);
        done?;
        if let Some((about, title)) = plan.alert {
            inbox::alert(self.organisation(), &about, Priority::Urgent, None, &title, self.now).await?;
        }
        Ok(Answer { replies, id: Some(row.id.clone()), state: DONE, again: false })
    }
}

fn problem(place: &str, says: &str) -> Vec<(String, String)> {
    vec![(place.to_owned(), says.to_owned())]
}
