//! How long messages are kept. What a message said is taken away after the days that its channel is set to; that it was
//! there, when, over which channel and what became of it stays, and so does its digest, so that the same message again
//! is still known. What somebody holds stays whole until they let it go, and so does what still waits or failed.

use super::super::channel::Line;
use super::super::intake::{DONE, Head, IGNORED, REPLACED, SKIPPED, name};
use super::super::outbox::SENT;
use super::{Desk, DeskError};
use crate::Organisation;
use bytes::Bytes;
use store::audit::Event;
use store::{ItemExpect, MessageChange, MessageQuery, StoreError, StoreResult};

/// What is over and done with.
const OVER: [&str; 5] = [DONE, SENT, SKIPPED, REPLACED, IGNORED];
/// Messages looked at in one go.
const AT_ONCE: usize = 200;
const DAY: i64 = 86_400_000_000;

impl Desk<'_> {
    /// Keeps a message whole until somebody lets it go, with the reason; an empty reason lets it go.
    pub async fn hold(&self, id: &str, reason: &str) -> Result<(), DeskError> {
        let mut message = self.logged(id).await?;
        let mut head = Head::read(&message.head)?;
        let reason = reason.trim();
        if head.hold.is_none() && reason.is_empty() {
            return Err(DeskError::NoReason);
        }
        head.hold = (!reason.is_empty()).then(|| format!("{reason} ({})", self.caller.display));
        message.head = head.write();
        let expect = ItemExpect::Version(message.heading.version);
        let changes = vec![MessageChange { message, expect }];
        self.organisation.store.log(self.caller, "hold", changes, self.now).await?;
        Ok(())
    }
}

/// Takes away what messages of a channel said that are older than it keeps them. Returns how many.
pub async fn prune(organisation: &Organisation, line: &Line, now: i64) -> StoreResult<usize> {
    let Some(days) = line.channel.keep_days else { return Ok(0) };
    let store = &organisation.store;
    let mut query = MessageQuery {
        channel: Some(line.channel.name.clone()),
        until: Some(now - i64::from(days) * DAY),
        whole: true,
        oldest_first: true,
        ..MessageQuery::default()
    };
    let mut pruned = 0;
    loop {
        let page = store.messages(&query, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        query.before = Some((last.at, last.id.clone()));
        let mut changes = Vec::new();
        for heading in page.into_iter().filter(|it| OVER.contains(&it.state.as_str())) {
            let Some(mut message) = store.message(&heading.id).await? else { continue };
            let mut head = Head::read(&message.head)?;
            if head.hold.is_some() {
                continue;
            }
            head.digest = Some(name(&[&message.raw]));
            head.pruned = Some(now);
            head.answers.clear();
            head.problems.clear();
            head.notes.clear();
            message.heading.size = 0;
            message.raw = Bytes::new();
            message.head = head.write();
            let expect = ItemExpect::Version(message.heading.version);
            changes.push(MessageChange { message, expect });
        }
        if changes.is_empty() {
            continue;
        }
        let count = changes.len();
        let event = Event::of("prune").detail(format!("{count} messages of {}", line.channel.name));
        match store.log_as(&line.channel.caller(), event, changes, now).await {
            Ok(()) => pruned += count,
            // Somebody works on one of them; the next time will do.
            Err(StoreError::ItemConflict { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(pruned)
}
