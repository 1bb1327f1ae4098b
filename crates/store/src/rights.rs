//! What a caller may do, as data the query builder understands. `care::access` composes rights from roles, scopes,
//! relationships, consents and labels; the store enforces them and decides nothing itself.
//!
//! Something is permitted when every [`Layer`] permits it and no [`Veil`] hides it. A layer permits what any of its
//! grants permits. What no grant names is refused: deny is the default.
//!
//! Actions are those of SMART App Launch 2.2, section 3.0.2.2 (c r u d s).

use fhir::search::Registry;
use fhir::search::query::{Filter, Of, Patients};
use fhir::{Id, Key, ResourceType};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// One thing that can be done with resources of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Create,
    /// Also versions and the history of an instance, and what comes along with `_include`.
    Read,
    Update,
    Delete,
    /// Also conditions of conditional interactions, chains and the history of a type.
    Search,
}

impl Action {
    pub const ALL: [Action; 5] = [Action::Create, Action::Read, Action::Update, Action::Delete, Action::Search];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions(u8);

impl Actions {
    pub const NONE: Actions = Actions(0);
    pub const ALL: Actions = Actions(0b1_1111);
    /// Read and search.
    pub const LOOK: Actions = Actions(0b1_0010);

    /// Reads `cruds`, or a part of it in this order (SMART 2.2); anything else is `None`.
    pub fn parse(text: &str) -> Option<Actions> {
        let mut actions = Actions::NONE;
        let mut rest = "cruds".chars();
        for letter in text.chars() {
            // Taking from the rest keeps the order and refuses repetition.
            let place = rest.by_ref().position(|it| it == letter).map(|_| 4 - rest.as_str().len())?;
            actions.0 |= Action::ALL[place].bit();
        }
        (!text.is_empty()).then_some(actions)
    }

    pub fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    pub fn with(self, action: Action) -> Actions {
        Actions(self.0 | action.bit())
    }
}

/// A set of resource types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds([u64; 3]);

impl Kinds {
    pub const NONE: Kinds = Kinds([0; 3]);

    pub fn all() -> Kinds {
        ResourceType::all().collect()
    }

    pub fn contains(&self, kind: ResourceType) -> bool {
        let number = usize::from(kind.number());
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    pub fn insert(&mut self, kind: ResourceType) {
        let number = usize::from(kind.number());
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub fn iter(&self) -> impl Iterator<Item = ResourceType> {
        ResourceType::all().filter(|kind| self.contains(*kind))
    }
}

impl FromIterator<ResourceType> for Kinds {
    fn from_iter<I: IntoIterator<Item = ResourceType>>(kinds: I) -> Kinds {
        let mut set = Kinds::NONE;
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// Which of the resources of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Within {
    Organisation,
    /// Those in the compartment of one of these patients (FHIR R4 CompartmentDefinition/patient).
    Patients(Vec<Id>),
    /// Those of one of these patients, who may be many.
    Of(Arc<Patients>),
    /// Those of one of these patients and of no other patient.
    OnlyOf(Arc<Patients>),
    /// Those that pass (granular scopes: `category=…`; relationships: `participant=Practitioner/7`).
    Matching(Filter),
    All(Vec<Within>),
    Any(Vec<Within>),
    Not(Box<Within>),
}

impl From<Filter> for Within {
    fn from(filter: Filter) -> Within {
        Within::Matching(filter)
    }
}

/// These actions, on these types, on these resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub kinds: Kinds,
    pub actions: Actions,
    pub within: Within,
}

/// One source of rights: a role, the scopes of a token. Its name is told in the audit log when it refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub name: Arc<str>,
    pub grants: Vec<Grant>,
}

/// What is hidden although it would be permitted: a consent that denies, a label above the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Veil {
    /// The rule that hides, as the audit log names it: `consent/81f2`, `label/ETH`.
    pub rule: Arc<str>,
    pub kinds: Kinds,
    /// Whatever is within this is hidden.
    pub hides: Within,
}

/// What one caller may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rights {
    layers: Vec<Layer>,
    veils: Vec<Veil>,
    /// Permissions that are not about resources: `audit.read`, `users.manage`, `apps.manage`, `break-glass`.
    may: BTreeSet<Arc<str>>,
    everything: bool,
}

/// The answer for one type and action.
#[derive(Clone, Debug, PartialEq)]
pub enum Permit {
    Never,
    Always,
    /// Only what passes.
    Only(Filter),
}

static EVERYTHING: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights { everything: true, ..Rights::default() }));

impl Rights {
    /// No layer is no permission: at least one must be given.
    pub fn new(layers: Vec<Layer>, veils: Vec<Veil>, may: BTreeSet<Arc<str>>) -> Rights {
        Rights { layers, veils, may, everything: false }
    }

    /// All of the organisation: our own work.
    pub fn everything() -> Arc<Rights> {
        EVERYTHING.clone()
    }

    /// One patient's compartment, to look at.
    pub fn patient(id: Id) -> Arc<Rights> {
        let grant = Grant { kinds: Kinds::all(), actions: Actions::LOOK, within: Within::Patients(vec![id]) };
        let layer = Layer { name: "patient".into(), grants: vec![grant] };
        Arc::new(Rights::new(vec![layer], Vec::new(), BTreeSet::new()))
    }

    pub fn are_everything(&self) -> bool {
        self.everything
    }

    /// A permission that is not about resources.
    pub fn may(&self, permission: &str) -> bool {
        self.everything || self.may.contains(permission)
    }

    pub fn permit(&self, registry: &Registry, kind: ResourceType, action: Action) -> Permit {
        if self.everything {
            return Permit::Always;
        }
        let mut must = Vec::new();
        for layer in &self.layers {
            let fitting = layer.grants.iter().filter(|it| it.actions.contains(action) && it.kinds.contains(kind));
            let withins: Vec<&Within> = fitting.map(|it| &it.within).collect();
            if withins.is_empty() {
                return Permit::Never;
            }
            if !withins.contains(&&Within::Organisation) {
                must.push(any(withins.into_iter().map(|it| within(registry, kind, it)).collect()));
            }
        }
        if self.layers.is_empty() {
            return Permit::Never;
        }
        let veils = self.veils.iter().filter(|it| it.kinds.contains(kind));
        must.extend(veils.map(|it| Filter::Not(Box::new(within(registry, kind, &it.hides)))));
        match must.len() {
            0 => Permit::Always,
            1 => Permit::Only(must.remove(0)),
            _ => Permit::Only(Filter::All(must)),
        }
    }
}

fn any(mut filters: Vec<Filter>) -> Filter {
    if filters.len() == 1 { filters.remove(0) } else { Filter::Any(filters) }
}

fn within(registry: &Registry, kind: ResourceType, it: &Within) -> Filter {
    match it {
        Within::Organisation => Filter::everything(),
        Within::Patients(ids) => any(ids.iter().map(|id| in_compartment(registry, kind, id)).collect()),
        Within::Of(patients) => of_patients(registry, kind, patients, Of::Some),
        Within::OnlyOf(patients) => of_patients(registry, kind, patients, Of::NoOther),
        Within::Matching(filter) => filter.clone(),
        Within::All(parts) => Filter::All(parts.iter().map(|it| within(registry, kind, it)).collect()),
        Within::Any(parts) => Filter::Any(parts.iter().map(|it| within(registry, kind, it)).collect()),
        Within::Not(inner) => Filter::Not(Box::new(within(registry, kind, inner))),
    }
}

fn of_patients(registry: &Registry, kind: ResourceType, patients: &Arc<Patients>, of: Of) -> Filter {
    let slots = registry.compartment_slots("Patient", kind);
    if patients.ids().is_empty() || (slots.is_empty() && kind.name() != "Patient") {
        return Filter::nothing();
    }
    Filter::OfPatients { patients: patients.clone(), slots, of }
}

fn in_compartment(registry: &Registry, kind: ResourceType, patient: &Id) -> Filter {
    let owner = Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone());
    let slots = registry.compartment_slots("Patient", kind);
    if slots.is_empty() && kind != owner.kind {
        return Filter::nothing();
    }
    Filter::InCompartment { owner, slots }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> ResourceType {
        ResourceType::parse(name).unwrap()
    }

    fn rights(layers: &[&[Grant]], veils: Vec<Veil>) -> Rights {
        let layer = |grants: &&[Grant]| Layer { name: "test".into(), grants: grants.to_vec() };
        Rights::new(layers.iter().map(layer).collect(), veils, BTreeSet::new())
    }

    fn grant(kinds: &[&str], actions: &str, within: Within) -> Grant {
        let kinds = kinds.iter().map(|name| kind(name)).collect();
        Grant { kinds, actions: Actions::parse(actions).unwrap(), within }
    }

    #[test]
    fn actions_are_letters_in_their_order() {
        assert_eq!(Actions::parse("cruds"), Some(Actions::ALL));
        assert_eq!(Actions::parse("rs"), Some(Actions::LOOK));
        assert!(Actions::parse("d").unwrap().contains(Action::Delete));
        for wrong in ["", "sr", "rr", "x", "cruds ", "*"] {
            assert_eq!(Actions::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_no_grant_names_is_refused() {
        let registry = Registry::r4();
        let it = rights(&[&[grant(&["Patient"], "rs", Within::Organisation)]], Vec::new());
        assert_eq!(it.permit(&registry, kind("Patient"), Action::Read), Permit::Always);
        assert_eq!(it.permit(&registry, kind("Patient"), Action::Update), Permit::Never);
        assert_eq!(it.permit(&registry, kind("Observation"), Action::Read), Permit::Never);
        assert_eq!(Rights::default().permit(&registry, kind("Patient"), Action::Read), Permit::Never);
        assert_eq!(Rights::everything().permit(&registry, kind("Patient"), Action::Delete), Permit::Always);
    }

    #[test]
    fn every_layer_must_permit() {
        let registry = Registry::r4();
        let role = [grant(&["Patient", "Observation"], "cruds", Within::Organisation)];
        let scope = [grant(&["Observation"], "rs", Within::Patients(vec![Id::parse("7").unwrap()]))];
        let it = rights(&[&role, &scope], Vec::new());
        assert_eq!(it.permit(&registry, kind("Patient"), Action::Read), Permit::Never);
        assert_eq!(it.permit(&registry, kind("Observation"), Action::Create), Permit::Never);
        let Permit::Only(Filter::InCompartment { owner, .. }) = it.permit(&registry, kind("Observation"), Action::Read)
        else {
            panic!("only the compartment")
        };
        assert_eq!(owner.to_string(), "Patient/7");
    }

    #[test]
    fn a_veil_hides_what_is_granted() {
        let registry = Registry::r4();
        let hidden = Filter::Ids(vec![Id::parse("secret").unwrap()]);
        let veil = Veil { rule: "test".into(), kinds: Kinds::all(), hides: hidden.clone().into() };
        let it = rights(&[&[grant(&["Patient"], "rs", Within::Organisation)]], vec![veil]);
        let permit = it.permit(&registry, kind("Patient"), Action::Read);
        assert_eq!(permit, Permit::Only(Filter::Not(Box::new(hidden))));
    }

    #[test]
    fn types_outside_the_compartment_are_not_in_it() {
        let registry = Registry::r4();
        let it = Rights::patient(Id::parse("7").unwrap());
        assert_eq!(it.permit(&registry, kind("Practitioner"), Action::Read), Permit::Only(Filter::nothing()));
    }
}
