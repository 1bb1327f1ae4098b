//! What is kept with a message in the log: what became of it (its state), what was answered, what it wrote, and what to
//! know about it. Written by the intake, read by the desk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use formats::v2::Message;
use formats::v2::acknowledge::{Step, Verdict, is_enhanced};
use formats::v2::map::Header;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use store::{ItemExpect, Logged, StoreError, StoreResult};

/// States of a message.
pub const DONE: &str = "done";
pub const FAILED: &str = "failed";
/// It is kept until the channel runs again.
pub const HELD: &str = "held";
/// Somebody sent it again with changes; this is the original.
pub const REPLACED: &str = "replaced";
/// Somebody decided that nothing is done about it.
pub const SKIPPED: &str = "skipped";
/// Nothing is to be done: an acknowledgement.
pub const IGNORED: &str = "ignored";

pub const STATES: [&str; 6] = [DONE, FAILED, HELD, REPLACED, SKIPPED, IGNORED];

/// What there is to know about a message whose number was used before for another one.
pub const REUSED: &str = "control-id-reused";

/// How much is kept of a note list.
pub(super) const NOTES: usize = 200;

/// What is kept with a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The answers as they were sent.
    pub answers: Vec<String>,
    /// `AA`, `AE`…: the first answer's.
    pub verdict: String,
    pub structure: String,
    pub version: String,
    pub sent: Option<String>,
    pub receiver: String,
    /// What it wrote here, with the version: `Patient/7`, 3.
    pub wrote: Vec<(String, u64)>,
    pub unchanged: usize,
    /// What it names that was known here under another name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meant: Vec<(String, String)>,
    /// Populated fields, and those of them that are mapped.
    pub fields: usize,
    pub mapped: usize,
    /// Fate, place, what to know.
    pub notes: Vec<(String, String, String)>,
    /// Where it is wrong, and how, for the person who mends it.
    pub problems: Vec<(String, String)>,
    /// How often it was worked on.
    pub attempts: u32,
    /// Its number was used before for another message.
    pub reused: bool,
    /// Which message this one was made of, by whom; and which was made of this one.
    pub original: Option<String>,
    pub by: Option<String>,
    pub replaced_by: Option<String>,
    /// Why it was left alone.
    pub reason: Option<String>,
    /// Of what goes out: what it tells of, with the version; when and why a try came to nothing; when it was settled.
    pub of: Vec<(String, u64)>,
    pub troubles: Vec<(i64, String)>,
    pub settled: Option<i64>,
    /// Why it is kept whole; when what it said was taken away, and the digest of that.
    pub hold: Option<String>,
    pub pruned: Option<i64>,
    pub digest: Option<String>,
}

impl Head {
    pub(crate) fn read(bytes: &[u8]) -> StoreResult<Head> {
        serde_json::from_slice(bytes)
            .map_err(|_| StoreError::Damaged("the head of a message cannot be read".to_owned()))
    }

    pub(crate) fn write(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts and numbers can be written").into()
    }

    /// The answers as bytes.
    pub fn replies(&self) -> Vec<Vec<u8>> {
        self.answers.iter().filter_map(|it| STANDARD.decode(it).ok()).collect()
    }
}

/// A row of the log that is to be written.
#[derive(Clone)]
pub(super) struct New {
    pub(super) id: String,
    /// When it came.
    pub(super) at: i64,
    pub(super) expect: ItemExpect,
    pub(super) head: Head,
}

impl New {
    pub(super) fn answered(&mut self, replies: &[Vec<u8>], said: Verdict, message: &Message) {
        if self.head.answers.is_empty() {
            self.head.answers = replies.iter().map(|it| STANDARD.encode(it)).collect();
        }
        self.head.verdict = verdict(said, message);
    }
}

impl Head {
    pub(super) fn of(&mut self, header: &Header) {
        self.structure = header.structure.clone();
        self.version = header.version.clone();
        self.sent = header.sent.clone();
        self.receiver = format!("{}|{}", header.receiver, header.receiving_facility).trim_matches('|').to_owned();
    }
}

pub(super) fn verdict(said: Verdict, message: &Message) -> String {
    said.code(Step::Application, is_enhanced(message)).to_owned()
}

/// A name of 32 digits, made from parts.
pub(crate) fn name(parts: &[&[u8]]) -> String {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    digest(&SHA256, &all).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether these bytes are not the message that was logged. Of one that was taken away, the digest says so.
pub(super) fn is_other(logged: &Logged, raw: &[u8]) -> bool {
    if !logged.raw.is_empty() {
        return logged.raw != raw;
    }
    Head::read(&logged.head).is_ok_and(|head| head.digest.is_some_and(|it| it != name(&[raw])))
}
