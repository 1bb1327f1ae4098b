//! Expressions that are no plain routes, evaluated by the FHIRPath engine.

use serde_json::Value;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Compiled {}

impl Compiled {
    pub(super) fn parse(_: &str) -> Result<Compiled, String> {
        Err("only plain paths are understood".to_owned())
    }

    /// The values found in a resource, each with the name of its type. An expression that fails on a resource finds
    /// nothing in it.
    pub(super) fn values(&self, _: &Value) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}
