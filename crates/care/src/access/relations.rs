//! Who treats whom: for a person of the staff, the patients in a treating relationship with them, from general
//! practitioners, care teams, visits and appointments (docs/security/consent.md, section 1).
//!
//! What ties somebody to a patient is read once and kept, source by source; when a source changes, only that source is
//! read again ([`Tied::changed`]). Ties begin and end by themselves too: [`Tied::patients`] says until when it is good.

use super::consent::local;
use crate::ask;
use fhir::search::query::Patients;
use fhir::search::row::{BaseUrls, Span};
use fhir::{Id, Key, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Caller, Store, StoreResult};

const DAY: i64 = 24 * 3_600_000;
const A_YEAR: i64 = 365 * DAY;
const A_MONTH: i64 = 30 * DAY;
/// Rows taken from the store at once.
const PAGE: u32 = 500;

/// The types that tie people to patients.
pub(super) const SOURCES: [&str; 4] = ["Appointment", "CareTeam", "Encounter", "Patient"];

/// How somebody is tied to a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    GeneralPractitioner,
    CareTeam,
    Visit,
    Appointment,
    /// The appointment is on that day (UTC).
    Today,
}

/// One tie, while it holds (milliseconds, end exclusive).
#[derive(Clone, Debug, PartialEq)]
struct Tie {
    patient: Id,
    way: Way,
    from: i64,
    until: i64,
}

/// A person of the staff, with everything that ties them to patients.
#[derive(Clone, Debug, Default)]
pub(super) struct Tied {
    /// Practitioner and their PractitionerRoles.
    own: BTreeSet<Key>,
    /// Organisations of those roles.
    organisations: BTreeSet<Key>,
    ties: BTreeMap<Key, Vec<Tie>>,
    /// Care teams in which they take part.
    teams: BTreeSet<Key>,
}

/// The patients somebody is tied to at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) treating: Arc<Patients>,
    pub(super) own_patients: Arc<Patients>,
    pub(super) care_team: Arc<Patients>,
    pub(super) scheduled_today: Arc<Patients>,
    /// From this moment to the next at which a tie begins or ends (milliseconds).
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Tied {
    /// Reads everything about a Practitioner.
    pub(super) async fn load(store: &Store, person: &Key, now: i64) -> StoreResult<Tied> {
        let caller = Caller::system("access");
        let mut it = Tied { own: [person.clone()].into(), ..Tied::default() };
        if person.kind.name() != "Practitioner" {
            return Ok(it);
        }
        let asked = [("practitioner", person.to_string())];
        for role in every(store, &caller, "PractitionerRole", &asked).await? {
            if role["active"] == false {
                continue;
            }
            it.own.extend(key_of(&role));
            it.organisations.extend(local(&role["organization"], store.bases()));
        }
        let own = it.own.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let ms = now.div_euclid(1_000);
        for (kind, parameter, since) in [
            ("Patient", "general-practitioner", None),
            ("CareTeam", "participant", None),
            // One day more than counts, so that no border is missed.
            ("Encounter", "participant", Some(ms - A_YEAR - DAY)),
            ("Appointment", "actor", Some(ms - A_MONTH - DAY)),
        ] {
            let mut asked = vec![(parameter, own.clone())];
            asked.extend(since.and_then(day).map(|day| ("date", format!("ge{day}"))));
            for found in every(store, &caller, kind, &asked).await? {
                it.take(&found, store.bases());
            }
        }
        Ok(it)
    }

    /// A source as it is now, or that it is gone.
    pub(super) fn changed(&mut self, key: &Key, value: Option<&Value>, bases: &BaseUrls) {
        self.ties.remove(key);
        self.teams.remove(key);
        if let Some(value) = value {
            self.take(value, bases);
        }
    }

    /// Whether this resource ties, or tied, them to somebody.
    pub(super) fn concerns(&self, key: &Key, value: Option<&Value>, bases: &BaseUrls) -> bool {
        self.ties.contains_key(key) || value.is_some_and(|value| !ties(&self.own, value, bases).is_empty())
    }

    fn take(&mut self, value: &Value, bases: &BaseUrls) {
        let Some(key) = key_of(value) else { return };
        let ties = ties(&self.own, value, bases);
        if ties.is_empty() {
            return;
        }
        if key.kind.name() == "CareTeam" {
            self.teams.insert(key.clone());
        }
        self.ties.insert(key, ties);
    }

    /// What may stand as `actor` in a Consent and mean this person.
    pub(super) fn names(&self) -> BTreeSet<Key> {
        [&self.own, &self.organisations, &self.teams].into_iter().flatten().cloned().collect()
    }

    /// The patients at a moment (microseconds).
    pub(super) fn patients(&self, now: i64) -> Known {
        let ms = now.div_euclid(1_000);
        let mut until = i64::MAX;
        let mut by: BTreeMap<Way, BTreeSet<Id>> = BTreeMap::new();
        for tie in self.ties.values().flatten() {
            until = [tie.from, tie.until].into_iter().filter(|at| *at > ms).fold(until, i64::min);
            if tie.from <= ms && ms < tie.until {
                by.entry(tie.way).or_default().insert(tie.patient.clone());
            }
        }
        let of = |ways: &[Way]| {
            let ids = ways.iter().filter_map(|way| by.get(way)).flatten().cloned();
            Arc::new(ids.collect::<Patients>())
        };
        Known {
            treating: of(&[Way::GeneralPractitioner, Way::CareTeam, Way::Visit, Way::Appointment]),
            own_patients: of(&[Way::GeneralPractitioner]),
            care_team: of(&[Way::CareTeam]),
            scheduled_today: of(&[Way::Today]),
            from: ms,
            until,
        }
    }
}

/// How a resource ties these people to patients.
fn ties(own: &BTreeSet<Key>, value: &Value, bases: &BaseUrls) -> Vec<Tie> {
    let points = |reference: &Value| local(reference, bases).is_some_and(|key| own.contains(&key));
    let each = |name: &str| value[name].as_array().into_iter().flatten();
    let patient =
        |reference: &Value| local(reference, bases).filter(|key| key.kind.name() == "Patient").map(|it| it.id);
    let status = value["status"].as_str().unwrap_or_default();
    let always = |patient: Option<Id>, way: Way| {
        patient.into_iter().map(|patient| Tie { patient, way, from: i64::MIN, until: i64::MAX }).collect()
    };
    match value["resourceType"].as_str() {
        Some("Patient") if each("generalPractitioner").any(points) => {
            always(value["id"].as_str().and_then(Id::parse), Way::GeneralPractitioner)
        }
        Some("CareTeam") if !matches!(status, "inactive" | "entered-in-error") => {
            if each("participant").any(|it| points(&it["member"])) {
                always(patient(&value["subject"]), Way::CareTeam)
            } else {
                Vec::new()
            }
        }
        Some("Encounter") if !matches!(status, "cancelled" | "entered-in-error") => {
            let bound = |name: &str| value["period"][name].as_str().and_then(Span::parse);
            let (start, end) = (bound("start"), bound("end"));
            if !each("participant").any(|it| points(&it["individual"])) || (start.is_none() && end.is_none()) {
                return Vec::new();
            }
            let from = start.map_or(i64::MIN, |it| it.low);
            let until = end.map_or(i64::MAX, |it| it.high.saturating_add(A_YEAR));
            patient(&value["subject"])
                .map(|patient| Tie { patient, way: Way::Visit, from, until })
                .into_iter()
                .collect()
        }
        Some("Appointment") if !matches!(status, "cancelled" | "entered-in-error") => {
            let Some(start) = value["start"].as_str().and_then(Span::parse).map(|it| it.low) else { return Vec::new() };
            if !each("participant").any(|it| points(&it["actor"])) {
                return Vec::new();
            }
            let today = start.div_euclid(DAY) * DAY;
            let tie = |patient: Id| {
                [
                    Tie {
                        patient: patient.clone(),
                        way: Way::Appointment,
                        from: start - A_MONTH,
                        until: start + A_MONTH,
                    },
                    Tie { patient, way: Way::Today, from: today, until: today + DAY },
                ]
            };
            each("participant").filter_map(|it| patient(&it["actor"])).flat_map(tie).collect()
        }
        _ => Vec::new(),
    }
}

/// Everything that matches, page by page.
pub(super) async fn every(
    store: &Store,
    caller: &Caller,
    kind: &str,
    parameters: &[(&'static str, String)],
) -> StoreResult<Vec<Value>> {
    ask::every(store, caller, kind, parameters, PAGE).await
}

fn key_of(value: &Value) -> Option<Key> {
    Key::parse(&format!("{}/{}", value["resourceType"].as_str()?, value["id"].as_str()?))
}

/// The day of a moment (milliseconds), as a date.
fn day(ms: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOON: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> String {
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    }

    fn treats(value: &Value, ms: i64) -> bool {
        let mut it = Tied { own: [Key::parse("Practitioner/a").unwrap()].into(), ..Tied::default() };
        it.take(value, &BaseUrls::default());
        let known = it.patients(ms * 1_000);
        assert!(known.until > ms);
        known.treating.ids().iter().map(Id::as_str).eq(["p"])
    }

    #[test]
    fn ties_hold_as_long_as_the_rule_says() {
        let encounter = |status: &str, period: Value| {
            json!({"resourceType": "Encounter", "id": "e", "status": status, "subject": {"reference": "Patient/p"},
                "participant": [{"individual": {"reference": "Practitioner/a"}}], "period": period})
        };
        let ended =
            |days: i64| encounter("finished", json!({"start": at(NOON - 400 * DAY), "end": at(NOON - days * DAY)}));
        assert!(treats(&ended(364), NOON));
        assert!(!treats(&ended(366), NOON));
        assert!(treats(&encounter("in-progress", json!({"start": at(NOON - 900 * DAY)})), NOON));
        assert!(!treats(&encounter("planned", json!({"start": at(NOON + DAY)})), NOON));
        assert!(!treats(&encounter("cancelled", json!({"start": at(NOON - DAY)})), NOON));
        assert!(!treats(&encounter("finished", json!({})), NOON));
        let appointment = |status: &str, start: i64| {
            json!({"resourceType": "Appointment", "id": "b", "status": status, "start": at(start),
                "participant": [{"actor": {"reference": "Practitioner/a"}}, {"actor": {"reference": "Patient/p"}}]})
        };
        for (status, start, expected) in [
            ("booked", NOON + 29 * DAY, true),
            ("booked", NOON + 31 * DAY, false),
            ("fulfilled", NOON - 29 * DAY, true),
            ("fulfilled", NOON - 31 * DAY, false),
            ("cancelled", NOON, false),
        ] {
            assert_eq!(treats(&appointment(status, start), NOON), expected, "{status} {start}");
        }
        let team = |status: &str| {
            json!({"resourceType": "CareTeam", "id": "t", "status": status, "subject": {"reference": "Patient/p"},
                "participant": [{"member": {"reference": "Practitioner/a"}}]})
        };
        assert!(treats(&team("active"), NOON));
        assert!(!treats(&team("inactive"), NOON));
        let patient = |who: &str| json!({"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": format!("Practitioner/{who}")}]});
        assert!(treats(&patient("a"), NOON));
        assert!(!treats(&patient("b"), NOON));
    }

    #[test]
    fn what_changes_is_read_again_and_what_is_gone_ties_nobody() {
        let mut it = Tied { own: [Key::parse("Practitioner/a").unwrap()].into(), ..Tied::default() };
        let key = Key::parse("Patient/p").unwrap();
        let mut patient =
            json!({"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": "Practitioner/a"}]});
        it.changed(&key, Some(&patient), &BaseUrls::default());
        assert_eq!(it.patients(0).own_patients.ids().len(), 1);
        patient["generalPractitioner"] = json!([]);
        assert!(it.concerns(&key, Some(&patient), &BaseUrls::default()));
        it.changed(&key, Some(&patient), &BaseUrls::default());
        assert!(it.patients(0).treating.ids().is_empty());
        assert!(!it.concerns(&key, None, &BaseUrls::default()));
    }
}
