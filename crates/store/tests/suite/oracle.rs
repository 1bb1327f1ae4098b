//! Random searches find what looking at every resource finds, in the order asked, on pages that add up.

use crate::asking::{escaped, finding, moment, reference, start, token};
use crate::dice::Dice;
use crate::people::people;
use crate::places::{NOON, Place, all, me, put};
use crate::world::World;
use fhir::search::brute::matches;
use fhir::search::query::{Query, SortBy};
use fhir::search::row::{RowValue, SlotShape, Target};
use fhir::search::{Handling, Limits, Param, Reading, Registry, Scope};
use fhir::tables::SearchKind;
use fhir::{Key, ResourceType};
use std::collections::BTreeSet;
use store::{Batch, Caller, PageQuery, Role};

pub(crate) const KINDS: [&str; 9] = [
    "Patient",
    "Observation",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "Practitioner",
    "Organization",
    "RiskAssessment",
    "List",
];
const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

fn kind(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

pub(crate) async fn filled(place: &Place) -> World {
    let mut dice = Dice(7);
    let registry = place.store.registry();
    let mut world = World::default();
    for (at, values) in people(&mut dice).chunks(40).enumerate() {
        let now = NOON + at as i64 * 1_000_000;
        let writes = values.iter().cloned().map(put).collect();
        let batch = Batch { writes, guards: Vec::new(), action: "test", ..Batch::default() };
        for (outcome, value) in place.store.commit(&me(), batch, now).await.unwrap().into_iter().zip(values) {
            world.add(&registry, place.store.bases(), outcome.key, value.clone(), outcome.at / 1000);
        }
    }
    world
}

/// Makes up searches from what is there.
pub(crate) struct Asker<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) world: &'a World,
    pub(crate) dice: Dice,
}

impl Asker<'_> {
    fn param(&mut self, kind: ResourceType) -> &'_ Param {
        let params: Vec<&Param> = self
            .registry
            .params(kind)
            .filter(|it| !it.sources.is_empty() && it.position.is_none())
            .filter(|it| it.sources.iter().any(|source| self.world.by_slot.contains_key(&source.slot)))
            .collect();
        self.dice.pick(&params)
    }

    /// A condition on resources of this type.
    pub(crate) fn condition(&mut self, kind: ResourceType, depth: usize) -> (String, String) {
        match self.dice.below(if depth > 0 { 12 } else { 8 }) {
            8 | 9 => self.chain(kind, depth).unwrap_or_else(|| self.plain(kind)),
            10 => self.has(kind, depth).unwrap_or_else(|| self.plain(kind)),
            11 => self.of_all(kind),
            _ => self.plain(kind),
        }
    }

    fn of_all(&mut self, of: ResourceType) -> (String, String) {
        let keys: Vec<&Key> = self.world.held.keys().filter(|key| key.kind == of).collect();
        let key = self.dice.pick(&keys).clone();
        let words = ["cough", "fever", "fev NOT cough", "nunez OR xray", "red", "x-ray", "clinic north", "mellitus"];
        match self.dice.below(5) {
            0 => ("_id".into(), format!("{},nobody", key.id)),
            1 => ("_text".into(), self.dice.pick(&words).into()),
            2 => ("_content".into(), self.dice.pick(&words).into()),
            3 => {
                let at = moment(self.world.held[&key].at).unwrap();
                ("_lastUpdated".into(), format!("{}{at}", self.dice.pick(&PREFIXES)))
            }
            _ => ("_list".into(), format!("list{}", self.dice.below(6))),
        }
    }

    /// `subject:Patient.name=…`
    fn chain(&mut self, of: ResourceType, depth: usize) -> Option<(String, String)> {
        let registry = self.registry;
        let params: Vec<&Param> =
            registry.params(of).filter(|it| it.kind == SearchKind::Reference && !it.canonical).collect();
        let param = self.dice.pick(if params.is_empty() { return None } else { &params });
        let targets: Vec<ResourceType> = self.kinds_at(param);
        let to = self.dice.pick(if targets.is_empty() { return None } else { &targets });
        let (name, value) = self.condition(to, depth - 1);
        Some((format!("{}:{to}.{name}", param.code), value))
    }

    /// `_has:Observation:subject:code=…`
    fn has(&mut self, of: ResourceType, depth: usize) -> Option<(String, String)> {
        let registry = self.registry;
        let from = kind(self.dice.pick(&KINDS));
        let params: Vec<&Param> = registry
            .params(from)
            .filter(|it| it.kind == SearchKind::Reference && !it.canonical && self.kinds_at(it).contains(&of))
            .collect();
        let param = self.dice.pick(if params.is_empty() { return None } else { &params });
        let (name, value) = self.condition(from, depth - 1);
        Some((format!("_has:{from}:{}:{name}", param.code), value))
    }

    /// The types that the references of a parameter point at in this world.
    fn kinds_at(&self, param: &Param) -> Vec<ResourceType> {
        let mut found = BTreeSet::new();
        for source in &param.sources {
            for (_, value) in self.world.by_slot.get(&source.slot).into_iter().flatten() {
                if let RowValue::Reference(Target::Local { key, .. }) = value {
                    let fits = source.only.is_none_or(|only| only == key.kind)
                        && (param.targets.is_empty() || param.targets.contains(&key.kind));
                    if fits && KINDS.contains(&key.kind.name()) {
                        found.insert(key.kind);
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    fn plain(&mut self, of: ResourceType) -> (String, String) {
        let param = self.param(of).clone();
        if self.dice.one_in(12) {
            return (format!("{}:missing", param.code), ["true", "false"][self.dice.below(2)].into());
        }
        let rows: Vec<&RowValue> = param
            .sources
            .iter()
            .chain(&param.identifiers)
            .filter_map(|source| self.world.by_slot.get(&source.slot))
            .flat_map(|rows| rows.iter().map(|(_, value)| value))
            .collect();
        let value = self.dice.pick(&rows).clone();
        let Some((name, first)) = self.asked(&param, &value) else {
            return (format!("{}:missing", param.code), "false".into());
        };
        // Now and then an alternative of the same form.
        if self.dice.one_in(4) {
            let other = self.dice.pick(&rows).clone();
            if let Some((_, second)) = self.asked(&param, &other).filter(|(again, _)| *again == name) {
                return (name, format!("{first},{second}"));
            }
        }
        (name, first)
    }

    fn asked(&mut self, param: &Param, value: &RowValue) -> Option<(String, String)> {
        let code = &param.code;
        let with = |modifier: &str, value: String| (!value.is_empty()).then(|| (format!("{code}{modifier}"), value));
        match (param.kind, value) {
            (SearchKind::Token, RowValue::Token(it)) => {
                let text = it.text.as_deref().unwrap_or("Body");
                let words: Vec<&str> = text.split(' ').collect();
                let word = start(self.dice.pick(&words), 1 + self.dice.below(6));
                match self.dice.below(7) {
                    0 => with("", escaped(it.code.as_deref()?)),
                    1 => with("", escaped(&it.code.as_deref()?.to_uppercase())),
                    2 => with(":text", escaped(&word)),
                    3 => with(":not", token(it)?),
                    4 => with("", format!("{}|", escaped(it.system.as_deref()?))),
                    _ => with("", token(it)?),
                }
            }
            (SearchKind::String, RowValue::String(it)) => {
                let some = 1 + self.dice.below(it.exact.chars().count());
                let tail: String = it.exact.chars().skip(some / 2).take(5).collect();
                let words: Vec<&str> =
                    it.exact.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty()).collect();
                match self.dice.below(5) {
                    0 => with(":exact", escaped(&it.exact)),
                    1 => with(":contains", escaped(tail.trim())),
                    2 if !words.is_empty() => with(":text", start(self.dice.pick(&words), some)),
                    3 => with("", escaped(&start(&it.exact.to_uppercase(), some))),
                    _ => with("", escaped(&start(&it.folded, some))),
                }
            }
            (SearchKind::Reference, RowValue::Reference(it)) => match (self.dice.below(4), it) {
                (0, Target::Local { key, .. }) => with("", key.id.to_string()),
                (1, Target::Local { key, .. }) if param.targets.is_empty() || param.targets.contains(&key.kind) => {
                    with(&format!(":{}", key.kind), key.id.to_string())
                }
                _ => with("", reference(it)?),
            },
            (SearchKind::Reference, RowValue::Token(it)) => with(":identifier", token(it)?),
            (SearchKind::Date, RowValue::Date(span)) => {
                let edge = if self.dice.one_in(2) { span.low } else { span.high };
                let text = moment(edge).or_else(|| moment(span.low)).or_else(|| moment(span.high))?;
                let cut = self.dice.pick(&[4, 7, 10, 24]);
                with("", format!("{}{}", self.dice.pick(&PREFIXES), &text[..cut]))
            }
            (SearchKind::Number | SearchKind::Quantity, RowValue::Quantity(it)) => {
                let (_, found) = finding(param, value)?;
                let found = found.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                let (number, unit) = found.split_once('|').map_or((found, ""), |(number, unit)| (number, unit));
                let number = match self.dice.below(4) {
                    0 => format!("{:.0}", it.low),
                    1 => format!("{:.1}", it.low * 1.01),
                    _ => number.to_owned(),
                };
                let unit = match self.dice.below(3) {
                    0 if param.kind == SearchKind::Quantity => "|http://unitsofmeasure.org|mg/dL".to_owned(),
                    1 if param.kind == SearchKind::Quantity && !unit.is_empty() => format!("|{unit}"),
                    _ => String::new(),
                };
                with("", format!("{}{number}{unit}", self.dice.pick(&PREFIXES)))
            }
            (SearchKind::Uri, RowValue::Uri(it)) => match self.dice.below(3) {
                0 => with(":below", escaped(&start(it, it.len() / 2))),
                1 => with(":above", escaped(&format!("{it}/more"))),
                _ => with("", escaped(it)),
            },
            _ => finding(param, value),
        }
    }

    pub(crate) fn question(&mut self) -> (ResourceType, Vec<(String, String)>) {
        let of = kind(self.dice.pick(&KINDS));
        let mut params = Vec::new();
        for _ in 0..[1, 1, 1, 2, 2, 3][self.dice.below(6)] {
            params.push(self.condition(of, 2));
        }
        if self.dice.one_in(3) {
            let param = self.param(of).clone();
            let key = match self.dice.below(6) {
                0 => "_id".to_owned(),
                1 => "_lastUpdated".to_owned(),
                _ if param.kind != SearchKind::Composite => param.code,
                _ => "_id".to_owned(),
            };
            params.push(("_sort".into(), format!("{}{key}", ["", "-"][self.dice.below(2)])));
        }
        (of, params)
    }
}

/// Every key a search finds, page by page.
pub(crate) async fn found(
    place: &Place,
    caller: &Caller,
    query: Query,
    size: u32,
) -> Result<(Vec<Key>, Option<u64>), String> {
    let mut asked = PageQuery { query, default_count: size, max_count: size, cursor: None };
    let (mut keys, mut total) = (Vec::new(), None);
    loop {
        let page = place.store.search(caller, &asked).await.map_err(|error| error.to_string())?;
        keys.extend(page.entries.iter().filter(|it| it.role == Role::Match).map(|it| it.stored.key.clone()));
        total = total.or(page.total);
        if page.next.is_none() || keys.len() > 2_000 {
            return Ok((keys, total));
        }
        asked.cursor = page.next;
    }
}

/// Whether keys come in the order asked; `None` where the order is the store's own affair.
fn in_order(registry: &Registry, world: &World, query: &Query, keys: &[Key]) -> Option<bool> {
    let sort = query.sort.first()?;
    let value = |key: &Key| -> Option<String> {
        match &sort.by {
            SortBy::LastUpdated => Some(format!("{:020}", world.held[key].at)),
            SortBy::Id => Some(key.id.to_string()),
            SortBy::Slots(slots) => {
                let rows = world.held[key].rows.iter().filter(|row| slots.contains(&row.slot));
                let values = rows.map(|row| match &row.value {
                    RowValue::String(it) => it.folded.clone(),
                    RowValue::Date(it) => {
                        // Comparable as text: negative numbers moved up.
                        let edge = if sort.descending { it.high } else { it.low };
                        format!("{:020}", i128::from(edge) - i128::from(i64::MIN))
                    }
                    RowValue::Quantity(it) => {
                        let edge = if sort.descending { it.high } else { it.low };
                        format!("{:020.6}", edge + 1e9)
                    }
                    _ => String::new(),
                });
                if sort.descending { values.max() } else { values.min() }
            }
        }
    };
    if let SortBy::Slots(slots) = &sort.by {
        let ordered = |shape| matches!(shape, SlotShape::String | SlotShape::Date | SlotShape::Quantity);
        if !slots.iter().all(|slot| ordered(registry.slot_def(*slot).shape)) {
            return None;
        }
    }
    let values: Vec<Option<String>> = keys.iter().map(value).collect();
    Some(values.windows(2).all(|pair| match (&pair[0], &pair[1]) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) if sort.descending => a >= b,
        (Some(a), Some(b)) => a <= b,
    }))
}

#[tokio::test]
async fn random_searches_find_what_looking_at_everything_finds() {
    for place in all().await {
        let world = filled(&place).await;
        let registry = place.store.registry();
        let reading =
            Reading { registry: &registry, base: place.store.bases(), limits: Limits::default(), now: NOON / 1000 };
        let mut asker = Asker { registry: &registry, world: &world, dice: Dice(42) };
        let (mut wrong, mut refused, mut hits) = (Vec::new(), Vec::new(), 0);
        let asked = testkit::dose(1_500, 20_000);
        for number in 0..asked {
            let (of, params) = asker.question();
            let query = match reading.query(&Scope::Type(of), &params, Handling::Strict) {
                Ok((query, _)) => query,
                Err(issues) => {
                    refused.push(format!("{of}?{params:?}: {}", issues[0].diagnostics));
                    continue;
                }
            };
            let expected: BTreeSet<&Key> =
                world.held.keys().filter(|key| key.kind == of && matches(&query.filter, key, &world)).collect();
            hits += usize::from(!expected.is_empty());
            let size = if number % 3 == 0 { 1 + asker.dice.below(20) as u32 } else { 1_000 };
            let told = || params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            match found(&place, &me(), query.clone(), size).await {
                Err(error) => wrong.push(format!("{of}?{}: {error}", told())),
                Ok((keys, total)) => {
                    let unique: BTreeSet<&Key> = keys.iter().collect();
                    if unique != expected || unique.len() != keys.len() {
                        let missing: Vec<_> = expected.difference(&unique).take(3).collect();
                        let extra: Vec<_> = unique.difference(&expected).take(3).collect();
                        wrong.push(format!(
                            "{of}?{}: {} found ({} different), {} expected; missing {missing:?}, too much {extra:?}",
                            told(),
                            keys.len(),
                            unique.len(),
                            expected.len()
                        ));
                    } else if in_order(&registry, &world, &query, &keys) == Some(false) {
                        wrong.push(format!("{of}?{}: not in the order asked", told()));
                    } else if total.is_some_and(|total| total != keys.len() as u64) {
                        wrong.push(format!("{of}?{}: the total is {total:?} of {}", told(), keys.len()));
                    }
                }
            }
        }
        let shown = wrong.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} of {asked} searches are wrong:\n{shown}", wrong.len());
        let shown = refused.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        assert!(refused.len() * 50 < asked, "{} of {asked} searches were refused:\n{shown}", refused.len());
        assert!(hits * 3 > asked, "only {hits} of {asked} searches have anything to find");
    }
}
