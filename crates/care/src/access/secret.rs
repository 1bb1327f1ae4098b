//! Secrets at rest. What only has to be recognised is kept as a digest; what must be read back (the seed of a
//! one-time code, the secret of a provider) is sealed with the key of the installation, which is never in the store:
//! a stolen copy of the store opens nothing.
//!
//! AES-256-GCM (NIST SP 800-38D) with a fresh nonce for every sealing; where something lies is authenticated with
//! it, so that a sealed secret cannot be moved to another user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The digest of a token, code or other secret of enough chance.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secret([u8; 32]);

impl Secret {
    pub fn of(text: &str) -> Secret {
        Secret(sha256(text.as_bytes()))
    }

    /// As a name in the store.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Seals what must be read back.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Sealer {
        Sealer(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 has keys of 32 bytes")))
    }

    /// `chance` is a fresh secret; `place` is where the sealed text belongs.
    pub(super) fn seal(&self, chance: &str, place: &str, open: &[u8]) -> String {
        let chance = sha256(chance.as_bytes());
        let nonce: [u8; NONCE_LEN] = chance[..NONCE_LEN].try_into().expect("a digest is longer than a nonce");
        let mut sealed = open.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut sealed)
            .expect("what is sealed here is short");
        base64url(&[&nonce[..], &sealed].concat())
    }

    /// `None` when it was not sealed by this installation for this place.
    pub(super) fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = from_base64url(sealed)?;
        if bytes.len() < NONCE_LEN {
            return None;
        }
        let mut rest = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(bytes.try_into().ok()?);
        let open = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest).ok()?;
        Some(open.to_vec())
    }

    pub(super) fn seal_json<T: Serialize>(&self, chance: &str, place: &str, it: &T) -> String {
        self.seal(chance, place, &serde_json::to_vec(it).expect("our own types can be written as JSON"))
    }

    pub(super) fn open_json<T: DeserializeOwned>(&self, place: &str, sealed: &str) -> Option<T> {
        serde_json::from_slice(&self.open(place, sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_key_and_at_its_place() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("chance", "credential/anna/totp", b"seed");
        assert_eq!(sealer.open("credential/anna/totp", &sealed).as_deref(), Some(&b"seed"[..]));
        assert_eq!(sealer.open("credential/bert/totp", &sealed), None);
        assert_eq!(Sealer::new(&[8; 32]).open("credential/anna/totp", &sealed), None);
        for wrong in ["", "AAAA", "not base64!", &sealed[1..]] {
            assert_eq!(sealer.open("credential/anna/totp", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_the_same_only_when_every_byte_is() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
