//! Who looked at my record: for patients, in plain words, by day. Everybody is named; what they saw is told by kind.

use crate::components::table::moment;
use crate::components::{shell, words};
use crate::locale::Words;
use crate::pages::emergency;
use crate::request::{Answer, Refusal, Visitor};
use axum::extract::Query;
use care::access::emergency::of_patient;
use care::chart::When;
use care::oversight::{self, Look};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    range: String,
    own: Option<String>,
}

const RANGES: [(&str, &str, i64); 4] = [
    ("", "portal-30-days", 30),
    ("90", "portal-3-months", 92),
    ("365", "portal-1-year", 366),
    ("all", "portal-all", 40_000),
];

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let Some(patient) = visitor.caller.patient.clone() else { return Err(Refusal::NotFound) };
    let days = RANGES.iter().find(|it| it.0 == asked.range).map_or(30, |it| it.2);
    let from = Some(visitor.now - days * 86_400_000_000);
    let found = oversight::looks(visitor.store(), &visitor.caller, &patient, from, None, visitor.now).await?;
    let shown: Vec<&Look> = found.rows.iter().filter(|it| asked.own.is_some() || !it.own).collect();
    let opened = of_patient(visitor.store(), &visitor.caller, &patient, visitor.now).await?;
    let address = visitor.at("portal/looks");
    let main = html! {
        h1 { (visitor.words.say("portal-who-looked-at-your-record")) }
        p.lead { (visitor.words.say("portal-everyone-who-opens-your-record")) }
        nav.ranges aria-label=(visitor.words.say("portal-how-far-back")) {
            @for (key, name, _) in RANGES {
                a href={ (address) "?range=" (key) @if asked.own.is_some() { "&own=yes" } } aria-current=[(asked.range == key).then_some("true")] { (visitor.words.say(name)) }
            }
        }
        @if asked.own.is_some() { p { a href={ (address) "?range=" (asked.range) } { (visitor.words.say("portal-hide-when-you-looked-yourself")) } } }
        @else { p { a href={ (address) "?own=yes&range=" (asked.range) } { (visitor.words.say("portal-also-show-when-you-looked")) } } }
        (emergency::told(visitor.words, &opened))
        (days_of(visitor.words, &shown))
        @if found.more { p.quiet { (visitor.words.say("portal-there-is-more-than-is")) } }
        p.help { (visitor.words.say("portal-something-you-do-not-expect")) }
    };
    Ok(shell::portal(&visitor, "portal/looks", visitor.words.say("portal-who-looked-at-your-record"), main))
}

fn days_of(words: &Words, looks: &[&Look]) -> Markup {
    let mut days: Vec<(&str, Vec<&Look>)> = Vec::new();
    for look in looks {
        match days.last_mut() {
            Some((day, list)) if *day == look.day => list.push(look),
            _ => days.push((&look.day, vec![look])),
        }
    }
    html! {
        @if days.is_empty() { p.empty { (words.say("portal-nobody-looked-at-your-record")) } }
        @for (day, looks) in &days {
            section.year aria-label=(day) {
                h2 { (day) }
                ul.lines { @for look in looks { (one(words, look)) } }
            }
        }
    }
}

fn one(words: &Words, look: &Look) -> Markup {
    let kinds = |names: &std::collections::BTreeSet<String>| {
        let kinds: Vec<String> = names.iter().map(|it| words::kind(words, it)).collect();
        listed(words, &kinds)
    };
    let time = |at: i64| When::of_micros(at).date_and_time().split(' ').nth(1).unwrap_or_default().to_owned();
    html! {
        li.line.tall {
            span.main {
                @if look.own { (words.say("portal-you")) } @else { (look.display) " " span.quiet { (words::role(words, &look.role)) } }
                @if let Some(client) = &look.client { " " span.chip { (words.say("portal-through-the-app")) " " (client) } }
                @if look.emergency { " " span.chip.critical { (words.say("portal-emergency-access")) } }
            }
            span.side {
                (time(look.first)) @if time(look.last) != time(look.first) { "–" (time(look.last)) }
            }
            span.under {
                @if !look.seen.is_empty() { (words.say("portal-looked-at-your")) " " (kinds(&look.seen)) ". " }
                @if !look.changed.is_empty() { (words.say("portal-wrote-in-your")) " " (kinds(&look.changed)) ". " }
                @if look.taken { (words.say("portal-printed-or-exported")) " " }
                @if look.emergency { (words.say("portal-the-privacy-officer-reviews-this")) }
                span.spoken { (words.say("portal-last-at")) " " (moment(look.last)) }
            }
        }
    }
}

/// `a, b and c`.
fn listed(words: &Words, names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => {
            words.with("portal-joined", &[("first", first.join(", ").into()), ("last", last.as_str().into())])
        }
    }
}
