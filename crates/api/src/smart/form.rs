//! What an app sends: a form in the body, and at most one proof of who it is.
//!
//! RFC 6749, 2.3 and 3.2; RFC 7521, 4.2.

use super::Call;
use crate::fhir::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use care::access::apps::{Allowed, Code, Denial, Parameters};
use care::access::clients::{Brought, Proven};
use http::{HeaderMap, header};

fn denied<T>(code: Code, says: &'static str) -> Allowed<T> {
    Err(Denial { code, says })
}

pub(super) fn pairs(text: &str) -> Allowed<Parameters> {
    match query::parse(text) {
        Ok(pairs) => Parameters::of(pairs),
        Err(_) => denied(Code::InvalidRequest, "the parameters are not percent-encoded as they should be"),
    }
}

pub(super) fn bytes(call: &Call) -> Allowed<&[u8]> {
    match &call.body {
        Some(bytes) => Ok(bytes),
        None => denied(Code::InvalidRequest, "the body is too large or did not arrive whole"),
    }
}

pub(super) fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(one)), None) = (given.next().map(|it| it.to_str()), given.next()) else { return false };
    let mut parts = one.split(';').map(str::trim);
    let named = parts.next().is_some_and(|it| it.eq_ignore_ascii_case(kind));
    named && parts.all(|it| it.eq_ignore_ascii_case("charset=utf-8"))
}

/// The form of a request to the token endpoint and its like. Nothing may be in the address, where it would be logged.
pub(super) fn form(call: &Call) -> Allowed<Parameters> {
    let parts = &call.parts;
    if parts.uri.query().is_some_and(|it| !it.is_empty()) {
        return denied(Code::InvalidRequest, "send parameters in the body, not in the address");
    }
    if !is_kind(&parts.headers, "application/x-www-form-urlencoded") {
        return denied(Code::InvalidRequest, "send a form: application/x-www-form-urlencoded");
    }
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|it| it != "identity") {
        return denied(Code::InvalidRequest, "send the form as it is, not compressed");
    }
    match std::str::from_utf8(bytes(call)?) {
        Ok(text) => pairs(text),
        Err(_) => denied(Code::InvalidRequest, "the form is not UTF-8"),
    }
}

/// The client, proven by the one means it brought.
pub(super) async fn client(call: &Call, given: &Parameters) -> Allowed<Proven> {
    let apps = call.organisation.apps();
    let basic = basic(&call.parts.headers)?;
    let named = given.get("client_id");
    let (posted, assertion) = (given.has("client_secret"), given.has("client_assertion"));
    if usize::from(basic.is_some()) + usize::from(posted) + usize::from(assertion) > 1 {
        return denied(Code::InvalidRequest, "prove yourself in one way, not in several");
    }
    if !assertion && given.has("client_assertion_type") {
        return denied(Code::InvalidRequest, "client_assertion_type without client_assertion");
    }
    match basic {
        Some((id, _)) if named.is_some_and(|it| it != id) => {
            denied(Code::InvalidRequest, "client_id and the Authorization header name different clients")
        }
        Some((id, secret)) => apps.prove(Some(&id), Brought::Secret(&secret), call.now).await,
        None if posted => {
            let secret = given.get("client_secret").unwrap_or("");
            apps.prove(named, Brought::Secret(secret), call.now).await
        }
        None if assertion => {
            let kind = given.get("client_assertion_type").unwrap_or("");
            let text = given.get("client_assertion").unwrap_or("");
            apps.prove(named, Brought::Assertion { kind, text }, call.now).await
        }
        None if named.is_none() => match apps.public_holder(given, call.now).await? {
            Some(proven) => Ok(proven),
            None => apps.prove(None, Brought::Nothing, call.now).await,
        },
        None => apps.prove(named, Brought::Nothing, call.now).await,
    }
}

/// `Authorization: Basic`; both halves are percent-encoded inside (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Allowed<Option<(String, String)>> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let wrong = || denied(Code::InvalidClient, "the Authorization header is not Basic with an id and a secret");
    if given.next().is_some() {
        return denied(Code::InvalidRequest, "there are several Authorization headers");
    }
    let Some((scheme, rest)) = value.to_str().ok().and_then(|it| it.split_once(' ')) else { return wrong() };
    if !scheme.eq_ignore_ascii_case("basic") {
        return wrong();
    }
    let text = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((id, secret)) = text.as_deref().and_then(|it| it.split_once(':')) else { return wrong() };
    match (query::decode(id), query::decode(secret)) {
        (Ok(id), Ok(secret)) => Ok(Some((id, secret))),
        _ => wrong(),
    }
}
