//! Tokens through the token endpoint, as apps get them: the code flow with PKCE in the name of somebody who signed in
//! (consent page included), and client credentials.

use super::doors::{FORM, bearer, cookie, form, origin};
use super::world::{self, Organisation, World, text};
use crate::http::{Answer, Client, Request, encode};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

/// An app as the demo registers it.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect: String,
}

impl App {
    /// The app of the demo that keeps a secret.
    pub fn of(organisation: &Organisation) -> Result<App, String> {
        let found = organisation.clients.iter().find(|it| it["kind"] == "confidential");
        let it = found.ok_or("demo.json has no confidential client")?;
        Ok(App {
            id: text(&it["client_id"]).to_owned(),
            secret: it["client_secret"].as_str().map(str::to_owned),
            redirect: text(&it["redirect_uri"]).to_owned(),
        })
    }
}

/// A program that acts for itself and proves it with a signature (SMART Backend Services).
pub struct Backend {
    pub id: String,
    key: Value,
}

impl Backend {
    pub fn of(organisation: &Organisation) -> Result<Backend, String> {
        let found = organisation.clients.iter().find(|it| it["kind"] == "backend");
        let it = found.ok_or("demo.json has no backend client")?;
        Ok(Backend { id: text(&it["client_id"]).to_owned(), key: it["private_jwk"].clone() })
    }

    /// The header line of a token with these scopes.
    pub async fn token(&self, world: &World, scope: &str) -> Result<String, String> {
        let assertion = self.assertion(&format!("http://{}/{}/auth/token", world.root.host, world.near.slug))?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        token(world, &fields, "").await
    }

    fn assertion(&self, audience: &str) -> Result<String, String> {
        let random = SystemRandom::new();
        let part = |name: &str| from_base64url(text(&self.key[name]));
        let public = [vec![4], part("x"), part("y")].concat();
        let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &part("d"), &public, &random);
        let pair = pair.map_err(|error| format!("the key of {} cannot be used: {error}", self.id))?;
        let now = world::now().as_nanos();
        let head = json!({ "alg": "ES384", "typ": "JWT", "kid": self.key["kid"] }).to_string();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": audience,
            "exp": now / 1_000_000_000 + 240, "jti": format!("matrix-{now}"),
        })
        .to_string();
        let signed = format!("{}.{}", base64url(head.as_bytes()), base64url(claims.as_bytes()));
        let signature = pair.sign(&random, signed.as_bytes()).map_err(|error| format!("cannot sign: {error}"))?;
        Ok(format!("{signed}.{}", base64url(signature.as_ref())))
    }
}

fn from_base64url(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for part in text.as_bytes().chunks(4) {
        let bits = part.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(value(*byte)));
        let bits = bits << (6 * (4 - part.len()));
        out.extend(bits.to_be_bytes()[1..part.len()].iter());
    }
    out
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

/// With padding and the letters of the standard alphabet, as Basic authentication wants it.
fn base64(bytes: &[u8]) -> String {
    let mut out = base64url(bytes).replace('-', "+").replace('_', "/");
    while !out.len().is_multiple_of(4) {
        out.push('=');
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
        ("code_verifier", verifier),
    ];
    let proof = match &app.secret {
        // Identifiers and secrets of the demo need no percent-encoding.
        Some(secret) => format!("Authorization: Basic {}\r\n", base64(format!("{}:{secret}", app.id).as_bytes())),
        None => {
            fields.push(("client_id", app.id.as_str()));
            String::new()
        }
    };
    token(world, &fields, &proof).await
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
async fn token(world: &World, fields: &[(&str, &str)], headers: &str) -> Result<String, String> {
    let path = format!("/{}/auth/token", world.near.slug);
    let body = form(fields);
    let request = Request { method: "POST", path: &path, headers, content: FORM, body: Some(body.as_bytes()) };
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
    // Pages carry other forms too (to sign out, to unlock); the one that decides is the longest that wants no password.
    let forms = forms.filter(|it| !it.contains("type=\"password\""));
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
        assert_eq!((base64url(b"a"), base64(b"a")), ("YQ".into(), "YQ==".into()));
        for bytes in [&b"a"[..], b"ab", b"abc", b"abcd", &[0xfb, 0xff, 0]] {
            assert_eq!(from_base64url(&base64url(bytes)), bytes);
        }
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
