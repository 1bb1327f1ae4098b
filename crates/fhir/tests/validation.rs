//! What the validator says about small resources, case by case; each names the element and what to mend.

use fhir::validate::validate;
use fhir::{Checked, Draft, Limits, Severity, Value};
use serde_json::json;

/// The resource has exactly this finding: where, and words of its message.
#[track_caller]
fn refuses(resource: Value, place: &str, words: &str) {
    let issues = validate(&resource);
    let found =
        issues.iter().any(|issue| issue.is_error() && issue.expression == place && issue.diagnostics.contains(words));
    assert!(found, "expected {place:?} {words:?}, found {issues:#?}");
}

#[track_caller]
fn accepts(resource: Value) {
    let errors: Vec<_> = validate(&resource).into_iter().filter(|issue| issue.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn observation(more: Value) -> Value {
    let mut resource = json!({"resourceType": "Observation", "status": "final", "code": {"text": "weight"}});
    let members = more.as_object().expect("members to add").clone();
    resource.as_object_mut().expect("an object").extend(members);
    resource
}

fn patient(more: Value) -> Value {
    let mut resource = json!({"resourceType": "Patient"});
    resource.as_object_mut().expect("an object").extend(more.as_object().expect("members to add").clone());
    resource
}

#[test]
fn an_unknown_member_is_named_with_its_nearest_neighbour() {
    refuses(
        patient(json!({"brithDate": "1970-01-01"})),
        "Patient",
        "brithDate is not an element of Patient: did you mean birthDate?",
    );
    refuses(patient(json!({"name": [{"familly": "A"}]})), "Patient.name[0]", "did you mean family?");
    refuses(observation(json!({"valueAddress": {"text": "x"}})), "Observation", "valueAddress is not an element");
    refuses(json!({"resourceType": "Pateint"}), "", "did you mean Patient?");
    refuses(json!({"name": "x"}), "", "resourceType is missing");
    refuses(json!({"resourceType": "DomainResource"}), "DomainResource", "must name a resource type");
    refuses(json!([1]), "", "must be a JSON object");
}

#[test]
fn cardinality_is_kept() {
    refuses(json!({"resourceType": "Observation", "code": {"text": "x"}}), "Observation", "status is required (1..1)");
    refuses(patient(json!({"name": {"family": "A"}})), "Patient.name", "must be an array");
    refuses(patient(json!({"birthDate": ["1970"]})), "Patient.birthDate", "must be a single value");
    refuses(patient(json!({"name": []})), "Patient.name", "empty array");
    refuses(patient(json!({"link": [{"type": "seealso"}]})), "Patient.link[0]", "other is required");
    refuses(
        json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}),
        "MedicationRequest",
        "medication[x] is required",
    );
}

#[test]
fn choices_are_made_once_and_with_their_type() {
    refuses(
        observation(json!({"valueString": "a", "valueInteger": 1})),
        "Observation",
        "value[x] may be given only once",
    );
    refuses(
        observation(json!({"valueString": "a", "_valueInteger": {"id": "x"}})),
        "Observation",
        "value[x] may be given only once",
    );
    refuses(observation(json!({"value": "a"})), "Observation", "value needs its type in its name: valueQuantity");
    accepts(observation(json!({"valueString": "a", "_valueString": {"id": "x"}})));
    accepts(observation(
        json!({"_valueString": {"extension": [{"url": "http://example.org/x", "valueCode": "unknown"}]}}),
    ));
}

#[test]
fn types_and_formats_are_those_of_the_standard() {
    refuses(patient(json!({"active": "true"})), "Patient.active", "without quotes");
    refuses(patient(json!({"birthDate": 1970})), "Patient.birthDate", "must be a string");
    refuses(patient(json!({"birthDate": "1970-02-30"})), "Patient.birthDate", "date that exists");
    refuses(patient(json!({"birthDate": "1970-1-1"})), "Patient.birthDate", "YYYY-MM-DD");
    refuses(patient(json!({"name": ["A"]})), "Patient.name[0]", "JSON object of type HumanName");
    refuses(patient(json!({"name": [{"given": [""]}]})), "Patient.name[0].given[0]", "must not be empty");
    refuses(patient(json!({"multipleBirthInteger": 1.5})), "Patient.multipleBirth", "whole number");
    refuses(patient(json!({"id": "not an id"})), "Patient.id", "1 to 64");
    refuses(observation(json!({"valueQuantity": {"value": "7"}})), "Observation.value.value", "without quotes");
    refuses(observation(json!({"effectiveDateTime": "2020-01-01T10:00:00"})), "Observation.effective", "offset");
    refuses(observation(json!({"issued": "2020-01-01"})), "Observation.issued", "YYYY-MM-DDThh:mm:ss");
    refuses(
        patient(json!({"photo": [{"contentType": "image/png", "data": "abc"}]})),
        "Patient.photo[0].data",
        "base64",
    );
    refuses(patient(json!({"meta": {"profile": ["a b"]}})), "Patient.meta.profile[0]", "white space");
    refuses(patient(json!({"telecom": [{"rank": 0}]})), "Patient.telecom[0].rank", "1 or more");
}

#[test]
fn empty_things_are_refused() {
    refuses(patient(json!({"maritalStatus": {}})), "Patient.maritalStatus", "is empty");
    refuses(patient(json!({"maritalStatus": {"id": "x"}})), "Patient.maritalStatus", "ele-1");
    refuses(patient(json!({"birthDate": null})), "Patient.birthDate", "null");
    refuses(patient(json!({"_birthDate": {}})), "Patient.birthDate", "empty object");
    accepts(patient(json!({})));
}

#[test]
fn null_stands_only_beside_an_extension_in_an_array() {
    let reason = json!({"extension": [{"url": "http://example.org/why", "valueCode": "masked"}]});
    accepts(patient(json!({"name": [{"given": [null, "B"], "_given": [reason, null]}]})));
    refuses(patient(json!({"name": [{"given": [null, "B"]}]})), "Patient.name[0].given[0]", "null");
    refuses(
        patient(json!({"name": [{"given": ["A", "B"], "_given": [reason]}]})),
        "Patient.name[0].given",
        "as many items",
    );
    refuses(
        patient(json!({"name": [{"given": ["A"], "_given": [null]}]})),
        "Patient.name[0].given",
        "nothing but null",
    );
    refuses(patient(json!({"_name": [{"id": "x"}]})), "Patient.name", "only primitive types");
    accepts(json!({"resourceType": "Observation", "code": {"text": "x"}, "_status": reason}));
}

#[test]
fn references_have_a_form_and_point_at_allowed_types() {
    refuses(
        observation(json!({"subject": {"reference": "Practitioner/1"}})),
        "Observation.subject",
        "must point at Patient or Group",
    );
    refuses(
        observation(json!({"subject": {"reference": "https://example.org/fhir/Practitioner/1"}})),
        "Observation.subject",
        "not at Practitioner",
    );
    refuses(observation(json!({"subject": {"reference": "Patient"}})), "Observation.subject", "Type/id");
    refuses(observation(json!({"subject": {"reference": "Patient/1/2"}})), "Observation.subject", "Type/id");
    refuses(
        observation(json!({"subject": {"type": "Patient", "reference": "Group/1"}})),
        "Observation.subject",
        "different types",
    );
    refuses(observation(json!({"subject": {"reference": "#p"}})), "Observation.subject", "ref-1");
    for good in [
        "Patient/1",
        "Patient/1/_history/2",
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "https://example.org/fhir/Group/g",
        "https://example.org/somewhere",
        "Patient?identifier=http://example.org|7",
    ] {
        accepts(observation(json!({"subject": {"reference": good}})));
    }
}

#[test]
fn contained_resources_are_named_once_and_referred_to() {
    let subject = json!({"reference": "#p"});
    accepts(observation(json!({"contained": [{"resourceType": "Patient", "id": "p"}], "subject": subject})));
    let with = |contained: Value| observation(json!({"contained": contained, "subject": subject}));
    refuses(
        with(json!([{"resourceType": "Device", "id": "p"}, {"resourceType": "Patient", "id": "p"}])),
        "Observation.contained[1]",
        "same id",
    );
    refuses(
        with(json!([{"resourceType": "Patient", "id": "p"}, {"resourceType": "Patient", "id": "q"}])),
        "Observation.contained[1]",
        "dom-3",
    );
    refuses(with(json!([{"resourceType": "Organization", "id": "p"}])), "Observation.subject", "not at Organization");
    refuses(
        with(json!([{"resourceType": "Patient", "id": "p", "meta": {"versionId": "1"}}])),
        "Observation.contained[0]",
        "dom-4",
    );
    refuses(
        with(json!([{"resourceType": "Patient", "id": "p", "meta": {"security": [{"code": "R"}]}}])),
        "Observation.contained[0]",
        "dom-5",
    );
    let inner = json!([{"resourceType": "Patient", "id": "p", "contained": [{"resourceType": "Patient", "id": "x"}]}]);
    refuses(with(inner), "Observation.contained[0]", "dom-2");
}

#[test]
fn required_bindings_hold() {
    refuses(patient(json!({"gender": "feminine"})), "Patient.gender", "female, male, other, unknown");
    refuses(observation(json!({"status": "done"})), "Observation.status", "observation-status");
    let allergy = |status: Value| json!({"resourceType": "AllergyIntolerance", "patient": {"display": "x"}, "clinicalStatus": status});
    let system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    accepts(allergy(
        json!({"coding": [{"system": "http://example.org", "code": "on"}, {"system": system, "code": "active"}]}),
    ));
    refuses(
        allergy(json!({"coding": [{"system": system, "code": "activ"}]})),
        "AllergyIntolerance.clinicalStatus",
        "active",
    );
    refuses(allergy(json!({"text": "active"})), "AllergyIntolerance.clinicalStatus", "must hold a code");
    refuses(
        json!({"resourceType": "Invoice", "status": "issued", "totalNet": {"value": 1, "currency": "euro"}}),
        "Invoice.totalNet.currency",
        "ISO 4217",
    );
    refuses(patient(json!({"photo": [{"contentType": "png"}]})), "Patient.photo[0].contentType", "MIME");
}

#[test]
fn invariants_are_said_in_words_with_their_key() {
    refuses(observation(json!({"valueString": "x", "dataAbsentReason": {"text": "y"}})), "Observation", "(obs-6)");
    refuses(patient(json!({"contact": [{"gender": "male"}]})), "Patient.contact[0]", "(pat-1)");
    refuses(
        observation(json!({"effectivePeriod": {"start": "2020-02-01", "end": "2020-01-01"}})),
        "Observation.effective",
        "(per-1)",
    );
    accepts(observation(json!({"effectivePeriod": {"start": "2020-02", "end": "2020-02-03"}})));
    refuses(observation(json!({"valueQuantity": {"value": 1, "code": "kg"}})), "Observation.value", "(qty-3)");
    refuses(
        observation(json!({"valueRange": {"low": {"value": 2.5}, "high": {"value": 2.25}}})),
        "Observation.value",
        "(rng-2)",
    );
    refuses(
        observation(json!({"referenceRange": [{"age": {"low": {"value": 1}}}]})),
        "Observation.referenceRange[0]",
        "(obs-3)",
    );
    refuses(patient(json!({"extension": [{"url": "http://example.org/x"}]})), "Patient.extension[0]", "(ext-1)");
    refuses(patient(json!({"extension": [{"url": "ward", "valueString": "x"}]})), "Patient.extension[0]", "absolute");
    refuses(
        observation(json!({"referenceRange": [{"low": {"value": 1, "comparator": "<"}}]})),
        "Observation.referenceRange[0].low",
        "(sqty-1)",
    );
}

#[test]
fn resources_within_a_bundle_are_checked_where_they_stand() {
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource": {"resourceType": "Patient", "gender": "f"}}]});
    refuses(bundle, "Bundle.entry[0].resource.gender", "value set");
    let twice = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "http://example.org/Patient/1", "resource": {"resourceType": "Patient"}},
        {"fullUrl": "http://example.org/Patient/1", "resource": {"resourceType": "Patient"}}]});
    refuses(twice, "Bundle", "(bdl-7)");
    refuses(
        json!({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {"resourceType": "Patient"}}]}),
        "Bundle",
        "(bdl-3)",
    );
    let relative = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "Patient/1", "resource": {"resourceType": "Patient"}}]});
    refuses(relative, "Bundle.entry[0].fullUrl", "absolute");
}

#[test]
fn an_attachment_has_the_size_it_says() {
    let photo =
        |size: u32| patient(json!({"photo": [{"contentType": "text/plain", "data": "aGVsbG8=", "size": size}]}));
    accepts(photo(5));
    refuses(photo(6), "Patient.photo[0]", "size");
}

#[test]
fn narrative_is_harmless_xhtml() {
    let with = |div: &str| patient(json!({"text": {"status": "generated", "div": div}}));
    let div = |inner: &str| with(&format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>"));
    accepts(div("<p class=\"a\">Hello &amp; <b>welcome</b>&#160;<br/></p><!-- note --><img src=\"#x\" alt='y'/>"));
    for (inner, words) in [
        ("<script>alert(1)</script>", "element <script>"),
        ("<p onclick=\"x()\">a</p>", "attribute onclick"),
        ("<a href=\" java\nscript:alert(1)\">a</a>", "script in an address"),
        ("<a href=\"&#106;avascript:alert(1)\">a</a>", "script in an address"),
        ("<p>a", "closed by another"),
        ("a & b", "&amp;"),
        ("a&nbsp;b", "entity"),
        ("  ", "txt-2"),
        ("<p a>b</p>", "well-formed"),
        ("<iframe/>x", "element <iframe>"),
        ("<?php x ?>", "declarations"),
    ] {
        refuses(div(inner), "Patient.text.div", words);
    }
    refuses(with("<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>"), "Patient.text.div", "one <div>");
    refuses(with("<div>x</div>"), "Patient.text.div", "namespace");
    refuses(with("just text"), "Patient.text.div", "one <div>");
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let mut extension = json!({"url": "http://example.org/x", "valueString": "x"});
    for _ in 0..200 {
        extension = json!({"url": "http://example.org/x", "extension": [extension]});
    }
    let issues = validate(&patient(json!({"extension": [extension]})));
    assert!(issues.iter().any(|issue| issue.diagnostics.contains("nested deeper than 64")), "{issues:?}");
}

#[test]
fn a_flood_of_errors_ends_early() {
    let names: Vec<Value> = (0..10_000).map(|_| json!({"nope": 1})).collect();
    assert_eq!(validate(&patient(json!({"name": names}))).len(), 200);
}

#[test]
fn issues_never_quote_values() {
    let resource = patient(json!({"birthDate": "Secret-1", "gender": "Secret-2", "name": [{"given": "Secret-3"}],
        "managingOrganization": {"reference": "Secret-4"}, "text": {"status": "Secret-5", "div": "<div>Secret-6</div>"}}));
    for issue in validate(&resource) {
        assert!(!issue.diagnostics.contains("Secret"), "{issue:?}");
    }
}

/// Reading refuses these bytes with words that say what to do.
#[track_caller]
fn unreadable(bytes: &[u8], words: &str) {
    let issues = Draft::parse(bytes, Limits::default()).expect_err("this must not be read");
    assert!(issues[0].diagnostics.contains(words), "{issues:?}");
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    unreadable(b"{\"resourceType\": \"Patient\",\n \"active\": true,}", "line 2 column 17");
    unreadable(b"{\"a\": 1, \"b\": {\"c\": 1,\n \"c\": 2}}", "the member c stands twice");
    unreadable(b"{\"a\": NaN}", "NaN");
    unreadable(b"{\"a\": 'x'}", "single quotes");
    unreadable(b"{\"a\": \"\\uD83D\"}", "both halves");
    unreadable(b"{\"a\": \"\xFF\"}", "not UTF-8");
    unreadable(b"{\"a\": [1", "missing");
    unreadable(b"{} {}", "trailing characters");
    unreadable(b"  ", "empty");
    unreadable(b"{\"a\": 01}", "invalid number");
    unreadable(("[".repeat(65) + &"]".repeat(65)).as_bytes(), "nested too deep");
    let small = Limits { bytes: 10, ..Limits::default() };
    assert!(Draft::parse(b"{\"resourceType\": \"Patient\"}", small).is_err());
}

#[test]
fn good_json_is_read_with_all_its_digits_and_its_order() {
    let text = "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":1.50},\"status\":\"final\",\"code\":{\"text\":\"\u{1F600}\"}}";
    let with_mark = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
    let draft = Draft::parse(&with_mark, Limits::default()).expect("a byte order mark is skipped");
    assert_eq!(draft.value().to_string(), text);
    Draft::parse(("[".repeat(64) + &"]".repeat(64)).as_bytes(), Limits::default()).expect("64 levels are allowed");
}

#[test]
fn only_what_is_valid_becomes_checked_and_it_never_prints_its_body() {
    let draft = Draft::from_value(patient(json!({"id": "7", "name": [{"family": "Secret"}]})));
    assert_eq!(format!("{draft:?}"), "Patient/7");
    let checked = draft.check().expect("it is valid");
    assert_eq!(
        (format!("{checked:?}"), checked.kind().name(), checked.id()),
        ("Patient/7".to_owned(), "Patient", Some("7"))
    );
    assert!(Draft::from_value(patient(json!({"gender": "x"}))).check().is_err());
    assert!(Checked::trusted(json!({"resourceType": "Nothing"})).is_none());
}

#[test]
fn warnings_do_not_stop_a_resource_but_go_along() {
    let library = json!({"resourceType": "Library", "status": "draft", "name": "a library",
        "type": {"text": "logic"}});
    let checked = Draft::from_value(library).check().expect("a warning does not stop it");
    assert_eq!(checked.warnings().iter().map(|issue| issue.severity).collect::<Vec<_>>(), [Severity::Warning]);
    assert!(checked.warnings()[0].diagnostics.contains("lib-0"));
}
