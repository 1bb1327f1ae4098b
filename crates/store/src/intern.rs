//! Small numbers for long names. Systems, codes, units, slots and resources are named once, in tables of
//! their own; index rows hold numbers only. The lane owns the numbers: what it does not remember it looks up,
//! many at a time, and what is nowhere it adds.

use crate::body;
use crate::db::table::{RESOURCE, RID_BY_ID, SLOT, SYSTEM, SYSTEM_BY_URL, TERM, TERM_BY_KEY, UNIT};
use crate::db::{Rows, Session, Table, Value};
use crate::error::{StoreError, StoreResult};
use crate::physical::cut;
use crate::place;
use fhir::search::row::{Unit, code_key};
use fhir::{Key, ResourceType};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Names that are no system's codes share the table of terms under these numbers.
pub(crate) mod space {
    /// A code without a system.
    pub(crate) const NONE: i64 = 0;
    /// An address (uri parameters).
    pub(crate) const URI: i64 = 1;
    /// A canonical address; its version is the term's text.
    pub(crate) const CANONICAL: i64 = 2;
    /// A text without a code; the folded text is the term's code.
    pub(crate) const TEXT: i64 = 3;
    /// A reference to somewhere else.
    pub(crate) const ELSEWHERE: i64 = 4;
    /// A reference to one version: `Patient/1/_history/2`.
    pub(crate) const VERSION: i64 = 5;
    /// Real systems start here.
    pub(crate) const FIRST_SYSTEM: i64 = 16;
}

/// The form in which a code is compared: case matters in addresses only. What is longer than an index can hold is
/// compared by its start.
pub(crate) fn term_key(system: i64, code: &str) -> Cow<'_, str> {
    let code = cut(code);
    if system == space::NONE || system >= space::FIRST_SYSTEM { code_key(code) } else { Cow::Borrowed(code) }
}

/// How many names are remembered of each kind before memory is cleared and the tables are asked again.
const REMEMBERED: usize = 400_000;

/// A name that needs a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TermName {
    pub(crate) system: i64,
    pub(crate) code: String,
    pub(crate) text: Option<String>,
}

/// The texts that came with one code, and the number of each.
type Texts = Vec<(Option<String>, i64)>;

#[derive(Default)]
pub(crate) struct Interner {
    systems: HashMap<String, i64>,
    /// By system and code: each text and its number.
    terms: HashMap<i64, HashMap<String, Texts>>,
    term_count: usize,
    units: HashMap<Unit, i64>,
    slots: HashMap<(String, i64), i64>,
    resources: HashMap<Key, i64>,
    next: Numbers,
    /// Only looks: a name that has no number is an error.
    frozen: bool,
}

/// The next free number of each kind.
#[derive(Default)]
struct Numbers {
    system: i64,
    term: i64,
    unit: i64,
    slot: i64,
    /// By type number; 0 = not read yet.
    resource: HashMap<i64, i64>,
}

impl Interner {
    /// Reads what has been numbered so far. Units and slots are few and are kept whole.
    pub(crate) async fn load<S: Session>(session: &mut S) -> StoreResult<Interner> {
        let dialect = session.dialect();
        let mut it = Interner::default();
        for (table, next) in [
            ("system", &mut it.next.system),
            ("term", &mut it.next.term),
            ("unit", &mut it.next.unit),
            ("slot", &mut it.next.slot),
        ] {
            let sql = format!("SELECT coalesce(max(id), 0) FROM {table} t WHERE {} id >= 0", dialect.here("t"));
            *next = session.query(&sql, &[]).await?[0][0].int() + 1;
        }
        it.next.system = it.next.system.max(space::FIRST_SYSTEM);
        let sql = format!("SELECT id, system, code, text FROM unit u WHERE {} id > 0", dialect.here("u"));
        for row in session.query(&sql, &[]).await? {
            let text = |at: usize| row[at].text().map(str::to_owned);
            it.units.insert(Unit { system: text(1), code: text(2), text: text(3) }, row[0].int());
        }
        let sql = format!("SELECT id, name, term FROM slot s WHERE {} id > 0", dialect.here("s"));
        for row in session.query(&sql, &[]).await? {
            it.slots.insert((row[1].text().unwrap_or_default().to_owned(), row[2].int()), row[0].int());
        }
        Ok(it)
    }

    /// An interner that only looks.
    pub(crate) fn frozen(mut self) -> Interner {
        self.frozen = true;
        self
    }

    async fn add<S: Session>(&self, session: &mut S, table: &'static Table, fresh: &Rows) -> StoreResult<()> {
        if self.frozen && !fresh.is_empty() {
            return Err(StoreError::Damaged("a name has no number".to_owned()));
        }
        session.insert(table, fresh).await
    }

    pub(crate) fn system(&self, url: Option<&str>) -> i64 {
        url.map_or(space::NONE, |url| *self.systems.get(cut(url)).expect("named before its use"))
    }

    pub(crate) fn term(&self, system: i64, code: &str, text: Option<&str>) -> i64 {
        self.known_term(system, code, text).expect("named before its use")
    }

    fn known_term(&self, system: i64, code: &str, text: Option<&str>) -> Option<i64> {
        let texts = self.terms.get(&system)?.get(code)?;
        texts.iter().find(|(it, _)| it.as_deref() == text).map(|(_, id)| *id)
    }

    pub(crate) fn unit(&self, unit: &Unit) -> i64 {
        *self.units.get(unit).expect("named before its use")
    }

    pub(crate) fn slot(&self, name: &str, term: i64) -> i64 {
        // Few enough that the allocation of the key is not felt beside the insert that follows.
        *self.slots.get(&(name.to_owned(), term)).expect("named before its use")
    }

    /// The number of a plain slot, if anything has ever been in it.
    pub(crate) fn known_slot(&self, name: &str) -> Option<i64> {
        self.slots.get(&(name.to_owned(), 0)).copied()
    }

    pub(crate) fn resource(&self, key: &Key) -> Option<i64> {
        self.resources.get(key).copied()
    }

    /// Gives numbers to systems.
    pub(crate) async fn name_systems<S: Session>(&mut self, session: &mut S, urls: &HashSet<&str>) -> StoreResult<()> {
        let mut wanted: Vec<&str> = urls.iter().copied().filter(|url| !self.systems.contains_key(*url)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_unstable();
        let mut keys = Rows::new(1);
        wanted.iter().for_each(|url| keys.push([Value::from(*url)]));
        for row in session.lookup(&SYSTEM_BY_URL, &keys).await? {
            self.systems.insert(row[1].text().unwrap_or_default().to_owned(), row[0].int());
        }
        let mut fresh = Rows::new(2);
        for url in wanted {
            if !self.systems.contains_key(url) {
                fresh.push([self.next.system.into(), url.into()]);
                self.systems.insert(url.to_owned(), self.next.system);
                self.next.system += 1;
            }
        }
        self.add(session, &SYSTEM, &fresh).await
    }

    /// Gives numbers to codes and texts.
    pub(crate) async fn name_terms<S: Session>(
        &mut self,
        session: &mut S,
        names: &HashSet<TermName>,
    ) -> StoreResult<()> {
        let unknown =
            |it: &Interner, name: &&TermName| it.known_term(name.system, &name.code, name.text.as_deref()).is_none();
        let mut wanted: Vec<&TermName> = names.iter().filter(|name| unknown(self, name)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_unstable_by(|a, b| (a.system, &a.code, &a.text).cmp(&(b.system, &b.code, &b.text)));
        let mut keys = Rows::new(2);
        let mut last = None;
        for name in &wanted {
            if last != Some((name.system, &name.code)) {
                keys.push([term_key(name.system, &name.code).into_owned().into(), name.system.into()]);
                last = Some((name.system, &name.code));
            }
        }
        for row in session.lookup(&TERM_BY_KEY, &keys).await? {
            let code = row[3].text().or(row[2].text()).unwrap_or_default();
            let text = row[4].text();
            if self.known_term(row[1].int(), code, text).is_none() {
                self.remember_term(row[1].int(), code, text, row[0].int());
            }
        }
        let mut fresh = Rows::new(6);
        for name in wanted {
            let text = name.text.as_deref();
            if self.known_term(name.system, &name.code, text).is_some() {
                continue;
            }
            let id = self.next.term;
            self.next.term += 1;
            // A text of its own is folded already: it is the code.
            let folded = match name.system {
                space::TEXT => Some(name.code.clone()),
                space::CANONICAL => None,
                _ => text.map(fhir::search::fold),
            };
            let key = term_key(name.system, &name.code);
            let code = (*key != *name.code).then_some(name.code.as_str());
            fresh.push([
                id.into(),
                name.system.into(),
                (&*key).into(),
                code.into(),
                text.into(),
                folded.as_deref().into(),
            ]);
            self.remember_term(name.system, &name.code, text, id);
        }
        self.add(session, &TERM, &fresh).await
    }

    fn remember_term(&mut self, system: i64, code: &str, text: Option<&str>, id: i64) {
        self.term_count += 1;
        let codes = self.terms.entry(system).or_default();
        codes.entry(code.to_owned()).or_default().push((text.map(str::to_owned), id));
    }

    pub(crate) async fn name_units<S: Session>(&mut self, session: &mut S, units: &HashSet<&Unit>) -> StoreResult<()> {
        let mut fresh = Rows::new(4);
        for unit in units {
            if !self.units.contains_key(*unit) {
                let id = self.next.unit;
                self.next.unit += 1;
                fresh.push([
                    id.into(),
                    unit.system.as_deref().into(),
                    unit.code.as_deref().into(),
                    unit.text.as_deref().into(),
                ]);
                self.units.insert((*unit).clone(), id);
            }
        }
        self.add(session, &UNIT, &fresh).await
    }

    pub(crate) async fn name_slots<S: Session>(
        &mut self,
        session: &mut S,
        names: &HashSet<(Cow<'_, str>, i64)>,
    ) -> StoreResult<()> {
        let mut fresh = Rows::new(3);
        for (name, term) in names {
            let key = (name.clone().into_owned(), *term);
            if !self.slots.contains_key(&key) {
                let id = self.next.slot;
                self.next.slot += 1;
                fresh.push([id.into(), (&**name).into(), (*term).into()]);
                self.slots.insert(key, id);
            }
        }
        self.add(session, &SLOT, &fresh).await
    }

    /// Gives numbers to resources. Those that are nowhere yet get a place without a version, so that what
    /// refers to them finds them when they come; except those in `writing`, whose rows the commit writes itself.
    pub(crate) async fn name_resources<S: Session>(
        &mut self,
        session: &mut S,
        keys: &HashSet<&Key>,
        writing: &HashSet<&Key>,
    ) -> StoreResult<()> {
        let mut wanted: Vec<&Key> = keys.iter().copied().filter(|key| !self.resources.contains_key(*key)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        wanted.sort_unstable();
        let mut sought = Rows::new(2);
        wanted.iter().for_each(|key| sought.push(by_id(key)));
        for row in session.lookup(&RID_BY_ID, &sought).await? {
            self.remember_resource(&row)?;
        }
        let mut fresh = Rows::new(7);
        for key in wanted {
            if self.resources.contains_key(key) {
                continue;
            }
            let rid = self.next_rid(session, key.kind).await?;
            if !writing.contains(key) {
                let id = Value::Blob(body::pack_id(key.id.as_str()));
                fresh.push([rid.into(), id, 0.into(), 0.into(), 0.into(), Value::Null, Value::Null]);
            }
            self.resources.insert(key.clone(), rid);
        }
        self.add(session, &RESOURCE, &fresh).await
    }

    pub(crate) fn remember(&mut self, key: &Key, rid: i64) {
        self.resources.insert(key.clone(), rid);
    }

    fn remember_resource(&mut self, row: &[Value]) -> StoreResult<()> {
        let rid = row[0].int();
        let Value::Blob(id) = &row[1] else { return Err(StoreError::Damaged("a resource has no id".to_owned())) };
        let kind = place::kind_of(rid).ok_or_else(|| StoreError::Damaged("a resource has no type".to_owned()))?;
        self.resources.insert(Key::new(kind, body::unpack_id(id)?), rid);
        Ok(())
    }

    async fn next_rid<S: Session>(&mut self, session: &mut S, kind: ResourceType) -> StoreResult<i64> {
        let number = i64::from(kind.number());
        let next = match self.next.resource.get(&number) {
            Some(next) => *next,
            None => {
                let sql = format!(
                    "SELECT max(rid) FROM resource r WHERE {} rid >= ?1 AND rid < ?2",
                    session.dialect().here("r")
                );
                let range = [place::first_of(kind).into(), place::end_of(kind).into()];
                match session.query(&sql, &range).await?[0][0] {
                    Value::Int(last) => last + 1,
                    _ => place::first_of(kind) + 1,
                }
            }
        };
        self.next.resource.insert(number, next + 1);
        Ok(next)
    }

    /// Between commits: forgets what is too much to keep.
    pub(crate) fn forget_some(&mut self) {
        if self.term_count > REMEMBERED {
            self.terms.clear();
            self.term_count = 0;
        }
        if self.resources.len() > REMEMBERED {
            self.resources.clear();
        }
    }
}

pub(crate) fn by_id(key: &Key) -> [Value; 2] {
    [Value::Blob(body::pack_id(key.id.as_str())), i64::from(key.kind.number()).into()]
}
