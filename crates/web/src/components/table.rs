//! Tables of administration: the first cell names the row; where there is no room for columns each cell is
//! shown under its own label.

use crate::locale::Words;
use maud::{Markup, html};

/// `heads` has one name for each cell of a row. A head that is empty is a column of actions.
pub(crate) fn table(words: &Words, caption: &str, heads: &[&str], rows: Vec<Vec<Markup>>) -> Markup {
    html! {
        table.rows.labelled {
            caption { (caption) }
            thead { tr { @for head in heads {
                th scope="col" { @if head.is_empty() { span.spoken { (words.say("common-actions")) } } @else { (head) } }
            } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (at, cell) in row.into_iter().enumerate() {
                            @if at == 0 { th scope="row" { (cell) } }
                            @else { td data-label=(heads.get(at).copied().unwrap_or_default()) { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// A moment, to the minute, for those who administer.
pub(crate) fn moment(micros: i64) -> Markup {
    let when = care::chart::When::of_micros(micros);
    html! { time datetime=(machine(micros)) { (when.date_and_time()) } }
}

/// A moment and how long ago it was.
pub(crate) fn moment_ago(words: &Words, micros: i64, now: i64) -> Markup {
    html! { (moment(micros)) " " span.quiet { (lapse(words, now - micros)) } }
}

/// `just now`, `5 minutes ago`, `3 days ago`.
pub(crate) fn lapse(words: &Words, micros: i64) -> String {
    let minutes = micros / 60_000_000;
    let (count, key) = match minutes {
        ..=0 => return words.say("common-just-now"),
        1..60 => (minutes, "common-minutes-ago"),
        60..2_880 => (minutes / 60, "common-hours-ago"),
        _ => (minutes / 1_440, "common-days-ago"),
    };
    words.with(key, &[("count", count.into())])
}

/// `12 minutes`, `2 hours`: how long something still takes; never nothing.
pub(crate) fn remaining(words: &Words, micros: i64) -> String {
    let minutes = (micros + 59_999_999) / 60_000_000;
    let (count, key) = match minutes.max(1) {
        minutes @ 1..120 => (minutes, "common-minutes"),
        minutes => ((minutes + 59) / 60, "common-hours"),
    };
    words.with(key, &[("count", count.into())])
}

fn machine(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The browser and system of a user agent string in two words; the string itself says nothing to people.
pub(crate) fn device(words: &Words, agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "Chromebook"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| table.iter().find(|(it, _)| agent.contains(it)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => {
            words.with("common-device", &[("browser", browser.into()), ("system", system.into())])
        }
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => words.say("common-device-unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    #[test]
    fn a_device_is_told_in_two_words() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36";
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1";
        assert_eq!(device(Locale::English.words(), chrome), "Chrome on Linux");
        assert_eq!(device(Locale::English.words(), phone), "Safari on iPhone");
        assert_eq!(device(Locale::English.words(), ""), "Unknown device");
    }

    #[test]
    fn times_are_told_in_the_largest_fitting_unit() {
        const MINUTE: i64 = 60_000_000;
        let words = Locale::English.words();
        assert_eq!(lapse(words, 10), "just now");
        assert_eq!(lapse(words, MINUTE), "1 minute ago");
        assert_eq!(lapse(words, 90 * MINUTE), "1 hour ago");
        assert_eq!(lapse(words, 3 * 1_440 * MINUTE), "3 days ago");
        assert_eq!(remaining(words, MINUTE + 1), "2 minutes");
        assert_eq!(remaining(words, -5), "1 minute");
        assert_eq!(remaining(words, 150 * MINUTE), "3 hours");
    }
}
