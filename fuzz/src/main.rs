//! Readers of what others send, tried on what nobody should send. `cargo xtask fuzz` builds and starts it; by itself:
//!
//! ```text
//! fuzz list
//! fuzz TARGET --seconds N|--runs N [--seed S] --folder FOLDER     prints a report as JSON
//! fuzz TARGET --input FILE                                        tries one input, as it was found
//! ```
//!
//! A target is a function and its seeds (`targets`); what drives them knows nothing about them (`driver`, `mutate`).

mod driver;
mod mutate;
mod targets;

use driver::{Dose, Seen, Target};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match started(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(why) => {
            eprintln!("fuzz: {why}");
            ExitCode::FAILURE
        }
    }
}

fn started(arguments: &[String]) -> Result<bool, String> {
    let all = targets::all();
    let name = arguments.first().map_or("list", String::as_str);
    if name == "list" {
        all.iter().for_each(|it| println!("{}\t{}", it.name, it.holds));
        return Ok(true);
    }
    let target = all.into_iter().find(|it| it.name == name).ok_or_else(|| format!("there is no target {name}"))?;
    let (mut dose, mut seed, mut folder) = (Dose::Seconds(10), 1, std::env::temp_dir());
    let mut rest = arguments[1..].iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{argument} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{value} is not a number"));
        match argument.as_str() {
            "--seconds" => dose = Dose::Seconds(number()?),
            "--runs" => dose = Dose::Runs(number()?),
            "--seed" => seed = number()?,
            "--folder" => folder = PathBuf::from(value),
            "--input" => return again(target, value),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let report = driver::run(target, dose, seed, &folder).map_err(|error| error.to_string())?;
    let mut findings = Vec::new();
    for (number, (what, input)) in report.findings.iter().enumerate() {
        let path = folder.join(format!("{name}.finding{number}"));
        std::fs::write(&path, input).map_err(|error| error.to_string())?;
        findings.push(json!({ "what": what, "bytes": input.len(), "file": path.display().to_string() }));
    }
    let said = json!({
        "target": name, "holds": target.holds, "seed": seed, "seeds": report.seeds, "runs": report.runs,
        "kept": report.kept, "marks": report.marks, "seconds": report.seconds.round(),
        "slowest_ms": report.slowest.as_millis() as u64, "findings": findings,
    });
    println!("{said}");
    Ok(findings.is_empty())
}

/// Tries one input without a net: the panic is shown with its trace.
fn again(target: &Target, path: &str) -> Result<bool, String> {
    let input = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let begun = std::time::Instant::now();
    (target.run)(&input, &mut Seen::default());
    println!("{} bytes in {:?}: nothing wrong", input.len(), begun.elapsed());
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_holds_for_its_seeds_and_some_thousand_changes_of_them() {
        let folder = std::env::temp_dir().join(format!("continuo-fuzz-{}", std::process::id()));
        for target in targets::all() {
            let runs = testkit::dose(150, 100_000) as u64;
            let report = driver::run(target, Dose::Runs(runs), 20_260_101, &folder).expect("the folder can be written");
            assert!(report.findings.is_empty(), "{}: {:?}", target.name, report.findings);
            assert!(report.runs >= runs && report.marks > 3, "{}: it sees nothing", target.name);
        }
        std::fs::remove_dir_all(&folder).ok();
    }

    #[test]
    fn a_fault_is_found_made_small_and_told_once() {
        fn run(input: &[u8], seen: &mut Seen) {
            seen.amount("length", input.len());
            assert!(!input.windows(2).any(|it| it == b"OB"), "an OB in it");
        }
        let target = Target {
            name: "faulty",
            holds: "no OB",
            grain: mutate::Grain::Cut(&[b"|"]),
            words: &[b"OBX"],
            seeds: || vec![b"MSH|a|b".to_vec()],
            run,
        };
        let folder = std::env::temp_dir().join(format!("continuo-fuzz-found-{}", std::process::id()));
        let report = driver::run(&target, Dose::Runs(2_000), 1, &folder).expect("the folder can be written");
        std::fs::remove_dir_all(&folder).ok();
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        let (what, input) = report.findings.first_key_value().expect("one");
        assert!(what.contains("an OB in it") && input == b"OB", "{what}: {input:?}");
    }
}
