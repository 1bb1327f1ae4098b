//! Care gaps (screen C-18): what is due for this patient, as cards with their source, and the answers that close them.

use crate::components::gaps::{self as cards};
use crate::components::notice;
use crate::components::shell::{self, section_address};
use crate::pages::orders::{Address, NEEDS};
use crate::request::{Answer as Page, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::gaps::{self, Answer};
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Looked {
    done: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    rule: String,
    answer: String,
    reason: String,
    day: String,
    once: String,
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(looked): Query<Looked>) -> Page {
    let patient = id(&patient)?;
    let words = visitor.words;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, found) = tokio::try_join!(chart.banner(), gaps::of_patient(&pen, &patient))?;
    let main = html! {
        header.section-head { h1 { (words.say("orders-gaps")) } }
        p.lead { (words.say("orders-gaps-lead")) }
        (notice::done(words, looked.done.as_deref()))
        @if found.is_empty() { p.empty { (words.say("orders-gaps-none")) } }
        div.gap-cards { @for it in &found { (cards::card(&visitor, &patient, it)) } }
    };
    Ok(shell::chart(&visitor, &banner, "gaps", (words.say("orders-gaps"), NEEDS), main))
}

pub(crate) async fn answer(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Page {
    let patient = id(&patient)?;
    let answer = Answer::parse(&given.answer).ok_or(Refusal::NotFound)?;
    let day = match given.day.trim() {
        "" => None,
        day => Some(day.parse().map_err(|_| Refusal::Cannot("orders-fault-day"))?),
    };
    visitor.chart(&patient).banner().await?;
    gaps::answer(&visitor.pen(), &patient, &given.rule, answer, &given.reason, day, &given.once).await?;
    Ok(see_other(&format!("{}?done=saved", section_address(&visitor.address_of(patient.as_str()), "gaps"))))
}
