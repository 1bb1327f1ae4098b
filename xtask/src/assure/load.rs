//! Mixed load with a ledger: every write is noted before it is sent and again when it is acknowledged, so
//! that afterwards the record can be held against what was promised.

use crate::http::{Client, Target};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use testkit::dice::Dice;

const SYSTEM: &str = "urn:continuo:load";

/// What was asked of the server in one life of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// POST Observation with this identifier: must be found exactly once.
    Create { mark: String },
    /// PUT Observation/id: must be there.
    Put { id: String },
    /// PUT Patient/id whose counter says how often it was written: version and counter must agree.
    Count { id: String, value: u64 },
    /// A transaction of PUT Condition/id and PUT Procedure/id: both or none.
    Pair { id: String },
    /// DELETE Observation/id, which was put before.
    Delete { id: String },
}

/// A deed and whether the server said it was done.
#[derive(Clone, Debug)]
pub struct Entry {
    pub deed: Deed,
    pub acknowledged: bool,
}

pub type Ledger = Rc<RefCell<Vec<Entry>>>;

fn observation(client: usize, mark: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }], "text": "Body weight" },
        "identifier": [{ "system": SYSTEM, "value": mark }],
        "subject": { "reference": format!("Patient/load-{client}") },
        "valueQuantity": { "value": 70.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" }
    })
}

fn patient(client: usize, value: u64) -> Value {
    json!({
        "resourceType": "Patient", "id": format!("load-{client}"),
        "name": [{ "family": format!("Load{client}") }], "multipleBirthInteger": value
    })
}

fn pair(client: usize, id: &str) -> Value {
    let subject = json!({ "reference": format!("Patient/load-{client}") });
    let entry = |kind: &str, mut resource: Value| {
        resource["resourceType"] = kind.into();
        resource["id"] = id.into();
        resource["subject"] = subject.clone();
        json!({ "resource": resource, "request": { "method": "PUT", "url": format!("{kind}/{id}") } })
    };
    let status = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] });
    let entries = [
        entry("Condition", json!({ "clinicalStatus": status, "code": { "text": "Cough" } })),
        entry("Procedure", json!({ "status": "completed", "code": { "text": "Spirometry" } })),
    ];
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

/// One client: writes until the server is gone. `life` keeps the names of different lives apart; `counter`
/// is where its patient's counter stands for sure.
pub async fn write_until_gone(target: Target, client: usize, life: u64, mut counter: u64, ledger: Ledger) {
    let mut dice = Dice::new(life << 16 | client as u64);
    let mut http = Client::new(&target);
    let mut put: Vec<String> = Vec::new();
    for number in 0u64.. {
        let name = format!("l{life}-{client}-{number}");
        let (deed, method, path, body) = match dice.weighted(&[30, 25, 20, 15, 10]) {
            0 => (
                Deed::Create { mark: name.clone() },
                "POST",
                "/Observation".to_owned(),
                Some(observation(client, &name)),
            ),
            1 => {
                let mut body = observation(client, &name);
                body["id"] = name.clone().into();
                (Deed::Put { id: name.clone() }, "PUT", format!("/Observation/{name}"), Some(body))
            }
            2 => {
                counter += 1;
                let id = format!("load-{client}");
                let path = format!("/Patient/{id}");
                (Deed::Count { id, value: counter }, "PUT", path, Some(patient(client, counter)))
            }
            3 => (Deed::Pair { id: name.clone() }, "POST", String::new(), Some(pair(client, &name))),
            _ => match put.pop() {
                None => continue,
                Some(id) => (Deed::Delete { id: id.clone() }, "DELETE", format!("/Observation/{id}"), None),
            },
        };
        let place = {
            let mut ledger = ledger.borrow_mut();
            ledger.push(Entry { deed, acknowledged: false });
            ledger.len() - 1
        };
        let body = body.map(|it| it.to_string().into_bytes());
        let Ok(answer) = http.send(method, &path, body.as_deref()).await else { return };
        let mut ledger = ledger.borrow_mut();
        if answer.ok() {
            ledger[place].acknowledged = true;
            if let Deed::Put { id } = &ledger[place].deed {
                put.push(id.clone());
            }
        } else {
            // Every request is right, so a refusal while it runs is a finding; name it and stop this client.
            eprintln!(
                "the server refused {method} {path} with {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
            return;
        }
    }
}

/// What was found when the record was held against the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    pub acknowledged: u64,
    pub unacknowledged: u64,
    pub lost: u64,
    pub doubled: u64,
    pub half: u64,
    pub examples: Vec<String>,
}

impl Findings {
    pub fn add(&mut self, other: Findings) {
        self.acknowledged += other.acknowledged;
        self.unacknowledged += other.unacknowledged;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.half += other.half;
        self.examples.extend(other.examples);
    }

    pub fn clean(&self) -> bool {
        self.lost + self.doubled + self.half == 0
    }

    /// Something that is not as it was promised, in words.
    pub fn note_of(&mut self, what: &str, says: String) {
        match what {
            "lost" => self.lost += 1,
            "doubled" => self.doubled += 1,
            _ => self.half += 1,
        }
        if self.examples.len() < 20 {
            self.examples.push(format!("{what}: {says}"));
        }
    }

    fn note(&mut self, what: &str, entry: &Entry, seen: &str) {
        self.note_of(what, format!("{:?}, acknowledged {}, seen {seen}", entry.deed, entry.acknowledged));
    }
}

/// Holds the record against the ledger of one life. `deleted` are the ids whose deletion was asked for.
pub async fn compare(target: &Target, ledger: &[Entry]) -> Result<Findings, String> {
    let mut http = Client::new(target);
    let mut findings = Findings::default();
    let asked_to_delete = |id: &str| {
        let entry = ledger.iter().find(|entry| matches!(&entry.deed, Deed::Delete { id: it } if it == id));
        entry.map(|entry| entry.acknowledged)
    };
    for entry in ledger {
        if entry.acknowledged {
            findings.acknowledged += 1;
        } else {
            findings.unacknowledged += 1;
        }
        match &entry.deed {
            Deed::Create { mark } => {
                let query = format!("/Observation?identifier={}%7C{mark}&_summary=count", crate::http::encode(SYSTEM));
                let total = ask(&mut http, &query).await?.1["total"].as_u64().ok_or("the count has no total")?;
                match (total, entry.acknowledged) {
                    (1, _) | (0, false) => {}
                    (0, true) => findings.note("lost", entry, "0"),
                    (many, _) => findings.note("doubled", entry, &many.to_string()),
                }
            }
            Deed::Put { id } => {
                let (status, _) = ask(&mut http, &format!("/Observation/{id}")).await?;
                let gone_is_fine = asked_to_delete(id).is_some();
                match status {
                    200 => {}
                    410 if gone_is_fine => {}
                    404 if !entry.acknowledged => {}
                    status => findings.note("lost", entry, &status.to_string()),
                }
            }
            Deed::Delete { id } => {
                let (status, _) = ask(&mut http, &format!("/Observation/{id}")).await?;
                if entry.acknowledged && status != 410 {
                    findings.note("lost", entry, &status.to_string());
                }
            }
            Deed::Pair { id } => {
                let (first, _) = ask(&mut http, &format!("/Condition/{id}")).await?;
                let (second, _) = ask(&mut http, &format!("/Procedure/{id}")).await?;
                match (first, second, entry.acknowledged) {
                    (200, 200, _) | (404, 404, false) => {}
                    (404, 404, true) => findings.note("lost", entry, "neither"),
                    (first, second, _) => findings.note("half", entry, &format!("{first} and {second}")),
                }
            }
            // Only the last one can be seen: see `counter`.
            Deed::Count { .. } => {}
        }
    }
    Ok(findings)
}

/// Where a client's patient stands: its counter, which must equal its version, and lie between the last
/// acknowledged and the last asked for.
pub async fn counter(
    target: &Target,
    client: usize,
    before: u64,
    ledger: &[Entry],
    findings: &mut Findings,
) -> Result<u64, String> {
    let mine = format!("load-{client}");
    let counts = ledger.iter().filter_map(|entry| match &entry.deed {
        Deed::Count { id, value } if *id == mine => Some((*value, entry)),
        _ => None,
    });
    let (mut promised, mut asked, mut last) = (before, before, None);
    for (value, entry) in counts {
        asked = asked.max(value);
        last = Some(entry);
        if entry.acknowledged {
            promised = promised.max(value);
        }
    }
    let (status, body) = ask(&mut Client::new(target), &format!("/Patient/{mine}")).await?;
    let value = if status == 200 { body["multipleBirthInteger"].as_u64().unwrap_or(0) } else { 0 };
    let version = body["meta"]["versionId"].as_str().and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    if let Some(entry) = last {
        if value < promised {
            findings.note("lost", entry, &format!("{value} where {promised} was promised"));
        } else if value > asked {
            findings.note("doubled", entry, &format!("{value} where {asked} was asked"));
        } else if value != version {
            findings.note("doubled", entry, &format!("counter {value} at version {version}"));
        }
    }
    Ok(value)
}

async fn ask(http: &mut Client, path: &str) -> Result<(u16, Value), String> {
    let answer = http.get(path).await.map_err(|error| format!("cannot ask GET {path}: {error}"))?;
    let body = if answer.body.is_empty() { Value::Null } else { answer.json()? };
    if answer.status >= 500 {
        return Err(format!("GET {path} answered {}: {body}", answer.status));
    }
    Ok((answer.status, body))
}
