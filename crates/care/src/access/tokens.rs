//! Tokens: made of a code, of a refresh token or for a program itself; looked up on every request; told about; taken back.
//! An access token is 256 random bits that mean nothing to anyone else; its digest is kept, and what it stands for is
//! held in memory. A refresh token is good once; using it twice ends everything that came of the same consent, since one
//! of the two who hold it stole it.
//!
//! RFC 6749 (5, 6), RFC 7662 (introspection), RFC 7009 (revocation), RFC 9700 (4.14), SMART App Launch 2.2 (backend services).

use super::apps::{
    Allowed, Apps, CODE, Code, DAY, Denial, GRANT, GrantType, HOUR, MINUTE, Mark, Parameters, REFRESH, SECOND, TOKEN,
    app, body, denied, same, written,
};
use super::clients::{Client, MANAGE, Proven, Standing};
use super::codes::{Coded, Subject, is_over, seconds};
use super::principal::Principal;
use super::scopes::{Context, Scopes};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::{Id, Key, ResourceType};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect, Purpose, StoreResult};

/// How long an access token lasts: for a person, and for a program that can always get another.
const FOR_PEOPLE: i64 = 30 * MINUTE;
const FOR_PROGRAMS: i64 = 5 * MINUTE;
/// How long an app may stay away before the person has to come again.
const OFFLINE: i64 = 90 * DAY;
const ONLINE: i64 = 12 * HOUR;

/// What a person allowed an app. All tokens that come of it form one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub id: String,
    pub client: String,
    pub client_name: String,
    pub subject: Subject,
    pub scopes: String,
    pub patient: Option<String>,
    pub encounter: Option<String>,
    pub made: i64,
    /// When the app last came for a token.
    pub used: i64,
}

/// What an access token stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub client: String,
    pub client_name: String,
    pub scopes: String,
    /// Made by the operator at the machine, for all there is.
    #[serde(default)]
    pub operator: bool,
    /// The person it acts for; none for a program that acts for itself.
    pub subject: Option<Subject>,
    pub patient: Option<String>,
    pub encounter: Option<String>,
    pub grant: Option<String>,
    pub made: i64,
    pub until: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Refresh {
    grant: String,
    client: String,
    online: bool,
    used: bool,
    nonce: Option<String>,
}

fn owner(held: &Held) -> String {
    held.grant.clone().unwrap_or_else(|| format!("client/{}", held.client))
}

impl Apps<'_> {
    /// The token endpoint, after the client proved itself.
    pub async fn token(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<Value> {
        let Some(kind) = given.get("grant_type") else { return denied(Code::InvalidRequest, "grant_type is missing") };
        let Some(kind) = GrantType::parse(kind) else {
            return denied(Code::UnsupportedGrantType, "this grant_type is not supported");
        };
        if !proven.client.grant_types.contains(&kind) {
            return denied(Code::UnauthorizedClient, "the client is not registered for this grant_type");
        }
        match kind {
            GrantType::AuthorizationCode => self.exchange(proven, given, now).await,
            GrantType::RefreshToken => self.refresh(proven, given, now).await,
            GrantType::ClientCredentials => self.for_itself(proven, given, now).await,
        }
    }

    /// The public client that a refresh token was given to. Such a client has nothing to prove itself with, and some name
    /// themselves only when they come for the first time (RFC 6749, 6 does not ask for more).
    pub async fn public_holder(self, given: &Parameters, now: i64) -> Allowed<Option<Proven>> {
        let Some(secret) = given.get("refresh_token").filter(|_| given.get("grant_type") == Some("refresh_token"))
        else {
            return Ok(None);
        };
        let Some((refresh, _)) = self.kept::<Refresh>(REFRESH, &Mark::of(secret).name(), now).await? else {
            return Ok(None);
        };
        let client = self.client(&refresh.client, now).await?;
        Ok((client.proof == super::clients::Proof::Public).then_some(Proven { client, once: None }))
    }

    async fn exchange(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<Value> {
        let invalid = |says| denied(Code::InvalidGrant, says);
        let Some(secret) = given.get("code") else { return denied(Code::InvalidRequest, "code is missing") };
        let Some(redirect_uri) = given.get("redirect_uri") else {
            return denied(Code::InvalidRequest, "redirect_uri is missing");
        };
        let Some(verifier) = given.get("code_verifier") else {
            return denied(Code::InvalidRequest, "code_verifier is missing");
        };
        let name = Mark::of(secret).name();
        let Some((coded, item)) = self.kept::<Coded>(CODE, &name, now).await? else {
            return invalid("this code is not known");
        };
        if coded.client != proven.client.id {
            return invalid("this code was given to another client");
        }
        if let Some(grant) = &coded.grant {
            // Two hold it: one of them stole it.
            self.end_grant(&app(&proven.client), grant, "a code was used twice", now).await?;
            return invalid("this code was used before; what it gave has been taken back");
        }
        if is_over(&coded, now) {
            return invalid("this code is no longer valid");
        }
        if coded.redirect_uri != redirect_uri {
            return invalid("redirect_uri is not the one the code was sent to");
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(plain) {
            return invalid("code_verifier must have 43 to 128 letters, digits and -._~");
        }
        let hashed = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        if !same(&hashed, &coded.challenge) {
            return invalid("code_verifier does not fit the code");
        }
        let scopes = self.read_scopes(&coded.scopes)?;
        let grant = Grant {
            id: self.organisation.surroundings.new_id(),
            client: proven.client.id.clone(),
            client_name: proven.client.name.clone(),
            subject: coded.subject.clone(),
            scopes: coded.scopes.clone(),
            patient: coded.patient.clone(),
            encounter: coded.encounter.clone(),
            made: now,
            used: now,
        };
        let used = Coded { grant: Some(grant.id.clone()), ..coded.clone() };
        let mut code = ItemChange::put(CODE, name, written(&used))
            .owned_by(&grant.subject.who)
            .expecting(ItemExpect::Version(item.version));
        code.until = item.until;
        let grant_change = self.grant_change(&grant, &scopes, ItemExpect::Absent, now);
        self.give(proven, &grant, &scopes, coded.nonce.as_deref(), vec![code, grant_change], now).await
    }

    fn grant_change(self, grant: &Grant, scopes: &Scopes, expect: ItemExpect, now: i64) -> ItemChange {
        let life = match (scopes.has("offline_access"), scopes.has("online_access")) {
            (true, _) => OFFLINE,
            (_, true) => ONLINE,
            _ => FOR_PEOPLE,
        };
        ItemChange::put(GRANT, &grant.id, written(grant))
            .owned_by(&grant.subject.who)
            .until(now + life)
            .expecting(expect)
    }

    fn read_scopes(self, text: &str) -> Allowed<Scopes> {
        Scopes::parse(text)
            .map_err(|_| Denial { code: Code::ServerError, says: "the server cannot read its own record" })
    }

    /// Makes the tokens of a grant and writes them together with what led to them.
    async fn give(
        self,
        proven: &Proven,
        grant: &Grant,
        scopes: &Scopes,
        nonce: Option<&str>,
        mut changes: Vec<ItemChange>,
        now: i64,
    ) -> Allowed<Value> {
        let client = &proven.client;
        let held = Held {
            operator: false,
            client: client.id.clone(),
            client_name: client.name.clone(),
            scopes: scopes.to_string(),
            subject: Some(grant.subject.clone()),
            patient: grant.patient.clone(),
            encounter: grant.encounter.clone(),
            grant: Some(grant.id.clone()),
            made: now,
            until: now + FOR_PEOPLE,
        };
        let (secret, change) = self.new_token(&held);
        changes.push(change);
        let mut answer = answer(&secret, &held);
        let whole = self.read_scopes(&grant.scopes)?;
        let online = !whole.has("offline_access");
        if client.grant_types.contains(&GrantType::RefreshToken)
            && (whole.has("offline_access") || whole.has("online_access"))
        {
            let refresh = self.secret();
            let record = Refresh {
                grant: grant.id.clone(),
                client: client.id.clone(),
                online,
                used: false,
                nonce: nonce.map(str::to_owned),
            };
            let change = ItemChange::put(REFRESH, Mark::of(&refresh).name(), written(&record))
                .owned_by(&grant.id)
                .until(now + if online { ONLINE } else { OFFLINE })
                .expecting(ItemExpect::Absent);
            changes.push(change);
            answer.insert("refresh_token".into(), refresh.into());
        }
        if scopes.has("openid") {
            let id_token = self.id_token(client, grant, scopes, nonce, &secret, now).await?;
            answer.insert("id_token".into(), id_token.into());
        }
        if let Some(patient) = &grant.patient {
            answer.insert("patient".into(), patient.as_str().into());
        }
        if let Some(encounter) = &grant.encounter {
            answer.insert("encounter".into(), encounter.as_str().into());
        }
        if grant.patient.is_some() {
            answer.insert("need_patient_banner".into(), true.into());
        }
        let style = format!("{}/smart-style.json", self.organisation.issuer());
        answer.insert("smart_style_url".into(), style.into());
        changes.extend(proven.once.clone());
        let event = Event::of("token").detail(format!("client/{} for {}", client.id, grant.subject.who));
        self.store().keep(&app(client), event, changes, now).await.map_err(replayed)?;
        self.remember(&secret, held);
        Ok(Value::Object(answer))
    }

    fn new_token(self, held: &Held) -> (String, ItemChange) {
        let secret = self.secret();
        let change = ItemChange::put(TOKEN, Mark::of(&secret).name(), written(held))
            .owned_by(owner(held))
            .until(held.until)
            .expecting(ItemExpect::Absent);
        (secret, change)
    }

    fn remember(self, secret: &str, held: Held) {
        let mut tokens = self.memory().tokens.write().expect("no writer panics");
        if tokens.len() >= 50_000 {
            let now = held.made;
            tokens.retain(|_, it| it.until > now);
        }
        tokens.insert(Mark::of(secret), Arc::new(held));
    }

    async fn id_token(
        self,
        client: &Client,
        grant: &Grant,
        scopes: &Scopes,
        nonce: Option<&str>,
        access_token: &str,
        now: i64,
    ) -> Allowed<String> {
        let subject = &grant.subject;
        let mut claims = Map::new();
        claims.insert("iss".into(), self.organisation.issuer().into());
        claims.insert("sub".into(), subject.who.trim_start_matches("user/").into());
        claims.insert("aud".into(), client.id.as_str().into());
        claims.insert("iat".into(), seconds(now).into());
        claims.insert("exp".into(), seconds(now + HOUR).into());
        claims.insert("auth_time".into(), seconds(grant.made).into());
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        self.describe(subject, scopes, &mut claims);
        let key = self.signing_key(&client.id_token_alg, now).await?;
        claims.insert("at_hash".into(), key.half_hash(access_token).into());
        key.sign(&claims)
    }

    /// What `fhirUser` and `profile` tell of a person.
    fn describe(self, subject: &Subject, scopes: &Scopes, claims: &mut Map<String, Value>) {
        if (scopes.has("fhirUser") || scopes.has("profile"))
            && let Some(user) = fhir_user(subject)
        {
            let address = format!("{}/{user}", self.organisation.fhir_base());
            if scopes.has("profile") {
                claims.insert("profile".into(), address.as_str().into());
            }
            if scopes.has("fhirUser") {
                claims.insert("fhirUser".into(), address.into());
            }
        }
        if scopes.has("profile") {
            claims.insert("name".into(), subject.display.as_str().into());
        }
    }

    async fn refresh(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<Value> {
        let invalid = |says| denied(Code::InvalidGrant, says);
        let Some(secret) = given.get("refresh_token") else {
            return denied(Code::InvalidRequest, "refresh_token is missing");
        };
        let name = Mark::of(secret).name();
        let Some((refresh, item)) = self.kept::<Refresh>(REFRESH, &name, now).await? else {
            return invalid("this refresh token is not known");
        };
        if refresh.client != proven.client.id {
            return invalid("this refresh token was given to another client");
        }
        if refresh.used {
            self.end_grant(&app(&proven.client), &refresh.grant, "a refresh token was used twice", now).await?;
            return invalid("this refresh token was used before; the app has been signed out");
        }
        let Some((grant, grant_item)) = self.kept::<Grant>(GRANT, &refresh.grant, now).await? else {
            return invalid("the person took back what they allowed");
        };
        if self.patients_of(&grant.subject, grant.patient.as_deref(), now).await?.is_none() {
            self.end_grant(&app(&proven.client), &refresh.grant, "the person may no longer act so", now).await?;
            return invalid("the person for whom the app acted may no longer do so");
        }
        let whole = self.read_scopes(&grant.scopes)?;
        let scopes = match given.get("scope") {
            None => whole.clone(),
            Some(asked) => match Scopes::parse(asked) {
                Ok(asked) if !asked.is_empty() && asked.are_within(&whole) => asked,
                _ => return denied(Code::InvalidScope, "a refreshed token cannot reach further than the first"),
            },
        };
        let mut used = ItemChange::put(REFRESH, name, written(&Refresh { used: true, ..refresh.clone() }))
            .owned_by(&grant.id)
            .expecting(ItemExpect::Version(item.version));
        used.until = item.until;
        let grant = Grant { used: now, ..grant };
        let again = self.grant_change(&grant, &whole, ItemExpect::Version(grant_item.version), now);
        self.give(proven, &grant, &scopes, refresh.nonce.as_deref(), vec![used, again], now).await
    }

    /// A program that acts for itself (SMART Backend Services).
    async fn for_itself(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<Value> {
        let client = &proven.client;
        if proven.once.is_none() {
            return denied(Code::UnauthorizedClient, "a program that acts for itself signs in with its key");
        }
        let scopes = self.may_ask(client, given.get("scope"))?;
        let others = [Context::Patient, Context::User].into_iter().any(|it| scopes.has_context(it));
        if others || scopes.others().next().is_some() {
            return denied(Code::InvalidScope, "a program that acts for itself has system scopes");
        }
        let held = Held {
            operator: false,
            client: client.id.clone(),
            client_name: client.name.clone(),
            scopes: scopes.to_string(),
            subject: None,
            patient: None,
            encounter: None,
            grant: None,
            made: now,
            until: now + FOR_PROGRAMS,
        };
        let (secret, change) = self.new_token(&held);
        let changes = std::iter::once(change).chain(proven.once.clone()).collect();
        let event = Event::of("token").detail(format!("client/{} for itself", client.id));
        self.store().keep(&app(client), event, changes, now).await.map_err(replayed)?;
        let answer = answer(&secret, &held);
        self.remember(&secret, held);
        Ok(Value::Object(answer))
    }

    /// What this access token stands for, if it is one and still valid.
    pub async fn held(self, token: &str, now: i64) -> StoreResult<Option<Arc<Held>>> {
        // Ours have 43 letters; nothing else is worth a look.
        if token.len() > 128 {
            return Ok(None);
        }
        let mark = Mark::of(token);
        let cached = self.memory().tokens.read().expect("no writer panics").get(&mark).cloned();
        let held = match cached {
            Some(held) => held,
            None => {
                let Some(item) = self.store().item(TOKEN, &mark.name(), now).await? else { return Ok(None) };
                let Ok(held) = body::<Held>(&item) else { return Ok(None) };
                self.remember(token, held.clone());
                Arc::new(held)
            }
        };
        if held.until <= now {
            self.memory().tokens.write().expect("no writer panics").remove(&mark);
            return Ok(None);
        }
        // An app that was shut out is out at once, and so is one whose person has left.
        match self.client(&held.client, now).await {
            Ok(client) if client.standing == Standing::Active => {}
            _ => return Ok(None),
        }
        let rests = match &held.subject {
            Some(subject) => self.patients_of(subject, held.patient.as_deref(), now).await?.is_some(),
            None => true,
        };
        Ok(rests.then_some(held))
    }

    /// The patients of [`Access::still`], when the one that the app was opened for is among them.
    async fn patients_of(self, subject: &Subject, opened: Option<&str>, now: i64) -> StoreResult<Option<Vec<Id>>> {
        let still = self.organisation.access.still(subject, now).await?;
        let own = |patients: &Vec<Id>| opened.is_none_or(|opened| patients.iter().any(|it| it.as_str() == opened));
        Ok(still.filter(|patients| subject.is_staff() || own(patients)))
    }

    /// Who holds this access token, as the caller of the store: the person's role and the token's scopes together.
    pub async fn bearer(self, token: &str, purpose: Option<Purpose>, now: i64) -> StoreResult<Option<Caller>> {
        let Some(held) = self.held(token, now).await? else { return Ok(None) };
        if held.operator {
            let who = format!("client/{}", held.client);
            let (display, client) = (held.client_name.as_str().into(), held.client.as_str().into());
            return Ok(Some(Caller { who: who.into(), display, client: Some(client), ..Caller::system("operator") }));
        }
        let access = &self.organisation.access;
        let id = |it: &String| Id::parse(it);
        let principal = match &held.subject {
            Some(subject) => {
                let patients = self.patients_of(subject, held.patient.as_deref(), now).await?;
                let Some(patients) = patients else { return Ok(None) };
                Principal {
                    who: subject.who.clone(),
                    display: subject.display.clone(),
                    role: subject.role.clone(),
                    person: subject.person.as_deref().and_then(key),
                    patients,
                    client: Some(held.client.clone()),
                    scopes: Some(held.scopes.clone()),
                    patient: held.patient.as_ref().and_then(id),
                    purpose: purpose.unwrap_or_else(|| access.usual_purpose(&subject.role)),
                }
            }
            None => Principal {
                who: format!("client/{}", held.client),
                display: held.client_name.clone(),
                role: "system".into(),
                person: None,
                patients: Vec::new(),
                client: Some(held.client.clone()),
                scopes: Some(held.scopes.clone()),
                patient: None,
                purpose: purpose.unwrap_or_else(|| access.usual_purpose("system")),
            },
        };
        access.caller(self.store(), &principal, now).await.map(Some)
    }

    /// What a client may know of a token (RFC 7662): everything of its own, nothing of others unless it is a resource
    /// server. Whatever it may not know looks like a token that never was.
    pub async fn introspect(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<Value> {
        let Some(token) = given.get("token") else { return denied(Code::InvalidRequest, "token is missing") };
        if proven.client.proof == super::clients::Proof::Public {
            return denied(Code::InvalidClient, "only a client that proves itself may ask about tokens");
        }
        self.spend(proven, now).await?;
        let inactive = json!({ "active": false });
        let may = |client: &str| proven.client.may_introspect || client == proven.client.id;
        let Some(held) = self.held(token, now).await? else {
            let Some((refresh, item)) = self.kept::<Refresh>(REFRESH, &Mark::of(token).name(), now).await? else {
                return Ok(inactive);
            };
            let grant = self.kept::<Grant>(GRANT, &refresh.grant, now).await?;
            let (Some((grant, _)), false, true) = (grant, refresh.used, may(&refresh.client)) else {
                return Ok(inactive);
            };
            return Ok(json!({
                "active": true, "token_type": "refresh_token", "client_id": refresh.client, "scope": grant.scopes,
                "exp": seconds(item.until.unwrap_or(now)), "iss": self.organisation.issuer(),
            }));
        };
        if !may(&held.client) {
            return Ok(inactive);
        }
        let mut told = Map::new();
        told.insert("active".into(), true.into());
        told.insert("token_type".into(), "Bearer".into());
        told.insert("client_id".into(), held.client.as_str().into());
        told.insert("scope".into(), held.scopes.as_str().into());
        told.insert("exp".into(), seconds(held.until).into());
        told.insert("iat".into(), seconds(held.made).into());
        told.insert("iss".into(), self.organisation.issuer().into());
        told.insert("aud".into(), self.organisation.fhir_base().into());
        let subject = held.subject.as_ref();
        let sub = subject.map_or(held.client.as_str(), |it| it.who.trim_start_matches("user/"));
        told.insert("sub".into(), sub.into());
        for (name, value) in [("patient", &held.patient), ("encounter", &held.encounter)] {
            if let Some(value) = value {
                told.insert(name.into(), value.as_str().into());
            }
        }
        if let Some(subject) = subject {
            let scopes = self.read_scopes(&held.scopes)?;
            self.describe(subject, &scopes, &mut told);
        }
        Ok(Value::Object(told))
    }

    /// Takes a token back (RFC 7009). A refresh token takes everything of its consent with it.
    pub async fn revoke(self, proven: &Proven, given: &Parameters, now: i64) -> Allowed<()> {
        let Some(token) = given.get("token") else { return denied(Code::InvalidRequest, "token is missing") };
        self.spend(proven, now).await?;
        let caller = app(&proven.client);
        let name = Mark::of(token).name();
        let others = || denied(Code::UnauthorizedClient, "this token was given to another client");
        if let Some((held, item)) = self.kept::<Held>(TOKEN, &name, now).await? {
            if held.client != proven.client.id {
                return others();
            }
            let event = Event::of("revoke").detail(format!("a token of client/{}", held.client));
            let gone = ItemChange::delete(TOKEN, name).expecting(ItemExpect::Version(item.version));
            self.store().keep(&caller, event, vec![gone], now).await?;
            self.memory().tokens.write().expect("no writer panics").remove(&Mark::of(token));
        } else if let Some((refresh, _)) = self.kept::<Refresh>(REFRESH, &name, now).await? {
            if refresh.client != proven.client.id {
                return others();
            }
            self.end_grant(&caller, &refresh.grant, "revoked by the app", now).await?;
        }
        // A token we do not know is as good as revoked (2.2).
        Ok(())
    }

    /// A statement by which a client proved itself is used up, even where nothing is given.
    async fn spend(self, proven: &Proven, now: i64) -> Allowed<()> {
        let Some(once) = proven.once.clone() else { return Ok(()) };
        let event = Event::of("prove").detail(format!("client/{}", proven.client.id));
        self.store().keep(&app(&proven.client), event, vec![once], now).await.map_err(replayed)
    }

    /// What a person allowed apps, newest first.
    pub async fn grants_of(self, who: &str, now: i64) -> Allowed<Vec<Grant>> {
        let items = self.store().items(GRANT, Some(who), None, 500, now).await?;
        let mut grants = items.iter().map(body).collect::<Allowed<Vec<Grant>>>()?;
        grants.sort_by_key(|it| -it.made);
        Ok(grants)
    }

    /// Takes back what was allowed: one's own, or anyone's for those who look after apps. The app is out at once.
    pub async fn revoke_grant(self, caller: &Caller, id: &str, now: i64) -> Allowed<()> {
        let nothing = || denied(Code::InvalidRequest, "there is nothing of this kind");
        let Some((grant, _)) = self.kept::<Grant>(GRANT, id, now).await? else { return nothing() };
        if grant.subject.who != *caller.who && !caller.rights.may(MANAGE) {
            return nothing();
        }
        self.end_grant(caller, id, "taken back", now).await
    }

    /// Takes back everything a person allowed, when they are shut out.
    pub async fn end_grants_of(self, caller: &Caller, who: &str, now: i64) -> Allowed<()> {
        for grant in self.grants_of(who, now).await? {
            self.end_grant(caller, &grant.id, "the person was shut out", now).await?;
        }
        Ok(())
    }

    /// Ends a family: the consent, its refresh tokens, its access tokens, in one transaction.
    pub(super) async fn end_grant(self, caller: &Caller, id: &str, why: &'static str, now: i64) -> Allowed<()> {
        let mut changes = vec![ItemChange::delete(GRANT, id)];
        let mut marks = Vec::new();
        for shelf in [TOKEN, REFRESH] {
            for item in self.store().items(shelf, Some(id), None, 1000, now).await? {
                changes.push(ItemChange::delete(shelf, item.name.as_str()));
                marks.push(item.name);
            }
        }
        let event = Event::of("revoke").detail(format!("grant/{id}: {why}"));
        self.store().keep(caller, event, changes, now).await?;
        let mut tokens = self.memory().tokens.write().expect("no writer panics");
        tokens.retain(|_, it| it.grant.as_deref() != Some(id));
        Ok(())
    }

    pub(super) async fn end_tokens_of(self, caller: &Caller, owner: &str, now: i64) -> Allowed<()> {
        let items = self.store().items(TOKEN, Some(owner), None, 1000, now).await?;
        let changes: Vec<ItemChange> = items.into_iter().map(|it| ItemChange::delete(TOKEN, it.name)).collect();
        if !changes.is_empty() {
            let event = Event::of("revoke").detail(format!("tokens of {owner}"));
            self.store().keep(caller, event, changes, now).await?;
        }
        let id = owner.trim_start_matches("client/");
        self.memory().tokens.write().expect("no writer panics").retain(|_, it| it.client != id);
        Ok(())
    }

    /// OpenID Connect: who the person behind a token is.
    pub fn user_info(self, held: &Held) -> Allowed<Value> {
        let scopes = self.read_scopes(&held.scopes)?;
        let Some(subject) = held.subject.as_ref().filter(|_| scopes.has("openid")) else {
            return denied(Code::InvalidToken, "this token says nothing about a person");
        };
        let mut claims = Map::new();
        claims.insert("sub".into(), subject.who.trim_start_matches("user/").into());
        self.describe(subject, &scopes, &mut claims);
        Ok(Value::Object(claims))
    }
}

fn key(text: &str) -> Option<Key> {
    let (kind, id) = text.split_once('/')?;
    Some(Key::new(ResourceType::parse(kind)?, Id::parse(id)?))
}

/// `Practitioner/7`, or the patient who is signed in.
fn fhir_user(subject: &Subject) -> Option<String> {
    let own = subject.patients.first().filter(|_| subject.role == "patient").map(|it| format!("Patient/{it}"));
    subject.person.clone().or(own)
}

fn answer(secret: &str, held: &Held) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("access_token".into(), secret.into());
    answer.insert("token_type".into(), "Bearer".into());
    answer.insert("expires_in".into(), ((held.until - held.made) / SECOND).into());
    answer.insert("scope".into(), held.scopes.as_str().into());
    answer
}

fn replayed(error: store::StoreError) -> Denial {
    match error {
        store::StoreError::ItemConflict { shelf: super::apps::ASSERTION, .. } => {
            Denial { code: Code::InvalidClient, says: "the client assertion was used before" }
        }
        error => error.into(),
    }
}
