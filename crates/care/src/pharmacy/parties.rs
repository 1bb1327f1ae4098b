//! Who has to do with a prescription, as a message tells of them: patient, prescriber, pharmacy, and the medicine.

use super::directory::identifier;
use super::record::number_of;
use super::{NCPDP, NPI};
use crate::act::Pen;
use crate::ask;
use crate::chart::Medication;
use crate::chart::element::{Names, at, concept, list, owned, text};
use crate::drugs::{self, RXNORM};
use crate::orders::OrderError;
use fhir::{Id, Key, Value};
use formats::script::Part;
use store::StoreError;

/// Numbers of the Drug Enforcement Administration for who may prescribe.
const DEA: [&str; 2] = ["urn:oid:2.16.840.1.113883.4.814", "http://terminology.hl7.org/NamingSystem/usDEA"];

/// Units as the record has them → as the mapping calls them.
const UNITS: [(&str, &str); 10] = [
    ("tablet", "tablet"),
    ("tablets", "tablet"),
    ("capsule", "capsule"),
    ("capsules", "capsule"),
    ("ml", "mL"),
    ("milliliter", "mL"),
    ("g", "g"),
    ("gram", "g"),
    ("each", "each"),
    ("inhaler", "each"),
];

/// Everybody a prescription names.
pub(super) struct Parties {
    pub(super) patient: Id,
    pub(super) patient_value: Value,
    pub(super) prescriber: Option<Value>,
    pub(super) pharmacy: Option<(Key, Value)>,
}

/// The pharmacy that a prescription is meant for.
pub(super) fn dispenser(request: &Value) -> Option<Key> {
    let key = Key::parse(text(request, &["dispenseRequest", "performer", "reference"])?)?;
    (key.kind.name() == "Organization").then_some(key)
}

pub(super) fn patient_of(request: &Value) -> Option<Id> {
    Id::parse(text(request, &["subject", "reference"])?.strip_prefix("Patient/")?)
}

impl Parties {
    pub(super) async fn of(pen: &Pen<'_>, request: &Value) -> Result<Parties, OrderError> {
        let patient = patient_of(request).ok_or(OrderError::Unknown)?;
        let patient_value = ask::read(pen.store(), pen.caller, "Patient", &patient).await?.value;
        let prescriber = match text(request, &["requester", "reference"]).and_then(Key::parse) {
            Some(key) if key.kind.name() == "Practitioner" => there(pen, &key).await?,
            Some(key) if key.kind.name() == "PractitionerRole" => {
                let role = there(pen, &key).await?;
                let person = role.as_ref().and_then(|it| text(it, &["practitioner", "reference"])).and_then(Key::parse);
                match person {
                    Some(key) => there(pen, &key).await?,
                    None => None,
                }
            }
            _ => None,
        };
        let pharmacy = match dispenser(request) {
            Some(key) => there(pen, &key).await?.map(|it| (key, it)),
            None => None,
        };
        Ok(Parties { patient, patient_value, prescriber, pharmacy })
    }

    /// The number of the pharmacy.
    pub(super) fn ncpdp(&self) -> Option<String> {
        self.pharmacy.as_ref().and_then(|(_, it)| identifier(it, NCPDP))
    }

    pub(super) fn patient_part(&self) -> Part {
        patient_part(&self.patient_value, &self.patient)
    }

    pub(super) fn pharmacy_part(&self) -> Part {
        let Some((_, value)) = &self.pharmacy else { return Part::new("pharmacy") };
        let part = Part::new("pharmacy")
            .maybe("ncpdp", identifier(value, NCPDP))
            .maybe("npi", identifier(value, NPI))
            .maybe("name", owned(value, &["name"]));
        placed(part, value)
    }

    pub(super) fn prescriber_part(&self, practice: &str) -> Part {
        let part = Part::new("prescriber").say("practice", practice);
        let Some(value) = &self.prescriber else { return part };
        let name = at(value, &["name"]).unwrap_or(&Value::Null);
        let given = list(name, "given").iter().find_map(Value::as_str);
        let dea = DEA.iter().find_map(|it| identifier(value, it));
        let part = part
            .maybe("npi", identifier(value, NPI))
            .maybe("dea", dea)
            .maybe("family", text(name, &["family"]))
            .maybe("given", given)
            .maybe("suffix", text(name, &["suffix"]));
        placed(part, value)
    }
}

async fn there(pen: &Pen<'_>, key: &Key) -> Result<Option<Value>, OrderError> {
    match pen.store().read(pen.caller, key).await {
        Ok(stored) => Ok(Some(stored.value())),
        Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

pub(super) fn patient_part(value: &Value, id: &Id) -> Part {
    let names = list(value, "name");
    let name = names.iter().find(|it| text(it, &["use"]) == Some("official")).or(names.first()).unwrap_or(&Value::Null);
    let mut given = list(name, "given").iter().filter_map(Value::as_str);
    let gender = text(value, &["gender"]).filter(|it| matches!(*it, "female" | "male")).unwrap_or("unknown");
    let part = Part::new("patient")
        .say("record", number_of(id))
        .maybe("family", text(name, &["family"]))
        .maybe("given", given.next())
        .maybe("middle", given.next())
        .maybe("suffix", text(name, &["suffix"]))
        .say("gender", gender)
        .maybe("born", text(value, &["birthDate"]));
    placed(part, value)
}

/// With address and telephone.
fn placed(part: Part, value: &Value) -> Part {
    let addresses = list(value, "address");
    let address = addresses.iter().find(|it| text(it, &["use"]) != Some("old")).unwrap_or(&Value::Null);
    let mut lines = list(address, "line").iter().filter_map(Value::as_str);
    let phones = list(value, "telecom").iter().filter(|it| text(it, &["system"]) == Some("phone"));
    let phone = phones.filter(|it| text(it, &["use"]) != Some("old")).find_map(|it| text(it, &["value"]));
    part.maybe("line", lines.next())
        .maybe("line2", lines.next())
        .maybe("city", text(address, &["city"]))
        .maybe("state", text(address, &["state"]))
        .maybe("postal", text(address, &["postalCode"]))
        .maybe("country", text(address, &["country"]))
        .maybe("phone", phone)
}

/// The medicine of a prescription under the name of a part: `prescribed`, `answered`.
pub(super) fn medicine_part(name: &str, request: &Value) -> Part {
    let medication = Medication::of(request, &Names::default());
    let code = request.get("medicationCodeableConcept");
    let rxnorm = code.into_iter().flat_map(|it| list(it, "coding")).find(|it| text(it, &["system"]) == Some(RXNORM));
    let dispense = request.get("dispenseRequest").unwrap_or(&Value::Null);
    let number = |path: &[&str]| at(dispense, path).and_then(Value::as_number).map(ToString::to_string);
    let unit = text(dispense, &["quantity", "unit"]).map(|it| {
        let plain = it.trim().to_lowercase();
        UNITS.iter().find(|(ours, _)| *ours == plain).map_or("unspecified", |(_, wire)| wire)
    });
    let quantity = number(&["quantity", "value"]);
    let notes: Vec<&str> = list(request, "note").iter().filter_map(|it| text(it, &["text"])).collect();
    let refused = request.pointer("/substitution/allowedBoolean") == Some(&Value::Bool(false));
    let schedule = code.and_then(drugs::schedule_of);
    Part::new(name)
        .say("drug", &medication.name)
        .maybe("rxnorm", rxnorm.and_then(|it| text(it, &["code"])))
        .maybe("schedule", schedule.map(|it| it.to_string()))
        .maybe("unit", unit.filter(|_| quantity.is_some()))
        .maybe("quantity", quantity)
        .maybe("days", number(&["expectedSupplyDuration", "value"]))
        .maybe("written", text(request, &["authoredOn"]).and_then(|it| it.get(..10)))
        .maybe("effective", text(dispense, &["validityPeriod", "start"]).and_then(|it| it.get(..10)))
        .say("substitution", if refused { "not-allowed" } else { "allowed" })
        .maybe("refills", number(&["numberOfRepeatsAllowed"]))
        .say("note", notes.join(" "))
        .maybe("sig", medication.directions)
}

/// What a prescription is called.
pub(super) fn drug_of(request: &Value) -> String {
    request
        .get("medicationCodeableConcept")
        .and_then(concept)
        .unwrap_or_else(|| Medication::of(request, &Names::default()).name)
}
