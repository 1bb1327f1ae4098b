//! `cargo xtask matrix`: who may see and do what, asked cell by cell of a live server and held against an oracle that
//! was written apart from the code that decides. Writes `docs/assurance/authorisation.md`.

mod ask;
mod consent;
pub mod doors;
mod escape;
mod fhir;
mod mutants;
mod oauth;
mod orders;
mod people;
mod policy;
mod report;
mod routes;
mod sample;
mod scopes;
mod tables;
pub mod world;

use crate::postgres::Postgres;
use ask::Tally;
use people::People;
use report::Told;
use std::path::{Path, PathBuf};
use world::World;

const HELP: &str = "cargo xtask matrix [--binary FILE] [--sample N] [--postgres] [--only fhir,scopes,escape,routes,consent,orders] \
[--cell TEXT] [--mutants] [--out FOLDER]";

struct Plans {
    binary: Option<PathBuf>,
    postgres: bool,
    mutants: bool,
    out: Option<PathBuf>,
    which: Which,
}

/// Which cells are asked.
#[derive(Clone, Default)]
struct Which {
    only: Vec<String>,
    /// Those whose name has this text.
    cell: Option<String>,
    /// About so many of all.
    sample: Option<usize>,
}

/// About how many cells there are; a sample is a share of them.
const ALL: usize = 95_000;

impl Which {
    fn block(&self, name: &str) -> bool {
        let asked = |cell: &String| cell.starts_with(name) || !BLOCKS.iter().any(|it| cell.starts_with(it));
        self.cell.as_ref().is_none_or(asked) && (self.only.is_empty() || self.only.iter().any(|it| it == name))
    }

    fn cell(&self, name: &str) -> bool {
        self.cell.as_ref().is_none_or(|cell| name.contains(cell.as_str()))
            && self.sample.is_none_or(|sample| spread(name) as usize % ALL < sample)
    }
}

const BLOCKS: [&str; 6] = ["escape", "consent", "routes", "orders", "scopes", "fhir"];

/// The same name, the same number: a sample can be repeated (FNV-1a).
fn spread(name: &str) -> u32 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash >> 32) as u32
}

fn read(arguments: &[String]) -> Result<Plans, String> {
    let mut plans = Plans { binary: None, postgres: false, mutants: false, out: None, which: Which::default() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value\n{HELP}"));
        match argument.as_str() {
            "--binary" => plans.binary = Some(PathBuf::from(value()?)),
            "--sample" => {
                let number = value()?.parse().map_err(|_| format!("--sample needs a number\n{HELP}"))?;
                plans.which.sample = Some(number);
            }
            "--postgres" => plans.postgres = true,
            "--mutants" => plans.mutants = true,
            "--only" => plans.which.only = value()?.split(',').map(str::to_owned).collect(),
            "--cell" => plans.which.cell = Some(value()?.clone()),
            "--out" => plans.out = Some(PathBuf::from(value()?)),
            other => return Err(format!("unknown argument {other}\n{HELP}")),
        }
    }
    Ok(plans)
}

pub fn run(arguments: &[String]) -> Result<(), String> {
    let plans = read(arguments)?;
    let binary = match &plans.binary {
        Some(binary) => binary.clone(),
        None => crate::program::build()?,
    };
    let mut told = blocks(&binary, &plans.which, None, true)?;
    if plans.postgres {
        let postgres = Postgres::start(false)?;
        let which = Which { sample: Some(5_000), ..plans.which.clone() };
        told.extend(blocks(&binary, &which, Some(&postgres), true)?);
    }
    let caught = if plans.mutants { mutants::run()? } else { Vec::new() };
    // Half an answer is not published.
    let whole = plans.which.only.is_empty() && plans.which.cell.is_none() && plans.which.sample.is_none();
    match plans.out {
        Some(folder) => report::write(&folder, &told, &caught)?,
        None if whole => report::write(&crate::step::root().join("docs/assurance"), &told, &caught)?,
        None => {}
    }
    judge(&told)
}

/// A part of all blocks, for every change.
pub fn small_dose(binary: &Path) -> Result<(), String> {
    let which = Which { sample: Some(6_000), ..Which::default() };
    judge(&blocks(binary, &which, None, false)?)
}

fn judge(told: &[Told]) -> Result<(), String> {
    let wrong: usize = told.iter().map(|it| it.tally.wrong()).sum();
    if told.iter().map(|it| it.tally.cells).sum::<usize>() == 0 {
        return Err("no cell was asked".into());
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} answers differ from what they must be")) }
}

/// Asks the blocks one after another, those that change least first.
fn blocks(binary: &Path, which: &Which, postgres: Option<&Postgres>, verbose: bool) -> Result<Vec<Told>, String> {
    let world = World::start(binary, postgres.map(|it| it.address("continuo")))?;
    let store = postgres.map_or_else(|| "SQLite".to_owned(), Postgres::version);
    let people = People::gather(&world)?;
    world.plant(&world.near, vec![world.tables.bare("Patient", &world.near.other, "Patient/none")])?;
    let keep = |name: &str| which.cell(name);
    let mut told: Vec<Told> = Vec::new();
    let mut tell = |name: &'static str, what: &'static str, tally: Tally| {
        aloud(name, &tally, verbose);
        told.push(Told { name, what, store: store.clone(), tally });
    };
    if which.block("escape") {
        // One probe of a link stands for its link; a sample takes fewer links.
        let every = which.sample.map_or(1, |sample| (ALL / sample.max(1)).clamp(1, 10));
        let chosen = |name: &str| which.cell.as_ref().is_none_or(|cell| name.contains(cell.as_str()));
        let mut tally = Tally::default();
        for asker in people.askers() {
            let escape = escape::seed(&world, &asker.own, every)?;
            tally.add(escape::run(&world, escape, &asker, &chosen)?);
        }
        tell("escape", "100 links × 16 ways out of one's own compartment × who asks", tally);
    }
    if which.block("consent") {
        let recipients = people.recipients(&world)?;
        let emergency = |who: &world::Principal, patient: &str| doors::break_glass(&world, who, patient);
        let tally = consent::run(&world, &recipients, &emergency, &keep)?;
        tell("consent", "purposes × confidentialities × sensitivities × consents × recipients", tally);
    }
    if which.block("routes") {
        let tally = routes::run(&world, &people.principals, &keep)?;
        tell("routes", "pages and addresses × who asks × own or other organisation", tally);
    }
    if which.block("orders") {
        let tally = orders::run(&world, &people.principals, &keep)?;
        tell("orders", "who asks × orders × from what to what", tally);
    }
    if which.block("scopes") {
        let (app, backend) = (oauth::App::of(&world.near)?, oauth::Backend::of(&world.near)?);
        let runtime = crate::program::runtime()?;
        let flow = |key: &str, launch: &str, scope: &str| {
            let session = people.find(key).map(world::Principal::session).unwrap_or_default();
            runtime.block_on(oauth::code_flow(&world, &app, &session, &format!("{launch}{scope}")))
        };
        let patient = |scope: &str| flow("patient", "launch/patient ", scope);
        let user = |scope: &str| flow("clinician-treating", "", scope);
        let system = |scope: &str| runtime.block_on(backend.token(&world, scope));
        let contexts = [
            scopes::Context { name: "patient", role: "patient", token: &patient },
            scopes::Context { name: "user", role: "clinician", token: &user },
            scopes::Context { name: "system", role: "system", token: &system },
        ];
        scopes::seed(&world, &contexts)?;
        let tally = scopes::run(&world, &contexts, &keep)?;
        tell("scopes", "contexts × types × cruds × granted, absent, narrowed, wildcard", tally);
    }
    if which.block("fhir") {
        let kinds = world.tables.kinds.clone();
        fhir::seed(&world, &people.principals, &kinds)?;
        let tally = fhir::run(&world, &people.principals, &kinds, &keep)?;
        tell("fhir", "who asks × types × 10 interactions × whose it is", tally);
    }
    Ok(told)
}

fn aloud(name: &str, tally: &Tally, verbose: bool) {
    eprintln!(
        "{name}: {} cells ({} must be given), {} requests in {:.1} s = {:.0}/s; {:?}",
        tally.cells,
        tally.given,
        tally.requests,
        tally.seconds,
        tally.requests as f64 / tally.seconds.max(0.001),
        tally.faults
    );
    let most = if verbose { tally.examples.len() } else { 20 };
    for example in tally.examples.iter().take(most) {
        eprintln!("  {example}");
    }
}
