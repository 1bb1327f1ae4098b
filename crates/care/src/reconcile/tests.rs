//! What reconciling writes, what it leaves alone, and how it is taken back.

use super::*;
use crate::chart::AllergyState;
use crate::exchange::origin::{self, Way};
use crate::shapes::{CVX, ICD10, LOINC, OBSERVATION_CATEGORY, RXNORM, SNOMED, concept, hl7};
use crate::ward::{SECOND, Ward};
use fhir::Id;
use serde_json::json;

fn of_ada() -> Value {
    json!({ "reference": "Patient/ada" })
}

pub(super) fn outside(mut resource: Value, name: &str) -> Value {
    let source = format!("urn:oid:2.16.840.1.113883.19.{}", name.len());
    let (name, arrival) = (name.to_owned(), Some("doc-1".to_owned()));
    origin::mark(&mut resource, &Origin { way: Way::Document, source, name, arrival });
    resource
}

fn problem(id: &str, code: Value, status: &str) -> Value {
    json!({
        "resourceType": "Condition", "id": id, "subject": of_ada(), "code": code, "recordedDate": "2026-05-01",
        "clinicalStatus": hl7("condition-clinical", status, status),
        "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
        "category": [hl7("condition-category", "problem-list-item", "Problem List Item")],
    })
}

fn drug(id: &str, code: Value, more: Value) -> Value {
    let mut it = json!({
        "resourceType": "MedicationRequest", "id": id, "subject": of_ada(), "status": "active", "intent": "order",
        "medicationCodeableConcept": code, "authoredOn": "2026-04-01", "requester": { "display": "Dr. Elsewhere" },
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        it[name] = value.clone();
    }
    it
}

fn allergy(id: &str, words: &str, more: Value) -> Value {
    let mut it = json!({
        "resourceType": "AllergyIntolerance", "id": id, "patient": of_ada(), "code": { "text": words },
        "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
        "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        it[name] = value.clone();
    }
    it
}

fn metformin() -> Value {
    concept(RXNORM, "861007", "metformin hydrochloride 500 MG Oral Tablet")
}

/// A record with a little of everything, and two others that know of it.
async fn ward() -> Ward {
    let ward = Ward::open().await;
    let nka = concept(SNOMED, "716186003", "No known allergy");
    let vaccine = |id: &str, code: &str, day: &str| {
        json!({ "resourceType": "Immunization", "id": id, "patient": of_ada(), "status": "completed",
            "vaccineCode": concept(CVX, code, "Influenza vaccine"), "occurrenceDateTime": day })
    };
    let potassium = |id: &str, day: &str, value: f64| {
        json!({ "resourceType": "Observation", "id": id, "subject": of_ada(), "status": "final",
            "category": [{ "coding": [{ "system": OBSERVATION_CATEGORY, "code": "laboratory" }] }],
            "code": concept(LOINC, "2823-3", "Potassium"), "effectiveDateTime": day,
            "valueQuantity": { "value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L" } })
    };
    let hypertension = || concept(ICD10, "I10", "Essential (primary) hypertension");
    ward.put(vec![
        problem("own-htn", hypertension(), "active"),
        drug("own-met", metformin(), json!({})),
        drug("own-lis", json!({ "text": "Lisinopril 10 mg tablet" }), json!({})),
        {
            let mut it = allergy("own-nka", "No known allergy", json!({}));
            it["code"] = nka;
            it
        },
        vaccine("own-flu", "158", "2025-10-01"),
        potassium("own-k", "2026-05-01T08:00:00Z", 4.1),
        outside(problem("lake-htn", concept(SNOMED, "59621000", "Essential hypertension"), "active"), "Lakeside"),
        outside(problem("lake-gout", concept(ICD10, "M10.9", "Gout, unspecified"), "active"), "Lakeside"),
        outside(problem("lake-gout-2", concept(ICD10, "M10.9", "Gout, unspecified"), "active"), "Lakeside"),
        outside(problem("hill-gout", concept(ICD10, "M10.9", "Gout, unspecified"), "active"), "Hilltop"),
        outside(
            drug("lake-met", metformin(), json!({ "dosageInstruction": [{ "text": "One in the morning" }] })),
            "Lakeside",
        ),
        outside(
            drug("lake-lis", json!({ "text": "Lisinopril 20 mg tablet" }), json!({ "intent": "plan" })),
            "Lakeside",
        ),
        outside(allergy("lake-pen", "Penicillin", json!({ "criticality": "high" })), "Lakeside"),
        outside(vaccine("lake-flu", "158", "2025-10-01"), "Lakeside"),
        outside(vaccine("lake-old-flu", "158", "2022-10-01"), "Lakeside"),
        outside(potassium("lake-k", "2026-05-01T08:00:00Z", 4.1), "Lakeside"),
        outside(potassium("lake-k-2", "2026-03-01T08:00:00Z", 4.9), "Lakeside"),
    ])
    .await;
    ward
}

fn find<'a>(sheet: &'a Sheet, kind: Kind, title: &str) -> &'a Row {
    let part = sheet.parts.iter().find(|it| it.kind == kind).unwrap();
    let of = |it: &&Row| it.ours.iter().chain(&it.theirs).any(|it| it.row.title.starts_with(title));
    part.rows.iter().find(of).unwrap()
}

fn key(name: &str) -> Key {
    Key::parse(name).unwrap()
}

#[tokio::test]
async fn what_means_the_same_stands_side_by_side_and_copies_are_counted() {
    let ward = ward().await;
    let sheet = sheet(&ward.pen(), &ward.patient).await.unwrap();
    let pressure = find(&sheet, Kind::Problems, "Essential");
    assert_eq!(pressure.by, Some(By::Text));
    assert_eq!((pressure.ours.is_some(), pressure.theirs.len()), (true, 1));
    let gout = find(&sheet, Kind::Problems, "Gout");
    assert_eq!((gout.ours.is_none(), gout.theirs.len()), (true, 2), "one for each source");
    let lakeside = gout.theirs.iter().find(|it| it.from.as_ref().unwrap().name == "Lakeside").unwrap();
    assert_eq!(lakeside.copies, 2);
    let metformin = find(&sheet, Kind::Medications, "metformin");
    assert_eq!((metformin.by, metformin.suggested), (Some(By::Code), Some(Decision::Merge)));
    assert_eq!(metformin.differs, ["directions"]);
    let lisinopril = find(&sheet, Kind::Medications, "Lisinopril");
    assert_eq!((lisinopril.by, lisinopril.suggested), (Some(By::Ingredient), None), "another strength takes thought");
    assert_eq!(find(&sheet, Kind::Results, "Potassium").theirs.len(), 2);
    let flu = &sheet.parts.iter().find(|it| it.kind == Kind::Immunizations).unwrap().rows;
    assert_eq!(flu.iter().map(|it| it.ours.is_some()).filter(|it| *it).count(), 1, "the same vaccine on the same day");
    let names: Vec<_> = sheet.sources.iter().map(|it| (it.origin.name.as_str(), it.count)).collect();
    assert_eq!(names, [("Hilltop", 1), ("Lakeside", 10)]);
    assert_eq!(sheet.open(), 8);
}

#[tokio::test]
async fn decisions_are_one_commit_with_provenance_and_everything_can_be_taken_back() {
    let mut ward = ward().await;
    let keys = [
        "MedicationRequest/own-met",
        "MedicationRequest/own-lis",
        "MedicationRequest/lake-met",
        "MedicationRequest/lake-lis",
        "Condition/own-htn",
        "Condition/lake-htn",
        "Condition/lake-gout",
        "Condition/lake-gout-2",
        "Condition/hill-gout",
        "AllergyIntolerance/own-nka",
        "AllergyIntolerance/lake-pen",
        "Immunization/lake-flu",
        "Immunization/lake-old-flu",
        "Observation/lake-k",
        "Observation/lake-k-2",
    ];
    let bare = |mut value: Value| {
        if let Some(meta) = value["meta"].as_object_mut() {
            meta.retain(|name, _| name != "versionId" && name != "lastUpdated");
        }
        value
    };
    let mut before = Vec::new();
    for name in keys {
        before.push(bare(ward.read(&key(name)).await));
    }
    let pen = ward.pen();
    let found = sheet(&pen, &ward.patient).await.unwrap();
    let mut chosen = Choices { note: "Seen with her".into(), ..Choices::default() };
    for (kind, title, decision) in
        [(Kind::Medications, "Lisinopril", Decision::Replace), (Kind::Problems, "Essential", Decision::Merge)]
    {
        chosen.decisions.insert(find(&found, kind, title).id.clone(), decision);
    }
    chosen.suggest(&found);
    assert_eq!(chosen.count(&found), found.open());
    choose(&pen, &ward.patient, &chosen).await.unwrap();
    assert_eq!(choices(&pen, &ward.patient).await.unwrap(), chosen);
    let planned = plan(&found, &chosen, "2026-06-15");
    assert_eq!((planned.decided, planned.open), (8, 8));
    let written = sign(&pen, &ward.patient, &chosen, "form-1").await.unwrap();
    assert!(sign(&pen, &ward.patient, &chosen, "form-1").await.unwrap().again);
    assert_eq!(written.keys.len(), keys.len());

    let met = ward.read(&key("MedicationRequest/own-met")).await;
    assert_eq!(met["dosageInstruction"][0]["text"], "One in the morning");
    assert_eq!(ward.read(&key("MedicationRequest/own-lis")).await["status"], "stopped");
    let taken = ward.read(&key("MedicationRequest/lake-lis")).await;
    assert_eq!(
        (&taken["reportedBoolean"], &taken["priorPrescription"]["reference"]),
        (&json!(true), &json!("MedicationRequest/own-lis"))
    );
    let codes = ward.read(&key("Condition/own-htn")).await["code"]["coding"].as_array().unwrap().len();
    assert_eq!(codes, 2, "both codes stand at our problem");
    assert!(origin::is_left(&ward.read(&key("Condition/lake-htn")).await));
    assert!(origin::is_left(&ward.read(&key("Observation/lake-k")).await), "the same result twice is one");
    assert!(!origin::is_left(&ward.read(&key("Observation/lake-k-2")).await));
    let allergies = pen.chart(&ward.patient).allergies().await.unwrap();
    assert!(matches!(AllergyState::of(&allergies.rows), AllergyState::Known(known) if known.len() == 1));
    let problems = pen.chart(&ward.patient).problems().await.unwrap().rows;
    assert_eq!(problems.iter().filter(|it| it.name.starts_with("Gout")).count(), 1);
    let drugs = pen.chart(&ward.patient).medications().await.unwrap().rows;
    let now: Vec<_> = drugs.iter().filter(|it| it.standing == Standing::Active).map(|it| it.name.as_str()).collect();
    assert_eq!(now.len(), 2, "{now:?}");
    assert_eq!(sheet(&pen, &ward.patient).await.unwrap().open(), 0);
    assert_eq!(choices(&pen, &ward.patient).await.unwrap(), Choices::default(), "the draft is done with");

    let told = ward.find("Provenance", &[("target", "Patient/ada")]).await;
    let [it] = told.as_slice() else { panic!("one Provenance, not {}", told.len()) };
    let entities = it["entity"].as_array().unwrap();
    let of = |role: &str, what: &str| entities.iter().any(|it| it["role"] == role && it["what"]["reference"] == what);
    assert!(of("revision", "Condition/lake-gout/_history/1") && of("source", "MedicationRequest/lake-met/_history/1"));
    assert_eq!(
        (&it["reason"][0]["text"], &it["signature"][0]["type"][0]["code"]),
        (&json!("Seen with her"), &json!("1.2.840.10065.1.12.1.13"))
    );

    ward.later(SECOND);
    let pen = ward.pen();
    let done = last(&pen, &ward.patient).await.unwrap().unwrap();
    assert!(done.may_undo && !done.undone);
    undo(&pen, &ward.patient, &done.id, "undo-1").await.unwrap();
    for (name, before) in keys.iter().zip(before) {
        assert_eq!(bare(ward.read(&key(name)).await), before, "{name} is as it was");
    }
    assert_eq!(sheet(&pen, &ward.patient).await.unwrap().open(), 8);
    assert!(last(&pen, &ward.patient).await.unwrap().unwrap().undone);
    assert!(matches!(undo(&pen, &ward.patient, &done.id, "undo-2").await, Err(ReconcileError::Changed)));
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_neither_signed_nor_taken_back() {
    let mut ward = ward().await;
    let found = sheet(&ward.pen(), &ward.patient).await.unwrap();
    let mut chosen = Choices::default();
    chosen.decisions.insert(find(&found, Kind::Allergies, "Penicillin").id.clone(), Decision::Keep);
    let again = outside(allergy("lake-pen", "Penicillin V", json!({})), "Lakeside");
    ward.put(vec![again]).await;
    let late = sign(&ward.pen(), &ward.patient, &chosen, "a").await;
    assert!(matches!(late, Err(ReconcileError::Changed)), "{late:?}");
    assert!(ward.find("Provenance", &[]).await.is_empty());

    let found = sheet(&ward.pen(), &ward.patient).await.unwrap();
    let mut chosen = Choices::default();
    chosen.decisions.insert(find(&found, Kind::Allergies, "Penicillin").id.clone(), Decision::Keep);
    sign(&ward.pen(), &ward.patient, &chosen, "b").await.unwrap();
    ward.later(SECOND);
    let mut changed = ward.read(&key("AllergyIntolerance/lake-pen")).await;
    changed["criticality"] = json!("low");
    ward.put(vec![changed]).await;
    let done = last(&ward.pen(), &ward.patient).await.unwrap().unwrap();
    assert!(!done.may_undo);
    let refused = undo(&ward.pen(), &ward.patient, &done.id, "c").await;
    assert!(matches!(refused, Err(ReconcileError::Changed)), "{refused:?}");
    assert_eq!(ward.read(&key("AllergyIntolerance/lake-pen")).await["criticality"], "low");
}

#[tokio::test]
async fn a_row_without_a_decision_stays_apart_and_an_allergy_from_outside_is_mentioned() {
    let ward = ward().await;
    let pen = ward.pen();
    let found = sheet(&pen, &ward.patient).await.unwrap();
    let mut chosen = Choices::default();
    chosen.decisions.insert(find(&found, Kind::Problems, "Gout").id.clone(), Decision::Ignore);
    sign(&pen, &ward.patient, &chosen, "a").await.unwrap();
    let after = sheet(&pen, &ward.patient).await.unwrap();
    assert_eq!(after.open(), 7);
    assert!(
        after
            .parts
            .iter()
            .flat_map(|it| &it.rows)
            .all(|it| it.theirs.iter().all(|it| it.row.title != "Gout, unspecified"))
    );
    let facts = crate::orders::facts::Facts::of(&pen, &ward.patient).await.unwrap();
    assert!(facts.known.allergies.is_empty(), "what nobody has looked at is not known");
    assert_eq!(facts.known.outside_allergies.len(), 1);
    let taken: Vec<_> = facts.known.medicines.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    let banner = pen.chart(&ward.patient).banner().await.unwrap();
    assert!(matches!(banner.allergies, AllergyState::NoneKnown(_)));
    assert_eq!(banner.outside_allergies, ["Penicillin"]);
}

#[tokio::test]
async fn who_may_not_sign_orders_decides_about_problems_and_not_about_medicines() {
    let ward = ward().await;
    let nurse = ward.pen_of(&ward.nurse);
    let found = sheet(&nurse, &ward.patient).await.unwrap();
    let may = |kind: Kind| found.parts.iter().find(|it| it.kind == kind).unwrap().may;
    assert!(may(Kind::Problems) && !may(Kind::Medications));
    let drug = find(&found, Kind::Medications, "metformin").id.clone();
    let chosen = Choices { decisions: [(drug, Decision::Merge)].into(), note: String::new() };
    assert!(matches!(sign(&nurse, &ward.patient, &chosen, "a").await, Err(ReconcileError::Changed)));
    let desk = ward.pen_of(&ward.desk);
    assert!(!super::may(&desk));
    let nobody = Id::parse("nobody").unwrap();
    assert_eq!(sheet(&ward.pen(), &nobody).await.unwrap().open(), 0);
}
