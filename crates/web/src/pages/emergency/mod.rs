//! Emergency access (break-glass, screen S-04): the prompt with its reason, the end by hand, and the review by the
//! privacy officer. The prompt is the same for a record that is hidden and for one that does not exist.

use crate::components::form::{Errors, choice_of, lines};
use crate::components::table::{moment, moment_ago, remaining};
use crate::components::{notice, shell, words};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use care::access::emergency::{self, Emergency, EmergencyError, LONGEST, REASON};
use care::people;
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;

/// How long it may last: (minutes, words).
const SPANS: [(&str, &str); 5] = [
    ("15", "emergency-15-minutes"),
    ("30", "emergency-30-minutes"),
    ("60", "emergency-1-hour"),
    ("120", "emergency-2-hours"),
    ("240", "emergency-4-hours"),
];

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    reason: String,
    minutes: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Which {
    id: String,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    all: Option<String>,
    done: Option<String>,
}

impl From<EmergencyError> for Refusal {
    fn from(error: EmergencyError) -> Refusal {
        match error {
            EmergencyError::Store(error) => Refusal::from(error),
            EmergencyError::Forbidden | EmergencyError::Unknown => Refusal::NotFound,
            EmergencyError::Reason => Refusal::Cannot("emergency-reason-unfit"),
            EmergencyError::Minutes => Refusal::Cannot("emergency-minutes-unfit"),
            EmergencyError::Changed => Refusal::Cannot("common-trouble-changed"),
        }
    }
}

pub(crate) async fn prompt(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    Ok(form(&visitor, &patient, &Given { minutes: "60".into(), ..Given::default() }, &Errors::none()))
}

/// What whoever may use emergency access gets where there is nothing they may see.
pub(crate) fn unseen(visitor: &Visitor, patient: &str) -> axum::response::Response {
    let known = Id::parse(patient);
    let main = html! {
        div.own {
            h1 { (visitor.words.say("emergency-there-is-nothing-here")) }
            p { (visitor.words.say("emergency-the-address-may-be-wrong")) }
            @if let Some(patient) = &known {
                p { (visitor.words.say("emergency-is-it-an-emergency-then")) " "
                    a href={ (visitor.address_of(patient.as_str())) "/emergency" } { (visitor.words.say("emergency-ask-for-emergency-access")) } "." }
            }
            p { a href=(visitor.at("")) { (visitor.words.say("emergency-back-to-the-start")) } }
        }
    };
    let mut response = shell::page(visitor, visitor.words.say("emergency-there-is-nothing-here"), main);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn form(visitor: &Visitor, patient: &Id, given: &Given, errors: &Errors) -> axum::response::Response {
    let main = html! {
        div.own {
            h1 { (visitor.words.say("emergency-emergency-access")) }
            (errors.summary())
            (notice::caution(html! {
                p { strong { (visitor.words.say("emergency-for-the-treatment-of-this")) } }
                p { (visitor.words.say("emergency-it-opens-what-is-restricted")) }
            }))
            form.stacked.narrow-form method="post" action={ (visitor.address_of(patient.as_str())) "/emergency" } {
                (lines("reason", &visitor.words.say("emergency-why-do-you-need-it"), &given.reason, Some(&visitor.words.with("emergency-at-least", &[("count", REASON.into())])), errors))
                (choice_of(visitor.words, "minutes", &visitor.words.say("emergency-for-how-long"), &SPANS, &given.minutes))
                div.buttons {
                    button.primary.danger-fill type="submit" { (visitor.words.say("emergency-open-this-record")) }
                    a href=(visitor.at("")) { (visitor.words.say("emergency-cancel")) }
                }
            }
        }
    };
    let mut response =
        shell::page(visitor, errors.title(visitor.words, &visitor.words.say("emergency-emergency-access")), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

pub(crate) async fn open(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let patient = id(&patient)?;
    let minutes = given.minutes.parse().unwrap_or(0).min(LONGEST);
    let name = visitor.organisation.surroundings.new_id();
    let (store, caller, now) = (visitor.store(), &visitor.caller, visitor.now);
    match emergency::open(store, caller, &patient, &given.reason, minutes, &name, now).await {
        Ok(_) => Ok(see_other(&visitor.address_of(patient.as_str()))),
        Err(EmergencyError::Reason) => {
            Ok(form(&visitor, &patient, &given, &Errors::one("reason", visitor.words.say("emergency-reason-unfit"))))
        }
        Err(EmergencyError::Minutes) => {
            Ok(form(&visitor, &patient, &given, &Errors::one("minutes", visitor.words.say("emergency-minutes-unfit"))))
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn end(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    emergency::close(visitor.store(), &visitor.caller, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at("")))
}

/// Those that wait for review, and on demand all.
pub(crate) async fn queue(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let waiting = asked.all.is_none();
    let found = emergency::queue(visitor.store(), &visitor.caller, waiting, None, 200, visitor.now).await?;
    let names = names(&visitor, &found).await?;
    let main = html! {
        header.section-head {
            h1 { (visitor.words.say("emergency-emergency-access")) }
            @if waiting { p { a href=(visitor.at("admin/emergency?all=yes")) { (visitor.words.say("emergency-show-reviewed-ones-too")) } } }
            @else { p { a href=(visitor.at("admin/emergency")) { (visitor.words.say("emergency-only-those-to-review")) } } }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        @if found.is_empty() { p.empty { (visitor.words.say("emergency-nothing-waits-for-your-review")) } }
        @for it in found.iter().rev() { (one(&visitor, it, &names)) }
    };
    Ok(shell::administration(&visitor, "emergency", visitor.words.say("emergency-emergency-access"), main))
}

async fn names(visitor: &Visitor, found: &[Emergency]) -> Result<HashMap<String, String>, Refusal> {
    let mut ids: Vec<Id> = found.iter().filter_map(Emergency::patient).collect();
    ids.sort();
    ids.dedup();
    match people::these(visitor.store(), &visitor.caller, &ids).await {
        Ok(hits) => Ok(hits.into_iter().map(|it| (it.person.id.clone(), it.person.name())).collect()),
        Err(store::StoreError::Forbidden) => Ok(HashMap::new()),
        Err(other) => Err(other.into()),
    }
}

fn one(visitor: &Visitor, it: &Emergency, names: &HashMap<String, String>) -> Markup {
    let heading = format!("emergency-{}", it.id);
    let seen = serde_urlencoded::to_string([("who", &it.who), ("patient", &it.patient)]).unwrap_or_default();
    let note = format!("note-{}", it.id);
    html! {
        section.panel-card.review aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (it.display) " " (visitor.words.say("emergency-opened-the-record-of")) " " (names.get(&it.patient).map_or(it.patient.as_str(), String::as_str)) }
                span.count {
                    @if it.is_open(visitor.now) { span.chip.critical { (visitor.words.say("emergency-open")) " " (remaining(visitor.words, it.until - visitor.now)) " " (visitor.words.say("emergency-left")) } }
                    @else if it.review.is_some() { span.chip.good { (visitor.words.say("emergency-reviewed-chip")) } }
                    @else { span.chip.notable { (visitor.words.say("emergency-to-review")) } }
                }
            }
            p.quiet { (words::role(visitor.words, &it.role)) ", " (moment_ago(visitor.words, it.opened, visitor.now)) (visitor.words.say("emergency-until")) " " (moment(it.until)) }
            blockquote { (it.reason) }
            @if visitor.may("audit.read") { p { a href={ (visitor.at("admin/audit?")) (seen) } { (visitor.words.say("emergency-what-they-looked-at")) } } }
            @match &it.review {
                Some(review) => p.quiet { (visitor.words.say("emergency-reviewed-by")) " " (review.display) ", " (moment(review.at)) @if !review.note.is_empty() { ": " (review.note) } },
                None => form.stacked.narrow-form method="post" action=(visitor.at("admin/emergency/review")) {
                    input type="hidden" name="id" value=(it.id);
                    div.field { label for=(note) { (visitor.words.say("emergency-your-note")) " " span.quiet { (visitor.words.say("emergency-optional")) } } textarea id=(note) name="note" rows="2" maxlength="2000" {} }
                    div.buttons { button.primary type="submit" { (visitor.words.say("emergency-mark-as-reviewed")) } }
                },
            }
        }
    }
}

pub(crate) async fn review(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    emergency::review(visitor.store(), &visitor.caller, &given.id, &given.note, visitor.now).await?;
    Ok(see_other(&visitor.at("admin/emergency?done=reviewed")))
}

/// For the patient: each time somebody opened what was restricted, with the reason they gave.
pub(crate) fn told(words: &Words, all: &[Emergency]) -> Markup {
    html! {
        @if !all.is_empty() {
            section.panel-card aria-labelledby="emergencies" {
                header { h2 #emergencies { (words.say("emergency-emergency-access")) } }
                p.quiet { (words.say("emergency-in-an-emergency-restricted-parts")) }
                ul.lines {
                    @for it in all {
                        li.line.tall {
                            span.main { (it.display) " " span.quiet { (words::role(words, &it.role)) } }
                            span.side { (moment(it.opened)) }
                            span.under { (words.say("emergency-reason-given")) " " (it.reason) @if it.review.is_some() { " " (words.say("emergency-reviewed")) } }
                        }
                    }
                }
            }
        }
    }
}
