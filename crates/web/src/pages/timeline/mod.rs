//! The timeline (screen C-04): everything on one axis, filtered by kind and time, and the same as a list.

use super::results::{RANGES, from};
use crate::components::card::empty;
use crate::components::{axis, lists, shell};
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, RawQuery};
use care::chart::{Event, EventKind, Timeline};
use maud::{Markup, html};

/// What the address asks for: kinds (repeated) and a range.
#[derive(Default)]
pub(crate) struct Asked {
    kinds: Vec<EventKind>,
    range: String,
}

impl Asked {
    fn of(query: &str) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in query.split('&').filter_map(|it| it.split_once('=')) {
            match name {
                "kind" => asked.kinds.extend(EventKind::parse(value)),
                "range" => asked.range = value.to_owned(),
                _ => {}
            }
        }
        if asked.kinds.is_empty() {
            asked.kinds = EventKind::ALL.to_vec();
        }
        asked.kinds.sort();
        asked.kinds.dedup();
        asked
    }
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let asked = Asked::of(&query.unwrap_or_default());
    let from = from(&asked.range, visitor.now);
    let (banner, timeline) = tokio::try_join!(chart.banner(), chart.timeline(from.as_ref()))?;
    let base = visitor.address_of(patient.as_str());
    Ok(shell::chart(&visitor, &banner, "timeline", "Timeline", show(&timeline, &asked, &base)))
}

pub(crate) fn show(timeline: &Timeline, asked: &Asked, base: &str) -> Markup {
    let events: Vec<&Event> = timeline.events.iter().filter(|it| asked.kinds.contains(&it.kind)).collect();
    html! {
        header.section-head { h1 { "Timeline" } }
        form.filters action={ (base) "/timeline" } data-submit-on-change="" {
            fieldset {
                legend { "Show" }
                @for kind in EventKind::ALL {
                    label {
                        input type="checkbox" name="kind" value=(kind.slug()) checked[asked.kinds.contains(&kind)];
                        (kind.words()) span.quiet { " " (timeline.count(kind)) }
                    }
                }
            }
            fieldset {
                legend { "Time" }
                @for (slug, words, _) in RANGES {
                    label { input type="radio" name="range" value=(slug) checked[slug == asked.range]; (words) }
                }
            }
            button type="submit" { "Show" }
        }
        @if events.is_empty() { (empty("Nothing of these kinds happened in this time.")) }
        @else {
            div.axis-frame { (axis::axis(timeline, &asked.kinds)) }
            @if timeline.more { p.similar-note { "Older events are not shown." } }
            @for year in events.chunk_by(|a, b| a.when.year() == b.when.year()) {
                @let anchor = format!("y{}", year[0].when.year());
                section.year aria-labelledby=(anchor) {
                    h2 #(anchor) { (year[0].when.year()) " " span.quiet { (year.len()) " event" (crate::components::s(year.len())) } }
                    ul.lines { @for event in year { (lists::event_line(event, base)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_kinds_and_a_range() {
        let asked = Asked::of("kind=results&kind=visits&kind=nonsense&range=1y");
        assert_eq!((asked.kinds, asked.range.as_str()), (vec![EventKind::Visit, EventKind::Result], "1y"));
        assert_eq!(Asked::of("").kinds.len(), 4);
    }
}
