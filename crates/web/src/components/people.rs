//! People in a list to choose from: a name alone is never enough to tell who is meant, so each has at
//! least two identifiers (screen C-02).

use super::day;
use super::icon::icon;
use care::people::Hit;
use maud::{Markup, html};

pub(crate) fn hits(hits: &[Hit], address: impl Fn(&str) -> String, now: i64) -> Markup {
    html! {
        @if hits.iter().any(|it| it.similar) {
            p.similar-note { (icon("alert")) "Similar names – check the date of birth." }
        }
        ul.hits {
            @for hit in hits { li { (one(hit, &address(&hit.person.id), now)) } }
        }
    }
}

/// Two identifiers after a name, in a line.
pub(crate) fn born(hit: &Hit) -> Markup {
    html! {
        span.quiet {
            "born "
            @match &hit.person.born { Some(born) => { (day(born)) } None => { "not recorded" } }
            @if let Some(mrn) = hit.person.mrn() { ", MRN " span.number { (mrn.shown) } }
        }
    }
}

fn one(hit: &Hit, address: &str, now: i64) -> Markup {
    let person = &hit.person;
    html! {
        a.hit href=(address) {
            span.initials aria-hidden="true" { (person.initials()) }
            span.hit-name {
                strong { (person.name()) }
                @if let Some(preferred) = &person.preferred { " " span.called { "“" (preferred) "”" } }
                @if !person.former.is_empty() { " " span.called { "formerly " (person.former.join(", ")) } }
                @if hit.similar { " " span.chip.notable { "Similar name" } }
                @if person.deceased.is_some() { " " span.chip.died { "Deceased" } }
                @if person.inactive { " " span.chip.notable { "Record not in use" } }
            }
            span.hit-born {
                span.label { "Born " }
                @match &person.born { Some(born) => { (day(born)) } None => { span.absent { "not recorded" } } }
                @if let Some(age) = person.age(now) { " (" (age) ")" }
            }
            span.hit-sex { (person.sex.unwrap_or("Sex not recorded")) }
            span.hit-id {
                @match person.mrn() {
                    Some(mrn) => { span.label { "MRN " } span.number { (mrn.shown) } }
                    None => { span.absent { "No MRN" } }
                }
            }
            span.hit-more {
                @match (person.other_identifier(), &person.phone, &person.address) {
                    (_, Some(phone), _) => { span.label { "Phone " } (phone) }
                    (Some(other), None, _) => { span.label { (other.label) " " } (other.shown) }
                    (None, None, Some(address)) => { (address) }
                    (None, None, None) => { span.absent { "no second identifier" } }
                }
            }
        }
    }
}
