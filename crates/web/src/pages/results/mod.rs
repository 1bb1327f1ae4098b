//! Results and vital signs (screens C-05 and C-06): the latest of each, side by side by date, and each over
//! time with its reference range.

use crate::components::card::{empty, not_shown};
use crate::components::{measures, plot, shell};
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, Query};
use care::chart::{Flowsheet, Latest, Section, Trend, When};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Before {
    /// A date: the flowsheet shows the days before it.
    before: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    range: String,
}

/// How far back a trend goes: (in the address, in words, days).
pub(crate) const RANGES: [(&str, &str, Option<i64>); 5] = [
    ("3m", "3 months", Some(92)),
    ("1y", "1 year", Some(366)),
    ("3y", "3 years", Some(1_096)),
    ("10y", "10 years", Some(3_653)),
    ("", "All", None),
];

/// The beginning of a range.
pub(crate) fn from(range: &str, now: i64) -> Option<When> {
    let days = RANGES.iter().find(|it| it.0 == range)?.2?;
    let day = When::of_micros(now - days * 86_400_000_000);
    When::parse(&day.machine())
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Before>,
) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, latest, sheet) =
        tokio::try_join!(chart.banner(), chart.results(), chart.flowsheet(asked.before.as_deref()))?;
    let base = visitor.address_of(patient.as_str());
    let main = results(&base, &latest, &sheet, asked.before.is_some());
    Ok(shell::chart(&visitor, &banner, "results", "Results", main))
}

pub(crate) fn results(base: &str, latest: &Section<Latest>, sheet: &Flowsheet, earlier: bool) -> Markup {
    html! {
        (super::lists::heading("Results", latest))
        @if latest.refused { (not_shown("Results are")) }
        @else if latest.rows.is_empty() { (empty("No laboratory results recorded.")) }
        @else {
            (measures::full(base, "results", "Latest result of each test", &latest.rows))
            section.by-date aria-label="By date" {
                @if sheet.days.is_empty() { (empty("No results before this date.")) }
                @else { (measures::flowsheet(base, sheet)) }
                nav.pager aria-label="Dates" {
                    @if earlier { a href={ (base) "/results" } { "Newest" } }
                    @if let Some(last) = sheet.days.last().filter(|_| sheet.days.len() >= 8) {
                        a href={ (base) "/results?before=" (last.machine()) } { "Earlier than " (last.date()) }
                    }
                }
            }
        }
    }
}

pub(crate) async fn vitals(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.vitals())?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        (super::lists::heading("Vitals", &section))
        @if section.refused { (not_shown("Vitals are")) }
        @else if section.rows.is_empty() { (empty("No vital signs recorded.")) }
        @else { (measures::full(&base, "vitals", "Latest vital signs", &section.rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "vitals", "Vitals", main))
}

type Of = Path<(String, String, String)>;

pub(crate) async fn trend(visitor: Visitor, path: Of, asked: Query<Asked>) -> Answer {
    one(visitor, "results", path, asked).await
}

pub(crate) async fn vital(visitor: Visitor, path: Of, asked: Query<Asked>) -> Answer {
    one(visitor, "vitals", path, asked).await
}

async fn one(
    visitor: Visitor,
    section: &'static str,
    Path((_, patient, code)): Of,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let from = from(&asked.range, visitor.now);
    let (banner, trend) = tokio::try_join!(chart.banner(), chart.trend(&code, from.as_ref()))?;
    let back = if section == "vitals" { "Vitals" } else { "Results" };
    let address = format!("{}/{section}", visitor.address_of(patient.as_str()));
    let main = over_time(&trend, &address, back, &asked.range);
    Ok(shell::chart(&visitor, &banner, section, "Trend", main))
}

pub(crate) fn over_time(trend: &Trend, address: &str, back: &str, range: &str) -> Markup {
    html! {
        header.section-head {
            h1 { (trend.name) }
            p { a href=(address) { "All " (back.to_lowercase()) } }
        }
        nav.ranges aria-label="Time shown" {
            @for (slug, words, _) in RANGES {
                a href={ (address) "/" (trend.code) @if !slug.is_empty() { "?range=" (slug) } }
                    aria-current=[(slug == range).then_some("true")] { (words) }
            }
        }
        @if trend.readings.is_empty() { (empty("Nothing was measured in this time.")) }
        @else {
            (plot::plot(trend))
            (measures::readings(&format!("{} – every value, newest first", trend.name), &trend.readings))
            @if trend.more { p.similar-note { "Older values are not shown." } }
        }
    }
}
