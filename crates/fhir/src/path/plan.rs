//! The compiled form: chains of steps that run item by item without collecting between them, functions
//! looked up, types resolved and patterns compiled, all once.

use super::PathError;
use super::ast::{Expr, Literal, Operator, Sign, TypeName};
use super::functions::{self, Function};
use super::node::Node;
use super::quantity::Quantity;
use crate::tables::{self, TypeDef};
use regex::Regex;
use std::borrow::Cow;

#[derive(Debug)]
pub(super) enum Plan {
    Empty,
    Text(String),
    Constant(Node<'static>),
    This,
    Index,
    Total,
    Variable(String),
    Chain(Box<Chain>),
    Union(Vec<Plan>),
    Signed(Sign, Box<Plan>),
    Binary(Operator, Box<[Plan; 2]>),
    Is(Box<Plan>, Target),
    As(Box<Plan>, Target),
}

/// A head and what is done with it; without a head it starts at the focus.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) head: Option<Plan>,
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug)]
pub(super) enum Segment {
    /// Each item goes through all the steps before the next one starts.
    Stream(Vec<Step>),
    /// Needs its whole input.
    Call(Call),
    Item(Plan),
}

#[derive(Debug)]
pub(super) enum Step {
    /// `Patient` at the start of a path: the focus itself, if it is one.
    Root(String),
    Member(String),
    Where(Plan),
    Select(Plan),
    OfType(Target),
    Extension(Plan),
    Resolve,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<Plan>,
    /// For `as`, `is`: the type.
    pub(super) target: Option<Target>,
    /// For `matches` and its kin: a constant pattern, compiled.
    pub(super) pattern: Option<Regex>,
    /// For `sort`: which keys were written with a minus.
    pub(super) descending: Vec<bool>,
}

/// The types of FHIRPath itself.
pub(super) const SYSTEM_TYPES: [&str; 9] =
    ["Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any"];

/// A type as asked for. `Quantity` without a namespace means either.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) written: String,
    pub(super) system: Option<&'static str>,
    pub(super) fhir: Option<&'static TypeDef>,
    /// Nothing can be of a type nobody knows; asking is an error, when it is asked.
    pub(super) known: bool,
}

impl Target {
    pub(super) fn of(name: &TypeName) -> Target {
        let namespace = name.namespace.as_deref();
        let system = SYSTEM_TYPES.into_iter().find(|it| *it == name.name).filter(|_| namespace != Some("FHIR"));
        let fhir = tables::type_def(&name.name).filter(|_| namespace.is_none_or(|it| it == "FHIR"));
        let known = system.is_some() || fhir.is_some() || namespace == Some("System");
        Target { written: name.name.clone(), system, fhir, known }
    }
}

pub(super) fn compile(expr: &Expr) -> Result<Plan, PathError> {
    Ok(match expr {
        Expr::Literal(literal) => constant(literal),
        Expr::This => Plan::This,
        Expr::Index => Plan::Index,
        Expr::Total => Plan::Total,
        Expr::Variable(name) => Plan::Variable(name.clone()),
        Expr::Member { of: None, name } => {
            // Types begin with a capital letter, elements never do.
            let root = name.starts_with(|first: char| first.is_ascii_uppercase());
            let step = if root { Step::Root(name.clone()) } else { Step::Member(name.clone()) };
            Plan::Chain(Box::new(Chain { head: None, segments: vec![Segment::Stream(vec![step])] }))
        }
        Expr::Member { of: Some(of), name } => stream(compile(of)?, Step::Member(name.clone())),
        Expr::Item { of, index } => segment(compile(of)?, Segment::Item(compile(index)?)),
        Expr::Call { on, name, arguments } => {
            let input = on.as_deref().map(compile).transpose()?.unwrap_or(Plan::This);
            call(input, name, arguments)?
        }
        Expr::Unary { sign, operand } => Plan::Signed(*sign, Box::new(compile(operand)?)),
        Expr::Binary { operator, left, right } => Plan::Binary(*operator, Box::new([compile(left)?, compile(right)?])),
        Expr::Union(parts) => Plan::Union(parts.iter().map(compile).collect::<Result<_, _>>()?),
        Expr::Is { operand, kind } => Plan::Is(Box::new(compile(operand)?), Target::of(kind)),
        Expr::As { operand, kind } => Plan::As(Box::new(compile(operand)?), Target::of(kind)),
    })
}

fn constant(literal: &Literal) -> Plan {
    Plan::Constant(match literal {
        Literal::Empty => return Plan::Empty,
        Literal::String(text) => return Plan::Text(text.clone()),
        Literal::Boolean(it) => Node::Boolean(*it),
        Literal::Integer(it) => Node::Integer(*it),
        Literal::Decimal(it) => Node::Decimal(*it),
        Literal::Temporal(it) => Node::Temporal(*it),
        Literal::Quantity { value, unit, calendar } => {
            Node::Quantity(Box::new(Quantity { value: *value, unit: Cow::Owned(unit.clone()), calendar: *calendar }))
        }
    })
}

/// Adds a segment to a chain, or begins one.
fn segment(input: Plan, next: Segment) -> Plan {
    let mut chain = match input {
        Plan::Chain(chain) => chain,
        Plan::This => Box::new(Chain { head: None, segments: Vec::new() }),
        head => Box::new(Chain { head: Some(head), segments: Vec::new() }),
    };
    match (chain.segments.last_mut(), next) {
        (Some(Segment::Stream(steps)), Segment::Stream(more)) => steps.extend(more),
        (_, next) => chain.segments.push(next),
    }
    Plan::Chain(chain)
}

fn stream(input: Plan, step: Step) -> Plan {
    segment(input, Segment::Stream(vec![step]))
}

fn call(input: Plan, name: &str, arguments: &[Expr]) -> Result<Plan, PathError> {
    let function = functions::find(name, arguments.len()).ok_or_else(|| PathError::Function(name.to_owned()))?;
    let target = match name {
        "is" | "as" | "ofType" => {
            let written = arguments[0].as_type_name().ok_or_else(|| PathError::Function(name.to_owned()))?;
            Some(Target::of(&written))
        }
        _ => None,
    };
    match (name, arguments) {
        ("ofType", _) => return Ok(stream(input, Step::OfType(target.expect("set above")))),
        ("resolve", []) => return Ok(stream(input, Step::Resolve)),
        ("extension", [url]) => return Ok(stream(input, Step::Extension(compile(url)?))),
        // `$index` counts over the whole input, so these two run item by item only without it.
        ("where", [criterion]) if !mentions_index(criterion) => {
            return Ok(stream(input, Step::Where(compile(criterion)?)));
        }
        ("select", [projection]) if !mentions_index(projection) => {
            return Ok(stream(input, Step::Select(compile(projection)?)));
        }
        _ => {}
    }
    let mut descending = Vec::new();
    let mut plans = Vec::with_capacity(arguments.len());
    for argument in arguments.iter().filter(|_| target.is_none()) {
        match argument {
            Expr::Unary { sign: Sign::Minus, operand } if name == "sort" => {
                descending.push(true);
                plans.push(compile(operand)?);
            }
            _ => {
                descending.push(false);
                plans.push(compile(argument)?);
            }
        }
    }
    let pattern = match (name, arguments) {
        ("matches" | "matchesFull" | "replaceMatches", [Expr::Literal(Literal::String(text)), ..]) => {
            Some(functions::pattern(text, name == "matchesFull")?)
        }
        _ => None,
    };
    Ok(segment(input, Segment::Call(Call { function, arguments: plans, target, pattern, descending })))
}

fn mentions_index(expr: &Expr) -> bool {
    match expr {
        Expr::Index => true,
        Expr::Literal(_) | Expr::This | Expr::Total | Expr::Variable(_) => false,
        Expr::Member { of, .. } => of.as_deref().is_some_and(mentions_index),
        Expr::Call { on, arguments, .. } => {
            on.as_deref().is_some_and(mentions_index) || arguments.iter().any(mentions_index)
        }
        Expr::Item { of, index } => mentions_index(of) || mentions_index(index),
        Expr::Unary { operand, .. } | Expr::Is { operand, .. } | Expr::As { operand, .. } => mentions_index(operand),
        Expr::Binary { left, right, .. } => mentions_index(left) || mentions_index(right),
        Expr::Union(parts) => parts.iter().any(mentions_index),
    }
}
