//! Feeds outgoing channels: reads the change log, asks which messages a change means to the partner of a channel, writes
//! them, and puts them into the outbox in one commit with how far it has read. So a loss of power loses none and doubles
//! none; nobody who changes the record has to think of messages.
//!
//! A channel that is new begins with what happens from now on. What came over a channel is not told on, nor what came
//! from another record; what is labelled as sensitive goes only to a partner who was trusted with it.

use super::channel::Line;
use super::intake::name;
use super::origin;
use super::outbox::{self, Outgoing};
use super::subscriptions::{Cause, FOLLOWED, Partner, asked_for, is_restricted, patient_of, replaced_by};
use crate::Organisation;
use crate::act::moment;
use crate::chart::element::text;
use bytes::Bytes;
use fhir::{Id, Key, ResourceType, Value};
use formats::v2::out::{self, Envelope, Told};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use store::{Batch, Caller, Changed, ItemChange, ItemExpect, MessageChange, Store, StoreError, StoreResult};

/// Reads what is told. What may be told is decided by the settings of the channel.
static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("outbox"));

const SHELF: &str = "outbox";
/// Lines of the change log read at once, and how often in one go.
const AT_ONCE: usize = 200;
const PAGES: usize = 20;
/// After so many lines without a message, how far it has read is written down all the same.
const WRITTEN_AFTER: u64 = 2_000;
/// Resources that a message may draw from, and how far references are followed.
const MOST: usize = 400;
const STEPS: usize = 3;
/// What a message draws from beside what it tells of.
const DRAWN: [&str; 9] = [
    "Condition",
    "Encounter",
    "Location",
    "Observation",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "ServiceRequest",
    "Specimen",
];

/// How far a channel has read.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Place {
    seen: u64,
    /// The moment of the latest message, so that time does not run backwards among them.
    last: i64,
}

/// How many messages were put into the outbox, and whether there is more to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    pub queued: usize,
    pub more: bool,
}

/// Reads on for a channel. `seen` is how far this process knows that nothing is to be told; zero at first.
pub async fn follow(organisation: &Organisation, line: &Line, seen: &mut u64, now: i64) -> StoreResult<Fed> {
    let Some(partner) = &line.channel.partner else { return Ok(Fed::default()) };
    let store = &organisation.store;
    let newest = store.last_change(&READER).await?;
    if *seen == newest && newest > 0 {
        return Ok(Fed::default());
    }
    let (mut place, expect) = match store.item(SHELF, &line.channel.name, now).await? {
        Some(item) => {
            let damaged = |_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read"));
            (serde_json::from_slice::<Place>(&item.body).map_err(damaged)?, ItemExpect::Version(item.version))
        }
        None => {
            let place = Place { seen: newest, last: now };
            keep(organisation, line, place, ItemExpect::Absent, Vec::new(), now).await?;
            *seen = newest;
            return Ok(Fed::default());
        }
    };
    // A store that was set back begins with what happens from then on.
    if place.seen > newest {
        keep(organisation, line, Place { seen: newest, last: place.last }, expect, Vec::new(), now).await?;
        *seen = newest;
        return Ok(Fed::default());
    }
    let from = place.seen.max(if *seen <= newest { *seen } else { 0 });
    let written = place.seen;
    place.seen = from;
    let mut messages = Vec::new();
    let mut pages = 0;
    while place.seen < newest && pages < PAGES && messages.len() < AT_ONCE {
        pages += 1;
        let changes = store.changes(&READER, place.seen, AT_ONCE).await?;
        let Some(last) = changes.last() else { break };
        let read_to = last.sequence;
        if changes.iter().any(is_followed) {
            let writers = store.writers(&READER, place.seen, AT_ONCE).await?;
            for change in changes.iter().filter(|it| is_followed(it)) {
                // A change without a writer was made before there was a log of them.
                let Some((at, who)) = writers.get(&change.sequence) else { continue };
                if who.starts_with("system/channel/") {
                    continue;
                }
                place.last = now.max(place.last + 1);
                messages.extend(message(organisation, line, partner, change, *at, place.last).await?);
            }
        }
        place.seen = read_to;
    }
    let queued = messages.len();
    if queued > 0 || place.seen - written >= WRITTEN_AFTER {
        let messages = unknown(store, messages).await?;
        keep(organisation, line, place, expect, messages, now).await?;
    }
    *seen = place.seen;
    Ok(Fed { queued, more: place.seen < newest })
}

fn is_followed(change: &Changed) -> bool {
    !change.deleted && FOLLOWED.contains(&change.key.kind.name())
}

async fn keep(
    organisation: &Organisation,
    line: &Line,
    place: Place,
    expect: ItemExpect,
    messages: Vec<MessageChange>,
    now: i64,
) -> StoreResult<()> {
    let body = serde_json::to_vec(&place).expect("numbers can be written");
    let item = ItemChange::put(SHELF, &line.channel.name, Bytes::from(body)).expecting(expect);
    let batch = Batch { items: vec![item], messages, action: "queue", ..Batch::default() };
    organisation.store.commit(&line.channel.caller(), batch, now).await.map(drop)
}

/// A store that was set back gives numbers a second time: what has one that is taken gets a name of its own.
async fn unknown(store: &Store, messages: Vec<MessageChange>) -> StoreResult<Vec<MessageChange>> {
    let mut all = Vec::with_capacity(messages.len());
    for mut it in messages {
        if store.message(&it.message.heading.id).await?.is_some() {
            let heading = &mut it.message.heading;
            heading.id = name(&[heading.id.as_bytes(), &heading.at.to_be_bytes()]);
        }
        all.push(it);
    }
    Ok(all)
}

/// The message that a change asks for, if the partner wants it.
async fn message(
    organisation: &Organisation,
    line: &Line,
    partner: &Partner,
    change: &Changed,
    at: i64,
    now: i64,
) -> StoreResult<Option<MessageChange>> {
    let store = &organisation.store;
    let Some(after) = version(store, &change.key, change.version).await? else { return Ok(None) };
    let before = match change.version {
        0 | 1 => None,
        later => version(store, &change.key, later - 1).await?,
    };
    let Some(cause) = asked_for(before.as_ref(), &after).filter(|it| partner.wants(it)) else { return Ok(None) };
    if text(&after, &["resourceType"]) != Some("Patient") && origin::of(&after).is_some() {
        return Ok(None);
    }
    if is_restricted(&after) && !partner.restricted {
        return Ok(None);
    }
    let Some((patient, lost)) = whose(store, &after, &cause).await? else { return Ok(None) };
    if !partner.patients.has(&patient) && !lost.as_ref().is_some_and(|it| partner.patients.has(it)) {
        return Ok(None);
    }
    let others = gathered(store, &[&after, &patient], partner.restricted).await?;
    let visit = visit_of(&after, &others);
    let control = change.sequence.to_string();
    let facility = organisation.slug.to_uppercase();
    let envelope = Envelope {
        kind: cause.kind,
        event: cause.event,
        control: &control,
        sent: &moment(at),
        sender: ["CONTINUO", &facility],
        receiver: [&partner.application, &partner.facility],
        base: &organisation.base,
        names: &partner.names,
        action: cause.action,
    };
    let told = Told { told: &after, patient: &patient, visit, lost: lost.as_ref(), others: &others };
    let body = match out::write(out::Outgoing::standard(), envelope, told) {
        Ok(body) => body,
        Err(error) => {
            // The table is wrong, not the record: those behind it go on.
            tracing::error!(channel = %line.channel.name, kind = cause.kind, %error, "a message could not be written");
            return Ok(None);
        }
    };
    let outgoing = Outgoing {
        channel: line.channel.name.clone(),
        patient: text(&patient, &["id"]).and_then(Id::parse),
        kind: format!("{}^{}", cause.kind, cause.event),
        control,
        body,
    };
    Ok(Some(outbox::told(outgoing, vec![(change.key.to_string(), change.version)], now)))
}

async fn version(store: &Store, key: &Key, version: u64) -> StoreResult<Option<Value>> {
    match store.vread(&READER, key, &version.to_string()).await {
        Ok(stored) => Ok(Some(stored.value())),
        Err(StoreError::Gone { .. } | StoreError::NoSuchVersion { .. } | StoreError::NotFound(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn current(store: &Store, id: &Id) -> StoreResult<Option<Value>> {
    let kind = ResourceType::parse("Patient").expect("a type of R4");
    let found = store.current_of(&READER, &[Key::new(kind, id.clone())]).await?;
    Ok(found.into_iter().find(|it| !it.deleted).map(|it| it.value()))
}

/// The patient that a message is about, and the record that was merged into theirs.
async fn whose(store: &Store, after: &Value, cause: &Cause) -> StoreResult<Option<(Value, Option<Value>)>> {
    if cause.event == "A40" {
        let Some(kept) = replaced_by(after).and_then(|it| Id::parse(it.strip_prefix("Patient/")?)) else {
            return Ok(None);
        };
        return Ok(current(store, &kept).await?.map(|it| (it, Some(after.clone()))));
    }
    if text(after, &["resourceType"]) == Some("Patient") {
        return Ok(Some((after.clone(), None)));
    }
    let Some(id) = patient_of(after) else { return Ok(None) };
    Ok(current(store, &id).await?.map(|it| (it, None)))
}

/// What the resources refer to, a few steps far.
async fn gathered(store: &Store, from: &[&Value], restricted: bool) -> StoreResult<BTreeMap<String, Value>> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let mut asked: BTreeSet<Key> = BTreeSet::new();
    for value in from {
        references(value, &mut asked);
        if let (Some(kind), Some(id)) = (text(value, &["resourceType"]), text(value, &["id"])) {
            all.insert(format!("{kind}/{id}"), (*value).clone());
        }
    }
    for _ in 0..STEPS {
        let new: Vec<Key> = asked.iter().filter(|it| !all.contains_key(&it.to_string())).take(MOST).cloned().collect();
        if new.is_empty() || all.len() >= MOST {
            break;
        }
        asked.clear();
        for stored in store.current_of(&READER, &new).await?.into_iter().filter(|it| !it.deleted) {
            let value = stored.value();
            if is_restricted(&value) && !restricted {
                continue;
            }
            references(&value, &mut asked);
            all.insert(stored.key.to_string(), value);
        }
    }
    Ok(all)
}

fn references(value: &Value, found: &mut BTreeSet<Key>) {
    match value {
        Value::Object(members) => {
            let key = members.get("reference").and_then(Value::as_str).and_then(Key::parse);
            found.extend(key.filter(|it| DRAWN.contains(&it.kind.name())));
            members.values().for_each(|it| references(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}

/// The visit in which it happened.
fn visit_of<'a>(told: &'a Value, others: &'a BTreeMap<String, Value>) -> Option<&'a Value> {
    if text(told, &["resourceType"]) == Some("Encounter") {
        return Some(told);
    }
    let direct = text(told, &["encounter", "reference"]).or_else(|| text(told, &["context", "reference"]));
    let reference = direct.or_else(|| told.pointer("/context/encounter/0/reference").and_then(Value::as_str))?;
    others.get(reference).filter(|it| text(it, &["resourceType"]) == Some("Encounter"))
}

#[cfg(test)]
mod tests;
