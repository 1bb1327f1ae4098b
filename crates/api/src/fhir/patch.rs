//! Patch: a change applied to the current version, checked like any other write, and written only over
//! the version it was applied to.
//!
//! FHIR R4, http.html#patch, fhirpatch.html; RFC 6902 (JSON Patch).

use super::negotiate::{Content, JSON_PATCH, wrong_content};
use super::{Ask, content, refuse_rest, write};
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::{Draft, Issue, IssueCode, Key};
use http::StatusCode;
use serde_json::Value;
use store::{Batch, Expect, Guard, StoreError, Write};

/// A change as it came, readable any number of times.
pub(crate) enum Change {
    JsonPatch(Value),
    /// Parameters with `operation` parts.
    FhirPath(Value),
}

impl Change {
    pub(crate) fn of(door: &Door, content: Content) -> Answer<Change> {
        match content {
            Content::JsonPatch(bytes) => Draft::parse(&bytes, content::limits(door))
                .map(|draft| Change::JsonPatch(draft.into_value()))
                .map_err(|issues| Refusal::of(StatusCode::BAD_REQUEST, issues)),
            content @ (Content::Fhir(_) | Content::Tree(_)) => {
                let value = content::tree(door, content)?;
                match value.get("resourceType").and_then(Value::as_str) {
                    Some("Parameters") => Ok(Change::FhirPath(value)),
                    _ => Err(Refusal::invalid(format!(
                        "a patch is a JSON Patch sent as {JSON_PATCH}, or a FHIRPath Patch in a Parameters resource"
                    ))),
                }
            }
            other => Err(wrong_content(
                &other,
                "a JSON Patch as application/json-patch+json or FHIRPath Patch Parameters as application/fhir+json",
            )),
        }
    }

    /// The resource as the change leaves it. It may not change which resource it is.
    pub(crate) fn apply(&self, key: &Key, current: Value) -> Answer<Value> {
        let changed = match self {
            Change::JsonPatch(operations) => ::fhir::patch::json_patch(&current, operations),
            Change::FhirPath(parameters) => ::fhir::patch::fhirpath_patch(&current, parameters),
        };
        let value = changed.map_err(|issue| Refusal::of(StatusCode::UNPROCESSABLE_ENTITY, vec![issue]))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if text("resourceType") != Some(key.kind.name()) || text("id") != Some(key.id.as_str()) {
            let says = "a patch may not change id or resourceType";
            return Err(Refusal::of(
                StatusCode::UNPROCESSABLE_ENTITY,
                vec![Issue::error(IssueCode::BusinessRule, "Resource.id", says)],
            ));
        }
        Ok(value)
    }
}

pub(crate) async fn patch(mut ask: Ask<'_>) -> Answer<Reply> {
    refuse_rest(&ask.pairs)?;
    let key = ask.matched.key();
    let content = std::mem::replace(&mut ask.content, Content::None);
    let change = Change::of(ask.door, content)?;
    for _ in 0..ask.door.settings.attempts {
        if let Some(reply) = attempt(&ask, &key, &change, Vec::new()).await? {
            return Ok(reply);
        }
    }
    Err(Refusal::busy())
}

/// Applies the change to what is there now; none when somebody wrote in between and it may be tried again.
pub(crate) async fn attempt(ask: &Ask<'_>, key: &Key, change: &Change, guards: Vec<Guard>) -> Answer<Option<Reply>> {
    let stored = ask.door.store().read(ask.caller, key).await?;
    let expected = ask.conditions.expected()?;
    if let Some(Expect::Version(version)) = expected
        && version != stored.version
    {
        let (expected, actual) = (version.to_string(), stored.version.to_string());
        return Err(StoreError::Conflict { key: key.clone(), expected, actual }.into());
    }
    let checked = content::check(change.apply(key, stored.value())?)?;
    let warnings = checked.warnings().to_vec();
    let write =
        Write { key: key.clone(), expect: Expect::Version(stored.version), change: store::Change::Put(checked) };
    let batch = Batch { writes: vec![write], guards, action: "patch", ..Batch::default() };
    match ask.door.store().commit(ask.caller, batch, ask.door.now()).await {
        Ok(mut outcomes) => {
            let outcome = outcomes.pop().expect("one write has one outcome");
            write::written(ask.door, ask.caller, ask.conditions.returns, outcome, warnings).await.map(Some)
        }
        Err(StoreError::GuardFailed { .. }) => Ok(None),
        Err(StoreError::Conflict { .. }) if expected.is_none() || expected == Some(Expect::Present) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
