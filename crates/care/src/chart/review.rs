//! Results as a reviewer reads them (screen C-05): panels with how many of their tests are abnormal, what a corrected result
//! said before, several tests beside each other over the same time, and when medicines were begun and stopped.

use super::element::Names;
use super::latest::{Flowsheet, Panel};
use super::lists::Medication;
use super::reading::{Reading, ResultStatus};
use super::trend::Trend;
use super::when::When;
use super::{Chart, units};
use crate::ask;
use fhir::{Id, Key, ResourceType};
use store::{HistoryQuery, HistoryScope, StoreError, StoreResult};

/// Corrected results whose earlier values are looked up on one page.
const CORRECTED: usize = 24;
/// Tests that can be compared.
pub const COMPARED: usize = 4;

impl Panel {
    /// Tests whose newest result shown is out of range, and whether one of them is critical.
    pub fn abnormal(&self) -> (usize, bool) {
        let newest = self.rows.iter().filter_map(|row| row.cells.iter().flatten().next());
        let flags: Vec<_> = newest.filter_map(|it| it.flag).filter(|it| it.is_abnormal()).collect();
        (flags.len(), flags.iter().any(|it| it.is_critical()))
    }

    /// A name for an address within the page.
    pub fn slug(&self) -> String {
        let mut slug = String::new();
        for c in self.name.chars() {
            match c {
                c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
                _ if !slug.ends_with('-') => slug.push('-'),
                _ => {}
            }
        }
        slug.trim_matches('-').to_owned()
    }
}

/// A medicine begun or stopped.
#[derive(Clone, Debug)]
pub struct Mark {
    pub when: When,
    pub name: String,
    pub began: bool,
}

impl Chart<'_> {
    /// Puts to each corrected result what it said before, from its versions.
    pub async fn corrected(&self, readings: Vec<&mut Reading>) -> StoreResult<()> {
        for reading in readings.into_iter().filter(|it| it.status == ResultStatus::Corrected).take(CORRECTED) {
            let Some(id) = Id::parse(&reading.id) else { continue };
            let key = Key::new(ResourceType::parse("Observation").expect("a type of R4"), id);
            let scope = HistoryScope::Instance(key);
            let asked = HistoryQuery { scope, since: None, at: None, count: 10, cursor: None };
            let page = match self.store.history(self.caller, &asked).await {
                Ok(page) => page,
                Err(StoreError::Forbidden | StoreError::NotFound(_) | StoreError::Gone { .. }) => continue,
                Err(other) => return Err(other),
            };
            let versions = page.versions.iter().filter(|it| !it.deleted);
            let before =
                versions.map(|it| Reading::of(&it.value(), &Names::default())).find(|it| it.value != reading.value);
            reading.was = before.map(|it| it.value);
        }
        Ok(())
    }

    /// The flowsheet, with what corrected results said before.
    pub async fn reviewed(&self, before: Option<&str>) -> StoreResult<Flowsheet> {
        let mut sheet = self.flowsheet(before).await?;
        let cells = sheet.groups.iter_mut().flat_map(|it| &mut it.rows).flat_map(|it| &mut it.cells).flatten();
        self.corrected(cells.collect()).await?;
        Ok(sheet)
    }

    /// One test over time under every code it is reported by, with what corrected results said before.
    pub async fn joined_trend(&self, code: &str, from: Option<&When>) -> StoreResult<Trend> {
        let codes: Vec<String> = units::codes_of(code).iter().map(|it| ask::escaped(it)).collect();
        let codes = codes.join(",");
        let from = from.map(|it| format!("ge{}", it.machine()));
        let mut asked = vec![("combo-code", codes.as_str()), ("_sort", "-date")];
        asked.extend(from.as_deref().map(|it| ("date", it)));
        let rows = self.must("Observation", &asked, super::TREND).await?;
        let names = self.names(&[&rows], &[]).await?;
        let mut readings: Vec<Reading> = rows.rows.iter().map(|it| Reading::of(&it.value, &names)).collect();
        self.corrected(readings.iter_mut().collect()).await?;
        Ok(Trend::of(code, readings, rows.more))
    }

    /// When medicines were begun and stopped, oldest first.
    pub async fn medication_marks(&self) -> StoreResult<Vec<Mark>> {
        let section = self.medications().await?;
        let of = |it: &Medication| {
            let mark = |when: Option<When>, began| when.map(|when| Mark { when, name: it.name.clone(), began });
            [mark(it.started, true), mark(it.ended, false)]
        };
        let mut marks: Vec<Mark> = section.rows.iter().flat_map(of).flatten().collect();
        marks.sort_by_key(|it| it.when.at());
        marks.dedup_by(|a, b| a.name == b.name && a.began == b.began && a.when.machine() == b.when.machine());
        Ok(marks)
    }

    /// Tests that were done for this patient and could be compared: code and name.
    pub async fn tests_done(&self) -> StoreResult<Vec<(String, String)>> {
        let rows = self.latest("laboratory", 1).await?;
        let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &Names::default()));
        let mut tests: Vec<_> = readings.filter(Reading::counts).filter_map(|it| Some((it.code?, it.name))).collect();
        tests.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(tests)
    }
}

/// A trend as comma-separated values (RFC 4180). Spreadsheets take a cell that begins like a formula for one, so such a cell
/// begins with an apostrophe.
pub fn as_csv(trend: &Trend) -> String {
    let mut out = String::from("Date,Test,Value,Unit,Flag,Reference range,Status,Performer,Comment\r\n");
    for reading in &trend.readings {
        let (value, unit) = match &reading.value {
            super::Measured::Quantity { shown, unit, .. } => (shown.clone(), unit.clone()),
            other => (other.with_unit(), String::new()),
        };
        let cells = [
            reading.when.map_or_else(String::new, |it| it.date_and_time()),
            reading.name.clone(),
            value,
            unit,
            reading.flag.map_or_else(String::new, |it| it.letters().to_owned()),
            reading.range.as_ref().map_or_else(String::new, |it| it.shown.clone()),
            reading.status.words().to_owned(),
            reading.performer.clone().unwrap_or_default(),
            reading.note.clone().unwrap_or_default(),
        ];
        out.push_str(&cells.map(|it| cell(&it)).join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let like_formula = !number && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%']);
    let text = if like_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("-1.5"), "-1.5", "a number stays a number");
        assert_eq!(cell("-1+2"), "'-1+2");
        assert_eq!(cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        let reading = json!({"id": "1", "status": "final", "effectiveDateTime": "2024-01-02", "code": {"text": "=cmd"},
            "valueQuantity": {"value": 5.40, "unit": "mmol/L"}, "note": [{"text": "+1 for the team"}]});
        let trend = Trend::of("x", vec![Reading::of(&reading, &Names::default())], false);
        let csv = as_csv(&trend);
        assert!(csv.contains("02-Jan-2024,'=cmd,5.4") && csv.contains(",'+1 for the team"), "{csv}");
    }

    #[test]
    fn a_panel_says_how_much_of_it_is_abnormal() {
        let reading = |code: &str, flag: &str| {
            let it = json!({"id": code, "status": "final", "effectiveDateTime": "2024-01-02",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "interpretation": [{"coding": [{"code": flag}]}], "valueQuantity": {"value": 1}});
            Reading::of(&it, &Names::default())
        };
        let sheet =
            Flowsheet::of(vec![reading("1", "H"), reading("2", "N"), reading("3", "LL")], &Default::default(), 8);
        assert_eq!(sheet.groups[0].abnormal(), (2, true));
        assert_eq!(sheet.groups[0].slug(), "other-tests");
    }
}
