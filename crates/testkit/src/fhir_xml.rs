//! FHIR XML as FHIR JSON (FHIR R4, xml.html and json.html), driven by the tables of elements. For tests
//! whose inputs exist only as XML; never shipped. Panics tell what in a test's input is not understood.

use fhir::tables::{self, Kind, Primitive, TypeDef};
use roxmltree::Node;
use serde_json::{Map, Value};

/// The resource in an XML document.
pub fn json_of_document(text: &str) -> Value {
    let document = roxmltree::Document::parse(text).expect("the input is well-formed XML");
    json_of_resource(document.root_element())
}

/// A resource as an XML element, such as `<Patient>`.
pub fn json_of_resource(element: Node<'_, '_>) -> Value {
    let name = element.tag_name().name();
    let kind = tables::type_def(name).unwrap_or_else(|| panic!("{name} is no resource type"));
    let mut fields = Map::new();
    fields.insert("resourceType".into(), name.into());
    fill(&mut fields, element, kind);
    Value::Object(fields)
}

fn fill(fields: &mut Map<String, Value>, element: Node<'_, '_>, kind: &'static TypeDef) {
    for attribute in element.attributes().filter(|it| it.namespace().is_none()) {
        fields.insert(attribute.name().into(), attribute.value().into());
    }
    for child in element.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        let definition = kind.child(name).unwrap_or_else(|| panic!("{} has no element {name}", kind.name));
        let child_kind = definition.only_type().expect("a choice is written with its type").type_def();
        let (value, beside) = match child_kind.kind {
            Kind::Resource => {
                let resource = child.children().find(Node::is_element).expect("a resource stands in it");
                (json_of_resource(resource), None)
            }
            Kind::Primitive => primitive(child, child_kind),
            Kind::Complex | Kind::Backbone => {
                let mut fields = Map::new();
                fill(&mut fields, child, child_kind);
                (Value::Object(fields), None)
            }
        };
        if definition.is_list() {
            add_to_list(fields, name, value, beside);
        } else {
            if !value.is_null() {
                fields.insert(name.into(), value);
            }
            if let Some(beside) = beside {
                fields.insert(format!("_{name}"), beside);
            }
        }
    }
}

/// A list and what stands beside its items keep step: `["a", null]` and `[null, { … }]`.
fn add_to_list(fields: &mut Map<String, Value>, name: &str, value: Value, beside: Option<Value>) {
    let list = |fields: &mut Map<String, Value>, name: &str, length: usize, value: Value| {
        let items = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        let items = items.as_array_mut().expect("a list was begun");
        items.resize(length, Value::Null);
        items.push(value);
    };
    let beside_name = format!("_{name}");
    let length = |name: &str| fields.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let before = length(name).max(length(&beside_name));
    if !value.is_null() {
        list(fields, name, before, value);
    }
    if let Some(beside) = beside {
        list(fields, &beside_name, before, beside);
    }
}

fn primitive(element: Node<'_, '_>, kind: &'static TypeDef) -> (Value, Option<Value>) {
    if kind.primitive == Some(Primitive::Xhtml) {
        let mut text = String::new();
        write_xhtml(&mut text, element, None);
        return (text.into(), None);
    }
    let mut fields = Map::new();
    let mut value = Value::Null;
    for attribute in element.attributes() {
        if attribute.name() == "value" {
            value = plain(attribute.value(), kind);
        } else {
            fields.insert(attribute.name().into(), attribute.value().into());
        }
    }
    let extensions: Vec<Value> = element
        .children()
        .filter(Node::is_element)
        .map(|extension| {
            let mut fields = Map::new();
            fill(&mut fields, extension, tables::type_def("Extension").expect("a type of the standard"));
            Value::Object(fields)
        })
        .collect();
    if !extensions.is_empty() {
        fields.insert("extension".into(), Value::Array(extensions));
    }
    (value, (!fields.is_empty()).then_some(Value::Object(fields)))
}

fn plain(text: &str, kind: &TypeDef) -> Value {
    match kind.primitive {
        Some(Primitive::Boolean) => Value::Bool(text == "true"),
        Some(Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt | Primitive::Decimal) => {
            text.parse().map(Value::Number).expect("a number of the input is written as one")
        }
        _ => text.into(),
    }
}

/// XHTML as JSON holds it: one text, with what must be escaped escaped and nothing else.
fn write_xhtml(out: &mut String, element: Node<'_, '_>, outer: Option<&str>) {
    let name = element.tag_name().name();
    let namespace = element.tag_name().namespace();
    out.push('<');
    out.push_str(name);
    if let Some(namespace) = namespace.filter(|_| namespace != outer) {
        out.push_str(&format!(" xmlns=\"{namespace}\""));
    }
    for attribute in element.attributes() {
        let prefix = attribute.namespace().map_or("", |_| "xml:");
        let value = escaped(attribute.value()).replace('"', "&quot;");
        out.push_str(&format!(" {prefix}{}=\"{value}\"", attribute.name()));
    }
    if !element.has_children() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in element.children() {
        if child.is_element() {
            write_xhtml(out, child, namespace);
        } else if child.is_text() {
            out.push_str(&escaped(child.text().unwrap_or_default()));
        }
    }
    out.push_str(&format!("</{name}>"));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
