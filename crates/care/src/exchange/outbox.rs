//! The outbox: messages that go to others. One is written in the commit of what it tells of ([`queued`]), so that after
//! a loss of power there are both or neither; it lies in the same log as what comes in, with what was answered.
//!
//! Messages about one patient go one after the other over a channel, in the order in which they were made. What cannot
//! be delivered is tried again, later each time, under the same number (MSH-10) and with the same bytes, so that a
//! partner who has it already knows it. What the partner refuses is kept with the answer and holds nobody up. The
//! sockets are for `server`.

use super::intake::{FAILED, Head, name};
use crate::Organisation;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::Id;
use formats::v2::Message;
use std::collections::HashSet;
use store::audit::Event;
use store::{Caller, Heading, ItemExpect, Logged, MessageChange, MessageQuery, StoreError, StoreResult};

/// It waits to be sent.
pub const WAITING: &str = "waiting";
/// The partner has it and said so.
pub const SENT: &str = "sent";

/// Looked at once: more wait behind those.
const LOOKED_AT: usize = 500;
/// How long until it is tried again, in microseconds: doubled with each try, up to the second.
const FIRST_PAUSE: i64 = 2_000_000;
const LONGEST_PAUSE: i64 = 300_000_000;
/// A partner that rejects (AR, CR) may mean "not now"; after so many times it means "never".
const REJECTED: u32 = 5;
/// What is kept of the reasons for trying again.
const TROUBLES: usize = 20;

/// A message for somebody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Over which channel.
    pub channel: String,
    /// Whom it is about here; messages about one patient keep their order.
    pub patient: Option<Id>,
    /// `ORU^R01`, `NewRx`.
    pub kind: String,
    /// What we call it, once on a channel: MSH-10.
    pub control: String,
    pub body: Vec<u8>,
}

/// A message that waits.
#[derive(Clone)]
pub struct Queued {
    pub heading: Heading,
    pub body: Bytes,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The partner has it; its answer.
    Accepted(Vec<u8>),
    /// The partner does not want it as it is; its answer.
    Refused(Vec<u8>),
    /// The partner rejects it, which may be otherwise later; its answer.
    Rejected(Vec<u8>),
    /// It may have arrived or not; why, in words without anything of the message.
    Failed(String),
}

/// A row for the log, for the commit of what the message tells of. Where one commit has several messages about a patient,
/// each is given a moment of its own, in their order.
pub fn queued(outgoing: Outgoing, now: i64) -> MessageChange {
    told(outgoing, Vec::new(), now)
}

/// The same, with what it tells of: `ServiceRequest/7`, version 1. A message of the same channel and number is the same
/// message: it is not written a second time.
pub(super) fn told(outgoing: Outgoing, of: Vec<(String, u64)>, now: i64) -> MessageChange {
    let Outgoing { channel, patient, kind, control, body } = outgoing;
    let id = name(&[channel.as_bytes(), b"out", control.as_bytes()]);
    let head = Head { of, ..Head::default() };
    let head = match Message::read(&body) {
        Ok(message) => Head {
            structure: message.text("MSH-9.3").into_owned(),
            version: message.text("MSH-12.1").into_owned(),
            receiver: [message.text("MSH-5"), message.text("MSH-6")].join("|").trim_matches('|').to_owned(),
            ..head
        },
        Err(_) => head,
    };
    let heading = Heading {
        id,
        version: 0,
        at: now,
        channel,
        state: WAITING.to_owned(),
        kind,
        control,
        sender: String::new(),
        patient: patient.map(|it| it.to_string()),
        cause: None,
        size: body.len() as i64,
        outgoing: true,
        due: Some(now),
    };
    MessageChange { message: Logged { heading, head: head.write(), raw: body.into() }, expect: ItemExpect::Absent }
}

/// What can be sent now, oldest first, one at a time for each patient. For the program itself, since it tells all.
pub async fn due(organisation: &Organisation, caller: &Caller, channel: &str, now: i64) -> StoreResult<Vec<Queued>> {
    if !caller.rights.are_everything() {
        return Err(StoreError::Forbidden);
    }
    let query = MessageQuery {
        channel: Some(channel.to_owned()),
        waiting: true,
        oldest_first: true,
        ..MessageQuery::default()
    };
    let waiting = organisation.store.messages(&query, LOOKED_AT).await?;
    let mut behind = HashSet::new();
    let mut ready = Vec::new();
    for heading in waiting {
        // What is about nobody keeps its order among its like.
        let first = behind.insert(heading.patient.clone());
        if first && heading.due.is_some_and(|due| due <= now) {
            // It may have been sent or set aside since.
            let Some(logged) = organisation.store.message(&heading.id).await? else { continue };
            if logged.heading.due.is_some() {
                ready.push(Queued { heading: logged.heading, body: logged.raw });
            }
        }
    }
    Ok(ready)
}

/// How much waits on a channel, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    pub oldest: Option<i64>,
}

/// Writes down what became of a try. Returns whether it is tried again.
pub async fn settled(
    organisation: &Organisation,
    caller: &Caller,
    id: &str,
    outcome: Outcome,
    now: i64,
) -> StoreResult<bool> {
    let Some(mut message) = organisation.store.message(id).await? else { return Ok(false) };
    if message.heading.due.is_none() {
        return Ok(false);
    }
    let mut head = Head::read(&message.head)?;
    head.attempts += 1;
    let heading = &mut message.heading;
    let (state, answer, trouble) = match outcome {
        Outcome::Accepted(answer) => (Some(SENT), Some(answer), None),
        Outcome::Refused(answer) => (Some(FAILED), Some(answer), None),
        Outcome::Rejected(answer) if head.attempts >= REJECTED => (Some(FAILED), Some(answer), None),
        Outcome::Rejected(answer) => (None, Some(answer), Some("the partner rejected it".to_owned())),
        Outcome::Failed(why) => (None, None, Some(why)),
    };
    if let Some(answer) = answer {
        head.verdict = said(&answer);
        head.answers = if answer.is_empty() { Vec::new() } else { vec![STANDARD.encode(&answer)] };
    }
    if let Some(trouble) = trouble {
        head.troubles.push((now, trouble));
        let many = head.troubles.len().saturating_sub(TROUBLES);
        head.troubles.drain(..many);
    }
    match state {
        Some(state) => {
            heading.state = state.to_owned();
            heading.due = None;
            heading.cause = (state == FAILED).then(|| cause(&head));
            head.settled = Some(now);
        }
        None => heading.due = Some(now + pause(head.attempts)),
    }
    let again = heading.due.is_some();
    message.head = head.write();
    let expect = ItemExpect::Version(message.heading.version);
    // Whose data left, for the accounting of disclosures.
    let delivered = message.heading.state == SENT;
    let mut event = Event::of(if delivered { "send" } else { "try" })
        .detail(format!("{} over {}", message.heading.kind, message.heading.channel));
    event.patients.extend(message.heading.patient.as_deref().and_then(Id::parse));
    organisation.store.log_as(caller, event, vec![MessageChange { message, expect }], now).await?;
    Ok(again)
}

/// Puts what was refused, or what was sent, into the queue again, as it is. Nothing for what came in.
pub(super) fn again(mut message: Logged, now: i64) -> StoreResult<Option<MessageChange>> {
    if !message.heading.outgoing {
        return Ok(None);
    }
    let mut head = Head::read(&message.head)?;
    head.attempts = 0;
    head.settled = None;
    message.head = head.write();
    message.heading.state = WAITING.to_owned();
    message.heading.cause = None;
    message.heading.due = Some(now);
    let expect = ItemExpect::Version(message.heading.version);
    Ok(Some(MessageChange { message, expect }))
}

fn pause(attempts: u32) -> i64 {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE)
}

/// The code of an acknowledgement; nothing for an answer that is none.
fn said(answer: &[u8]) -> String {
    Message::read(answer).map(|it| it.text("MSA-1").chars().take(2).collect()).unwrap_or_default()
}

/// Those that were refused for the same reason have the same cause: the verdict and the code of the error.
fn cause(head: &Head) -> String {
    let answer = head.replies().into_iter().next().and_then(|it| Message::read(&it).ok());
    let code = answer.map(|it| it.text("ERR-3.1").into_owned()).unwrap_or_default();
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("refused:{}", [head.verdict.as_str(), &code].join(" ").trim())
}

/// What an answer of HL7 v2 means for the message with this number (2.9.2): whatever acknowledges another message
/// acknowledges nothing.
pub fn judged(answer: &[u8], control: &str) -> Outcome {
    let Ok(message) = Message::read(answer) else {
        return Outcome::Failed("the answer is no acknowledgement".to_owned());
    };
    if message.text("MSA-2").trim() != control {
        return Outcome::Failed("the answer acknowledges another message".to_owned());
    }
    match &*message.text("MSA-1") {
        "AA" | "CA" => Outcome::Accepted(answer.to_vec()),
        "AE" | "CE" => Outcome::Refused(answer.to_vec()),
        "AR" | "CR" => Outcome::Rejected(answer.to_vec()),
        _ => Outcome::Failed("the answer has no verdict".to_owned()),
    }
}

/// How much waits on each channel.
pub async fn depth(organisation: &Organisation, channel: &str) -> StoreResult<Depth> {
    let counts = organisation.store.message_counts().await?;
    Ok(depth_of(&counts, channel))
}

pub(super) fn depth_of(counts: &[store::MessageCount], channel: &str) -> Depth {
    let own = counts.iter().filter(|it| it.channel == channel && it.state == WAITING);
    own.fold(Depth::default(), |sum, it| Depth {
        waiting: sum.waiting + it.count,
        oldest: Some(sum.oldest.map_or(it.first, |oldest| oldest.min(it.first))),
    })
}

#[cfg(test)]
mod tests;
