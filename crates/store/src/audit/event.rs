//! What can be written into the audit log beside reads and commits: sign-ins, refusals, emergency access, exports,
//! changes of configuration. In the words of IHE BALP where it has them.

use fhir::{Id, Key};
use std::sync::Arc;

/// How it went (FHIR R4 AuditEvent.outcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Success,
    /// The rules said no (minor failure, 4).
    Refused,
    /// We could not (serious failure, 8).
    Failed,
}

impl Outcome {
    /// The code of R4.
    pub fn number(self) -> i64 {
        match self {
            Outcome::Success => 0,
            Outcome::Refused => 4,
            Outcome::Failed => 8,
        }
    }

    pub fn from_number(number: i64) -> Option<Outcome> {
        [Outcome::Success, Outcome::Refused, Outcome::Failed].into_iter().find(|it| it.number() == number)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was done: `sign-in`, `refusal`, `break-glass`, `read`, `export`, `print`, `configure`.
    pub action: &'static str,
    pub outcome: Outcome,
    /// The resource it was about.
    pub about: Option<Key>,
    /// Whose data were shown or written.
    pub patients: Vec<Id>,
    /// The rule that decided: `consent/81f2`, `label/ETH`.
    pub rule: Option<Arc<str>>,
    /// Never more of a patient's data than the request itself asked with, and never a secret.
    pub detail: String,
}

impl Event {
    /// Something that went well.
    pub fn of(action: &'static str) -> Event {
        Event {
            action,
            outcome: Outcome::Success,
            about: None,
            patients: Vec::new(),
            rule: None,
            detail: String::new(),
        }
    }

    /// Something that the rules forbid.
    pub fn refused(action: &'static str, rule: &str) -> Event {
        Event { outcome: Outcome::Refused, rule: Some(rule.into()), ..Event::of(action) }
    }

    pub fn about(self, key: Key) -> Event {
        Event { about: Some(key), ..self }
    }

    pub fn patient(mut self, patient: Id) -> Event {
        self.patients.push(patient);
        self
    }

    pub fn detail(self, detail: impl Into<String>) -> Event {
        Event { detail: detail.into(), ..self }
    }
}
