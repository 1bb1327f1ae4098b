//! Reconciliation (screen C-15; 45 CFR 170.315(b)(2)): what other records say about a patient beside what this one says,
//! each statement with its source and its last change, in pairs where both mean the same. A person decides about each
//! pair; what they decided is looked at once more, signed, and written in one commit with one Provenance. It can be taken
//! back as long as nobody has changed any of it since.
//!
//! Nothing here decides by itself: a suggestion is a suggestion. What was left with the record it came from is marked
//! and kept, never deleted. Who may not write a list decides nothing about it.

mod apply;
mod gather;
mod pair;
mod plan;
mod write;

pub use gather::sheet;
pub use plan::{After, Fate, Plan, plan};
pub use write::{Done, ReconcileError, choices, choose, last, sign, undo};

use crate::act::Pen;
use crate::chart::{Standing, When};
use crate::entries::{self, List};
use crate::exchange::origin::Origin;
use fhir::{Key, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::Action;

/// A list that is reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Medications,
    Allergies,
    Problems,
    Immunizations,
    Results,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Medications, Kind::Allergies, Kind::Problems, Kind::Immunizations, Kind::Results];

    /// The end of the address of its page in the chart.
    pub fn slug(self) -> &'static str {
        match self {
            Kind::Medications => "medications",
            Kind::Allergies => "allergies",
            Kind::Problems => "problems",
            Kind::Immunizations => "immunizations",
            Kind::Results => "results",
        }
    }

    fn types(self) -> &'static [&'static str] {
        match self {
            Kind::Medications => &["MedicationRequest", "MedicationStatement"],
            Kind::Allergies => &["AllergyIntolerance"],
            Kind::Problems => &["Condition"],
            Kind::Immunizations => &["Immunization"],
            Kind::Results => &["Observation"],
        }
    }

    fn list(self) -> Option<List> {
        match self {
            Kind::Medications => Some(List::Medications),
            Kind::Allergies => Some(List::Allergies),
            Kind::Problems => Some(List::Problems),
            Kind::Immunizations => Some(List::Immunizations),
            Kind::Results => None,
        }
    }

    /// Whether the writer may decide about this list. Taking over a prescription makes it count, as signing one does.
    pub fn may(self, pen: &Pen<'_>) -> bool {
        let writes = self.types().iter().all(|it| pen.may(Action::Update, it) && pen.may(Action::Search, it));
        writes && (self != Kind::Medications || pen.caller.rights.may(crate::orders::SIGN))
    }
}

/// Whether there is any list about which the writer may decide.
pub fn may(pen: &Pen<'_>) -> bool {
    Kind::ALL.into_iter().any(|it| it.may(pen))
}

/// What is to become of what a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// What is here stays as it is; what is not here yet becomes part of this record.
    Keep,
    /// What is here stays, with what the other record knows besides.
    Merge,
    /// What the other record says stands in the place of what is here.
    Replace,
    /// It does not hold any more.
    Discontinue,
    /// What the other record says is of no use here.
    Ignore,
}

impl Decision {
    pub const ALL: [Decision; 5] =
        [Decision::Keep, Decision::Merge, Decision::Replace, Decision::Discontinue, Decision::Ignore];

    /// Its name in forms.
    pub fn slug(self) -> &'static str {
        match self {
            Decision::Keep => "keep",
            Decision::Merge => "merge",
            Decision::Replace => "replace",
            Decision::Discontinue => "discontinue",
            Decision::Ignore => "ignore",
        }
    }

    pub fn parse(slug: &str) -> Option<Decision> {
        Decision::ALL.into_iter().find(|it| it.slug() == slug)
    }
}

/// By what two statements were found to mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Code,
    Ingredient,
    Text,
}

/// One statement of one record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As the lists of the chart show it.
    pub row: entries::Row,
    /// The record it comes from; nothing for this one.
    pub from: Option<Origin>,
    /// When it was last changed, as far as its record says; else when it came here.
    pub changed: Option<When>,
    /// How often the same was said word for word; these copies are one statement.
    pub copies: usize,
    value: Value,
    /// The other copies.
    also: Vec<(Key, u64, Value)>,
}

impl Entry {
    fn holds(&self) -> bool {
        matches!(self.row.standing, Standing::Active | Standing::OnHold)
    }

    /// All resources that say this.
    fn all(&self) -> impl Iterator<Item = (&Key, u64, &Value)> {
        let own = std::iter::once((&self.row.key, self.row.version, &self.value));
        own.chain(self.also.iter().map(|(key, version, value)| (key, *version, value)))
    }
}

/// What means the same in this record and in others, side by side.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name in forms: another as soon as anything of it changes.
    pub id: String,
    pub kind: Kind,
    pub ours: Option<Entry>,
    /// One for each source, the newest first. Of results all readings of one test.
    pub theirs: Vec<Entry>,
    /// How the pair was found.
    pub by: Option<By>,
    /// What the other record says otherwise or besides, by names of fields.
    pub differs: Vec<&'static str>,
    /// What most would decide; nothing where it takes thought.
    pub suggested: Option<Decision>,
}

impl Row {
    /// Somebody has to look at it.
    pub fn is_open(&self) -> bool {
        !self.theirs.is_empty()
    }

    /// Ours and theirs are the same statement, found by what they mean and not by their words alone.
    pub fn says_the_same(&self) -> bool {
        self.is_open() && self.ours.is_some() && self.suggested == Some(Decision::Keep) && self.differs.is_empty()
    }

    /// What can be decided about it.
    pub fn choices(&self) -> &'static [Decision] {
        use Decision::{Discontinue, Ignore, Keep, Merge, Replace};
        match (self.kind, self.ours.is_some(), self.theirs.is_empty()) {
            // What happened has happened: it is neither replaced nor discontinued.
            (Kind::Results, ..) | (Kind::Immunizations, false, _) => &[Keep, Ignore],
            (Kind::Immunizations, true, false) => &[Keep, Merge, Ignore],
            (Kind::Immunizations, true, true) => &[Keep],
            (_, true, true) => &[Keep, Discontinue],
            (_, true, false) => &[Keep, Merge, Replace, Discontinue, Ignore],
            (_, false, _) => &[Keep, Discontinue, Ignore],
        }
    }
}

/// One list with everything that is said about it.
#[derive(Clone, Debug)]
pub struct Part {
    pub kind: Kind,
    /// What must be decided first, then what this record alone says.
    pub rows: Vec<Row>,
    /// The caller may look, not decide.
    pub may: bool,
}

/// Another record of which something waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub origin: Origin,
    /// How much of it waits.
    pub count: usize,
    /// Its latest change.
    pub changed: Option<When>,
}

/// Everything that is to be reconciled for one patient.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub parts: Vec<Part>,
    pub sources: Vec<Source>,
}

impl Sheet {
    /// Rows that wait for a decision of this caller.
    pub fn open(&self) -> usize {
        self.decidable().filter(|it| it.is_open()).count()
    }

    /// Rows about which this caller may decide.
    pub fn decidable(&self) -> impl Iterator<Item = &Row> {
        self.parts.iter().filter(|it| it.may).flat_map(|it| &it.rows)
    }

    fn row(&self, id: &str) -> Option<&Row> {
        self.decidable().find(|it| it.id == id)
    }
}

/// What somebody has decided so far, kept as a draft of theirs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    #[serde(default)]
    pub decisions: BTreeMap<String, Decision>,
    /// In their words, why.
    #[serde(default)]
    pub note: String,
}

impl Choices {
    /// How many of the rows that wait are decided.
    pub fn count(&self, sheet: &Sheet) -> usize {
        sheet.decidable().filter(|it| it.is_open() && self.decisions.contains_key(&it.id)).count()
    }

    /// Takes every suggestion for what is not decided yet.
    pub fn suggest(&mut self, sheet: &Sheet) {
        for row in sheet.decidable().filter(|it| it.is_open()) {
            if let Some(suggested) = row.suggested {
                self.decisions.entry(row.id.clone()).or_insert(suggested);
            }
        }
    }
}

#[cfg(test)]
mod onc;
#[cfg(test)]
mod tests;
