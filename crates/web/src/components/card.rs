//! A card of the summary: a heading that leads to the whole section, how many there are, when it was last
//! updated, and what it says when it is empty (absent is not the same as none).

use care::chart::When;
use maud::{Markup, html};

pub(crate) struct Card<'a> {
    /// For the address of the section and the id of the heading.
    pub(crate) slug: &'a str,
    pub(crate) title: &'a str,
    pub(crate) base: &'a str,
    /// `4 active`.
    pub(crate) count: Option<String>,
    pub(crate) updated: Option<&'a When>,
    pub(crate) more: bool,
}

impl Card<'_> {
    pub(crate) fn show(&self, body: Markup) -> Markup {
        let heading = format!("card-{}", self.slug);
        html! {
            section class={ "card " (self.slug) } aria-labelledby=(heading) {
                header {
                    h2 id=(heading) { a href={ (self.base) "/" (self.slug) } { (self.title) } }
                    @if let Some(count) = &self.count { span.count { (count) } }
                }
                (body)
                @if self.updated.is_some() || self.more {
                    footer {
                        @if self.more { a href={ (self.base) "/" (self.slug) } { "See all" } " " }
                        @if let Some(updated) = self.updated { "Updated " (super::day(updated)) }
                    }
                }
            }
        }
    }
}

/// The visitor's role does not see this: said quietly, and never confused with none.
pub(crate) fn not_shown(what: &str) -> Markup {
    html! { p.not-shown { (what) " not shown for your role." } }
}

/// Nothing is known, which is said in words.
pub(crate) fn empty(words: &str) -> Markup {
    html! { p.empty { (words) } }
}
