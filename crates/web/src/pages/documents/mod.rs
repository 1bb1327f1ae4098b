//! Documents: the list, one document, and the bytes of what is attached. What others wrote is never trusted:
//! narrative is cleaned, and attachments are served so that nothing in them can act.

pub(crate) mod print;

use crate::components::card::{empty, not_shown};
use crate::components::{day, lists, shell};
use crate::locale::Words;
use crate::pages::notes::{self as note_pages, Asked, SHEET, refusal};
use crate::request::{Answer, Refusal, Visitor, id};
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use care::chart::{Attachment, Document, Place};
use care::filing::Ccda;
use care::notes;
use maud::{Markup, PreEscaped, html};
use std::collections::{HashMap, HashSet};

pub(crate) async fn list(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.documents())?;
    let base = visitor.address_of(patient.as_str());
    let drafts = match note_pages::writes(&visitor) {
        true => notes::of_patient(&visitor.pen(), &patient).await.map_err(refusal)?,
        false => Vec::new(),
    };
    let rows: Vec<Markup> = section.rows.iter().map(|it| lists::document_row(visitor.words, it, &base)).collect();
    let main = html! {
        (super::lists::heading(visitor.words, &visitor.words.say("chart-documents"), &section))
        (note_pages::above_documents(&visitor, &base, &drafts))
        @if section.refused { (not_shown(visitor.words, &visitor.words.say("chart-documents"))) }
        @else if rows.is_empty() { (empty(&visitor.words.say("chart-no-documents"))) }
        @else { (lists::table(visitor.words, &visitor.words.say("chart-documents-newest-first"), &lists::DOCUMENT_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (visitor.words.say("chart-documents"), SHEET), main))
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, document)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (words, patient, document) = (visitor.words, id(&patient)?, id(&document)?);
    let (pen, chart) = (visitor.pen(), visitor.chart(&patient));
    let banner = chart.banner().await?;
    let note = notes::signed(&pen, &patient, &document).await.map_err(refusal)?;
    let base = visitor.address_of(patient.as_str());
    let mut clinical = HashMap::new();
    for (nth, attachment) in note.document.attachments.iter().enumerate() {
        if XML.contains(&attachment.content_type.as_str())
            && let Some((_, bytes)) = chart.content(&document, nth).await?
            && let Some(read) = std::str::from_utf8(&bytes).ok().and_then(Ccda::read)
        {
            clinical.insert(nth, read);
        }
    }
    let told = match note.ours {
        true => Vec::new(),
        false => care::exchange::documents::told(pen.organisation, pen.caller, &patient, &document).await?,
    };
    let address = format!("{base}/documents/{document}");
    let main = html! {
        (note_pages::done(words, asked.done.as_deref()))
        (super::exchange::told(&visitor, &base, &told))
        (one(words, &note.document, &base, &clinical))
        (note_pages::signed::around(&visitor, &base, &note))
        @if !note.ours && note.kind.is_none_or(|it| it.clinical) { (super::filing::reviewed(&visitor, &address, note.authenticator.as_deref())) }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (words.say("chart-document"), SHEET), main))
}

const PDF: &str = "application/pdf";
/// What may be a clinical document.
const XML: [&str; 3] = ["text/xml", "application/xml", "application/hl7-v3+xml"];

pub(crate) fn one(words: &Words, document: &Document, base: &str, clinical: &HashMap<usize, Ccda>) -> Markup {
    html! {
        header.section-head {
            h1 { (document.title) }
            p { a href={ (base) "/documents" } { (words.say("chart-all-documents")) } }
        }
        @if document.mistaken { p.error { (words.say("chart-this-document-was-entered-in")) } }
        @if document.superseded { p.similar-note { (words.say("chart-a-newer-document-replaces-this")) } }
        dl.details {
            @if let Some(kind) = &document.kind { div { dt { (words.say("chart-kind")) } dd { (kind) } } }
            @if let Some(when) = &document.when { div { dt { (words.say("chart-date")) } dd { (day(when)) } } }
            @if let Some(author) = &document.author { div { dt { (words.say("chart-author")) } dd { (author) } } }
            @if let Some(custodian) = &document.custodian { div { dt { (words.say("chart-kept-by")) } dd { (custodian) } } }
            @if document.preliminary { div { dt { (words.say("chart-status")) } dd { (words.say("chart-preliminary")) } } }
        }
        @if document.attachments.is_empty() && document.narrative.is_none() { (empty(&words.say("chart-nothing-is-attached-to-this"))) }
        @for (nth, attachment) in document.attachments.iter().enumerate() {
            (attached(words, attachment, clinical.get(&nth), &format!("{base}/documents/{}/content/{nth}", document.id)))
        }
        @if let Some(narrative) = &document.narrative {
            section.narrative aria-label=(words.say("chart-as-written-by-the-sender")) { h2 { (words.say("chart-as-written-by-the-sender")) } (clean(narrative)) }
        }
    }
}

fn attached(words: &Words, attachment: &Attachment, clinical: Option<&Ccda>, address: &str) -> Markup {
    let text = match (&attachment.place, attachment.content_type.as_str()) {
        (Place::Inside(bytes), "text/plain" | "text/markdown") => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    let markup = match (&attachment.place, attachment.content_type.as_str()) {
        (Place::Inside(bytes), "text/html" | "application/xhtml+xml") => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => None,
    };
    let name = attachment.title.clone().unwrap_or_else(|| kind(words, &attachment.content_type));
    html! {
        section.attachment aria-label=(name) {
            @if let Some(text) = text { div.note-text { (text) } }
            @else if let Some(markup) = markup { div.narrative { (clean(&markup)) } }
            @else {
                @match &attachment.place {
                    Place::Elsewhere => { p.empty { (name) " " (words.say("chart-is-kept-elsewhere-and-cannot")) } }
                    Place::Nowhere => { p.empty { (name) (words.say("chart-the-sender-did-not-include")) } }
                    Place::Inside(_) | Place::Here(_) => {
                        @if let Some(clinical) = clinical { (super::filing::clinical(words, clinical)) }
                        @if PICTURES.contains(&attachment.content_type.as_str()) {
                            p.picture { a href=(address) { img src=(address) alt=(name); } }
                        }
                        p { a.open href=(address) target=[(attachment.content_type == PDF).then_some("_blank")] rel=[(attachment.content_type == PDF).then_some("noopener")] { (words.say("chart-open")) " " (name) } " " span.quiet { (kind(words, &attachment.content_type)) @if let Some(size) = attachment.size { ", " (bytes(words, size)) } } }
                    }
                }
            }
        }
    }
}

/// What is shown as a picture on the page itself.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// Content types in words.
fn kind(words: &Words, content_type: &str) -> String {
    match content_type {
        "application/pdf" => "PDF".to_owned(),
        "text/plain" => words.say("chart-text"),
        "text/html" => words.say("chart-web-page"),
        "text/xml" | "application/xml" | "application/hl7-v3+xml" => words.say("chart-xml-document"),
        it if it.starts_with("image/") => words.say("chart-image"),
        it if it.starts_with("audio/") => words.say("chart-sound"),
        _ => words.say("chart-file"),
    }
}

fn bytes(words: &Words, size: u64) -> String {
    match size {
        0..1_000 => words.with("chart-bytes", &[("count", size.into())]),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}

/// The only place where markup of others goes into a page: text, lists and tables, without headings
/// (which would break the order of ours), styles, ids, pictures and anything that acts.
pub(crate) fn clean(narrative: &str) -> Markup {
    // Headings become paragraphs before cleaning, so that their words do not run into the next ones.
    let mut text = narrative.to_owned();
    for level in '1'..='6' {
        for h in ['h', 'H'] {
            text = text.replace(&format!("<{h}{level}"), "<p").replace(&format!("</{h}{level}"), "</p");
        }
    }
    let tags: HashSet<&str> = [
        "a",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "dl",
        "dt",
        "em",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "div",
    ]
    .into();
    let attributes: HashMap<&str, HashSet<&str>> =
        [("a", ["href"].into()), ("td", ["colspan", "rowspan"].into()), ("th", ["colspan", "rowspan"].into())].into();
    let cleaned = ammonia::Builder::default()
        .tags(tags)
        .tag_attributes(attributes)
        .generic_attributes(HashSet::new())
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(&text)
        .to_string();
    PreEscaped(cleaned)
}

/// Types a browser may show; everything else is downloaded.
const SHOWN: [&str; 6] = ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"];

pub(crate) async fn content(
    visitor: Visitor,
    Path((_, patient, document, nth)): Path<(String, String, String, usize)>,
) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    let content = visitor.chart(&patient).content(&document, nth).await?;
    let Some((content_type, bytes)) = content else { return Err(Refusal::NotFound) };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let shown = SHOWN.iter().find(|it| **it == essence);
    let (content_type, disposition) = match shown {
        Some(&"text/plain") => ("text/plain; charset=utf-8", "inline"),
        Some(known) => (*known, "inline"),
        None => ("application/octet-stream", "attachment; filename=\"document\""),
    };
    // A file is shown in a page of its own that may do nothing at all. Viewers of PDF do not open in a sandbox; they
    // have one of their own.
    let policy = match content_type {
        PDF => "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        _ => "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    Ok((StatusCode::OK, headers, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrative_keeps_its_words_and_loses_what_acts() {
        let check = |given: &str, kept: &str| assert_eq!(clean(given).into_string(), kept);
        check(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><h2>Plan</h2><p>Rest</p></div>",
            "<div><p>Plan</p><p>Rest</p></div>",
        );
        check("<p onclick=\"x()\" style=\"color:red\" id=\"main\">a</p>", "<p>a</p>");
        check("<script>alert(1)</script><p>b</p>", "<p>b</p>");
        check("<img src=\"https://elsewhere.example/x.png\">c", "c");
        check("<a href=\"javascript:alert(1)\">d</a>", "<a rel=\"noopener noreferrer nofollow\">d</a>");
        check(
            "<table><tbody><tr><td colspan=\"2\">e</td></tr></tbody></table>",
            "<table><tbody><tr><td colspan=\"2\">e</td></tr></tbody></table>",
        );
    }

    /// Tags of cleaned markup with their attributes: `a href=…`.
    fn tags(html: &str) -> Vec<String> {
        let parts = html.split('<').skip(1).filter_map(|it| it.split('>').next());
        parts.filter(|it| !it.starts_with('/')).map(str::to_owned).collect()
    }

    #[track_caller]
    fn harmless(given: &str) {
        const KEPT: [&str; 32] = [
            "a",
            "b",
            "blockquote",
            "br",
            "caption",
            "code",
            "dd",
            "div",
            "dl",
            "dt",
            "em",
            "i",
            "li",
            "ol",
            "p",
            "pre",
            "small",
            "span",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
            "tt",
            "u",
            "ul",
            "",
        ];
        let cleaned = clean(given).into_string();
        // Once more, as a browser might read it differently the second time.
        let again = clean(&cleaned).into_string();
        for tag in tags(&cleaned).into_iter().chain(tags(&again)) {
            let (name, attributes) = tag.split_once(' ').unwrap_or((&tag, ""));
            assert!(KEPT.contains(&name), "{given} gives <{tag}>");
            for attribute in attributes.split("\" ").filter(|it| !it.is_empty()) {
                let (name, value) = attribute.split_once("=\"").unwrap_or((attribute, ""));
                match name {
                    "href" => assert!(
                        ["http:", "https:", "mailto:"].iter().any(|it| value.starts_with(it)),
                        "{given} gives {tag}"
                    ),
                    "rel" | "colspan" | "rowspan" => {}
                    other => panic!("{given} keeps {other}: {tag}"),
                }
            }
        }
    }

    #[test]
    fn nothing_that_acts_survives_in_whatever_form_it_comes() {
        let elements = [
            "script",
            "style",
            "svg",
            "math",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "button",
            "link",
            "meta",
            "base",
            "video",
            "audio",
            "img",
            "template",
            "noscript",
            "xmp",
            "textarea",
            "title",
            "frameset",
            "marquee",
            "details",
            "select",
            "isindex",
            "applet",
            "bgsound",
            "portal",
            "slot",
            "dialog",
            "foreignObject",
            "animate",
            "use",
        ];
        let acts = [
            "onclick",
            "onload",
            "onerror",
            "onmouseover",
            "onfocus",
            "style",
            "srcdoc",
            "formaction",
            "xlink:href",
            "id",
            "class",
            "name",
            "background",
        ];
        let mut count = 0;
        for element in elements {
            for form in [
                format!("<{element} src=x onerror=alert(1)>a</{element}>"),
                format!("<{0}><{element}>alert(1)</{element}></{0}>", "table"),
                format!("<p>{}</p>", format!("<{element}/>").to_uppercase()),
                format!("<math><mtext><{element}><img src=x onerror=alert(1)></{element}></mtext></math>"),
            ] {
                harmless(&form);
                count += 1;
            }
        }
        for act in acts {
            for host in ["p", "td", "a", "table", "span"] {
                harmless(&format!("<{host} {act}=\"javascript:alert(1)\">a</{host}>"));
                harmless(&format!("<{host}/{act}='x' {act}=x>a</{host}>"));
                count += 2;
            }
        }
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "java\nscript:alert(1)",
            "&#106;avascript:alert(1)",
            "&#x6A;avascript:alert(1)",
            "javascript&colon;alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:image/svg+xml;base64,PHN2Zz4=",
            "file:///etc/passwd",
            "//elsewhere.example",
            "\\\\elsewhere",
            "blob:x",
            "about:blank",
            "filesystem:x",
            "view-source:x",
            "jar:x",
            "livescript:x",
            "mocha:x",
            "\u{1}javascript:x",
            "feed:javascript:x",
            "/here",
            "#here",
        ] {
            harmless(&format!("<a href=\"{address}\">a</a>"));
            count += 1;
        }
        for broken in [
            "<p><!-- --!><img src=x onerror=alert(1)> -->",
            "<![CDATA[<script>alert(1)</script>]]>",
            "<?xml-stylesheet href=x?><p>a",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<p title=\"--><img src=x onerror=alert(1)>\">a",
            "<a href=\"http://a\"b=\"c\" onclick=x>",
            "<svg><p><style><img src=x onerror=alert(1)></style>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<h1><script>alert(1)</script></h1>",
            "<H2 onclick=x>a</H2>",
            "<table><a href=\"javascript:x\"></table>",
            "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        ] {
            harmless(broken);
            count += 1;
        }
        assert!(count >= 150, "{count}");
    }
}
