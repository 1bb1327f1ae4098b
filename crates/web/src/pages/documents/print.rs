//! One document on paper: the head of the practice, whose it is, the text, who wrote and signed it. The chart around it
//! is left out of the print, and that it was printed is remembered.

use super::clean;
use crate::components::day;
use crate::components::shell;
use crate::pages::notes::{SHEET, done};
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, Query};
use care::chart::{Attachment, Place};
use care::notes;
use fhir::Key;
use maud::{Markup, html};
use serde::Deserialize;
use store::audit::Event;

#[derive(Deserialize, Default)]
pub(crate) struct How {
    #[serde(default)]
    large: String,
    done: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, document)): Path<(String, String, String)>,
    Query(how): Query<How>,
) -> Answer {
    let (words, patient, document) = (visitor.words, id(&patient)?, id(&document)?);
    let note = notes::signed(&visitor.pen(), &patient, &document).await.map_err(crate::pages::notes::refusal)?;
    let banner = visitor.chart(&patient).banner().await?;
    if let Some(key) = Key::parse(&format!("DocumentReference/{document}")) {
        visitor
            .store()
            .record(&visitor.caller, Event::of("print").about(key).patient(patient.clone()), visitor.now)
            .await?;
    }
    let base = format!("{}/documents/{document}", visitor.address_of(patient.as_str()));
    let (it, person, large) = (&note.document, &banner.person, how.large == "yes");
    let leaflet = note.kind.is_some_and(|it| it.key == "instructions");
    let main = html! {
        header.section-head.no-print {
            h1 { (it.title) }
            p { a href=(base) { (words.say("notes-back-to-document")) } }
        }
        (done(words, how.done.as_deref()))
        div.buttons.no-print {
            button.primary type="button" data-print="" hidden { (words.say("notes-print")) }
            @if large { a.button href={ (base) "/print" } { (words.say("notes-print-usual")) } }
            @else { a.button href={ (base) "/print?large=yes" } { (words.say("notes-print-large")) } }
        }
        article.paper.large[large] aria-label=(it.title) {
            @if !leaflet {
                header.letterhead {
                    p { strong { (visitor.organisation.name) } }
                    @if let Some(when) = &it.when { p { (day(when)) } }
                }
                p.of {
                    strong { (person.name()) }
                    @if let Some(born) = &person.born { " · " (words.say("notes-born")) " " (born.date()) }
                    @if let Some(mrn) = person.mrn() { " · MRN " (mrn.shown) }
                }
                h2 { (it.title) }
            }
            @for attachment in &it.attachments { (body(attachment)) }
            @if !leaflet {
                p.signed {
                    @if let Some(author) = &it.author { (words.with("notes-printed-author", &[("who", author.as_str().into())])) }
                    @if let Some(who) = note.authenticator.as_ref().filter(|who| Some(*who) != it.author.as_ref()) { br; (words.with("notes-authenticated", &[("who", who.as_str().into())])) }
                }
            }
        }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (it.title.as_str(), SHEET), main))
}

fn body(attachment: &Attachment) -> Markup {
    let Place::Inside(bytes) = &attachment.place else { return html! {} };
    let text = String::from_utf8_lossy(bytes);
    match attachment.content_type.as_str() {
        "text/plain" | "text/markdown" => html! { div.text { (text) } },
        "text/html" | "application/xhtml+xml" => html! { div.markup { (clean(&text)) } },
        _ => html! {},
    }
}
