//! Doors for people: the pages of staff and of patients, rendered here and complete without JavaScript.
//! Pages show what `care` gives them for the caller at hand; nothing in this crate reads FHIR or the store.

mod assets;
mod components;
mod headers;
mod locale;
mod pages;
mod request;
mod rooms;
mod sessions;

use care::Installation;
use std::sync::Arc;

/// Every page, at `/{organisation}/…`, with the choice of organisation at `/` and files under `/assets/`.
/// FHIR and health addresses are served by others and merged by the caller.
pub fn router(installation: Installation) -> axum::Router {
    let web = Arc::new(request::Web::new(installation));
    pages::routes(web).merge(assets::routes()).layer(axum::middleware::from_fn(headers::seal))
}

/// The address of every page with whom it is for: `("/{org}/patients/{id}", "Staff")`.
pub fn pages() -> Vec<(&'static str, String)> {
    pages::PAGES.iter().map(|page| (page.path, format!("{:?}", page.policy))).collect()
}
