//! `/`: which organisation? Each has its own people and its own record.

use crate::components::shell;
use crate::request::Web;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::html;
use std::sync::Arc;

pub(crate) async fn page(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    let words = crate::request::words(&web, &headers);
    let installation = &web.installation;
    let main = html! {
        div.sheet {
            h1 { "Continuo" }
            p.lead { (words.say("door-choose-your-organization")) }
            ul.choices {
                @for organisation in &installation.organisations {
                    li { a href={ "/" (organisation.slug) "/" } { (organisation.name) } }
                }
            }
            @if installation.demo {
                p.quiet { (words.say("door-a-demonstration-with-made-up")) " " a href="/dev/components" { (words.say("door-component-gallery")) } }
            }
        }
    };
    shell::outside(words, "Continuo", installation.demo, StatusCode::OK, main)
}
