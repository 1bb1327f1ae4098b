//! The door of each organisation: takes an HTTP request apart, finds who asks and what, and turns the
//! answer or the refusal into a response. Nothing here knows what an interaction does.

use crate::auth;
use crate::capability;
use crate::fhir::headers::Conditions;
use crate::fhir::negotiate::{self, Content, Wanted};
use crate::fhir::{self, Ask, query};
use crate::landing;
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use crate::routes::{self, Interaction, Label, Verb};
use crate::settings::ApiSettings;
use crate::smart::{self, From, cors};
use ::fhir::IssueCode;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use care::{Installation, Organisation};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::decompression::RequestDecompressionLayer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The FHIR API of every organisation of the installation, each under `/{org}/fhir`.
pub fn router(installation: Installation, settings: ApiSettings) -> Router {
    let settings = Arc::new(settings);
    let requests = match installation.organisations.first() {
        Some(any) => any.surroundings.new_id().chars().filter(char::is_ascii_alphanumeric).take(24).collect(),
        None => String::new(),
    };
    let doors = installation
        .organisations
        .iter()
        .map(|organisation| {
            let door = Door {
                base: organisation.fhir_base(),
                organisation: organisation.clone(),
                settings: settings.clone(),
                capability: capability::Cache::default(),
                demo: installation.demo,
            };
            (organisation.slug.clone(), door)
        })
        .collect();
    let api = Arc::new(Api { doors, requests, count: AtomicU64::new(1) });
    let smart = smart::routes(&installation);
    let fhir = Router::new()
        .route("/{org}/fhir", any(enter))
        .route("/{org}/fhir/", any(enter))
        .route("/{org}/fhir/{*path}", any(enter))
        // Small answers are quicker sent than packed.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(1024)))
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .with_state(api);
    fhir.merge(smart).merge(crate::lines::routes(&installation))
}

struct Api {
    doors: HashMap<String, Door>,
    /// Request ids are this and a number: unique, and cheap to make.
    requests: String,
    count: AtomicU64,
}

/// One organisation's FHIR API.
pub(crate) struct Door {
    pub(crate) organisation: Arc<Organisation>,
    /// The FHIR base address, without a slash at the end.
    pub(crate) base: String,
    pub(crate) settings: Arc<ApiSettings>,
    pub(crate) capability: capability::Cache,
    pub(crate) demo: bool,
}

impl Door {
    pub(crate) fn store(&self) -> &store::Store {
        &self.organisation.store
    }

    pub(crate) fn now(&self) -> i64 {
        self.organisation.now()
    }

    pub(crate) fn new_id(&self) -> ::fhir::Id {
        ::fhir::Id::parse(&self.organisation.surroundings.new_id()).expect("the surroundings make FHIR ids")
    }
}

async fn enter(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    let id = api.request_id(request.headers());
    let head = request.method() == Method::HEAD;
    let origin = request.headers().get(header::ORIGIN).cloned();
    if request.method() == Method::OPTIONS && origin.is_some() {
        let preflight = cors::preflight(&["GET", "POST", "PUT", "PATCH", "DELETE"]);
        return api.permitted(request.uri().path(), origin, preflight).await;
    }
    let path = origin.is_some().then(|| request.uri().path().to_owned());
    let served = AssertUnwindSafe(api.serve(&id, request)).catch_unwind().await;
    let mut response = served.unwrap_or_else(|_| {
        tracing::error!(request = %id, "a bug ended this request; the panic message above names the place");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            IssueCode::Exception,
            format!("a bug ended this request; tell the operator its X-Request-Id: {id}"),
        )
        .into_response("", false)
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(path) = path {
        response = api.permitted(&path, origin, response).await;
    }
    if head { without_body(response) } else { response }
}

/// HEAD: the headers of GET, its length among them, and no body (RFC 9110, 9.3.2).
fn without_body(response: Response) -> Response {
    use axum::body::HttpBody;
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

impl Api {
    /// With the headers that let pages of registered apps read it.
    async fn permitted(&self, path: &str, origin: Option<HeaderValue>, mut response: Response) -> Response {
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        let door = parts.next().and_then(|slug| self.doors.get(slug));
        let open = parts.nth(1) == Some("metadata");
        if let Some(door) = door {
            let from = if open { From::AnyPage } else { From::Registered };
            cors::permit(from, &door.organisation, origin.as_ref(), response.headers_mut(), door.now()).await;
        }
        response
    }

    /// The caller's own id when it is sane, otherwise a new one.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| {
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        });
        match given {
            Some(text) => text.to_owned(),
            None => format!("{}-{:x}", self.requests, self.count.fetch_add(1, Ordering::Relaxed)),
        }
    }

    async fn serve(&self, request_id: &str, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        // `/riverside/fhir/Patient/7` → `riverside`, `Patient/7`.
        let path = parts.uri.path().strip_prefix('/').unwrap_or("");
        let (slug, rest) = path.split_once('/').unwrap_or((path, ""));
        let Some(door) = self.doors.get(slug) else {
            let refusal = Refusal::new(StatusCode::NOT_FOUND, IssueCode::NotFound, "no organisation has this address");
            return refusal.into_response("", false);
        };
        let rest = rest.strip_prefix("fhir").unwrap_or(rest);
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest == landing::STYLE_PATH && parts.method == Method::GET {
            return landing::style();
        }

        let mut wanted = Wanted::default();
        let mut label = Label("refused");
        let served = door.serve(request_id, &parts, rest, body, &mut wanted, &mut label).await;
        let mut response = match served {
            Ok(response) => response,
            Err(refusal) if wanted.html => landing::refused(door, &parts, refusal),
            Err(refusal) => refusal.into_response(&door.base, wanted.pretty),
        };
        response.extensions_mut().insert(label);
        response
    }
}

impl Door {
    async fn serve(
        &self,
        request_id: &str,
        parts: &http::request::Parts,
        path: &str,
        body: Body,
        wanted: &mut Wanted,
        label: &mut Label,
    ) -> Answer<Response> {
        let verb = Verb::of(&parts.method);
        let query = parts.uri.query().unwrap_or("");
        if query.len() > self.settings.query_limit {
            return Err(Refusal::new(
                StatusCode::URI_TOO_LONG,
                IssueCode::TooLong,
                format!(
                    "the query part may have {} bytes; send long searches with POST _search",
                    self.settings.query_limit
                ),
            ));
        }
        let mut pairs = if query.is_empty() { Vec::new() } else { query::parse(query)? };
        *wanted = negotiate::wanted(&parts.headers, &mut pairs)?;
        // Pages are for looking; whatever a browser's script sends is answered to a machine.
        wanted.html &= verb == Some(Verb::Get);
        let verb = verb.ok_or_else(|| routes::wrong_method(&[Verb::Get, Verb::Post, Verb::Put, Verb::Delete]))?;

        // Who asks comes before what: an address tells nothing to nobody.
        let matched = routes::resolve(verb, path);
        if let Ok(matched) = &matched {
            *label = matched.label;
        }
        let open = matches!(&matched, Ok(matched) if matched.interaction.is_open());
        let caller = match auth::caller(&self.organisation, &parts.headers, wanted.html).await {
            Ok(caller) => Some(caller.with_request(request_id)),
            Err(_) if open => None,
            Err(refusal) => return Err(refusal),
        };
        let matched = matched?;
        if matched.interaction == Interaction::Capabilities {
            fhir::refuse_rest(&pairs)?;
            let statement = capability::statement(self);
            return Ok(match wanted.html {
                true => landing::resource(self, &matched, &statement, None),
                false => Reply::resource(statement).into_response(&self.base, wanted.pretty),
            });
        }
        let caller = caller.expect("only metadata is open");

        let content = match verb {
            Verb::Get | Verb::Delete => Content::None,
            _ => Content::of(&parts.headers, self.read_body(&parts.headers, body).await?),
        };
        let conditions = Conditions::of(&parts.headers)?;
        if wanted.html {
            let ask = Ask { door: self, caller: &caller, matched, pairs, conditions, content };
            return landing::page(ask).await;
        }
        let ask = Ask { door: self, caller: &caller, matched, pairs, conditions, content };
        Ok(fhir::answer(ask).await?.into_response(&self.base, wanted.pretty))
    }

    async fn read_body(&self, headers: &HeaderMap, body: Body) -> Answer<Bytes> {
        // Whatever the decompression understood it has taken off.
        if let Some(coding) = headers.get(header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
            let _ = coding;
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                IssueCode::NotSupported,
                "send the body as it is, or with Content-Encoding: gzip",
            ));
        }
        let limit = self.settings.body_limit;
        let too_long = || {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                IssueCode::TooLong,
                format!("a body may have {limit} bytes; send a large bundle in parts"),
            )
        };
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_long());
        }
        axum::body::to_bytes(body, limit).await.map_err(|error| {
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                if error.to_string().contains("length limit") {
                    return too_long();
                }
                cause = error.source();
            }
            Refusal::invalid("the body did not arrive whole, or its compression is damaged")
        })
    }
}
