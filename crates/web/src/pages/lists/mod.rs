//! The visits of a chart, and the heading that sections of a chart have. Lists that are kept by hand are in
//! `pages/entries`.

use crate::components::card::{empty, not_shown};
use crate::components::icon::icon;
use crate::components::{lists, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id};
use axum::extract::Path;
use care::chart::Section;
use maud::{Markup, html};

type Address = Path<(String, String)>;

pub(crate) async fn visits(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let (banner, section) = tokio::try_join!(chart.banner(), chart.visits())?;
    let address = visitor.address_of(patient.as_str());
    let rows: Vec<Markup> = section.rows.iter().map(|it| lists::visit_row(visitor.words, it, &address)).collect();
    let main = html! {
        (heading(visitor.words, &visitor.words.say("chart-visits"), &section))
        @if care::visits::may_begin(&visitor.pen()) {
            p.section-acts { a.button href={ (address) "/encounters/new" } { (icon("plus")) " " (visitor.words.say("visit-start")) } }
        }
        @if section.refused { (not_shown(visitor.words, &visitor.words.say("chart-visits"))) }
        @else if rows.is_empty() { (empty(&visitor.words.say("chart-no-visits-recorded"))) }
        @else { (lists::table(visitor.words, &visitor.words.say("chart-visits-newest-first"), &lists::VISIT_HEADS, &rows)) }
    };
    Ok(shell::chart(&visitor, &banner, "encounters", visitor.words.say("chart-visits"), main))
}

/// The heading of a section, with how fresh it is.
pub(crate) fn heading<T>(words: &Words, title: &str, section: &Section<T>) -> Markup {
    html! {
        header.section-head {
            h1 { (title) }
            @if let Some(updated) = &section.updated { p.quiet { (words.say("chart-updated")) " " (crate::components::day(updated)) } }
        }
        @if section.more { p.similar-note { (crate::components::counted(words, "chart-limit", section.rows.len())) } }
    }
}
