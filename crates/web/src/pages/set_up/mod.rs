//! The first administrator of an organisation that has nobody yet. Whoever started the program got the link; it
//! works once, and never again when there is somebody.

use crate::components::form::{Errors, field};
use crate::components::{shell, words};
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
        return Ok(form(&place, &given, &Errors::one("again", place.words.say("door-the-two-passwords-are-not"))));
    }
    let (username, display) = (given.username.trim(), given.display.trim());
    let step = place.access().set_up(&place.visit, &given.code, username, display, &given.password, place.now).await;
    let errors = match step {
        Ok(step) => match onward(&place, &headers, "", step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => Errors::one("username", words),
        },
        Err(weak @ AccessError::Password(_)) => Errors::one("password", words::trouble(place.words, &weak)),
        Err(name @ (AccessError::UserNameTaken | AccessError::UserNameUnfit)) => {
            Errors::one("username", words::trouble(place.words, &name))
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
            h1 { (place.words.say("door-welcome")) }
            p { (place.words.say("door-you-are-the-first-this")) }
            (errors.summary())
            form.stacked method="post" action=(place.at("set-up")) {
                input type="hidden" name="code" value=(given.code);
                (field("display", &place.words.say("door-your-name")).value(&given.display).autocomplete("name").maxlength(120).focus().show(place.words, errors))
                (field("username", &place.words.say("door-user-name")).value(&given.username).autocomplete("username").literal().maxlength(60)
                    .hint(&place.words.say("door-letters-digits-dots-and-hyphens")).show(place.words, errors))
                (field("password", &place.words.say("door-password")).password("new-password").hint(&place.words.say(RULE)).show(place.words, errors))
                (field("again", &place.words.say("door-password-once-more")).password("new-password").show(place.words, errors))
                button.primary type="submit" { (place.words.say("door-create-the-first-administrator")) }
            }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title =
        errors.title(place.words, &format!("{} · {}", place.words.say("door-welcome"), place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
