//! Changing one's password. The rule is said before, and what is wrong with the new one is said in words.

use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::http::StatusCode;
use care::access::AccessError;
use maud::html;
use serde::Deserialize;

/// NIST SP 800-63B-4: length decides; nothing is asked of digits and signs.
pub(crate) const RULE: &str = "At least 15 characters, or 8 if you also use a passkey or an app. \
    A few unrelated words are easy to keep in mind. You can paste it from a password manager.";

#[derive(Deserialize)]
pub(crate) struct Given {
    old: String,
    new: String,
    again: String,
}

pub(crate) async fn page(visitor: Visitor) -> Answer {
    form(&visitor, &Errors::none())
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    if given.new != given.again {
        return form(&visitor, &Errors::one("again", "The two new passwords are not the same."));
    }
    let me = visitor.session.me();
    match visitor.access().change_password(&me, &given.old, &given.new, visitor.now).await {
        Ok(()) => super::back(&visitor, "password"),
        Err(AccessError::Wrong) => form(&visitor, &Errors::one("old", "This is not your present password.")),
        Err(weak @ AccessError::Password(_)) => form(&visitor, &Errors::one("new", weak.to_string())),
        Err(wait @ AccessError::Wait { .. }) => form(&visitor, &Errors::one("old", wait.to_string())),
        Err(other) => Err(super::proving(&visitor, "account/password")(other)),
    }
}

fn form(visitor: &Visitor, errors: &Errors) -> Answer {
    let main = html! {
        h1 { "Change password" }
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("account/password")) {
            input type="hidden" name="username" value=(visitor.session.username) autocomplete="username";
            (field("old", "Present password").password("current-password").show(visitor.words, errors))
            (field("new", "New password").password("new-password").hint(RULE).show(visitor.words, errors))
            (field("again", "New password once more").password("new-password").show(visitor.words, errors))
            div.buttons {
                button.primary type="submit" { "Change password" }
                a href=(visitor.at("account")) { "Cancel" }
            }
        }
    };
    let mut response = shell::own(visitor, &errors.title(visitor.words, "Change password"), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
