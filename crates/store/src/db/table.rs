//! The tables, as data: both backends make their INSERT, DELETE and look-up statements from these.

use super::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Real,
    Text,
    Blob,
    /// Folded words, parted by single spaces, to be found by full text.
    Words,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// The row is there already: fine (index rows are sets).
    Ignore,
    /// The row takes the place of the one with the same key.
    Replace,
    /// Must not happen: fail and write nothing.
    Fail,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// How many of the first columns are the primary key.
    pub(crate) key: usize,
    pub(crate) on_conflict: OnConflict,
}

impl Table {
    /// What follows the rows so that a row takes the place of the one with the same key. `before` are the columns
    /// that stand before the key here.
    pub(crate) fn upsert(&self, before: &str) -> String {
        let key: Vec<&str> = self.columns[..self.key].iter().map(|it| it.name).collect();
        let set: Vec<String> =
            self.columns[self.key..].iter().map(|it| format!("{0} = excluded.{0}", it.name)).collect();
        format!(" ON CONFLICT ({before}{}) DO UPDATE SET {}", key.join(", "), set.join(", "))
    }
}

/// A look-up of rows by key: `returning` of `table` where the key columns have the given values.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) table: &'static str,
    /// Expressions over the table's columns and the kind of the value.
    pub(crate) key: &'static [Column],
    pub(crate) returning: &'static [Column],
}

/// Rows of one width, held flat.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    width: usize,
    values: Vec<Value>,
}

impl Rows {
    pub(crate) fn new(width: usize) -> Rows {
        Rows { width, values: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.width);
        self.values.extend(row);
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        self.values.chunks_exact(self.width)
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}
const fn real(name: &'static str) -> Column {
    Column { name, kind: Kind::Real }
}
const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}
const fn words(name: &'static str) -> Column {
    Column { name, kind: Kind::Words }
}
const fn blob(name: &'static str) -> Column {
    Column { name, kind: Kind::Blob }
}

/// The current version of each resource, and a place for those that are only referred to so far.
pub(crate) static RESOURCE: Table = Table {
    name: "resource",
    columns: &[int("rid"), blob("id"), int("version"), int("at"), int("state"), blob("body"), int("owner")],
    key: 1,
    on_conflict: OnConflict::Replace,
};

/// Versions that were replaced.
pub(crate) static HISTORY: Table = Table {
    name: "history",
    columns: &[int("rid"), int("version"), int("at"), int("state"), blob("body"), int("owner")],
    key: 2,
    on_conflict: OnConflict::Fail,
};

/// The change log: every version in the order of commits.
pub(crate) static CHANGE: Table = Table {
    name: "change",
    columns: &[int("seq"), int("rid"), int("version"), int("at"), int("state"), int("tx")],
    key: 1,
    on_conflict: OnConflict::Fail,
};

pub(crate) static AUDIT: Table = Table {
    name: "audit",
    columns: &[
        int("seq"),
        int("at"),
        int("agent"),
        text("action"),
        int("outcome"),
        int("kind"),
        blob("id"),
        int("version"),
        int("wrote"),
        blob("patients"),
        text("rule"),
        text("request"),
        text("detail"),
        blob("hash"),
    ],
    key: 1,
    on_conflict: OnConflict::Fail,
};

pub(crate) static AUDIT_AGENT: Table = Table {
    name: "audit_agent",
    columns: &[int("id"), text("who"), text("role"), text("display"), text("client"), text("purpose")],
    key: 1,
    on_conflict: OnConflict::Fail,
};

pub(crate) static AGENT_BY_WHO: Lookup =
    Lookup { table: "audit_agent", key: &[text("who")], returning: AUDIT_AGENT.columns };

pub(crate) static AUDIT_PATIENT: Table = Table {
    name: "audit_patient",
    columns: &[int("epoch"), int("patient"), int("seq")],
    key: 3,
    on_conflict: OnConflict::Fail,
};

pub(crate) static AUDIT_SPAN: Table =
    Table { name: "audit_span", columns: &[int("agent"), int("epoch")], key: 2, on_conflict: OnConflict::Ignore };

pub(crate) static SLOT: Table =
    Table { name: "slot", columns: &[int("id"), text("name"), int("term")], key: 1, on_conflict: OnConflict::Fail };

pub(crate) static SYSTEM: Table =
    Table { name: "system", columns: &[int("id"), text("url")], key: 1, on_conflict: OnConflict::Fail };

pub(crate) static TERM: Table = Table {
    name: "term",
    columns: &[int("id"), int("system"), text("key"), text("code"), text("text"), text("folded")],
    key: 1,
    on_conflict: OnConflict::Fail,
};

pub(crate) static UNIT: Table = Table {
    name: "unit",
    columns: &[int("id"), text("system"), text("code"), text("text")],
    key: 1,
    on_conflict: OnConflict::Fail,
};

pub(crate) static TOKEN: Table =
    Table { name: "token", columns: &[int("slot"), int("term"), int("rid")], key: 3, on_conflict: OnConflict::Ignore };

pub(crate) static STRING: Table = Table {
    name: "string",
    columns: &[int("slot"), text("folded"), int("rid"), text("exact")],
    key: 4,
    on_conflict: OnConflict::Ignore,
};

pub(crate) static REFERENCE: Table = Table {
    name: "reference",
    columns: &[int("target"), int("slot"), int("rid")],
    key: 3,
    on_conflict: OnConflict::Ignore,
};

pub(crate) static DATE: Table = Table {
    name: "date",
    columns: &[int("slot"), int("low"), int("high"), int("rid")],
    key: 4,
    on_conflict: OnConflict::Ignore,
};

pub(crate) static QUANTITY: Table = Table {
    name: "quantity",
    columns: &[int("slot"), int("unit"), real("low"), real("high"), int("rid")],
    key: 5,
    on_conflict: OnConflict::Ignore,
};

/// How many live resources of each type there are.
pub(crate) static TALLY: Table =
    Table { name: "tally", columns: &[int("kind"), int("live")], key: 1, on_conflict: OnConflict::Replace };

pub(crate) static WORDS: Table = Table {
    name: "words",
    columns: &[int("rid"), words("narrative"), words("content")],
    key: 1,
    on_conflict: OnConflict::Replace,
};

/// Settings of the store itself: counters, the key that seals page links.
pub(crate) static SETTING: Table =
    Table { name: "setting", columns: &[text("name"), blob("value")], key: 1, on_conflict: OnConflict::Replace };

/// Records that are not FHIR.
pub(crate) static ITEM: Table = Table {
    name: "item",
    columns: &[text("shelf"), text("name"), text("owner"), int("until"), int("version"), blob("body")],
    key: 2,
    on_conflict: OnConflict::Replace,
};

pub(crate) static ITEM_BY_NAME: Lookup =
    Lookup { table: "item", key: &[text("shelf"), text("name")], returning: ITEM.columns };

/// Messages from and to other systems.
pub(crate) static MESSAGE: Table = Table {
    name: "message",
    columns: &[
        text("id"),
        int("version"),
        int("at"),
        text("channel"),
        text("state"),
        text("kind"),
        text("control"),
        text("sender"),
        text("patient"),
        text("cause"),
        int("size"),
        blob("head"),
        blob("raw"),
        int("outgoing"),
        int("due"),
    ],
    key: 1,
    on_conflict: OnConflict::Replace,
};

pub(crate) static MESSAGE_VERSION: Lookup =
    Lookup { table: "message", key: &[text("id")], returning: &[text("id"), int("version")] };

pub(crate) static RESOURCE_BY_ID: Lookup =
    Lookup { table: "resource", key: &[blob("id"), int("(rid >> 40)")], returning: RESOURCE.columns };

pub(crate) static RID_BY_ID: Lookup =
    Lookup { table: "resource", key: &[blob("id"), int("(rid >> 40)")], returning: &[int("rid"), blob("id")] };

pub(crate) static TERM_BY_KEY: Lookup = Lookup {
    table: "term",
    key: &[text("key"), int("system")],
    returning: &[int("id"), int("system"), text("key"), text("code"), text("text")],
};

pub(crate) static SYSTEM_BY_URL: Lookup =
    Lookup { table: "system", key: &[text("url")], returning: &[int("id"), text("url")] };

static RID_COLUMN: [Column; 1] = [int("rid")];
const RID: &[Column] = &RID_COLUMN;

/// Whether an index row is there: the whole row is the key.
const fn has(table: &'static str, key: &'static [Column]) -> Lookup {
    Lookup { table, key, returning: RID }
}

pub(crate) static HAS_TOKEN: Lookup = has("token", &[int("slot"), int("term"), int("rid")]);
pub(crate) static HAS_STRING: Lookup = has("string", &[int("slot"), text("folded"), int("rid"), text("exact")]);
pub(crate) static HAS_REFERENCE: Lookup = has("reference", &[int("target"), int("slot"), int("rid")]);
pub(crate) static HAS_DATE: Lookup = has("date", &[int("slot"), int("low"), int("high"), int("rid")]);
pub(crate) static HAS_QUANTITY: Lookup =
    has("quantity", &[int("slot"), int("unit"), real("low"), real("high"), int("rid")]);
