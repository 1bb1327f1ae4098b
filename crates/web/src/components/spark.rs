//! A sparkline: the shape of the last few values in the height of a line of text. It says nothing that the
//! words beside it do not say, but says it at a glance.

use crate::locale::Words;
use care::chart::{Latest, Measured, Reading};
use maud::{Markup, html};

const WIDTH: f64 = 84.0;
const HEIGHT: f64 = 22.0;
const PAD: f64 = 3.0;

/// Values oldest first, one line for each part measured together.
fn lines(latest: &Latest) -> Vec<Vec<(i64, f64)>> {
    let unit = |reading: &Reading| match &reading.value {
        Measured::Quantity { unit, .. } => Some(unit.clone()),
        _ => None,
    };
    let own = unit(latest.newest());
    let whole: Vec<(i64, f64)> = latest
        .readings
        .iter()
        .rev()
        .filter(|it| unit(it) == own)
        .filter_map(|it| Some((it.at(), it.number()?)))
        .collect();
    if !whole.is_empty() {
        return vec![whole];
    }
    let parts = latest.newest().parts.iter().map(|part| {
        let of_part = |reading: &Reading| match reading.parts.iter().find(|it| it.code == part.code)?.value {
            Measured::Quantity { number, .. } => Some((reading.at(), number)),
            _ => None,
        };
        latest.readings.iter().rev().filter_map(of_part).collect()
    });
    parts.collect()
}

pub(crate) fn spark(words: &Words, latest: &Latest) -> Markup {
    let lines: Vec<_> = lines(latest).into_iter().filter(|it| it.len() >= 2).collect();
    let all = || lines.iter().flatten();
    let Some(first) = all().map(|it| it.0).min() else { return html! { span.spark {} } };
    let last = all().map(|it| it.0).max().unwrap_or(first);
    let low = all().map(|it| it.1).fold(f64::INFINITY, f64::min);
    let high = all().map(|it| it.1).fold(f64::NEG_INFINITY, f64::max);
    let x = |at: i64| PAD + (at - first) as f64 / ((last - first) as f64).max(1.0) * (WIDTH - 2.0 * PAD);
    // A flat line lies in the middle rather than on an edge.
    let y = |it: f64| {
        if high > low { HEIGHT - PAD - (it - low) / (high - low) * (HEIGHT - 2.0 * PAD) } else { HEIGHT / 2.0 }
    };
    let values = [("count", lines[0].len().into()), ("low", low.to_string().into()), ("high", high.to_string().into())];
    let label = words.with("chart-spark", &values);
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) role="img" aria-label=(label) {
            @for line in &lines {
                path.line d=(path(line, &x, &y)) {}
                @if let Some((at, value)) = line.last() {
                    circle.end cx=(round(x(*at))) cy=(round(y(*value))) r="2.4" {}
                }
            }
        }
    }
}

fn path(line: &[(i64, f64)], x: &dyn Fn(i64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let point = |(n, (at, value)): (usize, &(i64, f64))| {
        format!("{}{} {}", if n == 0 { "M" } else { "L" }, round(x(*at)), round(y(*value)))
    };
    line.iter().enumerate().map(point).collect()
}

/// A tenth of a pixel is enough.
pub(crate) fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
