//! Who asks: a bearer token, or for a browser that looks at pages the session it signed in with.
//! A cookie never lets a script write: it counts for reading pages alone, so that another site cannot
//! make a signed-in browser change anything.
//!
//! RFC 6750 (bearer tokens).

use crate::refusal::{Answer, Refusal};
use ::fhir::IssueCode;
use care::Organisation;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use store::{Caller, Purpose};

const SESSION_COOKIE: &str = "continuo_session";

pub(crate) async fn caller(organisation: &Organisation, headers: &HeaderMap, page: bool) -> Answer<Caller> {
    let now = organisation.now();
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let given = given.to_str().unwrap_or("");
        let token = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let caller = match token {
            Some((_, token)) => organisation.bearer(token.trim(), purpose(headers)?, now).await?,
            None => None,
        };
        return caller.ok_or_else(|| unknown(organisation, "Bearer realm=\"FHIR\", error=\"invalid_token\""));
    }
    if page
        && let Some(token) = session_token(headers)
        && let Some(caller) = organisation.access.session_caller(token, now).await?
    {
        return Ok(caller);
    }
    Err(unknown(organisation, "Bearer realm=\"FHIR\""))
}

/// What the caller wants it for: a code of HL7 v3 PurposeOfUse. What a purpose opens, and for whom, is decided with
/// labels and consents (docs/security/consent.md).
const PURPOSE: &str = "x-purpose-of-use";

fn purpose(headers: &HeaderMap) -> Answer<Option<Purpose>> {
    let Some(given) = headers.get(PURPOSE) else { return Ok(None) };
    match given.to_str().ok().and_then(|it| Purpose::parse(it.trim())) {
        Some(purpose) => Ok(Some(purpose)),
        None => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            IssueCode::CodeInvalid,
            "X-Purpose-Of-Use must be TREAT, HPAYMT, HOPERAT, PATRQT, ETREAT, HRESCH, HLEGAL or HSYSADMIN",
        )),
    }
}

fn session_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, token)| token)
}

fn unknown(organisation: &Organisation, challenge: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        IssueCode::Login,
        format!("send a valid token of {} as `Authorization: Bearer …`", organisation.name),
    )
    .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}
