//! How a child grows (screen C-07): measurements of a chart with their z-scores and percentiles, by the WHO standards to
//! two years of age and the CDC charts from then on, as CDC advises for the United States. What was measured is never
//! changed; body mass index is worked out where it was not sent.
//!
//! Ages before term: a child born before 37 weeks is also placed by the age since term (40 weeks) until the second
//! birthday, and both are shown.

mod score;
mod tables;

pub use score::{MONTH, percentile, percentile_words, place, value_at, z_of, z_score};
pub(crate) use tables::tell;
pub use tables::{Lms, Measure, Reference, Sex, lms, span};

use crate::ask::{self, Rows};
use crate::chart::element::{at, code_in, decimal, extension, list, text};
use crate::chart::{Chart, When};
use fhir::Value;
use store::{StoreError, StoreResult};

const DAY: i64 = 86_400_000;
const LOINC: &str = "http://loinc.org";
const BIRTH_SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";
/// Born before this many weeks is preterm.
const TERM: f64 = 37.0;
const FULL: f64 = 40.0;
/// How long the age is corrected, in days.
const CORRECTED: f64 = 24.0 * MONTH;

/// LOINC codes → what was measured. Standing height under two years is longer lying (WHO: 0.7 cm).
const CODES: [(&str, What); 13] = [
    ("29463-7", What::Is(Measure::Weight)),
    ("3141-9", What::Is(Measure::Weight)),
    ("8339-4", What::Is(Measure::Weight)),
    ("8302-2", What::Is(Measure::Length)),
    ("8306-3", What::Is(Measure::Length)),
    ("89269-5", What::Is(Measure::Length)),
    ("8308-9", What::Standing),
    ("9843-4", What::Is(Measure::Head)),
    ("8287-5", What::Is(Measure::Head)),
    ("39156-5", What::Is(Measure::Bmi)),
    ("18185-9", What::Gestation),
    ("11884-4", What::Gestation),
    ("49051-6", What::Gestation),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Is(Measure),
    Standing,
    Gestation,
}

/// UCUM → how many of our unit it is.
const UNITS: [(&str, Measure, f64); 13] = [
    ("kg", Measure::Weight, 1.0),
    ("g", Measure::Weight, 0.001),
    ("[lb_av]", Measure::Weight, 0.453_592_37),
    ("lb", Measure::Weight, 0.453_592_37),
    ("[oz_av]", Measure::Weight, 0.028_349_523_125),
    ("cm", Measure::Length, 1.0),
    ("m", Measure::Length, 100.0),
    ("mm", Measure::Length, 0.1),
    ("[in_i]", Measure::Length, 2.54),
    ("in", Measure::Length, 2.54),
    ("kg/m2", Measure::Bmi, 1.0),
    ("kg/m^2", Measure::Bmi, 1.0),
    ("kg/(m2)", Measure::Bmi, 1.0),
];

/// One measurement, with where it stands among children of that age and sex.
#[derive(Clone, Debug)]
pub struct Point {
    pub measure: Measure,
    pub when: When,
    /// Age in days.
    pub age: f64,
    /// Age since term, where that is another.
    pub corrected: Option<f64>,
    /// For weight-for-length: the length in centimetres.
    pub length: Option<f64>,
    /// In the unit of the measure.
    pub value: f64,
    /// Worked out of others of the same day.
    pub computed: bool,
    pub z: Option<f64>,
    /// By the age since term.
    pub corrected_z: Option<f64>,
}

impl Point {
    /// Where it stands on the chart: the corrected age, where there is one.
    pub fn best_age(&self) -> f64 {
        self.corrected.unwrap_or(self.age)
    }

    pub fn best_z(&self) -> Option<f64> {
        if self.corrected.is_some() { self.corrected_z } else { self.z }
    }
}

/// How fast between two measurements.
#[derive(Clone, Debug)]
pub struct Velocity {
    pub measure: Measure,
    pub from: When,
    pub to: When,
    /// Centimetres or kilograms a year.
    pub a_year: f64,
}

/// What the heights of the parents let expect (Tanner: 13 cm between the sexes, 8.5 cm either way).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    pub height: f64,
    pub low: f64,
    pub high: f64,
    pub z: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct Growth {
    pub sex: Option<Sex>,
    pub born: Option<When>,
    /// Age today in days.
    pub age: Option<f64>,
    /// Completed weeks at birth, when recorded and before term.
    pub gestation: Option<f64>,
    /// Oldest first.
    pub points: Vec<Point>,
    /// Newest first.
    pub velocities: Vec<Velocity>,
    /// The caller may not look at measurements.
    pub refused: bool,
}

impl Growth {
    pub fn of(&self, measure: Measure) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |it| it.measure == measure)
    }

    /// Somebody of this age has a growth chart.
    pub fn applies(&self) -> bool {
        self.age.is_some_and(|it| it <= 240.0 * MONTH)
    }
}

/// The height that those of the parents, in centimetres, let expect.
pub fn target(sex: Sex, mother: f64, father: f64) -> Option<Target> {
    let plausible = |it: f64| (100.0..=250.0).contains(&it);
    if !plausible(mother) || !plausible(father) {
        return None;
    }
    let height = match sex {
        Sex::Male => (mother + father + 13.0) / 2.0,
        Sex::Female => (mother + father - 13.0) / 2.0,
    };
    let z = z_score(Measure::Length, sex, 240.0 * MONTH, height);
    Some(Target { height, low: height - 8.5, high: height + 8.5, z })
}

impl Chart<'_> {
    /// Everything that says how this patient grows. `curves` chooses the curves where the record names no sex.
    pub async fn growth(&self, curves: Option<Sex>) -> StoreResult<Growth> {
        let codes = CODES.map(|(code, _)| code).join(",");
        let asked = [("code", codes), ("patient", format!("Patient/{}", self.patient)), ("_sort", "date".to_owned())];
        let (patient, rows) = tokio::try_join!(ask::read(self.store, self.caller, "Patient", self.patient), async {
            Rows::or_refused(ask::matches(self.store, self.caller, "Observation", &asked, 2_000).await)
        },)?;
        let values: Vec<&Value> = rows.rows.iter().map(|it| &it.value).collect();
        Ok(Growth { refused: rows.refused, ..grown(&patient.value, &values, curves, self.now) })
    }

    /// Whether a growth chart applies: someone under twenty.
    pub async fn grows(&self) -> StoreResult<bool> {
        match ask::read(self.store, self.caller, "Patient", self.patient).await {
            Ok(row) => Ok(age_at(&row.value, self.now).is_some_and(|it| it <= 240.0 * MONTH)),
            Err(StoreError::Forbidden) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

fn born(patient: &Value) -> Option<When> {
    text(patient, &["birthDate"]).and_then(When::parse).filter(When::is_whole_day)
}

fn age_at(patient: &Value, now: i64) -> Option<f64> {
    let days = (now / 1000 - born(patient)?.at()) as f64 / DAY as f64;
    (days >= 0.0).then(|| days.floor())
}

fn sex(patient: &Value) -> Option<Sex> {
    let at_birth = extension(patient, BIRTH_SEX).and_then(|it| text(it, &["valueCode"]));
    match at_birth.or_else(|| text(patient, &["gender"]))? {
        "M" | "male" => Some(Sex::Male),
        "F" | "female" => Some(Sex::Female),
        _ => None,
    }
}

/// What was measured in one observation, in our units.
fn measured(value: &Value) -> Option<(What, When, f64)> {
    if matches!(text(value, &["status"]), Some("entered-in-error" | "cancelled")) {
        return None;
    }
    let codings = list(value.get("code")?, "coding");
    let of_ours = codings.iter().filter_map(|it| text(it, &["code"]));
    let first = code_in(value.get("code")?, LOINC);
    let what = of_ours.chain(first).find_map(|code| CODES.iter().find(|it| it.0 == code))?.1;
    let when = ["effectiveDateTime", "effectiveInstant"].iter().find_map(|it| text(value, &[it]));
    let when = text(value, &["effectivePeriod", "start"]).or(when).and_then(When::parse).filter(When::is_whole_day)?;
    let (number, _) = decimal(at(value, &["valueQuantity", "value"])?)?;
    let quantity = value.get("valueQuantity")?;
    let unit = text(quantity, &["code"]).or_else(|| text(quantity, &["unit"]))?;
    if what == What::Gestation {
        let weeks = match unit {
            "wk" | "weeks" | "week" => number,
            "d" | "days" => number / 7.0,
            _ => return None,
        };
        return Some((what, when, weeks));
    }
    let kind = match what {
        What::Is(Measure::Head) | What::Standing => Measure::Length,
        What::Is(measure) => measure,
        What::Gestation => return None,
    };
    let factor = UNITS.iter().find(|it| it.0 == unit && it.1 == kind)?.2;
    Some((what, when, number * factor))
}

fn grown(patient: &Value, observations: &[&Value], curves: Option<Sex>, now: i64) -> Growth {
    let sex = sex(patient).or(curves);
    let (born, age) = (born(patient), age_at(patient, now));
    let all: Vec<(What, When, f64)> = observations.iter().filter_map(|it| measured(it)).collect();
    let weeks = all.iter().rev().find(|it| it.0 == What::Gestation).map(|it| it.2);
    let gestation = weeks.filter(|it| (20.0..TERM).contains(it));
    let mut points = Vec::new();
    if let Some(born) = born {
        let age_of = |when: &When| ((when.at() - born.at()) as f64 / DAY as f64).floor();
        let place = |measure: Measure, when: When, length: Option<f64>, value: f64, computed: bool| {
            let age = age_of(&when);
            let early = gestation.filter(|_| age < CORRECTED).map(|weeks| age - ((FULL - weeks) * 7.0).round());
            let score = |age: f64| {
                let at = length.unwrap_or(age);
                sex.filter(|_| age >= 0.0).and_then(|sex| z_score(measure, sex, at, value))
            };
            Point {
                measure,
                when,
                age,
                corrected: early.filter(|_| length.is_none()),
                length,
                value,
                computed,
                z: score(age),
                corrected_z: early.and_then(score),
            }
        };
        for &(what, when, value) in &all {
            let age = age_of(&when);
            if !(0.0..=240.0 * MONTH).contains(&age) {
                continue;
            }
            let (measure, value) = match what {
                What::Is(measure) => (measure, value),
                What::Standing if age < 24.0 * MONTH => (Measure::Length, value + 0.7),
                What::Standing => (Measure::Length, value),
                What::Gestation => continue,
            };
            points.push(place(measure, when, None, value, false));
        }
        for made in made_of(&points) {
            let (measure, when, length, value) = made;
            points.push(place(measure, when, length, value, true));
        }
    }
    points.sort_by_key(|it| it.when.at());
    let velocities = velocities(&points);
    Growth { sex, born, age, gestation, points, velocities, refused: false }
}

/// Body mass index and weight-for-length of days on which both weight and length were taken.
fn made_of(points: &[Point]) -> Vec<(Measure, When, Option<f64>, f64)> {
    let mut made = Vec::new();
    let of = |measure: Measure| points.iter().filter(move |it| it.measure == measure);
    for weight in of(Measure::Weight) {
        let same_day = |it: &&Point| it.when.machine() == weight.when.machine();
        let Some(length) = of(Measure::Length).find(same_day) else { continue };
        if weight.age < 24.0 * MONTH {
            made.push((Measure::WeightForLength, weight.when, Some(length.value), weight.value));
        }
        if of(Measure::Bmi).find(same_day).is_none() {
            let metres = length.value / 100.0;
            made.push((Measure::Bmi, weight.when, None, weight.value / (metres * metres)));
        }
    }
    made
}

/// Between measurements far enough apart that the error of measuring does not rule: four weeks under two years, half a
/// year from then on.
fn velocities(points: &[Point]) -> Vec<Velocity> {
    let mut found = Vec::new();
    for measure in [Measure::Length, Measure::Weight, Measure::Head] {
        let mut last: Option<&Point> = None;
        for point in points.iter().filter(|it| it.measure == measure) {
            let Some(before) = last else {
                last = Some(point);
                continue;
            };
            let days = point.age - before.age;
            let least = if point.age < 24.0 * MONTH { 28.0 } else { 180.0 };
            if days < least {
                continue;
            }
            let a_year = (point.value - before.value) / days * 365.25;
            found.push(Velocity { measure, from: before.when, to: point.when, a_year });
            last = Some(point);
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.to.at()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_781_524_800_000_000; // 15 June 2026

    fn child(sex: &str, born: &str) -> Value {
        json!({"resourceType": "Patient", "gender": sex, "birthDate": born})
    }

    fn taken(code: &str, day: &str, value: f64, unit: &str) -> Value {
        json!({"resourceType": "Observation", "status": "final", "effectiveDateTime": day,
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}})
    }

    fn growth(patient: &Value, observations: &[Value]) -> Growth {
        grown(patient, &observations.iter().collect::<Vec<_>>(), None, NOW)
    }

    #[test]
    fn weight_and_length_of_a_day_also_say_bmi_and_weight_for_length() {
        let all = [taken("29463-7", "2026-05-15", 7.0, "kg"), taken("8302-2", "2026-05-15", 66.0, "cm")];
        let grown = growth(&child("female", "2025-12-15"), &all);
        let kinds: Vec<_> = grown.points.iter().map(|it| (it.measure, it.computed)).collect();
        assert_eq!(
            kinds,
            [
                (Measure::Weight, false),
                (Measure::Length, false),
                (Measure::WeightForLength, true),
                (Measure::Bmi, true)
            ]
        );
        assert!((grown.points[3].value - 16.07).abs() < 0.01);
        assert!(grown.points.iter().all(|it| it.z.is_some_and(|z| z.abs() < 2.0)), "{:?}", grown.points);
    }

    #[test]
    fn pounds_and_inches_stand_where_kilograms_and_centimetres_do() {
        let day = "2025-06-15";
        let born = child("male", "2020-06-15");
        let metric = growth(&born, &[taken("29463-7", day, 18.0, "kg"), taken("8302-2", day, 110.0, "cm")]);
        let other =
            growth(&born, &[taken("29463-7", day, 39.683_207, "[lb_av]"), taken("8302-2", day, 43.307_087, "[in_i]")]);
        for (one, two) in metric.points.iter().zip(&other.points) {
            assert!((one.z.unwrap() - two.z.unwrap()).abs() < 1e-3, "{one:?} {two:?}");
        }
    }

    #[test]
    fn a_child_born_early_is_placed_by_the_age_since_term_until_two_years() {
        let all = [
            taken("18185-9", "2025-06-15", 32.0, "wk"),
            taken("29463-7", "2025-12-15", 5.6, "kg"),
            taken("29463-7", "2027-07-15", 11.0, "kg"),
        ];
        let grown = growth(&child("male", "2025-06-15"), &all);
        assert_eq!(grown.gestation, Some(32.0));
        let early = &grown.points[0];
        assert_eq!((early.age, early.corrected), (183.0, Some(127.0)));
        assert!(early.corrected_z.unwrap() > early.z.unwrap() + 1.0, "{early:?}");
        assert_eq!(grown.points[1].corrected, None, "after two years the age is the age");
        let term = growth(&child("male", "2025-06-15"), &[taken("18185-9", "2025-06-15", 39.0, "wk"), all[1].clone()]);
        assert_eq!(term.points[0].corrected, None);
    }

    #[test]
    fn what_was_measured_standing_under_two_years_is_longer_lying() {
        let lying = growth(&child("male", "2025-01-15"), &[taken("8306-3", "2026-01-15", 75.7, "cm")]);
        let standing = growth(&child("male", "2025-01-15"), &[taken("8308-9", "2026-01-15", 75.0, "cm")]);
        assert!((lying.points[0].z.unwrap() - standing.points[0].z.unwrap()).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_placed_without_a_day_of_birth_or_a_sex() {
        let all = [taken("29463-7", "2025-12-15", 9.0, "kg")];
        assert!(growth(&child("male", "2025-01"), &all).points.is_empty());
        let unknown = growth(&child("unknown", "2025-01-15"), &all);
        assert_eq!((unknown.sex, unknown.points[0].z), (None, None));
        let chosen = grown(&child("unknown", "2025-01-15"), &[&all[0]], Some(Sex::Female), NOW);
        assert!(chosen.points[0].z.is_some());
    }

    #[test]
    fn mistakes_and_other_units_are_left_out() {
        let mut wrong = taken("29463-7", "2025-12-15", 9.0, "kg");
        wrong["status"] = "entered-in-error".into();
        let odd = taken("29463-7", "2025-12-15", 9.0, "stone");
        assert!(growth(&child("male", "2025-01-15"), &[wrong, odd]).points.is_empty());
    }

    #[test]
    fn how_fast_is_told_of_measurements_far_enough_apart() {
        let all = [
            taken("8302-2", "2024-06-15", 130.0, "cm"),
            taken("8302-2", "2024-08-15", 131.2, "cm"),
            taken("8302-2", "2025-06-15", 136.0, "cm"),
        ];
        let grown = growth(&child("female", "2016-06-15"), &all);
        assert_eq!(grown.velocities.len(), 1);
        assert!((grown.velocities[0].a_year - 6.0).abs() < 0.05, "{:?}", grown.velocities);
    }

    #[test]
    fn the_heights_of_the_parents_say_what_to_expect() {
        let boy = target(Sex::Male, 165.0, 180.0).unwrap();
        assert_eq!((boy.height, boy.low, boy.high), (179.0, 170.5, 187.5));
        assert_eq!(target(Sex::Female, 165.0, 180.0).unwrap().height, 166.0);
        assert!(boy.z.unwrap() > 0.0);
        assert_eq!(target(Sex::Male, 16.5, 180.0), None, "metres and inches are caught");
    }
}
