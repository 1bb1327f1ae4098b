//! A message to colleagues or a pool, about a patient or not.

use super::detail::{conversation, whom};
use super::{NEEDS, who};
use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::inbox::Priority;
use care::messages::{self, Sent};
use care::people;
use fhir::Key;
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    patient: Option<String>,
    answers: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = visitor.words;
    let pen = visitor.pen();
    let (mut thread, mut sender) = (None, None);
    if let Some(answers) = asked.answers.as_deref().filter(|it| !it.is_empty()) {
        let message = id(answers)?;
        thread = messages::thread(&pen, &message).await?;
        sender = messages::sender_of(&pen, &message).await?.map(|it| it.to_string());
    }
    let patient = match (&thread, asked.patient.as_deref()) {
        (Some(thread), _) => thread.patient.clone(),
        (None, Some(patient)) => Some(id(patient)?),
        (None, None) => None,
    };
    let person = match &patient {
        Some(patient) => people::these(visitor.store(), &visitor.caller, std::slice::from_ref(patient)).await?.pop(),
        None => None,
    };
    let colleagues = whom(&visitor).await?;
    let main = html! {
        header.section-head { h1 { (words.say("inbox-write")) } p { a href=(visitor.at("inbox")) { (words.say("inbox-back")) } } }
        @if let Some(hit) = &person { p.inbox-who { (words.say("inbox-about")) " " (who(hit, words)) } }
        @if let Some(thread) = &thread { (conversation(thread, "")) }
        form.stacked.narrow-form method="post" action=(visitor.at("inbox/new")) {
            input type="hidden" name="once" value=(visitor.once());
            @if person.is_some() && let Some(patient) = &patient { input type="hidden" name="patient" value=(patient); }
            @if let Some(answers) = &asked.answers { input type="hidden" name="answers" value=(answers); }
            div.field {
                label for="to" { (words.say("inbox-whom")) }
                select #to name="to" required {
                    option value="" { (words.say("inbox-choose-whom")) }
                    @for (key, name) in &colleagues { option value=(key) selected[sender.as_ref() == Some(key)] { (name) } }
                }
            }
            @if thread.is_none() { (field("topic", &words.say("inbox-topic")).maxlength(120).show(words, &Errors::none())) }
            div.field { label for="words" { (words.say("inbox-words")) } textarea #words name="words" rows="5" maxlength="10000" required {} }
            label.tick { input type="checkbox" name="urgent" value="yes"; span { (words.say("inbox-priority-urgent")) } }
            button.primary type="submit" { (words.say("inbox-send")) }
        }
    };
    Ok(shell::page(&visitor, (words.say("inbox-write"), NEEDS), main))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Message {
    once: String,
    to: String,
    topic: String,
    words: String,
    patient: Option<String>,
    answers: Option<String>,
    urgent: Option<String>,
}

pub(crate) async fn submit(visitor: Visitor, Form(form): Form<Message>) -> Answer {
    let pen = visitor.pen();
    let to = Key::parse(&form.to).ok_or(Refusal::Cannot("inbox-needs-whom"))?;
    if whom(&visitor).await?.iter().all(|it| it.0 != to.to_string()) {
        return Err(Refusal::Cannot("inbox-needs-whom"));
    }
    if form.words.trim().is_empty() {
        return Err(Refusal::Cannot("inbox-needs-words"));
    }
    let patient = form.patient.as_deref().map(id).transpose()?;
    let answers = form.answers.as_deref().filter(|it| !it.is_empty()).map(id).transpose()?;
    let priority = if form.urgent.is_some() { Priority::Urgent } else { Priority::Routine };
    let to = [to];
    let sent = Sent { to: &to, patient: patient.as_ref(), topic: &form.topic, words: &form.words, about: None };
    visitor.written(messages::among_staff(&pen, &sent, answers.as_ref(), priority, &form.once).await)?;
    Ok(see_other(&format!("{}?said=sent", visitor.at("inbox"))))
}

/// A message to a patient: identity first, then what was written before, then the words.
pub(crate) async fn patient_page(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let chart = visitor.chart(&patient);
    let banner = chart.banner().await?;
    let threads = messages::threads(&visitor.pen(), &patient).await?;
    let address = format!("{}/message", visitor.address_of(patient.as_str()));
    let main = html! {
        header.section-head { h1 { (words.say("inbox-message")) } }
        form.stacked.narrow-form method="post" action=(address) {
            input type="hidden" name="once" value=(visitor.once());
            (field("topic", &words.say("inbox-topic")).maxlength(120).show(words, &Errors::none()))
            div.field { label for="words" { (words.say("inbox-words")) } textarea #words name="words" rows="6" maxlength="10000" required {} }
            button.primary type="submit" { (words.say("inbox-send")) }
        }
        @for thread in threads.iter().take(10) {
            section.card { h2 { (thread.topic) } (conversation(thread, &words.say("inbox-patient-wrote"))) }
        }
    };
    Ok(shell::chart(&visitor, &banner, "message", (words.say("inbox-message"), NEEDS), main))
}

pub(crate) async fn patient_submit(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(form): Form<Message>,
) -> Answer {
    let patient = id(&patient)?;
    // Whom one may not open one may not write to.
    visitor.chart(&patient).banner().await?;
    if form.words.trim().is_empty() {
        return Err(Refusal::Cannot("inbox-needs-words"));
    }
    visitor.written(messages::to_patient(&visitor.pen(), &patient, &form.topic, &form.words, &form.once).await)?;
    Ok(see_other(&format!("{}/message", visitor.address_of(patient.as_str()))))
}
