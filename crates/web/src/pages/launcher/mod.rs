//! Trying out how apps are opened, with nothing but this server: choose an app, a patient and scopes, open it as from a
//! chart or by itself, and look at the tokens it got. The app that shows them is part of the page.

use crate::assets;
use crate::components::{people as list, shell};
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
        let uri = client.launch_uri.as_deref().ok_or("this app has no launch address")?;
        let joint = if uri.contains('?') { '&' } else { '?' };
        return Ok(format!("{uri}{joint}iss={}{scope}", encoded(&visitor.organisation.fhir_base())));
    }
    let patient = Id::parse(&given.patient).ok_or("choose a patient")?;
    let subject = subject(visitor);
    let address = apps.launch(&visitor.caller, &subject, &given.app, Some(&patient), None, visitor.now).await;
    Ok(format!("{}{scope}", address.map_err(words)?))
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn show(visitor: &Visitor, words: &str, ready: Option<&Ready>) -> Answer {
    let apps = visitor.organisation.apps();
    apps.own_app(visitor.now).await?;
    let clients = apps.launchable(visitor.now).await?;
    let (store, caller) = (&visitor.organisation.store, &visitor.caller);
    let people = match words.is_empty() {
        true => {
            let mut seen = people::these(store, caller, &visitor.recent()).await?;
            seen.extend(people::seen_lately(store, caller, visitor.now, 8).await?);
            seen
        }
        false => people::find(store, caller, words, visitor.now).await?.hits,
    };
    let slug = &visitor.organisation.slug;
    let main = html! {
        div.finder {
            h1 { "App launcher" }
            p.lead { "Open an app as from a chart, or by itself, and see what it is given." }
            p.quiet { "The app acts for you, " (visitor.caller.display) ". To try it as someone else, sign in as them first." }
            @match ready {
                Some(Ok(address)) => p.notice.good role="status" { a #ready href=(address) { "Open the app" } " – the launch is good once, for five minutes." },
                Some(Err(words)) => p.error role="alert" { "The app could not be opened: " (words) "." },
                None => {},
            }
            form.find-form role="search" method="get" action={ "/" (slug) "/launcher" } {
                label for="q" { "Find a patient" }
                div.search-row {
                    input #q type="search" name="q" value=(words) autocomplete="off" spellcheck="false"
                        placeholder="Name, date of birth, MRN or phone";
                    button type="submit" { "Find" }
                }
            }
            (chart(slug, &clients, &people))
            (alone(slug, &clients))
        }
    };
    Ok(shell::page(visitor, "App launcher", main))
}

fn app_choice(id: &str, clients: &[Client]) -> Markup {
    html! {
        div.field {
            label for=(id) { "App" }
            select id=(id) name="app" { @for it in clients { option value=(it.id) selected[it.id == OWN_APP] { (it.name) } } }
        }
    }
}

fn scope_field(id: &str, scopes: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { "Scopes" }
            input id=(id) type="text" name="scope" value=(scopes) autocomplete="off" spellcheck="false" aria-describedby={ (id) "-hint" };
            p.hint id={ (id) "-hint" } { "For the app of this page; other apps ask for their own." }
        }
    }
}

fn chart(slug: &str, clients: &[Client], people: &[Hit]) -> Markup {
    html! {
        section.card aria-labelledby="ehr" {
            header { h2 #ehr { "From a chart" } }
            form.stacked method="post" action={ "/" (slug) "/launcher" } {
                input type="hidden" name="how" value="ehr";
                (app_choice("app-ehr", clients))
                fieldset.choose-patient {
                    legend { "Patient" }
                    @if people.is_empty() { p.empty { "Find a patient first." } }
                    @for (at, hit) in people.iter().enumerate() {
                        div.pick {
                            input type="radio" name="patient" id={ "patient-" (at) } value=(hit.person.id) required checked[at == 0];
                            label for={ "patient-" (at) } { (hit.person.name()) " " (list::born(hit)) }
                        }
                    }
                }
                (scope_field("scope-ehr", SCOPES))
                button.primary type="submit" { "Prepare EHR launch" }
            }
        }
    }
}

fn alone(slug: &str, clients: &[Client]) -> Markup {
    html! {
        section.card aria-labelledby="standalone" {
            header { h2 #standalone { "By itself" } }
            form.stacked method="post" action={ "/" (slug) "/launcher" } {
                input type="hidden" name="how" value="standalone";
                (app_choice("app-standalone", clients))
                (scope_field("scope-standalone", STANDALONE))
                button.primary type="submit" { "Prepare standalone launch" }
            }
        }
    }
}

/// The app: a page that knows nothing but what an app anywhere would know.
pub(crate) async fn app(place: Place) -> Response {
    let main = html! {
        div.sheet.broad {
            h1 { "Launcher app" }
            p #state role="status" { "Starting…" }
            div #told data-client=(OWN_APP) {}
            noscript { p.error { "This app needs JavaScript, as apps do." } }
            p { a href={ "/" (place.organisation.slug) "/launcher" } { "Back to the launcher" } }
            script type="module" src=(assets::address("launcher.js")) {}
        }
    };
    let mut response = shell::outside("Launcher app", place.web.installation.demo, axum::http::StatusCode::OK, main);
    // Our own charts show it in a frame.
    response.headers_mut().insert(axum::http::header::CONTENT_SECURITY_POLICY, crate::headers::framed());
    response
}
