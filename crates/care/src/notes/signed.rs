//! Notes after the signature: reading one with what belongs to it, adding to it, correcting it, co-signing it. A signed
//! text never changes; what comes later is a document of its own that points at it (FHIR R4, DocumentReference.relatesTo).

use super::NoteError;
use super::draft::{self, Amends, How, Note, Part};
use super::kinds::{self, Kind};
use super::sign::{self, CO_SIGN, LOCKED, LOINC, NOTE, STATE, TASK};
use crate::act::{Act, Pen, Signature};
use crate::ask;
use crate::chart::element::{at, code_in, list, owned, text};
use crate::chart::{Document, When};
use fhir::{Id, Key, Value};
use serde_json::json;
use store::{Action, StoreError, StoreResult};

/// A signed note with what is around it.
#[derive(Clone, Debug)]
pub struct SignedNote {
    pub document: Document,
    pub standing: Standing,
    /// Of ours: the kind it was written as.
    pub kind: Option<&'static Kind>,
    /// It was written here, so that its sections are known.
    pub ours: bool,
    pub locked: bool,
    pub encounter: Option<String>,
    /// The caller wrote it.
    pub mine: bool,
    pub authenticator: Option<String>,
    /// What it adds to or replaces.
    pub amends: Option<(How, String)>,
    /// What was added to it and what replaces it, the oldest first.
    pub later: Vec<Related>,
    /// Somebody must co-sign it.
    pub waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Signed; a co-signature is asked for.
    Preliminary,
    Final,
    /// A correction of an earlier one.
    Amended,
    /// Another one stands in its place.
    Superseded,
    Mistaken,
    /// Written elsewhere without a word about it.
    Unsaid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub document: String,
    pub how: How,
    pub title: String,
    pub when: Option<When>,
    pub author: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub task: Id,
    pub document: Id,
    pub patient: Id,
    pub title: String,
    pub asked_by: Option<String>,
    pub supervisor: Option<String>,
    pub since: Option<When>,
    /// The caller is the one who is asked.
    pub mine: bool,
}

/// A document of this patient, as it lies in the store.
struct Read {
    key: Key,
    version: u64,
    value: Value,
}

/// What is needed to point at a document or to supersede it.
pub(super) struct Before {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) document: Value,
    pub(super) composition: Option<Key>,
}

async fn document(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<Read> {
    let row = ask::read(pen.store(), pen.caller, "DocumentReference", id).await?;
    let key = Key::parse(&format!("DocumentReference/{id}")).expect("a checked id");
    if text(&row.value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(StoreError::NotFound(key));
    }
    Ok(Read { key, version: version(&row.value), value: row.value })
}

fn version(value: &Value) -> u64 {
    text(value, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or(0)
}

fn note_id(value: &Value) -> Option<&str> {
    list(value, "identifier").iter().find(|it| text(it, &["system"]) == Some(NOTE)).and_then(|it| text(it, &["value"]))
}

async fn composition(pen: &Pen<'_>, document: &Value) -> StoreResult<Option<Value>> {
    let Some(note) = note_id(document) else { return Ok(None) };
    let asked = [("identifier", format!("{NOTE}|{}", ask::escaped(note)))];
    let found = ask::matches(pen.store(), pen.caller, "Composition", &asked, 1).await?;
    Ok(found.rows.into_iter().next().map(|it| it.value))
}

fn key_of(kind: &str, value: &Value) -> Option<Key> {
    Key::parse(&format!("{kind}/{}", text(value, &["id"])?))
}

pub(super) async fn read_for_change(pen: &Pen<'_>, patient: &Id, amends: &Amends) -> StoreResult<Before> {
    let id = Id::parse(&amends.document).ok_or_else(|| StoreError::Damaged("a draft names no document".into()))?;
    let Read { key, version, value } = document(pen, patient, &id).await?;
    let composition = composition(pen, &value).await?.and_then(|it| key_of("Composition", &it));
    Ok(Before { key, version, document: value, composition })
}

/// A signed note, or any other document of the chart in the same form.
pub async fn signed(pen: &Pen<'_>, patient: &Id, id: &Id) -> Result<SignedNote, NoteError> {
    let read = document(pen, patient, id).await?;
    let of_this = [("relatesto", format!("DocumentReference/{id}")), ("_sort", "date".to_owned())];
    let waiting_for = [
        ("focus", format!("DocumentReference/{id}")),
        ("status", "requested".to_owned()),
        ("code", format!("{TASK}|{CO_SIGN}")),
    ];
    let (document, later, tasks) = (
        pen.chart(patient).document(id).await?,
        ask::matches(pen.store(), pen.caller, "DocumentReference", &of_this, 50).await?,
        ask::Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &waiting_for, 1).await)?,
    );
    let value = &read.value;
    let standing = match (text(value, &["status"]), text(value, &["docStatus"])) {
        (Some("entered-in-error"), _) | (_, Some("entered-in-error")) => Standing::Mistaken,
        (Some("superseded"), _) => Standing::Superseded,
        (_, Some("preliminary")) => Standing::Preliminary,
        (_, Some("final")) => Standing::Final,
        (_, Some("amended")) => Standing::Amended,
        _ => Standing::Unsaid,
    };
    let related = |it: &Value| {
        let relation = list(it, "relatesTo")
            .iter()
            .find(|it| text(it, &["target", "reference"]) == Some(&read.key.to_string()))?;
        Some(Related {
            document: owned(it, &["id"])?,
            how: how(text(relation, &["code"]))?,
            title: owned(it, &["description"]).unwrap_or_default(),
            when: text(it, &["date"]).and_then(When::parse),
            author: owned(it, &["author", "display"]),
        })
    };
    let relation = at(value, &["relatesTo"]);
    Ok(SignedNote {
        standing,
        kind: value
            .get("type")
            .and_then(|it| code_in(it, LOINC))
            .and_then(|code| kinds::KINDS.iter().find(|it| it.code == code)),
        ours: note_id(value).is_some(),
        locked: is_locked(value),
        encounter: text(value, &["context", "encounter", "reference"])
            .and_then(|it| it.strip_prefix("Encounter/"))
            .map(str::to_owned),
        mine: is_mine(pen, value),
        authenticator: owned(value, &["authenticator", "display"]),
        amends: relation.and_then(|it| {
            let target = text(it, &["target", "reference"])?.strip_prefix("DocumentReference/")?;
            Some((how(text(it, &["code"]))?, target.to_owned()))
        }),
        later: later.rows.iter().filter_map(|it| related(&it.value)).collect(),
        waiting: tasks.rows.iter().find_map(|it| waiting(pen, &it.value)),
        document,
    })
}

fn how(code: Option<&str>) -> Option<How> {
    match code {
        Some("appends") => Some(How::Appends),
        Some("replaces") => Some(How::Replaces),
        _ => None,
    }
}

fn is_locked(value: &Value) -> bool {
    value.get("meta").is_some_and(|meta| {
        list(meta, "tag").iter().any(|it| text(it, &["system"]) == Some(STATE) && text(it, &["code"]) == Some(LOCKED))
    })
}

/// The caller's record is the author's; without one their name, which the signature put there.
fn is_mine(pen: &Pen<'_>, value: &Value) -> bool {
    let author = at(value, &["author"]);
    match pen.author {
        Some(own) => author.and_then(|it| text(it, &["reference"])) == Some(&own.to_string()),
        None => {
            let unnamed = author.is_some_and(|it| it.get("reference").is_none());
            unnamed && author.and_then(|it| text(it, &["display"])) == Some(&pen.caller.display)
        }
    }
}

fn waiting(pen: &Pen<'_>, task: &Value) -> Option<Waiting> {
    let of = |path: &[&str], kind: &str| text(task, path).and_then(|it| it.strip_prefix(kind)).and_then(Id::parse);
    let owner = text(task, &["owner", "reference"]);
    Some(Waiting {
        task: text(task, &["id"]).and_then(Id::parse)?,
        document: of(&["focus", "reference"], "DocumentReference/")?,
        patient: of(&["for", "reference"], "Patient/")?,
        title: owned(task, &["description"]).unwrap_or_default(),
        asked_by: owned(task, &["requester", "display"]),
        supervisor: owned(task, &["owner", "display"]),
        since: text(task, &["authoredOn"]).and_then(When::parse),
        mine: owner.is_some() && owner == pen.author.map(Key::to_string).as_deref(),
    })
}

/// What waits for the caller's co-signature, the oldest first.
pub async fn to_co_sign(pen: &Pen<'_>) -> Result<Vec<Waiting>, NoteError> {
    let Some(author) = pen.author.filter(|_| pen.may(Action::Search, "Task")) else { return Ok(Vec::new()) };
    let asked = [
        ("owner", author.to_string()),
        ("status", "requested".to_owned()),
        ("code", format!("{TASK}|{CO_SIGN}")),
        ("_sort", "authored-on".to_owned()),
    ];
    let found = ask::matches(pen.store(), pen.caller, "Task", &asked, 200).await?;
    Ok(found.rows.iter().filter_map(|it| waiting(pen, &it.value)).collect())
}

/// Who can be asked to co-sign: (key, name), by name.
pub async fn supervisors(pen: &Pen<'_>) -> StoreResult<Vec<(String, String)>> {
    let asked = [("active", "true".to_owned()), ("_sort", "name".to_owned())];
    let found = ask::Rows::or_refused(ask::matches(pen.store(), pen.caller, "Practitioner", &asked, 100).await)?;
    let own = pen.author.map(Key::to_string);
    let one = |row: &ask::Row| {
        let key = key_of("Practitioner", &row.value)?.to_string();
        Some((key, crate::chart::element::display_name(&row.value)?))
    };
    Ok(found.rows.iter().filter_map(one).filter(|(key, _)| Some(key) != own.as_ref()).collect())
}

/// Signs beside the author: the note becomes final, the task is done.
pub async fn co_sign(pen: &Pen<'_>, patient: &Id, id: &Id, comment: &str) -> Result<(), NoteError> {
    let note = signed(pen, patient, id).await?;
    let Some(waiting) = note.waiting else {
        // Signed already, by the first of two clicks.
        return if note.standing == Standing::Final { Ok(()) } else { Err(NoteError::Absent) };
    };
    if !waiting.mine || note.mine {
        return Err(NoteError::NotYours);
    }
    let Read { key, version: at_version, mut value } = document(pen, patient, id).await?;
    let status = match note.amends {
        Some((How::Replaces, _)) => "amended",
        _ => "final",
    };
    let mut act = Act::new("note.co-sign", patient).once(format!("co-sign/{}", waiting.task)).reason(comment);
    value["docStatus"] = json!(status);
    value["authenticator"] = pen.who();
    if let Some(mut whole) = composition(pen, &value).await? {
        whole["status"] = json!(status);
        if let Some(attesters) = whole.get_mut("attester").and_then(Value::as_array_mut) {
            attesters.push(json!({ "mode": "professional", "time": pen.moment(), "party": pen.who() }));
        }
        if let Some(key) = key_of("Composition", &whole) {
            act.update(key, version(&whole), whole);
        }
    }
    act.update(key, at_version, value);
    let mut task = ask::read(pen.store(), pen.caller, "Task", &waiting.task).await?.value;
    task["status"] = json!("completed");
    task["lastModified"] = json!(pen.moment());
    if let Some(key) = key_of("Task", &task) {
        act.update(key, version(&task), task);
    }
    act.signed(Signature::Reviewer);
    pen.commit(act).await?;
    Ok(())
}

/// Begins an addendum to any document of the chart.
pub async fn add_to(pen: &Pen<'_>, patient: &Id, id: &Id) -> Result<Note, NoteError> {
    let note = signed(pen, patient, id).await?;
    if matches!(note.standing, Standing::Superseded | Standing::Mistaken) {
        return Err(NoteError::Absent);
    }
    let amends =
        Amends { document: id.to_string(), title: format!("Addendum: {}", note.document.title), how: How::Appends };
    let part = Part {
        key: "addendum".into(),
        title: "Addendum".into(),
        code: Some("55107-7".into()),
        problem: None,
        text: String::new(),
    };
    let kind = note.kind.unwrap_or(&kinds::KINDS[0]);
    draft::amend(pen, patient, amends, kind, note.encounter, vec![part]).await
}

/// Begins a correction: a note of the same sections that will stand in the place of this one. Only its author can, and
/// nobody once it is locked.
pub async fn correct(pen: &Pen<'_>, patient: &Id, id: &Id) -> Result<Note, NoteError> {
    let note = signed(pen, patient, id).await?;
    if note.locked {
        return Err(NoteError::Locked);
    }
    if !note.mine || !matches!(note.standing, Standing::Final | Standing::Amended) {
        return Err(NoteError::NotYours);
    }
    let Read { value, .. } = document(pen, patient, id).await?;
    let whole = composition(pen, &value).await?.ok_or(NoteError::Absent)?;
    let part = |(at, section): (usize, &Value)| {
        Some(Part {
            key: format!("part-{at}"),
            title: owned(section, &["title"])?,
            code: section.get("code").and_then(|it| code_in(it, LOINC)).map(str::to_owned),
            problem: list(section, "entry")
                .iter()
                .find_map(|it| text(it, &["reference"])?.strip_prefix("Condition/").map(str::to_owned))
                .filter(|_| section.get("code").and_then(|it| code_in(it, LOINC)) == Some("51847-2")),
            text: sign::undivided(text(section, &["text", "div"])?)?,
        })
    };
    let parts: Vec<Part> = list(&whole, "section").iter().enumerate().filter_map(part).collect();
    let amends = Amends { document: id.to_string(), title: note.document.title.clone(), how: How::Replaces };
    let kind = note.kind.unwrap_or(&kinds::KINDS[0]);
    draft::amend(pen, patient, amends, kind, note.encounter, parts).await
}
