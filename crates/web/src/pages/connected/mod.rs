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
        h1 { (visitor.words.say("portal-connected-apps")) }
        (notice::done(visitor.words, asked.done.as_deref()))
        p.lead { (visitor.words.say("portal-apps-that-you-allowed-to")) }
        @if grants.is_empty() { p.empty { (visitor.words.say("portal-no-app-is-connected-when")) } }
        @else { div.panels { @for grant in &grants { (one(&visitor, grant)) } } }
        p.help { (visitor.words.say("portal-taking-access-back-works-at")) }
    };
    Ok(shell::portal(&visitor, "portal/apps", visitor.words.say("portal-connected-apps"), main))
}

fn one(visitor: &Visitor, grant: &Grant) -> Markup {
    let heading = format!("app-{}", grant.id);
    html! {
        section.panel-card aria-labelledby=(heading) {
            header { h2 id=(heading) { (grant.client_name) } span.count { (visitor.words.say("portal-since")) " " (moment(grant.made)) } }
            p { (visitor.words.say("portal-it-may")) }
            (scopes::list(visitor.words, &grant.scopes, Voice::Own))
            p.quiet { (visitor.words.say("portal-last-used")) " " (moment_ago(visitor.words, grant.used, visitor.now)) }
            (act_on(&visitor.at("portal/apps/revoke"), &[("id", &grant.id)], &visitor.words.say("portal-take-access-back"), Some(&grant.client_name), Some("danger")))
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
