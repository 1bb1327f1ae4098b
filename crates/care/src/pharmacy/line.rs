//! The line over which an organisation speaks with pharmacies: one channel of the settings whose messages are SCRIPT,
//! to a network or to one pharmacy. Without one nothing is sent, and pages offer nothing to send to.

use crate::Organisation;
use crate::act::{Pen, moment};
use crate::exchange::channel::{Format, Line};
use crate::exchange::outbox::{self, Outcome, Outgoing};
use fhir::Id;
use formats::script::{HEADER, Mapping, Message, Part, kind, read, write};
use std::sync::Arc;
use store::MessageChange;

/// How SCRIPT is spoken over a channel.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// By what the other side knows this practice.
    pub own: String,
    /// Another mapping than the usual: a site's licensed schema.
    pub mapping: Option<Arc<Mapping>>,
    /// Controlled substances may be sent, each with a second factor shown at the signature.
    pub controlled: bool,
    /// Messages go out over this channel; over others they only come in.
    pub sends: bool,
    /// The pharmacy of the demonstration, inside this program.
    pub simulated: bool,
}

impl Wire {
    pub fn mapping(&self) -> &Mapping {
        self.mapping.as_deref().unwrap_or_else(|| Mapping::standard())
    }
}

/// A channel with how it speaks.
pub(crate) struct Way {
    pub(crate) line: Arc<Line>,
    pub(crate) wire: Arc<Wire>,
}

/// The line of an organisation, if it has one.
pub(crate) fn way(organisation: &Organisation) -> Option<Way> {
    let lines = organisation.surroundings.interfaces()?.of(&organisation.slug);
    let mut ways = lines.into_iter().filter_map(|line| match &line.channel.format {
        Format::Script(wire) if wire.sends => Some(Way { wire: wire.clone(), line }),
        _ => None,
    });
    ways.next()
}

/// Whether prescriptions can be sent from here at all.
pub fn sends(organisation: &Organisation) -> bool {
    way(organisation).is_some()
}

/// A fresh number for a message (NCPDP, an..35).
pub(super) fn control(pen: &Pen<'_>) -> String {
    let id = pen.organisation.surroundings.new_id();
    id.chars().filter(|it| *it != '-').take(35).collect()
}

/// What the header of a message of ours says.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    /// The number of the pharmacy; none for a network that answers for all.
    pub(super) to: Option<&'a str>,
    pub(super) control: &'a str,
    pub(super) relates: Option<&'a str>,
    pub(super) order: Option<&'a str>,
    pub(super) pharmacy_number: Option<&'a str>,
}

pub(super) fn header(wire: &Wire, envelope: &Envelope<'_>, now: i64) -> Part {
    Part::new(HEADER)
        .maybe("to", envelope.to)
        .maybe("to.kind", envelope.to.map(|_| "P"))
        .say("from", &wire.own)
        .say("from.kind", "D")
        .say("id", envelope.control)
        .maybe("relates-to", envelope.relates)
        .say("sent", moment(now))
        .say("developer", "Continuo")
        .say("product", "Continuo")
        .maybe("pharmacy-order", envelope.pharmacy_number)
        .maybe("order", envelope.order)
}

impl Way {
    /// A message for the outbox, for the commit of what it tells of.
    pub(super) fn queued(&self, patient: &Id, control: &str, message: &Message, now: i64) -> MessageChange {
        let outgoing = Outgoing {
            channel: self.line.channel.name.clone(),
            patient: Some(patient.clone()),
            kind: message.kind.clone(),
            control: control.to_owned(),
            body: write(message, self.wire.mapping()),
        };
        outbox::queued(outgoing, now)
    }
}

/// What an answer over the line means for the message of ours with this number. What it says besides is for whoever takes
/// it in.
pub fn judged(wire: &Wire, answer: &[u8], control: &str) -> Outcome {
    if answer.trim_ascii().is_empty() {
        return Outcome::Accepted(Vec::new());
    }
    let Ok(received) = read(answer, wire.mapping()) else {
        return Outcome::Failed("the answer is no SCRIPT message".to_owned());
    };
    let message = received.message;
    if message.header("relates-to").is_some_and(|it| it != control) {
        return Outcome::Failed("the answer is about another message".to_owned());
    }
    match (message.kind.as_str(), message.get("status", "code")) {
        // The network or the pharmacy is away for now.
        (kind::ERROR, Some("600" | "601" | "602")) => Outcome::Rejected(answer.to_vec()),
        (kind::ERROR, _) => Outcome::Refused(answer.to_vec()),
        _ => Outcome::Accepted(answer.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_what_it_is_and_what_it_is_about() {
        let wire = Wire::default();
        let answer = |kind: &str, code: &str, relates: &str| {
            let header = Part::new(HEADER).say("id", "1").say("relates-to", relates);
            write(&Message::new(kind).with(header).with(Part::new("status").say("code", code)), wire.mapping())
        };
        let judge = |answer: &[u8]| judged(&wire, answer, "7");
        assert!(matches!(judge(b" "), Outcome::Accepted(it) if it.is_empty()));
        assert!(matches!(judge(&answer(kind::STATUS, "010", "7")), Outcome::Accepted(_)));
        assert!(matches!(judge(&answer(kind::STATUS, "010", "6")), Outcome::Failed(_)));
        assert!(matches!(judge(&answer(kind::ERROR, "900", "7")), Outcome::Refused(_)));
        assert!(matches!(judge(&answer(kind::ERROR, "601", "7")), Outcome::Rejected(_)));
        assert!(matches!(judge(b"<html>proxy</html>"), Outcome::Failed(_)));
    }
}
