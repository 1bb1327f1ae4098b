//! A search as it comes by URL becomes a [`Query`] (FHIR R4, 3.1.1). What is not understood is said: an error when
//! handling is strict, a warning (and left out of [`Query::understood`]) when it is lenient. Nothing is ignored
//! silently. Paging is not here; `_format` and `_pretty` belong to the API and are passed over.

use super::ask::{
    Asking, Wrong, coding, date, exact, folded, full_text, of_type, plain_words, references, split, token, unescape,
};
use super::query::{Filter, Query, ReferenceTest, Source, StringTest, Test, TokenTest, UriTest};
use super::registry::{Param, Registry};
use super::row::{BaseUrls, Target};
use crate::issue::{Issue, IssueCode, Severity};
use crate::resource::{Id, Key, ResourceType};
use crate::tables::{self, SearchKind};
use std::cell::Cell;
use std::rc::Rc;

/// Where a search looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `[base]?…`
    System,
    /// `[base]/Observation?…`
    Type(ResourceType),
    /// `[base]/Patient/7/Observation?…`, or `[base]/Patient/7/*?…` without a type.
    Compartment { owner: Key, kind: Option<ResourceType> },
}

/// What to do about parameters that are not understood (`Prefer: handling=…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    Strict,
    Lenient,
}

/// How much a search may ask for. Beyond it is an error even when handling is lenient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of a chain, `_has` included.
    pub depth: usize,
    pub parameters: usize,
    /// Alternatives of one parameter.
    pub alternatives: usize,
    /// Ways a chain may branch when it names no types: `subject.name` is one for each type of subject.
    pub branches: usize,
    /// Conditions and brackets of a `_filter`.
    pub filter_terms: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 8, parameters: 100, alternatives: 1_000, branches: 500, filter_terms: 200 }
    }
}

/// What reading a search needs: the parameters, who we are, the limits, and the time (for `ap` of dates).
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub registry: &'a Registry,
    pub base: &'a BaseUrls,
    pub limits: Limits,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// A parameter as it is on all the types asked: one question, perhaps several slots.
pub(super) struct Asked<'a> {
    pub(super) kind: SearchKind,
    pub(super) first: &'a Param,
    pub(super) sources: Vec<Source>,
    pub(super) identifiers: Vec<Source>,
    pub(super) of_type: Vec<Source>,
    pub(super) targets: Vec<ResourceType>,
    pub(super) canonical: bool,
}

/// How far a chain has come, and how often it has branched.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    depth: usize,
    branches: Rc<Cell<usize>>,
}

impl Steps {
    fn next(&self) -> Steps {
        Steps { depth: self.depth + 1, branches: Rc::clone(&self.branches) }
    }
}

/// The end of a path of chains: what it asks of these types by this name.
pub(super) type End<'e> = &'e dyn Fn(&[ResourceType], &str) -> Result<Filter, Issue>;

impl<'a> Reading<'a> {
    /// Reads a whole search. The issues beside a query are warnings; without a query, what must be mended.
    pub fn query(
        &self,
        scope: &Scope,
        params: &[(String, String)],
        mode: Handling,
    ) -> Result<(Query, Vec<Issue>), Vec<Issue>> {
        if params.len() > self.limits.parameters {
            let most = self.limits.parameters;
            let what = format!("A search may have {most} parameters; this one has {}.", params.len());
            return Err(vec![Issue::error(IssueCode::TooCostly, "", what)]);
        }
        let mut issues = Vec::new();
        let mut query = Query::of(kinds(scope, params));
        let mut conditions = Vec::new();
        if let Scope::Compartment { owner, kind } = scope {
            let kinds: Vec<ResourceType> = kind.iter().copied().chain(query.kinds.iter().copied()).collect();
            let mut slots: Vec<_> =
                kinds.iter().flat_map(|kind| self.registry.compartment_slots(owner.kind.name(), *kind)).collect();
            slots.sort_unstable();
            slots.dedup();
            conditions.push(Filter::InCompartment { owner: owner.clone(), slots });
        }
        for (name, value) in params {
            if matches!(name.as_str(), "_format" | "_pretty") {
                continue;
            }
            let understood = match self.result_parameter(&mut query, scope, name, value) {
                Some(done) => done,
                None => self.condition(&query.kinds, name, value).map(|filter| conditions.push(filter)),
            };
            match understood {
                Ok(()) => query.understood.push((name.clone(), value.clone())),
                Err(issue) => issues.push(issue),
            }
        }
        query.filter = if conditions.len() == 1 { conditions.remove(0) } else { Filter::All(conditions) };
        if mode == Handling::Lenient {
            issues
                .iter_mut()
                .filter(|it| it.code != IssueCode::TooCostly)
                .for_each(|it| it.severity = Severity::Warning);
        }
        if issues.iter().any(Issue::is_error) { Err(issues) } else { Ok((query, issues)) }
    }

    /// One condition on resources of these types (none: of any type): `code:modifier`, a chain, or `_has`.
    pub fn condition(&self, kinds: &[ResourceType], name: &str, value: &str) -> Result<Filter, Issue> {
        let end = |kinds: &[ResourceType], rest: &str| self.plain(kinds, rest, name, value);
        self.along(kinds, name, name, &Steps::default(), &end)
    }

    /// Follows chains and `_has` to the last parameter and asks it there.
    pub(super) fn along(
        &self,
        kinds: &[ResourceType],
        path: &str,
        whole: &str,
        steps: &Steps,
        end: End<'_>,
    ) -> Result<Filter, Issue> {
        if steps.depth > self.limits.depth {
            let what = format!("A chain may have {} steps.", self.limits.depth);
            return Err(Issue::error(IssueCode::TooCostly, whole, what));
        }
        // Counted over all branches: a few steps to any type each would be more conditions than atoms.
        steps.branches.set(steps.branches.get() + 1);
        if steps.branches.get() > self.limits.branches {
            let what = "The chain may lead to too many types of resources: name them, as in subject:Patient.name.";
            return Err(Issue::error(IssueCode::TooCostly, whole, what));
        }
        if let Some(rest) = path.strip_prefix("_has:") {
            return self.has(kinds, rest, whole, steps, end);
        }
        let Some((head, rest)) = path.split_once('.') else { return end(kinds, path) };
        let (code, narrowed) = match head.split_once(':') {
            Some((code, kind)) => (code, Some(self.type_named(kind, whole)?)),
            None => (head, None),
        };
        let asked = self.asked(kinds, code, whole)?;
        if asked.kind != SearchKind::Reference {
            return Err(invalid(whole, format!("`{code}` is no reference, so nothing can follow it")));
        }
        let targets = match narrowed {
            Some(kind) if !asked.targets.is_empty() && !asked.targets.contains(&kind) => {
                return Err(invalid(whole, format!("`{code}` never points at {kind}")));
            }
            Some(kind) => vec![kind],
            None if asked.targets.is_empty() => ResourceType::all().collect(),
            None => asked.targets.clone(),
        };
        let mut found = Vec::new();
        let mut refused: Option<Issue> = None;
        for kind in targets {
            let sources = narrow(&asked.sources, kind);
            if sources.is_empty() {
                continue;
            }
            match self.along(&[kind], rest, whole, &steps.next(), end) {
                Err(issue) if issue.code == IssueCode::TooCostly => return Err(issue),
                Ok(inner) => found.push(Filter::Chain { sources, kind, inner: Box::new(inner) }),
                Err(issue) => {
                    // A type without the parameter says less than one that has it and cannot use the value.
                    if refused.as_ref().is_none_or(|known| known.code == IssueCode::NotSupported) {
                        refused = Some(issue);
                    }
                }
            }
        }
        match (found.len(), refused) {
            (0, Some(issue)) => Err(issue),
            (0, None) => Err(invalid(whole, format!("`{code}` points at nothing that could be searched"))),
            (1, _) => Ok(found.remove(0)),
            _ => Ok(Filter::Any(found)),
        }
    }

    /// `_has:Observation:patient:code`.
    fn has(
        &self,
        kinds: &[ResourceType],
        rest: &str,
        whole: &str,
        steps: &Steps,
        end: End<'_>,
    ) -> Result<Filter, Issue> {
        let mut parts = rest.splitn(3, ':');
        let (Some(kind), Some(code), Some(inner)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(invalid(whole, "write _has:Type:reference:parameter".to_owned()));
        };
        let kind = self.type_named(kind, whole)?;
        let asked = self.asked(&[kind], code, whole)?;
        let points_here =
            asked.targets.is_empty() || kinds.is_empty() || kinds.iter().any(|it| asked.targets.contains(it));
        if asked.kind != SearchKind::Reference || !points_here {
            return Err(invalid(whole, format!("`{code}` of {kind} never points at what is searched")));
        }
        let inner = self.along(&[kind], inner, whole, &steps.next(), end)?;
        Ok(Filter::Has { kind, sources: asked.sources, inner: Box::new(inner) })
    }

    fn type_named(&self, name: &str, whole: &str) -> Result<ResourceType, Issue> {
        ResourceType::parse(name).ok_or_else(|| {
            let near = nearest(name, ResourceType::all().map(ResourceType::name));
            invalid(whole, format!("`{name}` is no resource type{}", did_you_mean(&near)))
        })
    }

    /// The parameter that all of these types have under this code.
    pub(super) fn asked(&self, kinds: &[ResourceType], code: &str, whole: &str) -> Result<Asked<'a>, Issue> {
        let every: Vec<ResourceType>;
        let all = if kinds.is_empty() {
            every = ResourceType::all().collect();
            &every
        } else {
            kinds
        };
        let mut asked: Option<Asked<'a>> = None;
        for kind in all {
            let Some(param) = self.registry.param(*kind, code) else {
                return Err(self.unknown(kinds, *kind, code, whole));
            };
            let asked = asked.get_or_insert_with(|| Asked {
                kind: param.kind,
                first: param,
                sources: Vec::new(),
                identifiers: Vec::new(),
                of_type: Vec::new(),
                targets: Vec::new(),
                canonical: false,
            });
            if asked.kind != param.kind {
                let what = format!("`{code}` means different things on these types; search them one by one");
                return Err(invalid(whole, what));
            }
            merge(&mut asked.sources, &param.sources);
            merge(&mut asked.identifiers, &param.identifiers);
            merge(&mut asked.of_type, &param.of_type);
            merge(&mut asked.targets, &param.targets);
            asked.canonical |= param.canonical;
        }
        asked.ok_or_else(|| invalid(whole, "no resource type is searched".to_owned()))
    }

    fn unknown(&self, kinds: &[ResourceType], kind: ResourceType, code: &str, whole: &str) -> Issue {
        let near = nearest(code, self.registry.params(kind).map(|param| param.code.as_str()));
        let on = match kinds {
            [] => "a search of all types takes only parameters that all types have".to_owned(),
            [only] => format!("{only} has no such parameter"),
            _ => format!("{kind} has no such parameter, and all types searched must have it"),
        };
        let what = format!("The parameter `{code}` is not known: {on}{}.", did_you_mean(&near));
        Issue::error(IssueCode::NotSupported, whole, what)
    }

    /// `code` or `code:modifier` with its value.
    fn plain(&self, kinds: &[ResourceType], name: &str, whole: &str, value: &str) -> Result<Filter, Issue> {
        let (code, modifier) = match name.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (name, None),
        };
        let values = split(value, ',');
        if values.len() > self.limits.alternatives {
            let what = format!("A parameter may have {} alternatives.", self.limits.alternatives);
            return Err(Issue::error(IssueCode::TooCostly, whole, what));
        }
        if let Some(filter) = self.special(kinds, code, modifier, whole, value, &values) {
            return filter;
        }
        let asked = self.asked(kinds, code, whole)?;
        if asked.first.position.is_some() {
            return match modifier {
                None => super::near::near(&asked, &values).map_err(|wrong| invalid(whole, wrong)),
                Some(modifier) => Err(wrong_modifier(&asked, modifier, whole)),
            };
        }
        self.modified(&asked, modifier, whole, &values)
    }

    /// Parameters of all resources that are no rows.
    fn special(
        &self,
        kinds: &[ResourceType],
        code: &str,
        modifier: Option<&str>,
        whole: &str,
        value: &str,
        values: &[&str],
    ) -> Option<Result<Filter, Issue>> {
        let any = |each: &dyn Fn(&str) -> Result<Filter, Wrong>| {
            let filters: Result<Vec<Filter>, Wrong> = values.iter().map(|value| each(value)).collect();
            filters.map(|mut filters| if filters.len() == 1 { filters.remove(0) } else { Filter::Any(filters) })
        };
        let found: Result<Filter, Wrong> = match (code, modifier) {
            ("_id" | "_lastUpdated", Some("missing")) => {
                missing(value).map(|missing| if missing { Filter::nothing() } else { Filter::everything() })
            }
            ("_id", None | Some("not")) => {
                let ids: Result<Vec<Id>, Wrong> = values
                    .iter()
                    .map(|value| Id::parse(value).ok_or_else(|| "write ids: 1 to 64 of A-Z a-z 0-9 - .".to_owned()))
                    .collect();
                ids.map(|ids| match modifier {
                    Some(_) => Filter::Not(Box::new(Filter::Ids(ids))),
                    None => Filter::Ids(ids),
                })
            }
            ("_lastUpdated", None) => {
                let tests: Result<Vec<_>, Wrong> = values.iter().map(|value| date(value, self.now)).collect();
                tests.map(Filter::LastUpdated)
            }
            ("_text", None) => any(&|value| full_text(value).map(Filter::Narrative)),
            ("_content", None) => any(&|value| full_text(value).map(Filter::Content)),
            ("_list", None) => any(&|value| self.list(value)),
            ("_type", None) => {
                let kinds: Option<Vec<ResourceType>> = values.iter().map(|value| ResourceType::parse(value)).collect();
                kinds.map(Filter::Kind).ok_or_else(|| "write names of resource types, parted by commas".to_owned())
            }
            ("_filter", None) => return Some(super::filter::read(self, kinds, value)),
            ("_query", _) => {
                let what = "Named queries (`_query`) are not supported; use search parameters or `_filter`.";
                return Some(Err(Issue::error(IssueCode::NotSupported, whole, what)));
            }
            ("_id" | "_lastUpdated" | "_text" | "_content" | "_list" | "_type" | "_filter", Some(modifier)) => {
                let what = format!("`{code}` does not take the modifier `:{modifier}`.");
                return Some(Err(Issue::error(IssueCode::NotSupported, whole, what)));
            }
            _ => return None,
        };
        Some(found.map_err(|wrong| invalid(whole, wrong)))
    }

    /// A list by id, or what the lists of a purpose hold: `$current-problems` are the items of current problem lists.
    fn list(&self, value: &str) -> Result<Filter, Wrong> {
        if let Some(id) = Id::parse(value.strip_prefix("List/").unwrap_or(value)) {
            return Ok(Filter::List(id));
        }
        // Codes of LOINC and of HL7's own examples of list purposes.
        let codes: &[&str] = match value {
            "$current-problems" => &["11450-4", "problems"],
            "$current-medications" => &["10160-0", "medications"],
            "$current-allergies" => &["48765-2", "allergies"],
            _ => {
                return Err(
                    "write the id of a List, $current-problems, $current-medications or $current-allergies".to_owned()
                );
            }
        };
        let list = ResourceType::parse("List").ok_or("lists are not known")?;
        let sources =
            |code: &str| self.registry.param(list, code).map(|it| it.sources.clone()).ok_or("lists are not known");
        let coded = |code: &str| Test::Token(TokenTest::Code(code.to_owned()));
        let inner = Filter::All(vec![
            Filter::Row { sources: sources("code")?, tests: codes.iter().map(|code| coded(code)).collect() },
            Filter::Row { sources: sources("status")?, tests: vec![coded("current")] },
        ]);
        Ok(Filter::Has { kind: list, sources: sources("item")?, inner: Box::new(inner) })
    }

    pub(super) fn asking<'b>(&'b self, asked: &'b Asked<'_>) -> Asking<'b> {
        Asking {
            kind: asked.kind,
            targets: &asked.targets,
            canonical: asked.canonical,
            components: &asked.first.components,
            base: self.base,
            now: self.now,
        }
    }

    fn modified(
        &self,
        asked: &Asked<'_>,
        modifier: Option<&str>,
        whole: &str,
        values: &[&str],
    ) -> Result<Filter, Issue> {
        let asking = self.asking(asked);
        let row = |sources: &[Source], tests: Vec<Test>| Filter::Row { sources: sources.to_vec(), tests };
        let each = |test: &dyn Fn(&str) -> Result<Test, Wrong>| -> Result<Vec<Test>, Issue> {
            values.iter().map(|value| test(value)).collect::<Result<_, _>>().map_err(|wrong| invalid(whole, wrong))
        };
        let plain = || -> Result<Vec<Test>, Issue> {
            let tests: Result<Vec<Vec<Test>>, Wrong> = values.iter().map(|value| asking.tests(value)).collect();
            tests.map(|tests| tests.concat()).map_err(|wrong| invalid(whole, wrong))
        };
        let not = |filter: Filter| Filter::Not(Box::new(filter));
        let own = &asked.sources;
        let text = |test: StringTest| Test::String(test);
        Ok(match (asked.kind, modifier) {
            (_, None) => row(own, plain()?),
            (_, Some("missing")) => {
                let [value] = values else { return Err(invalid(whole, "write true or false".to_owned())) };
                let present = row(own, vec![Test::Present]);
                if missing(value).map_err(|wrong| invalid(whole, wrong))? { not(present) } else { present }
            }
            (SearchKind::String, Some("exact")) => row(own, each(&|value| exact(value).map(text))?),
            (SearchKind::String, Some("contains")) => {
                row(own, each(&|value| folded(value).map(|it| text(StringTest::Contains(it))))?)
            }
            (SearchKind::String, Some("text")) => {
                row(own, each(&|value| plain_words(value).map(|it| text(StringTest::Text(it))))?)
            }
            (SearchKind::Token, Some("not")) => not(row(own, plain()?)),
            (SearchKind::Token, Some("text")) => {
                row(own, each(&|value| folded(value).map(|it| Test::Token(TokenTest::Text(it))))?)
            }
            (SearchKind::Token, Some("in")) => row(own, each(&value_set)?),
            (SearchKind::Token, Some("not-in")) => not(row(own, each(&value_set)?)),
            (SearchKind::Token, Some("below")) => row(
                own,
                each(&|value| coding(value).map(|(system, code)| Test::Token(TokenTest::Below { system, code })))?,
            ),
            (SearchKind::Token, Some("above")) => row(
                own,
                each(&|value| coding(value).map(|(system, code)| Test::Token(TokenTest::Above { system, code })))?,
            ),
            (SearchKind::Token, Some("of-type")) if !asked.of_type.is_empty() => {
                row(&asked.of_type, each(&|value| of_type(value).map(Test::Token))?)
            }
            (SearchKind::Reference, Some("identifier")) if !asked.identifiers.is_empty() => {
                row(&asked.identifiers, each(&|value| token(value).map(Test::Token))?)
            }
            (SearchKind::Reference, Some("below")) if asked.canonical => {
                row(own, each(&|value| Ok(Test::Reference(ReferenceTest::CanonicalBelow(filled(value)?))))?)
            }
            (SearchKind::Reference, Some("above")) if asked.canonical => {
                row(own, each(&|value| Ok(Test::Reference(ReferenceTest::CanonicalAbove(filled(value)?))))?)
            }
            (SearchKind::Reference, Some(name)) if ResourceType::parse(name).is_some() => {
                let kind = self.type_named(name, whole)?;
                let sources = narrow(own, kind);
                if sources.is_empty() || !(asked.targets.is_empty() || asked.targets.contains(&kind)) {
                    return Err(invalid(whole, format!("this reference never points at {kind}")));
                }
                let asking = Asking { targets: &[kind], ..asking };
                let mut tests = Vec::new();
                for value in values {
                    for test in references(value, &asking).map_err(|wrong| invalid(whole, wrong))? {
                        if matches!(&test, ReferenceTest::To(Target::Local { key, .. }) if key.kind != kind) {
                            return Err(invalid(whole, format!("the value names another type than {kind}")));
                        }
                        tests.push(Test::Reference(test));
                    }
                }
                row(&sources, tests)
            }
            (SearchKind::Uri, Some("below")) => row(own, each(&|value| Ok(Test::Uri(UriTest::Below(filled(value)?))))?),
            (SearchKind::Uri, Some("above")) => row(own, each(&|value| Ok(Test::Uri(UriTest::Above(filled(value)?))))?),
            (_, Some(modifier)) => return Err(wrong_modifier(asked, modifier, whole)),
        })
    }
}

/// The types searched; empty for all.
fn kinds(scope: &Scope, params: &[(String, String)]) -> Vec<ResourceType> {
    match scope {
        Scope::Type(kind) | Scope::Compartment { kind: Some(kind), .. } => vec![*kind],
        Scope::System => asked_types(params),
        Scope::Compartment { owner, kind: None } => {
            let asked = asked_types(params);
            let of_owner = tables::compartment(owner.kind.name());
            let members = of_owner.into_iter().flat_map(|it| it.types.iter()).map(|(name, _)| *name);
            let mut all: Vec<ResourceType> = members.filter_map(ResourceType::parse).collect();
            if !all.contains(&owner.kind) {
                all.push(owner.kind);
            }
            all.retain(|kind| asked.is_empty() || asked.contains(kind));
            all
        }
    }
}

/// The types that `_type` names; what names none is refused where the parameter is read.
fn asked_types(params: &[(String, String)]) -> Vec<ResourceType> {
    let mut kinds = Vec::new();
    for name in params.iter().filter(|(name, _)| name == "_type").flat_map(|(_, value)| value.split(',')) {
        if let Some(kind) = ResourceType::parse(name).filter(|kind| !kinds.contains(kind)) {
            kinds.push(kind);
        }
    }
    kinds
}

fn value_set(value: &str) -> Result<Test, Wrong> {
    Ok(Test::Token(TokenTest::In(filled(value)?)))
}

fn filled(value: &str) -> Result<String, Wrong> {
    let plain = unescape(value);
    if plain.trim().is_empty() { Err("the value is empty".to_owned()) } else { Ok(plain) }
}

fn missing(value: &str) -> Result<bool, Wrong> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

/// The sources that may point at this type, narrowed to it.
fn narrow(sources: &[Source], kind: ResourceType) -> Vec<Source> {
    let fits = sources.iter().filter(|source| source.only.is_none_or(|only| only == kind));
    fits.map(|source| Source { slot: source.slot, only: Some(kind) }).collect()
}

fn merge<T: Copy + PartialEq>(into: &mut Vec<T>, from: &[T]) {
    for each in from {
        if !into.contains(each) {
            into.push(*each);
        }
    }
}

pub(super) fn invalid(name: &str, what: Wrong) -> Issue {
    Issue::error(IssueCode::Value, name, format!("The parameter `{name}` cannot be read: {what}."))
}

/// The modifiers each kind of parameter takes (FHIR R4, 3.1.1.4.3).
fn wrong_modifier(asked: &Asked<'_>, modifier: &str, whole: &str) -> Issue {
    let mut known: Vec<&str> = match asked.kind {
        SearchKind::String => vec![":exact", ":contains", ":text"],
        SearchKind::Token => vec![":text", ":not", ":in", ":not-in", ":above", ":below"],
        SearchKind::Reference => vec![":[type]"],
        SearchKind::Uri => vec![":above", ":below"],
        _ => Vec::new(),
    };
    if !asked.of_type.is_empty() {
        known.push(":of-type");
    }
    if !asked.identifiers.is_empty() {
        known.push(":identifier");
    }
    if asked.kind == SearchKind::Reference && asked.canonical {
        known.extend([":above", ":below"]);
    }
    if asked.first.position.is_none() {
        known.push(":missing");
    }
    let takes = if known.is_empty() { "no modifier".to_owned() } else { known.join(", ") };
    let what = format!(
        "`{}` is a {} parameter and does not take `:{modifier}`; it takes {takes}.",
        asked.first.code,
        asked.kind.code()
    );
    Issue::error(IssueCode::NotSupported, whole, what)
}

fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("; near to it are {}", near.join(", ")) }
}

/// Up to three names that look like this one.
pub(super) fn nearest<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = all
        .filter_map(|known| {
            let lower = known.to_ascii_lowercase();
            let begins =
                wanted.len() >= 3 && (lower.starts_with(&wanted) || wanted.starts_with(&lower) && lower.len() >= 3);
            let distance = if begins { 1 } else { edits(&wanted, &lower) };
            (distance <= (wanted.len() / 3).clamp(1, 3)).then_some((distance, known))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

/// How many letters must be added, dropped or changed.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
