//! Whose record something is that arrives, and who may be the person at the desk: those who share a key are compared,
//! the likeliest first. `whose` is what doors ask; it decides by the settings of the installation.

use super::keys::keys;
use super::links;
use super::score::{Frequencies, Grade, Score, Thresholds, score};
use super::{Field, Level, Traits};
use crate::Organisation;
use crate::ask;
use crate::chart::element::{list, text};
use fhir::{Id, Key, ResourceType, Value};
use std::cmp::Reverse;
use store::{Caller, Store, StoreError, StoreResult};

/// Records that are compared for one question.
const MOST: usize = 40;
/// How much likelier the first of two must be than the second, in bits, to be taken without a look.
const AHEAD: f64 = 4.0;
/// Merges that are followed from one record to the next.
const CHAIN: usize = 8;

/// A record that may be this person's.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: Id,
    pub patient: Value,
    pub score: Score,
    pub grade: Grade,
}

/// Whose record it is.
#[derive(Clone, Debug)]
pub enum Whose {
    /// It was linked before, or bears a number that was given here.
    Known(Id),
    /// So much speaks for it that nobody need look.
    Likely(Id, Score),
    /// Somebody must look.
    Unsure(Vec<(Id, Score)>),
    New,
}

fn patients() -> ResourceType {
    ResourceType::parse("Patient").expect("a type of R4")
}

/// How many people there are, and who bears which name.
pub async fn frequencies(store: &Store) -> StoreResult<Frequencies> {
    let (people, given) = store.commonest(patients(), "given").await?;
    let (_, family) = store.commonest(patients(), "family").await?;
    let mut all = Frequencies::new(people);
    for (field, names) in [(Field::Given, given), (Field::Family, family)] {
        names.iter().for_each(|(name, count)| all.add(field, name, *count));
    }
    Ok(all)
}

/// The records that may be this person's and that the caller may find, the likeliest first. `action` is what the audit
/// log calls it.
pub async fn candidates(
    store: &Store,
    caller: &Caller,
    patient: &Value,
    thresholds: &Thresholds,
    action: &'static str,
) -> StoreResult<Vec<Candidate>> {
    let traits = Traits::of(patient);
    let frequencies = frequencies(store).await?;
    let found = store.alike(caller, patients(), &keys(&traits), MOST, action).await?;
    let itself = text(patient, &["id"]);
    let mut all: Vec<Candidate> = found
        .into_iter()
        .filter(|it| Some(it.key.id.as_str()) != itself)
        .map(|it| {
            let patient = it.value();
            let score = score(&traits, &Traits::of(&patient), &frequencies);
            Candidate { id: it.key.id, grade: score.grade(thresholds), score, patient }
        })
        .filter(|it| it.grade != Grade::CertainlyNot)
        .collect();
    all.sort_by(|a, b| {
        (a.grade, Reverse(Bits(a.score.bits)), &a.id).cmp(&(b.grade, Reverse(Bits(b.score.bits)), &b.id))
    });
    Ok(all)
}

/// Weights in the order of numbers.
#[derive(PartialEq)]
struct Bits(f64);

impl Eq for Bits {}

impl PartialOrd for Bits {
    fn partial_cmp(&self, other: &Bits) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bits {
    fn cmp(&self, other: &Bits) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Whose record a patient is whom somebody else sends. `source` is who sends: what was linked once stays linked for it.
pub async fn whose(
    organisation: &Organisation,
    caller: &Caller,
    patient: &Value,
    source: &str,
    now: i64,
) -> StoreResult<Whose> {
    let store = &organisation.store;
    let thresholds = organisation.surroundings.matching();
    let traits = Traits::of(patient);
    if let Some(id) = links::known(organisation, patient, source, now).await? {
        let id = current(store, id).await?;
        match ask::read(store, caller, "Patient", &id).await {
            Ok(row) => {
                let score = score(&traits, &Traits::of(&row.value), &frequencies(store).await?);
                return Ok(if other_person(&score) { Whose::Unsure(vec![(id, score)]) } else { Whose::Known(id) });
            }
            Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let found = candidates(store, caller, patient, &thresholds, "match").await?;
    Ok(decided(found))
}

/// The number of somebody else was typed: names and day of birth are both another's.
fn other_person(score: &Score) -> bool {
    let other = |field| matches!(score.level(field), Some(Level::Other));
    let names = other(Field::Given) && other(Field::Family);
    names && (other(Field::Born) || score.level(Field::Born).is_none())
}

/// Whether the record under this id says that it is somebody else's entirely.
pub async fn is_stranger(store: &Store, patient: &Value, id: &Id) -> StoreResult<bool> {
    match ask::read(store, &Caller::system("match"), "Patient", id).await {
        Ok(row) => Ok(other_person(&score(&Traits::of(patient), &Traits::of(&row.value), &Frequencies::default()))),
        Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn decided(found: Vec<Candidate>) -> Whose {
    match found.as_slice() {
        [] => Whose::New,
        [one, rest @ ..]
            if one.grade == Grade::Certain && rest.iter().all(|it| it.score.bits + AHEAD <= one.score.bits) =>
        {
            Whose::Likely(one.id.clone(), one.score.clone())
        }
        _ => Whose::Unsure(found.into_iter().map(|it| (it.id, it.score)).collect()),
    }
}

/// The record that stands for this one now: where it was merged into another, that one.
pub async fn current(store: &Store, id: Id) -> StoreResult<Id> {
    let reader = Caller::system("match");
    let mut id = id;
    for _ in 0..CHAIN {
        let row = match ask::read(store, &reader, "Patient", &id).await {
            Ok(row) => row,
            Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => return Ok(id),
            Err(error) => return Err(error),
        };
        match replaced_by(&row.value) {
            Some(next) => id = next,
            None => return Ok(id),
        }
    }
    Ok(id)
}

/// The record that took the place of this one.
pub fn replaced_by(patient: &Value) -> Option<Id> {
    let link = list(patient, "link").iter().find(|it| text(it, &["type"]) == Some("replaced-by"))?;
    Key::parse(text(link, &["other", "reference"])?).map(|key| key.id)
}
