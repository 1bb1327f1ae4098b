//! The pictures of a study: a strip of series, one picture at a time, and how it is shown. Everything is an address: without
//! a script each step is a page. With one, arrows step, and the page stays.

use super::kind;
use crate::components::card::empty;
use crate::locale::Words;
use care::imaging::{Frame, Series, windows};
use maud::{Markup, html};
use serde::Deserialize;

/// How large a picture is shown: as it fits, twice, three and four times that.
const ZOOMS: [u8; 4] = [1, 2, 3, 4];

/// Keys of windows → what people call them.
const WINDOWS: [(&str, &str); 6] = [
    ("brain", "imaging-window-brain"),
    ("subdural", "imaging-window-subdural"),
    ("soft", "imaging-window-soft"),
    ("liver", "imaging-window-liver"),
    ("lung", "imaging-window-lung"),
    ("bone", "imaging-window-bone"),
];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    series: Option<String>,
    frame: Option<usize>,
    window: Option<String>,
    zoom: Option<u8>,
}

/// What of a study is shown at the moment.
struct View<'a> {
    series: &'a Series,
    /// From 1.
    frame: usize,
    window: Option<&'a str>,
    zoom: u8,
}

impl<'a> View<'a> {
    fn of(all: &'a [Series], asked: &'a Asked) -> Option<View<'a>> {
        let seen = || all.iter().filter(|it| !it.frames.is_empty());
        let chosen = seen().find(|it| Some(&it.uid) == asked.series.as_ref());
        let series = chosen.or_else(|| seen().next())?;
        let window = asked.window.as_deref().filter(|key| windows(&series.kind).iter().any(|it| it.key == *key));
        Some(View {
            frame: asked.frame.unwrap_or_else(|| middle(series) + 1).clamp(1, series.frames.len()),
            zoom: asked.zoom.filter(|it| ZOOMS.contains(it)).unwrap_or(1),
            window,
            series,
        })
    }

    fn address(&self, frame: usize, window: Option<&str>, zoom: u8) -> String {
        let mut address = format!("?series={}&frame={frame}", self.series.uid);
        if let Some(window) = window {
            address.push_str(&format!("&window={window}"));
        }
        if zoom > 1 {
            address.push_str(&format!("&zoom={zoom}"));
        }
        address.push_str("#viewer");
        address
    }
}

/// Of a series the picture in the middle says most.
fn middle(series: &Series) -> usize {
    series.frames.len() / 2
}

fn picture(at: &str, series: &Series, frame: &Frame, window: Option<&str>) -> String {
    let window = window.map(|it| format!("?window={it}")).unwrap_or_default();
    format!("{at}/picture/{}/{}/{}{window}", series.uid, frame.instance, frame.number)
}

/// What a series is called: its words, else how it was made and of what.
fn called(words: &Words, series: &Series) -> String {
    let part = series.body.clone().map(|it| format!(" {it}")).unwrap_or_default();
    series.words.clone().unwrap_or_else(|| format!("{}{part}", kind(words, &series.kind)))
}

/// `at` is the address of the study.
pub(super) fn show(words: &Words, at: &str, title: &str, all: &[Series], asked: &Asked) -> Markup {
    let Some(view) = View::of(all, asked) else { return empty(&words.say("imaging-no-pictures")) };
    html! {
        div.imaging-study {
            (strip(words, at, all, &view))
            (viewer(words, at, title, &view))
        }
    }
}

fn strip(words: &Words, at: &str, all: &[Series], view: &View<'_>) -> Markup {
    html! {
        nav.series-strip aria-label=(words.say("imaging-series")) {
            ul {
                @for series in all {
                    li {
                        @match series.frames.get(middle(series)) {
                            Some(frame) => {
                                a href={ "?series=" (series.uid) "#viewer" } aria-current=[(series.uid == view.series.uid).then_some("true")] {
                                    img src={ (picture(at, series, frame, None)) "?small=true" } alt="" width="96" height="96" loading="lazy";
                                    span { (called(words, series)) }
                                    span.quiet { (words.with("imaging-count", &[("count", series.frames.len().into())])) }
                                }
                            },
                            None => { span.no-picture { span { (called(words, series)) } span.quiet { (words.say("imaging-no-picture")) } } },
                        }
                    }
                }
            }
        }
    }
}

fn viewer(words: &Words, at: &str, title: &str, view: &View<'_>) -> Markup {
    let (series, count) = (view.series, view.series.frames.len());
    let frame = &series.frames[view.frame - 1];
    let says = |nth: usize| {
        let values = [("study", title.into()), ("nth", nth.into()), ("count", count.into())];
        words.with("imaging-picture-of", &values)
    };
    let step = |nth: usize, key: &str, rel: &str, on: bool| {
        html! {
            @if on { a.button href=(view.address(nth, view.window, view.zoom)) rel=(rel) data-step=(rel) { (words.say(key)) } }
            @else { span.button aria-disabled="true" data-step=(rel) { (words.say(key)) } }
        }
    };
    // The script asks for pictures by these; the list is the series as the archive gave it.
    let list: Vec<String> = series.frames.iter().map(|it| picture(at, series, it, view.window)).collect();
    html! {
        section.viewer #viewer aria-labelledby="series-name" data-viewer=(view.frame) data-frames=(list.join(" "))
            data-says=(words.with("imaging-picture-of", &[("study", title.into()), ("nth", "{nth}".into()), ("count", count.into())])) data-failed=(words.say("imaging-picture-failed")) {
            h2 #series-name { (called(words, series)) }
            div.viewer-tools {
                div.buttons role="group" aria-label=(words.say("imaging-steps")) {
                    (step(view.frame.saturating_sub(1), "imaging-previous", "prev", view.frame > 1))
                    (step(view.frame + 1, "imaging-next", "next", view.frame < count))
                }
                form.frame-form method="get" action="#viewer" {
                    input type="hidden" name="series" value=(series.uid);
                    @if let Some(window) = view.window { input type="hidden" name="window" value=(window); }
                    @if view.zoom > 1 { input type="hidden" name="zoom" value=(view.zoom); }
                    label for="frame" { (words.say("imaging-frame")) }
                    input #frame type="range" name="frame" min="1" max=(count) value=(view.frame);
                    button type="submit" { (words.say("imaging-show")) }
                }
                @if !windows(&series.kind).is_empty() {
                    nav.tabs aria-label=(words.say("imaging-window")) { ul {
                        li { a href=(view.address(view.frame, None, view.zoom)) data-keep="" aria-current=[view.window.is_none().then_some("true")] { (words.say("imaging-window-own")) } }
                        @for window in windows(&series.kind) {
                            @let name = WINDOWS.iter().find(|(key, _)| *key == window.key).map_or(window.key, |(_, name)| *name);
                            li { a href=(view.address(view.frame, Some(window.key), view.zoom)) data-keep="" aria-current=[(view.window == Some(window.key)).then_some("true")] { (words.say(name)) } }
                        }
                    } }
                }
                nav.tabs aria-label=(words.say("imaging-zoom")) { ul {
                    @for zoom in ZOOMS {
                        li { a href=(view.address(view.frame, view.window, zoom)) data-zoom=(zoom) data-keep="" aria-current=[(zoom == view.zoom).then_some("true")] { (zoom) "×" } }
                    }
                } }
            }
            figure.stage data-zoom=(view.zoom) tabindex="0" role="group" aria-label=(words.say("imaging-stage")) aria-describedby="viewer-keys" {
                img #picture src=(picture(at, series, frame, view.window)) alt=(says(view.frame));
            }
            p.quiet { span role="status" data-status="" { (says(view.frame)) } }
            p.quiet #viewer-keys { span data-scripted="" hidden { (words.say("imaging-keys")) " " } (words.say("imaging-not-for-diagnosis")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(uid: &str, kind: &str, count: u32) -> Series {
        let frames = (1..=count).map(|number| Frame { instance: format!("{uid}.{number}"), number: 1 }).collect();
        Series { uid: uid.into(), number: None, kind: kind.into(), words: None, body: None, frames }
    }

    #[test]
    fn what_is_asked_for_and_is_not_there_is_shown_as_the_first_that_is() {
        let all = [series("1.1", "SR", 0), series("1.2", "CT", 9), series("1.3", "US", 1)];
        let asked = |series: &str, frame, window: &str| Asked {
            series: Some(series.into()),
            frame: Some(frame),
            window: Some(window.into()),
            zoom: Some(9),
        };
        let seen = |asked: Asked| {
            let view = View::of(&all, &asked).expect("pictures");
            (view.series.uid.clone(), view.frame, view.window.map(str::to_owned), view.zoom)
        };
        assert_eq!(seen(Asked::default()), ("1.2".into(), 5, None, 1));
        assert_eq!(seen(asked("1.1", 900, "lung")), ("1.2".into(), 9, Some("lung".into()), 1));
        assert_eq!(seen(asked("1.3", 0, "lung")), ("1.3".into(), 1, None, 1));
        assert_eq!(seen(asked("\"><script>", 1, "\"x")), ("1.2".into(), 1, None, 1));
        assert!(View::of(&all[..1], &Asked::default()).is_none());
    }
}
