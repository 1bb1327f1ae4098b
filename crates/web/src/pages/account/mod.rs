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
use crate::components::{counted, notice, shell, words};
use crate::pages::sign_in::passkey;
use crate::request::{Answer, Visitor, see_other, troubled};
use axum::Form;
use axum::extract::Query;
use axum::http::header;
use care::access::Factors;
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
        h1 { (visitor.words.say("account-my-security")) }
        (notice::done(visitor.words, asked.done.as_deref()))
        @if factors.required && !protected(&factors) {
            (notice::caution(html! { p { (visitor.words.say("account-your-role-needs-a-second")) } }))
        }
        div.panels {
            (password_panel(&visitor, &factors))
            (passkey_panel(&visitor, &factors))
            (app_panel(&visitor, &factors))
            (recovery_panel(&visitor, &factors))
        }
        p { a.button href=(visitor.at("account/settings")) { (visitor.words.say("shell-my-settings")) } }
        (sessions::panel(&visitor, &sessions))
        @if visitor.session.roles.len() > 1 { (roles_panel(&visitor)) }
        p.help { (visitor.words.say("account-signed-in-as")) " " code { (visitor.session.username) } " (" (words::role(visitor.words, &visitor.session.principal.role)) ")." }
    };
    Ok(shell::own(&visitor, visitor.words.say("account-my-security"), main))
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
        Some(at) => { (visitor.words.say("account-changed")) " " (moment(at)) },
        None => (chip(false, &visitor.words.say("account-not-set")))
    } };
    panel(
        "password",
        &visitor.words.say("account-password"),
        state,
        html! {
            p { a.button href=(visitor.at("account/password")) { (visitor.words.say("account-change-password")) } }
        },
    )
}

fn passkey_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let state = if factors.passkeys.is_empty() {
        chip(false, &visitor.words.say("account-none"))
    } else {
        chip(true, &counted(visitor.words, "account-added-count", factors.passkeys.len()))
    };
    panel(
        "passkeys",
        &visitor.words.say("account-passkeys"),
        state,
        html! {
            @if factors.passkeys.is_empty() {
                p.quiet { (visitor.words.say("account-sign-in-with-your-face")) }
            } @else {
                ul.lines {
                    @for it in &factors.passkeys {
                        li.line {
                            span.main { (it.name) }
                            span.side { (act_on(&visitor.at("account/passkeys/remove"), &[("id", &it.id)], &visitor.words.say("account-remove"), Some(&it.name), None)) }
                            span.under {
                                (visitor.words.say("account-added")) " " (moment(it.added))
                                @match it.last_used { Some(at) => { (visitor.words.say("account-last-used")) " " (moment_ago(visitor.words, at, visitor.now)) }, None => (visitor.words.say("account-not-used-yet")) }
                            }
                        }
                    }
                }
            }
            p { a.button href=(visitor.at("account/passkeys")) { (visitor.words.say("account-add-a-passkey")) } }
        },
    )
}

fn app_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let state = if factors.totp.is_some() {
        chip(true, &visitor.words.say("account-on"))
    } else {
        chip(false, &visitor.words.say("account-off"))
    };
    panel(
        "app",
        &visitor.words.say("account-authenticator-app"),
        state,
        html! {
            @match factors.totp {
                Some(at) => {
                    p.quiet { (visitor.words.say("account-set-up")) " " (moment(at)) "." }
                    (act(&visitor.at("account/totp/remove"), &[], &visitor.words.say("account-remove"), None))
                }
                None => {
                    p.quiet { (visitor.words.say("account-an-app-on-your-telephone")) }
                    p { a.button href=(visitor.at("account/totp")) { (visitor.words.say("account-set-up-an-authenticator-app")) } }
                }
            }
        },
    )
}

fn recovery_panel(visitor: &Visitor, factors: &Factors) -> Markup {
    let left = factors.recovery_left;
    let state = chip(left > 2, &counted(visitor.words, "account-left", left));
    panel(
        "recovery",
        &visitor.words.say("account-recovery-codes"),
        state,
        html! {
            p.quiet { (visitor.words.say("account-for-the-day-when-your")) }
            @if protected(factors) {
                (act(&visitor.at("account/recovery"), &[], &visitor.words.say(if left == 0 { "account-make-recovery-codes" } else { "account-make-new-codes" }), None))
            } @else { p.quiet { (visitor.words.say("account-you-get-them-when-you")) } }
        },
    )
}

fn roles_panel(visitor: &Visitor) -> Markup {
    panel(
        "roles",
        &visitor.words.say("account-my-roles"),
        html! { (counted(visitor.words, "account-role-count", visitor.session.roles.len())) },
        html! {
            p.quiet { (visitor.words.say("account-you-act-in-one-role")) }
            ul.lines {
                @for role in &visitor.session.roles {
                    li.line {
                        span.main { (words::role(visitor.words, role)) }
                        span.side {
                            @if *role == visitor.session.principal.role { span.chip.good { (visitor.words.say("account-now")) } }
                            @else { (act_on(&visitor.at("account/role"), &[("role", role)], &visitor.words.say("account-change-to-this"), Some(&words::role(visitor.words, role)), None)) }
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

/// The form of a passkey, with the name it will have.
fn passkey_form(visitor: &Visitor, words: &str) -> Markup {
    let (action, question) = (visitor.at("account/passkeys"), visitor.at("account/passkeys/question"));
    passkey::ask("create", &action, &question, words, &[], true)
}
