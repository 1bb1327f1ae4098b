//! Results and vital signs (screens C-05 and C-06): the latest of each, side by side by date, and each over
//! time with its reference range.

use crate::components::card::{empty, not_shown};
use crate::components::{measures, plot, shell};
use crate::locale::Words;
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
    ("3m", "chart-3-months", Some(92)),
    ("1y", "chart-1-year", Some(366)),
    ("3y", "chart-3-years", Some(1_096)),
    ("10y", "chart-10-years", Some(3_653)),
    ("", "chart-all", None),
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
    let main = results(visitor.words, &base, &latest, &sheet, asked.before.is_some());
    Ok(shell::chart(&visitor, &banner, "results", visitor.words.say("chart-results"), main))
}

pub(crate) fn results(words: &Words, base: &str, latest: &Section<Latest>, sheet: &Flowsheet, earlier: bool) -> Markup {
    html! {
        (super::lists::heading(words, &words.say("chart-results"), latest))
        @if latest.refused { (not_shown(words, &words.say("chart-results"))) }
        @else if latest.rows.is_empty() { (empty(&words.say("chart-no-laboratory-results-recorded"))) }
        @else {
            (measures::full(words, base, "results", &words.say("chart-latest-result-of-each-test"), &latest.rows))
            section.by-date aria-label=(words.say("chart-by-date")) {
                @if sheet.days.is_empty() { (empty(&words.say("chart-no-results-before-this-date"))) }
                @else { (measures::flowsheet(words, base, sheet)) }
                nav.pager aria-label=(words.say("chart-dates")) {
                    @if earlier { a href={ (base) "/results" } { (words.say("chart-newest")) } }
                    @if let Some(last) = sheet.days.last().filter(|_| sheet.days.len() >= 8) {
                        a href={ (base) "/results?before=" (last.machine()) } { (words.say("chart-earlier-than")) " " (last.date()) }
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
        (super::lists::heading(visitor.words, &visitor.words.say("chart-vitals"), &section))
        @if section.refused { (not_shown(visitor.words, &visitor.words.say("chart-vitals"))) }
        @else if section.rows.is_empty() { (empty(&visitor.words.say("chart-no-vital-signs-recorded"))) }
        @else { (measures::full(visitor.words, &base, "vitals", &visitor.words.say("chart-latest-vital-signs"), &section.rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "vitals", visitor.words.say("chart-vitals"), main))
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
    let back = if section == "vitals" { visitor.words.say("chart-vitals") } else { visitor.words.say("chart-results") };
    let address = format!("{}/{section}", visitor.address_of(patient.as_str()));
    let main = over_time(visitor.words, &trend, &address, &back, &asked.range);
    Ok(shell::chart(&visitor, &banner, section, visitor.words.say("chart-trend"), main))
}

pub(crate) fn over_time(words: &Words, trend: &Trend, address: &str, back: &str, range: &str) -> Markup {
    html! {
        header.section-head {
            h1 { (trend.name) }
            p { a href=(address) { (words.say("chart-back-to")) " " (back.to_lowercase()) } }
        }
        nav.ranges aria-label=(words.say("chart-time-shown")) {
            @for (slug, key, _) in RANGES {
                a href={ (address) "/" (trend.code) @if !slug.is_empty() { "?range=" (slug) } }
                    aria-current=[(slug == range).then_some("true")] { (words.say(key)) }
            }
        }
        @if trend.readings.is_empty() { (empty(&words.say("chart-nothing-was-measured-in-this"))) }
        @else {
            (plot::plot(words, trend))
            (measures::readings(words, &words.with("chart-every-value", &[("name", trend.name.as_str().into())]), &trend.readings))
            @if trend.more { p.similar-note { (words.say("chart-older-values-are-not-shown")) } }
        }
    }
}
