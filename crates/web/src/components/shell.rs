//! The frame of every page: title, header with search, the ribbon of a demonstration, main part, palette. What
//! the visitor's role cannot do is not offered.

use super::banner::banner;
use super::icon::icon;
use crate::assets;
use crate::locale::{Locale, Words};
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
    locale: Locale,
}

fn document(head: &Head<'_>, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(head.locale.tag()) {
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

fn ribbon(demo: bool, words: &Words) -> Markup {
    html! { @if demo { p.ribbon { (words.say("common-demo")) } } }
}

/// Pages of administration: (end of the address, name, the permission it takes).
pub(crate) const ADMINISTRATION: [(&str, &str, &str); 7] = [
    ("users", "Users", "users.manage"),
    ("roles", "Roles", "roles.read"),
    ("sessions", "Sessions", "sessions.manage"),
    ("apps", "Apps", "apps.manage"),
    ("audit", "Audit", "audit.read"),
    ("disclosures", "Disclosures", "audit.read"),
    ("emergency", "Emergency access", "break-glass.review"),
];

/// Pages of the portal: (end of the address, name).
const PORTAL: [(&str, &str); 4] = [
    ("portal/", "Your health"),
    ("portal/looks", "Who looked at your record"),
    ("portal/apps", "Connected apps"),
    ("account", "Security"),
];

/// The first page of administration that the visitor may see.
pub(crate) fn first_of_administration(visitor: &Visitor) -> Option<String> {
    let first = ADMINISTRATION.iter().find(|(_, _, permission)| visitor.may(permission))?;
    Some(format!("/{}/admin/{}", visitor.organisation.slug, first.0))
}

/// What stands beside the main part.
enum Beside<'a> {
    Nothing,
    Chart(&'a Banner, &'a str),
    Administration(&'a str),
    Portal(&'a str),
}

/// A page by itself.
pub(crate) fn page(visitor: &Visitor, title: &str, main: Markup) -> Response {
    framed(visitor, title, &Beside::Nothing, main)
}

/// A page of administration; `section` is its end of the address.
pub(crate) fn administration(visitor: &Visitor, section: &str, title: &str, main: Markup) -> Response {
    framed(visitor, title, &Beside::Administration(section), main)
}

/// A page of the portal; `section` is its end of the address.
pub(crate) fn portal(visitor: &Visitor, section: &str, title: &str, main: Markup) -> Response {
    framed(visitor, title, &Beside::Portal(section), main)
}

/// A page that staff and patients have alike: in the portal for a patient.
pub(crate) fn own(visitor: &Visitor, title: &str, main: Markup) -> Response {
    let beside = if visitor.is_patient() { Beside::Portal("account") } else { Beside::Nothing };
    framed(visitor, title, &beside, html! { div.own { (main) } })
}

/// A page of a chart. The title of the tab has initials rather than a name: titles are kept by browsers.
pub(crate) fn chart(visitor: &Visitor, patient: &Banner, section: &str, title: &str, main: Markup) -> Response {
    framed(visitor, &format!("{} · {title}", patient.person.initials()), &Beside::Chart(patient, section), main)
}

fn framed(visitor: &Visitor, title: &str, beside: &Beside<'_>, main: Markup) -> Response {
    let title = format!("{title} · {}", visitor.organisation.name);
    let head = Head {
        title: &title,
        scripts: &["keys.js", "search.js", "trend.js", "session.js", "passkey.js", "acts.js"],
        body_class: match beside {
            Beside::Chart(..) => "chart",
            Beside::Nothing | Beside::Administration(_) | Beside::Portal(_) => "plain",
        },
        locale: visitor.words.locale,
    };
    let patient = match beside {
        Beside::Chart(patient, _) => Some(*patient),
        _ => None,
    };
    let body = html! {
        a.skip href="#main" { "Skip to content" }
        header.top {
            (ribbon(visitor.web.installation.demo, visitor.words))
            (bar(visitor, matches!(beside, Beside::Administration(_))))
            (emergency(visitor))
        }
        @match beside {
            Beside::Chart(patient, section) => {
                div.sticky { (banner(patient, visitor.now)) }
                div.columns {
                    (sections(visitor, patient, section))
                    main #main tabindex="-1" { (main) }
                }
            }
            Beside::Administration(section) => {
                div.columns.of-administration {
                    (administration_sections(visitor, section))
                    main #main tabindex="-1" { (main) }
                }
            }
            Beside::Portal(section) => {
                (portal_sections(visitor, section))
                main #main tabindex="-1" { (main) }
            }
            Beside::Nothing => { main #main tabindex="-1" { (main) } }
        }
        @if visitor.may(CHART) { (palette(visitor, patient)) }
        (lock(visitor))
    };
    Html(document(&head, body).into_string()).into_response()
}

/// The permission to open charts.
pub(crate) const CHART: &str = "chart.open";

fn bar(visitor: &Visitor, in_administration: bool) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        div.bar {
            a.home href={ "/" (slug) (if visitor.is_patient() { "/portal/" } else { "/" }) } { (visitor.organisation.name) }
            @if visitor.may(CHART) {
                a.find href={ "/" (slug) "/" } data-palette="" { (icon("search")) "Find patient" kbd { "Ctrl K" } }
            }
            @if !visitor.is_patient() && let Some(first) = first_of_administration(visitor) {
                a.place href=(first) aria-current=[in_administration.then_some("true")] { "Administration" }
                @if visitor.reviews > 0 {
                    a.alarm href={ "/" (slug) "/admin/emergency" } {
                        (icon("alert")) (visitor.reviews) span.wordy { " to review" } span.spoken { ": emergency access" }
                    }
                }
            }
            form.account method="post" action={ "/" (slug) "/sign-out" } {
                a href={ "/" (slug) "/account" } { span { (visitor.caller.display) } span.spoken { ", my security" } }
                button type="submit" { "Sign out" }
            }
        }
    }
}

/// Emergency access is never in force unseen.
fn emergency(visitor: &Visitor) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        @if !visitor.emergencies.is_empty() {
            section.emergencies aria-label="Emergency access" {
                @for it in &visitor.emergencies {
                    div.emergency data-until=(it.until / 1000) {
                        p {
                            (icon("alert")) strong { "Emergency access" } " to "
                            a href=(visitor.address_of(&it.patient)) { "one record" } " ends in "
                            span data-remaining="" { (super::table::remaining(it.until - visitor.now)) }
                            span.wordy { ". What you open there will be reviewed." }
                        }
                        (super::form::act(&format!("/{slug}/emergency/end"), &[("id", &it.id)], "End now", None))
                    }
                }
            }
        }
    }
}

fn administration_sections(visitor: &Visitor, current: &str) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        nav.sections aria-label="Administration" {
            ul {
                @for (section, name, permission) in ADMINISTRATION {
                    @if visitor.may(permission) {
                        li {
                            a href={ "/" (slug) "/admin/" (section) } aria-current=[(section == current).then_some("page")] {
                                (name)
                                @if section == "emergency" && visitor.reviews > 0 { " " span.chip.critical { (visitor.reviews) span.spoken { " to review" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn portal_sections(visitor: &Visitor, current: &str) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        nav.sections.of-portal aria-label="Your record" {
            ul {
                @for (section, name) in PORTAL {
                    li { a href={ "/" (slug) "/" (section) } aria-current=[(section == current).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// Warns before the session ends for want of use; then hides the page, and keeps it, until the same person is
/// back. Without JavaScript the next click leads to the sign-in page and from there back.
fn lock(visitor: &Visitor) -> Markup {
    let slug = &visitor.organisation.slug;
    html! {
        div #idle data-keep={ "/" (slug) "/session" } data-minutes=(visitor.session.idle_minutes) role="alert" {}
        dialog #lock aria-labelledby="lock-title" {
            form.stacked method="post" action={ "/" (slug) "/unlock" } {
                h2 #lock-title { "Locked" }
                p { "You were away for a while. Your page is kept as it was." }
                p.error role="alert" hidden {}
                input type="hidden" name="username" value=(visitor.session.username) autocomplete="username";
                div.field {
                    label for="lock-password" { "Password of " (visitor.caller.display) }
                    input #lock-password type="password" name="password" autocomplete="current-password";
                }
                div.field hidden {
                    label for="lock-code" { "Code from your authenticator app" }
                    input #lock-code name="code" autocomplete="one-time-code" inputmode="numeric" spellcheck="false";
                }
                button.primary type="submit" { "Unlock" }
                p { a href={ "/" (slug) "/sign-in" } { "Sign in as someone else" } }
            }
        }
    }
}

fn sections(visitor: &Visitor, patient: &Banner, current: &str) -> Markup {
    let base = visitor.address_of(&patient.person.id);
    html! {
        nav.sections aria-label="Chart" {
            ul {
                @for (at, (slug, name)) in SECTIONS.iter().enumerate().filter(|(_, (slug, _))| opens(visitor, slug)) {
                    li {
                        a href=(section_address(&base, slug)) aria-current=[(*slug == current).then_some("page")]
                            data-alt=[(at < 10).then_some(at)] { (name) }
                    }
                }
                @if visitor.may("break-glass") && visitor.emergencies.iter().all(|it| it.patient != patient.person.id) {
                    li.apart { a href={ (base) "/emergency" } { "Emergency access" } }
                }
            }
        }
    }
}

/// Sections that the visitor's rights keep shut are not offered.
fn opens(visitor: &Visitor, section: &str) -> bool {
    care::chart::opens(visitor.store(), &visitor.caller, section)
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
                        @for (section, name) in SECTIONS.iter().filter(|(section, _)| opens(visitor, section)) {
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
    let head = Head { title, scripts: &["passkey.js", "acts.js"], body_class: "outside", locale: Locale::English };
    let body = html! {
        @if demo { header.top { (ribbon(demo, Locale::English.words())) } }
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
    let head = Head { title, scripts: &["trend.js"], body_class: "plain", locale: Locale::English };
    let body = html! {
        header.top { (ribbon(true, Locale::English.words())) }
        main #main tabindex="-1" { (main) }
    };
    Html(document(&head, body).into_string()).into_response()
}
