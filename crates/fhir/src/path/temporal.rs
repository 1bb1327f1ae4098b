//! Dates, times and moments that keep the precision they were written with (FHIRPath N1, 2.1.4-2.1.6
//! and 6.6): `1970-05` stays a month, and a comparison that the precision cannot decide is unknown.
//! Nothing here reads a clock.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::cmp::Ordering;
use std::fmt;

/// Which of the three FHIRPath types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Date,
    DateTime,
    Time,
}

/// How far it was written. Seconds and their fraction count as one precision when comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
}

/// A date, a moment or a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    pub shape: Shape,
    pub precision: Precision,
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanos: u32,
    /// Digits of the fraction as written.
    pub digits: u8,
    /// Minutes east of Greenwich, when said.
    pub offset: Option<i16>,
}

/// The calendar words of FHIRPath and the definite UCUM durations that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl CalendarUnit {
    /// A calendar word, singular or plural.
    pub fn word(text: &str) -> Option<CalendarUnit> {
        Some(match text {
            "year" | "years" => CalendarUnit::Year,
            "month" | "months" => CalendarUnit::Month,
            "week" | "weeks" => CalendarUnit::Week,
            "day" | "days" => CalendarUnit::Day,
            "hour" | "hours" => CalendarUnit::Hour,
            "minute" | "minutes" => CalendarUnit::Minute,
            "second" | "seconds" => CalendarUnit::Second,
            "millisecond" | "milliseconds" => CalendarUnit::Millisecond,
            _ => return None,
        })
    }

    /// A UCUM duration that is as long as the calendar's; `a` and `mo` are not (they are averages).
    pub fn definite(code: &str) -> Option<CalendarUnit> {
        Some(match code {
            "wk" => CalendarUnit::Week,
            "d" => CalendarUnit::Day,
            "h" => CalendarUnit::Hour,
            "min" => CalendarUnit::Minute,
            "s" => CalendarUnit::Second,
            "ms" => CalendarUnit::Millisecond,
            _ => return None,
        })
    }

    /// The UCUM code of the same length, if there is one.
    pub fn ucum(self) -> Option<&'static str> {
        Some(match self {
            CalendarUnit::Year | CalendarUnit::Month => return None,
            CalendarUnit::Week => "wk",
            CalendarUnit::Day => "d",
            CalendarUnit::Hour => "h",
            CalendarUnit::Minute => "min",
            CalendarUnit::Second => "s",
            CalendarUnit::Millisecond => "ms",
        })
    }
}

const NANOS_OF_SECOND: i128 = 1_000_000_000;
const NANOS_OF_DAY: i128 = 86_400 * NANOS_OF_SECOND;

impl Temporal {
    const ZERO: Temporal = Temporal {
        shape: Shape::Date,
        precision: Precision::Year,
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        digits: 0,
        offset: None,
    };

    /// `2015`, `2015-02`, `2015-02-04`
    pub fn parse_date(text: &str) -> Option<Temporal> {
        let bytes = text.as_bytes();
        let mut it = Temporal::ZERO;
        it.year = number(bytes, 0, 4)? as i16;
        match bytes.len() {
            4 => {}
            7 | 10 => {
                it.month = after(bytes, 4, b'-')?;
                it.precision = Precision::Month;
                if bytes.len() == 10 {
                    it.day = after(bytes, 7, b'-')?;
                    it.precision = Precision::Day;
                }
            }
            _ => return None,
        }
        let fits = (1..=12).contains(&it.month) && (1..=days_in_month(it.year, it.month)).contains(&it.day);
        fits.then_some(it)
    }

    /// A date, or a date and time: `2015-02-04T14:34:28.123+10:00`; hours alone and `2015T` are allowed.
    pub fn parse_date_time(text: &str) -> Option<Temporal> {
        let Some((date, time)) = text.split_once('T') else {
            return Temporal::parse_date(text).map(|it| Temporal { shape: Shape::DateTime, ..it });
        };
        let mut it = Temporal { shape: Shape::DateTime, ..Temporal::parse_date(date)? };
        if time.is_empty() {
            return Some(it);
        }
        if it.precision != Precision::Day {
            return None;
        }
        let (clock, offset) = match time.find(['Z', '+', '-']) {
            Some(at) => (&time[..at], Some(parse_offset(&time[at..])?)),
            None => (time, None),
        };
        it.set_clock(clock)?;
        it.offset = offset;
        Some(it)
    }

    /// `14`, `14:34`, `14:34:28.123`; a time of day has no zone.
    pub fn parse_time(text: &str) -> Option<Temporal> {
        let mut it = Temporal { shape: Shape::Time, ..Temporal::ZERO };
        it.set_clock(text)?;
        Some(it)
    }

    /// The moment `now` as FHIRPath sees it: milliseconds, with its offset.
    pub fn of_zoned(now: &jiff::Zoned) -> Temporal {
        Temporal {
            shape: Shape::DateTime,
            precision: Precision::Fraction,
            year: now.year(),
            month: now.month() as u8,
            day: now.day() as u8,
            hour: now.hour() as u8,
            minute: now.minute() as u8,
            second: now.second() as u8,
            nanos: now.subsec_nanosecond() as u32 / 1_000_000 * 1_000_000,
            digits: 3,
            offset: Some((now.offset().seconds() / 60) as i16),
        }
    }

    /// The day of a moment.
    pub fn date(self) -> Temporal {
        Temporal {
            shape: Shape::Date,
            precision: self.precision.min(Precision::Day),
            year: self.year,
            month: self.month,
            day: self.day,
            ..Temporal::ZERO
        }
    }

    /// The time of day of a moment.
    pub fn time_of_day(self) -> Temporal {
        Temporal { shape: Shape::Time, year: 0, month: 1, day: 1, offset: None, ..self }
    }

    fn set_clock(&mut self, text: &str) -> Option<()> {
        let bytes = text.as_bytes();
        self.hour = number(bytes, 0, 2)? as u8;
        self.precision = Precision::Hour;
        if bytes.len() > 2 {
            self.minute = after(bytes, 2, b':')?;
            self.precision = Precision::Minute;
        }
        if bytes.len() > 5 {
            self.second = after(bytes, 5, b':')?;
            self.precision = Precision::Second;
        }
        if bytes.len() > 8 {
            let fraction = bytes.get(9..)?;
            if bytes[8] != b'.' || fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            // More than nine digits cannot be told apart; the rest is dropped.
            self.digits = fraction.len().min(9) as u8;
            self.nanos =
                (0..9).fold(0, |sum, at| sum * 10 + fraction.get(at).map_or(0, |digit| u32::from(digit - b'0')));
            self.precision = Precision::Fraction;
        }
        // 60 is a leap second (FHIR R4, datatype instant).
        (self.hour < 24 && self.minute < 60 && self.second <= 60).then_some(())
    }

    pub fn has_clock(&self) -> bool {
        self.precision >= Precision::Hour
    }

    /// Which is earlier; `None` when the precision or a missing time zone leaves it open.
    pub fn compare(&self, other: &Temporal) -> Option<Ordering> {
        let (mut left, mut right) = (*self, *other);
        if left.has_clock() && right.has_clock() {
            match (left.offset, right.offset) {
                (Some(a), Some(b)) if a != b => {
                    left = left.in_utc();
                    right = right.in_utc();
                }
                (Some(_), None) | (None, Some(_)) => {
                    // The unsaid offset lies between -12:00 and +14:00, so a day apart is still decided.
                    let (a, b) = (left.in_utc().nanos_since_epoch(), right.in_utc().nanos_since_epoch());
                    return ((a - b).abs() > 14 * 3600 * NANOS_OF_SECOND).then(|| a.cmp(&b));
                }
                _ => {}
            }
        }
        let shared = left.precision.min(right.precision).min(Precision::Second);
        for at in [Precision::Year, Precision::Month, Precision::Day, Precision::Hour, Precision::Minute] {
            if at > shared {
                break;
            }
            match left.field(at).cmp(&right.field(at)) {
                Ordering::Equal => {}
                decided => return Some(decided),
            }
        }
        if shared == Precision::Second {
            return Some((left.second, left.nanos).cmp(&(right.second, right.nanos)));
        }
        (left.precision == right.precision).then_some(Ordering::Equal)
    }

    fn field(&self, at: Precision) -> i32 {
        match at {
            Precision::Year => i32::from(self.year),
            Precision::Month => i32::from(self.month),
            Precision::Day => i32::from(self.day),
            Precision::Hour => i32::from(self.hour),
            Precision::Minute => i32::from(self.minute),
            Precision::Second | Precision::Fraction => i32::from(self.second),
        }
    }

    fn in_utc(self) -> Temporal {
        let shift = i128::from(self.offset.unwrap_or(0)) * 60 * NANOS_OF_SECOND;
        Temporal { offset: Some(0), ..self.at_nanos(self.nanos_since_epoch() - shift) }
    }

    fn nanos_since_epoch(&self) -> i128 {
        i128::from(days_from_civil(i64::from(self.year), self.month, self.day)) * NANOS_OF_DAY + self.nanos_of_day()
    }

    fn nanos_of_day(&self) -> i128 {
        let seconds = i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        seconds * NANOS_OF_SECOND + i128::from(self.nanos)
    }

    /// The same precision at another moment. Only years 0 to 9999 exist here; callers check.
    fn at_nanos(self, nanos: i128) -> Temporal {
        let (year, month, day) = civil_from_days(nanos.div_euclid(NANOS_OF_DAY) as i64);
        Temporal { year: year as i16, month, day, ..self.with_clock(nanos.rem_euclid(NANOS_OF_DAY)) }
    }

    fn with_clock(self, nanos: i128) -> Temporal {
        let seconds = nanos / NANOS_OF_SECOND;
        Temporal {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            nanos: (nanos % NANOS_OF_SECOND) as u32,
            ..self
        }
    }

    /// Calendar arithmetic (FHIRPath N1, 6.6.6-6.6.7): fractions count only for seconds and below, the
    /// last day of a month stays within it, and what is finer than the value's precision is dropped.
    /// `None` when the result leaves the calendar or a time of day is asked to move by months.
    pub fn plus(self, amount: Decimal, unit: CalendarUnit) -> Option<Temporal> {
        let whole = amount.trunc().to_i64()?;
        let moved = match unit {
            CalendarUnit::Year => self.plus_months(whole.checked_mul(12)?)?,
            CalendarUnit::Month => self.plus_months(whole)?,
            CalendarUnit::Week => self.plus_days(whole.checked_mul(7)?)?,
            CalendarUnit::Day => self.plus_days(whole)?,
            CalendarUnit::Hour => self.plus_nanos(i128::from(whole) * 3600 * NANOS_OF_SECOND)?,
            CalendarUnit::Minute => self.plus_nanos(i128::from(whole) * 60 * NANOS_OF_SECOND)?,
            CalendarUnit::Second => {
                self.plus_nanos(amount.checked_mul(Decimal::from(1_000_000_000))?.trunc().to_i128()?)?
            }
            CalendarUnit::Millisecond => {
                self.plus_nanos(amount.checked_mul(Decimal::from(1_000_000))?.trunc().to_i128()?)?
            }
        };
        (0..=9999).contains(&moved.year).then_some(moved)
    }

    fn plus_months(self, months: i64) -> Option<Temporal> {
        if self.shape == Shape::Time {
            return None;
        }
        let months = if self.precision == Precision::Year { months / 12 * 12 } else { months };
        let total = (i64::from(self.year) * 12 + i64::from(self.month) - 1).checked_add(months)?;
        let year = i16::try_from(total.div_euclid(12)).ok()?;
        let month = (total.rem_euclid(12) + 1) as u8;
        Some(Temporal { year, month, day: self.day.min(days_in_month(year, month)), ..self })
    }

    fn plus_days(self, days: i64) -> Option<Temporal> {
        match self.precision {
            _ if self.shape == Shape::Time => Some(self),
            Precision::Year => self.plus_months(days / 365 * 12),
            Precision::Month => self.plus_months(days / 30),
            _ => {
                let day = days_from_civil(i64::from(self.year), self.month, self.day).checked_add(days)?;
                let (year, month, day) = civil_from_days(within_calendar(day)?);
                Some(Temporal { year: year as i16, month, day, ..self })
            }
        }
    }

    fn plus_nanos(self, nanos: i128) -> Option<Temporal> {
        let unit = match self.precision {
            Precision::Year | Precision::Month | Precision::Day => {
                return self.plus_days(i64::try_from(nanos / NANOS_OF_DAY).ok()?);
            }
            Precision::Hour => 3600 * NANOS_OF_SECOND,
            Precision::Minute => 60 * NANOS_OF_SECOND,
            Precision::Second | Precision::Fraction => 1,
        };
        let nanos = nanos / unit * unit;
        let mut moved = if self.shape == Shape::Time {
            self.with_clock((self.nanos_of_day() + nanos).rem_euclid(NANOS_OF_DAY))
        } else {
            let sum = self.nanos_since_epoch().checked_add(nanos)?;
            within_calendar(i64::try_from(sum.div_euclid(NANOS_OF_DAY)).ok()?)?;
            self.at_nanos(sum)
        };
        if moved.nanos != 0 && moved.digits < 3 {
            moved.digits = 3;
            moved.precision = Precision::Fraction;
        }
        Some(moved)
    }

    /// The number of digits of its precision (FHIRPath, `precision()`).
    pub fn precision_digits(&self) -> i64 {
        let clock = match self.precision {
            Precision::Year => return 4,
            Precision::Month => return 6,
            Precision::Day => return 8,
            Precision::Hour => 2,
            Precision::Minute => 4,
            Precision::Second => 6,
            Precision::Fraction => 6 + i64::from(self.digits),
        };
        if self.shape == Shape::Time { clock } else { clock + 8 }
    }

    /// The earliest (or latest) moment it can mean, written to so many digits.
    pub fn boundary(&self, digits: Option<i64>, high: bool) -> Option<Temporal> {
        let full = match self.shape {
            Shape::Date => 8,
            Shape::DateTime => 17,
            Shape::Time => 9,
        };
        let digits = digits.unwrap_or(full);
        let clock_digits = if self.shape == Shape::Time { digits } else { digits - 8 };
        let precision = match (self.shape, digits, clock_digits) {
            (Shape::Date | Shape::DateTime, 4, _) => Precision::Year,
            (Shape::Date | Shape::DateTime, 6, _) => Precision::Month,
            (Shape::Date | Shape::DateTime, 8, _) => Precision::Day,
            (Shape::Date, ..) => return None,
            (_, _, 2) => Precision::Hour,
            (_, _, 4) => Precision::Minute,
            (_, _, 6) => Precision::Second,
            (_, _, 9) => Precision::Fraction,
            _ => return None,
        };
        let mut it = *self;
        if it.precision < Precision::Month {
            it.month = if high { 12 } else { 1 };
        }
        if it.precision < Precision::Day {
            it.day = if high { days_in_month(it.year, it.month) } else { 1 };
        }
        if it.precision < Precision::Hour {
            it.hour = if high { 23 } else { 0 };
        }
        if it.precision < Precision::Minute {
            it.minute = if high { 59 } else { 0 };
        }
        if it.precision < Precision::Second {
            it.second = if high { 59 } else { 0 };
        }
        if it.digits < 9 && high {
            let open = 10u32.pow(9 - u32::from(it.digits));
            it.nanos += open - 1;
        }
        it.nanos = it.nanos / 1_000_000 * 1_000_000;
        it.digits = if precision == Precision::Fraction { 3 } else { 0 };
        it.precision = precision;
        if it.shape == Shape::DateTime {
            it.offset = match (precision >= Precision::Hour, self.offset) {
                (false, _) => None,
                (true, Some(said)) => Some(said),
                // The zone was not said: the earliest place on earth is at +14:00, the latest at -12:00.
                (true, None) => Some(if high { -12 * 60 } else { 14 * 60 }),
            };
        }
        Some(it)
    }
}

impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shape != Shape::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if !self.has_clock() {
                return Ok(());
            }
            f.write_str("T")?;
        }
        write!(f, "{:02}", self.hour)?;
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision == Precision::Fraction {
            let digits = usize::from(self.digits);
            write!(f, ".{:0digits$}", self.nanos / 10u32.pow(9 - u32::from(self.digits)))?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

fn number(bytes: &[u8], from: usize, length: usize) -> Option<u32> {
    let digits = bytes.get(from..from + length)?;
    digits.iter().try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

/// Two digits that follow a separator.
fn after(bytes: &[u8], at: usize, separator: u8) -> Option<u8> {
    (bytes.get(at) == Some(&separator)).then(|| number(bytes, at + 1, 2)).flatten().map(|it| it as u8)
}

fn parse_offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 {
        return None;
    }
    let minutes = number(bytes, 1, 2)? as i16 * 60 + i16::from(after(bytes, 3, b':')?);
    (minutes <= 14 * 60).then_some(if bytes[0] == b'-' { -minutes } else { minutes })
}

fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The last day of 9999 and the first of year 0 bound what a FHIR date can say.
fn within_calendar(day: i64) -> Option<i64> {
    (days_from_civil(0, 1, 1)..=days_from_civil(9999, 12, 31)).contains(&day).then_some(day)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u8;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u8;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
