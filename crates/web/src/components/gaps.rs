//! A card of what is due: the rule, when it was done last, what to do, where the rule comes from, and how to answer.

use super::day;
use super::form::act_on;
use super::icon::icon;
use super::shell::section_address;
use crate::request::Visitor;
use care::gaps::{Answer, Card, Standing};
use care::orders::may_write;
use fhir::Id;
use maud::{Markup, html};
use store::Action;

const ANSWERS: [(Answer, &str); 3] = [
    (Answer::Elsewhere, "orders-gap-elsewhere"),
    (Answer::Declined, "orders-gap-declined"),
    (Answer::NotApplicable, "orders-gap-not-applicable"),
];

fn answer_words(visitor: &Visitor, answer: Answer) -> String {
    ANSWERS.iter().find(|it| it.0 == answer).map_or_else(String::new, |it| visitor.words.say(it.1))
}

/// A whole card with its forms.
pub(crate) fn card(visitor: &Visitor, patient: &Id, card: &Card) -> Markup {
    let words = visitor.words;
    let heading = format!("gap-{}", card.key);
    let base = visitor.address_of(patient.as_str());
    html! {
        article.gap.open[card.standing == Standing::Open] aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (card.title) }
                (standing(visitor, card))
            }
            @if let Some(last) = &card.last { p { (words.say("orders-gap-last")) " " (day(last)) " " span.quiet { (last.ago(visitor.now)) } } }
            @else { p.quiet { (words.say("orders-gap-never")) } }
            @match &card.standing {
                Standing::Open => {
                    p { strong { (card.action) } }
                    div.buttons { (doing(visitor, &base, card)) }
                    (answers(visitor, &base, card))
                }
                Standing::Answered { reason, by, when, .. } => {
                    p { (reason) @if let Some(by) = by { " " span.quiet { (by) } } @if let Some(when) = when { " " span.quiet { (day(when)) } } }
                }
                Standing::Met { .. } | Standing::Unknown => {}
            }
            p.source.quiet { (card.source) }
        }
    }
}

fn standing(visitor: &Visitor, card: &Card) -> Markup {
    let words = visitor.words;
    html! {
        @match &card.standing {
            Standing::Open => span.chip.notable { (icon("alert")) (words.say("orders-gap-open")) },
            Standing::Met { until } => span.chip.good { (words.with("orders-gap-met", &[("day", when(*until).into())])) },
            Standing::Answered { answer, .. } => span.chip { (answer_words(visitor, *answer)) },
            Standing::Unknown => span.chip { (words.say("orders-gap-unknown")) },
        }
    }
}

/// A day of the calendar as staff read it.
fn when(day: jiff::civil::Date) -> String {
    care::chart::When::parse(&day.to_string()).map_or_else(|| day.to_string(), |it| it.date())
}

/// What closes the gap by doing it.
fn doing(visitor: &Visitor, base: &str, card: &Card) -> Markup {
    let words = visitor.words;
    html! {
        @if let Some(order) = card.order.as_ref().filter(|_| may_write(&visitor.pen())) {
            (act_on(&section_address(base, "basket/add"), &[("key", order)], &words.say("orders-gap-order"), Some(&card.title), Some("primary")))
        }
        @if card.vitals { a href=(section_address(base, "vitals")) { (words.say("orders-gap-vitals")) } }
    }
}

fn answers(visitor: &Visitor, base: &str, card: &Card) -> Markup {
    let words = visitor.words;
    let field = |name: &str| format!("gap-{}-{name}", card.key);
    if !visitor.pen().may(Action::Create, "DetectedIssue") {
        return html! {};
    }
    html! {
        details {
            summary { (words.say("orders-gap-answer")) span.spoken { " " (card.title) } }
            form.stacked method="post" action=(section_address(base, "gaps")) {
                input type="hidden" name="rule" value=(card.key);
                input type="hidden" name="once" value=(visitor.once());
                div.field {
                    label for=(field("answer")) { (words.say("orders-gap-answer-is")) }
                    select id=(field("answer")) name="answer" {
                        @for (answer, key) in ANSWERS { option value=(answer.slug()) { (words.say(key)) } }
                    }
                }
                div.field {
                    label for=(field("reason")) { (words.say("orders-gap-reason")) }
                    input id=(field("reason")) name="reason" type="text" maxlength="300" required autocomplete="off";
                }
                div.field {
                    label for=(field("day")) { (words.say("orders-gap-day")) }
                    input id=(field("day")) name="day" type="date";
                }
                button.primary type="submit" { (words.say("orders-gap-save")) }
            }
        }
    }
}

/// What is due, as a card of the summary.
pub(crate) fn due(visitor: &Visitor, base: &str, cards: &[Card], tools: Markup) -> Markup {
    let words = visitor.words;
    let open: Vec<&Card> = cards.iter().filter(|it| it.standing == Standing::Open).collect();
    let frame = super::card::Card {
        slug: "gaps",
        title: &words.say("orders-gaps"),
        base,
        leads: true,
        count: (!open.is_empty()).then(|| words.with("orders-gaps-due", &[("count", open.len().into())])),
        updated: None,
        source: None,
        more: false,
        tools,
        folded: visitor.desk.folded.contains("gaps"),
    };
    frame.show(
        words,
        html! {
            @if open.is_empty() { p.empty { (words.say("orders-gaps-nothing-due")) } }
            ul.lines { @for it in open {
                li.line.tall {
                    span.main { (it.title) }
                    span.side { @match &it.last { Some(last) => { (day(last)) }, None => span.absent { (words.say("orders-gap-never-short")) } } }
                    span.under { (it.action) }
                }
            } }
        },
    )
}
