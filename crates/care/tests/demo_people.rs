//! The demo people are the same every time, hang together, and could have lived.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use care::demo::{Org, Population, Record};
use jiff::civil::{Date, date};
use serde_json::Value;

const PEOPLE: usize = 600;

fn today() -> Date {
    date(2026, 7, 1)
}

fn records(org: Org) -> &'static [Record] {
    static MADE: OnceLock<[Vec<Record>; 2]> = OnceLock::new();
    let both = MADE.get_or_init(|| {
        let population = Population::new(42, PEOPLE, today());
        Org::ALL.map(|org| population.people(org).collect())
    });
    &both[org as usize]
}

fn everybody() -> impl Iterator<Item = &'static Record> {
    Org::ALL.into_iter().flat_map(records)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or("")
}

fn number(value: &Value) -> Option<f64> {
    value.pointer("/valueQuantity/value").and_then(|it| it.to_string().parse().ok())
}

fn kind(resource: &Value) -> &str {
    text(resource, "/resourceType")
}

fn name(resource: &Value) -> String {
    format!("{}/{}", kind(resource), text(resource, "/id"))
}

fn born(record: &Record) -> Date {
    text(&record.resources[0], "/birthDate").parse().expect("a birth date")
}

fn walk<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a str, &'a Value)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            visit(name, member);
            walk(member, visit);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

fn fingerprint<'a>(records: impl IntoIterator<Item = &'a Record>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in records {
        record.patient_id.hash(&mut hasher);
        record.resources.iter().for_each(|it| it.to_string().hash(&mut hasher));
    }
    hasher.finish()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for org in Org::ALL {
        let again: Vec<Record> = Population::new(42, PEOPLE, today()).people(org).collect();
        assert_eq!(fingerprint(&again), fingerprint(records(org)));
        let other: Vec<Record> = Population::new(43, PEOPLE, today()).people(org).collect();
        assert_ne!(fingerprint(&other), fingerprint(records(org)));
    }
}

#[test]
fn a_person_is_the_same_however_many_are_asked_for_and_in_whatever_parts() {
    for org in Org::ALL {
        let few: Vec<Record> = Population::new(42, 37, today()).people(org).collect();
        assert!(!few.is_empty() && few.iter().zip(records(org)).all(|(one, other)| one == other));
        let large = Population::new(42, 100_000, today());
        let whole: Vec<Record> = large.range(org, 300..431).collect();
        let parts = [300..377, 377..400, 400..431].into_iter().flat_map(|it| large.range(org, it));
        assert!(whole == parts.collect::<Vec<_>>());
        assert!(whole.iter().all(|record| records(org).contains(record)));
    }
}

#[test]
fn ids_are_valid_and_unique() {
    for org in Org::ALL {
        let mut seen = BTreeSet::new();
        let shared = Population::new(42, 1, today()).organisation(org);
        for resource in shared.iter().chain(records(org).iter().flat_map(|it| &it.resources)) {
            let id = text(resource, "/id");
            assert!((1..=64).contains(&id.len()), "{id}");
            assert!(id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'.'), "{id}");
            assert!(seen.insert(name(resource)), "{} twice", name(resource));
        }
    }
}

#[test]
fn every_reference_leads_to_the_own_record_or_to_the_organisation() {
    for org in Org::ALL {
        let shared = Population::new(42, 1, today()).organisation(org);
        let common: BTreeSet<String> = shared.iter().map(name).collect();
        let check = |resource: &Value, own: &BTreeSet<String>| {
            walk(resource, &mut |member, value| {
                if let (true, Some(target)) = (member == "reference", value.as_str()) {
                    assert!(own.contains(target) || common.contains(target), "{} leads to {target}", name(resource));
                }
            });
        };
        shared.iter().for_each(|it| check(it, &common));
        for record in records(org) {
            let own: BTreeSet<String> = record.resources.iter().map(name).collect();
            assert_eq!(name(&record.resources[0]), format!("Patient/{}", record.patient_id), "the patient comes first");
            record.resources.iter().for_each(|it| check(it, &own));
        }
    }
}

/// Dates and moments, by the member that holds them.
fn dates(resource: &Value) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let told = ["text", "div", "value", "data", "title", "url", "system", "code", "display", "id", "reference"];
    walk(resource, &mut |member, value| {
        let Some(text) = value.as_str() else { return };
        let is_date =
            text.len() >= 7 && text.as_bytes()[4] == b'-' && text.bytes().take(4).all(|it| it.is_ascii_digit());
        if is_date && !told.contains(&member) {
            found.push((member, text));
        }
    });
    found
}

#[test]
fn only_what_is_planned_lies_after_today() {
    let now = today().to_string();
    for resource in everybody().flat_map(|it| &it.resources) {
        for (member, when) in dates(resource) {
            let planned = matches!(kind(resource), "Appointment" | "ServiceRequest")
                || matches!(member, "expirationDate" | "dueDate")
                || (kind(resource) == "MedicationRequest" && member == "end");
            assert!(planned || &when[..when.len().min(10)] <= now.as_str(), "{} {member} {when}", kind(resource));
        }
    }
}

#[test]
fn nothing_happens_before_birth_or_after_death() {
    for record in everybody() {
        let patient = &record.resources[0];
        let (born, died) = (text(patient, "/birthDate"), text(patient, "/deceasedDateTime"));
        for resource in &record.resources[1..] {
            for (member, when) in dates(resource).into_iter().filter(|it| it.1.len() >= 10) {
                let day = &when[..10];
                assert!(member == "manufactureDate" || day >= born, "{} {member} {when} before {born}", name(resource));
                let lags = matches!(member, "expirationDate" | "end" | "abatementDateTime");
                let after = !died.is_empty() && !lags && day > &died[..10];
                assert!(!after, "{} {member} {when} after {died}", name(resource));
            }
        }
    }
}

#[test]
fn periods_begin_before_they_end() {
    for resource in everybody().flat_map(|it| &it.resources) {
        walk(resource, &mut |member, value| {
            let at = |name: &str| value.get(name).and_then(Value::as_str);
            if let (Some(start), Some(end)) = (at("start"), at("end")) {
                let length = start.len().min(end.len()).min(10);
                assert!(start[..length] <= end[..length], "{} {member} {start} to {end}", name(resource));
            }
        });
    }
}

#[test]
fn measured_values_stay_within_what_a_body_can_do() {
    // LOINC, lowest, highest
    let limits: HashMap<&str, (f64, f64)> = HashMap::from([
        ("8867-4", (40.0, 180.0)),
        ("9279-1", (10.0, 62.0)),
        ("8310-5", (35.0, 41.5)),
        ("59408-5", (82.0, 100.0)),
        ("29463-7", (1.8, 190.0)),
        ("8302-2", (43.0, 205.0)),
        ("39156-5", (11.0, 55.0)),
        ("9843-4", (31.0, 55.0)),
        ("8480-6", (60.0, 215.0)),
        ("8462-4", (35.0, 125.0)),
        ("4548-4", (4.0, 14.0)),
        ("2823-3", (2.8, 6.2)),
        ("2160-0", (0.15, 6.5)),
        ("718-7", (7.0, 18.5)),
    ]);
    let mut checked = BTreeSet::new();
    for record in everybody() {
        for resource in record.resources.iter().filter(|it| kind(it) == "Observation") {
            let parts = resource["component"].as_array().map_or(&[][..], Vec::as_slice);
            for one in std::iter::once(resource).chain(parts) {
                let code = text(one, "/code/coding/0/code");
                if let (Some((low, high)), Some(value)) = (limits.get(code), number(one)) {
                    assert!((*low..=*high).contains(&value), "{code} {value}");
                    checked.insert(code);
                }
            }
            let day: Date = text(resource, "/effectiveDateTime")[..10].parse().expect("a day");
            let (code, days) = (text(resource, "/code/coding/0/code"), (day - born(record)).get_days());
            if let Some(value) = number(resource).filter(|_| days < 30) {
                assert!(code != "8302-2" || (43.0..=60.0).contains(&value), "newborn of {value} cm");
                assert!(code != "29463-7" || (2.2..=6.2).contains(&value), "newborn of {value} kg");
            }
        }
    }
    assert_eq!(checked.len(), limits.len(), "every sign occurs: {checked:?}");
}

#[test]
fn children_never_shrink() {
    for record in everybody() {
        let mut heights: Vec<(Date, f64)> = record
            .resources
            .iter()
            .filter(|it| text(it, "/code/coding/0/code") == "8302-2")
            .filter_map(|it| Some((text(it, "/effectiveDateTime")[..10].parse().ok()?, number(it)?)))
            .filter(|it: &(Date, f64)| (it.0 - born(record)).get_days() < 16 * 365)
            .collect();
        heights.sort_by_key(|it| it.0);
        assert!(heights.windows(2).all(|pair| pair[1].1 >= pair[0].1), "{}: {heights:?}", record.patient_id);
    }
}

fn condition_codes(record: &Record) -> impl Iterator<Item = &str> {
    record.resources.iter().filter(|it| kind(it) == "Condition").map(|it| text(it, "/code/coding/0/code"))
}

#[test]
fn men_are_not_pregnant_and_children_neither_smoke_nor_take_statins() {
    for record in everybody() {
        let male = text(&record.resources[0], "/gender") == "male";
        for code in condition_codes(record) {
            let womanly = code.starts_with('O') || code.starts_with("Z34") || code == "Z39.2" || code == "M81.0";
            assert!(!(male && womanly), "a man with {code}");
            assert!(male || code != "N40.1", "a woman with {code}");
        }
        let age = |when: &str| when[..4].parse::<i16>().expect("a year") - born(record).year();
        for resource in &record.resources {
            if matches!(text(resource, "/valueCodeableConcept/coding/0/code"), "449868002" | "8517006") {
                assert!(age(text(resource, "/effectiveDateTime")) >= 16, "a child who smokes");
            }
            let statin = text(resource, "/medicationCodeableConcept/text").contains("statin");
            if statin && kind(resource) == "MedicationRequest" {
                assert!(age(text(resource, "/authoredOn")) >= 25, "a child on a statin");
            }
        }
    }
}

#[test]
fn diseases_are_about_as_common_as_they_are() {
    let mut adults = 0.0;
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for record in records(Org::Riverside).iter().filter(|it| born(it) < date(2006, 7, 1)) {
        adults += 1.0;
        let codes: BTreeSet<&str> = condition_codes(record).collect();
        codes.into_iter().for_each(|code| *counts.entry(code).or_default() += 1.0);
    }
    // ICD-10-CM, lowest and highest share of grown patients in percent
    let bounds = [
        ("E11.9", 5.0, 24.0),
        ("I10", 22.0, 56.0),
        ("E78.5", 16.0, 50.0),
        ("E03.9", 2.0, 14.0),
        ("F33.1", 5.0, 24.0),
        ("J45.40", 3.0, 18.0),
        ("J44.9", 1.0, 12.0),
        ("E66.9", 18.0, 50.0),
    ];
    for (code, low, high) in bounds {
        let share = counts.get(code).copied().unwrap_or(0.0) / adults * 100.0;
        assert!((low..=high).contains(&share), "{code}: {share:.1} % of {adults}");
    }
}

#[test]
fn a_record_holds_enough_for_trends_and_not_thousands() {
    let sizes: Vec<usize> = everybody().map(|it| it.resources.len()).collect();
    assert!(sizes.iter().all(|it| (2..=1_200).contains(it)), "{:?} to {:?}", sizes.iter().min(), sizes.iter().max());
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!((80..=170).contains(&mean), "{mean} resources a record");
}

fn identity(record: &Record) -> [&str; 3] {
    ["/name/0/family", "/name/0/given/0", "/birthDate"].map(|path| text(&record.resources[0], path))
}

#[test]
fn about_a_third_are_known_to_both_under_other_numbers_and_often_other_names() {
    let (riverside, lakeside) = (records(Org::Riverside), records(Org::Lakeside));
    let both = riverside.len() + lakeside.len() - PEOPLE;
    let share = both as f64 / PEOPLE as f64;
    assert!((0.27..=0.43).contains(&share), "{share}");
    let here: BTreeSet<_> = riverside.iter().map(identity).collect();
    let alike = lakeside.iter().filter(|it| here.contains(&identity(it))).count() as f64 / both as f64;
    assert!((0.2..=0.65).contains(&alike), "{alike} of those known to both are written down alike");
    let all = || riverside.iter().chain(lakeside);
    let numbers: BTreeSet<&str> = all().map(|it| text(&it.resources[0], "/identifier/0/value")).collect();
    assert_eq!(numbers.len(), all().count(), "no two record numbers are the same");
    let ids: BTreeSet<&str> = all().map(|it| it.patient_id.as_str()).collect();
    assert_eq!(ids.len(), all().count(), "an id of one place means nothing at the other");
}

fn story(org: Org, key: &str) -> &'static Record {
    let examples = Population::new(42, 20, today()).examples(org);
    let example = examples.iter().find(|it| it.key == key).expect("the story is told here");
    records(org).iter().find(|it| it.patient_id == example.patient_id).expect("the example is among the people")
}

fn values(record: &Record, code: &str) -> Vec<f64> {
    let of_code = |it: &&Value| kind(it) == "Observation" && text(it, "/code/coding/0/code") == code;
    let mut found: Vec<(&str, f64)> = record
        .resources
        .iter()
        .filter(of_code)
        .filter_map(|it| Some((text(it, "/effectiveDateTime"), number(it)?)))
        .collect();
    found.sort_by_key(|it| it.0);
    found.into_iter().map(|it| it.1).collect()
}

/// It came with a document of the other organisation.
fn is_sent(resource: &Value) -> bool {
    care::exchange::origin::is_unreconciled(resource)
}

#[test]
fn the_stories_are_told() {
    let allergies = |record: &'static Record| -> Vec<&str> {
        let all = record.resources.iter().filter(|it| kind(it) == "AllergyIntolerance" && !is_sent(it));
        all.map(|it| text(it, "/code/text")).collect()
    };
    let (practice, hospital) = (story(Org::Riverside, "twonames"), story(Org::Lakeside, "twonames"));
    assert_ne!(identity(practice)[0], identity(hospital)[0]);
    assert_eq!(allergies(hospital), ["Penicillin G"]);
    assert_eq!(allergies(practice), ["No known allergy"]);
    let sent: Vec<&str> = practice.resources.iter().filter(|it| is_sent(it)).map(kind).collect();
    assert!(sent.contains(&"AllergyIntolerance") && sent.contains(&"DocumentReference"), "{sent:?}");

    let sugar = values(story(Org::Riverside, "diabetes"), "4548-4");
    let peak = sugar.iter().copied().fold(0.0, f64::max);
    let last = *sugar.last().expect("HbA1c is followed");
    let rises = (0..sugar.len()).any(|at| sugar[at..].iter().any(|later| *later >= sugar[at] + 0.3));
    assert!(sugar.len() >= 8 && rises && last <= peak - 0.8, "{sugar:?}");

    assert!(values(story(Org::Riverside, "growth"), "29463-7").len() >= 9);
    assert!(condition_codes(story(Org::Riverside, "pregnancy")).any(|it| it == "Z34.90"));
    assert!(condition_codes(story(Org::Lakeside, "appendix")).any(|it| it == "K35.80"));
    assert!(story(Org::Lakeside, "lungs").resources.iter().any(|it| kind(it) == "Device"));
    assert!(condition_codes(story(Org::Lakeside, "newborn")).any(|it| it == "Z38.00"));
    let prescribed = |record: &'static Record, status: &str| {
        let all = record.resources.iter().filter(|it| kind(it) == "MedicationRequest");
        all.filter(|it| text(it, "/status") == status).count()
    };
    assert!(prescribed(story(Org::Riverside, "heartfailure"), "active") >= 8);
    let (here, there) = (story(Org::Riverside, "dosechange"), story(Org::Lakeside, "dosechange"));
    assert_ne!(identity(here)[2], identity(there)[2]);
    assert!(prescribed(here, "stopped") >= 1);
    assert!(!text(&story(Org::Riverside, "deceased").resources[0], "/deceasedDateTime").is_empty());
    let mood = values(story(Org::Riverside, "mood"), "44261-6");
    assert!(mood.len() >= 4 && mood.first() > mood.last(), "{mood:?}");
}

/// Type and the elements that every resource of ours of that type carries.
const ASKED: &[(&str, &str)] = &[
    (
        "Patient",
        "/identifier/0/system /identifier/0/value /name/0/family /name/0/given/0 /gender /birthDate /address/0/postalCode /telecom/0/value /communication/0/language /extension/0/url /text/div",
    ),
    (
        "Encounter",
        "/identifier/0/value /status /class/code /type/0/coding/0/code /subject /participant/0/individual /period/start /reasonCode/0/text /location/0/location /serviceProvider",
    ),
    (
        "Condition",
        "/clinicalStatus /verificationStatus /category/0/coding/0/code /code/coding/0/code /subject /onsetDateTime /recordedDate",
    ),
    ("AllergyIntolerance", "/clinicalStatus /verificationStatus /code/coding/0/code /patient"),
    (
        "MedicationRequest",
        "/status /intent /medicationCodeableConcept/coding/0/code /subject /encounter /authoredOn /requester /dosageInstruction/0/text /dosageInstruction/0/timing/repeat/frequency /dosageInstruction/0/doseAndRate/0/doseQuantity/value /dispenseRequest/quantity/value",
    ),
    (
        "MedicationDispense",
        "/status /medicationCodeableConcept /subject /performer/0/actor /authorizingPrescription/0 /type /quantity /whenHandedOver",
    ),
    ("MedicationStatement", "/status /medicationCodeableConcept /subject"),
    ("Immunization", "/status /vaccineCode/coding/0/code /patient /occurrenceDateTime /primarySource"),
    ("Observation", "/status /category/0/coding/0/code /code/coding/0/code /subject /effectiveDateTime"),
    (
        "DiagnosticReport",
        "/status /category/0/coding/0/code /code/coding/0/code /subject /effectiveDateTime /issued /performer/0",
    ),
    (
        "DocumentReference",
        "/identifier/0/value /status /type/coding/0/code /category/0/coding/0/code /subject /date /author/0 /content/0/attachment/contentType /content/0/attachment/data",
    ),
    (
        "ImagingStudy",
        "/identifier/0/value /status /modality/0/code /subject /started /numberOfSeries /series/0/uid /series/0/modality/code",
    ),
    ("Procedure", "/status /code/coding/0/code /subject /performedPeriod/start"),
    ("CarePlan", "/text/status /text/div /status /intent /category/0/coding/0/code /subject"),
    ("CareTeam", "/status /subject /participant/0/role/0/coding/0/code /participant/0/member"),
    ("Goal", "/lifecycleStatus /description/text /subject /startDate /target/0/dueDate"),
    (
        "Coverage",
        "/identifier/0/type/coding/0/code /status /type/coding/0/code /subscriberId /beneficiary /relationship /period/start /payor/0 /class/0/value",
    ),
    (
        "Device",
        "/udiCarrier/0/deviceIdentifier /distinctIdentifier /manufactureDate /expirationDate /lotNumber /serialNumber /type/coding/0/code /patient",
    ),
    (
        "ServiceRequest",
        "/status /intent /category/0/coding/0/code /code/coding/0/code /subject /occurrenceDateTime /authoredOn /requester",
    ),
    ("Specimen", "/type/coding/0/code /subject"),
    ("RelatedPerson", "/active /patient /relationship/0/coding/0/code /name/0/family /telecom/0/value"),
    ("Provenance", "/target/0/reference /recorded /agent/0/type /agent/0/who"),
    ("Appointment", "/status /start /end /participant/0/status"),
];

#[test]
fn what_us_core_asks_for_is_there() {
    let asked: HashMap<&str, &str> = ASKED.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for resource in everybody().flat_map(|it| &it.resources) {
        let paths = asked.get(kind(resource)).unwrap_or_else(|| panic!("no row for {}", kind(resource)));
        seen.insert(kind(resource));
        for path in paths.split(' ') {
            assert!(resource.pointer(path).is_some(), "{} lacks {path}", name(resource));
        }
    }
    assert_eq!(seen.len(), ASKED.len(), "every type occurs: {seen:?}");
}

#[test]
fn invariants_of_the_base_standard_hold() {
    for resource in everybody().flat_map(|it| &it.resources) {
        // con-4: what has abated is not active.
        let status = text(resource, "/clinicalStatus/coding/0/code");
        let abated = resource.get("abatementDateTime").is_some();
        assert!(!abated || matches!(status, "inactive" | "resolved" | "remission"), "{}", name(resource));
        if kind(resource) == "Observation" {
            // us-core-2 and vs-2: a value or components.
            let holds = ["valueQuantity", "valueCodeableConcept", "component"];
            assert!(holds.iter().any(|it| resource.get(it).is_some()), "{}", name(resource));
        }
        // ele-1: nothing is there without holding something.
        walk(resource, &mut |member, value| {
            let empty = match value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(members) => members.is_empty(),
                _ => false,
            };
            assert!(!empty, "{}: {member} is empty", name(resource));
            if member == "valueQuantity" || member == "doseQuantity" {
                assert!(value.get("code").is_some() && value.get("system").is_some(), "{value}");
            }
        });
    }
}

#[test]
fn diagnosis_and_vaccine_codes_exist_in_their_code_systems() {
    let Some(folder) = testkit::unpacked("terminology-icd10cm-cvx") else { return };
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect("the terminology is unpacked");
    let diseases = read("icd10cm/code-list-April-2026.txt");
    let diseases: BTreeSet<&str> = diseases.split_whitespace().collect();
    let vaccines = read("cdc-vaccine-codes/cvx.xml");
    let vaccines: BTreeSet<&str> =
        vaccines.split("<CVXCode>").skip(1).filter_map(|it| it.split('<').next()).map(str::trim).collect();
    let mut seen = BTreeSet::new();
    for resource in everybody().flat_map(|it| &it.resources) {
        for coding in ["/code/coding/0", "/vaccineCode/coding/0"].iter().filter_map(|it| resource.pointer(it)) {
            let code = text(coding, "/code");
            match text(coding, "/system") {
                "http://hl7.org/fhir/sid/icd-10-cm" => {
                    assert!(diseases.contains(code.replace('.', "").as_str()), "{code}")
                }
                "http://hl7.org/fhir/sid/cvx" => assert!(vaccines.contains(code), "{code}"),
                _ => continue,
            }
            seen.insert(code);
        }
    }
    assert!(seen.len() > 50, "{seen:?}");
}
