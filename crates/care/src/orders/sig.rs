//! Directions for taking a medicine: how much, by which way, how often, how, when needed, for how long. From the parts
//! come the words people read, in English and Spanish, what FHIR wants (Dosage, R4 2.27), how much that is in a day, and
//! how much must be handed out. Words and codes are in `content/orders/sig.txt`; numbers are exact decimals.

use crate::content::{self, Head, Line, cell};
use crate::drugs::{Drug, Supply};
use fhir::Value;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../content/orders/sig.txt");
const SNOMED: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";
const ABBREVIATION: &str = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation";

/// In which language directions are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Spanish,
}

/// Directions, as they are kept in a basket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sig {
    pub dose: Decimal,
    pub form: String,
    pub route: String,
    pub timing: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// A key of the list, or words of the prescriber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_needed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Words of the prescriber, added as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<String>,
}

/// One form, route, timing, manner or need: its key and the cells after it.
type Entry = (&'static str, Vec<&'static str>);

struct Lists {
    forms: Vec<Entry>,
    routes: Vec<Entry>,
    timings: Vec<Entry>,
    hows: Vec<Entry>,
    needs: Vec<Entry>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| read().expect("content/orders/sig.txt is read by a test"));

fn read() -> Result<Lists, String> {
    let mut lists =
        Lists { forms: Vec::new(), routes: Vec::new(), timings: Vec::new(), hows: Vec::new(), needs: Vec::new() };
    let mut section = "";
    for line in content::lines(TEXT) {
        match line {
            Line::Section(names) => section = names[0],
            Line::Row(cells) => {
                let (list, wanted) = match section {
                    "form" => (&mut lists.forms, 6),
                    "route" => (&mut lists.routes, 7),
                    "timing" => (&mut lists.timings, 7),
                    "how" => (&mut lists.hows, 3),
                    "need" => (&mut lists.needs, 3),
                    other => return Err(format!("there is no section {other}")),
                };
                if cells.len() != wanted {
                    return Err(format!("the line `{}`", cells.join(" | ")));
                }
                list.push((cells[0], cells));
            }
        }
    }
    Ok(lists)
}

pub(crate) fn tell() -> Result<(Head, usize), String> {
    let lists = read()?;
    let all = [&lists.forms, &lists.routes, &lists.timings, &lists.hows, &lists.needs];
    Ok((content::head_of_table(TEXT)?, all.iter().map(|it| it.len()).sum()))
}

fn entry<'a>(list: &'a [Entry], key: &str) -> Option<&'a [&'static str]> {
    list.iter().find(|(it, _)| *it == key).map(|(_, cells)| cells.as_slice())
}

/// What may be chosen: (key, words in English).
pub fn timings() -> Vec<(&'static str, &'static str)> {
    LISTS.timings.iter().map(|(key, cells)| (*key, cells[1])).collect()
}

pub fn routes() -> Vec<(&'static str, &'static str)> {
    LISTS.routes.iter().map(|(key, cells)| (*key, cells[6])).collect()
}

pub fn hows() -> Vec<(&'static str, &'static str)> {
    LISTS.hows.iter().map(|(key, cells)| (*key, cells[1])).collect()
}

pub fn needs() -> Vec<(&'static str, &'static str)> {
    LISTS.needs.iter().map(|(key, cells)| (*key, cells[1])).collect()
}

/// In which unit a form is counted: `tablet`, `puff`, `mL`.
pub fn unit_of(form: &str) -> &str {
    entry(&LISTS.forms, form).map_or(form, |cells| cells[1])
}

/// Whether all words of a drug's usual directions are in the lists; else which is not.
#[cfg(test)]
pub(crate) fn known(drug: &Drug) -> Result<(), String> {
    let checks = [
        (&LISTS.forms, Some(&drug.form)),
        (&LISTS.routes, Some(&drug.route)),
        (&LISTS.timings, Some(&drug.timing)),
        (&LISTS.hows, drug.how.as_ref()),
        (&LISTS.needs, drug.as_needed.as_ref()),
    ];
    for (list, key) in checks {
        if let Some(key) = key
            && entry(list, key).is_none()
        {
            return Err(key.clone());
        }
    }
    Ok(())
}

impl Sig {
    /// How the drug is usually taken.
    pub fn usual(drug: &Drug) -> Sig {
        let course = matches!(drug.supply, Supply::Days(days) if days <= 14 && drug.refills == 0);
        Sig {
            dose: drug.dose,
            form: drug.form.clone(),
            route: drug.route.clone(),
            timing: drug.timing.clone(),
            how: drug.how.clone(),
            as_needed: drug.as_needed.clone(),
            days: match drug.supply {
                Supply::Days(days) if course && drug.as_needed.is_none() => Some(days),
                _ => None,
            },
            more: None,
        }
    }

    /// In which unit a dose is counted.
    pub fn unit(&self) -> &str {
        unit_of(&self.form)
    }

    fn timing_cells(&self) -> Option<&'static [&'static str]> {
        LISTS.timings.iter().find(|(it, _)| *it == self.timing).map(|(_, cells)| cells.as_slice())
    }

    /// How many doses in how many days; one that is taken once has none.
    fn rhythm(&self) -> Option<(Decimal, Decimal)> {
        let cells = self.timing_cells()?;
        let (times, period): (Decimal, Decimal) = (cell(cells, 3)?.parse().ok()?, cell(cells, 4)?.parse().ok()?);
        let days = match cell(cells, 5)? {
            "min" => period / Decimal::from(1_440),
            "h" => period / Decimal::from(24),
            "d" => period,
            "wk" => period * Decimal::from(7),
            "mo" => period * Decimal::from(30),
            _ => return None,
        };
        // `every 5 minutes, at most 3 times` is no dose for a whole day.
        (days >= Decimal::new(1, 1)).then_some((times, days))
    }

    /// How much of an ingredient in a day, when a unit of the form has so much.
    pub fn daily(&self, in_one: Decimal) -> Option<Decimal> {
        let (times, days) = if self.timing == "ONCE" { (Decimal::ONE, Decimal::ONE) } else { self.rhythm()? };
        Some(in_one * self.dose * times / days)
    }

    /// How many units are needed for so many days, rounded up to whole ones.
    pub fn quantity(&self, days: u32) -> Option<Decimal> {
        // Divided last: a seventh is not exact.
        let (times, period) = self.rhythm()?;
        Some((self.dose * times * Decimal::from(days) / period).ceil())
    }

    /// For how many whole days a quantity is enough.
    pub fn days_of(&self, quantity: Decimal) -> Option<u32> {
        let (times, period) = self.rhythm()?;
        let doses = self.dose * times;
        if doses.is_zero() { None } else { (quantity * period / doses).floor().to_u32() }
    }

    /// What is wrong with it, by the name of the field; empty when it can be signed.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.dose <= Decimal::ZERO {
            missing.push("dose");
        }
        if self.timing_cells().is_none() {
            missing.push("timing");
        }
        if entry(&LISTS.routes, &self.route).is_none() {
            missing.push("route");
        }
        missing
    }

    /// The sentence people read: `Take 1 tablet by mouth twice a day with meals`.
    pub fn words(&self, language: Language) -> String {
        let english = language == Language::English;
        let pick = |cells: Option<&[&'static str]>, at: (usize, usize)| -> Option<String> {
            let cells = cells?;
            cell(cells, if english { at.0 } else { at.1 }).map(str::to_owned)
        };
        let form = entry(&LISTS.forms, &self.form);
        let many = usize::from(self.dose > Decimal::ONE);
        let unit = pick(form, (1 + many, 3 + many)).unwrap_or_else(|| self.form.clone());
        let route = entry(&LISTS.routes, &self.route);
        let verb = pick(route, (1, 3)).unwrap_or_else(|| if english { "Take".into() } else { "Tome".into() });
        let mut words = vec![verb, shown(self.dose), unit];
        words.extend(pick(route, (2, 4)));
        words.extend(pick(self.timing_cells(), (1, 2)));
        let how = self.how.as_deref().and_then(|it| pick(entry(&LISTS.hows, it), (1, 2)));
        // `; take all of it` stands at the end, behind the days.
        let (last, how): (Vec<String>, Vec<String>) = how.into_iter().partition(|it| it.starts_with(';'));
        words.extend(how);
        if let Some(need) = &self.as_needed {
            let what = pick(entry(&LISTS.needs, need), (1, 2)).unwrap_or_else(|| need.clone());
            words.push(format!("{} {what}", if english { "as needed for" } else { "si es necesario para:" }));
        }
        if let Some(days) = self.days {
            words.push(match (english, days) {
                (true, 1) => "for 1 day".to_owned(),
                (true, days) => format!("for {days} days"),
                (false, 1) => "durante 1 día".to_owned(),
                (false, days) => format!("durante {days} días"),
            });
        }
        let mut sentence = words.join(" ");
        sentence.extend(last);
        if let Some(more) = &self.more {
            sentence.push_str(". ");
            sentence.push_str(more);
        }
        sentence
    }

    /// The Dosage of FHIR. `start` is a day; the patient's own words go in when they read Spanish.
    pub(crate) fn dosage(&self, start: &str, for_patient: Language) -> Value {
        let mut it = json!({ "sequence": 1, "text": self.words(Language::English) });
        if for_patient == Language::Spanish {
            it["patientInstruction"] = self.words(Language::Spanish).into();
        }
        if let Some(timing) = self.timing(start) {
            it["timing"] = timing;
        }
        match &self.as_needed {
            Some(need) => {
                let words = entry(&LISTS.needs, need).map_or(need.as_str(), |cells| cells[1]);
                it["asNeededCodeableConcept"] = json!({ "text": words });
            }
            None => it["asNeededBoolean"] = false.into(),
        }
        if let Some(route) = entry(&LISTS.routes, &self.route) {
            it["route"] = json!({ "coding": [{ "system": SNOMED, "code": route[5], "display": route[6] }] });
        }
        let mut dose = json!({ "value": number(self.dose), "unit": unit_of(&self.form) });
        if let Some(form) = entry(&LISTS.forms, &self.form) {
            dose["system"] = UCUM.into();
            dose["code"] = form[5].into();
        }
        it["doseAndRate"] = json!([{
            "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/dose-rate-type", "code": "ordered", "display": "Ordered" }] },
            "doseQuantity": dose,
        }]);
        it
    }

    fn timing(&self, start: &str) -> Option<Value> {
        let cells = self.timing_cells()?;
        let mut it = json!({});
        if let Some(times) = cell(cells, 3).and_then(|it| it.parse::<u64>().ok()) {
            let mut repeat = json!({});
            if let Some(days) = self.days {
                repeat["boundsDuration"] = json!({ "value": days, "unit": "days", "system": UCUM, "code": "d" });
            } else {
                repeat["boundsPeriod"] = json!({ "start": start });
            }
            repeat["frequency"] = times.into();
            if let Some(period) = cell(cells, 4).and_then(|it| it.parse::<u64>().ok()) {
                repeat["period"] = period.into();
                repeat["periodUnit"] = cells[5].into();
            } else {
                repeat["count"] = 1.into();
                repeat.as_object_mut()?.shift_remove("frequency");
            }
            it["repeat"] = repeat;
        }
        let mut code = json!({ "text": cells[1] });
        if let Some(abbreviation) = cell(cells, 6) {
            code["coding"] = json!([{ "system": ABBREVIATION, "code": abbreviation }]);
        }
        it["code"] = code;
        Some(it)
    }
}

/// A decimal as people write it: `0.5`, `1`, `12.5`.
pub fn shown(number: Decimal) -> String {
    number.normalize().to_string()
}

/// A decimal as JSON, with its own digits.
pub(crate) fn number(decimal: Decimal) -> Value {
    let number: serde_json::Number = shown(decimal).parse().expect("a decimal is a number of JSON");
    Value::Number(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drugs;

    fn sig(words: &str) -> Sig {
        Sig::usual(drugs::search(words, 1).first().expect("a drug of the list"))
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    #[test]
    fn usual_directions_read_as_people_speak() {
        let check = |drug: &str, english: &str, spanish: &str| {
            let sig = sig(drug);
            assert_eq!(sig.words(Language::English), english);
            assert_eq!(sig.words(Language::Spanish), spanish);
        };
        check(
            "metformin 500 mg tablet",
            "Take 1 tablet by mouth twice a day with meals",
            "Tome 1 tableta por la boca dos veces al día con las comidas",
        );
        check(
            "prednisone 20",
            "Take 2 tablets by mouth every morning with food for 5 days",
            "Tome 2 tabletas por la boca cada mañana con comida durante 5 días",
        );
        check(
            "albuterol",
            "Inhale 2 puffs every 6 hours as needed for wheezing or shortness of breath",
            "Inhale 2 inhalaciones cada 6 horas si es necesario para: silbidos o falta de aire",
        );
        check(
            "amoxicillin 400",
            "Take 5 mL by mouth twice a day for 10 days; take all of it",
            "Tome 5 mL por la boca dos veces al día durante 10 días; tómelo todo",
        );
    }

    #[test]
    fn quantity_and_days_follow_from_dose_and_timing() {
        let check = |drug: &str, days: u32, quantity: &str| {
            assert_eq!(sig(drug).quantity(days).map(shown).as_deref(), Some(quantity), "{drug}");
        };
        check("metformin 500 mg tablet", 90, "180");
        check("amoxicillin 400", 10, "100");
        check("alendronic acid 70", 84, "12");
        check("acetaminophen 500 mg tablet", 10, "40");
        let half = Sig { dose: decimal("0.5"), ..sig("metoprolol tartrate 25") };
        assert_eq!(half.quantity(31).map(shown).as_deref(), Some("31"));
        assert_eq!(half.quantity(7).map(shown).as_deref(), Some("7"));
        assert_eq!(half.days_of(decimal("30")), Some(30));
        assert_eq!(sig("fluconazole").quantity(1), None, "what is taken once is not counted in days");
    }

    #[test]
    fn the_amount_in_a_day_is_exact() {
        let check = |drug: &str, in_one: &str, wanted: Option<&str>| {
            assert_eq!(sig(drug).daily(decimal(in_one)).map(shown).as_deref(), wanted, "{drug}");
        };
        check("acetaminophen 500 mg tablet", "500", Some("2000"));
        check("amoxicillin 400", "80", Some("800"));
        check("prednisone 20", "20", Some("40"));
        check("nitroglycerin", "0.4", None);
    }

    #[test]
    fn a_dosage_says_the_same_in_codes() {
        let it = sig("metformin 500 mg tablet").dosage("2026-06-15", Language::Spanish);
        assert_eq!(it["text"], "Take 1 tablet by mouth twice a day with meals");
        assert!(it["patientInstruction"].as_str().is_some_and(|it| it.starts_with("Tome 1 tableta")));
        assert_eq!(
            (&it["timing"]["repeat"]["frequency"], &it["timing"]["repeat"]["periodUnit"]),
            (&json!(2), &json!("d"))
        );
        assert_eq!(it["timing"]["code"]["coding"][0]["code"], "BID");
        assert_eq!(it["route"]["coding"][0]["code"], "26643006");
        assert_eq!(it["doseAndRate"][0]["doseQuantity"]["code"], "{tbl}");
        let needed = sig("ibuprofen 600").dosage("2026-06-15", Language::English);
        assert_eq!(needed["asNeededCodeableConcept"]["text"], "pain");
        assert!(needed.get("patientInstruction").is_none());
    }

    #[test]
    fn directions_without_a_dose_or_a_timing_are_not_whole() {
        let whole = sig("metformin 500 mg tablet");
        assert!(whole.missing().is_empty());
        let broken = Sig { dose: Decimal::ZERO, timing: "whenever".into(), ..whole };
        assert_eq!(broken.missing(), ["dose", "timing"]);
    }
}
