//! What changed, while somebody looks, as server-sent events (HTML Standard, 9.2). An event says the type and the version of
//! a resource and nothing else. Whoever comes back after a gap says where they left (`Last-Event-ID`, or `after` in the
//! address) and is told what they missed, or that it was too much. The stream ends with the session, and when the
//! program is about to stop.

use crate::request::{Answer, Visitor};
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use care::live::{Ear, Heard, Interest};
use fhir::{Id, ResourceType};
use futures::stream::{self, Stream};
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// How often one looks: what was written is on the page within a second.
const PAUSE: Duration = Duration::from_millis(400);
/// A line that says nothing keeps the connection from being taken for dead.
const BREATH: Duration = Duration::from_secs(20);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(3);
const MOST_KINDS: usize = 40;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    patient: Option<String>,
    kinds: String,
    after: Option<u64>,
}

pub(crate) async fn stream(visitor: Visitor, Query(asked): Query<Asked>, headers: HeaderMap) -> Answer {
    let left = headers.get("last-event-id").and_then(|it| it.to_str().ok()).and_then(|it| it.trim().parse().ok());
    let interest = Interest {
        patient: match asked.patient.as_deref().map(Id::parse) {
            None => None,
            Some(Some(id)) => Some(id),
            Some(None) => return Ok(StatusCode::BAD_REQUEST.into_response()),
        },
        kinds: asked.kinds.split(',').take(MOST_KINDS).filter_map(ResourceType::parse).collect(),
    };
    let after = left.or(asked.after);
    let changes = visitor.web.changes(&visitor.organisation.slug);
    let (organisation, who) = (visitor.organisation.clone(), visitor.caller.who.clone());
    let Some(ear) = Ear::open(organisation, &changes, &who, visitor.token.clone(), interest, after).await? else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")]).into_response());
    };
    // Whoever does not listen is told where the log is, and that is all.
    let listens =
        headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/event-stream"));
    if !listens {
        let content = [(header::CONTENT_TYPE, "text/event-stream")];
        return Ok((content, format!("event: place\nid: {}\ndata: {{}}\n\n", ear.place())).into_response());
    }
    Ok(answer(events(ear)))
}

fn answer(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(BREATH)).into_response();
    // Proxies that gather answers would hold the events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// What one listener is told, and when it ends.
struct Telling {
    ear: Ear,
    waiting: VecDeque<Event>,
    over: bool,
}

fn events(ear: Ear) -> impl Stream<Item = Result<Event, Infallible>> {
    let first = Event::default().event("place").id(ear.place().to_string()).retry(RETRY).data("{}");
    let telling = Telling { ear, waiting: VecDeque::from([first]), over: false };
    stream::unfold(telling, |mut telling| async move {
        loop {
            if let Some(event) = telling.waiting.pop_front() {
                return Some((Ok(event), telling));
            }
            if telling.over {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
            match telling.ear.look().await {
                Ok(Some(heard)) => telling.waiting.extend(heard.into_iter().map(told)),
                Ok(None) => telling.end("session"),
                Err(error) => {
                    tracing::warn!(%error, "changes could not be followed");
                    telling.end("trouble");
                }
            }
        }
    })
}

impl Telling {
    fn end(&mut self, why: &str) {
        let why = if self.ear.is_closing() { "closing" } else { why };
        self.waiting.push_back(Event::default().event("end").data(why));
        self.over = true;
    }
}

fn told(heard: Heard) -> Event {
    match heard {
        Heard::Changed { sequence, kind, version } => {
            let data = format!(r#"{{"type":"{}","version":{version}}}"#, kind.name());
            Event::default().event("change").id(sequence.to_string()).data(data)
        }
        Heard::Lost { sequence } => Event::default().event("lost").id(sequence.to_string()).data("{}"),
    }
}
