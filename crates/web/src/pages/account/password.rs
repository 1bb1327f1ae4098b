//! Changing one's password. The rule is said before, and what is wrong with the new one is said in words.

use crate::components::form::{Errors, field};
use crate::components::{shell, words};
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::http::StatusCode;
use care::access::AccessError;
use maud::html;
use serde::Deserialize;

/// NIST SP 800-63B-4: length decides; nothing is asked of digits and signs.
pub(crate) const RULE: &str = "common-password-rule";

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
        return form(&visitor, &Errors::one("again", visitor.words.say("account-the-two-new-passwords-are")));
    }
    let me = visitor.session.me();
    match visitor.access().change_password(&me, &given.old, &given.new, visitor.now).await {
        Ok(()) => super::back(&visitor, "password"),
        Err(AccessError::Wrong) => {
            form(&visitor, &Errors::one("old", visitor.words.say("account-this-is-not-your-present")))
        }
        Err(weak @ AccessError::Password(_)) => {
            form(&visitor, &Errors::one("new", words::trouble(visitor.words, &weak)))
        }
        Err(wait @ AccessError::Wait { .. }) => {
            form(&visitor, &Errors::one("old", words::trouble(visitor.words, &wait)))
        }
        Err(other) => Err(super::proving(&visitor, "account/password")(other)),
    }
}

fn form(visitor: &Visitor, errors: &Errors) -> Answer {
    let main = html! {
        h1 { (visitor.words.say("account-change-password")) }
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("account/password")) {
            input type="hidden" name="username" value=(visitor.session.username) autocomplete="username";
            (field("old", &visitor.words.say("account-present-password")).password("current-password").show(visitor.words, errors))
            (field("new", &visitor.words.say("account-new-password")).password("new-password").hint(&visitor.words.say(RULE)).show(visitor.words, errors))
            (field("again", &visitor.words.say("account-new-password-once-more")).password("new-password").show(visitor.words, errors))
            div.buttons {
                button.primary type="submit" { (visitor.words.say("account-change-password")) }
                a href=(visitor.at("account")) { (visitor.words.say("account-cancel")) }
            }
        }
    };
    let mut response =
        shell::own(visitor, errors.title(visitor.words, &visitor.words.say("account-change-password")), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
