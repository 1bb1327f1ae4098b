//! My security, for staff and patients alike (screens P-12, S-01): password, second factors, recovery codes and
//! where one is signed in. What matters asks again who is there.

pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod prove;
pub(crate) mod recovery;
pub(crate) mod sessions;
pub(crate) mod totp;

use crate::components::form::{act, act_on};
use crate::components::table::{moment, moment_ago};
use crate::components::{notice, s, shell, words};
use crate::pages::sign_in::passkey;
use crate::request::{Answer, Visitor, see_other, troubled};
use axum::Form;
use axum::extract::Query;
use axum::http::header;
use care::access::{Factors, SessionInfo};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Done>) -> Answer {
    let me = visitor.session.me();
    let factors = visitor.access().factors(&me, visitor.now).await?;
    let sessions = visitor.access().sessions_of(&visitor.caller, &visitor.session.user, visitor.now).await?;
    let main = html! {
        h1 { "My security" }
        (notice::done(visitor.words, asked.done.as_deref()))
        @if factors.required && !protected(&factors) {
            (notice::caution(html! { p { "Your role needs a second factor. Add a passkey or an authenticator app below." } }))
        }
        div.panels {
            (password_panel(&visitor, &factors))
            (passkey_panel(&visitor, &factors))
            (app_panel(&visitor, &factors))
            (recovery_panel(&visitor, &factors))
        }
        (sessions::panel(&visitor, &sessions))
        @if visitor.session.roles.len() > 1 { (roles_panel(&visitor)) }
        p.help { "Signed in as " code { (visitor.session.username) } " (" (words::role(visitor.words, &visitor.session.principal.role)) ")." }
    };
    Ok(shell::own(&visitor, "My security", main))
}

fn protected(factors: &Factors) -> bool {
    factors.totp.is_some() || !factors.passkeys.is_empty()
}

pub(crate) fn panel(id: &str, title: &str, state: Markup, body: Markup) -> Markup {
    html! {
        section.panel-card aria-labelledby=(id) {
            header { h2 id=(id) { (title) } span.count { (state) } }
            (body)
        }
    }
}

fn chip(good: bool, words: &str) -> Markup {
    html! { span.chip.good[good].notable[!good] { (words) } }
}

fn password_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let state = html! { @match factors.password {
        Some(at) => { "changed " (moment(at)) },
        None => (chip(false, "not set"))
    } };
    panel(
        "password",
        "Password",
        state,
        html! {
            p { a.button href=(visitor.at("account/password")) { "Change password" } }
        },
    )
}

fn passkey_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let state = if factors.passkeys.is_empty() {
        chip(false, "none")
    } else {
        chip(true, &format!("{} added", factors.passkeys.len()))
    };
    panel(
        "passkeys",
        "Passkeys",
        state,
        html! {
            @if factors.passkeys.is_empty() {
                p.quiet { "Sign in with your face, finger or a security key instead of a password. Nothing to remember, nothing to steal." }
            } @else {
                ul.lines {
                    @for it in &factors.passkeys {
                        li.line {
                            span.main { (it.name) }
                            span.side { (act_on(&visitor.at("account/passkeys/remove"), &[("id", &it.id)], "Remove", Some(&it.name), None)) }
                            span.under {
                                "Added " (moment(it.added))
                                @match it.last_used { Some(at) => { ", last used " (moment_ago(visitor.words, at, visitor.now)) }, None => ", not used yet" }
                            }
                        }
                    }
                }
            }
            p { a.button href=(visitor.at("account/passkeys")) { "Add a passkey" } }
        },
    )
}

fn app_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let state = if factors.totp.is_some() { chip(true, "on") } else { chip(false, "off") };
    panel(
        "app",
        "Authenticator app",
        state,
        html! {
            @match factors.totp {
                Some(at) => {
                    p.quiet { "Set up " (moment(at)) "." }
                    (act(&visitor.at("account/totp/remove"), &[], "Remove", None))
                }
                None => {
                    p.quiet { "An app on your telephone shows a new code every half minute." }
                    p { a.button href=(visitor.at("account/totp")) { "Set up an authenticator app" } }
                }
            }
        },
    )
}

fn recovery_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let left = factors.recovery_left;
    let state = chip(left > 2, &format!("{left} left"));
    panel(
        "recovery",
        "Recovery codes",
        state,
        html! {
            p.quiet { "For the day when your telephone is lost. Each code works once." }
            @if protected(factors) {
                (act(&visitor.at("account/recovery"), &[], if left == 0 { "Make recovery codes" } else { "Make new codes" }, None))
            } @else { p.quiet { "You get them when you add a passkey or an app." } }
        },
    )
}

fn roles_panel(visitor: &Visitor) -> Markup {
    panel(
        "roles",
        "My roles",
        html! { (visitor.session.roles.len()) " roles" },
        html! {
            p.quiet { "You act in one role at a time; what you may see follows it." }
            ul.lines {
                @for role in &visitor.session.roles {
                    li.line {
                        span.main { (words::role(visitor.words, role)) }
                        span.side {
                            @if *role == visitor.session.principal.role { span.chip.good { "now" } }
                            @else { (act_on(&visitor.at("account/role"), &[("role", role)], "Change to this", Some(&words::role(visitor.words, role)), None)) }
                        }
                    }
                }
            }
        },
    )
}

#[derive(Deserialize)]
pub(crate) struct Role {
    role: String,
}

pub(crate) async fn role(visitor: Visitor, Form(given): Form<Role>) -> Answer {
    let opened = visitor.access().switch_role(&visitor.token, &given.role, visitor.now).await?;
    let mut response = see_other(&visitor.at("account?done=role"));
    let cookie = crate::sessions::opened(&visitor.organisation, &opened.token);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Back to the overview, which says what was done.
fn back(visitor: &Visitor, done: &str) -> Answer {
    Ok(see_other(&visitor.at(&format!("account?done={done}"))))
}

/// Where to come back to after proving again who one is.
fn proving(visitor: &Visitor, page: &str) -> impl Fn(care::access::AccessError) -> crate::request::Refusal + use<> {
    troubled(visitor, &visitor.at(page))
}

/// `3 devices`.
fn devices(sessions: &[SessionInfo]) -> String {
    format!("{} device{}", sessions.len(), s(sessions.len()))
}

/// The form of a passkey, with the name it will have.
fn passkey_form(visitor: &Visitor, words: &str) -> Markup {
    let (action, question) = (visitor.at("account/passkeys"), visitor.at("account/passkeys/question"));
    passkey::ask("create", &action, &question, words, &[], true)
}
