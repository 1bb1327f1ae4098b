//! What a resource is found by: its rows, its words for full text, and the rows of what it contains.
//! Deterministic: the same resource gives the same rows in the same order.

use super::fold::words;
use super::registry::{EngineRows, Registry, TypeSearch};
use super::row::{BaseUrls, Row};
use super::values::{Leaf, Origin};
use crate::resource::ResourceType;
use crate::tables::{Primitive, TypeDef, type_def};
use serde_json::Value;

/// The folded words of a resource, one space between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Of the narrative, without its markup (`_text`).
    pub narrative: String,
    /// Of the narrative and of all that is meant to be read: names, displays, texts, notes (`_content`).
    pub content: String,
}

impl Registry {
    /// The rows of a resource, sorted by slot and value, each once.
    pub fn rows(&self, kind: ResourceType, resource: &Value, base: &BaseUrls) -> Vec<Row> {
        self.rows_within(kind, resource, resource, base)
    }

    /// The rows of each contained resource, by its id within the container. They are not among [`Registry::rows`]:
    /// a contained resource is found only when asked for (`_contained`).
    pub fn contained_rows(&self, resource: &Value, base: &BaseUrls) -> Vec<(String, ResourceType, Vec<Row>)> {
        let contained = resource.get("contained").and_then(Value::as_array);
        let each = contained.into_iter().flatten().filter_map(|inner| {
            let id = inner.get("id")?.as_str()?.to_owned();
            let kind = ResourceType::parse(inner.get("resourceType")?.as_str()?)?;
            Some((id, kind, self.rows_within(kind, inner, resource, base)))
        });
        each.collect()
    }

    fn rows_within(&self, kind: ResourceType, resource: &Value, container: &Value, base: &BaseUrls) -> Vec<Row> {
        let search: &TypeSearch = &self.types[usize::from(kind.number())];
        let mut rows = Vec::with_capacity(48);
        let from = Origin { resource, container, base };
        search.trie.rows(resource, &from, &mut rows);
        for engine in &search.engine {
            engine.rows(&from, &mut rows);
        }
        rows.sort_unstable_by(|a, b| a.slot.cmp(&b.slot).then_with(|| a.value.order(&b.value)));
        rows.dedup();
        rows
    }
}

impl EngineRows {
    /// How a value becomes rows. An extension stands for its value where it says nothing itself.
    fn leaf(&self, kind: &'static TypeDef, value: Value) -> Option<(Leaf, Value)> {
        if let Some(leaf) = Leaf::of(self.kind, kind, None) {
            return Some((leaf, value));
        }
        let (Value::Object(members), "Extension") = (value, kind.name) else { return None };
        let (member, inner) = members.into_iter().find(|(member, _)| member.starts_with("value"))?;
        let kind = kind.child(&member)?.only_type()?.type_def();
        Leaf::of(self.kind, kind, None).map(|leaf| (leaf, inner))
    }

    /// Values by the FHIRPath engine. An expression that fails on a resource gives no rows for it.
    fn rows(&self, from: &Origin<'_>, rows: &mut Vec<Row>) {
        for (kind, value) in self.expression.values(from.resource) {
            let Some((leaf, value)) = type_def(kind).and_then(|kind| self.leaf(kind, value)) else { continue };
            leaf.rows(&value, self.slot, from, rows);
            let extra = match leaf {
                Leaf::Reference => Leaf::ReferenceIdentifier,
                Leaf::Identifier => Leaf::IdentifierOfType,
                _ => continue,
            };
            self.extra.into_iter().for_each(|slot| extra.rows(&value, slot, from, rows));
        }
    }
}

/// The words of a resource. Ids, addresses, codes and dates are not words.
pub fn texts(resource: &Value) -> Texts {
    let mut texts = Texts::default();
    let Some(kind) = resource.get("resourceType").and_then(Value::as_str).and_then(type_def) else { return texts };
    if let Some(narrative) = resource.get("text").and_then(|text| text.get("div")).and_then(Value::as_str) {
        add_words(&plain(narrative), &mut texts.narrative);
        texts.content.push_str(&texts.narrative);
    }
    if let Value::Object(members) = resource {
        for (member, value) in members {
            if !matches!(member.as_str(), "text" | "meta") || (member == "text" && !value.is_object()) {
                gather(kind, member, value, &mut texts.content);
            }
        }
    }
    texts
}

/// Adds the words of a member and all below it.
fn gather(parent: &'static TypeDef, member: &str, value: &Value, content: &mut String) {
    let Some(kind) = parent.child(member).and_then(|element| element.only_type()) else { return };
    let kind = kind.type_def();
    match value {
        Value::Array(all) => all.iter().for_each(|value| gather_value(parent, member, kind, value, content)),
        one => gather_value(parent, member, kind, one, content),
    }
}

fn gather_value(parent: &TypeDef, member: &str, kind: &'static TypeDef, value: &Value, content: &mut String) {
    match value {
        // What is typed as a string but is a name for machines.
        Value::String(text) => match (kind.primitive, parent.name, member) {
            (_, "Identifier" | "ContactPoint", "value") | (_, "Reference", "reference") | (_, _, "version" | "id") => {}
            (Some(Primitive::String | Primitive::Markdown), ..) => add_words(text, content),
            (Some(Primitive::Xhtml), ..) => add_words(&plain(text), content),
            _ => {}
        },
        Value::Object(members) => {
            let named = members.get("resourceType").and_then(Value::as_str).and_then(type_def);
            let kind = named.unwrap_or(kind);
            members.iter().for_each(|(member, value)| gather(kind, member, value, content));
        }
        _ => {}
    }
}

fn add_words(text: &str, content: &mut String) {
    for word in words(text) {
        if !content.is_empty() {
            content.push(' ');
        }
        content.push_str(&word);
    }
}

/// The text of a narrative: tags become spaces, entities their characters.
fn plain(markup: &str) -> String {
    let mut text = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('<') {
            // Inline markup stands within words (`H<sub>2</sub>O`); everything else parts them.
            let end = if rest.starts_with("<!--") {
                rest.find("-->").map(|end| end + 3)
            } else {
                rest.find('>').map(|end| end + 1)
            };
            let Some(end) = end else { break };
            let name = rest[1..end].trim_start_matches('/');
            let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
            if !matches!(
                name,
                "b" | "i" | "em" | "strong" | "sub" | "sup" | "span" | "u" | "a" | "small" | "big" | "tt"
            ) {
                text.push(' ');
            }
            rest = &rest[end..];
        } else {
            let end = rest.find(';').filter(|end| *end <= 10);
            match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
                Some((character, end)) => {
                    text.push(character);
                    rest = &rest[end + 1..];
                }
                None => {
                    text.push('&');
                    rest = &rest[1..];
                }
            }
        }
    }
    text.push_str(rest);
    text
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{self, Definition, Ways};
    use super::super::query::Source;
    use super::super::row::{RowValue, Target, Token};
    use super::*;
    use crate::tables::{self, SearchKind};
    use std::sync::Arc;

    /// What a parameter finds in rows. The engine does not know which element a code stood in and thus not its system.
    fn found(rows: &[Row], sources: &[Source]) -> Vec<RowValue> {
        let seen = |row: &&Row| {
            sources.iter().any(|source| {
                let kind = match &row.value {
                    RowValue::Reference(Target::Local { key, .. }) => Some(key.kind),
                    RowValue::Reference(Target::Elsewhere { kind, .. }) => *kind,
                    _ => None,
                };
                source.slot == row.slot && (source.only.is_none() || source.only == kind)
            })
        };
        let bare = |value: &RowValue| match value {
            RowValue::Token(Token { system: _, code, text: None }) => {
                RowValue::Token(Token { system: None, code: code.clone(), text: None })
            }
            value => value.clone(),
        };
        let mut values: Vec<RowValue> = rows.iter().filter(seen).map(|row| bare(&row.value)).collect();
        values.sort_by(RowValue::order);
        values.dedup();
        values
    }

    #[test]
    fn routes_find_in_every_example_what_the_engine_finds() {
        let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return };
        let definitions = tables::search_parameters().iter().map(|it| Arc::new(Definition::of_table(it))).collect();
        let (engine, _) = plan::build(definitions, Ways::EngineOnly);
        let routes = Registry::r4();
        let base = BaseUrls::default();
        let mut compared = 0;
        for entry in std::fs::read_dir(folder.join("R4")).expect("the examples") {
            let path = entry.expect("an entry").path();
            let Ok(resource) = serde_json::from_slice::<Value>(&std::fs::read(&path).expect("a file")) else {
                continue;
            };
            let Some(kind) = resource["resourceType"].as_str().and_then(ResourceType::parse) else { continue };
            let (fast, slow) = (routes.rows(kind, &resource, &base), engine.rows(kind, &resource, &base));
            for param in routes.params(kind).filter(|param| param.kind != SearchKind::Composite) {
                let Some(judge) = engine.param(kind, &param.code) else { continue };
                // Of one expression for two parameters, which the engine alone cannot tell apart.
                if kind.name() == "Bundle" && matches!(param.code.as_str(), "composition" | "message") {
                    continue;
                }
                let (found, expected) = (found(&fast, &param.sources), found(&slow, &judge.sources));
                assert_eq!(found, expected, "{}: {kind}.{}", path.display(), param.code);
                compared += found.len();
            }
        }
        assert!(compared > 30_000, "{compared} values compared");
    }
}
