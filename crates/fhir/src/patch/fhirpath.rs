//! FHIRPath Patch (FHIR R4, fhirpatch.html): a Parameters resource whose operations name elements by
//! FHIRPath and bring typed values. A primitive moves with what stands beside it under `_name`.

use super::{check_identity, prune, refuse};
use crate::path::ast::Expr;
use crate::path::{Context, Expression, Location, Node, PathError};
use crate::tables::{Element, Kind, TypeDef};
use crate::{Issue, IssueCode};
use serde_json::{Map, Value};

/// Applies the operations in order to a copy; the first that fails refuses all.
pub fn fhirpath_patch(target: &Value, parameters: &Value) -> Result<Value, Issue> {
    if parameters.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(refuse(IssueCode::Invalid, "", "a FHIRPath Patch is a Parameters resource"));
    }
    let mut result = target.clone();
    for (at, parameter) in list(parameters, "parameter").iter().enumerate() {
        let place = format!("Parameters.parameter[{at}]");
        if name_of(parameter) != Some("operation") {
            let why = "every parameter of a FHIRPath Patch is named \"operation\"";
            return Err(refuse(IssueCode::Invalid, place, why));
        }
        apply(&mut result, list(parameter, "part"))
            .map_err(|Failure { code, why }| refuse(code, place, format!("the operation cannot be applied: {why}")))?;
    }
    check_identity(target, &result)?;
    Ok(result)
}

struct Failure {
    code: IssueCode,
    why: String,
}

fn malformed(why: impl Into<String>) -> Failure {
    Failure { code: IssueCode::Invalid, why: why.into() }
}

fn mismatch(why: impl Into<String>) -> Failure {
    Failure { code: IssueCode::Value, why: why.into() }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Failure {
        let code = if error == PathError::TooCostly { IssueCode::TooCostly } else { IssueCode::Invalid };
        Failure { code, why: format!("its path cannot be evaluated: {error}") }
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn name_of(part: &Value) -> Option<&str> {
    part.get("name").and_then(Value::as_str)
}

fn part<'v>(parts: &'v [Value], name: &str) -> Result<&'v Value, Failure> {
    let mut found = parts.iter().filter(|it| name_of(it) == Some(name));
    match (found.next(), found.next()) {
        (Some(part), None) => Ok(part),
        (None, _) => Err(malformed(format!("it needs a part named \"{name}\""))),
        (Some(_), Some(_)) => Err(malformed(format!("it has several parts named \"{name}\""))),
    }
}

fn text<'v>(parts: &'v [Value], name: &str) -> Result<&'v str, Failure> {
    let part = part(parts, name)?;
    let value =
        ["valueString", "valueCode", "valueUri", "valueId", "valueMarkdown"].iter().find_map(|it| part.get(*it));
    value.and_then(Value::as_str).ok_or_else(|| malformed(format!("its \"{name}\" is a string or code")))
}

fn index(parts: &[Value], name: &str) -> Result<usize, Failure> {
    let part = part(parts, name)?;
    let value = ["valueInteger", "valueUnsignedInt", "valuePositiveInt"].iter().find_map(|it| part.get(*it));
    let read = value.and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
    read.ok_or_else(|| malformed(format!("its \"{name}\" is a whole number from 0")))
}

fn apply(document: &mut Value, parts: &[Value]) -> Result<(), Failure> {
    let kind = text(parts, "type")?;
    let path = text(parts, "path")?;
    match kind {
        "add" => {
            let (place, node_kind) = one(document, path)?.ok_or_else(|| mismatch("its path finds no element"))?;
            let name = text(parts, "name")?;
            put(fields_at(document, &place.steps)?, node_kind, name, part(parts, "value")?)
        }
        "insert" => {
            let (holder, kind, element) = holder(document, path)?;
            let at = index(parts, "index")?;
            let content = Content::read(part(parts, "value")?, element.only_type().map(|it| it.type_def()), kind)?;
            let mut slots = Slots::take(fields_at(document, &holder.steps)?, element.name);
            if at > slots.items.len() {
                return Err(mismatch(format!("the list has {} items, so its index is too high", slots.items.len())));
            }
            slots.items.insert(at, (content.value, content.beside));
            slots.put_back(fields_at(document, &holder.steps)?);
            Ok(())
        }
        "delete" => {
            // Nothing to delete is no error (FHIR R4, fhirpatch.html).
            let Some((place, _)) = one(document, path)? else { return Ok(()) };
            let (name, at, holder) = last_step(&place)?;
            let fields = fields_at(document, holder)?;
            match at {
                None => {
                    fields.shift_remove(name);
                    fields.shift_remove(&format!("_{name}"));
                }
                Some(at) => {
                    let mut slots = Slots::take(fields, name);
                    slots.items.remove(at);
                    slots.put_back(fields);
                }
            }
            prune(document);
            Ok(())
        }
        "replace" => {
            let (place, kind) = one(document, path)?.ok_or_else(|| mismatch("its path finds no element"))?;
            let (name, at, holder) = last_step(&place)?;
            let holder_kind = kind_at(document, holder);
            // JSON names the choice with its type; the choice as a whole knows which types it may have.
            let definition = holder_kind.and_then(|it| it.child(it.child(name)?.base_name));
            let content = Content::read(part(parts, "value")?, kind, holder_kind)?;
            let fields = fields_at(document, holder)?;
            match at {
                Some(at) => {
                    let mut slots = Slots::take(fields, name);
                    slots.items[at] = (content.value, content.beside);
                    slots.put_back(fields);
                }
                None => {
                    let typed = definition.filter(|it| it.is_choice).map(|it| content.typed_name(it)).transpose()?;
                    set(fields, name, typed.as_deref().unwrap_or(name), content);
                }
            }
            Ok(())
        }
        "move" => {
            let (holder, _, element) = holder(document, path)?;
            let (from, to) = (index(parts, "source")?, index(parts, "destination")?);
            let fields = fields_at(document, &holder.steps)?;
            let mut slots = Slots::take(fields, element.name);
            if from.max(to) >= slots.items.len() {
                return Err(mismatch(format!("the list has {} items, so an index is too high", slots.items.len())));
            }
            let moved = slots.items.remove(from);
            slots.items.insert(to, moved);
            slots.put_back(fields);
            Ok(())
        }
        _ => Err(malformed("its \"type\" is none of add, insert, delete, replace, move")),
    }
}

/// The one element a path finds, or none; several are refused.
fn one(document: &Value, path: &str) -> Result<Option<(Location, Option<&'static TypeDef>)>, Failure> {
    let expression = Expression::parse(path)?;
    locate(document, &expression)
}

fn locate(document: &Value, expression: &Expression) -> Result<Option<(Location, Option<&'static TypeDef>)>, Failure> {
    let found = expression.evaluate(&Context::of(document))?;
    match found.as_slice() {
        [] => Ok(None),
        [node] => {
            let place = Location::of(node, document).ok_or_else(|| mismatch("its path finds no element to change"))?;
            Ok(Some((place, Node::type_def(node))))
        }
        _ => Err(mismatch(format!("its path finds {} elements where one is needed", found.len()))),
    }
}

/// The list that a path names, which need not exist yet: the element that holds it, and its definition.
fn holder(document: &Value, path: &str) -> Result<(Location, Option<&'static TypeDef>, &'static Element), Failure> {
    let expression = Expression::parse(path)?;
    let Expr::Member { of: Some(of), name } = expression.ast() else {
        return Err(malformed("its path ends with the name of a list"));
    };
    let found = locate(document, &Expression::of_part(of)?)?;
    let (place, kind) = found.ok_or_else(|| mismatch("its path finds no element that holds the list"))?;
    let element = kind.and_then(|it| it.child(name)).filter(|it| it.is_list());
    let element = element.ok_or_else(|| malformed(format!("\"{name}\" is no list here")))?;
    Ok((place, kind, element))
}

type Steps<'s> = &'s [(String, Option<usize>)];

fn last_step(place: &Location) -> Result<(&str, Option<usize>, Steps<'_>), Failure> {
    let ((name, at), holder) =
        place.steps.split_last().ok_or_else(|| malformed("the resource as a whole cannot be replaced or deleted"))?;
    Ok((name, *at, holder))
}

/// The members of the element at a place. A primitive has none of its own: its extensions stand beside it.
fn fields_at<'v>(document: &'v mut Value, steps: Steps<'_>) -> Result<&'v mut Map<String, Value>, Failure> {
    let found = steps.iter().try_fold(document, |value, (name, at)| {
        let fields = value.as_object_mut()?;
        let beside = format!("_{name}");
        let structured = |it: &Value| it.is_object() || it.as_array().is_some_and(|it| it.iter().any(Value::is_object));
        let name = if fields.get(name).is_some_and(structured) { name } else { &beside };
        let length = at.map_or(0, |at| at + 1);
        let member = fields.entry(name.as_str()).or_insert_with(|| match at {
            None => Value::Object(Map::new()),
            Some(_) => Value::Array(vec![Value::Null; length]),
        });
        let Some(at) = at else { return Some(member) };
        let items = member.as_array_mut()?;
        if items.len() < length {
            items.resize(length, Value::Null);
        }
        let item = &mut items[*at];
        if item.is_null() {
            *item = Value::Object(Map::new());
        }
        Some(item)
    });
    found.and_then(Value::as_object_mut).ok_or_else(|| mismatch("its path finds no element to change"))
}

/// The type of the element at a place.
fn kind_at(document: &Value, steps: Steps<'_>) -> Option<&'static TypeDef> {
    let mut node = Node::of_resource(document).type_def()?;
    let mut value = Some(document);
    for (name, at) in steps {
        node = node.child(name)?.only_type()?.type_def();
        value = value.and_then(|it| it.get(name)).and_then(|it| at.map_or(Some(it), |at| it.get(at)));
        if node.kind == Kind::Resource {
            node = Node::of_resource(value?).type_def()?;
        }
    }
    Some(node)
}

/// A value of a patch: what becomes the member, and what stands beside it.
struct Content<'p> {
    value: Value,
    beside: Option<Value>,
    /// `Quantity` of `valueQuantity`.
    written_type: Option<&'p str>,
}

impl<'p> Content<'p> {
    /// `kind` is what the element is; a value of several parts is built after it.
    fn read(
        part: &'p Value,
        kind: Option<&'static TypeDef>,
        holder: Option<&'static TypeDef>,
    ) -> Result<Content<'p>, Failure> {
        let fields = part.as_object().ok_or_else(|| malformed("a part is an object"))?;
        let member =
            |prefix: &str| fields.iter().find_map(|(name, value)| name.strip_prefix(prefix).map(|it| (it, value)));
        if let Some(resource) = fields.get("resource") {
            return Ok(Content { value: resource.clone(), beside: None, written_type: None });
        }
        let (value, beside) = (member("value"), member("_value"));
        if let Some((written, _)) = value.or(beside) {
            let value = value.map_or(Value::Null, |(_, it)| it.clone());
            let beside = beside.map(|(_, it)| it.clone());
            return Ok(Content { value, beside, written_type: Some(written) });
        }
        if !fields.contains_key("part") {
            return Err(malformed("its \"value\" holds a value[x], a resource or parts"));
        }
        let kind = kind.or(holder);
        let mut built = Map::new();
        for inner in list(part, "part") {
            let name = name_of(inner).ok_or_else(|| malformed("every part has a name"))?;
            put(&mut built, kind, name, inner)?;
        }
        Ok(Content { value: Value::Object(built), beside: None, written_type: None })
    }

    /// `valueQuantity` for the choice `value`.
    fn typed_name(&self, choice: &Element) -> Result<String, Failure> {
        let written = self.written_type.unwrap_or_default();
        let name = format!("{}{written}", choice.base_name);
        if !choice.types.iter().any(|it| it.name.eq_ignore_ascii_case(written)) {
            return Err(mismatch(format!("\"{}\" cannot be of type \"{written}\"", choice.base_name)));
        }
        Ok(name)
    }
}

/// Adds to a list, or sets what is not there yet.
fn put(
    fields: &mut Map<String, Value>,
    kind: Option<&'static TypeDef>,
    name: &str,
    part: &Value,
) -> Result<(), Failure> {
    let kind = kind.ok_or_else(|| mismatch("the type of the element at its path is not known"))?;
    let Some(element) = kind.child(name) else {
        return Err(malformed(format!("{} has no element \"{name}\"", kind.name)));
    };
    let content = Content::read(part, element.only_type().map(|it| it.type_def()), None)?;
    if element.is_list() {
        let mut slots = Slots::take(fields, element.name);
        slots.items.push((content.value, content.beside));
        slots.put_back(fields);
        return Ok(());
    }
    let is_bare_choice = element.is_choice && element.name == element.base_name;
    let typed = if is_bare_choice { content.typed_name(element)? } else { element.name.to_owned() };
    let taken = |known: &String| {
        let known = known.strip_prefix('_').unwrap_or(known);
        kind.child(known).is_some_and(|it| it.base_name == element.base_name)
    };
    if fields.keys().any(taken) {
        return Err(mismatch(format!("\"{}\" is there already and no list; replace it instead", element.base_name)));
    }
    set(fields, &typed, &typed, content);
    Ok(())
}

/// Sets a member and what stands beside it; a new name takes the place of the old one.
fn set(fields: &mut Map<String, Value>, old: &str, new: &str, content: Content<'_>) {
    let old_beside = format!("_{old}");
    let mut value = Some(content.value).filter(|it| !it.is_null()).map(|it| (new.to_owned(), it));
    let mut beside = content.beside.map(|it| (format!("_{new}"), it));
    let mut out = Map::new();
    for (name, kept) in std::mem::take(fields) {
        if name != old && name != old_beside {
            out.insert(name, kept);
            continue;
        }
        out.extend(value.take());
        out.extend(beside.take());
    }
    out.extend(value);
    out.extend(beside);
    *fields = out;
}

/// A list with what stands beside its items, joined so that they move together.
struct Slots {
    name: String,
    items: Vec<(Value, Option<Value>)>,
}

impl Slots {
    fn take(fields: &mut Map<String, Value>, name: &str) -> Slots {
        let taken = |name: &str| fields.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let (values, besides) = (taken(name), taken(&format!("_{name}")));
        let items = (0..values.len().max(besides.len()))
            .map(|at| {
                let value = values.get(at).cloned().unwrap_or(Value::Null);
                (value, besides.get(at).filter(|it| !it.is_null()).cloned())
            })
            .collect();
        Slots { name: name.to_owned(), items }
    }

    fn put_back(self, fields: &mut Map<String, Value>) {
        let Slots { name, items } = self;
        let has_value = items.iter().any(|(value, _)| !value.is_null());
        let has_beside = items.iter().any(|(_, beside)| beside.is_some());
        let (values, besides): (Vec<Value>, Vec<Option<Value>>) = items.into_iter().unzip();
        let mut keep = |name: String, list: Vec<Value>, needed: bool| {
            if needed {
                fields.insert(name, Value::Array(list));
            } else {
                fields.shift_remove(&name);
            }
        };
        let beside_name = format!("_{name}");
        keep(name, values, has_value);
        keep(beside_name, besides.into_iter().map(Option::unwrap_or_default).collect(), has_beside);
    }
}
