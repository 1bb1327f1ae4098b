//! How people and programs come in: the sign-in page, the token endpoint, the pages of administrators. Only what any
//! browser or app would send.

use super::world::{Principal, World, text};
use crate::http::{Client, Request, Target, encode};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Login {
    pub role: String,
    pub username: String,
    pub password: String,
    /// What people call them.
    pub display: String,
    /// Whose record they may see.
    pub patient: Option<String>,
    /// Who they are in the record: `Practitioner/7`.
    pub person: Option<String>,
}

impl Login {
    pub fn of(it: &Value) -> Login {
        Login {
            role: text(&it["role"]).to_owned(),
            username: text(&it["username"]).to_owned(),
            password: text(&it["password"]).to_owned(),
            display: text(&it["display"]).to_owned(),
            patient: it["patient"].as_str().map(str::to_owned),
            person: it["person"].as_str().map(str::to_owned),
        }
    }
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

pub fn cookie(session: &str) -> String {
    format!("Cookie: continuo_session={session}\r\n")
}

/// `a=b&c=d` as browsers write forms.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

pub const FORM: &str = "application/x-www-form-urlencoded";

/// A post of our own pages says where it comes from.
pub fn origin(root: &Target) -> String {
    format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", root.host)
}

/// Signs in at the sign-in page; the session that the cookie carries.
pub async fn sign_in(root: &Target, slug: &str, login: &Login) -> Result<String, String> {
    let body = form(&[("username", &login.username), ("password", &login.password)]);
    let (path, headers) = (format!("/{slug}/sign-in"), origin(root));
    let request =
        Request { method: "POST", path: &path, headers: &headers, content: FORM, body: Some(body.as_bytes()) };
    let answer =
        Client::new(root).ask(request).await.map_err(|error| format!("cannot sign in {}: {error}", login.username))?;
    let cookies = answer.head.split("\r\n").filter_map(|line| line.split_once(':'));
    let session = cookies
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, value)| value.trim().strip_prefix("continuo_session="))
        .map(|value| value.split(';').next().unwrap_or_default().to_owned())
        .find(|value| !value.is_empty());
    session.ok_or_else(|| format!("{} of {slug} was not let in: {}", login.username, answer.status))
}

/// Opens break-glass for one patient, as the page does.
pub fn break_glass(world: &World, who: &Principal, patient: &str) -> Result<(), String> {
    let runtime = crate::program::runtime()?;
    let headers = format!("{}{}", cookie(&who.session()), origin(&world.root));
    let body = form(&[("reason", "unconscious in the emergency room"), ("minutes", "60")]);
    let path = format!("/{}/patients/{patient}/emergency", world.near.slug);
    let request =
        Request { method: "POST", path: &path, headers: &headers, content: FORM, body: Some(body.as_bytes()) };
    let answer = runtime
        .block_on(async { Client::new(&world.root).ask(request).await })
        .map_err(|error| format!("cannot open break-glass: {error}"))?;
    if answer.ok() || answer.status == 303 {
        Ok(())
    } else {
        Err(format!("break-glass was refused: {}", answer.status))
    }
}
