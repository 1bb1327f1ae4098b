//! The body of a demo person: growth, weight, blood pressure and laboratory values as they move with age, disease and
//! treatment. Plain functions over a small state; they know nothing of charts.

use super::calendar::Day;
use super::dice::{Dice, pow};
use super::tables::{GrowthRow, Tables};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Smoking {
    Never,
    Former { from: Day, until: Day },
    Current { from: Day },
}

/// What a person brings along for life. The z values are places in the population (standard deviations).
pub(super) struct Body<'a> {
    pub(super) female: bool,
    pub(super) birth: Day,
    growth: &'a [GrowthRow],
    pub(super) height_z: f64,
    pub(super) weight_z: f64,
    head_z: f64,
    weight_gain: f64,
    bmi_at_20: f64,
    pressure_z: f64,
    pulse: f64,
    sugar_z: f64,
    ldl: f64,
    hdl: f64,
    triglycerides: f64,
    kidney_z: f64,
    hemoglobin: f64,
    pub(super) smoking: Smoking,
}

/// Diseases and treatments as they stand on a day, for what depends on them.
#[derive(Default, Clone)]
pub(super) struct Condition {
    pub(super) hypertension: bool,
    pub(super) pressure_drugs: f64,
    pub(super) lipids: bool,
    pub(super) statin_steps: f64,
    pub(super) kidney_years: Option<f64>,
    /// Years until kidney disease will be found, for those who are to have it: function falls before the name comes.
    pub(super) kidney_ahead: Option<f64>,
    pub(super) heart_failure: bool,
    pub(super) thyroid: Option<f64>,
    pub(super) anemia: Option<f64>,
    pub(super) diabetes_a1c: Option<f64>,
    pub(super) diabetes_years: f64,
    pub(super) potassium_shift: f64,
    pub(super) warfarin: bool,
    pub(super) pregnant_weeks: Option<f64>,
    pub(super) lungs: bool,
    /// Fever and infection on this day.
    pub(super) infection: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        tables: &'a Tables,
        female: bool,
        birth: Day,
        dice: &mut Dice,
        story_bmi: Option<f64>,
    ) -> Body<'a> {
        let growth = if female { &tables.girls } else { &tables.boys };
        let (height_z, mut weight_z) = (dice.normal().clamp(-2.2, 2.4), dice.normal().clamp(-1.9, 2.4));
        let adult = growth.last().expect("the growth table has rows");
        if let Some(bmi) = story_bmi {
            weight_z = (bmi / (adult[2] / (adult[1] * adult[1] / 10_000.0)) - 1.0) / 0.15;
        }
        let mut body = Body {
            female,
            birth,
            growth,
            height_z,
            weight_z,
            head_z: (0.5 * height_z + 0.8 * dice.normal()).clamp(-2.0, 2.0),
            weight_gain: dice.range(0.02, 0.24) + 0.03 * weight_z,
            bmi_at_20: 0.0,
            pressure_z: dice.normal().clamp(-2.0, 2.2),
            pulse: 70.0 + 7.0 * dice.normal(),
            sugar_z: dice.normal(),
            ldl: 112.0 + 22.0 * dice.normal(),
            hdl: if female { 57.0 } else { 48.0 } + 9.0 * dice.normal(),
            triglycerides: (120.0 + 40.0 * dice.normal()).max(45.0),
            kidney_z: dice.normal(),
            hemoglobin: if female { 13.4 } else { 14.9 } + 0.7 * dice.normal(),
            smoking: Smoking::Never,
        };
        let (height, weight) = (body.height_at(240.0), body.child_weight(240.0));
        body.bmi_at_20 = (weight / (height * height / 10_000.0)).max(17.2);
        body
    }

    pub(super) fn age(&self, day: Day) -> f64 {
        day.years_since(self.birth)
    }

    fn months(&self, day: Day) -> f64 {
        f64::from(day.since(self.birth)) / 30.4375
    }

    fn median(&self, months: f64, column: usize) -> f64 {
        let rows = self.growth;
        let next = rows.iter().position(|row| row[0] >= months).unwrap_or(rows.len() - 1).max(1);
        let (low, high) = (&rows[next - 1], &rows[next]);
        let part = ((months - low[0]) / (high[0] - low[0])).clamp(0.0, 1.0);
        low[column] + (high[column] - low[column]) * part
    }

    fn height_at(&self, months: f64) -> f64 {
        self.median(months, 1) * (1.0 + 0.039 * self.height_z)
    }

    pub(super) fn height(&self, day: Day) -> f64 {
        let shrink = (self.age(day) - 65.0).max(0.0) * 0.08;
        self.height_at(self.months(day)) - shrink
    }

    fn child_weight(&self, months: f64) -> f64 {
        let spread = if months < 24.0 { 0.11 } else { (0.11 + (months - 24.0) / 24.0 * 0.012).min(0.15) };
        let skew = if months > 60.0 { 0.02 * self.weight_z * self.weight_z } else { 0.0 };
        self.median(months, 2) * (1.0 + spread * self.weight_z + 0.05 * self.height_z + skew)
    }

    pub(super) fn head(&self, day: Day) -> f64 {
        self.median(self.months(day), 3) * (1.0 + 0.026 * self.head_z)
    }

    pub(super) fn head_z(&self) -> f64 {
        self.head_z
    }

    /// Body mass index of an adult: rising until sixty, falling in old age.
    pub(super) fn adult_bmi(&self, age: f64) -> f64 {
        let bmi = self.bmi_at_20 + self.weight_gain * (age.clamp(20.0, 60.0) - 20.0) - (age - 72.0).max(0.0) * 0.12;
        bmi.clamp(16.8, 54.0)
    }

    pub(super) fn weight(&self, day: Day, pregnant_weeks: Option<f64>) -> f64 {
        let months = self.months(day);
        let base = if months <= 240.0 {
            self.child_weight(months)
        } else {
            let height = self.height(day);
            self.adult_bmi(self.age(day)) * height * height / 10_000.0
        };
        base + pregnant_weeks.map_or(0.0, |weeks| (weeks - 10.0).max(0.0) * 0.4)
    }

    pub(super) fn pressure(&self, day: Day, now: &Condition, dice: &mut Dice) -> (f64, f64) {
        let age = self.age(day);
        let systolic = if age < 18.0 {
            84.0 + 1.9 * age + 5.0 * self.pressure_z
        } else {
            let disease = if now.hypertension { (24.0 - 9.0 * now.pressure_drugs).max(2.0) } else { 0.0 };
            let failing = if now.heart_failure { -6.0 } else { 0.0 };
            110.0 + 0.24 * (age - 18.0) + 5.5 * self.pressure_z + disease + failing
        };
        // Those without the diagnosis keep below it: a person at 160 would have been diagnosed.
        let noise = 4.5 * dice.normal();
        let top = if age < 18.0 {
            124.0
        } else if now.hypertension {
            192.0
        } else {
            138.0
        };
        let systolic = (systolic + noise - if now.pregnant_weeks.is_some() { 5.0 } else { 0.0 }).clamp(68.0, top);
        let diastolic = if age < 18.0 {
            systolic * 0.6
        } else {
            40.0 + systolic * 0.28 + 3.0 * self.pressure_z - (age - 60.0).max(0.0) * 0.25
        };
        let diastolic = (diastolic + 3.0 * dice.normal()).clamp(40.0, systolic - 18.0);
        (systolic, diastolic)
    }

    pub(super) fn pulse(&self, day: Day, now: &Condition, dice: &mut Dice) -> f64 {
        let age = self.age(day);
        let young = if age < 1.0 { 62.0 } else { (42.0 - 3.6 * age).max(0.0) };
        let fever = if now.infection { 16.0 } else { 0.0 };
        (self.pulse + young + fever + 4.0 * dice.normal()).clamp(48.0, 175.0)
    }

    pub(super) fn breaths(&self, day: Day, now: &Condition, dice: &mut Dice) -> f64 {
        let age = self.age(day);
        let base = if age < 1.0 { 36.0 } else { (27.0 - 1.1 * age).max(15.0) };
        (base + if now.infection { 4.0 } else { 0.0 } + 1.5 * dice.normal()).clamp(11.0, 58.0)
    }

    pub(super) fn temperature(&self, now: &Condition, dice: &mut Dice) -> f64 {
        (if now.infection { 38.4 } else { 36.7 } + 0.3 * dice.normal()).clamp(35.6, 40.4)
    }

    pub(super) fn saturation(&self, now: &Condition, dice: &mut Dice) -> f64 {
        (98.2 - if now.lungs { 3.6 } else { 0.0 } - if now.infection { 1.5 } else { 0.0 } + 0.8 * dice.normal())
            .clamp(86.0, 100.0)
            .floor()
    }

    /// HbA1c without diabetes: low, a little higher with age and weight, never diabetic.
    pub(super) fn sound_a1c(&self, day: Day) -> f64 {
        let heavy = (self.adult_bmi(self.age(day)) - 27.0).clamp(0.0, 10.0);
        (5.2 + 0.13 * self.sugar_z + 0.007 * (self.age(day) - 40.0) + 0.025 * heavy).clamp(4.6, 6.2)
    }

    pub(super) fn egfr(&self, day: Day, now: &Condition) -> f64 {
        let sound = (112.0 - 0.72 * (self.age(day) - 25.0).max(0.0) + 7.0 * self.kidney_z).clamp(63.0, 128.0);
        match now.kidney_years {
            Some(years) => (56.0 + self.kidney_z - (1.9 + 0.5 * self.kidney_z) * years).clamp(19.0, sound),
            None => now.kidney_ahead.map_or(sound, |years| sound.min(60.5 + 3.0 * years.max(0.0))),
        }
    }

    /// Serum creatinine that gives this filtration rate by the CKD-EPI equation of 2021.
    pub(super) fn creatinine(&self, day: Day, egfr: f64) -> f64 {
        let (kappa, alpha, sex) = if self.female { (0.7, -0.241, 1.012) } else { (0.9, -0.302, 1.0) };
        let ratio = egfr / (142.0 * sex * pow(0.9938, self.age(day)));
        kappa * if ratio <= 1.0 { pow(ratio, 1.0 / -1.2) } else { pow(ratio, 1.0 / alpha) }
    }

    /// The value of one laboratory test on this day; none where the test does not apply.
    pub(super) fn lab(&self, key: &str, day: Day, now: &Condition, dice: &mut Dice) -> Option<f64> {
        let z = dice.normal();
        let age = self.age(day);
        let a1c = now.diabetes_a1c.unwrap_or_else(|| self.sound_a1c(day));
        let egfr = (self.egfr(day, now) * (1.0 + 0.03 * z)).min(130.0);
        let ldl = {
            let disease = if now.lipids { 48.0 } else { 0.0 };
            let raised = (self.ldl + disease + 4.0).max(55.0);
            let kept = if now.lipids { raised } else { raised.min(158.0) };
            kept * (1.0 - 0.34 * now.statin_steps.min(1.0) - 0.12 * (now.statin_steps - 1.0).clamp(0.0, 1.0))
        };
        // Tests of one panel share a day but not their noise, except where one is calculated from another.
        let steady = (self.sugar_z * 1.7).clamp(-3.0, 3.0);
        let value = match key {
            "glucose" => {
                let fasting = 28.7 * a1c - 46.7;
                (if now.diabetes_a1c.is_some() {
                    fasting * 0.92 + 9.0 * z
                } else {
                    (fasting * 0.88 + 4.0 * z).min(118.0)
                })
                .clamp(62.0, 420.0)
            }
            "a1c" => (a1c + 0.05 * z).clamp(4.3, 13.8),
            "bun" => (13.0 + (90.0 - egfr).max(0.0) * 0.28 + 2.2 * z).clamp(5.0, 70.0),
            "egfr" if age < 18.0 => return None,
            "egfr" => self.egfr(day, now),
            "creatinine" if age < 18.0 => (0.28 + 0.03 * age + 0.03 * z).clamp(0.2, 1.0),
            "creatinine" => self.creatinine(day, self.egfr(day, now)).clamp(0.4, 6.0),
            "sodium" => (139.6 + 1.7 * z - if now.heart_failure { 1.6 } else { 0.0 }).clamp(129.0, 147.0),
            "potassium" => {
                (4.2 + 0.25 * z + now.potassium_shift + (60.0 - egfr).clamp(0.0, 40.0) * 0.012).clamp(3.1, 5.9)
            }
            "alt" => (22.0 + 7.0 * z + (self.adult_bmi(age.max(20.0)) - 28.0).clamp(0.0, 12.0) * 1.2).clamp(8.0, 95.0),
            "bilirubin" => (0.6 + 0.2 * z).clamp(0.2, 1.8),
            "albumin" => (4.3 + 0.22 * z).clamp(3.0, 5.0),
            "wbc" => (if now.infection { 13.2 } else { 6.9 } + 1.3 * z).clamp(3.2, 22.0),
            "hemoglobin" | "hematocrit" => {
                let sound = if age < 12.0 { 12.5 } else { self.hemoglobin };
                let low = now.anemia.map_or(0.0, |treated_years| 2.9 * (1.0 - (treated_years * 2.0).min(0.85)));
                let pregnant = now.pregnant_weeks.map_or(0.0, |weeks| (weeks * 0.05).min(1.4));
                let grams =
                    (sound - low - pregnant - (60.0 - self.egfr(day, now)).clamp(0.0, 40.0) * 0.03).clamp(7.6, 17.8);
                if key == "hemoglobin" { grams } else { grams * 2.96 }
            }
            "platelets" => (245.0 + 42.0 * z).clamp(120.0, 460.0),
            "hdl" => (self.hdl + steady).clamp(26.0, 92.0),
            "triglycerides" => (self.triglycerides * (1.0 + (a1c - 5.4).max(0.0) * 0.12)).clamp(45.0, 395.0),
            "ldl" => ldl.clamp(34.0, 240.0),
            "cholesterol" => {
                let hdl = (self.hdl + steady).clamp(26.0, 92.0);
                let fat = (self.triglycerides * (1.0 + (a1c - 5.4).max(0.0) * 0.12)).clamp(45.0, 395.0);
                ldl.clamp(34.0, 240.0) + hdl + fat / 5.0
            }
            "tsh" => match now.thyroid {
                Some(level) => (level + 0.3 * z).max(0.3),
                None => (1.9 + 0.6 * z).clamp(0.5, 4.2),
            },
            "uacr" => {
                let kidney = now.kidney_years.map_or(0.0, |years| 60.0 + 25.0 * years);
                (9.0 + 3.0 * z + kidney * (1.0 + 0.2 * z) + now.diabetes_years * 2.2).clamp(2.0, 900.0)
            }
            "inr" => (if now.warfarin { 2.5 + 0.45 * z } else { 1.0 + 0.04 * z }).clamp(0.9, 4.6),
            "bnp" => (if now.heart_failure { 1_450.0 + 480.0 * z } else { 110.0 + 45.0 * z }).clamp(20.0, 4_800.0),
            "glucose1h" => (112.0 + 16.0 * z).clamp(72.0, 139.0),
            "lead" => (1.2 + 0.4 * z).clamp(0.4, 3.4),
            other => panic!("demo labs: no rule for {other}"),
        };
        Some(value)
    }
}
