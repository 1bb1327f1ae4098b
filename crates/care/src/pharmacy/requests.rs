//! What pharmacies ask: more of a medicine, or another one in its place. Each is a proposal in the queue of renewals; the
//! decision is made there (`care::renewals`), the answer goes out by itself.

use super::compose;
use super::follow::followed;
use super::line::{Envelope, Way, control};
use super::parties::Parties;
use super::record::{self, Request, Sent, request_name, sent_name};
use crate::act::{Act, Pen};
use crate::chart::element::text;
use crate::orders::OrderError;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::StoreResult;

/// What a request in the queue says beside the proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asks {
    pub pharmacy: String,
    /// It asks for another medicine, not for more.
    pub change: bool,
    /// `out-of-stock`, `generic`…: why.
    pub code: Option<String>,
    /// In the pharmacy's words.
    pub reason: Option<String>,
    /// How many refills it asks for.
    pub refills: Option<u64>,
    /// How many alternatives there are, this one among them.
    pub alternatives: usize,
    pub answered: bool,
    pub trouble: Option<String>,
}

/// Which pharmacy asked for a proposal, and what; nothing for what was asked here.
pub async fn of(pen: &Pen<'_>, proposal: &Id) -> StoreResult<Option<Asks>> {
    let found: Option<(Request, u64)> = record::get(pen.store(), &request_name(proposal), pen.now).await?;
    Ok(found.map(|(it, _)| Asks {
        pharmacy: it.pharmacy_name,
        change: it.change,
        code: it.code,
        reason: it.reason,
        refills: it.refills,
        alternatives: it.others.len().max(1),
        answered: it.answered.is_some(),
        trouble: it.trouble,
    }))
}

/// The request that a prescription answers, unless it was answered.
pub(super) async fn answered_by(pen: &Pen<'_>, request: &Value) -> StoreResult<Option<(Id, Request, u64)>> {
    for proposal in followed(request) {
        let found: Option<(Request, u64)> = record::get(pen.store(), &request_name(&proposal), pen.now).await?;
        if let Some((asked, version)) = found.filter(|(it, _)| it.answered.is_none()) {
            return Ok(Some((proposal, asked, version)));
        }
    }
    Ok(None)
}

/// Answers a request that was refused, or put off until they were seen. Whether there was anything to answer.
pub(super) async fn refused(pen: &Pen<'_>, way: &Way, proposal: &Id, value: &Value) -> Result<bool, OrderError> {
    let status = text(value, &["status"]).unwrap_or_default();
    if !matches!(status, "cancelled" | "stopped" | "on-hold" | "entered-in-error") {
        return Ok(false);
    }
    let found: Option<(Request, u64)> = record::get(pen.store(), &request_name(proposal), pen.now).await?;
    let Some((asked, version)) = found.filter(|(it, _)| it.answered.is_none()) else { return Ok(false) };
    // Of several alternatives the last one answers for all.
    for other in asked.others.iter().filter(|it| *it != proposal) {
        let key = key(other)?;
        let open = match pen.store().read(pen.caller, &key).await {
            Ok(stored) => matches!(text(&stored.value(), &["status"]), Some("active" | "completed")),
            Err(_) => false,
        };
        if open {
            return Ok(false);
        }
    }
    let mut request = value.clone();
    request["dispenseRequest"]["performer"] = json!({ "reference": asked.pharmacy });
    request["requester"] = Value::Null;
    let parties = Parties::of(pen, &request).await?;
    let (control, ncpdp) = (control(pen), parties.ncpdp());
    let envelope = Envelope {
        to: ncpdp.as_deref(),
        control: &control,
        relates: Some(&asked.message),
        order: asked.order.as_deref(),
        pharmacy_number: asked.pharmacy_number.as_deref(),
    };
    let answer = compose::Answer {
        asked: &asked,
        outcome: "denied",
        code: (status == "on-hold").then_some("appointment"),
        words: text(value, &["statusReason", "text"]),
        prescribed: None,
    };
    let message = compose::answer(&way.wire, &envelope, &parties, &pen.organisation.name, &answer, pen.now);
    let mut act = Act::new("pharmacy.answer", &asked.patient);
    act.about(key(proposal)?);
    let sent = Sent {
        kind: message.kind.clone(),
        patient: asked.patient.clone(),
        prescription: None,
        request: Some(proposal.clone()),
    };
    act.keep(record::put(sent_name(&control), &sent, None));
    act.send(way.queued(&asked.patient, &control, &message, pen.now));
    for other in asked.others.iter().filter(|it| *it != proposal) {
        mark(&mut act, pen, other, &control).await?;
    }
    let asked = Request { answered: Some(control), ..asked };
    act.keep(record::put(request_name(proposal), &asked, Some(version)));
    pen.commit(act).await?;
    Ok(true)
}

/// Takes the other alternatives out of the queue: one was chosen.
pub(super) async fn close<'a>(
    act: &mut Act,
    pen: &Pen<'_>,
    others: impl Iterator<Item = &'a Id>,
    answer: &str,
) -> Result<(), OrderError> {
    for other in others {
        mark(act, pen, other, answer).await?;
        let key = key(other)?;
        let Ok(stored) = pen.store().read(pen.caller, &key).await else { continue };
        let mut value = stored.value();
        if text(&value, &["status"]) == Some("active") {
            value["status"] = "cancelled".into();
            value["statusReason"] = json!({ "text": "Another alternative was chosen" });
            act.update(key, stored.version, value);
        }
    }
    Ok(())
}

async fn mark(act: &mut Act, pen: &Pen<'_>, proposal: &Id, answer: &str) -> Result<(), OrderError> {
    let found: Option<(Request, u64)> = record::get(pen.store(), &request_name(proposal), pen.now).await?;
    if let Some((asked, version)) = found.filter(|(it, _)| it.answered.is_none()) {
        let asked = Request { answered: Some(answer.to_owned()), ..asked };
        act.keep(record::put(request_name(proposal), &asked, Some(version)));
    }
    Ok(())
}

fn key(proposal: &Id) -> Result<Key, OrderError> {
    Key::parse(&format!("MedicationRequest/{proposal}")).ok_or(OrderError::Unknown)
}
