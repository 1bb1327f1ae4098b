//! Apps opened from a chart (screen C-24): the apps that are known here, each in a tab of its own with this patient as
//! its context. An app that lies at our own address may also be shown beside the chart. What an app is allowed is asked
//! by the authorization server, and withdrawn on its pages. SMART App Launch 2.2, EHR launch.

use crate::components::shell::{self, section_address};
use crate::headers;
use crate::pages::authorize::subject;
use crate::pages::orders::{Address, NEEDS};
use crate::request::{Answer, Refusal, Visitor, id};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use care::access::clients::Client;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    /// The app that is shown beside the chart.
    beside: Option<String>,
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(asked): Query<Asked>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let banner = visitor.chart(&patient).banner().await?;
    let apps = visitor.organisation.apps();
    if visitor.web.installation.demo {
        // Where our own address is not one that apps may have, there is no app of ours either.
        apps.own_app(visitor.now).await.ok();
    }
    let clients = apps.launchable(visitor.now).await?;
    let at = section_address(&visitor.address_of(patient.as_str()), "apps");
    let beside =
        asked.beside.as_deref().and_then(|it| clients.iter().find(|client| client.id == it && near(&visitor, client)));
    let main = html! {
        header.section-head { h1 { (words.say("orders-apps")) } }
        p.lead { (words.say("orders-apps-lead")) }
        @if clients.is_empty() { p.empty { (words.say("orders-apps-none")) } }
        ul.lines.apps {
            @for client in &clients {
                li.line.tall {
                    span.main { (client.name) }
                    span.side {
                        a href={ (at) "/" (client.id) } target="_blank" rel="noopener" { (words.say("orders-apps-open")) span.spoken { " " (client.name) } }
                        @if near(&visitor, client) {
                            " " a href={ (at) "?beside=" (client.id) } { (words.say("orders-apps-beside")) span.spoken { " " (client.name) } }
                        }
                    }
                }
            }
        }
        @if let Some(client) = beside { (drawer(&visitor, &at, client)) }
    };
    let mut response = shell::chart(&visitor, &banner, "apps", (words.say("orders-apps"), NEEDS), main);
    if beside.is_some() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, headers::framing());
    }
    Ok(response)
}

/// Only what lies at our own address is shown in a frame: a browser gives others no session there.
fn near(visitor: &Visitor, client: &Client) -> bool {
    client.launch_uri.as_deref().is_some_and(|it| it.starts_with(&format!("{}/", visitor.organisation.base)))
}

fn drawer(visitor: &Visitor, at: &str, client: &Client) -> Markup {
    html! {
        aside.app-drawer aria-label=(client.name) {
            header { h2 { (client.name) } a href=(at) { (visitor.words.say("orders-apps-close")) } }
            iframe src={ (at) "/" (client.id) } title=(client.name) {}
        }
    }
}

/// Opens an app with this patient. Only from a page of ours: another site cannot make somebody open a chart in an app.
pub(crate) async fn open(
    visitor: Visitor,
    Path((_, patient, app)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let patient = id(&patient)?;
    let site = headers.get("sec-fetch-site").and_then(|it| it.to_str().ok()).unwrap_or("same-origin");
    if !matches!(site, "same-origin" | "none") {
        return Err(Refusal::NotFound);
    }
    let apps = visitor.organisation.apps();
    let ready = apps.launch(&visitor.caller, &subject(&visitor), &app, Some(&patient), None, visitor.now).await?;
    Ok(gone_to(&ready))
}

fn gone_to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, address.to_owned())]).into_response()
}
