//! Parameters that shape the answer rather than choose resources: `_sort`, `_count`, `_total`, `_summary`, `_elements`,
//! `_contained`, `_include`, `_revinclude` and `_type` (FHIR R4, 3.1.1.5).

use super::ask::Wrong;
use super::parse::{Reading, Scope, invalid};
use super::query::{Contained, ContainedType, Filter, Include, Query, Sort, SortBy, Summary, Total};
use crate::issue::{Issue, IssueCode};
use crate::resource::ResourceType;
use crate::tables::{SearchKind, type_def};

impl Query {
    /// A search of these types that asks nothing yet.
    pub fn of(kinds: Vec<ResourceType>) -> Query {
        Query {
            kinds,
            filter: Filter::everything(),
            sort: Vec::new(),
            count: None,
            total: Total::default(),
            summary: Summary::default(),
            elements: Vec::new(),
            includes: Vec::new(),
            contained: Contained::default(),
            contained_type: ContainedType::default(),
            understood: Vec::new(),
        }
    }
}

/// The value that a word stands for, or the words there are.
fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Result<T, Wrong> {
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("write one of {}", all.join(", "))
    })
}

impl Reading<'_> {
    /// Takes a parameter that shapes the answer; `None` when it is a condition.
    pub(super) fn result_parameter(
        &self,
        query: &mut Query,
        scope: &Scope,
        name: &str,
        value: &str,
    ) -> Option<Result<(), Issue>> {
        let (code, modifier) = name.split_once(':').map_or((name, None), |(code, modifier)| (code, Some(modifier)));
        if matches!(code, "_include" | "_revinclude") {
            return Some(self.include(query, code == "_revinclude", modifier, name, value));
        }
        if modifier.is_some() {
            return None;
        }
        let again = query.understood.iter().any(|(known, _)| known == name);
        let done: Result<(), Wrong> = match code {
            "_count" | "_total" | "_summary" | "_contained" | "_containedType" if again => {
                Err("give it once".to_owned())
            }
            "_sort" => return Some(self.sort(query, value)),
            "_count" => value.parse::<u32>().map_err(|_| "write a whole number".to_owned()).map(|count| {
                query.count = Some(count);
                if count == 0 {
                    query.summary = Summary::Count;
                }
            }),
            "_total" => {
                let words = [("none", Total::None), ("estimate", Total::Estimate), ("accurate", Total::Accurate)];
                word(value, &words).map(|total| query.total = total)
            }
            "_summary" => {
                let words = [
                    ("true", Summary::True),
                    ("text", Summary::Text),
                    ("data", Summary::Data),
                    ("count", Summary::Count),
                    ("false", Summary::False),
                ];
                word(value, &words).map(|summary| {
                    // `_count=0` asks for the count alone, whatever else is asked.
                    if query.count != Some(0) {
                        query.summary = summary;
                    }
                })
            }
            "_contained" => {
                let words = [("false", Contained::False), ("true", Contained::True), ("both", Contained::Both)];
                word(value, &words).map(|contained| query.contained = contained)
            }
            "_containedType" => {
                let words = [("container", ContainedType::Container), ("contained", ContainedType::Contained)];
                word(value, &words).map(|kind| query.contained_type = kind)
            }
            "_elements" => elements(query, value),
            "_type" => match scope {
                // Read before anything else: the types decide what the other parameters mean.
                Scope::System | Scope::Compartment { kind: None, .. } => {
                    if value.split(',').all(|name| ResourceType::parse(name).is_some()) {
                        Ok(())
                    } else {
                        Err("write names of resource types, parted by commas".to_owned())
                    }
                }
                Scope::Type(kind) | Scope::Compartment { kind: Some(kind), .. } => {
                    if value == kind.name() {
                        Ok(())
                    } else {
                        Err("only a search of all types takes _type".to_owned())
                    }
                }
            },
            _ => return None,
        };
        Some(done.map_err(|wrong| invalid(name, wrong)))
    }

    fn sort(&self, query: &mut Query, value: &str) -> Result<(), Issue> {
        let mut sorts = Vec::new();
        for key in value.split(',') {
            let (code, descending) = key.strip_prefix('-').map_or((key, false), |code| (code, true));
            let by = match code {
                "" => {
                    return Err(invalid(
                        "_sort",
                        "write names of parameters, with - before one to reverse it".to_owned(),
                    ));
                }
                "_lastUpdated" => SortBy::LastUpdated,
                "_id" => SortBy::Id,
                _ => {
                    let asked = self.asked(&query.kinds, code, "_sort")?;
                    if asked.sources.is_empty() || asked.kind == SearchKind::Composite {
                        let what = format!("Nothing can be sorted by `{code}`: its values have no order.");
                        return Err(Issue::error(IssueCode::NotSupported, "_sort", what));
                    }
                    SortBy::Slots(asked.sources.iter().map(|source| source.slot).collect())
                }
            };
            sorts.push(Sort { by, descending });
        }
        query.sort.extend(sorts);
        Ok(())
    }

    /// `Observation:subject:Patient`, `Observation:*`, `*`.
    fn include(
        &self,
        query: &mut Query,
        reverse: bool,
        modifier: Option<&str>,
        name: &str,
        value: &str,
    ) -> Result<(), Issue> {
        let iterate = match modifier {
            None => false,
            Some("iterate") => true,
            Some(_) => {
                let what = format!("`{name}` is not known: the only modifier here is `:iterate`.");
                return Err(Issue::error(IssueCode::NotSupported, name, what));
            }
        };
        let kind = |text: &str| {
            ResourceType::parse(text).ok_or_else(|| {
                invalid(name, "write Type:reference or Type:reference:TargetType, with * for all references".to_owned())
            })
        };
        let parts: Vec<&str> = value.split(':').collect();
        let (from, code, to) = match parts.as_slice() {
            ["*"] => (None, "*", None),
            [from, code] => (Some(kind(from)?), *code, None),
            [from, code, to] => (Some(kind(from)?), *code, Some(kind(to)?)),
            _ => (Some(kind("")?), "", None),
        };
        let Some(of) = from.filter(|_| code != "*") else {
            query.includes.push(Include { reverse, iterate, from, slots: Vec::new(), to });
            return Ok(());
        };
        let asked = self.asked(&[of], code, name)?;
        if asked.kind != SearchKind::Reference {
            return Err(invalid(name, format!("`{code}` of {of} is no reference")));
        }
        if let Some(to) = to.filter(|to| !asked.targets.is_empty() && !asked.targets.contains(to)) {
            return Err(invalid(name, format!("`{code}` of {of} never points at {to}")));
        }
        // Slots narrowed in different ways are followed one by one.
        let mut ways: Vec<Option<ResourceType>> = asked.sources.iter().map(|source| source.only).collect();
        ways.sort_unstable();
        ways.dedup();
        for only in ways.into_iter().filter(|only| only.is_none() || to.is_none() || *only == to) {
            let own = asked.sources.iter().filter(|source| source.only == only);
            let slots = own.map(|source| source.slot).collect();
            query.includes.push(Include { reverse, iterate, from, slots, to: to.or(only) });
        }
        Ok(())
    }
}

fn elements(query: &mut Query, value: &str) -> Result<(), Wrong> {
    let every: Vec<ResourceType>;
    let kinds = if query.kinds.is_empty() {
        every = ResourceType::all().collect();
        &every
    } else {
        &query.kinds
    };
    for name in value.split(',') {
        let known = kinds.iter().any(|kind| type_def(kind.name()).is_some_and(|it| it.child(name).is_some()));
        if !known {
            return Err("write names of elements at the top of the resource, parted by commas".to_owned());
        }
        if !query.elements.iter().any(|element| element == name) {
            query.elements.push(name.to_owned());
        }
    }
    Ok(())
}
