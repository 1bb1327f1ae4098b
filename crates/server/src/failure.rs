//! How a command ends when it cannot do what was asked: a sentence for the person at the terminal and an
//! exit code that scripts can tell apart (the numbers of BSD's sysexits.h). Never holds patient data.

use std::fmt;
use store::StoreError;

/// Why the program ends; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command line makes no sense.
    Usage = 64,
    /// What was read is not what it should be.
    Data = 65,
    /// What should be read is not there.
    NoInput = 66,
    /// Something we need does not answer.
    Unavailable = 69,
    /// A fault of ours, or a damaged store.
    Software = 70,
    /// Something cannot be made or written.
    CannotCreate = 73,
    /// Try again later: someone else holds the data folder.
    Later = 75,
    /// The settings are wrong.
    Config = 78,
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into() }
    }

    /// For `map_err` on file operations: says which file and what we were doing with it.
    pub(crate) fn file(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Failure {
        let path = path.to_owned();
        move |source| {
            let exit = match source.kind() {
                std::io::ErrorKind::NotFound => Exit::NoInput,
                _ => Exit::CannotCreate,
            };
            Failure::new(exit, format!("cannot {doing} {}: {source}", path.display()))
        }
    }

    /// For `map_err` on calls of the store: says whose store and what we were doing with it.
    pub(crate) fn store(doing: &str, organisation: &str) -> impl FnOnce(StoreError) -> Failure {
        let what = format!("cannot {doing} the store of {organisation}");
        move |source| {
            let exit = match source {
                StoreError::Unavailable(_) | StoreError::ReadOnly(_) => Exit::Unavailable,
                _ => Exit::Software,
            };
            Failure::new(exit, format!("{what}: {source}"))
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

pub(crate) type Done = Result<(), Failure>;
