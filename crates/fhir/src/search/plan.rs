//! Building a [`Registry`]: definitions become parameters, slots and routes. Nothing here is fatal: a definition that
//! cannot be used is reported and left out.

use super::engine::Compiled;
use super::query::Source;
use super::registry::{Component, EngineRows, Param, Registry, SlotDef, TypeSearch};
use super::route::{Beyond, Hop, Route, alternatives, routes, speaks_of, through_extension};
use super::row::{Slot, SlotShape};
use super::trie::{Composite, Part};
use super::values::Leaf;
use crate::issue::{Issue, IssueCode};
use crate::resource::ResourceType;
use crate::tables::{SearchKind, SearchParameterDef, TypeDef, is_subtype, type_def};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A SearchParameter, of the standard or of a site.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) url: String,
    pub(super) code: String,
    pub(super) kind: SearchKind,
    pub(super) bases: Vec<String>,
    pub(super) expression: String,
    pub(super) targets: Vec<String>,
    pub(super) multiple_or: bool,
    /// Canonical address and expression of each part.
    pub(super) components: Vec<(String, String)>,
}

impl Definition {
    pub(super) fn of_table(def: &SearchParameterDef) -> Definition {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Definition {
            url: def.url.to_owned(),
            code: def.code.to_owned(),
            kind: def.kind,
            bases: owned(&def.bases),
            expression: def.expression.unwrap_or_default().to_owned(),
            targets: owned(&def.targets),
            multiple_or: def.multiple_or,
            components: def.components.iter().map(|it| (it.definition.to_owned(), it.expression.to_owned())).collect(),
        }
    }

    pub(super) fn of_resource(resource: &Value) -> Result<Definition, Issue> {
        let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let all = |member: &str| -> Vec<String> {
            let list = resource.get(member).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let url = text(resource, "url").unwrap_or_default();
        let broken = |member: &str, what: &str| {
            let diagnostics = format!("The search parameter {url} is not used: {what}.");
            Issue::warning(IssueCode::NotSupported, format!("SearchParameter.{member}"), diagnostics)
        };
        if text(resource, "resourceType").as_deref() != Some("SearchParameter") {
            return Err(broken("url", "it is not a SearchParameter resource"));
        }
        if url.is_empty() {
            return Err(broken("url", "it has no canonical address (url)"));
        }
        if text(resource, "status").as_deref() == Some("retired") {
            return Err(broken("status", "it is retired"));
        }
        let code = text(resource, "code").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if code.is_empty() || code.len() > 64 || !code.bytes().all(plain) {
            return Err(broken("code", "its code must be 1 to 64 letters, digits, `-` or `_`"));
        }
        let kind = text(resource, "type").and_then(|kind| SearchKind::parse(&kind));
        let kind = kind.ok_or_else(|| broken("type", "its type is not one of FHIR R4"))?;
        if kind == SearchKind::Special {
            return Err(broken("type", "a special parameter is code, not data"));
        }
        let expression = text(resource, "expression").unwrap_or_default();
        if expression.is_empty() {
            return Err(broken("expression", "it has no FHIRPath expression"));
        }
        let bases = all("base");
        let known = |base: &String| {
            ResourceType::parse(base).is_some() || matches!(base.as_str(), "Resource" | "DomainResource")
        };
        if bases.is_empty() || !bases.iter().all(known) {
            return Err(broken("base", "its base must name resource types of FHIR R4"));
        }
        let parts = resource.get("component").and_then(Value::as_array).into_iter().flatten();
        let components: Vec<(String, String)> = parts
            .map(|part| (text(part, "definition").unwrap_or_default(), text(part, "expression").unwrap_or_default()))
            .collect();
        if kind == SearchKind::Composite && !(2..=3).contains(&components.len()) {
            return Err(broken("component", "a composite needs two or three components"));
        }
        Ok(Definition {
            url,
            code,
            kind,
            bases,
            expression,
            targets: all("target"),
            multiple_or: resource.get("multipleOr").and_then(Value::as_bool).unwrap_or(true),
            components,
        })
    }
}

/// The smallest thing rows come from: a route, or an alternative for the engine.
#[derive(Clone)]
struct Unit {
    /// Equal for units that give equal rows.
    name: String,
    only: Option<ResourceType>,
    from: From,
}

#[derive(Clone)]
enum From {
    Route(Vec<Hop>, Leaf),
    Engine(Arc<Compiled>),
}

/// A slot of a type while its parameters are laid out.
struct Laid {
    slot: Slot,
    shape: SlotShape,
    kind: SearchKind,
    units: BTreeSet<String>,
    identifiers: Option<Slot>,
    of_type: Option<Slot>,
}

/// A parameter on one type before its slots are known.
struct Wanted<'a> {
    definition: &'a Definition,
    shape: SlotShape,
    components: Vec<Component>,
    units: Vec<Unit>,
    canonical: bool,
}

/// How expressions are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    /// Plain paths as routes, the rest by the FHIRPath engine.
    RoutesFirst,
    /// All but composites by the engine: slow, and in tests the judge of routes.
    EngineOnly,
}

pub(super) fn build(definitions: Vec<Arc<Definition>>, ways: Ways) -> (Registry, Vec<Issue>) {
    let mut registry = Registry { definitions, slots: Vec::new(), by_name: HashMap::new(), types: Vec::new() };
    let mut issues = Vec::new();
    let definitions = registry.definitions.clone();
    let by_url: HashMap<&str, &Definition> = definitions.iter().map(|it| (it.url.as_str(), &**it)).collect();
    let mut by_base: HashMap<&str, Vec<&Definition>> = HashMap::new();
    for definition in &definitions {
        for base in &definition.bases {
            by_base.entry(base).or_default().push(definition);
        }
    }
    let mut reported: BTreeSet<(String, String)> = BTreeSet::new();
    for kind in ResourceType::all() {
        let context = type_def(kind.name()).expect("every resource type is in the tables");
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        for base in [kind.name(), "DomainResource", "Resource"] {
            if base == "DomainResource" && !is_subtype(kind.name(), base) {
                continue;
            }
            for definition in by_base.get(base).into_iter().flatten() {
                let report = |code, what: String, reported: &mut BTreeSet<(String, String)>| {
                    let diagnostics = format!("The search parameter {} is not used: {what}.", definition.url);
                    reported
                        .insert((definition.url.clone(), diagnostics.clone()))
                        .then(|| Issue::warning(code, "SearchParameter.expression", diagnostics))
                };
                match want(definition, context, &by_url, ways) {
                    Ok(found) => {
                        if let Some(known) = wanted.iter().find(|known| known.definition.code == definition.code) {
                            if !same(known, &found) {
                                let what =
                                    format!("`{}` already means {} on {kind}", definition.code, known.definition.url);
                                issues.extend(report(IssueCode::Duplicate, what, &mut reported));
                            }
                        } else {
                            wanted.push(found);
                        }
                    }
                    Err(what) => issues.extend(report(IssueCode::NotSupported, what, &mut reported)),
                }
            }
        }
        let found = lay_out(kind, wanted, &mut registry);
        registry.types.push(found);
    }
    (registry, issues)
}

fn same(a: &Wanted<'_>, b: &Wanted<'_>) -> bool {
    let names = |it: &Wanted<'_>| it.units.iter().map(|it| (it.name.clone(), it.only)).collect::<BTreeSet<_>>();
    a.definition.kind == b.definition.kind && names(a) == names(b)
}

/// What a definition asks of one type.
fn want<'a>(
    definition: &'a Definition,
    context: &'static TypeDef,
    by_url: &HashMap<&str, &'a Definition>,
    ways: Ways,
) -> Result<Wanted<'a>, String> {
    let mut components = Vec::new();
    let mut shape = shape_of(definition.kind);
    if definition.kind == SearchKind::Composite {
        for (address, _) in &definition.components {
            let part = by_url.get(address.as_str()).ok_or_else(|| format!("its component {address} is not known"))?;
            components.push(Component {
                code: part.code.clone(),
                kind: part.kind,
                targets: part.targets.iter().filter_map(|it| ResourceType::parse(it)).collect(),
                canonical: false,
            });
        }
        // The standard's own DocumentReference `relationship` names the definitions of its two parts the wrong way
        // round. The paths tell.
        if let [first, second] = &components[..] {
            let fits = |kind: SearchKind, at: usize| suits(definition, at, kind, context);
            let straight = fits(first.kind, 0) && fits(second.kind, 1);
            if !straight && fits(second.kind, 0) && fits(first.kind, 1) {
                components.swap(0, 1);
            }
        }
        let kinds: Vec<SearchKind> = components.iter().map(|it| it.kind).collect();
        shape = match kinds.as_slice() {
            [SearchKind::Token, SearchKind::Token] => SlotShape::CompositeToken,
            [SearchKind::Token, SearchKind::String] => SlotShape::CompositeString,
            [SearchKind::Token, SearchKind::Reference] => SlotShape::CompositeReference,
            [SearchKind::Token, SearchKind::Date] => SlotShape::CompositeDate,
            [SearchKind::Token, SearchKind::Quantity | SearchKind::Number] => SlotShape::CompositeQuantity,
            [SearchKind::Token, SearchKind::Number, SearchKind::Number] => SlotShape::CompositeQuantityPair,
            _ => {
                return Err("a composite must be a token and a token, string, reference, date, number or quantity, \
                            or a token and two numbers"
                    .to_owned());
            }
        };
    }
    let mut wanted = Wanted { definition, shape, components, units: Vec::new(), canonical: false };
    if definition.kind == SearchKind::Special {
        position(&mut wanted, context);
        return Ok(wanted);
    }
    if matches!(definition.code.as_str(), "_id" | "_lastUpdated" | "_text" | "_content" | "_query") {
        return Ok(wanted);
    }
    let mut unusable = None;
    for alternative in alternatives(&definition.expression) {
        if speaks_of(alternative).is_some_and(|of| type_def(of).is_some() && !is_subtype(context.name, of)) {
            continue;
        }
        let by_engine = ways == Ways::EngineOnly && definition.kind != SearchKind::Composite;
        match if by_engine { Err(Beyond) } else { routes(alternative, context) } {
            Ok(found) => {
                for route in found.into_iter().flat_map(through_extension) {
                    match unit(&route, &mut wanted)? {
                        Some(found) => wanted.units.push(found),
                        None => unusable = Some(route.leaf.name),
                    }
                }
            }
            Err(Beyond) if definition.kind == SearchKind::Composite => {
                return Err(format!("the path `{alternative}` of a composite is not plain"));
            }
            Err(Beyond) => {
                let expression =
                    Compiled::parse(alternative).map_err(|error| format!("`{alternative}` is no FHIRPath: {error}"))?;
                let name = format!("engine {alternative}");
                wanted.units.push(Unit { name, only: None, from: From::Engine(Arc::new(expression)) });
            }
        }
    }
    let mut seen = BTreeSet::new();
    wanted.units.retain(|unit| seen.insert((unit.name.clone(), unit.only)));
    match (wanted.units.is_empty(), unusable) {
        (true, Some(found)) => {
            Err(format!("values of type {found} do not suit a {} parameter", definition.kind.code()))
        }
        (true, None) => Err(format!("its expression leads nowhere in {}", context.name)),
        _ => Ok(wanted),
    }
}

/// Whether a part of a composite leads to values of this kind.
fn suits(definition: &Definition, part: usize, kind: SearchKind, context: &'static TypeDef) -> bool {
    let elements = alternatives(&definition.expression).into_iter().filter_map(|it| routes(it, context).ok()).flatten();
    let mut ends = elements.flat_map(|element| {
        let parts = alternatives(&definition.components[part].1).into_iter();
        parts.filter_map(move |it| routes(it, element.leaf).ok()).flatten().collect::<Vec<_>>()
    });
    ends.any(|end| Leaf::of(kind, end.leaf, end.element).is_some())
}

/// A route as rows of the parameter's kind; `None` when the type at its end does not suit.
fn unit(route: &Route, wanted: &mut Wanted<'_>) -> Result<Option<Unit>, String> {
    let kind = wanted.definition.kind;
    if kind != SearchKind::Composite {
        let Some(leaf) = Leaf::of(kind, route.leaf, route.element) else { return Ok(None) };
        wanted.canonical |= matches!(leaf, Leaf::Canonical);
        // `Bundle.entry[0].resource` serves documents and messages: what it must be tells which.
        let only = match (&leaf, wanted.definition.targets.as_slice()) {
            (Leaf::EntryResource, [target]) => ResourceType::parse(target),
            _ => route.only,
        };
        return Ok(Some(Unit { name: route.name(), only, from: From::Route(route.hops.clone(), leaf) }));
    }
    let mut composite = Composite::default();
    let mut name = route.name();
    for (at, (_, expression)) in wanted.definition.components.iter().enumerate() {
        let kind = wanted.components[at].kind;
        let mut part = Part::default();
        let mut found = false;
        name.push_str(" + ");
        name.push_str(expression);
        for alternative in alternatives(expression) {
            let inner = routes(alternative, route.leaf)
                .map_err(|Beyond| format!("the path `{alternative}` of a component is not plain"))?;
            for route in inner.into_iter().flat_map(through_extension) {
                let Some(leaf) = Leaf::of(kind, route.leaf, route.element) else { continue };
                found = true;
                wanted.components[at].canonical |= matches!(leaf, Leaf::Canonical);
                let trie = if route.from_resource { &mut part.of_resource } else { &mut part.of_element };
                trie.insert(&route.hops, Slot(0), leaf);
            }
        }
        if !found {
            return Err(format!("its component `{expression}` leads nowhere in {}", route.leaf.name));
        }
        composite.parts.push(part);
    }
    Ok(Some(Unit { name, only: None, from: From::Route(route.hops.clone(), Leaf::Composite(Box::new(composite))) }))
}

/// `Location.near` has two slots: latitude first, then longitude.
fn position(wanted: &mut Wanted<'_>, context: &'static TypeDef) {
    if wanted.definition.code != "near" {
        return;
    }
    for member in ["latitude", "longitude"] {
        let Ok(found) = routes(&format!("{}.{member}", wanted.definition.expression), context) else { return };
        for route in found {
            if let Some(leaf) = Leaf::of(SearchKind::Special, route.leaf, route.element) {
                let name = route.name();
                wanted.units.push(Unit { name, only: None, from: From::Route(route.hops, leaf) });
            }
        }
    }
}

fn shape_of(kind: SearchKind) -> SlotShape {
    match kind {
        SearchKind::Token => SlotShape::Token,
        SearchKind::String => SlotShape::String,
        SearchKind::Reference => SlotShape::Reference,
        SearchKind::Date => SlotShape::Date,
        SearchKind::Number | SearchKind::Quantity | SearchKind::Special | SearchKind::Composite => SlotShape::Quantity,
        SearchKind::Uri => SlotShape::Uri,
    }
}

/// Gives each parameter its slots, sharing what can be shared.
fn lay_out(kind: ResourceType, mut wanted: Vec<Wanted<'_>>, registry: &mut Registry) -> TypeSearch {
    // Those with few routes first, so that unions can be read from them; among equals the plain before the narrowed,
    // and the one named like its element before others.
    wanted.sort_by_key(|it| {
        let narrowed = it.units.iter().any(|unit| unit.only.is_some());
        let own_name = it.definition.expression.ends_with(&format!(".{}", it.definition.code));
        (it.units.len(), narrowed, !own_name)
    });
    let mut found = TypeSearch::default();
    let mut laid: Vec<Laid> = Vec::new();
    for want in wanted {
        let definition = want.definition;
        let owner = match definition.bases.first().map(String::as_str) {
            Some(base @ ("Resource" | "DomainResource")) => base,
            _ => kind.name(),
        };
        let mut param = Param {
            code: definition.code.clone(),
            kind: definition.kind,
            url: definition.url.clone(),
            expression: definition.expression.clone(),
            targets: definition.targets.iter().filter_map(|it| ResourceType::parse(it)).collect(),
            components: want.components,
            sources: Vec::new(),
            identifiers: Vec::new(),
            of_type: Vec::new(),
            canonical: want.canonical,
            multiple_or: definition.multiple_or,
            position: None,
        };
        if definition.kind == SearchKind::Special {
            let mut slots = Vec::new();
            for (unit, part) in want.units.iter().zip(["latitude", "longitude"]) {
                let slot = registry.make_slot(format!("{owner}.{}:{part}", definition.code), SlotShape::Quantity);
                emit(unit, definition.kind, slot, None, None, &mut found);
                slots.push(slot);
            }
            if let [latitude, longitude] = slots[..] {
                param.position = Some((latitude, longitude));
            }
            found.params.insert(definition.code.clone(), param);
            continue;
        }
        let mut rest = want.units;
        for known in &laid {
            // A slot helps when all it holds is wanted, and narrowed in one way.
            if known.shape != want.shape || known.kind != definition.kind {
                continue;
            }
            let (covered, left): (Vec<Unit>, Vec<Unit>) =
                rest.iter().cloned().partition(|unit| known.units.contains(&unit.name));
            let Some(first) = covered.first() else { continue };
            let names: BTreeSet<&str> = covered.iter().map(|unit| unit.name.as_str()).collect();
            if names.len() < known.units.len() || covered.iter().any(|unit| unit.only != first.only) {
                continue;
            }
            add_sources(&mut param, known, first.only);
            rest = left;
        }
        while let Some(only) = rest.first().map(|unit| unit.only) {
            let (own, left): (Vec<Unit>, Vec<Unit>) = rest.into_iter().partition(|unit| unit.only == only);
            rest = left;
            let mut name = format!("{owner}.{}", definition.code);
            if laid.iter().any(|known| registry.slots[known.slot.0 as usize].name == name) {
                name = format!("{name}:{}", only.map_or("any", ResourceType::name));
            }
            let has = |fits: fn(&Leaf) -> bool| {
                own.iter().any(|unit| match &unit.from {
                    From::Route(_, leaf) => fits(leaf),
                    From::Engine(_) => true,
                })
            };
            let references = definition.kind == SearchKind::Reference && has(|leaf| matches!(leaf, Leaf::Reference));
            let typed = definition.kind == SearchKind::Token && has(|leaf| matches!(leaf, Leaf::Identifier));
            let identifiers = references.then(|| registry.make_slot(format!("{name}:identifier"), SlotShape::Token));
            let of_type = typed.then(|| registry.make_slot(format!("{name}:of-type"), SlotShape::Token));
            let slot = registry.make_slot(name, want.shape);
            for unit in &own {
                emit(unit, definition.kind, slot, identifiers, of_type, &mut found);
            }
            let units = own.into_iter().map(|unit| unit.name).collect();
            let known = Laid { slot, shape: want.shape, kind: definition.kind, units, identifiers, of_type };
            add_sources(&mut param, &known, only);
            laid.push(known);
        }
        // A parameter that only ever reads narrowed slots points at nothing else, whatever its definition lists.
        let only: Option<BTreeSet<ResourceType>> = param.sources.iter().map(|source| source.only).collect();
        if let Some(only) = only.filter(|only| !only.is_empty()) {
            param.targets = only.into_iter().collect();
        }
        found.params.insert(definition.code.clone(), param);
    }
    found
}

fn add_sources(param: &mut Param, from: &Laid, only: Option<ResourceType>) {
    param.sources.push(Source { slot: from.slot, only });
    param.identifiers.extend(from.identifiers.map(|slot| Source { slot, only: None }));
    param.of_type.extend(from.of_type.map(|slot| Source { slot, only: None }));
}

fn emit(
    unit: &Unit,
    kind: SearchKind,
    slot: Slot,
    identifiers: Option<Slot>,
    of_type: Option<Slot>,
    found: &mut TypeSearch,
) {
    match &unit.from {
        From::Route(hops, leaf) => {
            match (leaf, identifiers, of_type) {
                (Leaf::Reference, Some(extra), _) => found.trie.insert(hops, extra, Leaf::ReferenceIdentifier),
                (Leaf::Identifier, _, Some(extra)) => found.trie.insert(hops, extra, Leaf::IdentifierOfType),
                _ => {}
            }
            found.trie.insert(hops, slot, leaf.clone());
        }
        From::Engine(expression) => found.engine.push(EngineRows {
            expression: Arc::clone(expression),
            kind,
            slot,
            extra: identifiers.or(of_type),
        }),
    }
}

impl Registry {
    /// A slot by its name, new if there is none yet (those of all resources are shared by the types).
    fn make_slot(&mut self, name: String, shape: SlotShape) -> Slot {
        if let Some(known) = self.by_name.get(&name) {
            return *known;
        }
        let slot = Slot(u32::try_from(self.slots.len()).expect("slots are few"));
        self.by_name.insert(name.clone(), slot);
        self.slots.push(SlotDef { name, shape });
        slot
    }
}
