//! The world outside, in one place: the clock, chance, the environment and secret files. Everything below
//! `server` gets these as arguments.

use crate::config::Config;
use crate::egress::Client;
use crate::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use care::egress::{Closed, Egress, Policy};
use care::exchange::channel::Interfaces;
use care::identity::Thresholds;
use care::imaging::Archive;
use care::video::Relay;
use ring::rand::{SecureRandom, SystemRandom};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::UNIX_EPOCH;
use store::audit::Anchor;

/// The real surroundings of an organisation.
pub(crate) struct World {
    random: SystemRandom,
    /// Set once the settings are known; until then nothing leaves.
    egress: OnceLock<Arc<Client>>,
    /// Somebody asked the program to stop: what would go on for ever ends.
    closing: AtomicBool,
    /// What pages need to know of the settings; until they are known, what is usual.
    pages: OnceLock<Pages>,
    /// The lines over which messages come.
    interfaces: Interfaces,
    /// Where the anchors of the audit logs lie, once a server runs.
    anchors: OnceLock<PathBuf>,
    /// The archives of images, each with the organisation that may ask it.
    archives: OnceLock<Vec<(String, Archive)>>,
}

struct Pages {
    language: String,
    relay: Relay,
    matching: Thresholds,
}

impl World {
    pub(crate) fn new() -> World {
        World {
            random: SystemRandom::new(),
            egress: OnceLock::new(),
            pages: OnceLock::new(),
            closing: AtomicBool::new(false),
            interfaces: Interfaces::default(),
            anchors: OnceLock::new(),
            archives: OnceLock::new(),
        }
    }

    /// Opens the way out to other servers.
    pub(crate) fn open_egress(&self, policy: Policy) {
        self.egress.get_or_init(|| Arc::new(Client::new(policy)));
    }

    /// A certificate of ours that calls may show.
    pub(crate) fn present(&self, name: &str, connector: tokio_rustls::TlsConnector) {
        if let Some(egress) = self.egress.get() {
            egress.present(name, connector);
        }
    }

    /// Tells pages their language and the relay of video visits, and matching its thresholds.
    pub(crate) fn set_pages(&self, config: &Config) {
        let text = |key: &str| config.get(key).unwrap_or_default().to_owned();
        let relay = Relay { urls: text("video.relay"), secret: text("video.relay_secret") };
        let share = |key: &str| config.count(key) as f64 / 1_000.0;
        let matching = Thresholds { automatic: share("identity.automatic"), review: share("identity.review") };
        self.pages.get_or_init(|| Pages { language: text("pages.language"), relay, matching });
    }

    /// Tells which archives of images there are.
    pub(crate) fn set_archives(&self, archives: Vec<(String, Archive)>) {
        self.archives.get_or_init(|| archives);
    }

    /// Tells where the anchors of the audit logs are kept.
    pub(crate) fn set_anchors(&self, folder: &Path) {
        self.anchors.get_or_init(|| folder.to_owned());
    }

    /// From now on nothing new that has no end begins, and what there is ends.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// A few words that nobody guesses and everybody can type: 48 bits of chance.
    pub(crate) fn passphrase(&self) -> String {
        let mut chance = [0; 6];
        self.random.fill(&mut chance).expect("the system has randomness");
        let words: Vec<&str> = chance.iter().map(|&byte| WORDS[byte as usize]).collect();
        words.join("-")
    }
}

impl care::organisation::Surroundings for World {
    fn now(&self) -> i64 {
        now()
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Version 7 sorts by time, which keeps the id index compact.
    fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    fn new_secret(&self) -> String {
        let mut chance = [0; 32];
        self.random.fill(&mut chance).expect("the system has randomness");
        URL_SAFE_NO_PAD.encode(chance)
    }

    fn language(&self) -> &str {
        self.pages.get().map_or("en", |it| &it.language)
    }

    fn relay(&self) -> Relay {
        self.pages.get().map_or_else(Relay::default, |it| it.relay.clone())
    }

    fn matching(&self) -> Thresholds {
        self.pages.get().map_or_else(Thresholds::default, |it| it.matching)
    }

    fn interfaces(&self) -> Option<&Interfaces> {
        Some(&self.interfaces)
    }

    fn archives(&self, organisation: &str) -> Vec<Archive> {
        let all = self.archives.get().map_or(&[][..], Vec::as_slice);
        all.iter().filter(|(of, _)| of == organisation).map(|(_, archive)| archive.clone()).collect()
    }

    fn anchors(&self, organisation: &str) -> Result<Vec<Anchor>, String> {
        let Some(folder) = self.anchors.get() else { return Ok(Vec::new()) };
        crate::audit::anchors_kept(folder, organisation).map_err(|failure| failure.to_string())
    }

    fn egress(&self) -> &dyn Egress {
        self.egress.get().map_or(&Closed, |it| &**it)
    }
}

/// Microseconds since 1970 UTC.
#[allow(clippy::disallowed_methods)] // This is the place where the clock is read.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|it| it.as_micros() as i64).unwrap_or(0)
}

#[allow(clippy::disallowed_methods)] // This is the place where the environment is read.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes a file that only its owner may read, all or nothing.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    // A left-over of a crash may have other rights.
    std::fs::remove_file(&part).ok();
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(Failure::file("write", path))
}

/// Short, common, unlike one another: one for each value of a byte.
const WORDS: [&str; 256] = [
    "acid", "acorn", "actor", "agent", "alarm", "album", "alley", "amber", "anchor", "angle", "ankle", "apple",
    "apron", "arch", "arena", "arrow", "artist", "aspen", "atlas", "attic", "autumn", "badge", "bagel", "baker",
    "balcony", "bamboo", "banjo", "barn", "basil", "basket", "beach", "beacon", "bean", "bell", "bench", "berry",
    "birch", "bishop", "blanket", "blossom", "boat", "bonnet", "bottle", "branch", "brass", "bread", "breeze", "brick",
    "bridge", "broom", "bucket", "butter", "button", "cabin", "cactus", "camel", "canal", "candle", "canvas", "canyon",
    "carbon", "cargo", "carpet", "castle", "cedar", "cellar", "chalk", "cherry", "chess", "chimney", "cinema",
    "circle", "citrus", "clay", "cliff", "clock", "cloud", "clover", "coast", "cobalt", "coffee", "comet", "copper",
    "coral", "cotton", "cradle", "crane", "crater", "cricket", "crown", "crystal", "cube", "daisy", "dawn", "delta",
    "desert", "diamond", "dolphin", "domino", "donkey", "dragon", "drum", "eagle", "easel", "echo", "elbow", "ember",
    "emerald", "engine", "falcon", "feather", "fence", "fern", "fiddle", "field", "flame", "flute", "forest", "fossil",
    "fountain", "fox", "galaxy", "garden", "garlic", "gate", "ginger", "glacier", "globe", "glove", "granite", "grape",
    "gravel", "guitar", "hammer", "harbor", "harp", "hazel", "helmet", "heron", "hill", "honey", "horizon", "horse",
    "ivory", "island", "jacket", "jaguar", "jasmine", "jelly", "jigsaw", "jungle", "kayak", "kettle", "kiosk", "kite",
    "kiwi", "ladder", "lagoon", "lantern", "lemon", "lentil", "library", "lilac", "linen", "lobster", "lotus",
    "magnet", "mango", "maple", "marble", "meadow", "melon", "meteor", "mirror", "mitten", "mocha", "monsoon", "moon",
    "mosaic", "mountain", "museum", "mustard", "nectar", "needle", "nickel", "nutmeg", "oasis", "ocean", "olive",
    "onion", "opal", "orbit", "orchid", "otter", "oyster", "paddle", "palace", "panda", "paper", "parrot", "peach",
    "pebble", "pelican", "pencil", "pepper", "piano", "pillow", "pine", "planet", "plaza", "plum", "pocket", "polar",
    "poppy", "prairie", "prism", "pumpkin", "puzzle", "quartz", "quill", "rabbit", "raft", "rain", "raven", "ribbon",
    "river", "robin", "rocket", "saddle", "saffron", "sailor", "salmon", "sand", "satin", "scarf", "shell", "silver",
    "slate", "sparrow", "spruce", "stone", "summit", "sunset", "swan", "tango", "teapot", "thunder", "timber", "tulip",
    "tunnel", "valley", "velvet", "violin", "walnut", "willow", "winter",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn every_word_of_a_passphrase_is_as_likely_as_any_other() {
        assert_eq!(WORDS.iter().collect::<HashSet<_>>().len(), 256);
    }

    #[test]
    fn a_secret_file_is_for_its_owner_alone_and_is_replaced_whole() {
        let path = std::env::temp_dir().join(format!("continuo-secret-{}", std::process::id()));
        write_secret(&path, "one").unwrap();
        write_secret(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&path).unwrap();
    }
}
