//! A batch: every entry is an interaction of its own; one that fails leaves the others be.

use super::super::{self as rest, Ask};
use super::entry::{self, Entry, rank};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use crate::settings::Return;
use futures::{FutureExt, StreamExt, stream};
use serde_json::Value;

/// How many entries are under way at once: their commits share a disk sync.
const ABREAST: usize = 16;

pub(super) async fn batch(ask: Ask<'_>, bundle: Value) -> Answer<Reply> {
    let read = entry::entries(ask.door, bundle);
    let count = read.len();
    let mut answers: Vec<Option<Answer<Reply>>> = (0..count).map(|_| None).collect();
    let mut groups: [Vec<Entry>; 4] = Default::default();
    for (at, read) in read.into_iter().enumerate() {
        match read {
            Ok(entry) => groups[rank(&entry.matched) as usize].push(entry),
            Err(refusal) => answers[at] = Some(Err(refusal)),
        }
    }
    for group in groups {
        let asked = group.into_iter().map(|entry| {
            let at = entry.at;
            one(&ask, entry).map(move |answer| (at, answer))
        });
        let mut done = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(ABREAST);
        while let Some((at, answer)) = done.next().await {
            answers[at] = Some(answer.map_err(|refusal| refusal.within(&format!("Bundle.entry[{at}]"))));
        }
    }
    let missing = || Err(Refusal::busy());
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect();
    Ok(entry::answer(ask.door, "batch-response", &answers))
}

async fn one(whole: &Ask<'_>, entry: Entry) -> Answer<Reply> {
    let mut conditions = entry.conditions;
    conditions.returns = Some(whole.conditions.returns.unwrap_or(Return::Minimal));
    conditions.handling = whole.conditions.handling;
    let content = entry::content(entry.matched.verb, entry.resource)?;
    let ask =
        Ask { door: whole.door, caller: whole.caller, matched: entry.matched, pairs: entry.pairs, conditions, content };
    rest::answer_entry(ask).await
}
