//! From what a resource is found by to rows of numbers. Names are collected first, so that the lane can
//! number all that are new at once; then each row is written down.

use crate::db::table::{
    DATE, HAS_DATE, HAS_QUANTITY, HAS_REFERENCE, HAS_STRING, HAS_TOKEN, QUANTITY, REFERENCE, STRING, TOKEN,
};
use crate::db::{Rows, Session, Step, Table, Value};
use crate::error::StoreResult;
use crate::intern::{Interner, TermName, space};
use crate::prepare::Clue;
use fhir::search::Registry;
use fhir::search::row::{Row, RowValue, Slot, Target, Token, Unit};
use fhir::{Key, ResourceType};
use std::borrow::Cow;
use std::collections::HashSet;

/// Longer strings are found by their start (PostgreSQL indexes at most 2.7 kB; nobody types more).
pub(crate) const LONGEST: usize = 800;

/// Whose rows: a resource's own, or those of what it contains. The latter lie in slots of their own, under the
/// number of the container, so that searches that do not ask for them never meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Own,
    Contained,
}

/// The slot of the token table that says what types a resource contains: the number of the type in place of a term.
pub(crate) const CONTAINS: &str = "#";
/// The slot of the token table that says under what a resource is looked up by those that are alike: a number of
/// [`Likeness`](crate::Likeness) in place of a term.
pub(crate) const ALIKE: &str = "~";

impl Layer {
    /// The name under which a slot is numbered.
    pub(crate) fn slot_name(self, registry: &Registry, slot: Slot) -> Cow<'_, str> {
        let name = registry.slot_def(slot).name.as_str();
        match self {
            Layer::Own => Cow::Borrowed(name),
            Layer::Contained => Cow::Owned(format!("#{name}")),
        }
    }
}

/// The tables of the index.
pub(crate) static INDEXES: [&Table; 5] = [&TOKEN, &STRING, &REFERENCE, &DATE, &QUANTITY];

/// Rows of the index tables, ready to be sorted and inserted or deleted.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    token: Vec<[i64; 3]>,
    string: Vec<(i64, String, i64, String)>,
    reference: Vec<[i64; 3]>,
    date: Vec<[i64; 4]>,
    quantity: Vec<(i64, i64, f64, f64, i64)>,
}

/// The names that a set of rows needs.
#[derive(Default)]
pub(crate) struct Names<'a> {
    systems: HashSet<&'a str>,
    tokens: HashSet<&'a Token>,
    addresses: HashSet<TermName>,
    composites: HashSet<(Cow<'a, str>, &'a Token)>,
    slots: HashSet<(Cow<'a, str>, i64)>,
    units: HashSet<&'a Unit>,
    keys: HashSet<&'a Key>,
}

impl<'a> Names<'a> {
    pub(crate) fn collect(&mut self, registry: &'a Registry, clue: Clue<'a>) {
        match clue {
            Clue::Own(row) => self.row(Layer::Own.slot_name(registry, row.slot), row),
            Clue::Contained(row) => self.row(Layer::Contained.slot_name(registry, row.slot), row),
            Clue::Contains(_) => {
                self.slots.insert((Cow::Borrowed(CONTAINS), 0));
            }
            Clue::Alike(_) => {
                self.slots.insert((Cow::Borrowed(ALIKE), 0));
            }
        }
    }

    fn row(&mut self, name: Cow<'a, str>, row: &'a Row) {
        match &row.value {
            RowValue::Composite { first, second, third } => {
                self.token(first);
                self.composites.insert((name, first));
                if third.is_none() {
                    self.value(second);
                }
            }
            value => {
                self.slots.insert((name, 0));
                self.value(value);
            }
        }
    }

    pub(crate) fn resource(&mut self, key: &'a Key) {
        self.keys.insert(key);
    }

    fn token(&mut self, token: &'a Token) {
        if let Some(system) = &token.system {
            self.systems.insert(cut(system));
        }
        self.tokens.insert(token);
    }

    fn value(&mut self, value: &'a RowValue) {
        match value {
            RowValue::Token(token) => self.token(token),
            RowValue::Uri(url) => {
                self.addresses.insert(address(space::URI, url, None));
            }
            RowValue::Reference(Target::Local { key, version }) => {
                self.keys.insert(key);
                if let Some(version) = version {
                    self.addresses.insert(version_name(key, version));
                }
            }
            RowValue::Reference(Target::Elsewhere { url, .. }) => {
                self.addresses.insert(address(space::ELSEWHERE, url, None));
            }
            RowValue::Reference(Target::Canonical { url, version }) => {
                self.addresses.insert(address(space::CANONICAL, url, version.as_deref()));
            }
            RowValue::Quantity(amount) => {
                self.units.insert(&amount.unit);
            }
            RowValue::String(_) | RowValue::Date(_) => {}
            RowValue::Composite { .. } => unreachable!("composites are not nested"),
        }
    }

    /// Numbers for all of them. `writing` are resources that this commit writes itself.
    pub(crate) async fn intern<S: Session>(
        mut self,
        interner: &mut Interner,
        session: &mut S,
        writing: &HashSet<&Key>,
    ) -> StoreResult<()> {
        interner.name_systems(session, &self.systems).await?;
        let mut terms = std::mem::take(&mut self.addresses);
        terms.extend(self.tokens.iter().map(|token| term_name(interner, token)));
        interner.name_terms(session, &terms).await?;
        for (name, token) in std::mem::take(&mut self.composites) {
            self.slots.insert((name, term_of(interner, token)));
        }
        interner.name_slots(session, &self.slots).await?;
        interner.name_units(session, &self.units).await?;
        interner.name_resources(session, &self.keys, writing).await
    }
}

fn address(space: i64, url: &str, version: Option<&str>) -> TermName {
    TermName { system: space, code: url.to_owned(), text: version.map(str::to_owned) }
}

pub(crate) fn version_name(key: &Key, version: &str) -> TermName {
    address(space::VERSION, &format!("{key}/_history/{version}"), None)
}

fn term_name(interner: &Interner, token: &Token) -> TermName {
    match (&token.code, &token.text) {
        (None, Some(text)) if token.system.is_none() => {
            TermName { system: space::TEXT, code: cut(&fhir::search::fold(text)).to_owned(), text: None }
        }
        (code, text) => TermName {
            system: interner.system(token.system.as_deref()),
            code: code.clone().unwrap_or_default(),
            text: text.clone(),
        },
    }
}

fn term_of(interner: &Interner, token: &Token) -> i64 {
    let name = term_name(interner, token);
    interner.term(name.system, &name.code, name.text.as_deref())
}

/// A reference to somewhere else as a number: negative, with the type where it is known.
pub(crate) fn elsewhere(term: i64, kind: Option<ResourceType>) -> i64 {
    -((term << 8) | kind.map_or(0, |kind| i64::from(kind.number()) + 1))
}

/// At most [`LONGEST`] bytes of a text, whole characters.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

impl Entries {
    pub(crate) fn add(&mut self, interner: &Interner, registry: &Registry, rid: i64, clue: Clue<'_>) {
        match clue {
            Clue::Own(row) => self.row(interner, &Layer::Own.slot_name(registry, row.slot), rid, row),
            Clue::Contained(row) => self.row(interner, &Layer::Contained.slot_name(registry, row.slot), rid, row),
            Clue::Contains(kind) => self.token.push([interner.slot(CONTAINS, 0), i64::from(kind.number()), rid]),
            Clue::Alike(key) => self.token.push([interner.slot(ALIKE, 0), key, rid]),
        }
    }

    fn row(&mut self, interner: &Interner, name: &str, rid: i64, row: &Row) {
        match &row.value {
            RowValue::Composite { first, second, third } => {
                let slot = interner.slot(name, term_of(interner, first));
                match (&**second, third.as_deref()) {
                    // Both numbers must be of the same window, so they share a row.
                    (RowValue::Quantity(start), Some(RowValue::Quantity(end))) => {
                        self.date.push([slot, start.low as i64, end.high as i64, rid]);
                    }
                    (second, _) => self.value(interner, slot, rid, second),
                }
            }
            value => self.value(interner, interner.slot(name, 0), rid, value),
        }
    }

    fn value(&mut self, interner: &Interner, slot: i64, rid: i64, value: &RowValue) {
        match value {
            RowValue::Token(token) => self.token.push([slot, term_of(interner, token), rid]),
            RowValue::Uri(url) => self.token.push([slot, interner.term(space::URI, url, None), rid]),
            RowValue::String(text) => {
                self.string.push((slot, cut(&text.folded).to_owned(), rid, cut(&text.exact).to_owned()));
            }
            RowValue::Reference(target) => {
                let number = match target {
                    Target::Local { key, version } => {
                        if let Some(version) = version {
                            let name = version_name(key, version);
                            let term = interner.term(name.system, &name.code, None);
                            self.reference.push([elsewhere(term, Some(key.kind)), slot, rid]);
                        }
                        interner.resource(key).expect("named before its use")
                    }
                    Target::Elsewhere { url, kind } => elsewhere(interner.term(space::ELSEWHERE, url, None), *kind),
                    Target::Canonical { url, version } => {
                        elsewhere(interner.term(space::CANONICAL, url, version.as_deref()), None)
                    }
                };
                self.reference.push([number, slot, rid]);
            }
            RowValue::Date(span) => self.date.push([slot, span.low, span.high, rid]),
            RowValue::Quantity(amount) => {
                self.quantity.push((slot, interner.unit(&amount.unit), amount.low, amount.high, rid));
            }
            RowValue::Composite { .. } => unreachable!("composites are not nested"),
        }
    }

    /// Inserts everything, each table in the order of its key.
    pub(crate) async fn insert<S: Session>(self, session: &mut S) -> StoreResult<()> {
        let rows = self.sorted();
        let steps: Vec<Step<'_>> = INDEXES.iter().zip(&rows).map(|(table, rows)| Step::Insert(table, rows)).collect();
        session.write(&steps).await
    }

    /// How many rows there are here, and how many of them the tables have.
    pub(crate) async fn present<S: Session>(self, session: &mut S) -> StoreResult<(u64, u64)> {
        let (mut wanted, mut there) = (0, 0);
        for (lookup, rows) in
            [&HAS_TOKEN, &HAS_STRING, &HAS_REFERENCE, &HAS_DATE, &HAS_QUANTITY].iter().zip(self.sorted())
        {
            wanted += rows.len() as u64;
            there += session.lookup(lookup, &rows).await?.len() as u64;
        }
        Ok((wanted, there))
    }

    /// The rows of each of [`INDEXES`], in the order of its key.
    pub(crate) fn sorted(mut self) -> [Rows; 5] {
        self.token.sort_unstable();
        self.token.dedup();
        self.string.sort_unstable();
        self.string.dedup();
        self.reference.sort_unstable();
        self.reference.dedup();
        self.date.sort_unstable();
        self.date.dedup();
        let order = |a: &(i64, i64, f64, f64, i64), b: &(i64, i64, f64, f64, i64)| {
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then(a.3.total_cmp(&b.3)).then(a.4.cmp(&b.4))
        };
        self.quantity.sort_unstable_by(order);
        self.quantity.dedup();
        let mut token = Rows::new(3);
        self.token.into_iter().for_each(|row| token.push(row.map(Value::Int)));
        let mut string = Rows::new(4);
        for (slot, folded, rid, exact) in self.string {
            string.push([slot.into(), folded.into(), rid.into(), exact.into()]);
        }
        let mut reference = Rows::new(3);
        self.reference.into_iter().for_each(|row| reference.push(row.map(Value::Int)));
        let mut date = Rows::new(4);
        self.date.into_iter().for_each(|row| date.push(row.map(Value::Int)));
        let mut quantity = Rows::new(5);
        for (slot, unit, low, high, rid) in self.quantity {
            quantity.push([slot.into(), unit.into(), low.into(), high.into(), rid.into()]);
        }
        [token, string, reference, date, quantity]
    }
}
