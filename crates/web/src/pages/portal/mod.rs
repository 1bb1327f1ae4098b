//! The first page of the portal: the patient's own record in plain words, read with the patient's own
//! reach through the same functions as the staff's chart.

use crate::components::card::{empty, not_shown};
use crate::components::form::act;
use crate::components::{day, day_or_none, flag, shell};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::http::header;
use care::access::{Charge, Relation};
use care::chart::{AllergyState, Flag, Latest, Standing, Summary};
use care::people;
use care::pharmacy::{Course, course};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let Some(own) = &visitor.caller.patient else { return Err(Refusal::NotFound) };
    let summary = visitor.chart(own).summary().await?;
    let courses = course::of_patient(&visitor.pen(), own).await?;
    let main = html! { (switcher(&visitor).await?) (show(visitor.words, &summary, &courses)) };
    Ok(shell::portal(&visitor, "portal/", visitor.words.say("portal-your-health"), main))
}

/// Whose record it is, for those who act for others too (screen P-09): always said, changed by one button.
async fn switcher(visitor: &Visitor) -> Result<Markup, Refusal> {
    let session = &visitor.session;
    let Some(current) = &session.principal.patient else { return Ok(html! {}) };
    let acting = session.charges.iter().any(|it| it.relation != Relation::Own);
    if session.charges.len() < 2 && !acting {
        return Ok(html! {});
    }
    let ids: Vec<Id> = session.charges.iter().map(|it| it.patient.clone()).collect();
    let known = match people::these(visitor.store(), &visitor.caller, &ids).await {
        Ok(hits) => hits,
        Err(store::StoreError::Forbidden) => Vec::new(),
        Err(other) => return Err(other.into()),
    };
    // Another role may see what this one does not: then only the relation is told.
    let name = |charge: &Charge| match known.iter().find(|it| it.person.id == charge.patient.as_str()) {
        Some(hit) => hit.person.spoken_name(),
        None => whose(visitor.words, charge.relation),
    };
    Ok(html! {
        section.viewing aria-label=(visitor.words.say("portal-whose-record")) {
            @for charge in session.charges.iter().filter(|it| it.patient == *current) {
                p { (visitor.words.say("portal-you-are-viewing")) " " strong { (name(charge)) } }
            }
            @for charge in session.charges.iter().filter(|it| it.patient != *current) {
                (act(&visitor.at("portal/as"), &[("patient", charge.patient.as_str())], &visitor.words.with("portal-go-to", &[("name", name(charge).into())]), None))
            }
        }
    })
}

/// What the record is to the one who looks.
fn whose(words: &Words, relation: Relation) -> String {
    words.say(match relation {
        Relation::Own => "portal-your-own-record",
        Relation::Parent => "portal-the-record-of-your-child",
        Relation::Guardian => "portal-the-record-of-your-ward",
        Relation::Spouse => "portal-the-record-of-your-partner",
        Relation::Child => "portal-the-record-of-your-parent",
        Relation::Carer => "portal-the-record-of-whom-you",
        Relation::Other => "portal-the-other-record",
    })
}

#[derive(Deserialize)]
pub(crate) struct Whose {
    patient: String,
}

pub(crate) async fn switch(visitor: Visitor, Form(given): Form<Whose>) -> Answer {
    let patient = id(&given.patient)?;
    let opened = visitor.access().switch_patient(&visitor.token, &patient, visitor.now).await?;
    let mut response = see_other(&visitor.at("portal/"));
    let cookie = crate::sessions::opened(&visitor.organisation, &opened.token);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

pub(crate) fn show(words: &Words, summary: &Summary, courses: &HashMap<String, Course>) -> Markup {
    let banner = &summary.banner;
    let problems = || summary.problems.rows.iter().filter(|it| it.standing == Standing::Active && !it.of_visit);
    let medications =
        || summary.medications.rows.iter().filter(|it| matches!(it.standing, Standing::Active | Standing::OnHold));
    html! {
        div.portal {
            h1 { (words.say("portal-hello")) " " (banner.person.spoken_name()) }
            p.lead {
                @match &banner.next_visit {
                    Some(next) => { (words.say("portal-your-next-visit-is-on")) " " strong { (next.when.date_and_time()) } @if let Some(what) = &next.what { " (" (what) ")" } "." }
                    None => (words.say("portal-you-have-no-visit-booked"))
                }
            }
            div.cards {
                div {
                    (part("medications", &words.say("portal-your-medications"), html! {
                        @if medications().count() == 0 { (empty(&words.say("portal-no-current-medications-are-recorded"))) }
                        @else { ul.lines { @for it in medications() { li.line.tall { span.main { (it.name) } span.under { (it.directions.clone().unwrap_or_else(|| words.say("portal-ask-us-how-to-take"))) } @if let Some(course) = courses.get(&it.id).filter(|_| !it.stated) { (crate::components::pharmacy::own(words, course)) } } } } }
                    }))
                    (part("allergies", &words.say("portal-your-allergies"), html! {
                        @match &banner.allergies {
                            AllergyState::Known(known) => { ul.lines { @for it in known { li.line.tall { span.main { (it.substance) } @if !it.reactions.is_empty() { span.under { (it.reactions.join("; ")) } } } } } }
                            AllergyState::NoneKnown(_) | AllergyState::OnlyPast(_) => { p { (words.say("portal-you-have-no-known-allergies")) } }
                            AllergyState::NotShown => (not_shown(words, &words.say("portal-your-allergies")))
                            AllergyState::NotRecorded => (empty(&words.say("portal-we-have-not-recorded-your")))
                        }
                    }))
                }
                div {
                    (part("results", &words.say("portal-your-test-results"), html! {
                        @if summary.results.rows.is_empty() { (empty(&words.say("portal-there-are-no-test-results"))) }
                        @else { ul.lines { @for row in summary.results.rows.iter().take(12) { (result(words, row)) } } }
                    }))
                    (part("vitals", &words.say("portal-your-measurements"), html! {
                        @if summary.vitals.rows.is_empty() { (empty(&words.say("portal-there-are-no-measurements-yet"))) }
                        @else { ul.lines { @for row in summary.vitals.rows.iter().take(8) { li.line { span.main { (row.newest().name) ": " strong { (row.newest().value.with_unit()) } } span.side { (day_or_none(words, row.newest().when.as_ref())) } } } } }
                    }))
                }
                div {
                    (part("conditions", &words.say("portal-your-conditions"), html! {
                        @if problems().count() == 0 { (empty(&words.say("portal-no-current-conditions-are-recorded"))) }
                        @else { ul.lines { @for it in problems() { li.line { span.main { (it.name) } span.side { @if let Some(since) = it.since() { (words.say("portal-since")) " " (day(since)) } } } } } }
                    }))
                    (part("vaccines", &words.say("portal-your-vaccines"), html! {
                        @let given = || summary.immunizations.rows.iter().filter(|it| it.not_done.is_none() && !it.mistaken);
                        @if given().count() == 0 { (empty(&words.say("portal-no-vaccines-are-recorded"))) }
                        @else { ul.lines { @for it in given().take(10) { li.line { span.main { (it.vaccine) } span.side { (day_or_none(words, it.given.as_ref())) } } } } }
                    }))
                    (part("visits", &words.say("portal-your-visits"), html! {
                        @if summary.visits.rows.is_empty() { (empty(&words.say("portal-there-are-no-visits-yet"))) }
                        @else { ul.lines { @for it in summary.visits.rows.iter().take(6) { li.line { span.main { (crate::components::words::visit(words, it)) } span.side { (day_or_none(words, it.from.as_ref())) } } } } }
                    }))
                }
            }
            p.help { (words.say("portal-something-wrong-or-unclear-call")) }
        }
    }
}

fn part(slug: &str, title: &str, body: Markup) -> Markup {
    let heading = format!("part-{slug}");
    html! { section class={ "card " (slug) } aria-labelledby=(heading) { header { h2 id=(heading) { (title) } } (body) } }
}

fn result(words: &Words, row: &Latest) -> Markup {
    let newest = row.newest();
    let told = match newest.flag {
        None => None,
        Some(Flag::Normal) => Some("portal-in-the-usual-range"),
        Some(Flag::High) => Some("portal-above-the-usual-range"),
        Some(Flag::Low) => Some("portal-below-the-usual-range"),
        Some(Flag::Abnormal) => Some("portal-outside-the-usual-range"),
        Some(_) => Some("portal-far-outside-the-usual-range"),
    };
    html! {
        li.line.tall {
            span.main { (newest.name) ": " strong { (newest.value.with_unit()) } " " (flag::status(words, newest.status)) }
            span.side { (day_or_none(words, newest.when.as_ref())) }
            span.under {
                @if let Some(key) = told { span class={ "words " (flag::class(newest.flag)) } { (words.say(key)) } }
                @if let Some(range) = &newest.range { " " (words.with("portal-usual", &[("range", range.shown.as_str().into())])) }
            }
        }
    }
}
