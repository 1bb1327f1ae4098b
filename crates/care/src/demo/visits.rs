//! What happens at each kind of visit, from the waiting room to the note.

use super::Org;
use super::calendar::Day;
use super::chart::{AMBULATORY, EMERGENCY, INPATIENT, Visit};
use super::life::{Event, Life};
use super::measure::Taken;
use super::shapes::*;
use super::tables::Setting;

const CHECKUP: (&str, &str) = ("162673000", "General examination");
const WELL_CHILD: (&str, &str) = ("410620009", "Well child visit");
const FOLLOW_UP: (&str, &str) = ("390906007", "Follow-up visit");
const SYMPTOM: (&str, &str) = ("185345009", "Visit for a symptom");
const PRENATAL: (&str, &str) = ("424441002", "Prenatal visit");
const EMERGENCY_VISIT: (&str, &str) = ("50849002", "Emergency department visit");
const HOSPITAL_STAY: (&str, &str) = ("32485007", "Hospital admission");

const PROGRESS_NOTE: (&str, &str) = ("11506-3", "Progress note");
const EMERGENCY_NOTE: (&str, &str) = ("34111-5", "Emergency department note");
const DISCHARGE_SUMMARY: (&str, &str) = ("18842-5", "Discharge summary");
const CONSULT_NOTE: (&str, &str) = ("11488-4", "Consult note");
const PROCEDURE_NOTE: (&str, &str) = ("28570-0", "Procedure note");
const HISTORY: (&str, &str) = ("34117-2", "History and physical note");

impl<'a> Life<'a> {
    pub(super) fn happen(&mut self, day: Day, event: Event) {
        let lakeside = self.person.lakeside;
        match event {
            Event::Born => self.born(day),
            Event::WellChild(months) => self.well_child(day, months),
            Event::Checkup => self.checkup(day),
            Event::FollowUp => self.follow_up(day),
            Event::Illness(at) => {
                let illness = &self.tables.illnesses[at];
                let simple = illness.work.is_empty() || illness.key == "anklesprain";
                match illness.setting {
                    Setting::Clinic => self.sick_visit(day, at),
                    Setting::Emergency if lakeside => self.emergency(day, at),
                    Setting::Emergency if simple => self.sick_visit(day.workday(), at),
                    Setting::Admission if lakeside && day.plus(9) < self.until => self.admission(day, at),
                    _ => {}
                }
            }
            Event::Prenatal { pregnancy, week } => self.prenatal(day, pregnancy, week),
            Event::Scan(_) if lakeside => self.outpatient_image(day, "obstetric", "Anatomy scan at twenty weeks"),
            Event::Delivery(pregnancy) if lakeside => self.delivery(day, pregnancy),
            Event::Postpartum(pregnancy) => self.postpartum(day, pregnancy),
            Event::Mammogram if lakeside => self.outpatient_image(day, "mammogram", "Screening for breast cancer"),
            Event::BoneDensity if lakeside => self.outpatient_image(day, "dxa", "Bone density"),
            Event::Colonoscopy if lakeside => self.colonoscopy(day),
            Event::Heart if lakeside => self.specialist(day, "dr-rao", "Heart clinic"),
            Event::Lungs if lakeside => self.specialist(day, "dr-moreau", "Lung clinic"),
            Event::Planned(key) if lakeside => self.operation(day, key),
            Event::AfterDischarge(at) => self.after_discharge(day, at),
            _ => {}
        }
    }

    fn staff_named(&self, key: &str) -> usize {
        self.tables.staff.iter().position(|it| it.key == key).expect("the staff table has this key")
    }

    /// Who sees this person in ordinary care: mostly the same clinician.
    fn own_clinician(&mut self, day: Day) -> usize {
        let other = self.dice.chance(0.15);
        let own = (self.person.seed >> 7) as usize;
        match self.clinic() {
            Org::Riverside => {
                self.staff_named(["dr-okafor", "dr-lindqvist", "dr-mendoza", "np-tran"][(own + usize::from(other)) % 4])
            }
            Org::Lakeside if self.age(day) < 18.0 => self.staff_named("dr-petit"),
            Org::Lakeside => self.staff_named(["dr-varga", "dr-abara"][(own + usize::from(other)) % 2]),
        }
    }

    fn clinic_visit(&mut self, day: Day, kind: (&'static str, &'static str), reason: String, minutes: i32) -> Visit {
        let staff = self.own_clinician(day);
        let start = day.at(8 * 60 + 10 * self.dice.between(0, 46));
        let site = self.clinic();
        let mut visit = self.chart.open(site, start, minutes, staff, AMBULATORY, kind, reason);
        self.arrive(&mut visit);
        self.last_clinic = Some(day);
        visit
    }

    fn hospital_visit(
        &mut self,
        day: Day,
        staff: &str,
        kind: (&'static str, &'static str),
        reason: &str,
        minutes: i32,
    ) -> Visit {
        let staff = self.staff_named(staff);
        let start = day.at(8 * 60 + 10 * self.dice.between(0, 44));
        let mut visit = self.chart.open(Org::Lakeside, start, minutes, staff, AMBULATORY, kind, reason);
        self.arrive(&mut visit);
        visit
    }

    /// The place gets to know the person: when first seen, and which problems are now on its list.
    fn arrive(&mut self, visit: &mut Visit) {
        let (site, day) = (visit.site, visit.start.day);
        let place = site as usize;
        self.seen[place] = Some(self.seen[place].unwrap_or(day));
        self.last_seen[place] = Some(day);
        for at in 0..self.courses.len() {
            let course = &self.courses[at];
            let informed = site == self.clinic() || course.hospital_knows;
            if course.onset > day || course.id[place].is_some() || !informed {
                continue;
            }
            let (problem, onset) = (&self.tables.problems[course.problem], course.onset);
            let id = self.chart.problem(visit, problem.code, problem.words, onset);
            self.courses[at].id[place] = Some(id);
            if site == self.clinic() {
                visit.say(format!("New on the problem list: {}.", problem.words));
            }
        }
    }

    /// The note is written for most visits, and the encounter for all.
    fn leave(&mut self, visit: Visit, note: (&str, &str), share: f64) {
        if self.dice.chance(share) {
            self.chart.note(&visit, note, visit.end);
        }
        self.chart.close(visit);
    }

    fn link_problems(&self, visit: &mut Visit, most: usize) {
        let place = visit.site as usize;
        let known = self.courses.iter().filter_map(|it| it.id[place].clone()).filter(|it| !it.is_empty());
        visit.diagnoses.extend(known.take(most));
    }

    fn born(&mut self, day: Day) {
        let birth = self.person.own_birth.expect("only the newborn of the household are born here");
        let staff = self.staff_named("dr-petit");
        let start = day.at(self.dice.between(10, 1_380));
        let days = if birth.cesarean { 3 } else { 2 };
        let mut visit = self.chart.open(Org::Lakeside, start, days * 1_440, staff, INPATIENT, HOSPITAL_STAY, "Birth");
        self.arrive(&mut visit);
        let (code, words) = if birth.cesarean {
            ("Z38.01", "Single newborn, delivered by cesarean")
        } else {
            ("Z38.00", "Single newborn, delivered vaginally")
        };
        self.chart.diagnosis(&mut visit, code, words, Some(days));
        self.apgar(&visit);
        self.measure(&mut visit, Taken::NEWBORN, false);
        let vaccine = self.tables.vaccine("hepb");
        let at = self.tables.vaccines.iter().position(|it| it.key == "hepb").expect("hepatitis B is in the table");
        if self.doses[at] == 0 {
            self.doses[at] = 1;
            self.chart.immunization(&visit, vaccine, 1, false);
        }
        visit.say("Healthy newborn, feeding well, hearing screen passed, home with the mother.");
        self.leave(visit, DISCHARGE_SUMMARY, 1.0);
    }

    fn well_child(&mut self, day: Day, months: i32) {
        let reason = match months {
            0 => "First newborn check".to_owned(),
            1 => "Well child visit at 1 month".to_owned(),
            2..=35 if months != 24 => format!("Well child visit at {months} months"),
            _ => format!("Well child visit at {} years", months / 12),
        };
        let mut visit = self.clinic_visit(day, WELL_CHILD, reason, 30);
        let taken = match months {
            0..=35 => Taken::INFANT,
            36..=71 => Taken::CHILD,
            _ => Taken::CHILD | Taken::PRESSURE,
        };
        self.measure(&mut visit, taken, false);
        self.vaccinate(&mut visit);
        match months {
            12 => {
                self.laboratory(&mut visit, "cbc");
                self.laboratory(&mut visit, "lead");
            }
            24 => self.laboratory(&mut visit, "lead"),
            144.. => self.ask_smoking(&visit),
            _ => {}
        }
        self.treat(&mut visit);
        visit.say("Growing along the expected curve. Development right for age. Safety, sleep and food discussed.");
        self.leave(visit, PROGRESS_NOTE, 0.35);
    }

    fn checkup(&mut self, day: Day) {
        let mut visit = self.clinic_visit(day, CHECKUP, "Yearly check".to_owned(), 40);
        self.measure(&mut visit, Taken::ADULT, false);
        self.ask_smoking(&visit);
        self.vaccinate(&mut visit);
        if self.age(day) > 40.0 {
            self.laboratory_if_due(&mut visit, "lipid", 1_300);
            self.laboratory_if_due(&mut visit, "cmp", 1_700);
        }
        self.circumstances(&visit);
        self.monitor(&mut visit);
        self.treat(&mut visit);
        self.link_problems(&mut visit, 3);
        self.refer(&mut visit);
        visit.say("Examination without new findings. Diet, movement, alcohol and sleep discussed.");
        self.leave(visit, PROGRESS_NOTE, 0.6);
        self.next_follow_up(day);
    }

    fn follow_up(&mut self, day: Day) {
        if self.last_clinic.is_some_and(|last| day.since(last) < 45) {
            let wait = self.dice.between(70, 140);
            self.agreed = day.plus(wait).workday();
            self.plan(self.agreed, Event::FollowUp);
            return;
        }
        let notes: Vec<&str> = self
            .courses
            .iter()
            .filter(|it| it.onset <= day && !self.tables.problems[it.problem].treatment.is_empty())
            .map(|it| self.tables.problems[it.problem].note)
            .take(3)
            .collect();
        let reason = if notes.is_empty() { "Follow-up".to_owned() } else { format!("Follow-up: {}", notes.join(", ")) };
        let mut visit = self.clinic_visit(day, FOLLOW_UP, reason, 20);
        let age = self.age(day);
        let breath = self.course("asthma", day).is_some() || self.course("copd", day).is_some();
        let mut taken = if age < 18.0 { Taken::WEIGHT } else { Taken::PRESSURE | Taken::PULSE };
        if breath {
            taken = taken | Taken::SATURATION | Taken::PULSE;
        }
        let weighs = ["diabetes", "heartfailure", "obesity"].iter().any(|it| self.course(it, day).is_some());
        if weighs {
            taken = taken | Taken::WEIGHT;
        }
        self.measure(&mut visit, taken, false);
        self.vaccinate_flu(&mut visit);
        self.monitor(&mut visit);
        self.treat(&mut visit);
        self.link_problems(&mut visit, 3);
        self.leave(visit, PROGRESS_NOTE, 0.55);
        self.next_follow_up(day);
    }

    fn sick_visit(&mut self, day: Day, at: usize) {
        let illness = &self.tables.illnesses[at];
        let mut visit = self.clinic_visit(day, SYMPTOM, illness.words.to_owned(), 20);
        let fever = ill_with_fever(illness.key);
        let mut taken =
            if self.age(day) < 10.0 { Taken::TEMPERATURE | Taken::WEIGHT } else { Taken::TEMPERATURE | Taken::PULSE };
        if self.age(day) > 18.0 {
            taken = taken | Taken::PRESSURE;
        }
        if matches!(illness.key, "cold" | "influenza" | "covid") {
            taken = taken | Taken::SATURATION;
        }
        self.measure(&mut visit, taken, fever);
        visit.say(illness.note);
        self.chart.diagnosis(&mut visit, illness.code, illness.words, Some(illness.days));
        self.work_up(&mut visit, at);
        self.give_for(&mut visit, illness.drug);
        self.leave(visit, PROGRESS_NOTE, 0.5);
    }

    fn emergency(&mut self, day: Day, at: usize) {
        let illness = &self.tables.illnesses[at];
        let staff = self.dice.pick(&["dr-castellan", "dr-whitehorse"]);
        let staff = self.staff_named(staff);
        let start = day.at(self.dice.between(20, 1_250));
        let minutes = self.dice.between(95, 330);
        let mut visit =
            self.chart.open(Org::Lakeside, start, minutes, staff, EMERGENCY, EMERGENCY_VISIT, illness.words);
        self.arrive(&mut visit);
        self.measure(&mut visit, Taken::URGENT, ill_with_fever(illness.key));
        visit.say(illness.note);
        self.chart.diagnosis(&mut visit, illness.code, illness.words, Some(illness.days));
        self.home_medicines(&visit);
        self.work_up(&mut visit, at);
        self.give_for(&mut visit, illness.drug);
        visit.say("Discharged home with instructions on when to come back.");
        self.leave(visit, EMERGENCY_NOTE, 1.0);
        if self.person.riverside && self.dice.chance(0.3) {
            self.plan(day.plus(5).workday(), Event::AfterDischarge(at));
        }
    }

    fn admission(&mut self, day: Day, at: usize) {
        let illness = &self.tables.illnesses[at];
        let surgical = illness.work.iter().any(|it| it.0 == "procedure" && it.1 != "ecg" && it.1 != "stent");
        let staff = self.staff_named(if surgical { "dr-bergstrom" } else { "dr-ishikawa" });
        let days = if illness.key == "appendicitis" { 1 } else { self.dice.between(2, 6) };
        let start = day.at(self.dice.between(60, 1_200));
        let mut visit =
            self.chart.open(Org::Lakeside, start, days * 1_440 + 240, staff, INPATIENT, HOSPITAL_STAY, illness.words);
        self.arrive(&mut visit);
        self.measure(&mut visit, Taken::URGENT | Taken::WEIGHT, ill_with_fever(illness.key));
        visit.say(illness.note);
        let written = visit.start.plus_minutes(90);
        self.chart.note(&visit, HISTORY, written);
        self.chart.diagnosis(&mut visit, illness.code, illness.words, Some(illness.days));
        self.link_problems(&mut visit, 2);
        self.home_medicines(&visit);
        self.work_up(&mut visit, at);
        if self.course("diabetes", day).is_some() {
            self.laboratory(&mut visit, "a1c");
        }
        self.give_for(&mut visit, illness.drug);
        if illness.key == "infarction" {
            let problem = self.tables.problem("coronary");
            self.add_course(problem, day);
        }
        if illness.key == "hipfracture" {
            visit.disposition = Some(("rehab", "Rehabilitation"));
        }
        let home: Vec<_> =
            self.medicines.iter().filter(|it| it.active).map(|it| self.tables.drug(it.drug).words).collect();
        if !home.is_empty() {
            visit.say(format!("Medicines at discharge: {}.", home.join("; ")));
        }
        visit.say("Better at discharge. To be seen by the family practice within two weeks.");
        let text = visit.lines.join("\n");
        let left = visit.end;
        self.leave(visit, DISCHARGE_SUMMARY, 1.0);
        self.plan(left.day.plus(9).workday(), Event::AfterDischarge(at));
        // Sometimes the summary reaches the practice.
        if self.person.riverside && self.dice.chance(0.5) && left.day.plus(2) < self.until {
            let author = serde_json::json!({ "display": "Lakeside General Hospital" });
            let when = left.plus_minutes(1_440);
            let body = format!("Discharge summary received from Lakeside General Hospital\n\n{text}\n");
            let id = self.chart.document(Org::Riverside, None, DISCHARGE_SUMMARY, &body, when, author);
            self.received(Org::Riverside, &format!("DocumentReference/{id}"), when);
        }
    }

    fn after_discharge(&mut self, day: Day, at: usize) {
        let illness = &self.tables.illnesses[at];
        let reason = format!("Seen after hospital: {}", illness.words);
        let mut visit = self.clinic_visit(day, FOLLOW_UP, reason, 30);
        let adult = self.age(day) > 18.0;
        self.measure(
            &mut visit,
            if adult { Taken::PRESSURE | Taken::PULSE | Taken::WEIGHT } else { Taken::WEIGHT },
            false,
        );
        if illness.setting == Setting::Admission && adult {
            // The same test that the hospital did, now at the practice.
            self.laboratory(&mut visit, "bmp");
            self.change_dose(&mut visit);
        }
        visit.say("Recovering; hospital course reviewed with the patient.");
        self.leave(visit, PROGRESS_NOTE, 0.9);
    }

    fn prenatal(&mut self, day: Day, pregnancy: usize, week: i32) {
        let first = week == 9 || self.pregnancy_problem.is_none();
        let mut visit = self.clinic_visit(day, PRENATAL, format!("Prenatal visit, week {week}"), 25);
        if first {
            let (birth, delivered) = self.pregnancy(pregnancy);
            let id = self.chart.problem(&visit, "Z34.90", "Pregnancy under supervision", day.min(birth.day.plus(-230)));
            if delivered {
                // It ends with the birth, which the chart will know by then.
                self.chart.resolve(&id, birth.day);
            }
            self.pregnancy_problem = Some(id);
            self.stop_for_pregnancy(&mut visit);
            self.give_for(&mut visit, Some("folicacid"));
            self.laboratory(&mut visit, "cbc");
        }
        self.chart_pregnancy(&visit, true);
        self.measure(&mut visit, Taken::PRESSURE | Taken::WEIGHT, false);
        match week {
            25 => {
                self.laboratory(&mut visit, "glucose1h");
                self.laboratory(&mut visit, "cbc");
            }
            30 => self.vaccinate_in_pregnancy(&visit),
            _ => {}
        }
        if let Some(id) = self.pregnancy_problem.clone().filter(|it| !it.is_empty()) {
            visit.diagnoses.push(id);
        }
        visit.say(format!("Week {week}: baby moving, heart beat heard, blood pressure checked, urine clear."));
        self.leave(visit, PROGRESS_NOTE, 0.4);
    }

    fn delivery(&mut self, day: Day, pregnancy: usize) {
        let (birth, _) = self.pregnancy(pregnancy);
        let staff = self.staff_named("dr-amadi");
        let start = day.at(self.dice.between(5, 400)).plus_minutes(-480);
        let days = if birth.cesarean { 3 } else { 2 };
        let mut visit = self.chart.open(
            Org::Lakeside,
            start,
            480 + days * 1_440,
            staff,
            INPATIENT,
            HOSPITAL_STAY,
            "Labor and birth",
        );
        self.arrive(&mut visit);
        let (code, words, procedure) = if birth.cesarean {
            ("O82", "Birth by planned cesarean", "cesarean")
        } else {
            ("O80", "Birth at term without complication", "delivery")
        };
        self.chart.diagnosis(&mut visit, code, words, Some(days));
        self.chart.diagnosis(&mut visit, "Z37.0", "Single live birth", Some(days));
        self.measure(&mut visit, Taken::PRESSURE | Taken::PULSE | Taken::TEMPERATURE, false);
        self.laboratory(&mut visit, "cbc");
        let at = day.at(600 + self.dice.between(0, 500));
        self.chart.procedure(&mut visit, procedure, at);
        visit.say(format!("Healthy {} born.", if birth.female { "girl" } else { "boy" }));
        self.leave(visit, DISCHARGE_SUMMARY, 1.0);
    }

    fn postpartum(&mut self, day: Day, _pregnancy: usize) {
        let mut visit = self.clinic_visit(day, FOLLOW_UP, "Visit six weeks after birth".to_owned(), 25);
        self.chart.diagnosis(&mut visit, "Z39.2", "Routine care after birth", Some(14));
        self.chart_pregnancy(&visit, false);
        self.pregnancy_problem = None;
        self.measure(&mut visit, Taken::PRESSURE | Taken::WEIGHT, false);
        self.mood_score(&mut visit);
        visit.say("Recovering well after the birth. Contraception and feeding discussed.");
        self.leave(visit, PROGRESS_NOTE, 0.6);
    }

    fn outpatient_image(&mut self, day: Day, image: &'static str, reason: &str) {
        let staff = if image == "obstetric" { "dr-amadi" } else { "dr-fontaine" };
        let mut visit = self.hospital_visit(day, staff, ("308335008", "Outpatient imaging"), reason, 45);
        let image = self.tables.image(image);
        self.chart.imaging(&mut visit, image, "", "");
        self.chart.close(visit);
    }

    fn colonoscopy(&mut self, day: Day) {
        let mut visit = self.hospital_visit(
            day,
            "dr-bergstrom",
            ("308335008", "Outpatient procedure"),
            "Screening for bowel cancer",
            150,
        );
        self.chart.diagnosis(&mut visit, "Z12.11", "Screening for cancer of the colon", Some(1));
        let polyp = self.dice.chance(0.25);
        let at = visit.start.plus_minutes(50);
        self.chart.procedure(&mut visit, "colonoscopy", at);
        if polyp {
            self.chart.diagnosis(&mut visit, "K63.5", "Polyp of the colon", Some(1));
            visit.say("One small polyp removed. Look again in five years.");
        } else {
            visit.say("Normal to the end of the colon. Look again in ten years.");
        }
        self.leave(visit, PROCEDURE_NOTE, 1.0);
    }

    fn specialist(&mut self, day: Day, who: &str, reason: &str) {
        let mut visit = self.hospital_visit(day, who, ("11429006", "Consultation"), reason, 30);
        self.measure(&mut visit, Taken::PRESSURE | Taken::PULSE | Taken::SATURATION, false);
        let heart = who == "dr-rao";
        if heart && self.course("heartfailure", day).is_some() {
            self.laboratory_if_due(&mut visit, "bnp", 300);
            if self.dice.chance(0.4) {
                let image = self.tables.image("echo");
                self.chart.imaging(&mut visit, image, "", "");
            }
        }
        let at = visit.start.plus_minutes(5);
        self.chart.procedure(&mut visit, if heart { "ecg" } else { "spirometry" }, at);
        self.laboratory_if_due(&mut visit, "bmp", 330);
        self.link_problems(&mut visit, 2);
        self.home_medicines(&visit);
        visit.say("Stable since the last visit. Treatment continued as it is.");
        self.leave(visit, CONSULT_NOTE, 0.8);
    }

    fn operation(&mut self, day: Day, key: &'static str) {
        if day.plus(6) >= self.until {
            return;
        }
        let (staff, code, words, days) = match key {
            "knee" => ("dr-bergstrom", "M17.11", "Osteoarthritis of the right knee", 2),
            "pacemaker" => ("dr-rao", "I49.5", "Slow heart rhythm from the sinus node", 1),
            _ => ("dr-bergstrom", "H25.11", "Age-related cataract of the right eye", 0),
        };
        let staff = self.staff_named(staff);
        let start = day.at(7 * 60 + self.dice.between(0, 90));
        let (class, kind) =
            if days == 0 { (AMBULATORY, ("308335008", "Outpatient procedure")) } else { (INPATIENT, HOSPITAL_STAY) };
        let mut visit = self.chart.open(Org::Lakeside, start, 300 + days * 1_440, staff, class, kind, words);
        self.arrive(&mut visit);
        self.chart.diagnosis(&mut visit, code, words, Some(30));
        self.measure(&mut visit, Taken::URGENT, false);
        let at = visit.start.plus_minutes(90);
        self.chart.procedure(&mut visit, key, at);
        visit.say("No complications.");
        self.leave(visit, PROCEDURE_NOTE, 1.0);
    }

    /// Tests, images and procedures that belong to an illness.
    fn work_up(&mut self, visit: &mut Visit, at: usize) {
        let illness = &self.tables.illnesses[at];
        for (kind, key) in &illness.work {
            match *kind {
                "lab" => self.laboratory_during(visit, key, ill_with_fever(illness.key)),
                "image" => {
                    let lungs = if illness.key == "pneumonia" {
                        "Patchy shadow at the right base, in keeping with pneumonia."
                    } else {
                        "Lungs are clear."
                    };
                    let abdomen = match illness.key {
                        "appendicitis" => "Thickened appendix with fluid around it: appendicitis.",
                        _ => "Stone of 4 mm at the lower end of the right ureter.",
                    };
                    let image = self.tables.image(key);
                    // The practice has no X-ray: it sends people to the hospital.
                    if visit.site == Org::Lakeside {
                        self.chart.imaging(visit, image, lungs, abdomen);
                    } else {
                        let code = concept(LOINC, image.code, image.words);
                        let when = visit.end;
                        self.chart.request(visit, &code, ("363679005", "Imaging"), "completed", when);
                    }
                }
                _ => {
                    let when = visit.start.plus_minutes(if visit.class == INPATIENT { 240 } else { 45 });
                    self.chart.procedure(visit, key, when);
                }
            }
        }
    }
}

fn ill_with_fever(key: &str) -> bool {
    matches!(
        key,
        "otitis"
            | "strep"
            | "influenza"
            | "covid"
            | "pneumonia"
            | "appendicitis"
            | "gallstones"
            | "bronchiolitis"
            | "croup"
            | "cellulitis"
    )
}
