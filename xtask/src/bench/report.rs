//! The page that a benchmark leaves behind, for people and for programs.

use super::exchange::Exchange;
use super::measure::{Run, percentile};
use super::people::People;
use super::shapes::SHAPES;
use super::{Column, Plans};
use crate::machine;
use serde_json::{Value, json};
use std::fmt::Write;

pub struct Page<'a> {
    pub plans: &'a Plans,
    pub people: &'a People,
    pub columns: &'a [Column],
    pub growth: Option<&'a Column>,
    pub exchange: Option<&'a Exchange>,
    pub canary: Value,
}

/// Workloads, how they are called, and which figure counts.
const ROWS: [(&str, &str, &str); 10] = [
    ("A_8", "A: whole lives as transactions, 8 clients, resources/s", "resources_per_second"),
    ("A_32", "A: the same, 32 clients, resources/s", "resources_per_second"),
    ("B", "B: create 10, read 60, update 25, delete 5, 64 clients, requests/s", "per_second"),
    ("C", "C: read by id, 64 clients, requests/s", "per_second"),
    ("D", "D: 30 search shapes, 64 clients, requests/s", "per_second"),
    ("E_1", "E: durable transactions of two, 1 client, /s", "per_second"),
    ("E_8", "E: 8 clients, /s", "per_second"),
    ("E_64", "E: 64 clients, /s", "per_second"),
    ("F", "F: $everything, 8 clients, /s", "per_second"),
    ("H", "H: HL7 v2 results over MLLP, written before the AA, 20 lines, messages/s", "per_second"),
];

pub fn first_error(results: &Value) -> Option<String> {
    let runs = results.as_object()?.iter();
    runs.filter(|(_, run)| run["errors"].as_u64().unwrap_or(0) > 0)
        .map(|(name, run)| format!("{name}: {} of {}: {}", run["errors"], run["requests"], run["first_refusal"]))
        .next()
}

fn shape_times(run: Option<&Run>, place: usize, percent: f64) -> f64 {
    run.and_then(|run| run.times.get(place)).map_or(0.0, |times| percentile(times, percent))
}

/// The median over the shapes of their medians.
fn typical(run: Option<&Run>) -> f64 {
    let mut all: Vec<f64> = (0..SHAPES.len()).map(|place| shape_times(run, place, 50.0)).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

impl Page<'_> {
    pub fn json(&self) -> Value {
        let shapes = |column: &Column| -> Value {
            let one = |(place, shape): (usize, &super::shapes::Shape)| {
                json!({
                    "shape": shape.name,
                    "blend_p50_ms": shape_times(column.blend.as_ref(), place, 50.0),
                    "blend_p99_ms": shape_times(column.blend.as_ref(), place, 99.0),
                    "alone_p50_ms": shape_times(column.alone.as_ref(), place, 50.0),
                })
            };
            SHAPES.iter().enumerate().map(one).collect()
        };
        let column =
            |column: &Column| json!({ "server": column.name, "results": column.results, "shapes": shapes(column) });
        json!({
            "machine": machine::description(),
            "disk_syncs": self.canary,
            "patients": self.people.lives.len(),
            "resources": self.people.resources,
            "seconds_each": self.plans.dose.seconds,
            "runs_each": self.plans.dose.runs,
            "columns": self.columns.iter().map(column).collect::<Vec<_>>(),
            "growth": self.growth.map(column),
            "exchange": self.exchange.map(Exchange::json),
            "differing_totals": self.differences(),
        })
    }

    /// Searches that two servers count differently.
    fn differences(&self) -> Vec<Value> {
        let Some(first) = self.columns.first() else { return Vec::new() };
        let mut found = Vec::new();
        for other in &self.columns[1..] {
            for ((asked, ours), (_, theirs)) in first.totals.iter().zip(&other.totals) {
                if ours != theirs {
                    found.push(json!({ "search": asked, first.name.as_str(): ours, other.name.as_str(): theirs }));
                }
            }
        }
        found
    }

    pub fn markdown(&self) -> String {
        let mut page = String::from(
            "# Benchmarks\n\nWritten by `cargo xtask bench`; the same figures as JSON are in [benchmarks.json](benchmarks.json).\n\n",
        );
        let _ = writeln!(
            page,
            "Machine: {}. The client runs on the same machine and its share of the\nprocessor is in every figure. The disk synced 4 kB {} times a second before and {} after.\n",
            machine::sentence(),
            self.canary["before_per_second"],
            self.canary["after_per_second"]
        );
        let _ = writeln!(
            page,
            "Data: {} synthetic patients, {} resources. Each figure is the median of {} runs of {} s; every write is durable\nwhen it is answered.\n",
            self.people.lives.len(),
            self.people.resources,
            self.plans.dose.runs,
            self.plans.dose.seconds
        );
        self.workloads(&mut page);
        self.safety(&mut page);
        self.shapes(&mut page);
        self.growth(&mut page);
        page.push_str(&self.exchange.map_or_else(String::new, Exchange::markdown));
        self.agreement(&mut page);
        page
    }

    fn head(&self, page: &mut String, first: &str) {
        let names: Vec<&str> = self.columns.iter().map(|it| it.name.as_str()).collect();
        let _ = writeln!(page, "| {first} | {} |\n|---|{}", names.join(" | "), "---:|".repeat(names.len()));
    }

    fn workloads(&self, page: &mut String) {
        page.push_str("## Workloads\n\nIn brackets: p50 and p99 in milliseconds, and microseconds of server processor time a request.\n\n");
        self.head(page, "");
        for (key, name, figure) in ROWS {
            if self.columns.iter().all(|column| column.results[key].is_null()) {
                continue;
            }
            let cells = self.columns.iter().map(|column| {
                let run = &column.results[key];
                if run.is_null() {
                    return "–".to_owned();
                }
                let errors = run["errors"]
                    .as_u64()
                    .filter(|it| *it > 0)
                    .map_or(String::new(), |it| format!(", **{it} errors**"));
                format!(
                    "{} ({}, {}; {}{errors})",
                    run[figure], run["p50_ms"], run["p99_ms"], run["server_cpu_us_per_request"]
                )
            });
            let _ = writeln!(page, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        for (key, name) in [
            ("disk_bytes_per_resource", "disk, bytes a resource with all indexes"),
            ("peak_memory_mb", "memory after the work, MB"),
            ("idle_memory_mb", "memory when idle, MB"),
            ("start_seconds_full", "start with these data, s"),
        ] {
            let cells = self.columns.iter().map(|column| match &column.results[key] {
                Value::Null => "–".to_owned(),
                value => value.to_string(),
            });
            let _ = writeln!(page, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        page.push('\n');
    }

    fn safety(&self, page: &mut String) {
        const MEASURED: [(&str, &str); 4] = [
            ("S_patient_read", "patient's token: read by id"),
            ("S_patient_search", "patient's token: search within the record"),
            ("S_strict_read", "audited before the answer: read by id"),
            ("S_strict_search", "audited before the answer: search within the record"),
        ];
        let measured: Vec<(&Column, &str, &Value)> = MEASURED
            .iter()
            .flat_map(|(key, what)| self.columns.iter().map(move |column| (column, *what, &column.results[*key])))
            .filter(|(_, _, figures)| !figures.is_null())
            .collect();
        if measured.is_empty() {
            return;
        }
        page.push_str(
            "## The cost of being safe (S)\n\nThe same requests about one patient, 8 clients, in turn: first the usual way (a system client's token, looks in the\n\
             audit log within 100 ms), then the safer one. Requests a second of each, and how much longer (and how much more of\n\
             the processor) the second takes.\n\n|  | usual | safer | time | processor |\n|---|---:|---:|---:|---:|\n",
        );
        for (column, what, it) in measured {
            let _ = writeln!(
                page,
                "| {what}, {} | {} | {} | × {} | × {} |",
                column.name, it["plain"]["per_second"], it["guarded"]["per_second"], it["time_ratio"], it["cpu_ratio"]
            );
        }
        page.push('\n');
    }

    fn shapes(&self, page: &mut String) {
        if self.columns.iter().all(|column| column.blend.is_none()) {
            return;
        }
        page.push_str("## Search by shape\n\nMilliseconds: p50 and p99 in the blend of 64 clients; p50 alone with one client.\n\n");
        self.head(page, "shape");
        for (place, shape) in SHAPES.iter().enumerate() {
            let cells = self.columns.iter().map(|column| {
                let blend = column.blend.as_ref();
                let alone = shape_times(column.alone.as_ref(), place, 50.0);
                format!("{}, {}; {alone}", shape_times(blend, place, 50.0), shape_times(blend, place, 99.0))
            });
            let _ = writeln!(page, "| {} | {} |", shape.name, cells.collect::<Vec<_>>().join(" | "));
        }
        page.push('\n');
    }

    fn growth(&self, page: &mut String) {
        let (Some(growth), Some(first)) = (self.growth, self.columns.first()) else { return };
        let (small, large) = (typical(first.alone.as_ref()), typical(growth.alone.as_ref()));
        let it = &growth.results;
        let _ = writeln!(
            page,
            "## Growth (G)\n\n{} patients, {} resources, SQLite: the median over the shapes, alone, went from {small} to {large} ms\n(× {:.2}); the blend answers {} requests/s. Seeded at {} resources/s; {} bytes a resource on disk; started in {} s;\n{} MB when idle.\n",
            it["patients"],
            it["resources"],
            large / small.max(0.001),
            it["D"]["per_second"],
            it["seed_resources_per_second"],
            it["disk_bytes_per_resource"],
            it["start_seconds"],
            it["idle_memory_mb"]
        );
    }

    fn agreement(&self, page: &mut String) {
        if self.columns.len() < 2 {
            return;
        }
        let differences = self.differences();
        let asked = self.columns[0].totals.len();
        let _ = writeln!(
            page,
            "## Do they agree?\n\n{asked} searches were counted on each server before anything was timed; {} were counted differently.\n",
            differences.len()
        );
        for difference in differences.iter().take(30) {
            let _ = writeln!(page, "- `{difference}`");
        }
    }
}
