//! The validator against resources of others: the examples of the specification, synthetic lives and the
//! examples of US Core. Each is valid, or stands in a list with the reason why it is not.

use fhir::validate::validate;
use fhir::{Draft, Issue, IssueCode, Limits};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every JSON file below a folder, sorted.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The errors of a file that holds a resource; None if it holds something else.
fn errors_of(path: &Path) -> Option<Vec<Issue>> {
    let bytes = std::fs::read(path).expect("the file can be read");
    let draft = match Draft::parse(&bytes, Limits::default()) {
        Ok(draft) => draft,
        Err(issues) => return Some(issues),
    };
    draft.value().get("resourceType")?;
    // A rule that cannot be decided would be a gap in the validator: here it counts as an error.
    let wrong = |issue: &Issue| issue.is_error() || issue.code == IssueCode::Incomplete;
    Some(validate(draft.value()).into_iter().filter(wrong).collect())
}

/// Whether a name follows a pattern with `*` at its beginning or in the middle as well.
fn is_like(name: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').filter(|part| !part.is_empty()).collect();
    if pattern.contains('*') { parts.iter().all(|part| name.contains(part)) } else { name == pattern }
}

/// Checks all files of a folder: those not listed are valid, those listed have the error listed, and only that.
fn check(folder: &Path, at_least: usize, exceptions: &[(&str, &str, &str)]) {
    let mut checked = 0;
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in json_files(folder) {
        let Some(errors) = errors_of(&path) else { continue };
        checked += 1;
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        for error in errors {
            let excused =
                exceptions.iter().any(|(file, what, _)| is_like(&name, file) && error.diagnostics.contains(what));
            if !excused {
                wrong.entry(error.diagnostics.clone()).or_default().push(format!("{name}: {}", error.expression));
            }
        }
    }
    for (diagnostics, places) in &wrong {
        eprintln!("{} × {diagnostics}\n      {}", places.len(), places[..places.len().min(4)].join("\n      "));
    }
    assert!(checked >= at_least, "{checked} resources found, at least {at_least} expected");
    assert!(wrong.is_empty(), "{} kinds of error that no list excuses", wrong.len());
}

/// Files of the specification that break it, and how.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "*-questionnaire.json",
        "linkId is required",
        "questionnaires generated from resources have groups without linkId",
    ),
    ("*-questionnaire.json", "(que-2)", "and use a linkId twice"),
    ("definition.json", "(sdf-4)", "patterns of resources are published without a base"),
    ("event.json", "(sdf-4)", "patterns of resources are published without a base"),
    ("fivews.json", "(sdf-4)", "patterns of resources are published without a base"),
    ("request.json", "(sdf-4)", "patterns of resources are published without a base"),
    ("*-extensions-*.json", "base is required", "search parameters of extensions were published without their base"),
    ("questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json", "1 to 64", "its id has 65 characters"),
    ("deviceusestatement-example.json", "not at Procedure", "a reason may not be a Procedure"),
    ("devicemetric-example.json", "not at DeviceDefinition", "a parent is a Device"),
    ("medicationrequest0301.json", "not at Practitioner", "a dispenser is an Organization"),
    ("observation-example-clinical-gender.json", "not at Encounter", "an Encounter performs nothing"),
    ("activitydefinition-servicerequest-example.json", "txt-2", "its narrative is white space"),
    ("activitydefinition-supplyrequest-example.json", "txt-2", "its narrative is white space"),
    ("eventdefinition-example.json", "txt-2", "its narrative is white space"),
    ("questionnaire-zika-virus-exposure-assessment.json", "txt-2", "its narrative is white space"),
];

#[test]
fn the_examples_of_the_specification_are_valid() {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return };
    // 2,906 files, of which package-min-ver.json is no resource.
    check(&folder, 2_905, EXAMPLES);
}

#[test]
fn synthetic_lives_are_valid() {
    let Some(folder) = testkit::unpacked("synthea-r4") else { return };
    check(&folder, 140, &[]);
}

const US_CORE: &[(&str, &str, &str)] = &[
    ("DiagnosticReport-cardiology-report.json", "base64", "a hash with characters that base64 does not have"),
    ("Bundle-uscore-mo3.json", "fullUrl must be absolute", "an entry has the address Type/id"),
];

#[test]
fn the_examples_of_us_core_are_valid() {
    for (package, at_least) in [("us_core_311", 80), ("us_core_610", 180), ("us_core_700", 210), ("us_core_800", 220)] {
        let Some(folder) = testkit::unpacked(&format!("packages/{package}")) else { return };
        check(&folder.join("package/example"), at_least, US_CORE);
    }
}
