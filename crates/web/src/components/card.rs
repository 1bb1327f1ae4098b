//! A card of the summary: a heading that leads to the whole section, how many there are, when it was last
//! updated, and what it says when it is empty (absent is not the same as none).

use crate::locale::Words;
use care::chart::When;
use maud::{Markup, html};

pub(crate) struct Card<'a> {
    /// For the address of the section and the id of the heading.
    pub(crate) slug: &'a str,
    pub(crate) title: &'a str,
    pub(crate) base: &'a str,
    /// There is a section of this name to go to.
    pub(crate) leads: bool,
    /// `4 active`.
    pub(crate) count: Option<String>,
    pub(crate) updated: Option<&'a When>,
    /// Where its rows came from.
    pub(crate) source: Option<String>,
    pub(crate) more: bool,
    /// Buttons of the card itself.
    pub(crate) tools: Markup,
    /// Only the heading is shown, and on paper all of it.
    pub(crate) folded: bool,
}

impl Card<'_> {
    pub(crate) fn show(&self, words: &Words, body: Markup) -> Markup {
        let heading = format!("card-{}", self.slug);
        html! {
            section class={ "card " (self.slug) @if self.folded { " folded" } } aria-labelledby=(heading) {
                header {
                    h2 id=(heading) { @if self.leads { a href={ (self.base) "/" (self.slug) } { (self.title) } } @else { (self.title) } }
                    @if let Some(count) = &self.count { span.count { (count) } }
                    (self.tools)
                }
                div.card-body {
                    (body)
                    @if self.updated.is_some() || self.more || self.source.is_some() {
                        footer {
                            @if self.more && self.leads { a href={ (self.base) "/" (self.slug) } { (words.say("chart-see-all")) } " " }
                            @if let Some(source) = &self.source { span.source { (source) } " " }
                            @if let Some(updated) = self.updated { span { (words.say("chart-updated")) " " (super::day(updated)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The visitor's role does not see this: said quietly, and never confused with none.
pub(crate) fn not_shown(words: &Words, what: &str) -> Markup {
    html! { p.not-shown { (words.with("chart-hidden", &[("what", what.into())])) } }
}

/// Nothing is known, which is said in words.
pub(crate) fn empty(words: &str) -> Markup {
    html! { p.empty { (words) } }
}
