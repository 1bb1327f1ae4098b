//! Measurements in rows: vital signs with their shape, results with flag, range and change, and the
//! flowsheet of tests beside dates.

use super::spark::spark;
use super::{day, flag};
use crate::locale::Words;
use care::chart::{Flowsheet, Latest, Reading};
use maud::{Markup, html};
use std::cmp::Ordering;

/// The address of a trend; a test without any code has none.
fn trend(base: &str, section: &str, reading: &Reading) -> Option<String> {
    let code = reading.code.as_deref()?;
    let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    plain.then(|| format!("{base}/{section}/{code}"))
}

pub(crate) fn named(base: &str, section: &str, reading: &Reading) -> Markup {
    match trend(base, section, reading) {
        Some(to) => html! { a href=(to) { (reading.name) } },
        None => html! { (reading.name) },
    }
}

fn change(words: &Words, latest: &Latest) -> Markup {
    match (latest.change(), latest.previous()) {
        (Some(Ordering::Greater), Some(before)) => was(words, "↑", "chart-up-from", before),
        (Some(Ordering::Less), Some(before)) => was(words, "↓", "chart-down-from", before),
        (Some(Ordering::Equal), Some(before)) => was(words, "→", "chart-the-same-as", before),
        (None, Some(before)) => was(words, "", "chart-was-before", before),
        _ => html! {},
    }
}

fn was(words: &Words, arrow: &str, key: &str, before: &Reading) -> Markup {
    let shown = super::words::value(words, &before.value);
    html! { span.was { span aria-hidden="true" { (arrow) " " } span.spoken { (words.say(key)) " " } (shown) } }
}

pub(crate) fn value(words: &Words, reading: &Reading) -> Markup {
    html! {
        (before_correction(words, reading))
        span class={ "value " (flag::class(reading.flag)) } { (super::words::value(words, &reading.value)) }
        " " (flag::badge(words, reading.flag)) " " (flag::status(words, reading.status))
        (super::outside::reading(words, reading))
    }
}

/// What a corrected result said before, struck out.
fn before_correction(words: &Words, reading: &Reading) -> Markup {
    html! {
        @if let Some(was) = &reading.was { del.was-value { span.spoken { (words.say("results-was")) " " } (super::words::value(words, was)) } " " }
    }
}

/// A table of the summary: name, shape, value with flag, when.
pub(crate) fn vitals(words: &Words, base: &str, rows: &[Latest], now: i64) -> Markup {
    html! {
        table.measures {
            caption.spoken { (words.say("chart-latest-vital-signs")) }
            thead.spoken { tr { th scope="col" { (words.say("chart-sign")) } th scope="col" { (words.say("chart-latest")) } th scope="col" { (words.say("chart-trend")) } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" {
                            (named(base, "vitals", row.newest()))
                            @if let Some(when) = &row.newest().when { span.under title=(when.date_and_time()) { (super::words::ago(words, when, now)) } }
                        }
                        td.of-value { (value(words, row.newest())) }
                        td.of-spark { (spark(words, row)) }
                    }
                }
            }
        }
    }
}

pub(crate) fn results(words: &Words, base: &str, rows: &[Latest]) -> Markup {
    html! {
        table.measures {
            caption.spoken { (words.say("chart-latest-result-of-each-test")) }
            thead.spoken { tr { th scope="col" { (words.say("chart-test")) } th scope="col" { (words.say("chart-latest")) } th scope="col" { (words.say("chart-trend")) } } }
            tbody {
                @for row in rows {
                    @let newest = row.newest();
                    tr class=(flag::class(newest.flag)) {
                        th scope="row" {
                            (named(base, "results", newest))
                            span.under {
                                @if let Some(when) = &newest.when { (day(when)) }
                                @if let Some(range) = &newest.range { " " (words.say("chart-usual")) " " (range.shown) }
                            }
                        }
                        td.of-value { (value(words, newest)) }
                        td.of-spark { (spark(words, row)) }
                    }
                }
            }
        }
    }
}

/// Everything about the latest of each kind.
pub(crate) fn full(words: &Words, base: &str, section: &str, caption: &str, rows: &[Latest]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in ["chart-test", "chart-latest", "chart-reference-range", "chart-before", "chart-trend", "chart-date"] { th scope="col" { (words.say(head)) } } } }
            tbody {
                @for row in rows {
                    @let newest = row.newest();
                    tr class=(flag::class(newest.flag)) {
                        th scope="row" { (named(base, section, newest)) @if let Some(note) = &newest.note { p.note { (note) } } }
                        td.of-value { (value(words, newest)) }
                        td { @match &newest.range { Some(range) => (range.shown), None => { span.absent { "–" span.spoken { (words.say("chart-not-sent")) } } } } }
                        td { (change(words, row)) }
                        td.of-spark { (spark(words, row)) }
                        td { (super::day_or_none(words, newest.when.as_ref())) }
                    }
                }
            }
        }
    }
}

/// Readings one under another: the twin of a drawing.
pub(crate) fn readings(words: &Words, caption: &str, readings: &[Reading]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in ["chart-date", "chart-value", "chart-reference-range", "chart-remarks"] { th scope="col" { (words.say(head)) } } } }
            tbody {
                @for reading in readings {
                    tr class={ (flag::class(reading.flag)) @if !reading.counts() { " mistaken" } } {
                        th scope="row" { @match &reading.when { Some(when) => (when.date_and_time()), None => { span.absent { (words.say("chart-not-recorded")) } } } }
                        td.of-value { (value(words, reading)) }
                        td { @match &reading.range { Some(range) => (range.shown), None => { span.absent { "–" span.spoken { (words.say("chart-not-sent")) } } } } }
                        td {
                            (super::lists::joined(&[reading.performer.as_deref(), reading.specimen.as_deref(), reading.method.as_deref()]))
                            // One that waits to be looked at has its badge at the value.
                            @if !reading.apart { (super::outside::badge(words, reading.source.as_deref())) }
                            @if let Some(note) = &reading.note { p.note { (note) } }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn flowsheet(words: &Words, base: &str, sheet: &Flowsheet) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(words.say("chart-results-by-date")) {
            table.sheet {
                caption { (words.say("chart-results-by-date-newest-first")) }
                thead {
                    tr { th scope="col" { (words.say("chart-test")) } @for when in &sheet.days { th scope="col" { (day(when)) } } }
                }
                @for panel in &sheet.groups {
                    tbody {
                        tr.panel id={ "panel-" (panel.slug()) } { th scope="rowgroup" colspan=(sheet.days.len() + 1) { span { (panel.name) } } }
                        @for row in &panel.rows {
                            tr {
                                th scope="row" {
                                    @match row.cells.iter().flatten().next() { Some(reading) => (named(base, "results", reading)), None => (row.name) }
                                }
                                @for cell in &row.cells {
                                    td {
                                        @for reading in cell {
                                            span.cell-value {
                                                (before_correction(words, reading))
                                                span class={ "value " (flag::class(reading.flag)) } title=[reading.range.as_ref().map(|it| words.with("chart-reference", &[("range", it.shown.as_str().into())]))] { (super::words::value(words, &reading.value)) }
                                                " " (flag::badge(words, reading.flag)) (flag::status(words, reading.status))
                                                (super::outside::reading(words, reading))
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
