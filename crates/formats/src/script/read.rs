//! XML as a message: what the mapping knows becomes facts, everything else is noted with its place, never with what
//! stands there.

use super::mapping::{FactMap, Mapping, PartMap};
use super::path::Step;
use super::{HEADER, Message, Part};
use crate::ccda::xml::{self, Element, Node, decode, parse};
use crate::{Fate, Note};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// The largest message: the history of a long life is not larger.
pub const LARGEST: usize = 2 << 20;
/// How many notes are kept of one message.
const NOTES: usize = 200;
/// How many of a part that may be there several times.
const MANY: usize = 2_000;

/// Why a message is not read at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the message is larger than {} MB", LARGEST >> 20)]
    TooLarge,
    #[error("the message is nested too deep, or has too many parts")]
    TooDeep,
    #[error("the message declares a document type (DTD); a SCRIPT message has none")]
    DocumentType,
    #[error("the text is not in the encoding that the message names")]
    Encoding,
    #[error("the message is not well-formed XML: line {line}, column {column}")]
    NotXml { line: u32, column: u32 },
    #[error("the message is XML, but no SCRIPT message")]
    NotScript,
    #[error("the message has no transaction in its body")]
    NoTransaction,
    #[error("the message has several transactions in its body; send each by itself")]
    SeveralTransactions,
    #[error("the transaction in the body is none of those that are known here")]
    UnknownTransaction,
    #[error("{0} says several outcomes at once; one message has one")]
    Ambiguous(String),
}

impl Refusal {
    /// The same for all that fail for the same reason.
    pub fn cause(&self) -> &'static str {
        match self {
            Refusal::UnknownTransaction => "unknown-transaction",
            Refusal::Ambiguous(_) => "ambiguous",
            Refusal::SeveralTransactions => "several-transactions",
            _ => "unreadable",
        }
    }
}

impl From<xml::Refusal> for Refusal {
    fn from(refusal: xml::Refusal) -> Refusal {
        match refusal {
            xml::Refusal::TooLarge => Refusal::TooLarge,
            xml::Refusal::TooDeep | xml::Refusal::TooManyParts => Refusal::TooDeep,
            xml::Refusal::DocumentType => Refusal::DocumentType,
            xml::Refusal::Encoding(_) => Refusal::Encoding,
            xml::Refusal::NotXml { line, column } => Refusal::NotXml { line, column },
            _ => Refusal::NotScript,
        }
    }
}

/// A message as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub message: Message,
    /// What became of elements that are not facts.
    pub notes: Vec<Note>,
    /// Elements and attributes that say something, and those of them that became facts.
    pub said: usize,
    pub mapped: usize,
}

/// Reads one message.
pub fn read(bytes: &[u8], mapping: &Mapping) -> Result<Received, Refusal> {
    if bytes.len() > LARGEST {
        return Err(Refusal::TooLarge);
    }
    let text = decode(bytes)?;
    let tree = parse(&text)?;
    let root = tree.root_element();
    if !root.is(&mapping.root) {
        return Err(Refusal::NotScript);
    }
    let body = root.kids(&mapping.body).next().ok_or(Refusal::NoTransaction)?;
    let mut transactions = body.children().filter(|it| it.is_element());
    let transaction = transactions.next().ok_or(Refusal::NoTransaction)?;
    if transactions.next().is_some() || root.kids(&mapping.body).count() > 1 {
        return Err(Refusal::SeveralTransactions);
    }
    let kind = transaction.tag_name().name();
    let parts = mapping.parts(kind).ok_or(Refusal::UnknownTransaction)?;
    let mut reader = Reader::default();
    let mut message = Message::new(kind);
    reader.part(root, HEADER, &mapping.parts[HEADER], &mut message)?;
    for name in parts {
        reader.part(transaction, name, &mapping.parts[name], &mut message)?;
    }
    let (said, mapped) = reader.rest(root);
    Ok(Received { message, notes: reader.notes, said, mapped })
}

/// Places and texts of a message, for a person to look at: `Body/NewRx/Patient/…/LastName`, `Byron`.
pub fn outline(bytes: &[u8]) -> Vec<(String, String)> {
    let (true, Ok(text)) = (bytes.len() <= LARGEST, decode(bytes)) else { return Vec::new() };
    let Ok(tree) = parse(&text) else { return Vec::new() };
    let mut all = Vec::new();
    for node in tree.descendants().filter(|it| it.is_element()) {
        let place = node.place();
        let place = place.trim_start_matches('/').split_once('/').map_or("", |it| it.1).to_owned();
        if let Some(text) = own_text(node) {
            all.push((place.clone(), text));
        }
        if node != tree.root_element() {
            all.extend(node.attributes().map(|it| (format!("{place}/@{}", it.name()), it.value().to_owned())));
        }
    }
    all
}

/// What stands in an element itself.
fn own_text(node: Node<'_>) -> Option<String> {
    let text: String = node.children().filter(|it| it.is_text()).filter_map(|it| it.text()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An element, or one of its attributes.
type Found<'a> = (Node<'a>, Option<String>);

#[derive(Default)]
struct Reader {
    notes: Vec<Note>,
    /// Elements (and attributes by name) that became facts.
    used: BTreeSet<(u32, String)>,
}

impl Reader {
    fn note(&mut self, fate: Fate, place: String, says: &str) {
        if self.notes.len() < NOTES {
            self.notes.push(Note::new(fate, place, says));
        }
    }

    fn part(&mut self, under: Node<'_>, name: &str, map: &PartMap, message: &mut Message) -> Result<(), Refusal> {
        let places = follow(under, &map.at, &map.choice);
        if places.len() > 1 && !map.many {
            self.note(Fate::Weakened, places[1].0.place(), "it is there several times; the first is read");
        }
        let most = if map.many { MANY } else { 1 };
        for (place, _) in places.into_iter().take(most) {
            let mut part = Part::new(name);
            for fact in map.facts.iter().filter(|it| it.constant.is_none()) {
                self.fact(place, map, fact, &mut part)?;
            }
            for fact in map.facts.iter().filter(|it| it.constant.is_some()) {
                for found in follow(place, &fact.at, &map.choice) {
                    self.uses(&found);
                }
            }
            // The empty element of one among many is one of them all the same.
            if !part.facts.is_empty() {
                message.parts.push(part);
            }
        }
        Ok(())
    }

    fn uses(&mut self, (node, attribute): &Found<'_>) {
        self.used.insert((node.id().get(), attribute.clone().unwrap_or_default()));
        // What says which of several it is says nothing more.
        let parents = node.ancestors().take(3);
        for marked in parents.flat_map(|it| it.children()).filter(|it| it.tag_name().name().ends_with("Qualifier")) {
            self.used.insert((marked.id().get(), String::new()));
        }
    }

    fn fact(&mut self, place: Node<'_>, map: &PartMap, fact: &FactMap, part: &mut Part) -> Result<(), Refusal> {
        let found = follow(place, &fact.at, &map.choice);
        if fact.at.last() == Some(&Step::Choice) {
            let names: BTreeSet<&str> = found.iter().map(|it| it.0.tag_name().name()).collect();
            if names.len() > 1 {
                return Err(Refusal::Ambiguous(place.place()));
            }
            found.iter().for_each(|it| self.uses(it));
            let chosen = map.choice.iter().find(|(_, element)| names.contains(element.as_str()));
            if let Some((outcome, _)) = chosen {
                part.facts.insert(fact.fact.clone(), outcome.clone());
            }
            return Ok(());
        }
        let valued: Vec<(String, Found<'_>)> = found.into_iter().filter_map(|it| Some((value_of(&it)?, it))).collect();
        let Some((value, first)) = valued.first() else { return Ok(()) };
        if part.facts.contains_key(&fact.fact) {
            return Ok(());
        }
        if valued.len() > 1 {
            self.note(Fate::Weakened, valued[1].1.0.place(), "it is there several times; the first is read");
        }
        self.uses(first);
        let known = fact.codes.iter().find(|(name, code)| *name != "*" && *code == value);
        if known.is_none() && !fact.codes.is_empty() {
            self.note(Fate::Weakened, first.0.place(), "its code is in no table here; it is taken as it is");
        }
        part.facts.insert(fact.fact.clone(), known.map_or(value.clone(), |(name, _)| name.clone()));
        Ok(())
    }

    /// Notes what says something and is no fact; counts both.
    fn rest(&mut self, root: Node<'_>) -> (usize, usize) {
        let (mut said, mut mapped) = (0, 0);
        for node in root.descendants().filter(|it| it.is_element() && *it != root) {
            let mut names: Vec<String> = node.attributes().map(|it| it.name().to_owned()).collect();
            if own_text(node).is_some() {
                names.push(String::new());
            }
            for name in names {
                said += 1;
                if self.used.contains(&(node.id().get(), name.clone())) {
                    mapped += 1;
                    continue;
                }
                let place = if name.is_empty() { node.place() } else { format!("{}/@{name}", node.place()) };
                self.note(Fate::Kept, place, "no fact of ours; it stays with the message");
            }
        }
        (said, mapped)
    }
}

fn value_of((node, attribute): &Found<'_>) -> Option<String> {
    match attribute {
        Some(name) => node.attr(name).map(str::to_owned),
        None => own_text(*node),
    }
}

/// All places at the end of a path.
fn follow<'a>(from: Node<'a>, steps: &[Step], choice: &BTreeMap<String, String>) -> Vec<Found<'a>> {
    let mut here = vec![from];
    for step in steps {
        let mut next: Vec<Node<'a>> = Vec::new();
        for node in here {
            let kids = node.children().filter(|it| it.is_element());
            match step {
                Step::Attribute(name) => return vec![(node, Some(name.clone()))],
                Step::Choice => next.extend(kids.filter(|it| choice.values().any(|name| it.is(name)))),
                Step::Element { names, with } => {
                    let fits = |it: &Node<'_>| {
                        with.as_ref().is_none_or(|(child, text)| {
                            it.kids(child).any(|kid| own_text(kid).as_deref() == Some(text.as_str()))
                        })
                    };
                    next.extend(kids.filter(|it| names.iter().any(|name| it.is(name))).filter(fits));
                }
            }
        }
        here = next;
    }
    here.into_iter().map(|it| (it, None)).collect()
}
