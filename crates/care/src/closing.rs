//! Closing a visit (screen C-12): what belongs to a visit that is done, where each of it stands, and the one commit that
//! ends it: the Encounter with its diagnoses and its end, the follow-up as a Task for the front desk, and the level of
//! the visit handed to billing as a planned ChargeItem.
//!
//! FHIR R4: Encounter 8.11, ChargeItem 13.9, Task 12.2. Levels are in our own words; a practice maps them to the codes
//! it bills with.

use crate::act::{Act, ActError, Pen};
use crate::ask::{self, Rows};
use crate::chart::element::{list, owned, text};
use crate::chart::{Standing, Visit, VisitStanding, When};
use crate::notes::{self, NoteError};
use fhir::{Id, Key, Value};
use serde_json::json;
use store::{Action, StoreError, StoreResult};

const LEVEL: &str = "urn:continuo:visit-level";
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/diagnosis-role";
pub const FOLLOW_UP: &str = "follow-up-visit";
/// Diagnoses of one visit.
const MOST: usize = 12;

/// How much a visit took, by medical decision making: (key, what billing reads).
pub const LEVELS: [(&str, &str); 11] = [
    ("established-1", "Office visit, established patient, without a clinician"),
    ("established-2", "Office visit, established patient, straightforward decision making"),
    ("established-3", "Office visit, established patient, low decision making"),
    ("established-4", "Office visit, established patient, moderate decision making"),
    ("established-5", "Office visit, established patient, high decision making"),
    ("new-2", "Office visit, new patient, straightforward decision making"),
    ("new-3", "Office visit, new patient, low decision making"),
    ("new-4", "Office visit, new patient, moderate decision making"),
    ("new-5", "Office visit, new patient, high decision making"),
    ("preventive", "Preventive visit"),
    ("none", "No charge"),
];

/// When the patient should come back, in weeks.
pub const WEEKS: [u16; 8] = [1, 2, 4, 6, 8, 12, 26, 52];

/// What a visit needs before it is closed, and what of it is there.
#[derive(Clone, Debug)]
pub struct Checklist {
    pub visit: Visit,
    /// What was on the screen, for [`Closing`].
    pub version: u64,
    pub open: bool,
    /// Active problems that can be diagnoses of the visit; those that are come first, in their order.
    pub diagnoses: Vec<Diagnosis>,
    pub level: Option<String>,
    /// Orders that lie unsigned in the caller's basket, and those that were signed at this visit.
    pub unsigned_orders: usize,
    pub signed_orders: usize,
    /// The next visit, booked or asked for.
    pub follow_up: Option<String>,
    /// The after-visit summary that was given.
    pub given: Option<String>,
    /// Signed notes about the visit: document and title.
    pub signed: Vec<(String, String)>,
    /// Drafts about the visit: note and title.
    pub drafts: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Condition.
    pub id: String,
    pub name: String,
    pub chosen: bool,
    /// Noted at this visit.
    pub of_visit: bool,
}

/// One thing of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Diagnosis,
    Level,
    Orders,
    FollowUp,
    Summary,
    Note,
}

impl Checklist {
    /// What is not done yet. Diagnoses, level and follow-up are told on the page itself, so only the others can be
    /// found missing before it is sent.
    pub fn missing(&self) -> Vec<Item> {
        let checks = [
            (Item::Diagnosis, self.diagnoses.iter().any(|it| it.chosen)),
            (Item::Level, self.level.is_some()),
            (Item::Orders, self.unsigned_orders == 0),
            (Item::FollowUp, self.follow_up.is_some()),
            (Item::Summary, self.given.is_some()),
            (Item::Note, !self.signed.is_empty() && self.drafts.is_empty()),
        ];
        checks.into_iter().filter(|(_, done)| !done).map(|(item, _)| item).collect()
    }
}

impl Checklist {
    /// Orders or a note that nobody has signed: whoever leaves them says why. A summary is offered, not owed.
    pub fn is_owed(&self) -> bool {
        self.missing().iter().any(|it| matches!(it, Item::Orders | Item::Note))
    }
}

#[derive(Clone, Debug, Default)]
pub struct Closing {
    pub version: u64,
    /// Conditions, the main one first.
    pub diagnoses: Vec<String>,
    /// A key of [`LEVELS`].
    pub level: String,
    /// In how many weeks; none when nothing is needed.
    pub weeks: Option<u16>,
    /// Why it is closed although something is missing.
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ClosingError {
    #[error("a visit needs a diagnosis")]
    NoDiagnosis,
    #[error("a visit needs a level")]
    NoLevel,
    /// Orders, summary or note are missing and nobody said why.
    #[error("something is missing; say why the visit is closed without it")]
    NoReason,
    #[error("somebody changed this visit meanwhile")]
    Changed,
    #[error("this visit is closed")]
    Closed,
    #[error(transparent)]
    Act(ActError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ActError> for ClosingError {
    fn from(error: ActError) -> ClosingError {
        match error {
            ActError::Conflict { .. } => ClosingError::Changed,
            ActError::Store(error) => ClosingError::Store(error),
            other => ClosingError::Act(other),
        }
    }
}

async fn encounter(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<Value> {
    let value = ask::read(pen.store(), pen.caller, "Encounter", id).await?.value;
    if text(&value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(StoreError::NotFound(key(id)));
    }
    Ok(value)
}

fn key(id: &Id) -> Key {
    Key::parse(&format!("Encounter/{id}")).expect("a checked id")
}

fn version(value: &Value) -> u64 {
    text(value, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// What was found of a type that the caller may look at; nothing of one that they may not.
async fn found(pen: &Pen<'_>, kind: &str, asked: &[(&'static str, String)]) -> StoreResult<Rows> {
    Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, asked, 100).await)
}

/// Visits that are not closed yet, the latest first.
pub async fn open_visits(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<Visit>> {
    let visits = pen.chart(patient).visits().await?;
    Ok(visits.rows.into_iter().filter(|it| it.standing == VisitStanding::Ongoing).collect())
}

pub async fn checklist(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<Checklist> {
    if !pen.may(Action::Update, "Encounter") {
        return Err(StoreError::Forbidden);
    }
    let value = encounter(pen, patient, id).await?;
    let of_visit = [("encounter", format!("Encounter/{id}"))];
    let chart = pen.chart(patient);
    let (problems, banner, noted, documents, orders, prescriptions, charges, tasks, drafts, basket) = tokio::try_join!(
        // Many at once: each lies on the heap, so that the stack of a worker is enough for all of them.
        Box::pin(chart.problems()),
        Box::pin(chart.banner()),
        Box::pin(found(pen, "Condition", &of_visit)),
        Box::pin(found(pen, "DocumentReference", &of_visit)),
        Box::pin(found(pen, "ServiceRequest", &of_visit)),
        Box::pin(found(pen, "MedicationRequest", &of_visit)),
        Box::pin(charges(pen, id)),
        Box::pin(found(pen, "Task", &of_visit)),
        Box::pin(drafts(pen, patient)),
        basket(pen, patient),
    )?;
    let visits = chart.visits().await?.rows;
    let visit = visits.into_iter().find(|it| it.id == id.as_str()).ok_or_else(|| StoreError::NotFound(key(id)))?;
    let chosen: Vec<String> = list(&value, "diagnosis")
        .iter()
        .filter_map(|it| text(it, &["condition", "reference"])?.strip_prefix("Condition/").map(str::to_owned))
        .collect();
    let noted: Vec<String> = noted.rows.iter().filter_map(|it| owned(&it.value, &["id"])).collect();
    let place = |id: &str, of_visit: bool| match chosen.iter().position(|it| it == id) {
        Some(at) => at,
        None if of_visit => MOST,
        None => MOST + 1,
    };
    let active = problems.rows.iter().filter(|it| it.standing == Standing::Active || chosen.contains(&it.id));
    let mut diagnoses: Vec<(usize, Diagnosis)> = active
        .map(|it| {
            let (chosen, of_visit) = (chosen.contains(&it.id), noted.contains(&it.id));
            let diagnosis = Diagnosis { id: it.id.clone(), name: it.name.clone(), chosen, of_visit };
            (place(&it.id, of_visit || it.of_visit), diagnosis)
        })
        .collect();
    diagnoses.sort_by_key(|(place, _)| *place);
    let is = |value: &Value, code: &str| value.get("type").is_some_and(|it| crate::chart::element::has_code(it, code));
    let standing = |it: &&ask::Row| !matches!(text(&it.value, &["status"]), Some("entered-in-error" | "superseded"));
    let of_summary = notes::kinds::kind("instructions").expect("there is such a kind").code;
    let clinical = |value: &Value| {
        let mut kinds = notes::kinds::KINDS.iter().filter(|it| it.clinical);
        kinds.any(|it| is(value, it.code)) && text(value, &["docStatus"]).is_some()
    };
    let titled =
        |it: &ask::Row| Some((owned(&it.value, &["id"])?, owned(&it.value, &["description"]).unwrap_or_default()));
    let follow_up = tasks
        .rows
        .iter()
        .find(|it| it.value.get("code").is_some_and(|it| crate::chart::element::has_code(it, FOLLOW_UP)));
    let follow_up = follow_up.and_then(|it| owned(&it.value, &["description"]));
    let booked = banner.next_visit.map(|it| it.when.date());
    let ordered = |it: &&ask::Row| matches!(text(&it.value, &["status"]), Some("active" | "completed" | "on-hold"));
    Ok(Checklist {
        open: !matches!(visit.standing, VisitStanding::Done | VisitStanding::Cancelled | VisitStanding::Mistaken),
        visit,
        version: version(&value),
        diagnoses: diagnoses.into_iter().map(|(_, it)| it).collect(),
        level: charges,
        unsigned_orders: basket,
        signed_orders: orders.rows.iter().filter(ordered).count() + prescriptions.rows.iter().filter(ordered).count(),
        follow_up: booked.or(follow_up),
        given: documents
            .rows
            .iter()
            .filter(standing)
            .find(|it| is(&it.value, of_summary))
            .and_then(|it| owned(&it.value, &["id"])),
        signed: documents.rows.iter().filter(standing).filter(|it| clinical(&it.value)).filter_map(titled).collect(),
        drafts: drafts
            .into_iter()
            .filter(|it| it.encounter.as_deref() == Some(id.as_str()) && !it.is_letter())
            .map(|it| (it.id, it.title))
            .collect(),
    })
}

/// The level that was handed to billing.
async fn charges(pen: &Pen<'_>, id: &Id) -> StoreResult<Option<String>> {
    if !pen.may(Action::Search, "ChargeItem") {
        return Ok(None);
    }
    let found = found(pen, "ChargeItem", &[("context", format!("Encounter/{id}"))]).await?;
    Ok(found.rows.iter().find_map(|it| {
        let coding = list(it.value.get("code")?, "coding").iter().find(|it| text(it, &["system"]) == Some(LEVEL))?;
        owned(coding, &["code"])
    }))
}

async fn drafts(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<notes::Note>> {
    match notes::of_patient(pen, patient).await {
        Ok(notes) => Ok(notes),
        Err(NoteError::Store(StoreError::Forbidden)) => Ok(Vec::new()),
        Err(NoteError::Store(error)) => Err(error),
        // Nothing else can go wrong with reading a list.
        Err(_) => Ok(Vec::new()),
    }
}

/// How many orders wait in the caller's basket for this patient.
async fn basket(pen: &Pen<'_>, patient: &Id) -> StoreResult<usize> {
    let basket = crate::draft::Drafts::of(pen).read("basket", patient).await?;
    Ok(basket.map_or(0, |it| ["items", "lines", "orders"].iter().map(|name| list(&it.body, name).len()).sum()))
}

/// Ends the visit.
pub async fn close(pen: &Pen<'_>, patient: &Id, id: &Id, closing: &Closing) -> Result<(), ClosingError> {
    let checklist = Box::pin(checklist(pen, patient, id)).await?;
    if !checklist.open {
        return Err(ClosingError::Closed);
    }
    if checklist.version != closing.version {
        return Err(ClosingError::Changed);
    }
    let known = |wanted: &&String| checklist.diagnoses.iter().any(|it| it.id == **wanted);
    let chosen: Vec<&String> = closing.diagnoses.iter().filter(known).take(MOST).collect();
    if chosen.is_empty() {
        return Err(ClosingError::NoDiagnosis);
    }
    let level = LEVELS.iter().find(|(key, _)| *key == closing.level).ok_or(ClosingError::NoLevel)?;
    if checklist.is_owed() && closing.reason.trim().is_empty() {
        return Err(ClosingError::NoReason);
    }
    let mut value = encounter(pen, patient, id).await?;
    let mut act =
        Act::new("visit.close", patient).once(format!("close/{id}/{}", closing.version)).reason(&closing.reason);
    finish(pen, &mut value, &chosen);
    act.update(key(id), closing.version, value);
    if level.0 != "none" && checklist.level.is_none() && pen.may(Action::Create, "ChargeItem") {
        act.create(pen, charge(pen, patient, id, *level));
    }
    if let Some(weeks) = closing.weeks.filter(|it| WEEKS.contains(it)) {
        act.create(pen, follow_up(pen, patient, id, weeks));
    }
    pen.commit(act).await?;
    Ok(())
}

/// FHIR R4, 8.11: the end, the history of the status, the diagnoses with their rank.
fn finish(pen: &Pen<'_>, value: &mut Value, diagnoses: &[&String]) {
    let before = owned(value, &["status"]).unwrap_or_else(|| "in-progress".to_owned());
    let since = owned(value, &["period", "start"]);
    let mut history: Vec<Value> = list(value, "statusHistory").to_vec();
    let from = history.last().and_then(|it| owned(it, &["period", "end"])).or(since);
    let mut period = json!({ "end": pen.moment() });
    if let Some(from) = from {
        period["start"] = json!(from);
    }
    history.push(json!({ "status": before, "period": period }));
    value["statusHistory"] = Value::Array(history);
    value["status"] = json!("finished");
    if value.get("period").is_none() {
        value["period"] = json!({});
    }
    value["period"]["end"] = json!(pen.moment());
    value["diagnosis"] = diagnoses
        .iter()
        .zip(1..)
        .map(|(id, rank)| {
            json!({
                "condition": { "reference": format!("Condition/{id}") },
                "use": { "coding": [{ "system": ROLE, "code": "billing", "display": "Billing" }] },
                "rank": rank,
            })
        })
        .collect();
}

fn charge(pen: &Pen<'_>, patient: &Id, id: &Id, (code, words): (&str, &str)) -> Value {
    json!({
        "resourceType": "ChargeItem",
        "status": "planned",
        "code": { "coding": [{ "system": LEVEL, "code": code, "display": words }], "text": words },
        "subject": { "reference": format!("Patient/{patient}") },
        "context": { "reference": format!("Encounter/{id}") },
        "occurrenceDateTime": pen.moment(),
        "performer": [{ "actor": pen.who() }],
        "enterer": pen.who(),
        "enteredDate": pen.moment(),
    })
}

/// Told to the front desk, which books it.
fn follow_up(pen: &Pen<'_>, patient: &Id, id: &Id, weeks: u16) -> Value {
    let due = When::of_micros(pen.now + i64::from(weeks) * 7 * 86_400_000_000);
    let s = if weeks == 1 { "" } else { "s" };
    json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": { "coding": [{ "system": notes::TASK, "code": FOLLOW_UP }], "text": "Book a follow-up visit" },
        "description": format!("Return in {weeks} week{s}, about {}", due.date()),
        "for": { "reference": format!("Patient/{patient}") },
        "encounter": { "reference": format!("Encounter/{id}") },
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
        "requester": pen.who(),
        "restriction": { "period": { "end": due.machine() } },
    })
}

#[cfg(test)]
mod tests;
