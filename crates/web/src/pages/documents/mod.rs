//! Documents: the list, one document, and the bytes of what is attached. What others wrote is never trusted:
//! narrative is cleaned, and attachments are served so that nothing in them can act.

use crate::components::card::{empty, not_shown};
use crate::components::{day, lists, shell};
use crate::request::{Answer, Refusal, Visitor, id};
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use care::chart::{Attachment, Document, Place};
use maud::{Markup, PreEscaped, html};
use std::collections::{HashMap, HashSet};

pub(crate) async fn list(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.documents())?;
    let base = visitor.address_of(patient.as_str());
    let rows: Vec<Markup> = section.rows.iter().map(|it| lists::document_row(it, &base)).collect();
    let main = html! {
        (super::lists::heading("Documents", &section))
        @if section.refused { (not_shown("Documents are")) }
        @else if rows.is_empty() { (empty("No documents.")) }
        @else { (lists::table(visitor.words, "Documents, newest first", &lists::DOCUMENT_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "documents", "Documents", main))
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient, document)): Path<(String, String, String)>) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    let chart = visitor.chart(&patient);
    let (banner, document) = tokio::try_join!(chart.banner(), chart.document(&document))?;
    let base = visitor.address_of(patient.as_str());
    Ok(shell::chart(&visitor, &banner, "documents", "Document", one(&document, &base)))
}

pub(crate) fn one(document: &Document, base: &str) -> Markup {
    html! {
        header.section-head {
            h1 { (document.title) }
            p { a href={ (base) "/documents" } { "All documents" } }
        }
        @if document.mistaken { p.error { "This document was entered in error." } }
        @if document.superseded { p.similar-note { "A newer document replaces this one." } }
        dl.details {
            @if let Some(kind) = &document.kind { div { dt { "Kind" } dd { (kind) } } }
            @if let Some(when) = &document.when { div { dt { "Date" } dd { (day(when)) } } }
            @if let Some(author) = &document.author { div { dt { "Author" } dd { (author) } } }
            @if let Some(custodian) = &document.custodian { div { dt { "Kept by" } dd { (custodian) } } }
            @if document.preliminary { div { dt { "Status" } dd { "Preliminary" } } }
        }
        @if document.attachments.is_empty() && document.narrative.is_none() { (empty("Nothing is attached to this document.")) }
        @for (nth, attachment) in document.attachments.iter().enumerate() {
            (attached(attachment, &format!("{base}/documents/{}/content/{nth}", document.id)))
        }
        @if let Some(narrative) = &document.narrative {
            section.narrative aria-label="As written by the sender" { h2 { "As written by the sender" } (clean(narrative)) }
        }
    }
}

fn attached(attachment: &Attachment, address: &str) -> Markup {
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
    let name = attachment.title.clone().unwrap_or_else(|| kind(&attachment.content_type).to_owned());
    html! {
        section.attachment aria-label=(name) {
            @if let Some(text) = text { div.note-text { (text) } }
            @else if let Some(markup) = markup { div.narrative { (clean(&markup)) } }
            @else {
                @match &attachment.place {
                    Place::Elsewhere => { p.empty { (name) " is kept elsewhere and cannot be opened from here." } }
                    Place::Nowhere => { p.empty { (name) ": the sender did not include the content." } }
                    Place::Inside(_) | Place::Here(_) => {
                        p { a.open href=(address) { "Open " (name) } " " span.quiet { (kind(&attachment.content_type)) @if let Some(size) = attachment.size { ", " (bytes(size)) } } }
                    }
                }
            }
        }
    }
}

/// Content types in words.
fn kind(content_type: &str) -> &str {
    match content_type {
        "application/pdf" => "PDF",
        "text/plain" => "Text",
        "text/html" => "Web page",
        "text/xml" | "application/xml" | "application/hl7-v3+xml" => "XML document",
        it if it.starts_with("image/") => "Image",
        it if it.starts_with("audio/") => "Sound",
        _ => "File",
    }
}

fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
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
    // A file is shown in a page of its own that may do nothing at all.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ),
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
}
