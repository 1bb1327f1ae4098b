//! Registering an app by hand.

use crate::components::form::{Errors, choice_of, field, lines};
use crate::components::{notice, shell};
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::http::StatusCode;
use care::access::clients::Registration;
use maud::html;
use serde::Deserialize;

const KINDS: [(&str, &str); 3] = [
    ("none", "apps-public-a-page-or-phone"),
    ("client_secret_basic", "apps-confidential-a-server-with-a"),
    ("private_key_jwt", "apps-confidential-a-server-that-signs"),
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
        return Ok(form(&visitor, &given, &Errors::one("name", visitor.words.say("apps-give-the-app-a-name"))));
    }
    match visitor.organisation.apps().register_client(&visitor.caller, registration, visitor.now).await {
        Ok(registered) => {
            let main = html! {
                header.section-head { h1 { (registered.client.name) " " (visitor.words.say("apps-is-registered")) } }
                @if let Some(secret) = &registered.secret {
                    (notice::caution(html! { p { strong { (visitor.words.say("apps-keep-the-secret-now")) } " " (visitor.words.say("apps-it-is-not-shown-again")) } }))
                    dl.handed {
                        dt { (visitor.words.say("apps-client-id")) } dd { code { (registered.client.id) } }
                        dt { (visitor.words.say("apps-client-secret")) } dd { code.secret { (secret) } }
                    }
                } @else { dl.handed { dt { (visitor.words.say("apps-client-id")) } dd { code { (registered.client.id) } } } }
                p.no-print { a.button.primary href={ (visitor.at("admin/apps/")) (registered.client.id) "?done=app" } { (visitor.words.say("apps-go-on")) } }
            };
            Ok(shell::administration(&visitor, "apps", visitor.words.say("apps-app-registered"), main))
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
        header.section-head { h1 { (visitor.words.say("apps-register-an-app")) } }
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("admin/apps/new")) {
            (field("name", &visitor.words.say("apps-name")).value(&given.name).autocomplete("off").maxlength(120).hint(&visitor.words.say("apps-as-patients-will-read-it")).show(visitor.words, errors))
            (choice_of(visitor.words, "kind", &visitor.words.say("apps-kind"), &KINDS, &given.kind))
            label.tick { input type="checkbox" name="alone" value="yes" checked[given.alone.is_some()]; span { (visitor.words.say("apps-acts-by-itself-for-no")) } }
            (lines("redirects", &visitor.words.say("apps-redirect-addresses"), &given.redirects, Some(&visitor.words.say("apps-one-in-each-line-exactly")), errors))
            (field("launch", &visitor.words.say("apps-launch-address")).value(&given.launch).literal().autocomplete("off").optional().hint(&visitor.words.say("apps-where-it-is-opened-from")).show(visitor.words, errors))
            (field("keys", &visitor.words.say("apps-address-of-its-public-keys")).value(&given.keys).literal().autocomplete("off").optional().hint(&visitor.words.say("apps-a-jwks-for-apps-that")).show(visitor.words, errors))
            (lines("scopes", &visitor.words.say("apps-scopes"), &given.scopes, Some(&visitor.words.say("apps-the-most-it-may-ever")), errors))
            div.buttons { button.primary type="submit" { (visitor.words.say("apps-register")) } a href=(visitor.at("admin/apps")) { (visitor.words.say("apps-cancel")) } }
        }
    };
    let mut response = shell::administration(
        visitor,
        "apps",
        errors.title(visitor.words, &visitor.words.say("apps-register-an-app")),
        main,
    );
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}
