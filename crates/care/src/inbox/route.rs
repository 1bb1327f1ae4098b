//! In whose inbox something goes: whoever ordered it, else who sees to the patient (the general practitioner of the
//! record), else the pool of the practice. Only someone who can sign in here is an answer, for an inbox that nobody opens
//! is no inbox.

use super::settings::PRACTICE;
use crate::Organisation;
use crate::ask;
use crate::chart::element::{list, text};
use fhir::{Key, Value};
use std::collections::HashMap;
use store::{Caller, StoreError, StoreResult};

/// What is known on the way through one batch of arrivals.
pub(super) struct Router<'a> {
    organisation: &'a Organisation,
    caller: &'a Caller,
    staff: HashMap<Key, String>,
    read: HashMap<Key, Option<Value>>,
}

/// Where it goes.
pub(super) struct Place {
    pub(super) key: Key,
    pub(super) name: String,
}

impl<'a> Router<'a> {
    pub(super) async fn new(organisation: &'a Organisation, caller: &'a Caller, now: i64) -> StoreResult<Router<'a>> {
        let staff = organisation.access.colleagues(now).await?.into_iter().collect();
        Ok(Router { organisation, caller, staff, read: HashMap::new() })
    }

    pub(super) async fn get(&mut self, key: &Key) -> StoreResult<Option<Value>> {
        if let Some(known) = self.read.get(key) {
            return Ok(known.clone());
        }
        let found = match ask::read(&self.organisation.store, self.caller, key.kind.name(), &key.id).await {
            Ok(row) => Some(row.value),
            Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => None,
            Err(other) => return Err(other),
        };
        self.read.insert(key.clone(), found.clone());
        Ok(found)
    }

    /// The practitioner behind a reference who can sign in here: a PractitionerRole stands for its practitioner.
    async fn person(&mut self, reference: Option<&str>) -> StoreResult<Option<Place>> {
        let Some(mut key) = reference.and_then(Key::parse) else { return Ok(None) };
        if key.kind.name() == "PractitionerRole" {
            let role = self.get(&key).await?;
            let Some(person) =
                role.as_ref().and_then(|it| text(it, &["practitioner", "reference"])).and_then(Key::parse)
            else {
                return Ok(None);
            };
            key = person;
        }
        Ok(self.staff.get(&key).map(|name| Place { name: name.clone(), key: key.clone() }))
    }

    /// For something that was ordered, or is about a patient.
    pub(super) async fn place(&mut self, value: &Value) -> StoreResult<Place> {
        for order in list(value, "basedOn") {
            let Some(key) = text(order, &["reference"]).and_then(Key::parse) else { continue };
            let Some(order) = self.get(&key).await? else { continue };
            if let Some(place) = self.person(text(&order, &["requester", "reference"])).await? {
                return Ok(place);
            }
        }
        for patient in ["subject", "for", "sender"] {
            let key = text(value, &[patient, "reference"]).and_then(Key::parse);
            let Some(key) = key.filter(|it| it.kind.name() == "Patient") else { continue };
            if let Some(place) = self.of_patient(&key).await? {
                return Ok(place);
            }
        }
        Ok(self.practice())
    }

    async fn of_patient(&mut self, key: &Key) -> StoreResult<Option<Place>> {
        let Some(patient) = self.get(key).await? else { return Ok(None) };
        for practitioner in list(&patient, "generalPractitioner") {
            if let Some(place) = self.person(text(practitioner, &["reference"])).await? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The first of those a message names who reads here.
    pub(super) async fn recipient(&mut self, message: &Value) -> StoreResult<Option<Place>> {
        for recipient in list(message, "recipient") {
            if let Some(place) = self.person(text(recipient, &["reference"])).await? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    pub(super) fn practice(&self) -> Place {
        let key = Key::parse(&format!("CareTeam/{PRACTICE}")).expect("our own id is one of FHIR");
        Place { key, name: self.organisation.name.clone() }
    }
}
