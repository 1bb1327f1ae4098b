//! What kind a result is that came in a message: the category by which charts and inboxes find it.

use fhir::Value;
use serde_json::json;
use std::collections::HashSet;

/// Diagnostic services that make images (HL7 v2 table 0074).
pub(crate) const IMAGING: [&str; 11] = ["RAD", "CT", "NMR", "RUS", "VUS", "OUS", "NMS", "CUS", "XRC", "RX", "IMG"];

/// Results say what kind they are where their message does not: as their report (OBR-24), else of a laboratory. US Core
/// asks for it, and by it they are found.
pub(super) fn categorize(resources: &mut [(String, Value)]) {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
    let mut imaged: HashSet<String> = HashSet::new();
    for (_, report) in resources.iter().filter(|(_, it)| it["resourceType"] == "DiagnosticReport") {
        let categories = report["category"].as_array().into_iter().flatten();
        let mut codes = categories.flat_map(|it| it["coding"].as_array().into_iter().flatten()).map(|it| &it["code"]);
        if codes.any(|code| code.as_str().is_some_and(|it| IMAGING.contains(&it))) {
            let results = report["result"].as_array().into_iter().flatten();
            imaged.extend(results.filter_map(|it| it["reference"].as_str()).map(str::to_owned));
        }
    }
    for (address, it) in resources.iter_mut() {
        if it["resourceType"] == "Observation" && it.get("category").is_none() {
            let code = if imaged.contains(address) { "imaging" } else { "laboratory" };
            it["category"] = json!([{ "coding": [{ "system": SYSTEM, "code": code }] }]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_of_a_laboratory_unless_their_report_or_they_themselves_say_otherwise() {
        let own = json!({"resourceType": "Observation", "category": [{"text": "vital signs"}]});
        let report = |code: &str, result: &str| {
            json!({"resourceType": "DiagnosticReport", "category": [{"coding": [{"code": code}]}],
                "result": [{"reference": result}]})
        };
        let mut all: Vec<(String, Value)> = [
            ("r1", report("RAD", "chest")),
            ("r2", report("LAB", "potassium")),
            ("chest", json!({"resourceType": "Observation"})),
            ("potassium", json!({"resourceType": "Observation"})),
            ("own", own.clone()),
        ]
        .map(|(address, it)| (address.to_owned(), it))
        .into();
        categorize(&mut all);
        let code = |at: usize| all[at].1.pointer("/category/0/coding/0/code").and_then(Value::as_str);
        assert_eq!((code(2), code(3)), (Some("imaging"), Some("laboratory")));
        assert_eq!(all[4].1, own);
    }
}
