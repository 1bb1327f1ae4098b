//! What becomes of a message from the line: it is known again or it is new, it is worked on or kept for later, and it is
//! answered. The message, what it wrote and what was answered are one commit, and the answer is given after it: whoever
//! has an AA can lose power or we can, and nothing is lost and nothing done twice (HL7 v2.9, 2.9.2 and 2.9.3).
//!
//! The same message again (channel, sender, MSH-10, and the same bytes) is answered as before and does nothing. The same
//! MSH-10 with other bytes is another message, and somebody is told that its sender does not count. What cannot be worked on is kept with its cause and refused (AE, or AR
//! when it is no message at all); it never keeps those behind it waiting. An acknowledgement is never acknowledged.

use super::attached::attach;
use super::category::categorize;
use super::channel::{Channel, Format, Interfaces, Line, Went, Wish};
use super::door::{Arrival, DoorError, Received, receive};
use super::origin::{Origin, Way};
use super::own;
use crate::Organisation;
use crate::act::moment;
use crate::chart::element::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::Value;
use formats::v2::acknowledge::{
    Fault, FaultCode, Outcome, Stamp, Step, Verdict, answer, answer_unreadable, is_enhanced,
};
use formats::v2::map::{Converted, Header, Settings, convert, header};
use formats::v2::{Batch, Message, Piece, Place};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use store::{Heading, ItemExpect, Logged, MessageChange, StoreError, StoreResult};

/// States of a message.
pub const DONE: &str = "done";
pub const FAILED: &str = "failed";
/// It is kept until the channel runs again.
pub const HELD: &str = "held";
/// Somebody sent it again with changes; this is the original.
pub const REPLACED: &str = "replaced";
/// Somebody decided that nothing is done about it.
pub const SKIPPED: &str = "skipped";
/// Nothing is to be done: an acknowledgement.
pub const IGNORED: &str = "ignored";

pub const STATES: [&str; 6] = [DONE, FAILED, HELD, REPLACED, SKIPPED, IGNORED];

/// What there is to know about a message whose number was used before for another one.
pub const REUSED: &str = "control-id-reused";

/// Kinds of messages that are about a patient.
const OF_PATIENTS: [&str; 13] =
    ["ADT", "ORU", "ORM", "OML", "OMG", "OMI", "VXU", "MDM", "DFT", "RDE", "RDS", "RAS", "PPR"];
/// How much is kept of a note list.
const NOTES: usize = 200;
/// Looks at the log again when another was quicker.
const ATTEMPTS: usize = 4;

/// What is kept with a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The answers as they were sent.
    pub answers: Vec<String>,
    /// `AA`, `AE`…: the first answer's.
    pub verdict: String,
    pub structure: String,
    pub version: String,
    pub sent: Option<String>,
    pub receiver: String,
    /// What it wrote here, with the version: `Patient/7`, 3.
    pub wrote: Vec<(String, u64)>,
    pub unchanged: usize,
    /// Populated fields, and those of them that are mapped.
    pub fields: usize,
    pub mapped: usize,
    /// Fate, place, what to know.
    pub notes: Vec<(String, String, String)>,
    /// Where it is wrong, and how, for the person who mends it.
    pub problems: Vec<(String, String)>,
    /// How often it was worked on.
    pub attempts: u32,
    /// Its number was used before for another message.
    pub reused: bool,
    /// Which message this one was made of, by whom; and which was made of this one.
    pub original: Option<String>,
    pub by: Option<String>,
    pub replaced_by: Option<String>,
    /// Why it was left alone.
    pub reason: Option<String>,
    /// Of what goes out: what it tells of, with the version; when and why a try came to nothing; when it was settled.
    pub of: Vec<(String, u64)>,
    pub troubles: Vec<(i64, String)>,
    pub settled: Option<i64>,
    /// Why it is kept whole; when what it said was taken away, and the digest of that.
    pub hold: Option<String>,
    pub pruned: Option<i64>,
    pub digest: Option<String>,
}

impl Head {
    pub(crate) fn read(bytes: &[u8]) -> StoreResult<Head> {
        serde_json::from_slice(bytes)
            .map_err(|_| StoreError::Damaged("the head of a message cannot be read".to_owned()))
    }

    pub(crate) fn write(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts and numbers can be written").into()
    }

    /// The answers as bytes.
    pub fn replies(&self) -> Vec<Vec<u8>> {
        self.answers.iter().filter_map(|it| STANDARD.decode(it).ok()).collect()
    }
}

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

/// Why a message was not worked on.
struct Refusal {
    /// The same for all that fail for the same reason: `no-patient`, `invalid:Observation.status`.
    cause: String,
    verdict: Verdict,
    code: FaultCode,
    place: Option<Place>,
    says: String,
    problems: Vec<(String, String)>,
}

impl Refusal {
    fn new(cause: &str, code: FaultCode, place: &str, says: &str) -> Refusal {
        Refusal {
            cause: cause.to_owned(),
            verdict: Verdict::Error,
            code,
            place: place.parse().ok(),
            says: says.to_owned(),
            problems: Vec::new(),
        }
    }

    fn outcome(&self) -> Outcome {
        let fault = Fault { place: self.place.clone(), code: self.code, text: self.says.clone(), warning: false };
        Outcome { verdict: self.verdict, faults: vec![fault] }
    }
}

impl Line {
    /// Takes a message off this line, and counts it.
    pub async fn take(&self, organisation: &Organisation, interfaces: &Interfaces, raw: &[u8], now: i64) -> Answer {
        let intake = Intake { organisation, interfaces, channel: &self.channel };
        let paused = self.wish() == Wish::Pause;
        let answer = match &self.channel.format {
            Format::V2 => intake.take(raw, paused, now).await,
            Format::Script(wire) => crate::pharmacy::intake::take(&intake, wire, raw, paused, now).await,
        };
        let went = match answer.state {
            _ if answer.again => Went::Again,
            DONE | HELD | IGNORED => Went::Well,
            _ => Went::Wrong,
        };
        self.count(went, now);
        answer
    }
}

/// The most answers of one frame: a batch of many.
const MANY: usize = 10_000;

impl Line {
    /// Takes a frame: a message, or a batch of them (HL7 v2.9, 2.10.3), which is answered as one. Returns what goes back
    /// over the line, frame by frame.
    pub async fn frame(&self, organisation: &Organisation, interfaces: &Interfaces, raw: &[u8]) -> Vec<Vec<u8>> {
        if !is_several(raw) || !matches!(self.channel.format, Format::V2) {
            return self.take(organisation, interfaces, raw, organisation.now()).await.replies;
        }
        let batch = Batch::read(raw);
        let enveloped = batch.pieces.iter().any(|it| matches!(it, Piece::Envelope(_)));
        let mut replies = Vec::new();
        for piece in batch.pieces.iter().take(MANY) {
            let raw = match piece {
                Piece::Message(message) => message.write(),
                Piece::Junk(raw, Some(_)) => raw.clone(),
                Piece::Junk(_, None) | Piece::Envelope(_) => continue,
            };
            replies.extend(self.take(organisation, interfaces, &raw, organisation.now()).await.replies);
        }
        if !enveloped || replies.is_empty() {
            return replies;
        }
        let mut whole = b"BHS|^~\\&\r".to_vec();
        replies.iter().for_each(|it| whole.extend_from_slice(it));
        whole.extend_from_slice(format!("BTS|{}\r", replies.len()).as_bytes());
        vec![whole]
    }

    /// Something on the line that is no message: it is counted, and the sender is told.
    pub fn broken(&self, organisation: &Organisation, says: &str) -> Vec<u8> {
        let now = organisation.now();
        self.count(Went::Wrong, now);
        let control = organisation.surroundings.new_id();
        answer_unreadable(says, Stamp { control_id: &control, now: &hl7_moment(now) })
    }
}

/// Whether there is more in it than one message.
fn is_several(raw: &[u8]) -> bool {
    let begins = |name: &[u8]| raw.trim_ascii_start().starts_with(name);
    let next = |it: &[u8]| matches!(it[0], b'\r' | b'\n') && &it[1..4] == b"MSH" && !it[4].is_ascii_alphanumeric();
    begins(b"FHS") || begins(b"BHS") || raw.windows(5).any(next)
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
        let replies = self.replies(message, &Outcome::accepted(), now);
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
        let mut converted = self.converted(message);
        if let Some(refusal) = nothing_to_do(header, &converted) {
            return self.refuse(message, header, raw, refusal, new, now).await;
        }
        let patient = patient_of(&converted);
        let resources = std::mem::take(&mut converted.read.resources);
        let bound = own::orders(self.organisation, patient.as_deref(), &resources).await?;
        let replies = self.replies(message, &Outcome::accepted(), now);
        let New { id, at, expect, mut head } = new.clone();
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
            log: Some(&row),
            ..Arrival::new(&origin, resources)
        };
        let turn = match &patient {
            Some(patient) => Some(self.interfaces.turn(patient).await),
            None => None,
        };
        let done = receive(self.organisation, &self.channel.caller(), arrival, now).await;
        drop(turn);
        match done {
            Ok(_) => Ok(Answer { replies, id: Some(id), state: DONE, again: false }),
            Err(DoorError::Store(error)) if is_passing(&error) => Err(error),
            Err(error) => self.refuse(message, header, raw, refused(error), new, now).await,
        }
    }

    /// The message as resources, with the names of naming systems as they are here.
    pub(super) fn converted(&self, message: &Message) -> Converted {
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

/// A row of the log that is to be written.
#[derive(Clone)]
pub(super) struct New {
    pub(super) id: String,
    /// When it came.
    pub(super) at: i64,
    pub(super) expect: ItemExpect,
    pub(super) head: Head,
}

impl New {
    fn answered(&mut self, replies: &[Vec<u8>], said: Verdict, message: &Message) {
        if self.head.answers.is_empty() {
            self.head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        }
        self.head.verdict = verdict(said, message);
    }
}

impl Head {
    fn of(&mut self, header: &Header) {
        self.structure = header.structure.clone();
        self.version = header.version.clone();
        self.sent = header.sent.clone();
        self.receiver = format!("{}|{}", header.receiver, header.receiving_facility).trim_matches('|').to_owned();
    }
}

fn verdict(said: Verdict, message: &Message) -> String {
    said.code(Step::Application, is_enhanced(message)).to_owned()
}

/// Whether these bytes are not the message that was logged. Of one that was taken away, the digest says so.
fn is_other(logged: &Logged, raw: &[u8]) -> bool {
    if !logged.raw.is_empty() {
        return logged.raw != raw;
    }
    Head::read(&logged.head).is_ok_and(|head| head.digest.is_some_and(|it| it != name(&[raw])))
}

fn again(logged: &Logged) -> StoreResult<Answer> {
    let head = Head::read(&logged.head)?;
    let state = STATES.into_iter().find(|it| *it == logged.heading.state).unwrap_or(DONE);
    Ok(Answer { replies: head.replies(), id: Some(logged.heading.id.clone()), state, again: true })
}

/// A name of 32 digits, made from parts.
pub(crate) fn name(parts: &[&[u8]]) -> String {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    digest(&SHA256, &all).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `20261122204500.123+0000`.
fn hl7_moment(now: i64) -> String {
    let text = moment(now);
    let plain: String = text.trim_end_matches('Z').chars().filter(|it| !matches!(it, '-' | ':' | 'T')).collect();
    format!("{plain}+0000")
}

/// The number that a sender counts by; none counts as nothing.
fn number(control: &str) -> u64 {
    control.trim().parse().unwrap_or_default()
}

fn not_for_us(header: &Header) -> Option<Refusal> {
    let version = header.version.trim();
    if header.kind.trim().is_empty() {
        let says = "MSH-9 does not say what kind of message it is";
        return Some(Refusal::new("no-kind", FaultCode::RequiredFieldMissing, "MSH-9", says));
    }
    if !version.is_empty() && !version.starts_with("2") {
        let says = "only versions 2.x are read";
        let refusal = Refusal::new("version", FaultCode::UnsupportedVersion, "MSH-12", says);
        return Some(Refusal { verdict: Verdict::Rejected, ..refusal });
    }
    None
}

fn nothing_to_do(header: &Header, converted: &Converted) -> Option<Refusal> {
    let resources = &converted.read.resources;
    let has = |kind: &str| resources.iter().any(|(_, it)| text(it, &["resourceType"]) == Some(kind));
    if OF_PATIENTS.contains(&header.kind.as_str()) && !has("Patient") {
        let says = "it does not say which patient it is about";
        return Some(Refusal::new("no-patient", FaultCode::RequiredFieldMissing, "PID-3", says));
    }
    if resources.is_empty() {
        let says = "nothing in it has a mapping";
        return Some(Refusal::new("nothing-mapped", FaultCode::UnsupportedMessageType, "MSH-9", says));
    }
    None
}

/// Whom it is about: the patient of PID, not the one whom it says to be merged.
fn patient_of(converted: &Converted) -> Option<String> {
    let patients = converted.read.resources.iter().filter(|(_, it)| text(it, &["resourceType"]) == Some("Patient"));
    let merged = |it: &Value| text(it, &["link", "type"]) == Some("replaced-by");
    let mut patients: Vec<_> = patients.collect();
    patients.sort_by_key(|(_, it)| merged(it));
    patients.first().map(|(address, _)| address.clone())
}

/// Whether it may go well the next time, so that the sender should try again.
fn is_passing(error: &StoreError) -> bool {
    matches!(error, StoreError::ReadOnly(_) | StoreError::Unavailable(_) | StoreError::ItemConflict { .. })
}

fn refused(error: DoorError) -> Refusal {
    match error {
        DoorError::Invalid(issues) => {
            let first = issues.first().map(|it| it.expression.as_str()).unwrap_or_default();
            // `Observation.component[3].code` and `[4]` are one cause.
            let place = first.split('[').next().unwrap_or(first);
            let says = "what it says does not hold together in FHIR";
            let problems = issues.iter().take(NOTES).map(|it| (it.expression.clone(), it.diagnostics.clone()));
            let refusal = Refusal::new(&format!("invalid:{place}"), FaultCode::DataType, "", says);
            Refusal { problems: problems.collect(), ..refusal }
        }
        DoorError::Busy => Refusal::new("busy", FaultCode::RecordLocked, "", "what it changes was being changed"),
        DoorError::Store(_) => Refusal::new("internal", FaultCode::Internal, "", "it could not be written"),
    }
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
