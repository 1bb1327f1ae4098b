//! Results that are in an order of their own are kept for their page links: the list of resource numbers,
//! in memory, the oldest forgotten first. A forgotten result answers "start the search again".

use crate::rights::Rights;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Numbers kept in all (8 bytes each).
const CAPACITY: usize = 4_000_000;

#[derive(Default)]
pub(crate) struct Kept {
    lists: Mutex<VecDeque<(u64, Arc<List>)>>,
}

/// A result, and the rights it was made under.
pub(crate) struct List {
    pub(crate) rids: Vec<i64>,
    rights: Arc<Rights>,
}

impl List {
    /// Whether it has as many for these rights.
    pub(crate) fn counts_for(&self, rights: &Arc<Rights>) -> bool {
        Arc::ptr_eq(&self.rights, rights) || self.rights == *rights
    }
}

impl Kept {
    pub(crate) fn keep(&self, number: u64, rids: Vec<i64>, rights: &Arc<Rights>) -> Arc<List> {
        let list = Arc::new(List { rids, rights: rights.clone() });
        let mut lists = self.lists.lock().expect("nobody panics while holding the lists");
        lists.push_back((number, list.clone()));
        let mut total: usize = lists.iter().map(|(_, it)| it.rids.len()).sum();
        while total > CAPACITY && lists.len() > 1 {
            total -= lists.pop_front().map_or(0, |(_, it)| it.rids.len());
        }
        list
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<List>> {
        let lists = self.lists.lock().expect("nobody panics while holding the lists");
        lists.iter().find(|(it, _)| *it == number).map(|(_, list)| list.clone())
    }
}
