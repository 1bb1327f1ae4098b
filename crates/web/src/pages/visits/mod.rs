//! Visits: the board of everybody expected, here and seen today; the start of a visit that was not booked; and one visit
//! with all that was done in it.

pub(crate) mod one;

use crate::components::combo::{Combo, picked};
use crate::components::form::{Errors, field};
use crate::components::icon::icon;
use crate::components::shell::{self, Needs};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use care::act::Act;
use care::chart::When;
use care::entries;
use care::terms::Kind;
use care::visits::{self, Board, Coming, Place, Seat, Step};
use fhir::Key;
use maud::{Markup, html};
use store::Action;

pub(crate) const NEEDS: Needs = Needs::of(&["entry.css"], &["combo.js", "entry.js"]);

/// (step, the column of the board, the button that leads to it)
const STEP_NAMES: [(Step, &str, &str); 7] = [
    (Step::Booked, "visit-booked", "visit-to-booked"),
    (Step::Arrived, "visit-arrived", "visit-to-arrived"),
    (Step::Roomed, "visit-roomed", "visit-to-roomed"),
    (Step::Ready, "visit-ready", "visit-to-ready"),
    (Step::WithClinician, "visit-with-clinician", "visit-to-with-clinician"),
    (Step::Done, "visit-done", "visit-to-done"),
    (Step::Left, "visit-left", "visit-to-left"),
];

/// Minutes at a step after which somebody has waited long.
const LONG: i64 = 20;

pub(crate) fn step_name(words: &Words, step: Step) -> String {
    STEP_NAMES.iter().find(|(it, ..)| *it == step).map_or_else(String::new, |(_, key, _)| words.say(key))
}

fn step_to(words: &Words, step: Step) -> String {
    STEP_NAMES.iter().find(|(it, ..)| *it == step).map_or_else(String::new, |(.., key)| words.say(key))
}

/// The step that usually follows.
fn next(step: Step) -> Option<Step> {
    match step {
        Step::Booked => Some(Step::Arrived),
        Step::Arrived => Some(Step::Roomed),
        Step::Roomed => Some(Step::Ready),
        Step::Ready => Some(Step::WithClinician),
        Step::WithClinician | Step::Done | Step::Left => None,
    }
}

pub(crate) async fn board(visitor: Visitor) -> Answer {
    let board = visits::board(&visitor.pen()).await?;
    let words = visitor.words;
    let main = html! {
        div.board-page data-live="Encounter Appointment" {
            header.section-head {
                h1 { (words.say("visit-board")) }
                p.quiet { (When::of_micros(visitor.now).date()) }
                @if visitor.pen().may(Action::Create, "Patient") { a.button href=(visitor.at("patients/new")) { (icon("plus")) (words.say("visit-new-patient")) } }
            }
            @if board.more { p.similar-note { (words.say("visit-board-more")) } }
            @if board.places.is_empty() {
                div.empty {
                    p { (words.say("visit-board-empty")) }
                    p { (words.say("visit-board-empty-next")) " " a href=(visitor.at("patients")) { (words.say("visit-find")) } }
                }
            }
            div.board { @for (step, ..) in STEP_NAMES.iter().filter(|(step, ..)| *step != Step::Left) { (column(&visitor, &board, *step)) } }
        }
    };
    Ok(shell::page(&visitor, (words.say("visit-board"), NEEDS), main))
}

fn column(visitor: &Visitor, board: &Board, step: Step) -> Markup {
    let here: Vec<&Place> = board.places.iter().filter(|it| it.step == step).collect();
    let heading = format!("step-{}", step.name());
    html! {
        section.column aria-labelledby=(heading) {
            h2 id=(heading) { (step_name(visitor.words, step)) " " span.count { (here.len()) } }
            ul { @for (nth, place) in here.iter().enumerate() { li { (card(visitor, board, place, &format!("{}-{nth}", step.name()))) } } }
        }
    }
}

fn card(visitor: &Visitor, board: &Board, place: &Place, id: &str) -> Markup {
    let words = visitor.words;
    let person = &place.person;
    let address = visitor.address_of(&person.id);
    let waited = place.since.map(|it| (visitor.now / 1000 - it.at()) / 60_000);
    let waits = matches!(place.step, Step::Arrived | Step::Roomed | Step::Ready);
    let to = match &place.seat {
        Seat::Visit(visit) => format!("{address}/encounters/{visit}"),
        Seat::Appointment(_) => address.clone(),
    };
    html! {
        article.seat.long[waits && waited.is_some_and(|it| it >= LONG)] aria-labelledby={ "who-" (id) } {
            h3 id={ "who-" (id) } { a href=(to) { (person.name()) } }
            @if place.similar { p.similar-note { (icon("alert")) (words.say("visit-similar")) } }
            p.quiet { @if let Some(born) = &person.born { (words.say("visit-born")) " " (crate::components::day(born)) } @if let Some(age) = person.age(visitor.now) { " (" (age) ")" } @if let Some(mrn) = person.mrn() { ", " (mrn.shown) } }
            @if let Some(reason) = &place.reason { p { (reason) } }
            p.quiet {
                @if let Some(room) = &place.room { span.chip.good { (room) } " " }
                @if let Some(clinician) = &place.clinician { (clinician) " " }
                @if let Some(since) = &place.since {
                    @if place.step == Step::Booked { span.number { (since.time_of_day()) } }
                    @else if let (Some(waited), true) = (waited, waits) { span.waited { (words.with("visit-minutes", &[("count", waited.into())])) } }
                    @else { (since.date_and_time()) }
                }
            }
            (moves(visitor, board, place, id))
        }
    }
}

/// The next step as one button; a room is chosen on the way.
fn moves(visitor: &Visitor, board: &Board, place: &Place, id: &str) -> Markup {
    let words = visitor.words;
    let pen = visitor.pen();
    let may = match &place.seat {
        Seat::Visit(_) => pen.may(Action::Update, "Encounter"),
        Seat::Appointment(_) if place.step == Step::Booked => pen.may(Action::Update, "Appointment"),
        Seat::Appointment(_) => pen.may(Action::Create, "Encounter"),
    };
    let (seat, kind) = match &place.seat {
        Seat::Visit(it) => (it, "visit"),
        Seat::Appointment(it) => (it, "appointment"),
    };
    let room = format!("room-{id}");
    html! {
        @if may && let Some(to) = next(place.step) {
            form.step method="post" action=(visitor.at("day/step")) {
                input type="hidden" name="once" value=(visitor.once());
                input type="hidden" name="patient" value=(place.person.id);
                input type="hidden" name=(kind) value=(seat);
                input type="hidden" name="version" value=(place.version);
                @if to == Step::Roomed {
                    label.spoken for=(room) { (words.with("visit-room-of", &[("patient", place.person.name().into())])) }
                    select id=(room) name="room" { @for it in &board.rooms { option value=(it) { (it) } } }
                }
                button type="submit" name="to" value=(to.name()) { (step_to(words, to)) span.spoken { ": " (place.person.name()) } }
            }
        }
    }
}

/// The next step of somebody on the board.
pub(crate) async fn step(visitor: Visitor, Form(sent): Form<Vec<(String, String)>>) -> Answer {
    let typed = typed(sent);
    let text = |name: &str| typed.get(name).map(String::as_str);
    let patient = id(text("patient").unwrap_or_default())?;
    let to = text("to").and_then(Step::parse).ok_or(Refusal::NotFound)?;
    let version = text("version").and_then(|it| it.parse().ok()).unwrap_or(0);
    let pen = visitor.pen();
    let act = Act::new("visit.step", &patient).once(text("once").unwrap_or_default());
    let room = text("room").filter(|_| to == Step::Roomed);
    let done = match (text("visit"), text("appointment")) {
        (Some(visit), _) => visits::proceed(&pen, &patient, &id(visit)?, version, to, room, act).await,
        (None, Some(booked)) if to == Step::Arrived => visits::arrive(&pen, &patient, &id(booked)?, version, act).await,
        (None, Some(booked)) if to == Step::Left => visits::missed(&pen, &patient, &id(booked)?, version, act).await,
        (None, Some(booked)) => {
            visits::begin(&pen, &patient, &id(booked)?, version, to, room.map(str::to_owned), act).await
        }
        (None, None) => return Err(Refusal::NotFound),
    };
    visitor.written(done)?;
    Ok(see_other(&visitor.at("day")))
}

/// Somebody came without an appointment.
pub(crate) async fn new(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    if !visits::may_begin(&visitor.pen()) {
        return Err(Refusal::NotFound);
    }
    let banner = visitor.chart(&patient).banner().await?;
    let staff = entries::staff(&visitor.pen()).await?;
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let own = visitor.session.principal.person.as_ref();
    let clinician = visitor.session.principal.role == "clinician";
    let main = html! {
        div.entry-page {
            h1 { (words.say("visit-start")) }
            @if let Some(ongoing) = &banner.ongoing {
                p.notice.caution { (words.say("visit-ongoing")) " " a href={ (base) "/encounters/" (ongoing.id) } { (crate::components::words::visit(words, ongoing)) } }
            }
            form.stacked.narrow-form method="post" action={ (base) "/encounters/new" } {
                input type="hidden" name="once" value=(visitor.once());
                (Combo { name: "reason", label: &words.say("visit-reason"), kind: Kind::Reason, value: "", code: "", free: true, needed: false, focus: true, address: &visitor.at("terms") }.show(words, &Errors::none(), &[]))
                div.field {
                    label for="clinician" { (words.say("visit-clinician")) }
                    select id="clinician" name="clinician" {
                        option value="" { "–" }
                        @for (key, name) in &staff { option value=(key) selected[clinician && own == Some(key)] { (name) } }
                    }
                }
                @if visitor.pen().may(Action::Create, "Encounter") { (field("room", &words.say("visit-room")).optional().maxlength(60).show(words, &Errors::none())) }
                div.buttons { button.primary type="submit" data-commit { (words.with("visit-start-save", &[("patient", banner.person.name().into())])) } }
            }
        }
    };
    Ok(shell::chart(&visitor, &banner, "encounters", (words.say("visit-start"), NEEDS), main))
}

pub(crate) async fn start(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    if !visits::may_begin(&pen) {
        return Err(Refusal::NotFound);
    }
    let mut typed = typed(sent);
    picked(&mut typed, "reason", Kind::Reason);
    let text = |name: &str| typed.get(name).cloned();
    let coming = Coming {
        reason: text("reason"),
        clinician: text("clinician").and_then(|it| Key::parse(&it)),
        room: text("room"),
    };
    let act = Act::new("visit.walk-in", &patient).once(text("once").unwrap_or_default());
    let written = visitor.written(visits::walk_in(&pen, &patient, &coming, act).await)?;
    let visit = written.keys.iter().find(|(key, _)| key.kind.name() == "Encounter");
    Ok(see_other(&match visit {
        Some((key, _)) => format!("{}/encounters/{}", visitor.address_of(patient.as_str()), key.id),
        None => visitor.at("day"),
    }))
}
