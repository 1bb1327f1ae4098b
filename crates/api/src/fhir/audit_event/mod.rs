//! AuditEvent: the audit log of the organisation, and beside it what clients have sent.
//!
//! Two sources, one type. What a client sends is a resource like any other. What the product wrote itself stands in the
//! audit log, is made into resources when it is asked for, has ids that begin with `log.`, and can neither be written nor
//! deleted through any door. A search answers with what clients sent first, then goes on, newest first, with the log, as
//! far as the caller may read it: all of it with the permission `audit.read`, a patient what concerns them.
//!
//! FHIR R4, auditevent.html; docs/decisions/0009.

mod resource;
mod search;

pub use resource::audit_event;
pub(crate) use search::search;

use super::{Ask, refuse_rest, subset};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::{Key, ResourceType};
use store::audit::{Entry, LOG, Query};
use store::{Action, Caller, Permit, StoreError};

/// The number of the entry, if this is one of the log.
pub(crate) fn entry_of(key: &Key) -> Option<u64> {
    let number = key.id.as_str().strip_prefix(LOG).filter(|_| key.kind.name() == "AuditEvent")?;
    // One way to write each number.
    number.parse().ok().filter(|it: &u64| it.to_string() == number)
}

/// What of the log this caller may read, as the beginning of a query; `None`: nothing.
fn readable(ask: &Ask<'_>, action: Action) -> Option<Query> {
    let caller: &Caller = ask.caller;
    let kind = ResourceType::parse("AuditEvent").expect("a type of R4");
    if caller.rights.permit(&ask.door.store().registry(), kind, action) == Permit::Never {
        return None;
    }
    let all = caller.rights.may("audit.read");
    (all || caller.patient.is_some())
        .then(|| Query { patient: if all { None } else { caller.patient.clone() }, ..Query::default() })
}

pub(crate) async fn read(mut ask: Ask<'_>, sequence: u64) -> Answer<Reply> {
    let shape = subset::Shape::take(&mut ask.pairs)?;
    refuse_rest(&ask.pairs)?;
    let key = ask.matched.key();
    if ask.matched.version.as_deref().is_some_and(|version| version != "1") {
        let version = ask.matched.version.clone().unwrap_or_default();
        return Err(StoreError::NoSuchVersion { key, version }.into());
    }
    let Some(query) = readable(&ask, Action::Read) else {
        // The store says no, and writes it down.
        return Err(match ask.door.store().read(ask.caller, &key).await {
            Ok(_) => StoreError::NotFound(key).into(),
            Err(error) => error.into(),
        });
    };
    let query = Query { sequence: Some(sequence), count: 1, ..query };
    let page = ask.door.store().audit_page(ask.caller, &query, ask.door.now()).await?;
    let Some(entry) = page.entries.first() else { return Err(StoreError::NotFound(key).into()) };
    let value = tree(&ask, entry);
    let value = match &shape {
        Some(shape) => shape.cut_value(&value),
        None => value,
    };
    Ok(Reply { version: Some(1), at: Some(entry.at), ..Reply::tree(&value) })
}

fn tree(ask: &Ask<'_>, entry: &Entry) -> serde_json::Value {
    audit_event(entry, &ask.door.organisation.slug, &ask.door.base)
}

/// What is in the log stays as it is.
pub(crate) fn refuse_writing() -> Refusal {
    crate::routes::wrong_method(&[crate::routes::Verb::Get])
}
