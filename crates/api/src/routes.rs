//! The one table of what the FHIR door answers. The dispatch of HTTP requests and of bundle entries, the
//! label of every request in policies and metrics, the `Allow` header of a refusal and the
//! CapabilityStatement are all read from `ROUTES`; nothing else decides what exists.
//!
//! FHIR R4, http.html#summary.

use crate::fhir::query;
use crate::operations::{self, Level, Operation};
use crate::refusal::{Answer, Refusal};
use ::fhir::{Id, IssueCode, ResourceType};
use http::{HeaderValue, Method, StatusCode, header};
use std::borrow::Cow;

/// What a request was, for policies and metrics: `read`, `search-type`, `transaction`. Put into the
/// extensions of every response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// HEAD is GET without the body, which the door takes away.
    pub(crate) fn of(method: &Method) -> Option<Verb> {
        Verb::parse(method.as_str())
    }

    pub(crate) fn parse(name: &str) -> Option<Verb> {
        Some(match name {
            "GET" | "HEAD" => Verb::Get,
            "POST" => Verb::Post,
            "PUT" => Verb::Put,
            "PATCH" => Verb::Patch,
            "DELETE" => Verb::Delete,
            _ => return None,
        })
    }

    fn allowed_as(self) -> &'static str {
        match self {
            Verb::Get => "GET, HEAD",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    Capabilities,
    Read,
    VersionRead,
    Create,
    Update,
    Patch,
    Delete,
    ConditionalUpdate,
    ConditionalPatch,
    ConditionalDelete,
    HistoryInstance,
    HistoryKind,
    HistorySystem,
    SearchKind,
    SearchSystem,
    SearchCompartment,
    Bundle,
    Operation,
}

/// One segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Word(&'static str),
    /// A resource type.
    Kind,
    /// A resource type that has a compartment.
    Owner,
    Id,
    Version,
    /// A resource type within a compartment, or `*` for all.
    Member,
    /// `$name`.
    Operation(Level),
}

pub(crate) struct Route {
    verb: Verb,
    path: &'static [Part],
    pub(crate) interaction: Interaction,
    pub(crate) label: Label,
    /// The code of this interaction in a CapabilityStatement, for a type or for the whole system;
    /// empty where the statement says it by a flag or an operation.
    pub(crate) declared: Declared,
}

impl Route {
    /// `/{org}/fhir/{type}/{id}`.
    pub(crate) fn shown(&self) -> String {
        let part = |it: &Part| match it {
            Part::Word(word) => *word,
            Part::Kind | Part::Owner | Part::Member => "{type}",
            Part::Id => "{id}",
            Part::Version => "{version}",
            Part::Operation(_) => "${operation}",
        };
        let parts: Vec<&str> = ["", "{org}", "fhir"].into_iter().chain(self.path.iter().map(part)).collect();
        parts.join("/")
    }

    /// Who may use it. What comes here without being named is for whoever holds a token.
    pub(crate) fn policy(&self) -> &'static str {
        if self.interaction.is_open() { "Open" } else { "Rights" }
    }
}

impl Interaction {
    /// Answered without a token; the door asks here, too.
    pub(crate) fn is_open(self) -> bool {
        self == Interaction::Capabilities
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    Kind(&'static str),
    System(&'static str),
    /// By a flag (`conditionalUpdate`), an operation, or the statement itself.
    Otherwise,
}

const fn route(
    verb: Verb,
    path: &'static [Part],
    interaction: Interaction,
    label: &'static str,
    declared: Declared,
) -> Route {
    Route { verb, path, interaction, label: Label(label), declared }
}

use Declared::{Kind as ForKind, Otherwise, System as ForSystem};
use Part::{Kind, Member, Owner, Version, Word};
use Verb::{Delete, Get, Patch, Post, Put};

const HISTORY: Part = Word("_history");
const SEARCH: Part = Word("_search");

#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    route(Get,    &[Kind, Part::Id],                   Interaction::Read,              "read",                ForKind("read")),
    route(Get,    &[Kind],                             Interaction::SearchKind,        "search-type",         ForKind("search-type")),
    route(Post,   &[Kind, SEARCH],                     Interaction::SearchKind,        "search-type",         ForKind("search-type")),
    route(Post,   &[Kind],                             Interaction::Create,            "create",              ForKind("create")),
    route(Put,    &[Kind, Part::Id],                   Interaction::Update,            "update",              ForKind("update")),
    route(Patch,  &[Kind, Part::Id],                   Interaction::Patch,             "patch",               ForKind("patch")),
    route(Delete, &[Kind, Part::Id],                   Interaction::Delete,            "delete",              ForKind("delete")),
    route(Put,    &[Kind],                             Interaction::ConditionalUpdate, "conditional-update",  Otherwise),
    route(Patch,  &[Kind],                             Interaction::ConditionalPatch,  "conditional-patch",   Otherwise),
    route(Delete, &[Kind],                             Interaction::ConditionalDelete, "conditional-delete",  Otherwise),
    route(Get,    &[Kind, Part::Id, HISTORY, Version], Interaction::VersionRead,       "vread",               ForKind("vread")),
    route(Get,    &[Kind, Part::Id, HISTORY],          Interaction::HistoryInstance,   "history-instance",    ForKind("history-instance")),
    route(Get,    &[Kind, HISTORY],                    Interaction::HistoryKind,       "history-type",        ForKind("history-type")),
    route(Get,    &[HISTORY],                          Interaction::HistorySystem,     "history-system",      ForSystem("history-system")),
    route(Post,   &[],                                 Interaction::Bundle,            "transaction",         ForSystem("transaction")),
    route(Post,   &[],                                 Interaction::Bundle,            "transaction",         ForSystem("batch")),
    route(Get,    &[],                                 Interaction::SearchSystem,      "search-system",       ForSystem("search-system")),
    route(Post,   &[SEARCH],                           Interaction::SearchSystem,      "search-system",       ForSystem("search-system")),
    route(Get,    &[Owner, Part::Id, Member],          Interaction::SearchCompartment, "search-compartment",  Otherwise),
    route(Post,   &[Owner, Part::Id, Member, SEARCH],  Interaction::SearchCompartment, "search-compartment",  Otherwise),
    route(Get,    &[Word("metadata")],                 Interaction::Capabilities,      "capabilities",        Otherwise),
    route(Get,    &[Part::Operation(Level::System)],                   Interaction::Operation, "operation", Otherwise),
    route(Post,   &[Part::Operation(Level::System)],                   Interaction::Operation, "operation", Otherwise),
    route(Get,    &[Kind, Part::Operation(Level::Kind)],               Interaction::Operation, "operation", Otherwise),
    route(Post,   &[Kind, Part::Operation(Level::Kind)],               Interaction::Operation, "operation", Otherwise),
    route(Get,    &[Kind, Part::Id, Part::Operation(Level::Instance)], Interaction::Operation, "operation", Otherwise),
    route(Post,   &[Kind, Part::Id, Part::Operation(Level::Instance)], Interaction::Operation, "operation", Otherwise),
];

/// Which resources of a compartment are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    All,
    Of(ResourceType),
}

/// A request that fits a route, with what its path names.
pub(crate) struct Matched {
    pub(crate) interaction: Interaction,
    pub(crate) label: Label,
    pub(crate) verb: Verb,
    pub(crate) kind: Option<ResourceType>,
    pub(crate) id: Option<Id>,
    pub(crate) version: Option<String>,
    pub(crate) members: Option<Members>,
    pub(crate) operation: Option<&'static Operation>,
}

impl Matched {
    /// The type of a route that has one.
    pub(crate) fn kind(&self) -> ResourceType {
        self.kind.expect("this route names a type")
    }

    /// The resource of a route that names one.
    pub(crate) fn key(&self) -> ::fhir::Key {
        ::fhir::Key::new(self.kind(), self.id.clone().expect("this route names an id"))
    }
}

/// Finds what a request asks by method and path below the FHIR base (`Patient/7/_history`).
pub(crate) fn resolve(verb: Verb, path: &str) -> Answer<Matched> {
    let path = path.trim_matches('/');
    let mut segments: [Cow<'_, str>; 5] = Default::default();
    let mut count = 0;
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        if count == segments.len() {
            return Err(unknown_path(&segments));
        }
        segments[count] = match segment.contains('%') {
            true => Cow::Owned(query::decode(&segment.replace('+', "%2B"))?),
            false => Cow::Borrowed(segment),
        };
        count += 1;
    }
    let segments = &segments[..count];

    let kind = segments.first().and_then(|name| ResourceType::parse(name));
    let mut allowed = Vec::new();
    for route in ROUTES {
        let fits = route.path.len() == segments.len()
            && route.path.iter().zip(segments).all(|(part, segment)| fits(*part, segment));
        if !fits {
            continue;
        }
        if route.verb != verb {
            allowed.push(route.verb);
            continue;
        }
        let mut matched = Matched {
            interaction: route.interaction,
            label: route.label,
            verb,
            kind: None,
            id: None,
            version: None,
            members: None,
            operation: None,
        };
        for (part, segment) in route.path.iter().zip(segments) {
            match part {
                Part::Word(_) => {}
                Part::Kind | Part::Owner => matched.kind = kind,
                Part::Id => matched.id = Id::parse(segment),
                Part::Version => matched.version = Some(segment.to_string()),
                Part::Member => {
                    matched.members = match &**segment {
                        "*" => Some(Members::All),
                        name => ResourceType::parse(name).map(Members::Of),
                    }
                }
                Part::Operation(level) => {
                    matched.operation = Some(operations::find(&segment[1..], *level, kind, verb)?);
                }
            }
        }
        return Ok(matched);
    }
    if allowed.is_empty() { Err(unknown_path(segments)) } else { Err(wrong_method(&allowed)) }
}

fn fits(part: Part, segment: &str) -> bool {
    match part {
        Part::Word(word) => word == segment,
        Part::Kind => ResourceType::parse(segment).is_some(),
        Part::Owner => ::fhir::tables::compartment(segment).is_some(),
        // Neither `_history` nor `$everything` can be an id.
        Part::Id => Id::parse(segment).is_some(),
        Part::Version => !segment.is_empty() && segment.len() <= 64,
        Part::Member => segment == "*" || ResourceType::parse(segment).is_some(),
        Part::Operation(_) => segment.len() > 1 && segment.starts_with('$'),
    }
}

pub(crate) fn wrong_method(allowed: &[Verb]) -> Refusal {
    let mut names: Vec<&str> = Vec::new();
    for verb in allowed {
        if !names.contains(&verb.allowed_as()) {
            names.push(verb.allowed_as());
        }
    }
    let allow = names.join(", ");
    let header = HeaderValue::from_str(&allow).expect("method names are header text");
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        IssueCode::NotSupported,
        format!("this address does not answer that method; it answers {allow}"),
    )
    .with(header::ALLOW, header)
}

fn unknown_path(segments: &[Cow<'_, str>]) -> Refusal {
    let not_found = |code, text: String| Refusal::new(StatusCode::NOT_FOUND, code, text);
    let Some(first) = segments.first() else {
        return not_found(IssueCode::NotFound, "there is nothing at this address".into());
    };
    if first.starts_with('$') || first.starts_with('_') || ResourceType::parse(first).is_some() {
        let says = match segments.get(1) {
            Some(id) if !id.starts_with(['_', '$']) && Id::parse(id).is_none() => {
                "an id has 1 to 64 letters, digits, '-' and '.'"
            }
            _ => "there is nothing at this address; GET metadata lists what this server does",
        };
        return not_found(IssueCode::NotFound, says.into());
    }
    let name: String = first.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    not_found(IssueCode::NotSupported, format!("{name} is not a resource type of FHIR R4 (names are case-sensitive)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verb: Verb, path: &str, interaction: Interaction) {
        let matched = resolve(verb, path).unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"));
        assert_eq!(matched.interaction, interaction, "{path}");
    }

    #[test]
    fn every_path_of_the_standard_finds_its_interaction() {
        check(Get, "Patient/7", Interaction::Read);
        check(Get, "Patient/7/_history", Interaction::HistoryInstance);
        check(Get, "Patient/7/_history/2", Interaction::VersionRead);
        check(Get, "Patient/_history", Interaction::HistoryKind);
        check(Get, "_history", Interaction::HistorySystem);
        check(Get, "", Interaction::SearchSystem);
        check(Post, "/", Interaction::Bundle);
        check(Post, "_search", Interaction::SearchSystem);
        check(Post, "Patient/_search", Interaction::SearchKind);
        check(Get, "Patient/7/Observation", Interaction::SearchCompartment);
        check(Get, "Patient/7/*", Interaction::SearchCompartment);
        check(Post, "Patient/7/Observation/_search", Interaction::SearchCompartment);
        check(Get, "Patient/7/$everything", Interaction::Operation);
        check(Get, "Patient/7/%24everything", Interaction::Operation);
        check(Get, "metadata", Interaction::Capabilities);
    }

    #[test]
    fn what_is_not_in_the_table_is_refused_with_a_reason() {
        let check = |verb, path: &str, status: u16| {
            let refusal = resolve(verb, path).err().unwrap_or_else(|| panic!("{path} was found"));
            assert_eq!(refusal.status.as_u16(), status, "{path}");
        };
        check(Get, "Patients/7", 404);
        check(Get, "patient/7", 404);
        check(Get, "Patient/7_8", 404);
        check(Get, "Patient/7/_history/2/3", 404);
        check(Get, "Patient/7/a/b/c/d", 404);
        check(Get, "Observation/7/Patient", 404);
        check(Get, "Patient/7/$unknown", 404);
        check(Get, "Patient/_search", 405);
        check(Post, "Patient/7", 405);
        check(Put, "metadata", 405);
        check(Delete, "", 405);
    }
}
