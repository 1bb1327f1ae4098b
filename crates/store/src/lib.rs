//! The one store: versions, search index, change log, audit, on SQLite or PostgreSQL. The only place
//! with SQL, and [`Store::commit`] is the only way to write. Every call says who asks ([`Caller`]).

mod admit;
pub mod audit;
mod batch;
mod body;
mod caller;
mod context;
mod db;
mod error;
mod history;
mod intern;
mod item;
mod lane;
mod maintain;
mod message;
mod owner;
mod physical;
mod place;
mod prepare;
mod read;
mod rewind;
mod rights;
mod run;
mod search;
mod special;
mod store;
mod stored;

pub use batch::{Batch, Change, Done, Expect, Guard, Outcome, Packed, Write};
pub use body::{instant, tail as stored_text};
pub use caller::{Caller, Purpose};
pub use error::{StoreError, StoreResult};
pub use item::{Item, ItemChange, ItemExpect};
pub use maintain::{Progress, Stats};
pub use message::{Heading, Logged, MessageChange, MessageCount, MessageQuery};
pub use rights::{Action, Actions, Grant, Kinds, Layer, Permit, Rights, Veil, Within, in_compartments};
pub use special::Everything;
pub use store::{Labeller, Labels, Likeness, Settings, Store};
pub use stored::{Changed, HistoryPage, HistoryQuery, HistoryScope, Match, Page, PageCursor, PageQuery, Role, Stored};
