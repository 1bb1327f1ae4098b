//! Bundles of searches and histories, joined from stored bytes: nothing is parsed on the way out.
//!
//! FHIR R4, bundle.html, http.html#paging.

use super::headers::{etag, instant};
use crate::door::Door;
use bytes::Bytes;
use std::fmt::Write as _;
use std::io::Write as _;
use store::{Match, Role, Stored};

/// One bundle being written.
pub(crate) struct Writer {
    text: Vec<u8>,
    entries: usize,
}

impl Writer {
    /// `size` is a guess at the length of all bodies.
    pub(crate) fn new(door: &Door, kind: &str, total: Option<u64>, links: &[(&str, String)], size: usize) -> Writer {
        let mut text = Vec::with_capacity(size + 512);
        let head = write!(
            text,
            r#"{{"resourceType":"Bundle","id":"{}","meta":{{"lastUpdated":"{}"}},"type":"{kind}""#,
            door.organisation.surroundings.new_id(),
            instant(door.now()),
        );
        head.expect("memory can be written");
        if let Some(total) = total {
            write!(text, r#","total":{total}"#).expect("memory can be written");
        }
        for (at, (relation, url)) in links.iter().enumerate() {
            text.extend_from_slice(if at == 0 { br#","link":["# } else { b"," });
            write!(text, r#"{{"relation":"{relation}","url":"#).expect("memory can be written");
            push_string(&mut text, url);
            text.push(b'}');
        }
        if !links.is_empty() {
            text.push(b']');
        }
        Writer { text, entries: 0 }
    }

    fn entry(&mut self) {
        self.text.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    /// A contained resource has no address but that of its container and its id within (references.html#contained).
    pub(crate) fn found(&mut self, base: &str, found: &Match, body: &[u8]) {
        self.entry();
        let mode = match found.role {
            Role::Match => "match",
            Role::Include => "include",
        };
        let key = &found.stored.key;
        match &found.container {
            None => write!(self.text, r#""fullUrl":"{base}/{key}","resource":"#),
            Some(container) => write!(self.text, r##""fullUrl":"{base}/{container}#{}","resource":"##, key.id),
        }
        .expect("memory can be written");
        self.text.extend_from_slice(body);
        write!(self.text, r#","search":{{"mode":"{mode}"}}}}"#).expect("memory can be written");
    }

    /// A match that is not a stored resource.
    pub(crate) fn matching(&mut self, url: &str, body: &[u8]) {
        self.entry();
        self.text.extend_from_slice(br#""fullUrl":"#);
        push_string(&mut self.text, url);
        self.text.extend_from_slice(br#","resource":"#);
        self.text.extend_from_slice(body);
        self.text.extend_from_slice(br#","search":{"mode":"match"}}"#);
    }

    /// What the server has to say about the search itself.
    pub(crate) fn outcome(&mut self, outcome: &[u8]) {
        self.entry();
        self.text.extend_from_slice(br#""resource":"#);
        self.text.extend_from_slice(outcome);
        self.text.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
    }

    /// One version. How it came about is told as far as versions tell it: the first of a resource was a
    /// create, which may have been a PUT to a new id.
    pub(crate) fn version(&mut self, base: &str, stored: &Stored) {
        self.entry();
        let key = &stored.key;
        write!(self.text, r#""fullUrl":"{base}/{key}""#).expect("memory can be written");
        if !stored.deleted {
            self.text.extend_from_slice(br#","resource":"#);
            self.text.extend_from_slice(&stored.body);
        }
        let (method, url, status) = match (stored.deleted, stored.version) {
            (true, _) => ("DELETE", key.to_string(), "204 No Content"),
            (false, 1) => ("POST", key.kind.to_string(), "201 Created"),
            (false, _) => ("PUT", key.to_string(), "200 OK"),
        };
        write!(
            self.text,
            r#","request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":"#
        )
        .expect("memory can be written");
        push_string(&mut self.text, &etag(stored.version));
        write!(self.text, r#","lastModified":"{}"}}}}"#, instant(stored.at)).expect("memory can be written");
    }

    pub(crate) fn finish(mut self) -> Bytes {
        self.text.extend_from_slice(if self.entries == 0 { b"}" } else { b"]}" });
        self.text.into()
    }
}

fn push_string(text: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(text, value).expect("memory can be written");
}

/// The address of a page: `base/path?query`, with the cursor at the end.
pub(crate) fn link(base: &str, path: &str, query: &str, cursor: Option<&str>) -> String {
    let mut url = String::with_capacity(base.len() + path.len() + query.len() + 160);
    url.push_str(base);
    if !path.is_empty() {
        url.push('/');
        url.push_str(path);
    }
    let mut joint = '?';
    if !query.is_empty() {
        write!(url, "{joint}{query}").expect("text can be written");
        joint = '&';
    }
    if let Some(cursor) = cursor {
        write!(url, "{joint}{CURSOR}=").expect("text can be written");
        super::query::push_encoded(&mut url, cursor);
    }
    url
}

/// The parameter of page links.
pub(crate) const CURSOR: &str = "_cursor";
