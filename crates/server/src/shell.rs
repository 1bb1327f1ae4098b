//! What stands around every route: counting, logging, request ids, health, metrics, and a polite no while
//! the program is still starting.

use crate::health::{Health, Stage};
use crate::logs::Requests;
use crate::metrics::{Gauge, Metrics, resident_bytes};
use crate::places::Place;
use crate::route::Route;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use care::Installation;
use care::organisation::Surroundings;
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

/// Slower than this is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

pub(crate) struct Shell {
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    /// Who asks for metrics must bring it; without one, callers on this machine only.
    pub(crate) metrics_token: Option<String>,
    pub(crate) behind_proxy: bool,
    pub(crate) places: Vec<Place>,
    pub(crate) world: Arc<crate::world::World>,
    inside: OnceLock<(Installation, Router)>,
}

impl Shell {
    pub(crate) fn new(
        health: Health,
        requests: Requests,
        metrics_token: Option<String>,
        behind_proxy: bool,
        places: Vec<Place>,
        world: Arc<crate::world::World>,
    ) -> Shell {
        let (metrics, inside) = (Metrics::new(), OnceLock::new());
        Shell { health, metrics, requests, metrics_token, behind_proxy, places, world, inside }
    }

    /// Lets requests in.
    pub(crate) fn open(&self, installation: Installation, router: Router) {
        if self.inside.set((installation, router)).is_ok() {
            self.health.enter(Stage::Serving);
        }
    }

    fn installation(&self) -> Option<&Installation> {
        self.inside.get().map(|(installation, _)| installation)
    }

    pub(crate) async fn close(&self) {
        for organisation in self.installation().iter().flat_map(|it| &it.organisations) {
            organisation.store.close().await;
        }
    }
}

/// Who may use an address of the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Anyone: it says whether we are well, and only on this machine why not.
    Probe,
    /// Whoever brings the token of the settings; without one, callers on this machine.
    Operator,
}

pub(crate) struct Own {
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    answer: fn() -> MethodRouter<Arc<Shell>>,
}

const fn own(path: &'static str, policy: Policy, answer: fn() -> MethodRouter<Arc<Shell>>) -> Own {
    Own { path, policy, answer }
}

/// The addresses of the program itself. All others belong to the API and the pages, which have tables of their own.
pub(crate) const OWN: [Own; 4] = [
    own("/livez", Policy::Probe, || get(async || "alive\n")),
    own("/readyz", Policy::Probe, || get(ready)),
    own("/healthz", Policy::Probe, || get(ready)),
    own("/metrics", Policy::Operator, || get(metrics)),
];

pub(crate) fn router(shell: Arc<Shell>) -> Router {
    let guarded = |own: &Own| match own.policy {
        Policy::Probe => (own.answer)(),
        Policy::Operator => (own.answer)().layer(from_fn_with_state(shell.clone(), operator)),
    };
    OWN.iter()
        .fold(Router::new(), |router, own| router.route(own.path, guarded(own)))
        .fallback(inside)
        .layer(CatchPanicLayer::custom(|_| trouble()))
        .layer(from_fn_with_state(shell.clone(), observe))
        .with_state(shell)
}

/// Whoever asks from this machine itself. Behind a proxy everyone seems to, so then nobody counts as such.
fn is_here(shell: &Shell, peer: SocketAddr) -> bool {
    peer.ip().is_loopback() && !shell.behind_proxy
}

async fn ready(State(shell): State<Arc<Shell>>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    let (ready, report) = shell.health.ready(shell.installation()).await;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let told = if is_here(&shell, peer) { report } else { json!({ "ready": ready }) };
    (status, Json(told)).into_response()
}

async fn metrics(State(shell): State<Arc<Shell>>) -> Response {
    let page = shell.metrics.page(&gauges(&shell));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

/// Lets in whom [`Policy::Operator`] admits.
async fn operator(
    State(shell): State<Arc<Shell>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let brought = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    let may = match &shell.metrics_token {
        None => is_here(&shell, peer),
        // Digests are compared, so the time it takes says nothing about the token.
        Some(token) => brought.is_some_and(|it| same(it, token)),
    };
    if !may {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, challenge, "bring the token that is set as metrics.token\n").into_response();
    }
    next.run(request).await
}

fn same(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}

fn gauges(shell: &Shell) -> Vec<Gauge> {
    let size = |place: &Place| {
        let file = place.file()?;
        let wal = file.with_file_name(format!("{}-wal", file.file_name()?.to_string_lossy()));
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |it| it.len());
        Some((place.slug.clone(), (bytes(file) + bytes(&wal)) as f64))
    };
    let mut gauges = vec![Gauge {
        name: "continuo_store_bytes",
        help: "Size of an embedded store on disk, with its write-ahead log.",
        values: shell.places.iter().filter_map(size).collect(),
    }];
    if let Some(bytes) = resident_bytes() {
        let values = vec![(String::new(), bytes as f64)];
        gauges.push(Gauge { name: "continuo_resident_bytes", help: "Memory in use.", values });
    }
    gauges
}

/// Everything else: the API and the pages, once they are there.
async fn inside(State(shell): State<Arc<Shell>>, request: Request) -> Response {
    match shell.inside.get() {
        Some((_, router)) => router.clone().oneshot(request).await.into_response(),
        None => {
            let retry = [(header::RETRY_AFTER, "1")];
            let outcome = outcome("transient", "The server is still starting; try again in a moment.");
            (StatusCode::SERVICE_UNAVAILABLE, retry, outcome).into_response()
        }
    }
}

/// A fault of ours. The log knows what happened; the client is told nothing of it.
fn trouble() -> Response<Body> {
    let outcome =
        outcome("exception", "The server failed to answer. The operator finds this request in the log by its id.");
    (StatusCode::INTERNAL_SERVER_ERROR, outcome).into_response()
}

fn outcome(code: &str, diagnostics: &str) -> Response {
    let issue = json!({ "severity": "error", "code": code, "diagnostics": diagnostics });
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
    ([(header::CONTENT_TYPE, "application/fhir+json")], outcome.to_string()).into_response()
}

const REQUEST_ID: &str = "x-request-id";

/// The id a client gave if it is plain, else a new one.
fn request_id(shell: &Shell, headers: &HeaderMap) -> HeaderValue {
    let plain = |it: &&HeaderValue| {
        let bytes = it.as_bytes();
        (1..=64).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(b))
    };
    let given = headers.get(REQUEST_ID).filter(plain).cloned();
    given.unwrap_or_else(|| HeaderValue::from_str(&shell.world.new_id()).expect("an id is plain text"))
}

/// Where a request comes from, as our own proxy saw it: the last entry of `X-Forwarded-For` is the one that it added;
/// what stands before it anyone may have written. Without a proxy of ours the header says nothing.
fn caller_behind_proxy(headers: &HeaderMap) -> Option<SocketAddr> {
    let added = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
    let bracketed = added.strip_prefix('[').and_then(|it| it.split_once(']')).map_or(added, |(address, _)| address);
    let with_port = || added.parse::<SocketAddr>().ok();
    bracketed.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 0)).or_else(with_port)
}

async fn observe(State(shell): State<Arc<Shell>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    if let Some(caller) = caller_behind_proxy(request.headers()).filter(|_| shell.behind_proxy) {
        request.extensions_mut().insert(ConnectInfo(caller));
    }
    let route = Route::of(request.uri().path());
    let method = request.method().clone();
    let id = request_id(&shell, request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let under_way = UnderWay::begin(&shell, route, method.as_str(), begun);
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let took = under_way.end(status);
    let probe = ["/livez", "/readyz", "/healthz"].contains(&route.name());
    let wanted = match shell.requests {
        // "Not ready" is an answer; whoever probes acts on it.
        _ if probe => false,
        Requests::None => false,
        Requests::Problems => status >= 500 || took >= SLOW,
        Requests::All => true,
    };
    if wanted {
        let (id, ms) = (id.to_str().unwrap_or(""), took.as_millis() as u64);
        match status {
            500.. => {
                tracing::error!(target: "continuo", request = id, %method, route = route.name(), status, ms, "request failed")
            }
            _ => tracing::info!(target: "continuo", request = id, %method, route = route.name(), status, ms, "request"),
        }
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Counts a request even when its client goes away before the answer.
struct UnderWay<'a> {
    shell: &'a Shell,
    route: Route,
    method: String,
    begun: Instant,
    status: u16,
}

impl<'a> UnderWay<'a> {
    fn begin(shell: &'a Shell, route: Route, method: &str, begun: Instant) -> UnderWay<'a> {
        shell.metrics.begin();
        // 499, as proxies call it: the client closed the request.
        UnderWay { shell, route, method: method.to_owned(), begun, status: 499 }
    }

    fn end(mut self, status: u16) -> Duration {
        self.status = status;
        self.begun.elapsed()
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shell.metrics.end(self.route, &self.method, self.status, self.begun.elapsed());
    }
}

#[cfg(test)]
mod tests;
