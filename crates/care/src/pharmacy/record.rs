//! What is kept beside the resources: how far each prescription has come that was sent, what was asked by whom, and
//! which message of ours was about what. Small records, each written in the same commit as what it tells of.

use crate::access::as_text;
use crate::chart::When;
use bytes::Bytes;
use fhir::Id;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{ItemChange, ItemExpect, Store, StoreError, StoreResult};

pub(super) const SHELF: &str = "pharmacy";
/// A course of orders of one patient that a page shows at most.
const MOST: usize = 500;

/// How far a prescription has come, in the order in which it gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It waits to be sent.
    Waiting,
    /// It was taken on the way, or by the pharmacy's system.
    Sent,
    /// The pharmacy says that it has it.
    Received,
    /// It was not taken: by the pharmacy, on the way, or here already.
    Refused,
    /// The pharmacy says that it was not handed out, or put it back.
    NotFilled,
    Partial,
    /// It is ready.
    Filled,
    PickedUp,
    /// It was cancelled here, and the pharmacy agreed.
    Withdrawn,
}

/// Stage → its name, the status of the Task, what the Task says in words.
const STAGES: [(Stage, &str, &str, &str); 9] = [
    (Stage::Waiting, "waiting", "requested", "Waiting to be sent to the pharmacy"),
    (Stage::Sent, "sent", "received", "Sent to the pharmacy"),
    (Stage::Received, "received", "accepted", "Being filled"),
    (Stage::Refused, "refused", "failed", "Not taken by the pharmacy"),
    (Stage::NotFilled, "not-filled", "on-hold", "Not handed out"),
    (Stage::Partial, "partial", "in-progress", "Filled in part"),
    (Stage::Filled, "filled", "completed", "Ready at the pharmacy"),
    (Stage::PickedUp, "picked-up", "completed", "Picked up"),
    (Stage::Withdrawn, "withdrawn", "cancelled", "Cancelled at the pharmacy"),
];

impl Stage {
    pub const ALL: [Stage; 9] = [
        Stage::Waiting,
        Stage::Sent,
        Stage::Received,
        Stage::Refused,
        Stage::NotFilled,
        Stage::Partial,
        Stage::Filled,
        Stage::PickedUp,
        Stage::Withdrawn,
    ];

    fn row(self) -> &'static (Stage, &'static str, &'static str, &'static str) {
        STAGES.iter().find(|it| it.0 == self).expect("the table has every stage")
    }

    pub fn slug(self) -> &'static str {
        self.row().1
    }

    pub(super) fn task(self) -> &'static str {
        self.row().2
    }

    pub(super) fn words(self) -> &'static str {
        self.row().3
    }

    /// What is told by fills, which come again with each refill.
    fn is_of_fills(self) -> bool {
        matches!(self, Stage::NotFilled | Stage::Partial | Stage::Filled | Stage::PickedUp)
    }
}

/// A prescription that went to a pharmacy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    #[serde(with = "as_text::id")]
    pub(super) patient: Id,
    /// Of the MedicationRequest.
    #[serde(with = "as_text::id")]
    pub(super) prescription: Id,
    pub(super) drug: String,
    /// `Organization/7`.
    pub(super) pharmacy: String,
    pub(super) pharmacy_name: String,
    /// Our message that carries it.
    pub(super) control: String,
    /// Of the Task that follows it.
    #[serde(with = "as_text::id")]
    pub(super) task: Id,
    pub(super) stage: Stage,
    /// Since when (microseconds).
    pub(super) since: i64,
    /// When the last fill message was sent, as its sender says.
    #[serde(default)]
    pub(super) told: i64,
    /// In the words of the pharmacy.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// Why it was not sent: one of `no-number`, `no-prescriber`, `controlled`, `unproved`.
    #[serde(default)]
    pub(super) trouble: Option<String>,
    pub(super) refills: Option<u64>,
    #[serde(default)]
    pub(super) fills: Vec<Fill>,
    #[serde(default)]
    pub(super) cancel: Option<Cancel>,
    /// What the pharmacy calls it.
    #[serde(default)]
    pub(super) pharmacy_number: Option<String>,
}

/// One time that it was filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fill {
    /// The day, as FHIR writes it.
    pub(super) on: String,
    #[serde(default)]
    pub(super) picked_up: Option<String>,
    #[serde(default)]
    pub(super) partial: bool,
    /// It went back on the shelf.
    #[serde(default)]
    pub(super) returned: bool,
}

/// That it was cancelled here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cancel {
    pub(super) control: String,
    pub(super) asked: i64,
    #[serde(default)]
    pub(super) answer: Option<Answered>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) approved: bool,
    #[serde(default)]
    pub(super) note: Option<String>,
    pub(super) at: i64,
}

impl Order {
    /// Moves it on; what is late or says nothing new moves nothing.
    pub(super) fn moves(&mut self, stage: Stage, now: i64) -> bool {
        if stage <= self.stage {
            return false;
        }
        (self.stage, self.since) = (stage, now);
        true
    }

    /// A fill as the pharmacy told of it, with the moment at which it was sent.
    pub(super) fn filled(&mut self, stage: Stage, fill: Fill, sent: i64, now: i64) -> bool {
        let newest = self.fills.iter().all(|it| it.on < fill.on);
        let known = self.fills.iter_mut().find(|it| it.on == fill.on);
        match (known, stage) {
            (Some(known), Stage::NotFilled) if known.picked_up.is_none() => known.returned = true,
            (Some(known), Stage::PickedUp) => {
                known.picked_up = fill.picked_up;
                known.returned = false;
                known.partial &= fill.partial;
            }
            (Some(known), Stage::Filled) => known.partial &= fill.partial,
            (None, Stage::NotFilled) | (Some(_), _) => {}
            (None, _) => self.fills.push(fill),
        }
        self.fills.sort_by(|a, b| a.on.cmp(&b.on));
        // What was withdrawn stays so; the fill is in the record all the same.
        let free = self.stage < Stage::NotFilled || (self.stage.is_of_fills() && sent >= self.told);
        let back = self.stage == Stage::PickedUp && !newest;
        let changed = free && !back && stage != self.stage;
        if changed {
            (self.stage, self.since) = (stage, now);
        }
        self.told = self.told.max(sent);
        changed
    }

    /// How often it may still be filled.
    pub(super) fn refills_left(&self) -> Option<u64> {
        let whole = self.fills.iter().filter(|it| !it.partial && !it.returned).count() as u64;
        self.refills.map(|it| it.saturating_sub(whole.saturating_sub(1)))
    }

    pub(super) fn last_fill(&self) -> Option<When> {
        let kept = self.fills.iter().rev().find(|it| !it.returned)?;
        When::parse(kept.picked_up.as_deref().unwrap_or(&kept.on))
    }

    pub(super) fn change(&self, expect: Option<u64>) -> ItemChange {
        put(order_name(&self.prescription), self, expect).owned_by(self.patient.as_str())
    }
}

/// What a pharmacy asks, beside the proposal that waits in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    /// It asks for a change, not for more.
    pub(super) change: bool,
    /// The number of its message.
    pub(super) message: String,
    #[serde(with = "as_text::id")]
    pub(super) patient: Id,
    /// `Organization/7`.
    pub(super) pharmacy: String,
    pub(super) pharmacy_name: String,
    #[serde(default)]
    pub(super) pharmacy_number: Option<String>,
    /// Our number of the prescription that it is about.
    #[serde(default)]
    pub(super) order: Option<String>,
    /// Other proposals of the same message: alternatives.
    #[serde(default, with = "as_text::ids")]
    pub(super) others: Vec<Id>,
    #[serde(default)]
    pub(super) refills: Option<u64>,
    #[serde(default)]
    pub(super) quantity: Option<String>,
    /// `out-of-stock`, `generic`…
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Our message that answers it.
    #[serde(default)]
    pub(super) answered: Option<String>,
    /// What was said to our answer, when it was not taken.
    #[serde(default)]
    pub(super) trouble: Option<String>,
}

/// What a message of ours was about, by its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) kind: String,
    #[serde(with = "as_text::id")]
    pub(super) patient: Id,
    #[serde(default, with = "as_text::maybe_id")]
    pub(super) prescription: Option<Id>,
    #[serde(default, with = "as_text::maybe_id")]
    pub(super) request: Option<Id>,
}

/// That outside fills were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(with = "as_text::id")]
    pub(super) patient: Id,
    pub(super) control: String,
    pub(super) asked: i64,
    #[serde(default)]
    pub(super) answered: Option<i64>,
    #[serde(default)]
    pub(super) found: usize,
    #[serde(default)]
    pub(super) note: Option<String>,
}

pub(super) fn order_name(prescription: &Id) -> String {
    format!("order/{prescription}")
}

pub(super) fn request_name(proposal: &Id) -> String {
    format!("request/{proposal}")
}

pub(super) fn sent_name(control: &str) -> String {
    format!("sent/{control}")
}

pub(super) fn history_name(patient: &Id) -> String {
    format!("history/{patient}")
}

pub(super) fn signed_name(prescription: &Id) -> String {
    format!("signed/{prescription}")
}

/// A record with its version.
pub(super) async fn get<T: DeserializeOwned>(store: &Store, name: &str, now: i64) -> StoreResult<Option<(T, u64)>> {
    let Some(item) = store.item(SHELF, name, now).await? else { return Ok(None) };
    Ok(Some((read(&item.body)?, item.version)))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> StoreResult<T> {
    serde_json::from_slice(body).map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))
}

/// A record to write; `expect` is its version now, none for a new one.
pub(super) fn put(name: String, value: &impl Serialize, expect: Option<u64>) -> ItemChange {
    let body = serde_json::to_vec(value).expect("texts and numbers can be written");
    ItemChange::put(SHELF, name, Bytes::from(body)).expecting(expect.map_or(ItemExpect::Absent, ItemExpect::Version))
}

/// All orders of a patient.
pub(super) async fn orders(store: &Store, patient: &Id, now: i64) -> StoreResult<Vec<Order>> {
    let items = store.items(SHELF, Some(patient.as_str()), Some("order/"), MOST, now).await?;
    items.iter().filter(|it| it.name.starts_with("order/")).map(|it| read(&it.body)).collect()
}

/// By what others call a prescription of ours: its id, which at most 35 letters may be (NCPDP, an..35).
pub(super) fn number_of(prescription: &Id) -> String {
    match prescription.as_str() {
        short if short.len() <= 35 => short.to_owned(),
        long => long.chars().filter(|it| *it != '-').take(35).collect(),
    }
}

/// The order that a number means.
pub(super) async fn order_of(store: &Store, number: &str, now: i64) -> StoreResult<Option<(Order, u64)>> {
    let number = number.trim();
    let mut names: Vec<Id> = Id::parse(number).into_iter().collect();
    if number.len() == 32 && number.is_ascii() {
        let cut = [0..8, 8..12, 12..16, 16..20, 20..32].map(|it| &number[it]);
        names.extend(Id::parse(&cut.join("-")));
    }
    for id in names {
        if let Some(found) = get(store, &order_name(&id), now).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        let id = |it: &str| Id::parse(it).expect("is an id");
        Order {
            patient: id("ada"),
            prescription: id("rx"),
            drug: "lisinopril 10 mg tablet".into(),
            pharmacy: "Organization/p".into(),
            pharmacy_name: "P".into(),
            control: "c".into(),
            task: id("t"),
            stage: Stage::Waiting,
            since: 0,
            told: 0,
            note: None,
            trouble: None,
            refills: Some(2),
            fills: Vec::new(),
            cancel: None,
            pharmacy_number: None,
        }
    }

    fn fill(on: &str, picked_up: Option<&str>) -> Fill {
        Fill { on: on.into(), picked_up: picked_up.map(str::to_owned), partial: false, returned: false }
    }

    #[test]
    fn what_is_late_takes_nothing_back() {
        let mut it = order();
        assert!(it.moves(Stage::Received, 5));
        assert!(!it.moves(Stage::Sent, 6), "the status comes after the confirmation");
        assert!(it.filled(Stage::PickedUp, fill("2026-06-16", Some("2026-06-17")), 20, 21));
        assert!(!it.filled(Stage::Filled, fill("2026-06-16", None), 10, 22), "told before, came after");
        assert!(!it.moves(Stage::Refused, 23));
        assert_eq!((it.stage, it.since, it.fills.len(), it.refills_left()), (Stage::PickedUp, 21, 1, Some(2)));
    }

    #[test]
    fn each_refill_counts_once_and_what_went_back_does_not_count() {
        let mut it = order();
        assert!(it.filled(Stage::Filled, fill("2026-06-16", None), 10, 11));
        assert!(it.filled(Stage::NotFilled, fill("2026-06-16", None), 30, 31), "nobody came for it");
        assert_eq!((it.stage, it.refills_left()), (Stage::NotFilled, Some(2)));
        assert!(it.filled(Stage::PickedUp, fill("2026-06-20", Some("2026-06-20")), 40, 41));
        assert!(it.filled(Stage::Filled, fill("2026-09-20", None), 50, 51), "the first refill");
        assert_eq!((it.stage, it.refills_left()), (Stage::Filled, Some(1)));
        it.filled(Stage::Filled, fill("2026-09-20", None), 50, 52);
        assert_eq!(it.refills_left(), Some(1));
    }

    #[test]
    fn every_stage_has_its_row() {
        for stage in Stage::ALL {
            assert!(!stage.slug().is_empty() && !stage.task().is_empty());
        }
    }
}
