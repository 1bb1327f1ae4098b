//! Passwords: how they are kept (argon2id, RFC 9106) and which are accepted (NIST SP 800-63B-4, section 3.1.1): long
//! ones, whatever is in them, unless they are easy to guess. No rules of composition, no expiry. Hashing is slow on
//! purpose, so it happens apart from the threads that answer, a few at a time; who signs in too often waits, and the
//! record goes on being served.

use super::breached::Breached;
use super::error::{AccessError, AccessResult};
use super::secret::{base64url, from_base64url, same, sha256};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

/// Characters of a password that stands alone.
pub const LEAST_ALONE: usize = 15;
/// Characters of a password beside a second factor.
pub const LEAST_WITH_FACTOR: usize = 8;
/// Nobody types more, and hashing what has no end helps only attackers.
pub(super) const MOST: usize = 256;

/// Why a password is not accepted, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    #[error("use at least {0} characters; a few unrelated words are easy to remember")]
    TooShort(usize),
    #[error("use at most {MOST} characters")]
    TooLong,
    #[error(
        "this is among the first that attackers try: common words, names of this place or of you, sequences or \
         repetitions. Use a few unrelated words"
    )]
    Guessable,
    #[error("this password is on a list of stolen ones; choose one that you use nowhere else")]
    Stolen,
    #[error("this is the password you have; choose another")]
    Unchanged,
}

/// A password as it is compared: the same letters, however the keyboard composed them.
pub(super) fn normal(password: &str) -> String {
    password.nfc().collect()
}

/// Whether a password may be set. `about` are words that belong to the user and the place.
pub(super) fn judge(
    breached: &Breached,
    password: &str,
    about: &[&str],
    with_second_factor: bool,
) -> Result<(), Weakness> {
    let password = normal(password);
    let length = password.chars().count();
    let least = if with_second_factor { LEAST_WITH_FACTOR } else { LEAST_ALONE };
    if length < least {
        return Err(Weakness::TooShort(least));
    }
    if length > MOST {
        return Err(Weakness::TooLong);
    }
    if super::guess::is_easy(&password, about) {
        return Err(Weakness::Guessable);
    }
    if breached.has(&password) || breached.has(&password.to_lowercase()) {
        return Err(Weakness::Stolen);
    }
    Ok(())
}

/// How much work one hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashCost {
    /// KiB of memory.
    pub memory: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for HashCost {
    /// What OWASP's Password Storage Cheat Sheet gives first for argon2id.
    fn default() -> HashCost {
        HashCost { memory: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// A password at rest, with what is needed to compare it after the cost has changed.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Hashed {
    cost: HashCost,
    salt: String,
    hash: String,
}

impl Hashed {
    pub(super) fn cost(&self) -> HashCost {
        self.cost
    }
}

fn argon2id(cost: HashCost, salt: &[u8], password: &str) -> Option<[u8; 32]> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut hash = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

/// How many may wait for their turn before the next are told to come back.
const WAITING: usize = 64;

/// Hashes passwords, a few at a time.
pub(super) struct Hasher {
    cost: HashCost,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Hasher {
    pub(super) fn new(cost: HashCost, at_once: usize) -> Hasher {
        Hasher { cost, turns: Arc::new(Semaphore::new(at_once.max(1))), waiting: AtomicUsize::new(0) }
    }

    pub(super) fn cost(&self) -> HashCost {
        self.cost
    }

    pub(super) async fn hash(&self, password: &str, chance: &str) -> AccessResult<Hashed> {
        let salt = sha256(chance.as_bytes())[..16].to_vec();
        let hash = self.work(self.cost, salt.clone(), password).await?;
        Ok(Hashed { cost: self.cost, salt: base64url(&salt), hash: base64url(&hash) })
    }

    /// Whether the password fits. When there is none to compare with, as much work is done, so that unknown users look
    /// like known ones.
    pub(super) async fn fits(&self, password: &str, stored: Option<&Hashed>) -> AccessResult<bool> {
        let cost = stored.map_or(self.cost, |it| it.cost);
        let salt = stored.and_then(|it| from_base64url(&it.salt)).unwrap_or_else(|| vec![0; 16]);
        let hash = self.work(cost, salt, password).await?;
        let wanted = stored.and_then(|it| from_base64url(&it.hash));
        Ok(wanted.is_some_and(|wanted| same(&wanted, &hash)))
    }

    async fn work(&self, cost: HashCost, salt: Vec<u8>, password: &str) -> AccessResult<[u8; 32]> {
        let password = normal(password);
        if password.chars().count() > MOST {
            // No such password was ever set; the work is done all the same.
            return self.turn(cost, salt, String::new()).await.map(|_| [0; 32]);
        }
        self.turn(cost, salt, password).await
    }

    async fn turn(&self, cost: HashCost, salt: Vec<u8>, password: String) -> AccessResult<[u8; 32]> {
        if self.waiting.fetch_add(1, Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Relaxed);
            return Err(AccessError::Busy);
        }
        let turn = Waiting(&self.waiting);
        let permit = self.turns.clone().acquire_owned().await.expect("the turns are never closed");
        drop(turn);
        let hash = tokio::task::spawn_blocking(move || {
            let hash = argon2id(cost, &salt, &password);
            drop(permit);
            hash
        });
        hash.await.ok().flatten().ok_or(AccessError::Busy)
    }
}

/// Someone in the queue, who leaves it also when the request is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory: 64, passes: 1, lanes: 1 };

    #[tokio::test]
    async fn a_password_fits_itself_however_it_was_typed() {
        let hasher = Hasher::new(CHEAP, 1);
        let hashed = hasher.hash("Zwölf Boxkämpfer jagen", "salt").await.unwrap();
        let check = async |given: &str, fits: bool| {
            assert_eq!(hasher.fits(given, Some(&hashed)).await.unwrap(), fits, "{given}");
        };
        check("Zwölf Boxkämpfer jagen", true).await;
        check("Zwo\u{308}lf Boxka\u{308}mpfer jagen", true).await;
        check("zwölf boxkämpfer jagen", false).await;
        check("", false).await;
        check(&"x".repeat(10_000), false).await;
    }

    #[tokio::test]
    async fn the_same_password_of_two_people_looks_different() {
        let hasher = Hasher::new(CHEAP, 1);
        let one = hasher.hash("the same words twice", "a").await.unwrap();
        let two = hasher.hash("the same words twice", "b").await.unwrap();
        assert_ne!(one.hash, two.hash);
    }

    #[tokio::test]
    async fn without_a_stored_password_nothing_fits() {
        let hasher = Hasher::new(CHEAP, 1);
        assert!(!hasher.fits("", None).await.unwrap());
        assert!(!hasher.fits(&"x".repeat(10_000), None).await.unwrap());
    }

    #[test]
    fn argon2id_agrees_with_the_reference_implementation() {
        // The command-line tool of the reference implementation, 1 lane, 64 MiB, 2 passes.
        let cost = HashCost { memory: 65_536, passes: 2, lanes: 1 };
        let hash = argon2id(cost, b"somesalt", "password").unwrap();
        assert_eq!(
            super::super::secret::hex(&hash),
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        let none = Breached::none();
        let check = |password: &str, second: bool, wanted: Result<(), Weakness>| {
            assert_eq!(judge(&none, password, &[], second), wanted, "{password}");
        };
        check("otter velvet canyon", false, Ok(()));
        check("ottervelvetcany", false, Ok(()));
        check("otter velvet ca", false, Ok(()));
        check("ottervelvetcan", false, Err(Weakness::TooShort(15)));
        check("vq8#kzt2", true, Ok(()));
        check("vq8#kzt", true, Err(Weakness::TooShort(8)));
        check("ümläütßéñøåîêçõ", false, Ok(()));
        check(&"otter velvet canyon ".repeat(13), false, Err(Weakness::TooLong));
    }
}
