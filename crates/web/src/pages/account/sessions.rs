//! Where one is signed in: device, place and last use, and the way to end any of it.

use crate::components::form::{act, act_on};
use crate::components::table::{device, lapse, moment_ago, table};
use crate::request::{Answer, Visitor};
use axum::Form;
use care::access::SessionInfo;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

pub(crate) fn panel(visitor: &Visitor, sessions: &[SessionInfo]) -> Markup {
    let rows = sessions.iter().map(|it| {
        let own = it.id == visitor.session.id;
        let device = device(visitor.words, &it.agent);
        vec![
            html! { (device) @if own { " " span.chip.good { (visitor.words.say("account-this-one")) } } },
            html! { @if it.address.is_empty() { span.quiet { (visitor.words.say("common-unknown")) } } @else { (it.address) } },
            html! { (lapse(visitor.words, visitor.now - it.last_used)) },
            moment_ago(visitor.words, it.signed_in, visitor.now),
            html! { @if !own { (act_on(&visitor.at("account/sessions/revoke"), &[("id", &it.id)], &visitor.words.say("account-sign-out"), Some(&device), None)) } },
        ]
    });
    html! {
        (table(visitor.words, &crate::components::counted(visitor.words, "account-where", sessions.len()),
            &[&visitor.words.say("account-device"), &visitor.words.say("account-address"), &visitor.words.say("account-last-used-2"), &visitor.words.say("account-signed-in"), ""], rows.collect()))
        @if sessions.len() > 1 {
            (act(&visitor.at("account/sessions/others"), &[], &visitor.words.say("account-sign-out-everywhere-else"), None))
        }
    }
}

pub(crate) async fn revoke(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    visitor.access().revoke(&visitor.caller, &visitor.session.user, &given.id, visitor.now).await?;
    super::back(&visitor, "session")
}

pub(crate) async fn others(visitor: Visitor) -> Answer {
    let (user, own) = (&visitor.session.user, &visitor.session.id);
    visitor.access().revoke_all(&visitor.caller, user, Some(own), visitor.now).await?;
    super::back(&visitor, "sessions")
}
