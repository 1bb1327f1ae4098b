//! The cards of the summary, each from one section of the chart.

use super::{Frame, some};
use crate::components::card::{Card, empty};
use crate::components::{counted, day_or_none, lists, measures, outside};
use care::chart::{Flag, OpenOrder, OrderStanding, Section, Standing, Summary};
use maud::{Markup, html};

/// Rows of a card; the section has them all.
const SHORT: usize = 6;
const LONG: usize = 10;

impl Frame<'_> {
    /// The first rows, and how many are not shown.
    fn short<'a, T: 'a>(
        &self,
        rows: impl Iterator<Item = &'a T> + Clone,
        most: usize,
        slug: &str,
        line: impl Fn(&T) -> Markup,
    ) -> Markup {
        let all = rows.clone().count();
        html! {
            ul.lines { @for row in rows.take(most) { (line(row)) } }
            @if all > most { p.rest { a href={ (self.base) "/" (slug) } { (counted(self.visitor.words, "chart-all-of", all)) } } }
        }
    }

    fn past(&self, slug: &str, past: usize) -> Markup {
        html! {
            @if past > 0 {
                p.rest { a href={ (self.base) "/" (slug) "#past" } { (counted(self.visitor.words, "chart-past-count", past)) } }
            }
        }
    }

    /// What other records say and nobody here has looked at.
    fn apart<T>(&self, section: &Section<T>, slug: &str) -> Markup {
        outside::waiting(self.visitor, self.base, section.apart.len(), slug)
    }

    fn none(&self, key: &str) -> Markup {
        empty(&self.visitor.words.say(key))
    }

    /// A note for oneself, no part of the record.
    pub(super) fn note(&self, note: Option<&str>) -> Markup {
        let words = self.visitor.words;
        let card = Card {
            slug: "note",
            title: &words.say("chart-note"),
            base: self.base,
            leads: false,
            count: Some(words.say("chart-note-own")),
            updated: None,
            source: None,
            more: false,
            tools: self.tools("note"),
            folded: self.visitor.desk.folded.contains("note"),
        };
        card.show(
            words,
            html! {
                form.sticky-note method="post" action={ (self.base) "/note" } {
                    label.spoken for="sticky" { (words.say("chart-note-label")) }
                    textarea #sticky name="note" rows="2" maxlength=(care::desk::NOTE) placeholder=(words.say("chart-note-hint")) { (note.unwrap_or_default()) }
                    button.no-print type="submit" data-save="" { (words.say("chart-note-keep")) }
                }
            },
        )
    }

    pub(super) fn problems(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.problems, self.visitor.words);
        // What was noted for one visit alone is not on the problem list, unless there is no list.
        let has_list = section.rows.iter().any(|it| it.standing == Standing::Active && !it.of_visit);
        let active =
            || section.rows.iter().filter(move |it| it.standing == Standing::Active && !(has_list && it.of_visit));
        let past = section.rows.iter().filter(|it| it.standing == Standing::Past).count();
        let count = active().count();
        let body = html! {
            @if count > 0 { (self.short(active(), LONG, "problems", |it| lists::problem_line(words, it))) }
            @else if past > 0 { (self.none("chart-no-active-problems")) }
            @else { (self.none("chart-no-problems-recorded")) }
            (self.past("problems", past))
            (self.apart(section, "problems"))
        };
        self.framed("problems", "chart-problems", section, some(words, "chart-active", count), true, body)
    }

    pub(super) fn medications(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.medications, self.visitor.words);
        let active = || section.rows.iter().filter(|it| matches!(it.standing, Standing::Active | Standing::OnHold));
        let past = section.rows.iter().filter(|it| it.standing == Standing::Past).count();
        let count = active().count();
        let body = html! {
            @if count > 0 { (self.short(active(), LONG, "medications", |it| lists::medication_line(words, it))) }
            @else if past > 0 { (self.none("chart-no-current-medications")) }
            @else { (self.none("chart-no-medications-recorded")) }
            (self.past("medications", past))
            (self.apart(section, "medications"))
        };
        self.framed("medications", "chart-medications", section, some(words, "chart-current-count", count), true, body)
    }

    pub(super) fn allergies(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.allergies, self.visitor.words);
        let active = || section.rows.iter().filter(|it| it.standing == Standing::Active);
        let body = html! {
            @if active().count() > 0 { (self.short(active(), LONG, "allergies", |it| lists::allergy_line(words, it))) }
            @else if section.rows.iter().any(|it| it.standing == Standing::Past) { (self.none("chart-no-active-allergies-past-ones")) }
            @else { (self.none("chart-nobody-has-recorded-allergies-nor")) }
            @if !section.apart.is_empty() { ul.lines.of-others { @for it in &section.apart { (lists::allergy_line(words, it)) } } }
            (self.apart(section, "allergies"))
        };
        self.framed("allergies", "chart-allergies", section, None, true, body)
    }

    pub(super) fn immunizations(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.immunizations, self.visitor.words);
        let shown = || section.rows.iter().filter(|it| !it.mistaken);
        let body = html! {
            @if shown().count() > 0 { (self.short(shown(), SHORT, "immunizations", |it| lists::immunization_line(words, it))) }
            @else { (self.none("chart-no-immunizations-recorded")) }
            (self.apart(section, "immunizations"))
        };
        self.framed("immunizations", "chart-immunizations", section, None, true, body)
    }

    pub(super) fn vitals(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.vitals, self.visitor.words);
        let body = html! {
            @if section.rows.is_empty() { (self.none("chart-no-vital-signs-recorded")) }
            @else { (measures::vitals(words, self.base, &section.rows[..section.rows.len().min(LONG)], self.visitor.now)) }
        };
        self.framed("vitals", "chart-vitals", section, None, true, body)
    }

    pub(super) fn results(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.results, self.visitor.words);
        let all = section.rows.len();
        let abnormal = section.rows.iter().filter(|it| it.newest().flag.is_some_and(Flag::is_abnormal)).count();
        let count = (all > 0).then(|| match abnormal {
            0 => counted(words, "chart-tests", all),
            _ => words.with("chart-abnormal-of", &[("abnormal", abnormal.into()), ("count", all.into())]),
        });
        let body = html! {
            @if section.rows.is_empty() { (self.none("chart-no-laboratory-results-recorded")) }
            @else {
                (measures::results(words, self.base, &section.rows[..all.min(12)]))
                @if all > 12 { p.rest { a href={ (self.base) "/results" } { (counted(words, "chart-all-tests", all)) } } }
            }
        };
        self.framed("results", "chart-results", section, count, true, body)
    }

    pub(super) fn visits(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.visits, self.visitor.words);
        let body = html! {
            @if section.rows.is_empty() { (self.none("chart-no-visits-recorded")) }
            @else { ul.lines { @for visit in section.rows.iter().take(5) { (lists::visit_line(words, visit)) } } }
        };
        self.framed("encounters", "chart-visits", section, None, true, body)
    }

    pub(super) fn documents(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.documents, self.visitor.words);
        let shown = || section.rows.iter().filter(|it| !it.mistaken && !it.superseded);
        let body = html! {
            @if shown().count() == 0 { (self.none("chart-no-documents")) }
            @else { ul.lines { @for document in shown().take(SHORT) { (lists::document_line(words, document, self.base)) } } }
        };
        self.framed("documents", "chart-documents", section, None, true, body)
    }

    /// Orders and referrals that are not done.
    pub(super) fn orders(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.orders, self.visitor.words);
        let body = html! {
            @if section.rows.is_empty() { (self.none("chart-no-orders")) }
            @else { ul.lines { @for order in section.rows.iter().take(LONG) { (self.order(order)) } } }
        };
        let leads = crate::components::actions::opens(self.visitor, "patients/{id}/orders");
        self.framed("orders", "chart-orders", section, some(words, "chart-open-count", section.rows.len()), leads, body)
    }

    fn order(&self, order: &OpenOrder) -> Markup {
        let words = self.visitor.words;
        html! {
            li.line.tall {
                span.main {
                    (order.name) " "
                    @if order.referral { span.chip { (words.say("chart-referral")) } " " }
                    @if let Some(urgency) = &order.urgency { span.chip.notable { (urgency) } " " }
                    @match order.standing {
                        OrderStanding::Active => {}
                        OrderStanding::Draft => { span.chip.doubt { (words.say("chart-order-draft")) } }
                        OrderStanding::OnHold => { span.chip.notable { (words.say("chart-on-hold")) } }
                    }
                }
                span.side { (day_or_none(words, order.when.as_ref())) }
                @if let Some(by) = &order.by { span.under { (by) } }
            }
        }
    }

    pub(super) fn team(&self, summary: &Summary) -> Option<Markup> {
        let (section, words) = (&summary.team, self.visitor.words);
        let own = summary.banner.practitioner.as_ref();
        let body = html! {
            @if section.rows.is_empty() && own.is_none() { (self.none("chart-no-team")) }
            @else {
                ul.lines {
                    @if let Some(own) = own { li.line { span.main { (own) } span.side { (words.say("chart-primary-clinician")) } } }
                    @for member in section.rows.iter().filter(|it| Some(&it.name) != own).take(LONG) {
                        li.line { span.main { (member.name) } @if let Some(role) = &member.role { span.side { (role) } } }
                    }
                }
            }
        };
        self.framed("team", "chart-team", section, None, false, body)
    }

    pub(super) fn timeline(&self, summary: &Summary) -> Markup {
        let words = self.visitor.words;
        let card = Card {
            slug: "timeline",
            title: &words.say("chart-timeline"),
            base: self.base,
            leads: true,
            count: None,
            updated: summary.timeline.events.first().map(|it| &it.when),
            source: None,
            more: false,
            tools: self.tools("timeline"),
            folded: self.visitor.desk.folded.contains("timeline"),
        };
        card.show(
            words,
            html! {
                @if summary.timeline.events.is_empty() { (self.none("chart-nothing-has-happened-here-yet")) }
                @else { ul.lines { @for event in summary.timeline.events.iter().take(SHORT) { (lists::event_line(words, event, self.base)) } } }
            },
        )
    }
}
