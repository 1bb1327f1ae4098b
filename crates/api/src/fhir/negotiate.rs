//! What form the answer takes and in what form the body came: JSON for machines, HTML for browsers.
//! XML and Turtle are refused with a sentence that says so, never answered in another form.
//!
//! FHIR R4, http.html#mime-type, #parameters (`_format`, `_pretty`).

use super::query::Pairs;
use crate::refusal::{Answer, Refusal};
use ::fhir::IssueCode;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

pub(crate) const FHIR_JSON: &str = "application/fhir+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) html: bool,
    pub(crate) pretty: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Html,
}

/// Takes `_format` and `_pretty` out of the parameters and reads `Accept`; `_format` wins.
pub(crate) fn wanted(headers: &HeaderMap, pairs: &mut Pairs) -> Answer<Wanted> {
    let mut pretty = false;
    let mut format = None;
    if !pairs.is_empty() {
        for (name, value) in pairs.iter() {
            match name.as_str() {
                "_pretty" => {
                    pretty = match value.as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err(Refusal::invalid("_pretty is true or false")),
                    }
                }
                // A `+` in an address means a space; `_format=application/fhir+json` is written that way all the same.
                "_format" => format = Some(form(&value.replace(' ', "+")).ok_or_else(not_acceptable)?),
                _ => {}
            }
        }
        pairs.retain(|(name, _)| name != "_pretty" && name != "_format");
    }
    let form = match format {
        Some(form) => form,
        None => match headers.get(header::ACCEPT) {
            None => Form::Json,
            Some(accept) if accept == FHIR_JSON => Form::Json,
            Some(accept) => accepted(accept.to_str().unwrap_or("")).ok_or_else(not_acceptable)?,
        },
    };
    Ok(Wanted { html: form == Form::Html, pretty })
}

fn not_acceptable() -> Refusal {
    Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        IssueCode::NotSupported,
        "this server answers FHIR R4 as JSON (application/fhir+json) and to browsers as text/html; \
         ask for one of these in Accept or _format",
    )
}

/// The most wanted form of an `Accept` header that we have; among equals the first.
fn accepted(accept: &str) -> Option<Form> {
    let mut best: Option<(f32, Form)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let mut quality = 1.0;
        let mut other_version = false;
        for part in parts {
            match part.split_once('=') {
                Some(("q", value)) => quality = value.parse().unwrap_or(0.0),
                Some(("fhirVersion", value)) => other_version = value != "4.0",
                _ => {}
            }
        }
        let Some(form) = form(name).filter(|_| !other_version && quality > 0.0) else { continue };
        if best.is_none_or(|(most, _)| quality > most) {
            best = Some((quality, form));
        }
    }
    if accept.trim().is_empty() {
        return Some(Form::Json);
    }
    best.map(|(_, form)| form)
}

fn form(name: &str) -> Option<Form> {
    let name = name.split(';').next().unwrap_or("").trim();
    Some(match name.to_ascii_lowercase().as_str() {
        "json" | "application/json" | "application/fhir+json" | "text/json" | "*/*" | "application/*" => Form::Json,
        "html" | "text/html" | "application/xhtml+xml" => Form::Html,
        _ => return None,
    })
}

/// What came with the request.
pub(crate) enum Content {
    None,
    /// FHIR JSON.
    Fhir(Bytes),
    /// FHIR JSON that is part of a bundle and was parsed with it.
    Tree(Value),
    JsonPatch(Bytes),
    Form(Bytes),
    /// Something else, by its media type.
    Other(String),
}

impl Content {
    pub(crate) fn of(headers: &HeaderMap, body: Bytes) -> Content {
        if body.is_empty() {
            return Content::None;
        }
        let Some(given) = headers.get(header::CONTENT_TYPE) else {
            return Content::Other("no Content-Type".into());
        };
        if given == FHIR_JSON {
            return Content::Fhir(body);
        }
        let given = given.to_str().unwrap_or("");
        let mut parts = given.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let utf8 = parts.all(|part| match part.split_once('=') {
            Some(("charset", charset)) => matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"),
            Some(("fhirversion", version)) => version == "4.0",
            _ => true,
        });
        match name.as_str() {
            _ if !utf8 => Content::Other(given.to_owned()),
            "application/fhir+json" | "application/json" | "text/json" => Content::Fhir(body),
            JSON_PATCH => Content::JsonPatch(body),
            "application/x-www-form-urlencoded" => Content::Form(body),
            _ => Content::Other(given.to_owned()),
        }
    }
}

/// 415: the body is in a form this interaction does not take.
pub(crate) fn wrong_content(content: &Content, takes: &str) -> Refusal {
    let given = match content {
        Content::None => return Refusal::invalid(format!("the request has no body; send {takes}")),
        Content::Fhir(_) | Content::Tree(_) => FHIR_JSON,
        Content::JsonPatch(_) => JSON_PATCH,
        Content::Form(_) => "application/x-www-form-urlencoded",
        Content::Other(name) => name,
    };
    // Header text of others is shown cut and plain.
    let given: String = given.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(80).collect();
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        IssueCode::NotSupported,
        format!("the body came as {given}; send {takes}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, html: Option<bool>) {
        assert_eq!(accepted(accept).map(|form| form == Form::Html), html, "{accept}");
    }

    #[test]
    fn browsers_get_pages_and_machines_get_json() {
        check("application/fhir+json", Some(false));
        check("application/json;q=0.9, text/html;q=0.1", Some(false));
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(true));
        check("*/*", Some(false));
        check("", Some(false));
        check("application/fhir+xml", None);
        check("application/fhir+xml, application/fhir+json;q=0.5", Some(false));
        check("application/fhir+json; fhirVersion=3.0", None);
        check("application/fhir+json; fhirVersion=4.0", Some(false));
        check("application/json;q=0", None);
    }
}
