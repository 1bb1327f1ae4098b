//! Whether an order is safe for this person, told while it is being written: allergies, interactions, duplicates, doses.
//! Pure functions over what is known; nothing here reads the store or decides anything. Each alert says which rule of
//! which set it comes from and what to do about it.
//!
//! Three tiers: what cannot be signed, what is signed with a reason, what is told. What could not be checked is told as
//! well: a check that did not happen is not a check that found nothing.

mod allergy;
mod dose;
mod duplicate;
mod interaction;
pub(crate) mod known;

pub use known::{Done, Known, KnownAllergy, Pending, Taken, Weight};

use crate::chart::When;
use crate::imaging::{Body, Prior};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How strongly an alert stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    #[serde(rename = "info")]
    Information,
    /// It can be signed with a reason.
    #[serde(rename = "reason")]
    Reason,
    /// It cannot be signed as it is.
    #[serde(rename = "hard")]
    Stop,
}

impl Tier {
    pub(crate) fn parse(word: &str) -> Option<Tier> {
        [("info", Tier::Information), ("reason", Tier::Reason), ("hard", Tier::Stop)]
            .into_iter()
            .find_map(|(it, tier)| (it == word).then_some(tier))
    }
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Allergic to it, or to its class.
    Allergy,
    /// Allergic to something that may react alike.
    CrossReaction,
    /// Another record tells of an allergy to it, and nobody here has decided about that.
    OutsideAllergy,
    /// Nobody has recorded whether there are allergies.
    AllergiesUnknown,
    Interaction,
    /// They take the same already.
    SameDrug,
    /// They take something that does the same.
    DuplicateTherapy,
    /// The result is there already.
    DuplicateTest,
    /// The same part of the body was looked at before.
    EarlierImages,
    /// It was ordered and has not come back.
    AlreadyOrdered,
    /// More than the most in a day.
    Dose,
    /// More or less than usual for the weight.
    UnusualDose,
    /// Not at this age.
    Age,
    /// The dose goes by weight, and none is known.
    NoWeight,
    /// It is not on our lists, so nothing was checked.
    Unchecked,
    /// A medicine on the chart is not on our lists, so nothing was checked against it.
    UncheckedMedicine,
}

/// Where a rule is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `ONC-7`, or the name of the check.
    pub rule: String,
    pub title: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub rule: Rule,
    pub tier: Tier,
    /// The other side: the allergy, the other medicine, the earlier test, the ingredient.
    pub with: String,
    /// What may happen.
    pub effect: Option<String>,
    /// What to do.
    pub action: Option<String>,
    /// In a day as ordered, and the most: `6000 mg`, `4000 mg`.
    pub amounts: Option<(String, String)>,
    pub earlier: Option<Earlier>,
    /// Earlier images of the same part of the body, wherever they were made.
    pub images: Vec<Prior>,
    pub source: Source,
    /// The resource on the other side.
    pub about: Option<String>,
}

/// A result that is there already.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    pub value: String,
    pub when: When,
    /// Who did it, where that was said.
    pub by: Option<String>,
}

impl Alert {
    /// The same alert has the same key the next time the basket is looked at: a reason given for it still counts.
    pub fn key(&self) -> String {
        format!("{:?}/{}/{}", self.rule, self.source.rule, crate::drugs::folded(&self.with))
    }
}

/// A medicine as it is about to be ordered.
#[derive(Clone, Debug, Default)]
pub struct DrugOrder {
    pub name: String,
    pub ingredients: BTreeSet<String>,
    pub classes: BTreeSet<String>,
    /// It acts where it is put.
    pub local: bool,
    /// How much of each ingredient in a day: (ingredient, amount, unit).
    pub daily: Vec<(String, Decimal, String)>,
    /// The MedicationRequest that this one takes the place of.
    pub replaces: Option<String>,
}

/// A test as it is about to be ordered.
#[derive(Clone, Debug, Default)]
pub struct TestOrder {
    pub name: String,
    /// LOINC codes of the order and of its results.
    pub codes: Vec<String>,
    /// A result not older than this makes it a duplicate.
    pub days: u32,
    /// Which part of the body it shows, where it makes images.
    pub body: Option<Body>,
}

/// What speaks about ordering this medicine beside the others of the basket, the gravest first.
pub fn drug(order: &DrugOrder, known: &Known, others: &[&DrugOrder]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    if order.ingredients.is_empty() {
        alerts.push(Alert::plain(Rule::Unchecked, Tier::Information, &order.name));
    } else {
        allergy::check(order, known, &mut alerts);
        if !order.local {
            interaction::check(order, known, others, &mut alerts);
            dose::check(order, known, others, &mut alerts);
        }
        duplicate::therapy(order, known, others, &mut alerts);
    }
    sorted(alerts)
}

/// What speaks about ordering this test.
pub fn test(order: &TestOrder, known: &Known) -> Vec<Alert> {
    let mut alerts = Vec::new();
    duplicate::test(order, known, &mut alerts);
    duplicate::images(order, known, &mut alerts);
    sorted(alerts)
}

fn sorted(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by(|a, b| (b.tier, a.rule, &a.with).cmp(&(a.tier, b.rule, &b.with)));
    alerts.dedup_by(|a, b| a.key() == b.key());
    alerts
}

impl Alert {
    /// An alert of the program itself.
    fn plain(rule: Rule, tier: Tier, with: &str) -> Alert {
        Alert {
            rule,
            tier,
            with: with.to_owned(),
            effect: None,
            action: None,
            amounts: None,
            earlier: None,
            images: Vec::new(),
            source: Source { rule: format!("{rule:?}"), title: "Continuo".into(), version: "1".into() },
            about: None,
        }
    }
}

impl Source {
    fn of(rule: impl Into<String>, head: &crate::content::Head) -> Source {
        Source { rule: rule.into(), title: head.title.clone(), version: head.version.clone() }
    }
}

#[cfg(test)]
mod tests;
