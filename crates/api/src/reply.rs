//! What an interaction answers, before it becomes an HTTP response or an entry of a bundle.

use crate::fhir::headers::{etag, http_date};
use crate::fhir::negotiate::FHIR_JSON;
use crate::refusal::Refusal;
use ::fhir::Issue;
use ::fhir::issue::operation_outcome;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use store::Stored;

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Answered,
    /// Version and time of the resource the answer is about.
    pub(crate) version: Option<u64>,
    pub(crate) at: Option<i64>,
    /// `Patient/7/_history/1`, below the FHIR base.
    pub(crate) location: Option<String>,
}

pub(crate) enum Answered {
    Nothing,
    /// One complete resource as JSON text.
    Resource(Bytes),
    Outcome(Vec<Issue>),
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content: Answered) -> Reply {
        Reply { status, content, version: None, at: None, location: None }
    }

    pub(crate) fn resource(body: Bytes) -> Reply {
        Reply::new(StatusCode::OK, Answered::Resource(body))
    }

    pub(crate) fn tree(value: &serde_json::Value) -> Reply {
        Reply::resource(json_text(value))
    }

    pub(crate) fn outcome(status: StatusCode, issues: Vec<Issue>) -> Reply {
        Reply::new(status, Answered::Outcome(issues))
    }

    /// A stored version, with its tag and time.
    pub(crate) fn stored(stored: Stored) -> Reply {
        Reply { version: Some(stored.version), at: Some(stored.at), ..Reply::resource(stored.body) }
    }

    /// The JSON text of the answer, if there is any.
    pub(crate) fn text(&self) -> Option<Bytes> {
        match &self.content {
            Answered::Nothing => None,
            Answered::Resource(body) => Some(body.clone()),
            Answered::Outcome(issues) => Some(json_text(&operation_outcome(issues))),
        }
    }

    pub(crate) fn into_response(self, base: &str, pretty: bool) -> Response {
        let text = self.text();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut set = |name, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        if let Some(version) = self.version {
            set(header::ETAG, &etag(version));
        }
        if let Some(at) = self.at {
            set(header::LAST_MODIFIED, &http_date(at));
        }
        if let Some(location) = &self.location {
            set(header::LOCATION, &format!("{base}/{location}"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
        if let Some(text) = text {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            *response.body_mut() = Body::from(if pretty { prettied(text) } else { text });
        }
        response
    }
}

impl Refusal {
    pub(crate) fn into_response(self, base: &str, pretty: bool) -> Response {
        let mut response = Reply::outcome(self.status, self.issues).into_response(base, pretty);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(crate) fn json_text(value: &serde_json::Value) -> Bytes {
    serde_json::to_vec(value).expect("a tree of JSON can be written").into()
}

fn prettied(text: Bytes) -> Bytes {
    match serde_json::from_slice::<serde_json::Value>(&text) {
        Ok(value) => serde_json::to_vec_pretty(&value).expect("a tree of JSON can be written").into(),
        Err(_) => text,
    }
}
