//! Every edition of a draft: who saved it and when, what it said, and the way back to it.

use super::{SHEET, refusal};
use crate::components::form::act;
use crate::components::shell;
use crate::components::table::{moment, table};
use crate::request::{Answer, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::notes;
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Which {
    edition: Option<u32>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Query(which): Query<Which>,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let pen = visitor.pen();
    let trouble = refusal;
    let editions = notes::editions(&pen, &patient, &note).await.map_err(trouble)?;
    let banner = visitor.chart(&patient).banner().await?;
    let base = format!("{}/notes/{note}", visitor.address_of(patient.as_str()));
    let latest = editions.first().map(|it| it.number);
    let shown = match which.edition.or(latest) {
        Some(number) => Some(notes::edition(&pen, &patient, &note, number).await.map_err(trouble)?),
        None => None,
    };
    let heads = ["notes-edition", "notes-head-saved", "notes-head-by", "notes-words"].map(|it| words.say(it));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let row = |it: &notes::Edition| {
        let number = it.number;
        let current = shown.as_ref().is_some_and(|it| it.edition == number);
        vec![
            html! { a href={ (base) "/history?edition=" (number) } aria-current=[current.then_some("true")] { (words.with("notes-edition-number", &[("number", number.into())])) } },
            html! { (moment(it.at)) },
            html! { (it.by) },
            html! { (it.words) },
        ]
    };
    let main = html! {
        header.section-head {
            h1 { (words.say("notes-history")) }
            p { a href=(base) { (words.say("notes-back")) } }
        }
        div.editions {
            div { (table(words, &words.say("notes-history-caption"), &heads, editions.iter().map(row).collect())) }
            @if let Some(note) = &shown {
                section aria-labelledby="shown" {
                    h2 #shown { (words.with("notes-edition-number", &[("number", note.edition.into())])) }
                    @for part in note.parts.iter().filter(|it| !it.text.trim().is_empty()) {
                        h3 { (part.title) }
                        div.note-text { (part.text) }
                    }
                    @if Some(note.edition) != latest {
                        (act(&format!("{base}/history"), &[("edition", &note.edition.to_string())], &words.say("notes-restore"), Some("primary")))
                    }
                }
            }
        }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (words.say("notes-history"), SHEET), main))
}

pub(crate) async fn restore(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Form(which): Form<Which>,
) -> Answer {
    let patient = id(&patient)?;
    let number = which.edition.unwrap_or(0);
    let restored = notes::restore(&visitor.pen(), &patient, &note, number).await;
    restored.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes/{note}?done=restored", visitor.address_of(patient.as_str()))))
}
