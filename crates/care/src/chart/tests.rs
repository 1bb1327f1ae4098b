//! What the lists of the chart make of resources as they come.

use super::element::Names;
use super::*;
use serde_json::json;

fn code(code: &str) -> Value {
    json!({"coding": [{"code": code}]})
}

#[test]
fn a_problem_is_active_past_or_a_mistake() {
    let check = |clinical: &str, verification: &str, extra: (&str, Value), standing: Standing| {
        let mut it = json!({"clinicalStatus": code(clinical), "verificationStatus": code(verification), "code": {"text": "Asthma"}});
        it[extra.0] = extra.1;
        assert_eq!(Problem::of(&it, &Names::default()).standing, standing, "{clinical} {verification}");
    };
    let none = || ("x", Value::Null);
    check("active", "confirmed", none(), Standing::Active);
    check("recurrence", "confirmed", none(), Standing::Active);
    check("resolved", "confirmed", none(), Standing::Past);
    check("active", "refuted", none(), Standing::Past);
    check("active", "entered-in-error", none(), Standing::Mistaken);
    check("", "", ("abatementDateTime", json!("2020-01-01")), Standing::Past);
    check("", "", none(), Standing::Active);
}

#[test]
fn a_problem_shows_its_doubt_its_code_and_since_when() {
    let problem = Problem::of(
        &json!({"verificationStatus": code("provisional"), "onsetDateTime": "2019",
            "category": [code("encounter-diagnosis")],
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "195967001", "display": "Asthma (disorder)"}]}}),
        &Names::default(),
    );
    assert_eq!(problem.name, "Asthma");
    assert_eq!(problem.code.as_deref(), Some("195967001 (SNOMED CT)"));
    assert_eq!(problem.doubt.as_deref(), Some("provisional"));
    assert_eq!(problem.since().unwrap().date(), "2019");
    assert!(problem.of_visit);
}

#[test]
fn the_newest_active_problem_comes_first() {
    let problem = |name: &str, status: &str, since: &str| {
        let it = json!({"code": {"text": name}, "clinicalStatus": code(status), "onsetDateTime": since});
        Problem::of(&it, &Names::default())
    };
    let mut problems =
        vec![problem("old", "active", "2001"), problem("gone", "resolved", "2024"), problem("new", "active", "2020")];
    lists::order_problems(&mut problems);
    assert_eq!(problems.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["new", "old", "gone"]);
}

#[test]
fn directions_are_taken_as_written_or_put_together() {
    let check = |dosage: Value, shown: Option<&str>| {
        let it = json!({"resourceType": "MedicationRequest", "status": "active", "dosageInstruction": [dosage]});
        assert_eq!(Medication::of(&it, &Names::default()).directions.as_deref(), shown);
    };
    check(json!({"text": "One in the morning"}), Some("One in the morning"));
    check(
        json!({"doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}], "route": {"text": "Oral"},
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}),
        Some("5 mg, oral, twice a day"),
    );
    check(
        json!({"timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}},
            "asNeededCodeableConcept": {"text": "Pain"}}),
        Some("once every 8 hours, as needed for pain"),
    );
    check(json!({"timing": {"code": {"text": "BID"}}, "asNeededBoolean": true}), Some("BID, as needed"));
    check(json!({"sequence": 1}), None);
}

#[test]
fn a_medicine_is_named_wherever_its_name_lies() {
    let names = Names([("Medication/m1".to_owned(), "Metformin 500 mg".to_owned())].into());
    let check = |extra: Value, shown: &str| {
        let mut it = json!({"resourceType": "MedicationRequest", "status": "active"});
        it.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(Medication::of(&it, &names).name, shown);
    };
    check(json!({"medicationCodeableConcept": {"text": "Aspirin"}}), "Aspirin");
    check(json!({"medicationReference": {"reference": "Medication/m1"}}), "Metformin 500 mg");
    check(
        json!({"medicationReference": {"reference": "#a"}, "contained": [{"id": "a", "code": {"text": "Insulin"}}]}),
        "Insulin",
    );
    check(json!({}), "Medication without a name");
}

fn allergy(extra: Value) -> Allergy {
    let mut it = json!({"clinicalStatus": code("active"), "verificationStatus": code("confirmed"), "code": {"text": "Penicillin"}});
    it.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Allergy::of(&it, &Names::default())
}

#[test]
fn absent_none_known_and_known_allergies_are_three_different_things() {
    let none = json!({"code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}});
    let no_drug = json!({"code": {"coding": [{"code": "409137002", "display": "No known drug allergy"}]}});
    let mistake = json!({"verificationStatus": code("entered-in-error")});
    let past = json!({"clinicalStatus": code("resolved")});
    let check = |allergies: &[Allergy], shown: &str| {
        let state = match AllergyState::of(allergies) {
            AllergyState::Known(known) => format!("known {}", known.len()),
            AllergyState::NoneKnown(words) => words,
            AllergyState::OnlyPast(count) => format!("past {count}"),
            AllergyState::NotRecorded => "not recorded".into(),
            AllergyState::NotShown => "not shown".into(),
        };
        assert_eq!(state, shown);
    };
    check(&[], "not recorded");
    check(&[allergy(mistake)], "not recorded");
    check(&[allergy(past)], "past 1");
    check(&[allergy(none.clone())], "No known allergies");
    check(&[allergy(no_drug)], "No known drug allergy");
    check(&[allergy(none), allergy(json!({}))], "known 1");
}

#[test]
fn the_allergy_with_the_highest_risk_comes_first() {
    let state = AllergyState::of(&[
        allergy(json!({"code": {"text": "Dust"}, "criticality": "low"})),
        allergy(json!({"code": {"text": "Latex"}})),
        allergy(json!({"code": {"text": "Peanut"}, "criticality": "high",
            "reaction": [{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}]})),
    ]);
    let AllergyState::Known(known) = state else { panic!("there are some") };
    assert_eq!(known.iter().map(|it| it.substance.as_str()).collect::<Vec<_>>(), ["Peanut", "Latex", "Dust"]);
    assert_eq!(known[0].reactions, ["Anaphylaxis (severe)"]);
}

#[test]
fn an_immunisation_not_given_says_so() {
    let given = Immunization::of(
        &json!({"status": "completed", "vaccineCode": {"text": "MMR"}, "occurrenceDateTime": "2020-01-02",
            "protocolApplied": [{"doseNumberPositiveInt": 1, "seriesDosesPositiveInt": 2}]}),
        &Names::default(),
    );
    assert_eq!((given.dose.as_deref(), given.not_done), (Some("dose 1 of 2"), None));
    let refused =
        json!({"status": "not-done", "statusReason": {"text": "Patient refused"}, "vaccineCode": {"text": "MMR"}});
    let refused = Immunization::of(&refused, &Names::default());
    assert_eq!(refused.not_done.as_deref(), Some("Not given: Patient refused"));
}
