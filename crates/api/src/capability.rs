//! The CapabilityStatement: read from the tables of the router, the operations and the search registry,
//! so that it cannot promise what is not there.
//!
//! FHIR R4, capabilitystatement.html.

use crate::door::Door;
use crate::fhir::headers::instant;
use crate::operations::{Level, OPERATIONS, Operation};
use crate::reply::json_text;
use crate::routes::{Declared, Interaction, ROUTES};
use ::fhir::ResourceType;
use ::fhir::search::Registry;
use ::fhir::tables::compartments;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::{Arc, RwLock};

/// The standard lists it for every type, but it only means something where a server defines queries of its own.
const NAMED_QUERY: &str = "_query";

/// The statement last written, for the registry it was written from.
#[derive(Default)]
pub(crate) struct Cache(RwLock<Option<(Arc<Registry>, Bytes)>>);

/// The statement as JSON text; written anew when search parameters were added.
pub(crate) fn statement(door: &Door) -> Bytes {
    let registry = door.store().registry();
    if let Some((from, text)) = &*door.capability.0.read().expect("no writer panics")
        && Arc::ptr_eq(from, &registry)
    {
        return text.clone();
    }
    let text = json_text(&written(door, &registry));
    *door.capability.0.write().expect("no writer panics") = Some((registry, text.clone()));
    text
}

fn written(door: &Door, registry: &Registry) -> Value {
    let system: Vec<Value> = ROUTES
        .iter()
        .filter_map(|route| match route.declared {
            Declared::System(code) => Some(code),
            _ => None,
        })
        .fold(Vec::new(), once)
        .into_iter()
        .map(|code| json!({ "code": code }))
        .collect();
    let resources: Vec<Value> = ResourceType::all().map(|kind| resource(door, registry, kind)).collect();
    let compartments: Vec<&str> = match has(Interaction::SearchCompartment) {
        true => compartments().iter().map(|it| it.url).collect(),
        false => Vec::new(),
    };
    json!({
        "resourceType": "CapabilityStatement",
        "id": "metadata",
        "url": format!("{}/metadata", door.base),
        "name": "Continuo",
        "title": format!("FHIR API of {}", door.organisation.name),
        "status": "active",
        "experimental": door.demo,
        "date": instant(door.now()),
        "publisher": door.organisation.name,
        "kind": "instance",
        "software": { "name": "Continuo", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": door.organisation.name, "url": door.base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": security(door),
            "resource": resources,
            "interaction": system,
            "searchParam": shared(registry),
            "compartment": compartments,
        }],
    })
}

/// How apps come to a token (SMART App Launch 2.2, and its older form for apps that only look here).
fn security(door: &Door) -> Value {
    const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
    const SERVICE: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";
    let issuer = door.organisation.issuer();
    let uris = ["authorize", "token", "register", "introspect", "revoke"];
    let uri = |name: &str| json!({ "url": name, "valueUri": format!("{issuer}/{name}") });
    json!({
        "extension": [{ "url": OAUTH_URIS, "extension": uris.map(uri) }],
        "cors": true,
        "service": [{ "coding": [{ "system": SERVICE, "code": "SMART-on-FHIR" }], "text": "SMART App Launch 2.2" }],
        "description": "Every request but this one carries a bearer token of this organisation.",
    })
}

fn once(mut codes: Vec<&'static str>, code: &'static str) -> Vec<&'static str> {
    if !codes.contains(&code) {
        codes.push(code);
    }
    codes
}

fn has(interaction: Interaction) -> bool {
    ROUTES.iter().any(|route| route.interaction == interaction)
}

fn resource(door: &Door, registry: &Registry, kind: ResourceType) -> Value {
    let settings = &door.settings;
    let interactions: Vec<Value> = ROUTES
        .iter()
        .filter_map(|route| match route.declared {
            Declared::Kind(code) => Some(code),
            _ => None,
        })
        .fold(Vec::new(), once)
        .into_iter()
        .map(|code| json!({ "code": code }))
        .collect();
    let parameters: Vec<Value> = registry
        .params(kind)
        .filter(|param| param.code != NAMED_QUERY)
        .map(|param| json!({ "name": param.code, "definition": param.url, "type": param.kind.code() }))
        .collect();
    let references: Vec<String> = registry
        .params(kind)
        .filter(|param| param.kind.code() == "reference")
        .map(|param| format!("{kind}:{}", param.code))
        .collect();
    let mut includes = vec!["*".to_owned()];
    includes.extend(references);
    let operations: Vec<Value> = OPERATIONS.iter().filter(|it| on(it, kind)).map(declared).collect();
    let delete = match (has(Interaction::ConditionalDelete), settings.delete_many) {
        (false, _) => "not-supported",
        (true, None) => "single",
        (true, Some(_)) => "multiple",
    };
    let mut value = json!({
        "type": kind.name(),
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": has(Interaction::VersionRead),
        "updateCreate": settings.update_as_create,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": has(Interaction::ConditionalUpdate),
        "conditionalDelete": delete,
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": includes,
        "searchRevInclude": pointing_at(registry, kind),
        "searchParam": parameters,
    });
    if !operations.is_empty() {
        value["operation"] = Value::Array(operations);
    }
    value
}

/// `Observation:subject` for each reference parameter that may point at this type.
fn pointing_at(registry: &Registry, kind: ResourceType) -> Vec<String> {
    ResourceType::all()
        .flat_map(|from| registry.params(from).map(move |param| (from, param)))
        .filter(|(_, param)| {
            param.kind.code() == "reference" && (param.targets.is_empty() || param.targets.contains(&kind))
        })
        .map(|(from, param)| format!("{from}:{}", param.code))
        .collect()
}

fn on(operation: &Operation, kind: ResourceType) -> bool {
    operation.on.includes(kind) && operation.levels.iter().any(|level| *level != Level::System)
}

fn declared(operation: &Operation) -> Value {
    json!({ "name": operation.name, "definition": operation.definition })
}

/// Parameters that every type has are those of a search over all types.
fn shared(registry: &Registry) -> Vec<Value> {
    let Some(first) = ResourceType::all().next() else { return Vec::new() };
    registry
        .params(first)
        .filter(|param| {
            param.code.starts_with('_')
                && param.code != NAMED_QUERY
                && ResourceType::all()
                    .all(|kind| registry.param(kind, &param.code).is_some_and(|it| it.url == param.url))
        })
        .map(|param| json!({ "name": param.code, "definition": param.url, "type": param.kind.code() }))
        .collect()
}
