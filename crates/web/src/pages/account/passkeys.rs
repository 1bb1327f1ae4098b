//! Adding and removing passkeys.

use crate::components::form::{Errors, field};
use crate::components::{shell, words};
use crate::pages::sign_in::passkey;
use crate::request::{Answer, Visitor};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use care::access::AccessError;
use maud::html;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    name: String,
    handle: String,
    answer: String,
}

#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

pub(crate) async fn page(visitor: Visitor) -> Answer {
    if !visitor.session.is_fresh(visitor.now) {
        return Err(super::proving(&visitor, "account/passkeys")(AccessError::NotFresh));
    }
    Ok(show(&visitor, &Errors::none()))
}

fn show(visitor: &Visitor, errors: &Errors) -> Response {
    let main = html! {
        h1 { (visitor.words.say("account-add-a-passkey")) }
        (errors.summary())
        p { (visitor.words.say("account-your-browser-will-ask-you")) }
        div.stacked.narrow-form {
            (field("passkey-name", &visitor.words.say("account-name-of-this-passkey")).hint(&visitor.words.say("account-so-that-you-know-it")).autocomplete("off").maxlength(60).value(&visitor.words.say("account-this-device")).show(visitor.words, errors))
            (super::passkey_form(visitor, &visitor.words.say("account-add-passkey")))
            p.needs-script { (visitor.words.say("account-this-page-needs-javascript-and")) }
            p { a href=(visitor.at("account")) { (visitor.words.say("account-cancel")) } }
        }
    };
    let mut response =
        shell::own(visitor, errors.title(visitor.words, &visitor.words.say("account-add-a-passkey")), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

pub(crate) async fn question(visitor: Visitor) -> Response {
    match visitor.access().begin_passkey(&visitor.session.me(), visitor.now).await {
        Ok(question) => passkey::told(&question),
        Err(error) => {
            (StatusCode::CONFLICT, Json(json!({ "words": words::trouble(visitor.words, &error) }))).into_response()
        }
    }
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let me = visitor.session.me();
    let usual = visitor.words.say("account-passkey");
    let name = if given.name.trim().is_empty() { &usual } else { given.name.trim() };
    match visitor.access().finish_passkey(&me, &given.handle, &given.answer, name, visitor.now).await {
        Ok(codes) if codes.is_empty() => super::back(&visitor, "passkey"),
        Ok(codes) => Ok(super::recovery::shown(&visitor, &visitor.words.say("account-the-passkey-was-added"), &codes)),
        Err(error @ (AccessError::Passkey(_) | AccessError::Wrong | AccessError::Expired)) => {
            Ok(show(&visitor, &Errors::one("passkey-name", words::trouble(visitor.words, &error))))
        }
        Err(other) => Err(super::proving(&visitor, "account/passkeys")(other)),
    }
}

pub(crate) async fn remove(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    let back = super::proving(&visitor, "account");
    match visitor.access().remove_passkey(&visitor.session.me(), &given.id, visitor.now).await {
        Ok(()) => super::back(&visitor, "no-passkey"),
        Err(other) => Err(back(other)),
    }
}
