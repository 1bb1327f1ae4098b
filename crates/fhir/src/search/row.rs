//! What a resource is found by: one [`Row`] for each value of each search parameter.

use crate::resource::{Id, Key, ResourceType};
use std::borrow::Cow;
use std::cmp::Ordering;

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
    /// (every composite of R4 starts with a code).
    CompositeToken,
    CompositeString,
    CompositeReference,
    CompositeDate,
    CompositeQuantity,
    /// A code and two numbers, each asked for by itself: a chromosome with the start and end of a window.
    CompositeQuantityPair,
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
    /// `third` only where the slot is a `CompositeQuantityPair`.
    Composite {
        first: Token,
        second: Box<RowValue>,
        third: Option<Box<RowValue>>,
    },
}

impl RowValue {
    /// An order over all values, so that the rows of a resource are the same list whatever order they came in.
    pub fn order(&self, other: &RowValue) -> Ordering {
        use RowValue::{Composite, Date, Quantity, Reference, String, Token, Uri};
        let number = |a: f64, b: f64| a.total_cmp(&b);
        match (self, other) {
            (Token(a), Token(b)) => a.cmp(b),
            (String(a), String(b)) => a.cmp(b),
            (Reference(a), Reference(b)) => a.cmp(b),
            (Date(a), Date(b)) => a.cmp(b),
            (Quantity(a), Quantity(b)) => {
                number(a.low, b.low).then_with(|| number(a.high, b.high)).then_with(|| a.unit.cmp(&b.unit))
            }
            (Uri(a), Uri(b)) => a.cmp(b),
            (
                Composite { first, second, third },
                Composite { first: other_first, second: other_second, third: other_third },
            ) => first.cmp(other_first).then_with(|| second.order(other_second)).then_with(|| {
                match (third, other_third) {
                    (Some(a), Some(b)) => a.order(b),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                }
            }),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            RowValue::Token(_) => 0,
            RowValue::String(_) => 1,
            RowValue::Reference(_) => 2,
            RowValue::Date(_) => 3,
            RowValue::Quantity(_) => 4,
            RowValue::Uri(_) => 5,
            RowValue::Composite { .. } => 6,
        }
    }
}

/// A code as it may be searched: Coding, CodeableConcept (one token for each coding, one more for a
/// text that no coding displays), Identifier, ContactPoint, code, boolean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// `None`: the element has no system. For a plain `code` element the system is that of its
    /// required binding where the tables know it.
    pub system: Option<String>,
    /// `None` for a text without a code.
    pub code: Option<String>,
    /// What `:text` reads: display or text, as received.
    pub text: Option<String>,
}

/// The form in which codes are compared. Servers should be lenient when the code system does not say that case
/// matters (FHIR R4, 3.1.1.4.10): too much found is safer than too little.
pub fn code_key(code: &str) -> Cow<'_, str> {
    if code.chars().any(char::is_uppercase) { Cow::Owned(code.to_lowercase()) } else { Cow::Borrowed(code) }
}

/// A string as it may be searched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// Case, accents and runs of white space folded away ([`fold`](super::fold())).
    pub folded: String,
    /// As received, for `:exact`.
    pub exact: String,
}

/// Where a reference points.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    pub system: Option<String>,
    pub code: Option<String>,
    /// The printed unit, which `value||unit` may also match.
    pub text: Option<String>,
}

/// The addresses under which this server is known: absolute references below them are references to here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseUrls(Vec<String>);

impl BaseUrls {
    pub fn new<T: Into<String>>(urls: impl IntoIterator<Item = T>) -> BaseUrls {
        let trimmed = |url: T| {
            let mut url: String = url.into();
            url.truncate(url.trim_end_matches('/').len());
            url
        };
        BaseUrls(urls.into_iter().map(trimmed).filter(|url| !url.is_empty()).collect())
    }

    /// What follows our own address: `Patient/7` of `https://here/fhir/Patient/7`.
    pub fn within<'a>(&self, url: &'a str) -> Option<&'a str> {
        self.0.iter().find_map(|base| url.strip_prefix(base.as_str())?.strip_prefix('/'))
    }
}

impl Target {
    /// Reads a literal reference: relative, absolute, `urn:` or `#contained`. `kind` is `Reference.type`, if known.
    pub fn read(reference: &str, kind: Option<ResourceType>, base: &BaseUrls) -> Target {
        let path = base.within(reference).unwrap_or(reference);
        if let Some(local) = Target::local(path) {
            return local;
        }
        Target::Elsewhere { kind: kind_in(reference).or(kind), url: reference.to_owned() }
    }

    /// Reads a canonical address. One of a resource of ours by type and id is as good as a literal reference.
    pub fn read_canonical(canonical: &str, base: &BaseUrls) -> Target {
        let (url, version) = match canonical.split_once('|') {
            Some((url, version)) => (url, Some(version.to_owned()).filter(|version| !version.is_empty())),
            None => (canonical, None),
        };
        match Target::local(base.within(url).unwrap_or(url)) {
            Some(Target::Local { key, version: own }) => Target::Local { key, version: own.or(version) },
            _ => Target::Canonical { url: url.to_owned(), version },
        }
    }

    /// `Patient/7` or `Patient/7/_history/2`.
    fn local(path: &str) -> Option<Target> {
        let (kind, rest) = path.split_once('/')?;
        let (id, version) = match rest.split_once("/_history/") {
            Some((id, version)) => (id, Some(Id::parse(version)?.as_str().to_owned())),
            None => (rest, None),
        };
        Some(Target::Local { key: Key::new(ResourceType::parse(kind)?, Id::parse(id)?), version })
    }
}

/// The resource type that the end of an absolute address tells.
fn kind_in(url: &str) -> Option<ResourceType> {
    let url = url.split_once("/_history/").map_or(url, |(resource, _)| resource);
    let mut parts = url.rsplit('/');
    let (_, kind) = (parts.next()?, parts.next()?);
    url.contains("://").then(|| ResourceType::parse(kind)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_our_own_address_are_local() {
        let base = BaseUrls::new(["https://here.example/fhir/"]);
        let check = |reference: &str, expected: &str| {
            assert_eq!(format!("{:?}", Target::read(reference, None, &base)), expected, "{reference}");
        };
        check("Patient/7", "Local { key: Patient/7, version: None }");
        check("https://here.example/fhir/Patient/7", "Local { key: Patient/7, version: None }");
        check("Patient/7/_history/2", "Local { key: Patient/7, version: Some(\"2\") }");
        check(
            "https://there.example/Patient/7",
            r#"Elsewhere { url: "https://there.example/Patient/7", kind: Some(Patient) }"#,
        );
        check(
            "https://here.example/fhirs/Patient/7",
            r#"Elsewhere { url: "https://here.example/fhirs/Patient/7", kind: Some(Patient) }"#,
        );
        check("urn:oid:1.2.3", r#"Elsewhere { url: "urn:oid:1.2.3", kind: None }"#);
        check("#drug", r##"Elsewhere { url: "#drug", kind: None }"##);
        check("Patient?identifier=1", r#"Elsewhere { url: "Patient?identifier=1", kind: None }"#);
        let canonical = Target::read_canonical("http://x.example/Measure/a|2", &base);
        assert_eq!(
            canonical,
            Target::Canonical { url: "http://x.example/Measure/a".into(), version: Some("2".into()) }
        );
    }
}
