//! One small valid resource of every type, made from the definitions: what is required and nothing else, bound to
//! a patient through an element of our choice.

use super::tables::{Element, Tables};
use serde_json::{Map, Value, json};

/// What the definitions demand beyond what is required (invariants), by type or by a part of it.
fn extras(path: &str) -> Value {
    let active = |system: &str| {
        let system = format!("http://terminology.hl7.org/CodeSystem/{system}");
        json!({ "coding": [{ "system": system, "code": "active" }] })
    };
    match path {
        "AllergyIntolerance" => json!({ "clinicalStatus": active("allergyintolerance-clinical") }),
        "Condition" => json!({ "clinicalStatus": active("condition-clinical") }),
        "Appointment" => json!({ "status": "proposed" }),
        "Bundle" => json!({ "type": "collection" }),
        "CapabilityStatement" | "TerminologyCapabilities" => {
            let rest = json!([{ "mode": "server" }]);
            let mut it = json!({ "kind": "requirements", "description": "a sample" });
            if path == "CapabilityStatement" {
                it["rest"] = rest;
            }
            it
        }
        // A draft decides nothing: these blocks are about roles, not about consents.
        // An order that counts takes a signature, which is what the block `orders` is about.
        "MedicationRequest" | "ServiceRequest" => json!({ "status": "draft" }),
        "Consent" => json!({ "status": "draft", "policyRule": { "text": "a sample" } }),
        "InsurancePlan" | "Organization" => json!({ "name": "Sample" }),
        "Linkage" => json!({ "item": [
            { "type": "source", "resource": { "display": "one" } },
            { "type": "alternate", "resource": { "display": "two" } }] }),
        "Group" => json!({ "actual": true, "type": "person" }),
        "List" => json!({ "mode": "working", "status": "current" }),
        "MolecularSequence" => json!({ "coordinateSystem": 1 }),
        "Patient" => json!({ "name": [{ "family": "Sample" }] }),
        "SearchParameter" => {
            json!({ "status": "draft", "code": "sample-of-matrix", "base": ["Basic"], "type": "string" })
        }
        "StructureDefinition" => json!({
            "status": "draft", "kind": "logical", "abstract": true,
            "differential": { "element": [{ "id": "Sample", "path": "Sample" }] } }),
        // Nothing is sent anywhere.
        "Subscription" => json!({ "status": "off", "criteria": "Observation?code=none",
            "channel": { "type": "websocket" } }),
        "Encounter" => json!({ "status": "planned" }),
        "ImmunizationRecommendation.recommendation" => json!({ "targetDisease": { "text": "a sample" } }),
        "RequestGroup.action" => json!({ "resource": { "display": "a sample" } }),
        "Immunization" => json!({ "status": "completed" }),
        "Observation" => json!({ "status": "final" }),
        _ => json!({}),
    }
}

impl Tables {
    /// A resource about `patient` (`Patient/7`) as far as it is about anybody.
    pub fn sample(&self, kind: &str, id: &str, patient: &str) -> Value {
        let mut it = self.bare(kind, id, patient);
        if let Some(link) = self.main_link(kind).filter(|link| link.kind != "Patient") {
            let path = link.path.clone();
            self.bind(&mut it, &path, patient);
        }
        it
    }

    /// Without a link of its own; what must name a patient names this one.
    pub fn bare(&self, kind: &str, id: &str, patient: &str) -> Value {
        let mut it = self.object(kind, patient);
        it["resourceType"] = kind.into();
        it["id"] = id.into();
        it
    }

    fn object(&self, path: &str, patient: &str) -> Value {
        let mut object = Map::new();
        for element in self.children(path).filter(|it| it.required) {
            self.put(&mut object, element, patient);
        }
        if let Value::Object(more) = extras(path) {
            object.extend(more);
        }
        Value::Object(object)
    }

    fn put(&self, object: &mut Map<String, Value>, element: &Element, patient: &str) {
        let kind = element.types.first().map_or("BackboneElement", String::as_str);
        let value = self.value(element, kind, patient);
        let value = if element.many { json!([value]) } else { value };
        object.insert(name(element, kind), value);
    }

    fn value(&self, element: &Element, kind: &str, patient: &str) -> Value {
        let code = element.codes.as_ref().and_then(|set| self.codes.get(set)).and_then(|all| all.first());
        let coding = || code.map(|(system, code)| json!({ "system": system, "code": code }));
        if let Some(targets) = kind.strip_prefix("Reference") {
            let about = targets.trim_matches(['(', ')']).split('|').any(|it| it == "Patient");
            return if about { json!({ "reference": patient }) } else { json!({ "display": "a sample" }) };
        }
        match kind.split('(').next().unwrap_or(kind) {
            "code" => match (code, element.codes.as_deref()) {
                (Some((_, code)), _) => json!(code),
                (None, Some(set)) if set.ends_with("/mimetypes") => json!("text/plain"),
                (None, Some(set)) if set.ends_with("/currencies") => json!("USD"),
                _ => json!("sample"),
            },
            "CodeableConcept" => coding().map_or(json!({ "text": "a sample" }), |it| json!({ "coding": [it] })),
            "Coding" => coding().unwrap_or(json!({ "display": "a sample" })),
            "string" | "markdown" => json!("Sample"),
            "boolean" => json!(false),
            "date" => json!("2026-01-05"),
            "dateTime" => json!("2026-01-05T10:00:00Z"),
            "instant" => json!("2026-01-05T10:00:00Z"),
            "time" => json!("10:00:00"),
            "integer" | "unsignedInt" => json!(0),
            "positiveInt" => json!(1),
            "decimal" => json!(1.5),
            "uri" | "url" | "canonical" => json!("http://example.org/sample"),
            "id" => json!("sample"),
            "oid" => json!("urn:oid:1.2.3"),
            "uuid" => json!("urn:uuid:a4d9bd68-2f7e-4c3a-9b16-0f2f5a1c7d10"),
            "base64Binary" => json!("c2FtcGxl"),
            "Identifier" => json!({ "system": "http://example.org/samples", "value": "sample" }),
            "Period" => json!({ "start": "2026-01-05" }),
            "Quantity" | "SimpleQuantity" | "Duration" | "Age" | "Count" | "Distance" => json!({ "value": 1 }),
            "Money" => json!({ "value": 1, "currency": "USD" }),
            "Annotation" => json!({ "text": "a sample" }),
            "Attachment" => json!({ "contentType": "text/plain", "data": "c2FtcGxl" }),
            "HumanName" => json!({ "family": "Sample" }),
            "Address" => json!({ "city": "Sampleton" }),
            "Narrative" => {
                json!({ "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>" })
            }
            "Expression" => json!({ "language": "text/fhirpath", "expression": "true" }),
            "Dosage" => json!({ "text": "a sample" }),
            "Range" => json!({ "low": { "value": 1 } }),
            "Ratio" => json!({ "numerator": { "value": 1 }, "denominator": { "value": 1 } }),
            "TriggerDefinition" => json!({ "type": "named-event", "name": "sample" }),
            "Timing" => json!({ "code": { "text": "a sample" } }),
            "BackboneElement" | "Element" => self.object(&element.path, patient),
            datatype => self.object(datatype, patient),
        }
    }

    /// Makes an element name this patient, with whatever its parents demand on the way.
    pub fn bind(&self, resource: &mut Value, path: &str, patient: &str) {
        let mut at = resource;
        let mut parts = path.split('.');
        let mut walked = parts.next().unwrap_or_default().to_owned();
        let parts: Vec<&str> = parts.collect();
        for (place, part) in parts.iter().enumerate() {
            walked = format!("{walked}.{part}");
            let last = place + 1 == parts.len();
            let Some(element) = self.element(&walked).or_else(|| self.element(&format!("{walked}[x]"))) else { return };
            let reference = element.types.iter().find(|it| it.starts_with("Reference"));
            let kind = reference.or(element.types.first()).map_or("BackboneElement", String::as_str);
            let member = name(element, kind);
            let object = at.as_object_mut().expect("parents are objects");
            if last {
                let value = json!({ "reference": patient });
                object.insert(member, if element.many { json!([value]) } else { value });
                return;
            }
            if !object.contains_key(&member) {
                self.put(object, element, patient);
            }
            let next = object.get_mut(&member).expect("it was just put there");
            at = if element.many { &mut next[0] } else { next };
        }
    }
}

/// The member of an object: a choice carries its type.
fn name(element: &Element, kind: &str) -> String {
    let last = element.path.rsplit('.').next().unwrap_or_default();
    let Some(stem) = last.strip_suffix("[x]") else { return last.to_owned() };
    let kind = kind.split('(').next().unwrap_or(kind);
    let (first, rest) = kind.split_at(1);
    format!("{stem}{}{rest}", first.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_what_is_required_and_names_its_patient() {
        let tables = Tables::read().unwrap();
        let it = tables.sample("Claim", "a", "Patient/7");
        assert_eq!(it["patient"]["reference"], "Patient/7");
        assert!(it["insurance"][0]["sequence"].is_number() && it["status"].is_string());
        let link = tables.links.iter().find(|it| it.kind == "Claim" && it.parameter == "payee").unwrap();
        let mut it = tables.bare("Claim", "a", "Patient/7");
        tables.bind(&mut it, &link.path, "Patient/8");
        assert_eq!(it["payee"]["party"]["reference"], "Patient/8");
        assert!(it["payee"]["type"].is_object());
        let it = tables.sample("CarePlan", "a", "Patient/7");
        assert_eq!(it["subject"]["reference"], "Patient/7");
    }
}
