//! Changes said as JSON Patch (RFC 6902) or FHIRPath Patch (FHIR R4, fhirpatch.html), as functions from one
//! resource to the next. All operations apply or none; neither the type nor the id of a resource changes.
//! Whether the result is a valid resource is judged elsewhere.

mod fhirpath;
mod json;

pub use fhirpath::fhirpath_patch;
pub use json::json_patch;

use crate::{Issue, IssueCode};
use serde_json::Value;

fn refuse(code: IssueCode, expression: impl Into<String>, diagnostics: impl Into<String>) -> Issue {
    Issue::error(code, expression, diagnostics)
}

/// A patch changes what a resource says, never which resource it is.
fn check_identity(before: &Value, after: &Value) -> Result<(), Issue> {
    for member in ["resourceType", "id"] {
        if before.get(member) != after.get(member) {
            let what = format!("a patch may not change {member}; create another resource instead");
            return Err(refuse(IssueCode::BusinessRule, member, what));
        }
    }
    Ok(())
}

/// FHIR JSON knows no empty objects and lists (FHIR R4, json.html): what a patch emptied is gone.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(prune);
            fields.retain(|_, it| !is_hollow(it));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(prune);
            items.retain(|it| !is_empty(it));
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.is_empty()) || value.as_array().is_some_and(Vec::is_empty)
}

/// Empty, or a list of nothing but nulls.
fn is_hollow(value: &Value) -> bool {
    is_empty(value) || value.as_array().is_some_and(|it| it.iter().all(Value::is_null))
}
