//! Where a found element stands. Elements are borrowed, so the very same piece of JSON is looked for and no
//! evaluation has to carry positions along.

use super::node::Node;
use serde_json::{Map, Value};
use std::fmt;

/// The way from a resource to one of its elements: `name[0].given[1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The resource type it starts at; empty where the JSON names none.
    pub root: String,
    /// Member names (of primitives without their underscore) with the place in a list.
    pub steps: Vec<(String, Option<usize>)>,
}

impl Location {
    /// Finds the element in the resource it was borrowed from; `None` for computed values and elements of
    /// other resources.
    pub fn of(node: &Node<'_>, resource: &Value) -> Option<Location> {
        let wanted = node.as_json().or(node.extra())?;
        let root = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut steps = Vec::new();
        if !std::ptr::eq(wanted, resource) {
            search(resource.as_object()?, wanted, &mut steps)?;
            steps.reverse();
        }
        Some(Location { root, steps })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        for (name, place) in &self.steps {
            write!(f, ".{name}")?;
            if let Some(place) = place {
                write!(f, "[{place}]")?;
            }
        }
        Ok(())
    }
}

/// Depth first; the steps come out last one first.
fn search(fields: &Map<String, Value>, wanted: &Value, steps: &mut Vec<(String, Option<usize>)>) -> Option<()> {
    for (name, value) in fields {
        let place = match value {
            Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
                let here = std::ptr::eq(item, wanted);
                (here || item.as_object().and_then(|it| search(it, wanted, steps)).is_some()).then_some(Some(at))
            }),
            _ if std::ptr::eq(value, wanted) => Some(None),
            Value::Object(inner) => search(inner, wanted, steps).map(|()| None),
            _ => None,
        };
        if let Some(place) = place {
            steps.push((name.strip_prefix('_').unwrap_or(name).to_owned(), place));
            return Some(());
        }
    }
    None
}
