//! The standard's tables: types and their elements, search parameters, compartments, operations and code
//! sets of FHIR R4 (4.0.1), read once from `spec/fhir-r4` and then only borrowed. Nothing here decides
//! anything: it says what the standard says. `cargo xtask defs` writes the files, nobody edits them.

mod codes;
mod index;
mod search;
mod structures;

pub use codes::{Binding, CodeRule, CodeSet, Strength, code_set, code_sets};
pub use search::{
    Compartment, Operation, OperationParameter, SearchComponent, SearchKind, SearchParameterDef, compartment,
    compartments, operations, search_parameter, search_parameters, search_parameters_of,
};
pub use structures::{
    Element, ElementType, Invariant, Kind, Primitive, TypeDef, invariants, is_subtype, type_def, types,
};

/// The element that JSON member `child` is within `parent`, a type or the path of a backbone element
/// (`Patient`, `HumanName`, `Observation.component`). `valueQuantity` is the choice `value` with only
/// the type chosen; `value` is the choice with all its types.
pub fn element(parent: &str, child: &str) -> Option<&'static Element> {
    type_def(parent)?.child(child)
}
