//! The order form: directions with their words under them, quantity that follows from them, start, indication,
//! priority. What is wrong is told beside its field, and nothing typed is lost.

use super::framed;
use crate::components::form::{Errors, field, lines};
use crate::components::orders as parts;
use crate::components::shell::section_address;
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use care::chart::Banner;
use care::orders::basket::PRIORITIES;
use care::orders::sig::{self, Language, shown};
use care::orders::{Basket, Facts, Given, Item, Kind, look};
use fhir::Id;
use maud::{Markup, html};

type Which = Path<(String, String, String)>;

/// What the form is about.
struct Open {
    patient: Id,
    banner: Banner,
    facts: Facts,
    basket: Basket,
    item: Item,
}

async fn open(visitor: &Visitor, patient: &str, item: &str) -> Result<Open, Refusal> {
    let patient = id(patient)?;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, facts) = tokio::try_join!(chart.banner(), Facts::of(&pen, &patient))?;
    let basket = Basket::open(&pen, &patient).await?;
    let item = basket.item(item).cloned().ok_or(Refusal::NotFound)?;
    Ok(Open { patient, banner, facts, basket, item })
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient, item)): Which) -> Answer {
    let open = open(&visitor, &patient, &item).await?;
    let given = given(&open.item);
    Ok(show(&visitor, &open, &given, &Errors::none()))
}

pub(crate) async fn submit(visitor: Visitor, Path((_, patient, item)): Which, Form(given): Form<Given>) -> Answer {
    let mut open = open(&visitor, &patient, &item).await?;
    let filled = open.item.clone().filled(&given, &open.facts.problems);
    if !filled.faults.is_empty() {
        let mut errors = Errors::none();
        for (field, fault) in &filled.faults {
            errors.add(field, parts::fault(visitor.words, *fault));
        }
        open.item = filled.item;
        return Ok(show(&visitor, &open, &given, &errors));
    }
    open.basket.replace(filled.item);
    open.basket.keep(&visitor.pen(), &open.patient).await?;
    Ok(see_other(&section_address(&visitor.address_of(open.patient.as_str()), "basket")))
}

/// The order as the fields of its form.
fn given(item: &Item) -> Given {
    let sig = item.sig.as_ref();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    Given {
        dose: sig.map_or_else(String::new, |it| shown(it.dose)),
        timing: sig.map_or_else(String::new, |it| it.timing.clone()),
        route: sig.map_or_else(String::new, |it| it.route.clone()),
        how: text(sig.and_then(|it| it.how.as_ref())),
        need: text(sig.and_then(|it| it.as_needed.as_ref())),
        days: sig.and_then(|it| it.days).map_or_else(String::new, |it| it.to_string()),
        more: text(sig.and_then(|it| it.more.as_ref())),
        quantity: item.quantity.map_or_else(String::new, shown),
        refills: item.refills.to_string(),
        start: text(item.start.as_ref()),
        indication: item.indication.as_ref().map_or_else(String::new, |it| it.id.clone()),
        priority: item.priority.clone(),
        note: item.note.clone(),
    }
}

fn show(visitor: &Visitor, open: &Open, given: &Given, errors: &Errors) -> Response {
    let words = visitor.words;
    let basket = section_address(&visitor.address_of(open.patient.as_str()), "basket");
    let item = &open.item;
    let seen = look(&open.basket, &open.facts).into_iter().find(|it| it.item.id == item.id);
    let main = html! {
        header.section-head { h1 { (item.name) } p { a href=(basket) { (words.say("orders-back")) } } }
        (errors.summary())
        @for alert in seen.iter().flat_map(|it| &it.alerts) { (parts::alert(words, &visitor.address_of(open.patient.as_str()), alert)) }
        form.stacked.order-form method="post" action={ (basket) "/item/" (item.id) } {
            @if item.kind == Kind::Drug { (directions(words, open, given, errors)) }
            div.row {
                (field("start", &words.say("orders-field-start")).kind("date").value(&given.start).optional().show(words, errors))
                (select("priority", &words.say("orders-field-priority"), &priorities(words), &given.priority))
            }
            (select("indication", &words.say("orders-field-indication"), &problems(words, open), &given.indication))
            (lines("note", &words.say("orders-field-note"), &given.note, None, errors))
            div.buttons {
                button.primary type="submit" data-commit="" { (words.say("orders-keep")) }
                a href=(basket) { (words.say("orders-cancel")) }
            }
        }
    };
    let mut response = framed(visitor, &open.banner, &errors.title(words, &item.name), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

fn directions(words: &Words, open: &Open, given: &Given, errors: &Errors) -> Markup {
    let item = &open.item;
    let Some(sig) = &item.sig else {
        // A renewal keeps the directions as they were written; other ones are a new order.
        return html! {
            p.directions { (item.copied_directions().unwrap_or_else(|| words.say("orders-unknown"))) }
            (field("refills", &words.say("orders-field-refills")).value(&given.refills).show(words, errors))
        };
    };
    let listed = |all: Vec<(&'static str, &'static str)>, none: Option<String>| -> Vec<(String, String)> {
        let all = all.into_iter().map(|(key, words)| (key.to_owned(), words.to_owned()));
        none.into_iter().map(|it| (String::new(), it)).chain(all).collect()
    };
    let unit = words.with("orders-field-dose", &[("unit", sig.unit().to_owned().into())]);
    html! {
        fieldset {
            legend { (words.say("orders-directions")) }
            div.row {
                (field("dose", &unit).value(&given.dose).maxlength(12).show(words, errors))
                (select("route", &words.say("orders-field-route"), &listed(sig::routes(), None), &given.route))
                (select("timing", &words.say("orders-field-timing"), &listed(sig::timings(), Some(words.say("orders-choose"))), &given.timing))
            }
            div.row {
                (select("how", &words.say("orders-field-how"), &listed(sig::hows(), Some(words.say("orders-nothing"))), &given.how))
                (select("need", &words.say("orders-field-need"), &listed(sig::needs(), Some(words.say("orders-nothing"))), &given.need))
                (field("days", &words.say("orders-field-days")).value(&given.days).optional().maxlength(4).show(words, errors))
            }
            (field("more", &words.say("orders-field-more")).value(&given.more).optional().maxlength(300).show(words, errors))
            dl.preview {
                div { dt { (words.say("orders-preview-english")) } dd lang="en" { (sig.words(Language::English)) } }
                div { dt { (words.say("orders-preview-spanish")) } dd lang="es" { (sig.words(Language::Spanish)) } }
                @if open.facts.language == Language::Spanish { div { dd.quiet { (words.say("orders-preview-reads-spanish")) } } }
                @for (name, amount) in by_weight(open) { div { dt { (name) } dd { (amount) } } }
            }
        }
        fieldset {
            legend { (words.say("orders-hand-out")) }
            div.row {
                (field("quantity", &words.with("orders-field-quantity", &[("unit", item.unit.clone().into())]))
                    .value(&given.quantity).optional().hint(&words.say("orders-field-quantity-hint")).maxlength(12).show(words, errors))
                (field("refills", &words.say("orders-field-refills")).value(&given.refills).maxlength(3).show(words, errors))
            }
        }
    }
}

/// How much of each ingredient in a day, and for each kilogram where the weight is known.
fn by_weight(open: &Open) -> Vec<(String, String)> {
    let (Some(drug), Some(sig)) = (open.item.drug(), &open.item.sig) else { return Vec::new() };
    let weight = open.facts.known.weight.as_ref().map(|it| it.kilograms);
    let parts = drug.ingredients.iter().zip(&drug.strengths);
    parts
        .filter_map(|(part, has)| {
            let daily = sig.daily(has.amount)?;
            let mut amount = format!("{} {} / 24 h", shown(daily.round_dp(2)), has.unit);
            if let Some(weight) = weight.filter(|it| !it.is_zero()) {
                amount.push_str(&format!(" = {} {}/kg", shown((daily / weight).round_dp(1)), has.unit));
            }
            Some((part.name.clone(), amount))
        })
        .collect()
}

fn select(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    let options: Vec<(&str, &str)> = options.iter().map(|(value, words)| (value.as_str(), words.as_str())).collect();
    crate::components::form::choice(name, label, &options, chosen)
}

fn priorities(words: &Words) -> Vec<(String, String)> {
    PRIORITIES.iter().map(|it| ((*it).to_owned(), parts::priority(words, it))).collect()
}

fn problems(words: &Words, open: &Open) -> Vec<(String, String)> {
    let none = (String::new(), words.say("orders-no-indication"));
    std::iter::once(none).chain(open.facts.problems.iter().map(|it| (it.id.clone(), it.name.clone()))).collect()
}
