//! A few hundred small resources that differ in everything searches look at: names of several scripts, partial
//! dates, open periods, units that convert, references of every form, codes in and out of case.

use crate::dice::Dice;
use fhir::Value;
use serde_json::json;

const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";
const FAMILIES: [&str; 12] = [
    "Núñez",
    "Nunn",
    "O'Brien",
    "Smith-Jones",
    "van der Berg",
    "Иванов",
    "李",
    "Ødegård",
    "Straße",
    "NUNEZ",
    "al-Amin",
    "100% Real_Name!",
];
const GIVENS: [&str; 8] = ["Ana", "ANA María", "Peter", "Jörg", "Пётр", "J.", "Ngọc", "Zoë-Lynn"];
const DATES: [&str; 12] = [
    "1970",
    "1970-05",
    "1970-05-09",
    "1980-12-31",
    "2000-02-29",
    "1999-12-31",
    "2015-02-07T13:28:17+02:00",
    "2015-02-07T11:28:17Z",
    "2015-02-07T13:28:17.239-05:00",
    "2026-01-01",
    "2015-02",
    "2015",
];
const CODES: [(&str, &str, &str); 8] = [
    (LOINC, "8480-6", "Systolic blood pressure"),
    (LOINC, "8462-4", "Diastolic blood pressure"),
    (LOINC, "2339-0", "Glucose [Mass/volume] in Blood"),
    (LOINC, "29463-7", "Body weight"),
    ("http://snomed.info/sct", "44054006", "Diabetes mellitus type 2"),
    ("http://snomed.info/sct", "38341003", "Hypertension"),
    ("http://local.example/codes", "ABC", "Local (first)"),
    ("http://local.example/codes", "abc", "Local, second"),
];
const AMOUNTS: [(&str, &str, &str); 8] = [
    ("5.4", "mg/dL", "mg/dl"),
    ("54", "mg/L", "mg/L"),
    ("120", "mm[Hg]", "mmHg"),
    ("120.0", "mm[Hg]", "mm Hg"),
    ("80.5", "kg", "kg"),
    ("80500", "g", "grams"),
    ("-2", "Cel", "°C"),
    ("0.005", "g/dL", "g/dl"),
];

/// All of them, in an order in which what is referred to may come later.
pub(crate) fn people(dice: &mut Dice) -> Vec<Value> {
    let mut all = Vec::new();
    (0..8).for_each(|at| all.push(organization(dice, at)));
    (0..10).for_each(|at| all.push(practitioner(dice, at)));
    (0..40).for_each(|at| all.push(patient(dice, at)));
    (0..40).for_each(|at| all.push(encounter(dice, at)));
    (0..120).for_each(|at| all.push(observation(dice, at)));
    (0..40).for_each(|at| all.push(condition(dice, at)));
    (0..30).for_each(|at| all.push(request(dice, at)));
    (0..10).for_each(|at| all.push(risk(dice, at)));
    (0..5).for_each(|at| all.push(list(dice, at)));
    all
}

/// Half of the time nothing.
fn maybe(dice: &mut Dice, into: &mut Value, name: &str, value: impl FnOnce(&mut Dice) -> Value) {
    if !dice.one_in(2) {
        into[name] = value(dice);
    }
}

fn concept(dice: &mut Dice) -> Value {
    let (system, code, display) = dice.pick(&CODES);
    match dice.below(5) {
        0 => json!({"text": display}),
        1 => json!({"coding": [{"code": code}], "text": "as told by the patient"}),
        2 => {
            json!({"coding": [{"system": system, "code": code}, {"system": LOINC, "code": "1-8", "display": "Other"}]})
        }
        _ => json!({"coding": [{"system": system, "code": code, "display": display}]}),
    }
}

fn reference(dice: &mut Dice, kind: &str, count: usize) -> Value {
    let id = format!("{}{}", kind.to_lowercase(), dice.below(count + 2));
    match dice.below(8) {
        0 => json!({"reference": format!("http://here.example/fhir/{kind}/{id}")}),
        1 => json!({"reference": format!("http://there.example/fhir/{kind}/{id}")}),
        2 => json!({"reference": format!("{kind}/{id}/_history/1")}),
        3 => json!({"identifier": {"system": "urn:ids", "value": id}, "display": "somebody"}),
        _ => json!({"reference": format!("{kind}/{id}")}),
    }
}

fn date(dice: &mut Dice) -> Value {
    dice.pick(&DATES).into()
}

fn period(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"start": date(dice)}),
        1 => json!({"end": date(dice)}),
        _ => json!({"start": "1999-12-31", "end": "2015-02-07T13:28:17+02:00"}),
    }
}

fn amount(dice: &mut Dice) -> Value {
    let (value, code, unit) = dice.pick(&AMOUNTS);
    let value: Value = serde_json::from_str(value).unwrap();
    match dice.below(4) {
        0 => json!({"value": value, "unit": unit}),
        1 => json!({"value": value}),
        _ => json!({"value": value, "unit": unit, "system": UCUM, "code": code}),
    }
}

fn narrative(dice: &mut Dice) -> Value {
    let text = dice.pick(&["Fever &amp; <b>cough</b>", "fevers since Monday", "No cough. Núñez", "x-ray: clear"]);
    json!({"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>")})
}

fn named(dice: &mut Dice, kind: &str, at: usize) -> Value {
    let mut it = json!({"resourceType": kind, "id": format!("{}{at}", kind.to_lowercase())});
    maybe(dice, &mut it, "text", narrative);
    maybe(dice, &mut it, "meta", |dice| {
        json!({"tag": [{"system": "urn:tags", "code": dice.pick(&["red", "RED", "blue"])}], "source": "http://lab.example/feed#1",
               "profile": [dice.pick(&["http://p.example/a", "http://p.example/a|1.0", "http://p.example/ab"])]})
    });
    it
}

fn organization(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Organization", at);
    it["name"] = format!("{} Clinic (north)", dice.pick(&FAMILIES)).into();
    maybe(dice, &mut it, "partOf", |dice| reference(dice, "Organization", 8));
    it
}

fn practitioner(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Practitioner", at);
    it["name"] = json!([{"family": dice.pick(&FAMILIES), "given": [dice.pick(&GIVENS)], "prefix": ["Dr."]}]);
    it
}

fn patient(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Patient", at);
    it["name"] = json!([{"family": dice.pick(&FAMILIES), "given": [dice.pick(&GIVENS), dice.pick(&GIVENS)]}]);
    maybe(dice, &mut it, "birthDate", |dice| dice.pick(&DATES[..6]).into());
    maybe(dice, &mut it, "gender", |dice| ["male", "female", "unknown"][dice.below(3)].into());
    maybe(dice, &mut it, "active", |dice| dice.one_in(2).into());
    maybe(dice, &mut it, "identifier", |dice| {
        json!([{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                "system": "urn:ids", "value": format!("A|{},{}", dice.below(9), dice.below(3))}])
    });
    maybe(
        dice,
        &mut it,
        "address",
        |dice| json!([{"line": ["12 Long Rd."], "city": dice.pick(&["Ávila", "Avignon"]), "country": "ES"}]),
    );
    maybe(
        dice,
        &mut it,
        "telecom",
        |_| json!([{"system": "phone", "value": "+34 555"}, {"system": "email", "value": "A@b.c"}]),
    );
    maybe(dice, &mut it, "generalPractitioner", |dice| json!([reference(dice, "Practitioner", 10)]));
    maybe(dice, &mut it, "managingOrganization", |dice| reference(dice, "Organization", 8));
    it
}

fn encounter(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Encounter", at);
    it["status"] = ["finished", "planned"][dice.below(2)].into();
    it["class"] = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"});
    maybe(dice, &mut it, "period", period);
    maybe(dice, &mut it, "subject", |dice| reference(dice, "Patient", 40));
    maybe(dice, &mut it, "participant", |dice| json!([{"individual": reference(dice, "Practitioner", 10)}]));
    maybe(dice, &mut it, "length", |_| json!({"value": 90, "unit": "min", "system": UCUM, "code": "min"}));
    it
}

fn observation(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Observation", at);
    it["status"] = ["final", "amended"][dice.below(2)].into();
    it["code"] = concept(dice);
    maybe(dice, &mut it, "subject", |dice| reference(dice, "Patient", 40));
    maybe(dice, &mut it, "encounter", |dice| reference(dice, "Encounter", 40));
    maybe(dice, &mut it, "performer", |dice| json!([reference(dice, "Practitioner", 10)]));
    match dice.below(3) {
        0 => it["effectiveDateTime"] = date(dice),
        1 => it["effectivePeriod"] = period(dice),
        _ => {}
    }
    match dice.below(5) {
        0 => it["valueCodeableConcept"] = concept(dice),
        1 => it["valueString"] = "Reddish, cloudy".into(),
        2 | 3 => it["valueQuantity"] = amount(dice),
        _ => {
            let part = |dice: &mut Dice| json!({"code": concept(dice), "valueQuantity": amount(dice)});
            it["component"] = json!([part(dice), part(dice)]);
        }
    }
    it
}

fn condition(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "Condition", at);
    it["code"] = concept(dice);
    it["subject"] = reference(dice, "Patient", 40);
    maybe(dice, &mut it, "encounter", |dice| reference(dice, "Encounter", 40));
    maybe(dice, &mut it, "onsetAge", |_| json!({"value": 40, "unit": "years", "system": UCUM, "code": "a"}));
    maybe(dice, &mut it, "recordedDate", date);
    maybe(dice, &mut it, "abatementString", |_| "around Easter".into());
    it
}

fn request(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "MedicationRequest", at);
    it["status"] = "active".into();
    it["intent"] = "order".into();
    it["medicationCodeableConcept"] = concept(dice);
    it["subject"] = reference(dice, "Patient", 40);
    maybe(dice, &mut it, "authoredOn", date);
    maybe(dice, &mut it, "requester", |dice| reference(dice, "Practitioner", 10));
    it
}

fn risk(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "RiskAssessment", at);
    it["status"] = "final".into();
    it["subject"] = reference(dice, "Patient", 40);
    let odds: Value = serde_json::from_str(dice.pick(&["0.5", "0.50", "12", "1e-3"])).unwrap();
    it["prediction"] = json!([{"probabilityDecimal": odds}]);
    it
}

fn list(dice: &mut Dice, at: usize) -> Value {
    let mut it = named(dice, "List", at);
    it["status"] = "current".into();
    it["mode"] = "working".into();
    let items: Vec<Value> = (0..5).map(|_| json!({"item": reference(dice, "Patient", 40)})).collect();
    it["entry"] = items.into();
    it
}
