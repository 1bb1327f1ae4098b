//! What a chart holds besides visits: the patient, relatives, coverage, allergies, plans, goals, the care team,
//! appointments, and where things came from.

use serde_json::{Value, json};

use super::Org;
use super::calendar::{Day, Moment};
use super::life::{Life, Medicine};
use super::people::{Identity, Relative, identity};
use super::shapes::*;
use super::tables::Payer;

impl Life<'_> {
    /// Writes the rest of the chart and hands it over, the patient first.
    pub(super) fn finish(mut self) -> (String, Vec<Value>) {
        let org = self.chart.org;
        let identity = identity(self.person, org, self.chart.today);
        let first = self.seen[org as usize].unwrap_or(self.from);
        self.finish_medicines();
        let relatives = self.relatives(&identity, first);
        self.coverage(&relatives, first);
        self.record_allergies(first);
        self.plans(&relatives);
        self.appointments();
        let recorded = first.at(9 * 60);
        let patient = self.patient(&identity);
        self.chart.resources.insert(0, patient);
        if self.person.seed.is_multiple_of(4) || self.person.story.is_some() {
            let target = self.chart.patient.clone();
            self.entered(org, &target, recorded);
        }
        (self.chart.patient_id().to_owned(), self.chart.resources)
    }

    /// The dead take no medicine.
    fn finish_medicines(&mut self) {
        if self.person.death.is_none() {
            return;
        }
        let active: Vec<Option<usize>> =
            self.medicines.iter().filter(|it| it.active).map(|it: &Medicine| it.request).collect();
        for request in active {
            self.chart.stop(request, "completed", "");
        }
        for statement in self.chart.resources.iter_mut().filter(|it| it["resourceType"] == "MedicationStatement") {
            statement["status"] = "completed".into();
        }
    }

    fn patient(&self, identity: &Identity) -> Value {
        let person = self.person;
        let org = self.chart.org;
        let culture = &self.tables.cultures[person.culture];
        let adult = self.age(self.chart.today) >= 16.0;
        let seed = person.seed;
        let (gender, birth_sex, sex) =
            if person.female { ("female", "F", "248152002") } else { ("male", "M", "248153007") };
        let race_words = match culture.race {
            "2106-3" => "White",
            "2054-5" => "Black or African American",
            "2028-9" => "Asian",
            "1002-5" => "American Indian or Alaska Native",
            _ => "Native Hawaiian or Other Pacific Islander",
        };
        let ethnicity_words =
            if culture.ethnicity == "2135-2" { "Hispanic or Latino" } else { "Not Hispanic or Latino" };
        let category = |url: &str, code: &str, words: &str| {
            json!({ "url": format!("{US_CORE}{url}"), "extension": [
                { "url": "ombCategory", "valueCoding": { "system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": words } },
                { "url": "text", "valueString": words },
            ] })
        };
        let mut extension = vec![
            category("us-core-race", culture.race, race_words),
            category("us-core-ethnicity", culture.ethnicity, ethnicity_words),
            json!({ "url": format!("{US_CORE}us-core-birthsex"), "valueCode": birth_sex }),
            json!({ "url": format!("{US_CORE}us-core-sex"), "valueCode": sex }),
        ];
        if adult && seed % 10 < 3 {
            let (code, words) = match (seed % 97, person.female) {
                (0, _) => ("33791000087105", "Identifies as nonbinary gender"),
                (_, true) => ("446141000124107", "Identifies as female gender"),
                (_, false) => ("446151000124109", "Identifies as male gender"),
            };
            extension.push(json!({ "url": format!("{US_CORE}us-core-genderIdentity"), "valueCodeableConcept": concept(SNOMED, code, words) }));
        }
        if culture.key == "navajo" {
            extension.push(json!({ "url": format!("{US_CORE}us-core-tribal-affiliation"), "extension": [
                { "url": "tribalAffiliation", "valueCodeableConcept": { "text": "Navajo Nation" } },
                { "url": "isEnrolled", "valueBoolean": true },
            ] }));
        }
        let kind = |code: &str, words: &str| hl7("v2-0203", code, words);
        let mut identifiers = vec![json!({
            "use": "usual",
            "type": kind("MR", "Medical record number"),
            "system": format!("{}/mrn", org.url()),
            "value": identity.record_number,
            "assigner": named(format!("Organization/{}", org.key()), org.name()),
        })];
        if !seed.is_multiple_of(3) {
            // Numbers that begin with 9 are never issued as social security numbers.
            let number = format!("9{:02}-{:02}-{:04}", seed >> 8 & 63, 10 + (seed >> 16 & 31), seed >> 24 & 8_191);
            identifiers.push(json!({ "use": "official", "type": kind("SS", "Social security number"), "system": "http://hl7.org/fhir/sid/us-ssn", "value": number }));
        }
        if adult && seed % 5 < 2 {
            let number = format!("XD{:06}", seed >> 30 & 0x7_FFFF);
            identifiers.push(json!({ "use": "official", "type": kind("DL", "Driver's license number"), "system": "urn:oid:2.16.840.1.113883.4.3.39", "value": number }));
        }
        let whole = format!("{} {}", identity.given.join(" "), identity.family);
        let mut names =
            vec![json!({ "use": "official", "text": whole, "family": identity.family, "given": identity.given })];
        if let Some(former) = &identity.former_family {
            names.push(json!({ "use": "maiden", "family": former, "given": identity.given }));
        }
        if let (Some(nickname), true) = (person.given.nickname, seed.is_multiple_of(2) && org == Org::Riverside) {
            names.push(json!({ "use": "nickname", "given": [nickname] }));
        }
        let mut telecom =
            vec![json!({ "system": "phone", "value": identity.phone, "use": if adult { "mobile" } else { "home" } })];
        if let Some(email) = &identity.email {
            telecom.push(json!({ "system": "email", "value": email }));
        }
        let home = &identity.home;
        let town = &self.tables.towns[home.town];
        let mut addresses = vec![json!({
            "use": "home", "type": "both", "text": format!("{}, {}, {} {}", home.line, town.city, town.state, town.postal_code),
            "line": [home.line], "city": town.city, "state": town.state, "postalCode": town.postal_code, "country": "US",
            "period": { "start": home.since.max(identity.birth).iso() },
        })];
        let before = &person.old_home;
        if org == Org::Riverside && seed.is_multiple_of(6) && before.since < home.since {
            let town = &self.tables.towns[before.town];
            addresses.push(json!({
                "use": "old", "line": [before.line], "city": town.city, "state": town.state, "postalCode": town.postal_code, "country": "US",
                "period": { "start": before.since.iso(), "end": home.since.iso() },
            }));
        }
        let mut members = json!({
            "text": narrative(&format!("{whole}, {gender}, born {}, record {}, {}, {}", identity.birth.iso(), identity.record_number, home.line, town.city)),
            "extension": extension,
            "identifier": identifiers,
            "active": person.death.is_none(),
            "name": names,
            "telecom": telecom,
            "gender": gender,
            "birthDate": identity.birth.iso(),
        });
        if let Some(death) = person.death {
            members["deceasedDateTime"] = death.at(60 + (seed % 1_200) as i32).iso().into();
        }
        members["address"] = addresses.into();
        let married = person.relatives.iter().any(|it| it.relation.0 == "SPS");
        if adult {
            members["maritalStatus"] = if married {
                hl7("v3-MaritalStatus", "M", "Married")
            } else {
                hl7("v3-MaritalStatus", "S", "Never Married")
            };
        }
        let (code, words) =
            if culture.language.0 == "en" || seed.is_multiple_of(3) { culture.language } else { ("en", "English") };
        members["communication"] = json!([{ "language": concept("urn:ietf:bcp:47", code, words), "preferred": true }]);
        members["managingOrganization"] = named(format!("Organization/{}", org.key()), org.name());
        if org == Org::Riverside {
            let own =
                self.tables.staff.iter().position(|it| it.key == "dr-okafor").expect("the staff table has this key");
            members["generalPractitioner"] = json!([self.chart.practitioner(own + (seed >> 7) as usize % 4)]);
        }
        with(start("Patient", self.chart.patient_id(), Some("us-core-patient")), members)
    }

    fn relatives(&mut self, identity: &Identity, first: Day) -> Vec<(String, Relative)> {
        let minor = self.age(self.chart.today) < 18.0;
        let mut written = Vec::new();
        for relative in self.person.relatives.iter().filter(|it| minor || it.relation.0 != "CHILD").take(2) {
            let id = self.chart.id();
            let mut members = json!({
                "active": true,
                "patient": self.chart.subject(),
                "relationship": [hl7("v3-RoleCode", relative.relation.0, relative.relation.1)],
                "name": [{ "use": "usual", "text": format!("{} {}", relative.given, relative.family), "family": relative.family, "given": [relative.given] }],
                "telecom": [{ "system": "phone", "value": if relative.at_home { self.person.home.phone.clone() } else { self.person.old_home.phone.clone() }, "use": "home" }],
                "gender": if relative.female { "female" } else { "male" },
            });
            if relative.at_home {
                let town = &self.tables.towns[identity.home.town];
                members["address"] = json!([{ "use": "home", "line": [identity.home.line], "city": town.city, "state": town.state, "postalCode": town.postal_code, "country": "US" }]);
            }
            members["period"] = json!({ "start": first.iso() });
            self.chart.resources.push(with(start("RelatedPerson", &id, Some("us-core-relatedperson")), members));
            written.push((id, relative.clone()));
        }
        written
    }

    fn coverage(&mut self, relatives: &[(String, Relative)], first: Day) {
        let today = self.chart.today;
        let age = self.age(self.until);
        let seed = self.person.seed;
        let kind = match age {
            65.0.. => "medicare",
            _ if seed % 100 < 8 => return,
            ..19.0 if seed % 100 < 42 => "medicaid",
            _ if seed % 100 < 24 => "medicaid",
            _ => "private",
        };
        let payers: Vec<&Payer> = self.tables.payers.iter().filter(|it| it.kind == kind).collect();
        let payer = payers[(seed >> 13) as usize % payers.len()];
        let parent = relatives.iter().find(|it| age < 19.0 && matches!(it.1.relation.0, "MTH" | "FTH"));
        let from = match kind {
            "medicare" => self.person.birth.plus_years(65.0).max(first),
            _ => Day::ymd(today.year() - (seed % 4) as i32, 1, 1).max(self.person.birth).max(first).min(self.until),
        };
        let member = format!("{}{:09}", payer.key.as_bytes()[6].to_ascii_uppercase() as char, seed >> 20 & 0x1FFF_FFFF);
        let relation = if parent.is_some() { ("child", "Child") } else { ("self", "Self") };
        let mut period = json!({ "start": from.min(self.until).iso() });
        if let Some(death) = self.person.death {
            period["end"] = death.iso().into();
        }
        let subscriber = parent.map_or_else(|| self.chart.patient.clone(), |it| format!("RelatedPerson/{}", it.0));
        let members = json!({
            "identifier": [{ "type": hl7("v2-0203", "MB", "Member number"), "system": format!("http://payers.example.org/{}", payer.key), "value": member }],
            "status": if self.person.death.is_some() { "cancelled" } else { "active" },
            "type": { "coding": [
                { "system": "https://nahdo.org/sopt", "code": payer.source.0, "display": payer.source.1 },
                { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": payer.act.0, "display": payer.act.1 },
            ], "text": payer.source.1 },
            "subscriber": to(subscriber),
            "subscriberId": member,
            "beneficiary": self.chart.subject(),
            "relationship": hl7("subscriber-relationship", relation.0, relation.1),
            "period": period,
            "payor": [named(format!("Organization/{}", payer.key), payer.name)],
            "class": [
                { "type": hl7("coverage-class", "group", "Group"), "value": format!("G{:04}", seed >> 40 & 4_095), "name": "Employer group" },
                { "type": hl7("coverage-class", "plan", "Plan"), "value": if seed & 1 == 0 { "standard" } else { "plus" }, "name": if seed & 1 == 0 { "Standard plan" } else { "Plus plan" } },
            ],
        });
        let id = self.chart.id();
        self.chart.resources.push(with(start("Coverage", &id, Some("us-core-coverage")), members));
    }

    /// Three states: allergies, "none known" as a statement, and nothing recorded.
    fn record_allergies(&mut self, first: Day) {
        let place = self.chart.org as usize;
        let last = self.last_seen[place].unwrap_or(first);
        let known: Vec<(usize, Day)> =
            self.allergies.iter().filter(|it| it.at[place] && it.since <= last).map(|it| (it.row, it.since)).collect();
        let recorder = self.chart.practitioner(
            self.tables.staff.iter().position(|it| it.org == self.chart.org.key()).expect("both places have staff"),
        );
        for (row, since) in &known {
            let allergy = &self.tables.allergies[*row];
            let id = self.chart.id();
            let members = json!({
                "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
                "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
                "type": if allergy.key == "codeine" { "intolerance" } else { "allergy" },
                "category": [allergy.kind],
                "criticality": allergy.criticality,
                "code": concept(allergy.system, allergy.code, allergy.words),
                "patient": self.chart.subject(),
                "onsetDateTime": &since.iso()[..7],
                "recordedDate": since.plus(7).max(first).min(last.max(*since)).iso(),
                "recorder": recorder,
                "reaction": [{ "manifestation": [concept(SNOMED, allergy.reaction.0, allergy.reaction.1)], "severity": allergy.severity }],
            });
            self.chart
                .resources
                .push(with(start("AllergyIntolerance", &id, Some("us-core-allergyintolerance")), members));
        }
        let stated = self.person.seed >> 3 & 7 < 5 || self.person.story.is_some();
        if known.is_empty() && stated {
            let id = self.chart.id();
            let members = json!({
                "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
                "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
                "code": concept(SNOMED, "716186003", "No known allergy"),
                "patient": self.chart.subject(),
                "recordedDate": last.iso(),
                "recorder": recorder,
            });
            self.chart
                .resources
                .push(with(start("AllergyIntolerance", &id, Some("us-core-allergyintolerance")), members));
        }
    }

    /// Goals, a care plan and a care team for those who live with a lasting disease.
    fn plans(&mut self, relatives: &[(String, Relative)]) {
        let org = self.chart.org;
        if org != self.clinic() || self.person.death.is_some() {
            return;
        }
        let place = org as usize;
        let known = |life: &Self, key: &str| {
            let course = life.course(key, life.until)?;
            course.id[place].clone().filter(|it| !it.is_empty()).map(|id| (id, course.onset))
        };
        let last = self.last_seen[place].unwrap_or(self.until);
        let mut goals = Vec::new();
        let mut addressed = Vec::new();
        let rows = [
            (
                "diabetes",
                "HbA1c below 7 %",
                "4548-4",
                "Hemoglobin A1c in blood",
                quantity(7.0, 1, "%", "%"),
                "Check sugar at home, walk every day, see the eye doctor once a year.",
            ),
            (
                "hypertension",
                "Blood pressure below 130/80",
                "8480-6",
                "Systolic blood pressure",
                quantity(130.0, 0, "mmHg", "mm[Hg]"),
                "Measure blood pressure at home, eat less salt.",
            ),
            (
                "heartfailure",
                "No weight gain of more than 2 kg in a week",
                "29463-7",
                "Body weight",
                Value::Null,
                "Weigh every morning and call when the weight rises.",
            ),
            (
                "depression",
                "PHQ-9 score below 5",
                "44261-6",
                "PHQ-9 total score",
                quantity(5.0, 0, "score", "{score}"),
                "Take the medicine every day, keep the weekly talk with the counselor.",
            ),
            (
                "asthma",
                "No asthma attack that needs the emergency department",
                "",
                "",
                Value::Null,
                "Use the controller every day, carry the reliever, follow the colored action plan.",
            ),
            (
                "copd",
                "Walk for twenty minutes without stopping",
                "",
                "",
                Value::Null,
                "Use inhalers as shown, flu vaccine every autumn, stop smoking.",
            ),
        ];
        let mut advice = Vec::new();
        for (key, goal, code, words, target, plan) in rows {
            let Some((condition, onset)) = known(self, key) else { continue };
            advice.push(plan);
            addressed.push(to(format!("Condition/{condition}")));
            let id = self.chart.id();
            let began = onset.max(self.seen[place].unwrap_or(onset)).min(last);
            let mut members = json!({
                "lifecycleStatus": "active",
                "achievementStatus": hl7("goal-achievement", "in-progress", "In Progress"),
                "description": { "text": goal },
                "subject": self.chart.subject(),
                "startDate": began.iso(),
            });
            let mut due = json!({ "dueDate": self.chart.today.plus(180).iso() });
            if !target.is_null() {
                due["measure"] = concept(LOINC, code, words);
                due["detailQuantity"] = target;
            }
            members["target"] = json!([due]);
            members["addresses"] = json!([to(format!("Condition/{condition}"))]);
            self.chart.resources.push(with(start("Goal", &id, Some("us-core-goal")), members));
            goals.push(to(format!("Goal/{id}")));
        }
        if goals.is_empty() {
            return;
        }
        let team = self.chart.id();
        let clinician = self.tables.staff.iter().position(|it| it.org == org.key()).expect("both places have staff");
        let nurse = self
            .tables
            .staff
            .iter()
            .position(|it| it.org == org.key() && it.suffix == "RN")
            .expect("both places have a nurse");
        let member = |chart: &super::chart::Chart<'_>, at: usize| {
            let staff = chart.staff(at);
            json!({ "role": [concept(SNOMED, staff.role.0, staff.role.1)], "member": chart.practitioner(at) })
        };
        let mut participants = vec![
            member(&self.chart, clinician + (self.person.seed >> 7) as usize % 2),
            member(&self.chart, nurse),
            json!({ "role": [concept(SNOMED, "116154003", "Patient")], "member": self.chart.subject() }),
        ];
        if let Some((id, _)) = relatives.first() {
            participants.push(json!({ "role": [concept(SNOMED, "133932002", "Caregiver")], "member": to(format!("RelatedPerson/{id}")) }));
        }
        let members = json!({ "status": "active", "name": "Care team", "subject": self.chart.subject(), "participant": participants, "managingOrganization": [to(format!("Organization/{}", org.key()))] });
        self.chart.resources.push(with(start("CareTeam", &team, Some("us-core-careteam")), members));
        let id = self.chart.id();
        let members = json!({
            "text": narrative(&advice.join(" ")),
            "status": "active",
            "intent": "plan",
            "category": [coded("http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan", "Assessment and Plan of Treatment")],
            "title": "Plan of care",
            "description": advice.join(" "),
            "subject": self.chart.subject(),
            "period": { "start": last.iso() },
            "created": last.iso(),
            "careTeam": [to(format!("CareTeam/{team}"))],
            "addresses": addressed,
            "goal": goals,
        });
        self.chart.resources.push(with(start("CarePlan", &id, Some("us-core-careplan")), members));
    }

    /// Appointments of today and the next two weeks for some, and of the past weeks for a few. A demonstration begun
    /// on a Sunday has people to see, too.
    fn appointments(&mut self) {
        let (org, today) = (self.chart.org, self.chart.today);
        let pregnant = self.person.due.is_some();
        let draw = self.person.seed >> 17 & 127;
        if self.person.death.is_some() || draw >= 18 && !pregnant && self.person.story.is_none() {
            return;
        }
        let staff_from = self.tables.staff.iter().position(|it| it.org == org.key()).expect("both places have staff");
        let staff = staff_from + (draw % 2) as usize;
        let ahead = ((self.person.seed >> 25 & 0xFF) as i32 % 18 - 4).max(0);
        let reason = if pregnant { "Prenatal visit" } else { "Follow-up" };
        let next = if ahead == 0 { today } else { today.plus(ahead).workday() };
        let mut whens = vec![(next, "booked", "accepted")];
        let earlier = today.plus(-20 - ahead).workday();
        if draw.is_multiple_of(3) && earlier.since(self.person.birth) > 60 {
            whens.push((earlier, "cancelled", "declined"));
        }
        for (day, status, answer) in whens {
            let begins = day.at(8 * 60 + 20 * (self.person.seed >> 33 & 0x3F) as i32 % 480);
            let id = self.chart.id();
            let mut members = json!({
                "status": status,
                "serviceType": [{ "text": reason }],
                "appointmentType": hl7("v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"),
                "description": reason,
                "start": begins.iso(),
                "end": begins.plus_minutes(20).iso(),
                "minutesDuration": 20,
                "created": today.plus(-50).max(self.person.birth).iso(),
                "participant": [
                    { "actor": self.chart.subject(), "required": "required", "status": answer },
                    { "actor": self.chart.practitioner(staff), "required": "required", "status": "accepted" },
                    { "actor": to(format!("Location/{}", self.chart.staff(staff).location)), "required": "information-only", "status": "accepted" },
                ],
            });
            if status == "cancelled" {
                members["cancelationReason"] = hl7("appointment-cancellation-reason", "pat", "Patient");
            }
            self.chart.resources.push(with(start("Appointment", &id, None), members));
        }
    }

    /// Entered here, by our own staff.
    fn entered(&mut self, org: Org, target: &str, when: Moment) {
        let staff = self.tables.staff.iter().position(|it| it.org == org.key()).expect("both places have staff");
        let id = self.chart.id();
        let members = json!({
            "target": [to(target)],
            "recorded": when.iso(),
            "activity": hl7("v3-DataOperation", "CREATE", "create"),
            "agent": [{
                "type": hl7("provenance-participant-type", "author", "Author"),
                "who": self.chart.practitioner(staff),
                "onBehalfOf": to(format!("Organization/{}", org.key())),
            }],
        });
        self.chart.resources.push(with(start("Provenance", &id, Some("us-core-provenance")), members));
    }

    /// Received from the other organisation.
    pub(super) fn received(&mut self, org: Org, target: &str, when: Moment) {
        if !self.chart.wants(org) {
            return;
        }
        let id = self.chart.id();
        let members = json!({
            "target": [to(target)],
            "recorded": when.iso(),
            "agent": [{
                "type": { "coding": [{ "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type", "code": "transmitter", "display": "Transmitter" }] },
                "who": { "display": org.other().name() },
            }, {
                "type": hl7("provenance-participant-type", "author", "Author"),
                "who": { "display": org.other().name() },
            }],
        });
        self.chart.resources.push(with(start("Provenance", &id, Some("us-core-provenance")), members));
    }
}
