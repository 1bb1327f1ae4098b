//! Tells an open console that something happened on a channel, as server-sent events: nothing of a message, only that the
//! page should be looked at again. A stream lasts a minute; whoever listens on comes back, and is asked again who they are.

use crate::request::{Answer, Visitor};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use care::Organisation;
use futures::stream;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(800);
/// Looks of one stream.
const LOOKS: u32 = 75;
const RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn stream(visitor: Visitor, headers: HeaderMap) -> Answer {
    super::desk(&visitor)?;
    let first = Event::default().event("place").retry(RETRY).data("{}");
    let accepts = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    // Whoever does not listen is told that there is a stream, and that is all.
    if !accepts.is_some_and(|it| it.contains("text/event-stream")) {
        return Ok(([(header::CONTENT_TYPE, "text/event-stream")], "event: place\ndata: {}\n\n").into_response());
    }
    let organisation = visitor.organisation.clone();
    let begin = (organisation, None::<u64>, 0u32, Some(first));
    let events = stream::unfold(begin, |(organisation, mut seen, mut looks, mut first)| async move {
        if let Some(event) = first.take() {
            seen = Some(state(&organisation));
            return Some((Ok::<_, Infallible>(event), (organisation, seen, looks, None)));
        }
        while looks < LOOKS && !organisation.surroundings.closing() {
            looks += 1;
            tokio::time::sleep(PAUSE).await;
            let now = state(&organisation);
            if seen.replace(now) != Some(now) {
                let event = Event::default().event("change").data(r#"{"type":"Message"}"#);
                return Some((Ok(event), (organisation, seen, looks, None)));
            }
        }
        None
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response();
    // Proxies that gather answers would hold the events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// What is to be seen of the channels, as one number.
fn state(organisation: &Arc<Organisation>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let lines = organisation.surroundings.interfaces().map(|it| it.of(&organisation.slug)).unwrap_or_default();
    for line in lines {
        let it = line.status();
        (it.received, it.errors, it.repeated, it.last, it.connections).hash(&mut hasher);
        (it.open, it.trouble, it.listening, it.tested, line.wish().code()).hash(&mut hasher);
    }
    hasher.finish()
}
