//! The queue of duplicates (screen S-09): two records that may be one person's, for somebody to look at. Each is a FHIR
//! Task whose id follows from the pair, so that a pair is asked about once: what was answered with "not the same person"
//! is a Task that was rejected, and stays answered.
//!
//! Whoever is new or changed is looked for, in the order of the change log (`settle`); so it does not matter through
//! which door they came.

use super::find::{candidates, frequencies, replaced_by};
use super::merge::{self, Hand, REVIEW, patient};
use super::score::{Score, score};
use super::traits::Traits;
use crate::Organisation;
use crate::act::moment;
use crate::ask;
use crate::chart::element::{first_code, list, text};
use bytes::Bytes;
use fhir::{Draft, Id, Key, ResourceType, Value};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use store::{Batch, Caller, Change, Expect, ItemChange, Store, StoreError, StoreResult, Write};

static FOLLOWER: LazyLock<Caller> = LazyLock::new(|| Caller::system("duplicates"));

/// The code of these Tasks, beside those of the inbox.
const CODE: &str = "duplicate";
const SHELF: &str = "identity";
const SEEN: &str = "seen";
/// Lines of the change log read at once, and people looked for in one go; the rest waits for the next time.
const AT_ONCE: usize = 500;
/// How often lines are read in one go: most of what is written is about nobody new.
const PAGES: usize = 200;
/// Pairs shown.
const SHOWN: u32 = 200;
/// Of those who may be one person's with somebody new, as many pairs are asked about.
const PAIRS: usize = 3;

/// Two records that may be one person's.
#[derive(Clone, Debug)]
pub struct Pair {
    pub task: Id,
    pub one: Value,
    pub other: Value,
    pub score: Score,
    /// Somebody looked and says it is one person; who merges decides.
    pub proposed: Option<String>,
}

/// Whether this is a question of the queue, which speaks of two records and follows neither.
pub(super) fn is_pair(resource: &Value) -> bool {
    resource["resourceType"] == "Task" && resource.get("code").and_then(first_code) == Some(CODE)
}

/// The name of the question about two records, whichever is named first.
fn task_id(one: &str, other: &str) -> Id {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    let hash = digest(&SHA256, format!("{low} {high}").as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Id::parse(&format!("dup-{hex}")).expect("hexadecimal digits make an id")
}

fn tasks() -> ResourceType {
    ResourceType::parse("Task").expect("a type of R4")
}

/// Looks whether those who are new or changed since the last time may be somebody who is here. Returns how many pairs
/// were put into the queue. Quick when nothing was written.
pub async fn settle(organisation: &Organisation, now: i64) -> StoreResult<usize> {
    let store = &organisation.store;
    let newest = store.last_change(&FOLLOWER).await?;
    let kept = store.item(SHELF, SEEN, now).await?;
    let seen: u64 = kept.and_then(|it| String::from_utf8(it.body.to_vec()).ok()?.parse().ok()).unwrap_or(0);
    // A store that was set back begins anew.
    let seen = if seen > newest { 0 } else { seen };
    if seen == newest {
        return Ok(0);
    }
    let mut at = seen;
    let mut people: BTreeSet<Key> = BTreeSet::new();
    for _ in 0..PAGES {
        let changes = store.changes(&FOLLOWER, at, AT_ONCE).await?;
        let Some(last) = changes.last() else { break };
        at = last.sequence;
        people.extend(changes.into_iter().filter(|it| !it.deleted && it.key.kind.name() == "Patient").map(|it| it.key));
        if people.len() >= AT_ONCE {
            break;
        }
    }
    let people: Vec<Key> = people.into_iter().collect();
    let mut found: Vec<Value> = Vec::new();
    for stored in store.current_of(&FOLLOWER, &people).await?.iter().filter(|it| !it.deleted) {
        let value = stored.value();
        if replaced_by(&value).is_some() {
            let hand = Hand { organisation, caller: &FOLLOWER, now };
            if let Err(error) = merge::follow(hand, &stored.key.id).await {
                // It is tried again when the record changes; both records are as they were.
                tracing::warn!(%error, "a merge that others made could not be followed");
            }
            continue;
        }
        let thresholds = organisation.surroundings.matching();
        for it in candidates(store, &FOLLOWER, &value, &thresholds, "match").await?.into_iter().take(PAIRS) {
            let task = question(&value, &it.patient, &it.score, now);
            if found.iter().all(|one| one["id"] != task["id"]) {
                found.push(task);
            }
        }
    }
    let asked: Vec<Key> = found.iter().map(key_of).collect();
    let there: BTreeSet<Key> = store.current_of(&FOLLOWER, &asked).await?.into_iter().map(|it| it.key).collect();
    let writes: Vec<Write> = found
        .into_iter()
        .map(|task| (key_of(&task), task))
        .filter(|(key, _)| !there.contains(key))
        .filter_map(|(key, task)| {
            let checked = Draft::from_value(task).check().ok()?;
            Some(Write { key, expect: Expect::Absent, change: Change::Put(checked) })
        })
        .collect();
    let count = writes.len();
    let items = vec![ItemChange::put(SHELF, SEEN, Bytes::from(at.to_string()))];
    let batch = Batch { writes, items, action: "duplicates", ..Batch::default() };
    match store.commit(&FOLLOWER, batch, now).await {
        // Another process asked the same: it is looked at again.
        Err(StoreError::Conflict { .. }) => Ok(0),
        done => done.map(|_| count),
    }
}

fn key_of(task: &Value) -> Key {
    let id = text(task, &["id"]).and_then(Id::parse).expect("made with an id");
    Key::new(tasks(), id)
}

fn question(one: &Value, other: &Value, score: &Score, now: i64) -> Value {
    let id = |it: &Value| it["id"].as_str().unwrap_or_default().to_owned();
    let (one, other) = (id(one), id(other));
    let reference = |id: &str| json!({ "reference": format!("Patient/{id}") });
    json!({
        "resourceType": "Task",
        "id": task_id(&one, &other).as_str(),
        "status": "requested",
        "intent": "order",
        "code": { "coding": [{ "system": crate::inbox::SYSTEM, "code": CODE }], "text": "Possible duplicate" },
        "focus": reference(&one),
        "for": reference(&one),
        "authoredOn": moment(now),
        "input": [
            { "type": { "coding": [{ "system": crate::inbox::SYSTEM, "code": "candidate" }] }, "valueReference": reference(&other) },
            { "type": { "coding": [{ "system": crate::inbox::SYSTEM, "code": "percent" }] }, "valueInteger": score.percent() },
        ],
    })
}

/// The two records a question is about.
fn both(task: &Value) -> Option<(Id, Id)> {
    let id = |reference: &Value| Key::parse(reference["reference"].as_str()?).map(|key| key.id);
    let other = list(task, "input").iter().find(|it| it.get("type").and_then(first_code) == Some("candidate"))?;
    Some((id(&task["focus"])?, id(&other["valueReference"])?))
}

fn allowed(caller: &Caller) -> StoreResult<()> {
    if caller.rights.may(REVIEW) { Ok(()) } else { Err(StoreError::Forbidden) }
}

/// What waits, the likeliest first.
pub async fn waiting(store: &Store, caller: &Caller) -> StoreResult<Vec<Pair>> {
    allowed(caller)?;
    let asked = [
        ("code", format!("{}|{CODE}", crate::inbox::SYSTEM)),
        ("status", "requested,accepted".to_owned()),
        ("_sort", "-authored-on".to_owned()),
    ];
    let mut pairs = Vec::new();
    for row in ask::matches(store, caller, "Task", &asked, SHOWN).await?.rows {
        pairs.extend(pair(store, caller, &row.value).await?);
    }
    pairs.sort_by(|a, b| b.score.bits.total_cmp(&a.score.bits));
    Ok(pairs)
}

/// One question, as far as it is still one: both records are in use and the caller may see them.
async fn pair(store: &Store, caller: &Caller, task: &Value) -> StoreResult<Option<Pair>> {
    let (Some((one, other)), Some(id)) = (both(task), text(task, &["id"]).and_then(Id::parse)) else { return Ok(None) };
    let mut found = Vec::with_capacity(2);
    for id in [&one, &other] {
        match ask::read(store, caller, "Patient", id).await {
            Ok(row) if replaced_by(&row.value).is_none() => found.push(row.value),
            Ok(_) | Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let [one, other] = <[Value; 2]>::try_from(found).expect("two were read");
    let score = score(&Traits::of(&one), &Traits::of(&other), &frequencies(store).await?);
    let proposed = (text(task, &["status"]) == Some("accepted"))
        .then(|| text(task, &["businessStatus", "text"]).unwrap_or_default().to_owned());
    Ok(Some(Pair { task: id, one, other, score, proposed }))
}

/// One question by its name.
pub async fn one(store: &Store, caller: &Caller, task: &Id) -> StoreResult<Option<Pair>> {
    allowed(caller)?;
    let row = ask::read(store, caller, "Task", task).await?;
    if !is_pair(&row.value) {
        return Ok(None);
    }
    pair(store, caller, &row.value).await
}

/// What somebody says of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They are two people; nobody is asked again.
    Distinct,
    /// It is one person: who may merge should.
    Same,
    /// They were merged.
    Merged,
}

pub async fn answer(store: &Store, caller: &Caller, task: &Id, answer: Answer, now: i64) -> StoreResult<()> {
    allowed(caller)?;
    let row = ask::read(store, caller, "Task", task).await?;
    if !is_pair(&row.value) {
        return Err(StoreError::NotFound(Key::new(tasks(), task.clone())));
    }
    let version = ask::version(&row.value);
    let mut value = row.value;
    value["status"] = match answer {
        Answer::Distinct => "rejected".into(),
        Answer::Same => "accepted".into(),
        Answer::Merged => "completed".into(),
    };
    value["businessStatus"] = json!({ "text": &*caller.display });
    value["lastModified"] = moment(now).into();
    let invalid = |_| StoreError::Damaged("a Task of the queue does not hold together".to_owned());
    let checked = Draft::from_value(value).check().map_err(invalid)?;
    let key = Key::new(tasks(), task.clone());
    let write = Write { key, expect: Expect::Version(version), change: Change::Put(checked) };
    store.commit(caller, Batch::of("duplicates", write), now).await.map(drop)
}

/// After a merge or its end: the question about these two is answered, whoever asks next.
pub(super) async fn answered(store: &Store, one: &Id, other: &Id, given: Answer, now: i64) -> StoreResult<()> {
    let task = task_id(one.as_str(), other.as_str());
    let caller = FOLLOWER.clone();
    match answer(store, &caller, &task, given, now).await {
        // Nobody had asked: the answer is kept all the same.
        Err(StoreError::NotFound(_)) if given == Answer::Distinct => {
            let nothing = Score { fields: Vec::new(), bits: 0.0, probability: 0.0 };
            let of = |id: &Id| json!({ "id": id.as_str() });
            let mut value = question(&of(one), &of(other), &nothing, now);
            value["status"] = "rejected".into();
            let invalid = |_| StoreError::Damaged("a Task of the queue does not hold together".to_owned());
            let checked = Draft::from_value(value).check().map_err(invalid)?;
            let write = Write { key: Key::new(tasks(), task), expect: Expect::Absent, change: Change::Put(checked) };
            store.commit(&caller, Batch::of("duplicates", write), now).await.map(drop)
        }
        Err(StoreError::NotFound(_)) => Ok(()),
        done => done,
    }
}

/// How two people are shown who are compared by hand: the pair of any two records.
pub async fn side_by_side(store: &Store, caller: &Caller, one: &Id, other: &Id) -> StoreResult<Option<Pair>> {
    allowed(caller)?;
    let task = question(
        &json!({ "id": one.as_str() }),
        &json!({ "id": other.as_str() }),
        &Score { fields: Vec::new(), bits: 0.0, probability: 0.0 },
        0,
    );
    let known = patient(one) != patient(other);
    if known { pair(store, caller, &task).await } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::Registrations;
    use crate::identity::merge::{Chosen, unmerge};
    use crate::ward::Ward;

    #[tokio::test]
    async fn who_is_registered_twice_is_asked_about_once() {
        let ward = Ward::open().await;
        let store = &ward.organisation.store;
        let registrations = Registrations::new(3);
        let number =
            (0..).find(|it| registrations.again(*it, 1)["birthDate"] == registrations.patient(*it)["birthDate"]);
        let number = number.expect("most are written down rightly");
        let (mut one, mut other) = (registrations.patient(number), registrations.patient(number));
        (one["id"], other["id"]) = ("first".into(), "second".into());
        other["name"][0]["given"][0] = "Xavier".into();
        other["name"][0]["given"][0] = one["name"][0]["given"][0].clone();
        ward.put(vec![one, registrations.patient(number + 500), other]).await;
        assert_eq!(settle(&ward.organisation, ward.now).await.unwrap(), 1);
        // The Task itself is a change, and is no person.
        assert_eq!(settle(&ward.organisation, ward.now).await.unwrap(), 0);
        let system = Caller::system("test");
        let pairs = waiting(store, &system).await.unwrap();
        assert_eq!(pairs.len(), 1);
        let mut ids = [pairs[0].one["id"].as_str().unwrap(), pairs[0].other["id"].as_str().unwrap()];
        ids.sort_unstable();
        assert_eq!(ids, ["first", "second"]);
        assert!(pairs[0].score.probability > 0.99 && pairs[0].score.fields.len() > 3);

        answer(store, &system, &pairs[0].task, Answer::Distinct, ward.now).await.unwrap();
        assert!(waiting(store, &system).await.unwrap().is_empty());
        let mut again = ward.read(&Key::parse("Patient/second").unwrap()).await;
        again["maritalStatus"] = json!({"text": "Married"});
        ward.put(vec![again]).await;
        assert_eq!(settle(&ward.organisation, ward.now).await.unwrap(), 0, "it was answered");
        assert!(waiting(store, &ward.clinician.caller).await.is_err(), "a clinician does not look through the queue");
    }

    #[tokio::test]
    async fn a_merge_that_others_made_is_followed_and_can_be_taken_back() {
        let ward = Ward::open().await;
        let result = json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient/ben"}, "valueString": "y"});
        let told = json!({"resourceType": "Patient", "id": "ben", "active": false, "gender": "male",
            "link": [{"type": "replaced-by", "other": {"reference": "Patient/ada"}}]});
        ward.put(vec![result, told]).await;
        settle(&ward.organisation, ward.now).await.unwrap();
        let subject = async || ward.read(&Key::parse("Observation/o").unwrap()).await["subject"]["reference"].clone();
        assert_eq!(subject().await, "Patient/ada");
        settle(&ward.organisation, ward.now).await.unwrap();
        let system = Caller::system("test");
        let merges = merge::merges(&ward.organisation.store, &system, ward.now).await.unwrap();
        assert_eq!(merges.len(), 1, "followed once");
        let hand = Hand { organisation: &ward.organisation, caller: &system, now: ward.now };
        unmerge(hand, &merges[0].id, "they were wrong").await.unwrap();
        assert_eq!(subject().await, "Patient/ben");
        let ben = ward.read(&Key::parse("Patient/ben").unwrap()).await;
        assert_eq!((&ben["active"], ben.get("link")), (&json!(true), None));
    }

    #[tokio::test]
    async fn what_was_merged_and_taken_back_is_not_asked_again() {
        let ward = Ward::open().await;
        let registrations = Registrations::new(3);
        let (mut one, mut other) = (registrations.patient(1), registrations.patient(1));
        (one["id"], other["id"]) = ("first".into(), "second".into());
        ward.put(vec![one, other]).await;
        settle(&ward.organisation, ward.now).await.unwrap();
        let system = Caller::system("test");
        let hand = Hand { organisation: &ward.organisation, caller: &system, now: ward.now };
        let (first, second) = (Id::parse("first").unwrap(), Id::parse("second").unwrap());
        let merged = merge::merge(hand, &first, &second, &Chosen::new(), "one person").await.unwrap();
        assert!(waiting(&ward.organisation.store, &system).await.unwrap().is_empty());
        unmerge(hand, &merged.id, "two people").await.unwrap();
        settle(&ward.organisation, ward.now).await.unwrap();
        assert!(waiting(&ward.organisation.store, &system).await.unwrap().is_empty());
    }
}
