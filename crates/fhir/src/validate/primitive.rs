//! Formats of the primitive types (FHIR R4, datatypes.html#primitive), checked byte by byte: the regular
//! expressions of the standard say the same, but this runs for every value of every write. A test compares
//! both. Calendar rules that a regular expression cannot say (30 February) are checked as well.

use crate::tables::Primitive;
use serde_json::Value;
use std::cmp::Ordering;

/// R4: strings are at most 1 MB (1024 × 1024 characters).
const LONGEST_STRING: usize = 1_048_576;

/// More significant digits than this are noise rather than measurement, and no exact arithmetic holds them.
const MOST_DIGITS: usize = 64;

/// What is wrong with a value: words for the person who must mend it, without the value.
pub(super) type Wrong = &'static str;

/// Checks the JSON type and the format of a primitive value. Narrative is checked elsewhere.
pub(super) fn check(kind: Primitive, value: &Value) -> Result<(), Wrong> {
    match kind {
        Primitive::Boolean => match value {
            Value::Bool(_) => Ok(()),
            _ => Err("must be true or false, without quotes"),
        },
        Primitive::Integer => integer(value, i64::from(i32::MIN)),
        Primitive::UnsignedInt => integer(value, 0),
        Primitive::PositiveInt => integer(value, 1),
        Primitive::Decimal => match value {
            Value::Number(number) => decimal(number.as_str()),
            _ => Err("must be a number, without quotes"),
        },
        _ => match value {
            Value::String(text) => text_format(kind, text),
            _ => Err("must be a string in quotes"),
        },
    }
}

/// The format of a primitive that JSON holds as a string.
pub(super) fn text_format(kind: Primitive, text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err("must not be empty: leave the member out instead");
    }
    let fits = match kind {
        Primitive::String | Primitive::Markdown | Primitive::Xhtml => return string(text),
        Primitive::Code => return code(text),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => return uri(text),
        Primitive::Base64Binary => return base64(text.as_bytes()),
        Primitive::Id => id(text),
        Primitive::Date => date(text.as_bytes()).is_some_and(|rest| rest.is_empty()),
        Primitive::DateTime => date_time(text.as_bytes()),
        Primitive::Instant => text.len() >= 20 && date_time(text.as_bytes()),
        Primitive::Time => time(text.as_bytes()).is_some_and(|rest| rest.is_empty()),
        Primitive::Oid => oid(text),
        Primitive::Uuid => uuid(text),
        Primitive::Boolean
        | Primitive::Integer
        | Primitive::UnsignedInt
        | Primitive::PositiveInt
        | Primitive::Decimal => {
            return Err("must not be in quotes");
        }
    };
    if fits { Ok(()) } else { Err(expected(kind)) }
}

fn expected(kind: Primitive) -> Wrong {
    match kind {
        Primitive::Id => "must be 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'",
        Primitive::Date => "must be a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
        Primitive::DateTime => {
            "must be a date and time that exist: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00"
        }
        Primitive::Instant => "must be YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00",
        Primitive::Time => "must be a time hh:mm:ss",
        Primitive::Oid => "must be an OID such as urn:oid:1.2.3",
        Primitive::Uuid => "must be urn:uuid: and a UUID in lower case",
        _ => "does not have the format of its type",
    }
}

fn integer(value: &Value, least: i64) -> Result<(), Wrong> {
    let Value::Number(number) = value else { return Err("must be a whole number, without quotes") };
    let text = number.as_str();
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return Err("must be a whole number, without a point or exponent");
    }
    match text.parse::<i64>() {
        Ok(number) if number >= least && number <= i64::from(i32::MAX) => Ok(()),
        Ok(number) if number < least && least == 1 => Err("must be 1 or more"),
        Ok(number) if number < least && least == 0 => Err("must be 0 or more"),
        _ => Err("must fit in 32 bits"),
    }
}

/// The grammar of JSON numbers is that of FHIR decimals; what is left to check is their size.
fn decimal(text: &str) -> Result<(), Wrong> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let significant = digits.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let exponent_fits = exponent.parse::<i32>().is_ok_and(|exponent| exponent.abs() <= 300);
    if significant <= MOST_DIGITS && digits.len() <= 2 * MOST_DIGITS && exponent_fits {
        Ok(())
    } else {
        Err("has more digits than can be kept exact (at most 64 and an exponent within ±300)")
    }
}

fn string(text: &str) -> Result<(), Wrong> {
    if text.len() > LONGEST_STRING && text.chars().count() > LONGEST_STRING {
        return Err("is longer than 1,048,576 characters");
    }
    if text.bytes().any(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err("holds a control character: only tab, line feed and carriage return are allowed");
    }
    Ok(())
}

fn code(text: &str) -> Result<(), Wrong> {
    let bytes = text.as_bytes();
    let space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
    let doubled = bytes.windows(2).any(|pair| space(pair[0]) && space(pair[1]));
    if doubled || space(bytes[0]) || space(bytes[bytes.len() - 1]) {
        return Err("must not begin or end with white space, nor hold more than one space in a row");
    }
    string(text)
}

fn uri(text: &str) -> Result<(), Wrong> {
    if text.bytes().any(|byte| byte <= 0x20) {
        return Err("must not hold white space");
    }
    string(text)
}

fn base64(text: &[u8]) -> Result<(), Wrong> {
    let (mut length, mut padding) = (0usize, 0usize);
    for byte in text {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return Err("is not base64: a character is not of its alphabet"),
        }
        length += 1;
    }
    if length == 0 || !length.is_multiple_of(4) || padding > 2 {
        return Err("is not base64: the length must be a multiple of four, padded with at most two '='");
    }
    Ok(())
}

pub(super) fn id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn oid(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix("urn:oid:") else { return false };
    let mut parts = numbers.split('.');
    let first = parts.next().is_some_and(|root| matches!(root, "0" | "1" | "2"));
    let mut more = 0;
    first
        && parts.all(|part| {
            more += 1;
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part.len() == 1 || !part.starts_with('0'))
        })
        && more > 0
}

fn uuid(text: &str) -> bool {
    let Some(text) = text.strip_prefix("urn:uuid:") else { return false };
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Two digits at the start, and what follows.
fn two(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), rest)),
        _ => None,
    }
}

fn after(text: &[u8], mark: u8) -> Option<&[u8]> {
    match text {
        [first, rest @ ..] if *first == mark => Some(rest),
        _ => None,
    }
}

/// Reads a date as far as it goes; what follows is returned. None if it is no date.
fn date(text: &[u8]) -> Option<&[u8]> {
    let (century, rest) = two(text)?;
    let (years, rest) = two(rest)?;
    let year = century * 100 + years;
    if year == 0 {
        return None;
    }
    let Some(rest) = after(rest, b'-') else { return Some(rest) };
    let (month, rest) = two(rest)?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let Some(rest) = after(rest, b'-') else { return Some(rest) };
    let (day, rest) = two(rest)?;
    (1..=days_in(year, month)).contains(&day).then_some(rest)
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn date_time(text: &[u8]) -> bool {
    let Some(rest) = date(text) else { return false };
    if rest.is_empty() {
        return true;
    }
    // A time needs the whole date before it and an offset after it.
    let day_given = text.len() - rest.len() == 10;
    let offset = after(rest, b'T').and_then(time);
    day_given && offset.is_some_and(is_offset)
}

/// Reads hh:mm:ss with fractions; what follows is returned.
fn time(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = two(text)?;
    let (minute, rest) = two(after(rest, b':')?)?;
    let (second, rest) = two(after(rest, b':')?)?;
    // R4 allows 60 for leap seconds.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let Some(fraction) = after(rest, b'.') else { return Some(rest) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &fraction[digits..])
}

fn is_offset(text: &[u8]) -> bool {
    let rest = match text {
        b"Z" => return true,
        [b'+' | b'-', rest @ ..] => rest,
        _ => return false,
    };
    let Some((hour, rest)) = two(rest) else { return false };
    let Some((minute, rest)) = after(rest, b':').and_then(two) else { return false };
    rest.is_empty() && ((hour <= 13 && minute <= 59) || (hour == 14 && minute == 0))
}

/// Compares two dates or times as far as both are known; None where the less precise leaves it open.
pub(super) fn compare_times(a: &str, b: &str) -> Option<Ordering> {
    match (instant_of(a), instant_of(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => {
            let days = |text: &str| text.len().min(10);
            let common = days(a).min(days(b));
            match a.as_bytes()[..common].cmp(&b.as_bytes()[..common]) {
                // Same as far as known: settled only when both are whole days.
                Ordering::Equal if a.len() == b.len() && a.len() <= 10 => Some(Ordering::Equal),
                Ordering::Equal => None,
                unequal => Some(unequal),
            }
        }
    }
}

/// Seconds (and nanoseconds) since year 0 in UTC, for a time with an offset.
fn instant_of(text: &str) -> Option<(i64, u32)> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let rest = time(&bytes[11..])?;
    let fraction = &bytes[19..bytes.len() - rest.len()];
    let nanoseconds = fraction
        .iter()
        .skip(1)
        .chain(std::iter::repeat(&b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let offset = match rest {
        b"Z" => 0,
        [sign, rest @ ..] => {
            let (hours, rest) = two(rest)?;
            let (minutes, _) = two(after(rest, b':')?)?;
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'-' { -seconds } else { seconds }
        }
        [] => return None,
    };
    // Days since 1 March of year 0, where leap days come last and need no table.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = shifted_year * 365 + shifted_year.div_euclid(4) - shifted_year.div_euclid(100)
        + shifted_year.div_euclid(400)
        + (shifted_month * 153 + 2) / 5
        + day;
    Some((days * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use regex::Regex;

    /// Valid values to start from; the test changes letters of them.
    const SEEDS: &[(Primitive, &str, &[&str])] = &[
        (Primitive::Date, "date", &["1970", "1970-05", "1970-05-09", "2000-02-28", "0001", "9999-12-31"]),
        (
            Primitive::DateTime,
            "dateTime",
            &[
                "2015",
                "2015-02",
                "2015-02-07",
                "2015-02-07T13:28:17Z",
                "2015-02-07T13:28:17.239-05:00",
                "2015-02-07T23:59:60+14:00",
            ],
        ),
        (Primitive::Instant, "instant", &["2015-02-07T13:28:17Z", "2015-02-07T13:28:17.239+02:00"]),
        (Primitive::Time, "time", &["13:28:17", "00:00:00.5"]),
        (Primitive::Id, "id", &["a", "A-1.b", "0123456789012345678901234567890123456789012345678901234567890123"]),
        (Primitive::Oid, "oid", &["urn:oid:1.2.3", "urn:oid:0.10.200"]),
        (Primitive::Uuid, "uuid", &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
        (Primitive::Code, "code", &["final", "entered in error"]),
        (Primitive::Uri, "uri", &["http://example.org/a", "urn:x"]),
        (Primitive::String, "string", &["a text", "x"]),
    ];

    const LETTERS: &[u8] = b"0123456789-:.+TZ aAbf=/\n\t";

    #[test]
    fn formats_agree_with_the_regular_expressions_of_the_standard() {
        let mut state: u64 = 7;
        let mut roll = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % sides as u64) as usize
        };
        for (kind, name, seeds) in SEEDS {
            let regex = tables::type_def(name).expect("a primitive type").regex;
            let regex = Regex::new(&format!("^(?:{regex})$")).expect("the expression of the standard");
            let (mut good, mut bad) = (0, 0);
            for round in 0..6_000 {
                let mut text = seeds[roll(seeds.len())].as_bytes().to_vec();
                for _ in 0..roll(3).min(round) {
                    let (at, letter) = (roll(text.len()), LETTERS[roll(LETTERS.len())]);
                    match roll(3) {
                        0 => text[at] = letter,
                        1 => text.insert(at, letter),
                        _ if text.len() > 1 => drop(text.remove(at)),
                        _ => {}
                    }
                }
                let text = String::from_utf8(text).expect("only ASCII");
                let (ours, theirs) = (text_format(*kind, &text).is_ok(), regex.is_match(&text));
                // The expression lets 31 days pass for every month.
                let no_such_day = theirs && matches!(text.get(8..10), Some("29" | "30" | "31"));
                assert!(
                    ours == theirs || (!ours && no_such_day),
                    "{name} {text:?}: {ours}, the standard says {theirs}"
                );
                if ours { good += 1 } else { bad += 1 }
            }
            assert!(
                good > 100 && (bad > 100 || *kind == Primitive::String),
                "{name}: {good} good and {bad} bad values"
            );
        }
    }

    #[test]
    fn times_are_compared_as_far_as_they_are_known() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, expected) in [
            ("2020", "2021", Some(Less)),
            ("2020-05", "2020-05-03", None),
            ("2020-05-03", "2020-05-03", Some(Equal)),
            ("2020-06", "2020-05-03", Some(Greater)),
            ("2020-05-03T10:00:00Z", "2020-05-03T12:00:00+02:00", Some(Equal)),
            ("2020-05-03T23:30:00-02:00", "2020-05-04T01:00:00Z", Some(Greater)),
            ("2020-02-29T23:59:59.999Z", "2020-03-01T00:00:00Z", Some(Less)),
            ("2020-05-03T10:00:00Z", "2020-05-03", None),
            ("1999-12-31T23:59:59Z", "2000-01-01T00:00:00.001Z", Some(Less)),
        ] {
            assert_eq!(compare_times(a, b), expected, "{a} with {b}");
            assert_eq!(compare_times(b, a), expected.map(Ordering::reverse), "{b} with {a}");
        }
    }

    #[test]
    fn base64_and_decimals_have_their_limits() {
        for (text, fits) in [
            ("aGVsbG8=", true),
            ("aGVs\r\nbG8=", true),
            ("aGVsbG8", false),
            ("a=VsbG8=", false),
            ("====", false),
            (" ", false),
        ] {
            assert_eq!(base64(text.as_bytes()).is_ok(), fits, "{text:?}");
        }
        for (text, fits) in [
            ("0.0000001", true),
            ("1e300", true),
            ("1e301", false),
            ("1e99999999999", false),
            (&"9".repeat(64), true),
            (&"9".repeat(65), false),
        ] {
            assert_eq!(decimal(text).is_ok(), fits, "{text}");
        }
    }
}
