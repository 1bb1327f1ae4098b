//! Running a plan. Each item flows through a chain of steps on its own; only functions that need their
//! whole input collect it. A budget of steps bounds what any expression can cost.

use super::PathError;
use super::ast::{Operator, Sign};
use super::context::Context;
use super::node::{Collection, Node};
use super::operators;
use super::plan::{Call, Chain, Plan, Segment, Step, Target};
use crate::ResourceType;
use crate::tables::{self, Kind};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::Cell;

pub(super) type Outcome<'a> = Result<Collection<'a>, PathError>;

/// One evaluation: what it sees and what it may still spend.
pub(super) struct Run<'c, 'a> {
    pub(super) context: &'c Context<'a>,
    left: Cell<u64>,
}

/// What `$this`, `$index` and `$total` mean here.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    pub(super) this: &'s Node<'a>,
    pub(super) index: usize,
    pub(super) total: Option<&'s Collection<'a>>,
}

pub(super) fn run<'a>(plan: &'a Plan, context: &Context<'a>) -> Outcome<'a> {
    let run = Run { context, left: Cell::new(context.budget) };
    run.evaluate(plan, &Scope { this: &context.focus, index: 0, total: None })
}

/// Singleton evaluation as a truth value.
pub(super) fn truth(found: &Collection<'_>) -> Result<Option<bool>, PathError> {
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.as_bool().unwrap_or(true))),
        _ => Err(PathError::Evaluation("one truth value is needed here, but there are several items")),
    }
}

/// The only item, or none; several are an error.
pub(super) fn single<'n, 'a>(found: &'n Collection<'a>) -> Result<Option<&'n Node<'a>>, PathError> {
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(PathError::Evaluation("one item is needed here, but there are several")),
    }
}

impl<'a> Run<'_, 'a> {
    #[inline]
    pub(super) fn spend(&self, steps: u64) -> Result<(), PathError> {
        let left = self.left.get().checked_sub(steps).ok_or(PathError::TooCostly)?;
        self.left.set(left);
        Ok(())
    }

    pub(super) fn evaluate(&self, plan: &'a Plan, scope: &Scope<'_, 'a>) -> Outcome<'a> {
        self.spend(1)?;
        match plan {
            Plan::Empty => Ok(Collection::Empty),
            Plan::Text(text) => Ok(Collection::One(Node::String(Cow::Borrowed(text)))),
            Plan::Constant(node) => Ok(Collection::One(node.clone())),
            Plan::This => Ok(Collection::One(scope.this.clone())),
            Plan::Index => Ok(Collection::integer(scope.index)),
            Plan::Total => Ok(scope.total.cloned().unwrap_or_default()),
            Plan::Variable(name) => self.variable(name),
            Plan::Chain(chain) => self.chain(chain, scope),
            Plan::Union(parts) => {
                let mut all = Collection::Empty;
                for part in parts {
                    let found = self.evaluate(part, scope)?;
                    if all.is_empty() {
                        all = found;
                    } else {
                        all.extend(found);
                    }
                }
                operators::distinct(self, all)
            }
            Plan::Signed(sign, operand) => {
                let found = self.evaluate(operand, scope)?;
                let Some(one) = single(&found)? else { return Ok(Collection::Empty) };
                operators::signed(*sign == Sign::Minus, one).map(Collection::One)
            }
            Plan::Binary(operator, sides) => self.binary(*operator, sides, scope),
            Plan::Is(operand, target) => self.is(&self.evaluate(operand, scope)?, target),
            Plan::As(operand, target) => self.as_type(self.evaluate(operand, scope)?, target),
        }
    }

    fn binary(&self, operator: Operator, sides: &'a [Plan; 2], scope: &Scope<'_, 'a>) -> Outcome<'a> {
        let [left, right] = sides;
        let left = self.evaluate(left, scope)?;
        if matches!(operator, Operator::And | Operator::Or | Operator::Xor | Operator::Implies) {
            // The left side alone may decide (FHIRPath N1, 6.5).
            let left = truth(&left)?;
            match (operator, left) {
                (Operator::And, Some(false)) => return Ok(Collection::boolean(false)),
                (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(Collection::boolean(true)),
                _ => {}
            }
            let right = truth(&self.evaluate(right, scope)?)?;
            return Ok(Collection::perhaps(operators::logic(operator, left, right)));
        }
        let right = self.evaluate(right, scope)?;
        operators::binary(self, operator, &left, &right)
    }

    fn variable(&self, name: &str) -> Outcome<'a> {
        let one = |node: &Node<'a>| Ok(Collection::One(node.clone()));
        let text = |it: &'static str| Ok(Collection::text(it));
        if let Some((_, value)) = self.context.variables.iter().rev().find(|(known, _)| *known == name) {
            return Ok(value.iter().cloned().collect());
        }
        match name {
            "resource" => one(&self.context.resource),
            "rootResource" => one(&self.context.root),
            "context" => one(&self.context.focus),
            "ucum" => text(super::quantity::UCUM),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(id), _) => Ok(Collection::text(format!("http://hl7.org/fhir/ValueSet/{id}"))),
                (_, Some(id)) => Ok(Collection::text(format!("http://hl7.org/fhir/StructureDefinition/{id}"))),
                _ => Err(PathError::Variable(name.to_owned())),
            },
        }
    }

    fn chain(&self, chain: &'a Chain, scope: &Scope<'_, 'a>) -> Outcome<'a> {
        let mut segments = chain.segments.iter();
        let mut found = match (&chain.head, chain.segments.first()) {
            (Some(head), _) => self.evaluate(head, scope)?,
            // The usual case: a path from the focus, which need not be copied first.
            (None, Some(Segment::Stream(steps))) => {
                segments.next();
                let mut out = Collection::Empty;
                self.stream(steps, scope.this, scope, &mut out)?;
                out
            }
            (None, _) => Collection::One(scope.this.clone()),
        };
        for segment in segments {
            found = match segment {
                Segment::Stream(steps) => {
                    let mut out = Collection::Empty;
                    for node in found.iter() {
                        self.stream(steps, node, scope, &mut out)?;
                    }
                    out
                }
                Segment::Call(call) => {
                    self.spend(1)?;
                    (call.function.body)(self, found, call, scope)?
                }
                Segment::Item(index) => {
                    let index = self.evaluate(index, scope)?;
                    match single(&index)?.and_then(Node::plain) {
                        Some(Node::Integer(at)) => {
                            usize::try_from(at).ok().and_then(|at| found.as_slice().get(at).cloned()).into()
                        }
                        None => Collection::Empty,
                        Some(_) => return Err(PathError::Evaluation("an index is a whole number")),
                    }
                }
            };
        }
        Ok(found)
    }

    fn stream(
        &self,
        steps: &'a [Step],
        node: &Node<'a>,
        scope: &Scope<'_, 'a>,
        out: &mut Collection<'a>,
    ) -> Result<(), PathError> {
        let Some((step, rest)) = steps.split_first() else {
            out.push(node.clone());
            return Ok(());
        };
        self.spend(1)?;
        match step {
            Step::Member(name) => {
                let mut result = Ok(());
                node.each_child(name, &mut |child| {
                    if rest.is_empty() {
                        out.push(child);
                    } else if result.is_ok() {
                        result = self.stream(rest, &child, scope, out);
                    }
                });
                result
            }
            Step::Root(name) => {
                let matches = node.type_def().is_some_and(|it| it.name == name || it.is_a(name));
                if matches { self.stream(rest, node, scope, out) } else { Ok(()) }
            }
            Step::Where(criterion) => {
                let inner = Scope { this: node, index: 0, total: scope.total };
                match truth(&self.evaluate(criterion, &inner)?)? {
                    Some(true) => self.stream(rest, node, scope, out),
                    _ => Ok(()),
                }
            }
            Step::Select(projection) => {
                let inner = Scope { this: node, index: 0, total: scope.total };
                let found = self.evaluate(projection, &inner)?;
                found.iter().try_for_each(|node| self.stream(rest, node, scope, out))
            }
            Step::OfType(target) => {
                known(target)?;
                if is_exactly(node, target) { self.stream(rest, node, scope, out) } else { Ok(()) }
            }
            Step::Extension(url) => {
                let extensions = node.extensions();
                if extensions.is_empty() {
                    return Ok(());
                }
                let url = self.evaluate(url, scope)?;
                let Some(url) = single(&url)?.and_then(Node::text) else { return Ok(()) };
                let kind = super::node::extension_type();
                extensions.iter().filter(|it| it.get("url").and_then(Value::as_str) == Some(&url)).try_for_each(|it| {
                    self.stream(rest, &Node::Element { value: Some(it), extra: None, kind }, scope, out)
                })
            }
            Step::Resolve => match self.resolve(node) {
                Some(found) => self.stream(rest, &found, scope, out),
                None => Ok(()),
            },
        }
    }

    /// Evaluates an argument for one item of the input: `$this` is that item.
    pub(super) fn for_item(
        &self,
        plan: &'a Plan,
        this: &Node<'a>,
        index: usize,
        total: Option<&Collection<'a>>,
    ) -> Outcome<'a> {
        self.evaluate(plan, &Scope { this, index, total })
    }

    /// An argument that is one text, or nothing.
    pub(super) fn text_argument(
        &self,
        call: &'a Call,
        at: usize,
        scope: &Scope<'_, 'a>,
    ) -> Result<Option<Cow<'a, str>>, PathError> {
        let found = self.evaluate(&call.arguments[at], scope)?;
        match single(&found)? {
            None => Ok(None),
            Some(node) => node.text().map(Some).ok_or(PathError::Evaluation("a text is needed as argument")),
        }
    }

    /// An argument that is one whole number, or nothing; nothing too when it was not given.
    pub(super) fn integer_argument(
        &self,
        call: &'a Call,
        at: usize,
        scope: &Scope<'_, 'a>,
    ) -> Result<Option<i64>, PathError> {
        let Some(plan) = call.arguments.get(at) else { return Ok(None) };
        let found = self.evaluate(plan, scope)?;
        match single(&found)?.map(Node::plain) {
            None => Ok(None),
            Some(Some(Node::Integer(it))) => Ok(Some(it)),
            Some(_) => Err(PathError::Evaluation("a whole number is needed as argument")),
        }
    }

    pub(super) fn is(&self, found: &Collection<'a>, target: &Target) -> Outcome<'a> {
        known(target)?;
        Ok(Collection::perhaps(single(found)?.map(|node| is_kind_of(node, target))))
    }

    pub(super) fn as_type(&self, found: Collection<'a>, target: &Target) -> Outcome<'a> {
        known(target)?;
        if self.context.strict {
            single(&found)?;
        }
        Ok(match found {
            Collection::Empty => Collection::Empty,
            Collection::One(node) => Some(node).filter(|it| is_exactly(it, target)).into(),
            Collection::Many(nodes) => nodes.into_iter().filter(|it| is_exactly(it, target)).collect(),
        })
    }

    /// What a Reference, canonical or uri points at.
    fn resolve(&self, node: &Node<'a>) -> Option<Node<'a>> {
        let Node::Element { value: Some(value), .. } = node else { return None };
        let value: &'a Value = value;
        let reference: &'a str = match value {
            Value::String(text) => text,
            Value::Object(fields) => fields.get("reference")?.as_str()?,
            _ => return None,
        };
        if let Some(id) = reference.strip_prefix('#') {
            let containers = [self.context.resource.as_json(), self.context.root.as_json()];
            if id.is_empty() {
                return containers[0].map(Node::of_resource);
            }
            return containers.into_iter().flatten().find_map(|container| {
                let contained = container.get("contained")?.as_array()?;
                contained.iter().find(|it| it.get("id").and_then(Value::as_str) == Some(id)).map(Node::of_resource)
            });
        }
        if let Some(found) = self.context.resolver.and_then(|it| it.resolve(reference)) {
            return Some(Node::of_resource(found));
        }
        if !self.context.indexing {
            return None;
        }
        // `Reference.type` counts where the text does not tell, as for `urn:uuid:…`.
        let said = || ResourceType::parse(value.get("type")?.as_str()?);
        let kind = referenced_type(reference).or_else(said).and_then(|it| tables::type_def(it.name()));
        Some(Node::Referenced { reference, kind })
    }
}

/// `Patient/7`, `http://example.org/fhir/Patient/7/_history/2`, `Patient?identifier=…`
fn referenced_type(reference: &str) -> Option<ResourceType> {
    let path = reference.split(['?', '#']).next()?;
    let path = path.split_once("/_history/").map_or(path, |(before, _)| before);
    if path.len() < reference.len() && !path.contains('/') {
        return ResourceType::parse(path);
    }
    let mut parts = path.rsplit('/');
    parts.next()?;
    ResourceType::parse(parts.next()?)
}

fn known(target: &Target) -> Result<(), PathError> {
    if target.known { Ok(()) } else { Err(PathError::Type(target.written.clone())) }
}

/// Subtypes count: a `code` is a `string`, an `Age` is a `Quantity`.
fn is_kind_of(node: &Node<'_>, target: &Target) -> bool {
    match node {
        Node::Element { kind, .. } | Node::Referenced { kind, .. } => match (kind, target.fhir) {
            (Some(kind), Some(wanted)) => std::ptr::eq(*kind, wanted) || kind.is_a(wanted.name),
            _ => false,
        },
        _ => target.system.is_some_and(|wanted| wanted == "Any" || node.type_name()["System.".len()..] == *wanted),
    }
}

/// As `as` and `ofType` ask: primitives of exactly this type, structures also of a subtype.
fn is_exactly(node: &Node<'_>, target: &Target) -> bool {
    match (node.type_def(), target.fhir) {
        (Some(kind), Some(wanted)) if kind.kind == Kind::Primitive => std::ptr::eq(kind, wanted),
        _ => is_kind_of(node, target),
    }
}
