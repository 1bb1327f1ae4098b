//! Results that are in an order of their own are kept for their page links: the list of resource numbers,
//! in memory, the oldest forgotten first. A forgotten result answers "start the search again".

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Numbers kept in all (8 bytes each).
const CAPACITY: usize = 4_000_000;

#[derive(Default)]
pub(crate) struct Kept {
    lists: Mutex<VecDeque<(u64, Arc<Vec<i64>>)>>,
}

impl Kept {
    pub(crate) fn keep(&self, number: u64, rids: Vec<i64>) -> Arc<Vec<i64>> {
        let rids = Arc::new(rids);
        let mut lists = self.lists.lock().expect("nobody panics while holding the lists");
        lists.push_back((number, rids.clone()));
        let mut total: usize = lists.iter().map(|(_, it)| it.len()).sum();
        while total > CAPACITY && lists.len() > 1 {
            total -= lists.pop_front().map_or(0, |(_, it)| it.len());
        }
        rids
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<Vec<i64>>> {
        let lists = self.lists.lock().expect("nobody panics while holding the lists");
        lists.iter().find(|(it, _)| *it == number).map(|(_, rids)| rids.clone())
    }
}
