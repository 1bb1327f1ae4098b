//! The first administrator of an organisation that has nobody yet. Whoever started the program got the link; it
//! works once, and never again when there is somebody.

use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::pages::account::password::RULE;
use crate::pages::sign_in::{Stopped, onward};
use crate::request::{Answer, Place, Refusal};
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use care::access::AccessError;
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    code: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    code: String,
    display: String,
    username: String,
    password: String,
    again: String,
}

pub(crate) async fn page(place: Place, Query(asked): Query<Asked>) -> Answer {
    match place.access().set_up_open(&asked.code, place.now).await {
        Ok(()) => Ok(form(&place, &Given { code: asked.code, ..Given::default() }, &Errors::none())),
        // No difference between a wrong link and one that was used.
        Err(AccessError::Store(error)) => Err(error.into()),
        Err(_) => Err(Refusal::NotFound),
    }
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    if given.password != given.again {
        return Ok(form(&place, &given, &Errors::one("again", "The two passwords are not the same.")));
    }
    let (username, display) = (given.username.trim(), given.display.trim());
    let step = place.access().set_up(&place.visit, &given.code, username, display, &given.password, place.now).await;
    let errors = match step {
        Ok(step) => match onward(&place, &headers, "", step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => Errors::one("username", words),
        },
        Err(weak @ AccessError::Password(_)) => Errors::one("password", weak.to_string()),
        Err(name @ (AccessError::UserNameTaken | AccessError::UserNameUnfit)) => {
            Errors::one("username", name.to_string())
        }
        Err(AccessError::Expired | AccessError::Wrong | AccessError::Forbidden) => return Err(Refusal::NotFound),
        Err(other) => return Err(other.into()),
    };
    Ok(form(&place, &given, &errors))
}

fn form(place: &Place, given: &Given, errors: &Errors) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { "Welcome" }
            p { "You are the first. This account can create all others; afterwards this link does not work any more." }
            (errors.summary())
            form.stacked method="post" action=(place.at("set-up")) {
                input type="hidden" name="code" value=(given.code);
                (field("display", "Your name").value(&given.display).autocomplete("name").maxlength(120).focus().show(place.words, errors))
                (field("username", "User name").value(&given.username).autocomplete("username").literal().maxlength(60)
                    .hint("Letters, digits, dots and hyphens.").show(place.words, errors))
                (field("password", "Password").password("new-password").hint(RULE).show(place.words, errors))
                (field("again", "Password once more").password("new-password").show(place.words, errors))
                button.primary type="submit" { "Create the first administrator" }
            }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = errors.title(place.words, &format!("Welcome · {}", place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
