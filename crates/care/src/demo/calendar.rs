//! Days and moments of a demo life. A day is a number, so that comparing and adding are plain arithmetic; moments
//! are written in the local time of the invented county (US Eastern), with daylight saving.

use jiff::civil::Date;

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) i32);

impl Day {
    pub(super) fn of(date: Date) -> Day {
        Day::ymd(i32::from(date.year()), i32::from(date.month()), i32::from(date.day()))
    }

    /// Days from the civil calendar (proleptic Gregorian; years begin in March so that leap days come last).
    pub(super) fn ymd(year: i32, month: i32, day: i32) -> Day {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Day(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    pub(super) fn civil(self) -> (i32, i32, i32) {
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let of_era = z.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (year + era * 400 + i32::from(month <= 2), month, day)
    }

    pub(super) fn plus(self, days: i32) -> Day {
        Day(self.0 + days)
    }

    pub(super) fn plus_years(self, years: f64) -> Day {
        Day(self.0 + (years * 365.25) as i32)
    }

    pub(super) fn since(self, earlier: Day) -> i32 {
        self.0 - earlier.0
    }

    pub(super) fn years_since(self, earlier: Day) -> f64 {
        f64::from(self.0 - earlier.0) / 365.25
    }

    /// 0 is Monday.
    fn weekday(self) -> i32 {
        (self.0 + 3).rem_euclid(7)
    }

    /// The same day, or the next on which a clinic is open: no weekends, no great holidays.
    pub(super) fn workday(self) -> Day {
        let (_, month, day) = self.civil();
        match (self.weekday(), (month, day)) {
            (5, _) => self.plus(2).workday(),
            (6, _) | (_, (1, 1) | (7, 4) | (12, 25)) => self.plus(1).workday(),
            _ => self,
        }
    }

    pub(super) fn year(self) -> i32 {
        self.civil().0
    }

    pub(super) fn month(self) -> i32 {
        self.civil().1
    }

    pub(super) fn iso(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    pub(super) fn at(self, minute: i32) -> Moment {
        Moment { day: self, minute }.tidy()
    }

    /// Daylight saving in the United States: second Sunday of March to first Sunday of November.
    fn is_summer(self) -> bool {
        let year = self.year();
        let sunday_from = |first: Day| first.plus((6 - first.weekday()).rem_euclid(7));
        self >= sunday_from(Day::ymd(year, 3, 8)) && self < sunday_from(Day::ymd(year, 11, 1))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) day: Day,
    pub(super) minute: i32,
}

impl Moment {
    fn tidy(self) -> Moment {
        Moment { day: self.day.plus(self.minute.div_euclid(1_440)), minute: self.minute.rem_euclid(1_440) }
    }

    pub(super) fn plus_minutes(self, minutes: i32) -> Moment {
        Moment { day: self.day, minute: self.minute + minutes }.tidy()
    }

    pub(super) fn iso(self) -> String {
        let zone = if self.day.is_summer() { "-04:00" } else { "-05:00" };
        format!("{}T{:02}:{:02}:00{zone}", self.day.iso(), self.minute / 60, self.minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_the_civil_calendar() {
        for offset in (-40_000..40_000).step_by(37) {
            let (year, month, day) = Day(offset).civil();
            assert_eq!(Day::ymd(year, month, day), Day(offset));
            let date = Date::new(year as i16, month as i8, day as i8).expect("a real date");
            assert_eq!(date.to_string(), Day(offset).iso());
            assert_eq!(i32::from(date.weekday().to_monday_zero_offset()), Day(offset).weekday());
        }
    }

    #[test]
    fn clocks_change_in_march_and_november() {
        assert_eq!(Day::ymd(2024, 3, 9).at(600).iso(), "2024-03-09T10:00:00-05:00");
        assert_eq!(Day::ymd(2024, 3, 10).at(600).iso(), "2024-03-10T10:00:00-04:00");
        assert_eq!(Day::ymd(2024, 11, 2).at(1_450).iso(), "2024-11-03T00:10:00-05:00");
    }
}
