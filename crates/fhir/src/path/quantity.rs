//! Amounts with a unit (FHIRPath N1, 2.1.7 and 6.x; FHIR R4, Quantity). UCUM decides what can be compared;
//! `4 days` and `4 'd'` are the same, but a calendar month or year is no UCUM `mo` or `a`.

use super::node::decimal_of;
use super::temporal::CalendarUnit;
use octofhir_ucum::{EvalResult, Number};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

pub(super) const UCUM: &str = "http://unitsofmeasure.org";

#[derive(Clone, Debug)]
pub struct Quantity<'a> {
    pub value: Decimal,
    /// A UCUM code, or with `calendar` a word such as `days`.
    pub unit: Cow<'a, str>,
    pub calendar: bool,
}

impl<'a> Quantity<'a> {
    pub(super) fn number(value: Decimal) -> Quantity<'a> {
        Quantity { value, unit: Cow::Borrowed("1"), calendar: false }
    }

    /// A FHIR Quantity. One with a comparator (`<5`) is a range, not an amount.
    pub(super) fn of_fhir(fields: &'a Map<String, Value>) -> Option<Quantity<'a>> {
        let text = |name| fields.get(name).and_then(Value::as_str);
        if fields.contains_key("comparator") {
            return None;
        }
        let value = decimal_of(fields.get("value")?.as_number()?.as_str())?;
        let unit = match (text("system"), text("code")) {
            (Some(UCUM), Some(code)) => code,
            (_, code) => code.or(text("unit")).unwrap_or("1"),
        };
        Some(Quantity { value, unit: Cow::Borrowed(unit), calendar: false })
    }

    /// `1`, `1.5 'mg'`, `4 days`
    pub(super) fn parse(text: &str) -> Option<Quantity<'static>> {
        let text = text.trim();
        let length = text.find(|it: char| !(it.is_ascii_digit() || "+-.".contains(it))).unwrap_or(text.len());
        let (number, unit) = (&text[..length], text[length..].trim());
        if number.ends_with('.') || number.trim_start_matches(['+', '-']).starts_with('.') {
            return None;
        }
        let value = number.parse().ok()?;
        if unit.is_empty() {
            return (length == text.len()).then(|| Quantity::number(value));
        }
        if let Some(code) = unit.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return Some(Quantity { value, unit: Cow::Owned(code.to_owned()), calendar: false });
        }
        CalendarUnit::word(unit)?;
        Some(Quantity { value, unit: Cow::Owned(unit.to_owned()), calendar: true })
    }

    pub(super) fn to_json(&self) -> Value {
        let value: Value = self.value.to_string().parse().map_or(Value::Null, Value::Number);
        if self.calendar {
            return json!({ "value": value, "unit": self.unit });
        }
        json!({ "value": value, "unit": self.unit, "system": UCUM, "code": self.unit })
    }

    /// The unit as calendar arithmetic takes it: words, quoted words, and definite UCUM durations.
    pub(super) fn calendar_unit(&self) -> Option<CalendarUnit> {
        CalendarUnit::word(&self.unit).or_else(|| CalendarUnit::definite(&self.unit))
    }

    /// The UCUM code, unless it counts calendar months or years.
    fn code(&self) -> Option<&str> {
        if !self.calendar {
            return Some(&self.unit);
        }
        CalendarUnit::word(&self.unit)?.ucum()
    }

    fn calendar_months(&self) -> Option<Decimal> {
        if !self.calendar {
            return None;
        }
        match CalendarUnit::word(&self.unit)? {
            CalendarUnit::Year => self.value.checked_mul(Decimal::from(12)),
            CalendarUnit::Month => Some(self.value),
            _ => None,
        }
    }

    /// Larger, smaller or equal; `None` when the units measure different things.
    pub(super) fn compare(&self, other: &Quantity<'_>) -> Option<Ordering> {
        if let (Some(a), Some(b)) = (self.calendar_months(), other.calendar_months()) {
            return Some(a.cmp(&b));
        }
        let (unit, other_unit) = (self.code()?, other.code()?);
        if unit == other_unit {
            return Some(self.value.cmp(&other.value));
        }
        let (a, b) = (measure(unit)?, measure(other_unit)?);
        if !a.is_commensurable(&b) {
            return None;
        }
        if a.special.is_some() || b.special.is_some() {
            return self.value.partial_cmp(&other.in_unit(unit)?);
        }
        let a = exact(self.value)?.checked_mul(a.factor)?;
        let b = exact(other.value)?.checked_mul(b.factor)?;
        let difference = a.checked_sub(b)?;
        Some(match (difference.is_zero(), difference.is_negative()) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        })
    }

    /// Equal when both are rounded to the coarser precision; calendar durations count as the UCUM ones.
    pub(super) fn is_equivalent(&self, other: &Quantity<'_>) -> bool {
        let unit = |it: &Quantity<'_>| match (it.calendar, CalendarUnit::word(&it.unit)) {
            (true, Some(CalendarUnit::Year)) => "a".to_owned(),
            (true, Some(CalendarUnit::Month)) => "mo".to_owned(),
            _ => it.code().unwrap_or(&it.unit).to_owned(),
        };
        let mine = Quantity { value: self.value, unit: Cow::Owned(unit(self)), calendar: false };
        let theirs = Quantity { value: other.value, unit: Cow::Owned(unit(other)), calendar: false };
        theirs.in_unit(&mine.unit).is_some_and(|value| equivalent_decimals(mine.value, value))
    }

    /// Whether both can be measured in one unit.
    pub(super) fn is_comparable(&self, other: &Quantity<'_>) -> bool {
        if self.calendar_months().is_some() && other.calendar_months().is_some() {
            return true;
        }
        match (self.code(), other.code()) {
            (Some(a), Some(b)) if a == b => true,
            (Some(a), Some(b)) => measure(a).zip(measure(b)).is_some_and(|(a, b)| a.is_commensurable(&b)),
            _ => false,
        }
    }

    /// The value measured in another UCUM unit.
    pub(super) fn in_unit(&self, unit: &str) -> Option<Decimal> {
        let own = self.code()?;
        if own == unit {
            return Some(self.value);
        }
        let (from, to) = (measure(own)?, measure(unit)?);
        if !from.is_commensurable(&to) {
            return None;
        }
        if from.special.is_some() || to.special.is_some() {
            // Degrees and the like are no multiples of their base unit; the library converts them as floats.
            let value: f64 = self.value.try_into().ok()?;
            let converted = octofhir_ucum::convert(value, own, unit).ok()?;
            return Decimal::from_f64_retain(converted).map(|it| it.round_dp(10).normalize());
        }
        decimal(exact(self.value)?.checked_mul(from.factor)?.checked_div(to.factor)?)
    }

    pub(super) fn plus(&self, other: &Quantity<'a>, subtract: bool) -> Option<Quantity<'a>> {
        let value = if self.unit == other.unit && self.calendar == other.calendar {
            other.value
        } else if let (Some(_), Some(months)) = (self.calendar_months(), other.calendar_months()) {
            if CalendarUnit::word(&self.unit) == Some(CalendarUnit::Year) {
                months.checked_div(Decimal::from(12))?
            } else {
                months
            }
        } else {
            other.in_unit(self.code()?)?
        };
        let value = if subtract { self.value.checked_sub(value)? } else { self.value.checked_add(value)? };
        Some(Quantity { value, ..self.clone() })
    }

    pub(super) fn times(&self, other: &Quantity<'a>) -> Option<Quantity<'a>> {
        let unit = match (self.code()?, other.code()?) {
            ("1", unit) | (unit, "1") => unit.to_owned(),
            (a, b) => format!("({a}).({b})"),
        };
        measure(&unit)?;
        Some(Quantity { value: self.value.checked_mul(other.value)?, unit: Cow::Owned(unit), calendar: false })
    }

    pub(super) fn over(&self, other: &Quantity<'a>) -> Option<Quantity<'a>> {
        let unit = match (self.code()?, other.code()?) {
            (unit, "1") => unit.to_owned(),
            (a, b) if a == b => "1".to_owned(),
            ("1", b) => format!("1/({b})"),
            (a, b) => format!("({a})/({b})"),
        };
        measure(&unit)?;
        Some(Quantity { value: self.value.checked_div(other.value)?, unit: Cow::Owned(unit), calendar: false })
    }
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calendar {
            write!(f, "{} {}", self.value, self.unit)
        } else {
            write!(f, "{} '{}'", self.value, self.unit)
        }
    }
}

/// Equal when both are rounded to the digits of the one with fewer (FHIRPath N1, 6.1.2).
pub(super) fn equivalent_decimals(a: Decimal, b: Decimal) -> bool {
    let digits = a.scale().min(b.scale());
    let round = |it: Decimal| it.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    round(a) == round(b)
}

fn measure(unit: &str) -> Option<EvalResult> {
    octofhir_ucum::evaluate(&octofhir_ucum::parse_expression(unit).ok()?).ok()
}

fn exact(value: Decimal) -> Option<Number> {
    Number::parse(&value.to_string())
}

fn decimal(number: Number) -> Option<Decimal> {
    let (digits, exponent) = number.to_integer_and_exponent();
    match u32::try_from(-exponent) {
        Ok(scale) => Decimal::try_from_i128_with_scale(digits, scale).ok(),
        Err(_) => {
            let factor = 10i128.checked_pow(exponent.unsigned_abs())?;
            Decimal::try_from_i128_with_scale(digits.checked_mul(factor)?, 0).ok()
        }
    }
}
