//! Who looked at what. A commit is audited in its own transaction; looks are gathered and written by the same
//! lane a few times a second, so that reading does not wait for the disk. Losing power may lose the looks of the last
//! moment, never those before.

mod event;

use crate::caller::Caller;
use crate::db::{Rows, Value};
use crate::stored::HistoryScope;
use fhir::search::query::Query;
use std::sync::Mutex;
use std::time::Duration;

pub use event::{Event, Outcome};

/// How often gathered looks are written.
pub(crate) const EVERY: Duration = Duration::from_millis(200);

/// One look.
#[derive(Debug)]
pub(crate) struct Look {
    caller: Caller,
    action: &'static str,
    what: String,
}

/// Looks that wait to be written.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Vec<Look>>);

impl Looks {
    pub(crate) fn add(&self, caller: &Caller, action: &'static str, what: impl ToString) {
        let look = Look { caller: caller.clone(), action, what: what.to_string() };
        self.0.lock().expect("nobody panics while holding the looks").push(look);
    }

    pub(crate) fn take(&self) -> Vec<Look> {
        std::mem::take(&mut self.0.lock().expect("nobody panics while holding the looks"))
    }
}

/// The rows of these looks, numbered after `tx`.
pub(crate) fn rows(looks: &[Look], tx: i64, at: i64) -> Rows {
    let mut rows = Rows::new(8);
    for (place, look) in looks.iter().enumerate() {
        rows.push(entry(tx + 1 + place as i64, at, &look.caller, look.action, Some(&look.what)));
    }
    rows
}

/// One row of the audit log.
pub(crate) fn entry(tx: i64, at: i64, caller: &Caller, action: &str, what: Option<&str>) -> [Value; 8] {
    [
        tx.into(),
        at.into(),
        (&*caller.who).into(),
        (&*caller.role).into(),
        caller.purpose.code().into(),
        action.into(),
        caller.request.as_deref().into(),
        what.into(),
    ]
}

/// What a search asked: its types and parameters.
pub(crate) fn asked(query: &Query) -> String {
    let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.name()).collect();
    let mut asked = kinds.join(",");
    for (at, (name, value)) in query.understood.iter().enumerate() {
        asked.push(if at == 0 { '?' } else { '&' });
        asked.push_str(name);
        asked.push('=');
        asked.push_str(value);
    }
    asked
}

pub(crate) fn scope(scope: &HistoryScope) -> String {
    match scope {
        HistoryScope::Instance(key) => key.to_string(),
        HistoryScope::Kind(kind) => kind.to_string(),
        HistoryScope::System => String::new(),
    }
}
