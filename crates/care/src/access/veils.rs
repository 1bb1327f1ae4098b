//! What labels and consents hide from one caller: docs/security/consent.md, sections 2, 3 and 5, made into veils.
//!
//! A policy may concern thousands of patients. What it says of many in the same words is one veil about all of them, so
//! its size grows with what is said, not with how many say it.

use super::consent::{Asker, Branch, Consent, Reader, any_of, both, is_nothing, nothing, without};
use super::label::{self, Label, Tier};
use super::roles::{Recipient, Roles};
use fhir::search::Registry;
use fhir::search::query::Patients;
use fhir::{Id, ResourceType};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Kinds, Purpose, Veil, Within};

/// All consents that count, by patient and id.
#[derive(Clone, Debug, Default)]
pub(super) struct Consents {
    pub(super) by_patient: BTreeMap<Id, BTreeMap<Id, Arc<Consent>>>,
    patient_of: BTreeMap<Id, Id>,
}

impl Consents {
    /// A Consent as it is now; `None`: it does not count any more.
    pub(super) fn put(&mut self, id: &Id, consent: Option<Consent>) {
        if let Some(before) = self.patient_of.remove(id)
            && let Some(of) = self.by_patient.get_mut(&before)
        {
            of.remove(id);
            if of.is_empty() {
                self.by_patient.remove(&before);
            }
        }
        if let Some(consent) = consent {
            self.patient_of.insert(id.clone(), consent.patient.clone());
            self.by_patient.entry(consent.patient.clone()).or_default().insert(id.clone(), Arc::new(consent));
        }
    }
}

/// Who looks, and at what moment.
pub(super) struct View<'a> {
    pub(super) registry: &'a Registry,
    pub(super) roles: &'a Roles,
    pub(super) recipient: Recipient,
    pub(super) asker: Asker,
    pub(super) purpose: Purpose,
    /// Patients in a treating relationship with them.
    pub(super) treating: Arc<Patients>,
    /// Whose records a patient or proxy may see.
    pub(super) own: Arc<Patients>,
    /// Patients for whom they have opened break-glass.
    pub(super) emergencies: Arc<Patients>,
    pub(super) consents: &'a Consents,
    /// Microseconds.
    pub(super) now: i64,
}

/// What is hidden, and the moment (microseconds) at which that changes by itself.
pub(super) struct Hidden {
    pub(super) veils: Vec<Veil>,
    pub(super) until: i64,
}

/// What the same words say of some patients.
#[derive(Default)]
struct Alike(BTreeMap<String, (Within, BTreeMap<Id, Vec<Id>>)>);

impl Alike {
    fn add(&mut self, patient: &Id, what: Within, consents: &[&Id]) {
        if is_nothing(&what) {
            return;
        }
        let entry = self.0.entry(format!("{what:?}")).or_insert_with(|| (what, BTreeMap::new()));
        let of = entry.1.entry(patient.clone()).or_default();
        of.extend(consents.iter().map(|it| (*it).clone()));
        of.dedup();
    }

    /// What is of these patients alone and passes.
    fn opened(self) -> Vec<Within> {
        let only = |(what, patients): (Within, BTreeMap<Id, Vec<Id>>)| {
            both(Within::OnlyOf(Arc::new(patients.into_keys().collect())), what)
        };
        self.0.into_values().map(only).collect()
    }
}

impl View<'_> {
    pub(super) fn hidden(&self) -> Hidden {
        let health = ["clinical", "money"].map(|name| self.roles.group(name));
        let health: Kinds = health.iter().flat_map(Kinds::iter).chain(ResourceType::parse("Provenance")).collect();
        let compartment: Vec<ResourceType> = ResourceType::all()
            .filter(|it| it.name() == "Patient" || !self.registry.compartment_slots("Patient", *it).is_empty())
            .collect();
        let reader = Reader { registry: self.registry, health, compartment: &compartment };
        let mut hidden = Alike::default();
        let mut opened: BTreeMap<Option<Label>, Alike> = BTreeMap::new();
        let mut until = i64::MAX;
        for (patient, consents) in &self.consents.by_patient {
            if self.recipient.is_portal() && !self.own.ids().contains(patient) {
                continue;
            }
            until = consents.values().filter_map(|it| it.turns(self.now)).fold(until, i64::min);
            let emergency = self.emergencies.ids().contains(patient);
            let purpose = if emergency { Purpose::Emergency } else { self.purpose };
            let branches: Vec<(&Id, Branch)> = consents
                .iter()
                .flat_map(|(id, it)| {
                    it.branches(&reader, &self.asker, purpose, self.now).into_iter().map(move |it| (id, it))
                })
                .collect();
            self.deny(patient, &branches, emergency, &mut hidden);
            if self.recipient != Recipient::Themself && !emergency {
                self.open(patient, &branches, &mut opened);
            }
        }
        let mut veils: Vec<Veil> = hidden.0.into_values().map(|it| denial(it.0, it.1)).collect();
        veils.extend(self.labels(&mut opened));
        if self.purpose == Purpose::Research {
            let shown = self.lifted(opened.remove(&None).unwrap_or_default().opened());
            let hides = both(Within::Kinds(health), without(any_of(shown)));
            veils.push(Veil { rule: "purpose/HRESCH".into(), kinds: Kinds::all(), hides, names: BTreeMap::new() });
        }
        Hidden { veils, until }
    }

    /// Sections 2 (3 to 5) and 5: a denial that names them; one that names nobody, unless a permit names them.
    fn deny(&self, patient: &Id, branches: &[(&Id, Branch)], emergency: bool, hidden: &mut Alike) {
        let covered = |deny: bool, named: bool| {
            let fit = branches.iter().filter(move |(_, it)| it.deny == deny && it.named == named);
            any_of(fit.map(|(_, it)| it.covers.clone()).collect())
        };
        let themself = self.recipient == Recipient::Themself;
        let general = if emergency || themself { nothing() } else { covered(true, false) };
        let hides = any_of(vec![covered(true, true), both(general, without(covered(false, true)))]);
        let consents: Vec<&Id> = branches.iter().filter(|(_, it)| it.deny).map(|(id, _)| *id).collect();
        hidden.add(patient, hides, &consents);
    }

    /// Section 3: what permits open, by label; `None` is what is ordinary.
    fn open(&self, patient: &Id, branches: &[(&Id, Branch)], opened: &mut BTreeMap<Option<Label>, Alike>) {
        let permits: Vec<&Branch> = branches.iter().map(|(_, it)| it).filter(|it| !it.deny).collect();
        if permits.is_empty() {
            return;
        }
        for label in Label::ALL.into_iter().map(Some).chain([None]) {
            let enough = |it: &&&Branch| label.is_none_or(|label| self.is_enough(label, it));
            let covers = any_of(permits.iter().filter(enough).map(|it| it.covers.clone()).collect());
            opened.entry(label).or_default().add(patient, covers, &[]);
        }
    }

    fn is_enough(&self, label: Label, permit: &Branch) -> bool {
        if !permit.speaks_of(label) {
            return false;
        }
        match (self.recipient, self.purpose, label.tier()) {
            (Recipient::Themself, ..) => true,
            (Recipient::ProxyLimited, ..) => false,
            (Recipient::Proxy, ..) => permit.named,
            (_, _, Tier::Restricted) => true,
            (_, Purpose::Legal, Tier::Closed) => permit.named,
            (_, _, Tier::Closed) => permit.named || permit.labels.contains(&label),
        }
    }

    fn labels(&self, opened: &mut BTreeMap<Option<Label>, Alike>) -> Vec<Veil> {
        let closed: &[Label] = match self.recipient {
            Recipient::Themself => &[],
            Recipient::Proxy => &[Label::MinorPrivate],
            _ => &Label::ALL,
        };
        let veil = |label: &Label| {
            let mut shown = opened.remove(&Some(*label)).unwrap_or_default().opened();
            if self.recipient == Recipient::Treating && self.purpose == Purpose::Treatment {
                shown.push(of(&self.treating));
            }
            let shown = without(any_of(self.lifted(shown)));
            let bears = both(label::marked(self.registry), label.within(self.registry));
            Veil { rule: label.rule(), kinds: Kinds::all(), hides: both(bears, shown), names: BTreeMap::new() }
        };
        closed.iter().map(veil).collect()
    }

    fn lifted(&self, mut shown: Vec<Within>) -> Vec<Within> {
        shown.push(of(&self.emergencies));
        shown.retain(|it| !is_nothing(it));
        shown
    }
}

fn of(patients: &Arc<Patients>) -> Within {
    if patients.ids().is_empty() { nothing() } else { Within::OnlyOf(patients.clone()) }
}

/// The audit log names the Consent, also where one veil stands for many.
fn denial(what: Within, of: BTreeMap<Id, Vec<Id>>) -> Veil {
    let named = |consents: &Vec<Id>| -> Arc<str> {
        let each: Vec<String> = consents.iter().map(|id| format!("consent/{id}")).collect();
        each.join(" ").into()
    };
    let names: BTreeMap<Id, Arc<str>> =
        of.iter().map(|(patient, consents)| (patient.clone(), named(consents))).collect();
    let patients = Within::Of(Arc::new(of.into_keys().collect()));
    Veil { rule: "consent".into(), kinds: Kinds::all(), hides: both(patients, what), names }
}
