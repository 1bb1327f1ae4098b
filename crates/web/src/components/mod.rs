//! Pieces of pages: typed functions from values to markup, escaped by default. Each is shown in all its
//! states in the gallery (`/dev/components`).

pub(crate) mod actions;
pub(crate) mod axis;
pub(crate) mod banner;
pub(crate) mod card;
pub(crate) mod combo;
pub(crate) mod flag;
pub(crate) mod form;
pub(crate) mod gaps;
pub(crate) mod growth;
pub(crate) mod icon;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod live;
pub(crate) mod measures;
pub(crate) mod notice;
pub(crate) mod orders;
pub(crate) mod outside;
pub(crate) mod people;
pub(crate) mod pharmacy;
pub(crate) mod plot;
pub(crate) mod scopes;
pub(crate) mod shell;
pub(crate) mod spark;
pub(crate) mod table;
pub(crate) mod words;

use crate::locale::Words;
use care::chart::When;
use maud::{Markup, html};

/// A day, as staff read it.
pub(crate) fn day(when: &When) -> Markup {
    html! { time datetime=(when.machine()) { (when.date()) } }
}

/// A day, or a dash that says in words that it is not known.
pub(crate) fn day_or_none(words: &Words, when: Option<&When>) -> Markup {
    match when {
        Some(when) => day(when),
        None => html! { span.absent { (words.say("common-not-recorded")) } },
    }
}

/// A message that counts: `3 problems`.
pub(crate) fn counted(words: &Words, key: &str, count: usize) -> String {
    words.with(key, &[("count", count.into())])
}
