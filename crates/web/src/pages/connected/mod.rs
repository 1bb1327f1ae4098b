//! The apps that a patient let into their record (screen P-11), and taking it back.

use crate::components::form::act_on;
use crate::components::scopes::{self, Voice};
use crate::components::table::{moment, moment_ago};
use crate::components::{notice, shell};
use crate::request::{Answer, Refusal, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use care::access::tokens::Grant;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Done>) -> Answer {
    let grants = visitor.organisation.apps().grants_of(&visitor.caller.who, visitor.now).await?;
    let main = html! {
        h1 { "Connected apps" }
        (notice::done(visitor.words, asked.done.as_deref()))
        p.lead { "Apps that you allowed to see or change something in your record." }
        @if grants.is_empty() { p.empty { "No app is connected. When an app asks for your record, you decide on our page what it gets." } }
        @else { div.panels { @for grant in &grants { (one(&visitor, grant)) } } }
        p.help { "Taking access back works at once. What an app has already copied stays with the app; ask its maker to delete it." }
    };
    Ok(shell::portal(&visitor, "portal/apps", "Connected apps", main))
}

fn one(visitor: &Visitor, grant: &Grant) -> Markup {
    let heading = format!("app-{}", grant.id);
    html! {
        section.panel-card aria-labelledby=(heading) {
            header { h2 id=(heading) { (grant.client_name) } span.count { "since " (moment(grant.made)) } }
            p { "It may:" }
            (scopes::list(&grant.scopes, Voice::Own))
            p.quiet { "Last used " (moment_ago(visitor.words, grant.used, visitor.now)) }
            (act_on(&visitor.at("portal/apps/revoke"), &[("id", &grant.id)], "Take access back", Some(&grant.client_name), Some("danger")))
        }
    }
}

pub(crate) async fn revoke(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    // Only one's own: any other id is as unknown as one that never was.
    let own = visitor.organisation.apps().grants_of(&visitor.caller.who, visitor.now).await?;
    if !own.iter().any(|it| it.id == given.id) {
        return Err(Refusal::NotFound);
    }
    visitor.organisation.apps().revoke_grant(&visitor.caller, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at("portal/apps?done=app-revoked")))
}
