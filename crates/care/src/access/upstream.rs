//! Signing in with an outside provider of identity: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636) and a
//! nonce. The provider says who someone is; whether there is such a user here, and what they may do, is said here. It
//! counts as a password: who has a second factor shows it besides.

use super::accounts::{Means, configured, must_manage};
use super::lockout::Against;
use super::secret::{base64url, from_base64url, same, sha256};
use super::shelf::{self, LOGIN, PROVIDER, SPENT};
use super::{Access, AccessError, AccessResult, MINUTE, SECOND, SignIn, User, Visit};
use crate::egress::Ask;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::audit::Event;
use store::{Caller, ItemExpect, StoreResult};
use url::Url;
use url::form_urlencoded::Serializer;

/// How long someone may be away at the provider's.
const PATIENCE: i64 = 10 * MINUTE;
/// How far clocks may differ.
const SKEW: i64 = 60;

/// A provider as an administrator enters it.
#[derive(Clone)]
pub struct Provider {
    /// A short name in addresses: `hospital`.
    pub id: String,
    /// What the button says.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// For a confidential client.
    pub client_secret: Option<String>,
    /// Whether someone without a link is known by an address of electronic mail that the provider verified.
    pub by_email: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProviderInfo {
    pub id: String,
    pub name: String,
    pub issuer: String,
}

/// Where to send the browser, and what to remember in a cookie meanwhile.
#[derive(Clone, Debug)]
pub struct ProviderStep {
    pub url: String,
    pub handle: String,
}

#[derive(Serialize, Deserialize)]
struct Known {
    name: String,
    issuer: String,
    client_id: String,
    /// Sealed.
    secret: Option<String>,
    by_email: bool,
    authorize: String,
    token: String,
    keys: String,
}

/// OpenID Connect Discovery 1.0, section 3, as far as we need it.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Serialize, Deserialize)]
struct Away {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    until: i64,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

fn wrong(what: &str) -> AccessError {
    AccessError::Provider(what.to_owned())
}

fn linked(provider: &str, subject: &str) -> String {
    format!("provider/{provider}/{}", super::Secret::of(subject).hex())
}

impl Access {
    /// The providers to offer on the sign-in page.
    pub async fn providers(&self, now: i64) -> StoreResult<Vec<ProviderInfo>> {
        let items = self.store.items(PROVIDER, None, None, 50, now).await?;
        let info = |item: &store::Item| {
            let it: Known = shelf::read(item)?;
            Ok(ProviderInfo { id: item.name.clone(), name: it.name, issuer: it.issuer })
        };
        items.iter().map(info).collect()
    }

    /// Adds or replaces a provider; it is asked where its addresses are.
    pub async fn set_provider(&self, caller: &Caller, provider: Provider, now: i64) -> AccessResult<()> {
        must_manage(caller)?;
        let plain = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain(&provider.id) || provider.client_id.is_empty() || provider.name.trim().is_empty() {
            return Err(wrong("it needs a short name of letters and digits, a name to show and a client id"));
        }
        let issuer = provider.issuer.trim_end_matches('/');
        let found = self.fetch(Ask::get(&format!("{issuer}/.well-known/openid-configuration"))).await?;
        let found: Discovered = serde_json::from_slice(&found).map_err(|_| wrong("it does not describe itself"))?;
        if found.issuer != provider.issuer {
            return Err(wrong("it calls itself by another address"));
        }
        let place = format!("provider/{}", provider.id);
        let secret = provider.client_secret.filter(|it| !it.is_empty());
        let known = Known {
            name: provider.name.trim().to_owned(),
            issuer: provider.issuer,
            client_id: provider.client_id,
            secret: secret.map(|it| self.sealer.seal(&self.chance(), &place, it.as_bytes())),
            by_email: provider.by_email,
            authorize: found.authorization_endpoint,
            token: found.token_endpoint,
            keys: found.jwks_uri,
        };
        let event = Event::of("configure").detail(format!("sign-in provider {} at {}", provider.id, known.issuer));
        let item = shelf::put(PROVIDER, provider.id, "", None, &known, ItemExpect::Anything);
        self.store.keep(caller, event, vec![item], now).await?;
        Ok(())
    }

    pub async fn remove_provider(&self, caller: &Caller, provider: &str, now: i64) -> AccessResult<()> {
        must_manage(caller)?;
        let event = Event::of("configure").detail(format!("sign-in provider {provider} removed"));
        let item = shelf::remove(PROVIDER, provider, ItemExpect::Anything);
        self.store.keep(caller, event, vec![item], now).await?;
        Ok(())
    }

    /// Says that whom the provider calls `subject` is this user.
    pub async fn link_provider(
        &self,
        caller: &Caller,
        user: &str,
        provider: &str,
        subject: &str,
        now: i64,
    ) -> AccessResult<()> {
        must_manage(caller)?;
        let user = self.user_by_id(user, now).await?.ok_or(AccessError::NoSuchUser)?;
        if *caller.who == user.who() {
            return Err(AccessError::Forbidden);
        }
        let means = Means { user: user.id.clone() };
        let item = shelf::put(LOGIN, linked(provider, subject), &user.id, None, &means, ItemExpect::Absent);
        let event = configured(&user, &format!("linked with provider {provider}"));
        self.store.keep(caller, event, vec![item], now).await.map_err(|error| match error {
            store::StoreError::ItemConflict { .. } => AccessError::UserNameTaken,
            other => other.into(),
        })
    }

    fn back(&self) -> String {
        format!("{}/sign-in/back", self.settings.base)
    }

    async fn known(&self, provider: &str, now: i64) -> AccessResult<Known> {
        let found: Option<(Known, u64)> = shelf::get(&self.store, PROVIDER, provider, now).await?;
        found.map(|(it, _)| it).ok_or_else(|| wrong("there is no such provider"))
    }

    /// Sends someone to the provider.
    pub async fn provider_begin(&self, provider: &str, now: i64) -> AccessResult<ProviderStep> {
        let known = self.known(provider, now).await?;
        let away = Away {
            provider: provider.to_owned(),
            state: base64url(&self.chance_bytes()),
            nonce: base64url(&self.chance_bytes()),
            verifier: base64url(&self.chance_bytes()),
            until: now + PATIENCE,
        };
        let mut url = Url::parse(&known.authorize).map_err(|_| wrong("its address cannot be read"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &known.client_id)
            .append_pair("redirect_uri", &self.back())
            .append_pair("scope", if known.by_email { "openid email" } else { "openid" })
            .append_pair("state", &away.state)
            .append_pair("nonce", &away.nonce)
            .append_pair("code_challenge", &base64url(&sha256(away.verifier.as_bytes())))
            .append_pair("code_challenge_method", "S256");
        Ok(ProviderStep { url: url.into(), handle: self.sealer.seal_json(&self.chance(), "provider", &away) })
    }

    /// Someone comes back from the provider with a code.
    pub async fn provider_finish(
        &self,
        visit: &Visit,
        handle: &str,
        state: &str,
        code: &str,
        now: i64,
    ) -> AccessResult<SignIn> {
        let against = Against::new(None, visit);
        if let Some(until) = self.locked(&against, now).await? {
            return Ok(SignIn::Wait { until });
        }
        let away: Option<Away> = self.sealer.open_json("provider", handle);
        let away = away.filter(|it| now < it.until && same(it.state.as_bytes(), state.as_bytes()));
        let away = away.ok_or(AccessError::Expired)?;
        // This answer counts once, whatever comes of it.
        let spent = shelf::put(
            SPENT,
            super::Secret::of(&away.state).hex(),
            "",
            Some(away.until + MINUTE),
            &(),
            ItemExpect::Absent,
        );
        let event = Event::of("sign-in").detail(format!("back from provider {}{}", away.provider, visit.from()));
        self.store.keep(&visit.stranger(), event, vec![spent], now).await.map_err(|error| match error {
            store::StoreError::ItemConflict { .. } => AccessError::Expired,
            other => other.into(),
        })?;
        let known = self.known(&away.provider, now).await?;
        let token = self.redeem(&known, &away, code).await?;
        let keys = self.fetch(Ask::get(&known.keys).accepting("application/json")).await?;
        let claims = believed(&token, &keys, &known, &away.nonce, now)?;
        let user = self.meant(&away.provider, &known, &claims, now).await?;
        match user.filter(|it| it.active && !it.roles_at(now).is_empty()) {
            Some(user) => {
                let against = Against::new(Some(&super::accounts::folded(&user.username)), visit);
                self.after_first(visit, &user, &against, "outside provider", Vec::new(), now).await
            }
            None => {
                let event = Event::refused("sign-in", "provider").detail("nobody here is meant");
                self.store.record(&visit.stranger(), event, now).await?;
                Ok(SignIn::Wrong)
            }
        }
    }

    async fn meant(&self, provider: &str, known: &Known, claims: &Claims, now: i64) -> AccessResult<Option<User>> {
        let name = linked(provider, &claims.sub);
        let found: Option<(Means, u64)> = shelf::get(&self.store, LOGIN, &name, now).await?;
        if let Some((means, _)) = found {
            return Ok(self.user_by_id(&means.user, now).await?);
        }
        match &claims.email {
            // Only an address that the provider has verified says anything.
            Some(email) if known.by_email && claims.email_verified => Ok(self.user_by_email(email, now).await?),
            _ => Ok(None),
        }
    }

    async fn redeem(&self, known: &Known, away: &Away, code: &str) -> AccessResult<String> {
        // The serializer cannot go from thread to thread: it must be gone before we wait.
        let form = {
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", &self.back())
                .append_pair("code_verifier", &away.verifier)
                .append_pair("client_id", &known.client_id);
            let place = format!("provider/{}", away.provider);
            let secret = known.secret.as_deref().and_then(|it| self.sealer.open(&place, it));
            if let Some(secret) = secret.and_then(|it| String::from_utf8(it).ok()) {
                form.append_pair("client_secret", &secret);
            }
            form.finish()
        };
        let ask = Ask::post(&known.token, "application/x-www-form-urlencoded", form);
        let body = self.fetch(ask.accepting("application/json")).await?;
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| wrong("it gave no id token"))?;
        Ok(tokens.id_token)
    }

    async fn fetch(&self, ask: Ask) -> AccessResult<bytes::Bytes> {
        let answer =
            self.world.egress().send(ask).await.map_err(|refused| AccessError::Provider(refused.to_string()))?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(AccessError::Provider(format!("it answered {status}"))),
        }
    }
}

/// OpenID Connect Core 1.0, section 3.1.3.7, and RFC 8725: which algorithms count is said here, never by the token.
fn believed(token: &str, keys: &[u8], known: &Known, nonce: &str, now: i64) -> AccessResult<Claims> {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, payload, signature] = parts[..] else { return Err(wrong("its id token cannot be read")) };
    let read = |part: &str| from_base64url(part).ok_or_else(|| wrong("its id token cannot be read"));
    let unreadable = |_| wrong("its id token cannot be read");
    let named: Head = serde_json::from_slice(&read(head)?).map_err(unreadable)?;
    if named.crit.is_some() {
        return Err(wrong("its id token asks for what we do not know"));
    }
    let keys: Value = serde_json::from_slice(keys).map_err(|_| wrong("its keys cannot be read"))?;
    let signed = format!("{head}.{payload}");
    let signature = read(signature)?;
    let fits = |key: &&Value| match &named.kid {
        Some(kid) => key["kid"].as_str() == Some(kid),
        None => true,
    };
    let all = keys["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !all.iter().filter(fits).take(20).any(|key| signs(key, &named.alg, signed.as_bytes(), &signature)) {
        return Err(wrong("its id token is not signed by it"));
    }
    let claims: Claims = serde_json::from_slice(&read(payload)?).map_err(unreadable)?;
    let audience: Vec<&str> = match &claims.aud {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let now = now / SECOND;
    let checks = [
        (claims.iss == known.issuer, "its id token is of another provider"),
        (audience.contains(&known.client_id.as_str()), "its id token is for someone else"),
        (audience.len() == 1 || claims.azp.as_deref() == Some(&known.client_id), "its id token is for someone else"),
        (claims.azp.as_deref().is_none_or(|it| it == known.client_id), "its id token is for someone else"),
        (now < claims.exp.saturating_add(SKEW), "its id token has ended"),
        (claims.iat <= now.saturating_add(SKEW), "its id token is of the future"),
        (claims.nonce.as_deref() == Some(nonce), "its id token answers another sign-in"),
        (!claims.sub.is_empty() && claims.sub.len() <= 255, "its id token names nobody"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(wrong(what)),
        None => Ok(claims),
    }
}

/// Whether a key of a JWKS (RFC 7517) made this signature, with RS256 or ES256 (RFC 7518).
fn signs(key: &Value, algorithm: &str, signed: &[u8], given: &[u8]) -> bool {
    let part = |name: &str| key[name].as_str().and_then(from_base64url);
    if key["use"].as_str().is_some_and(|it| it != "sig") || key["alg"].as_str().is_some_and(|it| it != algorithm) {
        return false;
    }
    match (algorithm, key["kty"].as_str()) {
        ("RS256", Some("RSA")) => {
            let (Some(n), Some(e)) = (part("n"), part("e")) else { return false };
            RsaPublicKeyComponents { n, e }.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, given).is_ok()
        }
        ("ES256", Some("EC")) if key["crv"] == "P-256" => {
            let (Some(x), Some(y)) = (part("x"), part("y")) else { return false };
            let point = [&[4], &x[..], &y[..]].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, given).is_ok()
        }
        _ => false,
    }
}
