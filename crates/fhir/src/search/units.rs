//! Units of measure for quantity search: which units measure the same, and a searched quantity in each of them
//! (FHIR R4, 3.1.1.4.14; UCUM). Never changes what was recorded: rows keep their own unit, the question is converted.

use super::query::{QuantityTest, UnitTest};
use octofhir_ucum::{Number, get_canonical_units};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

/// The code system of UCUM units.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// A unit in base units: a value `v` is `v × factor + offset` of `unit`. The offset is of temperatures only.
#[derive(Clone, Debug)]
pub struct Canonical {
    /// For example `g.m-3`; the same for all units that measure the same.
    pub unit: String,
    factor: Number,
    offset: Number,
}

impl Canonical {
    pub fn factor(&self) -> f64 {
        self.factor.to_f64()
    }

    pub fn offset(&self) -> f64 {
        self.offset.to_f64()
    }

    /// A value of this unit in base units.
    pub fn to_base(&self, value: f64) -> Option<f64> {
        if value.is_infinite() {
            return Some(value);
        }
        Number::from_f64(value)?.checked_mul(self.factor)?.checked_add(self.offset).map(Number::to_f64)
    }
}

/// Units seen are few, but codes come from outside: the cache starts anew when it is full.
const REMEMBERED: usize = 4_096;
/// A code longer than this is no unit anyone measures in.
const LONGEST: usize = 120;

type Known = HashMap<String, Option<Arc<Canonical>>>;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(Default::default);

/// The base units of a UCUM code. `None` for what is not UCUM, and for units on a scale that is not linear (pH, dB),
/// which are only comparable with themselves.
pub fn canonical(code: &str) -> Option<Arc<Canonical>> {
    if code.is_empty() || code.len() > LONGEST {
        return None;
    }
    if let Some(known) = KNOWN.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(code) {
        return known.clone();
    }
    let found = get_canonical_units(code)
        .ok()
        .map(|found| Arc::new(Canonical { unit: found.unit, factor: found.factor, offset: found.offset }));
    let mut known = KNOWN.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(code.to_owned(), found.clone());
    found
}

/// Whether values of the two units can be compared.
pub fn comparable(a: &str, b: &str) -> bool {
    a == b || matches!((canonical(a), canonical(b)), (Some(a), Some(b)) if a.unit == b.unit)
}

/// `value` of unit `from` in unit `to`, exact to the digits a float can hold; `None` when they do not compare.
pub fn convert(value: f64, from: &str, to: &str) -> Option<f64> {
    if from == to || value.is_infinite() {
        return comparable(from, to).then_some(value);
    }
    let (from, to) = (canonical(from)?, canonical(to)?);
    if from.unit != to.unit {
        return None;
    }
    let base = Number::from_f64(value)?.checked_mul(from.factor)?.checked_add(from.offset)?;
    base.checked_sub(to.offset)?.checked_div(to.factor).map(Number::to_f64)
}

impl QuantityTest {
    /// The same question for values of UCUM unit `code`; `None` when this unit does not answer it.
    pub fn in_unit(&self, code: &str) -> Option<QuantityTest> {
        let UnitTest::Coded { system, code: asked } = &self.unit else { return None };
        if system != UCUM {
            return None;
        }
        let number = |value| convert(value, asked, code);
        Some(QuantityTest {
            prefix: self.prefix,
            value: number(self.value)?,
            low: number(self.low)?,
            high: number(self.high)?,
            unit: UnitTest::Coded { system: UCUM.to_owned(), code: code.to_owned() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Prefix;
    use super::*;

    #[test]
    fn units_that_measure_the_same_convert_exactly() {
        let check = |value: f64, from: &str, to: &str, expected: f64| {
            assert_eq!(convert(value, from, to), Some(expected), "{value} {from} in {to}");
        };
        check(5.395, "g", "mg", 5395.0);
        check(5.4, "g/dL", "g/L", 54.0);
        check(185.0, "[lb_av]", "kg", 83.9145884500);
        check(1.0, "[in_i]", "cm", 2.54);
        check(37.0, "Cel", "[degF]", 98.6);
        check(98.6, "[degF]", "Cel", 37.0);
        check(310.15, "K", "Cel", 37.0);
        check(120.0, "mm[Hg]", "mm[Hg]", 120.0);
        check(7.4, "[pH]", "[pH]", 7.4);
        check(f64::INFINITY, "g", "mg", f64::INFINITY);
        check(100.0, "m[IU]/L", "[IU]/L", 0.1);
        check(5.0, "10*9/L", "10*3/uL", 5.0);
    }

    #[test]
    fn units_that_measure_something_else_do_not_convert() {
        for (from, to) in [("g", "mL"), ("[IU]/L", "[arb'U]/L"), ("mg/dL", "mmol/L"), ("dB", "1"), ("furlongs", "m")] {
            assert_eq!(convert(1.0, from, to), None, "{from} in {to}");
            assert!(!comparable(from, to));
        }
        assert!(canonical(&"m.".repeat(500)).is_none());
    }

    #[test]
    fn a_question_is_asked_in_the_unit_of_the_row() {
        let unit = UnitTest::Coded { system: UCUM.into(), code: "g".into() };
        let test = QuantityTest { prefix: Prefix::Eq, value: 5.40, low: 5.395, high: 5.405, unit };
        let converted = test.in_unit("mg").expect("grams are milligrams");
        assert_eq!((converted.value, converted.low, converted.high), (5400.0, 5395.0, 5405.0));
        assert_eq!(test.in_unit("mL"), None);
    }
}
