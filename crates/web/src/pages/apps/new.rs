//! Registering an app by hand.

use crate::components::form::{Errors, choice, field, lines};
use crate::components::{notice, shell};
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::http::StatusCode;
use care::access::clients::Registration;
use maud::html;
use serde::Deserialize;

const KINDS: [(&str, &str); 3] = [
    ("none", "Public: a page or phone app that cannot keep a secret"),
    ("client_secret_basic", "Confidential: a server with a secret"),
    ("private_key_jwt", "Confidential: a server that signs with a key"),
];

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    name: String,
    kind: String,
    redirects: String,
    launch: String,
    keys: String,
    scopes: String,
    #[serde(default)]
    alone: Option<String>,
}

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let scopes = "openid fhirUser launch launch/patient patient/*.rs".to_owned();
    Ok(form(&visitor, &Given { kind: "none".into(), scopes, ..Given::default() }, &Errors::none()))
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let text = |it: &str| Some(it.trim().to_owned()).filter(|it| !it.is_empty());
    let alone = given.alone.is_some();
    let grants: &[&str] = if alone { &["client_credentials"] } else { &["authorization_code", "refresh_token"] };
    let registration = Registration {
        client_name: given.name.trim().to_owned(),
        redirect_uris: given.redirects.split_whitespace().map(str::to_owned).collect(),
        launch_uri: text(&given.launch),
        token_endpoint_auth_method: text(&given.kind),
        grant_types: Some(grants.iter().map(|it| (*it).to_owned()).collect()),
        scope: given.scopes.split_whitespace().collect::<Vec<_>>().join(" "),
        jwks_uri: text(&given.keys),
        ..Registration::default()
    };
    if registration.client_name.is_empty() {
        return Ok(form(&visitor, &given, &Errors::one("name", "Give the app a name.")));
    }
    match visitor.organisation.apps().register_client(&visitor.caller, registration, visitor.now).await {
        Ok(registered) => {
            let main = html! {
                header.section-head { h1 { (registered.client.name) " is registered" } }
                @if let Some(secret) = &registered.secret {
                    (notice::caution(html! { p { strong { "Keep the secret now." } " It is not shown again." } }))
                    dl.handed {
                        dt { "Client id" } dd { code { (registered.client.id) } }
                        dt { "Client secret" } dd { code.secret { (secret) } }
                    }
                } @else { dl.handed { dt { "Client id" } dd { code { (registered.client.id) } } } }
                p.no-print { a.button.primary href={ (visitor.at("admin/apps/")) (registered.client.id) "?done=app" } { "Go on" } }
            };
            Ok(shell::administration(&visitor, "apps", "App registered", main))
        }
        Err(denial) if denial.code.status() == 400 => {
            let words = denial.says;
            let at = if words.contains("redirect") {
                "redirects"
            } else if words.contains("scope") {
                "scopes"
            } else {
                "name"
            };
            Ok(form(&visitor, &given, &Errors::one(at, words)))
        }
        Err(other) => Err(other.into()),
    }
}

fn form(visitor: &Visitor, given: &Given, errors: &Errors) -> axum::response::Response {
    let main = html! {
        header.section-head { h1 { "Register an app" } }
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("admin/apps/new")) {
            (field("name", "Name").value(&given.name).autocomplete("off").maxlength(120).hint("As patients will read it.").show(visitor.words, errors))
            (choice("kind", "Kind", &KINDS, &given.kind))
            label.tick { input type="checkbox" name="alone" value="yes" checked[given.alone.is_some()]; span { "Acts by itself, for no person (backend service)" } }
            (lines("redirects", "Redirect addresses", &given.redirects, Some("One in each line, exactly as the app sends them. Not needed for a backend service."), errors))
            (field("launch", "Launch address").value(&given.launch).literal().autocomplete("off").optional().hint("Where it is opened from a chart.").show(visitor.words, errors))
            (field("keys", "Address of its public keys").value(&given.keys).literal().autocomplete("off").optional().hint("A JWKS, for apps that sign.").show(visitor.words, errors))
            (lines("scopes", "Scopes", &given.scopes, Some("The most it may ever ask for."), errors))
            div.buttons { button.primary type="submit" { "Register" } a href=(visitor.at("admin/apps")) { "Cancel" } }
        }
    };
    let mut response = shell::administration(visitor, "apps", &errors.title(visitor.words, "Register an app"), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}
