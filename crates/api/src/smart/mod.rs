//! The authorization server of each organisation, under `/{org}/auth`, and what tells apps where to find it. What may be
//! asked and given is decided in `care::access`; here is only how it looks on the wire.
//!
//! One table says which addresses there are and who may use each.
//!
//! SMART App Launch 2.2, RFC 6749, RFC 7009, RFC 7591, RFC 7662, RFC 8414, OpenID Connect Discovery.

pub(crate) mod cors;
mod discovery;
mod endpoints;
mod form;

use crate::Label;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use care::{Installation, Organisation};
use http::{HeaderValue, Method, Request, StatusCode, header};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Who may use an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anyone: it tells nothing that is not public.
    Open,
    /// Anyone may ask; a person who signs in answers.
    Asks,
    /// A registered client that proves itself.
    Client,
    /// Whoever holds an access token.
    Token,
    /// Anyone may apply; an administrator decides.
    Applies,
}

/// From which web pages an address may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    AnyPage,
    /// Those of registered apps.
    Registered,
    /// A browser goes there itself; scripts do not.
    NoPage,
}

/// What a handler is given.
pub(crate) struct Call {
    pub(crate) organisation: Arc<Organisation>,
    pub(crate) parts: http::request::Parts,
    /// None when it is too large or did not arrive whole.
    pub(crate) body: Option<Bytes>,
    pub(crate) now: i64,
}

/// The largest body taken: room for a client assertion or a set of keys, and nothing like a file.
const LARGEST: usize = 64 * 1024;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) methods: &'static [&'static str],
    pub(crate) policy: Policy,
    pub(crate) label: Label,
    from: From,
    answer: fn(Call) -> Answering,
}

const fn endpoint(
    path: &'static str,
    methods: &'static [&'static str],
    policy: Policy,
    from: From,
    label: &'static str,
    answer: fn(Call) -> Answering,
) -> Endpoint {
    Endpoint { path, methods, policy, label: Label(label), from, answer }
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "POST"];

#[rustfmt::skip]
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint("/{org}/fhir/.well-known/smart-configuration",  GET,  Policy::Open,    From::AnyPage,    "discovery",  |it| Box::pin(discovery::smart(it))),
    endpoint("/{org}/auth/.well-known/openid-configuration", GET,  Policy::Open,    From::AnyPage,    "discovery",  |it| Box::pin(discovery::openid(it))),
    endpoint("/.well-known/oauth-authorization-server/{org}/auth", GET, Policy::Open, From::AnyPage,  "discovery",  |it| Box::pin(discovery::openid(it))),
    endpoint("/.well-known/openid-configuration/{org}/auth", GET,  Policy::Open,    From::AnyPage,    "discovery",  |it| Box::pin(discovery::openid(it))),
    endpoint("/{org}/auth/jwks.json",                        GET,  Policy::Open,    From::AnyPage,    "jwks",       |it| Box::pin(endpoints::jwks(it))),
    endpoint("/{org}/auth/smart-style.json",                 GET,  Policy::Open,    From::AnyPage,    "discovery",  |it| Box::pin(discovery::style(it))),
    endpoint("/{org}/auth/authorize",                        BOTH, Policy::Asks,    From::NoPage,     "authorize",  |it| Box::pin(endpoints::authorize(it))),
    endpoint("/{org}/auth/token",                            POST, Policy::Client,  From::Registered, "token",      |it| Box::pin(endpoints::token(it))),
    endpoint("/{org}/auth/introspect",                       POST, Policy::Client,  From::Registered, "introspect", |it| Box::pin(endpoints::introspect(it))),
    endpoint("/{org}/auth/revoke",                           POST, Policy::Client,  From::Registered, "revoke",     |it| Box::pin(endpoints::revoke(it))),
    endpoint("/{org}/auth/userinfo",                         BOTH, Policy::Token,   From::Registered, "userinfo",   |it| Box::pin(endpoints::user_info(it))),
    endpoint("/{org}/auth/register",                         POST, Policy::Applies, From::NoPage,     "register",   |it| Box::pin(endpoints::register(it))),
];

/// Every address of the authorization server with who may use it.
pub fn endpoints() -> Vec<(&'static str, String)> {
    ENDPOINTS.iter().map(|it| (it.path, format!("{:?}", it.policy))).collect()
}

pub(crate) fn routes(installation: &Installation) -> Router {
    let organisations: HashMap<String, Arc<Organisation>> =
        installation.organisations.iter().map(|it| (it.slug.clone(), it.clone())).collect();
    let organisations = Arc::new(organisations);
    ENDPOINTS.iter().fold(Router::new(), |router, endpoint| {
        let organisations = organisations.clone();
        let answer = move |Path(org): Path<String>, request: Request<Body>| {
            let organisation = organisations.get(&org).cloned();
            async move {
                match organisation {
                    Some(organisation) => enter(endpoint, organisation, request).await,
                    None => plain(StatusCode::NOT_FOUND, "no organisation has this address\n"),
                }
            }
        };
        router.route(endpoint.path, any(answer))
    })
}

async fn enter(endpoint: &'static Endpoint, organisation: Arc<Organisation>, request: Request<Body>) -> Response {
    let now = organisation.now();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        cors::preflight(endpoint.methods)
    } else if endpoint.methods.contains(&request.method().as_str())
        || (request.method() == Method::HEAD && endpoint.methods.contains(&"GET"))
    {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LARGEST).await.ok();
        (endpoint.answer)(Call { organisation: organisation.clone(), parts, body, now }).await
    } else {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "this address does not answer that method\n");
        let allow = HeaderValue::from_str(&endpoint.methods.join(", ")).expect("method names are header text");
        refused.headers_mut().insert(header::ALLOW, allow);
        refused
    };
    cors::permit(endpoint.from, &organisation, origin.as_ref(), response.headers_mut(), now).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(endpoint.label);
    response
}

pub(crate) fn plain(status: StatusCode, words: &'static str) -> Response {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(crate::reply::json_text(value)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scripts_of_any_page_may_read_is_public() {
        for endpoint in ENDPOINTS {
            assert_eq!(endpoint.from == From::AnyPage, endpoint.policy == Policy::Open, "{}", endpoint.path);
            assert!(!endpoint.label.0.is_empty() && endpoint.path.contains("{org}"), "{}", endpoint.path);
        }
    }
}
