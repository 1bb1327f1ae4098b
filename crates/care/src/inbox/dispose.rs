//! What can be done with an entry. Each is one act: the Task with what became of it, whatever else is written, and one
//! Provenance. An entry that is done stays done; the same form sent twice does nothing twice.

use super::detail::members;
use super::{Folder, SYSTEM, is_open};
use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::Reading;
use crate::chart::element::{Names, list, owned, text};
use crate::messages::{self, Sent};
use fhir::{Id, Issue, IssueCode, Key, Value};
use serde_json::json;
use store::{StoreError, StoreResult};

/// What became of an entry: the code in the Task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposed {
    Acknowledged,
    Replied,
    Filed,
    Matched,
}

impl Disposed {
    fn code(self) -> &'static str {
        match self {
            Disposed::Acknowledged => "acknowledged",
            Disposed::Replied => "replied",
            Disposed::Filed => "filed",
            Disposed::Matched => "matched",
        }
    }
}

/// How a batch went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batched {
    pub done: usize,
    /// Left alone, because something in them is not normal or was not flagged.
    pub left: usize,
}

pub(super) struct Open {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) value: Value,
}

impl Open {
    pub(super) async fn read(pen: &Pen<'_>, task: &Id) -> Result<Open, ActError> {
        let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
        let version = text(&row.value, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or_default();
        let key = Key::parse(&format!("Task/{task}")).expect("an id was read by it");
        if !is_open(&row.value) {
            // Somebody else was faster, or it was sent twice from two windows.
            return Err(ActError::Conflict { key });
        }
        Ok(Open { key, version, value: row.value })
    }

    pub(super) fn focus(&self) -> Option<Key> {
        text(&self.value, &["focus", "reference"]).and_then(Key::parse)
    }

    pub(super) fn patient(&self) -> Option<Id> {
        let key = text(&self.value, &["for", "reference"]).and_then(Key::parse)?;
        (key.kind.name() == "Patient").then_some(key.id)
    }

    fn folder(&self) -> Folder {
        self.value.get("code").and_then(crate::chart::element::first_code).map_or(Folder::Alerts, Folder::of_code)
    }

    /// The Task as it is when it is done.
    pub(super) fn closed(&self, pen: &Pen<'_>, how: Disposed, note: &str) -> Value {
        let mut value = self.value.clone();
        value["status"] = "completed".into();
        value["businessStatus"] = json!({ "coding": [{ "system": SYSTEM, "code": how.code() }], "text": how.code() });
        value["lastModified"] = pen.moment().into();
        value["executionPeriod"] = json!({ "end": pen.moment() });
        noted(&mut value, pen, note);
        value
    }
}

fn noted(task: &mut Value, pen: &Pen<'_>, note: &str) {
    if note.trim().is_empty() {
        return;
    }
    let mut one = json!({ "time": pen.moment(), "text": note.trim() });
    match pen.author {
        Some(_) => one["authorReference"] = pen.who(),
        None => one["authorString"] = (&*pen.caller.display).into(),
    }
    let mut notes: Vec<Value> = list(task, "note").to_vec();
    notes.push(one);
    task["note"] = notes.into();
}

pub(super) fn nobody() -> Id {
    Id::parse("nobody").expect("a word of letters is an id")
}

fn invalid(says: &str) -> ActError {
    ActError::Invalid(vec![Issue::error(IssueCode::BusinessRule, "Task", says)])
}

/// "I have seen this." Also for alerts and replies that need nothing else.
pub async fn acknowledge(pen: &Pen<'_>, task: &Id, note: &str, once: &str) -> Result<Written, ActError> {
    let open = match Open::read(pen, task).await {
        Ok(open) => open,
        Err(ActError::Conflict { key }) => return again(pen, key, once).await,
        Err(other) => return Err(other),
    };
    if open.folder() == Folder::Unmatched {
        return Err(invalid("a result without a patient is matched first"));
    }
    let mut act = Act::new("inbox.acknowledge", &open.patient().unwrap_or_else(nobody)).once(once).reason(note);
    // What was seen is part of what was done.
    if let Some(focus) = open.focus() {
        let value = ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await?.value;
        let mut closed = open.closed(pen, Disposed::Acknowledged, note);
        let version = text(&value, &["meta", "versionId"]).unwrap_or("1");
        closed["output"] =
            json!([{ "type": { "coding": [{ "system": SYSTEM, "code": "version" }] }, "valueString": version }]);
        act.about(focus);
        act.update(open.key, open.version, closed);
    } else {
        let closed = open.closed(pen, Disposed::Acknowledged, note);
        act.update(open.key, open.version, closed);
    }
    pen.commit(act).await
}

/// The same form sent again finds what it did; anybody else is told that it is done.
async fn again(pen: &Pen<'_>, key: Key, once: &str) -> Result<Written, ActError> {
    let act = Act::new("inbox.acknowledge", &nobody()).once(once);
    match pen.commit(act).await {
        Ok(written) if written.again => Ok(written),
        Ok(_) => Err(ActError::Conflict { key }),
        Err(other) => Err(other),
    }
}

/// Acknowledges those whose results were all flagged normal, as they are now; leaves the others alone.
pub async fn acknowledge_normal(pen: &Pen<'_>, tasks: &[Id], once: &str) -> Result<Batched, ActError> {
    let mut batched = Batched::default();
    for task in tasks {
        if !is_normal(pen, task).await? {
            batched.left += 1;
            continue;
        }
        match acknowledge(pen, task, "", &format!("{once}-{task}")).await {
            Ok(_) => batched.done += 1,
            Err(ActError::Conflict { .. }) => batched.left += 1,
            Err(other) => return Err(other),
        }
    }
    Ok(batched)
}

/// Every result of it carries a flag, and every flag is normal.
async fn is_normal(pen: &Pen<'_>, task: &Id) -> StoreResult<bool> {
    let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
    let focus = text(&row.value, &["focus", "reference"]).and_then(Key::parse);
    let Some(focus) = focus.filter(|it| matches!(it.kind.name(), "DiagnosticReport" | "Observation")) else {
        return Ok(false);
    };
    let value = ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await?.value;
    let readings: Vec<Reading> =
        members(pen, &value).await?.iter().map(|it| Reading::of(it, &Names::default())).collect();
    let counting: Vec<&Reading> = readings.iter().filter(|it| it.counts()).collect();
    Ok(!counting.is_empty() && counting.iter().all(|it| it.flag.is_some_and(|flag| !flag.is_abnormal())))
}

/// Gives it to a colleague or a pool, with a word why.
pub async fn forward(pen: &Pen<'_>, task: &Id, to: &Key, note: &str, once: &str) -> Result<Written, ActError> {
    let open = match Open::read(pen, task).await {
        Ok(open) => open,
        Err(ActError::Conflict { key }) => return again(pen, key, once).await,
        Err(other) => return Err(other),
    };
    let settings = super::settings::read(pen).await?;
    let colleagues = pen.organisation.access.colleagues(pen.now).await?;
    let pool = settings.pools.iter().find(|it| it.key == *to).map(|it| it.name.clone());
    let name = pool.or_else(|| colleagues.into_iter().find(|it| it.0 == *to).map(|it| it.1));
    let Some(name) = name else { return Err(invalid("nobody of that name has an inbox here")) };
    let mut value = open.value.clone();
    value["owner"] = json!({ "reference": to.to_string(), "display": name });
    value["lastModified"] = pen.moment().into();
    noted(&mut value, pen, note);
    let mut act = Act::new("inbox.forward", &open.patient().unwrap_or_else(nobody)).once(once).reason(note);
    act.update(open.key, open.version, value);
    pen.commit(act).await
}

/// Writes to the patient about it. `done` closes the entry with it.
pub async fn message(pen: &Pen<'_>, task: &Id, words: &str, done: bool, once: &str) -> Result<Written, ActError> {
    let open = match Open::read(pen, task).await {
        Ok(open) => open,
        Err(ActError::Conflict { key }) => return again(pen, key, once).await,
        Err(other) => return Err(other),
    };
    let Some(patient) = open.patient() else { return Err(invalid("there is no patient to write to")) };
    if words.trim().is_empty() {
        return Err(invalid("a message needs words"));
    }
    let mut act = Act::new("inbox.message", &patient).once(once);
    let about = open.focus();
    let to = Key::parse(&format!("Patient/{patient}")).expect("an id was read by it");
    let topic = owned(&open.value, &["description"]).unwrap_or_default();
    let answered = match &about {
        Some(key) if key.kind.name() == "Communication" => {
            Some(ask::read(pen.store(), pen.caller, "Communication", &key.id).await?.value)
        }
        _ => None,
    };
    let sent = Sent { to: &[to], patient: Some(&patient), topic: &topic, words, about: about.as_ref() };
    let key = act.create(pen, messages::message(pen, &sent, answered.as_ref()));
    if done {
        let mut closed = open.closed(pen, Disposed::Replied, "");
        closed["output"] = json!([{ "type": { "coding": [{ "system": SYSTEM, "code": "reply" }] }, "valueReference": { "reference": key.to_string() } }]);
        act.update(open.key, open.version, closed);
    }
    pen.commit(act).await
}

/// Puts a document where it belongs: its kind is said, and it is nobody's work any more.
pub async fn file(pen: &Pen<'_>, task: &Id, title: &str, note: &str, once: &str) -> Result<Written, ActError> {
    let open = match Open::read(pen, task).await {
        Ok(open) => open,
        Err(ActError::Conflict { key }) => return again(pen, key, once).await,
        Err(other) => return Err(other),
    };
    let mut act = Act::new("inbox.file", &open.patient().unwrap_or_else(nobody)).once(once).reason(note);
    if let Some(focus) = open.focus() {
        if focus.kind.name() == "DocumentReference" && !title.trim().is_empty() {
            let mut value = ask::read(pen.store(), pen.caller, "DocumentReference", &focus.id).await?.value;
            let version = text(&value, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or_default();
            value["description"] = title.trim().into();
            act.update(focus, version, value);
        } else {
            act.about(focus);
        }
    }
    let closed = open.closed(pen, Disposed::Filed, note);
    act.update(open.key, open.version, closed);
    pen.commit(act).await
}

/// A repeat of an order is made in the basket; this says which order it was.
pub async fn order_of(pen: &Pen<'_>, task: &Id) -> Result<Option<Key>, StoreError> {
    let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
    let Some(focus) = text(&row.value, &["focus", "reference"]).and_then(Key::parse) else { return Ok(None) };
    let value = ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await?.value;
    Ok(list(&value, "basedOn").iter().find_map(|it| text(it, &["reference"]).and_then(Key::parse)))
}
