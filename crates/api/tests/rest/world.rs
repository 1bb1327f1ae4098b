//! A clinic with an empty store, and requests to it.

use api::{ApiSettings, router};
use axum::Router;
use axum::body::Body;
use care::access::{Access, AccessSettings, HashCost, NewUser, PersonLink, SignIn, Visit};
use care::{Installation, Organisation, Surroundings};
use fhir::search::row::BaseUrls;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use store::{Caller, Purpose, Rights, Settings, Store};
use tower::ServiceExt;

pub(crate) const BASE: &str = "http://here.example/clinic/fhir";
pub(crate) const TOKEN: &str = "a-token-of-the-laboratory";
/// May read the compartment of Patient/p1 and nothing else.
pub(crate) const PATIENT_TOKEN: &str = "a-token-of-a-patient";

/// A clock that moves by a second whenever it is asked, and ids that count.
struct Ticking {
    /// Put before the number of an id.
    prefix: &'static str,
    now: AtomicI64,
    ids: AtomicU64,
}

impl Surroundings for Ticking {
    fn now(&self) -> i64 {
        self.now.fetch_add(1_000_000, Ordering::Relaxed)
    }

    fn new_id(&self) -> String {
        format!("{}{}", self.prefix, self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("secret-{}", self.ids.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct World {
    pub(crate) router: Router,
    /// Of a doctor.
    pub(crate) session: String,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// What came back.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} without JSON: {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer has this status; otherwise the test says what came instead.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Got {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// An OperationOutcome with this issue code and some words in its diagnostics.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Got {
        let got = self.is(status);
        let outcome = got.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", got.text);
        let issues = outcome["issue"].as_array().unwrap();
        assert!(issues.iter().any(|issue| issue["code"] == code), "no {code} in {}", got.text);
        assert!(
            issues.iter().all(|issue| issue["diagnostics"].as_str().is_some_and(|it| it.len() > 10)),
            "{}",
            got.text
        );
        assert!(!got.header("x-request-id").is_empty());
        got
    }

    /// `Type/id` of the resources of a bundle, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let key = |entry: &Value| match (entry["resource"]["resourceType"].as_str(), entry["resource"]["id"].as_str()) {
            (Some(kind), Some(id)) => format!("{kind}/{id}"),
            (Some(kind), None) => kind.to_owned(),
            _ => String::new(),
        };
        entries.iter().map(key).collect()
    }

    /// The address of a link of a bundle.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let links = bundle["link"].as_array()?;
        links.iter().find(|link| link["relation"] == relation)?["url"].as_str().map(str::to_owned)
    }
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(ApiSettings::default()).await
    }

    pub(crate) async fn with(settings: ApiSettings) -> World {
        World::made(settings, "new-").await
    }

    /// A world whose ids are no ids: whatever makes one runs into a bug.
    pub(crate) async fn with_a_bug() -> World {
        World::made(ApiSettings::default(), "not an id: ").await
    }

    async fn made(api: ApiSettings, prefix: &'static str) -> World {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("rest-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let surroundings =
            Arc::new(Ticking { prefix, now: AtomicI64::new(1_780_000_000_000_000), ids: AtomicU64::new(1) });
        let store = Store::open(Settings {
            organisation: "clinic".into(),
            address: folder.join("clinic.db").display().to_string(),
            bases: BaseUrls::new([BASE]),
            likeness: Some(care::identity::keys_of),
            ..Settings::default()
        })
        .await
        .unwrap();
        let own = Ticking { prefix: "user-", now: AtomicI64::default(), ids: AtomicU64::new(1) };
        let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
        let settings = AccessSettings { cost, ..AccessSettings::of("Clinic", "http://here.example/clinic", [7; 32]) };
        let mut access = Access::new(store.clone(), Arc::new(own), settings);
        access.grant(TOKEN, Caller { who: "client/laboratory".into(), ..Caller::system("test") });
        let patient = Caller {
            who: "user/p1".into(),
            role: "patient".into(),
            purpose: Purpose::PatientRequest,
            rights: Rights::patient(fhir::Id::parse("p1").unwrap()),
            patient: fhir::Id::parse("p1"),
            ..Caller::system("test")
        };
        access.grant(PATIENT_TOKEN, patient);
        let now = 1_780_000_000_000_000;
        let doctor = NewUser {
            username: "okafor".into(),
            display: "Dr. Amara Okafor".into(),
            email: None,
            roles: vec!["clinician".into()],
            person: PersonLink::None,
            sites: Vec::new(),
        };
        let (system, visit, password) = (Caller::system("test"), Visit::default(), "a password of the demo");
        access.create_with_password(&system, doctor, Vec::new(), password, now).await.unwrap();
        let Ok(SignIn::Open(opened)) = access.sign_in(&visit, "okafor", password, now).await else {
            panic!("a doctor signs in")
        };
        let organisation = Organisation {
            slug: "clinic".into(),
            name: "Clinic".into(),
            base: BASE.strip_suffix("/fhir").unwrap().into(),
            store,
            access,
            surroundings,
        };
        let installation = Installation { organisations: vec![Arc::new(organisation)], demo: true };
        World { router: router(installation, api), session: opened.token, folder }
    }

    /// A request as it is, `path` below the FHIR base or an address under it.
    pub(crate) async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Got {
        let path = path.strip_prefix(BASE).unwrap_or(path).trim_start_matches('/');
        let uri = match path.split_once('?') {
            Some(("", query)) => format!("/clinic/fhir?{query}"),
            _ if path.is_empty() => "/clinic/fhir".to_owned(),
            _ => format!("/clinic/fhir/{path}"),
        };
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(&uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: parts.status, headers: parts.headers, text }
    }

    /// A request with the laboratory's token and more headers.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Got {
        let bearer = format!("Bearer {TOKEN}");
        let mut all = vec![("authorization", bearer.as_str())];
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/fhir+json"));
        }
        all.extend_from_slice(headers);
        self.raw(method, path, &all, body.map(Value::to_string).unwrap_or_default()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send("POST", path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Got {
        self.send("PUT", path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, &[], None).await
    }

    /// How many resources of a type there are.
    pub(crate) async fn count(&self, search: &str) -> u64 {
        let joint = if search.contains('?') { '&' } else { '?' };
        let got = self.get(&format!("{search}{joint}_summary=count")).await.is(200);
        got.json()["total"].as_u64().unwrap()
    }

    /// A patient under this id.
    pub(crate) async fn patient(&self, id: &str) -> Got {
        self.put(&format!("Patient/{id}"), &patient(id)).await.is(201)
    }
}

/// A valid patient with an identifier of its own.
pub(crate) fn patient(id: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "id": id,
        "identifier": [{ "system": "http://clinic.example/mrn", "value": id }],
        "name": [{ "family": format!("Family {id}"), "given": ["Ana"] }],
        "gender": "female",
        "birthDate": "1970-05-09",
    })
}

/// A valid observation of a patient.
pub(crate) fn observation(patient: &str, day: &str, value: f64) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs",
        }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7", "display": "Body weight" }] },
        "subject": { "reference": patient },
        "effectiveDateTime": day,
        "valueQuantity": { "value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" },
    })
}
