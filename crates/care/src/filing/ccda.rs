//! The readable part of a C-CDA document: its heading and the narrative of its sections (CDA R2, 4.3.5 Narrative Block),
//! turned into plain HTML. Entries are not read here; that is the work of the exchange. What comes out is still the words
//! of others and must be cleaned before it is shown.

use roxmltree::{Document, Node, ParsingOptions};

const CDA: &str = "urn:hl7-org:v3";
/// Sections within sections.
const DEEPEST: usize = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ccda {
    pub title: Option<String>,
    /// As the document names them: to be compared with whose chart this is.
    pub patient: Option<String>,
    pub born: Option<String>,
    pub author: Option<String>,
    pub custodian: Option<String>,
    pub sections: Vec<Heading>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub title: String,
    /// HTML, not cleaned.
    pub html: String,
}

impl Ccda {
    /// Reads a document; what is no C-CDA, or has a document type definition, is `None`.
    pub fn read(text: &str) -> Option<Ccda> {
        // Before anything is made of it: names and attributes in floods are dear to whoever makes a tree.
        if !formats::ccda::is_document(text.as_bytes()) {
            return None;
        }
        let options = ParsingOptions { allow_dtd: false, nodes_limit: 2_000_000, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).ok()?;
        let root = document.root_element();
        if !root.has_tag_name((CDA, "ClinicalDocument")) {
            return None;
        }
        let patient = down(root, &["recordTarget", "patientRole", "patient"]);
        let mut it = Ccda {
            title: down(root, &["title"]).and_then(words),
            patient: patient.and_then(|it| down(it, &["name"])).and_then(words),
            born: patient.and_then(|it| down(it, &["birthTime"])).and_then(|it| it.attribute("value")).and_then(day),
            author: down(root, &["author", "assignedAuthor", "assignedPerson", "name"]).and_then(words),
            custodian: down(root, &["custodian", "assignedCustodian", "representedCustodianOrganization", "name"])
                .and_then(words),
            sections: Vec::new(),
        };
        if let Some(body) = down(root, &["component", "structuredBody"]) {
            sections(body, 0, &mut it.sections);
        }
        Some(it)
    }
}

fn child<'a, 'b>(node: Node<'a, 'b>, name: &str) -> Option<Node<'a, 'b>> {
    node.children().find(|it| it.has_tag_name((CDA, name)))
}

fn down<'a, 'b>(node: Node<'a, 'b>, path: &[&str]) -> Option<Node<'a, 'b>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

/// All text of a node, with single spaces between the pieces.
fn words(node: Node<'_, '_>) -> Option<String> {
    let pieces: Vec<&str> = node.descendants().filter_map(|it| if it.is_text() { it.text() } else { None }).collect();
    let joined = pieces.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then_some(joined)
}

/// `19700509…` → `09-May-1970`.
fn day(value: &str) -> Option<String> {
    let digits: String = value.chars().take_while(char::is_ascii_digit).take(8).collect();
    let iso = match digits.len() {
        8 => format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]),
        6 | 7 => format!("{}-{}", &digits[..4], &digits[4..6]),
        4 => digits,
        _ => return None,
    };
    crate::chart::When::parse(&iso).map(|it| it.date())
}

fn sections(node: Node<'_, '_>, depth: usize, out: &mut Vec<Heading>) {
    if depth > DEEPEST {
        return;
    }
    for section in
        node.children().filter(|it| it.has_tag_name((CDA, "component"))).filter_map(|it| child(it, "section"))
    {
        let title = child(section, "title").and_then(words);
        let mut html = String::new();
        if let Some(narrative) = child(section, "text") {
            inside(narrative, 0, &mut html);
        }
        if !html.trim().is_empty() {
            out.push(Heading { title: title.unwrap_or_default(), html });
        }
        sections(section, depth + 1, out);
    }
}

/// Element of the narrative block → element of HTML; others lose their tag and keep their words.
const ELEMENTS: [(&str, &str); 14] = [
    ("paragraph", "p"),
    ("table", "table"),
    ("thead", "thead"),
    ("tbody", "tbody"),
    ("tfoot", "tfoot"),
    ("tr", "tr"),
    ("th", "th"),
    ("td", "td"),
    ("caption", "caption"),
    ("item", "li"),
    ("sub", "sub"),
    ("sup", "sup"),
    ("content", "span"),
    ("footnote", "small"),
];

fn inside(node: Node<'_, '_>, depth: usize, out: &mut String) {
    if depth > DEEPEST * 2 {
        return;
    }
    for it in node.children() {
        if let Some(text) = it.text().filter(|_| it.is_text()) {
            escape(text, out);
        } else if it.is_element() {
            element(it, depth, out);
        }
    }
}

fn element(node: Node<'_, '_>, depth: usize, out: &mut String) {
    let name = node.tag_name().name();
    if name == "br" {
        out.push_str("<br>");
        return;
    }
    let tag = match name {
        "list" if node.attribute("listType") == Some("ordered") => Some("ol"),
        "list" => Some("ul"),
        _ => ELEMENTS.iter().find(|(it, _)| *it == name).map(|(_, tag)| *tag),
    };
    // CDA R2 says what emphasis means by codes.
    let emphasis = match node.attribute("styleCode") {
        Some(code) if code.contains("Bold") => Some("strong"),
        Some(code) if code.contains("Italics") => Some("em"),
        _ => None,
    }
    .filter(|_| name == "content");
    let tags: Vec<&str> = tag.into_iter().chain(emphasis).collect();
    for tag in &tags {
        out.push('<');
        out.push_str(tag);
        for span in ["colspan", "rowspan"] {
            let count = node.attribute(span).and_then(|it| it.parse::<u16>().ok());
            if let Some(count) = count.filter(|_| matches!(*tag, "td" | "th")) {
                out.push_str(&format!(" {span}=\"{count}\""));
            }
        }
        out.push('>');
    }
    inside(node, depth + 1, out);
    for tag in tags.iter().rev() {
        out.push_str("</");
        out.push_str(tag);
        out.push('>');
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_and_the_narrative_are_read() {
        let text = r#"<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">
            <title>Summary of Care</title>
            <recordTarget><patientRole><patient>
                <name><given>Ada</given><family>Byron</family></name><birthTime value="19860203"/>
            </patient></patientRole></recordTarget>
            <author><assignedAuthor><assignedPerson><name>Dr. Far Away</name></assignedPerson></assignedAuthor></author>
            <component><structuredBody>
                <component><section><title>Allergies</title><text>
                    <table border="1" onclick="x()"><thead><tr><th>What</th></tr></thead>
                    <tbody><tr><td colspan="2"><content styleCode="Bold">Penicillin</content> &amp; more &lt;script&gt;</td></tr></tbody></table>
                </text></section></component>
                <component><section><title>Plan</title><text><list><item>Rest</item></list><renderMultiMedia/></text>
                    <component><section><title>Inner</title><text>words<br/>more</text></section></component>
                </section></component>
                <component><section><title>Empty</title><text/></section></component>
            </structuredBody></component></ClinicalDocument>"#;
        let it = Ccda::read(text).unwrap();
        assert_eq!(it.title.as_deref(), Some("Summary of Care"));
        assert_eq!((it.patient.as_deref(), it.born.as_deref()), (Some("Ada Byron"), Some("03-Feb-1986")));
        assert_eq!(it.author.as_deref(), Some("Dr. Far Away"));
        let titles: Vec<&str> = it.sections.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Allergies", "Plan", "Inner"]);
        let html = &it.sections[0].html;
        assert!(
            html.contains("<td colspan=\"2\"><span><strong>Penicillin</strong></span> &amp; more &lt;script&gt;</td>"),
            "{html}"
        );
        assert!(!html.contains("onclick"), "{html}");
        assert_eq!(it.sections[1].html, "<ul><li>Rest</li></ul>");
        assert_eq!(it.sections[2].html, "words<br>more");
    }

    #[test]
    fn what_is_no_document_of_this_kind_is_refused() {
        for text in [
            "",
            "<ClinicalDocument/>",
            "<html/>",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><ClinicalDocument xmlns='urn:hl7-org:v3'>&a;</ClinicalDocument>",
            "<ClinicalDocument xmlns='urn:hl7-org:v3'>",
        ] {
            assert_eq!(Ccda::read(text), None, "{text}");
        }
    }
}
