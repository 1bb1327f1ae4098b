//! Read and version read: the stored bytes as they are. Only `_summary` and `_elements` need a tree.
//!
//! FHIR R4, http.html#read, #vread, #cread.

use super::{Ask, refuse_rest, subset};
use crate::refusal::Answer;
use crate::reply::{Answered, Reply};
use http::StatusCode;
use store::Stored;

pub(crate) async fn read(ask: Ask<'_>) -> Answer<Reply> {
    let stored = ask.door.store().read(ask.caller, &ask.matched.key()).await?;
    reply(ask, stored)
}

pub(crate) async fn version_read(ask: Ask<'_>) -> Answer<Reply> {
    let key = ask.matched.key();
    let version = ask.matched.version.as_deref().expect("this route names a version");
    let stored = ask.door.store().vread(ask.caller, &key, version).await?;
    if stored.deleted {
        // The version is the deletion itself (FHIR R4, http.html#vread).
        return Err(store::StoreError::Gone { key, version: stored.version }.into());
    }
    reply(ask, stored)
}

fn reply(mut ask: Ask<'_>, stored: Stored) -> Answer<Reply> {
    let shape = subset::Shape::take(&mut ask.pairs)?;
    refuse_rest(&ask.pairs)?;
    if ask.conditions.already_has(stored.version, stored.at) {
        let mut reply = Reply::new(StatusCode::NOT_MODIFIED, Answered::Nothing);
        (reply.version, reply.at) = (Some(stored.version), Some(stored.at));
        return Ok(reply);
    }
    let Some(shape) = shape else { return Ok(Reply::stored(stored)) };
    let body = shape.cut(&stored);
    Ok(Reply { content: Answered::Resource(body), ..Reply::stored(stored) })
}
