//! Back behind a locked page: the same person proves again who they are and gets a new session, and what they
//! had before them stays. Only a script asks here.

use super::admit;
use crate::request::{Answer, Place};
use crate::sessions;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use care::access::{AccessError, Factor, Proof, SignIn};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(crate) struct Given {
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let pending = sessions::pending(&headers).filter(|_| !given.code.is_empty());
    let step = match pending {
        Some(pending) => place.access().second(&place.visit, pending, Proof::Totp(given.code.trim()), place.now).await,
        None => place.access().sign_in(&place.visit, &given.username, &given.password, place.now).await,
    };
    let wrong = place.words.say(if pending.is_some() {
        "door-this-code-does-not-fit-3"
    } else {
        "door-the-password-does-not-fit"
    });
    Ok(match step {
        Ok(SignIn::Open(opened)) if opened.session.username == given.username => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            admit(&place, &mut response, &opened);
            response
        }
        // A code can be typed here; any other second step has its own page.
        Ok(SignIn::Second { pending, factors }) if factors.iter().any(|it| matches!(it, Factor::Totp)) => {
            let mut response = Json(json!({ "code": true })).into_response();
            let cookie = sessions::waiting(&place.organisation, &pending);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Ok(SignIn::Wrong) | Err(AccessError::Wrong) => say(&wrong),
        Ok(SignIn::Wait { until }) | Err(AccessError::Wait { until }) => say(&super::too_often(&place, until)),
        Ok(_) | Err(AccessError::Expired) => StatusCode::CONFLICT.into_response(),
        Err(other) => return Err(other.into()),
    })
}

fn say(words: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "words": words }))).into_response()
}
