//! HL7's published mapping tables, row by row: mapped, left where it is with a reason, or not yet. The page and the table
//! in docs are made from HL7's tables and the mapping; `cargo xtask interfaces` writes them.

use formats::v2::map::{Coverage, Mapping, condition_is_read};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows of a table of comma separated values, quotation marks and line breaks in cells included.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("the table can be read");
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.trim_start_matches('\u{FEFF}').chars().peekable();
    while let Some(it) = characters.next() {
        match it {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell).trim().to_owned()),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell).trim().to_owned());
                rows.push(std::mem::take(&mut row));
            }
            '\r' => {}
            _ => cell.push(it),
        }
    }
    row.push(cell.trim().to_owned());
    rows.push(row);
    rows.into_iter().skip(2).collect()
}

fn tables(kind: &str) -> Option<Vec<(String, PathBuf)>> {
    let folder = testkit::unpacked("hl7v2-to-fhir-mappings")?.join("mappings").join(kind);
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(folder)
        .expect("the tables")
        .map(|it| it.expect("an entry").path())
        .filter_map(|path| {
            let stem = path.file_stem()?.to_string_lossy().into_owned();
            path.extension().filter(|it| *it == "csv")?;
            let name = stem.rsplit_once("R4_ ").or(stem.rsplit_once("Map_ "))?.1;
            Some((name.split(" - ").next()?.to_owned(), path.clone()))
        })
        .collect();
    found.sort();
    Some(found)
}

fn cell(row: &[String], at: usize) -> &str {
    row.get(at).map_or("", String::as_str)
}

/// How the table reads what stands in the mapping: `content/v2/coverage.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reading {
    done_by: BTreeMap<String, String>,
    left: BTreeMap<String, String>,
    rows: BTreeMap<String, BTreeMap<String, String>>,
}

impl Reading {
    fn ours() -> Reading {
        toml::from_str(include_str!("../../../content/v2/coverage.toml")).expect("content/v2/coverage.toml")
    }

    /// What becomes of a row, and by what or why.
    fn of(&self, table: &str, from: &str, to: &str) -> (Coverage, String) {
        // A row without an element is one that HL7 itself leaves.
        if to.is_empty() {
            return (Coverage::Left(String::new()), "HL7 names no element".to_owned());
        }
        let mapping = Mapping::standard();
        let own = mapping.covers(table, from, to);
        match (&own, self.done_by.get(table)) {
            (Coverage::Mapped, _) => return (own, String::new()),
            (_, Some(kind)) if kind.starts_with('=') => return (Coverage::Mapped, format!("as {}", &kind[2..])),
            (_, Some(other)) if mapping.covers(other, from, to) == Coverage::Mapped => {
                return (Coverage::Mapped, format!("by {other}"));
            }
            _ => {}
        }
        let field = from.split(['-', '.']).find_map(|it| it.parse::<usize>().ok()).map(|it| it.to_string());
        let row = self.rows.get(table).and_then(|it| field.and_then(|field| it.get(&field)).or(it.get("*")));
        match (own, row.or(self.left.get(table))) {
            (Coverage::Left(why), _) => (Coverage::Left(String::new()), why),
            (_, Some(why)) => (Coverage::Left(String::new()), why.clone()),
            (own, None) => (own, String::new()),
        }
    }
}

/// A cell of the table, as comma separated values have it.
fn quoted(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[test]
fn every_row_of_the_tables_is_mapped_or_left_or_not_yet() {
    let (Some(segments), Some(datatypes), Some(codes)) =
        (tables("segments"), tables("datatypes"), tables("codesystems"))
    else {
        return;
    };
    let mapping = Mapping::standard();
    let reading = Reading::ours();
    let mut page = String::from(
        "# HL7 v2 to FHIR: what is mapped\n\nMade from HL7's published tables and `content/v2` by `cargo xtask interfaces`; \
         do not edit. A row is a field and the FHIR element that the table names for it; each of them stands in \
         [hl7-v2-rows.csv](hl7-v2-rows.csv) with what becomes of it.\n",
    );
    let mut rows_of_all = String::from("table,field,element,what becomes of it,how or why\n");
    let mut totals = [0_usize; 3];
    let mut open = BTreeMap::new();
    let mut used = BTreeSet::new();
    for (kind, tables) in [("Segments", &segments), ("Data types", &datatypes)] {
        let _ =
            writeln!(page, "\n## {kind}\n\n| Table | mapped | left, with a reason | not yet |\n|---|---:|---:|---:|");
        for (name, path) in tables {
            used.insert(name.clone());
            let mut counts = [0_usize; 3];
            let mut not_yet = Vec::new();
            for row in rows(path) {
                let (from, to) = (cell(&row, 1), cell(&row, 9));
                if from.is_empty() {
                    continue;
                }
                let (state, why) = reading.of(name, from, to);
                let (place, word) = match state {
                    Coverage::Mapped => (0, "mapped"),
                    Coverage::Left(_) => (1, "left"),
                    Coverage::NotYet => (2, "not yet"),
                };
                counts[place] += 1;
                if place == 2 {
                    not_yet.push(format!("`{}`", format!("{from} {to}").replace(['|', '\n', '`'], " ")));
                }
                let cells = [name.as_str(), from, to, word, &why].map(quoted);
                let _ = writeln!(rows_of_all, "{}", cells.join(","));
            }
            (0..3).for_each(|it| totals[it] += counts[it]);
            let _ = writeln!(page, "| {name} | {} | {} | {} |", counts[0], counts[1], counts[2]);
            not_yet.dedup();
            if !not_yet.is_empty() {
                open.insert(name.clone(), not_yet);
            }
        }
    }
    let (mut known, mut unknown) = (0, 0);
    for (name, path) in &codes {
        for row in rows(path).iter().filter(|it| !cell(it, 0).is_empty() && !cell(it, 6).is_empty()) {
            match mapping.covers_code(name, cell(row, 0)) {
                true => known += 1,
                false => unknown += 1,
            }
        }
    }
    let _ = writeln!(
        page,
        "\n## Altogether\n\n{} rows are mapped, {} are left with a reason or by HL7 itself, {} not yet. Of the codes, {known} \
         are mapped and {unknown} are not.\n\n## Not yet\n",
        totals[0], totals[1], totals[2]
    );
    if open.is_empty() {
        page.push_str("Nothing.\n");
    }
    for (name, rows) in &open {
        let _ = writeln!(page, "- **{name}**: {}", rows.join("; "));
    }
    println!("{totals:?} rows mapped, left, not yet; codes {known} mapped, {unknown} not");
    // What is said about tables that there are not is said about nothing.
    let said = reading.done_by.keys().chain(reading.left.keys()).chain(reading.rows.keys());
    let nobodys: Vec<&String> = said.filter(|it| !used.contains(*it)).collect();
    assert!(nobodys.is_empty(), "content/v2/coverage.toml: there are no tables {nobodys:?}");
    testkit::holds("docs/interfaces/hl7-v2-coverage.md", &page);
    testkit::holds("docs/interfaces/hl7-v2-rows.csv", &rows_of_all);
    assert!(totals[2] * 50 <= totals.iter().sum::<usize>(), "more than one row in fifty is open");
}

#[test]
fn the_conditions_of_the_tables_are_read() {
    let (Some(segments), Some(datatypes)) = (tables("segments"), tables("datatypes")) else { return };
    let (mut read, mut refused) = (0, Vec::new());
    for (name, path) in segments.iter().chain(&datatypes) {
        for row in rows(path).iter().filter(|it| !cell(it, 6).is_empty()) {
            match condition_is_read(cell(row, 6)) {
                Ok(()) => read += 1,
                Err(why) => refused.push(format!("{name}: {} ({why})", cell(row, 6))),
            }
        }
    }
    println!("{read} conditions are read, {} are not:\n{}", refused.len(), refused.join("\n"));
    // What is not read has mistakes of writing: brackets that do not close, words that are missing.
    assert!(read >= 300 && refused.len() * 12 < read, "{read} read, {} refused", refused.len());
}
