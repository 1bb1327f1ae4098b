//! Notes and letters (screens C-11 and C-22): what is being written about a patient, the composer, the signature, and
//! what comes after it. Pages show what `care::notes` gives; nothing here knows FHIR.

pub(crate) mod command;
pub(crate) mod composer;
pub(crate) mod desk;
pub(crate) mod history;
mod merge;
pub(crate) mod own;
pub(crate) mod sign;
pub(crate) mod signed;

use crate::components::card::empty;
use crate::components::form::{act, choice};
use crate::components::shell::{self, Needs};
use crate::components::table::{moment_ago, table};
use crate::components::{day, notice};
use crate::locale::{Locale, Words};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::chart::Visit;
use care::closing;
use care::notes::{self, Beginning, Note, NoteError, Template, content};
use maud::{Markup, html};
use serde::Deserialize;
use store::Action;

/// The sheet and script of the composer and of pages around it.
pub(crate) const SHEET: Needs = Needs::of(&["notes.css"], &[]);
pub(crate) const COMPOSER: Needs = Needs::of(&["notes.css"], &["composer.js"]);

/// Kinds of notes by their keys → what pages call them.
const KINDS: [(&str, &str); 11] = [
    ("progress", "notes-kind-progress"),
    ("history-physical", "notes-kind-history-physical"),
    ("consultation", "notes-kind-consultation"),
    ("discharge-summary", "notes-kind-discharge-summary"),
    ("procedure", "notes-kind-procedure"),
    ("imaging", "notes-kind-imaging"),
    ("laboratory", "notes-kind-laboratory"),
    ("pathology", "notes-kind-pathology"),
    ("referral", "notes-kind-referral"),
    ("letter", "notes-kind-letter"),
    ("instructions", "notes-kind-instructions"),
];

pub(crate) fn kind(words: &Words, key: &str) -> String {
    KINDS.iter().find(|(it, _)| *it == key).map_or_else(|| key.to_owned(), |(_, name)| words.say(name))
}

/// What was done, said once on the page that follows: word in the address → what it says.
const DONE: [(&str, &str); 15] = [
    ("made", "exchange-done-made"),
    ("taken", "exchange-done-taken"),
    ("known", "exchange-done-known"),
    ("signed", "notes-done-signed"),
    ("co-signed", "notes-done-co-signed"),
    ("discarded", "notes-done-discarded"),
    ("restored", "notes-done-restored"),
    ("merged", "notes-done-merged"),
    ("phrase", "notes-done-phrase"),
    ("no-phrase", "notes-done-no-phrase"),
    ("closed", "notes-done-closed"),
    ("given", "notes-done-given"),
    ("filed", "notes-done-filed"),
    ("seen", "notes-done-seen"),
    ("added", "notes-done-added"),
];

pub(crate) fn done(words: &Words, word: Option<&str>) -> Markup {
    let key = word.and_then(|word| DONE.iter().find(|(it, _)| *it == word)).map(|(_, key)| *key);
    html! { @if let Some(key) = key { (notice::told(&words.say(key))) } }
}

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    pub(crate) done: Option<String>,
    /// The visit to write about.
    visit: Option<String>,
}

/// What cannot be done with a note, in words for who asked.
pub(crate) fn refusal(error: NoteError) -> Refusal {
    let key = match error {
        NoteError::Absent => return Refusal::NotFound,
        NoteError::Store(error) => return Refusal::from(error),
        NoteError::Act(error) => return Refusal::from(error),
        NoteError::Busy => "notes-error-busy",
        NoteError::Changed => "notes-error-changed",
        NoteError::Empty => "notes-error-empty",
        NoteError::Gaps(_) => "notes-error-gaps",
        NoteError::NeedsCosigner => "notes-error-co-signer",
        NoteError::NotYours => "notes-error-not-yours",
        NoteError::Locked => "notes-error-locked",
    };
    Refusal::Cannot(key)
}

/// Whether the visitor writes notes at all.
pub(crate) fn writes(visitor: &Visitor) -> bool {
    visitor.pen().may(Action::Create, "DocumentReference")
}

/// Everything that is being written about a patient, and the outlines to begin with.
pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let (pen, chart) = (visitor.pen(), visitor.chart(&patient));
    let drafts = notes::of_patient(&pen, &patient).await.map_err(refusal)?;
    let (banner, visits) = tokio::try_join!(chart.banner(), closing::open_visits(&pen, &patient))?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head {
            h1 { (words.say("notes-title")) }
            p {
                a href={ (base) "/documents" } { (words.say("notes-to-documents")) } " · "
                a href=(visitor.at("notes")) { (words.say("notes-to-desk")) } " · "
                a href=(visitor.at("notes/phrases")) { (words.say("notes-to-phrases")) }
            }
        }
        (done(words, asked.done.as_deref()))
        section aria-labelledby="drafts" {
            h2 #drafts { (words.say("notes-drafts")) }
            (drafts_table(&visitor, &base, &drafts))
        }
        (beginnings(&visitor, &base, &visits, asked.visit.as_deref()))
    };
    Ok(shell::chart(&visitor, &banner, "documents", (words.say("notes-title"), SHEET), main))
}

fn drafts_table(visitor: &Visitor, base: &str, drafts: &[Note]) -> Markup {
    let words = visitor.words;
    let heads = ["notes-head-note", "notes-head-kind", "notes-head-by", "notes-head-saved", "notes-head-open"]
        .map(|it| words.say(it));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let row = |it: &Note| {
        vec![
            html! { a href={ (base) "/notes/" (it.id) } { (it.title) } },
            html! { (kind(words, &it.kind)) },
            html! { (it.hands.join(", ")) },
            html! { (moment_ago(words, it.saved, visitor.now)) },
            open_points(words, it),
        ]
    };
    html! {
        @if drafts.is_empty() { (empty(&words.say("notes-no-drafts"))) }
        @else { (table(words, &words.say("notes-drafts-caption"), &heads, drafts.iter().map(row).collect())) }
    }
}

pub(crate) fn open_points(words: &Words, note: &Note) -> Markup {
    html! {
        @match note.gaps().len() {
            0 if note.is_empty() => { span.quiet { (words.say("notes-empty")) } }
            0 => { (words.say("notes-ready")) }
            gaps => { (words.with("notes-gaps", &[("count", gaps.into())])) }
        }
    }
}

/// Two lists of outlines, notes and letters, each a form of its own.
fn beginnings(visitor: &Visitor, base: &str, visits: &[Visit], visit: Option<&str>) -> Markup {
    let words = visitor.words;
    html! {
        div.panels {
            section.panel-card aria-labelledby="new-note" {
                h2 #new-note { (words.say("notes-new")) }
                (beginning(words, base, "note", content::templates(), visits, visit))
            }
            section.panel-card aria-labelledby="new-letter" {
                h2 #new-letter { (words.say("notes-new-letter")) }
                (beginning(words, base, "letter", content::letters(), visits, visit))
            }
        }
    }
}

fn beginning(
    words: &Words,
    base: &str,
    what: &str,
    templates: &[Template],
    visits: &[Visit],
    visit: Option<&str>,
) -> Markup {
    let (visit_id, template_id) = (format!("{what}-encounter"), format!("{what}-template"));
    html! {
        form.stacked method="post" action={ (base) "/notes" } {
            div.field {
                label for=(template_id) { (words.say("notes-outline")) }
                select id=(template_id) name="template" {
                    @for it in templates { option value=(it.key) { (it.name) " – " (it.about) } }
                }
            }
            div.field {
                label for=(visit_id) { (words.say("notes-visit")) }
                select id=(visit_id) name="encounter" {
                    @for it in visits {
                        option value=(it.id) selected[visit == Some(it.id.as_str())] { (crate::components::words::visit(words, it)) @if let Some(from) = &it.from { ", " (from.date()) } }
                    }
                    option value="" { (words.say("notes-no-visit")) }
                }
            }
            @if what == "letter" {
                (choice("language", &words.say("notes-language"), &[("en", "English"), ("es", "Español")], language(words)))
            }
            div.buttons { button.primary type="submit" data-key=[(what == "note").then_some("note")] { (words.say(if what == "letter" { "notes-begin-letter" } else { "notes-begin" })) } }
        }
    }
}

#[derive(Deserialize, Default)]
pub(crate) struct Wanted {
    template: String,
    #[serde(default)]
    encounter: String,
    #[serde(default)]
    language: String,
}

/// Begins a note.
pub(crate) async fn begin(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(wanted): Form<Wanted>,
) -> Answer {
    let patient = id(&patient)?;
    let beginning = Beginning {
        template: &wanted.template,
        encounter: Some(wanted.encounter.as_str()).filter(|it| !it.is_empty()),
        spanish: wanted.language == "es",
    };
    let note = notes::begin(&visitor.pen(), &patient, beginning).await.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes/{}", visitor.address_of(patient.as_str()), note.id)))
}

/// Throws a draft away.
pub(crate) async fn discard(visitor: Visitor, Path((_, patient, note)): Path<(String, String, String)>) -> Answer {
    let patient = id(&patient)?;
    notes::discard(&visitor.pen(), &patient, &note).await.map_err(refusal)?;
    Ok(see_other(&format!("{}/notes?done=discarded", visitor.address_of(patient.as_str()))))
}

/// What belongs to the notes of a chart, on top of its documents: drafts that wait, and the ways to add something.
pub(crate) fn above_documents(visitor: &Visitor, base: &str, drafts: &[Note]) -> Markup {
    let words = visitor.words;
    html! {
        @if writes(visitor) {
            p.buttons.no-print {
                a.button.primary href={ (base) "/notes" } data-key="note" { (words.say("notes-new")) }
                a.button href={ (base) "/documents/upload" } { (words.say("filing-add")) }
                a.button href={ (base) "/documents/make" } { (words.say("exchange-make")) }
            }
            @if !drafts.is_empty() {
                section.waiting aria-labelledby="waiting-drafts" {
                    h2 #waiting-drafts { (words.say("notes-drafts")) }
                    ul.lines {
                        @for it in drafts {
                            li { a href={ (base) "/notes/" (it.id) } { (it.title) } " " span.quiet { (it.hands.join(", ")) ", " (moment_ago(words, it.saved, visitor.now)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A button that throws the draft away, for who began it.
fn discarding(visitor: &Visitor, base: &str, note: &Note) -> Markup {
    html! {
        @if note.author == *visitor.caller.who {
            details.discard {
                summary { (visitor.words.say("notes-discard")) }
                p { (visitor.words.say("notes-discard-sure")) }
                (act(&format!("{base}/notes/{}/discard", note.id), &[], &visitor.words.say("notes-discard-now"), Some("danger")))
            }
        }
    }
}

/// The visit a note tells of, in a few words.
fn visit_line(words: &Words, visits: &[Visit], encounter: Option<&str>) -> Markup {
    let visit = encounter.and_then(|id| visits.iter().find(|it| it.id == id));
    html! { @if let Some(visit) = visit { (crate::components::words::visit(words, visit)) @if let Some(from) = &visit.from { ", " (day(from)) } } }
}

/// The language a letter begins with: that of who writes.
fn language(words: &Words) -> &'static str {
    if words.locale == Locale::Spanish { "es" } else { "en" }
}
