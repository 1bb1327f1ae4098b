//! Patches: the public cases, and what they leave out.

#![allow(clippy::unwrap_used)] // A test may stop at what it did not expect.

use fhir::patch::{fhirpath_patch, json_patch};
use serde_json::{Value, json};

fn cases(file: &str) -> Option<String> {
    let path = testkit::unpacked("fhir-test-cases")?.join("r4/patch").join(file);
    Some(std::fs::read_to_string(path).unwrap())
}

#[test]
fn the_public_json_patch_cases_hold() {
    let Some(text) = cases("json-patch-tests.json") else { return };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() >= 16);
    for case in cases {
        let name = &case["comment"];
        let result = json_patch(&case["doc"], &case["patch"]);
        match case.get("expected") {
            Some(expected) => assert_eq!(result.as_ref(), Ok(expected), "{name}"),
            None => assert!(case.get("error").is_some() && result.is_err(), "{name} should fail"),
        }
    }
}

#[test]
fn the_public_fhirpath_patch_cases_hold() {
    let Some(text) = cases("fhir-patch-tests.xml") else { return };
    let document = roxmltree::Document::parse(&text).unwrap();
    let mut count = 0;
    for case in document.root_element().children().filter(roxmltree::Node::is_element) {
        let name = case.attribute("name").unwrap();
        let resource = |part: &str| {
            let part = case.children().find(|it| it.has_tag_name(part))?;
            Some(testkit::fhir_xml::json_of_resource(part.children().find(roxmltree::Node::is_element)?))
        };
        let result = fhirpath_patch(&resource("input").unwrap(), &resource("diff").unwrap());
        match resource("output") {
            Some(output) => assert_eq!(result, Ok(output), "{name}"),
            None => assert!(result.is_err(), "{name} should fail"),
        }
        count += 1;
    }
    assert!(count >= 30, "only {count} cases");
}

#[test]
fn a_json_patch_keeps_the_order_of_members_and_the_digits_of_decimals() {
    let target: Value = serde_json::from_str(
        r#"{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.50},"id":"a"}"#,
    )
    .unwrap();
    let patch = json!([{ "op": "remove", "path": "/status" }, { "op": "add", "path": "/language", "value": "en" }]);
    let result = json_patch(&target, &patch).unwrap();
    assert_eq!(
        result.to_string(),
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.50},"id":"a","language":"en"}"#
    );
}

#[test]
fn a_patch_changes_neither_type_nor_id() {
    let target = json!({ "resourceType": "Patient", "id": "a" });
    for patch in [
        json!([{ "op": "replace", "path": "/id", "value": "b" }]),
        json!([{ "op": "remove", "path": "/id" }]),
        json!([{ "op": "replace", "path": "/resourceType", "value": "Person" }]),
        json!([{ "op": "replace", "path": "", "value": { "resourceType": "Patient", "id": "b" } }]),
    ] {
        let issue = json_patch(&target, &patch).unwrap_err();
        assert_eq!(issue.code, fhir::IssueCode::BusinessRule, "{issue:?}");
    }
    let issue = fhirpath_patch(&target, &operation("replace", "Patient.id", json!({ "valueId": "b" }))).unwrap_err();
    assert_eq!(issue.code, fhir::IssueCode::BusinessRule);
}

#[test]
fn what_a_patch_empties_is_gone() {
    let target = json!({ "resourceType": "Patient", "name": [{ "given": ["A"] }], "active": true });
    let patch = json!([{ "op": "remove", "path": "/name/0/given/0" }]);
    assert_eq!(json_patch(&target, &patch), Ok(json!({ "resourceType": "Patient", "active": true })));
}

#[test]
fn a_json_patch_that_cannot_be_applied_is_refused_as_a_whole() {
    let target = json!({ "resourceType": "Patient", "name": [{ "family": "A" }] });
    for patch in [
        json!({ "op": "remove", "path": "/name" }),
        json!([{ "op": "forget", "path": "/name" }]),
        json!([{ "op": "remove" }]),
        json!([{ "op": "add", "path": "/active" }]),
        json!([{ "op": "remove", "path": "name" }]),
        json!([{ "op": "remove", "path": "/name/1" }]),
        json!([{ "op": "remove", "path": "/name/00" }]),
        json!([{ "op": "remove", "path": "/name/-" }]),
        json!([{ "op": "remove", "path": "" }]),
        json!([{ "op": "add", "path": "/name/2", "value": {} }]),
        json!([{ "op": "add", "path": "/na~2me", "value": {} }]),
        json!([{ "op": "move", "from": "/name", "path": "/name/0/x" }]),
        json!([{ "op": "copy", "from": "/nothing", "path": "/name" }]),
        json!([{ "op": "test", "path": "/name/0/family", "value": "B" }]),
    ] {
        let issue = json_patch(&target, &patch).unwrap_err();
        assert!(issue.is_error() && !issue.diagnostics.is_empty(), "{patch}");
    }
}

fn operation(kind: &str, path: &str, value: Value) -> Value {
    let mut part = json!({ "name": "value" });
    part.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": kind }, { "name": "path", "valueString": path }, part ] }] })
}

#[test]
fn replacing_a_choice_by_another_type_renames_the_member_in_its_place() {
    let target = json!({ "resourceType": "Observation", "valueString": "high", "_valueString": { "id": "x" }, "status": "final" });
    let patch = operation("replace", "Observation.value", json!({ "valueQuantity": { "value": 7 } }));
    let result = fhirpath_patch(&target, &patch).unwrap();
    assert_eq!(result.to_string(), r#"{"resourceType":"Observation","valueQuantity":{"value":7},"status":"final"}"#);
    let patch = operation("replace", "Observation.value", json!({ "valueAddress": { "city": "A" } }));
    assert_eq!(fhirpath_patch(&target, &patch).unwrap_err().code, fhir::IssueCode::Value);
}

#[test]
fn items_of_a_list_of_primitives_move_with_their_extensions() {
    let target = json!({ "resourceType": "Patient",
        "name": [{ "given": ["A", "B", null], "_given": [null, { "id": "b" }, { "id": "c" }] }] });
    let patch = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "move" }, { "name": "path", "valueString": "Patient.name[0].given" },
        { "name": "source", "valueInteger": 2 }, { "name": "destination", "valueInteger": 0 } ] }] });
    let moved = fhirpath_patch(&target, &patch).unwrap();
    assert_eq!(moved["name"][0], json!({ "given": [null, "A", "B"], "_given": [{ "id": "c" }, null, { "id": "b" }] }));
    let deleted = fhirpath_patch(&moved, &operation("delete", "Patient.name.given[2]", json!({}))).unwrap();
    assert_eq!(deleted["name"][0], json!({ "given": [null, "A"], "_given": [{ "id": "c" }, null] }));
}

#[test]
fn an_extension_can_be_added_to_a_primitive() {
    let target = json!({ "resourceType": "Patient", "birthDate": "1970-05" });
    let mut patch = operation("add", "Patient.birthDate", json!({ "valueExtension": { "url": "urn:x" } }));
    let parts = patch["parameter"][0]["part"].as_array_mut().unwrap();
    parts.push(json!({ "name": "name", "valueString": "extension" }));
    let result = fhirpath_patch(&target, &patch).unwrap();
    assert_eq!(result["_birthDate"], json!({ "extension": [{ "url": "urn:x" }] }));
}

#[test]
fn a_fhirpath_patch_is_refused_where_it_is_unclear() {
    let target = json!({ "resourceType": "Patient", "active": true, "name": [{ "family": "A" }, { "family": "B" }] });
    let value = || json!({ "valueString": "x" });
    for patch in [
        json!({ "resourceType": "Patient" }),
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "other" }] }),
        operation("upsert", "Patient.active", value()),
        operation("replace", "Patient.name", value()),
        operation("replace", "Patient.birthDate", value()),
        operation("replace", "Patient", value()),
        operation("replace", "Patient.name.count()", value()),
        operation("replace", "Patient.name[", value()),
        operation("delete", "Patient.name", value()),
        operation("add", "Patient", value()),
    ] {
        assert!(fhirpath_patch(&target, &patch).is_err(), "{patch}");
    }
    let nothing = fhirpath_patch(&target, &operation("delete", "Patient.birthDate", json!({})));
    assert_eq!(nothing, Ok(target.clone()), "nothing to delete is no error");
}
