//! How far prescriptions have come, for the lists of medications of staff and patients. Told only to who may read the
//! prescriptions: a page looks up what it has read.

use super::record::{self, Order, Stage};
use crate::act::Pen;
use crate::chart::When;
use fhir::Id;
use std::collections::HashMap;
use store::{Action, StoreResult};

/// The way of one prescription.
#[derive(Clone, Debug)]
pub struct Course {
    pub pharmacy: String,
    pub stage: Stage,
    pub since: When,
    pub last_fill: Option<When>,
    pub left: Left,
    /// What the pharmacy said.
    pub note: Option<String>,
    /// Why it was not sent: `no-number`, `no-prescriber`, `controlled`, `unproved`.
    pub trouble: Option<String>,
    pub cancel: Option<Cancelling>,
}

/// How often it may still be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Unknown,
    Refills(u64),
}

/// What became of the wish to cancel it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelling {
    Asked,
    Agreed,
    /// Why not.
    Denied(Option<String>),
}

/// The courses of a patient's prescriptions, by the id of the MedicationRequest.
pub async fn of_patient(pen: &Pen<'_>, patient: &Id) -> StoreResult<HashMap<String, Course>> {
    if !pen.may(Action::Read, "MedicationRequest") {
        return Ok(HashMap::new());
    }
    let orders = record::orders(pen.store(), patient, pen.now).await?;
    Ok(orders.iter().map(|it| (it.prescription.to_string(), course(it))).collect())
}

fn course(order: &Order) -> Course {
    Course {
        pharmacy: order.pharmacy_name.clone(),
        stage: order.stage,
        since: When::of_micros(order.since),
        last_fill: order.last_fill(),
        left: order.refills_left().map_or(Left::Unknown, Left::Refills),
        note: order.note.clone(),
        trouble: order.trouble.clone(),
        cancel: order.cancel.as_ref().map(|it| match &it.answer {
            None => Cancelling::Asked,
            Some(answer) if answer.approved => Cancelling::Agreed,
            Some(answer) => Cancelling::Denied(answer.note.clone()),
        }),
    }
}
