//! May this app? The person sees who asks, whose record it is about and, line by line, what for; each line has a switch.
//! Whatever they answer, the app is told; nothing is given by looking at this page.
//!
//! SMART App Launch 2.2 (launch sequences), screens P-11 and C-40.

use crate::components::{people as list, shell};
use crate::headers;
use crate::locale::Words;
use crate::request::{Answer, Refusal, Visitor, id, refused, see_other};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::Response;
use care::access::apps::Denial;
use care::access::codes::{Asked, Choice, Subject, names};
use care::people::{self, Hit};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Sought {
    #[serde(default)]
    q: String,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, handle)): Path<(String, String)>,
    Query(sought): Query<Sought>,
) -> Answer {
    show(&visitor, &handle, sought.q.trim(), None).await
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, handle)): Path<(String, String)>,
    Form(given): Form<Vec<(String, String)>>,
) -> Answer {
    let all = |name: &'static str| given.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.clone());
    let patient = match all("patient").next().filter(|it| !it.is_empty()) {
        Some(text) => Some(id(&text)?),
        None => None,
    };
    let choice = Choice { allow: all("answer").any(|it| it == "allow"), scopes: all("scope").collect(), patient };
    let apps = visitor.organisation.apps();
    match apps.decide(&visitor.caller, &subject(&visitor), &handle, &choice, visitor.now).await {
        Ok(address) => Ok(see_other(&address)),
        Err(denial) => show(&visitor, &handle, "", Some(&denial)).await,
    }
}

/// For whom the app would act.
pub(crate) fn subject(visitor: &Visitor) -> Subject {
    Subject::from(&visitor.session.principal)
}

fn too_old() -> Response {
    refused(StatusCode::GONE, "apps-this-question-is-no-longer", "apps-it-was-answered-or-it")
}

async fn show(visitor: &Visitor, handle: &str, typed: &str, wrong: Option<&Denial>) -> Answer {
    let apps = visitor.organisation.apps();
    let Some(asked) = apps.asked(handle, visitor.now) else { return Ok(too_old()) };
    let subject = subject(visitor);
    let people = candidates(visitor, &asked, &subject, typed).await?;
    let own = !subject.is_staff();
    let client = &asked.client;
    let address = format!("/{}/authorize/{handle}", visitor.organisation.slug);
    let main = html! {
        div.finder {
            h1 { (visitor.words.say("apps-connect")) " " (client.name) "?" }
            p.lead {
                @if own { (visitor.words.say("apps-this-app-asks-to-use")) } @else { (visitor.words.say("apps-this-app-asks-to-act")) " " (visitor.caller.display) "." }
            }
            p.quiet { (visitor.words.say("apps-it-will-take-you-to")) " " strong { (place(visitor.words, &asked.redirect_uri)) } (visitor.words.say("apps-only-go-on-if-you")) }
            @if let Some(wrong) = wrong { p.error role="alert" { (sentence(wrong.says)) } }
            @if asked.needs_patient() && !own { (search(visitor.words, &address, typed)) }
            form.stacked method="post" action=(address) {
                @if let Some(launched) = asked.patient() { (whose(visitor.words, &visitor.words.say("apps-the-record-that-is-open"), &people, launched)) }
                @else if asked.needs_patient() { (choose(visitor.words, &people, typed, own)) }
                (switches(visitor.words, &asked, own))
                div.row {
                    button.primary type="submit" name="answer" value="allow" { (visitor.words.say("apps-allow")) }
                    " "
                    button type="submit" name="answer" value="refuse" formnovalidate { (visitor.words.say("apps-do-not-allow")) }
                }
            }
            p.help {
                @if own { (visitor.words.say("apps-you-can-take-this-back")) }
                @else { (visitor.words.say("apps-the-app-never-sees-more")) }
            }
        }
    };
    let mut response =
        shell::page(visitor, visitor.words.with("apps-connect-to", &[("name", client.name.as_str().into())]), main);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, headers::leading_to(&source(&asked.redirect_uri)));
    Ok(response)
}

/// Whose record it may be about: that of the launch, one's own, or those that were searched for.
async fn candidates(visitor: &Visitor, asked: &Asked, subject: &Subject, typed: &str) -> Result<Vec<Hit>, Refusal> {
    let (store, caller) = (&visitor.organisation.store, &visitor.caller);
    if let Some(patient) = asked.patient().and_then(Id::parse) {
        return Ok(people::these(store, caller, &[patient]).await?);
    }
    if !asked.needs_patient() {
        return Ok(Vec::new());
    }
    if !subject.is_staff() {
        let own: Vec<Id> = subject.patients.iter().filter_map(|it| Id::parse(it)).collect();
        return Ok(people::these(store, caller, &own).await?);
    }
    if typed.is_empty() {
        return Ok(people::these(store, caller, &visitor.recent().await?).await?);
    }
    Ok(people::find(store, caller, typed, visitor.now).await?.hits)
}

fn search(words: &Words, address: &str, typed: &str) -> Markup {
    html! {
        form.find-form role="search" method="get" action=(address) {
            label for="q" { (words.say("apps-find-the-patient-whose-record")) }
            div.search-row {
                input #q type="search" name="q" value=(typed) autocomplete="off" spellcheck="false"
                    placeholder=(words.say("apps-name-date-of-birth-mrn"));
                button type="submit" { (words.say("apps-find")) }
            }
        }
    }
}

fn whose(words: &Words, title: &str, people: &[Hit], id: &str) -> Markup {
    html! {
        section aria-labelledby="whose" {
            h2 #whose { (title) }
            @match people.iter().find(|it| it.person.id == id) {
                Some(hit) => p { strong { (hit.person.name()) } " " (list::born(words, hit)) },
                None => p.empty { (words.say("apps-you-may-not-see-this")) },
            }
        }
    }
}

fn choose(words: &Words, people: &[Hit], typed: &str, own: bool) -> Markup {
    html! {
        fieldset.choose-patient {
            legend { @if own { (words.say("apps-whose-record-may-it-use")) } @else { (words.say("apps-whose-record-is-it-about")) } }
            @if people.is_empty() {
                p.empty { @if typed.is_empty() { (words.say("apps-find-a-patient-first")) } @else { (words.say("apps-nobody-found-try-fewer-letters")) } }
            }
            @for (at, hit) in people.iter().enumerate() {
                div.pick {
                    input type="radio" name="patient" id={ "patient-" (at) } value=(hit.person.id) required checked[people.len() == 1];
                    label for={ "patient-" (at) } { (hit.person.name()) " " (list::born(words, hit)) }
                }
            }
        }
    }
}

fn switches(words: &Words, asked: &Asked, own: bool) -> Markup {
    let described = asked.scopes.described();
    let shown = |scope: &String| described.iter().any(|it| it.scope == *scope);
    html! {
        fieldset.switches {
            legend { (words.say("apps-the-app-may")) }
            @for hidden in names(&asked.scopes).filter(|it| !shown(it)) { input type="hidden" name="scope" value=(hidden); }
            @for (at, line) in described.iter().enumerate() {
                div.switch {
                    input type="checkbox" role="switch" name="scope" id={ "scope-" (at) } value=(line.scope) checked;
                    label for={ "scope-" (at) } {
                        (told(&line.words, own))
                        @if line.writes { " " span.chip.notable { (words.say("apps-changes-the-record")) } }
                    }
                }
            }
        }
    }
}

/// The words of scopes speak to patients.
fn told(said: &str, own: bool) -> String {
    if own { said.to_owned() } else { said.replace(" your ", " the patient’s ") }
}

fn sentence(says: &str) -> String {
    let mut letters = says.chars();
    let first: String = letters.next().map(|it| it.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The machine an app lies on, or that it is on this device.
fn place(words: &Words, redirect_uri: &str) -> String {
    match redirect_uri.split_once("://") {
        Some(("https" | "http", rest)) => rest.split(['/', '?']).next().unwrap_or(rest).to_owned(),
        _ => words.say("apps-an-app-on-this-device"),
    }
}

/// The source that a content policy has for an address.
fn source(redirect_uri: &str) -> String {
    match redirect_uri.split_once("://") {
        Some((scheme @ ("https" | "http"), rest)) => {
            format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default())
        }
        _ => format!("{}:", redirect_uri.split(':').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_where_it_leads() {
        let words = crate::locale::Locale::English.words();
        assert_eq!(place(words, "https://app.example:8443/back?x=1"), "app.example:8443");
        assert_eq!(place(words, "com.example.app:/back"), "an app on this device");
        assert_eq!(source("https://app.example:8443/back?x=1"), "https://app.example:8443");
        assert_eq!(source("com.example.app:/back"), "com.example.app:");
    }
}
