//! Random rights and random searches: who may see some resources finds what there would be to find if the others did
//! not exist. That world is made by judging every resource by the rights, one after the other.

use crate::dice::Dice;
use crate::oracle::{Asker, KINDS, filled, found};
use crate::places::{NOON, all};
use crate::world::{Held, World};
use fhir::search::brute::matches;
use fhir::search::query::{Filter, Patients};
use fhir::search::{Handling, Limits, Reading, Registry, Scope};
use fhir::{Id, Key, ResourceType};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{
    Action, Actions, Caller, Grant, HistoryQuery, HistoryScope, Kinds, Layer, PageQuery, Permit, Rights, Role, Veil,
    Within,
};

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

/// Makes up rights about what is there.
struct Granter<'a> {
    asker: Asker<'a>,
    reading: Reading<'a>,
}

impl Granter<'_> {
    fn dice(&mut self) -> &mut Dice {
        &mut self.asker.dice
    }

    fn kinds(&mut self) -> Kinds {
        match self.dice().below(4) {
            0 => Kinds::all(),
            _ => {
                let dice = self.dice();
                KINDS.iter().filter(|_| !dice.one_in(3)).map(|name| kind(name)).collect()
            }
        }
    }

    fn patients(&mut self) -> Vec<Id> {
        let count = self.dice().pick(&[1, 1, 2, 20]);
        (0..count).map(|_| Id::parse(&format!("patient{}", self.dice().below(42))).unwrap()).collect()
    }

    /// A condition on resources of one type.
    fn condition(&mut self, of: ResourceType) -> Filter {
        loop {
            let depth = self.dice().below(2);
            let asked = self.asker.condition(of, depth);
            if let Ok((query, _)) = self.reading.query(&Scope::Type(of), &[asked], Handling::Strict) {
                return query.filter;
            }
        }
    }

    fn within(&mut self, of: ResourceType) -> Within {
        match self.dice().below(6) {
            0 => Within::Organisation,
            1 | 2 => Within::Patients(self.patients()),
            3 => Within::Of(Arc::new(self.patients().into_iter().collect::<Patients>())),
            4 => Within::OnlyOf(Arc::new(self.patients().into_iter().collect::<Patients>())),
            _ => Within::Matching(self.condition(of)),
        }
    }

    fn rights(&mut self) -> Rights {
        let mut layers = Vec::new();
        for number in 0..self.dice().pick(&[1, 1, 1, 2]) {
            let mut grants = Vec::new();
            for _ in 0..1 + self.dice().below(3) {
                let kinds = self.kinds();
                // A condition is about the parameters of one type.
                let one = kind(self.dice().pick(&KINDS));
                let within = self.within(one);
                let kinds = if matches!(within, Within::Matching(_)) { [one].into_iter().collect() } else { kinds };
                grants.push(Grant { kinds, actions: Actions::LOOK, within });
            }
            layers.push(Layer { name: format!("layer {number}").into(), grants });
        }
        let mut veils = Vec::new();
        while self.dice().one_in(2) {
            let one = kind(self.dice().pick(&KINDS));
            let hides = Within::Any(vec![Within::Matching(self.condition(one)), self.within(one)]);
            let hides = Within::All(vec![Within::Kinds([one].into_iter().collect()), hides]);
            veils.push(Veil { rule: "veil".into(), kinds: Kinds::all(), hides, names: BTreeMap::new() });
        }
        Rights::new(layers, veils, BTreeSet::new())
    }
}

fn permitted(rights: &Rights, registry: &Registry, key: &Key, world: &World) -> bool {
    match rights.permit(registry, key.kind, Action::Search) {
        Permit::Never => false,
        Permit::Always => true,
        Permit::Only(filter) => matches(&filter, key, world),
    }
}

/// What there is of the world for somebody.
fn seen(rights: &Rights, registry: &Registry, world: &World) -> World {
    let held = world.held.iter().filter(|(key, _)| permitted(rights, registry, key, world));
    let copy = |it: &Held| Held { value: it.value.clone(), rows: it.rows.clone(), at: it.at };
    World { held: held.map(|(key, it)| (key.clone(), copy(it))).collect(), by_slot: BTreeMap::new() }
}

#[tokio::test]
async fn who_may_see_some_finds_what_there_would_be_without_the_others() {
    for place in all().await {
        let world = filled(&place).await;
        let registry = place.store.registry();
        let reading =
            Reading { registry: &registry, base: place.store.bases(), limits: Limits::default(), now: NOON / 1000 };
        let asker = |seed| Asker { registry: &registry, world: &world, dice: Dice(seed) };
        let mut granter = Granter { asker: asker(3), reading };
        let mut questions = asker(5);
        let reading =
            Reading { registry: &registry, base: place.store.bases(), limits: Limits::default(), now: NOON / 1000 };
        let (mut wrong, mut hits, mut misses, mut refused) = (Vec::new(), 0, 0, 0);
        for number in 0..testkit::dose(60, 600) {
            let rights = Arc::new(granter.rights());
            let caller = Caller { rights: rights.clone(), ..Caller::system("some") };
            let theirs = seen(&rights, &registry, &world);
            for _ in 0..20 {
                let (of, params) = questions.question();
                let Ok((query, _)) = reading.query(&Scope::Type(of), &params, Handling::Strict) else { continue };
                let all: BTreeSet<&Key> =
                    world.held.keys().filter(|key| key.kind == of && matches(&query.filter, key, &world)).collect();
                let expected: BTreeSet<&Key> =
                    theirs.held.keys().filter(|key| key.kind == of && matches(&query.filter, key, &theirs)).collect();
                hits += usize::from(!expected.is_empty());
                misses += usize::from(expected.len() < all.len());
                let size = questions.dice.pick(&[3, 1_000]);
                let told = || format!("{number}: {of}?{params:?} by {rights:?}");
                match found(&place, &caller, query.clone(), size).await {
                    Err(error) if rights.permit(&registry, of, Action::Search) == Permit::Never => {
                        refused += 1;
                        assert_eq!(error, "the caller may not do this");
                    }
                    Err(error) => wrong.push(format!("{error}: {}", told())),
                    Ok((keys, total)) => {
                        let unique: BTreeSet<&Key> = keys.iter().collect();
                        let missing: Vec<_> = expected.difference(&unique).take(3).collect();
                        let extra: Vec<_> = unique.difference(&expected).take(3).collect();
                        if unique != expected || unique.len() != keys.len() {
                            wrong.push(format!("missing {missing:?}, too much {extra:?}: {}", told()));
                        } else if total.is_some_and(|total| total != keys.len() as u64) {
                            wrong.push(format!("total {total:?} of {}: {}", keys.len(), told()));
                        }
                    }
                }
            }
            along(&place, &caller, &theirs, &mut wrong).await;
            by_name(&place, &caller, &registry, &theirs, &world, &mut wrong).await;
        }
        let shown = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} are wrong:\n{shown}", wrong.len());
        assert!(hits > 100 && misses > 100 && refused > 10, "{hits} hits, {misses} misses, {refused} refused");
    }
}

/// Inclusions bring what may be seen, reached through what may be seen.
async fn along(place: &crate::places::Place, caller: &Caller, theirs: &World, wrong: &mut Vec<String>) {
    let registry = place.store.registry();
    let reading =
        Reading { registry: &registry, base: place.store.bases(), limits: Limits::default(), now: NOON / 1000 };
    let asked = [("_include", "*"), ("_include:iterate", "*"), ("_revinclude:iterate", "*")];
    let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (query, _) = reading.query(&Scope::System, &asked, Handling::Strict).unwrap();
    let page = PageQuery { query, default_count: 5, max_count: 5, cursor: None };
    match place.store.search(caller, &page).await {
        Err(error) => wrong.push(format!("inclusions: {error}")),
        Ok(page) => {
            for entry in &page.entries {
                if !theirs.held.contains_key(&entry.stored.key) {
                    let role = if entry.role == Role::Match { "found" } else { "included" };
                    wrong.push(format!("{} is {role} for {:?}", entry.stored.key, caller.rights));
                }
            }
        }
    }
}

/// What is read, and whose versions are listed, is what is found.
async fn by_name(
    place: &crate::places::Place,
    caller: &Caller,
    registry: &Registry,
    theirs: &World,
    world: &World,
    wrong: &mut Vec<String>,
) {
    for key in world.held.keys().step_by(7) {
        let expected = theirs.held.contains_key(key);
        if caller.rights.permit(registry, key.kind, Action::Read) == Permit::Never {
            continue;
        }
        let read = place.store.read(caller, key).await.is_ok();
        let version = place.store.vread(caller, key, "1").await.is_ok();
        let scope = HistoryScope::Instance(key.clone());
        let asked = HistoryQuery { scope, since: None, at: None, count: 5, cursor: None };
        let history = place.store.history(caller, &asked).await.is_ok_and(|page| page.versions.len() == 1);
        if (read, version, history) != (expected, expected, expected) {
            let told = format!("read {read}, version {version}, history {history}, should be {expected}");
            wrong.push(format!("{key}: {told} by {:?}", caller.rights));
        }
    }
    let of = kind("Observation");
    if caller.rights.permit(registry, of, Action::Search) != Permit::Never {
        let asked = HistoryQuery { scope: HistoryScope::Kind(of), since: None, at: None, count: 500, cursor: None };
        match place.store.history(caller, &asked).await {
            Err(error) => wrong.push(format!("type history: {error}")),
            Ok(page) => {
                let listed: BTreeSet<&Key> = page.versions.iter().map(|it| &it.key).collect();
                let expected: BTreeSet<&Key> = theirs.held.keys().filter(|key| key.kind == of).collect();
                if listed != expected {
                    wrong.push(format!("type history of {:?}", caller.rights));
                }
            }
        }
    }
}
