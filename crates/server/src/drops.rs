//! Folders into which partners lay messages: each file is one message or a batch of them. A file is taken when it has
//! stopped growing; when all in it is on disk, it moves to `done` within the folder, or to `error` when something in it
//! was refused, with the answers beside it. When the program dies in between, the file is taken again, and what was
//! taken before is known again and changes nothing.

use crate::failure::{Exit, Failure};
use care::exchange::channel::{Channel, Interfaces, Line, Wish};
use care::organisation::Surroundings;
use care::{Installation, Organisation};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_secs(1);
/// Files taken in one go.
const AT_ONCE: usize = 200;

/// A channel that looks into a folder, as the settings have it.
pub(crate) struct Drop {
    pub(crate) organisation: String,
    pub(crate) channel: Channel,
    pub(crate) folder: PathBuf,
}

/// All folders that are looked into.
pub(crate) struct Drops {
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Drops {
    pub(crate) async fn open(
        asked: Vec<Drop>,
        installation: &Installation,
        world: &Arc<crate::world::World>,
    ) -> Result<Drops, Failure> {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = Vec::new();
        for Drop { organisation: slug, channel, folder } in asked {
            let Some(organisation) = installation.organisation(&slug).cloned() else {
                let what = format!("channel.{}: there is no organisation {slug}", channel.name);
                return Err(Failure::new(Exit::Config, what));
            };
            for below in ["done", "error"] {
                let below = folder.join(below);
                std::fs::create_dir_all(&below).map_err(Failure::file("make the folder", &below))?;
            }
            let interfaces = world.interfaces().expect("the world has lines");
            let line = interfaces.open(&organisation, channel).await.map_err(Failure::store("read", &slug))?;
            let looker = Looker { line, organisation, folder, world: world.clone(), sizes: HashMap::new() };
            tasks.push(tokio::spawn(looker.keep(stopping.clone())));
        }
        Ok(Drops { tasks, stop })
    }

    /// Lets the file under way be finished, and ends.
    pub(crate) async fn close(self, patience: Duration) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(patience, futures::future::join_all(self.tasks)).await;
    }
}

struct Looker {
    line: Arc<Line>,
    organisation: Arc<Organisation>,
    folder: PathBuf,
    world: Arc<crate::world::World>,
    /// How large each file was at the last look: one that still grows is not finished.
    sizes: HashMap<PathBuf, u64>,
}

impl Looker {
    async fn keep(mut self, mut stopping: watch::Receiver<bool>) {
        let mut wishes = self.line.wishes();
        while !*stopping.borrow() {
            let runs = *wishes.borrow_and_update() != Wish::Stop;
            self.line.tell(|it| it.open = runs);
            if runs {
                self.look(&stopping).await;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = wishes.changed() => {}
                _ = stopping.changed() => {}
            }
        }
        self.line.tell(|it| it.open = false);
    }

    async fn look(&mut self, stopping: &watch::Receiver<bool>) {
        let files = match ready(&self.folder, &mut self.sizes, self.line.channel.largest) {
            Ok(files) => files,
            Err(error) => {
                self.line.tell(|it| it.trouble = Some(error.to_string()));
                return;
            }
        };
        self.line.tell(|it| it.trouble = None);
        for file in files {
            if *stopping.borrow() || self.line.wish() == Wish::Stop {
                return;
            }
            if let Err(error) = self.take(&file).await {
                tracing::error!(target: "continuo", channel = %self.line.channel.name, %error, "a file of a folder could not be taken; it stays");
                self.line.tell(|it| it.trouble = Some(error.to_string()));
                return;
            }
        }
    }

    async fn take(&self, file: &Path) -> std::io::Result<()> {
        let interfaces: &Interfaces = self.world.interfaces().expect("the world has lines");
        let replies = match std::fs::metadata(file)?.len() > self.line.channel.largest as u64 {
            true => vec![self.line.broken(&self.organisation, "the message is larger than is allowed here")],
            false => self.line.frame(&self.organisation, interfaces, &std::fs::read(file)?).await,
        };
        let said: Vec<u8> = replies
            .into_iter()
            .flat_map(|mut it| {
                if !it.ends_with(b"\r") {
                    it.push(b'\r');
                }
                it
            })
            .collect();
        if cannot_be_kept(&said) {
            return Err(std::io::Error::other("it cannot be kept now"));
        }
        let place = self.folder.join(if is_refused(&said) { "error" } else { "done" });
        let name = file.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        // A file of this name that came before stays as it is.
        let name = match place.join(&name).exists() {
            true => format!("{}-{name}", self.organisation.surroundings.new_id()),
            false => name,
        };
        let mut answer = std::fs::File::create(place.join(format!("{name}.ack")))?;
        answer.write_all(&said)?;
        answer.sync_all()?;
        std::fs::rename(file, place.join(name))?;
        std::fs::File::open(&place)?.sync_all()
    }
}

/// The verdicts in an answer or in many.
fn verdicts(said: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = said.split(|it| matches!(it, b'\r' | b'\n')).filter_map(|it| it.strip_prefix(b"MSA"));
    lines.map(|it| it.get(1..3).unwrap_or_default())
}

fn is_refused(said: &[u8]) -> bool {
    verdicts(said).any(|it| !matches!(it, b"AA" | b"CA"))
}

/// The store takes nothing now: the file is left where it is.
fn cannot_be_kept(said: &[u8]) -> bool {
    verdicts(said).any(|it| matches!(it, b"AR" | b"CR")) && contains(said, b"|207^")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}

/// The files that have not grown since the last look, the oldest first. Names that begin with a point and names that end
/// with `.part`, `.tmp` or `.ack` are not finished files.
fn ready(folder: &Path, sizes: &mut HashMap<PathBuf, u64>, largest: usize) -> std::io::Result<Vec<PathBuf>> {
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let unfinished = name.starts_with('.') || [".part", ".tmp", ".ack"].iter().any(|it| name.ends_with(it));
        if !about.is_file() || unfinished {
            continue;
        }
        let path = entry.path();
        // What is too large is refused without being read to its end.
        let grown = sizes.get(&path) != Some(&about.len()) && about.len() <= largest as u64;
        seen.insert(path.clone(), about.len());
        if !grown {
            found.push((about.modified()?, path));
        }
    }
    *sizes = seen;
    found.sort();
    Ok(found.into_iter().take(AT_ONCE).map(|it| it.1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_when_it_has_stopped_growing() {
        let folder = std::env::temp_dir().join(format!("continuo-drops-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (one, part) = (folder.join("one.hl7"), folder.join("two.hl7.part"));
        std::fs::write(&one, "MSH").unwrap();
        std::fs::write(&part, "MSH").unwrap();
        let mut sizes = HashMap::new();
        assert!(ready(&folder, &mut sizes, 100).unwrap().is_empty(), "just seen");
        std::fs::write(&one, "MSH|").unwrap();
        assert!(ready(&folder, &mut sizes, 100).unwrap().is_empty(), "it grew");
        assert_eq!(ready(&folder, &mut sizes, 100).unwrap(), [one]);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_an_answer_says_decides_where_the_file_goes() {
        assert!(!is_refused(b"MSH|x\rMSA|AA|1\rMSH|x\rMSA|AA|2\r"));
        assert!(is_refused(b"MSH|x\rMSA|AA|1\rMSH|x\rMSA|AE|2\r"));
        assert!(!is_refused(b""), "no answer was wanted");
        assert!(cannot_be_kept(b"MSA|AR|1\rERR|||207^Application internal error^HL70357|E\r"));
        assert!(!cannot_be_kept(b"MSA|AR|1\rERR|||203^Unsupported version^HL70357|E\r"));
    }
}
