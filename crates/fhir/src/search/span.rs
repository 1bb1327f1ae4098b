//! Dates and times as spans of milliseconds: what a partial date leaves open, the span covers
//! (FHIR R4, 3.1.1.4.7). Never rounds inwards, so nothing that happened is lost between two spans.
//! A date or time without a zone is read as UTC: the store has no other zone to offer.

use super::row::Span;

const DAY: i64 = 86_400_000;

impl Span {
    /// All of time.
    pub const ALWAYS: Span = Span { low: i64::MIN, high: i64::MAX };

    /// Reads a FHIR date, dateTime or instant: `2015`, `2015-02`, `2015-02-07`, `2015-02-07T13:28`,
    /// `2015-02-07T13:28:17.239+02:00`. `None` when it is none of these or not in the calendar.
    pub fn parse(text: &str) -> Option<Span> {
        let bytes = text.as_bytes();
        if !text.is_ascii() {
            return None;
        }
        let year = digits(bytes, 0, 4)?;
        if year == 0 {
            return None;
        }
        if bytes.len() == 4 {
            return Some(days(first_day(year, 1), first_day(year + 1, 1)));
        }
        let month = part(bytes, 4, b'-', 1..=12)?;
        if bytes.len() == 7 {
            let next = if month == 12 { first_day(year + 1, 1) } else { first_day(year, month + 1) };
            return Some(days(first_day(year, month), next));
        }
        let day = part(bytes, 7, b'-', 1..=month_length(year, month))?;
        let date = first_day(year, month) + day - 1;
        if bytes.len() == 10 {
            return Some(days(date, date + 1));
        }
        let hour = part(bytes, 10, b'T', 0..=23)?;
        let minute = part(bytes, 13, b':', 0..=59)?;
        let start = date * DAY + hour * 3_600_000 + minute * 60_000;
        let (mut low, mut high, mut at) = (start, start + 60_000, 16);
        if bytes.get(at) == Some(&b':') {
            // 60 is a leap second.
            let second = part(bytes, at, b':', 0..=60)?;
            low = start + second * 1000;
            high = low + 1000;
            at += 3;
            if bytes.get(at) == Some(&b'.') {
                let fraction = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
                if fraction == 0 {
                    return None;
                }
                let (from, to) = fraction_span(&bytes[at + 1..at + 1 + fraction]);
                (low, high) = (low + from, low + to);
                at += 1 + fraction;
            }
        }
        let shift = zone(&bytes[at..])?;
        Some(Span { low: low - shift, high: high - shift })
    }

    /// The least span that covers both.
    pub fn cover(self, other: Span) -> Span {
        Span { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Whether `other` lies wholly within this span.
    pub fn contains(self, other: Span) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Whether the two have a moment in common.
    pub fn overlaps(self, other: Span) -> bool {
        self.low < other.high && other.low < self.high
    }

    /// This span grown by `by` milliseconds on both sides.
    pub fn widened(self, by: i64) -> Span {
        Span { low: self.low.saturating_sub(by), high: self.high.saturating_add(by) }
    }
}

fn days(from: i64, to: i64) -> Span {
    Span { low: from * DAY, high: to * DAY }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<i64> {
    let mut value = 0;
    for byte in bytes.get(at..at + count)? {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

/// Two digits after a separator.
fn part(bytes: &[u8], at: usize, separator: u8, allowed: std::ops::RangeInclusive<i64>) -> Option<i64> {
    if bytes.get(at) != Some(&separator) {
        return None;
    }
    digits(bytes, at + 1, 2).filter(|value| allowed.contains(value))
}

/// Milliseconds covered by the digits after the point, outwards: `.1` is 100 up to 200, `.1234` is 123 up to 124.
fn fraction_span(fraction: &[u8]) -> (i64, i64) {
    let known = fraction.len().min(3);
    let mut value = fraction[..known].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let mut width = 1;
    for _ in known..3 {
        value *= 10;
        width *= 10;
    }
    (value, value + width)
}

/// Milliseconds east of UTC: `Z`, `+02:00`, `-05:00`, or nothing (UTC).
fn zone(bytes: &[u8]) -> Option<i64> {
    let sign = match bytes {
        b"" | b"Z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let hours = digits(bytes, 1, 2).filter(|hours| *hours <= 14)?;
    let minutes = digits(bytes, 4, 2).filter(|minutes| *minutes <= 59)?;
    Some(sign * (hours * 3_600_000 + minutes * 60_000))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month, in the proleptic Gregorian calendar.
fn first_day(year: i64, month: i64) -> i64 {
    // Years that begin in March put the leap day last, which makes month lengths a line.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("the test names a moment").as_millisecond()
    }

    #[test]
    fn a_date_covers_what_it_leaves_open() {
        let check = |text: &str, low: &str, high: &str| {
            assert_eq!(Span::parse(text), Some(Span { low: at(low), high: at(high) }), "{text}");
        };
        check("1970", "1970-01-01T00:00:00Z", "1971-01-01T00:00:00Z");
        check("1972-02", "1972-02-01T00:00:00Z", "1972-03-01T00:00:00Z");
        check("1999-12", "1999-12-01T00:00:00Z", "2000-01-01T00:00:00Z");
        check("2015-02-07", "2015-02-07T00:00:00Z", "2015-02-08T00:00:00Z");
        check("1900-02-28", "1900-02-28T00:00:00Z", "1900-03-01T00:00:00Z");
        check("2015-02-07T13:28", "2015-02-07T13:28:00Z", "2015-02-07T13:29:00Z");
        check("2015-02-07T13:28:17Z", "2015-02-07T13:28:17Z", "2015-02-07T13:28:18Z");
        check("2015-02-07T13:28:17+02:00", "2015-02-07T11:28:17Z", "2015-02-07T11:28:18Z");
        check("2015-02-07T23:28:17.2-05:00", "2015-02-08T04:28:17.200Z", "2015-02-08T04:28:17.300Z");
        check("2015-02-07T13:28:17.239Z", "2015-02-07T13:28:17.239Z", "2015-02-07T13:28:17.240Z");
        check("2015-02-07T13:28:17.2395678Z", "2015-02-07T13:28:17.239Z", "2015-02-07T13:28:17.240Z");
        check("0001-01-01", "0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z");
    }

    #[test]
    fn what_is_not_in_the_calendar_is_no_date() {
        for text in [
            "",
            "15",
            "2015-13",
            "2015-02-29",
            "2015-02-30",
            "2015-2-7",
            "2015-02-07T",
            "2015-02-07T25:00Z",
            "2015-02-07T13:61Z",
            "2015-02-07T13:28:17.Z",
            "2015-02-07T13:28:17+2",
            "2015-02-07 13:28",
            "0000",
            "２０１５",
            "2015-02-07T13:28:17+02:00x",
            "20150207",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_eight_hundred_years_follows_the_one_before() {
        let mut last = None;
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=month_length(year, month) {
                    let span = Span::parse(&format!("{year:04}-{month:02}-{day:02}")).expect("a day");
                    assert!(last.is_none_or(|high| high == span.low));
                    last = Some(span.high);
                }
            }
        }
    }
}
