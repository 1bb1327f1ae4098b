//! A growth chart as SVG: the curves of seven percentiles of the reference, and the child's measurements as points that can
//! be reached by keyboard and say themselves. The table on the page holds the same. Drawn twice, wide and narrow, so that
//! letters keep their size on a telephone; the style sheet shows one.

use super::spark::round;
use crate::locale::Words;
use crate::pages::growth::{age, name, unit};
use care::growth::{
    Growth, MONTH, Measure, Point, Reference, Sex, Target, lms, percentile_words, place, span, value_at,
};
use maud::{Markup, html};

/// Percentile → its z-score.
const CURVES: [(u8, f64); 7] =
    [(3, -1.8808), (10, -1.2816), (25, -0.6745), (50, 0.0), (75, 0.6745), (90, 1.2816), (97, 1.8808)];

/// Which chart.
pub(crate) struct Sheet {
    pub(crate) measure: Measure,
    pub(crate) sex: Sex,
    /// Birth to two years (three for the head), else two to twenty.
    pub(crate) infant: bool,
}

struct Size {
    class: &'static str,
    width: f64,
    height: f64,
}

const SIZES: [Size; 2] =
    [Size { class: "wide", width: 900.0, height: 620.0 }, Size { class: "narrow", width: 340.0, height: 420.0 }];
const LEFT: f64 = 40.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

impl Sheet {
    /// From where to where: days, or centimetres for weight-for-length.
    fn span(&self) -> (f64, f64) {
        match (self.measure, self.infant) {
            (Measure::WeightForLength, _) => span(Reference::Who, self.measure, self.sex).unwrap_or((45.0, 110.0)),
            (Measure::Head, _) => (0.0, 36.0 * MONTH),
            (_, true) => (0.0, 24.0 * MONTH),
            (_, false) => (24.0 * MONTH, 240.0 * MONTH),
        }
    }

    /// Where on the chart a measurement lies, if it lies on it.
    fn x(&self, point: &Point) -> Option<f64> {
        let at = point.length.unwrap_or_else(|| point.best_age());
        let (from, to) = self.span();
        (from..=to).contains(&at).then_some(at)
    }

    /// A curve as points (place, value).
    fn curve(&self, z: f64) -> Vec<(f64, f64)> {
        let (from, to) = self.span();
        let steps = 120;
        (0..=steps)
            .filter_map(|n| {
                let at = from + (to - from) * f64::from(n) / f64::from(steps);
                let (reference, there) = place(self.measure, at);
                // The last day of the table of small children is the edge of the sheet.
                let (reference, there) = match reference {
                    Reference::Cdc if self.infant && self.measure != Measure::Head => (Reference::Who, 730.0),
                    other => (other, there),
                };
                let there = if reference == Reference::Cdc { there.min(240.0) } else { there };
                let it = lms(reference, self.measure, self.sex, there)?;
                Some((at, value_at(reference, it, z)))
            })
            .collect()
    }
}

struct Scale<'a> {
    size: &'a Size,
    from: f64,
    to: f64,
    low: f64,
    high: f64,
}

impl Scale<'_> {
    fn x(&self, at: f64) -> f64 {
        round(LEFT + (at - self.from) / (self.to - self.from) * (self.size.width - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> f64 {
        let bottom = self.size.height - BOTTOM;
        round(bottom - (value - self.low) / (self.high - self.low) * (bottom - TOP))
    }
}

pub(crate) fn sheet(words: &Words, sheet: &Sheet, grown: &Growth, target: Option<&Target>, patient: &str) -> Markup {
    let points: Vec<&Point> = grown.of(sheet.measure).collect();
    let curves: Vec<(u8, Vec<(f64, f64)>)> = CURVES.iter().map(|(percent, z)| (*percent, sheet.curve(*z))).collect();
    let title = words.say(name(sheet.measure));
    let whose = words.say(if sheet.sex == Sex::Female { "growth-girls" } else { "growth-boys" });
    let source = words.say(match (sheet.measure, sheet.infant) {
        (Measure::Head, _) => "growth-who-cdc",
        (_, true) => "growth-who",
        (_, false) => "growth-cdc",
    });
    let drawn = points.iter().filter(|it| sheet.x(it).is_some()).count();
    html! {
        figure.plot.growth data-plot="" {
            figcaption.growth-title { strong { (title) } ", " (whose) " – " (source) span.print-only { " – " (patient) } }
            @for size in &SIZES { (draw(words, sheet, &curves, &points, target, size, &title)) }
            p.reader role="status" data-reader="" {}
            figcaption {
                @if drawn == 0 { (words.say("growth-none-here")) " " }
                (words.say("growth-legend"))
                @if points.iter().any(|it| it.corrected.is_some()) { " " (words.say("growth-legend-corrected")) }
            }
        }
    }
}

fn draw(
    words: &Words,
    sheet: &Sheet,
    curves: &[(u8, Vec<(f64, f64)>)],
    points: &[&Point],
    target: Option<&Target>,
    size: &Size,
    title: &str,
) -> Markup {
    let (from, to) = sheet.span();
    let own = points.iter().filter(|it| sheet.x(it).is_some()).map(|it| it.value);
    let all = curves.iter().flat_map(|it| it.1.iter().map(|it| it.1)).chain(own);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
    let step = level_step((high - low) / 8.0);
    let scale = Scale { size, from, to, low: (low / step).floor() * step, high: (high / step).ceil() * step };
    let levels = ((scale.high - scale.low) / step).round() as i64;
    let bottom = size.height - BOTTOM;
    let label = words.with("growth-drawing", &[("measure", title.into())]);
    let final_height = target.filter(|_| sheet.measure == Measure::Length && !sheet.infant);
    html! {
        svg class={ "trend " (size.class) } viewBox={ "0 0 " (size.width) " " (size.height) } role="group" aria-label=(label) {
            g.grid aria-hidden="true" {
                @for n in 0..=levels {
                    @let value = scale.low + n as f64 * step;
                    line x1=(LEFT) x2=(size.width - RIGHT) y1=(scale.y(value)) y2=(scale.y(value)) {}
                    text.level x=(LEFT - 6.0) y=(scale.y(value) + 4.0) text-anchor="end" { (format!("{value:.*}", usize::from(step < 1.0))) }
                }
                @for (at, text) in marks(sheet, size.class == "narrow") {
                    line.date x1=(scale.x(at)) x2=(scale.x(at)) y1=(TOP) y2=(bottom + 5.0) {}
                    text x=(scale.x(at)) y=(bottom + 19.0) text-anchor="middle" { (text) }
                }
                text.axis-name x=((LEFT + size.width - RIGHT) / 2.0) y=(size.height - 4.0) text-anchor="middle" {
                    (words.say(match (sheet.measure, sheet.infant) {
                        (Measure::WeightForLength, _) => "growth-axis-cm",
                        (_, true) => "growth-axis-months",
                        (_, false) => "growth-axis-years",
                    })) ", " (unit(sheet.measure))
                }
            }
            g.curves aria-hidden="true" {
                @for (percent, curve) in curves {
                    path class={ "curve p" (percent) } d=(path(curve, &scale)) {}
                    @if let Some((at, value)) = curve.last() {
                        text.curve-name x=(scale.x(*at) + 4.0) y=(scale.y(*value) + 4.0) { (percent) }
                    }
                }
            }
            @if let Some(target) = final_height {
                g.target aria-hidden="true" {
                    line x1=(scale.x(to) - 6.0) x2=(scale.x(to) - 6.0) y1=(scale.y(target.low)) y2=(scale.y(target.high)) {}
                    circle cx=(scale.x(to) - 6.0) cy=(scale.y(target.height)) r="4" {}
                }
            }
            @let placed: Vec<(f64, f64)> = points.iter().filter_map(|it| Some((sheet.x(it)?, it.value))).collect();
            path class="line series-0" d=(path(&placed, &scale)) {}
            @for point in points { @if let Some(at) = sheet.x(point) { (marker(words, sheet, point, at, &scale)) } }
        }
    }
}

/// 1, 2 or 5 times a power of ten, not less than asked.
fn level_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|it| it * power).find(|it| *it >= least * 0.999).unwrap_or(power * 10.0)
}

/// Months, years or centimetres along the foot.
fn marks(sheet: &Sheet, narrow: bool) -> Vec<(f64, String)> {
    let (from, to) = sheet.span();
    let (unit, every) = match (sheet.measure, sheet.infant) {
        (Measure::WeightForLength, _) => (1.0, if narrow { 20.0 } else { 5.0 }),
        (_, true) => (MONTH, if narrow { 6.0 } else { 2.0 }),
        (_, false) => (12.0 * MONTH, if narrow { 4.0 } else { 1.0 }),
    };
    let first = (from / unit / every).ceil() as i64;
    let last = (to / unit / every + 1e-9).floor() as i64;
    (first..=last).map(|n| (n as f64 * every * unit, format!("{}", (n as f64 * every) as i64))).collect()
}

fn path(points: &[(f64, f64)], scale: &Scale<'_>) -> String {
    let mut path = String::new();
    for (n, (at, value)) in points.iter().enumerate() {
        path.push(if n == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", scale.x(*at), scale.y(*value)));
    }
    path
}

fn marker(words: &Words, sheet: &Sheet, point: &Point, at: f64, scale: &Scale<'_>) -> Markup {
    let (x, y) = (scale.x(at), scale.y(point.value));
    let shown = format!("{:.*}", if point.value < 20.0 { 2 } else { 1 }, point.value);
    let percentile = point.best_z().map_or_else(|| "–".to_owned(), percentile_words);
    let said = words.with(
        "growth-point",
        &[
            ("date", point.when.date().into()),
            ("age", age(words, point.age).into()),
            ("value", format!("{shown} {}", unit(sheet.measure)).into()),
            ("percentile", percentile.into()),
            ("z", point.best_z().map_or_else(|| "–".to_owned(), |z| format!("{z:+.2}")).into()),
        ],
    );
    let uncorrected = point.corrected.filter(|_| point.length.is_none()).map(|_| scale.x(point.age));
    html! {
        @if let Some(other) = uncorrected.filter(|other| *other <= scale.size.width - RIGHT) {
            line.shift x1=(x) x2=(other) y1=(y) y2=(y) aria-hidden="true" {}
            circle.uncorrected cx=(other) cy=(y) r="3" aria-hidden="true" {}
        }
        g.point.series-0 tabindex="0" role="img" aria-label=(said) {
            title { (said) }
            circle.reach cx=(x) cy=(y) r="12" {}
            circle.mark cx=(x) cy=(y) r="3.8" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chart_has_seven_curves_that_never_cross() {
        for sex in [Sex::Female, Sex::Male] {
            for (measure, infant) in [
                (Measure::Weight, true),
                (Measure::Weight, false),
                (Measure::Length, true),
                (Measure::Length, false),
                (Measure::Head, true),
                (Measure::Bmi, true),
                (Measure::Bmi, false),
                (Measure::WeightForLength, true),
            ] {
                let sheet = Sheet { measure, sex, infant };
                let curves: Vec<_> = CURVES.iter().map(|(_, z)| sheet.curve(*z)).collect();
                assert!(curves.iter().all(|it| it.len() == 121), "{measure:?} {infant}: {}", curves[0].len());
                for pair in curves.windows(2) {
                    assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low.1 < high.1), "{measure:?}");
                }
            }
        }
    }

    #[test]
    fn the_foot_is_marked_in_what_people_count() {
        let sheet = |measure, infant| Sheet { measure, sex: Sex::Female, infant };
        let texts = |it: Sheet, narrow| marks(&it, narrow).into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(texts(sheet(Measure::Weight, true), true), ["0", "6", "12", "18", "24"]);
        assert_eq!(texts(sheet(Measure::Length, false), true), ["4", "8", "12", "16", "20"]);
        assert_eq!(texts(sheet(Measure::WeightForLength, true), true), ["60", "80", "100"]);
    }
}
