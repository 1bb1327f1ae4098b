//! An organisation: its own base address, store, people and keys. No call crosses from one to another;
//! organisations meet only through exchange, over standard wires.

use crate::access::Access;
use crate::egress::{self, Egress};
use std::sync::Arc;
use store::audit::Anchor;
use store::{Caller, Purpose, Store, StoreResult};

/// What the world outside gives: the time and names for new things. `server` brings the real ones,
/// tests bring their own.
pub trait Surroundings: Send + Sync {
    /// Microseconds since 1970 UTC.
    fn now(&self) -> i64;
    /// A fresh logical id.
    fn new_id(&self) -> String;
    /// A secret that nobody can guess (256 bits, URL-safe text).
    fn new_secret(&self) -> String;
    /// The program is about to stop: what would go on for ever must end.
    fn closing(&self) -> bool {
        false
    }
    /// The language of pages for whoever has none of ours (BCP 47).
    fn language(&self) -> &str {
        "en"
    }
    /// The relay that helps browsers of a video visit to find each other.
    fn relay(&self) -> crate::video::Relay {
        crate::video::Relay::default()
    }
    /// From where on two records are taken for one person's.
    fn matching(&self) -> crate::identity::Thresholds {
        crate::identity::Thresholds::default()
    }
    /// The lines over which messages of other systems come, where there are any.
    fn interfaces(&self) -> Option<&crate::exchange::channel::Interfaces> {
        None
    }
    /// The archives of images that an organisation may ask, where there are any.
    fn archives(&self, _organisation: &str) -> Vec<crate::imaging::Archive> {
        Vec::new()
    }
    /// The signed anchors of the audit log of an organisation, which lie beside the store; an error says what is wrong
    /// with them.
    fn anchors(&self, _organisation: &str) -> Result<Vec<Anchor>, String> {
        Ok(Vec::new())
    }
    /// The way out to other servers. Unless someone gives one, there is none.
    fn egress(&self) -> &dyn Egress {
        &egress::Closed
    }
}

pub struct Organisation {
    /// The first part of every path: `riverside`.
    pub slug: String,
    /// `Riverside Family Practice`.
    pub name: String,
    /// `http://127.0.0.1:8080/riverside`, without a slash at the end; the FHIR base is `{base}/fhir`.
    pub base: String,
    pub store: Store,
    pub access: Access,
    pub surroundings: Arc<dyn Surroundings>,
}

impl Organisation {
    pub fn fhir_base(&self) -> String {
        format!("{}/fhir", self.base)
    }

    pub fn now(&self) -> i64 {
        self.surroundings.now()
    }

    /// Who holds this bearer token, for the purpose they claim; without a claim, for the usual one of their role.
    pub async fn bearer(&self, token: &str, purpose: Option<Purpose>, now: i64) -> StoreResult<Option<Caller>> {
        match self.access.bearer_for(token, purpose, now).await? {
            Some(caller) => Ok(Some(caller)),
            None => self.apps().bearer(token, purpose, now).await,
        }
    }
}

/// Everything one process serves.
#[derive(Clone)]
pub struct Installation {
    pub organisations: Vec<Arc<Organisation>>,
    /// Synthetic people, a ribbon on every page, developer pages.
    pub demo: bool,
}

impl Installation {
    pub fn organisation(&self, slug: &str) -> Option<&Arc<Organisation>> {
        self.organisations.iter().find(|it| it.slug == slug)
    }
}
