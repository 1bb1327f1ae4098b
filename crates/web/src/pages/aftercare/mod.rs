//! The after-visit summary (screen C-22): what a patient takes home, in their language and in letters as large as they
//! need. What is shown is what is handed out and kept, word for word.

use crate::components::form::{Errors, choice, lines};
use crate::components::shell;
use crate::locale::{Locale, Words};
use crate::pages::notes::{SHEET, done};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use care::aftercare::{self, Aftercare, Leaflet};
use care::chart::{AllergyState, When};
use fhir::Id;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

#[derive(Clone, Deserialize, Default)]
pub(crate) struct Given {
    /// `en` or `es`; at first the patient's.
    language: Option<String>,
    #[serde(default)]
    large: String,
    instructions: Option<String>,
    follow_up: Option<String>,
    #[serde(default)]
    once: String,
    done: Option<String>,
}

/// The longest text that is taken from a field.
const LONGEST: usize = 8_000;

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient, encounter)): Path<(String, String, String)>,
    Query(given): Query<Given>,
) -> Answer {
    let (words, patient, encounter) = (visitor.words, id(&patient)?, id(&encounter)?);
    if !super::notes::writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    let it = aftercare::of(&visitor.pen(), &patient, &encounter).await?;
    let language = language(&it, &given);
    let base = visitor.address_of(patient.as_str());
    let address = format!("{base}/encounters/{encounter}/summary");
    let large = given.large == "yes";
    let follow_up = given.follow_up.clone().or(it.follow_up.clone()).unwrap_or_default();
    let instructions = given.instructions.clone().unwrap_or_default();
    let tag = if language == Locale::Spanish { "es" } else { "en" };
    let main = html! {
        header.section-head.no-print {
            h1 { (words.say("aftercare-title")) }
            p { a href={ (base) "/encounters/" (encounter) "/close" } { (words.say("aftercare-back")) } }
        }
        (done(words, given.done.as_deref()))
        @if let Some(before) = &it.given {
            p.notice.no-print { a href={ (base) "/documents/" (before) "/print" } { (words.say("aftercare-given-before")) } }
        }
        div.handing {
            form.stacked.no-print method="post" action=(address) data-commit="" {
                input type="hidden" name="once" value=(visitor.once());
                (choice("language", &words.say("aftercare-language"), &[("en", "English"), ("es", "Español")], tag))
                label.tick { input type="checkbox" name="large" value="yes" checked[large]; span { (words.say("aftercare-large")) } }
                (lines("instructions", &words.say("aftercare-instructions"), &instructions, Some(&words.say("aftercare-instructions-hint")), &Errors::none()))
                (lines("follow_up", &words.say("aftercare-follow-up"), &follow_up, None, &Errors::none()))
                div.buttons {
                    button.primary type="submit" { (words.with("aftercare-give", &[("patient", it.banner.person.name().into())])) }
                    button type="submit" formmethod="get" { (words.say("aftercare-preview")) }
                }
            }
            article.paper.large[large] lang=(language.tag()) aria-label=(words.say("aftercare-as-printed")) {
                (leaflet(language.words(), &visitor, &it, &instructions, &follow_up))
            }
        }
    };
    Ok(shell::chart(&visitor, &it.banner, "encounters", (words.say("aftercare-title"), SHEET), main))
}

/// The one that was chosen, else the patient's own.
fn language(it: &Aftercare, given: &Given) -> Locale {
    let spoken = it.banner.person.language.as_deref();
    match given.language.as_deref() {
        Some(tag) => Locale::of_tag(tag).unwrap_or(Locale::English),
        None if spoken.is_some_and(|it| it.starts_with("Spanish")) => Locale::Spanish,
        None => Locale::English,
    }
}

/// The sheet itself, in plain language.
fn leaflet(words: &Words, visitor: &Visitor, it: &Aftercare, instructions: &str, follow_up: &str) -> Markup {
    let person = &it.banner.person;
    html! {
        p { strong { (visitor.organisation.name) } }
        h2 { strong { (words.say("aftercare-heading")) } }
        p {
            strong { (person.spoken_name()) }
            @if let Some(born) = &person.born { " · " (words.say("aftercare-born")) " " (born.date()) }
            @if let Some(mrn) = person.mrn() { " · MRN " (mrn.shown) }
        }
        p {
            @if let Some(from) = &it.visit.from { (words.say("aftercare-visit-on")) " " strong { (from.date()) } }
            @if let Some(who) = &it.visit.clinician { " " (words.with("aftercare-with", &[("who", who.as_str().into())])) }
        }
        @if !it.visit.reasons.is_empty() { (list(&words.say("aftercare-reason"), it.visit.reasons.iter().map(|it| html! { (it) }))) }
        @if !it.diagnoses.is_empty() { (list(&words.say("aftercare-diagnoses"), it.diagnoses.iter().map(|it| html! { (it) }))) }
        @if !it.vitals.is_empty() {
            (list(&words.say("aftercare-measured"), it.vitals.iter().map(|it| { let it = it.newest(); html! { (it.name) ": " strong { (it.value.with_unit()) } } })))
        }
        @if !instructions.trim().is_empty() { h3 { strong { (words.say("aftercare-to-do")) } } (paragraphs(instructions)) }
        h3 { strong { (words.say("aftercare-medicines")) } }
        @if it.medications.is_empty() { p { (words.say("aftercare-no-medicines")) } }
        @else {
            ul {
                @for it in &it.medications {
                    li { strong { (it.name) } @if it.new { " (" (words.say("aftercare-new")) ")" } @if let Some(how) = &it.directions { ": " (how) } }
                }
            }
        }
        @match &it.banner.allergies {
            AllergyState::Known(known) => { (list(&words.say("aftercare-allergies"), known.iter().map(|it| html! { (it.substance) }))) }
            AllergyState::NoneKnown(_) => { h3 { strong { (words.say("aftercare-allergies")) } } p { (words.say("aftercare-no-allergies")) } }
            AllergyState::OnlyPast(_) | AllergyState::NotRecorded | AllergyState::NotShown => {}
        }
        @if !it.tests.is_empty() { (list(&words.say("aftercare-tests"), it.tests.iter().map(|it| html! { (it) }))) }
        @if it.next.is_some() || !follow_up.trim().is_empty() {
            h3 { strong { (words.say("aftercare-next")) } }
            @if let Some(next) = &it.next { p { strong { (next.when.date_and_time()) } @if let Some(what) = &next.what { " – " (what) } } }
            @if !follow_up.trim().is_empty() { (paragraphs(follow_up)) }
        }
        h3 { strong { (words.say("aftercare-call")) } }
        p { (words.say("aftercare-call-us")) }
        p { strong { (words.say("aftercare-emergency")) } }
        p { small { (words.with("aftercare-printed", &[("who", visitor.caller.display.to_string().into()), ("when", When::of_micros(visitor.now).date_and_time().into())])) } }
    }
}

fn list(title: &str, rows: impl Iterator<Item = Markup>) -> Markup {
    html! { h3 { strong { (title) } } ul { @for row in rows { li { (row) } } } }
}

fn paragraphs(text: &str) -> Markup {
    html! { @for line in text.lines().filter(|it| !it.trim().is_empty()) { p { (line) } } }
}

/// Keeps the sheet as a document of the visit and shows it ready to be printed.
pub(crate) async fn give(
    visitor: Visitor,
    Path((_, patient, encounter)): Path<(String, String, String)>,
    Form(given): Form<Given>,
) -> Answer {
    let (patient, encounter) = (id(&patient)?, id(&encounter)?);
    let pen = visitor.pen();
    let it = aftercare::of(&pen, &patient, &encounter).await?;
    let locale = language(&it, &given);
    let words = locale.words();
    let text = |given: &Option<String>| care::notes::text::tidy(given.as_deref().unwrap_or_default(), LONGEST);
    let body = leaflet(words, &visitor, &it, &text(&given.instructions), &text(&given.follow_up));
    let whole =
        html! { (DOCTYPE) html lang=(locale.tag()) { head { meta charset="utf-8"; } body { (body) } } }.into_string();
    // What staff read in the list is in their language; the sheet itself is in the patient's.
    let title = visitor.words.say("aftercare-title");
    let leaflet = Leaflet { title: &title, html: &whole, language: locale.tag(), once: &given.once };
    let document: Id = aftercare::give(&pen, &patient, &encounter, &leaflet).await?;
    let large = if given.large == "yes" { "&large=yes" } else { "" };
    Ok(see_other(&format!("{}/documents/{document}/print?done=given{large}", visitor.address_of(patient.as_str()))))
}
