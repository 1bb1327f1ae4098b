//! Which web pages may call us with scripts: any page what is public, pages of registered apps the rest. Cookies never
//! count for calls from elsewhere, so no answer allows credentials.
//!
//! WHATWG Fetch (CORS protocol).

use super::From;
use axum::body::Body;
use axum::response::Response;
use care::Organisation;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// What a script may read of an answer besides its body.
const EXPOSED: &str = "etag, location, content-location, last-modified, x-request-id, www-authenticate";
const ACCEPTED: &str = "authorization, content-type, accept, if-match, if-none-match, if-none-exist, if-modified-since, prefer, x-request-id";

/// The question before a call that a simple form could not make.
pub(crate) fn preflight(methods: &[&str]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_str(&methods.join(", ")).expect("method names are header text");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ACCEPTED));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

pub(crate) async fn permit(
    from: From,
    organisation: &Organisation,
    origin: Option<&HeaderValue>,
    headers: &mut HeaderMap,
    now: i64,
) {
    let permitted = match from {
        From::NoPage => None,
        From::AnyPage => Some(HeaderValue::from_static("*")),
        From::Registered => {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
            match origin {
                Some(origin) if is_registered(organisation, origin, now).await => Some(origin.clone()),
                _ => None,
            }
        }
    };
    match permitted {
        Some(permitted) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, permitted);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        // A page that may not call us need not know what it might have asked.
        None => {
            headers.remove(header::ACCESS_CONTROL_ALLOW_METHODS);
            headers.remove(header::ACCESS_CONTROL_ALLOW_HEADERS);
        }
    }
}

async fn is_registered(organisation: &Organisation, origin: &HeaderValue, now: i64) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    organisation.apps().origins(now).await.is_ok_and(|all| all.contains(origin))
}
