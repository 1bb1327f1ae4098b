//! Patients by what is known of them (screen C-21): a question made of age, sex, a condition, a drug, and the last value
//! of a measurement, asked anew each time; and the panel of one clinician. Whoever asks learns of nobody whom they may
//! not see. Each part becomes a search of FHIR (R4, 3.1.1, `_has`); only the last value is looked up for each patient.

use crate::ask::{self, Rows};
use crate::chart::element::Names;
use crate::chart::{Measured, Reading, When};
use crate::people::Person;
use fhir::{Id, Key};
use serde::{Deserialize, Serialize};
use store::{Caller, Store, StoreResult};

/// How many patients a cohort shows at most.
pub const MOST: usize = 500;
/// How many are looked at before the last value decides.
const LOOKED_AT: u32 = 2_000;

/// What is asked. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// Years, from and to, both included.
    pub from: String,
    pub to: String,
    /// `female`, `male`, `other`, `unknown`.
    pub sex: String,
    /// A code (`E11.9`) or the beginning of what the condition is called.
    pub condition: String,
    /// The same for a drug.
    pub drug: String,
    /// LOINC code of a measurement, how its last value compares, and with what.
    pub test: String,
    pub compare: String,
    pub value: String,
}

/// How a last value compares: (word in addresses, drawn)
pub const COMPARED: [(&str, &str); 4] = [("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")];

/// One patient of a cohort, with the value that put them there.
#[derive(Clone, Debug)]
pub struct Found {
    pub person: Person,
    pub last: Option<Last>,
}

#[derive(Clone, Debug)]
pub struct Last {
    pub shown: String,
    pub when: Option<When>,
}

#[derive(Clone, Debug, Default)]
pub struct Cohort {
    pub found: Vec<Found>,
    /// There are more than were looked at.
    pub more: bool,
    /// The caller may not look at what the question is about.
    pub refused: bool,
}

impl Question {
    pub fn is_empty(&self) -> bool {
        *self == Question { compare: self.compare.clone(), ..Question::default() }
    }

    /// As a search for patients.
    fn search(&self, now: i64) -> Vec<(&'static str, String)> {
        let mut asked: Vec<(&'static str, String)> = Vec::new();
        let today = When::of_micros(now).machine();
        let years_ago = |years: i64| -> Option<String> {
            let today: jiff::civil::Date = today.get(..10)?.parse().ok()?;
            Some(today.checked_sub(jiff::Span::new().years(years)).ok()?.to_string())
        };
        let number = |text: &str| text.trim().parse::<i64>().ok().filter(|it| (0..=130).contains(it));
        // Who is 40 was born no later than 40 years ago, and after 41 years ago.
        asked.extend(number(&self.from).and_then(years_ago).map(|day| ("birthdate", format!("le{day}"))));
        asked.extend(number(&self.to).and_then(|it| years_ago(it + 1)).map(|day| ("birthdate", format!("gt{day}"))));
        if ["female", "male", "other", "unknown"].contains(&self.sex.as_str()) {
            asked.push(("gender", self.sex.clone()));
        }
        for (code, words, said) in [
            ("_has:Condition:patient:code", "_has:Condition:patient:code:text", self.condition.trim()),
            ("_has:MedicationRequest:patient:code", "_has:MedicationRequest:patient:code:text", self.drug.trim()),
        ] {
            // Codes have digits and no spaces; words have not.
            let is_code = said.bytes().any(|b| b.is_ascii_digit()) && !said.contains(' ');
            if !said.is_empty() {
                asked.push((if is_code { code } else { words }, ask::escaped(said)));
            }
        }
        if !self.test.trim().is_empty() {
            asked.push(("_has:Observation:patient:code", ask::escaped(self.test.trim())));
        }
        asked.push(("_sort", "family,given,birthdate".to_owned()));
        asked
    }

    fn fits(&self, number: f64) -> bool {
        let Ok(limit) = self.value.trim().replace(',', ".").parse::<f64>() else { return true };
        match self.compare.as_str() {
            "gt" => number > limit,
            "le" => number <= limit,
            "lt" => number < limit,
            _ => number >= limit,
        }
    }
}

/// Everybody of whom the question holds, by name.
pub async fn of(store: &Store, caller: &Caller, question: &Question, now: i64) -> StoreResult<Cohort> {
    let limit = if question.test.trim().is_empty() { MOST as u32 } else { LOOKED_AT };
    let rows = Rows::or_refused(ask::matches(store, caller, "Patient", &question.search(now), limit).await)?;
    let mut cohort = Cohort { found: Vec::new(), more: rows.more, refused: rows.refused };
    for row in &rows.rows {
        if cohort.found.len() == MOST {
            cohort.more = true;
            break;
        }
        let person = Person::of(&row.value);
        if question.test.trim().is_empty() {
            cohort.found.push(Found { person, last: None });
            continue;
        }
        let Some(reading) = last(store, caller, &person.id, question.test.trim()).await? else { continue };
        let number = reading.number();
        if number.is_some_and(|it| question.fits(it)) || (number.is_none() && question.value.trim().is_empty()) {
            let last = Last { shown: reading.value.with_unit(), when: reading.when };
            cohort.found.push(Found { person, last: Some(last) });
        }
    }
    Ok(cohort)
}

/// The last reading of a test that counts.
async fn last(store: &Store, caller: &Caller, patient: &str, code: &str) -> StoreResult<Option<Reading>> {
    let asked =
        [("patient", format!("Patient/{patient}")), ("code", ask::escaped(code)), ("_sort", "-date".to_owned())];
    let rows = Rows::or_refused(ask::matches(store, caller, "Observation", &asked, 3).await)?;
    let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &Names::default()));
    let measured = |it: &Reading| it.counts() && !matches!(it.value, Measured::Missing(_));
    Ok(readings.into_iter().find(measured))
}

/// The patients of one clinician.
pub async fn panel(store: &Store, caller: &Caller, clinician: &Key) -> StoreResult<Cohort> {
    let asked = [("general-practitioner", clinician.to_string()), ("_sort", "family,given,birthdate".to_owned())];
    let rows = Rows::or_refused(ask::matches(store, caller, "Patient", &asked, MOST as u32).await)?;
    let found = rows.rows.iter().map(|it| Found { person: Person::of(&it.value), last: None }).collect();
    Ok(Cohort { found, more: rows.more, refused: rows.refused })
}

/// These patients, in the order of their names; who is not here any more, or may not be seen, is left out.
pub async fn these(store: &Store, caller: &Caller, ids: &[String]) -> StoreResult<Cohort> {
    let ids: Vec<Id> = ids.iter().filter_map(|it| Id::parse(it)).take(MOST).collect();
    let mut found: Vec<Found> = Vec::new();
    for some in ids.chunks(100) {
        let hits = crate::people::these(store, caller, some).await?;
        found.extend(hits.into_iter().map(|it| Found { person: it.person, last: None }));
    }
    found.sort_by_cached_key(|it| it.person.name());
    Ok(Cohort { found, more: false, refused: false })
}

/// Comma-separated values, as spreadsheets read them. Nothing in a cell is taken for a formula (OWASP, CSV injection).
pub fn csv(heads: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for cells in std::iter::once(heads.to_vec()).chain(rows) {
        let line: Vec<String> = cells.iter().map(|it| quoted(it)).collect();
        text.push_str(&line.join(","));
        text.push_str("\r\n");
    }
    text
}

/// What a spreadsheet may take for the beginning of a formula, in the widths that there are.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '＝', '＋', '－', '＠'];

/// One cell. What a terminal would obey and what turns the direction of text around is left out.
pub fn quoted(cell: &str) -> String {
    let unseen = |it: char| {
        let turns = matches!(it, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}' | '\u{FEFF}');
        turns || (it.is_control() && !matches!(it, '\t' | '\r' | '\n'))
    };
    let cell: String = cell.chars().filter(|it| !unseen(*it)).collect();
    let safe = if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// The name of a saved question, when nobody gave one: its parts, one after the other.
pub fn title(question: &Question) -> String {
    let compared = COMPARED.iter().find(|it| it.0 == question.compare).map_or("≥", |it| it.1);
    let test = match (question.test.trim(), question.value.trim()) {
        ("", _) => String::new(),
        (test, "") => test.to_owned(),
        (test, value) => format!("{test} {compared} {value}"),
    };
    let age = match (question.from.trim(), question.to.trim()) {
        ("", "") => String::new(),
        (from, to) => format!("{from}–{to}"),
    };
    let parts =
        [question.condition.trim().to_owned(), question.drug.trim().to_owned(), test, age, question.sex.clone()];
    parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_a_search() {
        let now = When::parse("2026-06-15").expect("a day").at() * 1_000;
        let question = Question {
            from: "40".into(),
            to: "65".into(),
            sex: "female".into(),
            condition: "E11.9".into(),
            drug: "metformin".into(),
            test: "4548-4".into(),
            ..Question::default()
        };
        let asked = question.search(now);
        let has = |name: &str, value: &str| asked.iter().any(|it| *it == (name, value.to_owned()));
        for (name, value) in [
            ("birthdate", "le1986-06-15"),
            ("birthdate", "gt1960-06-15"),
            ("gender", "female"),
            ("_has:Condition:patient:code", "E11.9"),
            ("_has:MedicationRequest:patient:code:text", "metformin"),
            ("_has:Observation:patient:code", "4548-4"),
        ] {
            assert!(has(name, value), "{name}={value} in {asked:?}");
        }
        let odd = Question { sex: "x|y".into(), from: "many".into(), ..Question::default() };
        assert_eq!(odd.search(now).len(), 1, "what is no answer is not asked");
    }

    #[test]
    fn a_last_value_is_compared_as_it_was_asked() {
        let asked = |compare: &str| Question { compare: compare.into(), value: "9,0".into(), ..Question::default() };
        assert!(asked("ge").fits(9.0) && !asked("gt").fits(9.0) && asked("le").fits(9.0) && !asked("lt").fits(9.0));
        assert_eq!(title(&Question { test: "4548-4".into(), ..asked("lt") }), "4548-4 < 9,0");
    }

    #[test]
    fn no_cell_is_taken_for_a_formula() {
        let rows = vec![vec!["=HYPERLINK(\"x\")".to_owned(), "a,b".to_owned()], vec!["+1".to_owned(), "-".to_owned()]];
        let text = csv(&["Name".into(), "More".into()], rows.into_iter());
        assert_eq!(text, "Name,More\r\n\"'=HYPERLINK(\"\"x\"\")\",\"a,b\"\r\n'+1,'-\r\n");
    }

    /// Family 13 of what is sent to do harm: what stands in a table must stay text in it, whatever it begins with.
    #[test]
    fn no_text_becomes_a_formula_a_line_a_column_or_a_command_of_a_terminal() {
        let payloads = [
            ("a formula", "=1+1"),
            ("a formula with plus", "+1+cmd"),
            ("a formula with minus", "-2+3"),
            ("a formula with at", "@SUM(A1:A9)"),
            ("a formula behind a tab", "\t=1+1"),
            ("a formula behind a return", "\r=1+1"),
            ("a formula behind a line feed", "\n=1+1"),
            ("a formula behind nothing that is seen", "\u{200B}=1+1"),
            ("a formula behind a byte order mark", "\u{FEFF}=1+1"),
            ("a formula in wide letters", "＝1+1"),
            ("a call of a program", "=cmd|'/c calc'!A1"),
            ("a link", "=HYPERLINK(\"http://evil.example\")"),
            ("a second line", "x\r\ny,z"),
            ("a second line of Unix", "x\ny,z"),
            ("a second column", "x,y,z"),
            ("an open quotation mark", "\"x"),
            ("a closed cell", "x\",=1+1,\""),
            ("a cleared screen", "\u{1B}[2Jx"),
            ("a title of a window", "\u{1B}]0;owned\u{7}"),
            ("text the other way round", "\u{202E}gnp.exe"),
            ("text in an isolate", "\u{2066}x\u{2069}"),
        ];
        let mut cases = 0;
        for (name, text) in payloads {
            for (place, cell) in [
                ("first", text.to_owned()),
                ("after a name", format!("Ada {text}")),
                ("twice", format!("{text}{text}")),
            ] {
                let written = csv(&["Name".into(), "More".into()], std::iter::once(vec![cell.clone(), "last".into()]));
                let rows = read_back(&written);
                assert_eq!(rows.len(), 2, "{name} {place}: {written:?}");
                assert_eq!((rows[1].len(), rows[1][1].as_str()), (2, "last"), "{name} {place}: {written:?}");
                assert!(
                    !rows[1][0].starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']),
                    "{name} {place}: {written:?}"
                );
                assert!(!written.contains(['\u{1B}', '\u{7}', '\u{202E}', '\u{2066}']), "{name} {place}: {written:?}");
                cases += 1;
            }
        }
        assert!(cases >= 60);
    }

    /// RFC 4180.
    fn read_back(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut characters = text.chars().peekable();
        while let Some(it) = characters.next() {
            match it {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !quoted && characters.peek() == Some(&'\n') => {}
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                _ => cell.push(it),
            }
        }
        rows
    }
}
