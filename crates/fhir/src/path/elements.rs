//! What FHIR R4 adds for its elements (fhirpath.html#functions): values of primitives, types, value sets,
//! profiles and narratives.

use super::PathError;
use super::evaluate::{Outcome, Run, Scope, single};
use super::node::{Collection, Node};
use super::plan::Call;
use crate::narrative;
use crate::tables::{self, Kind};

/// A single primitive that has a value, not only extensions.
pub(super) fn has_value<'a>(input: &Collection<'a>) -> Collection<'a> {
    let has = match input.as_slice() {
        [Node::Element { value, .. }] => value.is_some_and(|it| !it.is_object() && !it.is_array()),
        [_] => true,
        _ => false,
    };
    Collection::boolean(has)
}

pub(super) fn get_value<'a>(input: &Collection<'a>) -> Collection<'a> {
    match input.as_slice() {
        [Node::Element { value: Some(value), .. }] if value.is_object() => Collection::Empty,
        [one] => one.plain().into(),
        _ => Collection::Empty,
    }
}

pub(super) fn types<'a>(input: &Collection<'a>) -> Collection<'a> {
    let of = |node: &Node<'a>| match node {
        Node::Element { .. } | Node::Referenced { .. } => Node::Type { namespace: "FHIR", name: node.type_name() },
        _ => Node::Type { namespace: "System", name: &node.type_name()["System.".len()..] },
    };
    input.iter().map(of).collect()
}

/// Search parameters of the standard use it: whether any of the elements carries this extension.
pub(super) fn has_extension<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let Some(url) = run.text_argument(call, 0, scope)? else { return Ok(Collection::Empty) };
    let carries = |node: &Node<'a>| node.extensions().iter().any(|it| it.get("url").is_some_and(|it| *it == *url));
    Ok(Collection::boolean(input.iter().any(carries)))
}

pub(super) fn member_of<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(coded), Some(value_set)) = (single(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    let answer = run.context.terminology.and_then(|it| it.member_of(&value_set, coded));
    Ok(Collection::perhaps(answer))
}

pub(super) fn conforms_to<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(element), Some(profile)) = (single(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    if let Some(answer) = run.context.profiles.and_then(|it| it.conforms_to(&profile, element)) {
        return Ok(Collection::boolean(answer));
    }
    let base = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/").and_then(tables::type_def);
    let Some(base) = base.filter(|it| it.kind != Kind::Backbone) else {
        return Err(PathError::Evaluation("conformsTo() names a profile that is not known here"));
    };
    Ok(Collection::boolean(element.type_def().is_some_and(|it| it.is_a(base.name))))
}

/// Whether a narrative keeps the rules of FHIR R4 (narrative.html, invariants txt-1 and txt-2).
pub(super) fn html_checks<'a>(input: &Collection<'a>) -> Collection<'a> {
    if input.is_empty() {
        return Collection::Empty;
    }
    Collection::boolean(input.iter().all(|it| it.as_str().is_some_and(|it| narrative::check(it).is_ok())))
}
