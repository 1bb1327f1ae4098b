//! One user: name, roles and state; a new password for who lost theirs; where they are signed in.

use super::handed;
use super::new::{Said, role_boxes};
use crate::components::form::{Errors, act, act_on, field};
use crate::components::table::{device, lapse, moment, moment_ago, table};
use crate::components::{notice, shell, words};
use crate::pages::account::panel;
use crate::request::{Answer, Refusal, Visitor, see_other, troubled};
use axum::Form;
use axum::extract::{Path, Query, RawForm};
use axum::http::StatusCode;
use care::access::{AccessError, User, UserChange};
use maud::{Markup, html};
use serde::Deserialize;

type Address = Path<(String, String)>;

#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Path((_, id)): Address, Query(asked): Query<Done>) -> Answer {
    let user = visitor.access().user(&visitor.caller, &id, visitor.now).await?;
    show(&visitor, &user, &Errors::none(), asked.done.as_deref()).await
}

/// Whether it is somebody who works here.
fn is_staff(user: &User) -> bool {
    user.roles.iter().any(|it| words::STAFF.contains(&it.as_str()))
}

async fn show(visitor: &Visitor, user: &User, errors: &Errors, done: Option<&str>) -> Answer {
    let at = |end: &str| visitor.at(&format!("admin/users/{}{end}", user.id));
    let main = html! {
        header.section-head {
            h1 { (user.display) }
            @if !user.active { span.chip.notable { (visitor.words.say("users-deactivated")) } }
            p.quiet { (visitor.words.say("users-user-name")) " " code { (user.username) } (visitor.words.say("users-created")) " " (moment(user.created)) }
        }
        (notice::done(visitor.words, done))
        (errors.summary())
        div.panels {
            (panel("details", &visitor.words.say("users-details"), html! {}, html! {
                form.stacked method="post" action=(at("")) {
                    input type="hidden" name="version" value=(user.version);
                    (field("display", &visitor.words.say("users-name")).value(&user.display).autocomplete("off").maxlength(120).show(visitor.words, errors))
                    (field("email", &visitor.words.say("users-e-mail")).kind("email").value(user.email.as_deref().unwrap_or_default()).autocomplete("off").optional().show(visitor.words, errors))
                    @if is_staff(user) { (role_boxes(visitor.words, &user.roles, errors)) }
                    @else { p { (visitor.words.say("users-role-2")) " " (user.roles_at(visitor.now).iter().map(|it| words::role(visitor.words, it)).collect::<Vec<_>>().join(", ")) } }
                    @if let Some(person) = &user.person { p.quiet { (visitor.words.say("users-in-the-directory-as")) " " code { (person.to_string()) } } }
                    button.primary type="submit" { (visitor.words.say("users-save")) }
                }
            }))
            (panel("access", &visitor.words.say("users-getting-in"), html! {}, html! {
                p.quiet { (visitor.words.say("users-a-link-that-works-once")) }
                (act(&at("/reset"), &[("factors", "")], &visitor.words.say("users-make-a-link-for-a"), None))
                p.quiet { (visitor.words.say("users-device-lost-too-this-also")) }
                (act(&at("/reset"), &[("factors", "too")], &visitor.words.say("users-reset-password-and-second-factors"), None))
                @if user.active { (act(&at("/standing"), &[("active", ""), ("version", &user.version.to_string())], &visitor.words.say("users-deactivate"), Some("danger"))) }
                @else { (act(&at("/standing"), &[("active", "yes"), ("version", &user.version.to_string())], &visitor.words.say("users-let-them-sign-in-again"), None)) }
            }))
        }
        @if visitor.may("sessions.manage") { (sessions(visitor, user).await?) }
    };
    let mut response = shell::administration(visitor, "users", errors.title(visitor.words, &user.display), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn sessions(visitor: &Visitor, user: &User) -> Result<Markup, Refusal> {
    let sessions = visitor.access().sessions_of(&visitor.caller, &user.id, visitor.now).await?;
    let rows: Vec<Vec<Markup>> = sessions.iter().map(|it| {
        let device = device(visitor.words, &it.agent);
        vec![
            html! { (device) },
            html! { (it.address) },
            html! { (lapse(visitor.words, visitor.now - it.last_used)) },
            moment_ago(visitor.words, it.signed_in, visitor.now),
            html! { @if it.id != visitor.session.id {
                (act_on(&visitor.at(&format!("admin/users/{}/sessions", user.id)), &[("id", &it.id)], &visitor.words.say("users-sign-out"), Some(&device), None))
            } },
        ]
    }).collect();
    Ok(html! {
        @if rows.is_empty() { p.quiet { (visitor.words.say("users-not-signed-in-anywhere")) } }
        @else { (table(visitor.words, &visitor.words.say("users-signed-in"), &[&visitor.words.say("users-device"), &visitor.words.say("users-address"), &visitor.words.say("users-last-used"), &visitor.words.say("users-signed-in"), ""], rows)) }
    })
}

pub(crate) async fn change(visitor: Visitor, Path((_, id)): Address, RawForm(body): RawForm) -> Answer {
    let said = Said::of(&body);
    let user = visitor.access().user(&visitor.caller, &id, visitor.now).await?;
    let roles = said.all("roles");
    let mut errors = Errors::none();
    if said.one("display").is_empty() {
        errors.add("display", visitor.words.say("users-give-the-name-by-which"));
    }
    if is_staff(&user) && roles.is_empty() {
        errors.add("roles", visitor.words.say("users-choose-at-least-one-role"));
    }
    if !errors.is_empty() {
        return show(&visitor, &user, &errors, None).await;
    }
    let change = UserChange {
        display: Some(said.one("display").to_owned()),
        email: Some(Some(said.one("email").to_owned()).filter(|it| !it.is_empty())),
        roles: is_staff(&user).then_some(roles),
        ..UserChange::default()
    };
    write(&visitor, &user, said.one("version"), change, "changed").await
}

#[derive(Deserialize)]
pub(crate) struct Standing {
    active: String,
    version: String,
}

pub(crate) async fn standing(visitor: Visitor, Path((_, id)): Address, Form(given): Form<Standing>) -> Answer {
    let user = visitor.access().user(&visitor.caller, &id, visitor.now).await?;
    let active = !given.active.is_empty();
    let change = UserChange { active: Some(active), ..UserChange::default() };
    write(&visitor, &user, &given.version, change, if active { "activated" } else { "deactivated" }).await
}

async fn write(visitor: &Visitor, user: &User, version: &str, change: UserChange, done: &str) -> Answer {
    let version = version.parse().unwrap_or(user.version);
    match visitor.access().change_user(&visitor.caller, &user.id, version, change, visitor.now).await {
        Ok(changed) => {
            // What apps were allowed in this person's name was allowed with the old rights.
            if changed.roles != user.roles || changed.active != user.active {
                visitor.organisation.apps().end_grants_of(&visitor.caller, &changed.who(), visitor.now).await?;
            }
            Ok(see_other(&visitor.at(&format!("admin/users/{}?done={done}", user.id))))
        }
        Err(AccessError::LastAdministrator) => {
            let words = visitor.words.say("users-nobody-else-could-manage-users");
            show(visitor, user, &Errors::one("roles", words), None).await
        }
        Err(AccessError::Store(store::StoreError::ItemConflict { .. })) => {
            let words = visitor.words.say("users-somebody-else-changed-this-user");
            show(visitor, user, &Errors::one("display", words), None).await
        }
        Err(other) => Err(troubled(visitor, &visitor.at(&format!("admin/users/{}", user.id)))(other)),
    }
}

#[derive(Deserialize)]
pub(crate) struct Reset {
    factors: String,
}

pub(crate) async fn reset(visitor: Visitor, Path((_, id)): Address, Form(given): Form<Reset>) -> Answer {
    let back = troubled(&visitor, &visitor.at(&format!("admin/users/{id}")));
    let user = visitor.access().user(&visitor.caller, &id, visitor.now).await?;
    let factors = !given.factors.is_empty();
    let link = visitor.access().reset_password(&visitor.caller, &id, factors, visitor.now).await.map_err(back)?;
    let main = html! {
        header.section-head { h1 { (visitor.words.say("users-new-password-for")) " " (user.display) } }
        (handed(&visitor, "reset", &link, &user.display))
        p.no-print { a.button.primary href={ (visitor.at("admin/users/")) (user.id) } { (visitor.words.say("users-go-on")) } }
    };
    Ok(shell::administration(&visitor, "users", visitor.words.say("users-new-password"), main))
}

#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

pub(crate) async fn revoke(visitor: Visitor, Path((_, user)): Address, Form(given): Form<Which>) -> Answer {
    visitor.access().revoke(&visitor.caller, &user, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at(&format!("admin/users/{user}?done=session"))))
}
