//! The endpoints of the authorization server: each takes its request apart, asks `care::access`, and answers.

use super::{Call, form, json};
use axum::body::Body;
use axum::response::Response;
use care::access::apps::{Code, Denial, Parameters};
use care::access::clients::{Proof, Registered, Registration};
use care::access::codes::Turned;
use http::{HeaderValue, Method, StatusCode, header};
use maud::{DOCTYPE, html};
use serde_json::{Value, json};

fn status(denial: &Denial) -> StatusCode {
    StatusCode::from_u16(denial.code.status()).expect("the codes have real statuses")
}

/// An error as RFC 6749, 5.2 has it.
fn refused(denial: &Denial, by_header: bool) -> Response {
    let body = json!({ "error": denial.code.name(), "error_description": denial.says });
    let mut response = json(status(denial), &body);
    let challenge = match denial.code {
        Code::InvalidClient if by_header => Some("Basic realm=\"OAuth\""),
        Code::InvalidToken => Some("Bearer error=\"invalid_token\""),
        _ => None,
    };
    if let Some(challenge) = challenge {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if denial.code == Code::TemporarilyUnavailable {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    secret(response)
}

/// Not to be kept by anyone on the way (RFC 6749, 5.1).
fn secret(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

pub(super) async fn jwks(call: Call) -> Response {
    match call.organisation.apps().jwks(call.now).await {
        Ok(keys) => {
            let mut response = json(StatusCode::OK, &keys);
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
            response
        }
        Err(denial) => refused(&denial, false),
    }
}

/// Checks the question of an app and leads the person to the page that asks them.
pub(super) async fn authorize(call: Call) -> Response {
    let parameters = match call.parts.method {
        Method::POST => form::form(&call),
        _ => form::pairs(call.parts.uri.query().unwrap_or("")),
    };
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(denial) => return told(&call, &denial),
    };
    match call.organisation.apps().ask(&parameters, call.now).await {
        Ok(handle) => see_other(&format!("/{}/authorize/{handle}", call.organisation.slug)),
        Err(Turned::ToApp { address, .. }) => see_other(&address),
        Err(Turned::ToPerson(denial)) => told(&call, &denial),
    }
}

fn see_other(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    match HeaderValue::from_str(to) {
        Ok(to) => response.headers_mut().insert(header::LOCATION, to),
        Err(_) => return super::plain(StatusCode::BAD_REQUEST, "the address to go to is not one\n"),
    };
    secret(response)
}

/// For a person whom an app sent here wrongly: nothing is told to whoever claims to be that app.
fn told(call: &Call, denial: &Denial) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "The app could not be connected – " (call.organisation.name) }
                link rel="stylesheet" href=(format!("/{}/fhir/{}", call.organisation.slug, crate::landing::STYLE_PATH));
            }
            body {
                main #content {
                    h1 { "The app could not be connected" }
                    p { "The app that sent you here asked in a way that is not safe to answer, so nothing was shared with it." }
                    p { "For whoever makes the app: " code { (denial.code.name()) } ", " (denial.says) "." }
                    p { a href={ "/" (call.organisation.slug) "/" } { "Back to " (call.organisation.name) } }
                }
            }
        }
    };
    let mut response = Response::new(Body::from(page.into_string()));
    // The page is about a wrong request, whoever the client is.
    *response.status_mut() = match denial.code {
        Code::InvalidClient => StatusCode::BAD_REQUEST,
        _ => status(denial),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    secret(response)
}

/// A request with a form and a client that proves itself.
async fn with_client<T>(
    call: Call,
    answer: impl AsyncFnOnce(&Call, &care::access::clients::Proven, &Parameters) -> Result<T, Denial>,
    done: impl FnOnce(T) -> Response,
) -> Response {
    let by_header = call.parts.headers.contains_key(header::AUTHORIZATION);
    let answered = async {
        let given = form::form(&call)?;
        let proven = form::client(&call, &given).await?;
        answer(&call, &proven, &given).await
    };
    match answered.await {
        Ok(it) => secret(done(it)),
        Err(denial) => refused(&denial, by_header),
    }
}

pub(super) async fn token(call: Call) -> Response {
    let answer =
        async |call: &Call, proven: &_, given: &_| call.organisation.apps().token(proven, given, call.now).await;
    with_client(call, answer, |token: Value| json(StatusCode::OK, &token)).await
}

pub(super) async fn introspect(call: Call) -> Response {
    let answer =
        async |call: &Call, proven: &_, given: &_| call.organisation.apps().introspect(proven, given, call.now).await;
    with_client(call, answer, |told: Value| json(StatusCode::OK, &told)).await
}

pub(super) async fn revoke(call: Call) -> Response {
    let answer =
        async |call: &Call, proven: &_, given: &_| call.organisation.apps().revoke(proven, given, call.now).await;
    with_client(call, answer, |()| json(StatusCode::OK, &json!({}))).await
}

pub(super) async fn user_info(call: Call) -> Response {
    let denial = Denial { code: Code::InvalidToken, says: "send a valid token as Authorization: Bearer" };
    let given = call.parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = given.and_then(|it| it.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = token else { return refused(&denial, false) };
    let apps = call.organisation.apps();
    let told = match apps.held(token.trim(), call.now).await {
        Ok(Some(held)) => apps.user_info(&held),
        Ok(None) => Err(denial),
        Err(error) => Err(error.into()),
    };
    match told {
        Ok(claims) => secret(json(StatusCode::OK, &claims)),
        Err(denial) => refused(&denial, false),
    }
}

/// Dynamic registration. What registers itself waits for an administrator.
pub(super) async fn register(call: Call) -> Response {
    let applied = async {
        let metadata = |says| Denial { code: Code::InvalidClientMetadata, says };
        if !form::is_kind(&call.parts.headers, "application/json") {
            return Err(metadata("send what you register as application/json"));
        }
        let bytes = form::bytes(&call)?;
        let registration: Registration = serde_json::from_slice(bytes)
            .map_err(|_| metadata("what is registered is a JSON object as in RFC 7591, section 2"))?;
        call.organisation.apps().apply(registration, call.now).await
    };
    match applied.await {
        Ok(registered) => secret(json(StatusCode::CREATED, &told_to_client(&registered))),
        Err(denial) => refused(&denial, false),
    }
}

/// RFC 7591, 3.2.1.
fn told_to_client(registered: &Registered) -> Value {
    let client = &registered.client;
    let grants: Vec<&str> = client.grant_types.iter().map(|it| it.name()).collect();
    let mut told = json!({
        "client_id": client.id,
        "client_id_issued_at": client.made / 1_000_000,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.proof.methods()[0],
        "grant_types": grants,
        "response_types": if client.redirect_uris.is_empty() { json!([]) } else { json!(["code"]) },
        "scope": client.scopes,
        "id_token_signed_response_alg": client.id_token_alg,
    });
    if let Some(secret) = &registered.secret {
        told["client_secret"] = secret.as_str().into();
        told["client_secret_expires_at"] = 0.into();
    }
    if let Some(launch_uri) = &client.launch_uri {
        told["launch_uri"] = launch_uri.as_str().into();
    }
    if let Proof::Keys { jwks, jwks_uri } = &client.proof {
        if let Some(jwks) = jwks {
            told["jwks"] = jwks.clone();
        }
        if let Some(jwks_uri) = jwks_uri {
            told["jwks_uri"] = jwks_uri.as_str().into();
        }
    }
    told
}
