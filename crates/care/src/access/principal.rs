//! Who signed in, or which token was shown, becomes a [`Caller`] here and nowhere else: role, scopes, relationships,
//! labels and consents are put together into the rights that the store enforces.
//!
//! When any of it cannot be read there is no caller at all; nothing is shown on a guess.

use super::Access;
use super::consent::Asker;
use super::emergency::{self, Emergency};
use super::policies::{Made, Policies, Snapshot};
use super::roles::{Reach, Recipient, Role, Roles, Standing, unsigned};
use super::scopes::{Asked, Scopes};
use super::veils::View;
use fhir::search::query::Patients;
use fhir::{Id, Key};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Caller, Layer, Purpose, Rights, Store, StoreResult};

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

impl Access {
    /// What this principal may do, now.
    pub async fn caller(&self, store: &Store, principal: &Principal, now: i64) -> StoreResult<Caller> {
        self.policies.caller(store, principal, now).await
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
    /// What this principal may do, now.
    pub async fn caller(&self, store: &Store, principal: &Principal, now: i64) -> StoreResult<Caller> {
        let mut caller = Caller {
            who: principal.who.as_str().into(),
            display: principal.display.as_str().into(),
            role: principal.role.as_str().into(),
            purpose: principal.purpose,
            rights: Arc::default(),
            patient: principal.patient.clone(),
            client: principal.client.as_deref().map(Arc::from),
            request: None,
        };
        let Some(role) = self.roles.role(&principal.role).cloned() else { return Ok(caller) };
        // Break-glass is for the person, not for an app in their name.
        let emergencies = if role.permissions.contains("break-glass") && !is_app(principal) {
            emergency::open_of(store, &principal.who, now).await?
        } else {
            Vec::new()
        };
        let purpose = match principal.purpose {
            Purpose::Emergency if !emergencies.is_empty() => Purpose::Treatment,
            purpose => purpose,
        };
        if !role.purposes.contains(&purpose) {
            return Ok(caller);
        }
        if !emergencies.is_empty() {
            caller.purpose = Purpose::Emergency;
        }
        caller.rights = self.rights(store, principal, &role, purpose, &emergencies, now).await?;
        Ok(caller)
    }

    async fn rights(
        &self,
        store: &Store,
        principal: &Principal,
        role: &Role,
        purpose: Purpose,
        emergencies: &[Emergency],
        now: i64,
    ) -> StoreResult<Arc<Rights>> {
        let registry = store.registry();
        let person =
            principal.person.as_ref().filter(|it| !role.recipient.is_portal() && it.kind.name() == "Practitioner");
        let snapshot = self.snapshot(store, person, now).await?;
        let emergency: Arc<Patients> = Arc::new(emergencies.iter().filter_map(Emergency::patient).collect());
        let key = format!("{principal:?} {purpose:?} {:?}", emergency.ids());
        if let Some(rights) = self.made(&key, &registry, &snapshot, now) {
            return Ok(rights);
        }
        let own = own(role, principal);
        let known = snapshot.known.clone();
        let standing = Standing {
            own: own.clone(),
            own_patients: known.own_patients.clone(),
            care_team: known.care_team.clone(),
            scheduled_today: known.scheduled_today.clone(),
            treating: known.treating.clone(),
            unsigned: if role.needs(Reach::Unsigned) { unsigned(&registry, store.bases()) } else { Vec::new() },
        };
        let asked = Asked {
            registry: &registry,
            base: store.bases(),
            patient: principal.patient.as_ref(),
            alone: role.recipient == Recipient::Client,
            open: self.open(),
        };
        let view = View {
            registry: &registry,
            roles: &self.roles,
            recipient: role.recipient,
            asker: asker(role, principal, &snapshot),
            // Keeping the program running is operations.
            purpose: if purpose == Purpose::System { Purpose::Operations } else { purpose },
            treating: if role.recipient == Recipient::Treating { known.treating } else { Arc::default() },
            own,
            emergencies: emergency,
            consents: &snapshot.consents,
            now,
        };
        let hidden = view.hidden();
        let layers = layers(role, principal, &standing, &asked);
        let rights = Arc::new(Rights::new(layers, hidden.veils, permissions(role, principal)));
        let ends = emergencies.iter().map(|it| it.until).fold(hidden.until, i64::min);
        let made = Made {
            rights: rights.clone(),
            registry: registry.clone(),
            version: snapshot.version,
            ties: snapshot.ties,
            from: now,
            until: ends.min(snapshot.until()),
        };
        self.keep(key, made);
        Ok(rights)
    }
}

fn is_app(principal: &Principal) -> bool {
    principal.client.is_some() || principal.scopes.is_some()
}

/// By what names a Consent may mean them.
fn asker(role: &Role, principal: &Principal, snapshot: &Snapshot) -> Asker {
    let client = principal.client.clone();
    // Their own consents hide nothing from a patient, but may deny an app.
    if role.recipient == Recipient::Themself {
        return Asker { client, ..Asker::default() };
    }
    Asker {
        keys: snapshot.names.iter().chain(&principal.person).cloned().collect(),
        client,
        role: role.key.to_string(),
        user: principal.who.strip_prefix("user/").unwrap_or_default().to_owned(),
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
    if role.recipient == Recipient::Client || is_app(principal) {
        // Scopes that cannot be read permit nothing.
        let scopes = principal.scopes.as_deref().and_then(|it| Scopes::parse(it).ok()).unwrap_or_default();
        layers.push(scopes.layer(asked));
    }
    layers
}

/// Named permissions are for people at our own pages; an app has scopes.
fn permissions(role: &Role, principal: &Principal) -> BTreeSet<Arc<str>> {
    if is_app(principal) { BTreeSet::new() } else { role.permissions.clone() }
}
