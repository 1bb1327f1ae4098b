//! Everything that happened on one axis: visits, results of a day, documents, immunisations (screen C-04).

use super::document::Document;
use super::lists::Immunization;
use super::reading::{Flag, Reading};
use super::visit::{Visit, VisitStanding};
use super::when::When;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Visit,
    Result,
    Document,
    Immunization,
}

impl EventKind {
    pub const ALL: [EventKind; 4] = [EventKind::Visit, EventKind::Result, EventKind::Document, EventKind::Immunization];

    /// Its name in an address.
    pub fn slug(self) -> &'static str {
        match self {
            EventKind::Visit => "visits",
            EventKind::Result => "results",
            EventKind::Document => "documents",
            EventKind::Immunization => "immunizations",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            EventKind::Visit => "Visits",
            EventKind::Result => "Results",
            EventKind::Document => "Documents",
            EventKind::Immunization => "Immunizations",
        }
    }

    pub fn parse(slug: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|it| it.slug() == slug)
    }
}

#[derive(Clone, Debug)]
pub struct Event {
    pub kind: EventKind,
    pub when: When,
    /// What it is called: a visit by its class, the results of a day by the names of some of them.
    pub title: String,
    /// Why a visit was.
    pub why: Option<String>,
    pub detail: Option<String>,
    /// Of the results of a day: how many are not named, how many there are, and how many of them are abnormal.
    pub results: Option<(usize, usize, usize)>,
    /// The worst flag among the results of the day.
    pub flag: Option<Flag>,
    /// The document or visit it is about.
    pub id: Option<String>,
    /// From where it was sent; nothing for what was recorded here.
    pub source: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Newest first.
    pub events: Vec<Event>,
    /// There are older ones than were fetched, of this day and before.
    pub earlier: Option<When>,
}

impl Timeline {
    pub(crate) fn of(
        visits: &[Visit],
        readings: &[Reading],
        documents: &[Document],
        immunizations: &[Immunization],
    ) -> Timeline {
        let mut events: Vec<Event> = Vec::new();
        for visit in
            visits.iter().filter(|it| !matches!(it.standing, VisitStanding::Mistaken | VisitStanding::Cancelled))
        {
            let detail: Vec<&str> =
                [&visit.clinician, &visit.place].into_iter().flatten().map(String::as_str).collect();
            events.extend(visit.from.map(|when| Event {
                kind: EventKind::Visit,
                when,
                title: visit.class.clone(),
                why: visit.why().map(str::to_owned),
                results: None,
                detail: (!detail.is_empty()).then(|| detail.join(", ")),
                flag: None,
                id: Some(visit.id.clone()),
                source: visit.source.clone(),
            }));
        }
        for document in documents.iter().filter(|it| !it.mistaken) {
            events.extend(document.when.map(|when| Event {
                kind: EventKind::Document,
                when,
                title: document.title.clone(),
                why: None,
                results: None,
                detail: document.author.clone(),
                flag: None,
                id: Some(document.id.clone()),
                source: document.source.clone(),
            }));
        }
        for given in immunizations.iter().filter(|it| it.not_done.is_none() && !it.mistaken) {
            events.extend(given.given.map(|when| Event {
                kind: EventKind::Immunization,
                when,
                title: given.vaccine.clone(),
                why: None,
                results: None,
                detail: given.dose.clone(),
                flag: None,
                id: None,
                source: given.source.clone(),
            }));
        }
        events.extend(days(readings));
        events.sort_by_key(|it| (std::cmp::Reverse(it.when.at()), it.kind));
        Timeline { events, earlier: None }
    }

    /// Some kinds of event were fetched back to these moments and no further: what is older than the newest of them is
    /// left out of all kinds, so that no time looks emptier than it was.
    pub(crate) fn cut_off(&mut self, fetched: impl Iterator<Item = When>) {
        let Some(last) = fetched.max_by_key(When::at) else { return };
        let day = last.machine();
        let whole = |it: &Event| it.when.at() > last.at() && it.when.machine() != day;
        // More than a page on one day: the page is longer, and goes on with the day before.
        if self.events.iter().any(whole) {
            self.events.retain(whole);
            self.earlier = Some(last);
        } else {
            self.events.retain(|it| it.when.at() >= last.at() || it.when.machine() == day);
            self.earlier = When::parse(&day).and_then(|it| When::parse(&When::of_micros(it.at() * 1000 - 1).machine()));
        }
    }

    /// The sources there are, other than here.
    pub fn sources(&self) -> BTreeSet<&str> {
        self.events.iter().filter_map(|it| it.source.as_deref()).collect()
    }

    pub fn count(&self, kind: EventKind) -> usize {
        self.events.iter().filter(|it| it.kind == kind).count()
    }
}

/// The results of each day from one source as one event, what is abnormal named first.
fn days(readings: &[Reading]) -> Vec<Event> {
    let mut sorted: Vec<(&Reading, When)> =
        readings.iter().filter(|it| it.counts()).filter_map(|it| Some((it, it.when?))).collect();
    sorted.sort_by_key(|(it, when)| (when.machine(), it.source.clone(), it.flag.unwrap_or(Flag::Normal)));
    sorted
        .chunk_by(|a, b| a.1.machine() == b.1.machine() && a.0.source == b.0.source)
        .map(|day| {
            let abnormal = day.iter().filter(|(it, _)| it.flag.is_some_and(Flag::is_abnormal)).count();
            let named: Vec<&str> = day.iter().take(3).map(|(it, _)| it.name.as_str()).collect();
            let rest = day.len() - named.len();
            Event {
                kind: EventKind::Result,
                when: day[0].1,
                title: named.join(", "),
                why: None,
                detail: None,
                results: Some((rest, day.len(), abnormal)),
                flag: day.iter().filter_map(|(it, _)| it.flag).min().filter(|it| it.is_abnormal()),
                id: None,
                source: day[0].0.source.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::element::Names;
    use serde_json::json;

    #[test]
    fn results_of_a_day_are_one_event_that_names_the_abnormal_first() {
        let reading = |name: &str, flag: &str, day: &str| {
            let it = json!({"status": "final", "code": {"text": name}, "effectiveDateTime": day,
                "valueQuantity": {"value": 1}, "interpretation": [{"coding": [{"code": flag}]}]});
            Reading::of(&it, &Names::default())
        };
        let readings = [
            reading("Sodium", "N", "2024-05-01T08:00:00Z"),
            reading("Urea", "N", "2024-05-01T08:00:00Z"),
            reading("Chloride", "N", "2024-05-01T08:00:00Z"),
            reading("Potassium", "HH", "2024-05-01T09:00:00Z"),
            reading("Glucose", "N", "2024-04-01"),
        ];
        let timeline = Timeline::of(&[], &readings, &[], &[]);
        let told: Vec<_> = timeline.events.iter().map(|it| (it.title.as_str(), it.results.unwrap())).collect();
        assert_eq!(told, [("Potassium, Sodium, Urea", (1, 4, 1)), ("Glucose", (0, 1, 0))]);
        assert_eq!(timeline.events[0].flag, Some(Flag::CriticalHigh));
        assert_eq!(timeline.count(EventKind::Result), 2);
    }

    #[test]
    fn where_one_kind_was_cut_off_all_end_and_the_next_page_begins() {
        let visits: Vec<Visit> = ["2024-05-09", "2024-05-08", "2024-05-07", "2024-05-06"]
            .map(|day| Visit::of(&json!({"status": "finished", "period": {"start": day}}), &Names::default()))
            .into();
        let days = |it: &Timeline| it.events.iter().map(|it| it.when.machine()).collect::<Vec<_>>();
        let cut_at = |day: &str| {
            let mut timeline = Timeline::of(&visits, &[], &[], &[]);
            timeline.cut_off(When::parse(day).into_iter());
            (days(&timeline), timeline.earlier.map(|it| it.machine()))
        };
        assert_eq!(cut_at("2024-05-07"), (vec!["2024-05-09".into(), "2024-05-08".into()], Some("2024-05-07".into())));
        assert_eq!(cut_at("2024-05-09"), (vec!["2024-05-09".into()], Some("2024-05-08".into())));
        let mut whole = Timeline::of(&visits, &[], &[], &[]);
        whole.cut_off(std::iter::empty());
        assert_eq!((whole.events.len(), whole.earlier), (4, None));
    }

    #[test]
    fn mistakes_and_what_did_not_happen_are_not_on_the_axis() {
        let visit =
            |status: &str| Visit::of(&json!({"status": status, "period": {"start": "2024-05-01"}}), &Names::default());
        let timeline = Timeline::of(&[visit("finished"), visit("cancelled"), visit("entered-in-error")], &[], &[], &[]);
        assert_eq!(timeline.events.len(), 1);
    }
}
