//! One entry of a batch or transaction: read into an ask like any HTTP request, and its answer written.

use super::super::headers::{Conditions, etag, instant};
use super::super::negotiate::{self, Content, JSON_PATCH};
use super::super::query::{self, Pairs};
use super::place;
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use crate::reply::{Answered, Reply};
use crate::routes::{self, Interaction, Matched, Verb};
use ::fhir::IssueCode;
use ::fhir::issue::operation_outcome;
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::io::Write as _;

pub(super) struct Entry {
    /// Its place in the bundle.
    pub(super) at: usize,
    pub(super) full_url: Option<String>,
    pub(super) matched: Matched,
    pub(super) pairs: Pairs,
    pub(super) conditions: Conditions,
    pub(super) resource: Option<Value>,
}

/// The order in which interactions of one bundle happen (FHIR R4, http.html#trules).
pub(super) fn rank(matched: &Matched) -> u8 {
    match matched.verb {
        Verb::Delete => 0,
        Verb::Post if matched.interaction == Interaction::Create => 1,
        Verb::Put | Verb::Patch => 2,
        Verb::Get | Verb::Post => 3,
    }
}

/// The entries of a bundle, each read or refused.
pub(super) fn entries(door: &Door, mut bundle: Value) -> Vec<Answer<Entry>> {
    let Some(Value::Array(entries)) = bundle.get_mut("entry").map(Value::take) else { return Vec::new() };
    let read = |(at, entry)| read(door, at, entry).map_err(|refusal| refusal.within(&format!("Bundle.entry[{at}]")));
    entries.into_iter().enumerate().map(read).collect()
}

fn read(door: &Door, at: usize, mut entry: Value) -> Answer<Entry> {
    let resource = entry.get_mut("resource").map(Value::take);
    let full_url = entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned);
    let missing = |says: &str| place("", IssueCode::Required, says);
    let request = entry.get("request").ok_or_else(|| missing("every entry needs request.method and request.url"))?;
    let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    let method = text("method").ok_or_else(|| missing("request.method is missing"))?;
    let url = text("url").ok_or_else(|| missing("request.url is missing"))?;
    let verb = Verb::parse(&method)
        .ok_or_else(|| place("", IssueCode::Value, "request.method is GET, HEAD, POST, PUT, PATCH or DELETE"))?;
    let below = match url.strip_prefix(door.base.as_str()) {
        Some(below) => below,
        // An address within the query (`?identifier=http://…`) is no address of the request.
        None if url.split('?').next().is_some_and(|path| path.contains("://")) => {
            return Err(Refusal::invalid(
                "request.url names another server; write it relative to the base, as Patient/7",
            ));
        }
        None => &url,
    };
    let (path, query) = below.split_once('?').unwrap_or((below, ""));
    let matched = routes::resolve(verb, path)?;
    let mut pairs = query::parse(query)?;
    // Entries are answered in the form of the bundle: asking for another one is refused.
    negotiate::wanted(&HeaderMap::new(), &mut pairs)?;
    if matches!(matched.interaction, Interaction::Create | Interaction::Update | Interaction::ConditionalUpdate)
        && resource.is_none()
    {
        return Err(missing("an entry that writes needs a resource"));
    }
    let conditions = Conditions {
        if_match: text("ifMatch"),
        if_none_match: text("ifNoneMatch"),
        if_modified_since: text("ifModifiedSince"),
        if_none_exist: text("ifNoneExist"),
        ..Conditions::default()
    };
    Ok(Entry { at, full_url, matched, pairs, conditions, resource })
}

/// What an entry brings: its resource, or the JSON Patch that a Binary carries.
pub(super) fn content(verb: Verb, resource: Option<Value>) -> Answer<Content> {
    let Some(resource) = resource else { return Ok(Content::None) };
    let is_binary = resource.get("resourceType").and_then(Value::as_str) == Some("Binary");
    if verb != Verb::Patch || !is_binary {
        return Ok(Content::Tree(resource));
    }
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    if text("contentType") != Some(JSON_PATCH) {
        return Err(Refusal::not_supported(format!("a Binary that patches has contentType {JSON_PATCH}")));
    }
    let data = base64::engine::general_purpose::STANDARD.decode(text("data").unwrap_or("").trim());
    let data = data.map_err(|_| Refusal::invalid("the data of the Binary are not base64"))?;
    Ok(Content::JsonPatch(Bytes::from(data)))
}

/// One entry of the answer.
pub(super) fn written(door: &Door, answer: &Answer<Reply>) -> Vec<u8> {
    let mut text = Vec::with_capacity(256);
    text.push(b'{');
    let put = |text: &mut Vec<u8>, name: &str, value: &str| {
        write!(text, r#""{name}":"#).expect("memory can be written");
        serde_json::to_writer(&mut *text, value).expect("memory can be written");
    };
    let mut outcome = None;
    let status: StatusCode;
    let reply = match answer {
        Ok(reply) => {
            status = reply.status;
            Some(reply)
        }
        Err(refusal) => {
            status = refusal.status;
            outcome = Some(operation_outcome(&refusal.issues));
            None
        }
    };
    match reply.map(|reply| (&reply.content, &reply.location)) {
        Some((Answered::Resource(body), location)) => {
            if let Some((key, _)) = location.as_deref().and_then(|it| it.split_once("/_history/")) {
                put(&mut text, "fullUrl", &format!("{}/{key}", door.base));
                text.push(b',');
            }
            text.extend_from_slice(br#""resource":"#);
            text.extend_from_slice(body);
            text.push(b',');
        }
        Some((Answered::Outcome(issues), _)) => outcome = Some(operation_outcome(issues)),
        Some((Answered::Nothing, _)) | None => {}
    }
    text.extend_from_slice(br#""response":{"#);
    put(&mut text, "status", &format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("")));
    if let Some(reply) = reply {
        if let Some(location) = &reply.location {
            text.push(b',');
            put(&mut text, "location", location);
        }
        if let Some(version) = reply.version {
            text.push(b',');
            put(&mut text, "etag", &etag(version));
        }
        if let Some(at) = reply.at {
            text.push(b',');
            put(&mut text, "lastModified", &instant(at));
        }
    }
    if let Some(outcome) = outcome {
        text.extend_from_slice(br#","outcome":"#);
        serde_json::to_writer(&mut text, &outcome).expect("memory can be written");
    }
    text.extend_from_slice(b"}}");
    text
}

/// The bundle that answers, its entries in the order of those asked.
pub(super) fn answer(door: &Door, kind: &str, answers: &[Answer<Reply>]) -> Reply {
    let mut text = Vec::with_capacity(256 * answers.len() + 128);
    let id = door.organisation.surroundings.new_id();
    write!(text, r#"{{"resourceType":"Bundle","id":"{id}","type":"{kind}""#).expect("memory can be written");
    for (at, answer) in answers.iter().enumerate() {
        text.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
        text.extend_from_slice(&written(door, answer));
    }
    text.extend_from_slice(if answers.is_empty() { b"}" } else { b"]}" });
    Reply::resource(text.into())
}
