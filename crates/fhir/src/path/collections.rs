//! Functions over whole collections (FHIRPath N1, 5.1-5.4, 5.8, 7): existence, subsets, combining, trees.

use super::PathError;
use super::evaluate::{Outcome, Run, Scope, single, truth};
use super::node::{Collection, Node};
use super::operators::{self, Seen, contains};
use super::plan::Call;
use std::cmp::Ordering;

pub(super) fn exists<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let Some(criterion) = call.arguments.first() else { return Ok(Collection::boolean(!input.is_empty())) };
    for (index, node) in input.iter().enumerate() {
        if truth(&run.for_item(criterion, node, index, scope.total)?)? == Some(true) {
            return Ok(Collection::boolean(true));
        }
    }
    Ok(Collection::boolean(false))
}

pub(super) fn all<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    for (index, node) in input.iter().enumerate() {
        if truth(&run.for_item(&call.arguments[0], node, index, scope.total)?)? != Some(true) {
            return Ok(Collection::boolean(false));
        }
    }
    Ok(Collection::boolean(true))
}

pub(super) fn truths<'a>(input: &Collection<'a>, judge: fn(&[bool]) -> bool) -> Outcome<'a> {
    let read: Option<Vec<bool>> = input.iter().map(Node::as_bool).collect();
    let read = read.ok_or(PathError::Evaluation("allTrue() and its kin need truth values"))?;
    Ok(Collection::boolean(judge(&read)))
}

fn is_subset<'a>(run: &Run<'_, 'a>, few: &Collection<'a>, many: &Collection<'a>) -> Outcome<'a> {
    for node in few.iter() {
        if !contains(run, many.as_slice(), node)? {
            return Ok(Collection::boolean(false));
        }
    }
    Ok(Collection::boolean(true))
}

pub(super) fn subset_of<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    is_subset(run, &input, &run.evaluate(&call.arguments[0], scope)?)
}

pub(super) fn superset_of<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    is_subset(run, &run.evaluate(&call.arguments[0], scope)?, &input)
}

pub(super) fn is_distinct<'a>(run: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    let count = input.len();
    Ok(Collection::boolean(operators::distinct(run, input)?.len() == count))
}

/// `where` with `$index` in it; without, it runs item by item.
pub(super) fn filter<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut out = Collection::Empty;
    for (index, node) in input.iter().enumerate() {
        if truth(&run.for_item(&call.arguments[0], node, index, scope.total)?)? == Some(true) {
            out.push(node.clone());
        }
    }
    Ok(out)
}

/// `select` with `$index` in it.
pub(super) fn select<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut out = Collection::Empty;
    for (index, node) in input.iter().enumerate() {
        out.extend(run.for_item(&call.arguments[0], node, index, scope.total)?);
    }
    Ok(out)
}

/// Applies the projection to what it finds until nothing new comes.
pub(super) fn repeat<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut seen = Seen::default();
    let mut out = Collection::Empty;
    let mut fresh = input;
    while !fresh.is_empty() {
        let mut next = Collection::Empty;
        for (index, node) in fresh.iter().enumerate() {
            for found in run.for_item(&call.arguments[0], node, index, scope.total)? {
                if seen.insert(run, &found)? {
                    out.push(found.clone());
                    next.push(found);
                }
            }
        }
        fresh = next;
    }
    Ok(out)
}

/// Compiled into steps, never called; the list of functions still has to know the names.
pub(super) fn streamed<'a>(_: &Run<'_, 'a>, _: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    Err(PathError::Evaluation("extension() and resolve() are compiled into steps"))
}

pub(super) fn of_type<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    streamed(run, input, call, scope)
}

pub(super) fn single_item<'a>(_: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    single(&input)?;
    Ok(input)
}

fn number<'a>(run: &Run<'_, 'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Result<usize, PathError> {
    let found = run.integer_argument(call, 0, scope)?;
    Ok(found.unwrap_or(0).clamp(0, i64::from(u32::MAX)) as usize)
}

pub(super) fn skip<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let count = number(run, call, scope)?;
    Ok(input.into_iter().skip(count).collect())
}

pub(super) fn take<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let count = number(run, call, scope)?;
    Ok(input.into_iter().take(count).collect())
}

pub(super) fn intersect<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let other = run.evaluate(&call.arguments[0], scope)?;
    let mut out = Collection::Empty;
    for node in operators::distinct(run, input)? {
        if contains(run, other.as_slice(), &node)? {
            out.push(node);
        }
    }
    Ok(out)
}

pub(super) fn exclude<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let other = run.evaluate(&call.arguments[0], scope)?;
    let mut out = Collection::Empty;
    for node in input {
        if !contains(run, other.as_slice(), &node)? {
            out.push(node);
        }
    }
    Ok(out)
}

pub(super) fn union<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut all = input;
    all.extend(run.evaluate(&call.arguments[0], scope)?);
    operators::distinct(run, all)
}

pub(super) fn combine<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut all = input;
    all.extend(run.evaluate(&call.arguments[0], scope)?);
    Ok(all)
}

pub(super) fn children<'a>(run: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    let mut out = Collection::Empty;
    for node in input.iter() {
        node.each_of_all_children(&mut |child| out.push(child));
        run.spend(1)?;
    }
    run.spend(out.len() as u64)?;
    Ok(out)
}

/// Every element below, parents before their children; equal elements in different places all count.
pub(super) fn descendants<'a>(run: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    let mut out: Vec<Node<'a>> = Vec::new();
    let mut next = 0;
    for node in input.iter() {
        node.each_of_all_children(&mut |child| out.push(child));
    }
    while next < out.len() {
        run.spend(1)?;
        let node = out[next].clone();
        node.each_of_all_children(&mut |child| out.push(child));
        next += 1;
    }
    Ok(out.into())
}

pub(super) fn aggregate<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let mut total = match call.arguments.get(1) {
        Some(start) => run.evaluate(start, scope)?,
        None => Collection::Empty,
    };
    for (index, node) in input.iter().enumerate() {
        total = run.for_item(&call.arguments[0], node, index, Some(&total))?;
    }
    Ok(total)
}

/// By the items themselves or by keys; a minus before a key turns its order round; items without
/// a key come first either way.
pub(super) fn sort<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let mut keyed: Vec<(Vec<Option<Node<'a>>>, Node<'a>)> = Vec::with_capacity(input.len());
    for (index, node) in input.into_iter().enumerate() {
        let mut keys = Vec::with_capacity(call.arguments.len().max(1));
        if call.arguments.is_empty() {
            keys.push(Some(node.clone()));
        }
        for key in &call.arguments {
            keys.push(single(&run.for_item(key, &node, index, scope.total)?)?.cloned());
        }
        keyed.push((keys, node));
    }
    run.spend(keyed.len() as u64 * 16)?;
    let mut wrong = None;
    keyed.sort_by(|(left, _), (right, _)| {
        for (at, (a, b)) in left.iter().zip(right).enumerate() {
            let order = match (a, b) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(a), Some(b)) => match operators::compare(a, b) {
                    Ok(order) => order.unwrap_or(Ordering::Equal),
                    Err(error) => {
                        wrong = Some(error);
                        Ordering::Equal
                    }
                },
            };
            let order = if call.descending.get(at) == Some(&true) { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    });
    match wrong {
        Some(error) => Err(error),
        None => Ok(keyed.into_iter().map(|(_, node)| node).collect()),
    }
}
