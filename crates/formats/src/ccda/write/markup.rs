//! XML while it is made: elements with attributes and content. What XML 1.0 cannot hold (control characters) is left
//! out, everything else is escaped, so that no text of a record can become markup.

/// An element.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    inside: Vec<Inside>,
}

#[derive(Clone, Debug)]
enum Inside {
    Tag(Tag),
    Text(String),
}

pub(super) fn tag(name: &'static str) -> Tag {
    Tag { name, attributes: Vec::new(), inside: Vec::new() }
}

impl Tag {
    pub(super) fn is(mut self, name: &'static str, value: impl Into<String>) -> Tag {
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn maybe(self, name: &'static str, value: Option<impl Into<String>>) -> Tag {
        match value {
            Some(value) => self.is(name, value),
            None => self,
        }
    }

    pub(super) fn add(mut self, inner: Tag) -> Tag {
        self.inside.push(Inside::Tag(inner));
        self
    }

    pub(super) fn all(mut self, inner: impl IntoIterator<Item = Tag>) -> Tag {
        self.inside.extend(inner.into_iter().map(Inside::Tag));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Tag {
        self.inside.push(Inside::Text(text.into()));
        self
    }

    pub(super) fn named(mut self, name: &'static str) -> Tag {
        self.name = name;
        self
    }

    /// Template ids: `22.4.3:2024-05-01` under the root of HL7's templates, or a whole OID.
    pub(super) fn templates(self, ids: &[&str]) -> Tag {
        self.all(ids.iter().map(|it| {
            let (root, version) = it.split_once(':').map_or((*it, None), |(root, version)| (root, Some(version)));
            let short = root.starts_with("22.") || root.starts_with("24.") || root.starts_with("21.");
            let root = if short { format!("2.16.840.1.113883.10.20.{root}") } else { root.to_owned() };
            tag("templateId").is("root", root).maybe("extension", version)
        }))
    }
}

/// The whole document, with its declaration and name spaces.
pub(super) fn document(root: &Tag) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write(root, &mut out);
    out.push('\n');
    out.into_bytes()
}

fn write(tag: &Tag, out: &mut String) {
    out.push('<');
    out.push_str(tag.name);
    for (name, value) in &tag.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape(value, true, out);
        out.push('"');
    }
    if tag.inside.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for it in &tag.inside {
        match it {
            Inside::Tag(inner) => write(inner, out),
            Inside::Text(text) => escape(text, false, out),
        }
    }
    out.push_str("</");
    out.push_str(tag.name);
    out.push('>');
}

pub(crate) fn escape(text: &str, quoted: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quoted => out.push_str("&quot;"),
            '\n' | '\t' if quoted => out.push(' '),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "\\PC{0,60}|[<>&\"'\\x00-\\x1F]{0,20}") {
            let made = document(&tag("a").is("b", text.clone()).text(text.clone()));
            let made = String::from_utf8(made).expect("is UTF-8");
            let tree = roxmltree::Document::parse(&made).expect("is XML");
            let root = tree.root_element();
            let kept: String = text.chars().filter(|it| !it.is_control() || matches!(it, '\n' | '\t')).collect();
            prop_assert_eq!(root.text().unwrap_or_default(), kept.as_str());
            prop_assert_eq!(root.children().filter(|it| it.is_element()).count(), 0);
        }
    }
}
