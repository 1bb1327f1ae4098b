//! Vital signs as they are taken at a visit (screen C-08): one form for one set, read with its limits, written as the
//! observations of US Core, with body mass index and body surface worked out. A value is never changed in place: a
//! correction is the next version of its observation, with a reason.

mod limits;
mod measures;
mod typed;
mod write;

pub(crate) use limits::tell;
pub use limits::{About, about};
pub use measures::{Measure, POSITIONS, ROUTES, SITES, Unit, Way};
pub use typed::{Before, Judged, Taken, Trouble, Typed, Why, judge};
pub use write::{Correction, correct, mistaken, take};

use crate::act::Pen;
use crate::ask;
use crate::chart::element::{Names, at, code_in, decimal, list, text};
use crate::chart::{Reading, When};
use crate::people::Person;
use fhir::{Id, Key};
use measures::{MEASURES, measure_of};
use std::collections::BTreeMap;
use store::{ItemChange, StoreResult};

/// What a form for vital signs must know.
#[derive(Clone, Debug)]
pub struct Board {
    /// Age in years, where the day of birth is known.
    pub years: Option<f64>,
    /// What is measured at this age, in order.
    pub measures: Vec<&'static Measure>,
    /// The last of each that was measured before.
    pub before: Vec<Before>,
    /// What was taken lately, in sets of one moment, the newest first.
    pub sets: Vec<Set>,
}

#[derive(Clone, Debug)]
pub struct Set {
    pub when: When,
    pub readings: Vec<Reading>,
}

/// Days of sets that the form shows.
const LATELY: i64 = 2;

/// Reads what the form needs; `NotFound` for a patient that cannot be reached.
pub async fn board(pen: &Pen<'_>, patient: &Id) -> StoreResult<Board> {
    let (store, caller) = (pen.store(), pen.caller);
    let whose = ("patient", format!("Patient/{patient}"));
    let newest = ("_sort", "-date".to_owned());
    let asked = [whose.clone(), ("category", "vital-signs".to_owned()), newest.clone()];
    let (person, recent) =
        tokio::try_join!(ask::read(store, caller, "Patient", patient), ask::latest(store, caller, &asked, 12),)?;
    let years = years(&Person::of(&person.value), pen.now);
    let mut before: Vec<Before> = Vec::new();
    let mut sets: Vec<Set> = Vec::new();
    let mut readings = Vec::new();
    for row in &recent.rows {
        if !matches!(text(&row.value, &["status"]), Some("final" | "amended" | "corrected")) {
            continue;
        }
        let reading = Reading::of(&row.value, &Names::default());
        before.extend(
            measured(&row.value).filter_map(|(key, number)| Some(Before { key, number, at: reading.when?.at() })),
        );
        readings.push(reading);
    }
    before.sort_by_key(|it| std::cmp::Reverse(it.at));
    let mut seen: Vec<&str> = Vec::new();
    before.retain(|it| {
        !seen.contains(&it.key) && {
            seen.push(it.key);
            true
        }
    });
    readings.sort_by_key(|it| std::cmp::Reverse(it.at()));
    let from = pen.now / 1000 - LATELY * 86_400_000;
    for reading in readings.into_iter().filter(|it| it.at() >= from) {
        let Some(when) = reading.when else { continue };
        match sets.iter_mut().find(|it| it.when.at() == when.at()) {
            Some(set) => set.readings.push(reading),
            None => sets.push(Set { when, readings: vec![reading] }),
        }
    }
    let fits = |it: &&Measure| it.until.is_none_or(|until| years.is_some_and(|years| years < until));
    Ok(Board { years, measures: MEASURES.iter().filter(fits).collect(), before, sets })
}

/// The numbers of an observation that are measures of ours, in the stored unit.
fn measured(observation: &fhir::Value) -> impl Iterator<Item = (&'static str, f64)> + '_ {
    let parts = std::iter::once(observation).chain(list(observation, "component"));
    parts.filter_map(|part| {
        let code = code_in(part.get("code")?, crate::shapes::LOINC)?;
        let measure = MEASURES.iter().find(|it| it.code == code)?;
        let (number, _) = at(part, &["valueQuantity", "value"]).and_then(decimal)?;
        let ucum = text(part, &["valueQuantity", "code"])?;
        let unit = measure.units.iter().find(|it| it.ucum == ucum)?;
        Some((measure.key, unit.stored(number)))
    })
}

/// Age in years with a fraction, at a moment.
pub(crate) fn years(person: &Person, now: i64) -> Option<f64> {
    let born = person.born.as_ref().filter(|it| it.is_whole_day())?;
    Some((now / 1000 - born.at()) as f64 / (365.25 * 86_400_000.0)).filter(|it| *it >= 0.0)
}

/// The age of a patient in years, where their day of birth is known.
pub async fn age_of(pen: &Pen<'_>, patient: &Id) -> StoreResult<Option<f64>> {
    let person = ask::read(pen.store(), pen.caller, "Patient", patient).await?;
    Ok(years(&Person::of(&person.value), pen.now))
}

/// One observation for the page that corrects it, with its version.
pub async fn one(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<(Reading, u64)> {
    let (value, version) = ask::own(pen.store(), pen.caller, patient, "Observation", id).await?;
    Ok((Reading::of(&value, &Names::default()), version))
}

/// The measures that an observation holds, with their values in the stored unit: what a correction can change.
pub async fn parts(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<Vec<(&'static Measure, f64)>> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, "Observation", id).await?;
    Ok(measured(&value).filter_map(|(key, number)| Some((measure_of(key)?, number))).collect())
}

/// In which units somebody measured last, by measure: the form begins with them.
const UNITS: &str = "vitals-units";

pub async fn usual_units(pen: &Pen<'_>) -> StoreResult<BTreeMap<String, String>> {
    let item = pen.store().item(UNITS, &pen.caller.who, pen.now).await?;
    // What cannot be read is not worth a failure: the form begins with the units of the record.
    Ok(item.and_then(|it| serde_json::from_slice(&it.body).ok()).unwrap_or_default())
}

/// For [`Act::keep`](crate::act::Act::keep): the units of this form are those of the next.
pub fn keep_units(pen: &Pen<'_>, typed: &Typed) -> ItemChange {
    let of_units = |(name, value): (&String, &String)| {
        let measure = measure_of(name.strip_suffix("-unit")?)?;
        measure.units.iter().any(|it| it.key == value).then(|| (name.clone(), value.clone()))
    };
    let units: BTreeMap<String, String> = typed.iter().filter_map(of_units).collect();
    let body = serde_json::to_vec(&units).expect("text can be written");
    ItemChange::put(UNITS, &*pen.caller.who, body).owned_by(&*pen.caller.who)
}

impl Measure {
    /// What can be at all, in the stored unit.
    pub fn absolute(&self) -> (f64, f64) {
        limits::absolute(self.key)
    }

    /// What is usual at this age, in the stored unit.
    pub fn usual(&self, years: Option<f64>) -> Option<(f64, f64)> {
        limits::usual(self.key, years)
    }
}

impl Unit {
    /// (factor, zero): what is stored is what was typed, less zero, times factor.
    pub fn conversion(&self) -> (f64, f64) {
        (self.factor, self.zero)
    }
}

/// An observation in one of its versions.
pub fn as_it_was(version: &crate::versions::Version) -> Reading {
    Reading::of(&version.value, &Names::default())
}

/// The key of an observation.
pub fn key(id: &Id) -> Key {
    Key::new(fhir::ResourceType::parse("Observation").expect("a type of R4"), id.clone())
}

#[cfg(test)]
mod tests;
