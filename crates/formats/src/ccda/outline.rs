//! Where the parts of a document lie (CDA R2, 4.1 to 4.3): its header, its sections, and in each the entries, found in
//! one pass that keeps places in the text and nothing of it. Sections and entries are then read one after the other,
//! each as a small document of its own under the tags it stands in, so that a large document takes little more memory
//! than a small one.

use super::pull::{Event, Fault, Pull, Tag, local, place, refusal};
use super::xml::{self, DEEPEST, MOST_NODES, Refusal};
use std::collections::HashMap;
use std::ops::Range;

/// Entries that are parsed together, in bytes.
const RUN: usize = 64 << 10;
/// Sections within sections.
const DEEPEST_SECTION: usize = 8;
/// Names of spaces that are declared again and again: each costs as many as are in force.
const MOST_SPACES: usize = 4_000_000;
/// Among the entries, what labels the section (DS4P).
pub(super) const LABELS: &str = "2.16.840.1.113883.3.3251.1.";
/// A file in the body is taken from the text; what is shorter is parsed with the header.
const FILE: usize = 32 << 10;

/// Entries that stand together.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) range: Range<usize>,
    /// How many entries of the section stand before it.
    pub(super) before: usize,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    parent: Option<usize>,
    /// The start tag of the component around it, and its own.
    tags: [Range<usize>; 2],
    /// Which of the components around it is its own.
    nth: usize,
    depth: usize,
    own: Vec<Range<usize>>,
    pub(super) text: Option<Range<usize>>,
    pub(super) runs: Vec<Run>,
    entries: usize,
    components: usize,
    pub(super) sections: Vec<usize>,
    /// The last child was an entry: another one belongs to the same run.
    running: bool,
}

#[derive(Debug)]
pub(super) struct Outline<'t> {
    text: &'t str,
    /// Of the document, of its component and of the body.
    tags: [Range<usize>; 3],
    /// What of the text is not the header.
    body: Range<usize>,
    components: usize,
    pub(super) sections: Vec<Section>,
    pub(super) top: Vec<usize>,
    /// Elements by their ID, anywhere.
    pub(super) ids: HashMap<&'t str, Range<usize>>,
    /// The file that is the body.
    pub(super) file: Option<&'t str>,
}

/// What an open element is to the outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Document,
    BodyComponent,
    Body,
    Component(Option<usize>),
    Section(usize),
    Entry(usize),
    Text(usize),
    Own(usize),
    FileBody,
    File,
    Inner,
}

struct Open<'t> {
    name: &'t str,
    role: Role,
    start: usize,
    content: usize,
    id: Option<&'t str>,
    /// Names of spaces in force.
    spaces: usize,
    declares: bool,
}

impl<'t> Outline<'t> {
    pub(super) fn of(text: &'t str) -> Result<Outline<'t>, Refusal> {
        let mut outline = Outline {
            text,
            tags: Default::default(),
            body: 0..0,
            components: 0,
            sections: Vec::new(),
            top: Vec::new(),
            ids: HashMap::new(),
            file: None,
        };
        let mut pull = Pull::of(text);
        let mut open: Vec<Open<'t>> = Vec::new();
        let (mut parts, mut spaces, mut rooted) = (0_u32, 0_usize, false);
        let broken = |at: usize| refusal(text, Fault::NotXml(at));
        while let Some(event) = pull.next().map_err(|fault| refusal(text, fault))? {
            let start = pull.begun();
            parts += 1;
            if parts > MOST_NODES {
                return Err(Refusal::TooManyParts);
            }
            match event {
                Event::Open(tag) => {
                    if rooted && open.is_empty() {
                        return Err(broken(start));
                    }
                    if open.len() >= DEEPEST {
                        return Err(Refusal::TooDeep);
                    }
                    rooted = true;
                    if !tag.is_modest() {
                        return Err(Refusal::TooManyParts);
                    }
                    let element = outline.opened(&tag, start..pull.at(), open.last());
                    spaces += if element.declares { element.spaces } else { 0 };
                    if spaces > MOST_SPACES {
                        return Err(Refusal::TooManyParts);
                    }
                    match tag.empty {
                        true => outline.closed(&element, pull.at(), pull.at()),
                        false => open.push(element),
                    }
                }
                Event::Close(name) => {
                    let Some(element) = open.pop().filter(|it| it.name == name) else { return Err(broken(start)) };
                    outline.closed(&element, start, pull.at());
                }
                Event::Text(words) | Event::Plain(words) => {
                    if open.is_empty() && !words.trim_ascii().is_empty() {
                        return Err(broken(start));
                    }
                }
            }
        }
        if !rooted || !open.is_empty() {
            return Err(broken(if rooted { text.len() } else { 0 }));
        }
        Ok(outline)
    }

    fn opened(&mut self, tag: &Tag<'t>, at: Range<usize>, parent: Option<&Open<'t>>) -> Open<'t> {
        let name = tag.local();
        let ours = !tag.name.starts_with("sdtc:");
        let role = match (parent.map(|it| it.role), name) {
            (None, _) => {
                self.tags[0] = at.clone();
                Role::Document
            }
            (Some(Role::Document), "component") if ours && self.body.is_empty() => {
                self.tags[1] = at.clone();
                Role::BodyComponent
            }
            (Some(Role::BodyComponent), "structuredBody") if self.body.is_empty() => {
                self.tags[2] = at.clone();
                self.body = at.end..at.end;
                Role::Body
            }
            (Some(Role::BodyComponent), "nonXMLBody") => Role::FileBody,
            (Some(Role::FileBody), "text") => Role::File,
            (Some(Role::Body), "component") if ours => {
                self.components += 1;
                Role::Component(None)
            }
            (Some(Role::Component(above)), "section") => {
                let around = parent.map_or(0..0, |it| it.start..it.content);
                self.section(above, [around, at.clone()])
            }
            (Some(Role::Section(nth)), "entry") if ours => Role::Entry(nth),
            (Some(Role::Section(nth)), "component") if ours && self.sections[nth].depth < DEEPEST_SECTION => {
                self.sections[nth].components += 1;
                Role::Component(Some(nth))
            }
            (Some(Role::Section(_)), "component") if ours => Role::Inner,
            (Some(Role::Section(nth)), "text") if ours && self.sections[nth].text.is_none() => Role::Text(nth),
            (Some(Role::Section(nth)), _) => Role::Own(nth),
            _ => Role::Inner,
        };
        let (mut id, mut declared) = (None, 0);
        for (name, value) in tag.attributes() {
            match name {
                "ID" => id = Some(value.trim()),
                "id" => id = id.or(Some(value.trim())),
                _ if name.starts_with("xmlns") => declared += 1,
                _ => {}
            }
        }
        let spaces = parent.map_or(0, |it| it.spaces) + declared;
        Open { name: tag.name, role, start: at.start, content: at.end, id, spaces, declares: declared > 0 }
    }

    fn section(&mut self, parent: Option<usize>, tags: [Range<usize>; 2]) -> Role {
        let (count, depth) = match parent {
            Some(it) => (self.sections[it].components, self.sections[it].depth + 1),
            None => (self.components, 0),
        };
        let siblings = parent.map_or(&self.top, |it| &self.sections[it].sections);
        // Of one component only the first section is read.
        if siblings.last().is_some_and(|it| self.sections[*it].nth == count) {
            return Role::Inner;
        }
        let nth = self.sections.len();
        self.sections.push(Section { parent, tags, nth: count, depth, ..Section::default() });
        match parent {
            Some(it) => self.sections[it].sections.push(nth),
            None => self.top.push(nth),
        }
        Role::Section(nth)
    }

    /// `content` is where the closing tag begins, `end` where it ends.
    fn closed(&mut self, element: &Open<'t>, content: usize, end: usize) {
        let whole = element.start..end;
        if let Some(id) = element.id {
            self.ids.entry(id).or_insert(whole.clone());
        }
        match element.role {
            Role::Body => self.body.end = content.max(self.body.start),
            Role::File if self.file.is_none() && content - element.content.min(content) > FILE => {
                let file = &self.text[element.content..content];
                // What has elements in it is no file.
                if !file.contains('<') {
                    self.file = Some(file);
                    self.body = element.content..content;
                }
            }
            Role::Entry(nth) => {
                let section = &mut self.sections[nth];
                match section.runs.last_mut() {
                    Some(run) if section.running && end - run.range.start <= RUN => run.range.end = end,
                    _ => section.runs.push(Run { range: whole, before: section.entries }),
                }
                section.entries += 1;
                section.running = true;
            }
            Role::Text(nth) => {
                self.sections[nth].text = Some(whole);
                self.sections[nth].running = false;
            }
            Role::Own(nth) => {
                self.sections[nth].own.push(whole);
                self.sections[nth].running = false;
            }
            Role::Component(Some(nth)) => self.sections[nth].running = false,
            _ => {}
        }
    }

    /// The document without what stands in its body.
    pub(super) fn head(&self) -> String {
        [&self.text[..self.body.start], &self.text[self.body.end..]].concat()
    }

    /// What is wrong with the head, where it stands in the document.
    pub(super) fn wrong_head(&self, refusal: Refusal) -> Refusal {
        let lines = |text: &str| u32::try_from(text.bytes().filter(|it| *it == b'\n').count()).unwrap_or(u32::MAX);
        match refusal {
            Refusal::NotXml { line, column } if line > lines(&self.text[..self.body.start]) + 1 => {
                Refusal::NotXml { line: line + lines(&self.text[self.body.clone()]), column }
            }
            other => other,
        }
    }

    /// The tags that a section stands in, with its own, and what closes them.
    pub(super) fn around(&self, nth: usize) -> (String, String) {
        let mut chain = vec![nth];
        while let Some(parent) = self.sections[*chain.last().expect("begins with one")].parent {
            chain.push(parent);
        }
        let mut tags: Vec<&str> = self.tags.iter().map(|it| &self.text[it.clone()]).collect();
        for it in chain.iter().rev() {
            tags.extend(self.sections[*it].tags.iter().map(|it| &self.text[it.clone()]));
        }
        let (mut open, mut close) = (String::new(), Vec::new());
        for tag in tags {
            open.push_str(tag.strip_suffix("/>").unwrap_or(tag.strip_suffix('>').unwrap_or(tag)));
            open.push('>');
            let name = tag[1..].split(|it: char| it.is_ascii_whitespace() || matches!(it, '/' | '>')).next();
            close.push(format!("</{}>", name.unwrap_or_default()));
        }
        close.reverse();
        (open, close.concat())
    }

    /// A section without its entries, its inner sections and its words; with what labels it.
    pub(super) fn shell(&self, nth: usize) -> String {
        let section = &self.sections[nth];
        let (mut shell, close) = self.around(nth);
        section.own.iter().for_each(|it| shell.push_str(&self.text[it.clone()]));
        for run in &section.runs {
            let run = &self.text[run.range.clone()];
            if run.contains(LABELS) {
                shell.push_str(run);
            }
        }
        shell.push_str(&close);
        shell
    }

    /// Where a section stands, for notes.
    pub(super) fn place(&self, nth: usize) -> String {
        let section = &self.sections[nth];
        let (before, count) = match section.parent {
            Some(it) => (self.place(it), self.sections[it].components),
            None => ("/ClinicalDocument/component/structuredBody".to_owned(), self.components),
        };
        match count {
            1 => format!("{before}/component/section"),
            _ => format!("{before}/component[{}]/section", section.nth),
        }
    }

    /// Where an entry of a section stands.
    pub(super) fn entry(&self, nth: usize, entry: usize) -> String {
        let before = self.place(nth);
        if self.sections[nth].entries == 1 {
            format!("{before}/entry")
        } else {
            format!("{before}/entry[{}]", entry + 1)
        }
    }

    /// Parses a part under the tags it stands in.
    pub(super) fn parse<'p>(
        &self,
        part: &'p str,
        around: usize,
        start: usize,
    ) -> Result<roxmltree::Document<'p>, Refusal> {
        xml::parse(part).map_err(|refusal| match refusal {
            Refusal::NotXml { line, .. } => {
                let before = part[..around].bytes().filter(|it| *it == b'\n').count();
                let (first, column) = place(self.text, start);
                let line = (first + line).saturating_sub(u32::try_from(before).unwrap_or(u32::MAX) + 1);
                Refusal::NotXml { line, column }
            }
            other => other,
        })
    }

    /// What it is called without its prefix.
    pub(super) fn is_document(&self) -> bool {
        let tag = &self.text[self.tags[0].clone()];
        let name = tag[1..].split(|it: char| it.is_ascii_whitespace() || matches!(it, '/' | '>')).next();
        name.is_some_and(|it| local(it) == "ClinicalDocument")
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r##"<?xml version="1.0"?><!-- <section> -->
<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1"/>
<component><structuredBody>
 <component><section><code code="1"/><text><paragraph ID="a">one</paragraph></text>
  <entry><act/></entry> <entry><observation><value>&lt;</value></observation></entry>
  <component><section nullFlavor="NI"/></component></section></component>
 <component><!-- here --><section><entry><act/></entry><title>T</title><entry><act/></entry></section></component>
</structuredBody></component></ClinicalDocument>"##;

    #[test]
    fn parts_are_found_where_they_lie() {
        let outline = Outline::of(DOCUMENT).expect("is XML");
        assert!(outline.is_document());
        assert_eq!(outline.top, [0, 2]);
        assert_eq!(outline.sections[0].runs.len(), 1, "entries that stand together are read together");
        assert_eq!(outline.sections[2].runs.len(), 2);
        assert_eq!(outline.sections[0].sections, [1]);
        assert_eq!(&DOCUMENT[outline.ids["a"].clone()], r#"<paragraph ID="a">one</paragraph>"#);
        assert_eq!(outline.entry(0, 1), "/ClinicalDocument/component/structuredBody/component[1]/section/entry[2]");
        assert_eq!(
            outline.place(1),
            "/ClinicalDocument/component/structuredBody/component[1]/section/component/section"
        );
        let head = outline.head();
        assert!(head.contains("<structuredBody></structuredBody>") && head.contains("<id root"), "{head}");
        for nth in 0..outline.sections.len() {
            let shell = outline.shell(nth);
            xml::parse(&shell).expect("is XML");
            assert!(!shell.contains("<entry>") && !shell.contains("<text>"), "{shell}");
        }
        assert!(outline.shell(2).contains("<title>T</title>"));
    }

    #[test]
    fn what_is_not_closed_is_refused_with_its_place() {
        for text in ["<a><b></a>", "<a>", "</a>", "<a/><b/>", "<a/>x", "", "x<a/>"] {
            assert!(matches!(Outline::of(text), Err(Refusal::NotXml { .. })), "{text}");
        }
        let floods = format!("<a {}/>", (0..2_000).map(|it| format!("a{it}=\"\" ")).collect::<String>());
        assert_eq!(Outline::of(&floods).err(), Some(Refusal::TooManyParts));
    }
}
