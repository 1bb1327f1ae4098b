//! Everybody who asks, signed in through the doors of the product.

use super::consent::Recipients;
use super::world::{Principal, World};
use super::{doors, oauth};
use crate::http::encode;
use serde_json::json;

pub struct People {
    pub principals: Vec<Principal>,
}

/// Logins of the demo that ask: how we call them, their role, and which of the logins of that role.
const LOGINS: [(&str, &str, usize); 13] = [
    ("patient", "patient", 0),
    ("proxy", "proxy", 0),
    ("proxy-limited", "proxy-limited", 0),
    ("front-desk", "front-desk", 0),
    ("nurse", "nurse", 0),
    ("clinician-treating", "clinician", 0),
    ("clinician-not-treating", "clinician", 1),
    ("clinician-break-glass", "clinician", 1),
    ("biller", "biller", 0),
    ("practice-admin", "practice-admin", 0),
    ("system-admin", "system-admin", 0),
    ("privacy-officer", "privacy-officer", 0),
    ("integration-engineer", "integration-engineer", 0),
];

impl People {
    pub fn gather(world: &World) -> Result<People, String> {
        let runtime = crate::program::runtime()?;
        let near = &world.near;
        let nobody = |key, role, headers| Principal { key, role, headers, own: near.own.clone() };
        let mut principals = vec![nobody("anonymous", "anonymous", String::new())];
        for (key, role, nth) in LOGINS {
            let Some(login) = near.login(role, nth) else {
                eprintln!("the demo has no login for {key}");
                continue;
            };
            let session = runtime.block_on(doors::sign_in(&world.root, &near.slug, login))?;
            let own = login.patient.clone().unwrap_or_else(|| near.own.clone());
            principals.push(Principal { own, ..nobody(key, role, doors::bearer(&session)) });
        }
        let backend = oauth::Backend::of(near)?;
        let system = runtime.block_on(backend.token(world, "system/*.cruds"))?;
        principals.push(nobody("system", "system", system));
        let app = oauth::App::of(near)?;
        let session = principals.iter().find(|it| it.key == "patient").map(Principal::session).unwrap_or_default();
        let token = runtime.block_on(oauth::code_flow(world, &app, &session, "launch/patient patient/*.rs"))?;
        principals.push(nobody("app", "app", token));
        let people = People { principals };
        if let Some(who) = people.find("clinician-break-glass") {
            doors::break_glass(world, who, &near.own).unwrap_or_else(|reason| eprintln!("{reason}"));
        }
        Ok(people)
    }

    pub fn find(&self, key: &str) -> Option<&Principal> {
        self.principals.iter().find(|it| it.key == key)
    }

    fn must(&self, key: &str) -> Result<Principal, String> {
        self.find(key).cloned().ok_or_else(|| format!("nobody signed in as {key}"))
    }

    /// Those who have a compartment to get out of.
    pub fn askers(&self) -> Vec<Principal> {
        ["patient", "proxy", "proxy-limited", "app"].iter().filter_map(|key| self.find(key).cloned()).collect()
    }

    /// Who gets what the rows of the table are about, and how a Consent names them.
    pub fn recipients(&self, world: &World) -> Result<Recipients, String> {
        let near = &world.near;
        let practitioner = |nth: usize| -> Result<String, String> {
            let login = near.login("clinician", nth).ok_or("the demo has no such clinician")?;
            if let Some(person) = &login.person {
                return Ok(person.clone());
            }
            let family = login.display.rsplit(' ').next().unwrap_or_default();
            let found = world.look(near, &format!("Practitioner?family={}", encode(family)))?;
            let id = found["entry"][0]["resource"]["id"].as_str();
            id.map(|id| format!("Practitioner/{id}")).ok_or_else(|| format!("{} is not in the record", login.display))
        };
        let named = |system: &str, value: &str| json!({ "identifier": { "system": system, "value": value } });
        let proxy = self.must("proxy")?;
        let treating = practitioner(0)?;
        Ok(Recipients {
            treating: self.must("clinician-treating")?,
            non_treating: self.must("clinician-not-treating")?,
            payer: self.must("biller")?,
            app: self.must("system")?,
            actors: [
                json!({ "reference": treating }),
                json!({ "reference": practitioner(1)? }),
                named("urn:continuo:role", "biller"),
                named("urn:continuo:client", &oauth::Backend::of(near)?.id),
                named("urn:continuo:role", "proxy"),
            ],
            proxy,
            practitioner: treating,
        })
    }
}
