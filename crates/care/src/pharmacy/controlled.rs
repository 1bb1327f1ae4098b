//! Controlled substances (21 CFR 1311): whether they may go to a pharmacy by message, and that who signs one showed a
//! second factor for it. Off unless the settings of the line say otherwise; what is off is refused at the signature with
//! the reason, and once more before anything is sent.

use super::line::way;
use super::record::{SHELF, signed_name};
use crate::access::SecondFactor;
use crate::act::{Act, Pen};
use crate::drugs;
use bytes::Bytes;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::{ItemChange, StoreResult};

/// Whether a signature may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It is no controlled drug, or goes to no pharmacy by message.
    Free,
    /// Controlled drugs do not go by message here.
    Off,
    /// A second factor must be shown.
    Asks,
}

/// What holds for a medicine that goes to a pharmacy.
pub fn leave(pen: &Pen<'_>, schedule: Option<u8>, sent: bool) -> Leave {
    match way(pen.organisation) {
        Some(way) if schedule.is_some() && sent && way.wire.controlled => Leave::Asks,
        Some(_) if schedule.is_some() && sent => Leave::Off,
        _ => Leave::Free,
    }
}

/// The schedule of a prescription's medicine.
pub(crate) fn schedule(request: &Value) -> Option<u8> {
    request.get("medicationCodeableConcept").and_then(drugs::schedule_of)
}

/// Keeps with the signature that a second factor was shown for this prescription.
pub(crate) fn witness(act: &mut Act, pen: &Pen<'_>, prescription: &Key, _shown: &SecondFactor) {
    let body = json!({ "who": &*pen.caller.who, "at": pen.now }).to_string();
    act.keep(ItemChange::put(SHELF, signed_name(&prescription.id), Bytes::from(body)));
}

/// Whether one was.
pub(super) async fn is_witnessed(pen: &Pen<'_>, prescription: &Id) -> StoreResult<bool> {
    Ok(pen.store().item(SHELF, &signed_name(prescription), pen.now).await?.is_some())
}
