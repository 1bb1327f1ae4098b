//! The public validator cases: what the reference validator says about R4 resources in JSON, without profiles,
//! packages or a terminology server, compared with what ours says. Valid or invalid must agree, or the
//! difference stands below with its reason.

use fhir::validate::validate;
use fhir::{Draft, Issue, Limits, Value};
use std::path::Path;

/// Cases where the verdicts differ, and why ours stands.
const ARGUED: &[(&str, &str)] = &[
    (
        "bundle-document-versioned-references-bad",
        "whether references within a document resolve is asked where documents are read",
    ),
    ("dr-example-org", "example addresses are refused by a setting of that run"),
    (
        "pat-security-bad-string",
        "text that looks like HTML is refused by a setting of that run; we escape it when shown",
    ),
    ("sdoh-type-slice", "a display of LOINC, known to a terminology server only"),
    ("pat-example-extensions", "unknown extensions are refused by a setting of that run; FHIR allows them"),
    ("bundle-with-contained", "displays of terminologies, and a hyperlink within a narrative"),
    ("uk-msg", "displays of SNOMED CT, known to a terminology server only"),
    ("contained-resource-bad-id-ignore", "the run was told to ignore the bad id, which is wrong by the standard"),
    ("maiden-name-extension", "where an extension may stand is said by its definition in an extensions package"),
];

/// Modules about something else than resources of the base specification: terminology servers, signatures,
/// health cards, relaxed JSON, reports from measures.
const OTHER_MODULES: [&str; 6] = ["tx", "tx-advanced", "shc", "dsig", "json5", "cdshooks"];

/// What a case needs that the base specification does not hold.
const NEEDS: [&str; 9] = [
    "profiles",
    "packages",
    "package-map",
    "supporting",
    "supporting5",
    "logical",
    "certificate",
    "fetcher",
    "matchetype",
];

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Whether the resource, or one within it, claims to follow a profile: then the verdict is about that.
fn claims_profile(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("meta").is_some_and(|meta| meta.get("profile").is_some()) || map.values().any(claims_profile)
        }
        Value::Array(items) => items.iter().any(claims_profile),
        _ => false,
    }
}

fn is_invalid(outcome: &Value) -> bool {
    let issues = outcome["issue"].as_array().map(Vec::as_slice).unwrap_or_default();
    issues.iter().any(|issue| matches!(issue["severity"].as_str(), Some("error" | "fatal")))
}

#[test]
fn verdicts_agree_with_the_reference_validator() {
    let Some(folder) = testkit::unpacked("fhir-test-cases") else { return };
    let folder = folder.join("validator");
    let manifest = read(&folder.join("manifest.json")).expect("the manifest of the cases");
    let (mut compared, mut agreed, mut surprises) = (0, 0, Vec::new());
    for case in manifest["test-cases"].as_array().expect("a list of cases") {
        let text = |member: &str| case[member].as_str().unwrap_or_default();
        let (name, file) = (text("name"), text("file"));
        let other = OTHER_MODULES.contains(&text("module")) || NEEDS.iter().any(|need| case.get(need).is_some());
        if !text("version").starts_with("4.0") || !file.ends_with(".json") || other {
            continue;
        }
        let outcome = match &case["java"] {
            Value::String(path) => read(&folder.join("outcomes").join(path)),
            inline => inline.get("outcome").cloned(),
        };
        let Some(outcome) = outcome else { continue };
        let bytes = std::fs::read(folder.join(file)).expect("the file of the case");
        let errors: Vec<Issue> = match Draft::parse(&bytes, Limits::default()) {
            Ok(draft) if claims_profile(draft.value()) => continue,
            Ok(draft) => validate(draft.value()).into_iter().filter(Issue::is_error).collect(),
            Err(issues) => issues,
        };
        compared += 1;
        let argued = ARGUED.iter().any(|(known, _)| *known == name);
        let same = errors.is_empty() != is_invalid(&outcome);
        agreed += usize::from(same);
        if same == argued {
            let ours: Vec<String> =
                errors.iter().take(3).map(|it| format!("{}: {}", it.expression, it.diagnostics)).collect();
            let theirs: Vec<&str> = outcome["issue"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|issue| matches!(issue["severity"].as_str(), Some("error" | "fatal")))
                .filter_map(|issue| issue["details"]["text"].as_str())
                .take(3)
                .collect();
            surprises.push(format!("{name} ({file})\n   ours:   {ours:?}\n   theirs: {theirs:?}"));
        }
    }
    println!(
        "{agreed} of {compared} verdicts agree ({:.1} %), {} argued",
        100.0 * f64::from(agreed as u32) / f64::from(compared),
        ARGUED.len()
    );
    assert!(compared >= 40, "only {compared} cases compared");
    assert!(surprises.is_empty(), "{} verdicts differ without a reason:\n{}", surprises.len(), surprises.join("\n"));
}
