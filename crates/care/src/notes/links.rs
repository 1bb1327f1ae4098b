//! Smart links: a name in a note (`@labs.hba1c`) becomes a value of the chart, with when it was measured and the
//! resources it was taken from. What the chart does not hold is said in words; a link never becomes nothing, and never
//! a guess. What the writer may not see is not in it.

use super::content;
use super::draft::Source;
use crate::act::Pen;
use crate::chart::{Allergy, AllergyState, Banner, Latest, Medication, Problem, Reading, Section, Standing, When};
use fhir::Id;
use std::collections::{BTreeSet, HashMap};
use store::StoreResult;

/// What stands for a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub text: String,
    pub sources: Vec<Source>,
}

/// What must be asked for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Banner,
    Problems,
    Medications,
    Vitals,
    Results,
    Writer,
}

/// Link → where it comes from. Laboratory values (`labs.…`) are in `content/notes/labs.toml`.
const LINKS: [(&str, From); 34] = [
    ("name", From::Banner),
    ("firstname", From::Banner),
    ("age", From::Banner),
    ("sex", From::Banner),
    ("born", From::Banner),
    ("mrn", From::Banner),
    ("pronouns", From::Banner),
    ("language", From::Banner),
    ("phone", From::Banner),
    ("address", From::Banner),
    ("pcp", From::Banner),
    ("coverage", From::Banner),
    ("lastvisit", From::Banner),
    ("nextvisit", From::Banner),
    ("reason", From::Banner),
    ("allergies", From::Banner),
    ("problems", From::Problems),
    ("medications", From::Medications),
    ("vitals", From::Vitals),
    ("bp", From::Vitals),
    ("pulse", From::Vitals),
    ("resp", From::Vitals),
    ("temp", From::Vitals),
    ("spo2", From::Vitals),
    ("pain", From::Vitals),
    ("weight", From::Vitals),
    ("height", From::Vitals),
    ("bmi", From::Vitals),
    ("head", From::Vitals),
    ("labs", From::Results),
    ("me", From::Writer),
    ("practice", From::Writer),
    ("today", From::Writer),
    ("now", From::Writer),
];

/// Link → its LOINC codes.
const VITALS: [(&str, &str, &[&str]); 10] = [
    ("bp", "blood pressure", &["85354-9", "55284-4", "35094-2"]),
    ("pulse", "heart rate", &["8867-4"]),
    ("resp", "respiratory rate", &["9279-1"]),
    ("temp", "temperature", &["8310-5", "8331-1"]),
    ("spo2", "oxygen saturation", &["59408-5", "2708-6"]),
    ("pain", "pain score", &["72514-3", "38208-5"]),
    ("weight", "weight", &["29463-7", "3141-9"]),
    ("height", "height", &["8302-2", "3137-7"]),
    ("bmi", "BMI", &["39156-5"]),
    ("head", "head circumference", &["9843-4", "8289-1"]),
];

/// Lines that a list becomes at most.
const LINES: usize = 25;
/// How old results may be that `@labs` tells, in milliseconds.
const YEAR: i64 = 365 * 86_400_000;

/// Every link by its name, in the order in which they are explained.
pub fn names() -> Vec<String> {
    let labs = content::labs().iter().map(|it| format!("labs.{}", it.key));
    LINKS.iter().map(|(name, _)| (*name).to_owned()).chain(labs).collect()
}

pub fn is_known(name: &str) -> bool {
    from(name).is_some()
}

fn from(name: &str) -> Option<From> {
    match name.strip_prefix("labs.") {
        Some(lab) => content::labs().iter().any(|it| it.key == lab).then_some(From::Results),
        None => LINKS.iter().find(|(it, _)| *it == name).map(|(_, from)| *from),
    }
}

/// What was read of the chart, once for all links of a note.
#[derive(Default)]
struct Read {
    banner: Option<Banner>,
    problems: Option<Section<Problem>>,
    medications: Option<Section<Medication>>,
    vitals: Option<Section<Latest>>,
    results: Option<Section<Latest>>,
}

/// What these links stand for now. Names that are no links are not in the answer.
pub async fn resolve(pen: &Pen<'_>, patient: &Id, names: &BTreeSet<String>) -> StoreResult<HashMap<String, Resolved>> {
    let wanted: Vec<From> = names.iter().filter_map(|it| from(it)).collect();
    let chart = pen.chart(patient);
    let mut read = Read::default();
    if wanted.contains(&From::Banner) {
        read.banner = Some(chart.banner().await?);
    }
    if wanted.contains(&From::Problems) {
        read.problems = Some(chart.problems().await?);
    }
    if wanted.contains(&From::Medications) {
        read.medications = Some(chart.medications().await?);
    }
    if wanted.contains(&From::Vitals) {
        read.vitals = Some(chart.vitals().await?);
    }
    if wanted.contains(&From::Results) {
        read.results = Some(chart.results().await?);
    }
    Ok(names.iter().filter_map(|name| Some((name.clone(), read.link(pen, name)?))).collect())
}

fn plain(text: impl Into<String>) -> Resolved {
    Resolved { text: text.into(), sources: Vec::new() }
}

fn source(kind: &str, id: &str, name: &str, when: Option<&When>) -> Source {
    Source { reference: format!("{kind}/{id}"), name: name.to_owned(), when: when.map(When::date_and_time) }
}

impl Read {
    fn link(&self, pen: &Pen<'_>, name: &str) -> Option<Resolved> {
        match from(name)? {
            From::Writer => Some(plain(writer(pen, name))),
            From::Banner => self.banner.as_ref().map(|it| of_banner(it, name)),
            From::Problems => self.problems.as_ref().map(problems),
            From::Medications => self.medications.as_ref().map(medications),
            From::Vitals if name == "vitals" => self.vitals.as_ref().map(vitals),
            From::Vitals => {
                let (_, words, codes) = VITALS.iter().find(|(it, ..)| *it == name)?;
                self.vitals.as_ref().map(|it| one(it, words, |code| codes.contains(&code), false))
            }
            From::Results if name == "labs" => self.results.as_ref().map(|it| results(it, pen.now)),
            From::Results => {
                let lab = content::labs().iter().find(|it| name.strip_prefix("labs.") == Some(&it.key))?;
                let of = |code: &str| lab.codes.iter().any(|it| it == code);
                self.results.as_ref().map(|it| one(it, &lab.name, of, true))
            }
        }
    }
}

fn writer(pen: &Pen<'_>, name: &str) -> String {
    match name {
        "me" => pen.caller.display.to_string(),
        "practice" => pen.organisation.name.clone(),
        "now" => When::of_micros(pen.now).date_and_time(),
        _ => When::of_micros(pen.now).date(),
    }
}

fn of_banner(banner: &Banner, name: &str) -> Resolved {
    let person = &banner.person;
    let known = |value: Option<String>, what: &str| value.unwrap_or_else(|| format!("{what} not recorded"));
    let text = match name {
        "name" => person.spoken_name(),
        "firstname" => {
            person.preferred.clone().or(person.given.first().cloned()).unwrap_or_else(|| person.spoken_name())
        }
        "age" => known(banner.age.as_deref().map(in_words), "age"),
        "sex" => known(person.sex.map(str::to_lowercase), "sex"),
        "born" => known(person.born.map(|it| it.date()), "date of birth"),
        "mrn" => known(person.mrn().map(|it| it.shown.clone()), "record number"),
        "pronouns" => known(person.pronouns.clone(), "pronouns"),
        "language" => known(person.language.clone(), "language"),
        "phone" => known(person.phone.clone(), "telephone"),
        "address" => known(person.address.clone(), "address"),
        "pcp" => known(banner.practitioner.clone(), "primary clinician"),
        "coverage" => known(banner.coverage.clone(), "coverage"),
        "lastvisit" | "reason" => {
            let visit = if name == "reason" { banner.ongoing.as_ref() } else { banner.last_visit.as_ref() };
            let Some(visit) = visit else {
                return plain(if name == "reason" { "reason not recorded" } else { "no earlier visit on record" });
            };
            let text = match name {
                "reason" => visit.reasons.first().cloned().unwrap_or_else(|| visit.title()),
                _ => match &visit.from {
                    Some(from) => format!("{} ({})", visit.title(), from.date()),
                    None => visit.title(),
                },
            };
            return Resolved {
                text,
                sources: vec![source("Encounter", &visit.id, &visit.title(), visit.from.as_ref())],
            };
        }
        "nextvisit" => known(banner.next_visit.as_ref().map(|it| it.when.date_and_time()), "next visit"),
        _ => return allergies(&banner.allergies),
    };
    let when = None;
    Resolved { text, sources: vec![source("Patient", &person.id, "Patient", when)] }
}

/// `62 y` → `62-year-old`; so the words around it stay a sentence.
fn in_words(age: &str) -> String {
    const UNITS: [(&str, &str); 5] = [("y", "year"), ("m", "month"), ("w", "week"), ("d", "day"), ("h", "hour")];
    let mut words = age.split(' ');
    let unit = |sign: Option<&str>| UNITS.iter().find(|(it, _)| Some(*it) == sign).map(|(_, word)| *word);
    match (words.next().and_then(|it| it.parse::<u32>().ok()), unit(words.next())) {
        (Some(count), Some(unit)) => format!("{count}-{unit}-old"),
        _ => age.to_owned(),
    }
}

fn allergies(state: &AllergyState) -> Resolved {
    match state {
        AllergyState::Known(known) => {
            let line = |it: &Allergy| match it.reactions.is_empty() {
                true => it.substance.clone(),
                false => format!("{}: {}", it.substance, it.reactions.join(", ")),
            };
            let of = |it: &Allergy| source("AllergyIntolerance", &it.id, &it.substance, it.recorded.as_ref());
            Resolved { text: bullets(known.iter().map(line)), sources: known.iter().take(LINES).map(of).collect() }
        }
        AllergyState::NoneKnown(words) => plain(words.clone()),
        AllergyState::OnlyPast(_) => plain("No active allergies"),
        AllergyState::NotRecorded => plain("Allergies not recorded"),
        AllergyState::NotShown => plain("Allergies not shown"),
    }
}

fn bullets(lines: impl Iterator<Item = String>) -> String {
    lines.take(LINES).map(|it| format!("- {it}")).collect::<Vec<_>>().join("\n")
}

fn problems(section: &Section<Problem>) -> Resolved {
    let active: Vec<&Problem> =
        section.rows.iter().filter(|it| it.standing == Standing::Active && !it.of_visit).take(LINES).collect();
    if active.is_empty() {
        return plain(if section.refused { "Problems not shown" } else { "No active problems on record" });
    }
    let line = |it: &&Problem| match it.since() {
        Some(since) => format!("{} (since {})", it.name, since.date()),
        None => it.name.clone(),
    };
    let of = |it: &&Problem| source("Condition", &it.id, &it.name, it.recorded.as_ref());
    Resolved { text: bullets(active.iter().map(line)), sources: active.iter().map(of).collect() }
}

fn medications(section: &Section<Medication>) -> Resolved {
    let active: Vec<&Medication> =
        section.rows.iter().filter(|it| it.standing == Standing::Active).take(LINES).collect();
    if active.is_empty() {
        return plain(if section.refused { "Medications not shown" } else { "No active medications on record" });
    }
    let line = |it: &&Medication| match &it.directions {
        Some(directions) => format!("{}: {directions}", it.name),
        None => it.name.clone(),
    };
    let of = |it: &&Medication| {
        let kind = if it.stated { "MedicationStatement" } else { "MedicationRequest" };
        source(kind, &it.id, &it.name, it.started.as_ref())
    };
    Resolved { text: bullets(active.iter().map(line)), sources: active.iter().map(of).collect() }
}

/// The vital signs of the last day on which any were taken.
fn vitals(section: &Section<Latest>) -> Resolved {
    let newest = section.rows.iter().filter_map(|it| it.newest().when).max_by_key(When::at);
    let Some(day) = newest else {
        return plain(if section.refused { "Vital signs not shown" } else { "No vital signs on record" });
    };
    let same_day = |it: &&Reading| it.when.is_some_and(|when| when.machine() == day.machine());
    let taken: Vec<&Reading> = section.rows.iter().map(Latest::newest).filter(same_day).take(LINES).collect();
    let words = |it: &&Reading| format!("{} {}", it.name, it.value.with_unit());
    let text = format!("{} ({})", taken.iter().map(words).collect::<Vec<_>>().join(", "), day.date_and_time());
    Resolved { text, sources: taken.iter().map(|it| of_reading(it)).collect() }
}

fn of_reading(reading: &Reading) -> Source {
    source("Observation", &reading.id, &reading.name, reading.when.as_ref())
}

/// One value with its date: `HbA1c 7.2% (12-May-2026)`; vital signs without their name, which stands before them.
fn one(section: &Section<Latest>, name: &str, of: impl Fn(&str) -> bool, named: bool) -> Resolved {
    let readings = section.rows.iter().map(Latest::newest).filter(|it| it.code.as_deref().is_some_and(&of));
    let Some(reading) = readings.max_by_key(|it| it.at()) else {
        return plain(if section.refused { format!("{name} not shown") } else { format!("no {name} on record") });
    };
    let value = dated(reading);
    let text = if named { format!("{name} {value}") } else { value };
    Resolved { text, sources: vec![of_reading(reading)] }
}

fn dated(reading: &Reading) -> String {
    let flag = reading.flag.filter(|it| it.is_abnormal()).map_or(String::new(), |it| format!(" {}", it.letters()));
    let when = reading.when.map_or("date unknown".to_owned(), |it| it.date());
    format!("{}{flag} ({when})", reading.value.with_unit())
}

/// The latest of every test within a year, what needs a look first.
fn results(section: &Section<Latest>, now: i64) -> Resolved {
    let recent = |it: &&Reading| now / 1000 - it.at() < YEAR;
    let found: Vec<&Reading> = section.rows.iter().map(Latest::newest).filter(recent).take(LINES).collect();
    if found.is_empty() {
        return plain(if section.refused { "Results not shown" } else { "No results within a year" });
    }
    let text = bullets(found.iter().map(|it| format!("{} {}", it.name, dated(it))));
    Resolved { text, sources: found.iter().map(|it| of_reading(it)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_reads_as_part_of_a_sentence() {
        let check = |age: &str, words: &str| assert_eq!(in_words(age), words);
        check("62 y", "62-year-old");
        check("6 y 4 m", "6-year-old");
        check("5 w", "5-week-old");
        check("47 h", "47-hour-old");
        check("about 56 y", "about 56 y");
        check("under 1 d", "under 1 d");
    }

    #[test]
    fn every_link_can_be_typed_and_knows_where_it_comes_from() {
        for name in names() {
            let typed = format!("@{name}");
            let tokens = crate::notes::text::tokens(&typed);
            assert_eq!(tokens.len(), 1, "{typed}");
            assert_eq!(tokens[0].name, name);
            assert!(is_known(&name), "{name}");
        }
        for (name, from) in LINKS {
            let vital = VITALS.iter().any(|(it, ..)| *it == name);
            assert_eq!(vital, from == From::Vitals && name != "vitals", "{name}");
        }
        assert!(!is_known("labs.nothing") && !is_known("nothing"));
    }
}
