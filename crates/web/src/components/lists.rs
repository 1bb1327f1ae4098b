//! Rows of the lists of a chart: short on the summary, whole in a section.

use super::icon::icon;
use super::outside::badge;
use super::{day, day_or_none};
use crate::locale::Words;
use care::chart::{
    Allergy, Criticality, Document, Event, EventKind, Immunization, Medication, Problem, Standing, Visit, VisitStanding,
};
use maud::{Markup, html};

/// Anything but plainly active, in a chip.
pub(crate) fn standing(words: &Words, standing: Standing, said: Option<&str>) -> Markup {
    match standing {
        Standing::Active => html! { @if let Some(said) = said { span.chip { (said) } } },
        Standing::OnHold => html! { span.chip.notable { (words.say("chart-on-hold")) } },
        Standing::Past => html! {
            span.chip { @match said { Some(said) => (said), None => (words.say("chart-of-the-past")) } }
        },
        Standing::Mistaken => html! { span.chip.mistaken { (words.say("chart-entered-in-error")) } },
    }
}

fn doubt(words: Option<&String>) -> Markup {
    html! { @if let Some(words) = words { span.chip.doubt { (words) } } }
}

pub(crate) fn problem_line(words: &Words, problem: &Problem) -> Markup {
    html! {
        li.line {
            span.main { (problem.name) " " (doubt(problem.doubt.as_ref())) (badge(words, problem.source.as_deref())) }
            span.side { @if let Some(since) = problem.since() { (words.say("chart-since")) " " (day(since)) } }
        }
    }
}

pub(crate) fn medication_line(words: &Words, medication: &Medication) -> Markup {
    html! {
        li.line.tall {
            span.main { (medication.name) " " (standing(words, medication.standing, None)) @if medication.reported { " " span.chip { (words.say("chart-reported")) } } (badge(words, medication.source.as_deref())) }
            span.under { @match &medication.directions { Some(directions) => (directions), None => { span.absent { (words.say("chart-no-directions-recorded")) } } } }
        }
    }
}

pub(crate) fn criticality(words: &Words, criticality: Criticality) -> Markup {
    match criticality {
        Criticality::High => html! { span.chip.critical { (icon("alert")) (words.say("chart-high-risk-2")) } },
        Criticality::Low => html! { span.chip { (words.say("chart-low-risk")) } },
        Criticality::Unknown => html! { span.chip { (words.say("chart-risk-not-assessed")) } },
    }
}

pub(crate) fn allergy_line(words: &Words, allergy: &Allergy) -> Markup {
    html! {
        li.line.tall {
            span.main {
                (allergy.substance) " "
                @if allergy.criticality == Criticality::High { (criticality(words, allergy.criticality)) }
                (doubt(allergy.doubt.as_ref()))
                (badge(words, allergy.source.as_deref()))
            }
            span.under {
                @if allergy.none_known { (words.say("chart-asked-and-recorded")) }
                @else if allergy.reactions.is_empty() { span.absent { (words.say("chart-reaction-not-recorded")) } }
                @else { (allergy.reactions.join("; ")) }
            }
        }
    }
}

pub(crate) fn immunization_line(words: &Words, given: &Immunization) -> Markup {
    html! {
        li.line {
            span.main { (given.vaccine) @if given.not_done.is_some() { " " span.chip.notable { (words.say("chart-not-given")) } } @if let Some(dose) = super::words::dose(words, given) { " " span.quiet { (dose) } } (badge(words, given.source.as_deref())) }
            span.side { (day_or_none(words, given.given.as_ref())) }
        }
    }
}

pub(crate) fn document_line(words: &Words, document: &Document, address: &str) -> Markup {
    html! {
        li.line {
            span.main { a href={ (address) "/documents/" (document.id) } { (document.title) } @if document.preliminary { " " span.chip { (words.say("chart-preliminary")) } } }
            span.side { (day_or_none(words, document.when.as_ref())) }
        }
    }
}

pub(crate) fn visit_line(words: &Words, visit: &Visit) -> Markup {
    html! {
        li.line.tall {
            span.main { (super::words::visit(words, visit)) " " (visit_standing(words, visit)) }
            span.side { (day_or_none(words, visit.from.as_ref())) }
            @if visit.clinician.is_some() || visit.place.is_some() {
                span.under { (joined(&[visit.clinician.as_deref(), visit.place.as_deref()])) }
            }
        }
    }
}

fn visit_standing(words: &Words, visit: &Visit) -> Markup {
    match visit.standing {
        VisitStanding::Done => html! {},
        VisitStanding::Ongoing => html! { span.chip.good { (words.say("chart-here-now")) } },
        VisitStanding::Planned => html! { span.chip { (words.say("chart-planned")) } },
        VisitStanding::Cancelled => html! { span.chip { (words.say("chart-cancelled")) } },
        VisitStanding::Mistaken => html! { span.chip.mistaken { (words.say("chart-entered-in-error")) } },
    }
}

pub(crate) fn event_line(words: &Words, event: &Event, address: &str) -> Markup {
    let drawn = match event.kind {
        EventKind::Visit => "visit",
        EventKind::Result => "flask",
        EventKind::Document => "document",
        EventKind::Immunization => "shield",
    };
    let to = match (&event.kind, &event.id) {
        (EventKind::Document, Some(id)) => Some(format!("{address}/documents/{id}")),
        (EventKind::Result, _) => Some(format!("{address}/results")),
        _ => None,
    };
    html! {
        li class={ "line event " (event.kind.slug()) } {
            span.main {
                span.kind { (icon(drawn)) span.spoken { (event_kind(words, event.kind)) ": " } }
                @match to { Some(to) => { a href=(to) { (super::words::event(words, event)) } } None => (super::words::event(words, event)) }
                " " (super::flag::badge(words, event.flag))
                @if let Some(detail) = super::words::event_detail(words, event) { " " span.quiet { (detail) } }
                @if let Some(source) = &event.source { " " span.chip.source { (source) } }
            }
            span.side { (day(&event.when)) }
        }
    }
}

/// What happened, in many.
pub(crate) fn event_kind(words: &Words, kind: EventKind) -> String {
    words.say(match kind {
        EventKind::Visit => "chart-visits",
        EventKind::Result => "chart-results",
        EventKind::Document => "chart-documents",
        EventKind::Immunization => "chart-immunizations",
    })
}

/// Parts that are there, with a comma between.
pub(crate) fn joined(parts: &[Option<&str>]) -> String {
    parts.iter().flatten().copied().collect::<Vec<_>>().join(", ")
}

/// A cell that says when nothing was recorded.
fn cell(words: &Words, text: Option<&str>) -> Markup {
    html! { td { @match text { Some(text) => (text), None => { span.absent { "–" span.spoken { (words.say("chart-not-recorded")) } } } } } }
}

/// A whole section as a table; on narrow screens each row becomes a block with its labels.
/// `heads` are keys of words.
pub(crate) fn table(words: &Words, caption: &str, heads: &[&str], rows: &[Markup]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in heads { th scope="col" { (words.say(head)) } } } }
            tbody { @for row in rows { (row) } }
        }
    }
}

pub(crate) fn visit_row(words: &Words, visit: &Visit, address: &str) -> Markup {
    html! {
        tr.mistaken[visit.standing == VisitStanding::Mistaken] {
            th scope="row" {
                a href={ (address) "/encounters/" (visit.id) } { (super::words::visit(words, visit)) } " " (visit_standing(words, visit))
                @if visit.reasons.len() > 1 { p.note { (visit.reasons[1..].join("; ")) } }
            }
            td { (day_or_none(words, visit.from.as_ref())) }
            (cell(words, visit.length.as_deref()))
            (cell(words, visit.clinician.as_deref()))
            (cell(words, visit.place.as_deref()))
        }
    }
}

pub(crate) const VISIT_HEADS: [&str; 5] =
    ["chart-visit", "chart-date", "chart-length", "chart-clinician", "chart-place"];

pub(crate) fn document_row(words: &Words, document: &Document, address: &str) -> Markup {
    html! {
        tr.mistaken[document.mistaken] {
            th scope="row" {
                a href={ (address) "/documents/" (document.id) } { (document.title) }
                @if document.preliminary { " " span.chip { (words.say("chart-preliminary")) } }
                @if document.superseded { " " span.chip { (words.say("chart-superseded")) } }
                @if document.mistaken { " " span.chip.mistaken { (words.say("chart-entered-in-error")) } }
            }
            (cell(words, document.kind.as_deref()))
            td { (day_or_none(words, document.when.as_ref())) }
            (cell(words, document.author.as_deref()))
            (cell(words, document.custodian.as_deref()))
        }
    }
}

pub(crate) const DOCUMENT_HEADS: [&str; 5] =
    ["chart-document", "chart-kind", "chart-date", "chart-author", "chart-kept-by"];
