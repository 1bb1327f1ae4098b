//! One message (I-02): as it came, taken apart, as FHIR, what was answered and what it changed; and what can be done about
//! it: work on it again, send it again with changes, leave it with a reason.

use super::{cause, console, desk, direction, state};
use crate::components::form::{Errors, act, field, lines};
use crate::components::notice;
use crate::components::table::{moment, table};
use crate::locale::Words;
use crate::pages::account::panel;
use crate::request::{Answer, Refusal, Visitor, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::exchange::intake::{DONE, FAILED, HELD, REPLACED};
use care::exchange::log::Opened;
use care::exchange::outbox::{SENT, WAITING};
use maud::{Markup, html};
use serde::Deserialize;

type Address = Path<(String, String)>;
/// Places that can be changed in one go.
const EDITS: usize = 3;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Said {
    done: Option<String>,
}

/// A name as the log makes them; anything else is nobody's.
fn known(id: &str) -> Result<&str, Refusal> {
    let hex = id.len() == 32 && id.bytes().all(|it| it.is_ascii_hexdigit());
    if hex { Ok(id) } else { Err(Refusal::NotFound) }
}

pub(crate) async fn page(visitor: Visitor, Path((_, id)): Address, Query(said): Query<Said>) -> Answer {
    let words = visitor.words;
    let opened = desk(&visitor)?.open(known(&id)?).await?;
    let title = match opened.heading.kind.as_str() {
        "" => words.say("interfaces-message"),
        kind => format!("{kind} {}", opened.heading.control),
    };
    let main = html! {
        p { a href=(visitor.at("interfaces/messages")) { (words.say("interfaces-all-messages")) } }
        header.section-head.message-head { h2 { (direction(words, opened.heading.outgoing)) (title) } (state(words, &opened.heading.state)) }
        (notice::done(words, said.done.as_deref()))
        @if let Some(why) = &opened.heading.cause {
            div.notice.caution { (crate::components::icon::icon("alert")) div {
                p { strong { (cause(words, why)) } }
                (problems(&opened))
            } }
        }
        @if let Some(at) = opened.head.pruned { p.notice { (words.say("interfaces-pruned")) " " (moment(at)) " UTC" } }
        @if let Some(why) = &opened.head.hold { p.notice.caution { (crate::components::icon::icon("shield")) span { (words.say("interfaces-held")) " " (why) } } }
        @if opened.masked { p.note { (words.say("interfaces-masked")) } }
        (facts(&visitor, &opened))
        div.panels {
            (panel("raw", &words.say(if opened.heading.outgoing { "interfaces-raw-out" } else { "interfaces-raw" }), html! {}, html! { pre.wire tabindex="0" aria-labelledby="raw" { (opened.text) } }))
            (panel("answer", &words.say("interfaces-answer"), html! { (opened.head.verdict) }, answers(words, &opened)))
            @if opened.heading.outgoing { (panel("changes", &words.say("interfaces-tries"), html! { (opened.head.attempts) }, tries(words, &opened))) }
            @else { (panel("changes", &words.say("interfaces-changes"), html! { (opened.changes.len()) }, changes(words, &opened))) }
            @if !opened.heading.outgoing { (panel("notes", &words.say("interfaces-notes"), html! { (opened.head.notes.len()) }, notes(words, &opened.head.notes))) }
        }
        (panel("tree", &words.say("interfaces-tree"), html! {}, tree(&opened.tree)))
        (panel("fhir", &words.say(if opened.heading.outgoing { "interfaces-as-read" } else { "interfaces-as-fhir" }), html! { (opened.resources.len()) }, resources(&opened.resources)))
        (doing(&visitor, &opened))
    };
    Ok(console(&visitor, "messages", &title, main))
}

fn problems(opened: &Opened) -> Markup {
    html! {
        ul { @for (place, says) in &opened.head.problems {
            li { @if !place.is_empty() { code { (place) } " " } (says) }
        } }
    }
}

fn facts(visitor: &Visitor, opened: &Opened) -> Markup {
    let (words, it, head) = (visitor.words, &opened.heading, &opened.head);
    let link = |id: &str| html! { a href={ (visitor.at("interfaces/messages/")) (id) } { code { (id.get(..8).unwrap_or(id)) } } };
    html! {
        dl.handed {
            dt { (words.say(if it.outgoing { "interfaces-made-at" } else { "interfaces-received" })) } dd { (moment(it.at)) " UTC" }
            dt { (words.say("interfaces-channel")) } dd { (it.channel) }
            @if it.outgoing {
                dt { (words.say("interfaces-receiver")) } dd { (head.receiver) }
                @for (key, version) in &head.of { dt { (words.say("interfaces-tells-of")) } dd { code { (key) } ", " (words.with("interfaces-version-number", &[("number", (*version).into())])) } }
                @if let Some(at) = head.settled { dt { (words.say("interfaces-settled")) } dd { (moment(at)) " UTC" } }
                @if let Some(due) = it.due { dt { (words.say("interfaces-due")) } dd { (moment(due)) " UTC" } }
            } @else { dt { (words.say("interfaces-sender")) } dd { (it.sender) } }
            @if let Some(sent) = &head.sent { dt { (words.say("interfaces-sent")) } dd { (sent) } }
            @if !head.version.is_empty() { dt { (words.say("interfaces-version")) } dd { (head.version) } }
            dt { (words.say("interfaces-size")) } dd { (words.with("interfaces-bytes", &[("count", it.size.into())])) }
            @if head.fields > 0 { dt { (words.say("interfaces-fields")) } dd { (words.with("interfaces-mapped", &[("mapped", head.mapped.into()), ("fields", head.fields.into())])) } }
            @if !it.outgoing { dt { (words.say("interfaces-attempts")) } dd { (head.attempts) } }
            @if let Some(patient) = &it.patient { dt { (words.say("interfaces-patient")) } dd {
                a href={ (visitor.at("interfaces/messages?patient=")) (patient) } { (words.say("interfaces-of-patient")) }
            } }
            @if let Some(original) = &head.original { dt { (words.say("interfaces-original")) } dd { (link(original)) @if let Some(by) = &head.by { " · " (by) } } }
            @if let Some(new) = &head.replaced_by { dt { (words.say("interfaces-replaced-by")) } dd { (link(new)) } }
            @if let Some(reason) = &head.reason { dt { (words.say("interfaces-reason")) } dd { (reason) @if let Some(by) = &head.by { " · " (by) } } }
        }
    }
}

fn answers(words: &Words, opened: &Opened) -> Markup {
    html! {
        @if opened.answers.is_empty() { p.empty { (words.say("interfaces-no-answer")) } }
        @for it in &opened.answers { pre.wire tabindex="0" aria-labelledby="answer" { (it) } }
    }
}

fn changes(words: &Words, opened: &Opened) -> Markup {
    html! {
        @if opened.changes.is_empty() { p.empty { (words.say("interfaces-nothing-changed")) } }
        @else {
            ul.lines { @for it in &opened.changes {
                li.line {
                    span.main { code { (it.key) } p.note { (it.elements.join(", ")) } }
                    span.side { (words.with("interfaces-version-number", &[("number", it.version.into())])) }
                }
            } }
        }
        @if opened.head.unchanged > 0 { p.note { (words.with("interfaces-unchanged", &[("count", opened.head.unchanged.into())])) } }
    }
}

/// The tries that came to nothing.
fn tries(words: &Words, opened: &Opened) -> Markup {
    let heads = [words.say("interfaces-when"), words.say("interfaces-why")];
    let rows = opened.head.troubles.iter().rev().map(|(at, why)| vec![moment(*at), html! { (why) }]).collect();
    html! {
        @if opened.head.troubles.is_empty() { p.empty { (words.say("interfaces-no-troubles")) } }
        @else { (table(words, &words.say("interfaces-tries"), &[&heads[0], &heads[1]], rows)) }
    }
}

fn notes(words: &Words, notes: &[(String, String, String)]) -> Markup {
    html! {
        @if notes.is_empty() { p.empty { (words.say("interfaces-no-notes")) } }
        @else {
            details.more { summary { (words.with("interfaces-notes-count", &[("count", notes.len().into())])) }
                ul.lines { @for (_, place, says) in notes { li.line { span.main { code { (place) } " " (says) } } } }
            }
        }
    }
}

/// The segments, each with what is in it.
pub(super) fn tree(tree: &[(String, Vec<(String, String)>)]) -> Markup {
    html! {
        div.segments {
            @for (segment, values) in tree {
                details.more open[segment == "PID" || segment == "OBX"] {
                    summary { code { (segment) } span.count { (values.len()) } }
                    dl.places { @for (place, value) in values { dt { code { (place) } } dd { (value) } } }
                }
            }
        }
    }
}

pub(super) fn resources(resources: &[fhir::Value]) -> Markup {
    html! {
        @for it in resources {
            details.more {
                summary { (it["resourceType"].as_str().unwrap_or_default()) }
                pre.wire tabindex="0" aria-label=(it["resourceType"].as_str().unwrap_or_default()) { (serde_json::to_string_pretty(it).unwrap_or_default()) }
            }
        }
    }
}

fn doing(visitor: &Visitor, opened: &Opened) -> Markup {
    let (words, it) = (visitor.words, &opened.heading);
    let at = |end: &str| visitor.at(&format!("interfaces/messages/{}/{end}", it.id));
    let open = matches!(it.state.as_str(), FAILED | HELD | WAITING);
    html! {
        section.panel-card aria-labelledby="doing" {
            header { h2 #doing { (words.say("interfaces-doing")) } }
            @if it.state != REPLACED && opened.head.pruned.is_none() {
                (act(&at("replay"), &[], &words.say(if it.outgoing { "interfaces-send-again" } else { "interfaces-replay" }), (!matches!(it.state.as_str(), DONE | SENT)).then_some("primary")))
            }
            @if !opened.tree.is_empty() {
                details.more { summary { (words.say("interfaces-edit")) }
                    form method="post" action=(at("resubmit")) {
                        p.note { (words.say("interfaces-edit-lead")) }
                        @for number in 1..=EDITS {
                            div.edit {
                                (field(&format!("place{number}"), &words.say("interfaces-place")).literal().free().maxlength(40).show(words, &Errors::none()))
                                (field(&format!("text{number}"), &words.say("interfaces-text")).literal().free().maxlength(2000).show(words, &Errors::none()))
                            }
                        }
                        button.primary type="submit" { (words.say("interfaces-resubmit")) }
                    }
                }
            }
            @if open {
                details.more { summary { (words.say("interfaces-skip")) }
                    form method="post" action=(at("skip")) {
                        (lines("reason", &words.say("interfaces-reason"), "", None, &Errors::none()))
                        button type="submit" { (words.say("interfaces-skip-it")) }
                    }
                }
            }
            @if opened.head.hold.is_some() {
                (act(&at("hold"), &[("why", "")], &words.say("interfaces-let-go"), None))
            } @else if opened.head.pruned.is_none() {
                details.more { summary { (words.say("interfaces-hold")) }
                    form method="post" action=(at("hold")) {
                        p.note { (words.say("interfaces-hold-lead")) }
                        (field("why", &words.say("interfaces-reason")).literal().free().maxlength(200).show(words, &Errors::none()))
                        button type="submit" { (words.say("interfaces-hold")) }
                    }
                }
            }
        }
    }
}

pub(crate) async fn replay(visitor: Visitor, Path((_, id)): Address) -> Answer {
    desk(&visitor)?.replay(&[known(&id)?.to_owned()]).await?;
    Ok(see_other(&visitor.at(&format!("interfaces/messages/{id}?done=changed"))))
}

pub(crate) async fn resubmit(
    visitor: Visitor,
    Path((_, id)): Address,
    Form(fields): Form<Vec<(String, String)>>,
) -> Answer {
    let of = |name: String| fields.iter().find(|it| it.0 == name).map(|it| it.1.trim().to_owned()).unwrap_or_default();
    let edits: Vec<(String, String)> = (1..=EDITS)
        .map(|number| (of(format!("place{number}")), of(format!("text{number}"))))
        .filter(|(place, _)| !place.is_empty())
        .collect();
    let new = desk(&visitor)?.resubmit(known(&id)?, &edits).await?;
    Ok(see_other(&visitor.at(&format!("interfaces/messages/{new}?done=created"))))
}

pub(crate) async fn hold(visitor: Visitor, Path((_, id)): Address, Form(asked): Form<Held>) -> Answer {
    desk(&visitor)?.hold(known(&id)?, &asked.why).await?;
    Ok(see_other(&visitor.at(&format!("interfaces/messages/{id}?done=changed"))))
}

#[derive(Deserialize)]
pub(crate) struct Held {
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
pub(crate) struct Skipped {
    #[serde(default)]
    reason: String,
}

pub(crate) async fn skip(visitor: Visitor, Path((_, id)): Address, Form(asked): Form<Skipped>) -> Answer {
    desk(&visitor)?.skip(known(&id)?, &asked.reason).await?;
    Ok(see_other(&visitor.at(&format!("interfaces/messages/{id}?done=changed"))))
}
