//! The second step: a code from an app, a passkey, or a recovery code. Codes may be pasted; a wrong one is
//! asked for again, and an attempt that took too long begins anew.

use super::{Stopped, onward, passkey};
use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::request::{Answer, Place, see_other};
use crate::sessions;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use care::access::{AccessError, Proof, SignIn};
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// The ways there are: `t`, `p`, `r`.
    #[serde(default)]
    with: String,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    with: String,
    #[serde(default)]
    to: String,
    code: Option<String>,
    recovery: Option<String>,
    handle: Option<String>,
    answer: Option<String>,
}

pub(crate) async fn page(place: Place, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    if sessions::pending(&headers).is_none() {
        return see_other(&place.at("sign-in"));
    }
    form(&place, &asked.with, &asked.to, &Errors::none())
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let Some(pending) = sessions::pending(&headers) else { return Ok(see_other(&place.at("sign-in"))) };
    let (proof, at) = match (&given.code, &given.recovery, &given.handle, &given.answer) {
        (_, _, Some(handle), Some(answer)) => (Proof::Passkey { handle, answer }, "with-passkey"),
        (_, Some(recovery), ..) => (Proof::Recovery(recovery.trim()), "recovery"),
        (Some(code), ..) => (Proof::Totp(code.trim()), "code"),
        _ => return Ok(see_other(&place.at("sign-in"))),
    };
    let wrong = match at {
        "code" => "door-this-code-does-not-fit-2",
        "recovery" => "door-this-recovery-code-does-not",
        _ => "door-this-passkey-does-not-fit",
    };
    let wrong = || place.words.say(wrong);
    let words = match place.access().second(&place.visit, pending, proof, place.now).await {
        Ok(SignIn::Wrong) => wrong(),
        Ok(step) => match onward(&place, &headers, &given.to, step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => words,
        },
        Err(AccessError::Wrong | AccessError::Passkey(_)) => wrong(),
        Err(AccessError::Expired) => return Ok(see_other(&place.at("sign-in?done=none"))),
        Err(AccessError::Wait { until }) => super::too_often(&place, until),
        Err(other) => return Err(other.into()),
    };
    Ok(form(&place, &given.with, &given.to, &Errors::one(at, words)))
}

fn form(place: &Place, with: &str, to: &str, errors: &Errors) -> Response {
    let action = place.at("sign-in/second");
    let kept = html! { input type="hidden" name="with" value=(with); input type="hidden" name="to" value=(to); };
    let only_recovery = !with.contains(['t', 'p']);
    let recovery = html! {
        form.stacked method="post" action=(action) {
            (kept)
            (field("recovery", &place.words.say("door-recovery-code")).literal().autocomplete("off").hint(&place.words.say("door-one-of-the-codes-you")).show(place.words, errors))
            button.primary[only_recovery] type="submit" { (place.words.say("door-sign-in-with-this-code")) }
        }
    };
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { (place.words.say("door-one-more-step")) }
            p { (place.words.say("door-your-password-fits-now-show")) }
            (errors.summary())
            @if with.contains('p') {
                div #with-passkey { (passkey::button_primary(place, "sign-in/second", &place.words.say("door-use-your-passkey"), to, with, !with.contains('t'))) }
            }
            @if with.contains('t') {
                form.stacked method="post" action=(action) {
                    (kept)
                    (field("code", &place.words.say("door-code")).code().maxlength(12).hint(&place.words.say("door-six-digits-from-your-authenticator")).focus().show(place.words, errors))
                    button.primary type="submit" { (place.words.say("door-continue")) }
                }
            }
            @if with.contains('r') {
                @if only_recovery { (recovery) }
                @else { details open[errors.summary().into_string().contains("#recovery")] { summary { (place.words.say("door-use-a-recovery-code-instead")) } (recovery) } }
            }
            ul.links { li { a href=(place.at("sign-in")) { (place.words.say("door-begin-again")) } } }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title =
        errors.title(place.words, &format!("{} · {}", place.words.say("door-one-more-step"), place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}
