//! `_sort`: by the least (ascending) or greatest (descending) value a resource has; those without come last.

use super::plan::{Plan, Planner};
use super::sql::Sql;
use crate::db::{Dialect, Session};
use crate::error::{StoreError, StoreResult};
use fhir::ResourceType;
use fhir::search::Registry;
use fhir::search::query::{Sort, SortBy};
use fhir::search::row::SlotShape;

/// All numbers that pass, in order.
pub(crate) async fn sorted<S: Session>(
    session: &mut S,
    registry: &Registry,
    plan: &Plan,
    kinds: &[ResourceType],
    keys: &[Sort],
    most: usize,
) -> StoreResult<Vec<i64>> {
    if matches!(plan, Plan::Nothing) {
        return Ok(Vec::new());
    }
    let mut columns = Vec::new();
    for key in keys {
        let column = match &key.by {
            SortBy::LastUpdated => Column::LastUpdated,
            SortBy::Id => Column::Id,
            SortBy::Slots(slots) => {
                let Some(first) = slots.first() else { continue };
                let shape = registry.slots()[first.0 as usize].shape;
                let mut planner = Planner::of(session, registry);
                Column::Rows { shape, slots: planner.slots(slots.iter().copied()).await? }
            }
        };
        columns.push((column, key.descending));
    }
    let dialect = session.dialect();
    let mut sql = Sql::new(dialect);
    sql.push("SELECT m.rid FROM (SELECT DISTINCT rid FROM (");
    sql.set(plan, kinds);
    sql.push(") q) m");
    let mut joined = Vec::new();
    for (at, (column, descending)) in columns.iter().enumerate() {
        joined.push(column.join(&mut sql, at, *descending, dialect));
    }
    sql.push(" ORDER BY ");
    for ((column, descending), key) in columns.iter().zip(joined) {
        match key {
            Key::None => continue,
            Key::Joined(key) => sql.push(&key),
            Key::LookedUp => column.look_up(&mut sql, *descending, dialect),
        };
        sql.push(if *descending { " DESC NULLS LAST, " } else { " ASC NULLS LAST, " });
    }
    sql.push("m.rid LIMIT ").value(most as i64 + 1);
    let rows = session.query(&sql.text, &sql.values).await?;
    if rows.len() > most {
        return Err(StoreError::TooCostly(format!("more than {most} resources to sort; narrow the search")));
    }
    Ok(rows.iter().map(|row| row[0].int()).collect())
}

enum Column {
    LastUpdated,
    Id,
    Rows { shape: SlotShape, slots: Vec<i64> },
}

/// What is ordered by.
enum Key {
    /// No resource has the value.
    None,
    /// An expression over what was joined.
    Joined(String),
    /// Found by the number of each resource that passes: few pass, and all that have the value may be very many.
    LookedUp,
}

impl Column {
    /// Joins what the key needs.
    fn join(&self, sql: &mut Sql, at: usize, descending: bool, dialect: Dialect) -> Key {
        let pick = if descending { "max" } else { "min" };
        match self {
            Column::LastUpdated | Column::Id => {
                let here = dialect.here(&format!("k{at}"));
                sql.push(&format!(" JOIN resource k{at} ON {here} k{at}.rid = m.rid"));
                Key::Joined(match self {
                    Column::LastUpdated => format!("k{at}.at"),
                    _ => id_text(&format!("k{at}.id"), dialect),
                })
            }
            Column::Rows { slots, .. } if slots.is_empty() => Key::None,
            Column::Rows { shape: SlotShape::Date | SlotShape::Reference, .. } => Key::LookedUp,
            Column::Rows { shape, slots } => {
                let (value, table, extra) = match shape {
                    SlotShape::String => ("x.folded", "string x", String::new()),
                    SlotShape::Quantity => (if descending { "x.high" } else { "x.low" }, "quantity x", String::new()),
                    _ => ("y.key", "token x", format!(" JOIN term y ON {} y.id = x.term", dialect.here("y"))),
                };
                let here = dialect.here("x");
                sql.push(&format!(
                    " LEFT JOIN (SELECT x.rid, {pick}({value}) AS k FROM {table}{extra} WHERE {here} x.slot"
                ));
                sql.one_of(slots);
                sql.push(&format!(" GROUP BY x.rid) k{at} ON k{at}.rid = m.rid"));
                Key::Joined(format!("k{at}.k"))
            }
        }
    }

    /// The value of the resource `m`, by the index of those tables that have one by resource.
    fn look_up<'a>(&self, sql: &'a mut Sql, descending: bool, dialect: Dialect) -> &'a mut Sql {
        let Column::Rows { shape, slots } = self else { return sql };
        let picked = match (shape, descending) {
            (SlotShape::Date, true) => "max(x.high) FROM date",
            (SlotShape::Date, false) => "min(x.low) FROM date",
            (_, true) => "max(x.target) FROM reference",
            (_, false) => "min(x.target) FROM reference",
        };
        sql.push(&format!("(SELECT {picked} x WHERE {} x.slot", dialect.here("x")));
        sql.one_of(slots);
        sql.push(" AND x.rid = m.rid)")
    }
}

/// The text of a packed id, near enough for order: UUIDs among themselves and texts among themselves.
fn id_text(column: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!(
            "CASE WHEN substr({column}, 1, 1) = x'01' THEN lower(hex(substr({column}, 2))) ELSE CAST({column} AS TEXT) END"
        ),
        Dialect::Postgres { .. } => format!(
            "(CASE WHEN substring({column} from 1 for 1) = '\\x01' THEN encode(substring({column} from 2), 'hex') \
             ELSE convert_from({column}, 'UTF8') END) COLLATE \"C\""
        ),
    }
}
