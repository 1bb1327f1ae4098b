//! The trend of one test, drawn here as SVG: reference band as sent with each result, points whose shape
//! tells the flag, lines that break where a value is missing. Every point can be reached by keyboard and
//! says itself; the table below the drawing holds the same. Drawn twice, wide and narrow, so that letters
//! keep their size on a telephone; the style sheet shows one.

use super::flag;
use super::spark::round;
use crate::locale::Words;
use care::chart::{Flag, Mark, Point, Series, Trend, When};
use maud::{Markup, html};

const DAY: i64 = 86_400_000;

struct Size {
    class: &'static str,
    width: f64,
    height: f64,
    x_labels: usize,
}

const SIZES: [Size; 2] = [
    Size { class: "wide", width: 840.0, height: 300.0, x_labels: 8 },
    Size { class: "narrow", width: 320.0, height: 240.0, x_labels: 4 },
];

const LEFT: f64 = 44.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 28.0;

/// How a trend is drawn.
#[derive(Clone, Copy, Default)]
pub(crate) struct How<'a> {
    /// From when to when, for drawings that stand under each other; as far as there are values when nothing is said.
    pub(crate) span: Option<(i64, i64)>,
    /// Equal steps are equal factors. Only where every value is above nothing.
    pub(crate) log: bool,
    /// Medicines begun and stopped.
    pub(crate) marks: &'a [Mark],
}

/// From the first to the last value of several trends.
pub(crate) fn span_of(trends: &[&Trend]) -> Option<(i64, i64)> {
    let all = || trends.iter().flat_map(|it| points(it)).map(|it| it.when.at());
    all().min().zip(all().max())
}

/// Whether equal factors can be equal steps.
pub(crate) fn may_be_log(trend: &Trend) -> bool {
    points(trend).next().is_some() && points(trend).all(|it| it.number > 0.0)
}

pub(crate) fn plot(words: &Words, trend: &Trend) -> Markup {
    plot_so(words, trend, How::default())
}

pub(crate) fn plot_so(words: &Words, trend: &Trend, how: How<'_>) -> Markup {
    let how = How { log: how.log && may_be_log(trend), ..how };
    let drawn: usize = trend.series.iter().map(|it| it.points.len()).sum();
    if drawn == 0 {
        return html! { p.empty { (words.say("chart-there-is-nothing-to-draw")) } };
    }
    let unit = trend.series[0].unit.as_str();
    html! {
        figure.plot data-plot="" {
            @for size in &SIZES { (draw(words, trend, size, how)) }
            p.reader role="status" data-reader="" {}
            figcaption {
                @if !unit.is_empty() { (words.say("chart-in")) " " (unit) ". " }
                @if trend.series.len() > 1 {
                    @for (at, series) in trend.series.iter().enumerate() {
                        span class={ "key series-" (at) } { (series.name) } " "
                    }
                }
                @if has_band(trend) { span.key.band { (words.say("chart-reference-range-as-sent")) } " " }
                @if has_flags(trend) { span.key-words { (words.say("chart-high-low-critical-abnormal")) } }
                @if points(trend).any(|it| it.sent.is_some()) { span { (words.say("results-converted")) } " " }
                @if how.log { span { (words.say("results-log-said")) } " " }
                @if !how.marks.is_empty() { span { (words.say("results-marks-said")) } " " }
                @let thinned = trend.series.iter().any(|it| it.measured > it.points.len());
                @if thinned { " " (words.say("chart-drawn-from-the-lowest-and")) }
                @if trend.other_units > 0 {
                    " " (super::counted(words, "chart-other-units", trend.other_units))
                }
            }
        }
    }
}

fn has_band(trend: &Trend) -> bool {
    points(trend).any(|it| it.range.as_ref().is_some_and(|it| it.low.is_some() || it.high.is_some()))
}

fn has_flags(trend: &Trend) -> bool {
    points(trend).any(|it| it.flag.is_some_and(Flag::is_abnormal))
}

fn points(trend: &Trend) -> impl Iterator<Item = &Point> {
    trend.series.iter().flat_map(|it| &it.points)
}

/// What is where: times and values to pixels.
struct Scale<'a> {
    size: &'a Size,
    from: i64,
    to: i64,
    low: f64,
    high: f64,
    step: f64,
    log: bool,
}

impl<'a> Scale<'a> {
    fn of(trend: &Trend, size: &'a Size, how: How<'_>) -> Scale<'a> {
        let (from, to) = how.span.or_else(|| span_of(&[trend])).unwrap_or((0, 0));
        // A single day still has room on both sides.
        let room = ((to - from) / 40).max(if to == from { 15 * DAY } else { 1 });
        let values = points(trend).flat_map(|it| {
            let range = it.range.as_ref();
            [Some(it.number), range.and_then(|it| it.low), range.and_then(|it| it.high)]
        });
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.flatten().filter(|it| it.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if how.log {
            // A range that begins at nothing has no place on such a scale.
            let least = points(trend).map(|it| it.number).fold(f64::INFINITY, f64::min);
            let low = if low > 0.0 { low } else { least };
            let (low, high) = ((low.log10() - 0.05).floor_to_step(), (high.log10() + 0.05).ceil_to_step());
            return Scale { size, from: from - room, to: to + room, low, high, step: 1.0, log: true };
        }
        let step = step((high - low).max(high.abs() * 0.05).max(1e-9) / 4.0);
        let (low, high) = ((low / step - 0.25).floor() * step, (high / step + 0.25).ceil() * step);
        Scale { size, from: from - room, to: to + room, low, high, step, log: false }
    }

    fn x(&self, at: i64) -> f64 {
        let share = (at - self.from) as f64 / (self.to - self.from).max(1) as f64;
        round(LEFT + share * (self.size.width - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10().max(self.low) } else { value };
        let share = (value - self.low) / (self.high - self.low);
        round(self.size.height - BOTTOM - share * (self.size.height - TOP - BOTTOM))
    }

    fn bottom(&self) -> f64 {
        self.size.height - BOTTOM
    }

    /// The values at which lines lie, with their text.
    fn levels(&self) -> Vec<(f64, String)> {
        if self.log {
            return self.powers();
        }
        let decimals = (-self.step.log10().floor()).clamp(0.0, 6.0) as usize;
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count.min(12))
            .map(|n| {
                let value = self.low + n as f64 * self.step;
                (self.y(value), format!("{value:.decimals$}"))
            })
            .collect()
    }
}

impl Scale<'_> {
    /// 1, 2 and 5 times the powers of ten within the scale.
    fn powers(&self) -> Vec<(f64, String)> {
        let (first, last) = (self.low.floor() as i32, self.high.ceil() as i32);
        let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|it| it * 10f64.powi(power)));
        let within = all.filter(|it| (self.low - 1e-9..=self.high + 1e-9).contains(&it.log10()));
        within
            .map(|value| {
                let decimals = (-value.log10().floor()).clamp(0.0, 6.0) as usize;
                (self.y(value), format!("{value:.decimals$}"))
            })
            .collect()
    }
}

/// Ends of a scale of factors, at tenths of a power.
trait Step {
    fn floor_to_step(self) -> f64;
    fn ceil_to_step(self) -> f64;
}

impl Step for f64 {
    fn floor_to_step(self) -> f64 {
        (self * 10.0).floor() / 10.0
    }

    fn ceil_to_step(self) -> f64 {
        (self * 10.0).ceil() / 10.0
    }
}

/// 1, 2 or 5 times a power of ten, not less than asked.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|it| it * power).find(|it| *it >= least * 0.999).unwrap_or(power * 10.0)
}

/// Beginnings of years, quarters, months or days, no more than fit.
pub(crate) fn dates(from: i64, to: i64, most: usize) -> Vec<(i64, String)> {
    use jiff::civil::Date;
    let utc = |at: i64| jiff::Timestamp::from_millisecond(at).map(|it| it.to_zoned(jiff::tz::TimeZone::UTC).date());
    let (Ok(first), Ok(last)) = (utc(from), utc(to)) else { return Vec::new() };
    let months = i64::from(last.year() - first.year()) * 12 + i64::from(last.month() - first.month());
    let days = (to - from) / DAY;
    let at = |date: Date| date.to_zoned(jiff::tz::TimeZone::UTC).map(|it| it.timestamp().as_millisecond());
    let mut marks = Vec::new();
    if days <= 62 {
        let every = (days / most as i64).max(1);
        let mut date = first;
        while let (Ok(mark), true) = (at(date), date <= last) {
            let text = When::parse(&date.to_string()).map_or(String::new(), |it| it.date()[..6].to_owned());
            marks.push((mark, text));
            date = date.saturating_add(jiff::Span::new().days(every));
        }
    } else {
        let every = [1, 2, 3, 6, 12, 24, 60, 120, 240].into_iter().find(|it| months / it <= most as i64).unwrap_or(240);
        let mut month = i64::from(first.year()) * 12 + i64::from(first.month() - 1);
        month = month.div_euclid(every) * every;
        let end = i64::from(last.year()) * 12 + i64::from(last.month());
        while month <= end {
            let date = Date::new((month / 12) as i16, (month % 12) as i8 + 1, 1);
            if let Ok((mark, date)) = date.and_then(|date| Ok((at(date)?, date))) {
                let text = if every >= 12 {
                    date.year().to_string()
                } else {
                    format!("{:04}-{:02}", date.year(), date.month())
                };
                let text = if every >= 12 { text } else { When::parse(&text).map_or(text, |it| it.date()) };
                marks.push((mark, text));
            }
            month += every;
        }
    }
    marks.retain(|(mark, _)| (from..=to).contains(mark));
    marks
}

fn draw(words: &Words, trend: &Trend, size: &Size, how: How<'_>) -> Markup {
    let scale = Scale::of(trend, size, how);
    let label = words.with("chart-over-time", &[("name", trend.name.as_str().into())]);
    html! {
        svg class={ "trend " (size.class) } viewBox={ "0 0 " (size.width) " " (size.height) } role="group" aria-label=(label) {
            @for series in &trend.series { (band(series, &scale)) }
            g.grid aria-hidden="true" {
                @for (y, text) in scale.levels() {
                    line x1=(LEFT) x2=(size.width - RIGHT) y1=(y) y2=(y) {}
                    text.level x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (text) }
                }
                @for (at, text) in dates(scale.from, scale.to, size.x_labels) {
                    line.date x1=(scale.x(at)) x2=(scale.x(at)) y1=(scale.bottom()) y2=(scale.bottom() + 5.0) {}
                    text x=(scale.x(at)) y=(scale.bottom() + 19.0) text-anchor="middle" { (text) }
                }
            }
            (medicines(words, how.marks, &scale))
            @for (at, series) in trend.series.iter().enumerate() {
                path class={ "line series-" (at) } d=(line(series, &scale)) {}
            }
            @for (at, series) in trend.series.iter().enumerate() {
                @for point in &series.points { (marker(words, point, series, at, &scale)) }
            }
        }
    }
}

/// The reference range under each point, as wide as half the way to its neighbours.
fn band(series: &Series, scale: &Scale<'_>) -> Markup {
    let mut stretches: Vec<(f64, f64, f64, f64)> = Vec::new();
    let points = &series.points;
    for (n, point) in points.iter().enumerate() {
        let Some(range) = point.range.as_ref().filter(|it| it.low.is_some() || it.high.is_some()) else { continue };
        let here = scale.x(point.when.at());
        let half_way = |other: Option<&Point>, edge: f64| other.map_or(edge, |it| (scale.x(it.when.at()) + here) / 2.0);
        let left = half_way(n.checked_sub(1).and_then(|it| points.get(it)), LEFT);
        let right = half_way(points.get(n + 1), scale.size.width - RIGHT);
        let top = range.high.map_or(TOP, |it| scale.y(it));
        let bottom = range.low.map_or(scale.bottom(), |it| scale.y(it));
        match stretches.last_mut() {
            Some(last) if last.2 == top && last.3 == bottom && (last.1 - left).abs() < 0.2 => last.1 = right,
            _ => stretches.push((left, right, top, bottom)),
        }
    }
    html! {
        @for (left, right, top, bottom) in stretches {
            rect.band x=(round(left)) y=(round(top)) width=(round((right - left).max(0.0))) height=(round((bottom - top).max(0.0))) {}
        }
    }
}

fn line(series: &Series, scale: &Scale<'_>) -> String {
    let mut path = String::new();
    for (n, point) in series.points.iter().enumerate() {
        let command = if n == 0 || point.after_gap { 'M' } else { 'L' };
        path.push_str(&format!("{command}{} {}", scale.x(point.when.at()), scale.y(point.number)));
    }
    path
}

/// Marks at the foot where a medicine was begun (upwards) or stopped (downwards).
fn medicines(words: &Words, marks: &[Mark], scale: &Scale<'_>) -> Markup {
    let bottom = scale.bottom();
    html! {
        @for mark in marks.iter().filter(|it| (scale.from..=scale.to).contains(&it.when.at())) {
            @let x = scale.x(mark.when.at());
            @let said = words.with(if mark.began { "results-mark-began" } else { "results-mark-ended" },
                &[("name", mark.name.as_str().into()), ("date", mark.when.date().into())]);
            g.medicine role="img" aria-label=(said) {
                title { (said) }
                line x1=(x) x2=(x) y1=(TOP) y2=(bottom) {}
                @if mark.began { path d={ "M" (x - 5.0) " " (bottom) "L" (x + 5.0) " " (bottom) "L" (x) " " (bottom - 9.0) "Z" } {} }
                @else { path d={ "M" (x - 5.0) " " (bottom - 9.0) "L" (x + 5.0) " " (bottom - 9.0) "L" (x) " " (bottom) "Z" } {} }
            }
        }
    }
}

/// The words of a point: `12-May-2024: 7.2 %, high (reference 4.0–5.6)`.
fn told(words: &Words, point: &Point, series: &Series) -> String {
    let mut told = format!("{}: ", point.when.date_and_time());
    if !series.name.is_empty() {
        told.push_str(&format!("{} ", series.name));
    }
    told.push_str(&format!("{} {}", point.shown, series.unit));
    if let Some(flag) = point.flag {
        told.push_str(&format!(", {}", flag::said(words, flag)));
    }
    if let Some(source) = &point.outside {
        told.push_str(&format!(", {} {source}", words.say("reconcile-from")));
    }
    if let Some(sent) = &point.sent {
        told.push_str(&format!(" ({sent})"));
    }
    if let Some(range) = &point.range {
        told.push(' ');
        told.push_str(&words.with("chart-point-reference", &[("range", range.shown.as_str().into())]));
    }
    told
}

fn marker(words: &Words, point: &Point, series: &Series, at: usize, scale: &Scale<'_>) -> Markup {
    let (x, y) = (scale.x(point.when.at()), scale.y(point.number));
    let corners = |corners: &[(f64, f64)]| {
        corners.iter().map(|(dx, dy)| format!("{},{}", round(x + dx), round(y + dy))).collect::<Vec<_>>().join(" ")
    };
    let told = told(words, point, series);
    let end = if x > scale.size.width * 0.7 {
        "end"
    } else if x < scale.size.width * 0.3 {
        "start"
    } else {
        "middle"
    };
    let above = if y < TOP + 18.0 { y + 20.0 } else { y - 10.0 };
    html! {
        g class={ "point series-" (at) " " (flag::class(point.flag)) @if point.outside.is_some() { " outside-point" } } tabindex="0" role="img" aria-label=(told) {
            title { (told) }
            circle.reach cx=(x) cy=(y) r="12" {}
            @match point.flag {
                Some(Flag::CriticalHigh | Flag::CriticalLow | Flag::CriticalAbnormal) =>
                    { polygon.mark points=(corners(&[(0.0, -6.5), (6.5, 0.0), (0.0, 6.5), (-6.5, 0.0)])) {} }
                Some(Flag::High) => { polygon.mark points=(corners(&[(0.0, -6.0), (5.5, 4.0), (-5.5, 4.0)])) {} }
                Some(Flag::Low) => { polygon.mark points=(corners(&[(0.0, 6.0), (5.5, -4.0), (-5.5, -4.0)])) {} }
                Some(Flag::Abnormal) => { polygon.mark points=(corners(&[(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)])) {} }
                _ => { circle.mark cx=(x) cy=(y) r="3.6" {} }
            }
            text.value x=(x) y=(round(above)) text-anchor=(end) { (point.shown) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_round_numbers() {
        let check = |least: f64, shown: f64| assert!((step(least) - shown).abs() < 1e-12, "{least}: {}", step(least));
        check(1.0, 1.0);
        check(1.3, 2.0);
        check(3.0, 5.0);
        check(7.0, 10.0);
        check(0.03, 0.05);
        check(250.0, 500.0);
    }

    #[test]
    fn dates_on_the_axis_fit_the_time_shown() {
        let at = |text: &str| When::parse(text).unwrap().at();
        let texts =
            |from: &str, to: &str, most| dates(at(from), at(to), most).into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(texts("2016-03-01", "2024-03-01", 4), ["2018", "2020", "2022", "2024"]);
        assert_eq!(texts("2024-01-15", "2024-05-15", 8), ["Feb-2024", "Mar-2024", "Apr-2024", "May-2024"]);
        assert_eq!(texts("2024-01-01", "2024-01-05", 8).len(), 5);
        assert!(texts("1900-01-01", "2026-01-01", 8).len() <= 9);
    }
}
