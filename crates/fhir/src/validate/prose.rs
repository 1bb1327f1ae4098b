//! Rules that the standard states in words rather than as invariants, for types that occur everywhere.

use super::Walk;
use crate::issue::{Issue, IssueCode};
use serde_json::{Map, Value};

impl<'a> Walk<'a> {
    /// The address of an extension says what it means; only within another may it be relative
    /// (extensibility.html#Extension).
    pub(super) fn extension(&mut self, map: &Map<String, Value>) {
        let parent = self.steps.iter().rev().nth(1);
        let nested = parent.is_some_and(|step| step.name == "extension" || step.name == "modifierExtension");
        let url = map.get("url").and_then(Value::as_str).unwrap_or_default();
        if !nested && !url.is_empty() && !url.contains(':') {
            self.error(IssueCode::Extension, "url of an extension must be absolute, such as https://example.org/ward");
        }
    }

    /// `size` is the number of bytes before base64 (datatypes.html#Attachment).
    pub(super) fn attachment(&mut self, map: &Map<String, Value>) {
        let (Some(Value::String(data)), Some(Value::Number(size))) = (map.get("data"), map.get("size")) else { return };
        let letters = data.bytes().filter(|byte| !byte.is_ascii_whitespace());
        let (all, padding) = letters.fold((0u64, 0u64), |(all, pad), byte| (all + 1, pad + u64::from(byte == b'=')));
        if size.as_u64().is_some_and(|size| size != (all / 4 * 3).saturating_sub(padding)) {
            self.error(IssueCode::Value, "size is not the number of bytes in data");
        }
    }

    /// A fullUrl is absolute, so that references between entries can be told apart (bundle.html#bundle-unique).
    pub(super) fn bundle_entry(&mut self, map: &Map<String, Value>) {
        if map.get("fullUrl").and_then(Value::as_str).is_some_and(|url| !url.contains(':')) {
            let message = "fullUrl must be absolute: urn:uuid:… or https://…/Type/id";
            self.issue(|place| Issue::error(IssueCode::Value, format!("{place}.fullUrl"), message));
        }
    }

    /// One page has one address, one next page and so on (bundle.html#link).
    pub(super) fn bundle(&mut self, map: &Map<String, Value>) {
        let links = map.get("link").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let relation = |link: &Value| link.get("relation").and_then(Value::as_str).map(str::to_owned);
        for single in ["self", "first", "previous", "prev", "next", "last"] {
            let count = links.iter().filter(|link| relation(link).as_deref() == Some(single)).count();
            if count > 1 {
                let message = format!("a bundle has at most one link with the relation {single}");
                self.issue(|place| Issue::error(IssueCode::Structure, format!("{place}.link"), message));
            }
        }
        if map.get("type").and_then(Value::as_str) == Some("searchset") {
            self.search_results(map);
        }
    }

    /// What a search finds is stored, and so has an id (resource.html#id); its own outcome has none.
    fn search_results(&mut self, map: &Map<String, Value>) {
        let entries = map.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, entry) in entries.iter().enumerate() {
            let Some(resource) = entry.get("resource") else { continue };
            let own =
                matches!(resource.get("resourceType").and_then(Value::as_str), Some("OperationOutcome" | "Parameters"));
            if !own && resource.get("id").is_none() {
                let message = "a resource that was found by a search has an id";
                self.issue(|place| {
                    Issue::error(IssueCode::Required, format!("{place}.entry[{index}].resource"), message)
                });
            }
        }
    }
}
