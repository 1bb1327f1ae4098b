//! One test over time: the series to draw and the readings behind it. Values in another unit are converted where that can
//! be said ([`super::units`]); what cannot is never joined, stays in the table and is counted.

use super::reading::{Flag, Measured, Range, Reading};
use super::units;
use super::when::When;
use std::collections::HashMap;

/// More points than this cannot be told apart on a screen and are thinned out.
pub(crate) const DRAWN: usize = 300;

#[derive(Clone, Debug)]
pub struct Trend {
    pub code: String,
    pub name: String,
    /// One, or one for each part measured together.
    pub series: Vec<Series>,
    /// Everything, newest first: the same in words.
    pub readings: Vec<Reading>,
    /// How many numbers were left out of the drawing because their unit is another.
    pub other_units: usize,
    /// There are older readings than were fetched.
    pub more: bool,
}

#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub unit: String,
    /// Oldest first.
    pub points: Vec<Point>,
    /// How many were measured, of which `points` may be a selection.
    pub measured: usize,
}

#[derive(Clone, Debug)]
pub struct Point {
    pub when: When,
    pub number: f64,
    pub shown: String,
    pub flag: Option<Flag>,
    pub range: Option<Range>,
    /// The value as it was sent, where it was converted to be drawn.
    pub sent: Option<String>,
    /// The other record it comes from, where nobody here has looked at it.
    pub outside: Option<String>,
    /// The line is broken before this point: values between are missing.
    pub after_gap: bool,
}

impl Trend {
    /// Of readings of one kind, in any order.
    pub fn of(code: &str, mut readings: Vec<Reading>, more: bool) -> Trend {
        once(&mut readings);
        readings.sort_by_key(|it| std::cmp::Reverse(it.at()));
        let name = readings.first().map_or_else(|| code.to_owned(), |it| it.name.clone());
        // A component's trend may be asked for by its own code: then only that part is drawn.
        let whole = readings.iter().any(|it| it.kind() == code) || readings.iter().all(|it| it.parts.is_empty());
        let mut series: Vec<Series> = Vec::new();
        let mut other_units = 0;
        let common = common_unit(&readings);
        let common_ucum = readings.iter().find(|it| unit_of(&it.value) == Some(&common)).and_then(|it| it.ucum.clone());
        let mut gap_in: HashMap<String, bool> = HashMap::new();
        for reading in readings.iter().rev() {
            let Some(when) = reading.when.filter(|_| reading.counts()) else { continue };
            let own = [(reading.name.as_str(), &reading.value, reading.flag, reading.range.as_ref())];
            let parts = reading.parts.iter().filter(|it| whole || it.code.as_deref() == Some(code));
            let parts: Vec<_> = parts.map(|it| (it.name.as_str(), &it.value, it.flag, it.range.as_ref())).collect();
            let values = if parts.is_empty() { own.to_vec() } else { parts };
            for (name, value, flag, range) in values {
                // Names of the same test drift over the years; a series is a part, or the whole.
                let name = if reading.parts.is_empty() { "" } else { name };
                match value {
                    Measured::Quantity { number, shown, unit } if *unit == common => {
                        let gap = gap_in.insert(name.to_owned(), false).unwrap_or(false);
                        let point = Point {
                            when,
                            number: *number,
                            shown: shown.clone(),
                            flag,
                            range: range.cloned(),
                            sent: None,
                            outside: from(reading),
                            after_gap: gap,
                        };
                        push(&mut series, name, unit, point);
                    }
                    // Of what is measured together each part would need a unit of its own.
                    Measured::Quantity { number, .. } if reading.parts.is_empty() => {
                        let to = common_ucum.as_deref();
                        let factor = reading.ucum.as_deref().zip(to);
                        let Some(factor) =
                            factor.and_then(|(from, to)| units::factor(reading.code.as_deref(), from, to))
                        else {
                            other_units += 1;
                            continue;
                        };
                        let gap = gap_in.insert(name.to_owned(), false).unwrap_or(false);
                        push(&mut series, name, &common, converted(reading, *number, factor, when, flag, gap));
                    }
                    Measured::Quantity { .. } => other_units += 1,
                    Measured::Missing(_) => {
                        gap_in.insert(name.to_owned(), true);
                    }
                    Measured::Words(_) => {}
                }
            }
        }
        for series in &mut series {
            series.measured = series.points.len();
            series.points = thinned(std::mem::take(&mut series.points));
        }
        let name = if whole { name } else { series.first().map_or(name, |it| it.name.clone()) };
        Trend { code: code.to_owned(), name, series, readings, other_units, more }
    }
}

fn push(series: &mut Vec<Series>, name: &str, unit: &str, point: Point) {
    match series.iter_mut().find(|it| it.name == name) {
        Some(series) => series.points.push(point),
        None => {
            series.push(Series { name: name.to_owned(), unit: unit.to_owned(), points: vec![point], measured: 0 });
        }
    }
}

/// A value in the unit of the others, as many digits as make sense after multiplying.
fn converted(reading: &Reading, number: f64, factor: f64, when: When, flag: Option<Flag>, after_gap: bool) -> Point {
    let shown = |value: f64| {
        let digits = (2.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.digits$}")
    };
    let limit = |it: Option<f64>| it.map(|it| it * factor);
    let range = reading.range.as_ref().map(|it| {
        let (low, high) = (limit(it.low), limit(it.high));
        let words = match (low, high) {
            (Some(low), Some(high)) => format!("{}–{}", shown(low), shown(high)),
            (Some(low), None) => format!("≥ {}", shown(low)),
            (None, Some(high)) => format!("≤ {}", shown(high)),
            (None, None) => it.shown.clone(),
        };
        Range { low, high, shown: words }
    });
    let sent = Some(reading.value.with_unit());
    let outside = from(reading);
    Point { when, number: number * factor, shown: shown(number * factor), flag, range, sent, outside, after_gap }
}

fn from(reading: &Reading) -> Option<String> {
    reading.source.clone().filter(|_| reading.apart)
}

/// What another record repeats of ours, the same value at the same time, is the same result.
fn once(readings: &mut Vec<Reading>) {
    let ours: Vec<(i64, Measured)> =
        readings.iter().filter(|it| !it.apart).map(|it| (it.at(), it.value.clone())).collect();
    readings.retain(|it| !it.apart || !ours.iter().any(|(at, value)| *at == it.at() && *value == it.value));
}

fn unit_of(value: &Measured) -> Option<&String> {
    match value {
        Measured::Quantity { unit, .. } => Some(unit),
        _ => None,
    }
}

/// The unit most readings have; the latest decides a draw.
fn common_unit(readings: &[Reading]) -> String {
    let mut count: Vec<(&str, usize)> = Vec::new();
    let values = readings.iter().flat_map(|it| it.parts.iter().map(|it| &it.value).chain([&it.value]));
    for value in values {
        if let Measured::Quantity { unit, .. } = value {
            match count.iter_mut().find(|(it, _)| it == unit) {
                Some((_, n)) => *n += 1,
                None => count.push((unit, 1)),
            }
        }
    }
    let most = count.iter().map(|it| it.1).max();
    count.iter().find(|it| Some(it.1) == most).map_or(String::new(), |it| it.0.to_owned())
}

/// Keeps the shape: of each stretch of time the lowest, the highest and whatever is critical.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= DRAWN {
        return points;
    }
    let stretch = points.len().div_ceil(DRAWN / 2);
    let mut kept = Vec::with_capacity(DRAWN);
    let last = points.len() - 1;
    for (chunk_at, chunk) in points.chunks(stretch).enumerate() {
        let by_number = |a: &(usize, &Point), b: &(usize, &Point)| a.1.number.total_cmp(&b.1.number);
        let lowest = chunk.iter().enumerate().min_by(by_number).map(|it| it.0);
        let highest = chunk.iter().enumerate().max_by(by_number).map(|it| it.0);
        for (at, point) in chunk.iter().enumerate() {
            let is_end = chunk_at * stretch + at == last || chunk_at + at == 0;
            let critical = point.flag.is_some_and(Flag::is_critical);
            if Some(at) == lowest || Some(at) == highest || critical || is_end || point.after_gap {
                kept.push(point.clone());
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::element::Names;
    use serde_json::json;

    fn reading(day: &str, value: Option<f64>, unit: &str) -> Reading {
        let mut it = json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"},
            "effectiveDateTime": day});
        match value {
            Some(value) => it["valueQuantity"] = json!({"value": value, "unit": unit}),
            None => it["dataAbsentReason"] = json!({"text": "lost"}),
        }
        Reading::of(&it, &Names::default())
    }

    #[test]
    fn a_trend_is_drawn_from_old_to_new_and_broken_where_a_value_is_missing() {
        let readings = vec![
            reading("2024-03-01", Some(5.0), "mmol/L"),
            reading("2024-01-01", Some(4.0), "mmol/L"),
            reading("2024-02-01", None, ""),
        ];
        let trend = Trend::of("2345-7", readings, false);
        assert_eq!(trend.series.len(), 1);
        let drawn: Vec<_> = trend.series[0].points.iter().map(|it| (it.number, it.after_gap)).collect();
        assert_eq!(drawn, [(4.0, false), (5.0, true)]);
        assert_eq!(trend.readings[0].when.unwrap().date(), "01-Mar-2024");
    }

    #[test]
    fn results_of_others_are_on_the_same_line_and_what_they_repeat_is_one() {
        let outside = |it: Reading| Reading { source: Some("Lakeside".into()), apart: true, ..it };
        let readings = vec![
            reading("2024-03-01", Some(5.0), "mmol/L"),
            outside(reading("2024-03-01", Some(5.0), "mmol/L")),
            outside(reading("2024-02-01", Some(6.0), "mmol/L")),
        ];
        let trend = Trend::of("2345-7", readings, false);
        let drawn: Vec<_> = trend.series[0].points.iter().map(|it| (it.number, it.outside.as_deref())).collect();
        assert_eq!(drawn, [(6.0, Some("Lakeside")), (5.0, None)]);
        assert_eq!(trend.readings.len(), 2);
    }

    #[test]
    fn mass_and_amount_of_a_known_analyte_are_one_line() {
        let readings = vec![
            reading("2024-03-01", Some(5.0), "mmol/L"),
            reading("2024-02-01", Some(90.0), "mg/dL"),
            reading("2024-01-01", Some(5.1), "mmol/L"),
        ];
        let trend = Trend::of("2345-7", readings, false);
        assert_eq!((trend.series.len(), trend.series[0].points.len(), trend.other_units), (1, 3, 0));
        let point = &trend.series[0].points[1];
        assert_eq!((point.shown.as_str(), point.sent.as_deref()), ("5.00", Some("90.0 mg/dL")));
        assert_eq!(trend.readings[1].value.with_unit(), "90.0 mg/dL", "the table says what was sent");
    }

    #[test]
    fn what_cannot_be_converted_is_not_joined() {
        let readings = vec![
            reading("2024-03-01", Some(5.0), "mmol/L"),
            reading("2024-02-01", Some(90.0), "U/L"),
            reading("2024-01-01", Some(5.1), "mmol/L"),
        ];
        let trend = Trend::of("2345-7", readings, false);
        assert_eq!((trend.series.len(), trend.series[0].points.len(), trend.other_units), (1, 2, 1));
        assert_eq!(trend.readings.len(), 3);
    }

    #[test]
    fn a_part_measured_together_has_its_own_series() {
        let part = |code: &str, name: &str, value: i32| {
            json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": name},
                "valueQuantity": {"value": value, "unit": "mmHg"}})
        };
        let pressure = |day: &str| {
            let it = json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
                "effectiveDateTime": day, "component": [part("8480-6", "Systolic", 120), part("8462-4", "Diastolic", 80)]});
            Reading::of(&it, &Names::default())
        };
        let both = Trend::of("85354-9", vec![pressure("2024-01-01"), pressure("2024-02-01")], false);
        assert_eq!(
            both.series.iter().map(|it| (it.name.as_str(), it.points.len())).collect::<Vec<_>>(),
            [("Systolic", 2), ("Diastolic", 2)]
        );
        let one = Trend::of("8462-4", vec![pressure("2024-01-01")], false);
        assert_eq!(one.series.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Diastolic"]);
        assert_eq!(one.name, "Diastolic");
    }

    #[test]
    fn a_long_trend_keeps_its_peaks_and_ends() {
        let mut readings: Vec<Reading> = (0..2_000)
            .map(|n| {
                reading(&format!("20{:02}-{:02}-{:02}", n / 336, n / 28 % 12 + 1, n % 28 + 1), Some(5.0), "mmol/L")
            })
            .collect();
        readings[777] = reading("2002-04-22", Some(30.0), "mmol/L");
        let trend = Trend::of("2345-7", readings, false);
        let series = &trend.series[0];
        assert!(series.points.len() <= DRAWN + 2, "{}", series.points.len());
        assert_eq!(series.measured, 2_000);
        assert!(series.points.iter().any(|it| it.number == 30.0));
        assert_eq!(series.points.last().unwrap().when, trend.readings[0].when.unwrap());
    }
}
