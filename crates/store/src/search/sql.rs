//! From a plan of numbers to SQL. A plan is written in two ways: as a set (`SELECT rid …`, what a search
//! is driven by) and as a test of one resource (`EXISTS …`, what filters the set).

use super::leaf::Leaf;
use super::plan::Plan;
use crate::db::{Dialect, Value};
use crate::lane::LIVE;
use crate::place;
use fhir::ResourceType;
use std::fmt::Write as _;

/// A statement under construction: text with `?` for values, in the order of the text.
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
    dialect: Dialect,
    aliases: usize,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect) -> Sql {
        Sql { text: String::with_capacity(256), values: Vec::new(), dialect, aliases: 0 }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Sql {
        self.text.push('?');
        self.values.push(value.into());
        self
    }

    /// `IN (?, ?)`, or `= ?` for one.
    pub(crate) fn one_of(&mut self, numbers: &[i64]) -> &mut Sql {
        if let [one] = numbers {
            return self.push(" = ").value(*one);
        }
        self.push(" IN (");
        for (at, number) in numbers.iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.value(*number);
        }
        self.push(")")
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// `FROM table alias WHERE <this organisation> ` and the alias.
    pub(crate) fn from(&mut self, table: &str) -> String {
        let alias = self.alias();
        let here = self.dialect.here(&alias);
        let _ = write!(self.text, " FROM {table} {alias} WHERE {here}");
        alias
    }

    pub(crate) fn kinds(&mut self, column: &str, kinds: &[ResourceType]) -> &mut Sql {
        self.push("(");
        for (at, kind) in kinds.iter().enumerate() {
            if at > 0 {
                self.push(" OR ");
            }
            let _ = write!(self.text, "({column} >= ");
            self.value(place::first_of(*kind));
            let _ = write!(self.text, " AND {column} < ");
            self.value(place::end_of(*kind)).push(")");
        }
        self.push(")")
    }

    /// The condition of a leaf, its `{t}` replaced.
    fn condition(&mut self, leaf: &Leaf, alias: &str) {
        let text = leaf.condition.replace("{t}", alias);
        self.text.push_str(&if text.contains("{among}") {
            text.replace("{among}", self.dialect.among())
        } else {
            text
        });
        self.values.extend(leaf.values.iter().cloned());
    }

    /// `SELECT rid` of everything that passes. May name a resource more than once.
    pub(crate) fn set(&mut self, plan: &Plan, kinds: &[ResourceType]) {
        match plan {
            Plan::Nothing => {
                self.push("SELECT rid");
                self.from("resource");
                self.push("1 = 0");
            }
            Plan::Leaf(leaf) => {
                self.push("SELECT ");
                let column = self.dialect.column(leaf.table, "rid");
                let place = self.text.len();
                let alias = self.from(leaf.table);
                self.text.insert_str(place, &format!("{alias}.{column} AS rid"));
                self.condition(leaf, &alias);
                if !leaf.tells_kind && !kinds.is_empty() {
                    self.push(" AND ");
                    self.kinds(&format!("{alias}.{column}"), kinds);
                }
            }
            Plan::Chain { slots, kind, inner } => {
                self.push("SELECT ");
                let place = self.text.len();
                let alias = self.from("reference");
                self.text.insert_str(place, &format!("{alias}.rid"));
                let _ = write!(self.text, "{alias}.slot");
                self.one_of(slots);
                let _ = write!(self.text, " AND {alias}.target IN (");
                self.set(inner, &[*kind]);
                self.push(")");
            }
            Plan::Has { slots, kind, inner } => {
                self.push("SELECT ");
                let place = self.text.len();
                let alias = self.from("reference");
                self.text.insert_str(place, &format!("{alias}.target AS rid"));
                let _ = write!(self.text, "{alias}.slot");
                self.one_of(slots);
                let _ = write!(self.text, " AND {alias}.rid IN (");
                self.set(inner, &[*kind]);
                let _ = write!(self.text, ") AND {alias}.target > 0");
                // Places without a version are pointed at too.
                self.push(" AND EXISTS (SELECT 1");
                let live = self.from("resource");
                let _ = write!(self.text, "{live}.rid = {alias}.target AND {live}.state = {LIVE})");
                if !kinds.is_empty() {
                    self.push(" AND ");
                    self.kinds(&format!("{alias}.target"), kinds);
                }
            }
            Plan::Any(parts) if parts.iter().all(Plan::can_drive) && !parts.is_empty() => {
                self.push("SELECT rid FROM (");
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        self.push(" UNION ALL ");
                    }
                    self.push("SELECT * FROM (");
                    self.set(part, kinds);
                    let alias = self.alias();
                    let _ = write!(self.text, ") {alias}");
                }
                let alias = self.alias();
                let _ = write!(self.text, ") {alias}");
            }
            Plan::All(parts) if parts.iter().any(Plan::can_drive) => {
                let (driver, rest) = Plan::driver(parts);
                let alias = self.alias();
                let _ = write!(self.text, "SELECT {alias}.rid FROM (");
                self.set(driver, kinds);
                let _ = write!(self.text, ") {alias}");
                self.tests(&rest, &format!("{alias}.rid"), " WHERE ");
            }
            other => self.everything_that(other, kinds),
        }
    }

    fn everything_that(&mut self, plan: &Plan, kinds: &[ResourceType]) {
        self.push("SELECT ");
        let place = self.text.len();
        let alias = self.from("resource");
        self.text.insert_str(place, &format!("{alias}.rid"));
        let _ = write!(self.text, "{alias}.state = {LIVE}");
        if !kinds.is_empty() {
            self.push(" AND ");
            self.kinds(&format!("{alias}.rid"), kinds);
        }
        if !plan.is_everything() {
            self.push(" AND ");
            self.test(plan, &format!("{alias}.rid"));
        }
    }

    pub(crate) fn tests(&mut self, plans: &[&Plan], rid: &str, mut before: &str) {
        for plan in plans {
            self.push(before);
            self.test(plan, rid);
            before = " AND ";
        }
    }

    /// A condition on one resource number.
    pub(crate) fn test(&mut self, plan: &Plan, rid: &str) {
        match plan {
            Plan::Nothing => {
                self.push("1 = 0");
            }
            Plan::Not(inner) => {
                self.push("NOT (");
                self.test(inner, rid);
                self.push(")");
            }
            Plan::All(parts) | Plan::Any(parts) => {
                let (joint, empty) = if matches!(plan, Plan::All(_)) { (" AND ", "1 = 1") } else { (" OR ", "1 = 0") };
                if parts.is_empty() {
                    self.push(empty);
                    return;
                }
                self.push("(");
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        self.push(joint);
                    }
                    self.test(part, rid);
                }
                self.push(")");
            }
            Plan::Kinds(kinds) => {
                self.kinds(rid, kinds);
            }
            Plan::Leaf(leaf) if leaf.probe_by_rid => {
                self.push("EXISTS (SELECT 1");
                let alias = self.from(leaf.table);
                self.condition(leaf, &alias);
                let column = self.dialect.column(leaf.table, "rid");
                let _ = write!(self.text, " AND {alias}.{column} = {rid})");
            }
            Plan::Leaf(_) => {
                let _ = write!(self.text, "{rid} IN (");
                self.set(plan, &[]);
                self.push(")");
            }
            Plan::Chain { slots, kind, inner } => {
                self.push("EXISTS (SELECT 1");
                let alias = self.from("reference");
                let _ = write!(self.text, "{alias}.rid = {rid} AND {alias}.slot");
                self.one_of(slots);
                self.push(" AND ");
                if inner.is_cheap_test() {
                    self.kinds(&format!("{alias}.target"), &[*kind]);
                    self.push(" AND ");
                    self.test(inner, &format!("{alias}.target"));
                    if !inner.finds_rows() {
                        self.push(" AND EXISTS (SELECT 1");
                        let live = self.from("resource");
                        let _ = write!(self.text, "{live}.rid = {alias}.target AND {live}.state = {LIVE})");
                    }
                } else {
                    // The plus keeps SQLite from trying every member of the set on each resource: it looks up what the
                    // resource points at, and asks whether that is in the set.
                    let _ = write!(self.text, "+{alias}.target IN (");
                    self.set(inner, &[*kind]);
                    self.push(")");
                }
                self.push(")");
            }
            Plan::Has { .. } => {
                let _ = write!(self.text, "{rid} IN (");
                self.set(plan, &[]);
                self.push(")");
            }
        }
    }
}
