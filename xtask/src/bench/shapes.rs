//! The thirty shapes of search, each with its values drawn at random from the data.

use super::people::Values;
use crate::http::encode;
use testkit::dice::Dice;

pub struct Shape {
    pub name: &'static str,
    /// The path below the FHIR base.
    pub path: fn(&Values, &mut Dice) -> String,
    /// Whether two servers that hold the same must count the same.
    pub comparable: bool,
}

const fn shape(name: &'static str, path: fn(&Values, &mut Dice) -> String) -> Shape {
    Shape { name, path, comparable: true }
}

/// Full text is the server's own choice of words, so totals may differ.
const fn loose(name: &'static str, path: fn(&Values, &mut Dice) -> String) -> Shape {
    Shape { name, path, comparable: false }
}

fn pick(all: &[String], dice: &mut Dice) -> String {
    if all.is_empty() {
        return "none".into();
    }
    let value: &String = dice.one_of(all);
    encode(value)
}

/// The first letters, as someone types them.
fn start(all: &[String], dice: &mut Dice) -> String {
    if all.is_empty() {
        return "none".into();
    }
    let whole: String = dice.one_of(all).chars().take(3).collect();
    encode(&whole)
}

#[rustfmt::skip] // A table.
pub const SHAPES: [Shape; 30] = [
    loose("metadata", |_, _| "/metadata".into()),
    shape("Observation, first page of 10", |_, _| "/Observation?_count=10".into()),
    shape("count of Observation by code", |v, d| format!("/Observation?code={}&_total=accurate&_count=1", pick(&v.observation_codes, d))),
    shape("count of Observation by combo-code", |v, d| format!("/Observation?combo-code={}&_total=accurate&_count=1", pick(&v.observation_codes, d))),
    shape("count of Patient by gender", |_, d| format!("/Patient?gender={}&_total=accurate&_count=1", d.one_of(&["female", "male"]))),
    shape("Patient by family, exact", |v, d| format!("/Patient?family:exact={}", pick(&v.families, d))),
    shape("Patient by family, first letters", |v, d| format!("/Patient?family={}", start(&v.families, d))),
    shape("Patient by given", |v, d| format!("/Patient?given={}", pick(&v.givens, d))),
    shape("Patient by gender and family", |v, d| format!("/Patient?gender={}&family={}", d.one_of(&["female", "male"]), pick(&v.families, d))),
    shape("Observation by code", |v, d| format!("/Observation?code={}&_count=20", pick(&v.observation_codes, d))),
    shape("Observation by day", |v, d| format!("/Observation?date={}&_count=20", pick(&v.days, d))),
    shape("Observation by range of dates", |v, d| { let day = pick(&v.days, d); format!("/Observation?date=ge{day}&date=lt{}&_count=20", later(&day)) }),
    shape("Observation of a patient", |v, d| format!("/Observation?patient={}&_count=50", pick(&v.patients, d))),
    shape("Observation of a patient by code", |v, d| format!("/Observation?patient={}&code={}", pick(&v.patients, d), pick(&v.observation_codes, d))),
    shape("Condition of a patient", |v, d| format!("/Condition?patient={}", pick(&v.patients, d))),
    shape("Encounter of a patient", |v, d| format!("/Encounter?patient={}&_count=50", pick(&v.patients, d))),
    shape("MedicationRequest of a patient", |v, d| format!("/MedicationRequest?patient={}", pick(&v.patients, d))),
    shape("Condition by code", |v, d| format!("/Condition?code={}&_count=20", pick(&v.condition_codes, d))),
    shape("Procedure by code", |v, d| format!("/Procedure?code={}&_count=20", pick(&v.procedure_codes, d))),
    shape("Encounter by participant", |v, d| format!("/Encounter?participant={}&_count=20", pick(&v.practitioners, d))),
    shape("Encounter by location", |v, d| format!("/Encounter?location={}&_count=20", pick(&v.locations, d))),
    loose("_content", |v, d| format!("/Condition?_content={}&_count=20", pick(&v.code_words, d))),
    loose("_text", |v, d| format!("/Patient?_text={}&_count=20", pick(&v.families, d))),
    loose("name:text", |v, d| format!("/Patient?name:text={}&_count=20", pick(&v.families, d))),
    loose("address:text", |v, d| format!("/Patient?address:text={}&_count=20", pick(&v.cities, d))),
    loose("code:text", |v, d| format!("/Observation?code:text={}&_count=20", pick(&v.code_words, d))),
    shape("_include", |v, d| format!("/Encounter?patient={}&_include=Encounter:practitioner&_count=20", pick(&v.patients, d))),
    shape("_revinclude", |v, d| format!("/Patient?_id={}&_revinclude=Condition:subject", pick(&v.patients, d))),
    shape("chain", |v, d| format!("/Condition?patient.family={}&_count=20", pick(&v.families, d))),
    shape("_has", |v, d| format!("/Patient?_has:Condition:patient:code={}&_count=20", pick(&v.condition_codes, d))),
];

/// The same day a year later: a span that holds something.
fn later(day: &str) -> String {
    let (year, rest) = day.split_once('-').unwrap_or((day, "01-01"));
    let year = year.parse::<u32>().map_or(2100, |it| it + 1);
    // No leap day next year.
    format!("{year}-{}", if rest == "02-29" { "03-01" } else { rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_a_name_of_its_own_and_asks_something_even_without_data() {
        let (values, mut dice) = (Values::default(), Dice::new(1));
        let mut names: Vec<_> = SHAPES.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 30);
        assert!(SHAPES.iter().all(|shape| (shape.path)(&values, &mut dice).starts_with('/')));
    }

    #[test]
    fn a_year_later_is_a_day_that_exists() {
        assert_eq!(later("2023-05-09"), "2024-05-09");
        assert_eq!(later("2024-02-29"), "2025-03-01");
    }
}
