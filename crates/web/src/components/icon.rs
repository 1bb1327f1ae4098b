//! Icons, drawn on a 16 × 16 grid in the colour of the text. They repeat what words beside them say, so
//! they are hidden from assistive technology.

use maud::{Markup, html};

/// Name → path.
const PATHS: [(&str, &str); 16] = [
    ("up", "M8 2.5 14 13H2z"),
    ("down", "M8 13.5 2 3h12z"),
    ("critical", "M8 1l7 7-7 7-7-7z"),
    ("abnormal", "M7 1h2v5.3l4.6-2.6 1 1.7L10 8l4.6 2.6-1 1.7L9 9.7V15H7V9.7l-4.6 2.6-1-1.7L6 8 1.4 5.4l1-1.7L7 6.3z"),
    ("alert", "M8 1 15.5 14.5H.5zM7.2 6v4.2h1.6V6zm0 5.4V13h1.6v-1.6z"),
    ("in", "M9 2v5.2l2.6-2.6 1.1 1.1L8.2 10.2 3.7 5.7l1.1-1.1L7.4 7.2V2zM2 12h12.4v2H2z"),
    ("out", "M7.4 10.2V5L4.8 7.6 3.7 6.5 8.2 2l4.5 4.5-1.1 1.1L9 5v5.2zM2 12h12.4v2H2z"),
    ("plus", "M7 2h2v5h5v2H9v5H7V9H2V7h5z"),
    ("check", "M6.3 13 1.5 8.2 3 6.7l3.3 3.3L13 3.3l1.5 1.5z"),
    (
        "unknown",
        "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm-.9 9.6v1.9h1.8v-1.9zM8 3.6c-1.7 0-2.8 1-2.9 2.6h1.7c0-.8.5-1.2 1.2-1.2s1.1.4 1.1 1c0 1.2-2 1.2-2 3.1v.4h1.7c0-1.6 2.1-1.7 2.1-3.6 0-1.4-1.2-2.3-2.9-2.3z",
    ),
    (
        "search",
        "M6.5 1a5.5 5.5 0 0 1 4.4 8.8l4 4-1.2 1.2-4-4A5.5 5.5 0 1 1 6.5 1zm0 1.7a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6z",
    ),
    ("document", "M3 1h7l3 3v11H3zm1.6 1.6v10.8h6.8V5H9V2.6zM6 7h4v1.2H6zm0 2.6h4v1.2H6z"),
    ("visit", "M4 1h1.5v1.5h5V1H12v1.5h2.5V15h-13V2.5H4zM3 6.5v7h10v-7z"),
    ("shield", "M8 1l6 2v4.5c0 3.6-2.4 6.2-6 7.5-3.6-1.3-6-3.9-6-7.5V3z"),
    (
        "key",
        "M11 1a4 4 0 1 1-3.7 5.5L6 7.8V9.5H4.3V11H2.8v2H1v-2.6l4.8-4.8A4 4 0 0 1 11 1zm.7 2.2a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2z",
    ),
    (
        "flask",
        "M5.5 1h5v1.5H10v3.6l4 7.1c.4.8-.1 1.8-1 1.8H3c-.9 0-1.4-1-1-1.8l4-7.1V2.5h-.5zm2 1.5v4L5.8 9.5h4.4L8.5 6.5v-4z",
    ),
];

pub(crate) fn icon(name: &str) -> Markup {
    let path = PATHS.iter().find(|(it, _)| *it == name).map_or("", |(_, path)| path);
    html! {
        svg.icon viewBox="0 0 16 16" width="12" height="12" aria-hidden="true" focusable="false" {
            path d=(path) fill-rule="evenodd" {}
        }
    }
}
