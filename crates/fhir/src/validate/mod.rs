//! Validation against base FHIR R4 (validation.html): structure, cardinality, types, primitive formats,
//! references, required bindings and invariants, checked before anything is stored. One walk along the tables,
//! without allocation as long as nothing is wrong. It never repairs, never asks a terminology server and never
//! looks at profiles; what it says names elements and rules, never a value of a patient.
//!
//! Extensible bindings are not judged: whether "no code of the set applies" only a person can tell.

mod binding;
mod native;
mod primitive;
mod prose;
mod reference;
mod rules;

use crate::issue::{Issue, IssueCode};
use crate::tables::{self, Element, ElementType, Kind, Primitive, TypeDef};
use rules::{Focus, Verdict};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Deeper nesting than this is refused: no record of a person needs it, and it guards the stack.
pub const DEEPEST: usize = 64;

/// Enough to see what is wrong with a resource; a list of a million broken items must not become a million issues.
const MOST_ISSUES: usize = 200;

/// Everything that is wrong with a resource; empty if it is valid.
pub fn validate(resource: &Value) -> Vec<Issue> {
    let mut walk = Walk { issues: Vec::new(), steps: Vec::new(), depth: 0, root: resource, resource };
    walk.top(resource);
    walk.issues
}

/// One step of the way to the element at hand.
struct Step<'a> {
    name: &'a str,
    index: Option<usize>,
}

/// The walk: where it stands and what it found.
struct Walk<'a> {
    issues: Vec<Issue>,
    steps: Vec<Step<'a>>,
    depth: usize,
    /// The resource that holds the contained ones (`%rootResource`).
    root: &'a Value,
    /// The nearest resource (`%resource`).
    resource: &'a Value,
}

impl<'a> Walk<'a> {
    /// The FHIRPath of the element at hand.
    fn place(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(step.name);
            if let Some(index) = step.index {
                let _ = write!(text, "[{index}]");
            }
        }
        text
    }

    fn issue(&mut self, issue: impl FnOnce(String) -> Issue) {
        if self.issues.len() < MOST_ISSUES {
            let issue = issue(self.place());
            self.issues.push(issue);
        }
    }

    fn error(&mut self, code: IssueCode, diagnostics: impl Into<String>) {
        self.issue(|place| Issue::error(code, place, diagnostics));
    }

    /// The resource as a whole; the walk begins with its type.
    fn top(&mut self, resource: &'a Value) {
        let name = resource.get("resourceType").and_then(Value::as_str).and_then(tables::type_def);
        self.steps.push(Step { name: name.map_or("", |found| found.name), index: None });
        self.resource(resource, false);
        self.steps.pop();
    }

    /// A resource: at the top, in a Bundle or Parameters, or contained.
    fn resource(&mut self, value: &'a Value, contained: bool) {
        let Value::Object(map) = value else {
            return self.error(IssueCode::Structure, "a resource must be a JSON object");
        };
        let def = match map.get("resourceType") {
            Some(Value::String(name)) => {
                match tables::type_def(name).filter(|found| found.kind == Kind::Resource && !found.is_abstract) {
                    Some(def) => def,
                    None => {
                        let hint = nearest(name, crate::resource::RESOURCE_TYPES.into_iter());
                        let message = format!("resourceType must name a resource type of FHIR R4{hint}");
                        return self.error(IssueCode::Structure, message);
                    }
                }
            }
            Some(_) => return self.error(IssueCode::Structure, "resourceType must be a string"),
            None => {
                return self.error(IssueCode::Structure, "resourceType is missing: it names the type of the resource");
            }
        };
        let outer = (self.root, self.resource);
        self.resource = value;
        if !contained {
            self.root = value;
        }
        self.object(value, map, def);
        if map.contains_key("contained") {
            self.contained(map, contained);
        }
        if def.name == "Bundle" {
            self.bundle(map);
        }
        (self.root, self.resource) = outer;
    }

    /// The members of an object, then the rules of its type.
    fn object(&mut self, value: &'a Value, map: &'a Map<String, Value>, def: &'static TypeDef) {
        if self.depth >= DEEPEST {
            return self.error(IssueCode::TooLong, format!("is nested deeper than {DEEPEST} elements"));
        }
        self.depth += 1;
        let mut chosen = Chosen::default();
        let mut content = false;
        for (name, child) in map {
            if name == "resourceType" && def.kind == Kind::Resource {
                continue;
            }
            content |= name != "id";
            if let Some(element) = def.child(name) {
                if element.is_choice {
                    if element.name == element.base_name {
                        self.bare_choice(element);
                        continue;
                    }
                    self.choose(&mut chosen, element);
                }
                self.steps.push(Step { name: element.base_name, index: None });
                self.element(element, child, name, map);
                self.steps.pop();
            } else if let Some(element) = name.strip_prefix('_').and_then(|bare| def.child(bare)) {
                if element.is_choice && element.name != element.base_name {
                    self.choose(&mut chosen, element);
                }
                self.steps.push(Step { name: element.base_name, index: None });
                self.sibling(element, child, map);
                self.steps.pop();
            } else {
                self.unknown(name, def);
            }
        }
        for element in def.required() {
            let present = if element.is_choice {
                chosen.names().any(|name| name == element.base_name)
            } else {
                map.contains_key(element.name) || map.keys().any(|key| key.strip_prefix('_') == Some(element.name))
            };
            if !present {
                self.missing(element);
            }
        }
        if !content && def.kind != Kind::Resource {
            self.error(IssueCode::Invariant, "is empty: an element needs a value or children besides its id (ele-1)");
        }
        for invariant in &def.invariants {
            self.rule(invariant, &Focus { value, map: Some(map), resource: self.resource, root: self.root, def });
        }
        self.depth -= 1;
    }

    fn choose(&mut self, chosen: &mut Chosen, element: &'static Element) {
        if !chosen.add(element) {
            let message = format!("{}[x] may be given only once, with one of its types", element.base_name);
            self.error(IssueCode::Structure, message);
        }
    }

    fn missing(&mut self, element: &Element) {
        let name = if element.is_choice { format!("{}[x]", element.base_name) } else { element.name.to_owned() };
        let max = element.max.map_or("*".to_owned(), |max| max.to_string());
        let message = format!("{name} is required ({}..{max}) and missing", element.min);
        self.error(IssueCode::Required, message);
    }

    fn bare_choice(&mut self, element: &Element) {
        let first = element.types.iter().take(3).map(|kind| format!("{}{}", element.base_name, capital(kind.name)));
        let message = format!(
            "{} needs its type in its name: {}{}",
            element.base_name,
            first.collect::<Vec<_>>().join(", "),
            if element.types.len() > 3 { " …" } else { "" }
        );
        self.error(IssueCode::Structure, message);
    }

    fn unknown(&mut self, name: &str, def: &TypeDef) {
        let bare = name.strip_prefix('_').unwrap_or(name);
        let shown: String = bare.chars().filter(|c| !c.is_control()).take(64).collect();
        let hint = nearest(bare, def.member_names());
        let message = format!("{shown} is not an element of {}{hint}", def.name);
        self.error(IssueCode::Structure, message);
    }

    /// One member: one value, or a list of them.
    fn element(&mut self, element: &'static Element, child: &'a Value, name: &str, map: &'a Map<String, Value>) {
        let Some(kind) = element.only_type() else { return };
        match (child, element.is_list()) {
            (Value::Array(items), true) => {
                if items.is_empty() {
                    return self.error(IssueCode::Structure, "is an empty array: leave the member out instead");
                }
                let nulls = kind.type_def().primitive.is_some() && items.iter().any(Value::is_null);
                let beside = if nulls { map.get(&format!("_{name}")).and_then(Value::as_array) } else { None };
                for (index, item) in items.iter().enumerate() {
                    self.at(index);
                    if item.is_null() && beside.is_some_and(|all| all.get(index).is_some_and(Value::is_object)) {
                        continue;
                    }
                    self.value(element, kind, item);
                }
            }
            (Value::Array(_), false) => self.error(IssueCode::Structure, "must be a single value, not an array"),
            (_, true) => self.error(IssueCode::Structure, "must be an array, even for a single value"),
            (_, false) => self.value(element, kind, child),
        }
    }

    fn at(&mut self, index: usize) {
        if let Some(step) = self.steps.last_mut() {
            step.index = Some(index);
        }
    }

    fn value(&mut self, element: &'static Element, kind: &'static ElementType, value: &'a Value) {
        let def = kind.type_def();
        if value.is_null() {
            let message = "must not be null: leave it out (null only stands in an array beside an extension)";
            return self.error(IssueCode::Structure, message);
        }
        let map = match (def.primitive, value) {
            (Some(primitive), _) => {
                self.primitive(primitive, value);
                None
            }
            (None, Value::Object(map)) => Some(map),
            (None, _) => {
                let message = format!("must be a JSON object of type {}", kind.name);
                return self.error(IssueCode::Structure, message);
            }
        };
        if let Some(map) = map {
            match kind.name {
                "Resource" => return self.resource(value, element.base_name == "contained"),
                "Reference" => {
                    self.object(value, map, def);
                    self.reference(map, kind);
                }
                "Extension" => {
                    self.object(value, map, def);
                    self.extension(map);
                }
                "Attachment" => {
                    self.object(value, map, def);
                    self.attachment(map);
                }
                _ => {
                    self.object(value, map, def);
                    if def.name == "Bundle.entry" {
                        self.bundle_entry(map);
                    }
                }
            }
            if kind.simple_quantity && map.contains_key("comparator") {
                self.error(IssueCode::Invariant, "comparator is not allowed here (sqty-1)");
            }
        }
        if let Some(binding) = &element.binding {
            self.bound(binding, kind, value);
        }
        for invariant in element.invariants {
            self.rule(invariant, &Focus { value, map, resource: self.resource, root: self.root, def });
        }
    }

    fn primitive(&mut self, kind: Primitive, value: &'a Value) {
        match primitive::check(kind, value) {
            Ok(()) if kind == Primitive::Xhtml => {
                let checked = value.as_str().map_or(Ok(()), crate::narrative::check);
                if let Err(message) = checked {
                    self.error(IssueCode::Invalid, format!("the narrative {message}"));
                }
            }
            Ok(()) => {}
            Err(message) => self.error(IssueCode::Value, message),
        }
    }

    /// `_name` beside a primitive: its id and extensions.
    fn sibling(&mut self, element: &'static Element, value: &'a Value, map: &'a Map<String, Value>) {
        let Some(kind) = element.only_type().filter(|kind| kind.type_def().primitive.is_some()) else {
            let message =
                format!("_{} is not allowed: only primitive types have a member with an underscore", element.name);
            return self.error(IssueCode::Structure, message);
        };
        match (value, element.is_list()) {
            (Value::Array(items), true) => {
                let values = map.get(element.name).and_then(Value::as_array);
                if values.is_some_and(|values| values.len() != items.len()) {
                    let message = format!("_{0} must have as many items as {0}: fill up with null", element.name);
                    self.error(IssueCode::Structure, message);
                }
                if items.iter().all(Value::is_null) {
                    self.error(IssueCode::Structure, format!("_{} holds nothing but null: leave it out", element.name));
                }
                for (index, item) in items.iter().enumerate() {
                    self.at(index);
                    match item {
                        Value::Null if values.is_none() => {
                            self.error(IssueCode::Structure, "has neither a value nor an extension");
                        }
                        Value::Null => {}
                        _ => self.beside(kind, item),
                    }
                }
            }
            (Value::Array(_), false) => self.error(IssueCode::Structure, "must be a single object, not an array"),
            (_, true) => self.error(IssueCode::Structure, "must be an array, even for a single value"),
            (_, false) => self.beside(kind, value),
        }
    }

    fn beside(&mut self, kind: &'static ElementType, value: &'a Value) {
        match value {
            Value::Object(map) if map.is_empty() => {
                self.error(IssueCode::Structure, "is an empty object: leave the member out instead");
            }
            Value::Object(map) => {
                let alone = map.len() == 1 && map.contains_key("id");
                // An id alone is content enough here: the value stands beside it.
                if alone { self.members_of_id(map) } else { self.object(value, map, kind.type_def()) }
            }
            _ => self.error(IssueCode::Structure, "must be an object with id or extension"),
        }
    }

    fn members_of_id(&mut self, map: &'a Map<String, Value>) {
        for id in map.values() {
            if id.as_str().is_none_or(str::is_empty) {
                self.error(IssueCode::Value, "id must be a string that is not empty");
            }
        }
    }

    fn rule(&mut self, invariant: &'static tables::Invariant, focus: &Focus<'a>) {
        match rules::judge(invariant, focus) {
            Verdict::Holds => {}
            Verdict::Broken(message) if invariant.is_error => self.error(IssueCode::Invariant, message),
            Verdict::Broken(message) => self.issue(|place| Issue::warning(IssueCode::Invariant, place, message)),
            Verdict::Undecided => {
                let message = format!("the rule {} could not be decided here", invariant.key);
                self.issue(|place| Issue::warning(IssueCode::Incomplete, place, message));
            }
        }
    }
}

/// The choices met in one object. Few objects have more than two.
#[derive(Default)]
struct Chosen {
    found: [Option<&'static Element>; 8],
}

impl Chosen {
    /// False if this choice was already made with another type.
    fn add(&mut self, element: &'static Element) -> bool {
        for slot in &mut self.found {
            match slot {
                None => {
                    *slot = Some(element);
                    return true;
                }
                Some(other) if other.base_name == element.base_name => return other.name == element.name,
                Some(_) => {}
            }
        }
        true
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().flatten().map(|element| element.base_name)
    }
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// `: did you mean birthDate?`, if a known name is near.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    if name.len() > 64 {
        return String::new();
    }
    let limit = (name.len() / 3).max(1);
    let best = known.map(|other| (distance(name, other), other)).min();
    match best {
        Some((far, other)) if far <= limit => format!(": did you mean {other}?"),
        _ => String::new(),
    }
}

/// How many letters must be added, removed, changed or swapped, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase().into_bytes(), b.to_ascii_lowercase().into_bytes());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
