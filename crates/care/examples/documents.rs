//! Writes C-CDA documents of demo people, and of public FHIR bundles where a folder of them is given, for judges of
//! others: `cargo run -p care --example documents -- target/documents 100 [folder of bundles]`.

use care::demo::{Org, Population};
use formats::ccda::write::{Author, Kind, Making, write};
use serde_json::Value;
use std::error::Error;
use std::io::Write;
use std::path::Path;

const WRITTEN: &str = "2026-07-01T12:00:00Z";
const SHORT: [&str; 4] = ["ccd", "referral", "discharge", "plan"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("the folder to write into")?;
    let people: usize = words.next().ok_or("how many people")?.parse()?;
    std::fs::create_dir_all(&folder)?;
    let population = Population::new(42, people, jiff::civil::date(2026, 7, 1));
    let mut count = 0;
    for org in Org::ALL {
        let shared = population.organisation(org);
        for record in population.people(org) {
            let all: Vec<Value> = shared.iter().cloned().chain(record.resources.iter().cloned()).collect();
            count += documents(Path::new(&folder), &format!("{}-{}", org.key(), record.patient_id), &all)?;
        }
    }
    if let Some(bundles) = words.next() {
        let mut files: Vec<_> = std::fs::read_dir(bundles)?.filter_map(Result::ok).map(|it| it.path()).collect();
        files.sort();
        for file in files.into_iter().filter(|it| it.extension().is_some_and(|it| it == "json")) {
            let bundle: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
            let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
            let all: Vec<Value> = entries.into_iter().map(|mut it| it["resource"].take()).collect();
            if all.iter().any(|it| it["resourceType"] == "Patient") {
                let name = file.file_stem().and_then(|it| it.to_str()).unwrap_or("bundle").to_owned();
                count += documents(Path::new(&folder), &name, &all)?;
            }
        }
    }
    writeln!(std::io::stdout(), "{count} documents in {folder}")?;
    Ok(())
}

fn documents(folder: &Path, name: &str, all: &[Value]) -> Result<usize, Box<dyn Error>> {
    let of = |kind: &str| all.iter().find(|it| it["resourceType"] == kind);
    let patient = of("Patient").ok_or("a record has a patient")?;
    let nobody = serde_json::json!({ "resourceType": "Organization", "id": "none", "name": "Unnamed practice" });
    let custodian = of("Organization").unwrap_or(&nobody);
    let stay = |it: &&Value| it["resourceType"] == "Encounter" && it["class"]["code"] == "IMP";
    let visit = |it: &&Value| it["resourceType"] == "Encounter" && it["period"]["end"].is_string();
    let visit = all.iter().rfind(stay).or_else(|| all.iter().rfind(visit));
    let author = match of("Practitioner") {
        Some(person) => Author::Person(person),
        None => Author::Program { maker: "Continuo", name: "Continuo" },
    };
    let mut count = 0;
    for (kind, short) in Kind::ALL.into_iter().zip(SHORT) {
        if kind == Kind::DischargeSummary && visit.is_none() {
            continue;
        }
        let making = Making {
            kind,
            patient,
            resources: all,
            base: "https://demo.example/fhir",
            author,
            custodian,
            written: WRITTEN,
            id: "5d9f1b8a-7c55-4c3e-9a53-0f1c4e6a7b10",
            set: "9c1de3c2-52b7-4f7e-8f0c-3a1b2d4c5e6f",
            version: 1,
            encounter: visit.filter(|_| kind == Kind::DischargeSummary),
            recipient: (kind == Kind::ReferralNote).then_some("Dr. Maria Alvarez"),
            reason: Some("Needs the opinion of a specialist."),
            assessment: (kind == Kind::ReferralNote).then_some("Stable, to be seen within a month."),
            instructions: Some("Take the medicines as written and come back in two weeks."),
        };
        std::fs::write(folder.join(format!("{name}-{short}.xml")), write(&making))?;
        count += 1;
    }
    Ok(count)
}
