//! A password for whoever got a link from an administrator: the first one, or a new one. Without a link the page
//! says how to get one; it never says whether somebody has an account.

use crate::components::form::{Errors, field};
use crate::components::shell;
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
        return Ok(sheet(&place, "I cannot sign in", StatusCode::OK, help(&place)));
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
        return Ok(form(&place, &given.code, &username, &Errors::one("again", "The two passwords are not the same.")));
    }
    match place.access().set_password(&place.visit, &given.code, &given.password, place.now).await {
        Ok(()) => Ok(see_other(&place.at("sign-in?done=reset"))),
        Err(weak @ AccessError::Password(_)) => {
            Ok(form(&place, &given.code, &username, &Errors::one("password", weak.to_string())))
        }
        Err(error) => over(&place, error),
    }
}

fn over(place: &Place, error: AccessError) -> Answer {
    match error {
        AccessError::Store(error) => Err(error.into()),
        _ => Ok(sheet(
            place,
            "This link is not valid any more",
            StatusCode::GONE,
            html! {
                p { "It was used, it is too old, or it was not copied whole." }
                (help(place))
            },
        )),
    }
}

fn help(place: &Place) -> Markup {
    html! {
        p { "Ask the practice for a new link: they check who you are and hand it to you. Links are not sent by e-mail." }
        p { "Lost only your telephone? Sign in with your password and use one of your recovery codes." }
        ul.links { li { a href=(place.at("sign-in")) { "Back to signing in" } } }
    }
}

fn form(place: &Place, code: &str, username: &str, errors: &Errors) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    sheet(
        place,
        &errors.title(place.words, "Choose a password"),
        status,
        html! {
            (errors.summary())
            form.stacked method="post" action=(place.at("reset")) {
                input type="hidden" name="code" value=(code);
                p { "User name: " strong { (username) } }
                input type="hidden" name="username" value=(username) autocomplete="username";
                (field("password", "New password").password("new-password").hint(RULE).focus().show(place.words, errors))
                (field("again", "Password once more").password("new-password").show(place.words, errors))
                button.primary type="submit" { "Set password" }
            }
        },
    )
}

fn sheet(place: &Place, title: &str, status: StatusCode, body: Markup) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { (title.trim_start_matches("Error: ")) }
            (body)
        }
    };
    let title = format!("{title} · {}", place.organisation.name);
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
