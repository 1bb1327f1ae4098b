//! Where an import of certain files stands, so that an interrupted one can go on. Kept in the data folder,
//! deleted when the import is done.

use crate::failure::{Done, Failure};
use ring::digest::{Context, SHA256};
use std::path::{Path, PathBuf};

pub(crate) struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    /// For these files as they are now: other files, or the same files changed, are another import.
    pub(crate) fn of(folder: &Path, organisation: &str, files: &[(PathBuf, u64)]) -> Checkpoint {
        let mut context = Context::new(&SHA256);
        context.update(organisation.as_bytes());
        for (path, size) in files {
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            context.update(format!("\0{}\0{size}", path.display()).as_bytes());
        }
        let name: String = context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Checkpoint { path: folder.join("imports").join(format!("{name}.checkpoint")) }
    }

    /// How many documents were done when it was last written.
    pub(crate) fn read(&self) -> u64 {
        std::fs::read_to_string(&self.path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    pub(crate) fn write(&self, documents: u64) -> Done {
        let write = || {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let part = self.path.with_extension("part");
            std::fs::write(&part, documents.to_string())?;
            std::fs::rename(&part, &self.path)
        };
        write().map_err(Failure::file("write the checkpoint", &self.path))
    }

    pub(crate) fn clear(&self) {
        std::fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_for_the_same_files_only() {
        let folder = std::env::temp_dir().join(format!("continuo-checkpoint-{}", std::process::id()));
        let files = vec![(PathBuf::from("/a.json"), 7)];
        let checkpoint = Checkpoint::of(&folder, "riverside", &files);
        assert_eq!(checkpoint.read(), 0);
        checkpoint.write(12).unwrap();
        assert_eq!(Checkpoint::of(&folder, "riverside", &files).read(), 12);
        assert_eq!(Checkpoint::of(&folder, "lakeside", &files).read(), 0);
        assert_eq!(Checkpoint::of(&folder, "riverside", &[(PathBuf::from("/a.json"), 8)]).read(), 0);
        checkpoint.clear();
        assert_eq!(checkpoint.read(), 0);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
