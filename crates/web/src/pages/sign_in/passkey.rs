//! Passkeys (WebAuthn). The browser asks here for a question, lets the person answer it with their device, and
//! posts the answer in an ordinary form. This is the one way in that needs JavaScript; the button is hidden
//! where there is none.

use super::{Stopped, onward};
use crate::components::icon::icon;
use crate::request::{Answer, Place, see_other};
use crate::sessions;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use care::access::Question;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// For the second step of whoever is on the way in.
    #[serde(default)]
    second: bool,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    handle: String,
    answer: String,
    #[serde(default)]
    to: String,
}

/// What the browser is to ask.
pub(crate) async fn question(place: Place, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let pending = asked.second.then(|| sessions::pending(&headers)).flatten();
    match place.access().passkey_question(pending, place.now).await {
        Ok(question) => told(&question),
        Err(error) => {
            (StatusCode::CONFLICT, Json(json!({ "words": crate::components::words::trouble(place.words, &error) })))
                .into_response()
        }
    }
}

pub(crate) fn told(question: &Question) -> Response {
    Json(json!({ "handle": question.handle, "options": question.options })).into_response()
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let step = place.access().passkey_sign_in(&place.visit, &given.handle, &given.answer, place.now).await;
    let words = match step {
        Ok(care::access::SignIn::Wrong) => place.words.say("door-this-passkey-is-not-known"),
        Ok(step) => match onward(&place, &headers, &given.to, step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => words,
        },
        Err(care::access::AccessError::Expired) => return Ok(see_other(&place.at("sign-in"))),
        Err(care::access::AccessError::Store(error)) => return Err(error.into()),
        Err(other) => crate::components::words::trouble(place.words, &other),
    };
    super::form(&place, &given.to, "", &crate::components::form::Errors::one("username", words), None).await
}

/// The button that begins it; the script shows it where passkeys work.
pub(crate) fn button(place: &Place, action: &str, words: &str, to: &str, primary: bool) -> Markup {
    let question = place.at("sign-in/passkey/question");
    ask("get", &place.at(action), &question, words, &[("to", to)], primary)
}

pub(crate) fn button_primary(place: &Place, action: &str, words: &str, to: &str, with: &str, primary: bool) -> Markup {
    let question = place.at("sign-in/passkey/question?second=true");
    ask("get", &place.at(action), &question, words, &[("to", to), ("with", with)], primary)
}

/// A form that the script completes: `kind` is `get` (prove) or `create` (add).
pub(crate) fn ask(
    kind: &str,
    action: &str,
    question: &str,
    words: &str,
    hidden: &[(&str, &str)],
    primary: bool,
) -> Markup {
    html! {
        form.passkey method="post" action=(action) data-passkey=(kind) data-question=(question) hidden {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="handle";
            input type="hidden" name="answer";
            button.primary[primary] type="submit" { (icon("key")) (words) }
            p.field-error role="alert" {}
        }
    }
}
