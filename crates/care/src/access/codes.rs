//! From an app's question to a code: what it may ask, what the person said, and which patient it is about. A code is
//! good once, for a minute, for the client, redirect address and verifier it was made for. A launch from our own pages
//! is good once, for the person and the app it was made for.
//!
//! SMART App Launch 2.2 (launch sequences), RFC 6749, 4.1, RFC 7636, RFC 9207.

use super::apps::{
    Allowed, Apps, CODE, Code, Denial, GrantType, LAUNCH, MINUTE, Mark, Parameters, SECOND, denied, written,
};
use super::clients::Client;
use super::principal::Principal;
use super::scopes::{Context, Scopes};
use fhir::{Id, Key, ResourceType};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::audit::Event;
use store::{Caller, ItemChange, ItemExpect};

/// How long someone may think about a consent page, a code waits to be exchanged, and a launch to be begun.
const CONSENT: i64 = 10 * MINUTE;
const CODE_LIFE: i64 = MINUTE;
const LAUNCH_LIFE: i64 = 5 * MINUTE;
/// A used code is remembered this long, so that its second use is noticed.
const CODE_REMEMBERED: i64 = 60 * MINUTE;
/// How many questions may wait; the oldest gives way.
const WAITING: usize = 4096;

/// A person for whom an app acts, as they were when they agreed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// `user/7f3c`.
    pub who: String,
    pub display: String,
    pub role: String,
    /// `Practitioner/7`: who they are in the record.
    #[serde(default)]
    pub person: Option<String>,
    /// Whose record a patient or proxy may see.
    #[serde(default)]
    pub patients: Vec<String>,
}

impl From<&Principal> for Subject {
    fn from(it: &Principal) -> Subject {
        let own = it.patients.iter().chain(it.patient.as_ref().filter(|_| it.role == "patient"));
        let mut patients: Vec<String> = own.map(Id::to_string).collect();
        patients.dedup();
        Subject {
            who: it.who.clone(),
            display: it.display.clone(),
            role: it.role.clone(),
            person: it.person.as_ref().map(Key::to_string),
            patients,
        }
    }
}

impl Subject {
    /// Staff choose any patient they may see; patients and proxies one of their own.
    pub fn is_staff(&self) -> bool {
        !matches!(self.role.as_str(), "patient" | "proxy" | "proxy-limited")
    }
}

/// What an app asked, after it was checked.
#[derive(Clone)]
pub struct Asked {
    pub client: Arc<Client>,
    pub redirect_uri: String,
    pub scopes: Scopes,
    state: String,
    challenge: String,
    nonce: Option<String>,
    /// The launch from our pages that it belongs to.
    launch: Option<Launched>,
    launch_mark: Option<Mark>,
    until: i64,
}

impl Asked {
    /// Whether the app works with one patient, so that one has to be chosen.
    pub fn needs_patient(&self) -> bool {
        self.patient().is_none() && (self.scopes.has("launch/patient") || self.scopes.has_context(Context::Patient))
    }

    /// The patient of the launch from our pages.
    pub fn patient(&self) -> Option<&str> {
        self.launch.as_ref()?.patient.as_deref()
    }

    /// Whether our own pages opened the app.
    pub fn is_launch(&self) -> bool {
        self.launch.is_some()
    }
}

/// A launch from our own pages, made for one person and one app.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Launched {
    client: String,
    who: String,
    patient: Option<String>,
    encounter: Option<String>,
}

/// Why a question was turned away: shown to the person while it is not sure who asks, told to the app afterwards.
#[derive(Debug)]
pub enum Turned {
    ToPerson(Denial),
    ToApp { address: String, denial: Denial },
}

impl From<Denial> for Turned {
    fn from(denial: Denial) -> Turned {
        Turned::ToPerson(denial)
    }
}

/// What the person decided.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub allow: bool,
    /// The scopes left switched on; those the app did not ask for count for nothing.
    pub scopes: Vec<String>,
    pub patient: Option<Id>,
}

/// What a code stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Coded {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) subject: Subject,
    pub(super) scopes: String,
    pub(super) patient: Option<String>,
    pub(super) encounter: Option<String>,
    pub(super) made: i64,
    pub(super) expires: i64,
    /// What was made of it, once it was used.
    pub(super) grant: Option<String>,
}

fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The registered address, letter by letter, with more parameters.
fn with_parameters(address: &str, parameters: &[(&str, &str)]) -> String {
    let mut all = address.to_owned();
    for (at, (name, value)) in parameters.iter().enumerate() {
        all.push(if at == 0 && !address.contains('?') { '?' } else { '&' });
        all.push_str(name);
        all.push('=');
        all.push_str(&query(value));
    }
    all
}

impl Apps<'_> {
    /// An app asks for authorization. Gives a handle under which a page asks the person.
    pub async fn ask(self, given: &Parameters, now: i64) -> Result<String, Turned> {
        let Some(id) = given.get("client_id") else {
            return Err(Denial { code: Code::InvalidRequest, says: "client_id is missing" }.into());
        };
        let client = self.client(id, now).await?;
        let Some(redirect_uri) =
            given.get("redirect_uri").filter(|it| client.redirect_uris.iter().any(|own| own == it))
        else {
            let says = "redirect_uri is not one that the app registered";
            return Err(Denial { code: Code::InvalidRequest, says }.into());
        };
        // From here on the app can be told.
        let state = given.get("state").unwrap_or("");
        match self.check(client.clone(), redirect_uri, given, now).await {
            Ok(asked) => Ok(self.wait_for_person(asked)),
            Err(denial) => Err(Turned::ToApp { address: self.error_address(redirect_uri, state, &denial), denial }),
        }
    }

    fn error_address(self, redirect_uri: &str, state: &str, denial: &Denial) -> String {
        let issuer = self.organisation.issuer();
        let mut all = vec![("error", denial.code.name()), ("error_description", denial.says)];
        if !state.is_empty() {
            all.push(("state", state));
        }
        all.push(("iss", &issuer));
        with_parameters(redirect_uri, &all)
    }

    async fn check(self, client: Arc<Client>, redirect_uri: &str, given: &Parameters, now: i64) -> Allowed<Asked> {
        let request = |says| denied(Code::InvalidRequest, says);
        if !client.grant_types.contains(&GrantType::AuthorizationCode) {
            return denied(Code::UnauthorizedClient, "this client does not act for people");
        }
        match given.get("response_type") {
            Some("code") => {}
            Some(_) => return denied(Code::UnsupportedResponseType, "the only response_type is code"),
            None => return request("response_type is missing"),
        }
        if given.get("response_mode").is_some_and(|it| it != "query") {
            return request("the only response_mode is query");
        }
        if given.has("request") || given.has("request_uri") {
            return request("parameters are sent as they are, not in a request object");
        }
        let state = match given.get("state") {
            Some(state) if state.len() <= 2048 => state.to_owned(),
            Some(_) => return request("state is too long"),
            None => return request("state is missing; it keeps others from answering in the person's name"),
        };
        let challenge = match given.get("code_challenge") {
            None => return request("code_challenge is missing; PKCE with S256 is required"),
            Some(it) if it.len() == 43 && it.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) => it,
            Some(_) => return request("code_challenge must be the SHA-256 of the verifier in base64url"),
        };
        if given.get("code_challenge_method") != Some("S256") {
            return request("code_challenge_method must be S256");
        }
        let base = self.organisation.fhir_base();
        let ours = |it: &str| it.strip_suffix('/').unwrap_or(it) == base;
        match given.get("aud") {
            Some(aud) if ours(aud) => {}
            Some(_) => return request("aud is not the address of this FHIR server"),
            None => return request("aud is missing: the address of the FHIR server the token is for"),
        }
        if given.get("resource").is_some_and(|it| !ours(it)) {
            return request("resource is not the address of this FHIR server");
        }
        let scopes = self.may_ask(&client, given.get("scope"))?;
        if scopes.has_context(Context::System) {
            return denied(Code::InvalidScope, "system scopes are for programs that act for themselves");
        }
        let (launch, launch_mark) = match (given.get("launch"), scopes.has("launch")) {
            (None, false) => (None, None),
            (Some(_), false) => return request("launch goes with the scope launch"),
            (None, true) => return request("the scope launch goes with the parameter launch"),
            (Some(token), true) => {
                let mark = Mark::of(token);
                match self.kept::<Launched>(LAUNCH, &mark.name(), now).await? {
                    Some((launched, _)) if launched.client == client.id => (Some(launched), Some(mark)),
                    _ => return request("this launch is not known; open the app again"),
                }
            }
        };
        match given.get("prompt") {
            None | Some("login" | "consent" | "select_account") => {}
            Some("none") => return denied(Code::LoginRequired, "the person is always asked"),
            Some(_) => return request("prompt is not understood"),
        }
        let nonce = match given.get("nonce") {
            Some(it) if it.len() > 1024 => return request("nonce is too long"),
            it => it.map(str::to_owned),
        };
        Ok(Asked {
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state,
            challenge: challenge.to_owned(),
            nonce,
            launch,
            launch_mark,
            until: now + CONSENT,
            client,
        })
    }

    /// What of these scopes the client may have; all of it when it does not say.
    pub(super) fn may_ask(self, client: &Client, asked: Option<&str>) -> Allowed<Scopes> {
        let wrong = |says| denied(Code::InvalidScope, says);
        let Ok(most) = Scopes::parse(&client.scopes) else { return wrong("the registered scopes cannot be read") };
        let Some(asked) = asked else { return wrong("scope is missing: say what you need") };
        if asked.len() > 8192 {
            return wrong("scope is too long");
        }
        // Apps ask many servers for many things: what we do not know is left out, and the answer says what was given.
        let Ok((asked, _)) = Scopes::lenient(asked) else { return wrong("scope is not understood") };
        let granted = asked.narrow(&most);
        if granted.check(&self.store().registry(), self.store().bases()).is_err() {
            return wrong("a scope has a search parameter that does not choose resources here");
        }
        if granted.is_empty() { wrong("the client is registered for none of these scopes") } else { Ok(granted) }
    }

    fn wait_for_person(self, asked: Asked) -> String {
        let handle = self.secret();
        let mark = Mark::of(&handle);
        let mut waiting = self.memory().asked.lock().expect("no holder panics");
        waiting.by_mark.insert(mark, asked);
        waiting.order.push_back(mark);
        while waiting.order.len() > WAITING {
            if let Some(oldest) = waiting.order.pop_front() {
                waiting.by_mark.remove(&oldest);
            }
        }
        handle
    }

    /// What waits under this handle.
    pub fn asked(self, handle: &str, now: i64) -> Option<Asked> {
        let waiting = self.memory().asked.lock().expect("no holder panics");
        waiting.by_mark.get(&Mark::of(handle)).filter(|it| it.until > now).cloned()
    }

    /// The person answers. Gives the address to go to: the app's, with a code or with a no.
    pub async fn decide(
        self,
        caller: &Caller,
        subject: &Subject,
        handle: &str,
        choice: &Choice,
        now: i64,
    ) -> Allowed<String> {
        let gone = || denied(Code::InvalidRequest, "this question was answered or is too old; open the app again");
        let Some(asked) = self.asked(handle, now) else { return gone() };
        // An app that was shut out in the meantime gets nothing.
        let client = self.client(&asked.client.id, now).await?;
        let take = || self.memory().asked.lock().expect("no holder panics").by_mark.remove(&Mark::of(handle)).is_some();
        if !choice.allow {
            if !take() {
                return gone();
            }
            let event = Event::refused("authorize", "person").detail(format!("client/{}", client.id));
            self.store().record(caller, event, now).await?;
            let denial = Denial { code: Code::AccessDenied, says: "the person said no" };
            return Ok(self.error_address(&asked.redirect_uri, &asked.state, &denial));
        }
        let off: Vec<String> = names(&asked.scopes).filter(|it| !choice.scopes.contains(it)).collect();
        let scopes = asked.scopes.without(&off);
        if scopes.is_empty() {
            return denied(Code::InvalidScope, "leave at least one permission switched on, or refuse");
        }
        if let Some(launch) = &asked.launch
            && launch.who != subject.who
        {
            return denied(Code::AccessDenied, "the app was opened by someone else; open it again yourself");
        }
        let patient = self.patient_of(caller, subject, &asked, choice).await?;
        let secret = self.secret();
        let coded = Coded {
            client: client.id.clone(),
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            nonce: asked.nonce.clone(),
            subject: subject.clone(),
            scopes: scopes.to_string(),
            patient: patient.as_ref().map(Id::to_string),
            encounter: asked.launch.as_ref().and_then(|it| it.encounter.clone()),
            made: now,
            expires: now + CODE_LIFE,
            grant: None,
        };
        let mut changes = vec![
            ItemChange::put(CODE, Mark::of(&secret).name(), written(&coded))
                .owned_by(&subject.who)
                .until(now + CODE_REMEMBERED)
                .expecting(ItemExpect::Absent),
        ];
        if let Some(mark) = asked.launch_mark {
            let Some(item) = self.store().item(LAUNCH, &mark.name(), now).await? else {
                return denied(Code::InvalidRequest, "this launch was used before; open the app again");
            };
            changes.push(ItemChange::delete(LAUNCH, mark.name()).expecting(ItemExpect::Version(item.version)));
        }
        if !take() {
            return gone();
        }
        let mut event = Event::of("authorize").detail(format!("client/{} {scopes}", client.id));
        event.patients.extend(patient);
        self.store().keep(caller, event, changes, now).await?;
        let issuer = self.organisation.issuer();
        Ok(with_parameters(&asked.redirect_uri, &[("code", &secret), ("state", &asked.state), ("iss", &issuer)]))
    }

    /// Whose record it is about: that of the launch, the chosen one, or a patient's only one.
    async fn patient_of(
        self,
        caller: &Caller,
        subject: &Subject,
        asked: &Asked,
        choice: &Choice,
    ) -> Allowed<Option<Id>> {
        let missing = || denied(Code::InvalidRequest, "choose whose record the app may work with");
        let patient = match (asked.patient(), &choice.patient) {
            (Some(launched), _) => Id::parse(launched),
            (None, _) if !asked.needs_patient() => None,
            (None, Some(chosen)) => Some(chosen.clone()),
            (None, None) => match subject.patients.as_slice() {
                [only] if !subject.is_staff() => Id::parse(only),
                _ => return missing(),
            },
        };
        let Some(patient) = patient else { return Ok(None) };
        let own = subject.patients.iter().any(|it| *it == patient.as_str());
        if !subject.is_staff() && !own {
            return missing();
        }
        // Hidden and absent look the same.
        let key = Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone());
        match self.store().read(caller, &key).await {
            Ok(_) => Ok(Some(patient)),
            Err(error) if error.kind().0 < 500 => missing(),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens an app from our own pages: gives the address to go to.
    pub async fn launch(
        self,
        caller: &Caller,
        subject: &Subject,
        client: &str,
        patient: Option<&Id>,
        encounter: Option<&Id>,
        now: i64,
    ) -> Allowed<String> {
        let client = self.client(client, now).await?;
        let Some(launch_uri) = &client.launch_uri else {
            return denied(Code::InvalidRequest, "this app cannot be opened from here: it has no launch address");
        };
        for (kind, id) in [("Patient", patient), ("Encounter", encounter)] {
            let Some(id) = id else { continue };
            let key = Key::new(ResourceType::parse(kind).expect("a type of R4"), id.clone());
            match self.store().read(caller, &key).await {
                Ok(_) => {}
                Err(error) if error.kind().0 < 500 => {
                    return denied(Code::InvalidRequest, "there is no such patient or visit here");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let token = self.secret();
        let launched = Launched {
            client: client.id.clone(),
            who: subject.who.clone(),
            patient: patient.map(Id::to_string),
            encounter: encounter.map(Id::to_string),
        };
        let change = ItemChange::put(LAUNCH, Mark::of(&token).name(), written(&launched))
            .owned_by(&subject.who)
            .until(now + LAUNCH_LIFE)
            .expecting(ItemExpect::Absent);
        let mut event = Event::of("launch").detail(format!("client/{}", client.id));
        event.patients.extend(patient.cloned());
        self.store().keep(caller, event, vec![change], now).await?;
        Ok(with_parameters(launch_uri, &[("iss", &self.organisation.fhir_base()), ("launch", &token)]))
    }
}

/// Every scope, as it is printed.
pub fn names(scopes: &Scopes) -> impl Iterator<Item = String> {
    scopes.resources().iter().map(ToString::to_string).chain(scopes.others().map(str::to_owned))
}

/// How long a code has been valid, for the test of its life.
pub(super) fn is_over(coded: &Coded, now: i64) -> bool {
    coded.expires <= now
}

/// The moment of signing in, in seconds, as id tokens have it.
pub(super) fn seconds(at: i64) -> i64 {
    at / SECOND
}
