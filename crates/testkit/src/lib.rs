//! What tests share: where the public test data lie, and how to unpack them once. Never shipped.

pub mod dice;
pub mod fhir_xml;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The folder of public test data beside the checkout, or what `CONTINUO_TEST_DATA` names.
/// Tests that need it say so and pass when it is absent: plain `cargo test` needs nothing installed.
#[allow(clippy::disallowed_methods)] // Tests may read the environment.
pub fn shared_data() -> Option<PathBuf> {
    let named = std::env::var("CONTINUO_TEST_DATA").map(PathBuf::from).ok();
    // A worktree may lie deeper than a plain checkout, so look upwards.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = named.or_else(|| root.ancestors().map(|up| up.join("shared/data")).find(|it| it.is_dir()));
    if found.is_none() {
        eprintln!("the public test data are absent (set CONTINUO_TEST_DATA to their folder): this test checks nothing");
    }
    found
}

/// How much random tests do: a little with every `cargo test`, all of it with `CONTINUO_DOSE=full`.
#[allow(clippy::disallowed_methods)] // Tests may read the environment.
pub fn dose(small: usize, full: usize) -> usize {
    if std::env::var("CONTINUO_DOSE").is_ok_and(|dose| dose == "full") { full } else { small }
}

/// A file of the documentation that is made from data (its path in the repository): it must be what was made now. With
/// `CONTINUO_WRITE=1` (`cargo xtask interfaces`) it is written.
#[allow(clippy::disallowed_methods)] // Tests may read the environment.
pub fn holds(path: &str, made: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates lie in the repository");
    let file = root.join(path);
    if std::env::var("CONTINUO_WRITE").is_ok_and(|it| it == "1") {
        std::fs::write(&file, made).expect("the documentation can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = written.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        written == made,
        "{path} is not what is made now, from line {:?}: cargo xtask interfaces",
        differs.map(|it| it + 1)
    );
}

/// Unpacks `NAME.tgz` of the test data into the build folder, once, and returns that folder.
pub fn unpacked(name: &str) -> Option<PathBuf> {
    let archive = shared_data()?.join(format!("{name}.tgz"));
    if !archive.exists() {
        eprintln!("{name}.tgz is absent from the test data: this test checks nothing");
        return None;
    }
    let exe = std::env::current_exe().expect("a test has a path");
    // Tests lie in target/<profile>/deps, programs beside it.
    let folder = exe.parent().expect("a test lies in a folder");
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let build = profile.and_then(Path::parent).expect("tests lie in target/<profile>/deps");
    let target = build.join("test-data").join(name.replace('/', "_"));
    let done = target.join(".unpacked");
    // Tests of one process run side by side and may want the same archive.
    static UNPACKING: Mutex<()> = Mutex::new(());
    let _turn = UNPACKING.lock().unwrap_or_else(PoisonError::into_inner);
    if !done.exists() {
        let fresh = target.with_extension(format!("part{}", std::process::id()));
        std::fs::create_dir_all(&fresh).expect("the build folder can be written");
        let status = Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&fresh).status().expect("tar runs");
        assert!(status.success(), "tar could not unpack {}", archive.display());
        std::fs::write(fresh.join(".unpacked"), "").expect("the build folder can be written");
        // Another test process may have been quicker; either copy is complete.
        if std::fs::rename(&fresh, &target).is_err() {
            std::fs::remove_dir_all(&fresh).ok();
        }
    }
    Some(target)
}
