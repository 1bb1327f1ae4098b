//! How a confidential client proves with its key who it is: a signed, short-lived statement used once. Only RS384 and
//! ES384 are accepted, only with a key that was registered, and no key or address of a key is taken from the statement
//! itself.
//!
//! SMART App Launch 2.2, client-confidential-asymmetric; RFC 7523; RFC 8725 (JWT best practice).

use super::apps::{ASSERTION, Allowed, Code, Mark, SECOND, denied};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};
use store::{ItemChange, ItemExpect};

/// The only value of `client_assertion_type`.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long a statement may be valid, and how far clocks may differ, in seconds.
const LONGEST: i64 = 300;
const SKEW: i64 = 30;

/// A statement taken apart, not yet believed.
pub(super) struct Assertion {
    /// `header.payload`, as it was signed.
    signed: String,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: String,
    jku: Option<String>,
    claims: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs384,
    Es384,
}

/// Members of a header that carry or point to a key, or change how the rest is read.
const NEVER: [&str; 7] = ["jwk", "x5u", "x5c", "x5t", "crit", "b64", "zip"];

fn wrong<T>(says: &'static str) -> Allowed<T> {
    denied(Code::InvalidClient, says)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    // serde_json keeps the last of two members of one name; a second reader may keep the first (RFC 8725, 2.4).
    let value: Unique = serde_json::from_slice(&bytes).ok()?;
    Some(value.0)
}

/// An object whose member names differ.
struct Unique(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Unique;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut all = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if all.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a name is given twice"));
                    }
                }
                Ok(Unique(all))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Assertion {
    pub(super) fn read(text: &str) -> Allowed<Assertion> {
        if text.len() > 8192 {
            return wrong("the client assertion is too long");
        }
        let mut parts = text.split('.');
        let (Some(head), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return wrong("the client assertion is not a signed JWT");
        };
        let (Some(header), Some(claims), Ok(signature_bytes)) =
            (object(head), object(payload), URL_SAFE_NO_PAD.decode(signature))
        else {
            return wrong("the client assertion is not a signed JWT");
        };
        let algorithm = match header.get("alg").and_then(Value::as_str) {
            Some("RS384") => Algorithm::Rs384,
            Some("ES384") => Algorithm::Es384,
            _ => return wrong("the client assertion must be signed with RS384 or ES384"),
        };
        if NEVER.iter().any(|name| header.contains_key(*name)) {
            return wrong("the header of the client assertion may not carry a key, a certificate or an extension");
        }
        if header.get("typ").is_some_and(|typ| typ.as_str().is_none_or(|it| !it.eq_ignore_ascii_case("JWT"))) {
            return wrong("the client assertion must have the type JWT");
        }
        let Some(kid) = header.get("kid").and_then(Value::as_str).filter(|it| it.len() <= 256) else {
            return wrong("the client assertion must name its key with kid");
        };
        let jku = match header.get("jku") {
            None => None,
            Some(Value::String(jku)) => Some(jku.clone()),
            Some(_) => return wrong("the jku of the client assertion is not an address"),
        };
        Ok(Assertion {
            signed: format!("{head}.{payload}"),
            signature: signature_bytes,
            algorithm,
            kid: kid.to_owned(),
            jku,
            claims,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Who it claims to be.
    pub(super) fn client(&self) -> Allowed<&str> {
        match (self.text("iss"), self.text("sub")) {
            (Some(issuer), Some(subject)) if issuer == subject && !issuer.is_empty() => Ok(issuer),
            _ => wrong("iss and sub of the client assertion must both be the client_id"),
        }
    }

    /// The address of keys it names, which may only be the registered one.
    pub(super) fn check_jku(&self, registered: Option<&str>) -> Allowed<()> {
        match &self.jku {
            Some(jku) if registered != Some(jku.as_str()) => {
                wrong("the jku of the client assertion is not the registered address")
            }
            _ => Ok(()),
        }
    }

    /// Whether one of these keys signed it.
    pub(super) fn check_signature(&self, keys: &Value) -> Allowed<()> {
        let named = |key: &&Value| key["kid"].as_str() == Some(&self.kid);
        let mut fitting = keys["keys"].as_array().into_iter().flatten().filter(named).filter(|key| self.fits(key));
        let Some(key) = fitting.next() else { return wrong("no registered key has this kid and kind") };
        if fitting.next().is_some() {
            return wrong("several registered keys have this kid");
        }
        let bytes = |name: &str| key[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let good = match self.algorithm {
            Algorithm::Rs384 => match (bytes("n"), bytes("e")) {
                (Some(n), Some(e)) => RsaPublicKeyComponents { n: &n, e: &e }
                    .verify(&RSA_PKCS1_2048_8192_SHA384, self.signed.as_bytes(), &self.signature)
                    .is_ok(),
                _ => false,
            },
            Algorithm::Es384 => match (bytes("x"), bytes("y")) {
                (Some(x), Some(y)) if x.len() == 48 && y.len() == 48 => {
                    let point = [&[4], x.as_slice(), y.as_slice()].concat();
                    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
                        .verify(self.signed.as_bytes(), &self.signature)
                        .is_ok()
                }
                _ => false,
            },
        };
        if good { Ok(()) } else { wrong("the signature of the client assertion is not right") }
    }

    fn fits(&self, key: &Value) -> bool {
        let kind = match self.algorithm {
            Algorithm::Rs384 => key["kty"] == "RSA",
            Algorithm::Es384 => key["kty"] == "EC" && key["crv"] == "P-384",
        };
        let name = match self.algorithm {
            Algorithm::Rs384 => "RS384",
            Algorithm::Es384 => "ES384",
        };
        let verify = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|it| it == "verify"));
        kind && key.get("alg").is_none_or(|alg| alg == name)
            && key.get("use").is_none_or(|usage| usage == "sig")
            && key.get("key_ops").is_none_or(verify)
    }

    /// Whether it is meant for us, and for now. Gives the record that keeps it from being used again.
    pub(super) fn check_claims(&self, audiences: &[String], now: i64) -> Allowed<ItemChange> {
        let ours = |given: &str| audiences.iter().any(|it| it == given);
        let meant = match self.claims.get("aud") {
            Some(Value::String(one)) => ours(one),
            // Several audiences could each use it towards the others.
            Some(Value::Array(all)) => all.len() == 1 && all[0].as_str().is_some_and(ours),
            _ => false,
        };
        if !meant {
            return wrong("aud of the client assertion must be the address of the token endpoint");
        }
        let seconds = now / SECOND;
        let number = |name: &str| self.claims.get(name).map(|value| value.as_f64().filter(|it| it.is_finite()));
        let Some(Some(exp)) = number("exp").map(|it| it.map(|it| it as i64)) else {
            return wrong("the client assertion must say until when it is valid (exp)");
        };
        if exp <= seconds {
            return wrong("the client assertion is no longer valid");
        }
        if exp > seconds + LONGEST + SKEW {
            return wrong("the client assertion may be valid for five minutes at most");
        }
        for name in ["nbf", "iat"] {
            match number(name) {
                None => {}
                Some(Some(from)) if from as i64 <= seconds + SKEW => {}
                _ => return wrong("the client assertion is not valid yet"),
            }
        }
        let Some(jti) = self.text("jti").filter(|it| (1..=256).contains(&it.len())) else {
            return wrong("the client assertion must have an identifier (jti)");
        };
        let client = self.client()?;
        let name = Mark::of(&format!("{}:{client}{jti}", client.len())).name();
        Ok(ItemChange {
            shelf: ASSERTION,
            name,
            owner: format!("client/{client}"),
            until: Some((exp + SKEW) * SECOND),
            body: Some(bytes::Bytes::from_static(b"{}")),
            expect: ItemExpect::Absent,
        })
    }
}

/// What is wrong with a set of keys that a client wants to register; `None` when nothing is.
pub(super) fn refuse_keys(keys: &Value) -> Option<&'static str> {
    let Some(all) = keys["keys"].as_array().filter(|it| (1..=16).contains(&it.len())) else {
        return Some("jwks must be a JWK Set with one to sixteen keys");
    };
    for key in all {
        const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        if SECRET.iter().any(|name| key.get(*name).is_some()) {
            return Some("jwks holds a private key; register the public one and make a new pair");
        }
        let Some(kid) = key["kid"].as_str().filter(|it| (1..=256).contains(&it.len())) else {
            return Some("every key of jwks needs a kid");
        };
        if all.iter().filter(|other| other["kid"] == kid).count() > 1 {
            return Some("two keys of jwks have the same kid");
        }
        let length = |name: &str| key[name].as_str().and_then(|it| URL_SAFE_NO_PAD.decode(it).ok()).map(|it| it.len());
        let good = match key["kty"].as_str() {
            Some("RSA") => length("n").is_some_and(|it| (256..=1024).contains(&it)) && length("e").is_some(),
            Some("EC") => key["crv"] == "P-384" && length("x") == Some(48) && length("y") == Some(48),
            _ => false,
        };
        if !good {
            return Some("keys of jwks must be RSA with at least 2048 bits, or EC on P-384");
        }
    }
    None
}
