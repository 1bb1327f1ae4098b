//! The session cookie, and whether a post came from our own pages. The cookie is `SameSite=Lax`, so other
//! sites cannot make a browser post with it; the origin is checked besides.

use axum::http::{HeaderMap, HeaderValue, header};
use care::Organisation;

const COOKIE: &str = "continuo_session";

/// Someone on the way in: past the password, before the second factor.
const PENDING: &str = "continuo_pending";

/// The language chosen in this browser, before anybody signed in.
const LANGUAGE: &str = "continuo_language";

pub(crate) fn language(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, LANGUAGE)
}

/// For a year; says nothing of anybody.
pub(crate) fn speaking(tag: &'static str) -> HeaderValue {
    HeaderValue::from_str(&format!("{LANGUAGE}={tag}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"))
        .expect("a language tag is plain text")
}

pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE)
}

pub(crate) fn pending(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, PENDING)
}

fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(';'));
    pairs.filter_map(|it| it.trim().split_once('=')).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn attributes(organisation: &Organisation) -> String {
    let secure = if organisation.base.starts_with("https:") { "; Secure" } else { "" };
    format!("Path=/{}; HttpOnly; SameSite=Lax{secure}", organisation.slug)
}

pub(crate) fn opened(organisation: &Organisation, token: &str) -> HeaderValue {
    let cookie = format!("{COOKIE}={token}; {}", attributes(organisation));
    HeaderValue::from_str(&cookie).expect("a token is URL-safe text")
}

pub(crate) fn closed(organisation: &Organisation) -> HeaderValue {
    let cookie = format!("{COOKIE}=; Max-Age=0; {}", attributes(organisation));
    HeaderValue::from_str(&cookie).expect("a slug is URL-safe text")
}

/// Ten minutes are enough to look for a telephone.
pub(crate) fn waiting(organisation: &Organisation, pending: &str) -> HeaderValue {
    let cookie = format!("{PENDING}={pending}; Max-Age=600; {}", attributes(organisation));
    HeaderValue::from_str(&cookie).expect("a token is URL-safe text")
}

pub(crate) fn waited(organisation: &Organisation) -> HeaderValue {
    let cookie = format!("{PENDING}=; Max-Age=0; {}", attributes(organisation));
    HeaderValue::from_str(&cookie).expect("a slug is URL-safe text")
}

/// Whether a post was sent by a page of ours. Browsers always say where a post comes from; who does not
/// say must at least be told by the browser to be of the same origin.
pub(crate) fn is_our_own(base: &str, headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let Some(origin) = value("origin") else { return value("sec-fetch-site") == Some("same-origin") };
    let host_of = |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest).to_owned());
    // Reached under another name than the configured one (a tunnel, `localhost`): the host asked for counts.
    let own = [host_of(base), value("host").map(str::to_owned)];
    host_of(origin).is_some_and(|it| own.contains(&Some(it)))
}

/// A place of this organisation to go to after signing in, and nowhere else.
pub(crate) fn safe_target<'a>(slug: &str, to: &'a str) -> Option<&'a str> {
    let inside = to.strip_prefix('/')?.strip_prefix(slug)?.starts_with('/');
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && !to.contains("//") && !to.contains("..");
    (inside && plain).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(token(&headers(&[("cookie", "a=1; continuo_session=xyz; b=2")])), Some("xyz"));
        assert_eq!(token(&headers(&[("cookie", "a=1")])), None);
    }

    #[test]
    fn a_post_must_come_from_our_own_pages() {
        let base = "https://ehr.example/riverside";
        let check =
            |pairs: &[(&'static str, &str)], own: bool| assert_eq!(is_our_own(base, &headers(pairs)), own, "{pairs:?}");
        check(&[("origin", "https://ehr.example")], true);
        check(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], true);
        check(&[("origin", "https://evil.example"), ("host", "ehr.example")], false);
        check(&[("origin", "null"), ("host", "ehr.example")], false);
        check(&[("origin", "https://ehr.example.evil.example")], false);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[], false);
    }

    #[test]
    fn signing_in_leads_back_to_our_own_pages_only() {
        let check = |to: &str, safe: bool| assert_eq!(safe_target("riverside", to).is_some(), safe, "{to}");
        check("/riverside/patients/1", true);
        check("/riverside/", true);
        check("/riversidex/", false);
        check("//evil.example/riverside/", false);
        check("/riverside//evil.example", false);
        check("https://evil.example/", false);
        check("/riverside/\\evil", false);
        check("/riverside/../lakeside/", false);
        check("", false);
    }
}
