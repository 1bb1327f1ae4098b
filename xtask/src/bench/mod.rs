//! `cargo xtask bench`: the workloads by which we and others can be compared, over HTTP, client included.
//! Writes `docs/benchmarks.md` and `docs/benchmarks.json`, and of the pages of a chart (P) `docs/benchmarks-pages.md`.

mod exchange;
mod lines;
mod measure;
mod pages;
mod people;
mod report;
mod safe;
mod shapes;
mod work;

use crate::http::{Client, Target};
use crate::machine;
use crate::postgres::Postgres;
use crate::program::{self, Plan, Program};
use crate::step;
use measure::Run;
use people::People;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use work::{Bench, Dose};

const HELP: &str = "cargo xtask bench [--quick] [--patients N] [--seconds N] [--runs N] [--only A,B,C,D,E,F,G,H,K,S,P] [--people N] \
[--peer http://host:port/base] [--peer-header 'Name: value'] [--peer-version TEXT] [--no-postgres] [--binary FILE] [--out FOLDER]";

struct Plans {
    patients: usize,
    growth: usize,
    /// Among whom one is looked for (K).
    people: usize,
    dose: Dose,
    only: String,
    peer: Option<Target>,
    peer_version: String,
    postgres: bool,
    binary: Option<PathBuf>,
    out: PathBuf,
}

fn read(arguments: &[String]) -> Result<Plans, String> {
    let mut plans = Plans {
        patients: 1_000,
        growth: 10_000,
        people: 1_000_000,
        dose: Dose { seconds: 10, runs: 3 },
        only: "ABCDEFGHKSP".into(),
        peer: None,
        peer_version: "peer".into(),
        postgres: true,
        binary: None,
        out: step::root().join("docs"),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value\n{HELP}"));
        let number = |text: &String| text.parse::<usize>().map_err(|_| format!("{text} is not a number\n{HELP}"));
        match argument.as_str() {
            "--quick" => {
                plans.patients = 60;
                plans.growth = 0;
                plans.people = 20_000;
                plans.dose = Dose { seconds: 2, runs: 1 };
            }
            "--patients" => plans.patients = number(value()?)?,
            "--people" => plans.people = number(value()?)?,
            "--seconds" => plans.dose.seconds = number(value()?)? as u64,
            "--runs" => plans.dose.runs = number(value()?)?.max(1),
            "--only" => plans.only = value()?.to_uppercase(),
            "--peer" => plans.peer = Some(Target::parse(value()?)?),
            "--peer-header" => {
                let (name, text) = value()?.split_once(':').ok_or("--peer-header needs 'Name: value'")?;
                let peer = plans.peer.take().ok_or("say --peer before --peer-header")?;
                plans.peer = Some(peer.header(name.trim(), text.trim()));
            }
            "--peer-version" => plans.peer_version = value()?.clone(),
            "--no-postgres" => plans.postgres = false,
            "--binary" => plans.binary = Some(PathBuf::from(value()?)),
            "--out" => plans.out = PathBuf::from(value()?),
            other => return Err(format!("unknown argument {other}\n{HELP}")),
        }
    }
    Ok(plans)
}

/// One server and what was measured of it.
pub struct Column {
    pub name: String,
    pub results: Value,
    /// Medians by shape, in the order of `SHAPES`: in the blend, then alone.
    pub blend: Option<Run>,
    pub alone: Option<Run>,
    pub totals: Vec<(String, Option<u64>)>,
}

pub fn run(arguments: &[String]) -> Result<(), String> {
    let plans = read(arguments)?;
    // This program plays all the clients on the same two cores: what it needs, the server does not get.
    if cfg!(debug_assertions) {
        let again = ["run", "--quiet", "--release", "--package", "xtask", "--", "bench"];
        return step::run(step::cargo().args(again).args(arguments));
    }
    let folder = step::scratch("bench")?;
    let exchange = plans.only.contains('K').then(|| exchange::run(&folder, &plans)).transpose()?;
    if let Some(exchange) = &exchange {
        eprintln!("{}", exchange.markdown());
    }
    if plans.only == "K" {
        return Ok(());
    }
    let binary = match &plans.binary {
        Some(binary) => binary.clone(),
        None => program::build()?,
    };
    let pages = plans.only.contains('P').then(|| pages::run(&binary, plans.patients)).transpose()?;
    if let Some(pages) = &pages {
        eprintln!("{}", pages.table());
        step::write(&plans.out.join("benchmarks-pages.md"), pages.markdown())?;
    }
    if plans.only == "P" {
        return Ok(());
    }
    let before = machine::syncs_per_second(&folder)?;
    eprintln!("making {} people", plans.patients);
    let people = Rc::new(People::make(&binary, &folder, plans.patients, 1)?);
    eprintln!("{} resources of {} patients", people.resources, people.lives.len());
    let mut columns = Vec::new();

    let plan = Plan::new(&binary, &folder.join("sqlite"))?;
    columns.push(ours("SQLite", &plan, None, &people, &plans)?);
    if plans.postgres {
        let postgres = Postgres::start(true)?;
        let mut plan = Plan::new(&binary, &folder.join("postgres"))?;
        plan.store = Some(postgres.address("continuo"));
        let name = postgres.version().replace("postgres (PostgreSQL)", "PostgreSQL");
        columns.push(ours(&name, &plan, Some(&postgres), &people, &plans)?);
    }
    if let Some(peer) = &plans.peer {
        let processes: Vec<u32> = machine::listener(peer.port()).into_iter().collect();
        let bench = Bench { target: peer, processes, dose: plans.dose, seed: 1 };
        let mut column = workloads(&plans.peer_version, &bench, &people, &plans.only)?;
        mixed(&mut column, &bench, &people, &plans.only)?;
        columns.push(column);
    }
    let growth = if plans.only.contains('G') && plans.growth > plans.patients {
        Some(grow(&binary, &folder, &people, &plans)?)
    } else {
        None
    };
    let after = machine::syncs_per_second(&folder)?;
    let canary = json!({ "before_per_second": measure::round(before), "after_per_second": measure::round(after) });
    let page = report::Page {
        plans: &plans,
        people: &people,
        columns: &columns,
        growth: growth.as_ref(),
        exchange: exchange.as_ref(),
        canary,
    };
    step::write(&plans.out.join("benchmarks.md"), page.markdown())?;
    step::write(&plans.out.join("benchmarks.json"), format!("{:#}\n", page.json()))?;
    eprintln!("written to {}", plans.out.join("benchmarks.md").display());
    std::fs::remove_dir_all(&folder).ok();
    let errors = columns.iter().filter_map(|column| report::first_error(&column.results)).next();
    errors.map_or(Ok(()), |error| Err(format!("a workload met errors: {error}")))
}

/// Our own server on one of its stores.
fn ours(
    name: &str,
    plan: &Plan,
    postgres: Option<&Postgres>,
    people: &Rc<People>,
    plans: &Plans,
) -> Result<Column, String> {
    std::fs::create_dir_all(&plan.folder).map_err(|error| format!("cannot make {}: {error}", plan.folder.display()))?;
    let server = plan.start()?;
    let target = server.target()?;
    let empty_start = server.started_in;
    let mut processes = vec![server.pid()];
    // The connections of the pool have processes of their own; they are there after a first request.
    runtime_get(&target, "/Patient?_count=1")?;
    processes.extend(postgres.map(Postgres::processes).unwrap_or_default());
    let bench = Bench { target: &target, processes, dose: plans.dose, seed: 1 };
    let mut column = workloads(name, &bench, people, &plans.only)?;
    if plans.only.contains('H') {
        let run = lines::measure(&server.mllp(), &bench.processes, plans.dose)?;
        eprintln!("{name}  H: {:.0}/s, {} errors", run.per_second(), run.errors);
        column.results["H"] = run.json("messages_per_second");
    }
    if plans.only.contains('S') {
        safety(&mut column, plan, &server, people, plans)?;
    }
    mixed(&mut column, &bench, people, &plans.only)?;
    column.results["peak_memory_mb"] = (machine::resident(server.pid()) / 1_000_000).into();
    server.stop()?;
    if postgres.is_none() {
        column.results["disk_bytes_per_resource"] = disk(plan, plans.patients)?.into();
    }
    let server = plan.start()?;
    column.results["start_seconds_empty"] = json!((empty_start.as_secs_f64() * 1000.0).round() / 1000.0);
    column.results["start_seconds_full"] = json!((server.started_in.as_secs_f64() * 1000.0).round() / 1000.0);
    std::thread::sleep(std::time::Duration::from_secs(1));
    column.results["idle_memory_mb"] = (machine::resident(server.pid()) / 1_000_000).into();
    server.stop()?;
    Ok(column)
}

/// S: with a token of one patient beside that of a system client; then, of a second server over data of its own that
/// audits looks before it answers, beside the first.
fn safety(
    column: &mut Column,
    plan: &Plan,
    server: &Program,
    people: &Rc<People>,
    plans: &Plans,
) -> Result<(), String> {
    let record = Rc::new(safe::Record::largest(people)?);
    let (all, one) = (server.target()?, server.target_of(&record.patient)?);
    let plain = safe::Door { target: &all, process: server.pid() };
    let mut keep = |what: &str, measured: [(&str, safe::Pair); 2]| {
        for (asked, pair) in measured {
            let figures = pair.json();
            eprintln!(
                "{}  S, {what}, {asked}: time x {}, processor x {}",
                column.name, figures["time_ratio"], figures["cpu_ratio"]
            );
            column.results[format!("S_{what}_{asked}")] = figures;
        }
    };
    let guarded = safe::Door { target: &one, process: server.pid() };
    keep("patient", safe::measure(&plain, &guarded, &record, plans.dose)?);
    // A database serves one server of ours; the strict one is measured on the embedded store.
    if plan.store.is_some() {
        return Ok(());
    }
    let mut strict = Plan::new(&plan.binary, &plan.folder.join("strict"))?;
    strict.variables.push(("CONTINUO_AUDIT__STRICT".into(), "true".into()));
    seed(&strict, plans.patients)?;
    let strict = strict.start()?;
    let before_the_answer = safe::Door { target: &strict.target()?, process: strict.pid() };
    keep("strict", safe::measure(&plain, &before_the_answer, &record, plans.dose)?);
    strict.stop().map(drop)
}

/// Bytes a resource takes on disk once it is there, before anybody looked at it: looks are written down too, and
/// would be counted with it.
fn disk(plan: &Plan, patients: usize) -> Result<u64, String> {
    let fresh = Plan::new(&plan.binary, &plan.folder.join("disk"))?;
    let resources = seed(&fresh, patients)?;
    Ok(machine::folder_bytes(&fresh.data()) / resources.max(1))
}

/// Fills a store with demo people and says how many resources it has.
fn seed(plan: &Plan, patients: usize) -> Result<u64, String> {
    std::fs::create_dir_all(&plan.folder).map_err(|error| format!("cannot make {}: {error}", plan.folder.display()))?;
    step::run(&mut plan.command(&["demo", "seed", "--patients", &patients.to_string(), "--seed", "1"])?)?;
    let stats = step::output(&mut plan.command(&["db", "stats", "--json"])?)?;
    let stats: Value = serde_json::from_str(&stats).map_err(|error| format!("db stats wrote no report: {error}"))?;
    Ok(stats["organisations"][0]["resources"].as_u64().unwrap_or(1))
}

fn runtime_get(target: &Target, path: &str) -> Result<(), String> {
    let answer = program::runtime()?.block_on(async { Client::new(target).get(path).await });
    match answer {
        Ok(answer) if answer.ok() => Ok(()),
        Ok(answer) => Err(format!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body))),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

/// A, then what only reads, then what only adds.
fn workloads(name: &str, bench: &Bench<'_>, people: &Rc<People>, only: &str) -> Result<Column, String> {
    let mut column = Column { name: name.into(), results: json!({}), blend: None, alone: None, totals: Vec::new() };
    let results = &mut column.results;
    let say = |what: &str, run: &Run| say(name, what, run);
    // The others need the data, so A is always done.
    let (few, many) = bench.ingest(people)?;
    say("A, 8 clients", &few);
    say("A, 32 clients", &many);
    results["A_8"] = few.json("resources_per_second");
    results["A_32"] = many.json("resources_per_second");
    column.totals = bench.totals(people)?;
    if only.contains('C') {
        let run = bench.reads(people)?;
        say("C", &run);
        results["C"] = run.json("reads_per_second");
    }
    if only.contains('D') || only.contains('G') {
        // First alone, so that what a server makes once (its CapabilityStatement, its connections) is made.
        column.alone = Some(bench.alone(people, 20)?);
        let run = bench.searches(people)?;
        say("D", &run);
        results["D"] = run.json("searches_per_second");
        column.blend = Some(run);
    }
    if only.contains('F') {
        let run = bench.everything(people)?;
        say("F", &run);
        results["F"] = run.json("patients_per_second");
    }
    if only.contains('E') {
        for clients in [1, 8, 64] {
            let run = bench.pairs(people, clients)?;
            say(&format!("E, {clients} clients"), &run);
            results[format!("E_{clients}")] = run.json("resources_per_second");
        }
    }
    Ok(column)
}

/// B, which deletes and so comes last: after it the record is another one.
fn mixed(column: &mut Column, bench: &Bench<'_>, people: &Rc<People>, only: &str) -> Result<(), String> {
    if only.contains('B') {
        let run = bench.mix(people)?;
        say(&column.name, "B", &run);
        column.results["B"] = run.json("done_per_second");
    }
    Ok(())
}

fn say(name: &str, what: &str, run: &Run) {
    eprintln!(
        "{name}  {what}: {:.0}/s ({:.0} resources/s), {} errors {}",
        run.per_second(),
        run.weight_per_second(),
        run.errors,
        run.refusal.as_deref().unwrap_or("")
    );
}

/// G: the same searches over ten times the people, who are put there by the program itself.
fn grow(binary: &Path, folder: &Path, people: &Rc<People>, plans: &Plans) -> Result<Column, String> {
    let plan = Plan::new(binary, &folder.join("growth"))?;
    let begun = std::time::Instant::now();
    let resources = seed(&plan, plans.growth)?;
    let seeded = begun.elapsed().as_secs_f64();
    let server = plan.start()?;
    let target = server.target()?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    let idle = machine::resident(server.pid()) / 1_000_000;
    let bench = Bench { target: &target, processes: vec![server.pid()], dose: plans.dose, seed: 1 };
    let alone = bench.alone(people, 20)?;
    let blend = bench.searches(people)?;
    let results = json!({
        "patients": plans.growth,
        "resources": resources,
        "seed_resources_per_second": measure::round(resources as f64 / seeded),
        "disk_bytes_per_resource": machine::folder_bytes(&plan.data()) / resources.max(1),
        "start_seconds": (server.started_in.as_secs_f64() * 1000.0).round() / 1000.0,
        "idle_memory_mb": idle,
        "D": blend.json("searches_per_second"),
    });
    server.stop()?;
    Ok(Column { name: "growth".into(), results, blend: Some(blend), alone: Some(alone), totals: Vec::new() })
}
