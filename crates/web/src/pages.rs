//! Every page in one list: its address, whom it is for, and what answers. A page is reached only through
//! the guard of its policy, so a page that forgets to ask who is there cannot be written.

mod authorize;
mod choose;
mod documents;
mod gallery;
mod launcher;
mod lists;
mod portal;
mod results;
mod search;
mod sign_in;
mod summary;
mod timeline;

use crate::request::{Place, Refusal, Visitor, Web};
use crate::sessions;
use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// Whom a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Anyone, signed in or not.
    Anyone,
    /// Anyone, at an address of an organisation.
    AnyoneHere,
    /// Whoever is signed in, staff or patient.
    SignedIn,
    /// Staff; a patient is led to the portal.
    Staff,
    /// A patient; staff is led to the staff pages.
    Patient,
    /// Developers, in a demonstration only.
    Demo,
}

pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    answer: fn() -> MethodRouter<Arc<Web>>,
}

const fn page(path: &'static str, policy: Policy, answer: fn() -> MethodRouter<Arc<Web>>) -> Page {
    Page { path, policy, answer }
}

pub(crate) const PAGES: &[Page] = &[
    page("/", Policy::Anyone, || get(choose::page)),
    page("/{org}/sign-in", Policy::AnyoneHere, || get(sign_in::page).post(sign_in::submit)),
    page("/{org}/sign-out", Policy::AnyoneHere, || post(sign_in::leave)),
    page("/{org}/session", Policy::SignedIn, || post(sign_in::keep)),
    page("/{org}/", Policy::Staff, || get(search::home)),
    page("/{org}/patients", Policy::Staff, || get(search::page)),
    page("/{org}/find", Policy::Staff, || get(search::fragment)),
    page("/{org}/patients/{id}", Policy::Staff, || get(summary::page)),
    page("/{org}/patients/{id}/problems", Policy::Staff, || get(lists::problems)),
    page("/{org}/patients/{id}/medications", Policy::Staff, || get(lists::medications)),
    page("/{org}/patients/{id}/allergies", Policy::Staff, || get(lists::allergies)),
    page("/{org}/patients/{id}/immunizations", Policy::Staff, || get(lists::immunizations)),
    page("/{org}/patients/{id}/encounters", Policy::Staff, || get(lists::visits)),
    page("/{org}/patients/{id}/vitals", Policy::Staff, || get(results::vitals)),
    page("/{org}/patients/{id}/vitals/{code}", Policy::Staff, || get(results::vital)),
    page("/{org}/patients/{id}/results", Policy::Staff, || get(results::page)),
    page("/{org}/patients/{id}/results/{code}", Policy::Staff, || get(results::trend)),
    page("/{org}/patients/{id}/documents", Policy::Staff, || get(documents::list)),
    page("/{org}/patients/{id}/documents/{document}", Policy::Staff, || get(documents::page)),
    page("/{org}/patients/{id}/documents/{document}/content/{nth}", Policy::Staff, || get(documents::content)),
    page("/{org}/patients/{id}/timeline", Policy::Staff, || get(timeline::page)),
    page("/{org}/portal/", Policy::Patient, || get(portal::page)),
    // Apps.
    page("/{org}/authorize/{handle}", Policy::SignedIn, || get(authorize::page).post(authorize::submit)),
    page("/{org}/launcher", Policy::Staff, || get(launcher::page).post(launcher::submit)),
    page("/{org}/launcher/app", Policy::AnyoneHere, || get(launcher::app)),
    page("/dev/components", Policy::Demo, || get(gallery::page)),
];

pub(crate) fn routes(web: Arc<Web>) -> Router {
    let guarded = |router: Router<Arc<Web>>, page: &Page| {
        let guard = from_fn_with_state((web.clone(), page.policy), guard);
        router.route(page.path, (page.answer)().layer(guard))
    };
    // People leave out the slash at the end.
    let bare = |to: &'static str| get(move |params: RawPathParams| async move { slash(&params, to) });
    PAGES
        .iter()
        .fold(Router::new(), guarded)
        .route("/{org}", bare("/"))
        .route("/{org}/portal", bare("/portal/"))
        .with_state(web)
}

fn slash(params: &RawPathParams, to: &str) -> Response {
    match params.iter().find(|(name, _)| *name == "org") {
        Some((_, org)) if org.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            crate::request::see_other(&format!("/{org}{to}"))
        }
        _ => Refusal::NotFound.into_response(),
    }
}

/// Finds the organisation and who asks; lets in whom the policy admits.
async fn guard(
    State((web, policy)): State<(Arc<Web>, Policy)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    match policy {
        Policy::Anyone => return next.run(request).await,
        Policy::Demo if web.installation.demo => return next.run(request).await,
        Policy::Demo => return Refusal::NotFound.into_response(),
        Policy::AnyoneHere | Policy::SignedIn | Policy::Staff | Policy::Patient => {}
    }
    let slug = params.iter().find(|(name, _)| *name == "org").map(|(_, value)| value.to_owned());
    let Some(organisation) = slug.and_then(|slug| web.installation.organisation(&slug).cloned()) else {
        return Refusal::NotFound.into_response();
    };
    if request.method() == Method::POST && !sessions::is_our_own(&organisation.base, request.headers()) {
        return crate::components::shell::refused(
            StatusCode::FORBIDDEN,
            "This form did not come from our pages",
            "For your safety it was not accepted. Open the page again and repeat what you did.",
        );
    }
    if policy == Policy::AnyoneHere {
        request.extensions_mut().insert(Place { web, organisation });
        return next.run(request).await;
    }
    let now = organisation.now();
    let caller = match sessions::token(request.headers()) {
        Some(token) => organisation.access.session_caller(token, now).await,
        None => Ok(None),
    };
    let caller = match caller {
        Ok(Some(caller)) => caller,
        Ok(None) => return to_sign_in(&organisation.slug, &request),
        Err(error) => return Refusal::from(error).into_response(),
    };
    let slug = organisation.slug.clone();
    let visitor = Visitor { web, organisation, caller, now };
    match (policy, visitor.is_patient()) {
        (Policy::Staff, true) => crate::request::see_other(&format!("/{slug}/portal/")),
        (Policy::Patient, false) => crate::request::see_other(&format!("/{slug}/")),
        _ => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
    }
}

/// To the sign-in page and back, for a page; a piece of a page is simply refused.
fn to_sign_in(slug: &str, request: &Request) -> Response {
    let navigates = request.headers().get("sec-fetch-mode").is_none_or(|it| it == "navigate");
    if request.method() != Method::GET || !navigates {
        return (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "Sign in again.")
            .into_response();
    }
    // What was searched for is not carried along: names do not belong into addresses that are kept.
    let target = request.uri().path();
    crate::request::see_other(&format!("/{slug}/sign-in?to={target}"))
}
