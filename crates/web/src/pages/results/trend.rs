//! One test over time, up to four under each other on one time axis, as a drawing, as a table, as a file.

use super::{NEEDS, RANGES, from};
use crate::components::card::empty;
use crate::components::{live, measures, plot, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::IntoResponse;
use care::chart::{COMPARED, Mark, Trend, as_csv};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(crate) struct Asked {
    range: String,
    /// `log`: equal steps are equal factors.
    scale: String,
    /// Other tests to compare with, by their codes.
    with: String,
    /// `yes`: when medicines were begun and stopped.
    medicines: String,
    /// `yes`: every value in the table, not only the newest.
    all: String,
    add: String,
}

/// Values in a table until all are asked for.
const ROWS: usize = 100;

impl Asked {
    fn others(&self, code: &str) -> Vec<String> {
        let mut codes: Vec<String> = Vec::new();
        for it in self.with.split(',').chain([self.add.as_str()]).map(str::trim) {
            let plain = it.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            if plain
                && !it.is_empty()
                && it != code
                && !codes.iter().any(|known| known == it)
                && codes.len() + 1 < COMPARED
            {
                codes.push(it.to_owned());
            }
        }
        codes
    }

    /// The address of the same page with something changed.
    fn address(&self, path: &str, others: &[String]) -> String {
        let mut parts = Vec::new();
        let Asked { range, scale, medicines, all, .. } = self;
        for (name, value) in [("range", range), ("scale", scale), ("medicines", medicines), ("all", all)] {
            if !value.is_empty() {
                parts.push((name, value.clone()));
            }
        }
        if !others.is_empty() {
            parts.push(("with", others.join(",")));
        }
        match serde_urlencoded::to_string(&parts) {
            Ok(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.to_owned(),
        }
    }
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
    let words = visitor.words;
    let chart = visitor.chart(&patient);
    let start = from(&asked.range, visitor.now);
    let others = asked.others(&code);
    let (banner, trend, tests) =
        tokio::try_join!(chart.banner(), chart.joined_trend(&code, start.as_ref()), chart.tests_done())?;
    let mut compared = Vec::new();
    for other in &others {
        compared.push(chart.joined_trend(other, start.as_ref()).await?);
    }
    let marks = if asked.medicines == "yes" { chart.medication_marks().await? } else { Vec::new() };
    let back = words.say(if section == "vitals" { "chart-vitals" } else { "chart-results" });
    let address = format!("{}/{section}", visitor.address_of(patient.as_str()));
    let shown = Shown { trend: &trend, compared: &compared, others: &others, marks: &marks, tests: &tests };
    let main = html! {
        (over_time(words, &shown, &address, &back, &asked))
        (live::source(&visitor, Some(&patient)))
    };
    Ok(shell::chart(&visitor, &banner, section, (words.say("chart-trend"), NEEDS), main))
}

struct Shown<'a> {
    trend: &'a Trend,
    compared: &'a [Trend],
    others: &'a [String],
    marks: &'a [Mark],
    tests: &'a [(String, String)],
}

fn over_time(words: &Words, shown: &Shown<'_>, address: &str, back: &str, asked: &Asked) -> Markup {
    let trend = shown.trend;
    let here = format!("{address}/{}", trend.code);
    let to = |asked: &Asked| asked.address(&here, shown.others);
    let all: Vec<&Trend> = std::iter::once(trend).chain(shown.compared).collect();
    let log = asked.scale == "log";
    let how = plot::How { span: plot::span_of(&all).filter(|_| all.len() > 1), log, marks: shown.marks };
    let (linear, factors) =
        (Asked { scale: String::new(), ..asked.clone() }, Asked { scale: "log".into(), ..asked.clone() });
    let medicines =
        Asked { medicines: if asked.medicines.is_empty() { "yes".into() } else { String::new() }, ..asked.clone() };
    html! {
        header.section-head {
            h1 { (trend.name) }
            p { a href=(address) { (words.say("chart-back-to")) " " (back.to_lowercase()) } }
        }
        nav.ranges aria-label=(words.say("chart-time-shown")) {
            @for (slug, key, _) in RANGES {
                a href=(to(&Asked { range: slug.to_owned(), ..asked.clone() })) aria-current=[(slug == asked.range).then_some("true")] { (words.say(key)) }
            }
        }
        div.trend-tools {
            @if plot::may_be_log(trend) {
                nav.ranges aria-label=(words.say("results-scale")) {
                    a href=(to(&linear)) aria-current=[(!log).then_some("true")] { (words.say("results-linear")) }
                    a href=(to(&factors)) aria-current=[log.then_some("true")] { (words.say("results-log")) }
                }
            }
            p.buttons {
                a.button href=(to(&medicines)) aria-pressed=[(!asked.medicines.is_empty()).then_some("true")] { (words.say(if asked.medicines.is_empty() { "results-medicines" } else { "results-no-medicines" })) }
                a.button href={ (here) "/csv" @if !asked.range.is_empty() { "?range=" (asked.range) } } { (words.say("results-csv")) }
                button type="button" data-print="" hidden { (words.say("growth-print")) }
            }
            (compare(words, shown, &here, asked))
        }
        div #trend data-live="Observation" {
            @if trend.readings.is_empty() { (empty(&words.say("chart-nothing-was-measured-in-this"))) }
            @for (at, it) in all.iter().enumerate() {
                @if !it.readings.is_empty() {
                    @if all.len() > 1 { h2 { (it.name) @if at > 0 { " " a.quiet href=(asked.address(&here, &without(shown.others, &it.code))) { (words.say("results-remove")) } } } }
                    (plot::plot_so(words, it, how))
                }
            }
            @if !shown.marks.is_empty() {
                details.medicine-list {
                    summary { (words.say("results-medicines-list")) }
                    ul.lines { @for mark in shown.marks.iter().rev().take(60) { li.line { span.main { (mark.name) } span.side { (words.say(if mark.began { "results-began" } else { "results-ended" })) " " (mark.when.date()) } } } }
                }
            }
            @for it in &all {
                @if !it.readings.is_empty() {
                    @let rows = if asked.all.is_empty() { it.readings.len().min(ROWS) } else { it.readings.len() };
                    (measures::readings(words, &words.with("chart-every-value", &[("name", it.name.as_str().into())]), &it.readings[..rows]))
                    @if rows < it.readings.len() {
                        p.rest { a href=(to(&Asked { all: "yes".into(), ..asked.clone() })) { (words.with("results-all-values", &[("count", it.readings.len().into())])) } }
                    }
                    @else if it.more { p.similar-note { (words.say("chart-older-values-are-not-shown")) } }
                }
            }
        }
    }
}

fn without(others: &[String], code: &str) -> Vec<String> {
    others.iter().filter(|it| *it != code).cloned().collect()
}

fn compare(words: &Words, shown: &Shown<'_>, here: &str, asked: &Asked) -> Markup {
    let code = &shown.trend.code;
    html! {
        @if shown.others.len() + 1 < COMPARED {
            form.filters method="get" action=(here) data-submit-on-change="" {
                @for (name, value) in [("range", &asked.range), ("scale", &asked.scale), ("medicines", &asked.medicines)] {
                    @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
                }
                @if !shown.others.is_empty() { input type="hidden" name="with" value=(shown.others.join(",")); }
                div.field {
                    label for="add" { (words.say("results-compare")) }
                    select #add name="add" {
                        option value="" { (words.say("results-choose-test")) }
                        @for (other, name) in shown.tests.iter().filter(|it| it.0 != *code && !shown.others.contains(&it.0)) { option value=(other) { (name) } }
                    }
                }
                button type="submit" { (words.say("results-add")) }
            }
        }
    }
}

/// The table as a file. What a spreadsheet would take for a formula is none there.
pub(crate) async fn csv(visitor: Visitor, Path((_, patient, code)): Of, Query(asked): Query<Asked>) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    // Whoever may not open the chart has no file of it either.
    chart.banner().await?;
    let trend = chart.joined_trend(&code, from(&asked.range, visitor.now).as_ref()).await?;
    let event = store::audit::Event::of("export").patient(patient.clone()).detail("a test over time");
    visitor.store().record(&visitor.caller, event, visitor.now).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"trend.csv\""),
    ];
    Ok((headers, as_csv(&trend)).into_response())
}
