//! One message: its delimiters, its segments, and what stands in them (2.5, 2.6). The text is kept as it came and cut
//! when somebody asks, so that a message which nobody changed is written back byte for byte. Delimiters other than the
//! usual, line feeds for returns, lines broken inside a field, segments of the house: all are read.

use super::charset::Charset;
use super::escape::{escape, unescape};
use super::place::Place;
use std::borrow::Cow;

/// What separates what, as MSH-1 and MSH-2 say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimiters {
    pub field: char,
    pub component: char,
    pub repetition: char,
    pub escape: char,
    pub subcomponent: char,
    pub truncation: Option<char>,
}

impl Default for Delimiters {
    fn default() -> Delimiters {
        Delimiters { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&', truncation: None }
    }
}

impl Delimiters {
    /// Those of a line that begins with MSH, FHS or BHS; the usual for what is left out.
    fn of(line: &str) -> Option<Delimiters> {
        let usual = Delimiters::default();
        let mut rest = line.chars().skip(3);
        let Some(field) = rest.next() else { return Some(usual) };
        if field.is_alphanumeric() || field.is_whitespace() {
            return None;
        }
        let mut named = rest.take_while(|it| *it != field);
        Some(Delimiters {
            field,
            component: named.next().unwrap_or(usual.component),
            repetition: named.next().unwrap_or(usual.repetition),
            escape: named.next().unwrap_or(usual.escape),
            subcomponent: named.next().unwrap_or(usual.subcomponent),
            truncation: named.next(),
        })
    }
}

/// Why something is no message at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it does not begin with an MSH segment")]
    NoHeader,
    #[error("the field separator in MSH-1 is a letter, a digit or a space")]
    NoDelimiters,
}

/// A message as it was received, and as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    delimiters: Delimiters,
    charset: Charset,
    segments: Vec<Segment>,
    /// What stood before MSH: a byte order mark, empty lines.
    lead: String,
    raw: Vec<u8>,
    edited: bool,
    oddities: Vec<String>,
}

/// One line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    text: String,
    end: String,
    field: char,
}

impl Message {
    /// Reads one message, whatever ends its lines.
    pub fn read(bytes: &[u8]) -> Result<Message, Unreadable> {
        let mut oddities = Vec::new();
        let charset = charset_of(bytes, &mut oddities);
        let (text, bad) = charset.decode(bytes);
        if bad > 0 {
            oddities.push(format!("{bad} bytes mean nothing in the character set of the message; they are kept"));
        }
        let (lead, body) = text.split_at(text.find("MSH").ok_or(Unreadable::NoHeader)?);
        if !lead.chars().all(|it| it == '\u{FEFF}' || it.is_whitespace() || it.is_control()) {
            return Err(Unreadable::NoHeader);
        }
        let header = body.split(['\r', '\n']).next().unwrap_or("");
        let delimiters = Delimiters::of(header).ok_or(Unreadable::NoDelimiters)?;
        let segments = lines(body, delimiters.field, &mut oddities);
        let lead = lead.to_owned();
        Ok(Message { delimiters, charset, segments, lead, raw: bytes.to_vec(), edited: false, oddities })
    }

    /// The bytes: those that were read as long as nothing was changed.
    pub fn write(&self) -> Vec<u8> {
        if !self.edited {
            return self.raw.clone();
        }
        let parts = self.segments.iter().flat_map(|it| [it.text.as_str(), it.end.as_str()]);
        let text: String = std::iter::once(self.lead.as_str()).chain(parts).collect();
        self.charset.encode(&text).0
    }

    pub fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// What was odd in the way it was written, for the person who looks after the interface.
    pub fn oddities(&self) -> &[String] {
        &self.oddities
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segment of that name, counted from one.
    pub fn segment(&self, name: &str, occurrence: usize) -> Option<&Segment> {
        self.segments.iter().filter(|it| it.name() == name).nth(occurrence.checked_sub(1)?)
    }

    /// What stands at a place: the whole of what is not said more exactly.
    pub fn part(&self, place: &Place) -> Option<Part<'_>> {
        let field = self.segment(&place.segment, place.occurrence)?.field(place.field, &self.delimiters);
        let part = field.repetition(place.repetition.max(1))?;
        let part = if place.component > 0 { part.part(place.component) } else { part };
        Some(if place.subcomponent > 0 { part.part(place.subcomponent) } else { part })
    }

    /// The text at a written place such as `PID-5.1`; empty when there is none.
    pub fn text(&self, place: &str) -> Cow<'_, str> {
        let found = place.parse().ok().and_then(|it: Place| self.part(&it));
        found.map(|it| it.text()).unwrap_or_default()
    }

    /// Puts text at a place. `false` when there is no such segment or the place names no field, or is MSH-1 or MSH-2.
    pub fn set(&mut self, place: &Place, text: &str) -> bool {
        let delimiters = self.delimiters.clone();
        let mut of_that_name = self.segments.iter_mut().filter(|it| it.name() == place.segment);
        let segment = place.occurrence.checked_sub(1).and_then(|at| of_that_name.nth(at));
        let Some(segment) = segment else { return false };
        let Some(at) = segment.index_of(place.field) else { return false };
        let text = escape(text, &delimiters);
        let steps = [
            (delimiters.field, at + 1),
            (delimiters.repetition, place.repetition.max(1)),
            (delimiters.component, place.component),
            (delimiters.subcomponent, place.subcomponent),
        ];
        segment.text = replaced(&segment.text, &steps, &text);
        self.edited = true;
        true
    }
}

/// `text` with the part that the steps lead to replaced; what is missing on the way is made.
fn replaced(text: &str, steps: &[(char, usize)], new: &str) -> String {
    let Some(((delimiter, number), rest)) = steps.split_first() else { return new.to_owned() };
    if *number == 0 {
        return new.to_owned();
    }
    let mut parts: Vec<Cow<'_, str>> = text.split(*delimiter).map(Cow::Borrowed).collect();
    while parts.len() < *number {
        parts.push(Cow::Borrowed(""));
    }
    parts[number - 1] = Cow::Owned(replaced(&parts[number - 1], rest, new));
    parts.join(&delimiter.to_string())
}

/// What a byte order mark or MSH-18 says; what is likely when they do not.
fn charset_of(bytes: &[u8], oddities: &mut Vec<String>) -> Charset {
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return Charset::Utf16Le;
    }
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return Charset::Utf16Be;
    }
    // Every set but UTF-16 agrees about the characters that we need to find MSH-18.
    let header = bytes.split(|it| matches!(*it, b'\r' | b'\n')).find(|it| it.windows(3).any(|it| it == b"MSH"));
    let header = header.map(|it| Charset::Latin(0).decode(it).0).unwrap_or_default();
    let header = &header[header.find("MSH").unwrap_or(0)..];
    let field = header.chars().nth(3).unwrap_or('|');
    let repetition = header.chars().nth(5).unwrap_or('~');
    let said = header.split(field).nth(17).unwrap_or("").split(repetition).next().unwrap_or("");
    let named = Charset::named(said);
    if named.is_none() && !said.trim().is_empty() {
        oddities.push("MSH-18 names a character set that is not read here".to_owned());
    }
    match named {
        Some(named @ Charset::Latin(_)) => named,
        _ if std::str::from_utf8(bytes).is_ok() => Charset::Utf8,
        _ if said.to_ascii_uppercase().contains("UTF") => Charset::Utf8,
        _ => {
            oddities
                .push("characters beyond ASCII without a set that has them; they are read as ISO 8859-1".to_owned());
            Charset::Latin(0)
        }
    }
}

/// A message of more segments is an attack or a file of something else; the rest is kept and not read.
const MOST_SEGMENTS: usize = 50_000;

/// The segments of a text. A line that cannot begin a segment belongs to the line before it.
pub(super) fn lines(text: &str, field: char, oddities: &mut Vec<String>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut broken = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let full = segments.len() == MOST_SEGMENTS;
        if let Some(last) = segments.last_mut().filter(|_| full) {
            oddities.push(format!("there are more than {MOST_SEGMENTS} segments; the others are kept and not read"));
            last.end.push_str(rest);
            break;
        }
        let cut = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(cut);
        let end = if after.starts_with("\r\n") { 2 } else { after.len().min(1) };
        let (end, after) = after.split_at(end);
        rest = after;
        match segments.last_mut() {
            Some(last) if line.trim().is_empty() => {
                last.end.push_str(line);
                last.end.push_str(end);
            }
            Some(last) if !begins_segment(line, field) => {
                broken += 1;
                let before = std::mem::replace(&mut last.end, end.to_owned());
                last.text.push_str(&before);
                last.text.push_str(line);
            }
            _ => segments.push(Segment { text: line.to_owned(), end: end.to_owned(), field }),
        }
    }
    if broken > 0 {
        oddities.push(format!("{broken} lines do not begin with a segment; each belongs to the segment before it"));
    }
    segments
}

/// Three letters or digits, then a field or nothing.
fn begins_segment(line: &str, field: char) -> bool {
    let mut characters = line.chars();
    let name = characters.by_ref().take(3).filter(|it| it.is_ascii_uppercase() || it.is_ascii_digit()).count() == 3;
    let after = characters.next();
    name && line.starts_with(|it: char| it.is_ascii_uppercase()) && (after.is_none() || after == Some(field))
}

impl Segment {
    /// `PID`; for a segment that is shorter, what there is.
    pub fn name(&self) -> &str {
        self.text.get(..3).unwrap_or(&self.text)
    }

    /// The segment as it was written, without its end.
    pub fn raw(&self) -> &str {
        &self.text
    }

    /// MSH, FHS and BHS begin with the field separator itself.
    fn is_header(&self) -> bool {
        matches!(self.name(), "MSH" | "FHS" | "BHS")
    }

    /// Where a field stands when the line is cut at its separator.
    fn index_of(&self, number: usize) -> Option<usize> {
        match (self.is_header(), number) {
            (_, 0) | (true, 1 | 2) => None,
            (true, _) => Some(number - 1),
            (false, _) => Some(number),
        }
    }

    /// The fields that there are, counted from one, in one go: a long segment is cut once and not once for each field.
    pub fn fields<'a>(&'a self, delimiters: &'a Delimiters) -> impl Iterator<Item = (usize, Field<'a>)> + use<'a> {
        let header = self.is_header();
        let first = header.then(|| (1, self.field(1, delimiters)));
        let rest = self.text.split(self.field).enumerate().skip(1).map(move |(at, raw)| {
            let number = at + usize::from(header);
            (number, Field { raw, delimiters, literal: header && number < 3 })
        });
        first.into_iter().chain(rest)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.text.split(self.field).count() - 1 + usize::from(self.is_header())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A field, counted from one; empty when the segment ends before it.
    pub fn field<'a>(&'a self, number: usize, delimiters: &'a Delimiters) -> Field<'a> {
        let raw = match (self.is_header(), number) {
            (_, 0) => &self.text,
            (true, 1) => self.text.get(3..3 + self.field.len_utf8()).unwrap_or(""),
            (true, 2) => self.text.split(self.field).nth(1).unwrap_or(""),
            _ => self.index_of(number).and_then(|at| self.text.split(self.field).nth(at)).unwrap_or(""),
        };
        Field { raw, delimiters, literal: self.is_header() && number < 3 }
    }
}

/// A field with its repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    raw: &'a str,
    delimiters: &'a Delimiters,
    /// MSH-1 and MSH-2 are the delimiters themselves.
    literal: bool,
}

impl<'a> Field<'a> {
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    pub fn is_valued(&self) -> bool {
        self.repetitions().any(|it| it.is_valued())
    }

    pub fn repetitions(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let Field { raw, delimiters, literal } = *self;
        let level = if literal { Level::Leaf } else { Level::Repetition };
        let cut = if literal { '\0' } else { delimiters.repetition };
        raw.split(cut).map(move |raw| Part { raw, delimiters, level })
    }

    pub fn repetition(&self, number: usize) -> Option<Part<'a>> {
        self.repetitions().nth(number.checked_sub(1)?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Repetition,
    Component,
    Leaf,
}

/// What stands in a part (2.5.3): nothing, the wish to delete what the receiver has, or text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Valued<'a> {
    Absent,
    Delete,
    Text(Cow<'a, str>),
}

/// A repetition, a component or a subcomponent.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    raw: &'a str,
    delimiters: &'a Delimiters,
    level: Level,
}

impl<'a> Part<'a> {
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    fn cut(&self) -> Option<char> {
        match self.level {
            Level::Repetition => Some(self.delimiters.component),
            Level::Component => Some(self.delimiters.subcomponent),
            Level::Leaf => None,
        }
    }

    /// What this is made of.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let Part { raw, delimiters, level } = *self;
        let below = if level == Level::Repetition { Level::Component } else { Level::Leaf };
        raw.split(self.cut().unwrap_or('\0')).map(move |raw| Part { raw, delimiters, level: below })
    }

    /// A component of a repetition, a subcomponent of a component; empty when there is none.
    pub fn part(&self, number: usize) -> Part<'a> {
        let nothing = Part { raw: "", delimiters: self.delimiters, level: Level::Leaf };
        number.checked_sub(1).and_then(|at| self.parts().nth(at)).unwrap_or(nothing)
    }

    pub fn is_valued(&self) -> bool {
        !self.is_delete() && self.raw.chars().any(|it| !it.is_whitespace() && !self.separates(it))
    }

    fn separates(&self, it: char) -> bool {
        let Part { delimiters, level, .. } = self;
        match level {
            Level::Repetition => it == delimiters.component || it == delimiters.subcomponent,
            Level::Component => it == delimiters.subcomponent,
            Level::Leaf => false,
        }
    }

    /// Two double quotes: what the receiver has is to be deleted.
    pub fn is_delete(&self) -> bool {
        self.raw.trim() == "\"\""
    }

    pub fn valued(&self) -> Valued<'a> {
        match self.text() {
            _ if self.is_delete() => Valued::Delete,
            text if text.is_empty() => Valued::Absent,
            text => Valued::Text(text),
        }
    }

    /// The first leaf of this part, without escapes and without spaces around it; empty for the wish to delete.
    pub fn text(&self) -> Cow<'a, str> {
        let mut leaf = *self;
        while leaf.level != Level::Leaf {
            leaf = leaf.part(1);
        }
        leaf.whole()
    }

    /// All of this part without escapes: for text in which somebody forgot to escape a delimiter.
    pub fn whole(&self) -> Cow<'a, str> {
        if self.is_delete() {
            return Cow::Borrowed("");
        }
        unescape(self.raw.trim(), self.delimiters)
    }
}
