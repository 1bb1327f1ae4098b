//! Who signed in, or which token was shown, becomes a [`Caller`] here and nowhere else: role, scopes, relationships,
//! labels and consents are put together into the rights that the store enforces.
//!
//! When any of it cannot be read there is no caller at all; nothing is shown on a guess.

use super::Access;
use super::roles::{Recipient, Role, Roles, Standing};
use super::scopes::{Asked, Scopes};
use fhir::search::query::Patients;
use fhir::{Id, Key};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Caller, Kinds, Layer, Purpose, Rights, Store, StoreResult};

/// Someone who showed who they are: a person with a session, or an app with a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// `user/<id>`, `client/<id>`.
    pub who: String,
    pub display: String,
    /// The key of a role (`content/roles`).
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
    /// One that the role may not claim leaves no rights at all; see [`Access::usual_purpose`].
    pub purpose: Purpose,
}

/// The rules of one organisation, as far as they are not in the store.
#[derive(Debug, Default)]
pub struct Policies {
    pub(super) roles: Arc<Roles>,
}

impl Policies {
    /// With roles that a site laid over ours.
    pub fn new(roles: Roles) -> Policies {
        Policies { roles: Arc::new(roles) }
    }
}

impl Access {
    /// What this principal may do, now.
    pub async fn caller(&self, store: &Store, principal: &Principal, now: i64) -> StoreResult<Caller> {
        let _ = now;
        let registry = store.registry();
        let rights = match self.policies.roles.role(&principal.role) {
            Some(role) if role.purposes.contains(&principal.purpose) => {
                let standing = Standing { own: own(role, principal), ..Standing::default() };
                let asked = Asked {
                    registry: &registry,
                    base: store.bases(),
                    patient: principal.patient.as_ref(),
                    alone: role.recipient == Recipient::Client,
                    open: self.policies.open(),
                };
                let layers = layers(role, principal, &standing, &asked);
                Rights::new(layers, Vec::new(), permissions(role, principal))
            }
            _ => Rights::default(),
        };
        Ok(Caller {
            who: principal.who.as_str().into(),
            display: principal.display.as_str().into(),
            role: principal.role.as_str().into(),
            purpose: principal.purpose,
            rights: Arc::new(rights),
            patient: principal.patient.clone(),
            client: principal.client.as_deref().map(Arc::from),
            request: None,
        })
    }

    /// The roles there are.
    pub fn roles(&self) -> &Arc<Roles> {
        &self.policies.roles
    }

    /// The purpose of a role when none is claimed; for a role there is not, one that opens nothing.
    pub fn usual_purpose(&self, role: &str) -> Purpose {
        self.policies.roles.role(role).map_or(Purpose::System, |role| role.usual_purpose())
    }
}

impl Policies {
    /// Types of no patient that every patient may look at: a `patient/` scope lets an app read them too.
    fn open(&self) -> Kinds {
        let groups = ["directory", "knowledge"].map(|name| self.roles.group(name));
        let slots = ["Schedule", "Slot"].into_iter().filter_map(fhir::ResourceType::parse);
        let all = groups.iter().flat_map(Kinds::iter).filter(|kind| kind.name() != "Group").chain(slots);
        all.collect()
    }
}

/// The records that a patient or proxy may see.
fn own(role: &Role, principal: &Principal) -> Arc<Patients> {
    if !role.recipient.is_portal() {
        return Arc::default();
    }
    let person =
        principal.person.iter().filter(|it| it.kind.name() == "Patient" && role.recipient == Recipient::Themself);
    Arc::new(principal.patients.iter().cloned().chain(person.map(|it| it.id.clone())).collect())
}

/// Every layer must permit: the role's, unless a client acts alone, and the scopes', if it acts through an app.
fn layers(role: &Role, principal: &Principal, standing: &Standing, asked: &Asked<'_>) -> Vec<Layer> {
    let mut layers = Vec::new();
    if role.recipient != Recipient::Client {
        layers.push(role.layer(standing));
    }
    if role.recipient == Recipient::Client || principal.client.is_some() || principal.scopes.is_some() {
        // Scopes that cannot be read permit nothing.
        let scopes = principal.scopes.as_deref().and_then(|it| Scopes::parse(it).ok()).unwrap_or_default();
        layers.push(scopes.layer(asked));
    }
    layers
}

/// Named permissions are for people at our own pages; an app has scopes.
fn permissions(role: &Role, principal: &Principal) -> BTreeSet<Arc<str>> {
    if principal.client.is_some() || principal.scopes.is_some() { BTreeSet::new() } else { role.permissions.clone() }
}
