//! Create, update and delete of one resource.
//!
//! FHIR R4, http.html#create, #update, #upsert, #delete.

use super::{Ask, conditional, content, refuse_rest};
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use crate::reply::{Answered, Reply};
use crate::routes::{Verb, wrong_method};
use crate::settings::Return;
use ::fhir::{Issue, IssueCode};
use http::StatusCode;
use store::{Action, Batch, Caller, Change, Done, Expect, Outcome, Permit, StoreError, Stored, Write};

pub(crate) async fn create(mut ask: Ask<'_>) -> Answer<Reply> {
    refuse_rest(&ask.pairs)?;
    let kind = ask.matched.kind();
    let content = std::mem::replace(&mut ask.content, super::negotiate::Content::None);
    let mut value = content::tree_of_any_size(ask.door, content).await?;
    content::of_type(&value, kind)?;
    if let Some(criteria) = ask.conditions.if_none_exist.clone() {
        return conditional::create(ask, value, &criteria).await;
    }
    // An id in the body of a create is ignored: the server gives them (FHIR R4, http.html#create).
    let id = ask.door.new_id();
    content::set_id(&mut value, &id);
    let checked = content::check(value)?;
    let warnings = checked.warnings().to_vec();
    let key = ::fhir::Key::new(kind, id);
    let write = Write { key, expect: Expect::New, change: Change::Put(checked) };
    let outcome = commit_one(&ask, Batch::of("create", write)).await?;
    written(ask.door, ask.caller, ask.conditions.returns, outcome, warnings).await
}

pub(crate) async fn update(mut ask: Ask<'_>) -> Answer<Reply> {
    refuse_rest(&ask.pairs)?;
    let key = ask.matched.key();
    let content = std::mem::replace(&mut ask.content, super::negotiate::Content::None);
    let value = content::tree_of_any_size(ask.door, content).await?;
    content::of_type(&value, key.kind)?;
    content::same_id(&value, &key.id)?;
    let checked = content::check(value)?;
    let warnings = checked.warnings().to_vec();
    let expect = expected(&ask)?;
    let write = Write { key, expect, change: Change::Put(checked) };
    let outcome = match commit_one(&ask, Batch::of("update", write)).await {
        Err(refusal) if expect == Expect::Present && ask.conditions.if_match.is_none() => {
            return Err(match refusal.status {
                // FHIR R4, http.html#upsert: a server that does not create by update says 405.
                StatusCode::PRECONDITION_FAILED => no_upsert(),
                _ => refusal,
            });
        }
        other => other?,
    };
    written(ask.door, ask.caller, ask.conditions.returns, outcome, warnings).await
}

pub(crate) fn no_upsert() -> Refusal {
    let mut refusal = wrong_method(&[Verb::Get]);
    refusal.issues = vec![Issue::error(
        IssueCode::NotSupported,
        "",
        "nothing has this id, and this server does not create by update; POST to the type",
    )];
    refusal
}

/// What an update without `If-Match` expects depends on whether it may create.
pub(crate) fn expected(ask: &Ask<'_>) -> Answer<Expect> {
    // "Only if there is none yet" (RFC 9110, 13.1.2).
    if ask.conditions.if_none_match.as_deref() == Some("*") {
        return Ok(Expect::Absent);
    }
    let free = if ask.door.settings.update_as_create { Expect::Anything } else { Expect::Present };
    Ok(ask.conditions.expected()?.unwrap_or(free))
}

pub(crate) async fn delete(ask: Ask<'_>) -> Answer<Reply> {
    refuse_rest(&ask.pairs)?;
    let expect = ask.conditions.expected()?.unwrap_or(Expect::Anything);
    let write = Write { key: ask.matched.key(), expect, change: Change::Delete };
    let outcome = commit_one(&ask, Batch::of("delete", write)).await?;
    Ok(deleted(ask.conditions.returns, &outcome))
}

pub(crate) async fn commit_one(ask: &Ask<'_>, batch: Batch) -> Answer<Outcome> {
    let outcomes = ask.door.store().commit(ask.caller, batch, ask.door.now()).await?;
    Ok(outcomes.into_iter().next().expect("one write has one outcome"))
}

pub(crate) fn status_of(done: Done) -> StatusCode {
    match done {
        Done::Created => StatusCode::CREATED,
        Done::Updated | Done::Unchanged => StatusCode::OK,
        Done::Deleted | Done::NothingToDelete => StatusCode::NO_CONTENT,
    }
}

/// The answer to a write that left a resource behind.
pub(crate) async fn written(
    door: &Door,
    caller: &Caller,
    returns: Option<Return>,
    outcome: Outcome,
    warnings: Vec<Issue>,
) -> Answer<Reply> {
    let mut reply = Reply::new(status_of(outcome.done), Answered::Nothing);
    reply.version = Some(outcome.version);
    reply.at = Some(outcome.at);
    reply.location = Some(format!("{}/_history/{}", outcome.key, outcome.version));
    reply.content = match returns.unwrap_or(door.settings.default_return) {
        Return::Minimal => Answered::Nothing,
        Return::Representation => match as_written(door, caller, &outcome).await? {
            Some(stored) => Answered::Resource(stored.body),
            None => Answered::Nothing,
        },
        Return::OperationOutcome => Answered::Outcome(told(outcome.done, warnings)),
    };
    Ok(reply)
}

/// The version that a write made, even when somebody has written the next one since.
/// None when the caller may write but not read it: the write is done all the same.
pub(crate) async fn as_written(door: &Door, caller: &Caller, outcome: &Outcome) -> Answer<Option<Stored>> {
    let store = door.store();
    if caller.rights.permit(&store.registry(), outcome.key.kind, Action::Read) == Permit::Never {
        return Ok(None);
    }
    let read = match store.read(caller, &outcome.key).await {
        Ok(stored) if stored.version == outcome.version => Ok(stored),
        Ok(_) | Err(StoreError::Gone { .. }) => store.vread(caller, &outcome.key, &outcome.version.to_string()).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(stored) => Ok(Some(stored)),
        Err(StoreError::NotFound(_) | StoreError::NoSuchVersion { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What happened in words, and what could be better.
pub(crate) fn told(done: Done, mut warnings: Vec<Issue>) -> Vec<Issue> {
    let says = match done {
        Done::Created => "created",
        Done::Updated => "updated",
        Done::Unchanged => "nothing was written: the resource says this already",
        Done::Deleted => "deleted",
        Done::NothingToDelete => "there was nothing to delete",
    };
    warnings.insert(0, Issue::information(IssueCode::Informational, says));
    warnings
}

pub(crate) fn deleted(returns: Option<Return>, outcome: &Outcome) -> Reply {
    let mut reply = match returns {
        Some(Return::OperationOutcome) => Reply::outcome(StatusCode::OK, told(outcome.done, Vec::new())),
        _ => Reply::new(StatusCode::NO_CONTENT, Answered::Nothing),
    };
    if outcome.done == Done::Deleted {
        (reply.version, reply.at) = (Some(outcome.version), Some(outcome.at));
    }
    reply
}
