//! The `continuo` program: a table of contents. Each command is in the file of its name.

mod audit;
mod backup;
mod channels;
mod cli;
mod config;
mod control;
mod db;
mod demo;
mod doctor;
mod drops;
mod egress;
mod entry;
mod export;
mod failure;
mod follow;
mod health;
mod healthcheck;
mod import;
mod logs;
mod manual;
mod metrics;
mod migrate;
mod mllp;
mod places;
mod restore;
mod route;
mod sending;
mod serve;
mod shell;
mod signals;
mod terminal;
mod version;
mod world;

use clap::Parser;
use cli::{Command, Demo, Import, Line, Settings};
use config::Config;
use failure::{Done, Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(told) => {
            // Help and version come this way too.
            let _ = told.print();
            return if told.use_stderr() { ExitCode::from(Exit::Usage as u8) } else { ExitCode::SUCCESS };
        }
    };
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::note(format_args!("continuo: {failure}"));
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(line: Line) -> Done {
    let Line { common, command } = line;
    let config = || Config::load(common.config.as_deref(), &places::flags(&common)?);
    match command {
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::pages(folder.as_deref()),
        Command::Version => version::show(common.json),
        Command::Config(Settings::Default) => config::default(),
        Command::Config(Settings::Schema) => config::schema(),
        Command::Config(Settings::Reference) => config::reference(),
        Command::Config(Settings::Check) => config::check(&config()?),
        Command::Config(Settings::Show { origin }) => config::show(&config()?, origin, common.json),
        Command::Healthcheck { url } => wait_for(healthcheck::ask(&config()?, url.as_deref())),
        Command::Serve(serve) => wait_for(serve::run(&common, serve)),
        Command::Demo(Demo::Seed { patients, seed }) => wait_for(demo::seed(&common, &config()?, patients, seed)),
        Command::Demo(Demo::Reset { yes }) => demo::reset(&common, yes),
        Command::Import(Import::Fhir(import)) => wait_for(import::fhir(&common, &config()?, import)),
        Command::Export(export) => wait_for(export::run(&common, &config()?, export)),
        Command::Db(db) => wait_for(db::run(&common, &config()?, db)),
        Command::Audit(audit) => wait_for(audit::run(&common, &config()?, audit)),
        Command::Backup(backup) => wait_for(backup::run(&common, &config()?, backup)),
        Command::Restore(restore) => wait_for(restore::run(&common, &config()?, restore)),
        Command::Migrate(migrate) => wait_for(migrate::run(&common, &config()?, migrate)),
        Command::Token(token) => wait_for(entry::token(&common, &config()?, token)),
        Command::BreachedList { from, to } => entry::breached_list(&from, &to),
        Command::Doctor => wait_for(doctor::run(&common, &config()?)),
    }
}

/// Runs a command on all cores.
fn wait_for(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Software, format!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}
