//! Messages to pharmacies, made from what stands in the record.

use super::line::{Envelope, Wire, header};
use super::parties::{Parties, medicine_part};
use super::record::Request;
use fhir::Value;
use formats::script::{Message, Part, kind};

/// The prescription itself.
pub(super) fn new_rx(
    wire: &Wire,
    envelope: &Envelope<'_>,
    parties: &Parties,
    practice: &str,
    request: &Value,
    now: i64,
) -> Message {
    of_order(kind::NEW_RX, wire, envelope, parties, practice, now).with(medicine_part("prescribed", request))
}

/// That it is not wanted any more.
pub(super) fn cancel(
    wire: &Wire,
    envelope: &Envelope<'_>,
    parties: &Parties,
    practice: &str,
    request: &Value,
    now: i64,
) -> Message {
    Message::new(kind::CANCEL)
        .with(header(wire, envelope, now))
        .with(Part::new("cancel").say("kind", "cancel"))
        .with(parties.patient_part())
        .with(parties.pharmacy_part())
        .with(parties.prescriber_part(practice))
        .with(medicine_part("prescribed", request))
}

/// The answer to what a pharmacy asked.
pub(super) struct Answer<'a> {
    pub(super) asked: &'a Request,
    /// `approved`, `changed`, `denied`.
    pub(super) outcome: &'a str,
    /// `appointment`, `contact-first`.
    pub(super) code: Option<&'a str>,
    pub(super) words: Option<&'a str>,
    /// What is prescribed with it.
    pub(super) prescribed: Option<&'a Value>,
}

pub(super) fn answer(
    wire: &Wire,
    envelope: &Envelope<'_>,
    parties: &Parties,
    practice: &str,
    answer: &Answer<'_>,
    now: i64,
) -> Message {
    let (kind, medicine) = match answer.asked.change {
        true => (kind::CHANGE_RESPONSE, "prescribed"),
        false => (kind::RENEWAL_RESPONSE, "answered"),
    };
    let words = if answer.outcome == "denied" { "denial" } else { "note" };
    let response =
        Part::new("response").say("outcome", answer.outcome).maybe("reason", answer.code).maybe(words, answer.words);
    let message = Message::new(kind).with(header(wire, envelope, now)).with(response);
    let message =
        message.with(parties.patient_part()).with(parties.pharmacy_part()).with(parties.prescriber_part(practice));
    match answer.prescribed {
        Some(request) => message.with(medicine_part(medicine, request)),
        None => message,
    }
}

/// The question what others handed out.
pub(super) fn history(wire: &Wire, control: &str, patient: Part, prescriber: Part, now: i64) -> Message {
    Message::new(kind::HISTORY_REQUEST)
        .with(header(wire, &Envelope { control, ..Envelope::default() }, now))
        .with(Part::new("consent").say("given", "yes"))
        .with(prescriber)
        .with(patient)
}

fn of_order(kind: &str, wire: &Wire, envelope: &Envelope<'_>, parties: &Parties, practice: &str, now: i64) -> Message {
    Message::new(kind)
        .with(header(wire, envelope, now))
        .with(parties.patient_part())
        .with(parties.pharmacy_part())
        .with(parties.prescriber_part(practice))
}
