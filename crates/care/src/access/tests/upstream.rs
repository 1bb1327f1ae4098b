//! An outside provider of identity, played by a test: what it says is believed only when everything about it fits.

use super::place::{MINUTE, NOON, Practice, SECOND};
use crate::access::secret::{base64url, sha256};
use crate::access::{AccessError, AccessResult, Provider, ProviderStep, SignIn};
use crate::egress::{Answer, Ask, Egress, Refused, Sending};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use store::Caller;
use url::Url;

const ISSUER: &str = "https://login.hospital.example";

/// What the provider would say next, with everything that an attacker could change open to be changed.
struct Words {
    head: Value,
    claims: Value,
    /// The challenge of PKCE that the code was given for.
    challenge: String,
    /// The key that signs and the one that is published (PKCS #8).
    signs: Vec<u8>,
    shown: Vec<u8>,
}

#[derive(Clone)]
pub(super) struct Elsewhere(Arc<Mutex<Words>>);

fn new_key() -> Vec<u8> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    pkcs8.unwrap().as_ref().to_vec()
}

fn pair(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new()).unwrap()
}

impl Elsewhere {
    fn answer(&self, ask: &Ask) -> Option<Value> {
        let words = self.0.lock().unwrap();
        Some(match ask.address.strip_prefix(ISSUER)? {
            "/.well-known/openid-configuration" => json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize?tenant=1"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
            }),
            "/keys" => {
                let shown = pair(&words.shown);
                let point = shown.public_key().as_ref();
                let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
                json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "one", "x": x, "y": y }] })
            }
            "/token" => {
                let form: HashMap<_, _> = url::form_urlencoded::parse(&ask.body).into_owned().collect();
                let verifier = base64url(&sha256(form["code_verifier"].as_bytes()));
                let fits = form["code"] == "good" && form["client_id"] == "continuo" && form["client_secret"] == "hush";
                if !fits || verifier != words.challenge {
                    return None;
                }
                let part = |it: &Value| base64url(it.to_string().as_bytes());
                let signed = format!("{}.{}", part(&words.head), part(&words.claims));
                let signature = pair(&words.signs).sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                json!({ "id_token": format!("{signed}.{}", base64url(signature.as_ref())), "token_type": "Bearer" })
            }
            _ => return None,
        })
    }
}

impl Egress for Elsewhere {
    fn send(&self, ask: Ask) -> Sending<'_> {
        let answer = self.answer(&ask);
        Box::pin(async move {
            let body = answer.ok_or(Refused::Unreachable)?.to_string();
            Ok(Answer { status: 200, content_type: "application/json".into(), body: body.into() })
        })
    }
}

struct Visitor {
    practice: Practice,
    elsewhere: Elsewhere,
}

impl Visitor {
    async fn new(by_email: bool) -> Visitor {
        let key = new_key();
        let (head, claims) = (Value::Null, Value::Null);
        let words = Words { head, claims, challenge: String::new(), signs: key.clone(), shown: key };
        let elsewhere = Elsewhere(Arc::new(Mutex::new(words)));
        let practice = Practice::reaching(elsewhere.clone()).await;
        let provider = Provider {
            id: "hospital".into(),
            name: "Hospital login".into(),
            issuer: ISSUER.into(),
            client_id: "continuo".into(),
            client_secret: Some("hush".into()),
            by_email,
        };
        practice.access.set_provider(&Caller::system("test"), provider, NOON).await.unwrap();
        Visitor { practice, elsewhere }
    }

    /// Goes to the provider, who then says what an honest one would, changed.
    async fn goes(&self, change: impl FnOnce(&mut Words)) -> (ProviderStep, String) {
        let step = self.practice.access.provider_begin("hospital", self.practice.now()).await.unwrap();
        let url = Url::parse(&step.url).unwrap();
        let asked: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!((asked["tenant"].as_str(), asked["code_challenge_method"].as_str()), ("1", "S256"));
        assert_eq!(asked["redirect_uri"], "https://ehr.example/riverside/sign-in/back");
        let second = self.practice.now() / SECOND;
        let mut words = self.elsewhere.0.lock().unwrap();
        words.head = json!({ "alg": "ES256", "kid": "one" });
        words.claims = json!({
            "iss": ISSUER, "sub": "amara", "aud": "continuo", "exp": second + 300, "iat": second,
            "nonce": asked["nonce"], "email": "okafor@example.org", "email_verified": true,
        });
        words.challenge = asked["code_challenge"].clone();
        words.shown = words.signs.clone();
        change(&mut words);
        (step, asked["state"].clone())
    }

    async fn back(&self, step: &ProviderStep, state: &str, code: &str) -> AccessResult<SignIn> {
        let practice = &self.practice;
        practice.access.provider_finish(&practice.visit, &step.handle, state, code, practice.now()).await
    }
}

#[tokio::test]
async fn whom_the_provider_vouches_for_and_we_know_is_in() {
    let visitor = Visitor::new(true).await;
    let user = visitor.practice.staff("okafor", &["clinician"]).await;
    let (step, state) = visitor.goes(|_| {}).await;
    let SignIn::Open(opened) = visitor.back(&step, &state, "good").await.unwrap() else { panic!("they are in") };
    assert_eq!(opened.session.user, user.id);
    // The same answer again.
    assert!(matches!(visitor.back(&step, &state, "good").await, Err(AccessError::Expired)));
    assert_eq!(visitor.practice.access.providers(NOON).await.unwrap()[0].name, "Hospital login");
}

#[tokio::test]
async fn a_link_says_who_is_meant_and_strangers_stay_outside() {
    let visitor = Visitor::new(false).await;
    let user = visitor.practice.staff("okafor", &["clinician"]).await;
    let (step, state) = visitor.goes(|_| {}).await;
    assert!(matches!(visitor.back(&step, &state, "good").await, Ok(SignIn::Wrong)), "an address alone says nothing");
    let system = Caller::system("test");
    visitor.practice.access.link_provider(&system, &user.id, "hospital", "amara", NOON).await.unwrap();
    let (step, state) = visitor.goes(|_| {}).await;
    assert!(matches!(visitor.back(&step, &state, "good").await, Ok(SignIn::Open(_))));
    let (step, state) = visitor.goes(|words| words.claims["sub"] = "somebody else".into()).await;
    assert!(matches!(visitor.back(&step, &state, "good").await, Ok(SignIn::Wrong)));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_all_the_same() {
    let visitor = Visitor::new(true).await;
    visitor.practice.staff("okafor", &["clinician"]).await;
    visitor.practice.with_app("okafor").await;
    let (step, state) = visitor.goes(|_| {}).await;
    assert!(matches!(visitor.back(&step, &state, "good").await, Ok(SignIn::Second { .. })));
}

#[tokio::test]
async fn what_does_not_fit_is_not_believed() {
    let visitor = Visitor::new(true).await;
    visitor.practice.staff("okafor", &["clinician"]).await;
    let second = NOON / SECOND;
    type Spoil = fn(&mut Words, i64);
    let wrong: &[(&str, Spoil)] = &[
        ("another issuer", |it, _| it.claims["iss"] = "https://evil.example".into()),
        ("another audience", |it, _| it.claims["aud"] = "someone".into()),
        ("several audiences", |it, _| it.claims["aud"] = json!(["continuo", "someone"])),
        ("another party", |it, _| it.claims["azp"] = "someone".into()),
        ("another nonce", |it, _| it.claims["nonce"] = "guess".into()),
        ("no nonce", |it, _| drop(it.claims.as_object_mut().unwrap().remove("nonce"))),
        ("over", |it, second| it.claims["exp"] = (second - 61).into()),
        ("of the future", |it, second| it.claims["iat"] = (second + 61).into()),
        ("nobody", |it, _| it.claims["sub"] = "".into()),
        ("no algorithm", |it, _| it.head["alg"] = "none".into()),
        ("a shared secret", |it, _| it.head["alg"] = "HS256".into()),
        ("another algorithm", |it, _| it.head["alg"] = "RS256".into()),
        ("an unknown key", |it, _| it.head["kid"] = "two".into()),
        ("critical unknowns", |it, _| it.head["crit"] = json!(["exp"])),
        ("another's signature", |it, _| it.signs = new_key()),
        ("another verifier", |it, _| it.challenge = "other".into()),
    ];
    for (name, change) in wrong {
        let (step, state) = visitor.goes(|words| change(words, second)).await;
        let done = visitor.back(&step, &state, "good").await;
        assert!(matches!(done, Err(AccessError::Provider(_))), "{name}: {done:?}");
    }
    let (step, state) = visitor.goes(|words| words.claims["email_verified"] = false.into()).await;
    assert!(matches!(visitor.back(&step, &state, "good").await, Ok(SignIn::Wrong)), "an unverified address");
    let (step, state) = visitor.goes(|_| {}).await;
    assert!(matches!(visitor.back(&step, &state, "stolen").await, Err(AccessError::Provider(_))), "another code");
}

#[tokio::test]
async fn the_answer_must_come_to_the_browser_that_asked_in_time() {
    let visitor = Visitor::new(true).await;
    visitor.practice.staff("okafor", &["clinician"]).await;
    let (mine, _) = visitor.goes(|_| {}).await;
    let (other, state) = visitor.goes(|_| {}).await;
    for (step, state) in [(&mine, state.as_str()), (&other, ""), (&other, "guess")] {
        assert!(matches!(visitor.back(step, state, "good").await, Err(AccessError::Expired)), "{state}");
    }
    let forged = ProviderStep { handle: "forged".into(), ..other.clone() };
    assert!(matches!(visitor.back(&forged, &state, "good").await, Err(AccessError::Expired)));
    visitor.practice.later(10 * MINUTE);
    assert!(matches!(visitor.back(&other, &state, "good").await, Err(AccessError::Expired)));
}
