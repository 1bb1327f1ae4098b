//! What follows from what was written: a prescription for a pharmacy is sent, one that was stopped is cancelled there, a
//! request that was decided is answered. The change log is followed from where it was left, so that a loss of power
//! loses nothing and sends nothing twice.

use super::compose;
use super::controlled::{is_witnessed, schedule};
use super::line::{Envelope, Way, control, way};
use super::parties::{Parties, dispenser, drug_of};
use super::record::{self, Cancel, Order, Request, SHELF, Sent, Stage, number_of, order_name, request_name, sent_name};
use super::requests;
use crate::Organisation;
use crate::act::{Act, Pen};
use crate::chart::element::{at, list, owned, text};
use crate::exchange::origin;
use crate::inbox::{self, Priority};
use crate::orders::OrderError;
use bytes::Bytes;
use fhir::{Id, Key, Value};
use formats::script::kind;
use serde_json::json;
use store::audit::Event;
use store::{Caller, ItemChange, StoreError, StoreResult};

const FOLLOWED: &str = "followed";
const AT_ONCE: usize = 500;
const TASK_CODE: &str = "http://hl7.org/fhir/CodeSystem/task-code";

/// Why a prescription was not sent, for the Task and the inbox.
const TROUBLES: [(&str, &str); 4] = [
    ("no-number", "the pharmacy has no NCPDP number in the directory"),
    ("no-prescriber", "the prescriber is no practitioner of the directory"),
    ("controlled", "controlled drugs are not sent from here"),
    ("unproved", "it is a controlled drug, and no second factor was shown when it was signed"),
];

fn said(trouble: &str) -> &'static str {
    TROUBLES.iter().find(|it| it.0 == trouble).map_or("it could not be sent", |it| it.1)
}

/// Sends what is to be sent. Returns how many prescriptions and requests it did something about. It begins with what is
/// written after there is a line to pharmacies, and never sends what was written before.
pub async fn follow(organisation: &Organisation, now: i64) -> Result<usize, OrderError> {
    let caller = Caller::system("pharmacy");
    let pen = Pen { organisation, caller: &caller, author: None, now };
    let kept = pen.store().item(FOLLOWED, SHELF, now).await?;
    let Some(way) = way(organisation) else {
        // Whoever sets up a line later does not send what was signed without one.
        if kept.is_some() {
            let change = ItemChange::delete(FOLLOWED, SHELF);
            pen.store().keep(&caller, Event::of("follow"), vec![change], now).await?;
        }
        return Ok(0);
    };
    let last = pen.store().last_change(&caller).await?;
    let Some(kept) = kept else {
        keep(&pen, last).await?;
        return Ok(0);
    };
    let mut after: u64 = std::str::from_utf8(&kept.body).ok().and_then(|it| it.parse().ok()).unwrap_or(last);
    if last <= after {
        return Ok(0);
    }
    let mut done = 0;
    loop {
        let changes = pen.store().changes(&caller, after, AT_ONCE).await?;
        let Some(end) = changes.last().map(|it| it.sequence) else { break };
        for change in changes.iter().filter(|it| it.key.kind.name() == "MedicationRequest") {
            match consider(&pen, &way, &change.key).await {
                Ok(acted) => done += usize::from(acted),
                // Somebody writes it at this moment: the next time begins here again.
                Err(OrderError::Changed) => {
                    keep(&pen, change.sequence.saturating_sub(1)).await?;
                    return Ok(done);
                }
                Err(other) => return Err(other),
            }
        }
        after = end;
        if changes.len() < AT_ONCE {
            break;
        }
    }
    keep(&pen, after.max(last)).await?;
    Ok(done)
}

async fn keep(pen: &Pen<'_>, place: u64) -> StoreResult<()> {
    let change = ItemChange::put(FOLLOWED, SHELF, Bytes::from(place.to_string()));
    pen.store().keep(pen.caller, Event::of("follow"), vec![change], pen.now).await
}

async fn consider(pen: &Pen<'_>, way: &Way, key: &Key) -> Result<bool, OrderError> {
    // It may be changed again by now; what is there now counts.
    let stored = match pen.store().read(pen.caller, key).await {
        Ok(stored) => stored,
        Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => return Ok(false),
        Err(other) => return Err(other.into()),
    };
    let value = stored.value();
    if text(&value, &["intent"]) == Some("proposal") {
        return requests::refused(pen, way, &key.id, &value).await;
    }
    let known: Option<(Order, u64)> = record::get(pen.store(), &order_name(&key.id), pen.now).await?;
    match known {
        Some((order, version)) if is_stopped(&value) => {
            let mut act = Act::new("prescription.cancel", &order.patient);
            if !withdraw(&mut act, pen, way, &value, order, version).await? {
                return Ok(false);
            }
            act.about(key.clone());
            pen.commit(act).await?;
            Ok(true)
        }
        None if is_meant(&value) => send(pen, way, key, &value).await,
        _ => Ok(false),
    }
}

fn is_stopped(request: &Value) -> bool {
    matches!(text(request, &["status"]), Some("stopped" | "cancelled" | "entered-in-error"))
}

/// Whether it is a prescription of ours for a pharmacy: signed, neither told by others nor only planned.
fn is_meant(request: &Value) -> bool {
    let reported =
        request.get("reportedBoolean") == Some(&Value::Bool(true)) || request.get("reportedReference").is_some();
    let ordered = !matches!(text(request, &["intent"]), Some("plan" | "option") | None);
    text(request, &["status"]) == Some("active")
        && ordered
        && !reported
        && dispenser(request).is_some()
        && origin::of(request).is_none()
}

/// Sends a prescription, or answers with it what a pharmacy asked.
async fn send(pen: &Pen<'_>, way: &Way, key: &Key, request: &Value) -> Result<bool, OrderError> {
    let parties = Parties::of(pen, request).await?;
    let Some((pharmacy, pharmacy_value)) = &parties.pharmacy else { return Ok(false) };
    let (number, control) = (number_of(&key.id), control(pen));
    let ncpdp = parties.ncpdp();
    let trouble = match schedule(request) {
        _ if ncpdp.is_none() => Some("no-number"),
        _ if parties.prescriber.is_none() => Some("no-prescriber"),
        Some(_) if !way.wire.controlled => Some("controlled"),
        Some(_) if !is_witnessed(pen, &key.id).await? => Some("unproved"),
        _ => None,
    };
    let asked = requests::answered_by(pen, request).await?;
    let mut order = Order {
        patient: parties.patient.clone(),
        prescription: key.id.clone(),
        drug: drug_of(request),
        pharmacy: pharmacy.to_string(),
        pharmacy_name: owned(pharmacy_value, &["name"]).unwrap_or_else(|| pharmacy.to_string()),
        control: control.clone(),
        task: key.id.clone(),
        stage: if trouble.is_some() { Stage::Refused } else { Stage::Waiting },
        since: pen.now,
        told: 0,
        note: None,
        trouble: trouble.map(str::to_owned),
        refills: at(request, &["dispenseRequest", "numberOfRepeatsAllowed"]).and_then(Value::as_u64),
        fills: Vec::new(),
        cancel: None,
        pharmacy_number: None,
    };
    let mut act = Act::new("prescription.send", &parties.patient);
    let task = act.create(pen, task(pen, key, request, &order));
    order.task = task.id.clone();
    act.keep(order.change(None));
    if trouble.is_none() {
        let practice = &pen.organisation.name;
        let mut envelope =
            Envelope { to: ncpdp.as_deref(), control: &control, order: Some(&number), ..Envelope::default() };
        let message = match &asked {
            Some((proposal, asked, _)) => {
                envelope.relates = Some(&asked.message);
                envelope.pharmacy_number = asked.pharmacy_number.as_deref();
                let answer = compose::Answer {
                    outcome: outcome(asked, request),
                    code: None,
                    words: None,
                    prescribed: Some(request),
                    asked,
                };
                let others = asked.others.iter().filter(|it| *it != proposal);
                requests::close(&mut act, pen, others, &control).await?;
                compose::answer(&way.wire, &envelope, &parties, practice, &answer, pen.now)
            }
            None => compose::new_rx(&way.wire, &envelope, &parties, practice, request, pen.now),
        };
        let sent = Sent {
            kind: message.kind.clone(),
            patient: parties.patient.clone(),
            prescription: Some(key.id.clone()),
            request: asked.as_ref().map(|it| it.0.clone()),
        };
        act.keep(record::put(sent_name(&control), &sent, None));
        act.send(way.queued(&parties.patient, &control, &message, pen.now));
    }
    match asked {
        Some((proposal, asked, version)) if trouble.is_none() => {
            let asked = Request { answered: Some(control), ..asked };
            act.keep(record::put(request_name(&proposal), &asked, Some(version)));
        }
        // The pharmacy that asked knows what takes whose place.
        Some(_) => {}
        None => replaced(&mut act, pen, way, request).await?,
    }
    pen.commit(act).await?;
    if let Some(trouble) = trouble {
        let title = format!("{}: not sent to {}, {}", order.drug, order.pharmacy_name, said(trouble));
        inbox::alert(pen.organisation, &task, Priority::Urgent, None, &title, pen.now).await?;
    }
    Ok(true)
}

/// Whether what is prescribed is what was asked for.
fn outcome(asked: &Request, request: &Value) -> &'static str {
    let refills = at(request, &["dispenseRequest", "numberOfRepeatsAllowed"]).and_then(Value::as_u64);
    let quantity = at(request, &["dispenseRequest", "quantity", "value"]).and_then(Value::as_number);
    let other_refills = asked.refills.is_some_and(|it| refills.is_some_and(|refills| refills != it));
    let number = |it: &str| it.parse::<f64>().ok();
    let other_quantity =
        match (asked.quantity.as_deref().and_then(number), quantity.and_then(|it| number(&it.to_string()))) {
            (Some(asked), Some(given)) => asked != given,
            _ => false,
        };
    if other_refills || other_quantity { "changed" } else { "approved" }
}

/// The Task by which a prescription is followed until it is handed out (FHIR R4, 12.12).
fn task(pen: &Pen<'_>, key: &Key, request: &Value, order: &Order) -> Value {
    let mut it = json!({
        "resourceType": "Task",
        "status": order.stage.task(),
        "businessStatus": { "text": order.stage.words() },
        "intent": "order",
        "priority": text(request, &["priority"]).unwrap_or("routine"),
        "code": { "coding": [{ "system": TASK_CODE, "code": "fulfill", "display": "Fulfill the focal request" }] },
        "description": order.drug,
        "focus": { "reference": key.to_string() },
        "basedOn": [{ "reference": key.to_string() }],
        "for": { "reference": format!("Patient/{}", order.patient) },
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
        "owner": { "reference": order.pharmacy, "display": order.pharmacy_name },
    });
    if let Some(requester) = request.get("requester") {
        it["requester"] = requester.clone();
    }
    if let Some(trouble) = &order.trouble {
        it["statusReason"] = json!({ "text": said(trouble) });
    }
    it
}

/// What this prescription takes the place of is not filled any more.
async fn replaced(act: &mut Act, pen: &Pen<'_>, way: &Way, request: &Value) -> Result<(), OrderError> {
    let prior = text(request, &["priorPrescription", "reference"]).and_then(Key::parse);
    let Some(prior) = prior.filter(|it| it.kind.name() == "MedicationRequest") else { return Ok(()) };
    let known: Option<(Order, u64)> = record::get(pen.store(), &order_name(&prior.id), pen.now).await?;
    let Some((order, version)) = known else { return Ok(()) };
    let Ok(stored) = pen.store().read(pen.caller, &prior).await else { return Ok(()) };
    withdraw(act, pen, way, &stored.value(), order, version).await.map(drop)
}

/// Asks the pharmacy not to fill it any more. Whether there was anything to ask.
async fn withdraw(
    act: &mut Act,
    pen: &Pen<'_>,
    way: &Way,
    request: &Value,
    mut order: Order,
    version: u64,
) -> Result<bool, OrderError> {
    let over = order.stage == Stage::PickedUp && order.refills_left() == Some(0);
    if order.cancel.is_some() || over || matches!(order.stage, Stage::Refused | Stage::Withdrawn) {
        return Ok(false);
    }
    let parties = Parties::of(pen, request).await?;
    let (number, control, ncpdp) = (number_of(&order.prescription), control(pen), parties.ncpdp());
    let envelope = Envelope {
        to: ncpdp.as_deref(),
        control: &control,
        relates: Some(&order.control),
        order: Some(&number),
        pharmacy_number: order.pharmacy_number.as_deref(),
    };
    let message = compose::cancel(&way.wire, &envelope, &parties, &pen.organisation.name, request, pen.now);
    order.cancel = Some(Cancel { control: control.clone(), asked: pen.now, answer: None });
    let sent = Sent {
        kind: kind::CANCEL.into(),
        patient: order.patient.clone(),
        prescription: Some(order.prescription.clone()),
        request: None,
    };
    act.keep(order.change(Some(version)));
    act.keep(record::put(sent_name(&control), &sent, None));
    // A moment later than what takes its place, or before it: both are about one patient and keep an order.
    act.send(way.queued(&order.patient, &control, &message, pen.now + 1));
    Ok(true)
}

/// Which proposals a prescription says it follows.
pub(super) fn followed(request: &Value) -> impl Iterator<Item = Id> + '_ {
    list(request, "basedOn")
        .iter()
        .filter_map(|it| Key::parse(text(it, &["reference"])?))
        .filter(|it| it.kind.name() == "MedicationRequest")
        .map(|it| it.id)
}
