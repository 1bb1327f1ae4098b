//! FHIR resources and elements while they are made: what is absent is left out, so that no null and no empty list gets
//! into a record (FHIR R4, json.html).

use serde_json::{Map, Value, json};

/// An object being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Part(Map<String, Value>);

impl Part {
    pub(super) fn new() -> Part {
        Part::default()
    }

    pub(super) fn of(kind: &str) -> Part {
        Part::new().with("resourceType", Some(kind))
    }

    /// A member, if there is something to say.
    pub(super) fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Part {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    /// A list, if anything is in it.
    pub(super) fn list(mut self, name: &str, values: impl IntoIterator<Item = Value>) -> Part {
        let values: Vec<Value> = values.into_iter().collect();
        if !values.is_empty() {
            match self.0.get_mut(name).and_then(Value::as_array_mut) {
                Some(there) => there.extend(values),
                None => {
                    self.0.insert(name.to_owned(), Value::Array(values));
                }
            }
        }
        self
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// `None` when nothing was said.
    pub(super) fn some(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

pub(super) fn reference(address: &str) -> Value {
    json!({ "reference": address })
}

/// A concept of one code of a FHIR code system.
pub(super) fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

/// A required element of which the sender says why it is not there (extension data-absent-reason).
pub(super) fn absent(reason: &str) -> Value {
    json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": reason }] })
}

/// The same for a required concept.
pub(super) fn absent_concept(reason: &str) -> Value {
    concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", reason)
}
