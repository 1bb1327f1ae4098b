//! `cargo xtask test`: everything that must hold before a change is taken, in doses that fit into half an
//! hour on two cores from a clean clone. What is missing is installed.

use crate::postgres::Postgres;
use crate::program;
use crate::step::{self, Steps};
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "cargo xtask test [--no-browser] [--no-faults] [--no-matrix] [--as-shipped]";

pub fn run(arguments: &[String]) -> Result<(), String> {
    let (mut browser, mut faults, mut matrix, mut shipped) = (true, true, true, false);
    for argument in arguments {
        match argument.as_str() {
            "--no-browser" => browser = false,
            "--no-faults" => faults = false,
            "--no-matrix" => matrix = false,
            "--as-shipped" => shipped = true,
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
    // The build for release takes as long as all tests; what it would tell more is asked with --as-shipped.
    steps.take("the program", || {
        binary = Some(if shipped { program::build()? } else { program::build_for_tests()? });
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
            steps.take("pages and journeys in a browser", || pages(&binary, "small"));
            steps.take("apps of others, in a browser and in Python", || clients(&binary));
        }
    }
    steps.take("documents against the published rules of C-CDA", || documents(2, false));
    steps.finish()
}

/// Runs tests/browser against a demo: every page is looked at, and journeys are gone through. The small dose fits into
/// five minutes on two cores; `full` leaves no page, theme, width or kind of patient out.
pub fn pages(binary: &Path, dose: &str) -> Result<(), String> {
    let folder = step::root().join("tests/browser");
    packages(&folder)?;
    let chromium = chromium()?;
    with_demo(binary, |base, demo| {
        for script in ["scan.mjs", "journeys.mjs", "notes.mjs"] {
            let mut look = Command::new("node");
            look.current_dir(&folder).arg(script).arg(base).arg(demo.join("data/demo.json"));
            look.arg("--out").arg(demo.join("shots")).args(["--dose", dose]);
            step::run(look.env("CHROMIUM", &chromium))?;
        }
        Ok(())
    })
}

/// Runs tests/clients against a demo: apps that others wrote, in a browser and in Python, and their HL7 v2 senders.
fn clients(binary: &Path) -> Result<(), String> {
    let folder = step::root().join("tests/clients");
    packages(&folder)?;
    let chromium = chromium()?;
    with_demo(binary, |base, demo| {
        let python = python(&folder, &demo.join("python"))?;
        let mut run = Command::new("node");
        run.current_dir(&folder).arg("run.mjs").arg(base).arg(demo.join("data/demo.json"));
        step::run(run.arg("--python").arg(&python).env("CHROMIUM", &chromium))?;
        let mut lines = Command::new("node");
        lines.current_dir(&folder).arg("hl7.mjs").arg(base).arg(demo.join("data/demo.json"));
        step::run(lines.arg("--python").arg(&python))
    })
}

/// `cargo xtask documents [people] [--bundles]`.
pub fn of_documents(arguments: &[String]) -> Result<(), String> {
    let people = arguments.iter().find_map(|it| it.parse().ok()).unwrap_or(100);
    documents(people, arguments.iter().any(|it| it == "--bundles"))
}

/// Holds C-CDA documents of demo people, and of public bundles where `bundles`, against the published schema and
/// schematron. Without the public test data there are no rules, and nothing is held.
pub fn documents(people: usize, bundles: bool) -> Result<(), String> {
    let named = std::env::var_os("CONTINUO_TEST_DATA").map(PathBuf::from);
    let found = named.or_else(|| step::root().ancestors().map(|up| up.join("shared/data")).find(|it| it.is_dir()));
    let Some(data) = found else {
        println!("the public test data are absent: nothing is held against the rules");
        return Ok(());
    };
    let place = step::root().join("target/documents");
    let (rules, made, lives) = (place.join("rules"), place.join("made"), place.join("bundles"));
    for (archive, folder) in [("ccda-schema-schematron.tgz", &rules), ("synthea-r4.tgz", &lives)] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        step::run(Command::new("tar").arg("xzf").arg(data.join(archive)).arg("-C").arg(folder))?;
    }
    std::fs::remove_dir_all(&made).ok();
    let mut make = step::cargo();
    make.args(["run", "--quiet", "--locked", "-p", "care", "--example", "documents", "--"])
        .arg(&made)
        .arg(people.to_string());
    if bundles {
        make.arg(&lives);
    }
    step::run(&mut make)?;
    let folder = step::root().join("tests/documents");
    let python = python(&folder, &place.join("python"))?;
    step::run(Command::new(python).arg(folder.join("check.py")).arg(&rules).arg(&made))
}

/// The npm packages that a folder pins.
fn packages(folder: &Path) -> Result<(), String> {
    if !step::installed("npm") {
        step::install(&["nodejs", "npm"])?;
    }
    if folder.join("package.json").is_file() && !folder.join("node_modules").is_dir() {
        let lock = if folder.join("package-lock.json").is_file() { "ci" } else { "install" };
        step::run(Command::new("npm").current_dir(folder).args([lock, "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}

/// A Python with the packages that a folder pins, in an environment of its own.
fn python(folder: &Path, home: &Path) -> Result<PathBuf, String> {
    if step::output(Command::new("python3").args(["-m", "ensurepip", "--version"])).is_err() {
        step::install(&["python3", "python3-venv"])?;
    }
    step::run(Command::new("python3").args(["-m", "venv"]).arg(home))?;
    let python = home.join("bin/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    step::run(install.arg(folder.join("requirements.txt")))?;
    Ok(python)
}

/// Runs something against a fresh demo, whose files are thrown away when all went well.
fn with_demo(binary: &Path, work: impl FnOnce(&str, &Path) -> Result<(), String>) -> Result<(), String> {
    let demo = step::scratch("demo")?;
    let port = step::free_port()?;
    let log = std::fs::File::create(demo.join("log")).map_err(|error| format!("cannot write the log: {error}"))?;
    let mut server = Command::new(binary)
        .args(["serve", "--demo", "--port", &port.to_string(), "--mllp-port", "0", "--data-dir"])
        .arg(demo.join("data"))
        .stdout(std::process::Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("cannot start the demo: {error}"))?;
    let result = wait(port).and_then(|()| work(&format!("http://127.0.0.1:{port}"), &demo));
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
