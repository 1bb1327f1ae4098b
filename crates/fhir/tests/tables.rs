//! The tables say what the standard says.

use fhir::resource::RESOURCE_TYPES;
use fhir::tables::{self, Kind, SearchKind, Strength};

fn check_child(parent: &str, member: &str, base_name: &str, type_name: &str, context: &str) {
    let element = tables::element(parent, member).unwrap_or_else(|| panic!("{parent} has {member}"));
    assert_eq!(element.base_name, base_name, "{parent}.{member}");
    assert_eq!(element.child_context(type_name), Some(context), "{parent}.{member} as {type_name}");
}

#[test]
fn the_resource_types_are_those_of_the_tables() {
    let mut named: Vec<&str> = tables::types()
        .iter()
        .filter(|known| known.kind == Kind::Resource && !known.is_abstract)
        .map(|known| known.name)
        .collect();
    named.sort_unstable();
    assert_eq!(named, RESOURCE_TYPES);
}

#[test]
fn a_json_member_leads_to_its_element_and_the_type_of_its_content() {
    check_child("Patient", "name", "name", "HumanName", "HumanName");
    check_child("HumanName", "given", "given", "string", "string");
    check_child("Patient", "contact", "contact", "BackboneElement", "Patient.contact");
    check_child("Patient.contact", "name", "name", "HumanName", "HumanName");
    check_child("Observation", "valueQuantity", "value", "Quantity", "Quantity");
    check_child("Observation", "value", "value", "CodeableConcept", "CodeableConcept");
    check_child("Observation.component", "valueDateTime", "value", "dateTime", "dateTime");
    check_child("Timing", "repeat", "repeat", "Element", "Timing.repeat");
    check_child("Timing.repeat", "boundsPeriod", "bounds", "Period", "Period");
    check_child("Extension", "valueReference", "value", "Reference", "Reference");
    check_child("Age", "value", "value", "decimal", "decimal");
    check_child("Patient", "id", "id", "id", "id");
    check_child("Patient.contact", "id", "id", "string", "string");
    check_child("Patient.contact", "modifierExtension", "modifierExtension", "Extension", "Extension");
    check_child("code", "extension", "extension", "Extension", "Extension");
    assert!(tables::element("Patient", "nmae").is_none());
    assert!(tables::element("Observation", "valueAddress").is_none());
    assert!(tables::element("Timing.repeat", "modifierExtension").is_none());
}

#[test]
fn content_references_lead_to_what_they_name() {
    check_child("Questionnaire.item", "item", "item", "BackboneElement", "Questionnaire.item");
    check_child(
        "Observation.component",
        "referenceRange",
        "referenceRange",
        "BackboneElement",
        "Observation.referenceRange",
    );
    check_child("ValueSet.compose", "exclude", "exclude", "BackboneElement", "ValueSet.compose.include");
    check_child("Bundle.entry", "link", "link", "BackboneElement", "Bundle.link");
}

#[test]
fn an_element_knows_its_cardinality_targets_binding_and_flags() {
    let status = tables::element("Observation", "status").expect("Observation.status");
    assert_eq!((status.min, status.max, status.is_list()), (1, Some(1), false));
    assert!(status.is_modifier && status.is_summary);
    let binding = status.binding.expect("status is bound");
    assert_eq!(binding.strength, Strength::Required);
    assert!(binding.codes.expect("its codes are listed").contains_code("final"));
    let subject = tables::element("Observation", "subject").expect("Observation.subject");
    assert_eq!(subject.targets().collect::<Vec<_>>(), ["Patient", "Group", "Device", "Location"]);
    let given = tables::element("HumanName", "given").expect("HumanName.given");
    assert_eq!((given.min, given.max, given.is_list()), (0, None, true));
    let dose = tables::element("Dosage.doseAndRate", "doseQuantity").expect("Dosage.doseAndRate.dose[x]");
    assert!(dose.types[0].simple_quantity);
}

#[test]
fn invariants_are_kept_where_they_are_stated() {
    let keys = |name: &str| -> Vec<&str> {
        tables::type_def(name).expect("a type").invariants.iter().map(|rule| rule.key).collect()
    };
    assert!(keys("Observation").contains(&"obs-6") && keys("Observation").contains(&"dom-3"));
    assert!(keys("Age").contains(&"qty-3") && keys("Age").contains(&"age-1"));
    assert_eq!(keys("Patient.contact"), ["ele-1"]);
    let contact = tables::element("Patient", "contact").expect("Patient.contact");
    assert_eq!(contact.invariants.iter().map(|rule| rule.key).collect::<Vec<_>>(), ["pat-1"]);
}

#[test]
fn types_descend_as_in_the_standard() {
    for (name, ancestor, expected) in [
        ("Patient", "DomainResource", true),
        ("Patient", "Resource", true),
        ("Bundle", "DomainResource", false),
        ("Age", "Quantity", true),
        ("SimpleQuantity", "Quantity", true),
        ("Quantity", "Age", false),
        ("code", "string", true),
        ("id", "string", true),
        ("markdown", "string", true),
        ("canonical", "uri", true),
        ("positiveInt", "integer", true),
        ("string", "Element", true),
        ("Patient.contact", "BackboneElement", true),
        ("Timing.repeat", "BackboneElement", false),
        ("Nonsense", "Element", false),
    ] {
        assert_eq!(tables::is_subtype(name, ancestor), expected, "{name} is a {ancestor}");
    }
}

#[test]
fn search_parameters_are_found_by_type_and_code() {
    let date = tables::search_parameter("Observation", "date").expect("Observation date");
    assert_eq!((date.id, date.kind), ("clinical-date", SearchKind::Date));
    let id = tables::search_parameter("Bundle", "_id").expect("_id");
    assert_eq!(id.expression, Some("Resource.id"));
    assert!(tables::search_parameter("Patient", "_text").is_some());
    assert!(tables::search_parameter("Bundle", "_text").is_none(), "a Bundle has no narrative");
    let composite = tables::search_parameter("Observation", "code-value-quantity").expect("a composite");
    assert_eq!(composite.components.len(), 2);
    for parameter in tables::search_parameters() {
        for component in &parameter.components {
            let known = tables::search_parameters().iter().any(|other| other.url == component.definition);
            assert!(known, "{} has a component {}", parameter.url, component.definition);
        }
    }
    let of_patient: Vec<&str> = tables::search_parameters_of("Patient").map(|parameter| parameter.code).collect();
    assert!(["family", "birthdate", "_id", "_lastUpdated", "_text"].iter().all(|code| of_patient.contains(code)));
}

#[test]
fn compartments_and_operations_are_listed() {
    let codes: Vec<&str> = tables::compartments().iter().map(|compartment| compartment.code).collect();
    assert_eq!(codes, ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"]);
    let patient = tables::compartment("Patient").expect("the patient compartment");
    assert_eq!(patient.parameters("Observation"), ["subject", "performer"]);
    assert!(patient.parameters("Organization").is_empty());
    let everything = tables::operations().iter().find(|it| it.code == "everything" && it.resources == ["Patient"]);
    assert!(everything.is_some_and(|it| it.on_instance && it.on_type && !it.system));
}

#[test]
fn code_sets_tell_systems_apart() {
    let gender = tables::code_set("http://hl7.org/fhir/ValueSet/administrative-gender").expect("a code set");
    assert!(gender.contains("http://hl7.org/fhir/administrative-gender", "female"));
    assert!(!gender.contains("http://example.org", "female") && !gender.contains_code("feminine"));
    assert_eq!(gender.system_of("other"), Some("http://hl7.org/fhir/administrative-gender"));
    for set in tables::code_sets() {
        for (system, codes) in &set.systems {
            assert!(codes.is_sorted(), "{} {system}", set.url);
        }
    }
}

#[test]
fn every_required_binding_has_a_code_set() {
    for known in tables::types() {
        for element in known.elements() {
            let binding = element.binding.filter(|binding| binding.strength == Strength::Required);
            assert!(binding.is_none_or(|binding| binding.codes.is_some()), "{}", element.path);
        }
    }
}
