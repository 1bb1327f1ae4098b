//! How long the tables take to load, and how long a resource takes to validate and to read.
//! `cargo run --release -p fhir --example validation_speed [FILE.json …]`

use fhir::{Draft, Limits, Value, tables, validate};
use std::time::Instant;

/// An observation of about 2 kB, as laboratories send them.
fn observation() -> Value {
    let coding =
        |system: &str, code: &str| serde_json::json!({"system": system, "code": code, "display": "as displayed there"});
    let component = |code: &str, value: &str| {
        serde_json::json!({
            "code": {"coding": [coding("http://loinc.org", code)], "text": "blood pressure"},
            "valueQuantity": {"value": value.parse::<serde_json::Number>().expect("a number"), "unit": "mmHg",
                "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
            "referenceRange": [{"low": {"value": 90, "unit": "mmHg"}, "high": {"value": 120, "unit": "mmHg"}}],
        })
    };
    serde_json::json!({
        "resourceType": "Observation",
        "id": "4be1b5cf-7a26-4a0f-8a55-1b5aa6c9a5c3",
        "meta": {"versionId": "1", "lastUpdated": "2024-05-06T07:08:09.123Z",
            "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure"]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Blood pressure 118/76 <b>mmHg</b></p></div>"},
        "identifier": [{"system": "urn:oid:1.2.3.4", "value": "778-1"}],
        "status": "final",
        "category": [{"coding": [coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")]}],
        "code": {"coding": [coding("http://loinc.org", "85354-9")], "text": "Blood pressure panel"},
        "subject": {"reference": "Patient/0d1c2b3a-1111-2222-3333-444455556666"},
        "encounter": {"reference": "Encounter/9d1c2b3a-1111-2222-3333-444455556666"},
        "effectiveDateTime": "2024-05-06T07:00:00+02:00",
        "issued": "2024-05-06T07:08:09.123+02:00",
        "performer": [{"reference": "Practitioner/77", "display": "on duty"}],
        "interpretation": [{"coding": [coding("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N")]}],
        "component": [component("8480-6", "118"), component("8462-4", "76.50")],
    })
}

fn measure(what: &str, bytes: &[u8]) {
    let value = Draft::parse(bytes, Limits::default()).expect("JSON").into_value();
    let issues = validate::validate(&value);
    let rounds = (20_000_000 / bytes.len().max(1)).clamp(20, 20_000);
    let start = Instant::now();
    let found: usize = (0..rounds).map(|_| validate::validate(std::hint::black_box(&value)).len()).sum();
    let validated = start.elapsed() / rounds as u32;
    let start = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(Draft::parse(bytes, Limits::default()).expect("JSON"));
    }
    let read = start.elapsed() / rounds as u32;
    assert_eq!(found, issues.len() * rounds);
    eprintln!("{what}: {} bytes, read {read:?}, validated {validated:?}, {} issues", bytes.len(), issues.len());
    for issue in issues.iter().take(5) {
        eprintln!("   {}: {}", issue.expression, issue.diagnostics);
    }
}

fn main() {
    let start = Instant::now();
    let types = tables::types().len();
    let structures = start.elapsed();
    let searches = tables::search_parameters().len() + tables::compartments().len() + tables::operations().len();
    let all = start.elapsed();
    eprintln!(
        "tables: {types} types in {structures:?}, with {searches} searches, compartments and operations in {all:?}"
    );
    let start = Instant::now();
    let first = validate::validate(&observation()).len();
    eprintln!("first validation: {:?}, {first} issues", start.elapsed());
    measure("Observation", &serde_json::to_vec(&observation()).expect("JSON"));
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(bytes) => measure(&path, &bytes),
            Err(error) => eprintln!("{path}: {error}"),
        }
    }
}
