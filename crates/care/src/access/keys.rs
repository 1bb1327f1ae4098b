//! The keys that sign identity tokens. Two of each kind are published: the one in use and the next, so that whoever has
//! fetched the set once can verify across a change. The private halves are sealed with the key of the installation.
//!
//! RFC 7517 (JWK), RFC 7518, 3.3 and 3.4 (RS256, ES384), OpenID Connect Core, 10.1.1 (rotation).

use super::apps::{Allowed, Apps, Code, DAY, Denial, KEY, body, denied, written};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, SHA384, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect};

/// How long a key signs, and how long an old one stays published.
const IN_USE: i64 = 90 * DAY;
const REMEMBERED: i64 = 2 * DAY;

/// The kinds of signature for identity tokens; every server must know the first.
pub const ALGORITHMS: [&str; 2] = ["RS256", "ES384"];

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    alg: String,
    /// PKCS #8, sealed.
    sealed: String,
    /// From when on it signs; before, it is only published.
    from: i64,
}

pub(super) struct SigningKey {
    kid: String,
    alg: String,
    from: i64,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// All keys at hand.
pub(crate) struct Ring(Vec<Arc<SigningKey>>);

fn trouble(says: &'static str) -> Denial {
    tracing::error!(says, "a signing key cannot be used");
    Denial { code: Code::ServerError, says: "the server has no key to sign with" }
}

impl SigningKey {
    fn open(kid: &str, alg: &str, from: i64, pkcs8: &[u8]) -> Allowed<SigningKey> {
        let pair = match alg {
            "RS256" => RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa),
            _ => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8, &SystemRandom::new()).map(Pair::Ecdsa)
            }
        };
        let pair = pair.map_err(|_| trouble("it is damaged"))?;
        Ok(SigningKey { kid: kid.to_owned(), alg: alg.to_owned(), from, pair })
    }

    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&key.n), "e": text(&key.e) })
            }
            Pair::Ecdsa(pair) => {
                // 4, then both coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(48);
                json!({ "kty": "EC", "crv": "P-384", "x": text(x), "y": text(y) })
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["alg"] = self.alg.as_str().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// `header.claims.signature`.
    pub(super) fn sign(&self, claims: &Map<String, Value>) -> Allowed<String> {
        let header = json!({ "alg": self.alg, "kid": self.kid, "typ": "JWT" });
        let part = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", part(&written(&header)), part(&written(claims)));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
                    .map_err(|_| trouble("it does not sign"))?;
                signature
            }
            Pair::Ecdsa(pair) => {
                pair.sign(&random, signed.as_bytes()).map_err(|_| trouble("it does not sign"))?.as_ref().to_vec()
            }
        };
        Ok(format!("{signed}.{}", part(&signature)))
    }

    /// `at_hash` of an access token (OpenID Connect Core, 3.1.3.6): the left half of its digest.
    pub(super) fn half_hash(&self, token: &str) -> String {
        let hash = digest(if self.alg == "ES384" { &SHA384 } else { &SHA256 }, token.as_bytes());
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}

impl Ring {
    fn current(&self, alg: &str, now: i64) -> Option<&Arc<SigningKey>> {
        self.0.iter().filter(|it| it.alg == alg && it.from <= now).max_by_key(|it| it.from)
    }

    fn has_next(&self, alg: &str, now: i64) -> bool {
        self.0.iter().any(|it| it.alg == alg && it.from > now)
    }
}

impl Apps<'_> {
    /// The key that signs now.
    pub(super) async fn signing_key(self, alg: &str, now: i64) -> Allowed<Arc<SigningKey>> {
        let ring = self.ring(now).await?;
        ring.current(alg, now).cloned().ok_or_else(|| trouble("there is none of this kind"))
    }

    /// The public halves (RFC 7517): of the keys in use, the next ones and those just retired.
    pub async fn jwks(self, now: i64) -> Allowed<Value> {
        let ring = self.ring(now).await?;
        Ok(json!({ "keys": ring.0.iter().map(|it| it.public()).collect::<Vec<_>>() }))
    }

    /// Retires the keys in use at once (after a break-in); the next ones sign from now on.
    pub async fn rotate_keys(self, caller: &Caller, now: i64) -> Allowed<()> {
        if !caller.rights.may(super::clients::MANAGE) {
            return denied(Code::AccessDenied, "the caller may not look after apps");
        }
        let items = self.store().items(KEY, None, None, 100, now).await?;
        let mut changes = Vec::new();
        for item in items {
            let kept: Kept = body(&item)?;
            let expect = ItemExpect::Version(item.version);
            changes.push(match kept.from > now {
                true => ItemChange::put(KEY, item.name, written(&Kept { from: now, ..kept }))
                    .until(now + IN_USE + REMEMBERED)
                    .expecting(expect),
                false => ItemChange::delete(KEY, item.name).expecting(expect),
            });
        }
        self.store().keep(caller, Event::of("configure").detail("signing keys rotated"), changes, now).await?;
        *self.memory().keys.lock().await = None;
        Ok(())
    }

    /// The keys at hand, made when they are missing: the first request for one makes them.
    async fn ring(self, now: i64) -> Allowed<Arc<Ring>> {
        // Held while keys are made, so that no two requests make them.
        let mut held = self.memory().keys.lock().await;
        if let Some(ring) = &*held
            && ALGORITHMS
                .iter()
                .all(|alg| ring.current(alg, now).is_some_and(|it| now - it.from < IN_USE) && ring.has_next(alg, now))
        {
            return Ok(ring.clone());
        }
        let mut keys = self.read_keys(now).await?;
        let caller = Caller::system("keys");
        let mut changes = Vec::new();
        for alg in ALGORITHMS {
            let ring = Ring(std::mem::take(&mut keys));
            let current = ring.current(alg, now).map(|it| it.from);
            let next = ring.0.iter().filter(|it| it.alg == alg && it.from > now).map(|it| it.from).min();
            keys = ring.0;
            // The next one takes over when the current one has served; another follows it.
            let missing = match (current, next) {
                (None, None) => vec![now, now + IN_USE],
                (None, Some(_)) => vec![now],
                (Some(from), None) => vec![(from + IN_USE).max(now + DAY)],
                (Some(_), Some(_)) => vec![],
            };
            for from in missing {
                let kid = self.organisation.surroundings.new_id();
                let pkcs8 = make(alg).await?;
                let sealed = self.organisation.access.sealer.seal(&self.secret(), &format!("{KEY}/{kid}"), &pkcs8);
                let kept = Kept { alg: alg.to_owned(), sealed, from };
                let change = ItemChange::put(KEY, &kid, written(&kept))
                    .until(from.max(now) + 2 * IN_USE + REMEMBERED)
                    .expecting(ItemExpect::Absent);
                changes.push(change);
                keys.push(Arc::new(SigningKey::open(&kid, alg, from, &pkcs8)?));
            }
        }
        if !changes.is_empty() {
            let event = Event::of("configure").detail(format!("{} signing keys made", changes.len()));
            self.store().keep(&caller, event, changes, now).await?;
        }
        let ring = Arc::new(Ring(keys));
        *held = Some(ring.clone());
        Ok(ring)
    }

    async fn read_keys(self, now: i64) -> Allowed<Vec<Arc<SigningKey>>> {
        let mut keys = Vec::new();
        for item in self.store().items(KEY, None, None, 100, now).await? {
            let kept: Kept = body(&item)?;
            // Sealed by another installation: it is of no use here, and a new one is made.
            let Some(pkcs8) = self.organisation.access.sealer.open(&format!("{KEY}/{}", item.name), &kept.sealed)
            else {
                tracing::warn!("a signing key was sealed by another installation; another is made");
                continue;
            };
            keys.push(Arc::new(SigningKey::open(&item.name, &kept.alg, kept.from, &pkcs8)?));
        }
        Ok(keys)
    }
}

/// A new private key, as PKCS #8.
async fn make(alg: &str) -> Allowed<Vec<u8>> {
    if alg == "ES384" {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new());
        return pair.map(|it| it.as_ref().to_vec()).map_err(|_| trouble("none could be made"));
    }
    // Finding two large primes takes a moment; others go on meanwhile.
    let made = tokio::task::spawn_blocking(|| {
        use rsa::pkcs8::EncodePrivateKey;
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).ok()?;
        Some(key.to_pkcs8_der().ok()?.as_bytes().to_vec())
    });
    made.await.ok().flatten().ok_or_else(|| trouble("none could be made"))
}
