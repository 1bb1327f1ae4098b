//! `cargo xtask fuzz`: readers of what others send, tried on what nobody should send (`fuzz/`), for as long as one likes.
//! Writes docs/assurance/fuzz.md, a row for each target; what was found lies in the build folder.

use crate::program;
use crate::step::{self, Steps};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str =
    "cargo xtask fuzz TARGET|all [--minutes N] [--seconds N] [--seed S] [--input FILE]; `list` names the targets";

const HEAD: &str = "# Readers, tried on what nobody should send\n\nWritten by `cargo xtask fuzz`; a row is the last run of a target. \
Inputs are changes of real ones (the public test data, and some of our own): of their bytes, and of what they are made of.\n\
What shows something new is changed further. A panic, an input that takes longer than a second, and memory without end\n\
are findings. The same targets run in a small dose with every `cargo test`. Why in this way:\n\
[decision 19](../decisions/0019-fuzzing-without-instruments.md).\n\n\
| target | what must hold | seeds | inputs tried | kept as new | slowest | time | findings |\n|---|---|---:|---:|---:|---:|---:|---:|\n";

pub fn run(arguments: &[String]) -> Result<(), String> {
    let name = arguments.first().ok_or(HELP)?;
    let (mut seconds, mut seed, mut input) = (600, 20_260_101, None::<String>);
    let mut rest = arguments[1..].iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{argument} needs a value; {HELP}"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{value} is not a number; {HELP}"));
        match argument.as_str() {
            "--minutes" => seconds = number()? * 60,
            "--seconds" => seconds = number()?,
            "--seed" => seed = number()?,
            "--input" => input = Some(value.clone()),
            other => return Err(format!("unknown argument {other}; {HELP}")),
        }
    }
    step::run(step::cargo().args(["build", "--quiet", "--profile", "fuzz", "--package", "fuzz"]))?;
    let binary = program::target()?.join("fuzz/fuzz");
    if let Some(input) = input {
        return step::run(Command::new(&binary).args([name.as_str(), "--input", &input]));
    }
    let listed = step::output(Command::new(&binary).arg("list"))?;
    let targets: Vec<&str> = listed.lines().filter_map(|it| it.split('\t').next()).collect();
    if name == "list" {
        print!("{listed}");
        return Ok(());
    }
    let chosen: Vec<&str> = targets.iter().copied().filter(|it| name == "all" || name == it).collect();
    if chosen.is_empty() {
        return Err(format!("there is no target {name}: {}", targets.join(", ")));
    }
    let folder = program::target()?.join("fuzz-findings");
    let mut steps = Steps::new();
    for target in chosen {
        steps.take(&format!("{target} for {seconds} s"), || {
            let report = one(&binary, target, seconds, seed, &folder)?;
            record(&targets, target, &report)?;
            let findings = report["findings"].as_array().cloned().unwrap_or_default();
            match findings.is_empty() {
                true => Ok(()),
                false => Err(findings
                    .iter()
                    .map(|it| format!("{} ({})", it["what"], it["file"]))
                    .collect::<Vec<_>>()
                    .join("; ")),
            }
        });
    }
    steps.finish()
}

/// Runs a target to its end, whatever that is: a program that was ended by an input is a finding too.
fn one(binary: &Path, target: &str, seconds: u64, seed: u64, folder: &Path) -> Result<Value, String> {
    let mut command = Command::new(binary);
    command.args([target, "--seconds", &seconds.to_string(), "--seed", &seed.to_string(), "--folder"]).arg(folder);
    let done = command.stderr(std::process::Stdio::inherit()).output();
    let done = done.map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
    let text = String::from_utf8_lossy(&done.stdout);
    if let Some(report) = text.lines().next_back().and_then(|it| serde_json::from_str(it).ok()) {
        eprintln!("{}", text.trim_end());
        return Ok(report);
    }
    let found = folder.join(format!("{target}.ended"));
    std::fs::rename(folder.join(format!("{target}.current")), &found).ok();
    Err(format!("the program ended with {}; the input is {}", done.status, found.display()))
}

fn page() -> PathBuf {
    step::root().join("docs/assurance/fuzz.md")
}

/// Puts the row of a target into the page, in the order of the targets.
fn record(targets: &[&str], target: &str, report: &Value) -> Result<(), String> {
    let text = std::fs::read_to_string(page()).unwrap_or_default();
    let mut rows: BTreeMap<usize, String> = BTreeMap::new();
    for line in text.lines() {
        let name = line.strip_prefix("| ").and_then(|it| it.split(' ').next());
        if let Some(place) = name.and_then(|it| targets.iter().position(|target| *target == it)) {
            rows.insert(place, line.to_owned());
        }
    }
    let place = targets.iter().position(|it| *it == target).ok_or("a target that is not in the list")?;
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    let findings = report["findings"].as_array().map_or(0, Vec::len);
    let row = format!(
        "| {target} | {} | {} | {} | {} | {} ms | {} s | {findings} |",
        report["holds"].as_str().unwrap_or_default(),
        number("seeds"),
        number("runs"),
        number("kept"),
        number("slowest_ms"),
        report["seconds"].as_f64().unwrap_or_default(),
    );
    rows.insert(place, row);
    let mut written = HEAD.to_owned();
    rows.values().for_each(|it| written.push_str(&format!("{it}\n")));
    step::write(&page(), written)
}
