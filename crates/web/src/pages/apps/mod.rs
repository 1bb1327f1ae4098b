//! The registry of apps (screen I-06): which are known here, what they may ask for, and those that wait to be let
//! in. A secret is shown once, when it is made.

pub(crate) mod new;

use crate::components::form::{act, act_on};
use crate::components::scopes::{self, Voice};
use crate::components::table::{moment, table};
use crate::components::{notice, shell};
use crate::locale::Words;
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
    let heads: [&str; 4] = [
        &visitor.words.say("apps-app"),
        &visitor.words.say("apps-kind"),
        &visitor.words.say("apps-address"),
        &visitor.words.say("apps-registered"),
    ];
    let main = html! {
        header.section-head {
            h1 { (visitor.words.say("apps-apps")) }
            a.button.primary href=(visitor.at("admin/apps/new")) { (visitor.words.say("apps-register-an-app")) }
            a.button href=(visitor.at("launcher")) { (visitor.words.say("apps-try-an-app")) }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        @if !waiting.is_empty() { (waiting_list(&visitor, &waiting)) }
        @if active.is_empty() { p.empty { (visitor.words.say("apps-no-app-is-registered")) } }
        @else { (table(visitor.words, &visitor.words.with("apps-in-use-count", &[("count", active.len().into())]), &heads, rows(&active))) }
        @if !disabled.is_empty() { (table(visitor.words, &visitor.words.with("apps-disabled-count", &[("count", disabled.len().into())]), &heads, rows(&disabled))) }
    };
    Ok(shell::administration(&visitor, "apps", visitor.words.say("apps-apps"), main))
}

fn waiting_list(visitor: &Visitor, waiting: &[&Client]) -> Markup {
    let rows = waiting.iter().map(|it| {
        vec![
            html! { a href={ (visitor.at("admin/apps/")) (it.id) } { (it.name) } p.note { (it.homepage.as_deref().unwrap_or_default()) } },
            scopes::list(visitor.words, &it.scopes, Voice::General),
            moment(it.made),
            html! {
                div.buttons {
                    (act_on(&visitor.at(&format!("admin/apps/{}/approve", it.id)), &[], &visitor.words.say("apps-approve"), Some(&it.name), Some("primary")))
                    (act_on(&visitor.at(&format!("admin/apps/{}/disable", it.id)), &[], &visitor.words.say("apps-turn-down"), Some(&it.name), None))
                }
            },
        ]
    });
    table(
        visitor.words,
        &visitor.words.with("apps-waiting-count", &[("count", waiting.len().into())]),
        &[&visitor.words.say("apps-app"), &visitor.words.say("apps-wants-to"), &visitor.words.say("apps-asked"), ""],
        rows.collect(),
    )
}

/// How it shows that it is itself, in words.
fn kind(words: &Words, client: &Client) -> String {
    words.say(match client.proof {
        Proof::Public => "apps-public-cannot-keep-a-secret",
        Proof::Secret { .. } => "apps-confidential-has-a-secret",
        Proof::Keys { .. } => "apps-confidential-signs-with-a-key",
    })
}

fn row(visitor: &Visitor, client: &Client) -> Vec<Markup> {
    let first = client.launch_uri.as_deref().or(client.redirect_uris.first().map(String::as_str));
    vec![
        html! { a href={ (visitor.at("admin/apps/")) (client.id) } { (client.name) } },
        html! { (kind(visitor.words, client)) },
        html! { @match first { Some(address) => { span.address { (address) } }, None => { span.quiet { (visitor.words.say("apps-acts-by-itself")) } } } },
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
                Standing::Waiting => { span.chip.notable { (visitor.words.say("apps-waiting-for-approval")) } }
                Standing::Active => { span.chip.good { (visitor.words.say("apps-in-use")) } }
                Standing::Disabled => { span.chip.notable { (visitor.words.say("apps-disabled")) } }
            }
            p { a href=(visitor.at("admin/apps")) { (visitor.words.say("apps-all-apps")) } }
        }
        (notice::done(visitor.words, asked.done.as_deref()))
        div.panels {
            (panel("asks", &visitor.words.say("apps-it-may-ask-to"), html! {}, scopes::list(visitor.words, &client.scopes, Voice::General)))
            (panel("is", &visitor.words.say("apps-what-it-is"), html! {}, details(visitor.words, &client)))
        }
        @match client.standing {
            Standing::Waiting => {
                div.buttons {
                    (act(&visitor.at(&format!("admin/apps/{id}/approve")), &[], &visitor.words.say("apps-approve"), Some("primary")))
                    (act(&visitor.at(&format!("admin/apps/{id}/disable")), &[], &visitor.words.say("apps-turn-down"), None))
                }
            }
            Standing::Active => {
                p.quiet { (visitor.words.say("apps-disabling-ends-everything-it-was")) }
                (act(&visitor.at(&format!("admin/apps/{id}/disable")), &[], &visitor.words.say("apps-disable-this-app"), Some("danger")))
            }
            Standing::Disabled => {
                (act(&visitor.at(&format!("admin/apps/{id}/approve")), &[], &visitor.words.say("apps-let-it-in-again"), None))
            }
        }
    };
    Ok(shell::administration(&visitor, "apps", &client.name, main))
}

fn details(words: &Words, client: &Client) -> Markup {
    html! {
        dl.handed {
            dt { (words.say("apps-client-id")) } dd { code { (client.id) } }
            dt { (words.say("apps-kind")) } dd { (kind(words, client)) }
            @if !client.redirect_uris.is_empty() { dt { (words.say("apps-redirect-addresses")) } @for it in &client.redirect_uris { dd { code { (it) } } } }
            @if let Some(launch) = &client.launch_uri { dt { (words.say("apps-launch-address")) } dd { code { (launch) } } }
            @if let Some(home) = &client.homepage { dt { (words.say("apps-home-page")) } dd { (home) } }
            @if !client.contacts.is_empty() { dt { (words.say("apps-contacts")) } dd { (client.contacts.join(", ")) } }
            dt { (words.say("apps-registered")) } dd { (moment(client.made)) " " (words.say("apps-by")) " " code { (client.by) } }
            dt { (words.say("apps-scopes-as-written")) } dd { code { (client.scopes) } }
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
