//! Finding a patient (screen C-02): a form that works by itself, and a piece of it for results while typing.

use crate::components::{people as list, s, shell};
use crate::request::{Answer, Visitor, html as piece, see_other};
use axum::extract::Query;
use care::people::{self, Found};
use maud::{Markup, html};
use serde::Deserialize;

/// How many people are offered who were here lately.
const SEEN: usize = 8;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
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
    Ok(piece(results(&visitor, asked.q.trim()).await?))
}

async fn show(visitor: &Visitor, words: &str) -> Answer {
    let slug = &visitor.organisation.slug;
    let results = results(visitor, words).await?;
    let main = html! {
        div.finder {
            h1 { "Find a patient" }
            form.find-form role="search" action={ "/" (slug) "/patients" } data-live={ "/" (slug) "/find" } {
                label.spoken for="q" { "Name, date of birth, record number or phone" }
                div.search-row {
                    input #q type="search" name="q" value=(words) autocomplete="off" spellcheck="false" autofocus[words.is_empty()]
                        placeholder="Name, date of birth, MRN or phone" aria-describedby="q-hint";
                    button.primary type="submit" { "Find" }
                }
                p.hint #q-hint { "For example: " kbd { "oka ama" } ", " kbd { "9 May 1970" } ", " kbd { "smith 05/09/1970" } ", " kbd { "555-0101" } }
                p.status role="status" data-count="" {}
                div data-results="" { (results) }
            }
        }
    };
    Ok(shell::page(visitor, if words.is_empty() { "Find a patient" } else { "Search results" }, main))
}

async fn results(visitor: &Visitor, words: &str) -> Result<Markup, store::StoreError> {
    let store = &visitor.organisation.store;
    let address = |id: &str| visitor.address_of(id);
    if words.is_empty() {
        let recent = people::these(store, &visitor.caller, &visitor.recent()).await?;
        let mut seen = people::seen_lately(store, &visitor.caller, visitor.now, SEEN).await?;
        seen.retain(|hit| recent.iter().all(|it| it.person.id != hit.person.id));
        return Ok(html! {
            section.recent aria-label="Recent patients" data-said="" {
                h2 { "Recent patients" }
                @if recent.is_empty() { p.empty { "The charts you open will be listed here." } }
                @else { (list::hits(&recent, address, visitor.now)) }
                @if !seen.is_empty() {
                    h2 { "Seen here lately" }
                    (list::hits(&seen, address, visitor.now))
                }
            }
        });
    }
    let found = people::find(store, &visitor.caller, words, visitor.now).await?;
    Ok(found_people(&found, address, visitor.now))
}

pub(crate) fn found_people(found: &Found, address: impl Fn(&str) -> String, now: i64) -> Markup {
    let count = found.hits.len();
    let said = match (count, found.more) {
        (0, _) => "Nobody found".to_owned(),
        (_, true) => format!("The first {count} are shown; type more to narrow it down"),
        (_, false) => format!("{count} patient{} found", s(count)),
    };
    html! {
        section aria-label="Patients found" data-said=(said) {
            p.found-count { (said) @if found.widened && count > 0 { ". No name starts with this; these contain it." } }
            @if count == 0 {
                div.empty {
                    p { "Nobody here fits all of that." }
                    ul {
                        li { "Use fewer letters: the beginning of a name is enough." }
                        li { "Try the date of birth alone, or the record number." }
                        li { "Accents and capitals do not matter; the order of names does not either." }
                    }
                }
            } @else { (list::hits(&found.hits, address, now)) }
        }
    }
}
