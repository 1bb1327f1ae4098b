//! Reading a note before it is signed: as others will read it, with what was taken from the chart marked and every gap
//! shown. The button names the patient. What is signed is exactly the edition that was read.

use super::{SHEET, kind, refusal, visit_line};
use crate::components::form::Errors;
use crate::components::icon::icon;
use crate::components::shell;
use crate::components::table::moment;
use crate::locale::Words;
use crate::request::{Answer, Visitor, id, see_other};
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use care::chart::VisitStanding;
use care::notes::text::{self, Gap};
use care::notes::{self, Note, NoteError, Part, Signing, Taken};
use fhir::{Id, Key};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    #[serde(default)]
    edition: u32,
    #[serde(default)]
    lock: String,
    #[serde(default)]
    supervisor: String,
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient, note)): Path<(String, String, String)>) -> Answer {
    let patient = id(&patient)?;
    match notes::open(&visitor.pen(), &patient, &note).await {
        Ok(note) => show(&visitor, &patient, &note, &Errors::none()).await,
        Err(error) => match super::composer::signed_already(&visitor, &patient, &note).await {
            Some(response) => Ok(response),
            None => Err(refusal(error)),
        },
    }
}

async fn show(visitor: &Visitor, patient: &Id, note: &Note, errors: &Errors) -> Answer {
    let (words, chart) = (visitor.words, visitor.chart(patient));
    let pen = visitor.pen();
    let (banner, visits, supervisors) = tokio::try_join!(chart.banner(), chart.visits(), notes::supervisors(&pen))?;
    let base = format!("{}/notes/{}", visitor.address_of(patient.as_str()), note.id);
    let gaps = note.gaps();
    let ready = gaps.is_empty() && !note.is_empty();
    let main = html! {
        header.section-head {
            h1 { (words.with("notes-sign-title", &[("title", note.title.as_str().into())])) }
            p { a href=(base) { (words.say("notes-back")) } }
        }
        (errors.summary())
        p.quiet {
            (kind(words, &note.kind))
            @if note.encounter.is_some() { " · " (visit_line(words, &visits.rows, note.encounter.as_deref())) }
            " · " (words.say("notes-saved")) " " (moment(note.saved)) " " (words.with("notes-saved-by", &[("who", note.saved_by_name.as_str().into())]))
        }
        @if !gaps.is_empty() { (open_gaps(words, &base, &gaps)) }
        article.read {
            @for part in note.parts.iter().filter(|it| !it.text.trim().is_empty()) {
                h2 { (part.title) }
                (marked(words, note, part))
            }
            @if note.is_empty() { p.empty { (words.say("notes-error-empty")) } }
        }
        @if ready { (form(visitor, &base, note, &supervisors, &banner.person.name())) }
    };
    let mut response = shell::chart(visitor, &banner, "documents", (errors.title(words, &note.title), SHEET), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn open_gaps(words: &Words, base: &str, gaps: &[(&Part, Gap)]) -> Markup {
    html! {
        div.notice.caution {
            (icon("alert"))
            div {
                p { strong { (words.with("notes-gaps-first", &[("count", gaps.len().into())])) } }
                ul.plain-list {
                    @for (part, gap) in gaps {
                        li {
                            a href={ (base) "#part-" (part.key) } { (part.title) } ": "
                            @match gap {
                                Gap::Blank => { code { "***" } }
                                Gap::Choice(options) => { code { "{" (options.join("|")) "}" } }
                                Gap::Command(command) => { code { "/" (command.word()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The text of a section with marks: what came from the chart, and what is not filled in.
fn marked(words: &Words, note: &Note, part: &Part) -> Markup {
    let mut taken: Vec<(usize, &Taken)> = note
        .taken
        .iter()
        .filter(|it| it.part == part.key)
        .filter_map(|it| Some((part.text.find(&it.text)?, it)))
        .collect();
    taken.sort_by_key(|(at, it)| (*at, std::cmp::Reverse(it.text.len())));
    let mut pieces: Vec<(&str, Option<&Taken>)> = Vec::new();
    let mut from = 0;
    for (at, it) in taken {
        if at < from {
            continue;
        }
        pieces.push((&part.text[from..at], None));
        pieces.push((&part.text[at..at + it.text.len()], Some(it)));
        from = at + it.text.len();
    }
    pieces.push((&part.text[from..], None));
    html! {
        div.note-text {
            @for (piece, taken) in pieces {
                @match taken {
                    Some(it) => {
                        span.from-chart title=(told(words, it)) { (piece) }
                    }
                    None => { (gaps_marked(piece)) }
                }
            }
        }
    }
}

fn told(words: &Words, taken: &Taken) -> String {
    let of = |source: &notes::Source| match &source.when {
        Some(when) => format!("{} {when}", source.name),
        None => source.name.clone(),
    };
    let sources: Vec<String> = taken.sources.iter().take(6).map(of).collect();
    let when = care::chart::When::of_micros(taken.at).date_and_time();
    format!("@{}: {} – {} {when}", taken.link, sources.join(", "), words.say("notes-taken-at"))
}

fn gaps_marked(piece: &str) -> Markup {
    html! {
        @for (at, words) in piece.split("***").enumerate() {
            @if at > 0 { mark.gap { "***" } }
            @if text::gaps(words).is_empty() { (words) } @else { mark.gap { (words) } }
        }
    }
}

fn form(visitor: &Visitor, base: &str, note: &Note, supervisors: &[(String, String)], patient: &str) -> Markup {
    let words = visitor.words;
    let needs = note.kind().needs_cosigner(&visitor.caller.role);
    html! {
        form.stacked.narrow-form method="post" action={ (base) "/sign" } data-commit="" {
            input type="hidden" name="edition" value=(note.edition);
            @if !supervisors.is_empty() {
                div.field {
                    label for="supervisor" { (words.say("notes-co-signer")) }
                    @if needs { p.hint id="supervisor-hint" { (words.say("notes-co-signer-needed")) } }
                    select #supervisor name="supervisor" required[needs] aria-describedby=[needs.then_some("supervisor-hint")] {
                        option value="" { (words.say(if needs { "notes-co-signer-choose" } else { "notes-co-signer-none" })) }
                        @for (key, name) in supervisors { option value=(key) { (name) } }
                    }
                }
            }
            label.tick { input type="checkbox" name="lock" value="yes"; span { (words.say("notes-lock")) } }
            div.buttons {
                button.primary type="submit" { (words.with("notes-sign-for", &[("patient", patient.into())])) }
                a href=(base) { (words.say("notes-back")) }
            }
        }
    }
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let pen = visitor.pen();
    let supervisor = Key::parse(&given.supervisor);
    let signing = Signing { edition: given.edition, lock: given.lock == "yes", supervisor: supervisor.as_ref() };
    match notes::sign(&pen, &patient, &note, signing).await {
        Ok(signed) => Ok(after(&visitor, &patient, &signed).await),
        Err(error @ (NoteError::Changed | NoteError::Gaps(_) | NoteError::Empty | NoteError::NeedsCosigner)) => {
            let key = match error {
                NoteError::Changed => "notes-error-changed",
                NoteError::Empty => "notes-error-empty",
                NoteError::NeedsCosigner => "notes-error-co-signer",
                _ => "notes-error-gaps",
            };
            let now = notes::open(&pen, &patient, &note).await.map_err(refusal)?;
            show(&visitor, &patient, &now, &Errors::one("supervisor", words.say(key))).await
        }
        Err(error) => Err(refusal(error)),
    }
}

/// To the visit that can now be closed, else to the note.
async fn after(visitor: &Visitor, patient: &Id, signed: &notes::Signed) -> Response {
    let base = visitor.address_of(patient.as_str());
    if let Some(encounter) = &signed.encounter {
        let visits = visitor.chart(patient).visits().await.map(|it| it.rows).unwrap_or_default();
        if visits.iter().any(|it| it.id == *encounter && it.standing == VisitStanding::Ongoing) {
            return see_other(&format!("{base}/encounters/{encounter}/close?done=signed"));
        }
    }
    see_other(&format!("{base}/documents/{}?done=signed", signed.document))
}
