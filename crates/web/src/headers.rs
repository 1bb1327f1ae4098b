//! What every answer says to the browser: run and load our own files only, keep nothing, tell nobody.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// No inline script or style, nothing from elsewhere, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `same-origin` rather than none: a form must carry its Origin for us to check.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// The policy of a page with a form whose answer leads to an app: browsers ask this of redirects too.
pub(crate) fn leading_to(source: &str) -> HeaderValue {
    let plain = source.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b',');
    // Our own charts may show the question in a frame, beside the patient it is about.
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
    let policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
    HeaderValue::from_str(&policy).ok().filter(|_| plain).unwrap_or(HeaderValue::from_static(POLICY))
}

/// The policy of a page that shows another page of ours in a frame.
pub(crate) fn framing() -> HeaderValue {
    let policy = format!("{POLICY}; frame-src 'self'");
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY))
}

/// The policy of a page that our own pages may show in a frame, and nobody else.
pub(crate) fn framed() -> HeaderValue {
    let policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY))
}

pub(crate) async fn seal(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        // A page may be stricter than the rule (an attachment is sandboxed), never laxer.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
