//! `cargo xtask interfaces`: the pages in docs/interfaces that are made from data: what of HL7's tables is mapped, and what
//! became of the messages that others published. The tests that hold the pages also write them.

use crate::step;

const TESTS: [&str; 2] = ["v2_coverage", "v2_report"];

pub fn run(_: &[String]) -> Result<(), String> {
    let mut tests = step::cargo();
    tests.args(["test", "--quiet", "--package", "formats"]);
    for test in TESTS {
        tests.args(["--test", test]);
    }
    step::run(tests.env("CONTINUO_WRITE", "1"))
}
