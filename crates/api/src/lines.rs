//! Messages of HL7 v2 by HTTP: a partner posts a message, or a batch of them, to the channel that was set up for it, with
//! the token of that channel, and is answered as over a line. The answer is given when what was said is on disk.
//!
//! What is in a message is not looked at here; `care::exchange` does.

use crate::Label;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use care::exchange::channel::Wish;
use care::{Installation, Organisation};
use http::{HeaderValue, Request, StatusCode, header};
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) const PATH: &str = "/{org}/hl7/{channel}";
/// Who may use it: a partner with the token of the channel.
pub(crate) const POLICY: &str = "Channel";
const LABEL: Label = Label("message");
/// The media type of messages in the usual encoding.
const KIND: &str = "x-application/hl7-v2+er7; charset=utf-8";

pub(crate) fn routes(installation: &Installation) -> Router {
    let organisations: HashMap<String, Arc<Organisation>> =
        installation.organisations.iter().map(|it| (it.slug.clone(), it.clone())).collect();
    let organisations = Arc::new(organisations);
    let answer = move |Path((org, channel)): Path<(String, String)>, request: Request<Body>| {
        let organisation = organisations.get(&org).cloned();
        async move {
            let mut response = match organisation {
                Some(organisation) => take(&organisation, &channel, request).await,
                None => plain(StatusCode::NOT_FOUND, "no organisation has this address\n"),
            };
            response.extensions_mut().insert(LABEL);
            response
        }
    };
    Router::new().route(PATH, post(answer))
}

async fn take(organisation: &Organisation, channel: &str, request: Request<Body>) -> Response {
    let interfaces = organisation.surroundings.interfaces();
    let line = interfaces.and_then(|it| it.line(&organisation.slug, channel));
    let given = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let given = given.and_then(|it| it.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    // Whether there is such a channel is told to nobody who has no token of it.
    let (Some(interfaces), Some(line)) = (interfaces, line.filter(|it| it.channel.is_token(given))) else {
        let mut response = plain(StatusCode::UNAUTHORIZED, "a token of the channel is needed\n");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hl7\""));
        return response;
    };
    if line.wish() == Wish::Stop {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the channel is stopped\n");
    }
    let Ok(raw) = axum::body::to_bytes(request.into_body(), line.channel.largest).await else {
        line.broken(organisation, "the message is larger than is allowed here");
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the message is larger than is allowed here, or did not arrive whole\n",
        );
    };
    let replies = line.frame(organisation, interfaces, &raw).await;
    let kept = !replies.iter().any(|it| is_not_kept(it));
    let status = if kept { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = Response::new(Body::from(replies.concat()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Rejected because nothing can be written now: the partner should send it again.
fn is_not_kept(reply: &[u8]) -> bool {
    let has = |part: &[u8]| reply.windows(part.len()).any(|it| it == part);
    (has(b"MSA|AR") || has(b"MSA|CR")) && has(b"207^Application internal error")
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
