//! Signing in and out. An unknown user and a wrong password look the same; whoever was on the way to a
//! page comes back to it.

use crate::components::shell;
use crate::request::{Place, see_other};
use crate::sessions;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use care::access::{SignIn, User, Visit};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    to: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    username: String,
    password: String,
    #[serde(default)]
    to: String,
}

pub(crate) async fn page(place: Place, Query(asked): Query<Asked>) -> Response {
    form(&place, asked.to.as_deref().unwrap_or_default(), "", None).await
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Response {
    let organisation = &place.organisation;
    let now = organisation.now();
    let agent = headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let visit = Visit { agent, ..Visit::default() };
    let opened = match organisation.access.sign_in(&visit, &given.username, &given.password, now).await {
        Ok(SignIn::Open(opened)) => opened,
        Ok(SignIn::Wait { .. }) => {
            let words = "Too many attempts. Wait a few minutes and try again.";
            return form(&place, &given.to, &given.username, Some(words)).await;
        }
        Ok(_) => {
            let words = "User name and password do not fit. Check both and try again.";
            return form(&place, &given.to, &given.username, Some(words)).await;
        }
        Err(error) => return form(&place, &given.to, &given.username, Some(&error.to_string())).await,
    };
    // A new session never goes on under an old token.
    if let Some(old) = sessions::token(&headers) {
        organisation.access.sign_out(old, now).await.ok();
    }
    let token = opened.token;
    let slug = &organisation.slug;
    let home =
        if opened.session.principal.patient.is_some() { format!("/{slug}/portal/") } else { format!("/{slug}/") };
    let to = sessions::safe_target(slug, &given.to).unwrap_or(&home).to_owned();
    let mut response = see_other(&to);
    response.headers_mut().append(header::SET_COOKIE, sessions::opened(organisation, &token));
    response
}

pub(crate) async fn leave(place: Place, headers: HeaderMap) -> Response {
    if let Some(token) = sessions::token(&headers) {
        let done = place.organisation.access.sign_out(token, place.organisation.now()).await;
        if let Err(error) = done {
            tracing::error!(%error, "a session could not be ended");
        }
    }
    let mut response = see_other(&format!("/{}/sign-in", place.organisation.slug));
    response.headers_mut().append(header::SET_COOKIE, sessions::closed(&place.organisation));
    // Nothing of the chart stays behind in the browser.
    response.headers_mut().append("clear-site-data", "\"cache\"".parse().expect("a plain value"));
    response
}

/// Being asked keeps the session open; the guard has done it.
pub(crate) async fn keep() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

async fn form(place: &Place, to: &str, username: &str, failed: Option<&str>) -> Response {
    let organisation = &place.organisation;
    let demo = place.web.installation.demo;
    let error = failed.map(|_| "sign-in-error");
    let logins = organisation.access.demo_logins(organisation.now()).await.unwrap_or_default();
    let main = html! {
        div.sheet {
            p.over { (organisation.name) }
            h1 { "Sign in" }
            @if let Some(words) = failed {
                p.error #sign-in-error role="alert" { (words) }
            }
            form.stacked method="post" action={ "/" (organisation.slug) "/sign-in" } {
                input type="hidden" name="to" value=(to);
                div.field {
                    label for="username" { "User name" }
                    input #username name="username" value=(username) autocomplete="username" autocapitalize="none"
                        spellcheck="false" required aria-describedby=[error] list=[demo.then_some("demo-logins")];
                }
                div.field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" autocomplete="current-password" required
                        aria-describedby=[error];
                }
                button.primary type="submit" { "Sign in" }
            }
            @if demo { (demo_logins(&logins)) }
            p { a href="/" { "Another organization" } }
        }
    };
    let status = if failed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = format!("{}Sign in · {}", if failed.is_some() { "Error: " } else { "" }, organisation.name);
    shell::outside(&title, demo, status, main)
}

fn demo_logins(logins: &[User]) -> Markup {
    html! {
        @if !logins.is_empty() {
            datalist #demo-logins { @for login in logins { option value=(login.username) {} } }
            section.demo-logins aria-labelledby="demo-title" {
                h2 #demo-title { "Demonstration logins" }
                p.quiet { "Passwords were printed when the server started, and are in demo.json." }
                ul {
                    @for login in logins {
                        li { code { (login.username) } span { (login.display) } span.quiet { (login.roles.join(", ").replace('-', " ")) } }
                    }
                }
            }
        }
    }
}
