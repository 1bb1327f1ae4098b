//! A practice with a few people of the demonstration and some odd ones, and a browser that keeps a cookie.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use care::access::{Access, AccessSettings, Charge, HashCost, NewUser, PersonLink, Relation};
use care::demo::{Org, Population};
use care::{Installation, Organisation, Surroundings};
use fhir::search::row::BaseUrls;

use fhir::{Checked, Id, Key, Value};
use serde_json::{from_str, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Batch, Caller, Change, Expect, Settings, Store, Write};
use tower::ServiceExt;

/// 15 June 2026, noon.
const NOW: i64 = 1_781_524_800_000_000;

pub(crate) const PASSWORD: &str = "granite-badge-violin-galaxy";

/// Who may sign in: user name, name, role, own record.
const PEOPLE: [(&str, &str, &str, Option<&str>); 9] = [
    ("okafor", "Dr. Amara Okafor", "clinician", None),
    ("lind", "Maja Lind", "nurse", None),
    ("delgado", "Rosa Delgado", "front-desk", None),
    ("novak", "Paula Novak", "biller", None),
    ("dubois", "Marie Dubois", "practice-admin", None),
    ("wei", "Li Wei", "system-admin", None),
    ("thompson", "Grace Thompson", "privacy-officer", None),
    ("weber", "Jonas Weber", "integration-engineer", None),
    ("patient", "Xaver Zwetschkenbaum", "patient", Some("known")),
];

#[derive(Default)]
struct Still(AtomicU64);

impl Surroundings for Still {
    fn now(&self) -> i64 {
        NOW
    }

    fn new_id(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn new_secret(&self) -> String {
        format!("secret-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct World {
    router: Router,
    installation: Installation,
    /// The people of the demonstration.
    pub(crate) patients: Vec<String>,
    folder: Option<PathBuf>,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

pub(crate) struct Got {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().expect("headers of ours are text"))
    }
}

impl World {
    pub(crate) async fn open() -> World {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("continuo-web-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let base = "http://ehr.example/riverside".to_owned();
        let settings = Settings {
            organisation: "riverside".into(),
            address: folder.join("store.db").to_str().unwrap().into(),
            bases: BaseUrls::new([format!("{base}/fhir")]),
            likeness: Some(care::identity::keys_of),
            ..Settings::default()
        };
        let store = Store::open(settings).await.unwrap();
        let population = Population::new(5, 6, "2026-06-15".parse().unwrap());
        let records: Vec<_> = population.people(Org::Riverside).collect();
        let mut resources = population.organisation(Org::Riverside);
        resources.extend(records.iter().flat_map(|it| it.resources.clone()));
        resources.extend(odd_people());
        let write = |value: Value| {
            let checked = Checked::trusted(value).expect("a resource with an id");
            let key = Key::new(checked.kind(), Id::parse(checked.id().unwrap()).unwrap());
            Write { key, expect: Expect::Anything, change: Change::Put(checked) }
        };
        let batch = Batch {
            writes: resources.into_iter().map(write).collect(),
            guards: Vec::new(),
            action: "test",
            ..Batch::default()
        };
        store.commit(&Caller::system("test"), batch, NOW - 1_000_000).await.unwrap();
        let surroundings: Arc<dyn Surroundings> = Arc::new(Still::default());
        let settings = AccessSettings {
            // Nobody here is worth the work.
            cost: HashCost { memory: 64, passes: 1, lanes: 1 },
            demo: true,
            ..AccessSettings::of("Riverside Family Practice", &base, [7; 32])
        };
        let access = Access::new(store.clone(), surroundings.clone(), settings);
        for (username, display, role, patient) in PEOPLE {
            let new = NewUser {
                username: username.into(),
                display: display.into(),
                email: None,
                // Whoever has a record of their own is a patient by it.
                roles: if patient.is_some() { Vec::new() } else { vec![role.into()] },
                person: PersonLink::None,
                sites: Vec::new(),
            };
            let own = |id: &str| Charge {
                patient: Id::parse(id).unwrap(),
                relation: Relation::Own,
                limited: false,
                until: None,
            };
            let charges = patient.iter().map(|id| own(id)).collect();
            access
                .create_with_password(&Caller::system("test"), new, charges, PASSWORD, NOW - 1_000_000)
                .await
                .unwrap();
        }
        let organisation = Organisation {
            slug: "riverside".into(),
            name: "Riverside Family Practice".into(),
            base,
            store,
            access,
            surroundings,
        };
        let installation = Installation { organisations: vec![Arc::new(organisation)], demo: true };
        World {
            router: web::router(installation.clone()),
            installation,
            patients: records.into_iter().map(|it| it.patient_id).collect(),
            folder: Some(folder),
        }
    }

    /// The same without the demonstration.
    pub(crate) fn strict(&self) -> World {
        let installation = Installation { demo: false, ..self.installation.clone() };
        World { router: web::router(installation.clone()), installation, patients: Vec::new(), folder: None }
    }

    async fn send(&self, request: Request<Body>) -> Got {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, cookie: Option<&str>, path: &str) -> Got {
        let request = Request::get(path).header("host", "ehr.example").header("cookie", cookie.unwrap_or(""));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// As a browser that likes these languages.
    pub(crate) async fn get_in(&self, languages: &str, path: &str) -> Got {
        let request = Request::get(path).header("host", "ehr.example").header("accept-language", languages);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Got {
        self.post_from("http://ehr.example", path, body).await
    }

    pub(crate) async fn post_from(&self, origin: &str, path: &str, body: &str) -> Got {
        let request = Request::post(path)
            .header("host", "ehr.example")
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn post_with(&self, cookie: &str, path: &str) -> Got {
        let request = Request::post(path).header("origin", "http://ehr.example").header("cookie", cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Something that arrives from elsewhere.
    pub(crate) async fn arrives(&self, value: Value) {
        let checked = Checked::trusted(value).expect("a resource with an id");
        let key = Key::new(checked.kind(), Id::parse(checked.id().unwrap()).unwrap());
        let write = Write { key, expect: Expect::Anything, change: Change::Put(checked) };
        let store = &self.installation.organisations[0].store;
        store.commit(&Caller::system("test"), Batch::of("test", write), NOW).await.unwrap();
    }

    /// A stream of events, as it begins.
    pub(crate) async fn listen(&self, cookie: &str, path: &str) -> Body {
        let request = Request::get(path).header("cookie", cookie).header("accept", "text/event-stream");
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body()
    }

    /// A form sent by someone signed in.
    pub(crate) async fn fill(&self, cookie: &str, path: &str, body: &str) -> Got {
        let request = Request::post(path)
            .header("host", "ehr.example")
            .header("origin", "http://ehr.example")
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// The same from one of our scripts.
    pub(crate) async fn fill_for_script(&self, cookie: &str, path: &str, body: &str) -> Got {
        let request = Request::post(path)
            .header("host", "ehr.example")
            .header("origin", "http://ehr.example")
            .header("cookie", cookie)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A form with a file.
    pub(crate) async fn fill_parts(&self, cookie: &str, path: &str, body: Vec<u8>) -> Got {
        let request = Request::post(path)
            .header("host", "ehr.example")
            .header("origin", "http://ehr.example")
            .header("cookie", cookie)
            .header("content-type", "multipart/form-data; boundary=x");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// What an authenticator app shows for a secret, `later` steps of half a minute from now.
    pub(crate) fn code(&self, secret: &str, later: i64) -> String {
        care::access::one_time_code(&unbase32(secret), NOW + later * 30_000_000)
    }

    pub(crate) async fn sign_in(&self, username: &str) -> String {
        let got = self.post("/riverside/sign-in", &format!("username={username}&password={PASSWORD}")).await;
        assert_eq!(got.status, 303, "{}", got.text);
        got.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

/// RFC 4648, 6: five bits a letter.
fn unbase32(text: &str) -> Vec<u8> {
    let (mut bits, mut have, mut out) = (0_u32, 0, Vec::new());
    for value in text.bytes().filter_map(|it| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|a| *a == it)) {
        bits = (bits << 5) | value as u32;
        have += 5;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    out
}

/// People who make pages difficult.
fn odd_people() -> Vec<Value> {
    let mr = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]});
    let mut all = vec![
        json!({"resourceType": "Patient", "id": "bare"}),
        json!({"resourceType": "Patient", "id": "known", "gender": "male", "birthDate": "1970-05-09",
            "name": [{"family": "Zwetschkenbaum", "given": ["Xaver"]}],
            "identifier": [{"type": mr, "system": "urn:mrn", "value": "K-77"}],
            "telecom": [{"system": "phone", "value": "555-867-5309"}]}),
        json!({"resourceType": "Patient", "id": "twin", "birthDate": "1971-09-05",
            "name": [{"family": "Zwetchkenbaum", "given": ["Xafer"]}]}),
        json!({"resourceType": "Patient", "id": "seen", "gender": "female", "birthDate": "1962-01-31",
            "name": [{"family": "Jansen", "given": ["Ida"]}]}),
        json!({"resourceType": "Encounter", "id": "seen-visit", "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "Patient/seen"}, "period": {"start": "2026-06-15T11:00:00Z"}}),
        json!({"resourceType": "Condition", "id": "seen-problem", "subject": {"reference": "Patient/seen"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "code": {"text": "Tennis elbow"}}),
        json!({"resourceType": "Patient", "id": "odd", "birthDate": "1980",
            "name": [{"family": "<script>alert(1)</script>", "given": ["\"Quote\" & Co"]}]}),
        json!({"resourceType": "DocumentReference", "id": "odd-note", "status": "current",
        "subject": {"reference": "Patient/odd"}, "date": "2024-05-01T10:00:00Z",
        "text": {"status": "additional", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><h1>Plan</h1>\
            <script>alert(2)</script><p onclick=\"alert(2)\">Rest and fluids</p></div>"},
        "content": [
            {"attachment": {"contentType": "text/plain", "data": "PGI+UmVzdDwvYj4="}},
            {"attachment": {"contentType": "image/svg+xml", "data": "PHN2Zy8+"}}
        ]}),
    ];
    for (id, day, value, flag) in
        [("k1", "2024-05-01", "6.40", "HH"), ("k2", "2024-03-01", "5.0", "N"), ("k3", "2023-01-01", "3.2", "L")]
    {
        let potassium = format!(
            r#"{{"resourceType": "Observation", "id": "{id}", "status": "final", "subject": {{"reference": "Patient/odd"}},
            "category": [{{"coding": [{{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}}]}}],
            "code": {{"coding": [{{"system": "http://loinc.org", "code": "2823-3"}}], "text": "Potassium"}},
            "effectiveDateTime": "{day}", "valueQuantity": {{"value": {value}, "unit": "mmol/L"}},
            "interpretation": [{{"coding": [{{"code": "{flag}"}}]}}],
            "referenceRange": [{{"low": {{"value": 3.5}}, "high": {{"value": 5.1}}}}]}}"#
        );
        all.push(from_str(&potassium).unwrap());
    }
    all
}
