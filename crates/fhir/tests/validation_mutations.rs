//! Valid examples are broken in many ways, one at a time; the validator must notice each. The choice of
//! what to break is random but seeded: a failure names the file, the seed and the place.

use fhir::Value;
use fhir::tables::{self, Element, Kind, Primitive, Strength, TypeDef};
use fhir::validate::validate;
use serde_json::{Map, json};

/// A small generator (SplitMix64): the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// A member of an object within a resource.
struct Site {
    /// JSON pointer of the object.
    object: String,
    def: &'static TypeDef,
    member: String,
    element: &'static Element,
}

fn sites(value: &Value, pointer: &str, def: &'static TypeDef, found: &mut Vec<Site>) {
    let Value::Object(map) = value else { return };
    for (name, child) in map {
        let Some(element) = def.child(name) else { continue };
        found.push(Site { object: pointer.to_owned(), def, member: name.clone(), element });
        let inner = element.types[0].type_def();
        // What stands in other resources is reached when they are chosen themselves.
        if inner.primitive.is_some() || element.types[0].name == "Resource" {
            continue;
        }
        match child {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    sites(item, &format!("{pointer}/{name}/{index}"), inner, found);
                }
            }
            _ => sites(child, &format!("{pointer}/{name}"), inner, found),
        }
    }
}

type Mutation = fn(&mut Map<String, Value>, &Site) -> bool;

/// Replaces the value, or all values of a list.
fn put(map: &mut Map<String, Value>, site: &Site, value: Value) -> bool {
    let value = if site.element.is_list() { json!([value]) } else { value };
    map.remove(&format!("_{}", site.member));
    map.insert(site.member.clone(), value);
    true
}

fn primitive(site: &Site) -> Option<Primitive> {
    site.element.types[0].type_def().primitive
}

fn is_one_of(site: &Site, kinds: &[Primitive]) -> bool {
    primitive(site).is_some_and(|kind| kinds.contains(&kind))
}

fn is_required_code(site: &Site) -> bool {
    let listed = |binding: &tables::Binding| binding.codes.is_some_and(|set| set.rule == tables::CodeRule::Listed);
    site.element.binding.as_ref().is_some_and(|binding| binding.strength == Strength::Required && listed(binding))
}

use Primitive as P;

/// Each breaks one thing at a site where it applies, and says whether it did.
const MUTATIONS: &[(&str, Mutation)] = &[
    ("an unknown member", |map, _| map.insert("unheardOf".to_owned(), json!("x")).is_none()),
    ("an unknown member with underscore", |map, _| map.insert("_unheardOf".to_owned(), json!({"id": "x"})).is_none()),
    ("a missing required element", |map, site| {
        site.element.min > 0 && {
            map.remove(&format!("_{}", site.member));
            map.shift_remove(&site.member).is_some()
        }
    }),
    ("two types of one choice", |map, site| {
        let other = site.def.elements().iter().find(|it| it.is_choice && it.base_name == site.element.base_name);
        let other = other.and_then(|choice| choice.types.iter().find(|kind| kind.name != site.element.types[0].name));
        let Some(other) = other.filter(|_| site.element.is_choice) else { return false };
        let value = if other.type_def().kind == Kind::Primitive { json!("x") } else { json!({"id": "x"}) };
        let (first, rest) = other.name.split_at(1);
        let name = format!("{}{}{rest}", site.element.base_name, first.to_ascii_uppercase());
        map.insert(name, value).is_none()
    }),
    ("a choice without its type", |map, site| {
        site.element.is_choice && {
            let value = map.shift_remove(&site.member).unwrap_or_default();
            map.insert(site.element.base_name.to_owned(), value).is_none()
        }
    }),
    ("an array for a single value", |map, site| {
        !site.element.is_list() && {
            let value = map[&site.member].clone();
            map.insert(site.member.clone(), json!([value])).is_some()
        }
    }),
    ("a single value for an array", |map, site| {
        site.element.is_list() && {
            let first = map[&site.member][0].clone();
            map.insert(site.member.clone(), first).is_some()
        }
    }),
    ("an empty array", |map, site| site.element.is_list() && map.insert(site.member.clone(), json!([])).is_some()),
    ("an empty object", |map, site| primitive(site).is_none() && put(map, site, json!({}))),
    ("an empty string", |map, site| {
        !is_one_of(site, &[P::Boolean, P::Integer, P::Decimal, P::PositiveInt, P::UnsignedInt])
            && primitive(site).is_some()
            && put(map, site, json!(""))
    }),
    ("null", |map, site| put(map, site, Value::Null)),
    ("a number for a text", |map, site| {
        is_one_of(site, &[P::String, P::Code, P::Uri, P::Markdown, P::Id, P::Canonical, P::Date, P::DateTime])
            && put(map, site, json!(7))
    }),
    ("a text for a number", |map, site| {
        is_one_of(site, &[P::Decimal, P::Integer, P::PositiveInt, P::UnsignedInt]) && put(map, site, json!("7"))
    }),
    ("a text for a boolean", |map, site| is_one_of(site, &[P::Boolean]) && put(map, site, json!("true"))),
    ("a text for an object", |map, site| primitive(site).is_none() && put(map, site, json!("x"))),
    ("a date that does not exist", |map, site| {
        is_one_of(site, &[P::Date, P::DateTime, P::Instant]) && put(map, site, json!("2021-02-29"))
    }),
    ("a time without offset", |map, site| {
        is_one_of(site, &[P::DateTime, P::Instant]) && put(map, site, json!("2021-02-20T10:00:00"))
    }),
    ("a fraction for a whole number", |map, site| {
        is_one_of(site, &[P::Integer, P::PositiveInt, P::UnsignedInt]) && put(map, site, json!(1.5))
    }),
    ("a number out of range", |map, site| {
        is_one_of(site, &[P::Integer, P::PositiveInt, P::UnsignedInt]) && put(map, site, json!(3_000_000_000_u64))
    }),
    ("an address with a space", |map, site| {
        is_one_of(site, &[P::Uri, P::Url, P::Canonical]) && put(map, site, json!("http://a b"))
    }),
    ("a control character", |map, site| is_one_of(site, &[P::String, P::Markdown]) && put(map, site, json!("a\u{1}b"))),
    ("broken base64", |map, site| is_one_of(site, &[P::Base64Binary]) && put(map, site, json!("abc"))),
    ("an unknown code", |map, site| {
        is_required_code(site) && is_one_of(site, &[P::Code]) && put(map, site, json!("unheard-of"))
    }),
    ("an unknown concept", |map, site| {
        let concept = json!({"coding": [{"system": "http://example.org/none", "code": "unheard-of"}]});
        is_required_code(site) && site.element.types[0].name == "CodeableConcept" && put(map, site, concept)
    }),
    ("a reference to nowhere", |map, site| {
        site.element.types[0].name == "Reference" && put(map, site, json!({"reference": "#nowhere"}))
    }),
    ("a reference that is none", |map, site| {
        site.element.types[0].name == "Reference" && put(map, site, json!({"reference": "Somebody/1"}))
    }),
    ("a reference to another type", |map, site| {
        let kind = &site.element.types[0];
        let wrong = kind.name == "Reference"
            && !kind.targets.is_empty()
            && !kind.targets.contains(&"Resource")
            && !kind.targets.contains(&"Slot");
        wrong && put(map, site, json!({"reference": "Slot/1"}))
    }),
    ("a script in the narrative", |map, site| {
        is_one_of(site, &[P::Xhtml])
            && put(map, site, json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"))
    }),
    ("an extension without content", |map, site| {
        site.element.types[0].name == "Extension" && put(map, site, json!({"url": "http://example.org/x"}))
    }),
];

#[test]
fn every_way_of_breaking_a_valid_example_is_noticed() {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("R4")).expect("the examples").map(|it| it.expect("a file").path()).collect();
    files.sort();
    let mut dice = Dice(4);
    let mut done = vec![0; MUTATIONS.len()];
    for path in files.iter().step_by(3).filter(|path| std::fs::metadata(path).is_ok_and(|it| it.len() < 20_000)) {
        let Ok(resource) = serde_json::from_slice::<Value>(&std::fs::read(path).expect("a file")) else { continue };
        let Some(def) = resource.get("resourceType").and_then(Value::as_str).and_then(tables::type_def) else {
            continue;
        };
        if validate(&resource).iter().any(fhir::Issue::is_error) {
            continue;
        }
        let mut all = Vec::new();
        sites(&resource, "", def, &mut all);
        for (number, (what, mutate)) in MUTATIONS.iter().enumerate() {
            // A site where the mutation applies, found from a random place on.
            let start = dice.roll(all.len());
            for step in 0..all.len().min(40) {
                let site = &all[(start + step) % all.len()];
                let mut broken = resource.clone();
                let object =
                    broken.pointer_mut(&site.object).and_then(Value::as_object_mut).expect("the site is an object");
                if !mutate(object, site) {
                    continue;
                }
                done[number] += 1;
                let noticed = validate(&broken).iter().any(fhir::Issue::is_error);
                assert!(noticed, "{what} at {}/{} of {} is not noticed", site.object, site.member, path.display());
                break;
            }
        }
    }
    for ((what, _), count) in MUTATIONS.iter().zip(&done) {
        println!("{count:>6} × {what}");
        assert!(*count >= 3, "{what} was tried {count} times");
    }
}
