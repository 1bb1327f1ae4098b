//! The composer: one plain field of text for each section, with the chart beside it. Complete without scripts: every
//! button of the one form saves first. `composer.js` saves by itself, jumps between gaps and offers phrases.

use super::command::NAMES;
use super::{COMPOSER, discarding, kind, merge, refusal, visit_line};
use crate::components::banner::allergies;
use crate::components::shell;
use crate::components::table::moment;
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, html as piece, id, see_other};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use care::chart::{AllergyState, Latest, Medication, Problem, Section, Standing, Visit};
use care::notes::{self, Expanded, How, Note, Part, Saved, Saving, Taken, commands, links, phrases};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

/// What stands in front of the key of a section in the names of fields.
const TEXT: &str = "text.";
/// Rows of a field at first; it grows with what is typed.
const ROWS: usize = 3;
/// Phrases that are offered at a time.
const OFFERED: usize = 8;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    done: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    let note = match notes::open(&visitor.pen(), &patient, &note).await {
        Ok(note) => note,
        // Whoever goes back to a draft that was signed is led to what became of it.
        Err(error) => return signed_already(&visitor, &patient, &note).await.ok_or(refusal(error)),
    };
    show(&visitor, &patient, &note, asked.done.as_deref(), StatusCode::OK).await
}

pub(super) async fn signed_already(visitor: &Visitor, patient: &Id, note: &str) -> Option<Response> {
    let signed = notes::became(&visitor.pen(), patient, note).await.ok()?;
    Some(see_other(&format!("{}/documents/{}", visitor.address_of(patient.as_str()), signed.document)))
}

async fn show(visitor: &Visitor, patient: &Id, note: &Note, done: Option<&str>, status: StatusCode) -> Answer {
    let chart = visitor.chart(patient);
    let (banner, problems, medications, vitals, results, visits) = tokio::try_join!(
        chart.banner(),
        chart.problems(),
        chart.medications(),
        chart.vitals(),
        chart.results(),
        chart.visits()
    )?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        (head(visitor, note, &visits.rows))
        (super::done(visitor.words, done))
        div.composer {
            (form(visitor, &base, note, &problems))
            aside.peek aria-label=(visitor.words.say("notes-peek")) {
                (peek(visitor.words, &base, &banner.allergies, &problems, &medications, &vitals, &results))
            }
        }
        (discarding(visitor, &base, note))
    };
    let mut response = shell::chart(visitor, &banner, "documents", (note.title.as_str(), COMPOSER), main);
    *response.status_mut() = status;
    Ok(response)
}

fn head(visitor: &Visitor, note: &Note, visits: &[Visit]) -> Markup {
    let words = visitor.words;
    html! {
        header.section-head {
            h1 { (note.title) }
            p.quiet {
                span.chip.notable { (words.say("notes-draft")) } " "
                (kind(words, &note.kind))
                @if note.encounter.is_some() { " · " (visit_line(words, visits, note.encounter.as_deref())) }
                @if note.hands.len() > 1 { " · " (words.with("notes-hands", &[("names", note.hands.join(", ").into())])) }
            }
        }
        @if let Some(amends) = &note.amends {
            @match amends.how {
                How::Appends => { p.notice { (words.say("notes-is-addendum")) } }
                How::Replaces => { p.notice { (words.say("notes-is-correction")) } }
            }
        }
    }
}

fn form(visitor: &Visitor, base: &str, note: &Note, problems: &Section<Problem>) -> Markup {
    let words = visitor.words;
    let address = format!("{base}/notes/{}", note.id);
    let key_words = [
        ("saved", "notes-js-saved"),
        ("saving", "notes-js-saving"),
        ("failed", "notes-js-failed"),
        ("clash", "notes-js-clash"),
        ("none", "notes-js-no-gaps"),
        ("phrases", "notes-js-phrases"),
        ("choices", "notes-js-choices"),
        ("commands", "notes-js-commands"),
    ]
    .map(|(name, key)| (name, words.say(key)));
    html! {
        form #note.note-form method="post" action=(address) data-note="" data-commit="" data-phrases={ (address) "/phrases" } autocomplete="off" {
            @for (name, text) in &key_words { data value=(name) hidden { (text) } }
            input type="hidden" name="edition" value=(note.edition);
            div.clash hidden role="alert" {}
            @for part in &note.parts { (section(words, note, part)) }
            div.note-buttons {
                button.primary type="submit" name="do" value="sign" { (words.say("notes-review-and-sign")) }
                button type="submit" name="do" value="save" data-save="" { (words.say("notes-save")) }
                button type="submit" name="do" value="history" { (words.say("notes-history")) }
                p.saved role="status" data-status="" { (words.say("notes-saved")) " " (moment(note.saved)) }
            }
            @if !note.is_letter() { (extras(words, note, problems)) }
            (help(words))
        }
    }
}

fn section(words: &Words, note: &Note, part: &Part) -> Markup {
    let taken: Vec<&Taken> = note.taken.iter().filter(|it| it.part == part.key).collect();
    let field = format!("part-{}", part.key);
    html! {
        div.field.part {
            label for=(field) { (part.title) @if part.problem.is_some() { " " span.quiet { (words.say("notes-problem")) } } }
            textarea id=(field) name={ (TEXT) (part.key) } rows=(part.text.lines().count().max(ROWS - 1) + 1) spellcheck="true"
                aria-describedby=[(!taken.is_empty()).then(|| format!("taken-{}", part.key))] { "\n" (part.text) }
            (provenance(words, part, &taken))
        }
    }
}

/// The values of a section that were taken from the chart: what, from which resource, when measured and when taken.
fn provenance(words: &Words, part: &Part, taken: &[&Taken]) -> Markup {
    html! {
        details.taken id={ "taken-" (part.key) } hidden[taken.is_empty()] data-taken=(part.key) {
            summary { (words.with("notes-taken", &[("count", taken.len().into())])) }
            ul {
                @for it in taken {
                    li {
                        code { "@" (it.link) } " "
                        @for (at, source) in it.sources.iter().take(6).enumerate() {
                            @if at > 0 { ", " } (source.name) @if let Some(when) = &source.when { " " span.quiet { (when) } }
                        }
                        @if it.sources.len() > 6 { " …" }
                        " – " span.quiet { (words.say("notes-taken-at")) " " (moment(it.at)) }
                    }
                }
            }
        }
    }
}

/// What else can be put into a note: sections for problems, and what becomes an entry of the chart.
fn extras(words: &Words, note: &Note, problems: &Section<Problem>) -> Markup {
    let free = |it: &&Problem| {
        it.standing == Standing::Active && note.parts.iter().all(|part| part.problem.as_deref() != Some(&it.id))
    };
    let free: Vec<&Problem> = problems.rows.iter().filter(free).take(40).collect();
    html! {
        div.extras {
            @if !free.is_empty() {
                div.extra {
                    label for="problem" { (words.say("notes-add-problem")) }
                    div.row {
                        select #problem name="problem" { @for it in &free { option value=(it.id) { (it.name) } } }
                        button type="submit" name="do" value="problem" { (words.say("notes-add")) }
                    }
                }
            }
            fieldset.extra {
                legend { (words.say("notes-command")) }
                div.row {
                    select name="command" aria-label=(words.say("notes-command-what")) {
                        @for (command, name) in NAMES.iter().filter(|(it, _)| commands::KNOWN.contains(it)) {
                            option value=(command.word()) { (words.say(name)) }
                        }
                    }
                    input name="about" aria-label=(words.say("notes-command-about")) maxlength="120";
                    select name="part" aria-label=(words.say("notes-command-part")) {
                        @for part in &note.parts { option value=(part.key) selected[part.key == "plan"] { (part.title) } }
                    }
                    button type="submit" name="do" value="command" { (words.say("notes-add")) }
                }
            }
        }
    }
}

fn help(words: &Words) -> Markup {
    html! {
        details.how {
            summary { (words.say("notes-how")) }
            ul.plain-list {
                li { code { "***" } " " code { "{…|…}" } " – " (words.say("notes-how-gaps")) }
                li { code { ".normalros" } " – " (words.say("notes-how-phrases")) }
                li { @for command in commands::KNOWN { code { "/" (command.word()) } " " } "– " (words.say("notes-how-commands")) }
                li { (words.say("notes-how-links")) " " @for name in links::names() { code { "@" (name) } " " } }
            }
        }
    }
}

/// The chart beside the note: what one looks for while writing.
fn peek(
    words: &Words,
    base: &str,
    known: &AllergyState,
    problems: &Section<Problem>,
    medications: &Section<Medication>,
    vitals: &Section<Latest>,
    results: &Section<Latest>,
) -> Markup {
    let active = problems.rows.iter().filter(|it| it.standing == Standing::Active).take(12);
    let taken = medications.rows.iter().filter(|it| it.standing == Standing::Active).take(14);
    html! {
        (allergies(words, known))
        section.card aria-labelledby="peek-problems" {
            h2 #peek-problems { a href={ (base) "/problems" } { (words.say("notes-peek-problems")) } }
            ul.lines { @for it in active { li { (it.name) } } }
        }
        section.card aria-labelledby="peek-medications" {
            h2 #peek-medications { a href={ (base) "/medications" } { (words.say("notes-peek-medications")) } }
            ul.lines { @for it in taken { li { (it.name) @if let Some(how) = &it.directions { " " span.quiet { (how) } } } } }
        }
        (measured(words, "vitals", &words.say("notes-peek-vitals"), base, vitals, 10))
        (measured(words, "results", &words.say("notes-peek-results"), base, results, 12))
    }
}

fn measured(words: &Words, slug: &str, title: &str, base: &str, section: &Section<Latest>, most: usize) -> Markup {
    html! {
        section.card aria-labelledby={ "peek-" (slug) } {
            h2 id={ "peek-" (slug) } { a href={ (base) "/" (slug) } { (title) } }
            ul.lines {
                @for it in section.rows.iter().take(most).map(Latest::newest) {
                    li {
                        (it.name) " " strong.value { (it.value.with_unit()) }
                        @if it.flag.is_some_and(|it| it.is_abnormal()) { " " (crate::components::flag::badge(words, it.flag)) }
                        @if let Some(when) = &it.when { " " span.quiet { (crate::components::day(when)) } }
                    }
                }
            }
        }
    }
}

/// What the one form of the composer brings.
fn saving(fields: &[(String, String)]) -> Saving {
    let texts = fields.iter().filter_map(|(name, text)| Some((name.strip_prefix(TEXT)?.to_owned(), text.clone())));
    Saving { edition: field(fields, "edition").parse().unwrap_or(0), texts: texts.collect() }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
}

/// Saves, and goes where the button leads. To a script it answers what was saved.
pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    let pen = visitor.pen();
    let script = headers.get(header::ACCEPT).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    let saved = notes::save(&pen, &patient, &note, &saving(&fields)).await;
    let kept = match saved {
        Ok(Saved::Kept { note, expanded }) if script => return Ok(told(words, &note, &expanded)),
        Ok(Saved::Kept { note, .. }) => note,
        Ok(Saved::Clash(clash)) if script => {
            return Ok(Json(json!({ "clash": clash.theirs.saved_by_name })).into_response());
        }
        Ok(Saved::Clash(clash)) => return merge::page(&visitor, &patient, &clash).await,
        // The second of two clicks on the way to the signature.
        Err(error) => return signed_already(&visitor, &patient, &note).await.ok_or(refusal(error)),
    };
    let base = format!("{}/notes/{}", visitor.address_of(patient.as_str()), kept.id);
    match field(&fields, "do") {
        "sign" => Ok(see_other(&format!("{base}/sign"))),
        "history" => Ok(see_other(&format!("{base}/history"))),
        "problem" => {
            let problem = field(&fields, "problem");
            notes::add_problem(&pen, &patient, &kept.id, problem).await.map_err(refusal)?;
            Ok(see_other(&format!("{base}#part-problem-{problem}")))
        }
        "command" => {
            let query: String =
                ["command", "about", "part"].map(|name| format!("{name}={}", escaped(field(&fields, name)))).join("&");
            Ok(see_other(&format!("{base}/command?{query}")))
        }
        "merge" => Ok(see_other(&format!("{base}?done=merged"))),
        _ => Ok(see_other(&base)),
    }
}

/// RFC 3986: what may not stand in a query by itself.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// For the script: the edition to go on from, what was replaced, and where it was taken from.
fn told(words: &Words, note: &Note, expanded: &[Expanded]) -> Response {
    let part = |part: &Part| {
        let taken: Vec<&Taken> = note.taken.iter().filter(|it| it.part == part.key).collect();
        (part.key.clone(), provenance(words, part, &taken).into_string())
    };
    let taken: serde_json::Map<String, serde_json::Value> =
        note.parts.iter().map(part).map(|(key, it)| (key, it.into())).collect();
    let replaced: Vec<_> =
        expanded.iter().map(|it| json!({ "part": it.part, "token": it.token, "text": it.text })).collect();
    let texts: serde_json::Map<String, serde_json::Value> =
        note.parts.iter().map(|it| (it.key.clone(), it.text.clone().into())).collect();
    Json(json!({ "edition": note.edition, "replaced": replaced, "texts": texts, "taken": taken })).into_response()
}

#[derive(Deserialize, Default)]
pub(crate) struct Sought {
    #[serde(default)]
    q: String,
}

/// Phrases that begin with what was typed, each with what it would say about this patient.
pub(crate) async fn offered(
    visitor: Visitor,
    Path((_, patient, note)): Path<(String, String, String)>,
    Query(sought): Query<Sought>,
) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    // Only who may write this note is told what it would say.
    let note = notes::open(&pen, &patient, &note).await.map_err(refusal)?;
    let found = phrases::find(&pen, &sought.q, OFFERED).await?;
    let previews = notes::preview(&pen, &patient, found.iter().map(|it| it.text.as_str())).await?;
    if note.patient != patient.as_str() {
        return Err(Refusal::NotFound);
    }
    Ok(piece(html! {
        @for (it, preview) in found.iter().zip(previews) {
            li role="option" data-token={ "." (it.key) } data-text=(it.text) { strong { "." (it.key) } " " (it.name) span.preview { (preview) } }
        }
    }))
}
