//! CDA documents as trees (XML 1.0; CDA R2, "CDA XML implementation"): decoded, capped and without a DTD, so that an
//! entity can neither expand nor reach outside. Nothing here knows what an element means. What is refused is told with
//! its line, never with what stands there.

use std::borrow::Cow;
use thiserror::Error;

pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

const SDTC: &str = "urn:hl7-org:sdtc";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The largest document: scanned pages inside a document are large, but a record of a person is not larger.
pub const LARGEST: usize = 96 << 20;
/// Elements within elements. Documents of real systems stay below 40.
pub const DEEPEST: usize = 160;
/// Elements, texts and comments of one document.
pub(super) const MOST_NODES: u32 = 6_000_000;

/// Why a document is not read at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the document is larger than {} MB", LARGEST >> 20)]
    TooLarge,
    #[error("the document is nested deeper than {DEEPEST} elements")]
    TooDeep,
    #[error("the document has more than {MOST_NODES} parts")]
    TooManyParts,
    #[error("the document declares a document type (DTD), which a CDA document never does")]
    DocumentType,
    #[error("the text is not in the encoding {0}, which the document names")]
    Encoding(&'static str),
    #[error("the document is not well-formed XML: line {line}, column {column}")]
    NotXml { line: u32, column: u32 },
    #[error("the document is XML, but no ClinicalDocument of HL7 CDA release 2")]
    NotCda,
    #[error("the document does not say whose it is: it has no recordTarget with a patientRole")]
    NobodysRecord,
}

/// The text of the document: UTF-8, UTF-16 with a byte order mark, or the Latin-1 that its first line names.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    if bytes.len() > LARGEST {
        return Err(Refusal::TooLarge);
    }
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map(Cow::Owned).map_err(|_| Refusal::Encoding("UTF-16"))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => return wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return wide(rest, u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // A declaration stands first or not at all; documents cut out of messages often begin with blank lines.
    let bytes = bytes.trim_ascii_start();
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) if names_latin(bytes) => Ok(Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect())),
        Err(_) => Err(Refusal::Encoding("UTF-8")),
    }
}

fn names_latin(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_ascii_lowercase();
    let declaration = head.split("?>").next().unwrap_or_default();
    ["iso-8859-1", "iso8859-1", "latin1", "windows-1252", "us-ascii"].iter().any(|it| declaration.contains(it))
}

/// Who says ISO 8859-1 usually means what Windows calls 1252; both agree outside of 0x80 to 0x9F.
fn windows_1252(byte: u8) -> char {
    const ODD: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => ODD[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// The tree of the text, within the caps.
pub(crate) fn parse(text: &str) -> Result<roxmltree::Document<'_>, Refusal> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..Default::default() };
    let tree = roxmltree::Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => Refusal::DocumentType,
        roxmltree::Error::NodesLimitReached => Refusal::TooManyParts,
        error => Refusal::NotXml { line: error.pos().row, column: error.pos().col },
    })?;
    // Walked along the links, so that depth costs no stack.
    let mut depth = 0;
    let mut here = tree.root();
    loop {
        if let Some(child) = here.first_child() {
            here = child;
            depth += 1;
            if depth > DEEPEST {
                return Err(Refusal::TooDeep);
            }
            continue;
        }
        loop {
            if let Some(next) = here.next_sibling() {
                here = next;
                break;
            }
            match here.parent() {
                Some(parent) => {
                    here = parent;
                    depth -= 1;
                }
                None => return Ok(tree),
            }
        }
    }
}

/// What readers of CDA ask of an element.
pub(crate) trait Element<'a>: Sized {
    /// Children of HL7's own namespace with this name.
    fn kids(self, name: &str) -> impl Iterator<Item = Node<'a>>;
    fn kid(self, name: &str) -> Option<Node<'a>>;
    /// The first child of the extension namespace with this name.
    fn sdtc(self, name: &str) -> Option<Node<'a>>;
    /// Along first children: `assignedEntity/assignedPerson`.
    fn way(self, path: &str) -> Option<Node<'a>>;
    /// An attribute that says something.
    fn attr(self, name: &str) -> Option<&'a str>;
    /// The attribute of the first child.
    fn at(self, path: &str, name: &str) -> Option<&'a str>;
    fn null(self) -> Option<&'a str>;
    /// `xsi:type` without its prefix.
    fn kind(self) -> Option<&'a str>;
    fn is(self, name: &str) -> bool;
    /// Whether one of its templates is `2.16.840.1.113883.10.20.` and then this, in any version.
    fn follows(self, template: &str) -> bool;
    /// Statements one level in: `entryRelationship/*` and `component/*`.
    fn inner(self) -> impl Iterator<Item = Node<'a>>;
    fn inner_with(self, template: &str) -> impl Iterator<Item = Node<'a>>;
    fn negated(self) -> bool;
    /// All text below, words separated by one space.
    fn words(self) -> String;
    fn place(self) -> String;
    /// The place as it is seen from an element around it; `None` when it is not within.
    fn place_below(self, above: Self) -> Option<String>;
}

/// The classes of the clinical statements of CDA (entry, choice "clinicalStatement").
pub(super) const STATEMENTS: [&str; 8] = [
    "act",
    "encounter",
    "observation",
    "observationMedia",
    "organizer",
    "procedure",
    "substanceAdministration",
    "supply",
];

impl<'a> Element<'a> for Node<'a> {
    fn kids(self, name: &str) -> impl Iterator<Item = Node<'a>> {
        self.children().filter(move |it| it.is_element() && it.is(name) && it.tag_name().namespace() != Some(SDTC))
    }

    fn kid(self, name: &str) -> Option<Node<'a>> {
        self.kids(name).next()
    }

    fn sdtc(self, name: &str) -> Option<Node<'a>> {
        self.children().find(|it| it.is_element() && it.is(name) && it.tag_name().namespace() == Some(SDTC))
    }

    fn way(self, path: &str) -> Option<Node<'a>> {
        path.split('/').try_fold(self, |here, name| here.kid(name))
    }

    fn attr(self, name: &str) -> Option<&'a str> {
        self.attribute(name).map(str::trim).filter(|it| !it.is_empty())
    }

    fn at(self, path: &str, name: &str) -> Option<&'a str> {
        self.way(path)?.attr(name)
    }

    fn null(self) -> Option<&'a str> {
        self.attr("nullFlavor")
    }

    fn kind(self) -> Option<&'a str> {
        let kind = self.attribute((XSI, "type"))?;
        Some(kind.rsplit(':').next().unwrap_or(kind).trim())
    }

    fn is(self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn follows(self, template: &str) -> bool {
        self.kids("templateId").any(|it| {
            let root = it.attr("root").and_then(|root| root.strip_prefix("2.16.840.1.113883.10.20."));
            root == Some(template)
        })
    }

    fn inner(self) -> impl Iterator<Item = Node<'a>> {
        self.children()
            .filter(|it| it.is("entryRelationship") || it.is("component"))
            .flat_map(|it| it.children())
            .filter(|it| STATEMENTS.contains(&it.tag_name().name()))
    }

    fn inner_with(self, template: &str) -> impl Iterator<Item = Node<'a>> {
        self.inner().filter(move |it| it.follows(template))
    }

    fn negated(self) -> bool {
        self.attr("negationInd") == Some("true")
    }

    fn words(self) -> String {
        let mut out = String::new();
        for text in self.descendants().filter(|it| it.is_text()).filter_map(|it| it.text()) {
            for word in text.split_whitespace() {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(word);
            }
        }
        out
    }

    fn place(self) -> String {
        let mut steps: Vec<String> = Vec::new();
        let mut here = Some(self);
        while let Some(node) = here.filter(|it| it.is_element()) {
            steps.push(step(node));
            here = node.parent();
        }
        steps.iter().rev().map(String::as_str).collect()
    }

    fn place_below(self, above: Node<'a>) -> Option<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut here = self;
        while here != above {
            steps.push(step(here));
            here = here.parent().filter(|it| it.is_element())?;
        }
        Some(steps.iter().rev().map(String::as_str).collect())
    }
}

/// One step of a place: `/entry[2]`, counted only where it must be.
fn step(node: Node<'_>) -> String {
    let name = node.tag_name().name();
    let same = |it: &Node<'_>| it.is_element() && it.tag_name().name() == name;
    let before = node.prev_siblings().skip(1).filter(same).count();
    let alone = before == 0 && !node.next_siblings().skip(1).any(|it| same(&it));
    if alone { format!("/{name}") } else { format!("/{name}[{}]", before + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laughing_entities_are_refused_before_they_expand() {
        let text = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ClinicalDocument>&b;</ClinicalDocument>"#;
        assert_eq!(parse(text).err(), Some(Refusal::DocumentType));
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = "<a>".repeat(200_000) + &"</a>".repeat(200_000);
        assert_eq!(parse(&deep).err(), Some(Refusal::TooDeep));
    }

    #[test]
    fn latin_letters_and_wide_letters_arrive() {
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>Jos\xE9</a>";
        assert!(decode(latin).expect("is Latin-1").contains("José"));
        let wide: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain("<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decode(&wide).expect("is UTF-16"), "<a>é</a>");
        assert_eq!(decode(b"<a>\xE9</a>"), Err(Refusal::Encoding("UTF-8")));
    }

    #[test]
    fn a_place_counts_only_where_it_must() {
        let tree = parse("<a><b/><c><d/></c><c><d/></c></a>").expect("is XML");
        let last = tree.descendants().rfind(|it| it.is("d")).expect("is there");
        assert_eq!(last.place(), "/a/c[2]/d");
    }
}
