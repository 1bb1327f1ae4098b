//! What an archive answers: lists of attributes in the JSON model of DICOM (PS3.18, annex F). Attributes are named by
//! their tags; whatever is absent, empty or of another shape is nothing. What is read here is what somebody else wrote:
//! it is bounded, trimmed and never trusted to be an identifier of ours.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

pub(super) const STUDY: &str = "0020000D";
pub(super) const SERIES: &str = "0020000E";
pub(super) const INSTANCE: &str = "00080018";
pub(super) const PATIENT: &str = "00100020";
pub(super) const ISSUER: &str = "00100021";
pub(super) const BORN: &str = "00100030";
pub(super) const ACCESSION_NUMBER: &str = "00080050";
pub(super) const STUDY_DATE: &str = "00080020";
pub(super) const STUDY_TIME: &str = "00080030";
pub(super) const MODALITIES: &str = "00080061";
pub(super) const MODALITY: &str = "00080060";
pub(super) const REFERRER: &str = "00080090";
pub(super) const OFFSET: &str = "00080201";
pub(super) const STUDY_WORDS: &str = "00081030";
pub(super) const SERIES_WORDS: &str = "0008103E";
pub(super) const SERIES_NUMBER: &str = "00200011";
pub(super) const INSTANCE_NUMBER: &str = "00200013";
pub(super) const BODY_PART: &str = "00180015";
pub(super) const SERIES_OF_STUDY: &str = "00201206";
pub(super) const INSTANCES_OF_STUDY: &str = "00201208";
pub(super) const INSTANCES_OF_SERIES: &str = "00201209";
pub(super) const FRAMES: &str = "00280008";

/// The longest text taken of an attribute.
const LONGEST: usize = 400;

/// The attributes of one study, series or instance.
#[derive(Clone, Debug)]
pub(super) struct Set(Value);

impl Set {
    /// The sets of an answer; nothing when it is no such answer. An archive that found nothing may say nothing.
    pub(super) fn all(body: &[u8]) -> Option<Vec<Set>> {
        if body.trim_ascii().is_empty() {
            return Some(Vec::new());
        }
        match serde_json::from_slice(body).ok()? {
            Value::Array(items) => Some(items.into_iter().filter(Value::is_object).map(Set).collect()),
            _ => None,
        }
    }

    fn values(&self, tag: &str) -> &[Value] {
        self.0.get(tag).and_then(|it| it.get("Value")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(super) fn texts(&self, tag: &str) -> Vec<String> {
        self.values(tag).iter().filter_map(plain).collect()
    }

    pub(super) fn text(&self, tag: &str) -> Option<String> {
        self.values(tag).iter().find_map(plain)
    }

    pub(super) fn count(&self, tag: &str) -> Option<u32> {
        self.text(tag)?.parse().ok()
    }

    /// A unique identifier (PS3.5, 9.1): digits with points between, at most 64.
    pub(super) fn uid(&self, tag: &str) -> Option<String> {
        self.text(tag).filter(|it| is_uid(it))
    }

    /// A name as people write it: `Okafor^Amara^^Dr.` is `Dr. Amara Okafor` (PS3.5, 6.2.1.1).
    pub(super) fn person(&self, tag: &str) -> Option<String> {
        let written = self.text(tag)?;
        let mut parts = written.split('^').map(str::trim);
        let [family, given, middle, prefix] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let words: Vec<&str> = [prefix, given, middle, family].into_iter().filter(|it| !it.is_empty()).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    pub(super) fn day(&self, tag: &str) -> Option<Date> {
        day(&self.text(tag)?)
    }

    /// When the study began, as a FHIR dateTime: with the offset that it says, else the one of where the archive stands.
    pub(super) fn started(&self, zone: &TimeZone) -> Option<String> {
        let date = self.day(STUDY_DATE)?;
        let Some(time) = self.text(STUDY_TIME).and_then(|it| time(&it)) else { return Some(date.to_string()) };
        let said = self.text(OFFSET).and_then(|it| offset(&it)).map(TimeZone::fixed);
        let moment = date.to_datetime(time).to_zoned(said.unwrap_or_else(|| zone.clone())).ok()?;
        Some(moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    }
}

fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(person) => person.get("Alphabetic")?.as_str()?.to_owned(),
        _ => return None,
    };
    let text: String = text.trim_matches(['\0', ' ']).chars().filter(|it| !it.is_control()).take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

pub(super) fn is_uid(text: &str) -> bool {
    let parts = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    (1..=64).contains(&text.len()) && text.split('.').all(parts)
}

/// `20260615`, and `2026.06.15` as the oldest machines write it.
fn day(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(|it| *it != '.').collect();
    if digits.len() != 8 {
        return None;
    }
    Date::new(digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()
}

/// `101500.123`, `1015`, `10`.
fn time(text: &str) -> Option<Time> {
    let whole: String = text.split('.').next()?.chars().filter(|it| *it != ':').collect();
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| whole.get(from..from + 2).map_or(Some(0), |it| it.parse().ok());
    // A leap second is the second before.
    Time::new(part(0)?, part(2)?, part(4)?.min(59), 0).ok()
}

/// `+0100`, `-0600`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4)?.parse().ok()?;
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(value: Value) -> Set {
        Set::all(json!([value]).to_string().as_bytes()).expect("a list").remove(0)
    }

    #[test]
    fn attributes_are_read_whatever_an_archive_makes_of_them() {
        let it = set(json!({
            "0020000D": { "vr": "UI", "Value": ["1.2.840.1"] },
            "00201208": { "vr": "IS", "Value": ["12"] },
            "00201206": { "vr": "IS", "Value": [3] },
            "00080061": { "vr": "CS", "Value": ["CT", "SR"] },
            "00080090": { "vr": "PN", "Value": [{ "Alphabetic": "Okafor^Amara^^Dr." }] },
            "00081030": { "vr": "LO" },
        }));
        assert_eq!(it.uid(STUDY).as_deref(), Some("1.2.840.1"));
        assert_eq!((it.count(INSTANCES_OF_STUDY), it.count(SERIES_OF_STUDY)), (Some(12), Some(3)));
        assert_eq!(it.texts(MODALITIES), ["CT", "SR"]);
        assert_eq!(it.person(REFERRER).as_deref(), Some("Dr. Amara Okafor"));
        assert_eq!(it.text(STUDY_WORDS), None);
    }

    #[test]
    fn what_is_no_list_is_no_answer_and_nothing_is_an_empty_one() {
        assert_eq!(Set::all(b"").map(|it| it.len()), Some(0));
        assert_eq!(Set::all(b"[1, {}]").map(|it| it.len()), Some(1));
        assert!(Set::all(b"{}").is_none() && Set::all(b"<html>").is_none());
    }

    #[test]
    fn a_name_of_something_is_digits_and_points() {
        for good in ["1.2.3", "0", &"1".repeat(64)] {
            assert!(is_uid(good), "{good}");
        }
        for bad in ["", "1..2", ".1", "1.", "1.2/../3", "1.2 ", "a.b", &"1".repeat(65)] {
            assert!(!is_uid(bad), "{bad}");
        }
    }

    #[test]
    fn a_study_begins_where_it_was_made() {
        let chicago = TimeZone::get("America/Chicago").expect("a zone");
        let began = |date: &str, time: Value, offset: Value| {
            set(json!({ "00080020": { "Value": [date] }, "00080030": { "Value": [time] }, "00080201": { "Value": [offset] } }))
                .started(&chicago)
        };
        let (nothing, noon) = (Value::Null, json!("120000.00"));
        assert_eq!(began("20260615", noon.clone(), json!("+0200")).as_deref(), Some("2026-06-15T12:00:00+02:00"));
        assert_eq!(began("2026.06.15", json!("1201"), nothing.clone()).as_deref(), Some("2026-06-15T12:01:00-05:00"));
        assert_eq!(began("20260615", nothing.clone(), nothing.clone()).as_deref(), Some("2026-06-15"));
        assert_eq!(began("20261315", noon, nothing), None);
    }
}
