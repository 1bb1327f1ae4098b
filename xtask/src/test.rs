//! `cargo xtask test`: everything that must hold before a change is taken, in doses that fit into half an
//! hour on two cores from a clean clone. What is missing is installed.

use crate::postgres::Postgres;
use crate::program;
use crate::step::{self, Steps};
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "cargo xtask test [--no-browser] [--no-faults] [--no-matrix]";

pub fn run(arguments: &[String]) -> Result<(), String> {
    let (mut browser, mut faults, mut matrix) = (true, true, true);
    for argument in arguments {
        match argument.as_str() {
            "--no-browser" => browser = false,
            "--no-faults" => faults = false,
            "--no-matrix" => matrix = false,
            other => return Err(format!("unknown argument {other}; {HELP}")),
        }
    }
    let mut steps = Steps::new();
    steps.take("format", || step::run(step::cargo().args(["fmt", "--all", "--check"])));
    steps.take("clippy", || {
        let lint = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        step::run(step::cargo().args(lint))
    });
    let mut postgres = None;
    steps.take("a temporary PostgreSQL", || {
        postgres = Some(Postgres::start(false)?);
        Ok(())
    });
    steps.take("tests on both stores", || {
        let mut tests = step::cargo();
        tests.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
        if let Some(postgres) = &postgres {
            tests.env("CONTINUO_TEST_POSTGRES", postgres.address("continuo"));
        }
        step::run(&mut tests)
    });
    drop(postgres);
    steps.take("documentation", || {
        step::run(
            step::cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    let mut binary = None;
    steps.take("build as shipped", || {
        binary = Some(program::build()?);
        Ok(())
    });
    if let Some(binary) = binary {
        if faults {
            steps.take("kills and power losses, small dose", || crate::assure::small_dose(&binary));
        }
        if matrix {
            steps.take("who may do what, a sample", || crate::matrix::small_dose(&binary));
        }
        if browser {
            steps.take("pages in a browser", || scan(&binary));
        }
    }
    steps.finish()
}

/// Runs tests/browser/scan.mjs against a demo, where there is one.
fn scan(binary: &Path) -> Result<(), String> {
    let folder = step::root().join("tests/browser");
    if !folder.join("scan.mjs").is_file() {
        eprintln!("there is no tests/browser/scan.mjs");
        return Ok(());
    }
    if !step::installed("npm") {
        step::install(&["nodejs", "npm"])?;
    }
    if folder.join("package.json").is_file() && !folder.join("node_modules").is_dir() {
        let lock = if folder.join("package-lock.json").is_file() { "ci" } else { "install" };
        step::run(Command::new("npm").current_dir(&folder).args([lock, "--no-audit", "--no-fund"]))?;
    }
    let chromium = chromium()?;
    let demo = step::scratch("demo")?;
    let port = step::free_port()?;
    let log = std::fs::File::create(demo.join("log")).map_err(|error| format!("cannot write the log: {error}"))?;
    let mut server = Command::new(binary)
        .args(["serve", "--demo", "--port", &port.to_string(), "--data-dir"])
        .arg(demo.join("data"))
        .stdout(std::process::Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("cannot start the demo: {error}"))?;
    let ready = wait(port);
    let result = ready.and_then(|()| {
        let mut scan = Command::new("node");
        scan.current_dir(&folder).arg("scan.mjs").arg(format!("http://127.0.0.1:{port}"));
        scan.arg(demo.join("data/demo.json")).arg("--out").arg(demo.join("shots"));
        step::run(scan.env("CHROMIUM", &chromium))
    });
    server.kill().ok();
    server.wait().ok();
    if result.is_ok() {
        std::fs::remove_dir_all(&demo).ok();
    }
    result
}

/// A demo is ready within a minute, whatever the machine.
fn wait(port: u16) -> Result<(), String> {
    let target = crate::http::Target::parse(&format!("http://127.0.0.1:{port}"))?;
    let runtime = program::runtime()?;
    for _ in 0..600 {
        let answer = runtime.block_on(async { crate::http::Client::new(&target).get("/readyz").await });
        if answer.is_ok_and(|it| it.status == 200) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err("the demo was not ready within a minute".into())
}

fn chromium() -> Result<PathBuf, String> {
    let find = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(step::find);
    if let Some(found) = find() {
        return Ok(found);
    }
    step::install(&["chromium"])?;
    find().ok_or_else(|| "Chromium was installed but is not on the search path".into())
}
