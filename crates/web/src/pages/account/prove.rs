//! Before something that matters: is it still you? Any factor will do; the proof holds for five minutes.

use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::pages::sign_in::passkey;
use crate::request::{Answer, Visitor, see_other};
use crate::sessions;
use axum::Form;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use care::access::{AccessError, Factors, Proof};
use maud::html;
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    to: String,
    password: Option<String>,
    code: Option<String>,
    handle: Option<String>,
    answer: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    form(&visitor, &asked.to, &Errors::none()).await
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let (proof, at) = match (&given.password, &given.code, &given.handle, &given.answer) {
        (_, _, Some(handle), Some(answer)) => (Proof::Passkey { handle, answer }, "password"),
        (_, Some(code), ..) => (Proof::Totp(code.trim()), "code"),
        (Some(password), ..) => (Proof::Password(password), "password"),
        _ => return form(&visitor, &given.to, &Errors::none()).await,
    };
    match visitor.access().prove(&visitor.visit, &visitor.token, proof, visitor.now).await {
        Ok(opened) => {
            let to = sessions::safe_target(&visitor.organisation.slug, &given.to);
            let mut response = see_other(to.unwrap_or(&visitor.at("account?done=proved")));
            let cookie = sessions::opened(&visitor.organisation, &opened.token);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Err(AccessError::Wrong) => {
            form(&visitor, &given.to, &Errors::one(at, visitor.words.say("account-that-does-not-fit-try"))).await
        }
        Err(error @ (AccessError::Wait { .. } | AccessError::Passkey(_) | AccessError::Expired)) => {
            form(&visitor, &given.to, &Errors::one(at, crate::components::words::trouble(visitor.words, &error))).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn form(visitor: &Visitor, to: &str, errors: &Errors) -> Answer {
    let factors: Factors = visitor.access().factors(&visitor.session.me(), visitor.now).await?;
    let action = visitor.at("account/prove");
    let question = visitor.at("sign-in/passkey/question");
    let main = html! {
        h1 { (visitor.words.say("account-is-it-still-you")) }
        p { (visitor.words.say("account-this-changes-how-your-account")) }
        (errors.summary())
        div.narrow-form {
            @if !factors.passkeys.is_empty() {
                (passkey::ask("get", &action, &question, &visitor.words.say("account-use-your-passkey"), &[("to", to)], true))
            }
            @if factors.password.is_some() {
                form.stacked method="post" action=(action) {
                    input type="hidden" name="to" value=(to);
                    (field("password", &visitor.words.say("account-password")).password("current-password").focus().show(visitor.words, errors))
                    button.primary type="submit" { (visitor.words.say("account-continue")) }
                }
            } @else if factors.totp.is_some() {
                form.stacked method="post" action=(action) {
                    input type="hidden" name="to" value=(to);
                    (field("code", &visitor.words.say("account-code-from-your-authenticator-app")).code().maxlength(12).focus().show(visitor.words, errors))
                    button.primary type="submit" { (visitor.words.say("account-continue")) }
                }
            }
        }
        p { a href=(visitor.at("account")) { (visitor.words.say("account-cancel")) } }
    };
    let mut response =
        shell::own(visitor, errors.title(visitor.words, &visitor.words.say("account-is-it-still-you")), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
