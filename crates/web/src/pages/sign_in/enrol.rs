//! Whoever must have a second factor and has none sets one up before coming in.

use super::{Stopped, onward, passkey};
use crate::components::form::Errors;
use crate::components::shell;
use crate::pages::account::{recovery, totp};
use crate::request::{Answer, Place, see_other};
use crate::sessions;
use axum::Form;
use axum::Json;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use care::access::{AccessError, Me};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    to: String,
    handle: Option<String>,
    code: Option<String>,
    answer: Option<String>,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    svg: String,
}

async fn me(place: &Place, headers: &HeaderMap) -> Result<Option<Me>, AccessError> {
    match sessions::pending(headers) {
        None => Ok(None),
        Some(pending) => match place.access().pending_me(pending, place.now).await {
            Ok(me) => Ok(Some(me)),
            Err(AccessError::Expired) => Ok(None),
            Err(other) => Err(other),
        },
    }
}

pub(crate) async fn page(place: Place, headers: HeaderMap, Query(asked): Query<Asked>) -> Answer {
    if me(&place, &headers).await?.is_none() {
        return Ok(see_other(&place.at("sign-in")));
    }
    Ok(sheet(
        &place,
        &place.words.say("door-protect-your-account"),
        &Errors::none(),
        html! {
            p { (place.words.say("door-your-work-needs-a-second")) }
            (passkey::ask("create", &place.at("sign-in/enrol/passkey"), &place.at("sign-in/enrol/question"),
                &place.words.say("door-use-this-device-passkey"), &[("to", &asked.to), ("name", &place.words.say("door-first-passkey"))], true))
            form.stacked method="post" action=(place.at("sign-in/enrol/totp")) {
                input type="hidden" name="to" value=(asked.to);
                button type="submit" { (place.words.say("door-use-an-authenticator-app")) }
            }
        },
    ))
}

/// With no code yet: the secret to put into the app. With one: whether it fits.
pub(crate) async fn by_app(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let Some(me) = me(&place, &headers).await? else { return Ok(see_other(&place.at("sign-in"))) };
    let hidden = [("to", given.to.as_str())];
    let action = place.at("sign-in/enrol/totp");
    let (Some(handle), Some(code)) = (&given.handle, &given.code) else {
        let offer = place.access().begin_totp(&me, place.now).await?;
        let form = totp::form(place.words, &action, &offer, &hidden, &Errors::none());
        return Ok(sheet(&place, &place.words.say("door-set-up-an-authenticator-app"), &Errors::none(), form));
    };
    match place.access().finish_totp(&me, handle, code.trim(), place.now).await {
        Ok(codes) => Ok(enrolled(&place, &given.to, &codes)),
        Err(AccessError::Wrong) => {
            let errors = Errors::one("code", place.words.say("door-this-code-does-not-fit"));
            let offer = totp::again(handle.clone(), given.secret.clone(), given.svg.clone());
            let form = totp::form(place.words, &action, &offer, &hidden, &errors);
            Ok(sheet(&place, &place.words.say("door-set-up-an-authenticator-app"), &errors, form))
        }
        Err(AccessError::Expired) => Ok(see_other(&place.at("sign-in"))),
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn question(place: Place, headers: HeaderMap) -> Response {
    let asked = async {
        let me = me(&place, &headers).await?.ok_or(AccessError::Expired)?;
        place.access().begin_passkey(&me, place.now).await
    };
    match asked.await {
        Ok(question) => passkey::told(&question),
        Err(error) => {
            (StatusCode::CONFLICT, Json(json!({ "words": crate::components::words::trouble(place.words, &error) })))
                .into_response()
        }
    }
}

pub(crate) async fn by_passkey(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let Some(me) = me(&place, &headers).await? else { return Ok(see_other(&place.at("sign-in"))) };
    let (handle, answer) = (given.handle.unwrap_or_default(), given.answer.unwrap_or_default());
    let codes =
        place.access().finish_passkey(&me, &handle, &answer, &place.words.say("door-first-passkey"), place.now).await?;
    Ok(enrolled(&place, &given.to, &codes))
}

/// The codes, once; then on.
fn enrolled(place: &Place, to: &str, codes: &[String]) -> Response {
    sheet(
        place,
        &place.words.say("door-you-are-set-up"),
        &Errors::none(),
        html! {
            (recovery::codes(place.words, codes))
            form.stacked method="post" action=(place.at("sign-in/enrolled")) {
                input type="hidden" name="to" value=(to);
                button.primary type="submit" { (place.words.say("door-i-kept-them-go-on")) }
            }
        },
    )
}

pub(crate) async fn finish(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let Some(pending) = sessions::pending(&headers) else { return Ok(see_other(&place.at("sign-in"))) };
    match place.access().enrolled(&place.visit, pending, place.now).await {
        Ok(step) => Ok(onward(&place, &headers, &given.to, step)
            .await
            .unwrap_or_else(|Stopped(_)| see_other(&place.at("sign-in")))),
        Err(AccessError::Expired) => Ok(see_other(&place.at("sign-in"))),
        Err(other) => Err(other.into()),
    }
}

fn sheet(place: &Place, title: &str, errors: &Errors, body: Markup) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { (title) }
            (errors.summary())
            (body)
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = errors.title(place.words, &format!("{title} · {}", place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
