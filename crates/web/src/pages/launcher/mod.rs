//! Trying out how apps are opened, with nothing but this server: choose an app, a patient and scopes, open it as from a
//! chart or by itself, and look at the tokens it got. The app that shows them is part of the page.

use crate::assets;
use crate::components::{people as list, shell};
use crate::locale::Words;
use crate::pages::authorize::subject;
use crate::request::{Answer, Place, Visitor};
use axum::Form;
use axum::extract::Query;
use axum::response::Response;
use care::access::clients::{Client, OWN_APP};
use care::people::{self, Hit};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;

const SCOPES: &str = "launch openid fhirUser profile offline_access patient/*.rs";
const STANDALONE: &str = "launch/patient openid fhirUser profile offline_access patient/*.rs";

#[derive(Deserialize, Default)]
pub(crate) struct Sought {
    #[serde(default)]
    q: String,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    how: String,
    app: String,
    #[serde(default)]
    patient: String,
    #[serde(default)]
    scope: String,
}

pub(crate) async fn page(visitor: Visitor, Query(sought): Query<Sought>) -> Answer {
    show(&visitor, sought.q.trim(), None).await
}

/// An app that can be opened now, or why it cannot.
type Ready = Result<String, String>;

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let ready = prepare(&visitor, &given).await;
    show(&visitor, "", Some(&ready)).await
}

async fn prepare(visitor: &Visitor, given: &Given) -> Ready {
    let apps = visitor.organisation.apps();
    let words = |denial: care::access::apps::Denial| denial.says.to_owned();
    let scope = if given.app == OWN_APP { format!("&scope={}", encoded(given.scope.trim())) } else { String::new() };
    if given.how == "standalone" {
        let client = apps.client(&given.app, visitor.now).await.map_err(words)?;
        let uri = client.launch_uri.as_deref().ok_or_else(|| visitor.words.say("apps-this-app-has-no-launch"))?;
        let joint = if uri.contains('?') { '&' } else { '?' };
        return Ok(format!("{uri}{joint}iss={}{scope}", encoded(&visitor.organisation.fhir_base())));
    }
    let patient = Id::parse(&given.patient).ok_or_else(|| visitor.words.say("apps-choose-a-patient"))?;
    let subject = subject(visitor);
    let address = apps.launch(&visitor.caller, &subject, &given.app, Some(&patient), None, visitor.now).await;
    Ok(format!("{}{scope}", address.map_err(words)?))
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn show(visitor: &Visitor, typed: &str, ready: Option<&Ready>) -> Answer {
    let apps = visitor.organisation.apps();
    apps.own_app(visitor.now).await?;
    let clients = apps.launchable(visitor.now).await?;
    let (store, caller) = (&visitor.organisation.store, &visitor.caller);
    let people = match typed.is_empty() {
        true => {
            let mut seen = people::these(store, caller, &visitor.recent().await?).await?;
            seen.extend(people::seen_lately(store, caller, visitor.now, 8).await?);
            seen
        }
        false => people::find(store, caller, typed, visitor.now).await?.hits,
    };
    let slug = &visitor.organisation.slug;
    let main = html! {
        div.finder {
            h1 { (visitor.words.say("apps-app-launcher")) }
            p.lead { (visitor.words.say("apps-open-an-app-as-from")) }
            p.quiet { (visitor.words.say("apps-the-app-acts-for-you")) " " (visitor.caller.display) (visitor.words.say("apps-to-try-it-as-someone")) }
            @match ready {
                Some(Ok(address)) => p.notice.good role="status" { a #ready href=(address) { (visitor.words.say("apps-open-the-app")) } " " (visitor.words.say("apps-the-launch-is-good-once")) },
                Some(Err(why)) => p.error role="alert" { (visitor.words.say("apps-the-app-could-not-be")) " " (why) "." },
                None => {},
            }
            form.find-form role="search" method="get" action={ "/" (slug) "/launcher" } {
                label for="q" { (visitor.words.say("apps-find-a-patient")) }
                div.search-row {
                    input #q type="search" name="q" value=(typed) autocomplete="off" spellcheck="false"
                        placeholder=(visitor.words.say("apps-name-date-of-birth-mrn"));
                    button type="submit" { (visitor.words.say("apps-find")) }
                }
            }
            (chart(visitor.words, slug, &clients, &people))
            (alone(visitor.words, slug, &clients))
        }
    };
    Ok(shell::page(visitor, visitor.words.say("apps-app-launcher"), main))
}

fn app_choice(words: &Words, id: &str, clients: &[Client]) -> Markup {
    html! {
        div.field {
            label for=(id) { (words.say("apps-app")) }
            select id=(id) name="app" { @for it in clients { option value=(it.id) selected[it.id == OWN_APP] { (it.name) } } }
        }
    }
}

fn scope_field(words: &Words, id: &str, scopes: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (words.say("apps-scopes")) }
            input id=(id) type="text" name="scope" value=(scopes) autocomplete="off" spellcheck="false" aria-describedby={ (id) "-hint" };
            p.hint id={ (id) "-hint" } { (words.say("apps-for-the-app-of-this")) }
        }
    }
}

fn chart(words: &Words, slug: &str, clients: &[Client], people: &[Hit]) -> Markup {
    html! {
        section.card aria-labelledby="ehr" {
            header { h2 #ehr { (words.say("apps-from-a-chart")) } }
            form.stacked method="post" action={ "/" (slug) "/launcher" } {
                input type="hidden" name="how" value="ehr";
                (app_choice(words, "app-ehr", clients))
                fieldset.choose-patient {
                    legend { (words.say("apps-patient")) }
                    @if people.is_empty() { p.empty { (words.say("apps-find-a-patient-first")) } }
                    @for (at, hit) in people.iter().enumerate() {
                        div.pick {
                            input type="radio" name="patient" id={ "patient-" (at) } value=(hit.person.id) required checked[at == 0];
                            label for={ "patient-" (at) } { (hit.person.name()) " " (list::born(words, hit)) }
                        }
                    }
                }
                (scope_field(words, "scope-ehr", SCOPES))
                button.primary type="submit" { (words.say("apps-prepare-ehr-launch")) }
            }
        }
    }
}

fn alone(words: &Words, slug: &str, clients: &[Client]) -> Markup {
    html! {
        section.card aria-labelledby="standalone" {
            header { h2 #standalone { (words.say("apps-by-itself")) } }
            form.stacked method="post" action={ "/" (slug) "/launcher" } {
                input type="hidden" name="how" value="standalone";
                (app_choice(words, "app-standalone", clients))
                (scope_field(words, "scope-standalone", STANDALONE))
                button.primary type="submit" { (words.say("apps-prepare-standalone-launch")) }
            }
        }
    }
}

/// The app: a page that knows nothing but what an app anywhere would know.
pub(crate) async fn app(place: Place) -> Response {
    let main = html! {
        div.sheet.broad {
            h1 { (place.words.say("apps-launcher-app")) }
            p #state role="status" { (place.words.say("apps-starting")) }
            div #told data-client=(OWN_APP) {}
            noscript { p.error { (place.words.say("apps-this-app-needs-javascript-as")) } }
            p { a href={ "/" (place.organisation.slug) "/launcher" } { (place.words.say("apps-back-to-the-launcher")) } }
            script type="module" src=(assets::address("launcher.js")) {}
        }
    };
    let mut response = shell::outside(
        place.words,
        &place.words.say("apps-launcher-app"),
        place.web.installation.demo,
        axum::http::StatusCode::OK,
        main,
    );
    // Our own charts show it in a frame.
    response.headers_mut().insert(axum::http::header::CONTENT_SECURITY_POLICY, crate::headers::framed());
    response
}
