//! The registry of apps (screen I-06): which are known here, what they may ask for, and those that wait to be let
//! in. A secret is shown once, when it is made.

pub(crate) mod new;

use crate::components::form::{act, act_on};
use crate::components::scopes::{self, Voice};
use crate::components::table::{moment, table};
use crate::components::{notice, shell};
use crate::pages::account::panel;
use crate::request::{Answer, Refusal, Visitor, see_other};
use axum::extract::{Path, Query};
use care::access::clients::{Client, Proof, Standing};
use maud::{Markup, html};
use serde::Deserialize;

type Address = Path<(String, String)>;

#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Done>) -> Answer {
    let all = visitor.organisation.apps().clients(&visitor.caller, visitor.now).await?;
    let of = |standing: Standing| all.iter().filter(move |it| it.standing == standing).collect::<Vec<_>>();
    let (waiting, active, disabled) = (of(Standing::Waiting), of(Standing::Active), of(Standing::Disabled));
    let rows = |list: &[&Client]| list.iter().map(|it| row(&visitor, it)).collect::<Vec<_>>();
    let heads = ["App", "Kind", "Address", "Registered"];
    let main = html! {
        header.section-head {
            h1 { "Apps" }
            a.button.primary href=(visitor.at("admin/apps/new")) { "Register an app" }
            a.button href=(visitor.at("launcher")) { "Try an app" }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        @if !waiting.is_empty() { (waiting_list(&visitor, &waiting)) }
        @if active.is_empty() { p.empty { "No app is registered." } }
        @else { (table(visitor.words, &format!("In use ({})", active.len()), &heads, rows(&active))) }
        @if !disabled.is_empty() { (table(visitor.words, &format!("Disabled ({})", disabled.len()), &heads, rows(&disabled))) }
    };
    Ok(shell::administration(&visitor, "apps", "Apps", main))
}

fn waiting_list(visitor: &Visitor, waiting: &[&Client]) -> Markup {
    let rows = waiting.iter().map(|it| {
        vec![
            html! { a href={ (visitor.at("admin/apps/")) (it.id) } { (it.name) } p.note { (it.homepage.as_deref().unwrap_or_default()) } },
            scopes::list(&it.scopes, Voice::General),
            moment(it.made),
            html! {
                div.buttons {
                    (act_on(&visitor.at(&format!("admin/apps/{}/approve", it.id)), &[], "Approve", Some(&it.name), Some("primary")))
                    (act_on(&visitor.at(&format!("admin/apps/{}/disable", it.id)), &[], "Turn down", Some(&it.name), None))
                }
            },
        ]
    });
    table(visitor.words, &format!("Waiting for approval ({})", waiting.len()), &["App", "Wants to", "Asked", ""], rows.collect())
}

/// How it shows that it is itself, in words.
fn kind(client: &Client) -> &'static str {
    match client.proof {
        Proof::Public => "Public: cannot keep a secret",
        Proof::Secret { .. } => "Confidential: has a secret",
        Proof::Keys { .. } => "Confidential: signs with a key",
    }
}

fn row(visitor: &Visitor, client: &Client) -> Vec<Markup> {
    let first = client.launch_uri.as_deref().or(client.redirect_uris.first().map(String::as_str));
    vec![
        html! { a href={ (visitor.at("admin/apps/")) (client.id) } { (client.name) } },
        html! { (kind(client)) },
        html! { @match first { Some(address) => { span.address { (address) } }, None => { span.quiet { "acts by itself" } } } },
        moment(client.made),
    ]
}

async fn find(visitor: &Visitor, id: &str) -> Result<Client, Refusal> {
    let all = visitor.organisation.apps().clients(&visitor.caller, visitor.now).await?;
    all.into_iter().find(|it| it.id == id).ok_or(Refusal::NotFound)
}

pub(crate) async fn one(visitor: Visitor, Path((_, id)): Address, Query(asked): Query<Done>) -> Answer {
    let client = find(&visitor, &id).await?;
    let main = html! {
        header.section-head {
            h1 { (client.name) }
            @match client.standing {
                Standing::Waiting => { span.chip.notable { "Waiting for approval" } }
                Standing::Active => { span.chip.good { "In use" } }
                Standing::Disabled => { span.chip.notable { "Disabled" } }
            }
            p { a href=(visitor.at("admin/apps")) { "All apps" } }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        div.panels {
            (panel("asks", "It may ask to", html! {}, scopes::list(&client.scopes, Voice::General)))
            (panel("is", "What it is", html! {}, details(&client)))
        }
        @match client.standing {
            Standing::Waiting => {
                div.buttons {
                    (act(&visitor.at(&format!("admin/apps/{id}/approve")), &[], "Approve", Some("primary")))
                    (act(&visitor.at(&format!("admin/apps/{id}/disable")), &[], "Turn down", None))
                }
            }
            Standing::Active => {
                p.quiet { "Disabling ends everything it was given, at once." }
                (act(&visitor.at(&format!("admin/apps/{id}/disable")), &[], "Disable this app", Some("danger")))
            }
            Standing::Disabled => {
                (act(&visitor.at(&format!("admin/apps/{id}/approve")), &[], "Let it in again", None))
            }
        }
    };
    Ok(shell::administration(&visitor, "apps", &client.name, main))
}

fn details(client: &Client) -> Markup {
    html! {
        dl.handed {
            dt { "Client id" } dd { code { (client.id) } }
            dt { "Kind" } dd { (kind(client)) }
            @if !client.redirect_uris.is_empty() { dt { "Redirect addresses" } @for it in &client.redirect_uris { dd { code { (it) } } } }
            @if let Some(launch) = &client.launch_uri { dt { "Launch address" } dd { code { (launch) } } }
            @if let Some(home) = &client.homepage { dt { "Home page" } dd { (home) } }
            @if !client.contacts.is_empty() { dt { "Contacts" } dd { (client.contacts.join(", ")) } }
            dt { "Registered" } dd { (moment(client.made)) " by " code { (client.by) } }
            dt { "Scopes as written" } dd { code { (client.scopes) } }
        }
    }
}

pub(crate) async fn approve(visitor: Visitor, Path((_, id)): Address) -> Answer {
    find(&visitor, &id).await?;
    visitor.organisation.apps().approve(&visitor.caller, &id, visitor.now).await?;
    Ok(see_other(&visitor.at(&format!("admin/apps/{id}?done=app-approved"))))
}

pub(crate) async fn disable(visitor: Visitor, Path((_, id)): Address) -> Answer {
    let client = find(&visitor, &id).await?;
    visitor.organisation.apps().disable(&visitor.caller, &id, visitor.now).await?;
    Ok(see_other(&match client.standing {
        Standing::Waiting => visitor.at("admin/apps?done=app-rejected"),
        Standing::Active | Standing::Disabled => visitor.at(&format!("admin/apps/{id}?done=app-disabled")),
    }))
}
