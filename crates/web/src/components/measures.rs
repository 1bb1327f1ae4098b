//! Measurements in rows: vital signs with their shape, results with flag, range and change, and the
//! flowsheet of tests beside dates.

use super::spark::spark;
use super::{day, flag};
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

fn change(latest: &Latest) -> Markup {
    match (latest.change(), latest.previous()) {
        (Some(Ordering::Greater), Some(before)) => was("↑", "up from", before),
        (Some(Ordering::Less), Some(before)) => was("↓", "down from", before),
        (Some(Ordering::Equal), Some(before)) => was("→", "the same as", before),
        (None, Some(before)) => was("", "before:", before),
        _ => html! {},
    }
}

fn was(arrow: &str, words: &str, before: &Reading) -> Markup {
    let shown = before.value.with_unit();
    html! { span.was { span aria-hidden="true" { (arrow) " " } span.spoken { (words) " " } (shown) } }
}

pub(crate) fn value(reading: &Reading) -> Markup {
    html! {
        span class={ "value " (flag::class(reading.flag)) } { (reading.value.with_unit()) }
        " " (flag::badge(reading.flag)) " " (flag::status(reading.status))
    }
}

/// A table of the summary: name, shape, value with flag, when.
pub(crate) fn vitals(base: &str, rows: &[Latest], now: i64) -> Markup {
    html! {
        table.measures {
            caption.spoken { "Latest vital signs" }
            thead.spoken { tr { th scope="col" { "Sign" } th scope="col" { "Latest" } th scope="col" { "Trend" } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" {
                            (named(base, "vitals", row.newest()))
                            @if let Some(when) = &row.newest().when { span.under title=(when.date_and_time()) { (when.ago(now)) } }
                        }
                        td.of-value { (value(row.newest())) }
                        td.of-spark { (spark(row)) }
                    }
                }
            }
        }
    }
}

pub(crate) fn results(base: &str, rows: &[Latest]) -> Markup {
    html! {
        table.measures {
            caption.spoken { "Latest result of each test" }
            thead.spoken { tr { th scope="col" { "Test" } th scope="col" { "Latest" } th scope="col" { "Trend" } } }
            tbody {
                @for row in rows {
                    @let newest = row.newest();
                    tr class=(flag::class(newest.flag)) {
                        th scope="row" {
                            (named(base, "results", newest))
                            span.under {
                                @if let Some(when) = &newest.when { (day(when)) }
                                @if let Some(range) = &newest.range { " · usual " (range.shown) }
                            }
                        }
                        td.of-value { (value(newest)) }
                        td.of-spark { (spark(row)) }
                    }
                }
            }
        }
    }
}

/// Everything about the latest of each kind.
pub(crate) fn full(base: &str, section: &str, caption: &str, rows: &[Latest]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in ["Test", "Latest", "Reference range", "Before", "Trend", "Date"] { th scope="col" { (head) } } } }
            tbody {
                @for row in rows {
                    @let newest = row.newest();
                    tr class=(flag::class(newest.flag)) {
                        th scope="row" { (named(base, section, newest)) @if let Some(note) = &newest.note { p.note { (note) } } }
                        td.of-value { (value(newest)) }
                        td { @match &newest.range { Some(range) => (range.shown), None => { span.absent { "–" span.spoken { "not sent" } } } } }
                        td { (change(row)) }
                        td.of-spark { (spark(row)) }
                        td { (super::day_or_none(newest.when.as_ref())) }
                    }
                }
            }
        }
    }
}

/// Readings one under another: the twin of a drawing.
pub(crate) fn readings(caption: &str, readings: &[Reading]) -> Markup {
    html! {
        table.rows {
            caption { (caption) }
            thead { tr { @for head in ["Date", "Value", "Reference range", "Remarks"] { th scope="col" { (head) } } } }
            tbody {
                @for reading in readings {
                    tr class={ (flag::class(reading.flag)) @if !reading.counts() { " mistaken" } } {
                        th scope="row" { @match &reading.when { Some(when) => (when.date_and_time()), None => { span.absent { "not recorded" } } } }
                        td.of-value { (value(reading)) }
                        td { @match &reading.range { Some(range) => (range.shown), None => { span.absent { "–" span.spoken { "not sent" } } } } }
                        td {
                            (super::lists::joined(&[reading.performer.as_deref(), reading.specimen.as_deref(), reading.method.as_deref()]))
                            @if let Some(note) = &reading.note { p.note { (note) } }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn flowsheet(base: &str, sheet: &Flowsheet) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Results by date" {
            table.sheet {
                caption { "Results by date, newest first" }
                thead {
                    tr { th scope="col" { "Test" } @for when in &sheet.days { th scope="col" { (day(when)) } } }
                }
                @for panel in &sheet.groups {
                    tbody {
                        tr.panel { th scope="rowgroup" colspan=(sheet.days.len() + 1) { span { (panel.name) } } }
                        @for row in &panel.rows {
                            tr {
                                th scope="row" {
                                    @match row.cells.iter().flatten().next() { Some(reading) => (named(base, "results", reading)), None => (row.name) }
                                }
                                @for cell in &row.cells {
                                    td {
                                        @for reading in cell {
                                            span.cell-value {
                                                span class={ "value " (flag::class(reading.flag)) } title=[reading.range.as_ref().map(|it| format!("Reference {}", it.shown))] { (reading.value.with_unit()) }
                                                " " (flag::badge(reading.flag)) (flag::status(reading.status))
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
