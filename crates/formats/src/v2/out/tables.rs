//! The tables of what is written, read once and checked: every expression is one, every name that a row uses is there.

use super::leaf::LEAVES;
use fhir::path::Expression;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

const MESSAGES: &str = include_str!("../../../../../content/v2/out/messages.toml");
const SEGMENTS: &str = include_str!("../../../../../content/v2/out/segments.toml");
const DATATYPES: &str = include_str!("../../../../../content/v2/out/datatypes.toml");
const CODES: &str = include_str!("../../../../../content/v2/out/codes.toml");

/// The tables.
#[derive(Debug)]
pub struct Outgoing {
    messages: Vec<MessageTable>,
    segments: BTreeMap<String, Vec<Row>>,
    datatypes: BTreeMap<String, Vec<Row>>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug)]
pub(super) struct MessageTable {
    events: Vec<String>,
    structures: BTreeMap<String, String>,
    pub(super) profile: Option<String>,
    pub(super) answers: Option<[String; 2]>,
    pub(super) segments: Vec<SegmentRow>,
}

/// One kind of segment of a message.
#[derive(Debug)]
pub struct SegmentRow {
    pub name: String,
    /// The name of its fields in the table of segments.
    pub fields: String,
    /// What it tells of, once.
    pub(super) of: Option<Expression>,
    /// What each of several tells of.
    pub(super) each: Option<Expression>,
    pub(super) when: Option<Expression>,
    pub(super) then: Vec<SegmentRow>,
}

/// What goes into a field or a part of one.
#[derive(Debug)]
pub struct Row {
    pub at: usize,
    /// Of several expressions the first that finds something.
    pub from: Vec<Expression>,
    pub kind: String,
    pub codes: Option<String>,
    pub(super) many: bool,
    pub(super) fill: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct TableError {
    place: String,
    why: String,
}

fn wrong(place: &str, why: impl ToString) -> TableError {
    TableError { place: place.to_owned(), why: why.to_string() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessages {
    message: Vec<WrittenMessage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    events: Vec<String>,
    structures: BTreeMap<String, String>,
    profile: Option<String>,
    answers: Option<[String; 2]>,
    segments: Vec<WrittenSegment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSegment {
    name: String,
    fields: Option<String>,
    of: Option<String>,
    each: Option<String>,
    when: Option<String>,
    #[serde(default)]
    then: Vec<WrittenSegment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFields {
    #[serde(alias = "parts")]
    fields: Vec<WrittenRow>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum From {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRow {
    at: usize,
    from: From,
    #[serde(rename = "as")]
    kind: Option<String>,
    codes: Option<String>,
    #[serde(default)]
    many: bool,
    #[serde(default)]
    fill: bool,
}

impl WrittenRow {
    fn read(self, place: &str) -> Result<Row, TableError> {
        let texts = match self.from {
            From::One(text) => vec![text],
            From::Several(texts) => texts,
        };
        let parse = |text: &String| Expression::parse(text).map_err(|error| wrong(place, format!("{text}: {error}")));
        let from = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let kind = self.kind.unwrap_or_else(|| "text".to_owned());
        if self.at == 0 {
            return Err(wrong(place, "fields count from one"));
        }
        Ok(Row { at: self.at, from, kind, codes: self.codes, many: self.many, fill: self.fill })
    }
}

impl WrittenSegment {
    fn read(self) -> Result<SegmentRow, TableError> {
        let path = |text: Option<String>| {
            let parse = |text: String| Expression::parse(&text).map_err(|error| wrong(&self.name, error));
            text.map(parse).transpose()
        };
        Ok(SegmentRow {
            of: path(self.of)?,
            each: path(self.each)?,
            when: path(self.when)?,
            fields: self.fields.unwrap_or_else(|| self.name.clone()),
            then: self.then.into_iter().map(WrittenSegment::read).collect::<Result<_, _>>()?,
            name: self.name,
        })
    }
}

fn rows(text: &str) -> Result<BTreeMap<String, Vec<Row>>, TableError> {
    let written: BTreeMap<String, WrittenFields> = toml::from_str(text).map_err(|error| wrong("tables", error))?;
    let read = |(name, it): (String, WrittenFields)| {
        let rows = it.fields.into_iter().map(|row| row.read(&name)).collect::<Result<Vec<_>, _>>()?;
        Ok((name, rows))
    };
    written.into_iter().map(read).collect()
}

impl Outgoing {
    /// Those that come with the program.
    pub fn standard() -> &'static Outgoing {
        static STANDARD: OnceLock<Outgoing> = OnceLock::new();
        STANDARD.get_or_init(|| Outgoing::read().expect("our own tables are read by a test"))
    }

    fn read() -> Result<Outgoing, TableError> {
        let written: WrittenMessages = toml::from_str(MESSAGES).map_err(|error| wrong("messages", error))?;
        let message = |it: WrittenMessage| {
            let segments = it.segments.into_iter().map(WrittenSegment::read).collect::<Result<_, _>>()?;
            let WrittenMessage { events, structures, profile, answers, .. } = it;
            Ok(MessageTable { events, structures, profile, answers, segments })
        };
        let messages = written.message.into_iter().map(message).collect::<Result<Vec<_>, _>>()?;
        let codes = toml::from_str(CODES).map_err(|error| wrong("codes", error))?;
        let it = Outgoing { messages, segments: rows(SEGMENTS)?, datatypes: rows(DATATYPES)?, codes };
        it.check()?;
        Ok(it)
    }

    /// Whether every name that is used is there.
    fn check(&self) -> Result<(), TableError> {
        let mut segments: Vec<&SegmentRow> = self.messages.iter().flat_map(|it| &it.segments).collect();
        while let Some(segment) = segments.pop() {
            segments.extend(&segment.then);
            if !self.segments.contains_key(&segment.fields) {
                return Err(wrong(&segment.name, format!("there are no fields {}", segment.fields)));
            }
        }
        for (name, row) in
            self.segments.iter().chain(&self.datatypes).flat_map(|(name, it)| it.iter().map(move |row| (name, row)))
        {
            if !LEAVES.contains(&row.kind.as_str()) && row.kind != "HD" && !self.datatypes.contains_key(&row.kind) {
                return Err(wrong(name, format!("there is no data type {}", row.kind)));
            }
            if let Some(codes) = row.codes.as_ref().filter(|it| !self.codes.contains_key(*it)) {
                return Err(wrong(name, format!("there is no table {codes}")));
            }
        }
        Ok(())
    }

    pub(super) fn message(&self, kind: &str, event: &str) -> Option<(&MessageTable, &str)> {
        let name = format!("{kind}^{event}");
        let table = self.messages.iter().find(|it| it.events.contains(&name))?;
        Some((table, table.structures.get(event).map_or("", String::as_str)))
    }

    pub(super) fn fields(&self, name: &str) -> &[Row] {
        self.segments.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn datatype(&self, name: &str) -> Option<&[Row]> {
        self.datatypes.get(name).map(Vec::as_slice)
    }

    pub(super) fn code(&self, table: &str, code: &str) -> Option<&str> {
        self.codes.get(table)?.get(code).map(String::as_str)
    }

    /// All that can be written: `ADT^A01`, …
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().flat_map(|it| &it.events).map(String::as_str)
    }

    /// The segments of a message, each with its rows, for the page of what is written.
    pub fn written(&self, event: &str) -> Vec<(&SegmentRow, &[Row])> {
        let mut found = Vec::new();
        let table = self.messages.iter().find(|it| it.events.iter().any(|it| it == event));
        let mut waiting: Vec<&SegmentRow> = table.map(|it| it.segments.iter().rev().collect()).unwrap_or_default();
        while let Some(segment) = waiting.pop() {
            found.push((segment, self.fields(&segment.fields)));
            waiting.extend(segment.then.iter().rev());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_tables_are_read_and_every_event_has_its_structure() {
        let tables = Outgoing::read().unwrap();
        for event in tables.events() {
            let (kind, name) = event.split_once('^').unwrap();
            assert!(!tables.message(kind, name).unwrap().1.is_empty(), "{event}");
        }
        assert!(tables.message("ADT", "A99").is_none());
    }
}
