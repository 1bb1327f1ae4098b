//! The audit log: who did what, when, and whose data it concerned. Every read, search, history, write and refusal is an
//! entry, and whatever else `care`, `api`, `web` and `server` record. A commit and its entry are one transaction; looks
//! wait in a bounded queue and are written in order, some times a second or before the answer ([`Settings::strict`]).
//!
//! Entries are chained by hashes (`chain.rs`), and the chain is anchored outside of the store by signatures
//! ([`Anchor`]), so that whatever is changed, inserted or cut off is found ([`Report`]). Nothing in the product changes
//! or deletes an entry; the database refuses to. In the words of FHIR R4 AuditEvent and IHE BALP; `api` makes resources
//! of the entries.

mod anchor;
mod chain;
mod earlier;
mod event;
mod front;
mod ledger;
mod page;
mod queue;
mod verify;

pub use anchor::{Anchor, Signer};
pub use event::{Event, Outcome};
pub use page::{Agent, Entry, Page, Query};
pub use queue::{Clock, Settings};
pub use verify::{Bad, Report};

pub(crate) use earlier::take_over;
pub(crate) use front::asked;
pub(crate) use ledger::{Draft, Ledger, Written, note};
pub(crate) use queue::{Look, Queue};

/// What the log calls it when versions are taken away (`Store::rewind`).
pub(crate) const REWIND: &str = "rewind";

/// What begins the ids under which entries are shown as AuditEvents. No resource can be written under such an id.
pub const LOG: &str = "log.";

/// Whether somebody means an entry of the log with this key.
pub(crate) fn is_entry(key: &fhir::Key) -> bool {
    key.kind.name() == "AuditEvent" && key.id.as_str().starts_with(LOG)
}
