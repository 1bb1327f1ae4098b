//! The people of the benchmark: those of the demo, as bundles to send and as values to ask for.

use crate::program::Plan;
use crate::step;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use testkit::dice::Dice;

/// Everything that is known about the data before anything is measured.
pub struct People {
    /// Practitioners, places and what else belongs to nobody alone; sent first.
    pub shared: Vec<Vec<u8>>,
    /// One transaction for each patient: the whole life.
    pub lives: Vec<Life>,
    pub values: Values,
    pub resources: usize,
}

pub struct Life {
    pub bundle: Vec<u8>,
    pub resources: usize,
}

/// Values to ask for, sampled from the data.
#[derive(Default)]
pub struct Values {
    pub patients: Vec<String>,
    pub families: Vec<String>,
    pub givens: Vec<String>,
    pub cities: Vec<String>,
    /// `system|code`.
    pub observation_codes: Vec<String>,
    pub condition_codes: Vec<String>,
    pub procedure_codes: Vec<String>,
    /// Words of names of codes.
    pub code_words: Vec<String>,
    pub days: Vec<String>,
    pub practitioners: Vec<String>,
    pub locations: Vec<String>,
    /// Ids by type, for reads.
    pub ids: BTreeMap<String, Vec<String>>,
    /// One body of each type that is written in the mix.
    pub samples: BTreeMap<String, Vec<Value>>,
}

/// Types that the mix reads and writes.
pub const MIXED: [&str; 5] = ["Patient", "Observation", "Condition", "Encounter", "MedicationRequest"];

impl People {
    /// Lets the program make people and write them out, and reads them back.
    pub fn make(binary: &Path, folder: &Path, patients: usize, seed: u64) -> Result<People, String> {
        let plan = Plan::new(binary, &folder.join("people"))?;
        let (count, seed) = (patients.to_string(), seed.to_string());
        step::run(&mut plan.command(&["demo", "seed", "--patients", &count, "--seed", &seed])?)?;
        let out = folder.join("export");
        let to = out.to_str().ok_or("the folder has a strange name")?;
        step::run(&mut plan.command(&["export", "fhir", "--to", to])?)?;
        let people = People::read(&out)?;
        std::fs::remove_dir_all(folder.join("people")).ok();
        std::fs::remove_dir_all(&out).ok();
        Ok(people)
    }

    fn read(folder: &Path) -> Result<People, String> {
        let mut lives: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut shared = Vec::new();
        let mut values = Values::default();
        let mut sampler = Sampler::default();
        let entries =
            std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "ndjson")) {
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            for line in text.lines() {
                let mut resource: Value =
                    serde_json::from_str(line).map_err(|error| format!("{}: {error}", file.display()))?;
                forget_version(&mut resource);
                sampler.see(&resource, &mut values);
                match owner(&resource) {
                    Some(patient) => lives.entry(patient).or_default().push(resource),
                    None => shared.push(resource),
                }
            }
        }
        sampler.finish(&mut values);
        let resources = shared.len() + lives.values().map(Vec::len).sum::<usize>();
        let lives = lives.into_values().map(|life| Life { resources: life.len(), bundle: transaction(life) }).collect();
        let shared = shared.chunks(200).map(|part| transaction(part.to_vec())).collect();
        Ok(People { shared, lives, values, resources })
    }
}

/// Version and time are the server's to give.
fn forget_version(resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else { return };
    if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            members.remove("meta");
        }
    }
}

/// The patient whose life this is part of.
fn owner(resource: &Value) -> Option<String> {
    if resource["resourceType"] == "Patient" {
        return resource["id"].as_str().map(str::to_owned);
    }
    let reference =
        ["subject", "patient", "beneficiary", "for"].iter().find_map(|name| resource[name]["reference"].as_str());
    // A Provenance or the like points with a list.
    let reference = reference.or_else(|| resource["target"][0]["reference"].as_str())?;
    reference.strip_prefix("Patient/").map(str::to_owned)
}

pub fn transaction(resources: Vec<Value>) -> Vec<u8> {
    let entry = |resource: Value| {
        let url =
            format!("{}/{}", resource["resourceType"].as_str().unwrap_or(""), resource["id"].as_str().unwrap_or(""));
        json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
    };
    let entries: Vec<Value> = resources.into_iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string().into_bytes()
}

/// Collects distinct values while the data go by.
#[derive(Default)]
struct Sampler {
    sets: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Sampler {
    fn add(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            self.sets.entry(name).or_default().insert(value.to_owned());
        }
    }

    fn see(&mut self, resource: &Value, values: &mut Values) {
        let kind = resource["resourceType"].as_str().unwrap_or("").to_owned();
        let id = resource["id"].as_str().unwrap_or("").to_owned();
        let coding = &resource["code"]["coding"][0];
        let code = || Some(format!("{}|{}", coding["system"].as_str()?, coding["code"].as_str()?));
        match kind.as_str() {
            "Patient" => {
                values.patients.push(id.clone());
                self.add("family", resource["name"][0]["family"].as_str());
                self.add("given", resource["name"][0]["given"][0].as_str());
                self.add("city", resource["address"][0]["city"].as_str());
            }
            "Observation" => {
                self.add("observation", code().as_deref());
                self.add("day", resource["effectiveDateTime"].as_str().and_then(|it| it.get(..10)));
                self.add("word", coding["display"].as_str().and_then(|it| it.split_whitespace().next()));
            }
            "Condition" => {
                self.add("condition", code().as_deref());
                self.add("word", coding["display"].as_str().and_then(|it| it.split_whitespace().next()));
            }
            "Procedure" => self.add("procedure", code().as_deref()),
            "Encounter" => {
                self.add("practitioner", resource["participant"][0]["individual"]["reference"].as_str());
                self.add("location", resource["location"][0]["location"]["reference"].as_str());
            }
            _ => {}
        }
        if MIXED.contains(&kind.as_str()) {
            let samples = values.samples.entry(kind.clone()).or_default();
            if samples.len() < 200 {
                samples.push(resource.clone());
            }
        }
        values.ids.entry(kind).or_default().push(id);
    }

    fn finish(mut self, values: &mut Values) {
        let mut take = |name| self.sets.remove(name).unwrap_or_default().into_iter().collect::<Vec<String>>();
        values.families = take("family");
        values.givens = take("given");
        values.cities = take("city");
        values.observation_codes = take("observation");
        values.condition_codes = take("condition");
        values.procedure_codes = take("procedure");
        values.code_words = take("word");
        values.days = take("day");
        values.practitioners = take("practitioner");
        values.locations = take("location");
    }
}

impl Values {
    /// The id of some resource of this type.
    pub fn id(&self, kind: &str, dice: &mut Dice) -> Option<&str> {
        self.ids.get(kind).filter(|ids| !ids.is_empty()).map(|ids| dice.one_of(ids).as_str())
    }
}
