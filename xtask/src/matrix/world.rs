//! The world that is judged: a live server with two organisations, the people of each, what lies in their records,
//! and everybody who asks. All of it comes about through the product's own doors.

use super::doors::{self, Login};
use super::tables::Tables;
use crate::http::{Client, Request, Target};
use crate::step;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Somebody who asks.
#[derive(Clone)]
pub struct Principal {
    /// `nurse`, `clinician-treating`, `app`.
    pub key: &'static str,
    /// Which role the oracle looks up; `system` and `anonymous` are none of the table.
    pub role: &'static str,
    /// Header lines that say who asks.
    pub headers: String,
    /// The patient that is theirs: whose record they see, or whom they treat.
    pub own: String,
}

impl Principal {
    /// The token of the header line: for somebody who signed in, their session.
    pub fn session(&self) -> String {
        self.headers.trim().rsplit(' ').next().unwrap_or_default().to_owned()
    }
}

/// One organisation as it stands after seeding.
pub struct Organisation {
    pub slug: String,
    /// May do everything; it plants what the others look for.
    pub token: String,
    pub logins: Vec<Login>,
    /// The patient whose record the patient, the proxies and the treating clinician look at.
    pub own: String,
    /// Somebody else.
    pub other: String,
    /// What demo.json says of apps.
    pub clients: Vec<Value>,
}

impl Organisation {
    pub fn fhir(&self, rest: &str) -> String {
        format!("/{}/fhir/{rest}", self.slug)
    }

    pub fn bearer(&self) -> String {
        doors::bearer(&self.token)
    }

    /// The patients who are somebody's own.
    pub fn owners(&self) -> Vec<&str> {
        let mut owners = vec![self.own.as_str()];
        for patient in self.logins.iter().filter(|it| it.role != "patient").filter_map(|it| it.patient.as_deref()) {
            if !owners.contains(&patient) {
                owners.push(patient);
            }
        }
        owners
    }

    /// The place of a patient among them.
    pub fn owner(&self, patient: &str) -> usize {
        self.owners().iter().position(|it| *it == patient).unwrap_or(0)
    }

    pub fn login(&self, role: &str, nth: usize) -> Option<&Login> {
        self.logins.iter().filter(|it| it.role == role).nth(nth)
    }
}

pub struct World {
    server: Child,
    pub folder: PathBuf,
    pub root: Target,
    pub near: Organisation,
    pub far: Organisation,
    pub tables: Rc<Tables>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
        if !std::thread::panicking() && std::env::var_os("CONTINUO_MATRIX_KEEP").is_none() {
            std::fs::remove_dir_all(&self.folder).ok();
        }
    }
}

impl World {
    /// Starts a demo with few people in a folder of its own; `store` is the address of a database, or a file is used.
    pub fn start(binary: &Path, store: Option<String>) -> Result<World, String> {
        World::of(binary, store, 24)
    }

    /// The same with so many people.
    pub fn of(binary: &Path, store: Option<String>, patients: usize) -> Result<World, String> {
        let folder = step::scratch(if store.is_some() { "matrix-postgres" } else { "matrix" })?;
        let port = step::free_port()?;
        let log =
            std::fs::File::create(folder.join("log")).map_err(|error| format!("cannot write the log: {error}"))?;
        let server = Command::new(binary)
            .args([
                "serve",
                "--demo",
                "--patients",
                &patients.to_string(),
                "--port",
                &port.to_string(),
                "--mllp-port",
                "0",
                "--data-dir",
            ])
            .arg(folder.join("data"))
            .args(store.iter().flat_map(|store| ["--store", store]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let root = Target::parse(&format!("http://127.0.0.1:{port}"))?;
        let tables = Rc::new(Tables::read()?);
        let nobody = || Organisation {
            slug: String::new(),
            token: String::new(),
            logins: Vec::new(),
            own: String::new(),
            other: String::new(),
            clients: Vec::new(),
        };
        let mut world = World { server, folder, root, near: nobody(), far: nobody(), tables };
        world.wait()?;
        let path = world.folder.join("data/demo.json");
        let text = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let demo: Value = serde_json::from_slice(&text).map_err(|error| format!("demo.json: {error}"))?;
        let organisations = demo["organisations"].as_array().filter(|all| all.len() >= 2);
        let organisations = organisations.ok_or("the demo has fewer than two organisations")?;
        world.near = organisation(&organisations[0])?;
        world.far = organisation(&organisations[1])?;
        Ok(world)
    }

    /// The number of the server's process.
    pub fn process(&self) -> u32 {
        self.server.id()
    }

    fn wait(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        let runtime = crate::program::runtime()?;
        loop {
            let answer = runtime.block_on(async { Client::new(&self.root).get("/readyz").await });
            if answer.is_ok_and(|it| it.status == 200) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(format!("continuo ended with {status}; see {}", self.folder.join("log").display()));
            }
            if begun.elapsed() > Duration::from_secs(120) {
                return Err(format!("continuo is not ready; see {}", self.folder.join("log").display()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Plants resources with the token that may do everything, a hundred in a transaction.
    pub fn plant(&self, organisation: &Organisation, resources: Vec<Value>) -> Result<(), String> {
        let runtime = crate::program::runtime()?;
        let headers = organisation.bearer();
        let path = organisation.fhir("");
        runtime.block_on(async {
            let mut http = Client::new(&self.root);
            for part in resources.chunks(100) {
                let entries: Vec<Value> = part.iter().map(put).collect();
                let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string();
                let request = Request {
                    method: "POST",
                    path: path.trim_end_matches('/'),
                    headers: &headers,
                    body: Some(bundle.as_bytes()),
                    ..Request::default()
                };
                let answer = http.ask(request).await.map_err(|error| format!("cannot plant: {error}"))?;
                if !answer.ok() {
                    let text: String = answer.text().chars().take(2_000).collect();
                    return Err(format!("planting was refused with {}: {text}", answer.status));
                }
            }
            Ok(())
        })
    }

    /// What one resource is, as the token that may do everything sees it.
    pub fn look(&self, organisation: &Organisation, path: &str) -> Result<Value, String> {
        let runtime = crate::program::runtime()?;
        let (headers, path) = (organisation.bearer(), organisation.fhir(path));
        let request = Request { method: "GET", path: &path, headers: &headers, ..Request::default() };
        let answer = runtime
            .block_on(async { Client::new(&self.root).ask(request).await })
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        if !answer.ok() {
            return Err(format!("{path} is not there: {}", answer.status));
        }
        answer.json()
    }
}

fn put(resource: &Value) -> Value {
    let url = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn organisation(demo: &Value) -> Result<Organisation, String> {
    let logins: Vec<Login> = demo["logins"].as_array().into_iter().flatten().map(Login::of).collect();
    let own = logins.iter().find(|it| it.role == "patient").and_then(|it| it.patient.clone());
    Ok(Organisation {
        slug: text(&demo["slug"]).to_owned(),
        token: text(&demo["token"]).to_owned(),
        own: own.ok_or("the demo has no patient who signs in")?,
        other: "someone-else".into(),
        logins,
        clients: demo["clients"].as_array().cloned().unwrap_or_default(),
    })
}

/// Since 1970: tokens and consents are held against the clock of the server, which is that of this machine.
#[expect(clippy::disallowed_methods, reason = "the server that is judged looks at the real clock")]
pub fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
