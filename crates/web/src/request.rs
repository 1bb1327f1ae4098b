//! What a page is given: the organisation at whose address it lies, who asks, and the moment.

use crate::components::shell;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use care::access::apps::{Code, Denial};
use care::chart::Chart;
use care::{Installation, Organisation};
use fhir::Id;
use maud::Markup;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use store::{Caller, StoreError};

/// How many recent patients are remembered for each person.
const RECENT: usize = 8;

/// The patients that someone opened last, by organisation and user.
type Recent = HashMap<(String, Arc<str>), VecDeque<Id>>;

/// What all pages share.
pub(crate) struct Web {
    pub(crate) installation: Installation,
    recent: Mutex<Recent>,
}

impl Web {
    pub(crate) fn new(installation: Installation) -> Web {
        Web { installation, recent: Mutex::default() }
    }
}

/// Someone signed in, at an address of their organisation.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) web: Arc<Web>,
    pub(crate) organisation: Arc<Organisation>,
    pub(crate) caller: Caller,
    pub(crate) now: i64,
}

impl Visitor {
    pub(crate) fn chart<'a>(&'a self, patient: &'a Id) -> Chart<'a> {
        Chart { store: &self.organisation.store, caller: &self.caller, patient, now: self.now }
    }

    /// `/riverside/patients/7`.
    pub(crate) fn address_of(&self, patient: &str) -> String {
        format!("/{}/patients/{patient}", self.organisation.slug)
    }

    pub(crate) fn is_patient(&self) -> bool {
        self.caller.patient.is_some()
    }

    /// Puts a patient on top of the visitor's recent ones.
    pub(crate) fn remember(&self, patient: &Id) {
        let mut recent = self.web.recent.lock().expect("no holder panics");
        let mine = recent.entry((self.organisation.slug.clone(), self.caller.who.clone())).or_default();
        mine.retain(|it| it != patient);
        mine.push_front(patient.clone());
        mine.truncate(RECENT);
    }

    pub(crate) fn recent(&self) -> Vec<Id> {
        let recent = self.web.recent.lock().expect("no holder panics");
        let mine = recent.get(&(self.organisation.slug.clone(), self.caller.who.clone()));
        mine.map_or(Vec::new(), |it| it.iter().cloned().collect())
    }
}

/// The guard of every page puts the visitor there (see `pages.rs`); without it no page can be written.
impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Visitor>().cloned().expect("the guard of a page for visitors lets only visitors in"))
    }
}

/// The organisation of an address that needs no session.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) web: Arc<Web>,
    pub(crate) organisation: Arc<Organisation>,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Place>().cloned().expect("the guard of a page of an organisation knows it"))
    }
}

/// Why a page cannot be shown.
pub(crate) enum Refusal {
    NotFound,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match error {
            // Hidden and absent look the same.
            StoreError::NotFound(_) | StoreError::Gone { .. } | StoreError::Forbidden => Refusal::NotFound,
            other => Refusal::Store(other),
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Refusal {
        match denial.code {
            Code::ServerError => Refusal::Store(StoreError::Damaged(denial.says.into())),
            Code::TemporarilyUnavailable => Refusal::Store(StoreError::Unavailable(denial.says.into())),
            _ => Refusal::NotFound,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::NotFound => shell::refused(
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "The address may be wrong, or it names something you may not see.",
            ),
            Refusal::Store(error) => {
                // What a page asks is ours to get right: a query that is refused is our mistake, not the reader's.
                let status =
                    if matches!(error, StoreError::Unavailable(_) | StoreError::ReadOnly(_)) { 503 } else { 500 };
                // The store's errors name resources and rules, never what is in them.
                tracing::error!(%error, status, "a page could not be made");
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let words = if status == StatusCode::SERVICE_UNAVAILABLE {
                    "The record cannot be reached at the moment. Try again shortly; nothing was lost."
                } else {
                    "Something went wrong on our side while this page was made. Nothing was changed."
                };
                shell::refused(status, "This page cannot be shown", words)
            }
        }
    }
}

pub(crate) type Answer = Result<Response, Refusal>;

/// A whole page or a piece of one.
pub(crate) fn html(markup: Markup) -> Response {
    Html(markup.into_string()).into_response()
}

pub(crate) fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_owned())]).into_response()
}

/// The id in an address; what is no id cannot be anyone.
pub(crate) fn id(text: &str) -> Result<Id, Refusal> {
    Id::parse(text).ok_or(Refusal::NotFound)
}
