//! References (FHIR R4, references.html): their form, the type they point at, and contained resources.
//! Whether the target exists is for the store to say, not for this check.

use super::{Walk, primitive};
use crate::issue::{Issue, IssueCode};
use crate::resource::ResourceType;
use crate::tables::{self, ElementType};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What the text of a reference says about its target.
enum Target<'t> {
    Type(&'t str),
    Contained(&'t str),
    Unknown,
    Malformed,
}

fn target(reference: &str) -> Target<'_> {
    if let Some(id) = reference.strip_prefix('#') {
        return Target::Contained(id);
    }
    if reference.contains(':') && !reference.starts_with(|c: char| c.is_ascii_uppercase()) {
        // An absolute address: its type is known where it follows the pattern of a FHIR server.
        if !reference.starts_with("http") {
            return Target::Unknown;
        }
        let path = reference.split(['?', '#']).next().unwrap_or(reference);
        let path = path.split("/_history/").next().unwrap_or(path);
        let mut parts = path.rsplit('/');
        return match (parts.next(), parts.next()) {
            (Some(id), Some(kind)) if primitive::id(id) && ResourceType::parse(kind).is_some() => Target::Type(kind),
            _ => Target::Unknown,
        };
    }
    // `Patient?identifier=…` is resolved when a transaction is carried out (http.html#trules).
    if let Some((kind, _)) = reference.split_once('?') {
        return ResourceType::parse(kind).map_or(Target::Malformed, |found| Target::Type(found.name()));
    }
    let mut parts = reference.split('#').next().unwrap_or(reference).split('/');
    let kind = parts.next().and_then(ResourceType::parse);
    let id = parts.next().is_some_and(primitive::id);
    let version = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some("_history"), Some(version), None) => primitive::id(version),
        _ => false,
    };
    match kind {
        Some(kind) if id && version => Target::Type(kind.name()),
        _ => Target::Malformed,
    }
}

fn allows(kind: &ElementType, target: &str) -> bool {
    kind.targets.is_empty() || kind.targets.iter().any(|allowed| *allowed == "Resource" || *allowed == target)
}

impl<'a> Walk<'a> {
    /// A Reference whose members are already checked one by one.
    pub(super) fn reference(&mut self, map: &'a Map<String, Value>, kind: &'static ElementType) {
        let stated = map.get("type").and_then(Value::as_str);
        let pointed = match map.get("reference").and_then(Value::as_str).map(target) {
            Some(Target::Type(name)) => Some(name),
            Some(Target::Contained("")) => self.root.get("resourceType").and_then(Value::as_str),
            Some(Target::Contained(id)) => match self.contained_type(id) {
                Some(name) => Some(name),
                None => {
                    let message = "reference points at a contained resource that is not there (ref-1)";
                    return self.error(IssueCode::Invariant, message);
                }
            },
            Some(Target::Malformed) => {
                let message = "reference must be Type/id, an absolute address, urn:uuid:…, urn:oid:… or #id of a contained resource";
                return self.error(IssueCode::Value, message);
            }
            Some(Target::Unknown) | None => None,
        };
        if let (Some(stated), Some(pointed)) = (stated, pointed)
            && stated != pointed
            && tables::type_def(stated).is_some()
        {
            self.error(IssueCode::Structure, "type and reference name different types of resource");
        }
        let Some(name) = pointed.or(stated) else { return };
        if !allows(kind, name) && (pointed.is_some() || tables::type_def(name).is_some()) {
            let message = format!("must point at {}, not at {name}", kind.targets.join(" or "));
            self.error(IssueCode::Structure, message);
        }
    }

    fn contained_type(&self, id: &str) -> Option<&'a str> {
        let contained = self.root.get("contained")?.as_array()?;
        let found = contained.iter().find(|resource| resource.get("id").and_then(Value::as_str) == Some(id))?;
        found.get("resourceType")?.as_str()
    }

    /// The rules of contained resources: dom-2 to dom-5, and ids that name one each.
    pub(super) fn contained(&mut self, map: &'a Map<String, Value>, is_contained: bool) {
        if is_contained {
            self.error(IssueCode::Invariant, "a contained resource must not contain others (dom-2)");
            return;
        }
        let Some(contained) = map.get("contained").and_then(Value::as_array) else { return };
        let mut pointed = HashSet::new();
        for (name, value) in map {
            collect_local(name, value, &mut pointed);
        }
        let place = self.place();
        let mut wrong = |index: usize, code: IssueCode, message: &str| {
            self.issues.push(Issue::error(code, format!("{place}.contained[{index}]"), message));
        };
        let mut ids = HashSet::new();
        for (index, resource) in contained.iter().enumerate().take(super::MOST_ISSUES) {
            let meta = resource.get("meta");
            let has = |member: &str| meta.is_some_and(|meta| meta.get(member).is_some());
            if has("versionId") || has("lastUpdated") {
                wrong(index, IssueCode::Invariant, "a contained resource has no version of its own (dom-4)");
            }
            if has("security") {
                wrong(index, IssueCode::Invariant, "a contained resource has no security label of its own (dom-5)");
            }
            match resource.get("id").and_then(Value::as_str) {
                None => wrong(index, IssueCode::Required, "a contained resource needs an id to be referred to"),
                Some(id) if !ids.insert(id) => {
                    wrong(index, IssueCode::Duplicate, "two contained resources have the same id");
                }
                Some(id) => {
                    let mut back = HashSet::new();
                    collect_local("", resource, &mut back);
                    if !pointed.contains(id) && !back.contains("") {
                        wrong(index, IssueCode::Invariant, "no reference points at this contained resource (dom-3)");
                    }
                }
            }
        }
    }
}

/// The ids behind `#` in every reference and address within: references, canonicals and URIs alike.
fn collect_local<'v>(name: &str, value: &'v Value, found: &mut HashSet<&'v str>) {
    match value {
        Value::String(text) if name != "div" => {
            if let Some(id) = text.strip_prefix('#') {
                found.insert(id);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_local(name, item, found)),
        Value::Object(map) => map.iter().for_each(|(name, value)| collect_local(name, value, found)),
        _ => {}
    }
}
