//! Decisions are kept as a draft, signed as one act, and can be taken back. What can be taken back is read from the
//! Provenance of the act: it names every version that was written and every version that was there before.

use super::plan::Change;
use super::{Choices, gather, plan};
use crate::act::{Act, ActError, Pen, Signature, Written};
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{list, owned, text};
use crate::draft::{DraftError, Drafts};
use fhir::{Id, Key, ResourceType, Value};
use store::{Action, StoreError, StoreResult};

const FORM: &str = "reconcile";
const SIGNED: &str = "reconcile";
const UNDONE: &str = "reconcile.undo";
/// For so long it can be taken back.
const WINDOW: i64 = 7 * 86_400_000_000;

#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// What was decided about is not as it was any more.
    #[error("the lists were changed meanwhile")]
    Changed,
    #[error("nothing was decided")]
    Nothing,
    #[error(transparent)]
    Act(ActError),
    #[error(transparent)]
    Draft(DraftError),
}

impl From<ActError> for ReconcileError {
    fn from(error: ActError) -> ReconcileError {
        match error {
            ActError::Conflict { .. } => ReconcileError::Changed,
            other => ReconcileError::Act(other),
        }
    }
}

impl From<StoreError> for ReconcileError {
    fn from(error: StoreError) -> ReconcileError {
        ReconcileError::Act(error.into())
    }
}

/// A reconciliation that was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Its Provenance.
    pub id: Id,
    pub when: When,
    pub who: Option<String>,
    /// How many resources it wrote.
    pub count: usize,
    pub undone: bool,
    /// It can be taken back by whoever may reconcile: lately signed, and nothing of it was changed since.
    pub may_undo: bool,
}

/// What the writer has decided so far.
pub async fn choices(pen: &Pen<'_>, patient: &Id) -> StoreResult<Choices> {
    let draft = Drafts::of(pen).read(FORM, patient).await?;
    Ok(draft.and_then(|it| serde_json::from_value(it.body).ok()).unwrap_or_default())
}

/// Keeps what was decided so far. The later of two windows of the same person counts.
pub async fn choose(pen: &Pen<'_>, patient: &Id, choices: &Choices) -> Result<(), ReconcileError> {
    let drafts = Drafts::of(pen);
    let body = serde_json::to_value(choices).expect("decisions can be written");
    for _ in 0..3 {
        let there = drafts.read(FORM, patient).await?;
        match drafts.keep(FORM, patient, body.clone(), there.map(|it| it.version)).await {
            Err(DraftError::Conflict(_)) => {}
            Err(other) => return Err(ReconcileError::Draft(other)),
            Ok(_) => return Ok(()),
        }
    }
    Err(ReconcileError::Changed)
}

/// Writes what was decided: one commit with one Provenance, and the draft goes with it.
pub async fn sign(pen: &Pen<'_>, patient: &Id, choices: &Choices, once: &str) -> Result<Written, ReconcileError> {
    if let Some(before) = pen.written_before(once).await? {
        return Ok(before);
    }
    let sheet = gather::sheet(pen, patient).await?;
    if choices.decisions.is_empty() {
        return Err(ReconcileError::Nothing);
    }
    // A row is named by what it consists of: one that is not found was changed, or may not be decided.
    if choices.decisions.iter().any(|(id, decision)| !sheet.row(id).is_some_and(|it| it.choices().contains(decision))) {
        return Err(ReconcileError::Changed);
    }
    let plan = plan(&sheet, choices, &pen.today());
    if plan.is_empty() {
        return Err(ReconcileError::Nothing);
    }
    let mut act = Act::new(SIGNED, patient).once(once).reason(choices.note.as_str());
    for Change { key, version, value } in plan.changes {
        act.update(key, version, value);
    }
    for (key, version) in plan.drawn {
        act.drawn_from(key, version);
    }
    act.about(of(patient));
    act.signed(Signature::Reviewer);
    act.keep(Drafts::of(pen).done(FORM, patient));
    Ok(pen.commit(act).await?)
}

fn of(patient: &Id) -> Key {
    Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone())
}

/// The last reconciliation of a patient.
pub async fn last(pen: &Pen<'_>, patient: &Id) -> StoreResult<Option<Done>> {
    if !pen.may(Action::Search, "Provenance") {
        return Ok(None);
    }
    let asked = [("target", of(patient).to_string()), ("_sort", "-recorded".to_owned())];
    let found = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Provenance", &asked, 20).await)?;
    let name = |it: &ask::Row| owned(&it.value, &["activity", "text"]);
    let mine: Vec<(&ask::Row, bool)> = found
        .rows
        .iter()
        .filter_map(|it| match name(it).as_deref() {
            Some(SIGNED) => Some((it, false)),
            Some(UNDONE) => Some((it, true)),
            _ => None,
        })
        .collect();
    let Some((row, undone)) = mine.first() else { return Ok(None) };
    let written = written(&row.value);
    let fresh = pen.now - row.at < WINDOW;
    let may_undo = !undone && fresh && super::may(pen) && untouched(pen, &written).await?;
    let Some(id) = text(&row.value, &["id"]).and_then(Id::parse) else { return Ok(None) };
    let when = When::of_micros(row.at);
    Ok(Some(Done { id, when, who: gather::who(&row.value), count: written.len(), undone: *undone, may_undo }))
}

/// What a Provenance says was written: key and version.
fn written(provenance: &Value) -> Vec<(Key, u64)> {
    let target = |it: &Value| {
        let (key, version) = text(it, &["reference"])?.split_once("/_history/")?;
        Some((Key::parse(key)?, version.parse().ok()?))
    };
    list(provenance, "target").iter().filter_map(target).collect()
}

async fn untouched(pen: &Pen<'_>, written: &[(Key, u64)]) -> StoreResult<bool> {
    for (key, version) in written {
        match pen.store().read(pen.caller, key).await {
            Ok(stored) if stored.version == *version => {}
            Ok(_) | Err(StoreError::NotFound(_) | StoreError::Gone { .. } | StoreError::Forbidden) => return Ok(false),
            Err(other) => return Err(other),
        }
    }
    Ok(true)
}

/// Takes a reconciliation back: everything is as it was before it, in one commit. Refused when anything of it was changed
/// since.
pub async fn undo(pen: &Pen<'_>, patient: &Id, done: &Id, once: &str) -> Result<Written, ReconcileError> {
    if let Some(before) = pen.written_before(once).await? {
        return Ok(before);
    }
    let provenance = ask::read(pen.store(), pen.caller, "Provenance", done).await?;
    let signed = text(&provenance.value, &["activity", "text"]) == Some(SIGNED);
    if !signed || !gather::is_of(&provenance.value, patient) || pen.now - provenance.at >= WINDOW {
        return Err(ReconcileError::Changed);
    }
    let mut act = Act::new(UNDONE, patient).once(once);
    for (key, version) in written(&provenance.value) {
        // Its first version came about in another way than by this act.
        let before = version.checked_sub(1).filter(|it| *it > 0).ok_or(ReconcileError::Changed)?;
        let stored = pen.store().vread(pen.caller, &key, &before.to_string()).await?;
        act.update(key, version, stored.value());
    }
    act.about(of(patient));
    Ok(pen.commit(act).await?)
}
