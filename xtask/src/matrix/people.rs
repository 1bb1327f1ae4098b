//! Everybody who asks, signed in through the doors of the product.

use super::consent::Recipients;
use super::doors;
use super::world::{Principal, World};
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
        let mut principals = vec![Principal { key: "anonymous", role: "anonymous", headers: String::new() }];
        for (key, role, nth) in LOGINS {
            let Some(login) = near.login(role, nth) else {
                eprintln!("the demo has no login for {key}");
                continue;
            };
            let session = runtime.block_on(doors::sign_in(&world.root, &near.slug, login))?;
            principals.push(Principal { key, role, headers: doors::bearer(&session) });
        }
        principals.push(Principal { key: "system", role: "system", headers: near.bearer() });
        Ok(People { principals })
    }

    pub fn find(&self, key: &str) -> Option<&Principal> {
        self.principals.iter().find(|it| it.key == key)
    }

    /// Those who have a compartment to get out of.
    pub fn askers(&self) -> Vec<Principal> {
        ["patient", "proxy", "proxy-limited", "app"].iter().filter_map(|key| self.find(key).cloned()).collect()
    }

    pub fn recipients(&self, world: &World) -> Result<Recipients, String> {
        let who = |key: &str| self.find(key).cloned().ok_or_else(|| format!("nobody signed in as {key}"));
        let near = &world.near;
        let person = |role: &str, nth: usize| {
            let login = near.login(role, nth).ok_or_else(|| format!("the demo has no login of {role}"))?;
            login.person.clone().ok_or_else(|| format!("demo.json does not say who {} is (person)", login.username))
        };
        let practitioner = person("clinician", 0)?;
        let user = |role: &str, nth: usize| {
            let name = near.login(role, nth).map_or(String::new(), |it| it.username.clone());
            json!({ "identifier": { "system": "urn:continuo:user", "value": name } })
        };
        let proxied = near.login("proxy", 0).and_then(|it| it.patient.clone());
        let client = near.client.clone().unwrap_or_else(|| "demo".into());
        Ok(Recipients {
            treating: who("clinician-treating")?,
            non_treating: who("clinician-not-treating")?,
            payer: who("biller")?,
            app: who("system")?,
            proxy: proxied.and_then(|patient| Some((self.find("proxy")?.clone(), patient))),
            actors: [
                json!({ "reference": practitioner }),
                json!({ "reference": person("clinician", 1)? }),
                json!({ "identifier": { "system": "urn:continuo:role", "value": "biller" } }),
                json!({ "identifier": { "system": "urn:continuo:client", "value": client } }),
                user("proxy", 0),
            ],
            practitioner,
        })
    }
}
