//! What is measured and asked at a visit: vital signs, growth, smoking, mood, circumstances, pregnancy.

use std::ops::BitOr;

use serde_json::{Value, json};

use super::body::Smoking;
use super::chart::{Observed, Visit};
use super::dice::share_below;
use super::life::Life;
use super::shapes::*;

/// Which signs are taken at a visit.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Taken(u16);

impl Taken {
    pub(super) const PRESSURE: Taken = Taken(1);
    pub(super) const PULSE: Taken = Taken(2);
    pub(super) const BREATHS: Taken = Taken(4);
    pub(super) const TEMPERATURE: Taken = Taken(8);
    pub(super) const SATURATION: Taken = Taken(16);
    pub(super) const WEIGHT: Taken = Taken(32);
    const HEIGHT: Taken = Taken(64);
    const HEAD: Taken = Taken(128);
    const PERCENTILE: Taken = Taken(256);
    const BMI: Taken = Taken(512);

    pub(super) const NEWBORN: Taken = Taken(2 | 4 | 8 | 32 | 64 | 128);
    pub(super) const INFANT: Taken = Taken(32 | 64 | 128 | 256 | 512);
    pub(super) const CHILD: Taken = Taken(32 | 64 | 256 | 512);
    pub(super) const ADULT: Taken = Taken(1 | 2 | 32 | 64 | 512);
    pub(super) const URGENT: Taken = Taken(1 | 2 | 4 | 8 | 16);

    fn has(self, one: Taken) -> bool {
        self.0 & one.0 != 0
    }
}

impl BitOr for Taken {
    type Output = Taken;
    fn bitor(self, other: Taken) -> Taken {
        Taken(self.0 | other.0)
    }
}

impl Life<'_> {
    fn sign(&mut self, visit: &Visit, profile: &'static str, code: (&str, &str), value: Value) {
        let what = Observed {
            category: "vital-signs",
            profile,
            code: concept(LOINC, code.0, code.1),
            members: json!({ "valueQuantity": value }),
            status: "final",
        };
        self.chart.observation(visit, visit.start.plus_minutes(5), what);
    }

    /// Takes the signs; `fever` when the illness comes with one. Every draw is made wherever the visit is.
    pub(super) fn measure(&mut self, visit: &mut Visit, taken: Taken, fever: bool) {
        let day = visit.start.day;
        let age = self.age(day);
        let mut now = self.condition(day);
        now.infection = fever;
        let (systolic, diastolic) = self.body.pressure(day, &now, &mut self.dice);
        let pulse = self.body.pulse(day, &now, &mut self.dice);
        let breaths = self.body.breaths(day, &now, &mut self.dice);
        let temperature = self.body.temperature(&now, &mut self.dice);
        let saturation = self.body.saturation(&now, &mut self.dice);
        let weight = self.body.weight(day, now.pregnant_weeks) * (1.0 + 0.004 * self.dice.normal());
        let height = self.body.height(day);
        let head = self.body.head(day);
        let two_years = age >= 2.0;
        if taken.has(Taken::PRESSURE) && age >= 3.0 {
            self.last_systolic = systolic;
            let pressure = |code: &str, words: &str, value: f64| json!({ "code": concept(LOINC, code, words), "valueQuantity": quantity(value, 0, "mmHg", "mm[Hg]") });
            let what = Observed {
                category: "vital-signs",
                profile: "us-core-blood-pressure",
                code: concept(LOINC, "85354-9", "Blood pressure"),
                members: json!({ "component": [
                    pressure("8480-6", "Systolic blood pressure", systolic),
                    pressure("8462-4", "Diastolic blood pressure", diastolic),
                ] }),
                status: "final",
            };
            self.chart.observation(visit, visit.start.plus_minutes(5), what);
            visit.say(format!("Blood pressure {systolic:.0}/{diastolic:.0}."));
        }
        if taken.has(Taken::PULSE) {
            self.sign(
                visit,
                "us-core-heart-rate",
                ("8867-4", "Heart rate"),
                quantity(pulse, 0, "beats/minute", "/min"),
            );
        }
        if taken.has(Taken::BREATHS) {
            self.sign(
                visit,
                "us-core-respiratory-rate",
                ("9279-1", "Respiratory rate"),
                quantity(breaths, 0, "breaths/minute", "/min"),
            );
        }
        if taken.has(Taken::TEMPERATURE) {
            self.sign(
                visit,
                "us-core-body-temperature",
                ("8310-5", "Body temperature"),
                quantity(temperature, 1, "°C", "Cel"),
            );
        }
        if taken.has(Taken::SATURATION) {
            let code = json!({ "coding": [
                { "system": LOINC, "code": "59408-5", "display": "Oxygen saturation by pulse oximetry" },
                { "system": LOINC, "code": "2708-6", "display": "Oxygen saturation in arterial blood" },
            ], "text": "Oxygen saturation" });
            let members = json!({ "valueQuantity": quantity(saturation, 0, "%", "%") });
            let what =
                Observed { category: "vital-signs", profile: "us-core-pulse-oximetry", code, members, status: "final" };
            self.chart.observation(visit, visit.start.plus_minutes(5), what);
        }
        if taken.has(Taken::WEIGHT) {
            let digits = if age < 2.0 { 2 } else { 1 };
            self.sign(visit, "us-core-body-weight", ("29463-7", "Body weight"), quantity(weight, digits, "kg", "kg"));
        }
        // Grown people are measured now and then; children each time.
        let place = visit.site as usize;
        let measured = age < 20.0 || self.height_taken[place].is_none_or(|it| day.since(it) > 1_100);
        if taken.has(Taken::HEIGHT) && measured {
            self.height_taken[place] = Some(day);
            self.sign(visit, "us-core-body-height", ("8302-2", "Body height"), quantity(height, 1, "cm", "cm"));
        }
        if taken.has(Taken::BMI) && two_years {
            let bmi = weight / (height * height / 10_000.0);
            self.sign(visit, "us-core-bmi", ("39156-5", "Body mass index"), quantity(bmi, 1, "kg/m2", "kg/m2"));
        }
        let percent = |z: f64| quantity((share_below(z) * 100.0).clamp(1.0, 99.0), 0, "%", "%");
        if taken.has(Taken::HEAD) && age < 3.0 {
            self.sign(
                visit,
                "us-core-head-circumference",
                ("9843-4", "Head circumference"),
                quantity(head, 1, "cm", "cm"),
            );
            if taken.has(Taken::PERCENTILE) && !two_years {
                let z = self.body.head_z() + 0.08 * self.dice.normal();
                let code = ("8289-1", "Head circumference percentile");
                self.sign(visit, "head-occipital-frontal-circumference-percentile", code, percent(z));
            }
        }
        if taken.has(Taken::PERCENTILE) {
            let z = self.body.weight_z - 0.2 * self.body.height_z + 0.12 * self.dice.normal();
            if two_years && age < 20.0 {
                self.sign(
                    visit,
                    "pediatric-bmi-for-age",
                    ("59576-9", "Body mass index percentile for age and sex"),
                    percent(z),
                );
            } else if !two_years {
                self.sign(
                    visit,
                    "pediatric-weight-for-height",
                    ("77606-2", "Weight for length percentile"),
                    percent(z),
                );
            }
        }
        if taken.has(Taken::WEIGHT) {
            visit.say(format!("Weight {weight:.1} kg."));
        }
    }

    pub(super) fn apgar(&mut self, visit: &Visit) {
        for (code, words, minutes, low) in
            [("9272-6", "Apgar score at 1 minute", 1, 7), ("9274-2", "Apgar score at 5 minutes", 5, 8)]
        {
            let score = self.dice.between(low, 9 + i32::from(low == 8));
            let what = Observed {
                category: "survey",
                profile: "us-core-observation-screening-assessment",
                code: concept(LOINC, code, words),
                members: json!({ "valueQuantity": quantity(f64::from(score), 0, "score", "{score}") }),
                status: "final",
            };
            self.chart.observation(visit, visit.start.plus_minutes(minutes), what);
        }
    }

    pub(super) fn ask_smoking(&mut self, visit: &Visit) {
        let day = visit.start.day;
        let place = visit.site as usize;
        if self.age(day) < 12.0 || self.smoking_asked[place].is_some_and(|it| day.since(it) < 900) {
            return;
        }
        self.smoking_asked[place] = Some(day);
        let (code, words) = match self.body.smoking {
            Smoking::Former { until, .. } if until <= day => ("8517006", "Former smoker"),
            Smoking::Former { from, .. } | Smoking::Current { from } if from <= day => {
                ("449868002", "Smokes every day")
            }
            _ => ("266919005", "Never smoked"),
        };
        let what = Observed {
            category: "social-history",
            profile: "us-core-smokingstatus",
            code: concept(LOINC, "72166-2", "Tobacco smoking status"),
            members: json!({ "valueCodeableConcept": concept(SNOMED, code, words) }),
            status: "final",
        };
        self.chart.observation(visit, visit.start.plus_minutes(8), what);
    }

    /// Work and food security, asked at some checkups.
    pub(super) fn circumstances(&mut self, visit: &Visit) {
        let (asked, hungry, job) = (self.dice.chance(0.22), self.dice.chance(0.1), self.dice.chance(0.2));
        let work = self.tables.jobs[(self.person.seed >> 11) as usize % self.tables.jobs.len()];
        let age = self.age(visit.start.day);
        if asked {
            let (code, words) = if hungry { ("LA19952-3", "At risk") } else { ("LA19983-8", "No risk") };
            let category = json!([
                { "coding": [{ "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "code": "sdoh", "display": "SDOH" }] },
                { "coding": [{ "system": OBSERVATION_CATEGORY, "code": "survey", "display": "Survey" }] },
            ]);
            let what = Observed {
                category: "survey",
                profile: "us-core-observation-screening-assessment",
                code: concept(LOINC, "88124-3", "Food insecurity risk"),
                members: json!({ "category": category, "valueCodeableConcept": concept(LOINC, code, words) }),
                status: "final",
            };
            self.chart.observation(visit, visit.start.plus_minutes(9), what);
        }
        if job && (19.0..66.0).contains(&age) {
            let what = Observed {
                category: "social-history",
                profile: "us-core-observation-occupation",
                code: concept(LOINC, "11341-5", "Occupation"),
                members: json!({ "valueCodeableConcept": { "text": work } }),
                status: "final",
            };
            self.chart.observation(visit, visit.start.plus_minutes(9), what);
        }
    }

    pub(super) fn chart_pregnancy(&mut self, visit: &Visit, pregnant: bool) {
        let (code, words) = if pregnant { ("77386006", "Pregnant") } else { ("60001007", "Not pregnant") };
        let what = Observed {
            category: "social-history",
            profile: "us-core-observation-pregnancystatus",
            code: concept(LOINC, "82810-3", "Pregnancy status"),
            members: json!({ "valueCodeableConcept": concept(SNOMED, code, words) }),
            status: "final",
        };
        self.chart.observation(visit, visit.start.plus_minutes(3), what);
    }

    /// PHQ-9: high when depression begins, lower with treatment.
    pub(super) fn mood(&mut self, visit: &Visit) -> f64 {
        let day = visit.start.day;
        let noise = self.dice.normal();
        let score = match self.course("depression", day) {
            None => 2.0 + 1.5 * noise,
            Some(course) => {
                let months = f64::from(day.since(course.stepped)) / 30.0;
                match course.steps {
                    0 => 16.0 + 2.0 * noise,
                    1 if self.person.seed % 5 < 2 || self.person.story.is_some() => {
                        16.0 - (months * 1.1).min(4.5) + 1.2 * noise
                    }
                    1 => 15.0 - (months * 1.6).min(10.0) + 1.2 * noise,
                    _ => 12.0 - (months * 1.4).min(8.5) + 1.2 * noise,
                }
            }
        };
        score.clamp(0.0, 26.0).round()
    }

    pub(super) fn mood_score(&mut self, visit: &mut Visit) -> f64 {
        let score = self.mood(visit);
        let what = Observed {
            category: "survey",
            profile: "us-core-observation-screening-assessment",
            code: concept(LOINC, "44261-6", "PHQ-9 total score"),
            members: json!({ "valueQuantity": quantity(score, 0, "score", "{score}") }),
            status: "final",
        };
        self.chart.observation(visit, visit.start.plus_minutes(10), what);
        visit.say(format!("PHQ-9 score {score:.0}."));
        score
    }
}
