//! The one store: versions, search index, change log, audit, on SQLite or PostgreSQL. The only place
//! with SQL, and [`Store::commit`] is the only way to write. Every call says who asks ([`Caller`]).

pub mod batch;
pub mod caller;
pub mod error;
pub mod stored;

mod store;

pub use batch::{Batch, Change, Done, Expect, Guard, Outcome, Write};
pub use caller::{Caller, Purpose, Reach};
pub use error::{StoreError, StoreResult};
pub use store::{Settings, Store};
pub use stored::{Changed, HistoryPage, HistoryQuery, HistoryScope, Match, Page, PageCursor, PageQuery, Role, Stored};
