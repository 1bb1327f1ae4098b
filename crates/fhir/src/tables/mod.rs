//! The standard's tables: elements, search parameters, compartments, code sets.
