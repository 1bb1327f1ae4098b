//! Signing in and out. An unknown user and a wrong password look the same; whoever was on the way to a
//! page comes back to it. The steps between are `care::access`'s: here they only become pages.

pub(crate) mod enrol;
pub(crate) mod passkey;
pub(crate) mod provider;
pub(crate) mod second;
pub(crate) mod unlock;

use crate::components::form::{Errors, field};
use crate::components::notice;
use crate::components::{shell, words};
use crate::locale::Locale;
use crate::locale::Words;
use crate::request::{Answer, Place, Refusal, Visitor, see_other};
use crate::sessions;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use care::access::{Factor, Opened, SignIn, User};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    to: String,
    done: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    username: String,
    password: String,
    #[serde(default)]
    to: String,
}

pub(crate) async fn page(place: Place, Query(asked): Query<Asked>) -> Answer {
    form(&place, &asked.to, "", &Errors::none(), asked.done.as_deref()).await
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let username = given.username.trim();
    let step = place.access().sign_in(&place.visit, username, &given.password, place.now).await?;
    match onward(&place, &headers, &given.to, step).await {
        Ok(response) => Ok(response),
        Err(Stopped(words)) => form(&place, &given.to, username, &Errors::one("username", words), None).await,
    }
}

/// Why someone does not get on, in words.
pub(crate) struct Stopped(pub(crate) String);

/// Where a step of signing in leads: in, to the next step, or back with words.
pub(crate) async fn onward(place: &Place, headers: &HeaderMap, to: &str, step: SignIn) -> Result<Response, Stopped> {
    let to_safe = sessions::safe_target(&place.organisation.slug, to).unwrap_or_default();
    match step {
        SignIn::Open(opened) => Ok(enter(place, headers, to_safe, &opened).await),
        SignIn::Second { pending, factors } => {
            let with: String = factors.iter().map(letter).collect();
            Ok(wait(place, &format!("sign-in/second?with={with}&to={to_safe}"), &pending))
        }
        SignIn::Enrol { pending } => Ok(wait(place, &format!("sign-in/enrol?to={to_safe}"), &pending)),
        SignIn::Wrong => Err(Stopped(place.words.say("door-user-name-and-password-do"))),
        SignIn::Wait { until } => Err(Stopped(too_often(place, until))),
    }
}

/// The same words whether or not the user exists.
pub(crate) fn too_often(place: &Place, until: i64) -> String {
    let remaining = crate::components::table::remaining(place.words, until - place.now);
    place.words.with("door-too-often", &[("remaining", remaining.into())])
}

fn letter(factor: &Factor) -> char {
    match factor {
        Factor::Totp => 't',
        Factor::Passkey => 'p',
        Factor::Recovery => 'r',
    }
}

/// In: the session goes into its cookie, and what was before ends.
pub(crate) async fn enter(place: &Place, headers: &HeaderMap, to: &str, opened: &Opened) -> Response {
    // A new session never goes on under an old token. If ending the old one fails it still ends by itself.
    if let Some(old) = sessions::token(headers) {
        place.access().sign_out(old, place.now).await.ok();
    }
    let start = match crate::request::is_patient(&opened.session) {
        true => place.at("portal/"),
        false => place.at(""),
    };
    let mut response = see_other(if to.is_empty() { &start } else { to });
    admit(place, &mut response, opened);
    response
}

pub(crate) fn admit(place: &Place, response: &mut Response, opened: &Opened) {
    let cookies = response.headers_mut();
    cookies.append(header::SET_COOKIE, sessions::opened(&place.organisation, &opened.token));
    cookies.append(header::SET_COOKIE, sessions::waited(&place.organisation));
}

fn wait(place: &Place, next: &str, pending: &str) -> Response {
    let mut response = see_other(&place.at(next));
    response.headers_mut().append(header::SET_COOKIE, sessions::waiting(&place.organisation, pending));
    response
}

pub(crate) async fn leave(place: Place, headers: HeaderMap) -> Answer {
    if let Some(token) = sessions::token(&headers) {
        place.access().sign_out(token, place.now).await?;
    }
    let mut response = see_other(&place.at("sign-in?done=signed-out"));
    response.headers_mut().append(header::SET_COOKIE, sessions::closed(&place.organisation));
    // Nothing of the chart stays behind in the browser.
    response.headers_mut().append("clear-site-data", "\"cache\"".parse().expect("a plain value"));
    Ok(response)
}

/// Being asked keeps the session open; the guard has done it.
pub(crate) async fn keep(_visitor: Visitor) -> Response {
    StatusCode::NO_CONTENT.into_response()
}

async fn form(place: &Place, to: &str, username: &str, errors: &Errors, done: Option<&str>) -> Answer {
    let organisation = &place.organisation;
    let demo = place.web.installation.demo;
    let logins = place.access().demo_logins(place.now).await.map_err(Refusal::from)?;
    let providers = place.access().providers(place.now).await.map_err(Refusal::from)?;
    let main = html! {
        div.sheet {
            p.over { (organisation.name) }
            h1 { (place.words.say("door-sign-in")) }
            (notice::done(place.words, done))
            (errors.summary())
            form.stacked method="post" action=(place.at("sign-in")) {
                input type="hidden" name="to" value=(to);
                (field("username", &place.words.say("door-user-name")).value(username).autocomplete("username").literal()
                    .list((!logins.is_empty()).then_some("demo-logins")).focus().show(place.words, &Errors::none()))
                (field("password", &place.words.say("door-password")).password("current-password").show(place.words, &Errors::none()))
                button.primary type="submit" { (place.words.say("door-sign-in")) }
            }
            (passkey::button(place, "sign-in/passkey", &place.words.say("door-sign-in-with-a-passkey"), to, false))
            @for provider in &providers {
                p { a.button href={ (place.at("sign-in/with/")) (provider.id) "?to=" (to) } { (place.words.say("door-sign-in-with")) " " (provider.name) } }
            }
            (languages(place, to))
            ul.links {
                li { a href=(place.at("invitation")) { (place.words.say("door-i-have-an-invitation-code")) } }
                li { a href=(place.at("reset")) { (place.words.say("door-i-cannot-sign-in")) } }
                li { a href="/" { (place.words.say("door-another-organization")) } }
            }
            @if demo { (demo_logins(place.words, &logins, place.now)) }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = errors.title(place.words, &format!("{} · {}", place.words.say("door-sign-in"), organisation.name));
    Ok(shell::outside(place.words, &title, demo, status, main))
}

/// The languages that pages can be read in; the one in use is told and not offered.
fn languages(place: &Place, to: &str) -> Markup {
    html! {
        form.languages method="post" action=(place.at("language")) aria-label=(place.words.say("door-language")) {
            input type="hidden" name="to" value=(to);
            @for locale in Locale::offered(place.web.installation.demo) {
                button type="submit" name="language" value=(locale.tag()) lang=(locale.tag())
                    aria-pressed=[(locale == place.words.locale).then_some("true")] { (locale.own_name()) }
            }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Spoken {
    language: String,
    #[serde(default)]
    to: String,
}

/// Another language for this browser, and back to signing in.
pub(crate) async fn language(place: Place, Form(given): Form<Spoken>) -> Answer {
    let to = sessions::safe_target(&place.organisation.slug, &given.to).unwrap_or_default();
    let mut response = see_other(&match to {
        "" => place.at("sign-in"),
        to => place.at(&format!("sign-in?to={to}")),
    });
    if let Some(locale) = Locale::chosen(&given.language, place.web.installation.demo) {
        response.headers_mut().append(header::SET_COOKIE, sessions::speaking(locale.tag()));
    }
    Ok(response)
}

fn demo_logins(words: &Words, logins: &[User], now: i64) -> Markup {
    let shown = |login: &User| login.roles_at(now).first().map_or(String::new(), |role| words::role(words, role));
    html! {
        @if !logins.is_empty() {
            datalist #demo-logins { @for login in logins { option value=(login.username) {} } }
            section.demo-logins aria-labelledby="demo-title" {
                h2 #demo-title { (words.say("door-demonstration-logins")) }
                p.quiet { (words.say("door-passwords-were-printed-when-the")) }
                ul {
                    @for login in logins {
                        li { code { (login.username) } span { (login.display) } span.quiet { (shown(login)) } }
                    }
                }
            }
        }
    }
}
