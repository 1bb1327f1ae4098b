//! The frame of every page: title, header with search, the ribbon of a demonstration, main part, palette.

use super::banner::banner;
use super::icon::icon;
use crate::assets;
use crate::request::Visitor;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use care::chart::Banner;
use maud::{DOCTYPE, Markup, html};

/// Sections of a chart: (end of the address, name). Alt with 0, 1, 2… leads there in this order.
pub(crate) const SECTIONS: [(&str, &str); 10] = [
    ("", "Summary"),
    ("problems", "Problems"),
    ("medications", "Medications"),
    ("allergies", "Allergies"),
    ("results", "Results"),
    ("vitals", "Vitals"),
    ("immunizations", "Immunizations"),
    ("encounters", "Visits"),
    ("documents", "Documents"),
    ("timeline", "Timeline"),
];

struct Head<'a> {
    title: &'a str,
    scripts: &'a [&'a str],
    body_class: &'a str,
}

fn document(head: &Head<'_>, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-US" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) }
                link rel="icon" type="image/svg+xml" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("continuo.css"));
                @for script in head.scripts { script type="module" src=(assets::address(script)) {} }
            }
            body class=(head.body_class) { (body) }
        }
    }
}

fn ribbon(demo: bool) -> Markup {
    html! { @if demo { p.ribbon { "DEMO – no real patients" } } }
}

/// A page outside any chart, or of a chart when there is a banner.
pub(crate) fn page(visitor: &Visitor, title: &str, main: Markup) -> Response {
    framed(visitor, title, None, main)
}

/// A page of a chart. The title of the tab has initials rather than a name: titles are kept by browsers.
pub(crate) fn chart(visitor: &Visitor, patient: &Banner, section: &str, title: &str, main: Markup) -> Response {
    framed(visitor, &format!("{} · {title}", patient.person.initials()), Some((patient, section)), main)
}

fn framed(visitor: &Visitor, title: &str, chart: Option<(&Banner, &str)>, main: Markup) -> Response {
    let slug = &visitor.organisation.slug;
    let title = format!("{title} · {}", visitor.organisation.name);
    let patient = visitor.is_patient();
    let head = Head {
        title: &title,
        scripts: &["keys.js", "search.js", "trend.js", "session.js"],
        body_class: if chart.is_some() { "chart" } else { "plain" },
    };
    let body = html! {
        a.skip href="#main" { "Skip to content" }
        header.top {
            (ribbon(visitor.web.installation.demo))
            div.bar {
                a.home href=(if patient { format!("/{slug}/portal/") } else { format!("/{slug}/") }) { (visitor.organisation.name) }
                @if !patient {
                    a.find href={ "/" (slug) "/" } data-palette="" { (icon("search")) "Find patient" kbd { "Ctrl K" } }
                }
                form.account method="post" action={ "/" (slug) "/sign-out" } {
                    span { (visitor.caller.display) }
                    button type="submit" { "Sign out" }
                }
            }
        }
        @match chart {
            Some((patient, section)) => {
                div.sticky { (banner(patient, visitor.now)) }
                div.columns {
                    (sections(visitor, patient, section))
                    main #main tabindex="-1" { (main) }
                }
            }
            None => { main #main tabindex="-1" { (main) } }
        }
        @if !patient { (palette(visitor, chart.map(|it| it.0))) }
        div #idle data-keep={ "/" (slug) "/session" } data-minutes="15" role="alert" {}
    };
    Html(document(&head, body).into_string()).into_response()
}

fn sections(visitor: &Visitor, patient: &Banner, current: &str) -> Markup {
    let base = visitor.address_of(&patient.person.id);
    html! {
        nav.sections aria-label="Chart" {
            ul {
                @for (at, (slug, name)) in SECTIONS.iter().enumerate() {
                    li {
                        a href=(section_address(&base, slug)) aria-current=[(*slug == current).then_some("page")]
                            data-alt=[(at < 10).then_some(at)] { (name) }
                    }
                }
            }
        }
    }
}

pub(crate) fn section_address(base: &str, slug: &str) -> String {
    if slug.is_empty() { base.to_owned() } else { format!("{base}/{slug}") }
}

/// Find anyone from anywhere: opened by Ctrl K.
fn palette(visitor: &Visitor, chart: Option<&Banner>) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        dialog #palette aria-label="Find a patient or a page" {
            form.find-form role="search" action={ "/" (slug) "/patients" } data-live={ "/" (slug) "/find" } {
                label for="palette-q" { "Find a patient" }
                div.search-row {
                    input #palette-q type="search" name="q" autocomplete="off" spellcheck="false"
                        placeholder="Name, date of birth, MRN or phone";
                    button type="button" data-close="" { "Close" }
                }
                p.status role="status" data-count="" {}
                div data-results="" {}
            }
            @if let Some(patient) = chart {
                nav aria-label="Go to" {
                    ul.jump {
                        @for (section, name) in SECTIONS {
                            li { a href=(section_address(&visitor.address_of(&patient.person.id), section)) { (name) } }
                        }
                    }
                }
            }
        }
    }
}

/// A page for someone who is not signed in.
pub(crate) fn outside(title: &str, demo: bool, status: StatusCode, main: Markup) -> Response {
    let head = Head { title, scripts: &[], body_class: "outside" };
    let body = html! {
        @if demo { header.top { (ribbon(demo)) } }
        main #main { (main) }
    };
    (status, Html(document(&head, body).into_string())).into_response()
}

/// Why a page cannot be shown, in words.
pub(crate) fn refused(status: StatusCode, title: &str, words: &str) -> Response {
    let main = html! {
        div.sheet {
            h1 { (title) }
            p { (words) }
            p { a href="/" { "Back to the start" } }
        }
    };
    outside(title, false, status, main)
}

/// Components side by side, for those who make them.
pub(crate) fn workshop(title: &str, main: Markup) -> Response {
    let head = Head { title, scripts: &["trend.js"], body_class: "plain" };
    let body = html! {
        header.top { (ribbon(true)) }
        main #main tabindex="-1" { (main) }
    };
    Html(document(&head, body).into_string()).into_response()
}
