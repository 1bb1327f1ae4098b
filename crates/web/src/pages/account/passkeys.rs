//! Adding and removing passkeys.

use crate::components::form::{Errors, field};
use crate::components::shell;
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
        h1 { "Add a passkey" }
        (errors.summary())
        p { "Your browser will ask you to use your face, finger, device code or a security key." }
        div.stacked.narrow-form {
            (field("passkey-name", "Name of this passkey").hint("So that you know it again: “Work laptop”, “My phone”.").autocomplete("off").maxlength(60).value("This device").show(visitor.words, errors))
            (super::passkey_form(visitor, "Add passkey"))
            p.needs-script { "This page needs JavaScript and a browser that knows passkeys." }
            p { a href=(visitor.at("account")) { "Cancel" } }
        }
    };
    let mut response = shell::own(visitor, &errors.title(visitor.words, "Add a passkey"), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

pub(crate) async fn question(visitor: Visitor) -> Response {
    match visitor.access().begin_passkey(&visitor.session.me(), visitor.now).await {
        Ok(question) => passkey::told(&question),
        Err(error) => (StatusCode::CONFLICT, Json(json!({ "words": error.to_string() }))).into_response(),
    }
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let me = visitor.session.me();
    let name = if given.name.trim().is_empty() { "Passkey" } else { given.name.trim() };
    match visitor.access().finish_passkey(&me, &given.handle, &given.answer, name, visitor.now).await {
        Ok(codes) if codes.is_empty() => super::back(&visitor, "passkey"),
        Ok(codes) => Ok(super::recovery::shown(&visitor, "The passkey was added", &codes)),
        Err(error @ (AccessError::Passkey(_) | AccessError::Wrong | AccessError::Expired)) => {
            Ok(show(&visitor, &Errors::one("passkey-name", error.to_string())))
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
