//! Binaries are as secret as what they belong to: "treat the security of the Binary as if it were the other resource"
//! (FHIR R4, 2.45.2, `Binary.securityContext`). Whoever may not read the resource that is named there may not read the
//! Binary either, and whose patient that resource is, theirs is the Binary.
//!
//! A context of a type that is not among [`CONTEXTS`] opens the Binary only to those who may read all of that type.

use crate::rights::Ruling;
use fhir::ResourceType;
use fhir::search::Registry;
use fhir::search::query::{Filter, Source, Test};

/// What a file usually belongs to.
const CONTEXTS: [&str; 8] = [
    "Patient",
    "DocumentReference",
    "DiagnosticReport",
    "Encounter",
    "Observation",
    "Media",
    "Consent",
    "Communication",
];

pub(crate) fn is_binary(kind: ResourceType) -> bool {
    kind.name() == "Binary"
}

/// Where the references of security contexts lie.
fn sources(registry: &Registry) -> Vec<Source> {
    let binary = ResourceType::parse("Binary").expect("a type of R4");
    registry.param(binary, "security-context").map(|it| it.sources.clone()).unwrap_or_default()
}

fn contexts() -> impl Iterator<Item = ResourceType> {
    CONTEXTS.iter().map(|name| ResourceType::parse(name).expect("a type of R4"))
}

/// Binaries with no context.
pub(crate) fn of_nobody(registry: &Registry) -> Filter {
    Filter::Not(Box::new(Filter::Row { sources: sources(registry), tests: vec![Test::Present] }))
}

/// Binaries whose context passes what is asked of its type.
pub(crate) fn of(registry: &Registry, asked: impl Fn(ResourceType) -> Filter) -> Filter {
    let sources = sources(registry);
    let parts = contexts().map(|kind| (kind, asked(kind))).filter(|(_, inner)| *inner != Filter::nothing());
    let chain = |(kind, inner)| Filter::Chain { sources: sources.clone(), kind, inner: Box::new(inner) };
    Filter::Any(parts.map(chain).collect())
}

/// Binaries whose context may be read, where `ruling` says what may be read of a type.
pub(crate) fn readable(registry: &Registry, ruling: impl Fn(ResourceType) -> Ruling) -> Filter {
    let sources = sources(registry);
    let mut free: Vec<Source> = Vec::new();
    let mut parts = vec![of_nobody(registry)];
    let mut all = true;
    for kind in ResourceType::all().filter(|it| !is_binary(*it)) {
        let ruling = ruling(kind);
        if ruling.is_always() {
            free.extend(sources.iter().map(|it| Source { slot: it.slot, only: Some(kind) }));
            continue;
        }
        all = false;
        let inner = ruling.filter();
        if CONTEXTS.contains(&kind.name()) && inner != Filter::nothing() {
            parts.push(Filter::Chain { sources: sources.clone(), kind, inner: Box::new(inner) });
        }
    }
    if all {
        return Filter::everything();
    }
    if !free.is_empty() {
        parts.push(Filter::Row { sources: free, tests: vec![Test::Present] });
    }
    Filter::Any(parts)
}
