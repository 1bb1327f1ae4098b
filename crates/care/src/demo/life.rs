//! One life: what a person will have and when (problems, illnesses, pregnancies, visits), drawn beforehand; then lived
//! day by day, each visit adding to the chart of the place where it happens. The draws never depend on whose chart is
//! being written, so both organisations describe the same life.

use std::collections::BTreeMap;

use super::Org;
use super::body::{Body, Condition, Smoking};
use super::calendar::Day;
use super::chart::Chart;
use super::dice::Dice;
use super::people::{Birth, FOR_LIFE, Person};
use super::tables::{Schedule, Setting, Tables};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Event {
    Born,
    WellChild(i32),
    Checkup,
    FollowUp,
    Illness(usize),
    Prenatal { pregnancy: usize, week: i32 },
    Scan(usize),
    Delivery(usize),
    Postpartum(usize),
    Mammogram,
    BoneDensity,
    Colonoscopy,
    Heart,
    Lungs,
    Planned(&'static str),
    AfterDischarge(usize),
}

/// A long-lasting problem in this life.
pub(super) struct Course {
    pub(super) problem: usize,
    pub(super) onset: Day,
    pub(super) steps: usize,
    pub(super) stepped: Day,
    /// The condition in the chart being written, empty when it is not of this chart.
    pub(super) id: [Option<String>; 2],
    pub(super) hospital_knows: bool,
}

pub(super) struct Medicine {
    pub(super) drug: &'static str,
    pub(super) begun: Day,
    pub(super) site: Org,
    pub(super) request: Option<usize>,
    pub(super) active: bool,
    pub(super) course: Option<usize>,
    /// The hospital has written it down as taken at home.
    pub(super) told: bool,
}

pub(super) struct KnownAllergy {
    pub(super) row: usize,
    pub(super) since: Day,
    pub(super) at: [bool; 2],
}

pub(super) struct Life<'a> {
    pub(super) tables: &'a Tables,
    pub(super) person: &'a Person,
    pub(super) body: Body<'a>,
    pub(super) dice: Dice,
    pub(super) chart: Chart<'a>,
    pub(super) from: Day,
    /// The last day that can hold an event: today, or the day of death.
    pub(super) until: Day,
    agenda: BTreeMap<(Day, u32), Event>,
    serial: u32,
    pub(super) courses: Vec<Course>,
    pub(super) medicines: Vec<Medicine>,
    pub(super) allergies: Vec<KnownAllergy>,
    pub(super) a1c: f64,
    pub(super) a1c_goal: f64,
    pub(super) a1c_day: Day,
    /// Rise of HbA1c in a year when nothing is changed.
    a1c_creep: f64,
    pub(super) last_systolic: f64,
    pub(super) last_clinic: Option<Day>,
    /// The next follow-up visit already agreed.
    pub(super) agreed: Day,
    pub(super) labs_done: BTreeMap<(&'static str, Org), Day>,
    pub(super) doses: Vec<u32>,
    pub(super) last_td: Day,
    pub(super) flu_season: i32,
    pub(super) seen: [Option<Day>; 2],
    pub(super) last_seen: [Option<Day>; 2],
    pub(super) smoking_asked: [Option<Day>; 2],
    pub(super) height_taken: [Option<Day>; 2],
    pub(super) pregnancy_problem: Option<String>,
}

impl<'a> Life<'a> {
    pub(super) fn new(tables: &'a Tables, person: &'a Person, org: Org, today: Day) -> Life<'a> {
        let mut dice = Dice::of(&[person.seed, FOR_LIFE]);
        let story = person.story.map(|at| &tables.stories[at]);
        let mut body = Body::new(tables, person.female, person.birth, &mut dice, story.map(|it| it.bmi));
        let until = person.death.unwrap_or(today);
        let years = if story.is_some() { 12.5 } else { dice.range(10.2, 13.2) };
        let from = person.birth.max(today.plus_years(-years));
        body.smoking = smoking(&body, until, story.map(|it| it.smoker), &mut dice);
        let doses = tables.vaccines.iter().map(|vaccine| match &vaccine.schedule {
            // What was due before the record begins was given elsewhere.
            Schedule::Months(months) => {
                let age = f64::from(from.since(person.birth)) / 30.4375;
                months.iter().filter(|it| f64::from(**it) < age - 1.0).count() as u32
            }
            _ => 0,
        });
        let doses = doses.collect();
        let last_td = from.plus(-dice.between(0, 3_500));
        let mut life = Life {
            tables,
            person,
            body,
            chart: Chart::new(tables, org, person, today),
            from,
            until,
            agenda: BTreeMap::new(),
            serial: 0,
            courses: Vec::new(),
            medicines: Vec::new(),
            allergies: Vec::new(),
            a1c: 7.0,
            a1c_goal: 7.0,
            a1c_day: from,
            a1c_creep: 0.3,
            last_systolic: 120.0,
            last_clinic: None,
            agreed: from,
            labs_done: BTreeMap::new(),
            doses,
            last_td,
            flu_season: 0,
            seen: [None; 2],
            last_seen: [None; 2],
            smoking_asked: [None; 2],
            height_taken: [None; 2],
            pregnancy_problem: None,
            dice,
        };
        life.plan_problems();
        life.plan_allergies();
        life.plan_visits();
        life.plan_illnesses();
        life.plan_pregnancies();
        life.plan_hospital();
        life.plan_something_for_the_hospital();
        life
    }

    /// Lives the life and returns the finished chart.
    pub(super) fn live(mut self) -> Life<'a> {
        while let Some(((day, _), event)) = self.agenda.pop_first() {
            self.happen(day, event);
        }
        self
    }

    pub(super) fn plan(&mut self, day: Day, event: Event) {
        // The last day itself, today or the day of death, stays free of visits.
        if day >= self.from && day < self.until {
            self.serial += 1;
            self.agenda.insert((day, self.serial), event);
        }
    }

    /// Where this person goes for ordinary care.
    pub(super) fn clinic(&self) -> Org {
        if self.person.riverside { Org::Riverside } else { Org::Lakeside }
    }

    pub(super) fn age(&self, day: Day) -> f64 {
        self.body.age(day)
    }

    pub(super) fn course(&self, key: &str, day: Day) -> Option<&Course> {
        self.courses.iter().find(|it| self.tables.problems[it.problem].key == key && it.onset <= day)
    }

    pub(super) fn takes(&self, drug: &str) -> bool {
        self.medicines.iter().any(|it| it.active && it.drug.starts_with(drug))
    }

    pub(super) fn add_course(&mut self, problem: usize, onset: Day) {
        if self.courses.iter().any(|it| it.problem == problem) {
            return;
        }
        let hospital_knows = self.dice.chance(0.72);
        self.courses.push(Course { problem, onset, steps: 0, stepped: onset, id: [None, None], hospital_knows });
    }

    fn plan_problems(&mut self) {
        let tables = self.tables;
        let story = self.person.story.map(|at| &tables.stories[at]);
        for (at, problem) in tables.problems.iter().enumerate() {
            let draw = self.dice.unit();
            if let Some(story) = story {
                if let Some((_, years)) = story.problems.iter().find(|it| it.0 == problem.key) {
                    self.add_course(at, self.chart.today.plus_years(-years).max(self.person.birth));
                }
                continue;
            }
            if problem.key == "obesity" {
                continue;
            }
            let sex = if self.person.female { "F" } else { "M" };
            if problem.sex != "*" && problem.sex != sex {
                continue;
            }
            let risk = match problem.risk {
                "bmi" => (0.35 + (self.body.adult_bmi(45.0) - 20.0) / 10.0).clamp(0.4, 2.4),
                "smoke" if self.body.smoking == Smoking::Never => 0.06,
                "smoke" => 1.7,
                "vessel" => {
                    let before: f64 = ["diabetes", "hypertension"]
                        .iter()
                        .map(|it| {
                            if self.courses.iter().any(|course| tables.problems[course.problem].key == *it) {
                                0.6
                            } else {
                                0.0
                            }
                        })
                        .sum();
                    0.5 + before
                }
                _ => 1.0,
            };
            let women_more = matches!(problem.key, "hypothyroid" | "depression" | "anxiety");
            let risk = if women_more { risk * if self.person.female { 1.4 } else { 0.6 } } else { risk };
            if let Some(age) = problem.onset_age(draw / risk) {
                let onset = self.person.birth.plus_years(age);
                if onset <= self.until {
                    self.add_course(at, onset);
                }
            }
        }
        let now = self.age(self.until);
        let obese_from = (20..=60).map(f64::from).find(|age| self.body.adult_bmi(*age) >= 30.0);
        if let Some(age) = obese_from.filter(|age| *age < now) {
            let onset = self.person.birth.plus_years(age);
            self.add_course(tables.problem("obesity"), onset);
        }
        // Where diabetes begins within the record, HbA1c has been creeping up before; where it is old, it is treated.
        let diabetes = self.courses.iter().find(|it| tables.problems[it.problem].key == "diabetes").map(|it| it.onset);
        if let Some(onset) = diabetes {
            self.a1c = 6.9 + self.dice.range(0.0, 1.4);
            self.a1c_goal = self.a1c + self.dice.range(0.2, 1.4);
            self.a1c_creep = self.dice.range(0.15, 0.6);
            if story.is_some_and(|it| it.key == "diabetes") {
                (self.a1c, self.a1c_goal, self.a1c_creep) = (7.2, 9.4, 0.75);
            }
            self.a1c_day = onset.max(self.from);
        }
    }

    fn plan_allergies(&mut self) {
        let tables = self.tables;
        let story = self.person.story.map(|at| tables.stories[at].key);
        for (row, allergy) in tables.allergies.iter().enumerate() {
            let has = self.dice.chance(allergy.share / 100.0);
            let age = self.dice.range(2.0, 40.0);
            let place = self.dice.weighted(&[0.45, 0.25, 0.3]);
            let since = self.person.birth.plus_years(age);
            let mut known = KnownAllergy { row, since, at: [place != 2, place != 1] };
            if let Some(key) = story {
                // The hospital found out two years ago; the practice has not heard.
                if key == "twonames" && allergy.key == "penicillin" {
                    known = KnownAllergy { row, since: self.chart.today.plus(-640), at: [false, true] };
                } else if key == "asthma" && allergy.key == "peanut" {
                    known = KnownAllergy { row, since: self.person.birth.plus(900), at: [true, true] };
                } else {
                    continue;
                }
            } else if !has || since > self.until.plus(-40) {
                continue;
            }
            if !self.person.known_at_both() {
                known.at = [true, true];
            }
            self.allergies.push(known);
        }
    }

    fn plan_visits(&mut self) {
        let (birth, from) = (self.person.birth, self.from);
        if from == birth && self.person.lakeside && self.person.own_birth.is_some() {
            self.plan(birth, Event::Born);
        }
        for months in [0, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36] {
            let kept = self.dice.chance(0.93);
            let day = birth.plus((f64::from(months) * 30.4375) as i32 + self.dice.between(3, 9)).workday();
            if kept {
                self.plan(day, Event::WellChild(months));
            }
        }
        for years in 4..18 {
            let kept = self.dice.chance(if years < 12 { 0.85 } else { 0.7 });
            let day = birth.plus_years(f64::from(years)).plus(self.dice.between(2, 60)).workday();
            if kept {
                self.plan(day, Event::WellChild(years * 12));
            }
        }
        let mut day = from.max(birth.plus_years(18.2)).plus(self.dice.between(5, 420));
        while day <= self.until {
            self.plan(day.workday(), Event::Checkup);
            let age = self.age(day);
            let apart = if age > 62.0 {
                420
            } else if age > 45.0 {
                560
            } else if self.person.female {
                720
            } else {
                940
            };
            day = day.plus(apart + self.dice.between(-60, 160));
        }
        let chronic = self.courses.iter().filter(|it| !self.tables.problems[it.problem].treatment.is_empty());
        if let Some(first) = chronic.map(|it| it.onset).min() {
            let wait = self.dice.between(20, 150);
            self.agreed = first.max(from).plus(wait).workday();
            self.plan(self.agreed, Event::FollowUp);
        }
    }

    fn plan_illnesses(&mut self) {
        let tables = self.tables;
        if let Some(story) = self.person.story {
            for (key, days) in &tables.stories[story].illnesses {
                let day = self.chart.today.plus(-*days as i32);
                let at = tables.illness(key);
                let clinic = tables.illnesses[at].setting == Setting::Clinic;
                self.plan(if clinic { day.workday() } else { day }, Event::Illness(at));
            }
            return;
        }
        for (at, illness) in tables.illnesses.iter().enumerate() {
            if illness.sex != "*" && (illness.sex == "F") != self.person.female {
                continue;
            }
            let first = self.from.max(self.person.birth.plus_years(illness.ages.0));
            let last = self.until.min(self.person.birth.plus_years(illness.ages.1));
            let mut day = first;
            loop {
                day = day.plus(self.dice.wait_days(illness.per_year * 0.8).min(20_000.0) as i32 + 1);
                if day >= last {
                    break;
                }
                if illness.key == "covid" && day < Day::ymd(2020, 3, 15) {
                    continue;
                }
                self.plan(if illness.setting == Setting::Clinic { day.workday() } else { day }, Event::Illness(at));
                if illness.setting == Setting::Admission && illness.key != "pneumonia" {
                    break;
                }
                // Nobody comes twice with the same thing within weeks.
                day = day.plus(illness.days + 30);
            }
        }
    }

    /// The pregnancy of this number: children born first, then the one expected.
    pub(super) fn pregnancy(&self, at: usize) -> (Birth, bool) {
        match self.person.births.get(at) {
            Some(birth) => (*birth, true),
            None => {
                let due = self.person.due.unwrap_or(self.until);
                (Birth { day: due, cesarean: false, female: false }, false)
            }
        }
    }

    pub(super) fn pregnant_weeks(&self, day: Day) -> Option<f64> {
        let days = self.person.births.iter().map(|it| it.day).chain(self.person.due);
        days.map(|born| 40.0 - f64::from(born.since(day)) / 7.0).find(|weeks| (4.0..40.0).contains(weeks))
    }

    fn plan_pregnancies(&mut self) {
        let count = self.person.births.len() + usize::from(self.person.due.is_some());
        for pregnancy in 0..count {
            let (birth, delivered) = self.pregnancy(pregnancy);
            let at_week = |week: i32| birth.day.plus((week - 40) * 7);
            if at_week(8) < self.from {
                continue;
            }
            for week in [9, 16, 25, 30, 34, 37] {
                let day = at_week(week).plus(self.dice.between(-2, 3)).workday();
                self.plan(day, Event::Prenatal { pregnancy, week });
            }
            self.plan(at_week(20).workday(), Event::Scan(pregnancy));
            if delivered {
                self.plan(birth.day, Event::Delivery(pregnancy));
                let later = birth.day.plus(self.dice.between(38, 48)).workday();
                self.plan(later, Event::Postpartum(pregnancy));
            }
        }
    }

    fn plan_hospital(&mut self) {
        let birth = self.person.birth;
        let at_age = |years: f64| birth.plus_years(years);
        let spread = self.dice.between(0, 500);
        if self.person.female {
            for age in (50..75).step_by(2) {
                let kept = self.dice.chance(0.7);
                if kept {
                    self.plan(at_age(f64::from(age)).plus(spread).workday(), Event::Mammogram);
                }
            }
        }
        for age in [47.0, 57.0, 67.0] {
            if self.dice.chance(0.6) {
                self.plan(at_age(age).plus(spread).workday(), Event::Colonoscopy);
            }
        }
        let onset = |life: &Self, key: &str| life.course(key, life.until).map(|it| it.onset);
        let hearts = ["heartfailure", "coronary", "atrialfib"].iter().filter_map(|it| onset(self, it)).min();
        let lungs = onset(self, "copd");
        for (onset, event, apart) in [(hearts, Event::Heart, 400), (lungs, Event::Lungs, 620)] {
            let Some(onset) = onset else { continue };
            let mut day = onset.max(self.from).plus(self.dice.between(30, 300));
            while day < self.until {
                self.plan(day.workday(), event);
                day = day.plus(apart + self.dice.between(-40, 120));
            }
        }
        if let Some(onset) = onset(self, "osteoporosis") {
            self.plan(onset.max(self.from).plus(20).workday(), Event::BoneDensity);
        }
        if let Some(onset) = onset(self, "kneeosteoarthritis") {
            let day = onset.max(self.from).plus(self.dice.between(700, 3_000)).workday();
            if self.dice.chance(0.3) {
                self.plan(day, Event::Planned("knee"));
            }
        }
        let pace = self.dice.chance(0.16);
        if let Some(onset) = onset(self, "atrialfib").filter(|_| pace) {
            self.plan(onset.max(self.from).plus(500).workday(), Event::Planned("pacemaker"));
        }
        if self.age(self.until) > 70.0 && self.dice.chance(0.25) {
            let day = at_age(69.0).max(self.from).plus(self.dice.between(60, 1_500)).workday();
            self.plan(day, Event::Planned("cataract"));
        }
    }

    /// Whom the hospital knows has been there at least once.
    fn plan_something_for_the_hospital(&mut self) {
        let tables = self.tables;
        let been = self.agenda.values().any(|event| match event {
            Event::Illness(at) => tables.illnesses[*at].setting != Setting::Clinic,
            Event::Born | Event::Scan(_) | Event::Delivery(_) | Event::Mammogram | Event::Colonoscopy => true,
            Event::Heart | Event::Lungs | Event::Planned(_) | Event::BoneDensity => true,
            _ => false,
        });
        let ago = self.dice.range(0.05, 0.8);
        if self.person.known_at_both() && !been {
            let span = f64::from(self.until.since(self.from));
            self.plan(self.until.plus(-1 - (span * ago) as i32), Event::Illness(tables.illness("laceration")));
        }
    }

    /// Diseases and treatments as they stand on a day.
    pub(super) fn condition(&mut self, day: Day) -> Condition {
        let years = |life: &Self, key: &str| life.course(key, day).map(|it| day.years_since(it.onset));
        let steps = |life: &Self, key: &str| life.course(key, day).map_or(0, |it| it.steps);
        let active = |life: &Self, key: &str| life.takes(key);
        let mut shift = 0.0;
        shift += if active(self, "lisinopril") { 0.15 } else { 0.0 };
        shift += if active(self, "spironolactone") { 0.25 } else { 0.0 };
        shift -= if active(self, "hctz") || active(self, "furosemide") { 0.35 } else { 0.0 };
        let pressure_drugs = ["lisinopril10", "lisinopril20", "amlodipine", "hctz", "metoprolol", "carvedilol"]
            .iter()
            .map(|it| f64::from(u8::from(active(self, it))) * if *it == "lisinopril20" { 1.5 } else { 1.0 })
            .sum();
        let anemia_treated =
            self.course("anemia", day).map(|it| if it.steps > 0 { day.years_since(it.stepped).max(0.0) } else { 0.0 });
        let thyroid = years(self, "hypothyroid").map(|_| match steps(self, "hypothyroid") {
            0 => 9.6,
            1 if self.person.seed.is_multiple_of(3) => 6.4,
            _ => 2.1,
        });
        let diabetes = years(self, "diabetes");
        Condition {
            hypertension: years(self, "hypertension").is_some(),
            pressure_drugs,
            lipids: years(self, "lipids").is_some(),
            statin_steps: if active(self, "atorvastatin40") {
                2.0
            } else {
                f64::from(u8::from(active(self, "atorvastatin")))
            },
            kidney_years: years(self, "kidney"),
            kidney_ahead: self.course("kidney", Day(i32::MAX)).map(|it| it.onset.years_since(day)),
            heart_failure: years(self, "heartfailure").is_some(),
            thyroid,
            anemia: anemia_treated,
            diabetes_a1c: diabetes.map(|_| self.sugar(day)),
            diabetes_years: diabetes.unwrap_or(0.0),
            potassium_shift: shift,
            warfarin: active(self, "warfarin"),
            pregnant_weeks: self.pregnant_weeks(day),
            lungs: years(self, "copd").is_some(),
            infection: false,
        }
    }

    /// HbA1c follows where treatment leads it with a delay of months, and creeps up year by year.
    fn sugar(&mut self, day: Day) -> f64 {
        let years = day.years_since(self.a1c_day).max(0.0);
        self.a1c += (self.a1c_goal - self.a1c) * (years / 0.4).min(1.0);
        self.a1c_goal = (self.a1c_goal + self.a1c_creep * years).min(12.5);
        self.a1c_day = self.a1c_day.max(day);
        // Insulin is adjusted until it holds.
        if self.course("diabetes", day).is_some_and(|it| it.steps >= 4) {
            self.a1c_goal = self.a1c_goal.min(7.3);
        }
        self.a1c
    }
}

fn smoking(body: &Body<'_>, until: Day, story: Option<&str>, dice: &mut Dice) -> Smoking {
    let from = body.birth.plus_years(dice.range(16.0, 22.0));
    let quit = body.birth.plus_years(dice.range(28.0, 62.0));
    let age = body.age(until);
    let draw = dice.unit();
    let kind = match story {
        Some("current") => 0.0,
        Some("former") => 0.2,
        Some(_) => 1.0,
        None => draw,
    };
    let share_former = if age > 50.0 { 0.26 } else { 0.1 };
    if age < 18.0 || from >= until.plus(-300) {
        Smoking::Never
    } else if kind < 0.13 {
        Smoking::Current { from }
    } else if kind < 0.13 + share_former || story == Some("former") {
        if quit < until.plus(-200) { Smoking::Former { from, until: quit } } else { Smoking::Current { from } }
    } else {
        Smoking::Never
    }
}
