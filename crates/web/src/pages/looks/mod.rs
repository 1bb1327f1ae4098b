//! Who looked at my record: for patients, in plain words, by day. Everybody is named; what they saw is told by kind.

use crate::components::table::moment;
use crate::components::{shell, words};
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

const RANGES: [(&str, &str, i64); 4] =
    [("", "30 days", 30), ("90", "3 months", 92), ("365", "1 year", 366), ("all", "All", 40_000)];

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let Some(patient) = visitor.caller.patient.clone() else { return Err(Refusal::NotFound) };
    let days = RANGES.iter().find(|it| it.0 == asked.range).map_or(30, |it| it.2);
    let from = Some(visitor.now - days * 86_400_000_000);
    let found = oversight::looks(visitor.store(), &visitor.caller, &patient, from, None, visitor.now).await?;
    let shown: Vec<&Look> = found.rows.iter().filter(|it| asked.own.is_some() || !it.own).collect();
    let opened = of_patient(visitor.store(), &visitor.caller, &patient, visitor.now).await?;
    let address = visitor.at("portal/looks");
    let main = html! {
        h1 { "Who looked at your record" }
        p.lead { "Everyone who opens your record is written down, and nobody can erase it." }
        nav.ranges aria-label="How far back" {
            @for (key, words, _) in RANGES {
                a href={ (address) "?range=" (key) @if asked.own.is_some() { "&own=yes" } } aria-current=[(asked.range == key).then_some("true")] { (words) }
            }
        }
        @if asked.own.is_some() { p { a href={ (address) "?range=" (asked.range) } { "Hide when you looked yourself" } } }
        @else { p { a href={ (address) "?own=yes&range=" (asked.range) } { "Also show when you looked yourself" } } }
        (emergency::told(&opened))
        (days_of(&shown))
        @if found.more { p.quiet { "There is more than is shown here. Ask the practice for a full list." } }
        p.help { "Something you do not expect? Call the practice and ask for the privacy officer." }
    };
    Ok(shell::portal(&visitor, "portal/looks", "Who looked at your record", main))
}

fn days_of(looks: &[&Look]) -> Markup {
    let mut days: Vec<(&str, Vec<&Look>)> = Vec::new();
    for look in looks {
        match days.last_mut() {
            Some((day, list)) if *day == look.day => list.push(look),
            _ => days.push((&look.day, vec![look])),
        }
    }
    html! {
        @if days.is_empty() { p.empty { "Nobody looked at your record in this time." } }
        @for (day, looks) in &days {
            section.year aria-label=(day) {
                h2 { (day) }
                ul.lines { @for look in looks { (one(look)) } }
            }
        }
    }
}

fn one(look: &Look) -> Markup {
    let kinds = |names: &std::collections::BTreeSet<String>| {
        let words: Vec<String> = names.iter().map(|it| words::kind(words, it)).collect();
        listed(&words)
    };
    let time = |at: i64| When::of_micros(at).date_and_time().split(' ').nth(1).unwrap_or_default().to_owned();
    html! {
        li.line.tall {
            span.main {
                @if look.own { "You" } @else { (look.display) " " span.quiet { (words::role(words, &look.role)) } }
                @if let Some(client) = &look.client { " " span.chip { "through the app " (client) } }
                @if look.emergency { " " span.chip.critical { "Emergency access" } }
            }
            span.side {
                (time(look.first)) @if time(look.last) != time(look.first) { "–" (time(look.last)) }
            }
            span.under {
                @if !look.seen.is_empty() { "Looked at your " (kinds(&look.seen)) ". " }
                @if !look.changed.is_empty() { "Wrote in your " (kinds(&look.changed)) ". " }
                @if look.taken { "Printed or exported. " }
                @if look.emergency { "The privacy officer reviews this." }
                span.spoken { "Last at " (moment(look.last)) }
            }
        }
    }
}

/// `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
