//! `/dev/components`: every component in each of its states, in light and in dark, with made-up values. For
//! those who change them, and for the automatic checks of contrast and markup.

mod samples;

use crate::components::banner::{allergies, banner};
use crate::components::card::{Card, empty};
use crate::components::{axis, flag, lists, measures, people, plot, shell};
use crate::locale::{Locale, Words};
use axum::response::Response;
use care::chart::{AllergyState, EventKind, Flag, ResultStatus, Standing};
use maud::{Markup, html};

/// In English: who makes components reads it.
pub(crate) async fn page() -> Response {
    let words = Locale::English.words();
    shell::workshop(words, "Component gallery", gallery(words))
}

pub(crate) fn gallery(words: &Words) -> Markup {
    html! {
        h1 { "Components" }
        p.lead { "Every component in its states. All values are made up." }
        (shown("Banner", &|_| html! {
            (banner(words, &samples::banner(), samples::NOW))
            (banner(words, &samples::deceased(), samples::NOW))
            (banner(words, &samples::unknown(), samples::NOW))
        }))
        (shown("Allergies: known, none known, past, not recorded", &|_| html! {
            @for state in [
                AllergyState::Known(samples::allergies()),
                AllergyState::NoneKnown("No known allergies".into()),
                AllergyState::OnlyPast(2),
                AllergyState::NotRecorded,
            ] { (allergies(words, &state)) }
        }))
        (shown("Flags and statuses", &|_| html! {
            p {
                @for it in [Flag::High, Flag::Low, Flag::Abnormal, Flag::CriticalHigh, Flag::CriticalLow, Flag::CriticalAbnormal] {
                    (flag::badge(words, Some(it))) " "
                }
                @for it in [ResultStatus::Preliminary, ResultStatus::Corrected, ResultStatus::Cancelled, ResultStatus::Mistaken] {
                    (flag::status(words, it)) " "
                }
            }
        }))
        (shown("Card: filled and empty", &|theme| {
            let card = |slug, title| Card {
                slug,
                title,
                base: "#",
                leads: true,
                count: Some("2 active".into()),
                updated: None,
                source: Some("Riverside Family Practice".into()),
                more: false,
                tools: html! {},
                folded: false,
            };
            let (problems, nothing) = (format!("problems-{theme}"), format!("documents-{theme}"));
            html! {
                (card(&problems, "Problems").show(words, html! { ul.lines { @for it in samples::problems().iter().filter(|it| it.standing == Standing::Active) { (lists::problem_line(words, it)) } } }))
                (card(&nothing, "Documents").show(words, empty("No documents.")))
            }
        }))
        (shown("Lists", &|_| html! {
            ul.lines { @for it in samples::medications() { (lists::medication_line(words, &it)) } }
            ul.lines { @for it in samples::allergies() { (lists::allergy_line(words, &it)) } }
        }))
        (shown("Vitals and results", &|_| html! {
            (measures::vitals(words, "#", &samples::vitals(), samples::NOW))
            (measures::results(words, "#", &samples::results()))
            (measures::full(words, "#", "results", "Latest result of each test", &samples::results()))
        }))
        (shown("Trend: band, flags, a gap, other units", &|_| plot::plot(words, &samples::glucose())))
        (shown("Trend: two series", &|_| plot::plot(words, &samples::pressure())))
        (shown("Trend: one value", &|_| plot::plot(words, &samples::single())))
        (shown("Trend: nothing to draw", &|_| plot::plot(words, &samples::words())))
        (shown("Timeline", &|_| axis::axis(words, &samples::timeline(), &EventKind::ALL)))
        (shown("People found", &|_| people::hits(words, &samples::hits(), |_| "#".to_owned(), samples::NOW)))
    }
}

/// The same in light and in dark.
fn shown(title: &str, component: &dyn Fn(&str) -> Markup) -> Markup {
    html! {
        section aria-label=(title) {
            h2 { (title) }
            div.pair {
                @for theme in ["light", "dark"] {
                    div class={ "specimen " (theme) } { (component(theme)) }
                }
            }
        }
    }
}
