//! What becomes of a message from the line: it is known again or it is new, it is worked on or kept for later, and it is
//! answered. The message, what it wrote and what was answered are one commit, and the answer is given after it: whoever
//! has an AA can lose power or we can, and nothing is lost and nothing done twice (HL7 v2.9, 2.9.2 and 2.9.3).
//!
//! The same message again (channel, sender, MSH-10, and the same bytes) is answered as before and does nothing. The same
//! MSH-10 with other bytes is another message: it is worked on, because it may be all there is of a result, and there is
//! an alert: the sender is told with a warning in the answer, the console and the log of the program tell those who look
//! after interfaces. What cannot be worked on is kept with its cause and refused (AE, or AR when it is no message at all);
//! it never keeps those behind it waiting. An acknowledgement is never acknowledged.

use super::attached::attach;
use super::category::categorize;
use super::channel::{Channel, Format, Interfaces};
use super::door::{Arrival, DoorError, Received, meant, receive};
use super::origin::{Origin, Way};
use super::own;
use super::refusal::{Refusal, is_passing, not_for_us, nothing_to_do, refused};
use crate::Organisation;
use crate::act::moment;
use crate::chart::element::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::{Key, Value};
use formats::v2::Message;
use formats::v2::acknowledge::{Fault, FaultCode, Outcome, Stamp, Step, Verdict, answer, answer_unreadable};
use formats::v2::map::{Converted, Header, Settings, convert, convert_unjudged, header};
use store::{Heading, ItemExpect, Logged, MessageChange, StoreError, StoreResult};

pub(crate) use super::kept::name;
pub use super::kept::{DONE, FAILED, HELD, Head, IGNORED, REPLACED, REUSED, SKIPPED, STATES};
pub(super) use super::kept::{NOTES, New, is_other, verdict};

/// Looks at the log again when another was quicker.
const ATTEMPTS: usize = 4;

/// What to send back for a message, and where it is kept.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub replies: Vec<Vec<u8>>,
    /// The message in the log; none when it could not be kept.
    pub id: Option<String>,
    pub state: &'static str,
    /// It came before.
    pub again: bool,
}

/// What is needed to take messages.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    pub organisation: &'a Organisation,
    pub interfaces: &'a Interfaces,
    pub channel: &'a Channel,
}

impl Intake<'_> {
    /// Takes one message. What it says is on disk before this returns, or the answer says that it is not.
    pub async fn take(&self, raw: &[u8], paused: bool, now: i64) -> Answer {
        match self.taken(raw, paused, now).await {
            Ok(answer) => answer,
            // Nothing can be kept: the sender keeps it and tries again.
            Err(_) => Answer { replies: self.cannot(raw, now), id: None, state: FAILED, again: false },
        }
    }

    fn cannot(&self, raw: &[u8], now: i64) -> Vec<Vec<u8>> {
        let says = "it cannot be kept now; send it again later";
        let fault = Fault { place: None, code: FaultCode::Internal, text: says.to_owned(), warning: false };
        let outcome = Outcome { verdict: Verdict::Rejected, faults: vec![fault] };
        match Message::read(raw) {
            Ok(message) => self.replies(&message, &outcome, now),
            Err(_) => vec![self.unreadable(says, now)],
        }
    }

    async fn taken(&self, raw: &[u8], paused: bool, now: i64) -> StoreResult<Answer> {
        let Ok(message) = Message::read(raw) else { return self.no_message(raw, now).await };
        let header = header(&message, &self.channel.zone);
        for _ in 0..ATTEMPTS {
            let (mut id, mut reused) = (self.id_of(&header, raw), false);
            let mut logged = self.organisation.store.message(&id).await?;
            if logged.as_ref().is_some_and(|it| is_other(it, raw)) {
                (id, reused) = (name(&[id.as_bytes(), raw]), true);
                logged = self.organisation.store.message(&id).await?;
            }
            if let Some(logged) = logged {
                return again(&logged);
            }
            if reused {
                tracing::warn!(target: "continuo", channel = %self.channel.name, message = %id, "MSH-10 was used before for another message");
            }
            let new = New { id, at: now, expect: ItemExpect::Absent, head: Head { reused, ..Head::default() } };
            let done = match (header.kind.as_str(), paused) {
                ("ACK", _) => self.keep(&header, raw, IGNORED, new, now).await,
                (_, true) => self.hold(&message, &header, raw, new, now).await,
                _ => self.work(&message, &header, raw, new, now).await,
            };
            match done {
                // The same came over another connection at this moment.
                Err(StoreError::ItemConflict { shelf: "message", .. }) => {}
                other => return other,
            }
        }
        Err(StoreError::Unavailable("the log of messages is busy".to_owned()))
    }

    /// The same message has the same name: by its number where it has one.
    fn id_of(&self, header: &Header, raw: &[u8]) -> String {
        let Header { sender, facility, control_id, .. } = header;
        match control_id.trim() {
            "" => name(&[self.channel.name.as_bytes(), b"", raw]),
            control => name(&[&self.channel.name, sender, facility, control].map(str::as_bytes)),
        }
    }

    fn unreadable(&self, says: &str, now: i64) -> Vec<u8> {
        let control = self.organisation.surroundings.new_id();
        answer_unreadable(says, Stamp { control_id: &control, now: &hl7_moment(now) })
    }

    /// The answers that the sender wants, in their order.
    fn replies(&self, message: &Message, outcome: &Outcome, now: i64) -> Vec<Vec<u8>> {
        let moment = hl7_moment(now);
        let reply = |step| {
            let control = self.organisation.surroundings.new_id();
            answer(message, step, outcome, Stamp { control_id: &control, now: &moment })
        };
        [Step::Commit, Step::Application].into_iter().filter_map(reply).collect()
    }

    async fn no_message(&self, raw: &[u8], now: i64) -> StoreResult<Answer> {
        let id = name(&[self.channel.name.as_bytes(), b"unreadable", raw]);
        if let Some(logged) = self.organisation.store.message(&id).await? {
            return again(&logged);
        }
        let reply = self.unreadable("it does not begin with an MSH segment", now);
        let head =
            Head { verdict: "AR".into(), answers: vec![STANDARD.encode(&reply)], attempts: 1, ..Head::default() };
        let heading =
            Heading { cause: Some("unreadable".into()), ..self.heading(&Header::default(), raw, FAILED, &id, now) };
        self.log(Logged { heading, head: head.write(), raw: Bytes::copy_from_slice(raw) }, ItemExpect::Absent, now)
            .await?;
        Ok(Answer { replies: vec![reply], id: Some(id), state: FAILED, again: false })
    }

    async fn hold(
        &self,
        message: &Message,
        header: &Header,
        raw: &[u8],
        mut new: New,
        now: i64,
    ) -> StoreResult<Answer> {
        let replies = self.replies(message, &accepted(&new.head), now);
        new.answered(&replies, Verdict::Accepted, message);
        let Answer { id, state, again, .. } = self.keep(header, raw, HELD, new, now).await?;
        Ok(Answer { replies, id, state, again })
    }

    async fn keep(&self, header: &Header, raw: &[u8], state: &'static str, new: New, now: i64) -> StoreResult<Answer> {
        let New { id, at, expect, mut head } = new;
        head.of(header);
        let cause = head.reused.then(|| REUSED.to_owned());
        let heading = Heading { cause, ..self.heading(header, raw, state, &id, at) };
        self.log(Logged { heading, head: head.write(), raw: Bytes::copy_from_slice(raw) }, expect, now).await?;
        Ok(Answer { replies: Vec::new(), id: Some(id), state, again: false })
    }

    async fn refuse(
        &self,
        message: &Message,
        header: &Header,
        raw: &[u8],
        refusal: Refusal,
        mut new: New,
        now: i64,
    ) -> StoreResult<Answer> {
        let replies = self.replies(message, &refusal.outcome(), now);
        new.answered(&replies, refusal.verdict, message);
        let New { id, at, expect, mut head } = new;
        head.of(header);
        head.attempts += 1;
        head.problems = vec![(refusal.place.map(|it| it.to_string()).unwrap_or_default(), refusal.says)];
        head.problems.extend(refusal.problems);
        let heading = Heading { cause: Some(refusal.cause), ..self.heading(header, raw, FAILED, &id, at) };
        self.log(Logged { heading, head: head.write(), raw: Bytes::copy_from_slice(raw) }, expect, now).await?;
        Ok(Answer { replies, id: Some(id), state: FAILED, again: false })
    }

    async fn log(&self, message: Logged, expect: ItemExpect, now: i64) -> StoreResult<()> {
        let changes = vec![MessageChange { message, expect }];
        self.organisation.store.log(&self.channel.caller(), "message", changes, now).await
    }

    fn heading(&self, header: &Header, raw: &[u8], state: &str, id: &str, at: i64) -> Heading {
        let kind = match (header.kind.as_str(), header.event.as_str()) {
            (kind, "") => kind.to_owned(),
            (kind, event) => format!("{kind}^{event}"),
        };
        // No database keeps every control character in a text.
        let short = |text: &str| text.chars().filter(|it| !it.is_control()).take(60).collect::<String>();
        let sender = format!("{}|{}", header.sender, header.facility);
        Heading {
            id: id.to_owned(),
            version: 0,
            at,
            channel: self.channel.name.clone(),
            state: state.to_owned(),
            kind: short(&kind),
            control: short(&header.control_id),
            sender: short(sender.trim_matches('|')),
            patient: None,
            cause: None,
            size: raw.len() as i64,
            outgoing: false,
            due: None,
        }
    }

    /// Does what the message says.
    pub(super) async fn work(
        &self,
        message: &Message,
        header: &Header,
        raw: &[u8],
        new: New,
        now: i64,
    ) -> StoreResult<Answer> {
        if let Some(refusal) = not_for_us(header) {
            return self.refuse(message, header, raw, refusal, new, now).await;
        }
        // The door holds everything against the rules. Only if something does not hold is it sought and left out.
        let mut judged = false;
        loop {
            let converted = if judged { self.converted(message) } else { self.read(message, convert_unjudged) };
            if let Some(refusal) = nothing_to_do(header, &converted) {
                return self.refuse(message, header, raw, refusal, new, now).await;
            }
            match self.enter(message, header, raw, new.clone(), converted, now).await {
                Ok(answer) => return Ok(answer),
                Err(DoorError::Invalid(_)) if !judged => judged = true,
                Err(DoorError::Store(error)) if is_passing(&error) => return Err(error),
                Err(error) => return self.refuse(message, header, raw, refused(error), new, now).await,
            }
        }
    }

    /// Takes it through the door.
    async fn enter(
        &self,
        message: &Message,
        header: &Header,
        raw: &[u8],
        new: New,
        mut converted: Converted,
        now: i64,
    ) -> Result<Answer, DoorError> {
        let patient = patient_of(&converted);
        let resources = std::mem::take(&mut converted.read.resources);
        let bound = own::orders(self.organisation, patient.as_deref(), &resources).await?;
        let replies = self.replies(message, &accepted(&new.head), now);
        let New { id, at, expect, mut head } = new;
        head.of(header);
        head.attempts += 1;
        head.problems.clear();
        head.fields = converted.fields;
        head.mapped = converted.mapped;
        let notes = converted.read.notes.iter().take(NOTES);
        head.notes =
            notes.map(|it| (format!("{:?}", it.fate).to_lowercase(), it.place.clone(), it.says.clone())).collect();
        // A message that is worked on again was answered before.
        if head.answers.is_empty() {
            head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        }
        head.verdict = verdict(Verdict::Accepted, message);
        let row = |received: &Received| {
            let mut head = head.clone();
            head.wrote = received.keys.iter().map(|(key, version)| (key.to_string(), *version)).collect();
            head.unchanged = received.unchanged;
            head.meant = meant(received).into_iter().map(|(address, key)| (address, key.to_string())).collect();
            let patient = received.patient.as_ref().map(ToString::to_string);
            let cause = head.reused.then(|| REUSED.to_owned());
            let heading = Heading { patient, cause, ..self.heading(header, raw, DONE, &id, at) };
            let message = Logged { heading, head: head.write(), raw: Bytes::copy_from_slice(raw) };
            vec![MessageChange { message, expect }]
        };
        let name = match header.facility.as_str() {
            "" => self.channel.title.clone(),
            facility => facility.to_owned(),
        };
        let origin = Origin { way: Way::Message, source: self.channel.source.clone(), name, arrival: Some(id.clone()) };
        let arrival = Arrival {
            deletions: &converted.deletions,
            bound,
            patient: patient.as_deref(),
            sent: header.sent.clone(),
            // What somebody mended is later than all else of its moment.
            number: if head.original.is_some() { u64::MAX } else { number(&header.control_id) },
            came: Some(at),
            meant: head.meant.iter().filter_map(|(address, key)| Some((address.clone(), Key::parse(key)?))).collect(),
            log: Some(&row),
            turns: Some(self.interfaces),
            ..Arrival::new(&origin, resources)
        };
        let turn = match &patient {
            Some(patient) => Some(self.interfaces.turn(patient).await),
            None => None,
        };
        let done = receive(self.organisation, &self.channel.caller(), arrival, now).await;
        drop(turn);
        done.map(|_| Answer { replies, id: Some(id), state: DONE, again: false })
    }

    /// The message as resources, with the names of naming systems as they are here.
    pub(super) fn converted(&self, message: &Message) -> Converted {
        self.read(message, convert)
    }

    fn read(&self, message: &Message, convert: fn(&Message, Settings<'_>) -> Converted) -> Converted {
        let settings = Settings { mapping: self.channel.mapping(), zone: &self.channel.zone };
        let mut converted = convert(message, settings);
        if !self.channel.systems.is_empty() {
            converted.read.resources.iter_mut().for_each(|(_, it)| self.rename(it));
        }
        attach(&mut converted.read.resources, message, &converted.header.kind);
        if converted.header.kind == "ORU" {
            categorize(&mut converted.read.resources);
        }
        converted
    }

    fn rename(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(system)) = members.get_mut("system") {
                    let short = system.strip_prefix("urn:id:").unwrap_or(system);
                    if let Some(ours) = self.channel.systems.get(short) {
                        *system = ours.clone();
                    }
                }
                members.values_mut().for_each(|it| self.rename(it));
            }
            Value::Array(items) => items.iter_mut().for_each(|it| self.rename(it)),
            _ => {}
        }
    }
}

fn again(logged: &Logged) -> StoreResult<Answer> {
    let head = Head::read(&logged.head)?;
    let state = STATES.into_iter().find(|it| *it == logged.heading.state).unwrap_or(DONE);
    Ok(Answer { replies: head.replies(), id: Some(logged.heading.id.clone()), state, again: true })
}

/// `20261122204500.123+0000`.
pub(super) fn hl7_moment(now: i64) -> String {
    let text = moment(now);
    let plain: String = text.trim_end_matches('Z').chars().filter(|it| !matches!(it, '-' | ':' | 'T')).collect();
    format!("{plain}+0000")
}

/// It was taken; when its number was used before, the sender is told so.
fn accepted(head: &Head) -> Outcome {
    let text = "MSH-10 was used before for another message; both were taken".to_owned();
    let warning = Fault { place: "MSH-10".parse().ok(), code: FaultCode::DuplicateKey, text, warning: true };
    Outcome { verdict: Verdict::Accepted, faults: head.reused.then_some(warning).into_iter().collect() }
}

/// The number that a sender counts by; none counts as nothing.
fn number(control: &str) -> u64 {
    control.trim().parse().unwrap_or_default()
}

/// Whom it is about: the patient of PID, not the one whom it says to be merged.
fn patient_of(converted: &Converted) -> Option<String> {
    let patients = converted.read.resources.iter().filter(|(_, it)| text(it, &["resourceType"]) == Some("Patient"));
    let merged = |it: &Value| text(it, &["link", "type"]) == Some("replaced-by");
    let mut patients: Vec<_> = patients.collect();
    patients.sort_by_key(|(_, it)| merged(it));
    patients.first().map(|(address, _)| address.clone())
}

/// Works off what a channel kept while it was paused, in its order. Returns how many.
pub async fn release(intake: &Intake<'_>, now: i64) -> StoreResult<usize> {
    let query = store::MessageQuery {
        channel: Some(intake.channel.name.clone()),
        state: Some(HELD.to_owned()),
        oldest_first: true,
        ..store::MessageQuery::default()
    };
    let mut done = 0;
    loop {
        let page = intake.organisation.store.messages(&query, 100).await?;
        if page.is_empty() {
            return Ok(done);
        }
        for heading in page {
            redo(intake, &heading.id, now).await?;
            done += 1;
        }
    }
}

/// Works on a message again, as it is in the log. Returns its state.
pub(super) async fn redo(intake: &Intake<'_>, id: &str, now: i64) -> StoreResult<Option<&'static str>> {
    let Some(logged) = intake.organisation.store.message(id).await? else { return Ok(None) };
    let Logged { heading, head, raw } = logged;
    if let Format::Script(wire) = &intake.channel.format {
        let logged = Logged { heading, head, raw };
        return crate::pharmacy::intake::redo(intake, wire, logged, now).await.map(Some);
    }
    let Ok(message) = Message::read(&raw) else { return Ok(Some(FAILED)) };
    let header = header(&message, &intake.channel.zone);
    let new =
        New { id: heading.id, at: heading.at, expect: ItemExpect::Version(heading.version), head: Head::read(&head)? };
    intake.work(&message, &header, &raw, new, now).await.map(|it| Some(it.state))
}

#[cfg(test)]
mod tests;
