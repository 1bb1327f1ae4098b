//! The chain: the hash of an entry is SHA-256 over the hash before it and the entry, with every name written out, so
//! that no number can come to mean something else. Change, take away, add or exchange entries, and the first one that
//! does not follow from the one before it is found.
//!
//! An entry as bytes: its members in the order of [`Plain`]; numbers as eight bytes, texts and lists after their
//! length as four bytes (all big-endian), what is absent as the length 2^32 - 1.

use ring::digest::{Context, SHA256};
use std::borrow::Cow;

pub(crate) type Hash = [u8; 32];

/// What the first entry follows.
pub(crate) fn genesis() -> Hash {
    finish(Context::new(&SHA256), b"continuo audit log 1")
}

/// An entry with names in place of numbers.
#[derive(Debug, Default)]
pub(crate) struct Plain<'a> {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) who: &'a str,
    pub(crate) role: &'a str,
    pub(crate) display: &'a str,
    pub(crate) client: Option<&'a str>,
    pub(crate) purpose: &'a str,
    pub(crate) action: &'a str,
    pub(crate) outcome: i64,
    /// Type and id of the resource it was about.
    pub(crate) kind: Option<&'a str>,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) version: Option<i64>,
    pub(crate) wrote: i64,
    pub(crate) rule: Option<&'a str>,
    pub(crate) request: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
}

/// Makes hashes one after the other, in the same memory.
#[derive(Default)]
pub(crate) struct Hasher(Vec<u8>);

impl Hasher {
    /// `patients`: their ids, in the order of their numbers.
    pub(crate) fn follow<'a>(
        &mut self,
        before: &Hash,
        entry: &Plain<'_>,
        patients: impl ExactSizeIterator<Item = &'a str>,
    ) -> Hash {
        self.0.clear();
        self.number(entry.seq);
        self.number(entry.at);
        for text in [entry.who, entry.role, entry.display] {
            self.text(text);
        }
        self.maybe(entry.client);
        self.text(entry.purpose);
        self.text(entry.action);
        self.number(entry.outcome);
        self.maybe(entry.kind);
        self.maybe(entry.id.as_deref());
        self.number(entry.version.unwrap_or(-1));
        self.number(entry.wrote);
        for text in [entry.rule, entry.request, entry.detail] {
            self.maybe(text);
        }
        self.length(patients.len());
        patients.for_each(|id| self.text(id));
        let mut context = Context::new(&SHA256);
        context.update(before);
        finish(context, &self.0)
    }

    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u32).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.length(u32::MAX as usize),
        }
    }
}

fn finish(mut context: Context, last: &[u8]) -> Hash {
    context.update(last);
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

pub(crate) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Hash> {
    let digits: Option<Vec<u8>> = text.chars().map(|it| it.to_digit(16).map(|it| it as u8)).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect();
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_from_one_member_to_the_next_changes_the_hash() {
        let mut hasher = Hasher::default();
        let mut of = |entry: Plain<'_>, patients: &[&str]| hasher.follow(&genesis(), &entry, patients.iter().copied());
        let all = [
            of(Plain { who: "ab", role: "c", ..Plain::default() }, &[]),
            of(Plain { who: "a", role: "bc", ..Plain::default() }, &[]),
            of(Plain { who: "ab", role: "c", rule: Some(""), ..Plain::default() }, &[]),
            of(Plain { who: "ab", role: "c", request: Some(""), ..Plain::default() }, &[]),
            of(Plain { who: "ab", role: "c", version: Some(0), ..Plain::default() }, &[]),
            of(Plain { who: "ab", role: "c", ..Plain::default() }, &[""]),
            of(Plain { who: "ab", role: "c", seq: 1, ..Plain::default() }, &[]),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn hashes_are_read_as_they_are_written() {
        let hash = genesis();
        assert_eq!(from_hex(&hex(&hash)), Some(hash));
        for wrong in ["", "0", &hex(&hash)[1..], "é"] {
            assert_eq!(from_hex(wrong), None);
        }
    }
}
