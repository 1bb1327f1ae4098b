//! Recovery codes: shown once, to be printed or written down, never shown again.

use crate::components::{notice, shell};
use crate::request::{Answer, Visitor};
use axum::response::Response;
use maud::{Markup, html};

pub(crate) async fn make(visitor: Visitor) -> Answer {
    let back = super::proving(&visitor, "account");
    let codes = visitor.access().new_recovery_codes(&visitor.session.me(), visitor.now).await.map_err(back)?;
    Ok(shown(&visitor, "Your new recovery codes", &codes))
}

pub(crate) fn shown(visitor: &Visitor, title: &str, list: &[String]) -> Response {
    let main = html! {
        h1 { (title) }
        (codes(list))
        p.no-print { a.button.primary href=(visitor.at("account")) { "I kept them. Go on" } }
    };
    shell::own(visitor, title, main)
}

pub(crate) fn codes(list: &[String]) -> Markup {
    html! {
        @if !list.is_empty() {
            (notice::caution(html! {
                p { strong { "Keep these recovery codes now." } " They are not shown again. Each lets you in once when your device is lost. Earlier codes no longer work." }
            }))
            ol.codes aria-label="Recovery codes" { @for code in list { li { code { (code) } } } }
            p.no-print { button type="button" data-print="" hidden { "Print" } }
        }
    }
}
