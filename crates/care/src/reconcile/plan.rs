//! What the decisions come to, before anything is written: every change that would be made, and the lists as they would
//! be afterwards. What is looked at in the review is what is signed.

use super::{Choices, Decision, Entry, Kind, Row, Sheet, apply, gather};
use crate::chart::element::Names;
use crate::entries;
use crate::exchange::origin::Origin;
use fhir::{Key, Value};

/// What becomes of an entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was here and stays as it was.
    Stays,
    /// It came from another record.
    Added,
    /// It was here and says more now.
    Merged,
    /// It was here, and another stands in its place.
    Replaced,
    /// It does not hold any more.
    Ended,
    /// Nobody has decided about it; it stays apart.
    Waits,
}

/// One entry of a list as it will be.
#[derive(Clone, Debug)]
pub struct After {
    pub row: entries::Row,
    pub from: Option<Origin>,
    pub fate: Fate,
    /// How many readings, for results.
    pub count: usize,
}

/// One resource as it will be written.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) value: Value,
}

#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub lists: Vec<(Kind, Vec<After>)>,
    /// Rows decided, of those that wait.
    pub decided: usize,
    pub open: usize,
    /// Statements of others that stay where they came from.
    pub left: usize,
    pub(super) changes: Vec<Change>,
    /// Statements from which something was taken over into ours.
    pub(super) drawn: Vec<(Key, u64)>,
}

impl Plan {
    /// There is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn write(&mut self, key: &Key, version: u64, value: Value) {
        match self.changes.iter_mut().find(|it| it.key == *key) {
            Some(there) => there.value = value,
            None => self.changes.push(Change { key: key.clone(), version, value }),
        }
    }

    fn leave<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        for entry in entries {
            self.left += 1;
            for (key, version, value) in entry.all() {
                self.write(key, version, apply::left(value.clone()));
            }
        }
    }

    /// The leading copy becomes part of this record; the other copies of it stay where they are.
    fn take(&mut self, entry: &Entry, finish: impl FnOnce(Value) -> Value) -> Value {
        let value = finish(apply::taken(entry.value.clone()));
        self.write(&entry.row.key, entry.row.version, value.clone());
        for (key, version, value) in &entry.also {
            self.write(key, *version, apply::left(value.clone()));
        }
        value
    }
}

/// What these decisions would make of the record.
pub fn plan(sheet: &Sheet, choices: &Choices, today: &str) -> Plan {
    let mut plan = Plan { decided: choices.count(sheet), open: sheet.open(), ..Plan::default() };
    for part in &sheet.parts {
        let mut after: Vec<After> = Vec::new();
        for row in &part.rows {
            let decision = choices.decisions.get(&row.id).copied().filter(|it| part.may && row.choices().contains(it));
            decide(&mut plan, row, decision, today, &mut after);
        }
        if part.kind == Kind::Allergies {
            allergies_are_known(&mut plan, &part.rows, &mut after, today);
        }
        after.sort_by_key(|it| matches!(it.fate, Fate::Ended | Fate::Replaced | Fate::Waits));
        plan.lists.push((part.kind, after));
    }
    plan
}

fn shown(kind: Kind, value: &Value, entry: &Entry, fate: Fate) -> After {
    let row = gather::entry(kind, value, 0, &Names::default()).row;
    // What was looked up for the old version still names the same people.
    let row = entries::Row { who: entry.row.who.clone(), title: entry.row.title.clone(), ..row };
    After { row, from: entry.from.clone(), fate, count: entry.copies }
}

fn decide(plan: &mut Plan, row: &Row, decision: Option<Decision>, today: &str, after: &mut Vec<After>) {
    let kind = row.kind;
    if kind == Kind::Results {
        return results(plan, row, decision, after);
    }
    let stays = |entry: &Entry, fate: Fate| shown(kind, &entry.value, entry, fate);
    let lead = row.theirs.first();
    let others = || row.theirs.iter().skip(1);
    let Some(decision) = decision else {
        after.extend(row.ours.iter().map(|it| stays(it, Fate::Stays)));
        after.extend(row.theirs.iter().map(|it| stays(it, Fate::Waits)));
        return;
    };
    match (decision, &row.ours, lead) {
        (Decision::Keep, Some(ours), _) | (Decision::Ignore, Some(ours), _) => {
            plan.leave(&row.theirs);
            after.push(stays(ours, Fate::Stays));
        }
        (Decision::Ignore, None, _) => plan.leave(&row.theirs),
        (Decision::Keep, None, Some(lead)) => {
            let value = plan.take(lead, |it| it);
            plan.leave(others());
            after.push(shown(kind, &value, lead, Fate::Added));
        }
        (Decision::Merge, Some(ours), _) => {
            let value = row
                .theirs
                .iter()
                .fold(ours.value.clone(), |ours, their| apply::merged(kind, ours, &their.value, row.by));
            plan.drawn.extend(row.theirs.iter().map(|it| (it.row.key.clone(), it.row.version)));
            if value != ours.value {
                plan.write(&ours.row.key, ours.row.version, value.clone());
            }
            plan.leave(&row.theirs);
            after.push(shown(kind, &value, ours, Fate::Merged));
        }
        (Decision::Replace, Some(ours), Some(lead)) => {
            let old = apply::ended(kind, ours.value.clone(), today, true);
            plan.write(&ours.row.key, ours.row.version, old.clone());
            let before = ours.row.key.to_string();
            let value = plan.take(lead, |mut it| {
                let both = before.starts_with("MedicationRequest/") && it["resourceType"] == "MedicationRequest";
                if both && it.get("priorPrescription").is_none() {
                    it["priorPrescription"] = serde_json::json!({ "reference": before });
                }
                it
            });
            plan.leave(others());
            after.push(shown(kind, &value, lead, Fate::Added));
            after.push(shown(kind, &old, ours, Fate::Replaced));
        }
        (Decision::Discontinue, Some(ours), _) => {
            let value = apply::ended(kind, ours.value.clone(), today, false);
            plan.write(&ours.row.key, ours.row.version, value.clone());
            plan.leave(&row.theirs);
            after.push(shown(kind, &value, ours, Fate::Ended));
        }
        (Decision::Discontinue, None, Some(lead)) => {
            let value = plan.take(lead, |it| apply::ended(kind, it, today, false));
            plan.leave(others());
            after.push(shown(kind, &value, lead, Fate::Ended));
        }
        // No row offers these.
        (Decision::Merge | Decision::Replace, None, _) | (_, _, None) => {}
    }
}

/// Readings of one test: those that are here already are not added twice.
fn results(plan: &mut Plan, row: &Row, decision: Option<Decision>, after: &mut Vec<After>) {
    let count = row.theirs.iter().map(|it| it.copies).sum();
    let Some(lead) = row.theirs.first() else { return };
    let told = |fate: Fate| After { count, ..shown(Kind::Results, &lead.value, lead, fate) };
    match decision {
        None => after.push(told(Fate::Waits)),
        Some(Decision::Keep) => {
            let known = row.ours.as_ref().map(gather::result);
            let mut seen: Vec<String> = known.into_iter().collect();
            for entry in &row.theirs {
                let result = gather::result(entry);
                if seen.contains(&result) {
                    plan.leave([entry]);
                } else {
                    seen.push(result);
                    plan.take(entry, |it| it);
                }
            }
            after.push(told(Fate::Added));
        }
        Some(_) => plan.leave(&row.theirs),
    }
}

/// Whoever takes over an allergy cannot go on saying that there is none.
fn allergies_are_known(plan: &mut Plan, rows: &[Row], after: &mut [After], today: &str) {
    let added = after.iter().any(|it| it.fate == Fate::Added && it.row.holds());
    let deny = rows.iter().filter_map(|it| it.ours.as_ref()).filter(|it| it.row.none && apply::denies(&it.value));
    for ours in deny.filter(|_| added) {
        if plan.changes.iter().any(|it| it.key == ours.row.key) {
            continue;
        }
        let value = apply::ended(Kind::Allergies, ours.value.clone(), today, false);
        plan.write(&ours.row.key, ours.row.version, value);
        if let Some(there) = after.iter_mut().find(|it| it.row.key == ours.row.key) {
            there.fate = Fate::Ended;
        }
    }
}
