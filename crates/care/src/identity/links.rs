//! What others call our patients: once somebody of another place was linked to a record here, by a person or by a
//! sufficient score, the same number from the same source means the same record. A number that was given here needs no
//! link. Links are items, not resources; a merge takes them along, and taking it back leaves them as they were.

use crate::Organisation;
use crate::ask;
use crate::chart::element::{code_in, list, text};
use bytes::Bytes;
use fhir::{Id, Value};
use serde::{Deserialize, Serialize};
use store::{Caller, ItemChange, Store, StoreResult};

/// The shelf of links; the owner is the record.
pub const SHELF: &str = "outside-link";
const TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// Kinds of number (HL7 v2 table 0203) that a place gives to its patients.
const OF_A_PLACE: [&str; 5] = ["MR", "PI", "PT", "RI", "U"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub source: String,
    pub system: String,
    pub value: String,
    pub patient: String,
    /// When it was made (microseconds).
    pub made: i64,
}

pub(super) fn owner(patient: &Id) -> String {
    format!("Patient/{patient}")
}

fn name(source: &str, system: &str, value: &str) -> String {
    format!("{source} {system} {value}")
}

/// The numbers by which a place calls its patients.
fn numbers(patient: &Value) -> Vec<(String, String)> {
    let of_a_place = |it: &&Value| {
        let kind = it.get("type").and_then(|it| code_in(it, TYPES));
        kind.is_none_or(|kind| OF_A_PLACE.contains(&kind))
    };
    list(patient, "identifier")
        .iter()
        .filter(of_a_place)
        .filter_map(|it| Some((text(it, &["system"])?.to_owned(), text(it, &["value"])?.to_owned())))
        .filter(|(system, value)| !system.is_empty() && !value.is_empty())
        .take(12)
        .collect()
}

/// What is to be kept so that these numbers of this source mean this record from now on; written with what arrived.
pub fn remember(patient: &Value, source: &str, of: &Id, now: i64) -> Vec<ItemChange> {
    let link = |(system, value): (String, String)| {
        let name = name(source, &system, &value);
        let link = Link { source: source.to_owned(), system, value, patient: of.to_string(), made: now };
        let body = serde_json::to_vec(&link).expect("our own types can be written as JSON");
        ItemChange::put(SHELF, name, Bytes::from(body)).owned_by(owner(of))
    };
    numbers(patient).into_iter().map(link).collect()
}

/// The record that a number of this patient is linked to, or that bears a number which was given here.
pub(super) async fn known(
    organisation: &Organisation,
    patient: &Value,
    source: &str,
    now: i64,
) -> StoreResult<Option<Id>> {
    let store = &organisation.store;
    let ours = format!("{}/", organisation.base);
    for (system, value) in numbers(patient) {
        if let Some(item) = store.item(SHELF, &name(source, &system, &value), now).await?
            && let Ok(link) = serde_json::from_slice::<Link>(&item.body)
            && let Some(id) = Id::parse(&link.patient)
        {
            return Ok(Some(id));
        }
        if system.starts_with(&ours) {
            let asked = [("identifier", format!("{}|{}", ask::escaped(&system), ask::escaped(&value)))];
            let found = ask::matches(store, &Caller::system("match"), "Patient", &asked, 3).await?;
            // After a merge both bear it: the one that is in use is meant.
            let mut ids = found.rows.iter().filter(|it| super::find::replaced_by(&it.value).is_none());
            let one = ids.next().or(found.rows.first()).and_then(|it| Id::parse(text(&it.value, &["id"])?));
            if let (Some(id), None) = (one, ids.next()) {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}

/// What others call a patient.
pub async fn links_of(store: &Store, patient: &Id, now: i64) -> StoreResult<Vec<Link>> {
    let items = store.items(SHELF, Some(&owner(patient)), None, 500, now).await?;
    Ok(items.iter().filter_map(|it| serde_json::from_slice(&it.body).ok()).collect())
}
