//! The pairs of documents of certification (45 CFR 170.315(b)(2)): what a record holds, and the summary of care that
//! arrives for the same person. Whichever of both was there first, the reconciled lists are those that a clinician would
//! make: each substance, medicine and problem once.

use super::tests::outside;
use super::*;
use crate::exchange::origin;
use crate::ward::Ward;
use formats::ccda;
use serde_json::json;
use std::path::Path;

type Pair = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// Files that hold a pair (their name up to what tells the two apart), then the reconciled allergies, medicines, problems.
const PAIRS: [Pair; 7] = [
    ("Amb/170.315_b2_ciri__r21_sample1_ccd", "v11", OF_R21.0, OF_R21.1, OF_R21.2),
    ("Amb/170.315_b2_ciri__r21_sample1_rn", "v11", OF_R21.0, OF_R21.1, OF_R21.2),
    ("Inp/170.315_b2_ciri__r21_sample1_ccd", "v11", OF_R21.0, OF_R21.1, OF_R21.2),
    ("Inp/170.315_b2_ciri__r21_sample1_ds", "v11", OF_DISCHARGE.0, OF_DISCHARGE.1, OF_DISCHARGE.2),
    ("Inp/170.315_b2_ciri__r21_sample1_rn", "v11", OF_R21.0, OF_R21.1, OF_R21.2),
    ("Amb/170.315_b2_ciri__r11_sample1", "v10", OF_R11.0, OF_R11.1, OF_R11.2),
    ("Inp/170.315_b2_ciri__r11_sample1", "v10", OF_R11.0, OF_R11.1, OF_R11.2),
];
const OF_R21: (&[&str], &[&str], &[&str]) = (
    &["Ampicillin", "Penicillin G benzathine"],
    &["Aranesp 0.5 MG/ML", "Ceftriaxone 100MG/ML", "Tylenol 500mg"],
    &[
        "Chronic rejection of renal transplant",
        "Essential hypertension",
        "Fever",
        "Overweight",
        "Severe Hypothyroidism",
    ],
);
const OF_DISCHARGE: (&[&str], &[&str], &[&str]) = (
    &["Ampicillin", "Penicillin G benzathine"],
    &["Aranesp 0.5 MG/ML", "Tylenol 500mg"],
    &[
        "Chronic rejection of renal transplant",
        "Essential hypertension",
        "Interstitial pneumonia",
        "Iron deficiency anemia",
        "Overweight",
        "Severe Hypothyroidism",
    ],
);
// Both documents of this pair name the second inhaler, among what was given and not among what is taken.
const OF_R11: (&[&str], &[&str], &[&str]) = (
    &["Aspirin", "Codeine"],
    &[
        "120 ACTUAT Fluticasone propionate 0.11 MG/ACTUAT Metered Dose Inhaler",
        "Albuterol 0.09 MG/ACTUAT inhalant powder",
    ],
    &["Asthma", "Pneumonia"],
);

const KINDS: [&str; 4] = ["AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Condition"];

/// The lists of a document, as resources of Ada's.
fn lists(path: &Path, prefix: &str) -> Vec<Value> {
    // One of the documents lacks the end of a tag.
    let text =
        std::fs::read_to_string(path).unwrap().replace("</name\r\n", "</name>\n").replace("</name\n", "</name>\n");
    let document = ccda::read(text.as_bytes()).unwrap();
    let listed = document.read.resources.into_iter().map(|(_, it)| it);
    let listed = listed.filter(|it| KINDS.contains(&it["resourceType"].as_str().unwrap_or_default()));
    // Encounter diagnoses are not on the problem list.
    let listed = listed
        .filter(|it| it["resourceType"] != "Condition" || it["category"].to_string().contains("problem-list-item"));
    let mut all: Vec<Value> = listed.collect();
    for (at, it) in all.iter_mut().enumerate() {
        it["id"] = json!(format!("{prefix}-{at}"));
        for member in ["requester", "recorder", "performer", "reasonReference", "encounter"] {
            it.as_object_mut().unwrap().remove(member);
        }
        let person = if it["resourceType"] == "AllergyIntolerance" { "patient" } else { "subject" };
        it[person] = json!({ "reference": "Patient/ada" });
        if it["resourceType"] == "MedicationRequest" {
            it["requester"] = json!({ "display": "Somebody" });
        }
    }
    all
}

fn own(mut resource: Value) -> Value {
    // What is of this record was ordered here.
    if resource["resourceType"] == "MedicationRequest" {
        resource["intent"] = json!("order");
    }
    resource
}

#[tokio::test]
async fn the_pairs_of_certification_are_reconciled_to_one_list_each() {
    let Some(folder) = testkit::unpacked("ccda-onc-2015-testdata") else { return };
    let folder = folder.join("onc2015td/Receiver SUT Test Data");
    let mut reconciled = 0;
    for (name, version, allergies, medicines, problems) in PAIRS {
        let path = |middle: &str| folder.join(format!("170.315_b2_CIRI_{name}{middle}_{version}.xml"));
        for (here, there) in [("_recon", ""), ("", "_recon")] {
            let ward = Ward::open().await;
            ward.put(lists(&path(here), "own").into_iter().map(own).collect()).await;
            let arrived = lists(&path(there), "in").into_iter().map(|it| outside(it, "The other practice"));
            ward.put(arrived.collect()).await;
            let pen = ward.pen();
            let found = sheet(&pen, &ward.patient).await.unwrap();
            let mut chosen = Choices::default();
            chosen.suggest(&found);
            for row in found.decidable().filter(|it| it.is_open()) {
                chosen.decisions.entry(row.id.clone()).or_insert(Decision::Keep);
            }
            sign(&pen, &ward.patient, &chosen, "certified").await.unwrap();
            let chart = pen.chart(&ward.patient);
            let sorted = |mut names: Vec<String>| {
                names.sort();
                names
            };
            let names = sorted(chart.allergies().await.unwrap().rows.into_iter().map(|it| it.substance).collect());
            assert_eq!(names, allergies, "{name}{here}");
            let names = sorted(chart.medications().await.unwrap().rows.into_iter().map(|it| it.name).collect());
            assert_eq!(names, medicines, "{name}{here}");
            let names = sorted(chart.problems().await.unwrap().rows.into_iter().map(|it| it.name).collect());
            assert_eq!(names, problems, "{name}{here}");
            assert_eq!(sheet(&pen, &ward.patient).await.unwrap().open(), 0);
            let told = ward.find("Provenance", &[("target", "Patient/ada")]).await;
            assert_eq!(told.len(), 1);
            let kept = ward.find("Condition", &[]).await.into_iter().chain(ward.find("AllergyIntolerance", &[]).await);
            let added = kept.filter(|it| origin::of(it).is_some_and(|it| it.name == "The other practice")).count();
            let new = found.decidable().filter(|it| it.ours.is_none() && it.kind != Kind::Medications).count();
            assert_eq!(added, new, "what was taken over says from where it came");
            reconciled += 1;
        }
    }
    assert_eq!(reconciled, 2 * PAIRS.len());
}
