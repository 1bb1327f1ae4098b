//! Every example resource of the standard is indexed, and found by exactly the parameters whose FHIRPath gives a value.

use fhir::path::{Context, Expression};
use fhir::search::row::{BaseUrls, RowValue, Target};
use fhir::search::{Param, Registry, texts};
use fhir::tables::SearchKind;
use fhir::{ResourceType, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Instant;

/// The examples, read once however many tests want them.
fn examples() -> &'static [(String, ResourceType, Value)] {
    static EXAMPLES: LazyLock<Vec<(String, ResourceType, Value)>> = LazyLock::new(read_examples);
    &EXAMPLES
}

fn read_examples() -> Vec<(String, ResourceType, Value)> {
    let Some(folder) = testkit::unpacked("fhir-r4-examples") else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("R4"))
        .expect("the examples are unpacked")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    paths.sort();
    let read = paths.into_iter().filter_map(|path| {
        let resource: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("an example is JSON");
        let kind = ResourceType::parse(resource.get("resourceType")?.as_str()?)?;
        Some((path.file_name().expect("a name").to_string_lossy().into_owned(), kind, resource))
    });
    read.collect()
}

/// Whether a value holds anything a parameter of this kind could be asked for. What R4 leaves without an index form
/// (a reference that is only a display, a schedule without limits, an empty element) is no value here.
fn says_something(param: &Param, type_name: &str, value: &Value) -> bool {
    let kind = param.kind;
    let has = |members: &[&str]| members.iter().any(|member| value.get(member).is_some());
    match (kind, type_name) {
        (_, "Extension") => true,
        (SearchKind::Reference, "Reference") => has(&["reference"]),
        (SearchKind::Reference, name) if ResourceType::parse(name).is_some() => {
            has(&["id"]) && param.targets.iter().any(|it| it.name() == name)
        }
        // Choices whose other types the kind of parameter has no form for.
        (SearchKind::Reference, "Attachment") | (SearchKind::Date, "string") => false,
        (SearchKind::Token, "boolean" | "System.Boolean") => value.is_boolean(),
        (SearchKind::Date, "Timing") => {
            has(&["event"]) || value.get("repeat").is_some_and(|repeat| repeat.get("boundsPeriod").is_some())
        }
        (SearchKind::Date, "Period") => has(&["start", "end"]),
        (SearchKind::Token, "CodeableConcept") => has(&["coding", "text"]),
        (SearchKind::Token, "ContactPoint") => has(&["value"]),
        (SearchKind::Token, "Identifier") => has(&["system", "value"]),
        (SearchKind::Quantity | SearchKind::Number, "Quantity" | "Money" | "Age" | "Duration") => has(&["value"]),
        (SearchKind::String, "HumanName" | "Address") => {
            value.as_object().is_some_and(|it| it.len() > usize::from(has(&["use"])))
        }
        _ => !value.is_null(),
    }
}

/// The values of a parameter, by the FHIRPath engine, of the alternatives that speak of this type.
fn expected(expression: &Expression, param: &Param, resource: &Value) -> usize {
    let found = expression.evaluate(&Context::for_indexing(resource)).expect("the standard's expressions evaluate");
    found.iter().filter(|node| says_something(param, node.type_name(), &node.to_json())).count()
}

#[test]
fn examples_have_rows_exactly_where_the_expression_gives_a_value() {
    let registry = Registry::r4();
    let base = BaseUrls::default();
    let mut expressions: HashMap<&str, Expression> = HashMap::new();
    let kinds: Vec<ResourceType> = ResourceType::all().collect();
    for kind in &kinds {
        for param in registry.params(*kind).filter(|param| !param.sources.is_empty()) {
            // `hasExtension` is in one expression of the standard although FHIRPath does not know it.
            if !param.expression.contains("hasExtension") {
                expressions.entry(&param.expression).or_insert_with(|| {
                    Expression::parse(&param.expression).unwrap_or_else(|error| panic!("{}: {error}", param.url))
                });
            }
        }
    }
    let (mut pairs, mut filled, mut wrong) = (0, 0, Vec::new());
    for (file, kind, resource) in examples() {
        let kind = *kind;
        let rows = registry.rows(kind, resource, &base);
        let mut sorted = rows.clone();
        sorted.dedup();
        assert_eq!(sorted.len(), rows.len(), "{file} has each row once");
        for param in registry.params(kind).filter(|param| !param.sources.is_empty()) {
            let Some(expression) = expressions.get(param.expression.as_str()) else { continue };
            if param.kind == SearchKind::Composite {
                continue;
            }
            let has_rows = param.sources.iter().any(|source| {
                rows.iter().filter(|row| row.slot == source.slot).any(|row| match (&row.value, source.only) {
                    (_, None) => true,
                    (RowValue::Reference(Target::Local { key, .. }), Some(only)) => key.kind == only,
                    (RowValue::Reference(Target::Elsewhere { kind, .. }), Some(only)) => *kind == Some(only),
                    _ => false,
                })
            });
            let values = expected(expression, param, resource);
            pairs += 1;
            filled += usize::from(has_rows);
            if has_rows != (values > 0) {
                wrong.push(format!("{file}: {kind}.{} has {values} values but rows: {has_rows}", param.code));
            }
        }
    }
    eprintln!("{pairs} pairs of example and parameter, {filled} with rows");
    let mut by_param: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for line in &wrong {
        by_param.entry(line.split(' ').nth(1).unwrap_or("")).or_default().push(line);
    }
    let told: Vec<String> =
        by_param.values().map(|lines| format!("{} (and {} more)", lines[0], lines.len() - 1)).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), told.join("\n"));
}

#[test]
fn indexing_is_quick() {
    let registry = Registry::r4();
    let base = BaseUrls::default();
    let all = examples();
    let from = Instant::now();
    let (again, _) = Registry::with(&registry, &[]);
    eprintln!("{} slots, compiled in {:?}", again.slots().len(), from.elapsed());
    let mut by_kind: BTreeMap<ResourceType, (usize, u128, usize)> = BTreeMap::new();
    for (_, kind, resource) in all {
        let from = Instant::now();
        let rows = registry.rows(*kind, resource, &base);
        let spent = from.elapsed().as_nanos();
        let text = texts(resource);
        assert!(text.content.starts_with(&text.narrative));
        let total = by_kind.entry(*kind).or_default();
        *total = (total.0 + 1, total.1 + spent, total.2 + rows.len());
    }
    for name in ["Observation", "Patient", "Condition", "Encounter", "MedicationRequest", "ValueSet"] {
        if let Some((count, spent, rows)) = ResourceType::parse(name).and_then(|kind| by_kind.get(&kind)) {
            let each = *spent as f64 / *count as f64 / 1000.0;
            eprintln!("{name}: {count} examples, {} rows and {each:.1} µs each", rows / count);
            // Far above what is usual, so that only a change of order of magnitude fails, whatever the machine.
            assert!(each < 20_000.0, "{name} takes {each} µs");
        }
    }
}
