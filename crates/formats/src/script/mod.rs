//! NCPDP SCRIPT: messages between who prescribes and who dispenses, as XML. A message is a kind and the facts it tells,
//! by names of ours; which element means which fact is data (`content/script`), because the schema of the standard is
//! licensed and belongs to who bought it: a site lays its own over what is publicly known.
//!
//! Reading takes what it knows, notes what it does not, and refuses what cannot be one message of one meaning: a
//! document type, two transactions, an answer that says yes and no. Nothing here knows patients or prescriptions.

mod mapping;
mod path;
mod read;
mod write;

pub use mapping::{Mapping, MappingError};
pub use read::{LARGEST, Received, Refusal, outline, read};
pub use write::write;

use std::collections::BTreeMap;

/// The transactions this program speaks, by the names of the standard.
pub mod kind {
    pub const NEW_RX: &str = "NewRx";
    pub const CHANGE_REQUEST: &str = "RxChangeRequest";
    pub const CHANGE_RESPONSE: &str = "RxChangeResponse";
    pub const RENEWAL_REQUEST: &str = "RxRenewalRequest";
    pub const RENEWAL_RESPONSE: &str = "RxRenewalResponse";
    pub const CANCEL: &str = "CancelRx";
    pub const CANCEL_RESPONSE: &str = "CancelRxResponse";
    pub const FILL: &str = "RxFill";
    pub const HISTORY_REQUEST: &str = "RxHistoryRequest";
    pub const HISTORY_RESPONSE: &str = "RxHistoryResponse";
    pub const STATUS: &str = "Status";
    pub const VERIFY: &str = "Verify";
    pub const ERROR: &str = "Error";

    pub const ALL: [&str; 13] = [
        NEW_RX,
        CHANGE_REQUEST,
        CHANGE_RESPONSE,
        RENEWAL_REQUEST,
        RENEWAL_RESPONSE,
        CANCEL,
        CANCEL_RESPONSE,
        FILL,
        HISTORY_REQUEST,
        HISTORY_RESPONSE,
        STATUS,
        VERIFY,
        ERROR,
    ];
}

/// The part of every message that says from whom to whom.
pub const HEADER: &str = "header";

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `NewRx`.
    pub kind: String,
    pub parts: Vec<Part>,
}

/// Facts that belong together: the patient, a medication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub facts: BTreeMap<String, String>,
}

impl Message {
    pub fn new(kind: &str) -> Message {
        Message { kind: kind.to_owned(), parts: Vec::new() }
    }

    /// With a part more; one without facts says nothing and is left out.
    pub fn with(mut self, part: Part) -> Message {
        if !part.facts.is_empty() {
            self.parts.push(part);
        }
        self
    }

    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|it| it.name == name)
    }

    /// All of a part that may be there several times.
    pub fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |it| it.name == name)
    }

    pub fn get(&self, part: &str, fact: &str) -> Option<&str> {
        self.part(part)?.get(fact)
    }

    /// What the header says.
    pub fn header(&self, fact: &str) -> Option<&str> {
        self.get(HEADER, fact)
    }
}

impl Part {
    pub fn new(name: &str) -> Part {
        Part { name: name.to_owned(), facts: BTreeMap::new() }
    }

    /// With a fact more; an empty one is none.
    pub fn say(mut self, fact: &str, value: impl Into<String>) -> Part {
        let value: String = value.into();
        if !value.trim().is_empty() {
            self.facts.insert(fact.to_owned(), value.trim().to_owned());
        }
        self
    }

    pub fn maybe(self, fact: &str, value: Option<impl Into<String>>) -> Part {
        match value {
            Some(value) => self.say(fact, value),
            None => self,
        }
    }

    pub fn get(&self, fact: &str) -> Option<&str> {
        self.facts.get(fact).map(String::as_str)
    }

    /// The same facts as another part: what was prescribed is what the answer prescribes.
    pub fn called(self, name: &str) -> Part {
        Part { name: name.to_owned(), ..self }
    }
}

#[cfg(test)]
mod tests;
