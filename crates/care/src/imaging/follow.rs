//! Follows the change log: a report of imaging that arrives is put to the order that it answers and to its study, and a
//! study that is not here yet is asked for at the archives, again and again until it is there or nobody expects it any more.
//! How far the log was followed, and what is still looked for, lies in the store; after a restart it goes on there.

use super::fetch::{READER, Taken, known, note, take};
use super::{ImagingError, is_imaging, link, numbers_of};
use crate::Organisation;
use crate::ask;
use crate::chart::element::text;
use bytes::Bytes;
use fhir::{Id, Key, Value};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{ItemChange, StoreResult};

/// How far the change log was followed.
const PLACE: &str = "followed";
const NAME: &str = "imaging";
/// What is looked for: a report or an order by its key.
const SHELF: &str = "imaging-wanted";
const AT_ONCE: usize = 500;
/// Looks at archives in one go; the rest is for the next.
const LOOKS: usize = 20;
const SECOND: i64 = 1_000_000;
/// After which time it is tried again, in seconds: pictures often come after their report, archives come back.
const AGAIN: [i64; 12] = [20, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 86_400, 86_400, 86_400, 86_400];

#[derive(Debug, Default, Serialize, Deserialize)]
struct Looked {
    tries: usize,
    next: i64,
}

/// Does what is to be done since it was last asked. Returns how many links and studies came of it. It begins with what is
/// written after it was asked first.
pub async fn settle(organisation: &Organisation, now: i64) -> Result<usize, ImagingError> {
    let followed = follow(organisation, now).await?;
    if organisation.surroundings.archives(&organisation.slug).is_empty() {
        return Ok(followed);
    }
    let mut found = 0;
    let wanted = organisation.store.items(SHELF, None, None, AT_ONCE, now).await?;
    let due = wanted.into_iter().filter_map(|it| {
        let looked: Looked = serde_json::from_slice(&it.body).unwrap_or_default();
        (looked.next <= now).then_some((it.name, looked))
    });
    for (name, looked) in due.take(LOOKS) {
        let done = match Key::parse(&name) {
            Some(key) => look(organisation, &key, now).await,
            None => Ok(true),
        };
        let change = match done {
            Ok(true) => {
                found += 1;
                ItemChange::delete(SHELF, name)
            }
            Ok(false) | Err(ImagingError::Away | ImagingError::Busy | ImagingError::NotThere) => {
                match AGAIN.get(looked.tries) {
                    Some(after) => put(&name, Looked { tries: looked.tries + 1, next: now + after * SECOND }),
                    None => ItemChange::delete(SHELF, name),
                }
            }
            Err(ImagingError::Store(error)) => return Err(error.into()),
            // It will not become better by itself.
            Err(_) => ItemChange::delete(SHELF, name),
        };
        organisation.store.keep(&READER, Event::of("follow"), vec![change], now).await?;
    }
    Ok(followed + found)
}

fn put(name: &str, looked: Looked) -> ItemChange {
    let body = serde_json::to_vec(&looked).expect("two numbers can be written");
    ItemChange::put(SHELF, name, Bytes::from(body))
}

/// Reads the log on; what must be asked of an archive is put on the shelf in the commit that says how far it was read.
async fn follow(organisation: &Organisation, now: i64) -> Result<usize, ImagingError> {
    let store = &organisation.store;
    let last = store.last_change(&READER).await?;
    let place = match store.item(PLACE, NAME, now).await? {
        Some(item) => std::str::from_utf8(&item.body).ok().and_then(|it| it.parse().ok()).unwrap_or(last),
        None => {
            keep(organisation, last, Vec::new(), now).await?;
            return Ok(0);
        }
    };
    if last <= place {
        return Ok(0);
    }
    let (mut after, mut linked) = (place, 0);
    let asked = !organisation.surroundings.archives(&organisation.slug).is_empty();
    loop {
        let changes = store.changes(&READER, after, AT_ONCE).await?;
        let Some(end) = changes.last().map(|it| it.sequence) else { break };
        let mut wanted = Vec::new();
        for change in changes.iter().filter(|it| matches!(it.key.kind.name(), "DiagnosticReport" | "ServiceRequest")) {
            match put_together(organisation, &change.key, now).await {
                Ok(Step::Linked) => linked += 1,
                Ok(Step::Wanted) if asked => wanted.push(put(&change.key.to_string(), Looked::default())),
                Ok(Step::Nothing | Step::Wanted) => {}
                // Somebody writes the report at this moment: the next time begins here again.
                Err(ImagingError::Busy) => {
                    keep(organisation, change.sequence.saturating_sub(1), wanted, now).await?;
                    return Ok(linked);
                }
                Err(other) => return Err(other),
            }
        }
        after = end;
        keep(organisation, after, wanted, now).await?;
        if changes.len() < AT_ONCE {
            break;
        }
    }
    Ok(linked)
}

async fn keep(organisation: &Organisation, place: u64, mut changes: Vec<ItemChange>, now: i64) -> StoreResult<()> {
    changes.push(ItemChange::put(PLACE, NAME, Bytes::from(place.to_string())));
    organisation.store.keep(&READER, Event::of("follow"), changes, now).await
}

enum Step {
    Nothing,
    Linked,
    Wanted,
}

/// What is here under a key, with whose it is.
async fn current(organisation: &Organisation, key: &Key) -> StoreResult<Option<(Id, Value)>> {
    let found = organisation.store.current_of(&READER, std::slice::from_ref(key)).await?;
    let value = found.into_iter().find(|it| !it.deleted).map(|it| it.value());
    Ok(value.and_then(|value| {
        let patient = text(&value, &["subject", "reference"])?.strip_prefix("Patient/").and_then(Id::parse)?;
        Some((patient, value))
    }))
}

/// Puts a report to its order and its study, as far as they are here; says whether an archive must be asked.
async fn put_together(organisation: &Organisation, key: &Key, now: i64) -> Result<Step, ImagingError> {
    let Some((patient, value)) = current(organisation, key).await? else { return Ok(Step::Nothing) };
    let (numbers, studies) = numbers_of(&value);
    if (numbers.is_empty() || !is_imaging(&value)) && studies.is_empty() {
        return Ok(Step::Nothing);
    }
    if key.kind.name() == "ServiceRequest" {
        // An order that is done has pictures; they are looked for even when no report says so.
        let done = text(&value, &["status"]) == Some("completed");
        let here = here(organisation, &patient, &numbers, &studies).await?.is_some();
        return Ok(if done && !here { Step::Wanted } else { Step::Nothing });
    }
    let orders = link::orders(organisation, &patient, &numbers).await?;
    if link::answer(organisation, &patient, key, value.clone(), &orders, now).await? {
        // The version that was just written comes by here in its turn.
        return Ok(Step::Linked);
    }
    match here(organisation, &patient, &numbers, &studies).await? {
        Some((study, uid)) => {
            let order = orders.first();
            let linked = link::reports(organisation, &patient, &study, &uid, &numbers, order, now).await?;
            Ok(if linked > 0 { Step::Linked } else { Step::Nothing })
        }
        None => Ok(Step::Wanted),
    }
}

/// The study of a patient that is here already, by its name or by an accession number, with its name.
async fn here(
    organisation: &Organisation,
    patient: &Id,
    numbers: &[String],
    studies: &[String],
) -> StoreResult<Option<(Key, String)>> {
    for uid in studies {
        if let Some(value) = known(organisation, uid).await?.filter(|it| ask::is_about(it, patient)) {
            return Ok(named(&value).map(|key| (key, uid.clone())));
        }
    }
    if numbers.is_empty() {
        return Ok(None);
    }
    let numbers: Vec<String> = numbers.iter().map(|it| ask::escaped(it)).collect();
    let asked = [("patient", format!("Patient/{patient}")), ("identifier", numbers.join(","))];
    let query = ask::query(&organisation.store, "ImagingStudy", &asked)?;
    let found = organisation.store.current_matches(&READER, &query, 1).await?;
    Ok(found.first().and_then(|it| {
        let value = it.value();
        let (_, uids) = numbers_of(&value);
        Some((named(&value)?, uids.first().cloned().unwrap_or_default()))
    }))
}

fn named(study: &Value) -> Option<Key> {
    Key::parse(&format!("ImagingStudy/{}", text(study, &["id"])?))
}

/// Asks the archives for what a report or an order names. Whether it was found, or is no longer wanted.
async fn look(organisation: &Organisation, key: &Key, now: i64) -> Result<bool, ImagingError> {
    let Some((patient, value)) = current(organisation, key).await? else { return Ok(true) };
    let (numbers, studies) = numbers_of(&value);
    let person = Key::parse(&format!("Patient/{patient}")).expect("a checked id");
    let people = organisation.store.current_of(&READER, &[person]).await?;
    let Some(person) = people.into_iter().find(|it| !it.deleted).map(|it| it.value()) else { return Ok(true) };
    let egress = organisation.surroundings.egress();
    let (mut found, mut away, mut left_out) = (false, false, 0);
    for archive in organisation.surroundings.archives(&organisation.slug) {
        let mut answers = Vec::new();
        for uid in &studies {
            answers.push(archive.by_uid(egress, uid).await);
        }
        for number in &numbers {
            answers.push(archive.by_accession(egress, number).await);
        }
        for answer in answers {
            let Ok(sets) = answer else {
                away = true;
                continue;
            };
            for study in sets {
                match take(organisation, &READER, &archive, &person, &study, now).await? {
                    Taken::LeftOut => left_out += 1,
                    Taken::New | Taken::Changed | Taken::Known => found = true,
                }
            }
        }
    }
    note(organisation, &READER, &patient, left_out, now).await?;
    if !found && away { Err(ImagingError::Away) } else { Ok(found) }
}
