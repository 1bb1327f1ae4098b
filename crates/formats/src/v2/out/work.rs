//! Follows the tables: a segment for each thing they name, a field for each row that finds something.

use super::leaf;
use super::tables::{Outgoing, Row, SegmentRow};
use super::{Envelope, OutError, Told};
use crate::v2::escape::escape;
use crate::v2::message::Delimiters;
use fhir::Value;
use fhir::path::{Context, Expression, Node, Resolver};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Segments of one name in one message.
const MOST: usize = 5_000;

struct Others<'a>(&'a BTreeMap<String, Value>);

impl Resolver for Others<'_> {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        self.0.get(reference)
    }
}

/// What an expression starts from: a resource, or an element of one.
#[derive(Clone)]
struct Item<'a> {
    resource: &'a Value,
    node: Node<'a>,
}

/// How deep a value stands: a repetition is cut into components, a component into subcomponents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Repetition,
    Component,
    Subcomponent,
}

struct Work<'a> {
    outgoing: &'a Outgoing,
    envelope: Envelope<'a>,
    told: Told<'a>,
    others: &'a Others<'a>,
    delimiters: Delimiters,
    /// How many segments of each name there are.
    counts: BTreeMap<String, usize>,
    lines: Vec<String>,
}

pub(super) fn write(outgoing: &Outgoing, envelope: Envelope<'_>, told: Told<'_>) -> Result<Vec<u8>, OutError> {
    let Some((table, structure)) = outgoing.message(envelope.kind, envelope.event) else {
        return Err(OutError::NoTable(format!("{}^{}", envelope.kind, envelope.event)));
    };
    let others = Others(told.others);
    let delimiters = Delimiters::default();
    let mut work =
        Work { outgoing, envelope, told, others: &others, delimiters, counts: BTreeMap::new(), lines: Vec::new() };
    work.header(structure, table.profile.as_deref(), table.answers.as_ref());
    let start = Item { resource: told.told, node: Node::of_resource(told.told) };
    for segment in &table.segments {
        work.segment(segment, &start, 0)?;
    }
    Ok(work.lines.iter().flat_map(|it| [it.as_bytes(), b"\r"]).flatten().copied().collect())
}

impl<'a> Work<'a> {
    fn text(&self, text: &str) -> String {
        // No control character but a line break has a place in a message.
        let plain: Cow<'_, str> = match text.contains(|it: char| it.is_control() && it != '\n') {
            true => text.chars().filter(|it| !it.is_control() || *it == '\n').collect::<String>().into(),
            false => text.into(),
        };
        escape(&plain, &self.delimiters).into_owned()
    }

    /// MSH (2.14.9): version 2.5.1 in UTF-8.
    fn header(&mut self, structure: &str, profile: Option<&str>, answers: Option<&[String; 2]>) {
        let Envelope { kind, event, control, sent, sender, receiver, .. } = self.envelope;
        let [accept, application] = answers.map_or(["", ""], |it| [it[0].as_str(), it[1].as_str()]);
        let mut fields = vec!["MSH|^~\\&".to_owned()];
        fields.extend([sender[0], sender[1], receiver[0], receiver[1]].map(|it| self.text(it)));
        fields.extend([leaf::time(sent), String::new(), format!("{kind}^{event}^{structure}"), self.text(control)]);
        fields.extend(["P", "2.5.1", "", "", accept, application, "", "UNICODE UTF-8"].map(str::to_owned));
        if let Some(profile) = profile {
            fields.extend(["", "", profile].map(str::to_owned));
        }
        self.lines.push(joined(fields, '|'));
    }

    fn found<'b>(
        &self,
        expression: &'b Expression,
        item: &Item<'b>,
        place: &str,
        index: usize,
    ) -> Result<Vec<Node<'b>>, OutError>
    where
        'a: 'b,
    {
        let Told { told, patient, visit, lost, .. } = self.told;
        let resource = |it: Option<&'b Value>| it.map(Node::of_resource).into_iter().collect::<Vec<Node<'b>>>();
        let text = |it: &'b str| vec![Node::String(Cow::Borrowed(it))];
        let Envelope { event, sent, sender, base, action, .. } = self.envelope;
        let context = Context::of(item.resource)
            .focus(item.node.clone())
            .resolver(self.others)
            .variable("told", resource(Some(told)))
            .variable("patient", resource(Some(patient)))
            .variable("visit", resource(visit))
            .variable("lost", resource(lost))
            .variable("event", text(event))
            .variable("sent", text(sent))
            .variable("sender", text(sender[0]))
            .variable("facility", text(sender[1]))
            .variable("base", text(base))
            .variable("action", text(action))
            .variable("index", vec![Node::Integer(index as i64)])
            .variable("place", vec![Node::String(format!("part{index}").into())]);
        let wrong = |error: fhir::path::PathError| OutError::Path { place: place.to_owned(), why: error.to_string() };
        expression.evaluate(&context).map_err(wrong)
    }

    fn segment<'b>(&mut self, row: &'b SegmentRow, around: &Item<'b>, depth: usize) -> Result<(), OutError>
    where
        'a: 'b,
    {
        if let Some(when) = &row.when {
            let holds = self.found(when, around, &row.name, 0)?;
            if holds.first().and_then(Node::as_bool) != Some(true) {
                return Ok(());
            }
        }
        let items: Vec<Item<'b>> = match row.of.as_ref().or(row.each.as_ref()) {
            None => vec![around.clone()],
            Some(path) => {
                let found = self.found(path, around, &row.name, 0)?;
                let most = if row.each.is_some() { MOST } else { 1 };
                found.into_iter().take(most).map(|node| item(node, around)).collect()
            }
        };
        for item in items {
            let index = self.counts.entry(row.name.clone()).or_insert(0);
            *index += 1;
            let index = *index;
            let line = self.line(&row.name, &row.fields, &item, index)?;
            self.lines.push(line);
            for below in row.then.iter().filter(|_| depth < 3) {
                self.segment(below, &item, depth + 1)?;
            }
        }
        Ok(())
    }

    fn line(&self, name: &str, fields: &str, item: &Item<'_>, index: usize) -> Result<String, OutError> {
        let rows = self.outgoing.fields(fields);
        let length = rows.iter().map(|it| it.at).max().unwrap_or(0);
        let mut values = vec![String::new(); length];
        for row in rows {
            let value = &mut values[row.at - 1];
            if row.fill && !value.is_empty() {
                continue;
            }
            let place = format!("{name}-{}", row.at);
            let found = self.values(row, item, &place, index, Level::Repetition)?;
            if !found.is_empty() {
                *value = found;
            }
        }
        values.insert(0, name.to_owned());
        Ok(joined(values, '|'))
    }

    /// What a row finds, as it is written at a level.
    fn values(&self, row: &Row, item: &Item<'_>, place: &str, index: usize, level: Level) -> Result<String, OutError> {
        for expression in &row.from {
            let found = self.found(expression, item, place, index)?;
            let most = if row.many { MOST } else { 1 };
            let mut written = Vec::new();
            for node in found {
                let one = self.value(row, node, item, place, index, level)?;
                if !one.is_empty() {
                    written.push(one);
                }
                if written.len() == most {
                    break;
                }
            }
            if !written.is_empty() {
                return Ok(written.join("~"));
            }
        }
        Ok(String::new())
    }

    fn value(
        &self,
        row: &Row,
        node: Node<'_>,
        around: &Item<'_>,
        place: &str,
        index: usize,
        level: Level,
    ) -> Result<String, OutError> {
        if let Some(rows) = self.outgoing.datatype(&row.kind) {
            let item = item(node, around);
            let parts = self.parts(rows, &item, place, index, level)?;
            return Ok(match row.codes.as_deref().and_then(|table| self.instead(table, &item)) {
                Some(first) => joined(vec![first, parts], '^'),
                None => parts,
            });
        }
        let Some(text) = text_of(&node) else { return Ok(String::new()) };
        let names = self.envelope.names;
        let plain = match row.kind.as_str() {
            "date" => leaf::date(&text),
            "time" => leaf::time(&text),
            "plain" => leaf::plain(&text),
            "coding" => leaf::coding(self.outgoing, &text),
            "mime-type" => leaf::mime(&text, true),
            "mime" => leaf::mime(&text, false),
            kind @ ("HD" | "HD.1" | "HD.2" | "HD.3") => {
                let parts = leaf::authority(self.outgoing, names, &text).map(|it| self.text(&it));
                return Ok(match kind {
                    "HD.1" => parts[0].clone(),
                    "HD.2" => parts[1].clone(),
                    "HD.3" => parts[2].clone(),
                    _ => joined(parts.to_vec(), if level == Level::Repetition { '^' } else { '&' }),
                });
            }
            _ => match &row.codes {
                Some(table) => self.outgoing.code(table, &text).unwrap_or_default().to_owned(),
                None => text,
            },
        };
        Ok(self.text(plain.trim_end()))
    }

    fn parts(
        &self,
        rows: &[Row],
        item: &Item<'_>,
        place: &str,
        index: usize,
        level: Level,
    ) -> Result<String, OutError> {
        let (below, between) = match level {
            Level::Repetition => (Level::Component, '^'),
            Level::Component => (Level::Subcomponent, '&'),
            // There is nothing below a subcomponent.
            Level::Subcomponent => return Ok(String::new()),
        };
        let length = rows.iter().map(|it| it.at).max().unwrap_or(0);
        let mut values = vec![String::new(); length];
        for row in rows {
            if row.fill && !values[row.at - 1].is_empty() {
                continue;
            }
            let found = self.values(row, item, place, index, below)?;
            if !found.is_empty() {
                values[row.at - 1] = found;
            }
        }
        Ok(joined(values, between))
    }

    /// The code by which the receiver's tables know a concept: code, words and system; what it was comes after it.
    fn instead(&self, table: &str, item: &Item<'_>) -> Option<String> {
        let codings = item.node.as_json()?.get("coding")?.as_array()?;
        let known = codings.iter().find_map(|it| {
            let name = format!("{}|{}", it["system"].as_str()?, it["code"].as_str()?);
            self.outgoing.code(table, &name)
        })?;
        Some(known.split('|').map(|it| self.text(it)).collect::<Vec<_>>().join("^"))
    }
}

/// What was found as the start of what is below it.
fn item<'b>(node: Node<'b>, around: &Item<'b>) -> Item<'b> {
    match node.as_json() {
        Some(value) if value.get("resourceType").is_some() => Item { resource: value, node },
        _ => Item { resource: around.resource, node },
    }
}

fn text_of(node: &Node<'_>) -> Option<String> {
    let text = match node.to_json() {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(it) => it.to_string(),
        _ => return None,
    };
    Some(text).filter(|it| !it.is_empty())
}

/// Values with what separates them, without the empty ones at the end.
fn joined(mut values: Vec<String>, between: char) -> String {
    while values.len() > 1 && values.last().is_some_and(String::is_empty) {
        values.pop();
    }
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(between);
        }
        out.push_str(value);
    }
    out
}
