//! The rules in Rust and the expressions of the standard must mean the same: both are evaluated on the examples
//! of the specification and on examples that were damaged or enriched at random, and every difference is shown.

use super::super::validate;
use super::*;
use crate::tables::{self, Element};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// Where both mean the same by intention but not by letter, and why.
const DIFFERENT: [(&str, &str); 1] =
    [("rng-2", "units that differ are left open here; the expression compares the numbers or converts")];

#[derive(Default)]
struct Comparison {
    held: usize,
    broken: usize,
    different: Vec<String>,
}

thread_local! {
    static COMPARISONS: RefCell<BTreeMap<&'static str, Comparison>> = RefCell::default();
}

/// Called by the rules themselves in tests: evaluates the expression too and keeps the result.
pub(super) fn compare(invariant: &'static Invariant, key: &'static str, focus: &Focus<'_>, holds: bool) {
    thread_local! {
        static READ: RefCell<HashMap<usize, &'static Expression>> = RefCell::default();
    }
    let expression = READ
        .with_borrow_mut(|read| *read.entry(invariant.number).or_insert_with(|| Box::leak(Box::new(parse(invariant)))));
    let expected = evaluate(expression, focus);
    COMPARISONS.with_borrow_mut(|all| {
        let found = all.entry(key).or_default();
        if holds {
            found.held += 1
        } else {
            found.broken += 1
        }
        // An expression that cannot be evaluated on damaged data says nothing about the rule.
        if expected.is_ok_and(|expected| (expected == Some(false)) == holds) && found.different.len() < 3 {
            found.different.push(format!("holds here: {holds}, on {}", focus.value));
        }
    });
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides.max(1) as u64) as usize
    }
}

/// Values met in the examples, by the path of their element: what is put into others.
type Pool = HashMap<&'static str, Vec<(String, Value)>>;

fn harvest(value: &Value, def: &'static TypeDef, pool: &mut Pool) {
    let Value::Object(map) = value else { return };
    for (name, child) in map {
        let Some(element) = def.child(name) else { continue };
        let seen = pool.entry(element.path).or_default();
        if seen.len() < 24 && child.to_string().len() < 2_000 {
            seen.push((name.clone(), child.clone()));
        }
        let inner = element.types[0].type_def();
        match child {
            Value::Array(items) => items.iter().for_each(|item| harvest(item, inner, pool)),
            _ => harvest(child, inner, pool),
        }
    }
}

/// Removes a member here and adds one there, all the way down.
fn damage(value: &mut Value, def: &'static TypeDef, pool: &Pool, dice: &mut Dice) {
    let Value::Object(map) = value else { return };
    let names: Vec<String> = map.keys().cloned().collect();
    for name in names {
        let Some(element) = def.child(&name) else { continue };
        if dice.roll(12) == 0 {
            map.shift_remove(&name);
            continue;
        }
        let inner = element.types[0].type_def();
        match &mut map[&name] {
            Value::Array(items) => items.iter_mut().for_each(|item| damage(item, inner, pool, dice)),
            child => damage(child, inner, pool, dice),
        }
    }
    let candidates: Vec<&Element> = def
        .elements()
        .iter()
        .filter(|element| pool.get(element.path).is_some_and(|values| !values.is_empty()))
        .collect();
    for _ in 0..2 {
        if candidates.is_empty() || dice.roll(3) > 0 {
            continue;
        }
        let values = &pool[candidates[dice.roll(candidates.len())].path];
        let (name, value) = values[dice.roll(values.len())].clone();
        map.insert(name, value);
    }
}

/// Resources that break rules which chance seldom breaks.
fn broken_on_purpose() -> Vec<Value> {
    let concept = |system: &str, code: &str| serde_json::json!({"coding": [{"system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code}]});
    let text = serde_json::json!({"text": "x"});
    vec![
        serde_json::json!({"resourceType": "AllergyIntolerance", "clinicalStatus": concept("allergyintolerance-clinical", "active"),
            "verificationStatus": concept("allergyintolerance-verification", "entered-in-error")}),
        serde_json::json!({"resourceType": "Appointment", "status": "booked", "cancelationReason": text}),
        serde_json::json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "http://example.org/Patient/1/_history/2"}]}),
        serde_json::json!({"resourceType": "Condition", "clinicalStatus": concept("condition-clinical", "active"), "stage": [{"type": text}],
            "verificationStatus": concept("condition-ver-status", "entered-in-error")}),
        serde_json::json!({"resourceType": "FamilyMemberHistory", "ageString": "7", "bornString": "long ago"}),
        serde_json::json!({"resourceType": "FamilyMemberHistory", "estimatedAge": true}),
        serde_json::json!({"resourceType": "Goal", "target": [{"detailString": "x"}]}),
        serde_json::json!({"resourceType": "Observation", "code": concept("x", "y"), "valueString": "z", "component": [{"code": concept("x", "y")}]}),
        serde_json::json!({"resourceType": "MedicationRequest", "dosageInstruction": [{"timing": {"repeat": {"duration": -1, "period": -0.5}}}]}),
    ]
}

#[test]
fn the_rules_in_rust_mean_what_the_standard_writes() {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("R4")).expect("the examples").map(|it| it.expect("a file").path()).collect();
    files.sort();
    let mut resources = Vec::new();
    let mut pool = Pool::new();
    for path in files.iter().filter(|path| std::fs::metadata(path).is_ok_and(|it| it.len() < 30_000)) {
        let Ok(resource) = serde_json::from_slice::<Value>(&std::fs::read(path).expect("a file")) else { continue };
        let def = resource.get("resourceType").and_then(Value::as_str).and_then(tables::type_def);
        let Some(def) = def
            .filter(|def| !matches!(def.name, "CodeSystem" | "ValueSet" | "StructureDefinition" | "SearchParameter"))
        else {
            continue;
        };
        harvest(&resource, def, &mut pool);
        resources.push((resource, def));
    }
    let mut dice = Dice(11);
    for (resource, def) in &resources {
        validate(resource);
        for _ in 0..12 {
            let mut damaged = resource.clone();
            damage(&mut damaged, def, &pool, &mut dice);
            damaged["resourceType"] = Value::from(def.name);
            validate(&damaged);
        }
    }
    for resource in broken_on_purpose() {
        validate(&resource);
    }
    let mut complaints = Vec::new();
    COMPARISONS.with_borrow(|all| {
        for (key, found) in all {
            println!("{key:<8} held {:>6}, broken {:>6}", found.held, found.broken);
            if DIFFERENT.iter().all(|(known, _)| known != key) {
                complaints.extend(found.different.iter().map(|it| format!("{key}: {it}")));
            }
            if found.held == 0 || found.broken == 0 {
                complaints.push(format!("{key} was not seen both held and broken"));
            }
        }
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_invariant_can_be_read() {
    for invariant in tables::invariants() {
        assert!(Expression::parse(invariant.expression).is_ok(), "{} {}", invariant.key, invariant.expression);
    }
}

/// A rule that the walk checks itself, against its expression at an element.
fn check_elsewhere(key: &str, resource: Value, pointer: &str, type_name: &str, holds: bool) {
    let invariant = tables::invariants().iter().find(|it| it.key == key).expect("an invariant of the standard");
    let value = resource.pointer(pointer).expect("the element is there");
    let def = tables::type_def(type_name).expect("a type");
    let focus = Focus { value, map: value.as_object(), resource: &resource, root: &resource, def };
    // `as` takes one item in FHIRPath, but dom-3 gives it many; later releases write `ofType`.
    let expression = Expression::parse(&invariant.expression.replace(".as(", ".ofType(")).expect("it can be read");
    assert_eq!(evaluate(&expression, &focus), Ok(Some(holds)), "{key} as written on {resource}");
    let mark = format!("({key})");
    let said = validate(&resource).iter().any(|issue| issue.diagnostics.contains(&mark));
    assert_eq!(!said, holds, "{key} as checked on {resource}");
}

#[test]
fn the_rules_of_the_walk_mean_what_the_standard_writes() {
    let patient = |contained: Value, reference: &str| serde_json::json!({"resourceType": "Patient", "contained": contained, "managingOrganization": {"reference": reference}});
    let organization = |id: &str| serde_json::json!([{"resourceType": "Organization", "id": id, "name": "x"}]);
    for (reference, holds) in [("#o", true), ("Organization/o", false)] {
        check_elsewhere("dom-3", patient(organization("o"), reference), "", "Patient", holds);
    }
    for (id, holds) in [("o", true), ("p", false)] {
        check_elsewhere("ref-1", patient(organization(id), "#o"), "/managingOrganization", "Reference", holds);
    }
    for (meta, four, five) in [
        (serde_json::json!({"tag": [{"code": "x"}]}), true, true),
        (serde_json::json!({"versionId": "1"}), false, true),
        (serde_json::json!({"lastUpdated": "2020-01-01T00:00:00Z"}), false, true),
        (serde_json::json!({"security": [{"code": "R"}]}), true, false),
    ] {
        let mut contained = organization("o");
        contained[0]["meta"] = meta;
        check_elsewhere("dom-4", patient(contained.clone(), "#o"), "", "Patient", four);
        check_elsewhere("dom-5", patient(contained, "#o"), "", "Patient", five);
    }
    for inner in [None, Some(organization("i"))] {
        let mut contained = organization("o");
        if let Some(inner) = &inner {
            contained[0]["contained"] = inner.clone();
        }
        check_elsewhere("dom-2", patient(contained, "#o"), "", "Patient", inner.is_none());
    }
    for (concept, holds) in [
        (serde_json::json!({"id": "x"}), false),
        (serde_json::json!({"id": "x", "text": "y"}), true),
        (serde_json::json!({"extension": [{"url": "http://example.org/x", "valueCode": "y"}]}), true),
    ] {
        let resource = serde_json::json!({"resourceType": "Patient", "maritalStatus": concept});
        check_elsewhere("ele-1", resource, "/maritalStatus", "CodeableConcept", holds);
    }
    for (low, holds) in
        [(serde_json::json!({"value": 1}), true), (serde_json::json!({"value": 1, "comparator": "<"}), false)]
    {
        let resource = serde_json::json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "referenceRange": [{"low": low}]});
        check_elsewhere("sqty-1", resource, "/referenceRange/0/low", "Quantity", holds);
    }
}
