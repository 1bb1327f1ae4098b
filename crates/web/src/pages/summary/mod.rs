//! The first page of a chart (screen C-03): what a clinician with forty seconds must see, in three columns
//! read from left to right: what is wrong, what is done about it and what the tests say, how they are now. Cards can be
//! folded and put into another order; both are kept with the person's own settings, and work without JavaScript.

mod cards;

use crate::components::card::{Card, not_shown};
use crate::components::{counted, live, shell};
use crate::locale::Words;
use crate::request::{Answer, Visitor, id, see_other};
use crate::sessions::safe_target;
use axum::Form;
use axum::extract::{Path, Query};
use care::chart::{Section, Summary};
use care::desk::{self, Settings};
use care::gaps;
use maud::{Markup, html};
use serde::Deserialize;

/// Cards in their usual order, and how many of them stand in the first and in the second column.
const CARDS: [&str; 13] = [
    "note",
    "problems",
    "allergies",
    "immunizations",
    "medications",
    "results",
    "orders",
    "gaps",
    "vitals",
    "encounters",
    "team",
    "documents",
    "timeline",
];
const COLUMNS: [usize; 2] = [4, 3];

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// Arranging: every card has buttons to move it.
    arrange: Option<String>,
}

pub(crate) async fn page(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let patient = id(&patient)?;
    let chart = visitor.chart(&patient);
    let pen = visitor.pen();
    let due = async {
        match care::orders::may_write(&pen) {
            true => gaps::of_patient(&pen, &patient).await.map(Some),
            false => Ok(None),
        }
    };
    let note = desk::note(visitor.store(), &visitor.caller, &patient, visitor.now);
    let (summary, note, due) = tokio::try_join!(Box::pin(chart.summary()), note, Box::pin(due))?;
    let base = visitor.address_of(patient.as_str());
    let frame = Frame { visitor: &visitor, base: &base, arranging: asked.arrange.is_some(), due: due.as_deref() };
    let main = html! { (frame.page(&summary, note.as_deref())) (live::source(&visitor, Some(&patient))) };
    let title = (visitor.words.say("chart-summary"), shell::Needs::of(&["summary.css"], &[]));
    Ok(shell::chart(&visitor, &summary.banner, "", title, main))
}

/// What the cards of one page share.
struct Frame<'a> {
    visitor: &'a Visitor,
    base: &'a str,
    arranging: bool,
    /// What is due for the patient; none for those who do not decide about it.
    due: Option<&'a [gaps::Card]>,
}

impl Frame<'_> {
    fn page(&self, summary: &Summary, note: Option<&str>) -> Markup {
        let words = self.visitor.words;
        let hidden = refused(words, summary);
        let shown: Vec<Markup> =
            order(&self.visitor.desk).into_iter().filter_map(|slug| self.card(slug, summary, note)).collect();
        let (first, rest) = shown.split_at(COLUMNS[0].min(shown.len()));
        let (second, third) = rest.split_at(COLUMNS[1].min(rest.len()));
        html! {
            h1.spoken { (words.say("chart-chart-summary")) }
            @if !hidden.is_empty() { (not_shown(words, &hidden.join(", "))) }
            div #summary-cards.cards data-live=(live::SUMMARY) {
                @for column in [first, second, third] { div { @for card in column { (card) } } }
            }
            p.arrange.no-print {
                @if self.arranging { a.button.primary href=(self.base) { (words.say("chart-arranged")) } }
                @else { a href={ (self.base) "?arrange=yes" } { (words.say("chart-arrange")) } }
            }
        }
    }

    fn card(&self, slug: &str, summary: &Summary, note: Option<&str>) -> Option<Markup> {
        match slug {
            "note" => Some(self.note(note)),
            "problems" => self.problems(summary),
            "allergies" => self.allergies(summary),
            "immunizations" => self.immunizations(summary),
            "medications" => self.medications(summary),
            "results" => self.results(summary),
            "orders" => self.orders(summary),
            "gaps" => self.due.map(|it| crate::components::gaps::due(self.visitor, self.base, it, self.tools("gaps"))),
            "vitals" => self.vitals(summary),
            "encounters" => self.visits(summary),
            "team" => self.team(summary),
            "documents" => self.documents(summary),
            "timeline" => Some(self.timeline(summary)),
            _ => None,
        }
    }

    /// A card with where its rows came from and when the last of them was written.
    fn framed<T>(
        &self,
        slug: &str,
        title: &str,
        section: &Section<T>,
        count: Option<String>,
        leads: bool,
        body: Markup,
    ) -> Option<Markup> {
        if section.refused {
            return None;
        }
        let words = self.visitor.words;
        let here = [self.visitor.organisation.name.clone()];
        let sources = if section.sources.is_empty() { &here[..] } else { &section.sources };
        let card = Card {
            slug,
            title: &words.say(title),
            base: self.base,
            leads,
            count,
            updated: section.updated.as_ref(),
            source: (!section.rows.is_empty()).then(|| sources.join(", ")),
            more: section.more,
            tools: self.tools(slug),
            folded: self.visitor.desk.folded.contains(slug),
        };
        Some(card.show(words, body))
    }

    /// Buttons that fold a card, and while arranging move it.
    fn tools(&self, slug: &str) -> Markup {
        let (words, folded) = (self.visitor.words, self.visitor.desk.folded.contains(slug));
        let back = if self.arranging { format!("{}?arrange=yes", self.base) } else { self.base.to_owned() };
        let button = |act: &str, drawn: &str, key: &str| {
            html! {
                button.tool type="submit" name="act" value=(act) title=(words.say(key)) {
                    span aria-hidden="true" { (drawn) } span.spoken { (words.say(key)) }
                }
            }
        };
        html! {
            form.tools.no-print method="post" action=(self.visitor.at("desk/cards")) {
                input type="hidden" name="card" value=(slug);
                input type="hidden" name="back" value=(back);
                @if self.arranging {
                    (button("up", "↑", "chart-card-up"))
                    (button("down", "↓", "chart-card-down"))
                }
                @if folded { (button("open", "▸", "chart-card-open")) } @else { (button("fold", "▾", "chart-card-fold")) }
            }
        }
    }
}

/// The cards in this person's order.
fn order(settings: &Settings) -> Vec<&'static str> {
    let known = |slug: &String| CARDS.into_iter().find(|it| it == slug);
    let mut order: Vec<&'static str> = settings.cards.iter().filter_map(known).collect();
    // A card that came later than the order was made stands where it usually does.
    for (at, slug) in CARDS.iter().enumerate() {
        if !order.contains(slug) {
            order.insert(at.min(order.len()), slug);
        }
    }
    order
}

/// What the visitor's role leaves out of this chart, by name.
fn refused(words: &Words, summary: &Summary) -> Vec<String> {
    let all = [
        ("chart-problems", summary.problems.refused),
        ("chart-medications", summary.medications.refused),
        ("chart-allergies", summary.allergies.refused),
        ("chart-immunizations", summary.immunizations.refused),
        ("chart-vitals", summary.vitals.refused),
        ("chart-results", summary.results.refused),
        ("chart-visits", summary.visits.refused),
        ("chart-documents", summary.documents.refused),
        ("chart-orders", summary.orders.refused),
        ("chart-team", summary.team.refused),
    ];
    all.into_iter().filter(|(_, refused)| *refused).map(|(key, _)| words.say(key)).collect()
}

#[derive(Deserialize)]
pub(crate) struct Arranged {
    card: String,
    act: String,
    #[serde(default)]
    back: String,
}

/// Folds, opens or moves a card, and leads back.
pub(crate) async fn arrange(visitor: Visitor, Form(given): Form<Arranged>) -> Answer {
    let mut settings = (*visitor.desk).clone();
    let mut cards = order(&settings);
    if let Some(at) = cards.iter().position(|it| *it == given.card) {
        match given.act.as_str() {
            "fold" => drop(settings.folded.insert(given.card.clone())),
            "open" => drop(settings.folded.remove(&given.card)),
            "up" if at > 0 => cards.swap(at, at - 1),
            "down" if at + 1 < cards.len() => cards.swap(at, at + 1),
            _ => {}
        }
        settings.cards = cards.into_iter().map(str::to_owned).collect();
        desk::keep_settings(visitor.store(), &visitor.caller, &settings, visitor.now).await?;
    }
    let back = safe_target(&visitor.organisation.slug, &given.back).map(|it| format!("{it}#card-{}", given.card));
    Ok(see_other(&back.unwrap_or_else(|| visitor.at(""))))
}

#[derive(Deserialize)]
pub(crate) struct Stuck {
    #[serde(default)]
    note: String,
}

/// Sticks a note to the chart.
pub(crate) async fn stick(
    visitor: Visitor,
    Path((_, patient)): Path<(String, String)>,
    Form(given): Form<Stuck>,
) -> Answer {
    let patient = id(&patient)?;
    // Nobody keeps notes on whom they may not see.
    visitor.chart(&patient).banner().await?;
    desk::stick(visitor.store(), &visitor.caller, &patient, &given.note, visitor.now).await?;
    Ok(see_other(&format!("{}#card-note", visitor.address_of(patient.as_str()))))
}

/// `3 active`, when there are any.
fn some(words: &Words, key: &str, count: usize) -> Option<String> {
    (count > 0).then(|| counted(words, key, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_stand_in_ones_own_order_and_new_ones_at_their_usual_place() {
        assert_eq!(order(&Settings::default()), CARDS);
        let own = Settings { cards: vec!["vitals".into(), "nonsense".into(), "note".into()], ..Settings::default() };
        let order = order(&own);
        assert_eq!((order[0], order.len()), ("vitals", CARDS.len()));
        assert!(CARDS.iter().all(|it| order.contains(it)));
    }
}
