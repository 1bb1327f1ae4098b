//! XML in one pass, as it stands: tags and texts one after the other, nothing kept (XML 1.0, 2.4 to 3.1). Who needs a
//! tree of a part has it parsed; who needs only the order of things, or the words, needs no tree. A document type is
//! refused before anything of it is read, so that there are no entities but those of XML itself.

use super::xml::Refusal;
use std::borrow::Cow;

/// Attributes of one element. Documents of real systems stay below 20.
const MOST_ATTRIBUTES: usize = 256;

/// One thing in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'t> {
    Open(Tag<'t>),
    Close(&'t str),
    /// With its references (`&lt;`) as they were written.
    Text(&'t str),
    /// Without references.
    Plain(&'t str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'t> {
    /// With its prefix.
    pub(super) name: &'t str,
    attributes: &'t str,
    /// It has no content and no closing tag.
    pub(super) empty: bool,
}

/// What is wrong, and before which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotXml(usize),
    DocumentType,
}

impl Fault {
    /// The same, in a text of which this was a part.
    pub(super) fn after(self, start: usize) -> Fault {
        match self {
            Fault::NotXml(at) => Fault::NotXml(start + at),
            other => other,
        }
    }
}

pub(super) struct Pull<'t> {
    text: &'t str,
    at: usize,
    begun: usize,
}

impl<'t> Pull<'t> {
    pub(super) fn of(text: &'t str) -> Pull<'t> {
        Pull { text, at: 0, begun: 0 }
    }

    /// How much has been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where the last thing begins.
    pub(super) fn begun(&self) -> usize {
        self.begun
    }

    fn find(&self, mark: &str) -> Result<usize, Fault> {
        self.text[self.at..].find(mark).map(|it| self.at + it).ok_or(Fault::NotXml(self.at))
    }

    pub(super) fn next(&mut self) -> Result<Option<Event<'t>>, Fault> {
        loop {
            let rest = &self.text[self.at..];
            self.begun = self.at;
            if rest.is_empty() {
                return Ok(None);
            }
            if !rest.starts_with('<') {
                let end = rest.find('<').unwrap_or(rest.len());
                self.at += end;
                return Ok(Some(Event::Text(&rest[..end])));
            }
            if rest.starts_with("<!--") {
                self.at += 4;
                self.at = self.find("-->")? + 3;
                continue;
            }
            if rest.starts_with("<?") {
                self.at = self.find("?>")? + 2;
                continue;
            }
            if rest.starts_with("<![CDATA[") {
                let start = self.at + 9;
                let end = self.find("]]>")?;
                self.at = end + 3;
                return Ok(Some(Event::Plain(&self.text[start..end])));
            }
            if let Some(declared) = rest.strip_prefix("<!") {
                let is_type = declared.starts_with("DOCTYPE");
                return Err(if is_type { Fault::DocumentType } else { Fault::NotXml(self.at) });
            }
            if let Some(rest) = rest.strip_prefix("</") {
                let end = rest.find('>').ok_or(Fault::NotXml(self.at))?;
                self.at += 2 + end + 1;
                return Ok(Some(Event::Close(rest[..end].trim_end())));
            }
            return self.tag(&rest[1..]).map(|it| Some(Event::Open(it)));
        }
    }

    /// A start tag after its `<`: up to the first `>` that is not within quotes.
    fn tag(&mut self, rest: &'t str) -> Result<Tag<'t>, Fault> {
        let broken = Fault::NotXml(self.at);
        let (mut end, mut quote) = (None, None);
        for (at, byte) in rest.bytes().enumerate() {
            match (quote, byte) {
                (None, b'>') => {
                    end = Some(at);
                    break;
                }
                (None, b'<') => return Err(broken),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
        }
        let end = end.ok_or(broken)?;
        self.at += 1 + end + 1;
        let (inner, empty) = match rest[..end].strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (&rest[..end], false),
        };
        let length = inner.find(|it: char| it.is_ascii_whitespace()).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(length);
        if name.is_empty() || name.contains(['"', '\'', '=', '&']) {
            return Err(broken);
        }
        Ok(Tag { name, attributes, empty })
    }
}

impl<'t> Tag<'t> {
    pub(super) fn local(&self) -> &'t str {
        local(self.name)
    }

    /// Names and values as they were written.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (name, after) = rest.split_once('=')?;
            let after = after.trim_ascii_start();
            let quote = after.chars().next().filter(|it| matches!(it, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            rest = after;
            Some((name.trim_ascii(), value))
        })
    }

    /// Whether there are no more attributes than anybody writes.
    pub(super) fn is_modest(&self) -> bool {
        self.attributes.len() < 2 * MOST_ATTRIBUTES
            || self.attributes().take(MOST_ATTRIBUTES + 1).count() <= MOST_ATTRIBUTES
    }

    /// The value of an attribute that says something.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'t, str>> {
        if !self.attributes.contains(name) {
            return None;
        }
        let (_, value) = self.attributes().find(|it| it.0 == name)?;
        let value = match value.contains('&') {
            true => Cow::Owned(said(value).trim().to_owned()),
            false => Cow::Borrowed(value.trim()),
        };
        (!value.is_empty()).then_some(value)
    }
}

pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// A text with its references resolved: the five of XML, numbers, and the blank of HTML that senders write anyway.
/// Another name stays as it was written: it cannot mean anything without a document type.
pub(super) fn said(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= 10);
        match named.and_then(|(name, after)| Some((letter(name)?, after))) {
            Some((letter, after)) => {
                out.push(letter);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn letter(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{A0}'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(number).filter(|it| !it.is_control() || matches!(it, '\n' | '\t' | '\r'))
        }
    }
}

/// All words of a part of the text, separated by one space.
pub(super) fn words(text: &str) -> String {
    let mut out = String::new();
    let mut add = |text: &str| {
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    };
    let mut pull = Pull::of(text);
    while let Ok(Some(event)) = pull.next() {
        match event {
            Event::Text(text) if text.contains('&') => add(&said(text)),
            Event::Text(text) | Event::Plain(text) => add(text),
            Event::Open(_) | Event::Close(_) => {}
        }
    }
    out
}

/// Where a byte stands, for people.
pub(super) fn refusal(text: &str, fault: Fault) -> Refusal {
    match fault {
        Fault::DocumentType => Refusal::DocumentType,
        Fault::NotXml(at) => {
            let (line, column) = place(text, at);
            Refusal::NotXml { line, column }
        }
    }
}

/// Line and column, from 1.
pub(super) fn place(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |it| it + 1);
    let line = before.bytes().filter(|it| *it == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Result<Vec<String>, Fault> {
        let mut pull = Pull::of(text);
        let mut found = Vec::new();
        while let Some(event) = pull.next()? {
            found.push(match event {
                Event::Open(tag) => format!("+{}{}", tag.name, if tag.empty { "/" } else { "" }),
                Event::Close(name) => format!("-{name}"),
                Event::Text(text) | Event::Plain(text) => text.to_owned(),
            });
        }
        Ok(found)
    }

    #[test]
    fn tags_and_texts_come_in_their_order() {
        let text = "<?xml version=\"1.0\"?><a x='1>2'><!-- <b> -->one<b/><![CDATA[<c>]]></a >";
        assert_eq!(all(text).expect("is XML"), ["+a", "one", "+b/", "<c>", "-a"]);
        assert_eq!(all("<a"), Err(Fault::NotXml(0)));
        assert_eq!(all("<!DOCTYPE a><a/>"), Err(Fault::DocumentType));
    }

    #[test]
    fn attributes_are_found_by_their_name() {
        let mut pull = Pull::of(r#"<td ID = "a" colspan='2' title="x &amp; y"/>"#);
        let Ok(Some(Event::Open(tag))) = pull.next() else { panic!("is a tag") };
        assert_eq!(tag.attribute("ID").as_deref(), Some("a"));
        assert_eq!(tag.attribute("title").as_deref(), Some("x & y"));
        assert_eq!(tag.attribute("span"), None);
    }

    #[test]
    fn references_become_letters_or_stay() {
        assert_eq!(said("&lt;a&gt; &#x41;&#66; &amp;amp; &nbsp;| &what; & &#0;"), "<a> AB &amp; \u{A0}| &what; & &#0;");
        assert_eq!(words("<a>one <b>two</b>&#32;three<!-- no --></a>"), "one two three");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_the_pass_ends(text in "[<>/a!?=\"'&; \\-\\[\\]]{0,60}") {
            let mut pull = Pull::of(&text);
            let mut steps = 0;
            while let Ok(Some(_)) = pull.next() {
                steps += 1;
                prop_assert!(steps <= text.len());
            }
            words(&text);
        }
    }
}
