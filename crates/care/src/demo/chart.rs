//! The chart being written: turns what happens in a life into FHIR resources of one organisation. Every call names
//! the place where it happens; what happens elsewhere is not written, but the life goes on the same.

use serde_json::{Value, json};

use super::Org;
use super::calendar::{Day, Moment};
use super::dice::hash;
use super::people::{FOR_IDS, Person};
use super::shapes::*;
use super::tables::{Drug, Panel, Staff, Tables};

pub(super) struct Chart<'a> {
    pub(super) tables: &'a Tables,
    pub(super) org: Org,
    pub(super) today: Day,
    pub(super) patient: String,
    pub(super) resources: Vec<Value>,
    seed: u64,
    count: u64,
}

/// A contact under way. Its Encounter is written when it closes, because it names what was found.
pub(super) struct Visit {
    pub(super) site: Org,
    pub(super) id: String,
    pub(super) start: Moment,
    pub(super) end: Moment,
    pub(super) staff: usize,
    pub(super) class: (&'static str, &'static str),
    pub(super) kind: (&'static str, &'static str),
    pub(super) reason: String,
    pub(super) diagnoses: Vec<String>,
    pub(super) lines: Vec<String>,
    pub(super) disposition: Option<(&'static str, &'static str)>,
}

pub(super) const AMBULATORY: (&str, &str) = ("AMB", "ambulatory");
pub(super) const EMERGENCY: (&str, &str) = ("EMER", "emergency");
pub(super) const INPATIENT: (&str, &str) = ("IMP", "inpatient encounter");

impl Visit {
    pub(super) fn reference(&self) -> String {
        format!("Encounter/{}", self.id)
    }

    pub(super) fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}

/// Where an observation of a result, a vital sign or a circumstance belongs.
pub(super) struct Observed<'b> {
    pub(super) category: &'static str,
    pub(super) profile: &'static str,
    pub(super) code: Value,
    pub(super) members: Value,
    pub(super) status: &'b str,
}

impl<'a> Chart<'a> {
    pub(super) fn new(tables: &'a Tables, org: Org, person: &Person, today: Day) -> Chart<'a> {
        let mut chart =
            Chart { tables, org, today, patient: String::new(), resources: Vec::new(), seed: person.seed, count: 0 };
        chart.patient = format!("Patient/{}", chart.id());
        chart
    }

    pub(super) fn wants(&self, site: Org) -> bool {
        self.org == site
    }

    /// A new id: shaped as a UUID of version 8 (RFC 9562: made by our own rule).
    pub(super) fn id(&mut self) -> String {
        let high = hash(&[self.seed, FOR_IDS, self.org as u64, self.count]);
        let low = hash(&[high, self.count]);
        self.count += 1;
        format!(
            "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFF,
            0x8000 | low >> 48 & 0x3FFF,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    pub(super) fn patient_id(&self) -> &str {
        &self.patient["Patient/".len()..]
    }

    pub(super) fn subject(&self) -> Value {
        to(&self.patient)
    }

    pub(super) fn staff(&self, at: usize) -> &'a Staff {
        &self.tables.staff[at]
    }

    pub(super) fn practitioner(&self, at: usize) -> Value {
        let staff = self.staff(at);
        named(format!("Practitioner/{}", staff.key), &format!("{} {}, {}", staff.given, staff.family, staff.suffix))
    }

    #[expect(clippy::too_many_arguments, reason = "where, when, who and why are all known when a visit begins")]
    pub(super) fn open(
        &mut self,
        site: Org,
        start: Moment,
        minutes: i32,
        staff: usize,
        class: (&'static str, &'static str),
        kind: (&'static str, &'static str),
        reason: impl Into<String>,
    ) -> Visit {
        let id = if self.wants(site) { self.id() } else { String::new() };
        let end = start.plus_minutes(minutes);
        let (diagnoses, lines) = (Vec::new(), Vec::new());
        Visit { site, id, start, end, staff, class, kind, reason: reason.into(), diagnoses, lines, disposition: None }
    }

    pub(super) fn close(&mut self, visit: Visit) {
        if !self.wants(visit.site) {
            return;
        }
        let staff = self.staff(visit.staff);
        let mut members = json!({
            "identifier": [{ "system": format!("{}/visit-number", self.org.url()), "value": format!("V{}", &visit.id[..8]) }],
            "status": "finished",
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": visit.class.0, "display": visit.class.1 },
            "type": [concept(SNOMED, visit.kind.0, visit.kind.1)],
            "subject": self.subject(),
            "participant": [{
                "type": [hl7("v3-ParticipationType", if visit.class == INPATIENT { "ATND" } else { "PPRF" }, if visit.class == INPATIENT { "attender" } else { "primary performer" })],
                "period": { "start": visit.start.iso(), "end": visit.end.iso() },
                "individual": self.practitioner(visit.staff),
            }],
            "period": { "start": visit.start.iso(), "end": visit.end.iso() },
            "reasonCode": [{ "text": visit.reason }],
        });
        if !visit.diagnoses.is_empty() {
            let diagnoses = visit.diagnoses.iter().enumerate().map(|(at, id)| {
                json!({ "condition": to(format!("Condition/{id}")), "use": hl7("diagnosis-role", if at == 0 { "DD" } else { "CM" }, if at == 0 { "Discharge diagnosis" } else { "Comorbidity diagnosis" }), "rank": at + 1 })
            });
            members["diagnosis"] = diagnoses.collect();
        }
        if visit.class != AMBULATORY {
            let (code, words) = visit.disposition.unwrap_or(("home", "Home"));
            members["hospitalization"] = json!({ "dischargeDisposition": hl7("discharge-disposition", code, words) });
        }
        members["location"] =
            json!([{ "location": to(format!("Location/{}", staff.location)), "status": "completed" }]);
        members["serviceProvider"] = to(format!("Organization/{}", self.org.key()));
        self.resources.push(with(start("Encounter", &visit.id, Some("us-core-encounter")), members));
    }

    pub(super) fn observation(&mut self, visit: &Visit, at: Moment, what: Observed<'_>) -> String {
        if !self.wants(visit.site) {
            return String::new();
        }
        let id = self.id();
        let mut resource = start("Observation", &id, Some(what.profile));
        resource.insert("status".into(), what.status.into());
        let category = json!([{ "coding": [{ "system": OBSERVATION_CATEGORY, "code": what.category, "display": category_words(what.category) }] }]);
        resource.insert("category".into(), category);
        resource.insert("code".into(), what.code);
        resource.insert("subject".into(), self.subject());
        resource.insert("encounter".into(), to(visit.reference()));
        resource.insert("effectiveDateTime".into(), at.iso().into());
        if what.category == "survey" || what.category == "social-history" {
            resource.insert("performer".into(), json!([self.practitioner(visit.staff)]));
        }
        self.resources.push(with(resource, what.members));
        id
    }

    /// A long-lasting problem on the problem list.
    pub(super) fn problem(&mut self, visit: &Visit, code: &str, words: &str, onset: Day) -> String {
        if !self.wants(visit.site) {
            return String::new();
        }
        let id = self.id();
        let members = json!({
            "clinicalStatus": hl7("condition-clinical", "active", "Active"),
            "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
            "category": [hl7("condition-category", "problem-list-item", "Problem List Item")],
            "code": concept(ICD10, code, words),
            "subject": self.subject(),
            "onsetDateTime": onset.iso(),
            "recordedDate": visit.start.day.max(onset).iso(),
            "recorder": self.practitioner(visit.staff),
        });
        self.resources.push(with(start("Condition", &id, Some("us-core-condition-problems-health-concerns")), members));
        id
    }

    /// Ends a problem that this chart holds under the id.
    pub(super) fn resolve(&mut self, id: &str, on: Day) {
        if id.is_empty() {
            return;
        }
        if let Some(condition) = self.resources.iter_mut().find(|it| it["id"] == id) {
            condition["clinicalStatus"] = hl7("condition-clinical", "resolved", "Resolved");
            condition["abatementDateTime"] = on.iso().into();
        }
    }

    /// What this visit was for. Short illnesses end after some days, if those have passed.
    pub(super) fn diagnosis(&mut self, visit: &mut Visit, code: &str, words: &str, days: Option<i32>) {
        if !self.wants(visit.site) {
            return;
        }
        let id = self.id();
        let ended = days.map(|days| visit.start.day.plus(days)).filter(|it| *it <= self.today);
        let (status, status_words) = if ended.is_some() { ("resolved", "Resolved") } else { ("active", "Active") };
        let mut members = json!({
            "clinicalStatus": hl7("condition-clinical", status, status_words),
            "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
            "category": [hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
            "code": concept(ICD10, code, words),
            "subject": self.subject(),
            "encounter": to(visit.reference()),
            "onsetDateTime": visit.start.day.iso(),
            "recordedDate": visit.start.day.iso(),
        });
        if let Some(ended) = ended {
            members["abatementDateTime"] = ended.iso().into();
        }
        self.resources.push(with(start("Condition", &id, Some("us-core-condition-encounter-diagnosis")), members));
        visit.diagnoses.push(id);
    }

    /// A prescription. Returns where it stands in the chart, so that it can be stopped.
    pub(super) fn prescribe(&mut self, visit: &Visit, drug: &Drug, reason: Option<&str>) -> Option<usize> {
        if !self.wants(visit.site) {
            return None;
        }
        let id = self.id();
        let begun = visit.start.day;
        let done = drug.days > 0 && begun.plus(drug.days) <= self.today;
        let class = if visit.class == INPATIENT { ("discharge", "Discharge") } else { ("community", "Community") };
        let mut members = json!({
            "status": if done { "completed" } else { "active" },
            "intent": "order",
            "category": [hl7("medicationrequest-category", class.0, class.1)],
            "reportedBoolean": false,
            "medicationCodeableConcept": concept(RXNORM, drug.code, drug.words),
            "subject": self.subject(),
            "encounter": to(visit.reference()),
            "authoredOn": visit.end.iso(),
            "requester": self.practitioner(visit.staff),
            "dosageInstruction": [dosage(drug, begun)],
            "dispenseRequest": {
                "numberOfRepeatsAllowed": drug.refills,
                "quantity": quantity(f64::from(drug.quantity.0), 0, drug.quantity.1, drug.quantity.2),
            },
        });
        if let Some(reason) = reason.filter(|it| !it.is_empty()) {
            members["reasonReference"] = json!([to(format!("Condition/{reason}"))]);
        }
        self.resources.push(with(start("MedicationRequest", &id, Some("us-core-medicationrequest")), members));
        Some(self.resources.len() - 1)
    }

    pub(super) fn stop(&mut self, prescription: Option<usize>, status: &str, why: &str) {
        if let Some(at) = prescription {
            self.resources[at]["status"] = status.into();
            if status == "stopped" {
                self.resources[at]["statusReason"] = json!({ "text": why });
            }
        }
    }

    pub(super) fn dispense(&mut self, site: Org, prescription: Option<usize>, drug: &Drug, day: Day) {
        let Some(at) = prescription.filter(|_| self.wants(site) && day <= self.today) else { return };
        let request = format!("MedicationRequest/{}", self.resources[at]["id"].as_str().unwrap_or_default());
        let id = self.id();
        let members = json!({
            "status": "completed",
            "medicationCodeableConcept": concept(RXNORM, drug.code, drug.words),
            "subject": self.subject(),
            "performer": [{ "actor": to("Organization/pharmacy") }],
            "authorizingPrescription": [to(request)],
            "type": hl7("v3-ActCode", "FF", "First Fill"),
            "quantity": quantity(f64::from(drug.quantity.0), 0, drug.quantity.1, drug.quantity.2),
            "whenHandedOver": day.at(17 * 60).iso(),
            "dosageInstruction": [dosage(drug, day)],
        });
        self.resources.push(with(start("MedicationDispense", &id, Some("us-core-medicationdispense")), members));
    }

    /// What the patient says they take, prescribed elsewhere.
    pub(super) fn reported_medicine(&mut self, visit: &Visit, drug: &Drug, since: Day) {
        if !self.wants(visit.site) {
            return;
        }
        let id = self.id();
        let members = json!({
            "status": "active",
            "medicationCodeableConcept": concept(RXNORM, drug.code, drug.words),
            "subject": self.subject(),
            "context": to(visit.reference()),
            "effectivePeriod": { "start": since.iso() },
            "dateAsserted": visit.start.iso(),
            "informationSource": self.subject(),
            "dosage": [{ "text": drug.directions }],
        });
        self.resources.push(with(start("MedicationStatement", &id, None), members));
    }

    pub(super) fn procedure(&mut self, visit: &mut Visit, key: &str, at: Moment) -> String {
        let kind = self.tables.procedure(key);
        if !self.wants(visit.site) {
            return String::new();
        }
        let id = self.id();
        let mut members = json!({
            "status": "completed",
            "code": concept(kind.system, kind.code, kind.words),
            "subject": self.subject(),
            "encounter": to(visit.reference()),
            "performedPeriod": { "start": at.iso(), "end": at.plus_minutes(kind.minutes).iso() },
            "performer": [{ "actor": self.practitioner(visit.staff) }],
        });
        if let Some(condition) = visit.diagnoses.first() {
            members["reasonReference"] = json!([to(format!("Condition/{condition}"))]);
        }
        if let Some(implant) = kind.implant {
            let device = self.implant(implant, at.day);
            members["focalDevice"] = json!([{ "action": coded(SNOMED, "257867005", "Insertion"), "manipulated": to(format!("Device/{device}")) }]);
        }
        self.resources.push(with(start("Procedure", &id, Some("us-core-procedure")), members));
        visit.say(format!("Procedure: {}.", kind.words));
        id
    }

    fn implant(&mut self, key: &str, on: Day) -> String {
        let implant = &self.tables.implants[key];
        let id = self.id();
        let draw = hash(&[self.seed, 77, on.0 as u64]);
        let (lot, serial) = (format!("L{:05}", draw % 100_000), format!("S{:08}", draw >> 20 & 0x3FF_FFFF));
        let (made, expires) = (on.plus(-200 - (draw % 300) as i32), on.plus(900 + (draw % 500) as i32));
        let short = |day: Day| {
            let (year, month, day) = day.civil();
            format!("{:02}{month:02}{day:02}", year % 100)
        };
        let carrier =
            format!("(01){}(11){}(17){}(10){lot}(21){serial}", implant.identifier, short(made), short(expires));
        let members = json!({
            "udiCarrier": [{ "deviceIdentifier": implant.identifier, "issuer": "http://hl7.org/fhir/NamingSystem/gs1-di", "carrierHRF": carrier }],
            "status": "active",
            "distinctIdentifier": lot,
            "manufacturer": implant.maker,
            "manufactureDate": made.iso(),
            "expirationDate": expires.iso(),
            "lotNumber": lot,
            "serialNumber": serial,
            "deviceName": [{ "name": implant.words, "type": "user-friendly-name" }],
            "type": concept(SNOMED, implant.code, implant.words),
            "patient": self.subject(),
        });
        self.resources.push(with(start("Device", &id, Some("us-core-implantable-device")), members));
        id
    }

    pub(super) fn immunization(&mut self, visit: &Visit, vaccine: &super::tables::Vaccine, dose: u32, refused: bool) {
        if !self.wants(visit.site) {
            return;
        }
        let id = self.id();
        let draw = hash(&[self.seed, 78, self.count]);
        let mut members = json!({
            "status": if refused { "not-done" } else { "completed" },
            "vaccineCode": concept(CVX, vaccine.code, vaccine.words),
            "patient": self.subject(),
            "encounter": to(visit.reference()),
            "occurrenceDateTime": visit.start.iso(),
            "primarySource": true,
            "location": to(format!("Location/{}", self.staff(visit.staff).location)),
        });
        if refused {
            members["statusReason"] = hl7("v3-ActReason", "PATOBJ", "patient objection");
        } else {
            let (route, words) = match vaccine.route {
                "SC" => ("SQ", "Injection, subcutaneous"),
                "PO" => ("PO", "Swallow, oral"),
                _ => ("IM", "Injection, intramuscular"),
            };
            members["lotNumber"] =
                format!("{}{:05}", vaccine.maker.chars().next().unwrap_or('X'), draw % 90_000 + 10_000).into();
            members["expirationDate"] = visit.start.day.plus(60 + (draw % 400) as i32).iso().into();
            members["manufacturer"] = json!({ "identifier": { "system": "http://hl7.org/fhir/sid/mvx", "value": vaccine.maker }, "display": vaccine.maker });
            if vaccine.route != "PO" {
                members["site"] = hl7(
                    "v3-ActSite",
                    if draw & 1 == 0 { "LA" } else { "RA" },
                    if draw & 1 == 0 { "left arm" } else { "right arm" },
                );
            }
            members["route"] = hl7("v3-RouteOfAdministration", route, words);
            members["performer"] = json!([{ "actor": self.practitioner(visit.staff) }]);
            members["protocolApplied"] = json!([{ "doseNumberPositiveInt": dose }]);
        }
        self.resources.push(with(start("Immunization", &id, Some("us-core-immunization")), members));
    }

    /// A laboratory report with its results; the values come in the order of the panel's tests.
    pub(super) fn laboratory(
        &mut self,
        visit: &Visit,
        panel: &Panel,
        values: &[Option<f64>],
        status: &str,
        specimen: bool,
    ) {
        if !self.wants(visit.site) {
            return;
        }
        let drawn = visit.start.plus_minutes(25);
        let issued = drawn.plus_minutes(if visit.class == AMBULATORY { 420 } else { 55 });
        let urine = panel.key == "uacr";
        let specimen = specimen.then(|| {
            let id = self.id();
            let kind = if urine { ("122575003", "Urine specimen") } else { ("119297000", "Blood specimen") };
            let members = json!({
                "status": "available",
                "type": concept(SNOMED, kind.0, kind.1),
                "subject": self.subject(),
                "collection": { "collectedDateTime": drawn.iso() },
            });
            self.resources.push(with(start("Specimen", &id, Some("us-core-specimen")), members));
            id
        });
        let mut results = Vec::new();
        for (lab, value) in panel.labs.iter().zip(values) {
            let Some(value) = *value else { continue };
            let mut members = json!({ "issued": issued.iso(), "performer": [to("Organization/laboratory")] });
            members["valueQuantity"] = quantity(value, lab.decimals, lab.unit, lab.ucum);
            let shown: f64 = format!("{value:.*}", lab.decimals).parse().unwrap_or(value);
            let flag = match (lab.low, lab.high) {
                (Some(low), _) if shown < low => ("L", "Low"),
                (_, Some(high)) if shown > high => ("H", "High"),
                _ => ("N", "Normal"),
            };
            members["interpretation"] = json!([hl7("v3-ObservationInterpretation", flag.0, flag.1)]);
            if let Some(id) = &specimen {
                members["specimen"] = to(format!("Specimen/{id}"));
            }
            let mut range = json!({});
            if let Some(low) = lab.low {
                range["low"] = quantity(low, lab.decimals, lab.unit, lab.ucum);
            }
            if let Some(high) = lab.high {
                range["high"] = quantity(high, lab.decimals, lab.unit, lab.ucum);
            }
            members["referenceRange"] = json!([range]);
            let what = Observed {
                category: "laboratory",
                profile: "us-core-observation-lab",
                code: concept(LOINC, lab.code, lab.words),
                members,
                status,
            };
            results.push(to(format!("Observation/{}", self.observation(visit, drawn, what))));
        }
        let id = self.id();
        let mut members = json!({
            "status": status,
            "category": [hl7("v2-0074", "LAB", "Laboratory")],
            "code": concept(LOINC, panel.code, panel.words),
            "subject": self.subject(),
            "encounter": to(visit.reference()),
            "effectiveDateTime": drawn.iso(),
            "issued": issued.iso(),
            "performer": [to("Organization/laboratory")],
        });
        if let Some(id) = &specimen {
            members["specimen"] = json!([to(format!("Specimen/{id}"))]);
        }
        members["result"] = results.into();
        self.resources.push(with(start("DiagnosticReport", &id, Some("us-core-diagnosticreport-lab")), members));
    }

    /// An order. Returns its id, empty when it is not of this chart.
    pub(super) fn request(
        &mut self,
        visit: &Visit,
        code: &Value,
        category: (&str, &str),
        status: &str,
        when: Moment,
    ) -> String {
        if !self.wants(visit.site) {
            return String::new();
        }
        let id = self.id();
        let members = json!({
            "status": status,
            "intent": "order",
            "category": [coded(SNOMED, category.0, category.1)],
            "code": code,
            "subject": self.subject(),
            "encounter": to(visit.reference()),
            "occurrenceDateTime": when.iso(),
            "authoredOn": visit.start.iso(),
            "requester": self.practitioner(visit.staff),
        });
        self.resources.push(with(start("ServiceRequest", &id, Some("us-core-servicerequest")), members));
        id
    }

    /// Writes what was said during the visit as a note.
    pub(super) fn note(&mut self, visit: &Visit, kind: (&str, &str), written: Moment) {
        if !self.wants(visit.site) {
            return;
        }
        let staff = self.staff(visit.staff);
        let text = format!(
            "{}\n{}, {}\n\nReason: {}\n\n{}\n\nSigned: {} {}, {}\n",
            kind.1,
            self.org.name(),
            visit.start.day.iso(),
            visit.reason,
            visit.lines.join("\n"),
            staff.given,
            staff.family,
            staff.suffix
        );
        let author = self.practitioner(visit.staff);
        self.document(visit.site, Some(visit), kind, &text, written, author);
    }

    pub(super) fn document(
        &mut self,
        site: Org,
        visit: Option<&Visit>,
        kind: (&str, &str),
        text: &str,
        at: Moment,
        author: Value,
    ) -> String {
        if !self.wants(site) {
            return String::new();
        }
        let id = self.id();
        let mut members = json!({
            "identifier": [{ "system": format!("{}/document", self.org.url()), "value": format!("D{}", &id[..8]) }],
            "status": "current",
            "docStatus": "final",
            "type": concept(LOINC, kind.0, kind.1),
            "category": [coded("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note", "Clinical Note")],
            "subject": self.subject(),
            "date": at.iso(),
            "author": [author],
            "custodian": to(format!("Organization/{}", self.org.key())),
            "content": [{
                "attachment": attachment(kind.1, text, &at.iso()),
                "format": { "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient", "display": "mimeType Sufficient" },
            }],
        });
        if let Some(visit) = visit {
            members["context"] = json!({ "encounter": [to(visit.reference())], "period": { "start": visit.start.iso(), "end": visit.end.iso() } });
        }
        self.resources.push(with(start("DocumentReference", &id, Some("us-core-documentreference")), members));
        id
    }
}

fn dosage(drug: &Drug, begun: Day) -> Value {
    let mut repeat = json!({});
    if drug.days > 0 {
        repeat["boundsPeriod"] = json!({ "start": begun.iso(), "end": begun.plus(drug.days).iso() });
    }
    repeat["frequency"] = drug.times.0.into();
    repeat["period"] = 1.into();
    repeat["periodUnit"] = drug.times.1.into();
    let mut dosage = json!({ "sequence": 1, "text": drug.directions, "timing": { "repeat": repeat } });
    if let Some(reason) = drug.as_needed {
        dosage["asNeededCodeableConcept"] = json!({ "text": reason });
    }
    dosage["route"] = coded(SNOMED, drug.route.0, drug.route.1);
    dosage["doseAndRate"] = json!([{ "doseQuantity": quantity(f64::from(drug.dose.0), 0, drug.dose.1, drug.dose.2) }]);
    dosage
}

fn category_words(code: &str) -> &'static str {
    match code {
        "vital-signs" => "Vital Signs",
        "laboratory" => "Laboratory",
        "social-history" => "Social History",
        _ => "Survey",
    }
}
