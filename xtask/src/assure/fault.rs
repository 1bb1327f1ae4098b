//! Kills and power losses under load: the server is ended at a random moment, started again, and the record
//! held against what was promised.
//!
//! A kill (SIGKILL) leaves the system's file cache as it was. A power loss does not: there, every file of the
//! store is put back to what was on the disk after its last sync (`durable.c` keeps those images), and
//! shared-memory files vanish. Only the second tells a store that syncs before it acknowledges from one that
//! does not.

use super::lines;
use super::load::{self, Findings, Ledger};
use crate::program::{self, Plan, Program};
use crate::step;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Kill,
    PowerLoss,
    /// A power loss after a disk said that the write-ahead log is safe and did nothing, as a store would find it that
    /// does not sync its log (SQLite's `synchronous=NORMAL`). It must lose writes: if not, this test could not see it.
    LyingDisk,
}

impl Fault {
    fn loses_power(self) -> bool {
        self != Fault::Kill
    }
}

/// What goes on while it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// Eight programs write over FHIR.
    Fhir,
    /// Twenty lines bring HL7 v2 messages.
    Lines,
}

/// What a series of faults showed.
pub struct Report {
    pub fault: Fault,
    pub load: Load,
    pub cycles: u64,
    pub seed: u64,
    pub findings: Findings,
    /// What `db verify` found, over all the times it was asked.
    pub verify_issues: u64,
    pub verified: u64,
    pub slowest_start: Duration,
    pub seconds: f64,
}

const CLIENTS: usize = 8;

/// How often the whole store is verified: after each of the first few, then now and then, because it takes
/// longer as the store grows.
fn verifies(cycle: u64, cycles: u64) -> bool {
    cycle < 3 || cycle.is_multiple_of(25) || cycle + 1 == cycles
}

pub fn run(binary: &Path, fault: Fault, load: Load, cycles: u64, seed: u64) -> Result<Report, String> {
    let begun = Instant::now();
    let folder = step::scratch(if fault.loses_power() { "power" } else { "kill" })?;
    let mut plan = Plan::new(binary, &folder)?;
    let images = folder.join("images");
    if fault.loses_power() {
        std::fs::create_dir_all(&images).map_err(|error| format!("cannot make {}: {error}", images.display()))?;
        let library = compile(&folder)?;
        plan.variables = vec![
            ("LD_PRELOAD".into(), library.display().to_string()),
            ("DURABLE_WATCH".into(), plan.data().display().to_string()),
            ("DURABLE_IMAGES".into(), images.display().to_string()),
        ];
        if fault == Fault::LyingDisk {
            plan.variables.push(("DURABLE_LIES".into(), "-wal".into()));
        }
    }
    let mut dice = Dice::new(seed);
    let mut report = Report {
        fault,
        load,
        cycles,
        seed,
        findings: Findings::default(),
        verify_issues: 0,
        verified: 0,
        slowest_start: Duration::ZERO,
        seconds: 0.0,
    };
    let mut counters = [0; CLIENTS];
    for cycle in 0..cycles {
        let life = seed.wrapping_mul(1_000_003).wrapping_add(cycle) % 1_000_000_000;
        let server = plan.start()?;
        report.slowest_start = report.slowest_start.max(server.started_in);
        // A message changes several resources and may bring somebody new: it takes its time.
        let longest = if load == Load::Lines { 1_400 } else { 380 };
        let wait = Duration::from_millis(20 + dice.below(longest) as u64);
        let between = || -> Result<Program, String> {
            if fault.loses_power() {
                // The images go on being kept: what the check reads may be checkpointed and killed too.
                lose_power(&plan.data(), &images)?;
            }
            plan.start()
        };
        let (server, findings) = match load {
            Load::Fhir => over_fhir(server, life, wait, &mut counters, between)?,
            Load::Lines => over_lines(server, life, cycle, wait, between)?,
        };
        report.slowest_start = report.slowest_start.max(server.started_in);
        report.findings.add(findings);
        server.stop()?;
        if verifies(cycle, cycles) {
            report.verify_issues += verify(&plan)?;
            report.verified += 1;
        }
        if !report.findings.clean() {
            // One is enough to know; the folder is left for whoever looks into it.
            report.seconds = begun.elapsed().as_secs_f64();
            return Ok(report);
        }
        if cycle % 20 == 19 {
            eprintln!(
                "{fault:?}: {} of {cycles}, {} writes acknowledged, none lost",
                cycle + 1,
                report.findings.acknowledged
            );
        }
    }
    std::fs::remove_dir_all(&folder).ok();
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// One life of the server under load of programs, its end, and what the next one has.
fn over_fhir(
    server: Program,
    life: u64,
    wait: Duration,
    counters: &mut [u64; CLIENTS],
    between: impl FnOnce() -> Result<Program, String>,
) -> Result<(Program, Findings), String> {
    let target = server.target()?;
    let ledger = Ledger::default();
    let runtime = program::runtime()?;
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(async {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let work = load::write_until_gone(target.clone(), client, life, counters[client], ledger.clone());
                tokio::task::spawn_local(work)
            })
            .collect();
        tokio::time::sleep(wait).await;
        server.kill()?;
        for client in clients {
            client.await.map_err(|error| format!("a client failed: {error}"))?;
        }
        Ok::<(), String>(())
    }))?;
    let ledger = ledger.borrow().clone();
    let server = between()?;
    let target = server.target()?;
    let findings = runtime.block_on(async {
        let mut findings = load::compare(&target, &ledger).await?;
        for (client, counter) in counters.iter_mut().enumerate() {
            *counter = load::counter(&target, client, *counter, &ledger, &mut findings).await?;
        }
        Ok::<Findings, String>(findings)
    })?;
    Ok((server, findings))
}

/// The same under load of messages.
fn over_lines(
    server: Program,
    life: u64,
    cycle: u64,
    wait: Duration,
    between: impl FnOnce() -> Result<Program, String>,
) -> Result<(Program, Findings), String> {
    let ledger = lines::Ledger::default();
    let runtime = program::runtime()?;
    let local = tokio::task::LocalSet::new();
    server.target()?;
    runtime.block_on(local.run_until(async {
        let senders: Vec<_> = (0..lines::LINES)
            .map(|line| {
                let work = lines::send_until_gone(server.mllp(), line, life, cycle, ledger.clone());
                tokio::task::spawn_local(work)
            })
            .collect();
        tokio::time::sleep(wait).await;
        server.kill()?;
        for sender in senders {
            sender.await.map_err(|error| format!("a sender failed: {error}"))?;
        }
        Ok::<(), String>(())
    }))?;
    let ledger = ledger.borrow().clone();
    let server = between()?;
    let (target, address) = (server.target()?, server.mllp());
    let findings = runtime.block_on(lines::compare(&target, &address, &ledger))?;
    Ok((server, findings))
}

fn verify(plan: &Plan) -> Result<u64, String> {
    let done = plan
        .command(&["db", "verify", "--json"])?
        .output()
        .map_err(|error| format!("cannot run db verify: {error}"))?;
    let report: serde_json::Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| format!("db verify wrote no report: {}", String::from_utf8_lossy(&done.stderr)))?;
    let issues = report["organisations"].as_array().ok_or("the report of db verify names no organisations")?;
    let issues: u64 = issues.iter().map(|it| it["issues"].as_array().map_or(0, Vec::len) as u64).sum();
    Ok(issues + verify_log(plan)?)
}

/// Whether the chain of the audit log holds and agrees line for line with the change log: a commit and its entry are
/// one transaction, so no fault may leave one without the other.
fn verify_log(plan: &Plan) -> Result<u64, String> {
    let done = plan
        .command(&["audit", "verify", "--json"])?
        .output()
        .map_err(|error| format!("cannot run audit verify: {error}"))?;
    let report: serde_json::Value = serde_json::from_slice(&done.stdout)
        .map_err(|_| format!("audit verify wrote no report: {}", String::from_utf8_lossy(&done.stderr)))?;
    let all = report["organisations"].as_array().ok_or("the report of audit verify names no organisations")?;
    let bad = all.iter().filter(|it| !it["bad"].is_null());
    bad.clone().for_each(|it| eprintln!("audit log: {}", it["bad"]));
    Ok(bad.count() as u64)
}

/// Compiles the library that keeps durable images.
fn compile(folder: &Path) -> Result<PathBuf, String> {
    let compiler = ["cc", "gcc", "clang"].into_iter().find(|it| step::installed(it)).ok_or("a C compiler is needed")?;
    let source = folder.join("durable.c");
    step::write(&source, include_str!("durable.c"))?;
    let library = folder.join("durable.so");
    let mut command = Command::new(compiler);
    command.args(["-O2", "-Wall", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
    step::run(&mut command)?;
    Ok(library)
}

/// Puts every file of the store back to its last durable image; a file that was never synced is gone.
fn lose_power(data: &Path, images: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot put the durable images back: {error}");
    let mut kept = 0;
    for entry in std::fs::read_dir(data).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("trial.db")) {
            continue;
        }
        let image = images.join(path.to_string_lossy().replace('/', "%"));
        if !path.to_string_lossy().ends_with("-shm") && image.exists() {
            std::fs::copy(&image, &path).map_err(failed)?;
            kept += 1;
        } else {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    // Without images the method would prove nothing.
    if kept == 0 { Err("no file of the store was ever synced: is the library preloaded?".into()) } else { Ok(()) }
}
