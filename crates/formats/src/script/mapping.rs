//! The mapping as data: `content/script/2017071.toml`, what later versions say otherwise, and what a site lays over it.

use super::path::{Step, name_of, steps};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FIRST: &str = include_str!("../../../../content/script/2017071.toml");
const LATER: &str = include_str!("../../../../content/script/2023011.toml");

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}")]
pub struct MappingError {
    pub place: String,
    pub says: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "set")]
    _set: toml::Table,
    #[serde(default)]
    envelope: WrittenEnvelope,
    #[serde(default)]
    part: BTreeMap<String, WrittenPart>,
    #[serde(default)]
    choice: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    codes: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    message: Vec<WrittenMessage>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnvelope {
    root: Option<String>,
    body: Option<String>,
    version: Option<String>,
    namespace: Option<String>,
    #[serde(default)]
    attributes: toml::Table,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPart {
    at: String,
    #[serde(default)]
    many: bool,
    facts: Vec<Vec<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    name: String,
    parts: Vec<String>,
}

/// Which elements mean which facts.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) root: String,
    pub(super) body: String,
    pub(super) namespace: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) parts: BTreeMap<String, PartMap>,
    pub(super) messages: BTreeMap<String, Vec<String>>,
    /// `2017071`.
    pub version: String,
}

#[derive(Clone, Debug)]
pub(super) struct PartMap {
    pub(super) at: Vec<Step>,
    pub(super) many: bool,
    pub(super) facts: Vec<FactMap>,
    /// Outcome → element, of the part's `*`.
    pub(super) choice: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(super) struct FactMap {
    pub(super) fact: String,
    /// A text that is written wherever the fact is.
    pub(super) constant: Option<String>,
    pub(super) at: Vec<Step>,
    /// Fact → code on the wire; `*` is written for what has none.
    pub(super) codes: BTreeMap<String, String>,
}

static STANDARD: LazyLock<Mapping> =
    LazyLock::new(|| Mapping::layered(&[FIRST]).expect("content/script/2017071.toml is read by a test"));
static NEWER: LazyLock<Mapping> =
    LazyLock::new(|| Mapping::layered(&[FIRST, LATER]).expect("content/script/2023011.toml is read by a test"));

fn wrong(place: impl Into<String>, says: impl Into<String>) -> MappingError {
    MappingError { place: place.into(), says: says.into() }
}

impl Mapping {
    /// SCRIPT 2017071.
    pub fn standard() -> &'static Mapping {
        &STANDARD
    }

    /// The mapping of a version by its name, where there is one.
    pub fn of_version(version: &str) -> Option<&'static Mapping> {
        [Mapping::standard(), &NEWER].into_iter().find(|it| it.version == version)
    }

    /// A version with a site's own file laid over it: a part or table of the same name takes the place of ours.
    pub fn with(version: &str, text: &str) -> Result<Mapping, MappingError> {
        match version {
            "2017071" => Mapping::layered(&[FIRST, text]),
            "2023011" => Mapping::layered(&[FIRST, LATER, text]),
            _ => Err(wrong("version", "there is no mapping of this version; 2017071 and 2023011 are known")),
        }
    }

    /// The texts of the mappings that ship, by file: for the self-check of content.
    pub fn shipped() -> [(&'static str, &'static str); 2] {
        [("script/2017071.toml", FIRST), ("script/2023011.toml", LATER)]
    }

    fn layered(texts: &[&str]) -> Result<Mapping, MappingError> {
        let mut whole: Option<Written> = None;
        for text in texts {
            let next: Written = toml::from_str(text).map_err(|it| wrong("the file", it.message().to_owned()))?;
            whole = Some(match whole {
                None => next,
                Some(before) => over(before, next),
            });
        }
        Mapping::of(whole.ok_or_else(|| wrong("the file", "there is none"))?)
    }

    fn of(written: Written) -> Result<Mapping, MappingError> {
        let Written { envelope, part, choice, codes, message, .. } = written;
        let named = |name: Option<String>, place: &str| {
            let name = name.ok_or_else(|| wrong(place, "it is missing"))?;
            name_of(&name).map_err(|says| wrong(place, says))
        };
        for (name, table) in &choice {
            for element in table.values() {
                name_of(element).map_err(|says| wrong(format!("choice.{name}"), says))?;
            }
        }
        let attribute = |(name, value): (&String, &toml::Value)| {
            let place = format!("envelope.attributes.{name}");
            let value = value.as_str().ok_or_else(|| wrong(&place, "it must be a text"))?;
            Ok((name_of(name).map_err(|says| wrong(&place, says))?, value.to_owned()))
        };
        let mut parts = BTreeMap::new();
        for (name, part) in &part {
            parts.insert(name.clone(), part_of(name, part, &choice, &codes)?);
        }
        let mut messages = BTreeMap::new();
        for WrittenMessage { name, parts: of } in message {
            let place = format!("message {name}");
            name_of(&name).map_err(|says| wrong(&place, says))?;
            if let Some(unknown) = of.iter().find(|it| !parts.contains_key(*it)) {
                return Err(wrong(&place, format!("there is no part {unknown}")));
            }
            messages.insert(name, of);
        }
        if !parts.contains_key(super::HEADER) {
            return Err(wrong("part.header", "it is missing"));
        }
        Ok(Mapping {
            root: named(envelope.root, "envelope.root")?,
            body: named(envelope.body, "envelope.body")?,
            version: envelope.version.unwrap_or_default(),
            namespace: envelope.namespace,
            attributes: envelope.attributes.iter().map(attribute).collect::<Result<_, _>>()?,
            parts,
            messages,
        })
    }

    /// The facts of a part, by name: for tests and for who checks a mapping.
    pub fn facts(&self, part: &str) -> Vec<&str> {
        let facts = self.parts.get(part).into_iter().flat_map(|it| &it.facts);
        facts.filter(|it| it.constant.is_none()).map(|it| it.fact.as_str()).collect()
    }

    /// The parts of a message, in the order in which they are written.
    pub fn parts(&self, kind: &str) -> Option<&[String]> {
        self.messages.get(kind).map(Vec::as_slice)
    }

    /// The values that a fact may have, where it has a table.
    pub fn values(&self, part: &str, fact: &str) -> Vec<&str> {
        let Some(map) = self.parts.get(part) else { return Vec::new() };
        let Some(at) = map.facts.iter().find(|it| it.fact == fact && it.constant.is_none()) else { return Vec::new() };
        let table = if at.at.last() == Some(&Step::Choice) { &map.choice } else { &at.codes };
        table.keys().map(String::as_str).filter(|it| *it != "*").collect()
    }

    pub fn is_many(&self, part: &str) -> bool {
        self.parts.get(part).is_some_and(|it| it.many)
    }
}

/// What a later file says takes the place of what the earlier said.
fn over(before: Written, next: Written) -> Written {
    let mut all = before;
    let envelope = next.envelope;
    all.envelope.root = envelope.root.or(all.envelope.root);
    all.envelope.body = envelope.body.or(all.envelope.body);
    all.envelope.version = envelope.version.or(all.envelope.version);
    all.envelope.namespace = envelope.namespace.or(all.envelope.namespace);
    if !envelope.attributes.is_empty() {
        all.envelope.attributes = envelope.attributes;
    }
    all.part.extend(next.part);
    all.choice.extend(next.choice);
    all.codes.extend(next.codes);
    for message in next.message {
        all.message.retain(|it| it.name != message.name);
        all.message.push(message);
    }
    all
}

type Tables = BTreeMap<String, BTreeMap<String, String>>;

fn part_of(name: &str, part: &WrittenPart, choices: &Tables, codes: &Tables) -> Result<PartMap, MappingError> {
    let place = format!("part.{name}");
    let at = steps(&part.at).map_err(|says| wrong(&place, says))?;
    if part.many && at.is_empty() {
        return Err(wrong(&place, "what is there several times needs an element of its own"));
    }
    let mut made = PartMap { at, many: part.many, facts: Vec::new(), choice: BTreeMap::new() };
    for row in &part.facts {
        let (fact, path, table) = match row.as_slice() {
            [fact, path] => (fact, path, None),
            [fact, path, table] => (fact, path, Some(table)),
            _ => return Err(wrong(&place, "a fact is a name, a path and perhaps a table")),
        };
        let at = steps(path).map_err(|says| wrong(&place, says))?;
        if at.is_empty() {
            return Err(wrong(&place, format!("{fact} has no path")));
        }
        let mut map = FactMap { fact: fact.clone(), constant: None, at, codes: BTreeMap::new() };
        match (fact.strip_prefix('='), table) {
            (Some(constant), Some(with)) => {
                (map.constant, map.fact) = (Some(constant.to_owned()), with.clone());
            }
            (Some(_), None) => return Err(wrong(&place, format!("{fact} must say beside which fact it stands"))),
            (None, Some(table)) if map.at.last() == Some(&Step::Choice) => {
                let table = choices.get(table).ok_or_else(|| wrong(&place, format!("there is no choice {table}")))?;
                made.choice = table.clone();
            }
            (None, Some(table)) => {
                let table = codes.get(table).ok_or_else(|| wrong(&place, format!("there are no codes {table}")))?;
                map.codes = table.clone();
            }
            (None, None) => {}
        }
        made.facts.push(map);
    }
    let chooses = made.facts.iter().any(|it| it.at.contains(&Step::Choice));
    if chooses && made.choice.is_empty() {
        return Err(wrong(&place, "a path has `*`, and no fact says what is chosen from"));
    }
    Ok(made)
}
