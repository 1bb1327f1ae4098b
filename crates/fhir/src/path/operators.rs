//! What the operators do (FHIRPath N1, section 6): equality and order in three-valued logic, arithmetic on
//! exact decimals, and sets.

use super::PathError;
use super::ast::Operator;
use super::evaluate::{Outcome, Run, single};
use super::node::{Collection, Node, decimal_of};
use super::quantity::{Quantity, equivalent_decimals};
use super::temporal::Shape;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match operator {
        Operator::And => match (left, right) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Operator::Or => match (left, right) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Operator::Xor => left.zip(right).map(|(a, b)| a != b),
        _ => match (left, right) {
            (Some(false), _) | (_, Some(true)) => Some(true),
            (Some(true), right) => right,
            (None, _) => None,
        },
    }
}

pub(super) fn binary<'a>(
    run: &Run<'_, 'a>,
    operator: Operator,
    left: &Collection<'a>,
    right: &Collection<'a>,
) -> Outcome<'a> {
    match operator {
        Operator::Equal => Ok(Collection::perhaps(equal_collections(left, right))),
        Operator::NotEqual => Ok(Collection::perhaps(equal_collections(left, right).map(|it| !it))),
        Operator::Equivalent => Ok(Collection::boolean(equivalent_collections(run, left, right)?)),
        Operator::NotEquivalent => Ok(Collection::boolean(!equivalent_collections(run, left, right)?)),
        Operator::In => member_of(run, left, right),
        Operator::Contains => member_of(run, right, left),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let (Some(a), Some(b)) = (single(left)?, single(right)?) else { return Ok(Collection::Empty) };
            let order = compare(a, b)?;
            Ok(Collection::perhaps(order.map(|order| match operator {
                Operator::Less => order.is_lt(),
                Operator::LessOrEqual => order.is_le(),
                Operator::Greater => order.is_gt(),
                _ => order.is_ge(),
            })))
        }
        Operator::Concatenate => {
            let mut text = String::new();
            for side in [left, right] {
                match single(side)?.map(Node::text) {
                    None => {}
                    Some(Some(part)) => text.push_str(&part),
                    Some(None) => return Err(PathError::Evaluation("& joins texts only")),
                }
            }
            Ok(Collection::text(text))
        }
        _ => {
            let (Some(a), Some(b)) = (single(left)?, single(right)?) else { return Ok(Collection::Empty) };
            let (Some(a), Some(b)) = (a.plain(), b.plain()) else {
                return Err(PathError::Evaluation("arithmetic needs numbers, quantities, texts or dates"));
            };
            arithmetic(operator, a, b).map(Collection::from)
        }
    }
}

fn member_of<'a>(run: &Run<'_, 'a>, one: &Collection<'a>, many: &Collection<'a>) -> Outcome<'a> {
    let Some(one) = single(one)? else { return Ok(Collection::Empty) };
    contains(run, many.as_slice(), one).map(Collection::boolean)
}

pub(super) fn contains<'a>(run: &Run<'_, 'a>, many: &[Node<'a>], one: &Node<'a>) -> Result<bool, PathError> {
    run.spend(many.len() as u64)?;
    Ok(many.iter().any(|it| equal(it, one) == Some(true)))
}

fn equal_collections(left: &Collection<'_>, right: &Collection<'_>) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut unknown = false;
    for (a, b) in left.iter().zip(right.iter()) {
        match equal(a, b) {
            Some(false) => return Some(false),
            None => unknown = true,
            Some(true) => {}
        }
    }
    if unknown { None } else { Some(true) }
}

/// Whether two items are equal; `None` where precision or units leave it open.
pub(super) fn equal(a: &Node<'_>, b: &Node<'_>) -> Option<bool> {
    if a.is_same_element(b) {
        return Some(true);
    }
    if let (Node::Type { namespace: a, name: x }, Node::Type { namespace: b, name: y }) = (a, b) {
        return Some(a == b && x == y);
    }
    match (a.plain(), b.plain()) {
        (Some(a), Some(b)) => equal_plain(&a, &b),
        (None, None) => {
            let same = |x: Option<&Value>, y: Option<&Value>| match (x, y) {
                (Some(x), Some(y)) => deep_equal(x, y),
                (None, None) => true,
                _ => false,
            };
            Some(same(a.as_json(), b.as_json()) && (a.as_json().is_some() || same(a.extra(), b.extra())))
        }
        _ => Some(false),
    }
}

fn equal_plain(a: &Node<'_>, b: &Node<'_>) -> Option<bool> {
    match (a, b) {
        (Node::Boolean(a), Node::Boolean(b)) => Some(a == b),
        (Node::String(a), Node::String(b)) => Some(a == b),
        (Node::Integer(a), Node::Integer(b)) => Some(a == b),
        (Node::Temporal(a), Node::Temporal(b)) => {
            if (a.shape == Shape::Time) != (b.shape == Shape::Time) {
                return Some(false);
            }
            a.compare(b).map(Ordering::is_eq)
        }
        (Node::Quantity(a), Node::Quantity(b)) => a.compare(b).map(Ordering::is_eq),
        (Node::Quantity(quantity), number) | (number, Node::Quantity(quantity)) => {
            decimal(number).map_or(Some(false), |it| quantity.compare(&Quantity::number(it)).map(Ordering::is_eq))
        }
        _ => Some(matches!((decimal(a), decimal(b)), (Some(a), Some(b)) if a == b)),
    }
}

/// JSON with FHIR's meaning: `1.0` equals `1.00`, the order of members says nothing.
pub(crate) fn deep_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || matches!((decimal_of(a.as_str()), decimal_of(b.as_str())), (Some(a), Some(b)) if a == b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| deep_equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| deep_equal(a, b)))
        }
        _ => a == b,
    }
}

fn equivalent_collections<'a>(
    run: &Run<'_, 'a>,
    left: &Collection<'a>,
    right: &Collection<'a>,
) -> Result<bool, PathError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    run.spend((left.len() as u64).pow(2))?;
    // The order does not count, so each item looks for a partner of its own.
    let mut free: Vec<&Node<'a>> = right.iter().collect();
    Ok(left.iter().all(|a| match free.iter().position(|b| equivalent(a, b)) {
        Some(at) => {
            free.swap_remove(at);
            true
        }
        None => false,
    }))
}

fn equivalent(a: &Node<'_>, b: &Node<'_>) -> bool {
    match (a.plain(), b.plain()) {
        (Some(Node::String(a)), Some(Node::String(b))) => folded(&a) == folded(&b),
        (Some(Node::Quantity(a)), Some(Node::Quantity(b))) => a.is_equivalent(&b),
        (Some(Node::Temporal(a)), Some(Node::Temporal(b))) => a.compare(&b) == Some(Ordering::Equal),
        (Some(Node::Quantity(it)), Some(number)) | (Some(number), Some(Node::Quantity(it))) => {
            decimal(&number).is_some_and(|number| it.is_equivalent(&Quantity::number(number)))
        }
        (Some(a), Some(b)) => match (decimal(&a), decimal(&b)) {
            (Some(a), Some(b)) => equivalent_decimals(a, b),
            _ => equal_plain(&a, &b) == Some(true),
        },
        (None, None) => match (a.as_json(), b.as_json()) {
            (Some(a), Some(b)) => deep_equivalent(a, b),
            _ => equal(a, b) == Some(true),
        },
        _ => false,
    }
}

/// As `deep_equal`, with texts folded, lists in any order, and decimals to the coarser precision.
fn deep_equivalent(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => folded(a) == folded(b),
        (Value::Number(a), Value::Number(b)) => match (decimal_of(a.as_str()), decimal_of(b.as_str())) {
            (Some(a), Some(b)) => equivalent_decimals(a, b),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            let mut free: Vec<&Value> = b.iter().collect();
            a.len() == b.len()
                && a.iter().all(|a| match free.iter().position(|b| deep_equivalent(a, b)) {
                    Some(at) => {
                        free.swap_remove(at);
                        true
                    }
                    None => false,
                })
        }
        (Value::Object(a), Value::Object(b)) => {
            // The id of an element names the place, not the meaning.
            let fields = |it: &serde_json::Map<String, Value>| it.keys().filter(|name| *name != "id").count();
            fields(a) == fields(b)
                && a.iter()
                    .filter(|(name, _)| *name != "id")
                    .all(|(name, a)| b.get(name).is_some_and(|b| deep_equivalent(a, b)))
        }
        _ => a == b,
    }
}

/// Case and white space do not count.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

/// Which comes first; `None` where it is open, an error where the types have no order.
pub(super) fn compare(a: &Node<'_>, b: &Node<'_>) -> Result<Option<Ordering>, PathError> {
    let without_order = || PathError::Evaluation("these two types cannot be compared by size");
    let valueless = |it: &Node<'_>| it.as_json().is_none() && it.extra().is_some();
    let (a, b) = match (a.plain(), b.plain()) {
        (Some(a), Some(b)) => (a, b),
        _ if valueless(a) || valueless(b) => return Ok(None),
        _ => return Err(without_order()),
    };
    Ok(match (&a, &b) {
        (Node::String(a), Node::String(b)) => Some(a.cmp(b)),
        (Node::Integer(a), Node::Integer(b)) => Some(a.cmp(b)),
        (Node::Temporal(a), Node::Temporal(b)) if (a.shape == Shape::Time) == (b.shape == Shape::Time) => a.compare(b),
        (Node::Quantity(a), Node::Quantity(b)) => a.compare(b),
        (Node::Quantity(a), b) => a.compare(&Quantity::number(decimal(b).ok_or_else(without_order)?)),
        (a, Node::Quantity(b)) => Quantity::number(decimal(a).ok_or_else(without_order)?).compare(b),
        (a, b) => Some(decimal(a).ok_or_else(without_order)?.cmp(&decimal(b).ok_or_else(without_order)?)),
    })
}

/// A whole number or decimal as decimal.
pub(super) fn decimal(node: &Node<'_>) -> Option<Decimal> {
    match node {
        Node::Integer(it) => Some(Decimal::from(*it)),
        Node::Decimal(it) => Some(*it),
        _ => None,
    }
}

pub(super) fn signed<'a>(negative: bool, node: &Node<'a>) -> Result<Node<'a>, PathError> {
    let wrong = PathError::Evaluation("a sign belongs before a number or a quantity");
    let plain = node.plain().ok_or(wrong.clone())?;
    Ok(match plain {
        Node::Integer(it) => Node::Integer(if negative { it.checked_neg().ok_or(wrong)? } else { it }),
        // Zero has no sign.
        Node::Decimal(it) => Node::Decimal(if negative && !it.is_zero() { -it } else { it }),
        Node::Quantity(mut it) => {
            it.value = if negative { -it.value } else { it.value };
            Node::Quantity(it)
        }
        _ => return Err(wrong),
    })
}

/// What does not fit a number, or divides by zero, is no result rather than a wrong one.
fn arithmetic<'a>(operator: Operator, a: Node<'a>, b: Node<'a>) -> Result<Option<Node<'a>>, PathError> {
    let wrong = || PathError::Evaluation("this operator does not work on these two types");
    let quantity = |it: Option<Quantity<'a>>| Ok(it.map(|it| Node::Quantity(Box::new(it))));
    match (a, b) {
        (Node::Integer(a), Node::Integer(b)) => Ok(match operator {
            Operator::Plus => a.checked_add(b).map(Node::Integer),
            Operator::Minus => a.checked_sub(b).map(Node::Integer),
            Operator::Multiply => a.checked_mul(b).map(Node::Integer),
            Operator::Div => a.checked_div(b).map(Node::Integer),
            Operator::Mod => a.checked_rem(b).map(Node::Integer),
            Operator::Divide => Decimal::from(a).checked_div(Decimal::from(b)).map(Node::Decimal),
            _ => return Err(wrong()),
        }),
        (Node::String(a), Node::String(b)) if operator == Operator::Plus => {
            Ok(Some(Node::String(Cow::Owned(format!("{a}{b}")))))
        }
        (Node::Temporal(moment), Node::Quantity(amount)) if matches!(operator, Operator::Plus | Operator::Minus) => {
            let unit = amount.calendar_unit().ok_or(PathError::Evaluation(
                "a date moves by calendar units (years, months, weeks, days, hours …) or by UCUM wk, d, h, min, s, ms",
            ))?;
            let value = if operator == Operator::Minus { -amount.value } else { amount.value };
            Ok(moment.plus(value, unit).map(Node::Temporal))
        }
        (Node::Quantity(a), Node::Quantity(b)) => match operator {
            Operator::Plus => quantity(a.plus(&b, false)),
            Operator::Minus => quantity(a.plus(&b, true)),
            Operator::Multiply => quantity(a.times(&b)),
            Operator::Divide => quantity(a.over(&b)),
            _ => Err(wrong()),
        },
        (Node::Quantity(a), b) => {
            let number = Quantity::number(decimal(&b).ok_or_else(wrong)?);
            match operator {
                Operator::Multiply => quantity(a.times(&number)),
                Operator::Divide => quantity(a.over(&number)),
                _ => Err(wrong()),
            }
        }
        (a, Node::Quantity(b)) => {
            let number = Quantity::number(decimal(&a).ok_or_else(wrong)?);
            match operator {
                Operator::Multiply => quantity(number.times(&b)),
                Operator::Divide => quantity(number.over(&b)),
                _ => Err(wrong()),
            }
        }
        (a, b) => {
            let (a, b) = (decimal(&a).ok_or_else(wrong)?, decimal(&b).ok_or_else(wrong)?);
            Ok(match operator {
                Operator::Plus => a.checked_add(b).map(Node::Decimal),
                Operator::Minus => a.checked_sub(b).map(Node::Decimal),
                Operator::Multiply => a.checked_mul(b).map(Node::Decimal),
                Operator::Divide => a.checked_div(b).map(Node::Decimal),
                Operator::Div => a.checked_div(b).and_then(|it| it.trunc().to_i64()).map(Node::Integer),
                Operator::Mod => a.checked_rem(b).map(Node::Decimal),
                _ => return Err(wrong()),
            })
        }
    }
}

/// Up to this many items comparing each with each is quicker than hashing.
const FEW: usize = 12;

/// Each item once, in the order of first appearance.
pub(super) fn distinct<'a>(run: &Run<'_, 'a>, found: Collection<'a>) -> Outcome<'a> {
    if found.len() < 2 {
        return Ok(found);
    }
    let mut seen = Seen::default();
    let mut out = Collection::Empty;
    for node in found {
        if seen.insert(run, &node)? {
            out.push(node);
        }
    }
    Ok(out)
}

/// A set of items by equality.
#[derive(Default)]
pub(super) struct Seen<'a> {
    nodes: Vec<Node<'a>>,
    /// Filled once there are more than a few.
    places: HashMap<u64, Vec<usize>>,
}

impl<'a> Seen<'a> {
    /// Whether it was new.
    pub(super) fn insert(&mut self, run: &Run<'_, 'a>, node: &Node<'a>) -> Result<bool, PathError> {
        if self.has(run, node)? {
            return Ok(false);
        }
        if self.nodes.len() == FEW {
            for (place, known) in self.nodes.iter().enumerate() {
                self.places.entry(fingerprint(known)).or_default().push(place);
            }
        }
        if self.nodes.len() >= FEW {
            self.places.entry(fingerprint(node)).or_default().push(self.nodes.len());
        }
        self.nodes.push(node.clone());
        Ok(true)
    }

    pub(super) fn has(&self, run: &Run<'_, 'a>, node: &Node<'a>) -> Result<bool, PathError> {
        if self.nodes.len() <= FEW {
            return contains(run, &self.nodes, node);
        }
        let Some(places) = self.places.get(&fingerprint(node)) else { return Ok(false) };
        run.spend(places.len() as u64)?;
        Ok(places.iter().any(|place| equal(&self.nodes[*place], node) == Some(true)))
    }
}

/// Equal items have equal fingerprints. Dates and quantities are equal in too many ways to tell apart here.
fn fingerprint(node: &Node<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match node.plain() {
        Some(Node::Boolean(it)) => it.hash(&mut hasher),
        Some(Node::String(it)) => it.hash(&mut hasher),
        Some(Node::Temporal(_)) => 1.hash(&mut hasher),
        Some(Node::Quantity(_) | Node::Integer(_) | Node::Decimal(_)) => {
            match node.plain().as_ref().and_then(decimal) {
                Some(it) => it.normalize().hash(&mut hasher),
                None => 2.hash(&mut hasher),
            }
        }
        _ => return node.as_json().map_or(3, deep_fingerprint),
    }
    hasher.finish()
}

fn deep_fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0.hash(&mut hasher),
        Value::Bool(it) => it.hash(&mut hasher),
        Value::String(it) => it.hash(&mut hasher),
        Value::Number(it) => decimal_of(it.as_str()).map(|it| it.normalize()).hash(&mut hasher),
        Value::Array(items) => items.iter().for_each(|it| deep_fingerprint(it).hash(&mut hasher)),
        // Members in any order: a sum does not mind.
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let mut hasher = DefaultHasher::new();
                (name, deep_fingerprint(value)).hash(&mut hasher);
                hasher.finish()
            })
            .fold(0u64, u64::wrapping_add)
            .hash(&mut hasher),
    }
    hasher.finish()
}
