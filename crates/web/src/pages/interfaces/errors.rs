//! What is wrong (I-03): messages that failed, grouped by their cause, the most frequent first. What was mended is worked
//! on again for all of a cause at once.

use super::{cause, console, desk};
use crate::components::form::act_on;
use crate::components::notice;
use crate::components::table::{moment, table};
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use care::exchange::intake::FAILED;
use care::exchange::log::Cause;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Said {
    done: Option<String>,
    failed: Option<u64>,
}

pub(crate) async fn page(visitor: Visitor, Query(said): Query<Said>) -> Answer {
    let words = visitor.words;
    let causes = desk(&visitor)?.causes().await?;
    let heads =
        ["interfaces-cause", "interfaces-how-many", "interfaces-channel", "interfaces-first", "interfaces-last"];
    let heads: Vec<String> = heads.iter().map(|it| words.say(it)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).chain([""]).collect();
    let rows = causes.iter().map(|it| row(&visitor, it)).collect();
    let main = html! {
        (notice::done(words, said.done.as_deref()))
        @if let Some(failed) = said.failed.filter(|it| *it > 0) {
            p.notice.caution role="status" { (words.with("interfaces-still-failed", &[("count", failed.into())])) }
        }
        @if causes.is_empty() { p.empty { (words.say("interfaces-no-errors")) } }
        @else { (table(words, &words.say("interfaces-by-cause"), &heads, rows)) }
    };
    Ok(console(&visitor, "errors", &words.say("interfaces-errors"), main))
}

fn row(visitor: &Visitor, it: &Cause) -> Vec<Markup> {
    let words = visitor.words;
    let why = it.cause.as_deref().unwrap_or_default();
    let filter = [("channel", it.channel.as_str()), ("state", &it.state), ("cause", why)];
    let address = serde_urlencoded::to_string(filter).unwrap_or_default();
    let name = cause(words, why);
    vec![
        html! { a href={ (visitor.at("interfaces/messages?")) (address) } { (name) } },
        html! { (it.count) },
        html! { (it.channel) },
        moment(it.first),
        moment(it.last),
        html! { @if it.state == FAILED {
            (act_on(&visitor.at("interfaces/errors/replay"), &[("channel", &it.channel), ("cause", why)], &words.say("interfaces-replay-all"), Some(&name), None))
        } },
    ]
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    channel: String,
    cause: String,
}

pub(crate) async fn replay(visitor: Visitor, Form(asked): Form<Asked>) -> Answer {
    let redone = desk(&visitor)?.replay_cause(&asked.channel, &asked.cause).await?;
    Ok(see_other(&visitor.at(&format!("interfaces/errors?done=changed&failed={}", redone.failed))))
}
