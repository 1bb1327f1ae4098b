//! Messages of our own and what becomes of them, resource by resource and note by note: `v2/<case>/in.hl7` and
//! `out.json`. When a change is meant, the test says what the file should be.

use formats::v2::Message;
use formats::v2::map::{Mapping, Settings, convert};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::path::Path;

fn outcome(bytes: &[u8]) -> Value {
    let message = Message::read(bytes).expect("the case is a message");
    let it = convert(&message, Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC });
    let notes: Vec<String> =
        it.read.notes.iter().map(|it| format!("{:?} {}: {}", it.fate, it.place, it.says)).collect();
    let deletions: Vec<String> = it.deletions.iter().map(|it| format!("{} {}", it.address, it.element)).collect();
    json!({ "header": format!("{:?}", it.header), "resources": it.read.resources, "notes": notes, "deletions": deletions })
}

#[test]
fn each_case_becomes_what_is_written_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/v2");
    let mut cases: Vec<_> = std::fs::read_dir(folder).expect("cases").map(|it| it.expect("an entry").path()).collect();
    cases.sort();
    assert!(cases.len() >= 5, "{} cases", cases.len());
    let mut differ = Vec::new();
    for case in cases {
        let found = outcome(&std::fs::read(case.join("in.hl7")).expect("in.hl7"));
        for resource in found["resources"].as_array().into_iter().flatten() {
            let issues = fhir::validate::validate(&resource[1]);
            assert!(!issues.iter().any(|it| it.is_error()), "{}: {issues:?}", case.display());
        }
        let text = serde_json::to_string_pretty(&found).expect("JSON") + "\n";
        let expected = std::fs::read_to_string(case.join("out.json")).unwrap_or_default();
        let name = case.file_name().expect("a case has a name").to_string_lossy().into_owned();
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("json");
        std::fs::write(&made, &text).expect("the build folder can be written");
        if text != expected {
            differ.push(format!("{}/out.json is not what comes out; take {}", case.display(), made.display()));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_corrected_result_has_the_address_of_the_first() {
    let first = include_str!("v2/lab_corrected/in.hl7")
        .replace("108|", "101|")
        .replace("|||C", "|||F")
        .replace("L-1002", "L-1001");
    let second = include_str!("v2/lab_corrected/in.hl7");
    let addresses = |text: &str| -> Vec<Value> {
        let outcome = outcome(text.as_bytes());
        outcome["resources"].as_array().expect("resources").iter().map(|it| it[0].clone()).collect()
    };
    assert_eq!(addresses(&first), addresses(second));
    assert_ne!(outcome(first.as_bytes())["resources"], outcome(second.as_bytes())["resources"]);
}

#[test]
fn what_is_absent_is_not_deleted_and_what_is_deleted_is_said() {
    let outcome = outcome(include_bytes!("v2/admit/in.hl7"));
    let deletions = outcome["deletions"].as_array().expect("deletions");
    assert_eq!(deletions.len(), 1);
    assert!(
        deletions[0].as_str().is_some_and(|it| it.contains("patient-religion") || it.contains("PID")),
        "{deletions:?}"
    );
}

#[test]
fn a_partner_may_differ_and_nonsense_is_refused() {
    let ours = Mapping::with("[systems]\nL = \"http://lab.example/codes\"\n").expect("a mapping");
    let message =
        Message::read(b"MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.3\rPID|||1^^^X\rOBR|1||5|1^Thing^L\r").expect("a message");
    let it = convert(&message, Settings { mapping: &ours, zone: &TimeZone::UTC });
    let report = it.read.resources.iter().find(|it| it.1["resourceType"] == "DiagnosticReport").expect("a report");
    assert_eq!(report.1["code"]["coding"][0]["system"], "http://lab.example/codes");
    for wrong in [
        "[maps.\"PID[Patient]\"]\nrules = [{ from = \"3\", to = \"identifier[]\", as = \"Nothing\" }]",
        "[maps.\"PID[Patient]\"]\nrules = [{ from = \"x\", to = \"name\" }]",
        "[maps.\"PID[Patient]\"]\nrules = [{ from = \"3\", to = \"name\", when = \"PID-3 DELETES\" }]",
        "[maps.\"PID[Patient]\"]\nrules = [{ to = \"name\" }]",
        "[surprise]",
    ] {
        assert!(Mapping::with(wrong).is_err(), "{wrong}");
    }
}
