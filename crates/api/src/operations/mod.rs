//! Operations: one line each in [`OPERATIONS`], one file each beside this. What is not in the list does
//! not exist; what is, stands in the CapabilityStatement by itself.
//!
//! FHIR R4, operations.html.

mod documents;
mod everything;
mod find_match;
mod input;
mod last_n;
mod meta;
mod validate;

use crate::fhir::Ask;
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use crate::routes::{self, Verb};
use ::fhir::{IssueCode, ResourceType};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;

/// Where an operation is asked: `/$x`, `/Patient/$x`, `/Patient/7/$x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    System,
    Kind,
    Instance,
}

/// On which resource types an operation exists.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    All,
    Only(&'static [&'static str]),
}

impl On {
    pub(crate) fn includes(self, kind: ResourceType) -> bool {
        match self {
            On::All => true,
            On::Only(names) => names.contains(&kind.name()),
        }
    }
}

type Run = for<'a> fn(Ask<'a>) -> BoxFuture<'a, Answer<Reply>>;

pub(crate) struct Operation {
    /// Without the dollar sign.
    pub(crate) name: &'static str,
    pub(crate) definition: &'static str,
    pub(crate) levels: &'static [Level],
    pub(crate) on: On,
    /// What changes something is asked by POST alone.
    pub(crate) affects_state: bool,
    run: Run,
}

const fn operation(
    name: &'static str,
    definition: &'static str,
    levels: &'static [Level],
    on: On,
    affects_state: bool,
    run: Run,
) -> Operation {
    Operation { name, definition, levels, on, affects_state, run }
}

use Level::{Instance, Kind};

#[rustfmt::skip]
pub(crate) static OPERATIONS: &[Operation] = &[
    operation("everything",  "http://hl7.org/fhir/OperationDefinition/Patient-everything",   &[Instance],       On::Only(&["Patient"]),     false, |ask| everything::everything(ask).boxed()),
    operation("everything",  "http://hl7.org/fhir/OperationDefinition/Encounter-everything", &[Instance],       On::Only(&["Encounter"]),   false, |ask| everything::everything(ask).boxed()),
    operation("summary",     "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",       &[Instance],       On::Only(&["Patient"]),     false, |ask| documents::summary(ask).boxed()),
    operation("docref",      "http://hl7.org/fhir/us/core/OperationDefinition/docref",       &[Kind],           On::Only(&["DocumentReference"]), false, |ask| documents::docref(ask).boxed()),
    operation("import-document", "urn:continuo:operation:import-document",                   &[Kind, Instance], On::Only(&["Patient"]),     true,  |ask| documents::import(ask).boxed()),
    operation("match",       "http://hl7.org/fhir/OperationDefinition/Patient-match",        &[Kind],           On::Only(&["Patient"]),     false, |ask| find_match::find_match(ask).boxed()),
    operation("lastn",       "http://hl7.org/fhir/OperationDefinition/Observation-lastn",    &[Kind],           On::Only(&["Observation"]), false, |ask| last_n::last_n(ask).boxed()),
    operation("validate",    "http://hl7.org/fhir/OperationDefinition/Resource-validate",    &[Kind, Instance], On::All,                    false, |ask| validate::validate(ask).boxed()),
    operation("meta",        "http://hl7.org/fhir/OperationDefinition/Resource-meta",        &[Instance],       On::All,                    false, |ask| meta::show(ask).boxed()),
    operation("meta-add",    "http://hl7.org/fhir/OperationDefinition/Resource-meta-add",    &[Instance],       On::All,                    true,  |ask| meta::add(ask).boxed()),
    operation("meta-delete", "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete", &[Instance],       On::All,                    true,  |ask| meta::remove(ask).boxed()),
];

/// The operation of this name at this place, or why there is none.
pub(crate) fn find(name: &str, level: Level, kind: Option<ResourceType>, verb: Verb) -> Answer<&'static Operation> {
    let found = OPERATIONS
        .iter()
        .find(|it| it.name == name && it.levels.contains(&level) && kind.is_none_or(|kind| it.on.includes(kind)));
    match found {
        Some(operation) if operation.affects_state && verb == Verb::Get => Err(routes::wrong_method(&[Verb::Post])),
        Some(operation) => Ok(operation),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            IssueCode::NotSupported,
            "there is no such operation at this address; GET metadata lists those there are",
        )),
    }
}

pub(crate) async fn run(operation: &'static Operation, ask: Ask<'_>) -> Answer<Reply> {
    (operation.run)(ask).await
}
