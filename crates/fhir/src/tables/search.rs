//! Search parameters, compartments and operations as the standard lists them.

use super::structures::is_subtype;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of value a search parameter compares (FHIR R4, search.html#ptypes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl SearchKind {
    pub fn parse(code: &str) -> Option<SearchKind> {
        Some(match code {
            "number" => SearchKind::Number,
            "date" => SearchKind::Date,
            "string" => SearchKind::String,
            "token" => SearchKind::Token,
            "reference" => SearchKind::Reference,
            "composite" => SearchKind::Composite,
            "quantity" => SearchKind::Quantity,
            "uri" => SearchKind::Uri,
            "special" => SearchKind::Special,
            _ => return None,
        })
    }

    pub fn code(self) -> &'static str {
        match self {
            SearchKind::Number => "number",
            SearchKind::Date => "date",
            SearchKind::String => "string",
            SearchKind::Token => "token",
            SearchKind::Reference => "reference",
            SearchKind::Composite => "composite",
            SearchKind::Quantity => "quantity",
            SearchKind::Uri => "uri",
            SearchKind::Special => "special",
        }
    }
}

/// One part of a composite parameter: another parameter, and where its value lies within the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchComponent {
    /// Canonical address of the parameter for this part.
    pub definition: &'static str,
    pub expression: &'static str,
}

/// A search parameter. One definition can serve several resource types (`bases`); its expression then
/// joins an alternative for each with `|`.
#[derive(Debug)]
pub struct SearchParameterDef {
    pub id: &'static str,
    pub url: &'static str,
    pub code: &'static str,
    pub kind: SearchKind,
    /// Resource types, or `Resource` and `DomainResource` for all.
    pub bases: Vec<&'static str>,
    /// FHIRPath; none for the special ones `_text`, `_content`, `_filter` and `_query`.
    pub expression: Option<&'static str>,
    pub targets: Vec<&'static str>,
    pub multiple_or: bool,
    pub components: Vec<SearchComponent>,
}

/// A compartment: which parameters put a resource of a type into it.
#[derive(Debug)]
pub struct Compartment {
    pub code: &'static str,
    pub url: &'static str,
    /// Only types that can be in the compartment, sorted by name.
    pub types: Vec<(&'static str, Vec<&'static str>)>,
}

impl Compartment {
    /// Codes of the search parameters by which `resource_type` belongs to the compartment; empty if it cannot.
    pub fn parameters(&self, resource_type: &str) -> &[&'static str] {
        self.types
            .iter()
            .find(|(name, _)| *name == resource_type)
            .map(|(_, codes)| codes.as_slice())
            .unwrap_or_default()
    }
}

#[derive(Debug)]
pub struct OperationParameter {
    pub name: &'static str,
    /// `in` or `out`.
    pub direction: &'static str,
    pub min: u32,
    pub max: Option<u32>,
    /// Empty where the parameter has parts.
    pub type_name: &'static str,
}

/// An operation of the standard: `$everything`, `$validate` …
#[derive(Debug)]
pub struct Operation {
    /// Without the dollar sign.
    pub code: &'static str,
    pub url: &'static str,
    pub resources: Vec<&'static str>,
    pub system: bool,
    pub on_type: bool,
    pub on_instance: bool,
    pub affects_state: bool,
    pub parameters: Vec<OperationParameter>,
}

struct Searches {
    all: Vec<SearchParameterDef>,
    /// By resource type as written in the bases, then code.
    by_base: HashMap<&'static str, HashMap<&'static str, usize>>,
}

static SEARCHES: LazyLock<Searches> = LazyLock::new(|| {
    let mut all: Vec<SearchParameterDef> = Vec::new();
    for line in include_str!("../../../../spec/fhir-r4/search-parameters.tsv").lines() {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        match field(0) {
            "P" => all.push(SearchParameterDef {
                id: field(1),
                code: field(2),
                kind: SearchKind::parse(field(3)).expect("a search parameter has a known type"),
                bases: field(4).split_whitespace().collect(),
                targets: field(5).split_whitespace().collect(),
                multiple_or: field(6) != "single",
                url: field(7),
                expression: Some(field(8)).filter(|expression| !expression.is_empty()),
                components: Vec::new(),
            }),
            "C" => {
                let component = SearchComponent { definition: field(1), expression: field(2) };
                all.last_mut().expect("components follow their parameter").components.push(component);
            }
            _ => unreachable!("search-parameters.tsv holds P and C lines"),
        }
    }
    let mut by_base: HashMap<&str, HashMap<&str, usize>> = HashMap::new();
    for (place, parameter) in all.iter().enumerate() {
        for base in &parameter.bases {
            by_base.entry(base).or_default().entry(parameter.code).or_insert(place);
        }
    }
    Searches { all, by_base }
});

/// Every search parameter of the standard, those for all resources (`_id`, `_lastUpdated` …) included.
pub fn search_parameters() -> &'static [SearchParameterDef] {
    &SEARCHES.all
}

/// The parameter that `code` means on a resource type: its own, or one for all resources.
pub fn search_parameter(resource_type: &str, code: &str) -> Option<&'static SearchParameterDef> {
    let searches: &'static Searches = &SEARCHES;
    let of =
        |base: &str| searches.by_base.get(base).and_then(|codes| codes.get(code)).map(|place| &searches.all[*place]);
    of(resource_type)
        .or_else(|| of("Resource"))
        .or_else(|| is_subtype(resource_type, "DomainResource").then(|| of("DomainResource")).flatten())
}

/// All parameters that a resource type has, those for all resources included.
pub fn search_parameters_of(resource_type: &str) -> impl Iterator<Item = &'static SearchParameterDef> {
    search_parameters()
        .iter()
        .filter(move |parameter| parameter.bases.iter().any(|base| is_subtype(resource_type, base)))
}

static COMPARTMENTS: LazyLock<Vec<Compartment>> = LazyLock::new(|| {
    let mut all: Vec<Compartment> = Vec::new();
    for line in include_str!("../../../../spec/fhir-r4/compartments.tsv").lines() {
        let fields: Vec<&'static str> = line.split('\t').collect();
        match fields.as_slice() {
            ["D", code, url] => all.push(Compartment { code, url, types: Vec::new() }),
            ["R", name, codes] => {
                let compartment = all.last_mut().expect("types follow their compartment");
                compartment.types.push((name, codes.split_whitespace().collect()));
            }
            _ => unreachable!("compartments.tsv holds D and R lines"),
        }
    }
    all
});

/// The compartment of `Patient`, `Encounter`, `Practitioner`, `RelatedPerson` or `Device`.
pub fn compartment(code: &str) -> Option<&'static Compartment> {
    COMPARTMENTS.iter().find(|compartment| compartment.code == code)
}

pub fn compartments() -> &'static [Compartment] {
    &COMPARTMENTS
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut all: Vec<Operation> = Vec::new();
    for line in include_str!("../../../../spec/fhir-r4/operations.tsv").lines() {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        match field(0) {
            "O" => all.push(Operation {
                code: field(1),
                url: field(2),
                resources: field(3).split_whitespace().collect(),
                system: field(4).contains("system"),
                on_type: field(4).contains("type"),
                on_instance: field(4).contains("instance"),
                affects_state: field(5) == "affects-state",
                parameters: Vec::new(),
            }),
            "A" => {
                let parameter = OperationParameter {
                    name: field(1),
                    direction: field(2),
                    min: field(3).parse().expect("an operation parameter has a minimum"),
                    max: field(4).parse().ok(),
                    type_name: field(5),
                };
                all.last_mut().expect("parameters follow their operation").parameters.push(parameter);
            }
            _ => unreachable!("operations.tsv holds O and A lines"),
        }
    }
    all
});

pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}
