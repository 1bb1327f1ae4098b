//! From one plain type to another, choosing, and the time (FHIRPath N1, 5.5 and 5.9.2).

use super::PathError;
use super::evaluate::{Outcome, Run, Scope, single};
use super::node::{Collection, Node};
use super::plan::Call;
use super::quantity::Quantity;
use super::temporal::{Shape, Temporal};
use rust_decimal::Decimal;
use std::borrow::Cow;

type Conversion = for<'n, 'a> fn(&'n Node<'a>) -> Option<Node<'a>>;

pub(super) fn convert<'a>(input: &Collection<'a>, conversion: Conversion) -> Outcome<'a> {
    Ok(single(input)?.and_then(Node::plain).and_then(|it| conversion(&it)).into())
}

pub(super) fn converts<'a>(input: &Collection<'a>, conversion: Conversion) -> Outcome<'a> {
    let Some(one) = single(input)? else { return Ok(Collection::Empty) };
    Ok(Collection::boolean(one.plain().and_then(|it| conversion(&it)).is_some()))
}

pub(super) fn to_boolean<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let read = match node {
        Node::Boolean(it) => *it,
        Node::Integer(0) => false,
        Node::Integer(1) => true,
        Node::Decimal(it) if it.is_zero() => false,
        Node::Decimal(it) if *it == Decimal::ONE => true,
        Node::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => true,
            "false" | "f" | "no" | "n" | "0" | "0.0" => false,
            _ => return None,
        },
        _ => return None,
    };
    Some(Node::Boolean(read))
}

pub(super) fn to_integer<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    match node {
        Node::Integer(it) => Some(Node::Integer(*it)),
        Node::Boolean(it) => Some(Node::Integer(i64::from(*it))),
        // An Integer has 32 bits (FHIRPath N1, 2.1.3).
        Node::String(text) => text.parse::<i32>().ok().map(|it| Node::Integer(i64::from(it))),
        _ => None,
    }
}

pub(super) fn to_decimal<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    match node {
        Node::Decimal(it) => Some(Node::Decimal(*it)),
        Node::Integer(it) => Some(Node::Decimal(Decimal::from(*it))),
        Node::Boolean(it) => Some(Node::Decimal(Decimal::from(u8::from(*it)))),
        Node::String(text) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
            if number(whole) && number(fraction) { text.parse().ok().map(Node::Decimal) } else { None }
        }
        _ => None,
    }
}

pub(super) fn to_text<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    let text = match node {
        Node::String(it) => it.clone(),
        Node::Boolean(it) => Cow::Borrowed(if *it { "true" } else { "false" }),
        Node::Integer(it) => Cow::Owned(it.to_string()),
        Node::Decimal(it) => Cow::Owned(it.to_string()),
        Node::Temporal(it) => Cow::Owned(it.to_string()),
        Node::Quantity(it) => Cow::Owned(it.to_string()),
        _ => return None,
    };
    Some(Node::String(text))
}

pub(super) fn to_date<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    match node {
        Node::Temporal(it) if it.shape != Shape::Time => Some(it.date()),
        Node::String(text) => {
            Temporal::parse_date(text).or_else(|| Temporal::parse_date_time(text).map(Temporal::date))
        }
        _ => None,
    }
    .map(Node::Temporal)
}

pub(super) fn to_date_time<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    match node {
        Node::Temporal(it) if it.shape != Shape::Time => Some(Temporal { shape: Shape::DateTime, ..*it }),
        Node::String(text) => Temporal::parse_date_time(text),
        _ => None,
    }
    .map(Node::Temporal)
}

pub(super) fn to_time<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    match node {
        Node::Temporal(it) if it.shape == Shape::Time => Some(*it),
        Node::String(text) => Temporal::parse_time(text),
        _ => None,
    }
    .map(Node::Temporal)
}

fn to_quantity<'a>(node: &Node<'a>) -> Option<Quantity<'a>> {
    match node {
        Node::Quantity(it) => Some(Quantity::clone(it)),
        Node::Integer(it) => Some(Quantity::number(Decimal::from(*it))),
        Node::Decimal(it) => Some(Quantity::number(*it)),
        Node::Boolean(it) => Some(Quantity::number(Decimal::from(u8::from(*it)))),
        Node::String(text) => Quantity::parse(text),
        _ => None,
    }
}

fn quantity_in<'a>(
    run: &Run<'_, 'a>,
    node: &Node<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Result<Option<Quantity<'a>>, PathError> {
    let Some(quantity) = node.plain().as_ref().and_then(to_quantity) else { return Ok(None) };
    if call.arguments.is_empty() {
        return Ok(Some(quantity));
    }
    let Some(unit) = run.text_argument(call, 0, scope)? else { return Ok(None) };
    Ok(quantity.in_unit(&unit).map(|value| Quantity { value, unit, calendar: false }))
}

pub(super) fn to_quantity_in<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let Some(one) = single(&input)? else { return Ok(Collection::Empty) };
    Ok(quantity_in(run, one, call, scope)?.map(|it| Node::Quantity(Box::new(it))).into())
}

pub(super) fn converts_to_quantity_in<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let Some(one) = single(&input)? else { return Ok(Collection::Empty) };
    Ok(Collection::boolean(quantity_in(run, one, call, scope)?.is_some()))
}

/// Only the side that is chosen is evaluated.
pub(super) fn iif<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let this = single(&input)?.unwrap_or(scope.this);
    let inner = Scope { this, ..*scope };
    let criterion = run.evaluate(&call.arguments[0], &inner)?;
    let chosen = match single(&criterion)?.map(Node::as_bool) {
        Some(Some(true)) => Some(&call.arguments[1]),
        Some(Some(false)) | None => call.arguments.get(2),
        Some(None) => return Err(PathError::Evaluation("iif() decides by a truth value")),
    };
    chosen.map_or(Ok(Collection::Empty), |plan| run.evaluate(plan, &inner))
}

pub(super) fn time<'a>(run: &Run<'_, 'a>, part: fn(Temporal) -> Temporal) -> Outcome<'a> {
    let now = run.context.now.ok_or(PathError::NoTime)?;
    Ok(Collection::One(Node::Temporal(part(now))))
}
