//! From outside data to a resource that may be stored: bytes become a [`Draft`], a draft that passes the
//! validation becomes [`Checked`], and only that fits where resources are written. Neither ever prints
//! its body: a log line shows `Patient/7`.

use crate::issue::{Issue, IssueCode};
use crate::json;
use crate::resource::ResourceType;
use crate::validate;
use serde_json::Value;
use std::fmt;

/// How large a resource may be before it is even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub bytes: usize,
    /// JSON objects and arrays within each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 64 * 1024 * 1024, depth: 64 }
    }
}

/// A resource as it came: JSON, and nothing more is known.
pub struct Draft(Value);

impl Draft {
    /// Reads JSON. What is wrong with it is said with line and column.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Draft, Vec<Issue>> {
        if bytes.len() > limits.bytes {
            let message = format!("the content is larger than {} bytes: send it in parts", limits.bytes);
            return Err(vec![Issue::error(IssueCode::TooLong, "", message)]);
        }
        json::read(bytes, limits.depth).map(Draft).map_err(|issue| vec![issue])
    }

    pub fn from_value(value: Value) -> Draft {
        Draft(value)
    }

    pub fn value(&self) -> &Value {
        &self.0
    }

    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    pub fn into_value(self) -> Value {
        self.0
    }

    /// Validates against base FHIR R4. Errors stop here; warnings go along.
    pub fn check(self) -> Result<Checked, Vec<Issue>> {
        let issues = validate::validate(&self.0);
        if issues.iter().any(Issue::is_error) {
            return Err(issues);
        }
        let kind = kind_of(&self.0).ok_or_else(|| vec![no_type()])?;
        Ok(Checked { kind, value: self.0, warnings: issues })
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, kind_of(&self.0), id_of(&self.0))
    }
}

/// A resource that is valid by the base specification. Only this can be stored.
pub struct Checked {
    kind: ResourceType,
    value: Value,
    warnings: Vec<Issue>,
}

impl Checked {
    /// For resources that were checked before they came to rest: read back from the store, reindexed,
    /// restored. Never for anything from outside. None if it does not even name its type.
    pub fn trusted(value: Value) -> Option<Checked> {
        kind_of(&value).map(|kind| Checked { kind, value, warnings: Vec::new() })
    }

    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    pub fn id(&self) -> Option<&str> {
        id_of(&self.value)
    }

    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn into_value(self) -> Value {
        self.value
    }

    /// Changes the labels in its `meta`, on which no check depends.
    pub fn relabel(&mut self, labels: impl FnOnce(&mut Value)) {
        labels(&mut self.value);
    }

    /// What is allowed but should be better.
    pub fn warnings(&self) -> &[Issue] {
        &self.warnings
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, Some(self.kind), self.id())
    }
}

fn kind_of(value: &Value) -> Option<ResourceType> {
    ResourceType::parse(value.get("resourceType")?.as_str()?)
}

fn id_of(value: &Value) -> Option<&str> {
    value.get("id")?.as_str()
}

fn no_type() -> Issue {
    Issue::error(IssueCode::Structure, "", "resourceType is missing: it names the type of the resource")
}

fn write_name(f: &mut fmt::Formatter<'_>, kind: Option<ResourceType>, id: Option<&str>) -> fmt::Result {
    match kind {
        Some(kind) => write!(f, "{kind}/{}", id.unwrap_or("(no id)")),
        None => f.write_str("(no resource)"),
    }
}
