//! The registry of apps: who they are, where they may be sent back to, what they may ever ask for. An app that
//! registers itself waits for an administrator; until then it can do nothing.
//!
//! RFC 7591 (dynamic registration), SMART App Launch 2.2 (registering a client), RFC 8252 (native apps).

use super::apps::{
    Allowed, Apps, CLIENT, Code, GRANT, GrantType, Mark, REGISTRATION, app, body, denied, same, written,
};
use super::assertion::{Assertion, refuse_keys};
use super::scopes::Scopes;
use crate::egress;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect};
use url::Url;

/// The permission of whoever looks after the registry.
pub const MANAGE: &str = "apps.manage";

/// The app of our launcher page.
pub const OWN_APP: &str = "launcher";

/// How many apps may wait for approval at once; more are turned away.
const QUEUE: usize = 200;

/// How long fetched keys are believed.
const FETCHED_FOR: i64 = 5 * super::apps::MINUTE;

/// How an app shows that it is itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proof {
    /// It cannot keep a secret (a browser, a phone); PKCE stands in for it.
    Public,
    /// It keeps a secret, of which we keep the digest.
    Secret { digest: String },
    /// It signs with keys whose public halves lie here or at an address.
    Keys {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jwks: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jwks_uri: Option<String>,
    },
}

impl Proof {
    /// The `token_endpoint_auth_method` values that fit.
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Proof::Public => &["none"],
            Proof::Secret { .. } => &["client_secret_basic", "client_secret_post"],
            Proof::Keys { .. } => &["private_key_jwt"],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Registered itself; an administrator has not looked yet.
    Waiting,
    Active,
    Disabled,
}

/// An app or program that is known here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    pub id: String,
    pub name: String,
    pub proof: Proof,
    pub redirect_uris: Vec<String>,
    /// Where we open it for someone who is signed in (EHR launch).
    #[serde(default)]
    pub launch_uri: Option<String>,
    pub grant_types: Vec<GrantType>,
    /// The most it may ever ask for.
    pub scopes: String,
    /// Web pages whose scripts may call our API.
    #[serde(default)]
    pub origins: Vec<String>,
    /// `RS256` unless it asked for `ES384`.
    pub id_token_alg: String,
    #[serde(default)]
    pub homepage: Option<String>,
    #[serde(default)]
    pub contacts: Vec<String>,
    /// Whether it may ask about tokens that were given to others (a resource server).
    #[serde(default)]
    pub may_introspect: bool,
    pub standing: Standing,
    /// When and by whom it was registered.
    pub made: i64,
    pub by: String,
}

/// What someone wants to register, in the words of RFC 7591.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Registration {
    #[serde(default)]
    pub client_name: String,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// SMART: `launch_uri` or, in older apps, `initiate_login_uri`.
    #[serde(default, alias = "initiate_login_uri")]
    pub launch_uri: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    pub grant_types: Option<Vec<String>>,
    #[serde(default)]
    pub response_types: Option<Vec<String>>,
    #[serde(default)]
    pub scope: String,
    #[serde(default)]
    pub jwks: Option<Value>,
    #[serde(default)]
    pub jwks_uri: Option<String>,
    #[serde(default)]
    pub client_uri: Option<String>,
    #[serde(default)]
    pub contacts: Vec<String>,
    #[serde(default)]
    pub id_token_signed_response_alg: Option<String>,
    /// Not of the standard: further origins of pages of the app.
    #[serde(default)]
    pub origins: Vec<String>,
    #[serde(default)]
    pub may_introspect: bool,
}

/// A client that was just registered. The secret is told this one time.
#[derive(Clone, Debug)]
pub struct Registered {
    pub client: Client,
    pub secret: Option<String>,
}

fn data<T>(says: &'static str) -> Allowed<T> {
    denied(Code::InvalidClientMetadata, says)
}

/// Where an app may be sent back to: https, http on the person's own machine, or a scheme of its own with a dot in it
/// (RFC 8252, 7.1), which `javascript:` and its like have not.
pub fn refuse_redirect(text: &str) -> Option<&'static str> {
    if text.len() > 2000 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some("a redirect_uri is plain text of at most 2000 letters");
    }
    if text.contains('#') {
        return Some("a redirect_uri has no fragment");
    }
    if text.contains('*') || text.contains('\\') {
        return Some("a redirect_uri is compared letter by letter; patterns do not work");
    }
    let Ok(url) = Url::parse(text) else { return Some("a redirect_uri is a whole address") };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("a redirect_uri has no user name in it");
    }
    match url.scheme() {
        "https" if url.host().is_some() => None,
        "http" if is_own_machine(&url) => None,
        "http" => Some("a redirect_uri begins with https:// (http:// only on the person's own machine)"),
        scheme if scheme.contains('.') => None,
        _ => Some("a redirect_uri begins with https://, or with a scheme of the app's own domain (com.example.app:)"),
    }
}

fn is_own_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `https://app.example:8443` of an address of a web page.
pub fn origin_of(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

impl Registration {
    /// What is registered is checked once, here; afterwards it is only compared.
    fn into_client(self, id: String, secret: &str, standing: Standing, by: &str, now: i64) -> Allowed<Client> {
        let name = self.client_name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return data("client_name is the name people see, with at most 100 letters");
        }
        if self.redirect_uris.len() > 20 {
            return data("there may be twenty redirect_uris");
        }
        if let Some(says) = self.redirect_uris.iter().find_map(|it| refuse_redirect(it)) {
            return denied(Code::InvalidRedirectUri, says);
        }
        let method = self.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let proof = match method {
            "none" => Proof::Public,
            "client_secret_basic" | "client_secret_post" => Proof::Secret { digest: Mark::of(secret).name() },
            "private_key_jwt" => keys(self.jwks.clone(), self.jwks_uri.clone())?,
            _ => {
                return data(
                    "token_endpoint_auth_method is none, client_secret_basic, client_secret_post or private_key_jwt",
                );
            }
        };
        if !matches!(proof, Proof::Keys { .. }) && (self.jwks.is_some() || self.jwks_uri.is_some()) {
            return data("jwks and jwks_uri go with private_key_jwt alone");
        }
        let grant_types = match &self.grant_types {
            None => vec![GrantType::AuthorizationCode],
            Some(names) => {
                let known: Option<BTreeSet<GrantType>> = names.iter().map(|it| GrantType::parse(it)).collect();
                match known {
                    Some(known) if !known.is_empty() => known.into_iter().collect(),
                    _ => return data("grant_types are authorization_code, refresh_token and client_credentials"),
                }
            }
        };
        let with_people = grant_types.contains(&GrantType::AuthorizationCode);
        if with_people == self.redirect_uris.is_empty() {
            return denied(
                Code::InvalidRedirectUri,
                "redirect_uris go with authorization_code, which needs at least one",
            );
        }
        if grant_types.contains(&GrantType::RefreshToken) && !with_people {
            return data("refresh_token goes with authorization_code");
        }
        if grant_types.contains(&GrantType::ClientCredentials) && !matches!(proof, Proof::Keys { .. }) {
            return data("client_credentials needs private_key_jwt");
        }
        if self.response_types.as_ref().is_some_and(|all| all.iter().any(|it| it != "code")) {
            return data("the only response type is code");
        }
        let launch_uri = match self.launch_uri.filter(|it| !it.is_empty()) {
            Some(it) if refuse_redirect(&it).is_some() || origin_of(&it).is_none() => {
                return data("launch_uri is a web address");
            }
            it => it,
        };
        let Ok(scopes) = Scopes::parse(&self.scope) else {
            return denied(Code::InvalidScope, "scope is not understood");
        };
        if scopes.is_empty() {
            return denied(Code::InvalidScope, "scope says the most the app will ever ask for");
        }
        let mut origins: BTreeSet<String> = BTreeSet::new();
        for origin in &self.origins {
            match origin_of(origin) {
                Some(plain) if plain == *origin => origins.insert(plain),
                _ => return data("an origin is like https://app.example, without a path"),
            };
        }
        if proof == Proof::Public {
            origins.extend(self.redirect_uris.iter().filter_map(|it| origin_of(it)));
        }
        let id_token_alg = match self.id_token_signed_response_alg.as_deref() {
            None | Some("RS256") => "RS256",
            Some("ES384") => "ES384",
            Some(_) => return data("id tokens are signed with RS256 or ES384"),
        };
        let homepage = self.client_uri.filter(|it| origin_of(it).is_some());
        let short = |it: &String| it.len() <= 200 && !it.chars().any(char::is_control);
        Ok(Client {
            id,
            name: name.to_owned(),
            proof,
            redirect_uris: self.redirect_uris,
            launch_uri,
            grant_types,
            scopes: scopes.to_string(),
            origins: origins.into_iter().collect(),
            id_token_alg: id_token_alg.to_owned(),
            homepage,
            contacts: self.contacts.into_iter().filter(short).take(5).collect(),
            may_introspect: self.may_introspect,
            standing,
            made: now,
            by: by.to_owned(),
        })
    }
}

fn keys(jwks: Option<Value>, jwks_uri: Option<String>) -> Allowed<Proof> {
    match (&jwks, &jwks_uri) {
        (Some(keys), None) => match refuse_keys(keys) {
            Some(says) => data(says),
            None => Ok(Proof::Keys { jwks, jwks_uri: None }),
        },
        (None, Some(address)) => match Url::parse(address) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.host().is_some() && address.len() <= 2000 => {
                Ok(Proof::Keys { jwks: None, jwks_uri })
            }
            _ => data("jwks_uri is a web address"),
        },
        _ => data("private_key_jwt needs either jwks or jwks_uri"),
    }
}

/// What a client brought to prove itself.
pub enum Brought<'a> {
    Nothing,
    /// `client_secret_basic` or `client_secret_post`.
    Secret(&'a str),
    Assertion {
        kind: &'a str,
        text: &'a str,
    },
}

/// A client that proved itself; `once` must be written with whatever it is given.
pub struct Proven {
    pub client: Arc<Client>,
    pub(super) once: Option<ItemChange>,
}

impl Apps<'_> {
    /// An app that may be used, by its id.
    pub async fn client(self, id: &str, now: i64) -> Allowed<Arc<Client>> {
        let unknown = || denied(Code::InvalidClient, "no such client is registered and approved here");
        if id.is_empty() || id.len() > 200 {
            return unknown();
        }
        let cached = self.memory().clients.read().expect("no writer panics").get(id).cloned();
        let client = match cached {
            Some(client) => client,
            None => match self.kept::<Client>(CLIENT, id, now).await? {
                Some((client, _)) => {
                    let client = Arc::new(client);
                    self.memory().clients.write().expect("no writer panics").insert(id.to_owned(), client.clone());
                    client
                }
                None => return unknown(),
            },
        };
        if client.standing == Standing::Active { Ok(client) } else { unknown() }
    }

    /// Whether the client is who it says, by the one means it registered.
    pub async fn prove(self, named: Option<&str>, brought: Brought<'_>, now: i64) -> Allowed<Proven> {
        let assertion = match &brought {
            Brought::Assertion { kind, text } => {
                if *kind != super::assertion::KIND {
                    return denied(Code::InvalidClient, "client_assertion_type must be that of a JWT");
                }
                Some(Assertion::read(text)?)
            }
            _ => None,
        };
        let claimed = match &assertion {
            Some(assertion) => Some(assertion.client()?),
            None => None,
        };
        let id = match (named, claimed) {
            (Some(named), Some(claimed)) if named != claimed => {
                return denied(Code::InvalidClient, "client_id and the client assertion name different clients");
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => return denied(Code::InvalidClient, "say who you are with client_id"),
        };
        let client = self.client(id, now).await?;
        let wrong = || denied(Code::InvalidClient, "the client did not prove itself in the way it registered");
        let once = match (&client.proof, &brought, assertion) {
            (Proof::Public, Brought::Nothing, None) => None,
            (Proof::Secret { digest }, Brought::Secret(secret), None) => {
                if !same(digest, &Mark::of(secret).name()) {
                    return wrong();
                }
                None
            }
            (Proof::Keys { jwks, jwks_uri }, Brought::Assertion { .. }, Some(assertion)) => {
                assertion.check_jku(jwks_uri.as_deref())?;
                let audiences = [format!("{}/token", self.organisation.issuer())];
                let once = assertion.check_claims(&audiences, now)?;
                match (jwks, jwks_uri) {
                    (Some(keys), _) => assertion.check_signature(keys)?,
                    (None, Some(address)) => {
                        let keys = self.fetched(address, false, now).await?;
                        if assertion.check_signature(&keys).is_err() {
                            // Keys may have been changed since.
                            let keys = self.fetched(address, true, now).await?;
                            assertion.check_signature(&keys)?;
                        }
                    }
                    (None, None) => return wrong(),
                }
                if self.store().item(once.shelf, &once.name, now).await?.is_some() {
                    return denied(Code::InvalidClient, "the client assertion was used before");
                }
                Some(once)
            }
            _ => return wrong(),
        };
        Ok(Proven { client, once })
    }

    /// The keys at a registered address. What was approved is the address, so no other may answer for it.
    async fn fetched(self, address: &str, afresh: bool, now: i64) -> Allowed<Arc<Value>> {
        let held = self.memory().fetched.lock().expect("no holder panics").get(address).cloned();
        // Even when asked afresh, nobody makes us fetch more often than every ten seconds.
        let patience = if afresh { 10 * super::apps::SECOND } else { FETCHED_FOR };
        if let Some((at, keys)) = held
            && now - at < patience
        {
            return Ok(keys);
        }
        let unreachable = || denied(Code::InvalidClient, "the keys of the client could not be fetched from jwks_uri");
        let ask = egress::Ask::get(address).accepting("application/json").within(64 * 1024);
        let answer = match self.organisation.surroundings.egress().send(ask).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(_) => return unreachable(),
            Err(refusal) => {
                tracing::warn!(%refusal, "the keys of a client could not be fetched");
                return unreachable();
            }
        };
        let Ok(keys) = serde_json::from_slice::<Value>(&answer.body) else { return unreachable() };
        if refuse_keys(&keys).is_some() {
            return denied(Code::InvalidClient, "what lies at jwks_uri is not a set of public keys we can use");
        }
        let keys = Arc::new(keys);
        self.memory().fetched.lock().expect("no holder panics").insert(address.to_owned(), (now, keys.clone()));
        Ok(keys)
    }

    /// Pages of these origins may call the API with a token.
    pub async fn origins(self, now: i64) -> Allowed<Arc<HashSet<String>>> {
        if let Some(origins) = &*self.memory().origins.read().expect("no writer panics") {
            return Ok(origins.clone());
        }
        let clients = self.all(CLIENT, now).await?;
        let active = clients.into_iter().filter(|it| it.standing == Standing::Active);
        let origins: Arc<HashSet<String>> = Arc::new(active.flat_map(|it| it.origins).collect());
        *self.memory().origins.write().expect("no writer panics") = Some(origins.clone());
        Ok(origins)
    }

    async fn all(self, shelf: &'static str, now: i64) -> Allowed<Vec<Client>> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let items = self.store().items(shelf, None, after.as_deref(), 200, now).await?;
            for item in &items {
                all.push(body(item)?);
            }
            match items.last() {
                Some(last) if items.len() == 200 => after = Some(last.name.clone()),
                _ => return Ok(all),
            }
        }
    }

    fn forget_client(self, id: &str) {
        self.memory().clients.write().expect("no writer panics").remove(id);
        *self.memory().origins.write().expect("no writer panics") = None;
    }

    /// An app registers itself. It waits for an administrator.
    pub async fn apply(self, registration: Registration, now: i64) -> Allowed<Registered> {
        let (id, secret) = (self.organisation.surroundings.new_id(), self.secret());
        let registration = Registration { may_introspect: false, ..registration };
        let client = registration.into_client(id, &secret, Standing::Waiting, "", now)?;
        if self.store().items(REGISTRATION, None, None, QUEUE, now).await?.len() >= QUEUE {
            return denied(Code::TemporarilyUnavailable, "too many apps wait for approval; try again another day");
        }
        let event = Event::of("register-app").detail(format!("client/{}", client.id));
        let change = ItemChange::put(REGISTRATION, &client.id, written(&client)).expecting(ItemExpect::Absent);
        self.store().keep(&app(&client), event, vec![change], now).await?;
        let secret = matches!(client.proof, Proof::Secret { .. }).then_some(secret);
        Ok(Registered { client, secret })
    }

    fn manages(caller: &Caller) -> Allowed<()> {
        match caller.rights.may(MANAGE) {
            true => Ok(()),
            false => denied(Code::AccessDenied, "the caller may not look after apps"),
        }
    }

    /// An administrator registers an app; it may be used at once.
    pub async fn register_client(self, caller: &Caller, registration: Registration, now: i64) -> Allowed<Registered> {
        let id = self.organisation.surroundings.new_id();
        let secret = self.secret();
        self.register_as(caller, registration, id, secret, now).await
    }

    /// The same under an id and with a secret chosen before (a demonstration, a move from another server).
    pub async fn register_as(
        self,
        caller: &Caller,
        registration: Registration,
        id: String,
        secret: String,
        now: i64,
    ) -> Allowed<Registered> {
        Apps::manages(caller)?;
        let client = registration.into_client(id, &secret, Standing::Active, &caller.who, now)?;
        let event = Event::of("configure").detail(format!("registered client/{}", client.id));
        let change = ItemChange::put(CLIENT, &client.id, written(&client));
        self.store().keep(caller, event, vec![change], now).await?;
        self.forget_client(&client.id);
        let secret = matches!(client.proof, Proof::Secret { .. }).then_some(secret);
        Ok(Registered { client, secret })
    }

    /// Every app, those that wait among them, by name.
    pub async fn clients(self, caller: &Caller, now: i64) -> Allowed<Vec<Client>> {
        Apps::manages(caller)?;
        let mut all = self.all(CLIENT, now).await?;
        all.extend(self.all(REGISTRATION, now).await?);
        all.sort_by_key(|it| it.name.to_lowercase());
        Ok(all)
    }

    /// Apps that can be opened from our pages, by name.
    pub async fn launchable(self, now: i64) -> Allowed<Vec<Client>> {
        let mut all = self.all(CLIENT, now).await?;
        all.retain(|it| it.standing == Standing::Active && it.launch_uri.is_some());
        all.sort_by_key(|it| it.name.to_lowercase());
        Ok(all)
    }

    /// The app that is part of our launcher page; it lies at our own address and is registered when it is first used.
    pub async fn own_app(self, now: i64) -> Allowed<Arc<Client>> {
        if let Ok(client) = self.client(OWN_APP, now).await {
            return Ok(client);
        }
        let base = &self.organisation.base;
        let registration = Registration {
            client_name: "Launcher".into(),
            redirect_uris: vec![format!("{base}/launcher/app")],
            launch_uri: Some(format!("{base}/launcher/app")),
            token_endpoint_auth_method: Some("none".into()),
            grant_types: Some(vec!["authorization_code".into(), "refresh_token".into()]),
            scope: "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access \
                    patient/*.cruds user/*.cruds"
                .into(),
            ..Registration::default()
        };
        let registered =
            self.register_as(&Caller::system("launcher"), registration, OWN_APP.into(), self.secret(), now).await?;
        Ok(Arc::new(registered.client))
    }

    /// Lets a waiting or disabled app in.
    pub async fn approve(self, caller: &Caller, id: &str, now: i64) -> Allowed<Client> {
        Apps::manages(caller)?;
        let event = Event::of("configure").detail(format!("approved client/{id}"));
        if let Some((client, item)) = self.kept::<Client>(REGISTRATION, id, now).await? {
            let client = Client { standing: Standing::Active, by: caller.who.to_string(), ..client };
            let gone = ItemChange::delete(REGISTRATION, id).expecting(ItemExpect::Version(item.version));
            let there = ItemChange::put(CLIENT, id, written(&client)).expecting(ItemExpect::Absent);
            self.store().keep(caller, event, vec![gone, there], now).await?;
            self.forget_client(id);
            return Ok(client);
        }
        self.set_standing(caller, id, Standing::Active, event, now).await
    }

    /// Shuts an app out; whatever it holds ends with it.
    pub async fn disable(self, caller: &Caller, id: &str, now: i64) -> Allowed<()> {
        Apps::manages(caller)?;
        let event = Event::of("configure").detail(format!("disabled client/{id}"));
        if let Some((_, item)) = self.kept::<Client>(REGISTRATION, id, now).await? {
            let gone = ItemChange::delete(REGISTRATION, id).expecting(ItemExpect::Version(item.version));
            return Ok(self.store().keep(caller, event, vec![gone], now).await?);
        }
        self.set_standing(caller, id, Standing::Disabled, event, now).await?;
        // Grants lie under the person who gave them, so they are looked through.
        let mut after: Option<String> = None;
        loop {
            let grants = self.store().items(GRANT, None, after.as_deref(), 200, now).await?;
            for item in &grants {
                let grant: super::tokens::Grant = body(item)?;
                if grant.client == id {
                    self.end_grant(caller, &item.name, "disabled client", now).await?;
                }
            }
            match grants.last() {
                Some(last) if grants.len() == 200 => after = Some(last.name.clone()),
                _ => break,
            }
        }
        self.end_tokens_of(caller, &format!("client/{id}"), now).await
    }

    async fn set_standing(
        self,
        caller: &Caller,
        id: &str,
        standing: Standing,
        event: Event,
        now: i64,
    ) -> Allowed<Client> {
        let Some((client, item)) = self.kept::<Client>(CLIENT, id, now).await? else {
            return denied(Code::InvalidRequest, "there is no such app");
        };
        let client = Client { standing, ..client };
        let change = ItemChange::put(CLIENT, id, written(&client)).expecting(ItemExpect::Version(item.version));
        self.store().keep(caller, event, vec![change], now).await?;
        self.forget_client(id);
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_sent_back_only_to_an_address_that_is_its_own() {
        for good in [
            "https://app.example/back",
            "https://app.example:8443/back?tenant=1",
            "http://127.0.0.1:7777/",
            "http://localhost/back",
            "http://[::1]:80/x",
            "com.example.app:/back",
        ] {
            assert_eq!(refuse_redirect(good), None, "{good}");
        }
        for bad in [
            "",
            "/back",
            "app.example/back",
            "http://app.example/back",
            "https://app.example/back#x",
            "https://*.app.example/back",
            "https://user@app.example/",
            "https://app.example\\@evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "myapp://back",
            "http://localhost.evil.example/",
            "https://app.example/ back",
            "https://app.example/\nback",
        ] {
            assert!(refuse_redirect(bad).is_some(), "{bad}");
        }
    }
}
