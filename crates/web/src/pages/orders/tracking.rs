//! Orders of a patient that were signed: what is late or open first, then what came back, with a way to the result.

use super::{Address, framed};
use crate::components::orders as parts;
use crate::components::shell::section_address;
use crate::components::{day, notice};
use crate::request::{Answer, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::orders::tracking::{self, Progress, Tracked};
use care::orders::{Basket, Kind, may_sign, may_write};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    done: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    order: String,
    reason: String,
    once: String,
}

const PROGRESS: [(Progress, &str, &str); 4] = [
    (Progress::Overdue, "orders-progress-overdue", "critical"),
    (Progress::Open, "orders-progress-open", ""),
    (Progress::Done, "orders-progress-done", "good"),
    (Progress::Cancelled, "orders-progress-cancelled", "mistaken"),
];

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(asked): Query<Asked>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, (orders, more)) = tokio::try_join!(chart.banner(), tracking::of_patient(&pen, &patient))?;
    let waiting = Basket::open(&pen, &patient).await?.items.len();
    let base = visitor.address_of(patient.as_str());
    let open = |it: &&Tracked| matches!(it.progress, Progress::Overdue | Progress::Open);
    let (open, past): (Vec<&Tracked>, Vec<&Tracked>) = orders.iter().partition(open);
    let main = html! {
        header.section-head {
            h1 { (words.say("orders-title")) }
            @if may_write(&pen) {
                p { a.button.primary href=(section_address(&base, "basket")) {
                    @if waiting > 0 { (words.with("orders-go-basket-with", &[("count", waiting.into())])) }
                    @else { (words.say("orders-go-basket")) }
                } }
            }
        }
        (notice::done(words, asked.done.as_deref()))
        @if more { p.similar-note { (words.say("orders-more")) } }
        @if orders.is_empty() { p.empty { (words.say("orders-none")) } }
        @for it in &open { (one(&visitor, &base, it)) }
        @if !past.is_empty() {
            p.quiet { (words.with("orders-past", &[("count", past.len().into())])) }
            @for it in &past { (one(&visitor, &base, it)) }
        }
    };
    Ok(framed(&visitor, &banner, &words.say("orders-title"), main))
}

fn one(visitor: &Visitor, base: &str, it: &Tracked) -> Markup {
    let words = visitor.words;
    let (_, progress, class) = PROGRESS.iter().find(|(one, ..)| *one == it.progress).expect("every progress has words");
    let heading = format!("tracked-{}", it.id);
    let open = matches!(it.progress, Progress::Overdue | Progress::Open);
    html! {
        article.order.tracked aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (it.name) }
                span.chips {
                    span class={ "chip " (class) } { (words.say(progress)) }
                    @if let Some(kind) = it.kind { " " span.chip { (parts::kind(words, kind)) } }
                    @if let Some(priority) = &it.priority { " " span.chip.notable { (parts::priority(words, priority)) } }
                }
            }
            p.quiet {
                @if let Some(ordered) = &it.ordered { (words.say("orders-ordered")) " " (day(ordered)) }
                @if let Some(by) = &it.by { ", " (by) }
                @if let Some(due) = it.due.as_ref().filter(|_| open) { "; " (words.say("orders-due")) " " (day(due)) }
            }
            @if let Some(note) = &it.note { p.note { (note) } }
            @if !it.results.is_empty() {
                @let section = if it.kind == Some(Kind::Imaging) { "imaging" } else { "results" };
                p { a href=(section_address(base, section)) { (words.say("orders-see-result")) span.spoken { " " (it.name) } } } }
            @if open && may_sign(&visitor.pen()) { (cancel(visitor, base, it)) }
        }
    }
}

fn cancel(visitor: &Visitor, base: &str, it: &Tracked) -> Markup {
    let words = visitor.words;
    let name = format!("reason-{}", it.id);
    html! {
        details {
            summary { (words.say("orders-withdraw")) span.spoken { " " (it.name) } }
            form.stacked method="post" action={ (base) "/orders/cancel" } {
                input type="hidden" name="order" value=(it.id);
                input type="hidden" name="once" value=(visitor.once());
                div.field {
                    label for=(name) { (words.say("orders-withdraw-why")) }
                    input id=(name) name="reason" type="text" maxlength="300" required autocomplete="off";
                }
                button.danger type="submit" { (words.say("orders-withdraw")) }
            }
        }
    }
}

pub(crate) async fn cancel_order(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let order = id(&given.order)?;
    tracking::cancel(&visitor.pen(), &patient, &order, &given.reason, &given.once).await?;
    Ok(see_other(&format!("{}?done=changed", section_address(&visitor.address_of(patient.as_str()), "orders"))))
}
