//! S: the cost of being safe. The same reads and the same searches of one patient's record, asked with the token of
//! a system client, who may see everything, and with a token that reaches this one patient only; and of a server that
//! writes each look to the audit log before it answers (`audit.strict`), beside one that writes it within 100 ms. Both
//! in turn, so that what the machine does besides meets both.

use super::measure::{Job, Run, drive, median};
use super::people::People;
use super::work::Dose;
use crate::http::{Client, Target};
use crate::program;
use serde_json::{Value, json};
use std::rc::Rc;
use std::time::Duration;
use testkit::dice::Dice;

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
    pub plain: Run,
    pub guarded: Run,
}

impl Pair {
    /// How much longer the second takes: by the time until the answer, and by the processor.
    pub fn json(&self) -> Value {
        let each = |run: &Run| 1.0 / run.per_second().max(0.001);
        let cpu = self.guarded.server_micros_per_request() / self.plain.server_micros_per_request().max(0.001);
        let two_digits = |number: f64| (number * 100.0).round() / 100.0;
        json!({
            "plain": self.plain.json("per_second"),
            "guarded": self.guarded.json("per_second"),
            "time_ratio": two_digits(each(&self.guarded) / each(&self.plain)),
            "cpu_ratio": two_digits(cpu),
        })
    }
}

/// Who asks, and whose processor time counts.
pub struct Door<'a> {
    pub target: &'a Target,
    pub process: u32,
}

impl Door<'_> {
    fn once(&self, record: &Rc<Record>, searches: bool, seconds: u64, seed: u64) -> Result<Run, String> {
        let (record, mut dice) = (record.clone(), Dice::new(seed));
        drive(self.target, &[self.process], CLIENTS, Some(Duration::from_secs(seconds)), 1, move || {
            let path = if searches {
                dice.one_of(&SEARCHES).replace("{}", &record.patient)
            } else {
                dice.one_of(&record.resources).clone()
            };
            Some(Job { kind: 0, method: "GET", path, body: None, weight: 1 })
        })
    }
}

/// Both doors must give the same before it means anything which is faster.
fn agree(plain: &Door<'_>, guarded: &Door<'_>, record: &Record) -> Result<(), String> {
    let runtime = program::runtime()?;
    let reads = record.resources.iter().step_by(record.resources.len() / 20 + 1).cloned();
    for path in reads.chain(SEARCHES.iter().map(|it| it.replace("{}", &record.patient))) {
        let ask = |door: &Door<'_>| {
            let answer = runtime.block_on(async { Client::new(door.target).get(&path).await });
            let answer = answer.map_err(|error| format!("{path}: {error}"))?;
            let body: Value = serde_json::from_slice(&answer.body).map_err(|error| format!("{path}: {error}"))?;
            // By id: the same people may lie in two servers, each with an address of its own.
            let id = |entry: &Value| entry["resource"]["id"].clone();
            let told =
                body["entry"].as_array().map_or_else(|| vec![body["id"].clone()], |all| all.iter().map(id).collect());
            if answer.ok() { Ok(told) } else { Err(format!("{path}: {}", answer.status)) }
        };
        if ask(plain)? != ask(guarded)? {
            return Err(format!("{path}: the two doors give different resources"));
        }
    }
    Ok(())
}

/// Reads, then searches, through both doors in turn.
pub fn measure(
    plain: &Door<'_>,
    guarded: &Door<'_>,
    record: &Rc<Record>,
    dose: Dose,
) -> Result<[(&'static str, Pair); 2], String> {
    agree(plain, guarded, record)?;
    let both = |searches: bool| {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for round in 0..dose.runs as u64 {
            first.push(plain.once(record, searches, dose.seconds, round)?);
            second.push(guarded.once(record, searches, dose.seconds, round)?);
        }
        Ok::<Pair, String>(Pair { plain: median(first), guarded: median(second) })
    };
    Ok([("read", both(false)?), ("search", both(true)?)])
}
