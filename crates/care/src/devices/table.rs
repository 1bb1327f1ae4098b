//! Lists of readings (CSV, RFC 4180): Health Connect and anybody else's, one reading in each line, or one column for each
//! measure. The first line names the columns.

use super::{Export, Measure, Reading, measures};

const TIME: [&str; 8] =
    ["time", "date", "datetime", "start time", "start_time", "timestamp", "starttime", "measurement time"];
const KIND: [&str; 4] = ["type", "metric", "measure", "data type"];
const VALUE: [&str; 3] = ["value", "reading", "quantity"];
const UNIT: [&str; 2] = ["unit", "units"];
const SOURCE: [&str; 4] = ["source", "app", "package", "data origin"];
const DEVICE: [&str; 2] = ["device", "device name"];

pub(super) fn read(text: &str) -> Option<Export> {
    let mut lines = rows(text).into_iter();
    let heads: Vec<String> = lines.next()?.iter().map(|it| plain(it)).collect();
    let at = |names: &[&str]| heads.iter().position(|it| names.contains(&it.as_str()));
    let time = at(&TIME)?;
    let (kind, value) = (at(&KIND), at(&VALUE));
    // `systolic (mmHg)` names its unit.
    let columns: Vec<(usize, &'static Measure, String)> = heads
        .iter()
        .enumerate()
        .filter_map(|(nth, head)| {
            let (name, unit) =
                head.split_once('(').map_or((head.as_str(), ""), |(name, unit)| (name, unit.trim_end_matches(')')));
            Some((nth, measure(name.trim())?, unit.to_owned()))
        })
        .collect();
    if kind.is_none() && columns.is_empty() {
        return None;
    }
    let mut export = Export::default();
    for line in lines {
        let cell = |nth: Option<usize>| nth.and_then(|it| line.get(it)).map(|it| it.trim()).filter(|it| !it.is_empty());
        let Some(moment) = cell(Some(time)).and_then(moment) else {
            export.left_out += 1;
            continue;
        };
        let source = cell(at(&SOURCE)).unwrap_or("List of readings").to_owned();
        let device = cell(at(&DEVICE)).map(str::to_owned);
        let mut take = |measure: &'static Measure, number: Option<f64>, unit: &str| {
            let Some(number) = number else {
                export.left_out += 1;
                return;
            };
            let at = if measure.daily { moment[..10].to_owned() } else { moment.clone() };
            let (source, device) = (source.clone(), device.clone());
            export.take(measure, number, unit, |value| Reading { measure: &measure.key, at, value, source, device });
        };
        match (kind, value) {
            (Some(kind), Some(value)) => match cell(Some(kind)).map(plain).and_then(|it| measure(&it)) {
                Some(measure) => {
                    take(
                        measure,
                        cell(Some(value)).and_then(|it| it.parse().ok()),
                        cell(at(&UNIT)).unwrap_or_default(),
                    );
                }
                None => export.left_out += 1,
            },
            _ => {
                for (nth, measure, unit) in &columns {
                    if let Some(text) = cell(Some(*nth)) {
                        take(measure, text.parse().ok(), unit);
                    }
                }
            }
        }
    }
    Some(export)
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase().replace('_', " ")
}

fn measure(name: &str) -> Option<&'static Measure> {
    measures().iter().find(|it| it.names.iter().any(|known| known == name) || it.key == name)
}

/// A moment with its zone; without one, that of universal time; or a day.
fn moment(text: &str) -> Option<String> {
    let text = text.replace(' ', "T");
    if text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10 {
        return Some(text);
    }
    let bare: jiff::civil::DateTime = text.parse().ok()?;
    Some(format!("{}Z", bare.strftime("%Y-%m-%dT%H:%M:%S")))
}

/// Lines with their cells; quoted cells may hold commas, quotes (doubled) and line breaks.
fn rows(text: &str) -> Vec<Vec<String>> {
    let separator =
        text.lines().next().map_or(',', |it| if it.matches(';').count() > it.matches(',').count() { ';' } else { ',' });
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            it if it == separator && !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            it => cell.push(it),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|it: &Vec<String>| it.iter().any(|it| !it.trim().is_empty()));
    rows
}
