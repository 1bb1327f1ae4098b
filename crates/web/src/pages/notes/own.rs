//! A person's own phrases: what they keep typing, under a short name, with those that ship below.

use super::{Asked, SHEET, done, refusal};
use crate::components::card::empty;
use crate::components::form::{Errors, act_on, field, lines};
use crate::components::shell;
use crate::components::table::table;
use crate::request::{Answer, Refusal, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use care::notes::{Phrase, content, phrases};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    text: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    if !super::writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    show(&visitor, &Given::default(), asked.done.as_deref(), &Errors::none()).await
}

async fn show(visitor: &Visitor, given: &Given, word: Option<&str>, errors: &Errors) -> Answer {
    let words = visitor.words;
    let own = phrases::own(&visitor.pen()).await?;
    let heads = ["notes-phrase-key", "notes-phrase-name", "notes-phrase-text"].map(|it| words.say(it));
    let mut heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let row =
        |it: &Phrase| vec![html! { code { "." (it.key) } }, html! { (it.name) }, html! { span.phrase { (it.text) } }];
    let removable = |it: &Phrase| -> Vec<Markup> {
        let remove = act_on(
            &visitor.at("notes/phrases/remove"),
            &[("key", &it.key)],
            &words.say("notes-phrase-remove"),
            Some(&it.name),
            None,
        );
        row(it).into_iter().chain([remove]).collect()
    };
    let shipped = content::phrases().iter().map(row).collect();
    heads.push("");
    let main = html! {
        header.section-head {
            h1 { (words.say("notes-phrases")) }
            p { a href=(visitor.at("notes")) { (words.say("notes-to-desk")) } }
        }
        (done(words, word))
        (errors.summary())
        p.lead { (words.say("notes-phrases-about")) }
        section aria-labelledby="own-phrases" {
            h2 #own-phrases { (words.say("notes-phrases-own")) }
            @if own.is_empty() { (empty(&words.say("notes-phrases-none"))) }
            @else { (table(words, &words.say("notes-phrases-own"), &heads, own.iter().map(removable).collect())) }
        }
        form.stacked.narrow-form method="post" action=(visitor.at("notes/phrases")) {
            h2 { (words.say("notes-phrase-new")) }
            (field("key", &words.say("notes-phrase-key")).literal().value(&given.key).maxlength(40).hint(&words.say("notes-phrase-key-hint")).show(words, errors))
            (field("name", &words.say("notes-phrase-name")).value(&given.name).maxlength(80).optional().show(words, errors))
            (lines("text", &words.say("notes-phrase-text"), &given.text, Some(&words.say("notes-phrase-text-hint")), errors))
            div.buttons { button.primary type="submit" { (words.say("notes-phrase-keep")) } }
        }
        section aria-labelledby="shipped-phrases" {
            h2 #shipped-phrases { (words.say("notes-phrases-shipped")) }
            (table(words, &words.say("notes-phrases-shipped"), &heads[..3], shipped))
        }
    };
    let mut response = shell::page(visitor, (errors.title(words, &words.say("notes-phrases")), SHEET), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) async fn keep(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let words = visitor.words;
    let kept = phrases::keep(&visitor.pen(), &given.key, &given.name, &given.text).await;
    let (field, key) = match kept.map_err(refusal)? {
        Ok(()) => return Ok(see_other(&visitor.at("notes/phrases?done=phrase"))),
        Err(phrases::PhraseError::Key) => ("key", "notes-phrase-bad-key"),
        Err(phrases::PhraseError::Empty) => ("text", "notes-phrase-empty"),
        Err(phrases::PhraseError::TooMany) => ("key", "notes-phrase-too-many"),
    };
    show(&visitor, &given, None, &Errors::one(field, words.say(key))).await
}

pub(crate) async fn remove(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    phrases::remove(&visitor.pen(), &given.key).await.map_err(refusal)?;
    Ok(see_other(&visitor.at("notes/phrases?done=no-phrase")))
}
