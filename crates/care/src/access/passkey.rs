//! Passkeys: what a relying party checks of Web Authentication (W3C WebAuthn Level 2, sections 7.1 and 7.2), for ES256,
//! EdDSA and RS256. Attestation is not asked for: which make of authenticator someone has is no business of an EHR.
//! Nothing here reads or writes; `factors.rs` does.

use super::cbor::Cbor;
use super::secret::{base64url, from_base64url, same, sha256};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

/// Where passkeys of this organisation are good: the relying party id and the pages that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyPlace {
    pub rp: String,
    pub origins: Vec<String>,
}

impl PasskeyPlace {
    /// From the organisation's address. Browsers give passkeys to names, never to numbers; what runs on this machine
    /// for a try is also `localhost`.
    pub fn of(base: &str) -> PasskeyPlace {
        let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
        let authority = rest.split('/').next().unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) && !port.is_empty() => (host, Some(port)),
            _ => (authority, None),
        };
        if host == "127.0.0.1" || host == "[::1]" {
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            return PasskeyPlace { rp: "localhost".into(), origins: vec![format!("{scheme}://localhost{port}")] };
        }
        PasskeyPlace { rp: host.to_owned(), origins: vec![format!("{scheme}://{authority}")] }
    }
}

/// COSE algorithms (RFC 9053 and RFC 8812) in the order in which we like them: EdDSA, ES256, RS256.
pub(super) const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// A public key, ready to verify with.
enum PublicKey {
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
}

impl PublicKey {
    /// RFC 9052, section 7, and RFC 9053, section 7.
    fn read(cose: &Cbor) -> Option<PublicKey> {
        let int = |number| cose.numbered(number).and_then(Cbor::int);
        let part = |number, length| cose.numbered(number).and_then(Cbor::bytes).filter(|it| it.len() == length);
        let (kind, algorithm) = (int(1)?, int(3)?);
        match (kind, algorithm, int(-1)) {
            // EC2 on P-256, uncompressed.
            (2, -7, Some(1)) => Some(PublicKey::Es256([&[4], part(-2, 32)?, part(-3, 32)?].concat())),
            // OKP on Ed25519.
            (1, -8, Some(6)) => Some(PublicKey::EdDsa(part(-2, 32)?.to_vec())),
            (3, -257, _) => {
                let [n, e] = [-1, -2].map(|number| cose.numbered(number).and_then(Cbor::bytes).map(<[u8]>::to_vec));
                Some(PublicKey::Rs256(RsaPublicKeyComponents { n: n?, e: e? }))
            }
            _ => None,
        }
    }

    fn verifies(&self, message: &[u8], given: &[u8]) -> bool {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, given)
        };
        let done = match self {
            PublicKey::Es256(key) => with(&signature::ECDSA_P256_SHA256_ASN1, key),
            PublicKey::EdDsa(key) => with(&signature::ED25519, key),
            PublicKey::Rs256(key) => key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, given),
        };
        done.is_ok()
    }
}

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Authenticator data (section 6.1).
struct AuthData<'a> {
    rp: &'a [u8],
    flags: u8,
    count: u32,
    rest: &'a [u8],
}

impl AuthData<'_> {
    fn read(bytes: &[u8]) -> Option<AuthData<'_>> {
        let (rp, rest) = bytes.split_at_checked(32)?;
        let (flags, rest) = rest.split_first()?;
        let (count, rest) = rest.split_at_checked(4)?;
        let count = u32::from_be_bytes(count.try_into().expect("four bytes"));
        Some(AuthData { rp, flags: *flags, count, rest })
    }
}

/// What the browser says was asked (section 5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// What `PublicKeyCredential.toJSON()` gives (section 5.1; members we do not need are ignored).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: Option<String>,
    authenticator_data: Option<String>,
    signature: Option<String>,
    user_handle: Option<String>,
}

/// A passkey that was just made.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    /// base64url, as everywhere.
    pub(super) id: String,
    /// The COSE key.
    pub(super) key: String,
    pub(super) count: u32,
}

type Checked<T> = Result<T, &'static str>;

/// Whether the browser was asked by us, here, this (steps common to both ceremonies). Returns the client data.
fn asked(place: &PasskeyPlace, answer: &str, kind: &'static str, challenge: &[u8]) -> Checked<(Answer, Vec<u8>)> {
    let answer: Answer = serde_json::from_str(answer).map_err(|_| "it is no answer of a browser")?;
    if answer.kind != "public-key" || answer.id != answer.raw_id {
        return Err("it is no passkey");
    }
    let bytes = from_base64url(&answer.response.client_data).ok_or("its client data cannot be read")?;
    let data: ClientData = serde_json::from_slice(&bytes).map_err(|_| "its client data cannot be read")?;
    if data.kind != kind {
        return Err("it answers another question");
    }
    let given = from_base64url(&data.challenge).unwrap_or_default();
    if !same(&given, challenge) {
        return Err("it answers another challenge");
    }
    if !place.origins.contains(&data.origin) || data.cross_origin {
        return Err("it was asked for by another site");
    }
    Ok((answer, bytes))
}

fn here(place: &PasskeyPlace, data: &AuthData<'_>, verified: bool) -> Checked<()> {
    if !same(data.rp, &sha256(place.rp.as_bytes())) {
        return Err("it belongs to another site");
    }
    if data.flags & PRESENT == 0 {
        return Err("nobody was there to confirm");
    }
    if verified && data.flags & VERIFIED == 0 {
        return Err("the person was not verified by the device");
    }
    Ok(())
}

/// Registration, section 7.1.
pub(super) fn made(place: &PasskeyPlace, answer: &str, challenge: &[u8], verified: bool) -> Checked<Made> {
    let (answer, _) = asked(place, answer, "webauthn.create", challenge)?;
    let object = answer.response.attestation_object.as_deref().and_then(from_base64url);
    let object = object.as_deref().and_then(Cbor::read).ok_or("its attestation cannot be read")?;
    if object.named("fmt").and_then(Cbor::text).is_none() {
        return Err("its attestation cannot be read");
    }
    let bytes = object.named("authData").and_then(Cbor::bytes).ok_or("its attestation cannot be read")?;
    let data = AuthData::read(bytes).ok_or("its data cannot be read")?;
    here(place, &data, verified)?;
    if data.flags & ATTESTED == 0 {
        return Err("it brings no key");
    }
    // AAGUID, then the length of the id, the id, the key (section 6.5.1).
    let (_, rest) = data.rest.split_at_checked(16).ok_or("its data cannot be read")?;
    let (length, rest) = rest.split_at_checked(2).ok_or("its data cannot be read")?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if !(1..=1023).contains(&length) {
        return Err("its id is too long");
    }
    let (id, rest) = rest.split_at_checked(length).ok_or("its data cannot be read")?;
    let (cose, after) = Cbor::first(rest).ok_or("its key cannot be read")?;
    let key = &rest[..rest.len() - after.len()];
    let extended = data.flags & EXTENDED != 0;
    if extended == after.is_empty() || (extended && Cbor::read(after).is_none()) {
        return Err("its data cannot be read");
    }
    PublicKey::read(&cose).ok_or("its kind of key is not one of those asked for")?;
    if base64url(id) != answer.id {
        return Err("its ids differ");
    }
    Ok(Made { id: answer.id, key: base64url(key), count: data.count })
}

/// Which passkey and user an answer claims, before anything is verified.
pub(super) fn claimed(answer: &str) -> Option<(String, Option<String>)> {
    let answer: Answer = serde_json::from_str(answer).ok()?;
    let user = answer.response.user_handle.as_deref().filter(|it| !it.is_empty());
    let user = match user {
        Some(handle) => Some(String::from_utf8(from_base64url(handle)?).ok()?),
        None => None,
    };
    Some((answer.id, user))
}

/// Authentication, section 7.2, with a passkey that is known. Returns the new count.
pub(super) fn used(
    place: &PasskeyPlace,
    answer: &str,
    challenge: &[u8],
    key: &str,
    count: u32,
    verified: bool,
) -> Checked<u32> {
    let (answer, client_data) = asked(place, answer, "webauthn.get", challenge)?;
    let bytes = answer.response.authenticator_data.as_deref().and_then(from_base64url);
    let bytes = bytes.ok_or("its data cannot be read")?;
    let data = AuthData::read(&bytes).ok_or("its data cannot be read")?;
    here(place, &data, verified)?;
    let cose = from_base64url(key).as_deref().and_then(Cbor::read);
    let key = cose.as_ref().and_then(PublicKey::read).ok_or("its key cannot be read")?;
    let given = answer.response.signature.as_deref().and_then(from_base64url).ok_or("it is not signed")?;
    let message = [&bytes[..], &sha256(&client_data)].concat();
    if !key.verifies(&message, &given) {
        return Err("its signature does not fit");
    }
    // Section 7.2, step 21. Passkeys that are copied between devices do not count.
    if (data.count != 0 || count != 0) && data.count <= count {
        return Err("it may have been copied: its counter did not go on");
    }
    Ok(data.count)
}
