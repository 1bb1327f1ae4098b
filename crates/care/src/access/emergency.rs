//! Break-glass: somebody of the staff opens the record of one patient in an emergency, with a reason and for a time.
//! The privacy officer is alerted in the same commit, reviews it afterwards, and the patient sees it.
//! docs/security/consent.md, section 6; 45 CFR 164.312(a)(2)(ii) emergency access.

use fhir::{Id, Key, ResourceType};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Caller, Item, ItemChange, ItemExpect, Store, StoreError, StoreResult};

pub const SHELF: &str = "emergency";
/// Alerts for the privacy officer.
pub const ALERTS: &str = "alert";

/// Letters that a reason has at least.
pub const REASON: usize = 10;
/// Minutes that it lasts at most.
pub const LONGEST: u32 = 240;
const LONGEST_TEXT: usize = 2_000;
const MINUTE: i64 = 60_000_000;
/// Open ones of one person that are looked at.
const OPEN_AT_ONCE: usize = 100;

/// One opening of a record. Times are microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    pub id: String,
    pub who: String,
    pub display: String,
    pub role: String,
    pub patient: String,
    pub reason: String,
    pub opened: i64,
    /// When it ends, or ended by hand.
    pub until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub by: String,
    pub display: String,
    pub at: i64,
    pub note: String,
}

#[derive(Debug, thiserror::Error)]
pub enum EmergencyError {
    #[error("your role may not do this")]
    Forbidden,
    #[error("the reason must have at least {REASON} letters and at most {LONGEST_TEXT}")]
    Reason,
    #[error("it lasts from 1 to {LONGEST} minutes")]
    Minutes,
    #[error("there is no such emergency access")]
    Unknown,
    #[error("somebody has just changed it; look again")]
    Changed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, EmergencyError>;

impl Emergency {
    pub fn is_open(&self, now: i64) -> bool {
        now < self.until
    }

    pub fn patient(&self) -> Option<Id> {
        Id::parse(&self.patient)
    }

    fn read(item: &Item) -> StoreResult<Emergency> {
        serde_json::from_slice(&item.body)
            .map_err(|_| StoreError::Damaged(format!("{} on shelf {SHELF} cannot be read", item.name)))
    }

    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain text and numbers can be written")
    }
}

/// Opens the record of a patient. `id` is a fresh name for it.
pub async fn open(
    store: &Store,
    caller: &Caller,
    patient: &Id,
    reason: &str,
    minutes: u32,
    id: &str,
    now: i64,
) -> Result<Emergency> {
    let key = Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone());
    if !caller.rights.may("break-glass") {
        store.record(caller, Event::refused("break-glass", "role").about(key).patient(patient.clone()), now).await?;
        return Err(EmergencyError::Forbidden);
    }
    let reason = reason.trim();
    if reason.chars().count() < REASON || reason.len() > LONGEST_TEXT {
        return Err(EmergencyError::Reason);
    }
    if !(1..=LONGEST).contains(&minutes) {
        return Err(EmergencyError::Minutes);
    }
    // Whether there is such a patient; it may be hidden from them until now.
    store.read(&Caller::system("break-glass"), &key).await?;
    let it = Emergency {
        id: id.to_owned(),
        who: caller.who.to_string(),
        display: caller.display.to_string(),
        role: caller.role.to_string(),
        patient: patient.to_string(),
        reason: reason.to_owned(),
        opened: now,
        until: now + i64::from(minutes) * MINUTE,
        review: None,
    };
    let changes = vec![
        ItemChange::put(SHELF, record(id), it.body()).owned_by(owner(patient)).expecting(ItemExpect::Absent),
        ItemChange::put(SHELF, opening(id), it.body()).owned_by(&it.who).until(it.until).expecting(ItemExpect::Absent),
        ItemChange::put(ALERTS, format!("break-glass/{id}"), it.body()).owned_by("privacy-officer"),
    ];
    let event = Event::of("break-glass").about(key).patient(patient.clone());
    store.keep(caller, event.detail(format!("opened for {minutes} minutes: {reason}")), changes, now).await?;
    Ok(it)
}

/// Ends it by hand: whoever opened it, or who reviews.
pub async fn close(store: &Store, caller: &Caller, id: &str, now: i64) -> Result<Emergency> {
    let (item, mut it) = find(store, id, now).await?;
    if *it.who != *caller.who && !caller.rights.may("break-glass.review") {
        return Err(EmergencyError::Unknown);
    }
    if !it.is_open(now) {
        return Ok(it);
    }
    it.until = now;
    let changes = vec![
        ItemChange::put(SHELF, item.name, it.body()).owned_by(item.owner).expecting(ItemExpect::Version(item.version)),
        ItemChange::delete(SHELF, opening(id)),
    ];
    change(store, caller, &it, "ended", changes, now).await?;
    Ok(it)
}

/// What is open for somebody now.
pub async fn open_of(store: &Store, who: &str, now: i64) -> StoreResult<Vec<Emergency>> {
    let items = store.items(SHELF, Some(who), None, OPEN_AT_ONCE, now).await?;
    let mut open = Vec::with_capacity(items.len());
    for item in items {
        let it = Emergency::read(&item)?;
        if it.is_open(now) && it.who == who {
            open.push(it);
        }
    }
    Ok(open)
}

/// For the privacy officer: those that wait for review, or all; in the order of names, a page from `after` on.
pub async fn queue(
    store: &Store,
    caller: &Caller,
    waiting: bool,
    after: Option<&str>,
    limit: usize,
    now: i64,
) -> Result<Vec<Emergency>> {
    if !caller.rights.may("break-glass.review") {
        return Err(EmergencyError::Forbidden);
    }
    let mut found = Vec::new();
    let mut last = record(after.unwrap_or_default());
    loop {
        let items = store.items(SHELF, None, Some(&last), 200, now).await?;
        let Some(end) = items.last() else { return Ok(found) };
        last = end.name.clone();
        for item in items.iter().filter(|it| it.name.starts_with(RECORD)) {
            let it = Emergency::read(item)?;
            if !waiting || it.review.is_none() {
                found.push(it);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
}

/// What was opened of a patient, latest first: for the patient themself, and for who reviews.
pub async fn of_patient(store: &Store, caller: &Caller, patient: &Id, now: i64) -> Result<Vec<Emergency>> {
    if caller.patient.as_ref() != Some(patient) && !caller.rights.may("break-glass.review") {
        return Err(EmergencyError::Forbidden);
    }
    let items = store.items(SHELF, Some(&owner(patient)), None, 1_000, now).await?;
    let mut all = items.iter().map(Emergency::read).collect::<StoreResult<Vec<_>>>()?;
    all.sort_by_key(|it| std::cmp::Reverse(it.opened));
    Ok(all)
}

/// Marks it as reviewed, with a note; the alert goes away.
pub async fn review(store: &Store, caller: &Caller, id: &str, note: &str, now: i64) -> Result<Emergency> {
    if !caller.rights.may("break-glass.review") {
        return Err(EmergencyError::Forbidden);
    }
    let (item, mut it) = find(store, id, now).await?;
    let note: String = note.trim().chars().take(LONGEST_TEXT).collect();
    it.review = Some(Review { by: caller.who.to_string(), display: caller.display.to_string(), at: now, note });
    let changes = vec![
        ItemChange::put(SHELF, item.name, it.body()).owned_by(item.owner).expecting(ItemExpect::Version(item.version)),
        ItemChange::delete(ALERTS, format!("break-glass/{id}")),
    ];
    change(store, caller, &it, "reviewed", changes, now).await?;
    Ok(it)
}

async fn change(
    store: &Store,
    caller: &Caller,
    it: &Emergency,
    what: &str,
    changes: Vec<ItemChange>,
    now: i64,
) -> Result<()> {
    let mut event = Event::of("break-glass").detail(format!("{what}, opened by {}", it.who));
    if let Some(patient) = it.patient() {
        let kind = ResourceType::parse("Patient").expect("a type of R4");
        event = event.about(Key::new(kind, patient.clone())).patient(patient);
    }
    match store.keep(caller, event, changes, now).await {
        Err(StoreError::ItemConflict { .. }) => Err(EmergencyError::Changed),
        done => Ok(done?),
    }
}

async fn find(store: &Store, id: &str, now: i64) -> Result<(Item, Emergency)> {
    let item = store.item(SHELF, &record(id), now).await?.ok_or(EmergencyError::Unknown)?;
    let it = Emergency::read(&item)?;
    Ok((item, it))
}

const RECORD: &str = "record/";

/// The record stays; the opening goes with its time.
fn record(id: &str) -> String {
    format!("{RECORD}{id}")
}

fn opening(id: &str) -> String {
    format!("open/{id}")
}

fn owner(patient: &Id) -> String {
    format!("Patient/{patient}")
}
