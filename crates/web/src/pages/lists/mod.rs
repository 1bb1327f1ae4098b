//! The sections of a chart that are lists: problems, medications, allergies, immunisations, visits. What
//! holds now comes first, what is past under it, and what was a mistake stays visible as one.

use crate::components::card::{empty, not_shown};
use crate::components::{lists, shell};
use crate::locale::Words;
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
        visitor.words,
        &section,
        &visitor.words.say("chart-problems"),
        &visitor.words.say("chart-no-problems-recorded"),
        &lists::PROBLEM_HEADS,
        |it| it.standing,
        |it| lists::problem_row(visitor.words, it),
    );
    Ok(shell::chart(&visitor, &banner, "problems", visitor.words.say("chart-problems"), main))
}

pub(crate) async fn medications(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.medications())?;
    let main = grouped(
        visitor.words,
        &section,
        &visitor.words.say("chart-medications"),
        &visitor.words.say("chart-no-medications-recorded"),
        &lists::MEDICATION_HEADS,
        |it| it.standing,
        |it| lists::medication_row(visitor.words, it),
    );
    Ok(shell::chart(&visitor, &banner, "medications", visitor.words.say("chart-medications"), main))
}

pub(crate) async fn allergies(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.allergies())?;
    let nothing = match AllergyState::of(&section.rows) {
        AllergyState::NotRecorded => visitor.words.say("chart-nobody-has-recorded-allergies-nor-2"),
        _ => visitor.words.say("chart-no-active-allergies"),
    };
    let main = grouped(
        visitor.words,
        &section,
        &visitor.words.say("chart-allergies"),
        &nothing,
        &lists::ALLERGY_HEADS,
        |it| it.standing,
        |it| lists::allergy_row(visitor.words, it),
    );
    Ok(shell::chart(&visitor, &banner, "allergies", visitor.words.say("chart-allergies"), main))
}

pub(crate) async fn immunizations(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.immunizations())?;
    let rows: Vec<Markup> = section.rows.iter().map(|it| lists::immunization_row(visitor.words, it)).collect();
    let main = html! {
        (heading(visitor.words, &visitor.words.say("chart-immunizations"), &section))
        @if section.refused { (not_shown(visitor.words, &visitor.words.say("chart-immunizations"))) }
        @else if rows.is_empty() { (empty(&visitor.words.say("chart-no-immunizations-recorded"))) }
        @else { (lists::table(visitor.words, &visitor.words.say("chart-immunizations-newest-first"), &lists::IMMUNIZATION_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "immunizations", visitor.words.say("chart-immunizations"), main))
}

pub(crate) async fn visits(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.visits())?;
    let rows: Vec<Markup> = section.rows.iter().map(|it| lists::visit_row(visitor.words, it)).collect();
    let main = html! {
        (heading(visitor.words, &visitor.words.say("chart-visits"), &section))
        @if section.refused { (not_shown(visitor.words, &visitor.words.say("chart-visits"))) }
        @else if rows.is_empty() { (empty(&visitor.words.say("chart-no-visits-recorded"))) }
        @else { (lists::table(visitor.words, &visitor.words.say("chart-visits-newest-first"), &lists::VISIT_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "encounters", visitor.words.say("chart-visits"), main))
}

/// The heading of a section, with how fresh it is.
pub(crate) fn heading<T>(words: &Words, title: &str, section: &Section<T>) -> Markup {
    html! {
        header.section-head {
            h1 { (title) }
            @if let Some(updated) = &section.updated { p.quiet { (words.say("chart-updated")) " " (crate::components::day(updated)) } }
        }
        @if section.more { p.similar-note { (crate::components::counted(words, "chart-limit", section.rows.len())) } }
    }
}

pub(crate) fn grouped<T>(
    words: &Words,
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
        ("current", words.say("chart-current"), of(&[Standing::Active, Standing::OnHold])),
        ("past", words.say("chart-past-2"), of(&[Standing::Past])),
        ("mistaken", words.say("chart-entered-in-error"), of(&[Standing::Mistaken])),
    ];
    html! {
        (heading(words, title, section))
        @if section.refused { (not_shown(words, title)) }
        @else if groups[0].2.is_empty() { (empty(nothing)) }
        @for (anchor, name, rows) in &groups {
            @if !rows.is_empty() {
                section #(anchor) aria-label=(words.with("chart-group-label", &[("name", name.as_str().into()), ("title", title.into())])) {
                    (lists::table(words, &words.with("chart-group", &[("name", name.as_str().into()), ("count", rows.len().into())]), heads, rows))
                }
            }
        }
    }
}
