//! JSON Patch (RFC 6902) with JSON Pointer (RFC 6901). Members keep their order, numbers their digits.

use super::{check_identity, prune, refuse};
use crate::path::deep_equal;
use crate::{Issue, IssueCode};
use serde_json::{Map, Value};

/// Applies the operations in order to a copy; the first that fails refuses all.
pub fn json_patch(target: &Value, patch: &Value) -> Result<Value, Issue> {
    let Some(operations) = patch.as_array() else {
        return Err(refuse(IssueCode::Invalid, "", "a JSON Patch is an array of operations (RFC 6902, section 3)"));
    };
    let mut result = target.clone();
    for (at, operation) in operations.iter().enumerate() {
        apply(&mut result, operation).map_err(|Failure { code, why }| {
            refuse(code, "", format!("operation {} of the patch cannot be applied: {why}", at + 1))
        })?;
    }
    check_identity(target, &result)?;
    if target.get("resourceType").is_some() {
        prune(&mut result);
    }
    Ok(result)
}

struct Failure {
    code: IssueCode,
    why: String,
}

fn malformed(why: impl Into<String>) -> Failure {
    Failure { code: IssueCode::Invalid, why: why.into() }
}

fn missing(pointer: &str) -> Failure {
    Failure { code: IssueCode::Value, why: format!("nothing is at \"{pointer}\"") }
}

fn apply(document: &mut Value, operation: &Value) -> Result<(), Failure> {
    let text = |name: &str| {
        operation.get(name).and_then(Value::as_str).ok_or_else(|| malformed(format!("it needs \"{name}\" as a text")))
    };
    let value = || operation.get("value").cloned().ok_or_else(|| malformed("it needs a \"value\""));
    let path = text("path")?;
    match text("op")? {
        "add" => add(document, path, value()?),
        "remove" => remove(document, path).map(drop),
        "replace" => {
            *find_mut(document, path)? = value()?;
            Ok(())
        }
        "move" => {
            let from = text("from")?;
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err(malformed("a value cannot move into itself"));
            }
            let moved = remove(document, from)?;
            add(document, path, moved)
        }
        "copy" => {
            let copied = find_mut(document, text("from")?)?.clone();
            add(document, path, copied)
        }
        "test" => {
            let wanted = value()?;
            if deep_equal(find_mut(document, path)?, &wanted) {
                Ok(())
            } else {
                Err(Failure { code: IssueCode::Conflict, why: format!("the test of \"{path}\" does not hold") })
            }
        }
        _ => Err(malformed("its \"op\" is none of add, remove, replace, move, copy, test")),
    }
}

/// The names of a pointer, `~1` and `~0` read as `/` and `~` in that order (RFC 6901, section 4).
fn names(pointer: &str) -> Result<Vec<String>, Failure> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or_else(|| malformed("a JSON Pointer is empty or begins with /"))?;
    rest.split('/')
        .map(|name| {
            let escapes = name.split('~').skip(1).all(|it| it.starts_with(['0', '1']));
            if escapes {
                Ok(name.replace("~1", "/").replace("~0", "~"))
            } else {
                Err(malformed("in a JSON Pointer ~ is written ~0, and / is written ~1"))
            }
        })
        .collect()
}

/// A place in an array: digits without leading zeros.
fn place(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|it| it.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if plain { name.parse().ok() } else { None }
}

fn step<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(items) => items.get_mut(place(name)?),
        _ => None,
    }
}

fn find_mut<'v>(document: &'v mut Value, pointer: &str) -> Result<&'v mut Value, Failure> {
    names(pointer)?.iter().try_fold(document, |value, name| step(value, name)).ok_or_else(|| missing(pointer))
}

/// What holds the place that a pointer names, and the last name.
fn parent<'v>(document: &'v mut Value, pointer: &str) -> Result<(&'v mut Value, String), Failure> {
    let mut names = names(pointer)?;
    let last = names.pop().ok_or_else(|| malformed("the whole document is meant here"))?;
    let holder = names.iter().try_fold(document, |value, name| step(value, name)).ok_or_else(|| missing(pointer))?;
    Ok((holder, last))
}

fn add(document: &mut Value, pointer: &str, value: Value) -> Result<(), Failure> {
    if pointer.is_empty() {
        *document = value;
        return Ok(());
    }
    match parent(document, pointer)? {
        (Value::Object(fields), name) => {
            fields.insert(name, value);
            Ok(())
        }
        (Value::Array(items), name) => {
            let at = if name == "-" { Some(items.len()) } else { place(&name).filter(|at| *at <= items.len()) };
            items.insert(at.ok_or_else(|| missing(pointer))?, value);
            Ok(())
        }
        _ => Err(missing(pointer)),
    }
}

fn remove(document: &mut Value, pointer: &str) -> Result<Value, Failure> {
    match parent(document, pointer)? {
        (Value::Object(fields), name) => take(fields, &name).ok_or_else(|| missing(pointer)),
        (Value::Array(items), name) => match place(&name) {
            Some(at) if at < items.len() => Ok(items.remove(at)),
            _ => Err(missing(pointer)),
        },
        _ => Err(missing(pointer)),
    }
}

/// Takes a member out; those behind it keep their order.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.shift_remove(name)
}
