//! People in a list to choose from: a name alone is never enough to tell who is meant, so each has at
//! least two identifiers (screen C-02).

use super::day;
use super::icon::icon;
use crate::locale::Words;
use care::people::Hit;
use maud::{Markup, html};

pub(crate) fn hits(words: &Words, hits: &[Hit], address: impl Fn(&str) -> String, now: i64) -> Markup {
    html! {
        @if hits.iter().any(|it| it.similar) {
            p.similar-note { (icon("alert")) (words.say("find-similar-note")) }
        }
        ul.hits {
            @for hit in hits { li { (one(words, hit, &address(&hit.person.id), now)) } }
        }
    }
}

/// Two identifiers after a name, in a line.
pub(crate) fn born(words: &Words, hit: &Hit) -> Markup {
    html! {
        span.quiet {
            (words.say("find-born-on")) " "
            @match &hit.person.born { Some(born) => { (day(born)) } None => { (words.say("common-not-recorded")) } }
            @if let Some(mrn) = hit.person.mrn() { ", MRN " span.number { (mrn.shown) } }
        }
    }
}

fn one(words: &Words, hit: &Hit, address: &str, now: i64) -> Markup {
    let person = &hit.person;
    html! {
        a.hit href=(address) {
            span.initials aria-hidden="true" { (person.initials()) }
            span.hit-name {
                strong { (person.name()) }
                @if let Some(preferred) = &person.preferred { " " span.called { "“" (preferred) "”" } }
                @if !person.former.is_empty() { " " span.called { (words.say("find-formerly")) " " (person.former.join(", ")) } }
                @if hit.similar { " " span.chip.notable { (words.say("find-similar")) } }
                @if person.deceased.is_some() { " " span.chip.died { (words.say("common-deceased")) } }
                @if person.inactive { " " span.chip.notable { (words.say("common-not-in-use")) } }
            }
            span.hit-born {
                span.label { (words.say("common-born")) " " }
                @match &person.born { Some(born) => { (day(born)) } None => { span.absent { (words.say("common-not-recorded")) } } }
                @if let Some(age) = person.age(now) { " (" (super::words::age(words, &age)) ")" }
            }
            span.hit-sex { (super::words::sex(words, person.sex)) }
            span.hit-id {
                @match person.mrn() {
                    Some(mrn) => { span.label { "MRN " } span.number { (mrn.shown) } }
                    None => { span.absent { (words.say("common-no-mrn")) } }
                }
            }
            span.hit-more {
                @match (person.other_identifier(), &person.phone, &person.address) {
                    (_, Some(phone), _) => { span.label { (words.say("common-phone")) " " } (phone) }
                    (Some(other), None, _) => { span.label { (other.label) " " } (other.shown) }
                    (None, None, Some(address)) => { (address) }
                    (None, None, None) => { span.absent { (words.say("find-no-second")) } }
                }
            }
        }
    }
}
