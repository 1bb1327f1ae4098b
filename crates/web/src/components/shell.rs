//! The frame of every page: title, header with search, the ribbon of a demonstration, main part, palette. What
//! the visitor's role cannot do is not offered.

use super::banner::banner;
use super::icon::icon;
use super::{actions, keys};
use crate::assets;
use crate::locale::Words;
use crate::request::{Moved, Visitor};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use care::chart::Banner;
use care::desk::{Density, Opened, Settings, TextSize, Theme};
use maud::{DOCTYPE, Markup, html};

/// Sections of a chart: (end of the address, name). Alt with 0, 1, 2… leads there in this order.
pub(crate) const SECTIONS: [(&str, &str); 17] = [
    ("", "shell-summary"),
    ("problems", "shell-problems"),
    ("medications", "shell-medications"),
    ("allergies", "shell-allergies"),
    ("results", "shell-results"),
    ("vitals", "shell-vitals"),
    ("immunizations", "shell-immunizations"),
    ("encounters", "shell-encounters"),
    ("documents", "shell-documents"),
    ("timeline", "shell-timeline"),
    ("imaging", "imaging-title"),
    ("growth", "growth-title"),
    ("history", "lists-history"),
    ("care", "lists-care"),
    ("orders", "orders-title"),
    ("gaps", "orders-gaps"),
    ("apps", "orders-apps"),
];

/// Scripts of every page of someone signed in. What only some pages need is named by them (see [`Needs`]).
pub(crate) const SCRIPTS: [&str; 7] =
    ["keys.js", "search.js", "trend.js", "session.js", "passkey.js", "acts.js", "drawer.js"];

/// What a page needs beside what every page has: sheets and scripts of its family, by their names in `assets.rs`.
/// `shell::page(…)` and its like take a title or a title with needs: `("Orders", Needs::of(&["orders.css"], &["combo.js"]))`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Needs {
    sheets: &'static [&'static str],
    scripts: &'static [&'static str],
}

impl Needs {
    pub(crate) const fn of(sheets: &'static [&'static str], scripts: &'static [&'static str]) -> Needs {
        Needs { sheets, scripts }
    }
}

/// What a page is called, and what it needs.
pub(crate) struct Title<'a> {
    words: std::borrow::Cow<'a, str>,
    needs: Needs,
}

impl<'a> From<&'a str> for Title<'a> {
    fn from(words: &'a str) -> Title<'a> {
        Title { words: words.into(), needs: Needs::default() }
    }
}

impl<'a> From<&'a String> for Title<'a> {
    fn from(words: &'a String) -> Title<'a> {
        Title::from(words.as_str())
    }
}

impl From<String> for Title<'static> {
    fn from(words: String) -> Title<'static> {
        Title { words: words.into(), needs: Needs::default() }
    }
}

impl<'a, T: Into<Title<'a>>> From<(T, Needs)> for Title<'a> {
    fn from((title, needs): (T, Needs)) -> Title<'a> {
        Title { needs, ..title.into() }
    }
}

struct Head<'a> {
    title: &'a str,
    words: &'static Words,
    settings: &'a Settings,
    scripts: &'a [&'a str],
    needs: Needs,
    body_class: &'a str,
}

fn document(head: &Head<'_>, body: Markup) -> Markup {
    let locale = head.words.locale;
    let theme = match head.settings.theme {
        Theme::Device => None,
        Theme::Light => Some("light"),
        Theme::Dark => Some("dark"),
    };
    let text = match head.settings.text {
        TextSize::Normal => None,
        TextSize::Large => Some("large"),
        TextSize::Larger => Some("larger"),
    };
    html! {
        (DOCTYPE)
        html lang=(locale.tag()) dir=(locale.direction()) data-theme=[theme] data-text=[text]
            data-density=[(head.settings.density == Density::Compact).then_some("compact")] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) }
                link rel="icon" type="image/svg+xml" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("continuo.css"));
                @for sheet in head.needs.sheets { link rel="stylesheet" href=(assets::address(sheet)); }
                @for script in head.scripts.iter().chain(head.needs.scripts) { script type="module" src=(assets::address(script)) {} }
            }
            (body_of(head, body))
        }
    }
}

/// The body; what scripts say by themselves stands on it, in the language of the page.
fn body_of(head: &Head<'_>, body: Markup) -> Markup {
    let say = |key: &str| head.words.say(key);
    html! {
        body class=(head.body_class) data-word-close=(say("shell-close")) data-word-unanswered=(say("shell-unanswered"))
            data-word-idle=(say("shell-idle")) data-word-stay=(say("shell-stay"))
            data-word-chosen=(say("shell-passkey-nothing")) data-word-named=(say("shell-passkey-address"))
            data-word-twice=(say("shell-passkey-twice")) { (body) }
    }
}

fn ribbon(words: &Words, demo: bool) -> Markup {
    html! { @if demo { p.ribbon { (words.say("common-demo")) } } }
}

/// Pages of administration: (end of the address, name, the permission it takes).
pub(crate) const ADMINISTRATION: [(&str, &str, &str); 10] = [
    ("users", "shell-users", "users.manage"),
    ("roles", "shell-roles", "roles.read"),
    ("sessions", "shell-sessions", "sessions.manage"),
    ("apps", "shell-apps", "apps.manage"),
    ("audit", "shell-audit", "audit.read"),
    ("disclosures", "shell-disclosures", "audit.read"),
    ("emergency", "shell-emergency", "break-glass.review"),
    ("duplicates", "shell-duplicates", "patients.duplicates"),
    ("content", "shell-content", "roles.read"),
    ("interfaces/", "shell-interfaces", "interfaces"),
];

/// `/riverside/admin/users`; a section with a slash at its end lies at an address of its own.
fn address_of_section(slug: &str, section: &str) -> String {
    if section.ends_with('/') { format!("/{slug}/{section}") } else { format!("/{slug}/admin/{section}") }
}

/// Pages of the portal: (end of the address, name).
const PORTAL: [(&str, &str); 6] = [
    ("portal/", "shell-portal-home"),
    ("portal/video", "shell-portal-video"),
    ("portal/messages", "inbox-messages"),
    ("portal/looks", "shell-portal-looks"),
    ("portal/apps", "shell-portal-apps"),
    ("account", "shell-portal-account"),
];

/// The first page of administration that the visitor may see.
pub(crate) fn first_of_administration(visitor: &Visitor) -> Option<String> {
    let first = ADMINISTRATION.iter().find(|(_, _, permission)| visitor.may(permission))?;
    Some(address_of_section(&visitor.organisation.slug, first.0))
}

/// What stands beside the main part.
enum Beside<'a> {
    Nothing,
    Chart(&'a Banner, &'a str),
    Administration(&'a str),
    Portal(&'a str),
}

/// A page by itself.
pub(crate) fn page<'a>(visitor: &Visitor, title: impl Into<Title<'a>>, main: Markup) -> Response {
    framed(visitor, title.into(), &Beside::Nothing, main)
}

/// A page of administration; `section` is its end of the address.
pub(crate) fn administration<'a>(
    visitor: &Visitor,
    section: &str,
    title: impl Into<Title<'a>>,
    main: Markup,
) -> Response {
    framed(visitor, title.into(), &Beside::Administration(section), main)
}

/// A page of the portal; `section` is its end of the address.
pub(crate) fn portal<'a>(visitor: &Visitor, section: &str, title: impl Into<Title<'a>>, main: Markup) -> Response {
    framed(visitor, title.into(), &Beside::Portal(section), main)
}

/// A page that staff and patients have alike: in the portal for a patient.
pub(crate) fn own<'a>(visitor: &Visitor, title: impl Into<Title<'a>>, main: Markup) -> Response {
    let beside = if visitor.is_patient() { Beside::Portal("account") } else { Beside::Nothing };
    framed(visitor, title.into(), &beside, html! { div.own { (main) } })
}

/// A page of a chart. The title of the tab has initials rather than a name: titles are kept by browsers. The chart is
/// then among those that the visitor opened lately (see `pages.rs`).
pub(crate) fn chart<'a>(
    visitor: &Visitor,
    patient: &Banner,
    section: &str,
    title: impl Into<Title<'a>>,
    main: Markup,
) -> Response {
    if let Some(survivor) = &patient.person.replaced_by {
        let mut response = Response::default();
        response.extensions_mut().insert(Moved(survivor.clone()));
        return response;
    }
    let Title { words, needs } = title.into();
    let title = Title { words: format!("{} · {words}", patient.person.initials()).into(), needs };
    let mut response = framed(visitor, title, &Beside::Chart(patient, section), main);
    response.extensions_mut().insert(Opened::of(&patient.person));
    response
}

fn framed(visitor: &Visitor, title: Title<'_>, beside: &Beside<'_>, main: Markup) -> Response {
    let words = visitor.words;
    let head = Head {
        title: &format!("{} · {}", title.words, visitor.organisation.name),
        words,
        settings: &visitor.desk,
        scripts: &SCRIPTS,
        needs: title.needs,
        body_class: match beside {
            Beside::Chart(..) => "chart",
            Beside::Nothing | Beside::Administration(_) | Beside::Portal(_) => "plain",
        },
    };
    let patient = match beside {
        Beside::Chart(patient, _) => Some(*patient),
        _ => None,
    };
    let body = html! {
        a.skip href="#main" { (words.say("shell-skip")) }
        header.top {
            (ribbon(words, visitor.web.installation.demo))
            (bar(visitor, matches!(beside, Beside::Administration(_))))
            (emergency(visitor))
        }
        @match beside {
            Beside::Chart(patient, section) => {
                div.sticky { (banner(words, patient, visitor.now)) }
                (super::outside::allergies(visitor, patient))
                (merged(visitor))
                (alike(visitor, patient))
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
        (printed(visitor, patient))
        @if visitor.may(CHART) { (palette(visitor, patient)) }
        (keys::help(visitor))
        (lock(visitor))
    };
    Html(document(&head, body).into_string()).into_response()
}

/// Another record was asked for, which was merged into this one.
fn merged(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(asked) = &visitor.merged {
            p.similar-note.no-print role="status" { (visitor.words.with("shell-merged", &[("number", asked.as_str().into())])) }
        }
    }
}

/// Another chart that was opened lately bears a name like this one.
fn alike(visitor: &Visitor, patient: &Banner) -> Markup {
    let this = Opened::of(&patient.person);
    let others: Vec<&Opened> = visitor.opened.iter().filter(|it| it.resembles(&this)).collect();
    html! {
        @if let Some(other) = others.first() {
            p.alike.no-print {
                (icon("alert")) strong { (visitor.words.say("shell-alike")) } " " (visitor.words.say("shell-alike-check")) " "
                a href=(visitor.address_of(&other.patient)) { (visitor.words.say("shell-alike-other")) }
            }
        }
    }
}

/// On paper each sheet says whose it is, who printed it and when.
fn printed(visitor: &Visitor, patient: Option<&Banner>) -> Markup {
    let when = care::chart::When::of_micros(visitor.now).date_and_time();
    let values = [("who", visitor.caller.display.to_string().into()), ("when", when.into())];
    html! {
        p.printed aria-hidden="true" {
            @if let Some(patient) = patient {
                strong { (patient.person.name()) } " · "
                @if let Some(born) = &patient.person.born { (born.date()) " · " }
                @if let Some(mrn) = patient.person.mrn() { "MRN " (mrn.shown) " · " }
            }
            (visitor.organisation.name) " · " (visitor.words.with("shell-printed", &values))
        }
    }
}

/// The permission to open charts.
pub(crate) const CHART: &str = "chart.open";

fn bar(visitor: &Visitor, in_administration: bool) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    html! {
        div.bar {
            a.home href={ "/" (slug) (if visitor.is_patient() { "/portal/" } else { "/" }) } { (visitor.organisation.name) }
            @if visitor.may(CHART) {
                a.find href={ "/" (slug) "/" } data-palette="" {
                    (icon("search")) (words.say("shell-find"))
                    @if let Some(keys) = keys::chord(&visitor.desk, "palette") { kbd { (keys.replace('+', " ")) } }
                }
            }
            div.destinations {
                @for (address, name) in actions::places(visitor) { a.place href=(address) { (words.say(name)) } }
                @if !visitor.is_patient() && let Some(first) = first_of_administration(visitor) {
                    a.place href=(first) aria-current=[in_administration.then_some("true")] { (words.say("shell-administration")) }
                    @if visitor.reviews > 0 {
                        a.alarm href={ "/" (slug) "/admin/emergency" } {
                            (icon("alert")) (visitor.reviews) span.wordy { " " (words.say("shell-to-review")) }
                            span.spoken { ": " (words.say("shell-emergency")) }
                        }
                    }
                }
            }
            form.account method="post" action={ "/" (slug) "/sign-out" } {
                a href={ "/" (slug) "/account" } { span { (visitor.caller.display) } span.spoken { ", " (words.say("shell-my-security")) } }
                button type="submit" { (words.say("shell-sign-out")) }
            }
        }
    }
}

/// Emergency access is never in force unseen.
fn emergency(visitor: &Visitor) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    html! {
        @if !visitor.emergencies.is_empty() {
            section.emergencies aria-label=(words.say("shell-emergency")) {
                @for it in &visitor.emergencies {
                    div.emergency data-until=(it.until / 1000) {
                        p {
                            (icon("alert")) strong { (words.say("shell-emergency")) } " "
                            a href=(visitor.address_of(&it.patient)) { (words.say("shell-emergency-record")) } " "
                            (words.say("shell-emergency-ends")) " "
                            span data-remaining="" { (super::table::remaining(words, it.until - visitor.now)) }
                            span.wordy { ". " (words.say("shell-emergency-reviewed")) }
                        }
                        (super::form::act(&format!("/{slug}/emergency/end"), &[("id", &it.id)], &words.say("shell-emergency-end"), None))
                    }
                }
            }
        }
    }
}

fn administration_sections(visitor: &Visitor, current: &str) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    html! {
        nav.sections aria-label=(words.say("shell-administration")) {
            ul {
                @for (section, name, permission) in ADMINISTRATION {
                    @if visitor.may(permission) {
                        li {
                            a href=(address_of_section(slug, section)) aria-current=[(section == current).then_some("page")] {
                                (words.say(name))
                                @if section == "emergency" && visitor.reviews > 0 {
                                    " " span.chip.critical { (visitor.reviews) span.spoken { " " (words.say("shell-to-review")) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn portal_sections(visitor: &Visitor, current: &str) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    html! {
        nav.sections.of-portal aria-label=(words.say("shell-portal-record")) {
            ul {
                @for (section, name) in PORTAL {
                    li { a href={ "/" (slug) "/" (section) } aria-current=[(section == current).then_some("page")] { (words.say(name)) } }
                }
            }
        }
    }
}

/// Warns before the session ends for want of use; then hides the page, and keeps it, until the same person is
/// back. Without JavaScript the next click leads to the sign-in page and from there back.
fn lock(visitor: &Visitor) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    html! {
        div #idle data-keep={ "/" (slug) "/session" } data-minutes=(visitor.session.idle_minutes) role="alert" {}
        dialog #lock aria-labelledby="lock-title" {
            form.stacked method="post" action={ "/" (slug) "/unlock" } {
                h2 #lock-title { (words.say("shell-locked")) }
                p { (words.say("shell-locked-kept")) }
                p.error role="alert" hidden {}
                input type="hidden" name="username" value=(visitor.session.username) autocomplete="username";
                div.field {
                    label for="lock-password" { (words.with("shell-locked-password", &[("who", visitor.caller.display.to_string().into())])) }
                    input #lock-password type="password" name="password" autocomplete="current-password";
                }
                div.field hidden {
                    label for="lock-code" { (words.say("shell-locked-code")) }
                    input #lock-code name="code" autocomplete="one-time-code" inputmode="numeric" spellcheck="false";
                }
                button.primary type="submit" { (words.say("shell-unlock")) }
                p { a href={ "/" (slug) "/sign-in" } { (words.say("shell-sign-in-other")) } }
            }
        }
    }
}

/// Growth charts end at twenty years.
fn grows(patient: &Banner, now: i64) -> bool {
    const YEAR: i64 = 31_557_600_000;
    patient.person.born.is_some_and(|it| now / 1000 - it.at() < 20 * YEAR)
}

fn sections(visitor: &Visitor, patient: &Banner, current: &str) -> Markup {
    let (base, words) = (visitor.address_of(&patient.person.id), visitor.words);
    let actions = actions::of_chart(visitor, &patient.person.id);
    html! {
        nav.sections aria-label=(words.say("shell-chart")) {
            ul {
                @for (at, (slug, name)) in SECTIONS.iter().enumerate().filter(|(_, (slug, _))| opens(visitor, slug) && (*slug != "growth" || grows(patient, visitor.now))) {
                    li {
                        a href=(section_address(&base, slug)) aria-current=[(*slug == current).then_some("page")]
                            data-alt=[(at < 10).then_some(at)] { (words.say(name)) }
                    }
                }
                @for (at, (command, address, name, drawer)) in actions.iter().enumerate() {
                    li.begin.apart[at == 0] {
                        a href=(address) data-key=(command) data-drawer[*drawer] { (words.say(name)) }
                    }
                }
                @if actions::opens(visitor, "lists") {
                    li.begin { a href={ (visitor.at("lists?patient=")) (patient.person.id) } { (words.say("shell-act-list")) } }
                }
                @if visitor.may("break-glass") && visitor.emergencies.iter().all(|it| it.patient != patient.person.id) {
                    li.apart.alarming { a href={ (base) "/emergency" } { (words.say("shell-emergency")) } }
                }
            }
        }
    }
}

/// Sections that the visitor's rights keep shut are not offered.
pub(crate) fn opens(visitor: &Visitor, section: &str) -> bool {
    care::chart::opens(visitor.store(), &visitor.caller, section)
        && (section.is_empty() || actions::opens(visitor, &format!("patients/{{id}}/{section}")))
}

pub(crate) fn section_address(base: &str, slug: &str) -> String {
    if slug.is_empty() { base.to_owned() } else { format!("{base}/{slug}") }
}

/// Find anyone and anything from anywhere: opened by Ctrl K.
fn palette(visitor: &Visitor, chart: Option<&Banner>) -> Markup {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    let live = match chart {
        Some(patient) => format!("/{slug}/find?all=yes&in={}", patient.person.id),
        None => format!("/{slug}/find?all=yes"),
    };
    html! {
        dialog #palette aria-label=(words.say("shell-palette")) {
            form.find-form role="search" action={ "/" (slug) "/patients" } data-live=(live) {
                label for="palette-q" { (words.say("shell-palette-find")) }
                div.search-row {
                    input #palette-q type="search" name="q" autocomplete="off" spellcheck="false"
                        placeholder=(words.say("shell-palette-hint"));
                    button type="button" data-close="" { (words.say("shell-close")) }
                }
                p.status role="status" data-count="" {}
                div data-results="" {}
            }
        }
    }
}

/// A page for someone who is not signed in.
pub(crate) fn outside(words: &'static Words, title: &str, demo: bool, status: StatusCode, main: Markup) -> Response {
    let settings = Settings::default();
    let (scripts, needs) = (["passkey.js", "acts.js"], Needs::default());
    let head = Head { title, words, settings: &settings, scripts: &scripts, needs, body_class: "outside" };
    let body = html! {
        @if demo { header.top { (ribbon(words, demo)) } }
        main #main { (main) }
    };
    (status, Html(document(&head, body).into_string())).into_response()
}

/// Why a page cannot be shown, in words.
pub(crate) fn refused(words: &'static Words, status: StatusCode, title: &str, why: &str) -> Response {
    let main = html! {
        div.sheet {
            h1 { (title) }
            p { (why) }
            p { a href="/" { (words.say("shell-back-to-start")) } }
        }
    };
    outside(words, title, false, status, main)
}

/// Components side by side, for those who make them.
pub(crate) fn workshop(words: &'static Words, title: &str, main: Markup) -> Response {
    let (settings, needs) = (Settings::default(), Needs::default());
    let head = Head { title, words, settings: &settings, scripts: &["trend.js"], needs, body_class: "plain" };
    let body = html! {
        header.top { (ribbon(words, true)) }
        main #main tabindex="-1" { (main) }
    };
    Html(document(&head, body).into_string()).into_response()
}
