//! The basket: orders of one clinician for one patient that nobody has signed. It is a draft on the server; every change
//! is on disk when it is answered, and two windows on one basket never overwrite each other.

use super::sets::What;
use super::sig::Sig;
use super::{Kind, OrderError};
use crate::act::Pen;
use crate::chart::element::{at, concept, list, owned, text};
use crate::draft::Drafts;
use crate::drugs::{self, Drug, Supply};
use crate::orders::catalogue::{self, Orderable};
use crate::pharmacy::{Chosen, directory};
use fhir::{Id, Key, Value};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the draft.
pub const FORM: &str = "basket";
/// More than this is no basket but a mistake.
const MOST: usize = 60;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Basket {
    pub items: Vec<Item>,
    /// To which pharmacy its prescriptions go; when nobody chose, to the one the patient likes best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pharmacy: Option<Choice>,
    /// Of the draft; none before the first order.
    #[serde(skip)]
    pub version: Option<u64>,
}

/// What was chosen for the prescriptions of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Printed, or told by telephone: nothing is sent.
    None,
    At(Chosen),
}

/// Where an order comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    New,
    /// The same again: the prescription it continues.
    Renew(String),
    /// With other directions: the prescription it takes the place of.
    Change(String),
}

impl State {
    /// `MedicationRequest/7`: what is ended when this is signed.
    pub fn replaces(&self) -> Option<&str> {
        match self {
            State::New => None,
            State::Renew(it) | State::Change(it) => Some(it),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Indication {
    /// Of the Condition.
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub id: String,
    pub kind: Kind,
    /// Of the drug list or the catalogue; what was typed has none.
    pub key: Option<String>,
    pub name: String,
    pub state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<Sig>,
    /// Medication and directions of the prescription that is renewed, as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// For how long the quantity is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply_days: Option<u32>,
    #[serde(default)]
    pub refills: u32,
    /// A day; none is today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indication: Option<Indication>,
    /// `routine`, `urgent`, `stat`.
    #[serde(default = "routine")]
    pub priority: String,
    /// For whoever carries it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Where it is to be filled; set when it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pharmacy: Option<Chosen>,
    /// Reasons given for going on, by the key of the alert.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, String>,
    /// It was not signed with the others, because of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stayed: Option<String>,
}

fn routine() -> String {
    "routine".into()
}

pub const PRIORITIES: [&str; 3] = ["routine", "urgent", "stat"];

/// What is wrong with a field of the order form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It must be there.
    Missing,
    /// Not a number, or none above zero.
    Number,
    Day,
    /// A drug of schedule II is not refilled; of III and IV at most five times (21 CFR 1306.12, 1306.22).
    Refills,
    /// Not one of those offered.
    Choice,
}

/// The order form, as it was filled in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    pub dose: String,
    pub timing: String,
    pub route: String,
    pub how: String,
    pub need: String,
    pub days: String,
    pub more: String,
    pub quantity: String,
    pub refills: String,
    pub start: String,
    pub indication: String,
    pub priority: String,
    pub note: String,
}

/// What came of a form: the order as far as it could be read, and what was wrong, by field.
pub struct Filled {
    pub item: Item,
    pub faults: Vec<(&'static str, Fault)>,
}

impl Basket {
    pub async fn open(pen: &Pen<'_>, patient: &Id) -> Result<Basket, OrderError> {
        let Some(draft) = Drafts::of(pen).read(FORM, patient).await? else { return Ok(Basket::default()) };
        // A basket of another version of the program that cannot be read is not thrown away: it conflicts.
        let basket: Basket = serde_json::from_value(draft.body).map_err(|_| OrderError::Changed)?;
        Ok(Basket { version: Some(draft.version), ..basket })
    }

    /// Keeps it, or throws the draft away when it is empty.
    pub async fn keep(&mut self, pen: &Pen<'_>, patient: &Id) -> Result<(), OrderError> {
        let drafts = Drafts::of(pen);
        if self.items.is_empty() {
            if self.version.take().is_some() {
                drafts.discard(FORM, patient).await?;
            }
            return Ok(());
        }
        let body = serde_json::to_value(&*self).expect("a basket can be written");
        self.version = Some(drafts.keep(FORM, patient, body, self.version).await?.version);
        Ok(())
    }

    /// The pharmacy to which its prescriptions go.
    pub async fn dispenser(&self, pen: &Pen<'_>, patient: &Id) -> Result<Option<Chosen>, OrderError> {
        match &self.pharmacy {
            Some(Choice::None) => Ok(None),
            Some(Choice::At(chosen)) => Ok(Some(chosen.clone())),
            None => Ok(directory::favourite(pen, patient).await?),
        }
    }

    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|it| it.id == id)
    }

    /// Puts an order in; what is there already is not put in twice.
    pub fn add(&mut self, item: Item) -> bool {
        let there = |it: &Item| it.kind == item.kind && it.name == item.name && it.state == item.state;
        if self.items.len() >= MOST || self.items.iter().any(there) {
            return false;
        }
        self.items.push(item);
        true
    }

    pub fn remove(&mut self, id: &str) -> Option<Item> {
        let at = self.items.iter().position(|it| it.id == id)?;
        Some(self.items.remove(at))
    }

    pub fn replace(&mut self, item: Item) -> bool {
        match self.items.iter_mut().find(|it| it.id == item.id) {
            Some(place) => {
                *place = item;
                true
            }
            None => false,
        }
    }
}

impl Item {
    fn bare(pen: &Pen<'_>, kind: Kind, name: &str) -> Item {
        Item {
            id: pen.organisation.surroundings.new_id(),
            kind,
            key: None,
            name: name.to_owned(),
            state: State::New,
            sig: None,
            copied: None,
            quantity: None,
            unit: String::new(),
            supply_days: None,
            refills: 0,
            start: None,
            indication: None,
            priority: routine(),
            note: String::new(),
            pharmacy: None,
            reasons: BTreeMap::new(),
            stayed: None,
        }
    }

    pub fn of(pen: &Pen<'_>, what: What) -> Item {
        match what {
            What::Drug(drug) => Item::of_drug(pen, drug),
            What::Order(order) => Item::of_order(pen, order),
        }
    }

    /// A drug as it is usually taken.
    fn of_drug(pen: &Pen<'_>, drug: &Drug) -> Item {
        let sig = Sig::usual(drug);
        let (quantity, unit, days) = match &drug.supply {
            Supply::Days(days) => (sig.quantity(*days), sig.unit().to_owned(), Some(*days)),
            Supply::Fixed(amount, unit) => (Some(*amount), unit.clone(), None),
        };
        Item {
            key: Some(drug.key.clone()),
            sig: Some(sig),
            quantity,
            unit,
            supply_days: days,
            refills: drug.refills,
            ..Item::bare(pen, Kind::Drug, &drug.name)
        }
    }

    fn of_order(pen: &Pen<'_>, order: &Orderable) -> Item {
        Item { key: Some(order.key.to_owned()), ..Item::bare(pen, order.kind, order.name) }
    }

    /// What was typed and is on no list: nothing is known of it.
    pub fn typed(pen: &Pen<'_>, kind: Kind, name: &str) -> Option<Item> {
        let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        let sig = (kind == Kind::Drug).then(|| Sig {
            dose: Decimal::ONE,
            form: "tablet".into(),
            route: "oral".into(),
            timing: String::new(),
            how: None,
            as_needed: None,
            days: None,
            more: None,
        });
        let unit = if kind == Kind::Drug { "tablet" } else { "" };
        (!name.is_empty()).then(|| Item { sig, unit: unit.into(), ..Item::bare(pen, kind, &name) })
    }

    /// A prescription once more, as it was.
    pub fn again(pen: &Pen<'_>, prescription: &Value) -> Option<Item> {
        let id = text(prescription, &["id"])?;
        let medication = prescription.get("medicationCodeableConcept");
        let shown = || owned(prescription, &["medicationReference", "display"]);
        let name = medication.and_then(concept).or_else(shown)?;
        let mut copied = serde_json::json!({});
        for member in ["medicationCodeableConcept", "medicationReference", "dosageInstruction", "contained"] {
            if let Some(value) = prescription.get(member) {
                copied[member] = value.clone();
            }
        }
        let dispense = prescription.get("dispenseRequest");
        let amount = dispense.and_then(|it| at(it, &["quantity"]));
        let code = medication.and_then(|it| {
            let rxnorm = |it: &&Value| text(it, &["system"]) == Some(drugs::RXNORM);
            list(it, "coding").iter().find(rxnorm).and_then(|it| text(it, &["code"]))
        });
        let drug = drugs::all().iter().find(|it| it.code.as_deref().is_some_and(|own| Some(own) == code));
        let reason = list(prescription, "reasonReference").iter().find_map(|it| {
            let id = text(it, &["reference"])?.strip_prefix("Condition/")?.to_owned();
            Some(Indication { name: owned(it, &["display"]).unwrap_or_default(), id })
        });
        Some(Item {
            key: drug.map(|it| it.key.clone()),
            state: State::Renew(format!("MedicationRequest/{id}")),
            copied: Some(copied),
            quantity: amount.and_then(|it| it.get("value")?.as_number()?.to_string().parse().ok()),
            unit: amount.and_then(|it| owned(it, &["unit"])).unwrap_or_default(),
            supply_days: dispense
                .and_then(|it| at(it, &["expectedSupplyDuration", "value"])?.as_u64())
                .and_then(|it| u32::try_from(it).ok()),
            refills: dispense
                .and_then(|it| at(it, &["numberOfRepeatsAllowed"])?.as_u64())
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or_default(),
            indication: reason,
            ..Item::bare(pen, Kind::Drug, &name)
        })
    }

    /// A prescription of this patient once more.
    pub async fn renewal(pen: &Pen<'_>, patient: &Id, prescription: &Id) -> Result<Item, OrderError> {
        let key = Key::parse(&format!("MedicationRequest/{prescription}")).ok_or(OrderError::Unknown)?;
        let value = pen.store().read(pen.caller, &key).await?.value();
        if text(&value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
            return Err(OrderError::Unknown);
        }
        Item::again(pen, &value).ok_or(OrderError::Unknown)
    }

    /// A favourite: the same order for another patient.
    pub fn fresh(self, pen: &Pen<'_>) -> Item {
        Item {
            id: pen.organisation.surroundings.new_id(),
            state: State::New,
            start: None,
            indication: None,
            reasons: BTreeMap::new(),
            stayed: None,
            ..self
        }
    }

    pub fn drug(&self) -> Option<&'static Drug> {
        self.key.as_deref().filter(|_| self.kind == Kind::Drug).and_then(drugs::by_key)
    }

    /// Of the Controlled Substances Act, where it is a controlled drug.
    pub fn schedule(&self) -> Option<u8> {
        if self.kind != Kind::Drug {
            return None;
        }
        match self.drug() {
            Some(drug) => drug.schedule,
            None => drugs::schedule_of(&self.concept()),
        }
    }

    /// The medicine as a concept: as it was on the prescription that is renewed, else by its name.
    pub(super) fn concept(&self) -> Value {
        let copied = self.copied.as_ref().and_then(|it| it.get("medicationCodeableConcept")).cloned();
        copied.unwrap_or_else(|| serde_json::json!({ "text": self.name }))
    }

    pub fn orderable(&self) -> Option<&'static Orderable> {
        self.key.as_deref().filter(|_| self.kind != Kind::Drug).and_then(catalogue::by_key)
    }

    /// Directions as they were written on the prescription that is renewed.
    pub fn copied_directions(&self) -> Option<String> {
        let lines = list(self.copied.as_ref()?, "dosageInstruction");
        let words: Vec<&str> = lines.iter().filter_map(|it| text(it, &["text"])).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// What is still missing before it can be signed, by field.
    pub fn missing(&self) -> Vec<(&'static str, Fault)> {
        let mut faults = Vec::new();
        if self.kind != Kind::Drug {
            return faults;
        }
        match &self.sig {
            Some(sig) => faults.extend(sig.missing().into_iter().map(|it| (it, Fault::Missing))),
            None if self.copied.is_none() => faults.push(("dose", Fault::Missing)),
            None => {}
        }
        if self.copied.is_none() && self.quantity.is_none() {
            faults.push(("quantity", Fault::Missing));
        }
        if self.refills > most_refills(self.drug()) {
            faults.push(("refills", Fault::Refills));
        }
        faults
    }

    /// The order with what was filled in. Whether the indication is this patient's is for who asked for it to say.
    pub fn filled(mut self, given: &Given, problems: &[Indication]) -> Filled {
        let mut faults: Vec<(&'static str, Fault)> = Vec::new();
        if self.kind == Kind::Drug && self.sig.is_some() {
            self.fill_directions(given, &mut faults);
        }
        if self.kind == Kind::Drug {
            match whole(&given.refills) {
                Ok(refills) => self.refills = refills.unwrap_or_default(),
                Err(fault) => faults.push(("refills", fault)),
            }
            if self.refills > most_refills(self.drug()) {
                faults.push(("refills", Fault::Refills));
            }
        }
        self.start = match given.start.trim() {
            "" => None,
            day => {
                if day.parse::<Date>().is_err() {
                    faults.push(("start", Fault::Day));
                }
                Some(day.to_owned())
            }
        };
        self.indication = problems.iter().find(|it| it.id == given.indication).cloned();
        self.priority = match PRIORITIES.iter().find(|it| **it == given.priority) {
            Some(priority) => (*priority).to_owned(),
            None => routine(),
        };
        self.note = given.note.trim().chars().take(1000).collect();
        self.stayed = None;
        Filled { item: self, faults }
    }

    fn fill_directions(&mut self, given: &Given, faults: &mut Vec<(&'static str, Fault)>) {
        let Some(sig) = &mut self.sig else { return };
        match number(&given.dose) {
            Some(dose) => sig.dose = dose,
            None => faults.push(("dose", Fault::Number)),
        }
        sig.timing = given.timing.clone();
        if !given.route.is_empty() {
            sig.route = given.route.clone();
        }
        sig.how = some(&given.how);
        sig.as_needed = some(&given.need);
        sig.more = some(&given.more);
        match whole(&given.days) {
            Ok(days) => sig.days = days.filter(|it| *it > 0),
            Err(fault) => faults.push(("days", fault)),
        }
        let missing = sig.missing();
        faults.extend(missing.into_iter().filter(|it| *it != "dose").map(|it| (it, Fault::Missing)));
        match given.quantity.trim() {
            // Left empty it follows from the directions.
            "" => {
                let days = sig.days.or(self.supply_days).unwrap_or(30);
                self.quantity = sig.quantity(days);
                self.supply_days = Some(days);
                if self.quantity.is_none() {
                    faults.push(("quantity", Fault::Missing));
                }
            }
            written => match number(written) {
                Some(quantity) => {
                    self.quantity = Some(quantity);
                    self.supply_days = sig.days_of(quantity);
                }
                None => faults.push(("quantity", Fault::Number)),
            },
        }
    }
}

/// How often a drug may be refilled.
pub fn most_refills(drug: Option<&Drug>) -> u32 {
    match drug.and_then(|it| it.schedule) {
        Some(2) => 0,
        Some(3 | 4) => 5,
        _ => 11,
    }
}

fn some(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(300).collect();
    (!text.is_empty()).then_some(text)
}

/// A number above zero.
fn number(text: &str) -> Option<Decimal> {
    let number: Decimal = text.trim().replace(',', ".").parse().ok()?;
    (number > Decimal::ZERO && number < Decimal::from(100_000)).then_some(number)
}

fn whole(text: &str) -> Result<Option<u32>, Fault> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse::<u32>().ok().filter(|it| *it <= 3_650).map(Some).ok_or(Fault::Number),
    }
}
