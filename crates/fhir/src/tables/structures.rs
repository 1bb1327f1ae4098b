//! Types and elements as a graph: a walk through a resource takes one hash a step and allocates nothing.

use super::codes::Binding;
use super::index::NameIndex;
use std::sync::LazyLock;

/// What kind of thing a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Primitive,
    Complex,
    /// Elements of a resource or type that are written out in place, such as `Patient.contact`.
    Backbone,
    Resource,
}

/// The primitive types (FHIR R4, datatypes.html#primitive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

const PRIMITIVES: [(&str, Primitive); 20] = [
    ("base64Binary", Primitive::Base64Binary),
    ("boolean", Primitive::Boolean),
    ("canonical", Primitive::Canonical),
    ("code", Primitive::Code),
    ("date", Primitive::Date),
    ("dateTime", Primitive::DateTime),
    ("decimal", Primitive::Decimal),
    ("id", Primitive::Id),
    ("instant", Primitive::Instant),
    ("integer", Primitive::Integer),
    ("markdown", Primitive::Markdown),
    ("oid", Primitive::Oid),
    ("positiveInt", Primitive::PositiveInt),
    ("string", Primitive::String),
    ("time", Primitive::Time),
    ("unsignedInt", Primitive::UnsignedInt),
    ("uri", Primitive::Uri),
    ("url", Primitive::Url),
    ("uuid", Primitive::Uuid),
    ("xhtml", Primitive::Xhtml),
];

/// A rule of the standard in FHIRPath.
#[derive(Debug)]
pub struct Invariant {
    /// Its place among all invariants: stable within one build, for tables kept beside this one.
    pub number: usize,
    pub key: &'static str,
    /// Otherwise it is a warning.
    pub is_error: bool,
    pub expression: &'static str,
    /// The type or element that states it (`Observation`, `Patient.contact`).
    pub stated_by: &'static str,
}

/// A type, or the content of a backbone element.
pub struct TypeDef {
    /// `Patient`, `HumanName`, `string`, or a path such as `Patient.contact`.
    pub name: &'static str,
    pub kind: Kind,
    pub is_abstract: bool,
    pub primitive: Option<Primitive>,
    /// The regular expression the standard gives for a primitive; empty for others.
    pub regex: &'static str,
    /// Invariants of the type and of all it descends from.
    pub invariants: Vec<&'static Invariant>,
    base: Option<u16>,
    elements: Vec<Element>,
    /// How many of `elements` are elements; behind them stand the typed names of choices.
    own_names: usize,
    /// Places of the elements that must be there.
    required: Vec<u16>,
    index: NameIndex,
}

impl TypeDef {
    /// The element that a JSON member is; for a choice either its bare name or its name with a type.
    #[inline]
    pub fn child(&self, json_name: &str) -> Option<&Element> {
        self.index.find(json_name, |place| self.elements[place].name).map(|place| &self.elements[place])
    }

    /// The elements in the order of the standard, inherited ones first; choices once, under their bare name.
    pub fn elements(&self) -> &[Element] {
        &self.elements[..self.own_names]
    }

    /// The elements of which there must be at least one.
    pub fn required(&self) -> impl Iterator<Item = &Element> {
        self.required.iter().map(|place| &self.elements[*place as usize])
    }

    /// Every name a JSON member can have.
    pub fn member_names(&self) -> impl Iterator<Item = &'static str> {
        self.elements.iter().filter(|element| !element.is_choice || element.name != element.base_name).map(|it| it.name)
    }

    pub fn base(&self) -> Option<&'static TypeDef> {
        self.base.map(|place| &STRUCTURES.types[place as usize])
    }

    /// Whether this is `name` or descends from it.
    pub fn is_a(&self, name: &str) -> bool {
        self.name == name || self.base().is_some_and(|base| base.is_a(name))
    }
}

impl std::fmt::Debug for TypeDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// One type an element may have.
#[derive(Clone, Copy, Debug)]
pub struct ElementType {
    /// `Quantity`, `Reference`, `BackboneElement` …
    pub name: &'static str,
    /// For `Reference` and `canonical` the types it may point at (`Resource`: any; empty: not said).
    pub targets: &'static [&'static str],
    /// A `Quantity` without comparator.
    pub simple_quantity: bool,
    /// Where its children are described: the type, the backbone element, or what a content reference names.
    place: u16,
}

impl ElementType {
    #[inline]
    pub fn type_def(&self) -> &'static TypeDef {
        &STRUCTURES.types[self.place as usize]
    }
}

/// An element of a type. For `valueQuantity` there is one of its own beside `value`, with only that type.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// As a JSON member: `given`, `valueQuantity`; the bare name for the choice as a whole: `value`.
    pub name: &'static str,
    /// Without the type of a choice: `value`.
    pub base_name: &'static str,
    /// Where the standard defines it: `HumanName.given`, `Observation.value[x]`.
    pub path: &'static str,
    pub is_choice: bool,
    pub min: u32,
    /// None: any number.
    pub max: Option<u32>,
    pub types: &'static [ElementType],
    pub binding: Option<Binding>,
    pub invariants: &'static [Invariant],
    pub is_summary: bool,
    pub is_modifier: bool,
}

impl Element {
    /// Whether JSON holds it in an array.
    #[inline]
    pub fn is_list(&self) -> bool {
        self.max != Some(1)
    }

    /// The definition of the children for a type that the element may have.
    pub fn type_def(&self, type_name: &str) -> Option<&'static TypeDef> {
        self.types.iter().find(|kind| kind.name == type_name).map(ElementType::type_def)
    }

    /// The only type, unless this is a choice as a whole.
    #[inline]
    pub fn only_type(&self) -> Option<&'static ElementType> {
        match self.types {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The name to continue a walk with: the backbone path, the path a content reference names, or the type.
    pub fn child_context(&self, type_name: &str) -> Option<&'static str> {
        self.type_def(type_name).map(|found| found.name)
    }

    /// The types a reference here may point at.
    pub fn targets(&self) -> impl Iterator<Item = &'static str> {
        self.types.iter().flat_map(|kind| kind.targets.iter().copied())
    }
}

struct Structures {
    types: Vec<TypeDef>,
    index: NameIndex,
    invariants: Vec<&'static Invariant>,
}

static STRUCTURES: LazyLock<Structures> =
    LazyLock::new(|| read(include_str!("../../../../spec/fhir-r4/structures.tsv")));

/// A type by its name, a backbone element by its path.
pub fn type_def(name: &str) -> Option<&'static TypeDef> {
    let all: &'static Structures = &STRUCTURES;
    all.index.find(name, |place| all.types[place].name).map(|place| &all.types[place])
}

/// All types and backbone elements.
pub fn types() -> &'static [TypeDef] {
    &STRUCTURES.types
}

/// All invariants; each stands at its number.
pub fn invariants() -> &'static [&'static Invariant] {
    &STRUCTURES.invariants
}

/// Whether type `name` is `ancestor` or descends from it: `Age` is a `Quantity`, `code` is a `string`.
pub fn is_subtype(name: &str, ancestor: &str) -> bool {
    name == ancestor || type_def(name).is_some_and(|found| found.is_a(ancestor))
}

/// A line group of the file: a type or an element with the invariants below it.
struct Row {
    fields: Vec<&'static str>,
    invariants: Vec<Invariant>,
}

impl Row {
    fn field(&self, at: usize) -> &'static str {
        self.fields.get(at).copied().unwrap_or_default()
    }
}

/// A type before its elements are built: its row, and the rows of its elements.
struct Plan {
    name: &'static str,
    base: &'static str,
    row: Option<usize>,
    elements: Vec<usize>,
}

fn read(text: &'static str) -> Structures {
    let mut rows: Vec<Row> = Vec::new();
    let mut invariants = 0;
    for line in text.lines() {
        let fields: Vec<&'static str> = line.split('\t').collect();
        if fields[0] == "I" {
            let row = rows.last_mut().expect("invariants follow what states them");
            let stated_by = row.field(1);
            let (key, is_error, expression) =
                (fields[1], fields[2] == "error", fields.get(3).copied().unwrap_or_default());
            row.invariants.push(Invariant { number: invariants, key, is_error, expression, stated_by });
            invariants += 1;
        } else {
            rows.push(Row { fields, invariants: Vec::new() });
        }
    }

    // First the names of all types, so that elements can point at types that come later.
    let mut plans: Vec<Plan> = Vec::new();
    let mut owner_of: std::collections::HashMap<&'static str, usize> = std::collections::HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let name = row.field(1);
        if row.field(0) == "T" {
            owner_of.insert(name, plans.len());
            plans.push(Plan { name, base: row.field(2), row: Some(at), elements: Vec::new() });
            continue;
        }
        let (parent, _) = name.rsplit_once('.').expect("an element has a parent");
        let owner = *owner_of.entry(parent).or_insert_with(|| {
            plans.push(Plan { name: parent, base: "BackboneElement", row: None, elements: Vec::new() });
            plans.len() - 1
        });
        plans[owner].elements.push(at);
    }
    // A few are plain `Element` with content in place, such as Timing.repeat.
    for row in rows.iter().filter(|row| row.field(0) == "E" && row.field(5) == "Element") {
        if let Some(owner) = owner_of.get(row.field(1)) {
            plans[*owner].base = "Element";
        }
    }
    // Backbone elements without a description of their content do not exist, except extension points.
    let place = |name: &str| owner_of.get(name).map(|place| *place as u16);

    let rows: Vec<(Row, &'static [Invariant])> = rows
        .into_iter()
        .map(|mut row| {
            let invariants = std::mem::take(&mut row.invariants);
            (row, &*Box::leak(invariants.into_boxed_slice()))
        })
        .collect();
    let own: Vec<Vec<Element>> = plans
        .iter()
        .map(|plan| plan.elements.iter().map(|at| element(&rows[*at].0, rows[*at].1, &place)).collect())
        .collect();

    let mut types = Vec::with_capacity(plans.len());
    for plan in &plans {
        let mut chain = vec![plan];
        while let Some(base) = owner_of.get(chain[chain.len() - 1].base) {
            chain.push(&plans[*base]);
        }
        let mut elements: Vec<Element> = Vec::new();
        let mut rules: Vec<&'static Invariant> = Vec::new();
        for ancestor in chain.iter().rev() {
            elements.extend(&own[owner_of[ancestor.name]]);
            rules.extend(ancestor.row.iter().flat_map(|at| rows[*at].1));
        }
        let own_names = elements.len();
        for at in 0..own_names {
            if elements[at].is_choice {
                typed_names(&elements[at].clone(), &mut elements);
            }
        }
        let row = plan.row.map(|at| &rows[at].0);
        let kind = match row.map(|row| row.field(3)) {
            Some("primitive") => Kind::Primitive,
            Some("complex") => Kind::Complex,
            Some("resource") => Kind::Resource,
            _ => Kind::Backbone,
        };
        types.push(TypeDef {
            name: plan.name,
            kind,
            is_abstract: row.is_some_and(|row| row.field(4) == "abstract"),
            primitive: PRIMITIVES.iter().find(|(name, _)| *name == plan.name).map(|(_, primitive)| *primitive),
            regex: row.map(|row| row.field(5)).unwrap_or_default(),
            invariants: rules,
            base: place(plan.base),
            index: NameIndex::of(elements.iter().map(|element| element.name)),
            required: (0..own_names).filter(|at| elements[*at].min > 0).map(|at| at as u16).collect(),
            elements,
            own_names,
        });
    }
    let index = NameIndex::of(types.iter().map(|known| known.name));
    let invariants = rows.iter().flat_map(|(_, stated)| *stated).collect();
    Structures { types, index, invariants }
}

/// `E path min max flags types binding content-reference`
fn element(row: &Row, invariants: &'static [Invariant], place: &dyn Fn(&str) -> Option<u16>) -> Element {
    let path = row.field(1);
    let (_, last) = path.rsplit_once('.').expect("an element has a parent");
    let base_name = last.strip_suffix("[x]").unwrap_or(last);
    let content = row.field(7);
    let kind = |text: &'static str| -> ElementType {
        let (name, targets) = match text.split_once('(') {
            Some((name, targets)) => (name, targets.trim_end_matches(')').split('|').collect::<Vec<_>>()),
            None => (text, Vec::new()),
        };
        let simple_quantity = targets.first() == Some(&"SimpleQuantity");
        let targets: &'static [&'static str] =
            if simple_quantity { &[] } else { Box::leak(targets.into_boxed_slice()) };
        // Content written out in place goes before the general type of that content.
        let place = place(path).or_else(|| place(name)).expect("an element has a type of the standard");
        ElementType { name, targets, simple_quantity, place }
    };
    let types: Vec<ElementType> = if content.is_empty() {
        row.field(5).split(' ').filter(|name| !name.is_empty()).map(kind).collect()
    } else {
        let place = place(content).expect("a content reference names an element with content");
        vec![ElementType { name: "BackboneElement", targets: &[], simple_quantity: false, place }]
    };
    Element {
        name: base_name,
        base_name,
        path,
        is_choice: base_name.len() != last.len(),
        min: row.field(2).parse().expect("an element has a minimum"),
        max: row.field(3).parse().ok(),
        types: Box::leak(types.into_boxed_slice()),
        binding: Binding::read(row.field(6)),
        invariants,
        is_summary: row.field(4).contains('S'),
        is_modifier: row.field(4).contains('M'),
    }
}

/// Adds `valueQuantity`, `valueString` … for the choice `value`.
fn typed_names(choice: &Element, elements: &mut Vec<Element>) {
    for kind in choice.types {
        let (first, rest) = kind.name.split_at(1);
        let name = format!("{}{}{rest}", choice.base_name, first.to_ascii_uppercase());
        elements.push(Element { name: Box::leak(name.into_boxed_str()), types: std::slice::from_ref(kind), ..*choice });
    }
}
