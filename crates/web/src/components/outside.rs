//! What came from other records: the badge that says so wherever it is shown, how much of it waits beside a list, and where
//! it is reconciled. Whoever may not reconcile is told that something waits, and is led nowhere.

use super::icon::icon;
use super::{actions, counted};
use crate::locale::Words;
use crate::request::Visitor;
use care::chart::{Banner, Reading};
use maud::{Markup, html};

/// From which record something came.
pub(crate) fn badge(words: &Words, source: Option<&str>) -> Markup {
    html! { @if let Some(source) = source { " " span.chip.source { span.spoken { (words.say("reconcile-from")) " " } (source) } } }
}

/// A reading of another record that nobody here has looked at.
pub(crate) fn reading(words: &Words, reading: &Reading) -> Markup {
    html! { @if reading.apart { (badge(words, reading.source.as_deref())) } }
}

/// Whether this visitor can be led to where records are reconciled.
pub(crate) fn leads(visitor: &Visitor) -> bool {
    actions::opens(visitor, "patients/{id}/reconcile") && care::reconcile::may(&visitor.pen())
}

/// `From other records (3)`, with the way to reconcile them.
pub(crate) fn waiting(visitor: &Visitor, base: &str, count: usize, section: &str) -> Markup {
    let words = visitor.words;
    html! {
        @if count > 0 {
            p.outside {
                (icon("document")) span { (counted(words, "reconcile-waiting", count)) }
                @if leads(visitor) { " " a href={ (base) "/reconcile#of-" (section) } { (words.say("reconcile-go")) } }
            }
        }
    }
}

/// Under the banner: allergies that other records tell of. They are not known to be true, and not to be overlooked.
pub(crate) fn allergies(visitor: &Visitor, patient: &Banner) -> Markup {
    let (words, told) = (visitor.words, &patient.outside_allergies);
    let base = visitor.address_of(&patient.person.id);
    html! {
        @if !told.is_empty() {
            p.outside-allergies {
                (icon("alert")) strong { (words.say("reconcile-allergies-told")) } " " span { (told.join(", ")) } ". "
                (words.say("reconcile-not-looked-at"))
                @if leads(visitor) { " " a href={ (base) "/reconcile#of-allergies" } { (words.say("reconcile-go")) } }
            }
        }
    }
}
