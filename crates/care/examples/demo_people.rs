//! Prints demo people as NDJSON, or only counts them:
//! `cargo run --release -p care --example demo_people -- riverside 200 [count]`.

use std::io::{BufWriter, Write};

use care::demo::{Org, Population};

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let org = if words.next().as_deref() == Some("lakeside") { Org::Lakeside } else { Org::Riverside };
    let patients = words.next().and_then(|it| it.parse().ok()).unwrap_or(20);
    let only_count = words.next().is_some();
    let population = Population::new(42, patients, jiff::civil::date(2026, 7, 1));
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut records, mut resources) = (0, 0);
    for resource in population.organisation(org).into_iter().filter(|_| !only_count) {
        writeln!(out, "{resource}")?;
    }
    for record in population.people(org) {
        records += 1;
        resources += record.resources.len();
        for resource in record.resources.iter().filter(|_| !only_count) {
            writeln!(out, "{resource}")?;
        }
    }
    if only_count {
        writeln!(out, "{records} patients, {resources} resources")?;
    }
    out.flush()
}
