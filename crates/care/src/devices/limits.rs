//! Beyond what a reading is somebody's work. The limits of a patient are Goals of the category `alert-limit` with a range
//! (FHIR R4, Goal.target: what is measured, between what); those of the organisation are ObservationDefinitions with a
//! critical interval (R4, ObservationDefinition.qualifiedInterval); for what neither says, the table of
//! `content/devices` holds. A goal of treatment is no limit: who is a little above it needs no call tonight.

use super::{ALARMING, LOINC, Measure, converted, measures, numbers};
use crate::ask;
use crate::chart::element::{has_code, list, text};
use crate::exchange::door;
use crate::exchange::origin::{self, Way};
use fhir::{Id, Key, Value};
use std::collections::HashMap;
use store::{Caller, Store, StoreResult};

/// The category of Goals that are limits.
pub const CATEGORY: &str = "alert-limit";
/// Of one patient, and of the organisation.
const MOST: u32 = 200;

type Bounds = (Option<f64>, Option<f64>);

/// What holds for one patient.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits(HashMap<&'static str, Bounds>);

impl Limits {
    pub(crate) async fn of(store: &Store, caller: &Caller, patient: &Id) -> StoreResult<Limits> {
        let mut limits: HashMap<&'static str, Bounds> = HashMap::new();
        let usual = measures().iter().filter_map(|it| Some((it.key.as_str(), it.alarm?)));
        limits.extend(usual.map(|(key, [low, high])| (key, (Some(low), Some(high)))));
        for it in ask::every(store, caller, "ObservationDefinition", &[], MOST).await? {
            let intervals = list(&it, "qualifiedInterval").iter();
            let critical = intervals.filter(|it| text(it, &["category"]) == Some("critical"));
            for range in critical.filter_map(|it| it.get("range")) {
                set(&mut limits, it.get("code"), range);
            }
        }
        let asked = [("patient", patient.to_string()), ("lifecycle-status", "accepted,active".to_owned())];
        for it in ask::every(store, caller, "Goal", &asked, MOST).await? {
            if !list(&it, "category").iter().any(|it| has_code(it, CATEGORY)) {
                continue;
            }
            for target in list(&it, "target") {
                if let Some(range) = target.get("detailRange") {
                    set(&mut limits, target.get("measure"), range);
                }
            }
        }
        Ok(Limits(limits))
    }

    /// What to say of a recent reading that is beyond them.
    pub(crate) fn beyond(&self, value: &Value, now: i64) -> Option<String> {
        let at = text(value, &["effectiveDateTime"]).and_then(door::micros)?;
        if now - at > ALARMING || !matches!(text(value, &["status"]), Some("final" | "amended" | "corrected")) {
            return None;
        }
        numbers(value).into_iter().find_map(|(measure, number)| {
            let (low, high) = self.0.get(measure.key.as_str())?;
            let below = low.filter(|it| number < *it).map(|it| format!("below {it}"));
            let passed = below.or_else(|| high.filter(|it| number > *it).map(|it| format!("above {it}")))?;
            Some(format!("{} {number} {} at home ({passed})", measure.name, measure.unit))
        })
    }
}

/// Both ends of a range take the place of what was said before, each in the unit of the measure.
fn set(limits: &mut HashMap<&'static str, Bounds>, code: Option<&Value>, range: &Value) {
    let codings = code.map(|it| list(it, "coding")).unwrap_or_default().iter();
    let loinc = codings.filter(|it| text(it, &["system"]) == Some(LOINC)).find_map(|it| text(it, &["code"]));
    let Some(measure) = loinc.and_then(|loinc| measures().iter().find(|it| it.loinc == loinc)) else { return };
    let end = |name: &str| number(range.get(name)?, measure);
    let bounds = (end("low"), end("high"));
    if bounds != (None, None) {
        limits.insert(&measure.key, bounds);
    }
}

fn number(quantity: &Value, measure: &Measure) -> Option<f64> {
    let unit = text(quantity, &["code"]).or_else(|| text(quantity, &["unit"])).unwrap_or_default();
    converted(quantity.get("value")?.as_f64()?, unit, measure)
}

/// Whether a patient, somebody for them or a device of theirs says so: what staff measure they have seen.
pub(crate) fn is_from_home(value: &Value) -> bool {
    let kinds: Vec<&str> = list(value, "performer")
        .iter()
        .filter_map(|it| text(it, &["reference"]).and_then(Key::parse))
        .map(|it| it.kind.name())
        .collect();
    let own = kinds.iter().any(|it| matches!(*it, "Patient" | "RelatedPerson"));
    let device = value.get("device").is_some() && kinds.is_empty();
    own || device || origin::of(value).is_some_and(|it| matches!(it.way, Way::Device | Way::Patient))
}
