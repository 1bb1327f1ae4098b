//! The console of interfaces (screens I-01 to I-05): channels and how they go, messages, what is wrong with those that
//! failed, and a bench to try a message on. For whoever looks after interfaces; whom a message is about is shown to those
//! alone who may know.

pub(crate) mod bench;
pub(crate) mod errors;
pub(crate) mod live;
pub(crate) mod message;
pub(crate) mod messages;

use crate::components::form::act_on;
use crate::components::icon::icon;
use crate::components::live::source_at;
use crate::components::notice;
use crate::components::shell::{self, Needs};
use crate::components::table::{moment_ago, table};
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::Response;
use care::exchange::channel::{Format, MINUTES, Wish};
use care::exchange::intake;
use care::exchange::log::{Desk, DeskError, Overview};
use care::exchange::outbox;
use maud::{Markup, html};
use serde::Deserialize;

/// The section of the navigation.
pub(super) const SECTION: &str = "interfaces/";
const NEEDS: Needs = Needs::of(&["interfaces.css"], &[]);

/// Pages of the console: (end of the address, name).
const TABS: [(&str, &str); 4] = [
    ("", "interfaces-channels"),
    ("messages", "interfaces-messages"),
    ("errors", "interfaces-errors"),
    ("bench", "interfaces-bench"),
];

/// States of a message, in words, and how they are marked.
const STATES: [(&str, &str, &str); 8] = [
    (intake::DONE, "interfaces-state-done", "good"),
    (intake::FAILED, "interfaces-state-failed", "critical"),
    (intake::HELD, "interfaces-state-held", "notable"),
    (intake::REPLACED, "interfaces-state-replaced", "quiet"),
    (intake::SKIPPED, "interfaces-state-skipped", "quiet"),
    (intake::IGNORED, "interfaces-state-ignored", "quiet"),
    (outbox::WAITING, "interfaces-state-waiting", "notable"),
    (outbox::SENT, "interfaces-state-sent", "good"),
];

/// Causes in words.
const CAUSES: [(&str, &str); 19] = [
    ("unreadable", "interfaces-cause-unreadable"),
    ("no-kind", "interfaces-cause-no-kind"),
    ("version", "interfaces-cause-version"),
    ("no-patient", "interfaces-cause-no-patient"),
    ("nothing-mapped", "interfaces-cause-nothing-mapped"),
    ("control-id-reused", "interfaces-cause-control-id-reused"),
    ("busy", "interfaces-cause-busy"),
    ("internal", "interfaces-cause-internal"),
    ("no-such-order", "interfaces-cause-no-such-order"),
    ("no-such-message", "interfaces-cause-no-such-message"),
    ("other-patient", "interfaces-cause-other-patient"),
    ("no-outcome", "interfaces-cause-no-outcome"),
    ("not-for-us", "interfaces-cause-not-for-us"),
    ("no-number", "interfaces-cause-no-number"),
    ("no-medication", "interfaces-cause-no-medication"),
    ("ambiguous", "interfaces-cause-ambiguous"),
    ("unknown-transaction", "interfaces-cause-unknown-transaction"),
    ("several-transactions", "interfaces-cause-several-transactions"),
    ("", "interfaces-cause-unknown"),
];

const WISHES: [(Wish, &str); 3] =
    [(Wish::Run, "interfaces-run"), (Wish::Pause, "interfaces-pause"), (Wish::Stop, "interfaces-stop")];

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Refusal {
        match error {
            DeskError::Unknown => Refusal::NotFound,
            DeskError::Store(error) => Refusal::from(error),
            DeskError::NoPlace(_) => Refusal::Cannot("interfaces-no-place"),
            DeskError::NoChange => Refusal::Cannot("interfaces-no-change"),
            DeskError::NoReason => Refusal::Cannot("interfaces-no-reason"),
            DeskError::Unreadable => Refusal::Cannot("interfaces-unreadable"),
        }
    }
}

pub(super) fn desk(visitor: &Visitor) -> Result<Desk<'_>, Refusal> {
    Ok(Desk::of(&visitor.organisation, &visitor.caller, visitor.now)?)
}

/// A page of the console under its heading.
pub(super) fn console(visitor: &Visitor, tab: &str, title: &str, main: Markup) -> Response {
    let words = visitor.words;
    let all = html! {
        header.section-head { h1 { (words.say("interfaces-title")) } }
        nav.tabs aria-label=(words.say("interfaces-title")) {
            ul { @for (end, name) in TABS {
                li { a href={ (visitor.at("interfaces/")) (end) } aria-current=[(end == tab).then_some("page")] { (words.say(name)) } }
            } }
        }
        (main)
    };
    shell::administration(visitor, SECTION, (title.to_owned(), NEEDS), all)
}

pub(super) fn state(words: &Words, state: &str) -> Markup {
    let (key, class) = STATES.iter().find(|it| it.0 == state).map_or(("interfaces-state-done", ""), |it| (it.1, it.2));
    html! { span class={ "chip " (class) } { (words.say(key)) } }
}

pub(super) fn states(words: &Words) -> Vec<(&'static str, String)> {
    STATES.iter().map(|(state, key, _)| (*state, words.say(key))).collect()
}

/// Why messages fail, in words; what no words know is told as it is.
pub(super) fn cause(words: &Words, cause: &str) -> String {
    if let Some(element) = cause.strip_prefix("invalid:") {
        let element = if element.is_empty() { "–" } else { element };
        return words.with("interfaces-cause-invalid", &[("element", element.to_owned().into())]);
    }
    if let Some(code) = cause.strip_prefix("refused:") {
        return words.with("interfaces-cause-refused", &[("code", code.to_owned().into())]);
    }
    CAUSES.iter().find(|it| it.0 == cause).map_or_else(|| cause.to_owned(), |(_, key)| words.say(key))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Said {
    done: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Query(said): Query<Said>) -> Answer {
    let words = visitor.words;
    let desk = desk(&visitor)?;
    let channels = desk.overview().await?;
    let causes = desk.causes().await?;
    let heads = ["interfaces-channel", "interfaces-standing", "interfaces-hour", "interfaces-total", "interfaces-last"];
    let heads: Vec<String> = heads.iter().map(|it| words.say(it)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).chain([""]).collect();
    let rows: Vec<Vec<Markup>> = channels.iter().map(|it| row(&visitor, it)).collect();
    let failed: u64 = causes.iter().filter(|it| it.state == intake::FAILED).map(|it| it.count).sum();
    let main = html! {
        (notice::done(words, said.done.as_deref()))
        @if failed > 0 {
            p.notice.caution {
                (crate::components::icon::icon("alert"))
                span { (words.with("interfaces-failed-count", &[("count", failed.into())])) " " a href=(visitor.at("interfaces/errors")) { (words.say("interfaces-see-errors")) } }
            }
        }
        @if rows.is_empty() { p.empty { (words.say("interfaces-no-channels")) } }
        @else {
            div #channels data-live="Message" { (table(words, &words.with("interfaces-channels-count", &[("count", rows.len().into())]), &heads, rows)) }
        }
        (source_at(&visitor, &visitor.at("interfaces/live")))
    };
    Ok(console(&visitor, "", &words.say("interfaces-title"), main))
}

fn row(visitor: &Visitor, it: &Overview) -> Vec<Markup> {
    let words = visitor.words;
    let channel = &it.line.channel;
    let of = |states: &[&str]| states.iter().filter_map(|state| it.counts.get(*state)).sum::<u64>();
    let errors = of(&[intake::FAILED]);
    let waiting = of(&[intake::HELD]);
    let all: u64 = it.counts.values().sum();
    let rate = it.status.rate(visitor.now);
    vec![
        html! {
            (direction(words, channel.partner.is_some()))
            a href={ (visitor.at("interfaces/messages?channel=")) (channel.name) } { (channel.title) }
            (place(words, it))
        },
        html! {
            (standing(words, it))
            @if it.silent { " " span.chip.notable { (words.say("interfaces-silent")) } }
            @if it.errs { " " span.chip.critical { (words.with("interfaces-many-errors", &[("count", it.status.recent_errors().into())])) } }
            @if it.reused > 0 {
                " " a.chip.notable href={ (visitor.at("interfaces/messages?cause=")) (intake::REUSED) "&channel=" (channel.name) } {
                    (words.with("interfaces-reused-count", &[("count", it.reused.into())]))
                }
            }
            @if waiting > 0 { p.note { (words.with("interfaces-waiting", &[("count", waiting.into())])) } }
            @if channel.partner.is_some() { (queue(visitor, it)) }
            @else if it.status.listening.is_some() { p.note { (words.with("interfaces-connections", &[("count", it.status.connections.into())])) } }
        },
        bars(words, &rate),
        html! {
            (all)
            @if errors > 0 { " " a.chip.critical href={ (visitor.at("interfaces/errors")) } { (words.with("interfaces-errors-count", &[("count", errors.into())])) } }
        },
        html! { @match it.last { Some(at) => { (moment_ago(words, at, visitor.now)) } None => { span.quiet { (words.say("interfaces-never")) } } } },
        html! {
            div.buttons {
                @for (wish, key) in WISHES.into_iter().filter(|(wish, _)| *wish != it.wish) {
                    (act_on(&visitor.at(&format!("interfaces/channels/{}/wish", channel.name)), &[("wish", wish.code())], &words.say(key), Some(&channel.title), None))
                }
                @if channel.partner.is_some() {
                    (act_on(&visitor.at(&format!("interfaces/channels/{}/test", channel.name)), &[], &words.say("interfaces-test"), Some(&channel.title), None))
                } @else { a.button href={ (visitor.at("interfaces/bench?channel=")) (channel.name) } { (words.say("interfaces-test")) span.spoken { " " (channel.title) } } }
            }
        },
    ]
}

/// Whether messages come in over a channel or go out: an arrow, and the word for those who do not see it.
pub(super) fn direction(words: &Words, outgoing: bool) -> Markup {
    let (name, key) = if outgoing { ("out", "interfaces-out") } else { ("in", "interfaces-in") };
    html! { span.direction title=(words.say(key)) { (icon(name)) span.spoken { (words.say(key)) " " } } }
}

/// Where messages come from or go to, and which go.
fn place(words: &Words, it: &Overview) -> Markup {
    let (channel, status) = (&it.line.channel, &it.status);
    html! {
        p.note {
            @if let Some(partner) = &channel.partner {
                code { (partner.address) } br;
                (partner.events.join(", "))
            } @else if let Some(at) = status.listening { code { (at) } }
            @else if channel.is_posted_to() { code { "hl7/" (channel.name) } }
            @else if matches!(&channel.format, Format::Script(wire) if wire.simulated) { (words.say("interfaces-simulated")) }
            @else if status.open { (words.say("interfaces-folder")) }
            @else { (words.say("interfaces-not-listening")) }
            @if matches!(channel.format, Format::Script(_)) { " · NCPDP SCRIPT" }
            @match status.secured { Some(true) => { " · " (words.say("interfaces-mutual")) } Some(false) => { " · TLS" } None => {} }
        }
    }
}

/// What waits to be sent, since when, and why.
fn queue(visitor: &Visitor, it: &Overview) -> Markup {
    let words = visitor.words;
    html! {
        @if it.depth.waiting > 0 {
            p.note {
                a href={ (visitor.at("interfaces/messages?state=waiting&channel=")) (it.line.channel.name) } { (words.with("interfaces-waiting", &[("count", it.depth.waiting.into())])) }
                @if let Some(oldest) = it.depth.oldest { ", " (words.say("interfaces-oldest")) " " (moment_ago(words, oldest, visitor.now)) }
            }
        } @else { p.note { (words.say("interfaces-nothing-waits")) } }
        @if let Some(trouble) = &it.status.trouble { p.note { (trouble) } }
        @else if let Some((at, true)) = it.status.tested { p.note { (words.say("interfaces-reached")) " " (moment_ago(words, at, visitor.now)) } }
    }
}

fn standing(words: &Words, it: &Overview) -> Markup {
    let out = it.line.channel.partner.is_some();
    let open = it.status.listening.is_some() || it.status.open;
    let (class, key) = match (it.wish, &it.status.trouble, open) {
        (Wish::Stop, ..) => ("quiet", "interfaces-stopped"),
        (_, Some(_), _) if out => ("critical", "interfaces-unreached"),
        (_, Some(_), _) => ("critical", "interfaces-troubled"),
        (Wish::Pause, ..) => ("notable", "interfaces-paused"),
        (Wish::Run, _, true) => ("good", "interfaces-running"),
        // A line that sends is opened when there is something to send.
        (Wish::Run, _, false) if out => ("good", "interfaces-ready"),
        (Wish::Run, _, false) => ("notable", "interfaces-starting"),
    };
    html! { span class={ "chip " (class) } { (words.say(key)) } }
}

/// Messages of each of the last sixty minutes, as bars; the words say what they add up to.
fn bars(words: &Words, rate: &[u32]) -> Markup {
    let most = rate.iter().copied().max().unwrap_or(0).max(1);
    let sum: u32 = rate.iter().sum();
    let label = words.with("interfaces-hour-count", &[("count", sum.into())]);
    html! {
        svg.bars viewBox={ "0 0 " (MINUTES * 2) " 22" } width=(MINUTES * 2) height="22" role="img" aria-label=(label) {
            @for (at, count) in rate.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let height = (f64::from(*count) / f64::from(most) * 20.0).max(1.5).round();
                rect x=(at * 2) y=(22.0 - height) width="1.6" height=(height) {}
            }
            path d={ "M0 21.5H" (MINUTES * 2) } {}
        }
        p.note { (label) }
    }
}

#[derive(Deserialize)]
pub(crate) struct Wished {
    wish: String,
}

pub(crate) async fn wish(
    visitor: Visitor,
    Path((_, channel)): Path<(String, String)>,
    Form(asked): Form<Wished>,
) -> Answer {
    let wish = Wish::parse(&asked.wish).ok_or(Refusal::NotFound)?;
    desk(&visitor)?.wish(&channel, wish).await?;
    Ok(see_other(&visitor.at("interfaces/?done=changed")))
}

/// Tries whether the partner of an outgoing channel is reached.
pub(crate) async fn test(visitor: Visitor, Path((_, channel)): Path<(String, String)>) -> Answer {
    desk(&visitor)?.test(&channel)?;
    // It is known a moment later, and the page hears of it.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    Ok(see_other(&visitor.at("interfaces/?done=changed")))
}

pub(crate) async fn bare(visitor: Visitor) -> Answer {
    Ok(see_other(&visitor.at("interfaces/")))
}
