//! Results that name nobody of our record: a person looks for whose they are and says so. What was sent is not changed
//! but for the reference to the patient; who matched, when and why stays in the Provenance and in the audit log.

use super::Folder;
use super::detail::{members, person};
use super::dispose::{Disposed, Open};
use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::element::{first_code, owned, text};
use crate::people::{self, Found, Hit};
use fhir::{Id, Issue, IssueCode, Key, Value};
use serde_json::json;
use store::StoreResult;

/// Whom a result may be about.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// What was looked for.
    pub words: String,
    pub found: Found,
    /// The one chosen, to be looked at before it is confirmed.
    pub chosen: Option<Hit>,
}

/// Looks for whom the result names, or for what somebody typed.
pub async fn candidates(pen: &Pen<'_>, task: &Id, words: Option<&str>, chosen: Option<&Id>) -> StoreResult<Candidates> {
    let words = match words.map(str::trim).filter(|it| !it.is_empty()) {
        Some(words) => words.to_owned(),
        None => named(pen, task).await?.unwrap_or_default(),
    };
    let found = people::find(pen.store(), pen.caller, &words, pen.now).await?;
    let chosen = match chosen {
        Some(id) => person(pen, id).await?,
        None => None,
    };
    Ok(Candidates { words, found, chosen })
}

/// The name or number under which it was sent.
async fn named(pen: &Pen<'_>, task: &Id) -> StoreResult<Option<String>> {
    let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
    let Some(focus) = text(&row.value, &["focus", "reference"]).and_then(Key::parse) else { return Ok(None) };
    let value = ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await?.value;
    Ok(owned(&value, &["subject", "display"]).or_else(|| owned(&value, &["subject", "identifier", "value"])))
}

/// Says whose result it is. `reason` is how one knows.
pub async fn match_to(pen: &Pen<'_>, task: &Id, patient: &Id, reason: &str, once: &str) -> Result<Written, ActError> {
    let open = Open::read(pen, task).await?;
    let invalid = |says: &str| ActError::Invalid(vec![Issue::error(IssueCode::BusinessRule, "Task", says)]);
    let code = open.value.get("code").and_then(first_code);
    let (Some(focus), true) = (open.focus(), code == Some(Folder::Unmatched.code())) else {
        return Err(invalid("this result has a patient already"));
    };
    if reason.trim().is_empty() {
        return Err(invalid("say how you know whose result it is"));
    }
    // Whom one may not see one may not match to.
    if person(pen, patient).await?.is_none() {
        return Err(invalid("there is no such patient"));
    }
    let whose = json!({ "reference": format!("Patient/{patient}") });
    let value = ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await?.value;
    let mut act = Act::new("inbox.match", patient).once(once).reason(reason);
    let mut all = members(pen, &value).await?;
    if focus.kind.name() == "DiagnosticReport" {
        all.push(value);
    }
    for mut it in all {
        if text(&it, &["subject", "reference"]).is_some() {
            continue;
        }
        // Under what it was sent stays in the result.
        let sent = it.get("subject").cloned().unwrap_or(Value::Null);
        let mut subject = whose.clone();
        for name in ["identifier", "display"] {
            if let Some(value) = sent.get(name) {
                subject[name] = value.clone();
            }
        }
        it["subject"] = subject;
        let kind = text(&it, &["resourceType"]).unwrap_or_default();
        let key = text(&it, &["id"]).and_then(|id| Key::parse(&format!("{kind}/{id}")));
        let version = text(&it, &["meta", "versionId"]).and_then(|it| it.parse().ok());
        if let (Some(key), Some(version)) = (key, version) {
            act.update(key, version, it);
        }
    }
    let mut closed = open.closed(pen, Disposed::Matched, reason);
    closed["for"] = whose;
    act.update(open.key, open.version, closed);
    pen.commit(act).await
}
