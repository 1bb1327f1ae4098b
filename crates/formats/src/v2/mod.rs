//! HL7 version 2 (v2.3 to v2.8), as it really arrives: the reader of messages and batches, MLLP framing,
//! acknowledgements, and the mapping to FHIR R4 after HL7's published v2-to-FHIR guidance. What is read can be
//! written back byte for byte; what is not understood is kept and said, never dropped. Section numbers in comments
//! are those of chapter 2 of the standard.

pub mod acknowledge;
mod batch;
mod charset;
mod charset_table;
mod escape;
pub mod map;
mod message;
pub mod mllp;
pub mod out;
mod place;

pub use batch::{Batch, Counts, Piece};
pub use charset::Charset;
pub use escape::{escape, unescape};
pub use message::{Delimiters, Field, Message, Part, Segment, Unreadable, Valued};
pub use place::Place;
