//! What a search asks, after parsing: a tree of tests over rows, an order, and what to send along.
//! The parser (`parse.rs`) makes it from URL parameters or `_filter`; the store runs it.

use super::row::{Slot, Span, Target};
use crate::resource::{Id, Key, ResourceType};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// A whole search.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The types searched: one for `GET [base]/Patient`, several with `_type`, empty for all.
    pub kinds: Vec<ResourceType>,
    pub filter: Filter,
    pub sort: Vec<Sort>,
    /// `_count`; the server's default applies when absent. `_count=0` is `_summary=count`.
    pub count: Option<u32>,
    pub total: Total,
    pub summary: Summary,
    /// `_elements`, top-level names.
    pub elements: Vec<String>,
    pub includes: Vec<Include>,
    pub contained: Contained,
    pub contained_type: ContainedType,
    /// The parameters that were understood, in the order given, for the self link.
    pub understood: Vec<(String, String)>,
}

/// A condition on one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// `_id`.
    Ids(Vec<Id>),
    /// One of these very resources. No parameter asks this; rights do.
    Keys(Arc<[Key]>),
    /// `_lastUpdated`, any of the tests.
    LastUpdated(Vec<DateTest>),
    /// At least one row in one of the slots passes at least one of the tests.
    Row {
        sources: Vec<Source>,
        tests: Vec<Test>,
    },
    /// A reference in `sources` points at a resource of `kind` that passes `inner`.
    Chain {
        sources: Vec<Source>,
        kind: ResourceType,
        inner: Box<Filter>,
    },
    /// A resource of `kind` that passes `inner` points here from one of `sources` (`_has`).
    Has {
        kind: ResourceType,
        sources: Vec<Source>,
        inner: Box<Filter>,
    },
    /// The resource is `member` itself or points at it from one of the slots (compartments;
    /// the slots of all types together).
    InCompartment {
        owner: Key,
        slots: Vec<Slot>,
    },
    /// Of these patients by the Patient compartment, whose slots are given (or one of the patients itself).
    OfPatients {
        patients: Arc<Patients>,
        slots: Vec<Slot>,
        of: Of,
    },
    /// `_text`: the narrative holds these words.
    Narrative(Words),
    /// `_content`: the resource holds these words.
    Content(Words),
    /// `_list`: listed by `List/[id]`, or by a functional list of `$current-…`.
    List(Id),
    /// `_type` inside `_filter` or `_has` of several types.
    Kind(Vec<ResourceType>),
}

impl Default for Filter {
    fn default() -> Filter {
        Filter::everything()
    }
}

impl Filter {
    /// The filter that everything passes.
    pub fn everything() -> Filter {
        Filter::All(Vec::new())
    }

    /// The filter that nothing passes.
    pub fn nothing() -> Filter {
        Filter::Any(Vec::new())
    }
}

/// How a resource is of a set of patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of at least one of them.
    Some,
    /// Of at least one of them, and of no other patient.
    NoOther,
}

/// Some patients, perhaps very many: a policy holds them once and all its filters share them.
#[derive(Debug, Default)]
pub struct Patients {
    ids: BTreeSet<Id>,
    /// What a store calls them, once it has found them all. A set belongs to one store.
    pub numbers: OnceLock<Vec<i64>>,
}

impl Patients {
    pub fn ids(&self) -> &BTreeSet<Id> {
        &self.ids
    }
}

impl FromIterator<Id> for Patients {
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Patients {
        Patients { ids: ids.into_iter().collect(), numbers: OnceLock::new() }
    }
}

impl PartialEq for Patients {
    fn eq(&self, other: &Patients) -> bool {
        self.ids == other.ids
    }
}

impl Eq for Patients {}

/// A slot to look in, perhaps only at references to one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub slot: Slot,
    pub only: Option<ResourceType>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Any row at all (`:missing`).
    Present,
    Token(TokenTest),
    String(StringTest),
    Reference(ReferenceTest),
    Date(DateTest),
    Quantity(QuantityTest),
    Uri(UriTest),
    /// `third` only on slots of three components.
    Composite {
        first: TokenTest,
        second: Box<Test>,
        third: Option<Box<Test>>,
    },
    /// A row that does not pass (`ne` of `_filter`; unlike [`Filter::Not`] there must be a row).
    Not(Box<Test>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenTest {
    /// `code`: in any system or none.
    Code(String),
    /// `system|code`; `system: None` is `|code`, a code without a system.
    Coding { system: Option<String>, code: String },
    /// `system|`.
    System(String),
    /// `:text` — the display or text starts with this, folded (or one of its words does).
    Text(String),
    /// `:in` a value set, by its canonical address or `ValueSet/id`.
    In(String),
    /// `:below`: the code or one it subsumes.
    Below { system: String, code: String },
    /// `:above`: the code or one that subsumes it.
    Above { system: String, code: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringTest {
    /// Starts with this, folded.
    Starts(String),
    /// `:contains`, folded.
    Contains(String),
    /// `eq` of `_filter`: the whole string, folded.
    Equals(String),
    /// `ew` of `_filter`: ends with this, folded.
    Ends(String),
    /// `:exact`, as given, and its folded form to find candidates by.
    Exact { exact: String, folded: String },
    /// `:text`: each of these folded words starts a word of the value.
    Text(Words),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceTest {
    /// Points there; with a version only at that version.
    To(Target),
    /// Points at one of these, of whatever version. No parameter asks this; rights do, for as many patients as somebody
    /// cares for.
    ToAny(Arc<[Key]>),
    /// `subject=7` — any of the types the parameter may point at, with this id.
    ToId {
        id: Id,
        kinds: Vec<ResourceType>,
    },
    /// `:below` and `:above` on canonical references: address starts with / is a start of.
    CanonicalBelow(String),
    CanonicalAbove(String),
}

/// `eq` when no prefix is given (FHIR R4, 3.1.1.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Approximately.
    Ap,
}

/// Compared as ranges (FHIR R4, 3.1.1.4.7): with v the asked span and t the row's span,
/// eq: v contains t; ne: it does not; gt: t ends after v's end (part of t lies above v); lt: part of t lies below v;
/// ge: gt or eq; le: lt or eq; sa: t starts at or after v's end; eb: t ends at or before v's start; ap: they overlap
/// after `asked` was widened by the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTest {
    pub prefix: Prefix,
    pub asked: Span,
}

/// A number asked for. With v the asked value and its range [low, high) as its digits imply it (`5.40` is 5.395 up to,
/// not including, 5.405), and t the row's amount from t.low to t.high, both included: eq: low ≤ t.low and t.high < high;
/// ne: not eq; gt: t.high > v; lt: t.low < v; ge: t.high ≥ v; le: t.low ≤ v; sa: t.low > v; eb: t.high < v;
/// ap: t.low ≤ high and t.high ≥ low, after the parser widened the range to ± 10 %.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityTest {
    pub prefix: Prefix,
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub unit: UnitTest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitTest {
    /// Any unit or none.
    Any,
    /// `|system|code`; UCUM units that measure the same match after conversion.
    Coded { system: String, code: String },
    /// `||unit`: the code or the printed unit.
    Printed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UriTest {
    Is(String),
    /// `:below`: starts with this.
    Below(String),
    /// `:above`: is a start of this.
    Above(String),
}

/// Words of `_text`, `_content` and `:text`, folded; each must appear as the start of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<WordsTerm>);

/// Terms are all required; a term may offer alternatives (`OR`) or be excluded (`NOT`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsTerm {
    pub any_of: Vec<String>,
    pub excluded: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SortBy {
    LastUpdated,
    Id,
    /// Ascending by the least value of a resource in these slots, descending by the greatest;
    /// resources without a value come last.
    Slots(Vec<Slot>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Total {
    #[default]
    None,
    Estimate,
    Accurate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    #[default]
    False,
    True,
    Text,
    Data,
    Count,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contained {
    #[default]
    False,
    True,
    Both,
}

/// `_containedType`: what to answer when a contained resource matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainedType {
    /// The resource it lies in.
    #[default]
    Container,
    Contained,
}

/// `_include` and `_revinclude`.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    pub reverse: bool,
    pub iterate: bool,
    /// The type that holds the reference; `None` for `*`.
    pub from: Option<ResourceType>,
    /// The reference slots followed; empty for a wildcard (all reference slots of `from`).
    pub slots: Vec<Slot>,
    /// Only targets (forward) or… of this type.
    pub to: Option<ResourceType>,
}
