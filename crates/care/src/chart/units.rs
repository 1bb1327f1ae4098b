//! Values of one test in one unit: by UCUM where the units measure the same, by the molar mass of the analyte where one
//! laboratory reports mass and another amount of substance. Only analytes of `content/results/conversions.toml` are
//! converted in that way; what stands in no table is left as it was sent, and is not joined.

use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Debug, Deserialize)]
struct Content {
    analyte: Vec<Analyte>,
}

#[derive(Debug, Deserialize)]
struct Analyte {
    codes: Vec<String>,
    mass: String,
    amount: String,
    /// Amount = mass × factor.
    factor: f64,
}

static ANALYTES: LazyLock<Vec<Analyte>> = LazyLock::new(|| {
    let text = include_str!("../../../../content/results/conversions.toml");
    toml::from_str::<Content>(text).expect("content/results/conversions.toml is as its head says").analyte
});

fn analyte(code: &str) -> Option<&'static Analyte> {
    ANALYTES.iter().find(|it| it.codes.iter().any(|it| it == code))
}

/// The codes under which the same test may be reported, the given one first.
pub(crate) fn codes_of(code: &str) -> Vec<String> {
    let others = analyte(code).into_iter().flat_map(|it| it.codes.iter()).filter(|it| *it != code);
    std::iter::once(code.to_owned()).chain(others.cloned()).collect()
}

/// By what a value of this test in one unit is multiplied to be in another; `None` when that cannot be said.
pub(crate) fn factor(code: Option<&str>, from: &str, to: &str) -> Option<f64> {
    if from == to {
        return Some(1.0);
    }
    if let Some(factor) = plain(from, to) {
        return Some(factor);
    }
    let analyte = analyte(code?)?;
    // Each side may be a multiple of the unit of the table.
    let amount = |unit: &str| plain(unit, &analyte.amount);
    let mass = |unit: &str| plain(unit, &analyte.mass);
    match (mass(from), amount(to), amount(from), mass(to)) {
        (Some(own), Some(other), ..) => Some(own * analyte.factor / other),
        (.., Some(own), Some(other)) => Some(own / analyte.factor / other),
        _ => None,
    }
}

/// Between units of the same kind. Degrees are no multiples of each other and are left alone.
fn plain(from: &str, to: &str) -> Option<f64> {
    if from == to {
        return Some(1.0);
    }
    let [zero, one] = [0.0, 1.0].map(|it| octofhir_ucum::convert(it, from, to).ok());
    one.filter(|it| it.is_finite() && *it > 0.0 && zero == Some(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, from: &str, to: &str, expected: Option<f64>) {
        let found = factor(Some(code), from, to);
        match (found, expected) {
            (Some(found), Some(expected)) => {
                assert!((found / expected - 1.0).abs() < 1e-3, "{code} {from} {to}: {found}");
            }
            (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{code} {from} {to}: {found:?}"),
        }
    }

    #[test]
    fn glucose_is_one_test_in_either_unit() {
        check("2345-7", "mg/dL", "mmol/L", Some(1.0 / 18.0156));
        check("14749-6", "mmol/L", "mg/dL", Some(18.0156));
        check("2345-7", "g/L", "mmol/L", Some(5.5507));
        assert!(codes_of("14749-6").contains(&"2345-7".to_owned()));
        assert_eq!(codes_of("14749-6")[0], "14749-6");
        assert_eq!(codes_of("718-7"), ["718-7"]);
    }

    #[test]
    fn units_of_the_same_kind_need_no_table() {
        check("718-7", "g/L", "g/dL", Some(0.1));
        check("29463-7", "[lb_av]", "kg", Some(0.453_592));
    }

    #[test]
    fn mass_is_never_made_amount_of_what_has_no_molar_mass_here() {
        check("718-7", "g/dL", "mmol/L", None);
        check("2160-0", "mg/dL", "kg", None);
        check("8310-5", "Cel", "[degF]", None);
        check("2345-7", "nonsense", "mmol/L", None);
    }

    #[test]
    fn the_factors_fit_each_other() {
        for it in ANALYTES.iter() {
            let there = factor(Some(&it.codes[0]), &it.mass, &it.amount).unwrap();
            let back = factor(Some(&it.codes[0]), &it.amount, &it.mass).unwrap();
            assert!((there * back - 1.0).abs() < 1e-9, "{:?}", it.codes);
        }
        let all: Vec<&String> = ANALYTES.iter().flat_map(|it| &it.codes).collect();
        let distinct: std::collections::BTreeSet<&&String> = all.iter().collect();
        assert_eq!(all.len(), distinct.len(), "a code stands for one analyte");
    }
}
