//! Rows of the lists of a chart: short on the summary, whole in a section.

use super::icon::icon;
use super::{day, day_or_none};
use care::chart::{
    Allergy, Criticality, Document, Event, EventKind, Immunization, Medication, Problem, Standing, Visit, VisitStanding,
};
use maud::{Markup, html};

/// Anything but plainly active, in a chip.
pub(crate) fn standing(standing: Standing, words: Option<&str>) -> Markup {
    match standing {
        Standing::Active => html! { @if let Some(words) = words { span.chip { (words) } } },
        Standing::OnHold => html! { span.chip.notable { "On hold" } },
        Standing::Past => html! { span.chip { (words.unwrap_or("past")) } },
        Standing::Mistaken => html! { span.chip.mistaken { "Entered in error" } },
    }
}

fn doubt(words: Option<&String>) -> Markup {
    html! { @if let Some(words) = words { span.chip.doubt { (words) } } }
}

pub(crate) fn problem_line(problem: &Problem) -> Markup {
    html! {
        li.line {
            span.main { (problem.name) " " (doubt(problem.doubt.as_ref())) }
            span.side { @if let Some(since) = problem.since() { "since " (day(since)) } }
        }
    }
}

pub(crate) fn medication_line(medication: &Medication) -> Markup {
    html! {
        li.line.tall {
            span.main { (medication.name) " " (standing(medication.standing, None)) @if medication.reported { " " span.chip { "Reported" } } }
            span.under { @match &medication.directions { Some(directions) => (directions), None => { span.absent { "No directions recorded" } } } }
        }
    }
}

pub(crate) fn criticality(criticality: Criticality) -> Markup {
    match criticality {
        Criticality::High => html! { span.chip.critical { (icon("alert")) "High risk" } },
        Criticality::Low => html! { span.chip { "Low risk" } },
        Criticality::Unknown => html! { span.chip { "Risk not assessed" } },
    }
}

pub(crate) fn allergy_line(allergy: &Allergy) -> Markup {
    html! {
        li.line.tall {
            span.main {
                (allergy.substance) " "
                @if allergy.criticality == Criticality::High { (criticality(allergy.criticality)) }
                (doubt(allergy.doubt.as_ref()))
            }
            span.under {
                @if allergy.none_known { "Asked and recorded" }
                @else if allergy.reactions.is_empty() { span.absent { "Reaction not recorded" } }
                @else { (allergy.reactions.join("; ")) }
            }
        }
    }
}

pub(crate) fn immunization_line(given: &Immunization) -> Markup {
    html! {
        li.line {
            span.main { (given.vaccine) @if given.not_done.is_some() { " " span.chip.notable { "Not given" } } @if let Some(dose) = &given.dose { " " span.quiet { (dose) } } }
            span.side { (day_or_none(given.given.as_ref())) }
        }
    }
}

pub(crate) fn document_line(document: &Document, address: &str) -> Markup {
    html! {
        li.line {
            span.main { a href={ (address) "/documents/" (document.id) } { (document.title) } @if document.preliminary { " " span.chip { "Preliminary" } } }
            span.side { (day_or_none(document.when.as_ref())) }
        }
    }
}

pub(crate) fn visit_line(visit: &Visit) -> Markup {
    html! {
        li.line.tall {
            span.main { (visit.title()) " " (visit_standing(visit)) }
            span.side { (day_or_none(visit.from.as_ref())) }
            @if visit.clinician.is_some() || visit.place.is_some() {
                span.under { (joined(&[visit.clinician.as_deref(), visit.place.as_deref()])) }
            }
        }
    }
}

fn visit_standing(visit: &Visit) -> Markup {
    match visit.standing {
        VisitStanding::Done => html! {},
        VisitStanding::Ongoing => html! { span.chip.good { "Here now" } },
        VisitStanding::Planned => html! { span.chip { "Planned" } },
        VisitStanding::Cancelled => html! { span.chip { "Cancelled" } },
        VisitStanding::Mistaken => html! { span.chip.mistaken { "Entered in error" } },
    }
}

pub(crate) fn event_line(event: &Event, address: &str) -> Markup {
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
                span.kind { (icon(drawn)) span.spoken { (event.kind.words()) ": " } }
                @match to { Some(to) => { a href=(to) { (event.title) } } None => (event.title) }
                " " (super::flag::badge(event.flag))
                @if let Some(detail) = &event.detail { " " span.quiet { (detail) } }
            }
            span.side { (day(&event.when)) }
        }
    }
}

/// Parts that are there, with a comma between.
pub(crate) fn joined(parts: &[Option<&str>]) -> String {
    parts.iter().flatten().copied().collect::<Vec<_>>().join(", ")
}

/// A cell that says when nothing was recorded.
fn cell(text: Option<&str>) -> Markup {
    html! { td { @match text { Some(text) => (text), None => { span.absent { "–" span.spoken { "not recorded" } } } } } }
}

/// A whole section as a table; on narrow screens each row becomes a block with its labels.
pub(crate) fn table(caption: &str, heads: &[&str], rows: &[Markup]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody { @for row in rows { (row) } }
        }
    }
}

pub(crate) fn problem_row(problem: &Problem) -> Markup {
    let course = problem.course.as_deref();
    html! {
        tr.mistaken[problem.standing == Standing::Mistaken] {
            th scope="row" {
                (problem.name) " " (standing(problem.standing, course)) " " (doubt(problem.doubt.as_ref()))
                @if problem.of_visit { " " span.chip { "Visit diagnosis" } }
                @if let Some(note) = &problem.note { p.note { (note) } }
            }
            td { (day_or_none(problem.onset.as_ref())) }
            td { @match &problem.ended { Some(ended) => (day(ended)), None => { span.quiet { "–" } } } }
            (cell(problem.severity.as_deref()))
            (cell(problem.code.as_deref()))
            td { (day_or_none(problem.recorded.as_ref())) @if let Some(who) = &problem.recorder { " " span.quiet { "by " (who) } } }
        }
    }
}

pub(crate) const PROBLEM_HEADS: [&str; 6] = ["Problem", "Onset", "Ended", "Severity", "Code", "Recorded"];

pub(crate) fn medication_row(medication: &Medication) -> Markup {
    html! {
        tr.mistaken[medication.standing == Standing::Mistaken] {
            th scope="row" {
                (medication.name) " " (standing(medication.standing, (medication.standing == Standing::Past).then_some(medication.status.as_str())))
                @if medication.reported { " " span.chip { "Reported" } }
                @if let Some(note) = &medication.note { p.note { (note) } }
            }
            (cell(medication.directions.as_deref()))
            (cell(medication.reason.as_deref()))
            td { (day_or_none(medication.started.as_ref())) }
            td { @match medication.refills { Some(refills) => (refills), None => { span.quiet { "–" } } } }
            (cell(medication.prescriber.as_deref()))
        }
    }
}

pub(crate) const MEDICATION_HEADS: [&str; 6] = ["Medication", "Directions", "For", "Started", "Refills", "Prescriber"];

pub(crate) fn allergy_row(allergy: &Allergy) -> Markup {
    let category = allergy.category.join(", ");
    html! {
        tr.mistaken[allergy.standing == Standing::Mistaken] {
            th scope="row" {
                (allergy.substance) " " (standing(allergy.standing, None)) " " (doubt(allergy.doubt.as_ref()))
                @if allergy.intolerance { " " span.chip { "Intolerance" } }
                @if let Some(note) = &allergy.note { p.note { (note) } }
            }
            td { @if allergy.none_known { span.quiet { "–" } } @else { (criticality(allergy.criticality)) } }
            (cell((!allergy.reactions.is_empty()).then(|| allergy.reactions.join("; ")).as_deref()))
            (cell((!category.is_empty()).then_some(category.as_str())))
            td { (day_or_none(allergy.recorded.as_ref())) @if let Some(who) = &allergy.recorder { " " span.quiet { "by " (who) } } }
        }
    }
}

pub(crate) const ALLERGY_HEADS: [&str; 5] = ["Substance", "Risk", "Reaction", "Kind", "Recorded"];

pub(crate) fn immunization_row(given: &Immunization) -> Markup {
    html! {
        tr.mistaken[given.mistaken] {
            th scope="row" {
                (given.vaccine)
                @if let Some(why) = &given.not_done { " " span.chip.notable { (why) } }
                @if given.mistaken { " " span.chip.mistaken { "Entered in error" } }
                @if given.reported { " " span.chip { "Reported" } }
                @if let Some(note) = &given.note { p.note { (note) } }
            }
            td { (day_or_none(given.given.as_ref())) }
            (cell(given.dose.as_deref()))
            (cell(given.lot.as_deref()))
            (cell(given.site.as_deref()))
            (cell(given.performer.as_deref()))
        }
    }
}

pub(crate) const IMMUNIZATION_HEADS: [&str; 6] = ["Vaccine", "Given", "Dose", "Lot", "Site", "By"];

pub(crate) fn visit_row(visit: &Visit) -> Markup {
    html! {
        tr.mistaken[visit.standing == VisitStanding::Mistaken] {
            th scope="row" {
                (visit.title()) " " (visit_standing(visit))
                @if visit.reasons.len() > 1 { p.note { (visit.reasons[1..].join("; ")) } }
            }
            td { (day_or_none(visit.from.as_ref())) }
            (cell(visit.length.as_deref()))
            (cell(visit.clinician.as_deref()))
            (cell(visit.place.as_deref()))
        }
    }
}

pub(crate) const VISIT_HEADS: [&str; 5] = ["Visit", "Date", "Length", "Clinician", "Place"];

pub(crate) fn document_row(document: &Document, address: &str) -> Markup {
    html! {
        tr.mistaken[document.mistaken] {
            th scope="row" {
                a href={ (address) "/documents/" (document.id) } { (document.title) }
                @if document.preliminary { " " span.chip { "Preliminary" } }
                @if document.superseded { " " span.chip { "Superseded" } }
                @if document.mistaken { " " span.chip.mistaken { "Entered in error" } }
            }
            (cell(document.kind.as_deref()))
            td { (day_or_none(document.when.as_ref())) }
            (cell(document.author.as_deref()))
            (cell(document.custodian.as_deref()))
        }
    }
}

pub(crate) const DOCUMENT_HEADS: [&str; 5] = ["Document", "Kind", "Date", "Author", "Kept by"];
