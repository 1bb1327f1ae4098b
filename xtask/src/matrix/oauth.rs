//! Tokens through the token endpoint, as apps get them: the code flow with PKCE in the name of somebody who signed in
//! (consent page included), and client credentials.

use super::doors::{FORM, bearer, cookie, form, origin};
use super::world::World;
use crate::http::{Answer, Client, Request, encode};
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// An app as the demo registers it.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect: String,
}

pub fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..=part.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    out
}

/// The code flow: authorize, agree to everything that is asked for, redeem. Gives the header line of the token.
pub async fn code_flow(world: &World, app: &App, session: &str, scope: &str) -> Result<String, String> {
    let verifier = base64url(digest(&SHA256, scope.as_bytes()).as_ref());
    let challenge = base64url(digest(&SHA256, verifier.as_bytes()).as_ref());
    let slug = &world.near.slug;
    let aud = format!("http://{}/{slug}/fhir", world.root.host);
    let question = form(&[
        ("response_type", "code"),
        ("client_id", &app.id),
        ("redirect_uri", &app.redirect),
        ("scope", scope),
        ("state", "a-state-of-the-matrix"),
        ("aud", &aud),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let mut path = format!("/{slug}/auth/authorize");
    let (mut method, mut body) = ("POST", Some(question));
    let headers = format!("{}{}", cookie(session), origin(&world.root));
    let mut http = Client::new(&world.root);
    for _ in 0..6 {
        let request = Request {
            method,
            path: &path,
            headers: &headers,
            content: if body.is_some() { FORM } else { "" },
            body: body.as_deref().map(str::as_bytes),
        };
        let answer = http.ask(request).await.map_err(|error| format!("{path}: {error}"))?;
        match answer.header("location") {
            Some(to) if to.starts_with(&app.redirect) => {
                let code = to.split(['?', '&', '#']).find_map(|it| it.strip_prefix("code="));
                let code = code.ok_or_else(|| format!("no code came back: {to}"))?;
                return redeem(world, app, code, &verifier).await;
            }
            Some(to) => {
                let root = format!("http://{}", world.root.host);
                (path, method, body) = (to.strip_prefix(&root).unwrap_or(to).to_owned(), "GET", None);
            }
            None if answer.ok() => {
                let (to, fields) = agree(&answer, &path)?;
                (path, method, body) = (to, "POST", Some(fields));
            }
            None => {
                let text: String = answer.text().chars().take(300).collect();
                return Err(format!("{method} {path} answered {}: {text}", answer.status));
            }
        }
    }
    Err("the code flow did not come to an end".into())
}

async fn redeem(world: &World, app: &App, code: &str, verifier: &str) -> Result<String, String> {
    let code = decode(code);
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", app.redirect.as_str()),
        ("client_id", app.id.as_str()),
        ("code_verifier", verifier),
    ];
    fields.extend(app.secret.as_deref().map(|secret| ("client_secret", secret)));
    token(world, &fields).await
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A token by these fields.
pub async fn token(world: &World, fields: &[(&str, &str)]) -> Result<String, String> {
    let path = format!("/{}/auth/token", world.near.slug);
    let body = form(fields);
    let request =
        Request { method: "POST", path: &path, headers: "", content: FORM, body: Some(body.as_bytes()) };
    let answer =
        Client::new(&world.root).ask(request).await.map_err(|error| format!("cannot ask for a token: {error}"))?;
    let said: Value = answer.json()?;
    let token = said["access_token"].as_str();
    token.map(bearer).ok_or_else(|| format!("no token was given ({}): {said}", answer.status))
}

/// Fills in a page as somebody who agrees to everything: every field as it stands, every switch on, and the first button.
fn agree(answer: &Answer, path: &str) -> Result<(String, String), String> {
    let page = answer.text().into_owned();
    let forms = page.split("<form").skip(1).map(|it| it.split("</form>").next().unwrap_or(it));
    // Pages carry other forms too (to sign out, to look for somebody); the one that decides is the longest.
    let found = forms.max_by_key(|it| it.len()).ok_or_else(|| format!("{path} shows no form"))?;
    let tag = found.split('>').next().unwrap_or_default();
    let to = attribute(tag, "action").filter(|it| !it.is_empty());
    let to = to.unwrap_or_else(|| path.split('?').next().unwrap_or(path).to_owned());
    let mut fields = Vec::new();
    let mut pressed = false;
    for tag in found.split('<').skip(1).map(|it| it.split('>').next().unwrap_or_default()) {
        let kind = attribute(tag, "type").unwrap_or_default();
        let button = tag.starts_with("button") && kind != "button" || tag.starts_with("input") && kind == "submit";
        if !(tag.starts_with("input") || button) || (button && pressed) {
            continue;
        }
        pressed |= button;
        if let Some(name) = attribute(tag, "name") {
            let value = attribute(tag, "value");
            let value = value.unwrap_or_else(|| if kind == "checkbox" { "on".into() } else { String::new() });
            fields.push(format!("{}={}", encode(&name), encode(&value)));
        }
    }
    Ok((to, fields.join("&")))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_urls_carry_them() {
        assert_eq!(base64url(b"any carnal pleasur"), "YW55IGNhcm5hbCBwbGVhc3Vy");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(base64url(b"a"), "YQ");
    }

    #[test]
    fn a_page_is_filled_in_by_somebody_who_agrees() {
        let body = "<form action=\"/out\"></form><form method=\"post\" action=\"/a?b=1&amp;c=2\"><input type=\"hidden\" name=\"t\" \
                    value=\"x y\"><input type=\"checkbox\" name=\"scope\" value=\"patient/*.rs\" checked><button name=\"do\" \
                    value=\"allow\">Yes</button><button name=\"do\" value=\"deny\">No</button></form>";
        let answer = Answer { status: 200, head: String::new(), body: body.into() };
        let (to, fields) = agree(&answer, "/p").unwrap();
        assert_eq!(to, "/a?b=1&c=2");
        assert_eq!(fields, "t=x%20y&scope=patient%2F%2A.rs&do=allow");
    }
}
