//! What a path finds: elements borrowed from the JSON they stand in, with their type from the
//! standard's tables, and the plain values that expressions compute. Nothing is copied on the way.

use super::quantity::Quantity;
use super::temporal::{Shape, Temporal};
use crate::tables::{self, Kind, Primitive, TypeDef};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt;

/// One item of a collection.
#[derive(Clone)]
pub enum Node<'a> {
    /// An element of a resource. `extra` is what stands beside a primitive under its `_name`; a primitive
    /// that has only an id or extensions has no `value`.
    Element {
        value: Option<&'a Value>,
        extra: Option<&'a Value>,
        kind: Option<&'static TypeDef>,
    },
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Cow<'a, str>),
    Temporal(Temporal),
    Quantity(Box<Quantity<'a>>),
    /// What `type()` answers.
    Type {
        namespace: &'static str,
        name: &'static str,
    },
    /// What a reference points at as far as its text alone tells; only when indexing.
    Referenced {
        reference: &'a str,
        kind: Option<&'static TypeDef>,
    },
}

impl<'a> Node<'a> {
    /// A resource, its type taken from `resourceType`.
    pub fn of_resource(resource: &'a Value) -> Node<'a> {
        Node::Element { value: Some(resource), extra: None, kind: resource_type(resource) }
    }

    /// An element of a known type or backbone path (`HumanName`, `Patient.contact`).
    pub fn of_element(value: &'a Value, type_name: &str) -> Node<'a> {
        Node::Element { value: Some(value), extra: None, kind: tables::type_def(type_name) }
    }

    /// The JSON this element is; nothing for computed values and for primitives without a value.
    pub fn as_json(&self) -> Option<&'a Value> {
        match self {
            Node::Element { value, .. } => *value,
            _ => None,
        }
    }

    /// What stands beside a primitive under `_name`: its id and extensions.
    pub fn extra(&self) -> Option<&'a Value> {
        match self {
            Node::Element { extra, .. } => *extra,
            _ => None,
        }
    }

    /// The definition of an element's type, where the standard's tables know it.
    pub fn type_def(&self) -> Option<&'static TypeDef> {
        match self {
            Node::Element { kind, .. } | Node::Referenced { kind, .. } => *kind,
            _ => None,
        }
    }

    /// `CodeableConcept`, `dateTime`, `Patient`, the path of a backbone element (`Patient.contact`), or
    /// `System.Boolean` and the like for computed values. Empty when not known.
    pub fn type_name(&self) -> &'static str {
        match self {
            Node::Element { kind, .. } | Node::Referenced { kind, .. } => kind.map_or("", |it| it.name),
            Node::Boolean(_) => "System.Boolean",
            Node::Integer(_) => "System.Integer",
            Node::Decimal(_) => "System.Decimal",
            Node::String(_) => "System.String",
            Node::Temporal(it) => match it.shape {
                Shape::Date => "System.Date",
                Shape::DateTime => "System.DateTime",
                Shape::Time => "System.Time",
            },
            Node::Quantity(_) => "System.Quantity",
            Node::Type { .. } => "System.TypeInfo",
        }
    }

    /// The text of a string or of a primitive that JSON holds as a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Node::Element { value: Some(Value::String(text)), .. } => Some(text),
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// As `as_str`, but borrowed for as long as the resource where possible.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Node::Element { value: Some(Value::String(text)), .. } => Some(Cow::Borrowed(text)),
            Node::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Node::Element { value: Some(Value::Bool(it)), .. } => Some(*it),
            Node::Boolean(it) => Some(*it),
            _ => None,
        }
    }

    /// The value as JSON: elements as they stand, computed values as FHIR would write them.
    pub fn to_json(&self) -> Value {
        match self {
            Node::Element { value, extra, .. } => value.or(*extra).cloned().unwrap_or(Value::Null),
            Node::Boolean(it) => json!(it),
            Node::Integer(it) => json!(it),
            Node::Decimal(it) => it.to_string().parse().map_or(Value::Null, Value::Number),
            Node::String(it) => json!(it),
            Node::Temporal(it) => json!(it.to_string()),
            Node::Quantity(it) => it.to_json(),
            Node::Type { namespace, name } => json!({ "namespace": namespace, "name": name }),
            Node::Referenced { reference, .. } => json!({ "reference": reference }),
        }
    }

    /// The extensions of an element or of a primitive.
    pub(super) fn extensions(&self) -> &'a [Value] {
        let found = match self {
            Node::Element { value: Some(Value::Object(fields)), .. } => fields.get("extension"),
            Node::Element { extra: Some(Value::Object(fields)), .. } => fields.get("extension"),
            _ => None,
        };
        found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Whether this is the very same element of the same JSON, not merely an equal one.
    pub(super) fn is_same_element(&self, other: &Node<'_>) -> bool {
        let same = |a: Option<&Value>, b: Option<&Value>| match (a, b) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (None, None) => true,
            _ => false,
        };
        match (self, other) {
            (Node::Element { value: a, extra: x, .. }, Node::Element { value: b, extra: y, .. }) => {
                same(*a, *b) && same(*x, *y)
            }
            _ => false,
        }
    }

    /// An element as the plain value it holds (FHIR R4, fhirpath.html#types): `date` as Date, `Quantity` as
    /// Quantity. `None` for structures and for primitives without a value.
    pub(super) fn plain(&self) -> Option<Node<'a>> {
        let Node::Element { value, kind, .. } = self else { return Some(self.clone()) };
        let value: &'a Value = (*value)?;
        match value {
            Value::Bool(it) => Some(Node::Boolean(*it)),
            Value::String(text) => {
                let read = match kind.and_then(|it| it.primitive) {
                    Some(Primitive::Date) => Temporal::parse_date(text),
                    Some(Primitive::DateTime | Primitive::Instant) => Temporal::parse_date_time(text),
                    Some(Primitive::Time) => Temporal::parse_time(text),
                    _ => None,
                };
                Some(read.map_or(Node::String(Cow::Borrowed(text)), Node::Temporal))
            }
            Value::Number(number) => {
                let text = number.as_str();
                let decimal = match kind.and_then(|it| it.primitive) {
                    Some(primitive) => primitive == Primitive::Decimal,
                    None => text.contains(['.', 'e', 'E']),
                };
                if decimal { decimal_of(text).map(Node::Decimal) } else { text.parse().ok().map(Node::Integer) }
            }
            Value::Object(fields) if kind.is_some_and(|it| it.is_a("Quantity")) => {
                Quantity::of_fhir(fields).map(|it| Node::Quantity(Box::new(it)))
            }
            _ => None,
        }
    }

    /// Hands on each child named `name`, with lists unrolled.
    pub(super) fn each_child(&self, name: &str, found: &mut dyn FnMut(Node<'a>)) {
        match self {
            Node::Element { value: Some(Value::Object(fields)), kind, .. } => {
                let Some(kind) = kind else { return untyped_child(fields, name, found) };
                match kind.child(name) {
                    Some(element) if element.is_choice && element.name == element.base_name => {
                        for (key, value) in fields {
                            let (bare, beside) = match key.strip_prefix('_') {
                                Some(bare) => (bare, true),
                                None => (key.as_str(), false),
                            };
                            // `value` of `valueQuantity`; a type name follows, so an upper-case letter.
                            if !bare
                                .strip_prefix(name)
                                .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_uppercase()))
                            {
                                continue;
                            }
                            let Some(typed) = kind.child(bare).filter(|it| it.base_name == name) else { continue };
                            let kind = typed.only_type().map(|it| it.type_def());
                            if !beside {
                                unroll(Some(value), beside_of(fields, bare, kind), kind, found);
                            } else if !fields.contains_key(bare) {
                                unroll(None, Some(value), kind, found);
                            }
                        }
                    }
                    Some(element) => {
                        let kind = element.only_type().map(|it| it.type_def());
                        let value = fields.get(name);
                        let extra = beside_of(fields, name, kind);
                        if value.is_some() || extra.is_some() {
                            unroll(value, extra, kind, found);
                        }
                    }
                    // Not of the standard; still there for those who ask (profiles never do).
                    None => untyped_child(fields, name, found),
                }
            }
            Node::Element { extra: Some(Value::Object(fields)), .. } => match name {
                "id" => unroll(fields.get("id"), None, string_type(), found),
                "extension" => unroll(fields.get("extension"), None, extension_type(), found),
                _ => {}
            },
            Node::Type { namespace, name: type_name } => match name {
                "namespace" => found(Node::String(Cow::Borrowed(namespace))),
                "name" => found(Node::String(Cow::Borrowed(type_name))),
                _ => {}
            },
            Node::Quantity(quantity) => match name {
                "value" => found(Node::Decimal(quantity.value)),
                "unit" | "code" => found(Node::String(quantity.unit.clone())),
                _ => {}
            },
            _ => {}
        }
    }

    /// Hands on all children in the order they stand in.
    pub(super) fn each_of_all_children(&self, found: &mut dyn FnMut(Node<'a>)) {
        match self {
            Node::Element { value: Some(Value::Object(fields)), kind, .. } => {
                for (key, value) in fields {
                    let (name, beside) = match key.strip_prefix('_') {
                        Some(bare) if fields.contains_key(bare) => continue,
                        Some(bare) => (bare, true),
                        None => (key.as_str(), false),
                    };
                    if name == "resourceType" || name == "fhir_comments" {
                        continue;
                    }
                    let kind = kind.and_then(|it| it.child(name)).and_then(|it| it.only_type()).map(|it| it.type_def());
                    if beside {
                        unroll(None, Some(value), kind, found);
                    } else {
                        unroll(Some(value), beside_of(fields, name, kind), kind, found);
                    }
                }
            }
            Node::Element { extra: Some(_), .. } => {
                self.each_child("id", found);
                self.each_child("extension", found);
            }
            _ => {}
        }
    }
}

/// Prints the type, never the value: these are patients' data.
impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.type_name())
    }
}

/// The type a resource says it is.
pub(super) fn resource_type(resource: &Value) -> Option<&'static TypeDef> {
    tables::type_def(resource.get("resourceType")?.as_str()?).filter(|it| it.kind == Kind::Resource)
}

pub(super) fn string_type() -> Option<&'static TypeDef> {
    tables::type_def("string")
}

pub(super) fn extension_type() -> Option<&'static TypeDef> {
    tables::type_def("Extension")
}

/// A decimal with its digits; exponents are allowed in JSON.
pub(super) fn decimal_of(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { text.parse().ok() }
}

/// The `_name` beside a primitive.
#[inline]
fn beside_of<'a>(fields: &'a Map<String, Value>, name: &str, kind: Option<&'static TypeDef>) -> Option<&'a Value> {
    if kind.is_some_and(|it| it.kind != Kind::Primitive) {
        return None;
    }
    // Member names are short, so the `_name` is built on the stack.
    let mut room = [b'_'; 64];
    let room = room.get_mut(..=name.len())?;
    room[1..].copy_from_slice(name.as_bytes());
    fields.get(std::str::from_utf8(room).ok()?)
}

/// Without a table: the member itself, or the one choice that begins with its name.
fn untyped_child<'a>(fields: &'a Map<String, Value>, name: &str, found: &mut dyn FnMut(Node<'a>)) {
    let value = fields.get(name);
    let extra = beside_of(fields, name, None);
    if name != "resourceType" && (value.is_some() || extra.is_some()) {
        unroll(value, extra, None, found);
    }
}

fn unroll<'a>(
    value: Option<&'a Value>,
    extra: Option<&'a Value>,
    kind: Option<&'static TypeDef>,
    found: &mut dyn FnMut(Node<'a>),
) {
    match (value, extra) {
        (Some(Value::Array(values)), extra) => {
            let extras = extra.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for at in 0..values.len().max(extras.len()) {
                single(values.get(at), extras.get(at), kind, found);
            }
        }
        (None, Some(Value::Array(extras))) => extras.iter().for_each(|extra| single(None, Some(extra), kind, found)),
        _ => single(value, extra, kind, found),
    }
}

fn single<'a>(
    value: Option<&'a Value>,
    extra: Option<&'a Value>,
    kind: Option<&'static TypeDef>,
    found: &mut dyn FnMut(Node<'a>),
) {
    let value = value.filter(|it| !it.is_null());
    let extra = extra.filter(|it| it.is_object());
    if value.is_none() && extra.is_none() {
        return;
    }
    // `contained`, `Bundle.entry.resource`: the resource itself says what it is.
    let kind = match (kind, value) {
        (Some(it), Some(resource)) if it.kind == Kind::Resource => resource_type(resource).or(kind),
        (None, Some(resource @ Value::Object(_))) => resource_type(resource),
        _ => kind,
    };
    found(Node::Element { value, extra, kind });
}

/// A collection that allocates nothing for none or one, which is what most steps find.
#[derive(Clone, Debug, Default)]
pub(super) enum Collection<'a> {
    #[default]
    Empty,
    One(Node<'a>),
    Many(Vec<Node<'a>>),
}

impl<'a> Collection<'a> {
    pub(super) fn push(&mut self, node: Node<'a>) {
        match self {
            Collection::Many(nodes) => nodes.push(node),
            Collection::Empty => *self = Collection::One(node),
            Collection::One(_) => {
                let Collection::One(first) = std::mem::take(self) else { unreachable!("matched above") };
                let mut nodes = Vec::with_capacity(4);
                nodes.push(first);
                nodes.push(node);
                *self = Collection::Many(nodes);
            }
        }
    }

    pub(super) fn as_slice(&self) -> &[Node<'a>] {
        match self {
            Collection::Empty => &[],
            Collection::One(node) => std::slice::from_ref(node),
            Collection::Many(nodes) => nodes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Node<'a>> {
        self.as_slice().iter()
    }

    pub(super) fn into_vec(self) -> Vec<Node<'a>> {
        match self {
            Collection::Empty => Vec::new(),
            Collection::One(node) => vec![node],
            Collection::Many(nodes) => nodes,
        }
    }

    pub(super) fn boolean(it: bool) -> Collection<'a> {
        Collection::One(Node::Boolean(it))
    }

    /// Three-valued logic: unknown is the empty collection.
    pub(super) fn perhaps(it: Option<bool>) -> Collection<'a> {
        it.map_or(Collection::Empty, Collection::boolean)
    }

    pub(super) fn text(it: impl Into<Cow<'a, str>>) -> Collection<'a> {
        Collection::One(Node::String(it.into()))
    }

    pub(super) fn integer(it: usize) -> Collection<'a> {
        Collection::One(Node::Integer(it as i64))
    }
}

impl<'a> From<Option<Node<'a>>> for Collection<'a> {
    fn from(it: Option<Node<'a>>) -> Self {
        it.map_or(Collection::Empty, Collection::One)
    }
}

impl<'a> From<Vec<Node<'a>>> for Collection<'a> {
    fn from(nodes: Vec<Node<'a>>) -> Self {
        Collection::Many(nodes)
    }
}

impl<'a> FromIterator<Node<'a>> for Collection<'a> {
    fn from_iter<I: IntoIterator<Item = Node<'a>>>(nodes: I) -> Self {
        let mut found = Collection::Empty;
        nodes.into_iter().for_each(|node| found.push(node));
        found
    }
}

impl<'a> Extend<Node<'a>> for Collection<'a> {
    fn extend<I: IntoIterator<Item = Node<'a>>>(&mut self, nodes: I) {
        nodes.into_iter().for_each(|node| self.push(node));
    }
}

impl<'a> IntoIterator for Collection<'a> {
    type Item = Node<'a>;
    type IntoIter = std::vec::IntoIter<Node<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}
