//! `cargo xtask matrix`: who may see and do what, asked cell by cell of a live server and held against an oracle that
//! was written apart from the code that decides. Writes `docs/assurance/authorisation.md`.

mod ask;
mod doors;
mod escape;
mod fhir;
mod policy;
mod sample;
mod tables;
mod world;

use ask::Tally;
use std::path::PathBuf;
use world::{Principal, World};

const HELP: &str = "cargo xtask matrix [--binary FILE] [--sample N] [--postgres] [--only fhir,scopes,escape,routes,consent] \
[--cell TEXT] [--out FOLDER]";

struct Plans {
    binary: Option<PathBuf>,
    sample: Option<usize>,
    postgres: bool,
    only: Vec<String>,
    cell: Option<String>,
    out: PathBuf,
}

fn read(arguments: &[String]) -> Result<Plans, String> {
    let mut plans = Plans {
        binary: None,
        sample: None,
        postgres: false,
        only: Vec::new(),
        cell: None,
        out: crate::step::root().join("docs/assurance"),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value\n{HELP}"));
        match argument.as_str() {
            "--binary" => plans.binary = Some(PathBuf::from(value()?)),
            "--sample" => plans.sample = Some(value()?.parse().map_err(|_| format!("--sample needs a number\n{HELP}"))?),
            "--postgres" => plans.postgres = true,
            "--only" => plans.only = value()?.split(',').map(str::to_owned).collect(),
            "--cell" => plans.cell = Some(value()?.clone()),
            "--out" => plans.out = PathBuf::from(value()?),
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
    let world = World::start(&binary, "matrix")?;
    let principals = principals(&world)?;
    let keep = |name: &str| plans.cell.as_ref().is_none_or(|cell| name.contains(cell.as_str()));
    let kinds = world.tables.kinds.clone();
    let wants = |block: &str| plans.only.is_empty() || plans.only.iter().any(|it| it == block);
    let mut total = Tally::default();
    if wants("escape") {
        let escape = escape::seed(&world, 1)?;
        let askers: Vec<Principal> = principals.iter().filter(|it| it.role == "patient").cloned().collect();
        let tally = escape::run(&world, escape, &askers, &keep)?;
        tell("escape", &tally);
        total.add(tally);
    }
    if wants("fhir") {
        fhir::seed(&world, &principals, &kinds)?;
        let tally = fhir::run(&world, &principals, &kinds, &keep)?;
        tell("fhir", &tally);
        total.add(tally);
    }
    if total.wrong() == 0 { Ok(()) } else { Err(format!("{} cells differ", total.wrong())) }
}

fn tell(name: &str, tally: &Tally) {
    eprintln!(
        "{name}: {} cells ({} must be given), {} requests in {:.1} s = {:.0}/s; {:?}",
        tally.cells,
        tally.given,
        tally.requests,
        tally.seconds,
        tally.requests as f64 / tally.seconds.max(0.001),
        tally.faults
    );
    for example in &tally.examples {
        eprintln!("  {example}");
    }
}

/// Everybody who asks.
fn principals(world: &World) -> Result<Vec<Principal>, String> {
    let runtime = crate::program::runtime()?;
    let near = &world.near;
    let session = |role: &str, nth: usize| -> Result<String, String> {
        let login = near.login(role, nth).ok_or_else(|| format!("the demo has no login of {role}"))?;
        runtime.block_on(doors::sign_in(&world.root, &near.slug, login)).map(|it| doors::bearer(&it))
    };
    let mut all = vec![Principal { key: "anonymous", role: "anonymous", headers: String::new() }];
    let people = [
        ("patient", "patient"),
        ("front-desk", "front-desk"),
        ("nurse", "nurse"),
        ("clinician", "clinician"),
        ("biller", "biller"),
        ("practice-admin", "practice-admin"),
        ("system-admin", "system-admin"),
        ("privacy-officer", "privacy-officer"),
        ("integration-engineer", "integration-engineer"),
    ];
    for (key, role) in people {
        all.push(Principal { key, role, headers: session(role, 0)? });
    }
    all.push(Principal { key: "system", role: "system", headers: near.bearer() });
    Ok(all)
}
