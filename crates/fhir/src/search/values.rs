//! What the data types give a search: tokens of a CodeableConcept, spans of a Period, strings of a HumanName
//! (FHIR R4, 3.1.1.4.4 to 3.1.1.4.14). Values without content give no rows; nothing here fails.

use super::fold::fold;
use super::row::{Amount, BaseUrls, Row, RowValue, Slot, Span, Target, Text, Token, Unit};
use super::trie::Composite;
use crate::resource::{Id, Key, ResourceType};
use crate::tables::{CodeSet, Element, Kind, Primitive, SearchKind, Strength, TypeDef};
use serde_json::{Map, Value};

/// How values of one type become rows of one kind of parameter.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    Code(Option<&'static CodeSet>),
    Flag,
    Coding,
    Concept,
    Identifier,
    IdentifierOfType,
    Contact,
    Words,
    Name,
    Address,
    ConceptWords,
    ContactWords,
    NoteWords,
    Reference,
    ReferenceIdentifier,
    Canonical,
    EntryResource,
    Moment,
    Period,
    Timing,
    Number,
    Quantity,
    Money,
    Range,
    Sampled,
    Uri,
    Composite(Box<Composite>),
}

impl Leaf {
    /// The way for a kind of parameter and the type (and binding) of the element; `None` when they do not go together.
    pub(super) fn of(kind: SearchKind, found: &TypeDef, element: Option<&Element>) -> Option<Leaf> {
        let text = matches!(
            found.primitive,
            Some(
                Primitive::String
                    | Primitive::Code
                    | Primitive::Id
                    | Primitive::Markdown
                    | Primitive::Uri
                    | Primitive::Url
                    | Primitive::Canonical
                    | Primitive::Oid
                    | Primitive::Uuid
            )
        );
        let address = matches!(
            found.primitive,
            Some(Primitive::Uri | Primitive::Url | Primitive::Canonical | Primitive::Oid | Primitive::Uuid)
        );
        let number = matches!(
            found.primitive,
            Some(Primitive::Integer | Primitive::Decimal | Primitive::PositiveInt | Primitive::UnsignedInt)
        );
        let moment = matches!(found.primitive, Some(Primitive::Date | Primitive::DateTime | Primitive::Instant));
        Some(match (kind, found.name) {
            (SearchKind::Token, "Coding") => Leaf::Coding,
            (SearchKind::Token, "CodeableConcept") => Leaf::Concept,
            (SearchKind::Token, "Identifier") => Leaf::Identifier,
            (SearchKind::Token, "ContactPoint") => Leaf::Contact,
            (SearchKind::Token, "boolean") => Leaf::Flag,
            (SearchKind::Token, "code") => {
                let binding = element.and_then(|element| element.binding);
                Leaf::Code(binding.filter(|it| it.strength == Strength::Required).and_then(|it| it.codes))
            }
            (SearchKind::Token, _) if text || number || moment => Leaf::Code(None),
            (SearchKind::String, "HumanName") => Leaf::Name,
            (SearchKind::String, "Address") => Leaf::Address,
            (SearchKind::String, "CodeableConcept") => Leaf::ConceptWords,
            (SearchKind::String, "ContactPoint") => Leaf::ContactWords,
            (SearchKind::String, "Annotation") => Leaf::NoteWords,
            (SearchKind::String, _) if text => Leaf::Words,
            (SearchKind::Reference, "Reference") => Leaf::Reference,
            (SearchKind::Reference, _) if found.kind == Kind::Resource => Leaf::EntryResource,
            (SearchKind::Reference, _) if address => Leaf::Canonical,
            (SearchKind::Date, "Period") => Leaf::Period,
            (SearchKind::Date, "Timing") => Leaf::Timing,
            (SearchKind::Date, _) if moment => Leaf::Moment,
            (SearchKind::Number | SearchKind::Quantity | SearchKind::Special, _) if number => Leaf::Number,
            (SearchKind::Number | SearchKind::Quantity, "Range") => Leaf::Range,
            (SearchKind::Quantity, "Money") => Leaf::Money,
            (SearchKind::Quantity, "SampledData") => Leaf::Sampled,
            (SearchKind::Number | SearchKind::Quantity, _) if found.is_a("Quantity") => Leaf::Quantity,
            (SearchKind::Uri, _) if text => Leaf::Uri,
            _ => return None,
        })
    }

    /// Adds the rows of one value.
    pub(super) fn rows(&self, value: &Value, slot: Slot, from: &Origin<'_>, rows: &mut Vec<Row>) {
        let mut add = |value: RowValue| rows.push(Row { slot, value });
        match self {
            Leaf::Code(codes) => {
                let plain = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Bool(flag) => flag.to_string(),
                    _ => return,
                };
                let system = codes.and_then(|codes| codes.system_of(&plain)).map(str::to_owned);
                add(RowValue::Token(Token { system, code: Some(plain), text: None }));
            }
            Leaf::Flag => {
                if let Value::Bool(flag) = value {
                    add(RowValue::Token(Token { system: None, code: Some(flag.to_string()), text: None }));
                }
            }
            Leaf::Coding => coding(value).into_iter().for_each(|token| add(RowValue::Token(token))),
            Leaf::Concept => concept(value, &mut |token| add(RowValue::Token(token))),
            Leaf::Identifier => identifier(value).into_iter().for_each(|token| add(RowValue::Token(token))),
            Leaf::IdentifierOfType => {
                let Some(code) = text(value, "value") else { return };
                let types = value.get("type").and_then(|kind| kind.get("coding"));
                for kind in types.and_then(Value::as_array).into_iter().flatten() {
                    if let (Some(system), Some(of)) = (text(kind, "system"), text(kind, "code")) {
                        let system = Some(of_type_system(system, of));
                        add(RowValue::Token(Token { system, code: Some(code.to_owned()), text: None }));
                    }
                }
            }
            Leaf::Contact => {
                if let Some(code) = text(value, "value") {
                    let system = text(value, "system").map(str::to_owned);
                    add(RowValue::Token(Token { system, code: Some(code.to_owned()), text: None }));
                }
            }
            Leaf::Words => value.as_str().into_iter().for_each(|it| words(it, &mut add)),
            Leaf::Name => name(value, &mut |it| words(it, &mut add)),
            Leaf::Address => parts(value, &ADDRESS_PARTS, &mut |it| words(it, &mut add)),
            Leaf::ConceptWords => {
                text(value, "text").into_iter().for_each(|it| words(it, &mut add));
                for coding in list(value, "coding") {
                    text(coding, "display").into_iter().for_each(|it| words(it, &mut add));
                }
            }
            Leaf::ContactWords => text(value, "value").into_iter().for_each(|it| words(it, &mut add)),
            Leaf::NoteWords => text(value, "text").into_iter().for_each(|it| words(it, &mut add)),
            Leaf::Reference => from.reference(value).into_iter().for_each(|it| add(RowValue::Reference(it))),
            Leaf::ReferenceIdentifier => {
                let token = value.get("identifier").and_then(identifier);
                token.into_iter().for_each(|token| add(RowValue::Token(token)));
            }
            Leaf::Canonical => {
                if let Some(address) = value.as_str().filter(|it| !it.is_empty()) {
                    add(RowValue::Reference(from.canonical(address)));
                }
            }
            Leaf::EntryResource => {
                let kind = text(value, "resourceType").and_then(ResourceType::parse);
                if let (Some(kind), Some(id)) = (kind, text(value, "id").and_then(Id::parse)) {
                    add(RowValue::Reference(Target::Local { key: Key::new(kind, id), version: None }));
                }
            }
            Leaf::Moment => value.as_str().and_then(Span::parse).into_iter().for_each(|it| add(RowValue::Date(it))),
            Leaf::Period => period(value).into_iter().for_each(|it| add(RowValue::Date(it))),
            Leaf::Timing => timing(value).into_iter().for_each(|it| add(RowValue::Date(it))),
            Leaf::Number => {
                if let Some(number) = number(value) {
                    add(RowValue::Quantity(Amount { low: number, high: number, unit: Unit::default() }));
                }
            }
            Leaf::Quantity => quantity(value).into_iter().for_each(|it| add(RowValue::Quantity(it))),
            Leaf::Money => {
                if let Some(number) = value.get("value").and_then(number) {
                    let unit = match text(value, "currency") {
                        Some(currency) => Unit {
                            system: Some(CURRENCIES.to_owned()),
                            code: Some(currency.to_owned()),
                            text: Some(currency.to_owned()),
                        },
                        None => Unit::default(),
                    };
                    add(RowValue::Quantity(Amount { low: number, high: number, unit }));
                }
            }
            Leaf::Range => range(value).into_iter().for_each(|it| add(RowValue::Quantity(it))),
            Leaf::Sampled => sampled(value).into_iter().for_each(|it| add(RowValue::Quantity(it))),
            Leaf::Uri => {
                if let Some(address) = value.as_str().filter(|it| !it.is_empty()) {
                    // A profile may be claimed with a version; it is asked for without as well.
                    if let Some((plain, _)) = address.split_once('|').filter(|(plain, _)| !plain.is_empty()) {
                        add(RowValue::Uri(plain.to_owned()));
                    }
                    add(RowValue::Uri(address.to_owned()));
                }
            }
            Leaf::Composite(composite) => composite.rows(value, slot, from, rows),
        }
    }
}

/// The code system of currencies.
pub(super) const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// The system under which `:of-type` rows lie: that of the identifier's type, with its code.
pub(super) fn of_type_system(system: &str, code: &str) -> String {
    format!("{system}|{code}")
}

/// What rows are made from: the whole resource, what contains it (or itself), and who we are.
pub(super) struct Origin<'a> {
    pub(super) resource: &'a Value,
    pub(super) container: &'a Value,
    pub(super) base: &'a BaseUrls,
}

impl Origin<'_> {
    pub(super) fn reference(&self, value: &Value) -> Option<Target> {
        let literal = text(value, "reference").filter(|it| !it.is_empty())?;
        let kind = match literal.strip_prefix('#') {
            Some(id) => self.contained_kind(id),
            None => text(value, "type").and_then(ResourceType::parse),
        };
        Some(Target::read(literal, kind, self.base))
    }

    fn canonical(&self, address: &str) -> Target {
        match address.strip_prefix('#') {
            Some(id) => Target::Elsewhere { url: address.to_owned(), kind: self.contained_kind(id) },
            None => Target::read_canonical(address, self.base),
        }
    }

    fn contained_kind(&self, id: &str) -> Option<ResourceType> {
        let own = list(self.container, "contained").find(|it| text(it, "id") == Some(id))?;
        text(own, "resourceType").and_then(ResourceType::parse)
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn words(value: &str, add: &mut impl FnMut(RowValue)) {
    let folded = fold(value);
    if !folded.is_empty() {
        add(RowValue::String(Text { folded, exact: value.to_owned() }));
    }
}

fn coding(value: &Value) -> Option<Token> {
    let Value::Object(members) = value else { return None };
    let own = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
    let token = Token { system: own("system"), code: own("code"), text: own("display") };
    (token.system.is_some() || token.code.is_some() || token.text.is_some()).then_some(token)
}

fn concept(value: &Value, add: &mut impl FnMut(Token)) {
    let said = text(value, "text");
    let mut displayed = said.is_none();
    for each in list(value, "coding") {
        displayed = displayed || text(each, "display") == said;
        coding(each).into_iter().for_each(&mut *add);
    }
    if let (Some(said), false) = (said, displayed) {
        add(Token { system: None, code: None, text: Some(said.to_owned()) });
    }
}

fn identifier(value: &Value) -> Option<Token> {
    let Value::Object(members) = value else { return None };
    let own = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
    let said = members.get("type").and_then(|kind| text(kind, "text")).map(str::to_owned);
    let token = Token { system: own("system"), code: own("value"), text: said };
    (token.system.is_some() || token.code.is_some() || token.text.is_some()).then_some(token)
}

const ADDRESS_PARTS: [&str; 7] = ["text", "line", "city", "district", "state", "postalCode", "country"];

/// The strings of members that hold one or several.
fn parts(value: &Value, members: &[&str], add: &mut impl FnMut(&str)) {
    let Value::Object(own) = value else { return };
    for (member, value) in own {
        if members.contains(&member.as_str()) {
            strings(value, add);
        }
    }
}

fn strings(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::String(it) => add(it),
        Value::Array(all) => all.iter().filter_map(Value::as_str).for_each(add),
        _ => {}
    }
}

/// Each part of a name, and the whole as it is said, so that `Anna Maria Smith` is found in one piece.
fn name(value: &Value, add: &mut impl FnMut(&str)) {
    let Value::Object(own) = value else { return };
    parts(value, &["text", "family", "given", "prefix", "suffix"], add);
    let mut whole = String::new();
    let mut count = 0;
    for member in ["given", "family"] {
        own.get(member).into_iter().for_each(|value| {
            strings(value, &mut |it| {
                whole.push_str(if count == 0 { "" } else { " " });
                whole.push_str(it);
                count += 1;
            });
        });
    }
    if count > 1 {
        add(&whole);
    }
}

fn period(value: &Value) -> Option<Span> {
    let edge = |member: &str| text(value, member).and_then(Span::parse);
    match (edge("start"), edge("end")) {
        (None, None) => None,
        (start, end) => {
            Some(Span { low: start.map_or(i64::MIN, |start| start.low), high: end.map_or(i64::MAX, |end| end.high) })
        }
    }
}

/// Only the outer limits of a schedule count (FHIR R4, 3.1.1.4.7).
fn timing(value: &Value) -> Option<Span> {
    let bounds = value.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")).and_then(period);
    let events = list(value, "event").filter_map(|event| event.as_str().and_then(Span::parse));
    events.chain(bounds).reduce(Span::cover)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

fn unit(members: &Map<String, Value>) -> Unit {
    let own = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
    Unit { system: own("system"), code: own("code"), text: own("unit") }
}

/// `< 5` is everything up to 5: a comparator makes an open range.
fn quantity(value: &Value) -> Option<Amount> {
    let Value::Object(members) = value else { return None };
    let at = members.get("value").and_then(number)?;
    let (low, high) = match members.get("comparator").and_then(Value::as_str) {
        Some("<" | "<=") => (f64::NEG_INFINITY, at),
        Some(">" | ">=") => (at, f64::INFINITY),
        _ => (at, at),
    };
    Some(Amount { low, high, unit: unit(members) })
}

fn range(value: &Value) -> Option<Amount> {
    let (low, high) = (value.get("low").and_then(quantity), value.get("high").and_then(quantity));
    let unit = low.as_ref().or(high.as_ref()).map(|edge| edge.unit.clone())?;
    Some(Amount {
        low: low.map_or(f64::NEG_INFINITY, |edge| edge.low),
        high: high.map_or(f64::INFINITY, |edge| edge.high),
        unit,
    })
}

/// From the least to the greatest sample. `E` (error) says nothing; `L` and `U` lie beyond the limits.
fn sampled(value: &Value) -> Option<Amount> {
    let origin = value.get("origin").and_then(quantity)?;
    let factor = value.get("factor").and_then(number).unwrap_or(1.0);
    let limit = |member: &str, open: f64| value.get(member).and_then(number).unwrap_or(open);
    let mut ends: Option<(f64, f64)> = None;
    for sample in text(value, "data").unwrap_or_default().split_ascii_whitespace() {
        let sample = match sample {
            "L" => limit("lowerLimit", f64::NEG_INFINITY),
            "U" => limit("upperLimit", f64::INFINITY),
            _ => match sample.parse::<f64>() {
                Ok(sample) => sample,
                Err(_) => continue,
            },
        };
        let at = origin.low + sample * factor;
        ends = Some(ends.map_or((at, at), |(low, high)| (low.min(at), high.max(at))));
    }
    let (low, high) = ends.unwrap_or((origin.low, origin.low));
    Some(Amount { low, high, unit: origin.unit })
}
