//! Following orders: which are open, since when, whether they are late, and what came back. A result says what it
//! answers by `basedOn`; [`settle`] follows the change log and completes the Task of the order, so that the record
//! itself tells the truth to whoever asks, not only our pages.

use super::resources::TASK_CODE;
use super::{Kind, OrderError, may_sign};
use crate::Organisation;
use crate::act::{Act, Pen, Written};
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{concept, has_code, list, owned, text};
use bytes::Bytes;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::audit::Event;
use store::{Caller, ItemChange, StoreResult};

/// An order that was signed.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub id: String,
    pub kind: Option<Kind>,
    pub name: String,
    pub ordered: Option<When>,
    pub by: Option<String>,
    pub priority: Option<String>,
    pub progress: Progress,
    pub due: Option<When>,
    pub note: Option<String>,
    /// `DiagnosticReport/7`, `Observation/7`: what came back.
    pub results: Vec<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    Overdue,
    Open,
    Done,
    Cancelled,
}

const CATEGORIES: [(&str, Kind); 5] = [
    ("108252007", Kind::Lab),
    ("363679005", Kind::Imaging),
    ("386053000", Kind::Procedure),
    ("387713003", Kind::Procedure),
    ("3457005", Kind::Referral),
];

/// The orders of a patient, open ones first, the newest first among them.
pub async fn of_patient(pen: &Pen<'_>, patient: &Id) -> StoreResult<(Vec<Tracked>, bool)> {
    let own = ("patient", format!("Patient/{patient}"));
    let asked = [own.clone(), ("_sort", "-authored".to_owned())];
    let tasks = [own, ("code", format!("{TASK_CODE}|fulfill")), ("_sort", "-authored-on".to_owned())];
    let (orders, tasks) = tokio::try_join!(
        ask::matches(pen.store(), pen.caller, "ServiceRequest", &asked, 150),
        ask::matches(pen.store(), pen.caller, "Task", &tasks, 150),
    )?;
    let today = super::facts::today(pen.now);
    let mut all: Vec<Tracked> = orders
        .rows
        .iter()
        .filter(|it| text(&it.value, &["intent"]) == Some("order") && text(&it.value, &["status"]) != Some("draft"))
        .map(|it| tracked(&it.value, &tasks, today))
        .collect();
    all.sort_by_key(|it| (it.progress, it.ordered.map_or(0, |it| -it.at())));
    Ok((all, orders.more))
}

fn tracked(order: &Value, tasks: &Rows, today: jiff::civil::Date) -> Tracked {
    let id = owned(order, &["id"]).unwrap_or_default();
    let reference = format!("ServiceRequest/{id}");
    let task = tasks.rows.iter().map(|it| &it.value).find(|it| text(it, &["focus", "reference"]) == Some(&reference));
    let due = task.and_then(|it| text(it, &["restriction", "period", "end"])).and_then(When::parse);
    let late = due.is_some_and(|it| it.days_before(today).is_some_and(|days| days > 0));
    let done = task.is_some_and(|it| text(it, &["status"]) == Some("completed"));
    let progress = match text(order, &["status"]) {
        Some("completed") => Progress::Done,
        Some("revoked" | "entered-in-error") => Progress::Cancelled,
        _ if done => Progress::Done,
        _ if late => Progress::Overdue,
        _ => Progress::Open,
    };
    let outputs = task.map_or(&[][..], |it| list(it, "output"));
    let category = list(order, "category");
    Tracked {
        kind: CATEGORIES.iter().find(|(code, _)| category.iter().any(|it| has_code(it, code))).map(|it| it.1),
        name: order.get("code").and_then(concept).unwrap_or_default(),
        ordered: text(order, &["authoredOn"]).and_then(When::parse),
        by: owned(order, &["requester", "display"]),
        priority: owned(order, &["priority"]).filter(|it| it != "routine"),
        note: crate::chart::element::notes(order),
        results: outputs.iter().filter_map(|it| Key::parse(text(it, &["valueReference", "reference"])?)).collect(),
        progress,
        due,
        id,
    }
}

/// The word for an order that was withdrawn, by its type.
pub(super) fn ended(order: &Key) -> &'static str {
    if order.kind.name() == "MedicationRequest" { "cancelled" } else { "revoked" }
}

/// Ends the prescription that another one takes the place of.
pub(crate) async fn complete(act: &mut Act, pen: &Pen<'_>, before: &str) -> Result<(), OrderError> {
    let key = Key::parse(before).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let mut value = stored.value();
    if matches!(text(&value, &["status"]), Some("active" | "on-hold")) {
        value["status"] = "completed".into();
        act.update(key, stored.version, value);
    }
    Ok(())
}

/// Withdraws an order that has not come back.
pub async fn cancel(pen: &Pen<'_>, patient: &Id, order: &Id, reason: &str, once: &str) -> Result<Written, OrderError> {
    if !may_sign(pen) {
        return Err(OrderError::MayNotSign);
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(OrderError::Reason);
    }
    let key = Key::parse(&format!("ServiceRequest/{order}")).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let mut value = stored.value();
    let its = text(&value, &["subject", "reference"]).map(str::to_owned);
    if its != Some(format!("Patient/{patient}")) || text(&value, &["status"]) != Some("active") {
        return Err(OrderError::Unknown);
    }
    let mut act = Act::new("order.cancel", patient).once(once).reason(reason);
    value["status"] = "revoked".into();
    act.update(key.clone(), stored.version, value);
    for task in followers(pen, &key).await? {
        end_task(&mut act, pen, task, "cancelled", Some(reason), None).await?;
    }
    Ok(pen.commit(act).await?)
}

/// The open Tasks that follow an order.
async fn followers(pen: &Pen<'_>, order: &Key) -> StoreResult<Vec<Key>> {
    let asked = [("focus", order.to_string()), ("status", "requested,received,accepted,in-progress".to_owned())];
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &asked, 10).await)?;
    Ok(rows.rows.iter().filter_map(|it| Key::parse(&format!("Task/{}", text(&it.value, &["id"])?))).collect())
}

async fn end_task(
    act: &mut Act,
    pen: &Pen<'_>,
    task: Key,
    status: &str,
    reason: Option<&str>,
    output: Option<&Key>,
) -> StoreResult<()> {
    let stored = pen.store().read(pen.caller, &task).await?;
    let mut value = stored.value();
    value["status"] = status.into();
    value["lastModified"] = pen.moment().into();
    if let Some(reason) = reason {
        value["statusReason"] = json!({ "text": reason });
    }
    if let Some(output) = output {
        let mut all = value.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
        all.push(json!({ "type": { "text": "result" }, "valueReference": { "reference": output.to_string() } }));
        value["output"] = all.into();
    }
    act.update(task, stored.version, value);
    Ok(())
}

/// How far the change log was followed.
const SHELF: &str = "followed";
const NAME: &str = "orders";
const AT_ONCE: usize = 500;

/// Completes the Tasks of orders whose results came since it was last asked. Returns how many. It begins with what is
/// written after it was asked first, and goes on where it was after a restart.
pub async fn settle(organisation: &Organisation, now: i64) -> Result<usize, OrderError> {
    let caller = Caller::system("orders");
    let pen = Pen { organisation, caller: &caller, author: None, now };
    let store = pen.store();
    let last = store.last_change(&caller).await?;
    let place = match store.item(SHELF, NAME, now).await? {
        Some(item) => std::str::from_utf8(&item.body).ok().and_then(|it| it.parse().ok()).unwrap_or(last),
        None => {
            keep(&pen, last).await?;
            return Ok(0);
        }
    };
    if last <= place {
        return Ok(0);
    }
    let (mut after, mut settled) = (place, 0);
    loop {
        let changes = store.changes(&caller, after, AT_ONCE).await?;
        let Some(end) = changes.last().map(|it| it.sequence) else { break };
        for change in changes.iter().filter(|it| is_result(&it.key)) {
            match answer(&pen, &change.key).await {
                Ok(count) => settled += count,
                // Somebody writes the order at this moment: the next time begins here again.
                Err(OrderError::Changed) => {
                    keep(&pen, change.sequence.saturating_sub(1)).await?;
                    return Ok(settled);
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
    Ok(settled)
}

async fn keep(pen: &Pen<'_>, place: u64) -> StoreResult<()> {
    let change = ItemChange::put(SHELF, NAME, Bytes::from(place.to_string()));
    pen.store().keep(pen.caller, Event::of("follow"), vec![change], pen.now).await
}

fn is_result(key: &Key) -> bool {
    matches!(key.kind.name(), "Observation" | "DiagnosticReport")
}

/// Completes what a result answers.
async fn answer(pen: &Pen<'_>, key: &Key) -> Result<usize, OrderError> {
    // It may be gone or changed again by now; what is there now counts.
    let Ok(stored) = pen.store().read(pen.caller, key).await else { return Ok(0) };
    let result = stored.value();
    if !matches!(text(&result, &["status"]), Some("final" | "amended" | "corrected" | "appended")) {
        return Ok(0);
    }
    let mut settled = 0;
    for order in list(&result, "basedOn").iter().filter_map(|it| Key::parse(text(it, &["reference"])?)) {
        if order.kind.name() != "ServiceRequest" {
            continue;
        }
        let Ok(request) = pen.store().read(pen.caller, &order).await else { continue };
        let request_value = request.value();
        // A number that was mistyped must not close the order of somebody else.
        if text(&result, &["subject", "reference"]) != text(&request_value, &["subject", "reference"]) {
            continue;
        }
        let patient = text(&request_value, &["subject", "reference"]).and_then(|it| it.strip_prefix("Patient/"));
        let Some(patient) = patient.and_then(Id::parse) else { continue };
        let open = followers(pen, &order).await?;
        if open.is_empty() {
            continue;
        }
        let mut act = Act::new("order.result", &patient);
        for task in open {
            end_task(&mut act, pen, task, "completed", None, Some(key)).await?;
        }
        if text(&request_value, &["status"]) == Some("active") {
            let mut done = request_value.clone();
            done["status"] = "completed".into();
            act.update(order, request.version, done);
        }
        pen.commit(act).await?;
        settled += 1;
    }
    Ok(settled)
}
