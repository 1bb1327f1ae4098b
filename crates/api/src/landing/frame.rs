//! What stands around every page: the organisation, the way back, the title.

use crate::door::Door;
use maud::{DOCTYPE, Markup, html};

pub(super) struct Link {
    text: String,
    to: String,
}

impl Link {
    pub(super) fn new(text: String, to: String) -> Link {
        Link { text, to }
    }
}

pub(super) fn frame(door: &Door, title: &str, links: &[Link], body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (door.organisation.name) }
                link rel="stylesheet" href=(format!("{}/{}", door.base, super::STYLE_PATH));
            }
            body {
                a.skip href="#content" { "Skip to content" }
                @if door.demo { p.ribbon { "Demonstration – no real patients" } }
                header {
                    a.home href=(door.base) { (door.organisation.name) " FHIR" }
                    @if !links.is_empty() {
                        nav aria-label="Related" {
                            ul { @for link in links { li { a href=(link.to) { (link.text) } } } }
                        }
                    }
                }
                main #content {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
}
