//! Summaries against the profiles of IPS 1.1.0 as they were published: how often each element stands, what it must say,
//! the rules in FHIRPath, and the sections that must be there. The package is test data; without it nothing is held.

use super::*;
use crate::demo::{Org, Population};
use crate::ward::{NOON, Ward};
use fhir::path::{Context, Expression};
use std::path::Path;

const PROFILES: [&str; 16] = [
    "Bundle-uv-ips",
    "Composition-uv-ips",
    "Patient-uv-ips",
    "AllergyIntolerance-uv-ips",
    "Condition-uv-ips",
    "MedicationStatement-uv-ips",
    "MedicationRequest-uv-ips",
    "Medication-uv-ips",
    "Immunization-uv-ips",
    "Procedure-uv-ips",
    "Organization-uv-ips",
    "Practitioner-uv-ips",
    "PractitionerRole-uv-ips",
    "DiagnosticReport-uv-ips",
    "Device-uv-ips",
    "Specimen-uv-ips",
];

struct Profile {
    kind: String,
    elements: Vec<Value>,
}

fn profile(folder: &Path, name: &str) -> Option<Profile> {
    let path = folder.join(format!("package/StructureDefinition-{name}.json"));
    let read: Value = serde_json::from_slice(&std::fs::read(path).ok()?).expect("JSON");
    let elements = read["snapshot"]["element"].as_array().expect("a snapshot").clone();
    Some(Profile { kind: read["type"].as_str().expect("a type").to_owned(), elements })
}

/// All that stands under this name, `[x]` being any type.
fn children<'a>(parent: &'a Value, name: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let stem = name.strip_suffix("[x]");
    for (key, value) in parent.as_object().into_iter().flatten() {
        let plain = key.strip_prefix('_').unwrap_or(key);
        let hit = match stem {
            Some(stem) => plain.strip_prefix(stem).is_some_and(|it| it.starts_with(|c: char| c.is_uppercase())),
            None => plain == name,
        };
        // Of a primitive with an extension, one of both halves counts.
        if !hit || (key.starts_with('_') && parent.get(plain).is_some()) {
            continue;
        }
        match value {
            Value::Array(items) => found.extend(items),
            one => found.push(one),
        }
    }
    found
}

fn holds(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => {
            pattern.iter().all(|(name, pattern)| value.get(name).is_some_and(|it| holds(it, pattern)))
        }
        (Value::Array(values), Value::Array(patterns)) => {
            patterns.iter().all(|pattern| values.iter().any(|it| holds(it, pattern)))
        }
        (value, pattern) => value == pattern,
    }
}

fn said<'a>(element: &'a Value, start: &str) -> Option<&'a Value> {
    element.as_object()?.iter().find(|(name, _)| name.starts_with(start)).map(|(_, it)| it)
}

impl Profile {
    /// Everything that is wrong, and how much was looked at.
    fn check(&self, resource: &Value, root: &Value, wrong: &mut Vec<String>) -> usize {
        let mut looked = 0;
        for element in &self.elements {
            let id = element["id"].as_str().unwrap_or_default();
            let path = element["path"].as_str().unwrap_or_default();
            if id.contains(':') {
                looked += self.slice(element, id, path, resource, wrong);
                continue;
            }
            for rule in element["constraint"].as_array().into_iter().flatten() {
                let expression = rule["expression"].as_str().unwrap_or_default();
                // The rules of the base are held by the validation of every write.
                let own = rule["source"].as_str().is_some_and(|it| it.contains("uv/ips"));
                if !own || rule["severity"] != "error" {
                    continue;
                }
                let all = Expression::parse(&format!("{path}.all({expression})")).expect("a rule of the package");
                let context = Context::of(resource).root_resource(root);
                if all.evaluate_bool(&context) == Ok(Some(false)) {
                    wrong.push(format!("{path}: {}", rule["key"]));
                }
                looked += 1;
            }
            let Some((above, name)) = path.rsplit_once('.') else { continue };
            for parent in instances(resource, above) {
                let there = children(parent, name);
                let least = element["min"].as_u64().unwrap_or(0) as usize;
                let most = element["max"].as_str().and_then(|it| it.parse::<usize>().ok()).unwrap_or(usize::MAX);
                if there.len() < least || there.len() > most {
                    wrong.push(format!("{path}: {} of {least}..{most}", there.len()));
                }
                let pattern = said(element, "pattern").or_else(|| said(element, "fixed"));
                if let Some(pattern) = pattern
                    && there.iter().any(|it| !holds(it, pattern))
                {
                    wrong.push(format!("{path}: is not {pattern}"));
                }
                looked += 1;
            }
        }
        looked
    }

    /// A slice that must be there: a section by its code, an entry by its type.
    fn slice(&self, element: &Value, id: &str, path: &str, resource: &Value, wrong: &mut Vec<String>) -> usize {
        let least = element["min"].as_u64().unwrap_or(0) as usize;
        let name = id.rsplit('.').next().unwrap_or_default();
        let Some((_, slice)) = name.split_once(':').filter(|_| least > 0) else { return 0 };
        let count = match path {
            "Composition.section" => {
                let code = self.elements.iter().find(|it| it["id"] == format!("{id}.code"));
                let pattern = code.and_then(|it| said(it, "pattern")).expect("sections are told apart by their code");
                instances(resource, path).into_iter().filter(|it| holds(&it["code"], pattern)).count()
            }
            "Bundle.entry" => {
                let wanted = slice.to_lowercase();
                let kinds =
                    instances(resource, path).into_iter().filter_map(|it| it["resource"]["resourceType"].as_str());
                kinds.filter(|it| it.to_lowercase() == wanted).count()
            }
            _ => return 0,
        };
        if count < least {
            wrong.push(format!("{id}: {count} of {least}"));
        }
        1
    }
}

/// Everything at a path that begins with the type.
fn instances<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.')
        .skip(1)
        .fold(vec![resource], |all, name| all.into_iter().flat_map(|it| children(it, name)).collect())
}

#[tokio::test]
async fn a_summary_is_valid_against_the_profiles_of_ips() {
    let Some(folder) = testkit::unpacked("packages/ips_110") else { return };
    let profiles: Vec<Profile> = PROFILES.iter().filter_map(|it| profile(&folder, it)).collect();
    assert!(profiles.len() > 12, "{}", profiles.len());
    let ward = Ward::open().await;
    let population = Population::new(42, 24, jiff::civil::date(2026, 6, 1));
    let all = Caller::system("test");
    ward.put(population.organisation(Org::Riverside)).await;
    let (mut looked, mut resources) = (0, 0);
    let mut wrong: std::collections::BTreeMap<String, usize> = Default::default();
    for person in population.people(Org::Riverside) {
        ward.put(person.resources.clone()).await;
        let id = Id::parse(&person.patient_id).unwrap();
        let bundle = summary(&ward.organisation, &all, &id, NOON).await.unwrap();
        let inside = bundle["entry"].as_array().unwrap().iter().map(|it| &it["resource"]);
        for it in std::iter::once(&bundle).chain(inside) {
            resources += 1;
            let issues = fhir::validate::validate(it).into_iter().filter(fhir::Issue::is_error);
            let mut found: Vec<String> =
                issues.map(|it| format!("base: {} {}", it.expression, it.diagnostics)).collect();
            for profile in profiles.iter().filter(|profile| it["resourceType"] == profile.kind.as_str()) {
                looked += profile.check(it, &bundle, &mut found);
            }
            found.into_iter().for_each(|it| *wrong.entry(it).or_default() += 1);
        }
    }
    println!("{resources} resources, {looked} places looked at");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(looked > 10_000 && resources > 300, "{looked} {resources}");
}
