//! An authenticator in software, and what must be refused of one.

use super::passkey::{PasskeyPlace, claimed, made, used};
use super::secret::{base64url, from_base64url, sha256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

enum Kind {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// What a browser and its device do, with everything that an attacker could change open to be changed.
pub(super) struct Authenticator {
    kind: Kind,
    pub(super) origin: String,
    pub(super) rp: String,
    pub(super) id: Vec<u8>,
    pub(super) user: std::sync::Mutex<String>,
    pub(super) count: AtomicU32,
    pub(super) flags: u8,
    pub(super) cross_origin: bool,
}

impl Authenticator {
    pub(super) fn es256(origin: &str, rp: &str) -> Authenticator {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Authenticator::new(Kind::Es256(pair), origin, rp)
    }

    fn eddsa(origin: &str, rp: &str) -> Authenticator {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Authenticator::new(Kind::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()), origin, rp)
    }

    fn new(kind: Kind, origin: &str, rp: &str) -> Authenticator {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = sha256(&NUMBER.fetch_add(1, Relaxed).to_be_bytes())[..16].to_vec();
        let user = std::sync::Mutex::default();
        let (origin, rp) = (origin.to_owned(), rp.to_owned());
        Authenticator { kind, origin, rp, id, user, count: AtomicU32::new(0), flags: 0b101, cross_origin: false }
    }

    fn cose(&self) -> Vec<u8> {
        match &self.kind {
            Kind::Es256(pair) => {
                let point = pair.public_key().as_ref();
                // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
                let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
                [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat()
            }
            // {1: 1, 3: -8, -1: 6, -2: x}
            Kind::EdDsa(pair) => {
                [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..], pair.public_key().as_ref()].concat()
            }
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8, rest: &[u8]) -> Vec<u8> {
        let count = self.count.load(Relaxed).to_be_bytes();
        [&sha256(self.rp.as_bytes())[..], &[flags], &count, rest].concat()
    }

    /// `navigator.credentials.create()`.
    pub(super) fn create(&self, options: &Value) -> String {
        let user = from_base64url(options["user"]["id"].as_str().unwrap()).unwrap();
        *self.user.lock().unwrap() = String::from_utf8(user).unwrap();
        self.create_with(options["challenge"].as_str().unwrap(), "webauthn.create", 0x40, &self.cose())
    }

    fn create_with(&self, challenge: &str, kind: &str, attested: u8, cose: &[u8]) -> String {
        let length = (self.id.len() as u16).to_be_bytes();
        let rest = [&[0; 16][..], &length, &self.id, cose].concat();
        let data = self.data(self.flags | attested, &rest);
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        let object = [&head[..], &[data.len() as u8], &data].concat();
        let id = base64url(&self.id);
        let answer = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&self.client_data(kind, challenge)),
                "attestationObject": base64url(&object),
                "transports": ["internal"],
            },
            "clientExtensionResults": {},
        });
        answer.to_string()
    }

    /// `navigator.credentials.get()`.
    pub(super) fn get(&self, options: &Value) -> String {
        self.get_with(options["challenge"].as_str().unwrap(), "webauthn.get")
    }

    fn get_with(&self, challenge: &str, kind: &str) -> String {
        self.count.fetch_add(1, Relaxed);
        let client_data = self.client_data(kind, challenge);
        let data = self.data(self.flags, &[]);
        let message = [&data[..], &sha256(&client_data)].concat();
        let signature = match &self.kind {
            Kind::Es256(pair) => pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            Kind::EdDsa(pair) => pair.sign(&message).as_ref().to_vec(),
        };
        let id = base64url(&self.id);
        let answer = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&client_data),
                "authenticatorData": base64url(&data),
                "signature": base64url(&signature),
                "userHandle": base64url(self.user.lock().unwrap().as_bytes()),
            },
        });
        answer.to_string()
    }
}

const ORIGIN: &str = "https://ehr.example";
const CHALLENGE: &[u8] = b"a challenge of thirty-two bytes.";

fn place() -> PasskeyPlace {
    PasskeyPlace::of("https://ehr.example/riverside")
}

fn challenge() -> String {
    base64url(CHALLENGE)
}

fn registered(key: &Authenticator) -> (String, u32) {
    let answer = key.create_with(&challenge(), "webauthn.create", 0x40, &key.cose());
    let made = made(&place(), &answer, CHALLENGE, true).unwrap();
    assert_eq!(made.id, base64url(&key.id));
    (made.key, made.count)
}

#[test]
fn passkeys_are_good_at_the_name_of_the_place() {
    let check = |base: &str, rp: &str, origin: &str| {
        assert_eq!(PasskeyPlace::of(base), PasskeyPlace { rp: rp.into(), origins: vec![origin.into()] });
    };
    check("https://ehr.example/riverside", "ehr.example", "https://ehr.example");
    check("https://ehr.example:8443/riverside", "ehr.example", "https://ehr.example:8443");
    // Numbers have no passkeys; a try on this machine is localhost.
    check("http://127.0.0.1:8080/riverside", "localhost", "http://localhost:8080");
    check("http://[::1]:8080/riverside", "localhost", "http://localhost:8080");
}

#[test]
fn a_passkey_that_was_made_here_signs_in_here() {
    for key in [Authenticator::es256(ORIGIN, "ehr.example"), Authenticator::eddsa(ORIGIN, "ehr.example")] {
        let (public, count) = registered(&key);
        let answer = key.get_with(&challenge(), "webauthn.get");
        assert_eq!(used(&place(), &answer, CHALLENGE, &public, count, true), Ok(1));
        assert_eq!(claimed(&answer).unwrap().0, base64url(&key.id));
        // Another key's signature is none.
        let (other, _) = registered(&Authenticator::es256(ORIGIN, "ehr.example"));
        assert_eq!(used(&place(), &answer, CHALLENGE, &other, 0, true), Err("its signature does not fit"));
    }
}

#[test]
fn a_signature_of_rsa_is_understood() {
    // {1: 3, 3: -257, -1: n, -2: e}: the key is read; nobody here can sign with it, so no signature fits.
    let n = vec![0xb5; 256];
    let cose = [&[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59, 0x01, 0x00][..], &n, &[0x21, 0x43, 1, 0, 1]];
    let key = Authenticator::es256(ORIGIN, "ehr.example");
    let answer = key.get_with(&challenge(), "webauthn.get");
    let fits = used(&place(), &answer, CHALLENGE, &base64url(&cose.concat()), 0, true);
    assert_eq!(fits, Err("its signature does not fit"));
    let short = [&[0xa3, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x41, 0x01][..]].concat();
    assert_eq!(used(&place(), &answer, CHALLENGE, &base64url(&short), 0, true), Err("its key cannot be read"));
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let key = Authenticator::es256(ORIGIN, "ehr.example");
    let (public, _) = registered(&key);
    let check = |answer: &str, why: &'static str| {
        assert_eq!(used(&place(), answer, CHALLENGE, &public, 0, true), Err(why));
        assert!(made(&place(), answer, CHALLENGE, true).is_err());
    };
    check(&key.get_with(&base64url(b"another challenge"), "webauthn.get"), "it answers another challenge");
    check(&key.get_with("", "webauthn.get"), "it answers another challenge");
    check(&key.get_with(&challenge(), "webauthn.create"), "it answers another question");
    check(&key.get_with(&challenge(), "payment.get"), "it answers another question");
    check("{}", "it is no answer of a browser");
    check("", "it is no answer of a browser");
}

#[test]
fn an_answer_made_for_another_site_is_refused() {
    let check = |change: fn(&mut Authenticator), why: &'static str| {
        let mut key = Authenticator::es256(ORIGIN, "ehr.example");
        let (public, _) = registered(&key);
        change(&mut key);
        let answer = key.get_with(&challenge(), "webauthn.get");
        assert_eq!(used(&place(), &answer, CHALLENGE, &public, 0, true), Err(why));
        let answer = key.create_with(&challenge(), "webauthn.create", 0x40, &key.cose());
        assert_eq!(made(&place(), &answer, CHALLENGE, true), Err(why));
    };
    check(|key| key.origin = "https://evil.example".into(), "it was asked for by another site");
    check(|key| key.origin = "https://ehr.example.evil.example".into(), "it was asked for by another site");
    check(|key| key.origin = "http://ehr.example".into(), "it was asked for by another site");
    check(|key| key.origin = "https://ehr.example:444".into(), "it was asked for by another site");
    check(|key| key.cross_origin = true, "it was asked for by another site");
    check(|key| key.rp = "evil.example".into(), "it belongs to another site");
    check(|key| key.flags = 0b100, "nobody was there to confirm");
    check(|key| key.flags = 0b001, "the person was not verified by the device");
}

#[test]
fn a_copied_authenticator_is_noticed_by_its_counter() {
    let key = Authenticator::es256(ORIGIN, "ehr.example");
    let (public, _) = registered(&key);
    let answer = key.get_with(&challenge(), "webauthn.get");
    assert_eq!(used(&place(), &answer, CHALLENGE, &public, 0, true), Ok(1));
    for seen in [1, 2, u32::MAX] {
        assert!(used(&place(), &answer, CHALLENGE, &public, seen, true).unwrap_err().contains("copied"), "{seen}");
    }
    // Passkeys that live on several devices do not count at all.
    key.count.store(u32::MAX, Relaxed);
    let answer = key.get_with(&challenge(), "webauthn.get");
    assert_eq!(used(&place(), &answer, CHALLENGE, &public, 0, true), Ok(0));
    assert!(used(&place(), &answer, CHALLENGE, &public, 5, true).is_err());
}

#[test]
fn whatever_is_changed_in_an_answer_it_is_refused() {
    let key = Authenticator::es256(ORIGIN, "ehr.example");
    let (public, _) = registered(&key);
    let answer: Value = serde_json::from_str(&key.get_with(&challenge(), "webauthn.get")).unwrap();
    for member in ["clientDataJSON", "authenticatorData", "signature"] {
        let bytes = from_base64url(answer["response"][member].as_str().unwrap()).unwrap();
        for at in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut wrong = bytes.clone();
                wrong[at] ^= bit;
                let mut forged = answer.clone();
                forged["response"][member] = base64url(&wrong).into();
                let done = used(&place(), &forged.to_string(), CHALLENGE, &public, 0, true);
                assert!(done.is_err(), "{member}, byte {at}, bit {bit}");
            }
        }
        let mut forged = answer.clone();
        forged["response"].as_object_mut().unwrap().remove(member);
        assert!(used(&place(), &forged.to_string(), CHALLENGE, &public, 0, true).is_err(), "without {member}");
    }
}

#[test]
fn what_is_no_passkey_cannot_be_registered() {
    let key = Authenticator::es256(ORIGIN, "ehr.example");
    let check = |cose: &[u8], attested: u8, why: &'static str| {
        let answer = key.create_with(&challenge(), "webauthn.create", attested, cose);
        assert_eq!(made(&place(), &answer, CHALLENGE, true), Err(why));
    };
    check(&key.cose(), 0, "it brings no key");
    check(&[], 0x40, "its key cannot be read");
    check(&key.cose()[..70], 0x40, "its key cannot be read");
    check(&[&key.cose()[..], &[0]].concat(), 0x40, "its data cannot be read");
    check(&key.cose(), 0xc0, "its data cannot be read");
    // ES384 was not asked for; neither was a key without algorithm.
    check(&[0xa3, 0x01, 0x02, 0x03, 0x38, 0x22, 0x20, 0x02], 0x40, "its kind of key is not one of those asked for");
    check(&[0xa1, 0x01, 0x02], 0x40, "its kind of key is not one of those asked for");
    let mut wrong = key.cose();
    wrong[6] = 0x02;
    check(&wrong, 0x40, "its kind of key is not one of those asked for");
}
