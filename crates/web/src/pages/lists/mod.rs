//! The sections of a chart that are lists: problems, medications, allergies, immunisations, visits. What
//! holds now comes first, what is past under it, and what was a mistake stays visible as one.

use crate::components::card::{empty, not_shown};
use crate::components::{lists, shell};
use crate::request::{Answer, Visitor, id};
use axum::extract::Path;
use care::chart::{AllergyState, Section, Standing};
use maud::{Markup, html};

type Address = Path<(String, String)>;

pub(crate) async fn problems(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.problems())?;
    let main = grouped(
        &section,
        "Problems",
        "No problems recorded.",
        &lists::PROBLEM_HEADS,
        |it| it.standing,
        lists::problem_row,
    );
    Ok(shell::chart(&visitor, &banner, "problems", "Problems", main))
}

pub(crate) async fn medications(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.medications())?;
    let main = grouped(
        &section,
        "Medications",
        "No medications recorded.",
        &lists::MEDICATION_HEADS,
        |it| it.standing,
        lists::medication_row,
    );
    Ok(shell::chart(&visitor, &banner, "medications", "Medications", main))
}

pub(crate) async fn allergies(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.allergies())?;
    let nothing = match AllergyState::of(&section.rows) {
        AllergyState::NotRecorded => "Nobody has recorded allergies, nor that there are none. Ask before prescribing.",
        _ => "No active allergies.",
    };
    let main = grouped(&section, "Allergies", nothing, &lists::ALLERGY_HEADS, |it| it.standing, lists::allergy_row);
    Ok(shell::chart(&visitor, &banner, "allergies", "Allergies", main))
}

pub(crate) async fn immunizations(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.immunizations())?;
    let rows: Vec<Markup> = section.rows.iter().map(lists::immunization_row).collect();
    let main = html! {
        (heading("Immunizations", &section))
        @if section.refused { (not_shown("Immunizations are")) }
        @else if rows.is_empty() { (empty("No immunizations recorded.")) }
        @else { (lists::table(visitor.words, "Immunizations, newest first", &lists::IMMUNIZATION_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "immunizations", "Immunizations", main))
}

pub(crate) async fn visits(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.visits())?;
    let rows: Vec<Markup> = section.rows.iter().map(lists::visit_row).collect();
    let main = html! {
        (heading("Visits", &section))
        @if section.refused { (not_shown("Visits are")) }
        @else if rows.is_empty() { (empty("No visits recorded.")) }
        @else { (lists::table(visitor.words, "Visits, newest first", &lists::VISIT_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "encounters", "Visits", main))
}

/// The heading of a section, with how fresh it is.
pub(crate) fn heading<T>(title: &str, section: &Section<T>) -> Markup {
    html! {
        header.section-head {
            h1 { (title) }
            @if let Some(updated) = &section.updated { p.quiet { "Updated " (crate::components::day(updated)) } }
        }
        @if section.more { p.similar-note { "There are more than the " (section.rows.len()) " shown here." } }
    }
}

pub(crate) fn grouped<T>(
    section: &Section<T>,
    title: &str,
    nothing: &str,
    heads: &[&str],
    standing: impl Fn(&T) -> Standing,
    row: impl Fn(&T) -> Markup,
) -> Markup {
    let of = |wanted: &[Standing]| -> Vec<Markup> {
        section.rows.iter().filter(|it| wanted.contains(&standing(it))).map(&row).collect()
    };
    let groups = [
        ("current", "Current", of(&[Standing::Active, Standing::OnHold])),
        ("past", "Past", of(&[Standing::Past])),
        ("mistaken", "Entered in error", of(&[Standing::Mistaken])),
    ];
    html! {
        (heading(title, section))
        @if section.refused { (not_shown(&format!("{title} are"))) }
        @else if groups[0].2.is_empty() { (empty(nothing)) }
        @for (anchor, name, rows) in &groups {
            @if !rows.is_empty() {
                section #(anchor) aria-label=(format!("{name} {}", title.to_lowercase())) {
                    (lists::table(words, &format!("{name} ({})", rows.len()), heads, rows))
                }
            }
        }
    }
}
