//! What this record and others say about a patient, as rows side by side. Asked of the store in one go; what the caller may
//! not see is not in it.

use super::{By, Decision, Entry, Kind, Part, Row, Sheet, Source, pair};
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::element::{Names, list, text};
use crate::chart::{Chart, Reading, Standing, When, is_ordered};
use crate::entries;
use crate::exchange::origin::{self, Origin, SYSTEM};
use crate::versions;
use fhir::{Id, Key, Value};
use std::collections::{BTreeMap, BTreeSet};
use store::StoreResult;

/// How many of a list are looked at.
const MOST: u32 = 400;
/// Fields that say when a statement was last changed by who made it.
const WRITTEN: [&str; 5] = ["recordedDate", "authoredOn", "dateAsserted", "recorded", "issued"];

/// A statement as it is shown and compared.
pub(super) fn entry(kind: Kind, value: &Value, at: i64, names: &Names) -> Entry {
    let from = origin::of(value);
    let row = match kind.list() {
        Some(list) => entries::row_of(list, value, names),
        None => reading(value, names),
    };
    let written = WRITTEN.iter().filter_map(|it| When::parse(text(value, &[it])?)).max_by_key(When::at);
    let here = Some(When::of_micros(at)).filter(|_| at > 0);
    // What is of this record was last changed when it was last written.
    let changed = if from.is_some() { written.or(here) } else { here.or(written) };
    Entry { row, from, changed, copies: 1, value: value.clone(), also: Vec::new() }
}

/// A result in a row: its test, its value, its flag.
fn reading(value: &Value, names: &Names) -> entries::Row {
    let it = Reading::of(value, names);
    let mut more = vec![("value", it.value.with_unit())];
    more.extend(it.range.as_ref().map(|it| ("range", it.shown.clone())));
    entries::Row {
        key: Key::parse(&format!("Observation/{}", it.id)).unwrap_or_else(|| {
            Key::new(fhir::ResourceType::parse("Observation").expect("a type of R4"), Id::parse("none").expect("an id"))
        }),
        title: it.name.clone(),
        code: it.code.clone(),
        free: it.code.is_none(),
        standing: if it.counts() { Standing::Active } else { Standing::Mistaken },
        status: None,
        more,
        critical: it.flag.is_some_and(|it| it.is_critical()),
        none: false,
        since: it.when,
        ended: None,
        recorded: None,
        who: it.performer.clone(),
        source: it.source.clone(),
        apart: it.apart,
        note: it.note.clone(),
        version: ask::version(value),
        may_change: false,
        nth: None,
    }
}

/// Everything that is to be reconciled for a patient.
pub async fn sheet(pen: &Pen<'_>, patient: &Id) -> StoreResult<Sheet> {
    let chart = pen.chart(patient);
    let (requests, statements, allergies, problems, vaccines, results) = tokio::try_join!(
        Box::pin(chart.rows("MedicationRequest", &[("_sort", "-authoredon")], MOST)),
        Box::pin(chart.rows("MedicationStatement", &[], MOST)),
        Box::pin(chart.rows("AllergyIntolerance", &[], MOST)),
        Box::pin(chart.rows("Condition", &[], MOST)),
        Box::pin(chart.rows("Immunization", &[("_sort", "-date")], MOST)),
        Box::pin(outside_results(&chart)),
    )?;
    let names = chart.names(&[&requests, &statements, &allergies, &problems, &vaccines], &[]).await?;
    let mut sheet = Sheet::default();
    for kind in Kind::ALL {
        let found: &[&Rows] = match kind {
            Kind::Medications => &[&requests, &statements],
            Kind::Allergies => &[&allergies],
            Kind::Problems => &[&problems],
            Kind::Immunizations => &[&vaccines],
            Kind::Results => &[],
        };
        let rows = match kind {
            Kind::Results => tests(&results, &names),
            _ => of_list(kind, found, &names),
        };
        if rows.iter().any(Row::is_open) {
            sheet.parts.push(Part { kind, rows, may: kind.may(pen) });
        }
    }
    sheet.sources = sources(&sheet.parts);
    Ok(sheet)
}

fn of_list(kind: Kind, found: &[&Rows], names: &Names) -> Vec<Row> {
    let view = |it: &ask::Row| entry(kind, &it.value, it.at, names);
    let counts = |it: &Entry| it.row.standing != Standing::Mistaken;
    let own = found.iter().flat_map(|it| &it.rows).filter(|it| is_ours(kind, &it.value));
    let ours: Vec<Entry> = own.map(view).filter(counts).collect();
    let mut theirs: Vec<Entry> = found.iter().flat_map(|it| &it.apart).map(view).filter(counts).collect();
    theirs.sort_by_key(|it| std::cmp::Reverse(it.changed.map_or(i64::MIN, |it| it.at())));
    pair::rows(kind, ours, pair::collapsed(theirs))
}

fn is_ours(kind: Kind, value: &Value) -> bool {
    kind != Kind::Medications || text(value, &["resourceType"]) != Some("MedicationRequest") || is_ordered(value)
}

/// Results of other records that nobody has looked at, and ours of the same tests.
async fn outside_results(chart: &Chart<'_>) -> StoreResult<(Vec<ask::Row>, Vec<ask::Row>)> {
    let tags = format!("{SYSTEM}|document,{SYSTEM}|record");
    let asked = [("category", "laboratory"), ("_tag", tags.as_str()), ("_sort", "-date")];
    let outside = chart.rows("Observation", &asked, MOST).await?;
    let outside: Vec<ask::Row> = outside.rows.into_iter().filter(|it| origin::is_unreconciled(&it.value)).collect();
    let codes: BTreeSet<String> =
        outside.iter().filter_map(|it| test_code(&it.value)).map(|it| ask::escaped(&it)).collect();
    if codes.is_empty() {
        return Ok((outside, Vec::new()));
    }
    let codes = codes.into_iter().collect::<Vec<_>>().join(",");
    let ours = chart.rows("Observation", &[("code", codes.as_str()), ("_sort", "-date")], MOST).await?;
    let ours = ours.rows.into_iter().filter(|it| !origin::is_unreconciled(&it.value)).collect();
    Ok((outside, ours))
}

fn test_code(value: &Value) -> Option<String> {
    Reading::of(value, &Names::default()).code
}

/// One row for each test: all readings of others, and the newest of ours.
fn tests((outside, ours): &(Vec<ask::Row>, Vec<ask::Row>), names: &Names) -> Vec<Row> {
    let view = |it: &ask::Row| entry(Kind::Results, &it.value, it.at, names);
    let mut by_test: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for it in outside.iter().map(view).filter(|it| it.row.standing != Standing::Mistaken) {
        let test = it.row.code.clone().unwrap_or_else(|| crate::drugs::folded(&it.row.title));
        by_test.entry(test).or_default().push(it);
    }
    let mut rows: Vec<Row> = Vec::new();
    for (test, theirs) in by_test {
        let same = ours.iter().map(view).filter(|it| it.row.code.as_ref() == Some(&test)).collect::<Vec<_>>();
        let known: Vec<String> = same.iter().map(result).collect();
        let new = theirs.iter().any(|it| !known.contains(&result(it)));
        let mut row = Row {
            ours: same.into_iter().next(),
            theirs: pair::collapsed(theirs),
            suggested: Some(Decision::Keep),
            differs: if new { vec!["value"] } else { Vec::new() },
            ..pair::blank(Kind::Results)
        };
        row.by = row.ours.as_ref().map(|_| By::Code);
        row.id = pair::name(&row);
        // Whether ours changes does not matter for what others measured.
        rows.push(row);
    }
    rows.sort_by_key(|it| {
        (!it.theirs.iter().any(|it| it.row.critical), it.theirs.first().map(|it| it.row.title.clone()))
    });
    rows
}

/// What was measured and when: the same value at the same time is the same result, whoever sends it.
pub(super) fn result(entry: &Entry) -> String {
    let when = entry.row.since.map(|it| it.at());
    format!("{:?}|{when:?}|{:?}", entry.row.code, entry.row.more.first())
}

fn sources(parts: &[Part]) -> Vec<Source> {
    let mut all: Vec<Source> = Vec::new();
    for entry in parts.iter().flat_map(|it| &it.rows).flat_map(|it| &it.theirs) {
        let Some(from) = &entry.from else { continue };
        let same = |it: &&mut Source| (&it.origin.source, &it.origin.name) == (&from.source, &from.name);
        match all.iter_mut().find(same) {
            Some(source) => {
                source.count += entry.copies;
                source.changed = source.changed.into_iter().chain(entry.changed).max_by_key(When::at);
            }
            None => all.push(Source { origin: Origin::clone(from), count: entry.copies, changed: entry.changed }),
        }
    }
    all.sort_by(|a, b| a.origin.name.cmp(&b.origin.name));
    all
}

/// The patient of a Provenance of ours, if it is about this one.
pub(super) fn is_of(provenance: &Value, patient: &Id) -> bool {
    let own = format!("Patient/{patient}");
    list(provenance, "target").iter().any(|it| text(it, &["reference"]) == Some(own.as_str()))
}

/// Who wrote a Provenance, by name.
pub(super) fn who(provenance: &Value) -> Option<String> {
    versions::author(provenance).and_then(|it| text(it, &["who", "display"])).map(str::to_owned)
}
