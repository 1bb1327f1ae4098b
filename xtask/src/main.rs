//! Chores of the workspace, one command a file. `cargo xtask` without a command lists them.

mod assure;
mod bench;
mod defs;
mod fuzz;
mod http;
mod interfaces;
mod machine;
mod matrix;
mod mllp;
mod postgres;
mod program;
mod step;
mod test;

use std::process::ExitCode;

type Chore = fn(&[String]) -> Result<(), String>;

const CHORES: &[(&str, &str, Chore)] = &[
    ("test", "everything that must hold before a change is taken; installs what is missing", test::run),
    ("assure", "kills and power losses in full doses; writes docs/assurance/", assure::run),
    (
        "matrix",
        "ask every cell of who may do what of a live server; writes docs/assurance/authorisation.md",
        matrix::run,
    ),
    (
        "documents",
        "hold C-CDA documents of demo people against the published schema and schematron ([people] [--bundles])",
        test::of_documents,
    ),
    ("images", "ask an Orthanc for images made for the test, as `cargo xtask test` does", test::of_images),
    ("interfaces", "write the generated pages of docs/interfaces: what of HL7 v2 is mapped", interfaces::run),
    (
        "fuzz",
        "try readers on what nobody should send (TARGET|all [--minutes N]); writes docs/assurance/fuzz.md",
        fuzz::run,
    ),
    ("bench", "measure the workloads (--quick, --peer ADDRESS); writes docs/benchmarks.md", bench::run),
    (
        "defs",
        "write spec/fhir-r4 from the published FHIR package (--check compares, --from FILE uses a local copy)",
        defs::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = arguments.first().and_then(|name| CHORES.iter().find(|(chore, _, _)| chore == name));
    let Some((name, _, chore)) = chosen else {
        for (name, purpose, _) in CHORES {
            eprintln!("cargo xtask {name:<10} {purpose}");
        }
        return ExitCode::FAILURE;
    };
    match chore(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("cargo xtask {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}
