//! Signing in with the account of another place (OpenID Connect): there by a link, back by an address that the
//! other place calls with what it says about the person.

use super::{Stopped, onward};
use crate::request::{Answer, Place, see_other};
use crate::sessions;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, header};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Back {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
}

/// By a link rather than a form: the content policy lets forms go nowhere but here.
pub(crate) async fn go(place: Place, Path((_, provider)): Path<(String, String)>) -> Answer {
    let step = place.access().provider_begin(&provider, place.now).await?;
    let mut response = see_other(&step.url);
    response.headers_mut().append(header::SET_COOKIE, sessions::waiting(&place.organisation, &step.handle));
    Ok(response)
}

pub(crate) async fn back(place: Place, headers: HeaderMap, Query(said): Query<Back>) -> Answer {
    let Some(handle) = sessions::pending(&headers) else { return Ok(see_other(&place.at("sign-in"))) };
    let step = place.access().provider_finish(&place.visit, handle, &said.state, &said.code, place.now).await?;
    match onward(&place, &headers, "", step).await {
        Ok(response) => Ok(response),
        Err(Stopped(_)) => {
            let words = place.words.say("door-the-other-account-is-not");
            super::form(&place, "", "", &crate::components::form::Errors::one("username", words), None).await
        }
    }
}
