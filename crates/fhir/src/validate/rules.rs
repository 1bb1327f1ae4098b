//! Invariants: the rules that the standard states in FHIRPath. The frequent ones are written in Rust
//! (`native.rs`), because they run for every element of every write; all others are evaluated as written.
//! A rule is broken when it is false. Where the data leave it open (a period from `2020-05` to `2020-05-03`),
//! FHIRPath answers with nothing, and nothing is not false.

use super::native::{self, Native};
use crate::tables::{Invariant, TypeDef};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// What a rule is about: an element, and the resources around it.
pub(super) struct Focus<'a> {
    pub(super) value: &'a Value,
    /// The same as an object, unless it is a primitive.
    pub(super) map: Option<&'a Map<String, Value>>,
    /// `%resource`
    pub(super) resource: &'a Value,
    /// `%rootResource`
    pub(super) root: &'a Value,
    /// The type of the element.
    pub(super) def: &'static TypeDef,
}

enum Rule {
    Native(&'static Native),
    /// Checked by the walk itself, or not at all: the reason stands in [`ELSEWHERE`].
    Elsewhere,
}

/// Rules without an entry of their own, and why.
const ELSEWHERE: [(&str, &str); 11] = [
    ("ele-1", "the walk refuses empty elements"),
    ("dom-2", "the walk refuses contained resources within contained ones"),
    ("dom-3", "checked with the contained resources"),
    ("dom-4", "checked with the contained resources"),
    ("dom-5", "checked with the contained resources"),
    ("dom-6", "best practice only: a narrative is written by software or not at all"),
    ("ref-1", "checked with the references"),
    ("txt-1", "checked with the narrative"),
    ("txt-2", "checked with the narrative"),
    ("sqty-1", "checked where a simple quantity is asked for"),
    ("sdf-15a", "its expression asks for the first element only by accident of order, and sdf-15 says the same"),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = Vec::new();
    for invariant in crate::tables::invariants() {
        rules.push(rule(invariant));
    }
    rules
});

fn rule(invariant: &'static Invariant) -> Rule {
    if ELSEWHERE.iter().any(|(key, _)| *key == invariant.key) {
        return Rule::Elsewhere;
    }
    if let Some(native) = native::find(invariant) {
        return Rule::Native(native);
    }
    Rule::Elsewhere
}

/// Says how an invariant is broken, or nothing.
pub(super) fn broken(invariant: &'static Invariant, focus: &Focus<'_>) -> Option<String> {
    match &RULES[invariant.number] {
        Rule::Elsewhere => None,
        Rule::Native(native) if (native.holds)(focus) => None,
        Rule::Native(native) => Some(format!("{} ({})", native.sentence, invariant.key)),
    }
}
