//! Setting up an authenticator app (RFC 6238): a picture to scan, the same as text to type, and a first code to
//! see that it works.

use crate::components::form::{Errors, field};
use crate::components::shell;
use crate::locale::Words;
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use care::access::{AccessError, TotpOffer};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Given {
    handle: String,
    code: String,
    secret: String,
    svg: String,
}

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let back = super::proving(&visitor, "account/totp");
    let offer = visitor.access().begin_totp(&visitor.session.me(), visitor.now).await.map_err(back)?;
    show(&visitor, &offer, &Errors::none())
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let me = visitor.session.me();
    match visitor.access().finish_totp(&me, &given.handle, given.code.trim(), visitor.now).await {
        Ok(codes) if codes.is_empty() => super::back(&visitor, "totp"),
        Ok(codes) => {
            Ok(super::recovery::shown(&visitor, &visitor.words.say("account-your-authenticator-app-is-set"), &codes))
        }
        Err(AccessError::Wrong) => {
            let offer = again(given.handle, given.secret, given.svg);
            show(&visitor, &offer, &Errors::one("code", visitor.words.say("account-this-code-does-not-fit")))
        }
        Err(other) => Err(super::proving(&visitor, "account/totp")(other)),
    }
}

/// The offer a form carried, so that nobody has to scan twice because of a mistyped digit.
pub(crate) fn again(handle: String, secret: String, svg: String) -> TotpOffer {
    TotpOffer { handle, secret, uri: String::new(), svg }
}

pub(crate) async fn remove(visitor: Visitor) -> Answer {
    let back = super::proving(&visitor, "account");
    match visitor.access().remove_totp(&visitor.session.me(), visitor.now).await {
        Ok(()) => super::back(&visitor, "no-totp"),
        Err(other) => Err(back(other)),
    }
}

fn show(visitor: &Visitor, offer: &TotpOffer, errors: &Errors) -> Answer {
    let main = html! {
        h1 { (visitor.words.say("account-set-up-an-authenticator-app")) }
        (errors.summary())
        (form(visitor.words, &visitor.at("account/totp"), offer, &[], errors))
        p { a href=(visitor.at("account")) { (visitor.words.say("account-cancel")) } }
    };
    let mut response = shell::own(
        visitor,
        errors.title(visitor.words, &visitor.words.say("account-set-up-an-authenticator-app")),
        main,
    );
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) fn form(words: &Words, action: &str, offer: &TotpOffer, hidden: &[(&str, &str)], errors: &Errors) -> Markup {
    // As a picture of its own: nothing that was made elsewhere becomes part of the page.
    let picture = format!("data:image/svg+xml;base64,{}", STANDARD.encode(&offer.svg));
    html! {
        ol.steps {
            li {
                p { (words.say("account-open-your-authenticator-app-and")) }
                img.qr src=(picture) width="196" height="196" alt=(words.say("account-qr-code-with-the-secret"));
                p.quiet { (words.say("account-no-camera-type-this-secret")) }
                p { code.secret { (offer.secret) } }
            }
            li {
                p { (words.say("account-type-the-six-digits-that")) }
                form.stacked method="post" action=(action) {
                    @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
                    input type="hidden" name="handle" value=(offer.handle);
                    input type="hidden" name="secret" value=(offer.secret);
                    input type="hidden" name="svg" value=(offer.svg);
                    (field("code", &words.say("account-code")).code().maxlength(12).show(words, errors))
                    button.primary type="submit" { (words.say("account-turn-on")) }
                }
            }
        }
    }
}
