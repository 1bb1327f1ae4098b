//! `$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels of one resource. A change makes
//! a version like any other, so that history tells who labelled what.
//!
//! FHIR R4, resource-operation-meta.html, -meta-add.html, -meta-delete.html.

use super::input::Input;
use crate::fhir::{Ask, content};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::IssueCode;
use http::StatusCode;
use serde_json::{Map, Value, json};
use store::{Batch, Change, Expect, StoreError, Stored, Write};

/// The members these operations are about.
const LABELS: [&str; 3] = ["profile", "security", "tag"];

pub(super) async fn show(mut ask: Ask<'_>) -> Answer<Reply> {
    Input::take(&mut ask).await?.finish()?;
    let stored = ask.door.store().read(ask.caller, &ask.matched.key()).await?;
    Ok(told(stored.value()["meta"].take()))
}

pub(super) async fn add(ask: Ask<'_>) -> Answer<Reply> {
    change(ask, |current, given| {
        if !current.iter().any(|it| same(it, given)) {
            current.push(given.clone());
        }
    })
    .await
}

pub(super) async fn remove(ask: Ask<'_>) -> Answer<Reply> {
    change(ask, |current, given| current.retain(|it| !same(it, given))).await
}

/// Labels are the same by system and code, profiles by their address.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(_), Value::Object(_)) => a.get("system") == b.get("system") && a.get("code") == b.get("code"),
        _ => a == b,
    }
}

async fn change(mut ask: Ask<'_>, edit: impl Fn(&mut Vec<Value>, &Value)) -> Answer<Reply> {
    let mut input = Input::take(&mut ask).await?;
    let meta = input.tree("meta")?.ok_or_else(|| Refusal::invalid("send the parameter meta with a valueMeta"))?;
    input.finish()?;
    let key = ask.matched.key();
    for _ in 0..ask.door.settings.attempts {
        let stored = ask.door.store().read(ask.caller, &key).await?;
        let value = edited(&stored, &meta, &edit);
        let checked = content::check(value)?;
        let write = Write { key: key.clone(), expect: Expect::Version(stored.version), change: Change::Put(checked) };
        match ask.door.store().commit(ask.caller, Batch::of("meta", write), ask.door.now()).await {
            Ok(_) => {
                let mut now = ask.door.store().read(ask.caller, &key).await?.value();
                return Ok(told(now["meta"].take()));
            }
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(
        StatusCode::CONFLICT,
        IssueCode::Conflict,
        "others keep changing this resource; nothing was written, send it again",
    ))
}

fn edited(stored: &Stored, given: &Value, edit: &impl Fn(&mut Vec<Value>, &Value)) -> Value {
    let mut value = stored.value();
    let mut meta = value.get_mut("meta").and_then(Value::as_object_mut).map(std::mem::take).unwrap_or_default();
    for name in LABELS {
        let Some(wanted) = given.get(name).and_then(Value::as_array) else { continue };
        let mut current = match meta.remove(name) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        wanted.iter().for_each(|one| edit(&mut current, one));
        if !current.is_empty() {
            meta.insert(name.to_owned(), Value::Array(current));
        }
    }
    if let Value::Object(members) = &mut value {
        members.insert("meta".to_owned(), Value::Object(meta));
    }
    value
}

fn told(meta: Value) -> Reply {
    let meta = if meta.is_object() { meta } else { Value::Object(Map::new()) };
    Reply::tree(&json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "return", "valueMeta": meta }],
    }))
}
