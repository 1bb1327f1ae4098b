//! Closing a visit (screen C-12): one page with everything that belongs to a visit that is done. What is missing leads to
//! where it is done; diagnosis, level and follow-up are told here, and one button ends the visit.

use crate::components::form::{Errors, choice, lines};
use crate::components::icon::icon;
use crate::components::{day_or_none, shell};
use crate::locale::Words;
use crate::pages::notes::{SHEET, done};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use care::closing::{self, Checklist, Closing, ClosingError, LEVELS, WEEKS};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

/// Levels by their keys → what pages call them.
const NAMES: [(&str, &str); 11] = [
    ("established-1", "closing-established-1"),
    ("established-2", "closing-established-2"),
    ("established-3", "closing-established-3"),
    ("established-4", "closing-established-4"),
    ("established-5", "closing-established-5"),
    ("new-2", "closing-new-2"),
    ("new-3", "closing-new-3"),
    ("new-4", "closing-new-4"),
    ("new-5", "closing-new-5"),
    ("preventive", "closing-preventive"),
    ("none", "closing-none"),
];

/// What most visits are, until somebody says otherwise.
const USUAL: &str = "established-3";

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    done: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, encounter)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (patient, encounter) = (id(&patient)?, id(&encounter)?);
    let checklist = closing::checklist(&visitor.pen(), &patient, &encounter).await?;
    // Until somebody has chosen: what was noted at this visit.
    let any = checklist.diagnoses.iter().any(|it| it.chosen);
    let usual = checklist.diagnoses.iter().filter(|it| if any { it.chosen } else { it.of_visit });
    let chosen = usual.map(|it| it.id.clone()).collect();
    let level = checklist.level.clone().unwrap_or_else(|| USUAL.to_owned());
    let given = Closing { diagnoses: chosen, level, ..Closing::default() };
    show(&visitor, &patient, &encounter, &checklist, &given, asked.done.as_deref(), &Errors::none()).await
}

async fn show(
    visitor: &Visitor,
    patient: &Id,
    encounter: &Id,
    checklist: &Checklist,
    given: &Closing,
    word: Option<&str>,
    errors: &Errors,
) -> Answer {
    let words = visitor.words;
    let banner = visitor.chart(patient).banner().await?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head {
            h1 { (words.say("closing-title")) }
            p { (crate::components::words::visit(words, &checklist.visit)) ", " (day_or_none(words, checklist.visit.from.as_ref())) }
        }
        (done(words, word))
        (errors.summary())
        @if checklist.open {
            form.closing method="post" action={ (base) "/encounters/" (encounter) "/close" } data-commit="" {
                input type="hidden" name="version" value=(checklist.version);
                (steps(words, &base, encounter, checklist))
                (told(words, checklist, given, errors))
                div.buttons {
                    button.primary type="submit" { (words.with("closing-close-for", &[("patient", banner.person.name().into())])) }
                }
            }
        } @else {
            p.notice.good { (icon("check")) (words.say("closing-is-closed")) }
            (steps(words, &base, encounter, checklist))
        }
    };
    let mut response =
        shell::chart(visitor, &banner, "encounters", (errors.title(words, &words.say("closing-title")), SHEET), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// What is done elsewhere, each with the way there.
fn steps(words: &Words, base: &str, encounter: &Id, it: &Checklist) -> Markup {
    let noted = !it.signed.is_empty() && it.drafts.is_empty();
    html! {
        ul.steps-list {
            (step(words, noted, html! {
                @if it.signed.is_empty() && it.drafts.is_empty() {
                    a href={ (base) "/notes" } { (words.say("closing-note-missing")) }
                }
                @for (id, title) in &it.drafts { a href={ (base) "/notes/" (id) } { (words.with("closing-note-unsigned", &[("title", title.as_str().into())])) } " " }
                @for (id, title) in &it.signed { a href={ (base) "/documents/" (id) } { (words.with("closing-note-signed", &[("title", title.as_str().into())])) } " " }
            }))
            (step(words, it.unsigned_orders == 0, html! {
                @match it.unsigned_orders {
                    0 => { (words.with("closing-orders-signed", &[("count", it.signed_orders.into())])) }
                    count => { a href={ (base) "/basket" } { (words.with("closing-orders-unsigned", &[("count", count.into())])) } }
                }
            }))
            (step(words, it.given.is_some(), html! {
                @match &it.given {
                    Some(id) => { a href={ (base) "/documents/" (id) } { (words.say("closing-summary-given")) } }
                    None => { a href={ (base) "/encounters/" (encounter) "/summary" } { (words.say("closing-summary-missing")) } }
                }
            }))
        }
    }
}

fn step(words: &Words, done: bool, body: Markup) -> Markup {
    html! {
        li.done[done] {
            span.mark { (icon(if done { "check" } else { "alert" })) span.spoken { (words.say(if done { "closing-done" } else { "closing-open" })) ": " } }
            span { (body) }
        }
    }
}

/// What is told on this page: diagnoses, level, follow-up.
fn told(words: &Words, it: &Checklist, given: &Closing, errors: &Errors) -> Markup {
    let wrong = |field: &str| errors.of(field).is_some().then_some("true");
    html! {
        fieldset.boxes #diagnosis aria-invalid=[wrong("diagnosis")] {
            legend { (words.say("closing-diagnoses")) }
            @if it.diagnoses.is_empty() { p.hint { (words.say("closing-no-problems")) } }
            @for one in it.diagnoses.iter().take(20) {
                label { input type="checkbox" name="diagnosis" value=(one.id) checked[given.diagnoses.contains(&one.id)]; span { (one.name) } }
            }
        }
        fieldset.boxes.levels #level aria-invalid=[wrong("level")] {
            legend { (words.say("closing-level")) }
            @for (key, _) in LEVELS {
                label { input type="radio" name="level" value=(key) checked[given.level == key]; span { (level(words, key)) } }
            }
        }
        @match &it.follow_up {
            Some(follow_up) => { p { strong { (words.say("closing-follow-up")) } " " (follow_up) } }
            None => { (choice("weeks", &words.say("closing-follow-up"), &weeks(words).iter().map(|(key, name)| (key.as_str(), name.as_str())).collect::<Vec<_>>(), &given.weeks.map_or(String::new(), |it| it.to_string()))) }
        }
        @if it.is_owed() {
            (lines("reason", &words.say("closing-reason"), &given.reason, Some(&words.say("closing-reason-hint")), errors))
        }
    }
}

fn level(words: &Words, key: &str) -> String {
    NAMES.iter().find(|(it, _)| *it == key).map_or_else(|| key.to_owned(), |(_, name)| words.say(name))
}

fn weeks(words: &Words) -> Vec<(String, String)> {
    let none = (String::new(), words.say("closing-no-follow-up"));
    let some =
        WEEKS.iter().map(|it| (it.to_string(), words.with("closing-weeks", &[("count", i64::from(*it).into())])));
    std::iter::once(none).chain(some).collect()
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient, encounter)): Path<(String, String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Answer {
    let (words, patient, encounter) = (visitor.words, id(&patient)?, id(&encounter)?);
    let field = |name: &str| fields.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value.as_str());
    let given = Closing {
        version: field("version").parse().unwrap_or(0),
        diagnoses: fields.iter().filter(|(name, _)| name == "diagnosis").map(|(_, id)| id.clone()).collect(),
        level: field("level").to_owned(),
        weeks: field("weeks").parse().ok(),
        reason: field("reason").to_owned(),
    };
    let pen = visitor.pen();
    let (at, key) = match closing::close(&pen, &patient, &encounter, &given).await {
        Ok(()) | Err(ClosingError::Closed) => {
            let to = format!("{}/encounters/{encounter}/close?done=closed", visitor.address_of(patient.as_str()));
            return Ok(see_other(&to));
        }
        Err(ClosingError::NoDiagnosis) => ("diagnosis", "closing-error-diagnosis"),
        Err(ClosingError::NoLevel) => ("level", "closing-error-level"),
        Err(ClosingError::NoReason) => ("reason", "closing-error-reason"),
        Err(ClosingError::Changed) => ("diagnosis", "closing-error-changed"),
        Err(ClosingError::Act(error)) => return Err(Refusal::from(error)),
        Err(ClosingError::Store(error)) => return Err(Refusal::from(error)),
    };
    let checklist = closing::checklist(&pen, &patient, &encounter).await?;
    show(&visitor, &patient, &encounter, &checklist, &given, None, &Errors::one(at, words.say(key))).await
}
