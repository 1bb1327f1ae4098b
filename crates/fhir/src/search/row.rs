//! What a resource is found by: one [`Row`] for each value of each search parameter.

use crate::resource::{Key, ResourceType};

/// Where rows of one kind lie. Most search parameters have a slot of their own; some share one
/// (`Observation.patient` is `Observation.subject` narrowed to patients), some read several
/// (`combo-code` reads `code` and `component-code`), and some modifiers have one more
/// (`Patient.identifier:of-type`, `Observation.subject:identifier`).
/// A slot is a place in the registry's list of slots; stores keep the slot's *name*, for example
/// `Observation.code`, because the numbers change when parameters are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// Which shape the rows of a slot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotShape {
    Token,
    String,
    Reference,
    Date,
    /// Numbers are quantities without a unit.
    Quantity,
    Uri,
    /// A coded first component and a second one of the given shape
    /// (every composite of R4 starts with a code; a third component narrows like the second).
    CompositeToken,
    CompositeString,
    CompositeReference,
    CompositeDate,
    CompositeQuantity,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub slot: Slot,
    pub value: RowValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RowValue {
    Token(Token),
    String(Text),
    Reference(Target),
    Date(Span),
    Quantity(Amount),
    Uri(String),
    Composite { first: Token, second: Box<RowValue> },
}

/// A code as it may be searched: Coding, CodeableConcept (one token for each coding, one more for a
/// text that no coding displays), Identifier, ContactPoint, code, boolean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// `None`: the element has no system. For a plain `code` element the system is that of its
    /// required binding where the tables know it.
    pub system: Option<String>,
    /// `None` for a text without a code.
    pub code: Option<String>,
    /// What `:text` reads: display or text, as received.
    pub text: Option<String>,
}

/// A string as it may be searched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// Case, accents and runs of white space folded away ([`fold`](super::fold)).
    pub folded: String,
    /// As received, for `:exact`.
    pub exact: String,
}

/// Where a reference points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A resource of this organisation, known here or not yet.
    Local { key: Key, version: Option<String> },
    /// A resource elsewhere, or a `urn:`; the type where the address or `Reference.type` tells it.
    Elsewhere { url: String, kind: Option<ResourceType> },
    /// A canonical address, with the version after `|` if given.
    Canonical { url: String, version: Option<String> },
}

/// A span of time in milliseconds since 1970 UTC: from `low` up to, not including, `high`.
/// An open period has `i64::MIN` or `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub low: i64,
    pub high: i64,
}

/// A number with its unit as received. Ranges (`Range`, `SampledData`) have `low` ≠ `high`.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    pub low: f64,
    pub high: f64,
    pub unit: Unit,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unit {
    pub system: Option<String>,
    pub code: Option<String>,
    /// The printed unit, which `value||unit` may also match.
    pub text: Option<String>,
}
