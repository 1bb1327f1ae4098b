//! What a caller may do, as data the query builder understands. `care::access` composes rights from roles, scopes,
//! relationships, consents and labels; the store enforces them and decides nothing itself.
//!
//! Something is permitted when every [`Layer`] permits it and no [`Veil`] hides it. A layer permits what any of its
//! grants permits. What no grant names is refused: deny is the default.
//!
//! Actions are those of SMART App Launch 2.2, section 3.0.2.2 (c r u d s).

use crate::context;
use fhir::search::Registry;
use fhir::search::query::{Filter, Of, Patients, ReferenceTest, Source, Test};
use fhir::search::row::Slot;
use fhir::{Id, Key, ResourceType};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock, RwLock};

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
    /// Those of no patient at all.
    OfNobody,
    /// Those that pass (granular scopes: `category=…`; relationships: `participant=Practitioner/7`).
    Matching(Filter),
    /// All of these types.
    Kinds(Kinds),
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
    /// Where one veil stands for many patients: the rule of each, as the audit log names it.
    pub names: BTreeMap<Id, Arc<str>>,
}

/// What one caller may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rights {
    layers: Vec<Layer>,
    veils: Vec<Veil>,
    /// Permissions that are not about resources: `audit.read`, `users.manage`, `apps.manage`, `break-glass`.
    may: BTreeSet<Arc<str>>,
    everything: bool,
    compiled: Compiled,
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
        Rights { layers, veils, may, everything: false, compiled: Compiled::default() }
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

    /// Whether a rule has names of its own for patients.
    pub(crate) fn names_patients(&self, rule: &str) -> bool {
        self.veils.iter().any(|it| *it.rule == *rule && !it.names.is_empty())
    }

    /// The rule that hid something of this patient, more precisely.
    pub(crate) fn rule_of(&self, rule: &str, patient: &Id) -> Option<Arc<str>> {
        self.veils.iter().filter(|it| *it.rule == *rule).find_map(|it| it.names.get(patient)).cloned()
    }

    /// Veils hide what is there, so they are part of every answer but that for `Create`.
    pub fn permit(&self, registry: &Registry, kind: ResourceType, action: Action) -> Permit {
        self.judged(registry, kind, action, action != Action::Create).permit()
    }

    /// The same by rule, remembered as long as the search parameters stay the same.
    pub(crate) fn ruling(&self, registry: &Arc<Registry>, kind: ResourceType, action: Action) -> Arc<Ruling> {
        self.remembered(registry, kind, action, action != Action::Create)
    }

    /// What the layers alone permit: how a resource must be that is about to be written.
    pub(crate) fn granted(&self, registry: &Arc<Registry>, kind: ResourceType, action: Action) -> Arc<Ruling> {
        self.remembered(registry, kind, action, false)
    }

    fn remembered(&self, registry: &Arc<Registry>, kind: ResourceType, action: Action, veiled: bool) -> Arc<Ruling> {
        let key = (kind, action, veiled);
        if let Some(known) = self.compiled.rulings.of(registry, |them| them.get(&key).cloned()) {
            return known;
        }
        let ruling = Arc::new(self.judged(registry, kind, action, veiled));
        self.compiled.rulings.keep(registry, |them| them.insert(key, ruling.clone()));
        ruling
    }

    fn judged(&self, registry: &Registry, kind: ResourceType, action: Action, veiled: bool) -> Ruling {
        let mut ruling = Ruling::default();
        if self.everything {
            return ruling;
        }
        if self.layers.is_empty() {
            return Ruling { refused_by: Some("nothing granted".into()), ..ruling };
        }
        for layer in &self.layers {
            let fitting = layer.grants.iter().filter(|it| it.actions.contains(action) && it.kinds.contains(kind));
            let withins: Vec<&Within> = fitting.map(|it| &it.within).collect();
            if withins.is_empty() {
                return Ruling { refused_by: Some(layer.name.clone()), ..Ruling::default() };
            }
            if !withins.contains(&&Within::Organisation) {
                let parts = withins.into_iter().map(|it| self.within(registry, kind, it)).collect();
                ruling.rules.push((layer.name.clone(), any(parts)));
            }
        }
        if veiled {
            let veils = self.veils.iter().filter(|it| it.kinds.contains(kind));
            let hides = veils.map(|it| (it.rule.clone(), self.within(registry, kind, &it.hides)));
            let some = hides.filter(|(_, hides)| *hides != Filter::nothing());
            ruling.rules.extend(some.map(|(rule, hides)| (rule, Filter::Not(Box::new(hides)))));
        }
        if veiled && context::is_binary(kind) {
            let readable = context::readable(registry, |kind| self.judged(registry, kind, Action::Read, true));
            ruling.rules.push(("security-context".into(), readable));
        }
        ruling.rules.retain(|(_, filter)| *filter != Filter::everything());
        ruling.compartment = registry.compartment_slots("Patient", kind);
        ruling
    }

    fn within(&self, registry: &Registry, kind: ResourceType, it: &Within) -> Filter {
        let each =
            |parts: &[Within]| -> Vec<Filter> { parts.iter().map(|it| self.within(registry, kind, it)).collect() };
        match it {
            Within::Organisation => Filter::everything(),
            // A file is of whom its context is.
            Within::Patients(_) | Within::Of(_) | Within::OnlyOf(_) if context::is_binary(kind) => {
                context::of(registry, |kind| self.within(registry, kind, it))
            }
            Within::OfNobody if context::is_binary(kind) => context::of_nobody(registry),
            Within::Patients(ids) => in_compartments(registry, kind, &self.compiled.owners(ids)),
            Within::Of(patients) => of_patients(registry, kind, patients, Of::Some),
            Within::OnlyOf(patients) => of_patients(registry, kind, patients, Of::NoOther),
            Within::OfNobody => of_nobody(registry, kind),
            Within::Matching(filter) => filter.clone(),
            Within::Kinds(kinds) if kinds.contains(kind) => Filter::everything(),
            Within::Kinds(_) => Filter::nothing(),
            // What is certain for the type is left out, so that veils about other types cost nothing.
            Within::All(parts) => {
                let mut parts = each(parts);
                parts.retain(|it| *it != Filter::everything());
                match parts.len() {
                    _ if parts.contains(&Filter::nothing()) => Filter::nothing(),
                    1 => parts.remove(0),
                    _ => Filter::All(parts),
                }
            }
            Within::Any(parts) => {
                let mut parts = each(parts);
                parts.retain(|it| *it != Filter::nothing());
                match parts.len() {
                    _ if parts.contains(&Filter::everything()) => Filter::everything(),
                    1 => parts.remove(0),
                    _ => Filter::Any(parts),
                }
            }
            Within::Not(inner) => match self.within(registry, kind, inner) {
                it if it == Filter::everything() => Filter::nothing(),
                it if it == Filter::nothing() => Filter::everything(),
                it => Filter::Not(Box::new(it)),
            },
        }
    }

    /// What may be reached of all types, as one filter; remembered.
    pub(crate) fn of_all_kinds(&self, registry: &Arc<Registry>, action: Action) -> Filter {
        if let Some(known) = self.compiled.whole.of(registry, |them| them.get(&action).cloned()) {
            return known;
        }
        // Files are read by their address. Who may not read all of them finds none by searching everything: their
        // contexts would have to be looked at for each.
        let found =
            |kind: &ResourceType| !context::is_binary(*kind) || self.ruling(registry, *kind, action).is_always();
        let whole = self.of_kinds(registry, &ResourceType::all().filter(found).collect::<Vec<_>>(), action);
        self.compiled.whole.keep(registry, |them| them.insert(action, whole.clone()));
        whole
    }

    /// The same of some types. Types whose filters differ in nothing but their slots share one.
    pub(crate) fn of_kinds(&self, registry: &Arc<Registry>, kinds: &[ResourceType], action: Action) -> Filter {
        let mut alike: Vec<(Filter, Vec<ResourceType>)> = Vec::new();
        for kind in kinds {
            let ruling = self.ruling(registry, *kind, action);
            let filter = ruling.filter();
            if ruling.is_never() || filter == Filter::nothing() {
                continue;
            }
            let joint = alike.iter_mut().find_map(|(other, kinds)| {
                let joint = merged(registry, other, &filter)?;
                *other = joint;
                Some(kinds)
            });
            match joint {
                Some(kinds) => kinds.push(*kind),
                None => alike.push((filter, vec![*kind])),
            }
        }
        let part = |(filter, kinds): (Filter, Vec<ResourceType>)| match filter {
            // Its slots are of these types alone.
            Filter::Row { ref sources, .. } if sources.iter().all(|it| is_own(registry, it)) => filter,
            filter if filter == Filter::everything() => Filter::Kind(kinds),
            filter => Filter::All(vec![filter, Filter::Kind(kinds)]),
        };
        any(alike.into_iter().map(part).collect())
    }
}

/// What the rules say of one type and action.
#[derive(Debug, Default)]
pub(crate) struct Ruling {
    /// The layer that permits nothing of the kind.
    pub(crate) refused_by: Option<Arc<str>>,
    /// What must pass, each with the name of its rule; none: everything may.
    pub(crate) rules: Vec<(Arc<str>, Filter)>,
    /// The slots by which resources of the type belong to patients.
    pub(crate) compartment: Vec<Slot>,
}

impl Ruling {
    pub(crate) fn is_never(&self) -> bool {
        self.refused_by.is_some()
    }

    pub(crate) fn is_always(&self) -> bool {
        self.refused_by.is_none() && self.rules.is_empty()
    }

    /// All rules as one filter.
    pub(crate) fn filter(&self) -> Filter {
        match (self.is_never(), self.rules.as_slice()) {
            (true, _) => Filter::nothing(),
            (false, [(_, only)]) => only.clone(),
            (false, rules) => Filter::All(rules.iter().map(|(_, filter)| filter.clone()).collect()),
        }
    }

    fn permit(&self) -> Permit {
        match (self.is_never(), self.is_always()) {
            (true, _) => Permit::Never,
            (_, true) => Permit::Always,
            _ => Permit::Only(self.filter()),
        }
    }
}

/// Rulings as far as they were asked for. A copy of the rights begins without any.
#[derive(Default)]
struct Compiled {
    rulings: Remembered<HashMap<(ResourceType, Action, bool), Arc<Ruling>>>,
    whole: Remembered<HashMap<Action, Filter>>,
    /// By where the list of patients lies, which does not change while the rights live.
    owners: RwLock<HashMap<usize, Arc<[Key]>>>,
}

impl Compiled {
    /// The patients of a grant as keys; the filters of all types share them.
    fn owners(&self, ids: &[Id]) -> Arc<[Key]> {
        let place = ids.as_ptr() as usize;
        if let Some(known) = self.owners.read().expect("nobody panics while it holds the owners").get(&place) {
            return known.clone();
        }
        let patient = ResourceType::parse("Patient").expect("a type of R4");
        let owners: Arc<[Key]> = ids.iter().map(|id| Key::new(patient, id.clone())).collect();
        self.owners.write().expect("nobody panics while it holds the owners").insert(place, owners.clone());
        owners
    }
}

impl Clone for Compiled {
    fn clone(&self) -> Compiled {
        Compiled::default()
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Compiled) -> bool {
        true
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Something computed with these search parameters; others forget it.
struct Remembered<T>(RwLock<Option<(Arc<Registry>, T)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Remembered<T> {
        Remembered(RwLock::new(None))
    }
}

impl<T: Default> Remembered<T> {
    fn of<R>(&self, registry: &Arc<Registry>, get: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let held = self.0.read().expect("nobody panics while it holds a ruling");
        held.as_ref().filter(|(with, _)| Arc::ptr_eq(with, registry)).and_then(|(_, it)| get(it))
    }

    fn keep<R>(&self, registry: &Arc<Registry>, put: impl FnOnce(&mut T) -> R) {
        let mut held = self.0.write().expect("nobody panics while it holds a ruling");
        if !held.as_ref().is_some_and(|(with, _)| Arc::ptr_eq(with, registry)) {
            *held = Some((registry.clone(), T::default()));
        }
        if let Some((_, it)) = held.as_mut() {
            put(it);
        }
    }
}

fn any(mut filters: Vec<Filter>) -> Filter {
    if filters.len() == 1 { filters.remove(0) } else { Filter::Any(filters) }
}

fn of_patients(registry: &Registry, kind: ResourceType, patients: &Arc<Patients>, of: Of) -> Filter {
    let slots = registry.compartment_slots("Patient", kind);
    if patients.ids().is_empty() || (slots.is_empty() && kind.name() != "Patient") {
        return Filter::nothing();
    }
    Filter::OfPatients { patients: patients.clone(), slots, of }
}

fn of_nobody(registry: &Registry, kind: ResourceType) -> Filter {
    let patient = ResourceType::parse("Patient").expect("a type of R4");
    if kind == patient {
        return Filter::nothing();
    }
    let slots = registry.compartment_slots("Patient", kind);
    if slots.is_empty() {
        return Filter::everything();
    }
    let sources = slots.into_iter().map(|slot| Source { slot, only: Some(patient) }).collect();
    Filter::Not(Box::new(Filter::Row { sources, tests: vec![Test::Present] }))
}

/// What is in the compartment of one of these patients (FHIR R4 CompartmentDefinition/patient).
pub fn in_compartments(registry: &Registry, kind: ResourceType, patients: &Arc<[Key]>) -> Filter {
    if patients.is_empty() {
        return Filter::nothing();
    }
    let slots = registry.compartment_slots("Patient", kind);
    let sources: Vec<Source> = slots.into_iter().map(|slot| Source { slot, only: None }).collect();
    let mut ways = Vec::new();
    if kind.name() == "Patient" {
        ways.push(Filter::Keys(patients.clone()));
    }
    if !sources.is_empty() {
        let tests = vec![Test::Reference(ReferenceTest::ToAny(patients.clone()))];
        ways.push(Filter::Row { sources, tests });
    }
    any(ways)
}

/// Whether only resources of the slot's own type have rows there.
fn is_own(registry: &Registry, source: &Source) -> bool {
    let name = registry.slot_def(source.slot).name.split('.').next();
    name.is_some_and(|name| ResourceType::parse(name).is_some())
}

/// One filter for the types of both, where they differ in nothing but slots of their own.
fn merged(registry: &Registry, a: &Filter, b: &Filter) -> Option<Filter> {
    let each = |a: &[Filter], b: &[Filter]| -> Option<Vec<Filter>> {
        (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| merged(registry, a, b)).collect())?
    };
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Filter::All(a), Filter::All(b)) => Filter::All(each(a, b)?),
        (Filter::Any(a), Filter::Any(b)) => Filter::Any(each(a, b)?),
        (Filter::Not(a), Filter::Not(b)) => Filter::Not(Box::new(merged(registry, a, b)?)),
        (Filter::Row { sources: a, tests }, Filter::Row { sources: b, tests: same }) if tests == same => {
            if !a.iter().chain(b).all(|it| is_own(registry, it)) {
                return None;
            }
            let mut sources: Vec<Source> = a.iter().chain(b).copied().collect();
            sources.sort_unstable();
            sources.dedup();
            Filter::Row { sources, tests: tests.clone() }
        }
        (Filter::OfPatients { patients, slots: a, of }, Filter::OfPatients { patients: same, slots: b, of: alike })
            if patients == same && of == alike =>
        {
            let mut slots = [a.as_slice(), b.as_slice()].concat();
            slots.sort_unstable();
            slots.dedup();
            Filter::OfPatients { patients: patients.clone(), slots, of: *of }
        }
        _ => return None,
    })
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
        let Permit::Only(Filter::Row { tests, .. }) = it.permit(&registry, kind("Observation"), Action::Read) else {
            panic!("only the compartment")
        };
        let seven: Arc<[Key]> = [Key::parse("Patient/7").unwrap()].into();
        assert_eq!(tests, [Test::Reference(ReferenceTest::ToAny(seven))]);
    }

    #[test]
    fn a_veil_hides_what_is_granted() {
        let registry = Registry::r4();
        let hidden = Filter::Ids(vec![Id::parse("secret").unwrap()]);
        let veil =
            Veil { rule: "test".into(), kinds: Kinds::all(), hides: hidden.clone().into(), names: BTreeMap::new() };
        let it = rights(&[&[grant(&["Patient"], "rs", Within::Organisation)]], vec![veil]);
        let permit = it.permit(&registry, kind("Patient"), Action::Read);
        assert_eq!(permit, Permit::Only(Filter::Not(Box::new(hidden))));
    }

    #[test]
    fn types_that_differ_in_their_slots_alone_share_one_filter() {
        let registry = Registry::r4();
        let it = Rights::patient(Id::parse("7").unwrap());
        let Filter::Any(parts) = it.of_all_kinds(&registry, Action::Search) else { panic!("patients and all others") };
        assert_eq!(parts.len(), 2, "{parts:?}");
        let slots: usize = ResourceType::all().map(|kind| registry.compartment_slots("Patient", kind).len()).sum();
        let own = registry.compartment_slots("Patient", kind("Patient")).len();
        let Some(Filter::Row { sources, .. }) = parts.iter().find(|it| matches!(it, Filter::Row { .. })) else {
            panic!("one row test")
        };
        assert_eq!(sources.len(), slots - own);
    }

    #[test]
    fn slots_of_compartments_are_of_one_type_each() {
        let registry = Registry::r4();
        for kind in ResourceType::all() {
            for slot in registry.compartment_slots("Patient", kind) {
                let name = &registry.slot_def(slot).name;
                assert!(name.starts_with(&format!("{kind}.")), "{name} is a slot of {kind}");
            }
        }
    }

    #[test]
    fn what_was_compiled_is_forgotten_with_the_search_parameters() {
        let it = Rights::patient(Id::parse("7").unwrap());
        let (one, two) = (Registry::r4(), Arc::new(Registry::with(&Registry::r4(), &[]).0));
        let first = it.ruling(&one, kind("Observation"), Action::Read);
        assert!(Arc::ptr_eq(&first, &it.ruling(&one, kind("Observation"), Action::Read)));
        assert!(!Arc::ptr_eq(&first, &it.ruling(&two, kind("Observation"), Action::Read)));
    }

    #[test]
    fn what_is_certain_for_a_type_is_not_asked() {
        let registry = Registry::r4();
        let some: Kinds = [kind("Observation")].into_iter().collect();
        let secret = Within::Matching(Filter::Ids(vec![Id::parse("secret").unwrap()]));
        let hides =
            Within::All(vec![Within::Kinds(some), secret.clone(), Within::Not(Box::new(Within::Any(Vec::new())))]);
        let veil = Veil { rule: "test".into(), kinds: Kinds::all(), hides, names: BTreeMap::new() };
        let it = rights(&[&[grant(&["Patient", "Observation"], "rs", Within::Organisation)]], vec![veil]);
        assert_eq!(it.permit(&registry, kind("Patient"), Action::Read), Permit::Always);
        let Within::Matching(filter) = secret else { unreachable!("made above") };
        let only = Permit::Only(Filter::Not(Box::new(filter)));
        assert_eq!(it.permit(&registry, kind("Observation"), Action::Read), only);
    }

    #[test]
    fn types_outside_the_compartment_are_not_in_it() {
        let registry = Registry::r4();
        let it = Rights::patient(Id::parse("7").unwrap());
        assert_eq!(it.permit(&registry, kind("Practitioner"), Action::Read), Permit::Only(Filter::nothing()));
    }
}
