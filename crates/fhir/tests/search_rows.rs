//! Rows of resources picked by hand: what each data type is found by.

use fhir::search::row::{BaseUrls, RowValue, Target};
use fhir::search::{Registry, texts};
use fhir::{ResourceType, Value};
use serde_json::json;

/// The rows of a slot, told shortly.
fn rows(resource: &Value, slot: &str) -> Vec<String> {
    let registry = Registry::r4();
    let kind = ResourceType::parse(resource["resourceType"].as_str().expect("a type")).expect("a known type");
    let wanted = registry.slot(slot).unwrap_or_else(|| panic!("there is a slot {slot}"));
    let base = BaseUrls::new(["https://here.example/fhir"]);
    let rows = registry.rows(kind, resource, &base);
    rows.iter().filter(|row| row.slot == wanted).map(|row| told(&row.value)).collect()
}

fn told(value: &RowValue) -> String {
    match value {
        RowValue::Token(token) => {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            format!("{}|{}|{}", part(&token.system), part(&token.code), part(&token.text))
        }
        RowValue::String(text) => format!("{} ({})", text.folded, text.exact),
        RowValue::Reference(Target::Local { key, version }) => format!("{key} {}", version.clone().unwrap_or_default()),
        RowValue::Reference(Target::Elsewhere { url, kind }) => format!("<{url}> {kind:?}"),
        RowValue::Reference(Target::Canonical { url, version }) => format!("canonical {url} {version:?}"),
        RowValue::Date(span) => format!("{}..{}", span.low, span.high),
        RowValue::Quantity(amount) => {
            format!("{}..{} {}", amount.low, amount.high, amount.unit.code.clone().unwrap_or_default())
        }
        RowValue::Uri(address) => address.clone(),
        RowValue::Composite { first, second, third } => {
            let third = third.as_ref().map(|it| format!(" $ {}", told(it))).unwrap_or_default();
            format!("{} $ {}{third}", told(&RowValue::Token(first.clone())), told(second))
        }
    }
}

fn check(resource: &Value, slot: &str, expected: &[&str]) {
    assert_eq!(rows(resource, slot), expected, "{slot}");
}

#[test]
fn a_patient_is_found_by_names_identifiers_addresses_and_contacts() {
    let patient = json!({
        "resourceType": "Patient",
        "id": "7",
        "meta": { "profile": ["http://x.example/p|1.0"], "tag": [{ "system": "http://t", "code": "new" }], "source": "http://s.example" },
        "identifier": [{
            "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }], "text": "Record number" },
            "system": "http://mrn", "value": "123-A"
        }],
        "active": true,
        "name": [{ "family": "Núñez", "given": ["José", "María"] }],
        "telecom": [{ "system": "email", "value": "j@x.example" }, { "system": "phone", "value": "555" }],
        "gender": "male",
        "birthDate": "1970-01",
        "address": [{ "line": ["1 Main St"], "city": "Quincy" }],
        "generalPractitioner": [
            { "reference": "https://here.example/fhir/Practitioner/9/_history/2" },
            { "type": "Practitioner", "identifier": { "system": "http://npi", "value": "99" } }
        ],
        "managingOrganization": { "reference": "https://there.example/Organization/3" }
    });
    check(&patient, "Patient.family", &["nunez (Núñez)"]);
    check(
        &patient,
        "Patient.name",
        &["jose (José)", "jose maria nunez (José María Núñez)", "maria (María)", "nunez (Núñez)"],
    );
    check(&patient, "Patient.identifier", &["http://mrn|123-A|Record number"]);
    check(&patient, "Patient.identifier:of-type", &["http://terminology.hl7.org/CodeSystem/v2-0203|MR|123-A|"]);
    check(&patient, "Patient.active", &["|true|"]);
    check(&patient, "Patient.gender", &["http://hl7.org/fhir/administrative-gender|male|"]);
    check(&patient, "Patient.telecom", &["email|j@x.example|", "phone|555|"]);
    check(&patient, "Patient.email", &["email|j@x.example|"]);
    check(&patient, "Patient.birthdate", &["0..2678400000"]);
    check(&patient, "Patient.address", &["1 main st (1 Main St)", "quincy (Quincy)"]);
    check(&patient, "Patient.address-city", &["quincy (Quincy)"]);
    check(&patient, "Patient.general-practitioner", &["Practitioner/9 2"]);
    check(&patient, "Patient.general-practitioner:identifier", &["http://npi|99|"]);
    check(&patient, "Patient.organization", &["<https://there.example/Organization/3> Some(Organization)"]);
    check(&patient, "Resource._tag", &["http://t|new|"]);
    check(&patient, "Resource._profile", &["http://x.example/p", "http://x.example/p|1.0"]);
    check(&patient, "Resource._source", &["http://s.example"]);
    check(&patient, "Patient.deceased", &["|false|"]);
    let died = json!({ "resourceType": "Patient", "deceasedDateTime": "2015-02-14" });
    check(&died, "Patient.deceased", &["|true|"]);
    check(&died, "Patient.death-date", &["1423872000000..1423958400000"]);
}

#[test]
fn an_observation_is_found_by_codes_values_and_their_combinations() {
    let observation = json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure" }], "text": "BP" },
        "subject": { "reference": "Patient/7" },
        "effectivePeriod": { "start": "1970-01-01T00:00:00Z" },
        "component": [
            {
                "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
                "valueQuantity": { "value": 107.50, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" }
            },
            { "code": { "text": "Cuff" }, "valueCodeableConcept": { "text": "large" } }
        ]
    });
    check(&observation, "Observation.code", &["||BP", "http://loinc.org|85354-9|Blood pressure"]);
    check(&observation, "Observation.component-code", &["||Cuff", "http://loinc.org|8480-6|"]);
    check(
        &observation,
        "Observation.component-code-value-quantity",
        &["http://loinc.org|8480-6| $ 107.5..107.5 mm[Hg]"],
    );
    check(&observation, "Observation.component-code-value-concept", &["||Cuff $ ||large"]);
    check(&observation, "Observation.code-value-quantity", &[]);
    check(&observation, "Observation.date", &[&format!("0..{}", i64::MAX)]);
    check(&observation, "Observation.subject", &["Patient/7 "]);
    check(&observation, "Observation.status", &["http://hl7.org/fhir/observation-status|final|"]);
    let low = json!({
        "resourceType": "Observation",
        "valueQuantity": { "value": 5, "comparator": "<", "code": "mg" },
        "effectiveTiming": { "event": ["1970-01-01", "1970-01-03"] }
    });
    check(&low, "Observation.value-quantity", &["-inf..5 mg"]);
    check(&low, "Observation.date", &["0..259200000"]);
    let sampled = json!({
        "resourceType": "Observation",
        "valueSampledData": { "origin": { "value": 2, "code": "mV" }, "period": 10, "factor": 0.5, "dimensions": 1, "data": "1 E 6 -4" }
    });
    check(&sampled, "Observation.value-quantity", &["0..5 mV"]);
}

#[test]
fn the_parts_of_a_composite_may_lie_around_it() {
    let sequence = json!({
        "resourceType": "MolecularSequence",
        "referenceSeq": { "chromosome": { "coding": [{ "code": "chr1" }] }, "windowStart": 10, "windowEnd": 20 },
        "variant": [{ "start": 11, "end": 12 }, { "start": 15, "end": 16 }]
    });
    check(
        &sequence,
        "MolecularSequence.chromosome-variant-coordinate",
        &["|chr1| $ 11..11  $ 12..12 ", "|chr1| $ 15..15  $ 16..16 "],
    );
    check(&sequence, "MolecularSequence.chromosome-window-coordinate", &["|chr1| $ 10..10  $ 20..20 "]);
    let document = json!({
        "resourceType": "DocumentReference",
        "relatesTo": [{ "code": "replaces", "target": { "reference": "DocumentReference/1" } }]
    });
    check(
        &document,
        "DocumentReference.relationship",
        &["http://hl7.org/fhir/document-relationship-type|replaces| $ DocumentReference/1 "],
    );
}

#[test]
fn other_types_have_their_forms() {
    let invoice = json!({ "resourceType": "Invoice", "totalGross": { "value": 48.5, "currency": "EUR" } });
    check(&invoice, "Invoice.totalgross", &["48.5..48.5 EUR"]);
    let location = json!({ "resourceType": "Location", "position": { "longitude": -83.69, "latitude": 42.25 } });
    check(&location, "Location.near:latitude", &["42.25..42.25 "]);
    check(&location, "Location.near:longitude", &["-83.69..-83.69 "]);
    let measure = json!({ "resourceType": "Measure", "library": ["http://x.example/Library/a|2", "Library/b", "#c"] });
    check(
        &measure,
        "Measure.depends-on",
        &["Library/b ", "<#c> None", "canonical http://x.example/Library/a Some(\"2\")"],
    );
    let bundle = json!({
        "resourceType": "Bundle",
        "entry": [{ "resource": { "resourceType": "Composition", "id": "1" } }, { "resource": { "resourceType": "Patient", "id": "2" } }]
    });
    check(&bundle, "Bundle.composition", &["Composition/1 "]);
}

#[test]
fn contained_resources_have_rows_of_their_own() {
    let request = json!({
        "resourceType": "MedicationRequest",
        "contained": [{ "resourceType": "Medication", "id": "drug", "code": { "coding": [{ "code": "x" }] } }],
        "medicationReference": { "reference": "#drug" }
    });
    check(&request, "MedicationRequest.medication", &["<#drug> Some(Medication)"]);
    let registry = Registry::r4();
    let contained = registry.contained_rows(&request, &BaseUrls::default());
    let [(id, kind, rows)] = contained.as_slice() else { panic!("one contained resource") };
    assert_eq!((id.as_str(), kind.name(), rows.len()), ("drug", "Medication", 1));
    assert_eq!(Some(rows[0].slot), registry.slot("Medication.code"));
}

#[test]
fn words_are_those_meant_to_be_read() {
    let patient = json!({
        "resourceType": "Patient",
        "id": "secretid",
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>José&nbsp;N&#250;ñez</p><p>H<sub>2</sub>O &lt;3</p><!-- no --></div>" },
        "name": [{ "family": "Smith" }],
        "identifier": [{ "system": "http://mrn", "value": "123" }],
        "contact": [{ "relationship": [{ "text": "Mother" }] }],
        "photo": [{ "contentType": "image/png", "data": "QUJD", "title": "Portrait" }]
    });
    let found = texts(&patient);
    assert_eq!(found.narrative, "jose nunez h2o 3");
    assert_eq!(found.content, "jose nunez h2o 3 smith mother portrait");
}
