//! The timeline as a drawing: one lane for each kind of event, one dot for what lies close together. The
//! list below it holds the same, so the drawing is a picture with one description.

use super::plot::dates;
use super::spark::round;
use crate::locale::Words;
use care::chart::{Event, EventKind, Timeline};
use maud::{Markup, html};

const LANE: f64 = 34.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 14.0;
/// Events nearer than this share a dot.
const CLOSE: f64 = 9.0;

struct Dot<'a> {
    x: f64,
    events: Vec<&'a Event>,
}

/// `kinds` are the lanes, in order.
pub(crate) fn axis(words: &Words, timeline: &Timeline, kinds: &[EventKind]) -> Markup {
    let shown = || timeline.events.iter().filter(|it| kinds.contains(&it.kind));
    let (Some(first), Some(last)) = (shown().map(|it| it.when.at()).min(), shown().map(|it| it.when.at()).max()) else {
        return html! {};
    };
    let room = ((last - first) / 50).max(15 * 86_400_000);
    let (from, to) = (first - room, last + room);
    html! {
        @for (class, width, left, labels) in [("wide", 960.0, 104.0, 10), ("narrow", 320.0, 8.0, 4)] {
            @let height = TOP + LANE * kinds.len() as f64 + 24.0;
            @let x = |at: i64| round(left + (at - from) as f64 / (to - from) as f64 * (width - left - RIGHT));
            svg class={ "axis " (class) } viewBox={ "0 0 " (width) " " (height) } role="img"
                aria-label=(words.say("chart-events-over-time-the-list")) {
                @for (at, text) in dates(from, to, labels) {
                    line.date x1=(x(at)) x2=(x(at)) y1=(TOP) y2=(height - 24.0) {}
                    text x=(x(at)) y=(height - 8.0) text-anchor="middle" { (text) }
                }
                @for (n, kind) in kinds.iter().enumerate() {
                    @let y = TOP + LANE * (n as f64 + 0.5);
                    line.lane x1=(left) x2=(width - RIGHT) y1=(y) y2=(y) {}
                    @if class == "wide" { text.lane-name x="0" y=(y + 4.0) { (super::lists::event_kind(words, *kind)) } }
                    @else { text.lane-name x=(left) y=(y - 8.0) { (super::lists::event_kind(words, *kind)) } }
                    @for dot in dots(shown().filter(|it| it.kind == *kind), &x) {
                        @let abnormal = dot.events.iter().filter_map(|it| it.flag).min();
                        g class={ "dot " (kind.slug()) " " (super::flag::class(abnormal)) } {
                            title { (told(words, &dot.events)) }
                            circle cx=(dot.x) cy=(y) r=(round(3.5 + (dot.events.len() as f64).ln() * 1.3)) {}
                        }
                    }
                }
            }
        }
    }
}

fn dots<'a>(events: impl Iterator<Item = &'a Event>, x: &dyn Fn(i64) -> f64) -> Vec<Dot<'a>> {
    let mut dots: Vec<Dot<'a>> = Vec::new();
    for event in events {
        let here = x(event.when.at());
        match dots.last_mut() {
            Some(dot) if (dot.x - here).abs() < CLOSE => dot.events.push(event),
            _ => dots.push(Dot { x: here, events: vec![event] }),
        }
    }
    dots
}

fn told(words: &Words, events: &[&Event]) -> String {
    let one = |event: &&Event| format!("{}: {}", event.when.date(), super::words::event(words, event));
    let mut told: Vec<String> = events.iter().take(5).map(one).collect();
    if events.len() > 5 {
        told.push(super::counted(words, "chart-and-more", events.len() - 5));
    }
    told.join("\n")
}
