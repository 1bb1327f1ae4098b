//! S: the cost of being safe. The same reads and the same searches of one patient's record, asked with the token of
//! a system client, who may see everything, and with a token that reaches this one patient only. Both in turn, so that
//! what the machine does besides meets both.

use super::measure::{Job, Run, drive, median};
use super::people::People;
use super::work::Dose;
use crate::dice::Dice;
use crate::http::Target;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// Searches within one patient's record; `{}` is the patient's id.
const SEARCHES: [&str; 6] = [
    "/Observation?patient={}&_count=20",
    "/Observation?patient={}&category=laboratory&_count=20",
    "/Condition?patient={}",
    "/MedicationRequest?patient={}&status=active",
    "/Encounter?patient={}&_count=20",
    "/Immunization?patient={}",
];

const CLIENTS: usize = 8;

/// Somebody with much to look at.
pub struct Record {
    pub patient: String,
    resources: Vec<String>,
}

impl Record {
    pub fn largest(people: &People) -> Result<Record, String> {
        let life = people.lives.iter().max_by_key(|life| life.resources).ok_or("there are no people")?;
        let bundle: Value =
            serde_json::from_slice(&life.bundle).map_err(|error| format!("a life is no JSON: {error}"))?;
        let entries = bundle["entry"].as_array().ok_or("a life has no entries")?;
        let resources: Vec<String> =
            entries.iter().filter_map(|entry| entry["request"]["url"].as_str()).map(|url| format!("/{url}")).collect();
        let patient =
            resources.iter().find_map(|path| path.strip_prefix("/Patient/")).ok_or("a life has no patient")?;
        Ok(Record { patient: patient.to_owned(), resources })
    }
}

/// The same work for both.
pub struct Pair {
    pub system: Run,
    pub patient: Run,
}

impl Pair {
    /// How much longer it takes with the patient's token: by the time until the answer, and by the processor.
    pub fn ratios(&self) -> (f64, f64) {
        let each = |run: &Run| 1.0 / run.per_second().max(0.001);
        let cpu = self.patient.server_micros_per_request() / self.system.server_micros_per_request().max(0.001);
        (each(&self.patient) / each(&self.system), cpu)
    }
}

/// Reads, then searches.
pub fn measure(
    system: &Target,
    patient: &Target,
    process: u32,
    record: Record,
    dose: Dose,
) -> Result<(Pair, Pair), String> {
    let record = Rc::new(record);
    let once = |target: &Target, searches: bool, seed: u64| {
        let (record, mut dice) = (record.clone(), Dice::new(seed));
        drive(target, &[process], CLIENTS, Some(Duration::from_secs(dose.seconds)), 1, move || {
            let path = if searches {
                dice.one_of(&SEARCHES).replace("{}", &record.patient)
            } else {
                dice.one_of(&record.resources).clone()
            };
            Some(Job { kind: 0, method: "GET", path, body: None, weight: 1 })
        })
    };
    let both = |searches: bool| {
        let (mut with_all, mut with_one) = (Vec::new(), Vec::new());
        for round in 0..dose.runs as u64 {
            with_all.push(once(system, searches, round)?);
            with_one.push(once(patient, searches, round)?);
        }
        Ok::<Pair, String>(Pair { system: median(with_all), patient: median(with_one) })
    };
    Ok((both(false)?, both(true)?))
}
