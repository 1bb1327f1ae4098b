//! What someone meant by the words typed into the search box: parts of a name, a date of birth in any of
//! the forms people write, a record number, a phone number. A word that may be two things is tried as both.

use crate::ask::escaped;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The words sorted by what they may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub names: Vec<String>,
    /// FHIR dates; one of them must be the date of birth.
    pub born: Vec<String>,
    /// Record or phone numbers, as typed.
    pub numbers: Vec<String>,
    /// Four digits that may be a year of birth or a number.
    pub year_or_number: Option<String>,
}

impl Terms {
    pub fn of(text: &str, this_year: i16) -> Terms {
        // A comma after a family name or a day separates like a space.
        let words: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|it| !it.is_empty()).collect();
        let mut terms = Terms::default();
        let mut at = 0;
        while at < words.len() {
            let longest = (words.len() - at).min(4);
            // The longest run of words that reads as a date or a phone number wins.
            let dated =
                (1..=longest.min(3)).rev().find_map(|n| Some((n, dates(&words[at..at + n].join(" "), this_year)?)));
            let phone = (2..=longest).rev().find(|n| is_phone(&words[at..at + n].join("")));
            let word = words[at];
            // `MRN 123`: the label alone says nothing.
            if word.trim_end_matches([':', '#']).eq_ignore_ascii_case("mrn") {
                at += 1;
                continue;
            }
            if let Some(n) = phone.filter(|_| dated.is_none()) {
                terms.numbers.push(words[at..at + n].join(""));
                at += n;
                continue;
            }
            match dated {
                Some((1, born)) if born == [word] && word.len() == 4 => terms.year_or_number = Some(word.to_owned()),
                Some((n, born)) => {
                    terms.born = born;
                    at += n;
                    continue;
                }
                None => match without_label(word) {
                    Some(number) => terms.numbers.push(number.to_owned()),
                    None if word.chars().any(|c| c.is_ascii_digit()) => terms.numbers.push(word.to_owned()),
                    None => terms.names.push(word.to_owned()),
                },
            }
            at += 1;
        }
        terms
    }

    pub fn is_empty(&self) -> bool {
        *self == Terms::default()
    }

    /// The searches that together mean this: within one all parameters hold, and a hit of any will do.
    pub fn searches(&self) -> Vec<Vec<(&'static str, String)>> {
        let mut base: Vec<(&'static str, String)> = self.names.iter().map(|it| ("name", escaped(it))).collect();
        if !self.born.is_empty() {
            base.push(("birthdate", self.born.join(",")));
        }
        let mut searches = vec![base];
        for number in &self.numbers {
            searches =
                both(&searches, ("identifier", identifier_forms(number)), phone_forms(number).map(|it| ("phone", it)));
        }
        if let Some(year) = &self.year_or_number {
            searches = both(&searches, ("birthdate", year.clone()), Some(("identifier", identifier_forms(year))));
        }
        searches
    }

    /// The same with names that merely contain the words, for when no name starts with them.
    pub fn wider(&self) -> Option<Vec<Vec<(&'static str, String)>>> {
        if self.names.iter().all(|it| it.chars().count() < 2) {
            return None;
        }
        let widen = |(name, value)| (if name == "name" { "name:contains" } else { name }, value);
        Some(self.searches().into_iter().map(|it| it.into_iter().map(widen).collect()).collect())
    }
}

type Parameters = Vec<(&'static str, String)>;

fn both(
    searches: &[Parameters],
    one: (&'static str, String),
    other: Option<(&'static str, String)>,
) -> Vec<Parameters> {
    let with = |more: &(&'static str, String)| {
        searches.iter().map(|it| it.iter().cloned().chain([more.clone()]).collect()).collect::<Vec<Parameters>>()
    };
    let mut all = with(&one);
    all.extend(other.iter().flat_map(with));
    all
}

/// `mrn:123`, `#123` → `123`.
fn without_label(word: &str) -> Option<&str> {
    let lower = word.to_ascii_lowercase();
    let rest = if lower.starts_with("mrn") { &word[3..] } else { word.strip_prefix('#')? };
    let rest = rest.trim_start_matches([':', '#', '=']);
    rest.chars().any(|c| c.is_ascii_digit()).then_some(rest)
}

fn identifier_forms(number: &str) -> String {
    let mut forms = vec![number.to_owned(), number.to_uppercase()];
    forms.dedup();
    forms.iter().map(|it| escaped(it)).collect::<Vec<_>>().join(",")
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_phone(text: &str) -> bool {
    (7..=15).contains(&digits(text).len()) && text.chars().all(|c| c.is_ascii_digit() || "()+-. ".contains(c))
}

/// A phone number is found in the usual ways of writing it, since it is kept as it was received.
fn phone_forms(number: &str) -> Option<String> {
    let all = digits(number);
    if !is_phone(number) {
        return None;
    }
    let mut forms = vec![number.to_owned(), all.clone()];
    let local = if all.len() == 11 { all.strip_prefix('1').unwrap_or(&all) } else { &all };
    if let (10, true) = (local.len(), local.is_ascii()) {
        let (area, exchange, line) = (&local[..3], &local[3..6], &local[6..]);
        forms.extend([
            local.to_owned(),
            format!("{area}-{exchange}-{line}"),
            format!("({area}) {exchange}-{line}"),
            format!("({area}){exchange}-{line}"),
            format!("{area}.{exchange}.{line}"),
            format!("{area} {exchange} {line}"),
            format!("+1{local}"),
            format!("+1-{area}-{exchange}-{line}"),
            format!("+1 {area}-{exchange}-{line}"),
            format!("+1 ({area}) {exchange}-{line}"),
            format!("1-{area}-{exchange}-{line}"),
        ]);
    } else if local.len() == 7 {
        forms.push(format!("{}-{}", &local[..3], &local[3..]));
    }
    forms.sort();
    forms.dedup();
    Some(forms.iter().map(|it| escaped(it)).collect::<Vec<_>>().join(","))
}

/// The FHIR dates a text may mean; month before day, as forms in the United States have it, unless
/// that is no date.
fn dates(text: &str, this_year: i16) -> Option<Vec<String>> {
    let lower = text.to_ascii_lowercase();
    if lower.len() == 8 && lower.bytes().all(|b| b.is_ascii_digit()) {
        return day(&lower[..4], &lower[4..6], &lower[6..], this_year).map(|it| vec![it]);
    }
    if lower.len() == 4 && lower.bytes().all(|b| b.is_ascii_digit()) {
        return year(&lower, this_year).map(|it| vec![format!("{it:04}")]);
    }
    let parts = parts(&lower)?;
    let named = |part: &str| {
        let at = MONTHS.iter().position(|month| part.len() >= 3 && part.starts_with(month))?;
        let full = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ][at];
        (full.starts_with(part) || part == "sept").then(|| format!("{:02}", at + 1))
    };
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [y, m, d] if y.len() == 4 && number(m) && number(d) => day(y, m, d, this_year).map(|it| vec![it]),
        [a, b, y] if number(a) && number(b) && number(y) => {
            let american = day(y, a, b, this_year);
            american.or_else(|| day(y, b, a, this_year)).map(|it| vec![it])
        }
        [d, m, y] if number(d) && named(m).is_some() => day(y, &named(m)?, d, this_year).map(|it| vec![it]),
        [m, d, y] if named(m).is_some() && number(d) => day(y, &named(m)?, d, this_year).map(|it| vec![it]),
        [m, y] if named(m).is_some() && y.len() == 4 => Some(vec![format!("{:04}-{}", year(y, this_year)?, named(m)?)]),
        [m, y] if number(m) && number(y) && m.len() <= 2 && y.len() == 4 => month(y, m, this_year).map(|it| vec![it]),
        [y, m] if number(m) && number(y) && m.len() <= 2 && y.len() == 4 => month(y, m, this_year).map(|it| vec![it]),
        _ => None,
    }
}

/// Splits at `-`, `/`, `.`, spaces, and between letters and digits (`9may1970`); a trailing `th` of a day goes.
fn parts(lower: &str) -> Option<Vec<String>> {
    let mut parts: Vec<String> = vec![String::new()];
    for c in lower.chars() {
        let last = parts.last_mut().expect("never empty");
        match c {
            '-' | '/' | '.' | ' ' if !last.is_empty() => parts.push(String::new()),
            '-' | '/' | '.' | ' ' => {}
            c if c.is_ascii_alphanumeric() => {
                let switches = last.chars().last().is_some_and(|it| it.is_ascii_digit() != c.is_ascii_digit());
                if switches {
                    parts.push(String::new());
                }
                parts.last_mut().expect("never empty").push(c);
            }
            _ => return None,
        }
    }
    parts.retain(|it| !it.is_empty() && !matches!(it.as_str(), "st" | "nd" | "rd" | "th"));
    (2..=3).contains(&parts.len()).then_some(parts)
}

fn year(text: &str, this_year: i16) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    match text.len() {
        4 => (1880..=this_year).contains(&year).then_some(year),
        2 if year > this_year % 100 => Some(this_year / 100 * 100 - 100 + year),
        2 => Some(this_year / 100 * 100 + year),
        _ => None,
    }
}

fn month(y: &str, m: &str, this_year: i16) -> Option<String> {
    let number: i8 = m.parse().ok()?;
    (1..=12).contains(&number).then_some(())?;
    Some(format!("{:04}-{number:02}", year(y, this_year)?))
}

fn day(y: &str, m: &str, d: &str, this_year: i16) -> Option<String> {
    if m.len() > 2 || d.len() > 2 {
        return None;
    }
    let date = jiff::civil::Date::new(year(y, this_year)?, m.parse().ok()?, d.parse().ok()?).ok()?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Terms {
        Terms::of(text, 2026)
    }

    #[test]
    fn a_date_of_birth_is_read_in_every_form_people_write() {
        for text in [
            "1970-05-09",
            "1970/5/9",
            "05/09/1970",
            "5-9-1970",
            "05.09.1970",
            "5/9/70",
            "9 May 1970",
            "09-May-1970",
            "9may1970",
            "May 9 1970",
            "May 9, 1970",
            "may 9th 1970",
            "19700509",
        ] {
            assert_eq!(terms(text).born, ["1970-05-09"], "{text}");
            assert_eq!(terms(text).names, Vec::<String>::new(), "{text}");
        }
        assert_eq!(terms("25/12/1970").born, ["1970-12-25"]);
        assert_eq!(terms("May 1970").born, ["1970-05"]);
        assert_eq!(terms("05/1970").born, ["1970-05"]);
        assert_eq!(terms("1/2/26").born, ["2026-01-02"]);
        assert_eq!(terms("1/2/27").born, ["1927-01-02"]);
    }

    #[test]
    fn names_and_dates_go_together_in_any_order() {
        let check = |text: &str, names: &[&str], born: &[&str]| {
            let terms = terms(text);
            assert_eq!((terms.names.as_slice(), terms.born.as_slice()), (names.map(), born.map()), "{text}");
        };
        check("Okafor, Amara 9 May 1970", &["Okafor", "Amara"], &["1970-05-09"]);
        check("05/09/1970 okafor", &["okafor"], &["1970-05-09"]);
        check("May Smith", &["May", "Smith"], &[]);
        check("O'Brien-Núñez", &["O'Brien-Núñez"], &[]);
    }

    trait Owned {
        fn map(&self) -> &[String];
    }
    impl Owned for &[&str] {
        fn map(&self) -> &[String] {
            let owned: Vec<String> = self.iter().map(|it| (*it).to_owned()).collect();
            Box::leak(owned.into_boxed_slice())
        }
    }

    #[test]
    fn four_digits_may_be_a_year_or_a_number() {
        assert_eq!(
            terms("smith 1970").searches(),
            [
                vec![("name", "smith".to_owned()), ("birthdate", "1970".to_owned())],
                vec![("name", "smith".to_owned()), ("identifier", "1970".to_owned())],
            ]
        );
        assert_eq!(terms("2500").numbers, ["2500"]);
    }

    #[test]
    fn a_number_is_looked_for_among_identifiers_and_phones() {
        for text in ["mrn:r-77", "MRN r-77", "mrn: r-77", "#r-77"] {
            assert_eq!(terms(text).numbers, ["r-77"], "{text}");
            assert_eq!(terms(text).names, Vec::<String>::new(), "{text}");
        }
        assert_eq!(terms("#77").searches(), [vec![("identifier", "77".to_owned())]]);
        assert_eq!(terms("r-77").searches(), [vec![("identifier", "r-77,R-77".to_owned())]]);
        for text in ["5555550101", "(555) 555-0101", "555 555 0101", "+1 555-555-0101", "555.555.0101"] {
            let searches = terms(text).searches();
            let phone = searches.iter().flatten().find(|(name, _)| *name == "phone").expect(text);
            assert!(phone.1.split(',').any(|it| it == "555-555-0101"), "{text}: {phone:?}");
        }
    }

    #[test]
    fn what_is_typed_cannot_add_to_the_query() {
        assert_eq!(terms("a|b$c\\").searches(), [vec![("name", "a\\|b\\$c\\\\".to_owned())]]);
        assert!(terms("  , ").is_empty());
    }

    #[test]
    fn when_no_name_starts_with_a_word_it_may_lie_within() {
        assert_eq!(terms("mara").wider(), Some(vec![vec![("name:contains", "mara".to_owned())]]));
        assert_eq!(terms("m").wider(), None);
        assert_eq!(terms("1970-05-09").wider(), None);
    }
}
