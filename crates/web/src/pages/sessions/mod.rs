//! Who is signed in where, for those who watch over it (screen S-01), and ending a session of anybody.

use crate::components::form::act_on;
use crate::components::table::{device, lapse, moment_ago, table};
use crate::components::{notice, shell, words};
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use maud::html;
use serde::Deserialize;

const PAGE: usize = 50;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    after: Option<String>,
    done: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Which {
    user: String,
    id: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let after = asked.after.as_deref().filter(|it| !it.is_empty());
    let sessions = visitor.access().all_sessions(&visitor.caller, after, PAGE, visitor.now).await?;
    let rows = sessions.iter().map(|it| {
        let own = it.id == visitor.session.id;
        vec![
            html! {
                @if visitor.may("users.manage") { a href={ (visitor.at("admin/users/")) (it.user) } { (it.display) } }
                @else { (it.display) }
                @if own { " " span.chip.good { (visitor.words.say("users-you")) } }
            },
            html! { (words::role(visitor.words, &it.role)) },
            html! { (device(visitor.words, &it.agent)) },
            html! { @if it.address.is_empty() { span.quiet { (visitor.words.say("common-unknown")) } } @else { (it.address) } },
            html! { (lapse(visitor.words, visitor.now - it.last_used)) },
            moment_ago(visitor.words, it.signed_in, visitor.now),
            html! { @if !own { (act_on(&visitor.at("admin/sessions/revoke"), &[("user", &it.user), ("id", &it.id)], &visitor.words.say("users-sign-out"), Some(&it.display), None)) } },
        ]
    });
    let main = html! {
        header.section-head { h1 { (visitor.words.say("users-sessions")) } p.quiet { (visitor.words.say("users-who-is-signed-in-now")) } }
        (notice::done(visitor.words, asked.done.as_deref()))
        (table(visitor.words, &visitor.words.say("users-open-sessions"), &[&visitor.words.say("users-who"), &visitor.words.say("users-role"), &visitor.words.say("users-device"), &visitor.words.say("users-address"), &visitor.words.say("users-last-used"), &visitor.words.say("users-signed-in"), ""], rows.collect()))
        @if sessions.len() == PAGE && let Some(last) = sessions.last() {
            p.pager { a href={ (visitor.at("admin/sessions?after=")) (last.id) } { (visitor.words.say("users-more")) } }
        }
    };
    Ok(shell::administration(&visitor, "sessions", visitor.words.say("users-sessions"), main))
}

pub(crate) async fn revoke(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    visitor.access().revoke(&visitor.caller, &given.user, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at("admin/sessions?done=session")))
}
