//! Functions on numbers, quantities and the precision of values (FHIRPath N1, 5.7, and the boundaries of
//! the later releases). Decimals stay exact; roots and logarithms are rounded to 15 digits.

use super::PathError;
use super::evaluate::{Outcome, Run, Scope, single};
use super::node::{Collection, Node};
use super::operators::decimal;
use super::plan::Call;
use super::quantity::Quantity;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

/// What a Decimal can hold after the point (FHIRPath, lowBoundary).
const MOST_DIGITS: i64 = 28;

fn not_a_number() -> PathError {
    PathError::Evaluation("this function works on a number")
}

fn input_number(input: &Collection<'_>) -> Result<Option<Decimal>, PathError> {
    let Some(one) = single(input)? else { return Ok(None) };
    one.plain().as_ref().and_then(decimal).map(Some).ok_or_else(not_a_number)
}

fn found<'a>(it: Option<Decimal>) -> Outcome<'a> {
    Ok(it.map(Node::Decimal).into())
}

/// Functions that are not exact anyway: without the noise of the last digits.
fn rounded(it: Decimal) -> Decimal {
    it.round_dp(15).normalize()
}

pub(super) fn abs<'a>(input: &Collection<'a>) -> Outcome<'a> {
    let Some(one) = single(input)? else { return Ok(Collection::Empty) };
    let absolute = match one.plain() {
        Some(Node::Integer(it)) => it.checked_abs().map(Node::Integer),
        Some(Node::Decimal(it)) => Some(Node::Decimal(it.abs())),
        Some(Node::Quantity(mut it)) => {
            it.value = it.value.abs();
            Some(Node::Quantity(it))
        }
        _ => return Err(not_a_number()),
    };
    Ok(absolute.into())
}

pub(super) fn whole<'a>(input: &Collection<'a>, rounding: fn(&Decimal) -> Decimal) -> Outcome<'a> {
    Ok(input_number(input)?.and_then(|it| rounding(&it).to_i64()).map(Node::Integer).into())
}

pub(super) fn round<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let digits = run.integer_argument(call, 0, scope)?.unwrap_or(0);
    let digits = u32::try_from(digits).map_err(|_| PathError::Evaluation("a number of digits is not negative"))?;
    found(input_number(&input)?.map(|it| it.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)))
}

pub(super) fn exp<'a>(input: &Collection<'a>) -> Outcome<'a> {
    found(input_number(input)?.and_then(|it| it.checked_exp()).map(rounded))
}

pub(super) fn ln<'a>(input: &Collection<'a>) -> Outcome<'a> {
    found(input_number(input)?.and_then(|it| it.checked_ln()).map(rounded))
}

fn number_argument<'a>(run: &Run<'_, 'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Result<Option<Decimal>, PathError> {
    input_number(&run.evaluate(&call.arguments[0], scope)?)
}

pub(super) fn log<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let (Some(number), Some(base)) = (input_number(&input)?, number_argument(run, call, scope)?) else {
        return Ok(Collection::Empty);
    };
    let quotient = number.checked_ln().zip(base.checked_ln()).and_then(|(number, base)| number.checked_div(base));
    found(quotient.map(rounded))
}

pub(super) fn power<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let Some(exponent) = number_argument(run, call, scope)? else { return Ok(Collection::Empty) };
    let Some(one) = single(&input)?.and_then(Node::plain) else { return Ok(Collection::Empty) };
    if let (Node::Integer(base), Some(exponent)) = (&one, exponent.to_u32().filter(|_| exponent.is_integer())) {
        return Ok(base.checked_pow(exponent).map(Node::Integer).into());
    }
    let base = decimal(&one).ok_or_else(not_a_number)?;
    if exponent.is_integer() {
        return found(exponent.to_i64().and_then(|it| base.checked_powi(it)));
    }
    // A root of a negative number does not exist.
    if base.is_sign_negative() {
        return Ok(Collection::Empty);
    }
    found(base.checked_powd(exponent).map(rounded))
}

pub(super) fn sqrt<'a>(input: &Collection<'a>) -> Outcome<'a> {
    found(input_number(input)?.and_then(|it| it.sqrt()).map(rounded))
}

/// The least or greatest value that would have been written so. Negative decimals mirror positive ones.
fn decimal_boundary(value: Decimal, digits: i64, high: bool) -> Option<Decimal> {
    let digits = u32::try_from(digits).ok().filter(|it| i64::from(*it) <= MOST_DIGITS)?;
    let half = Decimal::try_from_i128_with_scale(5, value.scale() + 1).ok()?;
    let outward = value.is_sign_negative() != high;
    let size = value.abs();
    let bound = if outward { size.checked_add(half)? } else { size.checked_sub(half)? };
    let strategy = if outward { RoundingStrategy::MidpointAwayFromZero } else { RoundingStrategy::ToZero };
    let mut bound = bound.round_dp_with_strategy(digits, strategy);
    bound.rescale(digits);
    Some(if value.is_sign_negative() { -bound } else { bound })
}

pub(super) fn boundary<'a>(
    run: &Run<'_, 'a>,
    input: &Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
    high: bool,
) -> Outcome<'a> {
    let digits = run.integer_argument(call, 0, scope)?;
    let Some(one) = single(input)?.and_then(Node::plain) else { return Ok(Collection::Empty) };
    Ok(match one {
        Node::Temporal(it) => it.boundary(digits, high).map(Node::Temporal),
        Node::Quantity(it) => decimal_boundary(it.value, digits.unwrap_or(8), high)
            .map(|value| Node::Quantity(Box::new(Quantity { value, ..*it }))),
        number => {
            let number = decimal(&number).ok_or_else(not_a_number)?;
            decimal_boundary(number, digits.unwrap_or(8), high).map(Node::Decimal)
        }
    }
    .into())
}

pub(super) fn precision<'a>(input: &Collection<'a>) -> Outcome<'a> {
    let digits = match single(input)?.and_then(Node::plain) {
        None => return Ok(Collection::Empty),
        Some(Node::Temporal(it)) => it.precision_digits(),
        Some(Node::Quantity(it)) => i64::from(it.value.scale()),
        Some(number) => i64::from(decimal(&number).ok_or_else(not_a_number)?.scale()),
    };
    Ok(Collection::One(Node::Integer(digits)))
}

pub(super) fn comparable<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let other = run.evaluate(&call.arguments[0], scope)?;
    let (Some(a), Some(b)) = (single(&input)?, single(&other)?) else { return Ok(Collection::Empty) };
    match (a.plain(), b.plain()) {
        (Some(Node::Quantity(a)), Some(Node::Quantity(b))) => Ok(Collection::boolean(a.is_comparable(&b))),
        _ => Err(PathError::Evaluation("comparable() works on quantities")),
    }
}
