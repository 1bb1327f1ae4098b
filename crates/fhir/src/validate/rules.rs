//! Invariants: the rules that the standard states in FHIRPath. The frequent ones are written in Rust
//! (`native.rs`), because they run for every element of every write; all others are evaluated as written.
//! A rule is broken when it is false. Where the data leave it open (a period from `2020-05` to `2020-05-03`),
//! FHIRPath answers with nothing, and nothing is not false.

use super::native::{self, Native};
use crate::path::{Context, Expression, Node, PathError};
use crate::tables::{Invariant, TypeDef};
use serde_json::{Map, Value};
use std::sync::{LazyLock, OnceLock};

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

/// What a rule comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// How to mend it.
    Broken(String),
    /// The evaluation ended in an error or took too long.
    Undecided,
}

enum Rule {
    Native(&'static Native),
    /// Evaluated as written; read when it is needed first.
    Path(OnceLock<Expression>),
    /// Checked by the walk itself, or not at all: the reason stands in [`ELSEWHERE`].
    Elsewhere,
}

/// Steps an evaluation may take: a rule over all elements of a large definition needs many, none needs more.
const BUDGET: u64 = 20_000_000;

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

/// Expressions of R4 that do not say what their words say; later releases corrected them.
const CORRECTED: [(&str, &str); 2] = [
    // `Boolean` is the type of FHIRPath; the answer has the FHIR type `boolean`.
    ("que-7", "operator = 'exists' implies (answer is boolean)"),
    // `> 2` was written where the words say "more than one".
    ("que-12", "enableWhen.count() > 1 implies enableBehavior.exists()"),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |invariant: &&'static Invariant| {
        if ELSEWHERE.iter().any(|(key, _)| *key == invariant.key) {
            Rule::Elsewhere
        } else if let Some(native) = native::find(invariant) {
            Rule::Native(native)
        } else {
            Rule::Path(OnceLock::new())
        }
    };
    crate::tables::invariants().iter().map(rule).collect()
});

/// Whether an invariant holds for an element.
pub(super) fn judge(invariant: &'static Invariant, focus: &Focus<'_>) -> Verdict {
    match &RULES[invariant.number] {
        Rule::Elsewhere => Verdict::Holds,
        Rule::Native(native) => {
            let holds = (native.holds)(focus);
            #[cfg(test)]
            tests::compare(invariant, native.key, focus, holds);
            if holds { Verdict::Holds } else { Verdict::Broken(format!("{} ({})", native.sentence, invariant.key)) }
        }
        Rule::Path(read) => {
            let expression = read.get_or_init(|| parse(invariant));
            match evaluate(expression, focus) {
                Ok(Some(false)) => {
                    Verdict::Broken(format!("this must hold: {} ({})", invariant.expression, invariant.key))
                }
                Ok(_) => Verdict::Holds,
                Err(_) => Verdict::Undecided,
            }
        }
    }
}

fn parse(invariant: &Invariant) -> Expression {
    let corrected = CORRECTED.iter().find(|(key, _)| *key == invariant.key);
    let text = corrected.map_or(invariant.expression, |(_, expression)| *expression);
    Expression::parse(text).expect("every invariant of the standard can be read: a test reads them all")
}

fn evaluate(expression: &Expression, focus: &Focus<'_>) -> Result<Option<bool>, PathError> {
    let context = Context::of(focus.resource)
        .root_resource(focus.root)
        .focus(Node::of_element(focus.value, focus.def.name))
        .budget(BUDGET);
    expression.evaluate_bool(&context)
}

#[cfg(test)]
mod tests;
