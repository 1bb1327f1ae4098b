//! Renewals (screen C-14): a patient asks for more of a medicine; whoever decides sees when it was last handed out, when
//! they were last here, the tests that belong to it, and what the protocol of the practice says. Approved, it becomes a
//! new prescription; denied or put off, the patient learns why.
//!
//! A request is a MedicationRequest with the intent `proposal` and a Task about it, as a portal or a pharmacy would send
//! it. The protocol (`content/orders/renewal-protocols.toml`) advises; it never decides.

use crate::act::{Act, Pen, Written};
use crate::ask::{self, Rows};
use crate::chart::element::{Names, concept, owned, text};
use crate::chart::{Medication, When};
use crate::checks::{Alert, Tier};
use crate::content::{self, Head};
use crate::drugs;
use crate::orders::{Facts, OrderError, cosign, may_sign, sig, tracking};
use crate::people::Person;
use crate::pharmacy::{controlled, requests};
use fhir::{Id, Key, Value};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::LazyLock;
use store::StoreResult;

const TEXT: &str = include_str!("../../../content/orders/renewal-protocols.toml");
const TASK_CODE: &str = "http://hl7.org/fhir/CodeSystem/task-code";
/// A page of the queue.
const QUEUE: u32 = 50;

#[derive(Clone, Debug, Deserialize)]
struct Protocol {
    name: String,
    #[serde(default)]
    classes: Vec<String>,
    #[serde(default)]
    ingredients: Vec<String>,
    visit_months: i64,
    refills: u32,
    tests: Vec<Test>,
}

#[derive(Clone, Debug, Deserialize)]
struct Test {
    name: String,
    codes: Vec<String>,
    months: i64,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Deserialize)]
struct File {
    protocol: Vec<Protocol>,
}

static PROTOCOLS: LazyLock<Vec<Protocol>> =
    LazyLock::new(|| read().expect("content/orders/renewal-protocols.toml is read by a test").1);

fn read() -> Result<(Head, Vec<Protocol>), String> {
    let table: toml::Table = TEXT.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
    let file: File = toml::from_str(TEXT).map_err(|it| it.message().to_owned())?;
    Ok((content::head_of_toml(&table)?, file.protocol))
}

pub(crate) fn tell() -> Result<(Head, usize), String> {
    read().map(|(head, all)| (head, all.len()))
}

/// What a protocol asks for, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub what: Asked,
    pub met: bool,
    pub when: Option<When>,
    /// `1.1 mg/dL`.
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Seen within so many months.
    Visit(i64),
    /// Measured within so many months.
    Test(String, i64),
    /// Measured, and within the range of the protocol.
    InRange(String),
}

/// What the protocol says.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// Everything it asks for is there: so many refills.
    Renew { protocol: String, refills: u32, conditions: Vec<Condition> },
    /// Something is missing.
    Look { protocol: String, refills: u32, conditions: Vec<Condition> },
    /// No protocol speaks of it.
    None,
    /// A controlled drug is never renewed by protocol.
    Controlled,
}

/// A request in the queue.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Of the proposal.
    pub id: String,
    pub patient: Id,
    /// Of the patient, by name.
    pub of: String,
    pub born: Option<When>,
    pub name: String,
    pub asked: Option<When>,
    pub asked_by: Option<String>,
    pub note: Option<String>,
    /// Something else is asked for than is taken, by a pharmacy.
    pub change: bool,
}

/// A request with all that is needed to decide.
#[derive(Clone, Debug)]
pub struct Request {
    pub waiting: Waiting,
    pub directions: Option<String>,
    pub prescribed: Option<When>,
    pub prescriber: Option<String>,
    pub last_fill: Option<When>,
    pub last_visit: Option<When>,
    pub advice: Advice,
    pub alerts: Vec<Alert>,
    /// Of the prescription it continues.
    pub refills: Option<u64>,
    /// How many of it at a time.
    pub quantity: Option<String>,
    pub open: bool,
    /// What a pharmacy asks, when it was one that asked.
    pub asks: Option<requests::Asks>,
    /// What is taken now, when something else is asked for.
    pub instead_of: Option<String>,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve {
        refills: u32,
        /// Another quantity than before.
        quantity: Option<Decimal>,
    },
    Deny,
    /// Not without being seen.
    Appointment,
}

/// Puts a request into the queue: what the patient asked for, by telephone or at the desk.
pub async fn ask_for(
    pen: &Pen<'_>,
    patient: &Id,
    prescription: &Id,
    note: &str,
    once: &str,
) -> Result<Written, OrderError> {
    let key = key("MedicationRequest", prescription.as_str())?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let before = stored.value();
    if text(&before, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(OrderError::Unknown);
    }
    let mut proposal = json!({
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "proposal",
        "subject": { "reference": format!("Patient/{patient}") },
        "authoredOn": pen.moment(),
        "requester": { "reference": format!("Patient/{patient}") },
        "recorder": pen.who(),
        "reportedBoolean": false,
        "priorPrescription": { "reference": key.to_string() },
    });
    if pen.author.is_none() {
        proposal.as_object_mut().expect("it is an object").shift_remove("recorder");
    }
    for member in ["medicationCodeableConcept", "medicationReference", "dosageInstruction", "contained"] {
        if let Some(value) = before.get(member) {
            proposal[member] = value.clone();
        }
    }
    let note = note.trim();
    if !note.is_empty() {
        proposal["note"] = json!([{ "text": note.chars().take(500).collect::<String>() }]);
    }
    let mut act = Act::new("renewal.request", patient).once(once);
    let made = act.create(pen, proposal);
    let words = before.get("medicationCodeableConcept").and_then(concept).unwrap_or_default();
    act.create(pen, json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "proposal",
        "code": { "coding": [{ "system": TASK_CODE, "code": "approve", "display": "Activate/approve the focal resource" }], "text": "Renewal request" },
        "description": words,
        "focus": { "reference": made.to_string() },
        "for": { "reference": format!("Patient/{patient}") },
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
        "requester": { "reference": format!("Patient/{patient}") },
    }));
    Ok(pen.commit(act).await?)
}

/// What waits, the oldest first, and whether there is more.
pub async fn queue(pen: &Pen<'_>) -> StoreResult<(Vec<Waiting>, bool)> {
    let asked =
        [("intent", "proposal".to_owned()), ("status", "active".to_owned()), ("_sort", "authoredon".to_owned())];
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "MedicationRequest", &asked, QUEUE).await)?;
    let mut people: HashMap<Id, Option<Person>> = HashMap::new();
    let mut all = Vec::new();
    for row in &rows.rows {
        let Some(patient) = patient_of(&row.value) else { continue };
        if !people.contains_key(&patient) {
            let person = ask::read(pen.store(), pen.caller, "Patient", &patient).await.ok();
            people.insert(patient.clone(), person.map(|it| Person::of(&it.value)));
        }
        if let Some(person) = people.get(&patient).and_then(Option::as_ref) {
            let Some(it) = waiting(&row.value, person) else { continue };
            let asks = match Id::parse(&it.id) {
                Some(id) => requests::of(pen, &id).await?,
                None => None,
            };
            all.push(Waiting { change: asks.is_some_and(|it| it.change), ..it });
        }
    }
    Ok((all, rows.more))
}

fn patient_of(value: &Value) -> Option<Id> {
    Id::parse(text(value, &["subject", "reference"])?.strip_prefix("Patient/")?)
}

fn waiting(proposal: &Value, person: &Person) -> Option<Waiting> {
    let of_themselves = text(proposal, &["requester", "reference"]).is_some_and(|it| it.starts_with("Patient/"));
    Some(Waiting {
        id: owned(proposal, &["id"])?,
        patient: patient_of(proposal)?,
        of: person.name(),
        born: person.born,
        name: Medication::of(proposal, &Names::default()).name,
        asked: text(proposal, &["authoredOn"]).and_then(When::parse),
        asked_by: owned(proposal, &["requester", "display"]).filter(|_| !of_themselves),
        note: crate::chart::element::notes(proposal),
        change: false,
    })
}

fn key(kind: &str, id: &str) -> Result<Key, OrderError> {
    Key::parse(&format!("{kind}/{id}")).ok_or(OrderError::Unknown)
}

/// One request with what is needed to decide.
pub async fn request(pen: &Pen<'_>, id: &Id) -> Result<Request, OrderError> {
    let stored = pen.store().read(pen.caller, &key("MedicationRequest", id.as_str())?).await?;
    let proposal = stored.value();
    if text(&proposal, &["intent"]) != Some("proposal") {
        return Err(OrderError::Unknown);
    }
    let patient = patient_of(&proposal).ok_or(OrderError::Unknown)?;
    let before = text(&proposal, &["priorPrescription", "reference"]).map(str::to_owned);
    let own = ("patient", format!("Patient/{patient}"));
    let visits = [own.clone(), ("_sort", "-date".to_owned()), ("status", "finished".to_owned())];
    let mut fills = vec![own.clone(), ("_sort", "-whenhandedover".to_owned())];
    fills.extend(before.iter().map(|it| ("prescription", it.clone())));
    let matches = async |kind: &'static str, asked: &[(&'static str, String)]| {
        Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, asked, 1).await)
    };
    let (person, facts, visits, fills) = tokio::try_join!(
        Box::pin(ask::read(pen.store(), pen.caller, "Patient", &patient)),
        Box::pin(Facts::of(pen, &patient)),
        Box::pin(matches("Encounter", &visits)),
        Box::pin(matches("MedicationDispense", &fills)),
    )?;
    let earlier = match before.as_deref().and_then(Key::parse) {
        Some(key) => pen.store().read(pen.caller, &key).await.ok().map(|it| it.value()),
        None => None,
    };
    let medication = earlier.as_ref().map(|it| Medication::of(it, &Names::default()));
    let last_visit = visits.rows.first().and_then(|it| text(&it.value, &["period", "start"])).and_then(When::parse);
    let handed = fills.rows.first().filter(|_| before.is_some());
    let handed =
        handed.and_then(|it| text(&it.value, &["whenHandedOver"]).or_else(|| text(&it.value, &["whenPrepared"])));
    Ok(Request {
        advice: advice(&proposal, &facts, last_visit.as_ref()),
        alerts: cosign::alerts(&proposal, &facts),
        waiting: waiting(&proposal, &Person::of(&person.value)).ok_or(OrderError::Unknown)?,
        directions: Medication::of(&proposal, &Names::default()).directions,
        prescribed: medication.as_ref().and_then(|it| it.started),
        prescriber: earlier.as_ref().and_then(|it| owned(it, &["requester", "display"])),
        refills: medication.as_ref().and_then(|it| it.refills),
        quantity: [Some(&proposal), earlier.as_ref()].into_iter().flatten().find_map(|it| {
            it.pointer("/dispenseRequest/quantity/value").and_then(Value::as_number).map(ToString::to_string)
        }),
        asks: requests::of(pen, id).await?,
        instead_of: medication.as_ref().map(|it| it.name.clone()).filter(|_| is_change(earlier.as_ref(), &proposal)),
        last_fill: handed.and_then(When::parse),
        last_visit,
        open: text(&proposal, &["status"]) == Some("active"),
    })
}

/// What the protocol of the drug says about these facts.
fn advice(proposal: &Value, facts: &Facts, last_visit: Option<&When>) -> Advice {
    let Some(code) = proposal.get("medicationCodeableConcept") else { return Advice::None };
    let means = drugs::recognise(code);
    if drugs::schedule_of(code).is_some() {
        return Advice::Controlled;
    }
    let fits = |it: &&Protocol| {
        it.ingredients.iter().any(|it| means.ingredients.contains(it))
            || it.classes.iter().any(|it| means.classes.contains(it))
    };
    let Some(protocol) = PROTOCOLS.iter().find(fits) else { return Advice::None };
    let within = |when: &When, months: i64| when.days_before(facts.today).is_some_and(|days| days <= months * 31);
    let mut conditions = vec![Condition {
        met: last_visit.is_some_and(|it| within(it, protocol.visit_months)),
        what: Asked::Visit(protocol.visit_months),
        when: last_visit.copied(),
        value: None,
    }];
    for test in &protocol.tests {
        let of_test = facts.known.results.iter().filter(|it| it.codes.iter().any(|code| test.codes.contains(code)));
        let newest = of_test.max_by_key(|it| it.when.at());
        let recent = newest.filter(|it| within(&it.when, test.months));
        conditions.push(Condition {
            met: recent.is_some(),
            what: Asked::Test(test.name.clone(), test.months),
            when: newest.map(|it| it.when),
            value: newest.map(|it| it.value.clone()),
        });
        if let Some(recent) = recent
            && (test.low.is_some() || test.high.is_some())
        {
            let number: Option<f64> =
                recent.value.trim_end_matches('%').split(' ').next().and_then(|it| it.parse().ok());
            let inside = number
                .is_some_and(|it| test.low.is_none_or(|low| it >= low) && test.high.is_none_or(|high| it <= high));
            conditions.push(Condition {
                met: inside,
                what: Asked::InRange(test.name.clone()),
                when: Some(recent.when),
                value: Some(recent.value.clone()),
            });
        }
    }
    let (protocol, refills) = (protocol.name.clone(), protocol.refills);
    match conditions.iter().all(|it| it.met) {
        true => Advice::Renew { protocol, refills, conditions },
        false => Advice::Look { protocol, refills, conditions },
    }
}

/// A quantity as it is typed: more than nothing, and no more than anybody can carry home.
pub fn quantity(typed: &str) -> Option<Decimal> {
    let typed: Decimal = typed.trim().parse().ok()?;
    (typed > Decimal::ZERO && typed <= Decimal::from(10_000)).then(|| typed.normalize())
}

/// Decides a request. `reason` is told to the patient when it is not approved, and kept when it is approved against an
/// alert.
pub async fn decide(
    pen: &Pen<'_>,
    id: &Id,
    decision: &Decision,
    reason: &str,
    once: &str,
) -> Result<Written, OrderError> {
    if !may_sign(pen) {
        return Err(OrderError::MayNotSign);
    }
    let reason = reason.trim();
    let request = request(pen, id).await?;
    if !request.open {
        return Err(OrderError::Changed);
    }
    let proposal_key = key("MedicationRequest", id.as_str())?;
    let stored = pen.store().read(pen.caller, &proposal_key).await?;
    let mut proposal = stored.value();
    let patient = request.waiting.patient.clone();
    let name = match decision {
        Decision::Approve { .. } => "renewal.approve",
        Decision::Deny => "renewal.deny",
        Decision::Appointment => "renewal.appointment",
    };
    let mut act = Act::new(name, &patient).once(once).reason(reason);
    let (status, task) = match decision {
        Decision::Approve { refills, quantity } => {
            let gravest = request.alerts.iter().map(|it| it.tier).max();
            match gravest {
                Some(Tier::Stop) => return Err(OrderError::MayNotSign),
                Some(Tier::Reason) if reason.is_empty() => return Err(OrderError::Reason),
                _ => {}
            }
            approve(&mut act, pen, &proposal, &proposal_key, (*refills, *quantity)).await?;
            ("completed", "completed")
        }
        Decision::Deny if reason.is_empty() => return Err(OrderError::Reason),
        Decision::Deny => ("cancelled", "rejected"),
        Decision::Appointment => {
            act.create(pen, booking(pen, &patient, &request.waiting.name));
            ("on-hold", "on-hold")
        }
    };
    proposal["status"] = status.into();
    if !reason.is_empty() && status != "completed" {
        proposal["statusReason"] = json!({ "text": reason });
    }
    act.update(proposal_key.clone(), stored.version, proposal);
    let asked = [("focus", proposal_key.to_string()), ("status", "requested".to_owned())];
    let tasks = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &asked, 5).await)?;
    for row in tasks.rows {
        let key = key("Task", text(&row.value, &["id"]).unwrap_or_default())?;
        let stored = pen.store().read(pen.caller, &key).await?;
        let mut value = stored.value();
        value["status"] = task.into();
        value["lastModified"] = pen.moment().into();
        if !reason.is_empty() {
            value["statusReason"] = json!({ "text": reason });
        }
        act.update(key, stored.version, value);
    }
    Ok(pen.commit(act).await?)
}

/// The new prescription, in place of the one it continues.
async fn approve(
    act: &mut Act,
    pen: &Pen<'_>,
    proposal: &Value,
    its: &Key,
    (refills, quantity): (u32, Option<Decimal>),
) -> Result<(), OrderError> {
    let before = text(proposal, &["priorPrescription", "reference"]);
    let earlier = match before.and_then(Key::parse) {
        Some(key) => Some(pen.store().read(pen.caller, &key).await?.value()),
        None => None,
    };
    // Who asks for something else tells what; who asks for more means the same again.
    let other = is_change(earlier.as_ref(), proposal);
    let base = if other { proposal } else { earlier.as_ref().unwrap_or(proposal) };
    let mut order = json!({
        "resourceType": "MedicationRequest",
        "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest"] },
        "status": "active",
        "intent": "order",
        "reportedBoolean": false,
        "subject": proposal["subject"],
        "authoredOn": pen.moment(),
        "requester": pen.who(),
        "basedOn": [{ "reference": its.to_string() }],
    });
    let members = [
        "category",
        "contained",
        "medicationCodeableConcept",
        "medicationReference",
        "dosageInstruction",
        "reasonReference",
        "reasonCode",
    ];
    for member in members {
        if let Some(value) = base.get(member) {
            order[member] = value.clone();
        }
    }
    let mut dispense = base.get("dispenseRequest").cloned().unwrap_or_else(|| json!({}));
    dispense["numberOfRepeatsAllowed"] = refills.into();
    dispense["validityPeriod"] = json!({ "start": pen.today() });
    if let Some(quantity) = quantity {
        dispense["quantity"]["value"] = sig::number(quantity);
    }
    // The pharmacy that asks is the one that fills it.
    let pharmacy = [proposal, base].into_iter().find_map(|it| it.pointer("/dispenseRequest/performer"));
    if let Some(pharmacy) = pharmacy {
        dispense["performer"] = pharmacy.clone();
    }
    if other && let Some(earlier) = &earlier {
        for member in ["category", "reasonReference", "reasonCode"] {
            if let Some(value) = earlier.get(member) {
                order[member] = value.clone();
            }
        }
        let taken = earlier.pointer("/dispenseRequest/quantity").filter(|_| dispense.get("quantity").is_none());
        if let Some(quantity) = taken {
            dispense["quantity"] = quantity.clone();
        }
    }
    let sent = dispense.get("performer").is_some();
    if controlled::leave(pen, controlled::schedule(&order), sent) != controlled::Leave::Free {
        return Err(OrderError::Controlled);
    }
    order["dispenseRequest"] = dispense;
    if let Some(before) = before {
        order["priorPrescription"] = json!({ "reference": before });
        tracking::complete(act, pen, before).await?;
    }
    act.create(pen, order);
    Ok(())
}

/// Whether another medicine is asked for than was prescribed.
fn is_change(earlier: Option<&Value>, proposal: &Value) -> bool {
    let name = |it: &Value| it.get("medicationCodeableConcept").and_then(concept).map(|it| it.to_lowercase());
    match (earlier.and_then(name), name(proposal)) {
        (Some(earlier), Some(asked)) => earlier != asked,
        _ => false,
    }
}

/// For the front desk: they must be seen first.
fn booking(pen: &Pen<'_>, patient: &Id, medicine: &str) -> Value {
    let mut it = json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": { "text": "Book a visit" },
        "description": format!("Book a visit before {medicine} is renewed"),
        "for": { "reference": format!("Patient/{patient}") },
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
    });
    if pen.author.is_some() {
        it["requester"] = pen.who();
    }
    it
}

#[cfg(test)]
mod tests;
