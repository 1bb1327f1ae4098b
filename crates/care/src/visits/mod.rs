//! A visit from the door to the end: who is expected, who is here and how far they are (the rooming board), the start of
//! a visit that was booked and of one that was not, its steps, and what was done in it.
//!
//! An Encounter says how far (FHIR R4, 8.11): `arrived`, with a place when somebody was roomed; `triaged` when they are
//! ready for the clinician; `in-progress` with the clinician; `finished`. What was before stays in `statusHistory`. A
//! front desk that may not write encounters marks the Appointment; whoever rooms the patient makes the Encounter of it.

mod board;
mod gather;

pub use board::{Board, Place, Seat, board};
pub use gather::{Gathered, Line, gather};

use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::element::{list, owned, text};
use crate::shapes::{US_CORE, hl7};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use store::{Action, StoreResult};

/// How far somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Booked,
    Arrived,
    Roomed,
    Ready,
    WithClinician,
    Done,
    /// Left without being seen, or did not come.
    Left,
}

/// The name of each step in forms.
pub const STEPS: [(&str, Step); 7] = [
    ("booked", Step::Booked),
    ("arrived", Step::Arrived),
    ("roomed", Step::Roomed),
    ("ready", Step::Ready),
    ("with-clinician", Step::WithClinician),
    ("done", Step::Done),
    ("left", Step::Left),
];

impl Step {
    pub fn parse(name: &str) -> Option<Step> {
        STEPS.iter().find(|(it, _)| *it == name).map(|(_, step)| *step)
    }

    pub fn name(self) -> &'static str {
        STEPS.iter().find(|(_, step)| *step == self).map_or("", |(name, _)| name)
    }

    fn of(encounter: &Value) -> Option<Step> {
        let roomed = list(encounter, "location").iter().any(|it| text(it, &["status"]) != Some("completed"));
        Some(match text(encounter, &["status"])? {
            "planned" => Step::Booked,
            "arrived" if roomed => Step::Roomed,
            "arrived" => Step::Arrived,
            "triaged" => Step::Ready,
            "in-progress" | "onleave" => Step::WithClinician,
            "finished" => Step::Done,
            "cancelled" => Step::Left,
            _ => return None,
        })
    }

    fn status(self) -> &'static str {
        match self {
            Step::Booked => "planned",
            Step::Arrived | Step::Roomed => "arrived",
            Step::Ready => "triaged",
            Step::WithClinician => "in-progress",
            Step::Done => "finished",
            Step::Left => "cancelled",
        }
    }
}

const KIND: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// What is known when somebody comes.
#[derive(Clone, Debug, Default)]
pub struct Coming {
    /// Why, in their words.
    pub reason: Option<String>,
    /// Whom they come to.
    pub clinician: Option<Key>,
    pub room: Option<String>,
}

fn encounter_key(id: &Id) -> Key {
    Key::new(ResourceType::parse("Encounter").expect("a type of R4"), id.clone())
}

fn appointment_key(id: &Id) -> Key {
    Key::new(ResourceType::parse("Appointment").expect("a type of R4"), id.clone())
}

/// Whether the writer may have visits begin at all, by an Encounter or by an Appointment.
pub fn may_begin(pen: &Pen<'_>) -> bool {
    pen.may(Action::Create, "Encounter") || pen.may(Action::Create, "Appointment")
}

/// Somebody came without an appointment. Where the role may write encounters the visit begins; else the appointment
/// says that they are here.
pub async fn walk_in(pen: &Pen<'_>, patient: &Id, coming: &Coming, mut act: Act) -> Result<Written, ActError> {
    if pen.may(Action::Create, "Encounter") {
        let it = encounter(pen, patient, coming, None).await?;
        act.create(pen, it);
    } else {
        act.create(pen, walk_in_appointment(pen, patient, coming));
    }
    pen.commit(act).await
}

fn walk_in_appointment(pen: &Pen<'_>, patient: &Id, coming: &Coming) -> Value {
    let mut participants = vec![
        json!({ "actor": { "reference": format!("Patient/{patient}") }, "required": "required", "status": "accepted" }),
    ];
    if let Some(clinician) = &coming.clinician {
        participants.push(
            json!({ "actor": { "reference": clinician.to_string() }, "required": "required", "status": "accepted" }),
        );
    }
    let mut it = json!({
        "resourceType": "Appointment",
        "status": "arrived",
        "appointmentType": hl7("v2-0276", "WALKIN", "A previously unscheduled walk-in visit"),
        "start": pen.moment(),
        "end": crate::act::moment(pen.now + 20 * 60_000_000),
        "created": pen.moment(),
        "participant": participants,
    });
    if let Some(reason) = &coming.reason {
        it["description"] = json!(reason);
        it["reasonCode"] = json!([{ "text": reason }]);
    }
    it
}

/// Somebody who was expected is here.
pub async fn arrive(
    pen: &Pen<'_>,
    patient: &Id,
    appointment: &Id,
    version: u64,
    mut act: Act,
) -> Result<Written, ActError> {
    let (mut value, _) = of_patient(pen, patient, appointment).await?;
    value["status"] = json!("arrived");
    act.update(appointment_key(appointment), version, value);
    pen.commit(act).await
}

/// Somebody who was expected did not come.
pub async fn missed(
    pen: &Pen<'_>,
    patient: &Id,
    appointment: &Id,
    version: u64,
    mut act: Act,
) -> Result<Written, ActError> {
    let (mut value, _) = of_patient(pen, patient, appointment).await?;
    value["status"] = json!("noshow");
    act.update(appointment_key(appointment), version, value);
    pen.commit(act).await
}

/// Makes the visit of an appointment, at the step that was reached.
pub async fn begin(
    pen: &Pen<'_>,
    patient: &Id,
    appointment: &Id,
    version: u64,
    to: Step,
    room: Option<String>,
    mut act: Act,
) -> Result<Written, ActError> {
    let (mut booked, _) = of_patient(pen, patient, appointment).await?;
    let clinician = list(&booked, "participant")
        .iter()
        .filter_map(|it| text(it, &["actor", "reference"]).and_then(Key::parse))
        .find(|it| it.kind.name() == "Practitioner");
    let reason = owned(&booked, &["description"])
        .or_else(|| booked.get("serviceType").and_then(|it| it.get(0)).and_then(crate::chart::element::concept));
    let coming = Coming { reason, clinician, room };
    let mut visit = encounter(pen, patient, &coming, Some(appointment)).await?;
    advance(pen, &mut visit, to, None);
    act.create(pen, visit);
    booked["status"] = json!(if to == Step::Done { "fulfilled" } else { "checked-in" });
    act.update(appointment_key(appointment), version, booked);
    pen.commit(act).await
}

/// An appointment of this patient with its version.
async fn of_patient(pen: &Pen<'_>, patient: &Id, appointment: &Id) -> StoreResult<(Value, u64)> {
    let row = ask::read(pen.store(), pen.caller, "Appointment", appointment).await?;
    let own = format!("Patient/{patient}");
    let about = list(&row.value, "participant").iter().any(|it| text(it, &["actor", "reference"]) == Some(&own));
    if !about {
        return Err(store::StoreError::NotFound(appointment_key(appointment)));
    }
    let version = ask::version(&row.value);
    Ok((row.value, version))
}

async fn encounter(pen: &Pen<'_>, patient: &Id, coming: &Coming, appointment: Option<&Id>) -> StoreResult<Value> {
    let mut it = json!({
        "resourceType": "Encounter",
        "meta": { "profile": [format!("{US_CORE}us-core-encounter")] },
        "status": "arrived",
        "class": { "system": KIND, "code": "AMB", "display": "ambulatory" },
        "type": [{ "text": "Office visit" }],
        "subject": { "reference": format!("Patient/{patient}") },
        "period": { "start": pen.moment() },
        "serviceProvider": pen.employer().await?,
    });
    if let Some(reason) = &coming.reason {
        it["reasonCode"] = json!([{ "text": reason }]);
    }
    if let Some(clinician) = &coming.clinician {
        let names = crate::entries::staff(pen).await?;
        let name = names.into_iter().find(|(key, _)| key == clinician).map(|(_, name)| name);
        it["participant"] = json!([participant(clinician, name.as_deref(), None)]);
    }
    if let Some(room) = &coming.room {
        it["location"] = json!([roomed(room, &pen.moment())]);
    }
    if let Some(appointment) = appointment {
        it["appointment"] = json!([{ "reference": format!("Appointment/{appointment}") }]);
    }
    Ok(it)
}

fn participant(who: &Key, name: Option<&str>, since: Option<&str>) -> Value {
    let mut individual = json!({ "reference": who.to_string() });
    if let Some(name) = name {
        individual["display"] = json!(name);
    }
    let mut it = json!({
        "type": [hl7("v3-ParticipationType", "PPRF", "primary performer")],
        "individual": individual,
    });
    if let Some(since) = since {
        it["period"] = json!({ "start": since });
    }
    it
}

fn roomed(room: &str, since: &str) -> Value {
    json!({ "location": { "display": room }, "status": "active", "period": { "start": since } })
}

/// Puts a visit at a step; what was before goes into its history.
fn advance(pen: &Pen<'_>, it: &mut Value, to: Step, room: Option<&str>) {
    let now = pen.moment();
    let before = owned(it, &["status"]).unwrap_or_default();
    if before != to.status() {
        let mut history = list(it, "statusHistory").to_vec();
        let since =
            history.last().and_then(|it| owned(it, &["period", "end"])).or_else(|| owned(it, &["period", "start"]));
        let period = crate::shapes::trimmed(json!({ "start": since, "end": now }));
        history.push(json!({ "status": before, "period": period }));
        it["statusHistory"] = Value::Array(history);
        it["status"] = json!(to.status());
    }
    if let Some(room) = room {
        let mut places = left(it, &now);
        places.push(roomed(room, &now));
        it["location"] = Value::Array(places);
    }
    if to == Step::WithClinician
        && let Some(author) = pen.author.filter(|it| it.kind.name() == "Practitioner")
    {
        let mut all = list(it, "participant").to_vec();
        let own = author.to_string();
        if !all.iter().any(|it| text(it, &["individual", "reference"]) == Some(&own)) {
            all.push(participant(author, Some(&pen.caller.display), Some(&now)));
            it["participant"] = Value::Array(all);
        }
    }
    if to == Step::Arrived {
        // Back in the waiting room.
        let places = left(it, &now);
        if !places.is_empty() {
            it["location"] = Value::Array(places);
        }
    }
    if matches!(to, Step::Done | Step::Left) {
        let places = left(it, &now);
        if !places.is_empty() {
            it["location"] = Value::Array(places);
        }
        it["period"]["end"] = json!(now);
    } else if let Some(period) = it.get_mut("period").and_then(Value::as_object_mut) {
        // A visit that was closed by mistake goes on.
        period.remove("end");
    }
}

/// The places of a visit, all of them left now.
fn left(it: &Value, now: &str) -> Vec<Value> {
    let mut places = list(it, "location").to_vec();
    for place in &mut places {
        if text(place, &["status"]) != Some("completed") {
            place["status"] = json!("completed");
            place["period"]["end"] = json!(now);
        }
    }
    places
}

/// Moves a visit to a step, and into a room when one is named. Closing it fulfils its appointment.
pub async fn proceed(
    pen: &Pen<'_>,
    patient: &Id,
    visit: &Id,
    version: u64,
    to: Step,
    room: Option<&str>,
    mut act: Act,
) -> Result<Written, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, patient, "Encounter", visit).await?;
    advance(pen, &mut value, to, room);
    if to == Step::Done
        && let Some(key) = text(&value, &["appointment", "reference"]).and_then(Key::parse)
        && pen.may(Action::Update, "Appointment")
        && let Ok((mut booked, version)) = of_patient(pen, patient, &key.id).await
        && text(&booked, &["status"]) != Some("fulfilled")
    {
        booked["status"] = json!("fulfilled");
        act.update(key, version, booked);
    }
    act.update(encounter_key(visit), version, value);
    pen.commit(act).await
}

/// The visit during which something is written: the one of this patient that is open now, if there is one.
pub async fn open_visit(pen: &Pen<'_>, patient: &Id) -> StoreResult<Option<Id>> {
    if !pen.may(Action::Search, "Encounter") {
        return Ok(None);
    }
    let asked = [
        ("patient", format!("Patient/{patient}")),
        ("status", "arrived,triaged,in-progress".to_owned()),
        ("_sort", "-date".to_owned()),
    ];
    let found = ask::matches(pen.store(), pen.caller, "Encounter", &asked, 1).await?;
    Ok(found.rows.first().and_then(|it| text(&it.value, &["id"])).and_then(Id::parse))
}

#[cfg(test)]
mod tests;
