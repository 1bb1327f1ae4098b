//! Who this chart is about, on every page of it (screen C-01): who they are, what must not be missed, and
//! the few facts one looks for before anything else.

use super::icon::icon;
use super::{counted, day};
use crate::locale::Words;
use care::chart::{AllergyState, Banner, Criticality, Fact};
use maud::{Markup, html};

pub(crate) fn banner(words: &Words, banner: &Banner, now: i64) -> Markup {
    let person = &banner.person;
    let dead = person.deceased.is_some();
    let shown = |fact: Fact| !banner.not_shown.contains(&fact);
    html! {
        section.banner.deceased[dead] aria-label=(words.say("chart-patient")) {
            div.who {
                span.initials aria-hidden="true" { (person.initials()) }
                div {
                    p.name {
                        strong { (person.name()) }
                        @if let Some(preferred) = &person.preferred { span.called { "“" (preferred) "”" } }
                        @if let Some(pronouns) = &person.pronouns { span.called { (pronouns) } }
                        @if let Some(deceased) = &person.deceased {
                            span.chip.died { (words.say("chart-deceased")) @if let Some(when) = &deceased.when { " " (day(when)) } }
                        }
                        @if person.restricted { span.chip.notable { (words.say("chart-restricted")) } }
                        @if person.part_2 { span.chip.notable { (words.say("chart-part-2")) } }
                        @for wish in &banner.wishes { span.chip.critical { span.spoken { (words.say("chart-wishes")) ": " } (wish) } }
                        @if person.inactive { span.chip.notable { (words.say("chart-record-not-in-use")) } }
                    }
                    p.ident {
                        span { span.label { (words.say("chart-born")) " " } @match &person.born {
                            Some(born) => { (day(born)) }
                            None => { span.absent { (words.say("chart-not-recorded")) } }
                        } @if let Some(age) = &banner.age { " (" @if dead { (words.say("chart-lived")) " " } (super::words::age(words, age)) ")" } }
                        span {
                            @match person.sex { Some(sex) => { (super::words::sex(words, Some(sex))) } None => { span.absent { (words.say("chart-sex-not-recorded")) } } }
                            @if let Some(note) = &person.sex_note { " (" (note) ")" }
                        }
                        @match person.mrn() {
                            Some(mrn) => { span { span.label { "MRN " } span.number { (mrn.shown) } } }
                            None => { span.absent { (words.say("chart-no-mrn")) } }
                        }
                        @if let Some(other) = person.other_identifier() {
                            span { span.label { (other.label) " " } span.number { (other.shown) } }
                        }
                    }
                }
            }
            div.alerts {
                (allergies(words, &banner.allergies))
                @if !banner.flags.is_empty() {
                    p.alert-flags { @for flag in &banner.flags { span.chip.notable { (icon("alert")) (flag) } } }
                }
            }
        }
        section.about aria-label=(words.say("chart-about-the-patient")) { dl.facts {
            @if shown(Fact::Weight) { (fact(&words.say("chart-weight"), weight(words, banner, now))) }
            (fact(&words.say("chart-primary-clinician"), text(words, banner.practitioner.as_deref())))
            (fact(&words.say("chart-language"), language(words, banner)))
            @if shown(Fact::Coverage) { (fact(&words.say("chart-coverage"), text(words, banner.coverage.as_deref()))) }
            @if shown(Fact::Visits) { (fact(&words.say("chart-last-visit"), match (&banner.ongoing, &banner.last_visit) {
                (Some(ongoing), _) => html! { strong { (words.say("chart-here-now")) } " – " (super::words::told(words, &ongoing.class)) },
                (None, Some(visit)) => match &visit.from {
                    Some(from) => html! { (day(from)) " " span.quiet { (super::words::told(words, &visit.class)) } },
                    None => html! { (super::words::told(words, &visit.class)) },
                },
                (None, None) => absent(&words.say("chart-none-recorded")),
            })) }
            @if shown(Fact::Bookings) { (fact(&words.say("chart-next-visit"), match &banner.next_visit {
                Some(next) => html! { (next.when.date_and_time()) @if let Some(what) = &next.what { " " span.quiet { (what) } } },
                None => absent(&words.say("chart-none-booked")),
            })) }
        } }
    }
}

fn fact(label: &str, value: Markup) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}

fn text(words: &Words, value: Option<&str>) -> Markup {
    match value {
        Some(value) => html! { (value) },
        None => absent(&words.say("chart-not-recorded")),
    }
}

fn absent(words: &str) -> Markup {
    html! { span.absent { (words) } }
}

fn weight(words: &Words, banner: &Banner, now: i64) -> Markup {
    match &banner.weight {
        Some(weight) => html! {
            (weight.value.with_unit())
            @if let Some(when) = &weight.when { " " span.quiet title=(when.date()) { (super::words::ago(words, when, now)) } }
        },
        None => absent(&words.say("chart-not-recorded")),
    }
}

fn language(words: &Words, banner: &Banner) -> Markup {
    match (&banner.person.language, banner.person.needs_interpreter) {
        (Some(language), true) => html! { (language) ", " strong { (words.say("chart-interpreter")) } },
        (None, true) => html! { strong { (words.say("chart-interpreter-needed")) } },
        (Some(language), false) => html! { (language) },
        (None, false) => absent(&words.say("chart-not-recorded")),
    }
}

/// Known, none known, and not recorded look different and read differently.
pub(crate) fn allergies(words: &Words, state: &AllergyState) -> Markup {
    match state {
        AllergyState::Known(known) => {
            let high = known.iter().filter(|it| it.criticality == Criticality::High).count();
            html! {
                div.allergy-state.known {
                    (icon("alert"))
                    p {
                        strong { (words.say("chart-allergies")) @if high > 0 { span.chip.critical { (counted(words, "chart-high-risks", high)) } } }
                        span.list title=(known.iter().map(|it| it.substance.as_str()).collect::<Vec<_>>().join(", ")) {
                            @for (at, allergy) in known.iter().take(4).enumerate() {
                                @if at > 0 { ", " }
                                @if allergy.criticality == Criticality::High { strong { (allergy.substance) } } @else { (allergy.substance) }
                            }
                            @if known.len() > 4 { " " (counted(words, "chart-and-more", known.len() - 4)) }
                        }
                    }
                }
            }
        }
        AllergyState::NoneKnown(said) => html! {
            div.allergy-state.none { (icon("check")) p { strong { (super::words::told(words, said)) } span.list { (words.say("chart-asked-and-recorded")) } } }
        },
        AllergyState::OnlyPast(count) => html! {
            div.allergy-state.none {
                (icon("check"))
                p { strong { (words.say("chart-no-active-allergies-2")) } span.list { (counted(words, "chart-past-allergies", *count)) } }
            }
        },
        // Neither a warning nor a reassurance: this role does not see it.
        AllergyState::NotShown => html! {},
        AllergyState::NotRecorded => html! {
            div.allergy-state.unasked { (icon("unknown")) p { strong { (words.say("chart-allergies-not-recorded")) } span.list { (words.say("chart-ask-before-prescribing")) } } }
        },
    }
}
