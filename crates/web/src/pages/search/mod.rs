//! Finding a patient (screen C-02): a form that works by itself, and a piece of it for results while typing. The palette
//! asks the same and is told besides where one can go and what one can begin.

use crate::components::{actions, keys, people as list, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, html as piece, see_other};
use axum::extract::Query;
use care::people::{self, Found};
use fhir::search::fold;
use maud::{Markup, html};
use serde::Deserialize;

/// How many people are offered who were here lately.
const SEEN: usize = 8;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    /// Pages and actions too: the palette asks.
    #[serde(default)]
    all: String,
    /// The patient whose chart is open.
    #[serde(default, rename = "in")]
    of: String,
}

/// Where staff begin: charts for those who open them, for others what their role is for.
pub(crate) async fn home(visitor: Visitor) -> Answer {
    if visitor.may(shell::CHART) {
        return show(&visitor, "").await;
    }
    Ok(see_other(&shell::first_of_administration(&visitor).unwrap_or_else(|| visitor.at("account"))))
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    show(&visitor, asked.q.trim()).await
}

/// The results alone.
pub(crate) async fn fragment(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = asked.q.trim();
    if asked.all.is_empty() {
        return Ok(piece(results(&visitor, words).await?));
    }
    let chart = fhir::Id::parse(&asked.of).map(|it| it.to_string());
    let places = places(&visitor, chart.as_deref(), words);
    let people = results(&visitor, words).await?;
    // Who types the name of a page means the page; else people come first.
    Ok(piece(html! {
        @if !words.is_empty() && places.is_empty() { (people) }
        @else if words.is_empty() { (people) (offered(visitor.words, &places)) }
        @else { (offered(visitor.words, &places)) (people) }
    }))
}

/// Somewhere to go, or something to begin.
struct Place {
    address: String,
    name: String,
    keys: Option<String>,
    drawer: bool,
}

/// The pages and actions whose name has a word that begins like each of the words; all, without words.
fn places(visitor: &Visitor, chart: Option<&str>, asked: &str) -> Vec<Place> {
    let words = visitor.words;
    let mut all: Vec<Place> = Vec::new();
    let plain = |address: String, key: &str| Place { address, name: words.say(key), keys: None, drawer: false };
    if let Some(patient) = chart {
        for (command, address, key, drawer) in actions::of_chart(visitor, patient) {
            let keys = keys::chord(&visitor.desk, command).map(str::to_owned);
            all.push(Place { keys, drawer, ..plain(address, key) });
        }
        let base = visitor.address_of(patient);
        let sections = shell::SECTIONS.iter().enumerate().filter(|(_, (slug, _))| shell::opens(visitor, slug));
        all.extend(sections.map(|(at, (slug, key))| Place {
            keys: (at < 10).then(|| format!("Alt+{at}")),
            ..plain(shell::section_address(&base, slug), key)
        }));
    }
    all.extend(actions::places(visitor).into_iter().map(|(address, key)| plain(address, key)));
    let administration = shell::ADMINISTRATION.iter().filter(|(_, _, permission)| visitor.may(permission));
    all.extend(administration.map(|(end, key, _)| plain(visitor.at(&format!("admin/{end}")), key)));
    all.push(plain(visitor.at("account"), "shell-my-security"));
    all.push(plain(visitor.at("account/settings"), "shell-my-settings"));
    let asked: Vec<String> = fold(asked).split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    all.retain(|place| {
        let name = fold(&place.name);
        asked.iter().all(|word| name.split(' ').any(|part| part.starts_with(word.as_str())))
    });
    // Without words only what belongs to the open chart is offered; the rest waits to be asked for.
    all.truncate(if asked.is_empty() { 14 } else { 6 });
    all
}

fn offered(words: &Words, places: &[Place]) -> Markup {
    html! {
        @if !places.is_empty() {
            nav.places aria-label=(words.say("find-go-to")) {
                ul {
                    @for place in places {
                        li {
                            a.hit.to href=(place.address) data-drawer[place.drawer] {
                                span { (place.name) }
                                @if let Some(keys) = &place.keys { kbd { (keys.replace('+', " ")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn show(visitor: &Visitor, typed: &str) -> Answer {
    let (slug, words) = (&visitor.organisation.slug, visitor.words);
    let results = results(visitor, typed).await?;
    let main = html! {
        div.finder {
            h1 { (words.say("find-title")) }
            form.find-form role="search" action={ "/" (slug) "/patients" } data-live={ "/" (slug) "/find" } {
                label.spoken for="q" { (words.say("find-label")) }
                div.search-row {
                    input #q type="search" name="q" value=(typed) autocomplete="off" spellcheck="false" autofocus[typed.is_empty()]
                        placeholder=(words.say("shell-palette-hint")) aria-describedby="q-hint";
                    button.primary type="submit" { (words.say("find-do")) }
                }
                p.hint #q-hint {
                    (words.say("find-example")) " "
                    kbd { "oka ama" } ", " kbd { "9 May 1970" } ", " kbd { "smith 05/09/1970" } ", " kbd { "555-0101" }
                }
                p.status role="status" data-count="" {}
                div data-results="" { (results) }
            }
        }
    };
    Ok(shell::page(visitor, words.say(if typed.is_empty() { "find-title" } else { "find-results" }), main))
}

async fn results(visitor: &Visitor, typed: &str) -> Result<Markup, store::StoreError> {
    let (store, words) = (&visitor.organisation.store, visitor.words);
    let address = |id: &str| visitor.address_of(id);
    if typed.is_empty() {
        let recent = people::these(store, &visitor.caller, &visitor.recent().await?).await?;
        let mut seen = people::seen_lately(store, &visitor.caller, visitor.now, SEEN).await?;
        seen.retain(|hit| recent.iter().all(|it| it.person.id != hit.person.id));
        return Ok(html! {
            section.recent aria-label=(words.say("find-recent")) data-said="" {
                h2 { (words.say("find-recent")) }
                @if recent.is_empty() { p.empty { (words.say("find-recent-none")) } }
                @else { (list::hits(words, &recent, address, visitor.now)) }
                @if !seen.is_empty() {
                    h2 { (words.say("find-seen")) }
                    (list::hits(words, &seen, address, visitor.now))
                }
            }
        });
    }
    let found = people::find(store, &visitor.caller, typed, visitor.now).await?;
    Ok(html! {
        (found_people(words, &found, address, visitor.now))
        @if visitor.pen().may(store::Action::Create, "Patient") {
            p.register { a.button href=(visitor.at("patients/new")) { (crate::components::icon::icon("plus")) " " (words.say("visit-new-patient")) } }
        }
    })
}

pub(crate) fn found_people(words: &Words, found: &Found, address: impl Fn(&str) -> String, now: i64) -> Markup {
    let count = found.hits.len();
    let said = match (count, found.more) {
        (0, _) => words.say("find-nobody"),
        (_, true) => words.with("find-first", &[("count", count.into())]),
        (_, false) => words.with("find-count", &[("count", count.into())]),
    };
    html! {
        section aria-label=(words.say("find-found")) data-said=(said) {
            p.found-count {
                (said)
                @if found.sounding && count > 0 { ". " (words.say("find-sounding")) }
                @else if found.widened && count > 0 { ". " (words.say("find-widened")) }
            }
            @if count == 0 {
                div.empty {
                    p { (words.say("find-none")) }
                    ul {
                        li { (words.say("find-none-fewer")) }
                        li { (words.say("find-none-born")) }
                        li { (words.say("find-none-accents")) }
                    }
                }
            } @else { (list::hits(words, &found.hits, address, now)) }
        }
    }
}
