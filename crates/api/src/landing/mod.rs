//! The FHIR API for people with a browser: a page at the base, every answer as readable HTML with its
//! references as links, the history of a resource and what changed between two versions. Server-rendered,
//! without a script; narrative of others is cleaned before it is shown.

mod differences;
mod frame;
mod tree;

use crate::door::Door;
use crate::fhir::{self, Ask, query};
use crate::refusal::{Answer, Refusal};
use crate::reply::{Answered, json_text};
use crate::routes::{Interaction, Matched};
use ::fhir::issue::operation_outcome;
use ::fhir::{IssueCode, ResourceType};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use frame::{Link, frame};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde_json::Value;
use store::{HistoryQuery, HistoryScope};

/// Below the FHIR base.
pub(crate) const STYLE_PATH: &str = "_style.css";

/// Only our own style and images; no script at all, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The parameter of a version's page that names the version to compare with.
const COMPARE: &str = "_compare";

pub(crate) fn style() -> Response {
    let mut response = Response::new(Body::from(include_str!("style.css")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Any GET of a browser.
pub(crate) async fn page(mut ask: Ask<'_>) -> Answer<Response> {
    let door = ask.door;
    match ask.matched.interaction {
        Interaction::SearchSystem if ask.pairs.is_empty() => return Ok(respond(StatusCode::OK, base(door))),
        Interaction::HistoryInstance => return history(ask).await,
        Interaction::VersionRead => {
            if let Some(at) = ask.pairs.iter().position(|(name, _)| name == COMPARE) {
                let (_, other) = ask.pairs.remove(at);
                return compare(ask, &other).await;
            }
        }
        _ => {}
    }
    let shown = shown(&ask.matched);
    let question = query::encode(&ask.pairs);
    let reply = fhir::answer(ask).await?;
    let Some(text) = reply.text() else { return Ok(respond(reply.status, frame(door, "Nothing here", &[], html! {}))) };
    let mut title = shown.title.clone();
    if !question.is_empty() {
        title.push_str(" search");
    }
    let body = matches!(reply.content, Answered::Resource(_)).then_some(reply.version).flatten();
    Ok(resource_page(door, &title, &shown.links(door), &text, body))
}

/// A resource that needs no reading from the store.
pub(crate) fn resource(door: &Door, matched: &Matched, text: &Bytes, version: Option<u64>) -> Response {
    let shown = shown(matched);
    resource_page(door, &shown.title, &shown.links(door), text, version)
}

/// A refusal as a page; a browser nobody has signed in with is sent to sign in.
pub(crate) fn refused(door: &Door, parts: &http::request::Parts, refusal: Refusal) -> Response {
    if refusal.status == StatusCode::UNAUTHORIZED && !parts.headers.contains_key(header::AUTHORIZATION) {
        let mut next = String::new();
        query::push_encoded(&mut next, parts.uri.path_and_query().map_or("/", |it| it.as_str()));
        let to = format!("{}/{}?next={next}", door.organisation.base, door.settings.sign_in);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        if let Ok(to) = HeaderValue::from_str(&to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
        return response;
    }
    let text = json_text(&operation_outcome(&refusal.issues));
    let title = refusal.status.canonical_reason().unwrap_or("Refused");
    let body = tree::of_text(door, &text);
    let mut response = respond(refusal.status, frame(door, title, &[], body));
    for (name, value) in refusal.headers {
        response.headers_mut().insert(name, value);
    }
    response
}

fn respond(status: StatusCode, page: Markup) -> Response {
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization, cookie"));
    response
}

/// What a page is about.
struct Shown {
    title: String,
    key: Option<String>,
    kind: Option<ResourceType>,
}

fn shown(matched: &Matched) -> Shown {
    let key = matched.id.as_ref().and(matched.kind).map(|_| matched.key().to_string());
    let title = match (&key, matched.kind, &matched.version) {
        (Some(key), _, Some(version)) => format!("{key} version {version}"),
        (Some(key), _, None) => key.clone(),
        (None, Some(kind), _) => kind.to_string(),
        (None, None, _) if matched.interaction == Interaction::Capabilities => "What this server does".into(),
        (None, None, _) => "All types".into(),
    };
    Shown { title, key, kind: matched.kind }
}

impl Shown {
    fn links(&self, door: &Door) -> Vec<Link> {
        let mut links = Vec::new();
        if let Some(kind) = self.kind {
            links.push(Link::new(format!("all {kind}"), format!("{}/{kind}", door.base)));
        }
        if let Some(key) = &self.key {
            links.push(Link::new(key.clone(), format!("{}/{key}", door.base)));
            links.push(Link::new("history".into(), format!("{}/{key}/_history", door.base)));
            if ::fhir::tables::compartment(key.split('/').next().unwrap_or("")).is_some() {
                links.push(Link::new("compartment".into(), format!("{}/{key}/*", door.base)));
            }
        }
        links
    }
}

fn resource_page(door: &Door, title: &str, links: &[Link], text: &Bytes, version: Option<u64>) -> Response {
    let value: Value = serde_json::from_slice(text).unwrap_or(Value::Null);
    let body = html! {
        @if let Some(version) = version { p.note { "Version " (version) } }
        @if let Some(narrative) = value.pointer("/text/div").and_then(Value::as_str) {
            section.narrative aria-label="Narrative" { (tree::narrative(narrative)) }
        }
        (tree::pages(&value))
        section aria-label="Content" { (tree::of_value(door, &value)) }
    };
    respond(StatusCode::OK, frame(door, title, links, body))
}

fn base(door: &Door) -> Markup {
    let types = ResourceType::all();
    let body = html! {
        p { "This is the FHIR R4 (4.0.1) address of " (door.organisation.name) ". Programs send a bearer token and \
             get JSON; here every answer is shown as a page." }
        dl.facts {
            dt { "Base" } dd { code { (door.base) } }
            dt { "Capabilities" } dd { a href=(format!("{}/metadata?_format=html", door.base)) { "metadata" } }
            dt { "Everything that happened" } dd { a href=(format!("{}/_history", door.base)) { "history" } }
        }
        @if door.demo { p.note { "A demonstration: none of these people are real." } }
        h2 { "Resource types" }
        ul.types { @for kind in types { li { a href=(format!("{}/{kind}", door.base)) { (kind.name()) } } } }
    };
    frame(door, "FHIR API", &[], body)
}

/// The versions of a resource, each with what changed in it.
async fn history(ask: Ask<'_>) -> Answer<Response> {
    let door = ask.door;
    let key = ask.matched.key();
    fhir::refuse_rest(&ask.pairs)?;
    let count = door.settings.max_count;
    let wanted =
        HistoryQuery { scope: HistoryScope::Instance(key.clone()), since: None, at: None, count, cursor: None };
    let page = door.store().history(ask.caller, &wanted).await?;
    if page.versions.is_empty() {
        door.store().read(ask.caller, &key).await?;
    }
    let address = |version: u64| format!("{}/{key}/_history/{version}", door.base);
    let body = html! {
        table {
            thead { tr { th scope="col" { "Version" } th scope="col" { "Written" } th scope="col" { "Changes" } } }
            tbody {
                @for (at, stored) in page.versions.iter().enumerate() {
                    tr {
                        td {
                            @if stored.deleted { (stored.version) " (deleted)" }
                            @else { a href=(address(stored.version)) { (stored.version) } }
                        }
                        td { (fhir::headers::instant(stored.at)) }
                        td {
                            @match page.versions.get(at + 1) {
                                Some(before) if !stored.deleted && !before.deleted => {
                                    a href=(format!("{}?{COMPARE}={}", address(stored.version), before.version)) {
                                        "since version " (before.version)
                                    }
                                }
                                _ => { "–" }
                            }
                        }
                    }
                }
            }
        }
    };
    let links = shown(&ask.matched).links(door);
    Ok(respond(StatusCode::OK, frame(door, &format!("History of {key}"), &links, body)))
}

async fn compare(ask: Ask<'_>, other: &str) -> Answer<Response> {
    let door = ask.door;
    fhir::refuse_rest(&ask.pairs)?;
    let key = ask.matched.key();
    let version = ask.matched.version.as_deref().expect("this route names a version");
    let after = door.store().vread(ask.caller, &key, version).await?;
    let before = door.store().vread(ask.caller, &key, other).await?;
    if after.deleted || before.deleted {
        let says = "one of the two versions is a deletion: there is nothing to compare";
        return Err(Refusal::new(StatusCode::GONE, IssueCode::Deleted, says));
    }
    let body = differences::table(&before.value(), &after.value());
    let title = format!("{key}: version {} compared with {}", after.version, before.version);
    Ok(respond(StatusCode::OK, frame(door, &title, &shown(&ask.matched).links(door), body)))
}
