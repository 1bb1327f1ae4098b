//! The pharmacies that can be sent to: Organizations with an NCPDP number. The one a patient likes best is on the Patient
//! (HL7's extension patient-preferredPharmacy); the one a prescription goes to is on the prescription.

use super::NCPDP;
use crate::act::{Act, Pen, Written};
use crate::ask::{self, Rows};
use crate::chart::element::{at, display_name, list, owned, text};
use crate::orders::OrderError;
use fhir::{Id, Key, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreResult;

const PREFERRED: &str = "http://hl7.org/fhir/StructureDefinition/patient-preferredPharmacy";
/// Found at once.
const FOUND: u32 = 30;

/// A pharmacy as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pharmacy {
    pub key: Key,
    pub name: String,
    pub ncpdp: Option<String>,
    pub address: Option<String>,
    pub phone: Option<String>,
}

/// The pharmacy that was chosen for a prescription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// `Organization/7`.
    pub key: String,
    pub name: String,
}

impl Chosen {
    pub(crate) fn reference(&self) -> Value {
        json!({ "reference": self.key, "display": self.name })
    }
}

impl Pharmacy {
    pub(crate) fn of(value: &Value) -> Option<Pharmacy> {
        let address = at(value, &["address"]).map(|it| {
            let lines = list(it, "line").iter().filter_map(Value::as_str);
            let rest = ["city", "state", "postalCode"].into_iter().filter_map(|part| text(it, &[part]));
            lines.chain(rest).collect::<Vec<_>>().join(", ")
        });
        let phone = list(value, "telecom").iter().find(|it| text(it, &["system"]) == Some("phone"));
        Some(Pharmacy {
            key: Key::parse(&format!("Organization/{}", text(value, &["id"])?))?,
            name: display_name(value)?,
            ncpdp: identifier(value, NCPDP),
            address: address.filter(|it| !it.is_empty()),
            phone: phone.and_then(|it| owned(it, &["value"])),
        })
    }

    pub fn chosen(&self) -> Chosen {
        Chosen { key: self.key.to_string(), name: self.name.clone() }
    }
}

/// The number that a naming system gave.
pub(super) fn identifier(value: &Value, system: &str) -> Option<String> {
    list(value, "identifier")
        .iter()
        .find(|it| text(it, &["system"]) == Some(system))
        .and_then(|it| owned(it, &["value"]))
}

/// Pharmacies whose names have these words, all of them when there are none; by name.
pub async fn search(pen: &Pen<'_>, words: &str) -> StoreResult<(Vec<Pharmacy>, bool)> {
    let mut asked =
        vec![("active", "true".to_owned()), ("identifier", format!("{NCPDP}|")), ("_sort", "name".to_owned())];
    for word in words.split_whitespace().take(5) {
        asked.push(("name:contains", ask::escaped(word)));
    }
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Organization", &asked, FOUND).await)?;
    Ok((rows.rows.iter().filter_map(|it| Pharmacy::of(&it.value)).collect(), rows.more))
}

/// One of them.
pub async fn one(pen: &Pen<'_>, id: &Id) -> Result<Pharmacy, OrderError> {
    let row = ask::read(pen.store(), pen.caller, "Organization", id).await?;
    Pharmacy::of(&row.value).filter(|it| it.ncpdp.is_some()).ok_or(OrderError::Unknown)
}

/// Which pharmacy a Patient resource says is preferred.
pub(crate) fn preferred(patient: &Value) -> Option<Chosen> {
    let all = list(patient, "extension").iter().filter(|it| text(it, &["url"]) == Some(PREFERRED));
    let mut references = all.flat_map(|it| list(it, "extension")).filter(|it| text(it, &["url"]) == Some("pharmacy"));
    references.find_map(|it| {
        let reference = it.get("valueReference")?;
        let key = Key::parse(text(reference, &["reference"])?)?;
        Some(Chosen { name: owned(reference, &["display"]).unwrap_or_else(|| key.to_string()), key: key.to_string() })
    })
}

/// The pharmacy that the patient likes best.
pub async fn favourite(pen: &Pen<'_>, patient: &Id) -> StoreResult<Option<Chosen>> {
    let row = ask::read(pen.store(), pen.caller, "Patient", patient).await?;
    Ok(preferred(&row.value))
}

/// Says which pharmacy the patient likes best, or none.
pub async fn prefer(
    pen: &Pen<'_>,
    patient: &Id,
    pharmacy: Option<&Pharmacy>,
    once: &str,
) -> Result<Written, OrderError> {
    let key = Key::parse(&format!("Patient/{patient}")).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let mut value = stored.value();
    let mut all: Vec<Value> =
        list(&value, "extension").iter().filter(|it| text(it, &["url"]) != Some(PREFERRED)).cloned().collect();
    if let Some(pharmacy) = pharmacy {
        let kind = json!({ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "OUTPHARM", "display": "outpatient pharmacy",
        }] });
        all.push(json!({ "url": PREFERRED, "extension": [
            { "url": "pharmacy", "valueReference": pharmacy.chosen().reference() },
            { "url": "type", "valueCodeableConcept": kind },
        ] }));
    }
    match (all.is_empty(), value.as_object_mut()) {
        (true, Some(members)) => drop(members.shift_remove("extension")),
        _ => value["extension"] = all.into(),
    }
    let mut act = Act::new("patient.pharmacy", patient).once(once);
    act.update(key, stored.version, value);
    Ok(pen.commit(act).await?)
}
