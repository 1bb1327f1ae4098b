//! Tests, treatment and vaccines: what is due, what is begun, changed and stopped, and why.

use super::Org;
use super::calendar::{Day, Moment};
use super::chart::Visit;
use super::life::{Event, Life, Medicine};
use super::tables::Schedule;

/// A drug that takes the place of another when it begins.
const REPLACES: [(&str, &str); 9] = [
    ("metformin1000", "metformin500"),
    ("lisinopril20", "lisinopril10"),
    ("atorvastatin40", "atorvastatin20"),
    ("levothyroxine100", "levothyroxine75"),
    ("sertraline100", "sertraline50"),
    ("salmeterol250", "fluticasone44"),
    ("apixaban5", "warfarin5"),
    ("furosemide40twice", "furosemide40"),
    // Two beta blockers are not taken together.
    ("carvedilol12", "metoprolol50"),
];

/// Not given in pregnancy.
const HARMFUL_TO_THE_UNBORN: [&str; 8] = [
    "lisinopril",
    "atorvastatin",
    "warfarin",
    "spironolactone",
    "empagliflozin",
    "naproxen",
    "hctz",
    "methylphenidate",
];

impl Life<'_> {
    pub(super) fn laboratory(&mut self, visit: &mut Visit, panel: &'static str) {
        self.laboratory_during(visit, panel, false);
    }

    pub(super) fn laboratory_during(&mut self, visit: &mut Visit, panel: &'static str, infection: bool) {
        let day = visit.start.day;
        let mut now = self.condition(day);
        now.infection = infection;
        let panel = self.tables.panel(panel);
        let mut values = Vec::with_capacity(panel.labs.len());
        for lab in &panel.labs {
            values.push(self.body.lab(lab.key, day, &now, &mut self.dice));
        }
        let (specimen, corrected) = (self.dice.chance(0.15), self.dice.chance(0.006));
        let fresh = self.chart.today.since(day) <= 2;
        let status = if fresh {
            "preliminary"
        } else if corrected {
            "corrected"
        } else {
            "final"
        };
        self.chart.laboratory(visit, panel, &values, status, specimen);
        self.labs_done.insert((panel.key, visit.site), day);
        if panel.key == "cmp" {
            // The large panel holds what the small one does.
            self.labs_done.insert(("bmp", visit.site), day);
        }
        if let (Some(Some(value)), [lab]) = (values.first(), panel.labs.as_slice()) {
            visit.say(format!("{}: {value:.*} {}.", lab.words, lab.decimals, lab.unit));
        }
    }

    pub(super) fn laboratory_if_due(&mut self, visit: &mut Visit, panel: &'static str, days: i32) {
        let last = self.labs_done.get(&(panel, visit.site)).copied();
        if last.is_none_or(|last| visit.start.day.since(last) >= days) {
            self.laboratory(visit, panel);
        }
    }

    /// The tests that belong to the problems a person has.
    pub(super) fn monitor(&mut self, visit: &mut Visit) {
        let day = visit.start.day;
        let has = |life: &Self, key: &str| life.course(key, day).is_some();
        if has(self, "diabetes") {
            let often = if self.a1c > 7.4 { 80 } else { 160 };
            self.laboratory_if_due(visit, "a1c", often);
            self.laboratory_if_due(visit, "uacr", 380);
        }
        if has(self, "kidney") || has(self, "heartfailure") {
            self.laboratory_if_due(visit, "bmp", 170);
        } else if has(self, "diabetes") || has(self, "hypertension") {
            self.laboratory_if_due(visit, "bmp", 500);
        }
        if has(self, "kidney") {
            self.laboratory_if_due(visit, "uacr", 500);
        }
        if has(self, "lipids") || has(self, "coronary") {
            self.laboratory_if_due(visit, "lipid", 420);
        }
        if let Some(course) = self.course("hypothyroid", day) {
            let recent = course.steps > 0 && day.since(course.stepped) < 200;
            self.laboratory_if_due(visit, "tsh", if recent { 50 } else { 360 });
        }
        if has(self, "anemia") {
            self.laboratory_if_due(visit, "cbc", 300);
        }
        if self.takes("warfarin") {
            self.laboratory_if_due(visit, "inr", 25);
        }
        self.kidney_stage(visit);
    }

    /// Kidney disease that has gone on is renamed on the problem list.
    fn kidney_stage(&mut self, visit: &mut Visit) {
        let day = visit.start.day;
        let now = self.condition(day);
        if now.kidney_years.is_none() || self.body.egfr(day, &now) >= 44.0 {
            return;
        }
        let problem = self.tables.problem("kidney");
        let place = visit.site as usize;
        let Some(at) = self.courses.iter().position(|it| it.problem == problem && it.steps == 0) else { return };
        let Some(old) = self.courses[at].id[place].clone() else { return };
        self.courses[at].steps = 1;
        self.chart.resolve(&old, day);
        let id = self.chart.problem(visit, "N18.32", "Chronic kidney disease, stage 3b", day);
        self.courses[at].id[place] = Some(id);
        visit.say("Kidney function has gone from stage 3a to 3b.");
    }

    /// Begins and steps up treatment of the problems known here.
    pub(super) fn treat(&mut self, visit: &mut Visit) {
        let day = visit.start.day;
        let age = self.age(day);
        let pregnant = self.pregnant_weeks(day).is_some();
        let mood = self.course("depression", day).is_some().then(|| self.mood_score(visit));
        for at in 0..self.courses.len() {
            let (problem, onset, steps, stepped) = {
                let course = &self.courses[at];
                (&self.tables.problems[course.problem], course.onset, course.steps, course.stepped)
            };
            let draw = self.dice.unit();
            if onset > day || steps >= problem.treatment.len() || problem.key == "kidney" {
                continue;
            }
            let waited = day.since(stepped) >= 80;
            let uncontrolled = match problem.key {
                _ if steps == 0 => draw < 0.92,
                "diabetes" => waited && self.a1c > 7.6,
                "hypertension" => waited && self.last_systolic >= 142.0,
                "hypothyroid" => waited && self.person.seed.is_multiple_of(3),
                "depression" => waited && mood.is_some_and(|it| it >= 9.0),
                "lipids" => waited && draw < 0.15,
                "asthma" => waited && draw < 0.08 && age >= 12.0,
                _ => waited && draw < 0.1,
            };
            if !uncontrolled {
                continue;
            }
            let drugs = problem.treatment[steps].clone();
            let bleeds_or_holds_water =
                self.takes("warfarin") || self.takes("apixaban") || self.course("heartfailure", day).is_some();
            let unsuited = drugs.iter().any(|drug| match *drug {
                "naproxen500" => bleeds_or_holds_water || self.course("kidney", day).is_some(),
                "escitalopram10" => self.takes("sertraline"),
                "sertraline50" => self.takes("escitalopram"),
                "metoprolol50" => self.takes("carvedilol"),
                _ => false,
            });
            if unsuited {
                continue;
            }
            if pregnant && drugs.iter().any(|drug| HARMFUL_TO_THE_UNBORN.iter().any(|it| drug.starts_with(it))) {
                continue;
            }
            self.courses[at].steps += 1;
            self.courses[at].stepped = day;
            for drug in drugs {
                self.begin(visit, drug, Some(at));
            }
            if problem.key == "diabetes" {
                // A first drug does most; each further one brings the goal down again.
                let gain = [1.1, 0.9, 0.9, 1.6][steps.min(3)];
                self.a1c_goal = (self.a1c_goal.max(self.a1c) - gain - 0.22 * (self.a1c - 7.5).max(0.0)).max(6.3);
            }
        }
    }

    pub(super) fn begin(&mut self, visit: &mut Visit, drug: &'static str, course: Option<usize>) {
        if self.medicines.iter().any(|it| it.active && it.drug == drug) {
            return;
        }
        let drug_row = self.tables.drug(drug);
        if let Some((_, old)) = REPLACES.iter().find(|it| it.0 == drug) {
            for medicine in self.medicines.iter_mut().filter(|it| it.active && it.drug == *old) {
                medicine.active = false;
                self.chart.stop(medicine.request, "stopped", "Replaced by another strength or drug");
            }
        }
        let place = visit.site as usize;
        let reason = course.and_then(|at| self.courses[at].id[place].clone());
        let request = self.chart.prescribe(visit, drug_row, reason.as_deref());
        visit.say(format!("Begun: {} — {}.", drug_row.words, drug_row.directions));
        let filled = self.dice.chance(0.25);
        let day = visit.end.day;
        if filled {
            self.chart.dispense(visit.site, request, drug_row, day.plus(1));
        }
        let active = drug_row.days == 0;
        self.medicines.push(Medicine { drug, begun: day, site: visit.site, request, active, course, told: false });
    }

    /// The drug for a short illness, suited to age, allergies and pregnancy.
    pub(super) fn give_for(&mut self, visit: &mut Visit, drug: Option<&'static str>) {
        let Some(drug) = drug else { return };
        let day = visit.start.day;
        let age = self.age(day);
        let allergic = |life: &Self, key: &str| {
            life.allergies.iter().any(|it| life.tables.allergies[it.row].key == key && it.since <= day)
        };
        let penicillins = allergic(self, "penicillin") || allergic(self, "amoxicillin");
        let pregnant = self.pregnant_weeks(day).is_some();
        let suited = match drug {
            "amoxicillin400" | "amoxicillin500" | "amoxclav" | "penicillin" | "cephalexin500" if penicillins => {
                if age < 12.0 { return } else { "azithromycin250" }
            }
            "amoxicillin500" | "amoxclav" if age < 12.0 => "amoxicillin400",
            "penicillin" if age < 8.0 => "amoxicillin400",
            "ibuprofen600"
                if allergic(self, "aspirin")
                    || pregnant
                    || self.course("kidney", day).is_some()
                    || self.course("heartfailure", day).is_some()
                    || self.takes("warfarin")
                    || self.takes("apixaban") =>
            {
                if age < 12.0 {
                    "childacetaminophen"
                } else {
                    "acetaminophen500"
                }
            }
            "ibuprofen600" if age < 12.0 => "childibuprofen",
            "acetaminophen500" if age < 12.0 => "childacetaminophen",
            "oxycodone" if age < 18.0 || allergic(self, "codeine") => "acetaminophen500",
            other => other,
        };
        self.begin(visit, suited, None);
    }

    pub(super) fn stop_for_pregnancy(&mut self, visit: &mut Visit) {
        for at in 0..self.medicines.len() {
            let medicine = &mut self.medicines[at];
            if !medicine.active || !HARMFUL_TO_THE_UNBORN.iter().any(|it| medicine.drug.starts_with(it)) {
                continue;
            }
            medicine.active = false;
            self.chart.stop(medicine.request, "stopped", "Not taken in pregnancy");
            visit.say(format!("Stopped for the pregnancy: {}.", self.tables.drug(medicine.drug).words));
            if let Some(course) = medicine.course {
                self.courses[course].steps = 0;
            }
        }
    }

    /// After a stay in hospital the practice changes a dose; the hospital does not hear of it.
    pub(super) fn change_dose(&mut self, visit: &mut Visit) {
        let changes = [
            ("furosemide40", "furosemide40twice"),
            ("lisinopril10", "lisinopril20"),
            ("atorvastatin20", "atorvastatin40"),
        ];
        let found =
            changes.iter().find(|it| self.medicines.iter().any(|medicine| medicine.active && medicine.drug == it.0));
        if let Some((old, new)) = found {
            let course = self.medicines.iter().find(|it| it.active && it.drug == *old).and_then(|it| it.course);
            self.begin(visit, new, course);
            visit.say("Dose changed after discharge.");
        }
    }

    /// What the person says they take when they come to the hospital.
    pub(super) fn home_medicines(&mut self, visit: &Visit) {
        let day = visit.start.day;
        if visit.site == self.clinic() {
            return;
        }
        for at in 0..self.medicines.len() {
            let medicine = &mut self.medicines[at];
            if medicine.active && medicine.site != visit.site && medicine.begun <= day && !medicine.told {
                medicine.told = true;
                let (drug, begun) = (self.tables.drug(medicine.drug), medicine.begun);
                self.chart.reported_medicine(visit, drug, begun);
            }
        }
    }

    pub(super) fn next_follow_up(&mut self, day: Day) {
        let treated =
            self.courses.iter().any(|it| it.onset <= day && !self.tables.problems[it.problem].treatment.is_empty());
        // One follow-up is agreed at a time.
        if !treated || self.agreed > day {
            return;
        }
        let fresh = self.courses.iter().any(|it| it.steps > 0 && day.since(it.stepped) < 30);
        let restless = self.course("diabetes", day).is_some() && self.a1c > 7.6;
        let serious = ["heartfailure", "kidney", "copd"].iter().any(|it| self.course(it, day).is_some());
        let wait = match (fresh, restless, serious) {
            (true, ..) | (_, true, _) => self.dice.between(85, 125),
            (.., true) => self.dice.between(140, 200),
            _ => self.dice.between(210, 400),
        };
        self.agreed = day.plus(wait).workday();
        self.plan(self.agreed, Event::FollowUp);
    }

    pub(super) fn vaccinate(&mut self, visit: &mut Visit) {
        let day = visit.start.day;
        let months = f64::from(day.since(self.person.birth)) / 30.4375;
        for (at, vaccine) in self.tables.vaccines.iter().enumerate() {
            let accepted = self.dice.chance(0.93);
            let given = self.doses[at];
            let due = match &vaccine.schedule {
                Schedule::Months(schedule) => {
                    let late = vaccine.key == "rotavirus" && months > 7.9;
                    let child = schedule.last().is_some_and(|it| *it < 240);
                    let next = schedule.get(given as usize);
                    !late && (!child || months < 216.0) && next.is_some_and(|it| months >= f64::from(*it))
                }
                Schedule::Every { months: apart, from } => {
                    months >= f64::from(*from) && f64::from(day.since(self.last_td)) > f64::from(*apart) * 30.4375
                }
                Schedule::Covid => months >= 144.0 && day >= Day::ymd(2021, 3, 1) && given < 2,
                Schedule::Autumn | Schedule::Pregnancy => false,
            };
            if !due || !accepted {
                continue;
            }
            if matches!(vaccine.schedule, Schedule::Every { .. }) {
                self.last_td = day;
            }
            self.doses[at] += 1;
            let dose = if matches!(vaccine.schedule, Schedule::Every { .. }) { 1 } else { self.doses[at] };
            self.chart.immunization(visit, vaccine, dose, false);
            visit.say(format!("Vaccine given: {}.", vaccine.words));
        }
        self.vaccinate_flu(visit);
    }

    pub(super) fn vaccinate_flu(&mut self, visit: &mut Visit) {
        let day = visit.start.day;
        let (year, month) = (day.year(), day.month());
        let (willing, refuses) = (self.dice.chance(0.66), self.dice.chance(0.04));
        if self.flu_season == year || !(9..=12).contains(&month) || day.since(self.person.birth) < 190 {
            return;
        }
        if willing || refuses {
            self.flu_season = year;
            let vaccine = self.tables.vaccine("flu");
            self.chart.immunization(visit, vaccine, 1, !willing);
        }
    }

    pub(super) fn vaccinate_in_pregnancy(&mut self, visit: &Visit) {
        let vaccine = self.tables.vaccine("tdappregnancy");
        self.last_td = visit.start.day;
        self.chart.immunization(visit, vaccine, 1, false);
    }

    /// Orders that wait: a referral to the hospital's clinics.
    pub(super) fn refer(&mut self, visit: &mut Visit) {
        let recent = self.chart.today.since(visit.start.day) < 400;
        let draw = self.dice.chance(0.2);
        if !recent || !draw || visit.site == Org::Lakeside {
            return;
        }
        let code = super::shapes::concept(super::shapes::SNOMED, "306206005", "Referral to a specialist service");
        let when: Moment = visit.end.plus_minutes(20 * 1_440);
        self.chart.request(visit, &code, ("3457005", "Patient referral"), "active", when);
        visit.say("Referred to Lakeside for a specialist opinion.");
    }
}
