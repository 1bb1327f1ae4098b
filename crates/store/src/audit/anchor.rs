//! Anchors: what the end of the log was at some moment, signed (Ed25519, RFC 8032) and kept outside of the store. Who
//! can change the database can make a new chain that agrees with itself; they cannot make the anchors agree with it.
//!
//! An anchor is one line of text: `continuo-audit-anchor 1`, the organisation, the number of the entry, when it was
//! written (microseconds since 1970 UTC), its hash in hexadecimal digits, and the signature over all of that in base64.

use super::chain::{self, Hash};
use crate::error::{StoreError, StoreResult};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

const HEAD: &str = "continuo-audit-anchor 1";

/// A place in the log that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub organisation: String,
    pub sequence: u64,
    pub at: i64,
    pub(crate) hash: Hash,
}

impl Anchor {
    /// Reads a line, if the signature is of this key (base64).
    pub fn read(line: &str, public: &str) -> Result<Anchor, &'static str> {
        let (text, signature) = line.trim().rsplit_once(' ').ok_or("it is no anchor")?;
        let signature = STANDARD.decode(signature).map_err(|_| "its signature is not base64")?;
        let public = STANDARD.decode(public.trim()).map_err(|_| "the key is not base64")?;
        let genuine = UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), &signature);
        genuine.map_err(|_| "its signature is not of this key")?;
        let rest = text.strip_prefix(HEAD).ok_or("it is no anchor of this version")?;
        let mut members = rest.split_whitespace();
        let mut next = || members.next().ok_or("it is too short");
        let organisation = next()?.to_owned();
        let sequence = next()?.parse().map_err(|_| "it has no number")?;
        let at = next()?.parse().map_err(|_| "it has no time")?;
        let hash = chain::from_hex(next()?).ok_or("it has no hash")?;
        Ok(Anchor { organisation, sequence, at, hash })
    }
}

/// Signs anchors with the key of an organisation.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// A new key (PKCS #8), to be kept secret.
    pub fn new_key() -> StoreResult<Vec<u8>> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let key = key.map_err(|_| StoreError::Unavailable("the system gives no random numbers".to_owned()))?;
        Ok(key.as_ref().to_vec())
    }

    /// `None`: these bytes are no key.
    pub fn of(key: &[u8]) -> Option<Signer> {
        Ed25519KeyPair::from_pkcs8(key).ok().map(Signer)
    }

    /// What verifies its anchors (base64).
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.public_key().as_ref())
    }

    /// The line for a place in the log, as [`Store::audit_head`](crate::Store::audit_head) tells it. Spaces in the
    /// name of the organisation would end it.
    pub fn anchor(&self, organisation: &str, (sequence, at, hash): &(u64, i64, String)) -> String {
        let text = format!("{HEAD} {organisation} {sequence} {at} {hash}");
        let signature = STANDARD.encode(self.0.sign(text.as_bytes()).as_ref());
        format!("{text} {signature}")
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key that signs anchors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_only_as_it_was_signed_and_with_the_key_that_signed_it() {
        let signer = Signer::of(&Signer::new_key().unwrap()).unwrap();
        let head = (7, 1_795_348_800_000_000, chain::hex(&chain::genesis()));
        let line = signer.anchor("riverside", &head);
        let anchor = Anchor::read(&line, &signer.public()).unwrap();
        assert_eq!((&*anchor.organisation, anchor.sequence, anchor.at), ("riverside", 7, head.1));
        assert_eq!(chain::hex(&anchor.hash), head.2);
        let other = Signer::of(&Signer::new_key().unwrap()).unwrap();
        assert!(Anchor::read(&line, &other.public()).is_err());
        for at in 0..line.len() {
            let mut forged = line.clone().into_bytes();
            forged[at] ^= 1;
            let forged = String::from_utf8(forged).unwrap();
            assert!(Anchor::read(&forged, &signer.public()).is_err(), "{forged}");
        }
        assert!(Signer::of(b"no key").is_none());
    }
}
