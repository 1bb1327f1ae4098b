//! Expressions that are no plain routes, evaluated by the FHIRPath engine.

use crate::path::{Context, Expression};
use serde_json::Value;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Compiled(Expression);

impl Compiled {
    /// Errors say what is wrong with the expression, to follow its quotation.
    pub(super) fn parse(text: &str) -> Result<Compiled, String> {
        Expression::parse(text).map(Compiled).map_err(|error| error.to_string())
    }

    /// The values found in a resource, each with the name of its type. An expression that fails on a resource finds
    /// nothing in it.
    pub(super) fn values(&self, resource: &Value) -> Vec<(&'static str, Value)> {
        let found = self.0.evaluate(&Context::for_indexing(resource)).unwrap_or_default();
        // What is computed rather than found has a type of the engine's own.
        let fhir = |name: &'static str| match name {
            "System.Boolean" => "boolean",
            "System.String" => "string",
            "System.Integer" => "integer",
            "System.Decimal" => "decimal",
            "System.Date" => "date",
            "System.DateTime" => "dateTime",
            name => name,
        };
        found.iter().map(|node| (fhir(node.type_name()), node.to_json())).collect()
    }
}
