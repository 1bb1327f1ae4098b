//! Results and vital signs (screens C-05 and C-06): the panels, the latest of each test, tests side by side by date, one
//! report with what its laboratory must say of itself, and each test over time.

mod report;
mod trend;

pub(crate) use report::page as report;
pub(crate) use trend::{csv, trend, vital};

use crate::components::card::{empty, not_shown};
use crate::components::icon::icon;
use crate::components::shell::Needs;
use crate::components::{live, measures, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, Query};
use care::chart::{Flowsheet, Latest, Section, When};
use care::inbox;
use fhir::{Id, Key};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;

pub(crate) const NEEDS: Needs = Needs::of(&["results.css"], &[]);

#[derive(Deserialize, Default)]
pub(crate) struct Before {
    /// A date: the flowsheet shows the days before it.
    before: Option<String>,
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
    let pen = visitor.pen();
    let (banner, latest, sheet, waiting) = tokio::try_join!(
        chart.banner(),
        chart.results(),
        chart.reviewed(asked.before.as_deref()),
        inbox::waiting(&pen, &patient)
    )?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        (results(&visitor, &base, &latest, &sheet, asked.before.is_some(), &waiting))
        (live::source(&visitor, Some(&patient)))
    };
    Ok(shell::chart(&visitor, &banner, "results", (visitor.words.say("chart-results"), NEEDS), main))
}

fn results(
    visitor: &Visitor,
    base: &str,
    latest: &Section<Latest>,
    sheet: &Flowsheet,
    earlier: bool,
    waiting: &HashMap<Key, Id>,
) -> Markup {
    let words = visitor.words;
    html! {
        (super::lists::heading(words, &words.say("chart-results"), latest))
        @if latest.refused { (not_shown(words, &words.say("chart-results"))) }
        @else {
            div #results.review data-live="Observation DiagnosticReport Task" {
                @if latest.rows.is_empty() { (empty(&words.say("chart-no-laboratory-results-recorded"))) }
                @else {
                    (tree(words, sheet))
                    div.review-main {
                        (to_review(visitor, base, waiting))
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
                        (measures::full(words, base, "results", &words.say("chart-latest-result-of-each-test"), &latest.rows))
                    }
                }
            }
        }
    }
}

/// The panels, with how many of their tests are out of range.
fn tree(words: &Words, sheet: &Flowsheet) -> Markup {
    html! {
        nav.panel-tree aria-label=(words.say("results-panels")) {
            ul {
                @for panel in &sheet.groups {
                    @let (abnormal, critical) = panel.abnormal();
                    li {
                        a href={ "#panel-" (panel.slug()) } {
                            span.panel-name { (panel.name) }
                            span.count { (panel.rows.len()) }
                            @if abnormal > 0 {
                                span.chip.notable[!critical].critical[critical] { (icon(if critical { "critical" } else { "abnormal" })) (words.with("results-abnormal", &[("count", abnormal.into())])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Results of this patient that wait for someone to have seen them.
fn to_review(visitor: &Visitor, base: &str, waiting: &HashMap<Key, Id>) -> Markup {
    let words = visitor.words;
    let mut all: Vec<(&Key, &Id)> = waiting.iter().collect();
    all.sort_by_key(|it| it.0.to_string());
    html! {
        @if !all.is_empty() {
            section.to-review.card aria-labelledby="to-review" {
                h2 #to-review { (words.say("results-to-review")) " " span.count { (all.len()) } }
                ul.lines {
                    @for (key, task) in all {
                        li.line {
                            span.main { a href={ (base) "/reports/" (key.kind.name()) "/" (key.id) } { (words.say("results-look")) } }
                            form.act method="post" action=(visitor.at("inbox/do")) {
                                input type="hidden" name="item" value=(task);
                                input type="hidden" name="once" value=(visitor.once());
                                input type="hidden" name="back" value={ (base) "/results" };
                                button type="submit" name="do" value="acknowledge" { (words.say("inbox-acknowledge")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) async fn vitals(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.vitals())?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        (super::lists::heading(words, &words.say("chart-vitals"), &section))
        @if section.refused { (not_shown(words, &words.say("chart-vitals"))) }
        @else {
            div #vitals-latest data-live="Observation" {
                @if section.rows.is_empty() { (empty(&words.say("chart-no-vital-signs-recorded"))) }
                @else { (measures::full(words, &base, "vitals", &words.say("chart-latest-vital-signs"), &section.rows)) }
            }
            p { a href={ (base) "/devices" } { (words.say("devices-title")) } }
        }
        (live::source(&visitor, Some(&patient)))
    };
    Ok(shell::chart(&visitor, &banner, "vitals", (words.say("chart-vitals"), NEEDS), main))
}
