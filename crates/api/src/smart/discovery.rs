//! Where everything is and what is supported, for apps: SMART configuration and OpenID discovery.
//!
//! SMART App Launch 2.2, conformance; RFC 8414; OpenID Connect Discovery 1.0.

use super::{Call, json};
use axum::response::Response;
use care::Organisation;
use care::access::keys::ALGORITHMS;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

const CAPABILITIES: [&str; 18] = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];

const SCOPES: [&str; 16] = [
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "launch/encounter",
    "offline_access",
    "online_access",
    "patient/*.rs",
    "patient/*.cruds",
    "user/*.rs",
    "user/*.cruds",
    "system/*.rs",
    "system/*.cruds",
    "patient/*.read",
    "user/*.read",
];

const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
/// For endpoints that a public client cannot use.
const PROOFS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

fn metadata(organisation: &Organisation) -> Value {
    let issuer = organisation.issuer();
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "registration_endpoint": format!("{issuer}/register"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks.json"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "introspection_endpoint_auth_methods_supported": PROOFS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "authorization_response_iss_parameter_supported": true,
    })
}

pub(super) async fn smart(call: Call) -> Response {
    let mut answer = metadata(&call.organisation);
    answer["capabilities"] = json!(CAPABILITIES);
    answer["management_endpoint"] = format!("{}/portal/apps", call.organisation.base).into();
    public(json(StatusCode::OK, &answer))
}

pub(super) async fn openid(call: Call) -> Response {
    let mut answer = metadata(&call.organisation);
    answer["subject_types_supported"] = json!(["public"]);
    answer["id_token_signing_alg_values_supported"] = json!(ALGORITHMS);
    answer["claims_supported"] =
        json!(["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "profile", "fhirUser",]);
    answer["request_parameter_supported"] = false.into();
    answer["request_uri_parameter_supported"] = false.into();
    answer["claims_parameter_supported"] = false.into();
    public(json(StatusCode::OK, &answer))
}

/// How apps may look beside our pages.
pub(super) async fn style(_: Call) -> Response {
    let style = json!({
        "color_background": "#f3f5f4",
        "color_error": "#a3141c",
        "color_highlight": "#0b5a63",
        "color_modal_backdrop": "#15211f",
        "color_success": "#17603a",
        "color_text": "#15211f",
        "dim_border_radius": "8px",
        "dim_font_size": "15px",
        "dim_spacing_size": "14px",
        "font_family_body": "system-ui, 'Segoe UI', Roboto, sans-serif",
        "font_family_heading": "system-ui, 'Segoe UI', Roboto, sans-serif",
    });
    public(json(StatusCode::OK, &style))
}

fn public(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
