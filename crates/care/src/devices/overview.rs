//! Readings of one patient over the last weeks: by measure and by day, mean, least and most, and how many of them were
//! where they should be.

use super::{Measure, measures, numbers};
use crate::Organisation;
use crate::ask;
use crate::chart::element::text;
use crate::exchange::door::micros;
use crate::exchange::origin::{self, Way};
use fhir::Id;
use std::collections::{BTreeMap, BTreeSet};
use store::{Caller, StoreResult};

const DAY: i64 = 86_400_000_000;

#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub trends: Vec<Trend>,
    /// From where they came.
    pub sources: Vec<String>,
}

/// One measure.
#[derive(Clone, Debug)]
pub struct Trend {
    pub key: &'static str,
    pub name: &'static str,
    pub unit: &'static str,
    /// The last first.
    pub days: Vec<Day>,
    pub mean: f64,
    pub least: f64,
    pub most: f64,
    pub count: usize,
    /// Parts of a hundred that lay in the usual range, where there is one.
    pub in_range: Option<u32>,
    pub usual: Option<[f64; 2]>,
    pub last: f64,
    /// When the last was taken: FHIR dateTime.
    pub at: String,
}

#[derive(Clone, Debug)]
pub struct Day {
    /// `2026-06-15`.
    pub day: String,
    pub mean: f64,
    pub least: f64,
    pub most: f64,
    pub count: usize,
}

/// What devices of the patient measured in these days.
pub async fn overview(
    organisation: &Organisation,
    caller: &Caller,
    patient: &Id,
    days: i64,
    now: i64,
) -> StoreResult<Overview> {
    let since = crate::act::moment(now - days * DAY);
    let asked = [("patient", patient.to_string()), ("date", format!("ge{}", &since[..10]))];
    let all = ask::every(&organisation.store, caller, "Observation", &asked, 500).await?;
    let mut found: BTreeMap<&'static str, Vec<(String, f64)>> = BTreeMap::new();
    let mut sources: BTreeSet<String> = BTreeSet::new();
    for it in &all {
        let Some(from) = origin::of(it).filter(|it| matches!(it.way, Way::Device | Way::Patient)) else { continue };
        let Some(at) = text(it, &["effectiveDateTime"]) else { continue };
        for (measure, number) in numbers(it) {
            found.entry(&measure.key).or_default().push((at.to_owned(), number));
        }
        sources.insert(from.name);
    }
    let trends = measures().iter().filter_map(|it| trend(it, found.remove(it.key.as_str())?)).collect();
    Ok(Overview { trends, sources: sources.into_iter().collect() })
}

fn trend(measure: &'static Measure, mut readings: Vec<(String, f64)>) -> Option<Trend> {
    readings.sort_by_key(|(at, _)| std::cmp::Reverse(micros(at)));
    let (at, last) = readings.first().cloned()?;
    let mut by_day: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (at, value) in &readings {
        by_day.entry(at.get(..10)?).or_default().push(*value);
    }
    let days = by_day.iter().rev().map(|(day, values)| {
        let (mean, least, most) = spread(values);
        Day { day: (*day).to_owned(), mean, least, most, count: values.len() }
    });
    let values: Vec<f64> = readings.iter().map(|(_, it)| *it).collect();
    let (mean, least, most) = spread(&values);
    let in_range = measure.usual.map(|[low, high]| {
        let inside = values.iter().filter(|it| (low..=high).contains(*it)).count();
        (inside as f64 * 100.0 / values.len() as f64).round() as u32
    });
    let days = days.collect();
    let count = values.len();
    let (key, name, unit) = (measure.key.as_str(), measure.name.as_str(), measure.unit.as_str());
    Some(Trend { key, name, unit, days, mean, least, most, count, in_range, usual: measure.usual, last, at })
}

/// Mean (to one decimal), least, most.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    ((mean * 10.0).round() / 10.0, least, most)
}
