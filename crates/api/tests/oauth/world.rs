//! A clinic with apps of every kind, two doctors and a patient, and a clock that the tests set.

use api::{ApiSettings, router};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use care::access::clients::Registration;
use care::access::codes::{Choice, Subject};
use care::access::{
    Access, AccessSettings, Charge, HashCost, NewUser, PersonLink, Principal, Relation, User, UserChange,
};
use care::egress::{Answer, Ask, Egress, Sending};
use care::{Installation, Organisation, Surroundings};
use fhir::search::row::BaseUrls;
use fhir::{Checked, Id, Key};
use http::{HeaderMap, Request};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use store::{Batch, Caller, Change, Expect, Purpose, Settings, Store, Write};
use tower::ServiceExt;

pub(crate) const BASE: &str = "https://ehr.example/clinic";
pub(crate) const ISSUER: &str = "https://ehr.example/clinic/auth";
pub(crate) const BACK: &str = "https://app.example/back";
pub(crate) const SECRET: &str = "a-secret-of-the-confidential-app-with-many-letters";
pub(crate) const OTHER_SECRET: &str = "a-secret-of-another-confidential-app-entirely";
pub(crate) const VERIFIER: &str = "a-verifier-that-has-more-than-forty-three-letters-in-it";
pub(crate) const START: i64 = 1_780_000_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000;

struct Clock {
    now: AtomicI64,
    count: AtomicU64,
    elsewhere: Elsewhere,
}

/// The rest of the world: one address at which keys lie, and how often they were asked for.
#[derive(Default)]
pub(crate) struct Elsewhere {
    pub(crate) keys: Mutex<Value>,
    pub(crate) asked: AtomicU64,
}

impl Egress for Elsewhere {
    fn send(&self, ask: Ask) -> Sending<'_> {
        assert_eq!(ask.address, "https://keys.example/jwks.json");
        assert!(ask.headers.iter().all(|(name, _)| *name == "accept"), "no credentials leave");
        self.asked.fetch_add(1, Ordering::Relaxed);
        let body = self.keys.lock().unwrap().to_string().into();
        Box::pin(async move { Ok(Answer { status: 200, content_type: "application/json".into(), body }) })
    }
}

impl Surroundings for Clock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn new_id(&self) -> String {
        format!("id-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("chance-{}-and-so-on-and-so-on", self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn egress(&self) -> &dyn Egress {
        &self.elsewhere
    }
}

/// A pair of keys of a program.
pub(crate) struct Pair(EcdsaKeyPair);

impl Pair {
    pub(crate) fn new() -> Pair {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        Pair(EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    pub(crate) fn public(&self, kid: &str) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(48);
        json!({ "kty": "EC", "crv": "P-384", "kid": kid, "alg": "ES384", "use": "sig",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} without JSON: {}", self.status, self.text))
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Got {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The error of a refusal, wherever it is told: in the body, or to the app in the address.
    pub(crate) fn error(&self) -> String {
        if self.status == 303 {
            return parameter(self.header("location"), "error").unwrap_or_default();
        }
        match serde_json::from_str::<Value>(&self.text) {
            Ok(it) => it["error"].as_str().unwrap_or_default().to_owned(),
            // The page for people.
            Err(_) => self.text.split("<code>").nth(1).and_then(|it| it.split('<').next()).unwrap_or("").to_owned(),
        }
    }
}

pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let url =
        url::Url::parse(address).or_else(|_| url::Url::parse("https://ehr.example").unwrap().join(address)).ok()?;
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn encoded(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) struct World {
    router: Router,
    pub(crate) organisation: Arc<Organisation>,
    clock: Arc<Clock>,
    pub(crate) lab: Pair,
    /// Two doctors and a patient.
    people: Vec<User>,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl World {
    pub(crate) async fn new() -> World {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("oauth-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let clock =
            Arc::new(Clock { now: AtomicI64::new(START), count: AtomicU64::new(1), elsewhere: Elsewhere::default() });
        let store = Store::open(Settings {
            organisation: "clinic".into(),
            address: folder.join("clinic.db").display().to_string(),
            bases: BaseUrls::new([format!("{BASE}/fhir")]),
            ..Settings::default()
        })
        .await
        .unwrap();
        let write = |value: Value| {
            let checked = Checked::trusted(value).unwrap();
            let key = Key::new(checked.kind(), Id::parse(checked.id().unwrap()).unwrap());
            Write { key, expect: Expect::Anything, change: Change::Put(checked) }
        };
        let weight = |id: &str, patient: &str| {
            json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "Weight" },
                "subject": { "reference": format!("Patient/{patient}") } })
        };
        let resources = [
            json!({ "resourceType": "Patient", "id": "p1", "name": [{ "family": "One" }] }),
            json!({ "resourceType": "Patient", "id": "p2", "name": [{ "family": "Two" }] }),
            json!({ "resourceType": "Practitioner", "id": "d1", "name": [{ "family": "Okafor" }] }),
            weight("w1", "p1"),
            weight("w2", "p2"),
        ];
        let batch = Batch { writes: resources.into_iter().map(write).collect(), action: "test", ..Batch::default() };
        store.commit(&Caller::system("test"), batch, START).await.unwrap();
        let organisation = Arc::new(Organisation {
            slug: "clinic".into(),
            name: "Clinic".into(),
            base: BASE.into(),
            access: access(&store, &clock),
            store,
            surroundings: clock.clone(),
        });
        let installation = Installation { organisations: vec![organisation.clone()], demo: true };
        let router = router(installation, ApiSettings::default());
        let mut people = Vec::new();
        for (name, roles, person, charges) in [
            ("okafor", vec!["clinician".to_owned()], Key::parse("Practitioner/d1"), vec![]),
            ("lindqvist", vec!["clinician".to_owned()], None, vec![]),
            ("patient", vec![], Key::parse("Patient/p1"), vec![own("p1")]),
        ] {
            let (username, display, email) = (name.to_owned(), name.to_owned(), None);
            let person = person.map_or(PersonLink::None, PersonLink::Existing);
            let new = NewUser { username, display, email, roles, person, sites: vec![] };
            let (access, system) = (&organisation.access, Caller::system("test"));
            people
                .push(access.create_with_password(&system, new, charges, "clover-bridge-alley", START).await.unwrap());
        }
        let world = World { router, organisation, clock, lab: Pair::new(), people, folder };
        world.register().await;
        world
    }

    async fn register(&self) {
        let people =
            "openid fhirUser profile launch launch/patient offline_access online_access patient/*.cruds user/*.rs";
        let code = || Some(vec!["authorization_code".to_owned(), "refresh_token".to_owned()]);
        let app = |name: &str, method: &str| Registration {
            client_name: name.into(),
            redirect_uris: vec![BACK.into()],
            launch_uri: Some("https://app.example/launch".into()),
            token_endpoint_auth_method: Some(method.into()),
            grant_types: code(),
            scope: people.into(),
            id_token_signed_response_alg: Some("ES384".into()),
            ..Registration::default()
        };
        let program = Registration {
            client_name: "Laboratory".into(),
            token_endpoint_auth_method: Some("private_key_jwt".into()),
            grant_types: Some(vec!["client_credentials".into()]),
            scope: "system/Observation.rs system/Patient.r".into(),
            jwks: Some(json!({ "keys": [self.lab.public("k1")] })),
            ..Registration::default()
        };
        let admin = Caller::system("test");
        for (id, secret, registration) in [
            ("public", "unused", app("Public app", "none")),
            ("conf", SECRET, app("Confidential app", "client_secret_basic")),
            (
                "other",
                OTHER_SECRET,
                Registration {
                    redirect_uris: vec!["https://other.example/back".into()],
                    ..app("Other app", "client_secret_basic")
                },
            ),
            ("lab", "unused", program),
        ] {
            let apps = self.organisation.apps();
            apps.register_as(&admin, registration, id.into(), secret.into(), self.now()).await.unwrap();
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn elsewhere(&self) -> &Elsewhere {
        &self.clock.elsewhere
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.now.fetch_add(seconds * SECOND, Ordering::Relaxed);
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Got {
        self.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// A form to an endpoint of the authorization server.
    pub(crate) async fn post(&self, endpoint: &str, headers: &[(&str, &str)], form: &[(String, String)]) -> Got {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send("POST", &format!("/clinic/auth/{endpoint}"), &all, encoded(form)).await
    }

    pub(crate) fn user(&self, name: &str) -> &User {
        self.people.iter().find(|it| it.username == name).unwrap()
    }

    /// An administrator changes one of the people.
    pub(crate) async fn change(&self, name: &str, change: UserChange) {
        let (access, system) = (&self.organisation.access, Caller::system("test"));
        let version = access.user(&system, &self.user(name).id, self.now()).await.unwrap().version;
        access.change_user(&system, &self.user(name).id, version, change, self.now()).await.unwrap();
    }

    pub(crate) fn principal(&self, name: &str) -> Principal {
        let user = self.user(name);
        let staff = user.is_staff();
        Principal {
            who: user.who(),
            display: name.into(),
            role: if staff { "clinician" } else { "patient" }.into(),
            person: user.person.clone(),
            patients: user.patients.iter().map(|it| it.patient.clone()).collect(),
            purpose: if staff { Purpose::Treatment } else { Purpose::PatientRequest },
            ..nobody()
        }
    }

    pub(crate) async fn caller(&self, name: &str) -> Caller {
        let principal = self.principal(name);
        self.organisation.access.caller(&self.organisation.store, &principal, self.now()).await.unwrap()
    }

    /// What a good request for authorization says.
    pub(crate) fn asking(&self, client: &str, scope: &str) -> Vec<(String, String)> {
        let back = if client == "other" { "https://other.example/back" } else { BACK };
        pairs(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", back),
            ("scope", scope),
            ("state", "a-state-with-enough-chance-in-it"),
            ("aud", &format!("{BASE}/fhir")),
            ("code_challenge", &challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
            ("nonce", "a-nonce"),
        ])
    }

    pub(crate) async fn authorize(&self, asking: &[(String, String)]) -> Got {
        self.send("GET", &format!("/clinic/auth/authorize?{}", encoded(asking)), &[], "").await
    }

    /// The person says yes to everything asked. Gives the address to go to.
    pub(crate) async fn agree(&self, name: &str, asking: &[(String, String)], patient: Option<&str>) -> String {
        let got = self.authorize(asking).await.is(303);
        let handle = got.header("location").strip_prefix("/clinic/authorize/").expect("the consent page").to_owned();
        self.decide(name, &handle, patient).await.unwrap()
    }

    pub(crate) async fn decide(
        &self,
        name: &str,
        handle: &str,
        patient: Option<&str>,
    ) -> Result<String, care::access::apps::Denial> {
        let apps = self.organisation.apps();
        let scopes = apps.asked(handle, self.now()).map(|it| care::access::codes::names(&it.scopes).collect());
        let choice = Choice { allow: true, scopes: scopes.unwrap_or_default(), patient: patient.and_then(Id::parse) };
        let caller = self.caller(name).await;
        let subject = Subject::from(&self.principal(name));
        apps.decide(&caller, &subject, handle, &choice, self.now()).await
    }

    pub(crate) async fn code(&self, client: &str, scope: &str) -> String {
        let back = self.agree("okafor", &self.asking(client, scope), Some("p1")).await;
        parameter(&back, "code").unwrap()
    }

    /// What a good request to the token endpoint says.
    pub(crate) fn exchanging(&self, client: &str, code: &str) -> Vec<(String, String)> {
        let back = if client == "other" { "https://other.example/back" } else { BACK };
        pairs(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", VERIFIER),
            ("client_id", client),
        ])
    }

    /// Tokens of an app for a doctor with a patient.
    pub(crate) async fn tokens(&self, client: &str, scope: &str) -> Value {
        let code = self.code(client, scope).await;
        let form = self.exchanging(client, &code);
        let secret = if client == "conf" { SECRET } else { OTHER_SECRET };
        let proof = basic(client, secret);
        let headers = if client == "public" { vec![] } else { vec![("authorization", proof.as_str())] };
        self.post("token", &headers, &form).await.is(200).json()
    }

    pub(crate) fn claims(&self) -> Value {
        json!({ "iss": "lab", "sub": "lab", "aud": format!("{ISSUER}/token"),
            "exp": self.now() / SECOND + 240, "iat": self.now() / SECOND, "jti": self.clock.new_secret() })
    }

    pub(crate) fn header() -> Value {
        json!({ "alg": "ES384", "typ": "JWT", "kid": "k1" })
    }

    pub(crate) fn assertion(&self) -> String {
        self.lab.sign(&World::header(), &self.claims())
    }

    pub(crate) fn with_assertion(&self, assertion: &str) -> Vec<(String, String)> {
        pairs(&[
            ("grant_type", "client_credentials"),
            ("scope", "system/Observation.rs"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ])
    }

    /// Everything the authorization server holds, to see that an attack changed nothing.
    pub(crate) async fn state(&self) -> Vec<(String, String, u64)> {
        let mut all = Vec::new();
        for shelf in ["client", "registration", "code", "launch", "token", "refresh", "grant", "key", "assertion"] {
            for item in self.organisation.store.items(shelf, None, None, 10_000, self.now()).await.unwrap() {
                all.push((item.shelf, item.name, item.version));
            }
        }
        all
    }
}

fn access(store: &Store, clock: &Arc<Clock>) -> Access {
    let surroundings: Arc<dyn Surroundings> = clock.clone();
    // Not what a password deserves; these are no passwords of anyone.
    let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
    let settings = AccessSettings { cost, ..AccessSettings::of("Clinic", "http://clinic.example", [7; 32]) };
    Access::new(store.clone(), surroundings, settings)
}

/// One's own record.
pub(crate) fn own(patient: &str) -> Charge {
    Charge { patient: Id::parse(patient).unwrap(), relation: Relation::Own, limited: false, until: None }
}

fn nobody() -> Principal {
    Principal {
        who: String::new(),
        display: String::new(),
        role: String::new(),
        person: None,
        patients: vec![],
        client: None,
        scopes: None,
        patient: None,
        purpose: Purpose::Treatment,
    }
}
