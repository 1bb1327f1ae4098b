//! From the body of a request to a resource that may be stored: read within the limits, named as the
//! address names it, and checked against the base specification.
//!
//! FHIR R4, http.html#create, #update.

use super::negotiate::{Content, wrong_content};
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use ::fhir::{Checked, Draft, Id, Issue, IssueCode, Limits, ResourceType};
use http::StatusCode;
use serde_json::Value;

/// Bodies above this are read and checked beside the threads that answer requests.
const LARGE: usize = 64 * 1024;

/// The body as a tree.
pub(crate) fn tree(door: &Door, content: Content) -> Answer<Value> {
    match content {
        Content::Tree(value) => Ok(value),
        Content::Fhir(bytes) => parse(&bytes, limits(door)),
        other => Err(wrong_content(&other, "FHIR JSON as application/fhir+json")),
    }
}

/// The same for bodies that may be large.
pub(crate) async fn tree_of_any_size(door: &Door, content: Content) -> Answer<Value> {
    match content {
        Content::Fhir(bytes) if bytes.len() > LARGE => {
            // A bundle is as deep as its resources and what holds them.
            let limits = Limits { depth: limits(door).depth + 3, ..limits(door) };
            aside(bytes.len(), move || parse(&bytes, limits)).await
        }
        other => tree(door, other),
    }
}

pub(crate) fn limits(door: &Door) -> Limits {
    Limits { bytes: door.settings.body_limit, depth: door.settings.depth_limit }
}

fn parse(bytes: &[u8], limits: Limits) -> Answer<Value> {
    Draft::parse(bytes, limits).map(Draft::into_value).map_err(|issues| Refusal::of(StatusCode::BAD_REQUEST, issues))
}

/// Runs long computation where it does not hold up other requests.
pub(crate) async fn aside<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if size <= LARGE {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Makes sure that the body is of the type that the address names.
pub(crate) fn of_type(value: &Value, kind: ResourceType) -> Answer<()> {
    match value.get("resourceType").and_then(Value::as_str) {
        Some(name) if name == kind.name() => Ok(()),
        Some(_) => Err(Refusal::of(
            StatusCode::BAD_REQUEST,
            vec![Issue::error(
                IssueCode::Invalid,
                "Resource.resourceType",
                format!("the address names {kind}, the body another type: they must be the same"),
            )],
        )),
        None => Err(Refusal::of(
            StatusCode::BAD_REQUEST,
            vec![Issue::error(
                IssueCode::Structure,
                "Resource.resourceType",
                "the body is not a FHIR resource: it has no resourceType",
            )],
        )),
    }
}

/// The id the body carries, if any.
pub(crate) fn id_in(value: &Value) -> Answer<Option<Id>> {
    match value.get("id") {
        None => Ok(None),
        Some(Value::String(text)) if Id::parse(text).is_some() => Ok(Id::parse(text)),
        Some(_) => Err(Refusal::of(
            StatusCode::BAD_REQUEST,
            vec![Issue::error(IssueCode::Value, "Resource.id", "an id has 1 to 64 letters, digits, '-' and '.'")],
        )),
    }
}

/// For an update: the body must carry the id of the address.
pub(crate) fn same_id(value: &Value, id: &Id) -> Answer<()> {
    let says = match id_in(value)? {
        Some(given) if given == *id => return Ok(()),
        Some(_) => "the id in the body and the id in the address must be the same",
        None => "the body of an update carries the id that the address names",
    };
    Err(Refusal::of(StatusCode::BAD_REQUEST, vec![Issue::error(IssueCode::Invalid, "Resource.id", says)]))
}

/// The id a resource will have, in its place, whatever the body said.
pub(crate) fn set_id(value: &mut Value, id: &Id) {
    if let Value::Object(members) = value {
        members.insert("id".to_owned(), Value::String(id.as_str().to_owned()));
    }
}

/// Checks against the base specification; all that is wrong comes back at once.
///
/// What a device coded by IEEE 11073 is told in LOINC besides, whoever posts it: both codes mean one measurement here.
pub(crate) fn check(mut value: Value) -> Answer<Checked> {
    if value["resourceType"] == "Observation" {
        care::devices::in_loinc(&mut value);
    }
    Draft::from_value(value).check().map_err(|issues| Refusal::of(StatusCode::UNPROCESSABLE_ENTITY, issues))
}
