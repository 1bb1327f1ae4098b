//! Vital signs become observations (US Core 6.1 vital signs profiles): one for each measure, blood pressure as one with
//! two parts, oxygen flow as a part of saturation; body mass index and body surface worked out of weight and height.

use super::measures::{Measure, Way, measure_of};
use super::typed::{Before, Taken, Value as Measured, number, rounded, unit_of, valued};
use super::{key, limits, measured};
use crate::act::{Act, ActError, Pen, Written, moment};
use crate::ask;
use crate::chart::element::{list, text};
use crate::shapes::{LOINC, OBSERVATION_CATEGORY, SNOMED, UCUM, US_CORE};
use fhir::{Id, Key, Value};
use serde_json::{Number, json};

const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
const POSITION: &str = "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition";
const YEAR: f64 = 365.25 * 86_400_000.0;

/// Body mass index and body surface: (LOINC, words, profile, unit).
const BMI: (&str, &str, &str, &str) = ("39156-5", "Body mass index", "us-core-bmi", "kg/m2");
const SURFACE: (&str, &str, &str, &str) = ("3140-1", "Body surface area, by formula", "us-core-vital-signs", "m2");

/// kg/m².
pub(crate) fn body_mass_index(kg: f64, cm: f64) -> f64 {
    kg / (cm * cm / 10_000.0)
}

/// Square metres, after Mosteller (N Engl J Med 1987;317:1098).
pub(crate) fn body_surface(kg: f64, cm: f64) -> f64 {
    (kg * cm / 3600.0).sqrt()
}

/// Writes a set: the act is given the key of the form, and the draft that goes with it.
pub async fn take(
    pen: &Pen<'_>,
    patient: &Id,
    taken: &Taken,
    years: Option<f64>,
    before: &[Before],
    visit: Option<&Id>,
    mut act: Act,
) -> Result<Written, ActError> {
    let frame = Frame { pen, patient, at: moment(taken.at.unwrap_or(pen.now)), visit };
    let mut of_body: Vec<(&str, f64, Option<Key>)> = Vec::new();
    for value in &taken.values {
        let mut it = match value.measure.key {
            // Halves of another.
            "diastolic" | "oxygen" => continue,
            "systolic" => frame.pressure(taken),
            _ => frame.single(value),
        };
        match value.measure.key {
            "systolic" => placed(&mut it, taken.site, taken.position),
            "pulse" => placed(&mut it, None, taken.position),
            "temperature" => placed(&mut it, taken.route, None),
            "saturation" => frame.with_oxygen(&mut it, taken),
            _ => {}
        }
        if let Some(note) = &taken.note {
            it["note"] = json!([{ "text": note, "time": pen.moment() }]);
        }
        let key = act.create(pen, it);
        if matches!(value.measure.key, "weight" | "height") {
            of_body.push((value.measure.key, value.number, Some(key)));
        }
    }
    if !of_body.is_empty() {
        of_body.extend(before.iter().filter(|it| lasting(it, years, pen.now)).map(|it| (it.key, it.number, None)));
        let find = |key: &str| of_body.iter().find(|(it, ..)| *it == key);
        if let (Some((_, kg, weight)), Some((_, cm, height))) = (find("weight"), find("height")) {
            let from: Vec<&Key> = weight.iter().chain(height).collect();
            frame.worked_out(*kg, *cm, &from).into_iter().for_each(|it| drop(act.create(pen, it)));
        }
    }
    pen.commit(act).await
}

/// Whether a weight or height from before still counts: of grown people for long, of children not.
fn lasting(before: &Before, years: Option<f64>, now: i64) -> bool {
    let age = (now / 1000 - before.at) as f64;
    let most = match (before.key, years) {
        ("height", Some(18.0..)) => 5.0 * YEAR,
        ("height" | "weight", Some(2.0..)) => 0.25 * YEAR,
        ("height" | "weight", Some(_)) => 0.02 * YEAR,
        _ => return false,
    };
    (0.0..=most).contains(&age)
}

/// What all observations of a set share.
struct Frame<'a> {
    pen: &'a Pen<'a>,
    patient: &'a Id,
    at: String,
    visit: Option<&'a Id>,
}

impl Frame<'_> {
    fn observation(&self, profile: &str, code: Value) -> Value {
        let mut it = json!({
            "resourceType": "Observation",
            "meta": { "profile": [format!("{US_CORE}{profile}")] },
            "status": "final",
            "category": [{ "coding": [{ "system": OBSERVATION_CATEGORY, "code": "vital-signs", "display": "Vital signs" }] }],
            "code": code,
            "subject": { "reference": format!("Patient/{}", self.patient) },
            "effectiveDateTime": self.at,
            "issued": self.pen.moment(),
            "performer": [self.pen.who()],
        });
        if let Some(visit) = self.visit {
            it["encounter"] = json!({ "reference": format!("Encounter/{visit}") });
        }
        it
    }

    fn single(&self, value: &Measured) -> Value {
        let mut it = self.observation(value.measure.profile, code(value.measure));
        put(&mut it, value);
        it
    }

    fn pressure(&self, taken: &Taken) -> Value {
        let pair = json!({ "coding": [{ "system": LOINC, "code": "85354-9", "display": "Blood pressure panel" }], "text": "Blood pressure" });
        let mut it = self.observation("us-core-blood-pressure", pair);
        let parts: Vec<Value> = ["systolic", "diastolic"].iter().filter_map(|key| taken.value(key)).map(part).collect();
        it["component"] = Value::Array(parts);
        it
    }

    fn with_oxygen(&self, it: &mut Value, taken: &Taken) {
        if let Some(flow) = taken.value("oxygen") {
            it["component"] = json!([part(flow)]);
        }
    }

    fn worked_out(&self, kg: f64, cm: f64, from: &[&Key]) -> Vec<Value> {
        let derived: Vec<Value> = from.iter().map(|it| json!({ "reference": it.to_string() })).collect();
        let all = [(BMI, rounded(body_mass_index(kg, cm), 1)), (SURFACE, rounded(body_surface(kg, cm), 2))];
        let made = all.into_iter().map(|((code, words, profile, unit), value)| {
            let concept = json!({ "coding": [{ "system": LOINC, "code": code, "display": words }], "text": words });
            let mut it = self.observation(profile, concept);
            it["valueQuantity"] = quantity(&value, unit, unit);
            it["derivedFrom"] = Value::Array(derived.clone());
            it
        });
        made.collect()
    }
}

fn code(measure: &Measure) -> Value {
    let mut coding = vec![json!({ "system": LOINC, "code": measure.code, "display": measure.display })];
    if measure.key == "saturation" {
        // US Core Pulse Oximetry asks for both.
        coding.push(json!({ "system": LOINC, "code": "2708-6", "display": "Oxygen saturation in arterial blood" }));
    }
    json!({ "coding": coding, "text": measure.display })
}

fn quantity(shown: &str, unit: &str, ucum: &str) -> Value {
    let number: Number = shown.parse().expect("a value that was judged is a number");
    json!({ "value": number, "unit": unit, "system": UCUM, "code": ucum })
}

fn part(value: &Measured) -> Value {
    let mut it = json!({ "code": code(value.measure) });
    put(&mut it, value);
    it
}

/// The value with what is usual and where it lies.
fn put(it: &mut Value, value: &Measured) {
    let unit = &value.measure.units[0];
    it["valueQuantity"] = quantity(&value.shown, unit.shown, unit.ucum);
    let members = it.as_object_mut().expect("an observation is an object");
    members.remove("interpretation");
    members.remove("referenceRange");
    let Some((low, high)) = value.usual else { return };
    let bound = |it: f64| quantity(&rounded(it, 1), unit.shown, unit.ucum);
    let (letter, words) = match value.side {
        1 => ("H", "High"),
        -1 => ("L", "Low"),
        _ => ("N", "Normal"),
    };
    it["interpretation"] = json!([{ "coding": [{ "system": INTERPRETATION, "code": letter, "display": words }] }]);
    it["referenceRange"] = json!([{ "low": bound(low), "high": bound(high) }]);
}

fn placed(it: &mut Value, site: Option<Way>, position: Option<Way>) {
    let concept = |(_, words, code): Way| match code {
        Some(code) => json!({ "coding": [{ "system": SNOMED, "code": code, "display": words }], "text": words }),
        None => json!({ "text": words }),
    };
    if let Some(site) = site {
        it["bodySite"] = concept(site);
    }
    if let Some(position) = position {
        it["extension"] = json!([{ "url": POSITION, "valueCodeableConcept": concept(position) }]);
    }
}

/// A value of an observation that is to be another.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction<'a> {
    /// The key of a measure.
    pub measure: &'a str,
    pub words: &'a str,
    pub unit: Option<&'a str>,
}

/// Writes the next version of an observation with other values, and of what was worked out of it. `None` when a
/// value cannot be, or when the observation does not have it.
pub async fn correct(
    pen: &Pen<'_>,
    patient: &Id,
    id: &Id,
    version: u64,
    years: Option<f64>,
    corrections: &[Correction<'_>],
    act: Act,
) -> Result<Option<Written>, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, patient, "Observation", id).await?;
    let mut act = act;
    for it in corrections {
        let Some(corrected) = read(it, years) else { return Ok(None) };
        let Some(place) = place_of(&mut value, corrected.measure) else { return Ok(None) };
        put(place, &corrected);
    }
    value["status"] = json!("corrected");
    value["issued"] = json!(pen.moment());
    let now: Vec<(&str, f64)> = measured(&value).collect();
    for (mut derived, version, of) in derived(pen, patient, id).await? {
        let body = |key: &str| now.iter().chain(&of).find(|(it, _)| *it == key).map(|(_, number)| *number);
        let (Some(kg), Some(cm)) = (body("weight"), body("height")) else { continue };
        let shown = match coding(&derived) {
            Some(code) if code == BMI.0 => rounded(body_mass_index(kg, cm), 1),
            Some(code) if code == SURFACE.0 => rounded(body_surface(kg, cm), 2),
            _ => continue,
        };
        let unit = text(&derived, &["valueQuantity", "code"]).unwrap_or_default().to_owned();
        derived["valueQuantity"] = quantity(&shown, &unit, &unit);
        derived["status"] = json!("corrected");
        if let Some(id) = text(&derived, &["id"]).and_then(Id::parse) {
            act.update(key(&id), version, derived);
        }
    }
    act.update(key(id), version, value);
    pen.commit(act).await.map(Some)
}

/// Marks an observation, and what was worked out of it, as entered in error: it stays in the record as a mistake.
pub async fn mistaken(pen: &Pen<'_>, patient: &Id, id: &Id, version: u64, act: Act) -> Result<Written, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, patient, "Observation", id).await?;
    let mut act = act;
    value["status"] = json!("entered-in-error");
    for (mut derived, version, _) in derived(pen, patient, id).await? {
        derived["status"] = json!("entered-in-error");
        if let Some(id) = text(&derived, &["id"]).and_then(Id::parse) {
            act.update(key(&id), version, derived);
        }
    }
    act.update(key(id), version, value);
    pen.commit(act).await
}

fn read(correction: &Correction<'_>, years: Option<f64>) -> Option<Measured> {
    let measure = measure_of(correction.measure)?;
    let unit = unit_of(measure, correction.unit);
    let stored = unit.stored(number(correction.words)?);
    let (low, high) = limits::absolute(measure.key);
    (low..=high).contains(&stored).then(|| valued(measure, unit, stored, correction.words, years))
}

/// The observation or the part of it that holds a measure.
fn place_of<'a>(observation: &'a mut Value, measure: &Measure) -> Option<&'a mut Value> {
    let is = |it: &Value| {
        it.get("code").is_some_and(|it| list(it, "coding").iter().any(|it| text(it, &["code"]) == Some(measure.code)))
    };
    if is(observation) {
        return Some(observation);
    }
    observation.get_mut("component")?.as_array_mut()?.iter_mut().find(|it| is(it))
}

fn coding(observation: &Value) -> Option<&str> {
    text(observation, &["code", "coding", "code"])
}

type Derived = (Value, u64, Vec<(&'static str, f64)>);

/// What was worked out of an observation, with its version and with the other values it was worked out of.
async fn derived(pen: &Pen<'_>, patient: &Id, id: &Id) -> Result<Vec<Derived>, ActError> {
    let asked = [("patient", format!("Patient/{patient}")), ("derived-from", format!("Observation/{id}"))];
    let rows = ask::matches(pen.store(), pen.caller, "Observation", &asked, 10).await?;
    let mut all = Vec::new();
    for row in rows.rows {
        let mut others = Vec::new();
        for source in list(&row.value, "derivedFrom") {
            let Some(key) = text(source, &["reference"]).and_then(Key::parse).filter(|it| it.id != *id) else {
                continue;
            };
            let (value, _) = ask::own(pen.store(), pen.caller, patient, "Observation", &key.id).await?;
            others.extend(measured(&value));
        }
        // One of the two may be from another day: what the index says of it is worked back.
        if let Some((number, _)) =
            crate::chart::element::at(&row.value, &["valueQuantity", "value"]).and_then(crate::chart::element::decimal)
            && others.is_empty()
        {
            others.extend(worked_back(pen, patient, &row.value, id, number).await?);
        }
        let version = ask::version(&row.value);
        all.push((row.value, version, others));
    }
    Ok(all)
}

/// The other value of a body mass index or body surface of which only one source is named.
async fn worked_back(
    pen: &Pen<'_>,
    patient: &Id,
    derived: &Value,
    source: &Id,
    number: f64,
) -> Result<Vec<(&'static str, f64)>, ActError> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, "Observation", source).await?;
    let known: Vec<(&'static str, f64)> = measured(&value).collect();
    let other = match (coding(derived), known.as_slice()) {
        (Some(code), [("weight", kg)]) if code == BMI.0 => ("height", (kg / number).sqrt() * 100.0),
        (Some(code), [("height", cm)]) if code == BMI.0 => ("weight", number * cm * cm / 10_000.0),
        (Some(code), [("weight", kg)]) if code == SURFACE.0 => ("height", number * number * 3600.0 / kg),
        (Some(code), [("height", cm)]) if code == SURFACE.0 => ("weight", number * number * 3600.0 / cm),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![other])
}
