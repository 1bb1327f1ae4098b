//! What happens when a check is left out: a copy of the source with one line changed is built and asked a sample. Each
//! must be caught, or the matrix proves nothing. The real tree is not touched.

use super::{Which, blocks};
use crate::step;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Mutant {
    /// What is left out, in words.
    name: &'static str,
    file: &'static str,
    find: &'static str,
    put: &'static str,
    /// The blocks that must notice.
    block: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "what labels and consents hide",
        file: "crates/store/src/rights.rs",
        find: "        if veiled {\n",
        put: "        if veiled && self.layers.is_empty() {\n",
        block: "consent",
    },
    Mutant {
        name: "what _include and _revinclude may bring along",
        file: "crates/store/src/search/include.rs",
        find: "        let next = reach.among(session, next, Action::Read).await?;\n",
        put: "",
        block: "escape",
    },
    Mutant {
        name: "the scopes of an app in the name of a person",
        file: "crates/care/src/access/principal.rs",
        find: "        layers.push(scopes.layer(asked));\n",
        put: "        if role.recipient == Recipient::Client {\n            layers.push(scopes.layer(asked));\n        }\n",
        block: "scopes",
    },
    Mutant {
        name: "whether what is written is what may be written",
        file: "crates/store/src/admit.rs",
        find: "self.fails(session, reach, &granted, new, i64::MAX).await? {",
        put: "None::<Arc<str>>.filter(|_| granted.rules.is_empty()) {",
        block: "scopes",
    },
];

/// Builds and asks each; gives how many cells differed.
pub fn run() -> Result<Vec<(String, usize)>, String> {
    let folder = step::scratch("mutants")?;
    let mut caught = Vec::new();
    for mutant in MUTANTS {
        let tree = folder.join("tree");
        copy(&tree)?;
        apply(&tree, mutant)?;
        let target = step::root().join("target/mutants");
        let target = std::env::var_os("CONTINUO_MUTANTS_TARGET").map_or(target, PathBuf::from);
        step::run(step::cargo().current_dir(&tree).env("CARGO_TARGET_DIR", &target).args([
            "build",
            "--package",
            "server",
            "--bin",
            "continuo",
            "--locked",
        ]))?;
        let which = Which { only: vec![mutant.block.to_owned()], sample: Some(20_000), ..Which::default() };
        let told = blocks(&target.join("debug/continuo"), &which, None, false)?;
        let wrong: usize = told.iter().map(|it| it.tally.wrong()).sum();
        eprintln!("{}: {wrong} cells differ", mutant.name);
        if wrong == 0 {
            return Err(format!("nobody noticed that this was left out: {}", mutant.name));
        }
        caught.push((mutant.name.to_owned(), wrong));
        std::fs::remove_dir_all(&tree).ok();
    }
    std::fs::remove_dir_all(&folder).ok();
    Ok(caught)
}

/// The source as git knows it, with what was changed and not yet recorded.
fn copy(to: &Path) -> Result<(), String> {
    let root = step::root();
    let list = step::output(Command::new("git").current_dir(&root).args(["ls-files", "-co", "--exclude-standard"]))?;
    for file in list.lines().map(Path::new) {
        let (from, to) = (root.join(file), to.join(file));
        if !from.is_file() {
            continue;
        }
        let folder = to.parent().ok_or("a file lies in a folder")?;
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        std::fs::copy(&from, &to).map_err(|error| format!("cannot copy {}: {error}", from.display()))?;
    }
    Ok(())
}

fn apply(tree: &Path, mutant: &Mutant) -> Result<(), String> {
    let path = tree.join(mutant.file);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", mutant.file))?;
    if text.matches(mutant.find).count() != 1 {
        return Err(format!("«{}»: {} must have this once: {}", mutant.name, mutant.file, mutant.find));
    }
    step::write(&path, text.replace(mutant.find, mutant.put))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::BLOCKS;

    #[test]
    fn every_line_that_is_left_out_is_there() {
        for mutant in MUTANTS {
            let text = std::fs::read_to_string(step::root().join(mutant.file)).unwrap();
            assert_eq!(text.matches(mutant.find).count(), 1, "{}: {}", mutant.name, mutant.find);
            assert!(BLOCKS.contains(&mutant.block), "{}", mutant.name);
        }
    }
}
