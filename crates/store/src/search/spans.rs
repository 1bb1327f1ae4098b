//! Comparisons of ranges, as SQL: dates, instants, quantities.

use super::leaf::{Leaf, in_slots};
use super::plan::{COUNTED, Plan};
use crate::db::Value;
use fhir::search::query::{DateTest, Prefix, QuantityTest};

pub(super) fn dates(slots: &[i64], test: &DateTest) -> Leaf {
    let mut leaf = in_slots("date", slots);
    leaf.probe_by_rid = true;
    leaf.condition.push_str(" AND ");
    compare_span(&mut leaf, "{t}.low", "{t}.high", test, 1);
    leaf
}

/// `_lastUpdated`: an instant in microseconds, compared as the millisecond it lies in.
pub(super) fn updated(tests: &[DateTest]) -> Plan {
    let mut leaf = Leaf {
        table: "resource",
        condition: format!("{{t}}.state = {} AND (", crate::lane::LIVE),
        values: Vec::new(),
        tells_kind: false,
        probe_by_rid: true,
        ordered: true,
        cost: COUNTED as u64 * 10,
    };
    for (at, test) in tests.iter().enumerate() {
        leaf.condition.push_str(if at > 0 { " OR (" } else { "(" });
        compare_span(&mut leaf, "{t}.at", "({t}.at + 1000)", test, 1000);
        leaf.condition.push(')');
    }
    leaf.condition.push(')');
    Plan::Leaf(leaf)
}

/// The comparison of [`DateTest`], with the columns of the row's span.
fn compare_span(leaf: &mut Leaf, low: &str, high: &str, test: &DateTest, scale: i64) {
    let asked_low = Value::Int(test.asked.low.saturating_mul(scale));
    let asked_high = Value::Int(test.asked.high.saturating_mul(scale));
    let (text, values) = match test.prefix {
        // A span ends after it begins; saying so bounds the walk along the index, which is by beginnings.
        Prefix::Eq => {
            (format!("{low} >= ? AND {low} < ? AND {high} <= ?"), vec![asked_low, asked_high.clone(), asked_high])
        }
        Prefix::Ne => (format!("({low} < ? OR {high} > ?)"), vec![asked_low, asked_high]),
        Prefix::Gt => (format!("{high} > ?"), vec![asked_high]),
        Prefix::Lt => (format!("{low} < ?"), vec![asked_low]),
        Prefix::Ge => {
            (format!("({high} > ? OR ({low} >= ? AND {high} <= ?))"), vec![asked_high.clone(), asked_low, asked_high])
        }
        Prefix::Le => {
            (format!("({low} < ? OR ({low} >= ? AND {high} <= ?))"), vec![asked_low.clone(), asked_low, asked_high])
        }
        Prefix::Sa => (format!("{low} >= ?"), vec![asked_high]),
        Prefix::Eb => (format!("{high} <= ?"), vec![asked_low]),
        Prefix::Ap => (format!("{low} < ? AND {high} > ?"), vec![asked_high, asked_low]),
    };
    leaf.condition.push_str(&text);
    leaf.values.extend(values);
}

pub(super) fn quantity_leaf(slots: &[i64]) -> Leaf {
    in_slots("quantity", slots)
}

pub(super) fn compare_amount(leaf: &mut Leaf, test: &QuantityTest) {
    compare_number(leaf, "{t}.low", "{t}.high", test);
}

/// The comparison of [`QuantityTest`], with the columns of the row's amount.
fn compare_number(leaf: &mut Leaf, row_low: &str, row_high: &str, test: &QuantityTest) {
    let (low, high, value) = (Value::Real(test.low), Value::Real(test.high), Value::Real(test.value));
    let (text, values) = match test.prefix {
        Prefix::Eq => (format!("{row_low} >= ? AND {row_high} < ?"), vec![low, high]),
        Prefix::Ne => (format!("({row_low} < ? OR {row_high} >= ?)"), vec![low, high]),
        Prefix::Gt => (format!("{row_high} > ?"), vec![value]),
        Prefix::Lt => (format!("{row_low} < ?"), vec![value]),
        Prefix::Ge => (format!("{row_high} >= ?"), vec![value]),
        Prefix::Le => (format!("{row_low} <= ?"), vec![value]),
        Prefix::Sa => (format!("{row_low} > ?"), vec![value]),
        Prefix::Eb => (format!("{row_high} < ?"), vec![value]),
        Prefix::Ap => (format!("{row_low} <= ? AND {row_high} >= ?"), vec![high, low]),
    };
    leaf.condition.push_str(&text);
    leaf.values.extend(values);
}

/// Start and end of a window, which lie in one row of the table of spans.
pub(super) fn window(slots: &[i64], start: &QuantityTest, end: &QuantityTest) -> Plan {
    let mut leaf = in_slots("date", slots);
    leaf.probe_by_rid = true;
    leaf.condition.push_str(" AND ");
    compare_number(&mut leaf, "{t}.low", "{t}.low", start);
    leaf.condition.push_str(" AND ");
    compare_number(&mut leaf, "{t}.high", "{t}.high", end);
    Plan::Leaf(leaf)
}
