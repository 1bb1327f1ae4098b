//! A password for whoever got a link from an administrator: the first one, or a new one. Without a link the page
//! says how to get one; it never says whether somebody has an account.

use crate::components::form::{Errors, field};
use crate::components::{shell, words};
use crate::pages::account::password::RULE;
use crate::request::{Answer, Place, see_other};
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use care::access::AccessError;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    code: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    code: String,
    password: String,
    again: String,
}

pub(crate) async fn page(place: Place, Query(asked): Query<Asked>) -> Answer {
    if asked.code.is_empty() {
        return Ok(sheet(&place, &place.words.say("door-i-cannot-sign-in"), StatusCode::OK, help(&place)));
    }
    match place.access().reset_of(&asked.code, place.now).await {
        Ok(username) => Ok(form(&place, &asked.code, &username, &Errors::none())),
        Err(error) => over(&place, error),
    }
}

pub(crate) async fn submit(place: Place, Form(given): Form<Given>) -> Answer {
    let username = match place.access().reset_of(&given.code, place.now).await {
        Ok(username) => username,
        Err(error) => return over(&place, error),
    };
    if given.password != given.again {
        return Ok(form(
            &place,
            &given.code,
            &username,
            &Errors::one("again", place.words.say("door-the-two-passwords-are-not")),
        ));
    }
    match place.access().set_password(&place.visit, &given.code, &given.password, place.now).await {
        Ok(()) => Ok(see_other(&place.at("sign-in?done=reset"))),
        Err(weak @ AccessError::Password(_)) => {
            Ok(form(&place, &given.code, &username, &Errors::one("password", words::trouble(place.words, &weak))))
        }
        Err(error) => over(&place, error),
    }
}

fn over(place: &Place, error: AccessError) -> Answer {
    match error {
        AccessError::Store(error) => Err(error.into()),
        _ => Ok(sheet(
            place,
            &place.words.say("door-this-link-is-not-valid"),
            StatusCode::GONE,
            html! {
                p { (place.words.say("door-it-was-used-it-is")) }
                (help(place))
            },
        )),
    }
}

fn help(place: &Place) -> Markup {
    html! {
        p { (place.words.say("door-ask-the-practice-for-a")) }
        p { (place.words.say("door-lost-only-your-telephone-sign")) }
        ul.links { li { a href=(place.at("sign-in")) { (place.words.say("door-back-to-signing-in")) } } }
    }
}

fn form(place: &Place, code: &str, username: &str, errors: &Errors) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    sheet(
        place,
        &place.words.say("door-choose-a-password"),
        status,
        html! {
            (errors.summary())
            form.stacked method="post" action=(place.at("reset")) {
                input type="hidden" name="code" value=(code);
                p { (place.words.say("door-user-name-2")) " " strong { (username) } }
                input type="hidden" name="username" value=(username) autocomplete="username";
                (field("password", &place.words.say("door-new-password")).password("new-password").hint(&place.words.say(RULE)).focus().show(place.words, errors))
                (field("again", &place.words.say("door-password-once-more")).password("new-password").show(place.words, errors))
                button.primary type="submit" { (place.words.say("door-set-password")) }
            }
        },
    )
}

fn sheet(place: &Place, title: &str, status: StatusCode, body: Markup) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { (title) }
            (body)
        }
    };
    let errors = if status == StatusCode::UNPROCESSABLE_ENTITY { Errors::one("", "") } else { Errors::none() };
    let title = errors.title(place.words, &format!("{title} · {}", place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
