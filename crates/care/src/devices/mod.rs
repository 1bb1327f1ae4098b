//! What patients measure at home: exports of HealthKit, lists of Health Connect and of anybody else (CSV), FHIR with IEEE
//! 11073 codes. Readings become Observations of the patient with their device, told once however often the same export
//! is brought; what lies beyond what is safe goes to the inbox. Numbers are never rounded and never guessed: a reading
//! whose unit is not known, or that nobody can have, is left out and counted.

mod export;
pub(crate) mod limits;
mod overview;
mod table;

pub use limits::CATEGORY as ALERT_LIMIT;
pub use overview::{Day, Overview, Trend, overview};

use crate::Organisation;
use crate::ask;
use crate::chart::element::{list, text};
use crate::exchange::door::{self, Arrival, DoorError};
use crate::exchange::origin::{Origin, Way};
use crate::inbox::{self, Priority};
use fhir::{Id, Key, ResourceType, Value};
use limits::Limits;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use store::{Action, Caller, Permit, Rights, StoreError};

/// What may be brought at most.
pub const LARGEST: usize = 64 * 1024 * 1024;
/// Readings taken of one export: the latest.
const MOST: usize = 20_000;
/// Readings written in one commit.
const AT_ONCE: usize = 400;
const DAY: i64 = 86_400_000_000;
/// What is older raises no alarm.
const ALARMING: i64 = 7 * DAY;
/// IEEE 11073-10101 as FHIR names it.
const MDC: &str = "urn:iso:std:iso:11073:10101";
const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";

/// What can be measured.
#[derive(Debug, Deserialize)]
pub(crate) struct Measure {
    pub(crate) key: String,
    pub(crate) loinc: String,
    pub(crate) name: String,
    pub(crate) unit: String,
    category: String,
    mdc: Vec<String>,
    apple: String,
    names: Vec<String>,
    /// Parts of a day are added up.
    #[serde(default)]
    daily: bool,
    pub(crate) usual: Option<[f64; 2]>,
    alarm: Option<[f64; 2]>,
    possible: [f64; 2],
}

#[derive(Deserialize)]
struct Measures {
    measure: Vec<Measure>,
}

static MEASURES: LazyLock<Vec<Measure>> = LazyLock::new(|| {
    let read: Measures =
        toml::from_str(include_str!("../../../../content/devices/measures.toml")).expect("the content is tested");
    read.measure
});

pub(crate) fn measures() -> &'static [Measure] {
    &MEASURES
}

/// One number of one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    measure: &'static str,
    /// FHIR dateTime, or the day of what is added up.
    at: String,
    value: f64,
    /// The program that told it.
    source: String,
    device: Option<String>,
}

/// What was read of an export.
#[derive(Debug, Default)]
pub(crate) struct Export {
    readings: Vec<Reading>,
    /// Lines of kinds we do not take, in units we do not know, or with values that nobody has.
    left_out: usize,
}

impl Export {
    /// Takes a number in a unit, if it can be.
    fn take(&mut self, measure: &'static Measure, value: f64, unit: &str, reading: impl FnOnce(f64) -> Reading) {
        let [least, most] = measure.possible;
        match converted(value, unit, measure).filter(|it| it.is_finite() && (least..=most).contains(it)) {
            Some(value) => self.readings.push(reading(value)),
            None => self.left_out += 1,
        }
    }
}

/// Unit as written → unit as kept, factor, offset.
const UNITS: [(&str, &str, f64, f64); 22] = [
    ("count/min", "/min", 1.0, 0.0),
    ("bpm", "/min", 1.0, 0.0),
    ("/min", "/min", 1.0, 0.0),
    ("mmhg", "mm[Hg]", 1.0, 0.0),
    ("mm[hg]", "mm[Hg]", 1.0, 0.0),
    ("kpa", "mm[Hg]", 7.500_62, 0.0),
    ("%", "%", 1.0, 0.0),
    ("mg/dl", "mg/dL", 1.0, 0.0),
    ("mmol<180.1558800000541>/l", "mg/dL", 18.015_588, 0.0),
    ("mmol/l", "mg/dL", 18.015_588, 0.0),
    ("kg", "kg", 1.0, 0.0),
    ("g", "kg", 0.001, 0.0),
    ("lb", "kg", 0.453_592_37, 0.0),
    ("lbs", "kg", 0.453_592_37, 0.0),
    ("st", "kg", 6.350_293_18, 0.0),
    ("degc", "Cel", 1.0, 0.0),
    ("cel", "Cel", 1.0, 0.0),
    ("c", "Cel", 1.0, 0.0),
    ("degf", "Cel", 5.0 / 9.0, -32.0),
    ("f", "Cel", 5.0 / 9.0, -32.0),
    ("count", "{steps}/d", 1.0, 0.0),
    ("steps", "{steps}/d", 1.0, 0.0),
];

/// The number in the unit of the measure; a number without a unit is in the unit of the measure.
fn converted(value: f64, unit: &str, measure: &Measure) -> Option<f64> {
    let unit = unit.trim().to_lowercase();
    if unit.is_empty() || unit == measure.unit.to_lowercase() {
        return Some(value);
    }
    let (_, _, factor, offset) = UNITS.iter().find(|(it, to, ..)| *it == unit && *to == measure.unit)?;
    Some(((value + offset) * factor * 1000.0).round() / 1000.0)
}

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Observations that were new or said something new.
    pub new: usize,
    /// Those that were known.
    pub known: usize,
    pub left_out: usize,
    /// Readings that went to the inbox.
    pub alarms: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("it is no export of HealthKit and no list of readings")]
    Unreadable,
    #[error("an export has at most {} megabytes", LARGEST / 1024 / 1024)]
    TooLarge,
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in an export that a patient, or somebody for them, brings.
pub async fn take(
    organisation: &Organisation,
    caller: &Caller,
    patient: &Id,
    bytes: &[u8],
    now: i64,
) -> Result<Taken, DeviceError> {
    let kind = |name: &str| ResourceType::parse(name).expect("a type of R4");
    let registry = organisation.store.registry();
    if caller.rights.permit(&registry, kind("Observation"), Action::Create) == Permit::Never {
        return Err(StoreError::Forbidden.into());
    }
    ask::read(&organisation.store, caller, "Patient", patient).await?;
    if bytes.len() > LARGEST {
        return Err(DeviceError::TooLarge);
    }
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
        .map_err(|_| DeviceError::Unreadable)?;
    let export = match text.trim_start().starts_with('<') {
        true => export::read(text),
        false => table::read(text),
    };
    let Export { mut readings, left_out } = export.ok_or(DeviceError::Unreadable)?;
    readings.retain(|it| door::micros(&it.at).is_some_and(|at| at <= now + DAY));
    readings.sort_by(|a, b| b.at.cmp(&a.at));
    readings.truncate(MOST);
    let mut taken = Taken { left_out, ..Taken::default() };
    let mut by_source: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
    for it in readings {
        by_source.entry(it.source.clone()).or_default().push(it);
    }
    let hand = Caller { rights: Rights::everything(), ..caller.clone() };
    let limits = Limits::of(&organisation.store, &hand, patient).await?;
    for (source, readings) in by_source {
        let origin = Origin {
            way: Way::Device,
            source: format!("urn:continuo:device:{}", slug(&source)),
            name: source,
            arrival: None,
        };
        for some in observations(patient, &readings).chunks(AT_ONCE) {
            let mut all: Vec<(String, Value)> = some.to_vec();
            all.extend(devices(patient, &readings, some));
            let whose = owner(patient);
            let arrival = Arrival {
                bound: vec![(whose.clone(), Key::new(kind("Patient"), patient.clone()))],
                patient: Some(&whose),
                ..Arrival::new(&origin, all)
            };
            let received = door::receive(organisation, &hand, arrival, now).await?;
            let is_reading = |key: &Key| key.kind.name() == "Observation";
            let new: Vec<&Key> = received.keys.iter().map(|(key, _)| key).filter(|it| is_reading(it)).collect();
            taken.new += new.len();
            taken.known += some.len().saturating_sub(new.len());
            for (address, value) in some {
                let Some(key) = received.names.get(address).filter(|it| new.contains(it)) else { continue };
                if let Some(title) = limits.beyond(value, now) {
                    inbox::alert(organisation, key, Priority::Urgent, None, &title, now).await?;
                    taken.alarms += 1;
                }
            }
        }
    }
    Ok(taken)
}

fn owner(patient: &Id) -> String {
    format!("patient:{patient}")
}

fn slug(source: &str) -> String {
    let plain: String =
        source.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let slug = plain.split('-').filter(|it| !it.is_empty()).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "device".to_owned() } else { slug }
}

fn device_address(patient: &Id, source: &str, device: Option<&str>) -> String {
    format!("device:{patient}|{source}|{}", device.unwrap_or_default())
}

fn devices(patient: &Id, readings: &[Reading], some: &[(String, Value)]) -> Vec<(String, Value)> {
    let mut made: BTreeMap<String, Value> = BTreeMap::new();
    for it in readings {
        let address = device_address(patient, &it.source, it.device.as_deref());
        let used = || some.iter().any(|(_, it)| it["device"]["reference"] == address.as_str());
        if made.contains_key(&address) || !used() {
            continue;
        }
        let name = it.device.as_deref().unwrap_or(&it.source);
        let device = json!({
            "resourceType": "Device",
            "status": "active",
            "deviceName": [{ "name": name, "type": "user-friendly-name" }],
            "patient": { "reference": owner(patient) },
        });
        made.insert(address, device);
    }
    made.into_iter().collect()
}

/// Observations of one source; the two halves of a blood pressure are one, and what is counted by day is added up.
fn observations(patient: &Id, readings: &[Reading]) -> Vec<(String, Value)> {
    let mut groups: BTreeMap<(String, &str), Vec<&Reading>> = BTreeMap::new();
    for it in readings {
        let family = if matches!(it.measure, "systolic" | "diastolic") { "pressure" } else { it.measure };
        groups.entry((it.at.clone(), family)).or_default().push(it);
    }
    let mut made = Vec::new();
    for ((at, family), group) in groups {
        let Some(first) = group.first() else { continue };
        let half = |key: &str| group.iter().find(|it| it.measure == key);
        let measure = |key: &str| MEASURES.iter().find(|it| it.key == key).expect("readings are of known measures");
        let mut it = json!({
            "resourceType": "Observation",
            "status": "final",
            "subject": { "reference": owner(patient) },
            "effectiveDateTime": at,
            "performer": [{ "reference": owner(patient) }],
            "method": { "text": "Measured by a device of the patient" },
            "device": { "reference": device_address(patient, &first.source, first.device.as_deref()) },
        });
        match (half("systolic"), half("diastolic")) {
            (Some(systolic), Some(diastolic)) => {
                let part = |it: &Reading| {
                    let measure = measure(it.measure);
                    json!({ "code": code(measure), "valueQuantity": quantity(it.value, &measure.unit) })
                };
                it["category"] = category("vital-signs");
                it["code"] = json!({ "coding": [{ "system": LOINC, "code": "85354-9", "display": "Blood pressure panel with all children optional" }], "text": "Blood pressure" });
                it["component"] = json!([part(systolic), part(diastolic)]);
            }
            _ => {
                let measure = measure(first.measure);
                let value = if measure.daily { group.iter().map(|it| it.value).sum() } else { first.value };
                it["category"] = category(&measure.category);
                it["code"] = code(measure);
                it["valueQuantity"] = quantity(value, &measure.unit);
            }
        }
        made.push((format!("reading:{patient}|{family}|{at}|{}", first.source), it));
    }
    made
}

fn category(code: &str) -> Value {
    json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": code }] }])
}

fn code(measure: &Measure) -> Value {
    json!({ "coding": [{ "system": LOINC, "code": measure.loinc, "display": measure.name }], "text": measure.name })
}

fn quantity(value: f64, unit: &str) -> Value {
    let number: serde_json::Number = value.to_string().parse().expect("a finite number is a number");
    let words = match unit {
        "mm[Hg]" => "mmHg",
        "Cel" => "°C",
        "{steps}/d" => "steps",
        unit => unit,
    };
    json!({ "value": number, "unit": words, "system": UCUM, "code": unit })
}

/// The numbers of an Observation with what they measure: its own, and those of its parts.
pub(crate) fn numbers(value: &Value) -> Vec<(&'static Measure, f64)> {
    let parts = std::iter::once(value).chain(list(value, "component"));
    let number = |part: &Value| {
        let codes = list(part.get("code")?, "coding").iter();
        let loinc = codes.filter(|it| text(it, &["system"]) == Some(LOINC)).find_map(|it| text(it, &["code"]))?;
        let measure = MEASURES.iter().find(|it| it.loinc == loinc)?;
        Some((measure, part.pointer("/valueQuantity/value")?.as_f64()?))
    };
    parts.filter_map(number).collect()
}

/// Adds LOINC to an Observation that a device coded by IEEE 11073 (HL7 Personal Health Device): what both mean is one
/// test here. Answers whether anything was added.
pub fn in_loinc(observation: &mut Value) -> bool {
    let mut added = false;
    let add = |part: &mut Value| {
        let Some(codings) = part.pointer_mut("/code/coding").and_then(Value::as_array_mut) else { return false };
        if codings.iter().any(|it| text(it, &["system"]) == Some(LOINC)) {
            return false;
        }
        let known = codings.iter().filter(|it| text(it, &["system"]) == Some(MDC)).find_map(|it| {
            let code = text(it, &["code"])?;
            // 150020 is the whole blood pressure.
            if code == "150020" {
                return Some(("85354-9", "Blood pressure panel with all children optional"));
            }
            MEASURES
                .iter()
                .find(|it| it.mdc.iter().any(|it| it == code))
                .map(|it| (it.loinc.as_str(), it.name.as_str()))
        });
        let Some((loinc, name)) = known else { return false };
        codings.push(json!({ "system": LOINC, "code": loinc, "display": name }));
        true
    };
    added |= add(observation);
    if let Some(parts) = observation.get_mut("component").and_then(Value::as_array_mut) {
        for part in parts {
            added |= add(part);
        }
    }
    added
}

/// Whether the caller may bring readings of patients.
pub fn may_bring(organisation: &Organisation, caller: &Caller) -> bool {
    let kind = ResourceType::parse("Observation").expect("a type of R4");
    caller.rights.permit(&organisation.store.registry(), kind, Action::Create) != Permit::Never
}

#[cfg(test)]
mod tests;
