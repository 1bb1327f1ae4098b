//! Pharmacies of a patient: which one they like best, to which one the prescriptions of a basket go, stopping a medicine,
//! asking what others handed out.

use crate::components::form::{act, act_on};
use crate::components::icon::icon;
use crate::components::shell::section_address;
use crate::locale::Words;
use crate::pages::orders::{Address, framed};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::orders::{Basket, OrderError, basket::Choice};
use care::pharmacy::directory::{self, Pharmacy};
use care::pharmacy::{Chosen, history, line, stop as stop_prescription};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

/// Pharmacies that the basket offers without a search.
const OFFERED: usize = 5;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    /// From the basket: the choice is for the prescriptions in it.
    basket: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    pharmacy: String,
    medication: String,
    reason: String,
    consent: String,
    once: String,
}

/// The directory, and which one is the usual one.
pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(asked): Query<Asked>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let pen = visitor.pen();
    let banner = visitor.chart(&patient).banner().await?;
    let q: String = asked.q.trim().chars().take(60).collect();
    let (found, more) = directory::search(&pen, &q).await?;
    let usual = directory::favourite(&pen, &patient).await?;
    let chart = visitor.address_of(patient.as_str());
    let at = section_address(&chart, "pharmacy");
    let main = html! {
        div.pharmacies {
        header.section-head {
            h1 { (words.with("pharmacy-favourite-of", &[("name", banner.person.name().into())])) }
            p { a href=(section_address(&chart, "basket")) { (words.say("pharmacy-back-to-basket")) } }
        }
        @match &usual {
            Some(usual) => div.lead { strong { (usual.name) } " "
                (act(&at, &[("once", &visitor.once()), ("pharmacy", "")], &words.say("pharmacy-forget"), Some("quiet small"))) },
            None => p.empty { (words.say("pharmacy-none-chosen")) },
        }
        p.quiet { (words.say("pharmacy-choose-hint")) }
        form.find-form role="search" method="get" action=(at) {
            @if asked.basket { input type="hidden" name="basket" value="true"; }
            label for="pharmacy-q" { (words.say("pharmacy-find")) }
            div.search-row {
                input #pharmacy-q type="search" name="q" value=(q) autocomplete="off" spellcheck="false" autofocus[q.is_empty()];
                button type="submit" { (words.say("pharmacy-search")) }
            }
        }
        p.status role="status" { (words.with("pharmacy-found", &[("count", found.len().into())])) }
        ul.lines.hits { @for it in &found { (listed(&visitor, &chart, it, usual.as_ref(), asked.basket)) } }
        @if more { p.similar-note { (words.say("pharmacy-more")) } }
        }
    };
    Ok(framed(&visitor, &banner, &words.say("pharmacy-favourite"), main))
}

fn listed(visitor: &Visitor, chart: &str, it: &Pharmacy, usual: Option<&Chosen>, basket: bool) -> Markup {
    let words = visitor.words;
    let is_usual = usual.is_some_and(|usual| usual.key == it.key.to_string());
    let pharmacy =
        [("once", &*visitor.once()), ("pharmacy", it.key.id.as_str())].map(|(name, value)| (name, value.to_owned()));
    let hidden: Vec<(&str, &str)> = pharmacy.iter().map(|(name, value)| (*name, value.as_str())).collect();
    html! {
        li.line.tall {
            span.main { (it.name) @if is_usual { " " span.chip.good { (icon("check")) (words.say("pharmacy-is-usual")) } } }
            span.side {
                @if basket { (act_on(&section_address(chart, "basket/pharmacy"), &hidden, &words.say("pharmacy-use"), Some(&it.name), Some("small primary"))) }
                @if !is_usual { (act_on(&section_address(chart, "pharmacy"), &hidden, &words.say("pharmacy-make-usual"), Some(&it.name), Some("small"))) }
            }
            span.under { @if let Some(address) = &it.address { (address) } @if let Some(phone) = &it.phone { " · " (phone) } }
        }
    }
}

async fn known(visitor: &Visitor, given: &str) -> Result<Option<Pharmacy>, Refusal> {
    if given.is_empty() {
        return Ok(None);
    }
    Ok(Some(directory::one(&visitor.pen(), &id(given)?).await?))
}

/// Which one the patient likes best.
pub(crate) async fn prefer(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let pharmacy = known(&visitor, &given.pharmacy).await?;
    directory::prefer(&visitor.pen(), &patient, pharmacy.as_ref(), &given.once).await?;
    Ok(see_other(&section_address(&visitor.address_of(patient.as_str()), "pharmacy")))
}

/// Where the prescriptions of the basket go; none is nowhere.
pub(crate) async fn choose(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let choice = match known(&visitor, &given.pharmacy).await? {
        Some(pharmacy) => Choice::At(pharmacy.chosen()),
        None => Choice::None,
    };
    crate::pages::orders::edit::change(&visitor, &patient, |basket| {
        let changed = basket.pharmacy.as_ref() != Some(&choice);
        basket.pharmacy = Some(choice.clone());
        Ok(changed)
    })
    .await?;
    Ok(see_other(&section_address(&visitor.address_of(patient.as_str()), "basket")))
}

/// The part of the basket that says where prescriptions go.
pub(crate) async fn of_basket(visitor: &Visitor, patient: &Id, basket: &Basket) -> Result<Markup, Refusal> {
    let words = visitor.words;
    let pen = visitor.pen();
    let drugs = basket.items.iter().any(|it| it.kind == care::orders::Kind::Drug);
    if !drugs {
        return Ok(html! {});
    }
    if !line::sends(&visitor.organisation) {
        return Ok(html! { p.quiet { (words.say("pharmacy-no-line")) } });
    }
    let chosen = basket.dispenser(&pen, patient).await?;
    let usual = directory::favourite(&pen, patient).await?;
    let mut offered: Vec<Chosen> = usual.into_iter().collect();
    offered.extend(chosen.clone().filter(|it| !offered.iter().any(|known| known.key == it.key)));
    if offered.len() < OFFERED {
        let near = directory::search(&pen, "").await?.0.into_iter().map(|it| it.chosen());
        let near: Vec<Chosen> = near.filter(|it| !offered.iter().any(|known| known.key == it.key)).collect();
        offered.extend(near.into_iter().take(OFFERED - 1));
    }
    let chart = visitor.address_of(patient.as_str());
    let is = |it: Option<&Chosen>| it.map(|it| &it.key) == chosen.as_ref().map(|it| &it.key);
    Ok(html! {
        form.stacked.dispenser method="post" action=(section_address(&chart, "basket/pharmacy")) {
            div.field {
                label for="dispenser" { (words.say("pharmacy-send-to")) }
                div.search-row {
                    select #dispenser name="pharmacy" {
                        @for it in &offered { option value=(it.key.trim_start_matches("Organization/")) selected[is(Some(it))] { (it.name) } }
                        option value="" selected[chosen.is_none()] { (words.say("pharmacy-print")) }
                    }
                    button type="submit" { (words.say("pharmacy-use")) }
                }
            }
            p.hint { @if chosen.is_none() { (words.say("pharmacy-not-sent")) " " }
                a href={ (section_address(&chart, "pharmacy")) "?basket=true" } { (words.say("pharmacy-other")) } }
        }
    })
}

/// Stops a medicine that was prescribed here.
pub(crate) async fn stop(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let medication = id(&given.medication)?;
    stop_prescription(&visitor.pen(), &patient, &medication, &given.reason, &given.once).await?;
    Ok(see_other(&section_address(&visitor.address_of(patient.as_str()), "medications")))
}

/// Asks what other pharmacies handed out.
pub(crate) async fn ask_history(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    if given.consent != "yes" {
        return Err(Refusal::Cannot("pharmacy-history-needs"));
    }
    match history::ask_for(&visitor.pen(), &patient, &given.once).await {
        Ok(()) => Ok(see_other(&section_address(&visitor.address_of(patient.as_str()), "medications"))),
        Err(OrderError::Changed) => Err(Refusal::Cannot("pharmacy-history-waits")),
        Err(error) => Err(error.into()),
    }
}

/// Beside the list of medications: what was asked, and the form that asks.
pub(crate) async fn of_medications(visitor: &Visitor, patient: &Id) -> Result<Markup, Refusal> {
    let words = visitor.words;
    let pen = visitor.pen();
    if !care::orders::may_write(&pen) || !line::sends(&visitor.organisation) {
        return Ok(html! {});
    }
    let asked = history::asked(&pen, patient).await?;
    let usual = directory::favourite(&pen, patient).await?;
    let chart = visitor.address_of(patient.as_str());
    Ok(html! {
        section.outside-fills aria-labelledby="usual-pharmacy" {
            h2 #usual-pharmacy { (words.say("pharmacy-favourite")) }
            p { @match &usual { Some(usual) => { (usual.name) } None => { span.absent { (words.say("pharmacy-none-chosen")) } } }
                " " a href=(section_address(&chart, "pharmacy")) { (words.say("pharmacy-other")) } }
        }
        section.outside-fills aria-labelledby="outside-fills" {
            h2 #outside-fills { (words.say("pharmacy-history")) }
            @if let Some(asked) = &asked { p.quiet { (told(words, asked)) } }
            @if asked.as_ref().is_none_or(|it| it.free) {
                form.stacked method="post" action=(section_address(&chart, "medications/history")) {
                    input type="hidden" name="once" value=(visitor.once());
                    label.check { input type="checkbox" name="consent" value="yes" required; " " (words.say("pharmacy-history-consent")) }
                    div.buttons { button type="submit" { (words.say("pharmacy-history-ask")) } }
                }
            }
        }
    })
}

fn told(words: &Words, asked: &history::Asked) -> String {
    let when = asked.asked.date();
    match (&asked.answered, &asked.note) {
        (_, Some(note)) => {
            words.with("pharmacy-history-refused", &[("when", when.into()), ("note", note.as_str().into())])
        }
        (Some(_), None) => {
            words.with("pharmacy-history-found", &[("when", when.into()), ("count", asked.found.into())])
        }
        (None, None) => words.with("pharmacy-history-asked", &[("when", when.into())]),
    }
}
