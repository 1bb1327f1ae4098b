//! One visit: how far it is, what to do next, and all that was done in it.

use super::{NEEDS, next, step_name, step_to};
use crate::components::card::empty;
use crate::components::icon::icon;
use crate::components::shell;
use crate::components::{actions, flag};
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use care::act::Act;
use care::visits::{self, Gathered, Step};
use fhir::Id;
use maud::{Markup, html};
use store::Action;

pub(crate) async fn page(visitor: Visitor, Path((_, patient, visit)): Path<(String, String, String)>) -> Answer {
    let (patient, visit) = (id(&patient)?, id(&visit)?);
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, it) = tokio::try_join!(chart.banner(), visits::gather(&pen, &patient, &visit))?;
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        div.visit-page data-live="Encounter Observation Condition DocumentReference ServiceRequest MedicationRequest" {
            header.section-head {
                h1 { (crate::components::words::visit(words, &it.visit)) }
                @if let Some(step) = it.step { span.chip.good[step != Step::Left] { (step_name(words, step)) } }
                @if let Some(room) = &it.room { span.chip { (room) } }
            }
            p.quiet {
                @if let Some(from) = &it.visit.from { (from.date_and_time()) } @if let Some(to) = &it.visit.to { " – " (to.date_and_time()) }
                @if let Some(clinician) = &it.visit.clinician { ", " (clinician) }
            }
            (steps(&visitor, &patient, &visit, &it))
            (to_do(&visitor, &base, &visit, &it))
            div.cards.visit-parts { (parts(&visitor, &base, &it)) }
        }
    };
    Ok(shell::chart(&visitor, &banner, "encounters", (words.say("visit-visit"), NEEDS), main))
}

/// How far it is and where it may go.
fn steps(visitor: &Visitor, patient: &Id, visit: &Id, it: &Gathered) -> Markup {
    let words = visitor.words;
    let Some(step) = it.step.filter(|_| visitor.pen().may(Action::Update, "Encounter")) else { return html! {} };
    let back = (step > Step::Arrived && step < Step::Done).then_some(match step {
        Step::WithClinician => Step::Ready,
        Step::Ready => Step::Roomed,
        _ => Step::Arrived,
    });
    html! {
        form.steps-form method="post" action={ (visitor.address_of(patient.as_str())) "/encounters/" (visit) "/step" } {
            input type="hidden" name="once" value=(visitor.once());
            input type="hidden" name="version" value=(it.version);
            ol.progress { @for at in [Step::Arrived, Step::Roomed, Step::Ready, Step::WithClinician, Step::Done] { li.reached[at <= step] aria-current=[(at == step).then_some("step")] { (step_name(words, at)) } } }
            div.buttons {
                @if let Some(to) = next(step) {
                    @if to == Step::Roomed { label.spoken for="room" { (words.say("visit-room")) } input #room.short name="room" value=(words.say("visit-room-one")) maxlength="60"; }
                    button.primary type="submit" name="to" value=(to.name()) { (step_to(words, to)) }
                }
                @if let Some(to) = back { button type="submit" name="to" value=(to.name()) { (words.with("visit-back-to", &[("step", step_name(words, to).into())])) } }
                @if step < Step::WithClinician { button type="submit" name="to" value="left" { (step_to(words, Step::Left)) } }
            }
        }
    }
}

/// What is usually done in a visit; each only when there is such a page for the role.
fn to_do(visitor: &Visitor, base: &str, visit: &Id, it: &Gathered) -> Markup {
    let words = visitor.words;
    let pen = visitor.pen();
    let open = it.step.is_some_and(|it| it < Step::Done);
    let there = |end: &str| actions::opens(visitor, &format!("patients/{{id}}/{end}"));
    html! {
        nav.to-do aria-label=(words.say("visit-to-do")) {
            @if pen.may(Action::Create, "Observation") { a.button href={ (base) "/vitals/new?visit=" (visit) } { (icon("plus")) (words.say("visit-vitals")) } }
            @if pen.may(Action::Update, "Condition") { a.button href={ (base) "/history" } { (words.say("visit-history")) } }
            @if there("notes") && pen.may(Action::Create, "DocumentReference") { a.button href={ (base) "/notes?visit=" (visit) } { (icon("document")) (words.say("visit-note")) } }
            @if there("orders") && pen.may(Action::Create, "ServiceRequest") { a.button href={ (base) "/orders?visit=" (visit) } { (icon("flask")) (words.say("visit-order")) } }
            @if open && pen.may(Action::Update, "Encounter") {
                @if there("encounters/{encounter}/close") { a.button.primary href={ (base) "/encounters/" (visit) "/close" } { (words.say("visit-close")) } }
            }
        }
    }
}

fn parts(visitor: &Visitor, base: &str, it: &Gathered) -> Markup {
    let words = visitor.words;
    let card = |slug: &str, title: String, nothing: String, body: Option<Markup>| {
        let heading = format!("part-{slug}");
        html! {
            section.card aria-labelledby=(heading) {
                header { h2 id=(heading) { (title) } }
                @match body { Some(body) => (body), None => (empty(&nothing)) }
            }
        }
    };
    let some = |count: usize, body: Markup| (count > 0).then_some(body);
    html! {
        (card("vitals", words.say("visit-vitals"), words.say("visit-no-vitals"), some(it.vitals.len(), html! {
            ul.lines { @for reading in &it.vitals { li.line {
                span.main { (reading.name) ": " span.value { (reading.value.with_unit()) } " " (flag::badge(words, reading.flag)) }
                span.side { a href={ (base) "/vitals/fix/" (reading.id) } data-drawer { (words.say("vitals-correct")) span.spoken { " " (reading.name) } } }
            } } }
        })))
        (card("diagnoses", words.say("visit-diagnoses"), words.say("visit-no-diagnoses"), some(it.diagnoses.len(), html! {
            ul.lines { @for problem in &it.diagnoses { li.line { span.main { (problem.name) } span.side { @if let Some(code) = &problem.code { (code) } } } } }
        })))
        (card("notes", words.say("visit-notes"), words.say("visit-no-notes"), some(it.notes.len(), html! {
            ul.lines { @for note in &it.notes { li.line { span.main { a href={ (base) "/documents/" (note.id) } { (note.title) } @if note.preliminary { " " span.chip.notable { (words.say("visit-unsigned")) } } } } } }
        })))
        (card("orders", words.say("visit-orders"), words.say("visit-no-orders"), some(it.orders.len(), html! {
            ul.lines { @for order in &it.orders { li.line.tall { span.main { (order.title) @if let Some(status) = &order.status { " " span.chip { (status) } } } @if let Some(detail) = &order.detail { span.under { (detail) } } } } }
        })))
        @if !it.given.is_empty() || !it.procedures.is_empty() {
            (card("done", words.say("visit-done-here"), String::new(), Some(html! {
                ul.lines {
                    @for given in &it.given { li.line { span.main { (given.vaccine) } } }
                    @for done in &it.procedures { li.line { span.main { (done.title) } } }
                }
            })))
        }
    }
}

pub(crate) async fn step(
    visitor: Visitor,
    Path((_, patient, visit)): Path<(String, String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let (patient, visit) = (id(&patient)?, id(&visit)?);
    let typed = typed(sent);
    let text = |name: &str| typed.get(name).map(String::as_str);
    let to = text("to").and_then(Step::parse).filter(|it| !matches!(it, Step::Booked)).ok_or(Refusal::NotFound)?;
    let version = text("version").and_then(|it| it.parse().ok()).unwrap_or(0);
    let pen = visitor.pen();
    let act = Act::new("visit.step", &patient).once(text("once").unwrap_or_default());
    let room = text("room").filter(|_| to == Step::Roomed);
    visitor.written(visits::proceed(&pen, &patient, &visit, version, to, room, act).await)?;
    Ok(see_other(&format!("{}/encounters/{visit}", visitor.address_of(patient.as_str()))))
}
