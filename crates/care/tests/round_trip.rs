//! What of a record survives as a Continuity of Care Document: demo people are written as C-CDA and read again, and
//! every coded statement is looked for with its code, its time and its value. The page in docs is made by this test; when
//! it is not what the test finds, the test says what it should be.

use care::demo::{Org, Population};
use formats::ccda::write::{Author, Kind, Making, write};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

const PEOPLE: usize = 60;

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn all<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The codes of a concept; its words, where it has none.
fn codes(concept: Option<&Value>) -> Vec<String> {
    let Some(concept) = concept else { return Vec::new() };
    let coded =
        all(concept, "coding").iter().filter_map(|it| Some(format!("{}|{}", text(it, "/system")?, text(it, "/code")?)));
    let coded: Vec<String> = coded.collect();
    if coded.is_empty() { text(concept, "/text").map(str::to_owned).into_iter().collect() } else { coded }
}

/// A moment, whatever zone it is told in; a day as it is.
fn time(text: Option<&str>) -> String {
    let Some(text) = text else { return String::new() };
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |it| it.to_string())
}

fn amount(of: &Value) -> String {
    match (of.get("valueQuantity"), of.get("valueCodeableConcept"), of.get("valueString")) {
        (Some(it), ..) => {
            let number: f64 = it["value"].to_string().parse().unwrap_or_default();
            format!("{number} {}", text(it, "/code").unwrap_or("1"))
        }
        (_, Some(it), _) => codes(Some(it)).join(","),
        (.., Some(it)) => it.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// What a resource states, each under the kind of statement it is.
fn facts(it: &Value, index: &HashMap<String, &Value>) -> Vec<(&'static str, String)> {
    let kind = text(it, "/resourceType").unwrap_or_default();
    let code = |name: &str| codes(it.get(name));
    let status = text(it, "/clinicalStatus/coding/0/code").or(text(it, "/status")).unwrap_or_default();
    let when = |name: &str| {
        let start = text(it, &format!("/{name}DateTime")).or(text(it, &format!("/{name}Period/start")));
        time(start)
    };
    let each = |label: &'static str, codes: Vec<String>, rest: String| -> Vec<(&'static str, String)> {
        codes.into_iter().map(|it| (label, format!("{it} {rest}"))).collect()
    };
    match kind {
        "Condition" => each("Problems and diagnoses", code("code"), format!("{} {status}", when("onset"))),
        "AllergyIntolerance" => {
            let reactions =
                all(it, "reaction").iter().flat_map(|it| all(it, "manifestation")).flat_map(|it| codes(Some(it)));
            let reactions = reactions.collect::<Vec<_>>().join(",");
            let criticality = text(it, "/criticality").unwrap_or_default();
            each("Allergies", code("code"), format!("{status} {criticality} {reactions}"))
        }
        "MedicationRequest" | "MedicationStatement" => {
            let dosage = all(it, "dosageInstruction").iter().chain(all(it, "dosage")).next();
            let dose = dosage.and_then(|it| it.pointer("/doseAndRate/0/doseQuantity/value")).map(ToString::to_string);
            let sig = dosage.and_then(|it| text(it, "/text")).unwrap_or_default();
            each(
                "Medications",
                code("medicationCodeableConcept"),
                format!("{status} {} {sig}", dose.unwrap_or_default()),
            )
        }
        "MedicationDispense" => each("Dispenses", code("medicationCodeableConcept"), time(text(it, "/whenHandedOver"))),
        "Immunization" => each("Immunizations", code("vaccineCode"), format!("{} {status}", when("occurrence"))),
        "Procedure" => each("Procedures", code("code"), format!("{} {status}", when("performed"))),
        "DiagnosticReport" => each("Reports", code("code"), when("effective")),
        "Encounter" if status != "planned" => {
            let types = all(it, "type").iter().flat_map(|it| codes(Some(it))).collect();
            each("Visits", types, time(text(it, "/period/start")))
        }
        "Goal" => {
            let target = it.pointer("/target/0/detailQuantity/value").map(ToString::to_string).unwrap_or_default();
            let words =
                if target.is_empty() { text(it, "/description/text").unwrap_or_default().to_owned() } else { target };
            vec![("Goals", format!("{words} {}", text(it, "/target/0/dueDate").unwrap_or_default()))]
        }
        "ServiceRequest" if matches!(status, "active" | "on-hold") => {
            each("Open orders", code("code"), when("occurrence"))
        }
        "FamilyMemberHistory" => {
            let relation = code("relationship").join(",");
            let found = all(it, "condition").iter().flat_map(|it| codes(it.get("code")));
            found.map(|it| ("Family history", format!("{relation} {it}"))).collect()
        }
        "Coverage" if status == "active" => {
            vec![("Insurance", text(it, "/subscriberId").unwrap_or_default().to_owned())]
        }
        "Device" if it.get("patient").is_some() => each("Devices", code("type"), String::new()),
        "CareTeam" => {
            let members = all(it, "participant").iter().filter_map(|it| {
                let member = index.get(text(it, "/member/reference")?)?;
                Some(("Care team", text(member, "/name/0/family")?.to_owned()))
            });
            members.collect()
        }
        "DocumentReference" => all(it, "content")
            .iter()
            .filter_map(|it| text(it, "/attachment/data"))
            .map(|it| ("Notes, word for word", it.to_owned()))
            .collect(),
        "Observation" => observed(it, &when("effective")),
        _ => Vec::new(),
    }
}

fn observed(it: &Value, when: &str) -> Vec<(&'static str, String)> {
    let of = |name: &str| all(it, "category").iter().flat_map(|it| all(it, "coding")).any(|it| it["code"] == name);
    let label = match () {
        () if of("laboratory") => "Laboratory results",
        () if of("vital-signs") => "Vital signs",
        () if of("survey") || of("sdoh") => "Questionnaires",
        () if of("social-history") => "Social history",
        () => return Vec::new(),
    };
    let parts = std::iter::once(it).chain(all(it, "component"));
    let told = parts.filter(|it| !amount(it).is_empty());
    told.flat_map(|part| {
        codes(part.get("code")).into_iter().map(move |it| (label, format!("{it} {when} {}", amount(part))))
    })
    .collect()
}

fn person(patient: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut tell = |what: Option<String>| found.extend(what.map(|it| ("Patient", it)));
    tell(text(patient, "/birthDate").map(str::to_owned));
    tell(text(patient, "/gender").map(str::to_owned));
    tell(text(patient, "/deceasedDateTime").map(|it| time(Some(it))));
    tell(text(patient, "/maritalStatus/coding/0/code").map(str::to_owned));
    for it in all(patient, "name") {
        if let (Some(family), Some(given)) = (text(it, "/family"), text(it, "/given/0")) {
            tell(Some(format!("{given} {family}")));
        }
    }
    for it in all(patient, "identifier") {
        tell(text(it, "/value").map(str::to_owned));
    }
    for it in all(patient, "communication") {
        tell(text(it, "/language/coding/0/code").map(str::to_owned));
    }
    for it in all(patient, "address") {
        tell(text(it, "/postalCode").map(|code| format!("{code} {}", text(it, "/city").unwrap_or_default())));
    }
    for it in all(patient, "extension").iter().filter(|it| {
        text(it, "/url").is_some_and(|it| {
            it.contains("us-core-race") || it.contains("us-core-ethnicity") || it.contains("us-core-birthsex")
        })
    }) {
        tell(text(it, "/valueCode").map(str::to_owned));
        for part in all(it, "extension") {
            tell(text(part, "/valueCoding/code").map(str::to_owned));
        }
    }
    found
}

#[test]
fn what_goes_out_as_a_document_comes_back() {
    let population = Population::new(42, PEOPLE, jiff::civil::date(2026, 7, 1));
    let mut counts: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    let mut lost: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for org in Org::ALL {
        let shared = population.organisation(org);
        for record in population.people(org) {
            let resources: Vec<Value> = shared.iter().cloned().chain(record.resources).collect();
            let patient = resources.iter().find(|it| it["resourceType"] == "Patient").expect("a record has a patient");
            let bytes = write(&Making {
                kind: Kind::ContinuityOfCare,
                patient,
                resources: &resources,
                base: "https://riverside.example/fhir",
                author: Author::Program { maker: "Continuo", name: "Continuo" },
                custodian: &resources[0],
                written: "2026-07-01T12:00:00Z",
                id: "5d9f1b8a-7c55-4c3e-9a53-0f1c4e6a7b10",
                set: "9c1de3c2-52b7-4f7e-8f0c-3a1b2d4c5e6f",
                version: 1,
                encounter: None,
                recipient: None,
                reason: None,
                assessment: None,
                instructions: None,
            });
            let read = formats::ccda::read(&bytes).expect("what we write, we read");
            let here: HashMap<String, &Value> = resources
                .iter()
                .map(|it| {
                    (
                        format!(
                            "{}/{}",
                            it["resourceType"].as_str().unwrap_or_default(),
                            it["id"].as_str().unwrap_or_default()
                        ),
                        it,
                    )
                })
                .collect();
            let there: HashMap<String, &Value> =
                read.read.resources.iter().map(|(address, it)| (address.clone(), it)).collect();
            let mut back: HashMap<(&str, String), usize> = HashMap::new();
            for (_, it) in &read.read.resources {
                let told = if it["resourceType"] == "Patient" { person(it) } else { facts(it, &there) };
                for fact in told {
                    *back.entry(fact).or_default() += 1;
                }
            }
            for it in &resources {
                let told = if it["resourceType"] == "Patient" { person(it) } else { facts(it, &here) };
                for (label, fact) in told {
                    let count = counts.entry(label).or_default();
                    count.0 += 1;
                    match back.get_mut(&(label, fact.clone())) {
                        Some(left) if *left > 0 => {
                            *left -= 1;
                            count.1 += 1;
                        }
                        _ => lost.entry(label).or_default().push(fact.chars().take(160).collect()),
                    }
                }
            }
        }
    }
    let (mut had, mut kept) = (0, 0);
    let mut rows = String::new();
    for (label, (all, back)) in &counts {
        had += all;
        kept += back;
        let percent = 100.0 * *back as f64 / *all as f64;
        writeln!(rows, "| {label} | {all} | {back} | {percent:.2} % |").expect("a string can be written");
    }
    let percent = 100.0 * kept as f64 / had as f64;
    for (label, facts) in &lost {
        println!("{label}: {} lost, such as {:?}", facts.len(), &facts[..facts.len().min(4)]);
    }
    let page = format!(
        "# What survives as a C-CDA document\n\n\
         {PEOPLE} demo people of both organisations are written as Continuity of Care Documents and read again. A statement\n\
         counts as kept when its code, its time and its value (status, dose, reaction, words) come back the same.\n\
         Made by `cargo test -p care --test round_trip`.\n\n\
         | Statements | in the record | read back | |\n|---|---:|---:|---:|\n{rows}| **All** | **{had}** | **{kept}** | **{percent:.2} %** |\n\n\
         Orders that are done, visits that are past and insurance that has ended are not told as open; reports of words are\n\
         told by their conclusion; reading makes a set of every moment's vital signs; the patient is not told as a member of\n\
         their own care team.\n"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/interfaces/ccda-round-trip.md");
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ccda-round-trip.md");
    std::fs::write(&fresh, &page).expect("the build folder can be written");
    assert!(percent >= 99.0, "{percent:.2} %\n{page}");
    assert!(there == page, "docs/interfaces/ccda-round-trip.md is not what is found: copy {}\n{page}", fresh.display());
}
