//! May this app? The person sees who asks, whose record it is about and, line by line, what for; each line has a switch.
//! Whatever they answer, the app is told; nothing is given by looking at this page.
//!
//! SMART App Launch 2.2 (launch sequences), screens P-11 and C-40.

use crate::components::{people as list, shell};
use crate::headers;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
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
    shell::refused(
        StatusCode::GONE,
        "This question is no longer open",
        "It was answered, or it waited for more than ten minutes. Open the app again to be asked anew.",
    )
}

async fn show(visitor: &Visitor, handle: &str, words: &str, wrong: Option<&Denial>) -> Answer {
    let apps = visitor.organisation.apps();
    let Some(asked) = apps.asked(handle, visitor.now) else { return Ok(too_old()) };
    let subject = subject(visitor);
    let people = candidates(visitor, &asked, &subject, words).await?;
    let own = !subject.is_staff();
    let client = &asked.client;
    let address = format!("/{}/authorize/{handle}", visitor.organisation.slug);
    let main = html! {
        div.finder {
            h1 { "Connect " (client.name) "?" }
            p.lead {
                @if own { "This app asks to use your record." } @else { "This app asks to act for you, " (visitor.caller.display) "." }
            }
            p.quiet { "It will take you to " strong { (place(&asked.redirect_uri)) } ". Only go on if you opened it yourself and trust it." }
            @if let Some(wrong) = wrong { p.error role="alert" { (sentence(wrong.says)) } }
            @if asked.needs_patient() && !own { (search(&address, words)) }
            form.stacked method="post" action=(address) {
                @if let Some(launched) = asked.patient() { (whose("The record that is open", &people, launched)) }
                @else if asked.needs_patient() { (choose(&people, words, own)) }
                (switches(&asked, own))
                div.row {
                    button.primary type="submit" name="answer" value="allow" { "Allow" }
                    " "
                    button type="submit" name="answer" value="refuse" formnovalidate { "Do not allow" }
                }
            }
            p.help {
                @if own { "You can take this back at any time under Connected apps." }
                @else { "The app never sees more than you may see yourself. Every look is in the audit log." }
            }
        }
    };
    let mut response = shell::page(visitor, &format!("Connect {}", client.name), main);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, headers::leading_to(&source(&asked.redirect_uri)));
    Ok(response)
}

/// Whose record it may be about: that of the launch, one's own, or those that were searched for.
async fn candidates(visitor: &Visitor, asked: &Asked, subject: &Subject, words: &str) -> Result<Vec<Hit>, Refusal> {
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
    if words.is_empty() {
        return Ok(people::these(store, caller, &visitor.recent().await?).await?);
    }
    Ok(people::find(store, caller, words, visitor.now).await?.hits)
}

fn search(address: &str, words: &str) -> Markup {
    html! {
        form.find-form role="search" method="get" action=(address) {
            label for="q" { "Find the patient whose record the app may use" }
            div.search-row {
                input #q type="search" name="q" value=(words) autocomplete="off" spellcheck="false"
                    placeholder="Name, date of birth, MRN or phone";
                button type="submit" { "Find" }
            }
        }
    }
}

fn whose(title: &str, people: &[Hit], id: &str) -> Markup {
    html! {
        section aria-labelledby="whose" {
            h2 #whose { (title) }
            @match people.iter().find(|it| it.person.id == id) {
                Some(hit) => p { strong { (hit.person.name()) } " " (list::born(words, hit)) },
                None => p.empty { "You may not see this record, so the app would see nothing of it." },
            }
        }
    }
}

fn choose(people: &[Hit], words: &str, own: bool) -> Markup {
    html! {
        fieldset.choose-patient {
            legend { @if own { "Whose record may it use?" } @else { "Whose record is it about?" } }
            @if people.is_empty() {
                p.empty { @if words.is_empty() { "Find a patient first." } @else { "Nobody found. Try fewer letters." } }
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

fn switches(asked: &Asked, own: bool) -> Markup {
    let described = asked.scopes.described();
    let shown = |scope: &String| described.iter().any(|it| it.scope == *scope);
    html! {
        fieldset.switches {
            legend { "The app may" }
            @for hidden in names(&asked.scopes).filter(|it| !shown(it)) { input type="hidden" name="scope" value=(hidden); }
            @for (at, line) in described.iter().enumerate() {
                div.switch {
                    input type="checkbox" role="switch" name="scope" id={ "scope-" (at) } value=(line.scope) checked;
                    label for={ "scope-" (at) } {
                        (words(&line.words, own))
                        @if line.writes { " " span.chip.notable { "Changes the record" } }
                    }
                }
            }
        }
    }
}

/// The words of scopes speak to patients.
fn words(words: &str, own: bool) -> String {
    if own { words.to_owned() } else { words.replace(" your ", " the patient’s ") }
}

fn sentence(says: &str) -> String {
    let mut letters = says.chars();
    let first: String = letters.next().map(|it| it.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The machine an app lies on, or that it is on this device.
fn place(redirect_uri: &str) -> String {
    match redirect_uri.split_once("://") {
        Some(("https" | "http", rest)) => rest.split(['/', '?']).next().unwrap_or(rest).to_owned(),
        _ => "an app on this device".to_owned(),
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
        assert_eq!(place("https://app.example:8443/back?x=1"), "app.example:8443");
        assert_eq!(place("com.example.app:/back"), "an app on this device");
        assert_eq!(source("https://app.example:8443/back?x=1"), "https://app.example:8443");
        assert_eq!(source("com.example.app:/back"), "com.example.app:");
    }
}
