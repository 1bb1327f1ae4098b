//! Recovery codes: shown once, to be printed or written down, never shown again.

use crate::components::{notice, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor};
use axum::response::Response;
use maud::{Markup, html};

pub(crate) async fn make(visitor: Visitor) -> Answer {
    let back = super::proving(&visitor, "account");
    let codes = visitor.access().new_recovery_codes(&visitor.session.me(), visitor.now).await.map_err(back)?;
    Ok(shown(&visitor, &visitor.words.say("account-your-new-recovery-codes"), &codes))
}

pub(crate) fn shown(visitor: &Visitor, title: &str, list: &[String]) -> Response {
    let main = html! {
        h1 { (title) }
        (codes(visitor.words, list))
        p.no-print { a.button.primary href=(visitor.at("account")) { (visitor.words.say("account-i-kept-them-go-on")) } }
    };
    shell::own(visitor, title, main)
}

pub(crate) fn codes(words: &Words, list: &[String]) -> Markup {
    html! {
        @if !list.is_empty() {
            (notice::caution(html! {
                p { strong { (words.say("account-keep-these-recovery-codes-now")) } " " (words.say("account-they-are-not-shown-again")) }
            }))
            ol.codes aria-label=(words.say("account-recovery-codes")) { @for code in list { li { code { (code) } } } }
            p.no-print { button type="button" data-print="" hidden { (words.say("account-print")) } }
        }
    }
}
