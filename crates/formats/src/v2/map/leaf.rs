//! The smallest values: dates, numbers, codes and texts of version 2 as FHIR writes them. What cannot be read gives
//! nothing, and the caller says so.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

/// A moment of version 2 (2.A.21): `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+ZZZZ]`, cut into what it says.
struct Moment {
    date: String,
    time: Option<String>,
    offset: Option<String>,
}

fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    // Written as ISO 8601 has it, which is not the rule but frequent.
    let compact: String = match text.as_bytes().get(4) {
        Some(b'-') => {
            let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
            let time = time.trim_start_matches(['T', ' ']).replace(':', "").replace('Z', "+0000");
            date.replace('-', "") + &time
        }
        _ => text.replace(' ', ""),
    };
    let (digits, offset) = match compact.find(['+', '-']) {
        Some(at) => (&compact[..at], Some(&compact[at..])),
        None => (compact.as_str(), None),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.is_ascii() || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let piece = |from: usize| whole.get(from..from + 2);
    let year = whole.get(..4).filter(|it| *it != "0000")?;
    let (month, day) = (piece(4), piece(6));
    let date = match (month, day) {
        (None | Some("00"), _) if whole.len() <= 8 => year.to_owned(),
        (Some(month), None | Some("00")) if whole.len() <= 8 => format!("{year}-{month}"),
        (Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => return None,
    };
    match date.len() {
        10 => drop(date.parse::<civil::Date>().ok()?),
        7 => drop(format!("{date}-01").parse::<civil::Date>().ok()?),
        _ => {}
    }
    let time = match piece(8) {
        None if whole.len() > 8 => return None,
        None => None,
        Some(hour) => {
            let (minute, second) = (piece(10).unwrap_or("00"), piece(12).unwrap_or("00"));
            if hour > "23" || minute > "59" || second > "59" || whole.len() > 14 {
                return None;
            }
            let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
            Some(format!("{hour}:{minute}:{second}{fraction}"))
        }
    };
    Some(Moment { date, time, offset: offset.map(colon).unwrap_or_default() })
}

/// `+0215` as `+02:15`.
fn colon(offset: &str) -> Option<String> {
    let digits: String = offset[1..].chars().filter(|it| *it != ':').collect();
    let valid = digits.len() == 4 && digits.bytes().all(|it| it.is_ascii_digit());
    let valid = valid && digits[..2].parse::<u8>().is_ok_and(|it| it <= 14) && &digits[2..] < "60";
    valid.then(|| format!("{}{}:{}", &offset[..1], &digits[..2], &digits[2..]))
}

/// The zone that a moment of the header says, for the moments of the message that say none.
pub(super) fn zone(text: &str) -> Option<TimeZone> {
    let offset = moment(text)?.offset?;
    let minutes = offset[1..3].parse::<i32>().ok()? * 60 + offset[4..6].parse::<i32>().ok()?;
    let seconds = if offset.starts_with('-') { -minutes * 60 } else { minutes * 60 };
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

pub(super) fn date_time(text: &str, zone: &TimeZone) -> Option<String> {
    let Moment { date, time, offset } = moment(text)?;
    let Some(time) = time else { return Some(date) };
    let offset = match offset {
        Some(offset) => offset,
        None => {
            let local: civil::DateTime = format!("{date}T{time}").parse().ok()?;
            let moment = zone.to_ambiguous_timestamp(local).compatible().ok()?;
            let seconds = zone.to_offset(moment).seconds();
            let minutes = seconds.abs() / 60;
            let sign = if seconds < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    Some(format!("{date}T{time}{offset}"))
}

pub(super) fn date(text: &str) -> Option<String> {
    Some(moment(text)?.date)
}

/// An instant must say everything; a day alone is no instant.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Option<String> {
    date_time(text, zone).filter(|it| it.contains('T'))
}

pub(super) fn time(text: &str) -> Option<String> {
    let digits: String = text.split(['+', '-']).next()?.chars().filter(|it| *it != ':').collect();
    moment(&format!("20000101{digits}"))?.time
}

/// A decimal with its digits as they were written.
pub(super) fn decimal(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches('+');
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if !plain || digits.parse::<Decimal>().is_err() {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let written = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    serde_json::from_str::<Number>(&written).ok().map(Value::Number)
}

pub(super) fn integer(text: &str, least: i64) -> Option<Value> {
    let number: i64 = text.trim().trim_start_matches('+').parse().ok()?;
    (number >= least && number <= i64::from(i32::MAX)).then(|| json!(number))
}

/// A number of minutes, days, …: what is before the point, if that is all.
pub(super) fn boolean(text: &str) -> Option<Value> {
    match text.trim().to_ascii_uppercase().as_str() {
        "Y" | "YES" | "T" | "TRUE" | "1" => Some(Value::Bool(true)),
        "N" | "NO" | "F" | "FALSE" | "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Base64 without the line breaks that mail puts in; nothing if it is not.
pub(super) fn base64(text: &str) -> Option<Value> {
    let packed: String = text.chars().filter(|it| !it.is_whitespace()).collect();
    let packed = packed.trim_end_matches('=');
    let padded = format!("{packed}{}", "=".repeat((4 - packed.len() % 4) % 4));
    STANDARD.decode(&padded).ok().filter(|it| !it.is_empty()).map(|_| json!(padded))
}

/// Text as the data of an attachment.
pub(super) fn encoded(text: &str) -> Value {
    json!(STANDARD.encode(text))
}

/// Characters that may not stand in an address are written with their numbers.
pub(super) fn in_uri(text: &str) -> String {
    let mut out = String::new();
    for byte in text.trim().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An object identifier as FHIR writes it.
pub(super) fn oid(text: &str) -> Option<String> {
    let arcs = text.split('.').count() > 2
        && text.split('.').all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    let canonical = text.split('.').all(|it| it == "0" || !it.starts_with('0'));
    let rooted = matches!(text.as_bytes().first(), Some(b'0'..=b'2')) && text.as_bytes().get(1) == Some(&b'.');
    (arcs && rooted && canonical).then(|| format!("urn:oid:{text}"))
}

/// A reference range: what a person reads, and its numbers when it is plainly two numbers or a bound.
pub(super) fn range(text: &str, unit: Option<&str>) -> Value {
    let quantity = |text: &str| {
        let value = decimal(text)?;
        Some(match unit {
            Some(unit) => json!({ "value": value, "unit": unit }),
            None => json!({ "value": value }),
        })
    };
    let mut range = Map::new();
    let trimmed = text.trim();
    let after_sign = trimmed.get(1..).unwrap_or("");
    if let Some((low, high)) = after_sign.split_once('-') {
        let low = format!("{}{low}", trimmed.get(..1).unwrap_or(""));
        if let (Some(low), Some(high)) = (quantity(low.trim()), quantity(high.trim())) {
            range.insert("low".to_owned(), low);
            range.insert("high".to_owned(), high);
        }
    } else if let Some(bound) = trimmed.strip_prefix("<=").and_then(quantity) {
        range.insert("high".to_owned(), bound);
    } else if let Some(bound) = trimmed.strip_prefix(">=").and_then(quantity) {
        range.insert("low".to_owned(), bound);
    }
    range.insert("text".to_owned(), json!(trimmed));
    Value::Object(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_what_they_say_and_no_more() {
        let berlin = TimeZone::fixed(Offset::constant(2));
        for (text, expected) in [
            ("1988", Some("1988")),
            ("198802", Some("1988-02")),
            ("19880229", Some("1988-02-29")),
            ("198802291130", Some("1988-02-29T11:30:00+02:00")),
            ("1988022911", Some("1988-02-29T11:00:00+02:00")),
            ("19880229113015.25-0500", Some("1988-02-29T11:30:15.25-05:00")),
            ("2007-04-24", Some("2007-04-24")),
            ("2007-04-24T10:11:12Z", Some("2007-04-24T10:11:12+00:00")),
            ("19880230", None),
            ("19881301", None),
            ("yesterday", None),
            ("1988022925", None),
            ("", None),
        ] {
            assert_eq!(date_time(text, &berlin).as_deref(), expected, "{text}");
        }
        assert_eq!(instant("19880229", &berlin), None);
        assert_eq!(time("0815").as_deref(), Some("08:15:00"));
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (text, expected) in [
            ("4.060", Some("4.060")),
            ("007", Some("7")),
            (".5", Some("0.5")),
            ("-2", Some("-2")),
            ("+3", Some("3")),
            ("5.", Some("5")),
        ] {
            assert_eq!(decimal(text).map(|it| it.to_string()).as_deref(), expected, "{text}");
        }
        for text in ["", "<5", "1e5", "1,5", "ten", "1.2.3"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_when_they_are_plain() {
        assert_eq!(range("3.5-5.1", Some("g"))["high"]["value"].to_string(), "5.1");
        assert_eq!(range("-2 - 2", None)["low"]["value"].to_string(), "-2");
        assert_eq!(range("<= 7", None)["high"]["value"].to_string(), "7");
        assert_eq!(range("negative", None), json!({ "text": "negative" }));
    }
}
