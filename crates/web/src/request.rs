//! What a page is given: the organisation at whose address it lies, who asks, and the moment.

use crate::locale::{Locale, Words};
use crate::rooms::Rooms;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use care::access::apps::{Code, Denial};
use care::access::emergency::Emergency;
use care::access::{Access, AccessError, Session, Visit};
use care::act::{ActError, Pen, Written};
use care::chart::Chart;
use care::desk::{self, Opened, Settings};
use care::live::Changes;
use care::{Installation, Organisation};
use fhir::Id;
use maud::Markup;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use store::{Caller, Store, StoreError, StoreResult};

/// What all pages share.
pub(crate) struct Web {
    pub(crate) installation: Installation,
    /// Video visits that are under way.
    pub(crate) rooms: Rooms,
    /// What was written lately at each organisation, for those who listen.
    changes: HashMap<String, Arc<Changes>>,
}

impl Web {
    pub(crate) fn new(installation: Installation) -> Web {
        let changes = installation.organisations.iter().map(|it| (it.slug.clone(), Arc::default())).collect();
        Web { installation, rooms: Rooms::default(), changes }
    }

    pub(crate) fn changes(&self, organisation: &str) -> Arc<Changes> {
        self.changes.get(organisation).cloned().unwrap_or_default()
    }
}

/// Someone signed in, at an address of their organisation.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) web: Arc<Web>,
    pub(crate) organisation: Arc<Organisation>,
    /// What they may do, made of their session by `care::access` alone.
    pub(crate) caller: Caller,
    pub(crate) session: Session,
    /// The secret of the session, as the cookie brought it.
    pub(crate) token: Arc<str>,
    pub(crate) visit: Visit,
    /// What pages say, in their language.
    pub(crate) words: &'static Words,
    /// How pages look and answer to them.
    pub(crate) desk: Arc<Settings>,
    /// The charts they opened last, on pages of a chart.
    pub(crate) opened: Arc<Vec<Opened>>,
    /// The record that was asked for, when it was merged into the one that is shown.
    pub(crate) merged: Option<Id>,
    pub(crate) now: i64,
    /// How many emergency accesses wait for the visitor's review.
    pub(crate) reviews: usize,
    /// The records that the visitor has opened in an emergency and that are open still.
    pub(crate) emergencies: Vec<Emergency>,
}

impl Visitor {
    pub(crate) fn chart<'a>(&'a self, patient: &'a Id) -> Chart<'a> {
        Chart { store: &self.organisation.store, caller: &self.caller, patient, now: self.now }
    }

    /// What their clinical work is written with.
    pub(crate) fn pen(&self) -> Pen<'_> {
        let author = self.session.principal.person.as_ref();
        Pen { organisation: &self.organisation, caller: &self.caller, author, now: self.now }
    }

    /// What became of an act whose form has nothing to say about it.
    pub(crate) fn written(&self, done: Result<Written, ActError>) -> Result<Written, Refusal> {
        done.map_err(Refusal::from)
    }

    /// A fresh key for a form, by which the same form sent twice is known ([`care::act::Act::once`]).
    pub(crate) fn once(&self) -> String {
        self.organisation.surroundings.new_id()
    }

    /// `/riverside/patients/7`.
    pub(crate) fn address_of(&self, patient: &str) -> String {
        format!("/{}/patients/{patient}", self.organisation.slug)
    }

    /// `/riverside/account`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("/{}/{path}", self.organisation.slug)
    }

    pub(crate) fn access(&self) -> &Access {
        &self.organisation.access
    }

    pub(crate) fn store(&self) -> &Store {
        &self.organisation.store
    }

    /// A patient, or who acts for one.
    pub(crate) fn is_patient(&self) -> bool {
        is_patient(&self.session)
    }

    pub(crate) fn may(&self, permission: &str) -> bool {
        self.caller.rights.may(permission)
    }

    /// The patients whose charts they opened last, the latest first.
    pub(crate) async fn recent(&self) -> StoreResult<Vec<Id>> {
        let opened = desk::recent(self.store(), &self.caller, self.now).await?;
        Ok(opened.iter().filter_map(|it| Id::parse(&it.patient)).collect())
    }
}

pub(crate) fn is_patient(session: &Session) -> bool {
    matches!(session.principal.role.as_str(), "patient" | "proxy" | "proxy-limited")
}

/// From where and with what someone comes, for the list of sessions and the audit log.
pub(crate) fn visit(extensions: &Extensions, headers: &HeaderMap) -> Visit {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let agent: String = text("user-agent").chars().take(300).collect();
    let request = Some(text("x-request-id")).filter(|it| !it.is_empty()).map(Arc::from);
    Visit { address: peer.unwrap_or_default(), agent, request }
}

/// What pages say to this browser: in the language that was chosen in it, else the one of ours it likes best, else that
/// of the installation.
pub(crate) fn words(web: &Web, headers: &HeaderMap) -> &'static Words {
    let demo = web.installation.demo;
    let chosen = crate::sessions::language(headers).and_then(|it| Locale::chosen(it, demo));
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).and_then(Locale::accepted);
    let usual = || Locale::of_tag(web.installation.organisations.first()?.surroundings.language());
    chosen.or_else(accepted).or_else(usual).unwrap_or(Locale::English).words()
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
    pub(crate) visit: Visit,
    /// What pages say, in the language of who reads them.
    pub(crate) words: &'static Words,
    pub(crate) now: i64,
}

impl Place {
    /// `/riverside/sign-in`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("/{}/{path}", self.organisation.slug)
    }

    pub(crate) fn access(&self) -> &Access {
        &self.organisation.access
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Place>().cloned().expect("the guard of a page of an organisation knows it"))
    }
}

/// The chart is of a record that was merged into this one: the same page of that one is shown (see `pages.rs`).
#[derive(Clone)]
pub(crate) struct Moved(pub(crate) String);

/// Why a page cannot be shown.
pub(crate) enum Refusal {
    NotFound,
    Store(StoreError),
    /// Something that was asked for cannot be done: why, as a key of words.
    Cannot(&'static str),
    /// They must prove again who they are, and come back to this address.
    Prove(String),
}

/// What may go wrong with accounts, for a page whose form has nothing to say about it. `back` is where to go on
/// after they proved again who they are.
pub(crate) fn troubled(visitor: &Visitor, back: &str) -> impl Fn(AccessError) -> Refusal + use<> {
    let to = format!("{}?to={back}", visitor.at("account/prove"));
    move |error| match error {
        AccessError::NotFresh => Refusal::Prove(to.clone()),
        other => Refusal::from(other),
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Refusal {
        match error {
            AccessError::Store(error) => Refusal::from(error),
            AccessError::Forbidden | AccessError::NoSuchUser => Refusal::NotFound,
            other => Refusal::Cannot(crate::components::words::trouble_key(&other)),
        }
    }
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Refusal {
        match error {
            ActError::Store(error) => Refusal::from(error),
            ActError::Conflict { .. } => Refusal::Cannot("common-act-conflict"),
            ActError::Invalid(_) => {
                tracing::error!(%error, "a page wrote what does not hold together");
                Refusal::Cannot("common-act-invalid")
            }
        }
    }
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

/// A refusal on its way out. The pages' own layer puts it into words, in the language of who is refused (`pages.rs`).
#[derive(Clone)]
pub(crate) struct Refused {
    pub(crate) title: &'static str,
    pub(crate) why: &'static str,
}

/// A page that says why there is none: a title and a reason, by their keys.
pub(crate) fn refused(status: StatusCode, title: &'static str, why: &'static str) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Refused { title, why });
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::NotFound => refused(StatusCode::NOT_FOUND, "shell-not-found", "shell-not-found-why"),
            Refusal::Prove(to) => see_other(&to),
            Refusal::Cannot(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, "shell-cannot", why),
            Refusal::Store(error) => {
                // What a page asks is ours to get right: a query that is refused is our mistake, not the reader's.
                let away = matches!(error, StoreError::Unavailable(_) | StoreError::ReadOnly(_));
                let status = if away { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
                // The store's errors name resources and rules, never what is in them.
                tracing::error!(%error, status = status.as_u16(), "a page could not be made");
                refused(status, "shell-no-page", if away { "shell-away" } else { "shell-broken" })
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

/// A form as it was sent: fields by their names, trimmed, without those that say nothing.
pub(crate) fn typed(sent: Vec<(String, String)>) -> std::collections::BTreeMap<String, String> {
    let said = sent.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
    said.filter(|(_, value)| !value.is_empty()).collect()
}
