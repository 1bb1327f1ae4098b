//! `cargo xtask assure`: what the program promises, tried in full doses: kills, power losses, who may do what. Writes `docs/assurance/`, so that
//! anyone can repeat it. `cargo xtask test` takes small doses of the same.

mod fault;
mod lines;
mod load;

use crate::step;
use fault::{Fault, Load, Report};
use std::path::PathBuf;

const HELP: &str = "cargo xtask assure [--kills N] [--power-losses N] [--load fhir|lines] [--seed S] [--no-matrix] [--no-pages] [--binary FILE]";

pub fn run(arguments: &[String]) -> Result<(), String> {
    let (mut kills, mut losses, mut seed, mut binary) = (1_000, 200, 20_260_101, None::<PathBuf>);
    let (mut matrix, mut pages, mut only) = (true, true, None::<String>);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value; {HELP}"));
        let number = |text: &String| text.parse::<u64>().map_err(|_| format!("{text} is not a number; {HELP}"));
        match argument.as_str() {
            "--kills" => kills = number(value()?)?,
            "--power-losses" => losses = number(value()?)?,
            "--seed" => seed = number(value()?)?,
            "--load" => only = Some(value()?.to_lowercase()),
            "--no-matrix" => matrix = false,
            "--no-pages" => pages = false,
            "--binary" => binary = Some(PathBuf::from(value()?)),
            other => return Err(format!("unknown argument {other}; {HELP}")),
        }
    }
    let binary = match binary {
        Some(binary) => binary,
        None => crate::program::build()?,
    };
    let mut steps = step::Steps::new();
    let mut reports = Vec::new();
    let faults = [
        (Fault::Kill, Load::Fhir, kills),
        (Fault::PowerLoss, Load::Fhir, losses),
        (Fault::Kill, Load::Lines, kills),
        (Fault::PowerLoss, Load::Lines, losses),
    ];
    let chosen = |load: Load| only.as_ref().is_none_or(|it| *it == format!("{load:?}").to_lowercase());
    for (fault, load, cycles) in faults.into_iter().filter(|it| chosen(it.1)) {
        steps.take(&format!("{fault:?}, {load:?} × {cycles}"), || {
            let report = fault::run(&binary, fault, load, cycles, seed)?;
            let result = judge(&report);
            reports.push(report);
            result
        });
    }
    let mut noticed = String::new();
    steps.take("a disk that lies is noticed", || {
        noticed = control(&binary, seed)?;
        Ok(())
    });
    let written = page(&reports, &noticed);
    // Of one load alone no page is made: the other would be gone from it.
    match only {
        None => step::write(&step::root().join("docs/assurance/faults.md"), written)?,
        Some(_) => println!("{written}"),
    }
    if matrix {
        steps.take("who may do what, every cell", || {
            let binary = binary.to_str().ok_or("the binary has a strange name")?;
            crate::matrix::run(&["--binary", binary, "--postgres", "--mutants"].map(str::to_owned))
        });
    }
    if pages {
        steps.take("every page in every theme, width and kind of patient", || crate::test::pages(&binary, "full"));
    }
    steps.finish()
}

/// A small dose of both, for every change.
pub fn small_dose(binary: &std::path::Path) -> Result<(), String> {
    for (fault, load, cycles) in [
        (Fault::Kill, Load::Fhir, 10),
        (Fault::PowerLoss, Load::Fhir, 5),
        (Fault::Kill, Load::Lines, 5),
        (Fault::PowerLoss, Load::Lines, 3),
    ] {
        judge(&fault::run(binary, fault, load, cycles, 7)?)?;
    }
    control(binary, 7).map(drop)
}

/// The other way round: on a disk that does not keep the log, the comparison must see it: writes are gone, or the
/// store cannot even be asked. Says which.
fn control(binary: &std::path::Path, seed: u64) -> Result<String, String> {
    match fault::run(binary, Fault::LyingDisk, Load::Fhir, 5, seed) {
        Ok(report) if report.findings.clean() => {
            Err("a disk that did not keep the write-ahead log went unnoticed: this test proves nothing".into())
        }
        Ok(report) => Ok(format!("{} acknowledged writes were lost", report.findings.lost)),
        Err(reason) => Ok(format!("the store could not be asked any more ({reason})")),
    }
}

fn judge(report: &Report) -> Result<(), String> {
    let findings = &report.findings;
    if findings.acknowledged == 0 {
        return Err("no write was acknowledged, so nothing was tried".into());
    }
    if findings.clean() && report.verify_issues == 0 {
        return Ok(());
    }
    Err(format!(
        "{} lost, {} doubled, {} half visible, {} issues of db verify (seed {}): {}",
        findings.lost,
        findings.doubled,
        findings.half,
        report.verify_issues,
        report.seed,
        findings.examples.join("; ")
    ))
}

fn page(reports: &[Report], noticed: &str) -> String {
    let mut page = String::from(
        "# Kills and power losses\n\nWritten by `cargo xtask assure`. The real program serves eight clients that create, put, count, delete and\n\
         send transactions over FHIR, or twenty lines with HL7 v2 results and admissions, each message acknowledged (AA) when it\n\
         and what it changed are written; at a random moment it is ended, started again, and the record is held against what was\n\
         acknowledged. *Lost*: acknowledged and absent. *Doubled*: there more than once, or a version too many. *Half*: one\n\
         of two writes of a transaction. `db verify` recomputes the index of every resource and checks versions and log.\n\n\
         A power loss puts every file of the store back to what it was after its last successful `fsync` or `fdatasync`\n\
         (a preloaded library keeps those images) and removes shared-memory files.\n\n\
         | fault | load | times | seed | writes acknowledged | without an answer | lost | doubled | half | db verify: runs, issues | slowest start | took |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for report in reports {
        let it = &report.findings;
        page.push_str(&format!(
            "| {:?} | {:?} | {} | {} | {} | {} | {} | {} | {} | {}, {} | {:.2} s | {:.0} s |\n",
            report.fault,
            report.load,
            report.cycles,
            report.seed,
            it.acknowledged,
            it.unacknowledged,
            it.lost,
            it.doubled,
            it.half,
            report.verified,
            report.verify_issues,
            report.slowest_start.as_secs_f64(),
            report.seconds
        ));
    }
    page.push_str(&format!(
        "\nThe other way round, a disk that acknowledges the sync of the write-ahead log and does nothing, as a store meets it\n\
         that does not sync its log: {noticed}.\n"
    ));
    page.push_str(&format!("\nMachine: `{}`\n", crate::machine::description()));
    page
}
