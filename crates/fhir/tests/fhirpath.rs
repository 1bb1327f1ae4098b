//! FHIRPath as search, validation and patch use it, beyond the official cases.

#![allow(clippy::unwrap_used)] // A test may stop at what it did not expect.

use fhir::path::ast::Expr;
use fhir::path::{Context, Expression, Location, Node, PathError, Profiles, Resolver, Terminology};
use fhir::tables;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashMap;

fn find<'a>(expression: &'a Expression, context: &Context<'a>) -> Vec<String> {
    let found = expression.evaluate(context).unwrap_or_else(|error| panic!("{}: {error}", expression.text()));
    found.iter().map(|it| format!("{} {}", it.type_name(), it.to_json())).collect()
}

#[track_caller]
fn check(resource: &Value, path: &str, wanted: &[&str]) {
    let expression = Expression::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(find(&expression, &Context::of(resource)), wanted, "{path}");
}

#[track_caller]
fn check_indexing(resource: &Value, path: &str, wanted: &[&str]) {
    let expression = Expression::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(find(&expression, &Context::for_indexing(resource)), wanted, "{path}");
}

fn patient() -> Value {
    json!({ "resourceType": "Patient", "id": "p",
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "Clinic" }],
        "extension": [{ "url": "urn:race", "extension": [{ "url": "code", "valueCode": "x" }] }],
        "name": [{ "family": "Chalmers", "given": ["Peter", "James"], "use": "official" },
                 { "given": ["Jim", null], "_given": [null, { "extension": [{ "url": "urn:why", "valueCode": "unknown" }] }] }],
        "telecom": [{ "system": "phone", "value": "1" }, { "system": "email", "value": "a@b" }],
        "birthDate": "1970-05", "_birthDate": { "id": "b", "extension": [{ "url": "urn:time", "valueDateTime": "1970-05-09T10:00:00Z" }] },
        "deceasedBoolean": false,
        "contact": [{ "name": { "family": "Chalmers" }, "gender": "male" }],
        "generalPractitioner": [{ "reference": "Practitioner/1" }, { "reference": "#o" },
            { "reference": "http://example.org/fhir/PractitionerRole/2/_history/3" },
            { "reference": "urn:uuid:6b1c1a5e-0000-4000-8000-000000000000", "type": "Organization" }] })
}

#[test]
fn a_path_finds_elements_with_their_types() {
    let it = patient();
    check(&it, "Patient.name.family", &[r#"string "Chalmers""#]);
    check(
        &it,
        "Patient.name.given",
        &[
            r#"string "Peter""#,
            r#"string "James""#,
            r#"string "Jim""#,
            r#"string {"extension":[{"url":"urn:why","valueCode":"unknown"}]}"#,
        ],
    );
    check(&it, "Patient.contact.gender", &[r#"code "male""#]);
    check(&it, "Patient.contact.select($this.type().name)", &[r#"System.String "Patient.contact""#]);
    check(&it, "Patient.deceased", &["boolean false"]);
    check(&it, "Resource.id | DomainResource.contained.id", &[r#"id "p""#, r#"id "o""#]);
    check(&it, "Observation.code", &[]);
    check(&it, "Patient.telecom.where(system = 'phone').value", &[r#"string "1""#]);
    check(&it, "Patient.extension.where(url = 'urn:race').extension.value.code", &[]);
    check(&it, "Patient.extension('urn:race').extension('code').value", &[r#"code "x""#]);
    check(&it, "hasExtension('urn:race') and birthDate.hasExtension('urn:race').not()", &["System.Boolean true"]);
    check(&it, "Patient.birthDate.extension('urn:time').value as dateTime", &[r#"dateTime "1970-05-09T10:00:00Z""#]);
    check(&it, "Patient.contained.where($this is Organization).name", &[r#"string "Clinic""#]);
    check(&it, "Patient.generalPractitioner.resolve().name", &[r#"string "Clinic""#]);
}

#[test]
fn a_choice_is_found_by_its_name_and_picked_by_its_type() {
    let it = json!({ "resourceType": "Observation", "valueQuantity": { "value": 1.5, "unit": "mg" } });
    for path in [
        "Observation.value.as(Quantity)",
        "(Observation.value as Quantity)",
        "Observation.value.ofType(Quantity)",
        "Observation.value as FHIR.Quantity",
        "Observation.value",
    ] {
        check(&it, path, &[r#"Quantity {"value":1.5,"unit":"mg"}"#]);
    }
    check(&it, "(Observation.value as CodeableConcept) | Observation.value.ofType(string)", &[]);
    let absent = json!({ "resourceType": "Observation", "_valueString": { "extension": [{ "url": "urn:x" }] } });
    check(&absent, "Observation.value.exists() and Observation.value.hasValue().not()", &["System.Boolean true"]);
    check(&absent, "Observation.value.extension.url", &[r#"uri "urn:x""#]);
}

#[test]
fn when_indexing_a_reference_tells_its_type_by_its_text() {
    let it = patient();
    let refers = |kind: &str| format!("Patient.generalPractitioner.where(resolve() is {kind}).reference");
    check_indexing(&it, &refers("Practitioner"), &[r#"string "Practitioner/1""#]);
    check_indexing(
        &it,
        &refers("PractitionerRole"),
        &[r#"string "http://example.org/fhir/PractitionerRole/2/_history/3""#],
    );
    check_indexing(
        &it,
        &refers("Organization"),
        &[r##"string "#o""##, r#"string "urn:uuid:6b1c1a5e-0000-4000-8000-000000000000""#],
    );
    check_indexing(&it, &refers("Patient"), &[]);
    // Without resources at hand and outside of indexing nothing is known about what is not contained.
    check(&it, &refers("Practitioner"), &[]);
}

#[test]
fn as_picks_among_several_unless_strict() {
    let it = json!({ "resourceType": "Goal", "target": [{ "dueDate": "2020" }, { "dueDuration": { "value": 1 } }] });
    check_indexing(&it, "(Goal.target.due as date)", &[r#"date "2020""#]);
    let expression = Expression::parse("(Goal.target.due as date)").unwrap();
    assert_eq!(expression.evaluate(&Context::of(&it)).unwrap().len(), 1);
    assert!(matches!(expression.evaluate(&Context::of(&it).strict()), Err(PathError::Evaluation(_))));
}

#[test]
fn the_shape_of_an_expression_shows_unions_and_reference_targets() {
    let expression = Expression::parse("A.subject.where(resolve() is Patient) | B.patient").unwrap();
    let parts = expression.ast().union_parts();
    assert_eq!(parts.len(), 2);
    let (path, kind) = parts[0].resolved_type().unwrap();
    assert_eq!((path.starts_with_type(), kind.name.as_str()), (Some("A"), "Patient"));
    assert!(parts[1].resolved_type().is_none());
    assert!(matches!(parts[1], Expr::Member { .. }));
    let it = json!({ "resourceType": "AllergyIntolerance", "patient": { "reference": "Patient/1" } });
    let part = Expression::parse("Condition.subject | AllergyIntolerance.patient").unwrap();
    let part = Expression::of_part(&part.ast().union_parts()[1]).unwrap();
    assert_eq!(part.evaluate(&Context::of(&it)).unwrap().len(), 1);
}

#[test]
fn a_found_element_knows_where_it_stands() {
    let it = patient();
    let places = |path: &str| -> Vec<String> {
        let expression = Expression::parse(path).unwrap();
        let found = expression.evaluate(&Context::of(&it)).unwrap();
        found.iter().map(|node| Location::of(node, &it).map_or("nowhere".into(), |it| it.to_string())).collect()
    };
    assert_eq!(places("Patient.name.given.last()"), ["Patient.name[1].given[1]"]);
    assert_eq!(places("Patient.birthDate.extension.value"), ["Patient.birthDate.extension[0].valueDateTime"]);
    assert_eq!(places("Patient"), ["Patient"]);
    assert_eq!(places("Patient.name.count()"), ["nowhere"]);
}

struct Ward {
    other: Value,
}

impl Resolver for Ward {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        (reference == "Practitioner/1").then_some(&self.other)
    }
}

impl Terminology for Ward {
    fn member_of(&self, value_set: &str, coded: &Node<'_>) -> Option<bool> {
        (value_set == "urn:colours").then(|| coded.as_str() == Some("red"))
    }
}

impl Profiles for Ward {
    fn conforms_to(&self, profile: &str, element: &Node<'_>) -> Option<bool> {
        (profile == "urn:named").then(|| element.as_json().is_some_and(|it| it.get("name").is_some()))
    }
}

#[test]
fn others_answer_for_references_value_sets_profiles_variables_and_time() {
    let it = patient();
    let ward = Ward { other: json!({ "resourceType": "Practitioner", "id": "1", "active": true }) };
    let now: jiff::Zoned = "2026-03-14T15:09:26+01:00[Europe/Berlin]".parse().unwrap();
    let is_true = |path: &str| {
        let expression = Expression::parse(path).unwrap();
        let context = Context::of(&it).resolver(&ward).terminology(&ward).profiles(&ward).now(&now);
        let context = context.variable("colour", vec![Node::String("red".into())]);
        assert_eq!(expression.evaluate_bool(&context), Ok(Some(true)), "{path}");
    };
    is_true("Patient.generalPractitioner.resolve().ofType(Practitioner).active");
    is_true("%colour.memberOf('urn:colours') and 'blue'.memberOf('urn:colours').not()");
    is_true("%colour.memberOf('urn:unheard').empty()");
    is_true("conformsTo('urn:named') and conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')");
    is_true("today() = @2026-03-14 and now() = @2026-03-14T14:09:26Z and timeOfDay() = @T15:09:26");
    is_true("%resource.id = 'p' and %rootResource.id = 'p' and %context.id = 'p'");
    let bare = Expression::parse("today()").unwrap();
    assert_eq!(bare.evaluate(&Context::of(&it)).unwrap_err(), PathError::NoTime);
    let unknown = Expression::parse("%colour").unwrap();
    assert!(matches!(unknown.evaluate(&Context::of(&it)), Err(PathError::Variable(_))));
}

#[test]
fn the_focus_can_be_any_element() {
    let it = patient();
    let expression = Expression::parse("family = %resource.name.first().family and gender.exists().not()").unwrap();
    let context = Context::of(&it).focus(Node::of_element(&it["contact"][0]["name"], "HumanName"));
    assert_eq!(expression.evaluate_bool(&context), Ok(Some(true)));
}

#[test]
fn partial_dates_compare_only_as_far_as_they_go() {
    let it = patient();
    check(&it, "Patient.birthDate < @1971", &["System.Boolean true"]);
    check(&it, "Patient.birthDate < @1970-05-09", &[]);
    check(&it, "Patient.birthDate = @1970-05", &["System.Boolean true"]);
    check(&it, "@2020-02-29 + 1 year", &[r#"System.Date "2021-02-28""#]);
    check(&it, "@2020 + 30 months", &[r#"System.Date "2022""#]);
    check(&it, "@T23:30 + 45 minutes", &[r#"System.Time "00:15""#]);
    check(&it, "@2020-01-01T10:00:00Z > @2020-01-03T10:00:00", &["System.Boolean false"]);
    check(&it, "@9999-12-31 + 1 day", &[]);
}

#[test]
fn narratives_are_judged_by_the_rules_of_the_standard() {
    let judge = |div: &str| {
        let it = json!({ "resourceType": "Patient", "text": { "status": "generated", "div": div } });
        let expression = Expression::parse("text.div.htmlChecks()").unwrap();
        expression.evaluate_bool(&Context::of(&it)).unwrap().unwrap()
    };
    let inside = |text: &str| judge(&format!(r#"<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>"#));
    for allowed in [
        "text",
        "<p class=\"a\">a &amp; b<br/></p>",
        "<table><tr><td colspan='2'>x</td></tr></table>",
        "<a href=\"#x\">x</a>",
        "<img src=\"data:image/png;base64,AA\" alt=\"x\"/>",
        "<!-- why -->x",
        "&#xa0;&#xe9;",
    ] {
        assert!(inside(allowed), "{allowed}");
    }
    for forbidden in [
        "",
        "  ",
        "<script>x</script>",
        "<p onclick=\"x\">x</p>",
        "<form>x</form>",
        "<p>x",
        "</p>x",
        "<p>x</b></p>",
        "<a href=\"java&#115;cript:x\">x</a>",
        "<a href=\" JavaScript:x\">x</a>",
        "<iframe src=\"x\"/>x",
        "a & b",
        // Narrative is XML: it has no entities of HTML.
        "&nbsp;x",
        "<br",
        "<p a>x</p>",
        "<img src=\"data:text/html,x\"/>",
        "<p style=\"width:expression(x)\">x</p>",
        "<?x y?>x",
        "<![CDATA[x]]>",
        "<object/>x",
    ] {
        assert!(!inside(forbidden), "{forbidden}");
    }
    assert!(!judge("<p>x</p>") && !judge("x") && !judge("<div>x</div><div>y</div>") && !judge(""));
}

#[test]
fn every_search_parameter_and_invariant_of_the_standard_compiles_and_names_real_elements() {
    let mut count = 0;
    for parameter in tables::search_parameters() {
        let Some(written) = parameter.expression else { continue };
        let expression = Expression::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        for part in expression.ast().union_parts() {
            let Some(start) = part.starts_with_type() else { continue };
            let part = Expression::of_part(part).unwrap();
            if let Err(error) = part.check(start) {
                panic!("{written}: {error}");
            }
        }
        count += 1;
    }
    assert!(count > 1000, "only {count} search parameters");
    let mut count = 0;
    for kind in tables::types() {
        for invariant in &kind.invariants {
            Expression::parse(invariant.expression).unwrap_or_else(|error| panic!("{}: {error}", invariant.expression));
            count += 1;
        }
        for element in kind.elements() {
            for invariant in element.invariants {
                Expression::parse(invariant.expression)
                    .unwrap_or_else(|error| panic!("{}: {error}", invariant.expression));
                count += 1;
            }
        }
    }
    assert!(count > 200, "only {count} invariants");
}

fn path_is_contained(resource: &Value, node: &Node<'_>) -> bool {
    Location::of(node, resource).is_some_and(|it| it.steps.iter().any(|(name, _)| name == "contained"))
}

/// The examples of the standard keep its rules, so the engine should say so.
#[test]
fn invariants_and_search_parameters_run_over_the_examples_of_the_standard() {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return };
    let mut compiled: HashMap<&'static str, Expression> = HashMap::new();
    for written in tables::search_parameters().iter().filter_map(|it| it.expression) {
        compiled.insert(written, Expression::parse(written).unwrap());
    }
    for kind in tables::types() {
        for invariant in &kind.invariants {
            compiled.insert(invariant.expression, Expression::parse(invariant.expression).unwrap());
        }
    }
    let below = Expression::parse("$this | descendants()").unwrap();
    let (mut resources, mut found, mut judged, mut broken) = (0, 0, 0, HashMap::<String, Vec<String>>::new());
    let mut files: Vec<_> = std::fs::read_dir(folder.join("R4")).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // The large ones are definitions of definitions; they take long and show nothing more.
        let Some(it) = Some(text).filter(|it| it.len() < 40_000).and_then(|it| serde_json::from_str::<Value>(&it).ok())
        else {
            continue;
        };
        let Some(kind) = Node::of_resource(&it).type_def() else { continue };
        resources += 1;
        for written in tables::search_parameters_of(kind.name).filter_map(|it| it.expression) {
            let context = Context::for_indexing(&it);
            let nodes = compiled[written].evaluate(&context).unwrap_or_else(|error| panic!("{written}: {error}"));
            found += nodes.len();
        }
        for node in below.evaluate(&Context::of(&it)).unwrap() {
            let Some(kind) = node.type_def() else { panic!("an element of {} has no type", file.display()) };
            for invariant in kind.invariants.iter().filter(|it| it.is_error && it.key != "ele-1" && it.key != "ext-1") {
                // A resource within a Bundle is `%resource` to its own rules.
                let inner = kind.kind == tables::Kind::Resource && !path_is_contained(&it, &node);
                let around = if inner { node.as_json().unwrap() } else { &it };
                let context = Context::of(&it).focus(node.clone()).resource(around);
                let holds = compiled[invariant.expression].evaluate_bool(&context);
                judged += 1;
                match holds {
                    Err(error) => panic!("{} {}: {error}", invariant.key, invariant.expression),
                    // Unknown is no breach: ref-1 cannot tell for a reference that has a display only.
                    Ok(Some(true) | None) => {}
                    Ok(Some(false)) => broken
                        .entry(invariant.key.to_owned())
                        .or_default()
                        .push(file.file_name().unwrap().to_string_lossy().into_owned()),
                }
            }
        }
    }
    println!("{resources} resources, {found} search values, {judged} invariants judged, broken: {broken:#?}");
    assert!(resources > 1_000 && found > 10_000 && judged > 10_000);
    // These examples do break the rule named.
    let mut keys: Vec<&str> = broken.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["que-2", "sdf-4"], "{broken:#?}");
    assert!(broken.values().map(Vec::len).sum::<usize>() <= 5, "{broken:#?}");
}

#[test]
fn misspelt_paths_are_found_without_data() {
    let wrong = |path: &str| Expression::parse(path).unwrap().check("Patient").is_err();
    assert!(wrong("Patient.name.familly") && wrong("Observation.code") && wrong("Patient.deceasedBoolean"));
    assert!(wrong("name.where(usage = 'usual')") && wrong("Pattient.name"));
    assert!(
        !wrong("Patient.name.where(use = 'usual').given.first()")
            && !wrong("contained.name")
            && !wrong("deceased as dateTime")
    );
}

#[test]
fn what_costs_too_much_or_nests_too_deep_ends_in_a_clean_error() {
    let it = patient();
    let costly =
        "descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants())))";
    let expression = Expression::parse(costly).unwrap();
    assert_eq!(expression.evaluate(&Context::of(&it).budget(100_000)).unwrap_err(), PathError::TooCostly);
    let endless = Expression::parse("(1).repeat($this + 1)").unwrap();
    assert_eq!(endless.evaluate(&Context::of(&it).budget(100_000)).unwrap_err(), PathError::TooCostly);
    for (open, close) in
        [("(", ")"), ("-", ""), ("a.where(", ")"), ("not(", ")"), ("a[", "]"), ("1 + (", ")"), ("iif(true, ", ")")]
    {
        let deep = format!("{}1{}", open.repeat(20_000 / open.len()), close.repeat(20_000 / open.len()));
        assert!(Expression::parse(&deep).is_err(), "{open}");
    }
    for long in ["a".to_owned() + &".a".repeat(20_000), "1".to_owned() + &" + 1".repeat(15_000), "x".repeat(100_000)] {
        assert_eq!(Expression::parse(&long).unwrap_err(), PathError::TooDeep);
    }
    let wide = "a".to_owned() + &" | a".repeat(2_000);
    assert!(Expression::parse(&wide).is_ok(), "a union may have many parts");
    // The deepest that is allowed runs within the stack of an ordinary worker thread.
    let deepest = (1..=100).rev().find_map(|depth| {
        Expression::parse(&format!("{}true{}", "Patient.where(".repeat(depth), ")".repeat(depth))).ok()
    });
    let found = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || deepest.unwrap().evaluate(&Context::of(&patient())).map(|it| it.len()))
        .unwrap();
    assert_eq!(found.join().unwrap(), Ok(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_text_can_panic_the_parser(text in "\\PC{0,60}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn nothing_made_of_its_own_words_can_panic_the_engine(words in prop::collection::vec(prop::sample::select(WORDS), 0..14)) {
        let it = patient();
        let now: jiff::Zoned = "2026-03-14T15:09:26+01:00[Europe/Berlin]".parse().unwrap();
        if let Ok(expression) = Expression::parse(&words.join("")) {
            let _ = expression.check("Patient");
            if let Ok(found) = expression.evaluate(&Context::of(&it).now(&now).budget(20_000)) {
                found.iter().for_each(|node| drop((node.to_json(), node.type_name())));
            }
        }
    }
}

const WORDS: &[&str] = &[
    "Patient",
    "name",
    ".name",
    ".given",
    ".where(",
    ")",
    "(",
    "'a'",
    "'€'",
    "1",
    "0",
    "-",
    "9223372036854775807",
    "79228162514264337593543950335",
    "0.0000000000000000000000000001",
    " + ",
    " * ",
    " / ",
    " div ",
    " mod ",
    " | ",
    " = ",
    " ~ ",
    " < ",
    " and ",
    " is ",
    "Quantity",
    "string",
    "@2020",
    "@2020-02-29T10:00:00.5+14:00",
    "@T10",
    "@0000-01-01",
    "1 'mg'",
    "7 days",
    "1 year",
    "9999999 years",
    "4 'Cel'",
    "'[degF]'",
    ".substring(",
    ",",
    "$this",
    "$index",
    "$total",
    "{}",
    "true",
    ".round(",
    ".power(",
    ".exp()",
    ".ln()",
    ".log(",
    ".sqrt()",
    ".lowBoundary(",
    ".highBoundary(",
    ".precision()",
    ".toQuantity(",
    ".toDate()",
    ".toDecimal()",
    ".split('')",
    ".join('')",
    ".matches('(a*)*b')",
    ".replaceMatches('', ",
    ".encode('base64')",
    ".decode('base64')",
    ".decode('hex')",
    ".unescape('json')",
    ".descendants()",
    ".repeat(",
    ".sort(",
    ".distinct()",
    ".birthDate",
    "[",
    "]",
    ".skip(",
    ".take(",
    ".type()",
    ".extension(",
    ".resolve()",
    ".iif(",
    ".aggregate(",
    ".indexOf(",
    ".toChars()",
    ".count()",
];
