//! `/dev/components`: every component in each of its states, in light and in dark, with made-up values. For
//! those who change them, and for the automatic checks of contrast and markup.

mod samples;

use crate::components::banner::{allergies, banner};
use crate::components::card::{Card, empty};
use crate::components::{axis, flag, lists, measures, people, plot, shell};
use axum::response::Response;
use care::chart::{AllergyState, EventKind, Flag, ResultStatus, Standing};
use maud::{Markup, html};

pub(crate) async fn page() -> Response {
    shell::workshop(words, "Component gallery", gallery())
}

pub(crate) fn gallery() -> Markup {
    html! {
        h1 { "Components" }
        p.lead { "Every component in its states. All values are made up." }
        (shown("Banner", &|_| html! {
            (banner(&samples::banner(), samples::NOW))
            (banner(&samples::deceased(), samples::NOW))
            (banner(&samples::unknown(), samples::NOW))
        }))
        (shown("Allergies: known, none known, past, not recorded", &|_| html! {
            @for state in [
                AllergyState::Known(samples::allergies()),
                AllergyState::NoneKnown("No known allergies".into()),
                AllergyState::OnlyPast(2),
                AllergyState::NotRecorded,
            ] { (allergies(&state)) }
        }))
        (shown("Flags and statuses", &|_| html! {
            p {
                @for it in [Flag::High, Flag::Low, Flag::Abnormal, Flag::CriticalHigh, Flag::CriticalLow, Flag::CriticalAbnormal] {
                    (flag::badge(Some(it))) " "
                }
                @for it in [ResultStatus::Preliminary, ResultStatus::Corrected, ResultStatus::Cancelled, ResultStatus::Mistaken] {
                    (flag::status(it)) " "
                }
            }
        }))
        (shown("Card: filled and empty", &|theme| {
            let card = |slug, title| Card { slug, title, base: "#", count: Some("2 active".into()), updated: None, more: false };
            let (problems, nothing) = (format!("problems-{theme}"), format!("documents-{theme}"));
            html! {
                (card(&problems, "Problems").show(html! { ul.lines { @for it in samples::problems().iter().filter(|it| it.standing == Standing::Active) { (lists::problem_line(it)) } } }))
                (card(&nothing, "Documents").show(empty("No documents.")))
            }
        }))
        (shown("Lists", &|_| html! {
            ul.lines { @for it in samples::medications() { (lists::medication_line(&it)) } }
            ul.lines { @for it in samples::allergies() { (lists::allergy_line(&it)) } }
            (lists::table(words, "Problems", &lists::PROBLEM_HEADS, &samples::problems().iter().map(lists::problem_row).collect::<Vec<_>>()))
            (lists::table(words, "Medications", &lists::MEDICATION_HEADS, &samples::medications().iter().map(lists::medication_row).collect::<Vec<_>>()))
        }))
        (shown("Vitals and results", &|_| html! {
            (measures::vitals("#", &samples::vitals(), samples::NOW))
            (measures::results("#", &samples::results()))
            (measures::full("#", "results", "Latest result of each test", &samples::results()))
        }))
        (shown("Trend: band, flags, a gap, other units", &|_| plot::plot(&samples::glucose())))
        (shown("Trend: two series", &|_| plot::plot(&samples::pressure())))
        (shown("Trend: one value", &|_| plot::plot(&samples::single())))
        (shown("Trend: nothing to draw", &|_| plot::plot(&samples::words())))
        (shown("Timeline", &|_| axis::axis(&samples::timeline(), &EventKind::ALL)))
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
