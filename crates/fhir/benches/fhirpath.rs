//! How long the paths take that indexing and validation run for every resource: `cargo bench -p fhir`.
//! Prints nanoseconds for each evaluation, the best of several rounds.

#![allow(clippy::print_stdout)]

use fhir::path::{Context, Expression};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let patient = json!({ "resourceType": "Patient", "id": "p", "active": true,
        "extension": [{ "url": "urn:race", "valueCode": "x" }, { "url": "urn:sex", "valueCode": "y" }],
        "name": [{ "use": "official", "family": "Chalmers", "given": ["Peter", "James"] }, { "use": "usual", "given": ["Jim"] }],
        "telecom": [{ "system": "phone", "value": "1" }, { "system": "email", "value": "a@b" }, { "system": "phone", "value": "2" }],
        "gender": "male", "birthDate": "1970-05-09", "address": [{ "city": "A", "postalCode": "1" }],
        "contact": [{ "name": { "family": "B" }, "telecom": [{ "system": "phone", "value": "3" }] }] });
    let observation = json!({ "resourceType": "Observation", "id": "o", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "subject": { "reference": "Patient/p" }, "effectiveDateTime": "2020-01-01T10:00:00Z",
        "valueQuantity": { "value": 70, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" } });
    let rows: [(&Value, &str); 18] = [
        (&patient, "Patient.active"),
        (&patient, "Patient.name.family"),
        (&patient, "Patient.name.given"),
        (&patient, "Patient.contact.name.family"),
        (&patient, "Patient.telecom.where(system='phone')"),
        (&patient, "Patient.extension('urn:sex').value"),
        (&patient, "Patient.extension.where(url = 'urn:sex').value"),
        (&patient, "Patient.birthDate | Person.birthDate | RelatedPerson.birthDate"),
        (&patient, "Patient.deceased.exists() and Patient.deceased != false"),
        (&patient, "name.exists() or telecom.exists() or address.exists() or organization.exists()"),
        (&observation, "Observation.code"),
        (&observation, "Observation.value.as(Quantity)"),
        (&observation, "(Observation.value as Quantity)"),
        (&observation, "Observation.value.ofType(Quantity)"),
        (&observation, "Observation.subject.where(resolve() is Patient)"),
        (
            &observation,
            "AllergyIntolerance.code | AllergyIntolerance.reaction.substance | Condition.code | (DeviceRequest.code as CodeableConcept) | DiagnosticReport.code | FamilyMemberHistory.condition.code | List.code | Medication.code | (MedicationAdministration.medication as CodeableConcept) | (MedicationDispense.medication as CodeableConcept) | (MedicationRequest.medication as CodeableConcept) | (MedicationStatement.medication as CodeableConcept) | Observation.code | Procedure.code | ServiceRequest.code",
        ),
        (&observation, "value.exists() implies dataAbsentReason.empty()"),
        (&observation, "descendants().count()"),
    ];
    let parsed = Instant::now();
    for _ in 0..1000 {
        black_box(Expression::parse(black_box("Patient.telecom.where(system='phone')")).expect("a path"));
    }
    println!("{:8} ns  parse", parsed.elapsed().as_nanos() / 1000);
    let context = Instant::now();
    for _ in 0..10_000 {
        black_box(Context::for_indexing(black_box(&patient)));
    }
    println!("{:8} ns  context", context.elapsed().as_nanos() / 10_000);
    for (resource, path) in rows {
        let expression = Expression::parse(path).expect("a path");
        let context = Context::for_indexing(resource);
        let best = (0..7)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..5_000 {
                    black_box(expression.evaluate(black_box(&context)).expect("it evaluates"));
                }
                start.elapsed().as_nanos() / 5_000
            })
            .min();
        println!("{:8} ns  {}", best.unwrap_or_default(), &path[..path.len().min(90)]);
    }
}
