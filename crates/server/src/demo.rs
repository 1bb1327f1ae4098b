//! The demo: two organisations with synthetic people, logins and tokens of their own, in one folder that can
//! be thrown away. What was made once is remembered in `demo.json`, which only its owner may read.

use crate::cli::{Common, Serve};
use crate::config::Config;
use crate::failure::{Done, Exit, Failure};
use crate::mllp::Asked;
use crate::places::{self, Place};
use crate::sending::{Sending, Way};
use crate::terminal::{self, Paint, Progress};
use crate::world::{self, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use care::Organisation;
use care::access::clients::Registration;
use care::access::{Access, Charge, NewUser, PersonLink, Relation};
use care::demo::{Org, Population};
use care::exchange::channel::Channel;
use care::exchange::subscriptions::{Partner, Patients};
use care::organisation::Surroundings;
use fhir::{Checked, Id, Key};
use futures::stream::{FuturesUnordered, StreamExt};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use store::{Batch, Caller, Change, Expect, Purpose, Rights, Store, Write};

/// Where the demo lies when nobody says.
pub(crate) const FOLDER: &str = "./continuo-demo";

/// The file that tools read.
const FILE: &str = "demo.json";

/// Who can sign in at each organisation: user name, role, and what they are called there. Clinicians and nurses are
/// people of the population; the last is new to everybody.
const STAFF: [(&str, &str, &str, &str); 9] = [
    ("front-desk", "front-desk", "Rosa Delgado", "Ingrid Halvorsen"),
    ("nurse", "nurse", "", ""),
    ("clinician", "clinician", "", ""),
    ("biller", "biller", "Paula Novak", "Samuel Adeyemi"),
    ("practice-admin", "practice-admin", "Marie Dubois", "Tomás Herrera"),
    ("system-admin", "system-admin", "Li Wei", "Noa Peretz"),
    ("privacy-officer", "privacy-officer", "Grace Thompson", "Anil Kapoor"),
    ("integration-engineer", "integration-engineer", "Jonas Weber", "Thandiwe Nkosi"),
    ("clinician2", "clinician", "Dr. Amara Locum", "Dr. Henrik Locum"),
];

/// Users of the portal: user name, role, whose record (by its place among the examples), what they are called.
const PORTAL: [(&str, &str, usize, &str); 4] = [
    ("patient", "patient", 0, "The patient"),
    ("patient2", "patient", 1, "Another patient"),
    ("proxy", "proxy", 1, "A proxy"),
    ("proxy-limited", "proxy-limited", 2, "A proxy with limits"),
];

/// `demo.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Demo {
    note: String,
    pub(crate) patients: u32,
    pub(crate) seed: u64,
    /// Where both records lie, when not in files of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    pub(crate) organisations: Vec<DemoOrganisation>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DemoOrganisation {
    pub(crate) slug: String,
    name: String,
    base: String,
    fhir: String,
    staff: String,
    portal: String,
    /// Bearer token of a system client that may do everything.
    token: String,
    /// Where HL7 v2 messages come, framed by MLLP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mllp: Option<String>,
    /// The authorization server, and where apps find out about it.
    #[serde(default)]
    auth: String,
    #[serde(default)]
    smart_configuration: String,
    #[serde(default)]
    clients: Vec<DemoClient>,
    logins: Vec<DemoLogin>,
    examples: Vec<DemoExample>,
    /// Whether all its people are in the store.
    pub(crate) seeded: bool,
}

#[derive(Serialize, Deserialize)]
struct DemoLogin {
    role: String,
    username: String,
    password: String,
    display: String,
    /// Whose record they see, for users of the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    /// Who they are in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
}

/// An app to try with. Its pages are expected on this machine.
#[derive(Clone, Serialize, Deserialize)]
struct DemoClient {
    /// `public`, `confidential`, `backend`.
    kind: String,
    client_id: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    launch_uri: Option<String>,
    /// The pair of keys of a program that acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_jwk: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct DemoExample {
    patient: String,
    shows: String,
    fhir: String,
}

fn organisation_of(slug: &str) -> Org {
    Org::ALL.into_iter().find(|org| org.key() == slug).unwrap_or(Org::Riverside)
}

fn population(seed: u64, patients: u32) -> Population {
    let today = jiff::Timestamp::from_microsecond(world::now()).expect("the clock is within the calendar");
    Population::new(seed, patients as usize, today.to_zoned(jiff::tz::TimeZone::UTC).date())
}

impl Demo {
    pub(crate) fn read(folder: &Path) -> Result<Option<Demo>, Failure> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file("read", &path)(error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                let message = format!(
                    "{} is not what the demo wrote ({error}); `continuo demo reset --yes` begins anew",
                    path.display()
                );
                Failure::new(Exit::Data, message)
            }),
        }
    }

    /// What is there, or a new demo with fresh secrets.
    pub(crate) fn open(folder: &Path, bind: SocketAddr, asked: &Serve, world: &World) -> Result<Demo, Failure> {
        std::fs::create_dir_all(folder).map_err(Failure::file("make the demo's folder", folder))?;
        let mut demo = match Demo::read(folder)? {
            Some(mut demo) => {
                demo.add_new_logins(world);
                demo
            }
            None => Demo { store: asked.store.clone(), ..Demo::new(asked.patients, asked.seed, world) },
        };
        if asked.store.is_some() && demo.store != asked.store {
            let message = "this demo lies elsewhere already; take another --data-dir, or leave --store out";
            return Err(Failure::new(Exit::Usage, message));
        }
        for it in demo.organisations.iter_mut().filter(|it| it.clients.is_empty()) {
            it.clients = clients(world);
        }
        demo.set_address(bind);
        demo.write(folder)?;
        Ok(demo)
    }

    fn new(patients: u32, seed: u64, world: &World) -> Demo {
        let population = population(seed, patients);
        let organisations = Org::ALL.into_iter().map(|org| {
            let examples: Vec<DemoExample> = population
                .examples(org)
                .into_iter()
                .map(|it| DemoExample { patient: it.patient_id, shows: it.sentence.to_owned(), fhir: String::new() })
                .collect();
            let logins = logins(&population, org, &examples, world);
            DemoOrganisation {
                slug: org.key().into(),
                name: org.name().into(),
                base: String::new(),
                fhir: String::new(),
                staff: String::new(),
                portal: String::new(),
                token: world.new_secret(),
                mllp: None,
                auth: String::new(),
                smart_configuration: String::new(),
                clients: Vec::new(),
                logins,
                examples,
                seeded: false,
            }
        });
        let note = "Synthetic people only. This file holds secrets of the demo: keep it to yourself.".into();
        Demo { store: None, note, patients, seed, organisations: organisations.collect() }
    }

    /// A demo of an earlier version gets the logins that it has not.
    fn add_new_logins(&mut self, world: &World) {
        let missing = |it: &DemoOrganisation| it.logins.len() < STAFF.len() + PORTAL.len();
        if !self.organisations.iter().any(missing) {
            return;
        }
        let population = population(self.seed, self.patients);
        for it in self.organisations.iter_mut().filter(|it| missing(it)) {
            let wanted = logins(&population, organisation_of(&it.slug), &it.examples, world);
            let new = wanted.into_iter().filter(|new| it.logins.iter().all(|old| old.username != new.username));
            let new: Vec<DemoLogin> = new.collect();
            it.logins.extend(new);
        }
    }

    /// Addresses follow the port, which may differ from start to start.
    fn set_address(&mut self, bind: SocketAddr) {
        for it in &mut self.organisations {
            it.base = format!("http://{bind}/{}", it.slug);
            it.fhir = format!("{}/fhir", it.base);
            it.auth = format!("{}/auth", it.base);
            it.smart_configuration = format!("{}/.well-known/smart-configuration", it.fhir);
            it.staff = format!("{}/", it.base);
            it.portal = format!("{}/portal/", it.base);
            for example in &mut it.examples {
                example.fhir = format!("{}/Patient/{}", it.fhir, example.patient);
            }
        }
    }

    /// Where messages come at this start.
    pub(crate) fn listens(&mut self, folder: &Path, listening: &[(String, String, SocketAddr)]) -> Done {
        for it in &mut self.organisations {
            let own = listening.iter().find(|(slug, name, _)| *slug == it.slug && *name == channel_of(slug));
            it.mllp = own.map(|(_, _, at)| at.to_string());
        }
        self.write(folder)
    }

    pub(crate) fn write(&self, folder: &Path) -> Done {
        let text = serde_json::to_string_pretty(self).expect("the demo can be written as JSON");
        world::write_secret(&folder.join(FILE), &format!("{text}\n"))
    }

    fn places(&self, folder: &Path) -> Vec<Place> {
        let place = |it: &DemoOrganisation| Place {
            slug: it.slug.clone(),
            name: it.name.clone(),
            base: it.base.clone(),
            store: self.store.clone().unwrap_or_else(|| folder.join(format!("{}.db", it.slug)).display().to_string()),
        };
        self.organisations.iter().map(place).collect()
    }

    /// Lets the system client of one organisation in.
    pub(crate) fn grant(&self, slug: &str, access: &mut Access) {
        if let Some(it) = self.organisations.iter().find(|it| it.slug == slug) {
            access.grant(&it.token, client("demo", "Demo system client"));
        }
    }

    /// Makes the users of one organisation that are not there yet: ordinary users, whose passwords are kept in
    /// `demo.json` besides.
    pub(crate) async fn make_users(&self, slug: &str, access: &Access) -> Done {
        let Some(it) = self.organisations.iter().find(|it| it.slug == slug) else { return Ok(()) };
        let made = it.logins.iter().map(|login| make_user(login, access));
        let wrong = |error: care::access::AccessError| {
            Failure::new(Exit::Software, format!("a login of the demo at {slug} could not be made: {error}"))
        };
        futures::future::try_join_all(made).await.map(drop).map_err(wrong)
    }

    /// What a person needs to begin.
    pub(crate) fn tell(&self, folder: &Path) {
        let paint = Paint::for_stdout();
        terminal::line(format_args!("\n  {}  synthetic people only\n", paint.bold("Continuo demo")));
        for it in &self.organisations {
            terminal::line(format_args!("  {:<28}{}", it.name, paint.link(&it.staff)));
            terminal::line(format_args!("  {:<28}{}", "", paint.link(&it.fhir)));
            if let Some(mllp) = &it.mllp {
                terminal::line(format_args!("  {:<28}mllp://{mllp}", ""));
            }
        }
        let slugs: Vec<String> = self.organisations.iter().map(|it| format!("{:<45}", it.slug)).collect();
        terminal::line(format_args!(
            "\n  {}",
            paint.bold(&format!("{:<22}{}", "sign in as", slugs.concat().trim_end()))
        ));
        let first = self.organisations.first().map_or(&[][..], |it| &it.logins);
        for login in first {
            let password = |it: &DemoOrganisation| {
                let same = it.logins.iter().find(|other| other.username == login.username);
                format!("{:<45}", same.map_or("", |it| &it.password))
            };
            let passwords: String = self.organisations.iter().map(password).collect();
            terminal::line(format_args!("  {:<22}{}", login.username, passwords.trim_end()));
        }
        if let Some(it) = self.organisations.first() {
            terminal::line(format_args!("\n  {}", paint.bold("worth a look")));
            for example in it.examples.iter().take(6) {
                terminal::line(format_args!("  {:<38}{}", example.patient, example.shows));
            }
        }
        let file = folder.join(FILE);
        terminal::line(format_args!(
            "\n  {}\n",
            paint.faint(&format!("tokens and all of this for programs: {}", file.display()))
        ));
    }
}

/// The port of the first organisation's messages, when nobody says.
const MLLP: u16 = 2575;

fn channel_of(slug: &str) -> String {
    format!("{slug}-hl7")
}

/// One channel for each organisation. Of several demonstrations on a machine, the first has the usual ports.
pub(crate) fn channels(places: &[Place], port: Option<u16>) -> Vec<Asked> {
    let channel = |(at, place): (usize, &Place)| {
        let partner = match places.iter().find(|it| it.slug != place.slug) {
            Some(other) => format!("{} and laboratories", other.name),
            None => "Hospital and laboratories".to_owned(),
        };
        let channel = Channel::new(&channel_of(&place.slug), &partner);
        let port = match port {
            Some(0) => 0,
            port => port.unwrap_or(MLLP).saturating_add(at as u16),
        };
        Asked::here(&place.slug, channel, port, true)
    };
    places.iter().enumerate().map(channel).collect()
}

/// What goes from one sample organisation to the other: a practice sends its orders to the hospital, and the hospital what
/// happens there to those whom the practice sent.
const BETWEEN: [(&str, &str, &[&str], bool); 2] =
    [("riverside", "lakeside", &["OML", "ORM"], false), ("lakeside", "riverside", &["ADT", "ORU", "MDM"], true)];

/// The channels between the sample organisations, to where the other listens at this start.
pub(crate) fn sending(places: &[Place], listening: &[(String, String, SocketAddr)]) -> Vec<Sending> {
    let between = BETWEEN.iter().filter_map(|(from, to, events, known)| {
        let own = places.iter().find(|it| it.slug == *from)?;
        let other = places.iter().find(|it| it.slug == *to)?;
        let (_, _, at) = listening.iter().find(|(slug, name, _)| *slug == other.slug && *name == channel_of(slug))?;
        let mut channel = Channel::new(&format!("{from}-to-{to}"), &other.name);
        channel.partner = Some(Partner {
            address: format!("mllp://{at}"),
            events: events.iter().map(|it| (*it).to_owned()).collect(),
            application: "CONTINUO".to_owned(),
            facility: other.slug.to_uppercase(),
            patients: match known {
                true => Patients::Known(format!("{}/mrn", organisation_of(to).url())),
                false => Patients::All,
            },
            names: BTreeMap::new(),
            restricted: false,
        });
        let way = Way::Mllp { host: at.ip().to_string(), port: at.port(), tls: None };
        Some(Sending { organisation: own.slug.clone(), channel, way })
    });
    between.collect()
}

/// The logins of a new organisation, with fresh passwords.
fn logins(population: &Population, org: Org, examples: &[DemoExample], world: &World) -> Vec<DemoLogin> {
    let records: Vec<care::demo::Record> = population.range(org, 0..STRETCH).collect();
    let met = Met::of(population.organisation(org), &records, examples);
    let login = |username: &str, role: &str, display: &str| DemoLogin {
        role: role.into(),
        username: username.into(),
        password: world.passphrase(),
        display: display.into(),
        patient: None,
        person: None,
    };
    let staff = STAFF.iter().map(|(username, role, first, second)| {
        let display = if org == Org::ALL[0] { first } else { second };
        match (display.is_empty(), met.most(role)) {
            (true, Some((key, name))) => DemoLogin { person: Some(key), ..login(username, role, &name) },
            (true, None) => login(username, role, username),
            (false, _) => login(username, role, display),
        }
    });
    let someone: Vec<&str> = examples.iter().map(|it| it.patient.as_str()).collect();
    let someone = if someone.is_empty() { records.iter().map(|it| it.patient_id.as_str()).collect() } else { someone };
    let portal = PORTAL.iter().filter(|_| !someone.is_empty()).map(|(username, role, nth, display)| {
        let patient = Some(someone[nth % someone.len()].to_owned());
        DemoLogin { patient, ..login(username, role, display) }
    });
    staff.chain(portal).collect()
}

/// Whom the people of the examples meet: so that who signs in has patients of their own.
struct Met {
    /// Key, name, and how often they appear.
    staff: Vec<(String, String, usize)>,
}

impl Met {
    fn of(shared: Vec<Value>, records: &[care::demo::Record], examples: &[DemoExample]) -> Met {
        let of_examples = records.iter().filter(|it| examples.iter().any(|other| other.patient == it.patient_id));
        let texts: Vec<String> = of_examples.flat_map(|it| &it.resources).map(Value::to_string).collect();
        let practitioners = shared.iter().filter(|it| it["resourceType"] == "Practitioner");
        let staff = practitioners.filter_map(|it| {
            let key = format!("Practitioner/{}", it["id"].as_str()?);
            let quoted = format!("\"{key}\"");
            let count = texts.iter().filter(|text| text.contains(&quoted)).count();
            Some((key, it["name"][0]["text"].as_str()?.to_owned(), count))
        });
        Met { staff: staff.collect() }
    }

    fn most(&self, role: &str) -> Option<(String, String)> {
        let nurse = |name: &str| name.ends_with("RN");
        let fitting = self.staff.iter().filter(|(_, name, _)| nurse(name) == (role == "nurse"));
        fitting.max_by_key(|(_, _, count)| *count).map(|(key, name, _)| (key.clone(), name.clone()))
    }
}

async fn make_user(login: &DemoLogin, access: &Access) -> Result<(), care::access::AccessError> {
    let caller = Caller::system("demo");
    let now = world::now();
    if access.has_user(&caller, &login.username, now).await? {
        return Ok(());
    }
    let charge = |patient: Id| {
        let relation = if login.role == "patient" { Relation::Own } else { Relation::Parent };
        Charge { patient, relation, limited: login.role == "proxy-limited", until: None }
    };
    let patients: Vec<Charge> = login.patient.as_deref().and_then(Id::parse).map(charge).into_iter().collect();
    let own = patients.iter().find(|it| it.relation == Relation::Own);
    let own = own.map(|it| Key::new(fhir::ResourceType::parse("Patient").expect("a type of R4"), it.patient.clone()));
    let person = match (login.person.as_deref().and_then(Key::parse).or(own), login.role.as_str()) {
        (Some(key), _) => PersonLink::Existing(key),
        // Someone in the record whom no patient has met.
        (None, "clinician" | "nurse") => {
            let mut names = login.display.rsplitn(2, ' ').map(str::to_owned);
            let family = names.next().unwrap_or_default();
            let given = names.next().map_or("Locum".to_owned(), |it| it.trim_start_matches("Dr. ").to_owned());
            PersonLink::New { family, given }
        }
        (None, _) => PersonLink::None,
    };
    let new = NewUser {
        username: login.username.clone(),
        display: login.display.clone(),
        email: None,
        roles: if patients.is_empty() { vec![login.role.clone()] } else { Vec::new() },
        person,
        sites: Vec::new(),
    };
    access.create_with_password(&caller, new, patients, &login.password, now).await.map(drop)
}

/// Where the demo's apps are expected to lie, for whoever tries them.
const APPS: &str = "http://127.0.0.1:8765";

const FOR_PEOPLE: &str = "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access patient/*.cruds user/*.cruds";

fn clients(world: &World) -> Vec<DemoClient> {
    let app = |kind: &str, secret: Option<String>| DemoClient {
        kind: kind.into(),
        client_id: format!("demo-{kind}"),
        scope: FOR_PEOPLE.into(),
        client_secret: secret,
        redirect_uri: Some(format!("{APPS}/app")),
        launch_uri: Some(format!("{APPS}/launch")),
        private_jwk: None,
    };
    let backend = DemoClient {
        scope: "system/*.cruds".into(),
        redirect_uri: None,
        launch_uri: None,
        private_jwk: Some(new_jwk()),
        ..app("backend", None)
    };
    vec![app("public", None), app("confidential", Some(world.new_secret())), backend]
}

/// A new private key for ES384, as a JWK. ring writes PKCS #8; the private number lies at a fixed place in it.
fn new_jwk() -> Value {
    const PRIVATE: std::ops::Range<usize> = 35..35 + 48;
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("the system has randomness");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("ring reads what it wrote");
    let (private, public) = (&pkcs8.as_ref()[PRIVATE], pair.public_key().as_ref());
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random)
        .expect("both halves belong together");
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = public[1..].split_at(48);
    json!({ "kty": "EC", "crv": "P-384", "kid": "demo", "alg": "ES384", "use": "sig", "x": text(x), "y": text(y), "d": text(private) })
}

/// Makes the demo's apps known to its organisation.
pub(crate) async fn register_apps(folder: &Path, organisation: &Organisation) -> Done {
    let Some(demo) = Demo::read(folder)? else { return Ok(()) };
    let clients = demo.organisations.iter().filter(|it| it.slug == organisation.slug).flat_map(|it| &it.clients);
    for client in clients {
        let grants: &[&str] = if client.redirect_uri.is_some() {
            &["authorization_code", "refresh_token"]
        } else {
            &["client_credentials"]
        };
        let method = match client.kind.as_str() {
            "public" => "none",
            "confidential" => "client_secret_basic",
            _ => "private_key_jwt",
        };
        let jwks = client.private_jwk.clone().map(|mut key| {
            key.as_object_mut().map(|key| key.remove("d"));
            json!({ "keys": [key] })
        });
        let registration = Registration {
            client_name: format!("Demo app ({})", client.kind),
            redirect_uris: client.redirect_uri.iter().cloned().collect(),
            launch_uri: client.launch_uri.clone(),
            token_endpoint_auth_method: Some(method.into()),
            grant_types: Some(grants.iter().map(|it| (*it).to_owned()).collect()),
            scope: client.scope.clone(),
            jwks,
            ..Registration::default()
        };
        let secret = client.client_secret.clone().unwrap_or_default();
        let (apps, caller) = (organisation.apps(), Caller::system("demo"));
        let known = apps.register_as(&caller, registration, client.client_id.clone(), secret, world::now()).await;
        known.map_err(|denial| Failure::new(Exit::Software, format!("a demo app cannot be registered: {denial}")))?;
    }
    Ok(())
}

/// A program that acts for itself.
pub(crate) fn client(name: &str, display: &str) -> Caller {
    Caller {
        who: format!("client/{name}").into(),
        display: display.into(),
        role: "system".into(),
        purpose: Purpose::System,
        rights: Rights::everything(),
        patient: None,
        client: None,
        request: None,
    }
}

/// The organisations of a demo's folder, if there is one.
pub(crate) fn places(folder: &Path) -> Result<Option<Vec<Place>>, Failure> {
    Ok(Demo::read(folder)?.map(|demo| demo.places(folder)))
}

/// Puts the people that are missing into the stores of a demo. Returns whether there was anything to do.
pub(crate) async fn complete(folder: &Path, demo: &mut Demo, stores: &[(String, Store)]) -> Result<bool, Failure> {
    let missing: Vec<usize> =
        (0..demo.organisations.len()).filter(|place| !demo.organisations[*place].seeded).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let progress = Arc::new(Progress::new("making people", "people"));
    let done = Arc::new(AtomicUsize::new(0));
    let total = missing.len() * demo.patients as usize;
    let work = missing.iter().filter_map(|place| {
        let slug = &demo.organisations[*place].slug;
        let (_, store) = stores.iter().find(|(name, _)| name == slug)?;
        let told = (progress.clone(), done.clone());
        let population = Arc::new(population(demo.seed, demo.patients));
        Some(fill(store.clone(), slug.clone(), population, move |people| {
            let (progress, done) = &told;
            progress.set((done.fetch_add(people, Relaxed) + people) as u64, total as u64);
        }))
    });
    let results = futures::future::join_all(work).await;
    progress.finish();
    results.into_iter().collect::<Result<Vec<u64>, Failure>>()?;
    for place in missing {
        demo.organisations[place].seeded = true;
    }
    demo.write(folder)?;
    Ok(true)
}

/// How many resources are committed together: enough to share one sync, few enough to stay small in memory.
const TOGETHER: usize = 800;
/// How many people are made at a time: as many as the generator makes in one go.
const STRETCH: usize = 24;
/// Commits under way at once: while one is written, the next is prepared.
const UNDER_WAY: usize = 3;

/// Makes people on several threads and commits them as they come. Memory does not grow with their number.
pub(crate) async fn fill(
    store: Store,
    slug: String,
    population: Arc<Population>,
    made: impl Fn(usize) + Send + Sync + 'static,
) -> Result<u64, Failure> {
    let org = organisation_of(&slug);
    let caller = Caller::system("demo");
    let mut count = 0;
    // Staff and places first: people refer to them.
    let shared: Vec<Write> = population.organisation(org).into_iter().filter_map(write).collect();
    count += shared.len() as u64;
    commit(&store, &caller, &slug, shared).await?;
    let (sender, mut batches) = tokio::sync::mpsc::channel::<Vec<Write>>(2);
    let next = Arc::new(AtomicUsize::new(0));
    let made = Arc::new(made);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    for _ in 0..threads {
        let (population, sender, next, made) = (population.clone(), sender.clone(), next.clone(), made.clone());
        tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(TOGETHER * 2);
            loop {
                let from = next.fetch_add(STRETCH, Relaxed);
                if from >= population.len() {
                    break;
                }
                let to = (from + STRETCH).min(population.len());
                for record in population.range(org, from..to) {
                    batch.extend(record.resources.into_iter().filter_map(write));
                    if batch.len() >= TOGETHER && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                        // A commit failed; whoever waits for us says why.
                        return;
                    }
                }
                made(to - from);
            }
            if !batch.is_empty() {
                let _ = sender.blocking_send(batch);
            }
        });
    }
    drop(sender);
    let mut under_way = FuturesUnordered::new();
    while let Some(batch) = batches.recv().await {
        count += batch.len() as u64;
        if under_way.len() >= UNDER_WAY
            && let Some(done) = under_way.next().await
        {
            done?;
        }
        let (store, caller, slug) = (store.clone(), caller.clone(), slug.clone());
        let task = tokio::spawn(async move { commit(&store, &caller, &slug, batch).await });
        under_way.push(async {
            task.await.map_err(|error| Failure::new(Exit::Software, format!("seeding failed: {error}")))?
        });
    }
    while let Some(done) = under_way.next().await {
        done?;
    }
    Ok(count)
}

/// The generator's resources are valid by its own tests, so they are not validated again.
fn write(resource: serde_json::Value) -> Option<Write> {
    let checked = Checked::trusted(resource)?;
    let key = Key::new(checked.kind(), Id::parse(checked.id()?)?);
    Some(Write { key, expect: Expect::Anything, change: Change::Put(checked) })
}

async fn commit(store: &Store, caller: &Caller, slug: &str, writes: Vec<Write>) -> Done {
    let batch = Batch { writes, guards: Vec::new(), action: "demo", ..Batch::default() };
    store.commit(caller, batch, world::now()).await.map_err(Failure::store("fill", slug))?;
    Ok(())
}

/// `continuo demo seed`.
pub(crate) async fn seed(common: &Common, config: &Config, patients: u32, seed: u64) -> Done {
    let _hold = places::hold(&places::folder(common, config)?)?;
    let begun = std::time::Instant::now();
    for place in places::chosen(common, config)? {
        let store = place.open().await?;
        let progress = Progress::new(format!("people for {}", place.name), "people");
        let done = AtomicUsize::new(0);
        let total = u64::from(patients);
        let told = move |people: usize| progress.set((done.fetch_add(people, Relaxed) + people) as u64, total);
        let population = Arc::new(population(seed, patients));
        let count = fill(store.clone(), place.slug.clone(), population, told).await?;
        store.close().await;
        let seconds = begun.elapsed().as_secs_f64();
        terminal::note(format_args!("{}: {count} resources in {seconds:.1} s", place.name));
    }
    Ok(())
}

/// `continuo demo reset`: deletes what the demo made, and nothing else.
pub(crate) fn reset(common: &Common, yes: bool) -> Done {
    let folder = common.data_dir.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    let Some(demo) = Demo::read(&folder)? else {
        return Err(Failure::new(Exit::NoInput, format!("there is no demo in {}", folder.display())));
    };
    if !yes {
        let message = format!("this deletes the demo in {}; say --yes if you mean it", folder.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let hold = places::hold(&folder)?;
    for place in demo.places(&folder) {
        for end in ["", "-wal", "-shm"] {
            std::fs::remove_file(format!("{}{end}", place.store)).ok();
        }
        std::fs::remove_file(Path::new(&place.store).with_extension("lock")).ok();
    }
    std::fs::remove_file(folder.join(FILE)).map_err(Failure::file("delete the demo in", &folder))?;
    drop(hold);
    std::fs::remove_file(folder.join("lock")).ok();
    std::fs::remove_file(folder.join(crate::entry::KEY)).ok();
    // Anchors of an audit log that is gone anchor nothing.
    std::fs::remove_dir_all(folder.join("audit")).ok();
    // Left alone when something else lies in it.
    std::fs::remove_dir(&folder).ok();
    terminal::line(format_args!("the demo in {} is gone", folder.display()));
    Ok(())
}
