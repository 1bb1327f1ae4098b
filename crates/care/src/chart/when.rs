//! When something happened, as precisely as it is known, and how old someone is. A date without a day
//! stays without one: nothing is invented. Times are shown as they were written, in the offset they
//! carry. Staff read `dd-Mmm-yyyy` whatever the language, which cannot be misread.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Year,
    Month,
    Day,
    Time,
}

/// A FHIR date, dateTime or instant (FHIR R4, 2.24.0.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The first day it may be.
    date: Date,
    time: Time,
    precision: Precision,
    /// Its first moment, in milliseconds since 1970 UTC; local times without offset are taken as UTC.
    at: i64,
}

/// How far a day lies from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    Today,
    Yesterday,
    Tomorrow,
    Past(i64, Unit),
    Ahead(i64, Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Unit::Days => "day",
            Unit::Weeks => "week",
            Unit::Months => "month",
            Unit::Years => "year",
        }
    }
}

impl When {
    pub fn parse(text: &str) -> Option<When> {
        let text = text.trim();
        let (day, clock) = match text.split_once('T') {
            Some((day, clock)) => (day, Some(clock)),
            None => (text, None),
        };
        let mut parts = day.split('-');
        let year: i16 = parts.next().filter(|it| it.len() == 4)?.parse().ok()?;
        let month = parts.next().map(str::parse::<i8>).transpose().ok()?;
        let number = parts.next().map(str::parse::<i8>).transpose().ok()?;
        if parts.next().is_some() {
            return None;
        }
        let date = Date::new(year, month.unwrap_or(1), number.unwrap_or(1)).ok()?;
        let midnight = date.to_datetime(Time::midnight());
        let ms = |datetime: jiff::civil::DateTime| {
            datetime.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|it| it.timestamp().as_millisecond())
        };
        let precision = match (month, number, clock) {
            (None, ..) => Precision::Year,
            (_, None, _) => Precision::Month,
            (.., None) => Precision::Day,
            (.., Some(clock)) => {
                let (clock, offset) = split_offset(clock)?;
                let time: Time =
                    if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() }.parse().ok()?;
                let at = ms(date.to_datetime(time))? - offset * 60_000;
                return Some(When { date, time, precision: Precision::Time, at });
            }
        };
        Some(When { date, time: Time::midnight(), precision, at: ms(midnight)? })
    }

    /// The moment `micros` microseconds after 1970, UTC.
    pub fn of_micros(micros: i64) -> When {
        let zoned =
            Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(jiff::tz::TimeZone::UTC);
        When { date: zoned.date(), time: zoned.time(), precision: Precision::Time, at: micros.div_euclid(1000) }
    }

    /// Milliseconds since 1970 UTC of its first moment: for order and for axes.
    pub fn at(&self) -> i64 {
        self.at
    }

    pub fn year(&self) -> i16 {
        self.date.year()
    }

    /// `1970-05`, as far as it is known.
    pub fn year_and_month(&self) -> (i16, Option<i8>) {
        (self.date.year(), (self.precision > Precision::Year).then(|| self.date.month()))
    }

    /// `09-May-1970`, `May-1970` or `1970`.
    pub fn date(&self) -> String {
        let month = MONTHS[(self.date.month() - 1) as usize];
        match self.precision {
            Precision::Year => format!("{:04}", self.date.year()),
            Precision::Month => format!("{month}-{:04}", self.date.year()),
            Precision::Day | Precision::Time => {
                format!("{:02}-{month}-{:04}", self.date.day(), self.date.year())
            }
        }
    }

    /// `14:05`.
    pub fn time_of_day(&self) -> String {
        format!("{:02}:{:02}", self.time.hour(), self.time.minute())
    }

    /// `14:05:07`: for what happened a moment ago.
    pub fn time(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.time.hour(), self.time.minute(), self.time.second())
    }

    /// `09-May-1970 14:05` where the time is known, else the date.
    pub fn date_and_time(&self) -> String {
        match self.precision {
            Precision::Time => format!("{} {:02}:{:02}", self.date(), self.time.hour(), self.time.minute()),
            _ => self.date(),
        }
    }

    /// For the `datetime` attribute of HTML: `1970-05-09`.
    pub fn machine(&self) -> String {
        match self.precision {
            Precision::Year => format!("{:04}", self.date.year()),
            Precision::Month => format!("{:04}-{:02}", self.date.year(), self.date.month()),
            Precision::Day | Precision::Time => self.date.to_string(),
        }
    }

    pub fn is_whole_day(&self) -> bool {
        self.precision >= Precision::Day
    }

    /// How many days before another it was; nothing when the day is not known, or when it is after.
    pub(crate) fn days_before(&self, day: Date) -> Option<i64> {
        let days = i64::from((day - self.date).get_days());
        (self.is_whole_day() && days >= 0).then_some(days)
    }

    /// How long ago: `today`, `3 days ago`, `5 months ago`, `in 2 weeks`.
    pub fn ago(&self, now: i64) -> String {
        let told = |count: i64, unit: Unit| format!("{count} {}{}", unit.word(), if count == 1 { "" } else { "s" });
        match self.distance(now) {
            Distance::Today => "today".into(),
            Distance::Yesterday => "yesterday".into(),
            Distance::Tomorrow => "tomorrow".into(),
            Distance::Past(count, unit) => format!("{} ago", told(count, unit)),
            Distance::Ahead(count, unit) => format!("in {}", told(count, unit)),
        }
    }

    /// How far the day lies from today, in the largest unit that says enough.
    pub fn distance(&self, now: i64) -> Distance {
        let today = When::of_micros(now).date;
        let days = i64::from((today - self.date).get_days());
        let (size, past) = (days.abs(), days >= 0);
        let (count, unit) = match size {
            0 => return Distance::Today,
            1 => return if past { Distance::Yesterday } else { Distance::Tomorrow },
            2..=13 => (size, Unit::Days),
            14..=60 => (size / 7, Unit::Weeks),
            61..=729 => ((size + 1) * 12 / 365, Unit::Months),
            // A day more, since some years are shorter than the average.
            _ => ((size + 1) * 100 / 36525, Unit::Years),
        };
        if past { Distance::Past(count, unit) } else { Distance::Ahead(count, unit) }
    }
}

/// `14:05:00.000+02:00` → (`14:05:00.000`, 120).
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = clock.rfind(['+', '-']) else { return Some((clock, 0)) };
    let (hours, minutes) = clock[at + 1..].split_once(':')?;
    let size = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    Some((&clock[..at], if clock.as_bytes()[at] == b'-' { -size } else { size }))
}

/// How old someone is at a moment (milliseconds since 1970), in the unit in which people of that age are
/// spoken of: under 2 days in hours, under 4 weeks in days, under half a year in weeks, under a year in
/// months, under 18 years in years and months, then in years. Without a full date of birth it says so.
pub fn age(born: &When, at: i64) -> String {
    if !born.is_whole_day() {
        let years = ((at - born.at) / DAY * 100 / 36525).max(0);
        return format!("about {years} y");
    }
    let elapsed = (at - born.at).max(0);
    let today = When::of_micros(at * 1000).date;
    let days = elapsed / DAY;
    if elapsed < 2 * DAY {
        return match born.precision {
            Precision::Time => format!("{} h", elapsed / HOUR),
            _ if days == 0 => "under 1 d".into(),
            _ => format!("{days} d"),
        };
    }
    if days < 28 {
        return format!("{days} d");
    }
    let months = born.date.until((jiff::Unit::Month, today)).map_or(0, |span| i64::from(span.get_months()));
    let months = if born.date > today { 0 } else { months };
    match months {
        0..=5 => format!("{} w", days / 7),
        6..=11 => format!("{months} m"),
        12..=215 if months % 12 == 0 => format!("{} y", months / 12),
        12..=215 => format!("{} y {} m", months / 12, months % 12),
        _ => format!("{} y", months / 12),
    }
}

/// How long a stay or a course took: `3 d`, `2 h`, `25 min`.
pub(crate) fn length(from: &When, to: &When) -> Option<String> {
    if from.precision != Precision::Time || to.precision != Precision::Time || to.at < from.at {
        return None;
    }
    let minutes = (to.at - from.at) / 60_000;
    Some(match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> When {
        When::parse(text).unwrap_or_else(|| panic!("{text} is a date"))
    }

    #[test]
    fn a_date_shows_what_is_known_of_it() {
        let check = |text: &str, shown: &str| assert_eq!(when(text).date_and_time(), shown);
        check("1970", "1970");
        check("1970-05", "May-1970");
        check("1970-05-09", "09-May-1970");
        check("2020-02-29T23:30:00-08:00", "29-Feb-2020 23:30");
        check("2020-02-29T23:30:00.123Z", "29-Feb-2020 23:30");
        check("2020-02-29T23:30Z", "29-Feb-2020 23:30");
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in ["", "yesterday", "1970-13", "1970-02-30", "70-01-01", "1970-01-01-01", "1970-01-01T25:00:00Z"] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_ordered_across_offsets() {
        assert!(when("2020-01-01T00:30:00+02:00").at() < when("2020-01-01T00:00:00Z").at());
        assert_eq!(when("1970-01-02").at(), DAY);
        assert_eq!(When::of_micros(DAY * 1000).date(), "02-Jan-1970");
    }

    #[test]
    fn an_age_is_told_in_the_unit_people_of_that_age_are_spoken_of() {
        let check = |born: &str, at: &str, shown: &str| assert_eq!(age(&when(born), when(at).at()), shown, "{born}");
        check("2026-06-01T04:00:00Z", "2026-06-01T09:30:00Z", "5 h");
        check("2026-06-01T04:00:00Z", "2026-06-03T03:30:00Z", "47 h");
        check("2026-06-01", "2026-06-01T09:30:00Z", "under 1 d");
        check("2026-06-01", "2026-06-03", "2 d");
        check("2026-06-01", "2026-06-28", "27 d");
        check("2026-06-01", "2026-06-29", "4 w");
        check("2026-01-01", "2026-06-29", "25 w");
        check("2026-01-01", "2026-07-01", "6 m");
        check("2025-06-02", "2026-06-01", "11 m");
        check("2025-06-01", "2026-06-01", "1 y");
        check("2020-01-15", "2026-06-14", "6 y 4 m");
        check("2008-06-02", "2026-06-01", "17 y 11 m");
        check("2008-06-01", "2026-06-01", "18 y");
        check("1920-02-29", "2026-02-28", "105 y");
        check("1970", "2026-06-01", "about 56 y");
        check("2030-01-01", "2026-06-01", "under 1 d");
    }

    #[test]
    fn how_long_ago_is_told_roughly() {
        let now = when("2026-06-15").at() * 1000;
        let check = |text: &str, shown: &str| assert_eq!(when(text).ago(now), shown);
        check("2026-06-15", "today");
        check("2026-06-14", "yesterday");
        check("2026-06-16", "tomorrow");
        check("2026-06-10", "5 days ago");
        check("2026-05-15", "4 weeks ago");
        check("2025-12-15", "6 months ago");
        check("2020-06-15", "6 years ago");
        check("2026-06-30", "in 2 weeks");
    }

    #[test]
    fn the_length_of_a_stay_needs_both_times() {
        let check = |from: &str, to: &str, shown: Option<&str>| {
            assert_eq!(length(&when(from), &when(to)).as_deref(), shown);
        };
        check("2026-06-01T09:00:00Z", "2026-06-01T09:25:00Z", Some("25 min"));
        check("2026-06-01T09:00:00Z", "2026-06-02T08:00:00Z", Some("23 h"));
        check("2026-06-01T09:00:00Z", "2026-06-05T10:00:00Z", Some("4 d"));
        check("2026-06-01", "2026-06-05", None);
        check("2026-06-02T09:00:00Z", "2026-06-01T09:00:00Z", None);
    }
}
