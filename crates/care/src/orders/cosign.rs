//! Orders that wait for somebody's signature: written by one who may not sign, as drafts, each with a Task for who may.

use super::resources::{self, TASK_CODE};
use super::{Facts, Kind, OrderError, may_sign};
use crate::act::{Act, Pen, Written};
use crate::ask;
use crate::chart::element::{Names, owned, text};
use crate::chart::{Medication, When};
use crate::checks::{self, Alert, Tier};
use crate::drugs;
use crate::orders::basket::{Item, State};
use crate::orders::tracking;
use crate::pharmacy::controlled;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::StoreResult;

/// One that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Of the Task.
    pub id: String,
    pub version: u64,
    pub patient: Id,
    pub order: Key,
    pub name: String,
    pub directions: Option<String>,
    pub written_by: Option<String>,
    pub written: Option<When>,
    /// Of the patient, by name.
    pub of: String,
    pub alerts: Vec<Alert>,
}

/// Somebody who may be asked to sign.
#[derive(Clone, Debug)]
pub struct Signer {
    pub key: Key,
    pub name: String,
}

/// The clinicians of the organisation, by name.
pub async fn signers(pen: &Pen<'_>) -> StoreResult<Vec<Signer>> {
    let asked = [("active", "true".to_owned()), ("_sort", "family".to_owned())];
    let rows = ask::matches(pen.store(), pen.caller, "Practitioner", &asked, 100).await;
    let rows = ask::Rows::or_refused(rows)?;
    let signer = |it: &Value| {
        let key = Key::parse(&format!("Practitioner/{}", text(it, &["id"])?))?;
        Some(Signer { name: crate::chart::element::display_name(it)?, key })
    };
    Ok(rows.rows.iter().filter_map(|it| signer(&it.value)).filter(|it| Some(&it.key) != pen.author).collect())
}

/// What waits for the writer's own signature, the oldest first.
pub async fn waiting(pen: &Pen<'_>) -> Result<Vec<Waiting>, OrderError> {
    let Some(author) = pen.author else { return Ok(Vec::new()) };
    let asked = [
        ("owner", author.to_string()),
        ("status", "requested".to_owned()),
        ("code", format!("{TASK_CODE}|approve")),
        ("_sort", "authored-on".to_owned()),
    ];
    let rows = ask::Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &asked, 50).await)?;
    let mut all = Vec::new();
    for row in rows.rows {
        if let Some(waiting) = one(pen, &row.value).await? {
            all.push(waiting);
        }
    }
    Ok(all)
}

async fn one(pen: &Pen<'_>, task: &Value) -> Result<Option<Waiting>, OrderError> {
    let parts = || {
        let focus = Key::parse(text(task, &["focus", "reference"])?)?;
        let patient = Id::parse(text(task, &["for", "reference"])?.strip_prefix("Patient/")?)?;
        matches!(focus.kind.name(), "MedicationRequest" | "ServiceRequest").then_some((focus, patient))
    };
    let Some((order, patient)) = parts() else { return Ok(None) };
    let (Ok(stored), Ok(person)) =
        (pen.store().read(pen.caller, &order).await, ask::read(pen.store(), pen.caller, "Patient", &patient).await)
    else {
        return Ok(None);
    };
    let request = stored.value();
    if text(&request, &["status"]) != Some("draft") {
        return Ok(None);
    }
    let facts = Box::pin(Facts::of(pen, &patient)).await?;
    Ok(Some(Waiting {
        id: owned(task, &["id"]).unwrap_or_default(),
        version: version(task),
        alerts: alerts(&request, &facts),
        name: text(task, &["description"]).unwrap_or_default().to_owned(),
        directions: (order.kind.name() == "MedicationRequest")
            .then(|| Medication::of(&request, &Names::default()).directions)
            .flatten(),
        written_by: owned(task, &["requester", "display"]),
        written: text(task, &["authoredOn"]).and_then(When::parse),
        of: crate::people::Person::of(&person.value).name(),
        patient,
        order,
    }))
}

pub(super) fn version(resource: &Value) -> u64 {
    text(resource, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// What speaks about a prescription that is written already.
pub(crate) fn alerts(request: &Value, facts: &Facts) -> Vec<Alert> {
    let Some(concept) = request.get("medicationCodeableConcept") else { return Vec::new() };
    let means = drugs::recognise(concept);
    let name = crate::chart::element::concept(concept).unwrap_or_default();
    let order = checks::DrugOrder {
        local: drugs::is_local(&name),
        name,
        ingredients: means.ingredients,
        classes: means.classes,
        daily: Vec::new(),
        replaces: owned(request, &["priorPrescription", "reference"]),
    };
    checks::drug(&order, &facts.known, &[])
}

async fn task(pen: &Pen<'_>, id: &str) -> Result<(Key, u64, Value, Waiting), OrderError> {
    let key = Key::parse(&format!("Task/{id}")).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let value = stored.value();
    // Only who was asked answers.
    let mine = pen.author.is_some_and(|it| text(&value, &["owner", "reference"]) == Some(it.to_string().as_str()));
    if !mine || text(&value, &["status"]) != Some("requested") {
        return Err(OrderError::Unknown);
    }
    let waiting = one(pen, &value).await?.ok_or(OrderError::Unknown)?;
    Ok((key, stored.version, value, waiting))
}

/// Signs an order that waits. What cannot be signed as it is stays; what speaks against it needs a reason.
pub async fn sign(pen: &Pen<'_>, id: &str, reason: &str, once: &str) -> Result<Written, OrderError> {
    if !may_sign(pen) {
        return Err(OrderError::MayNotSign);
    }
    let (key, version, mut value, waiting) = task(pen, id).await?;
    if waiting.alerts.iter().any(|it| it.tier == Tier::Stop) {
        return Err(OrderError::MayNotSign);
    }
    let against: Vec<&Alert> = waiting.alerts.iter().filter(|it| it.tier == Tier::Reason).collect();
    if !against.is_empty() && reason.trim().is_empty() {
        return Err(OrderError::Reason);
    }
    let mut act = Act::new("order.cosign", &waiting.patient).once(once).reason(reason);
    let stored = pen.store().read(pen.caller, &waiting.order).await?;
    let mut request = stored.value();
    let item = named(&waiting);
    // A second factor is asked for in the basket alone.
    let sent = request.pointer("/dispenseRequest/performer").is_some();
    if item.kind == Kind::Drug
        && controlled::leave(pen, controlled::schedule(&request), sent) != controlled::Leave::Free
    {
        return Err(OrderError::Controlled);
    }
    let issues: Vec<Key> = against
        .into_iter()
        .map(|it| act.create(pen, resources::issue(pen, &waiting.patient, &item, it, reason.trim())))
        .collect();
    request["status"] = "active".into();
    request["requester"] = pen.who();
    if !issues.is_empty() {
        let member = if item.kind == Kind::Drug { "detectedIssue" } else { "supportingInfo" };
        let mut all = request.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
        all.extend(issues.iter().map(resources::to));
        request[member] = all.into();
    }
    if let Some(before) = text(&request, &["priorPrescription", "reference"]).map(str::to_owned) {
        tracking::complete(&mut act, pen, &before).await?;
    }
    act.update(waiting.order.clone(), stored.version, request);
    if item.kind != Kind::Drug {
        act.create(pen, resources::following(pen, &waiting.patient, &item, &waiting.order));
    }
    value["status"] = "completed".into();
    value["lastModified"] = pen.moment().into();
    act.update(key, version, value);
    Ok(pen.commit(act).await?)
}

/// Sends an order that waits back: it is revoked, with the reason.
pub async fn decline(pen: &Pen<'_>, id: &str, reason: &str, once: &str) -> Result<Written, OrderError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(OrderError::Reason);
    }
    let (key, version, mut value, waiting) = task(pen, id).await?;
    let mut act = Act::new("order.decline", &waiting.patient).once(once).reason(reason);
    let stored = pen.store().read(pen.caller, &waiting.order).await?;
    let mut request = stored.value();
    request["status"] = tracking::ended(&waiting.order).into();
    if waiting.order.kind.name() == "MedicationRequest" {
        request["statusReason"] = json!({ "text": reason });
    }
    act.update(waiting.order.clone(), stored.version, request);
    value["status"] = "rejected".into();
    value["statusReason"] = json!({ "text": reason });
    value["lastModified"] = pen.moment().into();
    act.update(key, version, value);
    Ok(pen.commit(act).await?)
}

/// The order as an item, as far as what follows it needs.
fn named(waiting: &Waiting) -> Item {
    let kind = if waiting.order.kind.name() == "MedicationRequest" { Kind::Drug } else { Kind::Lab };
    Item {
        id: waiting.order.id.to_string(),
        kind,
        key: None,
        name: waiting.name.clone(),
        state: State::New,
        sig: None,
        copied: None,
        quantity: None,
        unit: String::new(),
        supply_days: None,
        refills: 0,
        start: None,
        indication: None,
        priority: "routine".into(),
        note: String::new(),
        pharmacy: None,
        reasons: std::collections::BTreeMap::new(),
        stayed: None,
    }
}
