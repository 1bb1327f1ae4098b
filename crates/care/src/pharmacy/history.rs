//! What other pharmacies handed out: asked for with the patient's consent, answered by messages whose fills stand apart
//! until somebody reconciles them.

use super::compose;
use super::line::{control, way};
use super::parties::{Parties, patient_part};
use super::record::{self, History, Sent, history_name, sent_name};
use crate::act::{Act, Pen};
use crate::ask;
use crate::chart::When;
use crate::orders::OrderError;
use fhir::{Id, Key, Value};
use formats::script::kind;
use serde_json::json;
use store::{Action, StoreResult};

/// How long an answer may take before it may be asked again.
const PATIENCE: i64 = 10 * 60_000_000;

/// How it stands with the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub asked: When,
    pub answered: Option<When>,
    pub found: usize,
    /// Why there is no answer.
    pub note: Option<String>,
    /// It may be asked now.
    pub free: bool,
}

/// Whether and when it was asked last.
pub async fn asked(pen: &Pen<'_>, patient: &Id) -> StoreResult<Option<Asked>> {
    if !pen.may(Action::Read, "MedicationStatement") {
        return Ok(None);
    }
    let found: Option<(History, u64)> = record::get(pen.store(), &history_name(patient), pen.now).await?;
    Ok(found.map(|(it, _)| Asked {
        asked: When::of_micros(it.asked),
        answered: it.answered.map(When::of_micros),
        found: it.found,
        free: it.answered.is_some() || it.note.is_some() || it.asked + PATIENCE < pen.now,
        note: it.note,
    }))
}

/// Asks, with the patient's consent.
pub async fn ask_for(pen: &Pen<'_>, patient: &Id, once: &str) -> Result<(), OrderError> {
    let Some(way) = way(pen.organisation) else { return Err(OrderError::Unknown) };
    if pen.written_before(once).await?.is_some() {
        return Ok(());
    }
    let row = ask::read(pen.store(), pen.caller, "Patient", patient).await?;
    let before: Option<(History, u64)> = record::get(pen.store(), &history_name(patient), pen.now).await?;
    if before
        .as_ref()
        .is_some_and(|(it, _)| it.answered.is_none() && it.note.is_none() && it.asked + PATIENCE > pen.now)
    {
        return Err(OrderError::Changed);
    }
    let control = control(pen);
    let asker = match pen.author {
        Some(author) => json!({ "requester": { "reference": author.to_string() } }),
        None => Value::Null,
    };
    let subject = json!({ "subject": { "reference": format!("Patient/{patient}") }, "requester": asker["requester"] });
    let parties = Parties::of(pen, &subject).await?;
    let prescriber = parties.prescriber_part(&pen.organisation.name);
    let message = compose::history(&way.wire, &control, patient_part(&row.value, patient), prescriber, pen.now);
    let mut act = Act::new("pharmacy.history", patient).once(once);
    act.about(Key::parse(&format!("Patient/{patient}")).ok_or(OrderError::Unknown)?);
    let asked = History {
        patient: patient.clone(),
        control: control.clone(),
        asked: pen.now,
        answered: None,
        found: 0,
        note: None,
    };
    act.keep(record::put(history_name(patient), &asked, before.map(|it| it.1)));
    let sent = Sent { kind: kind::HISTORY_REQUEST.into(), patient: patient.clone(), prescription: None, request: None };
    act.keep(record::put(sent_name(&control), &sent, None));
    act.send(way.queued(patient, &control, &message, pen.now));
    pen.commit(act).await?;
    Ok(())
}
