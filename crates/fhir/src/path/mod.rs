//! FHIRPath: parsed and compiled once, evaluated over borrowed JSON.
