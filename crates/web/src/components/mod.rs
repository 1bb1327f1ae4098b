//! Pieces of pages: typed functions from values to markup, escaped by default. Each is shown in all its
//! states in the gallery (`/dev/components`).

pub(crate) mod axis;
pub(crate) mod banner;
pub(crate) mod card;
pub(crate) mod flag;
pub(crate) mod form;
pub(crate) mod growth;
pub(crate) mod icon;
pub(crate) mod lists;
pub(crate) mod live;
pub(crate) mod measures;
pub(crate) mod notice;
pub(crate) mod people;
pub(crate) mod plot;
pub(crate) mod scopes;
pub(crate) mod shell;
pub(crate) mod spark;
pub(crate) mod table;
pub(crate) mod words;

use care::chart::When;
use maud::{Markup, html};

/// A day, as staff read it.
pub(crate) fn day(when: &When) -> Markup {
    html! { time datetime=(when.machine()) { (when.date()) } }
}

/// A day, or a dash that says in words that it is not known.
pub(crate) fn day_or_none(when: Option<&When>) -> Markup {
    match when {
        Some(when) => day(when),
        None => html! { span.absent { "not recorded" } },
    }
}

/// `s` unless there is one.
pub(crate) fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
