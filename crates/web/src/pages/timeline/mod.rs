//! The timeline (screen C-04): everything on one axis, filtered by kind, source and time, as dense as one likes, and the
//! same as a list.

use super::results::{RANGES, from};
use crate::components::card::empty;
use crate::components::{axis, counted, lists, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id};
use axum::extract::{Path, RawQuery};
use care::chart::{Event, EventKind, Timeline, When};
use maud::{Markup, html};

/// What was recorded here has this source in addresses.
const HERE: &str = "here";

/// What the address asks for: kinds and sources (repeated), a range, how dense, and until which day on later pages.
#[derive(Default)]
pub(crate) struct Asked {
    kinds: Vec<EventKind>,
    sources: Vec<String>,
    range: String,
    density: Density,
    until: Option<When>,
}

/// How much of the time stands under one heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Density {
    #[default]
    Years,
    Months,
    Days,
}

const DENSITIES: [(&str, Density, &str); 3] = [
    ("years", Density::Years, "chart-density-years"),
    ("months", Density::Months, "chart-density-months"),
    ("days", Density::Days, "chart-density-days"),
];

impl Density {
    /// What events have in common that stand together.
    fn heading(self, when: &When) -> String {
        match (self, when.year_and_month()) {
            (Density::Years, (year, _)) | (Density::Months, (year, None)) => year.to_string(),
            (Density::Months, (year, Some(month))) => {
                When::parse(&format!("{year:04}-{month:02}")).map_or_else(|| year.to_string(), |it| it.date())
            }
            (Density::Days, _) => when.date(),
        }
    }
}

impl Asked {
    fn of(query: &str) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap_or_default() {
            match name.as_str() {
                "kind" => asked.kinds.extend(EventKind::parse(&value)),
                "source" => asked.sources.push(value),
                "range" => asked.range = value,
                "until" => asked.until = When::parse(&value),
                "density" => {
                    asked.density = DENSITIES.iter().find(|it| it.0 == value).map_or(Density::Years, |it| it.1);
                }
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

    /// The same question until another day.
    fn address(&self, base: &str, until: Option<&When>) -> String {
        let mut parts: Vec<(&str, String)> = Vec::new();
        if self.kinds.len() < EventKind::ALL.len() {
            parts.extend(self.kinds.iter().map(|it| ("kind", it.slug().to_owned())));
        }
        parts.extend(self.sources.iter().map(|it| ("source", it.clone())));
        if !self.range.is_empty() {
            parts.push(("range", self.range.clone()));
        }
        let density = DENSITIES.iter().find(|it| it.1 == self.density && it.1 != Density::Years);
        parts.extend(density.map(|it| ("density", it.0.to_owned())));
        parts.extend(until.map(|it| ("until", it.machine())));
        match serde_urlencoded::to_string(&parts) {
            Ok(query) if !query.is_empty() => format!("{base}/timeline?{query}"),
            _ => format!("{base}/timeline"),
        }
    }

    /// Without a choice of sources all are meant.
    fn wants(&self, event: &Event) -> bool {
        let source = event.source.as_deref().unwrap_or(HERE);
        self.kinds.contains(&event.kind) && (self.sources.is_empty() || self.sources.iter().any(|it| it == source))
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
    let (banner, timeline) = tokio::try_join!(chart.banner(), chart.timeline(from.as_ref(), asked.until.as_ref()))?;
    let base = visitor.address_of(patient.as_str());
    let main = show(visitor.words, &timeline, &asked, &base);
    Ok(shell::chart(&visitor, &banner, "timeline", visitor.words.say("chart-timeline"), main))
}

pub(crate) fn show(words: &Words, timeline: &Timeline, asked: &Asked, base: &str) -> Markup {
    let shown = Timeline {
        events: timeline.events.iter().filter(|it| asked.wants(it)).cloned().collect(),
        earlier: timeline.earlier,
    };
    let heading = |event: &Event| asked.density.heading(&event.when);
    html! {
        header.section-head { h1 { (words.say("chart-timeline")) } }
        (filters(words, timeline, asked, base))
        @if shown.events.is_empty() { (empty(&words.say("chart-nothing-of-these-kinds-happened"))) }
        @else {
            div.axis-frame { (axis::axis(words, &shown, &asked.kinds)) }
            @for (at, group) in shown.events.chunk_by(|a, b| heading(a) == heading(b)).enumerate() {
                @let anchor = format!("t{at}");
                section.year aria-labelledby=(anchor) {
                    h2 #(anchor) { (heading(&group[0])) " " span.quiet { (counted(words, "chart-events", group.len())) } }
                    ul.lines { @for event in group { (lists::event_line(words, event, base)) } }
                }
            }
            (pages(words, timeline, asked, base))
        }
    }
}

/// To what happened before, and back to the newest.
fn pages(words: &Words, timeline: &Timeline, asked: &Asked, base: &str) -> Markup {
    html! {
        @if timeline.earlier.is_some() || asked.until.is_some() {
            nav.ranges aria-label=(words.say("chart-time")) {
                @if asked.until.is_some() { a href=(asked.address(base, None)) { (words.say("chart-newest")) } }
                @if let Some(until) = &timeline.earlier {
                    a href=(asked.address(base, Some(until))) { (words.with("chart-until", &[("date", until.date().into())])) }
                }
            }
        }
    }
}

fn filters(words: &Words, timeline: &Timeline, asked: &Asked, base: &str) -> Markup {
    let sources = timeline.sources();
    html! {
        form.filters action={ (base) "/timeline" } data-submit-on-change="" {
            fieldset {
                legend { (words.say("chart-show")) }
                @for kind in EventKind::ALL {
                    label {
                        input type="checkbox" name="kind" value=(kind.slug()) checked[asked.kinds.contains(&kind)];
                        (lists::event_kind(words, kind)) span.quiet { " " (timeline.count(kind)) }
                    }
                }
            }
            @if !sources.is_empty() {
                fieldset {
                    legend { (words.say("chart-source")) }
                    @for source in std::iter::once(HERE).chain(sources) {
                        label {
                            input type="checkbox" name="source" value=(source)
                                checked[asked.sources.is_empty() || asked.sources.iter().any(|it| it == source)];
                            @if source == HERE { (words.say("chart-source-here")) } @else { (source) }
                        }
                    }
                }
            }
            fieldset {
                legend { (words.say("chart-time")) }
                @for (slug, key, _) in RANGES {
                    label { input type="radio" name="range" value=(slug) checked[slug == asked.range]; (words.say(key)) }
                }
            }
            fieldset {
                legend { (words.say("chart-density")) }
                @for (slug, density, key) in DENSITIES {
                    label { input type="radio" name="density" value=(slug) checked[density == asked.density]; (words.say(key)) }
                }
            }
            button type="submit" { (words.say("chart-show")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_kinds_sources_a_range_and_a_density() {
        let asked = Asked::of("kind=results&kind=visits&kind=nonsense&range=1y&source=lab%20one&density=months");
        assert_eq!((&asked.kinds, asked.range.as_str()), (&vec![EventKind::Visit, EventKind::Result], "1y"));
        assert_eq!((asked.sources.as_slice(), asked.density), (&["lab one".to_owned()][..], Density::Months));
        assert_eq!(Asked::of("").kinds.len(), 4);
        let until = When::parse("2024-05-09");
        assert_eq!(
            asked.address("", until.as_ref()),
            "/timeline?kind=visits&kind=results&source=lab+one&range=1y&density=months&until=2024-05-09"
        );
        assert_eq!(Asked::of("until=2024-05-09").until, until);
        assert_eq!(Asked::of("").address("/p", None), "/p/timeline");
    }

    #[test]
    fn what_stands_together_depends_on_the_density() {
        let day = When::parse("2024-05-09").expect("a day");
        let told = DENSITIES.map(|(_, density, _)| density.heading(&day));
        assert_eq!(told, ["2024", "May-2024", "09-May-2024"]);
        let year = When::parse("2024").expect("a year");
        assert_eq!(Density::Months.heading(&year), "2024");
    }
}
