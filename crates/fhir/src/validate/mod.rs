//! Structure, cardinality, types, formats, bindings and invariants, checked before anything is stored.
