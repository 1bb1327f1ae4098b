//! A slash command of the composer: what it may mean, one button each. What is chosen becomes an entry of the chart and
//! a line of the note.

use super::{SHEET, refusal};
use crate::components::card::empty;
use crate::components::shell;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::notes::text::Command;
use care::notes::{self, commands};
use maud::html;
use serde::Deserialize;

/// What is offered at most.
const OFFERED: usize = 12;

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    #[serde(default)]
    command: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    part: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    once: String,
    /// What was searched for on this page, in place of what was typed in the note.
    q: Option<String>,
}

/// Commands → what pages call them.
pub(super) const NAMES: [(Command, &str); 4] = [
    (Command::Diagnosis, "notes-command-dx"),
    (Command::Prescription, "notes-command-rx"),
    (Command::Test, "notes-command-lab"),
    (Command::Referral, "notes-command-ref"),
];

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Query(given): Query<Given>,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let command = Command::parse(&given.command).filter(|it| commands::KNOWN.contains(it)).ok_or(Refusal::NotFound)?;
    let note = notes::open(&visitor.pen(), &patient, &note).await.map_err(refusal)?;
    let banner = visitor.chart(&patient).banner().await?;
    let sought = given.q.as_deref().unwrap_or(&given.about);
    let offers = commands::offers(command, sought, OFFERED);
    let base = format!("{}/notes/{}", visitor.address_of(patient.as_str()), note.id);
    let title = NAMES.iter().find(|(it, _)| *it == command).map_or_else(String::new, |(_, key)| words.say(key));
    let hidden = [
        ("command", command.word()),
        ("about", given.about.as_str()),
        ("part", given.part.as_str()),
        ("once", &visitor.once()),
    ]
    .map(|(name, value)| html! { input type="hidden" name=(name) value=(value); });
    let explained = match command {
        Command::Diagnosis => "notes-command-adds-problem",
        Command::Prescription | Command::Test | Command::Referral => "notes-command-adds-order",
    };
    let main = html! {
        header.section-head {
            h1 { (title) }
            p { a href={ (base) "#part-" (given.part) } { (words.say("notes-back")) } }
        }
        p.lead { (words.say(explained)) }
        form.search-row method="get" role="search" {
            @for (name, value) in [("command", command.word()), ("about", given.about.as_str()), ("part", given.part.as_str())] {
                input type="hidden" name=(name) value=(value);
            }
            input type="search" name="q" value=(sought) aria-label=(words.say("notes-command-about"));
            button type="submit" { (words.say("notes-search")) }
        }
        form method="post" action={ (base) "/command" } {
            @for it in &hidden { (it) }
            @if offers.is_empty() { (empty(&words.say("notes-command-nothing"))) }
            ul.offers {
                @for (at, it) in offers.iter().enumerate() {
                    li { button type="submit" name="key" value=(it.key) autofocus[at == 0] { (it.name) @if !it.code.is_empty() { " " span.quiet { (it.code) } } } }
                }
                @if !given.about.trim().is_empty() {
                    li { button type="submit" name="key" value="" { (words.with("notes-command-as-typed", &[("about", given.about.trim().into())])) } }
                }
            }
        }
    };
    Ok(shell::chart(&visitor, &banner, "documents", (title, SHEET), main))
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let patient = id(&patient)?;
    let command = Command::parse(&given.command).filter(|it| commands::KNOWN.contains(it)).ok_or(Refusal::NotFound)?;
    let answer =
        commands::Answer { command, about: &given.about, part: &given.part, key: &given.key, once: &given.once };
    let note = commands::carry_out(&visitor.pen(), &patient, &note, &answer).await;
    let note = note.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes/{}?done=added#part-{}", visitor.address_of(patient.as_str()), note.id, given.part)))
}
