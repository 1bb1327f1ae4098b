//! The first page of a chart (screen C-03): what a clinician with forty seconds must see, in three columns
//! read from left to right: what is wrong, what is done about it and what the tests say, how they are now.

use crate::components::banner::counted;
use crate::components::card::{Card, empty, not_shown};
use crate::components::{lists, measures, shell};
use crate::request::{Answer, Visitor, id};
use axum::extract::Path;
use care::chart::{Section, Standing, Summary, When};
use maud::{Markup, html};

/// Rows of a card; the section has them all.
const SHORT: usize = 6;
const LONG: usize = 10;

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let summary = visitor.chart(&patient).summary().await?;
    let base = visitor.address_of(patient.as_str());
    let main = cards(&summary, &base, visitor.now);
    Ok(shell::chart(&visitor, &summary.banner, "", "Summary", main))
}

pub(crate) fn cards(summary: &Summary, base: &str, now: i64) -> Markup {
    html! {
        h1.spoken { "Chart summary" }
        @let hidden = refused(summary);
        @if !hidden.is_empty() { (not_shown(&format!("{} {}", listed(&hidden), if hidden.len() == 1 { "is" } else { "are" }))) }
        div.cards {
            div { (problems(summary, base)) (allergies(summary, base)) (immunizations(summary, base)) }
            div { (medications(summary, base)) (results(summary, base)) }
            div { (vitals(summary, base, now)) (visits(summary, base)) (documents(summary, base)) (timeline(summary, base)) }
        }
    }
}

/// What the visitor's role leaves out of this chart, by name.
fn refused(summary: &Summary) -> Vec<&'static str> {
    let all = [
        ("Problems", summary.problems.refused),
        ("Medications", summary.medications.refused),
        ("Allergies", summary.allergies.refused),
        ("Immunizations", summary.immunizations.refused),
        ("Vitals", summary.vitals.refused),
        ("Results", summary.results.refused),
        ("Visits", summary.visits.refused),
        ("Documents", summary.documents.refused),
    ];
    all.into_iter().filter_map(|(name, refused)| refused.then_some(name)).collect()
}

/// `Problems, vitals and results`.
fn listed(names: &[&str]) -> String {
    let mut words = String::new();
    for (at, name) in names.iter().enumerate() {
        match at {
            0 => words.push_str(name),
            _ => {
                words.push_str(if at + 1 == names.len() { " and " } else { ", " });
                words.push_str(&name.to_lowercase());
            }
        }
    }
    words
}

fn card<'a, T>(
    slug: &'a str,
    title: &'a str,
    base: &'a str,
    section: &'a Section<T>,
    count: Option<String>,
) -> Card<'a> {
    Card { slug, title, base, count, updated: section.updated.as_ref(), more: section.more }
}

/// The first rows, and how many are not shown.
fn short<'a, T: 'a>(
    rows: impl Iterator<Item = &'a T> + Clone,
    most: usize,
    base: &str,
    slug: &str,
    line: impl Fn(&T) -> Markup,
) -> Markup {
    let all = rows.clone().count();
    html! {
        ul.lines { @for row in rows.take(most) { (line(row)) } }
        @if all > most { p.rest { a href={ (base) "/" (slug) } { "All " (all) } } }
    }
}

fn problems(summary: &Summary, base: &str) -> Markup {
    let section = &summary.problems;
    if section.refused {
        return html! {};
    }
    // What was noted for one visit alone is not on the problem list, unless there is no list.
    let has_list = section.rows.iter().any(|it| it.standing == Standing::Active && !it.of_visit);
    let active = || section.rows.iter().filter(move |it| it.standing == Standing::Active && !(has_list && it.of_visit));
    let past = section.rows.iter().filter(|it| it.standing == Standing::Past).count();
    let count = active().count();
    card("problems", "Problems", base, section, (count > 0).then(|| format!("{count} active"))).show(html! {
        @if count > 0 { (short(active(), LONG, base, "problems", lists::problem_line)) }
        @else if past > 0 { (empty("No active problems.")) }
        @else { (empty("No problems recorded.")) }
        @if past > 0 { p.rest { a href={ (base) "/problems#past" } { (past) " past" } } }
    })
}

fn medications(summary: &Summary, base: &str) -> Markup {
    let section = &summary.medications;
    if section.refused {
        return html! {};
    }
    let active = || section.rows.iter().filter(|it| matches!(it.standing, Standing::Active | Standing::OnHold));
    let past = section.rows.iter().filter(|it| it.standing == Standing::Past).count();
    let count = active().count();
    card("medications", "Medications", base, section, (count > 0).then(|| format!("{count} current"))).show(html! {
        @if count > 0 { (short(active(), LONG, base, "medications", lists::medication_line)) }
        @else if past > 0 { (empty("No current medications.")) }
        @else { (empty("No medications recorded.")) }
        @if past > 0 { p.rest { a href={ (base) "/medications#past" } { (past) " past" } } }
    })
}

fn allergies(summary: &Summary, base: &str) -> Markup {
    let section = &summary.allergies;
    if section.refused {
        return html! {};
    }
    let active = || section.rows.iter().filter(|it| it.standing == Standing::Active);
    card("allergies", "Allergies", base, section, None).show(html! {
        @if active().count() > 0 { (short(active(), LONG, base, "allergies", lists::allergy_line)) }
        @else if section.rows.iter().any(|it| it.standing == Standing::Past) { (empty("No active allergies; past ones are in the section.")) }
        @else { (empty("Nobody has recorded allergies, nor that there are none.")) }
    })
}

fn immunizations(summary: &Summary, base: &str) -> Markup {
    let section = &summary.immunizations;
    if section.refused {
        return html! {};
    }
    let shown = || section.rows.iter().filter(|it| !it.mistaken);
    card("immunizations", "Immunizations", base, section, None).show(html! {
        @if shown().count() > 0 { (short(shown(), SHORT, base, "immunizations", lists::immunization_line)) }
        @else { (empty("No immunizations recorded.")) }
    })
}

fn vitals(summary: &Summary, base: &str, now: i64) -> Markup {
    let section = &summary.vitals;
    if section.refused {
        return html! {};
    }
    card("vitals", "Vitals", base, section, None).show(html! {
        @if section.rows.is_empty() { (empty("No vital signs recorded.")) }
        @else { (measures::vitals(base, &section.rows[..section.rows.len().min(LONG)], now)) }
    })
}

fn results(summary: &Summary, base: &str) -> Markup {
    let section = &summary.results;
    if section.refused {
        return html! {};
    }
    let abnormal =
        section.rows.iter().filter(|it| it.newest().flag.is_some_and(care::chart::Flag::is_abnormal)).count();
    let count = (!section.rows.is_empty()).then(|| {
        if abnormal > 0 {
            format!("{} of {} abnormal", abnormal, counted(section.rows.len(), "test"))
        } else {
            counted(section.rows.len(), "test")
        }
    });
    card("results", "Results", base, section, count).show(html! {
        @if section.rows.is_empty() { (empty("No laboratory results recorded.")) }
        @else {
            (measures::results(base, &section.rows[..section.rows.len().min(12)]))
            @if section.rows.len() > 12 { p.rest { a href={ (base) "/results" } { "All " (section.rows.len()) " tests" } } }
        }
    })
}

fn visits(summary: &Summary, base: &str) -> Markup {
    let section = &summary.visits;
    if section.refused {
        return html! {};
    }
    card("encounters", "Visits", base, section, None).show(html! {
        @if section.rows.is_empty() { (empty("No visits recorded.")) }
        @else { ul.lines { @for visit in section.rows.iter().take(5) { (lists::visit_line(visit)) } } }
    })
}

fn documents(summary: &Summary, base: &str) -> Markup {
    let section = &summary.documents;
    if section.refused {
        return html! {};
    }
    let shown = || section.rows.iter().filter(|it| !it.mistaken && !it.superseded);
    card("documents", "Documents", base, section, None).show(html! {
        @if shown().count() == 0 { (empty("No documents.")) }
        @else { ul.lines { @for document in shown().take(SHORT) { (lists::document_line(document, base)) } } }
    })
}

fn timeline(summary: &Summary, base: &str) -> Markup {
    let none: Option<&When> = None;
    let card = Card { slug: "timeline", title: "Timeline", base, count: None, updated: none, more: false };
    card.show(html! {
        @if summary.timeline.events.is_empty() { (empty("Nothing has happened here yet.")) }
        @else { ul.lines { @for event in summary.timeline.events.iter().take(SHORT) { (lists::event_line(event, base)) } } }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named_in_one_sentence() {
        assert_eq!(listed(&["Problems"]), "Problems");
        assert_eq!(listed(&["Problems", "Vitals", "Results"]), "Problems, vitals and results");
    }
}
