//! The registry: which search parameters each resource type has, which slots their rows lie in, and the compiled
//! routes that make the rows. Built from data alone: the parameters of the standard and, beside them, any
//! SearchParameter resources of a site (FHIR R4, 3.1.1 and SearchParameter).
//!
//! Rows are saved by looking, not by a list: parameters with the same expression share a slot, unions read the slots of
//! others, and `X.where(resolve() is Patient)` is the slot of `X` narrowed to patients.

use super::engine::Compiled;
use super::plan::{self, Definition, Ways};
use super::query::Source;
use super::row::{Slot, SlotShape};
use super::trie::Trie;
use crate::issue::{Issue, IssueCode};
use crate::resource::ResourceType;
use crate::tables::{self, SearchKind};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

/// A place for rows: its name is what stores keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDef {
    pub name: String,
    pub shape: SlotShape,
}

/// A search parameter as it is for one resource type.
#[derive(Clone, Debug)]
pub struct Param {
    pub code: String,
    pub kind: SearchKind,
    /// Canonical address of the definition.
    pub url: String,
    /// FHIRPath as defined, for all types it serves; empty for the special ones.
    pub expression: String,
    /// What a reference may point at; empty: anything.
    pub targets: Vec<ResourceType>,
    /// The parts of a composite.
    pub components: Vec<Component>,
    /// Where its rows lie. Empty for `_id`, `_lastUpdated`, `_text`, `_content` and what takes no rows.
    pub sources: Vec<Source>,
    /// Where the identifiers of its references lie (`:identifier`). They are not narrowed to a type: a reference by
    /// identifier alone seldom tells the type.
    pub identifiers: Vec<Source>,
    /// Where its typed identifiers lie (`:of-type`).
    pub of_type: Vec<Source>,
    /// Whether some of its references are canonical addresses.
    pub canonical: bool,
    /// Whether a value may be a list of alternatives.
    pub multiple_or: bool,
    /// For `Location.near`: latitude and longitude lie in these two slots.
    pub position: Option<(Slot, Slot)>,
}

/// A part of a composite.
#[derive(Clone, Debug)]
pub struct Component {
    pub code: String,
    pub kind: SearchKind,
    pub targets: Vec<ResourceType>,
    pub canonical: bool,
}

/// All parameters of all types.
#[derive(Debug)]
pub struct Registry {
    pub(super) definitions: Vec<Arc<Definition>>,
    pub(super) slots: Vec<SlotDef>,
    pub(super) by_name: HashMap<String, Slot>,
    pub(super) types: Vec<TypeSearch>,
}

/// What one resource type is found by.
#[derive(Debug, Default)]
pub(super) struct TypeSearch {
    pub(super) params: BTreeMap<String, Param>,
    pub(super) trie: Trie,
    /// Expressions that are no plain routes.
    pub(super) engine: Vec<EngineRows>,
}

/// Values that the FHIRPath engine finds.
#[derive(Debug)]
pub(super) struct EngineRows {
    pub(super) expression: Arc<Compiled>,
    pub(super) kind: SearchKind,
    pub(super) slot: Slot,
    /// The slot for `:identifier` or `:of-type`.
    pub(super) extra: Option<Slot>,
}

static R4: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let standard = tables::search_parameters().iter().map(Definition::of_table);
    let own = Definition::of_resource(&security_context()).expect("our own definition is tested");
    let definitions = standard.chain([own]).map(Arc::new).collect();
    // The tables are the standard's own, and a test holds that all of them compile.
    let (registry, _) = plan::build(definitions, Ways::RoutesFirst);
    Arc::new(registry)
});

/// What the standard has no parameter for and rights must look at: to whom a Binary belongs (FHIR R4, 2.45.2).
fn security_context() -> Value {
    serde_json::json!({
        "resourceType": "SearchParameter",
        "url": "urn:continuo:search:Binary-security-context",
        "status": "active",
        "code": "security-context",
        "base": ["Binary"],
        "type": "reference",
        "expression": "Binary.securityContext",
    })
}

impl Registry {
    /// The parameters of FHIR R4 (4.0.1), and one of our own: `Binary?security-context`.
    pub fn r4() -> Arc<Registry> {
        Arc::clone(&R4)
    }

    /// `base` with more SearchParameter resources. What cannot be used is reported and left out; nothing of `base`
    /// changes its meaning. A definition whose address `base` knows, or whose code already means the same, adds nothing.
    pub fn with(base: &Registry, custom: &[Value]) -> (Registry, Vec<Issue>) {
        let mut issues = Vec::new();
        let mut definitions = base.definitions.clone();
        for resource in custom {
            match Definition::of_resource(resource) {
                Ok(found) if definitions.iter().any(|known| known.url == found.url) => issues.push(Issue::information(
                    IssueCode::Duplicate,
                    format!("The search parameter {} is known already; the one known stays.", found.url),
                )),
                Ok(found) => definitions.push(Arc::new(found)),
                Err(issue) => issues.push(issue),
            }
        }
        let (registry, found) = plan::build(definitions, Ways::RoutesFirst);
        issues.extend(found);
        (registry, issues)
    }

    pub fn slots(&self) -> &[SlotDef] {
        &self.slots
    }

    pub fn slot(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    pub fn slot_def(&self, slot: Slot) -> &SlotDef {
        &self.slots[slot.0 as usize]
    }

    /// Whether references in this slot may be canonical addresses.
    pub fn holds_canonicals(&self, slot: Slot) -> bool {
        let kind = self.slot_def(slot).name.split('.').next().and_then(ResourceType::parse);
        let mut params = kind.into_iter().flat_map(|kind| self.params(kind));
        params.any(|param| param.canonical && param.sources.iter().any(|source| source.slot == slot))
    }

    /// What `code` means on a type: its own parameter or one of all resources.
    pub fn param(&self, kind: ResourceType, code: &str) -> Option<&Param> {
        self.types[usize::from(kind.number())].params.get(code)
    }

    /// All parameters of a type, by code.
    pub fn params(&self, kind: ResourceType) -> impl Iterator<Item = &Param> {
        self.types[usize::from(kind.number())].params.values()
    }

    /// The slots by which resources of `kind` belong to a compartment (`Patient`, `Encounter` …); empty when they
    /// never do. The owner itself belongs too: see [`Filter::InCompartment`](super::query::Filter::InCompartment).
    pub fn compartment_slots(&self, compartment: &str, kind: ResourceType) -> Vec<Slot> {
        let Some(compartment) = tables::compartment(compartment) else { return Vec::new() };
        let mut slots: Vec<Slot> = compartment
            .parameters(kind.name())
            .iter()
            .filter_map(|code| self.param(kind, code))
            .flat_map(|param| param.sources.iter().map(|source| source.slot))
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(name: &str) -> ResourceType {
        ResourceType::parse(name).expect("a type of the standard")
    }

    fn sources(registry: &Registry, of: &str, code: &str) -> Vec<String> {
        let param = registry.param(kind(of), code).unwrap_or_else(|| panic!("{of} has {code}"));
        let told = param.sources.iter().map(|source| {
            let only = source.only.map(|only| format!(" only {only}")).unwrap_or_default();
            format!("{}{only}", registry.slot_def(source.slot).name)
        });
        told.collect()
    }

    #[test]
    fn every_parameter_of_the_standard_compiles() {
        let definitions = tables::search_parameters().iter().map(|it| Arc::new(Definition::of_table(it))).collect();
        let (registry, issues) = plan::build(definitions, Ways::RoutesFirst);
        assert_eq!(issues, []);
        for kind in ResourceType::all() {
            for param in registry.params(kind) {
                let without = ["_id", "_lastUpdated", "_text", "_content", "_query", "_filter", "near"]
                    .contains(&param.code.as_str());
                assert_eq!(param.sources.is_empty(), without, "{kind}.{}", param.code);
            }
        }
    }

    #[test]
    fn parameters_that_read_the_same_elements_share_their_rows() {
        let registry = Registry::r4();
        let check = |of: &str, code: &str, expected: &[&str]| {
            assert_eq!(sources(&registry, of, code), expected, "{of}.{code}");
        };
        check("Observation", "code", &["Observation.code"]);
        check("Observation", "combo-code", &["Observation.code", "Observation.component-code"]);
        check(
            "Observation",
            "combo-value-quantity",
            &["Observation.component-value-quantity", "Observation.value-quantity"],
        );
        check(
            "Observation",
            "combo-code-value-quantity",
            &["Observation.code-value-quantity", "Observation.component-code-value-quantity"],
        );
        check("Observation", "subject", &["Observation.subject"]);
        check("Observation", "patient", &["Observation.subject only Patient"]);
        check("Patient", "name", &["Patient.name"]);
        check("Patient", "phonetic", &["Patient.name"]);
        check("Patient", "_tag", &["Resource._tag"]);
        check("Observation", "_tag", &["Resource._tag"]);
        assert!(registry.slot("Observation.patient").is_none());
        assert!(registry.slot("Patient.identifier:of-type").is_some());
        assert!(registry.slot("Observation.subject:identifier").is_some());
    }

    #[test]
    fn a_site_may_add_parameters_and_hears_what_cannot_be_used() {
        let parameter = |code: &str, kind: &str, expression: &str| {
            json!({
                "resourceType": "SearchParameter", "url": format!("http://site.example/{code}"), "status": "active",
                "code": code, "type": kind, "base": ["Patient"], "expression": expression
            })
        };
        let (registry, issues) = Registry::with(
            &Registry::r4(),
            &[
                parameter(
                    "religion",
                    "token",
                    "Patient.extension.where(url = 'http://site.example/religion').value.ofType(Coding)",
                ),
                parameter("broken", "token", "Patient.nothing.here"),
                parameter("gender", "token", "Patient.maritalStatus"),
                parameter("birth", "quantity", "Patient.birthDate"),
                json!({ "resourceType": "Patient" }),
            ],
        );
        assert_eq!(sources(&registry, "Patient", "religion"), ["Patient.religion"]);
        assert_eq!(sources(&registry, "Patient", "gender"), ["Patient.gender"]);
        assert!(registry.param(kind("Patient"), "broken").is_none());
        assert_eq!(issues.len(), 4, "{issues:?}");
        assert!(issues.iter().all(|issue| !issue.is_error()));
    }

    #[test]
    fn the_parameters_of_us_core_can_all_be_used() {
        let Some(folder) = testkit::unpacked("packages/us_core_610") else { return };
        let paths =
            std::fs::read_dir(folder.join("package")).expect("a package").map(|it| it.expect("an entry").path());
        let mut custom: Vec<Value> = paths
            .filter(|path| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("SearchParameter-")))
            .map(|path| serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON"))
            .collect();
        custom.sort_by_key(|it| it["url"].as_str().map(str::to_owned));
        assert!(custom.len() > 50, "{} parameters", custom.len());
        let (registry, issues) = Registry::with(&Registry::r4(), &custom);
        let refused: Vec<&Issue> = issues.iter().filter(|it| it.code != IssueCode::Duplicate).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        assert_eq!(sources(&registry, "Patient", "race"), ["Patient.race"]);
    }

    #[test]
    fn compartments_are_slots() {
        let registry = Registry::r4();
        let slots = registry.compartment_slots("Patient", kind("Observation"));
        let names: Vec<&str> = slots.iter().map(|slot| registry.slot_def(*slot).name.as_str()).collect();
        assert_eq!(names, ["Observation.performer", "Observation.subject"]);
        assert!(registry.compartment_slots("Patient", kind("Medication")).is_empty());
    }
}
