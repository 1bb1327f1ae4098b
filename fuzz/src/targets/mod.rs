//! What is tried: one file for each kind of input. A target's `run` asserts what must hold for every input there is, and
//! tells the driver what it saw.

mod ccda;
mod v2;

use crate::driver::Target;
use std::path::{Path, PathBuf};

/// All targets, in the order of the report.
pub(crate) fn all() -> Vec<&'static Target> {
    [v2::TARGETS, ccda::TARGETS].into_iter().flatten().collect()
}

/// Files of an archive of the public test data, by their endings; none where the data are absent.
pub(crate) fn files_of(archive: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the folder was unpacked") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, endings, found);
            } else if path.extension().is_some_and(|it| endings.iter().any(|ending| it == *ending)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    if let Some(folder) = testkit::unpacked(archive) {
        collect(&folder, endings, &mut found);
    }
    found.sort();
    found.iter().filter_map(|it| std::fs::read(it).ok()).collect()
}
