//! The queue of renewals (screen C-14) and one request with what is needed to decide: last fill, last visit, the tests
//! that belong to the medicine, what the protocol says. Approve, deny with a reason, or ask them to come.

use crate::components::icon::icon;
use crate::components::shell::section_address;
use crate::components::{day, notice, shell};
use crate::components::{orders as parts, pharmacy as parts_of};
use crate::locale::Words;
use crate::pages::orders::{Address, NEEDS, framed};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::checks::Tier;
use care::orders::{OrderError, may_sign};
use care::pharmacy::requests::Asks;
use care::renewals::{self, Advice, Asked, Condition, Decision, Request, Waiting};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Looked {
    done: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    decision: String,
    refills: String,
    quantity: String,
    reason: String,
    medication: String,
    once: String,
}

pub(crate) async fn queue(visitor: Visitor, Query(looked): Query<Looked>) -> Answer {
    let words = visitor.words;
    let (waiting, more) = renewals::queue(&visitor.pen()).await?;
    let main = html! {
        div.own {
            h1 { (words.say("orders-renewals")) }
            (notice::done(words, looked.done.as_deref()))
            @if waiting.is_empty() { p.empty { (words.say("orders-renewals-none")) } }
            @if more { p.similar-note { (words.say("orders-more")) } }
            @if !waiting.is_empty() { ul.lines.renewals { @for it in &waiting { (line(&visitor, it)) } } }
        }
    };
    Ok(shell::page(&visitor, (words.say("orders-renewals"), NEEDS), main))
}

fn line(visitor: &Visitor, it: &Waiting) -> Markup {
    let words = visitor.words;
    html! {
        li.line.tall {
            span.main {
                a href={ (visitor.at("renewals/")) (it.id) } { (it.of) ": " (it.name) }
                @if let Some(born) = &it.born { " " span.quiet { (words.say("orders-born")) " " (day(born)) } }
                @if it.change { " " span.chip.notable { (words.say("pharmacy-change")) } }
            }
            span.side { @if let Some(asked) = &it.asked { (asked.ago(visitor.now)) } }
            @if it.note.is_some() || it.asked_by.is_some() {
                span.under { @if let Some(note) = &it.note { (note) } @if let Some(by) = &it.asked_by { " (" (by) ")" } }
            }
        }
    }
}

pub(crate) async fn page(visitor: Visitor, Path((_, request)): Path<(String, String)>) -> Answer {
    let request_id = id(&request)?;
    let words = visitor.words;
    let request = renewals::request(&visitor.pen(), &request_id).await?;
    let banner = visitor.chart(&request.waiting.patient).banner().await?;
    let title = words.with("orders-renewal-of", &[("name", request.waiting.name.clone().into())]);
    let base = visitor.address_of(&banner.person.id);
    let main = html! {
        header.section-head { h1 { (title) } p { a href=(visitor.at("renewals")) { (words.say("orders-renewals")) } } }
        @if let Some(asks) = &request.asks { (asked_by(words, &request, asks)) }
        div.renewal {
            section aria-labelledby="asked" { h2 #asked { (words.say("orders-renewal-asked")) } (facts(words, &request, visitor.now)) }
            section aria-labelledby="protocol" { h2 #protocol { (words.say("orders-protocol")) } (advice(words, &request.advice)) }
        }
        @for alert in &request.alerts { (parts::alert(words, &base, alert)) }
        @if !request.open { p.notice.caution { (words.say("orders-renewal-closed")) } }
        @else if may_sign(&visitor.pen()) { (decide_form(&visitor, &request, &banner.person.name())) }
        p { a href=(section_address(&base, "medications")) { (words.say("orders-medications")) } }
    };
    Ok(framed(&visitor, &banner, &title, main))
}

/// What the pharmacy wants.
fn asked_by(words: &Words, request: &Request, asks: &Asks) -> Markup {
    let named = |key: &str| words.with(key, &[("pharmacy", asks.pharmacy.as_str().into())]);
    html! {
        div.notice.asks {
            (icon("alert"))
            div {
                p { strong { (named(if asks.change { "pharmacy-asks-change" } else { "pharmacy-asks-more" })) }
                    @if let Some(code) = &asks.code { ": " (parts_of::reason(words, code)) } }
                @if let Some(reason) = &asks.reason { p { "“" (reason) "”" } }
                @if let Some(instead) = &request.instead_of { p { (words.with("pharmacy-instead-of", &[("name", instead.as_str().into())])) } }
                @if let Some(count) = asks.refills { p { (words.with("pharmacy-asks-refills", &[("count", count.into())])) } }
                @if asks.alternatives > 1 { p { (words.with("pharmacy-asks-alternatives", &[("count", asks.alternatives.into())])) } }
                @if request.open { p.quiet { (named("pharmacy-answer-note")) } }
                @if let Some(trouble) = &asks.trouble { p { (words.with("pharmacy-answer-trouble", &[("note", trouble.as_str().into())])) } }
            }
        }
    }
}

fn facts(words: &Words, request: &Request, now: i64) -> Markup {
    let fact = |label: &str, value: Markup| html! { div { dt { (words.say(label)) } dd { (value) } } };
    let when = |it: Option<&care::chart::When>| {
        html! {
            (parts::day_or(words, it)) @if let Some(it) = it { " " span.quiet { (it.ago(now)) } }
        }
    };
    html! {
        dl.facts {
            (fact("orders-field-directions", html! { (request.directions.clone().unwrap_or_else(|| words.say("orders-unknown"))) }))
            @if let Some(note) = &request.waiting.note { (fact("orders-renewal-note", html! { (note) })) }
            (fact("orders-renewal-prescribed", html! { (when(request.prescribed.as_ref())) @if let Some(by) = &request.prescriber { ", " (by) } }))
            (fact("orders-renewal-last-fill", when(request.last_fill.as_ref())))
            (fact("orders-renewal-last-visit", when(request.last_visit.as_ref())))
            (fact("orders-field-refills", html! { @match request.refills { Some(refills) => { (refills) }, None => span.absent { (words.say("orders-unknown")) } } }))
        }
    }
}

fn advice(words: &Words, advice: &Advice) -> Markup {
    let with = |key: &str, protocol: &str, refills: u32| {
        words.with(key, &[("protocol", protocol.to_owned().into()), ("refills", refills.into())])
    };
    html! {
        @match advice {
            Advice::Renew { protocol, refills, conditions } => {
                p.notice.good { (icon("check")) (with("orders-protocol-renew", protocol, *refills)) }
                (list(words, conditions))
            }
            Advice::Look { protocol, refills, conditions } => {
                p.notice.caution { (icon("alert")) (with("orders-protocol-look", protocol, *refills)) }
                (list(words, conditions))
            }
            Advice::None => p.empty { (words.say("orders-protocol-none")) },
            Advice::Controlled => p.notice.caution { (icon("alert")) (words.say("orders-protocol-controlled")) },
        }
    }
}

fn list(words: &Words, conditions: &[Condition]) -> Markup {
    let said = |it: &Asked| match it {
        Asked::Visit(months) => words.with("orders-protocol-visit", &[("months", (*months).into())]),
        Asked::Test(name, months) => {
            words.with("orders-protocol-test", &[("name", name.clone().into()), ("months", (*months).into())])
        }
        Asked::InRange(name) => words.with("orders-protocol-range", &[("name", name.clone().into())]),
    };
    html! {
        ul.conditions {
            @for it in conditions {
                li.met[it.met] {
                    @if it.met { (icon("check")) span.spoken { (words.say("orders-met")) ": " } }
                    @else { (icon("alert")) span.spoken { (words.say("orders-not-met")) ": " } }
                    (said(&it.what))
                    @if let Some(value) = &it.value { ": " strong { (value) } }
                    @if let Some(when) = &it.when { " " span.quiet { (day(when)) } }
                }
            }
        }
    }
}

fn decide_form(visitor: &Visitor, request: &Request, name: &str) -> Markup {
    let words = visitor.words;
    let refills = match (&request.advice, &request.asks) {
        (Advice::Renew { refills, .. }, _) => *refills,
        // A change is made to what may be filled so often already.
        (_, Some(asks)) if asks.change => request.refills.and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
        _ => 0,
    };
    let stopped = request.alerts.iter().any(|it| it.tier == Tier::Stop);
    html! {
        form.stacked.decide method="post" action={ (visitor.at("renewals/")) (request.waiting.id) } {
            input type="hidden" name="once" value=(visitor.once());
            div.row {
                div.field {
                    label for="refills" { (words.say("orders-field-refills")) }
                    input #refills name="refills" type="number" min="0" max="11" value=(refills);
                }
                @if request.asks.is_some() { div.field {
                    label for="quantity" { (words.say("pharmacy-quantity")) }
                    input #quantity name="quantity" type="text" inputmode="decimal" maxlength="8" value=(request.quantity.as_deref().unwrap_or_default()) autocomplete="off";
                } }
                div.field {
                    label for="reason" { (words.say("orders-renewal-reason")) }
                    input #reason name="reason" type="text" maxlength="300" autocomplete="off" aria-describedby="reason-hint";
                    p.hint #reason-hint { (words.say("orders-renewal-reason-hint")) }
                }
            }
            div.buttons {
                @if !stopped {
                    button.primary type="submit" name="decision" value="approve" data-commit="" { (words.with("orders-renewal-approve", &[("name", name.to_owned().into())])) }
                }
                button type="submit" name="decision" value="appointment" { (words.say("orders-renewal-appointment")) }
                button.danger type="submit" name="decision" value="deny" { (words.say("orders-renewal-deny")) }
            }
        }
    }
}

pub(crate) async fn decide(
    visitor: Visitor,
    Path((_, request)): Path<(String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let request = id(&request)?;
    let decision = match given.decision.as_str() {
        "approve" => {
            let refills = given.refills.trim().parse().ok().filter(|it| *it <= 11);
            let quantity = match given.quantity.trim() {
                "" => None,
                typed => Some(renewals::quantity(typed).ok_or(Refusal::Cannot("orders-fault-number"))?),
            };
            Decision::Approve { refills: refills.ok_or(Refusal::Cannot("orders-fault-number"))?, quantity }
        }
        "appointment" => Decision::Appointment,
        "deny" => Decision::Deny,
        _ => return Err(Refusal::NotFound),
    };
    match renewals::decide(&visitor.pen(), &request, &decision, &given.reason, &given.once).await {
        Ok(_) => Ok(see_other(&visitor.at("renewals?done=saved"))),
        Err(OrderError::Changed) => Err(Refusal::Cannot("orders-renewal-closed")),
        Err(error) => Err(error.into()),
    }
}

/// From the list of medications: what a patient asked for on the telephone goes into the queue.
pub(crate) async fn ask(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let medication = id(&given.medication)?;
    renewals::ask_for(&visitor.pen(), &patient, &medication, &given.reason, &given.once).await?;
    Ok(see_other(&format!("{}?done=saved", section_address(&visitor.address_of(patient.as_str()), "medications"))))
}
