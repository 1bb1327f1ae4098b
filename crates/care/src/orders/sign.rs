//! Signing: what is whole and unopposed, or for which reasons were given, becomes resources in one act; what is not
//! stays in the basket and says why.

use super::basket::{Basket, Choice, FORM, Fault, Item};
use super::resources::{self, Standing, TASK_CODE};
use super::{Facts, Kind, OrderError, may_sign, may_write};
use crate::access::SecondFactor;
use crate::act::{Act, Pen, Written};
use crate::checks::{self, Alert, DrugOrder, TestOrder, Tier};
use crate::draft::Drafts;
use crate::drugs;
use crate::imaging;
use crate::pharmacy::{Chosen, controlled};
use fhir::{Id, Key, Value};
use serde_json::json;
use std::collections::BTreeSet;
use store::{ItemChange, ItemExpect};

/// Which orders of the basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    All,
    One(&'a str),
}

/// An order of the basket with what speaks about it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub item: Item,
    pub alerts: Vec<Alert>,
    pub missing: Vec<(&'static str, Fault)>,
}

/// Why an order cannot be signed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    Incomplete,
    Stopped,
    WithoutReason,
    /// A controlled drug, which does not go to a pharmacy by message here.
    Controlled,
    /// A controlled drug, for which a second factor must be shown.
    Unproved,
}

impl Hindrance {
    pub fn slug(self) -> &'static str {
        match self {
            Hindrance::Incomplete => "incomplete",
            Hindrance::Stopped => "stopped",
            Hindrance::WithoutReason => "reason",
            Hindrance::Controlled => "controlled",
            Hindrance::Unproved => "unproved",
        }
    }
}

impl Seen {
    pub fn hindrance(&self) -> Option<Hindrance> {
        let unanswered = |it: &&Alert| it.tier == Tier::Reason && !self.item.reasons.contains_key(&it.key());
        if self.alerts.iter().any(|it| it.tier == Tier::Stop) {
            Some(Hindrance::Stopped)
        } else if !self.missing.is_empty() {
            Some(Hindrance::Incomplete)
        } else if self.alerts.iter().any(|it| unanswered(&it)) {
            Some(Hindrance::WithoutReason)
        } else {
            None
        }
    }
}

/// What came of signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub signed: usize,
    /// What stayed in the basket.
    pub left: usize,
    pub written: Vec<Key>,
}

/// Every order of the basket, checked against what is known and against the others.
pub fn look(basket: &Basket, facts: &Facts) -> Vec<Seen> {
    let drugs: Vec<(usize, DrugOrder)> = basket
        .items
        .iter()
        .enumerate()
        .filter(|(_, it)| it.kind == Kind::Drug)
        .map(|(at, it)| (at, drug_order(it)))
        .collect();
    let seen = |(at, item): (usize, &Item)| {
        let alerts = match drugs.iter().find(|it| it.0 == at) {
            Some((_, order)) => {
                let others: Vec<&DrugOrder> = drugs.iter().filter(|it| it.0 != at).map(|it| &it.1).collect();
                checks::drug(order, &facts.known, &others)
            }
            None => test_order(item).map_or(Vec::new(), |it| checks::test(&it, &facts.known)),
        };
        Seen { item: item.clone(), alerts, missing: item.missing() }
    };
    basket.items.iter().enumerate().map(seen).collect()
}

/// A drug of the basket as the checks see it.
pub(crate) fn drug_order(item: &Item) -> DrugOrder {
    let replaces = item.state.replaces().map(str::to_owned);
    let local = drugs::is_local(&item.name);
    if let Some(drug) = item.drug() {
        let daily = item.sig.as_ref().map_or(Vec::new(), |sig| {
            let parts = drug.ingredients.iter().zip(&drug.strengths);
            parts
                .filter_map(|(part, has)| Some((part.name.clone(), sig.daily(has.amount)?, has.unit.clone())))
                .collect()
        });
        return DrugOrder {
            name: item.name.clone(),
            ingredients: drug.ingredients.iter().map(|it| it.name.clone()).collect(),
            classes: drug.classes.iter().cloned().collect(),
            local,
            daily,
            replaces,
        };
    }
    let means = drugs::recognise(&item.concept());
    DrugOrder {
        name: item.name.clone(),
        ingredients: means.ingredients,
        classes: means.classes,
        local,
        daily: Vec::new(),
        replaces,
    }
}

fn test_order(item: &Item) -> Option<TestOrder> {
    let order = item.orderable();
    let body = (item.kind == Kind::Imaging).then(|| imaging::body_of_order(order, &item.name));
    // What was typed has no codes; which part of the body it shows can still be read.
    if order.is_none_or(|it| it.kind == Kind::Referral) && body.is_none() {
        return None;
    }
    Some(TestOrder {
        name: item.name.clone(),
        codes: order.map_or(Vec::new(), |it| it.codes.clone()),
        days: order.map_or(0, |it| it.days),
        body,
    })
}

/// Signs what can be signed. `seen` is the version of the basket that was on the screen, `once` the key of the form.
pub async fn sign(
    pen: &Pen<'_>,
    patient: &Id,
    which: Which<'_>,
    seen: Option<u64>,
    once: &str,
) -> Result<Signed, OrderError> {
    signed(pen, patient, which, (seen, once), None).await
}

/// The same by somebody who has just shown a second factor, for controlled drugs that go to a pharmacy.
pub async fn sign_shown(
    pen: &Pen<'_>,
    patient: &Id,
    which: Which<'_>,
    seen: Option<u64>,
    once: &str,
    shown: &SecondFactor,
) -> Result<Signed, OrderError> {
    signed(pen, patient, which, (seen, once), Some(shown)).await
}

/// Why a controlled drug is not signed so.
fn withheld(pen: &Pen<'_>, item: &Item, shown: Option<&SecondFactor>) -> Option<Hindrance> {
    match controlled::leave(pen, item.schedule(), item.pharmacy.is_some()) {
        controlled::Leave::Off => Some(Hindrance::Controlled),
        controlled::Leave::Asks if shown.is_none() => Some(Hindrance::Unproved),
        _ => None,
    }
}

/// With the pharmacy that was chosen, for what a pharmacy fills.
fn bound(item: Item, pharmacy: Option<&Chosen>) -> Item {
    let pharmacy = pharmacy.filter(|_| item.kind == Kind::Drug).cloned();
    Item { pharmacy, ..item }
}

async fn signed(
    pen: &Pen<'_>,
    patient: &Id,
    which: Which<'_>,
    (seen, once): (Option<u64>, &str),
    shown: Option<&SecondFactor>,
) -> Result<Signed, OrderError> {
    if !may_sign(pen) {
        return Err(OrderError::MayNotSign);
    }
    let basket = Basket::open(pen, patient).await?;
    if basket.version != seen || basket.version.is_none() {
        return again(pen, patient, "order.sign", once, basket.items.len()).await;
    }
    let facts = Facts::of(pen, patient).await?;
    let mut act = Act::new("order.sign", patient).once(once);
    let mut left = Vec::new();
    let mut written = Vec::new();
    let mut ended: BTreeSet<String> = BTreeSet::new();
    let pharmacy = basket.dispenser(pen, patient).await?;
    for it in look(&basket, &facts) {
        let chosen = which == Which::All || which == Which::One(it.item.id.as_str());
        let it = Seen { item: bound(it.item, pharmacy.as_ref()), ..it };
        match (chosen, it.hindrance().or_else(|| withheld(pen, &it.item, shown))) {
            (true, None) => {
                let key = resources::write(&mut act, pen, patient, &it.item, &it.alerts, &facts, Standing::Active);
                if let (Some(shown), Kind::Drug) = (shown, it.item.kind) {
                    controlled::witness(&mut act, pen, &key, shown);
                }
                written.push(key);
                ended.extend(it.item.state.replaces().map(str::to_owned));
            }
            (true, Some(why)) => left.push(Item { stayed: Some(why.slug().into()), pharmacy: None, ..it.item }),
            (false, _) => left.push(Item { pharmacy: None, ..it.item }),
        }
    }
    for before in &ended {
        end(&mut act, pen, before).await?;
    }
    finish(pen, patient, act, (basket.version, basket.pharmacy), left, written).await
}

/// Leaves the orders that are whole to somebody who may sign them: each is written as a draft, with a Task for them.
pub async fn forward(
    pen: &Pen<'_>,
    patient: &Id,
    signer: &Key,
    name: &str,
    seen: Option<u64>,
    once: &str,
) -> Result<Signed, OrderError> {
    if !may_write(pen) {
        return Err(OrderError::MayNotSign);
    }
    let basket = Basket::open(pen, patient).await?;
    if basket.version != seen || basket.version.is_none() {
        return again(pen, patient, "order.forward", once, basket.items.len()).await;
    }
    let facts = Facts::of(pen, patient).await?;
    let mut act = Act::new("order.forward", patient).once(once);
    let mut left = Vec::new();
    let mut written = Vec::new();
    let pharmacy = basket.dispenser(pen, patient).await?;
    for it in look(&basket, &facts) {
        let it = Seen { item: bound(it.item, pharmacy.as_ref()), ..it };
        // What only lacks a reason may go: whoever signs decides about it.
        match it.hindrance() {
            None | Some(Hindrance::WithoutReason) => {
                let key = resources::write(&mut act, pen, patient, &it.item, &it.alerts, &facts, Standing::Draft);
                let mut task = resources::task(pen, patient, &it.item.name, &key);
                task["code"] = json!({ "coding": [{ "system": TASK_CODE, "code": "approve", "display": "Activate/approve the focal resource" }] });
                task["owner"] = json!({ "reference": signer.to_string(), "display": name });
                act.create(pen, task);
                written.push(key);
            }
            Some(why) => left.push(Item { stayed: Some(why.slug().into()), pharmacy: None, ..it.item }),
        }
    }
    finish(pen, patient, act, (basket.version, basket.pharmacy), left, written).await
}

/// The same form once more, or another window: what the form wrote the first time, or a refusal.
async fn again(pen: &Pen<'_>, patient: &Id, name: &'static str, once: &str, left: usize) -> Result<Signed, OrderError> {
    // Nothing is in this act, so nothing is written by it; the key alone says whether the form was here before.
    let Written { keys, again } = pen.commit(Act::new(name, patient).once(once)).await?;
    if !again {
        return Err(OrderError::Changed);
    }
    let orders: Vec<Key> = keys.into_iter().map(|it| it.0).filter(is_order).collect();
    Ok(Signed { signed: orders.len(), left, written: orders })
}

fn is_order(key: &Key) -> bool {
    matches!(key.kind.name(), "MedicationRequest" | "ServiceRequest")
}

/// Commits the act and what is left of the basket together: a signed order is never in the basket as well.
async fn finish(
    pen: &Pen<'_>,
    patient: &Id,
    mut act: Act,
    (version, pharmacy): (Option<u64>, Option<Choice>),
    left: Vec<Item>,
    written: Vec<Key>,
) -> Result<Signed, OrderError> {
    let mut basket = Basket { items: left, pharmacy, version };
    let remaining = basket.items.len();
    if written.is_empty() {
        // Why each of them stayed is kept with it.
        basket.keep(pen, patient).await?;
        return Ok(Signed { signed: 0, left: remaining, written });
    }
    act.keep(change(pen, patient, &basket));
    pen.commit(act).await?;
    Ok(Signed { signed: written.len(), left: remaining, written })
}

/// What becomes of the draft; only over the version that was read.
fn change(pen: &Pen<'_>, patient: &Id, basket: &Basket) -> ItemChange {
    let drafts = Drafts::of(pen);
    let expect = basket.version.map_or(ItemExpect::Absent, ItemExpect::Version);
    if basket.items.is_empty() {
        return drafts.done(FORM, patient).expecting(expect);
    }
    let body = serde_json::to_value(basket).expect("a basket can be written");
    drafts.rest(FORM, patient, body).expecting(expect)
}

/// Ends the prescription that another one takes the place of.
async fn end(act: &mut Act, pen: &Pen<'_>, before: &str) -> Result<(), OrderError> {
    let key = Key::parse(before).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let mut value: Value = stored.value();
    let running = matches!(value.get("status").and_then(Value::as_str), Some("active" | "on-hold"));
    if running {
        value["status"] = "completed".into();
        act.update(key, stored.version, value);
    }
    Ok(())
}
