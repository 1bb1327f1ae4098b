//! The workloads A to F, as streams of requests.

use super::measure::{Job, Run, drive, median};
use super::people::{MIXED, People, Values};
use super::shapes::SHAPES;
use crate::http::{Client, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use testkit::dice::Dice;

/// How long and how often.
#[derive(Clone, Copy)]
pub struct Dose {
    pub seconds: u64,
    pub runs: usize,
}

pub struct Bench<'a> {
    pub target: &'a Target,
    /// Whose processor time counts.
    pub processes: Vec<u32>,
    pub dose: Dose,
    pub seed: u64,
}

impl Bench<'_> {
    fn repeat(
        &self,
        clients: usize,
        kinds: usize,
        mut next: impl FnMut(u64) -> Box<dyn FnMut() -> Option<Job>>,
    ) -> Result<Run, String> {
        let limit = Some(Duration::from_secs(self.dose.seconds));
        let mut runs = Vec::new();
        for number in 0..self.dose.runs {
            let stream = next(self.seed.wrapping_add(number as u64));
            runs.push(drive(self.target, &self.processes, clients, limit, kinds, stream)?);
        }
        Ok(median(runs))
    }

    /// A: whole lives as transactions. Half the people with 8 clients and half with 32, in slices taken in
    /// turn, so that both meet a small and a large store. Returns the medians of both.
    pub fn ingest(&self, people: &Rc<People>) -> Result<(Run, Run), String> {
        let all = people.clone();
        let mut left: VecDeque<usize> = (0..all.shared.len()).collect();
        let shared = drive(self.target, &self.processes, 1, None, 1, move || {
            let place = left.pop_front()?;
            Some(Job { kind: 0, method: "POST", path: String::new(), body: Some(all.shared[place].clone()), weight: 0 })
        })?;
        if let Some(refusal) = shared.refusal {
            return Err(format!("the shared resources were refused: {refusal}"));
        }
        let (mut few, mut many) = (Vec::new(), Vec::new());
        let slice = people.lives.len().div_ceil(self.dose.runs * 2).max(1);
        for (number, from) in (0..people.lives.len()).step_by(slice).enumerate() {
            let clients = if number % 2 == 0 { 8 } else { 32 };
            let mut left: VecDeque<usize> = (from..(from + slice).min(people.lives.len())).collect();
            let all = people.clone();
            let run = drive(self.target, &self.processes, clients, None, 1, move || {
                let life = &all.lives[left.pop_front()?];
                Some(Job {
                    kind: 0,
                    method: "POST",
                    path: String::new(),
                    body: Some(life.bundle.clone()),
                    weight: life.resources,
                })
            })?;
            if clients == 8 { few.push(run) } else { many.push(run) }
        }
        if many.is_empty() {
            many = few.clone();
        }
        Ok((median(few), median(many)))
    }

    /// B: create 10, read 60, update 25, delete 5 of a hundred, 64 clients.
    pub fn mix(&self, people: &Rc<People>) -> Result<Run, String> {
        self.repeat(64, 4, |seed| {
            let (people, mut dice, mut number) = (people.clone(), Dice::new(seed), 0u64);
            let mut own: Vec<(String, String)> = Vec::new();
            Box::new(move || {
                number += 1;
                let kind = MIXED[dice.weighted(&[20, 50, 15, 10, 5])];
                let values = &people.values;
                let put = |id: &str, change: u64, dice: &mut Dice| -> Option<Job> {
                    let mut body = dice.one_of(values.samples.get(kind)?).clone();
                    body["id"] = id.into();
                    // A change of its own each time: the same text again would be no new version.
                    body["language"] = format!("en-{change}").into();
                    Some(Job {
                        kind: 2,
                        method: "PUT",
                        path: format!("/{kind}/{id}"),
                        body: Some(body.to_string().into()),
                        weight: 1,
                    })
                };
                Some(match dice.weighted(&[10, 60, 25, 5]) {
                    0 => {
                        let id = format!("mix-{seed}-{number}");
                        own.push((kind.to_owned(), id.clone()));
                        Job { kind: 0, ..put(&id, number, &mut dice)? }
                    }
                    1 => read(values, kind, &mut dice)?,
                    2 => put(values.id(kind, &mut dice)?, number, &mut dice)?,
                    // What this run made and surely is there by now; else one more read.
                    _ if own.len() > 200 => {
                        let (kind, id) = own.remove(0);
                        Job { kind: 3, method: "DELETE", path: format!("/{kind}/{id}"), body: None, weight: 1 }
                    }
                    _ => read(values, kind, &mut dice)?,
                })
            })
        })
    }

    /// C: read by id, 64 clients.
    pub fn reads(&self, people: &Rc<People>) -> Result<Run, String> {
        self.repeat(64, 4, |seed| {
            let (people, mut dice) = (people.clone(), Dice::new(seed));
            Box::new(move || read(&people.values, MIXED[dice.weighted(&[20, 50, 15, 10, 5])], &mut dice))
        })
    }

    /// D: the shapes blended, 64 clients.
    pub fn searches(&self, people: &Rc<People>) -> Result<Run, String> {
        self.repeat(64, SHAPES.len(), |seed| {
            let (people, mut dice) = (people.clone(), Dice::new(seed));
            Box::new(move || {
                let kind = dice.below(SHAPES.len());
                let path = (SHAPES[kind].path)(&people.values, &mut dice);
                Some(Job { kind, method: "GET", path, body: None, weight: 1 })
            })
        })
    }

    /// One shape at a time by one client: what it costs alone.
    pub fn alone(&self, people: &Rc<People>, times: usize) -> Result<Run, String> {
        let (people, mut dice, mut place) = (people.clone(), Dice::new(self.seed), 0);
        drive(self.target, &self.processes, 1, None, SHAPES.len(), move || {
            let kind = place / times;
            place += 1;
            let path = (SHAPES.get(kind)?.path)(&people.values, &mut dice);
            Some(Job { kind, method: "GET", path, body: None, weight: 1 })
        })
    }

    /// E: durable transactions of two resources.
    pub fn pairs(&self, people: &Rc<People>, clients: usize) -> Result<Run, String> {
        self.repeat(clients, 1, |seed| {
            let (people, mut dice, mut number) = (people.clone(), Dice::new(seed), 0u64);
            Box::new(move || {
                number += 1;
                let values = &people.values;
                let patient = values.id("Patient", &mut dice)?.to_owned();
                let code: &String = dice.one_of(&values.observation_codes);
                let body = pair(&patient, &format!("pair-{clients}-{seed}-{number}"), code);
                Some(Job { kind: 0, method: "POST", path: String::new(), body: Some(body), weight: 2 })
            })
        })
    }

    /// F: everything about a patient, 8 clients.
    pub fn everything(&self, people: &Rc<People>) -> Result<Run, String> {
        self.repeat(8, 1, |seed| {
            let (people, mut dice) = (people.clone(), Dice::new(seed));
            Box::new(move || {
                let id = people.values.id("Patient", &mut dice)?;
                Some(Job { kind: 0, method: "GET", path: format!("/Patient/{id}/$everything"), body: None, weight: 1 })
            })
        })
    }

    /// What each comparable shape counts, for a few fixed values: two servers with the same data must agree.
    pub fn totals(&self, people: &People) -> Result<Vec<(String, Option<u64>)>, String> {
        let mut dice = Dice::new(42);
        let runtime = crate::program::runtime()?;
        let mut http = Client::new(self.target);
        let mut all = Vec::new();
        for shape in SHAPES.iter().filter(|shape| shape.comparable) {
            for _ in 0..3 {
                let path = (shape.path)(&people.values, &mut dice);
                let (start, query) = path.split_once('?').unwrap_or((&path, ""));
                let kept = query.split('&').filter(|it| {
                    !["_count", "_total", "_include", "_revinclude"].iter().any(|name| it.starts_with(name))
                });
                let asked = format!("{start}?{}&_total=accurate&_count=1", kept.collect::<Vec<_>>().join("&"))
                    .replace("?&", "?");
                let answer = runtime.block_on(http.get(&asked)).map_err(|error| format!("{asked}: {error}"))?;
                let total = answer.json().ok().and_then(|it| it["total"].as_u64());
                all.push((asked, total));
            }
        }
        Ok(all)
    }
}

fn read(values: &Values, kind: &str, dice: &mut Dice) -> Option<Job> {
    let id = values.id(kind, dice)?;
    Some(Job { kind: 1, method: "GET", path: format!("/{kind}/{id}"), body: None, weight: 1 })
}

fn pair(patient: &str, name: &str, code: &str) -> Vec<u8> {
    let (system, code) = code.split_once('|').unwrap_or(("", code));
    let subject = json!({ "reference": format!("Patient/{patient}") });
    let encounter = json!({
        "resourceType": "Encounter", "status": "finished", "subject": subject,
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
        "identifier": [{ "system": "urn:continuo:bench", "value": name }]
    });
    let observation = json!({
        "resourceType": "Observation", "status": "final", "subject": subject,
        "code": { "coding": [{ "system": system, "code": code }] },
        "encounter": { "reference": "urn:uuid:5f1c0d3e-5a3b-4c55-9d0b-1f4a4f6f0001" },
        "valueQuantity": { "value": 5.4, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L" }
    });
    let entry = |name: &str, resource: Value| {
        let url = resource["resourceType"].clone();
        json!({ "fullUrl": format!("urn:uuid:5f1c0d3e-5a3b-4c55-9d0b-1f4a4f6f{name}"), "resource": resource, "request": { "method": "POST", "url": url } })
    };
    let entries = [entry("0001", encounter), entry("0002", observation)];
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string().into_bytes()
}
