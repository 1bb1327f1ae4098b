//! Sections (C-CDA R2.1, chapter 2): the narrative of each stays, and each entry becomes what it can. Whatever an
//! entry gave is named by its section (`Composition.section.entry`) and by the Provenance of those who wrote it.

use super::entries::Outcome;
use super::narrative;
use super::outline::Outline;
use super::part::{Part, absent, reference};
use super::pull::{self, Event, Pull};
use super::reading::{Ground, Handing, Reading};
use super::tables;
use super::xml::{Element, Node, Refusal, STATEMENTS};
use crate::Fate;
use base64::Engine as _;
use serde_json::{Value, json};

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// So many resources.
    Resources(usize),
    /// It stays in the narrative, for this reason.
    Narrative(&'static str),
    /// The sender says that there is nothing to say.
    Nothing(&'static str),
}

/// One entry of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// LOINC code of its section.
    pub section: String,
    /// The class of the statement and its first template: `act 2.16.840.1.113883.10.20.22.4.3`.
    pub statement: String,
    pub became: Became,
}

/// Reads section after section.
pub(super) fn read_body(
    ground: &Ground<'_>,
    outline: &Outline<'_>,
    labels: &[Value],
    to: &mut Handing<'_>,
) -> Result<Vec<Value>, Refusal> {
    outline.top.iter().map(|it| read_section(ground, outline, *it, labels, to)).collect()
}

fn read_section(
    ground: &Ground<'_>,
    outline: &Outline<'_>,
    nth: usize,
    labels: &[Value],
    to: &mut Handing<'_>,
) -> Result<Value, Refusal> {
    let section = &outline.sections[nth];
    let shell = outline.shell(nth);
    let (open, close) = outline.around(nth);
    let start = section.text.as_ref().map_or(0, |it| it.start);
    let tree = outline.parse(&shell, open.len(), start)?;
    let node = innermost(&tree, &open).ok_or(Refusal::NotCda)?;
    let reading = Reading::of(ground);
    let labels = reading.labels_of(node, labels);
    let code = node.at("code", "code").unwrap_or_default();
    let mut references: Vec<Value> = Vec::new();
    for run in &section.runs {
        let part = [open.as_str(), &outline.text()[run.range.clone()], &close].concat();
        let tree = outline.parse(&part, open.len(), run.range.start)?;
        let around = innermost(&tree, &open).ok_or(Refusal::NotCda)?;
        for (at, entry) in around.children().filter(|it| it.is_element() && it.is("entry")).enumerate() {
            let reading = Reading::of_entry(ground, entry, outline.entry(nth, run.before + at));
            let Some(made) = reading.entry(entry, code, &labels, to) else { continue };
            references.extend(made.iter().map(|it| reference(it)));
            ground.hand_over(to);
        }
    }
    let mut inner: Vec<Value> = Vec::new();
    for it in &section.sections {
        inner.push(read_section(ground, outline, *it, &labels, to)?);
    }
    let text = match &section.text {
        Some(range) => narrative::xhtml(&outline.text()[range.clone()])
            .map_err(|at| pull::refusal(outline.text(), at.after(range.start)))?,
        None => None,
    };
    let silent = text.is_none() && references.is_empty() && inner.is_empty();
    let div = text.or_else(|| silent.then(|| narrative::sentence("The sender left this section empty.")));
    let text = div.map(|it| json!({ "status": "additional", "div": it }));
    let title = node.kid("title").map(|it| it.words()).filter(|it| !it.is_empty());
    let empty = node.null().filter(|_| references.is_empty()).map(|flavour| {
        let reason = match flavour {
            "NASK" => "notasked",
            "MSK" => "withheld",
            _ => "unavailable",
        };
        super::part::concept("http://terminology.hl7.org/CodeSystem/list-empty-reason", reason)
    });
    let authors = node.kids("author").filter_map(|it| reading.practitioner(it.kid("assignedAuthor")));
    let told = Part::new()
        .with("title", title)
        .with("code", reading.concept(node.kid("code")))
        .list("author", authors.map(|it| reference(&it)))
        .with("text", text)
        .list("entry", references)
        .with("emptyReason", empty)
        .list("section", inner)
        .done();
    ground.hand_over(to);
    Ok(told)
}

/// The section, under the tags it stands in.
fn innermost<'a>(tree: &'a roxmltree::Document<'a>, open: &str) -> Option<Node<'a>> {
    let mut node = tree.root_element();
    // As many steps as there are tags after the first.
    let mut pull = Pull::of(open);
    pull.next().ok()?;
    while let Ok(Some(event)) = pull.next() {
        if matches!(event, Event::Open(_)) {
            node = node.first_element_child()?;
        }
    }
    Some(node)
}

impl<'a> Reading<'a> {
    /// Reads an entry; what it gave, or `None` when it holds no statement.
    fn entry(&self, entry: Node<'a>, code: &'a str, labels: &[Value], to: &mut Handing<'_>) -> Option<Vec<String>> {
        let statement = entry.children().find(|it| STATEMENTS.contains(&it.tag_name().name()))?;
        self.label(self.labels_of(statement, labels));
        let outcome = self.statement(statement, code, 0);
        let made = self.take_entry();
        self.provenance(statement, &made);
        self.label(labels.to_vec());
        let became = match outcome {
            Outcome::Narrative(_) | Outcome::Nothing(_) if !made.is_empty() => Became::Resources(made.len()),
            Outcome::Made if !made.is_empty() => Became::Resources(made.len()),
            Outcome::Made => Became::Narrative("what it says is told elsewhere in the document"),
            Outcome::Narrative(reason) => Became::Narrative(reason),
            Outcome::Nothing(reason) => Became::Nothing(reason),
        };
        if let Became::Narrative(reason) = &became {
            self.note(Fate::Kept, statement, reason);
        }
        let template = statement.kids("templateId").find_map(|it| it.attr("root")).unwrap_or("without template");
        let statement = format!("{} {template}", statement.tag_name().name());
        to.taker.entry(Entry { section: code.to_owned(), statement, became });
        Some(made)
    }

    /// Security labels: the confidentiality of the element when it is more than normal, and what the annotations of
    /// data segmentation (DS4P) among its statements say; those of the whole around it otherwise.
    pub(super) fn labels_of(&self, node: Node<'a>, around: &[Value]) -> Vec<Value> {
        let coding = |it: Node<'a>| {
            Part::new()
                .with("system", it.attr("codeSystem").and_then(tables::code_system))
                .with("code", it.attr("code"))
                .with("display", it.attr("displayName"))
                .done()
        };
        let mut labels = around.to_vec();
        let own = node.kid("confidentialityCode").filter(|it| it.attr("code").is_some());
        if let Some(own) = own {
            labels.retain(|it| it["system"] != "http://terminology.hl7.org/CodeSystem/v3-Confidentiality");
            if matches!(own.attr("code"), Some("R" | "V")) {
                labels.push(coding(own));
            }
        }
        let entries = node.kids("entry").flat_map(|it| it.children());
        let annotations = node.inner().chain(entries).filter(|it| it.is("organizer") && it.follows_security());
        for it in annotations.flat_map(|it| it.inner()) {
            let about = it.at("code", "code").and_then(|it| tables::map("label", it));
            if let (Some(_), Some(value)) = (about, it.kid("value").filter(|it| it.attr("code").is_some())) {
                let label = coding(value);
                if !labels.contains(&label) && label["code"] != "N" {
                    labels.push(label);
                }
            }
        }
        labels
    }

    /// Who wrote an entry, and when (Provenance).
    fn provenance(&self, statement: Node<'a>, made: &[String]) {
        if made.is_empty() {
            return;
        }
        let mut agents: Vec<Value> = Vec::new();
        let mut times: Vec<Node<'a>> = Vec::new();
        let inner = statement.inner().chain(std::iter::once(statement));
        for author in inner.flat_map(|it| it.kids("author")) {
            let entity = author.kid("assignedAuthor");
            let Some(who) = self.practitioner(entity) else { continue };
            let organization = self.organization(entity.and_then(|it| it.kid("representedOrganization")));
            let kind =
                super::part::concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author");
            let agent = Part::new()
                .with("type", Some(kind))
                .with("who", Some(reference(&who)))
                .with("onBehalfOf", organization.as_deref().map(reference))
                .done();
            if !agents.contains(&agent) {
                agents.push(agent);
            }
            times.extend(author.kid("time"));
        }
        if agents.is_empty() {
            return;
        }
        let occurred = times.iter().filter_map(|it| self.date(Some(*it))).min();
        let recorded = times.iter().filter_map(|it| self.instant(Some(*it))).max();
        let recorded = recorded.or_else(|| self.written.clone().filter(|it| it.contains('T')));
        let part = Part::of("Provenance")
            .list("target", made.iter().map(|it| reference(it)))
            .with("occurredDateTime", occurred);
        let part = match recorded {
            Some(recorded) => part.with("recorded", Some(recorded)),
            None => part.with("_recorded", Some(absent("unknown"))),
        };
        self.keep_provenance(made, part.list("agent", agents));
    }

    /// A document whose body is a file: a scan, a letter, a text. A large one was left where it lies.
    pub(super) fn unstructured(&self, document: Node<'a>, file: Option<&str>) -> Option<Value> {
        let text = document.way("component/nonXMLBody/text")?;
        // What is no type of content is some file.
        let is_type = |it: &&str| it.bytes().all(|c| c.is_ascii_alphanumeric() || b"/.+-;=".contains(&c));
        let kind = text.attr("mediaType").unwrap_or("text/plain");
        let kind = Some(kind).filter(is_type).unwrap_or("application/octet-stream").to_owned();
        let url = text.at("reference", "value");
        if text.attr("compression").is_some() {
            self.note(Fate::Kept, text, "the file is compressed and stays as it was sent");
        }
        let data = match (url, text.attr("representation")) {
            (Some(_), _) => None,
            (None, Some("B64")) => {
                let words = file.is_none().then(|| text.words());
                let mut data = words.unwrap_or_else(|| file.unwrap_or_default().to_owned());
                data.retain(|it| !it.is_ascii_whitespace());
                Some(data)
            }
            (None, _) => {
                let words = file.map_or_else(|| text.words(), pull::words);
                Some(base64::engine::general_purpose::STANDARD.encode(words))
            }
        };
        let attachment = Part::new()
            .with("contentType", Some(kind))
            .with("data", data)
            .with("url", url)
            .with("title", document.kid("title").map(|it| it.words()).filter(|it| !it.is_empty()));
        let authors = document.kids("author").filter_map(|it| self.practitioner(it.kid("assignedAuthor")));
        let custodian = self.organization(document.way("custodian/assignedCustodian/representedCustodianOrganization"));
        let part = Part::of("DocumentReference")
            .list("identifier", self.identifiers(document))
            .with("status", Some("current"))
            .with("type", self.concept(document.kid("code")))
            .with("subject", Some(self.subject()))
            .with("date", self.instant(document.kid("effectiveTime")))
            .list("author", authors.map(|it| reference(&it)))
            .with("custodian", custodian.as_deref().map(reference))
            .list("content", Some(json!({ "attachment": attachment.done() })));
        let address = self.keep(document, "body", part);
        self.take_entry();
        let div = narrative::sentence("The document is a file; it has no sections.");
        Some(json!({
            "title": "File",
            "text": { "status": "generated", "div": div },
            "entry": [{ "reference": address }]
        }))
    }
}

/// Templates of data segmentation.
trait Security {
    fn follows_security(self) -> bool;
}

impl Security for Node<'_> {
    fn follows_security(self) -> bool {
        self.kids("templateId")
            .any(|it| it.attr("root").is_some_and(|it| it.starts_with("2.16.840.1.113883.3.3251.1.")))
    }
}
