//! Conditions on the rows of one table: what the plan of a search is made of at its ends.

use super::plan::{Plan, after};
use super::terms::Terms;
use crate::db::Value;
use crate::physical::cut;
use crate::place;
use fhir::ResourceType;
use fhir::search::query::StringTest;
use fhir::search::row::SlotShape;

/// A condition on rows of one table.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) table: &'static str,
    /// With `{t}` for the table's alias and `?` for the values.
    pub(crate) condition: String,
    pub(crate) values: Vec<Value>,
    /// The rows belong to the searched types anyway.
    pub(crate) tells_kind: bool,
    /// An index leads from a resource to its rows.
    pub(crate) probe_by_rid: bool,
    /// No resource appears twice, and they come in the order of their numbers.
    pub(crate) ordered: bool,
    /// Roughly how many rows pass; less is better to begin with.
    pub(crate) cost: u64,
}

pub(super) fn resources(rids: &[i64]) -> Plan {
    if rids.is_empty() {
        return Plan::Nothing;
    }
    let mut rids = rids.to_vec();
    rids.sort_unstable();
    rids.dedup();
    let mut leaf = Leaf {
        table: "resource",
        condition: format!("{{t}}.state = {} AND {{t}}.rid", crate::lane::LIVE),
        values: Vec::new(),
        tells_kind: false,
        probe_by_rid: true,
        ordered: true,
        cost: rids.len() as u64,
    };
    one_of(&mut leaf, &rids);
    Plan::Leaf(leaf)
}

/// Live resources among these, which may be very many.
pub(super) fn among(rids: &[i64]) -> Leaf {
    let mut leaf = Leaf {
        table: "resource",
        condition: format!("{{t}}.state = {} AND {{t}}.rid", crate::lane::LIVE),
        values: Vec::new(),
        tells_kind: false,
        probe_by_rid: true,
        ordered: false,
        cost: rids.len() as u64,
    };
    one_of(&mut leaf, rids);
    leaf
}

/// Rows that point at one of these patients; `other`: at a patient that is none of these, here or elsewhere.
pub(super) fn pointing_among(rids: &[i64], slots: &[i64], other: bool) -> Leaf {
    let kind = ResourceType::parse("Patient").expect("a type of R4");
    let mut leaf = in_slots("reference", slots);
    leaf.probe_by_rid = true;
    leaf.tells_kind = false;
    // Nobody counts what thousands of patients have; it is much.
    leaf.cost = rids.len() as u64 * 50;
    if other {
        leaf.condition
            .push_str(" AND (({t}.target >= ? AND {t}.target < ?) OR ({t}.target < 0 AND ((-{t}.target) & 255) = ?))");
        let number = i64::from(kind.number()) + 1;
        leaf.values.extend([place::first_of(kind).into(), place::end_of(kind).into(), number.into()]);
        leaf.condition.push_str(" AND NOT (+{t}.target");
        one_of(&mut leaf, rids);
        leaf.condition.push(')');
    } else {
        // The plus keeps SQLite from trying every one of them on each resource.
        leaf.condition.push_str(if rids.len() > 1 { " AND +{t}.target" } else { " AND {t}.target" });
        one_of(&mut leaf, rids);
    }
    leaf
}

/// More numbers than this travel as one value: databases take only so many, and a statement for every length of list
/// would be prepared anew.
const MANY: usize = 16;

pub(super) fn one_of(leaf: &mut Leaf, numbers: &[i64]) {
    if numbers.len() > MANY {
        leaf.condition.push_str("{among}");
        let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
        return leaf.values.push(list.join(",").into());
    }
    leaf.values.extend(numbers.iter().map(|it| Value::Int(*it)));
    match numbers.len() {
        1 => leaf.condition.push_str(" = ?"),
        n => {
            leaf.condition.push_str(" IN (");
            leaf.condition.push_str(&vec!["?"; n].join(", "));
            leaf.condition.push(')');
        }
    }
}

pub(super) fn in_slots(table: &'static str, slots: &[i64]) -> Leaf {
    let mut leaf = Leaf {
        table,
        condition: "{t}.slot".to_owned(),
        values: Vec::new(),
        tells_kind: true,
        probe_by_rid: false,
        ordered: false,
        cost: 0,
    };
    one_of(&mut leaf, slots);
    leaf
}

/// The rows tell nothing about the type of the resource.
pub(super) fn of_any_kind(plan: Plan) -> Plan {
    match plan {
        Plan::Leaf(leaf) => Plan::Leaf(Leaf { tells_kind: false, ..leaf }),
        other => other,
    }
}

pub(super) fn table_of(shape: SlotShape) -> &'static str {
    match shape {
        SlotShape::Token | SlotShape::Uri | SlotShape::CompositeToken => "token",
        SlotShape::String | SlotShape::CompositeString => "string",
        SlotShape::Reference | SlotShape::CompositeReference => "reference",
        SlotShape::Date | SlotShape::CompositeDate | SlotShape::CompositeQuantityPair => "date",
        SlotShape::Quantity | SlotShape::CompositeQuantity => "quantity",
    }
}

pub(super) fn present(shape: SlotShape, slots: &[i64], only: Option<ResourceType>) -> Plan {
    let mut leaf = in_slots(table_of(shape), slots);
    leaf.probe_by_rid = matches!(leaf.table, "reference" | "date");
    if let Some(only) = only {
        points_at_type(&mut leaf, only);
    }
    Plan::Leaf(leaf)
}

/// References to this type alone: here, or elsewhere as far as the address tells its type (see `elsewhere`).
pub(super) fn points_at_type(leaf: &mut Leaf, only: ResourceType) {
    if leaf.table == "reference" {
        leaf.condition
            .push_str(" AND (({t}.target >= ? AND {t}.target < ?) OR ({t}.target < 0 AND ((-{t}.target) & 255) = ?))");
        let number = i64::from(only.number()) + 1;
        leaf.values.extend([place::first_of(only).into(), place::end_of(only).into(), number.into()]);
    }
}

pub(super) fn tokens(slots: &[i64], terms: &Terms, dialect: crate::db::Dialect) -> Leaf {
    let mut leaf = in_slots("token", slots);
    match terms {
        Terms::Any => {}
        Terms::List(list) => {
            leaf.ordered = slots.len() == 1 && list.len() == 1;
            leaf.probe_by_rid = list.len() <= 16;
            leaf.condition.push_str(" AND {t}.term");
            one_of(&mut leaf, list);
        }
        Terms::OfSystem(system) => {
            let here = dialect.here("m");
            leaf.condition.push_str(&format!(" AND {{t}}.term IN (SELECT id FROM term m WHERE {here} system = ?)"));
            leaf.values.push((*system).into());
        }
    }
    leaf
}

pub(super) fn pointing_at(targets: &[i64], slots: &[i64], tells_kind: bool) -> Leaf {
    let mut leaf = in_slots("reference", slots);
    leaf.ordered = slots.len() == 1 && targets.len() == 1;
    leaf.probe_by_rid = true;
    leaf.tells_kind = tells_kind;
    leaf.condition.push_str(" AND {t}.target");
    one_of(&mut leaf, targets);
    leaf
}

pub(super) fn strings(slots: &[i64], test: &StringTest, dialect: crate::db::Dialect) -> Leaf {
    let mut leaf = in_slots("string", slots);
    let like = |leaf: &mut Leaf, before: &str, text: &str, after: &str| {
        leaf.condition.push_str(" AND {t}.folded LIKE ? ESCAPE '!'");
        let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        leaf.values.push(format!("{before}{escaped}{after}").into());
    };
    match test {
        StringTest::Starts(start) => {
            let start = cut(start);
            leaf.condition.push_str(" AND {t}.folded >= ? AND {t}.folded < ?");
            leaf.values.extend([start.into(), after(start).into()]);
        }
        StringTest::Contains(part) => like(&mut leaf, "%", part, "%"),
        StringTest::Ends(end) => like(&mut leaf, "%", end, ""),
        StringTest::Equals(whole) => {
            leaf.condition.push_str(" AND {t}.folded = ?");
            leaf.values.push(cut(whole).into());
        }
        StringTest::Exact { exact, folded } => {
            leaf.condition.push_str(" AND {t}.folded = ? AND {t}.exact = ?");
            leaf.values.extend([cut(folded).into(), cut(exact).into()]);
        }
        StringTest::Text(words) => {
            for term in &words.0 {
                leaf.condition.push_str(if term.excluded { " AND NOT (" } else { " AND (" });
                for (at, word) in term.any_of.iter().enumerate() {
                    let (condition, values) = dialect.begins_word("{t}.folded", word);
                    leaf.condition.push_str(if at > 0 { " OR " } else { "" });
                    leaf.condition.push_str(&condition);
                    leaf.values.extend(values.into_iter().map(Value::from));
                }
                leaf.condition.push(')');
            }
        }
    }
    leaf
}

/// The rows of the same slots that do not pass.
pub(super) fn negated(mut leaf: Leaf, slots: &[i64], only: Option<ResourceType>) -> Plan {
    let whole = in_slots(leaf.table, slots);
    let test = leaf.condition[whole.condition.len()..].trim_start_matches(" AND ").to_owned();
    leaf.condition = format!("{} AND NOT ({test})", whole.condition);
    if let Some(only) = only {
        points_at_type(&mut leaf, only);
    }
    leaf.ordered = false;
    Plan::Leaf(leaf)
}
