//! Two records of one person become one, and two again. A merge is one commit: the record that stays takes over what was
//! chosen, everything that points at the other (resources, accounts of the portal, proxies, drafts, links with others)
//! follows, and the other is no longer in use and says so (FHIR R4 Patient.link; HL7 v2 A40). What pointed where is
//! remembered in a record of the merge; with it the merge can be taken back as exactly as if it had not been, save what
//! others wrote since: what was written on the one that stayed stays there.

mod fields;
mod follow;
#[cfg(test)]
mod tests;

pub use fields::{CHOICES, Chosen};

use super::find::replaced_by;
use super::queue;
use crate::Organisation;
use crate::access::{emergency, shelf as access};
use crate::act::moment;
use bytes::Bytes;
use fhir::{Draft, Id, Issue, Key, ResourceType, Value};
pub(super) use follow::patient;
use follow::{Name, Places, Speech};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;
use std::sync::LazyLock;
use store::{
    Batch, Caller, Change, Expect, Item, ItemChange, ItemExpect, Rights, Store, StoreError, StoreResult, Write,
};

/// The permission of whoever merges, and takes a merge back.
pub const MERGE: &str = "patients.merge";
/// The permission of whoever looks through the queue of duplicates.
pub const REVIEW: &str = "patients.duplicates";

/// The shelf of merges; the owner is the record that stayed.
pub const SHELF: &str = "merge";
/// Shelves of records that speak of patients. Sessions end by themselves when their record is no longer there.
const FOLLOWING: [&str; 12] = [
    access::USER,
    access::INVITATION,
    "grant",
    "token",
    "refresh",
    "draft",
    "note",
    "note-edition",
    "desk",
    emergency::SHELF,
    emergency::ALERTS,
    fields::LINKS,
];
const AT_ONCE: usize = 500;
/// Merges that are followed from one record to the next.
const CHAIN: usize = 8;

static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("merge"));

const OPERATION: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";

#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("it is the same record")]
    Same,
    #[error("there is no such record, or it was merged before")]
    NotThere,
    #[error("both records have an account of the portal, of two people: end one of them first")]
    Accounts,
    #[error("say why")]
    Reason,
    #[error("this role does not merge records")]
    Forbidden,
    #[error("somebody wrote in one of the records meanwhile: look again")]
    Changed,
    #[error("it was taken back before")]
    TakenBack,
    #[error("the record that stayed was merged into another since: take that back first")]
    MergedOn,
    #[error("{0} does not hold together")]
    Invalid(Key, Vec<Issue>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One merge, as it is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Merge {
    pub id: String,
    pub survivor: String,
    pub loser: String,
    /// Microseconds since 1970.
    pub at: i64,
    pub who: String,
    pub display: String,
    pub reason: String,
    pub undone: Option<Undone>,
    kept: Sides,
    lost: Sides,
    resources: Vec<Followed>,
    items: Vec<Moved>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Undone {
    pub at: i64,
    pub display: String,
    pub reason: String,
}

/// A Patient before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sides {
    before: Value,
    after: Value,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Followed {
    key: String,
    places: Places,
}

/// A record of our own, before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Moved {
    shelf: String,
    name: [String; 2],
    owner: [String; 2],
    until: Option<i64>,
    places: Option<Places>,
}

impl Merge {
    /// How many resources followed, and how many records of our own.
    pub fn followed(&self) -> (usize, usize) {
        (self.resources.len(), self.items.len())
    }
}

/// Who acts, where, when.
#[derive(Clone, Copy)]
pub struct Hand<'a> {
    pub organisation: &'a Organisation,
    pub caller: &'a Caller,
    pub now: i64,
}

impl Hand<'_> {
    fn store(&self) -> &Store {
        &self.organisation.store
    }

    /// Both records are written whole, also what the role of whoever merges does not see: nothing of it is shown.
    fn whole(&self) -> Caller {
        Caller { rights: Rights::everything(), ..self.caller.clone() }
    }

    fn name(&self, id: &Id) -> Name {
        Name::of(id, &self.organisation.fhir_base())
    }

    fn allowed(&self, reason: &str) -> Result<(), MergeError> {
        if !self.caller.rights.may(MERGE) {
            return Err(MergeError::Forbidden);
        }
        if reason.trim().chars().count() < 3 { Err(MergeError::Reason) } else { Ok(()) }
    }

    async fn patient(&self, id: &Id) -> Result<(Value, u64), MergeError> {
        let found = self.store().current_of(&self.whole(), &[patient(id)]).await?;
        let found = found.into_iter().find(|it| !it.deleted).ok_or(MergeError::NotThere)?;
        Ok((found.value(), found.version))
    }
}

/// Makes one record of two. Returns the record of the merge.
pub async fn merge(
    hand: Hand<'_>,
    survivor: &Id,
    loser: &Id,
    chosen: &Chosen,
    reason: &str,
) -> Result<Merge, MergeError> {
    hand.allowed(reason)?;
    if survivor == loser {
        return Err(MergeError::Same);
    }
    let (kept, kept_version) = hand.patient(survivor).await?;
    let (lost, lost_version) = hand.patient(loser).await?;
    if replaced_by(&kept).is_some() || replaced_by(&lost).is_some() {
        return Err(MergeError::NotThere);
    }
    let kept = Sides { after: fields::survivor(&kept, &lost, loser, chosen), before: kept };
    let lost = Sides { after: fields::replaced(&lost, survivor), before: lost };
    joined(hand, [survivor, loser], [(kept, kept_version), (lost, lost_version)], reason).await
}

/// Follows a merge that others made: the record says that another took its place, and nobody here has merged the two.
/// What points at it follows now, so that it can be taken back like any other. Nothing where there is nothing to do.
pub(super) async fn follow(hand: Hand<'_>, loser: &Id) -> Result<Option<Merge>, MergeError> {
    let (lost, lost_version) = hand.patient(loser).await?;
    let Some(survivor) = replaced_by(&lost).filter(|it| it != loser) else { return Ok(None) };
    if standing_for(hand.store(), loser.clone(), hand.now).await? != *loser {
        return Ok(None);
    }
    let (kept, kept_version) = match hand.patient(&survivor).await {
        // What took its place is not here, or not yet.
        Err(MergeError::NotThere) => return Ok(None),
        found => found?,
    };
    if replaced_by(&kept).is_some() {
        return Ok(None);
    }
    let kept = Sides { after: fields::survivor(&kept, &lost, loser, &Chosen::new()), before: kept };
    let lost = Sides { before: fields::in_use(&lost, &survivor), after: lost };
    let both = [(kept, kept_version), (lost, lost_version)];
    joined(hand, [&survivor, loser], both, "merged by who sent it").await.map(Some)
}

/// The record that stands for this one because of merges that were made or followed here.
pub async fn standing_for(store: &Store, id: Id, now: i64) -> StoreResult<Id> {
    let mut id = id;
    for _ in 0..CHAIN {
        let found = store.current_of(&READER, &[patient(&id)]).await?;
        let Some(next) = found.iter().find(|it| !it.deleted).and_then(|it| replaced_by(&it.value())) else { break };
        let items = store.items(SHELF, Some(&format!("Patient/{next}")), None, AT_ONCE, now).await?;
        let merges = items.iter().map(read).collect::<StoreResult<Vec<_>>>()?;
        if !merges.iter().any(|it| it.loser == id.as_str() && it.undone.is_none()) {
            break;
        }
        id = next;
    }
    Ok(id)
}

async fn joined(
    hand: Hand<'_>,
    [survivor, loser]: [&Id; 2],
    [(kept, kept_version), (lost, lost_version)]: [(Sides, u64); 2],
    reason: &str,
) -> Result<Merge, MergeError> {
    let (from, to) = (hand.name(loser), hand.name(survivor));
    let whole = hand.whole();
    let mut merge = Merge {
        id: hand.organisation.surroundings.new_id(),
        survivor: survivor.to_string(),
        loser: loser.to_string(),
        at: hand.now,
        who: hand.caller.who.to_string(),
        display: hand.caller.display.to_string(),
        reason: reason.trim().to_owned(),
        undone: None,
        kept,
        lost,
        resources: Vec::new(),
        items: Vec::new(),
    };
    let mut writes = vec![
        written(patient(survivor), kept_version, merge.kept.after.clone())?,
        written(patient(loser), lost_version, merge.lost.after.clone())?,
    ];
    for stored in hand.store().pointing_at(&whole, &patient(loser)).await? {
        // Records of people say themselves what took whose place; who did what to which record is history.
        if matches!(stored.key.kind.name(), "Patient" | "Provenance") {
            continue;
        }
        let mut value = stored.value();
        if queue::is_pair(&value) {
            continue;
        }
        if let Some(places) = follow::turn(&mut value, &from, &to, Speech::Resource) {
            merge.resources.push(Followed { key: stored.key.to_string(), places });
            writes.push(written(stored.key, stored.version, value)?);
        }
    }
    let mut items = Vec::new();
    let mut accounts = Vec::new();
    for shelf in FOLLOWING {
        let there = all(hand.store(), shelf, hand.now).await?;
        let names: HashSet<&str> = there.iter().map(|it| it.name.as_str()).collect();
        for item in &there {
            if shelf == access::USER {
                accounts.extend(own_account(item));
            }
            if let Some((moved, changes)) = moved(shelf, item, [loser, survivor], &from, &to) {
                // Somebody has a draft of the same form for both: that of the other stays where it is.
                let [before, after] = &moved.name;
                if before != after && names.contains(after.as_str()) {
                    continue;
                }
                items.extend(changes);
                merge.items.push(moved);
            }
        }
    }
    let has = |id: &Id| accounts.iter().any(|it| it == id.as_str());
    if has(survivor) && has(loser) {
        return Err(MergeError::Accounts);
    }
    items.push(merge.kept_as(ItemExpect::Absent));
    writes.push(provenance(&hand, "merge", [survivor, loser], reason)?);
    commit(&hand, "merge", writes, items).await?;
    queue::answered(hand.store(), survivor, loser, queue::Answer::Merged, hand.now).await?;
    Ok(merge)
}

/// Makes two records of one again.
pub async fn unmerge(hand: Hand<'_>, id: &str, reason: &str) -> Result<Merge, MergeError> {
    hand.allowed(reason)?;
    let item = hand.store().item(SHELF, id, hand.now).await?.ok_or(MergeError::NotThere)?;
    let mut merge = read(&item)?;
    if merge.undone.is_some() {
        return Err(MergeError::TakenBack);
    }
    let parse = |text: &str| Id::parse(text).ok_or(MergeError::NotThere);
    let (survivor, loser) = (parse(&merge.survivor)?, parse(&merge.loser)?);
    let (kept, kept_version) = hand.patient(&survivor).await?;
    let (lost, lost_version) = hand.patient(&loser).await?;
    if replaced_by(&kept).is_some() {
        return Err(MergeError::MergedOn);
    }
    let (from, to) = (hand.name(&loser), hand.name(&survivor));
    let kept = fields::taken_back(&kept, &merge.kept.before, &merge.kept.after);
    let lost = fields::taken_back(&lost, &merge.lost.before, &merge.lost.after);
    let mut writes =
        vec![written(patient(&survivor), kept_version, kept)?, written(patient(&loser), lost_version, lost)?];
    let keys: Vec<Key> = merge.resources.iter().filter_map(|it| Key::parse(&it.key)).collect();
    for some in keys.chunks(AT_ONCE) {
        for stored in hand.store().current_of(&hand.whole(), some).await? {
            let name = stored.key.to_string();
            // What was deleted since stays deleted.
            let Some(followed) = merge.resources.iter().find(|it| it.key == name).filter(|_| !stored.deleted) else {
                continue;
            };
            let mut value = stored.value();
            follow::turn_back(&mut value, &followed.places, &from, &to, Speech::Resource);
            writes.push(written(stored.key, stored.version, value)?);
        }
    }
    let mut items = Vec::new();
    for moved in &merge.items {
        let shelf = shelf_of(&moved.shelf)?;
        let Some(item) = hand.store().item(shelf, &moved.name[1], hand.now).await? else { continue };
        items.extend(moved_back(shelf, moved, &item, &from, &to));
    }
    merge.undone =
        Some(Undone { at: hand.now, display: hand.caller.display.to_string(), reason: reason.trim().to_owned() });
    items.push(merge.kept_as(ItemExpect::Version(item.version)));
    writes.push(provenance(&hand, "unmerge", [&survivor, &loser], reason)?);
    commit(&hand, "unmerge", writes, items).await?;
    queue::answered(hand.store(), &survivor, &loser, queue::Answer::Distinct, hand.now).await?;
    Ok(merge)
}

impl Merge {
    fn kept_as(&self, expect: ItemExpect) -> ItemChange {
        let body = serde_json::to_vec(self).expect("our own types can be written as JSON");
        ItemChange::put(SHELF, &self.id, Bytes::from(body))
            .owned_by(format!("Patient/{}", self.survivor))
            .expecting(expect)
    }
}

fn read(item: &Item) -> StoreResult<Merge> {
    // The message of serde_json may quote the body.
    serde_json::from_slice(&item.body)
        .map_err(|error| StoreError::Damaged(format!("an entry of {SHELF} at column {}", error.column())))
}

/// The merges of this organisation, the latest first.
pub async fn merges(store: &Store, caller: &Caller, now: i64) -> Result<Vec<Merge>, MergeError> {
    if !caller.rights.may(MERGE) && !caller.rights.may(REVIEW) {
        return Err(MergeError::Forbidden);
    }
    let mut found = all(store, SHELF, now).await?.iter().map(read).collect::<StoreResult<Vec<_>>>()?;
    found.sort_by_key(|it| std::cmp::Reverse(it.at));
    Ok(found)
}

/// One merge.
pub async fn one(store: &Store, caller: &Caller, id: &str, now: i64) -> Result<Merge, MergeError> {
    if !caller.rights.may(MERGE) && !caller.rights.may(REVIEW) {
        return Err(MergeError::Forbidden);
    }
    Ok(read(&store.item(SHELF, id, now).await?.ok_or(MergeError::NotThere)?)?)
}

/// Everything on a shelf.
async fn all(store: &Store, shelf: &str, now: i64) -> StoreResult<Vec<Item>> {
    let mut found: Vec<Item> = Vec::new();
    loop {
        let after = found.last().map(|it| it.name.clone());
        let page = store.items(shelf, None, after.as_deref(), AT_ONCE, now).await?;
        let last = page.len() < AT_ONCE;
        found.extend(page);
        if last {
            return Ok(found);
        }
    }
}

fn shelf_of(name: &str) -> Result<&'static str, MergeError> {
    FOLLOWING.into_iter().find(|it| *it == name).ok_or(MergeError::NotThere)
}

/// The record that somebody sees as their own.
fn own_account(item: &Item) -> Option<String> {
    let user: Value = serde_json::from_slice(&item.body).ok()?;
    let charges = user["patients"].as_array()?;
    let own = charges.iter().find(|it| it["relation"] == "own" && user["active"] != false)?;
    Some(own["patient"].as_str()?.to_owned())
}

/// A record that speaks of the one that goes, as it is after.
fn moved(
    shelf: &'static str,
    item: &Item,
    [loser, survivor]: [&Id; 2],
    from: &Name,
    to: &Name,
) -> Option<(Moved, Vec<ItemChange>)> {
    let mut body: Value = serde_json::from_slice(&item.body).ok()?;
    let places = follow::turn(&mut body, from, to, Speech::Item);
    let part = |text: &str| {
        let parts: Vec<&str> =
            text.split('/').map(|it| if it == loser.as_str() { survivor.as_str() } else { it }).collect();
        parts.join("/")
    };
    let (name, owner) = (part(&item.name), part(&item.owner));
    if places.is_none() && name == item.name && owner == item.owner {
        return None;
    }
    let bytes = if places.is_some() {
        Bytes::from(serde_json::to_vec(&body).expect("a tree of JSON can be written"))
    } else {
        item.body.clone()
    };
    let moved = Moved {
        shelf: shelf.to_owned(),
        name: [item.name.clone(), name.clone()],
        owner: [item.owner.clone(), owner.clone()],
        until: item.until,
        places,
    };
    Some((moved, replaced(shelf, item, name, owner, bytes)))
}

fn replaced(shelf: &'static str, item: &Item, name: String, owner: String, body: Bytes) -> Vec<ItemChange> {
    let same = name == item.name;
    let expect = if same { ItemExpect::Version(item.version) } else { ItemExpect::Anything };
    let put = ItemChange { until: item.until, ..ItemChange::put(shelf, name, body).owned_by(owner).expecting(expect) };
    let gone = ItemChange::delete(shelf, &item.name).expecting(ItemExpect::Version(item.version));
    if same { vec![put] } else { vec![gone, put] }
}

fn moved_back(shelf: &'static str, moved: &Moved, item: &Item, from: &Name, to: &Name) -> Vec<ItemChange> {
    let body = match (&moved.places, serde_json::from_slice::<Value>(&item.body)) {
        (Some(places), Ok(mut body)) => {
            follow::turn_back(&mut body, places, from, to, Speech::Item);
            Bytes::from(serde_json::to_vec(&body).expect("a tree of JSON can be written"))
        }
        _ => item.body.clone(),
    };
    replaced(shelf, item, moved.name[0].clone(), moved.owner[0].clone(), body)
}

fn written(key: Key, version: u64, value: Value) -> Result<Write, MergeError> {
    let checked = Draft::from_value(value).check().map_err(|issues| MergeError::Invalid(key.clone(), issues))?;
    Ok(Write { key, expect: Expect::Version(version), change: Change::Put(checked) })
}

async fn commit(
    hand: &Hand<'_>,
    action: &'static str,
    writes: Vec<Write>,
    items: Vec<ItemChange>,
) -> Result<(), MergeError> {
    let batch = Batch { writes, items, action, ..Batch::default() };
    match hand.store().commit(&hand.whole(), batch, hand.now).await {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict { .. } | StoreError::ItemConflict { .. }) => Err(MergeError::Changed),
        Err(other) => Err(other.into()),
    }
}

/// Who merged, when and why (FHIR R4, 6.3).
fn provenance(hand: &Hand<'_>, activity: &str, both: [&Id; 2], reason: &str) -> Result<Write, MergeError> {
    let target: Vec<Value> = both.iter().map(|id| json!({ "reference": patient(id).to_string() })).collect();
    let system = format!("{}/users", hand.organisation.base);
    let value = json!({
        "resourceType": "Provenance",
        "target": target,
        "recorded": moment(hand.now),
        "activity": { "text": activity, "coding": [{ "system": OPERATION, "code": "UPDATE", "display": "revise" }] },
        "reason": [{ "text": reason.trim() }],
        "agent": [{ "who": {
            "identifier": { "system": system, "value": &*hand.caller.who }, "display": &*hand.caller.display,
        } }],
    });
    let kind = ResourceType::parse("Provenance").expect("a type of R4");
    let id = Id::parse(&hand.organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
    let key = Key::new(kind, id);
    let mut value = value;
    value["id"] = key.id.as_str().into();
    let checked = Draft::from_value(value).check().map_err(|issues| MergeError::Invalid(key.clone(), issues))?;
    Ok(Write { key, expect: Expect::New, change: Change::Put(checked) })
}
