//! Reading a path against the standard without any data: every element it names must exist. Where several
//! types are possible one of them is enough; what is not known passes.

use super::PathError;
use super::ast::{Expr, TypeName};
use crate::tables::{self, TypeDef};

/// The types an expression may find; `None`: not known.
type Types = Option<Vec<&'static TypeDef>>;

pub(super) fn check(expr: &Expr, type_name: &str) -> Result<(), PathError> {
    let focus = tables::type_def(type_name).ok_or_else(|| PathError::Type(type_name.to_owned()))?;
    types(expr, &Some(vec![focus])).map(drop)
}

/// Functions that give back some of their input.
const KEEPING: [&str; 17] = [
    "where",
    "first",
    "last",
    "tail",
    "skip",
    "take",
    "single",
    "distinct",
    "trace",
    "exclude",
    "intersect",
    "sort",
    "exists",
    "all",
    "repeat",
    "select",
    "iif",
];
/// Functions whose arguments are evaluated with each item as `$this`.
const WITH_ITEM: [&str; 8] = ["where", "exists", "all", "select", "repeat", "sort", "trace", "iif"];
/// Functions that mean something only where the input has an order.
const ORDERED: [&str; 5] = ["first", "last", "tail", "skip", "take"];

fn types(expr: &Expr, focus: &Types) -> Result<Types, PathError> {
    match expr {
        Expr::This => Ok(focus.clone()),
        Expr::Literal(_) | Expr::Index | Expr::Total | Expr::Variable(_) => Ok(None),
        Expr::Member { of: None, name } if name.starts_with(|it: char| it.is_ascii_uppercase()) => {
            let Some(wanted) = tables::type_def(name) else { return Err(PathError::Type(name.clone())) };
            match focus {
                Some(kinds) if !kinds.iter().any(|it| it.is_a(wanted.name) || wanted.is_a(it.name)) => {
                    Err(PathError::Element(name.clone(), kinds[0].name.to_owned()))
                }
                Some(_) => Ok(Some(vec![wanted])),
                None => Ok(None),
            }
        }
        Expr::Member { of, name } => {
            let input = of.as_deref().map_or_else(|| Ok(focus.clone()), |of| types(of, focus))?;
            member(&input, name)
        }
        Expr::Call { on, name, arguments } => {
            let input = on.as_deref().map_or_else(|| Ok(focus.clone()), |on| types(on, focus))?;
            if ORDERED.contains(&name.as_str()) && is_unordered(on.as_deref()) {
                return Err(PathError::Evaluation("children() and descendants() have no order to take a part of"));
            }
            if matches!(name.as_str(), "is" | "as" | "ofType") {
                let Some(wanted) = arguments.first().and_then(Expr::as_type_name) else { return Ok(None) };
                return if name == "is" { Ok(None) } else { Ok(narrowed(&input, &wanted, false)?) };
            }
            let inner = if WITH_ITEM.contains(&name.as_str()) { &input } else { focus };
            let mut found = Vec::new();
            for argument in arguments {
                found.push(types(argument, inner)?);
            }
            Ok(match name.as_str() {
                "select" => found.pop().flatten(),
                "extension" => tables::type_def("Extension").map(|it| vec![it]),
                "repeat" | "exists" | "all" | "iif" => None,
                _ if KEEPING.contains(&name.as_str()) => input,
                _ => None,
            })
        }
        Expr::Item { of, index } => {
            if is_unordered(Some(of)) {
                return Err(PathError::Evaluation("children() and descendants() have no order to take a part of"));
            }
            types(index, focus)?;
            types(of, focus)
        }
        Expr::Unary { operand, .. } => types(operand, focus).map(|_| None),
        Expr::Binary { left, right, .. } => {
            types(left, focus)?;
            types(right, focus)?;
            Ok(None)
        }
        Expr::Union(parts) => {
            let mut all = Some(Vec::new());
            for part in parts {
                // A union over resource types is written once for all of them.
                let found = match part.starts_with_type().and_then(tables::type_def) {
                    Some(start) if !focus.as_ref().is_some_and(|it| it.iter().any(|it| it.is_a(start.name))) => {
                        types(part, &Some(vec![start]))?
                    }
                    _ => types(part, focus)?,
                };
                all = all.zip(found).map(|(mut all, found)| {
                    all.extend(found);
                    all
                });
            }
            Ok(all)
        }
        Expr::Is { operand, .. } => types(operand, focus).map(|_| None),
        Expr::As { operand, kind } => narrowed(&types(operand, focus)?, kind, true),
    }
}

fn is_unordered(expr: Option<&Expr>) -> bool {
    matches!(expr, Some(Expr::Call { name, .. }) if name == "children" || name == "descendants")
}

/// The types left when only one is asked for. The operator `as` on what can never be that type is a mistake;
/// the functions are also used to pick among unknown items and just find nothing.
fn narrowed(input: &Types, wanted: &TypeName, strict: bool) -> Result<Types, PathError> {
    let Some(wanted) = tables::type_def(&wanted.name) else { return Ok(None) };
    let possible = |kind: &&TypeDef| kind.is_a(wanted.name) || wanted.is_a(kind.name);
    match input {
        Some(kinds) if strict && !kinds.is_empty() && !kinds.iter().any(possible) => {
            Err(PathError::Element(wanted.name.to_owned(), kinds[0].name.to_owned()))
        }
        _ => Ok(Some(vec![wanted])),
    }
}

fn member(input: &Types, name: &str) -> Result<Types, PathError> {
    let Some(kinds) = input else { return Ok(None) };
    let mut found: Option<Vec<&'static TypeDef>> = None;
    let mut open = kinds.is_empty();
    for kind in kinds {
        if kind.is_abstract {
            open = true;
            continue;
        }
        let Some(element) = kind.child(name) else { continue };
        // `valueQuantity` is how JSON spells the element `value`; a path names the element.
        if element.name != element.base_name {
            continue;
        }
        found.get_or_insert_default().extend(element.types.iter().map(|it| it.type_def()));
    }
    match found {
        _ if open => Ok(None),
        Some(found) => Ok(Some(found)),
        None => Err(PathError::Element(name.to_owned(), kinds[0].name.to_owned())),
    }
}
