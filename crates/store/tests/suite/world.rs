//! What is in a store, held in memory for the judge of searches.

use fhir::search::Registry;
use fhir::search::brute::Holdings;
use fhir::search::row::{BaseUrls, Row, RowValue, Slot, Target, Token};
use fhir::search::{Texts, texts};
use fhir::{Id, Key, ResourceType, Value};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) held: BTreeMap<Key, Held>,
    /// Every row of a slot, with whose it is.
    pub(crate) by_slot: BTreeMap<Slot, Vec<(Key, RowValue)>>,
}

pub(crate) struct Held {
    pub(crate) value: Value,
    pub(crate) rows: Vec<Row>,
    pub(crate) at: i64,
}

impl World {
    /// `at`: when it was written, in milliseconds.
    pub(crate) fn add(&mut self, registry: &Registry, bases: &BaseUrls, key: Key, value: Value, at: i64) {
        let rows = registry.rows(key.kind, &value, bases);
        for row in &rows {
            self.by_slot.entry(row.slot).or_default().push((key.clone(), row.value.clone()));
        }
        self.held.insert(key, Held { value, rows, at });
    }
}

impl Holdings for World {
    fn keys(&self, kind: ResourceType) -> Vec<Key> {
        self.held.keys().filter(|key| key.kind == kind).cloned().collect()
    }

    fn rows(&self, key: &Key) -> &[Row] {
        self.held.get(key).map_or(&[], |it| &it.rows)
    }

    fn last_updated(&self, key: &Key) -> i64 {
        self.held[key].at
    }

    fn texts(&self, key: &Key) -> Texts {
        texts(&self.held[key].value)
    }

    fn canonical(&self, _: &str, _: Option<&str>) -> Vec<Key> {
        // Chains through canonical addresses are not asked here.
        Vec::new()
    }

    fn listed(&self, list: &Id) -> Vec<Key> {
        let key = Key::new(ResourceType::parse("List").unwrap(), list.clone());
        let items = self.rows(&key).iter().filter_map(|row| match &row.value {
            RowValue::Reference(Target::Local { key, .. }) => Some(key.clone()),
            _ => None,
        });
        items.collect()
    }

    fn in_value_set(&self, _: &str, _: &Token) -> bool {
        unreachable!("value sets are not asked here")
    }

    fn subsumes(&self, _: &str, _: &str, _: &str) -> bool {
        false
    }
}
