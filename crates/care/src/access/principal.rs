//! Who signed in, before it is decided what they may do.

use fhir::{Id, Key};
use store::{Caller, Purpose, Rights, Store, StoreResult};

use super::Access;

/// Someone who showed who they are: a person with a session, or an app with a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// `user/<id>`, `client/<id>`.
    pub who: String,
    pub display: String,
    /// The key of a role.
    pub role: String,
    /// Practitioner, Patient or RelatedPerson.
    pub person: Option<Key>,
    /// Whose record a patient or proxy may see.
    pub patients: Vec<Id>,
    pub client: Option<String>,
    /// Granted SMART scopes, when acting through an app.
    pub scopes: Option<String>,
    /// The record in view: the portal's, or the patient of a launch.
    pub patient: Option<Id>,
    pub purpose: Purpose,
}

impl Access {
    /// What this principal may do.
    pub async fn caller(&self, _store: &Store, principal: &Principal, _now: i64) -> StoreResult<Caller> {
        let portal = matches!(principal.role.as_str(), "patient" | "proxy" | "proxy-limited");
        let rights = match (&principal.patient, portal) {
            (Some(patient), true) => Rights::patient(patient.clone()),
            (None, true) => Default::default(),
            (_, false) => Rights::everything(),
        };
        Ok(Caller {
            who: principal.who.as_str().into(),
            display: principal.display.as_str().into(),
            role: principal.role.as_str().into(),
            purpose: principal.purpose,
            rights,
            patient: principal.patient.clone(),
            client: principal.client.as_deref().map(Into::into),
            request: None,
        })
    }
}
