//! Who this chart is about, on every page of it (screen C-01): who they are, what must not be missed, and
//! the few facts one looks for before anything else.

use super::icon::icon;
use super::{day, s};
use care::chart::{AllergyState, Banner, Criticality, Fact};
use maud::{Markup, html};

pub(crate) fn banner(banner: &Banner, now: i64) -> Markup {
    let person = &banner.person;
    let dead = person.deceased.is_some();
    let shown = |fact: Fact| !banner.not_shown.contains(&fact);
    html! {
        section.banner.deceased[dead] aria-label="Patient" {
            div.who {
                span.initials aria-hidden="true" { (person.initials()) }
                div {
                    p.name {
                        strong { (person.name()) }
                        @if let Some(preferred) = &person.preferred { span.called { "“" (preferred) "”" } }
                        @if let Some(pronouns) = &person.pronouns { span.called { (pronouns) } }
                        @if let Some(deceased) = &person.deceased {
                            span.chip.died { "Deceased" @if let Some(when) = &deceased.when { " " (day(when)) } }
                        }
                        @if person.restricted { span.chip.notable { "Restricted" } }
                        @if person.inactive { span.chip.notable { "Record not in use" } }
                    }
                    p.ident {
                        span { span.label { "Born " } @match &person.born {
                            Some(born) => { (day(born)) }
                            None => { span.absent { "not recorded" } }
                        } @if let Some(age) = &banner.age { " (" @if dead { "lived " } (age) ")" } }
                        span {
                            @match person.sex { Some(sex) => { (sex) } None => { span.absent { "Sex not recorded" } } }
                            @if let Some(note) = &person.sex_note { " (" (note) ")" }
                        }
                        @match person.mrn() {
                            Some(mrn) => { span { span.label { "MRN " } span.number { (mrn.shown) } } }
                            None => { span.absent { "No MRN" } }
                        }
                        @if let Some(other) = person.other_identifier() {
                            span { span.label { (other.label) " " } span.number { (other.shown) } }
                        }
                    }
                }
            }
            div.alerts {
                (allergies(&banner.allergies))
                @if !banner.flags.is_empty() {
                    p.alert-flags { @for flag in &banner.flags { span.chip.notable { (icon("alert")) (flag) } } }
                }
            }
        }
        section.about aria-label="About the patient" { dl.facts {
            @if shown(Fact::Weight) { (fact("Weight", weight(banner, now))) }
            (fact("Primary clinician", text(banner.practitioner.as_deref())))
            (fact("Language", language(banner)))
            @if shown(Fact::Coverage) { (fact("Coverage", text(banner.coverage.as_deref()))) }
            @if shown(Fact::Visits) { (fact("Last visit", match (&banner.ongoing, &banner.last_visit) {
                (Some(ongoing), _) => html! { strong { "Here now" } " – " (ongoing.class) },
                (None, Some(visit)) => match &visit.from {
                    Some(from) => html! { (day(from)) " " span.quiet { (visit.class) } },
                    None => html! { (visit.class) },
                },
                (None, None) => absent("none recorded"),
            })) }
            @if shown(Fact::Bookings) { (fact("Next visit", match &banner.next_visit {
                Some(next) => html! { (next.when.date_and_time()) @if let Some(what) = &next.what { " " span.quiet { (what) } } },
                None => absent("none booked"),
            })) }
        } }
    }
}

fn fact(label: &str, value: Markup) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}

fn text(value: Option<&str>) -> Markup {
    match value {
        Some(value) => html! { (value) },
        None => absent("not recorded"),
    }
}

fn absent(words: &str) -> Markup {
    html! { span.absent { (words) } }
}

fn weight(banner: &Banner, now: i64) -> Markup {
    match &banner.weight {
        Some(weight) => html! {
            (weight.value.with_unit())
            @if let Some(when) = &weight.when { " " span.quiet title=(when.date()) { (when.ago(now)) } }
        },
        None => absent("not recorded"),
    }
}

fn language(banner: &Banner) -> Markup {
    match (&banner.person.language, banner.person.needs_interpreter) {
        (Some(language), true) => html! { (language) ", " strong { "interpreter" } },
        (None, true) => html! { strong { "Interpreter needed" } },
        (Some(language), false) => html! { (language) },
        (None, false) => absent("not recorded"),
    }
}

/// Known, none known, and not recorded look different and read differently.
pub(crate) fn allergies(state: &AllergyState) -> Markup {
    match state {
        AllergyState::Known(known) => {
            let high = known.iter().filter(|it| it.criticality == Criticality::High).count();
            html! {
                div.allergy-state.known {
                    (icon("alert"))
                    p {
                        strong { "Allergies" @if high > 0 { span.chip.critical { (high) " high risk" } } }
                        span.list title=(known.iter().map(|it| it.substance.as_str()).collect::<Vec<_>>().join(", ")) {
                            @for (at, allergy) in known.iter().take(4).enumerate() {
                                @if at > 0 { ", " }
                                @if allergy.criticality == Criticality::High { strong { (allergy.substance) } } @else { (allergy.substance) }
                            }
                            @if known.len() > 4 { " and " (known.len() - 4) " more" }
                        }
                    }
                }
            }
        }
        AllergyState::NoneKnown(words) => html! {
            div.allergy-state.none { (icon("check")) p { strong { (words) } span.list { "Asked and recorded" } } }
        },
        AllergyState::OnlyPast(count) => html! {
            div.allergy-state.none {
                (icon("check"))
                p { strong { "No active allergies" } span.list { (count) " past allerg" (if *count == 1 { "y" } else { "ies" }) " on record" } }
            }
        },
        // Neither a warning nor a reassurance: this role does not see it.
        AllergyState::NotShown => html! {},
        AllergyState::NotRecorded => html! {
            div.allergy-state.unasked { (icon("unknown")) p { strong { "Allergies not recorded" } span.list { "Ask before prescribing" } } }
        },
    }
}

/// `3 problems`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", s(count))
}
