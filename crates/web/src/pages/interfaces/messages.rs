//! The message browser (I-02): which messages came over which channel, of which kind, and what became of them. Those that
//! are ticked are worked on again together.

use super::{cause, console, desk, direction, state, states};
use crate::components::form::choice;
use crate::components::notice;
use crate::components::table::{moment, table};
use crate::pages::audit::day;
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;
use store::{Heading, MessageQuery};

const PAGE: usize = 50;
const DAY: i64 = 86_400_000_000;

/// What the filters say; each part may be empty.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    channel: String,
    state: String,
    kind: String,
    cause: String,
    control: String,
    patient: String,
    /// `in`, `out`.
    way: String,
    from: String,
    to: String,
    /// The last one of the page before: its time and id.
    after: String,
    done: Option<String>,
    failed: Option<u64>,
}

impl Asked {
    fn query(&self) -> MessageQuery {
        let text = |it: &str| Some(it.trim().to_owned()).filter(|it| !it.is_empty());
        let before = self.after.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
        MessageQuery {
            channel: text(&self.channel),
            state: text(&self.state),
            kind: text(&self.kind),
            cause: text(&self.cause),
            control: text(&self.control),
            patient: text(&self.patient),
            from: day(&self.from),
            until: day(&self.to).map(|it| it + DAY),
            before,
            outgoing: match self.way.as_str() {
                "in" => Some(false),
                "out" => Some(true),
                _ => None,
            },
            ..MessageQuery::default()
        }
    }

    /// The filters as an address, without the page.
    fn address(&self) -> String {
        let pairs = [
            ("channel", &self.channel),
            ("state", &self.state),
            ("kind", &self.kind),
            ("cause", &self.cause),
            ("control", &self.control),
            ("patient", &self.patient),
            ("way", &self.way),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let given: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        serde_urlencoded::to_string(given).unwrap_or_default()
    }
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = visitor.words;
    let desk = desk(&visitor)?;
    let mut found = desk.list(&asked.query(), PAGE + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|it| format!("{}.{}", it.at, it.id));
    let heads =
        ["interfaces-received", "interfaces-kind", "interfaces-control", "interfaces-sender", "interfaces-became"];
    let heads: Vec<String> = heads.iter().map(|it| words.say(it)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = found.iter().map(|it| row(&visitor, it)).collect();
    let address = asked.address();
    let kinds = desk.kinds().await?;
    let channels: Vec<(String, String)> =
        desk.lines().iter().map(|it| (it.channel.name.clone(), it.channel.title.clone())).collect();
    let main = html! {
        (notice::done(words, asked.done.as_deref()))
        @if let Some(failed) = asked.failed.filter(|it| *it > 0) {
            p.notice.caution role="status" { (words.with("interfaces-still-failed", &[("count", failed.into())])) }
        }
        (filters(&visitor, &asked, &kinds, &channels))
        @if found.is_empty() { p.empty { (words.say("interfaces-no-messages")) } }
        @else {
            form.act.many method="post" action=(visitor.at("interfaces/replay")) {
                input type="hidden" name="back" value=(address);
                (table(words, &words.say("interfaces-newest-first"), &heads, rows))
                button type="submit" { (words.say("interfaces-replay-ticked")) }
            }
        }
        nav.pager aria-label=(words.say("interfaces-pages")) {
            @if !asked.after.is_empty() { a href={ (visitor.at("interfaces/messages?")) (address) } { (words.say("interfaces-newest")) } }
            @if let Some(next) = next { a href={ (visitor.at("interfaces/messages?")) (address) "&after=" (next) } { (words.say("interfaces-earlier")) } }
        }
    };
    Ok(console(&visitor, "messages", &words.say("interfaces-messages"), main))
}

fn row(visitor: &Visitor, it: &Heading) -> Vec<Markup> {
    let words = visitor.words;
    vec![
        html! {
            label.tick {
                input type="checkbox" name="id" value=(it.id);
                span.spoken { (words.with("interfaces-tick", &[("control", it.control.clone().into())])) }
            }
            a href={ (visitor.at("interfaces/messages/")) (it.id) } { (moment(it.at)) }
        },
        html! { (direction(words, it.outgoing)) @if it.kind.is_empty() { span.quiet { "–" } } @else { code { (it.kind) } } },
        html! { @if it.control.is_empty() { span.quiet { "–" } } @else { code { (it.control) } } },
        html! { @if !it.sender.is_empty() { (it.sender) } p.note { (it.channel) } },
        html! {
            (state(words, &it.state))
            @if let Some(why) = &it.cause { p.note { (cause(words, why)) } }
        },
    ]
}

fn filters(visitor: &Visitor, asked: &Asked, kinds: &[String], channels: &[(String, String)]) -> Markup {
    let words = visitor.words;
    let any = words.say("interfaces-any");
    let states = states(words);
    let with_any = |options: Vec<(&str, &str)>| -> Vec<(String, String)> {
        let all = std::iter::once(("", any.as_str())).chain(options);
        all.map(|(value, words)| (value.to_owned(), words.to_owned())).collect()
    };
    let channels = with_any(channels.iter().map(|(name, title)| (name.as_str(), title.as_str())).collect());
    let states = with_any(states.iter().map(|(state, words)| (*state, words.as_str())).collect());
    let kinds = with_any(kinds.iter().filter(|it| !it.is_empty()).map(|it| (it.as_str(), it.as_str())).collect());
    let [came, went] = ["interfaces-in", "interfaces-out"].map(|it| words.say(it));
    let ways = with_any(vec![("in", came.as_str()), ("out", went.as_str())]);
    let chooser = |id: &str, label: &str, options: &[(String, String)], chosen: &str| {
        let options: Vec<(&str, &str)> =
            options.iter().map(|(value, words)| (value.as_str(), words.as_str())).collect();
        choice(id, &words.say(label), &options, chosen)
    };
    html! {
        form.filters role="search" action=(visitor.at("interfaces/messages")) {
            (chooser("way", "interfaces-way", &ways, &asked.way))
            (chooser("channel", "interfaces-channel", &channels, &asked.channel))
            (chooser("state", "interfaces-became", &states, &asked.state))
            (chooser("kind", "interfaces-kind", &kinds, &asked.kind))
            div.field { label for="control" { (words.say("interfaces-control")) } input #control name="control" value=(asked.control) autocomplete="off" spellcheck="false" size="14"; }
            div.field { label for="from" { (words.say("interfaces-from")) } input #from type="date" name="from" value=(asked.from); }
            div.field { label for="to" { (words.say("interfaces-to")) } input #to type="date" name="to" value=(asked.to); }
            @if !asked.cause.is_empty() { input type="hidden" name="cause" value=(asked.cause); }
            @if !asked.patient.is_empty() { input type="hidden" name="patient" value=(asked.patient); }
            button type="submit" { (words.say("interfaces-show")) }
            @if !asked.address().is_empty() { a href=(visitor.at("interfaces/messages")) { (words.say("interfaces-clear")) } }
        }
    }
}

/// Works on those that are ticked again.
pub(crate) async fn replay(visitor: Visitor, Form(fields): Form<Vec<(String, String)>>) -> Answer {
    let ids: Vec<String> = fields.iter().filter(|(name, _)| name == "id").map(|(_, id)| id.clone()).collect();
    let redone = desk(&visitor)?.replay(&ids).await?;
    let back = fields.iter().find(|(name, _)| name == "back").map_or("", |(_, back)| back.as_str());
    // The address is made anew from its parts: nobody is led elsewhere.
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(back).unwrap_or_default();
    pairs.retain(|(name, _)| name != "done" && name != "failed" && name != "after");
    pairs.push(("done".into(), "changed".into()));
    pairs.push(("failed".into(), redone.failed.to_string()));
    let address = serde_urlencoded::to_string(pairs).unwrap_or_default();
    Ok(see_other(&visitor.at(&format!("interfaces/messages?{address}"))))
}
