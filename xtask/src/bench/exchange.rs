//! K: documents and people of others. C-CDA documents of demo people are read, and taken into a store, one of twenty
//! megabytes among them; and a person written down once more is looked for among a million. It is the library that is
//! measured, in a process of its own for each, so that the peak of one is not that of another.

use super::Plans;
use crate::step;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// Megabytes of the large document.
const LARGE: usize = 20;

pub struct Exchange(Value);

pub fn run(folder: &Path, plans: &Plans) -> Result<Exchange, String> {
    let place = folder.join("exchange");
    let place = place.to_str().ok_or("the folder has a strange name")?;
    let people = plans.people.to_string();
    let seconds = plans.dose.seconds.to_string();
    let large = LARGE.to_string();
    let made = one(&["make", place, &large])?;
    let mut told = json!({ "made": made });
    for (what, arguments) in [
        ("documents", &["documents", place][..]),
        ("large", &["large", place]),
        ("matching", &["matching", place, &people, &seconds]),
    ] {
        told[what] = one(arguments)?;
        eprintln!("K, {what}: {}", told[what]);
    }
    std::fs::remove_dir_all(place).ok();
    Ok(Exchange(told))
}

/// What a part of the example says of itself: its last line.
fn one(arguments: &[&str]) -> Result<Value, String> {
    let mut run = step::cargo();
    run.args(["run", "--quiet", "--release", "--locked", "--package", "care", "--example", "exchange_speed", "--"]);
    let said = step::output(run.args(arguments))?;
    let last = said.lines().rfind(|it| !it.trim().is_empty()).ok_or("the measurement said nothing")?;
    serde_json::from_str(last).map_err(|error| format!("the measurement said something else: {error}"))
}

impl Exchange {
    pub fn json(&self) -> &Value {
        &self.0
    }

    pub fn markdown(&self) -> String {
        let (documents, large, matching) = (&self.0["documents"], &self.0["large"], &self.0["matching"]);
        let megabytes = large["bytes"].as_f64().unwrap_or_default() / 1e6;
        let mut page = String::from("## Documents and people of others (K)\n\n| | |\n|---|---:|\n");
        for (what, figure) in [
            (
                format!("C-CDA documents ({} bytes each) read and mapped, /s", documents["mean_bytes"]),
                &documents["read_per_second"],
            ),
            ("the same taken into a store, 4 at once, durable, /s".to_owned(), &documents["taken_in"]["per_second"]),
            ("the same once more, nothing new, /s".to_owned(), &documents["again"]["per_second"]),
            (format!("a document of {megabytes:.1} MB: resources"), &large["resources"]),
            ("to read it, s".to_owned(), &large["read_seconds"]),
            ("to take it in, s".to_owned(), &large["taken_in_seconds"]),
            ("reading, memory beside its bytes, MB".to_owned(), &large["read_mb_beside_the_bytes"]),
            (
                "taking in, memory above a warm store, with its bytes, MB".to_owned(),
                &large["taken_in_mb_with_the_bytes"],
            ),
            (format!("one person looked for among {}, /s", matching["people"]), &matching["queries_per_second"]),
            ("p50, ms".to_owned(), &matching["p50_ms"]),
            ("p99, ms".to_owned(), &matching["p99_ms"]),
            ("found, and first of those who were, %".to_owned(), &matching["found_first_percent"]),
        ] {
            let _ = writeln!(page, "| {what} | {figure} |");
        }
        page.push('\n');
        page
    }
}
