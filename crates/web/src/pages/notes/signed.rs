//! What can be done with a note after its signature: add to it, correct it, co-sign it, print it. A signed text never
//! changes.

use super::refusal;
use crate::components::day_or_none;
use crate::components::form::Errors;
use crate::components::form::{act, lines};
use crate::request::{Answer, Visitor, id, see_other};
use axum::Form;
use axum::extract::Path;
use care::notes::{self, How, SignedNote, Standing};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Comment {
    #[serde(default)]
    comment: String,
}

/// How a note stands, what belongs to it, and what the visitor may do with it.
pub(crate) fn around(visitor: &Visitor, base: &str, note: &SignedNote) -> Markup {
    let words = visitor.words;
    let address = format!("{base}/documents/{}", note.document.id);
    let standing = match note.standing {
        Standing::Preliminary => Some("notes-standing-preliminary"),
        Standing::Final => Some("notes-standing-final"),
        Standing::Amended => Some("notes-standing-amended"),
        Standing::Superseded | Standing::Mistaken | Standing::Unsaid => None,
    };
    let adds = super::writes(visitor) && !matches!(note.standing, Standing::Superseded | Standing::Mistaken);
    let corrects =
        adds && note.ours && note.mine && !note.locked && matches!(note.standing, Standing::Final | Standing::Amended);
    html! {
        section.around aria-label=(words.say("notes-around")) {
            p {
                @if let Some(standing) = standing { span.chip { (words.say(standing)) } " " }
                @if note.locked { span.chip { (words.say("notes-locked")) } " " }
                @if let Some(who) = &note.authenticator { (words.with("notes-authenticated", &[("who", who.as_str().into())])) }
            }
            @if let Some((how, target)) = &note.amends {
                p { a href={ (base) "/documents/" (target) } { (words.say(match how { How::Appends => "notes-adds-to", How::Replaces => "notes-corrects" })) } }
            }
            @if !note.later.is_empty() {
                h2 { (words.say("notes-later")) }
                ul.lines {
                    @for it in &note.later {
                        li {
                            a href={ (base) "/documents/" (it.document) } { (it.title) } " "
                            span.quiet {
                                (words.say(match it.how { How::Appends => "notes-later-addendum", How::Replaces => "notes-later-correction" })) ", "
                                (day_or_none(words, it.when.as_ref())) @if let Some(author) = &it.author { ", " (author) }
                            }
                        }
                    }
                }
            }
            @if let Some(waiting) = &note.waiting {
                @if waiting.mine {
                    form.stacked.narrow-form method="post" action={ (address) "/co-sign" } data-commit="" {
                        (lines("comment", &words.say("notes-co-sign-comment"), "", None, &Errors::none()))
                        div.buttons { button.primary type="submit" { (words.say("notes-co-sign")) } }
                    }
                } @else {
                    p.notice.caution { (words.with("notes-waits-for", &[("who", waiting.supervisor.clone().unwrap_or_default().into())])) }
                }
            }
            div.buttons.no-print {
                @if adds { (act(&format!("{address}/add"), &[], &words.say("notes-add-to"), None)) }
                @if corrects { (act(&format!("{address}/correct"), &[], &words.say("notes-correct"), None)) }
                a.button href={ (address) "/print" } { (words.say("notes-print")) }
            }
        }
    }
}

pub(crate) async fn add(visitor: Visitor, Path((_, patient, document)): Path<(String, String, String)>) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    let note = notes::add_to(&visitor.pen(), &patient, &document).await.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes/{}", visitor.address_of(patient.as_str()), note.id)))
}

pub(crate) async fn correct(visitor: Visitor, Path((_, patient, document)): Path<(String, String, String)>) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    let note = notes::correct(&visitor.pen(), &patient, &document).await.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes/{}", visitor.address_of(patient.as_str()), note.id)))
}

pub(crate) async fn co_sign(
    visitor: Visitor,
    Path((_, patient, document)): Path<(String, String, String)>,
    Form(given): Form<Comment>,
) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    let signed = notes::co_sign(&visitor.pen(), &patient, &document, &given.comment).await;
    signed.map_err(refusal)?;
    Ok(see_other(&format!("{}/documents/{document}?done=co-signed", visitor.address_of(patient.as_str()))))
}
