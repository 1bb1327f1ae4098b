//! P: how long the server takes for each page of a chart, of a patient with 5,000 resources among many others. One client
//! who signed in as a clinician, one page after the other, as somebody does who works.

use super::measure::{Job, Run, drive, percentile};
use crate::http::Target;
use crate::machine;
use crate::matrix::doors::{self, Login};
use crate::matrix::world::World;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// What the design allows: 95 of 100 answers within this, in milliseconds.
const LIMIT: f64 = 50.0;
const RESOURCES: usize = 5_000;
const PATIENT: &str = "heavy-chart";
/// How often each page is asked for, after it was asked for twice without being timed.
const TIMES: usize = 40;
const WARM: usize = 2;

/// Pages of a chart, as ends of its address.
const PAGES: [&str; 22] = [
    "",
    "/problems",
    "/medications",
    "/allergies",
    "/results",
    "/results/2823-3",
    "/vitals",
    "/vitals/29463-7",
    "/vitals/new",
    "/immunizations",
    "/encounters",
    "/documents",
    "/timeline",
    "/growth",
    "/history",
    "/care",
    "/orders",
    "/basket",
    "/gaps",
    "/notes",
    "/reconcile",
    "/message",
];

/// The tests of the laboratory: code, name, unit, usual value.
const TESTS: [(&str, &str, &str, f64); 12] = [
    ("2823-3", "Potassium", "mmol/L", 4.2),
    ("2951-2", "Sodium", "mmol/L", 139.0),
    ("2160-0", "Creatinine", "mg/dL", 0.9),
    ("3094-0", "Urea nitrogen", "mg/dL", 14.0),
    ("2345-7", "Glucose", "mg/dL", 96.0),
    ("4548-4", "Hemoglobin A1c", "%", 6.4),
    ("718-7", "Hemoglobin", "g/dL", 13.9),
    ("4544-3", "Hematocrit", "%", 41.0),
    ("6690-2", "Leukocytes", "10*3/uL", 6.8),
    ("777-3", "Platelets", "10*3/uL", 240.0),
    ("2093-3", "Cholesterol", "mg/dL", 188.0),
    ("13457-7", "Cholesterol in LDL", "mg/dL", 110.0),
];

/// What was measured of one page.
pub struct Measured {
    page: &'static str,
    p50: f64,
    p95: f64,
}

pub struct Pages {
    patients: usize,
    measured: Vec<Measured>,
}

pub fn run(binary: &Path, patients: usize) -> Result<Pages, String> {
    let world = World::of(binary, None, patients)?;
    world.plant(&world.near, chart())?;
    let login: &Login = world.near.login("clinician", 0).ok_or("the demo has no clinician")?;
    let session = crate::program::runtime()?.block_on(doors::sign_in(&world.root, &world.near.slug, login))?;
    let target = Target { headers: doors::cookie(&session), ..world.root.clone() };
    let base = format!("/{}/patients/{PATIENT}", world.near.slug);
    let ask = |times: usize| -> Result<Run, String> {
        let base = base.clone();
        let mut next = (0..times * PAGES.len()).map(move |at| at % PAGES.len());
        drive(&target, &[world.process()], 1, None, PAGES.len(), move || {
            let kind = next.next()?;
            Some(Job { kind, method: "GET", path: format!("{base}{}", PAGES[kind]), body: None, weight: 1 })
        })
    };
    ask(WARM)?;
    let run = ask(TIMES)?;
    if let Some(refusal) = run.refusal {
        return Err(format!("a page was not shown: {refusal}"));
    }
    let measured = PAGES.iter().zip(&run.times).map(|(page, times)| Measured {
        page,
        p50: percentile(times, 50.0),
        p95: percentile(times, 95.0),
    });
    Ok(Pages { patients, measured: measured.collect() })
}

fn concept(system: &str, code: &str, words: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": words }], "text": words })
}

fn hl7(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code }] })
}

/// A day so many days before the middle of 2026, as FHIR writes moments.
fn day(before: usize) -> String {
    let date = jiff::civil::date(2026, 6, 15) - jiff::Span::new().days(before as i64);
    format!("{date}T09:30:00Z")
}

/// One long life: what a chart of decades holds of each kind, and the rest laboratory and vital signs.
fn chart() -> Vec<Value> {
    let subject = json!({ "reference": format!("Patient/{PATIENT}") });
    let mut all =
        vec![json!({ "resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1951-03-04",
        "name": [{ "family": "Abernathy", "given": ["Ruth"] }] })];
    let mut add = |kind: &str, at: usize, mut it: Value| {
        it["resourceType"] = kind.into();
        it["id"] = format!("heavy-{}-{at}", kind.to_lowercase()).into();
        let person = if matches!(kind, "AllergyIntolerance" | "Immunization") { "patient" } else { "subject" };
        it[person] = subject.clone();
        if it["meta"].is_null() {
            it.as_object_mut().expect("a resource").remove("meta");
        }
        all.push(it);
    };
    let origin = |at: usize| match at % 5 {
        0 => {
            json!({ "source": "urn:oid:2.16.840.1.113883.19.5#doc", "tag": [{ "system": "urn:continuo:origin", "code": "document", "display": "Lakeside General Hospital" }] })
        }
        _ => Value::Null,
    };
    for at in 0..20 {
        add(
            "AllergyIntolerance",
            at,
            json!({ "meta": origin(at), "code": { "text": format!("Substance {at}") }, "criticality": if at % 7 == 0 { "high" } else { "low" },
            "clinicalStatus": hl7("allergyintolerance-clinical", "active"), "verificationStatus": hl7("allergyintolerance-verification", "confirmed") }),
        );
    }
    for at in 0..120 {
        let status = if at % 3 == 0 { "active" } else { "resolved" };
        add(
            "Condition",
            at,
            json!({ "meta": origin(at), "code": { "text": format!("Problem number {at} of a long life") }, "onsetDateTime": &day(at * 60)[..10], "clinicalStatus": hl7("condition-clinical", status),
            "verificationStatus": hl7("condition-ver-status", "confirmed"), "category": [hl7("condition-category", "problem-list-item")] }),
        );
    }
    for at in 0..160 {
        let status = if at % 8 == 0 { "active" } else { "completed" };
        add(
            "MedicationRequest",
            at,
            json!({ "meta": origin(at), "status": status, "intent": "order", "authoredOn": day(at * 40), "medicationCodeableConcept": { "text": format!("Medicine {at} 10 mg tablet") },
            "dosageInstruction": [{ "text": "One tablet in the morning" }] }),
        );
    }
    for at in 0..400 {
        add(
            "Encounter",
            at,
            json!({ "status": "finished", "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
            "period": { "start": day(at * 20), "end": day(at * 20) }, "reasonCode": [{ "text": "Follow-up" }] }),
        );
    }
    for at in 0..80 {
        add(
            "Immunization",
            at,
            json!({ "meta": origin(at), "status": "completed", "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", "158", "Influenza vaccine"), "occurrenceDateTime": &day(at * 180)[..10] }),
        );
    }
    for at in 0..150 {
        add(
            "DocumentReference",
            at,
            json!({ "status": "current", "date": day(at * 50), "type": concept("http://loinc.org", "11506-3", "Progress note"), "description": format!("Note {at}"),
            "content": [{ "attachment": { "contentType": "text/plain", "data": "QSBub3RlLg==" } }] }),
        );
    }
    for at in 0..200 {
        add(
            "DiagnosticReport",
            at,
            json!({ "status": "final", "category": [hl7("v2-0074", "LAB")], "code": concept("http://loinc.org", "51990-0", "Basic metabolic panel"), "effectiveDateTime": day(at * 36), "issued": day(at * 36),
            "result": (0..8).map(|n| json!({ "reference": format!("Observation/heavy-observation-{}", at * 8 + n) })).collect::<Vec<_>>() }),
        );
    }
    let written = 1 + 20 + 120 + 160 + 400 + 80 + 150 + 200;
    for at in 0..RESOURCES - written {
        let wobble = 1.0 + ((at * 7) % 23) as f64 / 100.0;
        let (category, code, name, unit, value) = if at % 4 == 3 {
            ("vital-signs", "29463-7", "Body weight", "kg", 71.0)
        } else {
            let (code, name, unit, value) = TESTS[at % TESTS.len()];
            ("laboratory", code, name, unit, value)
        };
        add(
            "Observation",
            at,
            json!({ "meta": origin(at), "status": "final", "category": [hl7("observation-category", category)], "code": concept("http://loinc.org", code, name), "effectiveDateTime": day(at * 2),
            "valueQuantity": { "value": (value * wobble * 10.0).round() / 10.0, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit },
            "referenceRange": [{ "low": { "value": value * 0.9 }, "high": { "value": value * 1.1 } }] }),
        );
    }
    all
}

impl Pages {
    pub fn markdown(&self) -> String {
        format!(
            "# Pages of a chart\n\nWritten by `cargo xtask bench` (P). Machine: {}.\n\nMilliseconds until the whole page is there, one client who signed in as a clinician, {TIMES} times each, of a patient\nwith {RESOURCES} resources among {} people. The limit is {LIMIT} at p95.\n\n{}",
            machine::sentence(),
            self.patients,
            self.table()
        )
    }

    pub fn table(&self) -> String {
        let mut out = "| page | p50 | p95 |\n|---|---:|---:|\n".to_owned();
        for it in &self.measured {
            let name = if it.page.is_empty() { "summary" } else { it.page.trim_start_matches('/') };
            let over = if it.p95 > LIMIT { " **over**" } else { "" };
            let _ = writeln!(out, "| {name} | {} | {}{over} |", it.p50, it.p95);
        }
        out
    }
}
