//! Messages between a patient and the practice (screen P-04): conversations, one of them, a new one. Works without
//! JavaScript; what must not wait is said before anything is typed.

use crate::components::card::empty;
use crate::components::form::{Errors, choice, lines};
use crate::components::icon::icon;
use crate::components::notice;
use crate::components::shell::{self, Needs};
use crate::locale::Words;
use crate::pages::inbox::conversation;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::messages::{self, TOPICS, Thread};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

const NEEDS: Needs = Needs::of(&["inbox.css"], &[]);
const SECTION: &str = "portal/messages";

/// Topic → the key of what it is called.
const NAMES: [(&str, &str); 6] = [
    ("question", "inbox-topic-question"),
    ("results", "inbox-topic-results"),
    ("refill", "inbox-topic-refill"),
    ("appointment", "inbox-topic-appointment"),
    ("billing", "inbox-topic-billing"),
    ("other", "inbox-topic-other"),
];

fn own(visitor: &Visitor) -> Result<Id, Refusal> {
    visitor.caller.patient.clone().ok_or(Refusal::NotFound)
}

fn topic(thread: &Thread, words: &Words) -> String {
    let named = thread.code.as_deref().and_then(|code| NAMES.iter().find(|it| it.0 == code));
    match named {
        Some((_, key)) => words.say(key),
        None if thread.topic.is_empty() => words.say("inbox-topic-other"),
        None => thread.topic.clone(),
    }
}

/// What must not be written into a message.
fn emergency(words: &Words) -> Markup {
    notice::caution(html! { p { (words.say("inbox-emergency")) } })
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    sent: Option<String>,
    topic: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let patient = own(&visitor)?;
    let words = visitor.words;
    let threads = messages::threads(&visitor.pen(), &patient).await?;
    let main = html! {
        header.section-head {
            h1 { (words.say("inbox-messages")) }
            p { a.button.primary href=(visitor.at("portal/messages/new")) { (words.say("inbox-new-message")) } }
        }
        @if asked.sent.is_some() { p.notice.good role="status" { (icon("check")) (words.say("inbox-portal-sent")) } }
        @if threads.is_empty() { (empty(&words.say("inbox-no-messages"))) }
        ul.threads {
            @for thread in &threads {
                li.card.unread[thread.unread] {
                    a href=(visitor.at(&format!("portal/messages/{}", thread.id))) { (topic(thread, words)) }
                    @if thread.unread { " " span.chip.notable { (words.say("inbox-new")) } }
                    @if let Some(last) = thread.last() {
                        p.message-head { (if last.from.is_empty() { words.say("inbox-you") } else { last.from.clone() }) @if let Some(sent) = &last.sent { " – " (sent.date_and_time()) } }
                        p.message-start { (start(&last.words)) }
                    }
                }
            }
        }
    };
    Ok(shell::portal(&visitor, SECTION, (words.say("inbox-messages"), NEEDS), main))
}

/// The beginning of a message.
fn start(words: &str) -> String {
    let mut short: String = words.chars().take(120).collect();
    if words.chars().count() > 120 {
        short.push('…');
    }
    short
}

pub(crate) async fn new(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    own(&visitor)?;
    Ok(form(&visitor, &asked.topic, "", &Errors::none()))
}

fn form(visitor: &Visitor, chosen: &str, typed: &str, errors: &Errors) -> axum::response::Response {
    let words = visitor.words;
    let options: Vec<(&str, String)> = NAMES.iter().map(|(code, key)| (*code, words.say(key))).collect();
    let options: Vec<(&str, &str)> = options.iter().map(|(code, name)| (*code, name.as_str())).collect();
    let title = words.say("inbox-new-message");
    let main = html! {
        h1 { (title) }
        (errors.summary())
        (emergency(words))
        form.stacked.narrow-form method="post" action=(visitor.at("portal/messages/new")) {
            input type="hidden" name="once" value=(visitor.once());
            (choice("topic", &words.say("inbox-topic"), &options, chosen))
            (lines("words", &words.say("inbox-words"), typed, Some(&words.say("inbox-portal-hint")), errors))
            button.primary type="submit" { (words.say("inbox-send")) }
        }
    };
    shell::portal(visitor, SECTION, (errors.title(words, &title), NEEDS), main)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Message {
    once: String,
    topic: String,
    words: String,
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Message>) -> Answer {
    let patient = own(&visitor)?;
    if given.words.trim().is_empty() || !TOPICS.contains(&given.topic.as_str()) {
        let errors = Errors::one("words", visitor.words.say("inbox-needs-words"));
        return Ok(form(&visitor, &given.topic, &given.words, &errors));
    }
    messages::from_patient(&visitor.pen(), &patient, &given.topic, &given.words, None, &given.once).await?;
    Ok(see_other(&format!("{}?sent=yes", visitor.at(SECTION))))
}

async fn read(visitor: &Visitor, thread: &str) -> Result<(Id, Thread), Refusal> {
    let patient = own(visitor)?;
    let thread = messages::thread(&visitor.pen(), &id(thread)?).await?.ok_or(Refusal::NotFound)?;
    // Another record of the same family is another place.
    if thread.patient.as_ref() != Some(&patient) || thread.of_staff {
        return Err(Refusal::NotFound);
    }
    Ok((patient, thread))
}

pub(crate) async fn one(visitor: Visitor, Path((_, thread)): Path<(String, String)>) -> Answer {
    let (_, thread) = read(&visitor, &thread).await?;
    messages::seen(&visitor.pen(), &thread).await?;
    Ok(shown(&visitor, &thread, &Errors::none()))
}

fn shown(visitor: &Visitor, thread: &Thread, errors: &Errors) -> axum::response::Response {
    let words = visitor.words;
    let title = topic(thread, words);
    let address = visitor.at(&format!("portal/messages/{}", thread.id));
    let main = html! {
        p.back { a href=(visitor.at(SECTION)) { "← " (words.say("inbox-messages")) } }
        h1 { (title) }
        (errors.summary())
        (conversation(thread, &words.say("inbox-you")))
        form.stacked.narrow-form method="post" action=(address) {
            input type="hidden" name="once" value=(visitor.once());
            (lines("words", &words.say("inbox-reply"), "", Some(&words.say("inbox-emergency")), errors))
            button.primary type="submit" { (words.say("inbox-send")) }
        }
    };
    shell::portal(visitor, SECTION, (errors.title(words, &title), NEEDS), main)
}

pub(crate) async fn answer(
    visitor: Visitor,
    Path((_, thread)): Path<(String, String)>,
    Form(given): Form<Message>,
) -> Answer {
    let (patient, thread) = read(&visitor, &thread).await?;
    if given.words.trim().is_empty() {
        return Ok(shown(&visitor, &thread, &Errors::one("words", visitor.words.say("inbox-needs-words"))));
    }
    messages::from_patient(&visitor.pen(), &patient, "", &given.words, Some(&thread), &given.once).await?;
    Ok(see_other(&visitor.at(&format!("portal/messages/{}", thread.id))))
}
